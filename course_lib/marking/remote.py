"""A student's functions as the judge calls them: in another process, which may loop, end, lie or eat all memory.

The process is started when it is needed, and again when it has ended: then without the cell that ended it.
"""

import builtins
import ctypes
import math
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import torch
from torch import Tensor

from course_lib.exercises import calling
from course_lib.exercises.calling import Call
from course_lib.exercises.contest import no_function, raised
from course_lib.marking import wire
from course_lib.marking.cage import LIMITS, Cage, start

START = 60.0  # seconds to start torch in, on a busy machine
CELL = 60.0  # seconds that a cell may take
CALL = (
    calling.SECONDS + calling.GRACE + 12.0
)  # after which a call is not waited for: the cage stops it itself
WHOLE = 600.0  # seconds for a submission
STARTS = 6  # of the process, at most
MEMORY = 3 * 2**30  # bytes of all its processes together
PROCESSES = 100
REPLY = 4 * 2**20  # bytes of a reply, which becomes many times as much memory here
SLACK = 1.25  # times the seconds that training may take: machines differ
LOOK = 0.1  # seconds between two looks at them
# bubblewrap ends with the thread that has started it: this one lasts
_STARTER = ThreadPoolExecutor(1)


class Over(BaseException):
    """The process cannot be had any more, through the submission's fault; the text says why.

    No Exception: a judge takes those for failures of its own.
    """


@dataclass
class Caged:
    """The process of a submission.

    Attributes:
        cage, course, files: see `cage.start`.
        cells: sources, executed in their order.
        errors: number of a cell -> what went wrong in it.
        until: the moment, by `time.monotonic()`, at which the submission's time is over.
    """

    cage: Cage
    course: Path
    files: Path
    cells: Sequence[str]
    errors: dict[int, str] = field(default_factory=dict)
    until: float = field(default_factory=lambda: time.monotonic() + WHOLE)

    def __post_init__(self):
        self._process, self._starts, self._skipped = None, 0, set()
        self._why, self._watch, self._home = "", None, None
        self.most_seconds = math.inf

    def __enter__(self) -> "Caged":
        # in a cage orphans end with it
        _adopt_orphans(self.cage.kind == "none")
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        _adopt_orphans(False)

    def stop(self) -> None:
        """End the process, and every other that it has started."""
        if self._process is None:
            return
        process, self._process = self._process, None
        children = _family(process.pid)
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()
        for one in children:
            with suppress(psutil.Error):
                one.kill()
        process.kill()
        process.wait()
        psutil.wait_procs(children, timeout=5)
        if self.cage.kind == "none":
            _end_orphans()
        self._watch.join()
        self._home.cleanup()

    def renew(self) -> None:
        """End the process without fault of the submission's: the next request starts another one."""
        self.stop()
        self._starts = max(0, self._starts - 1)

    def ask(self, seconds: float, **request) -> dict:
        """The reply to a request, from a process in which all cells were executed.

        Raises:
            wire.Ended: it has ended, or did not answer in time: then it is stopped. `why` tells more.
            Over: there is none.
        """
        if self._process is None:
            self._begin()
        return self._ask(seconds, **request)

    def why(self) -> str:
        """Why the process has ended, if that is known."""
        return self._why or "it ended the Python process"

    def seconds(self) -> float:
        """Of the CPU, that all its processes have taken."""
        return 0.0 if self._process is None else sum(map(_cpu, _family(self._process.pid)))

    def _begin(self) -> None:
        while True:
            if self._starts >= STARTS:
                raise Over(f"the process was ended {STARTS} times")
            self._start()
            try:
                self._ask(START, do="begin", limits=LIMITS)
            # nothing of the submission has run yet: this is ours
            except wire.Ended:
                raise RuntimeError("the process did not start") from None
            if self._execute():
                return

    def _start(self) -> None:
        self._starts += 1
        self._why = ""
        self._home = TemporaryDirectory(ignore_cleanup_errors=True)
        where = self.cage, self.course, self.files, Path(self._home.name)
        self._process = _STARTER.submit(start, *where).result()
        os.set_blocking(self._process.stdin.fileno(), False)
        self._watch = threading.Thread(target=self._look_after, args=(self._process,), daemon=True)
        self._watch.start()

    def _execute(self) -> bool:
        """Execute the cells; False if one ended the process."""
        for number, source in enumerate(self.cells):
            if number in self._skipped:
                continue
            try:
                error = self._ask(CELL, do="cell", source=source).get("error")
            except wire.Ended as ended:
                self._skipped.add(number)
                late = f"it took longer than {CELL:.0f} seconds"
                self.errors[number] = late if ended.late else self.why()
                return False
            if isinstance(error, list) and len(error) == 2:
                self.errors[number] = ": ".join(map(str, error)).rstrip(": ")[:300]
        return True

    def _ask(self, seconds: float, **request) -> dict:
        left = self.until - time.monotonic()
        if left <= 0:
            self.stop()
            raise Over(f"the time for the whole submission, {WHOLE / 60:.0f} minutes, was over")
        until = time.monotonic() + min(seconds, left)
        process = self._process
        try:
            wire.send(process.stdin.fileno(), request, until)
            return wire.receive(process.stdout.fileno(), until, REPLY)
        except wire.Garbled:
            self._why = "its replies could not be read"
        except wire.Ended as ended:
            if ended.late:
                self.stop()
                raise
            # the watch may still have to say why
            self._watch.join(5 * LOOK)
        self.stop()
        raise wire.Ended(late=False)

    def _look_after(self, process) -> None:
        """End the process when it takes too much."""
        while process.poll() is None:
            family = _family(process.pid)
            memory = sum(_memory(one) for one in family)
            if memory > MEMORY:
                self._why = f"it took more than {MEMORY / 2**30:.0f} GB of memory"
            elif len(family) > PROCESSES:
                self._why = f"it started more than {PROCESSES} processes"
            elif sum(_cpu(one) for one in family) > self.most_seconds:
                self._why = "it took more seconds of the CPU than are allowed"
            if self._why:
                for one in family:
                    with suppress(psutil.Error):
                        one.kill()
                process.kill()
                return
            time.sleep(LOOK)


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that it has started."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _cpu(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:4])
    except psutil.Error:
        return 0.0


