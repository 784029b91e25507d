"""Margins on the angle between an embedding and its class: one formula, many papers (L2.13, L4.06-L4.08)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import (
    check_count,
    check_labels,
    check_positive,
    check_tensor,
    check_vectors,
)
from course_lib.embeddings.distances import normalize
from course_lib.metric_learning.pairs import mean_loss

# name -> (m1, m2, m3): the rows of the lecture's table (L2.13)
MARGINS = {
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
        Logits for cross-entropy, computed in float32 at least, in the type of the cosines.    # [B, C]
    Raises:
        TypeError, ValueError: not [B, C] with [B] labels in 0..C-1; a margin or scale out of its range, or so large
            that a logit would overflow; a cosine that is NaN or lies further outside -1..1 than by rounding.

    Past m1 theta + m2 = pi a cosine would rise again, and the worst images would be rewarded. There it is
    continued downwards as SphereFace does, (-1)^k cos(phi) - 2k in the k-th half turn, for every member of the family.
    Where m1 or m2 changes the angle, the gradient at cos = -1 and 1, where the angle's is infinite, is defined as 0.
    Deng and others (ArcFace), 2019. Lecture topics L2.13, L4.07, L4.08.

    >>> margin_logits(torch.tensor([[0.5, 0.2]]), torch.tensor([0]), m3=0.35, s=10)
    tensor([[1.5000, 2.0000]])
    """
    where = "margin_logits"
    check_tensor(where, "[B, C]", cosines=cosines)
    check_labels(where, labels, len(cosines), classes=cosines.shape[1])
    _check_margin(where, cosines.dtype, m1, m2, m3, s)
    if cosines.numel() > 0:
        low, high = (end.item() for end in torch.aminmax(cosines.detach()))
        # rounding: bfloat16 knows 1 and 1.0078
        if not (low >= -1.05 and high <= 1.05):
            raise ValueError(f"{where}: cosines must lie in -1..1, got {low:.3g} to {high:.3g}")
    logits = s * cosines.to(torch.promote_types(cosines.dtype, torch.float32))
    return with_margin(logits, labels, m1, m2, m3, s).to(cosines.dtype)


def with_margin(
    logits: Tensor, labels: Tensor, m1: float, m2: float, m3: float, s: float
) -> Tensor:
    """Add the margin to logits s cos(theta), in place: with 10,000 classes each copy would cost."""
    rows = torch.arange(len(logits), device=logits.device)
    if m1 == 1 and m2 == 0:
        # the angle stays as it is, and is not needed
        change = logits.new_full((len(logits),), -s * m3)  # [B]
    else:
        cosine = logits[rows, labels] / s  # [B]: of the right class
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
        check_count("MarginSoftmax", classes=classes, dim=dim)
        _check_margin("MarginSoftmax", torch.float32, m1, m2, m3, s)
        self.m1, self.m2, self.m3, self.s = m1, m2, m3, s
        # only the directions count; an optimizer turns short weights faster than long ones
        self.weight = nn.Parameter(0.05 * torch.randn(classes, dim))

    def cosines(self, x: Tensor) -> Tensor:
        check_vectors("MarginSoftmax", x=x, weight=self.weight)
        return self._scaled(x, 1)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        check_vectors("MarginSoftmax", x=x, weight=self.weight)
        check_labels("MarginSoftmax", labels, len(x), classes=len(self.weight))
        logits = self._scaled(x, self.s)
        logits = with_margin(logits, labels, self.m1, self.m2, self.m3, self.s)
        total = F.cross_entropy(logits, labels, reduction="sum")
        return mean_loss("MarginSoftmax", total, len(x))

    def _scaled(self, x: Tensor, s: float) -> Tensor:
        """s times the cosines, in float32 at least, under autocast too: an angle needs its digits.    # [B, C]"""
        dtype = torch.promote_types(torch.promote_types(x.dtype, self.weight.dtype), torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            return (s * normalize(x.to(dtype))) @ normalize(self.weight.to(dtype)).T


def _check_margin(
    where: str, dtype: torch.dtype, m1: float, m2: float, m3: float, s: float
) -> None:
    """Raise unless margins and scale are in their ranges, and no difference of two logits can overflow."""
    check_positive(where, m1=m1, s=s)
    check_positive(where, or_zero=True, m2=m2, m3=m3)
    # |falling_cosine(phi)| <= 1 + 2 phi / pi, and phi <= m1 pi + m2
    largest = s * (1 + 2 * m1 + 2 * m2 / math.pi + m3)
    if 2 * largest > torch.finfo(dtype).max:
        raise ValueError(f"{where}: logits up to {largest:.3g} are beyond {dtype}, got s = {s!r}")
