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

import contextlib
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count
from course_lib.data.datasets import load
from course_lib.data.holders import AnnotatedImages
from course_lib.detection.losses import focal_loss
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.targets import IGNORED, NO_OBJECT, padded, resized
from course_lib.machine import progress
from course_lib.pretrained.imagenet import efficientnet_lite0, normalize_colours
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

SIDE, STRIDE, CHANNELS = 320, 8, 40 + 112 + 320
# Chosen on the validation part of BCCD, where larger batches were as good and took longer.
STEPS, BATCH, RATE, WIDTH = 1200, 4, 1.5e-3, 64
MOST = 250  # photographs to train on, or to judge by: their features take 3 MB each
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


def some_of(photos: AnnotatedImages, most: int = MOST) -> AnnotatedImages:
    """All photographs, or of too many every second, every third, ..., and a sentence that says so."""
    step = math.ceil(len(photos) / most)
    chosen = photos[::step] if step > 1 else photos
    if step > 1:
        print(f"{len(chosen)} of {len(photos)} photographs are used")
    return chosen


def load_own(folder: str | Path) -> tuple[AnnotatedImages, AnnotatedImages]:
    """What to learn from, and what is held out: the files' "test", or else their "val".

    Raises:
        FileNotFoundError: no photographs to learn from, or none held out; the message says which splits there are.
    """
    train = load("objects", "train", folder=folder, at_least=SIDE)
    with contextlib.redirect_stdout(None):  # it has said what it understood
        try:
            return train, load("objects", "test", folder=folder, at_least=SIDE)
        except FileNotFoundError:
            return train, load("objects", "val", folder=folder, at_least=SIDE)


def train_own(photos: AnnotatedImages, seed: int = 0) -> OwnDetector:
    """A detector of these objects; photographs and their mirror images are looked at once, then the head is trained.

    Args:
        photos: to learn from, as `load("objects", "train", folder=...)` gives them; of more than 250, about as many
            are used, evenly chosen. What is difficult, or a crowd, is neither learned nor counted as background.
        seed: of the head's first weights, and of the batches.
    Raises:
        ValueError: no photographs, or no object in any of them.

    It is kept in data/cache: the same photographs and seed are not trained on again.
    """
    photos = resized(some_of(photos), SIDE)
    none = [torch.zeros(len(target["labels"]), dtype=torch.bool) for target in photos.targets]
    given = [t.get("difficult", n) for t, n in zip(photos.targets, none, strict=True)]
    learned = [
        {"boxes": t["boxes"], "labels": torch.where(passed_over, NO_OBJECT, t["labels"])}
        for t, passed_over in zip(photos.targets, given, strict=True)
    ]
    boxes, labels = padded(learned)
    if not (labels != NO_OBJECT).any():
        raise ValueError(f"train_own: there is no object to learn in {len(photos)} photographs")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detector = OwnDetector(len(photos.names))

    def train(detector: OwnDetector, *data: Tensor) -> list[float]:
        return _train(detector, *data, seed)

    load_or_train("own-detector", detector, train, photos.images, boxes, labels)
    return detector


def _train(
    detector: OwnDetector, images: Tensor, boxes: Tensor, labels: Tensor, seed: int
) -> list[float]:
    """Train the head on squares [N, 3, 320, 320] and their padded objects [N, M, 4], [N, M]; returns the losses."""
    mirrored = boxes.clone()
    mirrored[..., 0], mirrored[..., 2] = SIDE - boxes[..., 2], SIDE - boxes[..., 0]
    features = [  # not one tensor: that would be two copies of them for a while
        *features_of(images, "looking at your photographs"),
        *features_of(images.flip(3), "and at their mirror images"),
    ]
    boxes, labels = torch.cat([boxes, mirrored]), torch.cat([labels, labels])
    cells = SIDE // STRIDE
    pairs = zip(boxes, labels, strict=True)
    responsible = torch.stack([responsible_cells(b, kind, cells) for b, kind in pairs])

    def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
        chosen = torch.randint(len(features), (BATCH,), generator=generator)
        some = torch.stack([features[i] for i in chosen.tolist()])
        return some, boxes[chosen], responsible[chosen], labels[chosen]

    return fit(
        detector, sample, OwnDetector.loss, steps=STEPS, lr=RATE, seed=seed, label="your detector"
    )


class Trial(NamedTuple):
    """What a detector of one's own found in photographs that it has not seen."""

    photos: AnnotatedImages  # held out, as they are
    squares: AnnotatedImages  # the same as the detector sees them: [N, 3, 320, 320], boxes in their pixels
    found: list[
        dict[str, Tensor]
    ]  # boxes [n, 4] in pixels of the squares, labels [n], scores [n], best first


def try_own(folder: str | Path, seed: int = 0) -> Trial:
    """Train a detector on a folder's photographs, or take it from the cache, and try it on those held out."""
    train, held_out = load_own(folder)
    held_out, detector = some_of(held_out), train_own(train, seed)
    squares = resized(held_out, SIDE)
    return Trial(held_out, squares, detector.detect(features_of(squares.images, "held-out ones")))
