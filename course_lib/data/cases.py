"""Drawn cases with several photos each: buildings, whose kind is to be told (L2.19)."""

import torch
from torch import Tensor

from course_lib.arguments import check_count
from course_lib.data.drawn import FIRST, draw_all
from course_lib.data.holders import LabelledImages


def cases(
    split: str, seed: int, buildings: int = 600, photos: int = 8, size: int = 32
) -> LabelledImages:
    """Postcards of drawn buildings, several of each; no building is in two splits.

    Args:
        split: "train", "val" or "test".
        buildings, photos: how many buildings, and postcards of each.
        size: side of an image in pixels.
    Returns:
        LabelledImages; the label is the kind of building (church, bridge, ...), and `details` holds the `case`, the
        number of the building.                                       # [N] int64
    """
    from course_lib.render.landmarks.draw import draw_landmarks
    from course_lib.render.landmarks.plans import KINDS, plan_of

    check_count("cases", buildings=buildings, photos=photos, size=size)

    def draw(number: Tensor) -> dict[str, Tensor]:
        building = number // photos + FIRST[split]
        return {"images": draw_landmarks(building, number % photos, seed, size)["images"]}

    images = draw_all("cases", buildings * photos, draw)["images"]
    case = torch.arange(buildings)
    kinds = plan_of(case + FIRST[split], seed)["kind"]
    rows = case.repeat_interleave(photos)
    return LabelledImages(images, kinds[rows], list(KINDS), {"case": rows})
