"""Which vectors can be among a query's nearest: by a matrix product whose rounding error is bounded (L1.13).

The product is fast, and rounds. So it only rules out vectors that are certainly too far, whatever the rounding did.
The rest, the candidates, are compared one by one in float64.
"""

import torch
from torch import Tensor

from course_lib.embeddings.distances import normalize

# Below this cosine distance, 1 - cos has lost too many digits.
NEARLY_PARALLEL = 1e-6
# Numbers subtracted at a time when pairs are compared: 1 MB, which stays in the cache.
PAIRS = 2**17
# Candidates for each query in a block above which the product is made again in float64, which rules out more.
MANY = 128
# Scores of which only the highest is looked at first.
GROUP = 64


class Products:
    """Scores of vectors for some queries by one matrix product, and the lowest score that a near vector can have.

        |q - x|^2 = |q|^2 - 2 s(q, x),   s = q.x - |x|^2 / 2       (euclidean)
        1 - cos   = 1 - s(q, x),         s = q.x of unit vectors   (cosine)

    Args:
        queries: vectors as rows.                                                   # [q, d]
        metric: "euclidean" or "cosine".
        center: a point amid the vectors; seen from it the numbers are small, and fewer digits are lost.    # [d]
        extent: the largest absolute value in queries and vectors.
        dtype: float32 or float64, what the product is computed in.

    In floating point a scalar product of d numbers is off by at most (d/2) eps |q| |x|, in whatever order it is summed
    (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, 3.1), and |q| |x| <= (|q|^2 + |x|^2) / 2. With the
    rounding of q, x, |x|^2 and of the sum, (d + 8) eps is enough for both metrics.
    """

    def __init__(
        self, queries: Tensor, metric: str, center: Tensor, extent: float, dtype: torch.dtype
    ):
        self.metric, self.center, self.dtype = metric, center, dtype
        self.slack = (len(center) + 8) * torch.finfo(dtype).eps
        # What is lost where a number is too small for the type.
        self.lost = 8 * len(center) * torch.finfo(dtype).tiny * (1 + extent)
        self.queries = self._prepare(queries)  # [q, d]
        self.room: Tensor | None = None  # for the scores: new memory costs a quarter of the time
        self.squares = self.queries.double().square().sum(1)
        if metric == "euclidean":
            self.queries = torch.cat([self.queries, torch.ones_like(self.queries[:, :1])], dim=1)

    def _prepare(self, x: Tensor) -> Tensor:
        """Vectors seen from the centre, or unit vectors.                               # [n, d]"""
        x = x.to(torch.promote_types(torch.promote_types(x.dtype, self.center.dtype), self.dtype))
        return (x - self.center if self.metric == "euclidean" else normalize(x)).to(self.dtype)

    def scores(self, vectors: Tensor) -> Tensor:
        """The higher, the nearer; raised by that part of the error which depends on x.   # [n, d] -> [q, n]"""
        x = self._prepare(vectors)
        if self.metric == "euclidean":
            x = torch.cat([x, x.square().sum(1, keepdim=True) * (self.slack - 0.5)], dim=1)
        with torch.autocast(x.device.type, enabled=False):
            if self.room is None or self.room.shape[1] != len(x):
                self.room = self.queries.new_empty(len(self.queries), len(x))
            return torch.mm(self.queries, x.T, out=self.room)

    def needed(self, radius: Tensor) -> Tensor:
        """The score that every vector within the query's radius reaches.         # [q] float64 -> [q]"""
        if self.metric == "cosine":
            return (1 - radius - self.slack - self.lost).to(self.dtype)
        needed = ((1 - self.slack) * self.squares - (1 + self.slack) * radius.square()) / 2
        return (needed - self.lost).to(self.dtype)


def candidates(products: list[Products], vectors: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of a query and a vector that may be at most the query's radius apart; none that is, is missing.

    Args:
        products: the same queries in float32 and in float64, or in float64 alone.
        vectors: vectors as rows.                             # [n, d]
        radius: of each query.                                # [q] float64
    Returns:
        query and vector of each pair, in this order.         # [p], [p]
    """
    for product in products:
        i, j = _at_least(product.scores(vectors), product.needed(radius))
        if len(i) <= MANY * len(radius):
            break
    return i, j


def _at_least(scores: Tensor, needed: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of every score that is high enough; groups without one are passed over.   # [q, n], [q]"""
    group = GROUP if scores.shape[1] % GROUP == 0 else 1
    groups = scores.unflatten(1, (-1, group))  # [q, n / group, group]
    i, which = (groups.amax(2) >= needed[:, None]).nonzero(as_tuple=True)
    member, place = (groups[i, which] >= needed[i, None]).nonzero(as_tuple=True)
    return i[member], which[member] * group + place


def pair_distances(queries: Tensor, vectors: Tensor, i: Tensor, j: Tensor, metric: str) -> Tensor:
    """Distance of queries[i] to vectors[j], pair by pair, in float64.              # [p], [p] -> [p]"""
    if len(i) == 0:
        return torch.empty(0, dtype=torch.float64, device=i.device)
    distance = _euclidean if metric == "euclidean" else _cosine
    few = max(1, PAIRS // queries.shape[1])
    pairs = zip(i.split(few), j.split(few), strict=True)
    return torch.cat([distance(queries[a].double(), vectors[b].double()) for a, b in pairs])


def _euclidean(q: Tensor, x: Tensor) -> Tensor:
    return (q - x).square_().sum(1).sqrt_()


def _cosine(q: Tensor, x: Tensor) -> Tensor:
    """1 - cos; of nearly parallel vectors |q/|q| - x/|x||^2 / 2, the same number with all its digits."""
    q, x = _largest_one(q), _largest_one(x)
    lengths = q.square().sum(1).sqrt() * x.square().sum(1).sqrt()
    distance = 1 - (q * x).sum(1) / torch.where(lengths > 0, lengths, 1)
    half_square = (normalize(q) - normalize(x)).square().sum(1) / 2
    return torch.where(distance < NEARLY_PARALLEL, half_square, distance).clamp(max=2)


def _largest_one(x: Tensor) -> Tensor:
    """Vectors whose largest absolute value is 1: no square is too large or too small, and x and 3x become equal."""
    largest = x.abs().amax(1, keepdim=True)
    return x / torch.where(largest > 0, largest, 1)


def nearest(i: Tensor, j: Tensor, distances: Tensor, rows: int, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest of each query's candidates, nearest first; of equally near ones the first in the list.

    Args:
        i: query of each pair, 0..rows-1.                     # [p]
        j: number of its vector.                              # [p]
        distances: of the pairs.                              # [p]
    Returns:
        distances and numbers; infinity and -1 where a query has fewer than k candidates.   # [rows, k], [rows, k]
    """
    order = distances.argsort(stable=True)
    order = order[i[order].argsort(stable=True)]  # query by query, nearest first
    i, j, distances = i[order], j[order], distances[order]
    rank = torch.arange(len(i), device=i.device) - torch.searchsorted(i, i)
    kept = rank < k
    nearest_distances = distances.new_full((rows, k), torch.inf)
    numbers = torch.full_like(nearest_distances, -1, dtype=torch.int64)
    nearest_distances[i[kept], rank[kept]] = distances[kept]
    numbers[i[kept], rank[kept]] = j[kept]
    return nearest_distances, numbers
