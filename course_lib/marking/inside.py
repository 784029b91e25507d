"""Runs in the cage: executes the cells of a submission, then calls the functions that they made, as the marker asks.

    python -P -m course_lib.marking.inside

Requests come on standard input, replies go out on standard output (see `wire`); cells get neither. Nothing here is
secret, and nothing that is said from here is believed: the arguments of a call are all that a student's code sees.
"""

import contextlib
import io
import os
import random
import shutil
import sys
from collections.abc import Callable

import numpy as np
import torch
from IPython.core.interactiveshell import InteractiveShell

from course_lib.exercises import calling, student
from course_lib.exercises.calling import Call
from course_lib.marking import wire

KEPT = 500  # characters of an error's text


class _Few(io.StringIO):
    """Keeps the beginning of what is written."""

    def write(self, text: str) -> int:
        if self.tell() < calling.KEPT:
            super().write(str(text)[: calling.KEPT - self.tell()])
        return len(text)


def main() -> None:
    """Answer requests until there are no more."""
    come, go = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    _settle_in()
    shell = InteractiveShell.instance()
    # no window is ever shown
    shell.enable_gui = lambda *_, **__: None
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    answers: dict[str, Callable[[dict], dict]] = {
        "begin": _begin,
        "cell": lambda request: _cell(shell, request),
        "look": lambda request: _look(shell.user_ns, request),
        "call": lambda request: _call(shell.user_ns, request),
        "train": lambda request: _train(shell.user_ns, request),
        "dice": lambda request: {"dice": _dice()},
    }
    while True:
        try:
            request = wire.receive(come)
        except wire.Ended:
            return
        wire.send(go, answers[request["do"]](request))


def _settle_in() -> None:
    """Bring the submission's files here, where they may be written to, and the list of fonts."""
    for entry in os.scandir(os.environ["MARKED_FILES"]):
        copy = shutil.copytree if entry.is_dir() else shutil.copy
        copy(entry.path, entry.name)
    fonts = os.path.join(os.environ["MARKED_COURSE"], "matplotlib")
    shutil.copytree(fonts, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)
    sys.path.append(os.getcwd())


def _begin(request: dict) -> dict:
    """Limits that this process cannot raise again; the same random numbers in every run."""
    _limit(request["limits"])
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return {}


def _limit(limits: dict[str, int]) -> None:
    """By names as in `resource`, without RLIMIT_; one that is lower already stays."""
    try:
        import resource
    # not on Windows
    except ImportError:
        return
    for name, most in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None:
            _, hard = resource.getrlimit(number)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(number, (most, most))


def _cell(shell: InteractiveShell, request: dict) -> dict:
    """Execute a cell; the error's type and text, if one was raised."""
    with contextlib.redirect_stdout(_Few()), contextlib.redirect_stderr(_Few()):
        try:
            ran = shell.run_cell(request["source"], store_history=False)
            error = ran.error_before_exec or ran.error_in_exec
        except BaseException as raised:
            error = raised
    return {"error": None if error is None else _said(error)}


def _said(error: BaseException) -> list[str]:
    try:
        return [type(error).__name__, str(error)[:KEPT]]
    except BaseException:
        return [type(error).__name__, ""]


def _look(namespace: dict, request: dict) -> dict:
    """What there is to see of a function without calling it."""
    function = namespace.get(request["name"])
    seen = {
        "there": request["name"] in namespace,
        "callable": callable(function),
        "borrowed": [],
        "outside": [],
    }

    def look() -> dict:
        return {
            "borrowed": student.borrowed(function),
            "outside": student.tensors_outside(function),
            "blank": student.has_blank(function),
            "refuses": student.refuses(function, request["names"]),
        }

    try:
        return seen | calling.guarded(look, lambda _: {"blank": False, "refuses": ""})
    except BaseException:
        return seen | {"blank": False, "refuses": ""}


def _call(namespace: dict, request: dict) -> dict:
    """Call a function; what it returned, or what went wrong."""
    function = namespace.get(request["name"])
    arguments = wire.value_of(request["arguments"])
    sent = [wire.form_of(a) for a in arguments]
    made = calling.guarded(
        lambda: student.Here(function).call(arguments, request["most"]),
        lambda _: Call(ended=False, alive=True),
    )
    reply = {"ended": made.ended, "alive": made.alive, "steps": made.steps}
    reply |= {"printed": made.printed, "where": list(made.where)}
    reply["error"] = None if made.error is None else _said(made.error)
    try:
        reply["value"] = wire.form_of(made.value)
        after = [wire.form_of(a) for a in arguments]
    except BaseException:
        reply["value"], after = {"other": type(made.value).__name__}, sent
    reply["changed"] = {str(i): now for i, now in enumerate(after) if now != sent[i]}
    return reply


def _train(namespace: dict, request: dict) -> dict:
    """Call a function that trains, as long as it takes; what it returns is kept, to be called as `request["keep"]`."""
    function = namespace.get(request["name"])
    arguments = wire.value_of(request["arguments"])
    # images came as bytes
    arguments = tuple(a / 255 if a.dtype == torch.uint8 else a for a in arguments)
    torch.manual_seed(0)
    where = ("", "")
    with contextlib.redirect_stdout(_Few()), contextlib.redirect_stderr(_Few()):
        try:
            made, error = function(*arguments), None
        except BaseException as raised:
            made, error, where = None, raised, student.own_line(function, raised)

    def embed(images):
        with torch.no_grad():
            return made(images)

    namespace[request["keep"]] = embed
    said = None if error is None else _said(error)
    return {
        "error": said,
        "where": list(where),
        "ready": callable(made),
        "type": type(made).__name__,
    }


def _dice() -> str:
    return str(hash(student.dice()))


if __name__ == "__main__":
    main()
