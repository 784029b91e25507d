"""Pairs of two photos of one case."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.self_supervision.micle import case_pairs


@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.integers(0, 999))
def test_pairs_are_two_photos_of_one_case_and_no_case_comes_twice(cases, seed):
    cases = torch.tensor(cases)
    able = len(cases.unique())
    a, b = case_pairs(cases, able, torch.Generator().manual_seed(seed))
    assert torch.equal(cases[a], cases[b])
    assert torch.equal(a == b, cases.bincount()[cases[a]] == 1)
    assert len(cases[a].unique()) == able


def test_every_pair_of_photos_is_drawn_at_some_time():
    cases, generator = torch.tensor([0, 0, 0, 1, 1]), torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(200):
        seen |= {tuple(pair) for pair in torch.stack(case_pairs(cases, 2, generator), 1).tolist()}
    ordered = {(i, j) for i in range(5) for j in range(5) if i != j and cases[i] == cases[j]}
    assert seen == ordered


@pytest.mark.parametrize(
    ("cases", "pairs", "error", "says"),
    [
        (torch.tensor([0, 0, 1]), 3, ValueError, "pairs must be 2 at most"),
        (torch.tensor([0.0, 0.0]), 1, TypeError, "labels must be"),
        (torch.tensor([0, 0]), 0, ValueError, "pairs must be 1 or more"),
    ],
)
def test_bad_input_is_refused(cases, pairs, error, says):
    with pytest.raises(error, match=says):
        case_pairs(cases, pairs, torch.Generator())
