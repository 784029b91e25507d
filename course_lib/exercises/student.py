"""A student's function as the judge sees it: it is called, and its source is looked at.

Nothing of the course but `calling` is needed here, so that it works where the answers are not.
"""

import ast
import contextlib
import dis
import inspect
import json
import linecache
import random
import textwrap
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from course_lib.exercises.calling import Call, call

# Python's own files, the packages', and the course's
LIBRARIES = tuple(str(Path(file).parents[1]) for file in (json.__file__, torch.__file__, __file__))

# Packages that know answers; what may be used of them all the same.
KNOWING = (
    "course_lib",
    "torchvision",
    "faiss",
    "sklearn",
    "skimage",
    "pytorch_metric_learning",
    "torchmetrics",
    "pycocotools",
    "faster_coco_eval",
)
ALLOWED = (
    "course_lib.page",
    "course_lib.exercises.assigned",
    "course_lib.arguments",
    "course_lib.machine",
    "course_lib.embeddings.encoders",
    "course_lib.training",
    "course_lib.data.variations",
)


@runtime_checkable
class Subject(Protocol):
    """A function under judgement, in this process or in another one."""

    def blank(self) -> bool:
        """Whether `...` still stands in it."""

    def call(self, arguments: tuple, most: int = 0) -> Call:
        """What comes of a call; `most` steps are counted, none if it is 0."""

    def refuses(self, names: Sequence[str]) -> str:
        """What is wrong with the arguments that it takes; "" if nothing is."""

    def dice(self) -> object:
        """The state of every global random generator, to be compared."""


class Here:
    """A student's function in this process; called in `guarded` only."""

    def __init__(self, function: Callable):
        self.function = function

    def blank(self) -> bool:
        return has_blank(self.function)

    def call(self, arguments: tuple, most: int = 0) -> Call:
        made = call(self.function, arguments, most)
        made.where = own_line(self.function, made.error) if made.error is not None else ("", "")
        return made

    def refuses(self, names: Sequence[str]) -> str:
        return refuses(self.function, names)

    def dice(self) -> object:
        return dice()


class Ours:
    """A function of the course, which ends: called without a thread."""

    def __init__(self, function: Callable):
        self.function = function

    def blank(self) -> bool:
        return False

    def call(self, arguments: tuple, most: int = 0) -> Call:
        try:
            return Call(self.function(*arguments))
        except Exception as error:
            return Call(error=error)

    def refuses(self, names: Sequence[str]) -> str:
        return ""

    def dice(self) -> object:
        return None


def refuses(function: Callable, names: Sequence[str]) -> str:
    """What is wrong with the arguments that a function takes; "" if nothing is."""
    try:
        signature = inspect.signature(function)
    # in C: it is called, and one sees
    except (ValueError, TypeError):
        return ""
    try:
        signature.bind(*names)
    except TypeError:
        return f"It must take ({', '.join(names)}), and takes {signature}."
    return ""


def own_line(function: Callable, error: BaseException) -> tuple[str, str]:
    """Where an error came from in the student's own code: "line 4" or "iou, line 2", and that line's text."""
    home = _code(function)
    frames = [
        (frame.f_code, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        # a jump may belong to no line
        if number and (frame.f_code is home or not _is_library(frame.f_code.co_filename))
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


def dice() -> tuple:
    """The state of every global random generator, to be compared."""
    # the generator that a student's np.random.rand uses
    numpy = np.random.get_state()  # noqa: NPY002
    return random.getstate(), numpy[1].tobytes(), numpy[2], torch.get_rng_state().numpy().tobytes()


def borrowed(function: object) -> list[str]:
    """The modules of libraries that know answers, as far as a function, or one that it calls, names them."""
    found, waiting, seen = set(), [function], set()
    while waiting:
        one = waiting.pop()
        code = _code(one) if callable(one) else None
        module = one.__name__ if inspect.ismodule(one) else getattr(one, "__module__", None)
        if isinstance(module, str) and _knows_answers(module):
            found.add(module)
        elif code is not None and id(code) not in seen:
            seen.add(id(code))
            found |= {name for name in _imported(code) if _knows_answers(name)}
            waiting += _named(one, code)
    return sorted(found)


def tensors_outside(function: Callable) -> list[str]:
    """The names of tensors and networks that a function, or one that it calls, takes from outside of it."""
    found, waiting, seen = set(), [function], set()
    while waiting:
        one = waiting.pop()
        code = _code(one) if callable(one) else None
        if code is None or id(code) in seen or _is_library(code.co_filename):
            continue
        seen.add(id(code))
        scope = getattr(inspect.unwrap(one), "__globals__", {})
        found |= {name for name in _globals_of(code) if _holds_numbers(scope.get(name))}
        waiting += [value for value in _named(one, code) if inspect.isfunction(value)]
    return sorted(found)


def _holds_numbers(value: object, deep: int = 3) -> bool:
    """Whether a value is a tensor, an array, a network, or holds one."""
    if isinstance(value, torch.Tensor | np.ndarray | torch.nn.Module):
        return True
    if isinstance(value, dict):
        value = list(value.values())
    many = isinstance(value, list | tuple | set)
    return many and deep > 0 and any(_holds_numbers(one, deep - 1) for one in value)


def _knows_answers(module: str) -> bool:
    return module.split(".")[0] in KNOWING and not module.startswith(ALLOWED)


def _codes(code: CodeType) -> list[CodeType]:
    """A function's code, and that of the functions within it."""
    return [
        code,
        *(c for const in code.co_consts if isinstance(const, CodeType) for c in _codes(const)),
    ]


def _imported(code: CodeType) -> set[str]:
    names = set()
    for one in _codes(code):
        names |= {i.argval for i in dis.get_instructions(one) if i.opname == "IMPORT_NAME"}
    return names


def _globals_of(code: CodeType) -> set[str]:
    """The names of globals that a function looks up."""
    steps = (step for one in _codes(code) for step in dis.get_instructions(one))
    return {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}


def _named(function: Callable, code: CodeType) -> list[object]:
    """What a function's global names and its closure stand for."""
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    cells = getattr(inspect.unwrap(function), "__closure__", None) or ()
    kept = [scope[name] for name in _globals_of(code) if name in scope]
    for cell in cells:
        with contextlib.suppress(ValueError):
            kept.append(cell.cell_contents)
    return kept
