"""Where a submission's code runs: in bubblewrap, from which it sees nothing and reaches nobody, or plainly.

In the cage the system is read-only, three small folders in memory can be written to, there is no network and no other
process, and neither the course's answers are there nor the packages that know them. Without bubblewrap a submission
runs as an ordinary process with limits: that stops accidents, not attacks.

Two ways lead into the cage. As root the process drops to a user of its own, whose processes the kernel counts; as an
ordinary user it gets a user namespace, which some systems forbid.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import matplotlib

from course_lib.exercises.student import KNOWING
from course_lib.machine import ROOT

COURSE, GIVEN, HOME = "/course", "/given", "/submission"
MEGABYTES = {"/tmp": 256, "/dev/shm": 64, HOME: 64}  # that may be written to
# What a process may take, by names of `resource`: bytes of memory and of a file, processes, open files.
LIMITS = {
    "DATA": 3 * 2**30,
    "AS": 12 * 2**30,
    "FSIZE": 64 * 2**20,
    "NPROC": 64,
    "NOFILE": 256,
    "CORE": 0,
}
NOBODY = 100_000  # the first of the users that cages run as
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime")
# Of the course: what a page needs, and nothing that knows an answer. The check is another one there.
WORKSHOP = ("__init__", "arguments", "cache", "machine", "page/*", "marking/__init__")
ANSWERING = ("marking/inside", "marking/wire", "exercises/__init__", "exercises/calling")
INSIDE = (*WORKSHOP, *ANSWERING, "exercises/student")
# Where user namespaces are forbidden, by the system's name for what forbids them.
REMEDIES = {
    "kernel.apparmor_restrict_unprivileged_userns": "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    "kernel.unprivileged_userns_clone": "sudo sysctl -w kernel.unprivileged_userns_clone=1",
}


@dataclass(frozen=True)
class Cage:
    """How submissions are run.

    Attributes:
        kind: "root", "user", or "none".
        why: where it is "none", why, and what helps, in a line.
    """

    kind: str
    why: str = ""


def find_cage() -> Cage:
    """The cage that works here, tried out."""
    if shutil.which("bwrap") is None:
        return Cage("none", "bubblewrap is not installed: sudo apt-get install bubblewrap")
    kind = "root" if os.getuid() == 0 else "user"
    if kind == "root" and shutil.which("setpriv") is None:
        return Cage("none", "setpriv is not installed: apt-get install util-linux")
    probe = subprocess.run(
        [*_around(kind, 0), *_as_nobody(kind, 0), "/usr/bin/true"], capture_output=True, text=True
    )
    if probe.returncode == 0:
        return Cage(kind)
    return Cage("none", f"bubblewrap does not work here; {_remedy(probe.stderr)}")


def _remedy(said: str) -> str:
    for name, command in REMEDIES.items():
        path = Path("/proc/sys", *name.split("."))
        forbidden = command[-1] == "0"
        if path.exists() and path.read_text(encoding="utf-8").strip() == str(int(forbidden)):
            return f"user namespaces are forbidden: {command}"
    return f"it says: {' '.join(said.split())[:200]}"


def make_course(folder: Path, rooms: tuple[str, ...] = ()) -> Path:
    """The course as it is in the cage: without answers, with a check that tells nothing.

    Args:
        folder: new; it is filled.
        rooms: of the library, beside the workshop, that an assignment names, as "render/*".
    """
    library = ROOT / "course_lib"
    for pattern in (*INSIDE, *rooms):
        for path in library.glob(f"{pattern}.py"):
            target = folder / "course_lib" / path.relative_to(library)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            (target.parent / "__init__.py").touch()
    shutil.copy(
        library / "marking" / "no_check.py", folder / "course_lib" / "exercises" / "assigned.py"
    )
    # the list of fonts, which takes seconds to make
    fonts = folder / "matplotlib"
    fonts.mkdir()
    for path in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        shutil.copy(path, fonts)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def start(cage: Cage, course: Path, given: Path, home: Path) -> subprocess.Popen:
    """A process that waits for requests, see `inside`.

    Args:
        course: as `make_course` made it.
        given: the submission's files, read-only.
        home: an empty folder; without a cage it is where the submission runs.
    """
    python = [sys.executable, "-P", "-m", "course_lib.marking.inside"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    if cage.kind == "none":
        env = _environment(course, given, home, home / "tmp")
        (home / "tmp").mkdir()
        return subprocess.Popen(python, env=env, cwd=home, start_new_session=True, **pipes)
    # each its own user, so that one's processes are not counted as another's
    user = NOBODY + os.getpid() % 10_000
    env = _environment(Path(COURSE), Path(GIVEN), Path(HOME), Path("/tmp"))
    binds = ["--ro-bind", str(course), COURSE, "--ro-bind", str(given), GIVEN]
    setting = [word for name, value in env.items() for word in ("--setenv", name, value)]
    around = [*_around(cage.kind, user), *binds, "--chdir", HOME, "--clearenv", *setting]
    # what bubblewrap itself is given can be read from inside
    own = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    return subprocess.Popen([*around, *_as_nobody(cage.kind, user), *python], env=own, **pipes)


def _environment(course: Path, given: Path, home: Path, temporary: Path) -> dict[str, str]:
    """All variables that a submission's process has."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "USER": "student",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(course),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": str(temporary / "ipython"),
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(temporary / "matplotlib"),
        "COURSE_CACHE_DIR": str(temporary / "cache"),
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "TQDM_DISABLE": "1",
        "MARKED_COURSE": str(course),
        "MARKED_FILES": str(given),
    }


def _around(kind: str, user: int) -> list[str]:
    """bubblewrap with a system that can be read, and little that can be written."""
    apart = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    if kind == "user":
        apart = ["--unshare-all", "--uid", "65534", "--gid", "65534"]
    binds = []
    for path in SYSTEM:
        if os.path.islink(path):
            binds += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            binds += ["--ro-bind", path, path]
    binds += ["--perms", "0755", "--dir", "/etc"]
    for name in ETC:
        binds += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    binds += ["--proc", "/proc", "--dev", "/dev"]
    for folder, size in MEGABYTES.items():
        binds += ["--perms", "1777", "--size", str(size * 2**20), "--tmpfs", folder]
    # after the folders in memory: Python may lie below one of them
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not prefix.startswith("/usr/"):
            binds += [*_parents(prefix), "--ro-bind", prefix, prefix]
    for package in KNOWING:
        path = Path(sysconfig.get_path("purelib"), package)
        binds += ["--tmpfs", str(path)] if path.is_dir() else []
    # what bubblewrap itself has made belongs to whom it runs as
    binds += ["--remount-ro", "/dev"]
    return ["bwrap", *apart, "--die-with-parent", "--new-session", *binds]


def _parents(path: str) -> list[str]:
    """The folders above a path, which everybody may enter."""
    above = [str(parent) for parent in reversed(Path(path).parents) if str(parent) != "/"]
    return [word for folder in above for word in ("--perms", "0755", "--dir", folder)]


def _as_nobody(kind: str, user: int) -> list[str]:
    """Drop what root may do."""
    if kind != "root":
        return []
    user = str(user or NOBODY)
    drop = ["--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"]
    return ["setpriv", "--reuid", user, "--regid", user, *drop]
