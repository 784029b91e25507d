"""Known mistakes with RoI pooling, each with the hint for who made it (L5.05)."""

import math

import torch
from torch.nn import functional as F

from course_lib.exercises import detection_classes_solutions as right
from course_lib.exercises.task import Mistake


def _from_to(i, cells, n):
    """Bin i of n, as it should be.  # -> start, stop"""
    return math.floor(i * cells / n), math.ceil((i + 1) * cells / n)


def _equal_size(rounded):
    """Bins of the same whole number of cells, one behind the other."""

    def bin_of(i, cells, n):
        size = rounded(cells / n)
        return i * size, min((i + 1) * size, cells)

    return bin_of


def _pooled(
    region=lambda features, x1, y1, x2, y2: features[:, y1 : y2 + 1, x1 : x2 + 1],
    bin_of=_from_to,
    value=lambda cells: cells.amax(dim=(1, 2)),
):
    """`roi_pool` by another rule.

    region: (features, the four coordinates) -> the cells that are pooled [C, h, w]; bin_of: (i, h, n) -> start, stop of
    bin i; value: the cells of a bin -> [C].
    """

    def roi_pool(features, box, n):
        cells = region(features, *box.tolist())
        edges = [[bin_of(i, length, n) for i in range(n)] for length in cells.shape[1:]]
        bins = [value(cells[:, t:b, left:r]) for t, b in edges[0] for left, r in edges[1]]
        return torch.stack(bins, dim=1).view(-1, n, n)

    return roi_pool


def _at_the_corner(features, box, n):
    x1, y1, x2, y2 = box.tolist()
    return right.roi_pool(features, torch.tensor([0, 0, x2 - x1, y2 - y1]), n)


def _one_length(features, box, n):
    """Bins for the width of the box, in both directions."""
    x1, y1, x2, y2 = box.tolist()
    edges = [_from_to(i, x2 - x1 + 1, n) for i in range(n)]
    cells = features[:, y1 : y2 + 1, x1 : x2 + 1]
    bins = [cells[:, t:b, left:r].amax(dim=(1, 2)) for t, b in edges for left, r in edges]
    return torch.stack(bins, dim=1).view(-1, n, n)


def _a_cell_more(features, box, n):
    x1, y1, x2, y2 = box.tolist()
    rows, columns = ([_from_to(i, k, n) for i in range(n)] for k in (y2 - y1 + 1, x2 - x1 + 1))
    region = features[:, y1:, x1:]
    bins = [
        region[:, t : b + 1, left : r + 1].amax(dim=(1, 2)) for t, b in rows for left, r in columns
    ]
    return torch.stack(bins, dim=1).view(-1, n, n)


def _bins_of_size_n(features, box, n):
    x1, y1, x2, y2 = box.tolist()
    return F.max_pool2d(features[:, y1 : y2 + 1, x1 : x2 + 1], n, ceil_mode=True)


ROI_POOL = (
    Mistake(
        _pooled(lambda features, x1, y1, x2, y2: features[:, y1:y2, x1:x2]),
        "The last row and the last column of the box are missing. It covers the cells x1 to x2 with "
        "both ends, x2 - x1 + 1 of them.",
    ),
    Mistake(
        _pooled(bin_of=lambda i, h, n: (math.floor(i * h / n), math.floor((i + 1) * h / n))),
        "The end of a bin was rounded down: it loses cells, and may be empty. Round the start down and "
        "the end *up*; bins may share cells.",
    ),
    Mistake(
        _pooled(bin_of=_equal_size(math.floor)),
        "All bins have h // n cells: the rest at the end of the box is in no bin. Find the start and "
        "the end of each bin from i h / n.",
    ),
    Mistake(
        _pooled(bin_of=_equal_size(math.ceil)),
        "All bins have h / n cells, rounded up, one after the other: perhaps none is left for the "
        "last ones. Find the start and the end of each bin from i h / n.",
    ),
    Mistake(
        _pooled(bin_of=lambda i, h, n: (math.ceil(i * h / n), math.ceil((i + 1) * h / n))),
        "The start of a bin was rounded up: a cell that two bins share went to one of them only. Round "
        "the start down and the end up.",
    ),
    Mistake(
        _pooled(bin_of=lambda i, h, n: (round(i * h / n), round((i + 1) * h / n))),
        "Both ends of a bin were rounded to the nearest cell. Round the start down and the end up.",
    ),
    Mistake(
        _pooled(lambda features, x1, y1, x2, y2: features[:, x1 : x2 + 1, y1 : y2 + 1]),
        "x and y are exchanged. The box is (x1, y1, x2, y2), the map [C, H, W]: rows go with y.",
    ),
    Mistake(
        _at_the_corner,
        "The bins begin at the corner of the map. Add x1 and y1: they begin at the corner of the box.",
    ),
    Mistake(
        _pooled(lambda features, *_: features),
        "The whole map was pooled. Only the cells of the box count.",
    ),
    Mistake(
        _pooled(value=lambda cells: cells.mean(dim=(1, 2))),
        "The mean of each bin was taken. RoI pooling takes the maximum.",
    ),
    Mistake(
        _pooled(value=lambda cells: cells.amax(dim=(1, 2)).clamp(min=0)),
        "The maximum of each bin was compared with 0, where the answer began. If all cells of a bin "
        "are negative, their maximum is, too.",
    ),
    Mistake(
        lambda *case: right.roi_pool(*case).amax(dim=0),
        "The channels are missing in the answer. Each channel is pooled for itself: return [C, n, n].",
    ),
    Mistake(
        _pooled(value=lambda cells: cells.amax().expand(len(cells))),
        "The maximum was taken over the channels, too. Each channel has a maximum of its own.",
    ),
    Mistake(
        lambda *case: right.roi_pool(*case).transpose(1, 2),
        "Rows and columns of the answer are exchanged: [c, i, j] is the bin i from the top and j from "
        "the left.",
    ),
    Mistake(
        _pooled(lambda features, x1, y1, x2, y2: features[:, y1 : y1 + y2, x1 : x1 + x2]),
        "The last two numbers of the box were read as width and height. They are x2 and y2, its last "
        "column and row.",
    ),
    Mistake(
        _one_length,
        "The bins of both directions were made from the width. Rows need the height of the box.",
    ),
    Mistake(
        _a_cell_more,
        "Each bin has a cell too many at its end, perhaps because 1 was added twice. A slice ends "
        "before its stop.",
    ),
    Mistake(
        _pooled(value=lambda cells: cells[:, 0, 0]),
        "One cell of each bin was taken, its upper left one. Take the maximum of all its cells.",
    ),
    Mistake(
        lambda *case: right.roi_pool(*case).flatten(1),
        "The bins stand in one row. Return them as a grid: [C, n, n].",
    ),
    Mistake(
        _bins_of_size_n,
        "n was used as the size of a bin. It is the number of bins in each direction, whatever the "
        "size of the box.",
    ),
)
