"""What the borrowed networks know, measured once: data/results/pretrained.json, in some three minutes.

    COURSE_DATA_DIR=... python -m tools.make_pretrained

It needs `make lab EXTRAS=real`, and in COURSE_DATA_DIR the sets "landmarks-yfcc" (23 photographs by tourists of five
sights, from the Image Matching Challenge) and "orl-faces" (40 people x 10). The pages show what is kept here: neither
the sets nor the extras belong to the course.
"""

import json

import torch
from torch import Tensor
from tqdm import tqdm

from course_lib.data import datasets
from course_lib.data.files import find
from course_lib.embeddings.distances import normalize
from course_lib.machine import ROOT
from course_lib.pretrained.faces import THRESHOLD, faces_in
from course_lib.pretrained.imagenet import efficientnet_lite0, prepare
from course_lib.pretrained.local_features import agreeing, local_features, match, xfeat
from course_lib.recipes.faces import FAR
from course_lib.recipes.orl_verification import (
    borrowed_scores,
    drawn_scores,
    pixel_scores,
    ten_fold,
)
from course_lib.recipes.own_classes import probe_own
from course_lib.recipes.own_photos import album_of, text_likeness
from course_lib.recipes.verifiers import WAYS, train_verifier
from course_lib.verification.curves import auc, kfold_accuracy, tar_at_far
from course_lib.verification.thresholds import rates, threshold_at_far

RESULTS = ROOT / "data" / "results" / "pretrained.json"
# What page 06 asks where the sentence encoder is not there.
TEXTS = [
    "a pet", "something to drink", "a person in uniform", "a vehicle", "a building", "plants", "money", "an eye",
]  # fmt: skip


FARS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of the DET curves on ORL


def text_answers() -> dict:
    """How like each of the packages' photographs is to each text."""
    album = album_of(None)
    likeness = text_likeness(album.vectors, TEXTS)
    rows = zip(TEXTS, likeness.tolist(), strict=True)
    return {
        text: {n: round(v, 4) for n, v in zip(album.names, row, strict=True)} for text, row in rows
    }


def found_by_name() -> dict[str, str]:
    """The photograph that comes first for the name of each, "a cat"."""
    album = album_of(None)
    likeness = text_likeness(album.vectors, [f"a {name}" for name in album.names])
    best = likeness.argmax(dim=1).tolist()
    return {name: album.names[i] for name, i in zip(album.names, best, strict=True)}


def landmarks() -> dict[str, list[int]]:
    """For how many photographs the most alike of the others shows the same sight, and of how many."""
    folder = find("landmarks-yfcc") / "images"
    photographs = list(datasets.load("photos", "all", folder=folder))
    names = [path.parent.name for path in datasets.load("photos", "all", folder=folder).paths]
    labels = torch.tensor([sorted(set(names)).index(name) for name in names])
    with torch.no_grad():
        deep = normalize(torch.cat([efficientnet_lite0().embed(prepare(p)) for p in photographs]))
    gradients = normalize(torch.stack([_gradients(p) for p in photographs]))
    network = xfeat()
    points = [local_features(network, photograph) for photograph in tqdm(photographs, "points")]
    agree = torch.zeros(len(points), len(points))
    for i in tqdm(range(len(points)), "pairs"):
        for j in range(i):
            pairs = match(points[i].descriptors, points[j].descriptors)
            explained = agreeing(points[i].positions[pairs[:, 0]], points[j].positions[pairs[:, 1]])
            agree[i, j] = agree[j, i] = explained.sum()
    likeness = {
        "histograms of edge directions": gradients @ gradients.T,
        "ImageNet network": deep @ deep.T,
        "local features and geometry": agree,
    }
    return {name: [_right(values, labels), len(labels)] for name, values in likeness.items()}


def _right(likeness: Tensor, labels: Tensor) -> int:
    nearest = likeness.clone().fill_diagonal_(-torch.inf).argmax(dim=1)
    return int((labels[nearest] == labels).sum())


