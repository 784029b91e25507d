"""Identification: who is it? A query is compared with a gallery of people whose names are known (L5.12, L2.10).

The gallery holds entries: embeddings, each of one person. The mates of a query are the entries of the same person; all
others are distractors. Scores are cosines, computed in float32 at least. Scores that differ by no more than rounding
(32 eps of the type) are a tie, and a tie counts against the query: the distractor comes first. The rates are those of
Phillips, Grother and Micheals, Evaluation Methods in Face Recognition, 2005.
"""

from collections.abc import Iterator
from numbers import Real

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_indices, check_tensor, check_vectors
from course_lib.embeddings.distances import normalize

# Compared at a time: 2 MB of scores in float32, whatever the size of the gallery.
QUERIES, ENTRIES = 256, 2048


def rank_of_mate(
    queries: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor
) -> Tensor:
    """The rank of each query's best mate in the gallery, where the highest score is first.

        rank = 1 + number of distractors with a score at or above that of the best mate

    Args:
        queries, query_labels: embeddings, and their people.               # [Q, d], [Q] int64
        gallery, gallery_labels: embeddings, and their people.             # [G, d], [G] int64
    Returns:
        Ranks from 1, counted in entries; 0 for a query without a mate.    # [Q] int64
    Raises:
        TypeError, ValueError: other types or shapes; no query; no entry; NaN or infinity.

    >>> queries, people = torch.tensor([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]]), torch.tensor([3, 4, 5])
    >>> rank_of_mate(queries, people, gallery=torch.eye(2), gallery_labels=torch.tensor([3, 4]))
    tensor([1, 2, 0])
    """
    sides, mate, enough = _compared("rank_of_mate", queries, query_labels, gallery, gallery_labels)
    rank = torch.ones_like(query_labels)
    for rows, scores in _scores(*sides):
        # in place: fetching memory would take longer than counting
        rank[rows] += scores.ge_(enough[rows, None]).sum(1).long()
    return torch.where(mate > -torch.inf, rank, 0)


def cumulative_match(ranks: Tensor, most: int) -> Tensor:
    """The cumulative match characteristic (CMC): the share of queries whose mate has rank k or better.

    Args:
        ranks: from `rank_of_mate`; those of 0, without a mate, are left out.    # [Q] int64
        most: the largest k.
    Returns:
        Rank-k rates for k = 1, 2, ..., most.                                    # [most] float64
    Raises:
        TypeError, ValueError: not int64 [Q]; a rank below 0; none above 0; most below 1.

    >>> cumulative_match(torch.tensor([1, 3, 0, 1, 2]), most=3)
    tensor([0.5000, 0.7500, 1.0000], dtype=torch.float64)
    """
    check_tensor("cumulative_match", "[Q]", torch.int64, ranks=ranks)
    check_count("cumulative_match", most=most)
    known = ranks[ranks != 0]
    if len(known) == 0 or known.min() < 0:
        raise ValueError(f"cumulative_match: ranks must be >= 0, one > 0, got {ranks.tolist()[:9]}")
    return torch.stack([(known <= k).double().mean() for k in range(1, most + 1)])


def rank_one_with_distractors(
    queries: Tensor,
    query_labels: Tensor,
    gallery: Tensor,
    gallery_labels: Tensor,
    distractors: Tensor,
    counts: Tensor,
) -> Tensor:
    """The rank-1 rate in a gallery to which people are added who are on no query, as MegaFace is scored.

    Args:
        queries, query_labels, gallery, gallery_labels: as for `rank_of_mate`.
        distractors: embeddings of the people who are added.                  # [N, d]
        counts: how many of them are added, the first n, for each rate.       # [K] int64 in 0..N
    Returns:
        The share of queries with a mate whose mate has rank 1.               # [K] float64
    Raises:
        TypeError, ValueError: as for `rank_of_mate`; no query with a mate; counts outside 0..N.

    Kemelmacher-Shlizerman and others, 2016; there the mate is the only known person in the gallery.

    >>> one, person, others = torch.tensor([[1.0, 0.0]]), torch.tensor([3]), torch.tensor([[0.0, 1.0], [4.0, 1.0]])
    >>> rank_one_with_distractors(torch.tensor([[2.0, 1.0]]), person, one, person, others, torch.tensor([1, 2]))
    tensor([1., 0.], dtype=torch.float64)
    """
    where = "rank_one_with_distractors"
    check_vectors(where, gallery=gallery, distractors=distractors)
    check_tensor(where, "[K]", torch.int64, counts=counts)
    check_indices(where, len(distractors) + 1, counts=counts)
    sides, mate, enough = _compared(where, queries, query_labels, gallery, gallery_labels)
    known = mate > -torch.inf
    if not known.any():
        raise ValueError(f"{where}: a query with a mate is needed, got none of {len(known)}")
    best, done, rates = _best(*sides), 0, {}
    for n in counts.unique().tolist():
        if n > done:  # of those before, the best score is all that matters
            nobody = (query_labels.min() - 1).expand(n - done)
            best = best.maximum(_best(*sides[:2], distractors[done:n], nobody))
        rates[n], done = (best < enough)[known].double().mean().item(), n
    return torch.tensor([rates[n] for n in counts.tolist()], dtype=torch.float64)


