"""Who sits for the picture: every trait and nuisance by name, and each pixel as the head sees it."""

import torch
from torch import Tensor

from course_lib.render.canvas import cover, paint, pixels, turned
from course_lib.render.faces.tables import BACKGROUNDS, CLOTHES, CUT, CUTS, FRAMES, HAIR, IRIS, SKIN


def channels(red: float, green: float, blue: float) -> Tensor:
    """A factor for each colour channel.        # [3, 1, 1]"""
    return torch.tensor([red, green, blue])[:, None, None]


def ramp(table: Tensor, place: Tensor) -> Tensor:
    """A colour between the rows of a table, place 0..1.        # [B, 3, 1, 1]"""
    place = place.clamp(0, 1) * (len(table) - 1)
    below = place.long().clamp(max=len(table) - 2)
    return torch.lerp(table[below], table[below + 1], (place - below)[:, None])[:, :, None, None]


class Canvas:
    """A picture being painted: `image` [B, 3, H, W], and `light` [B, H, W], which is laid over it in the end."""

    image: Tensor
    light: Tensor
    pixel: Tensor  # its size in head units, [B, 1, 1]

    def lay(self, shape: Tensor, colour: Tensor, amount: Tensor | float = 1.0) -> Tensor:
        """Paint a shape; return how much of each pixel it covers."""
        alpha = cover(shape, self.pixel) * amount
        self.image = paint(self.image, alpha, colour)
        return alpha


class Sitter(Canvas):
    """A batch of people before the camera. Traits and nuisances are [B, 1, 1], colours [B, 3, 1, 1]."""

    def __init__(self, numbers: dict, size: int):
        self.__dict__.update({name: v.view(-1, 1, 1).float() for name, v in numbers.items()})
        self.look_up_colours(numbers)
        self.find_pixels(size)
        self.find_outline()
        self.find_features()

    def look_up_colours(self, numbers: dict) -> None:
        def row(table: Tensor, name: str) -> Tensor:
            return table[numbers[name]][..., None, None]

        self.hair, self.iris = row(HAIR, "hair_colour"), row(IRIS, "iris")
        self.frame, self.cloth = row(FRAMES, "glasses_colour"), row(CLOTHES, "clothes")
        self.wool = ramp(CLOTHES, 0.5 + 0.5 * numbers["occlusion_x"])  # of the scarf
        walls = numbers["background"] * 4 + numbers["background_colour"]
        self.walls = BACKGROUNDS.flatten(0, 1)[walls][..., None, None]  # [B, 2, 3, 1, 1]
        self.__dict__.update(zip(CUT, row(CUTS, "hair_style").unbind(1), strict=True))
        warm = channels(0.06, -0.02, -0.2) * (self.skin_warmth[:, None] - 0.2)
        self.skin = ramp(SKIN, numbers["skin_tone"]) * (1 + warm)

    def find_pixels(self, size: int) -> None:
        """Where each pixel is: on the picture, on the body, on the head, and on the face that has turned."""
        self.u, self.v, pixel = pixels(size)
        scale = self.stretch.exp() * 1.06
        self.pixel = pixel / scale
        self.bx, self.by = (self.u - self.shift_x) / scale, (self.v - self.shift_y) / scale  # body
        self.x, self.y = turned(self.bx, self.by - 0.04, self.roll)  # head, [B, H, W]
        self.w, self.h = 0.42 + 0.13 * self.head_width, 0.56 + 0.14 * self.head_height
        self.nx, self.ny = self.x / self.w, self.y / self.h
        self.nz = (1 - self.nx.square() - self.ny.square()).clamp(min=0).sqrt()  # towards us
        fx, depth = turned(self.nx, self.nz, -self.turn)  # which part of the face is at this pixel
        self.fx, self.fy = fx * self.w, turned(self.ny, depth, -self.tilt)[0] * self.h
        self.side = self.fx.abs()  # features come in pairs: both are drawn at once

    def find_outline(self) -> None:
        """The head's edge: an ellipse that tapers to the jaw, with a chin between round and square."""
        jaw = 1 - (0.08 + 0.32 * self.jaw_taper) * self.ny.clamp(0, 1.25).square()
        a, b = (self.nx / jaw).square(), self.ny.square()
        square = torch.where(self.ny > 0, 0.65 * self.chin_square, 0.15)
        outline = (a + b - square * a.clamp(max=1) * b.clamp(max=1) + 1e-6).sqrt() - 1
        self.outline = outline * (self.w + self.h) / 2
        self.face = cover(self.outline, self.pixel)

    def find_features(self) -> None:
        self.eye_x = self.w * (0.36 + 0.14 * self.eye_spacing)
        self.eye_y = self.h * (-0.10 + 0.12 * self.eye_height)
        self.eye_r = 0.085 + 0.05 * self.eye_size
        self.nose_y = self.eye_y + 0.17 + 0.15 * self.nose_length
        self.mouth_y = self.nose_y + 0.11 + 0.09 * self.mouth_height


class Few(Canvas):
    """Some people of a batch: whatever is asked for is looked up in the batch, and cut down to them."""

    def __init__(self, everybody: Sitter, rows: Tensor):
        self.everybody, self.rows = everybody, rows

    def __getattr__(self, name: str) -> Tensor:  # asked only for what is not there yet
        value = getattr(self.everybody, name)
        value = value if len(value) < len(self.everybody.pixel) else value[self.rows]
        setattr(self, name, value)
        return value


def paint_those(s: Sitter, who: Tensor, layer) -> None:
    """Lay a layer over the pictures that need it, and spend no time on the others.

    Args:
        s: everybody.
        who: whom the layer is for.                # [B, 1, 1] bool
        layer: a function of those people, which paints.
    """
    rows = who.flatten().nonzero()[:, 0]
    if len(rows) == 0:
        return
    few = Few(s, rows)
    layer(few)
    for name in ("image", "light"):
        if name in vars(few):
            getattr(s, name)[rows] = getattr(few, name)
