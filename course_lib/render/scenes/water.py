"""Water for the boats of a drawn scene: each lies in a pond, a lake or a bay, and all else stays dry."""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, cover, paint, rgb
from course_lib.render.scenes.backdrops import FAR, NEAR, wave
from course_lib.render.scenes.things import KINDS

BOAT, BALLOON = KINDS.index("boat"), KINDS.index("balloon")
FLAT = 2.4  # how much flatter a circle on the ground looks
FAR_WATER, NEAR_WATER = rgb("#c3dde0", "#74a9bb")[:, :, None, None]  # [3, 1, 1] each
GLITTER = rgb("#eef6f4")[0, :, None, None]


def with_boats(things: dict) -> Tensor:
    """Which scenes hold a boat.        # [B] bool"""
    return (things["wanted"] & (things["kind"] == BOAT)).any(1)


def flood(picture: Tensor, shore: Tensor, things: dict, index: Tensor, seed: int) -> Tensor:
    """Lay water over the ground where boats are.

    Args:
        picture: the empty scenes.                                   # [B, 3, H, W]
        shore: colour of the water's edge.                           # [B, 3]
        things: `place_things`.
        index, seed: of the scenes.                                  # [B] int64
    Returns:
        The pictures; those without boats are as they were.          # [B, 3, H, W]
    """
    rows = with_boats(things).nonzero()[:, 0]
    if len(rows) == 0:
        return picture
    size = picture.shape[-1]
    few = {name: values[rows] for name, values in things.items()}
    r = Randoms("scene water", seed, index[rows])
    bend = r.clouds(7, size, size)[:, 0] - 0.5  # [b, H, W]
    dry = coast(few, r.uniform(1.5, 4.5), bend)  # above 0 on land

    row, horizon = torch.arange(size)[:, None] + 0.5, few["horizon"][:, :, None]
    near = (row - horizon) / (size - horizon)  # [b, H, 1]: 1 at the lower edge, 0 at the horizon
    ground = cover((NEAR / FAR - near) * size, 1.2)
    water = torch.lerp(FAR_WATER, NEAR_WATER, near.clamp(0, 1).sqrt()[:, None])  # [b, 3, H, 1]
    ripples = (wave(11 * near.clamp(min=0).sqrt() + 1.2 * bend) - 0.8).clamp(min=0) * 4
    image = paint(picture[rows], 0.9 * ground * cover(dry - 0.14, 0.12), shore[rows, :, None, None])
    wet = ground * cover(dry, 0.08)
    image = paint(image, wet, water)
    image = paint(image, 0.6 * wet * ripples, GLITTER)
    image = paint(image, 0.6 * wet * cover((dry + 0.09).abs() - 0.03, 0.06), GLITTER)  # surf
    return picture.index_copy(0, rows, image)


def coast(things: dict, reach: Tensor, bend: Tensor) -> Tensor:
    """Whose ground a pixel is: below 0 nearer to a boat, above 0 nearer to what must not get wet.

    Near is measured in lengths of the thing, so that a large thing has more ground around it than a small one. Water
    ends `reach` lengths from its boat, if nothing ends it before.

    Args:
        things: `place_things`.
        reach: how far water goes.                                   # [b, 1, 1]
        bend: smooth noise around 0, which makes the coast crooked.  # [b, H, W]
    """
    middle = torch.arange(bend.shape[-1]) + 0.5
    boat = land = torch.full((1, 1, 1), 9.0)
    for slot in range(things["kind"].shape[1]):
        x, foot, length = (things[k][:, slot, None, None] for k in ("x", "foot", "length"))
        away = (middle - x).square() + (FLAT * (middle[:, None] - foot)).square()
        away = (away + 1e-9).sqrt() / length  # [b, H, W]
        there, kind = (things[k][:, slot, None, None] for k in ("wanted", "kind"))
        boat = torch.where(there & (kind == BOAT), torch.minimum(boat, away), boat)
        stands = there & (kind != BOAT) & (kind != BALLOON)
        land = torch.where(stands, torch.minimum(land, away), land)
    dry = boat - torch.minimum(land, reach) + 0.9 * bend
    return torch.maximum(torch.minimum(dry, boat - 0.75), 0.6 - land)  # none runs aground or drowns
