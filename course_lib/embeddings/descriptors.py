"""Descriptors made by hand: the vector of an image before anything is learned (L1.01)."""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_images, shape


def pixels(images: Tensor) -> Tensor:
    """The plainest descriptor: all numbers of an image in one row.

    Args:
        images: images, of any type.                       # [N, C, H, W]
    Returns:
        Vectors.                                           # [N, C*H*W]
    Raises:
        TypeError, ValueError: not a tensor [N, C, H, W].

    Lecture topic L1.01.

    >>> pixels(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 3072])
    """
    if not isinstance(images, Tensor):
        raise TypeError(
            f"pixels: images must be a tensor [N, C, H, W], got {type(images).__name__}"
        )
    if images.ndim != 4:
        raise ValueError(f"pixels: images must be a tensor [N, C, H, W], got {shape(images)}")
    return images.flatten(1)


def colour_histogram(images: Tensor, bins: int = 4) -> Tensor:
    """Which colours an image has, and how much of each; not where.

        h_i = sqrt(share of the pixels whose colour falls into bin i)

    Args:
        images: colour images with values in 0..1.         # [N, 3, H, W]
        bins: parts into which red, green and blue are cut; bins^3 colours in all.
    Returns:
        Unit vectors, of the images' type.                 # [N, bins^3]
    Raises:
        TypeError, ValueError: not colour images, or values outside 0..1; bins below 1.

    The root makes every vector one unit long (the shares add up to 1), and keeps one large patch of sky from drowning
    the rest: the Euclidean distance of roots is, but for a factor, Hellinger's distance of the shares.
    Swain and Ballard, "Color Indexing", 1991. Lecture topic L1.01.

    >>> colour_histogram(torch.zeros(1, 3, 2, 2), bins=2)
    tensor([[1., 0., 0., 0., 0., 0., 0., 0.]])
    """
    check_images("colour_histogram", images, channels=3)
    check_count("colour_histogram", bins=bins)
    # In float64 no product is rounded up into the next bin.
    steps = (images.detach().double() * bins).long().clamp(max=bins - 1)  # [N, 3, H, W]: 0..bins-1
    red, green, blue = steps.flatten(2).unbind(1)  # [N, H*W] each
    colour = (red * bins + green) * bins + blue  # [N, H*W]: the number of each pixel's bin
    counts = colour.new_zeros(len(images), bins**3)
    counts.scatter_add_(1, colour, torch.ones_like(colour))  # every pixel adds 1 to its bin
    return (counts.double() / colour.shape[1]).sqrt().to(images.dtype)
