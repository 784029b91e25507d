"""Pictures of a case about the ROC curve: the scores, and the curve beside them."""

import math

from course_lib.exercises import verification_curves_solutions as right
from course_lib.page.plots import MUTED, OTHER, QUERY, SAME, panels

DASHED = (0, (4, 3))


def _text(value):
    return f"{round(value, 4) + 0.0:.4g}"


def _scores(ax, scores, same):
    """The pairs at their scores: genuine ones above the line, impostor pairs below."""
    ax.set_title("Scores of the pairs")
    places = list(zip(scores.tolist(), same.tolist(), strict=True))
    ax.plot([0, 1], [0, 0], color="#CCCCCC", lw=1, zorder=1)
    for i, (score, genuine) in enumerate(places):
        way, colour = (1, SAME) if genuine else (-1, OTHER)
        level = places[:i].count((score, genuine))
        ax.scatter(score, way * (0.25 + 0.28 * level), s=70, color=colour, zorder=3)
    ax.text(0, 1.75, "genuine", color=SAME, weight="bold", va="center")
    ax.text(0, -1.75, "impostor", color=OTHER, weight="bold", va="center")
    ax.set(xlim=(-0.05, 1.05), ylim=(-2, 2), yticks=[], xlabel="score")


def _curve(ax, far, tar, colour, style="-", name=""):
    points = [
        (f, t) for f, t in zip(far.tolist(), tar.tolist(), strict=True) if math.isfinite(f + t)
    ]
    ax.plot(*zip(*points, strict=True), color=colour, ls=style, lw=2) if points else None
    for i, (f, t) in enumerate(points):
        size = 60 + 90 * points[:i].count((f, t))
        ax.scatter(f, t, s=size, facecolors="none", edgecolors=colour, lw=2, zorder=3)
    return points


def _square(ax, points):
    """Axes that hold the unit square and some more points."""
    most = max([1.0, *(x for point in points for x in point)])
    least = min([0.0, *(x for point in points for x in point)])
    pad = 0.1 * (most - least)
    limits = (least - pad, most + pad)
    ax.set(xlim=limits, ylim=limits, aspect="equal", anchor="W", xlabel="FAR", ylabel="TAR")


def draw_roc(case, expected, got):
    """The scores; the curve as it should be, blue, and yours, orange and dashed."""
    fig, (left, ax) = panels(2, height=3.6, widths=(1, 1.2))
    _scores(left, *case)
    count = f"{len(expected[0])} points"
    points = _curve(ax, *expected, SAME)
    if got is None:
        ax.set_title(f"ROC: {count}; yours: not two such rows")
    else:
        ax.set_title(f"ROC: {count}; yours dashed")
        points = points + _curve(ax, *got, OTHER, DASHED)
    _square(ax, points)
    return fig


def draw_eer(case, expected, got):
    """The scores; the ROC curve, the line FAR = 1 - TAR, and both answers as points of it."""
    fig, (left, ax) = panels(2, height=3.6, widths=(1, 1.2))
    _scores(left, *case)
    yours = "no number" if got is None else _text(got)
    ax.set_title(f"FAR = 1 - TAR: yours {yours}, should be {_text(expected)}")
    _curve(ax, *right.roc(*case), SAME)
    ax.plot([0, 1], [1, 0], color=MUTED, ls=DASHED, lw=1.5)
    ax.scatter(expected, 1 - expected, s=110, color=QUERY, zorder=4)
    if got is not None and 0 <= got <= 1:
        ax.scatter(got, 1 - got, s=110, color=OTHER, marker="X", zorder=5)
        look = {"textcoords": "offset points", "color": OTHER, "weight": "bold", "va": "center"}
        ax.annotate("yours", (got, 1 - got), (9, 6), **look)
    _square(ax, [])
    return fig
