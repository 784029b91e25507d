"""Images cut into tiles (L2.04, L2.07)."""

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_tensor


def cut_tiles(
    images: Tensor, grid: int, size: int, shake: int = 0, generator: torch.Generator | None = None
) -> Tensor:
    """Divide images into grid x grid cells, and cut a tile out of the middle of each.

    Args:
        images: of any size.                                          # [N, C, H, W]
        grid: cells along each side.
        size: side of a tile in pixels; what a cell has more is the gap between tiles.
        shake: each tile is moved by up to so many pixels along each axis, at random.
        generator: of the random moves; needed where `shake` is not 0.
    Returns:
        Tiles, row by row.                                            # [N, grid * grid, C, size, size]
    Raises:
        TypeError, ValueError: no such images; tiles that do not fit into their cells, however they are moved; a shake
            without a generator.

    A gap and a shake keep a network from continuing lines across the edge instead of looking at what is shown: Doersch
    and others, 2015. (L2.04)
    """
    check_tensor("cut_tiles", "[N, C, H, W]", images=images)
    check_count("cut_tiles", grid=grid, size=size)
    check_count("cut_tiles", least=0, shake=shake)
    n, _, height, width = images.shape
    cells = height // grid, width // grid
    if min(cells) < size + 2 * shake:
        raise ValueError(
            f"cut_tiles: a cell of {cells[0]} x {cells[1]} pixels does not hold a tile of {size} that moves by {shake}"
        )
    if shake and generator is None:
        raise ValueError(f"cut_tiles: a generator must be given for shake {shake}, got None")
    moves = torch.zeros(n, grid * grid, 2, dtype=torch.int64)
    if shake:
        moves = torch.randint(-shake, shake + 1, moves.shape, generator=generator)
    row, column = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    top = row.flatten() * cells[0] + (cells[0] - size) // 2 + moves[..., 0]  # [N, T]
    left = column.flatten() * cells[1] + (cells[1] - size) // 2 + moves[..., 1]
    along = torch.arange(size)
    rows, columns = (top[..., None] + along), (left[..., None] + along)  # [N, T, size]
    which = torch.arange(n)[:, None, None, None]
    cut = images[which, :, rows[..., :, None], columns[..., None, :]]  # [N, T, size, size, C]
    return cut.movedim(-1, 2)
