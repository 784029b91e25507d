"""Tasks about thresholds: chosen on some pairs, judged on others (L1.15, L5.12, L5.14)."""

import math
import operator

import torch
from hypothesis import strategies as st

from course_lib.exercises import verification_pictures as pictures
from course_lib.exercises import verification_solutions as right
from course_lib.exercises.task import Mistake, Task


def _far(scores, same, t):
    return (scores[~same] >= t).double().mean()


def _lowest(share=_far, allows=operator.le, pick=min, none=lambda scores: math.inf):
    """`choose_threshold` by another rule.

    (scores, same, t) -> share; (share, far) -> whether t is allowed; which is taken; the answer where none is.
    """

    def choose_threshold(scores, same, far):
        allowed = [t for t in scores.tolist() if allows(share(scores, same, t), far)]
        return pick(allowed) if allowed else none(scores)

    return choose_threshold


def _first_refused(scores, same, far):
    impostors = scores[~same].sort(descending=True).values
    return impostors[min(int(far * len(impostors)), len(impostors) - 1)].item()


def _rounded_up(scores, same, far):
    impostors = int((~same).sum())
    return right.choose_threshold(scores, same, math.ceil(far * impostors) / impostors)


CHOOSE_THRESHOLD = (
    Mistake(
        _first_refused,
        "This is the score of an impostor pair that must be refused. A score equal to the threshold is "
        "accepted: go on to the next higher score.",
    ),
    Mistake(
        lambda scores, same, far: torch.quantile(scores[~same], 1 - far).item(),
        "A quantile lies between two scores or on an impostor's own score, which is then accepted. Try "
        "the scores themselves.",
    ),
    Mistake(
        _lowest(lambda scores, same, t: ((scores >= t) & ~same).double().mean()),
        "The false accepts were divided by all pairs. FAR divides by the impostor pairs.",
    ),
    Mistake(
        _lowest(lambda scores, same, t: (scores[same] >= t).double().mean()),
        "The accepted genuine pairs were counted. `far` limits the impostor pairs that are accepted.",
    ),
    Mistake(
        _lowest(lambda scores, same, t: (scores >= t).double().mean()),
        "All accepted pairs were counted, genuine ones among them. `far` limits only the impostor pairs.",
    ),
    Mistake(
        _lowest(pick=max),
        "The highest score that is allowed was returned: it refuses more genuine pairs than needed. Take "
        "the lowest.",
    ),
    Mistake(
        _lowest(allows=operator.lt),
        "FAR was kept strictly below `far`. At most `far` means that equal is allowed.",
    ),
    Mistake(
        _rounded_up,
        "The allowed number of impostor pairs was rounded up, so that FAR is above `far`. Never accept "
        "more than allowed.",
    ),
    Mistake(
        _lowest(lambda scores, same, t: (scores[~same] > t).double().mean()),
        "An impostor pair whose score equals the threshold was not counted. It is accepted, too.",
    ),
    Mistake(
        _lowest(none=lambda scores: scores.max().item()),
        "Where FAR is too high at every score, the highest score was returned. Only infinity accepts no "
        "pair.",
    ),
)


def _judged(chosen_on, tested_on, best=lambda t, right: t[right.argmax()], accept=torch.ge):
    """`ten_fold_accuracy` by another rule.

    chosen_on, tested_on: (is in this fold [N], fold [N]) -> which pairs [N]; best: (falling thresholds [R], their
    accuracies [R]) -> threshold; accept: (scores, threshold) -> accepted.
    """

    def ten_fold_accuracy(scores, same, fold):
        accuracies = []
        for number in fold.unique():
            rest, test = chosen_on(fold == number), tested_on(fold == number)
            candidates = scores[rest].sort(descending=True).values
            decided = accept(scores[rest], candidates[:, None]) == same[rest]
            threshold = best(candidates, decided.double().mean(dim=1))
            accuracies.append((accept(scores[test], threshold) == same[test]).double().mean())
        return torch.stack(accuracies)

    return ten_fold_accuracy


def _this(inside):
    return inside


def _others(inside):
    return ~inside


def _all(inside):
    return torch.ones_like(inside)


