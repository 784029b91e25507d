"""How a face is painted, given its traits and the photo's nuisances.

As in a book: background, body, hair behind, head, features, hair in front, all in flat colours; then one wash of light
is laid over it. The head is an ellipsoid: a turned head moves the features, not the outline.
"""

import torch
from torch import Tensor

from course_lib.render import canvas
from course_lib.render.canvas import box, cover, ellipse, paint, rgb, stroke, turned

SKIN = rgb("#edd0bc", "#e5bb9d", "#d6a17c", "#b47f58", "#875a3e", "#5f3e2d")  # pale to dark
HAIR = rgb(*"#221c1d #43301f #6b4429 #8a4a2b #b5683a #a1804f #d2b57f #8d8b89 #cbc8c2".split())
IRIS = rgb("#3d2a1e", "#6d4c2d", "#7c8650", "#4e7f78", "#5a86b0", "#7d8a96")
CLOTHES = rgb(
    *"#46607a #7d4f50 #58725c #c5b08c #857799 #d5d0c4 #343a47 #b3734f #7393a8 #c99f55".split()
)
FRAMES = rgb("#2b2422", "#5b3a29", "#4a5360")  # of glasses
BACKGROUNDS = rgb(  # wall, curtain, sky, bookshelf, garden: of each four pairs (light, dark)
    *"#d8d5cc #b4b4ae #cfd9d8 #a9bcbc #e2d3bb #c4ad90 #c3cad6 #98a4b5".split(),
    *"#c9a58c #94705d #9fb09a #6f8470 #b9b3c4 #857e96 #d9cbb0 #a8966f".split(),
    *"#dfe9ec #8fb5d3 #f0dcc6 #a9b9d0 #d6e2e6 #a3bccb #ece6d8 #9dc0cf".split(),
    *"#a98a68 #66513f #a39a86 #5d6061 #b08c74 #6b5048 #a3a083 #5f6653".split(),
    *"#b3c08d #6f8d66 #c7c794 #8a9968 #a9c1ac #6b8d81 #d0c08f #9a935f".split(),
).view(5, 4, 2, 3)
WHITE, TEETH, PUPIL, MOUTH, PLAIN, CLOTH, PHONE = rgb(
    *"#f5f1ea #efe9df #17110f #3a1c1c #d9dcdc #6d7680 #2f333a".split()
)[:, :, None, None]
STYLES = "bald cropped side-part fringe bob long curly bun balding long-fringe".split()
CUTS = torch.tensor(  # of each style, in head units, in the order of CUT
    [
        [0.0, 0.02, 0.01, -0.05, 1.02, -0.60, 0.00, 0.00, 0.0, 0.0],
        [1.0, 0.04, 0.01, -0.10, 1.02, -0.62, 0.00, 0.05, 0.0, 0.0],
        [1.0, 0.10, 0.02, 0.00, 1.00, -0.54, 0.42, 0.00, 0.0, 0.0],
        [1.0, 0.08, 0.04, 0.10, 0.93, -0.36, 0.00, 0.00, 0.0, 0.0],
        [1.0, 0.09, 0.11, 0.62, 0.88, -0.74, 0.10, 0.65, 0.0, 0.0],
        [1.0, 0.08, 0.10, 1.60, 0.87, -0.68, 0.25, 0.40, 0.0, 0.0],
        [1.0, 0.19, 0.17, 0.22, 0.95, -0.54, 0.00, -0.15, 1.0, 0.0],
        [1.0, 0.03, 0.00, -0.05, 1.00, -0.62, 0.00, 0.30, 0.0, 1.0],
        [1.0, -0.03, 0.04, 0.15, 0.88, -1.20, 0.00, 0.00, 0.0, 0.0],
        [1.0, 0.08, 0.10, 1.60, 0.88, -0.38, 0.00, 0.00, 0.0, 0.0],
    ]
)
CUT = "there top sides low window line slope tent curl bun".split()


