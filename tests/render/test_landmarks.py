"""Drawn landmarks: what a photo shows, where it was taken, and how a set is spoiled."""

import math
import subprocess
import sys

import pytest
import torch

from course_lib.render.landmarks import draw, plans
from course_lib.render.landmarks.draw import draw_landmarks, draw_no_landmark


def numbers(*values):
    return torch.tensor(values, dtype=torch.int64)


def metres(a, b):
    """Great-circle distance by the haversine formula."""
    a, b = a.double() * math.pi / 180, b.double() * math.pi / 180
    d = ((b - a) / 2).sin().square()
    return 2 * 6_371_000 * (d[:, 0] + a[:, 0].cos() * b[:, 0].cos() * d[:, 1]).sqrt().asin()


LANDMARK, PHOTO = torch.arange(40), torch.arange(40) * 7 + 2_000_000


@pytest.mark.parametrize("domain", ["catalogue", "user"])
def test_a_picture_does_not_depend_on_its_batch(domain):
    together = draw_landmarks(LANDMARK, PHOTO, 3, 24, domain)
    assert together["images"].shape == (40, 3, 24, 24) and together["images"].dtype == torch.float32
    assert together["images"].min() >= 0 and together["images"].max() <= 1
    for i in range(0, 40, 3):
        alone = draw_landmarks(LANDMARK[i : i + 1], PHOTO[i : i + 1], 3, 24, domain)
        assert (alone["images"][0] - together["images"][i]).abs().max() < 1 / 255
        torch.testing.assert_close(alone["gps"][0], together["gps"][i], equal_nan=True)
        torch.testing.assert_close(alone["place"][0], together["place"][i])
    reverse = draw_landmarks(LANDMARK.flip(0), PHOTO.flip(0), 3, 24, domain)["images"].flip(0)
    assert (reverse - together["images"]).abs().max() < 1 / 255


def test_ordinary_photos_do_not_depend_on_their_batch():
    together = draw_no_landmark(PHOTO, 3, 24)
    assert together["images"].min() >= 0 and together["images"].max() <= 1
    assert together["what"].unique().tolist() == [0, 1, 2, 3, 4]
    for i in range(0, 40, 3):
        alone = draw_no_landmark(PHOTO[i : i + 1], 3, 24)["images"][0]
        assert (alone - together["images"][i]).abs().max() < 1 / 255


@pytest.mark.slow
def test_pictures_are_the_same_in_another_process():
    code = "import torch; from course_lib.render.landmarks.draw import *; i = torch.arange(6); "
    code += "a = draw_landmarks(i, i, 5, 16, 'user')['images']; b = draw_no_landmark(i, 5, 16)['images']; "
    code += "print((torch.stack([a, b]).flatten() * 255).round().int().tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    there = torch.tensor([int(v) for v in done.stdout.strip()[1:-1].split(",")]) / 255
    i = torch.arange(6)
    here = torch.stack(
        [draw_landmarks(i, i, 5, 16, "user")["images"], draw_no_landmark(i, 5, 16)["images"]]
    )
    assert (here.flatten() - there).abs().max() < 1.6 / 255


def test_seed_domain_landmark_and_photo_all_matter():
    base = draw_landmarks(LANDMARK, PHOTO, 0, 24)["images"]
    for other in (
        draw_landmarks(LANDMARK, PHOTO, 1, 24),
        draw_landmarks(LANDMARK, PHOTO, 0, 24, "user"),
        draw_landmarks(LANDMARK + 1, PHOTO, 0, 24),
        draw_landmarks(LANDMARK, PHOTO + 1, 0, 24),
    ):
        assert (other["images"] - base).abs().mean((1, 2, 3)).min() > 0.005


