"""A photo being drawn: its hour, season and light, and paint that is seen in that light.

A `Scene` is a batch of such photos. Its x and y run as in `canvas`, already turned by the camera's tilt; what stands
on the ground is laid in from back to front. What only some photos have is painted on `scene.where(...)`: a smaller
scene, of those photos alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, cover, pixels, rgb, turned

TIMES = ("morning", "noon", "dusk", "night")
MORNING, NOON, DUSK, NIGHT = range(4)
SUN = torch.tensor([[1.04, 0.95, 0.83], [1.04, 1.02, 0.98], [1.04, 0.80, 0.62], [1.0, 0.76, 0.47]])
SHADE = torch.tensor([[0.60, 0.63, 0.74], [0.63, 0.67, 0.75], [0.54, 0.49, 0.60], [0.34, 0.38, 0.55]])  # fmt: skip
SEASONS = ("green", "autumn", "snow")
GREEN, AUTUMN, WINTER = range(3)
LEAVES = rgb("#6d9a56", "#55864f", "#7fa65a", "#cf8a44", "#b96a3c", "#d9a94f")  # 3 green, 3 autumn
WARM = torch.tensor([1.0, 0.80, 0.46])[None, :, None, None]  # a lit window
SNOW = rgb("#f3f6fa")[:, :, None, None]


@cache
def ink(hexadecimal: str) -> Tensor:
    """A colour that is the same in every picture.        # [1, 3, 1, 1]"""
    return rgb(hexadecimal)[:, :, None, None]


def pick(table: Tensor, number: Tensor) -> Tensor:
    """Rows of a colour table.        # [B, 3, 1, 1]"""
    return table[number][:, :, None, None]


def among(number: Tensor, *values: int) -> Tensor:
    """1 where a number is one of the values, else 0.        # [B] -> [B, 1, 1]"""
    return sum(number == value for value in values).float().view(-1, 1, 1)


def several(r: Randoms, count: int) -> tuple[Tensor, ...]:
    """Uniform numbers in 0..1, faster than one by one.        # each [B, 1, 1]"""
    return r.fill(count, 1, 1).unbind(1)


def share(value: Tensor, low, high) -> Tensor:
    """0 below `low`, 1 above `high`, and smooth between."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def block(x: Tensor, h: Tensor, half, low, high) -> Tensor:
    """An upright block: |x| < half, low < h < high; `half` may change with the height.        # [B, H, W]"""
    return torch.maximum(x.abs() - half, torch.maximum(low - h, h - high))


def part_of(value: Tensor) -> Tensor:
    """What is left of whole numbers: value % 1, and much faster."""
    return value - value.floor()


class Batch:
    """What is known of every picture of a batch, an attribute each; `only(rows)` is the same for some pictures.

    A smaller batch takes its rows of an attribute when it is first asked for: most never are.
    """

    count: int  # how many pictures

    def only(self, rows: Tensor):
        few = object.__new__(type(self))
        few.whole, few.rows, few.count = self, rows, len(rows)
        return few

    def __getattr__(self, name: str):  # called for what has not been taken yet
        if name.startswith("__") or "whole" not in vars(self):
            raise AttributeError(name)
        value = self.own(getattr(self.whole, name))
        setattr(self, name, value)
        return value

    def own(self, value):
        """A smaller batch's part of what is known of the whole: of a tensor or of another batch."""
        if isinstance(value, Batch):
            return value.only(self.rows)
        of_all = isinstance(value, Tensor) and len(value) == self.whole.count
        return value.index_select(0, self.rows) if of_all else value


