import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from course_lib.by_definition import detection as plain
from course_lib.detection import losses
from course_lib.detection.losses import focal_loss, smooth_l1_loss

shapes = st.sampled_from([(), (0,), (7,), (3, 4), (2, 3, 4)])


def random_numbers(shape, seed, scale=3.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def by_definition(loss, x, y, *how):
    """The plain form takes rows that are not empty; here they may be of any shape."""
    return loss(x.flatten(), y.flatten(), *how).view(x.shape) if x.numel() > 0 else x


@given(shape=shapes, seed=st.integers(0, 999), beta=st.sampled_from([0.1, 1.0, 2.5]))
def test_smooth_l1_number_by_number(shape, seed, beta):
    prediction, target = random_numbers(shape, seed), random_numbers(shape, seed + 1)
    loss = smooth_l1_loss(prediction, target, beta)
    torch.testing.assert_close(loss, by_definition(plain.smooth_l1_loss, prediction, target, beta))
    theirs = F.smooth_l1_loss(prediction, target, beta=beta, reduction="none")
    torch.testing.assert_close(loss, theirs)


def test_smooth_l1_pulls_no_harder_than_one():
    error = torch.tensor([-9.0, -1.0, -0.5, 0.0, 0.5, 1.0, 9.0], requires_grad=True)
    smooth_l1_loss(error, torch.zeros(7)).sum().backward()
    assert error.grad.tolist() == [-1, -1, -0.5, 0, 0.5, 1, 1]
    edges = torch.tensor([0.999999, 1.000001]).double()
    below, above = smooth_l1_loss(edges, torch.zeros(2).double())
    assert abs(below - 0.5) < 1e-5 and abs(above - 0.5) < 1e-5  # square and line meet


@given(
    shape=shapes, seed=st.integers(0, 999), alpha=st.sampled_from([0.0, 0.25, 1.0]),
    gamma=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
)  # fmt: skip
def test_focal_number_by_number(shape, seed, alpha, gamma):
    logits = random_numbers(shape, seed)
    targets = (random_numbers(shape, seed + 1) > 0).double()
    loss = focal_loss(logits, targets, alpha, gamma)
    expected = by_definition(plain.focal_loss, logits, targets, alpha, gamma)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(loss, sigmoid_focal_loss(logits, targets, alpha, gamma))


def test_focal_without_focus_is_half_of_cross_entropy():
    logits, targets = random_numbers((50,), 0), (random_numbers((50,), 1) > 0).double()
    half = F.binary_cross_entropy_with_logits(logits, targets, reduction="none") / 2
    torch.testing.assert_close(focal_loss(logits, targets, alpha=0.5, gamma=0.0), half)


def test_left_to_itself_the_focal_loss_is_retinanets():
    logits, targets = random_numbers((50,), 0), (random_numbers((50,), 1) > 0).double()
    assert torch.equal(focal_loss(logits, targets), focal_loss(logits, targets, 0.25, 2.0))


def test_what_is_right_counts_for_little():
    """Of a confident right answer (p_t = .95) gamma = 2 leaves 1/400 of its cross-entropy."""
    sure = torch.tensor([math.log(19.0)]).double()
    ones = torch.ones(1).double()
    ratio = focal_loss(sure, ones, 0.5, 2.0) / focal_loss(sure, ones, 0.5, 0.0)
    torch.testing.assert_close(ratio, torch.tensor([0.05**2]).double())


@pytest.mark.parametrize("loss", [smooth_l1_loss, focal_loss])
def test_gradients(loss):
    x = random_numbers((6,), 3).requires_grad_()
    targets = (random_numbers((6,), 4) > 0).double()
    assert torch.autograd.gradcheck(lambda v: loss(v, targets), (x,))


def test_extreme_logits_are_finite():
    logits = torch.tensor([-200.0, -90.0, 90.0, 200.0, 0.0]).repeat(2).requires_grad_()
    targets = torch.tensor([0.0] * 5 + [1.0] * 5)
    loss = focal_loss(logits, targets)
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(logits.grad).all()


def test_bad_input_is_named():
    three, two = torch.zeros(3), torch.zeros(2)
    says = r"smooth_l1_loss: prediction and target must have one shape, got \[3\] and \[2\]"
    with pytest.raises(ValueError, match=says):
        smooth_l1_loss(three, two)
    with pytest.raises(ValueError, match=r"focal_loss: logits and targets must have one shape"):
        focal_loss(three, two)
    with pytest.raises(ValueError, match="beta must be above 0, got 0"):
        smooth_l1_loss(three, three, beta=0)
    for alpha in (-0.5, 1.5):
        with pytest.raises(ValueError, match=rf"alpha must be in 0\.\.1, got {alpha}"):
            focal_loss(three, three, alpha=alpha)
    with pytest.raises(ValueError, match="gamma must be 0 or above, got -1"):
        focal_loss(three, three, gamma=-1)


def test_they_are_to_be_had_from_losses():
    assert losses.focal_loss is focal_loss and losses.smooth_l1_loss is smooth_l1_loss