def found_among_others(domain):
    """How often a photo's nearest neighbour, by where its edges are, shows the same of 20 landmarks."""
    which = torch.arange(20).repeat_interleave(12)
    drawn = draw_landmarks(which, torch.arange(240), 0, 32, domain)["images"]
    edges = torch.cat([drawn.diff(dim=2)[..., :-1], drawn.diff(dim=3)[:, :, :-1]], 1).abs()
    edges = torch.nn.functional.avg_pool2d(edges, 4).flatten(1)
    edges = edges / edges.norm(dim=1, keepdim=True)
    alike = (edges @ edges.T).fill_diagonal_(-1)
    return (which[alike.argmax(1)] == which).float().mean().item()


def test_photos_of_one_landmark_resemble_each_other_and_users_photos_less():
    postcards, users = found_among_others("catalogue"), found_among_others("user")
    assert postcards > 0.45  # by chance 1 in 20
    assert 0.15 < users < postcards - 0.15


def test_nearly_every_photo_can_be_seen():
    """Neither black, nor burnt out, nor grey all over: the middle of a user's photo has light and contrast."""
    which = torch.arange(300)
    middle = draw_landmarks(which % 40, which, 0, 32, "user")["images"].mean(1)[:, 6:26, 4:28]
    dark, bright = middle.flatten(1).quantile(0.05, dim=1), middle.flatten(1).quantile(0.95, dim=1)
    assert (bright > 0.25).float().mean() > 0.98 and (dark < 0.8).float().mean() > 0.98
    assert (bright - dark > 0.15).float().mean() > 0.95


def with_and_without_windows(monkeypatch):
    """The same 600 photos of buildings as they are, and with all their windows bricked up."""
    which = torch.arange(600)
    built = draw_landmarks(which % 40, which, 0, 24)
    plan_of = plans.plan_of

    def bricked_up(landmark, seed):
        plan = plan_of(landmark, seed)
        return {**plan, "window_high": torch.zeros_like(plan["window_high"])}

    with monkeypatch.context() as patch:
        patch.setattr(draw, "plan_of", bricked_up)
        plain = draw_landmarks(which % 40, which, 0, 24)
    assert torch.equal(built["nuisances"]["turn"], plain["nuisances"]["turn"])
    return built, built["images"] - plain["images"]


def test_windows_glow_at_night_and_are_dark_by_day(monkeypatch):
    """Bricking up the windows takes warm light away at night, and dark glass by day; a lit wall would not matter."""
    built, change = with_and_without_windows(monkeypatch)
    time = built["nuisances"]["time"]
    has_windows = change.abs().amax((1, 2, 3)) > 0.05
    assert 0.4 < has_windows.float().mean() < 0.8  # arches, bridges, temples, obelisks have none
    night, noon = has_windows & (time == 3), has_windows & (time == 1)
    assert night.sum() > 20 and noon.sum() > 100
    light = change.mean(1).flatten(1)  # [N, pixels]
    assert (light[night].amax(1) > 0.15).float().mean() > 0.9
    assert (light[night].sum(1) > 0).float().mean() > 0.9
    assert (light[noon].amin(1) < -0.04).float().mean() > 0.9
    red, blue = change[night, 0].clamp(min=0), change[night, 2].clamp(min=0)
    assert (red.sum((1, 2)) > 1.4 * blue.sum((1, 2))).float().mean() > 0.8


def test_night_is_dark():
    which = torch.arange(400)
    drawn = draw_landmarks(which % 40, which, 0, 24)
    light, time = drawn["images"].mean((1, 2, 3)), drawn["nuisances"]["time"]
    assert light[time == 3].mean() < 0.6 * light[time == 1].mean() and (time == 3).sum() > 10


def test_snow_whitens_the_ground():
    which = torch.arange(800)
    drawn = draw_landmarks(which % 40, which, 0, 24)
    facts = drawn["nuisances"]
    ground = drawn["images"][:, :, -3:].mean((1, 2, 3))
    noon = (facts["time"] == 1) & (facts["ground"] == 1)
    snow, green = ground[noon & (facts["season"] == 2)], ground[noon & (facts["season"] == 0)]
    assert len(snow) > 5 and snow.mean() > green.mean() + 0.2


