"""Detections and objects of all images in flat arrays, and the pairs of them that overlap (L5.03).

Predictions and targets are lists with a dict for each image, in torchvision's form. All images and classes are gone
through at once: D detections, class by class and best first, and G objects of the ground truth.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import check_tensor, shape
from course_lib.detection.masks import mask_overlaps
from course_lib.detection.overlap import check_boxes

# Points of recall at which precision is read for average precision; 0: at all.
KINDS = {"coco": 101, "voc07": 11, "voc12": 0}
MOST = 100  # detections of a class in an image that count, for COCO
SHAPES = ("boxes", "masks")  # what IoU is measured on
LEAST = 0.5  # the lowest IoU at which a detection is right


class FlatDetections(NamedTuple):
    """Detections [D] and objects [G] of all images, and the pairs [P] of one class that overlap by half or more."""

    classes: np.ndarray  # [K] the labels that there are, ascending
    label: np.ndarray  # [D] number of the class in `classes`, ascending
    rank: np.ndarray  # [D] 0 for the best of its class in its image
    source: np.ndarray  # [D] its number in the predictions, counted through all images
    area: np.ndarray  # [D] pixels
    object_label: np.ndarray  # [G]
    object_area: np.ndarray  # [G]
    crowd: np.ndarray  # [G] bool: ignored, neither a positive nor missed
    detection: np.ndarray  # [P] pair by pair: the numbers of the two, and their IoU
    object: np.ndarray  # [P]
    iou: np.ndarray  # [P]


def check_kind(where: str, kind: str) -> None:
    """Raise unless there is such a kind of average precision."""
    if kind not in tuple(KINDS):
        raise ValueError(f"{where}: kind must be one of {tuple(KINDS)}, got {kind!r}")


def gather(
    where: str,
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    kind: str,
    shapes: str = "boxes",
) -> FlatDetections:
    """All images' detections and objects in flat arrays, sorted, with their pairs; `shapes`: what has to overlap."""
    check_kind(where, kind)
    if shapes not in SHAPES:
        raise ValueError(f"{where}: shapes must be one of {SHAPES}, got {shapes!r}")
    labels, image = _joined(where, "predictions", predictions, shapes, "labels", "scores")
    object_labels, object_image = _joined(where, "targets", targets, shapes, "labels")
    if len(predictions) != len(targets):
        raise ValueError(
            f"{where}: there must be as many predictions as targets, a dict for each image, "
            f"got {len(predictions)} and {len(targets)}"
        )
    scores = _flat(where, "scores", predictions)
    if np.isnan(scores).any():
        raise ValueError(f"{where}: scores must be numbers, got NaN")
    crowd = _flat(where, "iscrowd" if kind == "coco" else "difficult", targets, object_labels * 0)
    classes, numbers = np.unique(np.concatenate([labels, object_labels]), return_inverse=True)
    labels, object_labels = numbers[: len(labels)], numbers[len(labels) :]
    order = np.lexsort((-scores, image, labels))  # stable: of equal scores the earlier comes first
    group = labels * len(predictions) + image  # a class in an image
    rank = np.empty(len(labels), dtype=np.int64)
    rank[order] = place_in_run(group[order])
    order = np.lexsort((rank, image, -scores, labels))
    if kind == "coco":
        order = order[rank[order] < MOST]
    object_group = object_labels * len(predictions) + object_image
    detection, target = _pairs_of_a_group(group[order], object_group)
    measure = mask_overlaps if shapes == "masks" else _box_overlaps
    areas, object_areas, overlap = measure(where, predictions, targets, order[detection], target)
    areas, crowd = areas[order], crowd > 0
    close = _close_pairs(detection, target, areas, object_areas, overlap, crowd, kind)
    given_areas = _flat(where, "area", targets, object_areas)
    if not (given_areas >= 0).all():
        bad = given_areas[~(given_areas >= 0)][0]
        raise ValueError(f"{where}: area must be 0 or above, got {bad:.3g}")
    return FlatDetections(
        classes, labels[order], rank[order], order, areas, object_labels, given_areas, crowd, *close
    )  # fmt: skip


