"""Pretext tasks on drawn objects, each a row of numbers, and what their features are worth (L2.03-L2.09, L2.17)."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.holders import LabelledImages
from course_lib.data.singles import singles
from course_lib.embeddings.encoders import embed
from course_lib.machine import ROOT
from course_lib.self_supervision.context import Context
from course_lib.self_supervision.context_encoder import (
    AdversarialContextEncoder,
    ContextEncoder,
    squared_error,
)
from course_lib.self_supervision.damaged_jigsaw import DamagedJigsaw, without_colours
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.exemplar import Exemplar
from course_lib.self_supervision.jigsaw import Jigsaw
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.probes import (
    few_label_probe,
    few_labels,
    knn_accuracy,
    linear_probe,
)
from course_lib.self_supervision.rotation import Rotation
from course_lib.self_supervision.views import Views
from course_lib.training.batches import batches
from course_lib.training.loop import cross_entropy, fit
from course_lib.training.weights import load_or_train

TABLE = ROOT / "data" / "results" / "pretexts.json"
RATE, DECAY = 2e-3, 1e-4
EXEMPLARS = 400  # surrogate classes
LABELLED = 3000  # images whose labels the probes may use, at most
TASK_SCORE = "pretext"  # how well a task solves itself: accuracy, or for those that draw the mean squared error
FEW, DRAWS = 10, 5  # labels a class, and how often they are drawn
TUNING, TUNING_BATCH = 120, 60  # steps and batch of fine-tuning
SUPERVISED = 200  # steps of training with all labels
LIGHT = Views(area=0.8, colour=0.3, mirror=True)
STRONG = Views(area=0.4, colour=0.4, grey=0.2, mirror=True)


@dataclass(frozen=True)
class Row:
    """How a task is trained.

    Attributes:
        task: an encoder -> the task.
        steps, batch: of images.
        views: (images, generator) -> what is done to images before the task is made of them.
        sees: what the encoder is shown of an image afterwards.
        begins: the row whose trained weights it begins with; None: random ones.
    """

    task: Callable[[MapEncoder], Pretext]
    steps: int
    batch: int = 128
    views: Callable[[Tensor, torch.Generator], Tensor] = LIGHT
    sees: Callable[[Tensor], Tensor] = torch.clone
    begins: str | None = None


UNCUT = Views(colour=0.2)
HOLED = Views(area=0.7, mirror=True)
# Steps: what half a minute of one core allows, at most.
ROWS = {
    "rotation": Row(Rotation, 450, batch=32, views=UNCUT),
    "context": Row(Context, 600, views=UNCUT),
    "jigsaw": Row(Jigsaw, 600),
    "damaged jigsaw": Row(DamagedJigsaw, 300, sees=without_colours),
    "exemplar": Row(
        lambda e: Exemplar(e, EXEMPLARS, replace(STRONG, turn=0.3)), 500, views=Views()
    ),
    "context encoder": Row(ContextEncoder, 400, batch=64, views=HOLED),
    "adversarial": Row(
        AdversarialContextEncoder, 200, batch=64, views=HOLED, begins="context encoder"
    ),
}


def encoder_of(seed: int) -> MapEncoder:
    """The network before any training; the seed determines its weights, and nothing else of the run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MapEncoder(3).eval()


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
    if row.begins:
        earlier = train_pretext(row.begins, images, seed).state_dict()
        model.load_state_dict(earlier, strict=False)  # heads of its own stay as they are

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


@torch.no_grad()
def task_score(
    task: Pretext, row: Row, train_images: Tensor, test_images: Tensor, seed: int
) -> float:
    """How well a task solves itself on images that it has not seen: its accuracy, or the squared error of a drawing.

    An exemplar knows only the images that it was trained on: new views of those.
    """
    generator = torch.Generator().manual_seed(seed)
    if isinstance(task, Exemplar):
        return task.accuracy(*task.make(train_images[:EXEMPLARS], generator))
    shown = task.make(row.views(test_images, generator), generator)
    if isinstance(task, ContextEncoder):
        holed, target, mask = shown
        return squared_error(task(holed), target, mask).item()
    return task.accuracy(*shown)


class Thumbnail(nn.Module):
    """No network at all: an image's 8 x 8 grey pixels.   # [B, 3, S, S] -> [B, 64]"""

    def forward(self, images: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(images.mean(dim=1, keepdim=True), 8).flatten(1)


def worth(
    encoder: nn.Module,
    train: LabelledImages,
    test: LabelledImages,
    sees: Callable[[Tensor], Tensor] = torch.clone,
) -> dict[str, float]:
    """What frozen features are worth: linear probe with all labels and with ten a class (mean of five draws), 20-NN."""
    x, x_test = (embed(encoder, sees(part.images)) for part in (train, test))
    judged = (x, train.labels, x_test, test.labels)
    return {
        "all": linear_probe(*judged),
        "ten": few_label_probe(*judged, FEW, DRAWS),
        "knn": knn_accuracy(*judged),
    }


def fine_tuned(
    encoder: MapEncoder,
    train: LabelledImages,
    test: LabelledImages,
    draw: int,
    rate: float = 4e-3,
    count: int = FEW,
) -> float:
    """The accuracy of a copy of the network, all of it trained on `count` labelled images a class.

    Args:
        encoder: pretrained or not; it stays as it is.
        train, test: to choose the labelled images from, and to judge by.
        draw: which labelled images; also the seed of the last layer and the batches.
        rate: highest learning rate: of .0003, .001, .002 and .004 the best for either start, on validation images
            (from scratch, .008 and .016 are not better on buildings).
    """
    chosen = train[few_labels(train.labels, count, draw)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw)
        model = nn.Sequential(copy.deepcopy(encoder), nn.Linear(encoder.dim, len(train.names)))
    sample = batches(chosen.images, chosen.labels, TUNING_BATCH, LIGHT)
    fit(model, sample, cross_entropy, steps=TUNING, lr=rate, weight_decay=DECAY, seed=draw)
    return (embed(model, test.images).argmax(dim=1) == test.labels).double().mean().item()


def supervised(train: LabelledImages, seed: int, steps: int = SUPERVISED) -> MapEncoder:
    """The same network, trained on all labels: what no pretext task has."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(MapEncoder(3), nn.Linear(96, len(train.names)))

    def run(model: nn.Module, images: Tensor, labels: Tensor) -> list[float]:
        sample = batches(images, labels, 128, LIGHT)
        options = {"steps": steps, "lr": RATE, "weight_decay": DECAY, "seed": seed}
        return fit(model, sample, cross_entropy, label="with all labels", **options)

    load_or_train("pretext-none", model, run, train.images, train.labels)
    return model[0]


def things(split: str, seed: int) -> LabelledImages:
    """The drawn objects of a data seed."""
    return singles(split, seed, 8000 if split == "train" else 1500)


def pretext_table() -> dict[str, dict[str, list[float]]]:
    """The committed table of `tools/make_pretexts.py`: row -> what was measured -> a figure for each data seed."""
    return json.loads(TABLE.read_text(encoding="utf-8"))["figures"]
