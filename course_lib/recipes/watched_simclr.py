"""SimCLR on digits, watched while it trains: loss, collapse level, rank and k-NN accuracy (L2.18)."""

import copy
import json
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data import datasets
from course_lib.data.holders import LabelledImages
from course_lib.data.variations import random_affine
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed
from course_lib.machine import ROOT
from course_lib.self_supervision.contrastive import SimCLR
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.probes import collapse_level, effective_rank, knn_accuracy
from course_lib.self_supervision.views import Views
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

TABLE = ROOT / "data" / "results" / "contrastive.json"
STEPS, BATCH, TEMPERATURE, RATE = 320, 128, 0.2, 2e-3
WATCHED = (0, 10, 20, 40, 80, 120, 160, 240, 320)  # steps at which it is looked at
PLAIN = Views(area=0.5, colour=0.3, turn=0.35)
FILMED = 400  # test digits whose features are kept each time
KINDS = ("step", "loss", "level", "rank", "knn")


def moved_digits(split: str, seed: int) -> LabelledImages:
    """scikit-learn's digits on 16 x 16 pixels: moved, turned, shrunk, in another light, with noise.

    As they come, 20 nearest neighbours on pixels classify .96 of them: there would be nothing to learn.
    """
    digits = datasets.load("digits", split, seed=seed)
    generator = torch.Generator().manual_seed(2 * seed + (split == "test"))
    images = F.interpolate(digits.images, (11, 11), mode="bilinear")
    images = random_affine(F.pad(images, [3, 2, 3, 2]), generator, turn=0.35, scale=0.2, shift=0.2)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(images), 1, 1, 1, generator=generator)

    noise = 0.05 * torch.randn(images.shape, generator=generator)
    images = uniform(0.1, 0.4) + uniform(0.35, 0.65) * images + noise
    return LabelledImages(images.clamp(0, 1), digits.labels, digits.names)


def plain_digits(split: str, seed: int) -> LabelledImages:
    """scikit-learn's digits as they come, enlarged to 16 x 16 pixels."""
    digits = datasets.load("digits", split, seed=seed)
    images = F.interpolate(digits.images, (16, 16), mode="bilinear")
    return LabelledImages(images, digits.labels, digits.names)


@dataclass(frozen=True)
class Setting:
    """What a run does; the defaults are SimCLR as it should be.

    Attributes:
        views: how views are made.
        temperature, batch: of NT-Xent.
        negatives: False: the loss is minus the cosine of the two views, and nothing pushes apart.
        head: False: the loss is on the features themselves.
        steps: batches.
    """

    views: Views = PLAIN
    temperature: float = TEMPERATURE
    batch: int = BATCH
    negatives: bool = True
    head: bool = True
    steps: int = STEPS


SETTINGS = {
    "SimCLR": Setting(),
    "no negatives": Setting(negatives=False),
    "temperature 0.01": Setting(temperature=0.01),
    "temperature 5": Setting(temperature=5.0),
    "only light": Setting(views=Views(colour=0.3)),  # neither cropped nor turned
    "no crop": Setting(views=replace(PLAIN, area=1.0)),
    "no change of light": Setting(views=replace(PLAIN, colour=0.0)),
    "batch of 4": Setting(batch=4),
}
LIVE = ("SimCLR", "no negatives")  # trained by notebook 12; the others are in the committed table
# On digits as they come. Chosen by 5 labels a class on 200 of the 1,000 training digits, data seeds 10, 11, 12: of
# temperatures .2, .3, .5, of 240 and 480 steps, of smallest crops .3, .5, .6.
EASY = Setting(temperature=0.5, steps=480)


class WatchedSimCLR(SimCLR):
    """SimCLR with the parts that can be taken out."""

    def __init__(self, setting: Setting):
        super().__init__(MapEncoder(1, strides=(2, 2, 1, 1)), setting.views, setting.temperature)
        self.negatives = setting.negatives
        if not setting.head:
            self.head = nn.Identity()

    def loss(self, a: Tensor, b: Tensor) -> Tensor:
        if self.negatives:
            return super().loss(a, b)
        a, b = (normalize(x) for x in self(torch.cat([a, b])).chunk(2))
        return -(a * b).sum(dim=1).mean()


