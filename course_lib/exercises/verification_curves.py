"""Tasks about the ROC curve and the equal error rate, from scores (L1.15)."""

import torch
from hypothesis import strategies as st

from course_lib.by_definition import verification as plain
from course_lib.exercises import verification_curves_mistakes as mistakes
from course_lib.exercises import verification_curves_pictures as pictures
from course_lib.exercises import verification_curves_solutions as right
from course_lib.exercises.task import Task


def _pairs(*rows):
    """Scores and whether each is of a genuine pair, from (score, same).  # -> [N], [N]"""
    return torch.tensor([score for score, _ in rows]), torch.tensor([same for _, same in rows])


# all about as long when written: cases with equal scores are not taken to be smaller
_SCORE = st.sampled_from((0.25, 0.75, 0.375, 0.625, 0.125, 0.875))


def _any_rows(same):
    """One pair of the kind given, or more."""
    return st.lists(st.tuples(_SCORE, st.just(same)), min_size=1, max_size=4)


_ANY_PAIRS = (
    st.tuples(_any_rows(True), _any_rows(False))
    .flatmap(lambda kinds: st.permutations(kinds[0] + kinds[1]))
    .map(lambda rows: _pairs(*rows))
)


def _interleaved(n):
    """n pairs with scores apart, for counting steps."""
    return torch.linspace(0.9, 0.1, n), torch.arange(n) % 2 == 0


_ROC = Task(
    name="roc",
    page="A5",
    title="The ROC curve: FAR and TAR at threshold infinity, (0, 0), and then at each distinct score, from the "
    "highest down; a pair is accepted if its score is at or above the threshold",
    topics=("L1.15",),
    difficulty=2,
    minutes=12,
    plain=right.roc,
    inputs=_ANY_PAIRS,
    edges=[
        _pairs((0.75, True), (0.25, False)),
        _pairs((0.25, True), (0.75, False)),
        _pairs((0.5, True), (0.5, False)),
        _pairs((0.75, True), (0.5, True), (0.25, False)),
        _pairs((0.75, True), (0.5, False), (0.25, False)),
        _pairs((0.25, False), (0.75, True), (0.5, False)),
        _pairs((0.75, True), (0.5, False), (0.5, True), (0.25, False)),
        _pairs((0.75, True), (0.75, True), (0.5, False), (0.5, True), (0.25, False)),
    ],
    mistakes=mistakes.ROC,
    draw=pictures.draw_roc,
    sized=_interleaved,
)

_EER = Task(
    name="eer",
    page="A5",
    title="The equal error rate: FAR where FAR = 1 - TAR, on the straight line between two points of the ROC "
    "curve",
    topics=("L1.15",),
    difficulty=2,
    minutes=12,
    plain=plain.equal_error_rate,
    inputs=_ANY_PAIRS,
    edges=[
        _pairs((0.75, True), (0.25, False)),
        _pairs((0.5, True), (0.5, False)),
        _pairs((0.25, True), (0.75, False)),
        _pairs((0.75, True), (0.5, False), (0.25, True)),
        _pairs((0.75, False), (0.5, True), (0.25, False)),
        _pairs((0.75, True), (0.5, True), (0.5, False), (0.25, False)),
        _pairs((0.75, True), (0.5, False), (0.5, True), (0.5, False), (0.25, False)),
        _pairs((0.875, True), (0.75, False), (0.625, True), (0.375, False), (0.25, True)),
    ],
    mistakes=mistakes.EER,
    draw=pictures.draw_eer,
    sized=_interleaved,
)

TASKS = (_ROC, _EER)
