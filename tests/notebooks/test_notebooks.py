"""The committed notebooks: the sources' cells, executed in order, without errors, and fit to be looked at."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.page import syllabus
from tools import build_notebooks as builder
from tools.page_form import NAME, records

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
    commands, recorded = [], {}

    def run(command, **options):
        commands.append(command)
        said = "recipe yolo\ndetector-yolo: trained in 75 s\ndetector-yolo: loaded from the cache\n"
        said += "recipe detr\ndetector-detr: loaded from the cache\n"
        said += "recipe all\na: trained in 7 s\nb: trained in 10 s\n"
        return subprocess.CompletedProcess(command, 0, said)

    monkeypatch.setattr(builder, "notebooks", lambda: entries)
    monkeypatch.setattr(builder.subprocess, "run", run)
    monkeypatch.setattr(builder, "record_seconds", recorded.__setitem__)
    for name in "ab":
        builder.train_before(name)
    assert [command[1:] for command in commands] == [["-m", "course_lib.recipes", "yolo", "detr"]]
    assert recorded == {"recipe-yolo": {"first": 75}, "recipe-all": {"first": 17}}


@each_notebook
def test_same_cells_as_the_source(path):
    """The student's form of them, and the prose with its numbers."""
    known = records(read(path))
    ours, theirs = (
        [
            (c.cell_type, NAME.sub(lambda found: known[found[1]], c.source), c.metadata)
            for c in notebook.cells
        ]
        for notebook in (read(path), builder.cells_of(source_of(path)))
    )
    assert ours == theirs


@each_notebook
def test_every_claim_is_compared(path):
    """nbval does not look at the output of a cell tagged nbval-ignore-output."""
    for cell in code_cells(read(path)):
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            assert not [text for text in texts if text.startswith("Holds: ")], cell.source


@each_notebook
def test_made_from_this_source_and_this_library(path):
    assert builder.is_fresh(source_of(path)), "out of date: run `make notebooks`"


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
        assert len(alt) > 10 and output.data["text/plain"] in (f"Figure: {alt}", f"Board: {alt}")
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
        assert 0 < entry["later_seconds"] < 1.2 * entry["first_seconds"] + 3, entry


def test_a_notebook_is_stale_when_a_file_that_it_loaded_has_changed_and_only_then(
    monkeypatch, tmp_path
):
    """A word in `detr` leaves a page fresh that has not loaded it."""
    source, files = tmp_path / "source" / "77_toy.py", ("page/plots", "detectors/detr")
    for path in (source, *(tmp_path / "course_lib" / f"{name}.py" for name in files)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    monkeypatch.setattr(builder, "ROOT", tmp_path)
    monkeypatch.setattr(builder, "NOTEBOOKS", tmp_path)
    loaded = ["course_lib/page/plots.py"]
    course = {"files": loaded, "inputs": builder.fingerprint(source, loaded)}
    (tmp_path / "77_toy.ipynb").write_text(json.dumps({"metadata": {"course": course}}))
    assert builder.is_fresh(source)
    (tmp_path / "course_lib/detectors/detr.py").write_text("x = 2\n")
    assert builder.is_fresh(source)
    (tmp_path / "course_lib/page/plots.py").write_text("x = 2\n")
    assert not builder.is_fresh(source)
    (tmp_path / "course_lib/page/plots.py").unlink()
    assert not builder.is_fresh(source)


def test_what_a_notebook_shows_of_the_courses_records_counts_as_well():
    records = {p.name for p in builder.inputs_of(SOURCES[0], ["course_lib/page/syllabus.py"])}
    assert {"syllabus.toml", "notebooks.toml", "run_times.json"} <= records
    assert "margin_table.json" in {
        p.name for p in builder.inputs_of(SOURCES[0], ["course_lib/recipes/faces.py"])
    }
    assert {p.name for p in builder.inputs_of(SOURCES[1], [])} == {SOURCES[1].name}


def test_pages_depend_on_what_they_load():
    files = {path.stem[:2]: builder.built_from(path)["files"] for path in NOTEBOOKS}
    for number in ("08", "09"):
        assert "course_lib/detectors/detr.py" not in files[number]
    assert "course_lib/detectors/detr.py" in files["10"]
    assert not [name for name in files["02"] if "detect" in name or "render/scenes" in name]
