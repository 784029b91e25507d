"""What is above and far behind: sky, sun and moon, stars, clouds, hills and roofs on the horizon."""

import torch

from course_lib.render.canvas import circle, cover, rgb
from course_lib.render.landmarks.photo import NOON, SNOW, Scene, among, ink, part_of, pick, share

SKY_TOP = rgb("#7fa9d3", "#5d98d2", "#5a6499", "#15204a")  # a row for each time
SKY_LOW = rgb("#fbe6cf", "#d8e9f3", "#f5b48a", "#46528a")
LAMP = rgb("#fff3dc", "#fff8ea", "#ffd9a8", "#f4efdc")  # the sun, or at night the moon
BLUISH = torch.tensor([0.96, 0.99, 1.03]).view(3, 1, 1)
CELLS = 7  # of stars, from side to side


def paint_sky(scene: Scene) -> None:
    """A gradient, greyer when overcast; then what stands in it."""
    top, low = pick(SKY_TOP, scene.time), pick(SKY_LOW, scene.time)
    top = top * (1 + 0.08 * (scene.r.fill(3, 1, 1) - 0.5))
    grey = (0.35 * top + 0.65 * low).mean(1, keepdim=True) * BLUISH
    top = torch.lerp(top, grey, 0.85 * scene.overcast)
    scene.low = torch.lerp(low, grey, 0.6 * scene.overcast)
    height = share(scene.y, -1.1, scene.horizon + 0.1)
    scene.image.copy_(top.expand_as(scene.image))
    scene.paint(height, scene.low)
    upper = scene.band(0.0, 0.75)
    with upper.where(1 - among(scene.time, NOON)) as early:  # at noon the sun is above the picture
        paint_sun(early)
    with upper.where(scene.night) as night:
        paint_stars(night)
    with upper.where(scene.r.chance(0.75)) as cloudy:
        paint_clouds(cloudy)


def paint_sun(scene: Scene) -> None:
    """The sun, or at night the moon, and light around it; both pale in an overcast sky."""
    r = scene.r
    far = circle(scene.x - r.uniform(-0.9, 0.9), scene.y - r.uniform(-0.85, -0.5), 0.0)
    clear = (1 - scene.overcast[:, 0]) * (0.25 + 0.75 * scene.night)
    light = clear * (0.4 * (-far * 5).exp() + 0.85 * cover(far - 0.07, scene.pixel))
    scene.paint(light, pick(LAMP, scene.time))


def paint_stars(scene: Scene) -> None:
    """One star somewhere in each of 7 x 7 cells."""
    places = scene.r.fill(2, CELLS * CELLS)
    x, y = (scene.x + 1.2) * 2.9, (scene.y + 1.2) * 2.9  # a cell is 1 wide
    cell = y.long().clamp(0, CELLS - 1) * CELLS + x.long().clamp(0, CELLS - 1)
    star_x, star_y = (0.15 + 0.7 * at.gather(1, cell.flatten(1)).view_as(x) for at in places.unbind(1))  # fmt: skip
    star = cover(circle(part_of(x) - star_x, part_of(y) - star_y, 0.03), 2.9 * scene.pixel)
    scene.image.add_((0.7 * star * (1 - scene.overcast[:, 0]))[:, None])


def paint_clouds(scene: Scene) -> None:
    """Two clouds of four puffs each."""
    numbers, nearest = 2 * scene.r.fill(2, 15, 1, 1) - 1, torch.tensor(9.0)  # in -1..1
    for cloud in numbers.unbind(1):
        (cx, cy, wide), puffs = cloud[:, :3].unbind(1), cloud[:, 3:].view(-1, 4, 3, 1, 1)
        x, y, wide = scene.x - cx, scene.y + 0.55 - 0.35 * cy, 1 + 0.3 * wide
        for aside, up, high in puffs.permute(1, 2, 0, 3, 4):
            dx = x / (0.2 * wide) - 1.65 * aside
            dy = (y - 0.045 * up) / ((0.085 + 0.025 * high) * wide)
            nearest = torch.minimum(nearest, dx.square() + dy.square())
    white = torch.lerp(scene.low, torch.tensor(1.0), 0.6 - 0.45 * scene.night[:, None])
    scene.paint(0.75 * share((-nearest).exp(), 0.15, 0.8), white)


def paint_backdrop(scene: Scene) -> None:
    """Far hills, or the roofs of a town, pale in the air between."""
    r, part = scene.r, scene.band(0.3, 1.0)
    x, town = part.x, r.chance(0.5)
    a, b, c = r.uniform(0, 6.3), r.uniform(0, 6.3), r.uniform(0.06, 0.16)
    hills = c * (1 + 0.6 * (2.1 * x + a).sin() + 0.4 * (4.7 * x + b).sin())
    roof = ((x + 1.3) * 6).long().clamp(0, 15).flatten(1)
    roofs = 0.06 + 0.16 * r.fill(16).gather(1, roof).view_as(x)
    skyline = torch.where(town > 0, roofs, hills)
    hue = torch.where(town[:, None] > 0, ink("#b9aca6"), ink("#8aa48c"))
    hue = torch.lerp(hue, SNOW, 0.45 * scene.snow)
    light = torch.lerp(scene.shade, scene.sun, 0.8 - 0.75 * scene.night[:, None])
    far = torch.lerp(scene.low, hue * light, 0.5)
    part.paint(cover(part.horizon - skyline - part.y, part.unit), far)
