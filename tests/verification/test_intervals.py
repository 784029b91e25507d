"""Bootstrap intervals over people: literal worlds, coverage, what is refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.arguments import FLOATS
from course_lib.by_definition import verification as plain
from course_lib.verification import intervals
from course_lib.verification.curves import all_pairs, tar_at_far
from course_lib.verification.intervals import people_of_pairs, rates_interval, tar_interval


def faces(people: int, photos: int, seed: int, alike: float = 0.0):
    """Vectors of people who differ in how alike their photos are; a third of them have something in common."""
    generator = torch.Generator().manual_seed(seed)
    who = torch.arange(people).repeat_interleave(photos)
    centres = torch.randn(people, 8, generator=generator)
    centres[:, 0] += alike * (torch.rand(people, generator=generator) < 0.3)
    own = 0.7 * (0.5 + torch.rand(people, 1, generator=generator))
    x = centres[who] + own[who] * torch.randn(people * photos, 8, generator=generator)
    return x.double(), who


def test_people_stand_in_the_order_of_all_pairs():
    x, who = faces(5, 3, 0)
    first, second = people_of_pairs(who)
    assert torch.equal(first == second, all_pairs(x, who)[1]) and len(first) == 15 * 14 // 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.3, 1.0]))
def test_the_ends_are_those_of_literal_worlds(seed, far):
    x, who = faces(5, 3, seed)
    scores, same = all_pairs(x, who + 2)  # numbers need not begin at 0
    scores = scores.mul(6).round() / 6  # ties
    people = people_of_pairs(who + 2)
    generator = torch.Generator().manual_seed(seed)
    tars, at = [], {"far": [], "tar": []}
    for _ in range(6):
        drawn = (torch.randint(5, (5,), generator=generator) + 2).tolist()
        world, alike = plain.redrawn(scores, same, people, drawn)
        if not alike.all():  # of one person only
            tars.append(plain.tar_at_far(world, alike, far))
            at["far"].append(plain.accepted(world[~alike], 0.5))
        at["tar"].append(plain.accepted(world[alike], 0.5))
    ends = lambda v: torch.tensor(v, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975]).double()).tolist()  # noqa: E731 # fmt: skip
    got = tar_interval(scores, same, people, far, draws=6, seed=seed)
    assert got == pytest.approx(ends(tars))
    fars, tars = rates_interval(scores, same, people, 0.5, draws=6, seed=seed)
    assert fars == pytest.approx(ends(at["far"])) and tars == pytest.approx(ends(at["tar"]))


def _tar_of_a_crowd(threshold: float, alike: float) -> float:
    """Of 20,000 people, whose pairs with each other nobody has to look at."""
    x, _ = faces(20_000, 4, seed=998, alike=alike)
    x = torch.nn.functional.normalize(x, dim=1).view(-1, 4, 8)
    first, second = torch.triu_indices(4, 4, 1)
    return ((x @ x.mT)[:, first, second] >= threshold).double().mean().item()


@pytest.mark.slow
def test_they_hold_the_truth_about_as_often_as_they_say():
    """Of 60 intervals, each made from 50 people of whom a third look alike."""
    scores, same = all_pairs(*faces(1000, 4, seed=999, alike=3))
    truth = [
        tar_at_far(scores, same, 0.01),
        (scores[~same] >= 0.8).double().mean().item(),
        _tar_of_a_crowd(0.8, alike=3),
    ]
    held, half = torch.zeros(2, 3)
    for seed in range(1000, 1060):
        x, who = faces(50, 4, seed, alike=3)
        pairs, people = all_pairs(x, who), people_of_pairs(who)
        ends = [
            tar_interval(*pairs, people, 0.01, draws=80, seed=seed),
            *rates_interval(*pairs, people, 0.8, draws=80, seed=seed),
        ]
        held += torch.tensor([a <= v <= b for (a, b), v in zip(ends, truth, strict=True)])
        half += torch.tensor(
            [abs(v - (a + b) / 2) <= (b - a) / 4 for (a, b), v in zip(ends, truth, strict=True)]
        )
    assert (held / 60 > 0.85).all(), held / 60
    assert (half / 60 < 0.85).all(), f"half as wide they still hold it: {half / 60}"


def test_pairs_drawn_as_if_independent_would_look_too_sure():
    """Ten times as many photos of the same people: ten thousand times the pairs, hardly surer."""
    widths = []
    for photos in (2, 10):
        x, who = faces(40, photos, 3)
        low, high = tar_interval(*all_pairs(x, who), people_of_pairs(who), 0.01)
        widths.append(high - low)
    assert widths[1] > widths[0] / 3


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_floating_type(dtype):
    x, who = faces(8, 3, 1)
    scores, same = all_pairs(x, who)
    scores = scores.to(dtype)
    people = people_of_pairs(who)
    for got, expected in (
        (tar_interval(scores, same, people, 0.1), tar_interval(scores.double(), same, people, 0.1)),
        (rates_interval(scores, same, people, 0.5), rates_interval(scores.double(), same, people, 0.5)),
    ):  # fmt: skip
        assert got == expected
    assert tar_interval(scores.requires_grad_(), same, people, 0.1)


SCORES, SAME = torch.tensor([0.9, 0.1, 0.2]), torch.tensor([True, False, False])
PEOPLE = (torch.tensor([0, 0, 0]), torch.tensor([0, 1, 1]))


@pytest.mark.parametrize("measure", [tar_interval, rates_interval])
@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"scores": [0.9]}, TypeError, r"scores must be a tensor \[N\]"),
        ({"people": PEOPLE[0]}, TypeError, "people must be two tensors, got Tensor"),
        ({"people": (PEOPLE[0], PEOPLE[1][:2])}, ValueError, r"second must be a tensor \[3\]"),
        ({"people": (PEOPLE[0], PEOPLE[1] - 1)}, ValueError, "people must be numbers from 0, got -1"),
        ({"people": (PEOPLE[0], torch.tensor([0, 1, 0]))}, ValueError, "same must say .* pair 2 is False"),
        ({"draws": 0}, ValueError, "draws must be"),
        ({"scores": torch.tensor([0.9, torch.nan, 0.2])}, ValueError, "scores have NaN"),
    ],
)  # fmt: skip
def test_bad_input_is_told(measure, change, error, says):
    given = {"scores": SCORES, "same": SAME, "people": PEOPLE, "draws": 3} | change
    with pytest.raises(error, match=f"{measure.__name__}: {says}"):
        measure(*(given[name] for name in ("scores", "same", "people")), 0.5, draws=given["draws"])
    with pytest.raises(ValueError, match=r"far must be in 0..1"):
        tar_interval(SCORES, SAME, PEOPLE, 1.5)
    with pytest.raises(TypeError, match=r"labels must be a tensor \[n\] of int64"):
        people_of_pairs([1, 2])


def test_worlds_without_a_pair_are_passed_over(monkeypatch):
    low, high = tar_interval(SCORES, SAME, PEOPLE, 0.5, draws=40)
    assert 0 <= low <= high <= 1
    monkeypatch.setattr(intervals, "_worlds", lambda *_: iter([torch.zeros(2).double()]))
    with pytest.raises(ValueError, match="no world has both same and different pairs"):
        tar_interval(SCORES, SAME, PEOPLE, 0.5)
