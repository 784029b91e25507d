"""A building as a photo sees it: its plan, where its parts are in the picture, and how they are lit.

In a building's coordinates x is 0 in the middle and h is the height above its foot.
"""

import torch
from torch import Tensor

from course_lib.render.landmarks.photo import SNOW, Batch, Scene, among, part_of, share
from course_lib.render.landmarks.plans import ARCH, BRIDGE

EYE = 0.12  # the viewer's eyes: there the edges of a receding wall stay level


class Building(Batch):
    """Buildings in the photos of a scene; every name of the plan is an attribute.

    Args:
        plan: from `plan_of`.
        x: to the right is where the shadowed side wall shows.                            # [B, H, W]
        h: height.                                                                        # [B, H, W]
        turn: 0..1, how far the viewer has walked around.                                 # [B, 1, 1]
    """

    def __init__(self, scene: Scene, plan: dict[str, Tensor], x: Tensor, h: Tensor, turn: Tensor):
        vars(self).update(plan)
        self.x, self.h, self.turn, self.count = x, h, turn, scene.count
        self.roof_hue = torch.lerp(self.roof_colour, SNOW, 0.72 * scene.snow)
        self.see_through = among(self.kind, ARCH, BRIDGE)
        self.shape_body()
        self.light(scene.night)
        self.tone = masonry(x, h, scene.unit, self.stripes)

    def shape_body(self) -> None:
        """Half the body's width at every height, and the side wall beside it."""
        self.level = (self.h / self.height).clamp(0, 1)
        floors = self.level * self.storeys
        tier = floors.floor().clamp(max=self.storeys - 1)
        self.within = self.h / self.height * self.storeys - tier  # 0..1 in each storey
        narrowing = torch.where(self.tiers > 0, tier / self.storeys, self.level)
        self.shrink = 1 - (1 - self.top) * narrowing
        self.half = self.width * self.shrink * (1 - 0.38 * self.tiers)
        self.side = (self.depth * self.turn).clamp(min=0.004)  # the side wall's width
        self.aside = ((self.x - self.half) / self.side).clamp(0, 1)  # how far along it
        self.back = EYE + (self.h - EYE) / (1 - 0.16 * self.turn * self.aside)  # its own height

    def light(self, night: Tensor) -> None:
        """On what faces the sun and what does not; at night the building is lit from its foot."""
        floods = night * (-1.3 * self.h.clamp(min=0)).exp()
        self.bright = 0.92 * (1 - night) + 0.95 * floods
        self.dark = 0.16 * (1 - night) + 0.475 * floods


def masonry(x: Tensor, h: Tensor, unit: Tensor, stripes: Tensor) -> Tensor:
    """Brightness of a wall: courses, joints, and what rain has left; it fades where pixels are too coarse for it."""
    stain = (7 * x + 3 * h).sin() * (9 * h - 4 * x + 1).sin()
    band = share((h * 9).sin(), -0.2, 0.2) * stripes
    tone = 1 + 0.03 * stain + 0.05 * (h - 0.3).clamp(-0.3, 0.4) - 0.13 * band
    fine = share(0.042 / unit, 1.2, 3.0)
    if not fine.any():
        return tone
    course = h / 0.042
    level = share((part_of(course) - 0.5).abs(), 0.36, 0.5)
    upright = share((part_of(x / 0.085 + 0.5 * course.floor()) - 0.5).abs(), 0.44, 0.5)
    return tone - 0.09 * fine * torch.maximum(level, upright)
