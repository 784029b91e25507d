"""Assignments: which exercises each has, for how many points, and the `check` that its notebook uses.

Here a check does one thing more than on a page: an answer may not be borrowed from a library that knows it, for that
library is not there where the assignment is marked.
"""

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from IPython.display import display

from course_lib.exercises.answer import judge
from course_lib.exercises.contest import Contest
from course_lib.exercises.report import Answer, wrapped
from course_lib.exercises.student import borrowed, tensors_outside
from course_lib.exercises.tasks import TASKS
from course_lib.page.progress import remember
from course_lib.page.syllabus import DATA

# What nbgrader sets while it marks: there a check that is not passed must raise.
NBGRADER = "NBGRADER_EXECUTION"


@dataclass(frozen=True)
class Exercise:
    """A task for points."""

    task: str
    points: int


@dataclass(frozen=True)
class Assignment:
    """A set of exercises.

    Attributes:
        name: of its notebook, as "3_boxes".
        title: in words.
        exercises: in the notebook's order.
        rooms: of the library that its notebook may use, as "render/faces/*", beside the page's own.
    """

    name: str
    title: str
    exercises: tuple[Exercise, ...]
    rooms: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """Of all exercises together."""
        return sum(exercise.points for exercise in self.exercises)


@cache
def assignments() -> dict[str, Assignment]:
    """All of them by name, from data/assignments.toml."""
    entries = tomllib.loads((DATA / "assignments.toml").read_text(encoding="utf-8"))["assignment"]
    made = {}
    for entry in entries:
        exercises = tuple(Exercise(**exercise) for exercise in entry["exercise"])
        rooms = tuple(entry.get("rooms", ()))
        made[entry["name"]] = Assignment(entry["name"], entry["title"], exercises, rooms)
    return made


def checker(assignment: str, variant: int) -> Callable[[str, object], None]:
    """The `check` of an assignment's notebook.

    Args:
        assignment: its name, as "3_boxes".
        variant: of the inputs, the same for a whole class: the cases that are tried depend on it.
    Raises:
        ValueError: there is no such assignment.
    """
    if assignment not in assignments():
        raise ValueError(
            f"checker: there is no assignment {assignment!r}; there are {sorted(assignments())}"
        )
    points = {exercise.task: exercise.points for exercise in assignments()[assignment].exercises}

    def check(name: str, answer: object) -> None:
        """Judge an answer, show what was found, and keep the outcome.  (task, function)"""
        if name not in points:
            raise ValueError(f"check: {assignment} has no exercise {name!r}; it has {list(points)}")
        judged = judge_assigned(name, answer, variant)
        display(judged)
        if judged.outcome not in ("not attempted", "could not be judged"):
            remember("check", name, judged.outcome, page=assignment)
        if os.environ.get(NBGRADER) and judged.outcome != "right":
            raise AssertionError(judged.text.split("\n")[0])

    return check


def images_to_train(name: str, variant: int) -> tuple:
    """What the function of an open exercise gets, to be looked at.  (task, variant) -> its arguments"""
    return TASKS[name].material(variant)


def images_to_validate(name: str, variant: int) -> tuple:
    """On what an open exercise's check takes its score.  (task, variant) -> images, and what the score needs of them"""
    return TASKS[name].exam(variant)


def judge_assigned(name: str, answer: object, seed: int) -> Answer:
    """As `judge`, but nothing may be borrowed, and what trains takes its images as arguments."""
    said = ""
    if callable(answer) and (modules := borrowed(answer)):
        said = (
            f"Your function uses {' and '.join(modules)}, which is not there when the assignment is marked. "
            "Write it with Python, torch and numpy alone."
        )
    elif isinstance(TASKS[name], Contest) and callable(answer):
        if tensors := tensors_outside(answer):
            said = (
                f"Your function uses {' and '.join(tensors)}, made outside of it, which is not there when the "
                "assignment is marked. Use its arguments alone."
            )
    if not said:
        return judge(name, answer, seed)
    text = f"{name}: not right yet.\n{wrapped(said)}"
    return Answer(name, "wrong", text, "borrowed", said)


def worth(answer: Answer, points: int) -> float:
    """The points of an answer: all if it is right, half of them if needlessly slow; by its share if it is scored.

    Shares are rounded to half points.

    >>> worth(Answer("nms", "right", "", kind="slow"), 3)
    1.5
    """
    if answer.outcome != "right":
        return 0.0
    if answer.share is not None:
        return round(2 * points * answer.share) / 2
    return points / 2 if answer.kind == "slow" else float(points)


def title_of(name: str) -> str:
    """What an exercise asks for, in a sentence."""
    return TASKS[name].title
