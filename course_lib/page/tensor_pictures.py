"""A tensor as a small picture in a diagram whose unit is the pixel: an image, feature maps, strips, a number."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from course_lib.page.pictures import picture
from course_lib.page.plots import SAME

FRAME = "#C4C9CF"
CHANNELS, STRIPS = 9, 12


def size_of(tensor: Tensor | None, image: Tensor | None, width: float) -> tuple[float, float]:
    """Width and height of the picture, in pixels, where there is room for `width`; (0, 0) for nothing."""
    if image is not None:
        high, wide = image.shape[1:]
        return wide * width / max(high, wide), high * width / max(high, wide)
    if tensor is None:
        return 0, 0
    if tensor.ndim == 0:
        return width, 24
    if tensor.ndim > 2:
        columns, rows = _grid(tensor.shape[-3])
        return width, width * rows / columns
    strips = 1 if tensor.ndim == 1 else min(STRIPS, len(tensor))
    square = tensor.ndim == 2 and tensor.shape == (strips, strips)
    return width, width if square else max(16, 8 * strips)


def draw(
    ax: Axes,
    tensor: Tensor | None,
    image: Tensor | None,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> None:
    """The image [C, H, W]; or a tensor's first feature maps, its strips from white to blue, its number.

    Args:
        ax: axes with a unit of a pixel and y down.
        tensor: [B, C, H, W], [C, H, W], [N, M], [N] or []; every feature map, and all strips, from least to largest.
        image: in 0..1, drawn instead of the tensor.   # [C, H, W]
        corner: top left, as (x, y).
        size: what `size_of` says.
    """
    (x, y), (wide, high) = corner, size
    if image is not None:
        _draw_pixels(ax, picture(image), x, y, wide, high)
        return
    tensor = tensor.detach().cpu().float()
    if tensor.ndim == 0:
        look = {"size": 14, "weight": "bold", "color": SAME, "ha": "center", "va": "center"}
        ax.text(x + wide / 2, y + high / 2, f"{tensor.item():.2f}", **look)
    elif tensor.ndim < 3:
        strips = tensor.reshape(-1, tensor.shape[-1])[:STRIPS]
        _draw_pixels(ax, _scaled(strips), x, y, wide, high)
    else:
        maps = (tensor[0] if tensor.ndim == 4 else tensor)[:CHANNELS]
        columns, rows = _grid(len(maps))
        right, down = (wide + 2) / columns, (high + 2) / rows
        for number, values in enumerate(maps):
            row, column = divmod(number, columns)
            at = x + column * right, y + row * down
            _draw_pixels(ax, _scaled(values), *at, right - 2, down - 2)


def _grid(channels: int) -> tuple[int, int]:
    """Columns and rows of so many feature maps."""
    shown = min(channels, CHANNELS)
    columns = next(side for side in (1, 2, 3) if side * side >= shown)
    return columns, -(-shown // columns)


def _scaled(values: Tensor) -> np.ndarray:
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low) if high > low else torch.zeros_like(values)
    return scaled.numpy()


def _draw_pixels(
    ax: Axes, values: np.ndarray, x: float, y: float, wide: float, high: float
) -> None:
    """Numbers in 0..1 [H, W], or colours [H, W, 3], in a thin frame."""
    look = {"cmap": "Blues", "vmin": 0, "vmax": 1, "aspect": "auto", "interpolation": "nearest"}
    ax.imshow(values, extent=(x, x + wide, y + high, y), zorder=2, **look)
    frame = {"fill": False, "edgecolor": FRAME, "linewidth": 0.8, "zorder": 3}
    ax.add_patch(Rectangle((x, y), wide, high, **frame))
