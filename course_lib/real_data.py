"""Real data sets, read by torchvision's and scikit-learn's own loaders where they have one.

A loader takes a split and the folder in which the set lies, and returns a plain tuple: mostly images [N, C, H, W]
float32 in 0..1, labels [N] int64, and what each class is called. It downloads only when told `download=True`. It
raises FileNotFoundError for what is not there, and ValueError for what is damaged, incomplete or something else.
"""

import zipfile
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from course_lib import real_files as files
from course_lib.cache import cached, fingerprint

Labelled = tuple[Tensor, Tensor, list[str]]  # images, labels, names
PARTS = (
    "train",
    "test",
    "train",
    "val",
)  # of four pictures of a class, where no folders divide them
OMNIGLOT = {  # characters; md5 of the zip as first published, and of the same pictures packed anew
    "background": (964, ["68d2efa1b9178cc56df9314c21c6e718", "10961e9c8cc748452cc4fdc66cd3a6e6"]),
    "evaluation": (659, ["6b91aef0f799c5bb55b94e3f2daec811", "ea90531cb7554c0b96711d60cd99ef97"]),
}
FASHION = {  # md5 of the unpacked files; torchvision lists the packed ones
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}


def omniglot(split: str, folder: Path, size: int = 28, download: bool = False) -> Labelled:
    """Handwritten characters of fifty alphabets, each drawn by twenty people (Lake et al., 2015).

    Args:
        split: "background" or "train" (30 alphabets, 964 characters), "evaluation" or "test" (20 others, 659).
        folder: "omniglot-py", with images_background.zip or an unpacked images_background/, and so on.
        size: side of a picture in pixels; 105 is how they were scanned.
    Returns:
        Images with ink 0 on paper 1 [N, 1, size, size], labels, and names "alphabet/character" in order.
    """
    from torchvision.datasets import Omniglot

    split = {"train": "background", "test": "evaluation"}.get(split, split)
    files.check_split("omniglot", split, OMNIGLOT)
    count, md5s = OMNIGLOT[split]
    here, packed = folder / f"images_{split}", folder / f"images_{split}.zip"
    if download and not here.exists():
        fetch = partial(Omniglot, background=split == "background", download=True)
        files.download_aside("omniglot", packed, f"omniglot-py/{packed.name}", fetch)
    files.require("omniglot", folder, [f"{packed.name} or {here.name}"], download=True)
    if packed.exists():
        files.check_md5("omniglot", packed, md5s)
        images, names = unpacked_omniglot(packed, count, size)
    else:
        found = [path.relative_to(folder).as_posix() for path in here.rglob("*.png")]
        open_file = lambda name: open(folder / name, "rb")  # noqa: E731
        images, names = files.read_omniglot(here, found, open_file, count, size)
    images = images.flatten(0, 1).float() / 255
    return images, torch.arange(count).repeat_interleave(20), names


def unpacked_omniglot(packed: Path, count: int, size: int) -> tuple[Tensor, list[str]]:
    """The pictures in a zip, as `read_omniglot` returns them; unpacked once, then from the cache."""

    def unpack() -> dict[str, Tensor]:
        with zipfile.ZipFile(packed) as archive:
            found = archive.namelist()
            images, names = files.read_omniglot(packed, found, archive.open, count, size)
        names = torch.tensor(list("\n".join(names).encode()), dtype=torch.uint8)
        return {"images": images, "names": names}

    key = fingerprint(packed.name, packed.stat().st_size, packed.stat().st_mtime_ns, size)
    kept = cached("omniglot", key, unpack)
    return kept["images"], bytes(kept["names"].tolist()).decode().split("\n")


def fashion_mnist(split: str, folder: Path, download: bool = False) -> Labelled:
    """Ten kinds of clothing, 28 x 28 grey (Xiao et al., 2017): "train" is 60,000 pictures, "test" 10,000.

    Args:
        split: "train" or "test".
        folder: "FashionMNIST", with the four unpacked files in raw/.
    """
    from torchvision.datasets import FashionMNIST
    from torchvision.datasets.mnist import read_image_file, read_label_file

    files.check_split("fashion-mnist", split)
    names = list(FASHION)[:2] if split == "train" else list(FASHION)[2:]
    if download:
        fetch = partial(FashionMNIST, download=True)
        files.download_aside("fashion-mnist", folder, "FashionMNIST", fetch, f"raw/{names[0]}")
    files.require("fashion-mnist", folder, [f"raw/{name}" for name in names], download=True)
    for name in names:
        files.check_md5("fashion-mnist", folder / "raw" / name, [FASHION[name]])
    images, labels = (folder / "raw" / name for name in names)
    images, labels = read_image_file(str(images)), read_label_file(str(labels))
    return images[:, None].float() / 255, labels, list(FashionMNIST.classes)


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
    notes = {path.stem: files.voc_objects(path) for path in (root / "Annotations").glob("*.xml")}
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
    names = files.class_names("class-folders", root)
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
    source = Pictures(root, v2.Compose(shape), loader=read, is_valid_file=files.is_picture)
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


def stereo_pair(split: str = "train", folder: Path | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """A motorcycle seen by two eyes (Middlebury 2014, from scikit-image); one pair, whatever the split.

    Returns:
        Left and right picture [3, 500, 741], and the disparity [500, 741] in pixels, NaN where it is not known:
        what the left eye sees at column x, the right eye sees at x - disparity.
    """
    from skimage.data import stereo_motorcycle

    left, right, disparity = (torch.from_numpy(array.copy()) for array in stereo_motorcycle())
    left, right = (eye.permute(2, 0, 1).float() / 255 for eye in (left, right))
    return left, right, disparity.float().masked_fill(~disparity.isfinite(), torch.nan)
