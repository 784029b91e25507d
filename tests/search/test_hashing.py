"""Hyperplane codes, Hamming distance, buckets: by loops, theory, FAISS, bad input, files."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.by_definition import search as plain
from course_lib.search.exact import ExactIndex
from course_lib.search.hashing import HyperplaneHash, LSHIndex, hamming, p_found, p_same_bit
from course_lib.search.retrieval import recall_at_k


def vectors(n, d=8, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def pair_at(angle, count, d=16, seed=0):
    """`count` pairs of unit vectors with that angle between them."""
    a, b = (torch.nn.functional.normalize(vectors(count, d, seed + i)) for i in (0, 1))
    b = torch.nn.functional.normalize(b - (a * b).sum(1, keepdim=True) * a)  # at a right angle to a
    return a, math.cos(angle) * a + math.sin(angle) * b


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 130), st.integers(0, 999))
def test_codes_are_the_sides_of_the_planes(bits, seed):
    x, planes = vectors(5, seed=seed), HyperplaneHash(bits, 8, seed)
    codes = planes.codes(x)
    assert codes.shape == (5, -(-bits // 8)) and codes.dtype == torch.uint8
    assert torch.equal(codes, plain.pack(plain.hyperplane_bits(x, planes.normals)))
    assert torch.equal(
        codes, HyperplaneHash(bits, 8, seed).codes(3 * x)
    )  # only the direction counts


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_hamming_counts_the_bits_that_differ(size, n, m, seed):
    g = torch.Generator().manual_seed(seed)
    a, b = (torch.randint(256, (k, size), generator=g, dtype=torch.uint8) for k in (n, m))
    assert torch.equal(hamming(a, b), plain.hamming(a, b))
    assert torch.equal(hamming(a, b), hamming(b, a).T) and not hamming(a, a).diagonal().any()


def test_faiss_gives_the_same_hamming_distances_for_our_codes():
    import faiss

    planes = HyperplaneHash(64, 8)
    codes, asked = planes.codes(vectors(500)), planes.codes(vectors(20, seed=1))
    theirs = faiss.IndexBinaryFlat(64)
    theirs.add(codes.numpy())
    distances, _ = theirs.search(asked.numpy(), 10)
    assert (hamming(asked, codes).sort(dim=1).values[:, :10].numpy() == distances).all()


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0, math.pi / 2, 2.5, math.pi])
def test_collisions_follow_theory_within_four_standard_errors(angle):
    a, b = pair_at(angle, 200)
    planes = HyperplaneHash(4096, 16, seed=5)
    same = ((planes.project(a) > 0) == (planes.project(b) > 0)).double().mean(1)  # [200]
    expected = p_same_bit(torch.tensor(angle)).item()
    error = math.sqrt(expected * (1 - expected) / 4096)
    # pairs share the planes, so their mean is no better than about one pair's
    assert abs(same.mean().item() - expected) < 4 * error + 1e-3


def test_p_found_is_how_often_an_index_finds_a_neighbour():
    angle, bits, tables = 0.5, 6, 4
    a, b = pair_at(angle, 2000)
    hits = []
    for seed in range(8):
        index = LSHIndex(tables, bits, probes=1, seed=seed)
        own = index.keys(index.project(a)) == index.keys(index.project(b))  # [2000, tables]
        hits.append(own.any(1).double().mean().item())
    expected = p_found(torch.tensor(angle), bits, tables).item()
    spread = torch.tensor(hits).std().item()
    assert abs(sum(hits) / 8 - expected) < 4 * spread / math.sqrt(8) + 0.01
    assert expected == pytest.approx(1 - (1 - (1 - angle / math.pi) ** bits) ** tables)


def literal_search(index, queries, k):
    """Look into the buckets one by one; compare what lies in them by plain distances."""
    all_keys, found = index.keys(index.project(index.vectors)), []
    for query, keys in zip(queries, index.probe_keys(queries), strict=True):
        inside = [
            n
            for n in range(len(index))
            if any(all_keys[n, t] in keys[t] for t in range(index.tables))
        ]
        cosines = torch.cosine_similarity(query[None].double(), index.vectors[inside].double())
        order = sorted(zip((1 - cosines).tolist(), inside, strict=True))[:k]
        found.append([n for _, n in order] + [-1] * (k - len(order)))
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 4), st.integers(2, 7), st.integers(0, 999), st.data())
def test_the_index_looks_where_it_says(size, tables, bits, seed, data):
    probes = data.draw(st.integers(1, 1 + bits + bits * (bits - 1) // 2))
    index = LSHIndex(tables, bits, probes=probes, seed=seed)
    for part in vectors(size, seed=seed).split(23):
        index.add(part)
    queries, k = vectors(4, seed=seed + 1), min(3, size)
    distances, numbers = index.search(queries, k)
    assert numbers.tolist() == literal_search(index, queries, k)
    assert torch.equal(torch.isinf(distances), numbers == -1)
    assert 0 <= index.looked_at <= 1


def test_probes_go_across_the_nearest_planes_first():
    index = LSHIndex(tables=1, bits=3, probes=7)
    query = vectors(1)
    index.add(query)
    projected = index.project(query)[0, 0].tolist()
    own = sum(1 << b for b in range(3) if projected[b] > 0)
    crossings = [(1 << i,) for i in range(3)] + [
        (1 << i, 1 << j) for i in range(3) for j in range(i)
    ]
    cost = lambda flips: sum(projected[f.bit_length() - 1] ** 2 for f in flips)  # noqa: E731
    expected = [own] + [own ^ sum(flips) for flips in sorted(crossings, key=cost)]
    assert index.probe_keys(query)[0, 0].tolist() == expected


def test_more_tables_and_probes_find_more_and_look_at_more():
    x, queries = vectors(3000, d=16), vectors(100, d=16, seed=1)
    exact = ExactIndex("cosine")
    exact.add(x)
    truth, last = exact.search(queries, 10)[1], (0.0, 0.0)
    for tables, probes in ((1, 1), (4, 1), (4, 8), (16, 8), (16, 30)):
        index = LSHIndex(tables, bits=8, probes=probes)
        index.add(x)
        now = (recall_at_k(index.search(queries, 10)[1], truth), index.looked_at)
        assert now[0] > last[0] and now[1] > last[1]
        last = now
    everything = LSHIndex(1, bits=1, probes=2)
    everything.add(x)
    assert torch.equal(everything.search(queries, 10)[1], truth) and everything.looked_at == 1


def test_an_index_is_saved_loaded_and_goes_on_growing(tmp_path):
    index, path = LSHIndex(3, 5, metric="euclidean", probes=4, seed=9), tmp_path / "i"
    index.add(vectors(50))
    index.save(path)
    again = LSHIndex.load(path)
    for one in (index, again):
        one.add(vectors(10, seed=2))
    ours, theirs = index.search(vectors(5, seed=3), 4), again.search(vectors(5, seed=3), 4)
    assert (
        torch.equal(ours[0], theirs[0])
        and torch.equal(ours[1], theirs[1])
        and again.metric == "euclidean"
    )
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"LSHIndex.load: .* is damaged"):
        LSHIndex.load(path)


def test_added_little_by_little_and_looked_into_now_and_then():
    whole, grown = LSHIndex(3, 5, seed=1), LSHIndex(3, 5, seed=1)
    x, queries = vectors(200), vectors(9, seed=1)
    whole.add(x)
    for part in x.split(7):
        grown.add(part)
        if len(grown) % 3 == 0:
            grown.search(queries, 1)
    for expected, got in zip(whole.search(queries, 6), grown.search(queries, 6), strict=True):
        assert torch.equal(expected, got)


def test_adding_takes_time_in_proportion_to_what_is_added(monkeypatch):
    """Nothing that is there already is hashed or sorted again for each small piece."""
    index, hashed = LSHIndex(2, 4), []
    project = LSHIndex.project
    monkeypatch.setattr(
        LSHIndex, "project", lambda self, x: hashed.append(len(x)) or project(self, x)
    )
    for part in vectors(300).split(1):
        index.add(part)
    index.search(vectors(2), 1)
    assert sum(hashed) <= 302


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1.0, 1e20, 1e-30, 1e200])
def test_codes_and_buckets_of_every_float_type(dtype, scale):
    x = (scale * vectors(40).double()).to(dtype)
    if not (torch.isfinite(x).all() and (x != 0).any(1).all()):
        return
    planes = HyperplaneHash(64, 8)
    bits = (x.double() / x.double().abs().max() @ planes.normals.double().T > 0).numpy()
    assert torch.equal(planes.codes(x), torch.from_numpy(np.packbits(bits, axis=1)))
    index = LSHIndex(2, 3, probes=7)
    index.add(x)
    distances, numbers = index.search(x[:5], 2)
    assert numbers[:, 0].tolist() == [0, 1, 2, 3, 4] and distances.dtype == dtype


def test_transposed_codes_and_vectors(tmp_path):
    codes = torch.randint(0, 256, (11, 5), dtype=torch.uint8)
    assert torch.equal(hamming(codes.T, codes.T), hamming(codes.T.contiguous(), codes.T.contiguous()))  # fmt: skip
    index = LSHIndex(2, 4)
    index.add(vectors(8, 100).T)
    index.save(tmp_path / "i")
    assert torch.equal(LSHIndex.load(tmp_path / "i").vectors, vectors(8, 100).T)


def test_candidates_compared_exactly():
    index = ExactIndex("cosine")
    index.add(vectors(50))
    queries, everything = vectors(4, seed=1), torch.arange(50).flip(0).expand(4, 50)
    assert torch.equal(index.compare(queries, everything, 7)[1], index.search(queries, 7)[1])
    few = torch.tensor([[3, -1, 9]]).expand(4, 3)
    distances, numbers = index.compare(queries, few, 3)
    assert (numbers[:, 2] == -1).all() and distances[:, 2].isinf().all()
    assert torch.equal(numbers[:, :2].sort(dim=1).values, torch.tensor([[3, 9]]).expand(4, 2))


def full(index):
    index.add(vectors(5))
    return index


CODES = torch.zeros(2, 3, dtype=torch.uint8)


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: HyperplaneHash(0, 8), ValueError, "bits must be 1 or more, got 0"),
        (lambda: HyperplaneHash(4, 8).codes(vectors(2, d=7)), ValueError, r"must have d = 8, got \[2, 7\]"),
        (lambda: HyperplaneHash(4, 8).codes(vectors(2) * torch.nan), ValueError, "NaN"),
        (lambda: hamming(CODES, CODES[:, :2]), ValueError, r"got \[2, 3\] and \[2, 2\]"),
        (lambda: hamming(CODES, CODES.int()), TypeError, r"hamming: b must .* got \[2, 3\] of int32"),
        (lambda: LSHIndex(tables=0), ValueError, "tables must be 1 or more, got 0"),
        (lambda: LSHIndex(bits=63), ValueError, "bits=63"),
        (lambda: LSHIndex(bits=2, probes=5), ValueError, "probes=5"),
        (lambda: LSHIndex(metric="l7"), ValueError, "LSHIndex: metric must be one of"),
        (lambda: LSHIndex().search(vectors(1), 1), ValueError, "LSHIndex.search: the index is empty"),
        (lambda: LSHIndex().save("x"), ValueError, "the index is empty"),
        (lambda: full(LSHIndex()).search(vectors(1), 6), ValueError, r"between 1 and 5 \(vectors held\), got 6"),
        (lambda: full(LSHIndex()).search(vectors(1, d=9), 1), ValueError, r"\[1, 9\] and database \[1, 8\]"),
        (lambda: full(LSHIndex()).search(vectors(1) * torch.nan, 1), ValueError, "NaN"),
        (lambda: full(LSHIndex()).search([[0.0] * 8], 1), TypeError, r"LSHIndex.search: queries .* got list"),
        (lambda: full(LSHIndex()).search(vectors(1), 1.5), TypeError, "LSHIndex.search: k must be an integer, got 1.5"),
        (lambda: LSHIndex().add(np.zeros((2, 8))), TypeError, r"LSHIndex.add: x must be a tensor .* got ndarray"),
        (lambda: LSHIndex(tables=2.0), TypeError, "LSHIndex: tables must be a whole number"),
        (lambda: HyperplaneHash(4, 8).codes([[0.0] * 8]), TypeError, "HyperplaneHash: x must be a tensor .* got list"),
        (lambda: hamming([[1]], CODES), TypeError, "hamming: a must be a tensor .* of uint8, got list"),
        (lambda: hamming(*[torch.zeros(1, 5000, dtype=torch.uint8)] * 2), ValueError, "4095 bytes at most"),
        (lambda: p_found([0.5], 2, 2), TypeError, r"p_found: angle .* got .0.5"),
        (lambda: p_found(torch.tensor([4.0]), 2, 2), ValueError, "p_found: angle must lie in 0..pi, got 4.0 to 4.0"),
        (lambda: full(ExactIndex()).compare(vectors(1), torch.tensor([[5]]), 1), ValueError, r"must lie in -1..4"),
        (lambda: full(ExactIndex()).compare(vectors(1), [[1]], 1), TypeError, r"candidates must .* got list"),
        (lambda: full(LSHIndex()).add(vectors(1, d=9)), ValueError, "LSHIndex.add: x and database"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(call, error, says):
    with pytest.raises(error, match=says):
        call()
