"""Random variations of images that leave alone what they show: turn, scale, shift, light."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_positive, check_share, check_tensor


def random_affine(
    images: Tensor,
    generator: torch.Generator,
    turn: float = 0.25,
    scale: float = 0.15,
    shift: float = 0.25,
) -> Tensor:
    """Turn, scale and shift every image of a batch by its own random amounts; what comes in is black.

    Args:
        images: float16, bfloat16, float32 or float64.               # [B, C, H, W]
        generator: source of the random amounts.
        turn: largest angle, in radians, to either side.
        scale: largest change of size, as a share.
        shift: largest shift, in halves of the image's side.
    Returns:
        Varied images, of the same type.                            # [B, C, H, W]
    Raises:
        TypeError, ValueError: not such a tensor; an amount below 0, a scale above 1.

    torchvision's RandomAffine gives a whole batch one common amount; training wants one for each image.
    """
    check_tensor("random_affine", "[B, C, H, W]", images=images)
    check_positive("random_affine", or_zero=True, turn=turn, shift=shift)
    check_share("random_affine", scale=scale)
    uniform = _uniform(images, (len(images), 4), generator)  # [B, 4] in -1..1
    if images.numel() == 0:
        return images.clone()
    angle, size, offset = turn * uniform[:, 0], 1 + scale * uniform[:, 1], shift * uniform[:, 2:]
    cos, sin = size * angle.cos(), size * angle.sin()
    matrix = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # [B, 2, 2]
    theta = torch.cat([matrix, offset[:, :, None]], 2)  # [B, 2, 3]
    # Half a pixel counts: autocast would compute the places in bfloat16.
    with torch.autocast(images.device.type, enabled=False):
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images.to(grid.dtype), grid, align_corners=False).to(images.dtype)


def random_light(images: Tensor, generator: torch.Generator, strength: float = 0.4) -> Tensor:
    """Put every image under another lamp: brighter or darker, and warmer or cooler.

    Args:
        images: in 0..1, of any floating-point type.                # [B, C, H, W]
        generator: source of the random amounts.
        strength: largest change of brightness, as a share; each colour changes by half of it on top.
    Returns:
        Varied images in 0..1, of the same type.                    # [B, C, H, W]
    Raises:
        TypeError, ValueError: not such a tensor; a strength outside 0..1.
    """
    check_tensor("random_light", "[B, C, H, W]", images=images)
    check_share("random_light", strength=strength)
    b, c = images.shape[:2]
    brightness = 1 + strength * _uniform(images, (b, 1, 1, 1), generator)
    tint = 1 + strength / 2 * _uniform(images, (b, c, 1, 1), generator)
    return (images * brightness * tint).clamp(0, 1).to(images.dtype)


def _uniform(images: Tensor, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Random numbers in -1..1 where `images` are, in their type or in float32 where theirs is narrower."""
    numbers = torch.rand(size, generator=generator, device=generator.device) * 2 - 1
    return numbers.to(images.device, torch.promote_types(images.dtype, torch.float32))