def paint_faces(traits: dict, nuisances: dict, size: int) -> Tensor:
    """The pictures of given traits and nuisances, without sensor noise.        # [B, 3, size, size]"""
    s = Sitter({**traits, **nuisances}, size)
    for layer in (background, body, head, beard, mouth, nose, eyes, glasses, hair, occluder):
        layer(s)
    dark = 1 - s.light.clamp(0.3, 1.07)[:, None]
    image = s.image * (1 - s.channels(0.88, 1.02, 1.08) * dark)  # shadows are warm
    tint = 1 + s.warmth[:, None] * s.channels(1.0, 0.1, -1.0)
    image = image * tint * s.exposure.exp().clamp(max=1.08)[:, None]
    return (image - 0.45 * (image - 0.8).clamp(min=0)).clamp(0, 1)  # bright tones are held back


class Sitter:
    """A picture being painted: its pixels as the head sees them, and every trait and nuisance by name."""

    def __init__(self, numbers: dict, size: int):
        def row(table: Tensor, name: str) -> Tensor:
            return table[numbers[name]][..., None, None]

        self.__dict__.update({name: v.view(-1, 1, 1).float() for name, v in numbers.items()})
        self.hair, self.iris = row(HAIR, "hair_colour"), row(IRIS, "iris")  # [B, 3, 1, 1]
        self.frame, self.cloth = row(FRAMES, "glasses_colour"), row(CLOTHES, "clothes")
        self.walls = numbers["background"] * 4 + numbers["background_colour"]
        self.walls = BACKGROUNDS.flatten(0, 1)[self.walls][..., None, None]  # [B, 2, 3, 1, 1]
        self.__dict__.update(zip(CUT, row(CUTS, "hair_style").unbind(1), strict=True))
        self.skin = ramp(SKIN, numbers["skin_tone"])
        warm = self.channels(0.06, -0.02, -0.2) * (self.skin_warmth[:, None] - 0.2)
        self.skin = self.skin * (1 + warm)
        self.u, self.v, pixel = canvas.pixels(size)
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
        jaw = 1 - (0.08 + 0.32 * self.jaw_taper) * self.ny.clamp(0, 1.25).square()
        a, b = (self.nx / jaw).square(), self.ny.square()
        square = torch.where(self.ny > 0, 0.65 * self.chin_square, 0.15)
        outline = (a + b - square * a.clamp(max=1) * b.clamp(max=1) + 1e-6).sqrt() - 1
        self.outline = outline * (self.w + self.h) / 2
        self.face = cover(self.outline, self.pixel)
        self.eye_x = self.w * (0.36 + 0.14 * self.eye_spacing)
        self.eye_y = self.h * (-0.10 + 0.12 * self.eye_height)
        self.eye_r = 0.085 + 0.05 * self.eye_size
        self.nose_y = self.eye_y + 0.17 + 0.15 * self.nose_length
        self.mouth_y = self.nose_y + 0.11 + 0.09 * self.mouth_height

    @staticmethod
    def channels(red: float, green: float, blue: float) -> Tensor:
        return torch.tensor([red, green, blue])[:, None, None]

    def lay(self, shape: Tensor, colour: Tensor, amount: Tensor | float = 1.0) -> Tensor:
        """Paint a shape; return how much of each pixel it covers."""
        alpha = cover(shape, self.pixel) * amount
        self.image = paint(self.image, alpha, colour)
        return alpha


def ramp(table: Tensor, place: Tensor) -> Tensor:
    """A colour between the rows of a table, place 0..1.        # [B, 3, 1, 1]"""
    place = place.clamp(0, 1) * (len(table) - 1)
    below = place.long().clamp(max=len(table) - 2)
    return torch.lerp(table[below], table[below + 1], (place - below)[:, None])[:, :, None, None]


def background(s: Sitter) -> None:
    u, v, p = s.u, s.v, s.background_phase
    row = (2.2 * v + p).floor()
    board = ((2.2 * v + p - row - 0.5).abs() - 0.36).clamp(0, 0.14) * 3
    books = 0.4 + 0.35 * (12 * u + 2.4 * row + p).sin() * (7.3 * u + 4.1 * row).sin() + board
    cloud = ((2.5 * u + p).sin() * (4 * v + 2 * p + u).sin()).clamp(min=0)
    folds = (9 * u + p + 0.5 * (2 * v + p).sin()).sin()
    leaves = (5 * u + p).sin() * (4 * v + 2 * p).sin()
    wall, sky = 0.5 + 0.35 * (u * p.cos() + v * p.sin()), 0.45 - 0.45 * v - 0.45 * cloud
    patterns = (wall, 0.5 + 0.35 * folds, sky, books, 0.5 + 0.4 * leaves + 0.15 * v)
    mix = sum((s.background == kind) * pattern for kind, pattern in enumerate(patterns))
    pair = torch.lerp(PLAIN, s.walls, s.colourful[..., None, None])  # a passport photo's is plain
    s.image = torch.lerp(pair[:, 0], pair[:, 1], mix.clamp(0, 1)[:, None])


