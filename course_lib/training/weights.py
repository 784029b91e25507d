"""Trained weights, kept in data/cache: trained anew when, and only when, something that determines them has changed."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.cache import cached, fingerprint
from course_lib.provenance import depends_on


def load_or_train(
    name: str,
    model: nn.Module,
    train: Callable[..., list[float]],
    *data: Tensor,
    fresh: bool = False,
) -> list[float]:
    """Load the model's weights from the cache, or train it and keep them; print which of the two it was.

    Args:
        name: of the file in data/cache.
        model: filled in place.
        train: train(model, *data) -> losses; called only if the weights are not in the cache.
        data: the tensors it trains on.
        fresh: train anew, whatever lies in the cache.
    Returns:
        The loss of every step, as `train` returned it when it ran.
    Raises:
        TypeError: something that `train` names has a value that cannot be told, such as an open file.

    The file is named after everything that determines the weights: the model and its initial weights, the data, what
    `train` does, and whatever it names: constants, helpers, the library's files, the versions of packages. Change any
    of them, in a cell or in a file, and the model is trained anew.
    """
    key = fingerprint(depends_on(train, model), data)
    took = None

    def make() -> dict[str, Tensor]:
        nonlocal took
        started = time.monotonic()
        losses = train(model, *data)
        took = time.monotonic() - started
        return {**model.state_dict(), "training.losses": torch.tensor(losses, dtype=torch.float64)}

    tensors = cached(name, key, make, fresh=fresh)
    print(f"{name}: loaded from the cache" if took is None else f"{name}: trained in {took:.0f} s")
    losses = tensors.pop("training.losses").tolist()
    model.load_state_dict(tensors)
    model.eval()
    return losses
