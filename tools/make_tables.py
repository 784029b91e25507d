"""Compute the table that takes longer than a notebook may: data/results/margin_table.json, in some twenty minutes.

    python -m tools.make_tables                if it is stale
    python -m tools.make_tables --confirm      if it is stale: a third of it, and take it for fresh if that agrees

A row is trained on drawn faces from three data seeds; what is kept is TAR at FAR = 1/1000 on people never seen, with
the recipe it came from. Notebook 04 trains three of the rows again, and compares. One more row is notebook 03's
semi-hard triplets on the same people.
"""

from torch import Tensor, nn
from tqdm import tqdm

from course_lib.data import datasets
from course_lib.embeddings.distances import euclidean, normalize
from course_lib.metric_learning.mining import semi_hard_triplets
from course_lib.metric_learning.triplets import mined_triplet_loss
from course_lib.recipes.faces import (
    BATCH,
    FAR,
    LR,
    ROWS,
    SCALE,
    STEPS,
    TABLE,
    face_encoder,
    face_model,
    face_trainer,
    verify,
)
from course_lib.training.batches import identity_batches
from course_lib.training.loop import fit
from tools import tables

SEEDS = (10, 11, 12)
RECIPE = {"steps": STEPS, "batch": BATCH, "lr": LR, "s": SCALE, "far": FAR, "seeds": SEEDS}
OTHER_SCALES = {"Norm-softmax": (8, 16, 48), "ArcFace (0.5)": (8, 16, 48)}


def tar_of(row: str, seed: int, s: float) -> float:
    people = datasets.load("faces", "train", seed=seed)
    strangers = datasets.load("faces", "test", seed=seed, people=250, photos=16)
    model = face_model(row, 500, seed, s)
    # No limit of time: on a busy machine it would squeeze the schedule, and change the figure.
    face_trainer(seed, max_seconds=float("inf"))(model, people.images, people.labels)
    return round(verify(model["encoder"], strangers), 4)


def tar_of_triplets(seed: int, margin: float = 0.2) -> float:
    """The same figure for notebook 03's semi-hard triplets: 32 people with 4 photos each in a batch."""
    people = datasets.load("faces", "train", seed=seed)
    strangers = datasets.load("faces", "test", seed=seed, people=250, photos=16)

    def loss(encoder: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        x = normalize(encoder(images))
        d = euclidean(x, x, squared=True)
        return mined_triplet_loss(d, semi_hard_triplets(d, labels, margin), margin)

    encoder = face_encoder(seed)
    sample = identity_batches(people.images, people.labels, identities=32, photos=4)
    fit(encoder, sample, loss, steps=STEPS, lr=LR, seed=seed, label="faces")
    return round(verify(encoder, strangers), 4)


def figures(seed: int) -> dict[str, float]:
    """Every row on one data seed."""
    jobs = [(row, SCALE) for row in ROWS]
    jobs += [(row, s) for row, scales in OTHER_SCALES.items() for s in scales]
    rows = {
        (row if s == SCALE else f"{row}, s = {s}"): tar_of(row, seed, s)
        for row, s in tqdm(jobs, f"data seed {seed}")
    }
    return {**rows, "Semi-hard triplets": tar_of_triplets(seed)}


def compute() -> dict:
    by_seed = [figures(seed) for seed in SEEDS]
    return {
        "recipe": RECIPE,
        "tar": {row: [rows[row] for rows in by_seed] for row in by_seed[0]},
    }


def confirm(content: dict) -> tuple[dict, dict]:
    return figures(SEEDS[0]), {row: values[0] for row, values in content["tar"].items()}


if __name__ == "__main__":
    tables.make(TABLE, __file__, compute, confirm)
