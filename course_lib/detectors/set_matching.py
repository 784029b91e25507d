"""Bipartite matching: each object is matched with one query, so that the total cost is least (L5.11)."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from course_lib.arguments import check_finite, check_labels, check_tensor
from course_lib.detection.overlap import generalized_box_iou
from course_lib.detectors.backbone import at_least_float32
from course_lib.detectors.targets import NO_OBJECT

CLASS, L1, GIOU = 2.0, 5.0, 2.0  # how much each part counts, in the cost and in the loss


def _check_sides(where: str, boxes: Tensor) -> None:
    """Raise unless the last axis holds the four numbers of a box; any leading axes are right."""
    leading = ", ".join("*" * (getattr(boxes, "ndim", 2) - 1) + "4")
    check_tensor(where, f"[{leading}]", boxes=boxes)


def to_corners(boxes: Tensor) -> Tensor:
    """(x, y, w, h), x and y the centre, to (x1, y1, x2, y2).             # [..., 4] -> [..., 4]"""
    _check_sides("to_corners", boxes)
    centre, size = boxes.split(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def to_centres(boxes: Tensor) -> Tensor:
    """(x1, y1, x2, y2) to (x, y, w, h), x and y the centre.              # [..., 4] -> [..., 4]"""
    _check_sides("to_centres", boxes)
    top_left, bottom_right = boxes.split(2, dim=-1)
    return torch.cat([(top_left + bottom_right) / 2, bottom_right - top_left], dim=-1)


def matching_cost(probabilities: Tensor, boxes: Tensor, labels: Tensor, objects: Tensor) -> Tensor:
    """What it costs to match each query with each object.

        cost = 5 |b - o|_1 - 2 GIoU(b, o) - 2 p(class of o)

    Args:
        probabilities: of the classes, predicted by each query.   # [Q, C or more] in 0..1
        boxes: predicted, (x, y, w, h) in 0..1.               # [Q, 4]
        labels: the objects' classes.                         # [M] int64
        objects: their boxes, (x, y, w, h) in 0..1.           # [M, 4]
    Returns:
        The cost of every pair.                               # [Q, M]

    Carion and others, End-to-End Object Detection with Transformers, 2020, section 3.1 and appendix A.
    """
    check_tensor("matching_cost", "[Q, C]", probabilities=probabilities)
    check_tensor("matching_cost", f"[{len(probabilities)}, 4]", boxes=boxes)
    check_tensor("matching_cost", "[M, 4]", objects=objects)
    check_labels("matching_cost", labels, len(objects), classes=probabilities.shape[1])
    boxes, objects = at_least_float32(boxes), at_least_float32(objects)
    far = torch.cdist(boxes, objects.to(boxes.dtype), p=1)  # [Q, M]
    overlap = generalized_box_iou(to_corners(boxes), to_corners(objects))  # [Q, M]
    return L1 * far - GIOU * overlap - CLASS * probabilities[:, labels]


def match(cost: Tensor) -> tuple[Tensor, Tensor]:
    """The one-to-one matching whose costs add up to the least, found by the Hungarian algorithm.

    Args:
        cost: of every pair.                                  # [Q, M]
    Returns:
        Numbers of queries, rising, and the object of each.   # [min(Q, M)] int64 twice
    Raises:
        TypeError, ValueError: cost not [Q, M] of floating point; NaN or infinity.

    Taking the cheapest pair first is not enough:

    >>> match(torch.tensor([[1.0, 2.0], [2.0, 9.0]]))  # 2 + 2, where greed would pay 1 + 9
    (tensor([0, 1]), tensor([1, 0]))
    """
    check_tensor("match", "[Q, M]", cost=cost)
    check_finite("match", cost=cost)
    queries, objects = linear_sum_assignment(cost.detach().cpu().double().numpy())
    return torch.from_numpy(queries), torch.from_numpy(objects)


@torch.no_grad()
def match_images(
    logits: Tensor, boxes: Tensor, objects: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`match` in every image of a batch.

    Args:
        logits: of the classes, predicted by each query.      # [N, Q, C + 1]
        boxes: predicted, (x, y, w, h) in 0..1.               # [N, Q, 4]
        objects: (x, y, w, h) in 0..1.                        # [N, M, 4]
        labels: their classes; -1 is no object.               # [N, M] int64
    Returns:
        image, query, object: n pairs, image by image.        # [n] int64 each
    """
    check_tensor("match_images", "[N, Q, C + 1]", logits=logits)
    check_tensor("match_images", f"[{len(logits)}, Q, 4]", boxes=boxes)
    check_tensor("match_images", f"[{len(logits)}, M, 4]", objects=objects)
    check_tensor("match_images", str(list(objects.shape[:2])), torch.int64, labels=labels)
    pairs = [torch.zeros(3, 0, dtype=torch.int64)]
    for i in range(len(logits)):
        present = torch.where(labels[i] != NO_OBJECT)[0]
        probabilities = logits[i].softmax(-1)
        cost = matching_cost(probabilities, boxes[i], labels[i, present], objects[i, present])
        query, object_ = match(cost)
        pairs.append(torch.stack([torch.full_like(query, i), query, present.cpu()[object_]]))
    return torch.cat(pairs, dim=1).to(labels.device).unbind()
