"""Pretext tasks on drawn things, each a row of numbers, and what their features are worth (L2.03-L2.09, L2.17)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.data.holders import LabelledImages
from course_lib.data.singles import singles
from course_lib.embeddings.encoders import embed
from course_lib.self_supervision.context import Context
from course_lib.self_supervision.context_encoder import AdversarialContextEncoder, ContextEncoder
from course_lib.self_supervision.contrastive import SimCLR
from course_lib.self_supervision.damaged_jigsaw import DamagedJigsaw
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.exemplar import Exemplar
from course_lib.self_supervision.jigsaw import Jigsaw
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.probes import few_labels, knn_accuracy, linear_probe
from course_lib.self_supervision.rotation import Rotation
from course_lib.self_supervision.views import Views
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

RATE, DECAY = 2e-3, 1e-4
EXEMPLARS = 1500  # surrogate classes
LIGHT = Views(area=0.8, colour=0.3, mirror=True)
STRONG = Views(area=0.4, colour=0.4, grey=0.2, mirror=True)


@dataclass(frozen=True)
class Row:
    """How a task is trained.

    Attributes:
        task: an encoder -> the task.
        steps, batch: of images.
        views: what is done to images before the task is made of them.
    """

    task: Callable[[MapEncoder], Pretext]
    steps: int
    batch: int = 128
    views: Views = LIGHT


ROWS = {
    "rotation": Row(Rotation, 500, batch=32, views=Views(area=0.7, colour=0.3, mirror=True)),
    "context": Row(Context, 500),
    "jigsaw": Row(Jigsaw, 400),
    "damaged jigsaw": Row(DamagedJigsaw, 400),
    "exemplar": Row(lambda e: Exemplar(e, EXEMPLARS, STRONG), 1000, views=Views()),
    "context encoder": Row(ContextEncoder, 500, batch=64, views=Views(area=0.7, mirror=True)),
    "adversarial": Row(
        AdversarialContextEncoder, 500, batch=64, views=Views(area=0.7, mirror=True)
    ),
    "SimCLR": Row(lambda e: SimCLR(e, STRONG), 300, views=Views()),
}


def encoder_of(seed: int) -> MapEncoder:
    """The network before any training; the seed determines its weights, and nothing else of the run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MapEncoder(3)


def train_pretext(name: str, images: Tensor, seed: int, row: Row | None = None) -> Pretext:
    """A task, trained on images without labels; loaded if it was trained before.

    Args:
        name: of a row in `ROWS`, or of `row`.
        images: [N, 3, S, S] in 0..1.
        seed: of the weights and the batches.
        row: another recipe.
    """
    row = row or ROWS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = row.task(MapEncoder(3))

    def train(model: Pretext, images: Tensor) -> list[float]:
        def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
            if isinstance(model, Exemplar):
                chosen = torch.randint(EXEMPLARS, (row.batch,), generator=generator)
                return model.make(images[chosen], generator, chosen)
            chosen = torch.randint(len(images), (row.batch,), generator=generator)
            return model.make(row.views(images[chosen], generator), generator)

        def loss(model: Pretext, *batch: Tensor) -> Tensor:
            return model.loss(*batch)

        return fit(
            model, sample, loss, steps=row.steps, lr=RATE, weight_decay=DECAY, seed=seed, label=name
        )

    load_or_train(f"pretext-{name.replace(' ', '-')}", model, train, images)
    return model


def worth(encoder: nn.Module, train: LabelledImages, test: LabelledImages) -> dict[str, float]:
    """What frozen features are worth: linear probe with all labels and with ten a class (five draws), and 20-NN."""
    x, x_test = embed(encoder, train.images), embed(encoder, test.images)
    few = []
    for draw in range(5):
        chosen = few_labels(train.labels, 10, draw)
        few.append(linear_probe(x[chosen], train.labels[chosen], x_test, test.labels))
    return {
        "all": linear_probe(x, train.labels, x_test, test.labels),
        "ten": sum(few) / len(few),
        "knn": knn_accuracy(x, train.labels, x_test, test.labels),
    }


def things(split: str, seed: int) -> LabelledImages:
    """The drawn things of a data seed."""
    return singles(split, seed, 8000 if split == "train" else 1500)
