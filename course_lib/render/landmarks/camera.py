"""The camera that took a photo: lamps glow, users' pictures are filtered, blurred and grainy, and posted twice."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.render.canvas import Randoms
from course_lib.render.landmarks.photo import DUSK, WARM, Scene, among

LOOKS = torch.tensor([  # filters: times, plus grey times, plus - for red, green, blue
    [[1.08, 1.0, 0.86], [0, 0, 0], [0, 0, 0]],              # warm
    [[0.9, 0.99, 1.08], [0, 0, 0], [0, 0, 0]],              # cold
    [[0.55, 0.55, 0.55], [0.2, 0.2, 0.2], [0.15, 0.15, 0.15]],  # faded
    [[0, 0, 0], [1, 1, 1], [0, 0, 0]],                      # black and white
])  # fmt: skip
GREY = 3


def photograph(scene: Scene, user: bool) -> Tensor:
    """Expose, and in users' photos filter and blur: the finished pictures.        # [B, 3, H, W] in 0..1"""
    with scene.where(among(scene.time, DUSK) + scene.night) as evening:
        let_lamps_glow(evening)
    exposure = (0.06 if user else 0.02) * scene.r.normal()
    scene.image.mul_(exposure.exp()[:, None])
    if user:
        process(scene)
    return scene.image.clamp_(0, 1)


def let_lamps_glow(scene: Scene) -> None:
    """Light spreads around what shines, as it does in a lens."""
    wide = max(3, round(0.09 / scene.pixel) * 2 + 1)
    if scene.count:
        halo = F.avg_pool2d(scene.glow[:, None], wide, 1, wide // 2)
        scene.image.add_(0.55 * halo * WARM)


def process(scene: Scene) -> None:
    """A filter in nearly every second photo, a soft lens in every fourth, grain in all."""
    r, height = scene.r, scene.image.shape[-1]
    look, amount = r.choice(8), 0.5 + 0.5 * r.uniform()[:, None]  # 4 to 7: no filter
    filtered = (look < GREY) | ((look == GREY) & (r.choice(10) < 3))  # grey is rarer
    with scene.where(filtered) as few:
        gain, grey, lift = LOOKS[few.own(look)][:, :, :, None, None].unbind(1)  # each [b, 3, 1, 1]
        mean = few.image.mean(1, keepdim=True)
        few.image.lerp_(few.image * gain + grey * mean + lift, few.own(amount))
    with scene.where(r.chance(0.25)) as soft:
        strength = soft.r.uniform(0.25, 0.7)[:, None]
        if soft.count:
            padded = F.pad(soft.image, (1, 1, 1, 1), mode="replicate")
            soft.image.lerp_(F.avg_pool2d(padded, 3, 1), strength)
    scene.image.add_(0.03 * (r.fill(1, height, height) - 0.5))


def copied(images: Tensor, r: Randoms, copy: Tensor) -> Tensor:
    """The same photo posted again: cropped by a few per cent, a little lighter or darker. Copy 0 is the photo."""
    crop, sign = r.uniform(0.92, 0.97)[:, 0], 2 * r.chance(0.5) - 1
    light = (r.uniform(0.04, 0.12) * sign).exp()[:, None]
    shift = (1 - crop) * (2 * r.fill(2) - 1)  # [B, 2]
    across = torch.stack([crop, 0 * crop, shift[:, :1]], 2)  # [B, 1, 3]
    down = torch.stack([0 * crop, crop, shift[:, 1:]], 2)
    grid = F.affine_grid(torch.cat([across, down], 1), list(images.shape), align_corners=False)
    sharp = {"mode": "bicubic", "padding_mode": "border", "align_corners": False}
    again = (F.grid_sample(images, grid, **sharp) * light).clamp(0, 1)
    return torch.where((copy > 0).view(-1, 1, 1, 1), again, images)
