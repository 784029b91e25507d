"""The recipes of self-supervision: every row trains, and the committed tables are of these recipes."""

import json
from dataclasses import replace

import pytest
import torch

from course_lib.data.holders import LabelledImages
from course_lib.data.singles import singles
from course_lib.recipes import cases, pretexts, shortcuts, watched_simclr
from course_lib.recipes.pretexts import (
    ROWS,
    encoder_of,
    fine_tuned,
    task_score,
    train_pretext,
    worth,
)
from course_lib.recipes.shortcuts import CASES, try_case
from course_lib.recipes.watched_simclr import SETTINGS, chance, settled, watch
from tools import make_contrastive, make_pretexts


@pytest.fixture(scope="module")
def few():
    return singles("train", 3, 160), singles("test", 3, 60)


@pytest.fixture
def short(monkeypatch):
    """Three steps of everything."""
    for row in (ROWS, *({name: case.row for name, case in CASES.items()},)):
        for name in row:
            quick = replace(row[name], steps=3, batch=16)
            if row is ROWS:
                monkeypatch.setitem(ROWS, name, quick)
            else:
                monkeypatch.setitem(CASES, name, replace(CASES[name], row=quick))
    monkeypatch.setattr(pretexts, "EXEMPLARS", 160)
    monkeypatch.setattr(pretexts, "TUNING", 3)
    monkeypatch.setattr(pretexts, "SUPERVISED", 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_every_task_trains_and_is_judged(name, few, short):
    train, test = few
    task = train_pretext(name, train.images, seed=0)
    again = train_pretext(name, train.images, seed=0)
    for a, b in zip(task.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    start = encoder_of(0)
    assert any(
        not torch.equal(a, b)
        for a, b in zip(task.encoder.parameters(), start.parameters(), strict=True)
    )
    assert 0 <= task_score(task, ROWS[name], train.images, test.images, 0) <= 1
    found = worth(task.encoder, train, test, ROWS[name].sees)
    assert all(0 <= value <= 1 for value in found.values())


def test_the_seed_determines_the_weights_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a, b, c = (torch.cat([p.flatten() for p in encoder_of(s).parameters()]) for s in (3, 3, 4))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_case_trains_on_its_cameras_images(name, few, short):
    train, test = few
    _, found = try_case(name, train, test, train, seed=0)
    assert set(found) == {"pretext", "all", "ten", "knn"}


@pytest.mark.slow
def test_fine_tuning_leaves_the_start_alone(few, short):
    train, test = few
    start = encoder_of(0)
    before = [p.clone() for p in start.parameters()]
    assert 0 <= fine_tuned(start, train, test, draw=0, count=2) <= 1
    assert all(torch.equal(a, b) for a, b in zip(before, start.parameters(), strict=True))
    assert isinstance(pretexts.supervised(train, 0), type(start))


@pytest.mark.slow
def test_a_watched_run_says_what_it_saw(monkeypatch):
    monkeypatch.setattr(watched_simclr, "STEPS", 4)
    monkeypatch.setattr(watched_simclr, "WATCHED", (0, 2, 4))
    train, test = (watched_simclr.moved_digits(split, 0) for split in ("train", "test"))
    for name in ("SimCLR", "no negatives"):
        setting = replace(SETTINGS[name], steps=4, batch=16)
        model, seen = watch(name, setting, train, test, 0)
        assert seen["step"].tolist() == [0, 2, 4] and model.film.shape == (3, 400, 96)
        assert seen["loss"][0] == 0 and (seen["loss"][1:] != 0).all()
        _, kept = watch(name, setting, train, test, 0)
        assert all(torch.equal(seen[kind], kept[kind]) for kind in seen)


def test_settled_averages_are_those_of_the_images():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    images = 0.3 + 0.1 * torch.rand(500, 3, 4, 4)
    copy = settled(model, images)
    torch.testing.assert_close(copy[0].running_mean, images.mean(dim=(0, 2, 3)), atol=1e-4, rtol=0)
    assert not copy.training and model.training and model[0].running_mean.abs().max() == 0


def test_guessing_costs_the_logarithm_of_the_other_views():
    assert chance(128) == pytest.approx(5.5413, abs=1e-4)


@pytest.mark.slow
def test_both_kinds_of_pairs_train(monkeypatch):
    monkeypatch.setattr(cases, "STEPS", 3)
    monkeypatch.setattr(cases, "BATCH", 8)
    photos = LabelledImages(
        torch.rand(40, 3, 32, 32), torch.arange(40) % 2, ["a", "b"], {"case": torch.arange(40) // 4}
    )
    two, one = (cases.train_on_cases(photos, way, 0) for way in (True, False))
    weights = [torch.cat([p.flatten() for p in m.parameters()]) for m in (two, one)]
    assert not torch.equal(*weights)


@pytest.mark.parametrize("tool", [make_pretexts, make_contrastive])
def test_the_committed_tables_are_of_these_recipes(tool):
    kept = json.loads(tool.TABLE.read_text(encoding="utf-8"))
    assert kept["recipe"] == json.loads(json.dumps(tool.RECIPE)), (
        "the recipe has changed: make tables"
    )
    for name, rows in kept["figures"].items():
        for values in rows.values() if isinstance(rows, dict) else [rows]:
            assert len(values) == len(tool.SEEDS), name


def test_every_shown_case_is_a_case():
    assert set(shortcuts.SHOWN) < set(CASES)
