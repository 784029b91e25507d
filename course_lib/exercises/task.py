"""What a task is: declared once, for the page that sets it, the check that judges it and the test that proves both."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis.strategies import SearchStrategy
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Mistake:
    """A known mistake: a wrong answer (a function, or for a `Hunt` an object), and the hint for who gives it."""

    wrong: object
    hint: str


@dataclass(frozen=True, eq=False)
class Task:
    """A function to write, held against its plain form.

    Attributes:
        name: "nms", say.
        page: the notebook that sets it, as "08".
        title: what the function is to do, in a sentence.
        topics: lecture topic ids, as "L5.04".
        difficulty: 1 (a line or two) to 3 (an algorithm).
        minutes: that it takes a student who has read the page.
        plain: the plain form from `by_definition`; the names of its arguments are the task's.
        inputs: how to draw its arguments, a tuple in their order; simple ones are what shrinking ends at.
        edges: arguments that are tried first, the simplest first.
        mistakes: six to ten, each told by its own answers.
        same: (arguments, expected, got) -> whether an answer is right; without it equal up to 1e-4.
        words: what stands before the student's answer and before the right one.
        draw: (arguments, expected, got) -> a picture of a case; `got` is None if it cannot be drawn.
        sized: n -> arguments of size n, on which steps are counted; None where no size can grow.

    Arguments are tensors and numbers. What the plain form returns says what an answer may be, see `reading`.
    """

    name: str
    page: str
    title: str
    topics: tuple[str, ...]
    difficulty: int
    minutes: int
    plain: Callable
    inputs: SearchStrategy
    edges: Sequence[tuple]
    mistakes: Sequence[Mistake]
    same: Callable[[tuple, object, object], bool] | None = None
    words: tuple[str, str] = ("yours gives", "should give")
    draw: Callable[[tuple, object, object], Figure] | None = None
    sized: Callable[[int], tuple] | None = None

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments, in their order."""
        return list(inspect.signature(self.plain).parameters)


@dataclass(frozen=True, eq=False)
class Hunt:
    """An object to find: an input for which something happens.

    Attributes:
        name, page, title, topics, difficulty, minutes: as in a `Task`.
        judge: what the student hands in -> (whether it is found, the sentence that says why, lines of numbers).
        found: an object that is right.
        mistakes: objects that are not, each with the sentence that `judge` must say of it.
        draw: what the student hands in -> a picture of it.

    `judge` raises ValueError, with a sentence, at an object that is none of the asked sort.
    """

    name: str
    page: str
    title: str
    topics: tuple[str, ...]
    difficulty: int
    minutes: int
    judge: Callable[[object], tuple[bool, str, dict[str, object]]]
    found: object
    mistakes: Sequence[Mistake]
    draw: Callable[[object], Figure] | None = None
