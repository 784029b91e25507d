"""The recipe that notebooks 03 and 04 share: a small network on drawn faces, judged on people it has never seen."""

import json
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.holders import LabelledImages
from course_lib.embeddings.encoders import ConvEncoder, embed
from course_lib.machine import ROOT
from course_lib.metric_learning.margins import MARGINS, MarginSoftmax
from course_lib.training.batches import batches
from course_lib.training.loop import fit
from course_lib.verification.curves import all_pairs, tar_at_far

STEPS, LR, BATCH = 250, 1e-2, 128  # 250 batches of 128 faces: some 8 s on a CPU core
SCALE = 24.0  # radius s of the hypersphere, for all losses on cosines
FAR = 1e-3  # one impostor pair in a thousand is accepted
TABLE = ROOT / "data" / "results" / "margin_table.json"  # made by `make tables`

# The lecture's table L2.13, row by row: (m1, m2, m3), or None for a plain softmax layer; and what the lecture says:
# accuracy on LFW, CFP-FP and AgeDB-30 in percent (Deng and others, 2019, table 2).
ROWS = {
    "ArcFace (0.4)": (MARGINS["ArcFace 0.4"], (99.53, 95.41, 94.98)),
    "ArcFace (0.45)": (MARGINS["ArcFace 0.45"], (99.46, 95.47, 94.93)),
    "ArcFace (0.5)": (MARGINS["ArcFace 0.5"], (99.53, 95.56, 95.15)),
    "ArcFace (0.55)": (MARGINS["ArcFace 0.55"], (99.41, 95.32, 95.05)),
    "SphereFace [18]": ((4, 0, 0), (99.42, None, None)),  # of its own paper, where m1 = 4
    "SphereFace (1.35)": (MARGINS["SphereFace 1.35"], (99.11, 94.38, 91.70)),
    "CosFace [37]": ((1, 0, 0.25), (99.33, None, None)),  # of its own paper; here a softer margin
    "CosFace (0.35)": (MARGINS["CosFace 0.35"], (99.51, 95.44, 94.56)),
    "CM1 (1, 0.3, 0.2)": (MARGINS["CM1 (1, 0.3, 0.2)"], (99.48, 95.12, 94.38)),
    "CM2 (0.9, 0.4, 0.15)": (MARGINS["CM2 (0.9, 0.4, 0.15)"], (99.50, 95.24, 94.86)),
    "Softmax": (None, (99.08, 94.39, 92.33)),
    "Norm-softmax": (MARGINS["norm-softmax"], (98.56, 89.79, 88.72)),
}


def face_encoder(seed: int) -> ConvEncoder:
    """A network from a face of 32 x 32 pixels to 64 numbers; the seed determines its initial weights."""
    torch.manual_seed(seed)
    return ConvEncoder(3, dim=64, widths=(32, 64, 96), strides=(2, 2, 2), cells=4)


def face_model(row: str, people: int, seed: int, s: float = SCALE) -> nn.ModuleDict:
    """An encoder, and the head of a row of the table: what turns its 64 numbers into a loss."""
    encoder, margin = face_encoder(seed), ROWS[row][0]
    head = MarginSoftmax(people, 64, *margin, s=s) if margin else nn.Linear(64, people)
    return nn.ModuleDict({"encoder": encoder, "head": head})


def face_trainer(seed: int, max_seconds: float = 240) -> Callable[..., list[float]]:
    """How every row is trained, for `load_or_train`: the same batches for all.

    Args:
        seed: of the batches.
        max_seconds: see `fit`; a committed table takes what it takes.
    """

    def loss(model: nn.ModuleDict, images: Tensor, labels: Tensor) -> Tensor:
        x, head = model["encoder"](images), model["head"]
        return (
            head(x, labels) if isinstance(head, MarginSoftmax) else F.cross_entropy(head(x), labels)
        )

    def train(model: nn.ModuleDict, images: Tensor, labels: Tensor) -> list[float]:
        sample = batches(images, labels, BATCH)
        options = {"steps": STEPS, "lr": LR, "seed": seed, "max_seconds": max_seconds}
        return fit(model, sample, loss, label="faces", **options)

    return train


def verify(encoder: nn.Module, people: LabelledImages) -> float:
    """TAR at FAR = 1/1000 over all pairs of these people's images, by the cosine of their embeddings."""
    return tar_at_far(*all_pairs(embed(encoder, people.images), people.labels), FAR)


def margin_table() -> dict:
    """The committed table: its recipe, and for each row TAR at FAR = 1/1000, one figure a data seed."""
    return json.loads(TABLE.read_text(encoding="utf-8"))
