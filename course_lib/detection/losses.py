"""The two losses that detectors are made of: smooth L1 for boxes, focal loss for classes that are mostly absent."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import FLOATS, check_finite, check_positive, check_share, shape

LEAST_BETA = 1e-30  # its reciprocal still is a float32


def smooth_l1_loss(prediction: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    """A square near zero, a straight line further out: a box that is far off does not pull harder and harder.

        e = |prediction - target|
        loss = e^2 / (2 beta)  where e < beta,   e - beta / 2  elsewhere

    Args:
        prediction: numbers, of any shape.                # [...]
        target: what they should be.                      # [...]
        beta: where the square becomes a line, in the unit of the predictions; 1e-30 or more.
    Returns:
        The loss of each number; sum or average as the detector's paper does.   # [...]
    Raises:
        TypeError, ValueError: two shapes, or types that are not floating point; NaN or infinity; beta not above 0.

    Girshick, Fast R-CNN, 2015, equation 3 (there beta = 1). Lecture topic L5.05.

    >>> smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2))
    tensor([0.1250, 2.5000])
    """
    dtype = _check_pair("smooth_l1_loss", prediction=prediction, target=target)
    check_positive("smooth_l1_loss", beta=beta)
    if beta < LEAST_BETA:
        raise ValueError(f"smooth_l1_loss: beta must be {LEAST_BETA} or more, got {beta!r}")
    error = (_exact(prediction) - _exact(target)).abs()
    # e where e < beta, else beta; written so that nothing overflows: the gradient of infinity times 0 is NaN
    bounded = error.clamp(max=beta)
    return (bounded / beta * (error - bounded / 2)).to(dtype)


def focal_loss(logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Binary cross-entropy in which what is already right counts for little.

        p_t = p where the target is 1, 1 - p where it is 0   (p = sigmoid of the logit)
        loss = -alpha_t (1 - p_t)^gamma log p_t,   alpha_t = alpha or 1 - alpha in the same way

    Args:
        logits: before the sigmoid, of any shape.         # [...]
        targets: 1 where the class is there, 0 where it is not.   # [...]
        alpha: the weight of ones, in 0..1; zeros have 1 - alpha.
        gamma: how strongly the easy ones are played down; 0 gives cross-entropy, weighted by alpha.
    Returns:
        The loss of each number; RetinaNet sums them and divides by the number of objects' anchors.   # [...]
    Raises:
        TypeError, ValueError: two shapes; NaN or infinity; a target that is neither 0 nor 1; alpha outside 0..1, or
            gamma below 0.

    Lin et al., Focal Loss for Dense Object Detection, 2017, equation 5. Lecture topic L5.11.

    >>> focal_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]), alpha=0.5)
    tensor([0.0866, 0.0009])
    """
    dtype = _check_pair("focal_loss", logits=logits, targets=targets)
    check_positive("focal_loss", or_zero=True, gamma=gamma)
    check_share("focal_loss", alpha=alpha)
    present = targets == 1
    if not torch.equal(present.to(targets.dtype), targets):
        other = targets[(targets != 0) & ~present][0].item()
        raise ValueError(f"focal_loss: targets must be 0 or 1, got {other:.3g}")
    logits = _exact(logits)
    signed = torch.where(present, logits, -logits)  # the logit of p_t
    # (1 - p_t)^gamma = exp(gamma log(1 - p_t)): a power of 0 has an infinite gradient when gamma < 1
    modulation = (gamma * F.logsigmoid(-signed)).exp()
    loss = -modulation * F.logsigmoid(signed)
    return torch.where(present, alpha * loss, (1 - alpha) * loss).to(dtype)


def _check_pair(where: str, **pair: Tensor) -> torch.dtype:
    """Raise unless both are finite floating-point tensors of one shape; the type of the loss: the wider of the two."""
    for name, tensor in pair.items():
        if not isinstance(tensor, Tensor) or tensor.dtype not in FLOATS:
            got = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(f"{where}: {name} must be a tensor of floating point, got {got}")
    (a_name, a), (b_name, b) = pair.items()
    if a.shape != b.shape:
        raise ValueError(
            f"{where}: {a_name} and {b_name} must have one shape, got {shape(a)} and {shape(b)}"
        )
    check_finite(where, **pair)
    return torch.promote_types(a.dtype, b.dtype)


def _exact(numbers: Tensor) -> Tensor:
    """In float32 at least: float16 ends at 65,504, and a thousandth is all that it resolves."""
    return numbers.to(torch.promote_types(numbers.dtype, torch.float32))
