"""What things stand before in a drawn scene: ground, sky or wall, and how far away each is."""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, cover, paint, rgb

NEAR, FAR = 2.0, 12.0  # metres: the ground at the lower edge; where the ground ends, at sky or wall

STYLES = ("meadow", "sand", "room", "street", "snow")
# The colours of the sky (or wall) from above to below, of the ground from far to near, of what lies on it, of what
# stands at its end, and of the edge of water.
SKIES = rgb("#b7d3e0", "#bfdbe4", "#e4d8c4", "#c9d3de", "#bcd0e2")
HAZES = rgb("#e9f0ea", "#f4ead6", "#dccdb4", "#ece5dd", "#f3e4dc")
GROUNDS = rgb("#b3c592", "#eddfbb", "#c8a883", "#bdb9b4", "#e9eef2")
SOILS = rgb("#8cab69", "#dbc294", "#ad8660", "#9a9795", "#f0f3f6")
MARKS = rgb("#f1ead0", "#b59a6c", "#8f6b4a", "#e8e2d3", "#c3d1e0")
ENDS = rgb("#a3b998", "#9cc0c8", "#f1e7d3", "#b4b9c4", "#9db4b8")
SHORES = rgb("#d8cd9a", "#c9ab78", "#8f6b4a", "#d6d2ca", "#fbfcfd")
# How strong each pattern is on which ground, and how high what stands at its end.
DOTS = torch.tensor([0.75, 0.55, 0.0, 0.15, 0.35])  # flowers, pebbles, footprints
WAVES = torch.tensor([0.1, 0.25, 0.0, 0.0, 0.0])  # ripples
DRIFTS = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.9])  # of snow
BOARDS = torch.tensor([0.0, 0.0, 0.5, 0.6, 0.0])  # floorboards, lanes
EVERY = torch.tensor([1.0, 1.0, 0.6, 2.2, 1.0])  # metres from one to the next
PAPER = torch.tensor([0.0, 0.0, 0.3, 0.0, 0.0])  # stripes on the wall
CLOUDS = torch.tensor([0.7, 0.5, 0.0, 0.4, 0.6])
HEIGHTS = torch.tensor([0.1, 0.012, 0.02, 0.0, 0.02])  # of hills, the sea, the skirting board
ROOFS = torch.tensor([0.0, 0.0, 0.0, 0.14, 0.0])  # of a street's skyline
FIRS = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.1])  # of a wood in the snow


def choose_style(index: Tensor, seed: int, outdoors: Tensor) -> Tensor:
    """A place in `STYLES` for each scene; no room where it must be outdoors.        # [B] bool -> [B] int64"""
    r = Randoms("backdrop style", seed, index)
    anywhere, open_air = r.choice(len(STYLES)), r.choice(len(STYLES) - 1)
    room = STYLES.index("room")
    open_air = open_air + (open_air >= room)
    return torch.where(outdoors & (anywhere == room), open_air, anywhere)


def draw_backdrop(
    index: Tensor, seed: int, size: int, horizon: Tensor, style: Tensor
) -> tuple[Tensor, Tensor]:
    """The empty scene, and how far away it is.

    Args:
        index, seed: of the scenes.                                # [B] int64
        size: side of a picture in pixels.
        horizon: the row of the horizon, in pixels.                # [B, 1]
        style: places in `STYLES`.                                 # [B] int64
    Returns:
        The pictures; metres.                                      # [B, 3, size, size], [B, size, size]
    """
    r = Randoms("backdrop", seed, index)
    row, column = (torch.arange(size) + 0.5)[None, :, None], (torch.arange(size) + 0.5)[None, None]
    end_row = horizon[:, :, None]
    near = (row - end_row) / (size - end_row)  # 1 at the lower edge, 0 at the horizon
    end = near - NEAR / FAR  # above 0 on the ground
    depth = (NEAR / near.clamp(min=1e-3)).clamp(max=FAR).expand(-1, -1, size)
    clouds = r.clouds(5, size, size)[:, 0]
    top = size // 2  # the ground ends above the middle: no sky is needed below
    sky = draw_sky(r, style, row[:, :top] / size, column / size, end[:, :top])
    picture = draw_ground(r, style, column / size, near, clouds)
    above = cover(end[:, :top], 1.2 / size)
    picture[:, :, :top] = paint(picture[:, :, :top], above, sky)
    tint = 1 + 0.06 * (r.fill(3, 1, 1) - 0.5)
    return (picture * tint).clamp(0, 1), depth


