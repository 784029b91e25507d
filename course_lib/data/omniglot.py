"""Omniglot: handwritten characters of fifty alphabets (Lake et al., 2015)."""

import zipfile
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from course_lib.arguments import check_count
from course_lib.cache import cached, fingerprint
from course_lib.data import files
from course_lib.data.files import Labelled, is_hidden, shown
from course_lib.data.image_files import open_image

# Characters; md5 of the zip as first published, and of the same images packed anew.
OMNIGLOT = {
    "background": (964, ["68d2efa1b9178cc56df9314c21c6e718", "10961e9c8cc748452cc4fdc66cd3a6e6"]),
    "evaluation": (659, ["6b91aef0f799c5bb55b94e3f2daec811", "ea90531cb7554c0b96711d60cd99ef97"]),
}


def omniglot(split: str, folder: Path, size: int = 28, download: bool = False) -> Labelled:
    """Handwritten characters of fifty alphabets, each drawn by twenty people (Lake et al., 2015).

    Args:
        split: "background" or "train" (30 alphabets, 964 characters), "evaluation" or "test" (20 others, 659).
        folder: "omniglot-py", with images_background.zip or an unpacked images_background/, and so on.
        size: side of an image in pixels; 105 is how they were scanned.
    Returns:
        Images with ink 0 on paper 1 [N, 1, size, size], labels, and names "alphabet/character" in order.
    """
    from torchvision.datasets import Omniglot

    split = {"train": "background", "test": "evaluation"}.get(split, split)
    check_count("omniglot", size=size)
    folder = files.absolute(folder)
    files.check_split("omniglot", split, OMNIGLOT)
    count, md5s = OMNIGLOT[split]
    here, packed = folder / f"images_{split}", folder / f"images_{split}.zip"
    if download and not here.exists():
        fetch = partial(Omniglot, background=split == "background", download=True)
        files.download_aside("omniglot", packed, f"omniglot-py/{packed.name}", fetch)
    files.require("omniglot", folder, [f"{packed.name} or {here.name}"], download=True)
    if packed.exists():
        files.check_md5("omniglot", packed, md5s)
        images, names = _unpacked(packed, count, size)
    else:
        paths = [path.relative_to(folder).as_posix() for path in here.rglob("*.png")]
        open_file = lambda name: open(folder / name, "rb")  # noqa: E731
        images, names = read_omniglot(here, paths, open_file, count, size)
    images = images.flatten(0, 1).float() / 255
    return images, torch.arange(count).repeat_interleave(20), names


def _unpacked(packed: Path, count: int, size: int) -> tuple[Tensor, list[str]]:
    """The images in a zip, as `read_omniglot` returns them; unpacked once, then from the cache."""

    def unpack() -> dict[str, Tensor]:
        with zipfile.ZipFile(packed) as archive:
            images, names = read_omniglot(packed, archive.namelist(), archive.open, count, size)
        names = torch.tensor(list("\n".join(names).encode()), dtype=torch.uint8)
        return {"images": images, "names": names}

    key = fingerprint(packed.name, packed.stat().st_size, packed.stat().st_mtime_ns, size)
    kept = cached("omniglot", key, unpack)
    return kept["images"], bytes(kept["names"].tolist()).decode().split("\n")


def read_omniglot(
    place: Path, files: list[str], open_file: Callable[[str], IO[bytes]], count: int, size: int
) -> tuple[Tensor, list[str]]:
    """The drawings ".../alphabet/character/number.png" in a zip or folder: bytes [count, 20, 1, size, size]; names."""
    from torchvision.transforms.v2.functional import pil_to_tensor, resize

    drawings = defaultdict(list)
    for file in sorted(files):
        if file.lower().endswith(".png") and not any(map(is_hidden, file.split("/"))):
            drawings["/".join(file.split("/")[-3:-1])].append(file)
    if len(drawings) != count or any(len(same) != 20 for same in drawings.values()):
        raise ValueError(
            f"omniglot: {shown(place)} should hold {count} characters drawn 20 times, got "
            f"{len(drawings)} characters and {sum(map(len, drawings.values())):,} drawings"
        )
    images = []
    for name in sorted(drawings):
        scans = []
        for file in drawings[name]:
            with open_file(file) as opened:
                scan = pil_to_tensor(open_image("omniglot", place.parent / file, "L", opened))
            scans.append(scan)  # [1, 105, 105] uint8
        images.append(resize(torch.stack(scans), [size, size], antialias=True))
    return torch.stack(images), sorted(drawings)
