"""What a detector learns from: padded ground truth, batches, the object that each candidate is matched with."""

import torch
from torch import Tensor

from course_lib.arguments import shape
from course_lib.detection.overlap import box_iou
from course_lib.training.batches import Sample

ABSENT = -1  # the label of a place without an object


IGNORED = -2  # the label of a candidate that is neither right nor wrong: it has no part in the loss


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
