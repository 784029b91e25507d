"""Pictures of a case about several classes, AP and RoI pooling: yours, beside what is right."""

import math

import torch

from course_lib.by_definition.average_precision import interpolated, precision_recall
from course_lib.exercises.reading import written
from course_lib.page.plots import CLASS_COLOURS, MUTED, OTHER, QUERY, SAME, bare, panels

DARK, DASHED = "#333333", (0, (4, 3))


def _text(value):
    return "no number" if value is None else f"{float(value):.4g}"


def _class_colour(label):
    return CLASS_COLOURS[int(label) % len(CLASS_COLOURS)]


def _outline(ax, box, colour, style, width, inset=0.0):
    x1, y1, x2, y2 = box
    x1, y1, x2, y2 = x1 + inset, y1 + inset, x2 - inset, y2 - inset
    ax.plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], color=colour, ls=style, lw=width)
    return x1, y1, x2, y2


def _free_place(box, taken, room):
    """A point on the outline of a box, at least `room` away from the texts before, if there is one."""
    x1, y1, x2, y2 = box
    shares = [k / 8 for k in range(9)]
    places = [(x1 + s * (x2 - x1), y) for y in (y1, y2) for s in shares]
    places += [(x, y1 + s * (y2 - y1)) for x in (x1, x2) for s in shares]
    gaps = [min((math.dist(p, q) for q in taken), default=math.inf) for p in places]
    far = [p for p, gap in zip(places, gaps, strict=True) if gap >= room]
    return far[0] if far else places[gaps.index(max(gaps))]


def _draw_boxes(ax, boxes, labels, kept):
    """The boxes with their numbers, those that are kept solid in the colour of their class."""
    bare(ax).set_anchor("N")
    corners = boxes.reshape(-1, 2) if len(boxes) else torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    (left, top), (right, bottom) = corners.amin(dim=0).tolist(), corners.amax(dim=0).tolist()
    pad, taken = 0.1 * max(right - left, bottom - top), []
    # kept ones last, on top of the others
    for i in sorted(range(len(boxes)), key=lambda i: i in kept):
        colour, style, width = (
            (_class_colour(labels[i]), "-", 2.5) if i in kept else (MUTED, DASHED, 1.5)
        )
        # a little inside the ones before, to be told from them where they coincide
        box = _outline(ax, boxes[i].tolist(), colour, style, width, inset=min(0.2 * pad * i, 0.4))
        taken.append(_free_place(box, taken, pad))
        paper = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"}
        look = {"color": colour, "weight": "bold", "ha": "center", "va": "center", "bbox": paper}
        ax.text(*taken[-1], str(i), zorder=4, **look)
    ax.set(xlim=(left - pad, right + pad), ylim=(bottom + pad, top - pad), aspect="equal")


def draw_batched_nms(case, expected, got):
    """The boxes that are kept, solid, and those that are dropped, dashed; beside them a list of all boxes."""
    boxes, scores, labels, iou_threshold = case
    fig, axes = panels(3, height=3.2, widths=(1, 1, 0.9))
    places = [[] if kept is None else kept.tolist() for kept in (got, expected)]
    for ax, kept, name in zip(axes, places, ("Yours", "Expected"), strict=False):
        _draw_boxes(ax, boxes, labels, kept)
        none = got is None and name == "Yours"
        ax.set_title("Yours: no indices" if none else f"{name}: {written(kept, width=25)}")
    bare(axes[2], f"Threshold {iou_threshold:g}; bold: to keep")
    for row, i in enumerate(scores.argsort(descending=True, stable=True).tolist()):
        said = f"{i}: class {int(labels[i])}, score {scores[i]:.2g}"
        bold = "bold" if i in places[1] else "normal"
        look = {"color": _class_colour(labels[i]), "weight": bold, "transform": axes[2].transAxes}
        axes[2].text(0.02, 0.95 - 0.13 * row, said, va="top", **look)
    return fig


def _curve(ax, precision, recall):
    """The points of a curve, joined, on axes from 0 to 1."""
    ax.plot(recall, precision, "o-", color=MUTED, lw=1.5, ms=8, zorder=2)
    ax.set(xlim=(-0.05, 1.08), ylim=(-0.08, 1.12), xlabel="recall", ylabel="precision")