def body(s: Sitter) -> None:
    """Hair behind the head, neck and clothes; and the light on them."""
    wide, tall = s.w + (0.6 + 0.8 * s.hair_volume) * s.sides + 0.01, s.low.clamp(min=0) * s.h / 2
    behind = box(s.x + 0.1 * s.turn, s.y - tall + 0.08, wide, tall + 0.14, 0.16)
    s.lay(behind, s.hair * 0.8, (s.low > 0.05) * s.there)
    x, wide = s.bx - 0.05 * s.turn, s.w * (0.42 + 0.22 * s.neck_width)
    shoulders = ellipse(x, s.by - 1.32, 0.85 + 0.3 * s.neck_width, 0.56)
    neck = s.lay(torch.minimum(box(x, s.by - 0.75, wide, 0.4, 0.05), shoulders), s.skin)
    collar = ellipse(x, s.by - 0.74, wide * 1.12, 0.14)
    cloth = torch.lerp(CLOTH, s.cloth, s.colourful[:, None])
    clothes = s.lay(torch.maximum(shoulders, -collar), cloth)
    s.lay((collar - 0.03).abs() - 0.022, cloth * 0.72, clothes)
    chin = (1.05 - s.by).clamp(0, 0.5) * neck * (1 - 0.5 * clothes)  # the chin's shadow
    s.light = 1 + 0.7 * s.light_x * x * clothes - 0.75 * chin


def head(s: Sitter) -> None:
    """Ears and head, and what lies in the skin: blush, freckles, a mole."""
    ear_x, ear_y = (s.x + 0.1 * s.turn).abs() - 0.99 * s.w, s.y - 0.03
    ears = s.lay(ellipse(ear_x, ear_y, 0.04 + 0.07 * s.ear_size, 0.08 + 0.1 * s.ear_size), s.skin)
    s.light = torch.lerp(s.light, 0.80 + s.light_x * s.nx, ears)
    s.lay(s.outline, s.skin)
    shade = 0.86 + 0.18 * s.nz + s.light_x * s.nx + (s.light_y - 0.1) * s.ny
    s.light = torch.lerp(s.light, shade, s.face)
    away = ((s.side - 0.62 * s.w).square() + (s.fy - s.nose_y + 0.02).square()) / 0.035
    blush = (1 - away).clamp(0, 1) * s.face * (0.1 + 0.75 * s.blush)
    s.image = paint(s.image, blush, s.skin * s.channels(1.0, 0.74, 0.70))
    dots = (31 * s.fx + 17 * s.fy).sin() * (39 * s.fy - 13 * s.fx + (23 * s.fx).sin()).sin()
    where = (1 - (s.fy - s.nose_y + 0.07).abs() / 0.16).clamp(0, 0.7) * s.face * s.freckles
    freckles = (dots.abs() * 2.2 - 1).clamp(0, 1) * where
    s.image = paint(s.image, freckles, s.skin * s.channels(0.7, 0.55, 0.45))
    mole_y = torch.where(s.mole == 3, s.mouth_y + 0.10, s.nose_y - 0.02)
    mole = ellipse(s.fx - 0.5 * s.w * (1 - 2 * (s.mole == 2)), s.fy - mole_y, 0.03, 0.03)
    s.lay(mole, s.skin * 0.35, (s.mole > 0) * s.face)


