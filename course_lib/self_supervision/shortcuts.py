"""What a camera or a printer leaves in every image, whatever it shows, and a pretext task may use instead of looking.

Each takes images in 0..1 [N, 3, H, W] and gives images of the same shape; each has a cure. (L2.04, L2.05)
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_count, check_positive, check_share, check_tensor

DIGITS = ("111011101110", "001010100010", "111010100110", "100010100010", "111011101110")
ORANGE = torch.tensor([1.0, 0.55, 0.12])


def date_stamp(images: Tensor) -> Tensor:
    """The orange date that cameras wrote into the lower right corner: it tells a rotation what is up."""
    check_tensor("date_stamp", "[N, 3, H, W]", images=images)
    lit = torch.tensor([[digit == "1" for digit in row] for row in DIGITS])  # [5, 12]
    stamped = images.clone()
    corner = stamped[:, :, -7:-2, -14:-2]
    corner[...] = torch.where(lit, ORANGE.to(images.dtype)[:, None, None], corner)
    return stamped


def white_frame(images: Tensor, width: int = 2) -> Tensor:
    """The white border of a print: a tile that shows some of it tells where it comes from."""
    check_tensor("white_frame", "[N, 3, H, W]", images=images)
    check_count("white_frame", least=0, width=width)
    whole = [size - 2 * width for size in images.shape[2:]]
    inside = F.pad(torch.ones(whole, dtype=torch.bool), [width] * 4)
    return torch.where(inside, images, 0.93)


def aberration(images: Tensor, pixels: float = 2.0) -> Tensor:
    """A cheap lens: red is a little larger than green and blue a little smaller, about the middle.

    Args:
        images: in 0..1.                                              # [N, 3, H, W]
        pixels: how far red and blue are shifted at the edge.

    The shift points away from the middle, and so tells where in the image a tile was cut: Doersch and others, 2015.
    """
    check_tensor("aberration", "[N, 3, H, W]", images=images)
    check_positive("aberration", or_zero=True, pixels=pixels)
    half = images.shape[3] / 2
    moved = []
    for channel, scale in enumerate((1 / (1 + pixels / half), 1.0, 1 + pixels / half)):
        theta = torch.tensor([[scale, 0, 0], [0, scale, 0]]).expand(len(images), 2, 3)
        part = images[:, channel : channel + 1]
        grid = F.affine_grid(theta, list(part.shape), align_corners=False)
        moved.append(F.grid_sample(part, grid, align_corners=False, padding_mode="reflection"))
    return torch.cat(moved, dim=1)


def skylight(images: Tensor, strength: float = 0.5) -> Tensor:
    """Light from above: the upper edge is brighter by `strength`, the lower edge darker."""
    check_tensor("skylight", "[N, 3, H, W]", images=images)
    check_share("skylight", strength=strength)
    height = images.shape[2]
    down = (torch.arange(height) + 0.5) / height * 2 - 1
    return (images * (1 - strength * down)[:, None]).clamp(0, 1)


def without_border(images: Tensor, width: int) -> Tensor:
    """The cure of whatever sits at the edge: cut it off."""
    check_tensor("without_border", "[N, C, H, W]", images=images)
    check_count("without_border", least=0, width=width)
    height, across = images.shape[2:]
    return images[:, :, width : height - width, width : across - width]


def green_only(images: Tensor) -> Tensor:
    """The cure of chromatic aberration: one channel three times (grey is none, its shifted channels leave ghosts)."""
    check_tensor("green_only", "[N, 3, H, W]", images=images)
    return images[:, 1:2].expand_as(images)
