"""Batches to train on: functions that draw them at random, with a seeded generator."""

from collections.abc import Callable

import torch
from torch import Tensor

Sample = Callable[[torch.Generator], tuple[Tensor, ...]]  # draws a batch


def batches(images: Tensor, labels: Tensor, size: int, augment: Callable | None = None) -> Sample:
    """A function that draws random batches, with replacement.

    Args:
        images, labels: the training set.                      # [N, C, H, W], [N]
        size: pictures in a batch.
        augment: augment(images, generator) -> images, a random variation of each picture.
    Returns:
        sample(generator) -> (images, labels).                 # [size, C, H, W], [size]
    Raises:
        ValueError: an empty set, or one label for each picture is not given.
    """
    if len(images) == 0 or len(images) != len(labels):
        raise ValueError(
            f"batches: images and labels must be as many, and at least one, got {len(images)} and {len(labels)}"
        )

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(images), (size,), generator=generator)
        batch = images[chosen]
        return (batch if augment is None else augment(batch, generator)), labels[chosen]

    return sample


def identity_batches(images: Tensor, labels: Tensor, identities: int, photos: int) -> Sample:
    """A function that draws random batches of some classes with some pictures each: there are pairs to learn from.

    Args:
        images, labels: the training set.                      # [N, C, H, W], [N] int64
        identities: classes in a batch, all different.
        photos: pictures of each, all different.
    Returns:
        sample(generator) -> (images, labels), class by class.  # [identities * photos, C, H, W], [identities * photos]
    Raises:
        ValueError: fewer classes than `identities`, or a class with fewer pictures than `photos`.

    FaceNet's way (L2.15): with purely random batches hardly a picture would meet another one of its class.
    """
    order = labels.argsort(stable=True)  # class by class
    classes, counts = labels.unique(return_counts=True)
    starts = counts.cumsum(0) - counts
    if not (1 <= identities <= len(classes) and 1 <= photos <= counts.min()):
        raise ValueError(
            f"identity_batches: {identities} classes with {photos} pictures each were asked for, "
            f"there are {len(classes)} with {counts.min().item()} or more"
        )

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        who = torch.randperm(len(classes), generator=generator)[:identities]  # [P]
        lots = torch.rand(identities, counts.max(), generator=generator)  # a lot for each picture
        lots[torch.arange(counts.max()) >= counts[who][:, None]] = 2  # there is no such picture
        which = starts[who][:, None] + lots.argsort(1)[:, :photos]  # [P, K]
        chosen = order[which.flatten()]
        return images[chosen], labels[chosen]

    return sample
