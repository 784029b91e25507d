"""Trained weights, kept in data/cache and trained anew when anything that determines them has changed."""

import inspect
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.cache import cached, fingerprint
from course_lib.machine import ROOT, device


def load_or_train(
    name: str, model: nn.Module, train: Callable[..., list[float]], *data: Tensor
) -> list[float]:
    """Load the model's weights from the cache, or train it and keep them.

    Args:
        name: of the file in data/cache.
        model: filled in place.
        train: train(model, *data) -> losses; called only if the weights are not in the cache.
        data: the tensors it trains on.
    Returns:
        The loss of every step, as `train` returned it when it ran.

    The file is named after all that determines the weights: the initial weights, the data, the text of `train`,
    the library's source and torch's version. Change any of them and the model is trained anew.
    """
    files = (ROOT / "course_lib").rglob("*.py")
    library = [p.read_text() for p in sorted(files)]
    initial = [part for label, tensor in model.state_dict().items() for part in (label, tensor)]
    key = fingerprint(
        str(model), *initial, *data, inspect.getsource(train), library, torch.__version__
    )

    def make() -> dict[str, Tensor]:
        losses = train(model, *data)
        return {**model.state_dict(), "training.losses": torch.tensor(losses, dtype=torch.float64)}

    tensors = cached(name, key, make)
    losses = tensors.pop("training.losses").tolist()
    model.load_state_dict(tensors)
    model.to(device()).eval()
    return losses
