"""Single things and cases: the sets of the pages on self-supervision."""

import pytest
import torch

from course_lib.data.cases import cases
from course_lib.data.singles import singles
from course_lib.render.singles import draw_singles


def test_a_single_thing_is_the_same_in_whatever_batch_it_is_drawn():
    many = draw_singles(torch.arange(30), seed=2)
    few = draw_singles(torch.tensor([7, 29]), seed=2)
    assert torch.equal(many["labels"][[7, 29]], few["labels"])
    torch.testing.assert_close(many["images"][[7, 29]], few["images"], atol=1e-5, rtol=0)
    assert many["images"].shape == (30, 3, 40, 40)
    assert many["images"].min() >= 0 and many["images"].max() <= 1


def test_kinds_come_equally_often_and_colours_do_not_tell_them():
    drawn = draw_singles(torch.arange(1200), seed=0)
    counts = drawn["labels"].bincount(minlength=6)
    assert counts.min() > 150
    colours = drawn["images"].mean(dim=(2, 3))  # [N, 3]
    means = torch.stack([colours[drawn["labels"] == k].mean(dim=0) for k in range(6)])
    # Without shuffled channels leaves would be green.
    assert (means - means.mean(dim=1, keepdim=True)).abs().max() < 0.03


def test_every_thing_lies_mostly_in_its_picture():
    """The border is ground: of one colour but for the grain, in nearly every picture."""
    images = draw_singles(torch.arange(200), seed=3)["images"]
    border = torch.cat(
        [images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]], 2
    )
    ground = border.median(dim=2, keepdim=True).values
    share = ((border - ground).abs().amax(dim=1) < 0.25).double().mean(dim=1)
    assert share.mean() > 0.85


def few_singles(split, seed):
    return singles(split, seed, 20)


def few_cases(split, seed):
    return cases(split, seed, 5, 3)


@pytest.mark.parametrize("load", [few_singles, few_cases])
def test_splits_and_seeds_have_nothing_in_common(load):
    sets = [load(split, seed).images for split in ("train", "val", "test") for seed in (0, 1)]
    for i, a in enumerate(sets):
        for b in sets[:i]:
            assert (torch.cdist(a.flatten(1), b.flatten(1)) > 0.5).all()
    assert torch.equal(load("val", 1).images, sets[3])


def test_photos_of_a_case_have_its_kind():
    photos = cases("train", 0, buildings=12, photos=4, size=32)
    assert len(photos) == 48 and photos.details["case"].tolist() == [i // 4 for i in range(48)]
    kinds = photos.labels.view(12, 4)
    assert (kinds == kinds[:, :1]).all() and len(photos.names) == 10
    assert len(kinds[:, 0].unique()) > 3


def test_wrong_counts_are_refused():
    with pytest.raises(ValueError, match="singles: count must be 1 or more"):
        singles("train", 0, 0)
    with pytest.raises(ValueError, match="cases: photos must be 1 or more"):
        cases("train", 0, 2, 0)
    with pytest.raises(ValueError, match="size"):
        draw_singles(torch.arange(2), size=8)
