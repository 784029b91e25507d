"""Chosen drawn people: by their traits, by number, in look-alike pairs, or very many whom nobody looks for (L5.12)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_share, check_tensor
from course_lib.data.drawn import BATCH, FIRST, draw_all
from course_lib.data.holders import LabelledImages
from course_lib.machine import progress

FIRST_STRANGER = 100_000  # in the split "test": people with lower numbers are looked for
FIRST_DOUBLE = 500_000  # in every split


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


def look_alikes(
    split: str, count: int, photos: int, apart: float, seed: int, size: int = 32
) -> LabelledImages:
    """People and their doubles, who differ from them as little as is wanted.

    Args:
        split: "train", "val" or "test".
        count: people, each with one double.
        photos: of each.
        apart: 0 for twins, 1 for two people like any others; between them, of every amount that makes a face the
            double has so much of another person's, and so large is the chance of another hair, beard or mole.
        seed: of the world.
        size: side of an image in pixels.
    Returns:
        LabelledImages, person by person: labels 2 i for a person, 2 i + 1 for the double.
    Raises:
        TypeError, ValueError: counts below 1; apart outside 0..1.
    """
    from course_lib.render.canvas import Randoms
    from course_lib.render.faces.draw import face_nuisances, face_traits
    from course_lib.render.faces.paint import paint_faces

    check_count("look_alikes", count=count, photos=photos, size=size)
    check_share("look_alikes", apart=apart)

    def draw(number: Tensor) -> dict[str, Tensor]:
        label, photo = number // photos, number % photos
        person, is_double = label // 2 + FIRST[split], label % 2 == 1
        own, other = face_traits(person, seed), face_traits(person + FIRST_DOUBLE, seed)
        changed = Randoms("look-alikes", seed, person).fill(len(own)).T < apart  # [traits, b]
        traits = {}
        for name, change in zip(own, changed, strict=True):
            if own[name].is_floating_point():
                double = own[name].lerp(other[name], apart)
            else:
                double = torch.where(change, other[name], own[name])
            traits[name] = torch.where(is_double, double, own[name])
        who = person + FIRST_DOUBLE * is_double
        randoms = Randoms("face photo", seed, who * 100_003 + photo)
        images = paint_faces(traits, face_nuisances(randoms, 1.0), size)
        grain = 0.04 * (randoms.fill(1, size, size) - 0.5)
        return {"images": (images + grain).clamp(0, 1)}

    images = draw_all("look-alikes", 2 * count * photos, draw)["images"]
    names = [f"{kind} {i}" for i in range(count) for kind in ("person", "double of")]
    return LabelledImages(images, torch.arange(2 * count).repeat_interleave(photos), names)


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
