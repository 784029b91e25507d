"""The things of a drawn scene, each painted in a window of its own, then laid into the picture."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.render.canvas import cover, paint, turned
from course_lib.render.scenes.places import GROWTH, LARGEST, MAX_THINGS
from course_lib.render.scenes.things import draw_things

OUTLINE = 0.8  # pixels
LEAST_VISIBLE = 0.25  # a thing of which less can be seen is left out


class Sprites(NamedTuple):
    """P things, each drawn in a window of its own, W pixels wide."""

    scene: Tensor  # [P] int64, a row of the batch
    slot: Tensor  # [P] int64
    colours: Tensor  # [P, 3, W * W]
    alpha: Tensor  # [P, W * W]
    place: Tensor  # [P, W * W] int64, the window's pixels in a picture laid out in one row

    def only(self, present: Tensor) -> "Sprites":
        """Those that a table [B, 6] says."""
        keep = present[self.scene, self.slot]
        return Sprites(*(values[keep] for values in self))


def draw_sprites(things: dict, which: Tensor, index: Tensor, seed: int, size: int) -> Sprites:
    """Draw the things that a table [B, 6] says."""
    scene, slot = which.nonzero(as_tuple=True)
    mine = {k: v[scene, slot][:, None, None] for k, v in things.items() if k != "horizon"}
    width = int(1.12 * LARGEST * (1 + GROWTH) * size) + 4  # of a window for the largest thing
    steps = torch.arange(width)
    left = (mine["x"] - width / 2).round().long().clamp(0, size - width)  # [P, 1, 1]
    top = (mine["y"] - width / 2).round().long().clamp(0, size - width)
    column, row = left + steps, top + steps[:, None]  # [P, 1, W], [P, W, 1]
    half = mine["length"] / 2
    x, y = (column + 0.5 - mine["x"]) / half, (row + 0.5 - mine["y"]) / half
    shade = 1.03 - 0.08 * (x + y)  # light from the upper left
    x, y = turned(x, y, mine["angle"])  # [P, W, W]
    x, pixel = x * mine["mirror"], 1 / half
    kind, number = mine["kind"][:, 0, 0], index[scene] * MAX_THINGS + slot
    colours, shape = draw_things(kind, number, seed, x, y, pixel, OUTLINE)
    colours = (colours * shade[:, None]).clamp(0, 1).flatten(2)
    place = (row * size + column).flatten(1)
    return Sprites(scene, slot, colours, cover(shape, pixel).flatten(1), place)


def silhouettes(sprites: Sprites, count: int, size: int) -> Tensor:
    """All that a thing covers, be it seen or not.        # [B, 6, size, size] bool"""
    full = torch.zeros(count * MAX_THINGS * size * size, dtype=torch.bool)
    start = (sprites.scene * MAX_THINGS + sprites.slot) * size * size  # [P]
    full[start[:, None] + sprites.place] = sprites.alpha > 0.5
    return full.view(count, MAX_THINGS, size, size)


def uncover(full: Tensor, wanted: Tensor, least: float = LEAST_VISIBLE) -> tuple[Tensor, Tensor]:
    """Which things can be seen well enough, and where, once nearer ones have covered them.

    Args:
        full: silhouettes, from far to near.                     # [B, 6, H, W] bool
        wanted: which slots there are.                           # [B, 6] bool
        least: the share of itself that a thing must show to stay.
    Returns:
        present, masks.                                          # [B, 6] bool, [B, 6, H, W] bool
    """
    present, masks = wanted.clone(), torch.zeros_like(full)
    covered = torch.zeros_like(full[:, 0])
    for slot in reversed(range(full.shape[1])):  # from the nearest: what is left out covers nothing
        seen = full[:, slot] & ~covered
        enough = seen.sum((1, 2)) >= least * full[:, slot].sum((1, 2))
        present[:, slot] &= enough
        masks[:, slot] = seen & present[:, slot, None, None]
        covered = covered | masks[:, slot]
    return present, masks


def compose(backdrop: Tensor, things: dict, present: Tensor, sprites: Sprites) -> Tensor:
    """Paint soft shadows on the ground, then the things from far to near.        # [B, 3, H, W]"""
    size = backdrop.shape[-1]
    images = backdrop * shadows(things, present, size)[:, None]
    images = images.transpose(0, 1).flatten(1)  # [3, B * H * W]
    for slot in range(MAX_THINGS):
        mine = sprites.slot == slot
        place = sprites.scene[mine, None] * size * size + sprites.place[mine]  # [b, W * W]
        below = images[:, place].transpose(0, 1)  # [b, 3, W * W]
        painted = paint(below, sprites.alpha[mine], sprites.colours[mine])
        images[:, place] = painted.transpose(0, 1)
    return images.unflatten(1, (-1, size, size)).transpose(0, 1).contiguous()


def shadows(things: dict, present: Tensor, size: int) -> Tensor:
    """How much light reaches the ground: less in a flat ellipse below each thing.        # [B, H, W] in 0..1"""
    middle = torch.arange(size) + 0.5
    light = torch.ones(len(present), size, size)
    for slot in range(MAX_THINGS):
        x, foot, length = (things[k][:, slot, None, None] for k in ("x", "foot", "length"))
        across = (middle - x - 0.06 * length) / (0.52 * length)  # to the right: light from the left
        along = (middle[:, None] - foot) / (0.1 * length)
        dark = 0.32 * present[:, slot, None, None]
        shadow = dark * (1.15 - across.square()) - dark * along.square()  # [B, H, W]
        light.addcmul_(light, shadow.clamp_(0, 0.32), value=-1)
    return light
