"""How far apart two embeddings are: Euclidean and cosine distance, all pairs at once (L1.03, L1.06, L1.13)."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.arguments import check_vectors

# A squared distance below this share of |x|^2 has lost too many digits.
NEARLY_EQUAL = 1e-4
# Numbers computed at a time: they stay in the processor's cache.
PAIRS = 2**17


def normalize(x: Tensor) -> Tensor:
    """Scale every vector to unit length.

        x / |x|

    Args:
        x: vectors as rows.                                   # [n, d]
    Returns:
        Vectors of length 1; a zero vector stays zero.        # [n, d]
    Raises:
        TypeError, ValueError: not floating-point [n, d], empty, NaN or infinite.

    The gradient grows as 1 / |x|; at the zero vector it is that of x itself.
    Lecture topics L1.06, L5.14.

    >>> normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    check_vectors("normalize", x=x)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    # With 1 as the largest value no square is too large or too small.
    largest = wide.detach().abs().amax(dim=1, keepdim=True)  # [n, 1]
    wide = wide / torch.where(largest > 0, largest, 1)
    length = torch.linalg.vector_norm(wide, dim=1, keepdim=True)
    return (wide / torch.where(length > 0, length, 1)).to(x.dtype)


def euclidean(x: Tensor, y: Tensor, squared: bool = False) -> Tensor:
    """Euclidean distance from every vector in `x` to every vector in `y`.

        |x - y|,   by one matrix product:   |x - y|^2 = |x|^2 + |y|^2 - 2 x.y

    Args:
        x: vectors as rows.                                   # [n, d]
        y: the same.                                          # [m, d]
        squared: return |x - y|^2, which ranks alike and is cheaper.
    Returns:
        Distances >= 0, in the unit of the vectors.           # [n, m]
    Raises:
        TypeError, ValueError: not floating-point [n, d] and [m, d] with one d on one device; empty; NaN; distances
            too large for the type, which is that of x and y together (`torch.result_type`).

    The three terms nearly cancel when x is close to y: in float32 the distance of a vector to itself can come
    out as 0.1. So they are added up in float64, seen from the middle of the vectors, and the few pairs that are all but
    equal are subtracted directly. The gradient at distance 0, where the root has none, is defined as 0.
    Lecture topics L1.03, L1.06, L1.13.

    >>> euclidean(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[5., 0.]])
    """
    check_vectors("euclidean", x=x, y=y)
    distances = Euclidean.apply(x, y, squared)
    if distances.detach().amax() == torch.inf:
        raise ValueError(
            f"euclidean: distances must fit into {distances.dtype}, got infinity; give x and y a wider type"
        )
    return distances


