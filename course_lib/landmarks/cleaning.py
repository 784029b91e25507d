"""A landmark set as it was crawled: wrong labels and near-duplicates, to be cleaned away (L3.05)."""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_share, check_tensor


def with_noise(labels: Tensor, photo: Tensor, seed: int, wrong: float, duplicates: float) -> tuple:
    """Spoil a clean set as a crawled one is spoiled: wrong labels and near-duplicates, to be cleaned away.

    Args:
        labels: of which landmark each photo is.                                  # [N] int64
        photo: its number.                                                        # [N] int64
        seed: of the choice, 0 or above.
        wrong: share of photos whose label becomes another of `labels`, 0..1.
        duplicates: share of photos replaced by a copy of another photo of the same landmark, 0..1.
    Returns:
        labels: with the wrong ones.                                              # [N] int64
        photo: with the repeated ones; draw with `copy = (duplicate_of >= 0).long()` and the *true* labels.    # [N]
        is_wrong: exactly where the label changed.                                # [N] bool
        duplicate_of: the row that this one copies, itself never a copy; -1 where it copies none.    # [N] int64
    Raises:
        TypeError, ValueError: not int64 [N], lengths that differ, a share outside 0..1, wrong labels of only one
            landmark, more duplicates than there are photos beyond each landmark's first.

    Just round(wrong * N) labels and round(duplicates * N) photos change. A photo may be both.
    Lecture topic L3.05.

    >>> labels = torch.tensor([0, 0, 1, 1])
    >>> noisy, photo, is_wrong, duplicate_of = with_noise(labels, torch.arange(4), 0, wrong=0.25, duplicates=0.5)
    >>> int(is_wrong.sum()), int((noisy != labels).sum()), int((duplicate_of >= 0).sum())
    (1, 1, 2)
    """
    check_tensor("with_noise", "[N]", torch.int64, labels=labels, photo=photo)
    if len(labels) != len(photo):
        raise ValueError(
            f"with_noise: labels and photo must be [N] both, got [{len(labels)}] and [{len(photo)}]"
        )
    check_share("with_noise", wrong=wrong, duplicates=duplicates)
    check_count("with_noise", least=0, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    swap, jump, order, source = torch.rand(4, len(labels), generator=generator, dtype=torch.float64)
    noisy, is_wrong = _with_wrong_labels(labels, round(wrong * len(labels)), swap, jump)
    count = round(duplicates * len(labels))
    duplicate_of = _originals_of_copies(labels, count, order, source)
    repeated = torch.where(duplicate_of >= 0, photo[duplicate_of.clamp(min=0)], photo)
    return noisy, repeated, is_wrong, duplicate_of


def _with_wrong_labels(labels: Tensor, count: int, swap: Tensor, jump: Tensor) -> tuple:
    """The `count` labels of the lowest `swap` become another name, `jump` (0..1) of the way round all others."""
    names, index = labels.unique(return_inverse=True)
    if count and len(names) < 2:
        raise ValueError(f"with_noise: wrong labels need two landmarks, got only {names.tolist()}")
    is_wrong = torch.zeros(len(labels), dtype=torch.bool)
    is_wrong[swap.argsort(stable=True)[:count]] = True
    if not count:
        return labels.clone(), is_wrong
    others = len(names) - 1
    steps = 1 + (jump * others).long().clamp(max=others - 1)
    return torch.where(is_wrong, names[(index + steps) % len(names)], labels), is_wrong


def _originals_of_copies(labels: Tensor, count: int, order: Tensor, source: Tensor) -> Tensor:
    """Which row each of `count` copies repeats: one of its landmark that is no copy; -1 in all other rows.

    Rows become copies in the order of `order`; each landmark's first stays an original.
    """
    rows = order.argsort(stable=True).tolist()
    seen, free = set(), []
    for row in rows:
        name = int(labels[row])
        free += [row] if name in seen else []
        seen.add(name)
    if count > len(free):
        share = count / len(labels)
        raise ValueError(f"with_noise: duplicates {share:.3g} means {count} copies, but each landmark keeps an "
                         f"original and only {len(free)} of {len(labels)} photos remain")  # fmt: skip
    copies = set(free[:count])
    originals: dict[int, list[int]] = {}
    for row in range(len(labels)):
        if row not in copies:
            originals.setdefault(int(labels[row]), []).append(row)
    duplicate_of = torch.full((len(labels),), -1)
    for row in free[:count]:
        choices = originals[int(labels[row])]
        duplicate_of[row] = choices[int(source[row] * len(choices))]
    return duplicate_of
