"""How good a detector is: precision, recall and average precision, as VOC and COCO define them (L5.03).

Predictions and targets are lists with a dict for each picture, in torchvision's form. Which detection found which
object is settled in `matching`.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import shape
from course_lib.detection.matching import AREAS, LEAST, gather, judge, place_in_run

KINDS = {
    "coco": 101,
    "voc07": 11,
    "voc12": 0,
}  # points of recall at which precision is read; 0: at all
THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU


def check_kind(where: str, kind: str) -> None:
    """Raise unless there is such a kind of average precision."""
    if kind not in KINDS:
        raise ValueError(f"{where}: kind must be one of {tuple(KINDS)}, got {kind!r}")


def precision_recall(scores: Tensor, correct: Tensor, positives: int) -> tuple[Tensor, Tensor]:
    """Precision and recall after each detection, as the threshold is lowered past one score after the other.

        precision = correct so far / detections so far,   recall = correct so far / positives

    Args:
        scores: of all detections of a class, in any order.   # [n]
        correct: whether each found an object.                # [n] bool
        positives: objects there were to find, at least 1.
    Returns:
        precision and recall, by falling score; of equal scores the first comes first. In double precision, since
            recall will be compared with .01, .02, ...        # [n], [n]
    Raises:
        ValueError: two lengths; NaN; fewer positives than correct detections, or none.

    Lecture topic L5.03.

    >>> precision_recall(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, False, True]), positives=4)
    (tensor([1.0000, 0.5000, 0.6667], dtype=torch.float64), tensor([0.2500, 0.2500, 0.5000], dtype=torch.float64))
    """
    if scores.ndim != 1 or scores.shape != correct.shape:
        raise ValueError(
            f"precision_recall: scores and correct must be [n] each, "
            f"got {shape(scores)} and {shape(correct)}"
        )
    if scores.isnan().any():
        raise ValueError("precision_recall: scores must be numbers, got NaN")
    if positives < max(int(correct.sum()), 1):
        raise ValueError(
            f"precision_recall: positives must be 1 or more, and no fewer than the {int(correct.sum())} "
            f"correct detections, got {positives}"
        )
    right = correct[scores.argsort(descending=True, stable=True)].double().cumsum(0)  # [n]
    return right / torch.arange(1, len(right) + 1, device=right.device), right / positives


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
        ValueError: two lengths, recall that falls, or another kind.

    Everingham and others, Pascal VOC, 2010 and 2015; Lin and others, COCO, 2014. Lecture topic L5.03.

    >>> precision, recall = torch.tensor([1.0, 0.5, 0.6667]), torch.tensor([0.25, 0.25, 0.5])
    >>> [round(average_precision(precision, recall, kind), 4) for kind in ("coco", "voc07", "voc12")]
    [0.4225, 0.4546, 0.4167]
    """
    check_kind("average_precision", kind)
    if precision.ndim != 1 or precision.shape != recall.shape or (recall.diff() < 0).any():
        raise ValueError(
            "average_precision: precision and recall must be [n] each, recall never falling, "
            f"got {shape(precision)} and {shape(recall)}"
        )
    envelope = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    if kind == "voc12":
        return (envelope * recall.diff(prepend=recall.new_zeros(1))).sum().item()
    points = torch.from_numpy(np.linspace(0, 1, KINDS[kind])).to(recall.device)
    first = torch.searchsorted(recall.double(), points)  # where recall reaches each point
    return torch.cat([envelope, envelope.new_zeros(1)])[first].mean().item()


def evaluate_detections(
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    kind: str = "coco",
    shapes: str = "boxes",
) -> dict:
    """COCO's twelve figures, or the same with VOC's rules; mAP is the mean over classes.

    Args:
        predictions: a dict a picture: boxes [n, 4] in pixels, labels [n] int64, scores [n].
        targets: a dict a picture: boxes [m, 4], labels [m]; and, if there, area [m] in pixels (else its shape's),
            iscrowd [m] for COCO, difficult [m] for VOC.
        kind: "coco"; or "voc07", "voc12": precision is read as `average_precision` says, and a detection is compared
            with the object that it overlaps most, found already or not (COCO: most among those not yet found).
        shapes: "boxes"; or "masks": then overlap and area are those of masks [n, H, W], bool, of one H and W in a
            picture, which predictions and targets hold in place of boxes or beside them.
    Returns:
        AP      mean over IoU thresholds .5, .55, ... .95        AP50, AP75   at one
        APs, APm, APl    of objects up to 32^2 pixels, from there to 96^2, and above
        AR1, AR10, AR100    recall when so many detections of a class in a picture count; ARs, ARm, ARl by area
        AP_per_class, AP50_per_class    class -> figure, of the classes in the ground truth
        A figure for which there is no object is -1, as in COCO's tools.
    Raises:
        TypeError, ValueError: lists of two lengths; not boxes (or masks), labels, scores of one length; NaN; a label
            below 0; masks of two sizes.

    A detection is right if its IoU is >= the threshold. Crowds (in VOC: difficult objects) are not to be found; what
    lies on one is not counted, for COCO by the share of the detection inside it. Classes that only predictions have do
    not count either. Of equal scores the earlier comes first.
    """
    check_kind("evaluate_detections", kind)
    scenes = gather("evaluate_detections", predictions, targets, kind, shapes)
    aps, recalls = {}, {}
    for size in AREAS:
        right, counted, positives = judge(scenes, size, THRESHOLDS)
        there = positives > 0  # [K]
        ap = average_precisions(scenes.label, right, counted, positives, kind)  # [10, K]
        aps[size] = ap[:, there]
        for most in (1, 10, 100) if size == "" else (100,):
            found = count(right & (scenes.rank < most), scenes.label, len(positives))  # [10, K]
            recalls[size or most] = found[:, there] / positives[there]
        if size == "":
            per_class = dict(zip(scenes.classes[there].tolist(), ap[:, there].T, strict=True))
    return {
        "AP": mean(aps[""]),
        "AP50": mean(aps[""][0]),
        "AP75": mean(aps[""][5]),
        **{f"AP{size}": mean(aps[size]) for size in "sml"},
        **{f"AR{which}": mean(recalls[which]) for which in (1, 10, 100, "s", "m", "l")},
        "AP_per_class": {label: float(ap.mean()) for label, ap in per_class.items()},
        "AP50_per_class": {label: float(ap[0]) for label, ap in per_class.items()},
    }


