"""Tasks about contrastive learning: its loss, two views of an image, two photos of a case (L2.18, L2.19)."""

import torch
from hypothesis import strategies as st

from course_lib.by_definition import self_supervision as plain
from course_lib.exercises import contrastive_mistakes as mistakes
from course_lib.exercises import self_supervision_pictures as pictures
from course_lib.exercises.task import Task

# Short ones: without normalisation no exponential grows beyond what floats hold.
_VECTOR = st.sampled_from(((1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (1, -1), (2, 0), (2, 1)))
_TEMPERATURES = (1.0, 0.5, 2.0)


def _pairs(rows, temperature):
    """First views, second views and the temperature, from pairs of vectors.  # -> [N, d], [N, d], number"""
    a, b = torch.tensor(rows, dtype=torch.float32).unbind(dim=1)
    return a.clone(), b.clone(), temperature


def _apart(n):
    """n pairs of views, for counting steps."""
    angle = torch.arange(2.0 * n).view(n, 2)
    return _pairs(torch.stack([angle.cos(), angle.sin()], dim=2).tolist(), 0.5)


_NT_XENT = Task(
    name="nt_xent",
    page="12",
    title="NT-Xent, the loss of SimCLR, of two views of N images",
    topics=("L2.18",),
    difficulty=3,
    minutes=15,
    plain=plain.nt_xent,
    inputs=st.tuples(
        st.lists(st.tuples(_VECTOR, _VECTOR), min_size=2, max_size=4),
        st.sampled_from(_TEMPERATURES),
    ).map(lambda drawn: _pairs(*drawn)),
    edges=[
        _pairs([([1, 0], [1, 0]), ([0, 1], [0, 1])], 1.0),
        _pairs([([1, 0], [1, 0]), ([0, 1], [0, 1])], 0.5),
        _pairs([([1, 0], [0, 1]), ([0, 1], [1, 0])], 1.0),
        _pairs([([1, 0], [2, 0]), ([0, 1], [0, 2])], 1.0),
        _pairs([([1, 0], [1, 1]), ([0, 1], [-1, 0]), ([1, -1], [0, -1])], 0.5),
    ],
    mistakes=mistakes.NT_XENT,
    draw=pictures.draw_nt_xent,
    sized=_apart,
)


def _numbered(n, height, width, size, corners, channels=1):
    """Images whose pixel in row r, column c is 100 i + 10 r + c in image i (+ 1000 in the second channel)."""
    pixels = 10 * torch.arange(height)[:, None] + torch.arange(width)  # [H, W]
    number = 100 * torch.arange(n)[:, None] + 1000 * torch.arange(channels)  # [N, C]
    images = (number[..., None, None] + pixels).float()
    return images, torch.tensor(corners, dtype=torch.int64), size


def _any_views(shape):
    n, height, width, size, channels = shape
    corner = st.tuples(st.integers(0, height - size), st.integers(0, width - size))
    corners = st.lists(corner, min_size=2 * n, max_size=2 * n)
    return corners.map(lambda drawn: _numbered(n, height, width, size, drawn, channels))


_TWO_VIEWS = Task(
    name="two_views",
    page="12",
    title="Two crops of each image, so that rows i and i + N are the two views of image i",
    topics=("L2.18",),
    difficulty=1,
    minutes=8,
    plain=plain.two_views,
    inputs=st.tuples(
        st.integers(1, 3), *[st.integers(2, 4)] * 2, st.integers(1, 2), st.integers(1, 2)
    ).flatmap(_any_views),
    edges=[
        _numbered(1, 2, 2, 1, [[0, 0], [1, 1]]),
        _numbered(1, 3, 3, 2, [[0, 1], [1, 0]]),
        _numbered(2, 2, 2, 1, [[0, 0], [0, 0], [0, 0], [0, 0]]),
        _numbered(2, 2, 2, 1, [[0, 0], [0, 1], [1, 0], [1, 1]]),
        _numbered(2, 2, 3, 2, [[0, 0], [0, 1], [0, 1], [0, 0]]),
        _numbered(3, 4, 3, 2, [[0, 0], [1, 1], [2, 0], [2, 1], [0, 1], [1, 0]], 2),
    ],
    mistakes=mistakes.TWO_VIEWS,
    draw=pictures.draw_two_views,
)


def _cases(labels):
    return (torch.tensor(labels, dtype=torch.int64),)


_CASE_PAIRS = Task(
    name="case_pairs",
    page="12",
    title="For each photo the next photo of the same case",
    topics=("L2.19",),
    difficulty=2,
    minutes=10,
    plain=plain.case_pairs,
    inputs=st.lists(st.integers(0, 3), min_size=1, max_size=7).map(_cases),
    edges=[
        _cases([0, 0]),
        _cases([0]),
        _cases([0, 0, 0]),
        _cases([0, 0, 1]),
        _cases([0, 1, 0, 1]),
        _cases([0, 0, 1, 1, 1, 2]),
        _cases([7, 3, 7, 7, 3, 5]),
    ],
    mistakes=mistakes.CASE_PAIRS,
    words=("yours pairs with", "should pair with"),
    draw=pictures.draw_case_pairs,
    sized=lambda n: _cases([i % 4 for i in range(3 * n)]),
)

TASKS = (_NT_XENT, _TWO_VIEWS, _CASE_PAIRS)
