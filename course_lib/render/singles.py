"""One large thing on a plain ground: what pretext tasks are tried on (L2.04-L2.09).

What a thing is must be told by its shape: colour channels are shuffled, half of the pictures are negatives, dark where
they were bright, and things are as often mirrored as not. (Without negatives a line through 8 x 8 grey pixels tells .95
of all kinds: pixels alone would beat most pretext tasks.)
"""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, cover, turned
from course_lib.render.scenes.draw import check
from course_lib.render.scenes.things import KINDS, draw_things

ORDERS = torch.tensor([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
OUTLINE = 1.0  # pixels


def draw_singles(index: Tensor, seed: int = 0, size: int = 40) -> dict[str, Tensor]:
    """Draw one thing a picture, nearly as large as the picture, upright but for a few degrees.

    Args:
        index: the pictures' numbers.                                 # [B] int64
        seed: any integer; another seed is another world.
        size: side of a picture in pixels, 32 or more.
    Returns:
        images       the pictures                                     # [B, 3, size, size] in 0..1
        labels       the kind of thing, a number of `KINDS`           # [B] int64
    Raises:
        TypeError, ValueError: index not [B] int64; size below 32.
    """
    check(index, size)
    r = Randoms("single", seed, index)
    kind = r.choice(len(KINDS))
    half = r.uniform(0.78, 0.98)  # of the thing's longer side, in halves of the picture
    wide = torch.exp(r.normal(0.1))
    angle, mirror = r.normal(0.15), 1 - 2 * r.chance(0.5)
    free = 0.84 - 0.8 * half
    at_x, at_y = r.uniform(-1, 1) * free, r.uniform(-1, 1) * free
    along = (torch.arange(size) + 0.5) / size * 2 - 1
    x, y = turned(
        along[None, None, :] - at_x, along[None, :, None] - at_y, angle
    )  # [B, size, size]
    pixel = 2 / size / half
    colours, shape = draw_things(
        kind, index, seed, mirror * x / (half * wide), y / (half / wide), pixel, OUTLINE
    )
    ground = (0.35 + 0.55 * r.fill(3))[:, :, None, None]
    images = torch.lerp(ground.expand_as(colours), colours, cover(shape, pixel)[:, None])
    order = ORDERS[r.choice(len(ORDERS))]  # [B, 3]
    images = images.gather(1, order[:, :, None, None].expand_as(images))
    sign = 1 - 2 * r.chance(0.5)[:, None]
    images = 0.5 + sign * (images - 0.5)  # half of them are negatives
    grain = (r.fill(4, size, size).sum(dim=1, keepdim=True) - 2) * 3**0.5  # deviation 1
    images = images * torch.exp(r.normal(0.12))[:, None] + 0.05 * grain
    return {"images": images.clamp(0, 1), "labels": kind}
