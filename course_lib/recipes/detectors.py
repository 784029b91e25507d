"""All seven detectors by name, and the recipe that each is trained by.

python -m course_lib.recipes           trains all of them into data/cache: before a class, say
python -m course_lib.recipes yolo      this one
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module

import torch
from torch import Tensor

from course_lib.data.holders import AnnotatedImages
from course_lib.detectors.detector import Detector
from course_lib.detectors.targets import padded
from course_lib.detectors.training import Recipe, train
from course_lib.training.weights import load_or_train


def _make(module: str, name: str, classes: int) -> Detector:
    """A detector whose file is imported now: whoever trains YOLO does not depend on DETR."""
    return getattr(import_module(f"course_lib.detectors.{module}"), name)(classes)


# Name -> made of a number of classes, and the recipe it is trained by: about a minute on a CPU core each.
RECIPES: dict[str, tuple[Callable[[int], Detector], Recipe]] = {
    "rcnn": (partial(_make, "rcnn", "RCNN"), Recipe("R-CNN", steps=320, max_seconds=900)),
    "fast_rcnn": (
        partial(_make, "fast_rcnn", "FastRCNN"),
        Recipe("Fast R-CNN", steps=700, max_seconds=900),
    ),
    "faster_rcnn": (
        partial(_make, "faster_rcnn", "FasterRCNN"),
        Recipe("Faster R-CNN", steps=500, max_seconds=900),
    ),
    "mask_rcnn": (
        partial(_make, "mask_rcnn", "MaskRCNN"),
        Recipe("Mask R-CNN", 330, max_seconds=900, targets=("boxes", "labels", "masks")),
    ),
    "yolo": (partial(_make, "yolo", "Yolo"), Recipe("YOLO", steps=1300, lr=5e-3, max_seconds=900)),
    "retinanet": (
        partial(_make, "retinanet", "RetinaNet"),
        Recipe("RetinaNet", 700, lr=5e-3, max_seconds=900),
    ),
    "detr": (
        partial(_make, "detr", "Detr"),
        Recipe("DETR", steps=500, lr=2e-3, max_norm=1.0, max_seconds=900, backbone="yolo"),
    ),
}


def load_detector(
    name: str, scenes: AnnotatedImages, seed: int = 0
) -> tuple[Detector, list[float]]:
    """A trained detector: from data/cache where it was trained before, else trained now, with a progress bar.

    Args:
        name: one of RECIPES.
        scenes: what it is trained on, its classes are `scenes.names`.
        seed: of its first weights.
    Returns:
        The detector, in evaluation mode, and the loss of every step of its training.
    Raises:
        ValueError: there is no detector of that name.

    A detector is trained once, in whatever notebook comes first.
    """
    if name not in RECIPES:
        raise ValueError(f"load_detector: name must be one of {list(RECIPES)}, got {name!r}")
    make, recipe = RECIPES[name]
    torch.manual_seed(seed)
    detector = make(len(scenes.names))
    if recipe.backbone:
        teacher, _ = load_detector(recipe.backbone, scenes, seed)
        detector.backbone.load_state_dict(teacher.backbone.state_dict())

    def train_by_recipe(detector: Detector, *data: Tensor) -> list[float]:
        return train(detector, *data, recipe=recipe)

    data = training_data(scenes, recipe.targets)
    return detector, load_or_train(f"detector-{name}", detector, train_by_recipe, *data)


def training_data(
    scenes: AnnotatedImages, targets: tuple[str, ...] = ("boxes", "labels")
) -> tuple[Tensor, ...]:
    """Scenes as tensors: images, boxes, labels, and more where named.   # [N, 3, H, W], [N, M, 4], [N, M]"""
    return scenes.images, *padded(scenes.targets, targets)
