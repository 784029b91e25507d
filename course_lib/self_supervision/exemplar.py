"""Pretext: which image was this view cut from? Each is a class of its own. Dosovitskiy and others, 2014. (L2.06)"""

import torch
from torch import Tensor, nn

from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.views import Views


class Exemplar(Pretext):
    """View -> features -> which of N images (the **surrogate classes**).

    Args:
        encoder: what is trained.
        classes: N; the batch must say which image is which, see `make`.
        views: the random transformations.
    """

    def __init__(self, encoder: MapEncoder, classes: int, views: Views):
        super().__init__(encoder)
        self.views, self.head = views, nn.Linear(encoder.dim, classes)

    def make(
        self, images: Tensor, generator: torch.Generator, which: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Images [B, C, H, W] and their numbers 0..N-1 [B] (without them, 0..B-1) -> views, numbers"""
        which = torch.arange(len(images)) if which is None else which
        return self.views(images, generator), which

    def forward(self, shown: Tensor) -> Tensor:
        """[B, C, H, W] -> logits [B, N]"""
        return self.head(self.encoder(shown))
