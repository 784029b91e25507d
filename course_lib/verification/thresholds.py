"""Thresholds: chosen on validation pairs, frozen, then measured on others; a pair is accepted if score >= threshold."""

import math

import torch
from torch import Tensor

from course_lib.arguments import check_positive, check_share
from course_lib.verification.curves import checked_pairs, roc


def threshold_at_far(scores: Tensor, same: Tensor, far: float) -> float:
    """The lowest threshold that accepts at most `far` of the different pairs.

    Args:
        scores, same: as for `roc`.                           # [N], [N] bool
        far: the false accept rate that is allowed, in 0..1.
    Returns:
        The number just above the highest score that must be refused; minus infinity where none must be.
    Raises:
        TypeError, ValueError: as for `roc`; far outside 0..1.

    On the same pairs `rates` then gives the TAR of `tar_at_far`. On other pairs FAR will differ: that is the point.

    >>> threshold_at_far(torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False]), far=1)
    -inf
    """
    where = "threshold_at_far"
    scores, same = checked_pairs(where, scores, same)
    check_share(where, far=far)
    others = scores[~same]
    allowed = int(far * len(others) * (1 + 1e-12))  # as in `tar_at_far`
    if allowed == len(others):
        return -math.inf
    refused = others.kthvalue(len(others) - allowed).values
    return torch.nextafter(refused, torch.full_like(refused, math.inf)).item()


def rates(scores: Tensor, same: Tensor, threshold: float) -> tuple[float, float]:
    """FAR and TAR at a threshold that was chosen elsewhere.

    Args:
        scores, same: as for `roc`.
        threshold: a pair is accepted at or above it.
    Raises:
        TypeError, ValueError: as for `roc`; a threshold that is NaN.

    >>> rates(torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False]), threshold=0.5)
    (0.5, 0.5)
    """
    scores, same = checked_pairs("rates", scores, same)
    if math.isnan(threshold):
        raise ValueError("rates: threshold must be a number, got nan")
    accepted = (scores >= threshold).double()
    return accepted[~same].mean().item(), accepted[same].mean().item()


def expected_cost(
    far: Tensor | float, tar: Tensor | float, genuine: float, accept: float, reject: float
) -> Tensor | float:
    """What errors cost, on average, at a door.

        cost = genuine * reject * (1 - TAR) + (1 - genuine) * accept * FAR

    Args:
        far, tar: rates in 0..1, one or many.
        genuine: the share of those at the door who are who they say (the prior), in 0..1.
        accept: the price of one false accept.
        reject: the price of one false reject.
    Raises:
        TypeError, ValueError: genuine outside 0..1; a negative price.

    NIST's detection cost function (Doddington and others, 2000).

    >>> expected_cost(far=0.25, tar=0.5, genuine=0.5, accept=10, reject=1)
    1.5
    """
    check_share("expected_cost", genuine=genuine)
    check_positive("expected_cost", or_zero=True, accept=accept, reject=reject)
    return genuine * reject * (1 - tar) + (1 - genuine) * accept * far


def cheapest_threshold(
    scores: Tensor, same: Tensor, genuine: float, accept: float, reject: float
) -> tuple[float, float]:
    """The threshold whose errors cost least, and what they cost.

    Args:
        scores, same: as for `roc`.
        genuine, accept, reject: as for `expected_cost`.
    Returns:
        The threshold (a score, or infinity: accept nobody) and the cost; of equally cheap ones the highest.
    Raises:
        TypeError, ValueError: as for `roc` and `expected_cost`.

    >>> cheapest_threshold(torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False]), 0.5, 10, 1)
    (0.8999999761581421, 0.25)
    """
    far, tar, thresholds = roc(scores, same)
    cost = expected_cost(far, tar, genuine, accept, reject)
    best = cost.argmin()
    return thresholds[best].item(), cost[best].item()
