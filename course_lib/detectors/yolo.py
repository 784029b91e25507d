"""YOLO: every cell of a grid says, in one look at the picture, what lies in it (L5.09).

    picture -> backbone -> map of S x S cells -> one 1x1 convolution -> every cell says
        B times   x, y, w, h     a box around an object whose centre lies in this cell
        B times   objectness     is there such an object?
        C times   class          if there is one, of what class? (one answer for all B boxes)

    score of a class = objectness * class probability

From YOLO v1: the grid; B boxes to a cell, of which the one that overlaps the object most becomes responsible for it and
is trained; the two probabilities and their product. From later versions: a box's centre may lie half a cell outside, so
that its edge can be reached (v4); its size is an exponential (v2); probabilities are trained by cross-entropies (v3),
not by squared errors. S is the size of the picture by 8: 12 for our scenes, 7 in v1.

Redmon and others, You Only Look Once: Unified, Real-Time Object Detection, 2016. Redmon and Farhadi, YOLO9000, 2017 and
YOLOv3, 2018. Bochkovskiy and others, YOLOv4, 2020.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_positive
from course_lib.detection.losses import smooth_l1_loss
from course_lib.detection.overlap import box_iou
from course_lib.detectors.backbone import STRIDE, WIDTH, Backbone
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.targets import ABSENT, check_batch, scene_batches
from course_lib.training.loop import fit

BOXES = 2  # B, boxes that a cell may say
SIZE = 32.0  # pixels: the size of a box whose w and h are said to be 0
RARE = -3.0  # objectness before training, a logit: most cells are empty


class Cells(NamedTuple):
    """What the cells of a batch say; S x S of them, row by row."""

    numbers: Tensor  # centre in cells from the cell's corner, log sizes  # [N, S, S, B, 4]
    boxes: Tensor  # the same as boxes, in pixels  # [N, S, S, B, 4]
    objectness: Tensor  # logits  # [N, S, S, B]
    classes: Tensor  # logits  # [N, S, S, C]

    @property
    def scores(self) -> Tensor:
        """Pr(object) Pr(class | object), for every box and class.      # [N, S, S, B, C]"""
        return self.objectness.sigmoid()[..., None] * self.classes.softmax(-1)[..., None, :]


class Yolo(nn.Module):
    """The detector; see the top of the file.

    Args:
        classes: C, how many.

    >>> Yolo(classes=6)(torch.zeros(5, 3, 96, 96)).scores.shape
    torch.Size([5, 12, 12, 2, 6])
    """

    def __init__(self, classes: int):
        super().__init__()
        check_positive("Yolo", classes=classes)
        self.backbone = Backbone()
        self.head = nn.Conv2d(WIDTH, BOXES * (4 + 1) + classes, kernel_size=1)
        nn.init.constant_(self.head.bias[4 * BOXES : 5 * BOXES], RARE)

    def forward(self, images: Tensor) -> Cells:
        said = self.head(self.backbone(images)).permute(0, 2, 3, 1)  # [N, S, S, 5 B + C]
        place, objectness, classes = said.tensor_split((4 * BOXES, 5 * BOXES), dim=-1)
        centre, log_size = place.unflatten(-1, (BOXES, 4)).split(2, dim=-1)
        numbers = torch.cat([2 * centre.sigmoid() - 0.5, log_size.clamp(max=2)], dim=-1)
        return Cells(numbers, to_boxes(numbers), objectness, classes)

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Three errors added up: place, objectness, class; boxes and classes are trained where an object is.

        Args:
            images: pictures.                              # [N, 3, H, W] in 0..1, H and W multiples of 8
            boxes, labels: their objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        Raises:
            ValueError: the centre of a box lies outside the picture; not a row of boxes and labels for each picture.
        """
        check_batch("Yolo", images, boxes, labels)
        cells = self(images)
        picture, row, column, box, label = objects_in_cells(boxes, labels)  # of n objects
        check_inside(row, column, box, cells.boxes.shape[1:3])
        candidates = cells.boxes[picture, row, column]  # [n, B, 4]
        chosen = responsible(candidates, box)  # [n]
        where = picture, row, column, chosen
        wanted = torch.zeros_like(cells.objectness)
        wanted[where] = 1
        aim = to_numbers(box, row, column)  # [n, 4]
        place = smooth_l1_loss(cells.numbers[where], aim, beta=0.1)  # [n, 4]
        place = 2 * place[:, :2].sum() + place[:, 2:].sum()  # centres count twice
        objectness = F.binary_cross_entropy_with_logits(cells.objectness, wanted, reduction="sum")
        class_ = F.cross_entropy(cells.classes[picture, row, column], label, reduction="sum")
        return (place + objectness + class_) / max(len(box), 1)

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every picture, best first: boxes [n, 4] in pixels, labels [n], scores [n]."""
        cells = self(images)
        boxes, scores = cells.boxes.flatten(1, 3), cells.scores.flatten(1, 3)  # [N, S S B, 4 or C]
        return [final_detections(b, s) for b, s in zip(boxes, scores, strict=True)]


