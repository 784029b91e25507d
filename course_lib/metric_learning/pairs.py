"""Pair-based learning on any dissimilarity rho of two embeddings: the cosine's, L2, or one that is learned (L2.14)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import (
    check_count,
    check_finite,
    check_labels,
    check_partners,
    check_positive,
    check_tensor,
    check_vectors,
    shape,
)
from course_lib.embeddings.distances import euclidean, normalize, safe_sqrt


def mean_loss(where: str, total: Tensor, count: int) -> Tensor:
    """total / count; of no values it is 0, not NaN, and still part of the graph. Raise where the sum overflowed."""
    loss = total / max(count, 1)
    if not loss.isfinite():
        raise ValueError(
            f"{where}: the loss is beyond {loss.dtype}: the embeddings lie too far apart"
        )
    return loss


def contrastive_loss(x: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Contrastive loss over all pairs of a batch: pull the same class together, push others out to the margin.

        L = 1/2 (z d^2 + (1 - z) max(0, M - d)^2),   d = |x_i - x_j|,   z = 1 if both are of one class, else 0

    Args:
        x: embeddings.                                        # [B, d]
        labels: their classes.                                # [B] int64
        margin: M > 0, in the unit of the embeddings.
    Returns:
        The mean over the B (B - 1) / 2 unordered pairs, in float32 at least; 0 if B is 1.    # []
    Raises:
        TypeError, ValueError: not [B, d] with [B] labels; NaN or infinity; margin not above 0; d^2 overflows.

    Where two images of different classes coincide (d = 0) no direction leads apart, and the gradient is 0.
    Hadsell and others, 2006. Lecture topics L1.07, L4.03.

    >>> x = torch.tensor([[0.0, 0.0], [0.0, 2.0], [0.0, 0.5]])
    >>> contrastive_loss(x, torch.tensor([0, 0, 1]), margin=1.0)  # (2^2 + (1 - .5)^2 + 0) / 2 / 3 pairs
    tensor(0.7083)
    """
    check_vectors("contrastive_loss", x=x)
    check_labels("contrastive_loss", labels, len(x))
    check_positive("contrastive_loss", margin=margin)
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    d = euclidean(x, x)  # [B, B]
    same = labels[:, None] == labels  # [B, B]
    # where each distance belongs: at 0; at the margin, or beyond it as it is
    target = d.detach().clamp(min=margin).masked_fill_(same, 0)  # [B, B]
    loss = F.mse_loss(d, target, reduction="sum") / 2
    return mean_loss("contrastive_loss", loss, len(x) * (len(x) - 1))


def pair_loss(rho: Tensor, same: Tensor, margin: float) -> Tensor:
    """The pair-based loss on any dissimilarity rho.

        L+ = rho,   L- = max(0, M - rho)

    Args:
        rho: dissimilarity of each pair, 0 for equal ones.    # [N]
        same: whether the pair is of one class.               # [N] bool
        margin: M > 0, in the unit of rho.
    Returns:
        The mean over the pairs, in float32 at least; 0 if there are none.    # []
    Raises:
        TypeError, ValueError: same is not bool, or not as long as rho; NaN or infinity; margin not above 0.

    Unlike in `contrastive_loss` nothing is squared. Lecture topic L2.14.

    >>> pair_loss(torch.tensor([0.25, 0.75, 3.0]), torch.tensor([True, False, False]), margin=1.0)
    tensor(0.1667)
    """
    check_tensor("pair_loss", "[N]", rho=rho)
    check_tensor("pair_loss", "[N]", torch.bool, same=same)
    if rho.shape != same.shape:
        raise ValueError(
            f"pair_loss: rho and same must be [N] both, got {shape(rho)} and {shape(same)}"
        )
    check_finite("pair_loss", rho=rho)
    check_positive("pair_loss", margin=margin)
    rho = rho.to(torch.promote_types(rho.dtype, torch.float32))
    loss = torch.where(same, rho, (margin - rho).clamp(min=0))
    return mean_loss("pair_loss", loss.sum(), len(rho))


def rho_cosine(x: Tensor, y: Tensor) -> Tensor:
    """1 - cos of each vector and its partner.                # [N, d], [N, d] -> [N] in 0..2

    Computed in float32 at least, and returned in the type of the vectors.

    Raises:
        TypeError, ValueError: vectors that are not paired row by row; NaN or infinity.

    >>> rho_cosine(torch.tensor([[3.0, 0.0], [3.0, 0.0]]), torch.tensor([[0.0, 2.0], [-1.0, 0.0]]))
    tensor([1., 2.])
    """
    check_partners("rho_cosine", x=x, y=y)
    if len(x) == 0:
        return (x * y).sum(1)
    cosine = (normalize(x.double()) * normalize(y.double())).sum(1)
    return (1 - cosine).clamp(0, 2).to(torch.promote_types(x.dtype, y.dtype))


def rho_l2(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distance of each vector and its partner.     # [N, d], [N, d] -> [N]

    The lecture adds "batch norm": an embedding that ends in batch normalisation, as those of `ConvEncoder` do, cannot
    shrink as a whole to make L+ small. Computed in float64 (squares of 1e20 overflow, those of 1e-30 vanish), and
    returned in the type of the vectors.

    Raises:
        TypeError, ValueError: vectors that are not paired row by row; NaN or infinity.

    >>> rho_l2(torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 4.0]]))
    tensor([5.])
    """
    check_partners("rho_l2", x=x, y=y)
    squares = (x.double() - y.double()).square().sum(1)
    rho = safe_sqrt(squares).to(torch.promote_types(x.dtype, y.dtype))
    check_finite("rho_l2", rho=rho)
    return rho


class RhoNetwork(nn.Module):
    """A dissimilarity that is learned: a small network on |x - y| and x * y, the same for (x, y) and (y, x).

    Args:
        dim: of the embeddings.
        hidden: units of its one hidden layer.

    Softplus keeps rho above 0. Lecture topic L2.14 ("separate network").

    >>> rho = RhoNetwork(dim=8)
    >>> rho(torch.zeros(5, 8), torch.ones(5, 8)).shape
    torch.Size([5])
    """

    def __init__(self, dim: int, hidden: int = 64):
        super().__init__()
        check_count("RhoNetwork", dim=dim, hidden=hidden)
        self.dim = dim
        self.layers = nn.Sequential(nn.Linear(2 * dim, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        check_tensor("RhoNetwork", f"[N, {self.dim}]", x=x, y=y)
        check_partners("RhoNetwork", x=x, y=y)
        both = torch.cat([(x - y).abs(), x * y], dim=1)  # [N, 2 dim]
        rho = F.softplus(self.layers(both.to(self.layers[0].weight.dtype))[:, 0])  # [N]
        check_finite("RhoNetwork", rho=rho)
        return rho
