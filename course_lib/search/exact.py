"""Exact nearest-neighbour search: the query against the matrix of all embeddings (L1.13, L1.16)."""

from pathlib import Path

import torch
from torch import Tensor

from course_lib.arguments import check_vectors
from course_lib.cache import read, write
from course_lib.embeddings.distances import normalize
from course_lib.search.retrieval import (
    mean_average_precision_at_r,
    precision_at_1,
    r_precision,
    recall_at_k,
)

__all__ = [  # how good a search is can be had from here too
    "ExactIndex", "mean_average_precision_at_r", "precision_at_1", "r_precision", "recall_at_k",
]  # fmt: skip

METRICS = ("euclidean", "cosine")
# Vectors, and queries, compared at a time: 8 MB of scores, whatever the size of the database.
BLOCK, QUERIES = 8192, 256
# Candidates beyond k: in float32 the scores of near neighbours may change places.
SPARE = 4


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
        self.vectors: Tensor | None = None  # [N, d]

    def __len__(self) -> int:
        return 0 if self.vectors is None else len(self.vectors)

    def add(self, x: Tensor) -> None:
        """Append vectors; their numbers go on from those already there.

        Args:
            x: vectors as rows.                                              # [n, d]
        Raises:
            TypeError, ValueError: not floating-point [n, d], another d than before, empty, NaN.
        """
        where = f"{type(self).__name__}.add"
        if self.vectors is None:
            check_vectors(where, x=x)
            self.vectors = x.detach().clone()
        else:
            check_vectors(where, x=x, database=self.vectors[:1])
            self.vectors = torch.cat([self.vectors, x.detach()])

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest vectors of each query, nearest first; of a few equally near ones the smaller number first.

        Args:
            queries: vectors as rows.                                        # [q, d]
            k: how many, 1 <= k <= number of vectors in the index.
        Returns:
            distances in the index's metric, and the vectors' numbers.       # [q, k], [q, k]
        Raises:
            ValueError: an empty index, k out of range, another d, NaN.

        |x - q|^2 = |q|^2 - 2 (q.x - |x|^2 / 2), so the nearest vectors are those with the highest q.x - |x|^2 / 2: one
        matrix product. Its candidates are then compared exactly.
        """
        self.check_search(queries, k)
        # Seen from the centre no distance changes, and the numbers are small: fewer digits are lost.
        center = self.vectors.mean(0)
        asked = self.prepare(queries, center)  # [q, d]
        kept = min(k + SPARE, len(self))
        best = torch.full((len(asked), kept), -torch.inf, dtype=asked.dtype, device=asked.device)
        numbers = torch.zeros_like(best, dtype=torch.long)
        for start in range(0, len(self), BLOCK):
            block = self.prepare(self.vectors[start : start + BLOCK], center)  # [block, d]
            # A cosine needs no length; the zero vector, which has no direction, gets 0.
            offset = (
                block.square().sum(1) if self.metric == "euclidean" else block.sum(1) * 0
            ) / -2
            for first in range(0, len(asked), QUERIES):
                rows = slice(first, first + QUERIES)
                scores, places = highest(torch.addmm(offset, asked[rows], block.T), kept)
                scores, chosen = torch.cat([best[rows], scores], 1).topk(kept)
                places = torch.cat([numbers[rows], places + start], 1).gather(1, chosen)
                best[rows], numbers[rows] = scores, places
        return self.compare(queries, numbers, k)

    def prepare(self, x: Tensor, center: Tensor) -> Tensor:
        """What is compared by the scalar product: vectors from the centre, or unit vectors.      # [n, d]"""
        return x - center if self.metric == "euclidean" else normalize(x)

    def compare(self, queries: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest of each query's own candidates [q, c], by exact distances."""
        numbers, distances = candidates.sort(dim=1).values, []  # ties go to the smaller number
        for asked, own in zip(queries.split(QUERIES), numbers.split(QUERIES), strict=True):
            distances.append(exact(asked, self.vectors[own], self.metric))
        distances, places = torch.cat(distances).sort(dim=1, stable=True)
        return distances[:, :k], numbers.gather(1, places)[:, :k]

    def check_search(self, queries: Tensor, k: int) -> None:
        """Raise what `search` raises."""
        where = f"{type(self).__name__}.search"
        if self.vectors is None:
            raise ValueError(f"{where}: the index is empty, add vectors first")
        if not 1 <= k <= len(self):
            raise ValueError(
                f"{where}: k must be between 1 and {len(self)} (vectors held), got {k}"
            )
        check_vectors(where, queries=queries, database=self.vectors[:1])

    def save(self, path: str | Path) -> None:
        """Write the index to a file (safetensors); it is there whole or not at all."""
        if self.vectors is None:
            raise ValueError(f"{type(self).__name__}.save: the index is empty, add vectors first")
        metric = torch.tensor(METRICS.index(self.metric))
        write(Path(path), {"vectors": self.vectors.cpu().contiguous(), "metric": metric})

    @classmethod
    def load(cls, path: str | Path) -> "ExactIndex":
        """Read an index that `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, or something else.
        """
        tensors = read_index(path, cls.__name__, {"vectors", "metric"})
        index = cls(METRICS[tensors["metric"]])
        index.vectors = tensors["vectors"]
        return index


def highest(scores: Tensor, k: int, groups: int = 256) -> tuple[Tensor, Tensor]:
    """The k highest scores of each row, and where they are.           # [q, n] -> [q, k'], [q, k']; k' = min(k, n)

    Looking for k in n numbers takes longer than computing them. So take the maximum of every group first: the k highest
    scores lie in the k groups with the highest maxima, and only these are looked through.
    """
    n = scores.shape[1]
    if n % groups or n // groups < 2 or k >= groups:
        return scores.topk(min(k, n))
    table = scores.unflatten(1, (-1, groups))  # [q, n / groups, groups]: a column is a group
    which = table.amax(1).topk(k).indices  # [q, k]
    among = table.gather(2, which[:, None].expand(-1, table.shape[1], -1)).flatten(1)
    best, at = among.topk(k)
    row, column = at // k, which.gather(1, at % k)
    return best, row * groups + column


def exact(queries: Tensor, candidates: Tensor, metric: str) -> Tensor:
    """Distance of each query to its own candidates, without cancellation.    # [q, d], [q, c, d] -> [q, c]"""
    q, x = queries.double()[:, None], candidates.double()
    if metric == "euclidean":
        return torch.linalg.vector_norm(q - x, dim=2).to(queries.dtype)
    lengths = torch.linalg.vector_norm(q, dim=2) * torch.linalg.vector_norm(x, dim=2)
    cosine = (q * x).sum(2) / torch.where(lengths > 0, lengths, 1)
    return (1 - cosine).clamp(0, 2).to(queries.dtype)


def read_index(path: str | Path, kind: str, names: set[str]) -> dict[str, Tensor]:
    """The tensors of an index file, once it is known to be whole and of that kind."""
    if not Path(path).exists():
        raise FileNotFoundError(f"{kind}.load: there is no file {path}")
    tensors = read(Path(path))
    if tensors is None or set(tensors) != names:
        raise ValueError(f"{kind}.load: {path} is damaged, or not an index of this kind")
    return tensors
