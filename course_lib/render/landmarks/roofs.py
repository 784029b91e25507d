"""Roofs: gables, domes, onions, spires and battlements, on buildings and on towers."""

import torch
from torch import Tensor

from course_lib.render.landmarks.building import Building
from course_lib.render.landmarks.photo import Scene, among, block, ink, share
from course_lib.render.landmarks.plans import (
    BATTLEMENT,
    CHURCH,
    DOME,
    FLAT,
    GABLE,
    ONION,
    PAGODA,
    TEMPLE,
    TOWER,
)

# A roof is a profile: half its width at 33 heights, from the eaves to the top, a row for each roof in `plans`.
RISE = torch.linspace(0, 1, 33)
PROFILES = torch.stack([
    1 - RISE,                                                                       # gable or cone
    1 - 0.5 * RISE,                                                                 # hipped
    0.94 * (1 - (RISE / 0.97).clamp(max=1).square()).sqrt() + 0.02,                 # dome
    torch.maximum(1.12 * (1 - ((RISE - 0.27) / 0.42).square()).clamp(min=0).sqrt(),
                  0.8 * (1 - RISE).square()) * (RISE < 1),                          # onion
    0.9 * (1 - RISE).pow(1.7) + 0.1 * (1 - RISE),                                   # spire
    1.08 + 0 * RISE,                                                                # battlement
    torch.where(RISE < 0.5, 1.05, 0.9),                                             # flat, with an attic
])  # fmt: skip


def cap(x: Tensor, h: Tensor, half: Tensor, rise: Tensor, kind: Tensor) -> Tensor:
    """A roof of any kind that begins at h = 0: a signed distance.        # kind: [B]"""
    at = (h / rise).clamp(0, 0.9999) * 32
    below = at.long()
    row = PROFILES.flatten().take  # the profile is a broken line: its ends at both sides of h
    first = row(below + 33 * kind.view(-1, 1, 1))
    step = row(below + 33 * kind.view(-1, 1, 1) + 1) - first
    slope = step * (32 * half / rise)
    shape = (x.abs() - (first + (at - below) * step) * half) / (1 + slope.square()).sqrt()
    fort = kind == BATTLEMENT
    if fort.any():
        gaps = torch.maximum(0.45 * rise - h, -((x / half * 9.4).cos()) * half * 0.1)
        shape = torch.where(fort.view(-1, 1, 1), torch.maximum(shape, -gaps), shape)
    return torch.maximum(shape, torch.maximum(-h - 0.004, h - rise))


def paint_roof(scene: Scene, b: Building) -> None:
    """The slope that runs back, a dome's drum, the roof, a gable's wall, the cornice."""
    rounded, fort = among(b.roof, DOME, ONION), among(b.roof, BATTLEMENT, FLAT)
    x, h = b.x - 0.35 * b.side * rounded, b.h - b.height
    half = b.width * b.top
    eaves = half * torch.where(rounded > 0, 1 - 0.36 * (half > 0.2), 1.06)
    up = (h / b.rise).clamp(0, 1)
    hue = torch.lerp(b.roof_hue, b.trim, fort[:, None])
    runs_back = (1 - rounded) * (1 - among(b.kind, PAGODA, TOWER))
    with scene.where(runs_back) as few:
        paint_slope(few, few.own(b), *(few.own(v) for v in (x, h, eaves, up, hue)))
    with scene.where(rounded) as few:
        paint_drum(few, few.own(b), *(few.own(v) for v in (x, h, eaves)))
    curve = 1 - 0.85 * share(x / eaves + 0.3 * up, 0.05, 0.95)
    light = torch.where(rounded > 0, curve, 0.9) * b.bright
    tiles = 1 + 0.05 * (h * 110).sin() * share(0.03 / scene.unit, 0.8, 2)
    shape = cap(x, h - 0.05 * rounded, eaves, b.rise, b.roof)
    scene.lay(shape, hue, light, tone=tiles)
    with scene.where(among(b.roof, GABLE) * among(b.kind, CHURCH, TEMPLE)) as few:
        front, wall = few.own(b), few.own(shape) + 0.035  # within its roof's edge
        few.lay(wall, front.wall, 0.95 * front.bright, tone=front.tone)
    cornice = block(b.x, h, half + 0.018, -0.022, 0.008)
    scene.lay(cornice, b.trim, b.bright, 1 - b.tiers)


def paint_slope(scene: Scene, b: Building, x, h, eaves, up, hue) -> None:
    """What one sees of the roof above the side wall: a gable's ridge runs straight back, others draw in."""
    ridge = torch.where(among(b.roof, GABLE) > 0, 1 - up, 1 - 0.5 * up) * eaves
    shape = torch.maximum(ridge - 0.02 - x, x - ridge - b.side)
    low = -(h + 0.13 * b.turn * b.aside * b.height)
    shape = torch.maximum(shape, torch.maximum(low, h - b.rise * 0.995))
    tiles = 0.92 + 0.08 * (h * 120).sin()
    scene.lay(shape, hue, 0.5 * b.dark + 0.12 * b.bright, tone=tiles)


def paint_drum(scene: Scene, b: Building, x, h, eaves) -> None:
    """What a dome sits on, and the gilt finial above it."""
    light = b.bright * (1 - 0.8 * share(x / eaves, 0.1, 1))
    scene.lay(block(x, h, eaves * 0.95, 0.0, 0.06), b.trim, light)
    scene.lay(block(x, h - 0.05 - b.rise, 0.008, -0.03, 0.06), ink("#c9a24b"))


def paint_pagoda_roofs(scene: Scene, b: Building) -> None:
    """A roof over every storey, its corners turned up."""
    storey = b.height / b.storeys
    flare = b.width * b.shrink * (1.12 - 0.5 * ((b.within - 0.6) / 0.4).clamp(0, 1).sqrt())
    turned_up = 0.04 * (b.x / flare).square()
    shape = torch.maximum((0.6 - b.within), b.within - 1) * storey + turned_up
    shade = 0.3 * share(b.within, 0.6, 0.62) * (b.within < 0.7)
    scene.lay(torch.maximum(b.x.abs() - flare, shape), b.roof_hue, b.bright * (0.95 - shade))
