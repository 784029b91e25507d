"""What the notebooks say things with: figures, sources, claims, comparisons; and, from `controls`, controls to move."""

import ast
import html
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from numbers import Real
from pathlib import Path

from IPython.display import Markdown, display
from matplotlib.figure import Figure
from torch import Tensor

from course_lib.page.controls import Explorer, explore
from course_lib.page.plots import OTHER, SAME, check_alt, check_figure, picture_bundle, to_png

__all__ = [
    "Explorer",
    "claim",
    "compare",
    "explore",
    "figure",
    "record",
    "show_source",
    "table",
]


# Of an output that holds a number for the prose; no front end knows it, so nothing is shown.
RECORD = "text/x-record"


def figure(fig: Figure, alt: str) -> None:
    """Show a figure, with the text that says what one should see in it.

    Args:
        fig: a matplotlib Figure.
        alt: alternative text, for those who do not see the figure; nbval compares it.
    Raises:
        TypeError: `fig` is no Figure, `alt` no text.
        ValueError: no alternative text.

    nbconvert's pages have the text as the image's `alt`; JupyterLab (4.6) passes over it.
    """
    check_figure("figure: fig", fig)
    check_alt("figure", alt)
    width = round(100 * fig.get_figwidth())
    data, metadata = picture_bundle(to_png(fig, dpi=150), alt, width)
    display(data, metadata=metadata, raw=True)


def show_source(thing: Callable) -> None:
    """Show the very source of a function or class of the library, its docstring cut to the first line.

    `help(thing)` shows the whole docstring: shapes, units, errors, sources.
    """
    source = textwrap.dedent(inspect.getsource(thing))
    lines = source.splitlines()
    for node in reversed(list(ast.walk(ast.parse(source)))):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or ast.get_docstring(node) is None:
            continue
        text = node.body[0]
        if text.end_lineno > text.lineno:
            lines[text.lineno - 1 : text.end_lineno] = [lines[text.lineno - 1].rstrip() + '"""']
    where = Path(inspect.getsourcefile(inspect.unwrap(thing)))  # not the decorator's file
    display(
        Markdown(f"`{where.parent.name}/{where.name}`\n```python\n" + "\n".join(lines) + "\n```")
    )


def claim(text: str, holds: bool | Tensor, value: float | Tensor | None = None) -> None:
    """State something that was measured, and whether it holds; where it does not, the page says so and goes on.

    Args:
        text: the claim, a sentence that is the same at every run.
        holds: True or False (a tensor or numpy value with one element will do).
        value: the number it rests on, shown beside it to three digits.
    Raises:
        TypeError: `holds` is not a single truth value, `value` not a single number.

    Exploring is not punished: no error. But the build refuses a page whose claim does not hold, and nbval sees that
    the output has changed.
    """
    answer, number = _plain(holds), _plain(value)
    if not isinstance(answer, bool):
        raise TypeError(
            f"claim: holds must be a single True or False, got {type(holds).__name__}: {holds!r}"
        )
    if number is not None and (isinstance(number, bool) or not isinstance(number, Real)):
        raise TypeError(
            f"claim: value must be a single number, got {type(value).__name__}: {value!r}"
        )
    measured = "" if number is None else f" (measured: {number:.3g})"
    verdict, sign, colour = ("Holds", "✓", SAME) if answer else ("Does not hold", "✗", OTHER)
    style = f"border-left:4px solid {colour};padding:.3em .8em"
    words = html.escape(text, quote=False)
    mark = f'<div style="{style}"><b style="color:{colour}">{sign} {verdict}</b> {words}{measured}</div>'
    display({"text/plain": f"{verdict}: {text}{measured}", "text/html": mark}, raw=True)


def record(name: str, value: object, form: str = "") -> None:
    """Give a number of this run a name, for the prose: the build writes it where the source has {{name}}.

    Args:
        name: such as "yolo.map50": letters, digits, "_", "-" and ".".
        value: a number, a text, or a tensor with one element.
        form: how it is written, as in `format`: ".3f", ".0%", ",".
    Raises:
        ValueError: another name.

    Nothing is shown.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"record: name must be of letters, digits, '_', '-' and '.', got {name!r}")
    display({RECORD: f"recorded: {name} = {_plain(value):{form}}"}, raw=True)


def compare(
    ours: Mapping[str, object], lecture: Mapping[str, object], titles=("ours", "lecture")
) -> None:
    """Show our figures beside the lecture's, row by row.

    Args:
        ours: name -> number or text.
        lecture: the same names -> the lecture's figure; a name that is missing shows as a dash.
        titles: of the two columns.
    Raises:
        ValueError: the lecture has a row that we have not.
    """
    if strangers := set(lecture) - set(ours):
        raise ValueError(
            f"compare: the lecture's rows {sorted(strangers)} are missing from ours {sorted(ours)}"
        )

    if len(titles) != 2:
        raise ValueError(f"compare: titles must be two, got {titles!r}")

    def written(value: object) -> str:
        value = _plain(value)
        return f"{value:.3f}" if isinstance(value, float) else str(value)

    table(
        [("", *titles)]
        + [(name, written(ours[name]), written(lecture.get(name, "–"))) for name in ours]
    )


def table(rows: list[tuple[str, ...]]) -> None:
    """Show rows of text (or numbers) as a table; the first row is its head.

    Raises:
        ValueError: no rows, or rows with different numbers of cells.
    """
    rows = [[str(_plain(cell)) for cell in row] for row in rows]
    if len({len(row) for row in rows}) != 1:
        raise ValueError(
            f"table: rows must be as long as the head, got {[len(row) for row in rows]} cells"
        )
    head, *body = [[html.escape(cell, quote=False) for cell in row] for row in rows]

    def row_of(cells: list[str], tag: str) -> str:
        return (
            "<tr>" + "".join(f'<{tag} style="text-align:left">{c}</{tag}>' for c in cells) + "</tr>"
        )

    page = f"<table><thead>{row_of(head, 'th')}</thead><tbody>"
    page += "".join(row_of(row, "td") for row in body) + "</tbody></table>"
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    plain = "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    display({"text/plain": plain, "text/html": page}, raw=True)


def _plain(value: object) -> object:
    """The Python value of a tensor or a numpy value with one element; anything else as it is."""
    return value.item() if hasattr(value, "item") and math.prod(value.shape) == 1 else value
