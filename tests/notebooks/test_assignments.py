"""The assignments that students get: blank, fresh, judged by their own checks, and fit for nbgrader."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib.exercises.assigned import assignments
from course_lib.marking.release import read_release
from tools import build_notebooks as builder
from tools import make_assignments as maker
from tools.page_form import NAME

SOURCES = sorted(maker.SOURCES.glob("*.py"))
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def released(source) -> nbformat.NotebookNode:
    return nbformat.read(maker.TARGETS / f"{source.stem}.ipynb", as_version=4)


def said(notebook) -> dict[str, str]:
    """Exercise -> the first line of its check."""
    found = {}
    for cell in notebook.cells:
        for name in maker.CHECKED.findall(cell.source) if cell.cell_type == "code" else ():
            texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            found[name] = next((t for t in texts if t.startswith(f"{name}:")), "").split("\n")[0]
    return found


def test_every_assignment_has_a_source_and_a_notebook():
    names = [source.stem for source in SOURCES]
    assert names == list(assignments())
    assert names == sorted(path.stem for path in maker.TARGETS.glob("*.ipynb"))


@each_source
def test_the_notebook_is_made_from_what_is_there(source):
    assert maker.is_fresh(source), f"{source.stem} is stale: make assignments"


@each_source
def test_blank_as_students_get_it_nothing_is_attempted(source):
    notebook = released(source)
    tasks = [exercise.task for exercise in assignments()[source.stem].exercises]
    texts = said(notebook)
    assert list(texts) == tasks
    assert all(text.startswith(f"{name}: not attempted") for name, text in texts.items())
    whole = "\n".join(cell.source for cell in notebook.cells)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert "SOLUTION" not in whole and not any(NAME.search(text) for text in texts)
    solved = maker.cells_of(source, solved=True)
    for blank, cell in zip(notebook.cells, solved.cells, strict=True):
        if "exercise" in cell.metadata.get("tags", []):
            assert "...  # your turn" in blank.source and cell.source not in whole


@each_source
def test_every_exercise_says_what_it_asks_and_what_it_expects(source):
    notebook = released(source)
    whole = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for line in maker.facts(assignments()[source.stem]).values():
        assert line in whole
    assert (
        whole.count("<summary>Expected</summary>") >= len(assignments()[source.stem].exercises) - 1
    )
    assert whole.count("Go further") >= 3
    assert "hand in" in whole.lower()


@each_source
def test_figures_have_alternative_texts(source):
    notebook = released(source)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert "image/png" not in data or not data["text/plain"].startswith("<Figure")
        for text in re.findall(r"!\[(.*?)\]\(attachment", cell.source, re.DOTALL):
            assert len(text) > 20, "a folded figure says what one should see"


@each_source
def test_it_is_fit_for_nbgrader(source):
    notebook = released(source)
    points, ids = {}, []
    for cell in notebook.cells:
        mine = cell.metadata["nbgrader"]
        ids.append(mine["grade_id"])
        assert mine["schema_version"] == 3 and re.fullmatch(r"[\w-]+", mine["grade_id"])
        assert mine["solution"] == ("exercise" in cell.metadata.get("tags", []))
        assert not (mine["solution"] and mine["locked"])
        if mine["grade"]:
            points[mine["grade_id"].removeprefix("check-")] = mine["points"]
    assert len(set(ids)) == len(ids)
    exercises = assignments()[source.stem].exercises
    assert points == {exercise.task: exercise.points for exercise in exercises}


@each_source
def test_the_marker_runs_what_is_needed(source):
    release = read_release(source.stem)
    notebook = released(source)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    ours, theirs = release.to_run(code)
    assert ours and len(theirs) == len(release.assignment.exercises)
    assert all(text.strip() not in release.shown for text in theirs)


@each_source
def test_another_class_gets_other_inputs(source):
    one, other = maker.cells_of(source), maker.cells_of(source, 2027)
    assert other.metadata["course"]["variant"] == 2027 != one.metadata["course"]["variant"]
    changed = [a for a, b in zip(one.cells, other.cells, strict=True) if a.source != b.source]
    assert len(changed) == 1


@pytest.mark.slow
@each_source
def test_with_its_solutions_every_check_says_right(source):
    """For another class than the one that the notebook was made for."""
    notebook = maker.cells_of(source, 2027, solved=True)
    resources = {"metadata": {"path": builder.NOTEBOOKS}}
    NotebookClient(notebook, timeout=180, kernel_name="python3", resources=resources).execute()
    texts = said(notebook)
    assert list(texts) == [exercise.task for exercise in assignments()[source.stem].exercises]
    right = [
        name
        for name, text in texts.items()
        if text.split(":")[1].strip(" .")[:5] in ("right", "score")
    ]
    assert right == list(texts), texts
