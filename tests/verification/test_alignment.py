"""Alignment: least squares word for word, what comes back, pictures, bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.arguments import FLOATS
from course_lib.verification.alignment import similarity, square_around, warp

WANTED = torch.tensor([[10.0, 12.0], [22.0, 12.0], [16.0, 24.0]], dtype=torch.float64)


def moved(points, scale, angle, shift):
    turn = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=points.dtype,
    )
    return scale * points @ turn.T + torch.tensor(shift, dtype=points.dtype)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 4), st.floats(-3, 3), st.floats(-20, 20), st.floats(-20, 20))
def test_what_was_moved_comes_back(scale, angle, right, down):
    points = moved(WANTED, scale, angle, [right, down])[None]
    matrix = similarity(points, WANTED)
    back = points @ matrix[..., :2].mT + matrix[..., None, :, 2]
    torch.testing.assert_close(back[0], WANTED, atol=1e-8, rtol=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_it_is_the_least_squares_of_four_unknowns(seed):
    """Written out: a x - b y + c = X, b x + a y + d = Y for each point."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(2, 5, 2, generator=generator, dtype=torch.float64)
    wanted = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    for face, matrix in zip(points, similarity(points, wanted), strict=True):
        rows = []
        for x, y in face.tolist():
            rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        system = torch.tensor(rows, dtype=torch.float64)
        a, b, c, d = torch.linalg.lstsq(system, wanted.flatten()[:, None]).solution[:, 0]
        expected = torch.stack([torch.stack([a, -b, c]), torch.stack([b, a, d])])
        torch.testing.assert_close(matrix, expected)


def test_as_scikit_image():
    transform = pytest.importorskip("skimage.transform")
    generator = torch.Generator().manual_seed(3)
    points = 30 * torch.rand(4, 3, 2, generator=generator, dtype=torch.float64)
    for face, matrix in zip(points, similarity(points, WANTED), strict=True):
        theirs = transform.SimilarityTransform.from_estimate(face.numpy(), WANTED.numpy())
        if (
            theirs.params[0, 0] * theirs.params[1, 1] - theirs.params[0, 1] * theirs.params[1, 0]
            > 0
        ):
            torch.testing.assert_close(matrix, torch.from_numpy(theirs.params[:2]))


def test_a_quarter_turn_and_a_square_move_pixels_exactly():
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    which = torch.tensor([0])
    still = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    assert torch.allclose(warp(image, which, still, 8), image, atol=1e-6)
    quarter = torch.tensor([[[0.0, -1, 8], [1, 0, 0]]])  # clockwise
    torch.testing.assert_close(warp(image, which, quarter, 8), image.rot90(-1, (2, 3)))
    part = square_around(torch.tensor([[2.0, 1.0, 6.0, 5.0]]), 4)
    torch.testing.assert_close(warp(image, which, part, 4), image[:, :, 1:5, 2:6])
    wide = square_around(torch.tensor([[0.0, 2.0, 8.0, 4.0]]), 8, room=2.0)  # of 4 x 4 pixels' area
    assert wide[0, :, :2].tolist() == [[1, 0], [0, 1]] and wide[0, :, 2].tolist() == [0, 1]


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(0.5, 3))
def test_a_tilted_face_comes_upright(angle, room):
    """Two eyes on a line that is tilted, around the middle of a box: level, and around the picture's middle."""
    boxes = torch.tensor([[10.0, 20.0, 30.0, 40.0]], dtype=torch.float64)
    middle, along = torch.tensor([20.0, 30.0]), torch.tensor([math.cos(angle), math.sin(angle)])
    eyes = torch.stack([middle - 4 * along, middle + 4 * along])[None].double()
    matrix = square_around(boxes, 32, room, torch.tensor([angle], dtype=torch.float64))
    left, right = (eyes @ matrix[..., :2].mT + matrix[..., None, :, 2])[0]
    apart = 4 * 32 / (20 * room)
    torch.testing.assert_close(left, torch.tensor([16 - apart, 16.0]).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(right, torch.tensor([16 + apart, 16.0]).double(), atol=1e-5, rtol=0)


def test_landmarks_of_the_picture_lie_where_they_are_wanted():
    """A bright pixel at each landmark of an image is found at the wanted places of the picture."""
    points = moved(WANTED, 1.5, 0.4, [12.0, 3.0]).float()
    down, right = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    for point, goal in zip(points, WANTED, strict=True):
        spot = (-((right - point[0]) ** 2 + (down - point[1]) ** 2) / 4).exp()
        matrix = similarity(points[None], WANTED.float())
        picture = warp(spot[None, None], torch.tensor([0]), matrix, 32)[0, 0]
        at = picture.flatten().argmax()
        assert abs(at % 32 + 0.5 - goal[0]) <= 1 and abs(at // 32 + 0.5 - goal[1]) <= 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_floating_type(dtype):
    points = moved(WANTED, 2.0, 0.5, [1.0, 2.0])[None].to(dtype)
    matrix = similarity(points, WANTED.to(dtype))
    expected = similarity(points.double(), WANTED.to(dtype).double())
    torch.testing.assert_close(matrix.double(), expected, atol=1e-4, rtol=1e-4)
    picture = warp(torch.rand(1, 3, 32, 32).to(dtype), torch.tensor([0]), matrix, 8)
    assert picture.dtype == dtype and picture.isfinite().all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: similarity(torch.zeros(1, 3, 2), WANTED), "all points of face 0 lie in one place"),
        (lambda: similarity(torch.rand(1, 2, 2), WANTED), r"points must be a tensor \[N, 3, 2\]"),
        (lambda: similarity(torch.rand(1, 1, 2), WANTED[:1]), "two points or more are needed, got 1"),
        (lambda: warp(torch.rand(1, 3, 8, 8), torch.tensor([1]), torch.rand(1, 2, 3), 4), r"which must be in 0..0"),
        (lambda: warp(torch.rand(1, 3, 8, 8), torch.tensor([0]), torch.zeros(1, 2, 3), 4), "cannot be inverted"),
        (lambda: square_around(torch.zeros(1, 4), 4), "box 0 has no area"),
        (lambda: square_around(torch.tensor([[3.0, 3, 1, 1]]), 4), "box 0 has no area"),
        (
            lambda: square_around(torch.tensor([[0.0, 0, 1, 1]]), 4, angles=torch.zeros(2)),
            r"square_around: angles must be a tensor \[1\]",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_told(call, says):
    with pytest.raises(ValueError, match=says):
        call()
