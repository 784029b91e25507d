"""Finding, checking, fetching and reading the files of real data sets, in data/cache or in COURSE_DATA_DIR."""

import hashlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import torch
from PIL import Image, ImageOps
from torch import Tensor

PROJECT = Path(__file__).resolve().parents[1]
ASIDE = ".part"  # ends the name of a folder in which a download is not yet whole


def find(name: str) -> Path:
    """The folder of a data set: directly in the data folder, or one folder down.

    Args:
        name: "omniglot-py", "FashionMNIST", "VOCdevkit", "orl-faces" or "lfw_home".
    Returns:
        Where it lies, or would have to lie.
    Raises:
        ValueError: it lies one folder down more than once; `find("bccd/VOCdevkit")` says which is meant.
    """
    named = os.environ.get("COURSE_DATA_DIR")
    data = Path(named).expanduser() if named else PROJECT / "data" / "cache"
    here = data / name
    below = [path for path in sorted(data.glob(f"*/{name}")) if ASIDE not in path.parent.suffixes]
    if len(below) > 1 and not here.exists():
        places = " and ".join(map(shown, below))
        raise ValueError(f"find: there is more than one {name}, say which: {places}")
    return below[0] if below and not here.exists() else here


def shown(path: Path) -> str:
    """A path as it is quoted in a message: short inside the project, whole outside."""
    return Path(path).as_posix().removeprefix(PROJECT.as_posix() + "/")


def require(where: str, folder: Path, names: Iterable[str], download: bool = False) -> None:
    """Raise FileNotFoundError for the first of `names` that is not in `folder`: what, where, what to do.

    Args:
        where, folder: the data set, and where its files should lie.
        names: files or folders in it; "a or b" where one of them will do.
        download: whether this set could be downloaded.
    """
    for name in names:
        if not any((folder / choice).exists() for choice in name.split(" or ")):
            last = "or call load(..., download=True)" if download else "or pass its folder"
            raise FileNotFoundError(
                f"{where}: no {name} in {shown(folder)}: "
                f"put it there, set COURSE_DATA_DIR to where it is, {last}"
            )


def check_split(where: str, split: str, splits: Iterable[str] = ("train", "test")) -> None:
    """Raise ValueError unless `split` is one of `splits`."""
    if split not in splits:
        raise ValueError(f"{where}: split must be one of {list(splits)}, got {split!r}")


def check_md5(where: str, path: Path, md5s: list[str]) -> None:
    """Raise ValueError unless the file's md5 is one of `md5s`, quoting the expected, the found and the size."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found not in md5s:
        raise ValueError(
            f"{where}: {shown(path)} is damaged or another file: its md5 should be {' or '.join(md5s)}, "
            f"found {found} in {path.stat().st_size:,} bytes: take it away and get it again"
        )


def open_picture(where: str, path: Path, mode: str, file: IO[bytes] | None = None) -> Image.Image:
    """A picture as a PIL image of mode "RGB" or "L" (grey), upright: telephones only note which way is up.

    Args:
        where, path: the data set, and the file; for the message.
        file: what to read instead of the file at `path`, such as a member of a zip file.
    Raises:
        ValueError: it cannot be read as a picture, to the last row.
    """
    try:
        with Image.open(file or path) as image:
            return ImageOps.exif_transpose(image).convert(mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        says = "not a picture" if "cannot identify" in str(error) else error
        raise ValueError(f"{where}: {shown(path)} cannot be read as a picture: {says}") from error


def download_aside(
    where: str, target: Path, made: str, fetch: Callable[[Path], object], wanted: str = ""
) -> None:
    """Download into a temporary folder beside `target`, and rename what came once it is whole.

    Args:
        where, target: the data set, and the file or folder wanted; files in it already are left alone.
        made: where in the temporary folder `fetch` leaves it; "**/" stands for any folders.
        fetch: downloads into the folder that it is given, and checks.
        wanted: a file or folder in `target`; nothing is done if it is there already.
    Raises:
        OSError: the download failed.

    However it ends, the temporary folder is removed; `find` never finds one that a killed process left.
    """
    if (target / wanted).exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-", suffix=ASIDE))
    try:
        fetch(aside)
        settle(next(aside.glob(made)), target)
    except (OSError, RuntimeError) as error:
        raise OSError(f"{where}: the download failed and left nothing behind: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def settle(source: Path, target: Path) -> None:
    """Rename `source` to `target`; where a folder is there already, add its missing files one by one."""
    if not target.exists():
        os.rename(source, target)
    elif source.is_dir() and target.is_dir():
        for entry in sorted(source.iterdir()):
            settle(entry, target / entry.name)


@contextmanager
def linked(name: str, *contents: Path) -> Iterator[Path]:
    """A temporary folder in which `name` holds links to `contents`: a loader writes nothing beside them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).mkdir(parents=True)
        for path in contents:
            (Path(folder) / name / path.name).symlink_to(path.resolve())
        yield Path(folder)


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
    header, *lines = [line.split() for line in path.read_text("utf-8").rstrip().split("\n")]
    if len(header) not in (1, 2) or not all(word.isdecimal() for word in header):
        raise ValueError(f"{shown(path)}: line 1 must count folds and pairs, got {header}")
    folds, count = [1, *map(int, header)][-2:]
    if len(lines) != 2 * folds * count:
        expected = f"{folds} x ({count} + {count}) pairs should follow"
        raise ValueError(f"{shown(path)}: {expected}, found {len(lines):,}")
    pairs, position = [], torch.arange(len(lines))
    same, fold = position % (2 * count) < count, position // (2 * count)
    for number, (words, alike) in enumerate(zip(lines, same.tolist(), strict=True), start=2):
        four = [*words[:2], words[0], *words[2:]] if alike else words
        if len(four) != 4 or not (four[1].isdecimal() and four[3].isdecimal()):
            form = "person i j" if alike else "person i other j"
            raise ValueError(f"{shown(path)}, line {number}: should be {form!r}, got {words}")
        pairs.append((four[0], int(four[1]), four[2], int(four[3])))
    return pairs, same, fold


