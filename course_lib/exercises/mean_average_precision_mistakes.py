"""Known mistakes with mAP, each with the hint for who made it (L5.03)."""

import torch

from course_lib.by_definition import average_precision as plain
from course_lib.exercises import detection_classes_solutions as right
from course_lib.exercises.task import Mistake


def _area(scores, correct, positives):
    """AP of one class: the area under the envelope.  # [n], [n], number -> number"""
    curve = plain.precision_recall(scores, correct, positives)
    return plain.average_precision(*curve, kind="voc12")


def _as_kind(kind):
    return lambda s, c, n: plain.average_precision(*plain.precision_recall(s, c, n), kind=kind)


def _no_envelope(scores, correct, positives):
    precision, _ = plain.precision_recall(scores, correct, positives)
    return float(precision[correct[scores.argsort(descending=True)]].sum()) / positives


def _last_precision(scores, correct, positives):
    return float(correct.double().mean()) if len(correct) else 0.0


def _mean(values, counts):
    return sum(values) / len(values)


def _over_classes(ap=_area, counted=lambda mine, positives: positives > 0, mean=_mean):
    """mAP by another rule.

    ap: (scores, correct, number of objects) of a class -> its AP; counted: (its detections, number of objects) ->
    whether it counts; mean: (AP of the classes that count, their numbers of objects) -> the answer.
    """

    def mean_average_precision(scores, labels, correct, counts):
        rows = [(labels == c, positives) for c, positives in enumerate(counts.tolist())]
        rows = [(mine, positives) for mine, positives in rows if counted(mine, positives)]
        values = [ap(scores[mine], correct[mine], positives) for mine, positives in rows]
        return mean(values, [positives for _, positives in rows])

    return mean_average_precision


def _weighted(values, counts):
    return sum(v * n for v, n in zip(values, counts, strict=True)) / sum(counts)


def _of_all_objects(scores, labels, correct, counts):
    rule = _over_classes(ap=lambda s, c, n: _area(s, c, int(counts.sum())))
    return rule(scores, labels, correct, counts)


def _ranked_together(scores, labels, correct, counts):
    """Precision of a class at its places among the detections of all classes."""
    order = scores.argsort(descending=True)

    def ap(mine, positives):
        true = (correct[order] & mine[order]).cumsum(0)  # [N]
        return plain.average_precision(
            true / torch.arange(1, len(order) + 1), true / positives, kind="voc12"
        )

    values = [ap(labels == c, n) for c, n in enumerate(counts.tolist()) if n > 0]
    return sum(values) / len(values)


def _labels_unsorted(scores, labels, correct, counts):
    order = scores.argsort(descending=True)
    return right.mean_average_precision(scores[order], labels, correct[order], counts)


def _nothing_by_nothing(scores, correct, positives):
    """0 / 0 is NaN where tensors are divided."""
    return _area(scores, correct, positives) if positives or not len(scores) else float("nan")


def _mean_or_nan(values, counts):
    """The mean of no values is NaN where a tensor is averaged."""
    return float(torch.tensor(values, dtype=torch.float64).mean())


def _confident_only(scores, correct, positives):
    sure = scores >= 0.5
    return _area(scores[sure], correct[sure], positives)


MEAN_AVERAGE_PRECISION = (
    Mistake(
        lambda s, labels, c, counts: _area(s, c, int(counts.sum())),
        "The detections of all classes were ranked together, in one curve. Find the AP of each class "
        "from its own detections, then take the mean.",
    ),
    Mistake(
        _over_classes(counted=lambda mine, positives: positives > 0 and bool(mine.any())),
        "Classes without a detection were left out. If a class has objects it counts, with AP 0.",
    ),
    Mistake(
        _over_classes(
            counted=lambda mine, positives: positives > 0 and bool(mine.any()), mean=_mean_or_nan
        ),
        "Classes without a detection were left out; if that leaves none, their mean is 0 / 0. If a "
        "class has objects it counts, with AP 0.",
    ),
    Mistake(
        _over_classes(
            counted=lambda mine, positives: bool(mine.any()),
            ap=lambda s, c, n: _area(s, c, n) if n else 0.0,
        ),
        "The mean was taken over the classes that have detections. It goes over the classes that have "
        "*objects*, whether they are detected or not.",
    ),
    Mistake(
        _over_classes(counted=lambda *_: True, ap=lambda s, c, n: _area(s, c, n) if n else 0.0),
        "Classes without objects were counted with AP 0. Nothing can be found there: leave them out of "
        "the mean.",
    ),
    Mistake(
        _over_classes(counted=lambda *_: True, ap=_nothing_by_nothing),
        "The recall of a class without objects is 0 / 0, not a number. Leave such a class out.",
    ),
    Mistake(
        lambda s, labels, c, counts: right.mean_average_precision(
            torch.linspace(0.9, 0.1, len(s)), labels, c, counts
        ),
        "The detections were taken as they came. Rank those of each class by score, the highest first.",
    ),
    Mistake(
        lambda s, *case: right.mean_average_precision(-s, *case),
        "The detections were ranked from the lowest score up. The highest score comes first.",
    ),
    Mistake(
        _labels_unsorted,
        "Scores and verdicts were sorted, the labels were not: detections went to a wrong class. Sort "
        "the labels with them.",
    ),
    Mistake(
        _over_classes(ap=lambda s, c, n: _area(s, c, max(len(s), 1))),
        "Recall was divided by the number of detections of the class. Divide by the number of its "
        "objects, counts[c].",
    ),
    Mistake(
        _over_classes(ap=lambda s, c, n: _area(s, c, max(int(c.sum()), 1))),
        "Recall was divided by the true positives of the class. Objects that were missed count, too: "
        "divide by counts[c].",
    ),
    Mistake(
        _of_all_objects,
        "Recall was divided by the objects of all classes together. Divide by those of the class "
        "itself.",
    ),
    Mistake(
        _over_classes(mean=_weighted),
        "Each class was weighted by its number of objects. Every class that has objects counts the "
        "same, however rare it is.",
    ),
    Mistake(
        _ranked_together,
        "Precision was divided by the place among the detections of all classes. Count only the "
        "detections of the class itself.",
    ),
    Mistake(
        _over_classes(ap=_no_envelope),
        "The precisions at the true positives were used as they are. Take the envelope first: the "
        "highest precision at this recall or beyond.",
    ),
    Mistake(
        _over_classes(ap=_last_precision),
        "This is the share of right detections of each class. AP is the area under the curve of "
        "precision over recall.",
    ),
    Mistake(
        _over_classes(ap=_as_kind("voc07")),
        "AP was taken at 11 values of recall, as in VOC 2007. Take the area under the whole envelope.",
    ),
    Mistake(
        _over_classes(ap=_as_kind("coco")),
        "AP was taken at 101 values of recall, as in COCO. Take the area under the whole envelope.",
    ),
    Mistake(
        _over_classes(mean=lambda values, _: sum(values)),
        "This is the sum of the AP of all classes. Divide by the number of classes that have objects.",
    ),
    Mistake(
        _over_classes(mean=lambda values, _: values),
        "The AP of each class was returned. Return their mean, one number.",
    ),
    Mistake(
        lambda s, labels, c, counts: right.mean_average_precision(s, labels - 1, c, counts),
        "The classes were counted from 1. Class c has the label c and counts[c] objects, from 0 on.",
    ),
    Mistake(
        _over_classes(ap=_confident_only),
        "Detections with a score below 0.5 were left out. AP needs no threshold: all detections are "
        "ranked.",
    ),
)
