"""What a building stands on: paving, a lawn with a path, or a quay with water that mirrors what is behind."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.render.canvas import cover, rgb, turned
from course_lib.render.landmarks.photo import AUTUMN, SNOW, Scene, among, ink, part_of, pick, share

GROUNDS = ("square", "lawn", "water")
SQUARE, LAWN, WATER = range(3)
GROUND = rgb("#c9bda8", "#8fae6c", "#7f9aae")


def paint_ground(scene: Scene, ground: Tensor) -> None:
    """Paving, a lawn with a path, or water; under snow in winter.        # ground: [B]"""
    r, scene = scene.r, scene.band(0.4, 1.0)
    deep = (scene.y - scene.horizon).clamp(min=1e-3)
    square, lawn, water = (among(ground, k) for k in (SQUARE, LAWN, WATER))
    hue = pick(GROUND, ground) * (1 + 0.1 * (r.fill(3, 1, 1) - 0.5))
    dry_grass = 0.5 * (lawn * among(scene.season, AUTUMN))[:, None]
    hue = torch.lerp(hue, ink("#b7a566"), dry_grass)
    hue = torch.lerp(hue, SNOW, 0.85 * scene.snow * (1 - water[:, None]))
    ahead = 0.9 / (deep + 0.12)
    rows, across = part_of(ahead + r.uniform()), part_of(scene.x * ahead + r.uniform())
    joint = share(torch.maximum((rows - 0.5).abs(), (across - 0.5).abs()), 0.42, 0.5)
    fade = share(deep, 0.02, 0.4) * (1 - 0.7 * scene.snow[:, 0])
    mown = 0.035 * lawn * (23 * rows).sin()
    tone = 1.03 - 0.12 * deep + fade * (mown - 0.10 * square * joint)
    scene.lay(scene.horizon - scene.y, hue, tone=tone)
    with scene.where(lawn) as few:
        deep = few.own(deep)
        path = (few.x - few.r.uniform(-0.2, 0.2)).abs() - 0.09 - 0.45 * deep
        sand = torch.lerp(ink("#d6c6a4"), SNOW, 0.4 * few.snow)
        few.lay(torch.maximum(path, few.horizon - few.y), sand, opacity=0.8)


def reflect(scene: Scene, shore: Tensor, water: Tensor) -> None:
    """Mirror what stands above `shore` in the water below it, darker and rippled.        # both [B, 1, 1]"""
    with scene.where(water) as few:
        phase, shore = few.r.uniform(0, 6.3), few.own(shore)
        if not few.count:
            return
        lower = few.band(0.4, 1.0)
        deep = (lower.y - shore).clamp(min=0)
        ripple = 0.02 * (deep * 60 / (1 + 2 * deep) + phase).sin() * share(deep, 0, 0.15)
        x, y = turned(lower.x + ripple, shore - deep * 1.15, -few.tilt)
        at = torch.stack([x, y], -1)
        mirrored = F.grid_sample(few.image, at, padding_mode="border", align_corners=False)
        light = torch.lerp(few.shade, few.sun, 0.5 - 0.4 * few.night[:, None])
        alpha = cover(shore - lower.y, few.unit)
        seen = 0.68 * mirrored + 0.26 * GROUND[WATER].view(3, 1, 1) * light
        lower.paint(alpha, seen)
        lower.glow.mul_(1 - 0.7 * alpha)
