"""A prediction is taken before the answer is shown, and kept."""

import html
import re

import pytest

from course_lib.page.predict import predict
from course_lib.page.progress import remembered

QUESTION = dict(
    question="Two cars touch, IoU < .6. Is the second kept?",
    options=["yes, it is another object", "no, it is dropped"],
    answer=1,
    why=["NMS knows boxes & scores, not objects.", "It overlaps a better box."],
    name="08.touching_cars",
)


@pytest.fixture(autouse=True)
def answers(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


def seen(view) -> str:
    """Everything that a reader sees before an answer, widgets and static form."""
    bundle = view._repr_mimebundle_()
    texts = [
        widget.value for widget in view.children if isinstance(getattr(widget, "value", None), str)
    ]
    return html.unescape(" ".join([*texts, bundle["text/plain"], bundle["text/html"]]))


def test_nothing_tells_the_answer_before():
    view = predict(**QUESTION)
    for why in QUESTION["why"]:
        assert why not in seen(view)
    assert view.button.disabled and view.radio.index is None
    view.commit()
    assert view.outcome is None and remembered() == []


def test_a_right_answer():
    view = predict(**QUESTION)
    view.choose(1)
    assert not view.button.disabled
    view.button.click()
    assert view.outcome == "right" and "Right." in view.message.value
    assert QUESTION["why"][1] in view.message.value and "Not this one" not in view.message.value
    assert view.radio.disabled and view.button.disabled


def test_a_wrong_answer_is_explained_by_both_reasons_and_kept_with_its_question():
    view = predict(**QUESTION)
    view.choose(0)
    view.commit()
    assert view.outcome == "wrong"
    assert all(why in html.unescape(view.message.value) for why in QUESTION["why"])
    (answer,) = remembered()
    assert answer["kind"] == "predict" and answer["outcome"] == "wrong" and answer["chosen"] == 0
    assert {key: answer[key] for key in QUESTION} == QUESTION


def test_it_can_be_asked_again():
    view = predict(**QUESTION)
    view.choose(0)
    view.commit()
    view.again.click()
    assert view.radio.index is None and not view.radio.disabled and view.message.value == ""
    view.choose(1)
    view.commit()
    assert [answer["outcome"] for answer in remembered()] == ["wrong", "right"]


def test_the_static_form_is_the_same_each_time_and_escaped():
    first, second = (predict(**QUESTION)._repr_mimebundle_() for _ in range(2))
    for kind in ("text/plain", "text/html"):
        assert first[kind] == second[kind] and not re.search(r"0x[0-9a-f]{6}", first[kind])
    assert "IoU &lt; .6" in first["text/html"]
    assert first["text/plain"].splitlines() == [
        "Predict: " + QUESTION["question"],
        "  (a) yes, it is another object",
        "  (b) no, it is dropped",
    ]
    assert "application/vnd.jupyter.widget-view+json" in first


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (dict(options=["one"], why=["x"]), ValueError, "two or more"),
        (dict(options=["same", "same"]), ValueError, "all different"),
        (dict(options="ab"), TypeError, "options must be a list of texts, got str"),
        (dict(why=["only one"]), ValueError, "a line for each of 2 options, got 1"),
        (dict(why=["", "x"]), ValueError, "why must say something"),
        (dict(answer=2), ValueError, "answer must be 0..1, got 2"),
        (dict(answer=True), TypeError, "answer must be an int, got bool"),
        (dict(question=3), TypeError, "question must be text, got int"),
        (dict(name="cars"), ValueError, "name must be as"),
    ],
)
def test_what_it_refuses(changes, error, words):
    with pytest.raises(error, match=words):
        predict(**{**QUESTION, **changes})
