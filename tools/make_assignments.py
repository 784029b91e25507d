"""Make notebooks/assignments/*.ipynb from notebooks/source/assignments/*.py: blanks in, expected results folded.

    python -m tools.make_assignments                       those whose source or library has changed
    python -m tools.make_assignments 3                     this one
    python -m tools.make_assignments --variant 2027        all, with other inputs, for another class
    python -m tools.make_assignments --key answers         the same with the solutions, into a folder

The solutions run first: what a cell tagged "expected" shows stands, folded, in the notebook that students get. Cells
carry nbgrader's metadata, so that a course that uses nbgrader can take them over.
"""

import argparse
import os
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.exercises.assigned import Assignment, assignments
from course_lib.exercises.contest import Contest
from course_lib.exercises.tasks import TASKS
from course_lib.machine import ROOT
from course_lib.page.notebook import RECORD
from tools import build_notebooks as builder
from tools.empty_cache import empty_cache
from tools.page_form import NAME, records

SOURCES = ROOT / "notebooks" / "source" / "assignments"
TARGETS = ROOT / "notebooks" / "assignments"
VARIANT = re.compile(r"^VARIANT = (\d+)$", re.MULTILINE)
CHECKED = re.compile(r"^check\(\"(\w+)\"", re.MULTILINE)
SCHEMA = 3  # of nbgrader's metadata


HOW = (
    "* Each exercise has a blank, `...`. Write your lines in its place, run the cell, then "
    "the check under it: it answers at once. *Expected* unfolds what a right answer gives.\n"
    "* Arguments are torch tensors and numbers. Return tensors (lists and numpy arrays are "
    "taken, too); *a number* is a Python number or a tensor without axes, of shape [].\n"
    "* Use Python, torch and numpy alone. Other libraries, and the course's own functions, "
    "are not there when your work is marked.\n"
    "* An answer has all its points or none; half of them if it is right but needlessly slow:"
    " if its steps grow faster with the input than those of a plain solution.\n"
    "* Your work is marked on other inputs, by the same rules.\n"
    "* The minutes are for writing. To read takes about as long again."
)
HAND_IN = (
    "**To hand in:** restart the kernel and run all cells (*Kernel*, *Restart Kernel and Run "
    "All Cells*), save, and hand in this notebook under the name that it has."
)


def cells_of(source: Path, variant: int | None = None, solved: bool = False) -> NotebookNode:
    """The notebook of a source, not executed; its variant is in the metadata.

    Raises:
        ValueError: no cell, or more than one, says `VARIANT = ...`.
    """
    notebook = builder.cells_of(source, solved)
    given = [cell for cell in notebook.cells if VARIANT.search(cell.source)]
    if len(given) != 1:
        raise ValueError(f"{source.name}: one cell says VARIANT = ..., found {len(given)}")
    if variant is not None:
        given[0].source = VARIANT.sub(f"VARIANT = {variant}", given[0].source)
    notebook.metadata["course"] = {"variant": int(VARIANT.search(given[0].source)[1])}
    return notebook


def facts(assignment: Assignment) -> dict[str, str]:
    """What the prose may name in double braces: a line for each exercise, one for all, and what all have in common."""
    tasks = {exercise.task: exercise for exercise in assignment.exercises}
    lines = {f"exercise.{name}": _line(name, exercise.points) for name, exercise in tasks.items()}
    minutes = sum(TASKS[name].minutes for name in tasks)
    head = f"**{assignment.points} points** · about {_hours(minutes)} · {len(tasks)} exercises"
    contests = [name for name in tasks if isinstance(TASKS[name], Contest)]
    lines |= {f"formula.{name}": TASKS[name].formula for name in contests}
    return lines | {"assignment.head": head, "assignment.how": HOW, "assignment.hand_in": HAND_IN}


def _line(name: str, points: int) -> str:
    task = TASKS[name]
    stars = "●" * task.difficulty + "○" * (3 - task.difficulty)
    topics = ", ".join(task.topics)
    worth = f"{points} point{'s' * (points != 1)}"
    return f"*{worth} · difficulty {stars} · about {task.minutes} minutes · {topics}*"


def _hours(minutes: int) -> str:
    """To five minutes.

    >>> _hours(44), _hours(60), _hours(117)
    ('45 minutes', '1 hour', '1 hour 55 minutes')
    """
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    parts = [
        f"{n} {word}{'s' * (n != 1)}" for n, word in ((hours, "hour"), (minutes, "minute")) if n
    ]
    return " ".join(parts)


