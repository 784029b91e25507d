"""Faces by dlib: one face is found where it is, two photographs of one person are near; without dlib a sentence."""

from importlib.util import find_spec

import pytest
import skimage.data
import torch
from sklearn.datasets import load_sample_image

from course_lib.pretrained import faces as module
from course_lib.pretrained.faces import THRESHOLD, faces_in
from course_lib.recipes.photographs import photographs_with_faces

there = all(find_spec(name) for name in ("dlib", "face_recognition_models"))
extra = pytest.mark.skipif(not there, reason="make test EXTRAS=real")


@extra
def test_faces_are_found_where_they_are():
    for name, (image, target) in photographs_with_faces().items():
        found = faces_in(image)
        assert len(found) == len(target["boxes"]), name
        for face, (x1, y1, x2, y2) in zip(found, target["boxes"].tolist(), strict=True):
            middle = (face.box[:2] + face.box[2:]) / 2
            assert x1 < middle[0] < x2 and y1 < middle[1] < y2
            assert ((face.landmarks > face.box[:2]) & (face.landmarks < face.box[2:])).all()
            assert face.vector.shape == (128,) and face.vector.isfinite().all()


@extra
def test_a_person_is_near_themselves_and_far_from_others():
    (one, _), (other, _) = (photographs_with_faces()[name] for name in ("astronaut", "officer"))
    darker = (0.7 * one).flip(2)
    a, b, c = (faces_in(image)[0].vector for image in (one, darker, other))
    assert (a - b).norm() < THRESHOLD < (a - c).norm()


@extra
def test_grey_images_and_enlarged_ones():
    grey = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).float().mean(0, True) / 255
    once, twice = faces_in(grey)[0], faces_in(grey[:, :256], enlarge=2)[0]
    torch.testing.assert_close(once.box, twice.box, atol=12.0, rtol=0)
    assert (once.vector - twice.vector).norm() < THRESHOLD


@extra
def test_no_face_is_an_empty_list():
    flower = torch.from_numpy(load_sample_image("flower.jpg").copy()).permute(2, 0, 1) / 255
    assert faces_in(flower[:, :200, :200]) == []


def test_bad_input_is_refused_before_dlib_is_looked_for():
    with pytest.raises(ValueError, match="faces_in: values must lie in 0"):
        faces_in(torch.full((3, 90, 90), 255.0))
    with pytest.raises(ValueError, match="enlarge must be"):
        faces_in(torch.zeros(3, 90, 90), enlarge=0)


def test_without_the_packages_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "MODELS", "no_such_models")
    module._models.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="make lab EXTRAS=real"):
        faces_in(torch.zeros(3, 90, 90))
    module._models.cache_clear()
