"""From a photo to aligned faces: the course's YOLO finds them, a small network their landmarks (L1.15; notebook 13)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.group_photos import LANDMARKS, group_photos
from course_lib.data.holders import AnnotatedImages
from course_lib.detection.overlap import box_iou
from course_lib.detectors.targets import padded
from course_lib.detectors.training import Recipe, train
from course_lib.detectors.yolo import Yolo
from course_lib.embeddings.encoders import ConvEncoder
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train
from course_lib.verification.alignment import similarity, square_around, warp

PHOTOS = 400  # group photos to learn from
DETECTOR = Recipe("faces in groups", steps=300, lr=5e-3, batch=8, max_seconds=600)
CROP = 32  # pixels of a crop in which landmarks are found
ROOM = 1.35  # of a crop, times the square with the area of the box
SHAKE = 0.08  # boxes are moved by this share of their sides while the landmark network learns
LANDMARK_STEPS = 1200
FACE = 32  # pixels of an aligned face
SURE = 0.05  # scores of detections that count; on validation photos no false one reaches it
# Where landmarks lie in the faces that a verifier is trained on: the means over 2,000 of them, in pixels of 32.
PLACES = torch.tensor([[12.5, 16.3], [19.5, 16.3], [16.0, 23.0]])
FRAME = 1.62  # and the side of their whole picture, times that of the square with the face's area


def face_detector(seed: int) -> tuple[Yolo, AnnotatedImages]:
    """YOLO with one class, trained on group photos; and these photos."""
    photos = group_photos("train", seed, PHOTOS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detector = Yolo(classes=1)

    def run(detector: Yolo, *data: Tensor) -> list[float]:
        return train(detector, *data, recipe=DETECTOR)

    data = photos.images, *padded(photos.targets, DETECTOR.targets)
    load_or_train("detector-faces", detector, run, *data)
    return detector, photos


class LandmarkNet(nn.Module):
    """A crop around a face -> where its landmarks lie, in pixels of the crop.   # [N, 3, 32, 32] -> [N, 3, 2]"""

    def __init__(self):
        super().__init__()
        self.encoder = ConvEncoder(
            3, dim=2 * len(LANDMARKS), widths=(24, 48, 64), strides=(2, 2, 2), cells=4
        )

    def forward(self, crops: Tensor) -> Tensor:
        return CROP / 2 * (1 + self.encoder(crops).view(-1, len(LANDMARKS), 2))


def landmark_net(photos: AnnotatedImages, seed: int) -> LandmarkNet:
    """Trained on the faces of group photos, in crops as inexact as a detector's boxes."""
    boxes, marks = (torch.stack([t[k] for t in photos.targets]) for k in ("boxes", "landmarks"))
    each = boxes.shape[1]
    boxes, marks = boxes.flatten(0, 1), marks.flatten(0, 1)  # [N, 4], [N, 3, 2]
    which = torch.arange(len(photos)).repeat_interleave(each)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = LandmarkNet()

    def run(net: LandmarkNet, images: Tensor, boxes: Tensor, marks: Tensor) -> list[float]:
        def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
            chosen = torch.randint(len(boxes), (64,), generator=generator)
            sides = (boxes[chosen, 2:] - boxes[chosen, :2]).repeat(1, 2)
            shaken = boxes[chosen] + SHAKE * sides * torch.randn(64, 4, generator=generator)
            matrices = square_around(shaken, CROP, ROOM)
            return warp(images, which[chosen], matrices, CROP), moved(marks[chosen], matrices)

        def loss(net: LandmarkNet, crops: Tensor, marks: Tensor) -> Tensor:
            return F.smooth_l1_loss(net(crops), marks)

        return fit(net, sample, loss, steps=LANDMARK_STEPS, lr=5e-3, seed=seed, label="landmarks")

    load_or_train("landmarks-of-faces", net, run, photos.images, boxes, marks)
    return net


def moved(points: Tensor, matrices: Tensor) -> Tensor:
    """Points of faces by the matrix of each.   # [N, K, 2], [N, 2, 3] -> [N, K, 2]"""
    return points @ matrices[..., :2].mT + matrices[..., None, :, 2]


def undone(points: Tensor, matrices: Tensor) -> Tensor:
    """The way back of `moved`.   # [N, K, 2], [N, 2, 3] -> [N, K, 2]"""
    return (points - matrices[..., None, :, 2]) @ torch.linalg.inv(matrices[..., :2]).mT


@torch.no_grad()
def landmarks_of(net: LandmarkNet, images: Tensor, which: Tensor, boxes: Tensor) -> Tensor:
    """Landmarks of faces, in pixels of their images.   # [B, 3, H, W], [N], [N, 4] -> [N, 3, 2]"""
    matrices = square_around(boxes, CROP, ROOM)
    return undone(net(warp(images, which, matrices, CROP)), matrices)


@torch.no_grad()
def found_faces(
    detector: Yolo, net: LandmarkNet, photos: Sequence[AnnotatedImages]
) -> tuple[dict[str, Tensor], Tensor]:
    """Every face of group photos that is found, cut out in three ways, by the net's landmarks; and who it is.

    A face is found where a box overlaps its own with IoU .5 or more; of several the surest counts.

    Returns:
        A name of `CUTS` -> faces [N, 3, 32, 32]; people [N].
    """
    ways, people = {name: [] for name in CUTS}, []
    for part in photos:
        for i, found in enumerate(detector.detect(part.images)):
            target = part.targets[i]
            boxes = found["boxes"][found["scores"] >= SURE]
            if len(boxes) == 0:
                continue
            hit, which = (box_iou(target["boxes"], boxes) >= 0.5).float().max(1)
            there = hit > 0
            image, boxes = part.images[i : i + 1], boxes[which[there]]
            one = torch.zeros(len(boxes), dtype=torch.int64)
            marks = landmarks_of(net, image, one, boxes)
            for name, cut in CUTS.items():
                ways[name].append(cut(image, one, boxes, marks))
            people.append(target["person"][there])
    return {name: torch.cat(faces) for name, faces in ways.items()}, torch.cat(people)


def cut_out(images: Tensor, which: Tensor, boxes: Tensor, landmarks: Tensor) -> Tensor:
    """Faces as the detector found them: the square around each box, as wide as training faces have it."""
    return warp(images, which, square_around(boxes, FACE, FRAME), FACE)


def upright(images: Tensor, which: Tensor, boxes: Tensor, landmarks: Tensor) -> Tensor:
    """The same squares, turned so that both eyes are level.   # -> [N, 3, 32, 32]"""
    right, down = (landmarks[:, 1] - landmarks[:, 0]).unbind(1)
    matrices = square_around(boxes, FACE, FRAME, torch.atan2(down, right))
    return warp(images, which, matrices, FACE)


def in_place(images: Tensor, which: Tensor, boxes: Tensor, landmarks: Tensor) -> Tensor:
    """Faces turned, scaled and shifted so that eyes and mouth lie at `PLACES`.   # -> [N, 3, 32, 32]"""
    return warp(images, which, similarity(landmarks, PLACES), FACE)


CUTS = {"cut out": cut_out, "eyes level": upright, "eyes and mouth in place": in_place}
