"""What is added to a building: towers, stairs and a door, a rose window or a clock, a flag, lanterns."""

import torch

from course_lib.render.canvas import circle, cover
from course_lib.render.landmarks.building import Building, masonry
from course_lib.render.landmarks.photo import WARM, Scene, among, block, ink, share
from course_lib.render.landmarks.plans import (
    ARCH,
    BATTLEMENT,
    BRIDGE,
    CASTLE,
    MIDDLE,
    OBELISK,
    PAIR,
    PALACE,
    TEMPLE,
    TOWER,
)
from course_lib.render.landmarks.roofs import cap


def paint_towers(scene: Scene, b: Building) -> None:
    """A pair of towers, one in the middle, or one aside."""
    pair, hand = among(b.towers, PAIR) > 0, torch.where(b.flag > 0, 1.0, -1.0)
    at = b.tower_at * b.width * (1 - among(b.towers, MIDDLE))
    side = torch.where(pair, b.x.sign(), hand)  # on which side of the building
    x, half, tall = b.x * side - at, b.tower_width, b.height + b.tower_up
    across = x * side / half  # -1 left .. 1 right
    edge = torch.where(across > 0.45, 0.2, 1.0)
    bend = 1 - 0.85 * share(across, -0.5, 1.0)
    light = torch.where(b.round_towers > 0, bend, edge) * b.bright
    tone = masonry(x, b.h, scene.unit, b.stripes)
    scene.lay(block(x, b.h, half, 0.0, tall), b.wall, light, tone=tone)
    scene.lay(block(x, b.h - tall, half * 1.12, -0.025, 0.005), b.trim, light)
    hue = torch.lerp(b.roof_hue, b.wall, among(b.tower_roof, BATTLEMENT)[:, None])
    roof = cap(x, b.h - tall, half * 1.1, b.tower_rise, b.tower_roof)
    scene.lay(roof, hue, (1 - 0.85 * share(across, -0.3, 0.7)) * b.bright)
    up = b.h - tall + 0.06  # the opening where the bells hang
    bell = torch.minimum(block(x, up, 0.32 * half, -0.09, 0.0), circle(x, up, 0.32 * half))
    glass = torch.lerp(torch.tensor(0.2), WARM, scene.night[:, None])
    scene.shine(cover(bell, scene.unit), glass, scene.night)


def paint_entrance(scene: Scene, b: Building) -> None:
    """Stairs and a door with a round top; before columns the stairs are as wide as the building."""
    x, h = b.x, b.h
    steps = torch.maximum(x.abs() - b.door * 2.2 + h * 1.2, (h - 0.0125).abs() - 0.0325)
    broad = block(x, h, b.width * 1.06 - h, -0.02, 0.035)
    stairs = torch.where(b.columns > 0.9, broad, steps)
    scene.lay(stairs, b.trim, b.bright, tone=0.94 + 0.1 * (h * 190).sin())
    door = torch.minimum(block(x, h, b.door, 0.03, 0.13), circle(x, h - 0.13, b.door))
    scene.lay(door - 0.02, b.trim, b.bright)
    scene.lay(door, b.accent * 0.55, 0.7 * b.bright)


def paint_rose(scene: Scene, b: Building) -> None:
    """A round church window with eight petals, lit from within at night."""
    x, h, night = b.x, b.h - 0.92 * b.height, scene.night
    radius = 0.4 * b.width.clamp(max=0.24)
    scene.lay(circle(x, h, radius + 0.022), b.trim, b.bright)
    petals = 0.62 + 0.38 * (8 * torch.atan2(h, x + 1e-6)).cos()
    glass = b.accent * ((0.35 + 0.35 * petals) * (1 - 0.4 * night))[:, None]
    glass = glass + (0.7 * night * petals)[:, None] * WARM
    scene.shine(cover(circle(x, h, radius), scene.unit), glass.clamp(max=1), 0.6 * night)


def paint_clock(scene: Scene, b: Building) -> None:
    """A dial, lit at night; it is three o'clock."""
    x, h, night = b.x, b.h - b.height + 0.1, scene.night
    dial = circle(x, h, 0.085)
    scene.lay(dial - 0.018, b.accent * 0.7, b.bright)
    face = (0.72 + 0.18 * night)[:, None] * WARM.sqrt()
    scene.shine(cover(dial, scene.unit), face, night)
    hands = torch.minimum(block(x, h, 0.009, 0.0, 0.065), block(x - 0.02, h, 0.028, -0.01, 0.01))
    scene.lay(hands, b.accent * 0.3)


def paint_flag(scene: Scene, b: Building) -> None:
    """A pole above the roof and a waving cloth."""
    h = b.h - b.height - b.rise * 0.9
    scene.lay(block(b.x, h, 0.008, 0.0, 0.22), ink("#6b6560"))
    wave = 0.012 * (b.x * 40).sin()
    scene.lay(block(b.x - 0.075, h - 0.165 - wave, 0.075, -0.045, 0.045), b.accent, b.bright)


def paint_lanterns(scene: Scene, b: Building) -> None:
    """Lanterns for what has no windows: along a bridge's parapet, else one on each side."""
    bridge = among(b.kind, BRIDGE)
    pitch = b.width / 2.5
    x = b.x / pitch
    along = (x - x.round()) * pitch
    aside = b.x.abs() - b.width - b.wing.clamp(min=0.02) - 0.06
    x, h = torch.where(bridge > 0, along, aside), b.h - bridge * b.height
    scene.lay(block(x, h, 0.011, 0.0, 0.12), ink("#4a4650"))
    scene.shine(cover(circle(x, h - 0.13, 0.032), scene.unit), WARM.sqrt(), scene.night)


def paint_ornaments(scene: Scene, b: Building) -> None:
    """All of these, each on the buildings that have it."""
    stately = among(b.kind, PALACE, TOWER, CASTLE)
    dark = among(b.kind, ARCH, BRIDGE, TEMPLE, OBELISK)
    parts = [
        (paint_towers, (b.towers > 0).view(-1, 1, 1)),
        (paint_entrance, (1 - b.see_through) * (1 - among(b.kind, OBELISK))),
        (paint_rose, b.rose * (1 - b.see_through) * (1 - among(b.towers, MIDDLE))),
        (paint_clock, b.clock),
        (paint_flag, b.flag * stately),
        (paint_lanterns, dark * scene.night),
    ]
    for paint_part, on in parts:
        with scene.where(on) as few:
            paint_part(few, few.own(b))
