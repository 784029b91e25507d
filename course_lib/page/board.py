"""A board to take hold of: boxes, points and strokes over an image, moved by mouse, finger or keys (all lectures).

    Board(10, 6, [Box("A", (1, 1, 5, 4)), Box("B", (3, 2, 8, 5))], on_change=overlap, alt="two boxes")

Python recomputes while an item moves, and what `on_change` returns is drawn. A test can use it like a person:

    >>> board = Board(10, 6, [Point("p", (1, 2))], lambda p: f"x = {p[0]:g}", alt="a point")
    >>> board.set(p=(4, 2)); board.values, board.shown.text
    ({'p': (4.0, 2.0)}, 'x = 4')
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anywidget
import traitlets
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from torch import Tensor

from course_lib.arguments import check_positive
from course_lib.page.board_drawing import STYLE
from course_lib.page.board_scene import (
    answer_of,
    check_inside,
    check_shape,
    check_takes,
    numbers,
    scene_of,
)
from course_lib.page.board_script import SCRIPT
from course_lib.page.board_still import draw_board, width_of
from course_lib.page.plots import check_alt, picture_bundle


@dataclass(frozen=True)
class Item:
    """What lies on a board. Its name is an argument of `on_change`; on the board, `_` is written as a space."""

    name: str
    start: Sequence
    colour: str | None = None
    fixed: bool = False

    def __post_init__(self):
        kind = type(self).__name__
        if not (isinstance(self.name, str) and self.name.isidentifier()) or self.name == "clicked":
            expected = f"{kind}: name must be a Python name other than 'clicked'"
            raise ValueError(f"{expected}, got {self.name!r}")
        if self.colour is not None and not is_color_like(self.colour):
            raise ValueError(f"{kind} {self.name}: colour must be a colour, got {self.colour!r}")
        object.__setattr__(self, "start", self.checked(self.start))

    def checked(self, value: object) -> tuple:
        """The value as a tuple of floats; raises ValueError unless this item can have it."""
        raise NotImplementedError


class Box(Item):
    """A box (x1, y1, x2, y2), moved whole or by a corner unless it is `fixed`."""

    def checked(self, value: object) -> tuple:
        """The four numbers, x1 < x2 and y1 < y2."""
        x1, y1, x2, y2 = numbers(f"Box {self.name}", value, 4)
        if not (x1 < x2 and y1 < y2):
            raise ValueError(f"Box {self.name} must have x1 < x2 and y1 < y2, got {value!r}")
        return x1, y1, x2, y2


class Point(Item):
    """A point (x, y)."""

    def checked(self, value: object) -> tuple:
        """The two numbers."""
        return numbers(f"Point {self.name}", value, 2)


class Stroke(Item):
    """What is drawn by hand: a tuple of lines, each a tuple of points (x, y); at first there is none."""

    def __init__(self, name: str, start: Sequence = (), colour: str | None = None):
        super().__init__(name, start, colour)

    def checked(self, value: object) -> tuple:
        """The lines, each of one point or more."""
        where = f"Stroke {self.name}: each point of each line"
        try:
            lines = tuple(tuple(numbers(where, point, 2) for point in line) for line in value)
        except TypeError:
            lines = [()]
        if () in lines:
            raise ValueError(f"Stroke {self.name} must be lines of points (x, y), got {value!r}")
        return lines


@dataclass(frozen=True)
class Shown:
    """What `on_change` returns to be shown: any of a text, a figure, and shapes over the board.

    Args:
        text: plain, under the board; `<sub>` and `<sup>` are taken.
        figure: a matplotlib Figure, beside the board, or below it where the page is too narrow.
        shapes: ("box", (x1, y1, x2, y2), colour, label), ("area", (x1, y1, x2, y2), colour),
            ("arrow", (x1, y1, x2, y2), colour, label), ("text", (x, y), colour, label), in the board's units.
    Raises:
        TypeError, ValueError: anything else.
    """

    text: str = ""
    figure: Figure | None = None
    shapes: Sequence[tuple] = field(default_factory=list)

    def __post_init__(self):
        for name, kind, called in (("text", str, "text"), ("figure", Figure | None, "Figure")):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"Shown: {name} must be a {called}, got {type(value).__name__}")
        for one in self.shapes:
            check_shape(one)


class Board(anywidget.AnyWidget):
    """Items that are moved over an image or a grid, and what Python makes of them.

    Args:
        width, height: of the board in data units, y down: the pixels of the image, where there is one.
        items: Box, Point or Stroke, each with a name of its own.
        on_change: called with every item's value by its name, at the start and after every move; returns None, a
            text, a matplotlib Figure or `Shown`. If it takes `clicked`, it gets a tuple of the names of the items
            that were clicked, or chosen by Enter, since the start or Reset, the last one last.
        image: in 0..1, of the board's proportions.                     # [1 or 3, H, W]
        alt: what one should see at the start.
        presets: label -> values of some items; a button each, beside Reset.
    Raises:
        TypeError, ValueError: no items, or two of one name; a value that an item cannot have or that lies outside of
            the board; an `on_change` that does not take the items, or returns anything else; whatever it raises.

    `.values` are the items' values, `.clicked` the names of those that were clicked, `.shown` what `on_change` returned
    last. What it raises later is shown under the board and kept in `.error`, which is None again after the next move.
    """

    _esm, _css = SCRIPT, STYLE
    _scene, _state, _answer = (traitlets.Dict().tag(sync=True) for _ in range(3))

    def __init__(
        self,
        width: float,
        height: float,
        items: Sequence[Item],
        on_change: Callable | None = None,
        image: Tensor | None = None,
        *,
        alt: str,
        presets: Mapping[str, dict] | None = None,
    ):
        check_positive("Board", width=width, height=height)
        check_alt("Board", alt)
        self.size, self.image, self.alt, self.on_change = (width, height), image, alt, on_change
        self.items = _by_name(items)
        self.tells_clicked = on_change is not None and check_takes(on_change, list(self.items))
        start = self._checked({name: item.start for name, item in self.items.items()})
        ready = {label: self._checked(values) for label, values in (presets or {}).items()}
        scene = scene_of(self.size, self.items.values(), image, start, ready, alt)
        super().__init__(_scene=scene, _state={"values": start, "clicked": []})
        # What fails at once fails the cell, like any other code.
        self.error: Exception | None = None
        self.shown = self._asked()
        self._answer = answer_of(self.shown)
        self.first_png = self.png
        self.observe(self._changed, names="_state")

    @property
    def values(self) -> dict[str, tuple]:
        """The value of every item."""
        return {n: item.checked(self._state["values"][n]) for n, item in self.items.items()}

    @property
    def clicked(self) -> tuple[str, ...]:
        """The names of the items that were clicked, or chosen by Enter, the last one last."""
        return tuple(self._state["clicked"])

    @property
    def png(self) -> bytes:
        """The board as it is now, with its text and figure, drawn without a browser."""
        text, shapes = self._answer.get("error", self.shown.text), self._answer.get("shapes", [])
        places = self._scene, self.image, self.values, self.clicked
        return draw_board(*places, shapes, text, self.shown.figure)

    def set(self, **values) -> None:
        """Move items by name, as a reader would; what is not named stays as it is."""
        self._state = {**self._state, "values": {**self.values, **self._checked(values)}}

    def click(self, name: str) -> None:
        """Click an item, as a reader would."""
        if name not in self.items:
            raise ValueError(f"Board: name must be one of {list(self.items)}, got {name!r}")
        self._state = {**self._state, "clicked": [*self.clicked, name]}

    def _checked(self, values: Mapping[str, object]) -> dict[str, tuple]:
        """The values as floats; raises ValueError unless the items can have them here."""
        if unknown := [name for name in values if name not in self.items]:
            raise ValueError(f"Board: there is no item {unknown}, the items are {list(self.items)}")
        found = {name: self.items[name].checked(value) for name, value in values.items()}
        check_inside(self.size, found)
        return found

    def _asked(self) -> Shown:
        """What `on_change` makes of the values."""
        if self.on_change is None:
            return Shown()
        clicks = {"clicked": self.clicked} if self.tells_clicked else {}
        answer = self.on_change(**self.values, **clicks)
        if answer is None or isinstance(answer, str):
            return Shown(answer or "")
        if isinstance(answer, Figure):
            return Shown(figure=answer)
        if isinstance(answer, Shown):
            return answer
        expected = "Board: on_change must return None, a text, a matplotlib Figure or Shown"
        raise TypeError(f"{expected}, got {type(answer).__name__}")

    def _changed(self, change: object) -> None:
        """Answer the newest values; where that fails, show why: a callback's traceback would be lost."""
        try:
            self.shown = self._asked()
            self._answer, self.error = answer_of(self.shown), None
        except Exception as error:
            self.error = error
            kept = {k: v for k, v in self._answer.items() if k.startswith("figure")}
            self._answer = {**kept, "error": f"{type(error).__name__}: {error}"}

    def __repr__(self) -> str:
        return f"Board: {self.alt}"

    def _repr_mimebundle_(self, **options):
        """The live board, with its first picture for readers without a kernel."""
        live, _ = super()._repr_mimebundle_(**options)
        still, metadata = picture_bundle(self.first_png, self.alt, width_of(self.first_png))
        return {**live, **still, "text/plain": repr(self)}, metadata


def _by_name(items: Sequence[Item]) -> dict[str, Item]:
    """The items by name, in their order; raises unless there are some, each with a name of its own."""
    for item in items:
        if not isinstance(item, Box | Point | Stroke):
            raise TypeError(f"Board: items must be Box, Point or Stroke, got {item!r}")
    names = [item.name for item in items]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Board: items must have names of their own, got {names}")
    return {item.name: item for item in items}
