"""Which detection is matched with which object, as COCO and VOC define it: right, wrong, or not counted (L5.03).

Predictions and targets are lists with a dict for each image, in torchvision's form; D detections and G objects of all
images are gone through at once, in flat arrays.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import check_share
from course_lib.detection.flatten import LEAST, FlatDetections, gather, true_cells

# Objects that count as positives, by their area in pixels: all, small, medium, large.
# COCO's tools end at 1e10 pixels, beyond which no object counts; here there is no end.
AREAS = {"": (0, math.inf), "s": (0, 32**2), "m": (32**2, 96**2), "l": (96**2, math.inf)}


def judge(
    flat: FlatDetections, size: str, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which detections are right at each of T thresholds of IoU.

    Args:
        size: a name in `AREAS`: only objects of that area are positives.
        thresholds: of IoU, 0.5 or above.                                 # [T]
    Returns:
        whether each detection is right; whether it counts at all; positives, class by class.
                                                                          # [T, D] bool twice, [K]

    A detection is matched with the object that it overlaps most among those not yet matched. Positives go before
    ignored objects; on a crowd any number of detections may lie, and none of them counts. The best detections of all
    images and classes are matched first, then all the second best: in one turn no two can match the same object.
    """
    low, high = AREAS[size]
    outside = (flat.object_area < low) | (flat.object_area > high)
    ignored = flat.crowd | outside  # [G]
    positives = np.bincount(flat.object_label[~ignored], minlength=len(flat.classes))
    odd_size = (flat.area < low) | (flat.area > high)  # [D]
    right = np.zeros((len(thresholds), len(flat.area)), dtype=bool)
    counted = np.repeat(~odd_size[None], len(thresholds), axis=0)
    matched = np.zeros((len(thresholds), len(ignored)), dtype=bool)
    turn = flat.rank[flat.detection]  # [P]
    # in a detection's pairs the best comes last
    order = np.lexsort((flat.object, flat.iou, ~ignored[flat.object], flat.detection, turn))
    turns = np.flatnonzero(np.diff(turn[order], prepend=-1, append=-1))
    for start, end in pairwise(turns):
        pair = order[start:end]
        first = np.flatnonzero(np.diff(flat.detection[pair], prepend=-1))  # each one's first pair
        free = (flat.iou[pair] >= thresholds[:, None]) & ~matched[:, flat.object[pair]]
        best = np.maximum.reduceat(np.where(free, np.arange(len(pair)), -1), first, axis=1)
        t, which = true_cells(best >= 0)
        pair = pair[best[t, which]]
        detection, target = flat.detection[pair], flat.object[pair]
        right[t, detection] = counted[t, detection] = ~ignored[target]
        matched[t, target] = ~flat.crowd[target]  # a crowd has room for all
    return right, counted, positives


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
        For each image and detection 1 if right, 0 if wrong, -1 if it does not count: it lies on a crowd or a
            difficult object, or (for COCO) is not among the image's best 100 of its class.   # list of [n] int64

    >>> both = {"boxes": torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 3.]]), "labels": torch.zeros(2).long()}
    >>> right_or_wrong([{**both, "scores": torch.tensor([0.9, 0.8])}], [{k: v[:1] for k, v in both.items()}])
    [tensor([1, 0])]
    """
    check_share("right_or_wrong", iou_threshold=iou_threshold)
    if iou_threshold < LEAST:
        raise ValueError(
            f"right_or_wrong: iou_threshold must lie in {LEAST}..1, got {iou_threshold!r}"
        )
    flat = gather("right_or_wrong", predictions, targets, kind)
    right, counted, _ = judge(flat, "", np.array([iou_threshold]))
    counts = [len(p["labels"]) for p in predictions]
    verdict = np.full(sum(counts), -1)
    verdict[flat.source] = np.where(counted, right, -1)[0]
    return list(torch.from_numpy(verdict).split(counts)) if counts else []


def of_class(
    predictions: list[dict[str, Tensor]], targets: list[dict[str, Tensor]], label: int, **how
) -> tuple[Tensor, Tensor, int]:
    """What `precision_recall` takes, of one class: scores, whether each is right, and how many objects there are.

    Detections that do not count are left out. `how`: the IoU threshold and kind of `right_or_wrong`.
    """
    scores, correct = [torch.zeros(0)], [torch.zeros(0, dtype=torch.bool)]
    for prediction, verdict in zip(
        predictions, right_or_wrong(predictions, targets, **how), strict=True
    ):
        chosen = (prediction["labels"].cpu() == label) & (verdict >= 0)
        scores.append(prediction["scores"].detach().cpu()[chosen])
        correct.append(verdict[chosen] == 1)
    name = "iscrowd" if how.get("kind", "coco") == "coco" else "difficult"
    positives = 0
    for target in targets:
        ignored = target.get(name, torch.zeros_like(target["labels"])).bool()
        positives += int(((target["labels"] == label) & ~ignored).sum())
    return torch.cat(scores), torch.cat(correct), positives
