"""Classes of one's own with few labels: which features are worth most under a linear probe? (L2.17, L2.19, L5.13)"""

import contextlib
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.datasets import load
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.encoders import embed
from course_lib.machine import progress
from course_lib.pretrained.imagenet import SIDE, efficientnet_lite0, prepare
from course_lib.recipes.cases import BATCH, train_on_cases
from course_lib.recipes.pretexts import encoder_of
from course_lib.self_supervision.probes import few_label_probe, linear_probe

COUNTS, DRAWS = (1, 2, 5, 10, 20), 5  # labels a class, and how often they are drawn
SMALL = 32  # side of the images for our small network
PIXELS = 8  # side of the images whose pixels are features


def probe_own(folder: str | Path, seed: int = 0) -> list[tuple[str, ...]]:
    """Accuracies of linear probes on a folder's classes, by the number of labels.

    Four kinds of features: of a network that was trained on ImageNet with labels; of SimCLR, trained on the folder's
    own training images without labels; of the same small network untrained; and small images' pixels.

    Args:
        folder: holds a folder of images for each class, or a list; see `load("class-folders", ...)`.
        seed: of the small network.
    Returns:
        The rows of a table, its head first; the mean of five draws of the labels. The last row takes all labels. A
        number of labels that a class has not is left out, and so is SimCLR with fewer training images than a batch.
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
    features = {"ImageNet": [_vectors(part) for part in (train, test)]}
    small, small_test = (_small(part, SMALL) for part in (train, test))
    networks: dict[str, nn.Module] = {}
    if len(train) >= BATCH:
        networks["SimCLR on these images"] = train_on_cases(small, False, seed).encoder
    networks["small network, untrained"] = encoder_of(seed)
    for name, network in networks.items():
        features[name] = [embed(network, part.images) for part in (small, small_test)]
    pixels = [_small(part, PIXELS).images.flatten(1) for part in (train, test)]
    features[f"{PIXELS} x {PIXELS} pixels"] = pixels
    least = train.labels.bincount(minlength=len(train.names)).min().item()
    rows = [("labels a class", *features)]
    for count in (*(c for c in COUNTS if c <= least), None):
        judged = [(x, train.labels, x_test, test.labels) for x, x_test in features.values()]
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


def _small(images: LabelledImages, side: int) -> LabelledImages:
    return replace(images, images=F.adaptive_avg_pool2d(images.images, side))
