"""Drawn buildings: the plan that makes one unlike any other, and how it is painted.

In a building's coordinates x is 0 in the middle and h is the height above its foot.
"""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, circle, cover, paint, rgb
from course_lib.render.places import CITY, CITY_KM, moved
from course_lib.render.scenery import SNOW, WARM, Scene, block, part_of, pick, share

WALLS = rgb("#d9c096", "#b5705a", "#efe9dc", "#a3a7ab", "#d8a597", "#c9a877", "#e6d3b3", "#8f8a86")
ROOFS = rgb("#5d6875", "#7fae9a", "#b8694a", "#c9a24b", "#6e4f48", "#4c5560")
# A roof is a profile: half its width at 33 heights, from the eaves to the top.
RISE = torch.linspace(0, 1, 33)
PROFILES = torch.stack([
    1 - RISE,                                                                       # 0 gable or cone
    1 - 0.5 * RISE,                                                                 # 1 hipped
    0.94 * (1 - (RISE / 0.97).clamp(max=1).square()).sqrt() + 0.02,                 # 2 dome
    torch.maximum(1.12 * (1 - ((RISE - 0.27) / 0.42).square()).clamp(min=0).sqrt(),
                  0.8 * (1 - RISE).square()) * (RISE < 1),                          # 3 onion
    0.9 * (1 - RISE).pow(1.7) + 0.1 * (1 - RISE),                                   # 4 spire
    1.08 + 0 * RISE,                                                                # 5 battlement
    torch.where(RISE < 0.5, 1.05, 0.9),                                             # 6 flat, with an attic
])  # fmt: skip
TOWER, BRIDGE = 3, 8  # kinds
GABLE, HIP, DOME, ONION, SPIRE, BATTLEMENT, FLAT = range(7)
NUMBERS = ("width", "height", "top", "storeys", "bays", "rise", "tower_at", "tower_width", "tower_up", "tower_rise",
           "wing", "wing_height", "opening", "openings", "tiers", "columns", "depth")  # fmt: skip
KINDS = {  # two values a number: from, to; then the roofs, the towers' roofs, and where towers stand
    "palace": ((.5, .66), (.36, .5), (1, 1), (2, 4), (5, 10), (.1, .26), (.8, .95), (.07, .1), (.04, .16), (.1, .22),
               (0, .1), (.3, .4), (0, 0), (1, 1), (0, 0), (0, 1.4), (.3, .5),
               (HIP, DOME, FLAT, GABLE), (DOME, GABLE, FLAT), (0, 1, 1)),
    "church": ((.24, .32), (.46, .6), (1, 1), (1, 3), (3, 4), (.2, .36), (.85, 1.1), (.07, .1), (.12, .4), (.18, .4),
               (.06, .18), (.2, .3), (0, 0), (1, 1), (0, 0), (0, 0), (.3, .5),
               (GABLE,), (SPIRE, GABLE, ONION, DOME), (1, 2, 3)),
    "mosque": ((.34, .46), (.28, .4), (1, 1), (1, 3), (3, 7), (.32, .44), (1.1, 1.3), (.03, .045), (.35, .6), (.1, .16),
               (.04, .12), (.16, .24), (0, 0), (1, 1), (0, 0), (0, 0), (.2, .3),
               (DOME, ONION), (ONION, SPIRE, GABLE), (1, 1, 3)),
    "tower": ((.13, .19), (.72, .92), (.75, 1), (4, 7), (1, 3), (.2, .42), (0, 0), (.05, .06), (-.5, -.5), (.01, .02),
              (.06, .3), (.14, .26), (0, 0), (1, 1), (0, 0), (0, 0), (.16, .24),
              (SPIRE, GABLE, DOME, ONION, BATTLEMENT), (FLAT,), (0,)),
    "castle": ((.38, .54), (.3, .42), (1, 1), (1, 3), (3, 6), (.07, .09), (.85, 1.05), (.09, .14), (.1, .36), (.07, .3),
               (0, .1), (.2, .28), (0, 0), (1, 1), (0, 0), (0, 0), (.2, .4),
               (BATTLEMENT,), (BATTLEMENT, GABLE, SPIRE), (1, 2, 3, 1)),
    "pagoda": ((.3, .46), (.9, 1.15), (.45, .65), (3, 6), (3, 5), (.1, .2), (0, 0), (.05, .06), (-.6, -.6), (.01, .02),
               (0, 0), (.1, .1), (0, 0), (1, 1), (1, 1), (0, 0), (0, .01),
               (SPIRE,), (FLAT,), (0,)),
    "temple": ((.46, .64), (.32, .44), (1, 1), (1, 2), (3, 5), (.13, .24), (0, 0), (.05, .06), (-.2, -.2), (.01, .02),
               (0, .06), (.05, .08), (0, 0), (1, 1), (0, 0), (1, 1), (.3, .5),
               (GABLE, GABLE, DOME), (FLAT,), (0,)),
    "arch": ((.34, .5), (.58, .76), (1, 1), (1, 2), (2, 5), (.08, .18), (0, 0), (.05, .06), (-.3, -.3), (.01, .02),
             (0, .02), (.1, .1), (.5, .72), (1, 3.6), (0, 0), (0, 0), (.16, .3),
             (FLAT, FLAT, BATTLEMENT), (FLAT,), (0,)),
    "bridge": ((.95, 1.1), (.2, .28), (1, 1), (1, 2), (2, 3), (.03, .05), (.4, .6), (.08, .13), (.25, .55), (.1, .3),
               (0, 0), (.1, .1), (.7, .8), (3, 6), (0, 0), (0, 0), (.01, .02),
               (FLAT,), (GABLE, SPIRE, DOME, BATTLEMENT), (1, 1, 2)),
    "obelisk": ((.075, .11), (.9, 1.1), (.5, .7), (1, 2), (1, 2), (.08, .13), (0, 0), (.05, .06), (-.6, -.6),
                (.01, .02), (.08, .2), (.08, .16), (0, 0), (1, 1), (0, 0), (0, 0), (.05, .08),
                (GABLE, ONION, DOME), (FLAT,), (0,)),
}  # fmt: skip
RANGES = torch.tensor([kind[: len(NUMBERS)] for kind in KINDS.values()], dtype=torch.float32)
LISTS = [torch.tensor([(kind[k] * 60)[:60] for kind in KINDS.values()]) for k in (-3, -2, -1)]


