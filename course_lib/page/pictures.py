"""Images in figures: one, a sheet of many, what a search returned, a table of distances, a map.

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

from course_lib.arguments import check_count, check_finite, check_tensor, shape
from course_lib.page.plots import CLASS_COLOURS, OTHER, QUERY, SAME, bare, panels


def picture(image: Tensor) -> np.ndarray:
    """An image [C, H, W] in 0..1 as matplotlib draws it: [H, W, 3]; grey images as dark ink on white paper.

    Raises:
        TypeError: not a tensor of floating point (bytes in 0..255 would all be white).
        ValueError: not 1 or 3 channels.
    """
    check_tensor("picture", "[C, H, W]", image=image)
    if image.shape[0] not in (1, 3):
        raise ValueError(f"picture: image must have 1 or 3 channels, got {shape(image)}")
    image = image.detach().cpu().float()
    if image.shape[0] == 1:
        image = (1 - image).expand(3, -1, -1)
    return image.permute(1, 2, 0).clamp(0, 1).numpy()


def show_image(ax: Axes, image: Tensor, title: str = "", colour: str | None = None) -> None:
    """One image [C, H, W], pixel for pixel, in bare axes."""
    bare(ax, title, colour).imshow(picture(image), interpolation="nearest")


def contact_sheet(ax: Axes, images: Tensor, columns: int, title: str = "") -> None:
    """Many images [N, C, H, W] side by side in one axes, row by row, with a gap between them; none is an empty one."""
    check_tensor("contact_sheet", "[N, C, H, W]", images=images)
    check_count("contact_sheet", columns=columns)
    if images.numel() == 0:
        bare(ax, title)
        return
    gap = max(1, images.shape[-1] // 16)
    tiles = torch.from_numpy(np.stack([picture(image) for image in images]))
    tiles = tiles.permute(0, 3, 1, 2)  # [N, 3, H, W]
    # Fill the last row with paper.
    tiles = torch.cat([tiles, torch.ones(-len(tiles) % columns, *tiles.shape[1:])])
    tiles = F.pad(tiles, (0, gap, 0, gap), value=1.0)
    rows = tiles.unflatten(0, (-1, columns))  # [rows, columns, 3, H, W]
    sheet = rows.permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2)  # [rows * H, columns * W, 3]
    bare(ax, title).imshow(sheet[:-gap, :-gap].numpy(), interpolation="nearest")


def captioned_sheet(
    ax: Axes, images: Tensor, captions: Sequence[str], columns: int, title: str = ""
) -> None:
    """A contact sheet with a caption in each image, at its lower edge.

    Raises:
        ValueError: not as many captions as images.
    """
    if len(captions) != len(images):
        raise ValueError(f"captioned_sheet: {len(captions)} captions for {len(images)} images")
    contact_sheet(ax, images, columns, title)
    height, width = images.shape[2:]
    gap = max(1, width // 16)
    for place, caption in enumerate(captions):
        row, column = divmod(place, columns)
        x, y = column * (width + gap) + width / 2, row * (height + gap) + 0.98 * height
        look = {"ha": "center", "va": "bottom", "fontsize": 8, "color": "white"}
        behind = {"facecolor": (0, 0, 0, 0.6), "edgecolor": "none", "pad": 1.5}
        ax.text(x, y, caption, bbox=behind, clip_on=True, **look)


def gallery(
    query: Tensor,
    results: Tensor,
    captions: Sequence[str],
    correct: Sequence[bool],
    query_caption: str = "query",
) -> Figure:
    """A query image and what a search returned for it, nearest first; blue frames are right, orange ones wrong.

    Args:
        query: an image.                                   # [C, H, W]
        results: the images returned.                      # [k, C, H, W]
        captions: a line under each result.
        correct: whether each result is of the query's class.
        query_caption: a line under the query.
    """
    if not len(results) == len(captions) == len(correct):
        got = f"{len(results)}, {len(captions)} and {len(correct)}"
        raise ValueError(f"gallery: results, captions and correct must be as many, got {got}")
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
    """Pairwise distances between a few images, written into squares: the nearer, the darker.

    Args:
        images: drawn along the top and the left.     # [N, C, H, W]
        distances: between them.                                    # [N, N]
        digits: after the point.
    """
    n = len(images)
    check_tensor("distance_table", f"[{n}, {n}]", distances=distances)
    values = distances.detach().cpu().double().numpy()
    # The diagonal is 0 and says nothing.
    shades = np.where(np.eye(n, dtype=bool) | ~np.isfinite(values), np.nan, values)
    seen = shades[~np.isnan(shades)]
    low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 1.0)
    bare(ax, title).imshow(shades, cmap="Blues_r", vmin=low, vmax=high + 0.3 * (high - low))
    for (row, column), value in np.ndenumerate(values):
        # Black and white are equally easy to read on the colour that stands here.
        dark = row != column and value < low + 0.37 * (high - low)
        number = "0" if row == column else f"{value:.{digits}f}"
        ax.text(
            column,
            row,
            number,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if dark else "black",
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
    """Images laid out on a map: each where its point is, unless another already lies there.

    Args:
        points: a place for each image; a tensor or array.  # [N, 2]
        images: of whatever size, in 0..1.                  # [N, C, H, W]
        labels: if given, each image gets a frame in its class's colour.    # [N]
        pixels: side of the square map; images of 8 pixels are enlarged, those of 32 kept.
    Raises:
        TypeError, ValueError: points that are not one for each image, NaN or infinity; images larger than the map.

    Points without extent along an axis lie in its middle.
    """
    check_tensor("thumbnail_map", "[N, C, H, W]", images=images)
    points = torch.as_tensor(points).detach().cpu().double()
    check_tensor("thumbnail_map", f"[{len(images)}, 2]", points=points)
    check_finite("thumbnail_map", points=points)
    if labels is not None and len(labels) != len(images):
        raise ValueError(f"thumbnail_map: {len(labels)} labels for {len(images)} images")
    zoom = max(1, 24 // images.shape[-1])
    height, width = (zoom * side for side in images.shape[2:])
    room = torch.tensor([pixels - width - 8, pixels - height - 8])
    if room.min() < 0:
        raise ValueError(f"thumbnail_map: images {shape(images)} do not fit on {pixels} pixels")
    corners = (_spread(points) * room).long() + 4  # [N, 2] as (column, row)
    canvas = np.ones((pixels, pixels, 3), dtype=np.float32)
    taken = np.zeros((pixels, pixels), dtype=bool)
    for i, (column, row) in enumerate(corners.tolist()):
        # A map's y axis points up, an image's rows go down.
        row = pixels - height - row
        place = (slice(row, row + height), slice(column, column + width))
        if taken[place].mean() > 0.3:
            continue
        taken[place] = True
        canvas[place] = picture(images[i]).repeat(zoom, 0).repeat(zoom, 1)
        if labels is not None:
            frame = matplotlib.colors.to_rgb(CLASS_COLOURS[int(labels[i]) % len(CLASS_COLOURS)])
            for edge in ((row, row + 2), (row + height - 2, row + height)):
                canvas[slice(*edge), place[1]] = frame
            for edge in ((column, column + 2), (column + width - 2, column + width)):
                canvas[place[0], slice(*edge)] = frame
    bare(ax, title).imshow(canvas)


def _spread(points: Tensor) -> Tensor:
    """Points [N, 2] scaled to 0..1 along each axis; .5 along an axis on which they are all the same."""
    if len(points) == 0:
        return points
    low, high = points.aminmax(dim=0)
    # Halves: the difference of two large numbers may overflow.
    extent = high / 2 - low / 2
    return torch.where(extent > 0, (points / 2 - low / 2) / extent.where(extent > 0, 1), 0.5)
