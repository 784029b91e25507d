"""Lists of files as people have them: .csv with commas, semicolons or tabs, with or without a head."""

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from course_lib.data.files import read_text, same_name, shown
from course_lib.data.image_files import SUFFIXES, images_below

# What columns are called; of several in one head the first here counts.
CALLED = {
    "file": (
        *("file", "filename", "file_name", "image", "image_path", "filepath", "file_path", "path"),
        *("img", "img_path", "image_name", "picture", "photo", "image_id", "id"),
    ),
    "label": ("label", "class", "category", "class_name", "name", "target"),
    "split": ("split", "set", "subset", "part"),
    "first": ("first", "file_a", "image_a", "a", "img1", "image1", "file1"),
    "second": ("second", "file_b", "image_b", "b", "img2", "image2", "file2"),
    "same": ("same", "label", "match", "target", "is_same"),
}


def rows_of(
    where: str, path: Path, columns: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[dict[str, str | None]]:
    """The rows of a list, by the names of its columns.

    Args:
        where, path: the data set, and the file.
        columns: that it must have: in this order, or as its head names them.
        optional: that its head may name.
    Returns:
        A dict a row, from a name to a text; an optional column that is missing, or an empty cell of it, is None.
    Raises:
        ValueError: no rows, or one without these columns; the line is named.
    """
    lines = read_text(where, path).splitlines()
    first = next((line for line in lines if line.strip()), "")
    mark = max(",;\t", key=first.count)
    rows = [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(csv.reader(lines, delimiter=mark), start=1)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise ValueError(f"{where}: {shown(path)} is empty")
    head = [cell.lower().replace(" ", "_") for cell in rows[0][1]]
    at = {}
    for name in (*columns, *optional):
        known = [head.index(word) for word in CALLED[name] if word in head]
        if known:
            at[name] = known[0]
    if all(name in at for name in columns):
        del rows[0]
    else:
        if _is_head(head, rows, {word for name in (*columns, *optional) for word in CALLED[name]}):
            del rows[0]
        at = {name: i for name, i in at.items() if name in optional}
        at |= {name: i for i, name in enumerate(columns)}
    read = []
    for number, cells in rows:
        row = {name: cells[i] if i < len(cells) and cells[i] else None for name, i in at.items()}
        if lacking := [name for name in columns if row.get(name) is None]:
            raise ValueError(f"{where}: {shown(path)}, line {number}: no {lacking[0]} in {cells}")
        read.append({**dict.fromkeys(optional), **row})
    if not read:
        raise ValueError(f"{where}: {shown(path)} has a head, and no rows")
    return read


def _is_head(head: list[str], rows: list, known: set[str]) -> bool:
    """Whether the first row names columns: by a word that columns are called, or since only the others name images."""
    images = [Path(cells[0]).suffix.lower() in SUFFIXES for _, cells in rows[:2]]
    return not images[0] and (bool(known & {*head}) or images[1:] == [True])


def finder(folder: Path) -> Callable[[str], Path]:
    """What finds the files that a list names: where it says, or by a name that is there once in the folder.

    A name without its ending will do. What is not found gives the path where it should be.
    """
    by_name = defaultdict(list)
    for path in images_below(folder):
        for name in {path.name, path.stem}:
            by_name[same_name(name)].append(path)

    def find(name: str) -> Path:
        stated = folder / name.replace("\\", "/")
        if stated.is_file():
            return stated
        there = by_name.get(same_name(stated.name), [])
        exactly = [path for path in there if path.with_suffix("") == stated]
        there = exactly or there
        return there[0] if len(there) == 1 else stated

    return find
