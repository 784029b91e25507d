"""Bipartite matching: each object is matched with one query, so that the total cost is least (L5.11)."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from course_lib.arguments import shape
from course_lib.detection.overlap import generalized_box_iou
from course_lib.detectors.targets import NO_OBJECT

CLASS, L1, GIOU = 2.0, 5.0, 2.0  # how much each part counts, in the cost and in the loss


def to_corners(boxes: Tensor) -> Tensor:
    """(x, y, w, h), x and y the centre, to (x1, y1, x2, y2).             # [..., 4] -> [..., 4]"""
    centre, size = boxes.split(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def to_centres(boxes: Tensor) -> Tensor:
    """(x1, y1, x2, y2) to (x, y, w, h), x and y the centre.              # [..., 4] -> [..., 4]"""
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
    far = torch.cdist(boxes, objects, p=1)  # [Q, M]
    overlap = generalized_box_iou(to_corners(boxes), to_corners(objects))  # [Q, M]
    return L1 * far - GIOU * overlap - CLASS * probabilities[:, labels]


def match(cost: Tensor) -> tuple[Tensor, Tensor]:
    """The one-to-one matching whose costs add up to the least, found by the Hungarian algorithm.

    Args:
        cost: of every pair.                                  # [Q, M]
    Returns:
        Numbers of queries, rising, and the object of each.   # [min(Q, M)] int64 twice
    Raises:
        ValueError: cost not [Q, M]; NaN or infinity.

    Taking the cheapest pair first is not enough:

    >>> match(torch.tensor([[1.0, 2.0], [2.0, 9.0]]))  # 2 + 2, where greed would pay 1 + 9
    (tensor([0, 1]), tensor([1, 0]))
    """
    if cost.ndim != 2:
        raise ValueError(f"match: cost must be [Q, M], got {shape(cost)}")
    if not cost.isfinite().all():
        raise ValueError("match: cost must be finite, got NaN or infinity")
    queries, objects = linear_sum_assignment(cost.detach().cpu().numpy())
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
    pairs = []
    for i in range(len(logits)):
        present = torch.where(labels[i] != NO_OBJECT)[0]
        probabilities = logits[i].softmax(-1)
        cost = matching_cost(probabilities, boxes[i], labels[i, present], objects[i, present])
        query, object_ = match(cost)
        pairs.append(torch.stack([torch.full_like(query, i), query, present.cpu()[object_]]))
    return torch.cat(pairs, dim=1).to(labels.device).unbind()
