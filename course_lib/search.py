"""Exact nearest-neighbour search: the query against the matrix of all embeddings (L1.13, L1.16)."""

import torch
from torch import Tensor

from course_lib.checks import check_vectors, shape
from course_lib.distances import cosine, euclidean

METRICS = {"euclidean": euclidean, "cosine": cosine}
BLOCK = 8192  # vectors compared at a time: memory stays bounded whatever the size of the database


class ExactIndex:
    """A database of vectors that answers "which k are nearest?" by looking at every one of them.

    Args:
        metric: "euclidean" or "cosine".
    Raises:
        ValueError: another metric.

    Lecture topics L1.13, L1.16. The production road is FAISS's IndexFlat, which has the same two calls.

    >>> index = ExactIndex("euclidean")
    >>> index.add(torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]))
    >>> index.search(torch.tensor([[3.0, 3.0]]), k=2)
    (tensor([[1.0000, 4.2426]]), tensor([[1, 0]]))
    """

    def __init__(self, metric: str = "euclidean"):
        if metric not in METRICS:
            raise ValueError(f"ExactIndex: metric must be one of {sorted(METRICS)}, got {metric!r}")
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
        if self.vectors is None:
            check_vectors("ExactIndex.add", x=x)
            self.vectors = x.detach().clone()
        else:
            check_vectors("ExactIndex.add", x=x, database=self.vectors)
            self.vectors = torch.cat([self.vectors, x.detach()])

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest vectors of each query, nearest first.

        Args:
            queries: vectors as rows.                                        # [q, d]
            k: how many, 1 <= k <= number of vectors in the index.
        Returns:
            distances in the index's metric, and the vectors' numbers.       # [q, k], [q, k]
        Raises:
            ValueError: an empty index, k out of range, another d, NaN.
        """
        self.check_search(queries, k)
        distance = METRICS[self.metric]
        best = queries.new_empty(len(queries), 0)  # [q, up to k]: the nearest so far...
        numbers = torch.empty_like(best, dtype=torch.long)  # ...and which they are
        for start in range(0, len(self), BLOCK):
            block = distance(queries, self.vectors[start : start + BLOCK])  # [q, block]
            its_numbers = torch.arange(start, start + block.shape[1], device=queries.device)
            candidates = torch.cat([best, block], dim=1)
            best, places = candidates.topk(min(k, candidates.shape[1]), largest=False)
            numbers = torch.cat([numbers, its_numbers.expand_as(block)], dim=1).gather(1, places)
        return best, numbers

    def check_search(self, queries: Tensor, k: int) -> None:
        """Raise what `search` raises."""
        if self.vectors is None:
            raise ValueError("ExactIndex.search: the index is empty, add vectors first")
        if not 1 <= k <= len(self):
            raise ValueError(
                f"ExactIndex.search: k must be between 1 and {len(self)} (vectors held), got {k}"
            )
        check_vectors("ExactIndex.search", queries=queries, database=self.vectors)


def precision_at_1(neighbours: Tensor, query_labels: Tensor, database_labels: Tensor) -> float:
    """Share of queries whose nearest neighbour has the query's label: the accuracy of a 1-NN classifier.

    Args:
        neighbours: numbers that `search` returned; only the first column is read.   # [q, k]
        query_labels: label of each query.                                            # [q]
        database_labels: label of each vector in the index.                           # [N]
    Returns:
        A share in 0..1.
    Raises:
        ValueError: as many rows of neighbours as queries are needed, and at least one.

    Lecture topic L1.16.

    >>> precision_at_1(torch.tensor([[2], [0]]), torch.tensor([7, 7]), torch.tensor([5, 5, 7]))
    0.5
    """
    if neighbours.ndim != 2 or len(neighbours) != len(query_labels) or neighbours.numel() == 0:
        raise ValueError(
            f"precision_at_1: neighbours must be [q, k] with one row for each of the query labels, got "
            f"{shape(neighbours)} and query_labels {shape(query_labels)}"
        )
    return (database_labels[neighbours[:, 0]] == query_labels).double().mean().item()
