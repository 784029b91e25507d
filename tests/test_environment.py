"""The two commands' ground: the environment maker, the lock, environment.yml, what is committed."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def load_maker():
    spec = importlib.util.spec_from_file_location(
        "make_environment", ROOT / "tools" / "make_environment.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def maker(tmp_path, monkeypatch):
    """The environment maker, at work in an empty project with a lock of one line."""
    module = load_maker()
    (tmp_path / "requirements.txt").write_text("uv==9.9\n")
    for name, value in (
        ("ROOT", ""),
        ("VENV", ".venv"),
        ("LOCK", "requirements.txt"),
        ("DOWNLOADS", ".cache/uv"),
    ):
        monkeypatch.setattr(module, name, str(tmp_path / value))
    monkeypatch.setattr(module, "MARK", str(tmp_path / ".venv" / "course-environment"))
    return module


def pretend_to_install(maker, monkeypatch, fails_at=None):
    """Replace the programs that install by one that only notes what it was told, or fails."""
    told = []

    def run(what, command, **environment):
        told.append(what)
        if fails_at and fails_at in what:
            raise maker.SetupError(f"{what} failed: no route to host")
        Path(maker.venv_program("python")).parent.mkdir(parents=True, exist_ok=True)
        Path(maker.venv_program("python")).touch()

    monkeypatch.setattr(maker, "run", run)
    return told


def test_a_second_call_does_nothing(maker, monkeypatch, capsys):
    told = pretend_to_install(maker, monkeypatch)
    assert maker.main() == 0 and len(told) == 5
    assert maker.main() == 0 and len(told) == 5
    Path(maker.LOCK).write_text("uv==10\n")
    assert maker.main() == 0 and len(told) == 10  # a newer lock: made anew


def test_it_is_made_anew_even_from_within(maker, monkeypatch):
    """Whoever activated .venv calls with its Python, which is removed on the way."""
    commands = []
    monkeypatch.setattr(maker, "run", lambda what, command, **_: commands.append(command))
    monkeypatch.setattr(maker.sys, "executable", maker.venv_program("python3"))
    maker.make_environment("lock")
    assert os.path.exists(commands[0][0]) and not commands[0][0].startswith(maker.VENV)


def test_half_an_environment_is_never_taken_for_a_whole_one(maker, monkeypatch, capsys):
    pretend_to_install(maker, monkeypatch, fails_at="Installing the packages")
    assert maker.main() == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "Set-up stopped. Installing the packages of requirements.txt failed: no route"
    )
    assert error.count("\n") == 1
    assert not maker.is_complete(maker.fingerprint())
    assert len(pretend_to_install(maker, monkeypatch)) == 0
    assert maker.main() == 0 and maker.is_complete(maker.fingerprint())


def test_interrupting_leaves_no_whole_environment(maker, monkeypatch, capsys):
    pretend_to_install(maker, monkeypatch)
    monkeypatch.setattr(maker, "run", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    assert maker.main() == 130 and not maker.is_complete(maker.fingerprint())
    assert "Set-up stopped before it was done" in capsys.readouterr().err


def test_somebody_elses_venv_is_left_alone(maker, monkeypatch, capsys):
    mine = Path(maker.VENV) / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("precious")
    pretend_to_install(maker, monkeypatch)
    assert maker.main() == 1 and mine.read_text() == "precious"
    assert "was not made by this course" in capsys.readouterr().err


def test_an_old_python_is_told_in_a_sentence(maker, monkeypatch):
    with pytest.raises(
        maker.SetupError, match=r"Python 3.11 or newer is needed, and .* is 3.8"
    ) as caught:
        maker.check_python((3, 8, 1))
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(maker.shutil, "which", lambda name: "yes" if name == "python3.12" else None)
    with pytest.raises(maker.SetupError, match=r"PYTHON=python3\.12"):
        maker.check_python((3, 8, 1))


def test_a_real_old_python_is_told_in_a_sentence():
    for old in ("python3.6", "python3.7", "python3.8", "python3.9", "python3.10"):
        if (
            shutil.which(old)
            and subprocess.run([old, "-c", ""], capture_output=True).returncode == 0
        ):
            done = subprocess.run(
                [old, "tools/make_environment.py"], cwd=ROOT, capture_output=True, text=True
            )
            assert done.returncode == 1 and done.stderr.startswith(
                "Set-up stopped. Python 3.11 or newer is needed"
            )
            return
    pytest.skip("no Python older than 3.11 on this machine")


def test_the_maker_is_written_for_old_pythons():
    import ast

    ast.parse((ROOT / "tools" / "make_environment.py").read_text(), feature_version=(3, 6))


def test_a_full_disk_is_told_before_anything_is_written(maker, monkeypatch, capsys):
    pretend_to_install(maker, monkeypatch)
    monkeypatch.setattr(
        maker.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1.5e9)
    )
    assert maker.main() == 1
    assert "1.5 GB are free" in capsys.readouterr().err
    assert not Path(maker.VENV).exists()


def test_a_failing_program_says_its_last_words(maker, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with pytest.raises(maker.SetupError, match=r"^Trying failed: one / two$"):
        maker.run(
            "Trying", [sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"]
        )


def test_a_machine_without_gpu_can_do_without_the_gpu_packages(maker, monkeypatch):
    monkeypatch.setattr(maker, "LOCK", str(ROOT / "requirements.txt"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)
    everything = maker.locked_lines()
    monkeypatch.setenv("UV_TORCH_BACKEND", "cpu")
    small = maker.locked_lines()
    left_out = {line.split("==")[0] for line in everything if line not in small}
    assert any(line.startswith("torch==") for line in small) and "nvidia-cublas" in left_out
    assert all(re.match("nvidia-|cuda-|triton", name) for name in left_out)


def test_no_python_at_all_is_told_in_a_sentence():
    done = subprocess.run(
        ["make", "environment", "PYTHON=no-such-python"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0 and "no-such-python was not found" in done.stderr


def test_a_bare_make_lists_the_commands():
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    commands = re.findall(r"^  make (\S+)\s+\S", done.stdout, flags=re.MULTILINE)
    assert {"lab", "test", "test-fast", "notebooks", "lock"} <= set(commands)
    assert len(commands) == len(done.stdout.splitlines())


def test_this_environment_is_the_lock():
    """Everything that the lock names for this machine is installed, in that version."""
    from importlib.metadata import version

    for line in LOCK.splitlines():
        if line and not line.lstrip().startswith("#"):
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate():
                assert version(wanted.name).partition("+")[0] in wanted.specifier, line


def locked() -> dict[str, SpecifierSet]:
    lines = [line for line in LOCK.splitlines() if line and not line.lstrip().startswith("#")]
    return {
        canonicalize_name(Requirement(line).name): Requirement(line).specifier for line in lines
    }


def test_the_lock_pins_everything_and_names_no_registry():
    assert all(re.fullmatch(r"==[\w.!+-]+", str(specifier)) for specifier in locked().values())
    assert not re.search(
        r"https?://|--index|--find-links|--extra| @ |^-e|/(home|root|tmp|work)/", LOCK, re.MULTILINE
    )


def test_the_lock_holds_what_the_project_asks_for():
    pins = locked()
    for line in PROJECT["dependencies"]:
        asked = Requirement(line)
        pin = str(pins[canonicalize_name(asked.name)]).removeprefix("==")
        assert pin in asked.specifier, line
    assert (
        str(pins["torch"])[:6] == "==2.15" and str(pins["torchvision"])[:6] == "==0.29"
    )  # a pair seen to work


def environment_yml() -> tuple[list[str], list[str]]:
    """Its conda lines and its pip lines (the file is a plain list: no YAML reader is needed)."""
    text = (ROOT / "environment.yml").read_text()
    dependencies = text.split("dependencies:\n")[1]
    conda = re.findall(r"^  - (?!pip:)(.+)$", dependencies, flags=re.MULTILINE)
    return conda, re.findall(r"^      - (.+)$", dependencies, flags=re.MULTILINE)


def test_environment_yml_installs_the_lock_and_nothing_of_its_own():
    """It refers to the lock instead of repeating it: the two cannot drift apart."""
    from rattler import MatchSpec

    conda, pip = environment_yml()
    assert pip == ["-r requirements.txt", "-e ."]
    specs = {spec.name.normalized: spec for spec in map(MatchSpec, conda)}
    assert set(specs) == {"python", "pip"}
    version = str(specs["python"].version).lstrip("=").removesuffix(".*")
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{version}.0")


def test_no_address_of_a_registry_and_no_path_of_a_machine_is_committed():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    for name in files:
        path = ROOT / name
        if path.suffix in {".ipynb", ".png"} or path.parts[-2] == "tests" or not path.is_file():
            continue  # the notebooks have a test of their own
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(?:root|work|home/\w+|Users/\w+)/\w", text), name
        if path.name in {
            "requirements.txt",
            "pyproject.toml",
            "environment.yml",
            "Makefile",
            "run",
        }:
            assert not re.search(r"https?://", text), name


def test_importing_the_library_alone_is_light():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import course_lib"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "torch" not in done.stderr and "numpy" not in done.stderr
    modules = (
        "embeddings.distances search.exact data.datasets page.plots page.syllabus training.loop"
    )
    heavy = "import sys, " + ", ".join(f"course_lib.{name}" for name in modules.split()) + "; "
    late = ["torchvision", "umap", "sklearn", "pandas", "skimage", "ipywidgets"]
    heavy += f"print([m for m in {late} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_ci_installs_a_browser_and_calls_the_test_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK) and script.rstrip().endswith("exec make test")
