"""ROC, AUC, equal error rate, TAR at FAR, k-fold accuracy: loops, scikit-learn, invariants, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.by_definition import verification as plain
from course_lib.verification import curves
from course_lib.verification.curves import (
    all_pairs,
    auc,
    det,
    equal_error_rate,
    kfold_accuracy,
    roc,
    tar_at_far,
)


@st.composite
def scored_pairs(draw):
    """Scores with many ties, and at least one pair of each kind."""
    size = draw(st.integers(2, 40))
    scores = draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    same = draw(
        st.lists(st.booleans(), min_size=size, max_size=size).filter(lambda s: 0 < sum(s) < len(s))
    )
    return torch.tensor(scores) / 4, torch.tensor(same)


@settings(max_examples=80, deadline=None)
@given(scored_pairs())
def test_roc_point_by_point(pairs):
    scores, same = pairs
    far, tar, thresholds = roc(scores, same)
    assert (far[0], tar[0], thresholds[0]) == (0, 0, torch.inf) and (far[-1], tar[-1]) == (1, 1)
    assert thresholds[1:].tolist() == sorted(set(scores.tolist()), reverse=True)
    for f, t, threshold in zip(far, tar, thresholds, strict=True):
        accepted = scores >= threshold
        assert f == accepted[~same].double().mean() and t == accepted[same].double().mean()


@settings(max_examples=40, deadline=None)
@given(scored_pairs())
def test_as_scikit_learn(pairs):
    from sklearn.metrics import det_curve, roc_auc_score, roc_curve

    scores, same = pairs
    theirs = roc_curve(same.numpy(), scores.numpy(), drop_intermediate=False)
    for our_curve, their_curve in zip(roc(scores, same), theirs, strict=True):
        np.testing.assert_allclose(our_curve, their_curve)
    assert auc(scores, same) == pytest.approx(roc_auc_score(same, scores))
    assert auc(-scores, same) == pytest.approx(1 - auc(scores, same))
    far, frr, thresholds = det(scores, same)
    for ours, word_for_word in zip((far, frr), plain.det(scores, same), strict=False):
        torch.testing.assert_close(ours, word_for_word)
    # scikit-learn leaves out the points at both ends where one of the errors no longer changes
    their_far, their_frr, their_thresholds = det_curve(same.numpy(), scores.numpy())
    for f, r, t in zip(their_far, their_frr, their_thresholds, strict=True):
        if np.isfinite(t):
            at = (thresholds == t).nonzero().item()
            assert far[at] == pytest.approx(f) and frr[at] == pytest.approx(r)


@settings(max_examples=80, deadline=None)
@given(scored_pairs(), st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1]))
def test_tar_at_far_is_the_best_point_of_the_roc_that_is_allowed(pairs, allowed):
    scores, same = pairs
    far, tar, _ = roc(scores, same)
    assert tar_at_far(scores, same, allowed) == tar[far <= allowed + 1e-9].max()


@settings(max_examples=80, deadline=None)
@given(scored_pairs())
def test_equal_error_rate_lies_on_the_roc(pairs):
    scores, same = pairs
    far, tar, _ = roc(scores, same)
    rate = equal_error_rate(scores, same)
    assert (
        np.interp(rate, far, tar) + 1e-9 >= 1 - rate or rate in far
    )  # a vertical piece has many values
    assert 0 <= rate <= 1
    assert equal_error_rate(same.float(), same) == 0 and equal_error_rate(-same.float(), same) == 1
    assert equal_error_rate(3 * scores + 2, same) == pytest.approx(rate)


def test_equal_error_rate_between_two_points():
    """FAR 0 -> .5 at TAR .75: FAR = 1 - TAR at .25, half-way along a flat piece."""
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    same = torch.tensor([True, True, True, False, True, False])
    assert equal_error_rate(scores, same) == pytest.approx(0.25)


def test_all_pairs_counts_each_once():
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 3])
    scores, same = all_pairs(x, labels)
    assert len(scores) == 21 and same.sum() == 1 + 3
    expected_scores, expected_same = plain.all_pairs(x, labels)
    torch.testing.assert_close(scores, expected_scores)
    assert torch.equal(same, expected_same)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_kfold_accuracy(seed):
    generator = torch.Generator().manual_seed(seed)
    same = torch.arange(60) % 2 == 0
    scores = (torch.randn(60, generator=generator) + same).mul(4).round() / 4
    fold = torch.randint(4, (60,), generator=generator)
    expected = plain.kfold_accuracy(scores, same, fold)
    torch.testing.assert_close(kfold_accuracy(scores, same, fold), expected)
    tenths = kfold_accuracy(scores, same)
    assert len(tenths) == 10
    assert torch.equal(tenths, kfold_accuracy(scores, same, torch.arange(60) // 6))


def test_the_threshold_is_not_chosen_on_the_fold_it_is_tested_on():
    """On each half alone a threshold is perfect, but the other half's is wrong."""
    scores = torch.tensor([0.9, 0.8, 0.2, 0.1])
    same = torch.tensor([True, False, True, False])
    assert kfold_accuracy(scores, same, folds=2).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "measure", [roc, auc, equal_error_rate, lambda s, y: tar_at_far(s, y, 0.1), kfold_accuracy]
)
@pytest.mark.parametrize(
    "scores, same, error, says",
    [
        (torch.zeros(3), torch.tensor([True, False]), ValueError, r"\[N\] both, got \[3\] and \[2\]"),
        (torch.zeros(2), torch.tensor([1, 0]), TypeError, r"same must .* of bool, got \[2\] of int64"),
        (torch.tensor([0, torch.nan]), torch.tensor([True, False]), ValueError, "scores have NaN"),
        (torch.zeros(2), torch.tensor([True, True]), ValueError, "both same and different pairs are needed, got 2"),
        (torch.zeros(0), torch.zeros(0, dtype=torch.bool), ValueError, "got 0 and 0"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(measure, scores, same, error, says):
    with pytest.raises(error, match=says):
        measure(scores, same)


def test_far_and_folds_out_of_range():
    scores, same = torch.tensor([0.1, 0.2]), torch.tensor([True, False])
    with pytest.raises(ValueError, match=r"far must be in 0..1, got 1.5"):
        tar_at_far(scores, same, 1.5)
    for folds in (1, 3):
        with pytest.raises(ValueError, match=rf"folds must be in 2..2 \(pairs\), got {folds}"):
            kfold_accuracy(scores, same, folds)
    with pytest.raises(ValueError, match="both same and different pairs are needed, got 0 and 1"):
        kfold_accuracy(scores, same, 2)


def test_nothing_is_changed_and_gradients_are_no_hindrance():
    scores = torch.tensor([0.3, 0.1, 0.2], requires_grad=True)
    same = torch.tensor([True, False, True])
    assert curves.auc(scores, same) == 1.0
    assert scores.tolist() == pytest.approx([0.3, 0.1, 0.2])
