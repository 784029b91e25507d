"""Tasks about pretext tasks: rotation, jigsaw, context (L2.04, L2.05, L2.07)."""

from itertools import permutations

import torch
from hypothesis import strategies as st

from course_lib.by_definition import self_supervision as plain
from course_lib.exercises import self_supervision_mistakes as mistakes
from course_lib.exercises import self_supervision_pictures as pictures
from course_lib.exercises.task import Task


def _images(n, channels, side, pixels):
    """Squares with the pixels given.  # -> [N, C, S, S]"""
    return (torch.tensor(pixels, dtype=torch.float32).view(n, channels, side, side),)


def _any_images(sizes):
    n, channels, side = sizes
    count = n * channels * side**2
    pixels = st.lists(st.integers(0, 3), min_size=count, max_size=count)
    return pixels.map(lambda drawn: _images(n, channels, side, drawn))


_ROTATIONS = Task(
    name="rotations",
    page="11",
    title="Every image turned by 0, 1, 2 and 3 quarter turns to the left, and the labels",
    topics=("L2.05",),
    difficulty=1,
    minutes=6,
    plain=plain.rotations,
    inputs=st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3)).flatmap(_any_images),
    edges=[
        _images(1, 1, 2, [1, 2, 3, 4]),
        _images(2, 1, 2, [1, 2, 3, 4, 5, 6, 7, 8]),
        _images(1, 2, 2, [1, 2, 3, 4, 5, 6, 7, 8]),
        _images(2, 1, 1, [1, 2]),
        _images(1, 1, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        _images(3, 2, 3, list(range(54))),
    ],
    mistakes=mistakes.ROTATIONS,
    draw=pictures.draw_rotations,
)


def _orders(rows, count):
    return torch.tensor(rows, dtype=torch.int64), count


def _some_orders(tiles):
    """Different orders of so many tiles, and how many are to be chosen."""
    orders = st.lists(st.permutations(range(tiles)).map(tuple), min_size=2, max_size=6, unique=True)
    return orders.flatmap(
        lambda rows: st.integers(1, len(rows)).map(lambda count: _orders(rows, count))
    )


_PERMUTATION_SET = Task(
    name="permutation_set",
    page="11",
    title="Orders of tiles that are far from each other: each is the farthest from its nearest chosen one",
    topics=("L2.07",),
    difficulty=3,
    minutes=15,
    plain=plain.permutation_set,
    inputs=(st.just(3) | st.just(4)).flatmap(_some_orders),
    edges=[
        _orders([[0, 1, 2], [0, 2, 1], [1, 2, 0]], 2),
        _orders([[0, 1], [1, 0]], 1),
        _orders([[0, 1], [1, 0]], 2),
        _orders([[0, 1, 2], [2, 1, 0], [1, 2, 0]], 2),
        _orders([[0, 1, 2], [1, 2, 0], [2, 0, 1]], 2),
        _orders(list(permutations(range(3))), 4),
        _orders(list(permutations(range(4))), 6),
    ],
    mistakes=mistakes.PERMUTATION_SET,
    words=("yours chooses", "should choose"),
    draw=pictures.draw_permutation_set,
    sized=lambda n: _orders(list(permutations(range(4)))[:n], n // 2),
)


def _numbered(size, gap, place, more=(0, 0), channels=1):
    """An image whose pixel in row r, column c is 10 r + c (+ 100 in the second channel); the tile, the gap, the place.

    It is `more` pixels larger than nine tiles and their gaps.
    """
    height, width = (3 * size + 2 * gap + m for m in more)
    first = 10 * torch.arange(height)[:, None] + torch.arange(width)  # [H, W]
    image = torch.stack([first + 100 * channel for channel in range(channels)]).float()
    return image, size, gap, place


_SIZE_AND_GAP = st.sampled_from(((1, 0), (1, 1), (1, 2), (2, 0), (2, 1)))
_MORE = st.integers(0, 2)

_PATCH_PAIR = Task(
    name="patch_pair",
    page="11",
    title="The tile in the middle of an image, and one of its eight neighbours",
    topics=("L2.04",),
    difficulty=2,
    minutes=10,
    plain=plain.patch_pair,
    inputs=st.tuples(
        _SIZE_AND_GAP, st.integers(0, 7), st.tuples(_MORE, _MORE), st.integers(1, 2)
    ).map(lambda drawn: _numbered(*drawn[0], *drawn[1:])),
    edges=[
        *(_numbered(1, 0, place) for place in range(8)),
        *(_numbered(1, 1, place) for place in (0, 3, 4, 7)),
        _numbered(2, 1, 1, (1, 2)),
        _numbered(2, 1, 6, (1, 2), 2),
    ],
    mistakes=mistakes.PATCH_PAIR,
    draw=pictures.draw_patch_pair,
)

TASKS = (_ROTATIONS, _PERMUTATION_SET, _PATCH_PAIR)
