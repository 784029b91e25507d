"""Tasks about verification: the pairs of a fold, FAR and FRR, the equal error rate (L1.15, L2.10)."""

import torch
from hypothesis import strategies as st

from course_lib.exercises import verification_mistakes as mistakes
from course_lib.exercises import verification_pictures as pictures
from course_lib.exercises import verification_solutions as right
from course_lib.exercises.task import Task


def _people(labels, people):
    return torch.tensor(labels, dtype=torch.int64), torch.tensor(people, dtype=torch.int64)


_PERSON = st.integers(1, 4)

_PAIRS_OF = Task(
    name="pairs_of",
    page="13",
    title="All pairs of images whose people both belong to a fold",
    topics=("L2.10",),
    difficulty=1,
    minutes=8,
    plain=right.pairs_of,
    inputs=st.tuples(
        st.lists(_PERSON, min_size=1, max_size=6),
        st.lists(_PERSON, min_size=1, max_size=3, unique=True).map(sorted),
    ).map(lambda drawn: _people(*drawn)),
    edges=[
        _people([1, 1], [1]),
        _people([1, 2], [1]),
        _people([1, 2], [1, 2]),
        _people([1, 2, 1], [1]),
        _people([2, 1, 1], [1]),
        _people([1, 2, 1, 1], [1]),
        _people([5, 7, 5, 9, 7], [5, 9]),
    ],
    mistakes=mistakes.PAIRS_OF,
    words=("yours takes", "should take"),
    draw=pictures.draw_pairs_of,
)


def _pairs(rows, thresholds):
    """Scores and whether each is of a genuine pair, from (score, same); thresholds.  # -> [N], [N], [T]"""
    scores = torch.tensor([score for score, _ in rows])
    return scores, torch.tensor([same for _, same in rows]), torch.tensor(thresholds)


# all about as long when written: cases with equal scores are not taken to be smaller
_SCORE = st.sampled_from((0.25, 0.75, 0.375, 0.625, 0.125, 0.875))


def _any_rows(same):
    """One pair of the kind given, or more."""
    return st.lists(st.tuples(_SCORE, st.just(same)), min_size=1, max_size=4)


_FAR_AND_FRR = Task(
    name="far_and_frr",
    page="13",
    title="The shares of impostor pairs accepted (FAR) and of genuine pairs refused (FRR) at each threshold",
    topics=("L1.15",),
    difficulty=1,
    minutes=8,
    plain=right.far_and_frr,
    inputs=st.tuples(
        st.tuples(_any_rows(True), _any_rows(False)).map(lambda kinds: kinds[0] + kinds[1]),
        st.lists(_SCORE, min_size=1, max_size=3),
    ).map(lambda drawn: _pairs(*drawn)),
    edges=[
        _pairs([(0.75, True), (0.25, False)], [0.5]),
        _pairs([(0.75, True), (0.25, False)], [0.75]),
        _pairs([(0.75, True), (0.5, False), (0.25, True)], [0.5]),
        _pairs([(0.75, True), (0.25, False)], [0.25]),
        _pairs([(0.25, True), (0.75, False)], [0.5]),
        _pairs([(0.75, True), (0.5, False), (0.25, False)], [0.5, 0.875]),
        _pairs([(0.75, True), (0.5, True), (0.5, False), (0.25, True)], [0.25, 0.5, 0.75]),
    ],
    mistakes=mistakes.FAR_AND_FRR,
    draw=pictures.draw_far_and_frr,
)


def _curves(between):
    """FAR from 1 to 0 and FRR from 0 to 1, with points (FAR, FRR) between, sorted.  # -> [T], [T]"""
    far = [1.0, *sorted((f for f, _ in between), reverse=True), 0.0]
    frr = [0.0, *sorted(r for _, r in between), 1.0]
    return torch.tensor(far), torch.tensor(frr)


_EQUAL_ERROR_RATE = Task(
    name="equal_error_rate",
    page="13",
    title="The error where FAR and FRR are equal, on the straight line between two points",
    topics=("L1.15",),
    difficulty=2,
    minutes=12,
    plain=right.equal_error_rate,
    inputs=st.lists(st.tuples(_SCORE, _SCORE), max_size=4).map(_curves),
    edges=[
        _curves([]),
        _curves([(0.5, 0.0)]),
        _curves([(0.5, 0.5)]),
        _curves([(0.25, 0.75)]),
        _curves([(0.5, 0.0), (0.0, 0.25)]),
        _curves([(0.5, 0.0), (0.0, 0.0)]),
        _curves([(0.75, 0.125), (0.5, 0.25), (0.125, 0.5)]),
    ],
    mistakes=mistakes.EQUAL_ERROR_RATE,
    draw=pictures.draw_equal_error_rate,
)

TASKS = (_PAIRS_OF, _FAR_AND_FRR, _EQUAL_ERROR_RATE)
