"""DETR: queries attend to the image, and each object is matched with one of them; nothing is suppressed (L5.11).

    image -> backbone -> 12 x 12 cells, a token each -> encoder: every token attends to all others
    16 queries -> decoder, twice: the queries attend to each other, then to the tokens
    every query predicts C + 1 class logits, the last for "no object", and a box

Training matches objects and queries one to one (`set_matching`); a query without an object learns "no object". Two
queries that predict the same object are never both matched, so they learn not to, and there is no need for NMS.

Queries are of two kinds. Those of the first DETR are learned numbers, the same for every image: what they look for
must be learned from nothing, which took 500 epochs. Here, by default, they come from the image itself, as in two-stage
Deformable DETR: every token makes a proposal, the 16 best become queries, and the decoder refines their boxes.

Carion and others, End-to-End Object Detection with Transformers, 2020. Zhu and others, Deformable DETR, 2021.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.detection.overlap import generalized_box_iou
from course_lib.detectors.backbone import WIDTH, at_least_float32
from course_lib.detectors.detector import Detector
from course_lib.detectors.set_matching import (
    CLASS,
    GIOU,
    L1,
    match_images,
    to_centres,
    to_corners,
)

QUERIES, LAYERS, HEADS = 16, 2, 4
NO_OBJECT_WEIGHT = 0.15  # of "no object" among the classes: most queries have none


class DetrPrediction(NamedTuple):
    """What Q queries predict; the tokens' proposals are such a set too, with a query for each of the T tokens."""

    logits: Tensor  # of the classes; the last is "no object"             # [N, Q, C + 1]
    boxes: Tensor  # (x, y, w, h) as shares of the image, x and y the centre   # [N, Q, 4]
    attention: Tensor | None  # of each query to each token; proposals: None   # [N, Q, T]

    @property
    def scores(self) -> Tensor:
        """Pr(class), without "no object".                 # [N, Q, C]"""
        return self.logits.softmax(-1)[..., :-1]


class Detr(Detector):
    """The detector; see the top of the file.

    Args:
        classes: C, how many.
        proposals: queries from the image; if False, learned ones, as in the first DETR.

    >>> [list(p.boxes.shape) for p in Detr(classes=6)(torch.zeros(5, 3, 96, 96))]  # proposals, then twice the decoder
    [[5, 144, 4], [5, 16, 4], [5, 16, 4]]
    """

    def __init__(self, classes: int, proposals: bool = True):
        super().__init__(classes)
        self.encoder = nn.TransformerEncoderLayer(
            WIDTH, HEADS, dim_feedforward=2 * WIDTH, dropout=0.0, batch_first=True
        )
        self.decoder = nn.ModuleList(DecoderLayer() for _ in range(LAYERS))
        self.logits = nn.ModuleList(nn.Linear(WIDTH, classes + 1) for _ in range(LAYERS))
        self.offsets = nn.ModuleList(_box_head() for _ in range(LAYERS))
        if proposals:
            self.propose = nn.ModuleDict(
                {"logits": nn.Linear(WIDTH, classes + 1), "offsets": _box_head()}
            )
        else:
            self.content = nn.Parameter(0.1 * torch.randn(QUERIES, WIDTH))
            self.place = nn.Parameter(0.5 * torch.randn(QUERIES, WIDTH))

    def forward(self, images: Tensor) -> list[DetrPrediction]:
        features = self.backbone(images)  # [N, 96, rows, columns]
        centres = _cell_centres(*features.shape[2:]).to(images.device)  # [T, 2]
        positions = _position_encoding(centres).to(features)  # [T, 96]
        memory = self.encoder(features.flatten(2).transpose(1, 2) + positions)  # [N, T, 96]
        if hasattr(self, "propose"):
            offsets = at_least_float32(self.propose["offsets"](memory))
            box_logits = offsets + F.pad(centres.logit(), (0, 2))  # [N, T, 4]
            logits = at_least_float32(self.propose["logits"](memory))  # [N, T, C + 1]
            stages = [DetrPrediction(logits, box_logits.sigmoid(), None)]
            no_object = logits.softmax(-1)[..., -1]  # [N, T]
            best = no_object.topk(min(QUERIES, len(centres)), largest=False).indices  # [N, Q]
            content, box_logits = _rows(memory, best), _rows(box_logits, best).detach()
            place = _position_encoding(box_logits[..., :2].sigmoid()).to(features)  # [N, Q, 96]
        else:
            stages, box_logits = [], images.new_zeros(len(images), QUERIES, 4)
            content, place = (p.expand(len(images), -1, -1) for p in (self.content, self.place))
        for layer, classify, refine in zip(self.decoder, self.logits, self.offsets, strict=True):
            content, attention = layer(content, place, memory, positions)
            # the layer before predicted the boxes, this one refines them
            box_logits = box_logits.detach() + at_least_float32(refine(content))
            logits = at_least_float32(classify(content))
            stages.append(DetrPrediction(logits, box_logits.sigmoid(), attention))
        return stages

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """The mean of `set_loss` over the proposals and all layers of the decoder.

        Args:
            images: a batch.                               # [N, 3, H, W] in 0..1
            boxes, labels: their objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        Raises:
            ValueError: not a row of boxes and labels for each image.
        """
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        objects = to_centres(boxes / _image_size(images))
        stages = self(images)
        return sum(set_loss(stage, objects, labels) for stage in stages) / len(stages)

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """A detection for each query, best first: boxes [Q, 4] in pixels, labels [Q], scores [Q]. No NMS."""
        last = self(images)[-1]
        scores, labels = last.scores.max(-1)  # [N, Q]
        boxes = to_corners(last.boxes) * _image_size(images)
        detections = []
        for b, c, s in zip(boxes, labels, scores, strict=True):
            order = s.argsort(descending=True, stable=True)
            detections.append({"boxes": b[order], "labels": c[order], "scores": s[order]})
        return detections


