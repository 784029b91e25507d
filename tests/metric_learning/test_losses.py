"""Contrastive, triplet, center and pair losses: the lecture's formulas in loops, the peer, gradients, bad input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.by_definition import metric_learning as plain
from course_lib.embeddings.distances import euclidean
from course_lib.metric_learning import centers, margins, mining
from course_lib.metric_learning.pairs import (
    RhoNetwork,
    contrastive_loss,
    pair_loss,
    rho_cosine,
    rho_l2,
)
from course_lib.metric_learning.triplets import (
    batch_all_triplet_loss,
    mined_triplet_loss,
    pairwise_ranking_error,
    triplet_loss,
)


def batch(size: int, classes: int, dim: int = 5, seed: int = 0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, dim, generator=generator, dtype=dtype)
    return x, torch.randint(classes, (size,), generator=generator)


sizes = st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 5), st.integers(0, 10**6))


@settings(max_examples=60, deadline=None)
@given(sizes, st.floats(0.1, 5))
def test_contrastive_is_the_lectures_sum(shape, margin):
    x, labels = batch(*shape)
    expected = float(plain.contrastive_loss(x, labels, margin))
    assert contrastive_loss(x, labels, margin).item() == pytest.approx(expected, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(sizes, st.floats(0, 3), st.booleans())
def test_all_triplets_three_ways(shape, margin, squared):
    x, labels = batch(*shape)
    d, triplets = euclidean(x, x, squared), mining.all_triplets(labels)
    ways = [
        batch_all_triplet_loss(d, labels, margin),
        mined_triplet_loss(d, triplets, margin),
        triplet_loss(*(x[part] for part in triplets), margin, squared),
    ]
    every = plain.all_triplets(labels)
    expected = float(plain.triplet_loss(*(x[part] for part in every), margin, squared))
    assert [way.item() for way in ways] == pytest.approx([expected] * 3, abs=1e-4)


def test_batch_all_in_more_than_one_tile():
    x, labels = batch(120, 5)  # some 2,800 positive pairs, tiles of 1,024
    d = euclidean(x, x)
    assert len(mining.positive_pairs(labels)[0]) > 2048
    listed = mined_triplet_loss(d, mining.all_triplets(labels), 1.0)
    torch.testing.assert_close(batch_all_triplet_loss(d, labels, 1.0), listed)


def test_as_pytorch_metric_learning_where_it_means_the_same():
    from pytorch_metric_learning import losses as pml
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.reducers import MeanReducer

    x, labels = batch(40, 6)
    plain = LpDistance(normalize_embeddings=False)
    squares = LpDistance(normalize_embeddings=False, power=2)
    theirs = pml.TripletMarginLoss(margin=0.7, distance=squares, reducer=MeanReducer())(x, labels)
    ours = batch_all_triplet_loss(euclidean(x, x, squared=True), labels, 0.7)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    # theirs is not squared, and the mean of same pairs is added to the mean of different ones
    theirs = pml.ContrastiveLoss(0, 3.0, distance=plain, reducer=MeanReducer())(x, labels)
    upper = torch.ones(40, 40, dtype=torch.bool).triu(1)
    rho, same = euclidean(x, x)[upper], (labels[:, None] == labels)[upper]
    ours = pair_loss(rho[same], same[same], 3.0)
    ours = ours + pair_loss(rho[~same], same[~same], 3.0)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_losses_do_not_care_where_space_lies_nor_in_which_order_the_batch_is(seed):
    x, labels = batch(9, 3, seed=seed)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(seed)))[0]
    order = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
    for loss in (
        lambda x, y: contrastive_loss(x, y, 1.5),
        lambda x, y: batch_all_triplet_loss(euclidean(x, x), y, 0.5),
    ):
        first = loss(x, labels)
        torch.testing.assert_close(loss(x @ turn + 3, labels), first, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(loss(x[order], labels[order]), first)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: contrastive_loss(x, y, 1.5),
        lambda x, y: batch_all_triplet_loss(euclidean(x, x), y, 0.5),
        lambda x, y: mined_triplet_loss(euclidean(x, x, True), mining.all_triplets(y), 0.5),
        lambda x, y: triplet_loss(*(x[part] for part in mining.all_triplets(y)), 0.5, False),
        lambda x, y: centers.center_loss(x, y, torch.arange(15.0).double().view(3, 5)),
        lambda x, y: pair_loss(rho_cosine(x, x.flip(0)), y == y.flip(0), 0.9),
        lambda x, y: pair_loss(rho_l2(x, x.flip(0)), y == y.flip(0), 4.0),
    ],
)  # fmt: skip
def test_gradients(loss):
    x, labels = batch(8, 3, dtype=torch.float64)
    labels[:3] = torch.arange(3)
    x.requires_grad_()
    assert loss(x, labels) > 0
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), x)


@pytest.mark.parametrize("labels", [[0], [0, 0, 0], [0, 1, 2]])
@pytest.mark.parametrize("same_place", [False, True])
def test_batches_that_hold_no_pair_or_no_triplet_give_a_number_and_a_finite_gradient(
    labels, same_place
):
    labels = torch.tensor(labels)
    x = torch.zeros(len(labels), 4) if same_place else torch.randn(len(labels), 4)
    d = lambda: euclidean(x, x)  # noqa: E731
    x.requires_grad_()
    for loss, is_zero in (
        (lambda: contrastive_loss(x, labels, 1.0), len(labels) == 1),
        (lambda: batch_all_triplet_loss(d(), labels, 1.0), True),
        (lambda: mined_triplet_loss(d(), mining.all_triplets(labels), 1.0), True),
        (
            lambda: triplet_loss(*(x[i] for i in mining.all_triplets(labels)), 1.0),
            True,
        ),
        (
            lambda: mined_triplet_loss(d(), mining.hard_triplets(d(), labels), 1.0),
            True,
        ),
    ):
        x.grad = None
        value = loss()
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(x.grad).all()
        if is_zero:
            assert value == 0 and (x.grad == 0).all()


def test_center_loss_moves_its_centres_as_the_paper_says():
    x, labels = batch(20, 3, dim=2)
    module = centers.CenterLoss(classes=4, dim=2, rate=0.25)
    module.centers.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [5, 5]]))
    before = module.centers.clone()
    loss = module(x, labels)
    torch.testing.assert_close(loss, plain.center_loss(x, labels, before))
    torch.testing.assert_close(module.centers, plain.updated_centers(before, x, labels, 0.25))
    module.eval()
    kept = module.centers.clone()
    module(x, labels)
    assert torch.equal(module.centers, kept)
    for _ in range(200):
        module.train()(x, labels)
    means = torch.stack([x[labels == j].mean(0) for j in range(3)])
    torch.testing.assert_close(module.centers[:3], means, atol=1e-4, rtol=1e-4)


def test_centres_may_move_between_the_loss_and_its_backward_pass():
    x, labels = batch(6, 2, dim=3)
    x.requires_grad_()
    module = centers.CenterLoss(2, 3)
    module(x, labels).backward()
    torch.testing.assert_close(x.grad, x.detach() / 6)  # the centres were 0 when the loss was taken


def test_rho_is_symmetric_and_the_network_learns_one():
    x, y = torch.randn(2, 64, 6, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    network = RhoNetwork(6)
    for rho in (rho_cosine, rho_l2, network):
        torch.testing.assert_close(rho(x, y), rho(y, x))
        assert rho(x, y).shape == (64,) and (rho(x, y) >= 0).all()
    same = (x[:, 0] > 0) == (y[:, 0] > 0)  # what makes a pair "same" is hidden in one number
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        pair_loss(network(x, y), same, 2.0).backward()
        optimizer.step()
    rho = network(x, y)
    assert ((rho < 1) == same).float().mean() > 0.95


def test_pair_loss_is_the_lectures():
    rho, same = torch.tensor([0.2, 0.7, 1.4, 0.1]), torch.tensor([True, True, False, False])
    expected = (0.2 + 0.7 + max(0, 1 - 1.4) + (1 - 0.1)) / 4
    assert pair_loss(rho, same, 1.0).item() == pytest.approx(expected)
    assert pair_loss(rho[:0], same[:0], 1.0) == 0


def test_ranking_error_is_one_minus_auc_of_all_pairs():
    from sklearn.metrics import roc_auc_score

    generator = torch.Generator().manual_seed(0)
    scores, same = torch.rand(60, generator=generator), torch.rand(60, generator=generator) < 0.4
    pairs = torch.cartesian_prod(same.nonzero()[:, 0], (~same).nonzero()[:, 0])
    error = pairwise_ranking_error(scores, pairs).item()
    assert error == pytest.approx(1 - roc_auc_score(same, scores))
    assert pairwise_ranking_error(scores, pairs[:0]) == 0
    assert pairwise_ranking_error(torch.zeros(60), pairs) == 0  # ties are no errors


NAN = torch.tensor([[0.0, torch.nan]])
TWO, LABELS = torch.ones(2, 3), torch.tensor([0, 1])


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: contrastive_loss(NAN, LABELS[:1], 1), ValueError, "contrastive_loss: x .* NaN or infinity"),
        (lambda: contrastive_loss(TWO, LABELS[:1], 1), ValueError, r"labels must be a tensor \[2\] .* got \[1\]"),
        (lambda: contrastive_loss(TWO, LABELS.float(), 1), TypeError, r"labels must .* int64, got .* of float32"),
        (lambda: contrastive_loss(TWO, LABELS, 0.0), ValueError, "margin must be above 0, got 0.0"),
        (lambda: contrastive_loss(TWO, LABELS, float("nan")), ValueError, "margin must be above 0, got nan"),
        (lambda: triplet_loss(TWO, TWO, TWO[:1], 1), ValueError, r"got .* positive \[2, 3\] and negative \[1, 3\]"),
        (lambda: triplet_loss(TWO, TWO, TWO * torch.nan, 1), ValueError, "triplet_loss: negative .* NaN"),
        (lambda: triplet_loss(TWO, TWO, TWO, -1), ValueError, "margin must be 0 or above, got -1"),
        (lambda: batch_all_triplet_loss(TWO, LABELS, 1), ValueError, r"distances must be \[B, B\], got \[2, 3\]"),
        (lambda: centers.center_loss(TWO, LABELS, torch.zeros(1, 3)), ValueError, r"lie in 0..0, got 0 to 1"),
        (lambda: centers.center_loss(TWO, -LABELS, torch.zeros(2, 3)), ValueError, r"lie in 0..1, got -1 to 0"),
        (lambda: pair_loss(TWO, LABELS > 0, 1), ValueError, r"rho must be a tensor \[N\] .* got \[2, 3\]"),
        (lambda: pair_loss(TWO[0, :2], LABELS, 1), TypeError, r"same must .* of bool, got \[2\] of int64"),
        (lambda: rho_l2(TWO, TWO[:, :2]), ValueError, r"got x \[2, 3\] and y \[2, 2\]"),
        (lambda: pairwise_ranking_error(TWO[0], TWO), TypeError, r"pairs must be a tensor \[R, 2\] of int64"),
        (lambda: pairwise_ranking_error(TWO[0], LABELS[None] + 2), ValueError, r"lie in 0..2, got 2 to 3"),
        (lambda: pairwise_ranking_error(NAN[0], LABELS[None]), ValueError, "scores have NaN"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_the_margin_head_can_be_had_from_losses():
    assert isinstance(margins.MarginSoftmax(3, 2), nn.Module)
