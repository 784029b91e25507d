"""Photographs with boxes in the form of Pascal VOC."""

import math
from collections import defaultdict
from collections.abc import Container
from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch
from torch import Tensor

from course_lib.arguments import check_count
from course_lib.data import files
from course_lib.data.files import same_name, shown
from course_lib.data.image_files import images_below, is_image, open_oriented
from course_lib.data.photos import Photo, beside, split_on_its_way, upright


class Annotation(NamedTuple):
    """The contents of a VOC annotation file."""

    size: tuple[float, float]  # width and height; 0 where the file does not say
    boxes: list[tuple[float, ...]]  # x1, y1, x2, y2
    names: list[str]  # the class of each box
    difficult: list[bool]
    filename: str  # of its image, as the file says; "" where it does not


def voc(
    split: str, folder: Path, year: str = "2007", limit: int | None = None, download: bool = False
) -> tuple[list[Tensor], list[dict[str, Tensor]], list[str]]:
    """Photographs with boxes in the form of Pascal VOC: the challenge's own, or a folder of one's own.

    Args:
        split: a list in ImageSets/Main: "train", "val", "trainval" or "test". A line names an image, without its
            suffix; columns after the name are passed over.
        folder: "VOCdevkit" with VOC2007/ in it, or a folder with JPEGImages/, Annotations/, ImageSets/Main/.
        year: which year of a VOCdevkit.
        limit: only the first so many; an image of 500 x 375 pixels takes 2 MB.
    Returns:
        Images [3, H, W] each, a dict each with boxes [n, 4] float32 (x1, y1, x2, y2), labels [n] int64 and
        difficult [n] bool, and the names of the classes in the whole folder.
    Raises:
        FileNotFoundError: a list, an annotation or an image is not there.
        ValueError: an annotation that cannot be read, is of an image of another size, or has a box with sides that
            are reversed, infinite or outside the image; a damaged image.

    Coordinates are those in the file (VOC's tools count pixels from 1), cut at the image's edge; boxes without area
    are kept. An image that EXIF turns is returned upright, and its boxes with it: where <size> has the sides of the
    stored image they turn too, where it has those of the upright one they do not. Where <size> cannot tell
    (it is missing, the image is square, or turned by half) they are taken as drawn on the upright image.
    """
    from torchvision.datasets import VOCDetection
    from torchvision.transforms.v2.functional import pil_to_tensor

    files.check_split("voc", split, ["train", "val", "trainval", "test"])
    if limit is not None:
        check_count("voc", limit=limit)
    folder = files.absolute(folder)
    is_root, part = (folder / "Annotations").exists(), f"ImageSets/Main/{split}.txt"
    root = folder if is_root else folder / f"VOC{year}"
    if download and not is_root:
        fetch = partial(VOCDetection, year=year, image_set=split, download=True)
        files.download_aside("voc", folder, "**/VOCdevkit", fetch, f"VOC{year}/{part}")
    files.require("voc", root, [part, "Annotations", "JPEGImages"], download=not is_root)
    annotations = {
        same_name(path.stem): read_annotation(path)
        for path in sorted((root / "Annotations").iterdir())
        if path.suffix.lower() == ".xml" and not files.is_hidden(path.name)
    }
    names = sorted({name for annotation in annotations.values() for name in annotation.names})
    photographs = _images_by_stem(root / "JPEGImages")
    images, targets = [], []
    for stem in _listed(root / part, annotations)[:limit]:
        if stem not in annotations or stem not in photographs:
            missing = "JPEGImages/{}.jpg" if stem in annotations else "Annotations/{}.xml"
            files.require("voc", root, [missing.format(stem)])
        image, orientation = open_oriented("voc", photographs[stem], "RGB")
        annotation = annotations[stem]
        path = root / "Annotations" / f"{stem}.xml"
        boxes = upright("voc", path, annotation.size, annotation.boxes, image.size, orientation)
        labels = [names.index(name) for name in annotation.names]
        images.append(pil_to_tensor(image).float() / 255)
        targets.append(
            {
                "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
                "labels": torch.tensor(labels, dtype=torch.int64),
                "difficult": torch.tensor(annotation.difficult, dtype=torch.bool),
            }
        )
    return images, targets, names


