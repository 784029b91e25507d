"""Diagrams of networks, drawn from the tensors that went through them: `pipeline`.

What is computed stands in a box, data stand bare; every arrow carries the shape of the tensor that it stands for.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from torch import Tensor

from course_lib.arguments import check_finite, check_tensor
from course_lib.page.pictures import picture
from course_lib.page.plots import MUTED, SAME, WIDTH

# Pixels, at 100 an inch.
PIXELS, MARGIN, PAD, LINE, LARGEST, BETWEEN = round(100 * WIDTH), 8, 8, 16, 104, 26
TINT, INK, PALE = "#E9F2F9", "#222222", "#C4C9CF"
# Points: a title, a note, a shape; a single number.
TEXT, NUMBER = 9.5, 14
CHANNELS, ROWS = 9, 12


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a pipeline: an operation (it has a note, or nothing to show) or data.

    name: its title.
    tensor: what comes out of it, of any number type: [B, C, H, W] or [C, H, W] is drawn as the first nine channels
        of the first image, [N, M] and [N] as strips of colour, one number in digits.
    image: drawn instead of the tensor.                           # [3, H, W] or [1, H, W], in 0..1
    note: what it does, in a few words.
    """

    name: str
    tensor: Tensor | None = None
    image: Tensor | None = None
    note: str = ""

    @property
    def is_operation(self) -> bool:
        return bool(self.note) or (self.tensor is None and self.image is None)


@dataclass
class _Place:
    """Where a stage stands: its column and rows, its texts in lines, its box in pixels (y down)."""

    stage: Stage
    column: int
    rows: list[int]
    title: Sequence[str] = ()
    note: Sequence[str] = ()
    shape: str = ""
    size: tuple[float, float] = (0, 0)
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0

    @property
    def content(self) -> float:
        """Height of title, picture, note and shape."""
        lines = len(self.title) + len(self.note) + bool(self.shape)
        return LINE * lines + self.size[1] + (6 if self.size[1] else 0)


def pipeline(rows: Sequence[Sequence[Stage | None]]) -> Figure:
    """A diagram of stages from left to right, 900 pixels wide.

    Args:
        rows: rows of equally many stages; None leaves a place empty. An arrow leads from each stage to the next of
            its row. The same Stage in several rows is drawn once, over all of them: there the rows part (one feature
            map, two heads) or meet (two images, one network).
    Returns:
        A Figure. The first dimension of [B, C, H, W] is written B; so is a dimension of that size that other
        tensors begin with.
    Raises:
        TypeError: not rows of stages; an image or a tensor that is none.
        ValueError: rows of different lengths; a stage in two columns, or in rows that are not neighbours; a tensor
            that is empty, or has NaN, or more axes than four; more columns, or longer words, than 900 pixels hold.

    >>> x = torch.rand(4, 3, 32, 32)
    >>> fig = pipeline([[Stage("image", x, image=x[0]), Stage("network", note="5 convolutions")]])
    >>> [text.get_text() for text in fig.axes[0].texts]
    ['image', 'network', '5 convolutions', '[B, 3,\\n32, 32]']
    """
    places = _places(rows)
    arrows = _arrows(rows, places)
    columns = len(rows[0])
    batch = _batch([place.stage for place in places.values()])
    sources = {id(a.stage) for a, _, _ in arrows}
    gaps = [30.0] * (columns - 1)
    for a, _, _ in arrows:
        label = _shape(a.stage, batch)
        gaps[a.column] = max(gaps[a.column], 22 + max(map(_length, label.split("\n"))))
    width = (PIXELS - 2 * MARGIN - sum(gaps)) / columns
    if width < 66:
        raise ValueError(
            f"pipeline: {columns} columns with their shapes do not fit {PIXELS} pixels"
        )
    for place in places.values():
        inner, stage = width - 2 * PAD, place.stage
        place.title, place.note = _lines(stage.name, inner, "bold"), _lines(stage.note, inner)
        place.size = _picture_size(stage, min(inner, LARGEST))
        if id(stage) not in sources:
            place.shape = " ".join(_shape(stage, batch).split("\n"))
        place.x, place.width = MARGIN + place.column * width + sum(gaps[: place.column]), width
    tops, heights = _row_heights(len(rows), places)
    fig = Figure(figsize=(WIDTH, (tops[-1] + heights[-1] + MARGIN) / 100))
    ax = fig.add_axes((0, 0, 1, 1))
    for place in places.values():
        first, last = place.rows[0], place.rows[-1]
        place.y = tops[first]
        place.height = tops[last] + heights[last] - tops[first]
        _draw_stage(ax, place)
    for a, b, at in arrows:
        y = sum(tops[row] + heights[row] / 2 for row in at) / len(at)
        _draw_arrow(ax, a, b, y, _shape(a.stage, batch))
    ax.set(xlim=(0, PIXELS), ylim=(100 * fig.get_figheight(), 0))
    ax.set_axis_off()
    return fig


