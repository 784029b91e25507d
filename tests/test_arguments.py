"""Checks on what comes in: what passes, what is refused, and that the error quotes it."""

import math

import numpy as np
import pytest
import torch

from course_lib import arguments
from course_lib.arguments import FLOATS

TWO = torch.zeros(2, 4)


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_floating_type_passes(dtype):
    x = torch.full((300, 300), 60000.0).to(dtype)
    arguments.check_tensor("f", "[N, d]", x=x)
    # their sum overflows float16
    arguments.check_finite("f", x=x)
    arguments.check_vectors("f", x=x, y=-x.T)
    arguments.check_partners("f", x=x, y=x.requires_grad_())
    arguments.check_images("f", torch.ones(1, 3, 2, 2, dtype=dtype), channels=3)


def test_axes_are_read_as_a_docstring_writes_them():
    for axes, shape in {
        "[]": (),
        "[N]": (7,),
        "[N, 4]": (7, 4),
        "[B, 3, H, W]": (0, 3, 2, 9),
    }.items():
        arguments.check_tensor("f", axes, x=torch.zeros(shape))
        with pytest.raises(ValueError, match="f: x must be a tensor"):
            arguments.check_tensor("f", axes, x=torch.zeros(*shape, 1))
    with pytest.raises(ValueError, match=r"\[B, 3, H, W\] of floating point, got \[1, 4, 2, 2\]"):
        arguments.check_tensor("f", "[B, 3, H, W]", x=torch.zeros(1, 4, 2, 2))


@pytest.mark.parametrize(
    "value, got",
    [
        ([[0.0]], "list"),
        (np.zeros((2, 2)), "ndarray"),
        (None, "NoneType"),
        (1.0, "float"),
        (torch.zeros(2, 2).long(), r"\[2, 2\] of int64"),
        (torch.zeros(2, 2).bool(), r"\[2, 2\] of bool"),
        (torch.zeros(2, 2, dtype=torch.complex64), r"\[2, 2\] of complex64"),
        (torch.zeros(2, 2).to(torch.float8_e5m2), r"\[2, 2\] of float8_e5m2"),
    ],
)
def test_what_is_no_tensor_of_floating_point_is_refused(value, got):
    expected = rf"f: x must be a tensor \[n, d\] of floating point, got {got}"
    for check in (lambda: arguments.check_tensor("f", "[n, d]", x=value),
                  lambda: arguments.check_vectors("f", y=TWO, x=value)):  # fmt: skip
        with pytest.raises(TypeError, match=expected):
            check()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("shape, at", [((), []), ((5,), [3]), ((3, 4), [1, 2]), ((2, 2, 3), [1, 0, 2])])  # fmt: skip
def test_nan_and_infinity_are_refused_with_their_place(dtype, bad, shape, at):
    x = torch.zeros(shape, dtype=dtype)
    arguments.check_finite("f", x=x)
    x[tuple(at)] = bad
    with pytest.raises(ValueError) as error:
        arguments.check_finite("f", x=x)
    assert str(error.value) == f"f: x {list(shape)} has NaN or infinity, first at {at}"


def test_nothing_is_finite():
    arguments.check_finite("f", x=torch.zeros(0, 3))
    arguments.check_partners("f", x=torch.zeros(0, 3), y=torch.zeros(0, 3))


@pytest.mark.parametrize(
    "labels, got",
    [
        ([0, 1], "list"),
        (np.array([0, 1]), "ndarray"),
        (torch.tensor([0, 1], dtype=torch.int32), r"\[2\] of int32"),
        (torch.tensor([0.0, 1.0]), r"\[2\] of float32"),
        (torch.tensor([False, True]), r"\[2\] of bool"),
    ],
)
def test_labels_are_int64(labels, got):
    with pytest.raises(TypeError, match=rf"f: labels must be a tensor \[B\] of int64, got {got}"):
        arguments.check_labels("f", labels)


def test_labels_lie_in_their_classes():
    top = torch.iinfo(torch.int64).max
    arguments.check_labels("f", torch.tensor([top, -top]))
    for label in (-1, 3, top, -top):
        with pytest.raises(ValueError, match=r"f: labels must lie in 0\.\.2"):
            arguments.check_labels("f", torch.tensor([0, label]), classes=3)


@pytest.mark.parametrize("number", [None, "1", [1], torch.tensor(1.0), 1j])
def test_what_is_no_number_is_refused(number):
    for check in (arguments.check_positive, arguments.check_share):
        with pytest.raises(TypeError, match=r"f: margin must be a number .*, got"):
            check("f", margin=number)
    with pytest.raises(TypeError, match="f: margin must be a whole number, got"):
        arguments.check_count("f", margin=number)


def test_numbers_of_numpy_pass():
    for number in (np.float32(0.5), np.float64(1), np.int64(1)):
        arguments.check_positive("f", margin=number)
        arguments.check_share("f", margin=number)
    arguments.check_count("f", k=np.int64(1))


@pytest.mark.parametrize("number", [-0.1, math.nan, math.inf, -math.inf])
def test_numbers_out_of_range_are_refused(number):
    for check in (arguments.check_positive, arguments.check_share):
        with pytest.raises(ValueError, match=f"got {number}"):
            check("f", margin=number)
    with pytest.raises(TypeError, match=f"got {number}"):
        arguments.check_count("f", k=number)
    with pytest.raises(ValueError, match="f: k must be 2 or more, got 1"):
        arguments.check_count("f", least=2, k=1)
