"""Three ways to a face verifier under one budget (L2.11, L2.12, L2.15; notebook 13)."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.crowds import strangers
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.distances import euclidean, normalize
from course_lib.machine import ROOT
from course_lib.metric_learning.margins import MarginSoftmax
from course_lib.metric_learning.mining import semi_hard_triplets
from course_lib.metric_learning.triplets import mined_triplet_loss
from course_lib.recipes.faces import BATCH, SCALE, face_encoder, face_model
from course_lib.training.batches import batches, identity_batches
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

TABLE = ROOT / "data" / "results" / "verification.json"
STEPS = 1200  # batches of 128 faces for every way: some 45 s on a CPU core
PHOTOS = 4  # of each of the 32 people in a batch of triplets


@dataclass(frozen=True)
class Way:
    """How embeddings are learned.

    Attributes:
        row: of `recipes.faces.ROWS`, a loss on classes; None: semi-hard triplets.
        lr: highest learning rate.
        scale: radius s of a loss on cosines.
        margin: of triplets.
    """

    row: str | None
    lr: float = 1e-2
    scale: float = SCALE
    margin: float = 0.2


# Rates of .003, .01 and .02, scales of 8 to 24 and margins of .2 to 1.2 were tried on validation people of two worlds
# that no page and no table shows; what is here was best, or level with the best.
WAYS = {
    "DeepFace": Way("Softmax"),
    "FaceNet": Way(None, margin=0.8),
    "ArcFace": Way("ArcFace (0.4)", lr=2e-2, scale=12.0),
}


def train_verifier(
    way: Way, people: LabelledImages, seed: int, steps: int = STEPS, name: str = "verifier"
) -> nn.Module:
    """An encoder from a face to 64 numbers, trained to tell people apart; loaded if it was trained before.

    Args:
        way: the loss.
        people: to learn from; their labels are 0, 1, ... without a gap.
        seed: of the weights and batches.
        steps: batches of 128 faces.
        name: of the file in data/cache.
    """
    count = int(people.labels.max()) + 1
    if way.row:
        model = face_model(way.row, count, seed, way.scale)
    else:
        model = nn.ModuleDict({"encoder": face_encoder(seed)})

    def train(model: nn.ModuleDict, images: Tensor, labels: Tensor) -> list[float]:
        if way.row:
            sample = batches(images, labels, BATCH)
        else:
            sample = identity_batches(images, labels, BATCH // PHOTOS, PHOTOS)
        options = {"steps": steps, "lr": way.lr, "seed": seed, "label": name}
        return fit(model, sample, _loss(way), **options)

    load_or_train(name, model, train, people.images, people.labels)
    return model["encoder"]


def _loss(way: Way) -> Callable[[nn.ModuleDict, Tensor, Tensor], Tensor]:
    def loss(model: nn.ModuleDict, images: Tensor, labels: Tensor) -> Tensor:
        x = model["encoder"](images)
        if way.row is None:
            x = normalize(x)
            d = euclidean(x, x, squared=True)
            return mined_triplet_loss(d, semi_hard_triplets(d, labels, way.margin), way.margin)
        head = model["head"]
        return (
            head(x, labels) if isinstance(head, MarginSoftmax) else F.cross_entropy(head(x), labels)
        )

    return loss


def verifier_table() -> dict[str, dict[str, list[float]]]:
    """The committed table of `tools/make_verification.py`: row -> what was measured -> a figure for each data seed."""
    return json.loads(TABLE.read_text(encoding="utf-8"))["figures"]


@torch.no_grad()
def distractors(encoders: dict[str, nn.Module], count: int, seed: int) -> dict[str, Tensor]:
    """What each encoder makes of `count` people whom nobody looks for, a photo of each.   # name -> [count, d]"""
    parts = {name: [] for name in encoders}
    for images in strangers(count, seed):
        for name, encoder in encoders.items():
            parts[name].append(encoder(images))
    return {name: torch.cat(part) for name, part in parts.items()}
