"""How a face is painted, given its traits and the photo's nuisances.

As in a book: background, body, hair behind, head, features, hair in front, all in flat colours; then one wash of light
is laid over it. The head is an ellipsoid: a turned head moves the features, not the outline.
"""

import torch
from torch import Tensor

from course_lib.render.canvas import box, ellipse, paint, stroke
from course_lib.render.faces.cover import OCCLUDERS, glasses
from course_lib.render.faces.hair import beard, curly_hair, hair_behind, straight_hair
from course_lib.render.faces.sitter import Sitter, channels, paint_those
from course_lib.render.faces.tables import (
    BACKGROUNDS,
    CLOTH,
    CLOTHES,
    FRAMES,
    HAIR,
    IRIS,
    MOUTH,
    PLAIN,
    PUPIL,
    STYLES,
    TEETH,
    WHITE,
)
from course_lib.render.scenes.backdrops import dots

__all__ = ["BACKGROUNDS", "CLOTHES", "FRAMES", "HAIR", "IRIS", "STYLES", "paint_faces"]

FRECKLE = 0.06  # from one freckle to the next, in head units


def paint_faces(traits: dict, nuisances: dict, size: int) -> Tensor:
    """The pictures of given traits and nuisances, without sensor noise.        # [B, 3, size, size]"""
    s = Sitter({**traits, **nuisances}, size)
    background(s)
    paint_those(s, (s.low > 0.05) & (s.there > 0), hair_behind)
    body(s)
    head(s)
    paint_those(s, s.freckles > 0, freckles)
    paint_those(s, s.mole > 0, mole)
    paint_those(s, s.beard > 0, beard)
    mouth(s)
    nose(s)
    eyes(s)
    paint_those(s, s.glasses > 0, glasses)
    paint_those(s, (s.there > 0) & (s.curl == 0), straight_hair)
    paint_those(s, (s.there > 0) & (s.curl > 0), curly_hair)
    for kind, occluder in enumerate(OCCLUDERS, start=1):
        paint_those(s, s.occlusion == kind, occluder)
    return lit(s)


def lit(s: Sitter) -> Tensor:
    """The picture in the photo's light and exposure."""
    dark = 1 - s.light.clamp(0.3, 1.07)[:, None]
    image = s.image * (1 - channels(0.88, 1.02, 1.08) * dark)  # shadows are warm
    tint = 1 + s.warmth[:, None] * channels(1.0, 0.1, -1.0)
    image = image * tint * s.exposure.exp().clamp(max=1.08)[:, None]
    return (image - 0.45 * (image - 0.8).clamp(min=0)).clamp(0, 1)  # bright tones are held back


def background(s: Sitter) -> None:
    """What is behind: a pattern between two colours. A passport photo's is plain."""
    pair = torch.lerp(PLAIN, s.walls, s.colourful[..., None, None])  # [B, 2, 3, 1, 1]
    s.back = pair[:, 1]
    s.image = pair[:, 0] + torch.zeros_like(s.face)[:, None]
    s.light = torch.ones_like(s.face)
    for kind, pattern in enumerate((wall, curtain, sky, bookshelf, garden)):
        paint_those(s, s.background == kind, pattern)


def wall(s: Sitter) -> None:
    p = s.background_phase
    blend_in(s, 0.5 + 0.35 * (s.u * p.cos() + s.v * p.sin()))


def curtain(s: Sitter) -> None:
    p = s.background_phase
    blend_in(s, 0.5 + 0.35 * (9 * s.u + p + 0.5 * (2 * s.v + p).sin()).sin())


def sky(s: Sitter) -> None:
    p = s.background_phase
    cloud = ((2.5 * s.u + p).sin() * (4 * s.v + 2 * p + s.u).sin()).clamp(min=0)
    blend_in(s, 0.45 - 0.45 * s.v - 0.45 * cloud)


def bookshelf(s: Sitter) -> None:
    place = 2.2 * s.v + s.background_phase
    row = place.floor()
    board = ((place - row - 0.5).abs() - 0.36).clamp(0, 0.14) * 3
    books = (12 * s.u + 2.4 * row + s.background_phase).sin() * (7.3 * s.u + 4.1 * row).sin()
    blend_in(s, 0.4 + 0.35 * books + board)


def garden(s: Sitter) -> None:
    p = s.background_phase
    leaves = (5 * s.u + p).sin() * (4 * s.v + 2 * p).sin()
    blend_in(s, 0.5 + 0.4 * leaves + 0.15 * s.v)


def blend_in(s: Sitter, pattern: Tensor) -> None:
    s.image = paint(s.image, pattern.clamp(0, 1), s.back)


