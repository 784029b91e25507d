"""Tasks about boxes: overlap, suppression, curves, offsets (L5.03-L5.06)."""

import torch
from hypothesis import strategies as st

from course_lib.by_definition import detection as plain
from course_lib.exercises import detection_mistakes as mistakes
from course_lib.exercises import detection_pictures as pictures
from course_lib.exercises.task import Task

# Shares of small whole numbers that floats hold exactly: no answer hangs on rounding.
THRESHOLDS = (0.5, 0.25, 0.75)


def _boxes(rows):
    return torch.tensor(rows, dtype=torch.float32).view(-1, 4)


def _box(corners, sides):
    """A box on a small grid, so that boxes touch, coincide and hold one another; as a list."""
    corner, side = st.integers(0, corners), st.sampled_from(sides)
    made = st.tuples(corner, corner, side, side)
    return made.map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])


# In a row: of three the middle one may overlap both others, which do not overlap each other.
_IN_A_ROW = st.integers(0, 6).map(lambda x: [x, 0, x + 4, 4])


def _pair(a, b):
    return tuple(_boxes([a, b]))


_IOU = Task(
    name="iou",
    page="08",
    title="IoU of two boxes (x1, y1, x2, y2)",
    topics=("L5.03",),
    difficulty=1,
    minutes=5,
    plain=plain.iou,
    inputs=st.tuples(_box(6, (1, 2, 3, 4, 0)), _box(6, (1, 2, 3, 4, 0))).map(
        lambda pair: _pair(*pair)
    ),
    edges=[
        _pair([0, 0, 2, 1], [1, 0, 3, 1]),
        _pair([0, 0, 4, 4], [0, 0, 4, 4]),
        _pair([0, 0, 1, 1], [1, 0, 2, 1]),
        _pair([0, 0, 1, 1], [2, 2, 3, 3]),
        _pair([0, 0, 1, 1], [3, 0, 4, 1]),
        _pair([0, 0, 4, 4], [1, 1, 2, 2]),
        _pair([1, 1, 1, 1], [1, 1, 1, 1]),
        _pair([1, 1, 1, 3], [0, 0, 4, 4]),
        _pair([0.5, 0.25, 30.5, 20.25], [10.5, 4.75, 60.0, 24.25]),
    ],
    mistakes=mistakes.IOU,
    draw=pictures.draw_iou,
)


def _scene(rows):
    """Boxes and their scores, from (box, score)."""
    scores = torch.tensor([score for _, score in rows], dtype=torch.float32)
    return _boxes([box for box, _ in rows]), scores


def _same_nms(case, expected, got):
    """Of equal scores either may go first: an answer is right if some order of the ties gives it."""
    boxes, scores, iou_threshold = case
    kept = got.tolist()
    if len(set(kept)) < len(kept) or not all(0 <= i < len(boxes) for i in kept):
        return False
    order = [*kept, *(i for i in range(len(boxes)) if i not in kept)]
    again = plain.nms(boxes[order], scores[order], iou_threshold)
    return again.tolist() == list(range(len(kept)))


def _row_of_boxes(n):
    """n boxes apart from each other: none is dropped, which takes the most comparisons."""
    left = torch.arange(n, dtype=torch.float32) * 2
    boxes = torch.stack([left, left * 0, left + 1, left * 0 + 1], dim=1)  # [n, 4]
    return boxes, torch.linspace(0.9, 0.1, n), 0.5


_SCORES = st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.3, 0.2])
_NMS = Task(
    name="nms",
    page="08",
    title="Non-maximum suppression: the indices of the boxes kept, best first",
    topics=("L5.02",),
    difficulty=2,
    minutes=10,
    plain=plain.nms,
    inputs=st.tuples(
        st.lists(st.tuples(_box(3, (1, 2, 3, 4)) | _IN_A_ROW, _SCORES), max_size=6).map(_scene),
        st.sampled_from(THRESHOLDS),
    ).map(lambda drawn: (*drawn[0], drawn[1])),
    edges=[
        (*_scene([([0, 0, 4, 4], 0.9), ([1, 0, 5, 4], 0.8), ([8, 0, 12, 4], 0.7)]), 0.5),
        (*_scene([]), 0.5),
        (*_scene([([0, 0, 4, 4], 0.5)]), 0.5),
        (*_scene([([0, 0, 4, 4], 0.5), ([0, 0, 4, 4], 0.5)]), 0.5),
        (*_scene([([0, 0, 4, 2], 0.6), ([0, 0, 4, 4], 0.8)]), 0.5),
        (*_scene([([0, 0, 4, 4], 0.9), ([1, 0, 5, 4], 0.8), ([2, 0, 6, 4], 0.7)]), 0.5),
        (*_scene([([0, 0, 4, 4], 0.9), ([1, 0, 5, 4], 0.8)]), 0.75),
        (*_scene([([0, 0, 4, 4], 0.9), ([2, 0, 6, 4], 0.8)]), 0.25),
    ],
    mistakes=mistakes.NMS,
    same=_same_nms,
    words=("yours keeps", "should keep"),
    draw=pictures.draw_nms,
    sized=_row_of_boxes,
)

TASKS = (_IOU, _NMS)
