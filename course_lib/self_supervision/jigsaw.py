"""Pretext: into which order were the tiles shuffled? Noroozi and Favaro, 2016. (L2.07)"""

import itertools

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_indices, check_tensor
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.tiled import TileReader, maps_of_tiles
from course_lib.self_supervision.tiles import cut_tiles


def permutation_set(tiles: int, count: int, seed: int = 0) -> Tensor:
    """Orders of tiles that differ in as many places as can be: each is the farthest from all before it.

    Args:
        tiles: T, 9 at most (there are T! orders).
        count: of orders, T! at most.
        seed: of the first one, and among equally far ones.
    Returns:
        A row for each order: which tile stands at each place.        # [count, T] int64
    Raises:
        TypeError, ValueError: no whole numbers, too many tiles or orders.

    Far is the Hamming distance, the number of places at which two orders differ; what counts is the nearest of those
    chosen before. (The paper adds up the distances to all of them, which lets two orders be nearly alike.)
    """
    check_count("permutation_set", tiles=tiles, count=count)
    if tiles > 9:
        raise ValueError(f"permutation_set: tiles must be 9 at most, got {tiles}")
    every = torch.tensor(list(itertools.permutations(range(tiles))), dtype=torch.int8)  # [T!, T]
    if count > len(every):
        raise ValueError(
            f"permutation_set: {tiles} tiles have {len(every):,} orders, {count:,} were asked for"
        )
    every = every[torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))]
    chosen = [0]
    nearest = torch.full((len(every),), tiles + 1)
    for _ in range(count - 1):
        nearest = torch.minimum(nearest, (every != every[chosen[-1]]).sum(dim=1))
        chosen.append(int(nearest.argmax()))
    return every[chosen].long()


def shuffled(tiles: Tensor, orders: Tensor, which: Tensor) -> Tensor:
    """Tiles in one of several orders: which one is it? (The jigsaw.)

    Args:
        tiles: T of each image.                                       # [N, T, C, h, w]
        orders: as `permutation_set` gives them.                      # [K, T] int64
        which: the order of each image, the label to predict.         # [N] int64, 0..K-1
    Returns:
        At place p of image n stands the tile orders[which[n], p].    # [N, T, C, h, w]
    Raises:
        TypeError, ValueError: not as many orders as images, an order of other tiles.
    """
    check_tensor("shuffled", f"[N, {orders.shape[-1]}, C, h, w]", tiles=tiles)
    check_indices("shuffled", len(orders), which=which)
    check_indices("shuffled", tiles.shape[1], orders=orders)
    if which.shape != (len(tiles),):
        raise ValueError(f"shuffled: which must be [{len(tiles)}], got {list(which.shape)}")
    return tiles[torch.arange(len(tiles))[:, None], orders[which]]


class Jigsaw(Pretext):
    """Shuffled tiles -> which of the orders.

    Args:
        encoder: shared by all tiles.
        grid: tiles along each side.
        size: side of a tile in pixels.
        shake: see `cut_tiles`.
        orders: K, how many orders of the tiles.
    """

    def __init__(
        self, encoder: MapEncoder, grid: int = 2, size: int = 16, shake: int = 2, orders: int = 8
    ):
        super().__init__(encoder)
        self.grid, self.size, self.shake = grid, size, shake
        self.register_buffer("orders", permutation_set(grid**2, orders))
        self.reader = TileReader(encoder, size, tiles=grid**2, answers=orders)

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> tiles [B, T, C, size, size], orders 0..K-1 [B]"""
        tiles = cut_tiles(images, self.grid, self.size, self.shake, generator)
        which = torch.randint(len(self.orders), (len(images),), generator=generator)
        return shuffled(tiles, self.orders.cpu(), which), which

    def forward(self, shown: Tensor) -> Tensor:
        """[B, T, C, size, size] -> logits [B, K]"""
        return self.reader(maps_of_tiles(self.encoder, shown), len(shown))
