"""The face detector for photographs: many windows on a face, and one that is none."""

import pytest
import torch

from course_lib.by_definition.detection import box_iou
from course_lib.recipes.photographs import face_candidates, photographs_with_faces


@pytest.fixture(scope="module")
def photos():
    return photographs_with_faces()


def test_targets_lie_inside_their_photographs(photos):
    for image, target in photos.values():
        assert image.ndim == 3 and image.dtype == torch.float32 and 0 <= image.min() <= 1
        height, width = image.shape[1:]
        assert target["boxes"].shape == (len(target["labels"]), 4)
        assert (target["boxes"] >= 0).all()
        assert (target["boxes"][:, 2:] <= torch.tensor([width, height])).all()
        assert (target["boxes"][:, :2] < target["boxes"][:, 2:]).all()


@pytest.mark.parametrize("name", ["astronaut", "officer"])
def test_a_face_has_many_windows_and_other_places_have_some(photos, name):
    image, target = photos[name]
    found = face_candidates(image)
    on_face = box_iou(found["boxes"], target["boxes"])[:, 0] >= 0.5
    assert on_face.sum() >= 10 and (~on_face).sum() >= 5
    assert (found["scores"].diff() <= 0).all() and (found["scores"] > 0).all()


def test_the_best_window_of_the_astronaut_is_no_face(photos):
    image, target = photos["astronaut"]
    best = face_candidates(image)["boxes"][:1]
    assert box_iou(best, target["boxes"]) == 0


def test_an_empty_wall_has_no_window():
    found = face_candidates(torch.full((3, 60, 80), 0.5))
    assert found["boxes"].shape == (0, 4) and len(found["scores"]) == len(found["labels"]) == 0
