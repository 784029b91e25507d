"""The nbval run itself: it passes a whole notebook and fails one that is broken on purpose."""

import copy
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from course_lib.page.board import Board, Box, Stroke
from course_lib.page.controls import explore
from course_lib.page.plots import panels
from tests.notebooks.controls import move_every_control
from tools import build_notebooks as builder

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_two_builds_give_the_same_file(tmp_path, monkeypatch):
    source = tmp_path / "source" / "77_toy.py"
    source.parent.mkdir()
    source.write_text(TOY)
    monkeypatch.setattr(builder, "NOTEBOOKS", tmp_path)
    before = os.environ["COURSE_CACHE_DIR"]
    builder.build(source)
    assert os.environ["COURSE_CACHE_DIR"] == before
    first = (tmp_path / "77_toy.ipynb").read_bytes()
    builder.build(source)
    assert (tmp_path / "77_toy.ipynb").read_bytes() == first
    assert "widget-view" not in first.decode() and "image/png" in first.decode()
    built = builder.built_from(tmp_path / "77_toy.ipynb")
    assert {"course_lib/page/controls.py", "course_lib/page/plots.py"} <= set(built["files"])
    assert not any("detectors" in name or "render" in name for name in built["files"])
    assert builder.is_fresh(source)
    source.write_text(TOY + "\n# one word more\n")
    assert not builder.is_fresh(source)


TOY = """# %% [markdown]
# # Toy

# %%
from course_lib.page.controls import explore
from course_lib.page.notebook import claim, figure
from course_lib.page.plots import panels

print(6 * 7)

# %%
claim("two is less than three", 2 < 3)

# %%
def draw(k=1):
    fig, (ax,) = panels()
    ax.set_title(k)
    return fig


explore(draw, alt="nothing but a frame with its number", k=(1, 5, 1))

# %%
from course_lib.page.board import Board, Point

Board(10, 6, [Point("p", (5, 3))], lambda p: f"x = {1 / p[0]:.2f}", alt="a point")
"""

NBVAL = [
    sys.executable,
    "-m",
    "pytest",
    "-p",
    "tests.notebooks.budgets",
    "-p",
    "tests.notebooks.controls",
    "-p",
    "no:cacheprovider",
    "--nbval",
]
NBVAL += [
    "--nbval-current-env",
    "--nbval-cell-timeout=40",
    "--nbval-sanitize-with",
    "tests/notebooks/nbval_sanitize.cfg",
]


def drop_cell(notebook):
    del notebook.cells[1]  # the imports


def wrong_number(notebook):
    notebook.cells[1].outputs[0].text = "41\n"


def raised_error(notebook):
    notebook.cells[2].source = "claim('two is less than one', 2 < 1)"


def dead_kernel(notebook):
    only_one_cell(notebook, "import os; os._exit(1)")


def endless(notebook):
    only_one_cell(notebook, "while True: pass")


def only_one_cell(notebook, source):
    """Without the imports, which take longer than the time-out on a busy machine."""
    notebook.cells[2].source = source
    notebook.cells = [notebook.cells[0], notebook.cells[2]]


def missing_picture(notebook):
    notebook.cells[3].source = "None"


def failing_end_of_a_slider(notebook):
    notebook.cells[3].source = notebook.cells[3].source.replace("title(k)", "title(1 / (5 - k))")


def failing_move_on_a_board(notebook):
    notebook.cells[4].source = notebook.cells[4].source.replace("1 / p[0]", "1 / (p[0] - 4.5)")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "source").mkdir()
    (folder / "source" / "77_toy.py").write_text(TOY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "NOTEBOOKS", folder)
        builder.build(folder / "source" / "77_toy.py")
    return nbformat.read(folder / "77_toy.ipynb", as_version=4)


