"""Photographs with boxes in the form of COCO: one JSON file for a split, or for all."""

import json
import math
import os
from collections import defaultdict
from pathlib import Path

from course_lib.data import files
from course_lib.data.files import same_name, shown
from course_lib.data.image_files import images_below
from course_lib.data.photos import SPLITS, Photo, beside, split_on_its_way


def coco_files(folder: Path) -> list[Path]:
    """The JSON files with COCO's annotations in a folder and one below it: those with images and categories in them."""
    found = sorted(
        p for p in (*folder.glob("*.json"), *folder.glob("*/*.json")) if not files.is_hidden(p.name)
    )
    found = [path for path in found if _is_coco(path)]
    # The official archive also holds captions and keypoints of the same images.
    boxes = [path for path in found if path.name.startswith("instances")]
    return boxes or [path for path in found if not path.name.startswith("captions")]


def _is_coco(path: Path) -> bool:
    """By its words; of a large file by its first and last thousand letters."""
    with path.open("rb") as file:
        if path.stat().st_size < 1_000_000:
            text = file.read()
            return b'"images"' in text and b'"categories"' in text
        head = file.read(1000)
        file.seek(-1000, os.SEEK_END)
        text = head + file.read()
    return b'"images"' in text or b'"annotations"' in text or b'"categories"' in text


def _lies_in(path: Path, split: str) -> bool:
    """Whether a folder on the way is called like a split: "train2017", "valid"."""
    return any(part.lower().startswith(split) for part in path.parts[:-1])


def _box(annotation: dict) -> tuple[float, ...]:
    """x, y, width, height; where there is no box, those around the polygons."""
    if "bbox" not in annotation and isinstance(annotation.get("segmentation"), list):
        polygons = [[float(v) for v in polygon] for polygon in annotation["segmentation"]]
        xs, ys = ([v for polygon in polygons for v in polygon[k::2]] for k in (0, 1))
        if xs and ys:
            return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    x, y, width, height = (float(side) for side in annotation["bbox"])
    return x, y, width, height


def read_coco(where: str, folder: Path) -> list[Photo]:
    """Every photograph that a folder's COCO files name.

    Args:
        where: the data set, for messages.
        folder: holds the files, directly or one folder down, and the images anywhere below.
    Returns:
        A Photo for each entry of "images", in the order of the files; its split is the one that the file's name
        or folder holds ("instances_train.json", "valid/annotations.json"), if any.
    Raises:
        ValueError: a file is not of COCO's form; a box is not finite, or has a side below 0.

    Crowds (`iscrowd`) are ignored objects. Boxes are [x, y, width, height] there, in pixels.
    """
    below = defaultdict(list)
    for path in images_below(folder):
        below[same_name(path.name)].append(path)
    return [photo for path in coco_files(folder) for photo in _read(where, folder, path, below)]


def _read(where: str, folder: Path, path: Path, below: dict[str, list[Path]]) -> list[Photo]:
    try:
        content = json.loads(files.read_text(where, path))
        names = {c["id"]: same_name(str(c["name"])) for c in content["categories"]}
        images = {i["id"]: i for i in content["images"]}
        objects = {number: [] for number in images}
        for one in content.get("annotations", []):
            x, y, width, height = _box(one)
            if not (math.isfinite(x + y + width + height) and min(width, height) >= 0):
                raise ValueError(f"annotation {one.get('id')} has the box {one['bbox']}")
            box = (x, y, x + width, y + height)
            objects[one["image_id"]].append(
                (box, names[one["category_id"]], bool(one.get("iscrowd", 0)))
            )
        files_of = {n: same_name(str(i["file_name"])).replace("\\", "/") for n, i in images.items()}
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{where}: {shown(path)} is not in COCO's form: {what}") from error
    words = path.stem.lower().replace("-", "_").split("_")
    split = next((s for s in SPLITS for w in words if w.startswith(s)), None)
    split = split or split_on_its_way(path, folder)
    photos = []
    for number, image in images.items():
        stated = (path.parent / files_of[number], folder / files_of[number])
        there = [file for file in stated if file.is_file()]
        alike = below[Path(files_of[number]).name]
        of_split = [p for p in alike if split and _lies_in(p.relative_to(folder), split)]
        place = there[0] if there else beside(path, of_split or alike) if alike else stated[1]
        boxes, labels, crowds = ([one[k] for one in objects[number]] for k in range(3))
        size = (float(image.get("width") or 0), float(image.get("height") or 0))
        photos.append(Photo(place, boxes, labels, crowds, size, split))
    return photos
