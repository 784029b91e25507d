"""Kept weights: trained anew when something that determines them has changed, and not otherwise; it is said which."""

import os
import re
import time

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import cache
from course_lib.data import drawn
from course_lib.training.weights import load_or_train

# As a notebook has it: constants, a loss in a closure, a helper, and a train that names them.
CELL = """
import torch
from course_lib.metric_learning.pairs import pair_loss, rho_cosine, rho_l2
from course_lib.training.batches import batches, identity_batches
from course_lib.training.loop import fit

SEED = {seed}
STEPS = {steps}

def learning_rate():
    return {lr}

def pair_trainer(rho, margin):
    def loss(model, images, labels):
        x = model(images)
        i, j = torch.triu_indices(len(x), len(x), offset=1)
        return pair_loss(rho(x[i], x[j]), labels[i] == labels[j], margin)

    def train(model, images, labels, photos={photos}):
        sample = identity_batches(images, labels, identities=3, photos=photos)
        return fit(model, sample, loss, steps=STEPS, lr=learning_rate(), seed=SEED)

    return train

def softmax(model, images, labels):
    return pair_trainer({rho}, {margin})(model, images, labels)

trainer = {trainer}
"""
VALUES = {
    "seed": [0, 7], "steps": [2, 3], "lr": ["1e-2", "1e-3"], "photos": [2, 3],
    "rho": ["rho_cosine", "rho_l2"], "margin": [0.5, 1.9],
    "trainer": ["softmax", "pair_trainer(rho_l2, 0.5)"],
}  # fmt: skip
CELLS = st.fixed_dictionaries({name: st.sampled_from(both) for name, both in VALUES.items()})
FIRST = {name: values[0] for name, values in VALUES.items()}


def trainer_of(values: dict):
    scope = {"__name__": "__main__"}
    exec(CELL.format(**values), scope)
    return scope["trainer"]


def task():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(12, 4, generator=generator), torch.arange(12) // 4


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(4, 3)


def trained(capsys, name="toy", model=None, train=None, data=None, **how) -> bool:
    """Whether it was trained, and not loaded."""
    load_or_train(name, model or net(), train or trainer_of(FIRST), *(data or task()), **how)
    line = capsys.readouterr().out
    assert re.fullmatch(rf"{name}: (trained in \d+ s|loaded from the cache)\n", line)
    return "trained" in line


def test_it_trains_once_and_loads_the_same(capsys):
    first, second = net(), net()
    losses = load_or_train("toy", first, trainer_of(FIRST), *task())
    assert load_or_train("toy", second, trainer_of(FIRST), *task()) == losses and len(losses) == 2
    assert re.fullmatch(
        r"toy: trained in \d+ s\ntoy: loaded from the cache\n", capsys.readouterr().out
    )
    assert torch.equal(first.weight, second.weight) and not torch.equal(first.weight, net().weight)
    assert not second.training


@pytest.mark.parametrize("changed", VALUES)
@settings(
    deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(a=CELLS)
def test_any_change_of_a_constant_a_closure_or_a_helper_trains_anew(
    a, changed, capsys, tmp_path_factory
):
    """The second cell differs from the first in one value; what the trainer does not come by does not count."""
    folder, before = tmp_path_factory.mktemp("cache"), cache.CACHE
    cache.CACHE = folder
    try:
        one, other = VALUES[changed]
        b = {**a, changed: other if a[changed] == one else one}
        reached = changed not in ("rho", "margin") or a["trainer"] == "softmax"
        assert trained(capsys, train=trainer_of(a)) and not trained(capsys, train=trainer_of(a))
        assert trained(capsys, train=trainer_of(b)) == reached
        assert not trained(capsys, train=trainer_of(a)) and not trained(capsys, train=trainer_of(b))
    finally:
        cache.CACHE = before


def test_other_weights_other_data_and_another_model_train_anew(capsys):
    images, labels = task()
    assert trained(capsys)
    assert trained(capsys, model=net(seed=1))
    assert trained(capsys, data=(images[:-1], labels[:-1]))
    assert trained(capsys, data=(images + 1e-6, labels))
    other = net()
    other.margin = 0.5
    assert trained(capsys, model=other) and not trained(capsys)


def test_comments_and_layout_do_not_train_anew(capsys):
    assert trained(capsys)
    scope = {"__name__": "__main__"}
    exec(CELL.format(**FIRST).replace("    def train", "    # batches\n\n    def train"), scope)
    assert not trained(capsys, train=scope["trainer"])


def test_fresh_trains_anew_and_keeps_that(capsys):
    assert trained(capsys) and trained(capsys, fresh=True) and not trained(capsys)


def test_what_cannot_be_told_is_refused_by_name(tmp_path):
    log = open(tmp_path / "log", "w")
    scope = {"log": log}
    exec("def train(model, *data):\n    log.write('x')\n    return [0.0]", scope)
    with pytest.raises(TypeError, match=r"the value of 'log', which train\(\) names"), log:
        load_or_train("toy", net(), scope["train"], *task())


def test_weights_that_two_layers_share_are_kept(capsys):
    def tied():
        a, b = net(), net()
        b.weight = a.weight
        return nn.ModuleList([a, b])

    def train(model, *data):
        with torch.no_grad():
            model[0].weight += 1
        return [0.0]

    model = tied()
    load_or_train("tied", model, train)
    again = tied()
    load_or_train("tied", again, train)
    assert torch.equal(again[0].weight, model[0].weight) and again[0].weight is again[1].weight


def test_drawn_images_do_not_outlive_their_split(monkeypatch):
    """Another number for the first person of the split, as a developer would give: other people are drawn."""
    before = drawn.faces("test", 0, people=2, photos=2).images
    monkeypatch.setitem(drawn.FIRST, "test", 5_000_000)
    assert (drawn.faces("test", 0, people=2, photos=2).images - before).abs().max() > 0.1


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_respect_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        cache.write(tmp_path / "x.safetensors", {"a": torch.zeros(1)})
    finally:
        os.umask(before)
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == mode


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path):
    old, new, others = (tmp_path / f"{n}{cache.ASIDE}" for n in ("a-1", "a-2", "kept"))
    others = others.with_name("notes.part")
    for path in (old, new, others):
        path.write_bytes(b"half")
    long_ago = time.time() - 2 * cache.DAY
    for path in (old, others):
        os.utime(path, (long_ago, long_ago))
    cache.write(tmp_path / "x.safetensors", {"a": torch.zeros(1)})
    assert {p.name for p in tmp_path.iterdir()} == {new.name, others.name, "x.safetensors"}
