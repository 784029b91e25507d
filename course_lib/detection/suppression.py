"""Which of many overlapping boxes to keep: non-maximum suppression, in each class, and its soft kind (L5.02)."""

import torch
from torch import Tensor

from course_lib.arguments import check_positive, shape
from course_lib.detection.overlap import check_boxes, edges, overlap_and_union, ratio

BLOCK = 64  # boxes that NMS decides at a time
CLASS_BLOCK = 32  # in each of many classes


def check_candidates(where: str, boxes: Tensor, scores: Tensor, iou_threshold: float) -> None:
    """Raise unless there are boxes with a score each, none of them NaN, and a threshold in 0..1."""
    check_boxes(where, boxes=boxes)
    if scores.shape != boxes.shape[:1]:
        raise ValueError(
            f"{where}: scores must be one for each box, [{len(boxes)}], got {shape(scores)}"
        )
    if scores.isnan().any():
        raise ValueError(f"{where}: scores must be numbers, got NaN")
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"{where}: iou_threshold must lie in 0..1, got {iou_threshold!r}")


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: keep the best box, cross out what overlaps it, and so on down the scores.

    Args:
        boxes: of one class, any unit.                    # [N, 4]
        scores: the higher the better.                    # [N]
        iou_threshold: t in 0..1; a box goes if its IoU with a better one that was kept is > t (strictly).
    Returns:
        Numbers of the boxes kept, by falling score; of equal scores the smaller number first.   # [K] int64
    Raises:
        TypeError, ValueError: not boxes; another number of scores; NaN; a threshold outside 0..1.

    What was itself crossed out crosses out nothing. The best boxes are taken in blocks: a block settles the matter
    among its own, and those that stay cross out what overlaps them in the rest. Lecture topic L5.02.

    >>> nms(torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 3.], [9., 9., 10., 10.]]), torch.tensor([.9, .8, .7]), 0.5)
    tensor([0, 2])
    """
    check_candidates("nms", boxes, scores, iou_threshold)
    rest = scores.argsort(descending=True, stable=True)  # best first
    kept = [rest[:0]]
    while len(rest) > 0:
        block, rest = rest[:BLOCK], rest[BLOCK:]
        best = edges(boxes[block])  # [4, b]
        stays = settle(overlaps(best[:, :, None], best[:, None], iou_threshold))  # [b]
        kept.append(block[stays])
        crossed_out = overlaps(best[:, stays, None], edges(boxes[rest])[:, None], iou_threshold)
        rest = rest[~crossed_out.any(dim=0)]
    return torch.cat(kept)


def overlaps(a: Tensor, b: Tensor, iou_threshold: float) -> Tensor:
    """Whether IoU > t, for boxes given edge by edge; they broadcast.     # [4, ...], [4, ...] -> [...] bool"""
    overlap, union = overlap_and_union(a, b)
    return overlap / union > iou_threshold  # where both have no area: NaN, which is not above t


def settle(rivals: Tensor) -> Tensor:
    """Which of a few boxes, best first, stay: those that overlap no better one *that stays*.

    Args:
        rivals: whether two boxes overlap too much; leading axes are separate cases.   # [..., b, b] bool
    Returns:
        Whether each stays.                               # [..., b] bool

    Begin with all staying and apply the rule to all at once: after k rounds the first k answers are final, and mostly
    all of them are after three or four.
    """
    *case, better, worse = rivals.triu(diagonal=1).nonzero().T  # only these pairs matter
    stays = torch.ones(rivals.shape[:-1], dtype=torch.bool, device=rivals.device)
    while True:
        now = torch.ones_like(stays)
        alive = stays[*case, better]
        now[*(number[alive] for number in case), worse[alive]] = False
        if torch.equal(now, stays):
            return stays
        stays = now


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    """`nms` in every class by itself: a cat does not cross out a dog.

    Args:
        boxes, scores: as in `nms`.                       # [N, 4], [N]
        labels: the class of each box (or its picture: whatever must not meet).   # [N] int64
        iou_threshold: as in `nms`.
    Returns:
        Numbers of the boxes kept in any class, by falling score, then by number.   # [K] int64
    Raises:
        TypeError, ValueError: as `nms`; another number of labels.

    Classes are the rows of a table and gone through side by side, in blocks as in `nms`. Lecture topic L5.02.

    >>> box = torch.tensor([[0.0, 0.0, 4.0, 4.0]]).expand(3, 4)
    >>> batched_nms(box, torch.tensor([0.7, 0.8, 0.9]), torch.tensor([1, 0, 0]), 0.5)
    tensor([2, 0])
    """
    check_candidates("batched_nms", boxes, scores, iou_threshold)
    if labels.shape != scores.shape:
        raise ValueError(
            f"batched_nms: labels must be one for each box, [{len(boxes)}], got {shape(labels)}"
        )
    by_score = scores.argsort(descending=True, stable=True)
    order = by_score[labels[by_score].argsort(stable=True)]  # class by class, best first
    sizes = labels[order].unique_consecutive(return_counts=True)[1]  # of the classes
    keep = torch.zeros_like(labels, dtype=torch.bool)
    columns = edges(boxes)  # [4, N]
    doublings = torch.frexp(sizes - 0.5).exponent  # 2 for 3 or 4 boxes, 3 for 5 to 8 ...
    for power in doublings.unique():  # classes of like size: tables without many empty places
        rest = order[(doublings == power).repeat_interleave(sizes)]
        while len(rest) > 0:
            number, there = side_by_side(rest, labels)  # [C, L] each
            rows = columns[:, number] * there  # [4, C, L]; a box of no size overlaps nothing
            best, worse = rows[:, :, :CLASS_BLOCK, None], rows[:, :, None, CLASS_BLOCK:]
            stays = settle(overlaps(best, best.transpose(2, 3), iou_threshold))  # [C, 32]
            keep[number[:, :CLASS_BLOCK][stays & there[:, :CLASS_BLOCK]]] = True
            best = best * stays[:, :, None]
            crossed_out = overlaps(best, worse, iou_threshold).any(dim=1)  # [C, L - 32]
            rest = number[:, CLASS_BLOCK:][there[:, CLASS_BLOCK:] & ~crossed_out]
    return by_score[keep[by_score]]


