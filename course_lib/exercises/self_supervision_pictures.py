"""Pictures of a case about pretext tasks, probes and contrastive learning: yours, beside what is right."""

import torch
from torch.nn import functional as F

from course_lib.page.plots import CLASS_COLOURS, MUTED, OTHER, QUERY, SAME, bare, panels

SOLID, DASHED = "-", (0, (4, 3))
DARK, LIGHT = "#333333", "#FFFFFF"


def _row(ax, images, names, title, limits, gap=0.6):
    """Images side by side, the first channel of each, with a name under each.  # N x [C, H, W] -> left edges"""
    bare(ax, title)
    left, lefts, tall = 0.0, [], max(image.shape[1] for image in images)
    for image, name in zip(images, names, strict=True):
        height, width = image.shape[1:]
        _pixels(ax, image[0], left, 0, limits)
        ax.text(left + width / 2, height + 0.12 * tall, name, ha="center", va="top", color=DARK)
        lefts.append(left)
        left += width + gap
    ax.set(xlim=(-0.2, left - gap + 0.2), ylim=(1.35 * tall + 0.1, -0.2))
    ax.set(aspect="equal", anchor="W")
    return lefts


def _pixels(ax, values, left, top, limits):
    """An image with its numbers, where they have room; dark is high.  # [H, W]"""
    height, width = values.shape
    low, high = limits
    extent = (left, left + width, top + height, top)
    ax.imshow(values.tolist(), "Blues", vmin=low, vmax=2 * high - low + 1, extent=extent)
    if height * width <= 100:
        for y, row in enumerate(values.tolist()):
            for x, value in enumerate(row):
                where = left + x + 0.5, top + y + 0.5
                ax.text(*where, f"{value:g}", ha="center", va="center", color=DARK, fontsize=7.5)


