"""Checks on what comes in: every error says what was expected, and quotes what came."""

import math
from numbers import Integral, Real

import torch
from torch import Tensor

# float8 has neither sums nor comparisons: it is refused
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def shape(tensor: Tensor) -> str:
    """Shape of a tensor as it is written in this course: [2, 3]."""
    return str(list(tensor.shape))


def check_tensor(
    where: str, axes: str, dtype: torch.dtype | None = None, **tensors: Tensor
) -> None:
    """Raise unless every named value is a tensor with these axes, of `dtype` or, by default, of floating point.

    Args:
        where: name of the calling function, for the message.
        axes: as they are written in a docstring: "[N, 4]" is two axes, the second 4 long; "[]" is one number.
        dtype: the only one allowed; None allows float16, bfloat16, float32 and float64.
        tensors: what to check, by the names that the caller's arguments have.
    Raises:
        TypeError: not a tensor (a list, an array), or of another type.
        ValueError: another number of axes, or another size where `axes` holds a number.

    >>> check_tensor("box_area", "[N, 4]", boxes=[[0, 0, 1, 1]])
    Traceback (most recent call last):
    TypeError: box_area: boxes must be a tensor [N, 4] of floating point, got list
    >>> check_tensor("roc", "[N]", torch.bool, same=torch.tensor([0, 1]))
    Traceback (most recent call last):
    TypeError: roc: same must be a tensor [N] of bool, got [2] of int64
    """
    sizes = [size.strip() for size in axes.strip("[]").split(",") if size.strip()]
    for name, tensor in tensors.items():
        expected = f"{where}: {name} must be a tensor {axes} of {_name_of(dtype)}"
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{expected}, got {type(tensor).__name__}")
        got = f"{shape(tensor)} of {_name_of(tensor.dtype)}"
        if tensor.dtype not in (FLOATS if dtype is None else (dtype,)):
            raise TypeError(f"{expected}, got {got}")
        if tensor.ndim != len(sizes) or any(
            size.isdigit() and int(size) != length
            for size, length in zip(sizes, tensor.shape, strict=True)
        ):
            raise ValueError(f"{expected}, got {got}")


def check_finite(where: str, **tensors: Tensor) -> None:
    """Raise unless no named tensor holds NaN or infinity; one pass without a copy, and no sum that could overflow.

    >>> check_finite("hard_triplets", distances=torch.tensor([[0.0, torch.inf], [torch.inf, 0.0]]))
    Traceback (most recent call last):
    ValueError: hard_triplets: distances [2, 2] has NaN or infinity, first at [0, 1]
    """
    for name, tensor in tensors.items():
        if tensor.numel() > 0:
            low, high = torch.aminmax(tensor.detach())
            # false for NaN too: aminmax passes it on
            if not (low > -math.inf and high < math.inf):
                first = (~tensor.isfinite()).nonzero()[0].tolist()
                raise ValueError(
                    f"{where}: {name} {shape(tensor)} has NaN or infinity, first at {first}"
                )


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
    check_tensor(where, "[n, d]", **rows)
    for name, tensor in rows.items():
        if tensor.numel() == 0:
            raise ValueError(f"{where}: {name} must hold at least one vector, got {shape(tensor)}")
    shapes = " and ".join(f"{name} {shape(tensor)}" for name, tensor in rows.items())
    names = " and ".join(rows)
    if len({tensor.shape[1] for tensor in rows.values()}) > 1:
        raise ValueError(f"{where}: {names} must hold vectors of one dimension d, got {shapes}")
    devices = {str(tensor.device) for tensor in rows.values()}
    if len(devices) > 1:
        raise ValueError(
            f"{where}: {names} must be on one device, got {shapes} on {' and '.join(sorted(devices))}"
        )
    check_finite(where, **rows)


