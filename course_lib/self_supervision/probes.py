"""Has it collapsed? Two numbers that tell whether embeddings still fill their space (L2.18)."""

import torch
from torch import Tensor

from course_lib.arguments import check_vectors
from course_lib.embeddings.distances import normalize


def collapse_level(x: Tensor) -> float:
    """How much unit vectors spread: 0 where all are one point, about 1 where they fill the sphere.

        sqrt(d) * the standard deviation of each coordinate of x / |x|, the mean over all d

    Args:
        x: embeddings.                                                # [n, d]
    Raises:
        TypeError, ValueError: not floating-point [n, d]; NaN or infinite.

    Chen and He, SimSiam, 2021, figure 2.

    >>> collapse_level(torch.ones(5, 3)), collapse_level(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    (0.0, 0.7071067690849304)
    """
    check_vectors("collapse_level", x=x)
    unit = normalize(x.to(torch.promote_types(x.dtype, torch.float32)))
    return (unit.std(dim=0, correction=0).mean() * x.shape[1] ** 0.5).item()


def effective_rank(x: Tensor) -> float:
    """How many directions embeddings use: e to the entropy of the singular values' shares.

    Args:
        x: embeddings; their mean is subtracted.                      # [n, d]
    Returns:
        1 where all lie on a line, min(n - 1, d) at most; 0 where all are one point.
    Raises:
        TypeError, ValueError: not floating-point [n, d]; NaN or infinite.

    It ignores size: embeddings that have shrunk to nearly one point may still have a high rank. Roy and Vetterli, 2007.

    >>> effective_rank(torch.tensor([[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]]))
    1.0
    """
    check_vectors("effective_rank", x=x)
    wide = x.double()
    values = torch.linalg.svdvals(wide - wide.mean(dim=0))  # [min(n, d)]
    if values[0] <= 1e-12 * wide.abs().max().clamp(min=1e-300):
        return 0.0
    shares = values[values > 1e-9 * values[0]] / values.sum()
    return round((-(shares * shares.log()).sum()).exp().item(), 6)
