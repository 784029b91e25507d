"""Mask R-CNN (L5.08): Faster R-CNN with one more head, which says for each pixel of a box whether it is the object.

    ... -> boxes and classes as in Faster R-CNN -> RoI align of those boxes -> a mask of 14 x 14 for each class

He, Gkioxari, Dollar and Girshick, Mask R-CNN, 2017. The task is instance segmentation: a mask for each object.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.detection.roi import roi_align
from course_lib.detectors.backbone import STRIDE, WIDTH
from course_lib.detectors.faster_rcnn import FasterRCNN
from course_lib.detectors.targets import ABSENT, check_batch, mirrored
from course_lib.training.batches import Sample
from course_lib.training.loop import fit

CELLS = 7  # RoI align gives the mask head 7 x 7 cells of each box
MASK = 2 * CELLS  # and it gives back 14 x 14 pixels


class MaskHead(nn.Module):
    """Each region's mask, one for every class: the class is the other head's business, so that classes do not compete.

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
        return self.masks(F.relu(self.enlarge(hidden)))  # [n, K, 14, 14], logits


def mask_targets(masks: Tensor, rois: Tensor, which: Tensor) -> Tensor:
    """What the mask head is to say of each RoI: the part of its object's mask that lies under the box, at 14 x 14.

    Args:
        masks: of the picture's objects.                   # [M, H, W] bool or 0 and 1
        rois: boxes in pixels.                             # [n, 4]
        which: the number of each RoI's object.            # [n]
    Returns:
        1 where more than half of a cell's place is the object, else 0.   # [n, 14, 14] floating point
    """
    own = masks[which].float()[:, None]  # [n, 1, H, W]: a picture for each RoI
    parts = roi_align(own, list(rois[:, None]), MASK, spatial_scale=1.0)
    return (parts[:, 0] > 0.5).float()


def paste(masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks of 14 x 14 stretched to their boxes, in a picture of zeros; between two cells' centres it is linear.

    Args:
        masks: probabilities.                              # [n, 14, 14]
        boxes: where they belong, in pixels.               # [n, 4]
        height, width: of the picture.
    Returns:
        Probabilities at the centre of every pixel.        # [n, height, width]
    """
    corner, size = boxes[:, :2], (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6)  # [n, 2] each
    rows, columns = (torch.arange(side, device=boxes.device) + 0.5 for side in (height, width))
    pixels = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=2)  # [height, width, 2]
    place = (pixels - corner[:, None, None]) / size[:, None, None]  # [n, height, width, 2]
    how = {"padding_mode": "border", "align_corners": False}
    whole = F.grid_sample(masks[:, None], 2 * place - 1, **how)[:, 0]  # [n, height, width]
    inside = ((place >= 0) & (place <= 1)).all(dim=3)  # from 0 to 1 over the box
    return whole * inside


class MaskRCNN(FasterRCNN):
    """Faster R-CNN and a mask head, trained together on five losses.

    Args:
        classes: kinds of objects.
        most: proposals of the network that go on to the second stage, when it detects.
    """

    def __init__(self, classes: int, most: int = 32):
        super().__init__(classes, most)
        self.mask_head = MaskHead(classes)

    def mask_regions(self, features: Tensor, boxes: list[Tensor]) -> Tensor:
        """Mask logits of all boxes of all pictures.       # [sum n_i, K, 14, 14]"""
        return self.mask_head(roi_align(features, boxes, CELLS, 1 / STRIDE, sampling_ratio=1))

    def loss(
        self, images: Tensor, boxes: Tensor, labels: Tensor, masks: Tensor | None = None
    ) -> Tensor:
        """The four losses of Faster R-CNN and, where masks are given, the mask's: cross-entropy of each pixel.

        Args:
            images, boxes, labels: a batch.                # [B, 3, H, W], [B, M, 4], [B, M]
            masks: of the objects.                         # [B, M, H, W] bool
        """
        check_batch("MaskRCNN", images, boxes, labels)
        features = self.backbone(images)
        losses, drawn = self.both_stages(features, boxes, labels)
        total = sum(losses.values())
        if masks is None:
            return total
        rois, kinds, targets = [], [], []
        for (own, found, which), own_masks in zip(drawn, masks, strict=True):
            hit = torch.where(found != ABSENT)[0]
            rois.append(own[hit])
            kinds.append(found[hit])
            targets.append(mask_targets(own_masks, own[hit], which[hit]))
        kinds, targets = torch.cat(kinds), torch.cat(targets)
        if len(kinds) == 0:
            return total
        logits = self.mask_regions(features, rois)  # [n, K, 14, 14]
        logits = logits[torch.arange(len(kinds)), kinds]  # only the true class's mask is taught
        return total + F.binary_cross_entropy_with_logits(logits, targets)

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections of each picture, with masks [n, H, W] (bool) beside boxes, labels and scores."""
        features = self.backbone(images)
        found = self.detect_boxes(features, *images.shape[2:])
        logits = self.mask_regions(features, [one["boxes"] for one in found])
        counts = [len(one["boxes"]) for one in found]
        for one, own in zip(found, logits.split(counts), strict=True):
            own = own[torch.arange(len(own)), one["labels"]].sigmoid()  # the detected class's mask
            one["masks"] = paste(own, one["boxes"], *images.shape[2:]) > 0.5
        return found


def padded_masks(targets: list[dict[str, Tensor]]) -> Tensor:
    """Masks of all pictures as one tensor, as `common.padded` does it for boxes.

    Args:
        targets: a dict a picture with masks [n, H, W]; n differs, H and W do not. At least one picture.
    Returns:
        Masks, empty where there is no object.             # [N, M, H, W] bool, M the largest n
    """
    most = max(len(target["masks"]) for target in targets)
    masks = torch.zeros(len(targets), most, *targets[0]["masks"].shape[1:], dtype=torch.bool)
    for own, target in zip(masks, targets, strict=True):
        own[: len(target["masks"])] = target["masks"]
    return masks


def scene_and_mask_batches(
    images: Tensor, boxes: Tensor, labels: Tensor, masks: Tensor, size: int
) -> Sample:
    """`common.scene_batches` with masks: they are mirrored with their pictures.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
        masks: of its objects.                             # [N, M, H, W]
        size: pictures in a batch.
    Returns:
        sample(generator) -> images, boxes, labels, masks.   # of `size` pictures
    """

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        chosen = torch.randint(len(images), (size,), generator=generator)
        mirror = torch.rand(size, generator=generator) < 0.5
        batch, objects, shapes = images[chosen], boxes[chosen], masks[chosen]
        batch[mirror] = batch[mirror].flip(3)
        objects[mirror] = mirrored(objects[mirror], images.shape[3])
        shapes[mirror] = shapes[mirror].flip(3)
        return batch, objects, labels[chosen], shapes

    return sample


def train_mask_rcnn(
    detector: MaskRCNN, images: Tensor, boxes: Tensor, labels: Tensor, masks: Tensor
) -> list[float]:
    """The course's recipe: 330 batches of 16 scenes, all heads at once, on the sum of five losses.

    Args:
        images, boxes, labels, masks: the training set.    # [N, 3, H, W], [N, M, 4], [N, M], [N, M, H, W]
    Returns:
        The loss of every step. About a minute on one CPU core.
    """
    torch.manual_seed(0)  # of the anchors and RoIs that are drawn
    return fit(
        detector,
        scene_and_mask_batches(images, boxes, labels, masks, 16),
        MaskRCNN.loss,
        steps=330,
        lr=3e-3,
        max_norm=5.0,
        max_seconds=900,
        label="Mask R-CNN",
    )