def check_images(where: str, images: Tensor, channels: int) -> None:
    """Raise unless `images` holds at least one image with that many channels and values in 0..1.

    >>> check_images("colour_histogram", torch.zeros(2, 1, 8, 8), channels=3)
    Traceback (most recent call last):
    ValueError: colour_histogram: images must be a tensor [N, 3, H, W] of floating point, got [2, 1, 8, 8] of float32
    """
    check_tensor(where, f"[N, {channels}, H, W]", images=images)
    if images.numel() == 0:
        raise ValueError(f"{where}: images must hold at least one image, got {shape(images)}")
    low, high = (end.item() for end in torch.aminmax(images.detach()))
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
    check_tensor(where, "[B]" if count is None else f"[{count}]", torch.int64, labels=labels)
    if classes is not None:
        check_indices(where, classes, labels=labels)


def check_indices(where: str, size: int, **indices: Tensor) -> None:
    """Raise unless every element of the named int64 tensors lies in 0..size-1: -1 would be taken for the last.

    >>> check_indices("mined_triplet_loss", 4, anchor=torch.tensor([0, 1]), positive=torch.tensor([1, -1]))
    Traceback (most recent call last):
    ValueError: mined_triplet_loss: positive must lie in 0..3, got -1 to 1
    """
    for name, index in indices.items():
        if index.numel() > 0:
            low, high = (end.item() for end in torch.aminmax(index))
            if low < 0 or high >= size:
                raise ValueError(f"{where}: {name} must lie in 0..{size - 1}, got {low} to {high}")


def check_positive(where: str, or_zero: bool = False, **numbers: float) -> None:
    """Raise unless every named number is finite and above 0, or 0 where that is allowed.

    >>> check_positive("triplet_loss", margin=-0.2)
    Traceback (most recent call last):
    ValueError: triplet_loss: margin must be above 0, got -0.2
    """
    least = "0 or above" if or_zero else "above 0"
    for name, number in numbers.items():
        _check_real(where, name, number, least)
        if not (math.isfinite(number) and (number > 0 or (or_zero and number == 0))):
            raise ValueError(f"{where}: {name} must be {least}, got {number!r}")


def check_share(where: str, **numbers: float) -> None:
    """Raise unless every named number lies in 0..1.

    >>> check_share("nms", iou_threshold=1.5)
    Traceback (most recent call last):
    ValueError: nms: iou_threshold must be in 0..1, got 1.5
    """
    for name, number in numbers.items():
        _check_real(where, name, number, "in 0..1")
        if not 0 <= number <= 1:
            raise ValueError(f"{where}: {name} must be in 0..1, got {number!r}")


def check_count(where: str, least: int = 1, **numbers: int) -> None:
    """Raise unless every named number is a whole one, `least` or more.

    >>> check_count("CenterLoss", classes=2.5)
    Traceback (most recent call last):
    TypeError: CenterLoss: classes must be a whole number, got 2.5
    """
    for name, number in numbers.items():
        if not isinstance(number, Integral) or isinstance(number, bool):
            raise TypeError(f"{where}: {name} must be a whole number, got {number!r}")
        if number < least:
            raise ValueError(f"{where}: {name} must be {least} or more, got {number!r}")


def check_partners(where: str, **rows: Tensor) -> None:
    """Raise unless all named tensors hold vectors row by row, [N, d] each; none at all is allowed.

    >>> check_partners("rho_l2", x=torch.zeros(3, 2), y=torch.zeros(2, 2))
    Traceback (most recent call last):
    ValueError: rho_l2: x and y must be paired row by row, got x [3, 2] and y [2, 2]
    """
    check_tensor(where, "[N, d]", **rows)
    if len({tensor.shape for tensor in rows.values()}) > 1:
        shapes = " and ".join(f"{name} {shape(tensor)}" for name, tensor in rows.items())
        raise ValueError(f"{where}: {' and '.join(rows)} must be paired row by row, got {shapes}")
    if all(len(tensor) > 0 for tensor in rows.values()):
        check_vectors(where, **rows)


def _name_of(dtype: torch.dtype | None) -> str:
    return "floating point" if dtype is None else str(dtype).removeprefix("torch.")


def _check_real(where: str, name: str, number: object, expected: str) -> None:
    """Raise unless `number` is a number, not a tensor, text or None."""
    if not isinstance(number, Real):
        got = f"{type(number).__name__} {number!r}"
        raise TypeError(f"{where}: {name} must be a number {expected}, got {got}")
