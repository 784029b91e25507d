"""EfficientNet-Lite0: equal to its reference, right about photographs, and clear about what it cannot take."""

import pytest
import skimage.data
import torch
from efficientnet_lite_pytorch import EfficientNet
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from course_lib.pretrained import imagenet
from course_lib.pretrained.imagenet import (
    EfficientNetLite0,
    class_names,
    efficientnet_lite0,
    prepare,
)

PHOTOS = {"chelsea": "Egyptian cat", "coffee": "espresso", "rocket": "missile"}


def photo(name):
    return torch.from_numpy(getattr(skimage.data, name)()).permute(2, 0, 1) / 255


@pytest.fixture(scope="module")
def network():
    return efficientnet_lite0()


@pytest.mark.parametrize("side", [224, 203, 65])
def test_every_logit_is_the_references(network, side):
    reference = EfficientNet.from_name("efficientnet-lite0", image_size=side)
    reference.load_state_dict(imagenet._weights())
    images = torch.cat([prepare(photo(name), side) for name in PHOTOS])
    with torch.no_grad():
        ours, theirs = network(images), reference.eval()(images)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_colours_are_normalised_as_in_training(network):
    """The first layer's variances are about those that its batch norm has stored; with other numbers, 4 times them."""
    images = torch.cat([prepare(photo(name)) for name in ("astronaut", *PHOTOS)])
    with torch.no_grad():
        y = network.stem.filters(torch.nn.functional.pad(images, (0, 1, 0, 1)))
    ratio = y.var(dim=(0, 2, 3)) / network.stem.norm.running_var
    assert 0.5 < ratio.median() < 2


def test_loading_leaves_random_numbers_alone():
    torch.manual_seed(0)
    efficientnet_lite0()
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize(
    "images, error, words",
    [
        (torch.zeros(3, 64, 64), ValueError, r"\[B, 3, H, W\] .* got \[3, 64, 64\]"),
        (torch.zeros(1, 1, 64, 64), ValueError, r"got \[1, 1, 64, 64\]"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError, r"float32, got .* of uint8"),
        (torch.zeros(1, 3, 64, 64).double(), TypeError, r"float32, got .* of float64"),
        (torch.zeros(1, 3, 64, 64).numpy(), TypeError, "must be a tensor"),
    ],
)
def test_the_network_refuses(network, images, error, words):
    for ask in (network, network.embed, network.maps):
        with pytest.raises(error, match=words):
            ask(images)


def test_photographs_are_recognised(network):
    images = torch.cat([prepare(photo(name)) for name in PHOTOS])
    with torch.no_grad():
        best = network(images).argmax(dim=1)
    assert [class_names()[i] for i in best] == list(PHOTOS.values())
    assert len(class_names()) == 1000


@pytest.mark.parametrize("height, width", [(224, 224), (97, 130), (32, 33)])
def test_maps_of_three_strides_and_one_vector(network, height, width):
    images = torch.rand(2, 3, height, width)
    with torch.no_grad():
        maps, vector = network.maps(images), network.embed(images)
    for stride, channels in ((8, 40), (16, 112), (32, 320)):
        assert maps[stride].shape == (2, channels, -(-height // stride), -(-width // stride))
    assert vector.shape == (2, 1280) and (vector >= 0).all() and not network.training


def test_an_image_gets_the_same_vector_alone_and_in_a_batch(network):
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together = network.embed(images)
        alone = torch.cat([network.embed(image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_it_can_be_trained_on(network):
    fresh = EfficientNetLite0()
    fresh.load_state_dict(network.state_dict())
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    fresh.eval()(images).logsumexp(dim=1).sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().max() > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in fresh.parameters())


def test_weights_in_another_order_are_refused(monkeypatch):
    there = list(imagenet._weights().items())
    i = next(i for i, (name, _) in enumerate(there) if name.endswith("running_mean"))
    there[i], there[i + 1] = there[i + 1], there[i]
    monkeypatch.setattr(imagenet, "_weights", lambda: dict(there))
    with pytest.raises(ValueError, match="running_var in place"):
        efficientnet_lite0()


def test_two_loaded_networks_share_nothing():
    one, other = efficientnet_lite0(), efficientnet_lite0()
    with torch.no_grad():
        one.classify.bias.add_(1)
    assert not torch.equal(one.classify.bias, other.classify.bias)
    assert torch.equal(efficientnet_lite0().classify.bias, other.classify.bias)


def test_prepare_is_torchvisions_crop_resize_and_normalize():
    for name in PHOTOS:
        image = photo(name)
        square = tv.center_crop(image, [min(image.shape[1:])] * 2)
        scaled = tv.resize(square, [224, 224], InterpolationMode.BICUBIC, antialias=True)
        expected = tv.normalize(scaled.clamp(0, 1), [127 / 255] * 3, [128 / 255] * 3)
        torch.testing.assert_close(prepare(image)[0], expected, atol=1e-5, rtol=1e-5)


def test_grey_double_half_and_non_contiguous_images_are_taken():
    colour = photo("coffee")
    grey = colour.mean(dim=0, keepdim=True)
    torch.testing.assert_close(prepare(grey), prepare(grey.expand(3, -1, -1)))
    torch.testing.assert_close(prepare(colour.double()), prepare(colour))
    assert prepare(colour.half()).dtype == torch.float32
    turned = colour.transpose(1, 2)
    torch.testing.assert_close(prepare(turned), prepare(turned.contiguous()))
    assert prepare(colour[:, :5, :3], side=32).shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    "images, error, words",
    [
        (skimage.data.coffee(), TypeError, "images must be a tensor"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), TypeError, "uint8"),
        (torch.zeros(2, 8, 8), ValueError, r"\[N, 3, H, W\] .* got \[1, 2, 8, 8\]"),
        (torch.zeros(8, 8), ValueError, r"got \[8, 8\]"),
        (torch.zeros(0, 3, 8, 8), ValueError, "at least one image"),
        (torch.full((3, 8, 8), 255.0), ValueError, "0..1, got 255 to 255"),
        (torch.full((3, 8, 8), float("nan")), ValueError, "0..1, got nan to nan"),
    ],
)
def test_prepare_refuses(images, error, words):
    with pytest.raises(error, match=words):
        prepare(images)


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(imagenet, "PACKAGE", "no_such_weights")
    imagenet._weights.cache_clear()
    with pytest.raises(
        ModuleNotFoundError, match=r"no_such_weights/models/.* is not installed: run `make lab`"
    ):
        efficientnet_lite0()
