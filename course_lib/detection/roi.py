"""A feature map's part under a box, brought to one size: RoI pooling and RoI Align (L5.05, L5.08)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.arguments import check_positive, shape
from course_lib.detection.overlap import check_boxes


def check_rois(
    where: str, features: Tensor, rois: list[Tensor], output_size: int, spatial_scale: float
) -> None:
    """Raise unless there is a list of boxes for every picture of a feature map."""
    if features.ndim != 4 or not features.is_floating_point():
        raise ValueError(
            f"{where}: features must be floating point [B, C, H, W], "
            f"got {features.dtype} {shape(features)}"
        )
    if not isinstance(rois, list | tuple) or len(rois) != len(features):
        got = len(rois) if isinstance(rois, list | tuple) else type(rois).__name__
        raise ValueError(
            f"{where}: rois must be a list of boxes for each of {len(features)} pictures, got {got}"
        )
    check_positive(where, output_size=output_size, spatial_scale=spatial_scale)


def with_image(where: str, rois: list[Tensor]) -> tuple[Tensor, Tensor]:
    """All boxes in one tensor, and the number of each one's picture.     # list of [n_i, 4] -> [R, 4], [R] int64"""
    boxes = torch.cat(list(rois)) if rois else torch.zeros(0, 4)
    check_boxes(where, rois=boxes)
    counts = torch.tensor([len(part) for part in rois], dtype=torch.int64, device=boxes.device)
    return boxes, torch.arange(len(rois), device=boxes.device).repeat_interleave(counts)


def roi_pool(
    features: Tensor, rois: list[Tensor], output_size: int, spatial_scale: float
) -> Tensor:
    """RoI pooling: the box is rounded to whole cells, cut into bins of whole cells, and each bin gives its maximum.

        bin i of n over h cells:  from floor(i h / n) to ceil((i + 1) h / n), the last cell excluded

    Args:
        features: the backbone's map of a batch.          # [B, C, H, W]
        rois: boxes in pixels of the picture, a tensor for each picture.   # B times [n_i, 4]
        output_size: n, bins along either side.
        spatial_scale: cells of the map to a pixel, such as 1 / 8.
    Returns:
        Boxes in the order they were given; a bin without cells in the map is 0.   # [sum n_i, C, n, n]
    Raises:
        TypeError, ValueError: no list of boxes for each picture; NaN; x2 < x1; a size or scale not above 0.

    The first and the last cell of the rounded box both belong to it, so it has one cell at least. Neighbouring bins may
    share cells; of equal maxima the first gets the gradient. The cells of all bins are listed one after the other, and
    one call of `embedding_bag` takes each bin's maximum. Girshick, Fast R-CNN, 2015, section 2.1. Lecture topic L5.05.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_pool(features, [torch.tensor([[0.0, 0.0, 24.0, 24.0]])], output_size=2, spatial_scale=1 / 8)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    check_rois("roi_pool", features, rois, output_size, spatial_scale)
    boxes, image = with_image("roi_pool", rois)
    channels, height, width = features.shape[1:]
    x1, y1, x2, y2 = round_half_away(boxes * spatial_scale).T  # [R] each
    left, right = bins(x1, x2, output_size, width)  # [R, n] each
    top, bottom = bins(y1, y2, output_size, height)
    every_bin = (len(boxes), output_size, output_size)
    high = (bottom - top)[:, :, None].expand(every_bin).flatten()  # [R n n] cells
    wide = (right - left)[:, None, :].expand(every_bin).flatten()
    row = image[:, None] * height + top  # [R, n] of a bin's first cell, among those of all pictures
    corner = (row[:, :, None] * width + left[:, None, :]).flatten()  # [R n n] number of that cell
    begin = (high * wide).cumsum(0) - high * wide  # where a bin's cells begin in the list of all
    own = torch.arange(len(begin), device=begin.device).repeat_interleave(high * wide)  # their bin
    i = torch.arange(len(own), device=own.device) - begin[own]  # 0, 1, 2 ... in each bin
    cell = corner[own] + i // wide[own] * width + i % wide[own]
    cells = features.permute(0, 2, 3, 1).reshape(-1, channels)  # [B H W, C]
    maxima = F.embedding_bag(cell, cells, begin, mode="max")  # [R n n, C]; 0 of no cells
    return maxima.view(-1, output_size, output_size, channels).permute(0, 3, 1, 2)


def round_half_away(x: Tensor) -> Tensor:
    """Round to whole numbers, halves away from 0, as C does (torch.round takes them to the even neighbour)."""
    whole = x.trunc()
    return whole + (2 * (x - whole)).trunc()


def bins(first: Tensor, last: Tensor, count: int, cells: int) -> tuple[Tensor, Tensor]:
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
        rois: boxes in pixels of the picture, a tensor for each picture.   # B times [n_i, 4]
        output_size: n, bins along either side.
        spatial_scale: cells of the map to a pixel, such as 1 / 8.
        sampling_ratio: s, points in a bin along either side.
    Returns:
        Boxes in the order they were given.               # [sum n_i, C, n, n]
    Raises:
        TypeError, ValueError: no list of boxes for each picture; NaN; x2 < x1; a size, scale or ratio not above 0.

    A cell's value sits at its centre: pixel 4 of a map with stride 8 is cell 0 (torchvision's aligned=True). Points up
    to one cell outside the map count as on its edge, those further out as 0. Each bin is a weighted sum of 4 s^2 cells:
    one call of `embedding_bag` makes them all. He and others, Mask R-CNN, 2017, section 3. Lecture topics L5.05, L5.08.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align(features, [torch.tensor([[4.0, 4.0, 20.0, 20.0]])], output_size=2, spatial_scale=1 / 8)
    tensor([[[[2.5000, 3.5000],
              [6.5000, 7.5000]]]])
    """
    check_rois("roi_align", features, rois, output_size, spatial_scale)
    check_positive("roi_align", sampling_ratio=sampling_ratio)
    boxes, image = with_image("roi_align", rois)
    channels, height, width = features.shape[1:]
    x1, y1, x2, y2 = (boxes * spatial_scale - 0.5).T  # [R] each, 0 is the first cell's centre
    x, x_weight = points(x1, x2, output_size, sampling_ratio, width)  # [R, n, 2 s] each
    y, y_weight = points(y1, y2, output_size, sampling_ratio, height)
    row = image[:, None, None] * height + y  # among the rows of all pictures
    cell = row[:, :, None, :, None] * width + x[:, None, :, None, :]  # [R, n, n, 2 s, 2 s]
    weight = y_weight[:, :, None, :, None] * x_weight[:, None, :, None, :]
    cells = features.permute(0, 2, 3, 1).reshape(-1, channels)  # [B H W, C]
    flat = (-1, (2 * sampling_ratio) ** 2)
    sums = F.embedding_bag(
        cell.reshape(flat), cells, mode="sum", per_sample_weights=weight.reshape(flat).to(cells)
    )  # [R n n, C]
    return sums.view(-1, output_size, output_size, channels).permute(0, 3, 1, 2)


def points(
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
