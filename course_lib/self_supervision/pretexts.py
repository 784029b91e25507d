"""Tasks whose labels come from the images themselves: what is shown to a network, and what it must predict."""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_indices, check_tensor

CENTRE = 4  # of nine tiles, row by row
NEIGHBOURS = (0, 1, 2, 3, 5, 6, 7, 8)


def rotations(images: Tensor) -> tuple[Tensor, Tensor]:
    """Every image four times: by how many quarter turns to the left was it turned?

    Args:
        images: squares.                                              # [N, C, S, S]
    Returns:
        Turned images, all upright ones first; quarter turns 0..3.    # [4N, C, S, S], [4N] int64
    Raises:
        TypeError, ValueError: no squares.

    Gidaris, Singh and Komodakis, 2018. (L2.05)
    """
    check_tensor("rotations", "[N, C, S, S]", images=images)
    if images.shape[2] != images.shape[3]:
        raise ValueError(f"rotations: images must be squares, got {tuple(images.shape)}")
    turned = torch.cat([images.rot90(k, (2, 3)) for k in range(4)])
    return turned, torch.arange(4).repeat_interleave(len(images))


def neighbour_pairs(tiles: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """The tile in the middle and one of its eight neighbours: where does the second lie?

    Args:
        tiles: nine of each image, row by row.                        # [N, 9, C, h, w]
        place: which neighbour, 0..7: left to right, top to bottom; the label to predict.   # [N] int64
    Returns:
        The tiles in the middle, and the neighbours.                  # [N, C, h, w] each
    Raises:
        TypeError, ValueError: not nine tiles, not as many places, a place outside of 0..7.

    Doersch, Gupta and Efros, 2015. (L2.04)
    """
    check_tensor("neighbour_pairs", "[N, 9, C, h, w]", tiles=tiles)
    check_indices("neighbour_pairs", 8, place=place)
    if place.shape != (len(tiles),):
        raise ValueError(f"neighbour_pairs: place must be [{len(tiles)}], got {list(place.shape)}")
    which = torch.tensor(NEIGHBOURS)[place]
    return tiles[:, CENTRE], tiles[torch.arange(len(tiles)), which]


def shuffled(tiles: Tensor, orders: Tensor, which: Tensor) -> Tensor:
    """Tiles in one of several orders: which one is it? (The jigsaw.)

    Args:
        tiles: T of each image.                                       # [N, T, C, h, w]
        orders: as `tiles.permutation_set` gives them.                # [K, T] int64
        which: the order of each image, the label to predict.         # [N] int64, 0..K-1
    Returns:
        At place p of image n stands the tile orders[which[n], p].    # [N, T, C, h, w]
    Raises:
        TypeError, ValueError: not as many orders as images, an order of other tiles.

    Noroozi and Favaro, 2016. (L2.07)
    """
    check_tensor("shuffled", f"[N, {orders.shape[-1]}, C, h, w]", tiles=tiles)
    check_indices("shuffled", len(orders), which=which)
    check_indices("shuffled", tiles.shape[1], orders=orders)
    if which.shape != (len(tiles),):
        raise ValueError(f"shuffled: which must be [{len(tiles)}], got {list(which.shape)}")
    return tiles[torch.arange(len(tiles))[:, None], orders[which]]


def with_hole(images: Tensor, side: int, fill: float = 0.5) -> tuple[Tensor, Tensor]:
    """Images with a square hole in the middle, and what was in it: what a context encoder must draw.

    Args:
        images: at least `side` pixels high and wide.                 # [N, C, H, W]
        side: of the hole in pixels.
        fill: the value in the hole.
    Returns:
        The images with the hole, and its contents.                   # [N, C, H, W], [N, C, side, side]
    Raises:
        TypeError, ValueError: no images, or smaller ones than the hole.

    Pathak and others, 2016. (L2.09)
    """
    check_tensor("with_hole", "[N, C, H, W]", images=images)
    check_count("with_hole", side=side)
    height, width = images.shape[2:]
    if min(height, width) < side:
        raise ValueError(f"with_hole: no hole of {side} pixels in images of {height} x {width}")
    top, left = (height - side) // 2, (width - side) // 2
    hole = (..., slice(top, top + side), slice(left, left + side))
    contents, holed = images[hole].clone(), images.clone()
    holed[hole] = fill
    return holed, contents
