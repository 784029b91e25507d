"""Tasks about detections of several classes, two conventions of AP, and RoI pooling (L5.02, L5.03, L5.05)."""

import torch
from hypothesis import strategies as st

from course_lib.by_definition import detection as plain
from course_lib.by_definition.average_precision import precision_recall
from course_lib.exercises import detection_classes_pictures as pictures
from course_lib.exercises import detection_classes_solutions as right
from course_lib.exercises.average_precision_mistakes import AVERAGE_PRECISION_11
from course_lib.exercises.detection_classes_mistakes import BATCHED_NMS
from course_lib.exercises.mean_average_precision_mistakes import MEAN_AVERAGE_PRECISION
from course_lib.exercises.roi_mistakes import ROI_POOL
from course_lib.exercises.task import Task


def _scene(rows, iou_threshold=0.5):
    """Boxes, their scores and their labels, from (box, score, label).  # -> [N, 4], [N], [N], number"""
    boxes = torch.tensor([box for box, *_ in rows], dtype=torch.float32).view(-1, 4)
    scores = torch.tensor([score for _, score, _ in rows], dtype=torch.float32)
    labels = torch.tensor([label for *_, label in rows], dtype=torch.int64)
    return boxes, scores, labels, iou_threshold


def _same_nms(case, expected, got):
    """Of equal scores either may go first: an answer is right if some order of the ties gives it."""
    boxes, scores, labels, iou_threshold = case
    kept = got.tolist()
    if len(set(kept)) < len(kept) or not all(0 <= i < len(boxes) for i in kept):
        return False
    order = [*kept, *(i for i in range(len(boxes)) if i not in kept)]
    again = plain.batched_nms(boxes[order], scores[order], labels[order], iou_threshold)
    return again.tolist() == list(range(len(kept)))


# Often in a row: of three the middle one may overlap both others, which do not overlap each other.
_ROW = st.integers(0, 6).map(lambda x: [x, 0, x + 4, 4])
# With the first of the row an IoU of exactly a half and a quarter.
_PART = st.sampled_from(([0, 0, 4, 2], [0, 0, 4, 1]))
_ANY = st.tuples(*[st.integers(0, 2)] * 2, *[st.integers(1, 4)] * 2)
_BOX = _ROW | _ANY.map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]) | _PART
_SCORE = st.sampled_from((0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.3, 0.2))
# not every number has to be a class of this image
_LABEL = st.sampled_from((0, 1, 0, 1, 3))

_LEFT, _NEAR, _NEXT, _FAR = [0, 0, 4, 4], [1, 0, 5, 4], [2, 0, 6, 4], [8, 0, 12, 4]
_BATCHED_NMS = Task(
    name="batched_nms",
    page="A3",
    title="NMS in each class: a box is dropped if its IoU with a kept box of its own class is greater than "
    "the threshold; the indices of the boxes kept, best first over all classes",
    topics=("L5.02",),
    difficulty=2,
    minutes=12,
    plain=plain.batched_nms,
    inputs=st.tuples(
        st.lists(st.tuples(_BOX, _SCORE, _LABEL), max_size=6),
        st.sampled_from((0.5, 0.25, 0.25, 0.75)),
    ).map(lambda drawn: _scene(*drawn)),
    edges=[
        _scene([(_LEFT, 0.9, 0), (_NEAR, 0.8, 1)]),
        _scene([(_LEFT, 0.9, 0), (_NEAR, 0.8, 0)]),
        _scene([]),
        _scene([(_LEFT, 0.8, 0), (_FAR, 0.9, 1)]),
        _scene([(_LEFT, 0.7, 0), (_FAR, 0.9, 0), (_NEAR, 0.8, 1)]),
        _scene([(_LEFT, 0.7, 1), (_NEAR, 0.9, 0), (_NEXT, 0.8, 1)]),
        _scene([(_LEFT, 0.5, 0), (_LEFT, 0.5, 0)]),
        _scene([([0, 0, 4, 2], 0.8, 1), (_LEFT, 0.9, 1)]),
        _scene([(_LEFT, 0.9, 1), (_NEAR, 0.8, 1), (_NEXT, 0.7, 1)]),
        _scene([(_LEFT, 0.9, 0), (_NEAR, 0.8, 0)], 0.75),
        _scene([(_LEFT, 0.9, 0), (_FAR, 0.8, 0), (_NEAR, 0.7, 0)]),
        _scene([(_FAR, 0.9, 0), (_LEFT, 0.8, 0), (_NEAR, 0.7, 0)]),
        _scene([(_LEFT, 0.9, 0), (_LEFT, 0.8, 1)], 0.25),
    ],
    mistakes=BATCHED_NMS,
    same=_same_nms,
    words=("yours keeps", "should keep"),
    draw=pictures.draw_batched_nms,
    sized=lambda n: _scene([([2 * i, 0, 2 * i + 1, 1], 1 - i / 64, i % 2) for i in range(n)]),
)


