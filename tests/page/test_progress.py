"""Answers are kept in one local file, whatever happens around it."""

import json
import subprocess
import sys

import pytest

from course_lib.page.progress import file_of_answers, remember, remembered


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def test_answers_come_back_in_order_without_a_name_of_anybody(path):
    remember("check", "nms", "wrong")
    remember("predict", "08.cars", "right", chosen=1, why=["é", "b"])
    first, second = remembered()
    assert first["outcome"] == "wrong" and second["chosen"] == 1 and second["why"] == ["é", "b"]
    assert set(first) == {"when", "kind", "name", "outcome"}
    assert first["when"].endswith("+00:00") and file_of_answers() == path


def test_no_file_is_no_answer():
    assert remembered() == []


def test_broken_lines_are_passed_over(path):
    remember("check", "nms", "right")
    with path.open("a") as file:
        file.write('{"when": 1}\n[1]\n{"half\n\xff\n')
    remember("check", "iou", "right")
    assert [answer["name"] for answer in remembered()] == ["nms", "iou"]


def test_a_file_that_cannot_be_written_costs_a_warning(path, monkeypatch):
    path.parent.write_text("a file where a folder should be")
    with pytest.warns(UserWarning, match="the answer was not kept"):
        remember("check", "nms", "right")
    assert remembered() == []


def test_two_processes_write_at_once(path):
    code = "from course_lib.page.progress import remember\nfor i in range(200): remember('check', 'x' * 500, 'right')"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 400
