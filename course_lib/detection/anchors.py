"""Anchors, and the offsets from an anchor to a box, which is what a network predicts (L5.05, L5.06).

A box is (x1, y1, x2, y2): its left, top, right and bottom edge, in pixels of the image or any other unit, as floating
point.
"""

import math

import torch
from torch import Tensor

from course_lib.arguments import FLOATS, check_count, check_finite, check_positive, shape
from course_lib.detection.overlap import check_boxes, fitted

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
        stride: pixels of the image to a cell.
        sizes: square roots of the anchors' areas, in pixels.
        ratios: height / width.
    Returns:
        Boxes in pixels: cell by cell in reading order, in a cell size by size, for each size ratio by ratio; with
        A = len(sizes) len(ratios).                       # [height * width * A, 4]
    Raises:
        TypeError, ValueError: a height or width that is no whole number; a size, a ratio or the stride not above 0, or
            too large for float32.

    Anchors reach over the edge of the image; `clip` where that is wrong. Ren and others, Faster R-CNN, 2015,
    section 3.1.1 (3 sizes, 3 ratios). Lecture topic L5.06.

    >>> anchors(1, 2, stride=8, sizes=(8,), ratios=(1.0,))
    tensor([[ 0.,  0.,  8.,  8.],
            [ 8.,  0., 16.,  8.]])
    """
    check_count("anchors", least=0, height=height, width=width)
    check_positive("anchors", stride=stride)
    for name, values in (("size", sizes), ("ratio", ratios)):
        if not isinstance(values, list | tuple):
            raise TypeError(f"anchors: {name}s must be a tuple of numbers, got {values!r}")
        for value in values:
            check_positive("anchors", **{name: value})
    shapes = [[s / math.sqrt(r) / 2, s * math.sqrt(r) / 2] for s in sizes for r in ratios]
    half = torch.tensor(shapes).view(-1, 2)  # [A, 2]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centre = (torch.stack([x, y], dim=2).reshape(-1, 1, 2) + 0.5) * stride  # [height * width, 1, 2]
    boxes = torch.cat([centre - half, centre + half], dim=2).reshape(-1, 4)
    return fitted("anchors", "anchors", boxes, torch.float32)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Offsets from an anchor to a box: what a network learns to predict.

        tx = (x - xa) / wa,  ty = (y - ya) / ha,  tw = log(w / wa),  th = log(h / ha)     (x, y: centres)

    Args:
        boxes: the objects.                               # [..., 4]
        anchors: where the offsets start, in the same unit; leading axes broadcast.   # [..., 4]
    Returns:
        (tx, ty, tw, th), numbers without a unit.         # [..., 4]
    Raises:
        TypeError, ValueError: not boxes [..., 4]; NaN; an anchor without width or height; offsets too large for
            their type.

    A box without width or height counts as a millionth of its anchor's. Girshick and others, R-CNN, 2014, appendix C.
    Lecture topics L5.05, L5.06.

    >>> encode(torch.tensor([4.0, 0.0, 8.0, 4.0]), anchors=torch.tensor([0.0, 0.0, 4.0, 4.0]))
    tensor([1., 0., 0., 0.])
    """
    to, start = check_boxes("encode", rows=False, boxes=boxes, anchors=anchors)
    size, anchor_size = to[..., 2:] - to[..., :2], start[..., 2:] - start[..., :2]
    if not (anchor_size > 0).all():
        raise ValueError("encode: anchors must have a width and a height, got one without")
    # differences of edges first: far from the origin the centres themselves would be rounded
    edge_shift = to - start
    shift = edge_shift[..., :2] / 2 + edge_shift[..., 2:] / 2  # of the centre
    growth = (size / anchor_size).clamp(min=SMALLEST).log()
    offsets = torch.cat([shift / anchor_size, growth], dim=-1)
    return fitted("encode", "offsets", offsets, torch.promote_types(boxes.dtype, anchors.dtype))


def decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """The box that lies at these offsets from an anchor; `encode`'s way back.

        x = xa + tx wa,  y = ya + ty ha,  w = wa exp(tw),  h = ha exp(th)     (x, y: centres)

    Args:
        offsets: (tx, ty, tw, th).                        # [..., 4]
        anchors: from which they count; leading axes broadcast.   # [..., 4]
    Returns:
        Boxes, in the anchors' unit.                      # [..., 4]
    Raises:
        TypeError, ValueError: offsets not [..., 4], or not finite; anchors that are no boxes; boxes too large for
            their type.

    tw and th count as log(1000 / 16) at most: no box is more than 62.5 times as wide as its anchor.

    >>> decode(torch.tensor([1.0, 0.0, 0.0, 0.0]), anchors=torch.tensor([0.0, 0.0, 4.0, 4.0]))
    tensor([4., 0., 8., 4.])
    """
    (start,) = check_boxes("decode", rows=False, anchors=anchors)
    expected = "decode: offsets must be [..., 4] as (tx, ty, tw, th), floating point"
    if not isinstance(offsets, Tensor) or offsets.dtype not in FLOATS:
        got = offsets.dtype if isinstance(offsets, Tensor) else type(offsets).__name__
        raise TypeError(f"{expected}, got {got}")
    if offsets.shape[-1:] != (4,):
        raise ValueError(f"{expected}, got {shape(offsets)}")
    check_finite("decode", offsets=offsets)
    exact = offsets.to(torch.promote_types(offsets.dtype, start.dtype))
    top_left, anchor_size = start[..., :2], start[..., 2:] - start[..., :2]
    half = anchor_size * exact[..., 2:].clamp(max=MAX_LOG_GROWTH).exp() / 2
    # from the anchor's edge, not its centre, which is rounded far from the origin
    centre = exact[..., :2] * anchor_size + anchor_size / 2
    boxes = torch.cat([top_left + (centre - half), top_left + (centre + half)], dim=-1)
    return fitted("decode", "boxes", boxes, torch.promote_types(offsets.dtype, anchors.dtype))


def clip(boxes: Tensor, height: float, width: float) -> Tensor:
    """Boxes cut off at the edges of an image; one wholly outside becomes a line or a point on the edge.

    Args:
        boxes: any leading axes.                          # [..., 4]
        height, width: of the image, in the boxes' unit.
    Returns:
        Boxes with x in 0..width and y in 0..height.      # [..., 4]
    Raises:
        TypeError, ValueError: not boxes; a height or width below 0.

    >>> clip(torch.tensor([-3.0, 2.0, 120.0, 9.0]), height=96, width=96)
    tensor([ 0.,  2., 96.,  9.])
    """
    check_boxes("clip", rows=False, boxes=boxes)
    check_positive("clip", or_zero=True, height=height, width=width)
    right, bottom = (_rounded_down(side, boxes.dtype) for side in (width, height))
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack(
        [x1.clamp(0, right), y1.clamp(0, bottom), x2.clamp(0, right), y2.clamp(0, bottom)], -1
    )


def _rounded_down(number: float, dtype: torch.dtype) -> float:
    """The largest number of this type that is not above `number`: bfloat16 would make 1028 of 1027."""
    number = min(number, torch.finfo(dtype).max)
    nearest = torch.tensor(number, dtype=torch.float64).to(dtype)
    if nearest.item() > number:
        nearest = torch.nextafter(nearest, torch.zeros_like(nearest))
    return nearest.item()
