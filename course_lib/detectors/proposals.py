"""Where might an object be? A classic answer without a network: many windows, ranked by the edges inside them (L5.04).

In the spirit of Zitnick and Dollar, Edge Boxes: Locating Object Proposals from Edges, 2014: a window that holds an
object has many edges inside, and few on its rim, where the outline of something else would be cut.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_count, check_tensor
from course_lib.detection.anchors import anchors, clip
from course_lib.detection.overlap import box_iou
from course_lib.detection.suppression import nms
from course_lib.detectors.backbone import at_least_float32

SIZES = (12.0, 16.0, 21.0, 28.0, 37.0)  # of windows, in pixels: square roots of their areas
RATIOS = (0.7, 1.0, 1.4)  # height / width
STEPS = 5  # a window is moved by a fifth of its size
FAINT = 0.2  # a change of colour up to this is no edge
RIM = 0.2  # the rim is as wide as a fifth of the window


@lru_cache(maxsize=8)
def windows(height: int, width: int) -> Tensor:
    """All windows that slide over an image of that size: 5 sizes x 3 shapes, at steps of a fifth of the size.

    Args:
        height, width: of the image, in pixels.
    Returns:
        Boxes in whole pixels, cut off at the edges, none twice; shared by all callers, not to be written into. # [W, 4]

    A window that reaches over the edge by more than 30% of its area is left out.

    >>> len(windows(96, 96))
    8985
    """
    grids = []
    for size in SIZES:
        rows, columns = round(STEPS * height / size), round(STEPS * width / size)
        grids.append(anchors(rows, columns, size / STEPS, (size,), RATIOS))
    whole = torch.cat(grids)
    cut = clip(whole, height, width)
    share = (cut[:, 2:] - cut[:, :2]).prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1)
    return cut[share >= 0.7].round().unique(dim=0)


def edge_strength(images: Tensor) -> Tensor:
    """How much the colour changes at each pixel, to the right and downwards; faint changes count as none.

        e = max(0, sum over channels (|I(x+1, y) - I(x, y)| + |I(x, y+1) - I(x, y)|) - FAINT)

    Args:
        images: a batch.                                   # [B, C, H, W] in 0..1
    Returns:
        0 or above; the last row and column know one direction only.   # [B, H, W]
    """
    check_tensor("edge_strength", "[B, C, H, W]", images=images)
    across = F.pad(images.diff(dim=3).abs().sum(1), (0, 1))  # [B, H, W]
    down = F.pad(images.diff(dim=2).abs().sum(1), (0, 0, 0, 1))  # [B, H, W]
    return (across + down - FAINT).clamp(min=0)


def integral_image(maps: Tensor) -> Tensor:
    """Sums of everything above and to the left: then the sum over any window is four look-ups.

        S(y, x) = sum of the map over rows < y and columns < x

    Args:
        maps: a number at each pixel.                      # [B, H, W]
    Returns:
        The sums, with a row and a column of zeros in front.   # [B, H + 1, W + 1]

    Viola and Jones, Rapid Object Detection using a Boosted Cascade of Simple Features, 2001.
    """
    check_tensor("integral_image", "[B, H, W]", maps=maps)
    maps = at_least_float32(maps)
    return F.pad(maps.cumsum(1).cumsum(2), (1, 0, 1, 0))


def sums_inside(integral: Tensor, boxes: Tensor) -> Tensor:
    """The map's sum over every box, rounded to whole pixels.   # [B, H + 1, W + 1], [W, 4] -> [B, W]"""
    check_tensor("sums_inside", "[B, H + 1, W + 1]", integral=integral)
    check_tensor("sums_inside", "[W, 4]", boxes=boxes)
    x1, y1, x2, y2 = boxes.round().long().unbind(1)
    return integral[:, y2, x2] - integral[:, y1, x2] - integral[:, y2, x1] + integral[:, y1, x1]


def window_scores(images: Tensor, boxes: Tensor) -> Tensor:
    """How likely each window holds a whole object: edges inside, less the edges on a rim around it.

        score = (sum of e inside - sum of e on the rim) / (width + height)^1.3

    Args:
        images: a batch.                                   # [B, 3, H, W] in 0..1
        boxes: windows, the same in every image.           # [W, 4] pixels
    Returns:
        Scores; only their order means something.          # [B, W]
    Raises:
        TypeError, ValueError: images not [B, 3, H, W] or boxes not [W, 4], of floating point.

    The exponent keeps large windows from winning because they are large (in Edge Boxes it is 1.5, over the perimeter).
    """
    check_tensor("window_scores", "[B, 3, H, W]", images=images)
    check_tensor("window_scores", "[W, 4]", boxes=boxes)
    height, width = images.shape[2:]
    integral = integral_image(edge_strength(at_least_float32(images)))
    size = boxes[:, 2:] - boxes[:, :2]  # [W, 2]
    rim = (RIM * size).clamp(min=1)
    around = clip(torch.cat([boxes[:, :2] - rim, boxes[:, 2:] + rim], dim=1), height, width)
    inside = sums_inside(integral, boxes)
    on_rim = sums_inside(integral, around) - inside
    return (inside - on_rim) / size.sum(1) ** 1.3


def propose(images: Tensor, max_proposals: int = 2000) -> list[Tensor]:
    """Region proposals: the windows with the best scores, thinned out by NMS.

    Args:
        images: a batch.                                   # [B, 3, H, W] in 0..1
        max_proposals: of an image.
    Returns:
        Boxes for each image, best first; fewer than `max_proposals` only where no more windows are left.
                                                           # B x [<= max_proposals, 4]
    Raises:
        TypeError, ValueError: images not [B, 3, H, W] of floating point, or max_proposals below 1.

    Of the best 3 `max_proposals` windows NMS drops what overlaps a better one by IoU > 0.65. Lecture topic L5.04.
    """
    check_tensor("propose", "[B, 3, H, W]", images=images)
    check_count("propose", max_proposals=max_proposals)
    boxes = windows(*images.shape[-2:]).to(images.device)
    scores, order = window_scores(images, boxes).topk(min(3 * max_proposals, len(boxes)), dim=1)
    proposals = []
    for image_scores, numbers in zip(scores, order, strict=True):
        candidates = boxes[numbers]
        proposals.append(candidates[nms(candidates, image_scores, 0.65)[:max_proposals]])
    return proposals


def recall(proposals: list[Tensor], targets: list[dict[str, Tensor]], max_proposals: int) -> float:
    """The share of all objects that one of the first `max_proposals` proposals of their image overlaps with IoU >= 0.5.

    Args:
        proposals: boxes for each image, best first.       # a list of [n, 4]
        targets: a dict an image with boxes.               # a list with [m, 4]
        max_proposals: how many proposals of each image count.
    Returns:
        0..1; what is not among the proposals, no two-stage detector detects. NaN where there are no objects.
    Raises:
        ValueError: not as many images in both.
    """
    check_count("recall", max_proposals=max_proposals)
    if len(proposals) != len(targets):
        raise ValueError(
            f"recall: proposals and targets must be of as many images, got {len(proposals)} and {len(targets)}"
        )
    for boxes, target in zip(proposals, targets, strict=True):
        check_tensor("recall", "[n, 4]", proposals=boxes, targets=target["boxes"])
    matched = [
        (box_iou(target["boxes"], boxes[:max_proposals]) >= 0.5).any(dim=1)
        for boxes, target in zip(proposals, targets, strict=True)
    ]
    return torch.cat(matched).float().mean().item() if matched else float("nan")
