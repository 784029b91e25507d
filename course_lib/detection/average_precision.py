"""How good a detector is: precision, recall and average precision, as VOC and COCO define them (L5.03).

Predictions and targets are lists with a dict for each image, in torchvision's form. Which detection is matched with
which object is decided in `matching`.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import check_count, check_tensor, shape
from course_lib.detection.flatten import KINDS, check_kind, gather, place_in_run, true_cells
from course_lib.detection.matching import AREAS, judge

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU


def precision_recall(scores: Tensor, correct: Tensor, positives: int) -> tuple[Tensor, Tensor]:
    """Precision and recall after each detection, as the threshold is lowered past one score after the other.

        precision = correct so far / detections so far,   recall = correct so far / positives

    Args:
        scores: of all detections of a class, in any order.   # [n]
        correct: whether each is a true positive (True, 1) or a false one (False, 0); a detection that does not count,
            because it lies on a crowd or a difficult object, is -1.   # [n]
        positives: objects there are, at least 1.
    Returns:
        precision and recall after each of the k detections that count, by falling score; of equal scores the first
            comes first. In double precision, since recall will be compared with .01, .02, ...   # [k], [k]
    Raises:
        TypeError, ValueError: two lengths; NaN; something else than 1, 0 and -1; fewer positives than true positives,
            or none.

    Lecture topic L5.03.

    >>> precision_recall(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, False, True]), positives=4)
    (tensor([1.0000, 0.5000, 0.6667], dtype=torch.float64), tensor([0.2500, 0.2500, 0.5000], dtype=torch.float64))
    """
    for name, values in (("scores", scores), ("correct", correct)):
        if not isinstance(values, Tensor):
            got = type(values).__name__
            raise TypeError(f"precision_recall: {name} must be a tensor [n], got {got}")
    if scores.ndim != 1 or scores.shape != correct.shape:
        raise ValueError(
            f"precision_recall: scores and correct must be [n] each, "
            f"got {shape(scores)} and {shape(correct)}"
        )
    if scores.isnan().any():
        raise ValueError("precision_recall: scores must be numbers, got NaN")
    verdict = correct.detach().double().to(scores.device)
    if not ((verdict == 1) | (verdict == 0) | (verdict == -1)).all():
        raise ValueError(
            f"precision_recall: correct must hold 1, 0 or -1 (does not count), got {verdict.unique().tolist()}"
        )
    true_positives = int((verdict == 1).sum())
    check_count("precision_recall", positives=positives)
    if positives < true_positives:
        raise ValueError(
            f"precision_recall: positives must be no fewer than the {true_positives} "
            f"correct detections, got {positives}"
        )
    verdict = verdict[scores.argsort(descending=True, stable=True)]
    hits = verdict[verdict >= 0].cumsum(0)  # [k]
    return hits / torch.arange(1, len(hits) + 1, device=hits.device), hits / positives


def average_precision(precision: Tensor, recall: Tensor, kind: str = "coco") -> float:
    """Area under the precision-recall curve, the curve first made to fall nowhere but to the right.

        p(r) = max of precision where recall >= r, 0 where there is none
        coco: mean of p at r = 0, .01, ..., 1     voc07: at 0, .1, ..., 1     voc12: integral of p

    Args:
        precision, recall: of one class, as `precision_recall` gives them.   # [n], [n]
        kind: "coco", "voc07" or "voc12".
    Returns:
        AP in 0..1; 0 for an empty curve.
    Raises:
        TypeError, ValueError: two lengths; values outside 0..1 or NaN; recall that falls; another kind.

    Everingham and others, Pascal VOC, 2010 and 2015; Lin and others, COCO, 2014. Lecture topic L5.03.

    >>> precision, recall = torch.tensor([1.0, 0.5, 0.6667]), torch.tensor([0.25, 0.25, 0.5])
    >>> [round(average_precision(precision, recall, kind), 4) for kind in ("coco", "voc07", "voc12")]
    [0.4225, 0.4546, 0.4167]
    """
    check_kind("average_precision", kind)
    check_tensor("average_precision", "[n]", precision=precision, recall=recall)
    if precision.shape != recall.shape or (recall.diff() < 0).any():
        raise ValueError(
            "average_precision: precision and recall must be [n] each, recall never falling, "
            f"got {shape(precision)} and {shape(recall)}"
        )
    for name, values in (("precision", precision), ("recall", recall)):
        if not ((values >= 0) & (values <= 1)).all():
            got = f"{values.min().item():.3g} to {values.max().item():.3g}"
            raise ValueError(f"average_precision: {name} must lie in 0..1, got {got}")
    # float32 knows no .7: the points are rounded as the recall that is compared with them
    points = torch.from_numpy(np.linspace(0, 1, KINDS[kind])).to(recall).double()
    precision, recall = precision.detach().double(), recall.detach().double()
    envelope = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    if kind == "voc12":
        return (envelope * recall.diff(prepend=recall.new_zeros(1))).sum().item()
    first = torch.searchsorted(recall, points)  # where recall reaches each point
    return torch.cat([envelope, envelope.new_zeros(1)])[first].mean().item()


def evaluate_detections(
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    kind: str = "coco",
    shapes: str = "boxes",
) -> dict:
    """COCO's twelve figures, or the same with VOC's rules; mAP is the mean over classes.

    Args:
        predictions: a dict per image: boxes [n, 4] in pixels, labels [n] int64, scores [n].
        targets: a dict per image: boxes [m, 4], labels [m]; and, if there, area [m] in pixels (else its shape's),
            iscrowd [m] for COCO, difficult [m] for VOC.
        kind: "coco"; or "voc07", "voc12": precision is read as `average_precision` says, and a detection is compared
            with the object that it overlaps most, matched already or not (COCO: most among those not yet matched).
        shapes: "boxes"; or "masks": then overlap and area are those of masks [n, H, W], bool, of one H and W in an
            image, which predictions and targets hold in place of boxes or beside them.
    Returns:
        AP      mean over IoU thresholds .5, .55, ... .95        AP50, AP75   at one
        APs, APm, APl    of objects up to 32^2 pixels, from there to 96^2, and above
        AR1, AR10, AR100    recall when so many detections of a class in an image count; ARs, ARm, ARl by area
        AP_per_class, AP50_per_class    class -> figure, of the classes in the ground truth
        A figure for which there is no object is -1, as in COCO's tools.
    Raises:
        TypeError, ValueError: lists of two lengths; not boxes (or masks), labels, scores of one length; NaN; a label
            below 0; masks of two sizes; an area that is negative or NaN.

    A detection is right if its IoU is >= the threshold. Crowds (in VOC: difficult objects) are ignored; what
    lies on one is not counted, for COCO by the share of the detection inside it. Classes that only predictions have do
    not count either. Of equal scores the earlier comes first.
    """
    flat = gather("evaluate_detections", predictions, targets, kind, shapes)
    aps, recalls = {}, {}
    for size in AREAS:
        right, counted, positives = judge(flat, size, THRESHOLDS)
        there = positives > 0  # [K]
        ap = average_precisions(flat.label, right, counted, positives, kind)  # [10, K]
        aps[size] = ap[:, there]
        for most in (1, 10, 100) if size == "" else (100,):
            matched = _count(right & (flat.rank < most), flat.label, len(positives))  # [10, K]
            recalls[size or most] = matched[:, there] / positives[there]
        if size == "":
            per_class = dict(zip(flat.classes[there].tolist(), ap[:, there].T, strict=True))
    return {
        "AP": _mean(aps[""]),
        "AP50": _mean(aps[""][0]),
        "AP75": _mean(aps[""][5]),
        **{f"AP{size}": _mean(aps[size]) for size in "sml"},
        **{f"AR{which}": _mean(recalls[which]) for which in (1, 10, 100, "s", "m", "l")},
        "AP_per_class": {label: float(ap.mean()) for label, ap in per_class.items()},
        "AP50_per_class": {label: float(ap[0]) for label, ap in per_class.items()},
    }


def _mean(values: np.ndarray) -> float:
    """The mean; of no values it is -1, as in COCO's tools."""
    return float(values.mean()) if values.size > 0 else -1.0


def _count(chosen: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    """How many are chosen in each class, at each threshold.              # [T, D] bool, [D] -> [T, K]"""
    t, d = true_cells(chosen)
    cell = t * classes + label[d]
    return np.bincount(cell, minlength=len(chosen) * classes).reshape(len(chosen), classes)


def average_precisions(
    label: np.ndarray, right: np.ndarray, counted: np.ndarray, positives: np.ndarray, kind: str
) -> np.ndarray:
    """`average_precision` of every threshold and class at once.

    Args:
        label: number of the class, ascending; in a class best first.     # [D]
        right, counted: as `judge` gives them.                            # [T, D] bool
        positives: objects of each class.                                 # [K]
    Returns:
        AP, 0 where there is nothing to find.                             # [T, K]

    Precision is highest just after a right detection, so these are all that is looked at: the j-th one of a class has
    recall j / positives and precision j / (detections so far).
    """
    classes, thresholds = len(positives), len(right)
    seen = counted.cumsum(axis=1, dtype=np.int32)  # [T, D] detections so far, of all classes
    start = np.searchsorted(label, np.arange(classes))  # [K] where each class begins
    before = np.concatenate([np.zeros((thresholds, 1), np.int32), seen], axis=1)[:, start]  # [T, K]
    t, d = true_cells(right)  # [R]: threshold by threshold, class by class, best first
    curve = t * classes + label[d]  # [R] which of T * K curves
    number = place_in_run(curve)  # 0 for the first right one
    precision = (number + 1) / (seen[t, d] - before[t, label[d]])
    # From the right end on the maximum so far; 2 more for every next curve keeps each to itself.
    lift = 2.0 * (thresholds * classes - curve)
    envelope = np.maximum.accumulate((precision + lift)[::-1])[::-1] - lift
    if kind == "voc12":
        area = np.bincount(curve, envelope, minlength=thresholds * classes)
        return area.reshape(thresholds, classes) / np.maximum(positives, 1)
    points = np.linspace(0, 1, KINDS[kind])
    needed = np.floor(points * positives[:, None])  # [K, points] right detections to reach a recall
    needed += needed / np.maximum(positives, 1)[:, None] < points
    needed = np.maximum(needed, 1).astype(np.int64)
    total = _count(right, label, classes)[:, :, None]  # [T, K, 1]
    first = (total.cumsum() - total.ravel()).reshape(total.shape)  # of each curve, in R
    place = np.where(needed <= total, first + needed - 1, len(envelope))  # [T, K, points]
    return np.append(envelope, 0.0)[place].mean(axis=2)
