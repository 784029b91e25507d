"""Exact nearest-neighbour search: the query against the matrix of all embeddings (L1.13, L1.16)."""

import operator
from pathlib import Path

import torch
from torch import Tensor

from course_lib.arguments import check_vectors, shape
from course_lib.cache import read, write
from course_lib.search.candidates import Products, candidates, nearest, pair_distances

METRICS = ("euclidean", "cosine")
# Vectors, and queries, compared at a time: 8 MB of scores, whatever the size of the database.
BLOCK, QUERIES = 2048, 1024
# Vectors looked at first, from all over the database: no neighbour is farther than the k-th nearest of them.
SAMPLE = 2048
# Where the largest value lies between these, float32 can hold squares, and products of all dimensions.
SMALL, LARGE = 1e-10, 1e10
# Beyond this, float64 cannot hold a square.
TOO_LARGE = 1e150


class ExactIndex:
    """A database of vectors that answers "which k are nearest?" by looking at every one of them.

    Args:
        metric: "euclidean" or "cosine".
    Raises:
        ValueError: another metric.

    Memory: the vectors, and nothing else. The production road is FAISS's IndexFlat, which has the same two calls.
    Lecture topics L1.13, L1.16.

    >>> index = ExactIndex("euclidean")
    >>> index.add(torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]))
    >>> index.search(torch.tensor([[3.0, 3.0]]), k=2)
    (tensor([[1.0000, 4.2426]]), tensor([[1, 0]]))
    """

    def __init__(self, metric: str = "euclidean"):
        if metric not in METRICS:
            raise ValueError(
                f"{type(self).__name__}: metric must be one of {METRICS}, got {metric!r}"
            )
        self.metric = metric
        # As they were added; put together when they are needed, so that adding is fast.
        self._added: list[Tensor] = []
        self._extent = 0.0

    def __len__(self) -> int:
        return sum(len(x) for x in self._added)

    @property
    def vectors(self) -> Tensor | None:
        """All vectors, as rows in the order of their numbers; None before the first.      # [N, d]"""
        if len(self._added) > 1:
            self._added = [torch.cat(self._added)]
        return self._added[0] if self._added else None

    def add(self, x: Tensor) -> None:
        """Append vectors; their numbers go on from those already there.

        Args:
            x: vectors as rows.                                              # [n, d]
        Raises:
            TypeError, ValueError: not floating-point [n, d], another d than before, empty, NaN.
        """
        known = {"database": self._added[0][:1]} if self._added else {}
        check_vectors(f"{type(self).__name__}.add", x=x, **known)
        self._extent = max(self._extent, _largest(x))
        self._added.append(x.detach().clone(memory_format=torch.contiguous_format))

    @torch.no_grad()
    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest vectors of each query, nearest first; of equally near ones the smaller number first.

        Args:
            queries: vectors as rows.                                        # [q, d]
            k: how many, 1 <= k <= number of vectors in the index.
        Returns:
            distances in the index's metric, and the vectors' numbers.       # [q, k], [q, k]
        Raises:
            TypeError, ValueError: an empty index, k out of range, another d, NaN, distances too large for the type.

        The result is that of comparing every pair in float64. |x - q|^2 = |q|^2 - 2 (q.x - |x|^2 / 2), so one matrix
        product tells, up to rounding, which vectors can be nearer than the k nearest so far. Only those are compared.
        """
        k = self._check_search(queries, k)
        few = [self._search(some, k) for some in queries.split(QUERIES)]
        distances, numbers = (torch.cat(column) for column in zip(*few, strict=True))
        return self._as_type(distances, numbers, queries), numbers

    def _search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """`search` for some queries: through the database block by block, with the k nearest so far in hand."""
        products = self._products(queries)
        radius = self._radius(products[0], queries, k)  # no neighbour is farther      [q]
        pending = []
        for start in range(0, len(self), BLOCK):
            block = self.vectors[start : start + BLOCK]
            i, j = candidates(products, block, radius)
            pending.append((i, j + start, pair_distances(queries, block, i, j, self.metric)))
            if sum(len(i) for i, _, _ in pending) > 2 * len(queries) * k or start + BLOCK >= len(
                self
            ):
                i, j, exact = (torch.cat(column) for column in zip(*pending, strict=True))
                distances, numbers = nearest(i, j, exact, len(queries), k)
                radius = radius.minimum(distances[:, -1])
                row = torch.arange(len(queries), device=i.device).repeat_interleave(k)
                pending = [(row, numbers.flatten(), distances.flatten())]
        return distances, numbers

    def _products(self, queries: Tensor) -> list[Products]:
        """Matrix products of the queries: in float32, where it serves, and in float64."""
        some = self.vectors[:: max(1, len(self) // 64)]
        center = some.to(torch.promote_types(some.dtype, torch.float32)).median(0).values
        extent = max(self._extent, _largest(queries)) if self.metric == "euclidean" else 1.0
        fits = SMALL < extent < LARGE and torch.get_float32_matmul_precision() == "highest"
        types = (torch.float32, torch.float64) if fits else (torch.float64,)
        return [Products(queries, self.metric, center, extent, dtype) for dtype in types]

    def _radius(self, product: Products, queries: Tensor, k: int) -> Tensor:
        """Distance of the k-th nearest, or nearly so, in a sample of the database.        # [q] float64"""
        sample = self.vectors[:: max(1, len(self) // max(SAMPLE, k))]
        j = product.scores(sample).topk(k).indices  # [q, k]
        i = torch.arange(len(queries), device=j.device).repeat_interleave(k)
        return pair_distances(queries, sample, i, j.flatten(), self.metric).view_as(j).amax(1)

    @torch.no_grad()
    def compare(self, queries: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest of each query's candidates, compared one by one.

        Args:
            queries: vectors as rows.                                        # [q, d]
            candidates: numbers of vectors; -1 for none.                     # [q, c] int64
            k: how many.
        Returns:
            as `search`; infinity and -1 where there are fewer than k candidates.    # [q, k], [q, k]
        Raises:
            TypeError, ValueError: as `search`; candidates that are not [q, c], or not numbers of vectors.
        """
        k = self._check_search(queries, k)
        where = f"{type(self).__name__}.compare"
        if not isinstance(candidates, Tensor) or candidates.dtype != torch.int64:
            got = getattr(candidates, "dtype", type(candidates).__name__)
            raise TypeError(f"{where}: candidates must be a tensor [q, c] of int64, got {got}")
        if candidates.ndim != 2 or len(candidates) != len(queries):
            raise ValueError(
                f"{where}: candidates must be [q, c] with one row for each of {len(queries)} queries, got "
                f"{shape(candidates)}"
            )
        if ((candidates < -1) | (candidates >= len(self))).any():
            raise ValueError(
                f"{where}: candidates must lie in -1..{len(self) - 1}, got "
                f"{candidates.min().item()} to {candidates.max().item()}"
            )
        ordered = candidates.sort(dim=1).values
        i, column = (ordered >= 0).nonzero(as_tuple=True)
        return self._compare(queries, i, ordered[i, column], k)

    def _compare(self, queries: Tensor, i: Tensor, j: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest among pairs of queries i and vectors j, which rise for each query.       # [p], [p]"""
        exact = pair_distances(queries, self.vectors, i, j, self.metric)
        distances, numbers = nearest(i, j, exact, len(queries), k)
        return self._as_type(distances, numbers, queries), numbers

    def _as_type(self, distances: Tensor, numbers: Tensor, queries: Tensor) -> Tensor:
        """Distances in the type of queries and vectors, if they fit into it."""
        dtype = torch.result_type(queries, self.vectors)
        result = distances.to(dtype)
        if (result.isinf() & (numbers >= 0)).any():
            largest = distances[numbers >= 0].max().item()
            raise ValueError(
                f"{type(self).__name__}.search: distances must fit into {dtype}, got {largest:.3g}; give "
                f"queries of a wider type"
            )
        return result

    def _check_search(self, queries: Tensor, k: int) -> int:
        """Raise what `search` raises; k as an int."""
        where = f"{type(self).__name__}.search"
        if self.vectors is None:
            raise ValueError(f"{where}: the index is empty, add vectors first")
        check_vectors(where, queries=queries, database=self.vectors[:1])
        try:
            k = operator.index(k)
        except TypeError:
            raise TypeError(f"{where}: k must be an integer, got {k!r}") from None
        if not 1 <= k <= len(self):
            raise ValueError(
                f"{where}: k must be between 1 and {len(self)} (vectors held), got {k}"
            )
        largest = max(self._extent, _largest(queries))
        if self.metric == "euclidean" and largest > TOO_LARGE:
            raise ValueError(
                f"{where}: vectors and queries must lie within -{TOO_LARGE:g}..{TOO_LARGE:g}, whose squares float64 "
                f"can hold, got {largest:.3g}"
            )
        return k

    def save(self, path: str | Path) -> None:
        """Write the index to a file (safetensors); it is there whole or not at all."""
        if self.vectors is None:
            raise ValueError(f"{type(self).__name__}.save: the index is empty, add vectors first")
        metric = torch.tensor(METRICS.index(self.metric))
        write(Path(path), {"vectors": self.vectors.cpu(), "metric": metric})

    @classmethod
    def load(cls, path: str | Path) -> "ExactIndex":
        """Read an index that `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, or something else.
        """
        tensors = read_index(path, cls.__name__, {"vectors", "metric"})
        index = cls(METRICS[tensors["metric"]])
        index.add(tensors["vectors"])
        return index


def _largest(x: Tensor) -> float:
    low, high = x.aminmax()
    return max(-low.item(), high.item())


def read_index(path: str | Path, kind: str, names: set[str]) -> dict[str, Tensor]:
    """The tensors of an index file, once it is known to be whole and of that kind."""
    if not Path(path).exists():
        raise FileNotFoundError(f"{kind}.load: there is no file {path}")
    tensors = read(Path(path))
    if tensors is None or set(tensors) != names:
        raise ValueError(f"{kind}.load: {path} is damaged, or not an index of this kind")
    return tensors