def draw_sky(r: Randoms, style: Tensor, down: Tensor, right: Tensor, end: Tensor) -> Tensor:
    """Sky or wall, and what stands at the end of the ground.

    Args:
        r, style: as in `draw_backdrop`.
        down, right: 0..1 from the upper and from the left edge.   # [1, H, 1], [1, 1, W]
        end: above 0 on the ground.                                # [B, H, 1]
    Returns:
        The pictures.                                              # [B, 3, H, W]
    """
    of, size = rows_of(style), right.shape[-1]
    sky = of(SKIES) + (down / 0.35).clamp(0, 1)[:, None] * (of(HAZES) - of(SKIES))
    long_clouds = r.clouds(6, size // 4 + 1, size)[:, 0].repeat(1, 2, 1)[:, : down.shape[1]]
    puffs = of(CLOUDS) * (3.5 * long_clouds - 2).clamp(0, 1)
    sky = paint(sky, puffs, rgb("#ffffff")[:, :, None, None])
    sky = paint(sky, of(PAPER) * (wave(right * 9) > 0.5), of(HAZES) * 0.93)
    high = of(HEIGHTS) * (0.4 + r.clouds(4, 1, size)[:, 0])
    high = high + of(ROOFS) * r.fill(1, 9).repeat_interleave(-(-size // 9), 2)[:, :, :size]
    firs = (0.45 + 0.55 * r.fill(1, 22)).repeat_interleave(-(-size // 22), 2)[:, :, :size]
    high = high + of(FIRS) * firs * wave(
        (torch.arange(size) + 0.5) / -(-size // 22)
    )  # a triangle each
    return paint(sky, cover(-end - high, 1.2 / size), of(ENDS))


def draw_ground(r: Randoms, style: Tensor, right: Tensor, near: Tensor, clouds: Tensor) -> Tensor:
    """The ground from the horizon to the lower edge.

    Args:
        r, style, right: as in `draw_sky`.
        near: 1 at the lower edge, 0 at the horizon.               # [B, H, 1]
        clouds: smooth noise.                                      # [B, H, W]
    Returns:
        The pictures.                                              # [B, 3, H, W]
    """
    of, size = rows_of(style), right.shape[-1]
    z = NEAR / near.clamp(min=NEAR / FAR)  # metres ahead, [B, H, 1]
    x = (right - 0.5) * z + r.uniform(0, 9)  # metres to the right, [B, H, W]
    ground = of(GROUNDS) + near.clamp(0, 1)[:, None] * (of(SOILS) - of(GROUNDS))
    fading = near.clamp(0, 1).sqrt()  # what is too fine to be seen far off
    bend = 0.25 * (2.2 * x).sin() + 0.8 * clouds
    root = near.clamp(min=0).sqrt()
    ripples = (wave(9 * root + bend) - 0.75).clamp(min=0) * 4
    slopes = torch.remainder(4 * root + 0.6 * bend, 1)
    drifts = slopes.square() * (6 - 6 * slopes).clamp(max=1)  # dark slowly, then light at once
    boards = cover(wave(x / of(EVERY)) - 0.06, 0.03 * z)
    spots = dots(3 * x, 3 * z, 0.12, 0.05 * z)
    bare = (1 - of(WAVES) * ripples) * (1 - of(DOTS) * spots)
    bare = bare * (1 - of(DRIFTS) * fading * drifts) * (1 - of(BOARDS) * fading * boards)
    ground = paint(ground, 1 - bare, of(MARKS))
    grain = r.clouds(24, size, size)[:, 0] + clouds - 1
    return ground * (1 + 0.06 * grain[:, None])


def rows_of(style: Tensor):
    """A function that looks up each scene's row of a table: [K] -> [B, 1, 1], [K, 3] -> [B, 3, 1, 1]."""
    return lambda table: table[style].view(-1, *[3] * (table.ndim - 1), 1, 1)


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
