"""ORL: forty people, ten photographs each."""

import hashlib
from pathlib import Path

import torch

from course_lib.data import files
from course_lib.data.files import Labelled
from course_lib.data.image_files import open_image

ORL_MD5 = "d6c59200e4e4d4b10f9f618a5a7afb5e"  # of all pixels, s1/1.pgm to s40/10.pgm


def orl_faces(split: str, folder: Path) -> Labelled:
    """Forty people, ten photographs each, 92 x 112 grey (Olivetti Research Laboratory, 1994).

    Args:
        split: "train" (the first thirty people) or "test" (the last ten): nobody is in both.
        folder: "orl-faces", with s1/1.pgm to s40/10.pgm.
    """
    from torchvision.transforms.v2.functional import pil_to_tensor

    files.check_split("orl-faces", split)
    folder = files.absolute(folder)
    names = [f"s{person}/{number}.pgm" for person in range(1, 41) for number in range(1, 11)]
    files.require("orl-faces", folder, names)
    read = [open_image("orl-faces", folder / name, "L") for name in names]
    images = torch.stack([pil_to_tensor(image) for image in read])  # [400, 1, 112, 92]
    md5 = hashlib.md5(images.numpy(), usedforsecurity=False).hexdigest()
    if md5 != ORL_MD5:
        raise ValueError(
            f"orl-faces: an image in {files.shown(folder)} is damaged or another one: the md5 of all "
            f"pixels should be {ORL_MD5}, got {md5}"
        )
    first, last = (0, 30) if split == "train" else (30, 40)
    people = [f"s{person + 1}" for person in range(first, last)]
    labels = torch.arange(len(people)).repeat_interleave(10)
    return images[10 * first : 10 * last].float() / 255, labels, people
