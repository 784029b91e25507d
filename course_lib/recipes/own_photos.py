"""Photographs as vectors, by a network that knows ImageNet: one's own, looked at once and remembered, or the course's.

    album = album_of("~/Pictures")                          # or album_of(None): those that come with the packages
    album.vectors                                           # [N, 1280]
    text_likeness(album.vectors, ["a cat"])                 # [1, N], with `make lab EXTRAS=real`

(L1.02, L1.04, L1.13, L1.17)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_tensor
from course_lib.cache import cached, fingerprint
from course_lib.data import files
from course_lib.data.files import shown
from course_lib.data.from_packages import shipped_photographs
from course_lib.data.image_files import images_below
from course_lib.data.photos import Photographs, leave_out
from course_lib.machine import progress
from course_lib.pretrained.imagenet import (
    MEAN,
    SIDE,
    STD,
    EfficientNetLite0,
    class_names,
    efficientnet_lite0,
    prepare,
)

AT_LEAST = (
    2 * SIDE
)  # pixels of the short side: large photographs are decoded at a half, a quarter, an eighth
HOW = (
    "EfficientNet-Lite0, before classes",
    SIDE,
    MEAN,
    STD,
    AT_LEAST,
)  # part of what a vector depends on
# Vectors are kept in so many files, each photograph's in one that its name decides: a new one changes one file.
PIECES = 256


class Album(NamedTuple):
    """Photographs and what the network knows of them."""

    names: list[str]
    images: Sequence[
        Tensor
    ]  # N of [3, H, W] in 0..1; one's own are decoded when they are looked at
    vectors: Tensor  # what is above the classes: 0..6                # [N, 1280]

    def thumbnails(self, chosen: Sequence[int], side: int = 112) -> Tensor:
        """The middle squares of some photographs, scaled.            # [n, 3, side, side]"""
        return torch.cat([_square(self.images[i], side) for i in chosen])


def album_of(folder: str | Path | None) -> Album:
    """Every photograph in a folder and in the folders below it; of None, those that come with the packages.

    Args:
        folder: "~" and relative paths are taken; hidden files are passed over.
    Raises:
        FileNotFoundError: no such folder, no image in it, none that can be read.

    Those that cannot be read are left out and named in one warning. What was computed is kept in data/cache, under
    the names, sizes and times of the files: when it is interrupted, the next call goes on from there.
    """
    if folder is None:
        photographs = shipped_photographs()
        network, images = efficientnet_lite0(), list(photographs.values())
        with torch.no_grad():
            vectors = torch.cat([network.embed(prepare(image)) for image in images])
        return Album(list(photographs), images, vectors)
    folder = files.absolute(folder)
    files.require("album_of", folder.parent, [folder.name])
    paths = images_below(folder)
    if not paths:
        raise FileNotFoundError(f"album_of: no image in {shown(folder)}")
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
        raise FileNotFoundError(f"album_of: no image in {shown(folder)} can be read: {broken[:3]}")
    leave_out("album_of", broken)
    kept = [path for path, whole in zip(paths, readable.tolist(), strict=True) if whole]
    print(f"{len(kept):,} photographs in {shown(folder)}")
    return Album(
        [path.name for path in kept], Photographs("album_of", kept, AT_LEAST), vectors[readable]
    )


def class_probabilities(vectors: Tensor) -> Tensor:
    """The probability of each of ImageNet's 1,000 classes.            # [N, 1280] -> [N, 1000]

    Args:
        vectors: as in an album.
    Raises:
        TypeError, ValueError: no such vectors.
    """
    check_tensor("class_probabilities", "[N, 1280]", torch.float32, vectors=vectors)
    with torch.no_grad():
        return efficientnet_lite0().classify(vectors).softmax(dim=1)


def text_likeness(vectors: Tensor, texts: Sequence[str]) -> Tensor:
    """How like each photograph is to each text: the cosine of the text and a class name, the mean over all classes.

    Every class counts by the probability that the photograph is of it. The network has never read a text, and the
    sentence encoder has never seen a photograph: the names of the classes are all that they share.

    Args:
        vectors: as in an album.                                      # [N, 1280]
        texts: Q of them.
    Returns:
        In -1..1.                                                     # [Q, N]
    Raises:
        ModuleNotFoundError: the sentence encoder is not installed.

    The idea: Norouzi and others, ConSE, 2013, who take the ten likeliest classes, and the cosine of the mean.
    """
    from course_lib.pretrained.text import sentence_encoder

    encoder = sentence_encoder()
    likeness = encoder(list(texts)) @ encoder(class_names()).T  # [Q, 1000]
    return likeness @ class_probabilities(vectors).T


def _square(image: Tensor, side: int) -> Tensor:
    """The middle square of an image, scaled.                         # [3, H, W] -> [1, 3, side, side]"""
    height, width = image.shape[1:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = image[None, :, top : top + edge, left : left + edge]
    return F.interpolate(square, (side, side), mode="bilinear", antialias=True)


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
            vectors.append(network.embed(prepare(image)))
        except (OSError, ValueError):
            vectors.append(torch.full((1, 1280), torch.nan))
    return {"vectors": torch.cat(vectors)}
