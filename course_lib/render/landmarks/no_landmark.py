"""What photos of no landmark show: ordinary houses, streets, hills, beaches, forests."""

import torch
from torch import Tensor

from course_lib.render.canvas import box, cover, ellipse, rgb
from course_lib.render.landmarks.bystanders import CLOTHES, fir
from course_lib.render.landmarks.photo import (
    AUTUMN,
    LEAVES,
    SNOW,
    WARM,
    Scene,
    among,
    block,
    ink,
    part_of,
)

HOUSES = rgb("#e4d5b7", "#d9b7a0", "#c9cfc9", "#eee6d6", "#c79a7c", "#b9c3cc")
TILES = rgb("#a8604a", "#6b6f78", "#8c5a48", "#7a6658")
NEEDLES = rgb("#4f7a58", "#466f54", "#5c8a5a", "#648b52")


def of_each(numbers: Tensor, which: Tensor) -> Tensor:
    """The number of the house, room or tree at every pixel.        # [B, K], [B, H, W] -> [B, H, W]"""
    return numbers.gather(1, which.flatten(1)).view(which.shape)


def hue_of_each(table: Tensor, numbers: Tensor, which: Tensor) -> Tensor:
    """A colour for the house or tree at every pixel; its number in 0..1 says which.        # [B, 3, H, W]"""
    return table[of_each((numbers * len(table)).long(), which)].permute(0, 3, 1, 2)


def paint_houses(scene: Scene, street: Tensor) -> None:
    """Ordinary houses with gardens between; where `street` [B, 1, 1] is 1, wall to wall and taller."""
    r, night = scene.r, scene.night
    pitch = r.uniform(0.55, 0.8) * (1 - 0.45 * street)
    at = (scene.x + r.uniform(-0.4, 0.4)) / pitch + 8
    house = at.long() % 8  # which, from left to right
    x, h = (part_of(at) - 0.5) * pitch, scene.horizon + 0.08 - scene.y
    tall = (0.2 + 0.1 * of_each(r.fill(8), house)) * (1 + 1.1 * street)
    half = pitch * (0.34 + 0.16 * street)
    wall = hue_of_each(HOUSES, r.fill(8), house)
    roof = torch.lerp(hue_of_each(TILES, r.fill(8), house), SNOW, 0.75 * scene.snow)
    bright = (0.9 - 0.25 * street * of_each(r.fill(8), house)) * (1 - 0.85 * night)
    scene.lay(block(x, h, half, 0.0, tall), wall, bright, tone=0.9 + 0.3 * h)
    slope = (half + 0.03 - (h - tall) * (1.1 - 0.7 * street)).clamp(min=0)
    scene.lay(block(x, h, slope, tall, tall + 0.2 - 0.05 * street), roof, 0.9 * bright)
    scene.lay(block(x - 0.5 * half, h - tall, 0.03, 0.08, 0.25), wall * 0.7, bright)  # chimney
    paint_rooms(scene, house, x, h, half, tall)


def paint_rooms(scene: Scene, house: Tensor, x: Tensor, h: Tensor, half, tall: Tensor) -> None:
    """The houses' windows, some of them lit at night."""
    r, storey = scene.r, 0.155
    columns = 2 + (of_each(r.fill(8), house) * 2).floor()
    across, up = (x / half * 0.5 + 0.5) * columns, h / storey
    beside = (part_of(across) - 0.5).abs() * 2 * half / columns
    room = torch.maximum(beside - 0.036, (part_of(up) - 0.5).abs() * storey - 0.045)
    inside = ((x.abs() < half) & (h < tall - 0.02) & (h > 0)).float()
    number = house * 8 + across.long() * 3 + up.long()
    lit = (of_each(r.fill(64), number % 64) < 0.55 * scene.night)[:, None].float()
    glass = 0.3 - 0.14 * scene.night[:, None] + lit * (WARM - 0.16)
    scene.lay(room - 0.012, ink("#f1ece0"), opacity=inside)
    scene.shine(cover(room, scene.unit) * inside, glass, 0.7 * lit[:, 0])


def paint_hills(scene: Scene) -> None:
    """Three hills, one behind the other, the farthest pale."""
    r, x = scene.r, scene.x
    for k in range(3):
        wave = (r.uniform(1.5, 3) * x + r.uniform(0, 6.3)).sin()
        wave = wave + 0.4 * (r.uniform(4, 7) * x + r.uniform(0, 6.3)).sin()
        line = scene.horizon - 0.38 + 0.2 * k + r.uniform(0.05, 0.13) * wave
        green = torch.lerp(ink("#9fb5ac"), r.colour(LEAVES[:3]), 0.3 + 0.35 * k)
        green = torch.lerp(green, ink("#b7a566"), 0.3 * among(scene.season, AUTUMN)[:, None])
        green = torch.lerp(green, SNOW, 0.7 * scene.snow)
        below = (scene.y - line).clamp(0, 0.6)
        scene.lay(line - scene.y, green, tone=1.08 - 0.3 * below)


