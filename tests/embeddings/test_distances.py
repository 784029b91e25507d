import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from course_lib.by_definition import embeddings as plain
from course_lib.embeddings.distances import cosine, euclidean, normalize, safe_sqrt

BOTH = pytest.mark.parametrize("distance", [euclidean, cosine])


def vectors(n, d, seed=0, dtype=torch.float32):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(
        dtype
    )


sizes = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 40), st.integers(0, 10**6))


@given(sizes)
def test_equal_the_definition(size):
    n, m, d, seed = size
    x, y = vectors(n, d, seed), vectors(m, d, seed + 1)
    for ours, expected in (
        (euclidean(x, y), plain.euclidean(x.double(), y.double())),
        (cosine(x, y), plain.cosine(x.double(), y.double())),
    ):
        torch.testing.assert_close(ours.double(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1.0, 100.0], ids=lambda o: f"offset {o:g}")
@pytest.mark.parametrize("d", [2, 128, 3072])
def test_equal_scipy_and_torch(d, offset):
    x, y = vectors(50, d) + offset, vectors(60, d, 1) + offset
    x[:10] = y[:10]  # equal pairs
    x[10:20] = y[10:20] * (1 + 1e-6)  # and nearly equal ones
    for kind, ours, scale in (
        ("euclidean", euclidean(x, y), 1),
        ("sqeuclidean", euclidean(x, y, squared=True), d),
    ):
        peer = torch.from_numpy(cdist(x, y, kind)).float()
        torch.testing.assert_close(ours, peer, rtol=1e-6, atol=1e-6 * scale)
    exact = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist").float()
    torch.testing.assert_close(euclidean(x, y), exact, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        cosine(x, y), torch.from_numpy(cdist(x, y, "cosine")).float(), rtol=1e-6, atol=1e-6
    )


def test_distance_to_itself_is_zero_however_long_the_vector():
    for length in (1e-6, 1.0, 1e6):
        x = length * vectors(30, 512)
        assert euclidean(x, x).diagonal().max() == 0
        assert euclidean(x, x.clone()).diagonal().max() == 0


@given(sizes)
def test_invariants(size):
    n, m, d, seed = size
    x, y = vectors(n, d, seed, torch.float64), vectors(m, d, seed + 1, torch.float64)
    for distance in (euclidean, cosine):
        torch.testing.assert_close(distance(x, y), distance(y, x).T)  # symmetric
        assert (distance(x, y) >= 0).all()
    turn = torch.linalg.qr(vectors(d, d, seed + 2, torch.float64)).Q
    torch.testing.assert_close(
        euclidean(x @ turn, y @ turn), euclidean(x, y)
    )  # a rotation changes nothing
    torch.testing.assert_close(euclidean(x + 3, y + 3), euclidean(x, y))  # nor does a shift
    torch.testing.assert_close(
        cosine(5 * x, y), cosine(x, y)
    )  # the length of a vector is nothing to the cosine
    straight, detour = euclidean(x[:1], y[:1]), euclidean(x[:1], -y[:1]) + euclidean(-y[:1], y[:1])
    assert straight.item() <= detour.item() + 1e-9  # the triangle inequality
    unit_x, unit_y = normalize(x), normalize(y)
    torch.testing.assert_close(
        euclidean(unit_x, unit_y, squared=True), 2 * cosine(x, y), atol=1e-9, rtol=1e-9
    )


@pytest.mark.parametrize(
    "function", [euclidean, lambda x, y: euclidean(x, y, squared=True), cosine]
)
def test_gradients_are_those_of_the_formula(function):
    x = vectors(4, 3, 0, torch.float64).requires_grad_()
    y = vectors(5, 3, 1, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(function, (x, y))
    assert torch.autograd.gradgradcheck(function, (x, y))


def test_gradient_of_nearly_equal_vectors_is_a_unit_vector():
    x = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64, requires_grad=True)
    euclidean(
        x, x.detach() + torch.tensor([[0.0, 1e-7, 0.0]], dtype=torch.float64)
    ).sum().backward()
    torch.testing.assert_close(
        x.grad, torch.tensor([[0.0, -1.0, 0.0]], dtype=torch.float64), atol=1e-6, rtol=0
    )


