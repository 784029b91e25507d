"""Known mistakes with semi-hard negatives, each with the hint for who made it (L2.15)."""

import math

import torch

from course_lib.by_definition import metric_learning as plain
from course_lib.exercises.task import Mistake


def _nearest(found):
    return found[:1]


def _of_two(labels, a, p):
    return a != p and labels[a] == labels[p]


def _window(near, far, margin):
    return near < far < near + margin


def _mined(
    inside=_window,
    choose=_nearest,
    pair=_of_two,
    negative=lambda labels, a, n: labels[n] != labels[a],
    start=lambda a, p: a,
    chosen_first=False,
):
    """`semi_hard` by another rule.

    inside: (d(a, p), d(a, n), margin) -> semi-hard; choose: the negatives found, the nearest first -> those taken;
    pair: (labels, a, p) -> is a positive pair; negative: (labels, a, n) -> is a negative; start: (a, p) -> where the
    distance to the negative begins; chosen_first: choose among all negatives, then look whether it is semi-hard.
    """

    def semi_hard(distances, labels, margin):
        numbers, triplets = range(len(labels)), []
        for a, p in ((a, p) for a in numbers for p in numbers if pair(labels, a, p)):
            d = distances[start(a, p)].tolist()
            found = sorted((n for n in numbers if negative(labels, a, n)), key=lambda n: d[n])
            near = distances[a, p].item()
            found = choose(found) if chosen_first else found
            found = [n for n in found if inside(near, d[n], margin)]
            triplets += [(a, p, n) for n in (found if chosen_first else choose(found))]
        return plain.as_columns(triplets, 3)

    return semi_hard


def _first_if_none(distances, labels, margin):
    triplets = []
    for a, p in zip(*plain.positive_pairs(labels), strict=True):
        near, d = distances[a, p], distances[a]
        window = (labels != labels[a]) & (d > near) & (d < near + margin)
        triplets.append((int(a), int(p), int(torch.where(window, d, math.inf).argmin())))
    return plain.as_columns(triplets, 3)


def _by_positive(distances, labels, margin):
    a, p, n = plain.semi_hard_triplets(distances, labels, margin)
    order = (p * len(labels) + a).argsort()
    return a[order], p[order], n[order]


def _once_an_anchor(distances, labels, margin):
    a, p, n = plain.semi_hard_triplets(distances, labels, margin)
    first = torch.tensor([i == 0 or a[i] != a[i - 1] for i in range(len(a))], dtype=torch.bool)
    return a[first], p[first], n[first]


def _place_among_negatives(distances, labels, margin):
    a, p, n = plain.semi_hard_triplets(distances, labels, margin)
    places = [int((labels[:j] != labels[i]).sum()) for i, j in zip(a, n, strict=True)]
    return a, p, torch.tensor(places, dtype=torch.int64)


def _rows(distances, labels, margin):
    return torch.stack(plain.semi_hard_triplets(distances, labels, margin), dim=1)


def _not_empty(distances, labels, margin):
    triplets = _rows(distances, labels, margin).tolist()
    return torch.tensor(list(zip(*triplets, strict=True)))


SEMI_HARD = (
    Mistake(
        _mined(choose=_nearest, chosen_first=True),
        "The nearest of *all* negatives was chosen, and then dropped if it is not semi-hard. First keep the "
        "semi-hard ones, then take the nearest of them.",
    ),
    Mistake(
        _mined(inside=lambda near, far, margin: far < near + margin),
        "Negatives nearer than the positive were taken. Those are hard: a semi-hard negative is farther "
        "from the anchor than the positive.",
    ),
    Mistake(
        _mined(inside=lambda near, far, margin: far > near),
        "Negatives beyond the margin were taken. Their loss is 0: d(a, n) must be below d(a, p) + margin.",
    ),
    Mistake(
        _mined(choose=list),
        "All semi-hard negatives of a pair were taken. Take only the nearest one.",
    ),
    Mistake(
        _mined(inside=lambda near, far, margin: near <= far < near + margin),
        "A negative as far from the anchor as the positive was taken. It must be strictly farther.",
    ),
    Mistake(
        _mined(inside=lambda near, far, margin: near < far <= near + margin),
        "A negative at exactly d(a, p) + margin was taken. Its loss is 0: it must be strictly nearer.",
    ),
    Mistake(
        _mined(pair=lambda labels, a, p: a < p and labels[a] == labels[p]),
        "Each pair was used once. Either of its two images is the anchor once: (a, p) and (p, a).",
    ),
    Mistake(
        _mined(pair=lambda labels, a, p: labels[a] == labels[p]),
        "An image was its own positive. Anchor and positive are two different images.",
    ),
    Mistake(
        _not_empty,
        "There may be no semi-hard negative at all. Return three empty rows of indices then.",
    ),
    Mistake(
        _rows,
        "One row for each triplet was returned. Return three rows: all anchors, all positives, all "
        "negatives.",
    ),
    Mistake(
        _first_if_none,
        "A pair without a semi-hard negative got a triplet nevertheless. Leave this pair out.",
    ),
    Mistake(
        _mined(choose=lambda found: found[-1:]),
        "The farthest semi-hard negative was taken. Take the nearest, which is hardest to tell apart.",
    ),
    Mistake(
        _mined(choose=lambda found: sorted(found)[:1]),
        "The first semi-hard negative was taken. Take the one nearest to the anchor.",
    ),
    Mistake(
        _mined(negative=lambda labels, a, n: n != a),
        "An image of the anchor's own class was taken as the negative. Compare the labels.",
    ),
    Mistake(
        _mined(start=lambda a, p: p),
        "The distance to the negative was measured from the positive. Measure it from the anchor.",
    ),
    Mistake(
        _mined(inside=lambda near, far, margin: near - margin < far < near),
        "The margin was put on the wrong side, below d(a, p). A semi-hard negative lies between d(a, p) and "
        "d(a, p) + margin.",
    ),
    Mistake(
        _once_an_anchor,
        "Each anchor got one triplet. Each (anchor, positive) pair gets one, if it has a semi-hard negative.",
    ),
    Mistake(
        _place_among_negatives,
        "The third row counts places among the negatives of the anchor. Return indices of images.",
    ),
    Mistake(
        _by_positive,
        "The right triplets, in another order. Sort them by anchor, and then by positive.",
    ),
)
