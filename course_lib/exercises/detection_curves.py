"""Tasks about how good a detector is: precision and recall, average precision (L5.03)."""

import torch
from hypothesis import strategies as st

from course_lib.by_definition import average_precision as plain
from course_lib.exercises import detection_pictures as pictures
from course_lib.exercises.task import Mistake, Task

_SCORES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)


def _detections(rows, missed=0):
    """Scores, whether each is right, and the number of objects, from (score, right) and how many are missed."""
    scores = torch.tensor([score for score, _ in rows], dtype=torch.float32)
    correct = torch.tensor([right for _, right in rows], dtype=torch.bool)
    return scores, correct, max(int(correct.sum()) + missed, 1)


def _ranked(correct):
    """Scores that fall, for detections that are ranked already."""
    return torch.linspace(0.9, 0.1, len(correct))


def _running(scores, correct):
    """True positives among the n best, and n.  # [N], [N] -> [N], [N]"""
    order = scores.argsort(descending=True, stable=True)
    return correct[order].cumsum(0), torch.arange(1, len(scores) + 1)


def _ends(scores, correct, positives):
    true_positives = int(correct.sum())
    return true_positives / len(scores), true_positives / positives


def _divided(scores, correct, positives, of_precision=None, of_recall=None):
    true_positives, n = _running(scores, correct)
    precision = true_positives / (n if of_precision is None else of_precision)
    return precision, true_positives / (positives if of_recall is None else of_recall)


def _every_one_found(scores, correct, positives):
    precision, _ = plain.precision_recall(scores, correct, positives)
    return precision, torch.arange(1, len(scores) + 1) / positives


def _from_zero(scores, correct, positives):
    true_positives = _running(scores, correct)[0].tolist()
    precision = [t / n for n, t in enumerate(true_positives)]
    return precision, [t / positives for t in true_positives]


PRECISION_RECALL = (
    Mistake(
        lambda s, c, p: plain.precision_recall(_ranked(c), c, p),
        "The detections were taken in the order in which they came. Sort them by score, the highest "
        "first.",
    ),
    Mistake(
        lambda s, c, p: plain.precision_recall(-s, c, p),
        "The detections were taken from the lowest score up. Sort in descending order.",
    ),
    Mistake(
        lambda s, c, p: _divided(s, c, p, of_recall=max(int(c.sum()), 1)),
        "Recall was divided by the objects that were found. Divide by all objects, `positives`: some "
        "may be missed.",
    ),
    Mistake(
        lambda s, c, p: _divided(s, c, p, of_recall=len(s)),
        "Recall was divided by the number of detections. Divide by the number of objects, `positives`.",
    ),
    Mistake(
        lambda s, c, p: plain.precision_recall(s, c, p)[::-1],
        "Precision and recall are exchanged: return precision first.",
    ),
    Mistake(
        lambda s, c, p: _divided(s, c, p, of_precision=len(s)),
        "Precision was divided by all detections. Of the n best ones divide by n.",
    ),
    Mistake(
        _from_zero,
        "The count of detections began at 0, and the first precision divides by it. Begin at 1.",
    ),
    Mistake(
        _ends,
        "One precision and one recall, of all detections together. Return them for the n best "
        "detections, n = 1, 2, ...: a curve.",
    ),
    Mistake(
        _every_one_found,
        "False positives were counted in recall, too. Recall grows only with a true positive.",
    ),
)

_PRECISION_RECALL = Task(
    name="precision_recall",
    page="08",
    title="Precision and recall of the n best detections, n = 1, 2, ...",
    topics=("L5.03",),
    difficulty=2,
    minutes=8,
    plain=plain.precision_recall,
    inputs=st.tuples(
        st.lists(
            st.tuples(st.sampled_from(_SCORES), st.booleans()),
            unique_by=lambda row: row[0],
            max_size=6,
        ),
        st.integers(0, 2),
    ).map(lambda drawn: _detections(*drawn)),
    edges=[
        _detections([(0.9, True), (0.8, False), (0.6, True)], missed=1),
        _detections([(0.9, True)]),
        _detections([(0.9, False)], missed=2),
        _detections([], missed=3),
        _detections([(0.3, True), (0.9, False), (0.6, True)]),
    ],
    mistakes=PRECISION_RECALL,
    draw=pictures.draw_precision_recall,
    sized=lambda n: _detections([(1 - i / n, i % 2 == 0) for i in range(n * 3)]),
)