def paint_beach(scene: Scene) -> None:
    """The sea with a sail, then sand and a sunshade."""
    r = scene.r
    sea, deep = scene.horizon - r.uniform(0.05, 0.3), scene.y - scene.horizon
    foam = 0.95 + 0.035 * (1 + ((deep * 55) + 2 * (5 * scene.x).sin()).sin())
    scene.lay(sea - scene.y, ink("#5f9fb4"), tone=foam)
    x, y = scene.x - r.uniform(-0.7, 0.7), scene.y - sea - 0.04
    scene.lay(block(x, -y, (0.17 + y).clamp(min=0) * 0.5, 0.0, 0.2), ink("#f4efe4"))
    shore = 0.08 + 0.04 * (2.5 * scene.x + r.uniform(0, 6.3)).sin() - deep
    scene.lay(shore - 0.02, ink("#eef3f1"))
    sand = torch.lerp(ink("#dfc797"), SNOW, 0.5 * scene.snow)
    scene.lay(shore, sand, tone=1.02 + 0.12 * shore)
    x, y = scene.x - r.uniform(-0.7, 0.7), deep - 0.32
    scene.lay(ellipse(x - 0.1 * scene.side, y, 0.24, 0.035), ink("#6f6353"), opacity=0.5)
    scene.lay(box(x, y + 0.2, 0.01, 0.2), ink("#8c7a66"))
    striped = part_of(torch.atan2(x, -y - 0.24) * 1.6)[:, None] < 0.5
    cloth = torch.where(striped, r.colour(CLOTHES), SNOW)
    scene.lay(torch.maximum(ellipse(x, y + 0.28, 0.25, 0.2), y + 0.28), cloth)


def paint_forest(scene: Scene) -> None:
    """Rows of firs and leafy trees, the far ones pale; moss below; the path leads in between."""
    r = scene.r
    x, deep = scene.x - r.uniform(-0.15, 0.15), scene.y - scene.horizon  # x is 0 on the path
    scene.lay(-deep, torch.lerp(ink("#6d8a54"), SNOW, 0.7 * scene.snow), tone=1 - 0.2 * deep)
    path = torch.maximum(x.abs() - 0.07 - 0.4 * deep, -deep)
    scene.lay(path, torch.lerp(ink("#c4ad86"), SNOW, 0.5 * scene.snow))
    for row in range(4):
        paint_row_of_trees(scene, row, x)


def paint_row_of_trees(scene: Scene, row: int, from_path: Tensor) -> None:
    """A row of trees, each with its height, its kind and its green; rows 0 (far) to 3 (near)."""
    r, pitch, near = scene.r, 0.2 + 0.07 * row, row / 3
    at = scene.x / pitch + 16 + r.uniform()
    tree = at.long() % 16
    tall = (0.75 + 0.13 * row) * (0.8 + 0.4 * of_each(r.fill(16), tree))
    x = (part_of(at) - 0.5) * pitch
    y = scene.y - scene.horizon - 0.01 - 0.16 * near * near
    trunk = torch.maximum(x.abs() - 0.03 * tall, torch.maximum(y, -y - 0.5 * tall))
    dome = ellipse(x, y + 0.7 * tall, 0.62 * pitch, 0.36 * tall)
    spruce = fir(x * 0.3 / pitch, y, tall)
    crown = torch.where(of_each(r.fill(16), tree) < 0.55, spruce, dome)
    green = hue_of_each(torch.cat([NEEDLES, LEAVES[:3]]), r.fill(16), tree)
    red = hue_of_each(LEAVES[3:], r.fill(16), tree)
    turned = 0.75 * among(scene.season, AUTUMN)[:, None]
    hue = torch.lerp(torch.lerp(green, red, turned), SNOW, 0.5 * scene.snow)
    middle = (from_path - x).abs()  # how far the tree stands from the path's middle
    beside = (middle > 0.2 * row).float() if row else 1.0  # near rows leave the path free
    air = 0.42 - 0.3 * near
    light = (0.35 + 0.5 * (-y / tall).clamp(0, 1)) * (1 - 0.55 * scene.night)
    scene.lay(trunk, torch.lerp(ink("#5e4a3c").expand_as(hue), scene.low, air), light, beside)
    scene.lay(crown, torch.lerp(hue, scene.low, air), light, beside)
