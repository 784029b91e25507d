"""Known mistakes with the contrastive and the triplet loss, each with the hint for who made it (L1.07, L1.08)."""

import torch
from torch.nn import functional as F

from course_lib.by_definition import metric_learning as plain
from course_lib.exercises import losses_solutions as right
from course_lib.exercises.task import Mistake


def _near(d, margin):
    return d**2 / 2


def _far(d, margin):
    return (margin - d).clamp(min=0) ** 2 / 2


def _length(difference):
    return difference.norm(dim=1)


def _mean(losses, same, images):
    return losses.mean()


def _contrastive(near=_near, far=_far, length=_length, reduce=_mean):
    """`contrastive_loss` by another rule.

    near, far: (distances [P], margin) -> losses [P] of pairs of one class, of two classes; length: differences [P, d]
    -> distances [P]; reduce: (losses [P], is of one class [P], number of images) -> number.
    """

    def contrastive_loss(x, labels, margin):
        i, j = torch.triu_indices(len(x), len(x), 1)
        d, same = length(x[i] - x[j]), labels[i] == labels[j]
        losses = torch.where(same, near(d, margin), far(d, margin))
        return reduce(losses, same, len(x))

    return contrastive_loss


def _two_means(losses, same, images):
    return sum(part.mean() for part in (losses[same], losses[~same]) if len(part))


def _of_the_active(losses, same, images):
    return losses.sum() / max(int((losses > 0).sum()), 1)


def _neighbours(x, labels, margin):
    d, same = (x[1:] - x[:-1]).norm(dim=1), labels[1:] == labels[:-1]
    return torch.where(same, _near(d, margin), _far(d, margin)).mean()


CONTRASTIVE_LOSS = (
    Mistake(
        _contrastive(far=lambda d, margin: (margin - d) ** 2 / 2),
        "Pairs of two classes farther apart than the margin got a loss. Their loss is 0: clamp margin - d "
        "at 0 before it is squared.",
    ),
    Mistake(
        _contrastive(reduce=lambda losses, same, images: losses.sum()),
        "The sum over the pairs was returned. Divide by the number of pairs.",
    ),
    Mistake(
        _contrastive(lambda d, m: 2 * _near(d, m), lambda d, m: 2 * _far(d, m)),
        "The factor 1/2 is missing, in both terms.",
    ),
    Mistake(
        _contrastive(reduce=lambda losses, same, images: 2 * losses.sum() / images**2),
        "The mean was taken over all B x B combinations, each image with itself among them. Those are no "
        "pairs: leave i = j out.",
    ),
    Mistake(
        _contrastive(near=lambda d, margin: d / 2),
        "In a pair of one class the distance itself was taken. Square it.",
    ),
    Mistake(
        _contrastive(far=lambda d, margin: (margin - d).clamp(min=0) / 2),
        "The hinge max(0, margin - d) of two classes was not squared.",
    ),
    Mistake(
        _contrastive(far=lambda d, margin: (margin - d**2).clamp(min=0) / 2),
        "In a pair of two classes the *squared* distance was subtracted from the margin. Subtract the "
        "distance, clamp, and then square.",
    ),
    Mistake(
        _contrastive(length=lambda difference: (difference**2).sum(dim=1)),
        "The squared distance stands in the place of the distance d. The square root is missing.",
    ),
    Mistake(
        _contrastive(near=_far, far=_near),
        "The two terms are exchanged: images of one class were pushed apart, others pulled together.",
    ),
    Mistake(
        _contrastive(near=lambda d, m: 2 * _near(d, m)),
        "The factor 1/2 is missing in the term of one class.",
    ),
    Mistake(
        _contrastive(far=lambda d, m: 2 * _far(d, m)),
        "The factor 1/2 is missing in the term of two classes.",
    ),
    Mistake(
        _contrastive(far=lambda d, margin: (d - margin).clamp(min=0) ** 2 / 2),
        "The hinge has the wrong sign: pairs of two classes beyond the margin got a loss. Those nearer "
        "than the margin get one.",
    ),
    Mistake(
        _contrastive(reduce=lambda losses, same, images: losses.sum() / images),
        "The sum was divided by the number of images. Divide by the number of pairs.",
    ),
    Mistake(
        _contrastive(reduce=_two_means),
        "Pairs of one class and pairs of two classes were averaged apart, and both means added. Take one "
        "mean over all pairs.",
    ),
    Mistake(
        _contrastive(reduce=_of_the_active),
        "The sum was divided by the number of pairs whose loss is not 0. Divide by the number of all pairs.",
    ),
    Mistake(
        _contrastive(length=lambda difference: difference.abs().sum(dim=1)),
        "The absolute differences were added up. The distance is Euclidean: the root of the summed squares.",
    ),
    Mistake(
        _contrastive(length=lambda difference: (difference**2).mean(dim=1).sqrt()),
        "The squared differences were averaged over the dimensions. Add them up.",
    ),
    Mistake(
        lambda x, labels, margin: plain.contrastive_loss(x, labels, 1.0),
        "The margin was not used: 1 was written into the function. Use the argument.",
    ),
    Mistake(
        lambda x, labels, margin: plain.contrastive_loss(F.normalize(x), labels, margin),
        "The embeddings were normalised first. Take the distances of `x` as it is.",
    ),
    Mistake(
        _neighbours,
        "Each image was compared only with the next one. Take every pair i < j.",
    ),
)


