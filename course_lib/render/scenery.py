"""What is around a building in a photo: light, sky, ground, trees, people, cars, and the camera that took it.

A `Scene` is a picture being drawn. Its x and y run as in `canvas`, already turned by the camera's tilt; everything
that stands on the ground is laid in from back to front, and every colour is seen in the hour's light.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.render.canvas import (
    Randoms,
    box,
    circle,
    cover,
    ellipse,
    paint,
    pixels,
    rgb,
    turned,
)

TIMES = ("morning", "noon", "dusk", "night")
SKY_TOP = rgb("#7fa9d3", "#5d98d2", "#5a6499", "#0f1838")
SKY_LOW = rgb("#fbe6cf", "#d8e9f3", "#f5b48a", "#3a4673")
SUN = torch.tensor([[1.04, 0.95, 0.83], [1.04, 1.02, 0.98], [1.04, 0.80, 0.62], [1.0, 0.76, 0.47]])
SHADE = torch.tensor(
    [[0.60, 0.63, 0.74], [0.63, 0.67, 0.75], [0.52, 0.47, 0.58], [0.22, 0.25, 0.40]]
)
SEASONS = ("green", "autumn", "snow")
LEAVES = rgb("#6d9a56", "#55864f", "#7fa65a", "#cf8a44", "#b96a3c", "#d9a94f")  # 3 green, 3 autumn
GROUNDS = ("square", "lawn", "water")
GROUND = rgb("#c9bda8", "#8fae6c", "#7f9aae")
CLOTHES = rgb(
    "#b5524a", "#4f6f93", "#d9b264", "#6b8a70", "#8a6a8e", "#e2d8c6", "#46505c", "#c98a7a"
)
HOUSES = rgb("#e4d5b7", "#d9b7a0", "#c9cfc9", "#eee6d6", "#c79a7c", "#b9c3cc")
TILES = rgb("#a8604a", "#6b6f78", "#8c5a48", "#7a6658")
SKIN = rgb("#f0cdb2", "#dcae8a", "#b98560", "#8a5c42", "#e6bd9c")
HAIR = rgb("#3a2a22", "#6b4630", "#a67b4a", "#22201f", "#8c8680")
LOOKS = torch.tensor([  # filters: times, plus grey times, plus - for red, green, blue
    [[1.08, 1.0, 0.86], [0, 0, 0], [0, 0, 0]],              # warm
    [[0.9, 0.99, 1.08], [0, 0, 0], [0, 0, 0]],              # cold
    [[0.41, 0.41, 0.41], [0.27, 0.27, 0.27], [0.2, 0.2, 0.2]],  # faded
    [[0, 0, 0], [1, 1, 1], [0, 0, 0]],                      # black and white
    [[1, 1, 1], [0, 0, 0], [0, 0, 0]],
])  # fmt: skip
WARM = torch.tensor([1.0, 0.80, 0.46])[None, :, None, None]  # a lit window
SNOW = rgb("#f3f6fa")[:, :, None, None]


def pick(table: Tensor, number: Tensor) -> Tensor:
    """Rows of a colour table.        # [B, 3, 1, 1]"""
    return table[number][:, :, None, None]


def share(value: Tensor, low, high) -> Tensor:
    """0 below `low`, 1 above `high`, and smooth between."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def block(x: Tensor, h: Tensor, half: Tensor, low, high) -> Tensor:
    """An upright block: |x| < half, low < h < high; `half` may change with the height.        # [B, H, W]"""
    return torch.maximum(x.abs() - half, torch.maximum(low - h, h - high))


def part_of(value: Tensor) -> Tensor:
    """What is left of whole numbers: value % 1, and much faster."""
    return value - value.floor()