def nbval(notebook, folder, *options):
    path = folder / "77_toy.ipynb"
    nbformat.write(notebook, path)
    return subprocess.run(
        [*NBVAL, *options, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=170
    )


@pytest.mark.slow
def test_nbval_passes_a_whole_notebook(toy, tmp_path):
    done = nbval(toy, tmp_path)
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm, words",
    [
        (drop_cell, "NameError"),
        (wrong_number, "mismatch"),
        (raised_error, "two is less than one"),
        (dead_kernel, "Kernel died|Failed to interrupt kernel"),
        (endless, "Timeout"),
        (missing_picture, "Missing output fields"),
        (failing_end_of_a_slider, "ZeroDivisionError"),
        (failing_move_on_a_board, "ZeroDivisionError"),
    ],
)
def test_nbval_fails_a_broken_notebook(toy, tmp_path, harm, words):
    broken = copy.deepcopy(toy)
    harm(broken)
    done = nbval(
        broken, tmp_path, *(["--nbval-cell-timeout=3"] if harm in (endless, dead_kernel) else [])
    )
    assert done.returncode == 1 and re.search(words, done.stdout), done.stdout


@pytest.mark.slow
def test_a_notebook_over_twice_its_budget_fails(toy, tmp_path):
    plugin = tmp_path / "tight.py"
    plugin.write_text(
        "from course_lib.page import syllabus\n"
        "syllabus.notebooks = lambda: [{'name': '77_toy', 'budget_seconds': 0.001}]\n"
    )
    nbformat.write(toy, tmp_path / "77_toy.ipynb")
    command = [*NBVAL[:3], "-p", "tight", *NBVAL[3:], str(tmp_path / "77_toy.ipynb")]
    done = subprocess.run(
        command, cwd=ROOT, env=env_with(tmp_path), capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 1 and "more than twice its budget" in done.stdout, (
        done.stdout + done.stderr
    )


@pytest.mark.parametrize(
    "draw, words",
    [
        (lambda k=1: titled(f"{k}"), None),
        (lambda k=1: titled("always"), "k changes nothing in the picture"),
        (lambda k=1: titled(f"{1 / (5 - k)}"), "ZeroDivisionError"),
        (None, "there is nothing to move"),
    ],
)
@pytest.mark.parametrize("control", [(1, 5, 1), (1.0, 5.0, 0.5), [1, 5], {"one": 1, "five": 5}])
def test_moving_every_control_finds_what_is_wrong_with_it(monkeypatch, draw, words, control):
    monkeypatch.setattr("ipywidgets.widgets.widget._instances", {})
    view = draw and explore(draw, alt="an empty frame", k=control)
    if words is None:
        move_every_control()
        assert view.values == {"k": 1}
    else:
        with pytest.raises(AssertionError, match=words):
            move_every_control()


def test_moving_a_slow_control_fails(monkeypatch):
    monkeypatch.setattr("ipywidgets.widgets.widget._instances", {})
    view = explore(lambda k=1: titled(f"{k}", seconds=0.41), alt="an empty frame", k=[1, 5])
    with pytest.raises(AssertionError, match="an empty frame"):
        move_every_control()
    assert view.error is None


@pytest.mark.parametrize(
    "on_change, words",
    [
        (lambda box, lines: f"{box} {lines}", None),
        (lambda box, lines: f"{1 / (box[0] - 0.9):.1f}", "ZeroDivisionError"),
        (lambda box, lines: f"{1 / (1 - len(lines)):.1f}", "ZeroDivisionError"),
        (lambda box, lines, clicked: 5 if "lines" in clicked else "", "must return None"),
        (lambda box, lines: time.sleep(0.41), "a board"),
    ],
)
def test_moving_every_control_moves_what_lies_on_a_board(monkeypatch, on_change, words):
    monkeypatch.setattr("ipywidgets.widgets.widget._instances", {})
    board = Board(10, 6, [Box("box", (1, 1, 4, 4)), Stroke("lines")], on_change, alt="a board")
    if words is None:
        move_every_control()
        assert board.values == {"box": (1, 1, 4, 4), "lines": ()} and "lines" in board.clicked
    else:
        with pytest.raises(AssertionError, match=words):
            move_every_control()


def titled(title: str, seconds: float = 0):
    time.sleep(seconds)
    fig, (ax,) = panels()
    ax.set_title(title)
    return fig


def env_with(folder):
    return {**os.environ, "PYTHONPATH": str(folder)}
