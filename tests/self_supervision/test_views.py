"""Random views: each image by its own amounts, and each operation as torchvision's on one image at a time."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from course_lib.self_supervision import views
from course_lib.self_supervision.views import Views, blurred, cut_out, random_boxes, recoloured


def images(n=4, channels=3, height=12, width=12, seed=0):
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(seed))


def of_each(*values):
    return [torch.tensor(value).float() for value in values]


@given(st.integers(0, 8), st.integers(0, 5), st.integers(2, 6), st.integers(2, 6), st.booleans())
@settings(deadline=None, max_examples=30)
def test_a_crop_is_torchvisions(left, top, width, height, mirrored):
    left, top = min(left, 14 - width), min(top, 10 - height)
    image = images(1, height=10, width=14)
    expected = tv.resized_crop(image, top, left, height, width, [10, 14], antialias=False)
    box = of_each([left / 14], [top / 10], [width / 14], [height / 10])
    got = cut_out(image, *box, *of_each([-1.0 if mirrored else 1.0], [0.0]))
    inside = slice(
        1, -1
    )  # at the edge torchvision repeats pixels of the crop, we take those beyond it
    expected = expected.flip(3) if mirrored else expected
    if width > 2 and height > 2:
        steps_x, steps_y = math.ceil(14 / width / 2), math.ceil(10 / height / 2)
        inside = (..., slice(steps_y, -steps_y), slice(steps_x, -steps_x))
        assert torch.allclose(got[inside], expected[inside], atol=1e-5)


def test_the_whole_image_stays_as_it_is():
    whole = of_each([0.0] * 4, [0.0] * 4, [1.0] * 4, [1.0] * 4, [1.0] * 4, [0.0] * 4)
    assert torch.allclose(cut_out(images(), *whole), images(), atol=1e-6)


def test_a_quarter_turn_turns():
    quarter = of_each([0.0], [0.0], [1.0], [1.0], [1.0], [math.pi / 2])
    turned = cut_out(images(1), *quarter)
    ways = [images(1).rot90(k, (2, 3)) for k in (1, 3)]
    assert any(torch.allclose(turned, way, atol=1e-5) for way in ways)


@given(st.floats(0.7, 1.2), st.floats(0.7, 1.2), st.floats(0.5, 1.5))
@settings(deadline=None, max_examples=30)
def test_brightness_contrast_saturation_are_torchvisions(brightness, contrast, saturation):
    image = 0.3 + 0.3 * images(1)  # so that nothing is clamped in between
    expected = tv.adjust_brightness(image, brightness)
    expected = tv.adjust_saturation(tv.adjust_contrast(expected, contrast), saturation)
    factors = of_each([brightness], [contrast], [saturation], [0.0])
    assert torch.allclose(recoloured(image, *factors, torch.tensor([False])), expected, atol=1e-4)


def test_grey_is_torchvisions_and_only_where_it_is_asked_for():
    factors = of_each(*[[1.0] * 4] * 3, [0.0] * 4)
    got = recoloured(images(), *factors, torch.tensor([True, False, True, False]))
    assert torch.allclose(got[::2], tv.rgb_to_grayscale(images()[::2], 3), atol=1e-5)
    assert torch.allclose(got[1::2], images()[1::2], atol=1e-5)


def test_a_hue_keeps_the_grey_value_and_comes_back_after_a_full_circle():
    image, ones = 0.4 + 0.1 * images(), [1.0] * 4
    none = torch.zeros(4, dtype=torch.bool)
    turned = recoloured(image, *of_each(ones, ones, ones, [0.2] * 4), none)
    assert not torch.allclose(turned, image, atol=1e-2)
    assert torch.allclose(tv.rgb_to_grayscale(turned), tv.rgb_to_grayscale(image), atol=1e-3)
    back = recoloured(image, *of_each(ones, ones, ones, [1.0] * 4), none)
    assert torch.allclose(back, image, atol=1e-5)


def test_grey_images_change_in_brightness_and_contrast():
    image = 0.3 + 0.3 * images(1, channels=1)
    factors = of_each([1.1], [0.8], [1.7], [0.1])
    expected = tv.adjust_contrast(tv.adjust_brightness(image, 1.1), 0.8)
    assert torch.allclose(recoloured(image, *factors, torch.tensor([True])), expected, atol=1e-5)


@given(st.lists(st.floats(0.2, 3.0), min_size=1, max_size=4))
@settings(deadline=None, max_examples=20)
def test_a_blur_is_torchvisions(sigmas):
    batch = images(len(sigmas))
    got = blurred(batch, torch.tensor(sigmas))
    for image, sigma, ours in zip(batch, sigmas, got, strict=True):
        assert torch.allclose(ours, tv.gaussian_blur(image, [5, 5], [sigma] * 2), atol=1e-5)
    assert torch.equal(blurred(batch, torch.zeros(len(sigmas))), batch)


@given(st.floats(0.05, 1.0), st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_boxes_lie_in_the_image_and_keep_the_share_asked_for(area, seed):
    left, top, width, height = random_boxes(50, area, torch.Generator().manual_seed(seed))
    assert (left >= 0).all() and (top >= 0).all()
    assert (left + width <= 1 + 1e-6).all() and (top + height <= 1 + 1e-6).all()
    # where a side had to be cut to the image's, the share is smaller
    whole = (width < 1) & (height < 1)
    assert ((width * height)[whole] >= area - 1e-5).all()
    assert (width / height).max() <= views.RATIO + 1e-5


STRONG = Views(area=0.4, colour=0.4, grey=0.2, blur=0.5, mirror=True, turn=0.3)


def test_each_image_has_its_own_amounts_and_the_seed_decides():
    same = images(1).expand(6, -1, -1, -1)
    drawn = STRONG(same, torch.Generator().manual_seed(1))
    assert all(not torch.allclose(drawn[0], other, atol=1e-3) for other in drawn[1:])
    assert torch.equal(drawn, STRONG(same, torch.Generator().manual_seed(1)))
    assert drawn.min() >= 0 and drawn.max() <= 1
    a, b = STRONG.two(same, torch.Generator().manual_seed(1))
    assert a.shape == b.shape == same.shape and not torch.allclose(a, b, atol=1e-3)


def test_views_without_anything_are_the_images():
    assert torch.equal(Views()(images(), torch.Generator()), images())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_type(dtype):
    drawn = STRONG(images().to(dtype), torch.Generator().manual_seed(0))
    assert drawn.dtype == dtype
    expected = STRONG(images(), torch.Generator().manual_seed(0))
    assert torch.allclose(drawn.float(), expected, atol={torch.bfloat16: 0.03}.get(dtype, 5e-3))


def test_no_images_are_no_views():
    assert STRONG(images(0), torch.Generator()).shape == (0, 3, 12, 12)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("area", 0, ValueError),
        ("colour", 1.5, ValueError),
        ("blur", "no", TypeError),
        ("turn", -1, ValueError),
    ],
)
def test_wrong_amounts(name, value, error):
    with pytest.raises(error, match=f"Views: {name} must be"):
        Views(**{name: value})


def test_wrong_images():
    with pytest.raises(TypeError, match="Views: images must be a tensor"):
        STRONG([1, 2], torch.Generator())
    with pytest.raises(ValueError, match=r"Views: images .*1 or 3 channels"):
        STRONG(images(channels=2), torch.Generator())
    with pytest.raises(ValueError, match=r"Views: images .*3 pixels"):
        STRONG(images(height=2), torch.Generator())
