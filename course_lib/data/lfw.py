"""Labeled Faces in the Wild: photographs of people, and the pairs by which verification is measured."""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_positive
from course_lib.data import files
from course_lib.data.files import Labelled, check_md5, read_text, require, shown
from course_lib.data.image_files import open_image

LFW_LISTS = {  # md5, those that torchvision lists
    "pairsDevTrain.txt": "4f27cbf15b2da4a85c1907eb4181ad21",
    "pairsDevTest.txt": "5132f7440eb68cf58910c8a45a2ac10b",
    "pairs.txt": "9f1ba174e4e1c508ff7cdf10ac338a7d",
}
LFW_PAIRS = {"train": "pairsDevTrain.txt", "test": "pairsDevTest.txt", "10_folds": "pairs.txt"}
LFW_PHOTOGRAPHS = 13233
# Of every four people by name.
PARTS = ("train", "train", "val", "test")


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
    check_count("lfw-people", min_faces=min_faces)
    check_positive("lfw-people", resize=resize)
    folder = files.absolute(folder)
    options = {"min_faces_per_person": min_faces, "resize": resize, "color": True}
    source = _read_lfw("lfw-people", fetch_lfw_people, folder, download, **options)
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
    check_positive("lfw-pairs", resize=resize)
    folder = files.absolute(folder)
    options = {"subset": split, "resize": resize, "color": True}
    source = _read_lfw("lfw-pairs", fetch_lfw_pairs, folder, download, **options)
    _, same, fold = parse_lfw_pairs(folder / LFW_PAIRS[split])
    images = torch.from_numpy(source.pairs).permute(1, 0, 4, 2, 3).float()  # [2, N, 3, H, W]
    return images[0], images[1], same, fold


def _read_lfw(where: str, read: Callable, folder: Path, download: bool, **options):
    """What scikit-learn's loader `read` makes of the photographs, once they are known to be all there."""
    if download:
        fetch = lambda aside: read(data_home=aside, resize=0.1)  # noqa: E731
        files.download_aside(where, folder, "lfw_home", fetch, part="lfw_funneled")
    photographs = _check_lfw(where, folder, LFW_LISTS, LFW_PHOTOGRAPHS)
    contents = [folder / name for name in [*LFW_LISTS, "lfw_funneled"]]
    with files.linked("lfw_home", *contents) as home:
        try:
            return read(data_home=home, download_if_missing=False, **options)
        except OSError:
            for path in photographs:
                open_image(where, path, "RGB")  # raises with the name of the bad one
            raise


def parse_lfw_pairs(path: Path) -> tuple[list[tuple[str, int, str, int]], Tensor, Tensor]:
    """Read a list of face pairs in the form of Labeled Faces in the Wild: pairs.txt, pairsDevTrain.txt.

    Args:
        path: its first line counts folds (left out where there is one) and n; then each fold has n lines
            "person i j", of one person, and n lines "person i other j".
    Returns:
        Pairs (person, number of the photograph, person, number), same [N] bool, fold [N] int64 from 0.
    Raises:
        ValueError: a line of another form, or another number of lines.
    """
    header, *lines = [line.split() for line in read_text("lfw-pairs", path).rstrip().split("\n")]
    if len(header) not in (1, 2) or not all(word.isdecimal() for word in header):
        raise ValueError(f"{shown(path)}: line 1 must count folds and pairs, got {header}")
    folds, count = [1, *map(int, header)][-2:]
    if len(lines) != 2 * folds * count:
        expected = f"{folds} x ({count} + {count}) pairs should follow"
        raise ValueError(f"{shown(path)}: {expected}, got {len(lines):,}")
    pairs, position = [], torch.arange(len(lines))
    same, fold = position % (2 * count) < count, position // (2 * count)
    for number, (words, alike) in enumerate(zip(lines, same.tolist(), strict=True), start=2):
        four = [*words[:2], words[0], *words[2:]] if alike else words
        if len(four) != 4 or not (four[1].isdecimal() and four[3].isdecimal()):
            form = "person i j" if alike else "person i other j"
            raise ValueError(f"{shown(path)}, line {number}: should be {form!r}, got {words}")
        pairs.append((four[0], int(four[1]), four[2], int(four[3])))
    return pairs, same, fold


def _check_lfw(where: str, folder: Path, lists: dict[str, str], count: int) -> list[Path]:
    """The photographs in an "lfw_home" folder, once its lists (by md5) and their number have been checked."""
    require(where, folder, [*lists, "lfw_funneled"], download=True)
    for name, md5 in lists.items():
        check_md5(where, folder / name, [md5])
    photographs = sorted((folder / "lfw_funneled").glob("*/*.jpg"))
    if len(photographs) != count:
        raise ValueError(
            f"{where}: {shown(folder)}/lfw_funneled should hold {count:,} photographs, "
            f"got {len(photographs):,}: take it away and get it again"
        )
    return photographs
