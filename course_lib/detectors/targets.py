"""What a detector learns from: scenes of one size, padded ground truth, batches, anchors assigned to objects."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from course_lib.arguments import check_count, check_tensor, shape
from course_lib.data.holders import AnnotatedImages
from course_lib.detection.anchors import clip
from course_lib.detection.overlap import box_iou
from course_lib.training.batches import Sample

NO_OBJECT = (
    -1
)  # the label of padding, and of a negative: an anchor or a proposal that is background
IGNORED = (
    -2
)  # the label of an anchor that is neither positive nor negative: it has no part in the loss


def resized(scenes: AnnotatedImages, size: int) -> AnnotatedImages:
    """Photographs of any sizes as squares, so that they fit into a batch; their boxes are stretched with them.

    Args:
        scenes: images [3, H, W], or grey [1, H, W], with targets of boxes [n, 4] in pixels and labels [n]; H and W
            may differ.
        size: side of the squares in pixels; a multiple of 8 suits the backbone.
    Returns:
        The same scenes: images [N, 3, size, size], grey ones with three equal channels; targets of boxes, labels and,
        if there, difficult.
    Raises:
        TypeError, ValueError: an image of another shape, or not of floating point; size not above 0.

    Boxes are cut off at the image's edges, and those without area are left out: labelled photographs have some.
    """
    check_count("resized", size=size)
    images, targets = [torch.zeros(0, 3, size, size)], []
    for image, target in zip(scenes.images, scenes.targets, strict=True):
        check_tensor("resized", "[3 or 1, H, W]", image=image)
        if image.shape[0] not in (1, 3) or image.numel() == 0:
            got = shape(image)
            raise ValueError(f"resized: an image must be [3, H, W] or [1, H, W], got {got}")
        height, width = image.shape[1:]
        scale = torch.tensor([size / width, size / height] * 2)
        squeezed = F.interpolate(image[None], (size, size), mode="bilinear", antialias=True)
        images.append(squeezed.expand(1, 3, size, size))
        boxes = clip(target["boxes"] * scale, size, size)
        there = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        more = {name: target[name][there] for name in ("labels", "difficult") if name in target}
        targets.append({"boxes": boxes[there], **more})
    return AnnotatedImages(torch.cat(images), targets, scenes.names)


def padded(
    targets: list[dict[str, Tensor]], names: tuple[str, ...] = ("boxes", "labels")
) -> tuple[Tensor, ...]:
    """The ground truth of all images as a tensor for each name.

    Args:
        targets: a dict an image with boxes [n, 4], labels [n], masks [n, H, W] ...; n differs.
        names: which of them.
    Returns:
        Of each name the values of all images, with M the largest n; where there is no object, -1 as a label and 0 as
        anything else.                                     # [N, M, 4], [N, M] int64, [N, M, H, W]
    Raises:
        TypeError, ValueError: no tensors, or not as many of each name in an image.

    >>> one = {"boxes": torch.ones(1, 4), "labels": torch.tensor([2])}
    >>> none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    >>> padded([one, none])[1]
    tensor([[ 2],
            [-1]])
    """
    for i, target in enumerate(targets):
        for name in names:
            values = target[name]
            if not isinstance(values, Tensor) or values.ndim == 0:
                got = shape(values) if isinstance(values, Tensor) else type(values).__name__
                raise TypeError(f"padded: {name} of image {i} must be a tensor [n, ...], got {got}")
        counts = {name: len(target[name]) for name in names}
        if len(set(counts.values())) > 1:
            raise ValueError(f"padded: image {i} must have as many of each, got {counts}")
    if len(targets) == 0:
        nothing = {"boxes": torch.zeros(0, 0, 4), "labels": torch.zeros(0, 0, dtype=torch.int64)}
        return tuple(nothing.get(name, torch.zeros(0, 0)) for name in names)
    fill = {"labels": NO_OBJECT}
    return tuple(
        pad_sequence([target[name] for target in targets], True, fill.get(name, 0))
        for name in names
    )


def scene_batches(
    images: Tensor, boxes: Tensor, labels: Tensor, *maps: Tensor, size: int
) -> Sample:
    """A function that draws random batches; each image is mirrored or not by the toss of a coin, its targets with it.

    Args:
        images: the training set.                          # [N, 3, H, W]
        boxes, labels: its objects, as `padded` gives them.   # [N, M, 4] pixels, [N, M]
        maps: what else has a value at each pixel, such as masks.   # [N, ..., H, W] each
        size: images in a batch.
    Returns:
        sample(generator) -> images, boxes, labels, and a part of each map.   # [size, ...] each
    Raises:
        ValueError: no images; not as many of each; a map that has not a value at each pixel; size not above 0.
    """
    check_count("scene_batches", size=size)
    tensors = (images, boxes, labels, *maps)
    counts = [len(tensor) for tensor in tensors]
    if counts[0] == 0 or len(set(counts)) > 1:
        raise ValueError(
            f"scene_batches: images and targets must be as many, and at least one, got {counts}"
        )
    for pixels in maps:
        if pixels.shape[-2:] != images.shape[-2:]:
            raise ValueError(
                f"scene_batches: a map must be [N, ..., {images.shape[2]}, {images.shape[3]}], "
                f"a value for each pixel, got {shape(pixels)}"
            )

    def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
        chosen = torch.randint(len(images), (size,), generator=generator)
        mirror = torch.rand(size, generator=generator) < 0.5
        batch = [tensor[chosen] for tensor in tensors]
        batch[1][mirror] = _mirrored(batch[1][mirror], images.shape[3])
        for pixels in (batch[0], *batch[3:]):
            pixels[mirror] = pixels[mirror].flip(-1)
        return tuple(batch)

    return sample


def _mirrored(boxes: Tensor, width: int) -> Tensor:
    """The boxes in a mirror: x becomes width - x, and left becomes right.   # [..., 4] pixels -> [..., 4]"""
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=-1)


