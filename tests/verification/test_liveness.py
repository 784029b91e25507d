"""Drawn presentation attacks, and the two error rates: by loops, on every floating type, bad input."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.arguments import FLOATS
from course_lib.verification.liveness import ATTACKS, error_rates, glare, print_out, screen

attacked = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=4, height=48, width=48):
    return torch.rand(n, 3, height, width, generator=seeded())


@attacked
@pytest.mark.parametrize("sides", [(48, 48), (32, 32), (20, 36), (1, 1)])
def test_images_stay_images_and_the_originals_as_they_were(attack, sides):
    live = images(64, *sides)
    kept = live.clone()
    made = attack(live, seeded())
    assert torch.equal(live, kept) and made.shape == live.shape and made.dtype == live.dtype
    assert made.min() >= 0 and made.max() <= 1
    if sides != (1, 1):
        assert ((made - live).abs().flatten(1).amax(dim=1) > 0.05).all()


@attacked
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_in_the_range(attack, level):
    made = attack(torch.full((64, 3, 48, 48), level), seeded())
    assert made.min() >= 0 and made.max() <= 1


@attacked
def test_the_generator_determines_it_and_every_image_differs(attack):
    same = torch.full((5, 3, 48, 48), 0.5)
    made = attack(same, seeded(1))
    assert torch.equal(made, attack(same, seeded(1)))
    assert not torch.equal(made, attack(same, seeded(2)))
    for i in range(5):
        for j in range(i):
            assert (made[i] - made[j]).abs().max() > 0.05
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    attack(same, seeded())
    assert torch.equal(torch.rand(1), expected)


@attacked
def test_strength_mixes(attack):
    live = images()
    whole = attack(live, seeded())
    assert torch.equal(attack(live, seeded(), strength=0), live)
    torch.testing.assert_close(attack(live, seeded(), strength=0.3), live.lerp(whole, 0.3))


@attacked
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_floating_type(attack, dtype):
    live = images().to(dtype)
    made = attack(live, seeded())
    assert made.dtype == dtype and made.min() >= 0 and made.max() <= 1
    expected = attack(live.double(), seeded())
    torch.testing.assert_close(made, expected.to(dtype), rtol=0, atol=1e-5 + torch.finfo(dtype).eps)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(attack(live, seeded()), made)
    live.requires_grad_()
    assert torch.equal(attack(live, seeded()), made)
    other_layout = live.detach().permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    torch.testing.assert_close(attack(other_layout, seeded()), made)


def test_a_screen_raises_black_most_in_blue():
    black = screen(torch.zeros(8, 3, 48, 48), seeded()).mean(dim=(2, 3))
    assert (black[:, 2] > black[:, 1]).all() and (black[:, 1] > black[:, 0]).all()
    assert (black > 0.02).all()


def test_moire_is_coloured_and_much_wider_than_a_pixel():
    bands = screen(torch.full((32, 3, 48, 48), 0.5), seeded())
    spectrum = torch.fft.rfft2(bands - bands.mean(dim=(2, 3), keepdim=True)).abs()
    rows, columns = torch.fft.fftfreq(48).abs()[:, None], torch.fft.rfftfreq(48)
    wide = torch.maximum(rows, columns) < 0.25  # periods of more than four pixels
    assert spectrum[..., wide].square().sum() > 0.95 * spectrum.square().sum()
    grey = bands.mean(dim=1, keepdim=True)
    assert (bands - grey).std() > 0.01


def test_a_print_has_paper_at_its_edge_and_no_white_inside():
    made = print_out(torch.zeros(200, 3, 48, 48), seeded())
    paper = (made[:, 0] > 0.9).flatten(1)  # [200, 48 * 48]
    assert paper.any(dim=1).double().mean() > 0.9  # nearly every print shows an edge
    assert paper.double().mean() < 0.2
    assert (made[:, :, 12:36, 12:36] < 0.3).all()


def test_dots_are_in_medium_tones_only():
    tones = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1).expand(3, 3, 48, 48)
    middle = print_out(tones, seeded())[:, :, 12:36, 12:36]
    spread = middle.std(dim=(2, 3)).amax(dim=1)
    assert spread[0] < 1e-6 and spread[1] > 0.02 and spread[2] < 1e-6


def test_glare_is_on_a_print_and_covers_only_a_part():
    shown = glare(0 * images(200), seeded())
    assert shown.min() >= 0.05 - 1e-6  # a print's black
    bright = (shown.amax(dim=1) > 0.3).flatten(1).double().mean(dim=1)
    assert (bright > 0).all() and bright.mean() < 0.3


@attacked
def test_bad_input_is_told_what_was_expected(attack):
    name, good = attack.__name__, images()
    for bad, error, says in (
        (good.tolist(), TypeError, r"images must be a tensor \[N, 3, H, W\] .* got list"),
        (good.long(), TypeError, r"got \[4, 3, 48, 48\] of int64"),
        (good[:, :1], ValueError, r"\[N, 3, H, W\] .* got \[4, 1, 48, 48\]"),
        (good[0], ValueError, r"got \[3, 48, 48\]"),
        (good[:0], ValueError, "at least one image"),
        (good * 255, ValueError, "values must lie in 0..1"),
        (good * torch.nan, ValueError, "values must lie in 0..1, got nan"),
    ):
        with pytest.raises(error, match=f"^{name}: .*{says}"):
            attack(bad, seeded())
    with pytest.raises(ValueError, match=rf"^{name}: strength must be in 0..1, got 1.5"):
        attack(good, seeded(), strength=1.5)
    for bad in (0, None):
        with pytest.raises(TypeError, match=rf"^{name}: generator must be .* got {bad}"):
            attack(good, bad)


def rates_by_loops(live, attacks, threshold):
    apcer = {}
    for name, scores in attacks.items():
        let_in = 0
        for score in scores.tolist():
            let_in += score >= threshold
        apcer[name] = let_in / len(scores)
    rejected = 0
    for score in live.tolist():
        rejected += not score >= threshold
    return apcer, rejected / len(live)


some_scores = st.lists(st.integers(-4, 4), min_size=1, max_size=12).map(
    lambda s: torch.tensor(s) / 4
)


@given(some_scores, st.lists(some_scores, max_size=3), st.integers(-5, 5))
def test_error_rates_by_loops(live, scores, threshold):
    attacks = {f"type {i}": values for i, values in enumerate(scores)}
    found = error_rates(live, attacks, threshold / 4)
    assert found == rates_by_loops(live, attacks, threshold / 4)


@pytest.mark.parametrize("dtype", FLOATS)
def test_scores_of_every_floating_type(dtype):
    live, fake = (torch.randn(50, generator=seeded(s)).to(dtype) for s in (0, 1))
    expected = rates_by_loops(live.double(), {"print": fake.double()}, 0.1)
    assert error_rates(live.requires_grad_(), {"print": fake}, 0.1) == expected


def test_the_ends():
    live, attacks = torch.tensor([0.0, 1.0]), {"live": torch.tensor([0.0]), "where": torch.ones(3)}
    assert error_rates(live, attacks, torch.inf) == ({"live": 0, "where": 0}, 1)
    assert error_rates(live, attacks, -torch.inf) == ({"live": 1, "where": 1}, 0)
    assert error_rates(live, attacks, 1.0) == ({"live": 0, "where": 1}, 0.5)


@pytest.mark.parametrize(
    "live, attacks, error, says",
    [
        ([0.5], {}, TypeError, r"of 'live': scores must be a tensor \[N\] .* got list"),
        (torch.zeros(2, 1), {}, ValueError, r"of 'live': .* got \[2, 1\]"),
        (torch.zeros(0), {}, ValueError, "of 'live': at least one score is needed"),
        (torch.zeros(1), torch.zeros(1), TypeError, "attacks must be a dict, got Tensor"),
        (torch.zeros(1), {"print": torch.zeros(0)}, ValueError, "of 'print': at least one"),
        (torch.zeros(1), {"print": torch.arange(3)}, TypeError, "of 'print': .* of int64"),
        (torch.zeros(1), {"a": torch.tensor([torch.nan])}, ValueError, "of 'a': scores .* has NaN"),
    ],
)
def test_bad_scores_are_told_what_was_expected(live, attacks, error, says):
    with pytest.raises(error, match=f"^error_rates.*{says}"):
        error_rates(live, attacks, 0.5)
