"""Drawn scenes with all their ground truth: boxes, masks, depth, keypoints, tracks and flow (L2.01, L5.01-L5.11).

A little world with a camera: the ground runs from NEAR metres at the picture's lower edge to FAR metres at its end,
and things stand on it, the nearer the lower and the larger. Slots are numbered from the farthest thing to the nearest,
which is the order in which they are painted.
"""

import torch
from torch import Tensor

from course_lib.render.canvas import turned
from course_lib.render.scenes.backdrops import FAR, NEAR, SHORES, choose_style, draw_backdrop
from course_lib.render.scenes.places import MAX_THINGS, move_things, place_things
from course_lib.render.scenes.sprites import Sprites, compose, draw_sprites, silhouettes, uncover
from course_lib.render.scenes.things import KEYPOINTS, KINDS, POINTS
from course_lib.render.scenes.water import flood, with_boats

__all__ = ["FAR", "KEYPOINTS", "KINDS", "MAX_THINGS", "NEAR", "Sprites", "draw_scenes"]


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
        second_images, second_boxes, second_masks: as above, if `second_frame`; and so
        flow         (dx, dy) from each pixel to its place in the second frame  # [B, 2, size, size] pixels
    Raises:
        TypeError, ValueError: index not [B] int64; size below 32.

    The first pixel reaches from 0 to 1. Slots run from far to near; one not present holds zeros. What would be hidden
    by more than three quarters is left out. The slot is the track: a thing hidden in the second frame has a zero box.
    Lecture topics L2.01, L5.01-L5.11.
    """
    check(index, size)
    things = place_things(index, seed, size)
    style = choose_style(index, seed, outdoors=with_boats(things))
    backdrop, depth = draw_backdrop(index, seed, size, things["horizon"], style)
    backdrop = flood(backdrop, SHORES[style], things, index, seed)
    sprites = draw_sprites(things, things["wanted"], index, seed, size)
    full = silhouettes(sprites, len(index), size)
    present, masks = uncover(full, things["wanted"])
    drawn = describe(things, present, full & present[:, :, None, None], masks, depth)
    drawn["images"] = compose(backdrop, things, present, sprites.only(present))
    if second_frame:
        moved = move_things(things, index, seed, size)
        sprites = draw_sprites(moved, present, index, seed, size)
        second = uncover(silhouettes(sprites, len(index), size), present, least=0)[1]
        drawn["second_images"] = compose(backdrop, moved, present, sprites)
        flow = find_flow(things, moved, masks)
        drawn |= {"second_boxes": boxes_around(second), "second_masks": second, "flow": flow}
    return drawn


def describe(
    things: dict, present: Tensor, full: Tensor, masks: Tensor, depth: Tensor
) -> dict[str, Tensor]:
    """The first frame's ground truth, given what each thing covers and what is seen of it."""
    for slot in range(MAX_THINGS):
        depth = torch.where(masks[:, slot], things["distance"][:, slot, None, None], depth)
    return {
        "present": present,
        "labels": things["kind"] * present,
        "boxes": boxes_around(masks),
        "full_boxes": boxes_around(full),
        "masks": masks,
        "depth": depth,
        "keypoints": find_keypoints(things, present, masks),
    }


def check(index: Tensor, size: int) -> None:
    if not isinstance(index, Tensor) or index.dtype != torch.int64:
        got = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise TypeError(f"draw_scenes: index must be a tensor [B] of int64, got {got}")
    if index.ndim != 1:
        raise ValueError(f"draw_scenes: index must be [B], got {list(index.shape)}")
    if size < 32:
        raise ValueError(f"draw_scenes: size must be 32 pixels or more, got {size}")


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
    growth = moved["length"] / things["length"] - 1  # [B, 6]
    shifts = [moved[axis] - things[axis] - growth * things[axis] for axis in ("x", "y")]
    table = torch.stack([*shifts, growth], 1)  # [B, 3, 6]: a thing moves by shift + growth * place
    here = table @ masks.flatten(2).float()  # each pixel looks up its thing, [B, 3, H * W]
    x, y, growth = here.unflatten(2, masks.shape[2:]).unbind(1)
    middle = torch.arange(masks.shape[-1]) + 0.5
    return torch.stack([x + growth * middle, y + growth * middle[:, None]], 1)
