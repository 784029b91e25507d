"""Pictures of a case about verification and identification: yours, beside what is right."""

import math

import torch

from course_lib.page.plots import MUTED, OTHER, QUERY, SAME, bare, panels

DARK, LIGHT = "#333333", "#FFFFFF"
END = 1.2  # where a threshold of infinity is drawn; scores of cases are 0..1


def _text(value):
    return f"{value:.4g}"


def draw_pairs_of(case, expected, got):
    """Every two images, i from top to bottom, j from left to right; the pairs taken, yours and as it should be."""
    labels, people = case
    fig, axes = panels(2, height=1.2 + 0.4 * len(labels))
    title = f"people of the fold: {people.tolist()}"
    for ax, pairs, name in zip(axes, (got, expected), ("Yours", "Expected"), strict=True):
        taken = _pairs_in(pairs)
        bare(ax, f"{name}: no two columns of pairs" if taken is None else f"{name}; {title}")
        _grid(ax, labels.tolist(), people.tolist(), taken or [])
    return fig


def _pairs_in(pairs):
    """The pairs as a list; None if there are not two columns of the same length."""
    if pairs is None or len(pairs[0]) != len(pairs[1]):
        return None
    return list(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))


def _grid(ax, labels, people, taken):
    n = len(labels)
    for i in range(n):
        for j in range(n):
            times, same = taken.count((i, j)), labels[i] == labels[j]
            face = LIGHT if times == 0 else SAME if same else OTHER
            ax.fill([j, j + 0.9, j + 0.9, j], [i, i, i + 0.9, i + 0.9], fc=face, ec="#CCCCCC")
            if times:
                look = {"ha": "center", "va": "center", "color": LIGHT, "weight": "bold"}
                ax.text(j + 0.45, i + 0.45, "same" if same else "diff", fontsize=8, **look)
    names = [f"{i}: person {label}" for i, label in enumerate(labels)]
    ax.set(yticks=[i + 0.45 for i in range(n)], yticklabels=names)
    ax.set(xticks=[i + 0.45 for i in range(n)], xticklabels=range(n))
    for tick, label in zip(ax.get_yticklabels(), labels, strict=True):
        tick.set(color=DARK if label in people else MUTED)
        tick.set_weight("bold" if label in people else "normal")
    ax.set(xlim=(-0.1, n), ylim=(n, -0.1), aspect="equal", anchor="W")
    stray = [(i, j) for i, j in taken if not (0 <= i < n and 0 <= j < n)]
    if stray:
        ax.set_xlabel(f"no such images: {stray[0]}", color=DARK)


def _scores(ax, y, scores, same, threshold, accept=True):
    """Pairs as dots at their scores, genuine ones above, impostor pairs below; the accepted ones filled.

    # y: height of the row; threshold: number or None, drawn as a line
    """
    places = list(zip(scores.tolist(), same.tolist(), strict=True))
    ax.plot([0, 1], [y, y], color="#CCCCCC", lw=1, zorder=1)
    for i, (score, genuine) in enumerate(places):
        before = places[:i].count((score, genuine))
        height = (0.13 + 0.15 * before) * (1 if genuine else -1)
        colour = SAME if genuine else OTHER
        filled = accept and threshold is not None and score >= threshold
        face = colour if filled else LIGHT
        ax.scatter(score, y + height, s=60, facecolors=face, edgecolors=colour, lw=2, zorder=3)
    if threshold is not None:
        x = min(max(threshold, -0.1), END)
        ax.plot([x, x], [y - 0.42, y + 0.42], color=QUERY, lw=2, zorder=2)
        if math.isinf(threshold):
            ax.text(x - 0.02, y + 0.2, "infinity", ha="right", color=QUERY)


def _rows(count, title):
    """Axes for rows of scores, the first row on top, with room for a text at the right."""
    fig, (ax,) = panels(height=1.1 + 0.75 * count)
    ax.set_title(f"{title}. Blue: genuine pairs; orange: impostor pairs; filled: accepted")
    ax.set(xlim=(-0.15, 2.0), ylim=(-count + 0.45, 0.55), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[])
    ax.set_xlabel("score", x=0.3)
    return fig, ax


def _beside(ax, y, text, bold=False):
    ax.text(END + 0.05, y, text, va="center", color=DARK, weight="bold" if bold else "normal")


def draw_far_and_frr(case, expected, got):
    """The scores once for each threshold, with both errors."""
    scores, same, thresholds = case
    fig, ax = _rows(len(thresholds), "FAR and FRR")
    for i, threshold in enumerate(thresholds.tolist()):
        _scores(ax, -i, scores, same, threshold)
        far, frr = (_text(curve[i].item()) for curve in expected)
        _beside(ax, -i + 0.14, f"expected: FAR {far}, FRR {frr}", bold=True)
        if got is not None:
            far, frr = (_text(curve[i].item()) for curve in got)
            _beside(ax, -i - 0.16, f"yours: FAR {far}, FRR {frr}")
    return fig


