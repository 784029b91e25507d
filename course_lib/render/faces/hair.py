"""Hair of a drawn face: behind the head, on its chin, and over its forehead."""

import torch
from torch import Tensor

from course_lib.render.canvas import box, cover, ellipse
from course_lib.render.faces.sitter import Sitter

NOWHERE = torch.ones(())  # a shape that covers nothing


def hair_behind(s: Sitter) -> None:
    """What hangs down behind neck and shoulders."""
    wide, tall = s.w + (0.6 + 0.8 * s.hair_volume) * s.sides + 0.01, s.low.clamp(min=0) * s.h / 2
    behind = box(s.x + 0.1 * s.turn, s.y - tall + 0.08, wide, tall + 0.14, 0.16)
    s.lay(behind, s.hair * 0.8)


def beard(s: Sitter) -> None:
    """Stubble (1), a moustache (2), a goatee (3) or a full beard (4)."""
    y = s.fy - s.mouth_y
    cheeks = torch.maximum(s.outline - 0.03, -0.02 - 0.12 * s.side / s.w - y)
    s.lay(cheeks, s.hair * 0.82, (s.beard == 4) * 0.95 + (s.beard == 1) * 0.28)
    x = s.side - 0.14 * s.w
    moustache = ellipse(x, y + 0.07 - 0.25 * x, 0.24 * s.w, 0.04)
    moustache = torch.where(s.beard > 1, moustache, NOWHERE)
    chin = torch.where(s.beard == 3, ellipse(s.fx, y - 0.16, 0.22 * s.w, 0.13), NOWHERE)
    s.lay(torch.minimum(moustache, chin), s.hair * 0.82, 0.92 * s.face)


def straight_hair(s: Sitter) -> None:
    sheen = (1 - (s.ny + 0.72 + 0.25 * s.nx.square()).abs() / 0.16).clamp(0, 1)
    strands = 0.06 * (24 * s.nx + 5 * s.slope * s.ny).sin()
    colour = s.hair * (1 + strands + 0.25 * sheen)[:, None] + 0.05 * sheen[:, None]
    hair_in_front(s, colour)


def curly_hair(s: Sitter) -> None:
    waves = (15 * s.x + 2 * (9 * s.y).sin()).sin() * (14 * s.y + 2 * (8 * s.x).sin()).sin()
    hair_in_front(s, s.hair * (1 - 0.13 * waves)[:, None], curls=0.03 * waves)


def hair_in_front(s: Sitter, colour: Tensor, curls: Tensor | float = 0.0) -> None:
    """A cap over the head, less a window for the face, down to where it is cut."""
    front = torch.maximum(cap(s, curls), -window(s, curls))
    front = torch.maximum(front, s.y - s.low.clamp(max=0.9) * s.h)
    shadow = cover(
        front - 0.05, 0.06 + s.pixel
    )  # on the face, the fainter the farther from the hair
    s.light = s.light - 0.28 * shadow * s.face
    alpha = s.lay(front, colour)
    s.light = torch.lerp(s.light, 0.93 + s.light_x * s.nx + (s.light_y - 0.1) * s.ny, alpha)


def cap(s: Sitter, curls: Tensor | float) -> Tensor:
    """Hair all over the head, thicker above than at the sides; and a bun on top."""
    thick = torch.lerp(s.sides, s.top, (0.5 - 0.9 * s.ny).clamp(0, 1))
    all_over = s.outline - (0.6 + 0.8 * s.hair_volume) * thick + curls
    bun = ellipse(s.x + 0.06 * s.turn, s.y + s.h + 0.08, 0.17, 0.14) + 5 * (1 - s.bun)
    return torch.minimum(all_over, bun)


def window(s: Sitter, curls: Tensor | float) -> Tensor:
    """Where the face looks out: below the hairline, between the sides. It turns with the face."""
    slope = s.slope * (1 - 2 * (s.hair_side > 0.5)) + 0.12 * (s.hair_side - 0.5)
    line = s.h * (s.line + 0.16 * (s.hairline - 0.5)) + slope * s.fx + s.tent * s.side
    tall = s.h * (1.02 + 0.3 * (s.line < -1))
    opening = ellipse(s.fx, s.fy - 0.16 * s.h, s.w * s.window, tall)
    opening = torch.maximum(opening, line - s.fy) + 0.5 * curls
    # where the face has turned away, it must not look out beside the head; below the jaw is the neck
    inside = s.outline + 0.02 - 3 * (s.y - 0.25 * s.h).clamp(min=0)
    return torch.maximum(opening, inside)
