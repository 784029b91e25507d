"""Pretext: by how many quarter turns was the image turned? Gidaris, Singh and Komodakis, 2018. (L2.05)"""

import torch
from torch import Tensor

from course_lib.arguments import check_tensor
from course_lib.self_supervision.encoder import MapEncoder, mlp
from course_lib.self_supervision.pretexts import Pretext


def rotations(images: Tensor) -> tuple[Tensor, Tensor]:
    """Every image four times: by how many quarter turns to the left was it turned?

    Args:
        images: squares.                                              # [N, C, S, S]
    Returns:
        Turned images, all upright ones first; quarter turns 0..3.    # [4N, C, S, S], [4N] int64
    Raises:
        TypeError, ValueError: no squares.
    """
    check_tensor("rotations", "[N, C, S, S]", images=images)
    if images.shape[2] != images.shape[3]:
        raise ValueError(f"rotations: images must be squares, got {tuple(images.shape)}")
    turned = torch.cat([images.rot90(k, (2, 3)) for k in range(4)])
    return turned, torch.arange(4).repeat_interleave(len(images))


class Rotation(Pretext):
    """Image -> features -> one of four quarter turns."""

    def __init__(self, encoder: MapEncoder):
        super().__init__(encoder)
        self.head = mlp(encoder.dim, 4)

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """[B, C, S, S] -> turned images [4B, C, S, S], quarter turns [4B]"""
        return rotations(images)

    def forward(self, shown: Tensor) -> Tensor:
        """[B, C, S, S] -> logits [B, 4]"""
        return self.head(self.encoder(shown))
