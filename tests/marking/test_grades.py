"""A folder of submissions: marked once each, in any order, however often the marker is ended."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.machine import ROOT
from course_lib.marking import grades
from course_lib.marking.cage import Cage, find_cage
from course_lib.marking.grades import Class, Pool, file_names, grade, read_secret, table_of
from course_lib.marking.pages import student_page, summary_page
from course_lib.marking.report import Report, Result
from tests.marking.handed_in import (
    ASSIGNMENT,
    GIVEN,
    IOU,
    NAME,
    NMS,
    NO_UNION,
    RELEASE,
    UNGRADABLE,
    HandedIn,
    notebook,
)

posix = pytest.mark.skipif(os.name == "nt", reason="marking needs Linux or macOS")
RESULTS = (
    Result("iou", "IoU", 2.0, 2, "right", "iou: right."),
    Result("nms", "NMS", 0.0, 3, "wrong", "nms: not right yet.", "Sort them.", "aGk="),
)
REPORT = Report("Ana", NAME, "", RESULTS)


class Counting:
    """In place of the pool: marks nothing, and counts; every third time its process ends."""

    broken = (BrokenPipeError,)

    def __init__(self, ends: set[str] = frozenset()):
        self.marked, self.ends, self.tries = [], set(ends), {}

    def places(self) -> int:
        return 2

    def submit(self, read, room) -> Future:
        future = Future()
        self.marked.append(read.student)
        if read.student in self.ends:
            future.set_exception(BrokenPipeError())
        else:
            future.set_result(replace(REPORT, student=read.student))
        return future

    def again(self, student: str) -> bool:
        self.tries[student] = self.tries.get(student, 0) + 1
        return self.tries[student] < 2


@pytest.fixture
def room(tmp_path):
    folder = tmp_path / "in"
    for name in ("ana", "bo", "=1+1", "Юля"):
        HandedIn(name, {}).put(folder)
    return Class(folder, tmp_path / "marks", RELEASE, "secret", Cage("none"))


def test_each_is_marked_once_until_something_changes(room):
    pool = Counting()
    path = grade(room, pool)
    assert sorted(pool.marked) == ["=1+1", "ana", "bo", "Юля"]
    first = path.read_text(encoding="utf-8")
    again = Counting()
    assert grade(room, again) == path and again.marked == [] and path.read_text("utf-8") == first
    HandedIn("bo", {}, (GIVEN, NO_UNION, NMS)).put(room.folder / "new")
    os.replace(room.folder / "new" / "bo" / f"{NAME}.ipynb", room.folder / "bo" / f"{NAME}.ipynb")
    (room.folder / "new" / "bo").rmdir()
    (room.folder / "new").rmdir()
    grade(room, again)
    assert again.marked == ["bo"]
    other = Counting()
    grade(replace(room, secret="another"), other)
    assert len(other.marked) == 4


def test_what_cannot_be_read_has_no_points_but_a_reason(room):
    (room.folder / "empty").mkdir()
    rows = list(csv.DictReader(io.StringIO(grade(room, Counting()).read_text("utf-8"))))
    empty = next(row for row in rows if row["student"] == "empty")
    assert empty["points"] == empty["iou"] == "" and "no notebook" in empty["remark"]
    assert "no notebook" in (room.to / "empty.html").read_text("utf-8")
    assert "no notebook" in (room.to / "summary.html").read_text("utf-8")


def test_a_name_is_no_formula_and_no_path(room):
    text = grade(room, Counting()).read_text(encoding="utf-8")
    assert "\n'=1+1," in text and "\nЮля," in text
    names = file_names(
        ["Angel-ed6fa3", "Ana", "ana", "../Ana", "summary", "", "Ю", "x" * 200, "Ängel"]
    )
    assert len({n.lower() for n in names.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names.values())
    assert names["Ana"] == "Ana" and names["summary"] != "summary"


def test_a_submission_that_ends_the_marker_s_process_costs_itself_alone(room, capsys):
    rows = list(csv.DictReader(io.StringIO(grade(room, Counting({"bo"})).read_text("utf-8"))))
    assert {row["student"]: row["points"] for row in rows} == {
        "'=1+1": "2",
        "ana": "2",
        "bo": "",
        "Юля": "2",
    }
    assert "process was ended" in capsys.readouterr().err


def test_a_broken_report_is_marked_again(room):
    grade(room, Counting())
    (room.to / "reports" / "ana.json").write_text('{"student": "ana"')
    (room.to / "reports" / "bo.json").write_text("[]")
    pool = Counting()
    grade(room, pool)
    assert sorted(pool.marked) == ["ana", "bo"]


def test_marks_do_not_go_where_submissions_are(room):
    with pytest.raises(ValueError, match="into the submissions' folder"):
        grade(replace(room, to=room.folder / "marks"), Counting())


def test_points_are_those_of_the_assignment(tmp_path):
    rows = list(csv.reader(io.StringIO(table_of([REPORT], RELEASE))))
    assert rows == [
        ["student", "iou", "nms", "points", "of", "remark"],
        ["Ana", "2", "0", "2", "5", ""],
    ]
    unjudged = replace(REPORT, results=(RESULTS[0], replace(RESULTS[1], points=None)))
    assert "Ana,2,,,5,could not be judged: nms" in table_of([unjudged], RELEASE)


def test_the_secret_is_made_once_and_for_the_owner_alone(tmp_path, monkeypatch):
    monkeypatch.delenv(grades.SECRET, raising=False)
    path = tmp_path / "deep" / "secret"
    first = read_secret(path)
    assert read_secret(path) == first and len(first) >= 32
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(grades.SECRET, "given")
    assert read_secret(path) == "given"


def test_pages_show_words_and_never_markup():
    evil = "<script>alert(1)</script>"
    results = tuple(replace(r, text=evil, hint=evil, remark=evil) for r in RESULTS)
    report = Report(evil, NAME, "", results, (evil,), caged=False)
    for page in (student_page(report, ASSIGNMENT), summary_page([report, report], ASSIGNMENT)):
        assert "<script" not in page and "&lt;script" in page and "without isolation" in page
    page = student_page(REPORT, ASSIGNMENT)
    assert "2 of 5 points" in page and "2 of 2 points" in page and "0 of 3 points" in page
    assert 'alt="nms: the case above, drawn"' in page
    summary = summary_page([REPORT] * 3, ASSIGNMENT)
    assert ">3</td><td><b>nms</b>: Sort them." in summary and "3 not right yet" in summary
    trouble = Report("Bo", NAME, "it is a link")
    assert "it is a link" in student_page(trouble, ASSIGNMENT)
    assert "None could be marked" in summary_page([trouble], ASSIGNMENT)


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        iou = (IOU, NO_UNION, "1 / 0", "def iou(a, b):\n    ...")[number % 4]
        HandedIn(f"student-{number:03d}", {}, (GIVEN, iou, NMS)).put(folder)
    HandedIn("broken", UNGRADABLE, write=lambda own: own.mkdir()).put(folder)


def command(folder: Path, to: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "course_lib.marking", str(folder), "--to", str(to), *more]


ENV = os.environ | {grades.SECRET: "secret", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


@posix
@pytest.mark.slow
def test_killed_and_started_again_it_gives_the_same_grades(tmp_path):
    folder = tmp_path / "in"
    fill(folder, 4)
    options = {"cwd": ROOT, "env": ENV, "stdout": subprocess.DEVNULL}
    subprocess.run(command(folder, tmp_path / "whole"), check=True, **options)
    wanted = (tmp_path / "whole" / "grades.csv").read_text(encoding="utf-8")
    kept = tmp_path / "marks" / "reports"
    for done in (0, 2):
        marker = subprocess.Popen(command(folder, tmp_path / "marks"), **options)
        while len(list(kept.glob("*.json"))) <= done and marker.poll() is None:
            time.sleep(0.05)
        marker.send_signal(signal.SIGKILL)
        marker.wait()
    left = len(list(kept.glob("*.json")))
    subprocess.run(command(folder, tmp_path / "marks"), check=True, **options)
    assert "\nstudent-000,2,0," in wanted and "\nstudent-001,0,0," in wanted
    assert 0 < left < 5 and len(list(kept.glob("*.json"))) == 5
    assert (tmp_path / "marks" / "grades.csv").read_text(encoding="utf-8") == wanted
    assert len(wanted.splitlines()) == 6


@posix
@pytest.mark.slow
def test_a_cluster_gives_the_same_grades_and_survives_a_worker_s_death(tmp_path):
    distributed = pytest.importorskip("distributed", reason="EXTRAS=cluster")
    from course_lib.marking.cluster import Cluster

    folder = tmp_path / "in"
    fill(folder, 4)
    cage = find_cage()
    room = Class(folder, tmp_path / "here", RELEASE, "secret", cage)
    with Pool(2) as pool:
        wanted = grade(room, pool).read_text(encoding="utf-8")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(processes=True, **settings) as local:
        with Cluster(local.scheduler_address) as pool:
            submit, submitted = pool.submit, []

            def submit_and_kill(read, where):
                future = submit(read, where)
                submitted.append(read.student)
                # in the middle of its work
                if len(submitted) == 2:
                    time.sleep(3)
                    local.workers[0].process.process.kill()
                return future

            pool.submit = submit_and_kill
            found = grade(replace(room, to=tmp_path / "there"), pool)
    assert found.read_text(encoding="utf-8") == wanted and "student-000,2,3,5,5," in wanted


@posix
@pytest.mark.slow
def test_what_is_asked_for_wrongly_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    for words, said in (
        ([str(tmp_path / "nowhere")], "there is no folder"),
        ([str(tmp_path / "in")], "no notebook in"),
        ([str(tmp_path / "in"), "--assignment", "9_none"], "there is no assignment '9_none'"),
    ):
        run = subprocess.run(
            [sys.executable, "-m", "course_lib.marking", *words],
            cwd=ROOT,
            env=ENV,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 2 and said in run.stderr and "Traceback" not in run.stderr


def test_a_notebook_with_another_name_is_taken_if_it_is_alone(tmp_path):
    own = tmp_path / "in" / "ana"
    own.mkdir(parents=True)
    (own / "My work (1).ipynb").write_text(json.dumps(notebook([GIVEN, IOU, NMS])))
    pool = Counting()
    grade(Class(tmp_path / "in", tmp_path / "marks", RELEASE, "s", Cage("none")), pool)
    assert pool.marked == ["ana"]
