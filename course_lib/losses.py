"""Losses that shape the space of embeddings: pairs, triplets, centres, margins (L1.07-L1.09, L2.13-L2.16, L4.01-L4.08).

Every loss is the mean over its pairs, triplets or pictures. Where a batch holds none (one picture, one class, no two
pictures of a class) it is 0, with a gradient of 0, so that training goes on.
"""

import torch
from torch import Tensor, nn

from course_lib.checks import check_labels, check_partners, check_positive, check_vectors, shape
from course_lib.detection_losses import focal_loss as focal_loss
from course_lib.detection_losses import smooth_l1_loss as smooth_l1_loss
from course_lib.distances import euclidean, safe_sqrt
from course_lib.margins import MarginSoftmax as MarginSoftmax  # the three are to be had from here
from course_lib.mining import Triplets, check_distances, positive_pairs


def mean_or_zero(values: Tensor) -> Tensor:
    """The mean; of no values it is 0, not NaN, and still part of the graph."""
    return values.sum() / max(values.numel(), 1)


def contrastive_loss(x: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Contrastive loss over all pairs of a batch: pull the same class together, push others out to the margin.

        L = 1/2 (z d^2 + (1 - z) max(0, M - d)^2),   d = |x_i - x_j|,   z = 1 if both are of one class, else 0

    Args:
        x: embeddings.                                        # [B, d]
        labels: their classes.                                # [B] int64
        margin: M > 0, in the unit of the embeddings.
    Returns:
        The mean over the B (B - 1) / 2 unordered pairs; 0 if B is 1.    # []
    Raises:
        TypeError, ValueError: not [B, d] with [B] labels; NaN; margin not above 0.

    Where two pictures of different classes coincide (d = 0) no direction leads apart, and the gradient is 0.
    Hadsell and others, 2006. Lecture topics L1.07, L4.03.

    >>> x = torch.tensor([[0.0, 0.0], [0.0, 2.0], [0.0, 0.5]])
    >>> contrastive_loss(x, torch.tensor([0, 0, 1]), margin=1.0)  # (2^2 + (1 - .5)^2 + 0) / 2 / 3 pairs
    tensor(0.7083)
    """
    check_vectors("contrastive_loss", x=x)
    check_labels("contrastive_loss", labels, len(x))
    check_positive("contrastive_loss", margin=margin)
    d = euclidean(x, x)  # [B, B]
    same = labels[:, None] == labels  # [B, B]
    loss = torch.where(same, d, margin - d).clamp(min=0).square()  # [B, B], 0 on the diagonal
    ordered_pairs = len(x) * (len(x) - 1)
    return loss.sum() / max(ordered_pairs, 1) / 2


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
    check_partners("triplet_loss", anchor, positive)
    check_partners("triplet_loss", anchor, negative)
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


def center_loss(x: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """Center loss: every embedding should lie close to the centre of its class.

        L = 1/2 |x_i - c_{y_i}|^2

    Args:
        x: embeddings.                                        # [B, d]
        labels: their classes, 0 to C - 1.                    # [B] int64
        centers: c, a centre a class.                         # [C, d]
    Returns:
        The mean over the batch.                              # []
    Raises:
        TypeError, ValueError: not [B, d], [B], [C, d]; a label outside 0..C-1; NaN.

    Alone it is least when everything lies in one point: it is added to a softmax loss, which keeps classes apart.
    Wen and others, 2016. Lecture topic L1.09.

    >>> center_loss(torch.tensor([[3.0, 0.0]]), torch.tensor([1]), torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    tensor(2.)
    """
    check_vectors("center_loss", x=x, centers=centers)
    check_labels("center_loss", labels, len(x), classes=len(centers))
    return (x - centers[labels]).square().sum(1).mean() / 2


class CenterLoss(nn.Module):
    """Center loss with centres that follow the embeddings at a rate of their own, as its paper has it.

        c_j <- c_j - rate * sum_{y_i = j} (c_j - x_i) / (1 + number of y_i = j)

    Args:
        classes: C, how many.
        dim: of the embeddings.
        rate: in 0..1; 1 nearly jumps to the mean of the batch.

    The centres are no parameters of the optimizer; each call in training mode moves them, after the loss was taken.

    >>> loss = CenterLoss(classes=2, dim=2, rate=1.0)
    >>> loss(torch.tensor([[3.0, 0.0]]), torch.tensor([1])), loss.centers[1]
    (tensor(4.5000), tensor([1.5000, 0.0000]))
    """

    def __init__(self, classes: int, dim: int, rate: float = 0.5):
        super().__init__()
        self.rate = rate
        self.register_buffer("centers", torch.zeros(classes, dim))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        before = self.centers.clone()  # the buffer moves before the backward pass
        loss = center_loss(x, labels, before)
        if self.training:
            self.update(x.detach(), labels)
        return loss

    def update(self, x: Tensor, labels: Tensor) -> None:
        """Move the centres of the classes in the batch towards their embeddings."""
        pull = torch.zeros_like(self.centers).index_add(0, labels, self.centers[labels] - x)
        counts = labels.bincount(minlength=len(self.centers))[:, None]  # [C, 1]
        self.centers -= self.rate * pull / (1 + counts)


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
