"""Tasks about offsets (tx, ty, tw, th), from an anchor to a box and back (L5.05, L5.06)."""

import math

import torch
from hypothesis import strategies as st

from course_lib.by_definition import detection as plain
from course_lib.exercises import detection_pictures as pictures
from course_lib.exercises.task import Mistake, Task


def _parts(boxes):
    """Centres and sizes.  # [N, 4] -> [N, 2], [N, 2]"""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _encoded(rule):
    """`encode` by another rule: (centre, size, anchor's centre, anchor's size) -> shift, growth."""
    return lambda boxes, anchors: torch.cat(rule(*_parts(boxes), *_parts(anchors)), dim=1)


def _corners(boxes, anchors):
    size, anchor_size = _parts(boxes)[1], _parts(anchors)[1]
    return torch.cat([(boxes - anchors)[:, :2] / anchor_size, (size / anchor_size).log()], dim=1)


ENCODE = (
    Mistake(
        _corners,
        "tx and ty were taken between the upper left corners. They lead from centre to centre.",
    ),
    Mistake(
        _encoded(lambda c, s, ca, sa: [(c - ca) / s, (s / sa).log()]),
        "The shift was divided by the size of the box. Divide by the size of the anchor.",
    ),
    Mistake(
        _encoded(lambda c, s, ca, sa: [c - ca, (s / sa).log()]),
        "The shift is in pixels. Divide it by the width or height of the anchor.",
    ),
    Mistake(
        _encoded(lambda c, s, ca, sa: [(c - ca) / sa, s / sa]),
        "The logarithm is missing: tw = log(w / wa), so that twice and half as wide are equally far "
        "from 0.",
    ),
    Mistake(
        _encoded(lambda c, s, ca, sa: [(c - ca) / sa, (sa / s).log()]),
        "The ratio of the sizes is upside down: tw = log(w / wa), box over anchor.",
    ),
    Mistake(
        lambda boxes, anchors: plain.encode(anchors, boxes),
        "Box and anchor are exchanged: the offsets lead from the anchor to the box.",
    ),
    Mistake(
        _encoded(lambda c, s, ca, sa: [(c - ca) / sa, (s / sa).log2()]),
        "The logarithm has base 2. The way back uses exp, so take the natural one.",
    ),
    Mistake(
        _encoded(lambda c, s, ca, sa: [(c - ca) / sa[:, :1], (s / sa).log()]),
        "ty was divided by the width of the anchor. Divide it by the height.",
    ),
    Mistake(
        lambda boxes, anchors: plain.encode(boxes, anchors)[:, [0, 2, 1, 3]],
        "The order is (tx, ty, tw, th): first both shifts, then both sizes.",
    ),
)


MOST = math.log(1000 / 16)  # of tw and th, as in torchvision


def _decoded(rule):
    """`decode` by another rule: (shift, growth, anchor's centre, anchor's size) -> centre, size."""

    def decode(offsets, anchors):
        centre, size = rule(offsets[:, :2], offsets[:, 2:], *_parts(anchors))
        return torch.cat([centre - size / 2, centre + size / 2], dim=1)

    return decode


def _centre_and_size(offsets, anchors):
    return torch.cat(_parts(plain.decode(offsets, anchors)), dim=1)


def _from_corner(offsets, anchors):
    size = _parts(anchors)[1]
    return plain.decode(offsets, anchors - torch.cat([size, size], dim=1) / 2)


def _not_halved(offsets, anchors):
    centre, size = _parts(plain.decode(offsets, anchors))
    return torch.cat([centre - size, centre + size], dim=1)


def _centre_as_corner(offsets, anchors):
    centre, size = _parts(plain.decode(offsets, anchors))
    return torch.cat([centre, centre + size], dim=1)


