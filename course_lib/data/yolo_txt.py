"""Photographs with boxes in YOLO's form: a text file beside each image, the classes in a .yaml or .txt file."""

import math
from pathlib import Path

import yaml

from course_lib.data import files
from course_lib.data.files import same_name, shown
from course_lib.data.image_files import images_below
from course_lib.data.photos import Photo, split_on_its_way

LISTS = ("classes.txt", "obj.names", "labels.txt", "predefined_classes.txt")


def label_file(image: Path) -> Path:
    """The text file of an image: its name with .txt, in the folder "labels" where the image's is "images"."""
    parts = list(image.with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        at = len(parts) - 2 - parts[-2::-1].index("images")
        parts[at] = "labels"
    return Path(*parts)


def read_yolo(where: str, folder: Path) -> list[Photo]:
    """Every image below a folder, with the boxes of its text file; without one it has none.

    Args:
        where: the data set, for messages.
        folder: holds the class names and, anywhere below, images and their text files.
    Returns:
        A Photo for each; its boxes are in shares of width and height (`size` is 1 x 1). Its split is the name of
        a folder on its way ("images/train/1.jpg"), if one is called so.
    Raises:
        ValueError: a line that is not a class number and four numbers, or a class without a name.

    A line is "class x y width height": the centre and the sides, in shares of the upright image.
    """
    names, photos = class_names(where, folder), []
    for image in images_below(folder):
        path, boxes, labels = label_file(image), [], []
        if not path.exists():
            path = image.with_suffix(".txt")
        lines = files.read_text(where, path).splitlines() if path.exists() else []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            label, x, y, width, height = _numbers(where, path, number, line, len(names))
            boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
            labels.append(names[label])
        split = split_on_its_way(image, folder)
        photos.append(Photo(image, boxes, labels, [False] * len(boxes), (1.0, 1.0), split))
    return photos


def class_names(where: str, folder: Path) -> list[str]:
    """The classes: `names` of a .yaml file (a list, or number: name), or the lines of classes.txt or the like.

    Raises:
        FileNotFoundError: there is neither.
    """
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        if names := _names_in_yaml(where, path):
            return names
    lists = [p for name in LISTS for p in (folder / name, folder / "labels" / name) if p.exists()]
    if not lists:
        raise FileNotFoundError(
            f"{where}: no class names in {shown(folder)}: a .yaml file with names, or classes.txt"
        )
    lines = files.read_text(where, lists[0]).splitlines()
    return [same_name(line.strip()) for line in lines if line.strip()]


def _names_in_yaml(where: str, path: Path) -> list[str]:
    """`names`: a list, or number: name."""
    try:
        content = yaml.safe_load(files.read_text(where, path))
    except yaml.YAMLError as error:
        raise ValueError(f"{where}: {shown(path)} is not YAML: {error}") from error
    names = content.get("names", []) if isinstance(content, dict) else []
    if isinstance(names, dict):
        names = {int(number): name for number, name in names.items()}
        names = [
            names.get(number, f"class {number}") for number in range(max(names, default=-1) + 1)
        ]
    return [same_name(str(name).strip()) for name in names]


def _numbers(where: str, path: Path, number: int, line: str, classes: int) -> tuple:
    try:
        label, *sides = (float(part) for part in line.split())
        if len(sides) > 4 and len(sides) % 2 == 0:
            # A polygon, as segmentation writes it: the box around its corners.
            xs, ys = sides[::2], sides[1::2]
            sides = [
                (min(xs) + max(xs)) / 2,
                (min(ys) + max(ys)) / 2,
                max(xs) - min(xs),
                max(ys) - min(ys),
            ]
        x, y, width, height = sides[:4]
        good = label == int(label) and 0 <= label < classes and min(width, height) >= 0
        if not good or not math.isfinite(x + y + width + height):
            raise ValueError
    except ValueError:
        expected = f"a class below {classes} and x y width height"
        raise ValueError(
            f"{where}: {shown(path)}, line {number}: expected {expected}, got {line!r}"
        ) from None
    return int(label), x, y, width, height