def _adopt_orphans(adopt: bool) -> None:
    """On Linux: whether who loses their parent becomes a child of this process, where they are found."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, int(adopt), 0, 0, 0)


def _end_orphans() -> None:
    """End what a submission without a cage has left running: all children of this process."""
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            one.kill()
            one.wait(1)


class There:
    """A function of a submission, a `Subject`."""

    def __init__(self, caged: Caged, name: str):
        self.caged, self.name = caged, name

    def look(self, names: Sequence[str] = ()) -> dict:
        """What there is to see: "there", "callable", "blank", "refuses", "borrowed", "outside"."""
        try:
            reply = self.caged.ask(CALL, do="look", name=self.name, names=list(names))
        # then the first call says it
        except wire.Ended:
            reply = {"there": True, "callable": True}
        seen = {key: reply.get(key) is True for key in ("there", "callable", "blank")}
        texts = {key: _listed(reply.get(key)) for key in ("borrowed", "outside")}
        return seen | texts | {"refuses": str(reply.get("refuses", ""))[:300]}

    def blank(self) -> bool:
        return self.look()["blank"]

    def refuses(self, names: Sequence[str]) -> str:
        return self.look(names)["refuses"]

    def dice(self) -> object:
        try:
            return str(self.caged.ask(CALL, do="dice").get("dice"))
        except wire.Ended:
            return ""

    def call(self, arguments: tuple, most: int = 0) -> Call:
        request = {"name": self.name, "arguments": wire.form_of(arguments)}
        try:
            reply = self.caged.ask(CALL, do="call", **request, most=most)
            return _made(reply, arguments)
        except wire.Ended as ended:
            late = "it did not end, and could not be stopped"
            return Call(
                gone=f"Your function was ended: {late if ended.late else self.caged.why()}."
            )
        # whatever a reply may hold
        except Exception:
            return Call(gone="Your function was ended: what came back could not be read.")


class TrainThere:
    """A submission's function that trains, a `Trainee`."""

    KEPT = "_what_was_trained"

    def __init__(self, caged: Caged, name: str):
        self.caged, self.name = caged, name

    def train(self, material: tuple, seconds: float) -> tuple[str, float]:
        sent = [_as_bytes(part) if part.is_floating_point() else part for part in material]
        request = {"name": self.name, "arguments": wire.form_of(tuple(sent)), "keep": self.KEPT}
        started = self.caged.seconds()
        self.caged.most_seconds = started + SLACK * seconds + 5
        try:
            # on a busy machine the clock runs faster than the CPU
            reply = self.caged.ask(START + 5 * seconds, do="train", **request)
            took = self.caged.seconds() - started
            return _came_of_training(reply), took
        except wire.Ended as ended:
            late = "it did not end"
            return f"Training was ended: {late if ended.late else self.caged.why()}.", 0.0
        except (KeyError, TypeError, ValueError):
            return "Training was ended: what came back could not be read.", 0.0
        finally:
            self.caged.most_seconds = math.inf

    def embed(self, images: Tensor) -> Call:
        return There(self.caged, self.KEPT).call((images,))


def _listed(names: object) -> str:
    return " and ".join(map(str, names))[:200] if isinstance(names, list) else ""


def _as_bytes(images: Tensor) -> Tensor:
    return (255 * images).round().to(torch.uint8)


def _came_of_training(reply: dict) -> str:
    """What went wrong, or ""."""
    if reply["error"]:
        line, text = (str(part)[:200] for part in reply["where"])
        return raised("Training", Call(error=_error(*reply["error"]), where=(line, text)))
    if reply["ready"] is True:
        return ""
    return no_function(wire.value_of({"other": str(reply["type"])}))


def _made(reply: dict, arguments: tuple) -> Call:
    """What came of a call, from a reply that nobody has looked at yet."""
    left = list(arguments)
    for number, form in reply["changed"].items():
        left[int(number)] = wire.value_of(form)
    line, text = (str(part)[:200] for part in reply["where"])
    return Call(
        value=wire.value_of(reply["value"]),
        error=_error(*reply["error"]) if reply["error"] else None,
        ended=reply["ended"] is True,
        alive=reply["alive"] is True,
        steps=int(reply["steps"]),
        printed=str(reply["printed"])[: calling.KEPT],
        where=(line, text),
        left=tuple(left),
    )


def _error(name: object, text: object) -> Exception:
    """An error of the same name and text; one of Python's own, if it can be made of a text."""
    name, text = str(name)[:60], str(text)[:500]
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = type(name if name.isidentifier() else "Error", (Exception,), {})
    try:
        error = kind(text)
    except TypeError:
        error = type(name, (Exception,), {})(text)
    return error
