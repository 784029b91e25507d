"""Every loss and miner on what is seldom tried: floating types, autocast, huge values, lists, empty batches."""

import math

import numpy as np
import pytest
import torch

from course_lib.arguments import FLOATS
from course_lib.embeddings.distances import euclidean
from course_lib.metric_learning import margins, mining, triplets
from course_lib.metric_learning.centers import CenterLoss, center_loss
from course_lib.metric_learning.margins import MarginSoftmax
from course_lib.metric_learning.pairs import (
    RhoNetwork,
    contrastive_loss,
    pair_loss,
    rho_cosine,
    rho_l2,
)

CENTERS = torch.randn(4, 8, generator=torch.Generator().manual_seed(7))
TOLERANCE = {torch.float16: 0.02, torch.bfloat16: 0.1, torch.float32: 1e-5, torch.float64: 1e-5}


def chosen(x, squared=False):
    """Distances in the type of x: here the losses are tested, not the distance."""
    return euclidean(x.double(), x.double(), squared).to(x.dtype)


LOSSES = {
    "contrastive_loss": lambda x, y: contrastive_loss(x, y, 1.5),
    "pair_loss": lambda x, y: pair_loss(rho_l2(x, x.flip(0)), y == y.flip(0), 3.0),
    "rho_cosine": lambda x, y: rho_cosine(x, x.flip(0)).sum(),
    "rho_l2": lambda x, y: rho_l2(x, x.flip(0)).sum(),
    "triplet_loss": lambda x, y: triplets.triplet_loss(x, x.roll(1, 0), x.roll(2, 0), 0.5),
    "triplet_loss, not squared": lambda x, y: triplets.triplet_loss(
        x, x.roll(1, 0), x.roll(2, 0), 0.5, squared=False
    ),
    "mined_triplet_loss": lambda x, y: triplets.mined_triplet_loss(
        chosen(x), mining.all_triplets(y), 0.5
    ),
    "batch_all_triplet_loss": lambda x, y: triplets.batch_all_triplet_loss(chosen(x), y, 0.5),
    "center_loss": lambda x, y: center_loss(x, y, CENTERS.to(x.dtype)),
    "center_loss, mixed types": lambda x, y: center_loss(x, y, CENTERS.double()),
    "CenterLoss": lambda x, y: CenterLoss(4, 8)(x, y),
    "MarginSoftmax": lambda x, y: head()(x, y),
    "MarginSoftmax in the type of x": lambda x, y: head().to(x.dtype)(x, y),
}


def head():
    torch.manual_seed(0)
    return MarginSoftmax(4, 8, m1=1.1, m2=0.4, m3=0.1)


def batch(size=24, dtype=torch.float32):
    x = torch.randn(size, 8, generator=torch.Generator().manual_seed(1))
    return x.to(dtype), torch.arange(size) % 4


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LOSSES)
def test_every_floating_type_gives_the_loss_of_float64(name, dtype):
    x, labels = batch(dtype=dtype)
    x.requires_grad_()
    exact = x.detach().double().requires_grad_()
    loss, expected = LOSSES[name](x, labels), LOSSES[name](exact, labels)
    assert loss.item() == pytest.approx(expected.item(), rel=TOLERANCE[dtype])
    if not name.startswith("rho") and "mixed" not in name:
        assert loss.dtype == torch.promote_types(dtype, torch.float32)
    loss.backward()
    expected.backward()
    assert x.grad.dtype == dtype and x.grad.isfinite().all()
    torch.testing.assert_close(x.grad.double(), exact.grad, rtol=0.1, atol=0.2 * TOLERANCE[dtype])


@pytest.mark.parametrize("name", LOSSES)
def test_under_autocast_the_loss_is_the_same(name):
    x, labels = batch()
    expected = LOSSES[name](x, labels)
    for given in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = LOSSES[name](given, labels)
        assert loss.item() == pytest.approx(
            expected.item(), rel=1e-5 if given is x else 0.05, abs=1e-6 if given is x else 2e-3
        )
        assert loss.dtype in (torch.float32, expected.dtype) or name.startswith("rho")


@pytest.mark.parametrize("name", LOSSES)
def test_equal_embeddings_have_a_finite_gradient(name):
    x = torch.ones(6, 8, requires_grad=True)
    LOSSES[name](x, torch.tensor([0, 0, 1, 1, 2, 3])).backward()
    assert x.grad.isfinite().all()
    if "enter" not in name and "Margin" not in name:
        assert x.grad.abs().max() < 1e-6


