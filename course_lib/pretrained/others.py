"""Any of torchvision's networks, with the weights that it downloads once: `pretrained("resnet50")`.

network, prepare = pretrained("resnet50")
network(prepare(images))                   # images [B, 3, H, W] in 0..1
"""

import pickle
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import Tensor, nn


def pretrained(name: str) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """A trained network of torchvision's, on the CPU and in evaluation mode, and what prepares images for it.

    Args:
        name: as torchvision has it: "resnet50", "convnext_tiny", "fasterrcnn_resnet50_fpn".
    Returns:
        The network with torchvision's newest weights, and their own preparation: scaled, cut, normalised.
    Raises:
        ValueError: no network of this name, or none with weights; a file of weights that is damaged.
        FileNotFoundError: the weights are not there, and cannot be downloaded.

    The weights lie in TORCH_HOME (torch's default: ~/.cache/torch), in hub/checkpoints.
    """
    from torchvision.models import get_model, get_model_weights, list_models

    known = [model for model in list_models() if not model.startswith("quantized")]
    if not isinstance(name, str) or name not in known:
        near = get_close_matches(str(name), known, n=3) or known[:3]
        raise ValueError(f"pretrained: torchvision has no network {name!r}; near to it are {near}")
    weights = get_model_weights(name).DEFAULT
    file = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    there = file.exists()
    try:
        network = get_model(name, weights=weights)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        if there:
            raise ValueError(
                f"pretrained: {file} is damaged or another file: take it away and get it again"
            ) from error
        raise FileNotFoundError(
            f"pretrained: the weights of {name} are not in {file.parent}, and {weights.url} cannot be reached "
            f"({error}): put {file.name} there, or set TORCH_HOME to where hub/checkpoints/{file.name} is"
        ) from error
    return network.eval(), weights.transforms()
