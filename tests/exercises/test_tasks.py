"""Every task: its solution is right, its blank not attempted, each known mistake caught with its own hint."""

import pytest

from course_lib.exercises.answer import judge
from course_lib.exercises.contest import Contest
from course_lib.exercises.task import Hunt, Task
from course_lib.exercises.tasks import TASKS
from course_lib.page import syllabus

FUNCTIONS = [name for name, task in TASKS.items() if isinstance(task, Task)]
# `make unit` tries one mistake of each task; the others take two seconds each.
MISTAKES = [
    pytest.param(name, mistake, id=f"{name}-{i}", marks=[pytest.mark.slow] if i else [])
    for name, task in TASKS.items()
    for i, mistake in enumerate(task.mistakes)
]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_is(name):
    task = TASKS[name]
    topics = {topic["id"] for lecture in syllabus.lectures() for topic in lecture["topics"]}
    assert task.name == name and task.title and set(task.topics) <= topics and task.topics
    longest = 60 if isinstance(task, Contest) else 30
    assert task.difficulty in (1, 2, 3) and 3 <= task.minutes <= longest
    hints = [mistake.hint for mistake in task.mistakes]
    assert len(set(hints)) == len(hints) >= 6 and all(hint.endswith((".", ":")) for hint in hints)


@pytest.mark.parametrize("name", [*FUNCTIONS, "nms_must_fail"])
def test_the_solution_is_right(name):
    task = TASKS[name]
    answer = judge(name, task.found if isinstance(task, Hunt) else task.plain)
    assert (answer.outcome, answer.kind) == ("right", ""), answer


@pytest.mark.parametrize("name", TASKS)
def test_the_blank_is_not_attempted(name):
    assert judge(name, ...).outcome == "not attempted"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_returns_dots_is_not_attempted(name):
    answer = judge(name, lambda *_: ...)
    assert answer.outcome == "not attempted" and answer.text.startswith(f"{name}: not attempted")


@pytest.mark.parametrize("name, mistake", MISTAKES)
def test_a_known_mistake_is_caught_with_its_own_hint(name, mistake):
    answer = judge(name, mistake.wrong)
    assert answer.outcome in ("wrong", "crashed"), answer
    # what is said of a training names shapes and scores
    assert answer.hint == mistake.hint or isinstance(TASKS[name], Contest)
    assert " ".join(mistake.hint.split()) in " ".join(answer.text.split())
    assert "No picture" not in answer.text
    # a picture, if what was handed in is of the sort that can be drawn
    cannot = isinstance(TASKS[name], Contest) or (name not in FUNCTIONS and answer.kind == "shape")
    assert (answer.png is None) == cannot