def plan_of(landmark: Tensor, seed: int) -> dict[str, Tensor]:
    """What belongs to the building and never to a photo: name -> [B, 1, 1], colours [B, 3, 1, 1]."""
    r = Randoms("landmark", seed, landmark)
    kind = r.choice(len(KINDS))
    low, high = RANGES[kind].unbind(-1)  # [B, numbers]
    values = low + (high - low) * r.fill(len(NUMBERS))
    plan = {name: values[:, k].view(-1, 1, 1) for k, name in enumerate(NUMBERS)}
    for name in ("storeys", "bays", "openings"):
        plan[name] = plan[name].floor().clamp(min=1)
    which = [table[kind, r.choice(60)] for table in LISTS]
    plan["kind"], plan["roof"], plan["tower_roof"], plan["towers"] = kind, *which
    plain = ((kind != 9) & (kind != 6)).float().view(-1, 1, 1)
    plan["window_wide"], plan["window_high"] = r.uniform(0.16, 0.3), r.uniform(0.22, 0.36) * plain
    plan["arched"], plan["round_towers"] = r.chance(0.5), r.chance(0.5)
    plan["rose"] = (kind == 1).float().view(-1, 1, 1) * r.chance(0.8)
    plan["clock"] = ((kind == 3) | (kind == 0)).float().view(-1, 1, 1) * r.chance(0.5)
    plan["flag"], plan["stripes"], plan["door"] = (
        r.chance(0.35),
        r.chance(0.25),
        r.uniform(0.05, 0.085),
    )
    wall = r.colour(WALLS) * (1 + 0.14 * (r.fill(3, 1, 1) - 0.5))
    bright = 1.0 + 0.16 * r.chance(0.7)[:, None]
    plan["wall"], plan["trim"] = wall.clamp(max=0.95), (wall * bright + 0.03).clamp(max=0.98)
    plan["roof_colour"] = r.colour(ROOFS) * (1 + 0.2 * (r.fill(3, 1, 1) - 0.5))
    plan["accent"] = r.colour(rgb("#b5524a", "#4f6f93", "#d9b264", "#5f8a6a", "#8a4f5a"))
    plan["place"] = moved(torch.tensor(CITY).expand(len(kind), 2), (r.fill(2) - 0.5) * CITY_KM)
    return plan


