"""Margins on the angle between an embedding and its class: one formula, many papers (L2.13, L4.06-L4.08)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_labels, check_positive, check_vectors, shape
from course_lib.embeddings.distances import normalize

MARGINS = {  # name -> (m1, m2, m3): the rows of the lecture's table (L2.13)
    "norm-softmax": (1.0, 0.0, 0.0),
    "SphereFace 1.35": (1.35, 0.0, 0.0),
    "CosFace 0.35": (1.0, 0.0, 0.35),
    "ArcFace 0.4": (1.0, 0.4, 0.0),
    "ArcFace 0.45": (1.0, 0.45, 0.0),
    "ArcFace 0.5": (1.0, 0.5, 0.0),
    "ArcFace 0.55": (1.0, 0.55, 0.0),
    "CM1 (1, 0.3, 0.2)": (1.0, 0.3, 0.2),
    "CM2 (0.9, 0.4, 0.15)": (0.9, 0.4, 0.15),
}


def margin_logits(
    cosines: Tensor,
    labels: Tensor,
    m1: float = 1.0,
    m2: float = 0.0,
    m3: float = 0.0,
    s: float = 16.0,
) -> Tensor:
    """Logits in which the right class is made harder to reach by a margin on its angle.

        s (cos(m1 theta + m2) - m3)  for the right class,   s cos(theta)  for every other

    Args:
        cosines: of every embedding with every class centre.        # [B, C] in -1..1
        labels: the right classes.                                  # [B] int64, 0..C-1
        m1: times the angle, > 0 (SphereFace; it need not be an integer).
        m2: plus the angle, >= 0 in radians (ArcFace).
        m3: minus the cosine, >= 0 (CosFace).
        s: scale > 0, the radius of the hypersphere.
    Returns:
        Logits for cross-entropy.                                   # [B, C]
    Raises:
        TypeError, ValueError: not [B, C] with [B] labels in 0..C-1; a margin or scale out of its range; NaN.

    Past m1 theta + m2 = pi a cosine would rise again, and the worst pictures would be rewarded. There it is
    continued downwards as SphereFace does, (-1)^k cos(phi) - 2k in the k-th half turn, for every member of the family.
    The gradient at cos = -1 and 1, where the angle's is infinite, is defined as 0.
    Deng and others (ArcFace), 2019. Lecture topics L2.13, L4.07, L4.08.

    >>> margin_logits(torch.tensor([[0.5, 0.2]]), torch.tensor([0]), m3=0.35, s=10)
    tensor([[1.5000, 2.0000]])
    """
    if cosines.ndim != 2:
        raise ValueError(f"margin_logits: cosines must be [B, C], got {shape(cosines)}")
    check_labels("margin_logits", labels, len(cosines), classes=cosines.shape[1])
    check_positive("margin_logits", m1=m1, s=s)
    check_positive("margin_logits", or_zero=True, m2=m2, m3=m3)
    return with_margin(s * cosines, labels, m1, m2, m3, s)


def with_margin(
    logits: Tensor, labels: Tensor, m1: float, m2: float, m3: float, s: float
) -> Tensor:
    """Add the margin to logits s cos(theta) that nobody else needs: with 10,000 classes each copy would cost."""
    rows = torch.arange(len(logits), device=logits.device)
    cosine = logits[rows, labels] / s  # [B]: of the right class
    if torch.isnan(cosine).any():
        raise ValueError("margin_logits: cosines have NaN")
    change = s * (falling_cosine(m1 * safe_acos(cosine) + m2) - m3 - cosine)
    return logits.index_put_((rows, labels), change, accumulate=True)


def falling_cosine(phi: Tensor) -> Tensor:
    """The cosine from 0 to pi, continued downwards in half turns: it falls for ever.    # any shape, phi >= 0

    >>> falling_cosine(torch.tensor([0.0, torch.pi, 2 * torch.pi]))
    tensor([ 1., -1., -3.])
    """
    k = (phi.detach() / math.pi).floor()
    sign = 1 - 2 * (k % 2)
    return sign * phi.cos() - 2 * k


def safe_acos(cosine: Tensor) -> Tensor:
    """The angle of a cosine, in radians; at and (by rounding) beyond -1 and 1 its gradient is 0, not infinite.

    >>> c = torch.tensor([0.0, 1.0000001], requires_grad=True)
    >>> safe_acos(c).sum().backward(); c.grad
    tensor([-1., 0.])
    """
    inside = cosine.abs() < 1
    end = torch.where(cosine.detach() > 0, 0.0, math.pi)
    return torch.where(inside, torch.where(inside, cosine, 0).acos(), end)


def norm_softmax(cosines: Tensor, labels: Tensor, s: float = 16.0) -> Tensor:
    """`margin_logits` without a margin: normalised embeddings and weights."""
    return margin_logits(cosines, labels, s=s)


def sphereface(cosines: Tensor, labels: Tensor, m: float = 1.35, s: float = 16.0) -> Tensor:
    """`margin_logits` with m1 = m: the angle is multiplied (Liu and others, 2017)."""
    return margin_logits(cosines, labels, m1=m, s=s)


def cosface(cosines: Tensor, labels: Tensor, m: float = 0.35, s: float = 16.0) -> Tensor:
    """`margin_logits` with m3 = m: the cosine is lowered (Wang and others, 2018)."""
    return margin_logits(cosines, labels, m3=m, s=s)


def arcface(cosines: Tensor, labels: Tensor, m: float = 0.5, s: float = 16.0) -> Tensor:
    """`margin_logits` with m2 = m: the angle is enlarged (Deng and others, 2019)."""
    return margin_logits(cosines, labels, m2=m, s=s)


class MarginSoftmax(nn.Module):
    """A softmax layer on cosines, with a margin: norm-softmax, SphereFace, CosFace, ArcFace and their mixtures.

        L = -log softmax(margin_logits(cos(x, w_j), y))_y

    Args:
        classes: C, how many.
        dim: of the embeddings.
        m1, m2, m3: the margin, see `margin_logits`; `MARGINS` holds the known ones.
        s: radius of the hypersphere on which the embeddings are compared.

    Its weights are the centres of the classes, as directions. Called with embeddings [B, dim] and labels [B] it gives
    the mean loss []; `cosines(x)` are the logits at test time [B, C], without margin or scale.
    Lecture topics L2.13, L4.06-L4.08.

    >>> head = MarginSoftmax(classes=10, dim=4, m2=0.5)
    >>> head(torch.ones(3, 4), torch.tensor([0, 1, 2])).shape, head.cosines(torch.ones(3, 4)).shape
    (torch.Size([]), torch.Size([3, 10]))
    """

    def __init__(
        self, classes: int, dim: int, m1: float = 1, m2: float = 0, m3: float = 0, s: float = 16
    ):
        super().__init__()
        check_positive("MarginSoftmax", m1=m1, s=s)
        check_positive("MarginSoftmax", or_zero=True, m2=m2, m3=m3)
        self.m1, self.m2, self.m3, self.s = m1, m2, m3, s
        # only the directions count; an optimizer turns short weights faster than long ones
        self.weight = nn.Parameter(0.05 * torch.randn(classes, dim))

    def cosines(self, x: Tensor) -> Tensor:
        return normalize(x) @ normalize(self.weight).T

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        check_vectors("MarginSoftmax", x=x, weight=self.weight)
        check_labels("MarginSoftmax", labels, len(x), classes=len(self.weight))
        logits = (self.s * normalize(x)) @ normalize(self.weight).T  # [B, C]
        return F.cross_entropy(
            with_margin(logits, labels, self.m1, self.m2, self.m3, self.s), labels
        )
