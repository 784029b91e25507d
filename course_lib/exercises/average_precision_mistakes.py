"""Known mistakes with AP at 11 values of recall, each with the hint for who made it (L5.03)."""

from course_lib.by_definition import average_precision as plain
from course_lib.exercises import detection_classes_solutions as right
from course_lib.exercises.task import Mistake

GRID = [i / 10 for i in range(11)]


def _at_11(at, grid=GRID, over=None):
    """AP by another rule: (curve, r) -> precision at r, None where there is none; summed, and divided by `over`."""

    def average_precision_11(precision, recall):
        curve = list(zip(precision.tolist(), recall.tolist(), strict=True))
        found = [value for value in (at(curve, r) for r in grid) if value is not None]
        return sum(found) / (over or len(found)) if found else 0.0

    return average_precision_11


def _best(where):
    """(curve, r) -> the highest precision of the points at which `where(recall, r)`, 0 if there is none."""
    return lambda curve, r: max((p for p, recall in curve if where(recall, r)), default=0.0)


def _reached(curve, r):
    return max((p for p, recall in curve if recall >= r), default=None)


def _to_the_end(curve, r):
    last = curve[-1][0] if curve else 0.0
    return max((p for p, recall in curve if recall >= r), default=last)


def _nearest(curve, r):
    return min(curve, key=lambda point: abs(point[1] - r), default=(0.0, 0.0))[0]


def _between(curve, r):
    """The straight line between two points of the curve, as np.interp draws it."""
    last = (curve[0][0], 0.0) if curve else (0.0, 0.0)
    for p, recall in curve:
        if recall >= r:
            share = (r - last[1]) / (recall - last[1]) if recall > last[1] else 0.0
            return last[0] + share * (p - last[0])
        last = p, recall
    return last[0]


def _eleven_values(precision, recall):
    curve = list(zip(precision.tolist(), recall.tolist(), strict=True))
    return [plain.interpolated(curve, r) for r in GRID]


def _fails_beyond(precision, recall):
    return sum(precision[recall >= r].max() for r in GRID) / len(GRID)


AVERAGE_PRECISION_11 = (
    Mistake(
        _at_11(lambda curve, r: next((p for p, recall in curve if recall >= r), 0.0)),
        "At each recall the precision of the first point was taken that reaches it. Take the highest "
        "precision of all points that reach it.",
    ),
    Mistake(
        _fails_beyond,
        "Beyond the highest recall there is no point, and a maximum of nothing fails. The precision "
        "is 0 there.",
    ),
    Mistake(
        lambda p, r: plain.average_precision(p, r, kind="voc12"),
        "This is the area under the whole envelope, as in VOC from 2010 on. VOC 2007 takes the mean "
        "at 11 values of recall.",
    ),
    Mistake(
        _at_11(_best(lambda recall, r: recall >= r), GRID[1:]),
        "Only ten values of recall were used: recall 0 is missing. They are 0, .1, ..., 1.",
    ),
    Mistake(
        _at_11(_best(lambda recall, r: recall >= r), GRID[:10]),
        "Only ten values of recall were used: recall 1 is missing. A range ends before its last "
        "number.",
    ),
    Mistake(
        _at_11(_best(lambda recall, r: recall >= r), over=10),
        "The sum was divided by 10. From 0 to 1 in steps of .1 there are 11 values.",
    ),
    Mistake(
        _at_11(_best(lambda recall, r: recall > r)),
        "A point whose recall equals the value was left out. It counts: at this recall *or* beyond.",
    ),
    Mistake(
        _at_11(_best(lambda recall, r: recall <= r)),
        "The maximum was taken over the lower recalls. It goes over this recall and the *higher* ones.",
    ),
    Mistake(
        _at_11(_reached),
        "The mean was taken over the recalls that are reached. Those that are not reached count, too, "
        "with precision 0.",
    ),
    Mistake(
        lambda p, r: plain.average_precision(p, r, kind="coco"),
        "This is the mean at 101 values of recall, as in COCO. VOC 2007 has 11 values.",
    ),
    Mistake(
        _at_11(_to_the_end),
        "Beyond the highest recall the last precision was used again. What the detector never reaches "
        "counts as 0.",
    ),
    Mistake(
        _at_11(_between),
        "Straight lines were drawn between the points of the curve. Take the highest precision at this "
        "recall or beyond, a step function.",
    ),
    Mistake(
        _at_11(_nearest),
        "The precision at the nearest point of the curve was taken. Take the highest one at this recall "
        "or beyond.",
    ),
    Mistake(
        lambda p, r: right.average_precision_11(r, p),
        "Precision and recall are exchanged. Go through values of recall, and take precisions there.",
    ),
    Mistake(
        _at_11(_best(lambda recall, r: recall >= r), over=1),
        "This is the sum of the 11 precisions. Divide it by 11.",
    ),
    Mistake(
        _eleven_values,
        "The 11 precisions themselves were returned. Return their mean, one number.",
    ),
    Mistake(
        lambda p, r: float(p.mean()) if len(p) else 0.0,
        "This is the mean precision of all points of the curve. Look at it at 11 values of recall, "
        "whatever its points are.",
    ),
)