class Scene:
    """A picture being drawn, and the photo's light.

    Args:
        r: the photo's random numbers.
        size: side in pixels.
        user: True for a user's photo: darker hours, more tilt.
    """

    def __init__(self, r: Randoms, size: int, user: bool):
        times = torch.tensor([0.2, 0.56, 0.76] if user else [0.25, 0.75, 0.9])
        self.time = (r.fill(1) >= times).sum(1)  # [B]: morning, noon, dusk, night
        self.season = (r.fill(1) >= torch.tensor([0.6, 0.82])).sum(1)  # [B]: green, autumn, snow
        self.overcast = r.chance(0.25)[:, None] * (0.4 + 0.6 * r.uniform()[:, None])  # [B, 1, 1, 1]
        self.night = (self.time == 3).float().view(-1, 1, 1)
        self.snow = (self.season == 2).float().view(-1, 1, 1, 1)
        self.tilt = r.normal(0.055 if user else 0.008)
        self.horizon = r.uniform(0.4, 0.5) + r.normal(0.07 if user else 0.02)
        self.side = 2 * r.chance(0.5) - 1  # 1: the shadowed sides are those to the right
        x, y, self.pixel = pixels(size)
        self.x, self.y = turned(x, y, self.tilt)  # [B, H, W]
        self.unit = torch.full_like(self.tilt, self.pixel)  # a pixel, in the shapes' units
        self.sun = pick(SUN, self.time) * (1 - 0.14 * self.overcast * (1 - self.night[:, None]))
        self.shade = pick(SHADE, self.time) * (1 + 0.08 * self.overcast)
        self.glow = torch.zeros_like(self.x)
        self.paint_sky(r)

    def lay(self, shape: Tensor, colour: Tensor, sun=None, opacity=None) -> None:
        """Paint a shape in the hour's light.

        Args:
            shape: signed distance.                                              # [B, H, W]
            colour: in full light.                                               # [B, 3, 1, 1] or [B, 3, H, W]
            sun: 1 in the sun, 0 in shadow; by default 0.85, and nearly 0 at night.    # [B, 1, 1] or [B, H, W]
        """
        sun = 0.85 - 0.75 * self.night if sun is None else sun
        values = [shape, self.unit, colour, sun, self.shade, self.sun, opacity]
        some = slice(None)
        if opacity is None:
            values[-1] = torch.ones(1, 1, 1)
        elif opacity.shape[1:] == (1, 1) and not opacity.all():  # only the pictures that have it
            some = opacity.flatten().nonzero()[:, 0]
            values = [v if len(v) == 1 else v[some] for v in values]
        shape, unit, colour, sun, shade, full, opacity = values
        alpha = cover(shape, unit) * opacity
        painted = colour * torch.lerp(shade, full, sun[:, None])
        if isinstance(some, slice):
            self.image.lerp_(painted, alpha[:, None])
            self.glow.mul_(1 - alpha)
        else:
            self.image[some] = torch.lerp(self.image[some], painted, alpha[:, None])
            self.glow[some] = self.glow[some] * (1 - alpha)

    def lower(self) -> "Scene":
        """The same picture without its upper half: what is painted on it is painted on the whole."""
        part, half = object.__new__(Scene), self.x.shape[1] // 2
        for name, value in vars(self).items():
            tall = isinstance(value, Tensor) and value.shape[-1] == self.x.shape[-1] > 3
            part.__dict__[name] = value[..., half:, :] if tall else value
        return part

    def shine(self, alpha: Tensor, colour: Tensor, glow) -> None:
        """Paint what gives its own light, and remember how far it glows."""
        self.image = paint(self.image, alpha, colour)
        self.glow = self.glow + alpha * (glow - self.glow)

    def paint_sky(self, r: Randoms) -> None:
        """A gradient, a few soft clouds, the sun or the moon, stars at night."""
        top, low = pick(SKY_TOP, self.time), pick(SKY_LOW, self.time)
        top = top * (1 + 0.08 * (r.fill(3, 1, 1) - 0.5))
        grey = (0.35 * top + 0.65 * low).mean(1, keepdim=True) * torch.tensor(
            [0.96, 0.99, 1.03]
        ).view(3, 1, 1)
        top, low = (
            top + 0.85 * self.overcast * (grey - top),
            low + 0.6 * self.overcast * (grey - low),
        )
        height = share(self.y, -1.1, self.horizon + 0.1)[:, None]
        self.image, self.low = top + height * (low - top), low
        far = circle(self.x - r.uniform(-0.9, 0.9), self.y - r.uniform(-0.85, -0.5), 0.0)
        lamp = (1 - self.overcast[:, 0]) * (0.25 + 0.75 * self.night)
        disc = 0.85 * cover(far - 0.07, self.pixel) * (self.time != 1).view(-1, 1, 1)
        moon = pick(rgb("#fff3dc", "#fff8ea", "#ffd9a8", "#f4efdc"), self.time)
        self.image = paint(self.image, lamp * (0.4 * (-far * 5).exp() + disc), moon)
        places = r.fill(2, 49)  # one star in each of 7 x 7 cells
        cell = ((self.x + 1.2) * 2.9).long().clamp(0, 6) * 7 + ((self.y + 1.2) * 2.9).long().clamp(
            0, 6
        )
        star_x, star_y = (
            table.gather(1, cell.flatten(1)).view_as(self.x) for table in places.unbind(1)
        )
        fx, fy = part_of((self.x + 1.2) * 2.9), part_of((self.y + 1.2) * 2.9)
        star = cover(
            circle(fx - 0.15 - 0.7 * star_x, fy - 0.15 - 0.7 * star_y, 0.03), 2.9 * self.pixel
        )
        self.image = self.image + (0.7 * self.night * star * (1 - self.overcast[:, 0]))[:, None]
        puff = torch.zeros_like(self.x)
        for _ in range(2):
            cx, cy, wide = r.uniform(-1, 1), r.uniform(-0.9, -0.2), r.uniform(0.7, 1.3)
            for _ in range(4):
                dx = (self.x - cx - r.uniform(-0.33, 0.33) * wide) / (0.2 * wide)
                dy = (self.y - cy - r.uniform(-0.04, 0.05)) / (r.uniform(0.06, 0.11) * wide)
                puff = torch.maximum(puff, (-(dx.square() + dy.square())).exp())
        white = low + (1 - 0.75 * self.night[:, None]) * 0.6 * (1 - low)
        self.image = paint(self.image, 0.75 * share(puff, 0.15, 0.8) * r.chance(0.75), white)

    def paint_backdrop(self, r: Randoms) -> None:
        """Far hills, or the roofs of a town, pale in the air between."""
        x, town = self.x, r.chance(0.5)
        a, b, c = r.uniform(0, 6.3), r.uniform(0, 6.3), r.uniform(0.06, 0.16)
        waves = c * (1 + 0.6 * (2.1 * x + a).sin() + 0.4 * (4.7 * x + b).sin())
        roofs = r.fill(16).gather(1, ((x + 1.3) * 6).long().clamp(0, 15).flatten(1)).view_as(x)
        skyline = torch.where(town > 0, 0.06 + 0.16 * roofs, waves)
        hue = torch.where(
            town[:, None] > 0, rgb("#b9aca6").view(1, 3, 1, 1), rgb("#8aa48c").view(1, 3, 1, 1)
        )
        hue = hue + 0.45 * self.snow * (SNOW - hue)
        light = self.shade + (self.sun - self.shade) * (0.8 - 0.75 * self.night[:, None])
        far = self.low + 0.5 * (hue * light - self.low)
        self.image = paint(self.image, cover(self.horizon - skyline - self.y, self.unit), far)

    def paint_ground(self, r: Randoms, ground: Tensor) -> None:
        """Paving, a lawn with a path, or a quay and water; under snow in winter.        # ground: [B]"""
        deep = (self.y - self.horizon).clamp(min=1e-3)
        square, lawn, water = ((ground == k).float().view(-1, 1, 1) for k in range(3))
        hue = pick(GROUND, ground) * (1 + 0.1 * (r.fill(3, 1, 1) - 0.5))
        hue = hue + 0.5 * lawn[:, None] * (self.season == 1).view(-1, 1, 1, 1) * (
            rgb("#b7a566").view(1, 3, 1, 1) - hue
        )
        hue = hue + 0.85 * self.snow * (1 - water[:, None]) * (SNOW - hue)
        rows = part_of(0.9 / (deep + 0.12) + r.uniform())
        across = part_of(self.x / (deep + 0.12) * 0.9 + r.uniform())
        fade = share(deep, 0.02, 0.4) * (1 - 0.7 * self.snow[:, 0])
        joint = torch.maximum(
            share((rows - 0.5).abs(), 0.42, 0.5), share((across - 0.5).abs(), 0.42, 0.5)
        )
        tone = 1.03 - 0.12 * deep - 0.10 * fade * square * joint
        tone = tone + 0.035 * lawn * fade * (23 * rows).sin()
        self.lay(self.horizon - self.y, hue * tone[:, None])
        path = (self.x - r.uniform(-0.2, 0.2)).abs() - 0.09 - 0.45 * deep
        self.lay(
            torch.maximum(path, self.horizon - self.y),
            pick(rgb("#d6c6a4"), 0 * ground),
            opacity=0.8 * lawn,
        )

    def paint_trees(
        self, r: Randoms, count: int, likely, near: float = 0.0, inner: float = 0.45
    ) -> None:
        """Trees at the sides: a trunk and a crown of three puffs, lit from above.

        `near` 0 puts them behind the building, 1 before it.
        """
        for _ in range(count):
            on, tall = r.chance(likely), r.uniform(0.3, 0.55) * (1 + 0.5 * near * r.uniform())
            x = self.x - (2 * r.chance(0.5) - 1) * r.uniform(inner, 1.05)
            y = self.y - self.horizon - 0.04 - 0.25 * near * r.uniform()
            leaf = pick(LEAVES, r.choice(3) + 3 * (self.season == 1)) * (
                0.9 + 0.15 * r.uniform()[:, None]
            )
            leaf = leaf + 0.65 * self.snow * (SNOW - leaf)
            fir = r.chance(0.3)
            crown = torch.full_like(self.x, 9.0)
            for dx, dy, k in ((-0.17, 0.52, 0.2), (0.17, 0.56, 0.2), (0.0, 0.78, 0.24)):
                wobble = r.uniform(0.85, 1.15)
                crown = torch.minimum(
                    crown, circle(x - dx * tall, y + dy * tall, k * tall * wobble)
                )
            saw = 0.5 * tall * (1 + y / (1.05 * tall)) - 0.05 * tall * (part_of(-y / tall * 4))
            needle = torch.maximum(x.abs() - 0.75 * saw, y + 0.15 * tall)
            crown = torch.where(fir > 0, 0.8 * needle, crown)
            self.lay(
                box(x, y + 0.2 * tall, 0.035 * tall, 0.22 * tall),
                pick(rgb("#6e5442"), 0 * self.time),
                opacity=on,
            )
            side = share(self.side * x / tall - y / tall - 0.55, -0.45, 0.4)
            self.lay(crown, leaf, (0.95 - 0.7 * side) * (1 - 0.88 * self.night), on)

    def paint_people(self, r: Randoms, count: int, likely: float, dry: Tensor) -> None:
        """Walkers with a shadow at their feet; where it is not `dry` [B, 1, 1] they stay on the quay."""
        for _ in range(count):
            on, deep = r.chance(likely), 0.05 + 0.27 * r.uniform() * dry
            tall = 0.13 + 0.42 * deep
            x, y = (self.x - r.uniform(-0.95, 0.95)) / tall, (self.y - self.horizon - deep) / tall
            coat, legs, skin = r.colour(CLOTHES), r.colour(CLOTHES), r.colour(SKIN)
            self.unit = self.pixel / tall
            self.lay(
                ellipse(x - 0.2 * self.side, y, 0.34, 0.06),
                pick(rgb("#4a4a55"), 0 * self.time),
                opacity=0.35 * on,
            )
            self.lay(box(x, y + 0.24, 0.12, 0.25, 0.04), 0.75 * legs, opacity=on)
            self.lay(box(x, y + 0.60, 0.18, 0.24, 0.12), coat, opacity=on)
            self.lay(circle(x, y + 0.93, 0.115), skin, opacity=on)
            self.lay(torch.maximum(circle(x, y + 0.95, 0.13), y + 0.96), r.colour(HAIR), opacity=on)
        self.unit = torch.full_like(self.tilt, self.pixel)

    def paint_car(self, r: Randoms, likely: float, dry: Tensor) -> None:
        """A car parked in the foreground."""
        on, deep = r.chance(likely) * dry, r.uniform(0.2, 0.38)
        x, y = self.x - r.uniform(-0.8, 0.8), self.y - self.horizon - deep
        self.lay(
            ellipse(x, y + 0.005, 0.27, 0.03),
            pick(rgb("#3d3d46"), 0 * self.time),
            opacity=0.45 * on,
        )
        hue = r.colour(CLOTHES)
        self.lay(box(x, y + 0.15, 0.145, 0.07, 0.05), hue, opacity=on)
        self.lay(
            box(x.abs() - 0.06, y + 0.155, 0.05, 0.04, 0.015),
            pick(rgb("#4a5866"), 0 * self.time),
            opacity=on,
        )
        self.lay(box(x, y + 0.075, 0.235, 0.05, 0.035), hue, opacity=on)
        self.lay(
            circle(x.abs() - 0.14, y + 0.025, 0.045),
            pick(rgb("#2e2f34"), 0 * self.time),
            opacity=on,
        )

    def paint_selfie(self, r: Randoms, likely: float) -> None:
        """Somebody's head and shoulder, big in a corner."""
        on, big = r.chance(likely), r.uniform(0.26, 0.36)
        x = (self.x - (2 * r.chance(0.5) - 1) * r.uniform(0.55, 0.8)) / big
        y = (self.y - r.uniform(0.55, 0.72)) / big
        self.unit, hair, skin = self.pixel / big, r.colour(HAIR), r.colour(SKIN)
        self.lay(ellipse(x, y + 0.15, 0.98, 1.15), hair, opacity=on)
        self.lay(ellipse(x, y - 2.5, 1.9, 1.5), r.colour(CLOTHES), opacity=on)
        self.lay(box(x, y - 1.0, 0.32, 0.45, 0.1), 0.88 * skin, opacity=on)
        cheek = (0.9 - 0.35 * share(self.side * x, 0.1, 0.9)) * (1 - 0.6 * self.night)
        self.lay(ellipse(x, y - 0.05, 0.78, 1.0), skin, cheek, on)
        self.lay(
            ellipse(x.abs() - 0.3, y - 0.02, 0.09, 0.11),
            pick(rgb("#3b2f2b"), 0 * self.time),
            opacity=on,
        )
        self.lay(
            torch.maximum(ellipse(x, y - 0.42, 0.26, 0.16), 0.45 - y),
            pick(rgb("#a8504a"), 0 * self.time),
            opacity=on,
        )
        self.lay(torch.maximum(ellipse(x, y + 0.15, 0.9, 1.1), y + 0.5 + 0.2 * x), hair, opacity=on)
        self.unit = torch.full_like(self.tilt, self.pixel)

    def paint_houses(self, r: Randoms, street: Tensor, on: Tensor) -> None:
        """Ordinary houses with gardens between, or a street of them wall to wall.        # both [B, 1, 1]"""
        pitch = r.uniform(0.55, 0.8) * (1 - 0.45 * street)
        at = (self.x + r.uniform(-0.4, 0.4)) / pitch + 8
        house = (at.long() % 8).flatten(1)
        of = lambda table: table.gather(1, house).view_as(at)  # noqa: E731  each house's own number
        x, h = (part_of(at) - 0.5) * pitch, self.horizon + 0.08 - self.y
        tall = (0.2 + 0.1 * of(r.fill(8))) * (1 + 1.1 * street)
        half = pitch * (0.34 + 0.16 * street)
        wall = HOUSES[of((r.fill(8) * len(HOUSES)).long())].permute(0, 3, 1, 2)
        roof = TILES[of((r.fill(8) * len(TILES)).long())].permute(0, 3, 1, 2)
        roof = roof + 0.75 * self.snow * (SNOW - roof)
        bright = (0.9 - 0.25 * street * of(r.fill(8))) * (1 - 0.85 * self.night)
        self.lay(block(x, h, half, 0.0, tall), wall * (0.9 + 0.3 * h)[:, None], bright, on)
        slope = (half + 0.03 - (h - tall) * (1.1 - 0.7 * street)).clamp(min=0)
        self.lay(block(x, h, slope, tall, tall + 0.2 - 0.05 * street), roof, 0.9 * bright, on)
        self.lay(block(x - 0.5 * half, h - tall, 0.03, 0.08, 0.25), wall * 0.7, bright, on)
        columns = 2 + (of(r.fill(8)) * 2).floor()
        cx, ch = (x / half * 0.5 + 0.5) * columns, h / 0.155
        room = torch.maximum(
            (part_of(cx) - 0.5).abs() * 2 * half / columns - 0.036,
            (part_of(ch) - 0.5).abs() * 0.155 - 0.045,
        )
        inside = on * ((x.abs() < half) & (h < tall - 0.02) & (h > 0))
        lamps = (
            r.fill(64)
            .gather(1, ((house * 8 + (cx.long() * 3 + ch.long()).flatten(1)) % 64).clamp(0, 63))
            .view_as(x)
        )
        lit = (lamps < 0.55 * self.night)[:, None].float()
        glass = 0.3 - 0.2 * self.night[:, None] + lit * (WARM - 0.1)
        self.lay(room - 0.012, pick(rgb("#f1ece0"), 0 * self.time), bright, inside)
        self.shine(cover(room, self.unit) * inside, glass.expand_as(self.image), 0.7 * lit[:, 0])

    def paint_country(self, r: Randoms, hills: Tensor, beach: Tensor) -> None:
        """Hills behind hills, or the sea with a sail, sand and a sunshade.        # both [B, 1, 1]"""
        for k in range(3):
            wave = (r.uniform(1.5, 3) * self.x + r.uniform(0, 6.3)).sin() + 0.4 * (
                r.uniform(4, 7) * self.x + r.uniform(0, 6.3)
            ).sin()
            line = self.horizon - 0.38 + 0.2 * k + r.uniform(0.05, 0.13) * wave
            green = torch.lerp(
                pick(rgb("#9fb5ac"), 0 * self.time), r.colour(LEAVES[:3]), 0.3 + 0.35 * k
            )
            green = green + 0.7 * self.snow * (SNOW - green)
            self.lay(
                line - self.y,
                green * (1.08 - 0.3 * (self.y - line).clamp(0, 0.6))[:, None],
                opacity=hills,
            )
        sea, deep = self.horizon - r.uniform(0.05, 0.3), self.y - self.horizon
        foam = 0.5 + 0.5 * ((deep * 55) + 2 * (5 * self.x).sin()).sin()
        blue = pick(rgb("#5f9fb4"), 0 * self.time) * (0.95 + 0.07 * foam)[:, None]
        self.lay(sea - self.y, blue, opacity=beach)
        x, y = self.x - r.uniform(-0.7, 0.7), self.y - sea - 0.04
        self.lay(
            block(x, -y, (0.17 + y).clamp(min=0) * 0.5, 0.0, 0.2),
            pick(rgb("#f4efe4"), 0 * self.time),
            opacity=beach,
        )
        shore = self.horizon + 0.08 + 0.04 * (2.5 * self.x + r.uniform(0, 6.3)).sin() - self.y
        self.lay(shore - 0.02, pick(rgb("#eef3f1"), 0 * self.time), opacity=beach)
        self.lay(
            shore,
            pick(rgb("#dfc797"), 0 * self.time) * (1.02 + 0.12 * shore)[:, None],
            opacity=beach,
        )
        x, y = self.x - r.uniform(-0.7, 0.7), self.y - self.horizon - 0.32
        self.lay(
            ellipse(x - 0.1 * self.side, y, 0.24, 0.035),
            pick(rgb("#6f6353"), 0 * self.time),
            opacity=0.5 * beach,
        )
        self.lay(box(x, y + 0.2, 0.01, 0.2), pick(rgb("#8c7a66"), 0 * self.time), opacity=beach)
        cloth = torch.where(
            ((torch.atan2(x, -y - 0.24) * 3.2) % 2 < 1)[:, None], r.colour(CLOTHES), SNOW
        )
        self.lay(torch.maximum(ellipse(x, y + 0.28, 0.25, 0.2), y + 0.28), cloth, opacity=beach)

    def reflect(self, r: Randoms, shore: Tensor, water: Tensor) -> None:
        """Mirror what stands above `shore` in the water below it, darker and rippled.        # both [B, 1, 1]"""
        deep = (self.y - shore).clamp(min=0)
        ripple = (
            0.02 * (deep * 60 / (1 + 2 * deep) + r.uniform(0, 6.3)).sin() * share(deep, 0, 0.15)
        )
        x, y = turned(self.x + ripple, shore - deep * 1.15, -self.tilt)
        mirrored = F.grid_sample(
            self.image, torch.stack([x, y], -1), padding_mode="border", align_corners=False
        )
        tint = pick(GROUND, 0 * self.time + 2) * (
            self.shade + (self.sun - self.shade) * (0.5 - 0.4 * self.night[:, None])
        )
        alpha = cover(shore - self.y, self.unit) * water
        self.image = paint(self.image, alpha, 0.68 * mirrored + 0.26 * tint)
        self.glow = self.glow * (1 - 0.7 * alpha)

    def photograph(self, r: Randoms, user: bool) -> Tensor:
        """Let lamps glow, then expose, filter, blur: the finished picture.        # [B, 3, H, W] in 0..1"""
        wide = max(3, round(0.09 / self.pixel) * 2 + 1)
        halo = F.avg_pool2d(self.glow[:, None], wide, 1, wide // 2)
        image = self.image + 0.55 * halo * WARM
        image = image * ((0.06 if user else 0.02) * r.normal()).exp()[:, None]
        look, amount = r.choice(8), 0.5 + 0.5 * r.uniform()[:, None]  # of 8, four change nothing
        rare, soft = r.chance(0.3)[:, 0, 0], r.chance(0.25)[:, None] * r.uniform(0.3, 1)[:, None]
        if not user:
            return image.clamp(0, 1)
        look = torch.where((look >= 4) | ((look == 3) & (rare == 0)), 4, look)
        gain, grey, lift = LOOKS[look][:, :, :, None, None].unbind(1)  # each [B, 3, 1, 1]
        gain, grey, lift = 1 + amount * (gain - 1), amount * grey, amount * lift
        image = image * gain + grey * image.mean(1, keepdim=True) + lift
        padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
        image = torch.lerp(image, F.avg_pool2d(padded, 3, 1), soft)
        return (image + 0.03 * (r.fill(1, *image.shape[2:]) - 0.5)).clamp(0, 1)
