"""Real images that come with the packages the course stands on: nothing to download."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_count
from course_lib.data import files
from course_lib.data.files import Labelled
from course_lib.data.holders import LabelledImages
from course_lib.data.variations import random_light

# Of scikit-image and scikit-learn; their README files name each photographer and licence.
PHOTOGRAPHS = {
    "astronaut": "skimage.data.astronaut",
    "cat": "skimage.data.chelsea",
    "coffee": "skimage.data.coffee",
    "galaxies": "skimage.data.hubble_deep_field",
    "cells": "skimage.data.immunohistochemistry",
    "retina": "skimage.data.retina",
    "rocket": "skimage.data.rocket",
    "temple": "china.jpg",
    "flower": "flower.jpg",
    "motorcycle": "skimage.data.stereo_motorcycle",
}
# And those that are no good for cut-outs: grey, or all of one pattern.
MORE = {
    "officer": "grace_hopper.jpg",
    "photographer": "skimage.data.camera",
    "moon": "skimage.data.moon",
    "page": "skimage.data.page",
    "handwriting": "skimage.data.text",
    "coins": "skimage.data.coins",
    "bricks": "skimage.data.brick",
    "grass": "skimage.data.grass",
    "gravel": "skimage.data.gravel",
    "clock": "skimage.data.clock",
}


def digits(split: str, seed: int) -> LabelledImages:
    """1,797 handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak, UCI): 1,000 to train on, 797 to test."""
    from sklearn.datasets import load_digits

    files.check_split("digits", split)
    source = load_digits()
    order = torch.randperm(len(source.target), generator=torch.Generator().manual_seed(seed))
    chosen = order[:1000] if split == "train" else order[1000:]
    images = torch.from_numpy(source.images).float()[:, None] / 16  # [N, 1, 8, 8]
    return LabelledImages(
        images[chosen], torch.from_numpy(source.target).long()[chosen], [str(d) for d in range(10)]
    )


@cache
def photographs(height: int = 160) -> dict[str, Tensor]:
    """The ten photographs, each scaled so that its shorter side is `height`.    # [3, H, W] in 0..1"""
    result = {}
    for name, origin in PHOTOGRAPHS.items():
        image = _as_tensor(_pixels(origin))[None]  # [1, 3, H, W]
        scale = height / min(image.shape[2:])
        image = F.interpolate(
            image, scale_factor=scale, mode="bilinear", antialias=True, align_corners=False
        )
        result[name] = image[0].clamp(0, 1)
    return result


@cache
def shipped_photographs() -> dict[str, Tensor]:
    """The ten photographs and ten more, as they come: name -> image [3, H, W] in 0..1, grey ones in three channels."""
    return {name: _as_tensor(_pixels(origin)) for name, origin in {**PHOTOGRAPHS, **MORE}.items()}


def _pixels(origin: str) -> np.ndarray:
    """A photograph that ships with scikit-image, scikit-learn or matplotlib.  # [H, W, 3] or [H, W], uint8"""
    if origin == "grace_hopper.jpg":
        from matplotlib import cbook, image

        with cbook.get_sample_data(origin) as file:
            return image.imread(file, format="jpg")
    if origin.endswith(".jpg"):
        from sklearn.datasets import load_sample_image

        return load_sample_image(origin)
    import skimage.data

    array = getattr(skimage.data, origin.rpartition(".")[2])()
    return array[0] if isinstance(array, tuple) else array  # of the stereo pair the left one


def _as_tensor(pixels: np.ndarray) -> Tensor:
    """[H, W, 3] or [H, W] in 0..255 -> [3, H, W] in 0..1"""
    image = torch.from_numpy(pixels.copy()).float() / 255
    return image.permute(2, 0, 1) if image.ndim == 3 else image.expand(3, -1, -1)


def photo_crops(
    split: str, seed: int, per_class: int = 40, light: float = 0.0, size: int = 32
) -> LabelledImages:
    """Random square cut-outs of ten photographs; the class is the photograph.

    Train cut-outs come from a photograph's left half, test cut-outs from its right half; half of them are mirrored.

    Args:
        per_class: cut-outs of each photograph.
        light: 0 for the light of the photograph; up to 1 for a random lamp over each cut-out.
        size: side of a cut-out, in pixels.
    """
    files.check_split("photo-crops", split)
    check_count("photo-crops", per_class=per_class, size=size)
    generator = torch.Generator().manual_seed(2 * seed + (split == "test"))

    def between(low: int, high: int) -> int:
        return int(torch.randint(low, max(low, high) + 1, (1,), generator=generator))

    crops = []
    for photo in photographs().values():
        height, width = photo.shape[1:]
        left, right = (0, width // 2) if split == "train" else (width // 2, width)
        for _ in range(per_class):
            side = between(36, 71)
            x, y = between(left, right - side), between(0, height - side)
            crop = F.interpolate(
                photo[None, :, y : y + side, x : x + side],
                size=(size, size),
                mode="bilinear",
                antialias=True,
            )
            crops.append(crop.flip(-1) if between(0, 1) else crop)
    images = random_light(torch.cat(crops), generator, light)
    labels = torch.arange(len(PHOTOGRAPHS)).repeat_interleave(per_class)
    return LabelledImages(images, labels, list(PHOTOGRAPHS))


def stereo_pair(split: str = "train", folder: Path | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """A motorcycle seen by two eyes (Middlebury 2014, from scikit-image); one pair, whatever the split.

    Returns:
        Left and right image [3, 500, 741], and the disparity [500, 741] in pixels, NaN where it is not known:
        what the left eye sees at column x, the right eye sees at x - disparity.
    """
    from skimage.data import stereo_motorcycle

    left, right, disparity = (torch.from_numpy(array.copy()) for array in stereo_motorcycle())
    left, right = (eye.permute(2, 0, 1).float() / 255 for eye in (left, right))
    return left, right, disparity.float().masked_fill(~disparity.isfinite(), torch.nan)


def lfw_crops(split: str, folder: Path | None = None) -> Labelled:
    """100 faces of Labeled Faces in the Wild and 100 cut-outs without one, 25 x 25 grey, from scikit-image.

    Args:
        split: "train" (the first 70 of each class) or "test" (the other 30).
        folder: not needed, the images come with the package.
    """
    from skimage.data import lfw_subset

    files.check_split("lfw-crops", split)
    faces, others = torch.from_numpy(lfw_subset()).float()[:, None].split(100)  # [100, 1, 25, 25]
    part = slice(0, 70) if split == "train" else slice(70, 100)
    images = torch.cat([others[part], faces[part]])
    return images, torch.arange(2).repeat_interleave(len(images) // 2), ["no face", "face"]
