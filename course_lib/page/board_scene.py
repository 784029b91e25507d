"""A `board` as plain data: what its script and its static picture are drawn from."""

import base64
import html
import math
import re
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from io import BytesIO

import numpy as np
from matplotlib.colors import is_color_like, to_hex
from PIL import Image
from torch import Tensor

from course_lib.arguments import shape
from course_lib.page.pictures import picture
from course_lib.page.plots import OTHER, QUERY, SAME, to_png

COLOURS = [SAME, OTHER, QUERY, "#CC79A7", "#56B4E9"]
LARGEST = (560, 420)  # pixels on the page, at most
SHAPES = {"area": 4, "box": 4, "arrow": 4, "text": 2}
WORDS = {
    "box": "box",
    "point": "point",
    "stroke": "drawing",
    "reset": "Reset",
    "figure": "what was computed from the board, as a figure",
}
HINTS = {
    "box": "Drag a box or its corners. Keys: Tab, arrows; Alt + arrows resize; Shift is finer.",
    "point": "Drag a point. Keys: Tab, arrows; Shift is finer.",
    "stroke": "Draw. Keys: Tab, arrows; Space lowers and lifts the pen; Backspace undoes.",
    "fixed": "Click a box to choose it. Keys: Tab, Enter.",
}


def scene_of(
    size: tuple[float, float],
    items: Iterable,
    image: Tensor | None,
    start: dict[str, tuple],
    presets: Mapping[str, dict[str, tuple]],
    alt: str,
) -> dict:
    """Everything about a board that does not change.

    Args:
        size: width and height in data units.
        items: Box, Point and Stroke, in the order in which they are drawn.
        image: in 0..1, or None.                                        # [1 or 3, H, W]
        start: the value of each item.
        presets: label -> values of some items.
        alt: what one should see.
    Raises:
        ValueError: an image of other proportions than the board.
    """
    width, height = size
    larger = max(size)
    grid = 1 if larger >= 50 else _round_number(larger / 100)
    scale = min(LARGEST[0] / width, LARGEST[1] / height)
    plain = [
        {
            "name": item.name,
            "label": item.name.replace("_", " "),
            "kind": type(item).__name__.lower(),
            "colour": to_hex(item.colour or COLOURS[i % len(COLOURS)]),
            "fixed": item.fixed,
        }
        for i, item in enumerate(items)
    ]
    movable = [item["kind"] for item in plain if not item["fixed"]]
    scene = {
        "width": width,
        "height": height,
        "shown": [round(scale * width), round(scale * height)],
        "grid": grid,
        "step": grid * max(1, round(larger / 40 / grid)),
        "ticks": _round_number(larger / 10),
        "items": plain,
        "start": start,
        "presets": dict(presets),
        "alt": alt,
        "hint": " ".join(HINTS[kind] for kind in dict.fromkeys(movable or ["fixed"])),
        "words": WORDS,
        "image": "",
        "image_width": 0,
    }
    if image is not None:
        pixels = picture(image)  # [H, W, 3]
        if not math.isclose(pixels.shape[1] / pixels.shape[0], width / height, rel_tol=0.02):
            raise ValueError(
                f"Board: image must have the board's shape, {width:g} wide and {height:g} high, got {shape(image)}"
            )
        buffer = BytesIO()
        Image.fromarray((255 * pixels).round().astype(np.uint8)).save(buffer, format="png")
        scene["image"] = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
        scene["image_width"] = pixels.shape[1]
    return scene


def answer_of(shown) -> dict:
    """What `on_change` returned, a `Shown`, as the script draws it."""
    answer = {"html": markup(shown.text), "shapes": [_shape_of(one) for one in shown.shapes]}
    if shown.figure is not None:
        answer["figure"] = base64.b64encode(to_png(shown.figure)).decode()
        answer["figure_width"] = round(100 * shown.figure.get_figwidth())
    return answer


def markup(text: str) -> str:
    """The text as HTML in which nothing but `<sub>` and `<sup>` is a tag."""
    return re.sub(r"&lt;(/?su[bp])&gt;", r"<\1>", html.escape(text, quote=False))


def check_shape(one: object) -> None:
    """Raise ValueError unless `one` is a shape as `Shown` lists them."""
    fits = isinstance(one, tuple | list) and 3 <= len(one) <= 4 and one[0] in SHAPES
    if fits:
        kind, at, colour, *label = one
        fits = len(numbers(f"Shown: shape {kind!r}", at, SHAPES[kind])) and is_color_like(colour)
        fits = fits and all(isinstance(text, str) for text in label)
        fits = fits and (kind != "text" or label) and (kind != "area" or not label)
    if not fits:
        raise ValueError(
            "Shown: a shape must be ('box', (x1, y1, x2, y2), colour, label), ('area', (x1, y1, x2, y2), colour), "
            f"('arrow', (x1, y1, x2, y2), colour, label) or ('text', (x, y), colour, label), got {one!r}"
        )


def numbers(where: str, values: object, count: int) -> tuple[float, ...]:
    """`count` finite numbers as a tuple of floats; a tensor, an array and a list are all taken."""
    try:
        found = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        found = ()
    if len(found) != count or not all(math.isfinite(value) for value in found):
        names = {2: "(x, y)", 4: "(x1, y1, x2, y2)"}[count]
        raise ValueError(f"{where} must be {count} finite numbers {names}, got {values!r}")
    return found


def check_inside(size: tuple[float, float], values: Mapping[str, tuple]) -> None:
    """Raise ValueError unless every corner and point of every value lies on the board."""
    width, height = size
    for name, value in values.items():
        # [n, 2]
        points = np.array(
            [point for line in value for point in line] if _is_lines(value) else value
        ).reshape(-1, 2)
        if not ((points >= 0) & (points <= size)).all():
            raise ValueError(f"Board: {name} must lie in 0..{width:g} x 0..{height:g}, got {value}")


def check_takes(on_change: Callable, names: list[str]) -> bool:
    """True if `on_change` also takes `clicked`; raises TypeError unless it takes every item and needs no more."""
    taken = signature(on_change).parameters
    if any(p.kind is Parameter.VAR_KEYWORD for p in taken.values()):
        return "clicked" in taken
    needed = {
        n for n, p in taken.items() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL
    }
    if set(names) - set(taken) or needed - {*names, "clicked"}:
        called = getattr(on_change, "__name__", type(on_change).__name__)
        raise TypeError(
            f"Board: on_change must take the items {names}, got {called} which takes {list(taken)}"
        )
    return "clicked" in taken


def _shape_of(one: tuple) -> dict:
    kind, at, colour, *label = one
    at = list(numbers("Shown", at, SHAPES[kind]))
    return {"kind": kind, "at": at, "colour": to_hex(colour), "label": label[0] if label else ""}


def _is_lines(value: tuple) -> bool:
    return not all(isinstance(part, float) for part in value)


def _round_number(value: float) -> float:
    """The largest of ... 0.1, 0.2, 0.5, 1, 2, 5, 10 ... that is not above the value, as far as rounding can tell."""
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))
