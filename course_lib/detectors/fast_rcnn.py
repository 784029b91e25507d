"""Fast R-CNN (L5.05): the network looks at the picture once, and each proposal takes its part of the feature map.

    picture -> backbone -> feature map -> RoI pooling for each proposal -> class, and 4 corrections of the box

Girshick, Fast R-CNN, 2015. The proposals are still R-CNN's, from `proposals`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.boxes import clip, decode, encode
from course_lib.detection_losses import smooth_l1_loss
from course_lib.detectors.common import (
    ABSENT,
    STRIDE,
    WIDTH,
    Backbone,
    assign,
    check_batch,
    final_detections,
    scene_batches,
)
from course_lib.detectors.proposals import propose, window_scores, windows
from course_lib.roi import roi_pool
from course_lib.training import fit

CELLS = 4  # RoI pooling makes cells x cells of every box
ENLARGE = 1.5  # pictures come in larger than they are, as in the paper: a box covers more cells
ROIS = 24  # proposals that a picture is trained on in one step
SHARE = 0.25  # of them may be hits; the rest is background
# Typical sizes of the corrections (tx, ty, tw, th). The head predicts corrections divided by these, numbers about as
# large as 1, so that they weigh as much in the loss as the classes do.
SPREAD = torch.tensor([0.1, 0.1, 0.2, 0.2])


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


def balanced_sample(found: Tensor, most: int, share: float) -> Tensor:
    """Numbers of up to `most` candidates, drawn at random: at most a `share` of hits, the rest background.

    Args:
        found: as `assign` gives it: a class, -1 background, -2 left out.   # [A]
        most: how many; fewer where there are not as many.
        share: of hits at most, in 0..1.
    Returns:
        Numbers of candidates, hits first.                 # [<= most] int64

    Almost all candidates are background. Without this, "nothing there" would be the best answer to everything.

    >>> balanced_sample(torch.tensor([-1, 3, -2, -1]), most=2, share=0.5)[0]
    tensor(1)
    """
    hits, background = torch.where(found >= 0)[0], torch.where(found == ABSENT)[0]
    hits = hits[torch.randperm(len(hits))[: round(share * most)]]
    background = background[torch.randperm(len(background))[: most - len(hits)]]
    return torch.cat([hits, background])


def sample_rois(proposals: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The proposals of one picture that one step learns from; the objects' own boxes count as proposals too.

    Args:
        proposals: boxes.                                  # [P, 4]
        boxes, labels: the picture's objects; -1 is none.  # [M, 4], [M]
    Returns:
        rois: the boxes drawn.                             # [n, 4], n <= ROIS
        found: the class each is to find, -1 background.   # [n]
        which: the number of the object it overlaps most.  # [n]
    """
    candidates = torch.cat([proposals, boxes[labels != ABSENT]])
    found, which = assign(candidates, boxes, labels, low=0.5, high=0.5)
    kept = balanced_sample(found, ROIS, SHARE)
    return candidates[kept], found[kept], which[kept]


def rois_to_learn(
    images: Tensor, boxes: Tensor, labels: Tensor, most: int
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """`sample_rois` for each picture of a batch, from its `most` best windows.

    Args:
        images, boxes, labels: the batch.                  # [B, 3, H, W], [B, M, 4], [B, M]
        most: windows a picture; they are not thinned out by NMS, for one that is a little off is worth learning from.
    Returns:
        (rois, found, which) of each picture.
    """
    every = windows(*images.shape[-2:]).to(images.device)
    best = window_scores(images, every).topk(min(most, len(every))).indices  # [B, most]
    return [
        sample_rois(every[near], own, kinds)
        for near, own, kinds in zip(best, boxes, labels, strict=True)
    ]


def wanted_corrections(drawn: list[tuple[Tensor, Tensor, Tensor]], boxes: Tensor) -> Tensor:
    """The corrections, divided by SPREAD, that lead from each RoI to its object; 0 for background.

    Args:
        drawn: (rois, found, which) of each picture, as `sample_rois` gives them.
        boxes: the objects of each picture.                # [B, M, 4]
    Returns:
        Corrections, picture by picture.                   # [sum n_i, 4]
    """
    wanted = []
    for (rois, found, which), own in zip(drawn, boxes, strict=True):
        hit = found >= 0
        corrections = torch.zeros_like(rois)
        corrections[hit] = encode(own[which[hit]], rois[hit]) / SPREAD.to(rois.device)
        wanted.append(corrections)
    return torch.cat(wanted)


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
