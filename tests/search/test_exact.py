import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from course_lib.search import exact as exact_module
from course_lib.search.exact import ExactIndex


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
    monkeypatch.setattr(exact_module, "BLOCK", 13)
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
        ValueError, match=r"metric must be one of \('euclidean', 'cosine'\), got 'l7'"
    ):
        ExactIndex("l7")
    index = ExactIndex()
    with pytest.raises(ValueError, match="index is empty"):
        index.search(vectors(1), 1)
    index.add(vectors(4))
    for bad, says in (
        (vectors(2, d=9), r"x \[2, 9\] and database \[1, 8\]"),
        (vectors(2) * float("nan"), "NaN"),
        (vectors(0), r"at least one vector, got \[0, 8\]"),
    ):
        with pytest.raises(ValueError, match=says):
            index.add(bad)
    assert len(index) == 4
    for k in (0, 5):
        with pytest.raises(ValueError, match=rf"between 1 and 4 \(vectors held\), got {k}"):
            index.search(vectors(1), k)
    with pytest.raises(ValueError, match=r"queries \[1, 9\] and database \[1, 8\]"):
        index.search(vectors(1, d=9), 1)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_same_neighbours_as_faiss_in_many_blocks(metric):
    import faiss

    x, queries = vectors(20_000, d=16), vectors(300, d=16, seed=1)
    index = ExactIndex(metric)
    index.add(x)
    if metric == "cosine":
        x, queries = (torch.nn.functional.normalize(v) for v in (x, queries))
    theirs = faiss.IndexFlatL2(16) if metric == "euclidean" else faiss.IndexFlatIP(16)
    theirs.add(x.numpy())
    assert (index.search(queries, 10)[1].numpy() == theirs.search(queries.numpy(), 10)[1]).all()


@pytest.mark.parametrize("offset", [0.0, 100.0, 10_000.0])
def test_far_from_the_origin_and_near_each_other(offset):
    x = vectors(5000, d=32) + offset
    queries = x[:50] + 0.01 * vectors(50, d=32, seed=1)
    index = ExactIndex()
    index.add(x)
    distances, found = index.search(queries, 5)
    exact = torch.cdist(queries.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist")
    expected, numbers = exact.sort(dim=1)
    torch.testing.assert_close(distances.double(), expected[:, :5], rtol=1e-6, atol=1e-6)
    assert torch.equal(found, numbers[:, :5])


def test_of_equally_near_ones_the_smaller_number_comes_first():
    index = ExactIndex()
    index.add(vectors(4).repeat(3, 1))
    assert index.search(vectors(4), 3)[1].tolist() == [[i, i + 4, i + 8] for i in range(4)]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_an_index_is_saved_loaded_and_goes_on_growing(metric, tmp_path):
    index, path = ExactIndex(metric), tmp_path / "faces.index"
    with pytest.raises(ValueError, match="the index is empty"):
        index.save(path)
    index.add(vectors(30))
    index.save(path)
    again = ExactIndex.load(path)
    assert again.metric == metric and torch.equal(again.vectors, index.vectors)
    for one in (index, again):
        one.add(vectors(5, seed=3))
    assert torch.equal(
        index.search(vectors(3, seed=4), 7)[1], again.search(vectors(3, seed=4), 7)[1]
    )
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"ExactIndex.load: .*faces.index is damaged"):
        ExactIndex.load(path)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing"):
        ExactIndex.load(tmp_path / "nothing")
    assert [p.name for p in tmp_path.iterdir()] == ["faces.index"]


def test_a_file_of_another_index_is_refused(tmp_path):
    from course_lib.search.hashing import LSHIndex

    index = LSHIndex(2, 4)
    index.add(vectors(5))
    index.save(tmp_path / "lsh")
    with pytest.raises(ValueError, match="not an index of this kind"):
        ExactIndex.load(tmp_path / "lsh")


def test_vectors_without_direction_do_not_push_others_out():
    """A zero vector is at cosine distance 1 from everything: behind all that is on the query's side."""
    index = ExactIndex("cosine")
    index.add(torch.cat([torch.zeros(50, 2), torch.tensor([[0.3, 1.0], [0.2, 1.0], [-1.0, 0.0]])]))
    distances, numbers = index.search(torch.tensor([[1.0, 0.0]]), k=3)
    assert numbers[0, :2].tolist() == [50, 51] and numbers[0, 2] < 50
    assert distances[0, 2] == 1
