"""Known mistakes with pairs and error rates, each with the hint for who made it (L1.15, L2.10)."""

from itertools import product

import torch

from course_lib.exercises import verification_solutions as right
from course_lib.exercises.task import Mistake


def _columns(pairs):
    """Two columns of numbers.  # P x 2 -> [P], [P]"""
    return tuple(torch.tensor(pairs, dtype=torch.int64).view(-1, 2).T)


def _pairs(rule):
    """`pairs_of` by another rule: (i, j, is i's person inside, is j's, same person) -> whether the pair is taken."""

    def pairs_of(labels, people):
        inside, every = torch.isin(labels, people), product(range(len(labels)), repeat=2)
        return _columns(
            [(i, j) for i, j in every if rule(i, j, inside[i], inside[j], labels[i] == labels[j])]
        )

    return pairs_of


def _counted_within(labels, people):
    mine = labels[torch.isin(labels, people)]
    return right.pairs_of(mine, people)


def _people(labels, people):
    first, second = right.pairs_of(labels, people)
    return labels[first], labels[second]


PAIRS_OF = (
    Mistake(
        _pairs(lambda i, j, a, b, same: i < j and (a or b)),
        "One person of the pair was enough. Then the same person is in pairs of two folds: both people "
        "must belong to the fold.",
    ),
    Mistake(
        _pairs(lambda i, j, a, b, same: i < j and a),
        "Only the person of the first image was looked at. The person of the second image must belong "
        "to the fold, too.",
    ),
    Mistake(
        _pairs(lambda i, j, a, b, same: i <= j and a and b),
        "Every image was paired with itself. Such a pair always has the highest score: take j > i.",
    ),
    Mistake(
        _pairs(lambda i, j, a, b, same: i != j and a and b),
        "Every pair was taken twice, in both orders. Take it once, with i < j.",
    ),
    Mistake(
        _pairs(lambda i, j, a, b, same: j == i + 1 and a and b),
        "Each image was paired only with the image right after it. Pair it with every later one.",
    ),
    Mistake(
        _pairs(lambda i, j, a, b, same: i < j),
        "`people` was not used. Only images whose person is among them may be in a pair.",
    ),
    Mistake(
        _pairs(lambda i, j, a, b, same: i < j and a and b and same),
        "Only genuine pairs were taken. Impostor pairs, of two different people of the fold, are needed, "
        "too.",
    ),
    Mistake(
        lambda labels, people: right.pairs_of(labels, people)[::-1],
        "In each pair the later image stands first. Take i < j: `first` holds the smaller number.",
    ),
    Mistake(
        _counted_within,
        "The images were counted within the fold. Return their numbers among all images, as they stand "
        "in `labels`.",
    ),
    Mistake(
        _people,
        "These are the numbers of people. Return the numbers of images, which are places in `labels`.",
    ),
)


def _compared(compare):
    """`far_and_frr` with another comparison: (scores [N], thresholds [T, 1]) -> accepted [T, N]."""

    def far_and_frr(scores, same, thresholds):
        accepted = compare(scores, thresholds[:, None])
        return accepted[:, ~same].double().mean(1), (~accepted[:, same]).double().mean(1)

    return far_and_frr


def _counts(scores, same, thresholds):
    """Impostor pairs accepted, genuine pairs refused, all accepted.  # -> 3 x [T]"""
    accepted = scores >= thresholds[:, None]
    return (accepted & ~same).sum(1), (~accepted & same).sum(1), accepted.sum(1)


def _of_all(scores, same, thresholds):
    false_accepts, false_rejects, _ = _counts(scores, same, thresholds)
    return false_accepts / len(same), false_rejects / len(same)


def _of_accepted(scores, same, thresholds):
    false_accepts, false_rejects, accepted = _counts(scores, same, thresholds)
    return false_accepts / accepted, false_rejects / same.sum()


def _of_accepted_and_refused(scores, same, thresholds):
    false_accepts, false_rejects, accepted = _counts(scores, same, thresholds)
    return false_accepts / accepted, false_rejects / (len(same) - accepted)


def _changed(change):
    """`far_and_frr` with its two answers changed: (far, frr) -> 2 x [T]."""
    return lambda *case: change(*right.far_and_frr(*case))


