"""Drawn scenes with all their ground truth: boxes, masks, depth, keypoints, tracks and flow (L2.01, L5.01-L5.11).

A little world with a camera: the ground runs from NEAR metres at the picture's lower edge to FAR metres at its end,
and things stand on it, the nearer the lower and the larger. Slots are numbered from the farthest thing to the nearest,
which is the order in which they are painted.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.render.backdrops import FAR, NEAR, draw_backdrop
from course_lib.render.canvas import Randoms, cover, paint, turned
from course_lib.render.things import BOTTOM, KEYPOINTS, KINDS, METRES, POINTS, draw_things

__all__ = ["FAR", "KEYPOINTS", "KINDS", "MAX_THINGS", "NEAR", "draw_scenes"]

MAX_THINGS = 6
SMALLEST, LARGEST = 0.12, 0.45  # the longer side of a thing, as a share of the picture's
LEAST_VISIBLE = 0.25  # a thing of which less can be seen is left out
OUTLINE = 0.8  # pixels
SHIFT, GROWTH = (
    0.06,
    0.06,
)  # how far things move (share of the side), and grow, until the next frame


def draw_scenes(
    index: Tensor, seed: int = 0, size: int = 96, second_frame: bool = True
) -> dict[str, Tensor]:
    """Draw scenes of one to six things, and everything that a vision task may ask of them.

    Args:
        index: the scenes' numbers.                                          # [B] int64
        seed: any integer; another seed is another world.
        size: side of a picture in pixels, 32 or more (64 to 128 look best).
        second_frame: also draw the next frame, after each thing has moved a little.
    Returns:
        images       the pictures                                            # [B, 3, size, size] in 0..1
        present      which slots hold a thing                                # [B, 6] bool
        labels       its kind, a number of `KINDS`                           # [B, 6] int64
        boxes        (x1, y1, x2, y2) around what can be seen of it          # [B, 6, 4] pixels
        full_boxes   the same around all of it                               # [B, 6, 4] pixels
        masks        where it can be seen; no two share a pixel              # [B, 6, size, size] bool
        depth        how far away what is seen there is                      # [B, size, size] metres
        keypoints    (x, y, visible) of its `KEYPOINTS`                      # [B, 6, 5, 3] pixels, 0 or 1
        and with `second_frame`:
        second_images, second_boxes, second_masks                            # as above
        flow         (dx, dy) from each pixel to its place in the second frame  # [B, 2, size, size] pixels
    Raises:
        TypeError, ValueError: index not [B] int64; size below 32.

    Coordinates are continuous: the first pixel reaches from 0 to 1. Slots run from far to near; one that is not
    present holds zeros. A thing of which less than a quarter would be seen is left out. A thing keeps its slot in the
    second frame: the slot is its track. There its box is zeros if it is hidden.
    Lecture topics L2.01, L5.01-L5.11.
    """
    check(index, size)
    things = place_things(index, seed, size)
    backdrop, depth = draw_backdrop(index, seed, size, things["horizon"])
    sprites = draw_sprites(things, things["wanted"], index, seed, size)
    full = silhouettes(sprites, len(index), size)
    present, masks = uncover(full, things["wanted"])
    sprites = sprites.only(present)
    full = full & present[:, :, None, None]
    for slot in range(MAX_THINGS):
        depth = torch.where(masks[:, slot], things["distance"][:, slot, None, None], depth)
    drawn = {
        "images": compose(backdrop, things, present, sprites),
        "present": present,
        "labels": things["kind"] * present,
        "boxes": boxes_around(masks),
        "full_boxes": boxes_around(full),
        "masks": masks,
        "depth": depth,
        "keypoints": find_keypoints(things, present, masks),
    }
    if second_frame:
        moved = move_things(things, index, seed, size)
        sprites = draw_sprites(moved, present, index, seed, size)
        masks = uncover(silhouettes(sprites, len(index), size), present, least=0)[1]
        drawn["second_images"] = compose(backdrop, moved, present, sprites)
        drawn["second_boxes"], drawn["second_masks"] = boxes_around(masks), masks
        drawn["flow"] = find_flow(things, moved, drawn["masks"])
    return drawn


def check(index: Tensor, size: int) -> None:
    if not isinstance(index, Tensor) or index.dtype != torch.int64:
        got = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise TypeError(f"draw_scenes: index must be a tensor [B] of int64, got {got}")
    if index.ndim != 1:
        raise ValueError(f"draw_scenes: index must be [B], got {list(index.shape)}")
    if size < 32:
        raise ValueError(f"draw_scenes: size must be 32 pixels or more, got {size}")


def place_things(index: Tensor, seed: int, size: int) -> dict[str, Tensor]:
    """Where everything is: `horizon` [B, 1], all else [B, 6]; lengths in pixels."""
    r = Randoms("scene", seed, index)
    many = MAX_THINGS
    count = 1 + r.choice(many)  # [B]
    horizon = 0.12 + 0.14 * r.fill(1)  # a share of the side, like all lengths until the end
    end = horizon + (1 - horizon) * NEAR / FAR  # the row where the ground ends
    foot = end + 0.05 + (0.93 - end) * r.fill(many)  # the row where a thing stands
    foot = torch.where(torch.arange(many) < count[:, None], foot, 2).sort(1).values  # far to near
    kind = (r.fill(many) * len(KINDS)).long()
    distance = NEAR * (1 - horizon) / (foot - horizon)
    length = 0.82 * METRES[kind] * (0.88 + 0.24 * r.fill(many)) / distance
    length = length.clamp(SMALLEST, LARGEST)
    margin, lowest = 0.55 * length + 2 / size, 1 - (BOTTOM[kind] + 0.14) * length / 2 - 2 / size
    rise = torch.where(kind == KINDS.index("balloon"), 0.05 + 0.25 * r.fill(many), 0)
    return {
        "horizon": horizon * size,
        "wanted": torch.arange(many) < count[:, None],
        "kind": kind,
        "distance": distance,
        "foot": foot * size,
        "length": length * size,
        "x": (margin + (1 - 2 * margin) * r.fill(many)) * size,
        "y": (foot - BOTTOM[kind] * length / 2 - rise).clamp(margin, lowest) * size,
        "angle": 0.24 * r.fill(many) - 0.12,
        "mirror": (r.fill(many) < 0.5).float() * 2 - 1,
    }


def move_things(things: dict, index: Tensor, seed: int, size: int) -> dict[str, Tensor]:
    """The same things a moment later."""
    r = Randoms("scene motion", seed, index)
    length = things["length"] * (1 + GROWTH * (2 * r.fill(MAX_THINGS) - 1))
    angle, speed = (
        2 * torch.pi * r.fill(MAX_THINGS),
        SHIFT * size * (0.2 + 0.8 * r.fill(MAX_THINGS)),
    )
    margin = 0.55 * length + 2
    lowest = size - (BOTTOM[things["kind"]] + 0.14) * length / 2 - 2
    x = (things["x"] + speed * angle.cos()).clamp(margin, size - margin)
    y = (things["y"] + speed * angle.sin()).clamp(margin, lowest)
    foot = things["foot"] + y - things["y"]
    return things | {"length": length, "x": x, "y": y, "foot": foot}


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
    scene, slot = which.nonzero(as_tuple=True)
    mine = {k: v[scene, slot][:, None, None] for k, v in things.items() if k != "horizon"}
    width = (
        int(1.12 * LARGEST * (1 + GROWTH) * size) + 4
    )  # of a window that holds the largest thing
    steps = torch.arange(width)
    left = (mine["x"] - width / 2).round().long().clamp(0, size - width)  # [P, 1, 1]
    top = (mine["y"] - width / 2).round().long().clamp(0, size - width)
    column, row = left + steps, top + steps[:, None]  # [P, 1, W], [P, W, 1]
    half = mine["length"] / 2
    x, y = (column + 0.5 - mine["x"]) / half, (row + 0.5 - mine["y"]) / half
    shade = 1.03 - 0.08 * (x + y)  # light from the upper left
    x, y = turned(x, y, mine["angle"])  # [P, W, W]
    number = index[scene] * MAX_THINGS + slot
    colours, shape = draw_things(
        mine["kind"][:, 0, 0], number, seed, x * mine["mirror"], y, 1 / half, OUTLINE
    )
    colours = (colours * shade[:, None]).clamp(0, 1).flatten(2)
    return Sprites(
        scene, slot, colours, cover(shape, 1 / half).flatten(1), (row * size + column).flatten(1)
    )


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
    middle = torch.arange(size) + 0.5
    light = torch.ones_like(backdrop[:, 0])
    for slot in range(MAX_THINGS):
        x, foot, length = (things[k][:, slot, None, None] for k in ("x", "foot", "length"))
        across, along = (
            (middle - x - 0.06 * length) / (0.52 * length),
            (middle[:, None] - foot) / (0.1 * length),
        )
        shadow = (1.15 - across.square() - along.square()).clamp(0, 1)  # [B, H, W]
        light = light * (1 - 0.32 * shadow * present[:, slot, None, None])
    images = (backdrop * light[:, None]).transpose(0, 1).flatten(1)  # [3, B * H * W]
    for slot in range(MAX_THINGS):
        mine = sprites.slot == slot
        place = sprites.scene[mine, None] * size * size + sprites.place[mine]  # [b, W * W]
        below = images[:, place].transpose(0, 1)  # [b, 3, W * W]
        painted = paint(below, sprites.alpha[mine], sprites.colours[mine])
        images[:, place] = painted.transpose(0, 1)
    return images.unflatten(1, (-1, size, size)).transpose(0, 1).contiguous()


def boxes_around(masks: Tensor) -> Tensor:
    """The tightest boxes (x1, y1, x2, y2) around masks; zeros around nothing.        # [..., H, W] -> [..., 4]"""
    ends = []
    masks = masks.byte()
    for line in (masks.amax(-2), masks.amax(-1)):  # columns, rows; `any` would be slow
        ends += [line.argmax(-1), (line.shape[-1] - line.flip(-1).argmax(-1)) * line.amax(-1)]
    return torch.stack([ends[0], ends[2], ends[1], ends[3]], -1).float()


