"""Pretext: a damaged jigsaw - shuffled, one tile missing, without colours. Kim and others, 2018. (L2.08)"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_indices, check_tensor
from course_lib.self_supervision.context_encoder import Decoder
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.jigsaw import Jigsaw
from course_lib.self_supervision.tiled import maps_of_tiles
from course_lib.self_supervision.views import GREY

# Of 3, 10 and 30, on validation images: the two errors of drawing are small numbers beside a cross-entropy.
DRAWING = 3.0


def without_colours(images: Tensor) -> Tensor:
    """What a damaged jigsaw shows of images: their grey values, three times.   # [..., 3, H, W]"""
    return (images * GREY[:, None, None]).sum(dim=-3, keepdim=True).expand_as(images)


def damaged(tiles: Tensor, missing: Tensor, fill: float = 0.5) -> Tensor:
    """Tiles without colours, and one of each image blank.

    Args:
        tiles: in 0..1.                                               # [N, T, 3, h, w]
        missing: the place of the blank one.                          # [N] int64, 0..T-1
        fill: its value.
    Returns:
        Three equal channels.                                         # [N, T, 3, h, w]
    Raises:
        TypeError, ValueError: no colour tiles; not a place for each image, or one outside of 0..T-1.
    """
    check_tensor("damaged", "[N, T, 3, h, w]", tiles=tiles)
    check_tensor("damaged", f"[{len(tiles)}]", torch.int64, missing=missing)
    check_indices("damaged", tiles.shape[1], missing=missing)
    grey = without_colours(tiles).clone()
    grey[torch.arange(len(tiles)), missing] = fill
    return grey


class DamagedJigsaw(Jigsaw):
    """Damaged tiles -> their order, the tile that is missing, and the colours of the others: three heads.

    In the paper there are nine tiles, and the third head predicts two colour channels beside the given lightness.

    Args:
        encoder: shared by all tiles and heads.
        grid, size, shake, orders: as in `Jigsaw`; size a multiple of the encoder's stride.
    """

    def __init__(
        self, encoder: MapEncoder, grid: int = 2, size: int = 16, shake: int = 2, orders: int = 8
    ):
        super().__init__(encoder, grid, size, shake, orders)
        if size % encoder.stride:
            raise ValueError(
                f"DamagedJigsaw: size must be a multiple of {encoder.stride}, the encoder's stride, got {size}"
            )
        cells = size // encoder.stride
        self.imagine = nn.Sequential(
            nn.Linear(96 * grid**2, encoder.dim * cells**2),
            nn.Unflatten(1, (encoder.dim, cells, cells)),
        )
        self.draw, self.colour = Decoder(encoder.dim), Decoder(encoder.dim)

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """[B, 3, H, W] -> damaged tiles and whole ones [B, T, 3, size, size], orders [B], missing places [B]"""
        whole, which = super().make(images, generator)
        missing = torch.randint(self.grid**2, (len(images),), generator=generator)
        return damaged(whole, missing), whole, which, missing

    def forward(self, shown: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T, 3, size, size] -> logits of the order [B, K], the missing tile [B, 3, size, size], colours as shown"""
        maps = maps_of_tiles(self.encoder, shown)
        read = self.reader.read(maps, len(shown))
        coloured = (self.colour(maps) + 0.5).view_as(shown)
        return self.reader.answer(read), self.draw(self.imagine(read)) + 0.5, coloured

    def loss(self, shown: Tensor, whole: Tensor, which: Tensor, missing: Tensor) -> Tensor:
        """Cross-entropy of the order, squared errors of the missing tile and of the other tiles' colours.   # []"""
        logits, drawn, coloured = self(shown)
        rows = torch.arange(len(shown), device=shown.device)
        left = torch.ones(shown.shape[:2], dtype=torch.bool, device=shown.device)
        left[rows, missing] = False
        errors = F.mse_loss(drawn, whole[rows, missing]) + F.mse_loss(coloured[left], whole[left])
        return F.cross_entropy(logits, which) + DRAWING * errors

    @torch.no_grad()
    def accuracy(self, shown: Tensor, whole: Tensor, which: Tensor, missing: Tensor) -> float:
        """The share of right orders."""
        return (self(shown)[0].argmax(dim=1) == which).double().mean().item()