def read_annotation(path: Path) -> Annotation:
    """Read a VOC annotation file.

    Raises:
        ValueError: it is not one, an object has no name or no box, or a box has sides that are no finite numbers, or
            reversed.
    """
    try:
        root = _parse(path)
        if root.tag != "annotation":
            raise ValueError(f"its root is <{root.tag}>")
        size = tuple(_number(root, f"size/{side}", 0) for side in ("width", "height"))
        boxes, names, difficult = [], [], []
        for number, element in enumerate(root.findall("object"), start=1):
            name, box = same_name((element.findtext("name") or "").strip()), element.find("bndbox")
            if not name or box is None:
                raise ValueError(f"object {number} has no {'bndbox' if name else 'name'}")
            boxes.append(tuple(_number(box, side) for side in ("xmin", "ymin", "xmax", "ymax")))
            names.append(name)
            difficult.append((element.findtext("difficult") or "").strip() == "1")
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"voc: {shown(path)} is not a VOC annotation: {error}") from error
    for x1, y1, x2, y2 in boxes:
        if not (-math.inf < x1 <= x2 < math.inf and -math.inf < y1 <= y2 < math.inf):
            raise ValueError(
                f"voc: {shown(path)} has a box ({x1:g}, {y1:g}, {x2:g}, {y2:g}), "
                "its sides must be finite, with xmin <= xmax and ymin <= ymax"
            )
    filename = same_name((root.findtext("filename") or "").strip().replace("\\", "/"))
    return Annotation(size, boxes, names, difficult, filename.rpartition("/")[2])


def read_voc(where: str, folder: Path) -> list[Photo]:
    """Every photograph below a folder that has an annotation file of VOC's form, wherever the two lie.

    Args:
        where: the data set, for messages.
        folder: holds annotations and images, anywhere below.
    Returns:
        A Photo for each annotation; its split is the list of ImageSets/Main that names it ("trainval" is "train"),
        or without such lists the name of a folder on its way, if one is called so.
    Raises:
        ValueError: an annotation that cannot be read.
    """
    paths = files.below(folder, "*.xml")
    images = defaultdict(list)
    for path in images_below(folder):
        images[same_name(path.stem)].append(path)
    stems, splits = {same_name(path.stem) for path in paths}, {}
    for split in ("trainval", "train", "val", "test"):
        for path in folder.rglob(f"ImageSets/Main/{split}.txt"):
            splits |= dict.fromkeys(_listed(path, stems), "train" if split == "trainval" else split)
    photos = []
    for path in paths:
        stem, one = same_name(path.stem), read_annotation(path)
        alike = [image for image in images[stem] if same_name(image.name) == one.filename]
        # Masks have a photograph's name, and the suffix .png.
        alike = alike or [p for p in images[stem] if p.suffix.lower() in (".jpg", ".jpeg")]
        alike = alike or images[stem]
        image = beside(path, alike) if alike else path.with_suffix(".jpg")
        split = splits.get(stem) if splits else split_on_its_way(path, folder)
        photos.append(Photo(image, one.boxes, one.names, one.difficult, one.size, split))
    return photos


def _parse(path: Path) -> ElementTree.Element:
    """The root of an XML file; one that is not in the encoding it claims is read as any other text."""
    try:
        return ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        try:
            return ElementTree.fromstring(files.read_text("voc", path).strip())
        except (ElementTree.ParseError, ValueError):
            raise error from None


def _number(element: ElementTree.Element, tag: str, default: float | None = None) -> float:
    text = (element.findtext(tag) or "").strip()
    if not text and default is not None:
        return default
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"<{tag}> of <{element.tag}> is no number: {text!r}") from None


def _images_by_stem(folder: Path) -> dict[str, Path]:
    """Image files by their names without suffix; a .jpg stands before others of the same name."""
    paths = sorted(path for path in folder.iterdir() if is_image(path))
    paths.sort(key=lambda path: path.suffix.lower() == ".jpg")
    return {same_name(path.stem): path for path in paths}


def _listed(path: Path, known: Container[str]) -> list[str]:
    """The images that a list names, a line each: the whole line, or what stands before its last columns."""
    stems = []
    for line in filter(None, map(str.strip, same_name(files.read_text("voc", path)).splitlines())):
        starts = [line.rsplit(maxsplit=cut)[0] for cut in range(len(line.split()))]
        stems.append(next((start for start in starts if start in known), line))
    return stems
