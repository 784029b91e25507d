"""Face verification: the same person or not, by a threshold on a score, and how good that is (L1.15, L2.10, L5.12).

A score says how alike two pictures are: higher is more alike (for distances, give their negative). A pair is accepted
when its score is at or above the threshold. FAR, the false accept rate, is the share of different pairs that are
accepted; TAR, the true accept rate (FaceNet's VAL), the share of same pairs that are.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import check_labels, check_vectors, shape
from course_lib.embeddings.distances import normalize


def all_pairs(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Every unordered pair of embeddings: its cosine, and whether both are of one class.

    Args:
        x: embeddings.                                        # [n, d]
        labels: their classes.                                # [n] int64
    Returns:
        Cosines in -1..1, and same (bool).                    # [n (n - 1) / 2] each

    >>> all_pairs(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), torch.tensor([3, 3, 4]))
    (tensor([1., 0., 0.]), tensor([ True, False, False]))
    """
    check_vectors("all_pairs", x=x)
    check_labels("all_pairs", labels, len(x))
    x = normalize(x)
    upper = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)  # each pair once, none with itself
    return (x @ x.T)[upper], (labels[:, None] == labels)[upper]


def roc(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The receiver operating characteristic: FAR and TAR at every threshold.

    Args:
        scores: of pairs, higher is more alike.               # [N]
        same: whether the pair is of one class.               # [N] bool
    Returns:
        far, tar, thresholds: from (0, 0) at infinity, then one point for each distinct score, falling,
        to (1, 1).                                            # [M + 1] float64 each, M <= N
    Raises:
        TypeError, ValueError: not [N] and [N] bool; NaN; no same pair, or no different one.

    Equal to scikit-learn's `roc_curve(..., drop_intermediate=False)`. Lecture topics L1.15, L5.13.

    >>> far, tar, _ = roc(torch.tensor([0.9, 0.8, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    >>> far.tolist(), tar.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    check_scores("roc", scores, same)
    scores, same = scores.detach().cpu().numpy(), same.cpu().numpy()
    order = np.argsort(scores)[::-1]
    ordered, hits = scores[order], same[order]
    last = np.flatnonzero(np.diff(ordered, append=np.nan) != 0)  # of each run of equal scores
    accepted_same = np.cumsum(hits, dtype=np.int64)[last]
    accepted_other = last + 1 - accepted_same
    far, tar = accepted_other / accepted_other[-1], accepted_same / accepted_same[-1]
    start = (0.0, 0.0, np.inf)
    curves = (far, tar, ordered[last])
    return tuple(
        torch.from_numpy(np.append(first, rest)) for first, rest in zip(start, curves, strict=True)
    )


def auc(scores: Tensor, same: Tensor) -> float:
    """Area under the ROC: the chance that a same pair scores higher than a different one, ties counted half.

    Args, Raises: as for `roc`.

    >>> auc(torch.tensor([0.9, 0.8, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    0.875
    """
    far, tar, _ = roc(scores, same)
    return torch.trapezoid(tar, far).item()


def equal_error_rate(scores: Tensor, same: Tensor) -> float:
    """The error where as large a share of same pairs is rejected as of different pairs is accepted: 1 - TAR = FAR.

    Args, Raises: as for `roc`.

    Between two points of the ROC it lies on the straight line that joins them.

    >>> equal_error_rate(torch.tensor([0.9, 0.3, 0.8, 0.1]), torch.tensor([True, True, False, False]))
    0.5
    """
    far, tar, _ = roc(scores, same)
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
    check_scores("tar_at_far", scores, same)
    if not 0 <= far <= 1:
        raise ValueError(f"tar_at_far: far must lie in 0..1, got {far}")
    others, ours = scores[~same], scores[same]
    allowed = int(far * len(others) + 1e-9)  # 1e-9: 0.29 * 100 is 28.999999999999996
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
    check_scores("kfold_accuracy", scores, same)
    if isinstance(folds, int):
        if not 2 <= folds <= len(scores):
            raise ValueError(
                f"kfold_accuracy: folds must be in 2..{len(scores)} (pairs), got {folds}"
            )
        folds = torch.arange(len(scores)) * folds // len(scores)
    check_labels("kfold_accuracy", folds, len(scores))
    accuracies = []
    for fold in folds.unique():
        test = folds == fold
        far, tar, thresholds = roc(scores[~test], same[~test])
        positives, negatives = same[~test].sum(), (~same[~test]).sum()
        right = (positives * tar + negatives * (1 - far)).round()  # pairs, at each threshold
        accept = scores[test] >= thresholds[right.argmax()]
        accuracies.append((accept == same[test]).double().mean())
    return torch.stack(accuracies)


def check_scores(where: str, scores: Tensor, same: Tensor) -> None:
    """Raise unless scores [N] and same [N] bool fit together, without NaN, with both kinds of pairs."""
    if scores.ndim != 1 or scores.shape != same.shape:
        raise ValueError(
            f"{where}: scores and same must be [N] both, got {shape(scores)} and {shape(same)}"
        )
    if same.dtype != torch.bool:
        raise TypeError(f"{where}: same must be bool, got {same.dtype}")
    if torch.isnan(scores).any():
        raise ValueError(f"{where}: scores have NaN")
    positives = int(same.sum())
    if positives in (0, len(same)):
        raise ValueError(
            f"{where}: both same and different pairs are needed, got {positives} and {len(same) - positives}"
        )
