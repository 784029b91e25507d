"""Alignment: turn, shift and scale a face so that its landmarks lie where the network expects them (L2.12, L5.14)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_count, check_tensor, shape


def similarity(points: Tensor, wanted: Tensor) -> Tensor:
    """The turn, scale and shift that bring points as near as possible to where they are wanted.

        minimise over s, R, t:   sum_i | s R p_i + t - w_i |^2

    Args:
        points: of each face, x and y in any unit.            # [N, K, 2]
        wanted: where they should lie, the same for all.      # [K, 2]
    Returns:
        The matrix [s R | t]: no reflection, no shear.        # [N, 2, 3]
    Raises:
        TypeError, ValueError: not such tensors; fewer than two points; all points of a face in one place.

    In the plane it has a closed form: with complex numbers it is a regression line through the origin, whose slope
    s exp(i angle) turns and scales (Umeyama, 1991, for any dimension).

    >>> similarity(torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]), torch.tensor([[1.0, 1.0], [1.0, 3.0]]))
    tensor([[[ 0., -2.,  1.],
             [ 2.,  0.,  1.]]])
    """
    check_tensor("similarity", "[K, 2]", wanted=wanted)
    check_tensor("similarity", f"[N, {len(wanted)}, 2]", points=points)
    if len(wanted) < 2:
        raise ValueError(f"similarity: two points or more are needed, got {len(wanted)}")
    dtype = torch.promote_types(torch.promote_types(points.dtype, wanted.dtype), torch.float32)
    points, wanted = points.to(dtype), wanted.to(dtype)
    middle, goal = points.mean(1), wanted.mean(0)  # [N, 2], [2]
    p, w = points - middle[:, None], wanted - goal
    size = p.square().sum((1, 2))  # [N]
    if (size == 0).any():
        which = (size == 0).nonzero()[0].item()
        raise ValueError(f"similarity: all points of face {which} lie in one place")
    along = (p * w).sum((1, 2)) / size  # s cos
    across = (p[..., 0] * w[:, 1] - p[..., 1] * w[:, 0]).sum(1) / size  # s sin
    turn = torch.stack([along, -across, across, along], dim=1).view(-1, 2, 2)
    shift = goal - (turn @ middle[..., None])[..., 0]
    return torch.cat([turn, shift[..., None]], dim=2)


def warp(images: Tensor, which: Tensor, matrices: Tensor, size: int) -> Tensor:
    """Square pictures out of images: the pixel that was at p comes to s R p + t.

    Args:
        images: in 0..1.                                      # [B, C, H, W]
        which: the image of each face.                        # [N] int64, 0..B-1
        matrices: from pixels of the image to pixels of the picture, as `similarity` gives them.   # [N, 2, 3]
        size: side of a picture in pixels.
    Returns:
        Pictures, read bilinearly; what lies outside of the image goes on as its edge.   # [N, C, size, size]
    Raises:
        TypeError, ValueError: not such tensors; a matrix that cannot be inverted.

    Pixel middles lie at halves: the first one at (0.5, 0.5).
    """
    check_tensor("warp", "[B, C, H, W]", images=images)
    check_tensor("warp", "[N]", torch.int64, which=which)
    check_tensor("warp", f"[{len(which)}, 2, 3]", matrices=matrices)
    check_count("warp", size=size)
    if len(which) and not 0 <= which.min() <= which.max() < len(images):
        raise ValueError(f"warp: which must be in 0..{len(images) - 1}, got {which.tolist()}")
    turn, shift = matrices[..., :2].to(images.dtype), matrices[..., 2:].to(images.dtype)
    if (torch.linalg.det(turn.float()) == 0).any():
        raise ValueError(f"warp: a matrix of {shape(matrices)} cannot be inverted")
    along = torch.arange(size, dtype=images.dtype, device=images.device) + 0.5
    y, x = torch.meshgrid(along, along, indexing="ij")
    there = torch.stack([x, y]).flatten(1)  # [2, size * size]
    back = torch.linalg.inv(turn.float()).to(images.dtype)
    source = (back @ (there - shift)).mT.view(-1, size, size, 2)
    extent = torch.tensor(images.shape[:1:-1], dtype=images.dtype, device=images.device)  # W, H
    grid = 2 * source / extent - 1
    return F.grid_sample(images[which], grid, padding_mode="border", align_corners=False)


def square_around(
    boxes: Tensor, size: int, room: float = 1.0, angles: Tensor | None = None
) -> Tensor:
    """The matrices that scale a square around each box to a picture; and turn it, where it is said by how much.

    Args:
        boxes: x1, y1, x2, y2 in pixels.                      # [N, 4]
        size: side of the picture in pixels.
        room: the square's side as a multiple of that of the square with the box's area, which does not depend on how
            a head is tilted.
        angles: how a face is tilted, clockwise, in radians: it becomes upright; None: no turn.   # [N]
    Returns:
        As `similarity`.                                      # [N, 2, 3]
    Raises:
        TypeError, ValueError: no boxes [N, 4]; a box without an area; angles other than [N].

    >>> square_around(torch.tensor([[2.0, 1.0, 6.0, 5.0]]), size=8)
    tensor([[[ 2.,  0., -4.],
             [ 0.,  2., -2.]]])
    """
    check_tensor("square_around", "[N, 4]", boxes=boxes)
    check_count("square_around", size=size)
    boxes = boxes.to(torch.promote_types(boxes.dtype, torch.float32))
    if angles is None:
        angles = torch.zeros_like(boxes[:, 0])
    check_tensor("square_around", f"[{len(boxes)}]", angles=angles)
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    wrong = ~(sides > 0).all(1)
    if wrong.any():
        raise ValueError(f"square_around: box {wrong.nonzero()[0].item()} has no area")
    scale = size / (room * sides.prod(1).sqrt())  # [N]
    cos, sin = angles.to(boxes).cos(), angles.to(boxes).sin()
    turn = scale[:, None, None] * torch.stack([cos, sin, 0 - sin, cos], 1).view(-1, 2, 2)
    shift = size / 2 - turn @ middle[..., None]  # [N, 2, 1]
    return torch.cat([turn, shift], dim=2)