def _gradients(photograph: Tensor) -> Tensor:
    """Histograms of oriented gradients of the photograph at 128 x 128, in grey."""
    from skimage.feature import hog
    from skimage.transform import resize

    grey = resize(photograph.mean(0).numpy(), (128, 128), anti_aliasing=True)
    return torch.from_numpy(hog(grey, pixels_per_cell=(16, 16), cells_per_block=(2, 2)))


def faces() -> dict:
    """AUC over all pairs of the photographs in which dlib finds a face, for two networks."""
    people = [datasets.load("orl-faces", split) for split in ("train", "test")]
    images = torch.cat([part.images for part in people])  # [400, 1, 112, 92]
    labels = torch.cat([people[0].labels, people[1].labels + len(people[0].names)])
    found = [faces_in(image, enlarge=2) for image in tqdm(images, "faces")]
    there = torch.tensor([len(face) > 0 for face in found])
    with torch.no_grad():
        general = normalize(
            torch.cat([efficientnet_lite0().embed(prepare(image)) for image in images])
        )
    known = torch.stack([face[0].vector for face in found if face])
    of_found = labels[there]
    i, j = torch.triu_indices(len(known), len(known), offset=1)
    same = of_found[i] == of_found[j]
    scores = {
        "ImageNet network": (general[there] @ general[there].T)[i, j],
        "face network": -torch.cdist(known, known)[i, j],
    }
    return {
        "photographs": int(there.sum()),
        "of": len(labels),
        "auc": {name: round(auc(values, same), 5) for name, values in scores.items()},
    }


def verification() -> dict[str, dict[str, float]]:
    """Ten-fold accuracy on ORL's pairs by four scores, with standard errors; dlib's threshold as it is given."""
    drawn = datasets.load("faces", "train", seed=0)
    ours = train_verifier(WAYS["ArcFace"], drawn, 0, name="verifier-ArcFace")
    accuracies, scores, pairs = ten_fold()
    by = {
        "pixels": pixel_scores(pairs),
        "ArcFace on drawn faces": drawn_scores(ours, pairs),
        "ArcFace on ORL's other people": scores,
        "dlib's network": borrowed_scores(pairs),
    }
    found = {}
    for name, values in by.items():
        folds = kfold_accuracy(values, pairs.same, pairs.fold)
        if name.endswith("other people"):
            folds = accuracies  # a network for each fold: thresholds of others would not fit
        found[name] = {
            "ten folds": folds.mean().item(),
            "standard error": (folds.std() / len(folds) ** 0.5).item(),
            "auc": auc(values, pairs.same),
        }
        for far in FARS:
            found[name][f"FRR at FAR {far}"] = 1 - tar_at_far(values, pairs.same, far)
    found["dlib's network"] |= at_its_threshold(by["dlib's network"], pairs.same)
    return {name: {kind: round(v, 5) for kind, v in row.items()} for name, row in found.items()}


def at_its_threshold(scores: Tensor, same: Tensor) -> dict[str, float]:
    """What dlib's published threshold does on pairs, and what FAR 1/1000 would want."""
    far, tar = rates(scores, same, -THRESHOLD)
    return {
        "FAR at .6": far,
        "TAR at .6": tar,
        "threshold at FAR 1/1000": -threshold_at_far(scores, same, FAR),
        "TAR at FAR 1/1000": tar_at_far(scores, same, FAR),
    }


def few_labels() -> dict[str, dict[str, list[float]]]:
    """Linear probes on people's portraits by the number of labels, on three seeds of the small network."""
    folder, found = find("orl-faces"), {}
    for seed in (0, 1, 2):
        head, *rows = probe_own(folder, seed)
        for count, *accuracies in rows:
            for name, accuracy in zip(head[1:], accuracies, strict=True):
                found.setdefault(name, {}).setdefault(count, []).append(float(accuracy))
    return found


def main() -> None:
    results = {
        "texts": text_answers(),
        "by_name": found_by_name(),
        "landmarks": landmarks(),
        "faces": faces(),
        "verification": verification(),
        "few_labels": few_labels(),
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
