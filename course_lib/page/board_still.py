"""A `board` as a static picture: what those see who read the page without a kernel, drawn as its script draws it."""

import re
from io import BytesIO

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from PIL import Image
from torch import Tensor

from course_lib.page.pictures import picture
from course_lib.page.plots import to_png

DPI = 150
RIM = [effects.withStroke(linewidth=4.5, foreground="white", alpha=0.85)]


def draw_board(
    scene: dict,
    image: Tensor | None,
    values: dict[str, tuple],
    clicked: tuple[str, ...],
    shapes: list[dict],
    text: str,
    figure: Figure | None,
) -> bytes:
    """The board with everything on it, under it its text and beside it its figure, as PNG bytes at 150 dpi.

    Args:
        scene: as `board_scene.scene_of` gives it.
        image: under the items, or None for a grid.                     # [1 or 3, H, W] in 0..1
        values: of every item.
        clicked: the names of the items that were clicked; the last one is filled more strongly.
        shapes, text, figure: what `on_change` returned; the shapes as `board_scene.answer_of` gives them.
    """
    pixels = None if image is None else picture(image)  # [H, W, 3]
    board = Image.open(BytesIO(to_png(_board(scene, pixels, values, clicked, shapes, text), DPI)))
    if figure is None:
        return _bytes(board)
    beside = Image.open(BytesIO(to_png(figure, DPI)))
    sheet = Image.new(
        "RGB", (board.width + beside.width, max(board.height, beside.height)), "white"
    )
    sheet.paste(board, (0, 0))
    sheet.paste(beside, (board.width, 0))
    return _bytes(sheet)


def _board(scene, pixels, values, clicked, shapes, text) -> Figure:
    """The figure of the board alone."""
    width, height = scene["width"], scene["height"]
    wide, high = (pixel / 100 for pixel in scene["shown"])
    lines = text.count("\n") + 1 if text else 0
    left, right, top = (0.05, 0.05, 0.05) if pixels is not None else (0.4, 0.2, 0.1)
    bottom = (0.05 if pixels is not None else 0.3) + 0.28 * lines
    whole = (left + wide + right, top + high + bottom)
    fig = Figure(figsize=whole)
    place = (left / whole[0], bottom / whole[1], wide / whole[0], high / whole[1])
    ax = fig.add_axes(place, xlim=(0, width), ylim=(height, 0))
    if pixels is None:
        ax.set_xticks(np.arange(0, width * (1 + 1e-9), scene["ticks"]))
        ax.set_yticks(np.arange(0, height * (1 + 1e-9), scene["ticks"]))
    else:
        ax.set_axis_off()
        how = "nearest" if scene["shown"][0] / pixels.shape[1] >= 2 else "antialiased"
        ax.imshow(pixels, extent=(0, width, height, 0), interpolation=how, aspect="auto")
    taken = []
    for item in scene["items"]:
        _draw_item(ax, item, values[item["name"]], item["name"] in clicked[-1:], taken)
    for shape in shapes:
        _draw_shape(ax, taken, **shape)
    if text:
        fig.text(left / whole[0], 0.08 / whole[1], _mathtext(text), fontsize=12, va="bottom")
    return fig


def _draw_item(ax: Axes, item: dict, value: tuple, chosen: bool, taken: list) -> None:
    colour, fixed = item["colour"], item["fixed"]
    if item["kind"] == "stroke":
        for line in value:
            ax.plot(*np.transpose([*line, line[-1]]), color=colour, lw=3.6, solid_capstyle="round")
        return
    if item["kind"] == "point":
        rim = "black" if chosen else "white"
        ax.plot(*value, "o", color=colour, ms=12, mec=rim, mew=2, clip_on=False, zorder=4)
    else:
        x1, y1, x2, y2 = value
        fill = Rectangle((x1, y1), x2 - x1, y2 - y1, fc=colour, alpha=0.36 if chosen else 0.1)
        ax.add_patch(fill)
        _outline(ax, value, colour, "-")
        if not fixed:
            look = {"ms": 7, "mec": colour, "mew": 1.8, "clip_on": False, "zorder": 4}
            ax.plot([x1, x2, x1, x2], [y1, y1, y2, y2], "o", color="white", **look)
    _write(ax, value, item["label"], "white", colour, taken)


def _draw_shape(ax: Axes, taken: list, kind: str, at: list[float], colour: str, label: str) -> None:
    if kind == "area":
        fill = Rectangle(
            at[:2], at[2] - at[0], at[3] - at[1], fc=colour, alpha=0.42, lw=0, zorder=0.9
        )
        ax.add_patch(fill)
    elif kind == "box":
        _outline(ax, at, colour, (0, (5, 3)))
        _write(ax, at, label, colour, "white", taken)
    elif kind == "text":
        ax.text(
            *at,
            label,
            color=colour,
            weight="bold",
            size=12,
            ha="center",
            va="center",
            path_effects=RIM,
        )
    else:
        arrow = FancyArrowPatch(at[:2], at[2:], arrowstyle="-|>", mutation_scale=13, color=colour, lw=1.8,
                                shrinkA=0, shrinkB=0, path_effects=RIM, zorder=5)  # fmt: skip
        ax.add_patch(arrow)
        _write(ax, ((at[0] + at[2]) / 2, (at[1] + at[3]) / 2), label, colour, "white", taken)


def _outline(ax: Axes, box: tuple, colour: str, style: object) -> None:
    x1, y1, x2, y2 = box
    whole = style == "-"
    look = {"path_effects": RIM if whole else None, "clip_on": False, "zorder": 3 if whole else 2.5}
    ax.plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], color=colour, lw=1.8, ls=style, **look)


def _write(ax: Axes, at: tuple, label: str, ink: str, paper: str, taken: list) -> None:
    """A name to the right of a point, or at a corner of a box: where it is on the board and over no other name."""
    if not label:
        return
    # In pixels, y down, with the left and lower end of the name.
    scale, width, height = ax.bbox.width / ax.get_xlim()[1], 9 * len(label) + 9, 20
    x1, y1, x2, y2 = (scale * v for v in [*at, *at][:4])
    places = [(x1 + 16, y1 + 7)]
    if len(at) == 4:
        lefts, lows = (x1, x2 - width), (y1 - 6, y2 + height + 9)
        places = [(x, y) for y in (*lows, y1 + height + 10) for x in lefts]
    clear = [
        (x, y)
        for x, y in places
        if 0 <= x <= ax.bbox.width - width and height <= y <= ax.bbox.height
        and not any(abs(x - a) < max(width, w) and abs(y - b) < height for a, b, w in taken)
    ]  # fmt: skip
    x, y = [*clear, *places][0]
    taken.append((x, y, width))
    box = {"boxstyle": "round,pad=0.2", "facecolor": paper, "edgecolor": ink, "linewidth": 1}
    look = {"color": ink, "weight": "bold", "size": 9, "zorder": 6}
    ax.text(x / scale, y / scale, label, va="bottom", bbox=box, **look)


def _mathtext(text: str) -> str:
    """The text as matplotlib writes it, `<sub>` and `<sup>` below and above the line."""
    text = text.replace("$", r"\$")
    for tag, sign in (("sub", "_"), ("sup", "^")):
        text = re.sub(rf"<{tag}>(.*?)</{tag}>", rf"$\\mathregular{{{{}}{sign}{{\1}}}}$", text)
    return text


def width_of(png: bytes) -> int:
    """How many pixels wide a picture drawn by `draw_board` is to be shown."""
    return round(Image.open(BytesIO(png)).width * 100 / DPI)


def _bytes(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format="png", compress_level=3)
    return buffer.getvalue()
