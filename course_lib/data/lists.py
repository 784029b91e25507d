"""Lists of files as people have them: .csv with commas, semicolons or tabs, with or without a head."""

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from course_lib.data.files import read_text, same_name, shown
from course_lib.data.image_files import SUFFIXES, images_below

# What columns are called.
CALLED = {
    "file": ("file", "filename", "file_name", "image", "image_id", "id", "path", "photo"),
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
    mark = max(",;\t", key=(lines or [""])[0].count)
    rows = [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(csv.reader(lines, delimiter=mark), start=1)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise ValueError(f"{where}: {shown(path)} is empty")
    head = [cell.lower().replace(" ", "_") for cell in rows[0][1]]
    at = {
        name: i
        for name in (*columns, *optional)
        for i, cell in enumerate(head)
        if cell in CALLED[name]
    }
    if all(name in at for name in columns):
        del rows[0]
    else:
        at = {name: i for i, name in enumerate(columns)}
        if Path(rows[0][1][0]).suffix.lower() not in SUFFIXES:  # a head of other words
            del rows[0]
    read = []
    for number, cells in rows:
        row = {name: cells[i] if i < len(cells) and cells[i] else None for name, i in at.items()}
        if lacking := [name for name in columns if row.get(name) is None]:
            raise ValueError(f"{where}: {shown(path)}, line {number}: no {lacking[0]} in {cells}")
        read.append({**dict.fromkeys(optional), **row})
    if not read:
        raise ValueError(f"{where}: {shown(path)} has a head, and no rows")
    return read


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
        there = by_name.get(same_name(stated.name), [])
        return there[0] if not stated.is_file() and len(there) == 1 else stated

    return find
