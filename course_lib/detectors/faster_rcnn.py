"""Faster R-CNN (L5.06): the proposals, too, come from the network, and from the same feature map.

    image -> backbone -> feature map -> region proposal network -> boxes that may hold an object
                                   \\-> RoI align of those boxes -> class, and 4 offsets

Ren, He, Girshick and Sun, Faster R-CNN, 2015. The second stage is Fast R-CNN's head, with RoI align for RoI pooling.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_tensor
from course_lib.detection.anchors import anchors, clip
from course_lib.detection.losses import smooth_l1_loss
from course_lib.detection.roi import roi_align
from course_lib.detection.suppression import nms
from course_lib.detectors.backbone import STRIDE, WIDTH, at_least_float32
from course_lib.detectors.detector import Detector
from course_lib.detectors.fast_rcnn import CELLS, BoxHead, RegionPrediction, multi_task_loss
from course_lib.detectors.regions import (
    RoISample,
    balanced_sample,
    decode_offsets,
    encode_offsets,
    offset_targets,
    region_detections,
    sample_rois,
)
from course_lib.detectors.targets import assign

SIZES = (14.0, 23.0, 36.0)  # of anchors, in pixels: square roots of their areas
RATIOS = (0.7, 1.0, 1.4)  # height / width
PER_POINT = len(SIZES) * len(RATIOS)  # 9 anchors around each cell
SAMPLE = 128  # anchors that an image is trained on in one step
LOSSES = ("RPN objectness", "RPN offsets", "head classes", "head offsets")


class RegionProposalNetwork(nn.Module):
    """A 3x3 convolution over the feature map; then, for each of 9 anchors a cell: is it an object? and 4 offsets.

    >>> objectness, offsets = RegionProposalNetwork()(torch.zeros(2, 96, 12, 12))
    >>> objectness.shape, offsets.shape
    (torch.Size([2, 1296]), torch.Size([2, 1296, 4]))
    """

    def __init__(self):
        super().__init__()
        self.window = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1)
        self.objectness = nn.Conv2d(WIDTH, PER_POINT, kernel_size=1)
        self.offsets = nn.Conv2d(WIDTH, 4 * PER_POINT, kernel_size=1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.window(features))  # [B, 96, h, w]
        objectness = at_least_float32(self.objectness(hidden)).permute(0, 2, 3, 1)  # [B, h, w, 9]
        offsets = at_least_float32(self.offsets(hidden)).permute(0, 2, 3, 1)  # [B, h, w, 36]
        # cell by cell, in a cell anchor by anchor: the order of `anchors`
        return objectness.flatten(1), offsets.reshape(len(features), -1, 4)


def rpn_loss(
    objectness: Tensor, offsets: Tensor, cells: Tensor, boxes: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Is each anchor of a sample an object, and, where it is one, are the offsets right?

    Args:
        objectness, offsets: of every anchor.              # [B, A], [B, A, 4]
        cells: the anchors.                                # [A, 4]
        boxes, labels: the objects; -1 is none.            # [B, M, 4], [B, M]
    Returns:
        Binary cross-entropy, a mean over the sample; smooth L1 of the offsets, a sum over the positives divided by the
        sample's size.

    An anchor is positive where IoU >= 0.5, or where no anchor is better for an object; negative where IoU < 0.3.
    Up to half of a sample are positive. (The paper: 0.7 and 0.3, 256 anchors.) Lecture topic L5.06.
    """
    check_tensor("rpn_loss", "[A, 4]", cells=cells)
    check_tensor("rpn_loss", f"[B, {len(cells)}]", objectness=objectness)
    check_tensor("rpn_loss", f"[{len(objectness)}, {len(cells)}, 4]", offsets=offsets)
    check_tensor("rpn_loss", f"[{len(objectness)}, M, 4]", boxes=boxes)
    check_tensor("rpn_loss", str(list(boxes.shape[:2])), torch.int64, labels=labels)
    logits, positives, errors = [], [], []
    for i in range(len(boxes)):
        anchor_labels, matched = assign(cells, boxes[i], labels[i], low=0.3, high=0.5, rescue=True)
        sample = balanced_sample(anchor_labels, SAMPLE, share=0.5)
        positive = sample[anchor_labels[sample] >= 0]
        target_offsets = encode_offsets(boxes[i, matched[positive]], cells[positive])
        logits.append(objectness[i, sample])
        positives.append((anchor_labels[sample] >= 0).to(objectness.dtype))
        errors.append(smooth_l1_loss(offsets[i, positive], target_offsets))
    logits, positives, errors = torch.cat(logits), torch.cat(positives), torch.cat(errors)
    return F.binary_cross_entropy_with_logits(logits, positives), errors.sum() / len(positives)


