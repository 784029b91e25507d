"""A feature map's part under a box, brought to one size: RoI pooling and RoI Align (L5.05, L5.08)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_count, check_positive, check_tensor, shape
from course_lib.detection.overlap import check_boxes


def roi_pool(
    features: Tensor, rois: list[Tensor], output_size: int, spatial_scale: float
) -> Tensor:
    """RoI pooling: the box is rounded to whole cells, cut into bins of whole cells, and each bin gives its maximum.

        bin i of n over h cells:  from floor(i h / n) to ceil((i + 1) h / n), the last cell excluded

    Args:
        features: the backbone's map of a batch.          # [B, C, H, W]
        rois: boxes in pixels of the image, a tensor for each image.   # B times [n_i, 4]
        output_size: n, bins along either side.
        spatial_scale: cells of the map to a pixel, such as 1 / 8.
    Returns:
        Boxes in the order they were given; a bin without cells in the map is 0.   # [sum n_i, C, n, n]
    Raises:
        TypeError, ValueError: no list of boxes for each image; NaN; x2 < x1; a size or scale not above 0.

    The first and the last cell of the rounded box both belong to it, so it has one cell at least. Neighbouring bins may
    share cells; of equal maxima the first gets the gradient. The cells of all bins are listed one after the other, and
    one call of `embedding_bag` takes each bin's maximum. Girshick, Fast R-CNN, 2015, section 2.1. Lecture topic L5.05.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_pool(features, [torch.tensor([[0.0, 0.0, 24.0, 24.0]])], output_size=2, spatial_scale=1 / 8)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    boxes, image = _check_rois("roi_pool", features, rois, output_size, spatial_scale)
    channels, height, width = features.shape[1:]
    x1, y1, x2, y2 = _round_half_away(boxes * spatial_scale).T  # [R] each
    left, right = _bins(x1, x2, output_size, width)  # [R, n] each
    top, bottom = _bins(y1, y2, output_size, height)
    every_bin = (len(boxes), output_size, output_size)
    high = (bottom - top)[:, :, None].expand(every_bin).flatten()  # [R n n] cells
    wide = (right - left)[:, None, :].expand(every_bin).flatten()
    row = image[:, None] * height + top  # [R, n] of a bin's first cell, among those of all images
    corner = (row[:, :, None] * width + left[:, None, :]).flatten()  # [R n n] number of that cell
    begin = (high * wide).cumsum(0) - high * wide  # where a bin's cells begin in the list of all
    its_bin = torch.arange(len(begin), device=begin.device).repeat_interleave(high * wide)
    i = (
        torch.arange(len(its_bin), device=its_bin.device) - begin[its_bin]
    )  # 0, 1, 2 ... in each bin
    cell = corner[its_bin] + i // wide[its_bin] * width + i % wide[its_bin]
    maxima = F.embedding_bag(cell, _cells(features), begin, mode="max")  # [R n n, C]; 0 of no cells
    pooled = maxima.view(-1, output_size, output_size, channels).permute(0, 3, 1, 2)
    return pooled.to(features.dtype)


def _round_half_away(x: Tensor) -> Tensor:
    """Round to whole numbers, halves away from 0, as C does (torch.round takes them to the even neighbour)."""
    whole = x.trunc()
    return whole + (2 * (x - whole)).trunc()


def _bins(first: Tensor, last: Tensor, count: int, cells: int) -> tuple[Tensor, Tensor]:
    """Where each bin begins, and the cell after its last, cut off at the map's edges.     # [R], [R] -> [R, n] twice"""
    length = (last - first + 1)[:, None] / count  # [R, 1]
    i = torch.arange(count, device=first.device)  # [n]
    low, high = (i * length).floor(), ((i + 1) * length).ceil()
    return tuple((first[:, None] + edge).clamp(0, cells).long() for edge in (low, high))


