"""Where the things of a drawn scene are, now and a moment later."""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms
from course_lib.render.scenes.backdrops import FAR, NEAR
from course_lib.render.scenes.things import BOTTOM, KINDS, METRES

MAX_THINGS = 6
SMALLEST, LARGEST = 0.12, 0.45  # the longer side of a thing, as a share of the picture's
SHIFT = 0.06  # how far things move until the next frame, as a share of the picture's side
GROWTH = 0.06  # how much they grow or shrink


def place_things(index: Tensor, seed: int, size: int) -> dict[str, Tensor]:
    """Where everything is: `horizon` [B, 1], all else [B, 6]; lengths in pixels."""
    r = Randoms("scene", seed, index)
    many = MAX_THINGS
    count = 1 + r.choice(many)  # [B]
    wanted = torch.arange(many) < count[:, None]
    horizon = 0.12 + 0.14 * r.fill(1)  # a share of the side, like all lengths until the end
    end = horizon + (1 - horizon) * NEAR / FAR  # the row where the ground ends
    foot = end + 0.05 + (0.93 - end) * r.fill(many)  # the row where a thing stands
    foot = torch.where(wanted, foot, 2).sort(1).values  # far to near
    kind = (r.fill(many) * len(KINDS)).long()
    distance = NEAR * (1 - horizon) / (foot - horizon)
    length = 0.82 * METRES[kind] * (0.88 + 0.24 * r.fill(many)) / distance
    length = length.clamp(SMALLEST, LARGEST)
    rise = torch.where(kind == KINDS.index("balloon"), 0.05 + 0.25 * r.fill(many), 0)
    margin, lowest = limits(kind, length, 2 / size)
    return {
        "horizon": horizon * size,
        "wanted": wanted,
        "kind": kind,
        "distance": distance,
        "foot": foot * size,
        "length": length * size,
        "x": (margin + (1 - 2 * margin) * r.fill(many)) * size,
        "y": (foot - BOTTOM[kind] * length / 2 - rise).clamp(margin, lowest) * size,
        "angle": 0.24 * r.fill(many) - 0.12,
        "mirror": (r.fill(many) < 0.5).float() * 2 - 1,
    }


def limits(kind: Tensor, length: Tensor, edge: float) -> tuple[Tensor, Tensor]:
    """How near to the left, right and upper border a thing's middle may come; how near to the lower one."""
    return 0.55 * length + edge, 1 - (BOTTOM[kind] + 0.14) * length / 2 - edge


def move_things(things: dict, index: Tensor, seed: int, size: int) -> dict[str, Tensor]:
    """The same things a moment later."""
    r = Randoms("scene motion", seed, index)
    length = things["length"] * (1 + GROWTH * (2 * r.fill(MAX_THINGS) - 1))
    angle = 2 * torch.pi * r.fill(MAX_THINGS)
    speed = SHIFT * size * (0.2 + 0.8 * r.fill(MAX_THINGS))
    margin, lowest = (limit * size for limit in limits(things["kind"], length / size, 2 / size))
    x = (things["x"] + speed * angle.cos()).clamp(margin, size - margin)
    # on the ground, seen at a slant, coming nearer looks slower than going sideways
    y = (things["y"] + 0.6 * speed * angle.sin()).clamp(margin, lowest)
    foot = things["foot"] + y - things["y"]
    return things | {"length": length, "x": x, "y": y, "foot": foot}
