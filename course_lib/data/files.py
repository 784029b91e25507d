"""Real data sets, read by torchvision's and scikit-learn's own loaders where they have one.

A loader takes a split and the folder in which the set lies, and returns a plain tuple: mostly images [N, C, H, W]
float32 in 0..1, labels [N] int64, and what each class is called. It downloads only when told `download=True`. It
raises FileNotFoundError for what is not there, and ValueError for what is damaged, incomplete or something else.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps
from torch import Tensor

from course_lib.machine import ROOT

Labelled = tuple[Tensor, Tensor, list[str]]  # images, labels, names


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
    data = Path(named).expanduser() if named else ROOT / "data" / "cache"
    here = data / name
    below = [path for path in sorted(data.glob(f"*/{name}")) if ASIDE not in path.parent.suffixes]
    if len(below) > 1 and not here.exists():
        places = " and ".join(map(shown, below))
        raise ValueError(f"find: there is more than one {name}, say which: {places}")
    return below[0] if below and not here.exists() else here


def shown(path: Path) -> str:
    """A path as it is quoted in a message: short inside the project, whole outside."""
    return Path(path).as_posix().removeprefix(ROOT.as_posix() + "/")


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
