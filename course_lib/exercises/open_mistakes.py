"""Known mistakes in training a network that embeds: functions that train (or do not), and the hint for each."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.exercises.task import Mistake


def _returns(embed: object):
    """A training function of any arguments that returns this."""
    return lambda images, labels=None: embed


def _summary(images: Tensor) -> Tensor:
    """A few numbers of each image, not trained.  # [N, C, H, W] -> [N, C * 16]"""
    return F.adaptive_avg_pool2d(images, 4).flatten(1)


def _left_in_training_mode(images: Tensor, labels: Tensor | None = None) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), 16), nn.BatchNorm1d(16))


def _by_place(images: Tensor) -> Tensor:
    places = torch.arange(len(images), dtype=torch.float32)[:, None]
    return torch.cat([places.sin(), places.cos()], dim=1)


def _chosen_class(images: Tensor) -> Tensor:
    return F.one_hot(_summary(images)[:, :10].argmax(dim=1), 10).float()


def _untrained(images: Tensor, labels: Tensor | None = None) -> object:
    torch.manual_seed(0)
    weight = torch.randn(images.shape[1] * 16, 8)
    return lambda x: (_summary(x) @ weight).round(decimals=1) + 1e-3 * x.flatten(1)[:, :8]


def _fails(images: Tensor) -> Tensor:
    return images.no_such_thing


MISTAKES = (
    Mistake(
        _returns(None), "Training returned a NoneType; return a function from images to embeddings."
    ),
    Mistake(
        _returns(torch.zeros(3, 4)),
        "Training returned a Tensor; return a function from images to embeddings.",
    ),
    Mistake(
        _left_in_training_mode,
        "An image's embedding depends on the other images of the batch: call .eval(), so that batch "
        "normalisation uses its averages from training.",
    ),
    Mistake(
        _returns(lambda images: F.dropout(_summary(images), 0.5)),
        "The same images got other embeddings the second time: call .eval(), which turns dropout off, "
        "and use no random numbers.",
    ),
    Mistake(_returns(_by_place), "An image's embedding depends on its place in the batch."),
    Mistake(
        _returns(lambda images: torch.ones(len(images), 8)),
        "All images have the same embedding: the network has collapsed, or its output is a constant.",
    ),
    Mistake(
        _returns(_chosen_class),
        "Many images have exactly the same embedding. Return the numbers before the last decision, not "
        "the class that was chosen.",
    ),
    Mistake(
        _returns(lambda images: _summary(images) * float("nan")),
        "There are NaN or infinite numbers in the embeddings: lower the learning rate, and look for log of "
        "0, acos of 1, or the square root of 0.",
    ),
    Mistake(
        _returns(lambda images: F.adaptive_avg_pool2d(images, 4)),
        "return [N, d], a vector for each image.",
    ),
    Mistake(
        _returns(lambda images: (255 * _summary(images)).long()),
        "The embeddings are torch.int64; return floating-point numbers.",
    ),
    Mistake(
        _returns(lambda images: F.interpolate(images, (48, 48)).flatten(1)),
        "at most 1024 are allowed.",
    ),
    Mistake(_returns(_fails), "The function that embeds raised AttributeError:"),
    Mistake(_untrained, "which gives no points yet."),
)
