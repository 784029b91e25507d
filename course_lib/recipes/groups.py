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
TESTED, TEST_PHOTOS = 500, 6  # of each group
WAY = Way("ArcFace (0.4)")  # as notebooks 03 and 04 train, in some 8 s
SHOWN = (15, 50, 250)  # people of group B among 500: notebook 13 trains these
SEARCHED = 6000  # people among whom those of a group are found

Group = Callable[[dict[str, Tensor]], Tensor]  # traits -> who belongs to it


def _between(trait: str, low: float, high: float) -> Group:
    return lambda t: (t[trait] > low) & (t[trait] < high)


LIGHT, DARK = _between("skin_tone", 0.15, 0.40), _between("skin_tone", 0.60, 0.85)

# Trait -> the two groups, A and B.
GROUPS: dict[str, tuple[Group, Group]] = {
    "skin": (LIGHT, DARK),
    "skin, the other way round": (DARK, LIGHT),
    "skin, the extremes": (_between("skin_tone", 0, 0.25), _between("skin_tone", 0.75, 1)),
    "hair colour": (lambda t: t["hair_colour"] >= 3, lambda t: t["hair_colour"] <= 1),
    "head width": (_between("head_width", 0, 0.25), _between("head_width", 0.75, 1)),
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
    """All pairs of 500 unseen people within A, and within B, by a network that has seen `rare` people of B in 500."""
    people = mixed(trait, rare, seed)
    encoder = train_verifier(WAY, people, seed, steps, "groups")
    tested = (members(trait, group, "test", TESTED, TEST_PHOTOS, seed) for group in (0, 1))
    a, b = (all_pairs(embed(encoder, part.images), part.labels) for part in tested)
    return a, b
