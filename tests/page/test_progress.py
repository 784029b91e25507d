"""What a reader has answered is kept in one file, and nothing that happens to the file costs an answer."""

import pytest

from course_lib.page.progress import file_of_answers, remember, remembered


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "new" / "progress.jsonl"))


def test_answers_come_back_in_their_order():
    assert remembered() == []
    remember("check", "nms", "wrong")
    remember(
        "predict", "08.touching_cars", "right", question="Which?", options=["a", "ß"], chosen=1
    )
    first, second = remembered()
    assert (first["kind"], first["name"], first["outcome"]) == ("check", "nms", "wrong")
    assert second["options"] == ["a", "ß"] and second["when"] >= first["when"]
    assert first["when"].endswith("+00:00")


def test_broken_lines_are_passed_over():
    remember("check", "nms", "right")
    with file_of_answers().open("a") as file:
        file.write('{"when": "2\n[]\n{}\n\n')
    remember("check", "iou", "right")
    assert [answer["name"] for answer in remembered()] == ["nms", "iou"]


def test_a_file_that_cannot_be_written_costs_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    with pytest.warns(UserWarning, match="the answer was not kept"):
        remember("check", "nms", "right")
    assert remembered() == []
