"""Your own images, a folder for each class."""

from functools import partial
from pathlib import Path

import torch

from course_lib.data import files
from course_lib.data.files import Labelled, shown

PARTS = (
    "train",
    "test",
    "train",
    "val",
)  # of four pictures of a class, where no folders divide them


def class_folders(split: str, folder: Path, size: int = 64) -> Labelled:
    """Pictures of one's own, a folder for each class: scaled by the shorter side, cut to the middle square.

    Args:
        split: "all", or "train", "val" and "test": the folders of that name, if there are ("val" may be missing);
            else, of every four pictures of a class by file name, the 2nd is "test", the 4th "val".
        folder: the folder of class folders, "dogs/1.jpg"; what begins with a dot is passed over.
        size: side of a picture in pixels.
    Returns:
        Images [N, 3, size, size], labels, and the names of the class folders, sorted.
    """
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    files.check_split("class-folders", split, ["all", "train", "val", "test"])
    divided = all((folder / part).is_dir() for part in ("train", "test"))
    root = folder / split if divided and split != "all" else folder
    files.require("class-folders", root.parent, [root.name])
    names = class_names("class-folders", root)
    shape = [
        v2.ToImage(),
        v2.Resize(size),
        v2.CenterCrop(size),
        v2.ToDtype(torch.float32, scale=True),
    ]

    class Pictures(ImageFolder):
        def find_classes(self, directory):
            return names, {name: number for number, name in enumerate(names)}

    read = partial(files.open_picture, "class-folders", mode="RGB")
    source = Pictures(root, v2.Compose(shape), loader=read, is_valid_file=is_picture)
    labels = torch.tensor(source.targets)
    position = torch.arange(len(labels)) - torch.searchsorted(labels, labels)  # in its class
    chosen = torch.arange(len(labels))
    if split != "all" and not divided:
        chosen = chosen[[PARTS[place % 4] == split for place in position.tolist()]]
    if len(chosen) == 0:
        raise ValueError(
            f"class-folders: no class in {files.shown(root)} has two pictures to divide"
        )
    return torch.stack([source[number][0] for number in chosen]), labels[chosen], names


def is_picture(path: str) -> bool:
    """Whether a file is a picture by its name; hidden ones are not."""
    from torchvision.datasets.folder import IMG_EXTENSIONS

    return Path(path).suffix.lower() in IMG_EXTENSIONS and not Path(path).name.startswith(".")


def class_names(where: str, folder: Path) -> list[str]:
    """The class folders in `folder`, sorted; hidden ones are none, and each must hold a picture."""
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    empty = [n for n in names if not any(map(is_picture, (folder / n).rglob("*")))]
    if empty or not names:
        lacks = (
            f"pictures in {shown(folder / empty[0])}"
            if empty
            else f"class folders in {shown(folder)}"
        )
        raise FileNotFoundError(f"{where}: no {lacks}")
    return names
