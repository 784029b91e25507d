"""Which triplets are mined: by loops over all of them, the peer, invariants, bad input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.by_definition import metric_learning as plain
from course_lib.embeddings.distances import euclidean
from course_lib.metric_learning import mining

batches = st.lists(st.integers(0, 3), min_size=1, max_size=12)


def rows(triplets):
    return list(zip(*(part.tolist() for part in triplets), strict=True))


def points(labels, seed):
    x = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(seed))
    return euclidean(x, x), torch.tensor(labels)


@given(batches)
def test_all_triplets(labels):
    assert rows(mining.all_triplets(torch.tensor(labels))) == rows(plain.all_triplets(labels))


@given(batches, st.integers(0, 10**6))
def test_random_triplets_are_one_for_each_positive_pair(labels, seed):
    generator = torch.Generator().manual_seed(seed)
    found = rows(mining.random_triplets(torch.tensor(labels), generator))
    every = rows(plain.all_triplets(labels))
    assert set(found) <= set(every)
    assert [(a, p) for a, p, _ in found] == sorted({(a, p) for a, p, _ in every})


def test_random_negatives_are_uniform():
    labels = torch.tensor([3, 1, 3, 0, 1, 2])  # negatives of 0: 1, 3, 4, 5
    generator = torch.Generator().manual_seed(0)
    drawn = [mining.random_triplets(labels, generator) for _ in range(4000)]
    negatives = torch.stack([n[a == 0] for a, _, n in drawn]).flatten()
    counts = negatives.bincount(minlength=6)
    assert counts[[0, 2]].tolist() == [0, 0]
    assert (counts[[1, 3, 4, 5]] - 1000).abs().max() < 130  # four standard deviations


@settings(max_examples=80, deadline=None)
@given(batches, st.integers(0, 10**6), st.floats(0.05, 3))
def test_semi_hard_in_both_senses(labels, seed, margin):
    d, y = points(labels, seed)
    for name in ("all_semi_hard_triplets", "semi_hard_triplets"):
        ours, expected = (getattr(module, name)(d, y, margin) for module in (mining, plain))
        assert rows(ours) == rows(expected)


@settings(max_examples=80, deadline=None)
@given(batches, st.integers(0, 10**6))
def test_batch_hard(labels, seed):
    d, y = points(labels, seed)
    assert rows(mining.hard_triplets(d, y)) == rows(plain.hard_triplets(d, y))


def test_as_pytorch_metric_learning():
    from pytorch_metric_learning import miners
    from pytorch_metric_learning.distances import LpDistance

    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    labels, plain = torch.arange(60) // 5, LpDistance(normalize_embeddings=False)
    d = euclidean(x, x)
    theirs = miners.TripletMarginMiner(0.4, "semihard", distance=plain)(x, labels)
    assert sorted(rows(mining.all_semi_hard_triplets(d, labels, 0.4))) == sorted(rows(theirs))
    theirs = miners.BatchHardMiner(distance=plain)(x, labels)
    assert sorted(rows(mining.hard_triplets(d, labels))) == sorted(rows(theirs))


def test_mined_kinds_never_hold_all_triplets(monkeypatch):
    """2,048 pictures, 2 of a class: B^3 numbers would be 34 GB, B^2 K are 16 million."""
    labels = torch.arange(2048) // 2
    d = torch.rand(2048, 2048, generator=torch.Generator().manual_seed(0))
    assert len(mining.semi_hard_triplets(d, labels, 0.1)[0]) > 1500
    assert len(mining.hard_triplets(d, labels)[0]) == 2048
    assert len(mining.random_triplets(labels)[0]) == 2048


def test_nothing_is_mined_where_there_is_nothing():
    for labels in ([0], [0, 0, 0], [0, 1, 2]):
        d, y = points(labels, 0)
        for found in (
            mining.all_triplets(y),
            mining.random_triplets(y),
            mining.semi_hard_triplets(d, y, 1.0),
            mining.all_semi_hard_triplets(d, y, 1.0),
            mining.hard_triplets(d, y),
        ):
            assert [part.tolist() for part in found] == [[], [], []]
            assert all(part.dtype == torch.int64 for part in found)


@pytest.mark.parametrize("mine", [
    lambda d, y: mining.semi_hard_triplets(d, y, 0.2),
    lambda d, y: mining.all_semi_hard_triplets(d, y, 0.2),
    mining.hard_triplets,
])  # fmt: skip
@pytest.mark.parametrize(
    "distances, labels, error, says",
    [
        (torch.zeros(2, 3), torch.tensor([0, 1]), ValueError, r"distances must be \[B, B\], got \[2, 3\]"),
        (torch.zeros(2, 2), torch.tensor([0.0, 1]), TypeError, r"labels must .* int64, got .* of float32"),
        (torch.zeros(2, 2), torch.tensor([[0, 1]]), ValueError, r"labels must be a tensor \[B\] .* got \[1, 2\]"),
        (torch.full((2, 2), torch.nan), torch.tensor([0, 1]), ValueError, "distances .* has NaN or infinity"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(mine, distances, labels, error, says):
    with pytest.raises(error, match=says):
        mine(distances, labels)


def test_a_margin_must_be_above_zero():
    d, y = points([0, 0, 1], 0)
    for mine in (mining.semi_hard_triplets, mining.all_semi_hard_triplets):
        with pytest.raises(ValueError, match=f"{mine.__name__}: margin must be above 0, got 0"):
            mine(d, y, 0)
