"""Photographs with boxes in the form of Pascal VOC."""

from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor

from course_lib.data import files
from course_lib.data.files import shown


def voc(
    split: str, folder: Path, year: str = "2007", limit: int | None = None, download: bool = False
) -> tuple[list[Tensor], list[dict[str, Tensor]], list[str]]:
    """Photographs with boxes in the form of Pascal VOC: the challenge's own, or a folder of one's own.

    Args:
        split: a list in ImageSets/Main: "train", "val", "trainval" or "test".
        folder: "VOCdevkit" with VOC2007/ in it, or a folder with JPEGImages/, Annotations/, ImageSets/Main/.
        year: which year of a VOCdevkit.
        limit: only the first so many; a picture of 500 x 375 pixels takes 2 MB.
    Returns:
        Images [3, H, W] each, a dict each with boxes [n, 4] float32 (x1, y1, x2, y2), labels [n] int64 and
        difficult [n] bool, and the names of the classes in the whole folder.

    Coordinates are those in the file (VOC's tools count pixels from 1); boxes without area are kept.
    """
    from torchvision.datasets import VOCDetection
    from torchvision.transforms.v2.functional import pil_to_tensor

    files.check_split("voc", split, ["train", "val", "trainval", "test"])
    own, part = (folder / "Annotations").exists(), f"ImageSets/Main/{split}.txt"
    root = folder if own else folder / f"VOC{year}"
    if download and not own:
        fetch = partial(VOCDetection, year=year, image_set=split, download=True)
        files.download_aside("voc", folder, "**/VOCdevkit", fetch, f"VOC{year}/{part}")
    files.require("voc", root, [part, "Annotations", "JPEGImages"], download=not own)
    notes = {path.stem: voc_objects(path) for path in (root / "Annotations").glob("*.xml")}
    names = sorted({name for _, found, _ in notes.values() for name in found})
    with files.linked(
        "VOCdevkit/VOC2007", *root.iterdir()
    ) as home:  # the year that has a test list
        listed = [Path(path).stem for path in VOCDetection(home, "2007", split).images]
    images, targets = [], []
    for stem in [stem for stem in listed if stem != ".jpg"][:limit]:  # ".jpg" comes of a blank line
        files.require("voc", root, [f"Annotations/{stem}.xml", f"JPEGImages/{stem}.jpg"])
        picture = files.open_picture("voc", root / "JPEGImages" / f"{stem}.jpg", "RGB")
        boxes, found, difficult = notes[stem]
        images.append(pil_to_tensor(picture).float() / 255)
        targets.append(
            {
                "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
                "labels": torch.tensor([names.index(name) for name in found], dtype=torch.int64),
                "difficult": torch.tensor(difficult, dtype=torch.bool),
            }
        )
    return images, targets, names


def voc_objects(path: Path) -> tuple[list[list[float]], list[str], list[bool]]:
    """What is in a VOC annotation file: boxes (x1, y1, x2, y2), names of their classes, which are difficult."""
    from torchvision.datasets import VOCDetection

    try:
        note = VOCDetection.parse_voc_xml(ElementTree.parse(path).getroot())["annotation"]
        things, sides = note["object"], ("xmin", "ymin", "xmax", "ymax")
        boxes = [[float(thing["bndbox"][side]) for side in sides] for thing in things]
        difficult = [thing.get("difficult", "0") == "1" for thing in things]
        names = [thing["name"] for thing in things]
    except (ElementTree.ParseError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"voc: {shown(path)} is not a VOC annotation: {error!r}") from error
    for x1, y1, x2, y2 in boxes:
        if not (x1 <= x2 and y1 <= y2):
            raise ValueError(f"voc: {shown(path)} has a box ({x1:g}, {y1:g}, {x2:g}, {y2:g})")
    return boxes, names, difficult
