"""Encoders, the training loop and the cache of what was trained."""

import errno
import multiprocessing
import os

import pytest
import torch
from torch import nn

from course_lib import cache
from course_lib.cache import cached
from course_lib.embeddings.encoders import Classifier, ConvEncoder, embed
from course_lib.training import loop
from course_lib.training.batches import batches, identity_batches
from course_lib.training.loop import cross_entropy, fit


def net(seed=0):
    torch.manual_seed(seed)
    return Classifier(ConvEncoder(channels=1, dim=8, widths=(8, 8)), classes=3)


def task(n=60):
    """Three easy classes: a bright patch in one of three places."""
    labels = torch.arange(n) % 3
    images = 0.3 * torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for image, label in zip(images, labels, strict=True):
        image[:, :, 3 * label : 3 * label + 2] += 1
    return images, labels


def learn(model, images, labels, steps=40, **options):
    return fit(model, batches(images, labels, 16), cross_entropy, steps=steps, **options)


@pytest.mark.parametrize("side", [5, 8, 32, 47])
def test_the_encoder_takes_pictures_of_any_size(side):
    assert ConvEncoder(channels=3, dim=16)(torch.zeros(2, 3, side, side)).shape == (2, 16)


def test_the_encoder_names_the_shape_it_wants():
    for bad in (torch.zeros(2, 1, 8, 8), torch.zeros(3, 8, 8)):
        with pytest.raises(
            ValueError, match=r"images must be a tensor \[B, 3, H, W\] of floating point, got \["
        ):
            ConvEncoder(channels=3, dim=16)(bad)


def test_embed_does_not_depend_on_batches_and_leaves_the_mode():
    encoder = net().encoder.train()
    images = task()[0]
    whole = embed(encoder, images)
    torch.testing.assert_close(embed(encoder, images, batch_size=7), whole)
    assert encoder.training and not whole.requires_grad
    assert torch.equal(whole, embed(encoder, images))  # batch norm was not moved by looking
    with pytest.raises(ValueError, match=r"got \[0, 1, 8, 8\]"):
        embed(encoder, images[:0])


def test_fit_learns_and_is_deterministic():
    images, labels = task()
    first, second = net(), net()
    losses = learn(first, images, labels, steps=80)
    assert len(losses) == 80 and losses[-1] < 0.2 * losses[0]
    assert (first(images).argmax(1) == labels).float().mean() > 0.95
    assert learn(second, images, labels, steps=80) == losses
    assert learn(net(), images, labels, steps=80, seed=1) != losses
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_fit_puts_a_model_back_where_it_was():
    model, places = nn.Linear(3, 2), []

    def loss(model, images, labels):
        places.append((model.weight.device.type, images.device.type))
        return nn.functional.cross_entropy(model(images), labels)

    fit(model, batches(torch.randn(8, 3), torch.randint(2, (8,)), 4), loss, steps=2)
    assert places == [("cuda", "cuda")] * 2
    assert model.weight.device.type == "cpu"


def test_fit_ends_in_time_on_a_slow_machine(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))  # a second a step
    with pytest.warns(UserWarning, match=r"only 1\d of 40 steps were made in 20 s"):
        assert 15 <= len(learn(net(), *task(), steps=40, max_seconds=20)) < 20


def test_fit_shortens_gradients_that_are_too_long():
    seen = []

    class Spy(torch.optim.AdamW):
        def step(self):
            gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
            seen.append(torch.cat(gradients).norm().item())
            return super().step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Spy)
        for max_norm in (float("inf"), 0.1):
            learn(net(), *task(), steps=5, max_norm=max_norm)
    assert min(seen[:5]) > 0.1 and max(seen[5:]) < 0.1001


def test_fit_stops_at_a_loss_that_is_not_a_number():
    with pytest.raises(FloatingPointError, match="nan at step 0 of 40"):
        fit(net(), batches(*task(), 4), lambda model, x, y: model(x).sum() * float("nan"), steps=40)


def test_batches_refuse_an_empty_or_uneven_set():
    images, labels = task()
    for bad in ((images[:0], labels[:0]), (images, labels[:-1])):
        with pytest.raises(ValueError, match="as many, and at least one"):
            batches(*bad, size=4)


def make():
    return {"a": torch.arange(5), "b": torch.rand(2, 3, generator=torch.Generator().manual_seed(0))}


def test_cached_returns_what_was_made(tmp_path):
    once = cached("x", "k", make, tmp_path)
    again = cached("x", "k", lambda: pytest.fail("was made again"), tmp_path)
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert [p.name for p in tmp_path.iterdir()] == ["x-k.safetensors"]


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "not ours"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    cached("x", "k", make, tmp_path)
    path = tmp_path / "x-k.safetensors"
    whole = path.read_bytes()
    broken = {
        "truncated": whole[:-3],
        "one bit": whole[:-1] + bytes([whole[-1] ^ 1]),
        "empty": b"",
        "not ours": b"PK" * 99,
    }
    path.write_bytes(broken[damage])
    assert cache.read(path) is None
    assert torch.equal(cached("x", "k", make, tmp_path)["b"], make()["b"])
    assert path.read_bytes() == whole


def test_a_full_disk_costs_the_cache_and_not_the_result(tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "save_file", full)
    with pytest.warns(UserWarning, match="could not be kept in .*: No space left on device"):
        assert torch.equal(cached("x", "k", make, tmp_path)["a"], torch.arange(5))
    assert list(tmp_path.iterdir()) == []


def fill(folder, barrier):
    barrier.wait()
    assert torch.equal(cached("x", "k", make, folder)["b"], make()["b"])


@pytest.mark.slow
def test_two_processes_fill_the_cache_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    both = [context.Process(target=fill, args=(tmp_path, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert os.listdir(tmp_path) == ["x-k.safetensors"]


def test_a_linear_model_goes_through_the_same_loop():
    model = nn.Linear(2, 1)
    losses = fit(
        model,
        lambda g: (torch.randn(8, 2, generator=g),),
        lambda m, x: (m(x) - x.sum(1, keepdim=True)).square().mean(),
        steps=30,
        lr=0.1,
    )
    assert losses[-1] < losses[0]


def test_identity_batches_hold_different_pictures_of_different_classes():
    labels = torch.tensor([7, 2, 7, 2, 5, 7, 5, 5, 2, 9, 9])
    images = torch.arange(11.0).view(11, 1, 1, 1)
    sample = identity_batches(images, labels, identities=3, photos=2)
    seen, generator = set(), torch.Generator().manual_seed(0)
    for _ in range(60):
        pictures, classes = sample(generator)
        numbers = pictures.flatten().long().tolist()
        assert len(set(numbers)) == 6 and torch.equal(labels[numbers], classes)
        assert classes.view(3, 2).diff(dim=1).eq(0).all() and len(classes.unique()) == 3
        seen |= set(numbers)
    assert seen == set(range(11))
    for wrong in ((5, 2), (3, 3), (0, 1)):
        with pytest.raises(ValueError, match=f"{wrong[0]} classes with {wrong[1]} pictures each"):
            identity_batches(images, labels, *wrong)