class Scene(Batch):
    """Pictures being drawn, and each photo's light.

    Args:
        r: the photos' random numbers.
        size: side in pixels.
        user: True for users' photos: darker hours, more tilt.
    """

    def __init__(self, r: Randoms, size: int, user: bool):
        self.r, self.count = r, len(r.state)
        times = torch.tensor([0.2, 0.56, 0.76] if user else [0.25, 0.75, 0.9])
        self.time = (r.fill(1) >= times).sum(1)  # [B]: morning, noon, dusk, night
        self.season = (r.fill(1) >= torch.tensor([0.6, 0.82])).sum(1)  # [B]: green, autumn, snow
        self.overcast = r.chance(0.25)[:, None] * (0.4 + 0.6 * r.uniform()[:, None])  # [B, 1, 1, 1]
        self.night = among(self.time, NIGHT)
        self.snow = among(self.season, WINTER)[:, None]  # [B, 1, 1, 1]
        self.tilt = r.normal(0.055 if user else 0.008)
        self.horizon = r.uniform(0.4, 0.5) + r.normal(0.07 if user else 0.02)
        self.side = 2 * r.chance(0.5) - 1  # 1: the shadowed sides are those to the right
        x, y, self.pixel = pixels(size)
        self.x, self.y = turned(x, y, self.tilt)  # [B, H, W]
        self.unit = torch.full_like(self.tilt, self.pixel)  # a pixel, in the shapes' units
        self.sun = pick(SUN, self.time) * (1 - 0.14 * self.overcast * (1 - self.night[:, None]))
        self.shade = pick(SHADE, self.time) * (1 + 0.08 * self.overcast)
        self.image = torch.empty(self.count, 3, size, size)
        self.glow = torch.zeros_like(self.x)

    def lay(self, shape: Tensor, colour: Tensor, sun=None, opacity=None, tone=None) -> None:
        """Paint a shape in the hour's light.

        Args:
            shape: signed distance.                                              # [B, H, W]
            colour: in full light.                                 # [B or 1, 3, 1, 1] or [B, 3, H, W]
            sun: 1 in the sun, 0 in shadow; by default 0.85, and nearly 0 at night.    # [B, 1, 1] or [B, H, W]
            opacity: how much the paint covers, all by default.    # a number, [B, 1, 1] or [B, H, W]
            tone: how bright the paint itself is, 1 by default.    # [B, H, W]
        """
        sun = 0.85 - 0.75 * self.night if sun is None else sun
        alpha = cover(shape, self.unit)
        alpha = alpha if opacity is None else alpha * opacity
        dark, full = colour * self.shade, colour * self.sun
        if tone is None and sun.shape[1:] == (1, 1):
            self.paint(alpha, torch.lerp(dark, full, sun[:, None]))
        else:
            tone = 1 if tone is None else tone
            self.blend(alpha, (dark, tone * (1 - sun)), (full, tone * sun))
        self.glow.addcmul_(self.glow, alpha, value=-1)

    def paint(self, alpha: Tensor, colour: Tensor) -> None:
        """Paint as it is, whatever the light.        # alpha: [B, H, W]; colour as in `lay`"""
        self.image.lerp_(colour.expand_as(self.image), alpha[:, None])

    def blend(self, alpha: Tensor, *paints: tuple[Tensor, Tensor]) -> None:
        """Paint with a sum of colours [B, 3, 1, 1], each as bright as a [B, H, W] says.

        Adding into the picture needs no other picture in between: to find memory for one takes longer than to fill it.
        """
        self.image.mul_((1 - alpha)[:, None])
        for colour, bright in paints:
            self.image.addcmul_(colour, (alpha * bright)[:, None])

    def shine(self, alpha: Tensor, colour: Tensor, glow: Tensor) -> None:
        """Paint what gives its own light, and remember how far it glows."""
        self.paint(alpha, colour)
        self.glow.lerp_(glow.expand_as(self.glow), alpha)

    @contextmanager
    def where(self, on: Tensor) -> Iterator["Scene"]:
        """Those pictures where `on` is not 0, as a smaller scene: what is painted there is painted here.

        It may have no picture at all. Its random numbers count as asked for in every picture, so that what comes
        after is the same with it and without.        # on: [B, 1, 1]
        """
        rows = on.flatten().nonzero()[:, 0]
        few = self.only(rows)
        few.r = copy(self.r)
        few.r.state = self.r.state[rows]
        few.image, few.glow = self.image.index_select(0, rows), self.glow.index_select(0, rows)
        yield few
        self.r.asked = few.r.asked
        self.image.index_copy_(0, rows, few.image)
        self.glow.index_copy_(0, rows, few.glow)

    def band(self, top: float, bottom: float) -> "Scene":
        """The same pictures between two heights (0 above, 1 below): what is painted there is painted here."""
        part, size = copy(self), self.image.shape[-1]
        rows = slice(int(top * size), size - int((1 - bottom) * size))
        for name in ("x", "y", "image", "glow"):
            setattr(part, name, getattr(self, name)[..., rows, :])  # views: no copy
        return part
