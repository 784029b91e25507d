"""Fast R-CNN (L5.05): the network looks at the image once, and each proposal takes its part of the feature map.

    image -> backbone -> feature map -> RoI pooling for each proposal -> class, and 4 offsets of the box

Girshick, Fast R-CNN, 2015. The proposals are still R-CNN's, from `proposals`.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_tensor
from course_lib.detection.losses import smooth_l1_loss
from course_lib.detection.roi import roi_pool
from course_lib.detectors.backbone import STRIDE, WIDTH, at_least_float32
from course_lib.detectors.detector import Detector
from course_lib.detectors.proposals import propose
from course_lib.detectors.regions import offset_targets, region_detections, training_rois
from course_lib.detectors.targets import NO_OBJECT

CELLS = 4  # RoI pooling makes cells x cells of every box
ENLARGE = 1.5  # images come in larger than they are, as in the paper: a box covers more cells


class RegionPrediction(NamedTuple):
    """What a head predicts for each RoI."""

    logits: Tensor  # of K classes and, last, background                  # [n, K + 1]
    offsets: Tensor  # (tx, ty, tw, th) from the RoI, normalised          # [n, 4]


class BoxHead(nn.Module):
    """The class of each region of interest, or background, and the offsets of its box.

    The paper predicts 4 offsets for each class; here they are shared by all, as in the lecture.

    >>> logits, offsets = BoxHead(classes=6)(torch.zeros(7, 96, 4, 4))
    >>> logits.shape, offsets.shape
    (torch.Size([7, 7]), torch.Size([7, 4]))
    """

    def __init__(self, classes: int, hidden: int = 128):
        super().__init__()
        self.hidden = nn.Linear(WIDTH * CELLS**2, hidden)
        self.logits = nn.Linear(hidden, classes + 1)  # the last one is background
        self.offsets = nn.Linear(hidden, 4)

    def forward(self, regions: Tensor) -> RegionPrediction:
        hidden = F.relu(self.hidden(regions.flatten(1)))  # [n, hidden]
        outputs = self.logits(hidden), self.offsets(hidden)
        return RegionPrediction(*map(at_least_float32, outputs))


def multi_task_loss(
    logits: Tensor, offsets: Tensor, labels: Tensor, target_offsets: Tensor
) -> tuple[Tensor, Tensor]:
    """Fast R-CNN's loss: is the class right, and, where there is an object, are the offsets?

        L(p, u, t, v) = -log p_u + [u is an object] sum over x, y, w, h of smooth_L1(t_i - v_i)

    Args:
        logits: of K classes and, last, background.        # [n, K + 1]
        offsets: predicted, t.                             # [n, 4]
        labels: u, -1 for background.                      # [n]
        target_offsets: that lead to the object, v; any number for background.   # [n, 4]
    Returns:
        The two parts, each a mean over all n; 0 where n is 0.
    Raises:
        TypeError, ValueError: other types or shapes.

    Girshick, Fast R-CNN, 2015, equation 1, with lambda = 1. Lecture topic L5.05.
    """
    check_tensor("multi_task_loss", "[n, K + 1]", logits=logits)
    check_tensor("multi_task_loss", f"[{len(logits)}]", torch.int64, labels=labels)
    sides = f"[{len(logits)}, 4]"
    check_tensor("multi_task_loss", sides, offsets=offsets, target_offsets=target_offsets)
    if len(labels) == 0:
        return logits.sum(), offsets.sum()  # of nothing: 0, with a gradient
    background = logits.shape[1] - 1
    classes = torch.where(labels == NO_OBJECT, background, labels)
    positive = labels != NO_OBJECT
    box_loss = smooth_l1_loss(offsets[positive], target_offsets[positive]).sum() / len(labels)
    return F.cross_entropy(logits, classes), box_loss


class FastRCNN(Detector):
    """Fast R-CNN on the course's backbone.

    Args:
        classes: K, how many.
        max_proposals: of an image, when it detects.
    """

    def __init__(self, classes: int, max_proposals: int = 400):
        super().__init__(classes)
        self.max_proposals = max_proposals
        self.head = BoxHead(classes)

    def regions(self, images: Tensor, rois: list[Tensor]) -> RegionPrediction:
        """Class logits and offsets of all RoIs of all images.   # [sum n_i, K + 1], [sum n_i, 4]"""
        larger = F.interpolate(images, scale_factor=ENLARGE, mode="bilinear", align_corners=False)
        features = self.backbone(larger)  # [B, 96, H / 5.3, W / 5.3], once an image
        return self.head(roi_pool(features, rois, CELLS, ENLARGE / STRIDE))

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """The multi-task loss of a batch.                 # [B, 3, H, W], [B, M, 4], [B, M] -> []"""
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        samples = training_rois(images, boxes, labels, 4 * self.max_proposals)
        prediction = self.regions(images, [sample.rois for sample in samples])
        roi_labels = torch.cat([sample.labels for sample in samples])
        return sum(multi_task_loss(*prediction, roi_labels, offset_targets(samples, boxes)))

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in each image, its proposals included.   # [B, 3, H, W] -> B dicts"""
        rois = propose(images, self.max_proposals)
        logits, offsets = self.regions(images, rois)
        scores = logits.softmax(dim=1)[:, :-1]  # without background
        return region_detections(rois, scores, offsets, *images.shape[2:])
