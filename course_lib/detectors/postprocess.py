"""From a network's predictions to a short list of detections."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_tensor
from course_lib.detection.suppression import batched_nms


def final_detections(
    boxes: Tensor,
    scores: Tensor,
    score_threshold: float = 0.02,
    iou_threshold: float = 0.45,
    max_detections: int = 100,
) -> dict[str, Tensor]:
    """From all predictions in an image to a short list: a threshold, NMS in each class, the best `max_detections`.

    Args:
        boxes: predicted.                                  # [A, 4]
        scores: of every class, for every box.             # [A, C] in 0..1
        score_threshold: what is not above it is dropped. Low, since average precision wants the whole curve.
        iou_threshold: of NMS.
        max_detections: how many an image may have.
    Returns:
        boxes [n, 4], labels [n], scores [n], best first. A box may appear once for every class.
    """
    check_tensor("final_detections", "[A, 4]", boxes=boxes)
    check_tensor("final_detections", f"[{len(boxes)}, C]", scores=scores)
    check_count("final_detections", max_detections=max_detections)
    candidate, label = torch.where(scores > score_threshold)
    boxes, scores = boxes[candidate], scores[candidate, label]
    kept = batched_nms(boxes, scores, label, iou_threshold)[:max_detections]
    return {"boxes": boxes[kept], "labels": label[kept], "scores": scores[kept]}


@torch.no_grad()
def detect_all(
    detect: Callable[[Tensor], list[dict]], images: Tensor, size: int = 32
) -> list[dict[str, Tensor]]:
    """Detections in many images, some at a time.

    Args:
        detect: of a detector, such as `yolo.detect`.
        images: any number of them.                        # [N, 3, H, W] in 0..1
        size: how many go through the network together.
    Returns:
        N dicts, as `detect` makes them.
    Raises:
        TypeError, ValueError: images that are no tensor (`resized` makes one of a list); size not above 0.
    """
    check_tensor("detect_all", "[N, C, H, W]", images=images)
    check_count("detect_all", size=size)
    return [one for batch in images.split(size) for one in detect(batch)]
