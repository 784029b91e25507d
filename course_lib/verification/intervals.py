"""How sure a rate is: the bootstrap over people, since pairs that share a person are not independent (L5.12).

A bootstrap world holds as many people as the test, drawn with replacement: of some there are several, of some none.
The pairs of a world are those of its people: a pair of one person counts as often as the person was drawn, a pair of
two people as often as both were combined.

In simulations with 50 and 100 people, 93 to 96 of 100 intervals held the truth where people differ in whom they
resemble; where they do not, 99 of 100 of FAR: never too sure, at times too wide (Owen, 2007, says why).
"""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_share, check_tensor
from course_lib.verification.curves import checked_pairs

DRAWS, COVERED = 200, 0.95


def people_of_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Who is on the first and who on the second image of each pair, in the order of `all_pairs`.

    Args:
        labels: the people of the images.                     # [n] int64
    Returns:
        Two people of each pair.                              # [n (n - 1) / 2] int64 each
    Raises:
        TypeError, ValueError: not int64 [n].

    >>> people_of_pairs(torch.tensor([3, 3, 4]))
    (tensor([3, 3, 3]), tensor([3, 4, 4]))
    """
    check_tensor("people_of_pairs", "[n]", torch.int64, labels=labels)
    i, j = torch.triu_indices(len(labels), len(labels), 1, device=labels.device)
    return labels[i], labels[j]


def tar_interval(
    scores: Tensor,
    same: Tensor,
    people: tuple[Tensor, Tensor],
    far: float,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """Where TAR at a false accept rate lies in 95 of 100 bootstrap worlds.

    Args:
        scores, same: as for `roc`.                           # [N], [N] bool
        people: the two people of each pair, numbers from 0.  # 2 x [N] int64
        far: as for `tar_at_far`; each world has a threshold of its own.
        draws: worlds.
        seed: of the worlds.
    Returns:
        The lower and the upper end.
    Raises:
        TypeError, ValueError: as for `tar_at_far`; people that do not fit; a pair that is the same of two people.

    Efron, 1979 (the bootstrap); Bolle, Ratha and Pankanti, 2004 (over people, not pairs).
    """
    where = "tar_interval"
    scores, same, first, second = _checked(where, scores, same, people)
    check_share(where, far=far)
    others, i, j = scores[~same], first[~same], second[~same]
    ours, who = scores[same], first[same]
    impostors = _Pairs(i, j)
    order, values = others.topk(min(len(others), 1000)).indices, []
    for count in _worlds(where, first, second, draws, seed):
        weight, allowed = count[who], far * impostors.weight(count) * (1 + 1e-12)
        while (
            True
        ):  # the threshold lies among the highest scores; where it does not, more are looked at
            over = (count[i[order]] * count[j[order]]).cumsum(0) > allowed
            if over[-1] or len(order) == len(others):
                break
            order = others.topk(min(len(others), 8 * len(order))).indices
        refused = others[order[over.double().argmax()]] if over[-1] else -torch.inf
        if weight.sum() > 0 and impostors.weight(count) > 0:
            values.append((weight * (ours > refused)).sum() / weight.sum())
    return _ends(where, values)


def rates_interval(
    scores: Tensor,
    same: Tensor,
    people: tuple[Tensor, Tensor],
    threshold: float,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where FAR and TAR at a fixed threshold lie in 95 of 100 bootstrap worlds.

    Args:
        scores, same, people, draws, seed: as for `tar_interval`.
        threshold: a pair is accepted at or above it; chosen elsewhere, and the same in all worlds.
    Returns:
        The ends of FAR, and those of TAR.
    Raises:
        TypeError, ValueError: as for `tar_interval`.
    """
    where = "rates_interval"
    scores, same, first, second = _checked(where, scores, same, people)
    accepted = scores >= threshold
    kinds = [
        (_Pairs(first[kind & accepted], second[kind & accepted]), _Pairs(first[kind], second[kind]))
        for kind in (~same, same)
    ]
    fars, tars = [], []
    for count in _worlds(where, first, second, draws, seed):
        for (some, every), values in zip(kinds, (fars, tars), strict=True):
            if every.weight(count) > 0:
                values.append(some.weight(count) / every.weight(count))
    return _ends(where, fars), _ends(where, tars)


def _checked(
    where: str, scores: Tensor, same: Tensor, people: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    scores, same = checked_pairs(where, scores, same)
    if not isinstance(people, tuple) or len(people) != 2:
        raise TypeError(f"{where}: people must be two tensors, got {type(people).__name__}")
    first, second = people
    form = f"[{len(scores)}]"
    check_tensor(where, form, torch.int64, first=first, second=second)
    if min(first.min(), second.min()) < 0:
        raise ValueError(
            f"{where}: people must be numbers from 0, got {min(first.min(), second.min())}"
        )
    wrong = (same != (first == second)).nonzero()[:, 0]
    if len(wrong):
        n = wrong[0].item()
        raise ValueError(
            f"{where}: same must say whether people are the same; pair {n} is {same[n].item()} "
            f"of people {first[n].item()} and {second[n].item()}"
        )
    return scores, same, first, second


def _worlds(where: str, first: Tensor, second: Tensor, draws: int, seed: int):
    """How often each person was drawn, in one world after the other.   # draws x [people] float64"""
    check_count(where, draws=draws)
    there = torch.cat([first, second]).unique()
    generator = torch.Generator().manual_seed(seed)
    for _ in range(draws):
        drawn = there[torch.randint(len(there), (len(there),), generator=generator)]
        yield drawn.bincount(minlength=int(there[-1]) + 1).double()


class _Pairs:
    """Pairs of the same two people put together: of 8 million pairs of 250 people remain 31,125 with a number each."""

    def __init__(self, first: Tensor, second: Tensor):
        base = int(second.max()) + 1 if len(second) else 1
        both, number = (first * base + second).unique(return_counts=True)
        self.first, self.second, self.number = both // base, both % base, number.double()

    def weight(self, count: Tensor) -> Tensor:
        """How many of them a world has: of one person as often as it was drawn, of two as often as both combined."""
        a, b = count[self.first], count[self.second]
        return (self.number * torch.where(self.first == self.second, a, a * b)).sum()


def _ends(where: str, values: list[Tensor]) -> tuple[float, float]:
    if not values:
        raise ValueError(
            f"{where}: no world has both same and different pairs; more people are needed"
        )
    out = (1 - COVERED) / 2
    low, high = torch.stack(values).quantile(torch.tensor([out, 1 - out], dtype=torch.float64))
    return low.item(), high.item()
