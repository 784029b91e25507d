"""Which of many overlapping boxes to keep: non-maximum suppression, in each class, and its soft kind (L5.02)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_positive, check_share, check_tensor
from course_lib.detection.overlap import check_boxes, edges, overlap_and_union, ratio

BLOCK = 128  # boxes that NMS decides at a time
COLUMNS = (
    1024  # boxes that these are compared with at a time: the table stays in the processor's cache
)
LARGE = 256  # a class of more boxes is gone through by itself, in blocks
PAIRS = 2**15  # of boxes of small classes, compared at a time


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: keep the best box, drop what overlaps it, and so on down the scores.

    Args:
        boxes: of one class, any unit.                    # [N, 4]
        scores: the higher the better; infinity is allowed.   # [N]
        iou_threshold: t in 0..1; a box goes if its IoU with a better one that was kept is > t (strictly).
    Returns:
        Numbers of the boxes kept, by falling score; of equal scores the smaller number first.   # [K] int64
    Raises:
        TypeError, ValueError: not boxes; another number of scores; NaN; a threshold outside 0..1.

    A box that was dropped drops no other. Boxes are taken in blocks, best first: NMS within a block leaves its
    survivors, and these drop what overlaps them in the rest. Lecture topic L5.02.

    >>> nms(torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 3.], [9., 9., 10., 10.]]), torch.tensor([.9, .8, .7]), 0.5)
    tensor([0, 2])
    """
    boxes = _check_candidates("nms", boxes, scores, iou_threshold)
    return _nms_in_blocks(edges(boxes), _best_first(scores), iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    """`nms` in every class by itself: a cat does not drop a dog.

    Args:
        boxes, scores: as in `nms`.                       # [N, 4], [N]
        labels: the class of each box (or its image: whatever must not meet), any numbers.   # [N] int64
        iou_threshold: as in `nms`.
    Returns:
        Numbers of the boxes kept in any class, by falling score, then by number.   # [K] int64
    Raises:
        TypeError, ValueError: as `nms`; another number of labels, or labels that are not int64.

    Small classes are gone through all at once, large ones as in `nms`. Lecture topic L5.02.

    >>> box = torch.tensor([[0.0, 0.0, 4.0, 4.0]]).expand(3, 4)
    >>> batched_nms(box, torch.tensor([0.7, 0.8, 0.9]), torch.tensor([1, 0, 0]), 0.5)
    tensor([2, 0])
    """
    boxes = _check_candidates("batched_nms", boxes, scores, iou_threshold)
    check_tensor("batched_nms", f"[{len(boxes)}]", torch.int64, labels=labels)
    best_first, columns = _best_first(scores), edges(boxes)
    by_class = best_first[labels[best_first].argsort(stable=True)]  # class by class, best first
    sizes = labels[by_class].unique_consecutive(return_counts=True)[1]  # boxes in each class
    is_large = (sizes > LARGE).repeat_interleave(sizes)  # [N]
    keep = torch.zeros_like(labels, dtype=torch.bool)
    for one_class in by_class[is_large].split(sizes[sizes > LARGE].tolist()):
        keep[_nms_in_blocks(columns, one_class, iou_threshold)] = True
    small = by_class[~is_large]
    if len(small) > 0:
        largest = int(sizes[sizes <= LARGE].max())
        keep[small] = _nms_of_classes(columns[:, small], labels[small], largest, iou_threshold)
    return best_first[keep[best_first]]


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    kind: str = "linear",
    iou_threshold: float = 0.5,
    sigma: float = 0.5,
    score_threshold: float = 0.001,
) -> tuple[Tensor, Tensor]:
    """Soft-NMS: a box that overlaps a better one is not dropped, its score is lowered.

        linear:    s <- s (1 - IoU)  where IoU > t        gaussian:  s <- s exp(-IoU^2 / sigma)

    Args:
        boxes: of one class, any unit.                    # [N, 4]
        scores: 0 or above, finite.                       # [N]
        kind: "linear" or "gaussian".
        iou_threshold: t in 0..1, of the linear kind.
        sigma: > 0, of the gaussian kind; the smaller, the harder.
        score_threshold: a box whose score falls below it is dropped.
    Returns:
        Numbers of the boxes kept, best first by their new scores, and those scores.   # [K] int64, [K]
    Raises:
        TypeError, ValueError: as `nms`; another kind; a score below 0 or infinite; sigma not above 0.

    Bodla and others, Soft-NMS, 2017, equations 2 and 3. Lecture topic L5.02.

    >>> soft_nms(torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 3.]]), torch.tensor([0.8, 0.6]))
    (tensor([0, 1]), tensor([0.8000, 0.1500]))
    """
    boxes = _check_candidates("soft_nms", boxes, scores, iou_threshold)
    check_positive("soft_nms", sigma=sigma)
    check_positive("soft_nms", or_zero=True, score_threshold=score_threshold)
    if kind not in ("linear", "gaussian"):
        raise ValueError(f"soft_nms: kind must be 'linear' or 'gaussian', got {kind!r}")
    if not ((scores >= 0) & scores.isfinite()).all():
        bad = scores[~((scores >= 0) & scores.isfinite())][0].item()
        raise ValueError(f"soft_nms: scores must be 0 or above and finite, got {bad:.3g}")
    lowered = scores.detach().to(boxes.dtype, copy=True)
    rest, kept = torch.arange(len(scores), device=scores.device), []
    while len(rest) > 0:
        best = rest[lowered[rest].argmax()]  # of equal scores the first
        if lowered[best] < score_threshold:
            break
        kept.append(best)
        rest = rest[rest != best]
        iou = ratio(*overlap_and_union(boxes[best], edges(boxes[rest])))  # [rest]
        if kind == "linear":
            lowered[rest] *= torch.where(iou > iou_threshold, 1 - iou, 1)
        else:
            lowered[rest] *= torch.exp(-(iou**2) / sigma)
    order = torch.stack(kept) if kept else rest[:0]
    return order, lowered[order].to(scores.dtype)


