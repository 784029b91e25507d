"""Photographs with boxes of one's own, in whatever form they are: VOC's, COCO's, or YOLO's text files."""

from pathlib import Path

import torch
from torch import Tensor

from course_lib.arguments import check_count
from course_lib.data import files
from course_lib.data.coco import coco_files, read_coco
from course_lib.data.files import shown
from course_lib.data.image_files import divisor
from course_lib.data.photos import (
    SPLITS,
    Photo,
    Photographs,
    leave_out,
    readable,
    split_by_hash,
    upright,
)
from course_lib.data.voc import read_voc
from course_lib.data.yolo_txt import read_yolo


def objects(
    split: str, folder: Path, limit: int | None = None, at_least: int | None = None
) -> tuple[Photographs, list[dict[str, Tensor]], list[str]]:
    """Photographs with boxes, in any of the usual forms; one sentence says what was understood.

    Args:
        split: "all", or "train", "val" or "test" as the files name them: lists in ImageSets/Main, folders or JSON
            files called so. Where they name none, a hash of its file name puts every fifth image into "test", the
            others into "train": always the same ones.
        folder: of VOC's form: .xml files and images anywhere below; of COCO's: a JSON file; of YOLO's: text files,
            and the class names in a .yaml file or classes.txt.
        limit: only the first so many.
        at_least: if given, large photographs come divided by 2, 4 or 8, and their boxes with them, as long as the
            short side keeps so many pixels: those of telephones are decoded ten times as fast.
    Returns:
        Images [3, H, W] in 0..1, decoded when they are looked at; a dict each with boxes [n, 4] float32
        (x1, y1, x2, y2) in pixels of the upright image, labels [n] int64, difficult [n] bool (COCO's crowds, too);
        and the names of the classes in the whole folder, sorted.
    Raises:
        FileNotFoundError: no such folder, none of these forms in it, no image, or none in that split.
        ValueError: another split; a file that is not of its form; a box outside of its image.

    Images that are missing, damaged or cut off are left out, and named in one warning.
    """
    files.check_split("objects", split, ["all", *SPLITS])
    for name, count in {"limit": limit, "at_least": at_least}.items():
        if count is not None:
            check_count("objects", **{name: count})
    folder = files.absolute(folder)
    files.require("objects", folder.parent, [folder.name])
    form, photos = _read(folder)
    names = sorted({name for photo in photos for name in photo.names})
    sizes, broken = readable("objects", [photo.path for photo in photos])
    photos = [photo for photo in photos if photo.path in sizes]
    if not photos:
        raise FileNotFoundError(f"objects: no image in {shown(folder)} can be read: {broken[:3]}")
    by_files = any(photo.split for photo in photos)
    counts = {s: sum(_split(p, by_files) == s for p in photos) for s in SPLITS}
    counts = {s: count for s, count in counts.items() if count}
    if split != "all" and split not in counts:
        raise FileNotFoundError(
            f"objects: no image of the split {split!r} in {shown(folder)}; there are {counts}"
        )
    how = "as the files say" if by_files else "by hash"
    parts = ", ".join(f"{count} {s}" for s, count in counts.items())
    classes = "1 class" if len(names) == 1 else f"{len(names)} classes"
    print(f"{form} form: {len(photos)} images, {classes}, split {how}: {parts}")
    leave_out("objects", broken)
    chosen = [p for p in photos if split in ("all", _split(p, by_files))][:limit]
    targets = [_target(photo, *sizes[photo.path], names) for photo in chosen]
    for photo, target in zip(chosen, targets, strict=True):
        target["boxes"] /= divisor(sizes[photo.path][0], at_least)
    return Photographs("objects", [photo.path for photo in chosen], at_least), targets, names


def _read(folder: Path) -> tuple[str, list[Photo]]:
    """The form of a folder's annotations, and all of its photographs."""
    if coco_files(folder):
        return "COCO", read_coco("objects", folder)
    if files.below(folder, "*.xml"):
        return "VOC", read_voc("objects", folder)
    if files.below(folder, "*.txt"):
        return "YOLO", read_yolo("objects", folder)
    raise FileNotFoundError(
        f"objects: no annotations in {shown(folder)}: neither .xml files (VOC), nor a JSON file with images and "
        "categories (COCO), nor text files (YOLO)"
    )


def _split(photo: Photo, by_files: bool) -> str | None:
    """Of one photograph; where files name splits, one that none of them names is in no split."""
    return photo.split if by_files else split_by_hash(photo.path.name)


def _target(
    photo: Photo, size: tuple[int, int], orientation: int, names: list[str]
) -> dict[str, Tensor]:
    boxes, stated = photo.boxes, photo.size
    if stated == (1.0, 1.0):
        boxes, stated = (
            [(x1 * size[0], y1 * size[1], x2 * size[0], y2 * size[1]) for x1, y1, x2, y2 in boxes],
            size,
        )
    boxes = upright("objects", photo.path, stated, boxes, size, orientation)
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor([names.index(name) for name in photo.names], dtype=torch.int64),
        "difficult": torch.tensor(photo.ignored, dtype=torch.bool),
    }
