"""Mark a folder of submissions.

python -m course_lib.marking FOLDER                       the assignment that the notebooks' names tell
python -m course_lib.marking FOLDER --assignment 3_boxes
python -m course_lib.marking FOLDER --workers 8           so many at a time, on this machine
python -m course_lib.marking FOLDER --scheduler tcp://... on a cluster of dask.distributed
"""

import argparse
import os
import sys
from pathlib import Path

from course_lib.exercises.assigned import assignments
from course_lib.machine import ROOT
from course_lib.marking.cage import find_cage
from course_lib.marking.grades import Class, Pool, grade, read_secret
from course_lib.marking.release import FOLDER, read_release
from course_lib.marking.submissions import submissions


def named(folder: Path) -> str:
    """The assignment whose name most notebooks in a folder have.

    Raises:
        ValueError: there is none.
    """
    stems = [path.stem for s in submissions(folder) for path in _notebooks(s.path)]
    counts = {name: stems.count(name) for name in assignments()}
    best = max(counts, key=counts.get)
    if counts[best] == 0:
        raise ValueError(
            f"no notebook in {folder} is named as an assignment: say which, --assignment one of {list(counts)}"
        )
    return best


def _notebooks(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.glob("**/*.ipynb"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="mark", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of student folders, or of notebooks")
    parser.add_argument("--assignment", help="its name, as 3_boxes")
    parser.add_argument(
        "--release",
        type=Path,
        default=FOLDER,
        help="folder of the notebooks as they were handed out",
    )
    parser.add_argument("--to", type=Path, help="where the marks go: marks/NAME otherwise")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--scheduler", help="of a dask.distributed cluster, as tcp://10.0.0.1:8786")
    chosen = parser.parse_args()
    try:
        name = chosen.assignment or named(chosen.folder)
        release = read_release(name, chosen.release)
        to = chosen.to or ROOT / "marks" / name
        cage = find_cage()
        if cage.kind == "none":
            print(f"No isolation: {cage.why}. Marking goes on in plain processes.", file=sys.stderr)
        room = Class(chosen.folder, to, release, read_secret(), cage)
        if chosen.scheduler:
            from course_lib.marking.cluster import Cluster

            pool = Cluster(chosen.scheduler)
        else:
            pool = Pool(max(1, chosen.workers))
        with pool:
            print(grade(room, pool))
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