TEN_FOLD_ACCURACY = (
    Mistake(
        _judged(_this, _this),
        "The threshold was chosen on the fold that it is tested on. Choose it on the other folds: test "
        "pairs may not help.",
    ),
    Mistake(
        _judged(_all, _this),
        "The threshold was chosen on all pairs, those of the tested fold among them. Leave this fold out "
        "of the choice.",
    ),
    Mistake(
        _judged(_others, _others),
        "This is the accuracy on the other folds, where the threshold was chosen. Test it on the fold "
        "that was left out.",
    ),
    Mistake(
        _judged(_this, _others),
        "The roles are exchanged: the threshold was chosen on one fold and tested on the others.",
    ),
    Mistake(
        _judged(_others, _all),
        "The threshold was tested on all pairs. Test it on the fold that was left out, alone.",
    ),
    Mistake(
        _judged(_others, _this, lambda t, right: t[(right == right.max()).nonzero()[-1, 0]]),
        "Of equally good thresholds the lowest was taken. Take the highest.",
    ),
    Mistake(
        _judged(_others, _this, accept=torch.gt),
        "A pair whose score equals the threshold was refused. It is accepted: at or above the threshold.",
    ),
    Mistake(
        _judged(_others, _this, lambda t, right: t.mean()),
        "The threshold was the mean score of the other folds. Take the score at which their accuracy is "
        "highest.",
    ),
    Mistake(
        lambda scores, same, fold: right.ten_fold_accuracy(scores, same, fold).mean(),
        "The mean over the folds was returned. Return one accuracy for each fold; their mean and their "
        "spread come later.",
    ),
    Mistake(
        lambda scores, same, fold: 1 - right.ten_fold_accuracy(scores, same, fold),
        "This is the error. Accuracy is the share of pairs that are rightly accepted or refused.",
    ),
)

# all about as long when written: cases with equal scores are not taken to be smaller
_SCORE = st.sampled_from((0.25, 0.75, 0.375, 0.625, 0.125, 0.875))
_ROW = st.tuples(_SCORE, st.booleans())


def _pairs(rows, *far):
    """Scores and whether each is of a genuine pair, from (score, same).  # -> [N], [N]"""
    return torch.tensor([row[0] for row in rows]), torch.tensor([row[1] for row in rows]), *far


_CHOOSE_THRESHOLD = Task(
    name="choose_threshold",
    page="13",
    title="The lowest of the scores at which at most a given share of the impostor pairs is accepted",
    topics=("L1.15", "L5.14"),
    difficulty=2,
    minutes=10,
    plain=right.choose_threshold,
    inputs=st.tuples(
        st.lists(_ROW, min_size=2, max_size=6).filter(lambda rows: len({s for _, s in rows}) == 2),
        st.sampled_from((0.0, 0.25, 0.5, 0.75, 1.0)),
    ).map(lambda drawn: _pairs(*drawn)),
    edges=[
        _pairs([(0.75, True), (0.25, False)], 0.0),
        _pairs([(0.25, True), (0.75, False)], 0.0),
        _pairs([(0.75, True), (0.25, False)], 0.5),
        _pairs([(0.75, True), (0.5, False), (0.25, False)], 0.5),
        _pairs([(0.75, True), (0.5, True), (0.5, False), (0.25, False)], 0.25),
    ],
    mistakes=CHOOSE_THRESHOLD,
    draw=pictures.draw_choose_threshold,
)


def _folds(rows):
    """Scores, whether each is of a genuine pair, and folds, from (score, same, fold).  # -> 3 x [N]"""
    return *_pairs(rows), torch.tensor([fold for *_, fold in rows], dtype=torch.int64)


def _fair(case):
    """Whether the other folds always do better at some score than at infinity, which may then be tried or not."""
    rows = list(zip(*(part.tolist() for part in case), strict=True))
    for number in {fold for *_, fold in rows}:
        rest = [(score, 1 if same else -1) for score, same, fold in rows if fold != number]
        if all(sum(gain for score, gain in rest if score >= t) <= 0 for t, _ in rest):
            return False
    return True


def _any_folds(count):
    fold = st.tuples(_SCORE, _SCORE, st.lists(_ROW, max_size=1)).map(
        lambda drawn: [(drawn[0], True), (drawn[1], False), *drawn[2]]
    )
    return st.tuples(*[fold] * count).map(
        lambda folds: _folds([(*row, f) for f, rows in enumerate(folds) for row in rows])
    )


_EQUALLY_GOOD = [(0.75, True, 0), (0.5, False, 0), (0.25, True, 0)]
_TEN_FOLD_ACCURACY = Task(
    name="ten_fold_accuracy",
    page="13",
    title="The accuracy on each fold at the threshold that is best on the other folds",
    topics=("L5.12",),
    difficulty=3,
    minutes=15,
    plain=right.ten_fold_accuracy,
    inputs=st.integers(2, 3).flatmap(_any_folds).filter(_fair),
    edges=[
        _folds([(0.75, True, 0), (0.25, False, 0), (0.75, True, 1), (0.25, False, 1)]),
        _folds([(0.75, True, 0), (0.25, False, 0), (0.5, True, 1), (0.25, False, 1)]),
        _folds([(0.75, True, 0), (0.5, False, 0), (0.5, True, 1), (0.25, False, 1)]),
        _folds([*_EQUALLY_GOOD, (0.75, True, 1), (0.5, False, 1)]),
    ],
    mistakes=TEN_FOLD_ACCURACY,
    draw=pictures.draw_ten_fold_accuracy,
)

TASKS = (_CHOOSE_THRESHOLD, _TEN_FOLD_ACCURACY)