def _curve(correct, positives):
    """Precision and recall of ranked detections, at most `positives` of them right.  # -> [N], [N]"""
    ranked = torch.linspace(0.9, 0.1, len(correct))
    return precision_recall(ranked, torch.tensor(correct, dtype=torch.bool), positives)


def _room_for(correct):
    """Enough objects. Never 5 or 10: a recall of 3 / 10 is below, at or beyond .3, as it is rounded."""
    return st.sampled_from([n for n in (1, 2, 3, 4, 6, 7, 8) if n >= sum(correct)])


_AVERAGE_PRECISION_11 = Task(
    name="average_precision_11",
    page="A3",
    title="AP of VOC 2007: the mean over recall 0, .1, ..., 1 of the highest precision at this recall or "
    "beyond, 0 where no point of the curve reaches it",
    topics=("L5.03",),
    difficulty=2,
    minutes=8,
    plain=right.average_precision_11,
    inputs=st.lists(st.booleans(), max_size=7).flatmap(
        lambda correct: _room_for(correct).map(lambda positives: _curve(correct, positives))
    ),
    edges=[
        _curve([True], 1),
        _curve([True], 2),
        _curve([False], 1),
        _curve([], 3),
        _curve([False, True], 1),
        _curve([True, False, True], 2),
        _curve([True, False, True], 4),
        _curve([False, True, True, False, True], 4),
    ],
    mistakes=AVERAGE_PRECISION_11,
    draw=pictures.draw_average_precision_11,
    sized=lambda n: _curve([True, False] * n, n),
)


def _classes(rows, missed):
    """Scores, labels, verdicts and objects of each class, from (score, label, right) and how many are missed.

    missed: for each class; None for a class without objects, whose detections are all wrong.   # -> [N], [N], [N], [C]
    """
    rows = [(score, label, right and missed[label] is not None) for score, label, right in rows]
    found = [sum(right for _, c, right in rows if c == label) for label in range(len(missed))]
    counts = [0 if m is None else max(f + m, 1) for f, m in zip(found, missed, strict=True)]
    scores = torch.tensor([score for score, *_ in rows], dtype=torch.float32)
    labels = torch.tensor([label for _, label, _ in rows], dtype=torch.int64)
    correct = torch.tensor([right for *_, right in rows], dtype=torch.bool)
    return scores, labels, correct, torch.tensor(counts, dtype=torch.int64)


def _any_classes(missed):
    # no two equal scores: which of them goes first would change the curve
    row = st.tuples(_SCORE, st.integers(0, len(missed) - 1), st.booleans())
    rows = st.lists(row, unique_by=lambda row: row[0], max_size=7)
    return rows.map(lambda rows: _classes(rows, missed))


