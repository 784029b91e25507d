"""An assignment as it was handed out: its variant, and which of a submission's cells are to be executed."""

import json
from dataclasses import dataclass
from pathlib import Path

from course_lib.exercises.assigned import Assignment, assignments
from course_lib.machine import ROOT

FOLDER = ROOT / "notebooks" / "assignments"
# Tags of code cells: what all others need, what a student writes. All else shows, checks, or trains.
GIVEN, EXERCISE = "given", "exercise"


@dataclass(frozen=True)
class Release:
    """The notebook that students got.

    Attributes:
        assignment: what it sets.
        variant: of the inputs.
        given: sources of the cells that others need.
        shown: sources of the cells that need not run: figures, checks, trainings.
    """

    assignment: Assignment
    variant: int
    given: tuple[str, ...]
    shown: frozenset[str]

    def to_run(self, cells: list[str]) -> tuple[list[str], list[str]]:
        """Of a submission's code cells: ours, which run first, and the student's, in the student's order.

        A cell that was handed out to show something is left out as long as it is as it was; any other runs.
        """
        ours = [source for source in self.given]
        known = self.shown | {source.strip() for source in ours}
        return ours, [source for source in cells if source.strip() not in known]


def read_release(name: str, folder: Path = FOLDER) -> Release:
    """The release of an assignment.

    Raises:
        ValueError: there is no such assignment.
        FileNotFoundError: it has not been released.
    """
    if name not in assignments():
        raise ValueError(f"there is no assignment {name!r}; there are {sorted(assignments())}")
    notebook = json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))
    given, shown = [], set()
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
        if GIVEN in tags:
            given.append(source)
        elif EXERCISE not in tags:
            shown.add(source.strip())
    variant = notebook["metadata"]["course"]["variant"]
    return Release(assignments()[name], variant, tuple(given), frozenset(shown))
