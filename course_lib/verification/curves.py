"""Face verification: the same person or not, by a threshold on a score, and how good that is (L1.15, L2.10, L5.12).

A score says how alike two images are: higher is more alike (for distances, give their negative). A pair is accepted
when its score is at or above the threshold. FAR, the false accept rate, is the share of different pairs that are
accepted; TAR, the true accept rate (FaceNet's VAL), the share of same pairs that are.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import (
    check_count,
    check_labels,
    check_share,
    check_tensor,
    check_vectors,
    shape,
)
from course_lib.embeddings.distances import normalize


def all_pairs(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Every unordered pair of embeddings: its cosine, and whether both are of one class.

    Args:
        x: embeddings.                                        # [n, d]
        labels: their classes.                                # [n] int64
    Returns:
        Cosines in -1..1, in float32 at least, and same (bool).    # [n (n - 1) / 2] each
    Raises:
        TypeError, ValueError: not floating-point [n, d] with [n] int64; empty; NaN or infinity.

    >>> all_pairs(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), torch.tensor([3, 3, 4]))
    (tensor([1., 0., 0.]), tensor([ True, False, False]))
    """
    check_vectors("all_pairs", x=x)
    check_labels("all_pairs", labels, len(x))
    # rounded to 8 bits, by autocast or by bfloat16, the cosines would be full of ties
    with torch.autocast(x.device.type, enabled=False):
        x = normalize(x.to(torch.promote_types(x.dtype, torch.float32)))
        cosines = (x @ x.T).clamp(-1, 1)
    # each pair once, none with itself
    upper = torch.ones_like(cosines, dtype=torch.bool).triu(1)
    return cosines[upper], (labels[:, None] == labels)[upper]