def mean(values: np.ndarray) -> float:
    """The mean; of no values it is -1, as in COCO's tools."""
    return float(values.mean()) if values.size > 0 else -1.0


def count(chosen: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    """How many are chosen in each class, at each threshold.              # [T, D] bool, [D] -> [T, K]"""
    t, d = np.nonzero(chosen)
    cell = t * classes + label[d]
    return np.bincount(cell, minlength=len(chosen) * classes).reshape(len(chosen), classes)


def average_precisions(
    label: np.ndarray, right: np.ndarray, counted: np.ndarray, positives: np.ndarray, kind: str
) -> np.ndarray:
    """`average_precision` of every threshold and class at once.

    Args:
        label: number of the class, ascending; in a class best first.     # [D]
        right, counted: as `judge` gives them.                            # [T, D] bool
        positives: objects of each class to be found.                     # [K]
    Returns:
        AP, 0 where there is nothing to find.                             # [T, K]

    Precision is highest just after a right detection, so these are all that is looked at: the j-th one of a class has
    recall j / positives and precision j / (detections so far).
    """
    kinds, thresholds = len(positives), len(right)
    seen = counted.cumsum(axis=1, dtype=np.int32)  # [T, D] detections so far, of all classes
    start = np.searchsorted(label, np.arange(kinds))  # [K] where each class begins
    before = np.concatenate([np.zeros((thresholds, 1), np.int32), seen], axis=1)[:, start]  # [T, K]
    t, d = np.nonzero(right)  # [R]: threshold by threshold, class by class, best first
    curve = t * kinds + label[d]  # [R] which of T * K curves
    number = place_in_run(curve)  # 0 for the first right one
    precision = (number + 1) / (seen[t, d] - before[t, label[d]])
    # From the right end on the maximum so far; 2 more for every next curve keeps each to itself.
    lift = 2.0 * (thresholds * kinds - curve)
    envelope = np.maximum.accumulate((precision + lift)[::-1])[::-1] - lift
    if kind == "voc12":
        total = np.bincount(curve, envelope, minlength=thresholds * kinds)
        return total.reshape(thresholds, kinds) / np.maximum(positives, 1)
    points = np.linspace(0, 1, KINDS[kind])
    needed = np.floor(points * positives[:, None])  # [K, points] right detections to reach a recall
    needed += needed / np.maximum(positives, 1)[:, None] < points
    needed = np.maximum(needed, 1).astype(np.int64)
    found = count(right, label, kinds)[:, :, None]  # [T, K, 1]
    first = (found.cumsum() - found.ravel()).reshape(found.shape)  # of each curve, in R
    place = np.where(needed <= found, first + needed - 1, len(envelope))  # [T, K, points]
    return np.append(envelope, 0.0)[place].mean(axis=2)


def right_or_wrong(
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    iou_threshold: float = 0.5,
    kind: str = "coco",
) -> list[Tensor]:
    """Which detections are right at one IoU threshold.

    Args:
        predictions, targets, kind: as in `evaluate_detections`.
        iou_threshold: in 0.5..1.
    Returns:
        For each picture and detection 1 if right, 0 if wrong, -1 if it does not count.   # list of [n] int64

    >>> found = {"boxes": torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 3.]]), "labels": torch.zeros(2).long()}
    >>> right_or_wrong([{**found, "scores": torch.tensor([0.9, 0.8])}], [{k: v[:1] for k, v in found.items()}])
    [tensor([1, 0])]
    """
    check_kind("right_or_wrong", kind)
    if not LEAST <= iou_threshold <= 1:
        raise ValueError(
            f"right_or_wrong: iou_threshold must lie in {LEAST}..1, got {iou_threshold!r}"
        )
    scenes = gather("right_or_wrong", predictions, targets, kind)
    right, counted, _ = judge(scenes, "", np.array([iou_threshold]))
    counts = [len(p["labels"]) for p in predictions]
    verdict = np.full(sum(counts), -1)
    verdict[scenes.source] = np.where(counted, right, -1)[0]
    return list(torch.from_numpy(verdict).split(counts)) if counts else []


def of_class(
    predictions: list[dict[str, Tensor]], targets: list[dict[str, Tensor]], label: int, **how
) -> tuple[Tensor, Tensor, int]:
    """What `precision_recall` asks for, of one class: scores, whether each is right, and how many there were to find.

    Detections that do not count are left out. `how`: the IoU threshold and kind of `right_or_wrong`.
    """
    verdicts = right_or_wrong(predictions, targets, **how)
    asked = [(p["labels"] == label) & (v >= 0) for p, v in zip(predictions, verdicts, strict=True)]
    scores = [p["scores"][mine] for p, mine in zip(predictions, asked, strict=True)]
    right = [verdict[mine] == 1 for verdict, mine in zip(verdicts, asked, strict=True)]
    name = "iscrowd" if how.get("kind", "coco") == "coco" else "difficult"
    positives = 0
    for target in targets:
        spared = target.get(name, torch.zeros_like(target["labels"])).bool()
        positives += int(((target["labels"] == label) & ~spared).sum())
    return torch.cat(scores), torch.cat(right), positives