def _squared(a, b):
    return ((a - b) ** 2).sum(dim=1)


def _triplet(hinge=lambda near, far, margin: (near - far + margin).clamp(min=0).mean(), d=_squared):
    """`triplet_loss` by another rule: (near [T], far [T], margin) -> number; d: 2 x [T, d] -> distances [T]."""
    return lambda a, p, n, margin: hinge(d(a, p), d(a, n), margin)


def _of_the_violated(near, far, margin):
    losses = (near - far + margin).clamp(min=0)
    return losses.sum() / max(int((losses > 0).sum()), 1)


TRIPLET_LOSS = (
    Mistake(
        _triplet(d=lambda a, b: (a - b).norm(dim=1)),
        "The distances were not squared. This loss takes the squared Euclidean distances.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far + margin).mean()),
        "A triplet that keeps the margin got a negative loss. Clamp the loss of each triplet at 0.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far + margin).mean().clamp(min=0)),
        "The mean was clamped: easy triplets cancel the loss of others. Clamp each triplet before the "
        "mean.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far + margin).clamp(min=0).sum()),
        "The losses were added up. Return their mean over the triplets.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (far - near + margin).clamp(min=0).mean()),
        "Positive and negative are exchanged. The loss grows with the distance to the positive.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far - margin).clamp(min=0).mean()),
        "The margin was subtracted. Add it: the negative must be farther than the positive *by* the margin.",
    ),
    Mistake(
        lambda a, p, n, margin: right.triplet_loss(a, p, n, 0.0),
        "The margin was not used. A triplet has a loss until the negative is farther by the margin.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far).clamp(min=0).mean() + margin),
        "The margin was added after clamping, so that no triplet has loss 0. Add it inside the maximum.",
    ),
    Mistake(
        _triplet(_of_the_violated),
        "The mean was taken only over triplets whose loss is not 0. Average over all triplets.",
    ),
    Mistake(
        _triplet(d=lambda a, b: ((a - b) ** 2).mean(dim=1)),
        "The squared differences were averaged over the dimensions. The squared distance is their sum.",
    ),
    Mistake(
        lambda a, p, n, margin: (_squared(a, p) - _squared(p, n) + margin).clamp(min=0).mean(),
        "The distance from the positive to the negative was taken. Both distances begin at the anchor.",
    ),
    Mistake(
        _triplet(d=lambda a, b: (a - b).abs().sum(dim=1)),
        "The absolute differences were added up. Square the differences.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: ((near - far + margin).clamp(min=0) ** 2).mean()),
        "The hinge was squared. Square the distances, not their difference.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far + margin).clamp(min=0).max()),
        "The largest loss was returned. Average over all triplets.",
    ),
    Mistake(
        _triplet(d=lambda a, b: ((a - b) ** 2).sum()),
        "The squared differences of all triplets were added up at once. Each triplet has two distances of "
        "its own: sum over the dimensions only.",
    ),
    Mistake(
        _triplet(lambda near, far, margin: (near - far + margin).clamp(min=0)),
        "One loss for each triplet was returned. Return their mean, a single number.",
    ),
)
