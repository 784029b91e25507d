"""`check`: tries a student's function, and says what was found.

not attempted          the blank is untouched
crashed                an error, at the student's own line; no `return`; no end
wrong                  the smallest case found, expected beside got; and the known mistake, if it is one
right                  on how many cases
could not be judged    the check itself failed
"""

import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from IPython.display import display

from course_lib.exercises.calling import Call, guarded
from course_lib.exercises.cases import Seen, cases, copied, look, look_at_all, smallest
from course_lib.exercises.contest import Contest, TrainHere, judge_contest
from course_lib.exercises.counterexample import forgets_itself, known_mistake, too_steep
from course_lib.exercises.reading import written
from course_lib.exercises.report import Answer, failure, printed, wrapped
from course_lib.exercises.student import Here, Subject, has_blank, refuses
from course_lib.exercises.task import Hunt, Task
from course_lib.exercises.tasks import TASKS
from course_lib.page.plots import to_png
from course_lib.page.progress import remember

AGAIN = 12  # cases that are tried a second time
STATE = (
    "The same input gave another answer the second time: your function depends on something that "
    "it keeps between calls, or that changes outside of it."
)
DICE = "Your function uses random numbers: the answer must depend on its arguments alone."


def check(name: str, answer: object) -> None:
    """Judge an answer to a task, show what was found, and keep the outcome.

    Args:
        name: of the task, as "nms".
        answer: the function that was written, or the object that was to be found.
    Raises:
        ValueError: there is no such task.
        TypeError: the task asks for a function, and `answer` is none.

    What the answer raises, prints or changes harms nothing; an endless loop ends after three seconds.
    """
    judged = judge(name, answer)
    display(judged)
    # A page that is only run has attempted nothing.
    if judged.outcome not in ("not attempted", "could not be judged"):
        remember("check", name, judged.outcome, page=TASKS[name].page)


def judge(name: str, answer: object, seed: int = 0) -> Answer:
    """What `check` shows, without showing and keeping it; the cases tried are those of a seed.

    `answer` may be a `Subject`: a function in another process.
    """
    if name not in TASKS:
        raise ValueError(f"check: there is no task {name!r}; there are {sorted(TASKS)}")
    task = TASKS[name]
    parts = list(answer.values()) if isinstance(answer, dict) else answer
    if answer is ... or (isinstance(parts, list | tuple) and any(part is ... for part in parts)):
        return _not_attempted(name)
    function = isinstance(task, Task | Contest)
    if function and not callable(answer) and not isinstance(answer, Subject):
        raise TypeError(f"check: {name} asks for a function, got {type(answer).__name__}")
    try:
        with _same_dice():
            if isinstance(task, Hunt):
                return _judge_object(task, answer)
            if isinstance(task, Contest):
                return _judge_training(task, answer, seed)
            subject = answer if isinstance(answer, Subject) else Here(answer)
            return guarded(
                lambda: _judge_function(task, subject, seed),
                left_behind=lambda case: _endless(task, case),
            )
    # whatever fails here is ours, and must not look like the student's
    except Exception as error:
        said = f"{type(error).__name__}: {written(str(error))}"
        text = f"{name}: could not be judged.\nThe check itself failed, not your function: {said}"
        return Answer(name, "could not be judged", text)


def _judge_function(task: Task, subject: Subject, seed: int) -> Answer:
    """Try it on all cases; then say what is wrong, or look for what answers do not show."""
    if said := subject.refuses(task.arguments):
        return Answer(task.name, "crashed", f"{task.name}: cannot be called.\n{said}", "error")
    first, blank = task.edges[0], subject.blank()
    # At once, without the many cases: a page that is run whole meets every blank.
    if blank and look(task, subject, first, task.plain(*copied(first))).kind != "right":
        return _not_attempted(task.name)
    dice = subject.dice()
    seen = look_at_all(task, subject, seed)
    thrown = subject.dice() != dice
    failed = [i for i, s in enumerate(seen) if s.kind != "right"]
    if any(s.kind == "blank" for s in seen) or (failed and blank):
        return _not_attempted(task.name)
    if seen[-1].kind in ("endless", "gone"):
        last = len(seen) - 1
        return failure(task, cases(task, seed)[last], seen[last], f"case {last + 1}", "")
    again = [*failed[:2], *range(min(AGAIN, len(seen)))]
    if thrown or forgets_itself(task, subject, seen, again, seed):
        return _depends_on_more(task, seen, failed, DICE if thrown else STATE, seed)
    if failed:
        return _wrong(task, subject, seen, failed[0], seed)
    if said := too_steep(task, subject):
        text = f"{task.name}: right, but needlessly slow.\n{said}"
        return Answer(task.name, "right", text, "slow")
    text = f"{task.name}: right. {len(seen)} cases were tried."
    return Answer(task.name, "right", "\n".join(filter(None, [text, printed(seen[0])])))


def _judge_training(task: Contest, function: Callable, seed: int) -> Answer:
    """Train, and score on images of the same seed."""
    if has_blank(function):
        return _not_attempted(task.name)
    if said := refuses(function, task.arguments):
        return Answer(task.name, "crashed", f"{task.name}: cannot be called.\n{said}", "error")
    return judge_contest(task, TrainHere(function), seed, "on images to validate with")


def _wrong(task: Task, subject: Subject, seen: list[Seen], first: int, seed: int) -> Answer:
    """The answer for a function that fails as it did at case `first`: on the smallest such case."""
    case, what = cases(task, seed)[first], seen[first]
    smaller = smallest(task, subject, what.kind, seen, seed)
    if smaller is not None:
        again = look(task, subject, smaller, task.plain(*copied(smaller)))
        if again.kind == what.kind:
            case, what = smaller, again
    mistake = known_mistake(task, seen, seed)
    count = f"the smallest case found of {len(seen)} tried"
    return failure(task, case, what, count, "", mistake.hint if mistake else "")


def _depends_on_more(
    task: Task, seen: list[Seen], failed: list[int], said: str, seed: int
) -> Answer:
    """The answer for a function whose answers depend on more than its arguments."""
    mistake = known_mistake(task, seen, seed) if failed else None
    first = failed[0] if failed else 0
    what, count = replace(seen[first], kind="state"), f"case {first + 1} of {len(seen)}"
    hint = mistake.hint if mistake else ""
    return failure(task, cases(task, seed)[first], what, count, said, hint)


def _endless(task: Task, case: tuple) -> Answer:
    """The answer for a call that could not be stopped."""
    what = Seen("endless", None, "", Call(ended=False, alive=True))
    return failure(task, case, what, "", "")


def _not_attempted(name: str) -> Answer:
    text = f"{name}: not attempted yet. Write your lines in place of the `...`, and run the cell again."
    return Answer(name, "not attempted", text)


def _judge_object(task: Hunt, value: object) -> Answer:
    """Whether an object is what was to be found."""
    try:
        found, said, rows = task.judge(value)
    # not of the sort that was asked for
    except ValueError as error:
        text = f"{task.name}: not right yet.\n{wrapped(str(error))}"
        return Answer(task.name, "wrong", text, "shape", str(error))
    head = f"{task.name}: right." if found else f"{task.name}: not right yet."
    width = max(map(len, rows), default=0)
    lines = [f"  {name:<{width}}  {written(row)}" for name, row in rows.items()]
    text = "\n".join([head, *lines, wrapped(said)])
    png = to_png(task.draw(value)) if task.draw else None
    outcome = "right" if found else "wrong"
    return Answer(task.name, outcome, text, "" if found else "wrong", said, png)


@contextmanager
def _same_dice():
    """Leave the global random generators as they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