def draw_choose_threshold(case, expected, got):
    """The scores at your threshold and at the expected one, with the share of impostor pairs accepted."""
    scores, same, far = case
    fig, ax = _rows(2, f"FAR at most {_text(far)}")
    for y, threshold, name in ((0, got, "yours"), (-1, expected, "expected")):
        _scores(ax, y, scores, same, threshold)
        if threshold is None:
            _beside(ax, y, f"{name}: no number")
            continue
        accepted = (scores[~same] >= threshold).double().mean().item()
        _beside(ax, y, f"{name}: {_text(threshold)}, FAR {_text(accepted)}", bold=y < 0)
    return fig


def _best_threshold(scores, same):
    """The highest of the scores at which most pairs are judged right.  # [N], [N] -> number"""
    falling = scores.sort(descending=True).values
    right = (scores >= falling[:, None]) == same
    return falling[right.double().mean(dim=1).argmax()].item()


def draw_ten_fold_accuracy(case, expected, got):
    """For each fold the other folds, where the threshold is chosen, and the fold itself, where it is tested."""
    scores, same, fold = case
    numbers = fold.unique().tolist()
    fig, ax = _rows(2 * len(numbers), "A threshold for each fold")
    for i, number in enumerate(numbers):
        here, y = fold == number, -2 * i
        threshold = _best_threshold(scores[~here], same[~here])
        _scores(ax, y, scores[~here], same[~here], threshold)
        _scores(ax, y - 1, scores[here], same[here], threshold)
        _beside(ax, y, f"all folds but {number}: threshold {_text(threshold)}")
        said = f"fold {number}: accuracy {_text(expected[i].item())}"
        yours = "" if got is None else f", yours {_text(got[i].item())}"
        _beside(ax, y - 1, said + yours, bold=True)
    return fig


def draw_equal_error_rate(case, expected, got):
    """Both curves over the points, their crossing, and the height that was returned."""
    far, frr = case
    fig, (ax,) = panels(height=3.2)
    yours = "no number" if got is None else _text(got)
    ax.set_title(f"Where the curves cross: yours {yours}, should be {_text(expected)}")
    x = list(range(len(far)))
    for curve, colour, name in ((far, OTHER, "FAR"), (frr, SAME, "FRR")):
        ax.plot(x, curve.tolist(), "o-", color=colour, lw=2)
        end = 0 if name == "FAR" else -1
        way = (8, 4) if end == 0 else (-8, 4)
        side = "left" if end == 0 else "right"
        at = x[end], curve[end].item()
        look = {"textcoords": "offset points", "color": colour, "weight": "bold", "ha": side}
        ax.annotate(name, at, way, **look)
    ax.scatter(_crossing(far, frr), expected, s=110, color=QUERY, zorder=3)
    if got is not None and -0.1 <= got <= 1.1:
        ax.axhline(got, color=QUERY, ls=(0, (4, 3)), lw=1.5)
        ax.annotate("yours", (x[-1], got), (18, 4), textcoords="offset points", color=QUERY)
    ax.set(xticks=x, xlabel="point", ylabel="error", ylim=(-0.1, 1.15), xlim=(-0.2, x[-1] + 0.35))
    return fig


def _crossing(far, frr):
    gap = far - frr
    after = int((gap <= 0).nonzero()[0])
    return after - 1 + (gap[after - 1] / (gap[after - 1] - gap[after])).item()


def draw_rank_k(case, expected, got):
    """The scores of every query beside the gallery; a frame around each of the k best that reaches the threshold."""
    scores, people, truth, k, threshold = case
    queries, count = scores.shape
    fig, (ax,) = panels(height=1.2 + 0.5 * queries)
    yours = "no number" if got is None else _text(got)
    bare(ax, f"Share of right answers: yours {yours}, should be {_text(expected)}")
    places = torch.zeros_like(scores, dtype=torch.bool).scatter(1, scores.topk(k).indices, True)
    for i, row in enumerate(scores.tolist()):
        for j, score in enumerate(row):
            mate = people[j] == truth[i]
            look = {"color": SAME if mate else OTHER, "weight": "bold" if mate else "normal"}
            ax.text(j + 0.45, i + 0.45, _text(score), ha="center", va="center", **look)
            if places[i, j] and score >= threshold:
                x, y = [j, j + 0.9, j + 0.9, j], [i + 0.15, i + 0.15, i + 0.75, i + 0.75]
                ax.fill(x, y, fc="none", ec=QUERY, lw=2)
    names = ["not in the gallery" if t == -1 else f"person {t}" for t in truth.tolist()]
    ax.set(yticks=[i + 0.45 for i in range(queries)], yticklabels=names)
    for j, person in enumerate(people.tolist()):
        ax.text(j + 0.45, -0.05, f"person {person}", ha="center", va="center", color=DARK)
    said = f"Framed: the {k} best, at or above {_text(threshold)}. Blue: the query's person"
    ax.set_xlabel(said, loc="left", color=DARK)
    ax.set(xlim=(-0.1, max(count, 6)), ylim=(queries, -0.35))
    return fig
