"""How a building is painted, from back to front."""

import torch
from torch import Tensor

from course_lib.render.landmarks.building import Building
from course_lib.render.landmarks.facades import paint_columns, paint_openings, paint_windows
from course_lib.render.landmarks.ornaments import paint_ornaments
from course_lib.render.landmarks.photo import Scene, among, block, share
from course_lib.render.landmarks.plans import OBELISK
from course_lib.render.landmarks.roofs import paint_pagoda_roofs, paint_roof


def paint_building(
    scene: Scene, plan: dict[str, Tensor], x: Tensor, h: Tensor, turn: Tensor
) -> None:
    """Wings, side wall, body, roof, what is in the walls, what is added; for the arguments see `Building`."""
    b = Building(scene, plan, x, h, turn)
    behind = scene.image[b.see_through.flatten() > 0]  # where there will be openings
    with scene.where(b.wing > 0.03) as few:
        paint_wings(few, few.own(b))
    paint_side_wall(scene, b)
    paint_body(scene, b)
    paint_roof(scene, b)
    with scene.where(b.see_through) as few:
        paint_openings(few, few.own(b), behind)
    with scene.where(b.window_high) as few:
        paint_windows(few, few.own(b))
    with scene.where(b.tiers) as few:
        paint_pagoda_roofs(few, few.own(b))
    with scene.where(b.columns > 0.9) as few:
        paint_columns(few, few.own(b))
    paint_ornaments(scene, b)


def paint_wings(scene: Scene, b: Building) -> None:
    """Low wings behind, on both sides, with a strip of roof."""
    wing, low = b.width + b.wing, b.wing_height
    x, half = b.x - 0.4 * b.side, wing + 0.4 * b.side
    light = torch.where(b.x > wing, b.dark, b.bright)
    scene.lay(block(x, b.h, half, 0.0, low), b.wall * 0.96, light, tone=b.tone)
    scene.lay(block(x, b.h, half + 0.012, low, low + 0.03), b.roof_hue, 0.6 * b.bright)


def paint_side_wall(scene: Scene, b: Building) -> None:
    """The wall that recedes, in shadow."""
    beside = torch.maximum(b.half - 0.01 - b.x, b.x - b.half - b.side)
    shape = torch.maximum(beside, torch.maximum(-b.back, b.back - b.height))
    scene.lay(shape, b.wall, b.dark, tone=b.tone)


def paint_body(scene: Scene, b: Building) -> None:
    """The front: damp at its foot, the roof's soft shadow at its top; an obelisk has two faces."""
    edge = (among(b.kind, OBELISK) > 0) & (b.x > 0.25 * b.half)
    eaves = 1 - 0.3 * share(b.level, 1 - 0.09 / b.height, 1.0)
    foot = 0.86 + 0.14 * share(b.h, 0, 0.1)
    light = torch.where(edge, b.dark, b.bright) * eaves
    scene.lay(block(b.x, b.h, b.half, 0.0, b.height), b.wall, light, tone=b.tone * foot)
