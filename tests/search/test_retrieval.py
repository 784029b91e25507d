"""How good a search is: by loops, as pytorch-metric-learning and torchmetrics count, bad input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.by_definition import search as plain
from course_lib.search.exact import ExactIndex
from course_lib.search.retrieval import (
    mean_average_precision_at_r,
    precision_at_1,
    r_precision,
    recall_at_k,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(2, 20), st.integers(1, 4), st.integers(0, 10**6))
def test_by_definition(queries, size, classes, seed):
    g = torch.Generator().manual_seed(seed)
    database = torch.cat([torch.arange(classes), torch.randint(classes, (size,), generator=g)])
    asked = torch.randint(classes, (queries,), generator=g)
    neighbours = torch.stack([torch.randperm(len(database), generator=g) for _ in range(queries)])
    for measure in (precision_at_1, r_precision, mean_average_precision_at_r):
        expected = getattr(plain, measure.__name__)(neighbours, asked, database)
        assert measure(neighbours, asked, database) == pytest.approx(expected)


def test_as_pytorch_metric_learning_and_torchmetrics():
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from torchmetrics.functional.retrieval import retrieval_r_precision

    g = torch.Generator().manual_seed(0)
    labels, asked = torch.arange(120) // torch.tensor(6), torch.arange(40) // 2
    x = torch.randn(20, 8, generator=g)[labels] + torch.randn(120, 8, generator=g)
    queries = x[::3] + 0.3 * torch.randn(40, 8, generator=g)
    index = ExactIndex()
    index.add(x)
    neighbours = index.search(queries, 6)[1]
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    theirs = AccuracyCalculator(include=names, device=torch.device("cpu")).get_accuracy(
        queries, asked, x, labels
    )
    for measure in (precision_at_1, r_precision, mean_average_precision_at_r):
        assert measure(neighbours, asked, labels) == pytest.approx(
            theirs[measure.__name__], abs=1e-6
        )
    each = [
        retrieval_r_precision(-(x - q).norm(dim=1), labels == a)
        for q, a in zip(queries, asked, strict=True)
    ]
    assert r_precision(neighbours, asked, labels) == pytest.approx(torch.stack(each).mean().item())


def test_recall_is_what_was_found_in_any_order():
    exact = torch.tensor([[1, 2, 3], [4, 5, 6]])
    assert recall_at_k(exact.flip(1), exact) == 1
    assert recall_at_k(torch.tensor([[3, 9, -1], [7, 8, 0]]), exact) == pytest.approx(1 / 6)
    assert recall_at_k(torch.full((2, 3), -1), exact) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 15), st.integers(0, 10**6))
def test_nothing_found_and_labels_of_any_size(queries, size, seed):
    """As the plain forms count: -1 is wrong, and a label is a name, not an index."""
    g = torch.Generator().manual_seed(seed)
    names = torch.tensor([-1, -(2**62), 2**40, 0, 7])
    database = names[torch.randint(5, (size,), generator=g)]
    asked = database[torch.randint(size, (queries,), generator=g)]
    neighbours = torch.stack([torch.randperm(size, generator=g) for _ in range(queries)])
    neighbours[torch.rand(queries, size, generator=g) < 0.3] = -1
    for ours, definition in (
        (precision_at_1, plain.precision_at_1),
        (r_precision, plain.r_precision),
        (mean_average_precision_at_r, plain.mean_average_precision_at_r),
    ):
        expected = definition(neighbours, asked, database)
        assert ours(neighbours, asked, database) == pytest.approx(expected)


def test_nothing_found_is_never_a_hit():
    nothing = torch.full((2, 3), -1)
    assert recall_at_k(nothing, nothing) == 0
    assert recall_at_k(torch.tensor([[1, -1]]), torch.tensor([[1, -1]])) == 0.5


LABELS, FOUND = torch.tensor([0, 1, 1]), torch.tensor([[0, 1], [2, 1]])


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: r_precision(FOUND, LABELS, LABELS), r"got \[2, 2\] and query_labels \[3\]"),
        (lambda: r_precision(FOUND[:, :1], LABELS[:2], LABELS), "1 to 1 .* right vectors in the database, got 1 to 2"),
        (lambda: r_precision(FOUND, LABELS[:2] + 5, LABELS), "got 0 to 0"),
        (lambda: mean_average_precision_at_r(FOUND[:0], LABELS[:0], LABELS), r"got \[0, 2\]"),
        (lambda: recall_at_k(FOUND, FOUND[:1]), r"got \[2, 2\] and \[1, 2\]"),
        (lambda: recall_at_k(FOUND[:0], FOUND[:0]), "at least one query, got"),
        (lambda: precision_at_1(FOUND + 9, LABELS[:2], LABELS), "numbers of the 3 vectors .* got 9 to 11"),
        (lambda: precision_at_1(FOUND[0], LABELS[:2], LABELS), r"neighbours must be \[q, k\], got \[2\]"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("measure", [precision_at_1, r_precision, mean_average_precision_at_r])
def test_lists_and_other_types_are_refused_by_name(measure):
    for bad in (
        (FOUND.tolist(), LABELS[:2], LABELS),
        (FOUND.float(), LABELS[:2], LABELS),
        (FOUND, LABELS[:2].tolist(), LABELS),
        (FOUND, LABELS[:2], LABELS.numpy()),
    ):
        with pytest.raises(TypeError, match=f"{measure.__name__}: .* of int64, got"):
            measure(*bad)
    with pytest.raises(TypeError, match=r"recall_at_k: neighbours .* got list"):
        recall_at_k([[1]], FOUND)
