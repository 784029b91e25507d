"""Your own images of classes: a folder for each class, or a list of files and labels."""

from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from course_lib.arguments import check_count
from course_lib.data import files
from course_lib.data.files import Labelled, shown
from course_lib.data.image_files import images_below, open_image
from course_lib.data.lists import finder, rows_of
from course_lib.data.photos import CALLED, SPLITS, leave_out, split_by_hash


class Picture(NamedTuple):
    """What is known of an image before it is opened."""

    path: Path
    name: str  # of its class
    split: str | None  # the split that the files put it in, if they do


def class_folders(split: str, folder: Path, size: int = 64) -> Labelled:
    """Images of one's own with a class each: the middle square, scaled; one sentence says what was understood.

    Args:
        split: "all", or "train", "val" and "test": the folders called so ("valid" and "training", too), or what a
            column "split" of the list says, if there are; else, by a hash of "class/file name", about one of five is
            "test", one "val": always the same ones.
        folder: holds the class folders, "dogs/1.jpg"; what begins with a dot is passed over, at any depth. Or it
            holds a list, one .csv file, or is that file: a row "file,label" for each image, with or without a head
            ("file", "label", "split"); files are relative to the list.
        size: side of an image in pixels.
    Returns:
        Images [N, 3, size, size], labels, and the names of the classes of all splits together, sorted: a label is
        the same class in each of them.
    Raises:
        FileNotFoundError: no such folder, neither class folders nor a list, a class without images, none readable.
        ValueError: another split; nothing in that split; a list of another form.

    Images that are missing or cannot be read are left out, and named in one warning.
    """
    files.check_split("class-folders", split, ["all", *SPLITS])
    check_count("class-folders", size=size)
    folder = files.absolute(folder)
    files.require("class-folders", folder.parent, [folder.name])
    if folder.is_file():
        pictures = _listed(folder, _rows_of(folder))
    else:
        pictures = _in_list_or_folders(folder)
    names = sorted({picture.name for picture in pictures})
    by_files = any(picture.split for picture in pictures)
    parts = {
        picture: picture.split if by_files else split_by_hash(f"{picture.name}/{picture.path.name}", val=True)
        for picture in pictures
    }  # fmt: skip
    counts = {part: list(parts.values()).count(part) for part in SPLITS}
    counts = {part: count for part, count in counts.items() if count}
    if split != "all" and split not in counts:
        raise ValueError(
            f"class-folders: no image of the split {split!r} in {shown(folder)}; there are {counts}"
        )
    how = "as the files say" if by_files else "by hash"
    classes = "1 class" if len(names) == 1 else f"{len(names)} classes"
    said = ", ".join(f"{count:,} {part}" for part, count in counts.items())
    images = "1 image" if len(pictures) == 1 else f"{len(pictures):,} images"
    print(f"{images}, {classes}, split {how}: {said}")
    chosen = [picture for picture in pictures if split in ("all", parts[picture])]
    images, kept = squares("class-folders", [picture.path for picture in chosen], size)
    labels = torch.tensor([names.index(chosen[i].name) for i in kept])
    return images, labels, names


def squares(where: str, paths: list[Path], size: int) -> tuple[Tensor, list[int]]:
    """The middle square of each image that can be read, scaled, and its place in `paths`; the others are named.

    Returns:
        [n, 3, size, size] in 0..1, n numbers.
    Raises:
        FileNotFoundError: none can be read.
    """
    from torchvision.transforms.v2.functional import pil_to_tensor

    images, kept, broken = [], [], []
    for i, path in enumerate(paths):
        try:
            image = open_image(where, path, "RGB", at_least=2 * size)
        except ValueError as error:
            broken.append(path.name)
            reason = error
        else:
            images.append(pil_to_tensor(_square(image, size)).float() / 255)
            kept.append(i)
    if not images:
        says = str(reason).removeprefix(f"{where}: ")
        raise FileNotFoundError(f"{where}: no image can be read: {says}") from reason
    leave_out(where, broken)
    return torch.stack(images), kept


def _in_list_or_folders(folder: Path) -> list[Picture]:
    """What a folder's one list says; a .csv file that is no list of images is passed over where there are folders."""
    found = _in_folders(folder)
    classes = {picture.name for picture in found}
    lists = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() == ".csv" and not files.is_hidden(path.name)
    )
    if len(lists) > 1 and len(classes) < 2:
        listed = [path.name for path in lists]
        raise ValueError(
            f"class-folders: {shown(folder)} has several lists, give one of them: {listed}"
        )
    if len(lists) == 1:
        try:
            rows = _rows_of(lists[0])
        except ValueError:
            # A list of something else lies beside class folders; one folder, "images", is not that.
            if len(classes) < 2:
                raise
        else:
            listed = _listed(lists[0], rows)
            if not found or any(picture.path.is_file() for picture in listed):
                return listed
    if not found:
        raise FileNotFoundError(
            f"class-folders: neither class folders nor one .csv file in {shown(folder)}"
        )
    return found


def _rows_of(path: Path) -> list[dict]:
    return rows_of("class-folders", path, ("file", "label"), ("split",))


def _listed(path: Path, rows: list[dict]) -> list[Picture]:
    """What a list says."""
    find = finder(path.parent)
    for row in rows:
        if row["split"] is not None:
            row["split"] = CALLED.get(row["split"].lower(), row["split"])
            files.check_split(f"class-folders: {shown(path)}", row["split"], SPLITS)
    return [Picture(find(row["file"]), files.same_name(row["label"]), row["split"]) for row in rows]


def _in_folders(folder: Path) -> list[Picture]:
    """What the folders say, by class; where they divide the classes, the names are those of all parts together."""
    called = {
        path: CALLED[path.name.lower()]
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name.lower() in CALLED
    }
    divided = "train" in called.values() and len(set(called.values())) > 1
    by_split = sorted(called, key=lambda path: SPLITS.index(called[path]))
    parts = by_split if divided else [folder]
    by_class = {part: classes_in(part) for part in parts}
    names = sorted({name for classes in by_class.values() for name in classes})
    found = [
        Picture(path, name, called.get(part) if divided else None)
        for name in names
        for part in parts
        for path in by_class[part].get(name, [])
    ]
    for name in names:
        if found and name not in {picture.name for picture in found}:
            raise FileNotFoundError(f"class-folders: no images in {shown(parts[0] / name)}")
    return found


def classes_in(root: Path) -> dict[str, list[Path]]:
    """Name of a class folder -> its images, in order; hidden folders are no classes."""
    classes = {}
    for path in sorted(root.iterdir()):
        if path.is_dir() and not files.is_hidden(path.name):
            classes.setdefault(files.same_name(path.name), []).extend(images_below(path))
    return classes


def _square(image: Image.Image, size: int) -> Image.Image:
    """The middle square of an image, `size` pixels wide."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.BILINEAR)
