"""A network to train on digits without labels, scored by a linear probe on digits nobody has seen (L2.18)."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.from_packages import digits
from course_lib.data.variations import random_affine
from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.contest import Contest, rise
from course_lib.exercises.open_mistakes import MISTAKES
from course_lib.self_supervision.probes import linear_probe
from course_lib.training.loop import fit

LABELS, DRAWS = 10, 5  # labels of each class that a probe gets, and how often they are drawn


@cache
def _moved(split: str, seed: int) -> tuple[Tensor, Tensor]:
    """Digits on 16 x 16 pixels: moved, turned, shrunk, in another light, with noise.  # [N, 1, 16, 16], [N]

    Which digits are in which split is the same for every seed: none that is judged by is ever trained on.
    """
    given = digits(split, seed=0)
    generator = torch.Generator().manual_seed(2 * seed + (split == "test"))
    images = F.pad(F.interpolate(given.images, (11, 11), mode="bilinear"), [3, 2, 3, 2])
    images = random_affine(images, generator, turn=0.35, scale=0.2, shift=0.2)
    dark, light = torch.rand(2, len(images), 1, 1, 1, generator=generator)
    noise = 0.05 * torch.randn(images.shape, generator=generator)
    images = 0.1 + 0.3 * dark + (0.35 + 0.3 * light) * images + noise
    return images.clamp(0, 1), given.labels


def _unlabelled(seed: int) -> tuple[Tensor]:
    return (_moved("train", seed)[0],)


def _exam(seed: int) -> tuple[Tensor, tuple]:
    """Images for the probe to learn from, then images to judge by."""
    (known, labels), (new, truth) = _moved("train", seed), _moved("test", seed)
    return torch.cat([known, new]), (labels, truth)


def _probed(embeddings: Tensor, labels: Tensor, truth: Tensor) -> float:
    """Accuracy of a linear probe with a few labels of each class; the mean of some draws of them."""
    known, new = embeddings[: len(labels)], embeddings[len(labels) :]
    found = []
    for draw in range(DRAWS):
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(draw))
        chosen = torch.cat([order[labels[order] == c][:LABELS] for c in range(10)])
        found.append(linear_probe(known[chosen], labels[chosen], new, truth))
    return sum(found) / DRAWS


def _views(images: Tensor, generator: torch.Generator) -> Tensor:
    moved = random_affine(images, generator, turn=0.35, scale=0.25, shift=0.15)
    light = 0.6 + 0.8 * torch.rand(len(images), 1, 1, 1, generator=generator)
    noise = 0.05 * torch.randn(images.shape, generator=generator)
    return (moved * light + noise).clamp(0, 1)


def _simclr(images: Tensor) -> nn.Module:
    """SimCLR: two views of an image attract, all others repel."""
    torch.manual_seed(0)
    encoder = ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 1))
    head = nn.Sequential(nn.ReLU(), nn.Linear(64, 32))
    model = nn.ModuleDict({"encoder": encoder, "head": head})

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        batch = images[torch.randint(len(images), (128,), generator=generator)]
        return _views(batch, generator), _views(batch, generator)

    def loss(model: nn.ModuleDict, a: Tensor, b: Tensor) -> Tensor:
        z = F.normalize(model["head"](model["encoder"](torch.cat([a, b]))), dim=1)
        scores = (z @ z.T / 0.3).masked_fill(torch.eye(len(z), dtype=torch.bool), -1e9)
        return F.cross_entropy(scores, torch.arange(len(z)).roll(len(a)))

    fit(model, sample, loss, steps=300, lr=3e-3)
    return encoder


TASKS = (
    Contest(
        name="pretrain",
        page="A4",
        title="A function that trains an encoder on images without labels, and returns what embeds images",
        topics=("L2.18",),
        difficulty=3,
        minutes=40,
        arguments=("images",),
        material=_unlabelled,
        exam=_exam,
        score=_probed,
        share=rise(0.4, 0.65),
        unit=f"Accuracy of a linear probe with {LABELS} labels a class",
        formula="Points rise from none at .4 to all at .65.",
        seconds=60,
        solution=_simclr,
        mistakes=MISTAKES,
    ),
)