def area_under_envelope(precision, recall):
    """AP as VOC has had it since 2010: the area under the highest precision at each recall or beyond.  # -> number"""
    return plain.average_precision(precision, recall, kind="voc12")


def _curve(correct, missed=0):
    """The curve of ranked detections: precision and recall.  # -> [N], [N]"""
    correct = torch.tensor(correct, dtype=torch.bool)
    positives = max(int(correct.sum()) + missed, 1)
    return plain.precision_recall(_ranked(correct), correct, positives)


def _steps(recall):
    """By how much recall grows at each detection.  # [N] -> [N]"""
    return torch.cat([recall[:1], recall[1:] - recall[:-1]])


def _forwards(precision, recall):
    return float((precision.cummax(0).values * _steps(recall)).sum()) if len(recall) else 0.0


def _trapezoid(precision, recall):
    return float((_steps(recall)[1:] * (precision[1:] + precision[:-1]) / 2).sum())


def _without_first(precision, recall):
    first = float(precision.max() * recall[0]) if len(recall) else 0.0
    return area_under_envelope(precision, recall) - first


def _to_the_end(precision, recall):
    rest = float((1 - recall[-1]) * precision[-1]) if len(recall) else 0.0
    return area_under_envelope(precision, recall) + rest


AVERAGE_PRECISION = (
    Mistake(
        lambda p, r: float((p * _steps(r)).sum()),
        "The precision itself was summed, without its envelope. At each recall take the highest "
        "precision at this recall *or a higher one*.",
    ),
    Mistake(
        _forwards,
        "The envelope was made from the wrong end. It is the highest precision at this recall or a "
        "*higher* one: the maximum runs from the last detection back.",
    ),
    Mistake(
        _trapezoid,
        "Trapezoids between the points of the curve were summed. Sum rectangles under the envelope, "
        "from recall 0 on.",
    ),
    Mistake(
        lambda p, r: float(p.mean()) if len(p) else 0.0,
        "This is the mean of all precisions. A precision counts by how much recall grows there: not at "
        "all at a false positive.",
    ),
    Mistake(
        lambda p, r: plain.average_precision(p, r, kind="voc07"),
        "This is the mean at 11 values of recall, as in VOC 2007. Here the area under the whole "
        "envelope is asked for.",
    ),
    Mistake(
        lambda p, r: plain.average_precision(p, r, kind="coco"),
        "This is the mean at 101 values of recall, as in COCO. Here the area under the whole envelope "
        "is asked for.",
    ),
    Mistake(
        _without_first,
        "The first rectangle is missing: recall begins at 0, before the first detection.",
    ),
    Mistake(
        _to_the_end,
        "The last precision was drawn on to recall 1. Beyond the highest recall that is reached the "
        "precision is 0.",
    ),
)

_AVERAGE_PRECISION = Task(
    name="average_precision",
    page="08",
    title="Average precision: the area under the envelope of the curve (VOC from 2010 on, all points)",
    topics=("L5.03",),
    difficulty=2,
    minutes=10,
    plain=area_under_envelope,
    inputs=st.tuples(st.lists(st.booleans(), max_size=7), st.integers(0, 2)).map(
        lambda drawn: _curve(*drawn)
    ),
    edges=[
        _curve([True, False, True], missed=1),
        _curve([True]),
        _curve([False], missed=2),
        _curve([], missed=3),
        _curve([False, True]),
        _curve([True, True, False]),
    ],
    mistakes=AVERAGE_PRECISION,
    draw=pictures.draw_average_precision,
    sized=lambda n: _curve([True, False] * n),
)

TASKS = (_PRECISION_RECALL, _AVERAGE_PRECISION)
