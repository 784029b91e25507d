"""Three ways to a finer figure: people that leak into training, a threshold from the test, the best fold (L5.12)."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from course_lib.data.crowds import photos_of
from course_lib.data.drawn import faces
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed
from course_lib.recipes.faces import FAR
from course_lib.recipes.verifiers import STEPS, WAYS, train_verifier
from course_lib.verification.curves import all_pairs, kfold_accuracy, roc, tar_at_far
from course_lib.verification.thresholds import rates, threshold_at_far

OTHERS, TESTED = 500, 250  # people
PHOTOS, TEST_PHOTOS = 24, 16
FOLDS, PAIRS = 10, 300  # pairs of each kind in a fold, as on LFW
LEAKED_FIRST = 100  # the number of the first photo of those that leak but are not tested

# What is in the training set beside 500 others: 250 more others, or the 250 who are tested.
TRAINED_ON = ("250 more others", "the tested, other photos", "the tested, same photos")


def tested_people(seed: int, split: str = "test") -> LabelledImages:
    """The 250 people of the test, or of validation: 16 photos each."""
    return faces(split, seed, TESTED, TEST_PHOTOS)


def training_people(which: str, seed: int) -> LabelledImages:
    """750 people to learn from: 500 others, and 250 as in `TRAINED_ON`."""
    first = faces("train", seed, OTHERS, PHOTOS)
    if which == "250 more others":
        more = photos_of(torch.arange(OTHERS, OTHERS + TESTED), "train", seed, PHOTOS)
    elif which == "the tested, other photos":
        more = photos_of(torch.arange(TESTED), "test", seed, PHOTOS, first=LEAKED_FIRST)
    else:
        more = tested_people(seed)
    return replace(
        first,
        images=torch.cat([first.images, more.images]),
        labels=torch.cat([first.labels, more.labels + OTHERS]),
        names=[*first.names, *(f"{name} of {which}" for name in more.names)],
        details={},
    )


def trained(which: str, seed: int, steps: int = STEPS) -> nn.Module:
    """ArcFace's network, trained on one of `TRAINED_ON`."""
    return train_verifier(WAYS["ArcFace"], training_people(which, seed), seed, steps, "cheats")


def lfw_like_pairs(
    x: Tensor, seed: int, photos: int = TEST_PHOTOS
) -> tuple[Tensor, Tensor, Tensor]:
    """Ten folds of people, nobody in two; in each 300 same and 300 different pairs, drawn at random.

    Args:
        x: embeddings, person by person.                      # [people * photos, d]
        seed: of the pairs.
    Returns:
        Cosines, same, and the fold of each pair.             # [6000], [6000] bool, [6000] int64
    """
    generator = torch.Generator().manual_seed(seed)
    x = normalize(x).view(-1, photos, x.shape[1])
    each = len(x) // FOLDS
    draw = lambda most: torch.randint(most, (FOLDS, PAIRS), generator=generator)  # noqa: E731
    start = torch.arange(FOLDS)[:, None] * each
    who, i, j = start + draw(each), draw(photos), draw(photos - 1) + 1
    a, k, m = draw(each), draw(photos), draw(photos)
    b = (a + 1 + draw(each - 1)) % each
    scores = torch.stack(
        [
            (x[who, i] * x[who, (i + j) % photos]).sum(-1),
            (x[start + a, k] * x[start + b, m]).sum(-1),
        ]
    )  # [2, folds, pairs]
    same = torch.tensor([True, False])[:, None, None].expand_as(scores)
    fold = torch.arange(FOLDS)[None, :, None].expand_as(scores)
    return scores.flatten(), same.flatten(), fold.flatten()


def best_accuracy(scores: Tensor, same: Tensor) -> float:
    """Of pairs of which half are the same: the accuracy at the threshold that is best for these very pairs."""
    far, tar, _ = roc(scores, same)
    return ((tar + 1 - far) / 2).max().item()


def report(encoder: nn.Module, seed: int) -> dict[str, float]:
    """What can be said of one network: honestly, with a threshold from the test folds, of the best fold."""
    people, others = tested_people(seed), tested_people(seed, "val")
    x = embed(encoder, people.images)
    scores, same, fold = lfw_like_pairs(x, seed)
    honest = kfold_accuracy(scores, same, fold)
    own = torch.tensor([best_accuracy(scores[fold == f], same[fold == f]) for f in range(FOLDS)])
    pairs = all_pairs(x, people.labels)
    threshold = threshold_at_far(*all_pairs(embed(encoder, others.images), others.labels), FAR)
    far, tar = rates(*pairs, threshold)
    return {
        "ten folds": honest.mean().item(),
        "standard error": (honest.std() / FOLDS**0.5).item(),
        "each fold's own threshold": own.mean().item(),
        "standard error of that": (own.std() / FOLDS**0.5).item(),
        "best fold": honest.max().item(),
        "own threshold, best fold": own.max().item(),
        "TAR, validation threshold": tar,
        "FAR, validation threshold": far,
        "TAR, test threshold": tar_at_far(*pairs, FAR),
    }
