"""Diagrams of networks, drawn from the tensors that went through them: `pipeline`.

What is computed stands in a box, data stand bare; an arrow carries the shape of the tensor that it stands for.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from torch import Tensor

from course_lib.arguments import check_finite, check_tensor, shape
from course_lib.page.plots import MUTED, SAME, WIDTH
from course_lib.page.tensor_pictures import draw, size_of

TINT, INK, SHAPE = "#E9F2F9", "#222222", "#555555"
# Pixels, at 100 an inch: of a line of text, of the largest picture, around what is in a box, between rows.
PIXELS, MARGIN, LINE, LARGEST, PAD, BETWEEN = round(100 * WIDTH), 8, 16, 104, 8, 26
# In points.
FONT = {"size": 9.5, "ha": "center", "va": "center"}


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a pipeline: an operation, if it has a note or nothing to show, or else data.

    name: its title.
    tensor: what comes out of it. [B, C, H, W] or [C, H, W] is drawn as nine channels of the first image,
        [N, M] and [N] as strips of colour, each scaled to its own range; one number [] in digits.
    image: drawn instead of the tensor.   # [3, H, W] or [1, H, W], in 0..1
    note: what it does, in a few words.
    """

    name: str
    tensor: Tensor | None = None
    image: Tensor | None = None
    note: str = ""

    @property
    def is_operation(self) -> bool:
        return bool(self.note) or (self.tensor is None and self.image is None)


class _Place:
    """Where a stage stands: column and rows; once it is laid out also its texts and its box in pixels (y down)."""

    def __init__(self, stage: Stage, column: int):
        self.stage, self.column, self.rows = stage, column, []

    def fill(self, x: float, width: float, last_shape: str) -> None:
        """Break the texts and size the picture for a column of this width."""
        self.x, self.width, inner = x, width, width - 2 * PAD
        self.title = _lines(self.stage.name, inner, "bold")
        self.under = [(line, INK) for line in _lines(self.stage.note, inner)]
        self.under += [(line, SHAPE) for line in _lines(last_shape, inner)]
        self.wide, self.high = size_of(self.stage.tensor, self.stage.image, min(inner, LARGEST))
        self.content = LINE * len(self.title + self.under) + (self.high and self.high + 6)

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def half(self) -> float:
        """From the middle to where arrows end: at the box, or at the picture of what stands bare."""
        return self.width / 2 if self.stage.is_operation else self.wide / 2 + 4


def pipeline(rows: Sequence[Sequence[Stage | None]]) -> Figure:
    """A diagram of stages from left to right, 900 pixels wide.

    Args:
        rows: lists of equally many stages; None leaves a place empty. An arrow leads from each stage to the next of
            its row. One Stage that stands in several rows is drawn once, over all of them: there the rows part
            (one feature map, two heads) or meet (two images, one network).
    Returns:
        A Figure. The first size of [B, C, H, W] is written B; so is the same size where other tensors begin with it.
    Raises:
        TypeError: not lists of stages; an image or a tensor that is none.
        ValueError: rows of different lengths; a stage in two columns, or in rows that are not neighbours; a tensor
            that is empty, has NaN or more than four axes; more columns, or longer words, than 900 pixels hold.

    >>> import torch
    >>> x = torch.rand(4, 3, 32, 32)
    >>> fig = pipeline([[Stage("image", x, image=x[0]), Stage("network", note="5 convolutions")]])
    >>> [text.get_text() for text in fig.axes[0].texts]
    ['image', 'network', '5 convolutions', '[B, 3,\\n32, 32]']
    """
    places = _places(rows)
    followed: dict[tuple[int, int], list[int]] = {}
    for number, row in enumerate(rows):
        for pair in itertools.pairwise(id(stage) for stage in row if stage is not None):
            followed.setdefault(pair, []).append(number)
    arrows = [(places[a], places[b], at) for (a, b), at in followed.items()]
    shapes = _shapes([place.stage for place in places.values()])

    gaps = [30.0] * (len(rows[0]) - 1)
    for a, _, _ in arrows:
        longest = max(map(_length, shapes[id(a.stage)].split("\n")))
        gaps[a.column] = max(gaps[a.column], 22 + longest)
    width = (PIXELS - 2 * MARGIN - sum(gaps)) / len(rows[0])
    if width < 60:
        raise ValueError(f"pipeline: {len(rows[0])} columns and their shapes do not fit 900 pixels")
    begins = {id(a.stage) for a, _, _ in arrows}
    for key, place in places.items():
        x = MARGIN + place.column * width + sum(gaps[: place.column])
        place.fill(x, width, "" if key in begins else shapes[key].replace("\n", " "))

    tops, heights = _row_heights(len(rows), places)
    fig = Figure(figsize=(WIDTH, (tops[-1] + heights[-1] + MARGIN) / 100))
    ax = fig.add_axes((0, 0, 1, 1))
    for place in places.values():
        first, last = place.rows[0], place.rows[-1]
        _draw_stage(ax, place, tops[first], tops[last] + heights[last])
    for a, b, at in arrows:
        middles = [[tops[n] + heights[n] / 2 for n in rows] for rows in (a.rows, b.rows, at)]
        start, end, y = (sum(of) / len(of) for of in middles)
        # A box is met at the row's height, what stands bare at its own.
        start, end = (y if p.stage.is_operation else own for p, own in ((a, start), (b, end)))
        _draw_arrow(ax, a, b, start, end)
        if label := shapes[id(a.stage)]:
            # In the gap, where no stage's texts come.
            middle = a.x + a.width + gaps[a.column] / 2
            look = {**FONT, "va": "bottom", "color": SHAPE, "linespacing": 1.1}
            ax.text(middle, y - 4, label, **look)
    ax.set(xlim=(0, PIXELS), ylim=(100 * fig.get_figheight(), 0))
    ax.set_axis_off()
    return fig


