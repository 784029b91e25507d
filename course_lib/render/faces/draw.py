"""Drawn faces: who it is (traits) and how the photo was taken (nuisances), for face recognition (L5)."""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms
from course_lib.render.faces.paint import paint_faces
from course_lib.render.faces.tables import BACKGROUNDS, CLOTHES, FRAMES, HAIR, IRIS, STYLES

AMOUNTS = (  # traits between 0 and 1
    "skin_tone skin_warmth head_width head_height jaw_taper chin_square ear_size neck_width hair_volume hairline "
    "hair_side brow_height brow_tilt brow_thickness eye_spacing eye_size eye_open eye_tilt eye_height nose_length "
    "nose_width mouth_width lip_thickness lip_red mouth_height blush"
).split()
VARIED = (  # nuisances around 0 and their spread at difficulty 1; never beyond 4 spreads
    "turn tilt roll stretch shift_x shift_y light_x light_y warmth exposure smile gaze mouth_open brow_raise"
).split()
SPREADS = (0.18, 0.13, 0.06, 0.04, 0.03, 0.03, 0.2, 0.1, 0.03, 0.09, 0.35, 0.12, 0.4, 0.4)


def draw_faces(
    person: Tensor, photo: Tensor, seed: int = 0, size: int = 32, difficulty: float = 1.0
) -> dict:
    """Photos of people who do not exist.

    Args:
        person: whose face; with the seed it decides all traits.                     # [B] int64
        photo: which photo of that person, 0..100,002; it decides all nuisances.     # [B] int64
        seed: of the world: another seed, other people.
        size: height and width in pixels, at least 16.
        difficulty: 0 a passport photo, 1 an everyday one, 2 a hard one. All nuisances grow in proportion.
    Returns:
        images: RGB in 0..1.                                                         # [B, 3, size, size]
        traits: name -> 0..1, or a small whole number (hair_style is a place in STYLES).         # [B]
        nuisances: name -> numbers: turn, tilt, roll in radians (to the right, down, clockwise), shifts in
            half pictures, glasses 0 or 1, occlusion 0 none, 1 hand, 2 scarf, 3 phone, ...       # [B]
    Raises:
        ValueError: person and photo not int64 of one length; size below 16; difficulty negative.

    A pure function of (seed, person, photo): the same picture alone and in any batch.
    """
    for name, value in (("person", person), ("photo", photo)):
        if value.dtype != torch.int64 or value.ndim != 1 or value.shape != person.shape:
            got = f"{list(value.shape)} {value.dtype}, person {list(person.shape)}"
            raise ValueError(f"draw_faces: {name} must be numbers [B] int64, one length, got {got}")
    if size < 16:
        raise ValueError(f"draw_faces: size must be at least 16 pixels, got {size}")
    if not 0 <= difficulty < float("inf"):
        raise ValueError(f"draw_faces: difficulty must be 0 or more, got {difficulty}")
    randoms = Randoms("face photo", seed, person * 100_003 + photo)
    traits, nuisances = face_traits(person, seed), face_nuisances(randoms, difficulty)
    images = paint_faces(traits, nuisances, size)
    grain = randoms.fill(1, size, size) - 0.5  # of the sensor
    images = images + 0.04 * min(difficulty, 3) * grain
    return {"images": images.clamp(0, 1), "traits": traits, "nuisances": nuisances}


def face_traits(person: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """What makes a person: name -> [B], amounts in 0..1 and whole numbers."""
    r = Randoms("face traits", seed, person)
    traits = dict(zip(AMOUNTS, r.fill(len(AMOUNTS)).T, strict=True))
    traits["hair_style"], traits["hair_colour"] = r.choice(len(STYLES)), r.choice(len(HAIR))
    traits["iris"], traits["freckles"] = r.choice(len(IRIS)), r.chance(0.2).long().flatten()
    traits["beard"] = (r.choice(10) - 5).clamp(min=0)  # 0 none, stubble, moustache, goatee, 4 full
    traits["mole"] = (r.choice(9) - 5).clamp(min=0)  # 0 none, left, right, 3 below the mouth
    return traits


def face_nuisances(r: Randoms, difficulty: float) -> dict[str, Tensor]:
    """What makes a photo: name -> [B]; amplitudes and probabilities are in proportion to the difficulty."""
    part = min(difficulty, 1.0)  # a colour cannot be more than there
    photo = {
        name: spread * r.normal(difficulty).clamp(-4, 4)
        for name, spread in zip(VARIED, SPREADS, strict=True)
    }
    photo["warmth"] = photo["warmth"].clamp(min=-0.05)  # cool light must not turn skin mauve
    photo["glasses"], photo["occlusion"] = r.chance(0.12 * difficulty), r.chance(0.1 * difficulty)
    photo["occlusion"] = photo["occlusion"].flatten().long() * (1 + r.choice(3))
    photo["occlusion_x"], photo["occlusion_y"] = r.uniform(-1, 1), r.uniform()
    photo["glasses_round"], photo["glasses_colour"] = r.uniform(), r.choice(len(FRAMES))
    photo["background"] = r.chance(part).flatten().long() * r.choice(len(BACKGROUNDS))
    photo["background_colour"], photo["background_phase"] = r.choice(4), r.uniform(0, 6.28)
    photo["clothes"], photo["colourful"] = r.choice(len(CLOTHES)), part + 0 * r.uniform()
    return {name: value.flatten() for name, value in photo.items()}
