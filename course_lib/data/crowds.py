"""Chosen drawn people: by their traits, by number, or very many whom nobody looks for (L5.12; notebook 13)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_tensor
from course_lib.data.drawn import BATCH, FIRST, draw_all
from course_lib.data.holders import LabelledImages
from course_lib.machine import progress

FIRST_STRANGER = 100_000  # in the split "test": people with lower numbers are looked for


def traits_of(split: str, count: int, seed: int) -> dict[str, Tensor]:
    """The traits of the first people of a split: name -> [count]; see `render.faces.draw.face_traits`."""
    from course_lib.render.faces.draw import face_traits

    return face_traits(torch.arange(count) + FIRST[split], seed)


def photos_of(
    who: Tensor, split: str, seed: int, photos: int, first: int = 0, size: int = 32
) -> LabelledImages:
    """Photos of chosen people.

    Args:
        who: their numbers in the split; those of `data.drawn.faces` are 0, 1, ...   # [P] int64
        split: "train", "val" or "test": other people.
        seed: of the world.
        photos: of each.
        first: the number of a person's first photo.
        size: side of an image in pixels.
    Returns:
        LabelledImages, photo by photo of the first person, then of the second...; labels 0..P-1; `details` holds
        every nuisance.
    Raises:
        TypeError, ValueError: who is not int64 [P]; counts below 1.
    """
    from course_lib.render.faces.draw import draw_faces

    check_tensor("photos_of", "[P]", torch.int64, who=who)
    check_count("photos_of", photos=photos, size=size)

    def draw(number: Tensor) -> dict[str, Tensor]:
        person, photo = who[number // photos] + FIRST[split], number % photos + first
        drawn = draw_faces(person, photo, seed, size)
        return {"images": drawn["images"], **drawn["nuisances"]}

    drawn = draw_all("people", len(who) * photos, draw)
    labels = torch.arange(len(who)).repeat_interleave(photos)
    return LabelledImages(drawn.pop("images"), labels, [f"person {int(i)}" for i in who], drawn)


def strangers(count: int, seed: int) -> Iterator[Tensor]:
    """One photo each of people whom nobody looks for, some at a time: they would not all fit into memory.

    Args:
        count: how many people.
        seed: of the world.
    Returns:
        Images in 0..1, in steps of 1/255.                    # [b, 3, 32, 32], count in all
    """
    from course_lib.render.faces.draw import draw_faces

    check_count("strangers", count=count)
    for number in progress(torch.arange(count).split(BATCH), "drawing strangers"):
        person = number + FIRST["test"] + FIRST_STRANGER
        yield (draw_faces(person, 0 * number, seed)["images"] * 255).round() / 255
