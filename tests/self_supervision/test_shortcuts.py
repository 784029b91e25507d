"""Shortcuts and their cures: what changes, what stays, and that the cure removes what the shortcut put in."""

import pytest
import torch

from course_lib.self_supervision.shortcuts import (
    aberration,
    date_stamp,
    green_only,
    skylight,
    white_frame,
    without_border,
)


def images(n=3, side=40):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shortcut", [date_stamp, white_frame, aberration, skylight])
def test_images_stay_images_and_the_originals_as_they_were(shortcut):
    before = images()
    kept = before.clone()
    changed = shortcut(before)
    assert torch.equal(before, kept) and changed.shape == before.shape
    assert changed.min() >= 0 and changed.max() <= 1 + 1e-6 and not torch.equal(changed, before)


def test_cutting_the_border_removes_stamp_and_frame():
    for shortcut in (date_stamp, white_frame):
        assert torch.equal(without_border(shortcut(images()), 7), without_border(images(), 7))
    assert without_border(images(), 7).shape == (3, 3, 26, 26)


def test_aberration_moves_red_out_and_blue_in_and_leaves_green():
    dot = torch.zeros(1, 3, 41, 41)
    dot[:, :, 20, 32:34] = 1  # right of the middle
    at = aberration(dot, 3.0)[0, :, 20] @ torch.arange(41.0) / aberration(dot, 3.0)[0, :, 20].sum(1)
    assert at[0] > at[1] + 1 and at[2] < at[1] - 1
    assert torch.equal(green_only(aberration(images())), green_only(aberration(images(), 0)))
    assert torch.allclose(green_only(aberration(images())), green_only(images()), atol=1e-5)


def test_the_sky_is_above():
    lit = skylight(torch.full((1, 3, 40, 40), 0.5), 0.5)
    assert lit[0, 0, 0, 0] > 0.7 and lit[0, 0, -1, 0] < 0.3


@pytest.mark.parametrize("shortcut", [date_stamp, white_frame, aberration, skylight, green_only])
def test_bad_input_is_refused(shortcut):
    with pytest.raises(ValueError, match=shortcut.__name__):
        shortcut(torch.rand(2, 1, 40, 40))
