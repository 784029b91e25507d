"""Broken and hostile submissions: each gets the mark it has earned, and leaves nothing behind."""

import os
from pathlib import Path

import psutil
import pytest

from course_lib.exercises.assigned import assignments
from course_lib.exercises.cases import cases
from course_lib.exercises.reading import written
from course_lib.exercises.tasks import TASKS
from course_lib.marking import remote
from course_lib.marking.cage import INSIDE, Cage, find_cage, make_course
from course_lib.marking.mark import hidden_seed, mark, prepare
from course_lib.marking.pages import student_page, summary_page
from course_lib.marking.release import FOLDER, read_release
from course_lib.marking.report import Report, from_json
from course_lib.marking.submissions import Submission, Unreadable
from tests.marking.handed_in import (
    ASSIGNMENT,
    GIVEN,
    IOU,
    NAME,
    NMS,
    NO_UNION,
    RELEASE,
    SHOWN,
    HandedIn,
    iou_that,
)
from tests.marking.hostile import HOSTILE, OWN_NMS

SECRET = "told-to-nobody"
CAGE = find_cage()
PLAIN = Cage("none", "for a test")
caged = pytest.mark.skipif(CAGE.kind == "none", reason=f"no cage: {CAGE.why}")
posix = pytest.mark.skipif(os.name == "nt", reason="marking needs Linux or macOS")
pytestmark = [pytest.mark.slow, posix]
# What an ordinary process can be held to, too; not what only the cage keeps from harm.
WITHOUT_A_CAGE = (
    "endless-function",
    "exit-in-function",
    "memory-at-once",
    "left-behind",
    "forged-eq",
    "injected",
    "tampered-points",
)


def marked(handed_in: HandedIn, folder: Path, cage: Cage = CAGE) -> Report:
    """The report, as it is read again from disk."""
    own = handed_in.put(folder)
    submission = Submission(handed_in.name, own)
    try:
        report = mark(prepare(submission, NAME), RELEASE, SECRET, cage)
    except Unreadable as error:
        report = Report(handed_in.name, NAME, str(error))
    return from_json(report.to_json())


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(remote, "CELL", 5.0)
    monkeypatch.setattr(remote, "CALL", 10.0)


def processes() -> set[int]:
    """All that run a Python or a sleep that does not belong to the tests themselves."""
    return {p.pid for p in psutil.Process().children(recursive=True)}


def earned(report: Report) -> dict[str, float | None]:
    return {r.task: r.points for r in report.results}


def outcomes(report: Report) -> dict[str, str]:
    return {r.task: r.outcome for r in report.results}


@caged
@pytest.mark.parametrize("handed_in", HOSTILE, ids=lambda h: ascii(h.name))
def test_each_gets_the_mark_it_has_earned(handed_in, tmp_path):
    folder = tmp_path / "submissions"
    neighbour = HandedIn("neighbour", {}).put(folder) / f"{NAME}.ipynb"
    before, running = neighbour.read_bytes(), processes()
    report = marked(handed_in, folder)
    assert outcomes(report) == handed_in.outcomes, [r.text for r in report.results]
    assert bool(report.trouble) == (not handed_in.outcomes)
    full = {exercise.task: exercise.points for exercise in ASSIGNMENT.exercises}
    assert all(
        p == (full[t] if handed_in.outcomes[t] == "right" else 0) for t, p in earned(report).items()
    )
    assert neighbour.read_bytes() == before
    assert processes() <= running, "something is left running"
    page = student_page(report, ASSIGNMENT)
    assert "<b>&" not in page and "<script" not in page and SECRET not in page


@pytest.mark.parametrize(
    "handed_in",
    [h for h in HOSTILE if h.name in WITHOUT_A_CAGE],
    ids=lambda h: h.name,
)
def test_without_a_cage_it_says_so_and_goes_on(handed_in, tmp_path):
    running = processes()
    report = marked(handed_in, tmp_path, PLAIN)
    assert outcomes(report) == handed_in.outcomes
    assert not report.caged and "without isolation" in student_page(report, ASSIGNMENT)
    assert processes() <= running


# `iou` is right and keeps what it sees; `nms` tells it
KEEPS = iou_that("seen.append((a.tolist(), b.tolist()))", before="seen = []")
TELLS = "def nms(boxes, scores, iou_threshold):\n    print(seen[-300:])\n    raise ValueError(str(seen[-300:]))"


@caged
def test_hidden_inputs_are_not_told_by_the_next_exercise(tmp_path):
    report = marked(HandedIn("next", {}, (GIVEN, KEEPS, TELLS)), tmp_path)
    assert outcomes(report) == {"iou": "right", "nms": "crashed"}
    text = report.to_json() + student_page(report, ASSIGNMENT)
    known = {str(c[0].tolist()) for c in cases(TASKS["iou"], RELEASE.variant)}
    hidden = {str(c[0].tolist()) for c in cases(TASKS["iou"], hidden_seed(SECRET, NAME, "iou"))}
    assert len(hidden - known) > 20 and not any(one in text for one in hidden - known)


@caged
def test_an_answer_too_slow_to_be_tried_is_not_right(tmp_path):
    slow = iou_that("time.sleep(0.4)", before="import time")
    report = marked(HandedIn("slow", {}, (GIVEN, slow, OWN_NMS)), tmp_path)
    assert (
        earned(report) == {"iou": None, "nms": 3} and "inputs were tried" in report.results[0].text
    )