@BOTH
@pytest.mark.parametrize("length", [0.0, 1e-20, 1.0, 1e4], ids=lambda length: f"length {length:g}")
def test_gradients_are_finite_at_distance_zero(distance, length):
    x = (length * vectors(6, 8)).requires_grad_()
    distance(x, x).sum().backward()
    assert torch.isfinite(x.grad).all()
    x.grad = None
    distance(x, x.detach().clone()).diagonal().sum().backward()
    assert torch.isfinite(x.grad).all()
    if length <= 1e4:
        normalize(x).sum().backward()
        assert torch.isfinite(x.grad).all()


def test_plain_root_has_no_gradient_at_zero_and_ours_has():
    x = torch.zeros(1, requires_grad=True)
    x.sqrt().backward()
    assert not torch.isfinite(x.grad).all()  # this is why safe_sqrt exists
    x.grad = None
    safe_sqrt(x).backward()
    assert x.grad.item() == 0


def test_dtypes():
    x = vectors(3, 4)
    assert euclidean(x, x).dtype == cosine(x, x).dtype == torch.float32
    assert euclidean(x.double(), x).dtype == torch.float64
    assert euclidean(x.half(), x.half()).dtype == torch.float16


def test_cosine_of_a_zero_vector_is_a_right_angle_and_never_leaves_its_range():
    assert cosine(torch.zeros(1, 3), torch.ones(1, 3)).item() == 1
    x = vectors(200, 64)
    assert cosine(x, x).min() >= 0 and cosine(x, -x).max() <= 2


@BOTH
@pytest.mark.parametrize(
    "x, y, error, says",
    [
        (
            torch.zeros(3),
            torch.zeros(2, 3),
            ValueError,
            r"tensor \[n, d\] of floating point, got \[3\]",
        ),
        (torch.zeros(2, 3, 4), torch.zeros(2, 3), ValueError, r"got \[2, 3, 4\]"),
        (torch.zeros(3, 2), torch.zeros(5, 4), ValueError, r"x \[3, 2\] and y \[5, 4\]"),
        (
            torch.zeros(0, 2),
            torch.zeros(5, 2),
            ValueError,
            r"x must hold at least one vector, got \[0, 2\]",
        ),
        (
            torch.zeros(3, 2),
            torch.zeros(0, 2),
            ValueError,
            r"y must hold at least one vector, got \[0, 2\]",
        ),
        (torch.zeros(3, 0), torch.zeros(3, 0), ValueError, r"got \[3, 0\]"),
        (
            torch.zeros(3, 2),
            torch.tensor([[0.0, 1.0], [math.nan, 1.0]]),
            ValueError,
            r"y \[2, 2\] has NaN or infinity, first at \[1, 0\]",
        ),
        (
            torch.tensor([[math.inf, 1.0]]),
            torch.zeros(3, 2),
            ValueError,
            r"x \[1, 2\] has NaN or infinity",
        ),
        (
            torch.zeros(3, 2),
            torch.zeros(3, 2, device="meta"),
            ValueError,
            r"x \[3, 2\] and y \[3, 2\] on cpu and meta",
        ),
        (
            torch.zeros(3, 2).long(),
            torch.zeros(3, 2),
            TypeError,
            r"floating point, got \[3, 2\] of int64",
        ),
        (
            [[0.0, 1.0]],
            torch.zeros(3, 2),
            TypeError,
            r"x must be a tensor \[n, d\] of floating point, got list",
        ),
    ],
)
def test_bad_input_is_named_and_quoted(distance, x, y, error, says):
    with pytest.raises(error, match=says) as caught:
        distance(x, y)
    assert str(caught.value).startswith(distance.__name__)


TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def in_float64(x, y):
    return torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")