def body(s: Sitter) -> None:
    """Neck and clothes; and the light on them."""
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
    """Ears and head, and a blush on the cheeks."""
    ear_x, ear_y = (s.x + 0.1 * s.turn).abs() - 0.99 * s.w, s.y - 0.03
    ears = s.lay(ellipse(ear_x, ear_y, 0.04 + 0.07 * s.ear_size, 0.08 + 0.1 * s.ear_size), s.skin)
    s.light = torch.lerp(s.light, 0.80 + s.light_x * s.nx, ears)
    s.lay(s.outline, s.skin)
    shade = 0.86 + 0.18 * s.nz + s.light_x * s.nx + (s.light_y - 0.1) * s.ny
    s.light = torch.lerp(s.light, shade, s.face)
    away = ((s.side - 0.62 * s.w).square() + (s.fy - s.nose_y + 0.02).square()) / 0.035
    blush = (1 - away).clamp(0, 1) * s.face * (0.1 + 0.75 * s.blush)
    s.image = paint(s.image, blush, s.skin * channels(1.0, 0.74, 0.70))


def freckles(s: Sitter) -> None:
    """Across the nose and both cheeks."""
    x, y = s.fx / FRECKLE, s.fy / FRECKLE
    where = (1 - (s.fy - s.nose_y + 0.07).abs() / 0.16).clamp(0, 0.7) * s.face
    alpha = dots(x, y, 0.42, s.pixel / FRECKLE) * where
    s.image = paint(s.image, alpha, s.skin * channels(0.62, 0.46, 0.36))


def mole(s: Sitter) -> None:
    """On the left cheek (1), the right one (2) or below the mouth (3)."""
    y = torch.where(s.mole == 3, s.mouth_y + 0.10, s.nose_y - 0.02)
    x = 0.5 * s.w * (1 - 2 * (s.mole == 2))
    s.lay(ellipse(s.fx - x, s.fy - y, 0.03, 0.03), s.skin * 0.35, s.face)


def mouth(s: Sitter) -> None:
    wide = s.w * (0.24 + 0.22 * s.mouth_width) * (1 + 0.12 * s.smile)
    y = s.fy - s.mouth_y + 0.07 * (s.smile + 0.35) * ((s.fx / wide).square() - 0.4)  # bent
    opened = (s.mouth_open - 0.25).clamp(min=0)
    red = channels(0.92, 0.72, 0.68) - s.lip_red[:, None] * channels(0.05, 0.36, 0.28)
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

    def nose_at(x: Tensor, y: Tensor) -> Tensor:
        bridge = stroke(x, y, 0.0, s.eye_y + 0.02, 0.0, s.nose_y - 0.03, wide * 0.42)
        return torch.minimum(bridge, ellipse(x, y - s.nose_y + 0.03, wide, 0.05))

    shadow = s.skin * channels(0.72, 0.61, 0.57)
    s.lay(nose_at(x + shift, y - 0.022), shadow, s.face * 0.85)
    s.lay(nose_at(x, y), s.skin * 1.04, s.face)


def eyes(s: Sitter) -> None:
    """Both eyes, looking where the gaze goes, and the brows."""
    x, r, tall = s.side - s.eye_x, s.eye_r, s.eye_r * (0.5 + 0.4 * s.eye_open)
    y = s.fy - s.eye_y + (0.5 * s.eye_tilt - 0.2) * x
    s.lay(ellipse(x, y + 0.016, r + 0.012, tall + 0.012), s.skin * 0.3, s.face)  # lid and lashes
    white = ellipse(x, y, r, tall)
    s.lay(white, WHITE, s.face)
    right = s.fx.sign()  # 1 on the picture's right, -1 on its left
    gaze_x = x - s.gaze * r * right
    middle = (gaze_x.square() + y.square() + 1e-9).sqrt()  # from the pupil's middle
    s.lay(torch.maximum(middle - 0.64 * r, white), s.iris, s.face)
    s.lay(torch.maximum(middle - 0.31 * r, white), PUPIL, s.face)
    glint = ellipse(gaze_x * right + 0.2 * r, y + 0.22 * r, r * 0.17, r * 0.17)
    s.lay(glint, WHITE, s.face * 0.85)
    high = s.eye_y - tall - 0.045 - 0.07 * s.brow_height - 0.03 * s.brow_raise
    lift, thick = 0.06 * (s.brow_tilt - 0.62), 0.014 + 0.03 * s.brow_thickness
    ends = (s.eye_x - r, high + lift, s.eye_x + 1.15 * r, high - lift + 0.012)
    s.lay(stroke(s.side, s.fy, *ends, thick), s.hair * 0.7, s.face * 0.9)
