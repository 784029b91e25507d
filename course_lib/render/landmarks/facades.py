"""What is set into a building's walls: openings, columns, windows."""

import torch
from torch import Tensor

from course_lib.render.canvas import circle, cover
from course_lib.render.landmarks.building import Building
from course_lib.render.landmarks.photo import DUSK, WARM, Scene, among, block, part_of, share
from course_lib.render.landmarks.plans import TEMPLE

GLASS = torch.tensor([0.85, 1.0, 1.2]).view(3, 1, 1)  # bluish
ROOMS = 64  # lamps of a building, each on or off


def paint_openings(scene: Scene, b: Building, behind: Tensor) -> None:
    """Arches through the wall; in them one sees what was there before the building.        # behind: [B, 3, H, W]"""
    pitch = 2 * b.width / b.openings
    x = (part_of((b.x + b.width) / pitch) - 0.5) * pitch
    reach = b.opening * b.height
    radius = torch.minimum(0.33 * pitch, 0.8 * reach + 0.01)
    round_top = circle(x, b.h - reach + radius, radius)
    arch = torch.where(b.h > reach - radius, round_top, x.abs() - radius)
    arch = torch.maximum(arch, b.x.abs() - b.width + 0.02)
    above = torch.maximum(arch, -b.h)
    scene.lay(torch.maximum(arch - 0.025, -b.h), b.trim, b.bright)
    scene.lay(above, b.wall * 0.8, b.dark)
    hole = torch.maximum(
        above, x - radius * (0.9 - 0.12 * b.turn)
    )  # the rest shows the wall's depth
    scene.paint(cover(hole, scene.unit), behind)


def paint_columns(scene: Scene, b: Building) -> None:
    """A row of columns; a temple's stand before a hall, which is lit at night."""
    beat = b.bays * 2 + 1
    x = (part_of((b.x / b.width * 0.5 + 0.5) * beat) - 0.5) * 2 * b.width / beat
    hall = block(b.x, b.h, 0.96 * b.width, 0.03, 0.86 * b.height)
    temple = among(b.kind, TEMPLE)
    scene.lay(hall, b.wall * 0.75, 0.45 * b.bright, temple)
    inside = cover(hall, scene.unit) * temple * scene.night
    scene.shine(inside * 0.8, b.wall * WARM * (1.1 - 0.5 * b.level)[:, None], 0.3 * scene.night)
    shaft = torch.maximum(x.abs() - 0.45 * b.width / beat, hall)
    scene.lay(shaft, b.trim, b.bright * (1 - 0.75 * share(x * beat / b.width, -0.1, 0.5)))


def paint_windows(scene: Scene, b: Building) -> None:
    """Windows in storeys and bays, on the front and on the side wall; some lit in the evening."""
    on_side = b.x > b.half
    bays_aside = (b.depth / b.width * b.bays / 2 + 1).floor()
    bay = torch.where(on_side, 20 + b.aside * bays_aside, (b.x / b.half * 0.5 + 0.5) * b.bays)
    h = torch.where(on_side, b.back, b.h)
    wall = torch.where(on_side, (b.aside < 1) & (b.turn > 0.25), b.x.abs() < b.half)
    row = h / b.height * b.storeys
    seen = (wall & (h > 0.02) & (row < b.storeys)).float()
    wide, tall = 2 * b.width / b.bays, b.height / b.storeys  # of a bay, of a storey
    x = (part_of(bay) - 0.5) * wide
    up = (part_of(row) - 0.48 + 0.18 * b.tiers) * tall
    half, high = b.window_wide * wide, b.window_high * tall
    half, high = torch.minimum(half, 1.2 * high), high * (1 - 0.3 * b.tiers)
    window = torch.maximum(x.abs() - half, up.abs() - high)
    bow = circle(x, up - high + half, half)
    window = torch.where((b.arched > 0) & (up > high - half), bow, window)
    scene.lay(window - 0.012, b.trim, opacity=seen * (1 - 0.3 * scene.night))
    lit = lit_rooms(scene, bay, row)
    sheen = 0.3 + 0.25 * share(up / high.clamp(min=1e-3) + x / wide, -0.6, 1.0)
    glass, lamp = sheen * (1 - 0.72 * scene.night), 1.02 - 0.25 * up.abs() / tall
    alpha = cover(window, scene.unit) * seen
    scene.blend(alpha, (GLASS, (1 - lit) * glass), (WARM, lit * lamp))
    scene.glow.lerp_(lit, alpha)


def lit_rooms(scene: Scene, bay: Tensor, row: Tensor) -> Tensor:
    """1 where a lamp is on: in most rooms at night, in some at dusk, in none by day.        # [B, H, W]"""
    room = (bay.floor() * 7 + row.floor() * 3).long() % ROOMS
    lamps = scene.r.fill(ROOMS).gather(1, room.flatten(1)).view_as(bay)
    return (lamps < 0.8 * scene.night + 0.3 * among(scene.time, DUSK)).float()
