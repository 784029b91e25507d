"""Old questions come back after a day and after five, and not more often."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from course_lib.page.review import AT_MOST, due, old_questions, progress_table

START = datetime(2026, 1, 1, tzinfo=UTC)


def answer(name="08.cars", days=0.0, outcome="right", **more) -> dict:
    question = dict(question="Which?", options=["a", "b"], answer=1, why=["x", "y"])
    when = (START + timedelta(days=days)).isoformat()
    return {"when": when, "kind": "predict", "name": name, "outcome": outcome, **question, **more}


def names(answers, days) -> list[str]:
    return [old["name"] for old in due(answers, START + timedelta(days=days))]


def test_after_a_day_and_after_five_more():
    once = [answer()]
    assert names(once, 0.9) == [] and names(once, 1) == names(once, 100) == ["08.cars"]
    twice = [*once, answer(days=2)]
    assert names(twice, 6.9) == [] and names(twice, 7) == ["08.cars"]
    assert names([*twice, answer(days=8)], 1000) == []


def test_answering_again_at_once_is_not_a_second_time():
    assert names([answer(), answer(days=0.01)], 1.02) == ["08.cars"]
    assert names([answer(), answer(days=0.01)], 0.9) == []


def test_three_at_most_and_those_that_wait_longest():
    many = [answer(f"08.q{i}", days=i / 10) for i in range(5)]
    assert names(many, 10) == ["08.q0", "08.q1", "08.q2"]


def test_what_cannot_be_asked_is_left_out():
    check = {"when": START.isoformat(), "kind": "check", "name": "nms", "outcome": "right"}
    broken = [answer(when="yesterday"), answer(when=None), answer(when="2026-01-01T00:00:00")]
    assert names([check, *broken], 10) == []


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0, 30)), max_size=30),
    st.floats(0, 60),
)
def test_for_any_log(log, now):
    answers = [answer(f"08.q{i}", days) for i, days in sorted(log, key=lambda pair: pair[1])]
    asked = names(answers, now)
    assert len(asked) == len(set(asked)) <= AT_MOST
    for name in asked:
        days = [d for i, d in log if f"08.q{i}" == name]
        assert now - min(days) >= 1 - 1e-9
    assert names(answers, now) == asked


def test_the_old_question_is_asked_as_it_was():
    (view,) = old_questions([answer()], START + timedelta(days=2))
    assert view.options == ["a", "b"] and view.answer == 1 and view.outcome is None


def test_progress_counts_first_predictions_and_the_best_of_exercises():
    log = [
        answer(outcome="wrong"),
        answer(outcome="right"),
        answer("09.rois"),
        {"when": "", "kind": "check", "name": "nms", "outcome": "wrong", "page": "08"},
        {"when": "", "kind": "check", "name": "nms", "outcome": "right", "page": "08"},
        {"when": "", "kind": "check", "name": "iou", "outcome": "crashed", "page": "08"},
    ]
    assert progress_table(log)[1:] == [
        ("08 · Boxes and metrics: what is a good detector?", 1, 0, 2, 1),
        ("09 · Two-stage detectors: first where, then what", 1, 1, 0, 0),
    ]
    assert len(progress_table([])) == 1
