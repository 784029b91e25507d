"""Fast R-CNN (L5.05): the network looks at the picture once, and each proposal takes its part of the feature map.

    picture -> backbone -> feature map -> RoI pooling for each proposal -> class, and 4 corrections of the box

Girshick, Fast R-CNN, 2015. The proposals are still R-CNN's, from `proposals`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.detection.anchors import clip, decode
from course_lib.detection.losses import smooth_l1_loss
from course_lib.detection.roi import roi_pool
from course_lib.detectors.backbone import STRIDE, WIDTH, Backbone
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.proposals import propose
from course_lib.detectors.regions import SPREAD, rois_to_learn, wanted_corrections
from course_lib.detectors.targets import ABSENT, check_batch, scene_batches
from course_lib.training.loop import fit

CELLS = 4  # RoI pooling makes cells x cells of every box


ENLARGE = 1.5  # pictures come in larger than they are, as in the paper: a box covers more cells


class BoxHead(nn.Module):
    """What each region of interest holds: K classes or background, and 4 corrections of its box.

    The paper predicts 4 corrections for each class; here they are shared by all, as in the lecture.

    >>> logits, corrections = BoxHead(classes=6)(torch.zeros(7, 96, 4, 4))
    >>> logits.shape, corrections.shape
    (torch.Size([7, 7]), torch.Size([7, 4]))
    """

    def __init__(self, classes: int, hidden: int = 128):
        super().__init__()
        self.hidden = nn.Linear(WIDTH * CELLS**2, hidden)
        self.logits = nn.Linear(hidden, classes + 1)  # the last one is background
        self.corrections = nn.Linear(hidden, 4)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.hidden(regions.flatten(1)))  # [n, hidden]
        return self.logits(hidden), self.corrections(hidden)


def multi_task_loss(
    logits: Tensor, corrections: Tensor, found: Tensor, wanted: Tensor
) -> tuple[Tensor, Tensor]:
    """Fast R-CNN's loss: is the class right, and, where there is an object, are the corrections?

        L(p, u, t, v) = -log p_u + [u is an object] sum over x, y, w, h of smooth_L1(t_i - v_i)

    Args:
        logits: of K classes and, last, background.        # [n, K + 1]
        corrections: predicted, t.                         # [n, 4]
        found: the class, -1 for background.               # [n]
        wanted: corrections that lead to the object, v; any number for background.   # [n, 4]
    Returns:
        The two parts, each a mean over all n; 0 where n is 0.

    Girshick, Fast R-CNN, 2015, equation 1, with lambda = 1. Lecture topic L5.05.
    """
    if len(found) == 0:
        return logits.sum(), corrections.sum()  # of nothing: 0, with a gradient
    background = logits.shape[1] - 1
    classes = torch.where(found == ABSENT, background, found)
    hit = found != ABSENT
    box_loss = smooth_l1_loss(corrections[hit], wanted[hit]).sum() / len(found)
    return F.cross_entropy(logits, classes), box_loss


class FastRCNN(nn.Module):
    """Fast R-CNN on the course's backbone.

    Args:
        classes: kinds of objects.
        most: proposals a picture, when it detects.
    """

    def __init__(self, classes: int, most: int = 400):
        super().__init__()
        self.most = most
        self.backbone = Backbone()
        self.head = BoxHead(classes)

    def regions(self, images: Tensor, rois: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Class logits and corrections of all RoIs of all pictures.   # [sum n_i, K + 1], [sum n_i, 4]"""
        larger = F.interpolate(images, scale_factor=ENLARGE, mode="bilinear", align_corners=False)
        features = self.backbone(larger)  # [B, 96, H / 5.3, W / 5.3], once a picture
        return self.head(roi_pool(features, rois, CELLS, ENLARGE / STRIDE))

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """The multi-task loss of a batch.                 # [B, 3, H, W], [B, M, 4], [B, M] -> []"""
        check_batch("FastRCNN", images, boxes, labels)
        drawn = rois_to_learn(images, boxes, labels, 4 * self.most)
        rois = [roi for roi, _, _ in drawn]
        found = torch.cat([kinds for _, kinds, _ in drawn])
        logits, corrections = self.regions(images, rois)
        return sum(multi_task_loss(logits, corrections, found, wanted_corrections(drawn, boxes)))

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections of each picture, its proposals included.   # [B, 3, H, W] -> B dicts"""
        rois = propose(images, self.most)
        logits, corrections = self.regions(images, rois)
        return detections(rois, logits, corrections, *images.shape[-2:])


def detections(
    rois: list[Tensor], logits: Tensor, corrections: Tensor, height: int, width: int
) -> list[dict[str, Tensor]]:
    """From what the head says of all RoIs to each picture's list: boxes corrected, NMS in each class.

    Args:
        rois: boxes of each picture, in pixels.            # B x [n_i, 4]
        logits, corrections: of all of them.               # [sum n_i, K + 1], [sum n_i, 4]
        height, width: of the pictures, whose edges no box crosses.
    Returns:
        A dict a picture, as `final_detections` makes it.
    """
    found, counts = [], [len(own) for own in rois]
    for own, scores, deltas in zip(
        rois, logits.softmax(1).split(counts), corrections.split(counts), strict=True
    ):
        boxes = clip(decode(deltas * SPREAD.to(deltas.device), own), height, width)
        found.append(final_detections(boxes, scores[:, :-1]))  # without background
    return found


def train_fast_rcnn(
    detector: FastRCNN, images: Tensor, boxes: Tensor, labels: Tensor
) -> list[float]:
    """The course's recipe: 700 batches of 16 scenes, all layers at once.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
    Returns:
        The loss of every step. About a minute on one CPU core.
    """
    torch.manual_seed(0)  # of the RoIs that are drawn
    return fit(
        detector,
        scene_batches(images, boxes, labels, 16),
        FastRCNN.loss,
        steps=700,
        lr=3e-3,
        max_norm=5.0,
        max_seconds=900,
        label="Fast R-CNN",
    )