@caged
@pytest.mark.parametrize("name", assignments())
def test_each_assignment_can_be_marked_as_it_was_handed_out(name):
    submission = Submission("blank", FOLDER / f"{name}.ipynb")
    report = mark(prepare(submission, name), read_release(name), SECRET, CAGE)
    assert not report.trouble and set(outcomes(report).values()) == {"not attempted"}


# right on the page's inputs; then it tells all that it sees, by every way there is
TELLTALE = (
    IOU.replace("def iou", "def iou_right")
    + """
import os, pathlib, sys
seen = []
def iou(a, b):
    seen.append((a.tolist(), b.tolist()))
    told = str(seen[-400:])
    print(told)
    sys.stderr.write(told)
    for folder in (".", "/tmp"):
        pathlib.Path(folder, "seen.txt").write_text(told)
    os.environ["SEEN"] = told
    if len(seen) > 700 and len(seen) % 7 == 0:
        raise ValueError(told)
    return iou_right(a, b)
"""
)


@caged
def test_hidden_inputs_and_seeds_are_told_nowhere(tmp_path):
    handed_in = HandedIn("telltale", {}, (GIVEN, TELLTALE, NMS.replace("iou(", "iou_right(")))
    report = marked(handed_in, tmp_path)
    text = report.to_json() + student_page(report, ASSIGNMENT) + summary_page([report], ASSIGNMENT)
    task, seed = TASKS["iou"], hidden_seed(SECRET, NAME, "iou")
    known = {written(c) for c in (*cases(task, RELEASE.variant), *task.edges)}
    hidden = {written(c) for c in cases(task, seed)} - known
    assert len(hidden) > 50 and not any(one in text for one in hidden)
    assert SECRET not in text and str(seed) not in text


def test_the_cage_holds_neither_answers_nor_seeds(tmp_path):
    course = make_course(tmp_path / "course", ("training/*",))
    there = {p.relative_to(course).as_posix() for p in course.rglob("*.py")}
    assert "course_lib/page/notebook.py" in there and "course_lib/training/loop.py" in there
    for room in ("by_definition", "detection", "verification", "recipes", "search"):
        assert not any(f"/{room}/" in name for name in there)
    exercises = {name for name in there if "/exercises/" in name or "/marking/" in name}
    assert exercises == {
        f"course_lib/{name}.py"
        for name in (
            *(n for n in INSIDE if n.startswith(("exercises", "marking"))),
            "exercises/assigned",
        )
    }
    text = "".join((course / name).read_text() for name in exercises)
    assert "judge" not in (course / "course_lib/exercises/assigned.py").read_text().split('"""')[2]
    assert SECRET not in text and "hidden_seed" not in text


@caged
def test_an_answer_that_is_right_on_the_page_alone_is_found_out(tmp_path):
    """It knows the page's inputs by heart; on others it forgets that boxes may be apart."""
    known = [tuple(map(tuple, (a.tolist(), b.tolist()))) for a, b in cases(TASKS["iou"], 2026)]
    by_heart = (
        IOU.replace("def iou", "def iou_right")
        + f"known = set({known!r})\n"
        + "def iou(a, b):\n    if (tuple(a.tolist()), tuple(b.tolist())) in known:\n"
        "        return iou_right(a, b)\n    return iou_right(a, b) / 2\n"
    )
    nms = NMS.replace("iou(", "iou_right(")
    report = marked(HandedIn("by-heart", {}, (GIVEN, by_heart, nms)), tmp_path)
    first = report.results[0]
    assert (first.outcome, first.points) == ("wrong", 0)
    assert "variant 2027" in first.remark and "should give" in first.text and first.png


@caged
def test_cells_that_show_are_left_out_until_they_are_changed(tmp_path):
    slow = "import time\ntime.sleep(30)"
    release = RELEASE.__class__(ASSIGNMENT, 2026, (GIVEN,), frozenset({slow}))
    ours, theirs = release.to_run([GIVEN, slow, IOU, slow + "\n1", SHOWN])
    assert (ours, theirs) == ([GIVEN], [IOU, slow + "\n1", SHOWN])


@caged
def test_a_cell_that_fails_is_named(tmp_path):
    report = marked(HandedIn("a", {}, (GIVEN, "1 / 0", NO_UNION, NMS)), tmp_path)
    assert report.notes == (
        "The cell that begins with `1 / 0` failed: ZeroDivisionError: division by zero",
    )
    assert "counts the shared part twice" in report.results[0].hint


@caged
def test_the_marker_s_own_failure_costs_no_points(tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("our own")

    monkeypatch.setattr("course_lib.exercises.answer.look_at_all", fails)
    report = marked(HandedIn("a", {}), tmp_path)
    assert outcomes(report) == {"iou": "ungradable", "nms": "ungradable"}
    assert report.points is None
    monkeypatch.setattr("course_lib.marking.mark.make_course", fails)
    assert "the marker failed" in marked(HandedIn("b", {}), tmp_path).trouble


@caged
def test_a_process_that_does_not_start_costs_no_points(tmp_path, monkeypatch):
    monkeypatch.setattr("course_lib.marking.cage.INSIDE", ("__init__", "exercises/__init__"))
    assert "did not start" in marked(HandedIn("a", {}), tmp_path).trouble
