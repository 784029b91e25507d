"""Tasks about losses that shape a space of embeddings (L1.07, L2.13-L2.16, L4.06-L4.08)."""

import math

import torch
from hypothesis import strategies as st

from course_lib.by_definition import metric_learning as plain
from course_lib.exercises import losses_margin_mistakes, losses_mining_mistakes
from course_lib.exercises import losses_mistakes as mistakes
from course_lib.exercises import losses_pictures as pictures
from course_lib.exercises import losses_solutions as right
from course_lib.exercises.task import Task

# all about as long when written, as far as that can be: none of them makes a case smaller
_COORDINATE = st.sampled_from((0.0, 1.0, 2.0, 3.0, 4.0, 6.0))
_MARGINS = (2.0, 1.0, 3.0, 5.0)


def _rows(dimensions, least, most):
    """Embeddings as lists."""
    row = st.lists(_COORDINATE, min_size=dimensions, max_size=dimensions)
    return st.lists(row, min_size=least, max_size=most)


def _batch(rows, labels, margin):
    """Embeddings and labels as tensors.  # -> [B, d], [B], number"""
    return torch.tensor(rows), torch.tensor(labels[: len(rows)]), margin


def _line(n):
    """n embeddings in a row, of two classes, for counting steps."""
    return _batch([[float(i)] for i in range(n)], [i % 2 for i in range(n)], 2.0)


_CONTRASTIVE_LOSS = Task(
    name="contrastive_loss",
    page="A2",
    title="The contrastive loss: the mean over all pairs i < j of d^2 / 2 if both are of one class, and of "
    "max(0, margin - d)^2 / 2 if not; d is the Euclidean distance",
    topics=("L1.07", "L2.14", "L4.03"),
    difficulty=1,
    minutes=10,
    plain=plain.contrastive_loss,
    inputs=st.tuples(
        st.integers(1, 2).flatmap(lambda dimensions: _rows(dimensions, 2, 4)),
        st.lists(st.integers(0, 2), min_size=4, max_size=4),
        st.sampled_from(_MARGINS),
    ).map(lambda drawn: _batch(*drawn)),
    edges=[
        _batch([[0.0], [1.0]], [0, 0], 2.0),
        _batch([[0.0], [1.0]], [0, 1], 2.0),
        _batch([[0.0], [3.0]], [0, 0], 2.0),
        _batch([[0.0], [1.0]], [0, 1], 3.0),
        _batch([[0.0], [4.0]], [0, 1], 2.0),
        _batch([[0.0], [0.0]], [0, 0], 2.0),
        _batch([[0.0, 0.0], [3.0, 4.0]], [0, 1], 6.0),
        _batch([[0.0], [1.0], [3.0]], [0, 0, 1], 3.0),
        _batch([[0.0], [1.0], [3.0]], [0, 1, 0], 3.0),
    ],
    mistakes=mistakes.CONTRASTIVE_LOSS,
    draw=pictures.draw_contrastive_loss,
    sized=_line,
)


def _triplets(rows, margin):
    """Embeddings of anchors, positives, negatives, from (a, p, n).  # -> 3 x [T, d], number"""
    return *(part.clone() for part in torch.tensor(rows).unbind(dim=1)), margin


_TRIPLET_LOSS = Task(
    name="triplet_loss",
    page="A2",
    title="The triplet loss: the mean over the triplets of max(0, |a - p|^2 - |a - n|^2 + margin), with squared "
    "distances",
    topics=("L1.08", "L4.04"),
    difficulty=1,
    minutes=8,
    plain=right.triplet_loss,
    inputs=st.tuples(
        st.integers(1, 2).flatmap(
            lambda dimensions: st.lists(_rows(dimensions, 3, 3), min_size=1, max_size=3)
        ),
        st.sampled_from(_MARGINS),
    ).map(lambda drawn: _triplets(*drawn)),
    edges=[
        _triplets([[[0.0], [1.0], [1.0]]], 1.0),
        _triplets([[[0.0], [1.0], [2.0]]], 1.0),
        _triplets([[[0.0], [2.0], [1.0]]], 1.0),
        _triplets([[[0.0], [1.0], [2.0]]], 5.0),
        _triplets([[[1.0], [0.0], [3.0]]], 5.0),
        _triplets([[[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]]], 2.0),
        _triplets([[[0.0], [1.0], [3.0]], [[0.0], [2.0], [1.0]]], 1.0),
        _triplets([[[0.0], [1.0], [1.0]], [[0.0], [2.0], [1.0]]], 1.0),
    ],
    mistakes=mistakes.TRIPLET_LOSS,
    draw=pictures.draw_triplet_loss,
    sized=lambda n: _triplets([[[0.0], [1.0], [1.0]]] * n, 1.0),
)


@st.composite
def _any_distances(draw):
    """Images with labels; an anchor has no two negatives at the same distance, so that the nearest is clear."""
    count = draw(st.integers(2, 5))
    labels = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    distances, taken = torch.zeros(count, count), [set() for _ in labels]
    for i in range(count):
        for j in range(i):
            same = labels[i] == labels[j]
            free = [d for d in range(1, 9) if same or d not in taken[i] | taken[j]]
            d = draw(st.sampled_from(free))
            distances[i, j] = distances[j, i] = d
            if not same:
                taken[i].add(d)
                taken[j].add(d)
    return distances, torch.tensor(labels), draw(st.sampled_from(_MARGINS))


