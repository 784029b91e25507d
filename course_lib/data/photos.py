"""Photographs of one's own: not yet decoded, and decoded one by one when they are looked at."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from course_lib.data import files
from course_lib.data.files import same_name, shown
from course_lib.data.image_files import images_below, measured, open_image

SPLITS = ("train", "val", "test")
# What the folders of splits are called.
CALLED = {
    **{name: name for name in SPLITS},
    "training": "train",
    "valid": "val",
    "validation": "val",
    "testing": "test",
}
IN_FIVE = 5  # one of so many is a test image, where the files name no split
Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels


class Photo(NamedTuple):
    """What a file says of one photograph."""

    path: Path
    boxes: list[Box]
    names: list[str]  # the class of each box
    ignored: list[bool]  # of each box: VOC's difficult, COCO's crowd
    # Width and height that the boxes belong to; 0 where the file does not say, 1 where boxes are in shares of them.
    size: tuple[float, float]
    split: str | None  # the split that the files put it in, if they do


class Photographs(Sequence):
    """Images [3, H, W] in 0..1 that are decoded when they are asked for: thousands take no memory.

    Indexing gives a tensor, a slice gives Photographs again. With `at_least`, large ones come divided by 2, 4 or 8, as
    long as their short side keeps so many pixels.
    """

    def __init__(self, where: str, paths: Sequence[Path], at_least: int | None = None):
        self.where, self.paths, self.at_least = where, list(paths), at_least

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: int | slice) -> "Tensor | Photographs":
        from torchvision.transforms.v2.functional import pil_to_tensor

        if isinstance(which, slice):
            return Photographs(self.where, self.paths[which], self.at_least)
        image = open_image(self.where, self.paths[which], "RGB", at_least=self.at_least)
        return pil_to_tensor(image).float() / 255

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


def photos(split: str, folder: Path) -> Photographs:
    """Photographs without labels: all that lie in a folder and in the folders below it, in order.

    Args:
        split: "all".
        folder: what is hidden in it is passed over.
    Returns:
        Images [3, H, W] in 0..1, decoded when they are looked at; `paths` are their files.
    Raises:
        FileNotFoundError: no such folder, no image in it, none that can be read.

    Those that cannot be read are left out, and named in one warning.
    """
    files.check_split("photos", split, ["all"])
    folder = files.absolute(folder)
    files.require("photos", folder.parent, [folder.name])
    paths = images_below(folder)
    sizes, broken = readable("photos", paths)
    if not sizes:
        what = f"can be read: {broken[:3]}" if broken else "is there"
        raise FileNotFoundError(f"photos: no image in {shown(folder)} {what}")
    print(f"{len(sizes):,} photographs")
    leave_out("photos", broken)
    return Photographs("photos", list(sizes))


def readable(
    where: str, paths: Iterable[Path]
) -> tuple[dict[Path, tuple[tuple[int, int], int]], list[str]]:
    """Files whose images can be read -> size (width, height) and orientation; the names of the others."""
    sizes, broken = {}, []
    for path in paths:
        try:
            sizes[path] = measured(where, path)
        except (OSError, ValueError):
            broken.append(path.name)
    return sizes, broken


def leave_out(where: str, broken: Sequence[str]) -> None:
    """Name files that cannot be read in one warning, ten at most; none, no warning."""
    if broken:
        listed = ", ".join(broken[:10]) + (" and more" if len(broken) > 10 else "")
        are = (
            "1 image cannot be read and is"
            if len(broken) == 1
            else f"{len(broken):,} images cannot be read and are"
        )
        warnings.warn(f"{where}: {are} left out: {listed}", stacklevel=3)


def split_on_its_way(path: Path, folder: Path) -> str | None:
    """The split that a folder on the way to a file is called: "train/images/1.jpg", "labels/valid/1.txt"."""
    parts = path.relative_to(folder).parts[:-1]
    return next((CALLED[part.lower()] for part in parts if part.lower() in CALLED), None)


def beside(path: Path, images: Sequence[Path]) -> Path:
    """Of images of one name, that whose folders have most in common with those of its file of boxes."""

    def shared(image: Path) -> int:
        return (Counter(image.parts[:-1]) & Counter(path.parts[:-1])).total()

    return max(images, key=shared)


def split_by_hash(name: str, val: bool = False) -> str:
    """The split of something by its name alone, wherever it lies and whatever lies beside it.

    Args:
        name: one of five is in "test".
        val: whether another fifth, about, is in "val".

    >>> [split_by_hash(f"{i}.jpg") for i in range(6)].count("test")
    1
    """
    digest = hashlib.sha256(same_name(name).encode()).digest()
    if int.from_bytes(digest[:4], "big") % IN_FIVE == 0:
        return "test"
    return "val" if val and int.from_bytes(digest[4:8], "big") % (IN_FIVE - 1) == 0 else "train"


def upright(
    where: str,
    path: Path,
    size: tuple[float, float],
    boxes: list[Box],
    image: tuple[int, int],
    orientation: int,
) -> list[Box]:
    """Boxes on the upright image, cut at its edge.

    Args:
        where, path: the data set, and the file that holds the boxes; for the message.
        size: width and height that the boxes belong to; 0 where the file does not say.
        boxes: in pixels of that image.
        image: width and height of the upright image.
        orientation: by which the stored image was turned, as EXIF counts.
    Raises:
        ValueError: the image has another size; a box lies outside of it.

    Boxes turn with the image where `size` is that of the stored image; where it is that of the upright one, or cannot
    tell (it is missing, the image is square, or turned by half), they do not.
    """
    width, height = image
    as_stored = size == (height, width) != image and orientation >= 5
    # Where width and height are swapped and nothing turns, it is the two numbers that were swapped.
    swapped = size == (height, width) and orientation == 1
    if size != image and not as_stored and not swapped and min(size) > 0:
        stated = "{:g} x {:g}".format(*size)
        raise ValueError(
            f"{where}: {shown(path)} is of an image of {stated} pixels, the image has {width} x {height}"
        )
    kept = []
    for box in boxes:
        x1, y1, x2, y2 = _turned(box, orientation, width, height) if as_stored else box
        if x2 < 0 or y2 < 0 or x1 > width or y1 > height:
            raise ValueError(
                f"{where}: {shown(path)} has a box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) outside its image "
                f"of {width} x {height} pixels"
            )
        kept.append((max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height)))
    return kept


def _turned(box: Box, orientation: int, width: float, height: float) -> Box:
    """A box on the stored image as it lies on the upright one [height, width]; orientation 5, 6, 7 or 8."""
    y1, x1, y2, x2 = box
    if orientation in (6, 7):
        x1, x2 = width - x2, width - x1
    if orientation in (7, 8):
        y1, y2 = height - y2, height - y1
    return x1, y1, x2, y2