def cap(x: Tensor, h: Tensor, half: Tensor, rise: Tensor, kind: Tensor) -> Tensor:
    """A roof of any kind that begins at h = 0: a signed distance.        # kind: [B]"""
    rows = PROFILES[kind]  # [B, 33]
    at = (h / rise).clamp(0, 0.9999) * 32
    below = at.long()
    flat = below.flatten(1)
    first, second = rows.gather(1, flat).view_as(h), rows.gather(1, flat + 1).view_as(h)
    edge = (first + (at - below) * (second - first)) * half
    slope = (second - first) * 32 * half / rise
    shape = (x.abs() - edge) / (1 + slope.square()).sqrt()
    merlons = torch.maximum(
        0.45 * rise - h.clamp(max=0.99 * rise), -((x / half * 9.4).cos()) * half * 0.1
    )
    fort = (kind == BATTLEMENT).view(-1, 1, 1)
    shape = torch.where(fort, torch.maximum(shape, -torch.maximum(merlons, 0.45 * rise - h)), shape)
    return torch.maximum(shape, torch.maximum(-h - 0.004, h - rise))


def masonry(x: Tensor, h: Tensor, unit: Tensor, stripes: Tensor) -> Tensor:
    """Brightness of a wall: courses, joints, and what rain has left; it fades where pixels are too coarse for it."""
    course = h / 0.042
    row = course.floor()
    joint = torch.maximum(
        share((part_of(course) - 0.5).abs(), 0.36, 0.5),
        share((part_of(x / 0.085 + 0.5 * row) - 0.5).abs(), 0.44, 0.5),
    )
    fine = share(0.042 / unit, 1.2, 3.0)
    stain = (7 * x + 3 * h).sin() * (9 * h - 4 * x + 1).sin()
    band = share((h * 9).sin(), -0.2, 0.2) * stripes
    return 1 - 0.09 * fine * joint + 0.03 * stain + 0.05 * (h - 0.3).clamp(-0.3, 0.4) - 0.13 * band


def paint_windows(
    scene: Scene, plan: dict, col: Tensor, h: Tensor, wide: Tensor, on: Tensor, lamps: Tensor
) -> None:
    """Windows in storeys and bays, some lit.

    Args:
        col: which bay, and how far across it.      # [B, H, W]; bay 2 from 2 to 3
        wide: a bay.                                # [B, 1, 1]
        on: 1 where the wall is.                    # [B, H, W]
        lamps: chance numbers of 64 rooms.          # [B, 64]
    """
    tall = plan["height"] / plan["storeys"]
    row = h / tall
    x, up = (
        (col - col.floor() - 0.5) * wide,
        (row - row.floor() - 0.48 + 0.18 * plan["tiers"]) * tall,
    )
    half, high = plan["window_wide"] * wide, plan["window_high"] * tall
    half, high = torch.minimum(half, 1.2 * high), high * (1 - 0.3 * plan["tiers"])
    square = torch.maximum(x.abs() - half, up.abs() - high)
    bow = (x.square() + (up - high + half).square() + 1e-9).sqrt() - half
    window = torch.where((plan["arched"] > 0) & (up > high - half), bow, square)
    seen = on * (plan["window_high"] > 0) * ((h > 0.02) & (row < plan["storeys"]))
    scene.lay(window - 0.012, plan["trim"], opacity=seen * (1 - 0.3 * scene.night))
    room = ((col.floor() * 7 + row.floor() * 3).long() % 64).flatten(1)
    evening = scene.night + 0.4 * (scene.time == 2).view(-1, 1, 1)
    lit = (lamps.gather(1, room).view_as(h) < 0.72 * evening).float()
    sheen = 0.3 + 0.25 * share(up / high.clamp(min=1e-3) + x / wide, -0.6, 1.0)
    glass = (
        sheen[:, None]
        * torch.tensor([0.85, 1.0, 1.2]).view(1, 3, 1, 1)
        * (1 - 0.72 * scene.night[:, None])
    )
    glass = glass + lit[:, None] * (WARM * (1.02 - 0.25 * (up.abs() / tall)[:, None]) - glass)
    scene.shine(cover(window, scene.unit) * seen, glass, lit)


