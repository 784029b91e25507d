"""Pictures of a case about boxes: what the student's function answers, beside what is right."""

import torch

from course_lib.by_definition.detection import intersection
from course_lib.page.plots import MUTED, OTHER, SAME, bare, panels

SOLID, DASHED = "-", (0, (4, 3))


def _room(ax, boxes, title):
    """Bare axes around boxes, y down."""
    bare(ax, title)
    corners = boxes.reshape(-1, 2) if boxes.numel() else torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    (left, top), (right, bottom) = corners.amin(dim=0).tolist(), corners.amax(dim=0).tolist()
    pad = 0.15 * max(right - left, bottom - top, 1e-3)
    # y down; room for texts on all sides
    ax.set(xlim=(left - pad, right + pad), ylim=(bottom + pad, top - pad), aspect="equal")
    return ax


def _box(ax, box, colour, text="", style=SOLID, width=2.5, number=0):
    """Box `number`: its text at a corner of its own; a little inside the ones before, to be told from them."""
    inset = 0.012 * number * (ax.get_xlim()[1] - ax.get_xlim()[0])
    x1, y1, x2, y2 = box.tolist()
    x1, y1, x2, y2 = x1 + inset, y1 + inset, x2 - inset, y2 - inset
    ax.plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], color=colour, lw=width, ls=style)
    x, side = ((x1, "left"), (x2, "right"))[number % 2]
    y, edge = ((y1, "bottom"), (y2, "top"))[number // 2 % 2 ^ number % 2]
    ax.text(x, y, text, color=colour, ha=side, va=edge, fontsize=11, weight="bold")


def draw_iou(case, expected, got):
    """The two boxes, their common part, and the two numbers."""
    a, b = case
    fig, (ax,) = panels(height=3.0)
    yours = "no number" if got is None else f"{got:.3g}"
    _room(ax, torch.stack([a, b]), f"IoU: yours {yours}, should be {float(expected):.3g}")
    if intersection(a, b) > 0:
        (x1, y1), (x2, y2) = torch.maximum(a, b)[:2].tolist(), torch.minimum(a, b)[2:].tolist()
        ax.fill([x1, x2, x2, x1], [y1, y1, y2, y2], color=SAME, alpha=0.25, lw=0)
    _box(ax, a, SAME, "a")
    _box(ax, b, OTHER, "b", DASHED, number=1)
    return fig


def draw_nms(case, expected, got):
    """The boxes that are kept, solid, and those that are dropped, dashed: yours and as it should be."""
    boxes, scores, _ = case
    fig, axes = panels(2, height=3.0)
    for ax, kept, title in zip(axes, (got, expected), ("Yours", "Expected"), strict=True):
        _room(ax, boxes, f"{title}: no indices" if kept is None else f"{title}: {kept.tolist()}")
        for i, box in enumerate(boxes):
            is_kept = kept is not None and i in kept.tolist()
            colour, style, width = (SAME, SOLID, 2.5) if is_kept else (MUTED, DASHED, 1.5)
            _box(ax, box, colour, f"{i} ({scores[i]:.1f})", style, width, number=i)
    return fig
