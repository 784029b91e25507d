"""How good a search is: the share of what it returns that is right, or that an exact search returns (L1.16)."""

import torch
from torch import Tensor

from course_lib.arguments import check_labels, shape


def precision_at_1(neighbours: Tensor, query_labels: Tensor, database_labels: Tensor) -> float:
    """Share of queries whose nearest neighbour has the query's label: the accuracy of a 1-NN classifier.

    Args:
        neighbours: numbers that `search` returned, -1 for nothing; only the first is read.  # [q, k]
        query_labels: label of each query, any int64.                                 # [q]
        database_labels: label of each vector in the index.                           # [N]
    Returns:
        A share in 0..1.
    Raises:
        TypeError, ValueError: not int64 tensors of these shapes; no query; a number outside -1..N-1.

    Where nothing was found, the query counts as wrong.
    Lecture topic L1.16.

    >>> precision_at_1(torch.tensor([[2], [0]]), torch.tensor([7, 7]), torch.tensor([5, 5, 7]))
    0.5
    """
    where = "precision_at_1"
    _check_neighbours(where, neighbours, query_labels, database_labels)
    return _correct(neighbours[:, :1], query_labels, database_labels).double().mean().item()


def recall_at_k(neighbours: Tensor, exact_neighbours: Tensor) -> float:
    """Share of the k exact nearest neighbours that an approximate search returned, in any order.

    Args:
        neighbours: numbers that the approximate search returned; -1 for nothing.  # [q, k']
        exact_neighbours: numbers that an exact search returned.                    # [q, k]
    Returns:
        A share in 0..1, mean over the queries; -1 is never a hit.
    Raises:
        TypeError, ValueError: not int64 [q, k'] and [q, k] with at least one query.

    (In papers on metric learning "recall@k" is another thing: the share of queries with at least one right among k.)

    >>> recall_at_k(torch.tensor([[4, 2, 9]]), torch.tensor([[2, 7, 4, 5]]))
    0.5
    """
    _check_numbers("recall_at_k", neighbours=neighbours, exact_neighbours=exact_neighbours)
    if len(neighbours) != len(exact_neighbours) or exact_neighbours.numel() == 0:
        raise ValueError(
            f"recall_at_k: neighbours and exact_neighbours must be [q, k'] and [q, k] with at least one query, got "
            f"{shape(neighbours)} and {shape(exact_neighbours)}"
        )
    hits = 0
    for some, exact in zip(neighbours.split(256), exact_neighbours.split(256), strict=True):
        hit = (exact[:, :, None] == some[:, None, :]).any(2) & (exact >= 0)  # [q, k]
        hits += hit.sum().item()
    return hits / exact_neighbours.numel()


def r_precision(neighbours: Tensor, query_labels: Tensor, database_labels: Tensor) -> float:
    """Of the R nearest neighbours the share that is right, where R is how many right ones there are.

    Args, Raises: as for `precision_at_1`; k must be at least the largest R, and every R at least 1.
    Returns:
        A share in 0..1, mean over the queries.

    Musgrave and others, 2020.

    >>> r_precision(torch.tensor([[2, 0, 1]]), torch.tensor([7]), torch.tensor([7, 5, 7]))
    1.0
    """
    correct, relevant = _of_the_first_r("r_precision", neighbours, query_labels, database_labels)
    return (correct.sum(1) / relevant).mean().item()


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
    correct, relevant = _of_the_first_r(where, neighbours, query_labels, database_labels)
    rank = torch.arange(1, correct.shape[1] + 1, device=correct.device)
    precision = correct.cumsum(1) / rank  # at every rank
    return ((precision * correct).sum(1) / relevant).mean().item()


def _of_the_first_r(
    where: str, neighbours: Tensor, query_labels: Tensor, database_labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Which of each query's R nearest are right (0 beyond R), and R.      # [q, max R] float64, [q]"""
    _check_neighbours(where, neighbours, query_labels, database_labels)
    labels, counts = database_labels.unique(return_counts=True)
    place = torch.searchsorted(labels, query_labels).clamp(max=len(labels) - 1)
    relevant = torch.where(labels[place] == query_labels, counts[place], 0)  # [q]
    fewest, most = relevant.min().item(), relevant.max().item()
    if fewest == 0 or most > neighbours.shape[1]:
        raise ValueError(
            f"{where}: every query needs 1 to {neighbours.shape[1]} (neighbours given) right vectors in the "
            f"database, got {fewest} to {most}"
        )
    correct = _correct(neighbours[:, :most], query_labels, database_labels)
    correct &= torch.arange(most, device=relevant.device) < relevant[:, None]
    return correct.double(), relevant


def _correct(neighbours: Tensor, query_labels: Tensor, database_labels: Tensor) -> Tensor:
    """Whether each neighbour has the query's label; -1, nothing found, has none.      # [q, k] bool"""
    labels = database_labels[neighbours.clamp(min=0)]
    return (labels == query_labels[:, None]) & (neighbours >= 0)


def _check_neighbours(
    where: str, neighbours: Tensor, query_labels: Tensor, database_labels: Tensor
) -> None:
    """Raise unless there is a row of neighbours for each query, and at least one."""
    _check_numbers(where, neighbours=neighbours)
    for name, labels in (("query_labels", query_labels), ("database_labels", database_labels)):
        if not isinstance(labels, Tensor):
            raise TypeError(
                f"{where}: {name} must be a tensor of int64, got {type(labels).__name__}"
            )
        check_labels(where, labels)
    if len(neighbours) != len(query_labels) or neighbours.numel() == 0:
        raise ValueError(
            f"{where}: neighbours must be [q, k] with one row for each of the query labels, got "
            f"{shape(neighbours)} and query_labels {shape(query_labels)}"
        )
    low, high = neighbours.min().item(), neighbours.max().item()
    if low < -1 or high >= len(database_labels) or len(database_labels) == 0:
        raise ValueError(
            f"{where}: neighbours must be numbers of the {len(database_labels)} vectors in the database, or -1, got "
            f"{low} to {high}"
        )


def _check_numbers(where: str, **tables: Tensor) -> None:
    """Raise unless all are tables of numbers, [q, k] of int64."""
    for name, table in tables.items():
        if not isinstance(table, Tensor) or table.dtype != torch.int64:
            got = getattr(table, "dtype", type(table).__name__)
            raise TypeError(f"{where}: {name} must be a tensor [q, k] of int64, got {got}")
        if table.ndim != 2:
            raise ValueError(f"{where}: {name} must be [q, k], got {shape(table)}")
