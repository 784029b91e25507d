"""Pictures of a case about distances and codes: points, and tables of numbers, yours beside what is right."""

import torch
from torch.nn import functional as F

from course_lib.exercises.reading import written
from course_lib.page.plots import MUTED, OTHER, QUERY, SAME, bare, panels

DARK, LIGHT = "#333333", "#FFFFFF"
DASHED = (0, (4, 3))
MOST = 8  # rows and columns of a table that are shown


def said(got):
    """An answer in a title, cut where it is long; `got` is None if it has another form."""
    return "of another form" if got is None else written(got, width=36)


def _title(fig, text):
    fig.suptitle(text, x=0.01, ha="left", fontsize=11, weight="bold")


def _panels(d, got, expected):
    """A panel for points of at most two coordinates, None for more; panels for two tables."""
    tables = [expected] if got is None else [got, expected]
    rows = max(min(max(map(len, tables)), MOST), 2 if d > 2 else 5)
    fig, axes = panels(2 if d > 2 else 3, height=1.5 + 0.4 * rows)
    room = None if d > 2 else axes.pop(0)
    for ax in axes:
        ax.set_ylim(rows, -0.6)
    return fig, room, axes


def _two_tables(axes, got, expected, row, column):
    """Yours and the expected numbers, cell by cell; where yours differs it is orange."""
    for ax, values, name in zip(axes, (got, expected), ("Yours", "Expected"), strict=True):
        bare(ax, name)
        if values is None:
            ax.text(0.05, 0.5, "of another form", color=DARK, transform=ax.transAxes)
            continue
        same_shape = values.shape == expected.shape
        if not same_shape:
            ax.set_title(f"{name}: {list(values.shape)}, not {list(expected.shape)}")
        _table(ax, values[:MOST, :MOST], expected if same_shape else None, row, column)


def _table(ax, values, expected, row, column):
    for i, numbers in enumerate(values.tolist()):
        for j, number in enumerate(numbers):
            fits = expected is not None and abs(number - expected[i, j].item()) < 1e-3
            x, y = [j, j + 0.94, j + 0.94, j], [i, i, i + 0.9, i + 0.9]
            ax.fill(x, y, fc=LIGHT, ec="#CCCCCC")
            look = {"color": SAME if fits else OTHER, "weight": "bold"}
            text = f"{number + 0.0:.3g}"
            ax.text(j + 0.47, i + 0.45, text, ha="center", va="center", **look)
    height, width = values.shape
    ax.set(yticks=[i + 0.45 for i in range(height)])
    ax.set(yticklabels=[f"{row}{i}" for i in range(height)])
    for j in range(width):
        ax.text(j + 0.47, -0.1, f"{column}{j}", ha="center", va="bottom", color="#555555")
    ax.set_xlim(-0.06, max(width, 3))


def _flat(x):
    """Points with two coordinates, the second 0 where there is only one.  # [N, 1 or 2] -> [N, 2]"""
    return F.pad(x, (0, 2 - x.shape[1]))


def _room(ax, title, *points, line=False):
    """Square axes around points, 0 among them."""
    everything = torch.cat([_flat(x) for x in points]).abs().amax().item()
    reach = 1.35 * max(everything, 0.5)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    ax.tick_params(labelsize=8)
    if line:
        ax.set_yticks([0], [""])
    return reach


def _names(ax, points, letter, above):
    """A name above or below each point, towards the middle; points that coincide share one text."""
    places = {}
    for i, point in enumerate(_flat(points).tolist()):
        places.setdefault(tuple(point), []).append(f"{letter}{i}")
    for place, names in places.items():
        right_half = place[0] > 0.6 * ax.get_xlim()[1]
        way = (-5 if right_half else 5, 5 if above else -6)
        look = {"ha": "right" if right_half else "left", "va": "bottom" if above else "top"}
        _beside(ax, place, way, ", ".join(names), look)


def _tips(ax, normals):
    """A name beyond the tip of each arrow; arrows that end at one place share one text."""
    places = {}
    for i, normal in enumerate(_flat(normals)):
        places.setdefault(tuple(normal.tolist()), []).append(f"n{i}")
    for place, names in places.items():
        length = sum(x * x for x in place) ** 0.5
        way = [14 * x / length for x in place]
        _beside(ax, place, way, ", ".join(names), {"ha": "center", "va": "center"})


def _beside(ax, place, way, text, look):
    paper = {"facecolor": LIGHT, "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
    look |= {"textcoords": "offset points", "fontsize": 9, "color": DARK}
    ax.annotate(text, place, way, bbox=paper, **look)


def draw_squared_distances(case, expected, got):
    """The points, a line between the first two whose distance is wrong, and both tables."""
    a, b = case
    fig, ax, tables = _panels(a.shape[1], got, expected)
    i, j = _first_difference(expected, got)
    yours = "of another form" if got is None else f"{got[i, j].item():.4g}"
    between = f"a{i} and b{j}"
    _title(fig, f"Squared distance of {between}: yours {yours}, should be {expected[i, j]:.4g}")
    _two_tables(tables, got, expected, "a", "b")
    if ax is not None:
        _room(ax, f"Dashed: from {between.replace('and', 'to')}", a, b, line=a.shape[1] == 1)
        ends = torch.stack([_flat(a)[i], _flat(b)[j]])
        ax.plot(*ends.T.tolist(), color=MUTED, ls=DASHED, lw=1.5)
        # filled and hollow: both can be seen where they coincide
        ax.scatter(*_flat(a).T.tolist(), s=35, color=QUERY, zorder=3)
        ax.scatter(*_flat(b).T.tolist(), s=110, facecolors="none", edgecolors=SAME, lw=2, zorder=4)
        _names(ax, a, "a", above=True)
        _names(ax, b, "b", above=False)
    return fig


def _first_difference(expected, got):
    """Row and column of the first number that is wrong; 0, 0 if there is none."""
    if got is None:
        return 0, 0
    wrong = ((got - expected).abs() > 1e-4 * (1 + expected.abs())).nonzero().tolist()
    return wrong[0] if wrong else (0, 0)


def draw_hyperplane_codes(case, expected, got):
    """Planes through 0 with their normals, the vectors, blue where all bits are right, and both tables."""
    x, normals = case
    fig, ax, tables = _panels(x.shape[1], got, expected)
    _title(fig, f"Codes: yours {said(got)}, should be {said(expected)}")
    _two_tables(tables, got, expected, "x", "n")
    if ax is not None:
        reach = _room(ax, "Dashed: planes; arrows: normals", x, normals, line=x.shape[1] == 1)
        for normal in _flat(normals):
            along = reach * 2 * torch.stack([-normal[1], normal[0]]) / normal.norm()  # [2]
            ax.plot(*torch.stack([-along, along]).T.tolist(), color=MUTED, ls=DASHED, lw=1.5)
            way = {"arrowstyle": "-|>", "color": DARK, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", normal.tolist(), (0, 0), arrowprops=way)
        same_shape = got is not None and got.shape == expected.shape
        for i, point in enumerate(_flat(x).tolist()):
            fits = same_shape and torch.equal(got[i], expected[i])
            ax.scatter(*point, s=45, color=SAME if fits else OTHER, zorder=4)
        _names(ax, x, "x", above=True)
        _tips(ax, normals)
    return fig
