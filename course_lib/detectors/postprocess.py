"""From a network's output to a short list of detections."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.data.holders import AnnotatedImages
from course_lib.detection.anchors import clip
from course_lib.detection.suppression import batched_nms
from course_lib.machine import device


def final_detections(
    boxes: Tensor,
    scores: Tensor,
    score_threshold: float = 0.02,
    iou_threshold: float = 0.45,
    most: int = 100,
) -> dict[str, Tensor]:
    """From what a network says of its candidates to a short list: a threshold, NMS in each class, the best `most`.

    Args:
        boxes: a box for each candidate.                   # [A, 4]
        scores: of every class.                            # [A, C] in 0..1
        score_threshold: what is not above it is dropped. Low, since average precision wants the whole curve.
        iou_threshold: of NMS.
        most: how many detections a picture may have.
    Returns:
        boxes [n, 4], labels [n], scores [n], best first. A candidate may appear once for every class.
    """
    candidate, label = torch.where(scores > score_threshold)
    boxes, scores = boxes[candidate], scores[candidate, label]
    kept = batched_nms(boxes, scores, label, iou_threshold)[:most]
    return {"boxes": boxes[kept], "labels": label[kept], "scores": scores[kept]}


@torch.no_grad()
def detect_all(
    detect: Callable[[Tensor], list[dict]], images: Tensor, size: int = 32
) -> list[dict[str, Tensor]]:
    """Detections in many pictures, some at a time.

    Args:
        detect: of a detector, such as `yolo.detect`.
        images: pictures.                                  # [N, 3, H, W] in 0..1
        size: how many go through the network together.
    Returns:
        N dicts, as `detect` makes them, on the CPU.
    """
    found = []
    for batch in images.split(size):
        found += detect(batch.to(device()))
    return [{name: values.cpu() for name, values in one.items()} for one in found]


def resized(scenes: AnnotatedImages, size: int) -> AnnotatedImages:
    """Photographs of any sizes as squares, so that they fit into a batch; their boxes are stretched with them.

    Args:
        scenes: pictures [3, H, W] with targets of boxes [n, 4] in pixels and labels [n]; H and W may differ.
        size: side of the squares in pixels; a multiple of 8 suits the backbone.
    Returns:
        The same scenes: images [N, 3, size, size], targets of boxes, labels and, if there, difficult.

    Boxes are cut off at the picture's edges, and those without area are left out: labelled photographs have some.
    """
    images, targets = [], []
    for image, target in zip(scenes.images, scenes.targets, strict=True):
        height, width = image.shape[1:]
        scale = torch.tensor([size / width, size / height] * 2)
        squeezed = F.interpolate(image[None], (size, size), mode="bilinear", antialias=True)
        images.append(squeezed[0])
        boxes = clip(target["boxes"] * scale, size, size)
        there = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        more = {name: target[name][there] for name in ("labels", "difficult") if name in target}
        targets.append({"boxes": boxes[there], **more})
    return AnnotatedImages(torch.stack(images), targets, scenes.names)