def beard(s: Sitter) -> None:
    y = s.fy - s.mouth_y
    cheeks = torch.maximum(s.outline - 0.03, -0.02 - 0.12 * s.side / s.w - y)
    s.lay(cheeks, s.hair * 0.82, (s.beard == 4) * 0.95 + (s.beard == 1) * 0.28)
    x = s.side - 0.14 * s.w
    moustache = ellipse(x, y + 0.07 - 0.25 * x, 0.24 * s.w, 0.04)
    moustache = torch.where(s.beard > 1, moustache, torch.ones(()))
    chin = torch.where(s.beard == 3, ellipse(s.fx, y - 0.16, 0.22 * s.w, 0.13), torch.ones(()))
    s.lay(torch.minimum(moustache, chin), s.hair * 0.82, 0.92 * s.face)


def mouth(s: Sitter) -> None:
    wide = s.w * (0.24 + 0.22 * s.mouth_width) * (1 + 0.12 * s.smile)
    y = s.fy - s.mouth_y + 0.07 * (s.smile + 0.35) * ((s.fx / wide).square() - 0.4)  # bent
    opened = (s.mouth_open - 0.25).clamp(min=0)
    red = s.channels(0.92, 0.72, 0.68) - s.lip_red[:, None] * s.channels(0.05, 0.36, 0.28)
    thick = 0.03 + 0.045 * s.lip_thickness + 0.06 * opened
    s.lay(ellipse(s.fx, y, wide, thick), s.skin * red, s.face)
    inner = ellipse(s.fx, y, wide * 0.85, 0.012 + 0.08 * opened)
    s.lay(inner, s.skin * 0.2 + MOUTH * 0.6, s.face * 0.9)
    s.lay(torch.maximum(inner + 0.012, y + 0.005), TEETH, s.face * (opened > 0))


def nose(s: Sitter) -> None:
    """A nose, which stands out of the face, and its shadow on the side away from the light."""
    x = s.fx - 0.1 * s.turn * ((s.fy - s.eye_y) / 0.25).clamp(0, 1)
    y, wide = s.fy - 0.05 * s.tilt, 0.05 + 0.125 * s.nose_width
    shift = 0.05 * (s.light_x / 0.15).clamp(-1, 1) + 0.02
    for dx, dy, colour, amount in (
        (shift, -0.022, s.skin * s.channels(0.72, 0.61, 0.57), 0.85),
        (0.0, 0.0, s.skin * 1.04, 1.0),
    ):
        bridge = stroke(x + dx, y + dy, 0.0, s.eye_y + 0.02, 0.0, s.nose_y - 0.03, wide * 0.42)
        tip = ellipse(x + dx, y + dy - s.nose_y + 0.03, wide, 0.05)
        s.lay(torch.minimum(bridge, tip), colour, s.face * amount)


def eyes(s: Sitter) -> None:
    """Eyes and brows."""
    x, r, tall = s.side - s.eye_x, s.eye_r, s.eye_r * (0.5 + 0.4 * s.eye_open)
    y = s.fy - s.eye_y + (0.5 * s.eye_tilt - 0.2) * x
    s.lay(ellipse(x, y + 0.016, r + 0.012, tall + 0.012), s.skin * 0.3, s.face)  # lid and lashes
    white = ellipse(x, y, r, tall)
    s.lay(white, WHITE, s.face)
    gaze_x, right = x - s.gaze * r * s.fx.sign(), s.fx.sign()
    middle = (gaze_x.square() + y.square() + 1e-9).sqrt()
    s.lay(torch.maximum(middle - 0.62 * r, white), s.iris, s.face)
    s.lay(torch.maximum(middle - 0.3 * r, white), PUPIL, s.face)
    glint = ellipse(gaze_x * right + 0.2 * r, y + 0.22 * r, r * 0.15, r * 0.15)
    s.lay(glint, WHITE, s.face * 0.8)
    high = s.eye_y - tall - 0.045 - 0.07 * s.brow_height - 0.03 * s.brow_raise
    lift, thick = 0.06 * (s.brow_tilt - 0.62), 0.014 + 0.03 * s.brow_thickness
    ends = (s.eye_x - r, high + lift, s.eye_x + 1.15 * r, high - lift + 0.012)
    s.lay(stroke(s.side, s.fy, *ends, thick), s.hair * 0.7, s.face * 0.9)


