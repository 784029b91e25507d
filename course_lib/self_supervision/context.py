"""Pretext: which of its eight neighbours is this tile? Doersch, Gupta and Efros, 2015. (L2.04)"""

import torch
from torch import Tensor

from course_lib.arguments import check_indices, check_tensor
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.pretexts import Pretext
from course_lib.self_supervision.tiled import TileReader, maps_of_tiles
from course_lib.self_supervision.tiles import cut_tiles

CENTRE = 4  # of nine tiles, row by row
NEIGHBOURS = (0, 1, 2, 3, 5, 6, 7, 8)


def neighbour_pairs(tiles: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """The tile in the middle and one of its eight neighbours: where does the second lie?

    Args:
        tiles: nine of each image, row by row.                        # [N, 9, C, h, w]
        place: which neighbour, 0..7: left to right, top to bottom; the label to predict.   # [N] int64
    Returns:
        The tiles in the middle, and the neighbours.                  # [N, C, h, w] each
    Raises:
        TypeError, ValueError: not nine tiles, not as many places, a place outside of 0..7.
    """
    check_tensor("neighbour_pairs", "[N, 9, C, h, w]", tiles=tiles)
    check_indices("neighbour_pairs", 8, place=place)
    if place.shape != (len(tiles),):
        raise ValueError(f"neighbour_pairs: place must be [{len(tiles)}], got {list(place.shape)}")
    which = torch.tensor(NEIGHBOURS)[place]
    return tiles[:, CENTRE], tiles[torch.arange(len(tiles)), which]


class Context(Pretext):
    """The tile in the middle and one of its neighbours -> which of the eight places.

    Args:
        encoder: shared by both tiles.
        size: side of a tile in pixels.
        shake: see `cut_tiles`.

    The defaults leave neither gap nor shake on 40 pixels, where the paper has both: on plain grounds hardly a line
    crosses an edge, and larger tiles show more.
    """

    def __init__(self, encoder: MapEncoder, size: int = 13, shake: int = 0):
        super().__init__(encoder)
        self.size, self.shake = size, shake
        self.reader = TileReader(encoder, size, tiles=2, answers=8)

    def make(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> two tiles [B, 2, C, size, size], places 0..7 [B]"""
        tiles = cut_tiles(images, 3, self.size, self.shake, generator)
        place = torch.randint(8, (len(images),), generator=generator)
        return torch.stack(neighbour_pairs(tiles, place), dim=1), place

    def forward(self, shown: Tensor) -> Tensor:
        """[B, 2, C, size, size] -> logits [B, 8]"""
        return self.reader(maps_of_tiles(self.encoder, shown), len(shown))
