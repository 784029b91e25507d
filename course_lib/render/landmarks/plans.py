"""The plan of a drawn building: all that belongs to it and never to a photo, and makes it unlike any other."""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, rgb
from course_lib.render.landmarks.gps import CITY, CITY_KM, moved
from course_lib.render.landmarks.photo import among

WALLS = rgb("#d9c096", "#b5705a", "#efe9dc", "#a3a7ab", "#d8a597", "#c9a877", "#e6d3b3", "#8f8a86")
TILES = rgb("#5d6875", "#7fae9a", "#b8694a", "#c9a24b", "#6e4f48", "#4c5560")
ACCENTS = rgb("#b5524a", "#4f6f93", "#d9b264", "#5f8a6a", "#8a4f5a")  # doors, flags, glass
GABLE, HIP, DOME, ONION, SPIRE, BATTLEMENT, FLAT = range(7)  # roofs; their shapes are in `roofs`
PALACE, CHURCH, MOSQUE, TOWER, CASTLE, PAGODA, TEMPLE, ARCH, BRIDGE, OBELISK = range(10)
NO_TOWER, PAIR, MIDDLE, ASIDE = range(4)
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
# Roofs, towers' roofs, where towers stand: each list repeated to 60 entries, which 1, 2, 3, 4 and 5 divide evenly.
LISTS = [torch.tensor([(kind[k] * 60)[:60] for kind in KINDS.values()]) for k in (-3, -2, -1)]


def plan_of(landmark: Tensor, seed: int) -> dict[str, Tensor]:
    """The plans of landmarks: name -> [B, 1, 1]; colours [B, 3, 1, 1]; kinds [B]; place [B, 2]."""
    r = Randoms("landmark", seed, landmark)
    kind = r.choice(len(KINDS))
    low, high = RANGES[kind].unbind(-1)  # [B, numbers]
    values = low + (high - low) * r.fill(len(NUMBERS))
    plan = {name: values[:, k].view(-1, 1, 1) for k, name in enumerate(NUMBERS)}
    for name in ("storeys", "bays", "openings"):
        plan[name] = plan[name].floor().clamp(min=1)
    which = [table[kind, r.choice(60)] for table in LISTS]
    plan["kind"], plan["roof"], plan["tower_roof"], plan["towers"] = kind, *which
    plan.update(details(r, kind))
    plan.update(colours(r))
    plan["place"] = moved(torch.tensor(CITY).expand(len(kind), 2), (r.fill(2) - 0.5) * CITY_KM)
    return plan


def details(r: Randoms, kind: Tensor) -> dict[str, Tensor]:
    """Windows and ornaments: sizes, or 1 for a building that has them."""
    has_windows = 1 - among(kind, TEMPLE, ARCH, BRIDGE, OBELISK)
    return {
        "window_wide": r.uniform(0.16, 0.3),  # half a window, as a share of a bay
        "window_high": r.uniform(0.22, 0.36) * has_windows,  # and of a storey; 0 for no windows
        "arched": r.chance(0.5),
        "round_towers": r.chance(0.5),
        "rose": r.chance(0.8) * among(kind, CHURCH),
        "clock": r.chance(0.5) * among(kind, TOWER, PALACE),
        "flag": r.chance(0.35),  # also says on which side a lone tower stands
        "stripes": r.chance(0.25),
        "door": r.uniform(0.05, 0.085),
    }


def colours(r: Randoms) -> dict[str, Tensor]:
    """Of the walls, what trims them, the roofs, and one bright colour."""
    wall = r.colour(WALLS) * (1 + 0.14 * (r.fill(3, 1, 1) - 0.5))
    lighter = 1.0 + 0.16 * r.chance(0.7)[:, None]
    return {
        "wall": wall.clamp(max=0.95),
        "trim": (wall * lighter + 0.03).clamp(max=0.98),
        "roof_colour": r.colour(TILES) * (1 + 0.2 * (r.fill(3, 1, 1) - 0.5)),
        "accent": r.colour(ACCENTS),
    }
