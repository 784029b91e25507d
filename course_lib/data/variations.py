"""Random variations of pictures that leave alone what they show: turn, scale, shift, light."""

import torch
from torch import Tensor
from torch.nn import functional as F


def random_affine(
    images: Tensor,
    generator: torch.Generator,
    turn: float = 0.25,
    scale: float = 0.15,
    shift: float = 0.25,
) -> Tensor:
    """Turn, scale and shift every picture of a batch by its own random amounts; what comes in is black.

    Args:
        images: pictures.                                           # [B, C, H, W]
        generator: source of the random amounts.
        turn: largest angle, in radians, to either side.
        scale: largest change of size, as a share.
        shift: largest shift, in halves of the picture's side.
    Returns:
        Varied pictures.                                            # [B, C, H, W]

    torchvision's RandomAffine gives a whole batch one common amount; training wants one for each picture.
    """
    uniform = torch.rand(len(images), 4, generator=generator) * 2 - 1  # [B, 4] in -1..1
    angle, size, offset = turn * uniform[:, 0], 1 + scale * uniform[:, 1], shift * uniform[:, 2:]
    cos, sin = size * angle.cos(), size * angle.sin()
    matrix = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # [B, 2, 2]
    grid = F.affine_grid(
        torch.cat([matrix, offset[:, :, None]], 2), list(images.shape), align_corners=False
    )
    return F.grid_sample(images, grid, align_corners=False)


def random_light(images: Tensor, generator: torch.Generator, strength: float = 0.4) -> Tensor:
    """Put every picture under another lamp: brighter or darker, and warmer or cooler.

    Args:
        images: pictures in 0..1.                                   # [B, C, H, W]
        generator: source of the random amounts.
        strength: largest change of brightness, as a share; each colour changes by half of it on top.
    Returns:
        Varied pictures in 0..1.                                    # [B, C, H, W]
    """
    b, c = images.shape[:2]
    brightness = 1 + strength * (torch.rand(b, 1, 1, 1, generator=generator) * 2 - 1)
    tint = 1 + strength / 2 * (torch.rand(b, c, 1, 1, generator=generator) * 2 - 1)
    return (images * brightness * tint).clamp(0, 1)