def paint_building(
    scene: Scene, plan: dict, r: Randoms, x: Tensor, h: Tensor, turn: Tensor
) -> None:
    """Side wall, wings, body, roof, towers, windows, ornaments - from back to front.

    x to the right is where the shadowed side wall shows; `turn` 0..1 is how far the viewer has walked around.
    """
    behind, wall, roof_hue = scene.image.clone(), plan["wall"], plan["roof_colour"]
    roof_hue = roof_hue + 0.72 * scene.snow * (SNOW - roof_hue)
    wide, tall, rise, tiers = plan["width"], plan["height"], plan["rise"], plan["tiers"]
    night, eye = scene.night, 0.12
    floods = night * (
        0.95 * (-1.3 * h.clamp(min=0)).exp()
    )  # at night the building is lit from its foot
    bright = 0.92 * (1 - night) + floods
    dark = 0.16 * (1 - night) + 0.5 * floods
    level = (h / tall).clamp(0, 1)
    tier = (level * plan["storeys"]).floor().clamp(max=plan["storeys"] - 1)
    within = h / tall * plan["storeys"] - tier  # 0..1 in each tier of a pagoda
    shrink = 1 - (1 - plan["top"]) * torch.where(tiers > 0, tier / plan["storeys"], level)
    half = wide * shrink * (1 - 0.38 * tiers)  # [B, H, W]
    side = (plan["depth"] * turn).clamp(min=0.004)
    s = ((x - half) / side).clamp(0, 1)
    back = eye + (h - eye) / (1 - 0.16 * turn * s)  # height along the receding wall
    # what lies behind: wings
    wing, low = wide + plan["wing"], plan["wing_height"]
    tone = masonry(x, h, scene.unit, plan["stripes"])
    scene.lay(block(x - 0.4 * side, h, wing + 0.4 * side, 0.0, low), wall * tone[:, None] * 0.96,
              torch.where(x > wing, dark, bright), (plan["wing"] > 0.03).float())  # fmt: skip
    scene.lay(block(x - 0.4 * side, h, wing + 0.4 * side + 0.012, low, low + 0.03), roof_hue, 0.6 * bright,
              (plan["wing"] > 0.03).float())  # fmt: skip
    # side wall, body
    shape = torch.maximum(
        torch.maximum(half - 0.01 - x, x - half - side), torch.maximum(-back, back - tall)
    )
    scene.lay(shape, wall * tone[:, None], dark)
    slab = plan["kind"] == 9
    split = torch.where(slab.view(-1, 1, 1) & (x > 0.25 * half), dark, bright)
    eaves = 1 - 0.3 * share(
        level, 1 - 0.09 / tall, 1.0
    )  # the roof's soft shadow, and the damp at the foot
    foot = 0.86 + 0.14 * share(h, 0, 0.1)
    scene.lay(block(x, h, half, 0.0, tall), wall * (tone * foot)[:, None], split * eaves)
    # main roof: a domed one sits on a drum amid the building, a gable runs back
    kind = plan["roof"]
    round_roof = ((kind == DOME) | (kind == ONION)).float().view(-1, 1, 1)
    top_half = wide * plan["top"]
    roof_half = (
        top_half * (1 + 0.06 * (1 - round_roof)) * (1 - 0.36 * round_roof * (top_half > 0.2))
    )
    drum = 0.05 * round_roof
    rx, rh = x - 0.35 * side * round_roof, h - tall
    q = (rh / rise).clamp(0, 1)
    fort = ((kind == BATTLEMENT) | (kind == FLAT)).float().view(-1, 1, 1, 1)
    hue = roof_hue + fort * (plan["trim"] - roof_hue)
    ridge = torch.where((kind == GABLE).view(-1, 1, 1), 1 - q, 1 - 0.5 * q)
    plane = torch.maximum(
        ridge * roof_half - 0.02 - rx, rx - ridge.clamp(min=0.0) * roof_half - side
    )
    plane = torch.maximum(plane, torch.maximum(-(rh + 0.13 * turn * s * tall), rh - rise * 0.995))
    scene.lay(
        plane,
        hue * (0.92 + 0.08 * (rh * 120).sin())[:, None],
        0.5 * dark + 0.12 * bright,
        (1 - round_roof) * (1 - tiers) * (plan["kind"] != TOWER).view(-1, 1, 1),
    )
    scene.lay(
        block(rx, rh, roof_half * 0.95, 0.0, drum + 0.01),
        plan["trim"],
        bright * (1 - 0.8 * share(rx / roof_half, 0.1, 1)),
    )
    light = torch.where(
        round_roof > 0, 1 - 0.85 * share(rx / roof_half + 0.3 * q, 0.05, 0.95), 0.9 + 0 * q
    )
    tiles = 1 + 0.05 * (rh * 110).sin() * share(0.03 / scene.unit, 0.8, 2)
    front = (kind == GABLE).view(-1, 1, 1, 1) * ((plan["kind"] == 1) | (plan["kind"] == 6)).view(
        -1, 1, 1, 1
    )
    roof = cap(rx, rh - drum, roof_half, rise, kind)
    scene.lay(roof, hue * tiles[:, None], light * bright)
    scene.lay(
        roof + 0.035, wall * tone[:, None], bright * 0.95, front[:, 0].float()
    )  # a gable's wall within its roof's edge
    scene.lay(
        block(rx, rh - drum - rise, torch.tensor(0.008), -0.03, 0.06),
        pick(rgb("#c9a24b"), 0 * kind),
        opacity=round_roof,
    )
    scene.lay(
        block(x, rh, top_half * (1 - 0.38 * tiers) + 0.018, -0.022, 0.008),
        plan["trim"],
        bright,
        1 - tiers,
    )  # cornice
    # openings: through the wall one sees what is behind
    pitch = 2 * wide / plan["openings"]
    ox = ((x + wide) / pitch - ((x + wide) / pitch).floor() - 0.5) * pitch
    radius, reach = 0.33 * pitch, plan["opening"] * tall
    radius = torch.minimum(radius, 0.8 * reach + 0.01)
    arch = torch.where(
        h > reach - radius, circle(ox, h - reach + radius, radius), ox.abs() - radius
    )
    arch = torch.maximum(torch.maximum(arch, -h), x.abs() - wide + 0.02)
    through = (plan["opening"] > 0).float()
    scene.lay(arch - 0.025, plan["trim"], bright, through)
    scene.lay(arch, wall * 0.8, dark, through)
    scene.image = paint(
        scene.image,
        cover(torch.maximum(arch, ox + 0.12 * radius * turn - radius * 0.9), scene.unit) * through,
        behind,
    )
    # windows on the front and on the side
    on_side = x > half
    col = torch.where(
        on_side,
        20 + s * (plan["depth"] / wide * plan["bays"] / 2 + 1).floor(),
        (x / half * 0.5 + 0.5) * plan["bays"],
    )
    on = torch.where(on_side, (s < 1) * (turn > 0.25), x.abs() < half).float() * (1 - through)
    paint_windows(
        scene, plan, col, torch.where(on_side, back, h), 2 * wide / plan["bays"], on, r.fill(64)
    )
    # a pagoda's roofs
    flare = wide * shrink * (1.12 - 0.5 * ((within - 0.6) / 0.4).clamp(0, 1).sqrt())
    eave = torch.maximum(
        x.abs() - flare,
        torch.maximum((0.6 - within), within - 1) * tall / plan["storeys"]
        + 0.04 * (x / flare).square(),
    )
    scene.lay(
        eave, roof_hue, bright * (0.95 - 0.3 * share(within, 0.6, 0.62) * (within < 0.7)), tiers
    )
    # columns
    beat = plan["bays"] * 2 + 1
    cx = (part_of((x / wide * 0.5 + 0.5) * beat) - 0.5) * 2 * wide / beat
    columns = (plan["columns"] > 0.9).float()
    hall = block(x, h, 0.96 * wide, 0.03, 0.86 * tall)
    scene.lay(hall, wall * 0.75, 0.45 * bright, columns * (plan["kind"] == 6).view(-1, 1, 1))
    shaft = torch.maximum(cx.abs() - 0.3 * wide / beat * 1.5, hall)
    scene.lay(
        shaft, plan["trim"], bright * (1 - 0.75 * share(cx * beat / wide, -0.1, 0.5)), columns
    )
    paint_towers(scene, plan, x, h, bright, dark, roof_hue)
    paint_ornaments(scene, plan, x, h, bright)


