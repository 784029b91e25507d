"""Data sets, descriptors and variations: what comes in as pictures."""

import pytest
import torch
from sklearn.datasets import load_digits

from course_lib.data import datasets, from_packages
from course_lib.data.variations import random_affine, random_light
from course_lib.embeddings.descriptors import colour_histogram, pixels


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_digits_are_scikit_learns_and_split_without_overlap():
    train, test = datasets.load("digits", "train", seed=3), datasets.load("digits", "test", seed=3)
    assert (len(train), len(test)) == (1000, 797)
    both = torch.cat([train.images, test.images]).flatten(1)
    source = torch.from_numpy(load_digits().data).float() / 16
    assert sorted(both.tolist()) == sorted(source.tolist())
    assert not torch.equal(datasets.load("digits", "train", seed=4).images, train.images)


@pytest.mark.parametrize("name", ["digits", "photo-crops"])
def test_every_set_is_deterministic_and_in_range(name):
    once, again = datasets.load(name, "train", seed=1), datasets.load(name, "train", seed=1)
    assert torch.equal(once.images, again.images) and torch.equal(once.labels, again.labels)
    assert once.images.dtype == torch.float32 and once.images.min() >= 0 and once.images.max() <= 1
    assert set(once.labels.tolist()) == set(range(len(once.names)))


def test_photo_crops_never_share_a_pixel_between_train_and_test(monkeypatch):
    halves = torch.cat(
        [torch.zeros(3, 160, 120), torch.ones(3, 160, 120)], dim=2
    )  # left black, right white
    monkeypatch.setattr(
        from_packages, "photographs", lambda: dict.fromkeys(from_packages.PHOTOGRAPHS, halves)
    )
    assert datasets.load("photo-crops", "train").images.max() == 0
    assert datasets.load("photo-crops", "test").images.min() > 0.999


def test_a_lamp_changes_light_but_not_what_is_shown():
    plain = datasets.load("photo-crops", "test", seed=2)
    lamp = datasets.load("photo-crops", "test", seed=2, light=0.4)
    assert not torch.equal(plain.images, lamp.images)
    middle = (plain.images > 0.1) & (plain.images < 0.5)  # where nothing was clipped
    ratio = lamp.images / plain.images
    for picture, inside in zip(ratio, middle, strict=True):
        red = picture[0][inside[0]]
        assert (
            red.numel() < 2 or red.max() - red.min() < 1e-4
        )  # one factor for all of a picture's red


def test_first_per_class():
    few = datasets.load("digits", "train").first_per_class(10)
    assert few.labels.tolist() == [label for label in range(10) for _ in range(10)]
    with pytest.raises(ValueError, match="fewer than 1000 images of"):
        few.first_per_class(1000)


@pytest.mark.parametrize("bins", [1, 2, 4, 5])
def test_colour_histogram_equals_a_count_in_loops(bins):
    images = torch.rand(3, 3, 5, 6, generator=generator())
    images[0, :, 0, 0] = 1.0  # the brightest value belongs to the last bin
    expected = torch.zeros(3, bins, bins, bins)
    for i in range(3):
        for row in range(5):
            for column in range(6):
                r, g, b = (min(int(v * bins), bins - 1) for v in images[i, :, row, column].tolist())
                expected[i, r, g, b] += 1 / 30
    torch.testing.assert_close(colour_histogram(images, bins), expected.flatten(1).sqrt())


def test_colour_histogram_is_a_unit_vector_blind_to_place():
    images = torch.rand(4, 3, 8, 8, generator=generator())
    histogram = colour_histogram(images)
    torch.testing.assert_close(histogram.norm(dim=1), torch.ones(4))
    upside_down = images.flip(2)
    assert torch.equal(colour_histogram(upside_down), histogram)
    assert not torch.equal(pixels(upside_down), pixels(images))


@pytest.mark.parametrize(
    "images, says",
    [
        (torch.zeros(2, 1, 4, 4), r"\[N, 3, H, W\] of floating point, got \[2, 1, 4, 4\]"),
        (torch.zeros(0, 3, 4, 4), r"got \[0, 3, 4, 4\]"),
        (torch.full((1, 3, 4, 4), 255.0), "must lie in 0..1, got 255 to 255"),
        (torch.full((1, 3, 4, 4), float("nan")), "must lie in 0..1, got nan"),
    ],
)
def test_colour_histogram_refuses(images, says):
    with pytest.raises(ValueError, match=says):
        colour_histogram(images)


def test_random_affine_varies_each_picture_by_its_own_amounts():
    image = torch.zeros(1, 1, 16, 16)
    image[:, :, 6:10, 4:12] = 1
    batch = image.repeat(8, 1, 1, 1)
    varied = random_affine(batch, generator())
    assert varied.shape == batch.shape and len({tuple(v.flatten().tolist()) for v in varied}) == 8
    assert torch.equal(varied, random_affine(batch, generator()))
    torch.testing.assert_close(random_affine(batch, generator(), turn=0, scale=0, shift=0), batch)


def test_random_affine_turns_as_far_as_it_says():
    x = torch.linspace(-1, 1, 64)
    image = (
        ((x[:, None].abs() < 0.1) & (x[None].abs() < 0.8)).float()[None, None].repeat(200, 1, 1, 1)
    )  # a level bar
    varied = random_affine(image, generator(), turn=0.3, scale=0, shift=0)[:, 0]
    y, x = torch.meshgrid(x, x, indexing="ij")
    angle = torch.atan2((varied * x * y).sum((1, 2)), (varied * x * x).sum((1, 2)))
    assert 0.25 < angle.abs().max() < 0.32 and angle.min() < -0.2 and angle.max() > 0.2


def test_random_light_keeps_the_range_and_the_picture():
    images = torch.rand(6, 3, 8, 8, generator=generator())
    varied = random_light(images, generator(1), strength=0.4)
    assert varied.min() >= 0 and varied.max() <= 1
    assert torch.equal(random_light(images, generator(1), strength=0), images)
