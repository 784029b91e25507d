"""Photographs of one's own as vectors, by a network that knows ImageNet: looked at once, and remembered.

    paths, vectors = own_photos("~/Pictures")               # [N, 1280], of length 1

(L1.02, L1.04, L1.13)
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.cache import cached, fingerprint
from course_lib.data import files
from course_lib.data.files import shown
from course_lib.data.image_files import images_below
from course_lib.data.photos import Photographs, leave_out
from course_lib.machine import progress
from course_lib.pretrained.imagenet import (
    MEAN,
    SIDE,
    STD,
    EfficientNetLite0,
    efficientnet_lite0,
    prepare,
)

AT_LEAST = (
    2 * SIDE
)  # pixels of the short side: large photographs are decoded at a half, a quarter, an eighth
HOW = ("EfficientNet-Lite0", SIDE, MEAN, STD, AT_LEAST)  # part of what a vector depends on
# Vectors are kept in so many files, each photograph's in one that its name decides: a new one changes one file.
PIECES = 256


def own_photos(folder: str | Path) -> tuple[list[Path], Tensor]:
    """Every photograph in a folder and in the folders below it, and its vector.

    Args:
        folder: "~" and relative paths are taken; hidden files are passed over.
    Returns:
        The files that can be read, in order, and a vector each, of length 1.   # N paths, [N, 1280]
    Raises:
        FileNotFoundError: no such folder, no image in it, none that can be read.

    Those that cannot be read are left out and named in one warning. What was computed is kept in data/cache, under
    the names, sizes and times of the files: when it is interrupted, the next call goes on from there.
    """
    folder = files.absolute(folder)
    files.require("own_photos", folder.parent, [folder.name])
    paths = images_below(folder)
    if not paths:
        raise FileNotFoundError(f"own_photos: no image in {shown(folder)}")
    network = efficientnet_lite0()
    pieces = {}
    for path in paths:
        pieces.setdefault(int(fingerprint(path.name), 16) % PIECES, []).append(path)
    by_path = {}
    for piece in progress(list(pieces.values()), "looking at your photographs"):
        key = fingerprint(*HOW, _identity(piece))
        kept = cached("own-photos", key, lambda piece=piece: _vectors(network, piece))
        by_path |= dict(zip(piece, kept["vectors"], strict=True))
    # What could not be read may be readable now.
    for path in [path for path, vector in by_path.items() if not vector.isfinite().all()]:
        by_path[path] = _vectors(network, [path])["vectors"][0]
    vectors = torch.stack([by_path[path] for path in paths])
    readable = vectors.isfinite().all(dim=1)
    broken = [path.name for path, whole in zip(paths, readable.tolist(), strict=True) if not whole]
    if len(broken) == len(paths):
        raise FileNotFoundError(
            f"own_photos: no image in {shown(folder)} can be read: {broken[:3]}"
        )
    leave_out("own_photos", broken)
    kept = [path for path, whole in zip(paths, readable.tolist(), strict=True) if whole]
    print(f"{len(kept):,} photographs in {shown(folder)}")
    return kept, vectors[readable]


def _identity(piece: Sequence[Path]) -> list[str]:
    """What tells whether files have changed, without reading them."""
    found = []
    for path in piece:
        try:
            stat = path.stat()
            found.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
        except OSError:  # a link that leads nowhere
            found.append(f"{path} is not there")
    return found


@torch.no_grad()
def _vectors(network: EfficientNetLite0, piece: Sequence[Path]) -> dict[str, Tensor]:
    """The vector of each file, NaN where it cannot be read.          # [n, 1280]"""
    vectors = []
    for path in piece:
        try:
            (image,) = Photographs("own_photos", [path], AT_LEAST)
            vectors.append(F.normalize(network.embed(prepare(image)), dim=1))
        except (OSError, ValueError):
            vectors.append(torch.full((1, 1280), torch.nan))
    return {"vectors": torch.cat(vectors)}
