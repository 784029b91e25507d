"""Faces of people of one's own: a folder for each person, and pairs of photographs to tell whether they are one."""

import re
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from course_lib.arguments import check_count
from course_lib.data import files
from course_lib.data.files import Labelled, read_text, shown
from course_lib.data.folders import classes_in, squares
from course_lib.data.image_files import images_below
from course_lib.data.lists import finder, rows_of
from course_lib.data.photos import SPLITS, split_by_hash

YES, NO = (
    ("1", "true", "yes", "same", "genuine"),
    ("0", "-1", "false", "no", "different", "impostor"),
)


def people(split: str, folder: Path, size: int = 64) -> Labelled:
    """Photographs of people, a folder for each: the middle square, scaled; one sentence says what was understood.

    Args:
        split: "all", or "train", "val" or "test": by a hash of the person's name, about three, one and one of five
            people; nobody is in two.
        folder: holds "Ada Lovelace/1.jpg"; what begins with a dot is passed over, at any depth.
        size: side of an image in pixels.
    Returns:
        Images [N, 3, size, size], labels, and the names of the split's people, sorted.
    Raises:
        FileNotFoundError: no such folder, no folders with images in it, none readable.
        ValueError: another split; nobody in that split.

    Images that cannot be read are left out, and named in one warning.
    """
    files.check_split("people", split, ["all", *SPLITS])
    check_count("people", size=size)
    folder = files.absolute(folder)
    files.require("people", folder.parent, [folder.name])
    by_person = {name: paths for name, paths in classes_in(folder).items() if paths}
    if not by_person:
        raise FileNotFoundError(f"people: no folder with images for each person in {shown(folder)}")
    parts = {name: split_by_hash(name, val=True) for name in by_person}
    counts = {part: list(parts.values()).count(part) for part in SPLITS}
    said = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    total = sum(map(len, by_person.values()))
    print(f"{total:,} images of {len(by_person)} people, people split by hash: {said}")
    names = sorted(name for name in by_person if split in ("all", parts[name]))
    if not names:
        raise ValueError(
            f"people: nobody in the split {split!r} in {shown(folder)}; there are {counts}"
        )
    pairs = [(path, label) for label, name in enumerate(names) for path in by_person[name]]
    images, kept = squares("people", [path for path, _ in pairs], size)
    return images, torch.tensor([pairs[i][1] for i in kept]), names


def people_pairs(split: str, folder: Path, size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of photographs, and whether both show the same person: by which verification is measured (L1.15, L5.12).

    Args:
        split: "all".
        folder: the images, anywhere below it, and one list: pairs.txt with lines "person i j" and "person i other j"
            (in the folder of that person, the image whose name ends in that number, or else the i-th; a first line
            of numbers is passed over), or a .csv file with rows "file,file,same" (1 or 0).
        size: side of an image in pixels.
    Returns:
        Images a and b [N, 3, size, size] in 0..1, same [N] bool.
    Raises:
        FileNotFoundError: no such folder, no list in it, or no pair of which both images can be read.
        ValueError: a line of another form; it is named.

    Pairs of which an image is missing or cannot be read are left out; such images are named in one warning.
    """
    files.check_split("people-pairs", split, ["all"])
    check_count("people-pairs", size=size)
    folder = files.absolute(folder)
    files.require("people-pairs", folder.parent, [folder.name])
    lists = (
        [folder / "pairs.txt"] if (folder / "pairs.txt").is_file() else sorted(folder.glob("*.csv"))
    )
    if len(lists) != 1:
        raise FileNotFoundError(
            f"people-pairs: {shown(folder)} should hold pairs.txt or one .csv file, got {len(lists)}"
        )
    pairs = (_from_text if lists[0].suffix == ".txt" else _from_table)(lists[0])
    paths = sorted({path for a, b, _ in pairs for path in (a, b)})
    images, kept = squares("people-pairs", paths, size)
    place = {paths[i]: number for number, i in enumerate(kept)}
    whole = [(place[a], place[b], same) for a, b, same in pairs if a in place and b in place]
    if not whole:
        raise FileNotFoundError(f"people-pairs: no pair in {shown(folder)} has both images")
    first, second, same = torch.tensor(whole).T
    print(f"{len(whole):,} of {len(pairs):,} pairs, {int(same.sum()):,} of one person")
    return images[first], images[second], same.bool()


def _from_text(path: Path) -> list[tuple[Path, Path, bool]]:
    """The pairs of a list in the form of Labeled Faces in the Wild."""
    folders, pairs = defaultdict(list), []
    for image in images_below(path.parent):
        folders[files.same_name(image.parent.name)].append(image)
    for number, line in enumerate(read_text("people-pairs", path).splitlines(), start=1):
        words = [word.strip() for word in line.strip().split("\t" if "\t" in line else None)]
        if not words or (number == 1 and all(word.isdecimal() for word in words)):
            continue
        if len(words) not in (3, 4) or not (words[1].isdecimal() and words[-1].isdecimal()):
            raise ValueError(
                f"people-pairs: {shown(path)}, line {number}: should be 'person i j' or 'person i other j' "
                f"(separated by tabs where names have spaces), got {words}"
            )
        two = (words[0], words[1]), (words[-2] if len(words) == 4 else words[0], words[-1])
        chosen = []
        for name, which in two:
            there = folders.get(files.same_name(name), [])
            numbered = [p for p in there if re.search(rf"(?<!\d)0*{int(which)}$", p.stem)]
            if len(numbered) == 1:
                chosen.append(numbered[0])
                continue
            if not 1 <= int(which) <= len(there):
                raise ValueError(
                    f"people-pairs: {shown(path)}, line {number}: there is no image {which} of {name!r}, "
                    f"who has {len(there)}"
                )
            chosen.append(there[int(which) - 1])
        pairs.append((*chosen, len(words) == 3))
    return pairs


def _from_table(path: Path) -> list[tuple[Path, Path, bool]]:
    find, pairs = finder(path.parent), []
    for row in rows_of("people-pairs", path, ("first", "second", "same")):
        says = row["same"].lower()
        if says not in YES + NO:
            raise ValueError(
                f"people-pairs: {shown(path)}: same must be 1 or 0, got {row['same']!r}"
            )
        pairs.append((find(row["first"]), find(row["second"]), says in YES))
    return pairs
