"""Losses on triplets: anchor, positive, negative (L1.08, L2.15, L4.04, L5.15, L5.16)."""

import torch
from torch import Tensor

from course_lib.arguments import check_indices, check_partners, check_positive, check_tensor, shape
from course_lib.embeddings.distances import safe_sqrt
from course_lib.metric_learning.mining import (
    Triplets,
    check_distances,
    check_labelled,
    positive_pairs,
)
from course_lib.metric_learning.pairs import mean_loss


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
        The mean over the T triplets, those that are already 0 counted, in float32 at least; 0 if T is 0.    # []
    Raises:
        TypeError, ValueError: not [T, d] each; NaN or infinity; margin below 0; a mean that overflows.

    Schroff and others (FaceNet), 2015. Lecture topics L1.08, L2.15, L4.04, L5.15.

    >>> a, p, n = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    >>> triplet_loss(a, p, n, margin=0.2), triplet_loss(a, p, 2 * n, margin=0.2)
    (tensor(0.2000), tensor(0.))
    """
    check_partners("triplet_loss", anchor=anchor, positive=positive, negative=negative)
    check_positive("triplet_loss", or_zero=True, margin=margin)
    dtype = torch.promote_types(anchor.dtype, torch.float32)
    # in float32 the square of 1e20 overflows, and that of 1e-30 vanishes
    anchor, positive, negative = anchor.double(), positive.double(), negative.double()
    near, far = (anchor - positive).square().sum(1), (anchor - negative).square().sum(1)  # [T]
    if not squared:
        near, far = safe_sqrt(near), safe_sqrt(far)
    loss = (near - far + margin).clamp(min=0)  # [T]
    return mean_loss("triplet_loss", loss.sum().to(dtype), len(loss))


def mined_triplet_loss(distances: Tensor, triplets: Triplets, margin: float) -> Tensor:
    """`triplet_loss` of triplets that were chosen from a batch, given all its distances (squared or not).

    Args:
        distances: between every two of the batch.                         # [B, B]
        triplets: (anchor, positive, negative), indices into the batch.    # [T] int64 each
        margin: M >= 0, in the unit of the distances.
    Returns:
        The mean over the triplets, in float32 at least; 0 if there are none.    # []
    Raises:
        TypeError, ValueError: distances not [B, B], NaN or infinite; indices outside 0..B-1; margin below 0.

    >>> d = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.5], [2.0, 0.5, 0.0]])
    >>> mined_triplet_loss(d, (torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([2, 2])), margin=0.1)
    tensor(0.3000)
    """
    where = "mined_triplet_loss"
    check_distances(where, distances)
    check_positive(where, or_zero=True, margin=margin)
    _check_triplets(where, triplets, len(distances))
    anchor, positive, negative = triplets
    # both at once: the gradient of one look-up is one [B, B] matrix
    rows, columns = torch.stack([anchor, anchor]), torch.stack([positive, negative])
    near, far = distances[rows, columns].to(
        torch.promote_types(distances.dtype, torch.float32)
    )  # [T]
    return mean_loss(where, (near - far + margin).clamp(min=0).sum(), len(anchor))


def batch_all_triplet_loss(distances: Tensor, labels: Tensor, margin: float) -> Tensor:
    """`mined_triplet_loss` of `all_triplets`, without listing them.

    Args:
        distances: between every two of the batch.                         # [B, B]
        labels: their classes.                                             # [B] int64
        margin: M >= 0, in the unit of the distances.
    Returns:
        The mean over all triplets of the batch, in float32 at least; 0 if there are none.    # []
    Raises:
        TypeError, ValueError: distances not [B, B] with [B] labels, NaN or infinite; margin below 0.

    Positive pairs are set against all negatives of their anchor at once, some anchors at a time: memory is
    O(B^2 K) for K pictures a class, in tiles of a few MB.

    >>> d = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.5], [2.0, 0.5, 0.0]])
    >>> batch_all_triplet_loss(d, torch.tensor([0, 0, 1]), margin=0.1)
    tensor(0.3000)
    """
    where = "batch_all_triplet_loss"
    check_labelled(where, distances, labels)
    check_positive(where, or_zero=True, margin=margin)
    distances = distances.to(torch.promote_types(distances.dtype, torch.float32))
    same = labels[:, None] == labels  # [B, B]
    negatives = distances.masked_fill(same, torch.inf)  # an infinite distance costs nothing
    anchor, positive = positive_pairs(labels)  # [P]
    # of no distances, but part of the graph
    total = distances[:0].sum()
    for a, p in zip(anchor.split(1024), positive.split(1024), strict=True):
        total = total + (distances[a, p][:, None] + margin - negatives[a]).clamp(min=0).sum()
    # negatives of every positive pair
    count = (~same).sum(1)[anchor].sum().item()
    return mean_loss(where, total, count)


def pairwise_ranking_error(scores: Tensor, pairs: Tensor) -> Tensor:
    """Share of the ranked pairs that the scores put in the wrong order.

        1/|R| sum_{(i, j) in R} [a(x_i) - a(x_j) < 0]

    Args:
        scores: a(x), one for each image.                     # [N]
        pairs: R: in each, the first should score higher.     # [R, 2] int64, indices 0..N-1
    Returns:
        In 0..1, in float32 at least; ties are no error; 0 if there are no pairs.    # []
    Raises:
        TypeError, ValueError: scores not [N], pairs not [R, 2] int64, an index outside 0..N-1, NaN.

    It counts, so its gradient is 0 everywhere: to train, replace the step by a hinge, as the triplet loss does.
    With R = every (same, different) pair of pairs it is 1 - AUC, ties aside. Lecture topic L5.16.

    >>> pairwise_ranking_error(torch.tensor([0.9, 0.5, 0.7]), torch.tensor([[0, 1], [1, 2]]))
    tensor(0.5000)
    """
    where = "pairwise_ranking_error"
    check_tensor(where, "[N]", scores=scores)
    check_tensor(where, "[R, 2]", torch.int64, pairs=pairs)
    if scores.isnan().any():
        raise ValueError(f"{where}: scores have NaN")
    check_indices(where, len(scores), pairs=pairs)
    wrong = scores[pairs[:, 0]] < scores[pairs[:, 1]]  # [R]
    return mean_loss(
        where, wrong.sum().to(torch.promote_types(scores.dtype, torch.float32)), len(pairs)
    )


def _check_triplets(where: str, triplets: Triplets, size: int) -> None:
    """Raise unless anchor, positive and negative are as many indices into a batch of `size` images."""
    if not isinstance(triplets, tuple | list) or len(triplets) != 3:
        raise TypeError(
            f"{where}: triplets must be (anchor, positive, negative), got {type(triplets).__name__}"
        )
    named = dict(zip(("anchor", "positive", "negative"), triplets, strict=True))
    check_tensor(where, "[T]", torch.int64, **named)
    if len({len(part) for part in triplets}) > 1:
        shapes = ", ".join(shape(part) for part in triplets)
        raise ValueError(f"{where}: triplets must be [T] each, got {shapes}")
    check_indices(where, size, **named)
