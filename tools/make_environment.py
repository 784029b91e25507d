"""Make the course's Python environment in .venv, unless it is there already.

`make lab` and `make test` call this first. It uses nothing but the standard library, and runs far enough on
any Python 3 to say that the Python is too old. The file .venv/course-environment says "begun" from the first
moment and a fingerprint (of the lock, the Python and the place) at the last one: an environment with any other
fingerprint is made anew, and a .venv without that file is somebody else's and left alone.

Of the settings of pip, uv and Python that a machine has, those that say how packages are fetched are followed
(an index, a proxy, a certificate), and no others: they would lead packages elsewhere (a target, a user install),
choose others (a constraint), or start another Python (PYTHONHOME).
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys

# One name for the place, however it was reached (on Windows, a drive letter stays one).
resolve = os.path.abspath if os.name == "nt" else os.path.realpath
ROOT = resolve(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
VENV = os.path.join(ROOT, ".venv")
MARK = os.path.join(VENV, "course-environment")
LOCK = os.path.join(ROOT, "requirements.txt")
# kept while an install has not succeeded, so that it can go on
DOWNLOADS = os.path.join(ROOT, ".cache", "uv")

OLDEST_PYTHON = (3, 11)
# environment and downloads while they lie side by side, with some air
GIGABYTES_NEEDED = {"cuda": 8, "cpu": 3}
GPU_ONLY = re.compile(r"(nvidia-|cuda-|triton)")

# Variables that lead Python, pip or uv elsewhere, and those among them that only say how packages are fetched.
LEADS_ELSEWHERE = re.compile(r"PYTHON|PIP_|UV_|VIRTUAL_ENV$|CONDA_PREFIX$")
FETCHING = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CERT|CLIENT_CERT|PROXY|TRUSTED_HOST|TIMEOUT"
    r"|DEFAULT_TIMEOUT|RETRIES|KEYRING_PROVIDER|USE_FEATURE|NO_INPUT|DISABLE_PIP_VERSION_CHECK)$"
    r"|UV_(DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|OFFLINE|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST"
    r"|REQUEST_TIMEOUT|KEYRING_PROVIDER|CREDENTIALS_DIR|CONFIG_FILE|NO_CONFIG|LINK_MODE|TORCH_BACKEND)$"
    r"|UV_(INDEX|HTTP_|CONCURRENT_)"
)


class SetupError(Exception):
    """Something the person at the keyboard can mend; the message is all they see."""


def torch_backend():
    """ "cpu" where UV_TORCH_BACKEND=cpu asks for the small build (and where the index has no other), else "cuda"."""
    small = os.environ.get("UV_TORCH_BACKEND") == "cpu" or not sys.platform.startswith("linux")
    return "cpu" if small else "cuda"


def fingerprint():
    """What the environment is made from: the lock, the Python, the torch build, and the place.

    The place, because the environment's programs name it: moved or copied they would not start, or start another's.
    """
    made_from = repr((sys.version_info[:2], torch_backend(), VENV))
    with open(LOCK, "rb") as file:
        return hashlib.sha256(
            file.read() + made_from.encode("utf-8", "surrogateescape")
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


def own_environment():
    """This process's variables without those that lead Python, pip or uv elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if FETCHING.match(name) or not LEADS_ELSEWHERE.match(name)
    }


def pip_settings(python):
    """How packages are fetched, by pip's configuration files: variable -> value. Nothing else of them is followed."""
    environment = own_environment()
    if "PIP_CONFIG_FILE" in os.environ:
        environment["PIP_CONFIG_FILE"] = os.environ["PIP_CONFIG_FILE"]
    command = [python, "-m", "pip", "config", "list"]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise SetupError("Reading pip's settings failed: {}".format(last_words(text)))
    settings = {"PIP_CONFIG_FILE": os.devnull}
    for section in ("global.", "install.", ":env:."):
        for line in text.splitlines():
            key, _, value = line.partition("=")
            name = "PIP_" + key[len(section) :].upper().replace("-", "_")
            if key.startswith(section) and FETCHING.match(name):
                settings[name] = ast.literal_eval(value)
    return settings


def last_words(text):
    return " / ".join(line.strip() for line in text.splitlines()[-3:])


def run(what, command, **environment):
    """Run a command: at a terminal with its own progress bars, elsewhere silent but for its last words on failure."""
    if not os.path.exists(command[0]):
        raise SetupError(
            "{} failed: {} is not there; has a setting of pip or uv led the step before elsewhere?".format(
                what, command[0]
            )
        )
    watched = sys.stderr.isatty()
    done = subprocess.run(
        command,
        env=dict(own_environment(), **environment),
        cwd=ROOT,
        stdout=None if watched else subprocess.PIPE,
        stderr=None if watched else subprocess.STDOUT,
    )
    if done.returncode != 0:
        text = (done.stdout or b"the reason stands above").decode("utf-8", "replace")
        raise SetupError("{} failed: {}".format(what, last_words(text)))


def install_uv(python):
    command = [python, "-m", "pip", "install", "--no-cache-dir", "-q", "-c", LOCK, "uv"]
    run("Installing uv", command, **pip_settings(python))


def make_environment(wanted):
    """Build .venv from nothing and mark it complete."""
    if os.path.islink(VENV) or (os.path.isdir(VENV) and not os.path.exists(MARK)):
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
    install_uv(python)
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


def write_mark(state, more=""):
    with open(MARK + more, "w", encoding="utf-8") as file:
        file.write(state)


def add_extras(name):
    """Install what EXTRAS asks for on top, unless it is there; nothing takes it away again but `make clean`."""
    wanted = os.path.join(ROOT, "requirements-{}.txt".format(name))
    if not re.match("[a-z]+$", name) or not os.path.exists(wanted):
        there = sorted(
            file[len("requirements-") : -len(".txt")]
            for file in os.listdir(ROOT)
            if file.startswith("requirements-")
        )
        raise SetupError("EXTRAS must be one of {}, not {}.".format(there, name))
    mark = MARK + "-" + name
    with open(wanted, "rb") as file:
        state = hashlib.sha256(file.read()).hexdigest()
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == state:
                return
    print("Adding the packages of {}, once.".format(os.path.basename(wanted)), flush=True)
    command = [venv_program("uv"), "pip", "install", "--python", venv_program("python")]
    what = "Adding the packages of {}".format(os.path.basename(wanted))
    run(what, [*command, "--no-deps", "-r", wanted], UV_CACHE_DIR=DOWNLOADS)
    shutil.rmtree(DOWNLOADS, ignore_errors=True)
    write_mark(state, "-" + name)


def main():
    try:
        check_python()
        wanted = fingerprint()
        if not is_complete(wanted):
            check_disk()
            print("Making the environment in .venv: a few minutes, once.", flush=True)
            make_environment(wanted)
            print("The environment is ready.", flush=True)
        if os.environ.get("EXTRAS"):
            add_extras(os.environ["EXTRAS"])
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
