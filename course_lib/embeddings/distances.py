"""How far apart two embeddings are: Euclidean and cosine distance, all pairs at once (L1.03, L1.06, L1.13)."""

import torch
from torch import Tensor

from course_lib.arguments import check_vectors

NEARLY_EQUAL = 2e-9  # a squared distance below this share of |x|^2 has lost too many digits


def normalize(x: Tensor) -> Tensor:
    """Scale every vector to unit length.

        x / |x|

    Args:
        x: vectors as rows.                                   # [n, d]
    Returns:
        Vectors of length 1; a zero vector stays zero.        # [n, d]
    Raises:
        TypeError, ValueError: not floating-point [n, d], empty, NaN or infinite.

    The gradient is finite everywhere, at the zero vector too.
    Lecture topics L1.06, L5.14.

    >>> normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    check_vectors("normalize", x=x)
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)  # [n, 1]
    return x / torch.where(length > 0, length, 1)


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
        TypeError, ValueError: not floating-point [n, d] and [m, d] with one d on one device; empty; NaN.

    The three terms nearly cancel when x is close to y: in float32 the distance of a vector to itself can come
    out as 0.1. So they are added up in float64, and the few pairs that are all but equal are subtracted
    directly. The gradient at distance 0, where the root has none, is defined as 0.
    Lecture topics L1.03, L1.06, L1.13.

    >>> euclidean(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[5., 0.]])
    """
    check_vectors("euclidean", x=x, y=y)
    return Euclidean.apply(x, y, squared)


class Euclidean(torch.autograd.Function):
    """All pairs at once, forward and backward.

        d|x - y|^2 / dx = 2 (x - y),   d|x - y| / dx = (x - y) / |x - y|

    The gradient is written out: autograd's own would go over the [n, m] matrix a dozen times, this goes over it thrice.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, squared: bool) -> Tensor:
        x64, y64 = x.double(), y.double()
        xx, yy = x64.square().sum(1)[:, None], y64.square().sum(1)
        squares = torch.addmm(yy, x64, y64.T, alpha=-2).add_(xx)  # [n, m]: |y|^2 - 2 x.y + |x|^2
        i, j = (squares <= NEARLY_EQUAL * xx).nonzero(as_tuple=True)
        squares[i, j] = (x64[i] - y64[j]).square().sum(1)
        d = (squares if squared else squares.sqrt_()).to(torch.promote_types(x.dtype, y.dtype))
        ctx.squared = squared
        ctx.save_for_backward(x, y, d)
        return d

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, y, d = ctx.saved_tensors
        divided = gradient / d.masked_fill(d == 0, torch.inf) if not ctx.squared else 2 * gradient
        weight, x64, y64 = divided.double(), x.double(), y.double()  # weight of x - y: [n, m]
        to_x = weight.sum(1)[:, None] * x64 - weight @ y64  # sum over j of weight_ij (x_i - y_j)
        to_y = weight.sum(0)[:, None] * y64 - weight.T @ x64
        return to_x.to(x.dtype), to_y.to(y.dtype), None


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
    return (1 - normalize(x) @ normalize(y).T).clamp(0, 2)  # rounding may leave [0, 2] by 1e-7


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root with gradient 0, not infinity, where x is 0.

    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> safe_sqrt(x).sum().backward(); x.grad
    tensor([0.0000, 0.2500])
    """
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1).sqrt(), 0)
