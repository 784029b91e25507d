"""Compute the tables that take longer than a notebook may: data/margin_table.json, in some ten minutes.

    python -m tools.make_tables

A row is trained on drawn faces from three data seeds; what is kept is TAR at FAR = 1/1000 on people never seen, with
the recipe it came from. Notebook 04 trains three of the rows again, and compares. One more row is notebook 03's
semi-hard triplets on the same people.
"""

import json

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

SEEDS = (10, 11, 12)
RECIPE = {"steps": STEPS, "batch": BATCH, "lr": LR, "s": SCALE, "far": FAR, "seeds": SEEDS}
OTHER_SCALES = {"Norm-softmax": (8, 16, 48), "ArcFace (0.5)": (8, 16, 48)}


def tar_of(row: str, seed: int, s: float) -> float:
    people = datasets.load("faces", "train", seed=seed)
    strangers = datasets.load("faces", "test", seed=seed, people=250, photos=16)
    model = face_model(row, 500, seed, s)
    face_trainer(seed)(model, people.images, people.labels)
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
    fit(encoder, sample, loss, steps=STEPS, lr=LR, seed=seed, max_seconds=240, label="faces")
    return round(verify(encoder, strangers), 4)


def main() -> None:
    jobs = [(row, seed, SCALE) for row in ROWS for seed in SEEDS]
    jobs += [
        (row, seed, s) for row, scales in OTHER_SCALES.items() for s in scales for seed in SEEDS
    ]
    rows: dict[str, list[float]] = {}
    for row, seed, s in tqdm(jobs):
        name = row if s == SCALE else f"{row}, s = {s}"
        rows.setdefault(name, []).append(tar_of(row, seed, s))
    rows["Semi-hard triplets"] = [tar_of_triplets(seed) for seed in SEEDS]
    text = json.dumps({"recipe": RECIPE, "tar": rows}, indent=1) + "\n"
    TABLE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
