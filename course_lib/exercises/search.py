"""Tasks about embeddings and search: distances, neighbours, codes, tables (L1.13, L1.16)."""

import torch
from hypothesis import strategies as st

from course_lib.by_definition import search as plain
from course_lib.exercises import search_hashing_mistakes as hashing
from course_lib.exercises import search_mistakes as mistakes
from course_lib.exercises import search_neighbour_pictures as neighbours
from course_lib.exercises import search_pictures as pictures
from course_lib.exercises import search_recall_mistakes as recall
from course_lib.exercises import search_solutions as right
from course_lib.exercises.task import Task

# Halves and small whole numbers: their products and squares are exact, so equal distances are equal.
_NUMBER = st.sampled_from((0.0, 1.0, 2.0, -1.0, -2.0, 0.5, -0.5))
_DIMENSION = st.integers(1, 3)


def _pair(a, b, *k):
    return torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32), *k


def _rows(d, most, numbers=_NUMBER):
    row = st.lists(numbers, min_size=d, max_size=d)
    return st.lists(row, min_size=1, max_size=most)


_TWO_SETS = _DIMENSION.flatmap(lambda d: st.tuples(_rows(d, 3), _rows(d, 3)))

_SQUARED_DISTANCES = Task(
    name="squared_distances",
    page="A1",
    title="The squared Euclidean distance of every row of `a` to every row of `b`, [N, M], without Python loops",
    topics=("L1.03", "L1.06"),
    difficulty=1,
    minutes=10,
    plain=right.squared_distances,
    inputs=_TWO_SETS.map(lambda drawn: _pair(*drawn)),
    edges=[
        _pair([[1]], [[3]]),
        _pair([[0, 0]], [[3, 4]]),
        _pair([[1, 0]], [[0, 2]]),
        _pair([[0, 0], [1, 0]], [[0, 0], [0, 2]]),
        _pair([[1, 2]], [[1, 2], [3, 2], [0, 0]]),
        _pair([[1, 0, 2], [0, 1, 1]], [[1, 1, 1], [2, 0, 0], [0, 0, 3]]),
    ],
    mistakes=mistakes.SQUARED_DISTANCES,
    draw=pictures.draw_squared_distances,
    sized=lambda n: (torch.ones(n, n), torch.zeros(n, n)),
)


@st.composite
def _any_search(draw):
    d = draw(_DIMENSION)
    queries, vectors = draw(_rows(d, 3)), draw(_rows(d, 5))
    return _pair(queries, vectors, draw(st.integers(1, len(vectors))))


_NEAREST = Task(
    name="nearest",
    page="A1",
    title="The indices of the k nearest vectors of each query by Euclidean distance, [Q, k], the nearest "
    "first; of equal distances the lower index first (1 <= k <= N)",
    topics=("L1.13", "L1.16"),
    difficulty=1,
    minutes=8,
    plain=right.nearest,
    inputs=_any_search(),
    edges=[
        _pair([[0]], [[2], [1]], 1),
        _pair([[0]], [[1], [-1]], 1),
        _pair([[0]], [[3], [1], [2]], 2),
        _pair([[1, 0]], [[3, 0], [1, 1]], 1),
        _pair([[0, 0]], [[3, 0], [2, 2]], 1),
        _pair([[0], [3]], [[0], [1], [3]], 2),
        _pair([[0, 0], [2, 1]], [[2, 0], [0, 2], [-2, 0], [1, 1], [0, -2]], 3),
    ],
    mistakes=mistakes.NEAREST,
    words=("yours finds", "should find"),
    draw=neighbours.draw_nearest,
)


@st.composite
def _any_planes(draw):
    d = draw(_DIMENSION)
    normals = _rows(d, 3).filter(lambda rows: all(any(row) for row in rows))
    return _pair(draw(_rows(d, 4)), draw(normals))


def _clear(case):
    """Whether a product is 0 only where each of its terms is: it then stays 0 for vectors of length 1."""
    terms = case[0][:, None] * case[1]  # [N, B, d]
    return bool(((terms.sum(dim=2) != 0) | (terms == 0).all(dim=2)).all())


