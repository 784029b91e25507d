"""The six kinds of thing in a drawn scene: each a pile of shapes with paint, and its named points.

Every thing is drawn facing right, in its own coordinates: x to the right and y down, from -1 to 1 along its longer
side. A kind is a function from random numbers and pixels to *layers*, a list of (shape, colour), the lowest first.
Whoever draws a scene turns, mirrors, shrinks and places it by choosing where x and y are.
"""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, box, circle, cover, ellipse, polygon, rgb, stroke

PAINTS = rgb("#c8604a", "#e0a050", "#5f9482", "#4a7796", "#8f729f", "#d48f8f", "#86a05c", "#5b9bb0")
LEAVES = rgb("#7c9c55", "#5f8a58", "#94a850", "#4f8068", "#c9964a")
FURS = rgb("#d99a5b", "#8c8782", "#5d5552", "#c7b299", "#a9764f")
WOODS = rgb("#8a6546", "#77563f", "#9c7a58")
PLASTERS = rgb("#f0e2c8", "#e9cdb0", "#dfe3d8", "#f2d9c9", "#d5dde3")
CREAM, GLASS, GLOW, INK, GREY, RED = rgb(
    "#f8f1e0", "#cfe4ea", "#f6d98b", "#3c3a42", "#c6c3c0", "#c9473f"
)[:, None, :, None, None]  # each [1, 3, 1, 1]

Layers = list[tuple[Tensor, Tensor]]


def dark(colour: Tensor) -> Tensor:
    return colour * 0.72


def light(colour: Tensor) -> Tensor:
    return colour + 0.3 * (1 - colour)


def two_colours(r: Randoms) -> tuple[Tensor, Tensor]:
    """Two different colours of `PAINTS`.        # [P, 3, 1, 1] each"""
    first = r.choice(len(PAINTS))
    second = (first + 1 + r.choice(len(PAINTS) - 1)) % len(PAINTS)
    return PAINTS[first][:, :, None, None], PAINTS[second][:, :, None, None]


def car(r: Randoms, x: Tensor, y: Tensor) -> Layers:
    colour, _ = two_colours(r)
    cabin = polygon(x, y, [(-0.42, -0.5), (0.22, -0.5), (0.55, 0.0), (-0.62, 0.0)]) - 0.06
    rear = polygon(x, y, [(-0.37, -0.43), (-0.12, -0.43), (-0.12, -0.07), (-0.5, -0.07)])
    front = polygon(x, y, [(-0.01, -0.43), (0.17, -0.43), (0.43, -0.07), (-0.01, -0.07)])
    layers = [
        (cabin, light(colour)),
        (rear, GLASS),
        (front, GLASS),
        (box(x, y - 0.18, 0.97, 0.27, 0.16), colour),
        (box(x, y - 0.36, 0.93, 0.07, 0.07), dark(colour)),
        (stroke(x, y, -0.2, 0.08, -0.1, 0.08, 0.025), dark(colour)),
        (circle(x - 0.86, y - 0.12, 0.09), GLOW),
        (box(x + 0.92, y - 0.12, 0.05, 0.08, 0.03), RED),
    ]
    for place in (-0.52, 0.52):
        layers += [
            (circle(x - place, y - 0.44, 0.23), INK),
            (circle(x - place, y - 0.44, 0.11), GREY),
        ]
    return layers


def boat(r: Randoms, x: Tensor, y: Tensor) -> Layers:
    colour, sail = two_colours(r)
    hull = polygon(x, y, [(-0.78, 0.32), (0.92, 0.24), (0.6, 0.76), (-0.58, 0.76)]) - 0.06
    main = polygon(x, y, [(-0.13, -0.8), (-0.13, 0.14), (-0.74, 0.14)]) - 0.03
    jib = polygon(x, y, [(0.07, -0.66), (0.72, 0.12), (0.07, 0.12)]) - 0.02
    band = torch.maximum(main, (y + 0.18).abs() - 0.1)
    return [
        (stroke(x, y, -0.03, 0.3, -0.03, -0.94, 0.04), WOODS[:1, :, None, None]),
        (polygon(x, y, [(-0.03, -0.97), (-0.03, -0.78), (-0.34, -0.87)]), RED),
        (main, CREAM),
        (band, sail),
        (jib, light(sail)),
        (hull, colour),
        (torch.maximum(hull, (y - 0.35).abs() - 0.07), CREAM),
        (torch.maximum(hull, 0.66 - y), dark(colour)),
        (circle(x + 0.25, y - 0.55, 0.07), GLASS),
        (circle(x - 0.15, y - 0.55, 0.07), GLASS),
    ]