def roc(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The receiver operating characteristic: FAR and TAR at every threshold.

    Args:
        scores: of pairs, higher is more alike; infinite ones are allowed.    # [N]
        same: whether the pair is of one class.                               # [N] bool
    Returns:
        far, tar, thresholds: from (0, 0) at infinity, where nothing is accepted, then one point for each
        distinct score, falling, to (1, 1).                                   # [M + 1] float64 each, M <= N
    Raises:
        TypeError, ValueError: not floating-point [N] and bool [N]; NaN; no same pair, or no different one.

    Equal to scikit-learn's `roc_curve(..., drop_intermediate=False)`. Lecture topics L1.15, L5.13.

    >>> far, tar, _ = roc(torch.tensor([0.9, 0.8, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    >>> far.tolist(), tar.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    return _roc(*checked_pairs("roc", scores, same))


def det(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The detection error trade-off: both errors at every threshold, for axes that are logarithmic.

    Args, Raises: as for `roc`.
    Returns:
        far, frr, thresholds: FRR, the false reject rate, is 1 - TAR.         # [M + 1] float64 each

    Martin and others, 1997, who scale the axes by normal deviates; NIST's reports use logarithms.

    >>> far, frr, _ = det(torch.tensor([0.9, 0.8, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    >>> far.tolist(), frr.tolist()
    ([0.0, 0.0, 0.5, 1.0], [1.0, 0.5, 0.0, 0.0])
    """
    far, tar, thresholds = _roc(*checked_pairs("det", scores, same))
    return far, 1 - tar, thresholds


def _roc(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The curve of checked scores: all of them are sorted, and those of same pairs looked up among them.

    Values alone sort several times faster than an order of them (argsort) is found, on every processor.
    """
    falling = -scores.cpu().numpy()
    falling_same = np.sort(falling[same.cpu().numpy()])
    falling.sort()
    # the last of each run of equal scores; compared, since inf - inf is NaN
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    distinct = falling[last]  # [M]
    same_here = np.bincount(np.searchsorted(distinct, falling_same), minlength=len(last))  # [M]
    points = np.empty((3, len(last) + 1))
    points[:, 0] = 0, 0, np.inf
    far, tar, thresholds = points
    # accepted pairs, counted and divided in place: page faults would take longer than the sums
    np.cumsum(same_here, dtype=np.float64, out=tar[1:])
    np.subtract(last, tar[1:], out=far[1:])
    far[1:] += 1
    far /= far[-1]
    tar /= tar[-1]
    np.negative(distinct, out=thresholds[1:])
    return tuple(torch.from_numpy(points))


def auc(scores: Tensor, same: Tensor) -> float:
    """Area under the ROC: the chance that a same pair scores higher than a different one, ties counted half.

    Args, Raises: as for `roc`.

    >>> auc(torch.tensor([0.9, 0.8, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    0.875
    """
    far, tar, _ = _roc(*checked_pairs("auc", scores, same))
    return torch.trapezoid(tar, far).item()


def equal_error_rate(scores: Tensor, same: Tensor) -> float:
    """The error where as large a share of same pairs is rejected as of different pairs is accepted: 1 - TAR = FAR.

    Args, Raises: as for `roc`.

    Between two points of the ROC it lies on the straight line that joins them.

    >>> equal_error_rate(torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    0.5
    """
    far, tar, _ = _roc(*checked_pairs("equal_error_rate", scores, same))
    excess = far + tar - 1  # rises from -1 to 1; 0 is where we want to be
    after = (excess >= 0).nonzero()[0].item()
    before = after - 1
    step = -excess[before] / (excess[after] - excess[before])
    return (far[before] + step * (far[after] - far[before])).item()


def tar_at_far(scores: Tensor, same: Tensor, far: float) -> float:
    """The share of same pairs accepted at the lowest threshold that accepts at most `far` of the different pairs.

    Args:
        scores, same: as for `roc`.
        far: the false accept rate that is allowed, in 0..1; 1e-3 in this course.
    Raises:
        TypeError, ValueError: as for `roc`; far outside 0..1.

    No interpolation: the threshold lies just above the highest score of a different pair that must not be accepted.
    With fewer than 1 / far different pairs it is the share of same pairs above all of them.

    >>> tar_at_far(torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False]), far=0.0)
    0.5
    """
    scores, same = checked_pairs("tar_at_far", scores, same)
    check_share("tar_at_far", far=far)
    others, ours = scores[~same], scores[same]
    # 1e-12: 0.29 * 100 is 28.999999999999996
    allowed = int(far * len(others) * (1 + 1e-12))
    if allowed == len(others):
        return 1.0
    refused = others.kthvalue(len(others) - allowed).values  # the highest that must not be accepted
    return (ours > refused).double().mean().item()


def kfold_accuracy(scores: Tensor, same: Tensor, folds: int | Tensor = 10) -> Tensor:
    """Accuracy on each fold at the threshold that is best on the other folds, as LFW is scored.

    Args:
        scores, same: as for `roc`.
        folds: how many, equal parts in the order given; or the fold of every pair.    # int, or [N] int64
    Returns:
        The share of pairs judged right in each fold; its mean is what is reported.   # [folds] float64
    Raises:
        TypeError, ValueError: as for `roc`; fewer than 2 folds or more than pairs; a fold of which the others
            hold no same or no different pair.

    Of equally good thresholds the highest is taken: a score of the other folds, or infinity. Lecture topic L5.12.

    >>> kfold_accuracy(torch.tensor([0.9, 0.2, 0.8, 0.1]), torch.tensor([True, False, True, False]), folds=2)
    tensor([1.0000, 0.5000], dtype=torch.float64)
    """
    where = "kfold_accuracy"
    scores, same = checked_pairs(where, scores, same)
    if not isinstance(folds, Tensor):
        check_count(where, folds=folds)
        if not 2 <= folds <= len(scores):
            raise ValueError(f"{where}: folds must be in 2..{len(scores)} (pairs), got {folds}")
        folds = torch.arange(len(scores), device=scores.device) * folds // len(scores)
    check_tensor(where, f"[{len(scores)}]", torch.int64, folds=folds)
    accuracies = []
    for fold in folds.unique():
        test = folds == fold
        rest = f"{where}: outside fold {fold.item()}"
        far, tar, thresholds = _roc(*checked_pairs(rest, scores[~test], same[~test]))
        positives, negatives = same[~test].sum().cpu(), (~same[~test]).sum().cpu()
        right = (positives * tar + negatives * (1 - far)).round()  # pairs, at each threshold
        best = right.argmax()
        # the first point accepts nothing, not even a score of infinity
        accept = (scores[test].double() >= thresholds[best].item()) & bool(best > 0)
        accuracies.append((accept == same[test]).double().mean())
    return torch.stack(accuracies)


def checked_pairs(where: str, scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """Scores in float32 at least and without a gradient, and same; raise unless they fit together, without NaN."""
    check_tensor(where, "[N]", scores=scores)
    check_tensor(where, "[N]", torch.bool, same=same)
    if len(scores) != len(same):
        raise ValueError(
            f"{where}: scores and same must be [N] both, got {shape(scores)} and {shape(same)}"
        )
    scores = scores.detach().to(torch.promote_types(scores.dtype, torch.float32))
    if len(scores) > 0 and scores.amax().isnan():
        raise ValueError(f"{where}: scores have NaN")
    positives = int(same.count_nonzero())
    if positives in (0, len(same)):
        raise ValueError(
            f"{where}: both same and different pairs are needed, got {positives} and {len(same) - positives}"
        )
    return scores, same
