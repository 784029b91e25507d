"""Group photos of drawn people, with a box and three landmarks for every face (L1.15; notebook 13).

People are drawn one by one, cut out, and put before a wall side by side. They tilt their heads more than in the other
photos of the course: a verifier that wants upright faces has to turn them.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.data.drawn import FIRST, draw_all
from course_lib.data.holders import AnnotatedImages
from course_lib.render.canvas import Randoms
from course_lib.render.faces.draw import face_nuisances, face_traits
from course_lib.render.faces.paint import paint_faces
from course_lib.render.faces.sitter import Sitter
from course_lib.render.faces.tables import BACKGROUNDS

HEIGHT, WIDTH, PEOPLE = 96, 192, 4  # pixels of a photo, places in it
PERSON = 64  # pixels of a person
ROLL = 6  # times the usual tilt of a head
FIRST_PHOTO = 1000  # those below are taken by `photos_of`
LANDMARKS = ("left eye", "right eye", "mouth")  # as seen in the picture


def cut_outs(person: Tensor, photo: Tensor, seed: int, size: int) -> dict[str, Tensor]:
    """People without a background, and where their faces are.

    Args:
        person, photo, seed: as `draw_faces` takes them; more tilt of the head, and no hand or scarf.   # [B] int64
        size: side of a picture in pixels.
    Returns:
        colour and alpha in 0..1 [B, 3 and 1, size, size]; box (x1, y1, x2, y2) of the face [B, 4] and landmarks
        [B, 3, 2] in pixels.
    """
    randoms = Randoms("face photo", seed, person * 100_003 + photo)
    traits, nuisances = face_traits(person, seed), face_nuisances(randoms, 1.0)
    nuisances |= {"roll": ROLL * nuisances["roll"], "occlusion": 0 * nuisances["occlusion"]}
    none = torch.zeros_like(person)
    # Two walls of different colours: what differs is wall.
    two = [
        paint_faces(
            traits, nuisances | {"background": none, "background_colour": none + wall}, 2 * size
        )
        for wall in (0, 1)
    ]
    there = ((two[0] - two[1]).abs().amax(1, keepdim=True) < 1e-3).float()  # [B, 1, 2 size, 2 size]
    alpha = F.avg_pool2d(there, 2)
    colour = F.avg_pool2d(two[0] * there, 2) / alpha.clamp(min=1e-6)
    sitter = Sitter({**traits, **nuisances}, size)
    return {
        "colour": colour,
        "alpha": alpha,
        "box": _box_of(sitter.face > 0.5),
        "landmarks": torch.stack(
            [
                _place_of(sitter, -sitter.eye_x, sitter.eye_y),
                _place_of(sitter, sitter.eye_x, sitter.eye_y),
                _place_of(sitter, 0 * sitter.eye_x, sitter.mouth_y),
            ],
            dim=1,
        ),
    }


def _box_of(mask: Tensor) -> Tensor:
    """The box around a mask.   # [B, H, W] bool -> [B, 4]"""
    ends = []
    for axis in (1, 2):  # rows left: across; columns left: down
        along = mask.any(axis).float()
        first = along.argmax(1)
        last = along.shape[1] - along.flip(1).argmax(1)
        ends.append((first, last))
    (x1, x2), (y1, y2) = ends
    return torch.stack([x1, y1, x2, y2], dim=1).float()


def _place_of(sitter: Sitter, fx: Tensor, fy: Tensor) -> Tensor:
    """The pixel that shows a point of the face.   # [B, 1, 1] twice -> [B, 2]"""
    away = (sitter.fx - fx).square() + (sitter.fy - fy).square()
    away = torch.where(sitter.face > 0.5, away, torch.inf)
    at = away.flatten(1).argmin(1)
    width = away.shape[2]
    return torch.stack([at % width, at // width], dim=1) + 0.5


def group_photos(split: str, seed: int, count: int, sitting: int = 0) -> AnnotatedImages:
    """Photos of four people each, nobody in two of them.

    Args:
        split: "train", "val" or "test": other people.
        seed: of the world.
        count: photos.
        sitting: another number, other photos of the same people, who have changed places.
    Returns:
        AnnotatedImages, one class; a target holds boxes [4, 4], labels [4], landmarks [4, 3, 2] and person [4], whom
        `photos_of` knows by the same number.
    """

    def draw(number: Tensor) -> dict[str, Tensor]:
        return _compose(number, FIRST[split], seed, sitting)

    drawn = draw_all("group-photos", count, draw)
    targets = [
        {
            "boxes": drawn["boxes"][i],
            "labels": torch.zeros(PEOPLE, dtype=torch.int64),
            "landmarks": drawn["landmarks"][i],
            "person": drawn["person"][i],
        }
        for i in range(count)
    ]
    return AnnotatedImages(drawn["images"], targets, ["face"])


def _compose(number: Tensor, first: int, seed: int, sitting: int) -> dict[str, Tensor]:
    """Four people before a wall.   # [b] -> images [b, 3, HEIGHT, WIDTH], ..."""
    r = Randoms(f"group photo {sitting}", seed, number + first)
    b = len(number)
    light, dark = BACKGROUNDS.flatten(0, 1)[r.choice(BACKGROUNDS[..., 0, 0].numel())].unbind(1)
    shade = (0.5 + 0.3 * r.clouds(5, HEIGHT, WIDTH)).clamp(0, 1)  # [b, 1, HEIGHT, WIDTH]
    images = torch.lerp(light[..., None, None], dark[..., None, None], shade)
    boxes, marks, who = [], [], []
    for place in range(PEOPLE):
        person = number * PEOPLE + (place + 2 * sitting) % PEOPLE
        photo = torch.full_like(person, FIRST_PHOTO + sitting)
        cut = cut_outs(person + first, photo, seed, PERSON)
        middle = WIDTH * (place + 0.5) / PEOPLE
        x = (middle - PERSON / 2 + 3 * r.uniform(-1, 1).flatten()).round().long()  # [b]
        y = r.uniform(14, 32).flatten().long()  # some are taller
        for i in range(b):
            _lay(images[i], cut["colour"][i], cut["alpha"][i], int(x[i]), int(y[i]))
        corner = torch.stack([x, y], dim=1).float()
        boxes.append(cut["box"] + corner.repeat(1, 2))
        marks.append(cut["landmarks"] + corner[:, None])
        who.append(person)
    grain = 0.03 * (r.fill(1, HEIGHT, WIDTH) - 0.5)
    edge = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    return {
        "images": (images + grain).clamp(0, 1),
        "boxes": torch.stack(boxes, 1).clamp(min=0).minimum(edge),
        "landmarks": torch.stack(marks, 1),
        "person": torch.stack(who, 1),
    }


def _lay(image: Tensor, colour: Tensor, alpha: Tensor, x: int, y: int) -> None:
    """Lay a cut-out with its upper left corner at x, y >= 0; clothes go on down to the photo's lower edge."""
    colour, alpha = (F.pad(part, (0, 0, 0, HEIGHT), mode="replicate") for part in (colour, alpha))
    left, right = max(x, 0), min(x + colour.shape[-1], WIDTH)
    part = (..., slice(0, HEIGHT - y), slice(left - x, right - x))
    image[:, y:, left:right].lerp_(colour[part], alpha[part])
