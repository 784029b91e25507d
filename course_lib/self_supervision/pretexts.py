"""What all pretext tasks have in common: labels made from the images themselves."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.self_supervision.encoder import MapEncoder


class Pretext(nn.Module):
    """A task that needs nobody's labels: `make` invents a question and its answer, `forward` predicts it.

    The head is thrown away after training; what is kept is `encoder`. (L2.03)
    """

    def __init__(self, encoder: MapEncoder):
        super().__init__()
        self.encoder = encoder

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images [B, C, H, W] in 0..1 -> what is shown to the network, and what it must predict"""
        raise NotImplementedError

    def loss(self, shown: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy, where the answer is one of several; tasks that draw have their own.   # []"""
        return F.cross_entropy(self(shown), target)

    @torch.no_grad()
    def accuracy(self, shown: Tensor, target: Tensor) -> float:
        """The share of right answers, where the answer is one of several."""
        return (self(shown).argmax(dim=1) == target).double().mean().item()
