"""Which detection found which object: the matching behind average precision, as COCO and VOC define it (L5.03).

Predictions and targets are lists with a dict for each picture, in torchvision's form. All pictures and classes are gone
through at once, in flat arrays: D detections, class by class and best first, and G objects of the ground truth.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import check_labels, shape
from course_lib.detection.masks import mask_overlaps
from course_lib.detection.overlap import check_boxes

# Objects to be found, by their area in pixels: all, small, medium, large.
AREAS = {"": (0, 1e10), "s": (0, 32**2), "m": (32**2, 96**2), "l": (96**2, 1e10)}
MOST = 100  # detections of a class in a picture that count
SHAPES = ("boxes", "masks")  # what IoU is measured on
LEAST = 0.5  # the lowest IoU at which a detection is right


class Scenes(NamedTuple):
    """Detections [D] and objects [G] of all pictures, and the pairs [P] of one class that overlap by half or more."""

    classes: np.ndarray  # [K] the labels that there are, ascending
    label: np.ndarray  # [D] number of the class in `classes`, ascending
    rank: np.ndarray  # [D] 0 for the best of its class in its picture
    source: np.ndarray  # [D] its number in the predictions, counted through all pictures
    area: np.ndarray  # [D] pixels
    object_label: np.ndarray  # [G]
    object_area: np.ndarray  # [G]
    crowd: np.ndarray  # [G] bool: not to be found
    detection: np.ndarray  # [P] pair by pair: the numbers of the two, and their IoU
    object: np.ndarray  # [P]
    iou: np.ndarray  # [P]


def gather(
    where: str,
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    kind: str,
    shapes: str = "boxes",
) -> Scenes:
    """All pictures' detections and objects in flat arrays, sorted, with their pairs; `shapes`: what has to overlap."""
    if shapes not in SHAPES:
        raise ValueError(f"{where}: shapes must be one of {SHAPES}, got {shapes!r}")
    if len(predictions) != len(targets):
        raise ValueError(
            f"{where}: there must be as many predictions as targets, a dict for each picture, "
            f"got {len(predictions)} and {len(targets)}"
        )
    labels, image = joined(where, "predictions", predictions, shapes, "labels", "scores")
    object_labels, object_image = joined(where, "targets", targets, shapes, "labels")
    scores = flat(where, "scores", predictions, labels)
    if np.isnan(scores).any():
        raise ValueError(f"{where}: scores must be numbers, got NaN")
    crowd = flat(where, "iscrowd" if kind == "coco" else "difficult", targets, object_labels, 0) > 0
    classes, numbers = np.unique(np.concatenate([labels, object_labels]), return_inverse=True)
    labels, object_labels = numbers[: len(labels)], numbers[len(labels) :]
    order = np.lexsort((-scores, image, labels))  # stable: of equal scores the earlier comes first
    group = labels * len(predictions) + image  # a class in a picture
    rank = np.empty(len(labels), dtype=np.int64)
    rank[order] = place_in_run(group[order])
    order = np.lexsort((rank, image, -scores, labels))
    order = order[rank[order] < MOST]
    object_group = object_labels * len(predictions) + object_image
    detection, thing = pairs_of_a_group(group[order], object_group)
    measure = mask_overlaps if shapes == "masks" else box_overlaps
    areas, object_areas, overlap = measure(where, predictions, targets, order[detection], thing)
    areas = areas[order]
    close = close_pairs(detection, thing, areas, object_areas, overlap, crowd, kind)
    given_areas = flat(where, "area", targets, object_labels, object_areas)
    return Scenes(
        classes, labels[order], rank[order], order, areas, object_labels, given_areas, crowd, *close
    )  # fmt: skip


def joined(
    where: str, name: str, pictures: list[dict[str, Tensor]], shapes: str, *more: str
) -> tuple[np.ndarray, np.ndarray]:
    """Labels [N] and number of the picture [N] of all pictures' boxes or masks, checked."""
    needed, counts = {shapes, *more}, []
    for image, picture in enumerate(pictures):
        if not picture.keys() >= needed:
            raise ValueError(
                f"{where}: {name} must hold {shapes}, {' and '.join(more)} for each picture, "
                f"got {', '.join(picture) or 'nothing'} in picture {image}"
            )
        counts.append(len(picture["labels"]))
        if len(picture[shapes]) != counts[-1]:
            raise ValueError(
                f"{where}: {name} must have as many labels as {shapes} in a picture, got "
                f"{shapes} {shape(picture[shapes])} and labels {shape(picture['labels'])}"
            )
    labels = torch.cat([p["labels"] for p in pictures] or [torch.zeros(0, dtype=torch.int64)])
    check_labels(f"{where}: {name}", labels)
    if len(labels) > 0 and labels.min() < 0:
        raise ValueError(f"{where}: {name}: labels must be 0 or above, got {labels.min().item()}")
    image = np.repeat(np.arange(len(pictures)), counts)
    return labels.cpu().numpy(), image.astype(np.int64)


