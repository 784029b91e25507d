"""Losses on triplets: anchor, positive, negative (L1.08, L2.15, L4.04, L5.15, L5.16)."""

import torch
from torch import Tensor

from course_lib.arguments import check_labels, check_partners, check_positive, shape
from course_lib.embeddings.distances import safe_sqrt
from course_lib.metric_learning.mining import Triplets, check_distances, positive_pairs
from course_lib.metric_learning.pairs import mean_or_zero


def triplet_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float, squared: bool = True
) -> Tensor:
    """Triplet loss: the positive must be nearer to the anchor than the negative, by the margin.

        L = max(0, |y_A - y_P|^2 - |y_A - y_N|^2 + M)

    Args:
        anchor, positive, negative: embeddings; row by row a triplet.      # [T, d] each
        margin: M >= 0, in the squared unit of the embeddings (in their unit if not `squared`).
        squared: as in the lecture and in FaceNet; without, distances as they are (L4.04).
    Returns:
        The mean over the T triplets, those that are already 0 counted; 0 if T is 0.    # []
    Raises:
        TypeError, ValueError: not [T, d] each; NaN; margin below 0.

    Schroff and others (FaceNet), 2015. Lecture topics L1.08, L2.15, L4.04, L5.15.

    >>> a, p, n = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    >>> triplet_loss(a, p, n, margin=0.2), triplet_loss(a, p, 2 * n, margin=0.2)
    (tensor(0.2000), tensor(0.))
    """
    check_partners("triplet_loss", anchor=anchor, positive=positive, negative=negative)
    check_positive("triplet_loss", or_zero=True, margin=margin)
    near, far = (anchor - positive).square().sum(1), (anchor - negative).square().sum(1)  # [T]
    if not squared:
        near, far = safe_sqrt(near), safe_sqrt(far)
    return mean_or_zero((near - far + margin).clamp(min=0))


def mined_triplet_loss(distances: Tensor, triplets: Triplets, margin: float) -> Tensor:
    """`triplet_loss` of triplets that were chosen from a batch, given all its distances (squared or not).

    Args:
        distances: between every two of the batch.                         # [B, B]
        triplets: (anchor, positive, negative), numbers in the batch.      # [T] int64 each
        margin: M >= 0, in the unit of the distances.
    Returns:
        The mean over the triplets; 0 if there are none.                   # []

    >>> d = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.5], [2.0, 0.5, 0.0]])
    >>> mined_triplet_loss(d, (torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([2, 2])), margin=0.1)
    tensor(0.3000)
    """
    anchor, positive, negative = triplets
    near, far = distances[anchor, positive], distances[anchor, negative]  # [T]
    return mean_or_zero((near - far + margin).clamp(min=0))


def batch_all_triplet_loss(distances: Tensor, labels: Tensor, margin: float) -> Tensor:
    """`mined_triplet_loss` of `all_triplets`, without listing them.

    Args:
        distances: between every two of the batch.                         # [B, B]
        labels: their classes.                                             # [B] int64
        margin: M >= 0, in the unit of the distances.
    Returns:
        The mean over all triplets of the batch; 0 if there are none.      # []

    Positive pairs are set against all negatives of their anchor at once, some anchors at a time: memory is
    O(B^2 K) for K pictures a class, in tiles of a few MB.

    >>> d = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.5], [2.0, 0.5, 0.0]])
    >>> batch_all_triplet_loss(d, torch.tensor([0, 0, 1]), margin=0.1)
    tensor(0.3000)
    """
    check_distances("batch_all_triplet_loss", distances, labels)
    check_positive("batch_all_triplet_loss", or_zero=True, margin=margin)
    same = labels[:, None] == labels  # [B, B]
    negatives = distances.masked_fill(same, torch.inf)  # an infinite distance costs nothing
    anchor, positive = positive_pairs(labels)  # [P]
    total = distances.sum() * 0
    for a, p in zip(anchor.split(1024), positive.split(1024), strict=True):
        total = total + (distances[a, p][:, None] + margin - negatives[a]).clamp(min=0).sum()
    count = (~same).sum(1)[anchor].sum().item()  # negatives of every positive pair
    return total / max(count, 1)


def pairwise_ranking_error(scores: Tensor, pairs: Tensor) -> Tensor:
    """Share of the ranked pairs that the scores put in the wrong order.

        1/|R| sum_{(i, j) in R} [a(x_i) - a(x_j) < 0]

    Args:
        scores: a(x), one a thing.                            # [N]
        pairs: R: in each, the first should score higher.     # [R, 2] int64, numbers of things
    Returns:
        In 0..1; ties are no error; 0 if there are no pairs.  # []
    Raises:
        ValueError: scores not [N], pairs not [R, 2], a number outside 0..N-1, NaN.

    It counts, so its gradient is 0 everywhere: to train, replace the step by a hinge, as the triplet loss does.
    With R = every (same, different) pair of pairs it is 1 - AUC, ties aside. Lecture topic L5.16.

    >>> pairwise_ranking_error(torch.tensor([0.9, 0.5, 0.7]), torch.tensor([[0, 1], [1, 2]]))
    tensor(0.5000)
    """
    if scores.ndim != 1 or pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(
            f"pairwise_ranking_error: scores must be [N] and pairs [R, 2], got {shape(scores)} and {shape(pairs)}"
        )
    if torch.isnan(scores).any():
        raise ValueError("pairwise_ranking_error: scores hold NaN")
    check_labels("pairwise_ranking_error", pairs.flatten(), pairs.numel(), classes=len(scores))
    return mean_or_zero((scores[pairs[:, 0]] < scores[pairs[:, 1]]).to(scores.dtype))