def release(source: Path, variant: int | None = None) -> NotebookNode:
    """What students get: executed with its blanks, what the solutions show folded into it."""
    assignment = assignments()[source.stem]
    solved = cells_of(source, variant, solved=True)
    solved.cells.append(new_code_cell(builder.WHAT_IS_LOADED))
    with empty_cache():
        builder.execute(solved)
    loaded = builder.loaded_files(solved.cells.pop())
    _refuse_wrong(source, solved)
    known = records(solved) | facts(assignment)
    notebook = cells_of(source, variant)
    notebook.cells = [
        _folded(cell) if "expected" in cell.metadata.get("tags", []) else plain
        for cell, plain in zip(solved.cells, notebook.cells, strict=True)
    ]
    _fill_in(notebook, known)
    course = notebook.metadata["course"]
    with empty_cache():
        builder.execute(notebook)
    notebook.metadata["course"] = course | {
        "files": loaded,
        "inputs": builder.fingerprint(source, loaded),
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
    _for_nbgrader(notebook, {exercise.task: exercise.points for exercise in assignment.exercises})
    builder.tidy(notebook)
    return notebook


def key(source: Path, variant: int | None = None) -> NotebookNode:
    """The instructor's copy: with the solutions, executed."""
    notebook = cells_of(source, variant, solved=True)
    course = notebook.metadata["course"]
    with empty_cache():
        builder.execute(notebook)
    _refuse_wrong(source, notebook)
    _fill_in(notebook, records(notebook) | facts(assignments()[source.stem]))
    notebook.metadata["course"] = course
    builder.tidy(notebook)
    return notebook


def _refuse_wrong(source: Path, solved: NotebookNode) -> None:
    """Stop where a solution does not pass its own check."""
    for cell in solved.cells:
        for name in CHECKED.findall(cell.source):
            texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            passed = (f"{name}: right", f"{name}: scored")
            if not any(text.startswith(passed) for text in texts):
                raise SystemExit(f"{source.stem} is not written: {name}: {' '.join(texts)}")


def _folded(cell: NotebookNode) -> NotebookNode:
    """What a cell shows, as text that unfolds."""
    parts, attachments = [], {}
    for output in cell.outputs:
        data = output.get("data", {})
        if RECORD in data:
            continue
        if "image/png" in data:
            name = f"expected-{len(attachments)}.png"
            attachments[name] = {"image/png": data["image/png"]}
            parts.append(f"![{data.get('text/plain', 'expected')}](attachment:{name})")
        else:
            text = data.get("text/markdown") or data.get("text/plain") or output.get("text", "")
            parts.append(text if "text/markdown" in data else f"```\n{text.rstrip()}\n```")
    inner = "\n\n".join(parts)
    source = f"<details><summary>Expected</summary>\n\n{inner}\n\n</details>"
    folded = new_markdown_cell(source, metadata={"tags": ["expected"]})
    if attachments:
        folded["attachments"] = attachments
    return folded


def _fill_in(notebook: NotebookNode, known: dict[str, str]) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if unknown := sorted(set(NAME.findall(cell.source)) - set(known)):
                raise ValueError(f"the prose names {unknown}, known are {sorted(known)}")
            cell.source = NAME.sub(lambda found: known[found[1]], cell.source)


def _for_nbgrader(notebook: NotebookNode, points: dict[str, int]) -> None:
    """nbgrader's marks: what is read-only, what a student writes, what gives points."""
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        checked = CHECKED.findall(cell.source) if "check" in tags else []
        mine = {
            "grade": bool(checked),
            "grade_id": f"check-{checked[0]}" if checked else f"cell-{number:03d}",
            "locked": "exercise" not in tags,
            "schema_version": SCHEMA,
            "solution": "exercise" in tags,
            "task": False,
        }
        if checked:
            mine["points"] = points[checked[0]]
        cell.metadata["nbgrader"] = mine
        cell.metadata["deletable"] = "exercise" in tags
        if "exercise" not in tags:
            cell.metadata["editable"] = "given" in tags


def is_fresh(source: Path) -> bool:
    """Whether the notebook that is there was made from this source and these files of the library."""
    built = builder.built_from(TARGETS / f"{source.stem}.ipynb")
    return bool(built) and built["inputs"] == builder.fingerprint(source, built["files"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "names", nargs="*", help="which: 3, or 3_boxes; all that are stale otherwise"
    )
    parser.add_argument("--variant", type=int, help="of the inputs, a number: another class")
    parser.add_argument("--key", type=Path, metavar="FOLDER", help="write the solutions there")
    chosen = parser.parse_args()
    # nobody has answered anything
    os.environ["COURSE_PROGRESS"] = os.devnull
    sources = sorted(SOURCES.glob("*.py"))
    picked = [s for s in sources if any(s.stem.startswith(name) for name in chosen.names)]
    if chosen.names and not picked:
        parser.error(
            f"there is no assignment {chosen.names}; there are {[s.stem for s in sources]}"
        )
    for source in picked or sources:
        if chosen.key:
            made, folder = key(source, chosen.variant), chosen.key
        elif picked or chosen.variant is not None or not is_fresh(source):
            made, folder = release(source, chosen.variant), TARGETS
        else:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(made, folder / f"{source.stem}.ipynb")
        print(f"{source.stem}: written to {folder.name}/")


if __name__ == "__main__":
    main()
