"""Thresholds: the plain forms, what the curves say at them, prices, bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.arguments import FLOATS
from course_lib.by_definition import verification as plain
from course_lib.verification.curves import tar_at_far
from course_lib.verification.thresholds import (
    cheapest_threshold,
    expected_cost,
    rates,
    threshold_at_far,
)

SCORES, SAME = torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False])


@st.composite
def scored_pairs(draw):
    size = draw(st.integers(2, 30))
    scores = draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    kinds = st.lists(st.booleans(), min_size=size, max_size=size)
    same = draw(kinds.filter(lambda s: 0 < sum(s) < len(s)))
    return torch.tensor(scores) / 4, torch.tensor(same)


@settings(max_examples=80, deadline=None)
@given(scored_pairs(), st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0]))
def test_as_few_are_accepted_as_asked_and_no_fewer(pairs, far):
    scores, same = pairs
    threshold = threshold_at_far(scores, same, far)
    got_far, got_tar = rates(scores, same, threshold)
    assert got_far <= far + 1e-9 and got_tar == tar_at_far(scores, same, far)
    # the plain threshold is a score, ours lies below it: between them there is no pair
    assert rates(scores, same, plain.threshold_at_far(scores, same, far)) == (got_far, got_tar)
    lower = scores[scores < threshold]
    if len(lower):
        assert rates(scores, same, lower.max().item())[0] > far


@settings(max_examples=60, deadline=None)
@given(scored_pairs(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([0.0, 1.0, 16.0]))
def test_no_threshold_is_cheaper(pairs, genuine, accept):
    threshold, cost = cheapest_threshold(*pairs, genuine, accept, 1)
    expected, least = plain.cheapest_threshold(*pairs, genuine, accept, 1)
    assert cost == pytest.approx(least) and threshold == expected
    assert expected_cost(*rates(*pairs, threshold), genuine, accept, 1) == pytest.approx(cost)


def test_a_door_with_few_impostors_opens_more_easily():
    generator = torch.Generator().manual_seed(0)
    same = torch.arange(400) % 2 == 0
    scores = torch.randn(400, generator=generator) + 2 * same
    strict, easy = (cheapest_threshold(scores, same, share, 10, 1)[0] for share in (0.5, 0.99))
    assert strict > easy


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_floating_type_and_infinite_scores(dtype):
    scores = SCORES.to(dtype)
    assert rates(scores, SAME, threshold_at_far(scores, SAME, 0)) == (0, 0.5)
    scores = torch.tensor([math.inf, 0.0, math.inf, 0.0]).to(dtype)
    assert threshold_at_far(scores, SAME, 0) == math.inf
    assert threshold_at_far(scores, SAME, 1) == -math.inf


def test_bad_input_is_told():
    for call in (threshold_at_far, lambda s, y, _: rates(s, y, 0.5)):
        with pytest.raises(ValueError, match="both same and different pairs"):
            call(SCORES, SAME | True, 0.5)
        with pytest.raises(TypeError, match="scores must be a tensor"):
            call(SCORES.tolist(), SAME, 0.5)
    with pytest.raises(ValueError, match=r"threshold_at_far: far must be in 0..1, got 2"):
        threshold_at_far(SCORES, SAME, 2)
    with pytest.raises(ValueError, match="rates: threshold must be a number, got nan"):
        rates(SCORES, SAME, math.nan)
    with pytest.raises(ValueError, match=r"expected_cost: genuine must be in 0..1, got 1.5"):
        expected_cost(0.1, 0.9, 1.5, 1, 1)
    with pytest.raises(ValueError, match="expected_cost: accept must be"):
        cheapest_threshold(SCORES, SAME, 0.5, -1, 1)
