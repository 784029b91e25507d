"""The recipes of notebook 13: people, groups and cheats are what they say, and train."""

import pytest
import torch

from course_lib.data.crowds import photos_of, strangers, traits_of
from course_lib.recipes import cheats, groups
from course_lib.recipes.faces import face_encoder
from course_lib.recipes.verifiers import WAYS, distractors, train_verifier


@pytest.mark.parametrize("trait", groups.GROUPS)
def test_groups_do_not_overlap_and_are_large_enough(trait):
    traits = traits_of("train", groups.SEARCHED, 0)
    a, b = (belongs(traits) for belongs in groups.GROUPS[trait])
    assert not (a & b).any() and min(a.sum(), b.sum()) >= groups.PEOPLE // 2
    assert a.sum() >= groups.PEOPLE


def test_a_mixture_holds_as_many_as_asked(monkeypatch):
    monkeypatch.setattr(groups, "PEOPLE", 5)
    monkeypatch.setattr(groups, "PHOTOS", 2)
    people = groups.mixed("skin", 2, seed=0)
    dark = groups.members("skin", 1, "train", 2, 2, seed=0)
    assert people.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert torch.equal(people.images[6:], dark.images)
    assert len(groups.mixed("skin", 0, seed=0)) == 10
    with pytest.raises(ValueError, match="members: 9999 people were asked for, 'skin' has"):
        groups.members("skin", 1, "train", 9999, 2, seed=0)


def test_what_leaks_is_what_it_says(monkeypatch):
    for name, value in (("OTHERS", 4), ("TESTED", 3), ("PHOTOS", 2), ("TEST_PHOTOS", 2)):
        monkeypatch.setattr(cheats, name, value)
    tested = cheats.tested_people(0)
    sets = {which: cheats.training_people(which, 0) for which in cheats.TRAINED_ON}
    for people in sets.values():
        assert people.labels.unique().tolist() == list(range(7)) and len(people) == 14
    assert torch.equal(sets["the tested, same photos"].images[8:], tested.images)
    other = sets["the tested, other photos"].images[8:]
    assert not any(torch.equal(a, b) for a in other for b in tested.images)
    assert not torch.equal(sets["250 more others"].images[8:], other)


def test_folds_share_nobody_and_pairs_are_what_they_say():
    people, photos = 50, 4
    x = torch.eye(people).repeat_interleave(photos, 0)  # a person is an axis
    scores, same, fold = cheats.lfw_like_pairs(x, 0, photos)
    assert torch.equal(scores == 1, same) and len(scores) == 6000
    assert fold.bincount().tolist() == [600] * 10 and same.sum() == 3000
    by_fold = torch.eye(10).repeat_interleave(
        5 * photos, 0
    )  # all five people of a fold are an axis
    assert (cheats.lfw_like_pairs(by_fold, 0, photos)[0] == 1).all()


def test_the_best_threshold_for_these_very_pairs():
    scores, same = torch.tensor([0.9, 0.2, 0.5, 0.1]), torch.tensor([True, True, False, False])
    assert cheats.best_accuracy(scores, same) == 0.75


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_every_way_trains(name):
    people = photos_of(torch.arange(40), "train", 0, photos=4)
    before = torch.cat([p.flatten() for p in train_verifier(WAYS[name], people, 0, 1).parameters()])
    after = train_verifier(WAYS[name], people, 0, 6)
    assert not torch.equal(before, torch.cat([p.flatten() for p in after.parameters()]))
    assert after(people.images[:3]).shape == (3, 64)


@pytest.mark.slow
def test_reports_and_scores_by_group_are_whole(monkeypatch):
    for name, value in (("OTHERS", 40), ("TESTED", 40), ("PHOTOS", 4), ("TEST_PHOTOS", 4)):
        monkeypatch.setattr(cheats, name, value)
    monkeypatch.setattr(cheats.lfw_like_pairs, "__defaults__", (4,))
    found = cheats.report(cheats.trained(cheats.TRAINED_ON[0], 0, steps=3), 0)
    assert all(0 <= value <= 1 for value in found.values())
    assert found["each fold's own threshold"] >= found["ten folds"]
    for name, value in (("PEOPLE", 40), ("PHOTOS", 4), ("TESTED", 12), ("TEST_PHOTOS", 3)):
        monkeypatch.setattr(groups, name, value)
    for scores, same in groups.scores_by_group("skin", 4, 0, steps=3):
        assert len(scores) == 36 * 35 // 2 and same.sum() == 36


def test_distractors_are_embedded_by_each_encoder_in_order():
    encoders = {"a": face_encoder(0).eval(), "b": face_encoder(1).eval()}
    found = distractors(encoders, 70, seed=0)
    assert {name: x.shape for name, x in found.items()} == {"a": (70, 64), "b": (70, 64)}
    with torch.no_grad():
        last = encoders["b"](torch.cat([*strangers(70, 0)])[-3:])
    torch.testing.assert_close(found["b"][-3:], last)