def open_set(
    queries: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """For each query: its best score, in -1..1; whether it is a mate's (rank 1); whether it is known (has a mate).

    Args, Raises: as for `rank_of_mate`. Returns: best, right, known.    # [Q], [Q] bool, [Q] bool

    >>> queries, people = torch.tensor([[4.0, 3.0], [4.0, 3.0], [4.0, 3.0]]), torch.tensor([3, 4, 5])
    >>> open_set(queries, people, gallery=torch.eye(2), gallery_labels=torch.tensor([3, 4]))
    (tensor([0.8000, 0.8000, 0.8000]), tensor([ True, False, False]), tensor([ True,  True, False]))
    """
    sides, mate, enough = _compared("open_set", queries, query_labels, gallery, gallery_labels)
    best = _best(*sides)
    return best.maximum(mate).clamp(-1, 1), best < enough, mate > -torch.inf


def detection_and_identification(
    best: Tensor, right: Tensor, known: Tensor, threshold: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Detection and identification rate (DIR) and false accept rate (FAR) of an open set.

    Args:
        best, right, known: from `open_set`.                                            # [Q], [Q] bool, [Q] bool
        threshold: accepted is best >= threshold; `best.unique()` gives the curve.      # number, or [T]
    Returns:
        DIR, the share of known queries that are right and accepted (NIST: 1 - FNIR); FAR, the share of unknown
            queries that are accepted (NIST: FPIR).                                     # [] or [T] float64 each
    Raises:
        TypeError, ValueError: other types or shapes; NaN; no known or no unknown query.

    >>> best, right = torch.tensor([0.9, 0.8, 0.6, 0.5]), torch.tensor([True, False, True, False])
    >>> detection_and_identification(best, right, torch.tensor([True, True, True, False]), threshold=0.6)
    (tensor(0.6667, dtype=torch.float64), tensor(0., dtype=torch.float64))
    """
    where = "detection_and_identification"
    check_tensor(where, "[Q]", best=best)
    check_tensor(where, f"[{len(best)}]", torch.bool, right=right, known=known)
    if not isinstance(threshold, Real):
        check_tensor(where, "[T]", threshold=threshold)
    if known.all() or not known.any():
        raise ValueError(f"{where}: known needs both kinds, got {known.sum()} of {len(known)} true")
    best = best.detach().to(torch.promote_types(best.dtype, torch.float32))
    threshold = torch.as_tensor(threshold, dtype=best.dtype, device=best.device).contiguous()
    if best.isnan().any() or threshold.isnan().any():
        raise ValueError(f"{where}: best or threshold has NaN")
    hits, alarms = best[right & known].sort().values, best[~known].sort().values
    detected = len(hits) - torch.searchsorted(hits, threshold)
    accepted = len(alarms) - torch.searchsorted(alarms, threshold)
    return detected.double() / known.sum(), accepted.double() / len(alarms)


def _compared(where: str, *sides: Tensor) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Checked sides, with queries of unit length; score of each best mate; what a distractor needs to come first."""
    queries, query_labels, gallery, gallery_labels = sides
    check_vectors(where, queries=queries, gallery=gallery)
    check_tensor(where, f"[{len(queries)}]", torch.int64, query_labels=query_labels)
    check_tensor(where, f"[{len(gallery)}]", torch.int64, gallery_labels=gallery_labels)
    dtype = torch.promote_types(torch.result_type(queries, gallery), torch.float32)
    sides = normalize(queries.detach().to(dtype)), query_labels, gallery, gallery_labels
    mate = _best(*sides, mates=True)
    return sides, mate, mate - 32 * torch.finfo(dtype).eps


def _scores(
    queries: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor, mates=False
) -> Iterator[tuple[Tensor, Tensor]]:
    """Numbers of some queries and their scores with some entries: distractors, or mates; the others' are -infinity."""
    for part, people in zip(gallery.split(ENTRIES), gallery_labels.split(ENTRIES), strict=True):
        part = part.detach().to(torch.promote_types(part.dtype, torch.float32))
        part = normalize(part).to(queries.dtype)
        have_mates = torch.isin(query_labels, people)
        wanted = have_mates if mates else torch.ones_like(have_mates)
        for rows in wanted.nonzero()[:, 0].split(QUERIES):
            # autocast would round scores to 8 bits: they would be full of ties
            with torch.autocast(queries.device.type, enabled=False):
                scores = queries[rows] @ part.T
            same = query_labels[rows, None] == people
            scores.masked_fill_(~same if mates else same, -torch.inf)
            yield rows, scores


def _best(*sides: Tensor, mates: bool = False) -> Tensor:
    """The best score of each query with a distractor, or with a mate; -infinity where there is none.    # [Q]"""
    best = torch.full_like(sides[0][:, 0], -torch.inf)
    for rows, scores in _scores(*sides, mates):
        best[rows] = best[rows].maximum(scores.amax(1))
    return best
