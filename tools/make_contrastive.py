"""SimCLR watched, broken and varied, and transfer to buildings, on three data seeds: data/results/contrastive.json.

    python -m tools.make_contrastive                if it is stale
    python -m tools.make_contrastive --confirm      if it is stale: a third of it, and take it for fresh if that agrees

What is kept: the dials of every setting on moved digits, at each step that is watched; the last accuracy of 20 nearest
neighbours for other batches, temperatures and views; probes with few labels on digits as they come; and what five ways
to start are worth on photos of buildings, by the number of labels. Notebook 12 shows it; some half an hour on one core.
"""

from dataclasses import replace

from tqdm import tqdm

from course_lib.data import datasets
from course_lib.embeddings.encoders import embed
from course_lib.recipes import cases
from course_lib.recipes import watched_simclr as recipe
from course_lib.recipes.watched_simclr import EASY, KINDS, PLAIN, SETTINGS, TABLE, Setting
from course_lib.self_supervision.probes import few_label_probe
from tools import tables

SEEDS = (10, 11, 12)
FEW = (1, 2, 5, 10)
DRAWS = 10
IMAGES = recipe.STEPS * recipe.BATCH
ABLATIONS = {
    **{f"temperature {t}": Setting(temperature=t) for t in (0.05, 0.1, 0.5, 1.0)},
    **{f"batch of {b}, as many steps": Setting(batch=b) for b in (16, 64, 256)},
    **{
        f"batch of {b}, as many images": Setting(batch=b, steps=IMAGES // b)
        for b in (4, 16, 64, 256)
    },
    "no turn": Setting(views=replace(PLAIN, turn=0.0)),
    "smaller crops": Setting(views=replace(PLAIN, area=0.2)),
    "with blur": Setting(views=replace(PLAIN, blur=0.5)),
    "no head": Setting(head=False),
    "no head, no negatives": Setting(head=False, negatives=False),
}
RECIPE = {
    "settings": {name: repr(setting) for name, setting in (SETTINGS | ABLATIONS).items()},
    "steps": recipe.STEPS,
    "batch": recipe.BATCH,
    "rate": recipe.RATE,
    "watched": recipe.WATCHED,
    "easy": repr(EASY),
    "cases": [cases.STEPS, cases.BATCH, cases.TEMPERATURE, cases.RATE, repr(cases.VIEWS)],
    "labels a kind of building": [*cases.COUNTS],
    "their draws": cases.DRAWS,
    "buildings": cases.SETS,
    "labels a digit": FEW,
    "draws": DRAWS,
    "seeds": SEEDS,
}


def by_labels(x, labels, x_test, labels_test) -> list[float]:
    """Linear probe for each number of labels a class in FEW, the mean of DRAWS draws."""
    return [few_label_probe(x, labels, x_test, labels_test, count, DRAWS) for count in FEW]


def easy_digits(seed: int) -> dict[str, list[float]]:
    """Probes on digits as they come: raw pixels, and SimCLR's features."""
    train, test = recipe.plain_digits("train", seed), recipe.plain_digits("test", seed)
    raw, raw_test = (
        datasets.load("digits", s, seed=seed).images.flatten(1) for s in ("train", "test")
    )
    model, _ = recipe.watch("easy digits", EASY, train, test, seed)
    x, x_test = (embed(model.encoder, part.images) for part in (train, test))
    return {
        "raw pixels": by_labels(raw, train.labels, raw_test, test.labels),
        "SimCLR": by_labels(x, train.labels, x_test, test.labels),
    }


def figures(seed: int) -> dict[str, list]:
    """Everything on one data seed: "group: name" -> its numbers."""
    train, test = recipe.moved_digits("train", seed), recipe.moved_digits("test", seed)
    rows = {}
    for name, setting in tqdm((SETTINGS | ABLATIONS).items(), f"digits, data seed {seed}"):
        seen = recipe.watch(name, setting, train, test, seed)[1]
        if name in SETTINGS:
            rows[f"dials: {name}"] = [seen[kind].tolist() for kind in KINDS]
        else:
            rows[f"ablation: {name}"] = [seen["knn"][-1].item()]
    rows |= {f"easy: {name}": values for name, values in easy_digits(seed).items()}
    rows["easy: labels a class"] = list(FEW)
    for name, found in cases.transfer(seed).items():
        rows[f"transfer: {name}"] = found
    return {name: _rounded(values) for name, values in rows.items()}


def _rounded(values):
    return [_rounded(v) for v in values] if isinstance(values, list) else round(values, 4)


def compute() -> dict:
    by_seed = [figures(seed) for seed in SEEDS]
    return {
        "recipe": RECIPE,
        "figures": {name: [rows[name] for rows in by_seed] for name in by_seed[0]},
    }


def confirm(content: dict) -> tuple[dict, dict]:
    return figures(SEEDS[0]), {name: values[0] for name, values in content["figures"].items()}


if __name__ == "__main__":
    tables.make(TABLE, __file__, compute, confirm)
