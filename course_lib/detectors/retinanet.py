"""RetinaNet: anchors at two scales, and a loss that is not drowned by the background (L5.11).

    picture -> backbone -> map of 8-pixel cells -> convolution with stride 2 -> map of 16-pixel cells
    in every cell of both maps: anchors of 2 sizes x 3 ratios
    one head, the same for both maps, says of every anchor
        C numbers: is it a car? is it a boat? ...     and     4 corrections to the anchor's box

There is no second stage: a thousand anchors are answered at once, and nearly all of them must say "nothing". The focal
loss keeps those from ruling. Maps at several scales, made by going on downwards, are SSD's; RetinaNet proper also mixes
the coarse maps back into the fine ones (a feature pyramid), and its head has eight convolutions where ours has three.

Liu and others, SSD: Single Shot MultiBox Detector, 2016. Lin and others, Focal Loss for Dense Object Detection, 2017.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.arguments import check_positive
from course_lib.detection.anchors import anchors, decode, encode
from course_lib.detection.losses import focal_loss, smooth_l1_loss
from course_lib.detectors.backbone import STRIDE, WIDTH, Backbone
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.targets import IGNORED, assign, check_batch, scene_batches
from course_lib.embeddings.encoders import conv_blocks
from course_lib.training.loop import fit

SCALES = (1.75, 2.75)  # sizes of a map's anchors, in its cells: 14 and 22 pixels, then 28 and 44
RATIOS = (0.7, 1.0, 1.4)  # height / width
RARE = 0.01  # what every anchor believes of every class before training


class Answers(NamedTuple):
    """What the head says of every anchor; first those of the fine map, then those of the coarse one."""

    anchors: Tensor  # the boxes asked about, in pixels                # [A, 4]
    logits: Tensor  # is it an object of this class?                   # [N, A, C]
    deltas: Tensor  # tx, ty, tw, th from the anchor                   # [N, A, 4]


class RetinaNet(nn.Module):
    """The detector; see the top of the file.

    Args:
        classes: C, how many.

    >>> RetinaNet(classes=6)(torch.zeros(5, 3, 96, 96)).logits.shape  # 6 anchors in 12 x 12 and 6 x 6 cells
    torch.Size([5, 1080, 6])
    """

    def __init__(self, classes: int):
        super().__init__()
        check_positive("RetinaNet", classes=classes)
        per_cell = len(SCALES) * len(RATIOS)
        self.backbone = Backbone()
        self.coarser = conv_blocks(WIDTH, [WIDTH], strides=[2])
        self.shared = conv_blocks(WIDTH, [WIDTH], strides=[1])
        self.classify = nn.Conv2d(WIDTH, per_cell * classes, kernel_size=3, padding=1)
        self.correct = nn.Conv2d(WIDTH, per_cell * 4, kernel_size=3, padding=1)
        # a thousand anchors that begin at 1/2 would drown the few objects in the first steps
        nn.init.constant_(self.classify.bias, -math.log((1 - RARE) / RARE))

    def forward(self, images: Tensor) -> Answers:
        fine = self.backbone(images)  # [N, 96, H / 8, W / 8]
        maps = {STRIDE: fine, 2 * STRIDE: self.coarser(fine)}
        asked, logits, deltas = [], [], []
        for stride, features in maps.items():
            sizes = tuple(stride * scale for scale in SCALES)
            asked.append(anchors(*features.shape[2:], stride, sizes, RATIOS))
            features = self.shared(features)
            logits.append(per_anchor(self.classify(features)))
            deltas.append(per_anchor(self.correct(features)))
        return Answers(
            torch.cat(asked).to(images.device), torch.cat(logits, dim=1), torch.cat(deltas, dim=1)
        )

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Focal loss of all anchors, and smooth L1 of the corrections of those that have found an object.

        Args:
            images: pictures.                              # [N, 3, H, W] in 0..1
            boxes, labels: their objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        Raises:
            ValueError: not a row of boxes and labels for each picture.
        """
        check_batch("RetinaNet", images, boxes, labels)
        answers = self(images)
        found, wanted = targets(answers.anchors, boxes, labels)  # [N, A], [N, A, 4]
        picture, anchor = torch.where(found >= 0)  # n anchors are to find an object
        here = torch.zeros_like(answers.logits)  # [N, A, C]
        here[picture, anchor, found[picture, anchor]] = 1
        counted = found != IGNORED
        class_error = focal_loss(answers.logits[counted], here[counted]).sum()
        corrections = encode(wanted[picture, anchor], answers.anchors[anchor])  # [n, 4]
        box_error = smooth_l1_loss(answers.deltas[picture, anchor], corrections, beta=1 / 9).sum()
        return (class_error + box_error) / max(len(anchor), 1)

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every picture, best first: boxes [n, 4] in pixels, labels [n], scores [n]."""
        answers = self(images)
        boxes, scores = decode(answers.deltas, answers.anchors), answers.logits.sigmoid()
        return [final_detections(b, s, 0.05) for b, s in zip(boxes, scores, strict=True)]


def per_anchor(said: Tensor) -> Tensor:
    """What the head says cell by cell, in the order of `anchors`.   # [N, K c, H, W] -> [N, H W K, c]"""
    per_cell = said.unflatten(1, (len(SCALES) * len(RATIOS), -1))  # [N, K, c, H, W]
    return per_cell.permute(0, 3, 4, 1, 2).flatten(1, 3)


def targets(asked: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """What every anchor should find in every picture.

    Args:
        asked: the anchors.                                # [A, 4] pixels
        boxes, labels: the objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
    Returns:
        the class: IoU of .5 or more, or the best anchor of an object; -1 below .4; -2, left out, between.   # [N, A]
        the box of the object that the anchor overlaps most.   # [N, A, 4]; without meaning where the class is < 0
    """
    if boxes.shape[1] == 0:
        return torch.full((len(boxes), len(asked)), -1), boxes.new_zeros(len(boxes), len(asked), 4)
    found, box = [], []
    for own_boxes, own_labels in zip(boxes, labels, strict=True):
        classes, which = assign(asked, own_boxes, own_labels, low=0.4, high=0.5, rescue=True)
        found.append(classes)
        box.append(own_boxes[which])
    return torch.stack(found), torch.stack(box)


def train_retinanet(
    detector: RetinaNet, images: Tensor, boxes: Tensor, labels: Tensor
) -> list[float]:
    """The course's recipe: 700 batches of 16 scenes.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
    Returns:
        The loss of every step. About a minute on one CPU core.
    """
    sample = scene_batches(images, boxes, labels, size=16)
    return fit(
        detector,
        sample,
        RetinaNet.loss,
        steps=700,
        lr=5e-3,
        max_norm=5.0,
        max_seconds=300,
        label="RetinaNet",
    )
