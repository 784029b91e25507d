"""Known mistakes with boxes: the functions that students write, each with the hint for who wrote it (L5.03, L5.02)."""

import torch

from course_lib.by_definition.detection import area, best_first, intersection, iou
from course_lib.exercises.task import Mistake


def _sides(a, b):
    """Width and height that two boxes share, negative where they are apart."""
    return min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])


def _ratio(shared, union):
    return shared / union if union > 0 else 0.0


def _two_negatives(a, b):
    width, height = _sides(a, b)
    return _ratio(width * height, area(a) + area(b) - width * height)


def _clamped_late(a, b):
    width, height = _sides(a, b)
    shared = max(width * height, 0)
    return _ratio(shared, area(a) + area(b) - shared)


def _absolute(a, b):
    width, height = _sides(a, b)
    shared = abs(width) * abs(height)
    return _ratio(shared, area(a) + area(b) - shared)


def _pixels(a, b):
    a, b = [*a[:2], a[2] + 1, a[3] + 1], [*b[:2], b[2] + 1, b[3] + 1]
    return iou(a, b)


def _width_and_height(a, b):
    a, b = [*a[:2], a[0] + a[2], a[1] + a[3]], [*b[:2], b[0] + b[2], b[1] + b[3]]
    return iou(a, b)


def _no_area(a, b):
    shared = intersection(a, b)
    return shared / (area(a) + area(b) - shared)


IOU = (
    Mistake(
        _two_negatives,
        "Boxes that are apart in x and in y: a negative width times a negative height is a positive "
        "area. Clamp each of the two at 0.",
    ),
    Mistake(
        _clamped_late,
        "The product was clamped at 0: where width and height are both negative it is positive. "
        "Clamp each of the two before they are multiplied.",
    ),
    Mistake(
        _absolute,
        "The absolute value makes an overlap out of a gap. A negative width means no overlap: 0.",
    ),
    Mistake(
        lambda a, b: _ratio(intersection(a, b), area(a) + area(b)),
        "The union counts the shared part twice: subtract the intersection from the two areas.",
    ),
    Mistake(
        lambda a, b: _ratio(2 * intersection(a, b), area(a) + area(b)),
        "This is the Dice coefficient, 2 |a n b| / (|a| + |b|). IoU divides by the union.",
    ),
    Mistake(
        lambda a, b: _ratio(intersection(a, b), min(area(a), area(b))),
        "The intersection was divided by the smaller box: a small box inside a large one would "
        "count as equal to it. Divide by the union.",
    ),
    Mistake(
        _pixels,
        "One was added to each side, as the old VOC tools do with pixels. Coordinates are continuous "
        "here: a box from 0 to 2 is 2 wide.",
    ),
    Mistake(
        _width_and_height,
        "The last two numbers were read as width and height. They are x2 and y2, the right and the "
        "lower edge.",
    ),
    Mistake(
        _no_area,
        "Two boxes without area: their union is 0, and 0 / 0 is not a number. Such an IoU is 0.",
    ),
)


def _greedy(boxes, scores, drops, order=None):
    """NMS with another rule: `drops(i, kept, earlier)` says whether box i goes."""
    kept, earlier = [], []
    for i in best_first(scores) if order is None else order:
        if not drops(i, kept, earlier):
            kept.append(i)
        earlier.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def _close(boxes, i, others, t):
    return any(iou(boxes[i], boxes[k]) > t for k in others)


def _strict(boxes, scores, t):
    return _greedy(
        boxes, scores, lambda i, kept, _: any(iou(boxes[i], boxes[k]) >= t for k in kept)
    )


def _positions(boxes, scores, t):
    order = best_first(scores)
    kept = _greedy(boxes, scores, lambda i, kept, _: _close(boxes, i, kept, t)).tolist()
    return torch.tensor([order.index(i) for i in kept], dtype=torch.int64)


def _right(boxes, scores, t):
    return _greedy(boxes, scores, lambda i, kept, _: _close(boxes, i, kept, t))


def _mask(boxes, scores, t):
    mask = torch.zeros(len(boxes), dtype=torch.bool)
    mask[_right(boxes, scores, t)] = True
    return mask


def _higher_only(boxes, scores, t):
    def drops(i, kept, _):
        return _close(boxes, i, [k for k in kept if scores[k] > scores[i]], t)

    return _greedy(boxes, scores, drops)


NMS = (
    Mistake(
        _strict,
        "An IoU equal to the threshold was dropped. Drop a box only if its IoU is *greater* than the "
        "threshold.",
    ),
    Mistake(
        lambda boxes, scores, t: _greedy(
            boxes, scores, lambda i, _, earlier: _close(boxes, i, earlier, t)
        ),
        "A box was dropped because of a box that had been dropped itself. Compare with the boxes kept "
        "so far, not with all boxes of a higher score.",
    ),
    Mistake(
        lambda boxes, scores, t: _greedy(
            boxes, scores, lambda i, kept, _: _close(boxes, i, kept[-1:], t)
        ),
        "Each box was compared only with the last one kept. Compare it with all boxes kept so far.",
    ),
    Mistake(
        lambda boxes, scores, t: _greedy(
            boxes, scores, lambda i, kept, _: _close(boxes, i, kept[:1], t)
        ),
        "Each box was compared only with the best one. The procedure is repeated: the next box that is "
        "kept drops others in its turn.",
    ),
    Mistake(
        lambda boxes, scores, t: _greedy(
            boxes, scores, lambda i, kept, _: _close(boxes, i, kept, t), range(len(boxes))
        ),
        "The boxes were taken in the order in which they came. Begin with the highest score.",
    ),
    Mistake(
        lambda boxes, scores, t: _greedy(
            boxes, scores, lambda i, kept, _: _close(boxes, i, kept, t), best_first(-scores)
        ),
        "The boxes were taken from the lowest score up. Sort in descending order.",
    ),
    Mistake(
        _positions,
        "These are positions in the sorted list. Return indices of `boxes`: order[position].",
    ),
    Mistake(
        lambda boxes, scores, t: _right(boxes, scores, t).sort().values,
        "The right boxes, in another order. Return the index of the best box first.",
    ),
    Mistake(
        _mask,
        "A mask with True for each kept box was returned. Return the indices, the best first.",
    ),
    Mistake(
        _higher_only,
        "Two boxes with the same score: the second was compared only with boxes of a *higher* score.",
    ),
    Mistake(
        lambda boxes, scores, t: torch.stack(list(_right(boxes, scores, t))),
        "There may be no box at all. Return an empty row of indices then.",
    ),
    Mistake(
        lambda boxes, scores, _: _right(boxes, scores, 0.5),
        "The threshold 0.5 was written into the function. Use the argument.",
    ),
)
