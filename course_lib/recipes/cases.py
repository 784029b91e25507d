"""MICLe in small: are two photos of one building a better positive pair than two views of one photo? (L2.19)

In the paper MICLe goes on from a network that SimCLR has trained; here each of the two begins anew, with equal steps.
"""

import torch
from torch import Tensor, nn

from course_lib.data.cases import cases
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.encoders import embed
from course_lib.recipes.pretexts import Thumbnail, encoder_of, fine_tuned, supervised, things
from course_lib.self_supervision.contrastive import SimCLR
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.micle import case_pairs
from course_lib.self_supervision.probes import few_label_probe, linear_probe
from course_lib.self_supervision.views import Views
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

STEPS, BATCH, TEMPERATURE, RATE = 400, 128, 0.2, 2e-3
VIEWS = Views(area=0.4, colour=0.4, grey=0.2, mirror=True)
COUNTS, DRAWS = (2, 5, 10, 40), 3  # labels a kind of building, and how often they are drawn
PIXELS = "8 x 8 grey pixels"
SETS = {"train": 600, "val": 300, "test": 200}  # buildings: to pretrain on, for labels, to judge by


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
            a, b = case_pairs(case, BATCH, generator)
            return VIEWS(images[a], generator), VIEWS(images[b if of_one_case else a], generator)

        def loss(model: SimCLR, *batch: Tensor) -> Tensor:
            return model.loss(*batch)

        options = {"steps": STEPS, "lr": RATE, "weight_decay": 1e-4, "seed": seed}
        return fit(model, sample, loss, label=name, **options)

    name = "micle" if of_one_case else "simclr"
    case = photos.details.get("case", torch.arange(len(photos)))
    load_or_train(f"cases-{name}", model, train, photos.images, case)
    return model


def source_encoder(seed: int) -> MapEncoder:
    """The network trained with all labels on another set, drawn objects: the supervised source, of as many steps."""
    return supervised(things("train", seed), seed, STEPS)


def starts(seed: int) -> dict[str, MapEncoder]:
    """Five ways to start on the buildings, none of which has seen a label of theirs."""
    photos = buildings("train", seed)
    return {
        "untrained": encoder_of(seed),
        "supervised, on drawn objects": source_encoder(seed),
        "SimCLR, on drawn objects": train_on_cases(things("train", seed), False, seed).encoder,
        "SimCLR, on the buildings": train_on_cases(photos, False, seed).encoder,
        "MICLe, on the buildings": train_on_cases(photos, True, seed).encoder,
    }


def transfer(seed: int) -> dict[str, list[float]]:
    """What each start is worth on new buildings, for each number of labels in COUNTS, the mean of the draws.

    Returns:
        "start, fine-tuned" -> accuracies; "start, frozen" -> the same of linear probes, and one more with all labels.
        Small grey pixels are no network, and frozen only.
    """
    known, test = buildings("val", seed), buildings("test", seed)
    found = {f"{PIXELS}, frozen": probes(Thumbnail(), known, test)}
    for name, encoder in starts(seed).items():
        tuned = [
            sum(fine_tuned(encoder, known, test, draw, count=count) for draw in range(DRAWS))
            / DRAWS
            for count in COUNTS
        ]
        found |= {f"{name}, frozen": probes(encoder, known, test), f"{name}, fine-tuned": tuned}
    return found


def probes(encoder: nn.Module, known: LabelledImages, test: LabelledImages) -> list[float]:
    """Linear probes on frozen features, for each number of labels in COUNTS the mean of the draws, then with all."""
    x, x_test = embed(encoder, known.images), embed(encoder, test.images)
    judged = (x, known.labels, x_test, test.labels)
    few = [few_label_probe(*judged, count, DRAWS) for count in COUNTS]
    return [*few, linear_probe(*judged)]


def train_all(seed: int = 0) -> None:
    """What notebook 12 trains on buildings."""
    for of_one_case in (False, True):
        train_on_cases(buildings("train", seed), of_one_case, seed)
