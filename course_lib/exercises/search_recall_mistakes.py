"""Known mistakes with recall@k, each with the hint for who made it (L1.14, L1.16)."""

import torch

from course_lib.exercises import search_solutions as right
from course_lib.exercises.task import Mistake


def _hits(found, exact):
    """Which of the exact neighbours were found.  # -> [Q, k]"""
    return (exact[:, :, None] == found[:, None]).any(dim=2)


def _shares(found, exact):
    return _hits(found, exact).double().mean(dim=1)  # [Q]


def _divided_by(size):
    """`recall_at_k` with another divisor: (found, exact) -> number, or one for each query [Q]."""

    def recall_at_k(found, exact):
        return (_hits(found, exact).sum(dim=1) / size(found, exact)).double().mean()

    return recall_at_k


def _union(found, exact):
    return (found >= 0).sum(dim=1) + exact.shape[1] - _hits(found, exact).sum(dim=1)


def _place_by_place(found, exact):
    both = min(found.shape[1], exact.shape[1])
    return (found[:, :both] == exact[:, :both]).sum() / exact.numel()


def _marked(found, exact):
    """Marks the vectors found in a mask over all, where -1 is the last one."""
    every = int(max(found.max(), exact.max())) + 1
    mask = torch.zeros(len(found), every, dtype=torch.bool)
    for row, indices in zip(mask, found, strict=True):
        row[indices] = True
    return mask.gather(1, exact).double().mean()


def _without_empty(found, exact):
    some = (found >= 0).any(dim=1)
    return right.recall_at_k(found[some], exact[some]) if some.any() else 0.0


RECALL_AT_K = (
    Mistake(
        _divided_by(lambda found, exact: found.shape[1]),
        "The hits were divided by the number of places in `found`: this is precision. Recall divides by "
        "the number of exact neighbours, k.",
    ),
    Mistake(
        lambda found, exact: (found == exact).double().mean(),
        "`found` and `exact` were compared place by place, which needs the same order and the same "
        "length. Look for each exact neighbour anywhere in its row of `found`.",
    ),
    Mistake(
        _place_by_place,
        "Only the same place in both rows was compared. The order does not matter: an exact neighbour "
        "may stand at any place of `found`.",
    ),
    Mistake(
        lambda found, exact: torch.isin(exact, found).double().mean(),
        "A neighbour counted when any query had found it. Compare each row of `exact` with the same row "
        "of `found` only.",
    ),
    Mistake(
        lambda found, exact: _hits(found, exact).any(dim=1).double().mean(),
        "A query counted as 1 when one of its neighbours was found. Take the share of the k neighbours.",
    ),
    Mistake(
        lambda found, exact: _hits(found, exact).all(dim=1).double().mean(),
        "A query counted only when all of its neighbours were found. Take the share of the k neighbours.",
    ),
    Mistake(
        lambda found, exact: _hits(found, exact)[:, 0].double().mean(),
        "Only the nearest of the exact neighbours was looked for. All k of them count.",
    ),
    Mistake(
        lambda found, exact: right.recall_at_k(found[:, : exact.shape[1]], exact),
        "Only the first k places of `found` were used. All that was found counts.",
    ),
    Mistake(
        _divided_by(lambda found, exact: min(found.shape[1], exact.shape[1])),
        "Where `found` is shorter than k, the hits were divided by its length. Divide by k.",
    ),
    Mistake(
        _divided_by(lambda found, exact: (found >= 0).sum(dim=1).clamp(min=1)),
        "The hits were divided by the number of vectors found. That is precision without the -1; recall "
        "divides by k.",
    ),
    Mistake(
        _divided_by(_union),
        "This is intersection over union. Recall divides by the number of exact neighbours alone.",
    ),
    Mistake(
        _marked,
        '-1 was used as an index, where it means the last vector. It stands for "nothing found": leave '
        "it out.",
    ),
    Mistake(
        _without_empty,
        "Queries for which nothing was found were left out of the mean. Their recall is 0.",
    ),
    Mistake(
        lambda found, exact: _shares(found, exact),
        "One number for each query was returned. Return their mean.",
    ),
    Mistake(
        lambda found, exact: _shares(found, exact).sum(),
        "The shares of the queries were added. Return their mean.",
    ),
    Mistake(
        _divided_by(lambda found, exact: 1),
        "The neighbours that were found were counted. Divide by k: recall is a share.",
    ),
)
