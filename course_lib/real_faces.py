"""Real faces: ORL, and Labeled Faces in the Wild with its pairs and its crops.

Loaders like those of `real_data`: a split and a folder in, plain tuples out; errors say what is missing or damaged.
"""

import hashlib
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import torch
from torch import Tensor

from course_lib import real_files as files
from course_lib.real_data import Labelled

ORL_MD5 = "d6c59200e4e4d4b10f9f618a5a7afb5e"  # of all pixels, s1/1.pgm to s40/10.pgm
LFW_LISTS = {  # md5, those that torchvision lists
    "pairsDevTrain.txt": "4f27cbf15b2da4a85c1907eb4181ad21",
    "pairsDevTest.txt": "5132f7440eb68cf58910c8a45a2ac10b",
    "pairs.txt": "9f1ba174e4e1c508ff7cdf10ac338a7d",
}
LFW_PAIRS = {"train": "pairsDevTrain.txt", "test": "pairsDevTest.txt", "10_folds": "pairs.txt"}
LFW_PHOTOGRAPHS = 13233
PARTS = ("train", "train", "val", "test")  # of four people by name


def orl_faces(split: str, folder: Path) -> Labelled:
    """Forty people, ten photographs each, 92 x 112 grey (Olivetti Research Laboratory, 1994).

    Args:
        split: "train" (the first thirty people) or "test" (the last ten): nobody is in both.
        folder: "orl-faces", with s1/1.pgm to s40/10.pgm.
    """
    from torchvision.transforms.v2.functional import pil_to_tensor

    files.check_split("orl-faces", split)
    names = [f"s{person}/{number}.pgm" for person in range(1, 41) for number in range(1, 11)]
    files.require("orl-faces", folder, names)
    read = [files.open_picture("orl-faces", folder / name, "L") for name in names]
    images = torch.stack([pil_to_tensor(image) for image in read])  # [400, 1, 112, 92]
    found = hashlib.md5(images.numpy(), usedforsecurity=False).hexdigest()
    if found != ORL_MD5:
        raise ValueError(
            f"orl-faces: a picture in {files.shown(folder)} is damaged or another one: the md5 of all "
            f"pixels should be {ORL_MD5}, found {found}"
        )
    first, last = (0, 30) if split == "train" else (30, 40)
    people = [f"s{person + 1}" for person in range(first, last)]
    labels = torch.arange(len(people)).repeat_interleave(10)
    return images[10 * first : 10 * last].float() / 255, labels, people


def lfw_people(
    split: str, folder: Path, min_faces: int = 10, resize: float = 0.5, download: bool = False
) -> Labelled:
    """Photographs of well-known people (Labeled Faces in the Wild, Huang et al., 2007; 200 MB).

    Args:
        split: "test" (every fourth person by name), "val" (the one before) or "train" (the others).
        folder: "lfw_home", as scikit-learn keeps it.
        min_faces: leave out people with fewer photographs.
        resize: scale; 1 gives 125 x 94 pixels around the face, cut out of 250 x 250.
    Returns:
        Images [N, 3, H, W], labels, and the names of the split's people.
    """
    from sklearn.datasets import fetch_lfw_people

    files.check_split("lfw-people", split, ("train", "val", "test"))
    options = {"min_faces_per_person": min_faces, "resize": resize, "color": True}
    source = read_lfw("lfw-people", fetch_lfw_people, folder, download, **options)
    everybody = sorted(path.name for path in (folder / "lfw_funneled").iterdir() if path.is_dir())
    part = dict(zip((name.replace("_", " ") for name in everybody), cycle(PARTS), strict=False))
    names = [str(name) for name in source.target_names]
    chosen = [number for number, name in enumerate(names) if part[name] == split]
    place, labels = (torch.from_numpy(source.target)[:, None] == torch.tensor(chosen)).nonzero().T
    images = torch.from_numpy(source.images)[place].permute(0, 3, 1, 2)
    return images.float(), labels, [names[number] for number in chosen]


def lfw_pairs(
    split: str, folder: Path, resize: float = 0.5, download: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The pairs by which face verification is measured on Labeled Faces in the Wild (L1.15, L5.12).

    Args:
        split: "10_folds" (pairs.txt: choose a threshold on nine folds, test it on the tenth), or, to develop
            on, "train" (1,100 + 1,100 pairs) and "test" (500 + 500).
        folder, resize: as in `lfw_people`.
    Returns:
        Images a and b [N, 3, H, W], same [N] bool, fold [N] int64.
    """
    from sklearn.datasets import fetch_lfw_pairs

    files.check_split("lfw-pairs", split, LFW_PAIRS)
    options = {"subset": split, "resize": resize, "color": True}
    source = read_lfw("lfw-pairs", fetch_lfw_pairs, folder, download, **options)
    _, same, fold = files.parse_lfw_pairs(folder / LFW_PAIRS[split])
    images = torch.from_numpy(source.pairs).permute(1, 0, 4, 2, 3).float()  # [2, N, 3, H, W]
    return images[0], images[1], same, fold


def read_lfw(where: str, read: Callable, folder: Path, download: bool, **options):
    """What scikit-learn's loader `read` makes of the photographs, once they are known to be all there."""
    if download:
        fetch = lambda aside: read(data_home=aside, resize=0.1)  # noqa: E731
        files.download_aside(where, folder, "lfw_home", fetch, wanted="lfw_funneled")
    photographs = files.check_lfw(where, folder, LFW_LISTS, LFW_PHOTOGRAPHS)
    with files.linked(
        "lfw_home", *(folder / name for name in [*LFW_LISTS, "lfw_funneled"])
    ) as home:
        try:
            return read(data_home=home, download_if_missing=False, **options)
        except OSError:
            for path in photographs:
                files.open_picture(where, path, "RGB")  # raises with the name of the bad one
            raise


def lfw_crops(split: str, folder: Path | None = None) -> Labelled:
    """100 faces of Labeled Faces in the Wild and 100 cut-outs without one, 25 x 25 grey, from scikit-image.

    Args:
        split: "train" (the first 70 of each class) or "test" (the other 30).
        folder: not needed, the pictures come with the package.
    """
    from skimage.data import lfw_subset

    files.check_split("lfw-crops", split)
    faces, others = torch.from_numpy(lfw_subset()).float()[:, None].split(100)  # [100, 1, 25, 25]
    part = slice(0, 70) if split == "train" else slice(70, 100)
    images = torch.cat([others[part], faces[part]])
    return images, torch.arange(2).repeat_interleave(len(images) // 2), ["no face", "face"]
