"""Regions of interest to learn from: which are sampled, and the offsets that lead from each to its object."""

import torch
from torch import Tensor

from course_lib.detection.anchors import encode
from course_lib.detectors.proposals import window_scores, windows
from course_lib.detectors.targets import ABSENT, assign

ROIS = 24  # proposals that a picture is trained on in one step


SHARE = 0.25  # of them may be hits; the rest is background


# Typical sizes of the corrections (tx, ty, tw, th). The head predicts corrections divided by these, numbers about as
# large as 1, so that they weigh as much in the loss as the classes do.
SPREAD = torch.tensor([0.1, 0.1, 0.2, 0.2])


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
