"""Losses and mining: by hand, as pytorch-metric-learning has them, as the library does, gradients too."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import miners
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.reducers import MeanReducer
from torch.nn import functional as F

from course_lib.by_definition import metric_learning as plain
from course_lib.by_definition.embeddings import euclidean
from course_lib.metric_learning import centers, margins, mining, pairs, triplets

LINE = torch.tensor([[0.0], [2.0], [0.5], [4.0]])  # four points on a line
TWO_CLASSES = torch.tensor([0, 0, 1, 1])


def rows(columns):
    return list(zip(*(part.tolist() for part in columns), strict=True))


def test_losses_by_hand():
    contrastive = (2**2 + (1 - 0.5) ** 2 + 0 + 0 + 0 + 3.5**2) / 2 / 6
    assert plain.contrastive_loss(LINE, TWO_CLASSES, margin=1.0).item() == pytest.approx(
        contrastive
    )
    rho, same = torch.tensor([0.25, 0.75, 3.0]), torch.tensor([True, False, False])
    assert plain.pair_loss(rho, same, margin=1.0).item() == pytest.approx((0.25 + 0.25 + 0) / 3)
    triplet = LINE[:1], LINE[1:2], LINE[2:3]
    assert plain.triplet_loss(*triplet, margin=0.5).item() == 4 - 0.25 + 0.5
    assert plain.triplet_loss(*triplet, margin=0.5, squared=False).item() == 2 - 0.5 + 0.5
    assert plain.triplet_loss(LINE[:1], LINE[2:3], LINE[1:2], margin=3.0).item() == 0
    ones = torch.tensor([[1.0], [1.0]])
    loss = plain.center_loss(LINE, TWO_CLASSES, ones).item()
    assert loss == pytest.approx((1 + 1 + 0.25 + 9) / 2 / 4)
    moved = plain.updated_centers(ones, LINE, TWO_CLASSES, rate=0.5)
    assert moved.flatten().tolist() == pytest.approx([1 - 0.5 * 0 / 3, 1 - 0.5 * (0.5 - 3) / 3])
    scores, ranked = torch.tensor([0.9, 0.5, 0.7, 0.7]), torch.tensor([[0, 1], [1, 2], [2, 3]])
    assert plain.pairwise_ranking_error(scores, ranked) == 1 / 3  # a tie is no error


def test_a_mean_over_one_is_that_one():
    one = torch.tensor([True])
    assert plain.contrastive_loss(LINE[:2], TWO_CLASSES[:2], margin=1.0).item() == 2
    assert plain.pair_loss(torch.tensor([0.5]), one, margin=1.0).item() == 0.5
    triplet = [torch.tensor([i]) for i in (0, 1, 2)]
    assert plain.mined_triplet_loss(euclidean(LINE, LINE), triplet, margin=0.5).item() == 2
    assert plain.pairwise_ranking_error(torch.tensor([0.1, 0.2]), [(0, 1)]) == 1


def test_mining_by_hand():
    d = euclidean(LINE, LINE)
    assert rows(plain.positive_pairs(TWO_CLASSES)) == [(0, 1), (1, 0), (2, 3), (3, 2)]
    assert rows(plain.all_triplets(torch.tensor([5, 7, 5]))) == [(0, 2, 1), (2, 0, 1)]
    # d(0, 1) = 2 < d(0, 3) = 4, d(1, 3) = 2 is not above d(1, 0) = 2; d(3, 2) = 3.5 < d(3, 0) = 4
    assert rows(plain.all_semi_hard_triplets(d, TWO_CLASSES, 9.0)) == [(0, 1, 3), (3, 2, 0)]
    assert rows(plain.all_semi_hard_triplets(d, TWO_CLASSES, 2.0)) == [
        (3, 2, 0)
    ]  # 4 is not below 4
    assert rows(plain.hard_triplets(d, TWO_CLASSES)) == [(0, 1, 2), (1, 0, 2), (2, 3, 0), (3, 2, 1)]
    labels = torch.tensor([0, 0, 1, 2])
    assert rows(plain.semi_hard_triplets(d, labels, 9.0)) == [(0, 1, 3)]
    assert rows(plain.hard_triplets(d, labels)) == [
        (0, 1, 2),
        (1, 0, 2),
    ]  # 1 is nearer to 2 than to 3
    alike = torch.tensor([0, 1, 2, 2, 1, 0, 9, 9, 2, 9, 0, 0, 2, 9, 0, 0.0]).view(4, 4)
    assert rows(plain.semi_hard_triplets(alike, labels, 9.0))[0] == (0, 1, 2)  # of equals the first
    for one_class in (torch.zeros(3).long(), torch.arange(3)):
        for mine in (plain.hard_triplets, lambda d, y: plain.semi_hard_triplets(d, y, 1.0)):
            assert rows(mine(d, one_class)) == []
    assert plain.batch_all_triplet_loss(d, torch.arange(4), 1.0) == 0
    assert plain.contrastive_loss(LINE[:1], TWO_CLASSES[:1], 1.0) == 0


def test_margins_by_hand():
    cosines, right = torch.tensor([[0.5, 0.2]]), torch.tensor([0])
    torch.testing.assert_close(plain.margin_logits(cosines, right), 16 * cosines)
    for margin, target in (
        ({}, 0.5),
        ({"m3": 0.35}, 0.15),
        ({"m2": math.pi / 6}, 0.0),  # 60 and 30 degrees
        ({"m1": 3.0}, -1.0),
        ({"m1": 4.0}, -0.5 * -1 - 2),  # 240 degrees: the fall goes on
        ({"m1": 6.0}, -3.0),
    ):
        logits = plain.margin_logits(cosines, right, **margin, s=10.0)
        torch.testing.assert_close(logits, torch.tensor([[10 * target, 2.0]]), atol=1e-4, rtol=0)


def batch(size, classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    return x, torch.randint(classes, (size,), generator=generator)


def agree(ours, theirs, x, **how):
    """One value, and one gradient."""
    torch.testing.assert_close(torch.as_tensor(ours).to(theirs), theirs, **how)
    if torch.is_tensor(ours) and ours.requires_grad:
        gradients = [torch.autograd.grad(loss, x, retain_graph=True)[0] for loss in (ours, theirs)]
        torch.testing.assert_close(*gradients, **how)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 999), st.floats(0.1, 3))
def test_losses_are_the_librarys(size, classes, seed, margin):
    x, labels = batch(size, classes, seed)
    agree(plain.contrastive_loss(x, labels, margin), pairs.contrastive_loss(x, labels, margin), x)
    d, listed = euclidean(x, x, squared=True), plain.all_triplets(labels)
    agree(
        plain.batch_all_triplet_loss(d, labels, margin),
        triplets.batch_all_triplet_loss(d, labels, margin),
        x,
    )
    ours = plain.mined_triplet_loss(d, listed, margin)
    agree(ours, triplets.mined_triplet_loss(d, listed, margin), x)
    parts = [x[part] for part in listed]
    if len(parts[0]) > 0:
        for squared in (True, False):
            ours = plain.triplet_loss(*parts, margin, squared)
            agree(ours, triplets.triplet_loss(*parts, margin, squared), x)
    places = torch.randn(classes, 4, dtype=torch.float64)
    agree(plain.center_loss(x, labels, places), centers.center_loss(x, labels, places), x)
    module = centers.CenterLoss(classes, 4, rate=0.3).double()
    module.centers.copy_(places)
    module(x.detach(), labels)
    torch.testing.assert_close(
        plain.updated_centers(places, x.detach(), labels, 0.3), module.centers
    )
    rho, same = d[0], labels == labels[0]
    agree(plain.pair_loss(rho, same, margin), pairs.pair_loss(rho, same, margin), x)
    scores, ranked = x[:, 0].detach(), torch.randint(size, (5, 2))
    ours = plain.pairwise_ranking_error(scores, ranked)
    agree(ours, triplets.pairwise_ranking_error(scores, ranked), x)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10), st.integers(1, 4), st.integers(0, 999), st.floats(0.05, 3))
def test_mining_is_the_librarys(size, classes, seed, margin):
    x, y = batch(size, classes, seed)
    d = euclidean(x, x).detach()
    assert rows(plain.positive_pairs(y)) == rows(mining.positive_pairs(y))
    assert rows(plain.all_triplets(y)) == rows(mining.all_triplets(y))
    assert rows(plain.hard_triplets(d, y)) == rows(mining.hard_triplets(d, y))
    for name in ("semi_hard_triplets", "all_semi_hard_triplets"):
        ours, theirs = (getattr(module, name)(d, y, margin) for module in (plain, mining))
        assert rows(ours) == rows(theirs)


def test_as_pytorch_metric_learning():
    x, labels = batch(20, 4)
    distance = LpDistance(normalize_embeddings=False)
    squares = LpDistance(normalize_embeddings=False, power=2)
    d = euclidean(x, x)
    theirs = pml.TripletMarginLoss(margin=0.7, distance=squares, reducer=MeanReducer())(x, labels)
    ours = plain.batch_all_triplet_loss(euclidean(x, x, squared=True), labels, 0.7)
    agree(ours, theirs, x, rtol=1e-5, atol=1e-6)
    # what theirs calls semi-hard are all of them
    theirs = miners.TripletMarginMiner(0.4, "semihard", distance=distance)(x, labels)
    assert sorted(rows(plain.all_semi_hard_triplets(d, labels, 0.4))) == sorted(rows(theirs))
    theirs = miners.BatchHardMiner(distance=distance)(x, labels)
    assert sorted(rows(plain.hard_triplets(d, labels))) == sorted(rows(theirs))
    a, p, n = (x[part] for part in plain.all_triplets(labels))
    ours = plain.triplet_loss(a, p, n, 0.7, squared=False)
    agree(ours, F.triplet_margin_loss(a, p, n, margin=0.7, eps=0), x)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5), st.integers(1, 4), st.integers(0, 999), st.floats(0.5, 4), st.floats(0, 1.5)
)
def test_margins_are_the_librarys(size, classes, seed, m1, m2):
    generator = torch.Generator().manual_seed(seed)
    cosines = 2 * torch.rand(size, classes, generator=generator, dtype=torch.float64) - 1
    labels = torch.randint(classes, (size,), generator=generator)
    cosines.requires_grad_()
    ours, theirs = (
        module.margin_logits(cosines, labels, m1, m2, m3=0.2, s=30.0) for module in (plain, margins)
    )
    agree(ours.square().sum(), theirs.square().sum(), cosines)
    torch.testing.assert_close(ours, theirs)
