"""Known mistakes with the ROC curve and the equal error rate, each with the hint for who made it (L1.15)."""

import math

import torch

from course_lib.by_definition import verification as plain
from course_lib.exercises import verification_curves_solutions as right
from course_lib.exercises.task import Mistake


def _falling(scores):
    """Infinity, then each distinct score.  # [N] -> [M]"""
    return torch.cat([torch.tensor([math.inf]), scores.unique().flip(0)])


def _at(thresholds=_falling, accepts=torch.ge, shares=lambda far, tar: (far, tar)):
    """`roc` by another rule: scores -> thresholds; (scores, threshold) -> accepted; (far, tar) -> what is returned."""

    def roc(scores, same):
        accepted = accepts(scores, thresholds(scores)[:, None]).double()  # [M, N]
        return shares(accepted[:, ~same].mean(dim=1), accepted[:, same].mean(dim=1))

    return roc


def _counted(divide):
    """`roc` with other denominators: (accepted [M, N], same [N]) -> 2 values, [M] or numbers."""

    def roc(scores, same):
        accepted = (scores >= _falling(scores)[:, None]).double()
        by_impostors, by_genuine = divide(accepted, same)
        return accepted[:, ~same].sum(dim=1) / by_impostors, accepted[:, same].sum(
            dim=1
        ) / by_genuine

    return roc


def _of_accepted(accepted, same):
    return 2 * (accepted.sum(dim=1).clamp(min=1),)


def _corners(scores, same):
    """What scikit-learn returns: without points that are as far from the one before as from the one after."""
    far, tar = right.roc(scores, same)
    bends = [part[1:].diff(n=2).abs() > 1e-6 for part in (far, tar)]
    ends = torch.ones(len(far) - len(bends[0]) - 1, dtype=torch.bool)
    kept = torch.cat([ends, bends[0] | bends[1], ends[:1]])
    return far[kept].numpy(), tar[kept].numpy()


ROC = (
    Mistake(
        _at(
            lambda scores: torch.cat(
                [torch.tensor([math.inf]), scores.sort(descending=True).values]
            )
        ),
        "Equal scores got a point each. Take every distinct score once: pairs with the same score are "
        "accepted together.",
    ),
    Mistake(
        _at(shares=lambda far, tar: (far[1:], tar[1:])),
        "One point is missing. The curve begins at (0, 0), where the threshold is infinity, and has a point "
        "for each distinct score after it.",
    ),
    Mistake(
        _at(accepts=torch.gt),
        "A pair with a score equal to the threshold was refused, so that the curve never reaches (1, 1). "
        "Accept it.",
    ),
    Mistake(
        _counted(lambda accepted, same: (len(same), len(same))),
        "The accepted pairs were divided by the number of all pairs. FAR is a share of the impostor pairs, "
        "TAR of the genuine pairs.",
    ),
    Mistake(
        _at(shares=lambda far, tar: (tar, far)),
        "FAR and TAR are exchanged. FAR comes first: the share of impostor pairs that are accepted.",
    ),
    Mistake(
        _at(shares=lambda far, tar: (far, 1 - tar)),
        "The second curve is FRR, the share of genuine pairs refused. TAR is 1 - FRR.",
    ),
    Mistake(
        _at(shares=lambda far, tar: (far.flip(0), tar.flip(0))),
        "The thresholds were taken from the lowest up. Go from the highest down, so that both shares rise.",
    ),
    Mistake(
        _counted(lambda accepted, same: (1, 1)),
        "The accepted pairs were counted. Divide by the number of impostor pairs and of genuine pairs.",
    ),
    Mistake(
        _at(accepts=lambda scores, t: (scores <= t) & (t < math.inf)),
        "Scores *below* the threshold were accepted, as with distances. A high score is accepted.",
    ),
    Mistake(
        _counted(_of_accepted),
        "The shares are of the pairs accepted at each threshold. Divide by all impostor pairs and by all "
        "genuine pairs.",
    ),
    Mistake(
        _at(accepts=torch.eq),
        "Only pairs with exactly this score were counted. Those with a higher score are accepted, too.",
    ),
    Mistake(
        lambda scores, same: right.roc(scores.sort(descending=True).values, same),
        "The scores were sorted, and `same` was not. Both must be brought into the same order.",
    ),
    Mistake(
        _at(shares=lambda far, tar: tuple(torch.cat([p, torch.ones(1)]) for p in (far, tar))),
        "There is a point too many. The lowest score accepts all pairs: (1, 1) is on the curve already.",
    ),
    Mistake(
        plain.roc,
        "Three rows were returned, the thresholds among them. Return FAR and TAR.",
    ),
    Mistake(
        lambda scores, same: torch.stack(right.roc(scores, same), dim=1),
        "One row for each point was returned. Return two rows: FAR of all points, TAR of all points.",
    ),
    Mistake(
        _at(lambda scores: torch.linspace(1, 0, 11)),
        "The thresholds are an even grid. Only at the scores something changes: take each distinct score.",
    ),
    Mistake(
        _corners,
        "Points on a straight line between others were dropped. Keep one point for each distinct score.",
    ),
)


