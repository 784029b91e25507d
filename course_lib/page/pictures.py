"""Pictures in figures: one, a sheet of many, what a search found, a table of distances, a map.

Like `plots`, whose axes they fill: every function returns a Figure or draws into the axes it was given.
"""

from collections.abc import Sequence

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from course_lib.page.plots import CLASS_COLOURS, OTHER, QUERY, SAME, bare, panels


def picture(image: Tensor) -> np.ndarray:
    """A picture [C, H, W] in 0..1 as matplotlib draws it: [H, W, 3]; grey pictures as dark ink on white paper."""
    image = image.detach().cpu()
    if image.shape[0] == 1:
        image = (1 - image).expand(3, -1, -1)
    return image.permute(1, 2, 0).clamp(0, 1).numpy()


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
