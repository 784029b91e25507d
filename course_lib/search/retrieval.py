"""How good a search is: the share of what it returns that is right, or that an exact search returns (L1.16)."""

import torch
from torch import Tensor

from course_lib.arguments import check_labels, shape


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
    check_neighbours("precision_at_1", neighbours, query_labels, database_labels)
    return (database_labels[neighbours[:, 0]] == query_labels).double().mean().item()


def recall_at_k(found: Tensor, exact_neighbours: Tensor) -> float:
    """Share of the k exact nearest neighbours that an approximate search has found, in any order.

    Args:
        found: numbers that the approximate search returned; -1 for nothing.      # [q, k']
        exact_neighbours: numbers that an exact search returned.                   # [q, k]
    Returns:
        A share in 0..1, mean over the queries.
    Raises:
        ValueError: not [q, k'] and [q, k] with at least one query.

    (In papers on metric learning "recall@k" is another thing: the share of queries with at least one right among k.)

    >>> recall_at_k(torch.tensor([[4, 2, 9]]), torch.tensor([[2, 7, 4, 5]]))
    0.5
    """
    if found.ndim != 2 or exact_neighbours.ndim != 2 or len(found) != len(exact_neighbours):
        raise ValueError(
            f"recall_at_k: found and exact_neighbours must be [q, k'] and [q, k], got "
            f"{shape(found)} and {shape(exact_neighbours)}"
        )
    if exact_neighbours.numel() == 0:
        raise ValueError(
            f"recall_at_k: at least one query is needed, got {shape(exact_neighbours)}"
        )
    hit = (exact_neighbours[:, :, None] == found[:, None, :]).any(2)  # [q, k]
    return hit.double().mean().item()


def r_precision(neighbours: Tensor, query_labels: Tensor, database_labels: Tensor) -> float:
    """Of the R nearest neighbours the share that is right, where R is how many right ones there are.

    Args, Raises: as for `precision_at_1`; k must be at least the largest R, and every R at least 1.
    Returns:
        A share in 0..1, mean over the queries.

    Musgrave and others, 2020.

    >>> r_precision(torch.tensor([[2, 0, 1]]), torch.tensor([7]), torch.tensor([7, 5, 7]))
    1.0
    """
    right, relevant = judged("r_precision", neighbours, query_labels, database_labels)
    return (right.sum(1) / relevant).mean().item()


def mean_average_precision_at_r(
    neighbours: Tensor, query_labels: Tensor, database_labels: Tensor
) -> float:
    """MAP@R: like `r_precision`, but being right early counts more.

        1/R sum_{i = 1..R} precision at i, where the i-th is right

    Args, Raises: as for `r_precision`.
    Returns:
        In 0..1, mean over the queries.

    Musgrave and others, 2020.

    >>> mean_average_precision_at_r(torch.tensor([[1, 0, 2]]), torch.tensor([7]), torch.tensor([7, 5, 7]))
    0.25
    """
    where = "mean_average_precision_at_r"
    right, relevant = judged(where, neighbours, query_labels, database_labels)
    rank = torch.arange(1, right.shape[1] + 1)
    precision = right.cumsum(1) / rank  # at every rank
    return ((precision * right).sum(1) / relevant).mean().item()


def judged(
    where: str, neighbours: Tensor, query_labels: Tensor, database_labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Which of each query's R nearest are right (0 beyond R), and R.      # [q, max R] float64, [q]"""
    check_neighbours(where, neighbours, query_labels, database_labels)
    classes = max(query_labels.max().item(), database_labels.max().item()) + 1
    relevant = database_labels.bincount(minlength=classes)[query_labels]  # [q]
    fewest, most = relevant.min().item(), relevant.max().item()
    if fewest == 0 or most > neighbours.shape[1]:
        raise ValueError(
            f"{where}: every query needs 1 to {neighbours.shape[1]} (neighbours given) right vectors in the "
            f"database, got {fewest} to {most}"
        )
    right = database_labels[neighbours[:, :most]] == query_labels[:, None]
    right &= torch.arange(most) < relevant[:, None]
    return right.double(), relevant


def check_neighbours(
    where: str, neighbours: Tensor, query_labels: Tensor, database_labels: Tensor
) -> None:
    """Raise unless there is a row of neighbours for each query, and at least one."""
    if neighbours.ndim != 2 or len(neighbours) != len(query_labels) or neighbours.numel() == 0:
        raise ValueError(
            f"{where}: neighbours must be [q, k] with one row for each of the query labels, got "
            f"{shape(neighbours)} and query_labels {shape(query_labels)}"
        )
    check_labels(where, query_labels)
    check_labels(where, database_labels)
