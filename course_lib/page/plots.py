"""The course's colours, panels, bars and scatters; for images in figures see `pictures`.

The same colour means the same thing throughout: blue is the same class (or ours), orange another one, black the query.
Every function returns a matplotlib Figure or draws into the axes it was given; nothing here needs a screen.
"""

import base64
from collections.abc import Sequence
from io import BytesIO

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from course_lib.arguments import check_finite, check_labels, check_tensor

# Okabe and Ito's palette: told apart by nearly everyone, colour-blind or not.
SAME, OTHER, QUERY, MUTED = "#0072B2", "#D55E00", "#000000", "#8A8A8A"
CLASS_COLOURS = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C6D31", "#4D4D4D", "#B2182B",
]  # fmt: skip
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    # Where it would be anyway: else every tick is looked at, twice, for one above the axes.
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.spines.bottom": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.labelcolor": "#333333",
}
# For every figure from here on, those that a student adds included.
matplotlib.rcParams.update(STYLE)
WIDTH = 9.0  # inches; shown at 100 pixels an inch


def panels(
    columns: int = 1, rows: int = 1, height: float = 3.2, widths: Sequence[float] | None = None
):
    """A figure of the page's width with a grid of axes in the course's style.

    Args:
        columns, rows: of axes.
        height: of one row, in inches; the figure is 9 inches (900 pixels) wide.
        widths: relative widths of the columns.
    Returns:
        The figure, and its axes row by row as a flat list.
    """
    fig = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    axes = list(fig.subplots(rows, columns, squeeze=False, width_ratios=widths).flat)
    for ax in axes:
        ax.locator_params(nbins=5)  # a few ticks: calmer to look at, and each costs a millisecond
    return fig, axes


def to_png(fig: Figure, dpi: int = 100) -> bytes:
    """The figure as PNG bytes, the same bytes for the same figure.

    Drawn once on a canvas: `savefig` would draw everything twice, first only to lay it out.
    """
    fig.set_dpi(dpi)
    canvas, buffer = FigureCanvasAgg(fig), BytesIO()
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]  # [H, W, 3]
    Image.fromarray(pixels).save(buffer, format="png", compress_level=3)
    return buffer.getvalue()


def picture_bundle(png: bytes, alt: str, width: int) -> tuple[dict, dict]:
    """A figure as Jupyter displays it, and its metadata: shown `width` pixels wide."""
    data = {"image/png": base64.b64encode(png).decode(), "text/plain": f"Figure: {alt}"}
    return data, {"image/png": {"width": width, "alt": alt}}


def check_alt(where: str, alt: str) -> None:
    """Raise unless the alternative text is a text that says something."""
    if not isinstance(alt, str):
        raise TypeError(f"{where}: alt must be a text, got {type(alt).__name__}")
    if not alt.strip():
        raise ValueError(f"{where}: alt must say what one should see, got an empty text")


def check_figure(what: str, fig: Figure) -> None:
    """Raise unless a drawing function returned a Figure, or one was given."""
    if not isinstance(fig, Figure):
        raise TypeError(f"{what} must be a matplotlib Figure, got {type(fig).__name__}")


def bare(ax: Axes, title: str = "", colour: str | None = None) -> Axes:
    """Axes without ticks and grid, for images; with a coloured frame if asked for."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    ax.set_title(title)
    for spine in ax.spines.values():
        spine.set(visible=colour is not None, color=colour, linewidth=3)
    return ax


def scatter_classes(
    ax: Axes, points: Tensor, labels: Tensor, names: Sequence[str], title: str = ""
) -> None:
    """Points coloured by class, with each class's name written at the middle of its points.

    Args:
        ax: axes to fill.
        points: a tensor or array of numbers.                   # [N, 2]
        labels: whole numbers of any type, each a number of `names`.   # [N]
        names: what the classes are called.
        title: of the axes.
    Raises:
        ValueError: other shapes, NaN or infinity, a label without a name.
    """
    points, labels = (torch.as_tensor(values).detach().cpu() for values in (points, labels))
    points = points.double()
    check_tensor("scatter_classes", "[N, 2]", points=points)
    check_finite("scatter_classes", points=points)
    if labels.is_floating_point():
        raise TypeError(f"scatter_classes: labels must be whole numbers, got {labels.dtype}")
    check_labels("scatter_classes", labels.long(), len(points), len(names))
    for number, name in enumerate(names):
        mine = points[labels == number].numpy()
        if len(mine) == 0:
            continue
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        ax.scatter(*mine.T, s=9, color=colour, alpha=0.7, linewidths=0)
        box = {
            "boxstyle": "round,pad=0.15",
            "facecolor": "white",
            "edgecolor": colour,
            "alpha": 0.9,
        }
        ax.text(
            *np.median(mine, axis=0),
            name,
            color=colour,
            weight="bold",
            ha="center",
            va="center",
            bbox=box,
        )
    bare(ax, title)


def bars(
    ax: Axes,
    values: dict[str, float],
    title: str,
    colours: Sequence[str] | None = None,
    fmt: str = "{:.3f}",
) -> None:
    """Horizontal bars with their numbers written at the ends, first one on top."""
    names = list(values)[::-1]
    colours = list(colours or [SAME] * len(names))[::-1]
    drawn = ax.barh(names, [values[name] for name in names], color=colours, height=0.62)
    ax.bar_label(drawn, fmt=fmt, padding=4)
    ax.set_title(title)
    ax.margins(x=0.15)
    ax.grid(axis="y", visible=False)
