"""The faces' recipe, and the committed table that was made by it."""

import json

import pytest
import torch

from course_lib.data.holders import LabelledImages
from course_lib.recipes import faces
from course_lib.recipes.faces import (
    ROWS,
    face_encoder,
    face_model,
    face_trainer,
    margin_table,
    verify,
)
from tools.make_tables import OTHER_SCALES, RECIPE


def test_the_committed_table_is_of_this_recipe():
    kept = margin_table()
    assert kept["recipe"] == json.loads(json.dumps(RECIPE)), "the recipe has changed: make tables"
    scales = [f"{row}, s = {s}" for row, scales in OTHER_SCALES.items() for s in scales]
    assert list(kept["tar"]) == [*ROWS, *scales, "Semi-hard triplets"]
    for name, values in kept["tar"].items():
        assert len(values) == len(RECIPE["seeds"]) and all(0.1 < v < 1 for v in values), name


def test_the_seed_determines_the_encoder():
    a, b, c = (torch.cat([p.flatten() for p in face_encoder(s).parameters()]) for s in (3, 3, 4))
    assert torch.equal(a, b) and not torch.equal(a, c)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_every_row_trains(row, monkeypatch):
    monkeypatch.setattr(faces, "STEPS", 3)
    images, labels = torch.rand(20, 3, 32, 32), torch.arange(20) % 5
    model = face_model(row, people=5, seed=0)
    before = model["head"].weight.detach().clone()
    losses = face_trainer(0)(model, images, labels)
    assert len(losses) == 3 and not torch.equal(model["head"].weight, before)
    assert 0 <= verify(model["encoder"], LabelledImages(images, labels, list("abcde"))) <= 1


def test_the_same_seed_gives_the_same_batches(monkeypatch):
    seen = []
    monkeypatch.setattr(
        faces, "fit", lambda model, sample, *a, seed, **k: seen.append((sample, seed)) or []
    )
    images, labels = torch.rand(20, 3, 32, 32), torch.arange(20) % 5
    for row in ("Softmax", "ArcFace (0.5)"):
        face_trainer(7)(face_model(row, 5, 7), images, labels)
    (one, seed), (other, same_seed) = seen
    assert seed == same_seed == 7
    draws = [sample(torch.Generator().manual_seed(seed))[1] for sample in (one, other)]
    assert torch.equal(*draws)
