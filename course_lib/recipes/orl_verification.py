"""Verification on forty real people by ten folds of people: nobody who is tested was seen (ORL; L5.12, notebook 13)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data import datasets
from course_lib.data.files import find
from course_lib.data.lfw import parse_lfw_pairs
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import ConvEncoder, embed
from course_lib.metric_learning.margins import MarginSoftmax
from course_lib.recipes.real_faces import first_faces, likeness, middle
from course_lib.self_supervision.views import Views
from course_lib.training.batches import batches
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train
from course_lib.verification.curves import kfold_accuracy

FOLDS, PEOPLE, PHOTOS = 10, 40, 10
STEPS, BATCH, RATE = 200, 64, 5e-3
SCALE, MARGIN = 16.0, (1.0, 0.2, 0.0)
VIEWS = Views(area=0.8, colour=0.3, mirror=True, turn=0.1)


class Pairs(NamedTuple):
    """Pairs of photographs, fold by fold."""

    first: Tensor  # number of a photograph: 10 person + photo        # [N] int64
    second: Tensor  # [N] int64
    same: Tensor  # [N] bool
    fold: Tensor  # 0..9                                              # [N] int64


def orl_people() -> tuple[Tensor, Tensor]:
    """All photographs at half their size, person by person; and who is on them.   # [400, 1, 56, 46], [400]"""
    parts = [datasets.load("orl-faces", split) for split in ("train", "test")]
    images = F.avg_pool2d(torch.cat([part.images for part in parts]), 2)
    return images, torch.arange(PEOPLE).repeat_interleave(PHOTOS)


def orl_pairs() -> Pairs:
    """The pairs of orl_pairs.txt in the folder of the photographs; without it, as many drawn in the same way.

    A fold is four people: of their photographs all 180 pairs of one person, and 180 of two.
    """
    listed = find("orl-faces") / "orl_pairs.txt"
    if listed.is_file():
        pairs, same, fold = parse_lfw_pairs(listed)
        number = lambda person, photo: PHOTOS * (int(person[1:]) - 1) + photo - 1  # noqa: E731
        first = torch.tensor([number(a, i) for a, i, _, _ in pairs])
        second = torch.tensor([number(b, j) for _, _, b, j in pairs])
        return Pairs(first, second, same, fold)
    generator, parts = torch.Generator().manual_seed(0), []
    each = PEOPLE // FOLDS * PHOTOS
    i, j = torch.triu_indices(each, each, 1)
    alike = i // PHOTOS == j // PHOTOS
    for fold in range(FOLDS):
        others = (~alike).nonzero()[:, 0]
        drawn = others[torch.randperm(len(others), generator=generator)[: int(alike.sum())]]
        chosen = torch.cat([alike.nonzero()[:, 0], drawn])
        parts.append(
            (each * fold + i[chosen], each * fold + j[chosen], alike[chosen], 0 * chosen + fold)
        )
    return Pairs(*(torch.cat(part) for part in zip(*parts, strict=True)))


def encoder_without(folds: tuple[int, ...], images: Tensor, people: Tensor, seed: int) -> nn.Module:
    """An encoder that has seen none of the people of these folds."""
    keep = ~torch.isin(people // (PEOPLE // FOLDS), torch.tensor(folds))
    seen, labels = images[keep], people[keep].unique(return_inverse=True)[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.ModuleDict(
            {
                "encoder": ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 2), cells=4),
                "head": MarginSoftmax(len(labels.unique()), 64, *MARGIN, s=SCALE),
            }
        )

    def train(model: nn.ModuleDict, images: Tensor, labels: Tensor) -> list[float]:
        def loss(model: nn.ModuleDict, images: Tensor, labels: Tensor) -> Tensor:
            return model["head"](model["encoder"](images), labels)

        sample = batches(images, labels, BATCH, VIEWS)
        return fit(model, sample, loss, steps=STEPS, lr=RATE, seed=seed, label="forty people")

    load_or_train("orl-verification", model, train, seen, labels)
    return model["encoder"]


def scores_of(x: Tensor, pairs: Pairs) -> Tensor:
    """The cosine of each pair.   # [400, d] -> [N]"""
    x = normalize(x)
    return (x[pairs.first] * x[pairs.second]).sum(1)


def ten_fold(seed: int = 0) -> tuple[Tensor, Tensor, Pairs]:
    """For each fold: train without it and without the next one, choose a threshold there, test here.

    Returns:
        The accuracy of each fold [10]; the score of each pair by the network that has seen neither of its people [N];
        the pairs.
    """
    images, people = orl_people()
    pairs = orl_pairs()
    scores, accuracies = torch.zeros(len(pairs.same)), []
    for fold in range(FOLDS):
        other = (fold + 1) % FOLDS
        encoder = encoder_without((fold, other), images, people, seed)
        by_this = scores_of(embed(encoder, images), pairs)
        test, choose = pairs.fold == fold, pairs.fold == other
        scores[test] = by_this[test]
        both = test | choose
        # of two folds, each is judged at the other's best threshold; the first is meant
        found = kfold_accuracy(by_this[both], pairs.same[both], (pairs.fold[both] != fold).long())
        accuracies.append(found[0])
    return torch.stack(accuracies), scores, pairs


def drawn_scores(encoder: nn.Module, pairs: Pairs) -> Tensor:
    """The cosine of each pair by a network that has seen drawn faces alone.   # [N]"""
    parts = [datasets.load("orl-faces", split).images for split in ("train", "test")]
    return scores_of(embed(encoder, middle(torch.cat(parts))), pairs)


def borrowed_scores(pairs: Pairs) -> Tensor:
    """The negative distance of each pair by dlib's network; minus infinity where a face is not found.   # [N]"""
    parts = [datasets.load("orl-faces", split).images for split in ("train", "test")]
    x = first_faces(torch.cat(parts), enlarge=2)
    return likeness(x[pairs.first], x[pairs.second])


def pixel_scores(pairs: Pairs) -> Tensor:
    """What no network gives: cosines of the photographs' pixels, less their mean.   # [N]"""
    parts = [datasets.load("orl-faces", split).images for split in ("train", "test")]
    x = torch.cat(parts).flatten(1)
    return scores_of(x - x.mean(1, keepdim=True), pairs)