def assign(
    candidates: Tensor,
    boxes: Tensor,
    labels: Tensor,
    low: float,
    high: float,
    rescue: bool = False,
) -> tuple[Tensor, Tensor]:
    """Match each candidate (an anchor, a proposal) with the object of an image that it overlaps most.

        positive: IoU >= high      negative: IoU < low      ignored: what lies between

    Args:
        candidates: boxes.                                 # [A, 4]
        boxes, labels: the objects of one image; label -1 is no object.   # [M, 4], [M]
        low, high: thresholds of IoU.
        rescue: the best candidate of each object is positive too, if it overlaps the object at all.
    Returns:
        the class of each positive; -1 of a negative, -2 of what is ignored.   # [A] int64
        the number of the matched object.                  # [A] int64, 0 where there is none

    Ren and others, Faster R-CNN, 2015, section 3.1.2. Lecture topic L5.06.
    """
    check_tensor("assign", "[A, 4]", candidates=candidates)
    check_tensor("assign", "[M, 4]", boxes=boxes)
    check_tensor("assign", f"[{len(boxes)}]", torch.int64, labels=labels)
    present = torch.where(labels != NO_OBJECT)[0]  # [m]
    if len(present) == 0 or len(candidates) == 0:
        none = torch.zeros(len(candidates), dtype=torch.int64, device=labels.device)
        return none + NO_OBJECT, none
    iou = box_iou(boxes[present], candidates).T  # [A, m]; `box_iou` is quicker with few rows
    best, matched = iou.max(dim=1)
    positive = best >= high
    if rescue:
        highest = iou.max(dim=0).values.clamp(min=1e-3)  # [m]
        reached = iou >= highest  # [A, m]
        matched = torch.where(reached.any(dim=1), reached.int().argmax(dim=1), matched)
        positive = positive | reached.any(dim=1)
    negative = torch.where(best < low, NO_OBJECT, IGNORED)
    return torch.where(positive, labels[present][matched], negative), present[matched]