_HYPERPLANE_CODES = Task(
    name="hyperplane_codes",
    page="A1",
    title="The bits of every vector, [N, B] whole numbers: 1 where x . n > 0, strictly on the positive side of "
    "the plane through 0 with normal n, else 0",
    topics=("L1.14",),
    difficulty=1,
    minutes=6,
    plain=plain.hyperplane_bits,
    inputs=_any_planes().filter(_clear),
    edges=[
        _pair([[1]], [[1]]),
        _pair([[-1]], [[1]]),
        _pair([[0]], [[1]]),
        _pair([[0.5]], [[1]]),
        _pair([[1], [2]], [[1], [-1]]),
        _pair([[2, 1], [-1, 2]], [[1, 0], [0, -1]]),
        _pair([[1, 1]], [[1, -2], [2, -1], [-1, 2]]),
        _pair([[1, 2], [2, -1], [-2, 0], [0, 1]], [[1, 1], [1, 0]]),
        _pair([[1, 0, 2], [0, 1, -2]], [[1, 1, 1], [0, 2, 0]]),
    ],
    mistakes=hashing.HYPERPLANE_CODES,
    draw=pictures.draw_hyperplane_codes,
)


def _tables(tables, query):
    """Codes and the query's codes, from words of bits: "10 11" are two codes.  # -> [T, N, B], [T, B]"""
    codes = [[list(map(int, code)) for code in table.split()] for table in tables]
    return torch.tensor(codes), torch.tensor([list(map(int, code)) for code in query.split()])


@st.composite
def _any_tables(draw):
    count, n, bits = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    code = st.lists(st.integers(0, 1), min_size=bits, max_size=bits)
    query = draw(st.lists(code, min_size=count, max_size=count))
    # every third code or so is the query's own, else buckets of three bits are rarely shared
    own = st.integers(0, 2).map(lambda third: third == 2)
    tables = [[mine if draw(own) else draw(code) for _ in range(n)] for mine in query]
    return torch.tensor(tables), torch.tensor(query)


_CANDIDATES = Task(
    name="candidates",
    page="A1",
    title="The indices of the vectors that share the query's bucket, all bits of its code, in at least one "
    "table: each index once, in ascending order; an empty row if there is none",
    topics=("L1.14",),
    difficulty=2,
    minutes=10,
    plain=right.candidates,
    inputs=_any_tables(),
    edges=[
        _tables(["1 0"], "1"),
        _tables(["0 0"], "1"),
        _tables(["10 11 01"], "11"),
        _tables(["01 10"], "10"),
        _tables(["1 0", "0 1"], "1 1"),
        _tables(["1 0", "1 0"], "1 1"),
        _tables(["1 0", "1 0"], "1 0"),
        _tables(["0 0 1", "1 0 0"], "1 1"),
        _tables(["01 10", "10 01"], "11 11"),
        _tables(["10 01 10 00", "00 01 11 00"], "10 00"),
    ],
    mistakes=hashing.CANDIDATES,
    words=("yours finds", "should find"),
    draw=neighbours.draw_candidates,
)


def _found(found, exact):
    return torch.tensor(found), torch.tensor(exact)


@st.composite
def _any_found(draw):
    """Rows without repetition; where fewer vectors were found than there are places, -1 fills the end."""
    count, k, places = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    order = st.permutations(range(5))
    exact = [draw(order)[:k] for _ in range(count)]
    rows = [draw(order)[: draw(st.integers(0, places))] for _ in range(count)]
    return _found([row + [-1] * (places - len(row)) for row in rows], exact)


_RECALL_AT_K = Task(
    name="recall_at_k",
    page="A1",
    title="The share of the k exact neighbours that are among those found, in any order, mean over the queries; "
    "-1 in `found` stands for nothing found, and K' may be smaller or larger than k",
    topics=("L1.14", "L1.16"),
    difficulty=2,
    minutes=10,
    plain=right.recall_at_k,
    inputs=_any_found(),
    edges=[
        _found([[0, 1]], [[0, 1]]),
        _found([[1, 0]], [[0, 1]]),
        _found([[0, 2]], [[0, 1]]),
        _found([[0]], [[0, 1]]),
        _found([[0, -1]], [[0, 1]]),
        _found([[-1]], [[0]]),
        _found([[2, 0, 1]], [[0, 1]]),
        _found([[0], [-1]], [[0], [1]]),
        _found([[0, 1], [2, 3]], [[0, 1], [0, 1]]),
    ],
    mistakes=recall.RECALL_AT_K,
    draw=neighbours.draw_recall_at_k,
)

TASKS = (_SQUARED_DISTANCES, _NEAREST, _HYPERPLANE_CODES, _CANDIDATES, _RECALL_AT_K)
