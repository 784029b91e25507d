"""One training loop for the whole course: seeded, with a progress bar and a limit on its time."""

import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.machine import device, progress
from course_lib.training.batches import Sample


def fit(
    model: nn.Module,
    sample: Sample,
    loss: Callable[..., Tensor],
    *,
    steps: int,
    lr: float = 2e-3,
    weight_decay: float = 0.05,
    max_norm: float = float("inf"),
    seed: int = 0,
    max_seconds: float = float("inf"),
    label: str = "training",
) -> list[float]:
    """Train a model by AdamW, with a learning rate that rises over a tenth of the way and falls as a cosine.

    Args:
        model: trained in place, on the GPU where there is one, then put back where it was, in evaluation mode.
        sample: sample(generator) -> a batch, a tuple of tensors.
        loss: loss(model, *batch) -> the number to make smaller, a tensor without axes.
        steps: batches to train on.
        lr, weight_decay: of AdamW; lr is the highest one.
        max_norm: a gradient longer than this is shortened to it: one odd batch cannot throw the weights far.
        seed: of the batches. Weights are initialised by whoever made the model.
        max_seconds: on a slow machine the schedule is squeezed so that training ends by then, with a warning; ask for
            several times what training should take, since a squeezed run is no longer the same on every machine.
        label: stands before the progress bar.
    Returns:
        The loss of every step.
    Raises:
        FloatingPointError: the loss became NaN or infinite.
    """
    home, place = next(model.parameters()).device, device()
    model.to(place).train()
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    started, losses = time.monotonic(), []
    for step in progress(range(steps), label):
        # Counts once a fifth of the time is gone.
        hurry = 1.25 * (time.monotonic() - started) / max_seconds - 0.25
        done = max(step / steps, hurry)  # 0 at the start, 1 at the end
        if done >= 1:
            break
        rate = (
            lr * min(done / 0.1, 0.5 * (1 + torch.cos(torch.tensor(torch.pi * done)).item())) + 1e-6
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        value = loss(model, *(part.to(place) for part in sample(generator)))
        if not torch.isfinite(value):
            raise FloatingPointError(
                f"fit: the loss became {value.item()} at step {step} of {steps}: lower lr"
            )
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(value.item())
    model.to(home).eval()
    if len(losses) < steps:
        made = f"{label}: only {len(losses)} of {steps} steps were made in {max_seconds:g} s"
        warnings.warn(
            f"{made}; on a faster or less busy machine the results would differ", stacklevel=2
        )
    return losses


def cross_entropy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The loss of a classifier on a batch, for `fit`."""
    return nn.functional.cross_entropy(model(images), labels)
