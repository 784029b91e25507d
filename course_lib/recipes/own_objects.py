"""From a folder of photographs with boxes to a detector, and what it finds in those held out (L5.13)."""

import contextlib
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.data.datasets import load
from course_lib.data.holders import AnnotatedImages
from course_lib.detectors.targets import NO_OBJECT, padded, resized
from course_lib.recipes.own_detector import (
    SIDE,
    STRIDE,
    OwnDetector,
    features_of,
    responsible_cells,
)
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

# Chosen on the validation part of BCCD, where larger batches were as good and took longer.
STEPS, BATCH, RATE = 1200, 4, 1.5e-3
MOST = 250  # photographs to train on, or to judge by: their features take 3 MB each


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