def paint_towers(
    scene: Scene, plan: dict, x: Tensor, h: Tensor, bright: Tensor, dark: Tensor, roof_hue: Tensor
) -> None:
    """No tower, a pair, one in the middle, or one at the side."""
    where = plan["towers"].view(-1, 1, 1)
    at = plan["tower_at"] * plan["width"] * (where != 2)
    on = (where > 0).float()
    tx = torch.where(where == 1, x.abs() - at, x * torch.where(plan["flag"] > 0, 1, -1) - at)
    sign = torch.where(
        where == 1, torch.where(x < 0, -1.0, 1.0), torch.where(plan["flag"] > 0, 1.0, -1.0)
    )
    half, tall = plan["tower_width"], plan["height"] + plan["tower_up"]
    across = tx * sign / half  # -1 left .. 1 right
    sun = torch.where(
        plan["round_towers"] > 0,
        1 - 0.85 * share(across, -0.5, 1.0),
        torch.where(across > 0.45, 0.2, 1.0),
    )
    tone = masonry(tx, h, scene.unit, plan["stripes"])
    scene.lay(block(tx, h, half, 0.0, tall), plan["wall"] * tone[:, None], sun * bright, on)
    scene.lay(block(tx, h - tall, half * 1.12, -0.025, 0.005), plan["trim"], sun * bright, on)
    fort = (plan["tower_roof"] == BATTLEMENT).view(-1, 1, 1, 1).float()
    cone = 1 - 0.85 * share(across, -0.3, 0.7)
    scene.lay(cap(tx, h - tall, half * 1.1, plan["tower_rise"], plan["tower_roof"]),
              roof_hue + fort * (plan["wall"] - roof_hue), cone * bright, on)  # fmt: skip
    slot = torch.maximum(tx.abs() - 0.32 * half, torch.maximum(tall - 0.15 - h, h - tall + 0.06))
    bell = torch.minimum(slot, circle(tx, h - tall + 0.06, 0.32 * half))
    glass = 0.2 + (WARM - 0.2) * scene.night[:, None]
    scene.shine(cover(bell, scene.unit) * on, glass, scene.night)


