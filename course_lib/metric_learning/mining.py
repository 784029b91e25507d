"""Which triplets to learn from: all, random, semi-hard, hard (L2.15, L5.15).

A triplet is an anchor, a positive (another image of its class) and a negative (an image of another class). The
miners return three index tensors (anchor, positive, negative) into the batch, each [T] int64; a batch without a
positive pair or without a second class gives T = 0. Memory is O(B^2 K) for B images, K of a class: never O(B^3).
"""

import torch
from torch import Tensor

from course_lib.arguments import check_finite, check_labels, check_positive, check_tensor, shape

# indices of anchor, positive, negative: [T] int64 each
Triplets = tuple[Tensor, Tensor, Tensor]


def positive_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Every ordered pair (anchor, positive) of two images of one class.

    Args:
        labels: the batch's classes.                         # [B] int64
    Returns:
        Indices of anchors and positives.                    # [P], [P] int64; P <= B (K - 1)

    >>> positive_pairs(torch.tensor([5, 7, 5]))
    (tensor([0, 2]), tensor([2, 0]))
    """
    check_labels("positive_pairs", labels)
    same = labels[:, None] == labels  # [B, B]
    same.fill_diagonal_(False)
    return same.nonzero(as_tuple=True)


def all_triplets(labels: Tensor) -> Triplets:
    """Every triplet of the batch.

    Args:
        labels: the batch's classes.                         # [B] int64

    Their number grows as B^2 K: 1,024 images, 8 of each class, make 7 million (L4.05).

    >>> [part.tolist() for part in all_triplets(torch.tensor([5, 7, 5]))]
    [[0, 2], [2, 0], [1, 1]]
    """
    check_labels("all_triplets", labels)
    anchor, positive = positive_pairs(labels)  # [P]
    different = labels[anchor][:, None] != labels  # [P, B]
    pair, negative = different.nonzero(as_tuple=True)  # [T]
    return anchor[pair], positive[pair], negative


def random_triplets(labels: Tensor, generator: torch.Generator | None = None) -> Triplets:
    """One random negative for every positive pair.

    Args:
        labels: the batch's classes.                         # [B] int64
        generator: of random numbers; torch's own if None.

    In the order of their labels, the negatives of a class are all places before its first image and all after its
    last: a random number among the negatives is moved past the class where it reaches that far.

    >>> anchor, positive, negative = random_triplets(torch.tensor([5, 7, 5, 7]))
    >>> anchor.tolist(), positive.tolist(), negative[0].item() in (1, 3)
    ([0, 1, 2, 3], [2, 3, 0, 1], True)
    """
    check_labels("random_triplets", labels)
    anchor, positive = positive_pairs(labels)  # [P]
    ordered, order = labels.sort()
    first = torch.searchsorted(ordered, labels[anchor])  # [P]
    size = torch.searchsorted(ordered, labels[anchor], right=True) - first  # [P]
    negatives = len(labels) - size
    if (negatives == 0).any():  # only one class
        return anchor[:0], positive[:0], anchor[:0]
    place = (torch.rand(len(anchor), generator=generator).to(labels.device) * negatives).long()
    place = place.clamp(max=negatives - 1)  # float32 may round up to the end
    return anchor, positive, order[place + size * (place >= first)]


def semi_hard_triplets(distances: Tensor, labels: Tensor, margin: float) -> Triplets:
    """FaceNet's choice: for every positive pair the nearest of the negatives that are semi-hard.

        d(anchor, positive) < d(anchor, negative) < d(anchor, positive) + margin

    Args:
        distances: between every two of the batch, squared or not.       # [B, B]
        labels: the batch's classes.                                     # [B] int64
        margin: > 0, in the unit of the distances.
    Raises:
        TypeError, ValueError: distances not [B, B] with [B] int64 labels; NaN or infinity; margin not above 0.

    A positive pair without a semi-hard negative is left out. Schroff and others (FaceNet), 2015.

    >>> d = torch.tensor([[0.0, 1.0, 1.1, 1.5], [1.0, 0.0, 0.5, 3.0], [1.1, 0.5, 0.0, 1.0], [1.5, 3.0, 1.0, 0.0]])
    >>> [part.tolist() for part in semi_hard_triplets(d, torch.tensor([0, 0, 1, 2]), margin=0.2)]
    [[0], [1], [2]]
    """
    check_labelled("semi_hard_triplets", distances, labels)
    check_positive("semi_hard_triplets", margin=margin)
    distances = _without_gradient(distances)
    anchor, positive = positive_pairs(labels)  # [P]
    if len(anchor) == 0:
        return anchor, positive, anchor
    near = distances[anchor, positive]  # [P]
    candidates = _to_negatives(distances, labels)[anchor]  # [P, B]
    too_near = candidates <= near[:, None]
    nearest, negative = candidates.masked_fill_(too_near, torch.inf).min(dim=1)  # [P]
    semi_hard = nearest < near + margin
    return anchor[semi_hard], positive[semi_hard], negative[semi_hard]


def all_semi_hard_triplets(distances: Tensor, labels: Tensor, margin: float) -> Triplets:
    """Every semi-hard triplet of the batch, not only one for each positive pair.

    Arguments and errors are those of `semi_hard_triplets`. In pytorch-metric-learning "semi-hard" means this.

    >>> d = torch.tensor([[0.0, 1.0, 1.1, 1.5], [1.0, 0.0, 0.5, 3.0], [1.1, 0.5, 0.0, 1.0], [1.5, 3.0, 1.0, 0.0]])
    >>> [part.tolist() for part in all_semi_hard_triplets(d, torch.tensor([0, 0, 1, 2]), margin=1.0)]
    [[0, 0], [1, 1], [2, 3]]
    """
    check_labelled("all_semi_hard_triplets", distances, labels)
    check_positive("all_semi_hard_triplets", margin=margin)
    distances = _without_gradient(distances)
    anchor, positive = positive_pairs(labels)  # [P]
    candidates = _to_negatives(distances, labels)[anchor]  # [P, B]
    near = distances[anchor, positive][:, None]  # [P, 1]
    pair, negative = ((near < candidates) & (candidates < near + margin)).nonzero(as_tuple=True)
    return anchor[pair], positive[pair], negative


def hard_triplets(distances: Tensor, labels: Tensor) -> Triplets:
    """Batch-hard: for every anchor its farthest positive and its nearest negative.

    Args:
        distances: between every two of the batch, squared or not.       # [B, B]
        labels: the batch's classes.                                     # [B] int64
    Raises:
        TypeError, ValueError: distances not [B, B] with [B] int64 labels; NaN or infinity.

    Equal distances: the first of them. Hermans and others, 2017.

    >>> d = torch.tensor([[0.0, 1.0, 1.1, 1.5], [1.0, 0.0, 0.5, 3.0], [1.1, 0.5, 0.0, 1.0], [1.5, 3.0, 1.0, 0.0]])
    >>> [part.tolist() for part in hard_triplets(d, torch.tensor([0, 0, 1, 2]))]
    [[0, 1], [1, 0], [2, 2]]
    """
    check_labelled("hard_triplets", distances, labels)
    if len(labels) == 0:
        return labels, labels, labels
    distances = _without_gradient(distances)
    nearest, negative = _to_negatives(distances, labels).min(dim=1)  # [B]
    same = labels[:, None] == labels  # [B, B]
    others = torch.where(same, distances, -torch.inf).fill_diagonal_(-torch.inf)
    farthest, positive = others.max(dim=1)  # [B]
    # has a positive, and a negative
    anchor = ((farthest > -torch.inf) & (nearest < torch.inf)).nonzero()[:, 0]
    return anchor, positive[anchor], negative[anchor]


def check_distances(where: str, distances: Tensor) -> None:
    """Raise unless distances are [B, B] and finite."""
    check_tensor(where, "[B, B]", distances=distances)
    if distances.shape[0] != distances.shape[1]:
        raise ValueError(f"{where}: distances must be [B, B], got {shape(distances)}")
    check_finite(where, distances=distances)


def check_labelled(where: str, distances: Tensor, labels: Tensor) -> None:
    """Raise unless distances are [B, B] and finite, for a batch of B labels."""
    check_distances(where, distances)
    check_labels(where, labels)
    if len(labels) != len(distances):
        raise ValueError(
            f"{where}: distances must be [B, B] for labels [B], got {shape(distances)} and {shape(labels)}"
        )


def _without_gradient(distances: Tensor) -> Tensor:
    """In float32 at least: in float16, 1000 + 0.2 is 1000."""
    return distances.detach().to(torch.promote_types(distances.dtype, torch.float32))


def _to_negatives(distances: Tensor, labels: Tensor) -> Tensor:
    """The distances, infinite between images of one class.    # [B, B]"""
    return distances.masked_fill(labels[:, None] == labels, torch.inf)