def glasses(s: Sitter) -> None:
    x, y, r = s.side - s.eye_x, s.fy - s.eye_y, s.eye_r
    rim = box(x, y - 0.01, r * 1.5, r * 1.25, (0.5 + 0.7 * s.glasses_round) * r)
    wire = torch.minimum(rim.abs() - 0.016, box(x - 2.5 * r, y + 0.02, r, 0.014))  # and its arms
    wire = torch.minimum(wire, box(s.fx, y + 0.01, s.eye_x - r * 1.4, 0.014))  # and the bridge
    s.lay(rim, WHITE, s.glasses * s.face * 0.14)
    s.lay(wire, s.frame, s.glasses * s.face)


def hair(s: Sitter) -> None:
    """Hair in front: a cap over the head, less a window for the face, down to where it is cut."""
    waves = (15 * s.x + 2 * (9 * s.y).sin()).sin() * (14 * s.y + 2 * (8 * s.x).sin()).sin()
    curls = 0.03 * s.curl * waves
    thick = torch.lerp(s.sides, s.top, (0.5 - 0.9 * s.ny).clamp(0, 1))
    cap = s.outline - (0.6 + 0.8 * s.hair_volume) * thick + curls
    bun = ellipse(s.x + 0.06 * s.turn, s.y + s.h + 0.08, 0.17, 0.14) + 5 * (1 - s.bun)
    slope = s.slope * (1 - 2 * (s.hair_side > 0.5)) + 0.12 * (s.hair_side - 0.5)
    line = s.h * (s.line + 0.16 * (s.hairline - 0.5)) + slope * s.fx + s.tent * s.side
    window = ellipse(s.fx, s.fy - 0.16 * s.h, s.w * s.window, s.h * (1.02 + 0.3 * (s.line < -1)))
    window = torch.maximum(window, line - s.fy) + 0.5 * curls
    front = torch.maximum(torch.minimum(cap, bun), -window)
    front = torch.maximum(front, s.y - s.low.clamp(max=0.9) * s.h)
    sheen = (1 - (s.ny + 0.72 + 0.25 * s.nx.square()).abs() / 0.16).clamp(0, 1) * (1 - s.curl)
    strands = 0.06 * (24 * s.nx + 5 * s.slope * s.ny).sin() * (1 - s.curl) - 0.13 * waves * s.curl
    colour = s.hair * (1 + strands + 0.25 * sheen)[:, None] + 0.05 * sheen[:, None]
    s.light = s.light - 0.22 * cover(front - 0.07, s.pixel) * s.face * s.there  # on the face
    alpha = s.lay(front, colour, s.there)
    s.light = torch.lerp(s.light, 0.93 + s.light_x * s.nx + (s.light_y - 0.1) * s.ny, alpha)


def occluder(s: Sitter) -> None:
    """A hand, a scarf or a phone before the face."""
    kind, side, high = s.occlusion, s.occlusion_x, s.occlusion_y
    x, y = turned(s.u - 0.45 * side, s.v - 0.25 - 0.35 * high, 0.5 * side)
    finger = x - 0.13 * (x / 0.13 - 0.5).round().clamp(-2, 1) - 0.065
    palm = box(x, y - 0.35, 0.26, 0.4, 0.12)
    hand = torch.minimum(box(finger, y + 0.22, 0.055, 0.26, 0.055), palm)
    edge = 0.16 + 0.2 * high - s.by - 0.18 * s.bx.square()
    scarf = torch.maximum(edge, box(s.bx, s.by - 0.65, s.w + 0.25 * s.by.clamp(min=0.1), 0.8, 0.2))
    shape = torch.where(kind == 1, hand, torch.where(kind == 2, scarf, box(x, y, 0.22, 0.4, 0.06)))
    colour = torch.where(kind[:, None] == 1, s.skin * 0.96, PHONE)
    colour = torch.where(kind[:, None] == 2, ramp(CLOTHES, 0.5 + 0.5 * side.flatten()), colour)
    folds = 0.13 * (14 * s.by - 6 * s.bx.square() + 3 * s.bx).sin() * (kind == 2)
    rim = (shape / 0.06 + 1).clamp(0, 1)  # darker towards the edge: it is round
    alpha = s.lay(shape, colour * (1 + folds - 0.25 * rim)[:, None], (kind > 0).float())
    s.light = torch.lerp(s.light, torch.ones(()), alpha)
