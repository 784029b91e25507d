"""Multi-instance contrastive learning: two photos of one case are the positive pair. Azizi and others, 2021. (L2.19)"""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_labels


def case_pairs(cases: Tensor, pairs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw pairs of two different photos of one case; no case twice, since it would be its own negative.

    Args:
        cases: which case each photo shows.                           # [N] int64
        pairs: how many.
        generator: source of the choice.
    Returns:
        The numbers of the first and the second photos.               # [pairs] int64 each
    Raises:
        TypeError, ValueError: no such tensor; fewer cases with two photos or more than pairs.

    >>> a, b = case_pairs(torch.tensor([0, 0, 1, 1, 2]), 2, torch.Generator().manual_seed(0))
    >>> sorted(zip(a.tolist(), b.tolist())) in ([(0, 1), (2, 3)], [(0, 1), (3, 2)], [(1, 0), (2, 3)], [(1, 0), (3, 2)])
    True
    """
    check_labels("case_pairs", cases)
    check_count("case_pairs", pairs=pairs)
    # A random order, sorted by case: a case's first two photos are two random ones.
    order = torch.randperm(len(cases), generator=generator)
    order = order[cases[order].argsort(stable=True)]
    sorted_cases = cases[order]
    new = torch.ones(len(cases), dtype=torch.bool)
    new[1:] = sorted_cases[1:] != sorted_cases[:-1]
    first = torch.where(new)[0]  # the place of each case's first photo
    size = torch.diff(first, append=torch.tensor([len(cases)]))
    first = first[size > 1]
    if len(first) < pairs:
        raise ValueError(
            f"case_pairs: pairs must be {len(first)} at most, the cases with two photos or more, got {pairs}"
        )
    first = first[torch.randperm(len(first), generator=generator)[:pairs]]
    return order[first], order[first + 1]
