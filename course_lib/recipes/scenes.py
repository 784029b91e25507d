"""The drawn scenes that all detectors are trained and judged on."""

from course_lib.data import datasets
from course_lib.data.holders import AnnotatedImages

SCENES = {"train": 4096, "val": 300, "test": 500}  # how many of each, 96 x 96 pixels


def street_scenes(split: str, seed: int = 0) -> AnnotatedImages:
    """The drawn scenes of the detection lecture: 4,096 to train on, 300 to choose settings on, 500 to judge on.

    Args:
        split: "train", "val" or "test"; no scene is in two of them.
        seed: of the data.
    Returns:
        Scenes of 96 x 96 pixels with one to six objects each; a target holds boxes, labels, masks (and more).
    Raises:
        ValueError: another split.
    """
    if split not in SCENES:
        raise ValueError(f"street_scenes: split must be one of {list(SCENES)}, got {split!r}")
    return datasets.load("scenes", split, source="embedded", seed=seed, count=SCENES[split])
