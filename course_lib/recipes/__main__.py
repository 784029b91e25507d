"""Train what the notebooks share into data/cache: before a class, say.

python -m course_lib.recipes           everything
python -m course_lib.recipes yolo      this detector
python -m course_lib.recipes pretexts  all that notebook 11 trains; "contrastive": notebook 12, "verification": 13
"""

import sys
from functools import partial

from course_lib.recipes.detectors import RECIPES, load_detector
from course_lib.recipes.scenes import street_scenes


def _detector(name: str) -> None:
    load_detector(name, street_scenes("train"))


def _pretexts() -> None:
    from course_lib.recipes.shortcuts import train_all

    train_all()


def _contrastive() -> None:
    from course_lib.recipes import cases, watched_simclr

    cases.train_all()
    watched_simclr.train_all()


def _verification() -> None:
    from course_lib.data import datasets
    from course_lib.recipes import face_pipeline, groups, liveness
    from course_lib.recipes.verifiers import WAYS, train_verifier

    face_pipeline.landmark_net(face_pipeline.face_detector(0)[1], 0)
    people = datasets.load("faces", "train", source="embedded", seed=0)
    for name, way in WAYS.items():
        train_verifier(way, people, 0, name=f"verifier-{name}")
    for rare in groups.SHOWN:
        groups.scores_by_group("skin", rare, 0)
    liveness.leave_one_out(0)


# Name -> what trains it, or finds it in the cache.
TRAIN = {
    **{name: partial(_detector, name) for name in RECIPES},
    "pretexts": _pretexts,
    "contrastive": _contrastive,
    "verification": _verification,
}


def main(names: list[str]) -> None:
    """Train what is missing in the cache; everything if nothing is named. `make notebooks` reads what it prints."""
    unknown = [name for name in names if name not in TRAIN]
    if unknown:
        sys.exit(f"course_lib.recipes: there is no {unknown[0]!r}; there are {', '.join(TRAIN)}")
    for name in names or TRAIN:
        print(f"recipe {name}")
        TRAIN[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
