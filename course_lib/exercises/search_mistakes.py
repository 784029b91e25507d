"""Known mistakes with distances and nearest neighbours, each with the hint for who made it (L1.03, L1.13)."""

from torch.nn import functional as F

from course_lib.exercises import search_solutions as right
from course_lib.exercises.task import Mistake


def _differences(a, b):
    return a[:, None] - b  # [N, M, d]


def _lengths(x):
    """Squared lengths.  # [N, d] -> [N]"""
    return (x**2).sum(dim=1)


SQUARED_DISTANCES = (
    Mistake(
        lambda a, b: right.squared_distances(a, b).sqrt(),
        "The square root was taken. Return the squared distances.",
    ),
    Mistake(
        lambda a, b: ((a - b) ** 2).sum(dim=-1),
        "Row i of `a` was compared with row i of `b` only. Compare every row of `a` with every row of "
        "`b`: give `a` one more axis first.",
    ),
    Mistake(
        lambda a, b: (_differences(a, b) ** 2).sum(dim=1),
        "The sum went over the vectors of `b` (axis 1 of [N, M, d]). Sum over the coordinates, the last "
        "axis.",
    ),
    Mistake(
        lambda a, b: _lengths(a) + _lengths(b) - 2 * a @ b.T,
        "Both rows of squared lengths were added along the same axis. In [N, M] the lengths of `a` "
        "belong to the rows: make them a column [N, 1].",
    ),
    Mistake(
        lambda a, b: _lengths(a)[:, None] + _lengths(b)[:, None] - 2 * a @ b.T,
        "The squared lengths of `b` were added as a column. They belong to the columns of [N, M]: add "
        "them as a row [M].",
    ),
    Mistake(
        lambda a, b: _lengths(a)[:, None] + _lengths(b) - a @ b.T,
        "The scalar product was subtracted once. Its factor in |a - b|^2 is 2.",
    ),
    Mistake(
        lambda a, b: _lengths(a)[:, None] + _lengths(b) + 2 * a @ b.T,
        "The scalar product was added: this is |a + b|^2. In |a - b|^2 it is subtracted.",
    ),
    Mistake(
        lambda a, b: _lengths(b) - 2 * a @ b.T,
        "The squared lengths of `a` are missing. Without them the order of the neighbours is right, but "
        "the distances are not.",
    ),
    Mistake(
        lambda a, b: _lengths(a)[:, None] - 2 * a @ b.T,
        "The squared lengths of `b` are missing. Add |b|^2 to each column.",
    ),
    Mistake(
        lambda a, b: _lengths(a).sqrt()[:, None] + _lengths(b).sqrt() - 2 * a @ b.T,
        "The lengths |a| and |b| were not squared. Add |a|^2 and |b|^2.",
    ),
    Mistake(
        lambda a, b: _differences(a, b).abs().sum(dim=2),
        "The absolute differences were added: this is the Manhattan distance. Square each difference "
        "before the sum.",
    ),
    Mistake(
        lambda a, b: _differences(a, b).sum(dim=2) ** 2,
        "The differences were added first and squared then, so that they cancel. Square each difference "
        "before the sum.",
    ),
    Mistake(
        lambda a, b: (_differences(a, b) ** 2).mean(dim=2),
        "The mean over the coordinates was taken. The squared distance is their sum.",
    ),
    Mistake(
        lambda a, b: _differences(a, b) ** 2,
        "The squared differences were not summed. Sum over the coordinates, the last axis.",
    ),
    Mistake(
        lambda a, b: a @ b.T,
        "These are scalar products: similarities, not distances. Add the squared lengths, and subtract "
        "the product twice.",
    ),
    Mistake(
        lambda a, b: right.squared_distances(b, a),
        "The answer is transposed. Rows belong to `a`, columns to `b`.",
    ),
)


def _order(queries, vectors):
    """All indices, the nearest first.  # [Q, d], [N, d] -> [Q, N]"""
    return right.nearest(queries, vectors, len(vectors))


