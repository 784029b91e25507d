"""One door to every data set: `load(name, split)`. So far: real pictures that come with the dependencies."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.augment import random_light

PHOTOGRAPHS = {  # of scikit-image and scikit-learn; their README files name each photographer and licence
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


@dataclass(frozen=True)
class LabelledImages:
    """Pictures with a class each.

    >>> digits = load("digits", "train")
    >>> digits.images.shape, digits[digits.labels == 3].names[:2]
    (torch.Size([1000, 1, 8, 8]), ['0', '1'])
    """

    images: Tensor  # [N, C, H, W] in 0..1
    labels: Tensor  # [N] int64, a number of a class
    names: list[str]  # what each class is called

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which) -> "LabelledImages":
        """Some of the pictures: by a mask, a tensor of numbers, or a slice."""
        return replace(self, images=self.images[which], labels=self.labels[which])

    def first_per_class(self, count: int) -> "LabelledImages":
        """The first `count` pictures of every class, class by class."""
        chosen = [torch.where(self.labels == c)[0][:count] for c in range(len(self.names))]
        short = [
            name for name, numbers in zip(self.names, chosen, strict=True) if len(numbers) < count
        ]
        if short:
            raise ValueError(
                f"first_per_class: {count} pictures of each class were asked for, too few of {short}"
            )
        return self[torch.cat(chosen)]


def load(name: str, split: str, seed: int = 0, **options) -> LabelledImages:
    """Load a data set.

    Args:
        name: "digits" (scikit-learn's 8 x 8 handwritten digits) or "photo-crops" (32 x 32 cut-outs of ten photographs).
        split: "train" or "test"; no picture, and no part of a photograph, is in both.
        seed: which random division into train and test, which random cut-outs.
        options: what the data set understands on top; see `digits` and `photo_crops`.
    Returns:
        LabelledImages.
    Raises:
        ValueError: an unknown name or split.
    """
    if name not in LOADERS:
        raise ValueError(f"load: there is no data set {name!r}, choose one of {sorted(LOADERS)}")
    if split not in ("train", "test"):
        raise ValueError(f"load: split must be 'train' or 'test', got {split!r}")
    return LOADERS[name](split, seed, **options)


def digits(split: str, seed: int) -> LabelledImages:
    """1,797 handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak, UCI): 1,000 to train on, 797 to test."""
    from sklearn.datasets import load_digits

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
    import skimage.data
    from sklearn.datasets import load_sample_image

    result = {}
    for name, origin in PHOTOGRAPHS.items():
        if origin.endswith(".jpg"):
            array = load_sample_image(origin)
        else:
            array = getattr(skimage.data, origin.rpartition(".")[2])()
        if isinstance(array, tuple):  # the stereo pair: left, right, disparity
            array = array[0]
        image = torch.from_numpy(array.copy()).permute(2, 0, 1).float()[None] / 255  # [1, 3, H, W]
        scale = height / min(image.shape[2:])
        image = F.interpolate(
            image, scale_factor=scale, mode="bilinear", antialias=True, align_corners=False
        )
        result[name] = image[0].clamp(0, 1)
    return result


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


LOADERS: dict[str, Callable[..., LabelledImages]] = {"digits": digits, "photo-crops": photo_crops}
