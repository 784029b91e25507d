"""What things stand before in a drawn scene: ground, sky or wall, and how far away each is."""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, cover, paint, rgb

NEAR, FAR = 2.0, 12.0  # metres: the ground at the lower edge; where the ground ends, at sky or wall

# Backdrops: meadow, sand, room, street, snow. The colours of the sky (or wall) from above to below, of the ground from
# far to near, of what lies on it, and of what stands at its end; then how strong each pattern is on which ground.
SKIES = rgb("#b7d3e0", "#bfdbe4", "#e4d8c4", "#c9d3de", "#c4d6e4")
HAZES = rgb("#e9f0ea", "#f4ead6", "#dccdb4", "#ece5dd", "#f1e6dd")
GROUNDS = rgb("#b3c592", "#eddfbb", "#c8a883", "#bdb9b4", "#dfe7ec")
SOILS = rgb("#8cab69", "#dbc294", "#ad8660", "#9a9795", "#cbd7e0")
MARKS = rgb("#f1ead0", "#b59a6c", "#8f6b4a", "#e8e2d3", "#f4f7f9")
ENDS = rgb("#a3b998", "#9cc0c8", "#f1e7d3", "#b4b9c4", "#b4c2c9")
DOTS = torch.tensor([0.75, 0.55, 0.0, 0.15, 0.4])  # flowers, pebbles
WAVES = torch.tensor([0.1, 0.25, 0.0, 0.0, 0.45])  # ripples
BOARDS = torch.tensor([0.0, 0.0, 0.5, 0.6, 0.0])  # floorboards, lanes
EVERY = torch.tensor([1.0, 1.0, 0.6, 2.2, 1.0])  # metres from one to the next
PAPER = torch.tensor([0.0, 0.0, 0.3, 0.0, 0.0])  # stripes on the wall
CLOUDS = torch.tensor([0.7, 0.5, 0.0, 0.4, 0.6])
HEIGHTS = torch.tensor([0.1, 0.012, 0.02, 0.0, 0.07])  # of hills, the sea, the skirting board
ROOFS = torch.tensor([0.0, 0.0, 0.0, 0.14, 0.0])  # of a street's skyline


def draw_backdrop(index: Tensor, seed: int, size: int, horizon: Tensor) -> tuple[Tensor, Tensor]:
    """The empty scene, and how far away it is.        # [B, 3, size, size], [B, size, size] metres"""
    r = Randoms("backdrop", seed, index)
    style = r.choice(len(SKIES))  # [B]
    row, column = (torch.arange(size) + 0.5)[None, :, None], (torch.arange(size) + 0.5)[None, None]
    end_row = horizon[:, :, None]
    near = (row - end_row) / (size - end_row)  # 1 at the lower edge, 0 at the horizon
    depth = (NEAR / near.clamp(min=1e-3)).clamp(max=FAR).expand(-1, -1, size)
    z = NEAR / near.clamp(min=NEAR / FAR)  # [B, size, 1] metres ahead
    x = (column / size - 0.5) * z + r.uniform(0, 9)  # [B, size, size] metres to the right

    def of(table: Tensor) -> Tensor:
        return table[style].view(-1, *[3] * (table.ndim - 1), 1, 1)

    clouds = r.clouds(5, size, size)[:, 0]
    sky = of(SKIES) + (row / size / 0.35).clamp(0, 1)[:, None] * (of(HAZES) - of(SKIES))
    long_clouds = r.clouds(6, size // 4 + 1, size)[:, 0].repeat(1, 4, 1)[:, :size]
    puffs = of(CLOUDS) * (3.5 * long_clouds - 2).clamp(0, 1)
    sky = paint(sky, puffs, rgb("#ffffff")[:, :, None, None])
    sky = paint(sky, of(PAPER) * (wave(column / size * 9) > 0.5), of(HAZES) * 0.93)
    end = near - NEAR / FAR  # above 0 on the ground
    hills = of(HEIGHTS) * (0.4 + r.clouds(4, 1, size)[:, 0])
    roofs = r.fill(1, 9).repeat_interleave(-(-size // 9), 2)[:, :, :size]
    sky = paint(sky, cover(-end - hills - of(ROOFS) * roofs, 1.2 / size), of(ENDS))

    ground = of(GROUNDS) + near.clamp(0, 1)[:, None] * (of(SOILS) - of(GROUNDS))
    bend = 0.25 * (2.2 * x).sin() + 0.8 * clouds
    ripples = (wave(9 * near.clamp(min=0).sqrt() + bend) - 0.75).clamp(min=0) * 4
    ground = paint(ground, of(WAVES) * ripples, of(MARKS))
    fading = near.clamp(0, 1).sqrt()  # too fine to see far off
    boards = cover(wave(x / of(EVERY)) - 0.06, 0.03 * z) * fading
    ground = paint(ground, of(BOARDS) * boards, of(MARKS))
    ground = paint(ground, of(DOTS) * dots(3 * x, 3 * z, 0.12, 0.05 * z), of(MARKS))
    grain = r.clouds(24, size, size)[:, 0] + clouds - 1
    ground = ground * (1 + 0.06 * grain[:, None])
    picture = paint(sky, cover(-end, 1.2 / size), ground)
    tint = 1 + 0.06 * (r.fill(3, 1, 1) - 0.5)
    return (picture * tint).clamp(0, 1), depth


def wave(x: Tensor) -> Tensor:
    """A triangle wave: 0 at whole numbers, 1 half-way between them."""
    return 1 - 2 * (torch.remainder(x, 1) - 0.5).abs()


def dots(x: Tensor, y: Tensor, radius: float, soft) -> Tensor:
    """One dot in some of the squares of a grid, each somewhere else in its square.        # 0..1"""
    i, j = x.floor(), y.floor()
    there = torch.remainder(0.618 * i + 0.414 * j, 1) < 0.4
    dx = x - i - 0.2 - 0.6 * torch.remainder(0.755 * i + 0.57 * j, 1)
    dy = y - j - 0.2 - 0.6 * torch.remainder(0.381 * i + 0.236 * j, 1)
    return there * cover((dx.square() + dy.square()).sqrt() - radius, soft)
