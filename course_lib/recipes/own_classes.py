"""A linear probe on images of one's own, with the frozen features of a network that knows ImageNet (L2.19, L5.13)."""

import contextlib
from pathlib import Path

import torch
from torch import Tensor

from course_lib.data.datasets import load
from course_lib.data.holders import LabelledImages
from course_lib.machine import progress
from course_lib.pretrained.imagenet import SIDE, efficientnet_lite0, prepare
from course_lib.self_supervision.probes import few_label_probe, linear_probe

COUNTS, DRAWS = (1, 2, 5, 10, 20), 5  # labels a class, and how often they are drawn
PIXELS = 8  # side of the images whose pixels are the other features


def probe_own(folder: str | Path) -> list[tuple[str, ...]]:
    """Accuracies of linear probes on a folder's classes, by the number of labels.

    Args:
        folder: holds a folder of images for each class, or a list; see `load("class-folders", ...)`.
    Returns:
        The rows of a table, its head first: labels a class, on the network's features, on pixels; the mean of five
        draws of the labels. The last row takes all labels. A number of labels that a class has not is left out.
    Raises:
        FileNotFoundError, ValueError: as `load`; a single class; no images held out.

    Judged by the split "test" of the files (or by hash), or else by "val".
    """
    train = load("class-folders", "train", folder=folder, size=SIDE)
    if len(train.names) < 2:
        raise ValueError(f"probe_own: there must be two classes or more, got {train.names}")
    with contextlib.redirect_stdout(None):  # it has said what it understood
        try:
            test = load("class-folders", "test", folder=folder, size=SIDE)
        except ValueError:
            test = load("class-folders", "val", folder=folder, size=SIDE)
    features = [(_vectors(train), _vectors(test)), (_pixels(train), _pixels(test))]
    least = train.labels.bincount(minlength=len(train.names)).min().item()
    rows = [("labels a class", "ImageNet features", f"{PIXELS} x {PIXELS} pixels")]
    for count in (*(c for c in COUNTS if c <= least), None):
        judged = [(x, train.labels, x_test, test.labels) for x, x_test in features]
        accuracies = [
            few_label_probe(*four, count, DRAWS) if count else linear_probe(*four)
            for four in judged
        ]
        rows.append((str(count or "all"), *(f"{a:.3f}" for a in accuracies)))
    return rows


@torch.no_grad()
def _vectors(images: LabelledImages) -> Tensor:
    """What is above the network's classes.   # [N, 1280]"""
    network = efficientnet_lite0()
    parts = [network.embed(prepare(part)) for part in progress(images.images.split(16), "features")]
    return torch.cat(parts)


def _pixels(images: LabelledImages) -> Tensor:
    """The same images, small.   # [N, 3 * PIXELS * PIXELS]"""
    return torch.nn.functional.adaptive_avg_pool2d(images.images, PIXELS).flatten(1)
