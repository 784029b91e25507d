"""How good masks are: their IoU, and average precision that goes by it (L5.03, L5.08)."""

import torch
from torch import Tensor

from course_lib.average_precision import average_precision, precision_recall
from course_lib.checks import shape


def mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every mask in `a` with every mask in `b`, counted in pixels.

    Args:
        a, b: masks of one size.                           # [N, H, W] bool, [M, H, W] bool
    Returns:
        IoU in 0..1; 0 where both are empty.               # [N, M]
    Raises:
        ValueError: masks of two sizes.
    """
    if a.ndim != 3 or b.ndim != 3 or a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"mask_iou: a and b must be [N, H, W] and [M, H, W], got {shape(a)} and {shape(b)}"
        )
    a, b = a.flatten(1).float(), b.flatten(1).float()
    both = a @ b.T  # [N, M] pixels
    return both / (a.sum(1)[:, None] + b.sum(1) - both).clamp(min=1)


def mask_average_precision(
    predictions: list[dict[str, Tensor]], targets: list[dict[str, Tensor]], classes: int
) -> float:
    """Mean over the classes of the average precision, where a detection is right if the IoU of *masks* is >= 0.5.

    Args:
        predictions: a dict a picture with masks [n, H, W], labels [n], scores [n].
        targets: a dict a picture with masks [m, H, W], labels [m].
        classes: how many; one that no target shows does not count.
    Returns:
        mAP@.5 as COCO has it, in 0..1; NaN where no class is shown.

    Best first, each detection takes the object of its class that it overlaps most and that nobody has taken.
    """
    values = []
    for c in range(classes):
        scores, correct, objects = [torch.zeros(0)], [torch.zeros(0, dtype=torch.bool)], 0
        for found, target in zip(predictions, targets, strict=True):
            mine, wanted = found["labels"] == c, target["labels"] == c
            order = found["scores"][mine].argsort(descending=True, stable=True)
            iou = mask_iou(found["masks"][mine][order], target["masks"][wanted])
            scores.append(found["scores"][mine][order])
            correct.append(taken_in_turn(iou))
            objects += int(wanted.sum())
        if objects > 0:
            curve = precision_recall(torch.cat(scores), torch.cat(correct), objects)
            values.append(average_precision(*curve))
    return sum(values) / len(values) if values else float("nan")


def taken_in_turn(iou: Tensor) -> Tensor:
    """Whether each detection, best first, meets an object with IoU >= 0.5 that is still free.   # [N, M] -> [N] bool"""
    iou, right = iou.clone(), torch.zeros(len(iou), dtype=torch.bool)
    for i in range(len(iou) if iou.shape[1] else 0):
        value, which = iou[i].max(dim=0)
        if value >= 0.5:
            right[i] = True
            iou[:, which] = -1
    return right