@pytest.mark.parametrize("size", [1e20, 1e-30])
@pytest.mark.parametrize("name", LOSSES)
def test_huge_and_tiny_embeddings_are_computed_or_refused(name, size):
    x, labels = batch()
    x = (x * size).requires_grad_()
    try:
        loss = LOSSES[name](x, labels)
    except ValueError as error:
        # the squares are beyond float32
        assert size == 1e20 and "beyond torch.float32" in str(error)
        return
    expected = LOSSES[name](x.detach().double(), labels)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-35)
    loss.backward()
    assert x.grad.isfinite().all()


def test_rho_l2_of_huge_and_tiny_vectors():
    for size in (1e20, 1e-30):
        x, y = torch.tensor([[3 * size, 0.0]], requires_grad=True), torch.tensor([[0.0, 4 * size]])
        rho = rho_l2(x, y)
        rho.sum().backward()
        assert rho.item() == pytest.approx(5 * size)
        assert x.grad[0].tolist() == pytest.approx([0.6, -0.8])
    with pytest.raises(ValueError, match=r"rho_l2: rho .* NaN or infinity"):
        rho_l2(torch.full((1, 4), 6e4).half(), torch.full((1, 4), -6e4).half())


def test_a_rho_network_takes_every_type_and_refuses_what_overflows():
    torch.manual_seed(0)
    rho, (x, _) = RhoNetwork(8), batch()
    expected = rho(x, x.flip(0))
    for dtype in FLOATS:
        got = rho(x.to(dtype), x.flip(0).to(dtype))
        torch.testing.assert_close(got, expected, rtol=0.05, atol=0.02)
    with pytest.raises(ValueError, match=r"RhoNetwork: rho .* NaN or infinity"):
        rho(x * 1e20, x * 1e20)
    with pytest.raises(
        ValueError, match=r"RhoNetwork: x must be a tensor \[N, 8\] .* got \[24, 4\]"
    ):
        rho(x[:, :4], x[:, :4])


MEMBERS = [margins.norm_softmax, margins.sphereface, margins.cosface, margins.arcface]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("member", MEMBERS)
def test_margins_in_every_floating_type(member, dtype):
    cosines = torch.linspace(-1, 1, 33, dtype=torch.float64)[:, None].repeat(1, 2).to(dtype)
    labels = torch.zeros(33, dtype=torch.int64)
    cosines.requires_grad_()
    logits = member(cosines, labels)
    assert logits.dtype == dtype
    torch.testing.assert_close(
        logits.double(), member(cosines.detach().double(), labels), rtol=1e-2, atol=16 * 8e-3
    )
    logits.sum().backward()
    # Where no angle is changed, a logit is s (cos - m3), its slope s. Elsewhere the ends have none, not infinity.
    slope = 16 if member in (margins.norm_softmax, margins.cosface) else 0
    assert cosines.grad.isfinite().all() and cosines.grad[[0, -1], 0].tolist() == [slope, slope]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(member(cosines, labels), logits)


@pytest.mark.parametrize("dtype", FLOATS)
def test_cosines_just_outside_by_rounding_are_the_ends(dtype):
    one = torch.ones((), dtype=dtype)
    above = torch.nextafter(one, 2 * one)
    cosines = torch.stack([above, -above])[:, None].requires_grad_()
    labels = torch.zeros(2, dtype=torch.int64)
    logits = margins.arcface(cosines, labels)
    ends = margins.arcface(cosines.detach().sign(), labels)
    torch.testing.assert_close(logits, ends, atol=0.2, rtol=0)
    logits.sum().backward()
    assert cosines.grad.tolist() == [[0], [0]]


def test_logits_in_place_of_cosines_are_refused():
    with pytest.raises(ValueError, match=r"margin_logits: cosines must lie in -1..1, got -3 to 5"):
        margins.arcface(torch.tensor([[5.0, -3.0]]), torch.tensor([0]))