def test_a_forest_is_no_park():
    """Trunks and crowns from side to side: hardly a place above the horizon is as smooth as sky or a hill."""
    drawn = draw_no_landmark(torch.arange(300), 0, 24, "catalogue")
    above_horizon = drawn["images"].mean(1)[:, 6:13]
    edges = (above_horizon.diff(dim=2).abs() > 0.03).float().mean((1, 2))
    houses, _street, hills, beach, forest = (edges[drawn["what"] == k].mean() for k in range(5))
    assert forest > 0.3 and max(hills, beach, houses) < 0.5 * forest


def test_gps_is_50_to_500_metres_off_and_often_missing_for_users():
    which = torch.arange(600)
    postcards = draw_landmarks(which % 50, which, 0, 16)
    assert not postcards["gps"].isnan().any()
    off = metres(postcards["gps"], postcards["place"])
    assert 48 < off.min() < 60 and 450 < off.max() < 502
    way = postcards["gps"] - postcards["place"]
    assert way.mean(0).abs().max() < 0.3 * way.std(0).min()  # no direction preferred
    user = draw_landmarks(which % 50, which, 0, 16, "user")
    missing = user["gps"].isnan()
    assert torch.equal(missing[:, 0], missing[:, 1]) and 0.34 < missing[:, 0].float().mean() < 0.46
    torch.testing.assert_close(user["place"], postcards["place"])
    assert len(user["place"].unique(dim=0)) == 50
    corner = user["place"].amax(0)[None], user["place"].amin(0)[None]
    assert 7_000 < metres(*corner).item() < 8_000 * 2**0.5 + 20
    nowhere = draw_no_landmark(which, 0, 16)["gps"]
    assert 0.34 < nowhere[:, 0].isnan().float().mean() < 0.46


def test_copies_are_nearly_the_photo_and_copy_0_is_the_photo():
    zero = torch.zeros_like(PHOTO)
    photo = draw_landmarks(LANDMARK, PHOTO, 0, 32, "user")
    same = draw_landmarks(LANDMARK, PHOTO, 0, 32, "user", copy=zero)
    assert torch.equal(same["images"], photo["images"])
    first, second = (draw_landmarks(LANDMARK, PHOTO, 0, 32, "user", copy=zero + k) for k in (1, 2))
    torch.testing.assert_close(first["gps"], photo["gps"], equal_nan=True)
    other = draw_landmarks(LANDMARK, PHOTO + 1, 0, 32, "user")["images"]
    for again in (first["images"], second["images"]):
        near = (again - photo["images"]).abs().mean((1, 2, 3))
        far = (other - photo["images"]).abs().mean((1, 2, 3))
        assert near.min() > 0.002 and near.max() < 0.12 and near.mean() < 0.4 * far.mean()
    assert (first["images"] - second["images"]).abs().mean((1, 2, 3)).min() > 0.002


I = numbers(0, 1)  # noqa: E741


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: draw_landmarks(I, I, domain="web"), ValueError, r"\('catalogue', 'user'\), got 'web'"),
        (lambda: draw_no_landmark(I, domain="web"), ValueError, "got 'web'"),
        (lambda: draw_landmarks(I.float(), I), TypeError, r"landmark must be int64.*float32 \[2\]"),
        (lambda: draw_landmarks(I, I[None]), TypeError, r"photo must be int64.*int64 \[1, 2\]"),
        (lambda: draw_landmarks(I, I, copy=I.int()), TypeError, r"copy must be int64.*int32 \[2\]"),
        (lambda: draw_landmarks(I, I[:1]), ValueError, "'landmark': 2, 'photo': 1"),
        (lambda: draw_landmarks(I, I, size=15), ValueError, "16 pixels or more, got 15"),
        (lambda: draw_no_landmark([1, 2]), TypeError, r"photo must be int64.*\[1, 2\]"),
    ],
)  # fmt: skip
def test_bad_input_is_quoted(call, error, says):
    with pytest.raises(error, match=says):
        call()
