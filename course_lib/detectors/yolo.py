"""YOLO: every cell of a grid predicts, in one pass over the image, what lies in it (L5.09).

    image -> backbone -> map of S x S cells -> one 1x1 convolution -> every cell predicts
        B times   x, y, w, h     a box around an object whose centre lies in this cell
        B times   objectness     is there such an object?
        C times   class          if there is one, of what class? (once for all B boxes)

    score of a class = objectness * class probability

From YOLO v1: the grid; B boxes to a cell, of which the one that overlaps the object most becomes responsible for it and
is trained; the two probabilities and their product. From later versions: a box's centre may lie half a cell outside, so
that its edge can be reached (v4); its size is an exponential (v2); probabilities are trained by cross-entropies (v3),
not by squared errors. S is the size of the image by 8: 12 for our scenes, 7 in v1.

Redmon and others, You Only Look Once: Unified, Real-Time Object Detection, 2016. Redmon and Farhadi, YOLO9000, 2017 and
YOLOv3, 2018. Bochkovskiy and others, YOLOv4, 2020.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_tensor
from course_lib.detection.losses import smooth_l1_loss
from course_lib.detection.overlap import box_iou
from course_lib.detectors.backbone import STRIDE, WIDTH, at_least_float32
from course_lib.detectors.detector import Detector
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.targets import NO_OBJECT

BOXES = 2  # B, boxes that a cell predicts
SIZE = 32.0  # pixels: the size of a box whose w and h are predicted as 0
RARE = -3.0  # objectness before training, a logit: most cells are empty


class YoloPrediction(NamedTuple):
    """What the cells of a batch predict; S x S of them, row by row."""

    offsets: Tensor  # centre in cells from the cell's corner, log sizes  # [N, S, S, B, 4]
    boxes: Tensor  # the same as boxes, in pixels                         # [N, S, S, B, 4]
    objectness: Tensor  # logits                                          # [N, S, S, B]
    logits: Tensor  # of the classes                                      # [N, S, S, C]

    @property
    def scores(self) -> Tensor:
        """Pr(object) Pr(class | object), for every box and class.      # [N, S, S, B, C]"""
        return self.objectness.sigmoid()[..., None] * self.logits.softmax(-1)[..., None, :]


class Yolo(Detector):
    """The detector; see the top of the file.

    Args:
        classes: C, how many.

    >>> Yolo(classes=6)(torch.zeros(5, 3, 96, 96)).scores.shape
    torch.Size([5, 12, 12, 2, 6])
    """

    def __init__(self, classes: int):
        super().__init__(classes)
        self.head = nn.Conv2d(WIDTH, BOXES * (4 + 1) + classes, kernel_size=1)
        nn.init.constant_(self.head.bias[4 * BOXES : 5 * BOXES], RARE)

    def forward(self, images: Tensor) -> YoloPrediction:
        outputs = at_least_float32(self.head(self.backbone(images)))  # [N, 5 B + C, S, S]
        place, objectness, logits = outputs.permute(0, 2, 3, 1).tensor_split(
            (4 * BOXES, 5 * BOXES), dim=-1
        )
        centre, log_size = place.unflatten(-1, (BOXES, 4)).split(2, dim=-1)
        offsets = torch.cat([2 * centre.sigmoid() - 0.5, log_size.clamp(max=2)], dim=-1)
        return YoloPrediction(offsets, _decode_cells(offsets), objectness, logits)

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Three errors added up: place, objectness, class; boxes and classes are trained where an object is.

        Args:
            images: a batch.                               # [N, 3, H, W] in 0..1
            boxes, labels: their objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        Raises:
            ValueError: the centre of a box lies outside the image; not a row of boxes and labels for each image.
        """
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        prediction = self(images)
        image, row, column, box, label = objects_in_cells(boxes, labels)  # of n objects
        # a centre on the far edge of the image belongs to the last cell
        last_row, last_column = (side - 1 for side in prediction.boxes.shape[1:3])
        row, column = row.clamp(max=last_row), column.clamp(max=last_column)
        chosen = responsible(prediction.boxes[image, row, column], box)  # [n]
        where = image, row, column, chosen
        target_objectness = torch.zeros_like(prediction.objectness)
        target_objectness[where] = 1
        target_offsets = _encode_cells(box, row, column)  # [n, 4]
        place = smooth_l1_loss(prediction.offsets[where], target_offsets, beta=0.1)  # [n, 4]
        place = 2 * place[:, :2].sum() + place[:, 2:].sum()  # centres count twice
        objectness = F.binary_cross_entropy_with_logits(
            prediction.objectness, target_objectness, reduction="sum"
        )
        logits = prediction.logits[image, row, column]  # [n, C]
        class_ = F.cross_entropy(logits, label, reduction="sum")
        return (place + objectness + class_) / max(len(box), 1)

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every image, best first: boxes [n, 4] in pixels, labels [n], scores [n]."""
        prediction = self(images)
        # [N, S S B, 4 or C]
        boxes, scores = prediction.boxes.flatten(1, 3), prediction.scores.flatten(1, 3)
        return [final_detections(b, s) for b, s in zip(boxes, scores, strict=True)]