def find_keypoints(things: dict, present: Tensor, masks: Tensor) -> Tensor:
    """Where the named points are, and whether they can be seen.        # [B, 6, 5, 3]"""
    mine = {k: things[k][:, :, None] for k in ("x", "y", "length", "angle", "mirror")}
    points = POINTS[things["kind"]]  # [B, 6, 5, 2]
    x, y = turned(points[..., 0] * mine["mirror"], points[..., 1], -mine["angle"])
    x, y = mine["x"] + x * mine["length"] / 2, mine["y"] + y * mine["length"] / 2
    size = masks.shape[-1]
    pixel = (y.long() * size + x.long()).clamp(0, size * size - 1)
    seen = masks.flatten(2).gather(2, pixel).float()
    return torch.stack([x, y, seen], -1) * present[:, :, None, None]


def find_flow(things: dict, moved: dict, masks: Tensor) -> Tensor:
    """How far each pixel moves until the second frame: with its thing, else not at all.        # [B, 2, H, W]"""
    middle = torch.arange(masks.shape[-1]) + 0.5
    growth = moved["length"] / things["length"] - 1  # [B, 6]
    flow = []
    for axis, places in (("x", middle), ("y", middle[:, None])):
        shift = (moved[axis] - things[axis])[:, :, None, None]
        away = places - things[axis][:, :, None, None]
        flow.append((masks * (shift + growth[:, :, None, None] * away)).sum(1))
    return torch.stack(flow, 1)
