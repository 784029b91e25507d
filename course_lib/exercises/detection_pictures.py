"""Pictures of a case about boxes: what the student's function answers, beside what is right."""

import torch

from course_lib.by_definition.detection import batched_nms, intersection
from course_lib.exercises.reading import written
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
    x1, y1, x2, y2 = box.tolist()
    inset = 0.012 * number * (ax.get_xlim()[1] - ax.get_xlim()[0])
    inset = max(0, min(inset, (x2 - x1) / 4, (y2 - y1) / 4))
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


def draw_scene(value):
    """A scene that was handed in: each box with its score, dashed where NMS drops it."""
    boxes, scores, labels = (torch.as_tensor(v).double() for v in _three(value))
    kept = batched_nms(boxes, scores, labels, 0.5).tolist()
    fig, (ax,) = panels(height=3.0)
    _room(ax, boxes, f"NMS keeps {kept} of {len(boxes)} objects")
    for i, box in enumerate(boxes):
        colour, style, width = (SAME, SOLID, 2.5) if i in kept else (OTHER, DASHED, 2.0)
        text = f"{i}: class {labels[i]:.0f} ({scores[i]:.2g})"
        _box(ax, box, colour, text, style, width, number=i)
    return fig


def _three(value):
    if isinstance(value, dict):
        return value["boxes"], value["scores"], value["labels"]
    return value


def draw_encode(case, expected, got):
    """Anchor, box and the arrow from centre to centre; the offsets in the title."""
    boxes, anchors = case
    fig, (ax,) = panels(height=3.0)
    yours = "none" if got is None else written(got)
    _room(ax, torch.cat(case), f"Offsets: yours {yours}\nexpected {written(expected)}")
    for box, anchor in zip(boxes, anchors, strict=True):
        _box(ax, anchor, MUTED, "anchor", DASHED, 1.8)
        _box(ax, box, SAME, "box", number=1)
        (x, y), (xa, ya) = ((b[:2] + b[2:]).tolist() for b in (box / 2, anchor / 2))
        arrow = {"arrowstyle": "-|>", "color": SAME, "lw": 2}
        ax.annotate("", (x, y), (xa, ya), arrowprops=arrow)
    return fig


def draw_decode(case, expected, got):
    """Anchor, the box that is expected and the one that came."""
    _, anchors = case
    shown = [anchors, expected.float(), *([] if got is None else [got.float()])]
    fig, (ax,) = panels(height=3.0)
    _room(ax, torch.cat(shown), "Where the offsets lead from the anchor")
    looks = ((MUTED, "anchor", DASHED, 1.8), (SAME, "expected", SOLID, 2.5))
    for number, (boxes, look) in enumerate(
        zip(shown, (*looks, (OTHER, "yours", DASHED, 2.5)), strict=False)
    ):
        for box in boxes:
            _box(ax, box, *look, number=number)
    return fig


def draw_precision_recall(case, expected, got):
    """Both curves: precision over recall, a point for each detection."""
    fig, (ax,) = panels(height=3.0)
    _curve(ax, *expected, SAME, "expected", SOLID)
    if got is not None:
        _curve(ax, *got, OTHER, "yours", DASHED)
    ax.set_title("Precision over recall" + (": yours cannot be drawn" if got is None else ""))
    return fig


def draw_average_precision(case, expected, got):
    """The curve, its envelope with the area under it, and both numbers."""
    precision, recall = case
    fig, (ax,) = panels(height=3.0)
    envelope = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    edges = [0.0, *recall.tolist()]
    for left, right, height in zip(edges, edges[1:], envelope.tolist(), strict=False):
        ax.fill([left, right, right, left], [0, 0, height, height], color=SAME, alpha=0.25, lw=0)
    _curve(ax, precision, recall, SAME, "", SOLID)
    yours = "no number" if got is None else f"{got:.3g}"
    ax.set_title(f"Area under the envelope: {float(expected):.3g}, yours {yours}")
    return fig


def _curve(ax, precision, recall, colour, text, style):
    """A curve with a point for each detection, and its name at its end."""
    ax.plot(recall, precision, color=colour, ls=style, marker="o", lw=2)
    if len(precision):
        where = (float(recall[-1]), float(precision[-1]))
        # yours below the end of its curve, so that both can be read where both end
        offset = (6, 5) if style == SOLID else (6, -13)
        ax.annotate(text, where, offset, textcoords="offset points", color=colour, weight="bold")
    # as far as either curve reaches
    right, top = ax.dataLim.x1, ax.dataLim.y1
    ax.set(xlim=(-0.05, max(1.0, right) + 0.15), ylim=(-0.15, max(1.0, top) + 0.15))
    ax.set(xlabel="recall", ylabel="precision")
