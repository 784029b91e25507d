"""Mask R-CNN (L5.08): Faster R-CNN with one more head, which predicts for each pixel of a box whether it is the object.

    ... -> boxes and classes as in Faster R-CNN -> RoI align of those boxes -> a mask of 14 x 14 for each class

He, Gkioxari, Dollar and Girshick, Mask R-CNN, 2017. The task is instance segmentation: a mask for each object.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_tensor, shape
from course_lib.detection.roi import roi_align
from course_lib.detectors.backbone import STRIDE, WIDTH, at_least_float32
from course_lib.detectors.faster_rcnn import FasterRCNN
from course_lib.detectors.regions import RoISample
from course_lib.detectors.targets import NO_OBJECT

CELLS = 7  # RoI align gives the mask head 7 x 7 cells of each box
MASK = 2 * CELLS  # and it gives back 14 x 14 pixels


class MaskHead(nn.Module):
    """A mask for each region and each class: the box head predicts the class, so that here classes do not compete.

    >>> MaskHead(classes=6)(torch.zeros(5, 96, 7, 7)).shape
    torch.Size([5, 6, 14, 14])
    """

    def __init__(self, classes: int, hidden: int = 48):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(WIDTH, hidden, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.enlarge = nn.ConvTranspose2d(hidden, hidden, kernel_size=2, stride=2)
        self.masks = nn.Conv2d(hidden, classes, kernel_size=1)

    def forward(self, regions: Tensor) -> Tensor:
        hidden = self.convolutions(regions)  # [n, hidden, 7, 7]
        return at_least_float32(self.masks(F.relu(self.enlarge(hidden))))  # [n, K, 14, 14], logits


def mask_targets(masks: Tensor, rois: Tensor, matched: Tensor) -> Tensor:
    """What the mask head is to predict for each RoI: the part of its object's mask that lies under the box, at 14 x 14.

    Args:
        masks: of the image's objects.                     # [M, H, W] bool or 0 and 1
        rois: boxes in pixels.                             # [n, 4]
        matched: the number of each RoI's object.          # [n]
    Returns:
        1 where more than half of a cell's place is the object, else 0.   # [n, 14, 14] in the type of the boxes
    """
    check_tensor("mask_targets", "[n, 4]", rois=rois)
    check_tensor("mask_targets", f"[{len(rois)}]", torch.int64, matched=matched)
    if not isinstance(masks, Tensor) or masks.ndim != 3:
        got = shape(masks) if isinstance(masks, Tensor) else type(masks).__name__
        raise TypeError(f"mask_targets: masks must be a tensor [M, H, W], got {got}")
    objects = masks[matched].to(rois.dtype)[:, None]  # [n, 1, H, W]: an image for each RoI
    parts = roi_align(objects, list(rois[:, None]), MASK, spatial_scale=1.0)
    return (parts[:, 0] > 0.5).to(rois.dtype)


def paste(masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks of 14 x 14 stretched to their boxes, in an image of zeros; between two cells' centres it is linear.

    Args:
        masks: probabilities.                              # [n, 14, 14]
        boxes: where they belong, in pixels.               # [n, 4]
        height, width: of the image.
    Returns:
        Probabilities at the centre of every pixel.        # [n, height, width]
    """
    check_tensor("paste", f"[n, {MASK}, {MASK}]", masks=masks)
    check_tensor("paste", f"[{len(masks)}, 4]", boxes=boxes)
    boxes, masks = at_least_float32(boxes), at_least_float32(masks)
    corner, size = boxes[:, :2], (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6)  # [n, 2] each
    rows, columns = (torch.arange(side, device=boxes.device) + 0.5 for side in (height, width))
    pixels = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=2)  # [height, width, 2]
    place = (pixels - corner[:, None, None]) / size[:, None, None]  # [n, height, width, 2]
    how = {"padding_mode": "border", "align_corners": False}
    whole = F.grid_sample(masks[:, None], (2 * place - 1).to(masks), **how)[
        :, 0
    ]  # [n, height, width]
    inside = ((place >= 0) & (place <= 1)).all(dim=3)  # from 0 to 1 over the box
    return whole * inside


class MaskRCNN(FasterRCNN):
    """Faster R-CNN and a mask head, trained together on five losses.

    Args:
        classes: K, how many.
        max_proposals: of the network that go on to the second stage, when it detects.
    """

    def __init__(self, classes: int, max_proposals: int = 32):
        super().__init__(classes, max_proposals)
        self.mask_head = MaskHead(classes)

    def mask_regions(self, features: Tensor, boxes: list[Tensor]) -> Tensor:
        """Mask logits of all boxes of all images.         # [sum n_i, K, 14, 14]"""
        return self.mask_head(roi_align(features, boxes, CELLS, 1 / STRIDE, sampling_ratio=1))

    def mask_loss(self, features: Tensor, samples: list[RoISample], masks: Tensor) -> Tensor:
        """Binary cross-entropy of each pixel of the true class's mask, of the positive RoIs; 0 where there are none."""
        positives = [
            RoISample(*(part[sample.labels != NO_OBJECT] for part in sample)) for sample in samples
        ]
        classes = torch.cat([rois.labels for rois in positives])
        if len(classes) == 0:
            return features.new_zeros(())
        targets = torch.cat(
            [
                mask_targets(image_masks, rois.rois, rois.matched)
                for image_masks, rois in zip(masks, positives, strict=True)
            ]
        )
        logits = self.mask_regions(features, [rois.rois for rois in positives])  # [n, K, 14, 14]
        logits = logits[torch.arange(len(classes)), classes]  # only the true class's mask is taught
        return F.binary_cross_entropy_with_logits(logits, targets)

    def losses(
        self, images: Tensor, boxes: Tensor, labels: Tensor, masks: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The four losses of Faster R-CNN and, where masks are given, the mask head's, by name.

        Args:
            images, boxes, labels: a batch.                # [B, 3, H, W], [B, M, 4], [B, M]
            masks: of the objects.                         # [B, M, H, W] bool
        """
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        expected = [*labels.shape, *images.shape[2:]]
        if masks is not None and (not isinstance(masks, Tensor) or list(masks.shape) != expected):
            got = shape(masks) if isinstance(masks, Tensor) else type(masks).__name__
            raise ValueError(f"MaskRCNN: masks must be a tensor {expected}, got {got}")
        features = self.backbone(images)
        losses, samples = self.both_stages(features, boxes, labels)
        if masks is not None:
            losses["masks"] = self.mask_loss(features, samples, masks)
        return losses

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in each image, with masks [n, H, W] (bool) beside boxes, labels and scores."""
        features = self.backbone(images)
        detections = self.detect_boxes(features, *images.shape[2:])
        logits = self.mask_regions(features, [one["boxes"] for one in detections])
        counts = [len(one["boxes"]) for one in detections]
        for one, masks in zip(detections, logits.split(counts), strict=True):
            masks = masks[torch.arange(len(masks)), one["labels"]]  # of the class that was detected
            one["masks"] = paste(masks.sigmoid(), one["boxes"], *images.shape[2:]) > 0.5
        return detections
