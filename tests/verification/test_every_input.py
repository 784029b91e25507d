"""Verification on what is seldom tried: infinite scores, floating types, autocast, lists."""

import math

import pytest
import torch

from course_lib.arguments import FLOATS
from course_lib.verification.curves import (
    all_pairs,
    auc,
    det,
    equal_error_rate,
    kfold_accuracy,
    roc,
    tar_at_far,
)

MEASURES = {
    "roc": roc,
    "det": det,
    "auc": auc,
    "equal_error_rate": equal_error_rate,
    "tar_at_far": lambda s, y: tar_at_far(s, y, 0.25),
    "kfold_accuracy": lambda s, y: kfold_accuracy(s, y, 2),
}
SAME = torch.tensor([True, False, False, True, True, False])


@pytest.mark.parametrize("level", [math.inf, -math.inf, 0.0, 1e300])
@pytest.mark.parametrize("dtype", FLOATS)
def test_equal_scores_are_a_tie_infinite_ones_too(level, dtype):
    scores = torch.full((6,), level, dtype=torch.float64).to(dtype)
    for same in (SAME, ~SAME):
        assert auc(scores, same) == 0.5 and equal_error_rate(scores, same) == 0.5
        assert [len(part) for part in roc(scores, same)] == [2, 2, 2]
        assert tar_at_far(scores, same, 0.5) == 0 and tar_at_far(scores, same, 1) == 1
        assert kfold_accuracy(scores, same, 2).isfinite().all()


def test_a_fold_where_nothing_is_accepted_accepts_no_infinite_score_either():
    # on the other fold the best is to accept nothing
    scores = torch.tensor([math.inf, 0.0, math.inf, math.inf, math.inf, -math.inf])
    same = torch.tensor([False, True, True, False, False, False])
    fold = torch.tensor([0, 0, 1, 1, 1, 1])
    assert kfold_accuracy(scores, same, fold)[0] == 0.5


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", MEASURES)
def test_every_floating_type_is_judged_as_float64(name, dtype):
    scores = torch.randn(40, generator=torch.Generator().manual_seed(0)).to(dtype)
    same = torch.arange(40) % 3 == 0
    expected = MEASURES[name](scores.double(), same)
    scores.requires_grad_()
    for given in (scores, torch.stack([scores, scores], dim=1)[:, 0]):
        torch.testing.assert_close(MEASURES[name](given, same), expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_all_pairs_of_every_type(dtype):
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    x[1] = x[0]
    labels = torch.arange(20) % 4
    expected = all_pairs(x.double(), labels)[0]
    scores, _ = all_pairs(x, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under, _ = all_pairs(x, labels)
    for cosines in (scores, under):
        torch.testing.assert_close(cosines.double(), expected, rtol=0, atol=1e-5)
        assert cosines.max() <= 1 and cosines.min() >= -1


@pytest.mark.parametrize("name", MEASURES)
def test_what_is_no_tensor_or_of_one_kind_is_refused_by_name(name):
    scores = torch.arange(6.0)
    for bad in (scores.tolist(), scores.numpy(), None, scores.long()):
        with pytest.raises(TypeError, match=rf"^{name}: scores must be a tensor \[N\]"):
            MEASURES[name](bad, SAME)
    for bad in (SAME.tolist(), SAME.numpy(), None, SAME.long()):
        with pytest.raises(TypeError, match=rf"^{name}: same must be a tensor \[N\] of bool"):
            MEASURES[name](scores, bad)
    with pytest.raises(ValueError, match=f"^{name}: both same and different pairs are needed"):
        MEASURES[name](scores, SAME | True)
    with pytest.raises(ValueError, match=f"^{name}: scores have NaN"):
        MEASURES[name](torch.tensor([0, 1, math.inf, 2, 3, math.nan]), SAME)