def draw_average_precision_11(case, expected, got):
    """The curve, and at 11 values of recall the highest precision from there on; their mean is asked for."""
    precision, recall = case
    fig, (ax,) = panels(height=3.2)
    ax.set_title(f"Mean of the 11 blue values: yours {_text(got)}, should be {_text(expected)}")
    _curve(ax, precision.tolist(), recall.tolist())
    grid = [i / 10 for i in range(11)]
    curve = list(zip(precision.tolist(), recall.tolist(), strict=True))
    heights = [interpolated(curve, r) for r in grid]
    ax.vlines(grid, 0, heights, color=SAME, lw=1, alpha=0.5)
    ax.scatter(grid, heights, s=45, color=SAME, zorder=3)
    ax.set(xticks=grid)
    ax.set_xlabel("recall. Grey: the curve; blue: the highest precision at this recall or beyond")
    return fig


def draw_mean_average_precision(case, expected, got):
    """For each class its curve, the area under the envelope, and AP."""
    scores, labels, correct, counts = case
    fig, axes = panels(len(counts), height=3.2)
    title = f"mAP: yours {_text(got)}, should be {_text(expected)}"
    fig.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    for label, (ax, positives) in enumerate(zip(axes, counts.tolist(), strict=True)):
        mine = labels == label
        if positives == 0:
            ax.text(0.5, 0.5, "no objects:\ndoes not count", color=MUTED, ha="center", va="center")
            bare(ax, f"Class {label}").set(xlim=(0, 1), ylim=(0, 1))
            continue
        precision, recall = precision_recall(scores[mine], correct[mine], positives)
        value = _fill_envelope(ax, precision.tolist(), recall.tolist())
        objects = "1 object" if positives == 1 else f"{positives} objects"
        ax.set_title(f"Class {label}: {objects}, AP {value:.3g}")
        _curve(ax, precision, recall)
        if not mine.any():
            ax.text(0.5, 0.5, "no detection", color=MUTED, ha="center", va="center")
    return fig


def _fill_envelope(ax, precision, recall):
    """The rectangles under the envelope; their area."""
    curve, area, left = list(zip(precision, recall, strict=True)), 0.0, 0.0
    for _, right in curve:
        height = interpolated(curve, right)
        ax.fill([left, right, right, left], [0, 0, height, height], color=SAME, alpha=0.25, lw=0)
        area, left = area + (right - left) * height, right
    return area


def draw_roi_pool(case, expected, got):
    """The map with the box; one bin of it, if there is a wrong one that; and all bins of this channel."""
    features, box, n = case
    c, i, j = _first_wrong(expected, got)
    fig, axes = panels(3, height=3.2, widths=(1.3, 1, 1))
    x1, y1, x2, y2 = box.tolist()
    rows, columns = _cells(i, n, y1, y2), _cells(j, n, x1, x2)
    shaded = [(row, column) for row in rows for column in columns]
    _numbers(axes[0], features[c], shaded, SAME)
    axes[0].set_title(f"Channel {c}: bin [{i}, {j}] in blue")
    _outline(axes[0], (x1, y1, x2 + 1, y2 + 1), QUERY, "-", 2.5)
    for ax, grid, name in zip(axes[1:], (got, expected), ("yours", "should be"), strict=True):
        if grid is None:
            bare(ax, "Yours: no tensor [C, n, n]")
            continue
        _numbers(ax, grid[c], [(i, j)], OTHER if name == "yours" else SAME)
        ax.set_title(f"Bin [{i}, {j}]: {name} {_text(grid[c, i, j])}")
    return fig


def _first_wrong(expected, got):
    """Channel, row and column of the first bin that is not as it should be; the first of all if none is."""
    if got is None:
        return 0, 0, 0
    wrong = ((got - expected).abs() > 1e-4).nonzero().tolist()
    return tuple(wrong[0]) if wrong else (0, 0, 0)


def _cells(i, n, first, last):
    """The cells of bin i of n."""
    h = last - first + 1
    return range(first + i * h // n, first - (-(i + 1) * h // n))


def _numbers(ax, grid, shaded, colour):
    """A grid of numbers, some of them shaded; cell (row, column) reaches from there to 1 more."""
    height, width = grid.shape
    bare(ax)
    for row in range(height):
        for column in range(width):
            x, y = [column, column + 1, column + 1, column], [row, row, row + 1, row + 1]
            inside = (row, column) in shaded
            ax.fill(x, y, fc=colour if inside else "none", alpha=0.3 if inside else 1, lw=0)
            ax.plot([*x, x[0]], [*y, y[0]], color="#CCCCCC", lw=1, zorder=1)
            look = {"ha": "center", "va": "center", "color": DARK}
            ax.text(column + 0.5, row + 0.5, f"{grid[row, column].item():.3g}", **look)
    side = max(height, width, 2)
    ax.set(xlim=(-0.1, side + 0.1), ylim=(side + 0.1, -0.1), aspect="equal", anchor="NW")
