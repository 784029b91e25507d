"""What pretext tasks are worth on three data seeds, which takes longer than a notebook may: data/results/pretexts.json.

    python -m tools.make_pretexts                if it is stale
    python -m tools.make_pretexts --confirm      if it is stale: a third of it, and take it for fresh if that agrees

Each task of notebook 11 is trained on drawn objects without labels; what is kept is its own accuracy (or squared error)
on new images, and what its features are worth on them: a linear probe with all labels and with ten a class, and 20
nearest neighbours; then the cases with a shortcut, and fine-tuning beside training from scratch. Some fifteen minutes
on one core.
"""

from dataclasses import replace

from tqdm import tqdm

from course_lib.recipes import pretexts, shortcuts
from course_lib.recipes.pretexts import (
    DRAWS,
    FEW,
    LABELLED,
    ROWS,
    TABLE,
    TASK_SCORE,
    Thumbnail,
    encoder_of,
    fine_tuned,
    supervised,
    task_score,
    things,
    train_pretext,
    worth,
)
from course_lib.self_supervision.damaged_jigsaw import without_colours
from tools import tables

SEEDS = (10, 11, 12)
KINDS = (TASK_SCORE, "all", "ten", "knn")
RECIPE = {
    "steps": {name: row.steps for name, row in ROWS.items()},
    "few": FEW,
    "draws": DRAWS,
    "labelled": LABELLED,
    "tuning": [pretexts.TUNING, pretexts.TUNING_BATCH],
    "supervised": pretexts.SUPERVISED,
    "exemplars": pretexts.EXEMPLARS,
    "shortcut steps": shortcuts.STEPS,
    "seeds": SEEDS,
}


def figures(seed: int) -> dict[str, dict[str, float]]:
    """Every row on one data seed: name -> what was measured."""
    train, test = things("train", seed), things("test", seed)
    labelled, start = train[:LABELLED], encoder_of(seed)
    rows = {
        "untrained": worth(start, labelled, test),
        "8 x 8 grey pixels": worth(Thumbnail(), labelled, test),
        "untrained, without colours": worth(start, labelled, test, without_colours),
        "with all labels": worth(supervised(train, seed), labelled, test),
    }
    encoders = {"from scratch": start}
    for name, row in tqdm(ROWS.items(), f"tasks, data seed {seed}"):
        task = train_pretext(name, train.images, seed)
        score = {TASK_SCORE: task_score(task, row, train.images, test.images, seed)}
        rows[name] = score | worth(task.encoder, labelled, test, row.sees)
        encoders[name] = task.encoder
    for name in tqdm(shortcuts.CASES, f"shortcuts, data seed {seed}"):
        rows[name] = shortcuts.try_case(name, train, test, labelled, seed)[1]
    for camera in shortcuts.CAMERAS:
        seen = (replace(part, images=camera(part.images)) for part in (labelled, test))
        rows[f"untrained, {camera.__name__}"] = worth(start, *seen)
    for name in ("from scratch", "rotation", "context"):
        tuned = [fine_tuned(encoders[name], labelled, test, draw) for draw in range(DRAWS)]
        rows[f"fine-tuned, {name}"] = {
            "ten": sum(tuned) / DRAWS,
            "least": min(tuned),
            "most": max(tuned),
        }
    return {name: {k: round(v, 4) for k, v in row.items()} for name, row in rows.items()}


if __name__ == "__main__":
    tables.make(TABLE, __file__, *tables.of_rows(figures, SEEDS, RECIPE))