def _places(rows: Sequence[Sequence[Stage | None]]) -> dict[int, _Place]:
    """Every stage once, by its identity, with its column and rows."""
    if not rows or not all(isinstance(row, list | tuple) and row for row in rows):
        raise TypeError(f"pipeline: rows must be lists of stages, got {rows!r:.80}")
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"pipeline: rows must be equally long, got {[len(row) for row in rows]}")
    places: dict[int, _Place] = {}
    for number, row in enumerate(rows):
        for column, stage in enumerate(row):
            if stage is None:
                continue
            if not isinstance(stage, Stage):
                raise TypeError(f"pipeline: rows must hold Stage or None, got {stage!r:.60}")
            place = places.setdefault(id(stage), _Place(stage, column, []))
            if place.column != column or (place.rows and place.rows[-1] != number - 1):
                raise ValueError(
                    f"pipeline: {stage.name!r} must stand in one column and in neighbouring rows,"
                    f" got column {column}, row {number} after column {place.column},"
                    f" rows {place.rows}"
                )
            place.rows.append(number)
    for place in places.values():
        _check(place.stage)
    return places


def _check(stage: Stage) -> None:
    where = f"pipeline: stage {stage.name!r}"
    if stage.image is not None:
        check_tensor(where, "[C, H, W]", image=stage.image)
    if stage.tensor is None:
        return
    if not isinstance(stage.tensor, Tensor):
        raise TypeError(f"{where}: tensor must be a tensor, got {type(stage.tensor).__name__}")
    if stage.tensor.ndim > 4 or stage.tensor.numel() == 0:
        raise ValueError(
            f"{where}: tensor must have at most 4 axes, none empty, got {list(stage.tensor.shape)}"
        )
    check_finite(where, tensor=stage.tensor)


def _arrows(rows, places: dict[int, _Place]) -> list[tuple[_Place, _Place, list[int]]]:
    """From, to, and the rows in which they follow each other."""
    found: dict[tuple[int, int], list[int]] = {}
    for number, row in enumerate(rows):
        for a, b in itertools.pairwise(id(stage) for stage in row if stage is not None):
            found.setdefault((a, b), []).append(number)
    return [(places[a], places[b], at) for (a, b), at in found.items()]


def _batch(stages: list[Stage]) -> int | None:
    """The size that all [B, C, H, W] begin with, if it is one."""
    sizes = {s.tensor.shape[0] for s in stages if s.tensor is not None and s.tensor.ndim == 4}
    return sizes.pop() if len(sizes) == 1 else None


def _shape(stage: Stage, batch: int | None) -> str:
    """[B, 96, 12, 12], in two lines from three axes on; nothing without a tensor, or for one number."""
    if stage.tensor is None or stage.tensor.ndim == 0:
        return ""
    sizes = list(map(str, stage.tensor.shape))
    if batch is not None and stage.tensor.shape[0] == batch:
        sizes[0] = "B"
        # All against all.
        if stage.tensor.shape == (batch, batch):
            sizes[1] = "B"
    half = (len(sizes) + 1) // 2 if len(sizes) > 2 else len(sizes)
    return f"[{', '.join(sizes[:half])}" + (
        f",\n{', '.join(sizes[half:])}]" if sizes[half:] else "]"
    )


def _length(text: str, weight: str = "normal") -> float:
    """Of a line of text, in pixels."""
    font = FontProperties(size=TEXT, weight=weight)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] * 100 / 72


def _lines(text: str, width: float, weight: str = "normal") -> list[str]:
    """The text broken at its spaces, so that it is not wider than so many pixels."""
    lines: list[str] = []
    for word in text.split():
        if _length(word, weight) > width:
            raise ValueError(
                f"pipeline: {word!r} is wider than its column of {width:.0f} pixels, in {text!r}"
            )
        if lines and _length(f"{lines[-1]} {word}", weight) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _row_heights(count: int, places: dict[int, _Place]) -> tuple[list[float], list[float]]:
    """Top and height of every row: what stands in it alone fits, and what stands in several rows fits into them."""
    heights = [60.0] * count
    for place in sorted(places.values(), key=lambda place: len(place.rows)):
        rows = place.rows
        has = sum(heights[row] for row in rows) + BETWEEN * (len(rows) - 1)
        for row in rows:
            heights[row] += max(0, place.content + 2 * PAD - has) / len(rows)
    tops = [MARGIN + sum(heights[:row]) + BETWEEN * row for row in range(count)]
    return tops, heights


