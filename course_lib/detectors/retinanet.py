"""RetinaNet: anchors at two scales, and a loss that is not drowned by the background (L5.11).

    image -> backbone -> map of 8-pixel cells -> convolution with stride 2 -> map of 16-pixel cells
    in every cell of both maps: anchors of 2 sizes x 3 ratios
    one head, the same for both maps, predicts for every anchor
        C logits: is it a car? is it a boat? ...     and     4 offsets to the anchor's box

There is no second stage: a thousand anchors are classified at once, and nearly all of them are negatives. The focal
loss keeps those from ruling. Maps at several scales, made by going on downwards, are SSD's; RetinaNet proper also mixes
the coarse maps back into the fine ones (a feature pyramid), and its head has eight convolutions where ours has three.

Liu and others, SSD: Single Shot MultiBox Detector, 2016. Lin and others, Focal Loss for Dense Object Detection, 2017.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.arguments import check_tensor
from course_lib.detection.anchors import anchors, decode, encode
from course_lib.detection.losses import focal_loss, smooth_l1_loss
from course_lib.detectors.backbone import STRIDE, WIDTH, at_least_float32
from course_lib.detectors.detector import Detector
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.targets import IGNORED, NO_OBJECT, assign
from course_lib.embeddings.encoders import conv_blocks

SCALES = (1.75, 2.75)  # sizes of a map's anchors, in its cells: 14 and 22 pixels, then 28 and 44
RATIOS = (0.7, 1.0, 1.4)  # height / width
RARE = 0.01  # the probability of every class at every anchor before training


class RetinaNetPrediction(NamedTuple):
    """What the head predicts for every anchor; first those of the fine map, then those of the coarse one."""

    anchors: Tensor  # boxes in pixels                                    # [A, 4]
    logits: Tensor  # of the classes, each by itself                      # [N, A, C]
    offsets: Tensor  # tx, ty, tw, th from the anchor                     # [N, A, 4]

    @property
    def boxes(self) -> Tensor:
        """The anchors moved by their offsets, in pixels.  # [N, A, 4]"""
        return decode(self.offsets, self.anchors)

    @property
    def scores(self) -> Tensor:
        """Pr(class), each class by itself.                # [N, A, C]"""
        return self.logits.sigmoid()


class RetinaNet(Detector):
    """The detector; see the top of the file.

    Args:
        classes: C, how many.

    >>> RetinaNet(classes=6)(torch.zeros(5, 3, 96, 96)).logits.shape  # 6 anchors in 12 x 12 and 6 x 6 cells
    torch.Size([5, 1080, 6])
    """

    def __init__(self, classes: int):
        super().__init__(classes)
        per_cell = len(SCALES) * len(RATIOS)
        self.coarser = conv_blocks(WIDTH, [WIDTH], strides=[2])
        self.shared = conv_blocks(WIDTH, [WIDTH], strides=[1])
        self.logits = nn.Conv2d(WIDTH, per_cell * classes, kernel_size=3, padding=1)
        self.offsets = nn.Conv2d(WIDTH, per_cell * 4, kernel_size=3, padding=1)
        # a thousand anchors that begin at 1/2 would drown the few objects in the first steps
        nn.init.constant_(self.logits.bias, -math.log((1 - RARE) / RARE))

    def forward(self, images: Tensor) -> RetinaNetPrediction:
        fine = self.backbone(images)  # [N, 96, H / 8, W / 8]
        maps = {STRIDE: fine, 2 * STRIDE: self.coarser(fine)}
        boxes, logits, offsets = [], [], []
        for stride, features in maps.items():
            sizes = tuple(stride * scale for scale in SCALES)
            boxes.append(anchors(*features.shape[2:], stride, sizes, RATIOS))
            features = self.shared(features)
            logits.append(_per_anchor(self.logits(features)))
            offsets.append(_per_anchor(self.offsets(features)))
        return RetinaNetPrediction(
            torch.cat(boxes).to(images.device), torch.cat(logits, dim=1), torch.cat(offsets, dim=1)
        )

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Focal loss of all anchors that are not ignored, and smooth L1 of the offsets of the positive ones.

        Args:
            images: a batch.                               # [N, 3, H, W] in 0..1
            boxes, labels: their objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        Raises:
            ValueError: not a row of boxes and labels for each image.
        """
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        prediction = self(images)
        classes, matched_boxes = anchor_targets(prediction.anchors, boxes, labels)
        image, anchor = torch.where(classes >= 0)  # n positive anchors
        target_classes = torch.zeros_like(prediction.logits)  # [N, A, C]
        target_classes[image, anchor, classes[image, anchor]] = 1
        counted = classes != IGNORED
        class_error = focal_loss(prediction.logits[counted], target_classes[counted]).sum()
        target_offsets = encode(matched_boxes[image, anchor], prediction.anchors[anchor])  # [n, 4]
        offsets = prediction.offsets[image, anchor]  # [n, 4]
        box_error = smooth_l1_loss(offsets, target_offsets, beta=1 / 9).sum()
        return (class_error + box_error) / max(len(anchor), 1)

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every image, best first: boxes [n, 4] in pixels, labels [n], scores [n]."""
        prediction = self(images)
        pairs = zip(prediction.boxes, prediction.scores, strict=True)
        return [final_detections(boxes, scores, score_threshold=0.05) for boxes, scores in pairs]


def _per_anchor(outputs: Tensor) -> Tensor:
    """The head's channels, cell by cell, in the order of `anchors`.   # [N, K c, H, W] -> [N, H W K, c]"""
    per_cell = at_least_float32(outputs).unflatten(1, (len(SCALES) * len(RATIOS), -1))
    return per_cell.permute(0, 3, 4, 1, 2).flatten(1, 3)  # of [N, K, c, H, W]


def anchor_targets(anchors: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """What every anchor is to predict in every image.

    Args:
        anchors: boxes.                                    # [A, 4] pixels
        boxes, labels: the objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
    Returns:
        the class of positives, with IoU of .5 or more or the best anchor of an object; -1, negative, below .4; -2,
        ignored, between.                                  # [N, A]
        the box of the matched object; without meaning where the class is < 0.   # [N, A, 4]
    """
    check_tensor("anchor_targets", "[A, 4]", anchors=anchors)
    check_tensor("anchor_targets", "[N, M, 4]", boxes=boxes)
    check_tensor("anchor_targets", str(list(boxes.shape[:2])), torch.int64, labels=labels)
    if boxes.shape[1] == 0 or len(boxes) == 0:
        classes = labels.new_full((len(boxes), len(anchors)), NO_OBJECT)
        return classes, boxes.new_zeros(len(boxes), len(anchors), 4)
    classes, matched_boxes = [], []
    for image_boxes, image_labels in zip(boxes, labels, strict=True):
        anchor_labels, matched = assign(
            anchors, image_boxes, image_labels, low=0.4, high=0.5, rescue=True
        )
        classes.append(anchor_labels)
        matched_boxes.append(image_boxes[matched])
    return torch.stack(classes), torch.stack(matched_boxes)