@torch.no_grad()
def settled(model: nn.Module, images: Tensor) -> nn.Module:
    """A copy on the CPU whose batch norms have seen these images: in the first steps their averages lag behind."""
    model = copy.deepcopy(model).cpu().train()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.reset_running_stats()
            part.momentum = None  # the mean of all that comes
    for batch in images.split(250):
        model(batch)
    return model.eval()


def dials(
    model: SimCLR, train: LabelledImages, test: LabelledImages
) -> tuple[dict[str, float], Tensor]:
    """Collapse level of the projections, rank of the features, accuracy of 20 neighbours; and the test features.

    Of a `settled` copy, at step 0 too: "untrained" is here a network whose batch norms know the images.
    """
    model = settled(model, train.images)
    x, x_test = embed(model.encoder, train.images), embed(model.encoder, test.images)
    with torch.no_grad():
        z = model.head(x_test)
    found = {
        "level": collapse_level(z),
        "rank": effective_rank(x_test),
        "knn": knn_accuracy(x, train.labels, x_test, test.labels),
    }
    return found, x_test


def watch(
    name: str, setting: Setting, train: LabelledImages, test: LabelledImages, seed: int
) -> tuple[SimCLR, dict[str, Tensor]]:
    """Train, and look at it at every step of `WATCHED`.

    Returns:
        The model, and name -> a value for each time: step, loss (the mean of the ten steps before; 0 at step 0, where
        there are none), level, rank, knn.
        `model.film` holds the features of the first test digits at each time.   # [times, FILMED, 96]
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = WatchedSimCLR(setting)
    marks = [round(step * setting.steps / STEPS) for step in WATCHED]
    # Both are kept with the weights.
    model.register_buffer("watched", torch.zeros(len(marks), len(KINDS)))
    model.register_buffer(
        "film", torch.zeros(len(marks), min(FILMED, len(test)), model.encoder.dim)
    )

    def run(model: SimCLR, images: Tensor) -> list[float]:
        losses: list[float] = []

        def look() -> None:
            if len(losses) in marks:
                i = marks.index(len(losses))
                seen = {"step": len(losses), "loss": sum(losses[-10:]) / max(1, len(losses[-10:]))}
                found, x = dials(model, train, test)
                model.watched[i] = torch.tensor([(seen | found)[kind] for kind in KINDS])
                model.film[i] = x[: len(model.film[i])]

        def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
            look()  # a batch is sampled before each step: as many losses are known as steps are done
            # Without replacement: an image that comes twice would be its own negative.
            chosen = torch.randperm(len(images), generator=generator)[: setting.batch]
            return model.make(images[chosen], generator)

        def loss(model: SimCLR, *batch: Tensor) -> Tensor:
            value = model.loss(*batch)
            losses.append(value.item())
            return value

        options = {"steps": setting.steps, "lr": RATE, "weight_decay": 1e-4, "seed": seed}
        result = fit(model, sample, loss, label=name, **options)
        look()
        return result

    load_or_train(f"simclr-{name.replace(' ', '-')}", model, run, train.images)
    return model, dict(zip(KINDS, model.watched.unbind(dim=1), strict=True))


def chance(batch: int) -> float:
    """The loss of guessing among the 2N - 1 other views; also that of a collapse, where all views are one point."""
    return math.log(2 * batch - 1)


def contrastive_table() -> dict[str, list]:
    """The committed table of `tools/make_contrastive.py`: "group: name" -> its numbers, one entry a data seed."""
    return json.loads(TABLE.read_text(encoding="utf-8"))["figures"]


def train_all(seed: int = 0) -> None:
    """What notebook 12 trains on digits."""
    train, test = moved_digits("train", seed), moved_digits("test", seed)
    for name in LIVE:
        watch(name, SETTINGS[name], train, test, seed)
