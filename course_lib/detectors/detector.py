"""What all seven detectors have in common: a backbone, a loss to train by, detections; and checks on what comes in."""

import math

import torch
from torch import Tensor, nn

from course_lib.arguments import check_count, check_tensor, shape
from course_lib.detectors.backbone import Backbone
from course_lib.detectors.targets import NO_OBJECT

LEAST = 32  # pixels: an image with a shorter side has no room for the anchors
MARGIN = 0.01  # by which values may leave 0..1: images that were resized or varied do


class Detector(nn.Module):
    """A network that predicts boxes, classes and scores. A subclass defines its `loss` and its `detections`.

    Args:
        classes: C, how many; labels are 0..C - 1.
    Raises:
        TypeError, ValueError: classes not a whole number, 1 or more.
    """

    def __init__(self, classes: int):
        super().__init__()
        check_count(type(self).__name__, classes=classes)
        self.classes = classes
        self.backbone = Backbone()

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch.                            # [B, 3, H, W], [B, M, 4], [B, M] -> []"""
        raise NotImplementedError

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every image, of images that have been checked."""
        raise NotImplementedError

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in every image, best first.

        Args:
            images: any number of them.                    # [B, 3, H, W] floating point, in 0..1
        Returns:
            A dict an image: boxes [n, 4] in pixels, labels [n], scores [n] in 0..1; from Mask R-CNN also masks.
        Raises:
            TypeError, ValueError: not such images; NaN; values far from 0..1; a side below 32 pixels.

        It detects in evaluation mode; the mode in which the network was is given back to it.
        """
        images = self.checked_images(images)
        if len(images) == 0:
            return []
        was_training = self.training
        self.eval()
        try:
            return self.detections(images)
        finally:
            self.train(was_training)

    def training_loss(self, *batch: Tensor) -> Tensor:
        """The loss that a training step makes smaller."""
        return self.loss(*batch)

    def finish_training(self, *data: Tensor) -> None:
        """What is still to be fitted on the training set after the last step: nothing, in most detectors."""

    def checked_images(self, images: Tensor) -> Tensor:
        """The images in the type of the weights; an error with the detector's name where they are not as promised."""
        name = type(self).__name__
        check_tensor(name, "[B, 3, H, W]", images=images)
        if min(images.shape[2:]) < LEAST:
            raise ValueError(
                f"{name}: images must be {LEAST} x {LEAST} pixels or larger, got {shape(images)}"
            )
        if len(images) > 0:
            low, high = (end.item() for end in images.detach().aminmax())
            # false for NaN too: aminmax passes it on
            if not (low >= -MARGIN and high <= 1 + MARGIN):
                raise ValueError(
                    f"{name}: values of images must lie in 0..1, got {low:.3g} to {high:.3g}"
                )
        return images.to(next(self.parameters()).dtype)

    def checked_batch(
        self, images: Tensor, boxes: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A batch to learn from, images and boxes in the type of the weights, float32 at least.

        Args:
            images: one at least.                          # [B, 3, H, W] in 0..1
            boxes: padded; what stands beside label -1 does not count.   # [B, M, 4] pixels
            labels: 0..classes - 1; -1 is no object.       # [B, M] int64
        Raises:
            TypeError, ValueError: with the detector's name, and what was expected.
        """
        name, images = type(self).__name__, self.checked_images(images)
        if len(images) == 0:
            raise ValueError(f"{name}: a batch must hold at least one image, got {shape(images)}")
        check_tensor(name, f"[{len(images)}, M, 4]", boxes=boxes)
        check_tensor(name, str(list(boxes.shape[:2])), torch.int64, labels=labels)
        wrong = labels[(labels < NO_OBJECT) | (labels >= self.classes)]
        if len(wrong) > 0:
            raise ValueError(
                f"{name}: labels must lie in 0..{self.classes - 1}, or be {NO_OBJECT} where there is no object, "
                f"got {wrong[0].item()}"
            )
        sizes = boxes[..., 2:] - boxes[..., :2]  # [B, M, 2]
        wrong = boxes[(labels != NO_OBJECT) & ~((sizes > 0) & (sizes < math.inf)).all(dim=2)]
        if len(wrong) > 0:
            raise ValueError(
                f"{name}: boxes must have x1 < x2 and y1 < y2, all finite, got {wrong[0].tolist()}"
            )
        height, width = images.shape[2:]
        centres = boxes[..., :2] + sizes / 2  # [B, M, 2]
        inside = ((centres >= 0) & (centres <= centres.new_tensor([width, height]))).all(dim=2)
        wrong = boxes[(labels != NO_OBJECT) & ~inside]
        if len(wrong) > 0:
            raise ValueError(
                f"{name}: a box's centre must lie in the image, got {wrong[0].tolist()} "
                f"in {width} x {height} pixels"
            )
        return images, boxes.to(torch.promote_types(images.dtype, torch.float32)), labels
