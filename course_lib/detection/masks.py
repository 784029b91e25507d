"""How much two masks overlap (L5.03, L5.08).

A mask says of every pixel of an image whether it belongs to an object: [H, W] bool.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import shape


def check_masks(where: str, **named: Tensor) -> None:
    """Raise unless every named tensor holds masks [N, H, W], bool, all of one H and W; N may be 0.

    >>> check_masks("mask_iou", a=torch.zeros(2, 5, 6, dtype=torch.bool), b=torch.ones(3, 5, 6))
    Traceback (most recent call last):
    TypeError: mask_iou: b must hold masks [N, H, W], bool, got torch.float32 [3, 5, 6]
    """
    for name, masks in named.items():
        expected = f"{where}: {name} must hold masks [N, H, W], bool"
        if not isinstance(masks, Tensor):
            raise TypeError(f"{expected}, got {type(masks).__name__}")
        if masks.dtype != torch.bool:
            raise TypeError(f"{expected}, got {masks.dtype} {shape(masks)}")
        if masks.ndim != 3:
            raise ValueError(f"{expected}, got {shape(masks)}")
    if len({masks.shape[1:] for masks in named.values()}) > 1:
        shapes = " and ".join(f"{name} {shape(masks)}" for name, masks in named.items())
        raise ValueError(
            f"{where}: {' and '.join(named)} must hold masks of one height and width, got {shapes}"
        )


def _pixel_counts(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels of each mask in `a`, of each in `b`, and those that two have in common: one matrix product for all pairs.

    [N, H, W], [M, H, W] bool -> [N], [M], [N, M]. The counts are floating point, and exact.
    """
    a, b = a.flatten(1), b.flatten(1).to(a.device)  # [N, H W], [M, H W]
    # float32 counts up to 2^24, as autocast's float16 up to 2^11
    dtype = torch.float32 if a.shape[1] <= 2**24 else torch.float64
    with torch.autocast(a.device.type, enabled=False):
        a, b = a.to(dtype), b.to(dtype)
        return a.sum(dim=1), b.sum(dim=1), a @ b.T


def mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every mask in `a` with every mask in `b`, counted in pixels.

        IoU(a, b) = |a n b| / |a u b|

    Args:
        a, b: masks of one height and width.               # [N, H, W] bool, [M, H, W] bool
    Returns:
        IoU in 0..1; 0 where both masks are empty.         # [N, M]
    Raises:
        TypeError, ValueError: not masks, or masks of two sizes.

    Lin and others, COCO, 2014. Lecture topics L5.03, L5.08.

    >>> square = torch.ones(1, 4, 4, dtype=torch.bool)
    >>> mask_iou(square, torch.cat([square, square.tril(), ~square]))
    tensor([[1.0000, 0.6250, 0.0000]])
    """
    check_masks("mask_iou", a=a, b=b)
    area_a, area_b, both = _pixel_counts(a, b)
    iou = both / (area_a[:, None] + area_b - both).clamp(min=1)
    return iou.float()


def mask_overlaps(
    where: str,
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    detection: np.ndarray,
    target: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of every detection's mask, of every object's mask, and those that the two of a pair have in common.

    Args:
        predictions, targets: a dict per image with masks [n, H, W] and [m, H, W], of one H and W.
        detection, target: the two of each pair, numbered through all images.   # [P], [P]
    Returns:
        areas of all D detections and G objects, overlap of the P pairs.         # [D], [G], [P]
    Raises:
        TypeError, ValueError: not masks, or masks of two sizes in an image.
    """
    pred_masks, true_masks = ([one["masks"] for one in side] for side in (predictions, targets))
    counts = [len(masks) for masks in true_masks]
    areas, object_areas = np.zeros(sum(map(len, pred_masks))), np.zeros(sum(counts))  # [D], [G]
    shared = np.zeros((len(areas), max(counts, default=0)))  # a column an object of the image
    column = np.concatenate([np.arange(count) for count in [0, *counts]])  # [G]
    d = g = 0  # where the image's detections and objects begin
    for image, (a, b) in enumerate(zip(pred_masks, true_masks, strict=True)):
        check_masks(f"{where}: image {image}", predictions=a, targets=b)
        area, object_area, both = (pixels.cpu() for pixels in _pixel_counts(a, b))
        areas[d : d + len(a)] = area
        object_areas[g : g + len(b)] = object_area
        shared[d : d + len(a), : len(b)] = both
        d, g = d + len(a), g + len(b)
    return areas, object_areas, shared[detection, column[target]]
