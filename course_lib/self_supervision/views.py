"""Random views of images, a batch at once and each image by its own amounts: crop, mirror, turn, colours, blur (L2.18).

torchvision's transforms give a whole batch one common amount, or take one image at a time.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_positive, check_share, check_tensor

GREY = torch.tensor([0.2989, 0.587, 0.114])  # how bright red, green and blue look
RATIO = 4 / 3  # a crop is at most so much longer than it is wide, or wider than it is long


@dataclass(frozen=True)
class Views:
    """How views are made; every image by its own random amounts.

    Attributes:
        area: the smallest share of the image that a crop keeps (above .75 a stretched one may lose a little more); 1:
            no crop.
        colour: strength s of brightness, contrast, saturation (1 - s to 1 + s) and hue (to s / 4 of the circle).
        grey: chance that colours are lost.
        blur: chance of a Gaussian blur.
        mirror: whether half of the views are mirrored.
        turn: largest angle in radians.

    >>> images = torch.rand(5, 3, 40, 40)
    >>> Views(area=0.4, colour=0.4)(images, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 3, 40, 40])
    """

    area: float = 1.0
    colour: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    mirror: bool = False
    turn: float = 0.0

    def __post_init__(self):
        check_share("Views", area=self.area, colour=self.colour, grey=self.grey, blur=self.blur)
        check_positive("Views", or_zero=True, turn=self.turn)
        check_positive("Views", area=self.area)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images in 0..1 [B, C, H, W] -> a view of each [B, C, H, W]"""
        check_tensor("Views", "[B, C, H, W]", images=images)
        b, channels, *sides = images.shape
        if channels not in (1, 3) and (self.colour or self.grey):
            raise ValueError(f"Views: images must have 1 or 3 channels, got {list(images.shape)}")
        if self.blur and min(sides) < 3:
            raise ValueError(
                f"Views: images must have 3 pixels a side or more, got {list(images.shape)}"
            )
        if b == 0:
            return images.clone()

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(b, generator=generator)

        if self.area < 1 or self.mirror or self.turn:
            left, top, width, height = random_boxes(b, self.area, generator)
            side = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0) if self.mirror else torch.ones(b)
            images = cut_out(images, left, top, width, height, side, uniform(-self.turn, self.turn))
        if self.colour or self.grey:
            factor = [uniform(1 - self.colour, 1 + self.colour) for _ in range(3)]
            hue = uniform(-self.colour / 4, self.colour / 4)
            images = recoloured(images, *factor, hue, uniform(0, 1) < self.grey)
        if self.blur:
            sigma = torch.where(uniform(0, 1) < self.blur, uniform(0.1, 1.5), 0.0)
            images = blurred(images, sigma)
        return images

    def two(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two independent views of each image: a positive pair of SimCLR."""
        a, b = self(torch.cat([images, images]), generator).chunk(2)
        return a, b


def random_boxes(
    count: int, area: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Crops somewhere in the image: left, top, width and height as shares of its sides.   # [count] each"""
    share = area + (1 - area) * torch.rand(count, generator=generator)
    stretch = RATIO ** ((torch.rand(count, generator=generator) - 0.5) * (1 if area < 1 else 0))
    width, height = (share.sqrt() * stretch).clamp(max=1), (share.sqrt() / stretch).clamp(max=1)
    left = torch.rand(count, generator=generator) * (1 - width)
    top = torch.rand(count, generator=generator) * (1 - height)
    return left, top, width, height


def cut_out(
    images: Tensor,
    left: Tensor,
    top: Tensor,
    width: Tensor,
    height: Tensor,
    side: Tensor,
    turn: Tensor,
) -> Tensor:
    """A crop of each image, enlarged to the image's size, bilinearly; what lies beyond the edge is reflected.

    Args:
        images: a batch.                                              # [B, C, H, W]
        left, top, width, height: of each crop, as shares of the image's sides.   # [B] each
        side: 1, or -1 for a mirror image.                            # [B]
        turn: the crop is turned by it about its middle, in radians.  # [B]
    Returns:
        The crops.                                                    # [B, C, H, W]
    """
    cos, sin = turn.cos(), turn.sin()
    middle_x, middle_y = 2 * left + width - 1, 2 * top + height - 1  # in -1..1
    rows = [
        torch.stack([width * side * cos, -height * sin, middle_x], dim=1),
        torch.stack([width * side * sin, height * cos, middle_y], dim=1),
    ]
    theta = torch.stack(rows, dim=1).to(images.device)  # [B, 2, 3]
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    wide = images.to(grid.dtype)
    cut = F.grid_sample(wide, grid, align_corners=False, padding_mode="reflection")
    return cut.to(images.dtype)


def recoloured(
    images: Tensor,
    brightness: Tensor,
    contrast: Tensor,
    saturation: Tensor,
    hue: Tensor,
    grey: Tensor,
) -> Tensor:
    """Brightness, then contrast, saturation, hue and, for some, grey; clamped to 0..1 once, at the end.

    Args:
        images: in 0..1, grey or colour.                              # [B, 1 or 3, H, W]
        brightness, contrast, saturation: factors, as in torchvision; 1 changes nothing.   # [B] each
        hue: share of the colour circle by which the plane of equal grey is turned.        # [B]
        grey: whose colours are lost.                                 # [B] bool
    Returns:
        Images in 0..1.                                               # [B, C, H, W]

    All of it is one 3 x 3 matrix a pixel and a constant. torchvision turns the hue in HSV, which is not linear.
    """
    narrow, images = images.dtype, images.to(torch.promote_types(images.dtype, torch.float32))
    b, channels = images.shape[:2]
    look = GREY if channels == 3 else torch.ones(1)
    light = (images * look.to(images)[:, None, None]).sum(dim=1).mean(dim=(1, 2)) * brightness.to(
        images
    )
    matrix = torch.eye(channels).expand(b, -1, -1)
    if channels == 3:
        to_grey = GREY.expand(3, 3)  # every channel becomes the pixel's grey
        strength = torch.where(grey, 0.0, saturation)[:, None, None]
        matrix = _hue(hue) @ (strength * matrix + (1 - strength) * to_grey)
    matrix = matrix * (brightness * contrast)[:, None, None]
    constant = (1 - contrast.to(images)) * light  # grey: neither saturation nor hue changes it
    mixed = torch.baddbmm(constant[:, None, None], matrix.to(images), images.flatten(2))
    return mixed.view_as(images).clamp_(0, 1).to(narrow)


def _hue(turn: Tensor) -> Tensor:
    """Matrices that turn colours about the grey axis and leave the grey value alone.   # [B] -> [B, 3, 3]"""
    # Two axes that hold no grey: what they see of a colour is turned like a plane.
    axes = torch.tensor([[0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    to_yiq = torch.cat([GREY[None], axes])  # [3, 3]
    cos, sin = (2 * torch.pi * turn).cos(), (2 * torch.pi * turn).sin()
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = [[one, zero, zero], [zero, cos, -sin], [zero, sin, cos]]
    turned = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)  # [B, 3, 3]
    return torch.linalg.inv(to_yiq) @ turned @ to_yiq


def blurred(images: Tensor, sigma: Tensor, size: int = 5) -> Tensor:
    """A Gaussian blur of each image by its own width; what lies beyond the edge is reflected.

    Args:
        images: 3 pixels a side or more.                              # [B, C, H, W]
        sigma: of each, in pixels; 0 leaves an image as it is.        # [B]
        size: of the kernel in pixels, odd.
    """
    narrow, images = images.dtype, images.to(torch.promote_types(images.dtype, torch.float32))
    b, channels = images.shape[:2]
    away = torch.arange(size) - size // 2
    kernel = torch.exp(-0.5 * (away / sigma.clamp(min=1e-3)[:, None]) ** 2)  # [B, size]
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    kernel = kernel.to(images)[:, None]  # [B C, 1, size]
    padded = F.pad(images, [size // 2] * 4, mode="reflect").flatten(0, 1)[None]  # [1, B C, H', W']
    across = F.conv2d(padded, kernel[:, :, None], groups=b * channels)
    blurry = F.conv2d(across, kernel[:, :, :, None], groups=b * channels)
    return blurry[0].view_as(images).to(narrow)
