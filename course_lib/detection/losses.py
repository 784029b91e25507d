"""The two losses that detectors are made of: smooth L1 for boxes, focal loss for classes that are mostly absent."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_positive, shape


def check_same_shape(where: str, a_name: str, a: Tensor, b_name: str, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(
            f"{where}: {a_name} and {b_name} must have one shape, got {shape(a)} and {shape(b)}"
        )


def smooth_l1_loss(prediction: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    """A square near zero, a straight line further out: a box that is far off does not pull harder and harder.

        e = |prediction - target|
        loss = e^2 / (2 beta)  where e < beta,   e - beta / 2  elsewhere

    Args:
        prediction: numbers, of any shape.                # [...]
        target: what they should be.                      # [...]
        beta: where the square becomes a line, in the unit of the predictions.
    Returns:
        The loss of each number; sum or average as the detector's paper does.   # [...]
    Raises:
        ValueError: two shapes, or beta not above 0.

    Girshick, Fast R-CNN, 2015, equation 3 (there beta = 1). Lecture topic L5.05.

    >>> smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2))
    tensor([0.1250, 2.5000])
    """
    check_same_shape("smooth_l1_loss", "prediction", prediction, "target", target)
    check_positive("smooth_l1_loss", beta=beta)
    error = (prediction - target).abs()
    return torch.where(error < beta, error**2 / (2 * beta), error - beta / 2)


def focal_loss(logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Binary cross-entropy in which what is already right counts for little.

        p_t = p where the target is 1, 1 - p where it is 0   (p = sigmoid of the logit)
        loss = -alpha_t (1 - p_t)^gamma log p_t,   alpha_t = alpha or 1 - alpha in the same way

    Args:
        logits: before the sigmoid, of any shape.         # [...]
        targets: 1 where the class is there, 0 where it is not (floating point).   # [...]
        alpha: the share of attention that goes to ones, in 0..1.
        gamma: how strongly the easy ones are played down; 0 gives cross-entropy, weighted by alpha.
    Returns:
        The loss of each number; RetinaNet sums them and divides by the number of objects' anchors.   # [...]
    Raises:
        ValueError: two shapes, alpha outside 0..1, or gamma below 0.

    Lin et al., Focal Loss for Dense Object Detection, 2017, equation 5. Lecture topic L5.11.

    >>> focal_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]), alpha=0.5)
    tensor([0.0866, 0.0009])
    """
    check_same_shape("focal_loss", "logits", logits, "targets", targets)
    check_positive("focal_loss", or_zero=True, gamma=gamma)
    if not 0 <= alpha <= 1:
        raise ValueError(f"focal_loss: alpha must lie in 0..1, got {alpha!r}")
    cross_entropy = F.binary_cross_entropy_with_logits(
        logits, targets, reduction="none"
    )  # -log p_t
    p = logits.sigmoid()
    wrong = p * (1 - targets) + (1 - p) * targets  # 1 - p_t
    alpha_t = alpha * targets + (1 - alpha) * (1 - targets)
    return alpha_t * wrong**gamma * cross_entropy
