"""What the data sets are loaded as: pictures with a class each, and pictures with objects in them."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelledImages:
    """Pictures with a class each, and what else is known of them.

    >>> digits = LabelledImages(torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1]), ["zero", "one"])
    >>> len(digits), len(digits[digits.labels == 1])
    (3, 2)
    """

    images: Tensor  # [N, C, H, W] in 0..1
    labels: Tensor  # [N] int64, a number of a class
    names: list[str]  # what each class is called
    # name -> [N, ...]: traits, pose, place, ...
    details: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which) -> "LabelledImages":
        """Some of the pictures: by a mask, a tensor of numbers, or a slice."""
        details = {name: values[which] for name, values in self.details.items()}
        return replace(self, images=self.images[which], labels=self.labels[which], details=details)

    def first_per_class(self, count: int) -> "LabelledImages":
        """The first `count` pictures of every class, class by class."""
        chosen = [torch.where(self.labels == c)[0][:count] for c in range(len(self.names))]
        short = [
            name for name, numbers in zip(self.names, chosen, strict=True) if len(numbers) < count
        ]
        if short:
            raise ValueError(
                f"first_per_class: {count} pictures of each class were asked for, too few of {short}"
            )
        return self[torch.cat(chosen)]


@dataclass(frozen=True)
class AnnotatedImages:
    """Pictures with any number of objects each, in torchvision's form, and what else is known of them.

    >>> cat = {"boxes": torch.tensor([[0.0, 0.0, 4.0, 4.0]]), "labels": torch.tensor([1])}
    >>> scenes = AnnotatedImages(torch.zeros(2, 3, 8, 8), [cat, cat], ["car", "cat"])
    >>> len(scenes), len(scenes[:1].targets), scenes.names[scenes.targets[0]["labels"][0]]
    (2, 1, 'cat')
    """

    images: Tensor | list[Tensor]  # [N, 3, H, W] in 0..1; a list of [3, H, W] where sizes differ
    # A dict a picture: boxes [n, 4] (x1, y1, x2, y2) in pixels, labels [n] int64, ...
    targets: list[dict[str, Tensor]]
    names: list[str]  # what each class is called
    details: dict[str, Tensor] = field(default_factory=dict)  # name -> [N, ...]: depth, flow, ...

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice) -> "AnnotatedImages":
        """Some of the pictures, by a slice."""
        if not isinstance(which, slice):
            raise TypeError(f"AnnotatedImages: give a slice, such as [:10], got {which!r}")
        details = {name: values[which] for name, values in self.details.items()}
        return replace(
            self, images=self.images[which], targets=self.targets[which], details=details
        )