def _crossing(scores, same):
    """FAR, FRR, and the crossing: the points before and after it, the way between them, 0..1."""
    far, tar = right.roc(scores, same)
    frr = 1 - tar
    after = next(i for i in range(1, len(far)) if far[i] >= frr[i])
    gap = far - frr
    return far, frr, after - 1, after, gap[after - 1] / (gap[after - 1] - gap[after])


def _value(of):
    """`eer` by another rule: (far, frr, before, after, step) -> number."""
    return lambda scores, same: of(*_crossing(scores, same))


def _nearest(far, frr):
    return (far - frr).abs().argmin()


def _threshold(scores, same):
    far, tar = right.roc(scores, same)
    return _falling(scores)[_nearest(far, 1 - tar)].clamp(max=1)


def _found(far, tar):
    """FAR at the crossing of the points given; None if they have none."""
    frr = 1 - tar
    for i in range(1, len(far)):
        if far[i] >= frr[i]:
            step = (frr - far)[i - 1] / (far - far[i - 1] + frr[i - 1] - frr)[i]
            return far[i - 1] + step * (far[i] - far[i - 1])


def _one_by_one(scores, same):
    order = scores.argsort(descending=True, stable=True)
    return plain.equal_error_rate(-torch.arange(len(same)).double(), same[order])


EER = (
    Mistake(
        _value(lambda far, frr, *_: far[_nearest(far, frr)]),
        "This is FAR at the point nearest to FAR = FRR. Where no point has both equal, go along the straight "
        "line to the next point.",
    ),
    Mistake(
        _value(lambda far, frr, *_: (far + frr)[_nearest(far, frr)] / 2),
        "FAR and FRR of the nearest point were averaged. Find the place between two points where they are "
        "equal.",
    ),
    Mistake(
        _value(lambda far, frr, before, after, step: far[after]),
        "This is FAR at the first point with FAR >= FRR, after the crossing. Interpolate between this point "
        "and the one before.",
    ),
    Mistake(
        _value(lambda far, frr, before, after, step: far[before]),
        "This is FAR at the last point with FAR < FRR, before the crossing. Interpolate between this point "
        "and the next.",
    ),
    Mistake(
        _value(lambda far, frr, before, after, step: (far[before] + far[after]) / 2),
        "FAR of the two points around the crossing was averaged. Weigh them by how near the crossing is.",
    ),
    Mistake(
        _value(
            lambda far, frr, before, after, step: far[after] + step * (far[before] - far[after])
        ),
        "The two points around the crossing have each other's weight. Begin at the point before it.",
    ),
    Mistake(
        lambda scores, same: 1 - plain.equal_error_rate(scores, same),
        "This is 1 - EER. Was the accuracy returned, or were low scores accepted, or genuine and impostor "
        "pairs exchanged? The error is asked for, with high scores accepted.",
    ),
    Mistake(
        _threshold,
        "The threshold was returned. Return the error at this threshold.",
    ),
    Mistake(
        _value(lambda far, frr, *_: ((far + frr) / 2).min()),
        "The lowest mean of FAR and FRR was returned. EER is the error where the two are equal.",
    ),
    Mistake(
        _value(lambda far, frr, before, after, step: (far[after], frr[after])),
        "Two errors were returned. At the equal error rate they are the same number.",
    ),
    Mistake(
        _one_by_one,
        "Pairs with equal scores were accepted one after the other. They pass a threshold together.",
    ),
    Mistake(
        lambda scores, same: _found(*(part[1:] for part in right.roc(scores, same))),
        "The point (0, 0) is missing: the crossing may lie before the point of the highest score.",
    ),
    Mistake(
        lambda scores, same: 1 - plain.auc(scores, same),
        "This is the area above the ROC curve. EER is one point of the curve.",
    ),
    Mistake(
        lambda scores, same: _found(*_at(accepts=torch.gt)(scores, same)),
        "A pair with a score equal to the threshold was refused, so that (1, 1) is missing and the crossing "
        "may not be found. Accept it.",
    ),
    Mistake(
        lambda scores, same: 100 * plain.equal_error_rate(scores, same),
        "The error was given in percent. Return a share between 0 and 1.",
    ),
)