def _decode_cells(offsets: Tensor) -> Tensor:
    """Boxes in pixels from what the cells predict: (x + column) * 8 and 32 e^w, in the same way y and h.

    Args:
        offsets: (x, y, w, h) predicted by each cell.      # [N, S, S, B, 4]
    Returns:
        (x1, y1, x2, y2) in pixels.                        # [N, S, S, B, 4]
    """
    rows, columns = (torch.arange(s, device=offsets.device) for s in offsets.shape[1:3])
    corners = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)  # [S, S, 2]
    centre = (offsets[..., :2] + corners[:, :, None]) * STRIDE
    size = SIZE * offsets[..., 2:].exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def _encode_cells(boxes: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """What a cell should predict for a box; the way back of `_decode_cells`.      # [n, 4], [n], [n] -> [n, 4]"""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    size = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1)  # no box is thinner than a pixel
    return torch.cat(
        [centre / STRIDE - torch.stack([column, row], dim=1), (size / SIZE).log()], dim=1
    )


def objects_in_cells(boxes: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """The objects of a batch in one list, each with the cell in which its centre lies.

    Args:
        boxes, labels: as `padded` gives them; -1 is no object.   # [N, M, 4] pixels, [N, M]
    Returns:
        image, row, column: where the object's cell is.    # [n] int64 each
        its box and its class.                             # [n, 4], [n]
    """
    check_tensor("objects_in_cells", "[N, M, 4]", boxes=boxes)
    check_tensor("objects_in_cells", str(list(boxes.shape[:2])), torch.int64, labels=labels)
    image, slot = torch.where(labels != NO_OBJECT)
    box = boxes[image, slot]
    column, row = ((box[:, :2] + box[:, 2:]) / 2 / STRIDE).floor().long().unbind(1)
    return image, row, column, box, labels[image, slot]


def responsible(candidates: Tensor, boxes: Tensor) -> Tensor:
    """Which of its cell's B boxes is responsible for each object: the one that overlaps it most now.

    Args:
        candidates: the boxes that the object's cell predicts.   # [n, B, 4]
        boxes: the objects.                                  # [n, 4]
    Returns:
        A number of a box, 0 to B - 1; of equal ones the first.   # [n] int64

    So a box that happens to fit is trained to fit better, and the B boxes of a cell come to share the work.
    """
    check_tensor("responsible", "[n, 4]", boxes=boxes)
    check_tensor("responsible", f"[{len(boxes)}, B, 4]", candidates=candidates)
    objects, per_cell = candidates.shape[:2]
    iou = box_iou(boxes, candidates.detach().flatten(0, 1))  # [n, n B]: also with others' cells
    return iou.view(objects, objects, per_cell).diagonal().T.argmax(dim=1)  # of [n, B]
