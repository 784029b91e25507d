"""What took long to make is kept in data/cache, as safetensors: drawn pictures and trained weights.

A file is named after everything that determines its content, so an old one is never taken for a new one. It is
written aside and then renamed, so that two processes may fill the cache at once; it carries a checksum, so that
a damaged file is noticed and made again. COURSE_CACHE_DIR names another folder.
"""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from course_lib.machine import ROOT

CACHE = Path(os.environ.get("COURSE_CACHE_DIR") or ROOT / "data" / "cache")


def fingerprint(*parts: object) -> str:
    """A short name for everything in `parts`: tensors by type, shape and content, the rest by its text.

    >>> fingerprint("faces", torch.zeros(2)) == fingerprint("faces", torch.zeros(2))
    True
    >>> fingerprint(torch.zeros(2)) == fingerprint(torch.zeros(1, 2))
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            part = part.detach().cpu().contiguous()
            digest.update(f"{part.dtype} {list(part.shape)} ".encode())
            digest.update(part.reshape(-1).view(torch.uint8).numpy())
        else:
            digest.update(json.dumps(part, default=str, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()[:16]


def cached(
    name: str, key: str, make: Callable[[], dict[str, Tensor]], folder: Path | None = None
) -> dict[str, Tensor]:
    """The tensors that `make` makes, from the cache if they are there whole.

    Args:
        name: what they are, the beginning of the file's name.
        key: the `fingerprint` of everything that determines them.
        make: makes them: a name and a tensor each.
        folder: where the cache lies, if not in CACHE.
    Returns:
        What `make` returned, now or at an earlier time.

    Where the folder cannot be written (a full disk, a read-only one) the result is returned all the same, with a
    warning that it was not kept.
    """
    folder = folder or CACHE
    path = folder / f"{name}-{key}.safetensors"
    tensors = read(path)
    if tensors is None:
        tensors = {label: tensor.detach().cpu().contiguous() for label, tensor in make().items()}
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
    """Write a cache file under a name of its own, then rename it: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    os.close(handle)
    try:
        save_file(tensors, aside, metadata={"checksum": checksum(tensors)})
        os.replace(aside, path)
    except SafetensorError as error:  # safetensors reports a full disk in its own way
        raise OSError(str(error)) from error
    finally:
        Path(aside).unlink(missing_ok=True)