def _joined(
    where: str, name: str, images: list[dict[str, Tensor]], shapes: str, *more: str
) -> tuple[np.ndarray, np.ndarray]:
    """Labels [N] and number of the image [N] of all images' boxes or masks, checked."""
    needed = (shapes, *more)
    if not isinstance(images, list | tuple):
        raise TypeError(
            f"{where}: {name} must be a list with a dict for each image, got {type(images).__name__}"
        )
    for number, image in enumerate(images):
        if not isinstance(image, Mapping) or not image.keys() >= set(needed):
            got = ", ".join(image) if isinstance(image, Mapping) else type(image).__name__
            raise ValueError(
                f"{where}: {name} must hold {shapes}, {' and '.join(more)} for each image, "
                f"got {got or 'nothing'} in image {number}"
            )
        labels = image["labels"]
        for key in needed:
            if not isinstance(image[key], Tensor):
                raise TypeError(
                    f"{where}: {name}: {key} must be tensors, got {type(image[key]).__name__} in image {number}"
                )
        if labels.dtype != torch.int64 or labels.ndim != 1:
            check_tensor(f"{where}: {name}: image {number}", "[n]", torch.int64, labels=labels)
        if image[shapes].shape[:1] != labels.shape:
            raise ValueError(
                f"{where}: {name} must have as many labels as {shapes} in an image, got "
                f"{shapes} {shape(image[shapes])} and labels {shape(labels)}"
            )
    every = torch.cat([i["labels"] for i in images] or [torch.zeros(0, dtype=torch.int64)])
    if len(every) > 0 and every.min() < 0:
        raise ValueError(f"{where}: {name}: labels must be 0 or above, got {every.min().item()}")
    number = np.repeat(np.arange(len(images)), [len(i["labels"]) for i in images])
    return every.cpu().numpy(), number.astype(np.int64)


def _flat(
    where: str, name: str, images: list[dict[str, Tensor]], missing: np.ndarray | None = None
) -> np.ndarray:
    """A number for each label of all images; where an image has none of that name, `missing` has."""
    parts, first = [], 0
    for image in images:
        count = len(image["labels"])
        if name in image:
            values = image[name]
            if not isinstance(values, Tensor) or values.shape != (count,):
                got = shape(values) if isinstance(values, Tensor) else type(values).__name__
                raise ValueError(
                    f"{where}: {name} must be one for each label of an image, a tensor [{count}], got {got}"
                )
            parts.append(values.detach())
        else:
            parts.append(torch.from_numpy(missing[first : first + count]))
        first += count
    # numpy knows no bfloat16
    return torch.cat([part.cpu().double() for part in parts]).numpy() if parts else np.zeros(0)


def place_in_run(values: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within every run of equal values.                     # [n] -> [n]"""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    lengths = np.diff(starts, append=len(values))
    return np.arange(len(values)) - np.repeat(starts, lengths)


def true_cells(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each True, row by row; three times as fast as np.nonzero.   # [T, D] bool -> [n], [n]"""
    return np.divmod(np.flatnonzero(table), max(1, table.shape[1]))


def _pairs_of_a_group(group: np.ndarray, object_group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of each detection and object of one image and class.     # [D], [G] -> [P], [P]"""
    by_group = np.argsort(object_group, kind="stable")
    first, last = (
        np.searchsorted(object_group[by_group], group, side) for side in ("left", "right")
    )
    detection = np.repeat(np.arange(len(group)), last - first)
    return detection, by_group[np.repeat(first, last - first) + place_in_run(detection)]


def _box_overlaps(
    where: str,
    predictions: list[dict[str, Tensor]],
    targets: list[dict[str, Tensor]],
    detection: np.ndarray,
    target: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`masks.mask_overlaps` of boxes: areas of all detections and objects, overlap of the pairs."""
    boxes = _corners(f"{where}: predictions", predictions)
    objects = _corners(f"{where}: targets", targets)
    a, b = boxes[detection], objects[target]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    return _area(boxes), _area(objects), sides.clip(min=0).prod(axis=1)


def _corners(where: str, images: list[dict[str, Tensor]]) -> np.ndarray:
    """All images' boxes, checked, in double precision.                   # [N, 4]"""
    filled = [image["boxes"].detach() for image in images if image["boxes"].shape != (0,)]
    for boxes in filled:
        if boxes.shape[1:] != (4,):
            check_boxes(where, boxes=boxes)
    boxes = torch.cat(filled or [torch.zeros(0, 4)])
    check_boxes(where, boxes=boxes)
    return boxes.double().cpu().numpy()


def _area(boxes: np.ndarray) -> np.ndarray:
    """Areas in pixels.                                                   # [N, 4] -> [N]"""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _close_pairs(
    detection: np.ndarray,
    target: np.ndarray,
    areas: np.ndarray,
    object_areas: np.ndarray,
    overlap: np.ndarray,
    crowd: np.ndarray,
    kind: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those pairs that overlap by half or more: numbers of the detection and the object, IoU.

    With VOC's rule a detection is paired with nothing but the object that it overlaps most.
    """
    within = crowd[target] & (kind == "coco")  # a crowd may be far larger: to lie on it is enough
    union = areas[detection] + np.where(within, 0, object_areas[target] - overlap)
    iou = overlap / np.where(union > 0, union, 1)
    close = iou >= LEAST
    if kind != "coco":
        # a detection's best pair comes last; of equal ones that with the first object
        order = np.lexsort((-target, iou, detection))
        close[order] &= np.diff(detection[order], append=-1) != 0
    return detection[close], target[close], iou[close]
