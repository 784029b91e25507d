"""Faster R-CNN (L5.06): the proposals, too, come from the network, and from the same feature map.

    picture -> backbone -> feature map -> region proposal network -> boxes that may hold something
                                     \\-> RoI align of those boxes -> class, and 4 corrections

Ren, He, Girshick and Sun, Faster R-CNN, 2015. The second stage is Fast R-CNN's head, with RoI align for RoI pooling.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.detection.anchors import anchors, clip, decode, encode
from course_lib.detection.losses import smooth_l1_loss
from course_lib.detection.roi import roi_align
from course_lib.detection.suppression import nms
from course_lib.detectors.backbone import STRIDE, WIDTH, Backbone
from course_lib.detectors.fast_rcnn import CELLS, BoxHead, detections, multi_task_loss
from course_lib.detectors.regions import SPREAD, balanced_sample, sample_rois, wanted_corrections
from course_lib.detectors.targets import assign, check_batch, scene_batches
from course_lib.training.loop import fit

SIZES = (14.0, 23.0, 36.0)  # of anchors, in pixels: square roots of their areas
RATIOS = (0.7, 1.0, 1.4)  # height / width
PER_POINT = len(SIZES) * len(RATIOS)  # 9 anchors around each cell
SAMPLE = 128  # anchors that a picture is trained on in one step
STEPS = 500  # of training
LOSSES = ("rpn objectness", "rpn corrections", "head classes", "head corrections")


class RegionProposalNetwork(nn.Module):
    """A 3x3 convolution over the feature map; then, for each of 9 anchors a cell: an object there? and 4 corrections.

    >>> objectness, corrections = RegionProposalNetwork()(torch.zeros(2, 96, 12, 12))
    >>> objectness.shape, corrections.shape
    (torch.Size([2, 1296]), torch.Size([2, 1296, 4]))
    """

    def __init__(self):
        super().__init__()
        self.window = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1)
        self.objectness = nn.Conv2d(WIDTH, PER_POINT, kernel_size=1)
        self.corrections = nn.Conv2d(WIDTH, 4 * PER_POINT, kernel_size=1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.window(features))  # [B, 96, h, w]
        objectness = self.objectness(hidden).permute(0, 2, 3, 1)  # [B, h, w, 9]
        corrections = self.corrections(hidden).permute(0, 2, 3, 1)  # [B, h, w, 36]
        # cell by cell, in a cell anchor by anchor: the order of `anchors`
        return objectness.flatten(1), corrections.reshape(len(features), -1, 4)


def rpn_loss(
    objectness: Tensor, corrections: Tensor, cells: Tensor, boxes: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Is there an object at each anchor of a sample, and, where there is one, are the corrections right?

    Args:
        objectness, corrections: of every anchor.          # [B, A], [B, A, 4]
        cells: the anchors.                                # [A, 4]
        boxes, labels: the objects; -1 is none.            # [B, M, 4], [B, M]
    Returns:
        Binary cross-entropy, a mean over the sample; smooth L1 of the corrections, a sum over the hits divided by the
        sample's size.

    An anchor is a hit where IoU >= 0.5, or where no anchor is better for an object; background where IoU < 0.3.
    A sample has up to half hits. (The paper: 0.7 and 0.3, 256 anchors.) Lecture topic L5.06.
    """
    said, hits, errors = [], [], []
    for i in range(len(boxes)):
        found, which = assign(cells, boxes[i], labels[i], low=0.3, high=0.5, rescue=True)
        drawn = balanced_sample(found, SAMPLE, share=0.5)
        hit = drawn[found[drawn] >= 0]
        wanted = encode(boxes[i, which[hit]], cells[hit]) / SPREAD.to(cells.device)
        said.append(objectness[i, drawn])
        hits.append((found[drawn] >= 0).float())
        errors.append(smooth_l1_loss(corrections[i, hit], wanted))
    said, hits, errors = torch.cat(said), torch.cat(hits), torch.cat(errors)
    return F.binary_cross_entropy_with_logits(said, hits), errors.sum() / len(hits)


