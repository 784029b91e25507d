"""What students handed in: found in a folder, read as far as it is a notebook, and never followed out of the folder."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

LARGEST = 200 * 2**20  # bytes of a notebook
BESIDE = 20 * 2**20  # bytes of the files beside it
DEPTH = 3  # folders below a student's


class Unreadable(Exception):
    """A submission that cannot be marked; the text says why."""


@dataclass(frozen=True)
class Submission:
    """One student's hand-in.

    Attributes:
        student: the name of the folder, or of the notebook.
        path: of the folder or file.
    """

    student: str
    path: Path


def submissions(folder: Path) -> list[Submission]:
    """All of a folder, by name: each folder in it is a student's, each file too. Hidden ones are passed over.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}")
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    names = {entry.name for entry in entries}
    # a folder may have the name of a notebook beside it
    short = [e.suffix == ".ipynb" and e.stem not in names for e in entries]
    return [Submission(e.stem if s else e.name, e) for e, s in zip(entries, short, strict=True)]


def notebook_of(submission: Submission, assignment: str) -> Path:
    """The notebook to be marked.

    Raises:
        Unreadable: there is none, or more than one that may be it, or it is a link.
    """
    path = submission.path
    if path.is_symlink():
        raise Unreadable("it is a link; links are not followed")
    if path.is_file():
        if path.suffix != ".ipynb":
            raise Unreadable(f"it is no notebook but a file {path.suffix or 'without a suffix'}")
        return path
    if not path.is_dir():
        raise Unreadable("it is neither a folder nor a file")
    found = [file for file in _files(path) if file.suffix == ".ipynb"]
    named = [file for file in found if file.stem == assignment]
    if len(named or found) == 1:
        return (named or found)[0]
    if not found:
        links = any(file.is_symlink() for file in path.iterdir())
        more = "; links are not followed" if links else ""
        raise Unreadable(f"there is no notebook in the folder{more}")
    names = ", ".join(sorted(file.name for file in named or found)[:5])
    raise Unreadable(f"there are {len(named or found)} notebooks ({names}): leave one")


def _files(folder: Path) -> list[Path]:
    """The files of a folder and of those below, without links, hidden ones and checkpoints."""
    found = []
    for where, folders, files in os.walk(folder, followlinks=False):
        deep = len(Path(where).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and deep < DEPTH)
        paths = [Path(where, name) for name in sorted(files) if not name.startswith(".")]
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return found


def code_cells(notebook: Path) -> list[str]:
    """The sources of a notebook's code cells, in their order; all else that is in it is passed over.

    Raises:
        Unreadable: it is no notebook.
    """
    size = notebook.stat().st_size
    if size > LARGEST:
        raise Unreadable(
            f"the notebook has {size / 2**20:.0f} MB; at most {LARGEST >> 20} are read"
        )
    if size == 0:
        raise Unreadable("the notebook is an empty file")
    try:
        read = json.loads(notebook.read_bytes())
    except (ValueError, RecursionError):
        raise Unreadable(
            "the notebook is not JSON: it was not saved whole, or is another file"
        ) from None
    version = read.get("nbformat") if isinstance(read, dict) else None
    if version == 4:
        cells = read.get("cells")
    elif version == 3:
        sheets = read.get("worksheets")
        first = sheets[0] if isinstance(sheets, list) and sheets else None
        cells = first.get("cells") if isinstance(first, dict) else None
    else:
        raise Unreadable(f"the notebook's format is {version!r}; 3 and 4 are read")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable("the notebook has no list of cells")
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    sources = [_text(cell.get("source", cell.get("input", ""))) for cell in code]
    return [source for source in sources if source.strip()]


def _text(source: object) -> str:
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        return ""
    # what cannot be written as UTF-8 cannot be sent
    return source.encode("utf-8", "replace").decode()


def files_beside(submission: Submission, notebook: Path) -> dict[str, bytes] | None:
    """What lies beside a notebook, as modules that it imports, by path; None if it is too much.

    A notebook that was handed in without a folder has nothing beside it.
    """
    if submission.path.is_file():
        return {}
    files = [path for path in _files(notebook.parent) if path.suffix != ".ipynb"]
    if sum(path.stat().st_size for path in files) > BESIDE:
        return None
    return {path.relative_to(notebook.parent).as_posix(): path.read_bytes() for path in files}


def write_files(files: dict[str, bytes], folder: Path) -> Path:
    """Write files into a new folder that everybody may read. -> the folder"""
    folder.mkdir()
    folder.chmod(0o755)
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder
