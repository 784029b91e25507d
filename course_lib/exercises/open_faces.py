"""Networks to train on drawn faces, scored on people nobody has seen (L2.10, L2.14-L2.16)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.drawn import faces
from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.contest import Contest, rise
from course_lib.exercises.open_mistakes import MISTAKES
from course_lib.training.batches import batches
from course_lib.training.loop import fit
from course_lib.verification.curves import all_pairs, tar_at_far

EXAM = 150, 8  # people and photos of each, on which a score is taken
FAR = 1e-3


def _faces_of(people: int, photos: int) -> Callable[[int], tuple[Tensor, Tensor]]:
    def material(seed: int) -> tuple[Tensor, Tensor]:
        drawn = faces("train", seed, people, photos)
        return drawn.images, drawn.labels

    return material


def _unseen(seed: int) -> tuple[Tensor, tuple]:
    drawn = faces("val", seed, *EXAM)
    # in no order: the place of a photo must not tell whose it is
    order = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(seed))
    return drawn.images[order], (drawn.labels[order],)


def _tar(embeddings: Tensor, labels: Tensor) -> float:
    return tar_at_far(*all_pairs(embeddings, labels), FAR)


def _arcface(steps: int) -> Callable:
    """Training by ArcFace's loss, in so many batches."""

    def train(images: Tensor, labels: Tensor) -> nn.Module:
        torch.manual_seed(0)
        encoder = ConvEncoder(3, dim=64, widths=(32, 64, 96), strides=(2, 2, 2), cells=4)
        model = nn.ModuleDict({"encoder": encoder})
        classes = int(labels.max()) + 1
        model.register_parameter("weight", nn.Parameter(0.1 * torch.randn(classes, 64)))

        def loss(model: nn.ModuleDict, x: Tensor, y: Tensor) -> Tensor:
            embeddings = F.normalize(model["encoder"](x), dim=1)
            cosines = embeddings @ F.normalize(model.weight, dim=1).T  # [B, classes]
            angles = cosines.clamp(-1 + 1e-6, 1 - 1e-6).acos()
            own = F.one_hot(y, classes).bool()
            return F.cross_entropy(12 * torch.where(own, angles + 0.4, angles).cos(), y)

        fit(model, batches(images, labels, 128), loss, steps=steps, lr=2e-2)
        return encoder

    return train


TASKS = (
    Contest(
        name="train_faces",
        page="A2",
        title="A function that trains a face encoder by a margin loss, and returns what embeds faces",
        topics=("L2.14", "L2.15"),
        difficulty=2,
        minutes=30,
        arguments=("images", "labels"),
        material=_faces_of(300, 16),
        exam=_unseen,
        score=_tar,
        share=rise(0.5, 0.68),
        unit="TAR at FAR 1/1000",
        formula="Points rise from none at .5 to all at .68.",
        seconds=60,
        solution=_arcface(250),
        mistakes=MISTAKES,
    ),
    Contest(
        name="train_verifier",
        page="A5",
        title="The best verifier of faces in two minutes of the CPU: trains, and returns what embeds faces",
        topics=("L2.10", "L2.16"),
        difficulty=3,
        minutes=60,
        arguments=("images", "labels"),
        material=_faces_of(500, 24),
        exam=_unseen,
        score=_tar,
        share=rise(0.6, 0.9),
        unit="TAR at FAR 1/1000",
        formula="Points rise from none at .6 to all at .9.",
        seconds=120,
        solution=_arcface(400),
        mistakes=MISTAKES,
    ),
)
