"""Every task: its solution is right, its blank not attempted, each known mistake caught with its own hint."""

from dataclasses import replace

import pytest
import torch

from course_lib.exercises.answer import judge
from course_lib.exercises.contest import Contest
from course_lib.exercises.task import Hunt, Task
from course_lib.exercises.tasks import TASKS
from course_lib.page import syllabus

FUNCTIONS = [name for name, task in TASKS.items() if isinstance(task, Task)]
# `make unit` tries one mistake of each task. For the first ones a smallest case is searched, some two seconds each.
SEARCHED = 3
MISTAKES = [
    pytest.param(name, i, mistake, id=f"{name}-{i}", marks=[pytest.mark.slow] if i else [])
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


def _small(task: Contest) -> Contest:
    """The same with a few images of noise."""
    channels, side = (1, 16) if task.name == "pretrain" else (3, 32)
    noise = torch.rand(200, channels, side, side, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(200) % 10
    more = (labels[:100], labels[100:]) if task.name == "pretrain" else (labels,)
    material = (noise[:20], labels[:20])[: len(task.arguments)]
    return replace(task, material=lambda _: material, exam=lambda _: (noise, more))


@pytest.mark.parametrize("name, number, mistake", MISTAKES)
def test_a_known_mistake_is_caught_with_its_own_hint(name, number, mistake, monkeypatch):
    if isinstance(TASKS[name], Contest):
        # what is tested is what is said, not what is learned
        monkeypatch.setitem(TASKS, name, _small(TASKS[name]))
    if number >= SEARCHED:
        monkeypatch.setattr("course_lib.exercises.answer.smallest", lambda *_: None)
    answer = judge(name, mistake.wrong)
    assert answer.outcome in ("wrong", "crashed"), answer
    # what is said of a training names shapes and scores
    assert answer.hint == mistake.hint or isinstance(TASKS[name], Contest)
    assert " ".join(mistake.hint.split()) in " ".join(answer.text.split())
    assert "No picture" not in answer.text
    # a picture, if what was handed in is of the sort that can be drawn
    cannot = isinstance(TASKS[name], Contest) or (name not in FUNCTIONS and answer.kind == "shape")
    assert (answer.png is None) == cannot
