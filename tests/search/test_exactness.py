"""Exact search is exact: equal to comparing every pair in float64, on vectors where float32 loses its way."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.search import candidates as candidates_module
from course_lib.search import exact as exact_module
from course_lib.search.candidates import Products
from course_lib.search.exact import ExactIndex

METRICS = pytest.mark.parametrize("metric", ["euclidean", "cosine"])
TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def literal(queries, x, k, metric):
    """Every pair in float64, one query after another; equally near vectors in the order of their numbers."""
    rows = []
    for query in queries.double():
        if metric == "euclidean":
            rows.append((query - x.double()).square().sum(1).sqrt())
        else:
            lengths = query.square().sum().sqrt() * x.double().square().sum(1).sqrt()
            products = (query * x.double()).sum(1)
            rows.append(1 - products / torch.where(lengths > 0, lengths, 1))
    distances, numbers = torch.stack(rows).sort(dim=1, stable=True)
    return distances[:, :k], numbers[:, :k]


def check(x, queries, k, metric="euclidean"):
    index = ExactIndex(metric)
    index.add(x)
    distances, numbers = index.search(queries, k)
    expected, order = literal(queries, x, k, metric)
    assert torch.equal(numbers, order)
    assert distances.dtype == torch.result_type(queries, x)
    tolerance = torch.finfo(distances.dtype).eps
    least = torch.finfo(distances.dtype).smallest_normal * tolerance
    torch.testing.assert_close(distances.double(), expected, rtol=tolerance, atol=max(least, 1e-14))


def tight_groups(n, d, groups, offset, spread, seed=0):
    centres = offset * randn(groups, d, seed=seed)
    return centres[torch.arange(n) % groups] + spread * randn(n, d, seed=seed + 1)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("spread", [1.0, 0.1, 1e-3, 1e-5])
def test_tight_groups_far_from_the_centre(spread, dtype):
    x = tight_groups(3000, 16, 10, 1000, spread).to(dtype)
    check(x, x[:40], 7)
    check(x, (x[:40].double() + spread * randn(40, 16, seed=9)).to(dtype), 7)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("spread", [1e-3, 1e-6, 0.0])
def test_collapsed_embeddings(spread, dtype):
    x = (randn(1, 32) + spread * randn(2500, 32, seed=1)).to(dtype)
    check(x, x[:30], 11)


@pytest.mark.parametrize("spread", [1e-2, 1e-4])
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_nearly_parallel_vectors(spread, dtype):
    x = (randn(1, 32) + spread * randn(2500, 32, seed=1)).to(dtype)
    check(x, x[5:25], 5, "cosine")


def test_vectors_closer_in_angle_than_one_minus_cosine_can_tell():
    """Angles of 1e-9 and more: 1 - cos is 0 for all of them in float64, but their order is known."""
    angles = 1e-9 * (1 + torch.randperm(500, generator=torch.Generator().manual_seed(0)))
    x = torch.stack([torch.cos(angles.double()), torch.sin(angles.double())], dim=1)
    index = ExactIndex("cosine")
    index.add(x)
    distances, numbers = index.search(torch.tensor([[1.0, 0.0]], dtype=torch.float64), 20)
    assert torch.equal(numbers[0], angles.argsort()[:20])
    expected = angles.double().sort().values[:20] ** 2 / 2
    torch.testing.assert_close(distances[0], expected, rtol=1e-6, atol=0)


@METRICS
@pytest.mark.parametrize("stored", TYPES, ids=str)
@pytest.mark.parametrize("asked", TYPES, ids=str)
def test_every_float_type_beside_every_other(stored, asked, metric):
    check((30 * randn(2100, 24)).to(stored), (30 * randn(9, 24, seed=1)).to(asked), 5, metric)


@METRICS
@pytest.mark.parametrize("scale", [1e20, 3e37, 1e-30, 1e-44])
def test_huge_and_tiny_vectors(scale, metric):
    x, queries = ((scale * randn(n, 8, seed=n)).float() for n in (2100, 12))
    check(x, queries, 6, metric)


@METRICS
def test_huge_tiny_and_usual_vectors_together(metric):
    lengths = 10.0 ** (torch.arange(2400) % 60 - 35)
    x = (lengths[:, None] * randn(2400, 8)).float()
    check(x, x[::40], 9, metric)


def test_one_outlier_does_not_blur_the_others():
    x = randn(2500, 16).float()
    x[7] = 1e20
    check(x, x[:30], 4)


@METRICS
@pytest.mark.parametrize("k", [1, 5, 2099, 2100])
def test_duplicates_and_k_near_the_number_of_vectors(k, metric):
    x = randn(70, 6).float().repeat(30, 1)
    index = ExactIndex(metric)
    index.add(x)
    check(x, x[:6], k)
    numbers = index.search(x[:6], k)[1]
    copies = torch.arange(6)[:, None] + torch.arange(0, 2100, 70)  # [6, 30]
    assert torch.equal(numbers[:, :30], copies[:, :k])


@METRICS
def test_binary_vectors_tie_often(metric):
    x = (torch.rand(4500, 12, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    check(x, x[:25], 300, metric)


def test_multiples_of_a_vector_are_equally_near_by_cosine():
    exact = torch.tensor([[3.0, 6.0, 9.0], [1.0, 2.0, 3.0], [7.0, 14.0, 21.0]])
    index = ExactIndex("cosine")
    index.add(exact)
    for query in ([1.0, 2.0, 3.0], [1.0, 0.0, 0.0], [-1.0, 1.0, 0.3]):
        assert index.search(torch.tensor([query]), 3)[1].tolist() == [[0, 1, 2]]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 200), st.integers(1, 12), st.integers(1, 12), st.integers(-6, 6),
    st.integers(-8, 2), st.sampled_from(TYPES), st.sampled_from(["euclidean", "cosine"]), st.integers(0, 10**6),
)  # fmt: skip
def test_equal_to_the_literal_search(n, d, groups, offset, spread, dtype, metric, seed):
    x = tight_groups(n, d, groups, 10.0**offset, 10.0**spread, seed)
    x = x.clamp(-60000, 60000).to(dtype)
    k = 1 + seed % min(n, 20)
    if metric == "cosine":  # 1 - cos itself cannot tell nearly parallel vectors apart
        x = x + randn(n, d, seed=seed + 5).to(dtype) * x.abs().mean(1, keepdim=True)
    if metric == "cosine" and d == 1:
        return
    check(x, x[: 1 + seed % 5], k, metric)


@METRICS
def test_small_blocks_change_nothing(metric, monkeypatch):
    x, queries = tight_groups(700, 8, 5, 100, 0.01).float(), randn(17, 8, seed=3).float() * 100
    for name, value in (("BLOCK", 64), ("QUERIES", 5), ("SAMPLE", 10)):
        monkeypatch.setattr(exact_module, name, value)
    monkeypatch.setattr(candidates_module, "PAIRS", 30)
    check(x, queries, 9, metric)
    check(x, x[:5], 9)


@METRICS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset, spread", [(0, 1), (10, 1), (1000, 0.1), (1e6, 1)])
def test_the_bound_holds_and_is_not_idle(offset, spread, dtype, metric):
    """A vector exactly at the radius has always the score that is needed; one a little farther often has not."""
    x = tight_groups(400, 32, 4, offset or 1, spread)
    queries = x[:50] + randn(50, 32, seed=7)
    center, extent = x.median(0).values, x.abs().max().item()
    products = Products(queries, metric, center, extent, dtype)
    distances = literal(queries, x, 400, metric)
    true = torch.empty(50, 400, dtype=torch.float64).scatter_(1, distances[1], distances[0])
    scores = products.scores(x).clone()
    for j in range(400):
        assert (scores[:, j] >= products.needed(true[:, j])).all()
    if offset <= 10:
        closer = torch.stack([products.needed(0.99 * true[:, j]) for j in range(400)], 1)
        assert (scores < closer).double().mean() > 0.9


def test_under_autocast_and_with_lower_matmul_precision():
    x = tight_groups(2500, 16, 50, 10, 0.1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        check(x, x[:30], 5)
        check(x, x[:30], 5, "cosine")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        check(x, x[:30], 5)
    finally:
        torch.set_float32_matmul_precision(before)


def test_result_has_no_gradient_and_queries_may():
    index = ExactIndex()
    index.add(randn(30, 4).requires_grad_())
    distances, _ = index.search(randn(3, 4).requires_grad_(), 2)
    assert not distances.requires_grad


def test_what_does_not_fit_is_refused():
    index = ExactIndex()
    index.add((60000 * torch.ones(2, 4)).half())
    with pytest.raises(
        ValueError, match=r"ExactIndex.search: distances must fit into torch.float16, got 2.4e\+05"
    ):
        index.search(-60000 * torch.ones(1, 4).half(), 1)
    assert index.search(-60000 * torch.ones(1, 4), 1)[0].item() == 240000
    index = ExactIndex()
    index.add(torch.full((2, 4), 1e200, dtype=torch.float64))
    with pytest.raises(
        ValueError, match=r"ExactIndex.search: .* squares float64 can hold, got 1e\+200"
    ):
        index.search(torch.ones(1, 4), 1)
