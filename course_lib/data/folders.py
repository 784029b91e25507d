"""Your own images, a folder for each class."""

from pathlib import Path

import torch
from PIL import Image

from course_lib.arguments import check_count
from course_lib.data import files
from course_lib.data.files import Labelled, shown
from course_lib.data.image_files import images_below, open_image

# Of every four images of a class, where no folders divide them.
PARTS = ("train", "test", "train", "val")
SPLITS = ("train", "val", "test")


def class_folders(split: str, folder: Path, size: int = 64) -> Labelled:
    """Images of one's own, a folder for each class: the middle square, scaled.

    Args:
        split: "all", or "train", "val" and "test": the folders of that name, if there are ("val" may be missing);
            else, of every four images of a class by file name, the 2nd is "test", the 4th "val".
        folder: the folder of class folders, "dogs/1.jpg"; what begins with a dot is passed over, at any depth.
        size: side of an image in pixels.
    Returns:
        Images [N, 3, size, size], labels, and the names of the class folders, sorted. Where folders divide the
        classes, the names are those of all splits together: a label is the same class in each of them.
    Raises:
        FileNotFoundError: no such folder, no class folders, a class without images.
        ValueError: another split; too few images to divide; a damaged image.
    """
    from torchvision.transforms.v2.functional import pil_to_tensor

    files.check_split("class-folders", split, ["all", *SPLITS])
    check_count("class-folders", size=size)
    folder = files.absolute(folder)
    divided = all((folder / part).is_dir() for part in ("train", "test"))
    files.require("class-folders", folder.parent, [folder.name])
    if divided and split != "all":
        files.require("class-folders", folder, [split])
    roots = [folder / part for part in SPLITS if (folder / part).is_dir()] if divided else [folder]
    by_class = {root: _classes(root) for root in roots}
    names = sorted({name for classes in by_class.values() for name in classes})
    for name in names:
        if not any(classes.get(name) for classes in by_class.values()):
            raise FileNotFoundError(f"class-folders: no images in {shown(roots[0] / name)}")
    if not names:
        raise FileNotFoundError(f"class-folders: no class folders in {shown(folder)}")
    chosen = []
    for label, name in enumerate(names):
        for root in roots:
            paths = by_class[root].get(name, [])
            if not divided and split != "all":
                paths = [path for i, path in enumerate(paths) if PARTS[i % 4] == split]
            if split == "all" or not divided or root.name == split:
                chosen += [(path, label) for path in paths]
    if not chosen:
        raise ValueError(
            f"class-folders: no class in {shown(folder)} has enough images for {split!r}"
        )
    images = [_square(open_image("class-folders", path, "RGB"), size) for path, _ in chosen]
    images = torch.stack([pil_to_tensor(image) for image in images]).float() / 255
    return images, torch.tensor([label for _, label in chosen]), names


def _classes(root: Path) -> dict[str, list[Path]]:
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
