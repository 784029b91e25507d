"""A detector for photographs of one's own: a small head on the frozen features of a network that knows ImageNet.

    photo -> square of 320 pixels -> EfficientNet-Lite0, not trained -> maps of strides 8, 16 and 32, side by side
          -> head: 1 x 1, 3 x 3, 3 x 3, 1 x 1 convolutions -> every cell of 8 x 8 pixels predicts
                4 times  how far from its middle the edges of the box are
                once     objectness: is there an object around its middle?
                C times  class: if there is one, which?

The features never change: they are computed once, and only the head is trained, in a minute or two on one core.

Distances to the edges instead of anchors, and several cells in the middle of an object that answer for it: Tian and
others, FCOS, 2019; Ge and others, YOLOX, 2021. (L5.09, L5.13)
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count
from course_lib.detection.losses import focal_loss
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.targets import IGNORED, NO_OBJECT
from course_lib.machine import progress
from course_lib.pretrained.imagenet import efficientnet_lite0, normalize_colours

SIDE, STRIDE, CHANNELS, WIDTH = 320, 8, 40 + 112 + 320, 64
RARE = -4.0  # objectness before training, a logit: most cells are empty


class Prediction(NamedTuple):
    """What the cells of a batch predict; S x S of them, row by row."""

    boxes: Tensor  # in pixels of the square                          # [B, S, S, 4]
    objectness: Tensor  # logits                                      # [B, S, S]
    logits: Tensor  # of the classes                                  # [B, S, S, C]


class OwnDetector(nn.Module):
    """The head; see the top of the file. `side` is that of the square photographs, in pixels."""

    def __init__(self, classes: int, side: int = SIDE):
        super().__init__()
        check_count("OwnDetector", classes=classes, side=side)
        self.side = side
        self.head = nn.Sequential(
            *_layer(CHANNELS, 1), *_layer(WIDTH, 3), *_layer(WIDTH, 3), nn.Conv2d(WIDTH, 5 + classes, 1)
        )  # fmt: skip
        nn.init.constant_(self.head[-1].bias[4], RARE)

    def forward(self, features: Tensor) -> Prediction:
        """[B, 472, S, S] -> what every cell predicts"""
        outputs = self.head(features.float()).permute(0, 2, 3, 1)  # [B, S, S, 5 + C]
        distances = STRIDE * outputs[..., :4].clamp(-6, 6).exp()
        middles = middles_of(features.shape[2]).to(features.device)  # [S, S, 2]
        boxes = torch.cat([middles - distances[..., :2], middles + distances[..., 2:]], dim=-1)
        return Prediction(boxes, outputs[..., 4], outputs[..., 5:])

    def loss(self, features: Tensor, boxes: Tensor, responsible: Tensor, labels: Tensor) -> Tensor:
        """Three errors added up: place (1 - GIoU, twice), objectness (focal loss, four times), class.

        Their sum is divided by the number of cells that answer for an object.

        Args:
            features: of a batch.                                     # [B, 472, S, S]
            boxes, labels: their objects, padded.                     # [B, M, 4] pixels, [B, M]
            responsible: the object for which each cell answers; -1: none, -2: the cell does not count.   # [B, S, S]
        """
        from torchvision.ops import generalized_box_iou_loss

        predicted = self(features)
        there = responsible >= 0
        image, row, column = torch.where(there)  # of n cells
        chosen = responsible[there]  # [n]
        place = generalized_box_iou_loss(
            predicted.boxes[image, row, column], boxes[image, chosen], reduction="sum"
        )
        objectness = focal_loss(predicted.objectness, there.float(), alpha=0.75)
        objectness = 4 * objectness[responsible != IGNORED].sum()
        class_ = F.cross_entropy(
            predicted.logits[image, row, column], labels[image, chosen], reduction="sum"
        )
        return (2 * place + objectness + class_) / max(len(chosen), 1)

    @torch.no_grad()
    def detect(self, features: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every square, best first: boxes [n, 4] in its pixels, labels [n], scores [n]."""
        found = []
        for part in features.split(16):
            predicted = self(part)
            boxes = predicted.boxes.flatten(1, 2).clamp(0, self.side)  # [B, S S, 4]
            scores = predicted.objectness.sigmoid()[..., None] * predicted.logits.softmax(-1)
            found += [
                final_detections(b, s) for b, s in zip(boxes, scores.flatten(1, 2), strict=True)
            ]
        return found


def _layer(inside: int, kernel: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inside, WIDTH, kernel, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(WIDTH), nn.ReLU()]


def middles_of(cells: int) -> Tensor:
    """The middle x, y of each of `cells` x `cells` cells, in pixels.   # [S, S, 2]"""
    at = (torch.arange(cells) + 0.5) * STRIDE
    return torch.stack(torch.meshgrid(at, at, indexing="xy"), dim=-1)


def responsible_cells(boxes: Tensor, labels: Tensor, cells: int) -> Tensor:
    """For which object each cell answers: of those whose middle is near, the smallest.

    Near: within 1.5 cells in x and y, and in the box; or within half a cell, so that thin objects have one, too.

    Args:
        boxes, labels: the objects of one image; a box with label -1 is one not to be learned.   # [M, 4] pixels, [M]
        cells: S.
    Returns:
        The number of the object; -1 where the cell answers for none, -2 where it also lies in a box not to be learned.
                                                                      # [S, S] int64
    """
    middles = middles_of(cells)[:, :, None]  # [S, S, 1, 2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = (middles - centres).abs().amax(dim=-1)  # [S, S, M]
    inside = ((middles > boxes[:, :2]) & (middles < boxes[:, 2:])).all(dim=-1)
    near = ((away < 1.5 * STRIDE) & inside) | (away <= 0.5 * STRIDE)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    area = torch.where(near & (labels != NO_OBJECT), area, torch.inf)  # [S, S, M]
    if area.shape[2] == 0:
        return torch.full((cells, cells), -1)
    smallest, number = area.min(dim=2)
    passed_over = (inside & (labels == NO_OBJECT)).any(dim=2)
    return torch.where(smallest.isfinite(), number, torch.where(passed_over, IGNORED, NO_OBJECT))


@torch.no_grad()
def features_of(images: Tensor, label: str = "features") -> Tensor:
    """The frozen network's maps of strides 8, 16 and 32, all at stride 8, side by side.

    Args:
        images: squares, in 0..1.                                     # [N, 3, side, side]
        label: stands before the progress bar.
    Returns:
        In half precision, to save memory.                            # [N, 472, side / 8, side / 8]
    """
    network, parts = efficientnet_lite0(), []
    for part in progress(images.split(8), label):
        maps = network.maps(normalize_colours(part))
        size = maps[8].shape[2:]
        wider = (F.interpolate(maps[s], size, mode="bilinear") for s in (16, 32))
        parts.append(torch.cat([maps[8], *wider], dim=1).half())
    return torch.cat(parts)
