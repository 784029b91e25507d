"""Collapse level and effective rank: at the ends of their scales, and against what they ignore."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.self_supervision.probes import (
    collapse_level,
    effective_rank,
    few_label_probe,
    few_labels,
    knn_accuracy,
    linear_probe,
)


def cloud(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_cloud_fills_the_sphere_and_a_point_does_not():
    assert collapse_level(cloud(4000, 16)) == pytest.approx(1, abs=0.02)
    assert effective_rank(cloud(4000, 16)) == pytest.approx(16, abs=0.1)
    point = torch.full((50, 16), 0.3)
    assert collapse_level(point) == pytest.approx(0, abs=1e-6) and effective_rank(point) == 0


def test_near_a_point_the_level_falls_and_the_rank_does_not():
    near = 1 + 1e-3 * cloud(1000, 16)
    assert collapse_level(near) < 0.01 and effective_rank(near) > 15


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 999))
def test_size_and_order_do_not_count(n, d, seed):
    x = cloud(n, d, seed)
    for measure in (collapse_level, effective_rank):
        assert measure(x.flip(0)) == pytest.approx(measure(x), abs=1e-5)
        assert measure(5 * x) == pytest.approx(measure(x), abs=1e-5)
    assert 0 <= effective_rank(x) <= min(max(n - 1, 0), d) + 1e-5
    assert 0 <= collapse_level(x) <= 1 + 1e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_type(dtype):
    x = cloud(40, 6).to(dtype)
    assert math.isfinite(collapse_level(x)) and math.isfinite(effective_rank(x))


@pytest.mark.parametrize("measure", [collapse_level, effective_rank])
def test_bad_input_is_refused(measure):
    with pytest.raises(ValueError, match="NaN or infinity"):
        measure(torch.tensor([[math.nan, 1.0]]))
    with pytest.raises(TypeError, match=measure.__name__):
        measure([[1.0]])


def knn_by_hand(x, labels, x_test, labels_test, k):
    mean, spread = x.mean(0), x.std(0, correction=0)
    right = 0
    for row, label in zip((x_test - mean) / spread, labels_test.tolist(), strict=True):
        cosines = torch.cosine_similarity((x - mean) / spread, row[None])
        votes = {}
        for i in cosines.argsort(descending=True)[:k].tolist():
            votes[labels[i].item()] = votes.get(labels[i].item(), 0) + math.exp(cosines[i] / 0.1)
        right += max(votes, key=votes.get) == label
    return right / len(x_test)


@given(st.integers(3, 12), st.integers(2, 5), st.integers(1, 3), st.integers(0, 999))
def test_neighbours_vote_as_by_hand(n, d, k, seed):
    x, x_test = cloud(n, d, seed), cloud(7, d, seed + 1)
    labels = torch.arange(n) % 3
    expected = knn_by_hand(x, labels, x_test, torch.arange(7) % 3, k)
    assert knn_accuracy(x, labels, x_test, torch.arange(7) % 3, k) == pytest.approx(expected)


def test_a_linear_probe_finds_what_a_line_can_tell_and_no_more():
    x, x_test = cloud(400, 3), cloud(300, 3, 1)
    line, square = (lambda x: (x[:, 0] > 0).long()), (lambda x: (x[:, 0] * x[:, 1] > 0).long())
    assert linear_probe(x, line(x), x_test, line(x_test)) > 0.95
    assert linear_probe(x, square(x), x_test, square(x_test)) < 0.65
    assert knn_accuracy(x, square(x), x_test, square(x_test)) > 0.8


def test_scale_and_shift_of_features_do_not_count():
    x, x_test, labels = cloud(60, 4), cloud(50, 4, 1), torch.arange(60) % 3
    scale, shift = torch.tensor([1.0, 100.0, 0.01, 5.0]), torch.tensor([3.0, 0.0, -2.0, 50.0])
    for probe in (linear_probe, knn_accuracy):
        expected = probe(x, labels, x_test, torch.arange(50) % 3)
        got = probe(x * scale + shift, labels, x_test * scale + shift, torch.arange(50) % 3)
        assert got == expected


def test_a_feature_that_never_changes_does_not_count():
    x, x_test = cloud(60, 3).float(), cloud(50, 3, 1).float()
    labels, labels_test = torch.arange(60) % 3, torch.arange(50) % 3
    still = torch.full((60, 1), 0.1), torch.full((50, 1), 7.0)
    for probe in (linear_probe, knn_accuracy):
        more = probe(
            torch.cat([x, still[0]], 1), labels, torch.cat([x_test, still[1]], 1), labels_test
        )
        assert more == probe(x, labels, x_test, labels_test)


@given(st.integers(1, 4), st.integers(0, 999))
def test_few_labels_are_as_many_of_every_class(count, seed):
    labels = torch.tensor([0, 2, 2, 0, 5, 2, 0, 5, 0, 5, 2, 5])
    chosen = few_labels(labels, count, seed)
    assert labels[chosen].tolist() == [c for c in (0, 2, 5) for _ in range(count)]
    assert len(chosen.unique()) == len(chosen)
    assert torch.equal(chosen, few_labels(labels, count, seed))


def test_one_label_a_class_is_no_reason_to_warn(recwarn):
    x, y = cloud(20, 4), torch.arange(20)
    assert few_label_probe(x, y, x, y, count=1, draws=1) > 0.5
    assert not recwarn.list


def test_a_probe_with_few_labels_is_the_mean_of_its_draws():
    x, y = cloud(60, 4), torch.arange(60) % 3
    x = x + torch.eye(4, dtype=x.dtype)[y]
    found = few_label_probe(x[:40], y[:40], x[40:], y[40:], count=2, draws=3)
    draws = [few_labels(y[:40], 2, seed) for seed in (0, 1, 2)]
    one = [linear_probe(x[c], y[c], x[40:], y[40:]) for c in draws]
    assert found == pytest.approx(sum(one) / 3) and len(set(one)) > 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x, y: linear_probe(x, y[:-1], x, y), r"labels must be a tensor \[6\]"),
        (lambda x, y: linear_probe(x, y, x, y.float()), "labels must be"),
        (lambda x, y: linear_probe(x, 0 * y, x, y), "two classes or more"),
        (lambda x, y: knn_accuracy(x, y, x, y, k=7), "k must be 6 at most"),
        (lambda x, y: knn_accuracy(x, y, x[:, :1], y), "one dimension"),
        (lambda x, y: few_label_probe(x, y, x, y, 1, draws=0), "draws must be"),
        (lambda x, y: few_labels(y, 3, 0), "class 0 has 2 images, not 3"),
    ],
)
def test_bad_input_of_the_probes_is_refused(call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call(cloud(6, 2), torch.arange(6) % 3)