DECODE = (
    Mistake(
        _decoded(lambda t, g, ca, sa: (ca + t * sa, sa * g)),
        "The exponential is missing: w = wa exp(tw), so that tw = 0 keeps the width.",
    ),
    Mistake(
        _decoded(lambda t, g, ca, sa: (ca + t * sa, sa * (1 + g))),
        "The size grows as 1 + tw. It is w = wa exp(tw); for large offsets that is not the same.",
    ),
    Mistake(
        _decoded(lambda t, g, ca, sa: (ca + t * sa, sa * g.exp())),
        "tw and th were not limited. Let them be at most log(1000 / 16): a box is at most 62.5 times as wide as "
        "its anchor.",
    ),
    Mistake(
        _decoded(lambda t, g, ca, sa: (ca + t.clamp(max=MOST) * sa, sa * g.clamp(max=MOST).exp())),
        "tx and ty were limited, too. Only tw and th are: a shift by five widths is allowed.",
    ),
    Mistake(
        _decoded(lambda t, g, ca, sa: (ca + t, sa * g.clamp(max=MOST).exp())),
        "The shift was added in pixels. tx counts in widths of the anchor: x = xa + tx wa.",
    ),
    Mistake(
        _decoded(lambda t, g, ca, sa: (ca + t * sa[:, :1], sa * g.clamp(max=MOST).exp())),
        "ty was multiplied by the width of the anchor. Multiply it by the height.",
    ),
    Mistake(
        _from_corner,
        "The shift begins at the upper left corner of the anchor. It begins at its centre.",
    ),
    Mistake(
        _centre_and_size,
        "Centre and size were returned. Return the box as (x1, y1, x2, y2).",
    ),
    Mistake(
        _not_halved,
        "The whole width was taken to each side of the centre. Take half of it.",
    ),
    Mistake(
        _centre_as_corner,
        "The centre was returned as the upper left corner. x1 = x - w / 2, x2 = x + w / 2.",
    ),
)

# log 2 and log 1/2: twice as wide, half as wide
_SHIFTS, _GROWTHS = (0.0, 1.0, 0.5, -1.0, -0.25), (0.0, math.log(2), -math.log(2), 0.5)
_CORNER, _SIDE = st.sampled_from((0, 1, 2, 3, 6)), st.sampled_from((2, 4, 1, 3, 8))
_BOX = st.tuples(_CORNER, _CORNER, _SIDE, _SIDE).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)
_OFFSETS = st.tuples(*[st.sampled_from(_SHIFTS)] * 2, *[st.sampled_from(_GROWTHS)] * 2)


def _rows(pairs):
    """Two tensors from rows of pairs.  # N x 2 x 4 numbers -> [N, 4], [N, 4]"""
    return tuple(torch.tensor(side, dtype=torch.float32) for side in zip(*pairs, strict=True))


_ENCODE = Task(
    name="encode",
    page="08",
    title="Offsets (tx, ty, tw, th) from anchors to boxes",
    topics=("L5.05", "L5.06"),
    difficulty=1,
    minutes=6,
    plain=plain.encode,
    inputs=st.lists(st.tuples(_BOX, _BOX), min_size=1, max_size=3).map(_rows),
    edges=[
        _rows([([0, 0, 4, 4], [0, 0, 4, 4])]),
        _rows([([4, 0, 8, 4], [0, 0, 4, 4])]),
        _rows([([0, 0, 8, 2], [2, 0, 6, 4])]),
    ],
    mistakes=ENCODE,
    draw=pictures.draw_encode,
)
_DECODE = Task(
    name="decode",
    page="08",
    title="Boxes from offsets (tx, ty, tw, th) and anchors",
    topics=("L5.05", "L5.06"),
    difficulty=1,
    minutes=6,
    plain=plain.decode,
    inputs=st.lists(st.tuples(_OFFSETS, _BOX), min_size=1, max_size=3).map(_rows),
    edges=[
        _rows([([0, 0, 0, 0], [0, 0, 4, 4])]),
        _rows([([1, 0, 0, 0], [0, 0, 4, 4])]),
        _rows([([0, 0.5, math.log(2), 0], [0, 0, 4, 2])]),
        _rows([([0, 0, 5, 0], [0, 0, 2, 4])]),
        _rows([([5, 0, 0, 0], [0, 0, 2, 4])]),
    ],
    mistakes=DECODE,
    draw=pictures.draw_decode,
)

TASKS = (_ENCODE, _DECODE)