def house(r: Randoms, x: Tensor, y: Tensor) -> Layers:
    roof_colour, door_colour = two_colours(r)
    wall = box(x, y - 0.33, 0.7, 0.56, 0.02)
    roof = polygon(x, y, [(-0.48, -0.74), (0.48, -0.74), (0.88, -0.16), (-0.88, -0.16)]) - 0.05
    tiles = torch.maximum(roof, (torch.remainder(y, 0.2) - 0.1).abs() - 0.03)
    window = box(x + 0.3, y - 0.24, 0.23, 0.21, 0.02)
    bars = torch.minimum((x + 0.3).abs(), (y - 0.24).abs()) - 0.025
    return [
        (box(x + 0.5, y + 0.75, 0.13, 0.22), dark(roof_colour)),
        (box(x + 0.5, y + 0.94, 0.17, 0.05), roof_colour),
        (wall, r.colour(PLASTERS)),
        (box(x, y + 0.02, 0.7, 0.1), GREY),
        (roof, roof_colour),
        (tiles, dark(roof_colour)),
        (window - 0.06, CREAM),
        (window, torch.where(r.chance(0.5)[:, None] > 0, GLOW, GLASS)),
        (torch.maximum(window, bars), CREAM),
        (box(x - 0.36, y - 0.52, 0.18, 0.36, 0.06), door_colour),
        (circle(x - 0.46, y - 0.54, 0.04), GLOW),
        (torch.maximum(wall, 0.82 - y), GREY),
    ]


def tree(r: Randoms, x: Tensor, y: Tensor) -> Layers:
    leaf, fruit = r.colour(LEAVES), r.colour(PAINTS[[0, 1, 5]])
    trunk = polygon(x, y, [(-0.08, 0.0), (0.09, 0.0), (0.17, 0.95), (-0.17, 0.95)])
    crown = circle(x - 0.36, y - 0.02, 0.4)  # the big, low side is the front
    for cx, cy, radius in ((-0.36, -0.16, 0.34), (-0.03, -0.5, 0.42), (0.0, 0.0, 0.36)):
        crown = torch.minimum(crown, circle(x - cx, y - cy, radius))
    layers = [
        (trunk, r.colour(WOODS)),
        (stroke(x, y, 0.02, 0.5, 0.26, 0.3, 0.05), WOODS[:1, :, None, None]),
        (crown, dark(leaf)),
        (crown + 0.09 - 0.08 * (-x - y).clamp(-1, 1), leaf),
        (ellipse(x + 0.12, y + 0.62, 0.2, 0.13), light(leaf)),
        (ellipse(x - 0.3, y + 0.1, 0.17, 0.1), light(leaf)),
    ]
    for cx, cy in ((0.5, 0.1), (0.12, -0.2), (-0.38, -0.08), (0.08, 0.16)):
        cx, cy = cx + r.uniform(-0.07, 0.07), cy + r.uniform(-0.07, 0.07)
        layers.append((circle(x - cx, y - cy, 0.075), fruit))
    return layers


def cat(r: Randoms, x: Tensor, y: Tensor) -> Layers:
    fur, collar = r.colour(FURS), r.colour(PAINTS)
    tail = torch.minimum(
        stroke(x, y, -0.4, 0.8, -0.76, 0.62, 0.1), stroke(x, y, -0.76, 0.62, -0.78, 0.12, 0.1)
    )
    body = ellipse(x + 0.08, y - 0.4, 0.42, 0.52)
    head = ellipse(x - 0.24, y + 0.36, 0.44, 0.38)
    layers = [
        (tail, fur),
        (circle(x + 0.78, y - 0.1, 0.09), CREAM),
        (body, fur),
        (
            torch.maximum(body, (torch.remainder(y, 0.24) - 0.12).abs().add(x + 0.36) - 0.06),
            dark(fur),
        ),
        (ellipse(x - 0.16, y - 0.4, 0.18, 0.34), light(fur)),
        (stroke(x, y, 0.08, 0.5, 0.1, 0.82, 0.1), light(fur)),
        (stroke(x, y, 0.3, 0.45, 0.34, 0.82, 0.1), light(fur)),
        (box(x - 0.2, y - 0.03, 0.28, 0.06, 0.05), collar),
    ]
    for side in (-1, 1):  # ears
        cx = 0.24 + side * 0.28
        ear = polygon(x - cx, y, [(side * 0.08, -0.95), (0.17, -0.5), (-0.17, -0.5)])
        layers += [(ear, fur), (ear + 0.07, PAINTS[5][None, :, None, None])]
    layers += [
        (head, fur),
        (ellipse(x - 0.34, y + 0.22, 0.22, 0.14), CREAM),
        (circle(x - 0.1, y + 0.4, 0.075), INK),
        (circle(x - 0.48, y + 0.4, 0.075), INK),
        (circle(x - 0.08, y + 0.43, 0.025), CREAM),
        (circle(x - 0.5, y + 0.43, 0.025), CREAM),
        (ellipse(x - 0.34, y + 0.27, 0.06, 0.045), RED),
    ]
    return layers


