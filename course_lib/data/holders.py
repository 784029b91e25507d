"""What the data sets are loaded as: images with a class each, and images with objects in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_labels, check_tensor, shape


@dataclass(frozen=True)
class LabelledImages:
    """Images with a class each, and what else is known of them.

    >>> digits = LabelledImages(torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1]), ["zero", "one"])
    >>> len(digits), len(digits[digits.labels == 1])
    (3, 2)
    """

    images: Tensor  # [N, C, H, W] in 0..1
    labels: Tensor  # [N] int64, a number of a class
    names: list[str]  # what each class is called
    # name -> [N, ...]: traits, pose, place, ...
    details: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self):
        check_tensor("LabelledImages", "[N, C, H, W]", images=self.images)
        check_labels("LabelledImages", self.labels, len(self.images), len(self.names))
        _check_details("LabelledImages", self.details, len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which) -> "LabelledImages":
        """Some of the images: by a mask, a tensor or list of numbers, or a slice."""
        if isinstance(which, Integral | str):
            raise TypeError(
                f"LabelledImages: give a slice, such as [:10], a mask or a tensor, got {which!r}"
            )
        details = {name: values[which] for name, values in self.details.items()}
        return replace(self, images=self.images[which], labels=self.labels[which], details=details)

    def first_per_class(self, count: int) -> "LabelledImages":
        """The first `count` images of every class, class by class."""
        check_count("first_per_class", count=count)
        chosen = [torch.where(self.labels == c)[0][:count] for c in range(len(self.names))]
        short = [
            name for name, numbers in zip(self.names, chosen, strict=True) if len(numbers) < count
        ]
        if short:
            raise ValueError(f"first_per_class: there are fewer than {count} images of {short}")
        return self[torch.cat(chosen)]


@dataclass(frozen=True)
class AnnotatedImages:
    """Images with any number of objects each, in torchvision's form, and what else is known of them.

    >>> cat = {"boxes": torch.tensor([[0.0, 0.0, 4.0, 4.0]]), "labels": torch.tensor([1])}
    >>> scenes = AnnotatedImages(torch.zeros(2, 3, 8, 8), [cat, cat], ["car", "cat"])
    >>> len(scenes), len(scenes[:1].targets), scenes.names[scenes.targets[0]["labels"][0]]
    (2, 1, 'cat')
    """

    images: (
        Tensor | Sequence[Tensor]
    )  # [N, 3, H, W] in 0..1; a sequence of [3, H, W] where sizes differ
    # A dict an image: boxes [n, 4] (x1, y1, x2, y2) in pixels, labels [n] int64, ...
    targets: list[dict[str, Tensor]]
    names: list[str]  # what each class is called
    details: dict[str, Tensor] = field(default_factory=dict)  # name -> [N, ...]: depth, flow, ...

    def __post_init__(self):
        if len(self.images) != len(self.targets):
            got = f"{len(self.images)} and {len(self.targets)}"
            raise ValueError(f"AnnotatedImages: images and targets must be as many, got {got}")
        for i, target in enumerate(self.targets):
            if "boxes" in target and "labels" in target:
                where = f"AnnotatedImages: target {i}"
                check_tensor(where, "[n, 4]", boxes=target["boxes"])
                check_labels(where, target["labels"], len(target["boxes"]), len(self.names))
        _check_details("AnnotatedImages", self.details, len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice) -> "AnnotatedImages":
        """Some of the images, by a slice."""
        if not isinstance(which, slice):
            raise TypeError(f"AnnotatedImages: give a slice, such as [:10], got {which!r}")
        details = {name: values[which] for name, values in self.details.items()}
        return replace(
            self, images=self.images[which], targets=self.targets[which], details=details
        )


def _check_details(where: str, details: dict[str, Tensor], count: int) -> None:
    """Raise unless every detail is a tensor with a row for each image."""
    for name, values in details.items():
        if not isinstance(values, Tensor):
            raise TypeError(
                f"{where}: details {name!r} must be a tensor, got {type(values).__name__}"
            )
        if values.ndim == 0 or len(values) != count:
            raise ValueError(
                f"{where}: details {name!r} must be [{count}, ...], got {shape(values)}"
            )
