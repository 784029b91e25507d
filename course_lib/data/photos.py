"""Photographs with boxes, as files describe them: not yet decoded, and decoded one by one when they are looked at."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from course_lib.data.files import shown
from course_lib.data.image_files import open_image

SPLITS = ("train", "val", "test")
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

    Indexing gives a tensor, a slice gives Photographs again.
    """

    def __init__(self, where: str, paths: Sequence[Path]):
        self.where, self.paths = where, list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: int | slice) -> "Tensor | Photographs":
        from torchvision.transforms.v2.functional import pil_to_tensor

        if isinstance(which, slice):
            return Photographs(self.where, self.paths[which])
        return pil_to_tensor(open_image(self.where, self.paths[which], "RGB")).float() / 255

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


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
