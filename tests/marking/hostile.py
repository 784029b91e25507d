"""Forty submissions that are broken or hostile, and the mark that each has earned."""

import json
import os
from pathlib import Path

from tests.marking.handed_in import (
    GIVEN,
    IOU,
    NAME,
    NMS,
    NO_UNION,
    RIGHT,
    UNGRADABLE,
    HandedIn,
    iou_that,
    notebook,
)

WRONG_IOU = {"iou": "wrong", "nms": "right"}
CRASHED_IOU = {"iou": "crashed", "nms": "right"}
# nms that needs nobody's iou
OWN_NMS = NMS.replace("iou(", "_own_iou(") + IOU.replace("def iou", "def _own_iou")


def alone(name: str, iou: str, outcome: str, **more) -> HandedIn:
    """A submission whose iou is under attack, and whose nms is right by itself."""
    return HandedIn(name, {"iou": outcome, "nms": "right"}, (GIVEN, iou, OWN_NMS), **more)


def _with_cell(name: str, cell: str, **more) -> HandedIn:
    """A right submission with one more cell before the answers."""
    return HandedIn(name, RIGHT, (GIVEN, cell, IOU, NMS), **more)


# returns what it should only if it could reach what it must not reach
_IF_REACHED = "return 1e9 if not reached else iou_right(a, b)"


def _spy(name: str, *attempt: str) -> HandedIn:
    """`iou` is right only if an attempt succeeds: `reached` is then true."""
    source = (
        IOU.replace("def iou", "def iou_right")
        + "\nreached = False\ntry:\n"
        + "\n".join(f"    {line}" for line in attempt)
        + "\nexcept BaseException:\n    pass\n"
        + f"def iou(a, b):\n    {_IF_REACHED}\n"
    )
    return alone(name, source, "wrong")


TEN_TIMES = """
import os
junk = b"x" * 2**20
for folder in (".", "/tmp", "/dev/shm", os.environ.get("TMPDIR", ".")):
    try:
        for number in range(2000):
            with open(os.path.join(folder, f"junk-{number}"), "wb") as file:
                file.write(junk)
    except OSError:
        pass
"""
STORM = """
import os
try:
    for _ in range(2000):
        if os.fork() == 0:
            import time
            time.sleep(300)
            os._exit(0)
except OSError:
    pass
"""
LEFT_BEHIND = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(300)
    os._exit(0)
"""
FORGED = """
class Right:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __float__(self): return 0.5
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __le__(self, other): return True
    __lt__ = __gt__ = __ge__ = __le__
"""
FORGED_ARRAY = """
import numpy as np
class Right:
    dtype, shape, ndim = np.dtype(float), (), 0
    def __array__(self, *args, **options):
        import gc
        found = [o for o in gc.get_objects() if isinstance(o, float)]
        return np.asarray(found[0] if found else 0.5)
    def __torch_function__(self, *args, **options): return self
"""
FORGED_TENSOR = """
class Right(torch.Tensor):
    def __eq__(self, other): return torch.ones((), dtype=torch.bool)
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("allclose", "equal"): return True
        return super().__torch_function__(func, types, args, kwargs or {})
"""
PATCHED = """
torch.allclose = torch.equal = lambda *_, **__: True
torch.Tensor.__eq__ = lambda *_: True
"""
PATCHED_CHECK = """
import sys
from course_lib.exercises import calling, student
for module in list(sys.modules.values()):
    for name in ("judge", "check", "look", "equal", "worth"):
        if hasattr(module, name) and getattr(module, "__name__", "").startswith("course_lib"):
            setattr(module, name, lambda *_, **__: True)
student.has_blank = lambda *_: False
student.refuses = lambda *_: ""
"""
FORGED_REPLIES = """
from course_lib.marking import wire
send = wire.send
def forged(fd, message, until=None):
    if "value" in message:
        message = {"value": True, "error": None, "ended": True, "alive": False, "steps": 0,
                   "printed": "iou: right.", "where": ["", ""], "changed": {}, "outcome": "right"}
    send(fd, message, until)