def _places(rows: Sequence[Sequence[Stage | None]]) -> dict[int, _Place]:
    """Every stage once, by its identity."""
    if not isinstance(rows, list | tuple) or not all(isinstance(r, list | tuple) for r in rows):
        raise TypeError(f"pipeline: rows must be lists of stages, got {rows!r:.60}")
    if len(lengths := {len(row) for row in rows}) != 1 or lengths == {0}:
        raise ValueError(f"pipeline: rows must be equally long, got {[len(row) for row in rows]}")
    places: dict[int, _Place] = {}
    for number, row in enumerate(rows):
        for column, stage in enumerate(row):
            if stage is None:
                continue
            if not isinstance(stage, Stage):
                raise TypeError(f"pipeline: rows must hold Stage or None, got {stage!r:.60}")
            _check(stage)
            place = places.setdefault(id(stage), _Place(stage, column))
            if place.column != column or place.rows[-1:] not in ([], [number - 1]):
                was = f"column {place.column}, row {place.rows[-1]}, and column {column}, row {number}"
                raise ValueError(
                    f"pipeline: {stage.name!r} must stand in one column and in neighbouring rows, got {was}"
                )
            place.rows.append(number)
    return places


def _check(stage: Stage) -> None:
    where = f"pipeline: {stage.name!r}"
    if stage.image is not None:
        check_tensor(where, "[C, H, W]", image=stage.image)
    if stage.tensor is None:
        return
    if not isinstance(stage.tensor, Tensor):
        raise TypeError(f"{where}: tensor must be a tensor, got {type(stage.tensor).__name__}")
    if stage.tensor.ndim > 4 or stage.tensor.numel() == 0:
        raise ValueError(
            f"{where}: tensor must have 0 to 4 axes, none empty, got {shape(stage.tensor)}"
        )
    check_finite(where, tensor=stage.tensor)


def _shapes(stages: list[Stage]) -> dict[int, str]:
    """Each stage's shape as it is written, "[B, 96,\\n12, 12]"; nothing for one number, or without a tensor."""
    known = {id(s): list(s.tensor.shape) if s.tensor is not None else [] for s in stages}
    batches = {sizes[0] for sizes in known.values() if len(sizes) == 4}
    texts = {}
    for key, sizes in known.items():
        words = list(map(str, sizes))
        if batches == set(sizes[:1]):
            # [B, B] is all against all.
            words[:2] = ["B" if size == sizes[0] else str(size) for size in sizes[:2]]
        text = ", ".join(words[:2]) + (",\n" if words[2:] else "") + ", ".join(words[2:])
        texts[key] = f"[{text}]" if words else ""
    return texts


def _length(text: str, weight: str = "normal") -> float:
    """Of a line of text, in pixels."""
    font = FontProperties(size=FONT["size"], weight=weight)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] * 100 / 72


def _lines(text: str, width: float, weight: str = "normal") -> list[str]:
    """The text broken at its spaces, so that no line is wider than so many pixels."""
    lines: list[str] = []
    for word in text.split():
        if _length(word, weight) > width:
            raise ValueError(f"pipeline: {word!r} is wider than a column, {width:.0f} pixels")
        if lines and _length(f"{lines[-1]} {word}", weight) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _row_heights(count: int, places: dict[int, _Place]) -> tuple[list[float], list[float]]:
    """Top and height of every row; what stands in several rows makes them higher where it does not fit."""
    heights = [60.0] * count
    for place in sorted(places.values(), key=lambda place: len(place.rows)):
        has = sum(heights[row] for row in place.rows) + BETWEEN * (len(place.rows) - 1)
        for row in place.rows:
            heights[row] += max(0, place.content + 2 * PAD - has) / len(place.rows)
    tops = [MARGIN + sum(heights[:row]) + BETWEEN * row for row in range(count)]
    return tops, heights


def _draw_stage(ax: Axes, place: _Place, top: float, bottom: float) -> None:
    """Title, picture, note and, if no arrow says it, the shape, one under the other in the middle."""
    if place.stage.is_operation:
        at, rounded = (place.x + 1, top + 1), "round,pad=0,rounding_size=7"
        sizes = (place.width - 2, bottom - top - 2)
        ax.add_patch(FancyBboxPatch(at, *sizes, rounded, facecolor=TINT, edgecolor=SAME))
    y = (top + bottom - place.content) / 2
    for line in place.title:
        ax.text(place.middle, y + LINE / 2, line, color=INK, weight="bold", **FONT)
        y += LINE
    if place.high:
        corner = place.middle - place.wide / 2, y + 3
        draw(ax, place.stage.tensor, place.stage.image, corner, (place.wide, place.high))
        y += place.high + 6
    for line, colour in place.under:
        ax.text(place.middle, y + LINE / 2, line, color=colour, **FONT)
        y += LINE


def _draw_arrow(ax: Axes, a: _Place, b: _Place, start: float, end: float) -> None:
    """From the right of `a` to the left of `b`, bent beside the one that stands in more rows."""
    left, right = a.middle + a.half + 2, b.middle - b.half - 2
    bend = a.x + a.width + 7 if len(a.rows) > len(b.rows) else b.x - 7
    path = Path([(left, start), (bend, start), (bend, end), (right, end)])
    look = {"arrowstyle": "-|>", "mutation_scale": 9, "color": MUTED, "linewidth": 1.3}
    ax.add_patch(FancyArrowPatch(path=path, shrinkA=0, shrinkB=0, zorder=1, **look))