def paint_ornaments(scene: Scene, plan: dict, x: Tensor, h: Tensor, bright: Tensor) -> None:
    """Stairs, a door, a rose window or a clock, a flag."""
    solid = (plan["opening"] == 0).float() * (plan["kind"] != 9).view(-1, 1, 1)
    steps = torch.maximum(
        x.abs() - plan["door"] * 2.2 + h * 1.2, torch.maximum(-h - 0.02, h - 0.045)
    )
    stairs = torch.where(
        plan["columns"] > 0.9, block(x, h, plan["width"] * 1.06 - h, -0.02, 0.035), steps
    )
    scene.lay(stairs, plan["trim"] * (0.94 + 0.1 * (h * 190).sin())[:, None], bright, solid)
    door = torch.maximum(x.abs() - plan["door"], torch.maximum(0.03 - h, h - 0.13))
    door = torch.minimum(door, circle(x, h - 0.13, plan["door"]))
    single = solid * (plan["towers"] != 2).view(-1, 1, 1)
    scene.lay(door - 0.02, plan["trim"], bright, solid)
    scene.lay(door, plan["accent"] * 0.55, 0.7 * bright, solid)
    round_at = h - plan["height"] * torch.where(plan["rose"] > 0, 0.92, 1.0) + 0.1 * plan["clock"]
    radius = 0.4 * plan["width"].clamp(max=0.24) + 0.0 * h
    scene.lay(circle(x, round_at, radius + 0.022), plan["trim"], bright, plan["rose"] * single)
    spokes = 0.62 + 0.38 * (8 * torch.atan2(round_at, x + 1e-6)).cos()
    glass = plan["accent"] * (0.35 + 0.35 * spokes)[:, None] * (1 - 0.4 * scene.night[:, None])
    glass = glass + scene.night[:, None] * 0.7 * spokes[:, None] * WARM
    scene.shine(
        cover(circle(x, round_at, radius), scene.unit) * plan["rose"] * single,
        glass.clamp(max=1),
        0.6 * scene.night,
    )
    dial = circle(x, round_at, 0.085)
    scene.lay(dial - 0.018, plan["accent"] * 0.7, bright, plan["clock"])
    scene.shine(
        cover(dial, scene.unit) * plan["clock"],
        0.9 * (1 - 0.2 * (1 - scene.night))[:, None] * WARM.sqrt(),
        scene.night,
    )
    hands = torch.minimum(
        block(x, round_at, torch.tensor(0.009), 0.0, 0.065),
        block(x - 0.02, round_at, torch.tensor(0.028), -0.01, 0.01),
    )
    scene.lay(hands, plan["accent"] * 0.3, opacity=plan["clock"])
    pole = h - plan["height"] - plan["rise"] * 0.9
    on = plan["flag"] * ((plan["kind"] == 0) | (plan["kind"] == 3) | (plan["kind"] == 4)).view(
        -1, 1, 1
    )
    scene.lay(
        block(x, pole, torch.tensor(0.008), 0.0, 0.22),
        pick(rgb("#6b6560"), 0 * plan["kind"]),
        opacity=on,
    )
    cloth = block(
        x - 0.075, pole - 0.165 - 0.012 * (x * 40).sin(), torch.tensor(0.075), -0.045, 0.045
    )
    scene.lay(cloth, plan["accent"], bright, on)
