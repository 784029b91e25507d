"""Real data sets, read by torchvision's and scikit-learn's own loaders where they have one.

A loader takes a split and the folder in which the set lies, and returns a plain tuple: mostly images [N, C, H, W]
float32 in 0..1, labels [N] int64, and what each class is called. It downloads only when told `download=True`. It
raises FileNotFoundError for what is not there, and ValueError for what is damaged, incomplete or something else.
"""

import codecs
import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from course_lib.machine import ROOT

Labelled = tuple[Tensor, Tensor, list[str]]  # images, labels, names
ASIDE = ".part"  # ends the name of a folder in which a download is not yet whole


def data_folder() -> Path:
    """Where real sets lie: COURSE_DATA_DIR, or data/cache."""
    named = os.environ.get("COURSE_DATA_DIR")
    return absolute(named) if named else ROOT / "data" / "cache"


def absolute(folder: str | Path) -> Path:
    """A folder's whole path, with ~ for the home folder."""
    return Path(os.path.expanduser(folder)).absolute()


def find(name: str) -> Path:
    """The folder of a data set: directly in the data folder, or one folder down.

    Args:
        name: "omniglot-py", "FashionMNIST", "VOCdevkit", "orl-faces" or "lfw_home".
    Returns:
        Where it lies, or would have to lie.
    Raises:
        ValueError: it lies one folder down more than once; `find("bccd/VOCdevkit")` says which is meant.
    """
    data = data_folder()
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
            now = "" if data_folder().is_dir() else f" ({shown(data_folder())} is no folder)"
            raise FileNotFoundError(
                f"{where}: no {name} in {shown(folder)}: "
                f"put it there, set COURSE_DATA_DIR to where it is{now}, {last}"
            )


def check_split(where: str, split: str, splits: Iterable[str] = ("train", "test")) -> None:
    """Raise ValueError unless `split` is one of `splits`."""
    if split not in splits:
        raise ValueError(f"{where}: split must be one of {list(splits)}, got {split!r}")


def check_md5(where: str, path: Path, md5s: list[str]) -> None:
    """Raise ValueError unless the file's md5 is one of `md5s`, quoting the expected one, what came and its size."""
    with open(path, "rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 not in md5s:
        raise ValueError(
            f"{where}: {shown(path)} is damaged or another file: its md5 should be {' or '.join(md5s)}, "
            f"got {md5} in {path.stat().st_size:,} bytes: take it away and get it again"
        )


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that systems leave lying about: .DS_Store, ._1.jpg, __MACOSX."""
    return name.startswith(".") or name == "__MACOSX"


def below(folder: Path, pattern: str) -> list[Path]:
    """The files in a folder and in the folders below it whose name matches, in order; what is hidden is passed over."""
    return sorted(
        path
        for path in folder.rglob(pattern)
        if not any(is_hidden(part) for part in path.relative_to(folder).parts)
    )


def same_name(name: str) -> str:
    """A name in one form: "é" is one character on most systems, and two (e and its accent) in files from macOS."""
    return unicodedata.normalize("NFC", name)


def read_text(where: str, path: Path) -> str:
    """A text file as UTF-8 or UTF-16, with or without a byte-order mark, or else as Latin-1.

    Args:
        where: the data set, for the message.
        path: the file.
    Raises:
        ValueError: it is not text.
    """
    data = path.read_bytes()
    # Text of the first letters of a list or of an XML file: in UTF-16 every second byte of it is 0.
    marks = {
        codecs.BOM_UTF8: "utf-8-sig",
        codecs.BOM_UTF16_LE: "utf-16",
        codecs.BOM_UTF16_BE: "utf-16",
    }
    encodings = [encoding for mark, encoding in marks.items() if data.startswith(mark)]
    if not encodings and b"\0" in data[:2]:
        encodings = ["utf-16-be" if data[0] == 0 else "utf-16-le"]
    for encoding in encodings or ["utf-8", "latin-1"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValueError(f"{where}: {shown(path)} is not a text file, it begins with {data[:8]!r}")


def download_aside(
    where: str, target: Path, made: str, fetch: Callable[[Path], object], part: str = ""
) -> None:
    """Download into a temporary folder beside `target`, and rename what came once it is whole.

    Args:
        where, target: the data set, and the file or folder to be made; files in it already are left alone.
        made: where in the temporary folder `fetch` leaves it; "**/" stands for any folders.
        fetch: downloads into the folder that it is given, and checks.
        part: a file or folder in `target`; nothing is done if it is there already.
    Raises:
        OSError: the download failed.

    However it ends, the temporary folder is removed; `find` never finds one that a killed process left.
    """
    if (target / part).exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-", suffix=ASIDE))
    try:
        fetch(aside)
        _settle(next(aside.glob(made)), target)
    except (OSError, RuntimeError) as error:
        raise OSError(f"{where}: the download failed and left nothing behind: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _settle(source: Path, target: Path) -> None:
    """Rename `source` to `target`; where a folder is there already, add its missing files one by one."""
    if not target.exists():
        os.rename(source, target)
    elif source.is_dir() and target.is_dir():
        for entry in sorted(source.iterdir()):
            _settle(entry, target / entry.name)


@contextmanager
def linked(name: str, *contents: Path) -> Iterator[Path]:
    """A temporary folder in which `name` holds links to `contents`: a loader writes nothing beside them.

    Where links are not allowed (Windows, by default) it holds hard links or, from another disk, copies.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / name).mkdir(parents=True)
        for path in contents:
            _link(path.resolve(), Path(folder) / name / path.name)
        yield Path(folder)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except (OSError, NotImplementedError):
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_hard_link)
        else:
            _hard_link(source, target)


def _hard_link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except (OSError, NotImplementedError):
        shutil.copy2(source, target)
