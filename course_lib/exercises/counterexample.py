"""What is wrong with a function that fails: which case shows it, and which known mistake it is."""

import ast
import inspect
import json
import linecache
import textwrap
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from course_lib.exercises.calling import call
from course_lib.exercises.cases import Seen, agree, answers, cases, copied, look, plainly
from course_lib.exercises.task import Mistake, Task

COUNTED = 3_000_000  # steps at most: half a second
# Python's own files, the packages', and the course's
LIBRARIES = tuple(
    str(Path(file).resolve().parents[1]) for file in (json.__file__, torch.__file__, __file__)
)
STEEPER = 1.6  # times the plain form's growth from n to 2n is too steep: n^2 has 4, n^3 has 8


def known_mistake(task: Task, seen: Sequence[Seen]) -> Mistake | None:
    """The mistake whose answers equal the student's in all cases that were tried."""
    for mistake in task.mistakes:
        pairs = zip(seen, cases(task), answers(task), strict=False)
        if all(agree(s, look(task, mistake.wrong, c, e, plainly)) for s, c, e in pairs):
            return mistake
    return None


def forgets_itself(task: Task, function: Callable, seen: Sequence[Seen], which: list[int]) -> bool:
    """Whether a function gives another answer than before to the same case: it depends on more than its arguments."""
    for i in which:
        again = look(task, function, cases(task)[i], answers(task)[i])
        if not agree(again, seen[i]):
            return True
    return False


def too_steep(task: Task, function: Callable, n: int = 12) -> str:
    """How the steps of a function grow, where they grow faster than the plain form's; "" if they do not."""
    if task.sized is None:
        return ""
    small, large = task.sized(n), task.sized(2 * n)
    plain = [call(task.plain, copied(case), most=COUNTED).steps for case in (small, large)]
    first = call(function, copied(small), most=COUNTED)
    # a few steps more than in the plain form are nobody's trouble
    allowed = max(STEEPER * plain[1] / plain[0] * first.steps, 2 * plain[1])
    second = call(function, copied(large), most=min(round(allowed), COUNTED))
    if first.ended and second.ended:
        return ""
    times = "more than " + f"{allowed / max(first.steps, 1):.0f}" if first.ended else "far more"
    return (
        f"With twice as many inputs it takes {times} times as many steps, the plain form "
        f"{plain[1] / plain[0]:.0f} times as many: which work is done again and again?"
    )


def own_line(function: Callable, error: BaseException) -> tuple[str, str]:
    """Where an error came from in the student's own code: "line 4" or "iou, line 2", and that line's text."""
    home = _code(function)
    frames = [
        (frame.f_code, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code is home or not _is_library(frame.f_code.co_filename)
    ]
    if not frames:
        return "", ""
    code, number = frames[-1]
    text = linecache.getline(code.co_filename, number).strip()
    if home is not None and code.co_filename == home.co_filename:
        return f"line {number}", text
    return f"{code.co_name}, line {number}", text


def _code(function: Callable):
    return getattr(inspect.unwrap(function), "__code__", None)


def _is_library(path: str) -> bool:
    """Whether a file belongs to Python, to a package or to the course, and not to the student."""
    return path.startswith(("<frozen", *LIBRARIES))


def has_blank(function: Callable) -> bool:
    """Whether `...` still stands in the place of a statement, or nothing but a docstring does."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    # without a source: a function made by exec or in C
    except (OSError, TypeError, SyntaxError):
        return False
    # a lambda's source is all of its line
    if not isinstance(tree.body[0], ast.FunctionDef):
        return False
    body = tree.body[0].body
    idle = [n for n in body if isinstance(n, ast.Pass) or _is_constant(n)]
    blanks = [n for n in ast.walk(tree) if _is_constant(n) and n.value.value is ...]
    return bool(blanks) or len(idle) == len(body)


def _is_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
