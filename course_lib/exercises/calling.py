"""Calls a student's function: away from ours, for a few seconds at most, its prints caught, its steps counted.

All work on an answer is done in a thread of its own, so that an endless loop can be stopped on every system and from
every kind of thread: the thread that waits sets an exception in it, which Python raises before the next bytecode. What
never comes back to bytecode (a long sleep, work in C) cannot be stopped: it is left behind, and the page goes on.
"""

import contextlib
import contextvars
import ctypes
import io
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = 3.0  # that one call may take
GRACE = 1.0  # more, for a loop that catches every exception
KEPT = 2000  # characters of what is printed


class Stopped(BaseException):
    """Raised in the student's function when its time is over, or its steps are too many.

    Where the function catches it (`except:` in an endless loop), the next line raises it again, outside of that `try`.
    """

    def __init__(self):
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = _again
            sys.settrace(_again)
            frame = frame.f_back


def _again(frame, event, _):
    raise Stopped


@dataclass
class Call:
    """What a call came to.

    Attributes:
        value: returned; None if nothing was.
        error: raised, or None.
        ended: False if it had to be stopped; `error` then knows where it was.
        alive: True if it could not be stopped either.
        steps: bytecodes that it took, where they were counted.
        printed: the beginning of what it printed.
        where: the student's own line that raised the error, its number and its text; "" if none did.
        left: the arguments as the call left them; None if they are the ones that were passed.
        gone: why the process in which it ran has ended; "" if it has not.
    """

    value: object = None
    error: BaseException | None = None
    ended: bool = True
    alive: bool = False
    steps: int = 0
    printed: str = ""
    where: tuple[str, str] = ("", "")
    left: tuple | None = None
    gone: str = ""


class _Watch(io.TextIOBase):
    """The call that goes on in a thread: since when, with what; and, as a stream, what it prints."""

    def __init__(self):
        self.lock = threading.Lock()
        self.since, self.arguments, self.printed, self.fired = None, (), "", False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.printed) < KEPT:
            self.printed += str(text)[: KEPT - len(self.printed)]
        return len(text)

    def begin(self, arguments: tuple) -> None:
        with self.lock:
            self.arguments, self.printed = arguments, ""
            self.since = time.monotonic()

    def end(self) -> None:
        with self.lock:
            self.since = None
            fired, self.fired = self.fired, False
        if fired:
            _settle()

    def stop(self, thread: threading.Thread) -> bool:
        """Raise Stopped in the call if it is late. -> whether it does not react"""
        with self.lock:
            late = 0.0 if self.since is None else time.monotonic() - self.since - SECONDS
            if late > 0:
                # again and again: a loop with `except:` in it survives the first
                self.fired = True
                _raise_in(thread.ident, Stopped)
        return late > GRACE


_here = threading.local()


def guarded(work: Callable[[], object], left_behind: Callable[[tuple], object]) -> object:
    """Do work in which `call` is used; where a call cannot be stopped, `left_behind(its arguments)` instead.

    What work raises is raised here. An interrupt from the keyboard stops the call, too.
    """
    box, watch = {}, _Watch()

    def run():
        _here.watch = watch
        try:
            box["value"] = work()
        except BaseException as error:
            box["error"] = error

    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(run), daemon=True)
    with contextlib.redirect_stdout(watch), contextlib.redirect_stderr(watch):
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.05)
                if watch.stop(thread):
                    _settle()
                    return left_behind(watch.arguments)
        except BaseException:
            _raise_in(thread.ident, Stopped)
            _settle()
            raise
    # it arrived between the student's last step and our first
    if isinstance(box.get("error"), Stopped):
        return left_behind(watch.arguments)
    if "error" in box:
        raise box["error"]
    return box["value"]


def call(function: Callable, arguments: tuple, most: int = 0) -> Call:
    """Call a function that may loop for ever, raise anything, print much or end the program; only in `guarded`.

    Args:
        function, arguments: `function(*arguments)` is what runs.
        most: steps to count; above them it is stopped. 0: nothing is counted, which is faster.
    """
    value, error, steps, watch, before = None, None, 0, _here.watch, sys.gettrace()

    def count(frame, event, _):
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps += event == "opcode"
        if steps > most:
            raise Stopped
        return count

    watch.begin(arguments)
    try:
        if most:
            sys.settrace(count)
        value = function(*arguments)
    # everything: SystemExit and KeyboardInterrupt of a student's function are its own, too
    except BaseException as raised:
        error = raised
    finally:
        sys.settrace(before)
        watch.end()
    return Call(value, error, not isinstance(error, Stopped), False, steps, watch.printed)


def _settle() -> None:
    """Let an exception arrive here that was set and has not arrived: not in our own code, nor in a thread that sleeps.

    While one is on its way, CPython 3.11 stops before every bytecode, and gets no further where bytecodes are counted.
    """
    with contextlib.suppress(Stopped):
        _raise_in(threading.get_ident(), Stopped)
        for _ in range(1000):
            pass


def _raise_in(thread: int, error: type) -> None:
    """Set an exception in a thread."""
    set_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_in_thread(ctypes.c_ulong(thread), ctypes.py_object(error))
