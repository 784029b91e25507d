"""Where drawn landmarks stand on the globe, and what a phone's GPS says of it."""

import math

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms

CITY = (48.0, 11.0)  # the drawn town's middle, degrees north and east
CITY_KM = 8.0  # its side
EARTH_KM = 6371.0


def moved(place: Tensor, km: Tensor) -> Tensor:
    """A place so many km to the north and to the east of another.        # [B, 2] degrees, [B, 2] -> [B, 2]"""
    degrees = km * (180 / math.pi / EARTH_KM)
    return torch.stack(
        [
            place[:, 0] + degrees[:, 0],
            place[:, 1] + degrees[:, 1] / (place[:, 0] * math.pi / 180).cos(),
        ],
        1,
    )


def measured(r: Randoms, place: Tensor, user: bool) -> Tensor:
    """What the photo's GPS says: 50 to 500 m off in any direction; 40% of users' photos have none.        # [B, 2]"""
    far, way, none = 0.05 * 10 ** r.fill(), 2 * math.pi * r.fill(), r.fill() < 0.4
    gps = moved(place, far[:, None] * torch.stack([way.cos(), way.sin()], 1))
    return torch.where((none & user)[:, None], torch.nan, gps)
