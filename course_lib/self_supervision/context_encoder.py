"""Pretext: draw what is missing. Pathak and others, Context Encoders, 2016. (L2.09)"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count, check_tensor
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.pretexts import Pretext

# The weight of the adversarial loss beside L2: with .02 the holes stay smooth, with .2 they turn grey.
ADVERSARIAL = 0.05


def with_hole(
    images: Tensor, side: int, corner: Tensor | None = None, fill: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Images with a square hole each, and where it is.

    Args:
        images: at least `side` pixels high and wide.                 # [N, C, H, W]
        side: of the hole in pixels.
        corner: row and column of each hole's upper left corner; None: it lies in the middle.   # [N, 2] int64
        fill: the value in the hole.
    Returns:
        The images with the hole, and a mask that is 1 in it.         # [N, C, H, W], [N, 1, H, W]
    Raises:
        TypeError, ValueError: no images, or smaller ones than the hole; a hole that lies partly outside.
    """
    check_tensor("with_hole", "[N, C, H, W]", images=images)
    check_count("with_hole", side=side)
    n, _, height, width = images.shape
    if min(height, width) < side:
        raise ValueError(f"with_hole: no hole of {side} pixels in images of {height} x {width}")
    if corner is None:
        corner = torch.tensor([[(height - side) // 2, (width - side) // 2]]).expand(n, 2)
    check_tensor("with_hole", f"[{n}, 2]", torch.int64, corner=corner)
    last = torch.tensor([height - side, width - side])
    if ((corner < 0) | (corner > last)).any():
        raise ValueError(
            f"with_hole: corners must lie in 0..{last.tolist()}, got {corner.tolist()}"
        )
    inside_row = _inside(torch.arange(height), corner[:, :1], side)  # [N, H]
    inside_column = _inside(torch.arange(width), corner[:, 1:], side)  # [N, W]
    mask = (inside_row[:, None, :, None] & inside_column[:, None, None, :]).to(images.device)
    return torch.where(mask, fill, images), mask.to(images.dtype)


def _inside(place: Tensor, first: Tensor, side: int) -> Tensor:
    return (place >= first) & (place < first + side)


class Decoder(nn.Sequential):
    """Maps of stride 8 -> an image: each step repeats pixels twice along each axis, and convolves.

    Transposed convolutions would do, too; theirs draw a lattice (Odena, Dumoulin and Olah, 2016).
    """

    def __init__(self, dim: int, channels: int = 3):
        super().__init__(
            *(nn.Upsample(scale_factor=2), nn.Conv2d(dim, 48, 3, padding=1), nn.ReLU()),
            *(nn.Upsample(scale_factor=2), nn.Conv2d(48, 24, 3, padding=1), nn.ReLU()),
            *(nn.Upsample(scale_factor=2), nn.Conv2d(24, channels, 3, padding=1)),
        )


class ContextEncoder(Pretext):
    """Image with a hole -> maps -> the whole image, of which the hole counts.

    Args:
        encoder: what is trained.
        side: of the hole in pixels; it lies anywhere.
    """

    def __init__(self, encoder: MapEncoder, side: int = 20):
        super().__init__(encoder)
        self.side, self.decoder = side, Decoder(encoder.dim, encoder.channels)

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """[B, C, H, W] -> with a hole [B, C, H, W], whole [B, C, H, W], mask [B, 1, H, W]"""
        room = torch.tensor(images.shape[2:]) - self.side + 1
        corner = (torch.rand(len(images), 2, generator=generator) * room).long()
        holed, mask = with_hole(images, self.side, corner)
        return holed, images, mask

    def forward(self, shown: Tensor) -> Tensor:
        """Images with a hole -> what the network draws [B, C, H, W]"""
        drawn = self.decoder(self.encoder.maps(shown)) + 0.5
        return drawn[..., : shown.shape[2], : shown.shape[3]]

    def loss(self, shown: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The mean squared error in the hole.   # []"""
        return squared_error(self(shown), target, mask)


def squared_error(drawn: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """The mean squared error where the mask is 1.   # []"""
    return ((drawn - target) ** 2 * mask).sum() / (mask.sum() * target.shape[1])


class Reversed(torch.autograd.Function):
    """The value as it is, its gradient with the other sign: what is before it climbs where what is behind descends."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return -gradient


class AdversarialContextEncoder(ContextEncoder):
    """The same with a second loss: a **discriminator** must not tell the drawn hole from a real one.

        minimise over the drawing, maximise over D:   L2 + w (log D(image) + log(1 - D(image with the drawn hole)))

    Both are trained in one step: the gradient that reaches the drawing through the discriminator is reversed (Ganin and
    Lempitsky, 2015). The paper alternates between the two, with .999 times L2 and .001 times the adversarial loss, and
    its discriminator sees the hole alone.
    """

    def __init__(self, encoder: MapEncoder, side: int = 20, weight: float = ADVERSARIAL):
        super().__init__(encoder, side)
        self.weight = weight
        self.discriminator = nn.Sequential(
            nn.Conv2d(encoder.channels, 32, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 1, 4, 2, 1),  # one judgement for each patch
        )

    def loss(self, shown: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The squared error in the hole, and what the discriminator says.   # []"""
        drawn = self(shown)
        pasted = torch.where(mask > 0, Reversed.apply(drawn), target)
        judged = [self.discriminator(2 * x - 1) for x in (target, pasted)]
        wrong = [
            F.binary_cross_entropy_with_logits(j, torch.full_like(j, truth))
            for j, truth in zip(judged, (1.0, 0.0), strict=True)
        ]
        return squared_error(drawn, target, mask) + self.weight * sum(wrong)
