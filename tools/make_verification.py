"""Face verification on three data seeds, which takes longer than a notebook may: data/results/verification.json.

    python -m tools.make_verification                if it is stale
    python -m tools.make_verification --confirm      if it is stale: a third of it, and take it for fresh if that agrees

What is kept: three ways to a verifier under one budget, on people never seen; how a threshold set in one group fares in
another that training has hardly seen; three ways to a finer figure; rank 1 among distractors. Notebook 13 shows it;
some twenty minutes on one core.
"""

import torch
from tqdm import tqdm

from course_lib.data import datasets
from course_lib.embeddings.encoders import embed
from course_lib.recipes import cheats, groups
from course_lib.recipes.faces import FAR
from course_lib.recipes.faces import STEPS as SHORT
from course_lib.recipes.verifiers import STEPS, TABLE, WAYS, distractors, train_verifier
from course_lib.verification.curves import all_pairs, equal_error_rate, tar_at_far
from course_lib.verification.identification import rank_one_with_distractors
from course_lib.verification.thresholds import rates, threshold_at_far
from tools import tables

SEEDS = (10, 11, 12)
SKIN_SHARES = (0, 5, 15, 25, 50, 125, 250)  # people of B among 500
SHARES = (15, 250)
COUNTS = (10, 100, 1_000, 10_000, 100_000)  # distractors
CROWDS = (50, 150, 1500)  # people to learn from, beside the 500 of every way
RECIPE = {
    "ways": {name: repr(way) for name, way in WAYS.items()},
    "steps": STEPS,
    "far": FAR,
    "people in groups": [groups.PEOPLE, groups.PHOTOS, groups.TESTED, groups.TEST_PHOTOS, SHORT],
    "of B": {"skin": SKIN_SHARES, "the others": SHARES},
    "cheats": [cheats.OTHERS, cheats.TESTED, cheats.PHOTOS, cheats.TEST_PHOTOS],
    "distractors": COUNTS,
    "people to learn from": CROWDS,
    "seeds": SEEDS,
}


def of_ways(seed: int) -> dict[str, dict[str, float]]:
    """Each way: its report, EER, and rank 1 among distractors; FaceNet's by the number of people to learn from."""
    people = datasets.load("faces", "train", seed=seed)
    tested = cheats.tested_people(seed)
    labels = tested.labels
    first = labels.diff(prepend=labels[:1] - 1) > 0  # one photo a person: the gallery
    encoders = {
        name: train_verifier(way, people, seed, name=f"verifier-{name}")
        for name, way in tqdm(WAYS.items(), f"ways, data seed {seed}")
    }
    others, rows = distractors(encoders, COUNTS[-1], seed), {}
    for name, encoder in encoders.items():
        x = embed(encoder, tested.images)
        rows[name] = cheats.report(encoder, seed)
        rows[name]["EER"] = equal_error_rate(*all_pairs(x, labels))
        sides = x[~first], labels[~first], x[first], labels[first]
        found = rank_one_with_distractors(*sides, others[name], torch.tensor(COUNTS)).tolist()
        rows[name] |= {f"rank 1 of {n:,}": v for n, v in zip(COUNTS, found, strict=True)}
    for count in tqdm(CROWDS, f"people to learn from, data seed {seed}"):
        people = datasets.load("faces", "train", seed=seed, people=count)
        encoder = train_verifier(WAYS["FaceNet"], people, seed, name="verifier-FaceNet")
        pairs = all_pairs(embed(encoder, tested.images), labels)
        rows[f"FaceNet, {count:,} people"] = {"TAR, test threshold": tar_at_far(*pairs, FAR)}
    return rows


def of_groups(seed: int) -> dict[str, dict[str, float]]:
    """Each trait and share: FAR and TAR of both groups at the threshold of A, and of B at its own."""
    rows = {}
    jobs = [(t, n) for t in groups.GROUPS for n in (SKIN_SHARES if t == "skin" else SHARES)]
    for trait, rare in tqdm(jobs, f"groups, data seed {seed}"):
        a, b = groups.scores_by_group(trait, rare, seed)
        threshold = threshold_at_far(*a, FAR)
        (far_a, tar_a), (far_b, tar_b) = rates(*a, threshold), rates(*b, threshold)
        rows[f"{trait}, {rare} of B"] = {
            "FAR of A": far_a,
            "FAR of B": far_b,
            "TAR of A": tar_a,
            "TAR of B": tar_b,
            "TAR of B at its own threshold": tar_at_far(*b, FAR),
            "best accuracy of A": cheats.best_accuracy(*a),
            "best accuracy of B": cheats.best_accuracy(*b),
        }
    return rows


def figures(seed: int) -> dict[str, dict[str, float]]:
    """Every row on one data seed: name -> what was measured."""
    leaks = {
        f"trained on 500 others and {which}": cheats.report(cheats.trained(which, seed), seed)
        for which in tqdm(cheats.TRAINED_ON, f"cheats, data seed {seed}")
    }
    rows = of_ways(seed) | of_groups(seed) | leaks
    return {name: {k: round(v, 5) for k, v in row.items()} for name, row in rows.items()}


if __name__ == "__main__":
    tables.make(TABLE, __file__, *tables.of_rows(figures, SEEDS, RECIPE))
