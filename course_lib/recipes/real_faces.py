"""Real people by networks that saw others: ours drawn faces, dlib's photographs (L2.16, L4.02; notebook 13).

yours = compare_own("~/Pictures/people", ours)          # every face with every other
yours.scores                                            # [N, N]
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data import files
from course_lib.data.files import shown
from course_lib.data.image_files import images_below
from course_lib.data.photos import Photographs, leave_out
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed
from course_lib.machine import progress
from course_lib.pretrained.faces import MODELS, THRESHOLD, Face, faces_in
from course_lib.pretrained.images import as_batch

SIDE = 32  # pixels of the faces that our network knows
THUMBNAIL = 96
AT_LEAST, AT_MOST = (
    500,
    1000,
)  # pixels of the short and of the long side in which dlib looks for faces
SMALL = 300  # images with a shorter side are looked at twice as large
MOST = 40  # faces that are compared


class OwnFaces(NamedTuple):
    """Faces of one's own images, and how alike they are."""

    names: list[str]  # of the files
    faces: Tensor  # for looking at                                   # [N, 3, 96, 96]
    scores: Tensor  # cosines, or negative distances                  # [N, N]
    threshold: float  # at or above it: one person
    real: bool  # by dlib's network, which knows photographs


def real_network_there() -> bool:
    """Whether dlib and its models are installed."""
    return all(find_spec(package) for package in ("dlib", MODELS))


def middle(images: Tensor, side: int = SIDE) -> Tensor:
    """The middle squares, as colour images of so many pixels.         # [N, 1 or 3, H, W] -> [N, 3, side, side]"""
    height, width = images.shape[2:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = images[..., top : top + edge, left : left + edge].expand(-1, 3, -1, -1)
    return F.interpolate(square, (side, side), mode="bilinear", antialias=True)


def first_faces(images: Tensor, enlarge: int = 1) -> Tensor:
    """dlib's vector of the surest face in each image; NaN where it finds none.   # [N, C, H, W] -> [N, 128]"""
    vectors = torch.full((len(images), 128), torch.nan)
    for i, image in enumerate(progress(list(images), "faces")):
        for face in faces_in(image, enlarge)[:1]:
            vectors[i] = face.vector
    return vectors


def likeness(a: Tensor, b: Tensor) -> Tensor:
    """Negative distances of dlib's vectors; minus infinity with a face that was not found.   # 2 x [N, 128] -> [N]"""
    return -(a - b).norm(dim=-1).nan_to_num(nan=torch.inf)


def compare_own(folder: str | Path, ours: nn.Module, threshold: float) -> OwnFaces:
    """Compare the faces of a folder's images, each with each: by dlib's network, or, where it is not there, by ours.

    Args:
        folder: two images or more; those in the folders below count, too. "~" and relative paths are taken.
        ours: an encoder that knows drawn faces; it gets the middle squares.
        threshold: of ours, on cosines.
    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: fewer than two faces.

    Images that cannot be read, those of fewer than 32 pixels and those without a face are left out and named; of more
    than 40 images the first 40 count.
    """
    folder = files.absolute(folder)
    files.require("compare_own", folder.parent, [folder.name])
    paths = images_below(folder)
    if not paths:
        raise FileNotFoundError(f"compare_own: no image in {shown(folder)}")
    real = real_network_there()
    names, faces, vectors, unread, tiny, faceless = [], [], [], [], [], []
    for path in progress(paths[:MOST], "your faces"):
        try:
            (image,) = Photographs("compare_own", [path], AT_LEAST)
        except (OSError, ValueError):
            unread.append(path.name)
            continue
        if min(image.shape[1:]) < SIDE:
            tiny.append(path.name)
            continue
        face = _surest(image) if real else None
        if real and face is None:
            faceless.append(path.name)
            continue
        names.append(path.name)
        faces.append(_around(image, face.box) if face else middle(image[None], THUMBNAIL))
        vectors.append(face.vector if face else embed(ours, middle(image[None]))[0])
    leave_out("compare_own", unread)
    for what, which in ((f"Smaller than {SIDE} pixels", tiny), ("No face is found in", faceless)):
        if which:
            print(f"{what}: {', '.join(which[:10])}{' and more' * (len(which) > 10)}")
    if len(paths) > MOST:
        print(f"{len(paths):,} images; the first {MOST} are compared.")
    if len(names) < 2:
        raise ValueError(
            f"compare_own: two faces are needed to compare, {len(names)} found in {shown(folder)}"
        )
    x = torch.stack(vectors)
    scores = likeness(x[:, None], x[None]) if real else normalize(x) @ normalize(x).T
    print(f"{len(names)} faces, compared by {'the network of dlib' if real else 'our network'}")
    return OwnFaces(names, torch.cat(faces), scores, -THRESHOLD if real else threshold, real)


def _surest(image: Tensor) -> Face | None:
    """The surest face, its box in pixels of the image: large images are looked at smaller, small ones larger."""
    scale = min(1.0, AT_MOST / max(image.shape[1:]))
    small = as_batch("compare_own", image).float()
    if scale < 1:
        small = F.interpolate(small, scale_factor=scale, mode="bilinear", antialias=True)
    found = faces_in(small[0], enlarge=2 if min(small.shape[2:]) < SMALL else 1)
    return found[0]._replace(box=found[0].box / scale) if found else None


def _around(image: Tensor, box: Tensor) -> Tensor:
    """A square around a face, a half larger, scaled.                 # [3, H, W], [4] -> [1, 3, 96, 96]"""
    x, y = (box[:2] + box[2:]).div(2).tolist()
    half = 0.75 * float((box[2:] - box[:2]).amax())
    height, width = image.shape[1:]
    rows = slice(max(0, round(y - half)), min(height, round(y + half)))
    columns = slice(max(0, round(x - half)), min(width, round(x + half)))
    return middle(image[None, :, rows, columns], THUMBNAIL)
