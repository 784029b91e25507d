"""How much two boxes overlap (L5.03).

A box is (x1, y1, x2, y2): its left, top, right and bottom edge, in pixels of the picture or any other unit, as floating
point. Coordinates are continuous: a box from 0 to 2 is 2 wide (the old VOC tools say 3).
"""

import math

import torch
from torch import Tensor

from course_lib.arguments import shape

ROWS = 32  # of a table of IoU, computed at a time


def check_boxes(where: str, rows: bool = True, **named: Tensor) -> None:
    """Raise unless every named tensor holds boxes: floating point, finite, x1 <= x2 and y1 <= y2.

    Args:
        where: name of the calling function, for the message.
        rows: whether the boxes must be rows, [N, 4]; otherwise any leading axes are right, [..., 4].

    >>> check_boxes("box_area", boxes=torch.tensor([[0.0, 0.0, 1.0, 1.0], [5.0, 0.0, 2.0, 1.0]]))
    Traceback (most recent call last):
    ValueError: box_area: boxes must have x1 <= x2 and y1 <= y2, all finite, got [5.0, 0.0, 2.0, 1.0] in row 1
    """
    for name, boxes in named.items():
        expected = f"{where}: {name} must hold boxes {'[N, 4]' if rows else '[..., 4]'} as (x1, y1, x2, y2)"
        if not isinstance(boxes, Tensor) or not boxes.is_floating_point():
            kind = boxes.dtype if isinstance(boxes, Tensor) else type(boxes).__name__
            raise TypeError(f"{expected}, floating point, got {kind}")
        if boxes.shape[-1:] != (4,) or (rows and boxes.ndim != 2):
            raise ValueError(f"{expected}, got {shape(boxes)}")
        if boxes.numel() == 0:
            continue
        smallest, largest = (boxes[..., 2:] - boxes[..., :2]).detach().aminmax()
        if not (smallest >= 0 and largest < math.inf):  # also where either is NaN
            flat = boxes.detach().reshape(-1, 4)
            size = flat[:, 2:] - flat[:, :2]
            row = (~((size >= 0) & (size < math.inf))).any(dim=1).nonzero()[0].item()
            raise ValueError(
                f"{where}: {name} must have x1 <= x2 and y1 <= y2, all finite, "
                f"got {flat[row].tolist()} in row {row}"
            )


def box_area(boxes: Tensor) -> Tensor:
    """Area of each box.

        (x2 - x1) (y2 - y1)

    Args:
        boxes: any leading axes.                          # [..., 4]
    Returns:
        Areas, in the boxes' unit squared.                # [...]
    Raises:
        TypeError, ValueError: not boxes; x2 < x1 or y2 < y1; NaN or infinity.

    >>> box_area(torch.tensor([[0.0, 0.0, 2.0, 3.0]]))
    tensor([6.])
    """
    check_boxes("box_area", rows=False, boxes=boxes)
    x1, y1, x2, y2 = boxes.unbind(-1)
    return (x2 - x1) * (y2 - y1)


def edges(boxes: Tensor) -> Tensor:
    """Boxes edge by edge: all x1, all y1, ... A processor adds up neighbours in memory fastest.   # [N, 4] -> [4, N]"""
    return boxes.T.contiguous()


def overlap_and_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Areas of a n b and a u b, of boxes given edge by edge; they broadcast.     # [4, ...], [4, ...] -> [...] twice"""
    ax1, ay1, ax2, ay2 = a
    bx1, by1, bx2, by2 = b
    # `sub_` for `-`: each result is written over the last, for new memory costs more than arithmetic
    width = torch.minimum(ax2, bx2).sub_(torch.maximum(ax1, bx1)).clamp_(min=0)
    height = torch.minimum(ay2, by2).sub_(torch.maximum(ay1, by1)).clamp_(min=0)
    overlap = width.mul_(height)
    union = ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1)).sub_(overlap)
    return overlap, union


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where the whole is 0; the gradient is finite there too."""
    return part / torch.where(whole > 0, whole, 1)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union (Jaccard index) of every box in `a` with every box in `b`.

        IoU(a, b) = |a n b| / |a u b|

    Args:
        a: boxes, any unit.                               # [N, 4]
        b: boxes, the same unit.                          # [M, 4]
    Returns:
        IoU in 0..1; 0 where both boxes have no area.     # [N, M]
    Raises:
        TypeError, ValueError: not boxes [*, 4]; x2 < x1 or y2 < y1; NaN or infinity.

    Boxes that only touch have IoU 0. Jaccard, 1901. Lecture topic L5.03.

    >>> box_iou(torch.tensor([[0., 0., 2., 1.]]), torch.tensor([[1., 0., 2., 1.], [5., 5., 6., 6.]]))
    tensor([[0.5000, 0.0000]])
    """
    check_boxes("box_iou", a=a, b=b)
    columns = edges(b)  # [4, M]
    # a few rows at a time: what is computed on the way stays in the processor's cache
    rows = [ratio(*overlap_and_union(edges(part)[:, :, None], columns)) for part in a.split(ROWS)]
    return torch.cat(rows)  # [N, M]


def generalized_box_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU that goes on falling below 0 as two boxes that do not touch move apart.

        GIoU(a, b) = IoU(a, b) - |C - (a u b)| / |C|,   C the smallest box around both

    Args:
        a: boxes, any unit.                               # [N, 4]
        b: boxes, the same unit.                          # [M, 4]
    Returns:
        GIoU in -1..1; IoU where C has no area.           # [N, M]
    Raises:
        TypeError, ValueError: as `box_iou`.

    IoU is 0 for all boxes apart, and so is its gradient: as a loss it cannot say which way to go. 1 - GIoU can.
    Rezatofighi and others, Generalized Intersection over Union, 2019. Lecture topics L5.03, L5.11.

    >>> generalized_box_iou(torch.tensor([[0., 0., 1., 1.]]), torch.tensor([[1., 0., 2., 1.], [3., 0., 4., 1.]]))
    tensor([[ 0.0000, -0.5000]])
    """
    check_boxes("generalized_box_iou", a=a, b=b)
    overlap, union = overlap_and_union(edges(a)[:, :, None], edges(b))  # [N, M] each
    top_left = torch.minimum(a[:, None, :2], b[:, :2])  # [N, M, 2]
    bottom_right = torch.maximum(a[:, None, 2:], b[:, 2:])  # [N, M, 2]
    around = (bottom_right - top_left).prod(dim=2)  # [N, M]
    return ratio(overlap, union) - ratio(around - union, around)
