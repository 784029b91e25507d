"""Pictures of a case about losses: pairs on their two curves, negatives beside the margin, logits as tables."""

import torch
from matplotlib.ticker import MaxNLocator

from course_lib.page.plots import MUTED, OTHER, QUERY, SAME, bare, panels

DARK = "#333333"
PAPER = {"facecolor": "#FFFFFF", "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
ROWS = 8  # anchors and positives that have room


def _text(value):
    return f"{round(float(value), 4) + 0.0:.4g}"


def _yours(got):
    return "no number" if got is None else _text(got)


def _named(ax, places, colour, side):
    """A name beside each place, raised where it would cover the one before.  # places: [(x, y, name)]"""
    taken = []
    for x, y, name in sorted(places):
        room = 0.02 * (2 + len(name)) * ax.get_xlim()[1] / 2.2
        level = sum(abs(x - other) < room and abs(y - height) < 0.5 for other, height in taken)
        taken.append((x, y))
        way = (-7 if side == "right" else 7, 5 + 13 * level)
        look = {"textcoords": "offset points", "ha": side, "color": colour, "weight": "bold"}
        ax.annotate(name, (x, y), way, bbox=PAPER, zorder=2, **look)


def draw_contrastive_loss(case, expected, got):
    """Every pair at its distance, on the curve of one class (blue) or of two (orange)."""
    x, labels, margin = case
    pairs = {}
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            d = (x[i] - x[j]).norm().item()
            same = bool(labels[i] == labels[j])
            loss = d**2 / 2 if same else max(0, margin - d) ** 2 / 2
            pairs.setdefault((same, round(d, 3), round(loss, 3)), []).append(f"{i}-{j}")
    right = 1.3 * max(margin, *(d for _, d, _ in pairs))
    fig, (ax,) = panels(height=3.3)
    ax.set_title(f"Mean over all pairs: yours {_yours(got)}, should be {_text(expected)}")
    ax.set(xlim=(-0.06 * right, right))
    top = 1.3 * max(margin**2 / 2, *(loss for _, _, loss in pairs))
    d = torch.linspace(0, right, 200)
    curves = ((SAME, d**2 / 2, "right"), (OTHER, (margin - d).clamp(min=0) ** 2 / 2, "left"))
    for colour, loss, side in curves:
        shown = loss <= top
        ax.plot(d[shown].tolist(), loss[shown].tolist(), color=colour, lw=1.5, alpha=0.5)
        mine = [
            (*at, ", ".join(names))
            for (same, *at), names in pairs.items()
            if same == (colour == SAME)
        ]
        for at in mine:
            ax.scatter(*at[:2], s=70, color=colour, zorder=3, clip_on=False)
        # at the left edge there is room at the right only
        edge = [place for place in mine if side == "right" and place[0] < 0.1 * right]
        _named(ax, edge, colour, "left")
        _named(ax, [place for place in mine if place not in edge], colour, side)
    ax.plot([margin, margin], [0, top], color=MUTED, lw=1, ls=(0, (4, 3)))
    ax.text(margin, 1.02 * top, "margin", color=MUTED, ha="center", va="bottom")
    ax.set(ylim=(-0.06 * top, 1.15 * top), ylabel="loss of the pair")
    ax.set_xlabel("distance. Blue: pairs of one class; orange: pairs of two classes")
    return fig


def _from_anchor(ax, y, positive, negatives, margin, end):
    """Distances from the anchor: the positive, the negatives, the margin behind the positive shaded.

    # y: height of the row; negatives: [(distance, name)]; end: of the row
    """
    ax.plot([0, end], [y, y], color="#CCCCCC", lw=1, zorder=1)
    right = min(positive[0] + margin, end)
    ax.fill(
        [positive[0], right, right, positive[0]],
        [y - 0.12] * 2 + [y + 0.12] * 2,
        color=SAME,
        alpha=0.2,
        lw=0,
    )
    looks = [(0.0, "", QUERY), (*positive, SAME), *((*negative, OTHER) for negative in negatives)]
    places = {}
    for d, name, colour in looks:
        level = places.setdefault(round(d, 4), 0)
        places[round(d, 4)] += 1
        ax.scatter(
            d,
            y,
            s=110 * (1 + 1.6 * level),
            facecolors="none" if level else colour,
            edgecolors=colour,
            lw=2,
            zorder=3,
        )
        if name:
            # alternately above and below, where two have the same place
            up = 1 if colour == SAME else -1
            look = {"ha": "center", "va": "bottom" if up > 0 else "top", "color": colour}
            ax.text(d, y + 0.2 * up, name, weight="bold", **look)


def _anchor_rows(count, title, end, wide):
    fig, (ax,) = panels(height=1.3 + 0.75 * count)
    ax.set(title=title, yticks=[], xlim=(-0.3 * end, wide * end), ylim=(-count + 0.35, 0.65))
    ax.grid(False)
    ticks = MaxNLocator(7, integer=True).tick_values(0, end)
    ax.set_xticks([tick for tick in ticks if 0 <= tick <= end])
    return fig, ax


def draw_triplet_loss(case, expected, got):
    """Each triplet as two squared distances from its anchor, and its loss."""
    anchor, positive, negative, margin = case
    near, far = ((anchor - other).square().sum(dim=1).tolist() for other in (positive, negative))
    end = max(1.1 * max(*near, *far, max(near) + margin), 1.0)
    title = f"Mean loss: yours {_yours(got)}, should be {_text(expected)}"
    fig, ax = _anchor_rows(len(near), title, end, wide=1.75)
    for i, (p, n) in enumerate(zip(near, far, strict=True)):
        _from_anchor(ax, -i, (p, "p"), [(n, "n")], margin, end)
        ax.text(-0.04 * end, -i, f"triplet {i}: a", ha="right", va="center", color=QUERY)
        loss = max(0, p - n + margin)
        said = f"max(0, {_text(p)} - {_text(n)} + {_text(margin)}) = {_text(loss)}"
        ax.text(1.06 * end, -i, said, va="center", color=DARK)
    ax.set_xlabel("squared distance from the anchor. Shaded: the margin behind the positive", x=0.4)
    return fig


def _negatives(columns):
    """The negatives of each (anchor, positive); None if the rows have not the same length."""
    if columns is None or len({len(column) for column in columns}) > 1:
        return None
    chosen = {}
    for a, p, n in zip(*(column.tolist() for column in columns), strict=True):
        chosen.setdefault((a, p), []).append(n)
    return chosen


def _said(chosen):
    return (
        "none"
        if not chosen
        else ", ".join(map(str, chosen[:3])) + (" ..." if len(chosen) > 3 else "")
    )


def draw_semi_hard(case, expected, got):
    """For each positive pair the distances from its anchor; the negatives taken, yours and as it should be."""
    distances, labels, margin = case
    yours, right = _negatives(got), _negatives(expected)
    numbers = range(len(labels))
    pairs = [(a, p) for a in numbers for p in numbers if a != p and labels[a] == labels[p]]
    # what else was taken for a pair
    stray = [pair for pair in yours or {} if pair not in pairs and all(i in numbers for i in pair)]
    pairs = sorted(pairs + stray, key=lambda pair: (yours or {}).get(pair) == right.get(pair))[
        :ROWS
    ]
    end = 1.1 * max(distances.max().item() + margin, 1.0)
    fig, ax = _anchor_rows(max(len(pairs), 1), "", end, wide=1.75)
    title = f"Semi-hard negatives lie in the shaded margin of {_text(margin)}"
    if yours is None:
        title += "; yours: not three rows of the same length"
    elif yours == right:
        title += "; yours: in another order"
    ax.set_title(title)
    for i, (a, p) in enumerate(pairs):
        negatives = [(distances[a, n].item(), f"{n}") for n in numbers if labels[n] != labels[a]]
        _from_anchor(ax, -i, (distances[a, p].item(), f"{p}"), negatives, margin, end)
        ax.text(-0.04 * end, -i, f"anchor {a}, positive {p}", ha="right", va="center", color=QUERY)
        ax.text(
            1.06 * end,
            -i + 0.14,
            f"expected: {_said(right.get((a, p)))}",
            va="center",
            weight="bold",
            color=DARK,
        )
        if yours is not None:
            ax.text(
                1.06 * end, -i - 0.2, f"yours: {_said(yours.get((a, p)))}", va="center", color=DARK
            )
    if not pairs:
        ax.text(0, 0, "No two images of one class", va="center", color=DARK)
    ax.set_xlabel(
        "distance from the anchor. Black: anchor; blue: positive; orange: negatives", x=0.4
    )
    return fig


def draw_margin_logits(case, expected, got):
    """The cosines, and both answers, as tables; the class of each image is blue."""
    cosines, labels, m1, m2, m3, s = case
    fig, axes = panels(3, height=1.5 + 0.4 * len(labels))
    given = ", ".join(
        f"{name} = {_text(value)}" for name, value in (("m1", m1), ("m2", m2), ("m3", m3), ("s", s))
    )
    fig.suptitle(f"Logits with {given}", x=0.005, ha="left", fontsize=11)
    tables = ((cosines, "Cosines"), (got, "Yours"), (expected, "Should be"))
    for ax, (table, title) in zip(axes, tables, strict=True):
        bare(ax, title if table is not None else f"{title}: not logits of this shape")
        if table is None:
            continue
        for i, row in enumerate(table.tolist()):
            for j, value in enumerate(row):
                own = j == labels[i]
                wrong = table is got and abs(value - expected[i, j].item()) > 1e-4
                look = {"color": SAME if own else DARK, "weight": "bold" if own else "normal"}
                ax.text(j + 0.5, i + 0.5, _text(value), ha="center", va="center", **look)
                if wrong:
                    x, y = (
                        [j + 0.05, j + 0.95, j + 0.95, j + 0.05],
                        [i + 0.1, i + 0.1, i + 0.9, i + 0.9],
                    )
                    ax.fill(x, y, fc="none", ec=OTHER, lw=2)
        ax.set(xlim=(0, table.shape[1]), ylim=(len(table), 0))
    axes[0].set(yticks=[i + 0.5 for i in range(len(labels))])
    axes[0].set_yticklabels(
        [f"image {i}: class {label}" for i, label in enumerate(labels.tolist())]
    )
    axes[0].set_xlabel("blue: the class of the image", color=DARK)
    axes[1].set_xlabel("framed: not as it should be", color=DARK)
    return fig
