"""Contrastive learning: two views of one image are a positive pair, the other views of the batch its negatives.

Chen and others, SimCLR, 2020 (NT-Xent). (L2.18)
"""

import torch
from torch import Tensor

from course_lib.arguments import check_partners, check_positive, check_vectors
from course_lib.embeddings.distances import normalize
from course_lib.self_supervision.encoder import MapEncoder, mlp
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.views import Views


class NTXent(torch.autograd.Function):
    """NT-Xent of unit vectors, and its gradient; one table of similarities is kept, and reused in place."""

    @staticmethod
    def forward(ctx, views: Tensor, temperature: float) -> Tensor:
        """views [2N, d], the partner of i is i + N -> the loss []"""
        n = len(views) // 2
        similar = views @ views.T / temperature  # [2N, 2N]
        positive = (similar.diagonal(n) + similar.diagonal(-n)) / 2  # [N]: of both views of a pair
        similar.fill_diagonal_(-torch.inf)  # nobody is their own negative
        total = similar.logsumexp(dim=1, keepdim=True)  # [2N, 1]
        ctx.save_for_backward(views, similar.sub_(total).exp_())  # the softmax of each row
        ctx.temperature = temperature
        return total.mean() - positive.mean()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """(P + P^T) views - 2 partners, divided by 2N times the temperature"""
        views, softmax = ctx.saved_tensors
        partners = views.roll(len(views) // 2, dims=0)
        pulled = softmax @ views + softmax.T @ views - 2 * partners  # [2N, d]
        return gradient * pulled / (len(views) * ctx.temperature), None


def nt_xent(a: Tensor, b: Tensor, temperature: float = 0.5) -> Tensor:
    """The normalised, temperature-scaled cross-entropy: each view must find its partner among all other views.

        l(i) = -log(e^(cos(i, partner) / t) / sum over all j other than i of e^(cos(i, j) / t)),  the mean over all 2N

    Args:
        a, b: the embeddings of two views of N images, row by row; of any length.   # [N, d], [N, d]
        temperature: t > 0; the lower, the more the nearest negatives count.
    Returns:
        The loss, computed in float32 at least, in the type of the embeddings.       # []
    Raises:
        TypeError, ValueError: not floating-point [N, d] row by row, empty, NaN or infinite; t not above 0.

    Guessing gives log(2N - 1); a pair alone has no negatives, its loss is 0. Where all views are one point, the loss is
    that of guessing; without negatives it would be at its best there. Chen and others, SimCLR, 2020. (L2.18)

    >>> a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> nt_xent(a, 3 * a), nt_xent(a, a.flip(0))
    (tensor(0.2395), tensor(2.2395))
    """
    check_vectors("nt_xent", a=a, b=b)
    check_partners("nt_xent", a=a, b=b)
    check_positive("nt_xent", temperature=temperature)
    wide = torch.promote_types(a.dtype, torch.float32)
    views = normalize(torch.cat([a, b]).to(wide))
    return NTXent.apply(views, float(temperature)).to(a.dtype)


class SimCLR(Pretext):
    """Two views of each image -> features -> a **projection head** -> NT-Xent; what is kept are the features.

    Args:
        encoder: what is trained.
        views: how the two views are made.
        temperature: of NT-Xent.
        dim: of the projections.
    """

    def __init__(self, encoder: MapEncoder, views: Views, temperature: float = 0.2, dim: int = 64):
        super().__init__(encoder)
        self.views, self.temperature = views, temperature
        self.head = mlp(encoder.dim, dim)

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> two views of each, [B, C, H, W] twice"""
        return self.views.two(images, generator)

    def forward(self, shown: Tensor) -> Tensor:
        """[B, C, H, W] -> projections [B, dim]"""
        return self.head(self.encoder(shown))

    def loss(self, a: Tensor, b: Tensor) -> Tensor:
        """NT-Xent of the projections of both views.   # []"""
        return nt_xent(*self(torch.cat([a, b])).chunk(2), self.temperature)