_MISSED = st.lists(st.sampled_from((0, 1, 2, None)), min_size=1, max_size=3)
_MEAN_AVERAGE_PRECISION = Task(
    name="mean_average_precision",
    page="A3",
    title="mAP: the mean over the classes that have objects of AP, the area under the envelope of the curve "
    "of each class (all points); a class with objects and no detection has AP 0",
    topics=("L5.03",),
    difficulty=2,
    minutes=15,
    plain=right.mean_average_precision,
    inputs=_MISSED.filter(lambda missed: any(m is not None for m in missed)).flatmap(_any_classes),
    edges=[
        _classes([(0.9, 0, True)], [0]),
        _classes([(0.9, 0, True), (0.8, 1, True)], [0, 1]),
        _classes([(0.9, 0, True)], [0, 0]),
        _classes([(0.9, 0, True)], [0, None]),
        _classes([(0.9, 1, False), (0.8, 0, True)], [0, None]),
        _classes([], [0]),
        _classes([(0.3, 0, True), (0.9, 0, False)], [0]),
        _classes([(0.9, 0, False), (0.8, 0, True), (0.7, 0, True)], [0]),
        _classes([(0.6, 1, True), (0.9, 0, True), (0.8, 1, False)], [0, 0]),
        _classes([(0.9, 0, True), (0.8, 0, False), (0.7, 0, True), (0.6, 1, True)], [0, 1]),
        _classes([(0.6, 1, True), (0.9, 0, False), (0.8, 1, False), (0.7, 0, True)], [1, 0, None]),
    ],
    mistakes=MEAN_AVERAGE_PRECISION,
    draw=pictures.draw_mean_average_precision,
    sized=lambda n: _classes([(1 - i / 64, i % 2, i % 3 > 0) for i in range(2 * n)], [1, 1]),
)


def _map(rows, box, n):
    """One channel from its rows, a box of cells, n.  # -> [1, H, W], [4], number"""
    return torch.tensor([rows], dtype=torch.float32), torch.tensor(box), n


def _drawn_map(drawn):
    (channels, height, width), n, values, across, down = drawn
    features = torch.tensor(values[: channels * height * width], dtype=torch.float32)
    (x1, x2), (y1, y2) = (
        sorted(min(k, s - 1) for k in ks) for ks, s in ((across, width), (down, height))
    )
    return features.view(channels, height, width), torch.tensor([x1, y1, x2, y2]), n


_CELLS = [[3, 8, 1, 5], [7, 2, 9, 4], [6, 1, 2, 0], [0, 4, 3, 7]]
_MIDDLE = [[1, 2, 3], [4, 9, 5], [6, 7, 8]]
_TWO_CHANNELS = torch.tensor([[[1, 4], [2, 3]], [[8, 5], [6, 7]]], dtype=torch.float32)
# mostly large boxes: the bins of small ones say little
_ENDS = st.tuples(st.sampled_from((0, 0, 1, 2)), st.sampled_from((4, 4, 3, 2, 1, 0)))
_ROI_POOL = Task(
    name="roi_pool",
    page="A3",
    title="RoI pooling of Fast R-CNN: the maximum in each of n x n bins of the cells x1..x2, y1..y2 (the last "
    "ones too); of h cells bin i covers floor(i h / n) to ceil((i + 1) h / n), the end not included",
    topics=("L5.05",),
    difficulty=3,
    minutes=20,
    plain=right.roi_pool,
    inputs=st.tuples(
        st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5)),
        st.sampled_from((1, 2, 3, 2, 3, 4)),
        st.lists(st.integers(-4, 9), min_size=50, max_size=50),
        _ENDS,
        _ENDS,
    ).map(_drawn_map),
    edges=[
        _map([[1, 2], [4, 3]], [0, 0, 1, 1], 2),
        _map([[1, 2], [4, 3]], [0, 0, 1, 1], 1),
        _map([[1, 2], [4, 3]], [1, 0, 1, 0], 1),
        _map(_MIDDLE, [0, 0, 2, 2], 2),
        _map([[-1, -2], [-4, -3]], [0, 0, 1, 1], 1),
        (_TWO_CHANNELS, torch.tensor([0, 0, 1, 1]), 1),
        _map(_CELLS, [1, 1, 3, 2], 2),
        _map(_CELLS, [1, 0, 2, 2], 2),
        _map(_CELLS, [0, 0, 3, 3], 3),
        _map([[5]], [0, 0, 0, 0], 2),
    ],
    mistakes=ROI_POOL,
    draw=pictures.draw_roi_pool,
    sized=lambda n: (
        torch.arange(1.0 * n * n).view(1, n, n),
        torch.tensor([0, 0, n - 1, n - 1]),
        n // 2,
    ),
)

TASKS = (_BATCHED_NMS, _AVERAGE_PRECISION_11, _MEAN_AVERAGE_PRECISION, _ROI_POOL)
