"""What the tasks on tiles share: every tile through the same encoder, then all of an image's tiles side by side."""

from torch import Tensor, nn

from course_lib.self_supervision.encoder import MapEncoder, mlp


class TileReader(nn.Module):
    """Tiles of an image -> each tile's maps -> 96 numbers a tile -> side by side -> logits.

    A tile's maps are flattened, not averaged: where in the tile something lies tells where the tile belongs.

    Args:
        encoder: shared by all tiles.
        size: side of a tile in pixels.
        tiles: T, how many are shown of an image.
        answers: K.
    """

    def __init__(self, encoder: MapEncoder, size: int, tiles: int, answers: int, dim: int = 96):
        super().__init__()
        cells = -(-size // encoder.stride)  # rounded up
        self.tile = nn.Sequential(
            nn.Linear(encoder.dim * cells**2, dim), nn.BatchNorm1d(dim), nn.ReLU()
        )
        self.answer = mlp(dim * tiles, answers)

    def read(self, maps: Tensor, images: int) -> Tensor:
        """The maps of all tiles of B images [B T, dim, h, w] -> their numbers side by side [B, T * dim]"""
        return self.tile(maps.flatten(1)).view(images, -1)

    def forward(self, maps: Tensor, images: int) -> Tensor:
        """The maps of all tiles of B images [B T, dim, h, w] -> logits [B, K]"""
        return self.answer(self.read(maps, images))


def maps_of_tiles(encoder: MapEncoder, tiles: Tensor) -> Tensor:
    """Every tile through the encoder.   # [B, T, C, size, size] -> [B T, dim, h, w]"""
    return encoder.maps(tiles.flatten(0, 1))
