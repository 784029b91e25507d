"""The committed notebooks: the sources' cells, executed in order, without errors, and fit to be looked at."""

import copy
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import pytest

from course_lib.page import syllabus
from course_lib.page.controls import explore
from course_lib.page.plots import panels
from tests.notebooks.controls import move_every_control
from tools import build_notebooks as builder

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = sorted((ROOT / "notebooks" / "source").glob("*.py"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def source_of(path: Path) -> Path:
    return ROOT / "notebooks" / "source" / f"{path.stem}.py"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def test_every_source_has_a_notebook_and_a_budget():
    names = [path.stem for path in SOURCES]
    assert (
        names
        == [path.stem for path in NOTEBOOKS]
        == [entry["name"] for entry in syllabus.notebooks()]
    )


def test_what_takes_long_is_trained_before_the_clock_runs(monkeypatch):
    entries = [{"name": "a", "trained_before": ["yolo", "detr"]}, {"name": "b"}]
    commands = []
    monkeypatch.setattr(builder, "notebooks", lambda: entries)
    monkeypatch.setattr(builder.subprocess, "run", lambda command, check: commands.append(command))
    for name in "ab":
        builder.train_before(name)
    assert [command[1:] for command in commands] == [["-m", "course_lib.recipes", "yolo", "detr"]]


@each_notebook
def test_same_cells_as_the_source(path):
    ours, theirs = (
        [(c.cell_type, c.source, c.metadata.get("tags", [])) for c in notebook.cells]
        for notebook in (read(path), jupytext.read(source_of(path)))
    )
    assert ours == theirs


@each_notebook
def test_made_from_this_source_and_this_library(path):
    assert builder.built_from(path) == builder.fingerprint(source_of(path)), (
        "out of date: run `make notebooks`"
    )


@each_notebook
def test_executed_from_the_top_without_errors(path):
    notebook = read(path)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    for output in outputs(notebook):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text


@each_notebook
def test_nothing_of_this_machine_is_in_it(path):
    text = path.read_text(encoding="utf-8")
    here = [str(ROOT), str(Path.home()), sys.prefix, "site-packages", "/tmp/"]
    assert not [place for place in here if place in text and len(place) > 3]
    assert not re.findall(r"(?:/home/|/Users/|/root/|[A-Z]:\\\\Users)[\w.-]+", text)
    notebook = read(path)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "course"}
    assert notebook.metadata.language_info == {"name": "python"}


@each_notebook
def test_every_picture_has_alternative_text_and_the_file_is_small(path):
    assert path.stat().st_size < 2_000_000
    pictures = [output for output in outputs(read(path)) if "image/png" in output.get("data", {})]
    assert pictures
    for output in pictures:
        alt = output.metadata["image/png"]["alt"]
        assert len(alt) > 10 and output.data["text/plain"] == f"Figure: {alt}"
    for output in outputs(read(path)):
        assert not re.search(
            r"<img(?![^>]*\balt=)", str(output.get("data", {}).get("text/html", ""))
        )


@each_notebook
def test_it_opens_with_what_one_will_be_able_to_do_and_closes_with_it(path):
    notebook = read(path)
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    opening, closing = text.partition("\n## ")[0], text.partition("## What you can do now")[2]
    promised, kept = (
        len(re.findall(r"^\* ", part, flags=re.MULTILINE)) for part in (opening, closing)
    )
    assert 3 <= promised <= 5 and kept == promised


@each_notebook
def test_links_between_notebooks_lead_somewhere(path):
    headings = {
        p.name: {
            h.replace(" ", "-")
            for c in read(p).cells
            for h in re.findall(r"^#+ (.*)", c.source, re.MULTILINE)
        }
        for p in NOTEBOOKS
    }
    links = re.findall(r"\]\(([\w.]+\.ipynb)(?:#([^)]*))?\)", path.read_text(encoding="utf-8"))
    for name, anchor in links:
        assert name in headings and (not anchor or anchor in headings[name]), (name, anchor)


def test_every_covered_topic_has_its_section():
    names = {entry["name"][:2]: entry["name"] for entry in syllabus.notebooks()}
    topics = [topic for lecture in syllabus.lectures() for topic in lecture["topics"]]
    assert len(topics) == len({topic["id"] for topic in topics}) == 70
    for topic in topics:
        if topic["section"]:
            cells = read(ROOT / "notebooks" / f"{names[topic['notebook']]}.ipynb").cells
            assert any(
                re.search(rf"^##+ {re.escape(topic['section'])}$", c.source, re.MULTILINE)
                for c in cells
            ), topic


def test_readme_shows_the_map_and_the_times_as_they_are():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert builder.readme_with_tables(text) == text, "out of date: run `make notebooks`"


def test_measured_seconds_keep_the_budgets():
    for entry in syllabus.notebooks():
        assert 0 < entry["measured_seconds"] <= 2 * entry["budget_seconds"], entry


def test_a_notebook_is_rebuilt_for_its_own_library_only(tmp_path):
    source = tmp_path / "x.py"
    source.write_text(
        "from course_lib.page import plots\nfrom course_lib.embeddings.distances import euclidean\n"
    )
    names = {path.name for path in builder.inputs_of(source)}
    assert names == {"x.py", "plots.py", "distances.py", "arguments.py"}
    assert {"syllabus.toml", "run_times.json"} <= {p.name for p in builder.inputs_of(SOURCES[0])}


@pytest.mark.slow
def test_two_builds_give_the_same_file(tmp_path, monkeypatch):
    source = tmp_path / "source" / "77_toy.py"
    source.parent.mkdir()
    source.write_text(TOY)
    monkeypatch.setattr(builder, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(builder, "fingerprint", lambda path: "toy")
    before = os.environ["COURSE_CACHE_DIR"]
    builder.build(source)
    assert os.environ["COURSE_CACHE_DIR"] == before
    first = (tmp_path / "77_toy.ipynb").read_bytes()
    builder.build(source)
    assert (tmp_path / "77_toy.ipynb").read_bytes() == first
    assert "widget-view" not in first.decode() and "image/png" in first.decode()


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
    "--nbval-cell-timeout=20",
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


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "source").mkdir()
    (folder / "source" / "77_toy.py").write_text(TOY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "NOTEBOOKS", folder)
        patch.setattr(builder, "fingerprint", lambda path: "toy")
        builder.build(folder / "source" / "77_toy.py")
    return read(folder / "77_toy.ipynb")


def nbval(notebook, folder, *options):
    path = folder / "77_toy.ipynb"
    nbformat.write(notebook, path)
    return subprocess.run(
        [*NBVAL, *options, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=170
    )


@pytest.mark.slow
def test_nbval_passes_a_whole_notebook(toy, tmp_path):
    done = nbval(toy, tmp_path)
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm, words",
    [
        (drop_cell, "NameError"),
        (wrong_number, "mismatch"),
        (raised_error, "two is less than one"),
        (dead_kernel, "Kernel died"),
        (endless, "Timeout"),
        (missing_picture, "Missing output fields"),
        (failing_end_of_a_slider, "ZeroDivisionError"),
    ],
)
def test_nbval_fails_a_broken_notebook(toy, tmp_path, harm, words):
    broken = copy.deepcopy(toy)
    harm(broken)
    done = nbval(
        broken, tmp_path, *(["--nbval-cell-timeout=3"] if harm in (endless, dead_kernel) else [])
    )
    assert done.returncode == 1 and words in done.stdout, done.stdout


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
        (lambda k=1: titled(f"{k}", seconds=0.41), "an empty frame"),
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


def titled(title: str, seconds: float = 0):
    time.sleep(seconds)
    fig, (ax,) = panels()
    ax.set_title(title)
    return fig


def env_with(folder):
    return {**os.environ, "PYTHONPATH": str(folder)}