def _on_a_line(places, labels, margin):
    """The distances of images on a line.  # -> [B, B], [B], number"""
    places = torch.tensor(places)
    return (places[:, None] - places).abs(), torch.tensor(labels), margin


_SEMI_HARD = Task(
    name="semi_hard",
    page="A2",
    title="Semi-hard triplets: for every (anchor, positive), two different images of one class, the nearest "
    "negative with d(a, p) < d(a, n) < d(a, p) + margin, if there is one; three rows (anchors, positives, "
    "negatives) of indices, sorted by anchor, then by positive",
    topics=("L2.15",),
    difficulty=2,
    minutes=15,
    plain=plain.semi_hard_triplets,
    inputs=_any_distances(),
    edges=[
        _on_a_line([0.0, 1.0, 3.0], [0, 0, 1], 3.0),
        _on_a_line([0.0, 2.0, 3.0], [0, 0, 1], 2.0),
        _on_a_line([0.0, 1.0, 6.0], [0, 0, 1], 2.0),
        _on_a_line([0.0, 1.0, 3.0], [0, 0, 1], 2.0),
        _on_a_line([0.0, 2.0, 4.0], [0, 0, 1], 3.0),
        _on_a_line([0.0, 1.0, 4.0, 3.0], [0, 0, 1, 1], 5.0),
        _on_a_line([0.0, 3.0, 2.0, 5.0], [0, 0, 1, 1], 3.0),
        _on_a_line([0.0, 1.0, 3.0, 4.0], [0, 0, 1, 1], 5.0),
        _on_a_line([0.0, 3.0], [0, 1], 2.0),
        _on_a_line([0.0, 3.0], [0, 0], 2.0),
        _on_a_line([0.0, 1.0, 2.0, 5.0, 9.0], [0, 0, 0, 1, 1], 5.0),
    ],
    mistakes=losses_mining_mistakes.SEMI_HARD,
    words=("yours takes", "should take"),
    draw=pictures.draw_semi_hard,
    sized=lambda n: _on_a_line([float(i * i) for i in range(n)], [i % 2 for i in range(n)], 5.0),
)

# Never 1 or -1: there many programs clamp before the arc cosine, a little earlier or later.
_COSINES = (0.5, 0.25, 0.75, -0.25, -0.5, 0.0)


def _logits(rows, labels, m1=1.0, m2=0.0, m3=0.0, s=1.0):
    return torch.tensor(rows), torch.tensor(labels), m1, m2, m3, s


def _below_a_half_turn(case):
    """Whether every angle with its margins stays below pi, where the cosine falls."""
    cosines, labels, m1, m2, *_ = case
    own = cosines[torch.arange(len(labels)), labels]
    return bool((m1 * own.acos() + m2 < math.pi - 0.01).all())


@st.composite
def _any_logits(draw):
    images, classes = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    row = st.lists(st.sampled_from(_COSINES), min_size=classes, max_size=classes)
    rows = draw(st.lists(row, min_size=images, max_size=images))
    label = st.integers(0, classes - 1)
    labels = draw(st.lists(label, min_size=images, max_size=images))
    choices = ((1.0, 2.0, 1.5), (0.0, 0.5, 0.25), (0.0, 0.25, 0.5), (1.0, 2.0, 4.0))
    return _logits(rows, labels, *(draw(st.sampled_from(choice)) for choice in choices))


_MARGIN_LOGITS = Task(
    name="margin_logits",
    page="A2",
    title="Logits with margins: s (cos(m1 theta + m2) - m3) for the class of each image, s cos(theta) for the "
    "others, where theta, in radians, is the angle whose cosine is given; m1 theta + m2 stays below pi",
    topics=("L2.13", "L4.06", "L4.07", "L4.08"),
    difficulty=2,
    minutes=12,
    plain=right.margin_logits,
    inputs=_any_logits().filter(_below_a_half_turn),
    edges=[
        _logits([[0.5, 0.0]], [0]),
        _logits([[0.5, 0.25]], [0], s=4.0),
        _logits([[0.5, 0.25]], [0], m3=0.25),
        _logits([[0.5, 0.25]], [0], m2=0.5),
        _logits([[0.5, 0.25]], [0], m1=2.0),
        _logits([[0.25, 0.5]], [1], m2=0.5, m3=0.25, s=4.0),
        _logits([[0.5, 0.25]], [0], m1=2.0, m2=0.5),
        _logits([[-0.25, 0.25]], [0], m2=0.5),
        _logits([[0.5, 0.25], [0.0, 0.75]], [0, 1], m2=0.5),
        _logits([[0.5, 0.25, -0.5], [0.0, 0.25, 0.75]], [1, 2], 1.5, 0.25, 0.25, 2.0),
    ],
    mistakes=losses_margin_mistakes.MARGIN_LOGITS,
    draw=pictures.draw_margin_logits,
    sized=lambda n: _logits([[0.5] * n] * n, list(range(n)), 1.5, 0.25, 0.25, 2.0),
)

TASKS = (_CONTRASTIVE_LOSS, _TRIPLET_LOSS, _SEMI_HARD, _MARGIN_LOGITS)
