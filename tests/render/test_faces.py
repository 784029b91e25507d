"""Drawn faces: the same for ever, and what is said of them is what the pixels show."""

import subprocess
import sys

import pytest
import torch

from course_lib.render.canvas import Randoms
from course_lib.render.faces.draw import AMOUNTS, draw_faces, face_nuisances, face_traits
from course_lib.render.faces.paint import paint_faces
from course_lib.render.faces.tables import STYLES


def numbers(count, first=0):
    return torch.arange(first, first + count)


def passport(count=6, size=64, first=0, **changes):
    """Bald, shaven people in even light, with some numbers changed: an image [B, 3, size, size]."""
    traits = face_traits(numbers(count, first))
    photo = face_nuisances(Randoms("face photo", 0, numbers(count)), 0.0)
    plain = {"hair_style": 0, "beard": 0, "mole": 0, "freckles": 0, **changes}
    for name, value in plain.items():
        where = traits if name in traits else photo
        assert name in where
        where[name] = torch.full_like(where[name], value)
    return paint_faces(traits, photo, size)


def difference(a, b):
    return (a - b).abs().amax(1)  # [B, H, W]


def centre(weight):
    """Where the weight is, in half pictures from the middle: x, y.        # [B], [B]"""
    place = (torch.arange(weight.shape[-1]) + 0.5) / weight.shape[-1] * 2 - 1
    total = weight.sum((1, 2))
    return (weight * place).sum((1, 2)) / total, (weight * place[:, None]).sum((1, 2)) / total


def mouths(**changes):
    """The mouth is where the picture changes when it opens."""
    return difference(passport(mouth_open=0.0, **changes), passport(mouth_open=1.0, **changes))


def test_a_face_is_the_same_alone_and_in_any_batch():
    person, photo = torch.tensor([0, 3, 3, 7, 2_000_003]), torch.tensor([5, 0, 1, 7, 11])
    together = draw_faces(person, photo, seed=2)
    for i in range(len(person)):
        alone = draw_faces(person[i : i + 1], photo[i : i + 1], seed=2)
        assert (alone["images"][0] - together["images"][i]).abs().max() < 1 / 255
        for kind in ("traits", "nuisances"):
            assert all(v[0] == together[kind][name][i] for name, v in alone[kind].items())
    assert difference(together["images"][1:2], together["images"][2:3]).max() > 0.1
    assert all(v[1] == v[2] for v in together["traits"].values())  # the same person


@pytest.mark.slow
def test_a_face_is_the_same_in_another_process():
    code = "import torch; from course_lib.render.faces.draw import draw_faces; "
    code += "x = draw_faces(torch.tensor([41]), torch.tensor([6]), 5, 16)['images']; print(x.flatten().tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    there = torch.tensor([float(v) for v in done.stdout.strip()[1:-1].split(",")])
    here = draw_faces(torch.tensor([40, 41]), torch.tensor([0, 6]), 5, 16)["images"][1].flatten()
    assert (here - there).abs().max() < 1 / 255


@pytest.mark.parametrize(
    "size, difficulty", [(16, 2.0), (32, 1.0), (33, 0.5), (96, 0.0), (48, 8.0)]
)
def test_images_are_in_range_and_use_it(size, difficulty):
    images = draw_faces(numbers(32), numbers(32), size=size, difficulty=difficulty)["images"]
    assert images.shape == (32, 3, size, size) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1
    assert images.flatten(1).std(1).min() > 0.05


def test_seeds_are_worlds_of_other_people():
    one, other = draw_faces(numbers(16), numbers(16)), draw_faces(numbers(16), numbers(16), seed=1)
    assert (one["traits"]["skin_tone"] != other["traits"]["skin_tone"]).all()
    assert difference(one["images"], other["images"]).amax((1, 2)).min() > 0.2


@pytest.mark.parametrize("name", AMOUNTS)
def test_every_trait_can_be_seen_at_32_pixels(name):
    kind = {"hair_style": STYLES.index("side-part")}
    low, high = (passport(48, 32, **kind, **{name: v}) for v in (0.0, 1.0))
    changed = (difference(low, high) > 0.06).sum((1, 2))
    assert changed.float().median() >= 4


KIND_COUNTS = {"hair_style": 10, "hair_colour": 9, "iris": 6, "beard": 5, "mole": 4, "freckles": 2}


@pytest.mark.parametrize("name, count", list(KIND_COUNTS.items()))
def test_every_kind_of_a_trait_looks_different(name, count):
    style = {} if name == "hair_style" else {"hair_style": STYLES.index("cropped")}
    kinds = [passport(5, 32, **{**style, name: k}) for k in range(count)]
    for i in range(count):
        for j in range(i):
            assert difference(kinds[i], kinds[j]).amax((1, 2)).median() > 0.05, (i, j)


def test_a_passport_photo_shows_nothing_but_the_person():
    first, second = (draw_faces(numbers(32), numbers(32) + k, difficulty=0) for k in (0, 1))
    assert difference(first["images"], second["images"]).max() < 1e-6
    gaps = torch.cdist(first["images"].flatten(1), first["images"].flatten(1))
    assert gaps[~torch.eye(32, dtype=bool)].min() > 1  # no two people look alike


def test_photos_of_a_person_differ_more_the_harder():
    spread = []
    for difficulty in (0.0, 0.5, 1.0, 2.0):
        a, b = (
            draw_faces(numbers(64), numbers(64) * 0 + k, difficulty=difficulty)["images"]
            for k in (0, 1)
        )
        spread.append((a - b).square().mean().item())
    assert spread[0] < 1e-9 and spread[1] > 0.002
    assert spread[1] * 1.3 < spread[2] and spread[2] * 1.1 < spread[3]


