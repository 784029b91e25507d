"""Random numbers that belong to an index, shapes, paint."""

import math
import subprocess
import sys

import pytest
import torch
from scipy import stats

from course_lib.render.canvas import (
    Randoms,
    box,
    circle,
    cover,
    ellipse,
    paint,
    pixels,
    polygon,
    rgb,
    stroke,
    turned,
)

FIXED = [0.042040467262268066, 0.7272499799728394, 0.8605322241783142]


def ask(randoms):
    return [
        randoms.uniform(-1, 2),
        randoms.normal(0.5),
        randoms.choice(7),
        randoms.fill(2, 3),
        randoms.clouds(4, 8, 8),
    ]


def test_a_pictures_numbers_do_not_depend_on_its_batch():
    index = torch.tensor([0, 5, 4711, 2_000_003])
    together = ask(Randoms("set", 3, index))
    for row, one in enumerate(index):
        alone = ask(Randoms("set", 3, one[None]))
        assert all(torch.equal(a[0], t[row]) for a, t in zip(alone, together, strict=True))


@pytest.mark.slow
def test_numbers_are_the_same_in_another_process():
    code = "import torch; from course_lib.render.canvas import Randoms; "
    code += "print(Randoms('set', 3, torch.tensor([4711])).fill(3).tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = Randoms("set", 3, torch.tensor([4711])).fill(3)
    assert done.stdout.strip() == str(here.tolist())


def test_numbers_are_the_same_for_ever():
    """Drawn sets must not change silently."""
    here = Randoms("set", 3, torch.tensor([4711])).fill(3)
    torch.testing.assert_close(here, torch.tensor([FIXED]))


def split_mix(bits: int) -> int:
    """SplitMix64's scrambling, in Python's own whole numbers."""
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % 2**64
    return bits ^ (bits >> 31)


def test_mix_is_split_mix_64():
    from course_lib.render.canvas import mix

    values = [0, 1, 2, 12345678901234567, 2**63 - 1, 2**64 - 1, 2**63]
    signed = torch.tensor([v - 2**64 if v >= 2**63 else v for v in values])
    assert [v % 2**64 for v in mix(signed).tolist()] == [split_mix(v) for v in values]


def test_numbers_are_even_and_independent():
    values = Randoms("set", 0, torch.arange(20_000)).fill(6)
    assert stats.kstest(values.flatten(), "uniform").pvalue > 1e-3
    neighbours = torch.stack([values[:-1, 0], values[1:, 0], values[:-1, 1], values[:-1, 5]])
    assert (torch.corrcoef(neighbours) - torch.eye(4)).abs().max() < 0.03
    other_seed, other_set = (
        Randoms("set", 1, torch.arange(20_000)),
        Randoms("tes", 0, torch.arange(20_000)),
    )
    for other in (other_seed.fill(6), other_set.fill(6)):
        assert torch.corrcoef(torch.stack([values[:, 0], other[:, 0]]))[0, 1].abs() < 0.03


def test_ranges_and_spreads():
    randoms = Randoms("set", 0, torch.arange(20_000))
    uniform, normal, choice = randoms.uniform(-2, 3), randoms.normal(0.5), randoms.choice(5)
    assert -2 <= uniform.min() and uniform.max() < 3 and abs(uniform.mean() - 0.5) < 0.05
    assert abs(normal.std() - 0.5) < 0.02 and normal.abs().max() <= 1.75
    assert choice.bincount(minlength=5).min() > 3_700 and choice.max() == 4
    assert abs(randoms.chance(0.3).mean() - 0.3) < 0.02
    clouds = Randoms("set", 0, torch.arange(9)).clouds(4, 16, 24, channels=3)
    assert clouds.shape == (9, 3, 16, 24) and clouds.min() >= 0 and clouds.max() <= 1


x, y, pixel = pixels(200)
AREAS = {
    "circle": (circle(x - 0.1, y + 0.2, 0.5), math.pi * 0.25),
    "ellipse": (ellipse(x, y, 0.8, 0.3), math.pi * 0.24),
    "box": (box(x, y, 0.5, 0.25), 0.5),
    "rounded box": (box(x, y, 0.5, 0.25, 0.1), 0.5 - (4 - math.pi) * 0.01),
    "stroke": (stroke(x, y, -0.5, 0.0, 0.5, 0.0, 0.1), 0.2 + math.pi * 0.01),
    "triangle": (polygon(x, y, [(0.0, -0.5), (0.5, 0.5), (-0.5, 0.5)]), 0.5),
}


@pytest.mark.parametrize("name", AREAS)
def test_shapes_cover_their_area_and_are_distances(name):
    shape, area = AREAS[name]
    assert cover(shape, pixel).sum().item() * pixel**2 == pytest.approx(area, rel=0.01)
    near = shape.abs() < 0.03
    dy, dx = torch.gradient(shape[0], spacing=pixel)
    steep = (dx.square() + dy.square()).sqrt()[None][near]
    assert steep.median() == pytest.approx(
        1, abs=0.05
    )  # one step away from the edge is one farther


def test_turning_turns():
    bar = box(*turned(x, y, torch.tensor([[[math.pi / 2]]])), 0.6, 0.1)
    torch.testing.assert_close(
        cover(bar, pixel), cover(box(x, y, 0.1, 0.6), pixel), atol=1e-3, rtol=0
    )


def test_paint_lays_over():
    red, blue = rgb("#ff0000", "#0000ff")[:, :, None, None]
    paper = red[None].expand(2, 3, 4, 4)
    half = torch.zeros(2, 4, 4)
    half[:, :, 2:] = 0.5
    painted = paint(paper, half, blue[None])
    assert painted[0, :, 0, 0].tolist() == [1, 0, 0] and painted[1, :, 0, 3].tolist() == [
        0.5,
        0,
        0.5,
    ]


def test_pixels_of_an_oblong_picture():
    x, y, size = pixels(4, 8)
    assert size == 0.5 and x.shape == y.shape == (1, 4, 8)
    assert x[0, 0].tolist() == [-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75]
    assert y[0, :, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
