"""Pictures of a case about neighbours, buckets and recall: yours, beside what is right."""

import torch

from course_lib.exercises import search_solutions as right
from course_lib.exercises.reading import written
from course_lib.exercises.search_pictures import said
from course_lib.page.plots import MUTED, OTHER, SAME, bare, panels

DARK, LIGHT = "#333333", "#FFFFFF"


def draw_nearest(case, expected, got):
    """The vectors at their distances from each query; those returned, yours and as it should be."""
    queries, vectors, k = case
    distances = right.squared_distances(queries, vectors).sqrt()
    far = max(distances.max().item(), 0.5)
    levels = [_levels(row, far / 22) for row in distances.tolist()]
    tall = 0.4 + 0.32 * max(map(max, levels))
    fig, (ax,) = panels(height=1.1 + 1.5 * tall * len(queries))
    ax.set_title(f"Nearest, k = {k}: yours {said(got)}, should be {said(expected)}")
    for i, row in enumerate(distances.tolist()):
        for y, answer, name in ((-2 * i, got, "yours"), (-2 * i - 1, expected, "expected")):
            indices = None if answer is None or i >= len(answer) else answer[i].tolist()
            _at_distances(ax, y * tall, row, levels[i], indices, expected[i].tolist(), far / 22)
            text = "none" if indices is None else written(indices, width=24)
            look = {"va": "center", "color": DARK, "weight": "bold" if y % 2 else "normal"}
            ax.text(1.08 * far, y * tall, f"query {i}, {name}: {text}", **look)
    ax.set(xlim=(-0.05 * far, 1.75 * far), yticks=[])
    ax.set_ylim((-2 * len(queries) + 1) * tall - 0.3, tall - 0.12)
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= far])
    ax.set_xlabel("Euclidean distance. Filled: returned; orange: not at this place", loc="left")
    return fig


def _levels(row, near):
    """How high each dot is drawn, so that none covers another.  # N -> N whole numbers"""
    levels = []
    for i, distance in enumerate(row):
        taken = {levels[j] for j in range(i) if abs(row[j] - distance) < near}
        levels.append(min(set(range(len(row))) - taken))
    return levels


def _at_distances(ax, y, row, levels, indices, expected, near):
    """Vectors as numbered dots at their distances; the ones returned are filled."""
    ax.plot([0, max(*row, near)], [y, y], color="#CCCCCC", lw=1, zorder=1)
    for n, (distance, level) in enumerate(zip(row, levels, strict=True)):
        returned = indices is not None and n in indices
        fits = returned and n in expected and indices.index(n) == expected.index(n)
        colour = MUTED if not returned else SAME if fits else OTHER
        face = colour if returned else LIGHT
        height = y + 0.32 * level
        ax.scatter(distance, height, s=230, facecolors=face, edgecolors=colour, lw=1.5, zorder=3)
        look = {"ha": "center", "va": "center", "fontsize": 9, "weight": "bold"}
        ax.text(distance, height, n, color=LIGHT if returned else DARK, zorder=4, **look)


def draw_candidates(case, expected, got):
    """Every vector's code in every table, blue where it is the query's; below them yours and the expected ones."""
    codes, query = case
    tables, n, _ = codes.shape
    fig, (ax,) = panels(height=1.1 + 0.42 * (tables + 2))
    bare(ax, f"Candidates: yours {said(got)}, should be {said(expected)}")
    for t in range(tables):
        for i, code in enumerate([query[t], *codes[t]]):
            same = i > 0 and torch.equal(code, query[t])
            look = {"color": SAME if same else DARK if i == 0 else MUTED}
            look |= {"weight": "bold" if same or i == 0 else "normal", "family": "monospace"}
            ax.text(
                i + 0.5, t + 0.5, "".join(map(str, code.tolist())), ha="center", va="center", **look
            )
            if same:
                x, y = (
                    [i + 0.1, i + 0.9, i + 0.9, i + 0.1],
                    [t + 0.15, t + 0.15, t + 0.85, t + 0.85],
                )
                ax.fill(x, y, fc="none", ec=SAME, lw=2)
    for y, answer in ((tables, got), (tables + 1, expected)):
        indices = [] if answer is None else answer.tolist()
        if not indices:
            nothing = "no row of indices" if answer is None else "none"
            ax.text(1.2, y + 0.5, nothing, va="center", color=DARK)
        for i in set(indices) & set(range(n)):
            fits, times = i in expected.tolist(), indices.count(i)
            ax.scatter(i + 1.5, y + 0.5, s=110, color=SAME if fits else OTHER)
            if times > 1:
                ax.text(i + 1.68, y + 0.5, f"{times} times", va="center", color=DARK)
    ax.plot([0, n + 1], [tables, tables], color="#CCCCCC", lw=1)
    rows = [*(f"table {t}" for t in range(tables)), "yours", "expected"]
    ax.set(yticks=[i + 0.5 for i in range(tables + 2)], yticklabels=rows)
    ax.set(xticks=[i + 0.5 for i in range(n + 1)])
    ax.set_xticklabels(["query", *(f"vector {i}" for i in range(n))])
    ax.set(xlim=(0, max(n + 1, 7)), ylim=(tables + 2, 0))
    return fig


def draw_recall_at_k(case, expected, got):
    """The exact neighbours beside what was found, query by query; blue where both hold the same vector."""
    found, exact = case
    fig, (ax,) = panels(height=1.1 + 0.42 * len(exact))
    yours = "no number" if got is None else f"{got:.4g}"
    bare(ax, f"Recall: yours {yours}, should be {expected:.4g}")
    k, places = exact.shape[1], found.shape[1]
    gap = k + 1
    for i, (row, others) in enumerate(zip(exact.tolist(), found.tolist(), strict=True)):
        for j, number in enumerate(row):
            _cell(ax, j, i, number, SAME if number in others else OTHER)
        for j, number in enumerate(others):
            _cell(ax, gap + j, i, number, SAME if number in row else MUTED)
        hits = sum(number in others for number in row)
        ax.text(gap + places + 0.4, i + 0.45, f"{hits} of {k}", va="center", color=DARK)
    for x, name in ((0, "exact"), (gap, "found")):
        ax.text(x, -0.12, name, va="bottom", color=DARK, weight="bold")
    ax.set(yticks=[i + 0.45 for i in range(len(exact))])
    ax.set(yticklabels=[f"query {i}" for i in range(len(exact))])
    ax.set_xlabel(
        "Blue: an exact neighbour that was found; orange: missed; grey: not one of them", loc="left"
    )
    ax.set(xlim=(-0.1, max(gap + places + 2, 12)), ylim=(len(exact), -0.6))
    return fig


def _cell(ax, x, y, number, colour):
    ax.fill([x, x + 0.9, x + 0.9, x], [y, y, y + 0.9, y + 0.9], fc=LIGHT, ec=colour, lw=1.5)
    ax.text(x + 0.45, y + 0.45, number, ha="center", va="center", color=colour, weight="bold")
