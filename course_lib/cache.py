"""What took long to make is kept in data/cache, as safetensors: drawn pictures and trained weights.

A file is named after everything that determines its content, so an old one is never taken for a new one. It is
written aside and then renamed, so that two processes may fill the cache at once; it carries a checksum, so that
a damaged file is noticed and made again. COURSE_CACHE_DIR names another folder.
"""

import contextlib
import hashlib
import os
import secrets
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePath

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib.machine import ROOT

CACHE = Path(os.environ.get("COURSE_CACHE_DIR") or ROOT / "data" / "cache").expanduser()
ASIDE = ".safetensors.part"  # ends the name of a file that is not yet whole
DAY = 24 * 60 * 60  # seconds


def fingerprint(*parts: object) -> str:
    """A short name for everything in `parts`, by type and by value.

    Args:
        parts: None, numbers, strings, bytes, tensors and arrays (dtype, shape, content), paths, ranges, slices, enums,
            torch's types and devices; and lists, tuples, sets, dicts, named tuples and dataclasses of such.
    Returns:
        16 hexadecimal digits; the same in every process.
    Raises:
        TypeError: something else, whose value cannot be told; an array of objects; a container that holds itself.

    The order of a dict's keys does not count, as for ==; but 1, 1.0 and True differ, and so do [1] and (1,).

    >>> fingerprint("faces", torch.zeros(2)) == fingerprint("faces", torch.zeros(2))
    True
    >>> fingerprint(torch.zeros(2)) == fingerprint(torch.zeros(1, 2))
    False
    """
    digest = hashlib.sha256()
    for number, part in enumerate(parts):
        _feed(digest, part, f"part {number}", ())
    return digest.hexdigest()[:16]


# What stands for a value of exactly this type.
_TEXTS: dict[type, Callable] = {
    **dict.fromkeys((type(None), type(...), bool, float, complex), repr),
    **dict.fromkeys((range, torch.dtype, torch.device), repr),
    int: hex,
    str: lambda text: text.encode("utf-8", "surrogatepass"),
    bytes: bytes,
}


def _feed(digest, value: object, name: str, above: tuple[int, ...]) -> None:
    """Add one value to a digest: its type and its length first, so that no two values give the same bytes."""
    kind = type(value)
    if kind in _TEXTS:
        text = _TEXTS[kind](value)
        text = text if isinstance(text, bytes) else text.encode()
        digest.update(f"{kind.__name__} {len(text)}:".encode() + text)
        return
    label = f"{kind.__module__}.{kind.__qualname__}"
    if id(value) in above:
        raise TypeError(f"fingerprint: {name} holds itself: its value has no end")
    inside = (*above, id(value))

    def write(text: str | bytes, *shape: object) -> None:
        text = text if isinstance(text, bytes) else text.encode()
        digest.update(f"{label}{shape} {len(text)}:".encode() + text)

    def write_all(items: list[tuple[str, object]], *shape: object) -> None:
        write("", len(items), *shape)
        for place, item in items:
            _feed(digest, item, f"{name}{place}", inside)

    if kind in (Tensor, nn.Parameter) and not (value.is_meta or value.is_quantized):
        plain = value.detach().to_dense() if value.layout != torch.strided else value.detach()
        plain = plain.cpu().resolve_conj().resolve_neg().contiguous()
        label = "tensor"
        write("", value.layout, value.dtype, list(value.shape))
        digest.update(plain.reshape(-1).view(torch.uint8).numpy())
    elif kind in (np.ndarray, np.memmap) and not value.dtype.hasobject:
        label = "array"
        write("", value.dtype.descr, value.shape)
        digest.update(value.tobytes())
    elif isinstance(value, np.generic) and not value.dtype.hasobject:
        write(value.tobytes(), value.dtype.descr)
    elif isinstance(value, PurePath):
        write(str(value))
    elif isinstance(value, Enum):
        write_all([(".value", value.value)], value.name)
    elif kind is slice:
        write_all([(f".{x}", getattr(value, x)) for x in ("start", "stop", "step")])
    elif kind in (list, tuple, torch.Size) or (
        isinstance(value, tuple) and hasattr(kind, "_fields")
    ):
        write_all([(f"[{i}]", x) for i, x in enumerate(value)], getattr(kind, "_fields", None))
    elif kind in (set, frozenset):
        write(" ".join(sorted(_alone(x, f"{name}, an element", inside) for x in value)))
    elif kind in (dict, OrderedDict):
        keys = sorted(value, key=lambda key: _alone(key, f"{name}, a key", inside))
        write_all([pair for key in keys for pair in ((" key", key), (f"[{key!r}]", value[key]))])
    elif is_dataclass(kind):
        state = {x.name: getattr(value, x.name) for x in fields(value)}
        state |= getattr(value, "__dict__", {})
        write_all([(".__dict__", state)])
    else:
        raise TypeError(f"fingerprint: cannot tell the value of {name} (a {kind.__qualname__})")


def _alone(value: object, name: str, above: tuple[int, ...]) -> str:
    digest = hashlib.sha256()
    _feed(digest, value, name, above)
    return digest.hexdigest()


def cached(
    name: str,
    key: str,
    make: Callable[[], dict[str, Tensor]],
    folder: Path | None = None,
    fresh: bool = False,
) -> dict[str, Tensor]:
    """The tensors that `make` makes, from the cache if they are there whole.

    Args:
        name: what they are, the beginning of the file's name.
        key: the `fingerprint` of everything that determines them.
        make: makes them: a name and a tensor each.
        folder: where the cache lies, if not in CACHE.
        fresh: make them anew, whatever lies there.
    Returns:
        What `make` returned, now or at an earlier time.

    Where the folder cannot be written (a full disk, a read-only one) the result is returned all the same, with a
    warning that it was not kept.
    """
    folder = folder or CACHE
    path = folder / f"{name}-{key}.safetensors"
    tensors = None if fresh else read(path)
    if tensors is None:
        # Each with memory of its own, as safetensors wants it: two layers may share their weights.
        tensors = {
            label: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for label, tensor in make().items()
        }
        try:
            write(path, tensors)
        except OSError as error:
            warnings.warn(
                f"{path.name} could not be kept in {folder.name}: {error.strerror or error}",
                stacklevel=2,
            )
    return tensors


def checksum(tensors: dict[str, Tensor]) -> str:
    return fingerprint(*(part for label in sorted(tensors) for part in (label, tensors[label])))


def read(path: Path) -> dict[str, Tensor] | None:
    """The tensors in a cache file; None where there is no such file, or a damaged one."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {label: file.get_tensor(label) for label in file.keys()}
            whole = (file.metadata() or {}).get("checksum") == checksum(tensors)
    except (FileNotFoundError, SafetensorError, OSError):
        return None
    return tensors if whole else None


def write(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a cache file under a name of its own, then rename it: nobody ever sees half a file.

    It gets the rights that any new file gets (the umask). What a killed writer left behind goes after a day.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"*{ASIDE}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY:
                left.unlink()
    aside = path.with_name(f"{path.stem}-{secrets.token_hex(8)}{ASIDE}")
    try:
        aside.touch(exist_ok=False)
        rights = aside.stat().st_mode
        save_file(tensors, aside, metadata={"checksum": checksum(tensors)})
        # safetensors gives its files to their owner alone.
        aside.chmod(rights)
        os.replace(aside, path)
    # safetensors reports a full disk in its own way
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
