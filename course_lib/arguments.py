"""Checks on what comes in: every error says what was expected, and quotes what came."""

import math

import torch
from torch import Tensor


def shape(tensor: Tensor) -> str:
    """Shape of a tensor as it is written in this course: [2, 3]."""
    return str(list(tensor.shape))


def check_vectors(where: str, **rows: Tensor) -> None:
    """Raise unless every named tensor holds n >= 1 vectors of one and the same dimension.

    Args:
        where: name of the calling function, for the message.
        rows: floating-point tensors without NaN or infinity, all on one device.    # [n, d]
    Raises:
        TypeError: not a tensor, or not of a floating-point type.
        ValueError: another number of axes, no vectors, different d, different devices, NaN or infinity.

    >>> check_vectors("euclidean", x=torch.zeros(3, 2), y=torch.zeros(5, 4))
    Traceback (most recent call last):
    ValueError: euclidean: x and y must hold vectors of one dimension d, got x [3, 2] and y [5, 4]
    """
    for name, tensor in rows.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{where}: {name} must be a torch tensor [n, d], got {type(tensor).__name__}"
            )
        if tensor.ndim != 2:
            raise ValueError(
                f"{where}: {name} must hold vectors as rows, [n, d], got {shape(tensor)}"
            )
        if tensor.numel() == 0:
            raise ValueError(f"{where}: {name} must hold at least one vector, got {shape(tensor)}")
        if not tensor.is_floating_point():
            raise TypeError(
                f"{where}: {name} must be floating point, got {tensor.dtype} {shape(tensor)}"
            )
    shapes = " and ".join(f"{name} {shape(tensor)}" for name, tensor in rows.items())
    names = " and ".join(rows)
    if len({tensor.shape[1] for tensor in rows.values()}) > 1:
        raise ValueError(f"{where}: {names} must hold vectors of one dimension d, got {shapes}")
    devices = {str(tensor.device) for tensor in rows.values()}
    if len(devices) > 1:
        raise ValueError(
            f"{where}: {names} must be on one device, got {shapes} on {' and '.join(sorted(devices))}"
        )
    for name, tensor in rows.items():
        bad = ~torch.isfinite(tensor)
        if bad.any():
            first = bad.any(dim=1).nonzero()[0].item()
            raise ValueError(
                f"{where}: {name} {shape(tensor)} has NaN or infinity, first in row {first}"
            )


def check_pictures(where: str, images: Tensor, channels: int) -> None:
    """Raise unless `images` holds at least one picture with that many channels and values in 0..1.

    >>> check_pictures("colour_histogram", torch.zeros(2, 1, 8, 8), channels=3)
    Traceback (most recent call last):
    ValueError: colour_histogram: images must be pictures [N, 3, H, W], got [2, 1, 8, 8]
    """
    if images.ndim != 4 or images.shape[1] != channels or images.numel() == 0:
        raise ValueError(
            f"{where}: images must be pictures [N, {channels}, H, W], got {shape(images)}"
        )
    low, high = images.min().item(), images.max().item()
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{where}: values must lie in 0..1, got {low:.3g} to {high:.3g}")


def check_labels(
    where: str, labels: Tensor, count: int | None = None, classes: int | None = None
) -> None:
    """Raise unless `labels` is [count] int64 and, where `classes` is given, lies in 0..classes-1.

    >>> check_labels("center_loss", torch.tensor([0, 3]), 2, classes=3)
    Traceback (most recent call last):
    ValueError: center_loss: labels must lie in 0..2, got 0 to 3
    """
    if labels.dtype != torch.int64:
        raise TypeError(f"{where}: labels must be int64, got {labels.dtype}")
    if labels.ndim != 1 or (count is not None and len(labels) != count):
        expected = "[B]" if count is None else f"[{count}]"
        raise ValueError(f"{where}: labels must be {expected}, got {shape(labels)}")
    if classes is not None and len(labels) > 0:
        low, high = labels.min().item(), labels.max().item()
        if low < 0 or high >= classes:
            raise ValueError(f"{where}: labels must lie in 0..{classes - 1}, got {low} to {high}")


def check_positive(where: str, or_zero: bool = False, **numbers: float) -> None:
    """Raise unless every named number is finite and above 0, or 0 where that is allowed.

    >>> check_positive("triplet_loss", margin=-0.2)
    Traceback (most recent call last):
    ValueError: triplet_loss: margin must be above 0, got -0.2
    """
    for name, number in numbers.items():
        if not (math.isfinite(number) and (number > 0 or (or_zero and number == 0))):
            least = "0 or above" if or_zero else "above 0"
            raise ValueError(f"{where}: {name} must be {least}, got {number!r}")


def check_partners(where: str, x: Tensor, y: Tensor) -> None:
    """Raise unless `x` and `y` hold vectors row by row; none at all is allowed."""
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(
            f"{where}: vectors must be paired row by row, got {shape(x)} and {shape(y)}"
        )
    if len(x) > 0:
        check_vectors(where, x=x, y=y)
