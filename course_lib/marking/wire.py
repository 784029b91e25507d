"""Messages between the marker and the process in which a student's functions run: JSON, and never an object of theirs.

A message is its length in eight bytes, then JSON. Values are numbers, text, lists, tuples, tensors and arrays; what is
anything else comes over as the name of its type alone. What comes from the student's side is not trusted: `value_of`
raises `Garbled` at whatever is not exactly as written here.
"""

import base64
import json
import math
import os
import select
import time

import numpy as np
import torch
from torch import Tensor

MOST = 64 * 2**20  # bytes of a message that is believed
KINDS = ("b1", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8")  # of arrays
NARROW = {torch.bfloat16: torch.float32}  # types that numpy does not know


class Garbled(Exception):
    """A message that does not have the form of one."""


class Ended(Exception):
    """The other side is gone, or did not answer in time; `late` tells which."""

    def __init__(self, late: bool):
        super().__init__("no answer in time" if late else "the process has ended")
        self.late = late


class Opaque:
    """Stands for a value of a type that does not travel; its class has that type's name."""


def form_of(value: object) -> object:
    """A value as it is written into a message.

    >>> form_of((1, [2.5, None]))
    {'tuple': [1, {'list': [2.5, None]}]}
    """
    if value is None or isinstance(value, bool | str):
        return value
    if value is ...:
        return {"blank": True}
    if type(value) is int:
        return value if abs(value) < 2**63 else {"other": "int"}
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [form_of(v) for v in value]}
    if isinstance(value, Tensor):
        plain = value.detach().cpu()
        return {"tensor": _array(plain.to(NARROW.get(plain.dtype, plain.dtype)).numpy())}
    if isinstance(value, np.ndarray | np.generic):
        return {"array": _array(np.asarray(value))}
    return {"other": type(value).__name__}


def _array(array: np.ndarray) -> dict:
    kind = array.dtype.str[1:]
    if kind not in KINDS:
        raise TypeError(f"an array of type {array.dtype} does not travel")
    data = np.ascontiguousarray(array.astype(f"<{kind}")).tobytes()
    return {
        "kind": kind,
        "shape": list(array.shape),
        "data": base64.b64encode(data).decode("ascii"),
    }


def value_of(form: object) -> object:
    """The value of a form.

    Raises:
        Garbled: it is no form that `form_of` writes.

    >>> value_of({"tuple": [1, {"list": [2.5, None]}]})
    (1, [2.5, None])
    """
    if form is None or isinstance(form, bool | str | int | float):
        return form
    if not isinstance(form, dict) or len(form) != 1:
        raise Garbled(f"no value: {type(form).__name__}")
    ((kind, inner),) = form.items()
    if kind == "blank":
        return ...
    if kind in ("list", "tuple") and isinstance(inner, list):
        values = [value_of(f) for f in inner]
        return values if kind == "list" else tuple(values)
    if kind == "float" and inner in ("nan", "inf", "-inf"):
        return float(inner)
    if kind == "tensor":
        return torch.from_numpy(_read_array(inner))
    if kind == "array":
        return _read_array(inner)
    if kind == "other" and isinstance(inner, str):
        return type(_name(inner), (Opaque,), {})()
    raise Garbled(f"no value: {str(kind)[:20]}")


def _name(text: str) -> str:
    """A type's name, as far as it is one."""
    return text if text.isidentifier() and len(text) < 60 else "object"


def _read_array(form: object) -> np.ndarray:
    if not isinstance(form, dict) or set(form) != {"kind", "shape", "data"}:
        raise Garbled("no array")
    kind, shape, data = form["kind"], form["shape"], form["data"]
    sizes = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**31 for n in shape)
    if kind not in KINDS or not sizes or len(shape) > 32 or not isinstance(data, str):
        raise Garbled("no array")
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        raise Garbled("no array") from None
    if len(raw) != math.prod(shape) * np.dtype(kind).itemsize:
        raise Garbled("an array of another size than it says")
    if kind == "b1" and raw.strip(b"\x00\x01"):
        raise Garbled("truth values that are none")
    return np.frombuffer(raw, dtype=f"<{kind}").reshape(shape).copy()


def send(fd: int, message: dict, until: float | None = None) -> None:
    """Write a message; `until` is the moment, by `time.monotonic()`, at which waiting ends.

    Raises:
        Ended: the other side is gone, or does not read.
    """
    body = json.dumps(message).encode()
    data = memoryview(len(body).to_bytes(8, "big") + body)
    while data:
        _wait(fd, until, write=True)
        try:
            data = data[os.write(fd, data[: 2**16]) :]
        # there was room for less
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            raise Ended(late=False) from None


def receive(fd: int, until: float | None = None, most: int = MOST) -> dict:
    """Read a message of so many bytes at most.

    Raises:
        Ended: the other side is gone, or nothing comes in time.
        Garbled: what came is no message.
    """
    size = int.from_bytes(_read(fd, 8, until), "big")
    if size > most:
        raise Garbled(f"a message of {size} bytes")
    try:
        message = json.loads(_read(fd, size, until))
    except (ValueError, RecursionError):
        raise Garbled("no JSON") from None
    if not isinstance(message, dict):
        raise Garbled("no message")
    return message


def _read(fd: int, size: int, until: float | None) -> bytes:
    parts = []
    while size:
        _wait(fd, until)
        try:
            part = os.read(fd, min(size, 2**20))
        except OSError:
            part = b""
        if not part:
            raise Ended(late=False)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _wait(fd: int, until: float | None, write: bool = False) -> None:
    """Until the file can be read or written."""
    if until is None:
        return
    left = max(0.0, until - time.monotonic())
    ready = select.select([] if write else [fd], [fd] if write else [], [], left)
    if not any(ready):
        raise Ended(late=True)
