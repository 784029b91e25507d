"""Center loss: every class has a centre, and its embeddings are pulled towards it (L1.09)."""

import torch
from torch import Tensor, nn

from course_lib.arguments import check_count, check_labels, check_share, check_vectors
from course_lib.metric_learning.pairs import mean_loss


def center_loss(x: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """Center loss: every embedding should lie close to the centre of its class.

        L = 1/2 |x_i - c_{y_i}|^2

    Args:
        x: embeddings.                                        # [B, d]
        labels: their classes, 0 to C - 1.                    # [B] int64
        centers: c, a centre a class.                         # [C, d]
    Returns:
        The mean over the batch, in float32 at least.         # []
    Raises:
        TypeError, ValueError: not [B, d], [B], [C, d]; a label outside 0..C-1; NaN or infinity; squares that overflow.

    Alone it is least when everything lies in one point: it is added to a softmax loss, which keeps classes apart.
    Wen and others, 2016. Lecture topic L1.09.

    >>> center_loss(torch.tensor([[3.0, 0.0]]), torch.tensor([1]), torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    tensor(2.)
    """
    return _center_loss("center_loss", x, labels, centers)


def _center_loss(where: str, x: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    check_vectors(where, x=x, centers=centers)
    check_labels(where, labels, len(x), classes=len(centers))
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return mean_loss(where, (x - centers[labels]).square().sum() / 2, len(x))


class CenterLoss(nn.Module):
    """Center loss with centres that follow the embeddings at a rate of their own, as its paper has it.

        c_j <- c_j - rate * sum_{y_i = j} (c_j - x_i) / (1 + number of y_i = j)

    Args:
        classes: C, how many.
        dim: of the embeddings.
        rate: in 0..1; 1 nearly jumps to the mean of the batch.

    The centres are no parameters of the optimizer; each call in training mode moves them, after the loss was taken.

    >>> loss = CenterLoss(classes=2, dim=2, rate=1.0)
    >>> loss(torch.tensor([[3.0, 0.0]]), torch.tensor([1])), loss.centers[1]
    (tensor(4.5000), tensor([1.5000, 0.0000]))
    """

    def __init__(self, classes: int, dim: int, rate: float = 0.5):
        super().__init__()
        check_count("CenterLoss", classes=classes, dim=dim)
        check_share("CenterLoss", rate=rate)
        self.rate = rate
        self.register_buffer("centers", torch.zeros(classes, dim))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        # a copy: the buffer moves before the backward pass
        loss = _center_loss("CenterLoss", x, labels, self.centers.clone())
        if self.training:
            self.update(x.detach(), labels)
        return loss

    def update(self, x: Tensor, labels: Tensor) -> None:
        """Move the centres of the classes in the batch towards their embeddings."""
        x = x.to(torch.promote_types(self.centers.dtype, torch.float32))
        pull = torch.zeros_like(self.centers, dtype=x.dtype)  # [C, dim]
        pull.index_add_(0, labels, self.centers[labels] - x)
        counts = labels.bincount(minlength=len(self.centers))[:, None]  # [C, 1]
        self.centers -= self.rate * pull / (1 + counts)