def _first(distance, descending=False):
    """`nearest` by another distance: (queries, vectors) -> [Q, N]."""

    def nearest(queries, vectors, k):
        order = distance(queries, vectors).argsort(dim=1, descending=descending, stable=True)
        return order[:, :k]

    return nearest


def _cosine(queries, vectors):
    return F.normalize(queries) @ F.normalize(vectors).T


def _last_of_ties(queries, vectors, k):
    squared = right.squared_distances(queries, vectors)
    return squared.argsort(dim=1, descending=True, stable=True).flip(1)[:, :k]


NEAREST = (
    Mistake(
        _first(right.squared_distances, descending=True),
        "These are the vectors that are farthest away. Sort the distances in ascending order.",
    ),
    Mistake(
        lambda queries, vectors, k: _order(queries, vectors)[:k],
        "The first k rows were taken: k queries with all vectors. Take the first k columns of each row.",
    ),
    Mistake(
        lambda queries, vectors, k: (
            right.squared_distances(queries, vectors).topk(k, dim=1, largest=False).values
        ),
        "Distances were returned. Return the indices of the vectors.",
    ),
    Mistake(
        lambda queries, vectors, k: right.squared_distances(queries, vectors).topk(
            k, largest=False
        ),
        "`topk` returns two things, the distances and the indices. Return only the indices.",
    ),
    Mistake(
        lambda queries, vectors, k: (
            right.squared_distances(queries, vectors).topk(k, dim=1, largest=False).indices
        ),
        "Of two vectors at the same distance the lower index must come first. `topk` guarantees no order "
        "among equal values; a stable sort does.",
    ),
    Mistake(
        _last_of_ties,
        "Of two vectors at the same distance the higher index came first. The lower index goes first.",
    ),
    Mistake(
        lambda queries, vectors, k: right.squared_distances(queries, vectors).argsort(
            dim=0, stable=True
        )[:, :k],
        "The distances were sorted down the columns, which orders the queries for each vector. Sort "
        "along the rows, dim=1.",
    ),
    Mistake(
        _first(lambda queries, vectors: queries @ vectors.T, descending=True),
        "The vectors with the largest scalar product were taken. A long vector has a large product and "
        "may be far away: use the Euclidean distance.",
    ),
    Mistake(
        _first(_cosine, descending=True),
        "The vectors were ordered by cosine similarity, which ignores their lengths. Use the Euclidean "
        "distance.",
    ),
    Mistake(
        _first(lambda queries, vectors: _differences(queries, vectors).abs().sum(dim=2)),
        "The vectors were ordered by the sum of absolute differences (Manhattan). Use the Euclidean "
        "distance.",
    ),
    Mistake(
        lambda queries, vectors, k: _order(queries, vectors),
        "`k` was not used: all vectors were returned. Return only the k nearest.",
    ),
    Mistake(
        lambda queries, vectors, k: right.squared_distances(queries, vectors).argmin(dim=1),
        "Only the nearest vector was returned. Return k indices for each query, [Q, k].",
    ),
    Mistake(
        lambda queries, vectors, k: _order(queries, vectors)[:, 1 : k + 1],
        "The nearest vector was left out, as if it were the query itself. The queries are not among "
        "the vectors here: begin with the nearest.",
    ),
    Mistake(
        lambda queries, vectors, k: _order(queries, vectors).argsort(dim=1)[:, :k],
        "These are the ranks of the first k vectors, from a second argsort. Return the indices of the "
        "vectors: one argsort gives them.",
    ),
    Mistake(
        lambda queries, vectors, k: right.nearest(queries, vectors, k).sort(dim=1).values,
        "The right vectors, in the order of their indices. Return the nearest first.",
    ),
    Mistake(
        lambda queries, vectors, k: right.nearest(queries, vectors, k).T,
        "The answer is transposed. Return one row for each query, [Q, k].",
    ),
)