def _frame(ax, left, top, width, height, colour, text="", style=SOLID):
    x, y = (
        [left, left + width, left + width, left, left],
        [top, top, top + height, top + height, top],
    )
    ax.plot(x, y, color=colour, ls=style, lw=2.5, clip_on=False)
    paper = {"facecolor": LIGHT, "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
    if text:
        ax.text(left, top - 0.1, text, color=colour, weight="bold", va="bottom", bbox=paper)


def _limits(*tensors):
    return min(t.min().item() for t in tensors), max(t.max().item() for t in tensors)


def draw_rotations(case, expected, got):
    """The turned images in their order, each with its label: yours and as it should be."""
    fig, axes = panels(rows=2, height=1.6)
    limits = _limits(*case)
    for ax, answer, title in zip(axes, (got, expected), ("Yours", "Expected"), strict=True):
        if answer is None:
            bare(ax, f"{title}: no images and labels of this shape")
            continue
        images, labels = answer
        names = [f"{k}" for k in labels.tolist()] + ["no label"] * len(images)
        _row(ax, images, names[: len(images)], f"{title}: images, labels below", limits)
    return fig


def draw_permutation_set(case, expected, got):
    """The chosen orders, row by row, with the number of places that differ from the nearest order above."""
    fig, axes = panels(2, height=0.9 + 0.35 * max(len(expected), 0 if got is None else len(got)))
    for ax, orders, title in zip(axes, (got, expected), ("Yours", "Expected"), strict=True):
        if orders is None or orders.shape[1:] != case[0].shape[1:]:
            bare(ax, f"{title}: no orders of this length")
            continue
        _orders(ax, orders, f"{title}: distance to the nearest above")
    return fig


def _orders(ax, orders, title):
    bare(ax, title)
    for n, order in enumerate(orders):
        for place, tile in enumerate(order.tolist()):
            colour = CLASS_COLOURS[tile % len(CLASS_COLOURS)]
            ax.fill(
                [place, place + 0.9, place + 0.9, place], [n, n, n + 0.8, n + 0.8], color=colour
            )
            look = {"ha": "center", "va": "center", "color": LIGHT, "weight": "bold"}
            ax.text(place + 0.45, n + 0.4, f"{tile}", **look)
        nearest = min((int((order != other).sum()) for other in orders[:n]), default=None)
        said = "the first" if nearest is None else f"{nearest}"
        ax.text(len(order) + 0.2, n + 0.4, said, va="center", color=DARK)
    ax.set(xlim=(0, orders.shape[1] + 4), ylim=(len(orders), 0))


def draw_patch_pair(case, expected, got):
    """The image with both tiles in it; beside it the tiles."""
    image, *_ = case
    fig, axes = panels(3, height=3.2, widths=(2, 1, 1))
    limits = _limits(image)
    _row(axes[0], [image], [""], "The expected tiles; yours are dashed", limits)
    axes[0].set_ylim(image.shape[1] + 0.4, -0.8)
    _frame_tiles(axes[0], image, expected, SOLID)
    if got is not None:
        _frame_tiles(axes[0], image, got, DASHED)
    names = ("middle", "neighbour")
    for ax, tiles, title in zip(axes[1:], (got, expected), ("Yours", "Expected"), strict=True):
        if tiles is None:
            bare(ax, f"{title}: not two such tiles")
        else:
            _row(ax, tiles, names, title, limits, gap=0.3 * image.shape[1] / 2)
    return fig


def _frame_tiles(ax, image, tiles, style):
    """Frames around two tiles, where their first pixel is found in the image: each pixel has a value of its own."""
    colours = (QUERY, SAME) if style == SOLID else (OTHER, OTHER)
    texts = ("middle", "neighbour") if style == SOLID else ("", "")
    for tile, colour, text in zip(tiles, colours, texts, strict=True):
        for top, left in (image[0] == tile[0, 0, 0]).nonzero().tolist():
            inset = 0.0 if style == SOLID else 0.12
            sides = tile.shape[2] - 2 * inset, tile.shape[1] - 2 * inset
            _frame(ax, left + inset, top + inset, *sides, colour, text, style)


def draw_linear_probe(case, expected, got):
    """The training features as dots, the test features as squares; colour and number are the class."""
    x, labels, x_test, labels_test = case
    fig, (ax,) = panels(height=3.0)
    yours = "no number" if got is None else f"{got:.3g}"
    ax.set_title(f"Accuracy on the test set (squares): yours {yours}, should be {expected:.3g}")
    looks = (("o", 50, 10, x, labels, "training"), ("s", 130, -16, x_test, labels_test, "test"))
    for marker, size, right, features, classes, name in looks:
        y = 0.0 if marker == "o" else -1.0
        for i, (row, label) in enumerate(zip(features.tolist(), classes.tolist(), strict=True)):
            # images with the same features are drawn around each other
            before = sum(other == row for other in features[:i].tolist())
            where, colour = (row[0], row[1] if len(row) > 1 else y), CLASS_COLOURS[label]
            look = {"marker": marker, "edgecolors": colour, "linewidths": 2}
            face = colour if marker == "o" and before == 0 else "none"
            ax.scatter(*where, s=size * (1 + 1.5 * before), facecolors=face, **look)
            offset = (right + (8 * before if right > 0 else -8 * before), -4 + 11 * before)
            ax.annotate(f"{label}", where, offset, textcoords="offset points", color=colour)
        if x.shape[1] == 1:
            ax.text(-0.9, y, name, va="center", color=DARK)
    right, top = torch.cat([x, x_test]).amax(dim=0)[[0, -1]].clamp(min=4).tolist()
    ax.set(xlabel="first feature", xlim=(-1, right + 0.6))
    if x.shape[1] == 1:
        ax.set(yticks=[], ylim=(-1.8, 0.8))
    else:
        ax.set(ylabel="second feature", ylim=(-0.8, top + 0.8))
    return fig


def draw_nt_xent(case, expected, got):
    """The cosines of all views, those of partners framed; the two losses."""
    a, b, temperature = case
    cosines = F.normalize(torch.cat([a, b])) @ F.normalize(torch.cat([a, b])).T  # [2N, 2N]
    n, names = len(a), [f"{view}{i}" for view in "ab" for i in range(len(a))]
    fig, (ax,) = panels(height=3.6)
    yours = "no number" if got is None else f"{got:.4g}"
    title = f"Loss at temperature {temperature:g}: yours {yours}, expected {float(expected):.4g}"
    bare(ax, f"{title}. Below: cosines, partners framed")
    without_itself = cosines.clone().fill_diagonal_(torch.nan).tolist()
    ax.imshow(without_itself, "Blues", vmin=-1, vmax=2.5, extent=(0, 2 * n, 2 * n, 0))
    for i, row in enumerate(cosines.tolist()):
        for j, cosine in enumerate(row):
            text, colour = ("-", MUTED) if i == j else (f"{round(cosine, 2) + 0.0:g}", DARK)
            ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=colour)
            if abs(i - j) == n:
                _frame(ax, j + 0.05, i + 0.05, 0.9, 0.9, SAME)
    ax.set(xticks=[i + 0.5 for i in range(2 * n)], yticks=[i + 0.5 for i in range(2 * n)])
    ax.set(xticklabels=names, yticklabels=names, ylim=(2 * n, -0.05), anchor="W")
    return fig


