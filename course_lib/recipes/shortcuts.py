"""Pretext tasks that find a shortcut, and the same with a cure: what the task says of itself, and what features say."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from course_lib.data.holders import LabelledImages
from course_lib.recipes.pretexts import ROWS, UNCUT, Row, things, train_pretext, worth
from course_lib.self_supervision.context import Context
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.shortcuts import (
    aberration,
    date_stamp,
    green_only,
    skylight,
    white_frame,
    without_border,
)

STEPS = ROWS["context"].steps


@dataclass(frozen=True)
class Case:
    """A camera that leaves something in every image, and a task on its images.

    Attributes:
        camera: images -> images, before anything else, also where features are judged.
        row: how the task is trained.
    """

    camera: Callable[[Tensor], Tensor]
    row: Row


def _context(size: int, shake: int = 0, views: Callable = UNCUT, **more) -> Row:
    return Row(lambda encoder: Context(encoder, size, shake), STEPS, views=views, **more)


def _cut_border(images: Tensor, generator: torch.Generator) -> Tensor:
    return without_border(UNCUT(images, generator), 7)


def _middle(images: Tensor, generator: torch.Generator) -> Tensor:
    """28 of 40 pixels: three tiles of 9 lie side by side without a gap."""
    return without_border(UNCUT(images, generator), 6)


def _green(images: Tensor, generator: torch.Generator) -> Tensor:
    return green_only(UNCUT(images, generator))


CLEAN = torch.clone
CAMERAS = (date_stamp, white_frame, skylight, aberration)
CASES = {
    "rotation": Case(CLEAN, ROWS["rotation"]),
    "rotation, date stamp": Case(date_stamp, ROWS["rotation"]),
    "rotation, date stamp, border cut off": Case(
        date_stamp, replace(ROWS["rotation"], views=_cut_border, steps=550)
    ),
    "rotation, light from above": Case(skylight, ROWS["rotation"]),
    "context": Case(CLEAN, ROWS["context"]),
    "context, white frame, tiles of 13": Case(white_frame, _context(13)),
    "context, white frame, tiles of 9": Case(white_frame, _context(9)),
    "context, tiles of 9": Case(CLEAN, _context(9)),
    "context, tiles of 9, no gap": Case(CLEAN, _context(9, views=_middle)),
    "context, tiles of 10": Case(CLEAN, _context(10)),
    "context, aberration": Case(aberration, _context(10)),
    "context, aberration, green only": Case(
        aberration, _context(10, views=_green, sees=green_only)
    ),
}


# Trained by notebook 11; the others are in the committed table.
SHOWN = ("rotation, date stamp", "rotation, date stamp, border cut off")


def try_case(
    name: str, train: LabelledImages, test: LabelledImages, labelled: LabelledImages, seed: int
) -> tuple[Pretext, dict[str, float]]:
    """Train a case, and judge it on new images of the same camera.

    Args:
        name: of a row in `CASES`.
        train: without the camera; labels are not looked at.
        test: new images, for the task's accuracy and for the probes.
        labelled: images whose labels the probes may use.
        seed: of the weights and batches.
    Returns:
        The task, and its `pretext` accuracy beside what its features are worth: `all`, `ten`, `knn`.
    """
    case = CASES[name]
    task = train_pretext(name, case.camera(train.images), seed, case.row)
    generator = torch.Generator().manual_seed(seed)
    seen = replace(test, images=case.camera(test.images))
    shown = task.make(case.row.views(seen.images, generator), generator)
    known = replace(labelled, images=case.camera(labelled.images))
    return task, {
        "pretext": task.accuracy(*shown),
        **worth(task.encoder, known, seen, case.row.sees),
    }


def train_all(seed: int = 0) -> None:
    """Everything that notebook 11 trains on a data seed: the pretext tasks, and of the cases those that it shows."""
    train = things("train", seed)
    for name in ROWS:
        train_pretext(name, train.images, seed)
    for name in SHOWN:
        train_pretext(name, CASES[name].camera(train.images), seed, CASES[name].row)
