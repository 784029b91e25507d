"""Figures in one hand: the course's colours, panels, contact sheets, galleries and maps.

The same colour means the same thing throughout: blue is the same class (or ours), orange another one, black the query.
Every function returns a matplotlib Figure or draws into the axes it was given; nothing here needs a screen.
"""

from collections.abc import Sequence
from io import BytesIO

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

# Okabe and Ito's palette: told apart by nearly everyone, colour-blind or not.
SAME, OTHER, QUERY, MUTED = "#0072B2", "#D55E00", "#000000", "#8A8A8A"
CLASS_COLOURS = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C6D31", "#4D4D4D", "#B2182B",
]  # fmt: skip
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.spines.bottom": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.labelcolor": "#333333",
}
matplotlib.rcParams.update(
    STYLE
)  # for every figure from here on, those that a student adds included
WIDTH = 9.0  # inches; shown at 100 pixels an inch


def panels(
    columns: int = 1, rows: int = 1, height: float = 3.2, widths: Sequence[float] | None = None
):
    """A figure of the page's width with a grid of axes in the course's style.

    Args:
        columns, rows: of axes.
        height: of one row, in inches; the figure is 9 inches (900 pixels) wide.
        widths: relative widths of the columns.
    Returns:
        The figure, and its axes row by row as a flat list.
    """
    fig = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    axes = list(fig.subplots(rows, columns, squeeze=False, width_ratios=widths).flat)
    for ax in axes:
        ax.locator_params(nbins=5)  # a few ticks: calmer to look at, and each costs a millisecond
    return fig, axes


def to_png(fig: Figure, dpi: int = 100) -> bytes:
    """The figure as PNG bytes, the same bytes for the same figure."""
    buffer = BytesIO()
    fig.savefig(
        buffer, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
    )
    return buffer.getvalue()


def picture(image: Tensor) -> np.ndarray:
    """A picture [C, H, W] in 0..1 as matplotlib draws it: [H, W, 3]; grey pictures as dark ink on white paper."""
    image = image.detach().cpu()
    if image.shape[0] == 1:
        image = (1 - image).expand(3, -1, -1)
    return image.permute(1, 2, 0).clamp(0, 1).numpy()


def bare(ax: Axes, title: str = "", colour: str | None = None) -> Axes:
    """Axes without ticks and grid, for pictures; with a coloured frame if asked for."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    ax.set_title(title)
    for spine in ax.spines.values():
        spine.set(visible=colour is not None, color=colour, linewidth=3)
    return ax


def show_image(ax: Axes, image: Tensor, title: str = "", colour: str | None = None) -> None:
    """One picture [C, H, W], pixel for pixel, in bare axes."""
    bare(ax, title, colour).imshow(picture(image), interpolation="nearest")


def contact_sheet(ax: Axes, images: Tensor, columns: int, title: str = "") -> None:
    """Many pictures [N, C, H, W] side by side in one axes, row by row, with a gap between them."""
    gap = max(1, images.shape[-1] // 16)
    tiles = torch.from_numpy(np.stack([picture(image) for image in images])).permute(
        0, 3, 1, 2
    )  # [N, 3, H, W]
    tiles = torch.cat(
        [tiles, torch.ones(-len(tiles) % columns, *tiles.shape[1:])]
    )  # fill the last row with paper
    tiles = F.pad(tiles, (0, gap, 0, gap), value=1.0)
    rows = tiles.unflatten(0, (-1, columns))  # [rows, columns, 3, H, W]
    sheet = rows.permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2)  # [rows * H, columns * W, 3]
    bare(ax, title).imshow(sheet[:-gap, :-gap].numpy(), interpolation="nearest")


def gallery(
    query: Tensor,
    results: Tensor,
    captions: Sequence[str],
    correct: Sequence[bool],
    query_caption: str = "query",
) -> Figure:
    """A query picture and what a search returned for it, nearest first; blue frames are right, orange ones wrong.

    Args:
        query: a picture.                                  # [C, H, W]
        results: the pictures found.                       # [k, C, H, W]
        captions: a line under each result.
        correct: whether each result is of the query's class.
        query_caption: a line under the query.
    """
    fig, axes = panels(len(results) + 1, height=1.55 if len(results) > 5 else 1.9)
    for ax, image, caption, colour in zip(
        axes,
        [query, *results],
        [query_caption, *captions],
        [QUERY, *(SAME if right else OTHER for right in correct)],
        strict=True,
    ):
        show_image(ax, image, colour=colour)
        ax.set_xlabel(caption, color=colour, fontsize=9)
    return fig


def distance_table(
    ax: Axes, images: Tensor, distances: Tensor, title: str = "", digits: int = 1
) -> None:
    """The distance between every two of a few pictures, written into squares: the nearer, the darker.

    Args:
        images: the pictures, drawn along the top and the left.     # [N, C, H, W]
        distances: between them.                                    # [N, N]
        digits: after the point.
    """
    values = distances.detach().cpu().numpy()
    n = len(values)
    shades = np.where(np.eye(n, dtype=bool), np.nan, values)  # the diagonal is 0 and says nothing
    low, high = np.nanmin(shades), np.nanmax(shades)
    bare(ax, title).imshow(shades, cmap="Blues_r", vmin=low, vmax=high + 0.3 * (high - low))
    for (row, column), value in np.ndenumerate(values):
        dark = row != column and value < low + 0.45 * (high - low)
        number = "0" if row == column else f"{value:.{digits}f}"
        ax.text(
            column,
            row,
            number,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if dark else "#333333",
        )
    for i, image in enumerate(images):
        ax.imshow(picture(image), extent=(i - 0.46, i + 0.46, -0.58, -1.5), interpolation="nearest")
        ax.imshow(picture(image), extent=(-1.5, -0.58, i + 0.46, i - 0.46), interpolation="nearest")
    ax.set(xlim=(-1.55, n - 0.5), ylim=(n - 0.5, -1.55))


def scatter_classes(
    ax: Axes, points: Tensor, labels: Tensor, names: Sequence[str], title: str = ""
) -> None:
    """Points [N, 2] coloured by class, with each class's name written at the middle of its points."""
    points, labels = np.asarray(points), np.asarray(labels)
    for number, name in enumerate(names):
        mine = points[labels == number]
        if len(mine) == 0:
            continue
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        ax.scatter(*mine.T, s=9, color=colour, alpha=0.7, linewidths=0)
        box = {
            "boxstyle": "round,pad=0.15",
            "facecolor": "white",
            "edgecolor": colour,
            "alpha": 0.9,
        }
        ax.text(
            *np.median(mine, axis=0),
            name,
            color=colour,
            weight="bold",
            ha="center",
            va="center",
            bbox=box,
        )
    bare(ax, title)