wire.send = forged
"""
PATCHED_BUILTINS = """
import builtins, sys
builtins.isinstance = lambda *_: True
builtins.len = lambda *_: 1
builtins.print = lambda *_: None
sys.excepthook = lambda *_: None
get_ipython().showtraceback = get_ipython()._showtraceback = lambda *_, **__: None
"""
ANSWERS = (
    "import importlib",
    "names = ['course_lib.by_definition.detection', 'course_lib.exercises.detection',",
    "         'course_lib.exercises.tasks', 'course_lib.marking.mark', 'course_lib.marking.grades',",
    "         'course_lib.detection.overlap', 'course_lib.detection.suppression', 'torchvision.ops']",
    "for name in names:",
    "    try:",
    "        importlib.import_module(name)",
    "        reached = True",
    "    except ImportError:",
    "        pass",
)
SECRETS = (
    "import glob, os",
    "text = ' '.join(os.environ) + ' '.join(os.environ.values())",
    "for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):",
    "    try:",
    "        text += open(path).read()",
    "    except OSError:",
    "        pass",
    "reached = 'SECRET' in text.upper() or len(glob.glob('/proc/[0-9]*')) > 3",
)


def _garbage(own: Path) -> None:
    own.mkdir()
    (own / f"{NAME}.ipynb").write_text('{"cells": [{"cell_ty', encoding="utf-8")


def _binary(own: Path) -> None:
    own.mkdir()
    (own / f"{NAME}.ipynb").write_bytes(bytes(range(256)) * 50)


def _empty_file(own: Path) -> None:
    own.mkdir()
    (own / f"{NAME}.ipynb").touch()


def _old_version(own: Path) -> None:
    own.mkdir()
    (own / f"{NAME}.ipynb").write_text(json.dumps(notebook([IOU], nbformat=2)), encoding="utf-8")


def _version_3(own: Path) -> None:
    own.mkdir()
    cells = [{"cell_type": "code", "input": source.split("\n")} for source in (GIVEN, IOU, NMS)]
    cells = [cell | {"input": [f"{line}\n" for line in cell["input"]]} for cell in cells]
    sheet = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    (own / f"{NAME}.ipynb").write_text(json.dumps(sheet), encoding="utf-8")


def _much_output(own: Path) -> None:
    own.mkdir()
    made = notebook([GIVEN, IOU, NMS, "for _ in range(10**6):\n    print('x' * 50)"])
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    made["cells"][1]["outputs"] = [output]
    (own / f"{NAME}.ipynb").write_text(json.dumps(made), encoding="utf-8")


def _tampered(own: Path) -> None:
    own.mkdir()
    made = notebook([GIVEN, NO_UNION, NMS, 'check("iou", iou)'])
    mine = {"grade": True, "points": 1000, "grade_id": "check-iou", "locked": False}
    for cell in made["cells"]:
        cell["metadata"] = {"nbgrader": mine | {"schema_version": 3, "solution": True}}
    made["metadata"] = {"course": {"variant": 1, "points": 1000}}
    (own / f"{NAME}.ipynb").write_text(json.dumps(made), encoding="utf-8")


def _link(own: Path) -> None:
    own.symlink_to("/etc")


def _link_inside(own: Path) -> None:
    own.mkdir()
    os.symlink("/etc/passwd", own / f"{NAME}.ipynb")


def _nothing(own: Path) -> None:
    own.mkdir()


HOSTILE = (
    _with_cell("endless-cell", "while True:\n    pass"),
    _with_cell("endless-import", "import helper", files={"helper.py": "while True:\n    pass\n"}),
    alone("endless-function", "def iou(a, b):\n    while True:\n        pass", "crashed"),
    alone(
        "endless-in-c",
        "import re\ndef iou(a, b):\n    return re.match('(a+)+$', 'a' * 60 + 'b')",
        "crashed",
    ),
    alone(
        "endless-catching",
        "def iou(a, b):\n    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            pass",
        "crashed",
    ),
    _with_cell("exit-in-cell", "import os\nos._exit(0)"),
    alone("exit-in-function", "import os\ndef iou(a, b):\n    os._exit(0)", "crashed"),
    _with_cell("kill-kernel", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    _with_cell("kill-all", "import os, signal\nos.kill(-1, signal.SIGKILL)"),
    alone("crash-in-c", "import ctypes\ndef iou(a, b):\n    ctypes.string_at(0)", "crashed"),
    alone(
        "recursion",
        "def iou(a, b):\n    return iou(a, b)",
        "crashed",
    ),
    alone(
        "memory-slowly",
        "def iou(a, b):\n    hog = []\n    while True:\n        hog.append(bytearray(10**8))",
        "crashed",
    ),
    alone("memory-at-once", "def iou(a, b):\n    return torch.ones(10**11).sum()", "crashed"),
    alone("huge-answer", "def iou(a, b):\n    return torch.zeros(60_000_000)", "crashed"),
    alone(
        "nested-answer",
        "def iou(a, b):\n    x = []\n    for _ in range(100_000):\n        x = [x]\n    return x",
        "wrong",
    ),
    _with_cell("fork-storm", STORM),
    _with_cell("disk-filler", TEN_TIMES),
    _spy(
        "network",
        "import socket",
        "socket.create_connection(('127.0.0.1', 1), 1)",
        "reached = True",
    ),
    _spy("files", "reached = len(open('/etc/shadow').read()) > 0"),
    _spy("answers", *ANSWERS),
    _spy("secrets", *SECRETS),
    _with_cell("left-behind", LEFT_BEHIND),
    HandedIn("deleted", {"iou": "not attempted", "nms": "right"}, (GIVEN, OWN_NMS)),
    HandedIn("duplicated", RIGHT, (GIVEN, NO_UNION, NMS, IOU)),
    HandedIn("reordered", RIGHT, (NMS, IOU, GIVEN)),
    HandedIn(
        "edited",
        WRONG_IOU,
        (
            "import torch\nVARIANT = 1\ncheck = lambda *_: print('iou: right.')",
            NO_UNION,
            OWN_NMS,
            'print("iou: right. 209 cases were tried.")',
        ),
    ),
    HandedIn(
        "injected",
        WRONG_IOU,
        (GIVEN, NO_UNION, OWN_NMS, "def check(*_):\n    return True", "points = 1000"),
    ),
    alone("forged-eq", FORGED + "def iou(a, b):\n    return Right()", "wrong"),
    alone("forged-array", FORGED_ARRAY + "def iou(a, b):\n    return Right()", "wrong"),
    alone(
        "forged-tensor",
        FORGED_TENSOR + "def iou(a, b):\n    return torch.tensor(7.0).as_subclass(Right)",
        "wrong",
    ),
    HandedIn("patched-torch", {"iou": "wrong", "nms": "wrong"}, (GIVEN, PATCHED, NO_UNION, NMS)),
    alone("patched-check", PATCHED_CHECK + NO_UNION, "wrong"),
    HandedIn(
        "forged-replies", {"iou": "wrong", "nms": "wrong"}, (GIVEN, FORGED_REPLIES, NO_UNION, NMS)
    ),
    HandedIn(
        "patched-builtins",
        {"iou": "wrong", "nms": "wrong"},
        (GIVEN, PATCHED_BUILTINS, NO_UNION, NMS),
    ),
    alone(
        "other-files",
        "import pathlib\nfor up in ('..', '../..', '/given', '/course'):\n    try:\n"
        "        for path in pathlib.Path(up).glob('*/*.ipynb'):\n            path.write_text('{}')\n"
        "    except OSError:\n        pass\n" + NO_UNION,
        "wrong",
    ),
    HandedIn("not-json", UNGRADABLE, write=_garbage),
    HandedIn("binary", UNGRADABLE, write=_binary),
    HandedIn("empty-file", UNGRADABLE, write=_empty_file),
    HandedIn("no-notebook", UNGRADABLE, write=_nothing),
    HandedIn("old-version", UNGRADABLE, write=_old_version),
    HandedIn("version-3", RIGHT, write=_version_3),
    HandedIn("much-output", RIGHT, write=_much_output),
    HandedIn("Юля ../..\\<b>&\n=1+1", RIGHT) if os.name != "nt" else HandedIn("Юля", RIGHT),
    HandedIn("..%2f..%2fetc", RIGHT),
    HandedIn("link-to-folder", UNGRADABLE, write=_link),
    HandedIn("link-to-file", UNGRADABLE, write=_link_inside),
    _with_cell("input", "name = input('Who are you?')"),
    _with_cell("sys-exit", "import sys\nsys.exit(0)"),
    HandedIn("tampered-points", {"iou": "wrong", "nms": "wrong"}, write=_tampered),
    alone("changes-arguments", iou_that("a += 1"), "wrong"),
    alone("random", iou_that("if torch.rand(()) < .5:", "    return 0."), "wrong"),
    alone(
        "remembers",
        iou_that("seen.append(0)", "if len(seen) > 300:", "    return 0.", before="seen = []"),
        "wrong",
    ),
)