def test_a_turned_head_moves_its_features_that_way():
    (x_left, _), (x, y), (x_right, _) = (centre(mouths(turn=t)) for t in (-0.4, 0.0, 0.4))
    assert (x.abs() < 0.02).all()
    assert (x_left < -0.06).all() and (x_right > 0.06).all()
    _, y_down = centre(mouths(tilt=0.3))
    assert (y_down > y + 0.02).all()


def test_shift_moves_the_picture_by_what_it_says():
    (x, y), (x_moved, y_moved) = centre(mouths()), centre(mouths(shift_x=0.2, shift_y=-0.1))
    torch.testing.assert_close(x_moved - x, torch.full_like(x, 0.2), atol=0.02, rtol=0)
    torch.testing.assert_close(y_moved - y, torch.full_like(y, -0.1), atol=0.02, rtol=0)


@pytest.mark.parametrize("roll", [-0.3, 0.0, 0.3])
def test_roll_turns_the_line_between_the_eyes(roll):
    eyes = difference(passport(roll=roll, iris=0), passport(roll=roll, iris=4))
    place = (torch.arange(64) + 0.5) / 32 - 1
    x, y = centre(eyes)
    dx = place[None, None] - x[:, None, None]
    dy = place[None, :, None] - y[:, None, None]
    xx, yy, xy = ((eyes * k).sum((1, 2)) for k in (dx * dx, dy * dy, dx * dy))
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)
    torch.testing.assert_close(angle, torch.full_like(angle, roll), atol=0.04, rtol=0)


@pytest.mark.parametrize("style", ["fringe", "curly"])
@pytest.mark.parametrize("turn", [-0.6, 0.6])
def test_nothing_shows_between_face_and_hair(style, turn):
    hair = {"hair_style": STYLES.index(style), "turn": turn, "tilt": 0.0, "ear_size": 0.0}
    walls = (passport(16, colourful=1, background_colour=k, **hair) for k in (0, 3))
    behind = difference(*walls)[:, 20:40] > 0.05  # beside the head, from hairline to mouth
    edges = behind.long().diff(dim=2).ne(0).sum(2)
    assert (edges == 2).all()  # on each row: wall, person, wall


def test_light_falls_from_where_it_is_said_to():
    right, left = passport(light_x=0.3), passport(light_x=-0.3)
    cheeks = slice(28, 36), slice(18, 26), slice(38, 46)
    bright = (right - left).mean(1)[:, cheeks[0]]
    assert (bright[:, :, cheeks[1]].mean((1, 2)) < -0.03).all()
    assert (bright[:, :, cheeks[2]].mean((1, 2)) > 0.03).all()


def test_glasses_sit_on_the_eyes_and_occlusion_hides_the_face():
    eyes = difference(passport(iris=0), passport(iris=4))
    worn = difference(passport(glasses=0), passport(glasses=1))
    assert (worn.flatten(1).max(1).values > 0.1).all()
    assert (centre(worn)[1] - centre(eyes)[1]).abs().max() < 0.06
    for kind in (1, 2, 3):
        hidden = {"occlusion": kind, "occlusion_x": 0.0, "occlusion_y": 0.2}
        assert (mouths(**hidden).sum((1, 2)) < 0.3 * mouths().sum((1, 2))).all()


def test_skin_is_never_green_or_magenta():
    person = numbers(2500)
    person = person[face_traits(person)["hair_style"] == 0]  # bald: the forehead is skin
    assert len(person) > 150
    for difficulty in (1.0, 2.0):
        drawn = draw_faces(person, person, difficulty=difficulty)
        clear = drawn["nuisances"]["occlusion"] == 0
        red, green, blue = drawn["images"][clear][:, :, 9:12, 14:18].mean((2, 3)).T
        assert (red > green).all() and (green > blue).all()
        assert (red < 0.995).float().mean() > 0.98 and (red > 0.12).all()  # neither burnt nor black


def test_glasses_and_occlusion_are_as_frequent_as_said():
    for difficulty, rate in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (2.0, 2.0)):
        photo = face_nuisances(Randoms("face photo", 0, numbers(20_000)), difficulty)
        assert abs(photo["glasses"].mean() - 0.12 * rate) < 0.01
        assert abs((photo["occlusion"] > 0).float().mean() - 0.10 * rate) < 0.01
    assert (photo["occlusion"].bincount(minlength=4)[1:] > 1000).all()


def test_amounts_lie_between_0_and_1():
    traits = face_traits(numbers(5000))
    for name in AMOUNTS:
        assert 0 <= traits[name].min() < 0.01 and 0.99 < traits[name].max() < 1
    assert len(AMOUNTS) + 6 == len(traits)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (
            (torch.zeros(2), torch.zeros(2).long()),
            r"person must .* \[B\] int64, one length, got \[2\] torch.float32",
        ),
        ((torch.zeros(2).long(), torch.zeros(2).int()), r"photo must .* got \[2\] torch.int32"),
        ((torch.tensor(3), torch.tensor(3)), r"person must .* got \[\] torch.int64"),
        (
            (numbers(2), numbers(3)),
            r"photo must .* one length, got \[3\] torch.int64, person \[2\]",
        ),
        ((numbers(2), numbers(2), 0, 15), "at least 16 pixels, got 15"),
        ((numbers(2), numbers(2), 0, 32, -0.5), "0 or more, got -0.5"),
        ((numbers(2), numbers(2), 0, 32, float("nan")), "0 or more, got nan"),
    ],
)
def test_bad_input_is_refused_with_what_came(arguments, says):
    with pytest.raises(ValueError, match=says):
        draw_faces(*arguments)
