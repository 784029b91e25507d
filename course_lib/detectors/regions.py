"""Regions of interest (RoIs): which proposals to learn from, the offsets from each to its object, and the way back."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.arguments import check_share, check_tensor
from course_lib.detection.anchors import clip, decode, encode
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.proposals import window_scores, windows
from course_lib.detectors.targets import NO_OBJECT, assign

ROIS = 24  # RoIs that an image is trained on in one step
POSITIVE_SHARE = 0.25  # of them at most; the rest are negatives

# Typical sizes of the offsets (tx, ty, tw, th). A head predicts offsets divided by these, numbers about as large as 1,
# so that they weigh as much in the loss as the classes do.
OFFSET_STDS = (0.1, 0.1, 0.2, 0.2)


class RoISample(NamedTuple):
    """The RoIs of one image that a step learns from."""

    rois: Tensor  # boxes in pixels                                       # [n, 4]
    labels: Tensor  # the class of each positive, -1 of a negative        # [n] int64
    matched: Tensor  # the number of the object it overlaps most          # [n] int64


def encode_offsets(boxes: Tensor, rois: Tensor) -> Tensor:
    """The normalised offsets from RoIs (or anchors) to boxes: what a head predicts.   # [..., 4] twice -> [..., 4]"""
    offsets = encode(boxes, rois)
    return offsets / offsets.new_tensor(OFFSET_STDS)


def decode_offsets(offsets: Tensor, rois: Tensor) -> Tensor:
    """The boxes to which normalised offsets lead from RoIs (or anchors).   # [..., 4] twice -> [..., 4]"""
    return decode(offsets * offsets.new_tensor(OFFSET_STDS), rois)


def balanced_sample(labels: Tensor, count: int, share: float) -> Tensor:
    """Up to `count` candidates drawn at random: at most a `share` of positives, the rest negatives.

    Args:
        labels: as `assign` gives them: a class, -1 negative, -2 ignored.   # [A]
        count: how many; fewer where there are not as many.
        share: of positives at most, in 0..1.
    Returns:
        Numbers of candidates, positives first.            # [<= count] int64

    Nearly all candidates are negative. Without this, "background" would be the best answer to all of them.

    >>> balanced_sample(torch.tensor([-1, 3, -2, -1]), count=2, share=0.5)[0]
    tensor(1)
    """
    check_tensor("balanced_sample", "[A]", torch.int64, labels=labels)
    check_share("balanced_sample", share=share)
    positive, negative = torch.where(labels >= 0)[0], torch.where(labels == NO_OBJECT)[0]
    positive = positive[torch.randperm(len(positive))[: round(share * count)]]
    negative = negative[torch.randperm(len(negative))[: count - len(positive)]]
    return torch.cat([positive, negative])


def sample_rois(proposals: Tensor, boxes: Tensor, labels: Tensor) -> RoISample:
    """The proposals of one image that a step learns from; the ground-truth boxes count as proposals too.

    Args:
        proposals: boxes.                                  # [P, 4]
        boxes, labels: the image's objects; -1 is none.    # [M, 4], [M]
    Returns:
        Up to ROIS of them: positive from IoU .5 on, negative below.
    """
    check_tensor("sample_rois", "[P, 4]", proposals=proposals)
    check_tensor("sample_rois", "[M, 4]", boxes=boxes)
    check_tensor("sample_rois", f"[{len(boxes)}]", torch.int64, labels=labels)
    candidates = torch.cat([proposals, boxes[labels != NO_OBJECT]])
    roi_labels, matched = assign(candidates, boxes, labels, low=0.5, high=0.5)
    kept = balanced_sample(roi_labels, ROIS, POSITIVE_SHARE)
    return RoISample(candidates[kept], roi_labels[kept], matched[kept])


def training_rois(images: Tensor, boxes: Tensor, labels: Tensor, count: int) -> list[RoISample]:
    """`sample_rois` for each image of a batch, from its `count` best windows.

    Args:
        images, boxes, labels: the batch.                  # [B, 3, H, W], [B, M, 4], [B, M]
        count: windows an image; they are not thinned out by NMS: one that is a little off is worth learning from.
    """
    every = windows(*images.shape[-2:]).to(images.device)
    best = window_scores(images, every).topk(min(count, len(every))).indices  # [B, count]
    return [
        sample_rois(every[numbers], image_boxes, image_labels)
        for numbers, image_boxes, image_labels in zip(best, boxes, labels, strict=True)
    ]


def offset_targets(samples: list[RoISample], boxes: Tensor) -> Tensor:
    """The normalised offsets that lead from each RoI to its matched object; 0 for negatives.

    Args:
        samples: the RoIs of each image.
        boxes: the objects of each image.                  # [B, M, 4]
    Returns:
        Offsets, image by image.                           # [sum n_i, 4]
    """
    targets = []
    for (rois, labels, matched), image_boxes in zip(samples, boxes, strict=True):
        positive = labels >= 0
        offsets = torch.zeros_like(rois)
        offsets[positive] = encode_offsets(image_boxes[matched[positive]], rois[positive])
        targets.append(offsets)
    return torch.cat(targets)


def region_detections(
    rois: list[Tensor],
    scores: Tensor,
    offsets: Tensor,
    height: int,
    width: int,
    score_threshold: float = 0.02,
) -> list[dict[str, Tensor]]:
    """From what a head predicts for all RoIs to each image's detections: boxes moved by the offsets, NMS in each class.

    Args:
        rois: boxes of each image, in pixels.              # B x [n_i, 4]
        scores: of all of them, of each class without background.   # [sum n_i, K] in 0..1
        offsets: of all of them, normalised.               # [sum n_i, 4]
        height, width: of the images, whose edges no box crosses.
        score_threshold: what is not above it is dropped.
    Returns:
        A dict an image, as `final_detections` makes it.
    """
    counts = [len(image_rois) for image_rois in rois]
    detections = []
    for image_rois, image_scores, image_offsets in zip(
        rois, scores.split(counts), offsets.split(counts), strict=True
    ):
        boxes = clip(decode_offsets(image_offsets, image_rois), height, width)
        detections.append(final_detections(boxes, image_scores, score_threshold))
    return detections
