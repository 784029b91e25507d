"""Make the course's Python environment in .venv, unless it is there already.

`make lab` and `make test` call this first. It uses nothing but the standard library, and runs far enough on
any Python 3 to say that the Python is too old. The file .venv/course-environment says "begun" from the first
moment and the fingerprint of the lock at the last one: an environment with any other fingerprint is made anew,
and a .venv without that file is somebody else's and left alone.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
MARK = os.path.join(VENV, "course-environment")
LOCK = os.path.join(ROOT, "requirements.txt")
DOWNLOADS = os.path.join(
    ROOT, ".cache", "uv"
)  # kept while an install has not succeeded, so that it can go on

OLDEST_PYTHON = (3, 11)
GIGABYTES_NEEDED = {
    "cuda": 8,
    "cpu": 3,
}  # environment and downloads while they lie side by side, with some air
GPU_ONLY = re.compile(r"(nvidia-|cuda-|triton)")


class SetupError(Exception):
    """Something the person at the keyboard can mend; the message is all they see."""


def torch_backend():
    """ "cpu" where UV_TORCH_BACKEND=cpu asks for the small build (and where the index has no other), else "cuda"."""
    small = os.environ.get("UV_TORCH_BACKEND") == "cpu" or not sys.platform.startswith("linux")
    return "cpu" if small else "cuda"


def fingerprint():
    """What the environment is made from: the lock, the Python and the torch build."""
    with open(LOCK, "rb") as file:
        return hashlib.sha256(
            file.read() + repr((sys.version_info[:2], torch_backend())).encode()
        ).hexdigest()


def is_complete(wanted):
    """True if .venv was made whole from the fingerprint `wanted`."""
    try:
        with open(MARK, encoding="utf-8") as file:
            return file.read() == wanted and os.path.exists(venv_program("python"))
    except OSError:
        return False


def venv_program(name):
    """Path of a program inside the environment, on any system."""
    folder, ending = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    return os.path.join(VENV, folder, name + ending)


def check_python(version=sys.version_info):
    """Raise SetupError if this Python is older than the course can use; name a newer one if it is on the PATH."""
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return
    newer = [
        name
        for name in ("python3.11", "python3.12", "python3.13", "python3.14")
        if shutil.which(name)
    ]
    advice = (
        "run `make {} PYTHON={}`".format("lab", newer[-1])
        if newer
        else "install a newer one from python.org"
    )
    raise SetupError(
        "Python {}.{} or newer is needed, and {} is {}.{}: {}.".format(
            OLDEST_PYTHON[0], OLDEST_PYTHON[1], sys.executable, version[0], version[1], advice
        )
    )


def outer_python():
    """The Python outside any environment: whoever activated .venv and calls again runs the one about to be removed."""
    return getattr(sys, "_base_executable", None) or sys.executable


def check_disk():
    """Raise SetupError if the environment would not fit on the disk the project lies on."""
    needed, free = GIGABYTES_NEEDED[torch_backend()], shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise SetupError(
            "The environment needs {} GB of disk, and {:.1f} GB are free where the project lies: make room{}.".format(
                needed, free, ", or use UV_TORCH_BACKEND=cpu" if torch_backend() == "cuda" else ""
            )
        )


def locked_lines():
    """The lines of the lock to install: all of them, or those that a machine without a GPU needs."""
    with open(LOCK, encoding="utf-8") as file:
        lines = file.read().splitlines()
    return [line for line in lines if not (torch_backend() == "cpu" and GPU_ONLY.match(line))]


def run(what, command, **environment):
    """Run a command: at a terminal with its own progress bars, elsewhere silent but for its last words on failure."""
    watched = sys.stderr.isatty()
    done = subprocess.run(
        command,
        env=dict(os.environ, **environment),
        cwd=ROOT,
        stdout=None if watched else subprocess.PIPE,
        stderr=None if watched else subprocess.STDOUT,
        universal_newlines=True,
    )
    if done.returncode != 0:
        last_words = " / ".join(
            line.strip() for line in (done.stdout or "the reason stands above").splitlines()[-3:]
        )
        raise SetupError("{} failed: {}".format(what, last_words))


def make_environment(wanted):
    """Build .venv from nothing and mark it complete."""
    if os.path.isdir(VENV) and not os.path.exists(MARK):
        raise SetupError(
            "The folder .venv is there and was not made by this course: move it away, then call again."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    os.makedirs(VENV)
    write_mark("begun")
    run(
        "Making .venv (on Debian and Ubuntu: apt install python3-venv)",
        [outer_python(), "-m", "venv", VENV],
    )
    python = venv_program("python")
    run("Installing uv", [python, "-m", "pip", "install", "--no-cache-dir", "-q", "-c", LOCK, "uv"])
    uv = [venv_program("uv"), "pip", "install", "--python", python]
    wanted_here = os.path.join(VENV, "requirements.txt")
    with open(wanted_here, "w", encoding="utf-8") as file:
        file.write("\n".join(locked_lines()) + "\n")
    run(
        "Installing the packages of requirements.txt",
        [*uv, "-r", wanted_here],
        UV_CACHE_DIR=DOWNLOADS,
    )
    run(
        "Installing course_lib",
        [*uv, "--no-deps", "--no-build-isolation", "-e", ROOT],
        UV_CACHE_DIR=DOWNLOADS,
    )
    news = "@jupyterlab/apputils-extension:announcements"  # asks at every start whether it may fetch news
    run("Setting up JupyterLab", [venv_program("jupyter"), "labextension", "disable", news])
    shutil.rmtree(DOWNLOADS, ignore_errors=True)
    write_mark(wanted)


def write_mark(state):
    with open(MARK, "w", encoding="utf-8") as file:
        file.write(state)


def main():
    try:
        check_python()
        wanted = fingerprint()
        if is_complete(wanted):
            return 0
        check_disk()
        print("Making the environment in .venv: a few minutes, once.", flush=True)
        make_environment(wanted)
        print("The environment is ready.", flush=True)
        return 0
    except (SetupError, OSError) as error:
        print("Set-up stopped. {}".format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "Set-up stopped before it was done; the next call goes on from here.", file=sys.stderr
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
