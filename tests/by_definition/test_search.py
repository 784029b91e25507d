"""Search, codes and what counts as found: by hand, as scikit-learn and FAISS search, as the library does."""

import math

import faiss
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from sklearn.neighbors import NearestNeighbors

from course_lib.by_definition import search as plain
from course_lib.by_definition.embeddings import cosine
from course_lib.search import exact, hashing, retrieval


def vectors(n, d=4, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_search_by_hand():
    database = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0], [6.0, 8.0]])
    distances, numbers = plain.search(torch.tensor([[3.0, 3.0], [0.0, 0.0]]), database, k=3)
    assert numbers.tolist() == [[1, 0, 2], [0, 2, 1]]  # of equal ones the first
    torch.testing.assert_close(distances[1], torch.tensor([0.0, 0.0, 5.0]))
    assert plain.search(torch.tensor([[1.0, 0.0]]), database, 1, cosine)[1].tolist() == [[1]]


def test_codes_by_hand():
    normals = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    bits = plain.hyperplane_bits(torch.tensor([[1.0, -2.0], [3.0, 0.0]]), normals)
    assert bits.tolist() == [[1, 0, 0], [1, 0, 1]]  # on a plane is not above it
    assert plain.pack(bits).tolist() == [[0b10000000], [0b10100000]]
    assert plain.pack(torch.ones(1, 9).long()).tolist() == [[255, 128]]
    codes = torch.tensor([[0b0011, 255], [0b0101, 0]], dtype=torch.uint8)
    assert plain.hamming(codes, codes).tolist() == [[0, 10], [10, 0]]
    tables = torch.stack([normals[:2], -normals[1:]])
    database = torch.tensor([[2.0, -1.0], [-2.0, -1.0], [-2.0, 5.0]])  # same side of both, ...
    assert plain.same_bucket(torch.tensor([1.0, -2.0]), database, tables) == [0, 1]


def test_measures_by_hand():
    neighbours, label = torch.tensor([[1, 0, 2], [2, -1, -1]]), torch.tensor([7, 7])
    database_labels = torch.tensor([7, 5, 7])
    assert plain.precision_at_1(neighbours, label, database_labels) == 1 / 2
    assert plain.r_precision(neighbours, label, database_labels) == (1 / 2 + 1 / 2) / 2
    expected = ((1 / 2) / 2 + 1 / 2) / 2
    assert plain.mean_average_precision_at_r(neighbours, label, database_labels) == expected
    last = torch.tensor([5, 5, 7])  # -1 is nothing, not the last one
    assert plain.r_precision(torch.tensor([[-1]]), torch.tensor([7]), last) == 0
    assert plain.recall_at_k(torch.tensor([[4, 2, 9]]), torch.tensor([[2, 7, 4, 5]])) == 1 / 2


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 15), k=st.integers(1, 15), seed=st.integers(0, 999))
def test_search_as_scikit_learn_and_the_library(metric, n, k, seed):
    x, queries, k = vectors(n, seed=seed), vectors(3, seed=seed + 1), min(k, n)
    peer = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(x)
    index = exact.ExactIndex(metric)
    index.add(x)
    distance = {"cosine": {"distance": cosine}, "euclidean": {}}[metric]
    distances, numbers = plain.search(queries, x, k, **distance)
    for theirs in (map(torch.from_numpy, peer.kneighbors(queries)), index.search(queries, k)):
        their_distances, their_numbers = theirs
        torch.testing.assert_close(distances, their_distances.float(), atol=1e-5, rtol=1e-5)
        assert torch.equal(numbers, their_numbers)


@settings(max_examples=20, deadline=None)
@given(bits=st.integers(1, 30), seed=st.integers(0, 999))
def test_codes_and_hamming_are_the_librarys(bits, seed):
    x, planes = vectors(6, seed=seed), hashing.HyperplaneHash(bits, 4, seed)
    codes = plain.pack(plain.hyperplane_bits(x, planes.normals))
    assert torch.equal(codes, planes.codes(x)) and codes.dtype == torch.uint8
    distances = plain.hamming(codes, codes[:3])
    assert torch.equal(distances, hashing.hamming(codes, codes[:3]))
    peer = faiss.IndexBinaryFlat(8 * codes.shape[1])
    peer.add(codes.numpy())
    theirs, _ = peer.search(codes[:3].numpy(), 6)
    assert torch.equal(distances.sort(dim=0).values.T, torch.from_numpy(theirs).short())


@settings(max_examples=20, deadline=None)
@given(
    size=st.integers(1, 25),
    tables=st.integers(1, 3),
    bits=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_buckets_are_the_librarys(size, tables, bits, seed):
    x, queries, k = vectors(size, seed=seed), vectors(3, seed=seed + 1), min(size, 3)
    index = hashing.LSHIndex(tables, bits, probes=1, seed=seed)
    index.add(x)
    normals = hashing.HyperplaneHash(tables * bits, 4, seed).normals.unflatten(0, (tables, bits))
    distances, numbers = index.search(queries, k)
    for query, near, which in zip(queries, distances, numbers, strict=True):
        bucket = plain.same_bucket(query, x, normals)
        count = min(k, len(bucket))
        assert which[count:].tolist() == [-1] * (k - count) and (near[count:] == math.inf).all()
        if bucket:
            ours, places = plain.search(query[None], x[bucket], k, cosine)
            torch.testing.assert_close(ours[0], near[:count], atol=1e-5, rtol=1e-5)
            assert [bucket[i] for i in places[0]] == which[:count].tolist()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 15), st.integers(1, 4), st.integers(0, 999))
def test_measures_are_the_librarys(queries, size, classes, seed):
    generator = torch.Generator().manual_seed(seed)
    more = torch.randint(classes, (size,), generator=generator)
    database_labels = torch.cat([torch.arange(classes), more])
    labels = torch.randint(classes, (queries,), generator=generator)
    found = torch.stack([torch.randperm(len(database_labels), generator=generator) for _ in labels])
    for name in ("precision_at_1", "r_precision", "mean_average_precision_at_r"):
        ours, theirs = (
            getattr(module, name)(found, labels, database_labels) for module in (plain, retrieval)
        )
        assert ours == pytest.approx(theirs)
    assert plain.recall_at_k(found[:, :2], found[:, 1:]) == pytest.approx(
        retrieval.recall_at_k(found[:, :2], found[:, 1:])
    )


def test_measures_as_pytorch_metric_learning():
    labels = torch.arange(30) // 5
    x, queries = vectors(30, d=8), vectors(12, d=8, seed=1)
    x, queries = x + vectors(6, 8, 2)[labels], queries + vectors(6, 8, 2)[labels[:12]]
    numbers = plain.search(queries, x, 5)[1]
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    calculator = AccuracyCalculator(include=names, device=torch.device("cpu"))
    theirs = calculator.get_accuracy(queries, labels[:12], x, labels)
    for name in names:
        ours = getattr(plain, name)(numbers, labels[:12], labels)
        assert 0.2 < ours < 1 and ours == pytest.approx(theirs[name], abs=1e-6)