FAR_AND_FRR = (
    Mistake(
        _compared(torch.gt),
        "A pair whose score equals the threshold was refused. It is accepted: at or above the threshold.",
    ),
    Mistake(
        _of_all,
        "Both counts were divided by the number of all pairs. Divide false accepts by the impostor pairs, "
        "false rejects by the genuine pairs.",
    ),
    Mistake(
        _changed(lambda far, frr: (frr, far)),
        "FAR and FRR are exchanged: return FAR first.",
    ),
    Mistake(
        _changed(lambda far, frr: (far, 1 - frr)),
        "The second number is the share of genuine pairs that are accepted (TAR). FRR is the share that "
        "is refused.",
    ),
    Mistake(
        _compared(torch.le),
        "Low scores were accepted, as if they were distances. A score is a similarity: high ones are "
        "accepted.",
    ),
    Mistake(
        _of_accepted,
        "False accepts were divided by the accepted pairs (the false discovery rate). FAR divides by "
        "the impostor pairs, accepted or not.",
    ),
    Mistake(
        _of_accepted_and_refused,
        "The errors were divided by the pairs accepted and by the pairs refused. Divide by the impostor "
        "pairs and by the genuine pairs.",
    ),
    Mistake(
        _changed(lambda far, frr: (1 - frr, 1 - far)),
        "The two kinds of pairs are exchanged: FAR is a share of the impostor pairs, FRR of the genuine "
        "pairs.",
    ),
    Mistake(
        lambda *case: _counts(*case)[:2],
        "The errors were counted, not divided. FAR and FRR are shares between 0 and 1.",
    ),
    Mistake(
        lambda scores, same, thresholds: right.far_and_frr(scores, same, scores),
        "The scores were used as thresholds. Return one FAR and one FRR for each of `thresholds`.",
    ),
)


def _crossing(far, frr):
    """The points before and after the crossing, and the way to it, 0..1.  # -> 2 indices, number"""
    gap = far - frr
    after = int((gap <= 0).nonzero()[0])
    return after - 1, after, gap[after - 1] / (gap[after - 1] - gap[after])


def _at(value):
    """`equal_error_rate` by another rule: (far, frr, before, after, step) -> number."""
    return lambda far, frr: value(far, frr, *_crossing(far, frr))


def _nearest(far, frr):
    return (far - frr).abs().argmin()


def _signs_differ(far, frr):
    gap = far - frr
    for i in range(len(gap) - 1):
        if gap[i] * gap[i + 1] < 0:
            return right.equal_error_rate(far[i : i + 2], frr[i : i + 2])


EQUAL_ERROR_RATE = (
    Mistake(
        lambda far, frr: far[_nearest(far, frr)],
        "FAR at the point with the smallest difference was returned. The curves cross *between* two "
        "points: follow the straight line.",
    ),
    Mistake(
        lambda far, frr: (far + frr)[_nearest(far, frr)] / 2,
        "At the nearest point the mean of FAR and FRR was taken. Both are equal only where the curves "
        "cross, between two points.",
    ),
    Mistake(
        _at(lambda far, frr, before, after, step: far[after]),
        "FAR at the first point after the crossing was returned: it is too low. Go back along the "
        "straight line.",
    ),
    Mistake(
        _at(lambda far, frr, before, after, step: far[before]),
        "FAR at the last point before the crossing was returned: it is too high. Go on along the "
        "straight line.",
    ),
    Mistake(
        _at(lambda far, frr, before, after, step: (far[before] + far[after]) / 2),
        "The middle between the two points was taken. The crossing is nearer to the point with the "
        "smaller difference.",
    ),
    Mistake(
        _at(lambda far, frr, before, after, step: far[after] + step * (far[before] - far[after])),
        "The weights of the two points are exchanged. The crossing is nearer to the point with the "
        "smaller difference.",
    ),
    Mistake(
        _at(lambda far, frr, before, after, step: before + step),
        "This is the place of the crossing, counted in points. Return the height there: the error.",
    ),
    Mistake(
        lambda far, frr: ((far + frr) / 2).min(),
        "The smallest mean of FAR and FRR was returned. At the equal error rate both are the same.",
    ),
    Mistake(
        _signs_differ,
        "A point with FAR = FRR was missed: there the difference is 0, and its sign does not change "
        "from one point to the next.",
    ),
)