def roi_align(
    features: Tensor,
    rois: list[Tensor],
    output_size: int,
    spatial_scale: float,
    sampling_ratio: int = 2,
) -> Tensor:
    """RoI Align: nothing is rounded; a bin is the mean of a few points, each interpolated between four cells.

    Args:
        features: the backbone's map of a batch.          # [B, C, H, W]
        rois: boxes in pixels of the image, a tensor for each image.   # B times [n_i, 4]
        output_size: n, bins along either side.
        spatial_scale: cells of the map to a pixel, such as 1 / 8.
        sampling_ratio: s, points in a bin along either side.
    Returns:
        Boxes in the order they were given.               # [sum n_i, C, n, n]
    Raises:
        TypeError, ValueError: no list of boxes for each image; NaN; x2 < x1; a size, scale or ratio not above 0.

    A cell's value sits at its centre: pixel 4 of a map with stride 8 is cell 0 (torchvision's aligned=True). Points up
    to one cell outside the map count as on its edge, those further out as 0. Each bin is a weighted sum of 4 s^2 cells:
    one call of `embedding_bag` makes them all. He and others, Mask R-CNN, 2017, section 3. Lecture topics L5.05, L5.08.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align(features, [torch.tensor([[4.0, 4.0, 20.0, 20.0]])], output_size=2, spatial_scale=1 / 8)
    tensor([[[[2.5000, 3.5000],
              [6.5000, 7.5000]]]])
    """
    boxes, image = _check_rois("roi_align", features, rois, output_size, spatial_scale)
    check_count("roi_align", sampling_ratio=sampling_ratio)
    channels, height, width = features.shape[1:]
    x1, y1, x2, y2 = (boxes * spatial_scale - 0.5).T  # [R] each, 0 is the first cell's centre
    x, x_weight = _points(x1, x2, output_size, sampling_ratio, width)  # [R, n, 2 s] each
    y, y_weight = _points(y1, y2, output_size, sampling_ratio, height)
    row = image[:, None, None] * height + y  # among the rows of all images
    cell = row[:, :, None, :, None] * width + x[:, None, :, None, :]  # [R, n, n, 2 s, 2 s]
    weight = y_weight[:, :, None, :, None] * x_weight[:, None, :, None, :]
    cells, points = _cells(features), (2 * sampling_ratio) ** 2  # of the map; in a bin
    weight = weight.reshape(-1, points).to(cells)
    sums = F.embedding_bag(
        cell.reshape(-1, points), cells, mode="sum", per_sample_weights=weight
    )  # [R n n, C]
    pooled = sums.view(-1, output_size, output_size, channels).permute(0, 3, 1, 2)
    return pooled.to(features.dtype)


def _points(
    low: Tensor, high: Tensor, count: int, per_bin: int, cells: int
) -> tuple[Tensor, Tensor]:
    """Along one side: the two cells next to each point of each bin, and their weights. [R], [R] -> [R, n, 2 s] each"""
    size = ((high - low) / count)[:, None, None]  # of a bin, in cells
    i = torch.arange(count, device=low.device)[:, None]
    j = torch.arange(per_bin, device=low.device)
    at = low[:, None, None] + i * size + (j + 0.5) * size / per_bin  # [R, n, s]
    inside = (at >= -1) & (at <= cells)
    at = at.clamp(0, cells - 1)
    before = at.floor()
    after = (before + 1).clamp(max=cells - 1)
    share = at - before  # of the cell after it
    weight = torch.stack([1 - share, share], dim=3) * inside[..., None] / per_bin  # [R, n, s, 2]
    both = torch.stack([before, after], dim=3).long()
    return both.flatten(2), weight.flatten(2)


def _cells(features: Tensor) -> Tensor:
    """The cells of all maps, one after the other, in float32 at least.   # [B, C, H, W] -> [B H W, C]"""
    cells = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
    return cells.to(torch.promote_types(cells.dtype, torch.float32))


def _check_rois(
    where: str, features: Tensor, rois: list[Tensor], output_size: int, spatial_scale: float
) -> tuple[Tensor, Tensor]:
    """Raise unless there is a tensor of boxes for every image of a feature map.

    Returns:
        all boxes, in float32 at least; the number of each one's image.   # [R, 4], [R] int64
    """
    check_tensor(where, "[B, C, H, W]", features=features)
    if 0 in features.shape[1:]:
        raise ValueError(f"{where}: features must have a channel and a cell, got {shape(features)}")
    if not isinstance(rois, list | tuple) or len(rois) != len(features):
        got = len(rois) if isinstance(rois, list | tuple) else type(rois).__name__
        raise ValueError(
            f"{where}: rois must be a list of boxes for each of {len(features)} images, got {got}"
        )
    check_count(where, output_size=output_size)
    check_positive(where, spatial_scale=spatial_scale)
    named = {f"rois[{i}]": boxes for i, boxes in enumerate(rois)}
    parts = check_boxes(where, **named) or [torch.zeros(0, 4, device=features.device)]
    counts = torch.tensor([len(boxes) for boxes in rois], dtype=torch.int64)
    image = torch.arange(len(rois)).repeat_interleave(counts)
    boxes = torch.cat(parts)
    return boxes, image.to(boxes.device)
