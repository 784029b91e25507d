"""What comes before a drawn face: glasses, a hand, a scarf, a phone."""

import torch
from torch import Tensor

from course_lib.render.canvas import box, circle, cover, ellipse, stroke, turned
from course_lib.render.faces.sitter import Sitter
from course_lib.render.faces.tables import PHONE, WHITE

FINGER = 0.13  # from the middle of one finger to the middle of the next


def glasses(s: Sitter) -> None:
    x, y, r = s.side - s.eye_x, s.fy - s.eye_y, s.eye_r
    rim = box(x, y - 0.01, r * 1.5, r * 1.25, (0.5 + 0.7 * s.glasses_round) * r)
    wire = torch.minimum(rim.abs() - 0.016, box(x - 2.5 * r, y + 0.02, r, 0.014))  # and its arms
    wire = torch.minimum(wire, box(s.fx, y + 0.01, s.eye_x - r * 1.4, 0.014))  # and the bridge
    s.lay(rim, WHITE, s.face * 0.14)
    s.lay(wire, s.frame, s.face)


def held_before_the_face(s: Sitter) -> tuple[Tensor, Tensor]:
    """x and y as a held thing sees them: it comes from below, leaning outwards."""
    side, high = s.occlusion_x, s.occlusion_y
    return turned(s.u - 0.45 * side, s.v - 0.25 - 0.35 * high, 0.5 * side)


def lay_before(s: Sitter, shape: Tensor, colour: Tensor) -> Tensor:
    """Paint something that stands out: its shadow falls on the face, the face's shading not on it."""
    s.light = s.light - 0.15 * cover(shape - 0.04, 0.08 + s.pixel)
    alpha = s.lay(shape, colour)
    s.light = torch.lerp(s.light, torch.ones(()), alpha)
    return alpha


def rounded(shape: Tensor, deep: float) -> Tensor:
    """How bright a thing is that is round: darker within `deep` of its edge.        # [B, 1, H, W]"""
    return (1 - 0.25 * (shape / deep + 1).clamp(0, 1))[:, None]


def hand(s: Sitter) -> None:
    x, y = held_before_the_face(s)
    which = (x / FINGER - 0.5).round().clamp(-2, 1)  # of the four fingers is nearest
    across, bend = x - FINGER * (which + 0.5), 0.03 * (which + 0.3).square()  # outer ones end lower
    fingers = box(across, y + 0.22 - bend, 0.058, 0.28, 0.058)
    thumb = stroke(x, y, 0.2, 0.36, 0.36, 0.1, 0.06)
    arm = box(x, y - 0.35, 0.26, 0.4, 0.14)
    shape = torch.minimum(torch.minimum(fingers, arm), thumb)
    lay_before(s, shape, s.skin * 0.98 * rounded(shape, 0.05))
    nail = ellipse(across, y + 0.42 - bend, 0.03, 0.045)
    s.lay(nail, 0.6 * s.skin + 0.32)


def phone(s: Sitter) -> None:
    x, y = held_before_the_face(s)
    shape = box(x, y, 0.22, 0.4, 0.06)
    lay_before(s, shape, PHONE * (1.1 - 0.25 * y[:, None]))
    s.lay((shape + 0.02).abs() - 0.01, PHONE * 1.7)
    s.lay(circle(x + 0.1, y + 0.28, 0.06), PHONE * 2)  # its cameras
    s.lay(circle(x + 0.1, y + 0.28, 0.03), PHONE * 0.6)


def scarf(s: Sitter) -> None:
    """Two turns of wool around neck and chin, the upper one over the lower, and an end that hangs down."""
    top = 0.16 + 0.2 * s.occlusion_y
    y = s.by + 0.22 * s.bx.square() - top  # a turn sags in the middle
    end_x = s.bx - 0.3 * s.occlusion_x.sign() - 0.1 * (s.by - 0.8)
    end = box(end_x, s.by - 1.1, 0.14, 0.5, 0.04)
    turns = box(s.bx, y - 0.54, s.w + 0.14, 0.2, 0.2), box(s.bx, y - 0.22, s.w + 0.1, 0.22, 0.2)
    for shape, middle in ((turns[0], 0.54), (end, None), (turns[1], 0.22)):
        if middle is None:  # stripes across the end
            shade = 0.86 + 0.1 * (18 * s.by).sin()
        else:  # round above and below, with slanting folds
            shade = 1.04 - 3 * (y - middle + 0.05).square() + 0.06 * (16 * s.bx + 22 * y).sin()
        lay_before(s, shape, s.wool * (shade[:, None] * rounded(shape, 0.05)))


OCCLUDERS = (hand, scarf, phone)  # as `occlusion` numbers them, from 1
