"""DETR: a set of queries asks the picture, and each object is matched to one of them; nothing is suppressed (L5.11).

    picture -> backbone -> 12 x 12 cells, a token each -> encoder: every token looks at all others
    16 queries -> decoder, twice: the queries look at each other, then at the tokens
    every query says: C + 1 class logits, the last for "no object"; and a box

Training matches objects and queries one to one (`matching`); a query without an object learns to say "no object". Two
queries that say the same thing are never both right, so they learn not to, and there is no need for NMS.

Queries are of two kinds. Those of the first DETR are learned numbers, the same for every picture: what they look for
must be found out from nothing, which took 500 epochs. Here, unless asked otherwise, they come from the picture itself,
as in two-stage Deformable DETR: every token makes a proposal, the 16 best become queries, and the decoder corrects
their boxes.

Carion and others, End-to-End Object Detection with Transformers, 2020. Zhu and others, Deformable DETR, 2021.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_positive
from course_lib.detection.overlap import generalized_box_iou
from course_lib.detectors.backbone import WIDTH, Backbone
from course_lib.detectors.set_matching import (
    CLASS,
    GIOU,
    L1,
    match_pictures,
    to_centres,
    to_corners,
)
from course_lib.detectors.targets import check_batch, scene_batches
from course_lib.training.loop import fit

QUERIES, LAYERS, HEADS = 16, 2, 4
NOTHING = 0.15  # weight of "no object" among the classes: most queries have none


class Prediction(NamedTuple):
    """What Q queries say; the cells' proposals are such a set too, with a query for each of the T cells."""

    classes: Tensor  # logits; the last is "no object"                    # [N, Q, C + 1]
    boxes: Tensor  # (x, y, w, h) as shares of the picture, x and y the centre   # [N, Q, 4]
    attention: Tensor | None  # how much a query looks at each cell; proposals: None  # [N, Q, T]


class Detr(nn.Module):
    """The detector; see the top of the file.

    Args:
        classes: C, how many.
        proposals: queries from the picture; if False, learned ones, as in the first DETR.

    >>> [list(p.boxes.shape) for p in Detr(classes=6)(torch.zeros(5, 3, 96, 96))]  # proposals, then twice the decoder
    [[5, 144, 4], [5, 16, 4], [5, 16, 4]]
    """

    def __init__(self, classes: int, proposals: bool = True):
        super().__init__()
        check_positive("Detr", classes=classes)
        self.backbone = Backbone()
        self.encoder = nn.TransformerEncoderLayer(
            WIDTH, HEADS, dim_feedforward=2 * WIDTH, dropout=0.0, batch_first=True
        )
        self.decoder = nn.ModuleList(DecoderLayer() for _ in range(LAYERS))
        self.classify = nn.ModuleList(nn.Linear(WIDTH, classes + 1) for _ in range(LAYERS))
        self.correct = nn.ModuleList(box_head() for _ in range(LAYERS))
        if proposals:
            self.propose = nn.ModuleDict(
                {"classes": nn.Linear(WIDTH, classes + 1), "boxes": box_head()}
            )
        else:
            self.content = nn.Parameter(0.1 * torch.randn(QUERIES, WIDTH))
            self.place = nn.Parameter(0.5 * torch.randn(QUERIES, WIDTH))

    def forward(self, images: Tensor) -> list[Prediction]:
        features = self.backbone(images)  # [N, 96, rows, columns]
        centres = cell_centres(*features.shape[2:]).to(images.device)  # [T, 2]
        positions = waves(centres)  # [T, 96]
        memory = self.encoder(features.flatten(2).transpose(1, 2) + positions)  # [N, T, 96]
        if hasattr(self, "propose"):
            said = self.propose["boxes"](memory) + F.pad(centres.logit(), (0, 2))  # [N, T, 4]
            stages = [Prediction(self.propose["classes"](memory), said.sigmoid(), None)]
            nothing = stages[0].classes.softmax(-1)[..., -1]  # [N, T]
            best = nothing.topk(min(QUERIES, len(centres)), largest=False).indices  # [N, Q]
            content, said = pick(memory, best), pick(said, best).detach()
            place = waves(said[..., :2].sigmoid())  # [N, Q, 96]
        else:
            stages, said = [], images.new_zeros(len(images), QUERIES, 4)
            content, place = (p.expand(len(images), -1, -1) for p in (self.content, self.place))
        for layer, classify, correct in zip(self.decoder, self.classify, self.correct, strict=True):
            content, attention = layer(content, place, memory, positions)
            said = said.detach() + correct(content)  # what the layer before said, corrected
            stages.append(Prediction(classify(content), said.sigmoid(), attention))
        return stages

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """The mean of `set_loss` over the proposals and all layers of the decoder.

        Args:
            images: pictures.                              # [N, 3, H, W] in 0..1
            boxes, labels: their objects as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        Raises:
            ValueError: not a row of boxes and labels for each picture.
        """
        check_batch("Detr", images, boxes, labels)
        objects = to_centres(boxes / picture_size(images))
        stages = self(images)
        return sum(set_loss(stage, objects, labels) for stage in stages) / len(stages)

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """One detection for each query, best first: boxes [Q, 4] in pixels, labels [Q], scores [Q]. No NMS."""
        last = self(images)[-1]
        scores, labels = last.classes.softmax(-1)[..., :-1].max(-1)  # [N, Q]
        boxes = to_corners(last.boxes) * picture_size(images)
        found = []
        for b, c, s in zip(boxes, labels, scores, strict=True):
            order = s.argsort(descending=True, stable=True)
            found.append({"boxes": b[order], "labels": c[order], "scores": s[order]})
        return found


