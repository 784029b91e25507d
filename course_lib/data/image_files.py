"""Image files of every kind as upright 8-bit RGB or grey images."""

import os
import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from course_lib.data.files import is_hidden, shown

# torchvision's, and what telephones and browsers save. What Pillow cannot read is named in an error, not passed over.
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"),
    *(".gif", ".jfif", ".avif", ".heic", ".heif"),
)
# What stands near the end of a whole file.
ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
# EXIF's orientation 1..8 -> what turns the stored image upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_image(path: Path) -> bool:
    """Whether a file is an image by its name; hidden ones are not."""
    return path.suffix.lower() in SUFFIXES and not is_hidden(path.name)


def images_below(folder: Path) -> list[Path]:
    """The image files in a folder and in the folders below it, in order; what is hidden is passed over.

    Links to folders are followed, and no folder is entered twice.
    """
    images, entered = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        entered.add(os.path.realpath(place))
        folders[:] = [
            name
            for name in folders
            if not is_hidden(name) and os.path.realpath(Path(place, name)) not in entered
        ]
        images += [Path(place, name) for name in names if is_image(Path(name))]
    return sorted(images, key=lambda path: (str(path.parent), path.name))


def open_image(
    where: str, path: Path, mode: str, file: IO[bytes] | None = None, at_least: int | None = None
) -> Image.Image:
    """An image file as an upright PIL image of mode "RGB" or "L" (grey), 8 bits a channel.

    Args:
        where, path: the data set, and the file; for the message.
        mode: "RGB" or "L".
        file: what to read instead of the file at `path`, such as a member of a zip file.
        at_least: if given, the image comes divided by `divisor(its size, at_least)`: a JPEG is decoded so, in a tenth
            of the time.
    Raises:
        ValueError: it cannot be read as an image, to the last row; its values are in no known range.

    16-bit grey is scaled from 0..65535, floating point from 0..1. What is transparent lies on white. Of an animation
    the first frame counts. Telephones store an image as the sensor saw it and note which way is up: it is turned.
    """
    return open_oriented(where, path, mode, file, at_least)[0]


def divisor(size: tuple[int, int], at_least: int | None) -> int:
    """1, 2, 4 or 8: by how much an image can be divided so that its short side keeps `at_least` pixels.

    >>> divisor((4000, 3000), 320), divisor((500, 375), 320)
    (8, 1)
    """
    if at_least is None:
        return 1
    return next(by for by in (8, 4, 2, 1) if by == 1 or min(size) >= by * at_least)


def open_oriented(
    where: str, path: Path, mode: str, file: IO[bytes] | None = None, at_least: int | None = None
) -> tuple[Image.Image, int]:
    """What `open_image` returns, and the EXIF orientation by which it was turned: 1 where it was not."""
    try:
        # Pillow warns of odd tags and of very large images: neither is of use to who reads the notebook.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file or path) as image:
                by, (width, height) = divisor(image.size, at_least), image.size
                if by > 1:
                    image.draft(None, (width // by, height // by))  # JPEG alone can do it
                image.load()
                orientation = _orientation(image)
                plain = _as_8_bits(image).convert(mode)
                if by > 1 and image.width == width:
                    plain = plain.reduce(by)
    except Exception as error:  # on damaged files, Pillow raises all kinds
        says = "not an image" if "cannot identify" in str(error) else error or type(error).__name__
        raise ValueError(f"{where}: {shown(path)} cannot be read as an image: {says}") from error
    return (plain.transpose(UPRIGHT[orientation]) if orientation > 1 else plain), orientation


def measured(where: str, path: Path) -> tuple[tuple[int, int], int]:
    """Width and height of an image once it is upright, and its EXIF orientation, without decoding it.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is not an image, or was cut off.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                (width, height), form = image.size, image.format
                # Of a TIFF, Pillow already gives the size of the upright image.
                orientation = 1 if form == "TIFF" else _orientation(image)
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 4096, 0))
            tail = file.read()
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{where}: {shown(path)} cannot be read as an image: {error}") from error
    if form not in ENDS or ENDS[form] not in tail:
        open_image(
            where, path, "RGB"
        )  # raises where it was cut off; telephones add a film to a photograph
    return ((height, width) if orientation >= 5 else (width, height)), orientation


def _orientation(image: Image.Image) -> int:
    """The orientation that the image's EXIF tags state, 1..8; 1 where they state none, or are damaged."""
    try:
        orientation = image.getexif().get(0x0112, 1)
        return int(orientation) if orientation in UPRIGHT else 1
    except Exception:  # damaged tags say nothing about the pixels
        return 1


def _as_8_bits(image: Image.Image) -> Image.Image:
    """An image that Pillow converts rightly: not 16-bit or floating, which it clips, and not transparent."""
    if image.mode == "F" or image.mode.startswith("I"):
        values, top = np.asarray(image, dtype=np.float64), 1 if image.mode == "F" else 65535
        if not (values.min() >= 0 and values.max() <= top):
            span = f"{values.min():g}..{values.max():g}"
            raise ValueError(f"its values should lie in 0..{top}, got {span}")
        return Image.fromarray((values * (255 / top)).round().astype(np.uint8))
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        paper = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(paper, seen).convert("RGB")
    return image if image.mode in ("1", "L") else image.convert("RGB")