class FasterRCNN(Detector):
    """Faster R-CNN on the course's backbone.

    Args:
        classes: K, how many.
        max_proposals: of the network that go on to the second stage, when it detects.

    `history` holds the parts of the loss at every step of training, and is kept with the weights.   # [steps, parts]
    """

    def __init__(self, classes: int, max_proposals: int = 32):
        super().__init__(classes)
        self.max_proposals = max_proposals
        self.rpn = RegionProposalNetwork()
        self.head = BoxHead(classes)
        self.history = torch.zeros(0)

    def get_extra_state(self) -> Tensor:
        return self.history

    def set_extra_state(self, history: Tensor) -> None:
        self.history = history

    def anchors(self, features: Tensor) -> Tensor:
        """The anchors of all cells.                       # [B, 96, h, w] -> [9 h w, 4]"""
        return anchors(*features.shape[2:], STRIDE, SIZES, RATIOS).to(features.device)

    @torch.no_grad()
    def propose(
        self, features: Tensor, objectness: Tensor, offsets: Tensor, max_proposals: int
    ) -> list[Tensor]:
        """The network's proposals: the anchors with most objectness, moved by their offsets, thinned out by NMS.

        Args:
            features: only its size counts.                # [B, 96, h, w]
            objectness, offsets: of every anchor.          # [B, A], [B, A, 4]
            max_proposals: of an image.
        Returns:
            Boxes, best first.                             # B x [<= max_proposals, 4]
        """
        height, width = (STRIDE * side for side in features.shape[2:])
        scores, order = objectness.topk(min(4 * max_proposals, objectness.shape[1]))  # [B, P]
        best_offsets = offsets.gather(1, order[:, :, None].expand(-1, -1, 4))  # [B, P, 4]
        boxes = clip(decode_offsets(best_offsets, self.anchors(features)[order]), height, width)
        return [
            image_boxes[nms(image_boxes, image_scores, 0.7)[:max_proposals]]
            for image_boxes, image_scores in zip(boxes, scores, strict=True)
        ]

    def regions(self, features: Tensor, rois: list[Tensor]) -> RegionPrediction:
        """Class logits and offsets of all RoIs of all images.   # [sum n_i, K + 1], [sum n_i, 4]"""
        return self.head(roi_align(features, rois, CELLS, 1 / STRIDE, sampling_ratio=1))

    def both_stages(
        self, features: Tensor, boxes: Tensor, labels: Tensor
    ) -> tuple[dict[str, Tensor], list[RoISample]]:
        """The four losses by their names in LOSSES, and the RoIs of each image that the second stage learned from."""
        objectness, offsets = self.rpn(features)
        first = rpn_loss(objectness, offsets, self.anchors(features), boxes, labels)
        proposals = self.propose(features, objectness, offsets, 2 * self.max_proposals)
        samples = [sample_rois(*image) for image in zip(proposals, boxes, labels, strict=True)]
        prediction = self.regions(features, [sample.rois for sample in samples])
        roi_labels = torch.cat([sample.labels for sample in samples])
        second = multi_task_loss(*prediction, roi_labels, offset_targets(samples, boxes))
        return dict(zip(LOSSES, first + second, strict=True)), samples

    def losses(self, images: Tensor, boxes: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The parts of the loss of a batch, by name.      # [B, 3, H, W], [B, M, 4], [B, M]"""
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        return self.both_stages(self.backbone(images), boxes, labels)[0]

    def loss(self, *batch: Tensor) -> Tensor:
        """The sum of `losses`."""
        return sum(self.losses(*batch).values())

    def training_loss(self, *batch: Tensor) -> Tensor:
        """The sum of `losses`, which are added to `history`."""
        parts = self.losses(*batch).values()
        step = torch.stack([part.detach().cpu() for part in parts])[None]
        self.history = torch.cat([self.history.view(-1, len(parts)), step])
        return sum(parts)

    def detect_boxes(self, features: Tensor, height: int, width: int) -> list[dict[str, Tensor]]:
        """Both stages on a feature map of images of that size."""
        rois = self.propose(features, *self.rpn(features), self.max_proposals)
        logits, offsets = self.regions(features, rois)
        scores = logits.softmax(dim=1)[:, :-1]  # without background
        return region_detections(rois, scores, offsets, height, width)

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in each image.                       # [B, 3, H, W] -> B dicts"""
        return self.detect_boxes(self.backbone(images), *images.shape[2:])