def draw_two_views(case, expected, got):
    """The images with the places of their crops; below the crops, yours and as they should be."""
    images, corners, size = case
    n, limits = len(images), _limits(images)
    fig, axes = panels(rows=3, height=1.7)
    names = [f"image {i}" for i in range(n)]
    lefts = _row(
        axes[0], images, names, "Blue: the first view; orange: the second", limits, gap=1.5
    )
    for i, (top, left) in enumerate(corners.tolist()):
        inset, colour = (0.0, SAME) if i < n else (0.12, OTHER)
        at = lefts[i % n] + left + inset, top + inset
        _frame(axes[0], *at, size - 2 * inset, size - 2 * inset, colour, "", SOLID)
    for ax, views, title in zip(axes[1:], (got, expected), ("Yours", "Expected"), strict=True):
        if views is None:
            bare(ax, f"{title}: no crops of this shape")
        else:
            _row(ax, views, [f"row {i}" for i in range(len(views))], title, limits, gap=1.5)
    return fig


def draw_case_pairs(case, expected, got):
    """Photos in a row, coloured by case, and an arrow from each to its partner: yours and as it should be."""
    fig, axes = panels(rows=2, height=1.9)
    for ax, partners, title in zip(axes, (got, expected), ("Yours", "Expected"), strict=True):
        row = "no row of numbers" if partners is None else f"{partners.tolist()}"
        bare(ax, f"{title}: {row}")
        _arrows(ax, case[0].tolist(), [] if partners is None else partners.tolist())
    return fig


def _arrows(ax, cases, partners):
    names = sorted(set(cases))
    for i, label in enumerate(cases):
        colour = CLASS_COLOURS[names.index(label) % len(CLASS_COLOURS)]
        ax.scatter(i, 0, s=500, color=colour, zorder=3)
        ax.text(i, 0, f"{i}", color=LIGHT, ha="center", va="center", weight="bold", zorder=4)
        ax.text(i, -0.55, f"case {label}", color=colour, ha="center", va="top")
    for i, partner in enumerate(partners[: len(cases)]):
        colour = CLASS_COLOURS[names.index(cases[i]) % len(CLASS_COLOURS)]
        if partner == i or not 0 <= partner < len(cases):
            said = "itself" if partner == i else f"{partner}?"
            ax.text(i, 0.5, said, color=colour, ha="center")
            continue
        # the way back lower than the way there, so that both can be seen
        bend = (-0.45 if partner > i else 0.3) * min(1, 3 / abs(partner - i))
        style = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 12, "shrinkB": 12}
        arrow = style | {"connectionstyle": f"arc3,rad={bend}"}
        ax.annotate("", (partner, 0), (i, 0), arrowprops=arrow, zorder=2)
    ax.set(xlim=(-0.7, max(len(cases), 5) - 0.3), ylim=(-1.4, 1.4))
