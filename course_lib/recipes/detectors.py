"""All seven detectors by name, and the drawn scenes they are trained and judged on.

python -m course_lib.recipes           trains all of them into data/cache: before a class, say
python -m course_lib.recipes yolo      this one
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.data import datasets
from course_lib.data.holders import AnnotatedImages
from course_lib.detectors.detr import Detr, train_detr
from course_lib.detectors.fast_rcnn import FastRCNN, train_fast_rcnn
from course_lib.detectors.faster_rcnn import FasterRCNN, train_faster_rcnn
from course_lib.detectors.mask_rcnn import MaskRCNN, padded_masks, train_mask_rcnn
from course_lib.detectors.rcnn import RCNN, train_rcnn
from course_lib.detectors.retinanet import RetinaNet, train_retinanet
from course_lib.detectors.targets import padded
from course_lib.detectors.yolo import Yolo, train_yolo
from course_lib.training.weights import load_or_train

SCENES = {"train": 4096, "val": 300, "test": 500}  # how many of each, 96 x 96 pixels
RECIPES: dict[str, tuple[Callable[[int], nn.Module], Callable[..., list[float]]]] = {
    "rcnn": (RCNN, train_rcnn),
    "fast_rcnn": (FastRCNN, train_fast_rcnn),
    "faster_rcnn": (FasterRCNN, train_faster_rcnn),
    "mask_rcnn": (MaskRCNN, train_mask_rcnn),
    "yolo": (Yolo, train_yolo),
    "retinanet": (RetinaNet, train_retinanet),
    "detr": (Detr, train_detr),
}  # name -> made of a number of classes, trained on images, boxes, labels
# These do not start from nothing: their backbone is a copy of another detector's, already trained.
BACKBONE_OF = {"detr": "yolo"}


def street_scenes(split: str, seed: int = 0) -> AnnotatedImages:
    """The drawn scenes of the detection lecture: 4,096 to train on, 300 to choose settings on, 500 to judge on.

    Args:
        split: "train", "val" or "test"; no scene is in two of them.
        seed: another seed is another world.
    Returns:
        Scenes of 96 x 96 pixels with one to six things each; a target holds boxes, labels, masks (and more).
    Raises:
        ValueError: another split.
    """
    if split not in SCENES:
        raise ValueError(f"street_scenes: split must be one of {list(SCENES)}, got {split!r}")
    return datasets.load("scenes", split, source="embedded", seed=seed, count=SCENES[split])


def load_detector(
    name: str, scenes: AnnotatedImages, seed: int = 0
) -> tuple[nn.Module, list[float]]:
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
        raise ValueError(f"load_detector: there is no {name!r}; there are {list(RECIPES)}")
    make, train = RECIPES[name]
    torch.manual_seed(seed)
    detector = make(len(scenes.names))
    if name in BACKBONE_OF:
        teacher, _ = load_detector(BACKBONE_OF[name], scenes, seed)
        detector.backbone.load_state_dict(teacher.backbone.state_dict())
    data = training_data(scenes)
    if name == "mask_rcnn":
        data = (*data, padded_masks(scenes.targets))
    losses = load_or_train(f"detector-{name}", detector, train, *data)
    return detector, losses


def training_data(scenes: AnnotatedImages) -> tuple[Tensor, Tensor, Tensor]:
    """Scenes as three tensors: images, boxes, labels.   # [N, 3, H, W], [N, M, 4], [N, M]"""
    return scenes.images, *padded(scenes.targets)


def main(names: list[str]) -> None:
    """Train what is missing in the cache; every detector if none is named."""
    scenes = street_scenes("train")
    for name in names or RECIPES:
        load_detector(name, scenes)
