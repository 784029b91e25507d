"""What the detectors share: a backbone, batches of scenes, which box is to find which object, and the way out.

Ground truth travels in padded tensors, so that a batch is a few tensors: `boxes` [B, M, 4] in pixels and `labels`
[B, M], where -1 marks a place without an object. Every detector is a module with

    detector.loss(images, boxes, labels) -> the number to make smaller
    detector.detect(images) -> a dict a picture: boxes [n, 4], labels [n], scores [n], best first
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.boxes import batched_nms, box_iou, clip
from course_lib.checks import shape
from course_lib.encoders import conv_blocks
from course_lib.pictures import AnnotatedImages
from course_lib.training import Sample, device

STRIDE = 8  # pixels of the picture for one cell of the backbone's map
WIDTH = 96  # channels of that map
ABSENT = -1  # the label of a place without an object
IGNORED = -2  # the label of a candidate that is neither right nor wrong: it has no part in the loss


class Backbone(nn.Module):
    """Picture -> map of features, a cell for every 8 x 8 pixels; the same for all seven detectors.

    >>> Backbone()(torch.zeros(2, 3, 96, 96)).shape
    torch.Size([2, 96, 12, 12])
    """

    def __init__(self):
        super().__init__()
        self.blocks = conv_blocks(3, (16, 32, 32, 64, WIDTH, WIDTH), strides=(2, 2, 1, 2, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"Backbone: images must be [B, 3, H, W], got {shape(images)}")
        # stored pixel by pixel instead of map by map: a third faster on CPUs, the same numbers
        return self.blocks(images.contiguous(memory_format=torch.channels_last))


def padded(targets: list[dict[str, Tensor]]) -> tuple[Tensor, Tensor]:
    """Boxes and labels of all pictures as two tensors.

    Args:
        targets: a dict a picture with boxes [n, 4] and labels [n]; n differs.
    Returns:
        boxes, zeros where there is no object.             # [N, M, 4], M the largest n
        labels, -1 where there is no object.               # [N, M] int64

    >>> one = {"boxes": torch.ones(1, 4), "labels": torch.tensor([2])}
    >>> none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    >>> padded([one, none])[1]
    tensor([[ 2],
            [-1]])
    """
    most = max((len(target["labels"]) for target in targets), default=0)
    boxes = torch.zeros(len(targets), most, 4)
    labels = torch.full((len(targets), most), ABSENT)
    for i, target in enumerate(targets):
        boxes[i, : len(target["boxes"])] = target["boxes"]
        labels[i, : len(target["labels"])] = target["labels"]
    return boxes, labels


def scene_batches(images: Tensor, boxes: Tensor, labels: Tensor, size: int) -> Sample:
    """A function that draws random batches, each picture mirrored or not by the toss of a coin, its boxes with it.

    Args:
        images: the training set.                          # [N, 3, H, W]
        boxes, labels: its objects, as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        size: pictures in a batch.
    Returns:
        sample(generator) -> images, boxes, labels.        # [size, 3, H, W], [size, M, 4], [size, M]
    """

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        chosen = torch.randint(len(images), (size,), generator=generator)
        mirror = torch.rand(size, generator=generator) < 0.5
        batch, objects = images[chosen], boxes[chosen]
        batch[mirror] = batch[mirror].flip(3)
        objects[mirror] = mirrored(objects[mirror], images.shape[3])
        return batch, objects, labels[chosen]

    return sample


def mirrored(boxes: Tensor, width: int) -> Tensor:
    """The boxes in a mirror: x becomes width - x, and left becomes right.   # [..., 4] pixels -> [..., 4]"""
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=-1)


def assign(
    candidates: Tensor,
    boxes: Tensor,
    labels: Tensor,
    low: float,
    high: float,
    rescue: bool = False,
) -> tuple[Tensor, Tensor]:
    """Which object every candidate box (an anchor, a proposal) is to find, by IoU.

    Args:
        candidates: boxes.                                 # [A, 4]
        boxes, labels: the objects of one picture; label -1 is no object.   # [M, 4], [M]
        low, high: IoU >= high is a hit, IoU < low is background; what lies between is left out of the loss.
        rescue: also count the best candidate of each object as a hit, if it overlaps the object at all.
    Returns:
        the class each candidate is to find; -1 background, -2 left out.   # [A] int64
        the number of the object it overlaps most.                         # [A] int64, 0 where there is none

    Ren et al., Faster R-CNN, 2015, section 3.1.2. Lecture topic L5.06.
    """
    present = torch.where(labels != ABSENT)[0]  # [m]
    if len(present) == 0 or len(candidates) == 0:
        nothing = torch.zeros(len(candidates), dtype=torch.int64, device=labels.device)
        return nothing + ABSENT, nothing
    iou = box_iou(boxes[present], candidates).T  # [A, m]; `box_iou` is quicker with few rows
    best, which = iou.max(dim=1)
    hit = best >= high
    if rescue:
        best_of_object = iou.max(dim=0).values.clamp(min=1e-3)  # [m]
        rescued = iou >= best_of_object  # [A, m]
        which = torch.where(rescued.any(dim=1), rescued.int().argmax(dim=1), which)
        hit = hit | rescued.any(dim=1)
    found = torch.where(best < low, ABSENT, IGNORED)
    found = torch.where(hit, labels[present][which], found)
    return found, present[which]


def check_batch(where: str, images: Tensor, boxes: Tensor, labels: Tensor) -> None:
    """Raise unless there is a row of padded boxes and labels for each picture."""
    pictures = len(images)
    if boxes.ndim != 3 or boxes.shape[::2] != (pictures, 4) or labels.shape != boxes.shape[:2]:
        raise ValueError(
            f"{where}: boxes must be [{pictures}, M, 4] and labels [{pictures}, M], "
            f"got {shape(boxes)} and {shape(labels)}"
        )


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
