"""How far apart two embeddings are: Euclidean and cosine distance, all pairs at once (L1.03, L1.06, L1.13)."""

import torch
from torch import Tensor

from course_lib.checks import check_vectors

NEARLY_EQUAL = 1e-9  # a squared distance below this share of |x|^2 + |y|^2 has lost too many digits


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
    x64, y64 = x.double(), y.double()
    lengths = x64.square().sum(1)[:, None] + y64.square().sum(1)  # [n, m]: |x|^2 + |y|^2
    squares = lengths - 2 * x64 @ y64.T  # [n, m]
    i, j = (squares < NEARLY_EQUAL * lengths).nonzero(as_tuple=True)
    squares = squares.index_put((i, j), (x64[i] - y64[j]).square().sum(1))
    result = squares if squared else safe_sqrt(squares)
    return result.to(torch.promote_types(x.dtype, y.dtype))


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
