"""How every detector is trained: by one function, and a recipe of numbers."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.detectors.detector import Detector
from course_lib.detectors.targets import scene_batches
from course_lib.training.loop import fit


class Recipe(NamedTuple):
    """The numbers by which a detector is trained; each is part of what its weights depend on."""

    label: str  # stands before the progress bar
    steps: int  # batches
    lr: float = 3e-3  # the highest learning rate
    batch: int = 16  # scenes in a batch
    max_norm: float = 5.0  # a longer gradient is shortened to this
    max_seconds: float = 300.0  # several times what it takes; see `fit`
    targets: tuple[str, ...] = ("boxes", "labels")  # of a scene, what the loss looks at
    # Name of the detector whose trained backbone this one starts from.
    backbone: str | None = None


def train(detector: Detector, *data: Tensor, recipe: Recipe) -> list[float]:
    """Train a detector on scenes that are mirrored at random.

    Args:
        detector: trained in place and left in evaluation mode.
        data: images, boxes, labels, and what else the recipe's targets name.   # [N, 3, H, W], [N, M, 4], [N, M]
        recipe: how long, and how.
    Returns:
        The loss of every step.
    """
    sample = scene_batches(*data, size=recipe.batch)
    # Whoever draws at random afterwards finds the generator as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of the anchors and proposals that are sampled
        losses = fit(
            detector,
            sample,
            type(detector).training_loss,
            steps=recipe.steps,
            lr=recipe.lr,
            max_norm=recipe.max_norm,
            max_seconds=recipe.max_seconds,
            label=recipe.label,
        )
        detector.finish_training(*data)
    return losses
