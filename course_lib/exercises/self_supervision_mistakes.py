"""Known mistakes with pretext tasks, each with the hint for who made it (L2.03-L2.07)."""

import math

import torch

from course_lib.by_definition import self_supervision as plain
from course_lib.exercises.task import Mistake


def _turned(turn):
    """`rotations` with another turn: (images, k) -> images, in place of k quarter turns to the left."""

    def rotations(images):
        turned = torch.cat([turn(images, k) for k in range(4)])
        return turned, torch.arange(4).repeat_interleave(len(images))

    return rotations


def _relabelled(label):
    """`rotations` with other labels: the right ones [4N] -> [4N]."""

    def rotations(images):
        turned, labels = plain.rotations(images)
        return turned, label(labels)

    return rotations


def _image_by_image(images):
    turned = [image.rot90(k, (1, 2)) for image in images for k in range(4)]
    return torch.stack(turned), torch.arange(4).repeat(len(images))


def _transposed(images, k):
    images = images.transpose(2, 3) if k % 2 else images
    return images.flip(2, 3) if k >= 2 else images


def _flipped(images, k):
    return images.flip([[], [3], [2], [2, 3]][k])


ROTATIONS = (
    Mistake(
        _relabelled(lambda labels: torch.arange(4).repeat(len(labels) // 4)),
        "The labels run 0, 1, 2, 3, 0, 1, ..., but the images come in blocks. Repeat each label N times "
        "before the next one: repeat_interleave.",
    ),
    Mistake(
        _image_by_image,
        "The four turns of one image stand side by side. Return all N upright images first, then all N "
        "with one quarter turn, and so on.",
    ),
    Mistake(
        _turned(lambda images, k: images.rot90(-k, (2, 3))),
        "The images were turned to the right. A quarter turn to the left is rot90(1, (2, 3)).",
    ),
    Mistake(
        _turned(lambda images, k: images.rot90(k)),
        "Without axes rot90 turns the first two: the number of the image and the channel. Name the axes "
        "of height and width, (2, 3).",
    ),
    Mistake(
        _turned(lambda images, k: images.rot90(k, (1, 2))),
        "The axes (1, 2) of a batch are channel and height. Height and width are (2, 3).",
    ),
    Mistake(
        _turned(_transposed),
        "The images were transposed: this mirrors them, too. Turn them with rot90.",
    ),
    Mistake(
        _turned(_flipped),
        "The images were mirrored. Turn them with rot90: no flip along one axis is a rotation.",
    ),
    Mistake(
        _turned(lambda images, k: images.rot90(2 * k, (2, 3))),
        "The images were turned by half turns. Label k means k *quarter* turns.",
    ),
    Mistake(
        _relabelled(lambda labels: labels + 1),
        "The labels begin at 1. They count quarter turns: an upright image has label 0.",
    ),
    Mistake(
        _relabelled(lambda labels: 90 * labels),
        "The labels are degrees. A classifier needs class numbers: 0, 1, 2, 3 quarter turns.",
    ),
)


def _greedy(value=min, places=torch.ne, extra=0):
    """`permutation_set` with another value of an order's distances, another distance, or more orders."""

    def permutation_set(every, count):
        chosen = [every[0]]
        for _ in range(count - 1 + extra):
            values = [value([int(places(order, c).sum()) for c in chosen]) for order in every]
            chosen.append(every[values.index(max(values))])
        return torch.stack(chosen)

    return permutation_set


def _last_of_equal(every, count):
    # the first order stays the first; all others are looked through from the end
    return plain.permutation_set(torch.cat([every[:1], every[1:].flip(0)]), count)


def _numbers(every, count):
    chosen = plain.permutation_set(every, count)
    return (chosen[:, None] == every).all(dim=2).int().argmax(dim=1)


PERMUTATION_SET = (
    Mistake(
        # no two orders are equal: only a chosen one has distance 0
        _greedy(lambda distances: -min(distances) if min(distances) > 0 else -math.inf),
        "The nearest of the other orders was taken. Take the farthest: the largest distance to its "
        "nearest chosen order.",
    ),
    Mistake(
        _greedy(sum),
        "The distances to all chosen orders were added (or averaged). Only the nearest chosen order "
        "counts: take the minimum.",
    ),
    Mistake(
        _greedy(max),
        "The distance to the farthest chosen order was used. An order must be far from its *nearest* "
        "chosen order: take the minimum.",
    ),
    Mistake(
        _greedy(lambda distances: distances[-1]),
        "Each order was compared only with the last one chosen. Compare it with all orders chosen so "
        "far.",
    ),
    Mistake(
        _greedy(lambda distances: distances[0]),
        "Each order was compared only with the first one chosen. Compare it with all orders chosen so "
        "far.",
    ),
    Mistake(
        _greedy(places=torch.eq),
        "The first order comes again and again: the most similar order was taken. Count the places that "
        "differ (!=), and take the order with the largest distance.",
    ),
    Mistake(
        _greedy(places=lambda order, other: (order - other).abs()),
        "The differences of the tile numbers were added. The Hamming distance only counts at how many "
        "places two orders differ.",
    ),
    Mistake(
        lambda every, count: every[:count],
        "The first `count` orders were returned. After the first one take the farthest each time.",
    ),
    Mistake(
        _last_of_equal,
        "Of orders that are equally far the last was taken. Take the first, as argmax does.",
    ),
    Mistake(
        _greedy(extra=1),
        "There is one order too many. The first one counts, too.",
    ),
    Mistake(
        _numbers,
        "The numbers of the chosen orders were returned. Return the orders themselves: every[chosen].",
    ),
)


def _steps(place):
    """Rows and columns from the middle tile to a neighbour, -1, 0 or 1 each."""
    number = place if place < 4 else place + 1
    return number // 3 - 1, number % 3 - 1


def _way(place, size, gap):
    return [(size + gap) * step for step in _steps(place)]


def _middle(image, size):
    return (image.shape[1] - size) // 2, (image.shape[2] - size) // 2


def _pair(way=_way, corner=_middle):
    """`patch_pair` with another way between the two tiles, or another corner of the middle one."""

    def patch_pair(image, size, gap, place):
        (y, x), (down, right) = corner(image, size), way(place, size, gap)
        corners = ((y, x), (y + down, x + right))
        return tuple(image[:, y : y + size, x : x + size] for y, x in corners)

    return patch_pair


def _scaled(pixels):
    """`patch_pair` with another length of a step: (size, gap, -1..1) -> pixels."""
    return _pair(lambda place, size, gap: [pixels(size, gap, step) for step in _steps(place)])


PATCH_PAIR = (
    Mistake(
        _scaled(lambda size, gap, s: size * s),
        "The gap is missing: a neighbour begins size + gap pixels away from the middle tile.",
    ),
    Mistake(
        _scaled(lambda size, gap, s: (size + 2 * gap) * s),
        "The gap was counted twice. Between two tiles there is one gap: size + gap pixels from corner to "
        "corner.",
    ),
    Mistake(
        _scaled(lambda size, gap, s: (size + gap) * s if s > 0 else size * s),
        "The gap was left out above and to the left of the middle tile. It belongs to all sides: the "
        "way is -(size + gap), 0 or size + gap.",
    ),
    Mistake(
        _scaled(lambda size, gap, s: gap * s),
        "The neighbour was moved by the gap alone, so it overlaps the middle tile. Move it by size + "
        "gap.",
    ),
    Mistake(
        _pair(lambda *case: _way(*case)[::-1]),
        "The places were counted column by column. They go row by row: place 1 lies above the middle, "
        "place 3 to its left.",
    ),
    Mistake(
        _scaled(lambda size, gap, s: -(size + gap) * s),
        "The neighbour on the opposite side was taken. Place 0 is the upper left one: smaller row, "
        "smaller column.",
    ),
    Mistake(
        _pair(lambda place, size, gap: [(size + gap) * s for s in (place // 3 - 1, place % 3 - 1)]),
        "The middle was counted as a place. It is left out: place 3 lies to its left, place 4 to its "
        "right.",
    ),
    Mistake(
        lambda *case: plain.patch_pair(*case)[::-1],
        "The two tiles are exchanged: return the middle tile first.",
    ),
    Mistake(
        _pair(corner=lambda image, size: (image.shape[1] // 2, image.shape[2] // 2)),
        "The middle tile begins at the centre of the image. Its own centre lies there: top = (H - size) "
        "// 2.",
    ),
    Mistake(
        _pair(corner=lambda image, size: _middle(image, size)[::-1]),
        "Height and width are exchanged. The image is [C, H, W]: the top comes from H, the left from W.",
    ),
)
