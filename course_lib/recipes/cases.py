"""MICLe in small: are two photos of one building a better positive pair than two views of one photo? (L2.19)"""

import torch
from torch import Tensor

from course_lib.data.cases import cases
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.encoders import embed
from course_lib.recipes.pretexts import encoder_of, fine_tuned, supervised, things
from course_lib.self_supervision.contrastive import SimCLR
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.micle import case_pairs
from course_lib.self_supervision.probes import few_labels, linear_probe
from course_lib.self_supervision.views import Views
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

STEPS, BATCH, TEMPERATURE, RATE = 400, 128, 0.2, 2e-3
VIEWS = Views(area=0.4, colour=0.4, grey=0.2, mirror=True)
COUNTS, DRAWS = (2, 5, 10, 40), 5  # labels a kind of building, and how often they are drawn
TUNED = 2  # of the draws, how many are fine-tuned
SETS = {
    "train": 600,
    "val": 300,
    "test": 200,
}  # buildings: to pretrain on, for the labels, to judge by


def buildings(split: str, seed: int) -> LabelledImages:
    """Eight photos each of the buildings of a split; the label is the kind of building."""
    return cases(split, seed, SETS[split])


def train_on_cases(photos: LabelledImages, of_one_case: bool, seed: int) -> SimCLR:
    """SimCLR without labels.

    Args:
        photos: with the `case` of each in `details`; without, every photo is a case of its own.
        of_one_case: the positive pair is two photos of one case, each in a view; else two views of one photo.
        seed: of the weights and batches.

    Either way no case is twice in a batch.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SimCLR(MapEncoder(3), VIEWS, TEMPERATURE)

    def train(model: SimCLR, images: Tensor, case: Tensor) -> list[float]:
        def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
            if of_one_case:
                a, b = case_pairs(case, BATCH, generator)
            else:
                a = b = one_of_each(case, BATCH, generator)
            return VIEWS(images[a], generator), VIEWS(images[b], generator)

        def loss(model: SimCLR, *batch: Tensor) -> Tensor:
            return model.loss(*batch)

        options = {"steps": STEPS, "lr": RATE, "weight_decay": 1e-4, "seed": seed}
        return fit(model, sample, loss, label=name, **options)

    name = "micle" if of_one_case else "simclr"
    case = photos.details.get("case", torch.arange(len(photos)))
    load_or_train(f"cases-{name}", model, train, photos.images, case)
    return model


def one_of_each(cases: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """One random photo of each of `count` random cases.   # [N] int64 -> [count] int64"""
    order = torch.randperm(len(cases), generator=generator)
    order = order[cases[order].argsort(stable=True)]
    new = torch.ones(len(cases), dtype=torch.bool)
    new[1:] = cases[order][1:] != cases[order][:-1]
    first = order[new]
    return first[torch.randperm(len(first), generator=generator)[:count]]


def source_encoder(seed: int) -> MapEncoder:
    """The network trained with all labels on another set, drawn things: the supervised source."""
    return supervised(things("train", seed), seed)


def starts(seed: int) -> dict[str, MapEncoder]:
    """Five ways to start on the buildings, none of which has seen a label of theirs."""
    photos = buildings("train", seed)
    return {
        "untrained": encoder_of(seed),
        "supervised, on drawn things": source_encoder(seed),
        "SimCLR, on drawn things": train_on_cases(things("train", seed), False, seed).encoder,
        "SimCLR, on the buildings": train_on_cases(photos, False, seed).encoder,
        "MICLe, on the buildings": train_on_cases(photos, True, seed).encoder,
    }


def transfer(seed: int) -> dict[str, list[float]]:
    """What each start is worth on new buildings, for each number of labels in COUNTS; the last takes all labels.

    Returns:
        "start, frozen" and "start, fine-tuned" -> accuracy for each number of labels, the mean of the draws.
    """
    known, test = buildings("val", seed), buildings("test", seed)
    found = {}
    for name, encoder in starts(seed).items():
        x, x_test = embed(encoder, known.images), embed(encoder, test.images)
        frozen, tuned = [], []
        for count in COUNTS:
            draws = [few_labels(known.labels, count, draw) for draw in range(DRAWS)]
            probes = [linear_probe(x[c], known.labels[c], x_test, test.labels) for c in draws]
            tunings = [fine_tuned(encoder, known, test, d, count=count) for d in range(TUNED)]
            frozen.append(sum(probes) / DRAWS)
            tuned.append(sum(tunings) / TUNED)
        frozen.append(linear_probe(x, known.labels, x_test, test.labels))
        found |= {f"{name}, frozen": frozen, f"{name}, fine-tuned": tuned}
    return found


def train_all(seed: int = 0) -> None:
    """What notebook 12 trains on buildings."""
    for of_one_case in (False, True):
        train_on_cases(buildings("train", seed), of_one_case, seed)
