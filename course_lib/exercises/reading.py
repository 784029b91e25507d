"""Reads what a student's function returned, as the plain form's answer is meant, and writes values briefly.

Lenient: a number may be a Python, numpy or torch number; a row of numbers a tensor, an array or a list, of any float
type; indices may have any type of whole numbers, and an empty row any type at all; a pair may be a tuple, a list or a
tensor with two rows. Not lenient: a number in a row of its own ([1] is no number), a mask in place of indices, indices
as floating point, another number of axes or of columns, NaN.
"""

import re

import numpy as np
import torch
from torch import Tensor

TOLERANCE = 1e-4


class Unreadable(Exception):
    """An answer that cannot be compared; `kind` is "none", "shape", "dtype" or "nan"."""

    def __init__(self, kind: str, sentence: str):
        super().__init__(sentence)
        self.kind = kind


def read(got: object, like: object) -> object:
    """An answer as float, tensor or tuple of them, as the expected one is.

    Args:
        got: what came.
        like: the expected answer: a number, a tensor (int64: indices), or a tuple.
    Raises:
        Unreadable: it is something else.
    """
    if got is None:
        raise Unreadable("none", "Your function returned None: is there a `return` on every way?")
    if isinstance(like, tuple):
        return _read_tuple(got, like)
    numbers = _numbers(got)
    if not isinstance(like, Tensor) or like.ndim == 0:
        return _read_number(got, numbers)
    indices = not like.is_floating_point()
    if numbers.ndim != like.ndim:
        row = indices and like.ndim == 1
        expected = "a row of indices [K]" if row else f"a tensor {list(like.shape)}"
        raise Unreadable("shape", f"Expected {expected}, got {_what(got)}.")
    if not indices and numbers.shape != like.shape:
        raise Unreadable("shape", f"Expected a tensor {list(like.shape)}, got {_what(got)}.")
    if numbers.numel() > 0 and numbers.is_floating_point() == indices:
        if indices:
            raise Unreadable("dtype", f"Indices are whole numbers (int64), got {numbers.dtype}.")
        if numbers.dtype == torch.bool:
            raise Unreadable("dtype", "Expected numbers, got truth values.")
    if numbers.numel() > 0 and indices and numbers.dtype == torch.bool:
        raise Unreadable("dtype", "Expected indices, got a mask of truth values.")
    _refuse_nan(numbers)
    return numbers.to(torch.int64 if indices else torch.float64)


def _read_tuple(got: object, like: tuple) -> tuple:
    rows = isinstance(got, Tensor | np.ndarray) and got.ndim > 0
    if not (isinstance(got, tuple | list) or rows) or len(got) != len(like):
        raise Unreadable("shape", f"Expected {len(like)} values, got {_what(got)}.")
    return tuple(read(g, e) for g, e in zip(got, like, strict=True))


def _read_number(got: object, numbers: Tensor) -> float:
    if numbers.ndim > 0:
        raise Unreadable("shape", f"Expected a number, got {_what(got)}.")
    if numbers.dtype == torch.bool:
        raise Unreadable("dtype", "Expected a number, got a truth value.")
    _refuse_nan(numbers)
    return float(numbers)


def _refuse_nan(numbers: Tensor) -> None:
    if numbers.is_floating_point() and numbers.isnan().any():
        raise Unreadable(
            "nan", "Your answer holds NaN (not a number), as 0 / 0 or log of a negative."
        )


def _numbers(got: object) -> Tensor:
    """Whatever numbers came, as a tensor."""
    if isinstance(got, Tensor):
        return got.detach().cpu()
    try:
        # lists of tensors too
        plain = _lists(got)
        array = np.asarray(plain)
        return torch.from_numpy(array.copy()) if array.ndim else torch.tensor(array.item())
    except ValueError:
        said = "Expected rows of equal length, got rows of different length."
        raise Unreadable("shape", said) from None
    except (TypeError, RuntimeError, OverflowError):
        raise Unreadable("dtype", f"Expected numbers, got {_what(got)}.") from None


def _lists(got: object) -> object:
    if isinstance(got, list | tuple):
        return [_lists(item) for item in got]
    return got.detach().cpu().tolist() if isinstance(got, Tensor) else got


def _what(got: object) -> str:
    """What came, in a few words: its type, and its shape if it has one."""
    if isinstance(got, Tensor | np.ndarray):
        kind = "a tensor" if isinstance(got, Tensor) else "an array"
        return f"{kind} {list(got.shape)}" if got.ndim else "a number"
    if isinstance(got, list | tuple):
        return f"a {type(got).__name__} of {len(got)}"
    return "a number" if isinstance(got, int | float) else f"a {type(got).__name__}"


def equal(a: object, b: object, tolerance: float = TOLERANCE) -> bool:
    """Whether two answers that were read are equal, up to the tolerance (relative above 1)."""
    if isinstance(a, tuple):
        return all(equal(x, y, tolerance) for x, y in zip(a, b, strict=True))
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance)


def written(value: object, digits: int = 4, width: int = 90) -> str:
    """A value as a page shows it: numbers with four digits, tensors as lists, long ones cut; no addresses."""
    text = _written(value, digits)
    text = re.sub(r" at 0x[0-9A-Fa-f]+", "", " ".join(text.split()))
    return text if len(text) <= width else text[: width - 4] + " ..."


def _written(value: object, digits: int) -> str:
    if isinstance(value, Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        # no -0, no 5e+01
        text = f"{value + 0.0:.{digits}g}"
        return str(int(float(text))) if "e+" in text else text
    if isinstance(value, list):
        return f"[{', '.join(_written(item, digits) for item in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(_written(item, digits) for item in value)})"
    return repr(value)