def to_boxes(numbers: Tensor) -> Tensor:
    """Boxes in pixels from what the cells say: (x + column) * 8 and 32 e^w, in the same way y and h.

    Args:
        numbers: (x, y, w, h) said by each cell.           # [N, S, S, B, 4]
    Returns:
        (x1, y1, x2, y2) in pixels.                        # [N, S, S, B, 4]
    """
    rows, columns = (torch.arange(s, device=numbers.device) for s in numbers.shape[1:3])
    corners = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)  # [S, S, 2]
    centre = (numbers[..., :2] + corners[:, :, None]) * STRIDE
    size = SIZE * numbers[..., 2:].exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def to_numbers(boxes: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """What a cell should say of a box; the way back of `to_boxes`.      # [n, 4], [n], [n] -> [n, 4]"""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    size = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1)  # nothing is thinner than a pixel
    return torch.cat(
        [centre / STRIDE - torch.stack([column, row], dim=1), (size / SIZE).log()], dim=1
    )


def objects_in_cells(boxes: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """The objects of a batch in one list, each with the cell in which its centre lies.

    Args:
        boxes, labels: as `padded` gives them; -1 is no object.   # [N, M, 4] pixels, [N, M]
    Returns:
        picture, row, column: where the object's cell is.   # [n] int64 each
        its box and its class.                              # [n, 4], [n]
    """
    picture, slot = torch.where(labels != ABSENT)
    box = boxes[picture, slot]
    column, row = ((box[:, :2] + box[:, 2:]) / 2 / STRIDE).floor().long().unbind(1)
    return picture, row, column, box, labels[picture, slot]


def check_inside(row: Tensor, column: Tensor, boxes: Tensor, grid: tuple[int, int]) -> None:
    """Raise unless every object's cell is one of the grid's."""
    inside = (row >= 0) & (row < grid[0]) & (column >= 0) & (column < grid[1])
    if not inside.all():
        stray = boxes[~inside][0].tolist()
        size = f"{STRIDE * grid[1]} x {STRIDE * grid[0]} pixels"
        raise ValueError(f"Yolo: a box's centre must lie in the picture, got {stray} in {size}")


def responsible(candidates: Tensor, boxes: Tensor) -> Tensor:
    """Which of its cell's B boxes is responsible for each object: the one that overlaps it most now.

    Args:
        candidates: the boxes that the object's cell says.   # [n, B, 4]
        boxes: the objects.                                  # [n, 4]
    Returns:
        A number of a box, 0 to B - 1; of equal ones the first.   # [n] int64

    So a box that happens to fit is trained to fit better, and the B boxes of a cell come to share the work.
    """
    objects, per_cell = candidates.shape[:2]
    iou = box_iou(boxes, candidates.detach().flatten(0, 1))  # [n, n B]: also with others' cells
    own = iou.view(objects, objects, per_cell).diagonal().T  # [n, B]
    return own.argmax(dim=1)


def train_yolo(detector: Yolo, images: Tensor, boxes: Tensor, labels: Tensor) -> list[float]:
    """The course's recipe: 1,300 batches of 16 scenes.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
    Returns:
        The loss of every step. About a minute on one CPU core.
    """
    sample = scene_batches(images, boxes, labels, size=16)
    return fit(
        detector,
        sample,
        Yolo.loss,
        steps=1300,
        lr=5e-3,
        max_norm=5.0,
        max_seconds=300,
        label="YOLO",
    )
