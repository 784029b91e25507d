"""A face detector for real photographs, from what scikit-image and matplotlib ship (L5.01-L5.03).

A sliding window (the cascade of Viola and Jones with LBP features, as OpenCV trained it) proposes; a logistic
regression on HOG features scores. Its windows overlap, its best one happens to be no face.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from course_lib.data.from_packages import shipped_photographs

# Labelled by hand: from the forehead to the chin, as the training faces are cut.  (x1, y1, x2, y2) in pixels
FACES = {
    "astronaut": [(178.0, 66.0, 272.0, 168.0)],
    "officer": [(160.0, 115.0, 370.0, 325.0)],
    "motorcycle": [],
    "rocket": [],
}
WINDOW = 25  # pixels, of the training images


def photographs_with_faces() -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
    """Four photographs and where their faces are: name -> image [3, H, W] in 0..1, target with boxes and labels.

    The classifier has not seen them. NASA and the US Navy took the portraits; they are in the public domain.
    """
    photographs = shipped_photographs()
    return {name: (photographs[name], _target(boxes)) for name, boxes in FACES.items()}


def face_candidates(image: Tensor) -> dict[str, Tensor]:
    """Every window in which the cascade sees a face, with a score, best first: nothing is suppressed.

    Args:
        image: a colour image with values in 0..1, 40 pixels or more on a side.   # [3, H, W]
    Returns:
        boxes [N, 4] in pixels, labels [N] (all 0), scores [N] in 0..1.

    Viola and Jones, 2001 (the cascade); Dalal and Triggs, 2005 (HOG with a linear classifier). Lecture topic L5.01.
    """
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    windows = _windows(pixels)
    if not windows:
        return {**_target([]), "scores": torch.zeros(0)}
    scores = _classifier().predict_proba([_features(cut) for cut in _cut(pixels, windows)])[:, 1]
    order = np.argsort(-scores, kind="stable")
    found = _target([windows[i] for i in order])
    return {**found, "scores": torch.from_numpy(scores[order]).float()}


@cache
def _cascade():
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())


@cache
def _classifier():
    """Face or not: trained on 100 faces and 100 other patches, and on false windows of photographs without faces."""
    import skimage.data
    from sklearn.datasets import load_sample_image
    from sklearn.linear_model import LogisticRegression

    patches = skimage.data.lfw_subset()  # [200, 25, 25]: first the faces
    faces = [*patches[:100], *patches[:100, :, ::-1]]
    others = list(patches[100:])
    photos = [skimage.data.coffee(), skimage.data.chelsea(), skimage.data.retina()[::2, ::2]]
    for pixels in (*photos, load_sample_image("china.jpg"), load_sample_image("flower.jpg")):
        others += _cut(pixels, _windows(pixels))
    features = [_features(patch) for patch in faces + others]
    return LogisticRegression(C=10, max_iter=5000).fit(
        features, [1] * len(faces) + [0] * len(others)
    )


def _features(patch: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients in cells of 5 x 5 pixels.          # [25, 25] -> [512]"""
    from skimage.feature import hog

    return hog(patch, orientations=8, pixels_per_cell=(5, 5), cells_per_block=(2, 2))


def _windows(pixels: np.ndarray) -> list[tuple[float, ...]]:
    """The cascade's windows, none merged with another: (x1, y1, x2, y2).  # [H, W, 3] -> N"""
    side = min(pixels.shape[:2])
    found = _cascade().detect_multi_scale(
        img=pixels,
        scale_factor=1.1,
        step_ratio=1,
        min_size=(40, 40),
        max_size=(side, side),
        # above 1: no two windows are close enough to be merged
        intersection_score_threshold=1.01,
        min_neighbor_number=1,
    )
    return sorted((w["c"], w["r"], w["c"] + w["width"], w["r"] + w["height"]) for w in found)


def _cut(pixels: np.ndarray, windows: list[tuple[float, ...]]) -> list[np.ndarray]:
    """The grey patches under windows, scaled to 25 x 25.                  # [H, W, 3] -> N x [25, 25]"""
    from skimage.color import rgb2gray
    from skimage.transform import resize

    grey = rgb2gray(pixels)
    shape = (WINDOW, WINDOW)
    return [resize(grey[y1:y2, x1:x2], shape, anti_aliasing=True) for x1, y1, x2, y2 in windows]


def _target(boxes: list) -> dict[str, Tensor]:
    boxes = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    return {"boxes": boxes, "labels": torch.zeros(len(boxes), dtype=torch.int64)}
