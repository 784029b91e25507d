"""The network that every task of this room trains, and the small heads that are thrown away afterwards."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.arguments import check_count, check_tensor
from course_lib.embeddings.encoders import conv_blocks


class MapEncoder(nn.Module):
    """Convolutions, and the mean of their last maps: an image of any size becomes one vector.

    Args:
        channels: 1 for grey images, 3 for colour.
        widths: feature maps of each block.
        strides: 2 for a block that halves the image, 1 for one that keeps its size.

    >>> encoder = MapEncoder(3)
    >>> encoder.maps(torch.zeros(2, 3, 40, 40)).shape, encoder(torch.zeros(2, 3, 40, 40)).shape
    (torch.Size([2, 96, 5, 5]), torch.Size([2, 96]))
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int] = (24, 48, 96, 96),
        strides: Sequence[int] = (2, 2, 2, 1),
    ):
        super().__init__()
        check_count("MapEncoder", channels=channels)
        self.channels, self.dim, self.stride = (
            channels,
            widths[-1],
            torch.tensor(strides).prod().item(),
        )
        self.blocks = conv_blocks(channels, widths, strides)

    def maps(self, images: Tensor) -> Tensor:
        """Images in 0..1 [B, C, H, W] -> feature maps [B, dim, H', W']"""
        check_tensor("MapEncoder", f"[B, {self.channels}, H, W]", images=images)
        centred = (2 * images - 1).contiguous(memory_format=torch.channels_last)
        return self.blocks(centred)

    def forward(self, images: Tensor) -> Tensor:
        """Images in 0..1 [B, C, H, W] -> features [B, dim]"""
        return self.maps(images).mean(dim=(2, 3))


def mlp(inside: int, outside: int, hidden: int = 128) -> nn.Sequential:
    """Two layers with batch norm and ReLU between them."""
    return nn.Sequential(
        nn.Linear(inside, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outside)
    )
