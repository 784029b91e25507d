"""What the sets are loaded as refuses what does not fit together; drawn sets and variations refuse bad amounts."""

import numpy as np
import pytest
import torch

from course_lib.data import datasets
from course_lib.data.holders import AnnotatedImages, LabelledImages
from course_lib.data.variations import random_affine, random_light

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
IMAGES, LABELS = torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1])


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"labels": LABELS[:2]}, r"labels must be a tensor \[3\] of int64, got \[2\]"),
        ({"labels": LABELS.int()}, r"labels must be .* int64, got \[3\] of int32"),
        ({"labels": [0, 1, 1]}, r"labels must be a tensor .*, got list"),
        ({"labels": LABELS - 1}, r"labels must lie in 0..1, got -1 to 0"),
        ({"names": ["zero"]}, r"labels must lie in 0..0, got 0 to 1"),
        ({"images": IMAGES[:, 0]}, r"images must be a tensor \[N, C, H, W\].*got \[3, 8, 8\]"),
        ({"images": IMAGES.numpy()}, r"images must be a tensor .*, got ndarray"),
        (
            {"details": {"gps": torch.zeros(2, 2)}},
            r"details 'gps' must be \[3, ...\], got \[2, 2\]",
        ),
        ({"details": {"gps": [1, 2, 3]}}, "details 'gps' must be a tensor, got list"),
    ],
)
def test_labelled_images_fit_together(changes, says):
    whole = {"images": IMAGES, "labels": LABELS, "names": ["zero", "one"]}
    assert len(LabelledImages(**whole)) == 3
    with pytest.raises((TypeError, ValueError), match=f"LabelledImages: {says}"):
        LabelledImages(**{**whole, **changes})


def test_some_of_the_images_by_whatever_names_several():
    images = torch.arange(3.0)[:, None, None, None].expand(3, 1, 2, 2)
    whole = LabelledImages(images, LABELS, ["zero", "one"], {"place": torch.arange(3)})
    for which in (slice(1, 3), [1, 2], np.array([1, 2]), torch.tensor([1, 2]), LABELS == 1):
        some = whole[which]
        assert some.details["place"].tolist() == [1, 2] == some.images[:, 0, 0, 0].tolist()
    assert len(whole[:0]) == 0
    with pytest.raises(TypeError, match=r"LabelledImages: give a slice, .* got 1"):
        whole[1]


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"images": torch.zeros(2, 3, 8, 8)}, "images and targets must be as many, got 2 and 1"),
        ({"names": []}, "target 0: labels must lie in 0..-1, got 0 to 0"),
        ({"targets": [{"boxes": torch.zeros(2, 4), "labels": torch.tensor([0])}]}, r"target 0: labels"),
        ({"targets": [{"boxes": torch.zeros(4), "labels": torch.tensor([0])}]}, r"target 0: boxes .* \[n, 4\]"),
        ({"details": {"depth": torch.zeros(2, 8, 8)}}, r"details 'depth' must be \[1, ...\]"),
    ],
)  # fmt: skip
def test_annotated_images_fit_together(changes, says):
    cat = {"boxes": torch.zeros(1, 4), "labels": torch.tensor([0])}
    whole = {"images": torch.zeros(1, 3, 8, 8), "targets": [cat], "names": ["cat"]}
    assert len(AnnotatedImages(**whole)) == 1
    with pytest.raises(ValueError, match=f"AnnotatedImages: {says}"):
        AnnotatedImages(**{**whole, **changes})


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("vary", [random_affine, random_light])
def test_variations_of_every_float_type_are_those_of_float64(vary, dtype):
    images = torch.rand(5, 3, 16, 16, generator=generator()).to(dtype)
    varied = vary(images, generator())
    assert varied.dtype == dtype and (varied != images).any()
    expected = vary(images.double(), generator())
    near = {torch.float16: 2e-3, torch.bfloat16: 1e-2}.get(dtype, 2e-5)
    assert (varied.double() - expected).abs().max() < near
    assert vary(images[:0], generator()).shape == (0, 3, 16, 16)
    turned = images.transpose(2, 3)
    assert torch.equal(vary(turned, generator()), vary(turned.contiguous(), generator()))


@pytest.mark.parametrize("vary", [random_affine, random_light])
def test_variations_are_the_same_under_autocast(vary):
    images = torch.rand(4, 3, 16, 16, generator=generator())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(vary(images, generator()), vary_outside(vary, images))


def vary_outside(vary, images):
    with torch.autocast("cpu", enabled=False):
        return vary(images, generator())


@pytest.mark.parametrize("name", ["digits", "photo-crops", "faces"])
@pytest.mark.parametrize("seed", [2.5, "x", None, True, 2**63])
def test_a_seed_is_a_whole_number(name, seed):
    with pytest.raises(ValueError, match="load: seed must be a whole number below"):
        datasets.load(name, "train", seed=seed)


@pytest.mark.parametrize("vary", [random_affine, random_light])
def test_variations_carry_gradients_without_nan(vary):
    images = torch.rand(2, 1, 6, 6, generator=generator()).requires_grad_()
    vary(images, generator()).sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "vary, images, options, says",
    [
        (random_affine, torch.zeros(3, 8, 8), {}, r"images must be a tensor \[B, C, H, W\]"),
        (random_affine, IMAGES.byte(), {}, "images must be .* got .* of uint8"),
        (random_affine, IMAGES, {"turn": -1}, "turn must be 0 or above, got -1"),
        (random_affine, IMAGES, {"shift": float("nan")}, "shift must be 0 or above, got nan"),
        (random_affine, IMAGES, {"scale": 1.5}, "scale must be in 0..1, got 1.5"),
        (random_light, IMAGES.numpy(), {}, "images must be a tensor .* got ndarray"),
        (random_light, IMAGES, {"strength": 2}, "strength must be in 0..1, got 2"),
    ],
)
def test_variations_refuse(vary, images, options, says):
    with pytest.raises((TypeError, ValueError), match=f"{vary.__name__}: {says}"):
        vary(images, generator(), **options)


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("faces", {"people": 0}, "faces: people must be 1 or more, got 0"),
        ("faces", {"photos": 2.5}, "faces: photos must be a whole number, got 2.5"),
        ("faces", {"difficulty": -1}, "faces: difficulty must be 0 or above, got -1"),
        ("landmarks", {"others": -1}, "landmarks: others must be 0 or more, got -1"),
        ("scenes", {"count": 0}, "scenes: count must be 1 or more, got 0"),
        ("captions", {"count": -3}, "captions: count must be 1 or more, got -3"),
        ("photo-crops", {"per_class": 0}, "photo-crops: per_class must be 1 or more, got 0"),
    ],
)
def test_amounts_that_cannot_be_drawn_are_refused(name, options, says):
    with pytest.raises((TypeError, ValueError), match=says):
        datasets.load(name, "train", **options)