@pytest.mark.parametrize("first", TYPES, ids=str)
@pytest.mark.parametrize("second", TYPES, ids=str)
def test_every_float_type_beside_every_other(first, second):
    x, y = (3 * vectors(6, 5)).to(first), (3 * vectors(7, 5, 1)).to(second)
    y[0] = x[0].to(second)
    for distance, expected in (
        (euclidean, in_float64(x, y)),
        (cosine, torch.from_numpy(cdist(x.double(), y.double(), "cosine"))),
    ):
        got = distance(x, y)
        assert got.dtype == torch.result_type(x, y)
        eps = torch.finfo(got.dtype).eps
        torch.testing.assert_close(got.double(), expected, rtol=eps, atol=max(1e-13, eps / 1000))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(distance(x, y), got)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize(
    "scale", [6e4, 1e20, 1e38, 1e-7, 1e-30, 1e-44, 1e200, 1e300, 1e-200, 1e-310]
)
def test_huge_and_tiny_vectors(scale, dtype):
    direction = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 0.5, 0.0]], dtype=torch.float64)
    x = (scale * direction).to(dtype)
    if not (torch.isfinite(x).all() and x[0, 0] > 0):
        return  # the type does not know such numbers
    unit = normalize(x)
    eps = torch.finfo(dtype).eps
    exact = x.double() / x.double().abs().amax(1, keepdim=True)
    exact = exact / exact.norm(dim=1, keepdim=True)
    torch.testing.assert_close(unit.double(), exact, rtol=0, atol=eps)
    torch.testing.assert_close(cosine(x, x).double(), 1 - exact @ exact.T, rtol=eps, atol=1e-15)
    largest = x.double().abs().max()
    expected = in_float64(x.double() / largest, x.double() / largest) * largest
    if expected.max() > torch.finfo(dtype).max:
        with pytest.raises(ValueError, match=f"euclidean: distances must fit into {dtype}"):
            euclidean(x, x)
        return
    least = torch.finfo(dtype).smallest_normal * eps
    torch.testing.assert_close(euclidean(x, x).double(), expected, rtol=eps, atol=least)


def test_squares_that_do_not_fit_are_refused():
    x = torch.full((1, 2), 1e20)
    with pytest.raises(ValueError, match=r"euclidean: distances must fit into torch.float32"):
        euclidean(x, -x, squared=True)
    assert euclidean(x.double(), -x.double(), squared=True).item() == pytest.approx(8e40)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("scale", [1e4, 1.0, 1e-3, 1e-7, 1e20, 1e-30, 1e-42])
def test_gradients_have_the_length_of_the_formula_in_every_type(scale, dtype):
    """d|x - y| / dx is a unit vector, however long, short or near the vectors are; at 0 it is 0; never NaN."""
    y = (scale * vectors(5, 4)).to(dtype)
    x = torch.cat([y[:2], (y[2:].double() * 1.25).to(dtype)]).requires_grad_()
    if not torch.isfinite(y).all():
        return
    distances = euclidean(x, y)
    distances.diagonal().sum().backward()
    expected = torch.where(distances.diagonal() > 0, 1.0, 0.0).double()
    torch.testing.assert_close(
        x.grad.double().norm(dim=1), expected, rtol=0.3 if scale < 1e-6 else 0.02, atol=0
    )
    for function in (cosine, lambda a, b: euclidean(a, b, squared=True)):
        if function is cosine or scale <= 1:
            x.grad = None
            function(x, y).sum().backward()
            assert not x.grad.isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [1e-2, 1e-6, 0.0])
def test_collapsed_embeddings_and_tight_groups(spread, dtype):
    centres = torch.cat([vectors(1, 16), 1000 * vectors(3, 16, 1)])
    for groups in (1, 4):
        x = (centres[torch.arange(80) % groups] + spread * vectors(80, 16, 2)).to(dtype)
        expected = in_float64(x, x)
        rtol = 1e-6 if dtype == torch.float32 else 1e-9
        torch.testing.assert_close(euclidean(x, x).double(), expected, rtol=rtol, atol=0)


def test_safe_sqrt_passes_nan_on_and_takes_floats_only():
    assert safe_sqrt(torch.tensor([torch.nan])).isnan().all()
    assert safe_sqrt(torch.tensor([-1.0])).item() == 0
    with pytest.raises(TypeError, match="safe_sqrt: x must be a floating-point tensor, got list"):
        safe_sqrt([1.0])
