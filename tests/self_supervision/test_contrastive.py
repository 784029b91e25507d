"""NT-Xent: equal to its literal form and to other libraries, at every type, size and temperature."""

import math
from importlib.util import find_spec

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss
from torch.nn import functional as F

from course_lib.by_definition import self_supervision as plain
from course_lib.self_supervision.contrastive import nt_xent

inputs = given(
    st.integers(1, 7),
    st.integers(1, 9),
    st.integers(0, 9999),
    st.sampled_from([0.01, 0.1, 0.5, 5.0]),
)


def views(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, d, generator=generator, dtype=torch.float64).unbind()


@inputs
def test_as_its_plain_form_and_as_others(n, d, seed, temperature):
    a, b = (x.requires_grad_() for x in views(n, d, seed))
    ours = nt_xent(a, b, temperature)
    torch.testing.assert_close(ours, plain.nt_xent(a, b, temperature), atol=1e-9, rtol=1e-9)
    theirs = NTXentLoss(temperature)(torch.cat([a, b]), torch.arange(n).repeat(2))
    torch.testing.assert_close(ours, theirs)
    rows = F.normalize(torch.cat([a, b]))
    logits = (rows @ rows.T / temperature).fill_diagonal_(-math.inf)
    by_torch = F.cross_entropy(logits, torch.arange(2 * n).roll(n))
    torch.testing.assert_close(ours, by_torch, atol=1e-9, rtol=1e-9)
    for mine, other in zip(
        torch.autograd.grad(3 * ours, (a, b)),
        torch.autograd.grad(3 * by_torch, (a, b)),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, atol=1e-8, rtol=1e-7)


@pytest.mark.skipif(find_spec("lightly") is None, reason="make test EXTRAS=real")
@inputs
def test_as_lightly(n, d, seed, temperature):
    from lightly import loss as lightly

    a, b = (x.requires_grad_() for x in views(n, d, seed))
    ours, theirs = nt_xent(a, b, temperature), lightly.NTXentLoss(temperature)(a, b)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)
    for mine, other in zip(
        torch.autograd.grad(ours, (a, b)), torch.autograd.grad(theirs, (a, b)), strict=True
    ):
        torch.testing.assert_close(mine, other, atol=1e-8, rtol=1e-7)


@inputs
def test_neither_order_nor_length_nor_side_counts(n, d, seed, temperature):
    a, b = views(n, d, seed)
    loss = nt_xent(a, b, temperature)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(nt_xent(a[order], b[order], temperature), loss)
    torch.testing.assert_close(nt_xent(b, 7 * a, temperature), loss)
    assert loss >= 0


def test_gradcheck():
    a, b = (x.requires_grad_() for x in views(3, 4, 0))
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.3), (a, b))


def test_guessing_and_collapse_give_the_same_loss():
    a, _ = views(8, 4, 0)
    point = torch.ones(8, 4)
    assert nt_xent(point, point).item() == pytest.approx(math.log(15))
    assert nt_xent(a[:1], a[:1]).item() == pytest.approx(0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [0.001, 0.5, 1000.0])
def test_every_float_type_and_extreme_temperatures(dtype, temperature):
    a, b = (x.to(dtype).requires_grad_() for x in views(6, 5, 1))
    loss = nt_xent(a, b, temperature)
    loss.backward()
    assert loss.dtype == dtype and a.grad.dtype == dtype
    assert loss.isfinite() and a.grad.isfinite().all() and b.grad.isfinite().all()


def test_zero_and_huge_vectors_have_a_finite_gradient():
    a = torch.tensor([[0.0, 0.0], [1e30, 1e30], [1e-30, 0.0]], requires_grad=True)
    nt_xent(a, a.detach().flip(0)).backward()
    assert a.grad.isfinite().all()


@pytest.mark.parametrize(
    ("a", "b", "temperature", "says"),
    [
        (torch.zeros(3, 2), torch.zeros(2, 2), 0.5, "a and b must be paired row by row"),
        (torch.zeros(0, 2), torch.zeros(0, 2), 0.5, "nt_xent"),
        (torch.zeros(3), torch.zeros(3), 0.5, "nt_xent: a must be"),
        (torch.full((2, 2), math.nan), torch.zeros(2, 2), 0.5, "NaN or infinity"),
        (torch.zeros(2, 2), torch.zeros(2, 2), 0.0, "temperature must be above 0, got 0"),
        (torch.zeros(2, 2), torch.zeros(2, 2), -1, "temperature must be above 0, got -1"),
    ],
)
def test_bad_input_is_refused(a, b, temperature, says):
    with pytest.raises(ValueError, match=says):
        nt_xent(a, b, temperature)