class FasterRCNN(nn.Module):
    """Faster R-CNN on the course's backbone.

    Args:
        classes: kinds of objects.
        most: proposals of the network that go on to the second stage, when it detects.
    """

    def __init__(self, classes: int, most: int = 32):
        super().__init__()
        self.most = most
        self.backbone = Backbone()
        self.rpn = RegionProposalNetwork()
        self.head = BoxHead(classes)
        self.register_buffer("history", torch.zeros(STEPS, len(LOSSES)))  # kept with the weights

    def anchors(self, features: Tensor) -> Tensor:
        """The anchors of all cells.                       # [B, 96, h, w] -> [9 h w, 4]"""
        return anchors(*features.shape[2:], STRIDE, SIZES, RATIOS).to(features.device)

    @torch.no_grad()
    def propose(
        self, features: Tensor, objectness: Tensor, corrections: Tensor, most: int
    ) -> list[Tensor]:
        """The network's proposals: the anchors with most objectness, corrected, thinned out by NMS.

        Args:
            features: only its size counts.                # [B, 96, h, w]
            objectness, corrections: of every anchor.      # [B, A], [B, A, 4]
            most: proposals a picture.
        Returns:
            Boxes, best first.                             # B x [<= most, 4]
        """
        height, width = (STRIDE * side for side in features.shape[2:])
        scores, order = objectness.topk(min(4 * most, objectness.shape[1]))  # [B, P]
        deltas = corrections.gather(1, order[:, :, None].expand(-1, -1, 4))  # [B, P, 4]
        boxes = decode(deltas * SPREAD.to(deltas.device), self.anchors(features)[order])
        boxes = clip(boxes, height, width)
        return [
            own[nms(own, own_scores, 0.7)[:most]]
            for own, own_scores in zip(boxes, scores, strict=True)
        ]

    def regions(self, features: Tensor, rois: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Class logits and corrections of all RoIs of all pictures.   # [sum n_i, K + 1], [sum n_i, 4]"""
        return self.head(roi_align(features, rois, CELLS, 1 / STRIDE, sampling_ratio=1))

    def both_stages(
        self, features: Tensor, boxes: Tensor, labels: Tensor
    ) -> tuple[dict[str, Tensor], list[tuple[Tensor, Tensor, Tensor]]]:
        """The four losses by their names in LOSSES, and the RoIs of each picture that the second stage learned from."""
        objectness, corrections = self.rpn(features)
        first = rpn_loss(objectness, corrections, self.anchors(features), boxes, labels)
        proposals = self.propose(features, objectness, corrections, most=2 * self.most)
        drawn = [
            sample_rois(own, own_boxes, own_labels)
            for own, own_boxes, own_labels in zip(proposals, boxes, labels, strict=True)
        ]
        rois = [own for own, _, _ in drawn]
        found = torch.cat([kinds for _, kinds, _ in drawn])
        wanted = wanted_corrections(drawn, boxes)
        second = multi_task_loss(*self.regions(features, rois), found, wanted)
        return dict(zip(LOSSES, first + second, strict=True)), drawn

    def losses(self, images: Tensor, boxes: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The four losses of a batch, by name.            # [B, 3, H, W], [B, M, 4], [B, M]"""
        check_batch("FasterRCNN", images, boxes, labels)
        return self.both_stages(self.backbone(images), boxes, labels)[0]

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """The sum of the four losses.                     # [B, 3, H, W], [B, M, 4], [B, M] -> []"""
        return sum(self.losses(images, boxes, labels).values())

    def detect_boxes(self, features: Tensor, height: int, width: int) -> list[dict[str, Tensor]]:
        """Both stages on a feature map of pictures of that size."""
        rois = self.propose(features, *self.rpn(features), self.most)
        return detections(rois, *self.regions(features, rois), height, width)

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections of each picture.                     # [B, 3, H, W] -> B dicts"""
        return self.detect_boxes(self.backbone(images), *images.shape[2:])


def train_faster_rcnn(
    detector: FasterRCNN, images: Tensor, boxes: Tensor, labels: Tensor
) -> list[float]:
    """The course's recipe: 500 batches of 16 scenes, both stages at once, on the sum of four losses.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
    Returns:
        The loss of every step; its four parts are in `detector.history`. About a minute on one CPU core.
    """
    torch.manual_seed(0)  # of the anchors and RoIs that are drawn
    history = []

    def loss(detector: FasterRCNN, *batch: Tensor) -> Tensor:
        parts = torch.stack(list(detector.losses(*batch).values()))  # [4]
        history.append(parts.detach())
        return parts.sum()

    losses = fit(
        detector,
        scene_batches(images, boxes, labels, 16),
        loss,
        steps=STEPS,
        lr=3e-3,
        max_norm=5.0,
        max_seconds=900,
        label="Faster R-CNN",
    )
    detector.history[: len(history)] = torch.stack(history)
    return losses
