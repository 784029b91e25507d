"""Boxes drawn into images, each with its name beside it (L5)."""

from collections.abc import Sequence

import matplotlib.patheffects as effects
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from course_lib.arguments import check_finite, check_labels, check_tensor
from course_lib.page.pictures import picture
from course_lib.page.plots import CLASS_COLOURS, bare

# Around a line: keeps it apart from what it crosses.
HALO = [effects.withStroke(linewidth=2.4, foreground="white")]


def draw_boxes(
    ax: Axes,
    image: Tensor | None,
    boxes: Tensor,
    labels: Tensor | None = None,
    names: Sequence[str] | None = None,
    scores: Tensor | None = None,
    colours: Sequence[str] | str | None = None,
    title: str = "",
    texts: Sequence[str] | None = None,
    width: float = 1.8,
    style: str = "-",
) -> None:
    """An image with boxes, and a text at the corner of each.

    Args:
        ax: axes to fill.
        image: or None to draw over what is in the axes.   # [3, H, W] in 0..1
        boxes: in pixels.                                               # [n, 4]
        labels: the class of each, a number of `names`; gives its colour.   # [n] int64
        names: what the classes are called; without them no names are written.
        scores: written after the name.                                 # [n]
        colours: one for all, or one for each box; else by class.
        title: of the axes.
        texts: written instead of names and scores, one for each box; "" for none.
        width, style: of the lines, as matplotlib has them.

    Labels must have a name, where there are names: -1 is not the last class.
    The last box lies on top: give the best one last where they hide each other.
    """
    boxes = torch.as_tensor(boxes).detach().cpu().double()
    check_tensor("draw_boxes", "[n, 4]", boxes=boxes)
    check_finite("draw_boxes", boxes=boxes)
    if labels is not None:
        check_labels("draw_boxes", labels, len(boxes), None if names is None else len(names))
    lists = {
        "scores": scores,
        "texts": texts,
        "colours": None if isinstance(colours, str) else colours,
    }
    for name, values in lists.items():
        if values is not None and len(values) < len(boxes):
            raise ValueError(f"draw_boxes: {len(values)} {name} for {len(boxes)} boxes")
    if image is not None:
        bare(ax, title).imshow(
            picture(image), interpolation="nearest", extent=(0, image.shape[2], image.shape[1], 0)
        )
        ax.set(xlim=(0, image.shape[2]), ylim=(image.shape[1], 0))
    every = [_colour_of(i, labels, colours) for i in range(len(boxes))]
    # All in one: a Line2D for each would take a millisecond each.
    lines = LineCollection(
        boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]].numpy(),  # [n, 5, 2]
        colors=every,
        linewidths=width,
        linestyles=style,
        path_effects=HALO if style == "-" else None,
        joinstyle="miter",
        zorder=2,
    )
    ax.add_collection(lines)
    ax.autoscale_view()
    for i, box in enumerate(boxes.tolist()):
        text = _text_of(i, labels, names, scores) if texts is None else texts[i]
        if text:
            _write_at_corner(ax, box, text, every[i])


def _colour_of(i: int, labels: Tensor | None, colours: Sequence[str] | str | None) -> str:
    """The colour of box i: the one given, else that of its class, else the first one."""
    if colours is None:
        return CLASS_COLOURS[0 if labels is None else int(labels[i]) % len(CLASS_COLOURS)]
    return colours if isinstance(colours, str) else colours[i]


def _text_of(
    i: int, labels: Tensor | None, names: Sequence[str] | None, scores: Tensor | None
) -> str:
    """The text of box i: its class, its score, both or none."""
    words = [] if names is None or labels is None else [names[int(labels[i])]]
    if scores is not None:
        words.append(f"{float(scores[i]):.2f}".removeprefix("0"))
    return " ".join(words)


def _write_at_corner(ax: Axes, box: tuple[float, ...], text: str, colour: str) -> None:
    """Text on the upper edge of a box, or under it where the image ends; always inside the image."""
    x1, y1, x2, _ = box
    low, high = ax.get_xlim()
    bottom, top = ax.get_ylim()
    pad = 0.02 * (high - low)
    # Farther right, the text would reach over the edge.
    leftmost = x1 < low + 0.6 * (high - low)
    above = y1 - top > 0.08 * (bottom - top)
    ax.text(
        max(x1, low + pad) if leftmost else min(x2, high - pad),
        y1 if above else max(y1, top) + pad,
        text,
        color="white",
        fontsize=8,
        ha="left" if leftmost else "right",
        va="bottom" if above else "top",
        clip_on=True,
        bbox={"boxstyle": "square,pad=0.12", "facecolor": colour, "edgecolor": "none"},
    )
