"""Whose threshold? Two groups of drawn people who differ in one trait, one of them rare in training (notebook 13)."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.data.crowds import photos_of, traits_of
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.encoders import embed
from course_lib.recipes.faces import STEPS
from course_lib.recipes.verifiers import Way, train_verifier
from course_lib.verification.curves import all_pairs

PEOPLE, PHOTOS = 500, 16  # in training
TESTED, TEST_PHOTOS = 200, 8  # of each group
WAY = Way("ArcFace (0.4)")  # as notebooks 03 and 04 train, in some 8 s
SEARCHED = 6000  # people among whom those of a group are found

Group = Callable[[dict[str, Tensor]], Tensor]  # traits -> who belongs to it

# Trait -> the two groups, A and B.
GROUPS: dict[str, tuple[Group, Group]] = {
    "skin": (lambda t: t["skin_tone"] < 0.60, lambda t: t["skin_tone"] > 0.75),
    "skin, the other way round": (
        lambda t: t["skin_tone"] > 0.40,
        lambda t: t["skin_tone"] < 0.25,
    ),
    "hair colour": (lambda t: t["hair_colour"] >= 3, lambda t: t["hair_colour"] <= 1),
    "head width": (lambda t: t["head_width"] < 0.60, lambda t: t["head_width"] > 0.75),
}


def members(
    trait: str, group: int, split: str, count: int, photos: int, seed: int
) -> LabelledImages:
    """The first people of a group, by their numbers, with some photos each.

    Args:
        trait: a key of `GROUPS`.
        group: 0 for A, 1 for B.
        split: "train", "val" or "test": other people.
        count, photos: how many people, and photos of each.
        seed: of the world.
    Raises:
        ValueError: there are not so many among the first 6,000.
    """
    belongs = GROUPS[trait][group](traits_of(split, SEARCHED, seed))
    who = belongs.nonzero()[:, 0]
    if len(who) < count:
        raise ValueError(
            f"members: {count} people were asked for, {trait!r} has {len(who)} in group {'AB'[group]}"
        )
    return photos_of(who[:count], split, seed, photos)


def mixed(trait: str, rare: int, seed: int) -> LabelledImages:
    """500 people to train on, `rare` of them of group B."""
    parts = [
        members(trait, group, "train", count, PHOTOS, seed)
        for group, count in ((0, PEOPLE - rare), (1, rare))
        if count
    ]
    images = torch.cat([part.images for part in parts])
    labels = torch.arange(PEOPLE).repeat_interleave(PHOTOS)
    return LabelledImages(images, labels, [name for part in parts for name in part.names])


Scores = tuple[Tensor, Tensor]  # of all pairs of a group, and whether they are of one person


def scores_by_group(trait: str, rare: int, seed: int, steps: int = STEPS) -> tuple[Scores, Scores]:
    """All pairs of 200 unseen people within A, and within B, by a network that has seen `rare` people of B in 500."""
    people = mixed(trait, rare, seed)
    encoder = train_verifier(WAY, people, seed, steps, "groups")
    tested = (members(trait, group, "test", TESTED, TEST_PHOTOS, seed) for group in (0, 1))
    a, b = (all_pairs(embed(encoder, part.images), part.labels) for part in tested)
    return a, b
