"""The liveness recipe: it trains on what it is told, again the same, and its threshold keeps its promise."""

import pytest
import torch
from torch import nn

from course_lib.recipes import liveness
from course_lib.recipes.liveness import (
    judge,
    leave_one_out,
    live_scores,
    people,
    threshold_of,
    train_detector,
)
from course_lib.verification.liveness import ATTACKS


@pytest.fixture
def short(monkeypatch):
    """Three steps on a few people."""
    monkeypatch.setattr(liveness, "STEPS", 3)
    monkeypatch.setattr(liveness, "PEOPLE", {"train": 6, "val": 3, "test": 3})


class Brightness(nn.Module):
    """The brighter, the more live: logits 0 and the mean of the image."""

    def forward(self, images):
        light = images.mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(light), light], dim=1)


def test_the_threshold_rejects_at_most_its_share():
    images = torch.linspace(0, 1, 250)[torch.randperm(250)].view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    scores = live_scores(Brightness(), images)
    threshold = threshold_of(Brightness(), images)
    assert (scores < threshold).sum() == 2  # 1 % of 250 is 2.5
    assert threshold in scores


def test_every_type_is_judged():
    live = torch.rand(6, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    apcer, bpcer = judge(Brightness(), live, live, seed=0)
    assert list(apcer) == list(ATTACKS) and bpcer == 0
    assert judge(Brightness(), live, live, seed=0) == (apcer, bpcer)


@pytest.mark.slow
def test_it_trains_on_the_known_types_alone(short, monkeypatch):
    shown = []
    for name, attack in ATTACKS.items():

        def watched(images, generator, name=name, attack=attack):
            shown.append((name, len(images)))
            return attack(images, generator)

        monkeypatch.setitem(liveness.ATTACKS, name, watched)
    seen = {}
    monkeypatch.setattr(
        liveness, "load_or_train", lambda name, model, train, *data: seen.setdefault(name, train)
    )
    monkeypatch.setattr(
        liveness, "fit", lambda model, sample, *a, **k: sample(torch.Generator().manual_seed(0))
    )
    images = people("train", 0).images
    train_detector(images, ("screen", "glare"), seed=0)
    batch, labels = seen["liveness-screen-glare"](None, images)
    assert shown == [("screen", 16), ("glare", 16)]
    assert batch.shape == (64, 3, 48, 48) and labels.tolist() == [1] * 32 + [0] * 32


@pytest.mark.slow
def test_the_same_seed_gives_the_same_detector(short):
    images = people("train", 0).images
    expected = torch.random.get_rng_state()
    models = [train_detector(images, ("print",), seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), expected)
    a, b, c = (torch.cat([p.flatten() for p in m.parameters()]) for m in models)
    assert torch.equal(a, b) and not torch.equal(a, c)


@pytest.mark.slow
def test_each_type_is_left_out_once(short, capsys):
    found = leave_one_out(0)
    assert list(found) == list(ATTACKS)
    for apcer, bpcer in found.values():
        assert all(0 <= rate <= 1 for rate in (*apcer.values(), bpcer))
    trained = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert trained == ["liveness-print-glare", "liveness-screen-glare", "liveness-screen-print"]
