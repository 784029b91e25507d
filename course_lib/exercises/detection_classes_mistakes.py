"""Known mistakes with NMS in each class, each with the hint for who made it (L5.02)."""

import operator

import torch

from course_lib.by_definition import detection as plain
from course_lib.by_definition.detection import best_first, iou
from course_lib.exercises.task import Mistake


def _walk(
    rivals=lambda mine, i, kept, earlier: [k for k in kept if mine(k)],
    too_close=operator.gt,
    order=best_first,
):
    """`batched_nms` by another rule.

    rivals: (k -> whether box k is of the class of box i, i, kept, boxes before i) -> the boxes that i is compared with;
    too_close: (IoU, threshold) -> whether i is dropped; order: scores -> the order in which the boxes are taken.
    """

    def batched_nms(boxes, scores, labels, t):
        kept, earlier = [], []
        for i in order(scores):
            others = rivals(lambda k, i=i: labels[k] == labels[i], i, kept, earlier)
            if not any(too_close(iou(boxes[i], boxes[k]), t) for k in others):
                kept.append(i)
            earlier.append(i)
        return torch.tensor(kept, dtype=torch.int64)

    return batched_nms


def _classes(boxes, scores, labels, t):
    """For each class the indices of its boxes, and which of them are kept.  # -> pairs of [n], [k]"""
    members = [(labels == c).nonzero()[:, 0] for c in labels.unique()]
    return [(m, plain.nms(boxes[m], scores[m], t)) for m in members]


def _joined(rows):
    return torch.cat([torch.zeros(0, dtype=torch.int64), *rows])


def _by_score(kept, scores):
    return kept[best_first(scores[kept])]


def _class_after_class(boxes, scores, labels, t):
    return _joined(m[kept] for m, kept in _classes(boxes, scores, labels, t))


def _class_after_class_or_none(boxes, scores, labels, t):
    """`torch.cat` fails where there is nothing to join."""
    return torch.cat([m[kept] for m, kept in _classes(boxes, scores, labels, t)])


def _within_class(boxes, scores, labels, t):
    return _joined(kept for _, kept in _classes(boxes, scores, labels, t))


def _within_class_sorted(boxes, scores, labels, t):
    return _by_score(_within_class(boxes, scores, labels, t), scores)


def _list_for_each_class(boxes, scores, labels, t):
    return [m[kept].tolist() for m, kept in _classes(boxes, scores, labels, t)]


def _best_of_each_class(boxes, scores, labels, t):
    return _by_score(_joined(m[kept[:1]] for m, kept in _classes(boxes, scores, labels, t)), scores)


def _shifted_by_label(boxes, scores, labels, t):
    return plain.nms(boxes + labels[:, None], scores, t)


def _shifted_in_place(boxes, scores, labels, t):
    boxes += labels[:, None] * 100
    return plain.nms(boxes, scores, t)


def _labels_unsorted(boxes, scores, labels, t):
    order = torch.tensor(best_first(scores), dtype=torch.int64)
    return order[plain.batched_nms(boxes[order], scores[order], labels, t)]


def _positions(boxes, scores, labels, t):
    order = best_first(scores)
    kept = plain.batched_nms(boxes, scores, labels, t).tolist()
    return torch.tensor([order.index(i) for i in kept], dtype=torch.int64)


def _without_class_0(boxes, scores, labels, t):
    kept = plain.batched_nms(boxes, scores, labels, t)
    return kept[labels[kept] != 0]


def _mask(boxes, scores, labels, t):
    kept = plain.batched_nms(boxes, scores, labels, t)
    return torch.isin(torch.arange(len(boxes)), kept)


def _higher_only(boxes, scores, labels, t):
    walk = _walk(lambda mine, i, kept, _: [k for k in kept if mine(k) and scores[k] > scores[i]])
    return walk(boxes, scores, labels, t)