def test_a_huge_scale_is_computed_or_refused():
    x, labels = batch()
    for s in (1e4, 1e30):
        loss = MarginSoftmax(4, 8, m2=0.5, s=s)(x, labels)
        assert loss.isfinite() and loss > 0
    for call in (
        lambda: MarginSoftmax(4, 8, s=2e38),
        lambda: margins.arcface(x[:, :4].half() / 8, labels, s=3e4),
    ):
        with pytest.raises(
            ValueError, match=r"(MarginSoftmax|margin_logits): logits up to .* beyond torch.float"
        ):
            call()
    for m1, m2 in ((1.0, 9.0), (50.0, 0.0)):
        x.grad = None
        MarginSoftmax(4, 8, m1=m1, m2=m2)(x.requires_grad_(), labels).backward()
        assert x.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_miners_choose_in_half_what_they_choose_among_the_same_distances_in_float64(dtype):
    x, labels = batch(256)
    # far apart, so that the sum of the distances overflows float16, and a margin is lost in them
    d = (1000 + 10 * euclidean(x, x)).fill_diagonal_(0).to(dtype)
    for mine in (
        mining.hard_triplets,
        lambda d, y: mining.semi_hard_triplets(d, y, 0.2),
        lambda d, y: mining.all_semi_hard_triplets(d, y, 5.0),
    ):
        for half, double in zip(mine(d, labels), mine(d.double(), labels), strict=True):
            assert torch.equal(half, double)
    assert triplets.batch_all_triplet_loss(d, labels, 0.2).item() == pytest.approx(
        triplets.batch_all_triplet_loss(d.double(), labels, 0.2).item(), rel=1e-5
    )


D, Y = torch.zeros(3, 3), torch.tensor([0, 0, 1])
ON_DISTANCES = {
    "hard_triplets": lambda d, y: mining.hard_triplets(d, y),
    "semi_hard_triplets": lambda d, y: mining.semi_hard_triplets(d, y, 0.2),
    "all_semi_hard_triplets": lambda d, y: mining.all_semi_hard_triplets(d, y, 0.2),
    "batch_all_triplet_loss": lambda d, y: triplets.batch_all_triplet_loss(d, y, 0.2),
    "mined_triplet_loss": lambda d, y: triplets.mined_triplet_loss(d, (Y[:1], Y[2:], Y[:1]), 0.2),
}


@pytest.mark.parametrize("name", ON_DISTANCES)
def test_infinite_distances_are_refused(name):
    for bad in (math.inf, -math.inf, math.nan):
        for dtype in FLOATS:
            d = D.to(dtype).clone()
            d[1, 2] = bad
            with pytest.raises(
                ValueError, match=rf"^{name}: distances .* NaN or infinity, first at \[1, 2\]"
            ):
                ON_DISTANCES[name](d, Y)


@pytest.mark.parametrize("name", [name for name in ON_DISTANCES if name != "mined_triplet_loss"])
def test_of_an_empty_batch_nothing_is_mined(name):
    d, labels = torch.zeros(0, 0, requires_grad=True), torch.zeros(0, dtype=torch.int64)
    mined = ON_DISTANCES[name](d, labels)
    assert mined == 0 if isinstance(mined, torch.Tensor) else all(len(part) == 0 for part in mined)
    for part in (*mining.all_triplets(labels), *mining.random_triplets(labels)):
        assert part.dtype == torch.int64 and len(part) == 0


def test_a_triplet_of_nobody_is_refused():
    for bad in (-1, 3):
        for place, name in enumerate(("anchor", "positive", "negative")):
            indices = [torch.tensor([0]), torch.tensor([1]), torch.tensor([2])]
            indices[place] = torch.tensor([bad])
            with pytest.raises(ValueError, match=rf"mined_triplet_loss: {name} must lie in 0\.\.2"):
                triplets.mined_triplet_loss(D, tuple(indices), 0.2)
    with pytest.raises(ValueError, match=r"triplets must be \[T\] each"):
        triplets.mined_triplet_loss(D, (Y, Y, Y[:2]), 0.2)
    with pytest.raises(ValueError, match=r"mined_triplet_loss: distances must be \[B, B\]"):
        triplets.mined_triplet_loss(D[:2], (Y, Y, Y), 0.2)


def test_labels_may_be_negative_or_huge_where_they_are_only_compared():
    x, labels = batch(8)
    strange = torch.tensor([-1, 2**62, -(2**62), 5])[labels]
    d = euclidean(x, x)
    assert contrastive_loss(x, strange, 1.0) == contrastive_loss(x, labels, 1.0)
    for mine in (mining.hard_triplets, lambda d, y: mining.all_triplets(y)):
        for one, other in zip(mine(d, strange), mine(d, labels), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["center_loss", "CenterLoss", "MarginSoftmax", "margin_logits"])
def test_labels_outside_the_classes_are_refused(name):
    x, _ = batch(2)
    call = {
        "center_loss": lambda y: center_loss(x, y, CENTERS),
        "CenterLoss": lambda y: CenterLoss(4, 8)(x, y),
        "MarginSoftmax": lambda y: head()(x, y),
        "margin_logits": lambda y: margins.margin_logits(x[:, :4] / 8, y),
    }[name]
    for bad in (-1, 4, 2**62):
        with pytest.raises(ValueError, match=rf"^{name}: labels must lie in 0\.\.3, got"):
            call(torch.tensor([0, bad]))


