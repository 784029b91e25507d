"""Multi-instance contrastive learning: two photos of one case are the positive pair. Azizi and others, 2021. (L2.19)

In the paper it is a later stage: SimCLR on ImageNet, then SimCLR or MICLe on the medical photos.
"""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_labels


def case_pairs(cases: Tensor, pairs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw pairs of two different photos of one case; no case twice, since it would be its own negative.

    A photo that is alone in its case is paired with itself: two views of it must do.

    Args:
        cases: which case each photo shows.                           # [N] int64
        pairs: how many.
        generator: source of the choice.
    Returns:
        The numbers of the first and the second photos.               # [pairs] int64 each
    Raises:
        TypeError, ValueError: no such tensor; fewer cases than pairs.

    >>> a, b = case_pairs(torch.tensor([0, 0, 1]), 2, torch.Generator().manual_seed(0))
    >>> sorted(zip(a.tolist(), b.tolist())) in ([(0, 1), (2, 2)], [(1, 0), (2, 2)])
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
    if len(first) < pairs:
        raise ValueError(
            f"case_pairs: pairs must be {len(first)} at most, as many as cases, got {pairs}"
        )
    drawn = torch.randperm(len(first), generator=generator)[:pairs]
    first, second = first[drawn], first[drawn] + (size[drawn] > 1)
    return order[first], order[second]