class Euclidean(torch.autograd.Function):
    """All pairs at once, forward and backward.

        d|x - y|^2 / dx = 2 (x - y),   d|x - y| / dx = (x - y) / |x - y|

    The gradient is written out: autograd's own would go over the [n, m] matrix a dozen times. Both go through some rows
    at a time: fetching memory for whole [n, m] matrices of float64 takes longer than computing them.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, squared: bool) -> Tensor:
        x64, y64, scale = _from_the_middle(x, y)
        yy = y64.square().sum(1)  # [m]
        d = x.new_empty(len(x), len(y), dtype=torch.result_type(x, y))  # [n, m]
        for d_rows, x_rows, x64_rows in _parts(len(y), d, x, x64):
            xx = x64_rows.square().sum(1)[:, None]
            squares = torch.addmm(yy, x64_rows, y64.T, alpha=-2).add_(xx)  # |y|^2 - 2 x.y + |x|^2
            i, j = (squares < NEARLY_EQUAL * xx).nonzero(as_tuple=True)
            few = max(1, PAIRS // x.shape[1])
            for a, b in zip(i.split(few), j.split(few), strict=True):
                squares[a, b] = ((x_rows[a].double() - y[b].double()) / scale).square().sum(1)
            distances = squares.clamp_(min=0) if squared else squares.clamp_(min=0).sqrt_()
            if scale != 1:
                distances *= scale
                distances *= scale if squared else 1
            d_rows.copy_(distances)
        ctx.squared, ctx.to_itself = squared, x is y
        ctx.save_for_backward(x, y, d)
        return d

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, y, d = ctx.saved_tensors
        x64, y64, scale = _from_the_middle(x, y)
        to_x = to_y = None
        if ctx.to_itself:
            # x_i - x_j counts in row i and in row j: one product does for both
            to_x = _pull(x64, x64, d, (gradient, gradient.T.contiguous()), ctx.squared)
            return (to_x * scale).to(x.dtype), None, None
        if ctx.needs_input_grad[0]:
            to_x = (_pull(x64, y64, d, (gradient,), ctx.squared) * scale).to(x.dtype)
        if ctx.needs_input_grad[1]:
            to_y = (_pull(y64, x64, d.T, (gradient.T,), ctx.squared) * scale).to(y.dtype)
        return to_x, to_y, None


def _pull(
    x64: Tensor, y64: Tensor, d: Tensor, gradients: tuple[Tensor, ...], squared: bool
) -> Tensor:
    """Sum over j of weight_ij (x_i - y_j): the gradient of x, given those of d.    # [n, d]"""
    parts = []
    for x_rows, d_rows, gradient, *others in _parts(len(y64), x64, d, *gradients):
        weight = sum(others, start=gradient.double())  # of x - y: [some of n, m]
        if squared:
            weight = 2 * weight
        else:
            weight = weight / d_rows.double().masked_fill(d_rows == 0, torch.inf)
        parts.append(weight.sum(1)[:, None] * x_rows - weight @ y64)
    return torch.cat(parts)


def _parts(m: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Some rows of each tensor at a time, few enough for the processor's cache where each belongs to m pairs."""
    rows = max(64, PAIRS // m)
    return zip(*(tensor.split(rows) for tensor in tensors), strict=True)


def _from_the_middle(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, float]:
    """Vectors in float64 as seen from the middle of y, over a power of two where float64 could not hold squares."""
    largest = max(x.detach().abs().max().item(), y.detach().abs().max().item())
    scale = 1.0 if largest == 0 or 1e-50 < largest < 1e100 else 2.0 ** (math.frexp(largest)[1] - 1)
    x64, y64 = x.double(), y.double()
    if scale != 1:
        x64, y64 = x64 / scale, y64 / scale
    middle = y64.detach().mean(0).to(y.dtype).double()
    return x64 - middle, y64 - middle, scale


def cosine(x: Tensor, y: Tensor) -> Tensor:
    """Cosine distance from every vector in `x` to every vector in `y`.

        1 - cos(x, y) = 1 - x.y / (|x| |y|)

    Args:
        x: vectors as rows.                                   # [n, d]
        y: the same.                                          # [m, d]
    Returns:
        0 for the same direction, 1 for a right angle (and for a zero vector, which has no direction),
        2 for opposite directions.                            # [n, m]
    Raises:
        TypeError, ValueError: not floating-point [n, d] and [m, d] with one d on one device; empty; NaN.

    On unit vectors |x - y|^2 = 2 (1 - cos(x, y)): both distances then rank alike.
    Lecture topics L1.06, L1.13.

    >>> cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[5.0, 0.0], [0.0, 2.0], [-1.0, 0.0]]))
    tensor([[0., 1., 2.]])
    """
    check_vectors("cosine", x=x, y=y)
    cosines = normalize(x.double()) @ normalize(y.double()).T
    return (1 - cosines).clamp(0, 2).to(torch.result_type(x, y))  # rounding may leave [0, 2]


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root with gradient 0, not infinity, where x is 0; below 0 both are 0.

    Raises:
        TypeError: not a floating-point tensor.

    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> safe_sqrt(x).sum().backward(); x.grad
    tensor([0.0000, 0.2500])
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"safe_sqrt: x must be a floating-point tensor, got {got}")
    zero = x <= 0  # false for NaN, which stays NaN
    return torch.where(zero, 0, torch.where(zero, 1, x).sqrt())
