"""From a photo to aligned faces: matrices there and back, who was found, networks that train."""

import pytest
import torch

from course_lib.data.group_photos import group_photos
from course_lib.recipes import face_pipeline as steps
from course_lib.verification.alignment import similarity, square_around


def test_points_go_and_come_back():
    generator = torch.Generator().manual_seed(0)
    points = 40 * torch.rand(5, 3, 2, generator=generator)
    matrices = similarity(points, steps.PLACES)
    torch.testing.assert_close(
        steps.undone(steps.moved(points, matrices), matrices), points, atol=1e-3, rtol=0
    )


class Exact(torch.nn.Module):
    """A detector that knows the truth, but for the first face of each photo; and boxes where nobody is."""

    def __init__(self, photos):
        super().__init__()
        self.photos = photos

    def detect(self, images):
        nobody = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
        return [
            {
                "boxes": torch.cat([target["boxes"][1:] + 1, nobody]),
                "scores": torch.tensor([0.9, 0.8, 0.04, 0.7]),
            }
            for target in self.photos.targets
        ]


def test_found_faces_are_told_who_they_are():
    photos = group_photos("val", 0, 3)
    net = steps.LandmarkNet().eval()
    ways, who = steps.found_faces(Exact(photos), net, [photos])
    expected = torch.cat([t["person"][1:3] for t in photos.targets])  # the third is not sure enough
    assert torch.equal(who, expected)
    assert {faces.shape for faces in ways.values()} == {(6, 3, 32, 32)}
    # with true landmarks the face is the middle of the picture: skin or hair, and not the wall of the corner
    faces = ways["cut out"]
    assert ((faces[:, :, 18, 16] - faces[:, :, 0, 0]).abs().amax(1) > 0.02).all()


def test_the_networks_answer_is_turned_into_pixels_of_the_photo():
    photos = group_photos("val", 0, 1)
    boxes = photos.targets[0]["boxes"]

    class Middle(torch.nn.Module):
        def forward(self, crops):
            return torch.full((len(crops), 3, 2), steps.CROP / 2)

    which = torch.zeros(len(boxes), dtype=torch.int64)
    marks = steps.landmarks_of(Middle(), photos.images, which, boxes)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    torch.testing.assert_close(marks, middles[:, None].expand(-1, 3, -1), atol=1e-3, rtol=0)
    assert square_around(boxes, steps.CROP).shape == (4, 2, 3)


def test_faces_whose_eyes_are_level_are_upright():
    photos = group_photos("val", 0, 4)
    boxes, marks = (torch.cat([t[k] for t in photos.targets]) for k in ("boxes", "landmarks"))
    which = torch.arange(4).repeat_interleave(4)
    eyes = marks[:, 1] - marks[:, 0]
    matrices = square_around(boxes, 32, steps.FRAME, torch.atan2(eyes[:, 1], eyes[:, 0]))
    left, right, mouth = steps.moved(marks, matrices).unbind(1)
    torch.testing.assert_close(left[:, 1], right[:, 1], atol=1e-3, rtol=0)
    assert (mouth[:, 1] > left[:, 1] + 2).all()
    level, cut = (f(photos.images, which, boxes, marks) for f in (steps.upright, steps.cut_out))
    tilted = torch.atan2(eyes[:, 1], eyes[:, 0]).abs()
    change = (level - cut).abs().mean((1, 2, 3))
    assert change[tilted.argmax()] > 2 * change[tilted.argmin()]


@pytest.mark.slow
def test_detector_and_landmark_net_train(monkeypatch):
    monkeypatch.setattr(steps, "PHOTOS", 6)
    monkeypatch.setattr(steps, "DETECTOR", steps.DETECTOR._replace(steps=2, batch=2))
    monkeypatch.setattr(steps, "LANDMARK_STEPS", 3)
    detector, photos = steps.face_detector(0)
    assert len(photos) == 6 and len(detector.detect(photos.images)) == 6
    net = steps.landmark_net(photos, 0)
    assert net(torch.rand(2, 3, 32, 32)).shape == (2, 3, 2)