class DecoderLayer(nn.Module):
    """Queries look at each other, then at the picture, then think: three steps, each added to what was known."""

    def __init__(self):
        super().__init__()
        self.talk = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.look = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.think = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))

    def forward(
        self, content: Tensor, place: Tensor, memory: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Queries [N, Q, 96] and their places, tokens [N, T, 96] and theirs -> queries, attention [N, Q, T]."""
        asking = content + place
        said, _ = self.talk(asking, asking, content, need_weights=False)
        content = self.norms[0](content + said)
        seen, attention = self.look(content + place, memory + positions, memory)
        content = self.norms[1](content + seen)
        return self.norms[2](content + self.think(content)), attention


def box_head() -> nn.Sequential:
    """Token -> corrections to a box, which begin near 0: no correction."""
    head = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 4))
    nn.init.normal_(head[-1].weight, std=0.01)
    nn.init.zeros_(head[-1].bias)
    return head


def cell_centres(rows: int, columns: int) -> Tensor:
    """(x, y) of the cells' centres as shares of the picture, in reading order.   # [rows * columns, 2]"""
    y, x = torch.meshgrid(
        (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
    )
    return torch.stack([x, y], dim=-1).flatten(0, 1)


def waves(points: Tensor) -> Tensor:
    """A place as sines and cosines, from half a wave over the picture to eight: attention itself knows no places.

    Args:
        points: (x, y), shares of the picture.             # [..., 2]
    Returns:
        24 frequencies x sine, cosine x (x, y).            # [..., 96]

    Vaswani and others, Attention Is All You Need, 2017, section 3.5.
    """
    frequencies = torch.pi * torch.logspace(0, 4, WIDTH // 4, base=2, device=points.device)
    angles = (points[..., None] * frequencies).flatten(-2)  # [..., 48]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def pick(rows: Tensor, numbers: Tensor) -> Tensor:
    """Some rows of each picture.                          # [N, T, d], [N, Q] -> [N, Q, d]"""
    return rows.gather(1, numbers[..., None].expand(-1, -1, rows.shape[-1]))


def picture_size(images: Tensor) -> Tensor:
    """What turns shares of the picture into pixels: (W, H, W, H)."""
    height, width = images.shape[2:]
    return torch.tensor([width, height, width, height], device=images.device)


def set_loss(said: Prediction, objects: Tensor, labels: Tensor) -> Tensor:
    """Match objects and queries, then class errors of all queries and box errors of the matched ones.

        2 CE(class, or "no object")  +  (5 |b - o|_1 + 2 (1 - GIoU(b, o)))  averaged over the objects

    Args:
        said: what the queries say.                        # [N, Q, ...]
        objects: (x, y, w, h) as shares of the picture.    # [N, M, 4]
        labels: their classes; -1 is no object.            # [N, M]
    """
    picture, query, slot = match_pictures(said.classes, said.boxes, objects, labels)  # n pairs
    nothing = said.classes.shape[-1] - 1
    wanted = torch.full(said.classes.shape[:2], nothing, device=labels.device)  # [N, Q]
    wanted[picture, query] = labels[picture, slot]
    weights = torch.ones(nothing + 1, device=labels.device)
    weights[nothing] = NOTHING
    class_error = F.cross_entropy(said.classes.flatten(0, 1), wanted.flatten(), weights)
    boxes, aims = said.boxes[picture, query], objects[picture, slot]  # [n, 4] each
    overlap = generalized_box_iou(to_corners(boxes), to_corners(aims)).diagonal()  # [n]
    box_error = L1 * (boxes - aims).abs().sum() + GIOU * (1 - overlap).sum()
    return CLASS * class_error + box_error / max(len(picture), 1)


def train_detr(detector: Detr, images: Tensor, boxes: Tensor, labels: Tensor) -> list[float]:
    """The course's recipe: 500 batches of 16 scenes. The backbone is to be YOLO's, already trained.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
    Returns:
        The loss of every step. About a minute on one CPU core.
    """
    sample = scene_batches(images, boxes, labels, size=16)
    return fit(
        detector, sample, Detr.loss, steps=500, lr=2e-3, max_norm=1.0, max_seconds=300, label="DETR"
    )