def survivors(better: Tensor, worse: Tensor, count: int) -> Tensor:
    """Which of a few boxes, best first, are kept: those that overlap no better one *that is kept*.

    Args:
        better, worse: the two boxes of each pair that overlaps too much, by number.   # [P] int64, [P] int64
        count: of boxes, N.
    Returns:
        Whether each is kept.                             # [N] bool

    Begin with all of them kept, and apply the rule to all at once: after k rounds the first k answers are final, and
    mostly all of them are after three or four.

    >>> survivors(torch.tensor([0, 1]), torch.tensor([1, 2]), 3)
    tensor([ True, False,  True])
    """
    kept = torch.ones(count, dtype=torch.bool, device=better.device)
    while True:
        before, kept = kept, torch.ones_like(kept)
        kept[worse[before[better]]] = False
        if torch.equal(kept, before):
            return kept


def _nms_in_blocks(columns: Tensor, rest: Tensor, iou_threshold: float) -> Tensor:
    """NMS of the boxes that `rest` numbers, best first.                  # [4, N], [n] -> [k]"""
    kept = [rest[:0]]
    while len(rest) > 0:
        block, rest = rest[:BLOCK], rest[BLOCK:]
        best = columns[:, block]  # [4, b]
        rivals = (_iou(best[:, :, None], best[:, None]) > iou_threshold).triu(diagonal=1)
        keep = survivors(*rivals.nonzero().T, len(block))  # [b]
        kept.append(block[keep])
        best = best[:, keep, None]
        # the largest IoU, not whether any is too large: comparing takes longer than all before it
        most = [_iou(best, columns[:, None, part]).amax(dim=0) for part in rest.split(COLUMNS)]
        # not `<=`: a box without area has NaN, and is dropped by none
        rest = rest[~(torch.cat(most) > iou_threshold)]
    return torch.cat(kept)


def _nms_of_classes(columns: Tensor, labels: Tensor, largest: int, iou_threshold: float) -> Tensor:
    """NMS of all classes at once: every box is compared with the `largest - 1` that come after it.

    Args:
        columns: boxes, edge by edge, class by class, best first in each. # [4, n]
        labels: their classes.                                            # [n]
        largest: boxes of the largest class, L.
    Returns:
        Whether each is kept.                                             # [n] bool
    """
    # a view, not a copy: box i, i + 1, ... i + L - 1; beyond the last box there are some of no size
    windows = F.pad(columns, (0, largest - 1)).unfold(1, largest, 1)[:, :, 1:]  # [4, n, L - 1]
    rivals = F.pad(labels, (0, largest - 1)).unfold(0, largest, 1)[:, 1:] == labels[:, None]
    for part in torch.arange(len(labels)).split(max(1, PAIRS // largest)):
        rows = slice(part[0], part[-1] + 1)
        rivals[rows] &= _iou(columns[:, rows, None], windows[:, rows]) > iou_threshold
    better, later = rivals.nonzero().T
    return survivors(better, better + later + 1, len(labels))


def _iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes given edge by edge; they broadcast. NaN, above no threshold, where both have no area.

    [4, ...], [4, ...] -> [...]
    """
    overlap, union = overlap_and_union(a, b)
    return overlap.div_(union)


def _best_first(scores: Tensor) -> Tensor:
    """Numbers of the scores, the highest first; of equal ones the smaller number.   # [N] -> [N]"""
    return scores.argsort(descending=True, stable=True)


def _check_candidates(where: str, boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Raise unless there are boxes with a score each, none NaN, and a threshold in 0..1; the boxes, detached."""
    (boxes,) = check_boxes(where, boxes=boxes)
    check_tensor(where, f"[{len(boxes)}]", scores=scores)
    if scores.isnan().any():
        raise ValueError(f"{where}: scores must be numbers, got NaN")
    check_share(where, iou_threshold=iou_threshold)
    return boxes.detach()