def side_by_side(numbers: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes that lie class by class in a list, as a table with a row for each class.

    Args:
        numbers: of the boxes.                            # [n] int64
        labels: the class of every box.                   # [N]
    Returns:
        their numbers, row by row; where a class is shorter than the longest, any number.   # [C, L]
        where there is a box.                             # [C, L] bool
    """
    sizes = labels[numbers].unique_consecutive(return_counts=True)[1]  # [C]
    place = torch.arange(int(sizes.max()), device=numbers.device)  # [L]
    start = (sizes.cumsum(0) - sizes)[:, None]  # [C, 1]
    return numbers[(start + place).clamp(max=len(numbers) - 1)], place < sizes[:, None]


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    kind: str = "linear",
    iou_threshold: float = 0.5,
    sigma: float = 0.5,
    score_threshold: float = 0.001,
) -> tuple[Tensor, Tensor]:
    """Soft-NMS: a box that overlaps a better one is not crossed out, its score is lowered.

        linear:    s <- s (1 - IoU)  where IoU > t        gaussian:  s <- s exp(-IoU^2 / sigma)

    Args:
        boxes: of one class, any unit.                    # [N, 4]
        scores: 0 or above.                               # [N]
        kind: "linear" or "gaussian".
        iou_threshold: t in 0..1, of the linear kind.
        sigma: > 0, of the gaussian kind; the smaller, the harder.
        score_threshold: a box whose score falls below it is dropped.
    Returns:
        Numbers of the boxes kept, best first by their new scores, and those scores.   # [K] int64, [K]
    Raises:
        TypeError, ValueError: as `nms`; another kind; a score below 0; sigma not above 0.

    Bodla and others, Soft-NMS, 2017, equations 2 and 3. Lecture topic L5.02.

    >>> soft_nms(torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 3.]]), torch.tensor([0.8, 0.6]))
    (tensor([0, 1]), tensor([0.8000, 0.1500]))
    """
    check_candidates("soft_nms", boxes, scores, iou_threshold)
    check_positive("soft_nms", sigma=sigma)
    if kind not in ("linear", "gaussian"):
        raise ValueError(f"soft_nms: kind must be 'linear' or 'gaussian', got {kind!r}")
    if (scores < 0).any():
        raise ValueError(f"soft_nms: scores must be 0 or above, got {scores.min().item():.3g}")
    rest, scores, kept = torch.arange(len(scores), device=scores.device), scores.clone(), []
    while len(rest) > 0:
        best = rest[scores[rest].argmax()]  # of equal scores the first
        if scores[best] < score_threshold:
            break
        kept.append(best)
        rest = rest[rest != best]
        iou = ratio(*overlap_and_union(boxes[best], edges(boxes[rest])))  # [rest]
        if kind == "linear":
            scores[rest] *= torch.where(iou > iou_threshold, 1 - iou, 1)
        else:
            scores[rest] *= torch.exp(-(iou**2) / sigma)
    order = torch.stack(kept) if kept else rest[:0]
    return order, scores[order]
