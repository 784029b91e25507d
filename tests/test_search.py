import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from course_lib import search
from course_lib.search import ExactIndex, precision_at_1


def vectors(n, d=8, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@given(
    n=st.integers(1, 40), k=st.integers(1, 40), parts=st.integers(1, 4), seed=st.integers(0, 1000)
)
def test_finds_what_scikit_learn_finds(metric, n, k, parts, seed):
    k = min(k, n)
    x, queries = vectors(n, seed=seed), vectors(5, seed=seed + 1)
    index = ExactIndex(metric)
    for part in x.chunk(parts):  # added little by little, as a collection grows
        index.add(part)
    distances, found = index.search(queries, k)
    theirs, peer = (
        NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(x).kneighbors(queries)
    )
    assert found.tolist() == peer.tolist()
    torch.testing.assert_close(distances, torch.from_numpy(theirs).float(), atol=1e-5, rtol=1e-5)


def test_blocks_do_not_change_the_answer(monkeypatch):
    index = ExactIndex()
    index.add(vectors(1000))
    whole = index.search(vectors(7, seed=1), k=20)
    monkeypatch.setattr(search, "BLOCK", 13)
    in_blocks = index.search(vectors(7, seed=1), k=20)
    assert torch.equal(whole[0], in_blocks[0]) and torch.equal(whole[1], in_blocks[1])


def test_the_index_keeps_its_own_copy():
    x = vectors(3)
    index = ExactIndex()
    index.add(x)
    x.zero_()
    assert index.vectors.abs().min() > 0


def test_bad_calls_change_nothing():
    with pytest.raises(
        ValueError, match=r"metric must be one of \['cosine', 'euclidean'\], got 'l7'"
    ):
        ExactIndex("l7")
    index = ExactIndex()
    with pytest.raises(ValueError, match="index is empty"):
        index.search(vectors(1), 1)
    index.add(vectors(4))
    for bad, says in (
        (vectors(2, d=9), r"x \[2, 9\] and database \[4, 8\]"),
        (vectors(2) * float("nan"), "NaN"),
        (vectors(0), r"at least one vector, got \[0, 8\]"),
    ):
        with pytest.raises(ValueError, match=says):
            index.add(bad)
    assert len(index) == 4
    for k in (0, 5):
        with pytest.raises(ValueError, match=rf"between 1 and 4 \(vectors held\), got {k}"):
            index.search(vectors(1), k)
    with pytest.raises(ValueError, match=r"queries \[1, 9\] and database \[4, 8\]"):
        index.search(vectors(1, d=9), 1)


def test_precision_at_1_counts_only_the_nearest():
    labels = torch.tensor([0, 1, 2])
    assert precision_at_1(torch.tensor([[0, 1], [0, 1]]), torch.tensor([0, 1]), labels) == 0.5
    with pytest.raises(ValueError, match=r"\[2, 1\] and query_labels \[3\]"):
        precision_at_1(torch.zeros(2, 1).long(), torch.zeros(3).long(), labels)
