"""The margin family: the formula, its named members, its peer, gradients at the ends, bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.by_definition import metric_learning as plain
from course_lib.metric_learning import margins
from course_lib.metric_learning.margins import MARGINS, MarginSoftmax, margin_logits


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 5), st.integers(0, 10**6),
    st.floats(0.5, 4), st.floats(0, 1.5), st.floats(0, 1), st.floats(1, 64),
)  # fmt: skip
def test_the_formula(batch, classes, seed, m1, m2, m3, s):
    generator = torch.Generator().manual_seed(seed)
    cosines = torch.rand(batch, classes, generator=generator, dtype=torch.float64) * 2 - 1
    labels = torch.randint(classes, (batch,), generator=generator)
    ours = margin_logits(cosines, labels, m1, m2, m3, s)
    torch.testing.assert_close(ours, plain.margin_logits(cosines, labels, m1, m2, m3, s))
    assert torch.equal(cosines, cosines.clamp(-1, 1))  # and nothing was written into them


def test_named_members():
    c, y = torch.tensor([[0.3, -0.2], [0.9, 0.1]]), torch.tensor([0, 1])
    angle = c[[0, 1], y].acos()
    for member, target in {
        margins.norm_softmax: angle.cos(),
        lambda c, y: margins.sphereface(c, y, m=1.35): (1.35 * angle).cos(),
        lambda c, y: margins.cosface(c, y, m=0.35): angle.cos() - 0.35,
        lambda c, y: margins.arcface(c, y, m=0.5): (angle + 0.5).cos(),
        lambda c, y: margin_logits(c, y, *MARGINS["CM1 (1, 0.3, 0.2)"]): (angle + 0.3).cos() - 0.2,
        lambda c, y: margin_logits(c, y, *MARGINS["CM2 (0.9, 0.4, 0.15)"]): (
            0.9 * angle + 0.4
        ).cos()
        - 0.15,
    }.items():
        logits = member(c, y)
        torch.testing.assert_close(logits[[0, 1], y], 16 * target)
        torch.testing.assert_close(logits[[0, 1], 1 - y], 16 * c[[0, 1], 1 - y])


def test_the_lectures_table_is_all_here():
    assert len(MARGINS) == 9  # nine of its rows; softmax and the row's doubles apart
    assert MARGINS["SphereFace 1.35"] == (1.35, 0, 0) and MARGINS["CosFace 0.35"] == (1, 0, 0.35)


@pytest.mark.parametrize("name", MARGINS)
def test_as_pytorch_metric_learning(name):
    from pytorch_metric_learning import losses as pml

    m1, m2, m3 = MARGINS[name]
    torch.manual_seed(0)
    x, labels = torch.randn(32, 8), torch.randint(5, (32,))
    x[0] = -3 * torch.ones(8)
    if name.startswith("ArcFace"):
        theirs = pml.ArcFaceLoss(5, 8, margin=math.degrees(m2), scale=16)
    elif name.startswith("CosFace"):
        theirs = pml.CosFaceLoss(5, 8, margin=m3, scale=16)
    elif name == "norm-softmax":
        theirs = pml.NormalizedSoftmaxLoss(5, 8, temperature=1 / 16)
    else:
        pytest.skip("it cuts SphereFace's m to an integer, and has no combined margins")
    ours = MarginSoftmax(5, 8, m1, m2, m3, s=16)
    with torch.no_grad():
        theirs.W.copy_(ours.weight.T)
    keep = ours.cosines(x)[torch.arange(32), labels] > -math.cos(m2)  # beyond it theirs bends off
    assert keep.sum() > 24
    torch.testing.assert_close(ours(x[keep], labels[keep]), theirs(x[keep], labels[keep]))


def test_integer_sphereface_is_its_papers():
    from pytorch_metric_learning.losses import SphereFaceLoss

    torch.manual_seed(0)
    x, labels = F.normalize(torch.randn(64, 8)), torch.randint(5, (64,))
    theirs = SphereFaceLoss(5, 8, margin=4, scale=16)
    ours = MarginSoftmax(5, 8, m1=4, s=16)
    with torch.no_grad():
        theirs.W.copy_(F.normalize(ours.weight).T)
    torch.testing.assert_close(ours(x, labels), theirs(x, labels))


@pytest.mark.parametrize(
    "margin", [(1, 0, 0), (4, 0, 0), (1, 0.5, 0), (1.35, 0.8, 0.2), (0.9, 0.4, 0.15)]
)
def test_the_further_off_the_lower_the_logit_also_past_pi(margin):
    angle = torch.linspace(0, math.pi, 500, dtype=torch.float64)
    logits = margin_logits(angle.cos()[:, None], torch.zeros(500, dtype=torch.long), *margin)[:, 0]
    assert (logits.diff() < 1e-9).all()
    assert logits.diff().abs().max() < 1.2  # without jumps: s m1 times the step of the angle
    plain = margin_logits(angle.cos()[:, None], torch.zeros(500, dtype=torch.long))[:, 0]
    if margin[0] >= 1:
        assert (logits <= plain + 1e-9).all()  # a margin only ever makes it harder


@pytest.mark.parametrize("margin", MARGINS.values())
def test_gradients_inside_and_at_the_ends(margin):
    torch.manual_seed(0)
    cosines = (torch.rand(4, 3, dtype=torch.float64) * 1.8 - 0.9).requires_grad_()
    labels = torch.tensor([0, 1, 2, 0])
    assert torch.autograd.gradcheck(lambda c: margin_logits(c, labels, *margin), cosines)
    for dtype in (torch.float32, torch.float64):
        ends = torch.tensor([[1.0, 0], [-1.0, 0], [1.0000001, 0], [-1.0000001, 0]], dtype=dtype)
        ends.requires_grad_()
        loss = F.cross_entropy(
            margin_logits(ends, labels[[0, 0, 3, 3]], *margin), labels[[0, 0, 3, 3]]
        )
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(ends.grad).all()


def test_the_head_trains_where_the_embedding_is_its_own_centre():
    head = MarginSoftmax(3, 4, m2=0.5)
    x = head.weight.detach().clone().requires_grad_()  # cosine exactly 1, or a rounding beyond
    head(x, torch.arange(3)).backward()
    assert torch.isfinite(x.grad).all() and torch.isfinite(head.weight.grad).all()


def test_the_heads_loss_is_that_of_margin_logits():
    torch.manual_seed(0)
    for margin in MARGINS.values():
        head, x, labels = (
            MarginSoftmax(7, 5, *margin, s=30),
            torch.randn(9, 5),
            torch.randint(7, (9,)),
        )
        logits = margin_logits(head.cosines(x), labels, *margin, s=30)
        torch.testing.assert_close(head(x, labels), F.cross_entropy(logits, labels))


COSINES, LABELS = torch.zeros(2, 3), torch.tensor([0, 2])


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: margin_logits(COSINES[0], LABELS), ValueError, r"cosines must be a tensor \[B, C\] .* got \[3\]"),
        (lambda: margin_logits(COSINES, LABELS + 1), ValueError, r"labels must lie in 0..2, got 1 to 3"),
        (lambda: margin_logits(COSINES, LABELS - 1), ValueError, r"labels must lie in 0..2, got -1 to 1"),
        (lambda: margin_logits(COSINES, LABELS[:1]), ValueError, r"labels must be a tensor \[2\] .* got \[1\]"),
        (lambda: margin_logits(COSINES, LABELS.int()), TypeError, r"labels must .* int64, got .* of int32"),
        (lambda: margin_logits(COSINES * torch.nan, LABELS), ValueError, r"cosines must lie in -1..1, got nan to nan"),
        (lambda: margin_logits(COSINES, LABELS, m1=0), ValueError, "m1 must be above 0, got 0"),
        (lambda: margin_logits(COSINES, LABELS, m2=-0.1), ValueError, "m2 must be 0 or above, got -0.1"),
        (lambda: margin_logits(COSINES, LABELS, s=0), ValueError, "s must be above 0, got 0"),
        (lambda: MarginSoftmax(3, 2, m3=-1), ValueError, "MarginSoftmax: m3 must be 0 or above, got -1"),
        (lambda: MarginSoftmax(3, 2)(COSINES, LABELS), ValueError, r"got x \[2, 3\] and weight \[3, 2\]"),
        (lambda: MarginSoftmax(3, 3)(COSINES * torch.nan, LABELS), ValueError, "NaN"),
        (lambda: MarginSoftmax(2, 3)(COSINES, LABELS), ValueError, "MarginSoftmax: labels must lie in 0..1"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_margin_head_on_one_picture():
    head = MarginSoftmax(3, 4, m2=0.5)
    assert torch.isfinite(head(torch.ones(1, 4), torch.tensor([2])))


@pytest.mark.parametrize("m3", [0.0, 0.35])
def test_without_an_angle_the_gradient_is_s_at_the_ends_too(m3):
    ends = torch.tensor([[1.0, 0.0], [0.0, -1.0]], requires_grad=True)
    margin_logits(ends, torch.tensor([0, 1]), m3=m3, s=10.0).sum().backward()
    assert (ends.grad == 10).all()


@pytest.mark.parametrize("margin", [(1.0, 0.0, 0.0), (1.0, 0.0, 0.35), (1.0, 0.5, 0.0)])
def test_cosines_stay_as_they_were(margin):
    cosines = torch.tensor([[0.5, 0.2]], dtype=torch.float32)
    before = cosines.clone()
    margin_logits(cosines, torch.tensor([0]), *margin, s=1.0)
    assert torch.equal(cosines, before)
