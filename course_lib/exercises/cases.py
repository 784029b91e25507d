"""The cases on which a function is tried, what one call of it shows, and the smallest case that shows a failure."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from unittest.mock import patch

import torch
from hypothesis import Phase, find, settings
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.providers import HypothesisProvider
from torch import Tensor

from course_lib.exercises.calling import Call
from course_lib.exercises.reading import Unreadable, equal, read
from course_lib.exercises.student import Subject
from course_lib.exercises.task import Task

RANDOM = 200  # cases beside the edges
SEARCHES = 2  # for a small counterexample
SHRINKS = 400  # cases tried in them
SECONDS = 10.0  # for a function that is slow itself: then fewer cases are tried


@dataclass(frozen=True)
class Seen:
    """What a function did with one case.

    Attributes:
        kind: "right", "wrong", or why the answer cannot be compared: "error", "endless", "gone", "changed", "blank",
            and the kinds of `Unreadable`.
        answer: as it was read; None if it could not be.
        says: a sentence about it; "" where the numbers say it.
        call: what came of the call.
    """

    kind: str
    answer: object
    says: str
    call: Call


def copied(arguments: tuple) -> tuple:
    """The same arguments again, for a function that may change them."""
    return tuple(a.clone() if isinstance(a, Tensor) else a for a in arguments)


@cache
def cases(task: Task, seed: int = 0) -> tuple[tuple, ...]:
    """The edges, then random cases; with one seed the same in every process."""
    seen: list[tuple] = list(task.edges)
    _find(task, lambda case: seen.append(case), RANDOM, seed)
    return tuple(seen)


@cache
def answers(task: Task, seed: int = 0) -> tuple:
    """What the plain form answers to each case."""
    return tuple(task.plain(*copied(case)) for case in cases(task, seed))


def look(task: Task, subject: Subject, case: tuple, expected: object) -> Seen:
    """Call a function on one case, and tell what it did."""
    given = copied(case)
    made = subject.call(given)
    if made.gone:
        return Seen("gone", None, made.gone, made)
    if not made.ended:
        return Seen("endless", None, "", made)
    if made.error is not None:
        return Seen("error", None, "", made)
    if made.value is ...:
        return Seen("blank", None, "", made)
    left = given if made.left is None else made.left
    changed = [n for n, a, b in zip(task.arguments, left, case, strict=True) if not _same(a, b)]
    try:
        answer = read(made.value, expected)
    except Unreadable as error:
        return Seen(error.kind, None, str(error), made)
    # an object of the student's own, that does not let itself be read
    except Exception:
        said = f"A {type(made.value).__name__} cannot be read as numbers."
        return Seen("dtype", None, said, made)
    if changed:
        said = f"Your function changed {changed[0]}, which belongs to the caller: work on a copy."
        return Seen("changed", answer, said, made)
    same = task.same or (lambda _, expected, got: equal(expected, got))
    return Seen("right" if same(case, expected, answer) else "wrong", answer, "", made)


def agree(one: Seen, other: Seen) -> bool:
    """Whether two functions did the same with a case."""
    if one.answer is None or other.answer is None:
        return (one.kind, _typeless(one.says)) == (other.kind, _typeless(other.says))
    return (one.kind == "changed") == (other.kind == "changed") and equal(one.answer, other.answer)


def _typeless(says: str) -> str:
    """A sentence about an answer, whether it was a list, an array or a tensor."""
    says = re.sub(r"\ba (?:list|tuple) of (\d+)", r"[\1]", says)
    return re.sub(r"\ba(?:n array| tensor) \[(\d+)\]", r"[\1]", says)


def look_at_all(task: Task, subject: Subject, seed: int = 0) -> list[Seen]:
    """What a function does with each case, up to the first that does not end or is blank."""
    seen, until = [], time.monotonic() + SECONDS
    for case, expected in zip(cases(task, seed), answers(task, seed), strict=True):
        seen.append(look(task, subject, case, expected))
        if seen[-1].kind in ("endless", "gone", "blank") or time.monotonic() > until:
            break
    return seen


def smallest(
    task: Task, subject: Subject, kind: str, seen: list[Seen], seed: int = 0
) -> tuple | None:
    """The smallest case found at which a function fails in this way; None if none was found again."""
    # what was tried is remembered: it need not be tried again, and the search is not shaken by its own end
    known = {_key(c): s.kind == kind for c, s in zip(cases(task, seed), seen, strict=False)}
    most, until = len(known) + SHRINKS, time.monotonic() + SECONDS

    def fails(case: tuple) -> bool:
        nonlocal most
        key = _key(case)
        if key not in known:
            tired = len(known) >= most or time.monotonic() > until
            known[key] = False
            if not tired:
                again = look(task, subject, case, task.plain(*copied(case)))
                known[key] = again.kind == kind
                if again.kind == "endless":
                    most = 0
        return known[key]

    # made by hand, the simplest first: easier to read than what is found of the same size
    edge = min(filter(fails, task.edges), key=lambda case: _size(case)[0], default=None)
    most_size = (float("inf"),) if edge is None else _size(edge)

    def fails_and_is_smaller(case: tuple) -> bool:
        return _size(case) < most_size and fails(case)

    # a search may get stuck at rows that it need not have had: the smallest of a few
    found = [_find(task, fails_and_is_smaller, RANDOM, seed) for seed in range(SEARCHES)]
    return min((case for case in found if case is not None), key=_size, default=edge)


def _key(case: tuple) -> str:
    return str([a.tolist() if isinstance(a, Tensor) else a for a in case])


def _size(case: tuple) -> tuple[int, int]:
    """How many numbers a case has, and how long they are when written."""
    numbers = [x for a in case for x in torch.as_tensor(a).double().flatten().tolist()]
    return len(numbers), sum(len(f"{x:.4g}") for x in numbers)


def _find(task: Task, condition: Callable[[tuple], bool], most: int, seed: int = 0) -> tuple | None:
    """The smallest case that meets a condition; None if there is none among so many."""
    quiet = settings(
        max_examples=most,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
    )
    # else numbers from the source files of whoever imports hypothesis would come among the cases
    no_constants = patch.object(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None)
    with no_constants:
        try:
            return find(task.inputs, condition, settings=quiet, random=Random(seed))
        except HypothesisException:
            return None


def _same(a: object, b: object) -> bool:
    """Whether an argument is what it was."""
    if isinstance(a, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)
    return a == b