BATCHED_NMS = (
    Mistake(
        lambda boxes, scores, labels, t: plain.nms(boxes, scores, t),
        "The labels were not used: a box was dropped because of a box of another class. Compare only "
        "boxes of the same class.",
    ),
    Mistake(
        _class_after_class,
        "The classes stand one after another. Sort what is kept by score, over all classes together.",
    ),
    Mistake(
        _class_after_class_or_none,
        "The classes were joined one after another: sort what is kept by score. Where there is no box "
        "there is no class to join: return an empty row.",
    ),
    Mistake(
        _within_class,
        "These are places within each class, as NMS on the boxes of one class returns them. Turn them "
        "into indices of `boxes`.",
    ),
    Mistake(
        _within_class_sorted,
        "The result of NMS on one class counts the boxes of that class alone, and these numbers were "
        "then used to look up scores of all boxes. Turn them into indices of `boxes` first.",
    ),
    Mistake(
        _labels_unsorted,
        "Boxes and scores were sorted, the labels were not: a box was judged by the label of another "
        "box. Sort all three in the same way.",
    ),
    Mistake(
        _walk(lambda mine, i, kept, _: [k for k in kept if not mine(k)]),
        "Boxes of *different* classes were compared. A box drops later boxes of its own class, and "
        "leaves the other classes alone.",
    ),
    Mistake(
        _shifted_by_label,
        "The boxes of a class were shifted by its label: the classes still overlap. Shift each class "
        "by more than the largest coordinate.",
    ),
    Mistake(
        _best_of_each_class,
        "Only the best box of each class was kept. A class may have several objects: keep every box "
        "that does not overlap a kept one too much.",
    ),
    Mistake(
        _walk(too_close=operator.ge),
        "A box whose IoU equals the threshold was dropped. Only a *greater* IoU drops a box.",
    ),
    Mistake(
        _walk(lambda mine, i, kept, earlier: [k for k in earlier if mine(k)]),
        "A box of the class that was dropped itself has dropped another one. Only boxes that are kept "
        "drop others.",
    ),
    Mistake(
        _positions,
        "These are places in the list sorted by score. Look up in the order which index of `boxes` "
        "stands there.",
    ),
    Mistake(
        lambda *case: plain.batched_nms(*case).sort().values,
        "The right indices, but in rising order of the index. Put the index of the best box first.",
    ),
    Mistake(
        lambda *case: plain.batched_nms(*case).flip(0),
        "The right indices, but the worst box is first. Sort by score in descending order.",
    ),
    Mistake(
        _walk(order=lambda scores: best_first(-scores)),
        "The walk began at the lowest score: worse boxes have dropped better ones. Begin at the "
        "highest score.",
    ),
    Mistake(
        _walk(order=lambda scores: range(len(scores))),
        "The boxes were taken as they came. Walk down the scores, the highest first.",
    ),
    Mistake(
        _walk(lambda mine, i, kept, _: [k for k in kept if mine(k)][-1:]),
        "A box was compared only with the last kept box of its class. Compare it with every kept box "
        "of its class.",
    ),
    Mistake(
        _walk(lambda mine, i, kept, _: [k for k in kept if mine(k)][:1]),
        "A box was compared only with the best box of its class. Each box that is kept drops others "
        "in its turn.",
    ),
    Mistake(
        _mask,
        "A mask was returned, True at each box kept. Return the indices of these boxes, best first.",
    ),
    Mistake(
        lambda boxes, *case: boxes[plain.batched_nms(boxes, *case)],
        "The boxes themselves were returned. Return their indices.",
    ),
    Mistake(
        _list_for_each_class,
        "A list of its own was returned for each class. Return one row of indices for all classes.",
    ),
    Mistake(
        _without_class_0,
        "The boxes of class 0 are missing, as if it were the background. Every label here is a class "
        "of objects.",
    ),
    Mistake(
        _higher_only,
        "Of two boxes of a class with equal scores neither dropped the other. The one that is kept "
        "first drops the other one.",
    ),
    Mistake(
        lambda *case: torch.stack(list(plain.batched_nms(*case))),
        "The function fails where there is no box. Return an empty row of indices there.",
    ),
    Mistake(
        lambda boxes, scores, labels, _: plain.batched_nms(boxes, scores, labels, 0.5),
        "The argument `iou_threshold` was not used, 0.5 stands in its place.",
    ),
    Mistake(
        _shifted_in_place,
        "The shift of each class was added to the caller's own boxes. Add it in a new tensor.",
    ),
)
