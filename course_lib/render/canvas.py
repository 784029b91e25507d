"""What every drawn picture is made of: random numbers that belong to an index, shapes, and paint.

A *shape* is a signed distance: at every pixel, how far it is to the shape's edge, negative inside. Shapes are united
by `torch.minimum`, cut by `torch.maximum`, and painted with edges one pixel soft. Everything is drawn for a whole
batch at once: numbers that differ from picture to picture are tensors [B, 1, 1], and pixels are [B, H, W].

Coordinates: x to the right and y down, (0, 0) in the middle, the shorter side from -1 to 1.
"""

import hashlib

import torch
from torch import Tensor
from torch.nn import functional as F

MASK = (1 << 62) - 1


def mix(bits: Tensor) -> Tensor:
    """Scramble 64-bit integers so that neighbours have nothing in common (Steele and others, SplitMix64, 2014)."""
    bits = (bits ^ ((bits >> 30) & MASK >> 28)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    bits = (bits ^ ((bits >> 27) & MASK >> 25)) * -7723592293110705685  # 0x94D049BB133111EB
    return bits ^ ((bits >> 31) & MASK >> 29)


class Randoms:
    """Random numbers for a batch of pictures, each picture's own: the same in whatever batch it is drawn.

    A number is a hash of (name, seed, index, how many were asked for before). No generator is shared, so that picture
    4,711 can be drawn alone, and on any machine.

    Args:
        name: of the set; sets with different names have nothing in common.
        seed: any integer.
        index: the pictures' numbers.                      # [B] int64

    >>> alone = Randoms("doc", seed=0, index=torch.tensor([7])).uniform()
    >>> among = Randoms("doc", seed=0, index=torch.tensor([3, 7, 9])).uniform()
    >>> bool(alone[0] == among[1]), alone.shape
    (True, torch.Size([1, 1, 1]))
    """

    def __init__(self, name: str, seed: int, index: Tensor):
        start = int.from_bytes(hashlib.sha256(f"{name} {seed}".encode()).digest()[:7], "big")
        self.state = mix(mix(index.long() + start))  # [B]
        self.asked = 0

    def fill(self, *shape: int) -> Tensor:
        """Uniform numbers in 0..1 of any shape for each picture.        # [B, *shape]"""
        count = int(torch.tensor(shape).prod()) if shape else 1
        places = (
            torch.arange(self.asked, self.asked + count) * -7046029254386353131
        )  # 0x9E3779B97F4A7C15
        self.asked += count
        bits = mix(self.state[:, None] + places)  # [B, count]
        return ((bits >> 40) & 0xFFFFFF).float().div(1 << 24).view(-1, *shape)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """One number for each picture, even between low and high.        # [B, 1, 1]"""
        return low + (high - low) * self.fill(1, 1)

    def normal(self, spread: float = 1.0) -> Tensor:
        """One number for each picture, bell-shaped around 0, never beyond 3.5 spreads.        # [B, 1, 1]"""
        return spread * (self.fill(12).sum(1) - 6).clamp(-3.5, 3.5).view(-1, 1, 1)

    def chance(self, probability: float | Tensor) -> Tensor:
        """1 with that probability, else 0.        # [B, 1, 1]"""
        return (self.fill(1, 1) < probability).float()

    def choice(self, count: int) -> Tensor:
        """A whole number from 0 to count - 1.        # [B] int64"""
        return (self.fill() * count).long().clamp(max=count - 1).view(-1)

    def colour(self, table: Tensor) -> Tensor:
        """A row of a table of colours [K, 3], at random.        # [B, 3, 1, 1]"""
        return table[self.choice(len(table))][:, :, None, None]

    def clouds(self, cells: int, height: int, width: int, channels: int = 1) -> Tensor:
        """Smooth noise with `cells` blobs from side to side.        # [B, channels, height, width] in about 0..1"""
        coarse = self.fill(channels, cells, cells)
        fine = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
        return fine.clamp(0, 1)


def pixels(height: int, width: int | None = None) -> tuple[Tensor, Tensor, float]:
    """Where the pixels are: x and y of their middles, and the size of one.

    Returns:
        x, y, size.                                        # [1, H, W], [1, H, W], a number
    """
    width = width or height
    size = 2 / min(height, width)
    y = (torch.arange(height) + 0.5 - height / 2) * size
    x = (torch.arange(width) + 0.5 - width / 2) * size
    return x.expand(1, height, width), y[:, None].expand(1, height, width), size


def turned(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """The same pixels seen by someone turned by `angle` radians (clockwise on the screen)."""
    cos, sin = angle.cos(), angle.sin()
    return cos * x + sin * y, cos * y - sin * x


def ellipse(x: Tensor, y: Tensor, rx, ry) -> Tensor:
    """An ellipse around (0, 0) with half-axes rx and ry. (Near the edge exact enough to paint.)"""
    k = ((x / rx).square() + (y / ry).square() + 1e-9).sqrt()
    slope = ((x / rx**2).square() + (y / ry**2).square() + 1e-9).sqrt() / k
    return (k - 1) / slope


def circle(x: Tensor, y: Tensor, radius) -> Tensor:
    return (x.square() + y.square() + 1e-9).sqrt() - radius


def box(x: Tensor, y: Tensor, half_width, half_height, corner=0.0) -> Tensor:
    """A rectangle around (0, 0), its corners rounded by `corner`."""
    dx, dy = x.abs() - half_width + corner, y.abs() - half_height + corner
    outside = (dx.clamp(min=0).square() + dy.clamp(min=0).square() + 1e-9).sqrt()
    return outside + torch.maximum(dx, dy).clamp(max=0) - corner


def stroke(x: Tensor, y: Tensor, x1, y1, x2, y2, radius) -> Tensor:
    """A line from (x1, y1) to (x2, y2) with round ends, `radius` thick to each side."""
    dx, dy = x2 - x1, y2 - y1
    along = (((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy + 1e-9)).clamp(0, 1)
    return ((x - x1 - along * dx).square() + (y - y1 - along * dy).square() + 1e-9).sqrt() - radius


def polygon(x: Tensor, y: Tensor, corners: list[tuple]) -> Tensor:
    """A convex polygon; corners (x, y) in clockwise order on the screen."""
    edges = []
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        dx, dy = torch.as_tensor(x2 - x1), torch.as_tensor(y2 - y1)
        length = (dx.square() + dy.square() + 1e-9).sqrt()
        edges.append(
            ((x - x1) * dy - (y - y1) * dx) / length
        )  # > 0 to the left of the edge: outside
    return torch.stack(torch.broadcast_tensors(*edges)).amax(0)


def cover(shape: Tensor, size: float) -> Tensor:
    """How much of each pixel a shape covers, 0..1: an edge one pixel soft.        # [B, H, W]"""
    return (0.5 - shape / size).clamp(0, 1)


def paint(image: Tensor, alpha: Tensor, colour: Tensor) -> Tensor:
    """Lay paint over a picture.

    Args:
        image: the picture so far.                                    # [B, 3, H, W]
        alpha: how much the paint covers; `cover(shape, size)`.       # [B, H, W]
        colour: one for each picture, or one for each pixel.          # [B, 3, 1, 1] or [B, 3, H, W]
    Returns:
        The painted picture.                                          # [B, 3, H, W]
    """
    return torch.lerp(image, colour, alpha[:, None])


def rgb(*hexadecimal: str) -> Tensor:
    """A table of colours.        # [K, 3] in 0..1

    >>> rgb("#ff0000", "#808080")
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5020, 0.5020, 0.5020]])
    """
    return torch.tensor([[int(h[i : i + 2], 16) / 255 for i in (1, 3, 5)] for h in hexadecimal])
