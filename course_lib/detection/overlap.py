"""How much two boxes overlap (L5.03).

A box is (x1, y1, x2, y2): its left, top, right and bottom edge, in pixels of the image or any other unit, as floating
point. Coordinates are continuous: a box from 0 to 2 is 2 wide (the old VOC tools say 3).

Areas are computed in float32 at least (a box of 300 x 300 has an area that float16 cannot hold), and in float64 where
coordinates are so large or boxes so small that float32 would not do.
"""

import math

import torch
from torch import Tensor

from course_lib.arguments import FLOATS, shape

PAIRS = 2**17  # of boxes, whose IoU is computed at a time

# Coordinates up to the first and sides from the second on have areas that the type can hold.
_RANGE = {torch.float32: (1e18, 1e-18), torch.float64: (1e150, 1e-150)}


def check_boxes(where: str, rows: bool = True, **named: Tensor) -> list[Tensor]:
    """Raise unless every named tensor holds boxes: floating point, finite, x1 <= x2 and y1 <= y2.

    Args:
        where: name of the calling function, for the message.
        rows: whether the boxes must be rows, [N, 4]; otherwise any leading axes are right, [..., 4].
    Returns:
        The boxes in one type in which their areas can be computed: float32, or float64 where that does not do.

    >>> check_boxes("box_area", boxes=torch.tensor([[0.0, 0.0, 1.0, 1.0], [5.0, 0.0, 2.0, 1.0]]))
    Traceback (most recent call last):
    ValueError: box_area: boxes must have x1 <= x2 and y1 <= y2, all finite, got [5.0, 0.0, 2.0, 1.0] in row 1
    """
    dtype = torch.float32
    for name, boxes in named.items():
        expected = f"{where}: {name} must hold boxes {'[N, 4]' if rows else '[..., 4]'} as (x1, y1, x2, y2)"
        if not isinstance(boxes, Tensor) or boxes.dtype not in FLOATS:
            got = boxes.dtype if isinstance(boxes, Tensor) else type(boxes).__name__
            raise TypeError(f"{expected}, floating point, got {got}")
        if boxes.shape[-1:] != (4,) or (rows and boxes.ndim != 2):
            raise ValueError(f"{expected}, got {shape(boxes)}")
        dtype = torch.promote_types(dtype, boxes.dtype)
    if len({boxes.device for boxes in named.values()}) > 1:
        devices = " and ".join(f"{name} on {boxes.device}" for name, boxes in named.items())
        raise ValueError(f"{where}: {' and '.join(named)} must be on one device, got {devices}")
    fit = [_check_edges(where, name, boxes.detach().to(dtype)) for name, boxes in named.items()]
    if not all(fit):
        dtype = torch.float64
    return [boxes.to(dtype) for boxes in named.values()]


def _check_edges(where: str, name: str, boxes: Tensor) -> bool:
    """Raise unless no box is turned inside out or infinite; whether float32 (or float64) can hold their areas."""
    if boxes.numel() == 0:
        return True
    sides = boxes[..., 2:] - boxes[..., :2]
    smallest, longest = sides.aminmax()
    # false for NaN too: aminmax passes it on
    if not (smallest >= 0 and longest < math.inf):
        flat, sides = boxes.reshape(-1, 4), sides.reshape(-1, 2)
        row = (~((sides >= 0) & (sides < math.inf))).any(dim=1).nonzero()[0].item()
        raise ValueError(
            f"{where}: {name} must have x1 <= x2 and y1 <= y2, all finite, "
            f"got {flat[row].tolist()} in row {row}"
        )
    if smallest == 0:
        # a box without area is no trouble
        smallest = torch.where(sides > 0, sides, 1).min()
    furthest, least = _RANGE[boxes.dtype]
    fit = smallest >= least and torch.stack(boxes.aminmax()).abs().max() <= furthest
    if not fit and boxes.dtype == torch.float64:
        raise ValueError(
            f"{where}: {name} must have coordinates up to {furthest:g} and sides of {least:g} or more, "
            f"got boxes from {boxes.min().item():g} to {boxes.max().item():g}, "
            f"the shortest side {smallest.item():g}"
        )
    return bool(fit)


def box_area(boxes: Tensor) -> Tensor:
    """Area of each box.

        (x2 - x1) (y2 - y1)

    Args:
        boxes: any leading axes.                          # [..., 4]
    Returns:
        Areas, in the boxes' unit squared; of float16 and bfloat16 boxes in float32.   # [...]
    Raises:
        TypeError, ValueError: not boxes; x2 < x1 or y2 < y1; NaN or infinity; areas too large for their type.

    >>> box_area(torch.tensor([[0.0, 0.0, 2.0, 3.0]]))
    tensor([6.])
    """
    (exact,) = check_boxes("box_area", rows=False, boxes=boxes)
    x1, y1, x2, y2 = exact.unbind(-1)
    dtype = torch.promote_types(boxes.dtype, torch.float32)
    return fitted("box_area", "areas", (x2 - x1) * (y2 - y1), dtype)


def fitted(where: str, name: str, values: Tensor, dtype: torch.dtype) -> Tensor:
    """The values in `dtype`; raise if that makes one infinite."""
    result = values.to(dtype)
    beyond = ~result.detach().isfinite()
    if beyond.any():
        raise ValueError(
            f"{where}: {name} must be finite and fit into {dtype}, up to {torch.finfo(dtype).max:.3g}, "
            f"got {values.detach()[beyond][0].item():.3g}"
        )
    return result


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

    Boxes that only touch have IoU 0. Of two types the result has the wider. Jaccard, 1901. Lecture topic L5.03.

    >>> box_iou(torch.tensor([[0., 0., 2., 1.]]), torch.tensor([[1., 0., 2., 1.], [5., 5., 6., 6.]]))
    tensor([[0.5000, 0.0000]])
    """
    p, q = check_boxes("box_iou", a=a, b=b)
    columns = edges(q)  # [4, M]
    # a few rows at a time: what is computed on the way stays in the processor's cache
    parts = p.split(max(1, PAIRS // max(1, len(b))))
    rows = [ratio(*overlap_and_union(edges(part)[:, :, None], columns)) for part in parts]
    return torch.cat(rows).to(torch.promote_types(a.dtype, b.dtype))  # [N, M]


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
    p, q = check_boxes("generalized_box_iou", a=a, b=b)
    overlap, union = overlap_and_union(edges(p)[:, :, None], edges(q))  # [N, M] each
    top_left = torch.minimum(p[:, None, :2], q[:, :2])  # [N, M, 2]
    bottom_right = torch.maximum(p[:, None, 2:], q[:, 2:])  # [N, M, 2]
    around = (bottom_right - top_left).prod(dim=2)  # [N, M]
    giou = ratio(overlap, union) - ratio(around - union, around)
    return giou.to(torch.promote_types(a.dtype, b.dtype))