def thumbnail_map(
    ax: Axes,
    points: Tensor,
    images: Tensor,
    labels: Tensor | None = None,
    title: str = "",
    pixels: int = 900,
) -> None:
    """Pictures laid out on a map: each where its point is, unless another already lies there.

    Args:
        points: a place for each picture.                   # [N, 2]
        images: the pictures.                               # [N, C, H, W]
        labels: if given, each picture gets a frame in its class's colour.    # [N]
        pixels: side of the square map; pictures of 8 pixels are doubled, those of 32 kept.
    """
    zoom = max(1, 24 // images.shape[-1])
    side = images.shape[-1] * zoom
    points = np.asarray(points, dtype=float)
    low, high = points.min(0), points.max(0)
    corners = ((points - low) / (high - low) * (pixels - side - 8)).astype(
        int
    ) + 4  # [N, 2] as (column, row)
    canvas = np.ones((pixels, pixels, 3), dtype=np.float32)
    taken = np.zeros((pixels, pixels), dtype=bool)
    for i, (column, row) in enumerate(corners):
        row = pixels - side - row  # a map's y axis points up, an image's rows go down
        place = (slice(row, row + side), slice(column, column + side))
        if taken[place].mean() > 0.3:
            continue
        taken[place] = True
        canvas[place] = picture(images[i]).repeat(zoom, 0).repeat(zoom, 1)
        if labels is not None:
            frame = matplotlib.colors.to_rgb(CLASS_COLOURS[int(labels[i]) % len(CLASS_COLOURS)])
            for edge in ((row, row + 2), (row + side - 2, row + side)):
                canvas[slice(*edge), place[1]] = frame
            for edge in ((column, column + 2), (column + side - 2, column + side)):
                canvas[place[0], slice(*edge)] = frame
    bare(ax, title).imshow(canvas)


def bars(
    ax: Axes,
    values: dict[str, float],
    title: str,
    colours: Sequence[str] | None = None,
    digits: int = 3,
) -> None:
    """Horizontal bars with their numbers written at the ends, first one on top."""
    names = list(values)[::-1]
    colours = list(colours or [SAME] * len(names))[::-1]
    drawn = ax.barh(names, [values[name] for name in names], color=colours, height=0.62)
    ax.bar_label(drawn, fmt=f"%.{digits}f", padding=4)
    ax.set_title(title)
    ax.margins(x=0.15)
    ax.grid(axis="y", visible=False)