def check_lfw(where: str, folder: Path, lists: dict[str, str], count: int) -> list[Path]:
    """The photographs in an "lfw_home" folder, once its lists (by md5) and their number have been checked."""
    require(where, folder, [*lists, "lfw_funneled"], download=True)
    for name, md5 in lists.items():
        check_md5(where, folder / name, [md5])
    photographs = sorted((folder / "lfw_funneled").glob("*/*.jpg"))
    if len(photographs) != count:
        raise ValueError(
            f"{where}: {shown(folder)}/lfw_funneled should hold {count:,} photographs, "
            f"found {len(photographs):,}: take it away and get it again"
        )
    return photographs


def read_omniglot(
    place: Path, files: list[str], open_file: Callable[[str], IO[bytes]], count: int, size: int
) -> tuple[Tensor, list[str]]:
    """The drawings ".../alphabet/character/number.png" in a zip or folder: bytes [count, 20, 1, size, size]; names."""
    from torchvision.transforms.v2.functional import pil_to_tensor, resize

    drawings = defaultdict(list)
    for file in sorted(file for file in files if file.endswith(".png")):
        drawings["/".join(file.split("/")[-3:-1])].append(file)
    if len(drawings) != count or any(len(found) != 20 for found in drawings.values()):
        raise ValueError(
            f"omniglot: {shown(place)} should hold {count} characters drawn 20 times, found "
            f"{len(drawings)} characters and {sum(map(len, drawings.values())):,} drawings"
        )
    images = []
    for name in sorted(drawings):
        scans = []
        for file in drawings[name]:
            with open_file(file) as opened:
                scan = pil_to_tensor(open_picture("omniglot", place.parent / file, "L", opened))
            scans.append(scan)  # [1, 105, 105] uint8
        images.append(resize(torch.stack(scans), [size, size], antialias=True))
    return torch.stack(images), sorted(drawings)


def voc_objects(path: Path) -> tuple[list[list[float]], list[str], list[bool]]:
    """What is in a VOC annotation file: boxes (x1, y1, x2, y2), names of their classes, which are difficult."""
    from torchvision.datasets import VOCDetection

    try:
        note = VOCDetection.parse_voc_xml(ElementTree.parse(path).getroot())["annotation"]
        things, sides = note["object"], ("xmin", "ymin", "xmax", "ymax")
        boxes = [[float(thing["bndbox"][side]) for side in sides] for thing in things]
        difficult = [thing.get("difficult", "0") == "1" for thing in things]
        names = [thing["name"] for thing in things]
    except (ElementTree.ParseError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"voc: {shown(path)} is not a VOC annotation: {error!r}") from error
    for x1, y1, x2, y2 in boxes:
        if not (x1 <= x2 and y1 <= y2):
            raise ValueError(f"voc: {shown(path)} has a box ({x1:g}, {y1:g}, {x2:g}, {y2:g})")
    return boxes, names, difficult


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
