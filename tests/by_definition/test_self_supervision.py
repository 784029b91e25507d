"""NT-Xent: by hand, and as pytorch-metric-learning and torch's cross-entropy have it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss
from torch.nn import functional as F

from course_lib.by_definition.self_supervision import nt_xent


def test_by_hand():
    a, b = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    # each view: cosine 1 with its partner, 0 with the two others
    expected = -math.log(math.e**2 / (math.e**2 + 2))
    assert nt_xent(a, b).item() == pytest.approx(expected)  # the temperature is 1/2
    assert nt_xent(a, b.flip(0), temperature=0.5).item() == pytest.approx(math.log(math.e**2 + 2))
    assert nt_xent(a[:1], b[:1]).item() == 0  # nothing to confuse it with


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.integers(0, 999), st.sampled_from([0.1, 0.5, 1.0]))
def test_as_others(n, seed, temperature):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, n, 6, generator=generator, dtype=torch.float64).requires_grad_()
    ours = nt_xent(a, b, temperature)
    theirs = NTXentLoss(temperature)(torch.cat([a, b]), torch.arange(n).repeat(2))
    views = F.normalize(torch.cat([a, b]))
    logits = (views @ views.T / temperature).fill_diagonal_(-math.inf)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(ours, F.cross_entropy(logits, torch.arange(2 * n).roll(n)))