def balloon(r: Randoms, x: Tensor, y: Tensor) -> Layers:
    colour, stripe = two_colours(r)
    skin = torch.minimum(
        circle(x, y + 0.3, 0.66),
        polygon(x, y, [(-0.55, 0.06), (0.55, 0.06), (0.14, 0.5), (-0.14, 0.5)]),
    )
    outer = torch.maximum(skin, -ellipse(x, y + 0.25, 0.44, 0.8))
    return [
        (stroke(x, y, -0.14, 0.48, -0.14, 0.75, 0.02), INK),
        (stroke(x, y, 0.14, 0.48, 0.14, 0.75, 0.02), INK),
        (polygon(x, y, [(-0.15, 0.64), (-0.15, 0.84), (-0.5, 0.74)]), RED),  # flies at the back
        (skin, stripe),
        (outer, colour),
        (torch.maximum(skin, ellipse(x, y + 0.25, 0.17, 0.8)), colour),
        (torch.maximum(skin, 0.36 - y), dark(colour)),
        (torch.maximum(skin, (y - 0.03).abs() - 0.05), CREAM),
        (ellipse(x + 0.28, y + 0.6, 0.1, 0.15), light(light(colour))),
        (box(x, y - 0.8, 0.19, 0.14, 0.04), WOODS[2][None, :, None, None]),
        (box(x, y - 0.7, 0.21, 0.04, 0.03), WOODS[1][None, :, None, None]),
    ]


DRAW = {"car": car, "boat": boat, "house": house, "tree": tree, "cat": cat, "balloon": balloon}
KINDS = tuple(DRAW)
KEYPOINTS = ("top", "front", "back", "front foot", "back foot")
POINTS = torch.tensor(  # where a kind has its named points, a little inside its edge
    [
        [(-0.1, -0.52), (0.93, 0.2), (-0.93, 0.2), (0.52, 0.6), (-0.52, 0.6)],
        [(-0.03, -0.92), (0.9, 0.28), (-0.78, 0.36), (0.58, 0.77), (-0.56, 0.77)],
        [(-0.5, -0.94), (0.85, -0.17), (-0.85, -0.17), (0.65, 0.84), (-0.65, 0.84)],
        [(-0.03, -0.86), (0.7, 0.02), (-0.64, -0.16), (0.11, 0.9), (-0.11, 0.9)],
        [(0.6, -0.86), (0.62, -0.3), (-0.78, 0.1), (0.34, 0.86), (-0.42, 0.8)],
        [(0.0, -0.91), (0.61, -0.3), (-0.61, -0.3), (0.15, 0.89), (-0.15, 0.89)],
    ]
)  # [6, 5, 2]
METRES = torch.tensor([1.1, 1.15, 1.25, 1.2, 0.85, 1.2])  # how long the longer side is
BOTTOM = torch.tensor([0.67, 0.82, 0.89, 0.95, 0.92, 0.94])  # where a kind touches the ground


def draw_things(
    kind: Tensor, number: Tensor, seed: int, x: Tensor, y: Tensor, pixel: Tensor, outline: float
) -> tuple[Tensor, Tensor]:
    """Draw many things, each in a window of its own.

    Args:
        kind: which of `KINDS`.                                             # [P] int64
        number: of the thing, to which its colours belong.                  # [P] int64
        seed: any integer.
        x, y: where the window's pixels are in the thing's coordinates.     # [P, W, W]
        pixel: the size of a pixel in those coordinates.                    # [P, 1, 1]
        outline: how thick the dark outline is, in pixels.
    Returns:
        The colours, and the silhouette as a signed distance, outline included.  # [P, 3, W, W], [P, W, W]
    """
    colours, shapes = x.new_zeros(len(x), 3, *x.shape[1:]), torch.zeros_like(x)
    for k, draw in enumerate(DRAW.values()):
        at = (kind == k).nonzero()[:, 0]
        if len(at):
            layers = draw(Randoms("thing", seed, number[at]), x[at], y[at])
            colours[at], shapes[at] = flatten(layers, pixel[at], outline)
    return colours, shapes


def flatten(layers: Layers, pixel: Tensor, outline: float) -> tuple[Tensor, Tensor]:
    """Lay the layers over each other and a dark outline: their colours and their union."""
    union = layers[0][0]
    for shape, _ in layers[1:]:
        union = torch.minimum(union, shape)
    mean = sum(colour for _, colour in layers) / len(layers)  # [P, 3, 1, 1]
    picture = 0.5 * mean.expand(-1, -1, *union.shape[1:])
    for shape, colour in layers:
        picture = torch.lerp(picture, colour, cover(shape, pixel)[:, None])  # `paint` in one pass
    return picture, union - outline * pixel