class DecoderLayer(nn.Module):
    """Queries attend to each other, then to the image, then a small network: three steps, each added to the last."""

    def __init__(self):
        super().__init__()
        self.self_attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))

    def forward(
        self, content: Tensor, place: Tensor, memory: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Queries [N, Q, 96] and their places, tokens [N, T, 96] and theirs -> queries, attention [N, Q, T]."""
        query = content + place
        update, _ = self.self_attention(query, query, content, need_weights=False)
        content = self.norms[0](content + update)
        update, attention = self.cross_attention(content + place, memory + positions, memory)
        content = self.norms[1](content + update)
        return self.norms[2](content + self.feed_forward(content)), attention


def _box_head() -> nn.Sequential:
    """Token -> offsets of a box, which begin near 0: no change."""
    head = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 4))
    nn.init.normal_(head[-1].weight, std=0.01)
    nn.init.zeros_(head[-1].bias)
    return head


def _cell_centres(rows: int, columns: int) -> Tensor:
    """(x, y) of the cells' centres as shares of the image, in reading order.   # [rows * columns, 2]"""
    y, x = torch.meshgrid(
        (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
    )
    return torch.stack([x, y], dim=-1).flatten(0, 1)


def _position_encoding(points: Tensor) -> Tensor:
    """A position as sines and cosines, from half a wave over the image to eight: attention itself knows no positions.

    Args:
        points: (x, y), shares of the image.               # [..., 2]
    Returns:
        24 frequencies x sine, cosine x (x, y).            # [..., 96]

    Vaswani and others, Attention Is All You Need, 2017, section 3.5.
    """
    frequencies = torch.pi * torch.logspace(0, 4, WIDTH // 4, base=2, device=points.device)
    angles = (points[..., None] * frequencies).flatten(-2)  # [..., 48]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _rows(table: Tensor, numbers: Tensor) -> Tensor:
    """Some rows of each image's table.                    # [N, T, d], [N, Q] -> [N, Q, d]"""
    return table.gather(1, numbers[..., None].expand(-1, -1, table.shape[-1]))


def _image_size(images: Tensor) -> Tensor:
    """What turns shares of the image into pixels: (W, H, W, H)."""
    height, width = images.shape[2:]
    return torch.tensor([width, height, width, height], device=images.device)


def set_loss(prediction: DetrPrediction, objects: Tensor, labels: Tensor) -> Tensor:
    """Match objects and queries, then class errors of all queries and box errors of the matched ones.

        2 CE(class, or "no object")  +  (5 |b - o|_1 + 2 (1 - GIoU(b, o)))  averaged over the objects

    Args:
        prediction: of the queries.                        # [N, Q, ...]
        objects: (x, y, w, h) as shares of the image.      # [N, M, 4]
        labels: their classes; -1 is no object.            # [N, M]
    """
    logits = prediction.logits
    image, query, matched = match_images(logits, prediction.boxes, objects, labels)  # n pairs
    no_object = logits.shape[-1] - 1
    classes = torch.full(logits.shape[:2], no_object, device=labels.device)  # [N, Q]
    classes[image, query] = labels[image, matched]
    weights = logits.new_ones(no_object + 1)
    weights[no_object] = NO_OBJECT_WEIGHT
    class_error = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), weights)
    boxes, targets = prediction.boxes[image, query], objects[image, matched]  # [n, 4] each
    overlap = generalized_box_iou(to_corners(boxes), to_corners(targets)).diagonal()  # [n]
    box_error = L1 * (boxes - targets).abs().sum() + GIOU * (1 - overlap).sum()
    return CLASS * class_error + box_error / max(len(image), 1)
