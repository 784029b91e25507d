"""Chosen people are those of the drawn sets; strangers are others; a group photo's truth is where it says."""

import pytest
import torch

from course_lib.data import datasets
from course_lib.data.crowds import look_alikes, photos_of, strangers, traits_of
from course_lib.data.group_photos import PEOPLE, group_photos


def test_photos_of_chosen_people_are_theirs():
    everybody = datasets.load("faces", "train", seed=3, people=4, photos=3)
    two = photos_of(torch.tensor([3, 1]), "train", 3, photos=2, first=1)
    assert two.labels.tolist() == [0, 0, 1, 1] and two.names == ["person 3", "person 1"]
    assert torch.equal(two.images, everybody.images[[10, 11, 4, 5]])
    assert torch.equal(two.details["turn"], everybody.details["turn"][[10, 11, 4, 5]])


def test_traits_are_those_of_the_drawn_faces():
    people = datasets.load("faces", "val", seed=1, people=3, photos=2)
    assert torch.equal(traits_of("val", 3, 1)["skin_tone"], people.details["skin_tone"][::2])


def test_strangers_are_other_people_the_first_ones_always_the_same():
    ten, few = torch.cat([*strangers(70, 0)]), torch.cat([*strangers(3, 0)])
    assert ten.shape == (70, 3, 32, 32) and torch.equal(ten[:3], few)
    known = datasets.load("faces", "test", seed=0, people=3, photos=1).images
    assert min((a - b).abs().max() for a in known for b in few) > 0.1


def test_twins_differ_by_their_photos_alone_and_doubles_more_and_more():
    def apart(share):
        people = look_alikes("test", 30, 1, share, seed=0)
        assert people.labels.tolist() == list(range(60))
        a, b = people.images[::2], people.images[1::2]
        return a, (a - b).abs().mean((1, 2, 3)).mean()

    (a, twins), (again, double), (_, others) = apart(0.0), apart(0.5), apart(1.0)
    assert torch.equal(a, again)  # only the double changes
    assert twins < double < others
    known = datasets.load("faces", "test", seed=0, people=30, photos=1)
    assert torch.equal(a, known.images)
    first = look_alikes("test", 1, 2, 0.0, seed=0)
    assert first.names == ["person 0", "double of 0"] and first.labels.tolist() == [0, 0, 1, 1]


def test_bad_numbers_are_told():
    with pytest.raises(ValueError, match="look_alikes: apart must be in"):
        look_alikes("test", 1, 1, 2, 0)
    with pytest.raises(TypeError, match=r"photos_of: who must be a tensor \[P\] of int64"):
        photos_of([1], "train", 0, 2)
    with pytest.raises(ValueError, match="photos_of: photos must be"):
        photos_of(torch.tensor([1]), "train", 0, 0)


def test_a_group_photo_shows_each_face_in_its_box_with_its_eyes_and_mouth():
    photos = group_photos("test", 0, 6)
    assert photos.images.shape == (6, 3, 96, 192) and photos.images.aminmax().max <= 1
    for target in photos.targets:
        boxes, marks = target["boxes"], target["landmarks"]
        assert boxes.shape == (PEOPLE, 4) and target["labels"].tolist() == [0] * PEOPLE
        assert (boxes[:, 2:] - boxes[:, :2] > 15).all()
        assert (marks >= boxes[:, None, :2]).all() and (marks <= boxes[:, None, 2:]).all()
        left, right, mouth = marks.unbind(1)
        assert (left[:, 0] < right[:, 0]).all() and (mouth[:, 1] > left[:, 1]).all()
    assert torch.cat([t["person"] for t in photos.targets]).tolist() == list(range(6 * PEOPLE))


def test_another_sitting_shows_the_same_people_in_other_places():
    one, other = group_photos("test", 0, 2), group_photos("test", 0, 2, sitting=1)
    assert torch.equal(one.images, group_photos("test", 0, 2).images)
    for a, b in zip(one.targets, other.targets, strict=True):
        assert not torch.equal(a["person"], b["person"])
        assert torch.equal(a["person"].sort().values, b["person"].sort().values)
