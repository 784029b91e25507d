"""Boxes: as a network writes them, and all that is done with them (L5.02, L5.03, L5.05, L5.06).

A box is (x1, y1, x2, y2): its left, top, right and bottom edge, in pixels of the picture or any other unit, as floating
point. Coordinates are continuous: a box from 0 to 2 is 2 wide (the old VOC tools say 3). How much two boxes overlap is
computed in `overlap`, which of many to keep in `suppression`.
"""

import math

import torch
from torch import Tensor

from course_lib.arguments import check_positive, shape
from course_lib.detection.overlap import box_area, box_iou, check_boxes, generalized_box_iou
from course_lib.detection.suppression import batched_nms, nms, soft_nms

__all__ = [
    "anchors", "batched_nms", "box_area", "box_iou", "clip", "decode", "encode",
    "generalized_box_iou", "nms", "soft_nms",
]  # fmt: skip

# A network's tw = 9 would be a box 8,000 times as wide as its anchor: growth is limited, as in Detectron.
MAX_LOG_GROWTH = math.log(1000 / 16)
SMALLEST = 1e-6  # of an anchor's width: what a box without any counts as, since log 0 is -infinity


def anchors(
    height: int, width: int, stride: float, sizes: tuple[float, ...], ratios: tuple[float, ...]
) -> Tensor:
    """Anchors: boxes of a few standard shapes around every cell of a feature map.

        width = size / sqrt(ratio),  height = size sqrt(ratio),  centre ((x + 1/2) stride, (y + 1/2) stride)

    Args:
        height, width: of the feature map, in cells.
        stride: pixels of the picture to a cell.
        sizes: square roots of the anchors' areas, in pixels.
        ratios: height / width.
    Returns:
        Boxes in pixels: cell by cell in reading order, in a cell size by size, for each size ratio by ratio; with
        A = len(sizes) len(ratios).                       # [height * width * A, 4]
    Raises:
        ValueError: a size, a ratio or the stride not above 0.

    Anchors reach over the edge of the picture; `clip` where that is wrong. Ren and others, Faster R-CNN, 2015,
    section 3.1.1 (3 sizes, 3 ratios). Lecture topic L5.06.

    >>> anchors(1, 2, stride=8, sizes=(8,), ratios=(1.0,))
    tensor([[ 0.,  0.,  8.,  8.],
            [ 8.,  0., 16.,  8.]])
    """
    check_positive("anchors", stride=stride)
    for size in sizes:
        check_positive("anchors", size=size)
    for proportion in ratios:
        check_positive("anchors", ratio=proportion)
    half = torch.tensor(
        [[s / math.sqrt(r) / 2, s * math.sqrt(r) / 2] for s in sizes for r in ratios]
    )
    y, x = torch.meshgrid(
        torch.arange(height), torch.arange(width), indexing="ij"
    )  # [height, width]
    centre = (torch.stack([x, y], dim=2).reshape(-1, 1, 2) + 0.5) * stride  # [height * width, 1, 2]
    return torch.cat([centre - half, centre + half], dim=2).reshape(-1, 4)


def centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(x, y) of the centre, and (width, height).                         # [..., 4] -> [..., 2] twice"""
    top_left, bottom_right = boxes[..., :2], boxes[..., 2:]
    return (top_left + bottom_right) / 2, bottom_right - top_left


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """A box as seen from an anchor: what a network is to predict.

        tx = (x - xa) / wa,  ty = (y - ya) / ha,  tw = log(w / wa),  th = log(h / ha)     (x, y: centres)

    Args:
        boxes: the objects.                               # [..., 4]
        anchors: where we look from, in the same unit; leading axes broadcast.   # [..., 4]
    Returns:
        (tx, ty, tw, th), numbers without a unit.         # [..., 4]
    Raises:
        TypeError, ValueError: not boxes [..., 4]; NaN; an anchor without width or height.

    A box without width or height counts as a millionth of its anchor's. Girshick and others, R-CNN, 2014, appendix C.
    Lecture topics L5.05, L5.06.

    >>> encode(torch.tensor([4.0, 0.0, 8.0, 4.0]), anchors=torch.tensor([0.0, 0.0, 4.0, 4.0]))
    tensor([1., 0., 0., 0.])
    """
    check_boxes("encode", rows=False, boxes=boxes, anchors=anchors)
    centre, size = centre_and_size(boxes)
    from_centre, from_size = centre_and_size(anchors)
    if not (from_size > 0).all():
        raise ValueError("encode: anchors must have a width and a height, got one without")
    growth = (size / from_size).clamp(min=SMALLEST).log()
    return torch.cat([(centre - from_centre) / from_size, growth], dim=-1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """The box that a network's four numbers mean; `encode`'s way back.

        x = xa + tx wa,  y = ya + ty ha,  w = wa exp(tw),  h = ha exp(th)     (x, y: centres)

    Args:
        deltas: (tx, ty, tw, th).                         # [..., 4]
        anchors: from which they count; leading axes broadcast.   # [..., 4]
    Returns:
        Boxes, in the anchors' unit.                      # [..., 4]
    Raises:
        TypeError, ValueError: deltas not [..., 4]; anchors that are no boxes.

    tw and th count as log(1000 / 16) at most: no box is more than 62.5 times as wide as its anchor.

    >>> decode(torch.tensor([1.0, 0.0, 0.0, 0.0]), anchors=torch.tensor([0.0, 0.0, 4.0, 4.0]))
    tensor([4., 0., 8., 4.])
    """
    check_boxes("decode", rows=False, anchors=anchors)
    if deltas.shape[-1:] != (4,):
        raise ValueError(
            f"decode: deltas must be [..., 4] as (tx, ty, tw, th), got {shape(deltas)}"
        )
    from_centre, from_size = centre_and_size(anchors)
    centre = from_centre + deltas[..., :2] * from_size
    half = from_size * deltas[..., 2:].clamp(max=MAX_LOG_GROWTH).exp() / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def clip(boxes: Tensor, height: float, width: float) -> Tensor:
    """Boxes cut off at the edges of a picture; one wholly outside becomes a line or a point on the edge.

    Args:
        boxes: any leading axes.                          # [..., 4]
        height, width: of the picture, in the boxes' unit.
    Returns:
        Boxes with x in 0..width and y in 0..height.      # [..., 4]

    >>> clip(torch.tensor([-3.0, 2.0, 120.0, 9.0]), height=96, width=96)
    tensor([ 0.,  2., 96.,  9.])
    """
    check_boxes("clip", rows=False, boxes=boxes)
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack(
        [x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)], -1
    )