def _picture_size(stage: Stage, width: float) -> tuple[float, float]:
    """Width and height, in pixels, of what is drawn for the stage's image or tensor."""
    if stage.image is not None:
        high, wide = stage.image.shape[1:]
        scale = width / max(high, wide)
        return wide * scale, high * scale
    if stage.tensor is None:
        return 0, 0
    if stage.tensor.ndim >= 3:
        return width, width
    if stage.tensor.ndim == 0:
        return width, 24
    rows = min(ROWS, len(stage.tensor)) if stage.tensor.ndim == 2 else 1
    square = stage.tensor.ndim == 2 and len(set(stage.tensor.shape)) == 1
    return width, width if square else max(14, 8 * rows)


def _draw_stage(ax: Axes, place: _Place) -> None:
    """Title, picture, note and shape, one under the other in the middle of the place."""
    stage, middle = place.stage, place.x + place.width / 2
    y = place.y + (place.height - place.content) / 2
    if stage.is_operation:
        corner, sizes = (place.x + 1, place.y + 1), (place.width - 2, place.height - 2)
        box = FancyBboxPatch(
            corner, *sizes, "round,pad=0,rounding_size=7", facecolor=TINT, edgecolor=SAME
        )
        ax.add_patch(box)
    font = {"ha": "center", "va": "center", "size": TEXT}
    for line in place.title:
        ax.text(middle, y + LINE / 2, line, weight="bold", color=INK, **font)
        y += LINE
    if place.size[1]:
        _draw_picture(ax, stage, middle - place.size[0] / 2, y + 3, *place.size)
        y += place.size[1] + 6
    for line, colour in [*((line, INK) for line in place.note), (place.shape, MUTED)]:
        if line:
            ax.text(middle, y + LINE / 2, line, color=colour, **font)
            y += LINE


def _draw_picture(ax: Axes, stage: Stage, x: float, y: float, wide: float, high: float) -> None:
    """The image; the first channels of the first image; strips, from white to blue; a number."""
    if stage.image is not None:
        _draw_pixels(ax, picture(stage.image), x, y, wide, high)
        return
    tensor = stage.tensor.detach().cpu().float()
    if tensor.ndim == 0:
        number = f"{tensor.item():.2f}"
        at = {"ha": "center", "va": "center", "size": NUMBER, "weight": "bold", "color": SAME}
        ax.text(x + wide / 2, y + high / 2, number, **at)
    elif tensor.ndim < 3:
        _draw_pixels(ax, _scaled(tensor.reshape(-1, tensor.shape[-1])[:ROWS]), x, y, wide, high)
    else:
        maps = (tensor[0] if tensor.ndim == 4 else tensor)[:CHANNELS]
        side = 1 if len(maps) == 1 else 2 if len(maps) <= 4 else 3
        each = (wide - 2 * (side - 1)) / side
        for number, channel in enumerate(maps):
            row, column = divmod(number, side)
            corner = x + column * (each + 2), y + row * (each + 2)
            _draw_pixels(ax, _scaled(channel), *corner, each, each)


def _scaled(values: Tensor) -> Tensor:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.full_like(values, 0.5)


def _draw_pixels(ax: Axes, values, x: float, y: float, wide: float, high: float) -> None:
    """Numbers in 0..1 [H, W], or colours [H, W, 3], with a thin frame."""
    look = {"cmap": "Blues", "vmin": 0, "vmax": 1, "aspect": "auto", "interpolation": "nearest"}
    ax.imshow(values, extent=(x, x + wide, y + high, y), zorder=2, **look)
    frame = {"fill": False, "edgecolor": PALE, "linewidth": 0.8, "zorder": 3}
    ax.add_patch(Rectangle((x, y), wide, high, **frame))


def _draw_arrow(ax: Axes, a: _Place, b: _Place, y: float, label: str) -> None:
    """From the right of `a` to the left of `b`, at height y where they have a box there; the shape above it."""
    left, right = a.x + a.width, b.x
    # What stands bare begins and ends at its picture.
    start, end = (y if place.stage.is_operation else place.y + place.height / 2 for place in (a, b))
    left -= 0 if a.stage.is_operation else (a.width - a.size[0]) / 2 - 3
    right += 0 if b.stage.is_operation else (b.width - b.size[0]) / 2 - 3
    bend = a.x + a.width + 9 if start != y else b.x - 9
    path = Path([(left + 2, start), (bend, start), (bend, end), (right - 2, end)])
    look = {"arrowstyle": "-|>", "mutation_scale": 9, "color": MUTED, "linewidth": 1.3}
    ax.add_patch(FancyArrowPatch(path=path, shrinkA=0, shrinkB=0, zorder=1, **look))
    at = {"ha": "center", "va": "bottom", "size": TEXT, "color": "#555555", "linespacing": 1.1}
    ax.text((a.x + a.width + b.x) / 2, (y if start != y else start) - 4, label, **at)
