"""Image -> CNN -> embedding (L1.04): a small convolutional encoder, and a classifier on top of it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count, check_tensor, shape


def conv_blocks(channels: int, widths: Sequence[int], strides: Sequence[int]) -> nn.Sequential:
    """Blocks of 3x3 convolution, batch norm and ReLU, one for each width; stride 2 halves the image.

    Raises:
        ValueError: not one stride for each width.

    >>> conv_blocks(3, widths=(16, 32), strides=(2, 1))(torch.zeros(5, 3, 8, 8)).shape
    torch.Size([5, 32, 4, 4])
    """
    if len(widths) != len(strides):
        raise ValueError(
            f"conv_blocks: every width needs a stride, got widths {list(widths)} and strides {list(strides)}"
        )
    blocks = []
    for before, after, stride in zip([channels, *widths[:-1]], widths, strides, strict=True):
        blocks += [
            nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*blocks)


class ConvEncoder(nn.Module):
    """A small convolutional network that maps an image to a vector.

    Each width is one of `conv_blocks`. What is left of the image is averaged to a few cells, so that any size fits,
    and projected to the embedding.

    Args:
        channels: 1 for grey images, 3 for colour.
        dim: length of the embedding.
        widths: feature maps of each block.
        strides: 2 for a block that halves the image, 1 for one that keeps its size; if None, 1, 2, 2, ...
        cells: the last maps are averaged to cells x cells.

    Lecture topic L1.04.

    >>> ConvEncoder(channels=1, dim=32)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 32])
    """

    def __init__(
        self,
        channels: int,
        dim: int,
        widths: Sequence[int] = (32, 64, 64),
        strides: Sequence[int] | None = None,
        cells: int = 2,
    ):
        super().__init__()
        self.channels, self.dim, self.cells = channels, dim, cells
        self.blocks = conv_blocks(channels, widths, strides or [1] + [2] * (len(widths) - 1))
        self.project = nn.Sequential(nn.Linear(cells**2 * widths[-1], dim), nn.BatchNorm1d(dim))

    def forward(self, images: Tensor) -> Tensor:
        check_tensor("ConvEncoder", f"[B, {self.channels}, H, W]", images=images)
        # stored pixel by pixel instead of map by map: a third faster on CPUs, the same numbers
        images = images.contiguous(memory_format=torch.channels_last)
        maps = self.blocks(images)  # [B, C, H', W']
        maps = F.adaptive_avg_pool2d(maps, self.cells)  # [B, C, cells, cells]
        return self.project(maps.flatten(1))  # [B, dim]


class Classifier(nn.Module):
    """An encoder and one linear layer: the logits of the classes. The encoder's output is the penultimate layer.

    >>> Classifier(ConvEncoder(channels=3, dim=16), classes=10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, encoder: ConvEncoder, classes: int):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.dim, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.encoder(images))  # [B, classes]


@torch.no_grad()
def embed(encoder: nn.Module, images: Tensor, batch_size: int = 256) -> Tensor:
    """Embeddings of many images, in evaluation mode and without gradients.

    Args:
        encoder: a module from images to vectors; each of its parts is left in the mode, training or not, that it had.
        images: images.                                # [N, C, H, W]
        batch_size: images at a time.
    Returns:
        Their embeddings, on the CPU.                  # [N, d]
    Raises:
        TypeError, ValueError: no module; images not a floating-point tensor [N, C, H, W], or none; a batch size
            below 1.
    """
    if not isinstance(encoder, nn.Module):
        raise TypeError(f"embed: encoder must be a torch module, got {type(encoder).__name__}")
    check_tensor("embed", "[N, C, H, W]", images=images)
    check_count("embed", batch_size=batch_size)
    if len(images) == 0:
        raise ValueError(
            f"embed: images must hold at least one image [N, C, H, W], got {shape(images)}"
        )
    # A module without parameters works where the images are.
    device = next(encoder.parameters(), images).device
    modes = [(part, part.training) for part in encoder.modules()]
    encoder.eval()
    try:
        return torch.cat([encoder(batch.to(device)).cpu() for batch in images.split(batch_size)])
    finally:
        for part, training in modes:
            part.training = training
