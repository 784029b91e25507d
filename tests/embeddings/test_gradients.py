"""Gradients of the Euclidean distance, which are written out and computed some rows at a time."""

import pytest
import torch

from course_lib.embeddings.distances import euclidean, safe_sqrt

SQUARED = pytest.mark.parametrize("squared", [False, True])


def vectors(n, d=3, seed=0):
    dice = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=dice, dtype=torch.float64).requires_grad_()


def definition(x, y, squared):
    squares = (x[:, None] - y).square().sum(2)
    return squares if squared else safe_sqrt(squares)


def check_gradients(x, y, squared):
    weight = vectors(len(x), len(y), seed=2).detach()  # not symmetric
    ours, expected = (
        torch.autograd.grad((weight * distance(x, y, squared)).sum(), (x, y))
        for distance in (euclidean, definition)
    )
    torch.testing.assert_close(ours, expected)


@SQUARED
@pytest.mark.parametrize("n, m", [(3, 4), (700, 600), (1, 2000), (150, 1)])
def test_of_many_rows(n, m, squared):
    check_gradients(vectors(n), vectors(m, seed=1), squared)


@SQUARED
@pytest.mark.parametrize("n", [1, 3, 700])
def test_of_vectors_to_themselves(n, squared):
    x = vectors(n)
    check_gradients(x, x, squared)


@SQUARED
def test_of_vectors_to_themselves_twice(squared):
    apart = ~torch.eye(5, dtype=torch.bool)  # at 0 the root has none

    def distances(x):
        return euclidean(x, x, squared)[apart]

    assert torch.autograd.gradcheck(distances, vectors(5))
    assert torch.autograd.gradgradcheck(distances, vectors(5))


def test_where_one_input_needs_none():
    x, y = vectors(4), vectors(5, seed=1)
    both = torch.autograd.grad(euclidean(x, y).sum(), (x, y))
    (only_x,) = torch.autograd.grad(euclidean(x, y.detach()).sum(), x)
    (only_y,) = torch.autograd.grad(euclidean(x.detach(), y).sum(), y)
    assert torch.equal(only_x, both[0]) and torch.equal(only_y, both[1])