def flat(
    where: str, name: str, pictures: list[dict[str, Tensor]], like: np.ndarray, missing=None
) -> np.ndarray:
    """A number for each label of all pictures; where a picture has none of that name, what stands in for it."""
    parts, first = [], 0
    for picture in pictures:
        count = len(picture["labels"])
        if name not in picture and missing is not None:
            parts.append(np.broadcast_to(missing, len(like))[first : first + count])
        elif len(picture[name]) != count:
            raise ValueError(
                f"{where}: {name} must be one for each label of a picture, [{count}], "
                f"got {shape(picture[name])}"
            )
        else:
            parts.append(picture[name].detach().cpu().numpy())
        first += count
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def place_in_run(values: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within every run of equal values.                     # [n] -> [n]"""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    lengths = np.diff(starts, append=len(values))
    return np.arange(len(values)) - np.repeat(starts, lengths)


def pairs_of_a_group(group: np.ndarray, object_group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of each detection and object of one picture and class.     # [D], [G] -> [P], [P]"""
    by_group = np.argsort(object_group, kind="stable")
    first, last = (
        np.searchsorted(object_group[by_group], group, side) for side in ("left", "right")
    )
    detection = np.repeat(np.arange(len(group)), last - first)
    return detection, by_group[np.repeat(first, last - first) + place_in_run(detection)]


def box_overlaps(
    where: str,
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    detection: np.ndarray,
    thing: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`masks.mask_overlaps` of boxes: areas of all detections and objects, overlap of the pairs."""
    boxes = corners(f"{where}: predictions", predictions)
    objects = corners(f"{where}: targets", targets)
    a, b = boxes[detection], objects[thing]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    return area(boxes), area(objects), sides.clip(min=0).prod(axis=1)


def corners(where: str, pictures: list[dict[str, Tensor]]) -> np.ndarray:
    """All pictures' boxes, checked.                                      # [N, 4]"""
    filled = [p["boxes"] for p in pictures if len(p["boxes"]) > 0]  # an empty one may be [0]
    boxes = torch.cat(filled or [torch.zeros(0, 4)])
    check_boxes(where, boxes=boxes)
    return boxes.double().cpu().numpy()


def area(boxes: np.ndarray) -> np.ndarray:
    """Areas in pixels.                                                   # [N, 4] -> [N]"""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def close_pairs(
    detection: np.ndarray,
    thing: np.ndarray,
    areas: np.ndarray,
    object_areas: np.ndarray,
    overlap: np.ndarray,
    crowd: np.ndarray,
    kind: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those pairs that overlap by half or more: numbers of the detection and the object, IoU.

    With VOC's rule a detection is paired with nothing but the object that it overlaps most.
    """
    within = crowd[thing] & (kind == "coco")  # a crowd may be far larger: to lie on it is enough
    union = areas[detection] + np.where(within, 0, object_areas[thing] - overlap)
    iou = overlap / np.where(union > 0, union, 1)
    close = iou >= LEAST
    if kind != "coco":
        # a detection's best pair comes last; of equal ones that with the first object
        order = np.lexsort((-thing, iou, detection))
        close[order] &= np.diff(detection[order], append=-1) != 0
    return detection[close], thing[close], iou[close]


def judge(
    scenes: Scenes, size: str, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which detections are right at each of T thresholds of IoU.

    Args:
        size: a name in `AREAS`: only objects of that area are to be found.
        thresholds: of IoU, 0.5 or above.                                 # [T]
    Returns:
        whether each detection is right; whether it counts at all; objects to be found, class by class.
                                                                          # [T, D] bool twice, [K]

    A detection takes the object not yet taken that it overlaps most. Those that are to be found go before those that
    are not; on these any number of detections may lie, and none of them counts. The best detections of all pictures and
    classes take first, then all the second best: in one turn no two want the same object.
    """
    low, high = AREAS[size]
    outside = (scenes.object_area < low) | (scenes.object_area > high)
    ignored = scenes.crowd | outside  # [G]
    positives = np.bincount(scenes.object_label[~ignored], minlength=len(scenes.classes))
    odd_size = (scenes.area < low) | (scenes.area > high)  # [D]
    right = np.zeros((len(thresholds), len(scenes.area)), dtype=bool)
    counted = np.repeat(~odd_size[None], len(thresholds), axis=0)
    taken = np.zeros((len(thresholds), len(ignored)), dtype=bool)
    turn = scenes.rank[scenes.detection]  # [P]
    order = np.lexsort(
        (scenes.object, scenes.iou, ~ignored[scenes.object], scenes.detection, turn)
    )  # in a detection's pairs the best comes last
    turns = np.flatnonzero(np.diff(turn[order], prepend=-1, append=-1))
    for start, end in pairwise(turns):
        pair = order[start:end]
        own = np.flatnonzero(np.diff(scenes.detection[pair], prepend=-1))  # where each one's begin
        free = (scenes.iou[pair] >= thresholds[:, None]) & ~taken[:, scenes.object[pair]]
        best = np.maximum.reduceat(np.where(free, np.arange(len(pair)), -1), own, axis=1)
        t, which = np.nonzero(best >= 0)
        pair = pair[best[t, which]]
        found, thing = scenes.detection[pair], scenes.object[pair]
        right[t, found] = counted[t, found] = ~ignored[thing]
        taken[t, thing] = ~scenes.crowd[thing]  # a crowd has room for all
    return right, counted, positives
