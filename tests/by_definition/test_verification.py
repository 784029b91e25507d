"""Verification: by hand, as scikit-learn has it, as the library does."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from course_lib.by_definition import verification as plain
from course_lib.verification import curves as fast

SCORES = torch.tensor([0.9, 0.8, 0.8, 0.1])
SAME = torch.tensor([True, True, False, False])


def test_by_hand():
    far, tar, thresholds = plain.roc(SCORES, SAME)
    assert far.tolist() == [0, 0, 0.5, 1] and tar.tolist() == [0, 0.5, 1, 1]
    assert thresholds.tolist() == pytest.approx([math.inf, 0.9, 0.8, 0.1])
    assert plain.auc(SCORES, SAME) == (1 + 1 + 0.5 + 1) / 4  # the tie counts half
    assert plain.tar_at_far(SCORES, SAME, 0.4) == 0.5 and plain.tar_at_far(SCORES, SAME, 0.5) == 1
    crossed = torch.tensor([0.9, 0.3, 0.8, 0.1])
    assert plain.equal_error_rate(crossed, SAME) == 0.5
    # from FAR 0 to .5 at TAR .75: the two errors are equal half-way
    scores, same = (
        torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
        torch.tensor([1, 1, 1, 0, 1, 0]) == 1,
    )
    assert plain.equal_error_rate(scores, same) == pytest.approx(0.25)
    halves = torch.tensor([0.9, 0.8, 0.2, 0.1])
    every_other = torch.tensor([True, False, True, False])
    assert plain.kfold_accuracy(halves, every_other, folds=2).tolist() == [0.5, 0.5]
    cosines, same = plain.all_pairs(
        torch.tensor([[1.0, 0], [2.0, 0], [0, 1.0]]), torch.tensor([3, 3, 4])
    )
    assert cosines.tolist() == [1, 0, 0] and same.tolist() == [True, False, False]


@st.composite
def scored_pairs(draw):
    """Scores with ties, of at least one genuine and one impostor pair."""
    same = torch.tensor([True, False, *draw(st.lists(st.booleans(), max_size=20))])
    levels = st.integers(-5, 5)
    scores = draw(st.lists(levels, min_size=len(same), max_size=len(same)))
    return torch.tensor(scores) / 4, same


@settings(max_examples=60, deadline=None)
@given(scored_pairs(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]))
def test_as_scikit_learn_and_the_library(pairs, far):
    scores, same = pairs
    curves = plain.roc(scores, same)
    for theirs in (roc_curve(same, scores, drop_intermediate=False), fast.roc(scores, same)):
        for ours, other in zip(curves, theirs, strict=True):
            torch.testing.assert_close(ours, torch.as_tensor(other).double())
    assert plain.auc(scores, same) == pytest.approx(roc_auc_score(same, scores))
    assert plain.auc(scores, same) == pytest.approx(fast.auc(scores, same))
    ours, theirs = (module.equal_error_rate(scores, same) for module in (plain, fast))
    assert ours == pytest.approx(theirs)
    assert plain.tar_at_far(scores, same, far) == pytest.approx(fast.tar_at_far(scores, same, far))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(2, 5))
def test_folds_and_pairs_are_the_librarys(seed, folds):
    generator = torch.Generator().manual_seed(seed)
    same = torch.arange(30) % 2 == 0
    scores = (torch.randn(30, generator=generator) + same).mul(4).round() / 4
    for fold in (folds, torch.randint(folds, (30,), generator=generator)):
        ours, theirs = (module.kfold_accuracy(scores, same, fold) for module in (plain, fast))
        torch.testing.assert_close(ours, theirs)
    tenths = plain.kfold_accuracy(scores, same)
    torch.testing.assert_close(tenths, fast.kfold_accuracy(scores, same))
    x, labels = torch.randn(6, 3, generator=generator), torch.tensor([0, 0, 1, 1, 1, 2])
    for ours, theirs in zip(plain.all_pairs(x, labels), fast.all_pairs(x, labels), strict=True):
        torch.testing.assert_close(ours, theirs)
