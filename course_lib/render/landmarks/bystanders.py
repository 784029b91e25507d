"""What stands beside and before a building: trees, walkers, cars, and the heads of those who took the photo."""

import torch
from torch import Tensor

from course_lib.render.canvas import box, circle, ellipse, rgb
from course_lib.render.landmarks.photo import (
    AUTUMN,
    LEAVES,
    SNOW,
    Scene,
    ink,
    part_of,
    pick,
    several,
    share,
)

CLOTHES = rgb("#b5524a", "#4f6f93", "#d9b264", "#6b8a70", "#8a6a8e", "#e2d8c6", "#46505c", "#c98a7a")  # fmt: skip
SKIN = rgb("#f0cdb2", "#dcae8a", "#b98560", "#8a5c42", "#e6bd9c")
HAIR = rgb("#3a2a22", "#6b4630", "#a67b4a", "#22201f", "#8c8680")
CROWN = ((-0.17, 0.52, 0.2), (0.17, 0.56, 0.2), (0.0, 0.78, 0.24))  # three puffs: x, height, radius


def paint_trees(scene: Scene, count: int, likely, near: Tensor | float = 0.0) -> None:
    """Trees at the sides. `near` 0 puts them behind the building, 1 before it."""
    for _ in range(count):
        with scene.where(scene.r.chance(likely)) as few:
            paint_tree(few, few.own(near))


def paint_tree(scene: Scene, near: Tensor | float) -> None:
    """A shadow, a trunk, and a crown of three puffs lit from above; or a fir."""
    r = scene.r
    high, higher, left, aside, deep, pale, is_fir, *wobble = several(r, 10)
    tall = (0.3 + 0.25 * high) * (1 + 0.5 * near * higher)
    x = scene.x - torch.where(left < 0.5, -1, 1) * (0.45 + 0.6 * aside)
    y = scene.y - scene.horizon - 0.04 - 0.25 * near * deep
    leaf = pick(LEAVES, r.choice(3) + 3 * (scene.season == AUTUMN))
    leaf = torch.lerp(leaf * (0.9 + 0.15 * pale[:, None]), SNOW, 0.65 * scene.snow)
    crown = torch.tensor(9.0)
    for (dx, dy, radius), more in zip(CROWN, wobble, strict=True):
        puff = circle(x - dx * tall, y + dy * tall, radius * tall * (0.85 + 0.3 * more))
        crown = torch.minimum(crown, puff)
    crown = torch.where(is_fir < 0.3, fir(x, y, tall), crown)
    shadow = ellipse(x - 0.1 * tall * scene.side, y, 0.3 * tall, 0.05 * tall)
    scene.lay(shadow, ink("#4a4a55"), opacity=0.25)
    scene.lay(box(x, y + 0.2 * tall, 0.035 * tall, 0.22 * tall), ink("#6e5442"))
    away = share(scene.side * x / tall - y / tall - 0.55, -0.45, 0.4)  # from the light
    scene.lay(crown, leaf, (0.95 - 0.7 * away) * (1 - 0.88 * scene.night))


def fir(x: Tensor, y: Tensor, tall: Tensor) -> Tensor:
    """A triangle with a jagged edge, its foot at y = 0.        # a signed distance"""
    jag = 0.05 * tall * part_of(-y / tall * 4)
    half = 0.375 * tall * (1 + y / (1.05 * tall)) - 0.75 * jag
    return 0.8 * torch.maximum(x.abs() - half, y + 0.15 * tall)


def paint_people(scene: Scene, count: int, likely: float, dry: Tensor) -> None:
    """Walkers; where it is not `dry` [B, 1, 1] they stay on the quay."""
    scene = scene.band(0.4, 1.0)
    for _ in range(count):
        with scene.where(scene.r.chance(likely)) as few:
            paint_walker(few, few.own(dry))


def paint_walker(scene: Scene, dry: Tensor) -> None:
    """Shadow, legs, coat, head and hair, in units of the walker's height."""
    r = scene.r
    near, aside = several(r, 2)
    deep = 0.05 + 0.27 * near * dry
    tall = 0.13 + 0.42 * deep
    x, y = (scene.x + 0.95 - 1.9 * aside) / tall, (scene.y - scene.horizon - deep) / tall
    coat, legs, skin, hair = (r.colour(table) for table in (CLOTHES, CLOTHES, SKIN, HAIR))
    scene.unit = scene.pixel / tall
    scene.lay(ellipse(x - 0.2 * scene.side, y, 0.34, 0.06), ink("#4a4a55"), opacity=0.35)
    scene.lay(box(x, y + 0.24, 0.12, 0.25, 0.04), 0.75 * legs)
    scene.lay(box(x, y + 0.60, 0.18, 0.24, 0.12), coat)
    scene.lay(circle(x, y + 0.93, 0.115), skin)
    scene.lay(torch.maximum(circle(x, y + 0.95, 0.13), y + 0.96), hair)


def paint_car(scene: Scene, likely: float, dry: Tensor) -> None:
    """A car parked in the foreground, its lamps on at night."""
    lower = scene.band(0.4, 1.0)
    with lower.where(scene.r.chance(likely) * dry) as few:
        r = few.r
        x = few.x - r.uniform(-0.8, 0.8)
        y = few.y - few.horizon - r.uniform(0.24, 0.4)
        hue = r.colour(CLOTHES)
        few.lay(ellipse(x, y + 0.005, 0.27, 0.03), ink("#3d3d46"), opacity=0.45)
        few.lay(box(x, y + 0.15, 0.145, 0.07, 0.05), hue)
        few.lay(box(x.abs() - 0.06, y + 0.155, 0.05, 0.04, 0.015), ink("#4a5866"))
        few.lay(box(x, y + 0.075, 0.235, 0.05, 0.035), hue)
        few.lay(circle(x.abs() - 0.14, y + 0.025, 0.045), ink("#2e2f34"))
        few.lay(circle(x.abs() - 0.215, y + 0.09, 0.018), ink("#f6e6b4"), 0.6 + 0.4 * few.night)


def paint_selfie(scene: Scene, likely: float) -> None:
    """Somebody's head and shoulder, big in a corner, in units of the head."""
    with scene.where(scene.r.chance(likely)) as few:
        r = few.r
        big = r.uniform(0.24, 0.34)
        x = (few.x - (2 * r.chance(0.5) - 1) * r.uniform(0.6, 0.85)) / big
        y = (few.y - r.uniform(0.58, 0.74)) / big
        hair, skin, coat = r.colour(HAIR), r.colour(SKIN), r.colour(CLOTHES)
        few.unit = few.pixel / big
        light = (0.9 - 0.35 * share(few.side * x, 0.1, 0.9)) * (1 - 0.5 * few.night)
        fringe = torch.maximum(ellipse(x, y + 0.15, 0.9, 1.1), y + 0.5 + 0.2 * x)
        few.lay(ellipse(x, y + 0.15, 0.98, 1.15), hair)
        few.lay(ellipse(x, y - 2.5, 1.9, 1.5), coat)
        few.lay(box(x, y - 1.0, 0.32, 0.45, 0.1), 0.88 * skin)
        few.lay(ellipse(x, y - 0.05, 0.78, 1.0), skin, light)
        few.lay(ellipse(x.abs() - 0.3, y - 0.02, 0.09, 0.11), ink("#3b2f2b"))
        smile = torch.maximum(ellipse(x, y - 0.42, 0.26, 0.16), 0.45 - y)
        few.lay(smile, ink("#a8504a"), light)
        few.lay(fringe, hair)