def test_centres_follow_embeddings_of_another_type():
    x, labels = batch(dtype=torch.float64)
    expected = CenterLoss(4, 8)
    expected(x.float(), labels)
    for dtype in FLOATS:
        moved = CenterLoss(4, 8)
        moved(x.to(dtype), labels)
        assert moved.centers.dtype == torch.float32
        torch.testing.assert_close(moved.centers, expected.centers, rtol=0.01, atol=0.01)
        moved = CenterLoss(4, 8).to(dtype)
        moved(x, labels)
        torch.testing.assert_close(moved.centers, expected.centers.to(dtype), rtol=0.01, atol=0.01)


def test_numbers_that_make_no_module_are_refused():
    for call, message in (
        (lambda: CenterLoss(0, 2), "CenterLoss: classes must be 1 or more, got 0"),
        (lambda: CenterLoss(2, 2, rate=1.5), r"CenterLoss: rate must be in 0\.\.1, got 1.5"),
        (lambda: MarginSoftmax(2.5, 2), "MarginSoftmax: classes must be a whole number, got 2.5"),
        (lambda: RhoNetwork(0), "RhoNetwork: dim must be 1 or more, got 0"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            call()


X, TWO_LABELS, SAME = torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([True, False])
COSINES = torch.zeros(2, 3)
TRIPLETS = (torch.tensor([0]), torch.tensor([1]), torch.tensor([1]))
CALLS = {
    "contrastive_loss": (lambda x, y: contrastive_loss(x, y, 1.0), X, TWO_LABELS),
    "pair_loss": (lambda rho, same: pair_loss(rho, same, 1.0), X[0, :2], SAME),
    "rho_cosine": (rho_cosine, X, X),
    "rho_l2": (rho_l2, X, X),
    "RhoNetwork": (RhoNetwork(3), X, X),
    "triplet_loss": (lambda a, p, n: triplets.triplet_loss(a, p, n, 0.2), X, X, X),
    "mined_triplet_loss": (
        lambda d, a, p, n: triplets.mined_triplet_loss(d, (a, p, n), 0.2),
        X[:, :2],
        *TRIPLETS,
    ),
    "batch_all_triplet_loss": (ON_DISTANCES["batch_all_triplet_loss"], X[:, :2], TWO_LABELS),
    "hard_triplets": (mining.hard_triplets, X[:, :2], TWO_LABELS),
    "semi_hard_triplets": (ON_DISTANCES["semi_hard_triplets"], X[:, :2], TWO_LABELS),
    "all_semi_hard_triplets": (ON_DISTANCES["all_semi_hard_triplets"], X[:, :2], TWO_LABELS),
    "positive_pairs": (mining.positive_pairs, TWO_LABELS),
    "all_triplets": (mining.all_triplets, TWO_LABELS),
    "random_triplets": (mining.random_triplets, TWO_LABELS),
    "pairwise_ranking_error": (triplets.pairwise_ranking_error, X[0], TWO_LABELS[None]),
    "center_loss": (center_loss, X, TWO_LABELS, X),
    "CenterLoss": (CenterLoss(2, 3), X, TWO_LABELS),
    "margin_logits": (margins.margin_logits, COSINES, TWO_LABELS),
    "MarginSoftmax": (MarginSoftmax(2, 3), X, TWO_LABELS),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_tensor_is_refused_by_name(name):
    call, *arguments = CALLS[name]
    call(*arguments)
    for place, right in enumerate(arguments):
        for bad in (right.tolist(), right.numpy(), None, right.to(torch.complex64)):
            got = "complex64" if isinstance(bad, torch.Tensor) else type(bad).__name__
            given = [*arguments[:place], bad, *arguments[place + 1 :]]
            with pytest.raises(TypeError, match=rf"^{name}: \w+ must be a tensor .*got .*{got}"):
                call(*given)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_not_contiguous_is_the_same(name):
    call, *arguments = CALLS[name]
    scattered = [
        torch.stack([part, part], dim=-1).flatten(-2)[..., ::2] if part.ndim else part
        for part in arguments
    ]
    if isinstance(call, CenterLoss):
        # else its centres move between the two calls
        call = CenterLoss(2, 3).eval()
    torch.manual_seed(0)
    expected = call(*arguments)
    torch.manual_seed(0)
    torch.testing.assert_close(call(*scattered), expected)
    assert np.prod([not part.is_contiguous() for part in scattered if part.numel() > 1])
