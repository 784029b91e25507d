"""The page with its solutions: it runs from the top, and every check says right."""

import os
import re
import shutil
from pathlib import Path

import pytest
from nbclient import NotebookClient

from course_lib.machine import ROOT
from tests.notebooks.test_notebooks import NOTEBOOKS, SOURCES, read
from tools import build_notebooks as builder

CHECK = re.compile(r"\bcheck\(\s*\"([\w.-]+)\"")


def exercises(source: Path) -> int:
    return sum(
        "exercise" in cell.metadata.get("tags", []) for cell in builder.cells_of(source).cells
    )


WITH_EXERCISES = [source for source in SOURCES if exercises(source)]


def answers(notebook) -> dict[str, str]:
    """Name -> the first line of what its check printed."""
    found = {}
    for cell in notebook.cells:
        for name in CHECK.findall(cell.source) if cell.cell_type == "code" else ():
            texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            found[name] = next((t for t in texts if t.startswith(f"{name}:")), "").split("\n")[0]
    return found


@pytest.fixture
def trained():
    """What was trained before, copied into the test's own cache."""
    Path(os.environ["COURSE_CACHE_DIR"]).mkdir(parents=True, exist_ok=True)
    for kind in ("pretext", "cases", "simclr", "singles"):
        for path in (ROOT / "data" / "cache").glob(f"{kind}-*.safetensors"):
            shutil.copy(path, os.environ["COURSE_CACHE_DIR"])


@pytest.mark.trained
@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("source", WITH_EXERCISES, ids=lambda path: path.stem)
def test_with_its_solutions_every_check_says_right(source):
    notebook = builder.cells_of(source, solved=True)
    resources = {"metadata": {"path": builder.NOTEBOOKS}}
    NotebookClient(notebook, timeout=180, kernel_name="python3", resources=resources).execute()
    said = answers(notebook)
    assert said and not {name: text for name, text in said.items() if ": right" not in text}
    assert not builder.refused_claims(notebook)


@pytest.mark.parametrize("source", WITH_EXERCISES, ids=lambda path: path.stem)
def test_as_students_get_it_nothing_is_attempted(source):
    notebook = next(path for path in NOTEBOOKS if path.stem == source.stem)
    said = answers(read(notebook))
    assert said and not {name: text for name, text in said.items() if "not attempted" not in text}
