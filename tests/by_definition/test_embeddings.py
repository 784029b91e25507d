"""Distances: by hand, as scipy measures them, as the library does."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from torch.nn import functional as F

from course_lib.by_definition import embeddings as plain
from course_lib.embeddings import distances as fast


def test_by_hand():
    x, y = torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.tensor([[3.0, 4.0], [-1.0, 0.0]])
    assert plain.euclidean(x, y).tolist() == [[5, 1], [4, 4]]
    assert plain.euclidean(x, y, squared=True).tolist() == [[25, 1], [16, 16]]
    torch.testing.assert_close(plain.cosine(x, y), torch.tensor([[1.0, 1.0], [0.4, 2.0]]))
    torch.testing.assert_close(plain.normalize(y), torch.tensor([[0.6, 0.8], [-1.0, 0.0]]))
    assert plain.normalize(x).tolist() == [[0, 0], [1, 0]]  # the zero vector stays
    assert plain.cosine_similarity(x[0], y[0]) == 0


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 20), st.integers(0, 999))
def test_as_others_and_the_library(n, m, d, seed):
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m))
    for ours, theirs, library in (
        (plain.euclidean(x, y), cdist(x, y), fast.euclidean(x, y)),
        (plain.euclidean(x, y, True), cdist(x, y, "sqeuclidean"), fast.euclidean(x, y, True)),
        (plain.cosine(x, y), cdist(x, y, "cosine"), fast.cosine(x, y)),
        (plain.normalize(x), F.normalize(x), fast.normalize(x)),
    ):
        torch.testing.assert_close(ours, torch.as_tensor(theirs))
        torch.testing.assert_close(ours, library)


def test_gradients_are_the_librarys():
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 5, dtype=torch.float64)
    for name in ("euclidean", "cosine"):
        ours, theirs = (
            torch.autograd.grad((getattr(module, name)(x, y) * weight).sum(), (x, y))
            for module in (plain, fast)
        )
        torch.testing.assert_close(ours, theirs)
