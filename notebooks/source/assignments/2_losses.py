# %% [markdown]
# # Assignment 2: Losses
#
# {{assignment.head}}
#
# A gate must open for people whom its network has never seen. So the network does not predict a name: it maps each photo to a vector, its **embedding**, and two photos are compared by their embeddings. A **loss** is a number that training makes smaller; it defines which photos should be near each other, and which far apart. Here you write three losses and the rule that chooses triplets. With the last loss you train a face encoder, which is tested on people who are in no training photo.
#
# **How it works**
#
# {{assignment.how}}
#
# Only exercise 5 uses an earlier function, `margin_logits`; its text says how to do without.

# %% tags=["given"]
import math

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.assigned import checker
from course_lib.page import plots
from course_lib.page.notebook import figure
from course_lib.training.batches import batches
from course_lib.training.loop import fit

VARIANT = 2026
check = checker("2_losses", VARIANT)

generator = torch.Generator().manual_seed(VARIANT)
person = torch.arange(3).repeat_interleave(6)  # of 18 photos
turn = 2 * math.pi * (torch.arange(3) / 3 + torch.rand(1, generator=generator))
centres = torch.stack([turn.cos(), turn.sin()], dim=1)  # [3, 2], a direction for each person
points = centres[person] + 0.8 * torch.randn(18, 2, generator=generator)  # [18, 2], the embeddings

# %% [markdown]
# The next cell is given, too. Three of its functions are for you: `move`, `all_triplets` and `percent_with_loss`. The others draw the figures.


# %% jupyter={"source_hidden": true} tags=["given"]
COLOURS = plots.CLASS_COLOURS[2:5]


def move(x, loss, steps=300, rate=3.0):
    """Gradient descent on embeddings, each moved alone.  # [B, d], ([B, d] -> []) -> [B, d]"""
    x = x.clone().requires_grad_()
    for _ in range(steps):
        (slope,) = torch.autograd.grad(loss(x), x)
        x = (x - rate * slope).detach().requires_grad_()
    return x.detach()


def all_triplets(labels):
    """Every (anchor, positive, negative) of a batch, as three rows of indices.  # [B] -> 3 x [T]"""
    alike = labels[:, None] == labels
    positive = alike & ~torch.eye(len(labels), dtype=torch.bool)
    return torch.where(positive[:, :, None] & ~alike[:, None])


def percent_with_loss(x, loss, margin=1.0):
    """% of all triplets of the 18 photos with loss(a, p, n, margin) above 0.  # [18, d] -> number"""
    triplets = torch.stack(all_triplets(person), dim=1)  # [1080, 3]
    losses = [float(loss(*x[triplet][:, None], margin)) for triplet in triplets]
    return 100 * sum(value > 0 for value in losses) / len(losses)


def draw_points(ax, x, title):
    """Embeddings in the plane, coloured by person.  # [18, 2]"""
    extent = (x.amax(0) - x.amin(0)).max()
    for i, (name, colour) in enumerate(zip("ABC", COLOURS, strict=True)):
        mine = x[person == i]
        ax.scatter(*mine.T.tolist(), s=45, color=colour, alpha=0.85, linewidths=0)
        # the name beyond the outermost photo
        away = F.normalize(mine.mean(0) - x.mean(0), dim=0)
        place = mine[(mine @ away).argmax()] + 0.08 * extent * away
        ax.scatter(
            *place.tolist(), s=90, color=colour, marker=rf"$\mathbf{{{name}}}$", linewidths=0
        )
    ax.margins(0.08)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(title=title, xlabel="first number", ylabel="second number")


def draw_distances(ax, x, title):
    """Distances within a person (blue) and between two people (orange).  # [18, 2]"""
    d, alike = torch.cdist(x, x), person[:, None] == person
    kinds = alike & ~torch.eye(len(x), dtype=torch.bool), ~alike
    counts = [torch.histogram(d[kind], bins=12, range=(0.0, float(d.max()))) for kind in kinds]
    shares = [count.hist / count.hist.sum() for count in counts]
    edges = counts[0].bin_edges
    kinds = (plots.SAME, "one person", "center"), (plots.OTHER, "two people", "left")
    for mine, other, (colour, name, side) in zip(shares, shares[::-1], kinds, strict=True):
        ax.stairs(mine.tolist(), edges.tolist(), fill=True, color=colour, alpha=0.45)
        # the name where it is clear of the other histogram
        at = int((mine - other).argmax())
        look = {"color": colour, "weight": "bold", "va": "bottom", "ha": side}
        ax.text(float(edges[at : at + 2].mean()), float(mine[at]), name, **look)
    ax.set(title=title, xlabel="distance", ylabel="share of the pairs")
    ax.margins(y=0.15)


def draw_circle(ax, zones, title):
    """Photos on the unit circle, the centres' directions, and zones.  # zones: (radius, alpha, [720, 3] bool)"""
    angles = torch.linspace(0, 2 * math.pi, 720)
    for radius, alpha, mine in zones:
        for zone, colour in zip(mine.T, COLOURS, strict=True):
            x, y = (torch.where(zone, radius * f(angles), math.nan) for f in (torch.cos, torch.sin))
            ax.plot(x.tolist(), y.tolist(), color=colour, alpha=alpha, lw=9, solid_capstyle="butt")
    for i, (name, colour) in enumerate(zip("ABC", COLOURS, strict=True)):
        photos = F.normalize(points[person == i])
        ax.scatter(*photos.T.tolist(), s=36, color=colour, edgecolors="white", zorder=3)
        ax.plot(*torch.stack([0 * centres[i], centres[i]], 1).tolist(), color=colour, lw=1.5)
        look = {"color": colour, "weight": "bold", "ha": "center", "va": "center"}
        ax.text(*(1.2 * centres[i]).tolist(), name, fontsize=12, **look)
    ax.plot([-1.3, 1.3], [-1.3, 1.3], alpha=0)  # room for the names
    plots.bare(ax, title).set_aspect("equal", adjustable="datalim")


# %% [markdown]
# ## The data
#
# Three people, A, B and C, have six photos each. Imagine their embeddings early in training: two numbers for each photo, a point in the plane. Ours are drawn at random, around a direction for each person. `points` holds the embeddings [18, 2], `person` the labels [18].

# %% tags=["shown"]
fig, (left, right) = plots.panels(2, height=3.4)
draw_points(left, points, "Eighteen photos of three people")
draw_distances(right, points, "No threshold separates the distances")
figure(
    fig,
    "Left: eighteen points in three colours, which overlap. Right: distances between photos of one person and of two "
    "people, two histograms that overlap.",
)

# %% [markdown]
# Photos of two people are often nearer to each other than photos of one person. Each loss below leads to another arrangement of these points.

# %% [markdown]
# ## 1. Pairs
#
# {{exercise.contrastive_loss}}
#
# The simplest loss compares two photos. If they show one person, their distance should be 0; if they show two people, it should be at least a **margin** $M$. The **contrastive loss** is the mean over all pairs $i < j$ of
#
# $$ \ell_{ij} = \begin{cases} d_{ij}^2 / 2 & \text{if } y_i = y_j \\ \max(0,\ M - d_{ij})^2 / 2 & \text{if } y_i \ne y_j \end{cases} \qquad d_{ij} = \lVert x_i - x_j \rVert $$
#
# * $d$ is the Euclidean distance, not its square.
# * The mean is taken over *all* pairs, also those whose loss is 0. Each pair counts once, and no image is paired with itself.
# * There are at least two embeddings. Return a tensor of shape []: a Python float has no gradient.
# * At distance 0 the gradient of `sqrt` is infinite, and gives NaN. Use `torch.linalg.norm`, whose gradient there is 0.
#
# The check does not test gradients; training needs them.
#
# To try it on the data: `contrastive_loss(points, person, 2.0)`.


# %% tags=["exercise"]
def contrastive_loss(x, labels, margin):
    """The contrastive loss of a batch.  # [B, d], [B], number -> number"""
    # the pairs i < j
    # their distances, and whether both are of one class
    # the loss of each pair, then the mean
    # BEGIN SOLUTION
    i, j = torch.triu_indices(len(x), len(x), offset=1)
    d = (x[i] - x[j]).norm(dim=1)
    pull = d**2 / 2
    push = (margin - d).clamp(min=0) ** 2 / 2
    return torch.where(labels[i] == labels[j], pull, push).mean()
    # END SOLUTION


# %% tags=["check"]
check("contrastive_loss", contrastive_loss)

# %% tags=["expected"]
MARGIN = 2.0
fig, (left, right) = plots.panels(2, height=3.4)
d = torch.linspace(0, 3, 61)
for second, colour, name, at, va in (
    (0, plots.SAME, "one person", 42, "top"),
    (1, plots.OTHER, "two people", 3, "bottom"),
):
    pair = torch.tensor([0, second])
    loss = [contrastive_loss(torch.tensor([[0.0], [x]]), pair, MARGIN) for x in d.tolist()]
    left.plot(d.tolist(), loss, color=colour, lw=2.5)
    left.text(d[at] + 0.1, loss[at], name, color=colour, weight="bold", va=va)
left.axvline(MARGIN, color=plots.MUTED, lw=1, ls="--")
left.text(MARGIN + 0.05, 3.9, "margin", color=plots.MUTED)
left.set(title="Beyond the margin nothing is pushed", xlabel="distance", ylabel="loss of a pair")
moved = move(points, lambda x: contrastive_loss(x, person, MARGIN))
losses = [float(contrastive_loss(x, person, MARGIN)) for x in (points, moved)]
draw_points(right, moved, "After 300 steps: one place for each person")
print(
    f"contrastive_loss(points, person, {MARGIN}) = {losses[0]:.4f}\n"
    f"moved = move(points, lambda x: contrastive_loss(x, person, {MARGIN}))\n"
    f"contrastive_loss(moved, person, {MARGIN}) = {losses[1]:.4f}"
)
figure(
    fig,
    "Left: the loss of a pair rises with the distance for one person, and falls to 0 at the margin for two people. "
    "Right: after training, all photos of a person lie in one point, and the three points are apart.",
)

# %% [markdown]
# **Go further.** `move(points, loss)` makes a loss smaller by moving each point alone, as if a network could map each photo anywhere. Draw what your loss does with another margin:
#
# ```python
# fig, (ax,) = plots.panels(1)
# draw_points(ax, move(points, lambda x: contrastive_loss(x, person, 0.5)), "margin 0.5")
# figure(fig, "the points after training")
# ```
#
# Then begin with all photos in one place, `torch.zeros(18, 2)`. At equal points the distance has no direction. Which gradient does your code give, and where do the points go?

# %% [markdown]
# ## 2. Triplets
#
# {{exercise.triplet_loss}}
#
# The contrastive loss pulls all photos of a person into one point. Search needs less: a photo should be nearer to each photo of the same person than to any photo of another one. Verification, with one threshold for all people, needs a common scale as well; the margin helps. The **triplet loss** compares three embeddings: the **anchor** $a$; the **positive** $p$, of the same person; and the **negative** $n$, of another person. It is the mean over the triplets of
#
# $$ \max\left(0,\ \lVert a - p \rVert^2 - \lVert a - n \rVert^2 + M\right) $$
#
# * Both distances are *squared*, as in FaceNet, and both begin at the anchor.
# * Each triplet is clamped at 0 before the mean is taken; the mean is over all triplets, also those whose loss is 0.
# * Row $t$ of the three tensors is triplet $t$. There is at least one. Return a single number.
#
# To try it on the data: `triplet_loss(*(points[i] for i in all_triplets(person)), 1.0)`. `all_triplets` is given.


# %% tags=["exercise"]
def triplet_loss(anchor, positive, negative, margin):
    """The mean triplet loss.  # 3 x [T, d], number -> number"""
    # two squared distances for each triplet, summed over the dimensions only
    # BEGIN SOLUTION
    to_positive = ((anchor - positive) ** 2).sum(dim=1)
    to_negative = ((anchor - negative) ** 2).sum(dim=1)
    return (to_positive - to_negative + margin).clamp(min=0).mean()
    # END SOLUTION


# %% tags=["check"]
check("triplet_loss", triplet_loss)

# %% tags=["expected"]
fig, (left, right) = plots.panels(2, height=3.4)
across, up = torch.linspace(-2, 2, 81), torch.linspace(-1.6, 1.6, 65)
a, p = torch.zeros(1, 2), torch.tensor([[0.8, 0.0]])
loss = [
    [triplet_loss(a, p, torch.tensor([[x, y]]), 1.0) for x in across.tolist()] for y in up.tolist()
]
levels = [1e-4, *torch.linspace(0, 1.64, 9)[1:].tolist()]
left.contourf(across, up, torch.tensor(loss), levels=levels, cmap="Oranges", vmin=-0.2, vmax=2.6)
circle = torch.linspace(0, 2 * math.pi, 200)
radius = math.sqrt(0.8**2 + 1.0)
left.plot(
    (radius * circle.cos()).tolist(), (radius * circle.sin()).tolist(), color=plots.QUERY, ls="--"
)
for (place,), colour, name, up in ((a, plots.QUERY, "anchor", 8), (p, plots.SAME, "positive", -15)):
    left.scatter(*place.tolist(), s=60, color=colour, zorder=3)
    look = {"color": colour, "weight": "bold", "ha": "center", "textcoords": "offset points"}
    left.annotate(name, place.tolist(), (0, up), **look)
left.set(title="Outside the circle a negative has loss 0", xlabel="where the negative lies")
left.set_aspect("equal", adjustable="datalim")
triplets = all_triplets(person)  # 3 x [1080]
moved = move(points, lambda x: triplet_loss(*(x[i] for i in triplets), 1.0), rate=1.0)
draw_points(right, moved, "After training, photos keep a spread")
loss = triplet_loss(*(points[i] for i in triplets), 1.0)
easy = 100 - percent_with_loss(points, triplet_loss)
print(
    f"triplet_loss(*(points[i] for i in all_triplets(person)), 1.0) = {loss:.4f}\n"
    f"There are {len(triplets[0]):,} triplets; {easy:.0f}% of them have loss 0."
)
figure(
    fig,
    "Left: the loss by the place of the negative, large near the anchor, 0 outside a dashed circle. Right: after "
    "training the three people lie apart, and the photos of a person are not in one point.",
)

# %% [markdown]
# **Go further.** Multiply the embeddings by 10. How many triplets still have a loss above 0? `percent_with_loss(10 * points, triplet_loss)` counts them. A margin has the unit of the distances, so it must fit the scale of the embeddings. FaceNet fixes this scale: each embedding has length 1.

# %% [markdown]
# ## 3. Which triplets?
#
# {{exercise.semi_hard}}
#
# Our 18 photos already make 1,080 triplets. `percent_with_loss(points, triplet_loss)` shows how many of them have a loss above 0. Nothing can be learned from the others. They cost time, and they make the mean small. The opposite choice, the *hardest* negatives, can let a network collapse early in training, as FaceNet reports. FaceNet takes those between: **semi-hard** negatives are farther from the anchor than the positive, but by less than the margin,
#
# $$ d(a, p) < d(a, n) < d(a, p) + M $$
#
# Write `semi_hard`. For *every* pair (anchor, positive), take the *nearest* of its semi-hard negatives. (FaceNet leaves open which; we take the nearest.)
#
# * `distances[i, j]` is the distance of images $i$ and $j$, of any sort. With squared distances a semi-hard triplet has a triplet loss between 0 and $M$.
# * Anchor and positive are two different images of one class, in both orders: $(a, p)$ and $(p, a)$. A negative has another label.
# * Both inequalities are strict. A pair without a semi-hard negative is left out.
# * In the tests no anchor has two negatives at the same distance.
# * Return three rows of indices (int64): all anchors, all positives, all negatives; sorted by anchor, then by positive. They may be empty. Loops are fine here.
#
# To try it on the data: `semi_hard(torch.cdist(points, points) ** 2, person, 1.0)`.


# %% tags=["exercise"]
def semi_hard(distances, labels, margin):
    """Semi-hard triplets of a batch.  # [B, B], [B], number -> 3 x [T]"""
    # for every anchor, and every positive of it:
    #     which images are semi-hard negatives?
    #     the nearest of them, if there is one
    # BEGIN SOLUTION
    found = []
    for a in range(len(labels)):
        for p in range(len(labels)):
            if a == p or labels[a] != labels[p]:
                continue
            d, near = distances[a], distances[a, p]
            semi = (labels != labels[a]) & (near < d) & (d < near + margin)
            if semi.any():
                found.append((a, p, int(d.where(semi, math.inf).argmin())))
    return torch.tensor(found, dtype=torch.int64).view(-1, 3).T
    # END SOLUTION


# %% tags=["check"]
check("semi_hard", semi_hard)

# %% tags=["expected"]
distances = torch.cdist(points, points) ** 2
chosen = torch.stack(tuple(semi_hard(distances, person, 1.0)))  # [3, T]


def worth_showing(triplet):
    """Negatives in the ring and inside it, then a short way to the positive."""
    a, p, _ = triplet
    beyond = (distances[a] - distances[a, p])[person != person[a]]
    in_ring, inside = int(((beyond > 0) & (beyond < 1)).sum()), int((beyond <= 0).sum())
    return min(in_ring, 2), min(inside, 1), -float(distances[a, p])


a, p, n = max(chosen.T.tolist(), key=worth_showing)
fig, (left, right) = plots.panels(2, height=3.6)
circle, near = torch.linspace(0, 2 * math.pi, 200), float(distances[a, p])
rings = [
    points[a][:, None] + math.sqrt(r) * torch.stack([circle.cos(), circle.sin()])
    for r in (near, near + 1.0)
]
left.fill(
    *torch.cat([rings[0], rings[1].flip(1)], dim=1).tolist(), color=plots.SAME, alpha=0.15, lw=0
)
others = person != person[a]
left.scatter(*points[others].T.tolist(), s=35, color=plots.OTHER, alpha=0.6, linewidths=0)
for i, colour, name in ((a, plots.QUERY, "a"), (p, plots.SAME, "p"), (n, plots.OTHER, "n")):
    left.plot(*points[[a, i]].T.tolist(), color=colour, lw=1.5)
    left.scatter(*points[i].tolist(), s=70, color=colour, zorder=3)
    # the name lies away from the other two
    away = F.normalize(3 * points[i] - points[[a, p, n]].sum(0), dim=0)
    look = {"color": colour, "weight": "bold", "ha": "center", "va": "center", "fontsize": 12}
    left.annotate(
        name, points[i].tolist(), (13 * away).tolist(), textcoords="offset points", **look
    )
left.set_aspect("equal", adjustable="datalim")
left.set(
    title="The nearest negative in the ring is taken", xlabel="first number", ylabel="second number"
)


def of_semi_hard(x):
    mined = semi_hard(torch.cdist(x, x).detach() ** 2, person, 1.0)
    return triplet_loss(*(x[i] for i in mined), 1.0) if len(mined[0]) else 0 * x.sum()


ways = (
    ("all 1,080", plots.MUTED, 6, lambda x: triplet_loss(*(x[i] for i in triplets), 1.0)),
    ("semi-hard only", plots.SAME, 2, of_semi_hard),
)
steps = {}
for name, colour, at, loss in ways:
    x, percent = points, []
    for _ in range(26):
        percent.append(percent_with_loss(x, triplet_loss))
        x = move(x, loss, steps=1, rate=1.0)
    steps[name] = percent.index(0.0) if 0.0 in percent else "more than 25"
    right.plot(percent, color=colour, lw=2.5)
    # beside its curve, or below the axis, where the curve ends
    place = (at + 0.3, percent[at]) if loss is not of_semi_hard else (at, -4.5)
    right.text(*place, name, color=colour, weight="bold")
right.set(title="With the same step size,\nsemi-hard triplets need fewer steps", ylim=(-6, None))
right.set(xlabel="steps", ylabel="% of all 1,080 triplets\nwith a loss above 0")
print(
    f"semi_hard(torch.cdist(points, points) ** 2, person, 1.0) gives {chosen.shape[1]} triplets. The first three, "
    f"as columns:\n{chosen[:, :3]}\n"
    f"Steps at rate 1.0 until no triplet has a loss above 0: {steps}"
)
figure(
    fig,
    "Left: an anchor, its positive, and a ring that begins at the positive's distance; the nearest orange point in the "
    "ring is the negative. Right: the share of triplets with a loss above 0 falls to 0. With the same step size it falls "
    "faster with semi-hard triplets.",
)

# %% [markdown]
# **Go further.** In *Expected*, both curves have the same step size, `rate=1.0`. With semi-hard triplets the zeros no longer make the mean small, so each step is longer. Is this the whole difference? Take all triplets again, at a larger rate:
#
# ```python
# triplets, x = all_triplets(person), points
# for step in range(1, 9):
#     x = move(x, lambda x: triplet_loss(*(x[i] for i in triplets), 1.0), steps=1, rate=4.0)
#     print(step, percent_with_loss(x, triplet_loss))
# ```
#
# With semi-hard triplets a large rate does harm: at the default of `move`, `rate=3.0`, the points fly apart. So set the rate in each call.

# %% [markdown]
# ## 4. Margins on angles
#
# {{exercise.margin_logits}}
#
# Triplets have to be chosen well, and there are many more of them than photos. Many face networks today are trained without triplets. Each person in training gets a **centre**, a direction; an embedding is compared with the centres by its angles $\theta_j$ to them. The largest $\cos \theta_j$ wins. Here are our photos, scaled to length 1, and three centres: `centres` [3, 2].

# %% tags=["shown"]
angles = torch.linspace(0, 2 * math.pi, 720)
cosines = torch.stack([angles.cos(), angles.sin()], dim=1) @ centres.T  # [720, 3]
of_photos = F.normalize(points) @ centres.T  # [18, 3]
others = of_photos.clone()
others[range(18), person] = -1
lead = of_photos[range(18), person] - others.amax(dim=1)
fig, (left, right) = plots.panels(2, height=3.2)
wins = F.one_hot(cosines.argmax(dim=1), 3).bool()
draw_circle(left, [(0.85, 0.35, wins)], "Where each centre wins: the zones touch")
right.scatter(lead, -person, s=45, c=[COLOURS[i] for i in person], alpha=0.85, linewidths=0)
right.axvline(0, color=plots.QUERY, lw=1, ls="--")
right.set(title="A lead above 0 is enough to win", ylim=(-2.5, 0.5))
right.set(yticks=[0, -1, -2], yticklabels="ABC", xlabel="cosine to its own centre - best other")
figure(
    fig,
    "Left: a circle with three centres; the zones in which each centre is the nearest touch. Right: by how much "
    "each photo's own centre leads, as dots on both sides of 0.",
)

# %% [markdown]
# Close to a border, a small change of a photo changes the prediction. So the photo's own centre should win *with a margin*. The logit of image $i$ for class $j$ becomes
#
# $$ z_{ij} = \begin{cases} s\,\bigl(\cos(m_1 \theta_{ij} + m_2) - m_3\bigr) & \text{if } j = y_i \\ s \cos \theta_{ij} & \text{else} \end{cases} $$
#
# These logits go into the usual cross-entropy loss. This is the common form of the ArcFace paper: it holds the margin of SphereFace, $m_1$, of ArcFace, $m_2$, and of CosFace, $m_3$. The scale $s$ decides how small a lead is enough.
#
# * `cosines[i, j]` is $\cos \theta_{ij}$; angles are in radians. `labels[i]` is the image's own class $y_i$.
# * In every test $m_1 \theta + m_2$ of the image's own class stays below $\pi$. Beyond $\pi$ the cosine would rise again.
# * Return new logits; leave `cosines` as they are.
# * The slope of the arc cosine is infinite at 1 and -1. Clamp the cosines a little inside, by `1e-6`, before you take it: otherwise one such cosine makes every weight NaN. The check does not test this; training does.
# * Write it without loops over images and classes: they are needlessly slow. Exercise 5 calls it hundreds of times, on 128 images and 300 people.
#
# To try it on the data: `margin_logits(F.normalize(points) @ centres.T, person, m2=0.5)`.


# %% tags=["exercise"]
def margin_logits(cosines, labels, m1=1.0, m2=0.0, m3=0.0, s=16.0):
    """Logits with margins on each image's own class.  # [B, C], [B] -> [B, C]"""
    # the angles
    # where is each image's own class?  # [B, C] bool
    # with margins there, the cosine elsewhere; all of it scaled
    # BEGIN SOLUTION
    theta = cosines.clamp(-1 + 1e-6, 1 - 1e-6).acos()
    is_own = labels[:, None] == torch.arange(cosines.shape[1], device=cosines.device)
    with_margins = (m1 * theta + m2).cos() - m3
    return s * torch.where(is_own, with_margins, cosines)
    # END SOLUTION


# %% tags=["check"]
check("margin_logits", margin_logits)

# %% tags=["expected"]
fig, (left, right) = plots.panels(2, height=3.4)
family = (
    ("no margin", {}, 180, plots.MUTED),
    ("SphereFace, m1 = 1.5", {"m1": 1.5}, 119, plots.CLASS_COLOURS[6]),
    ("ArcFace, m2 = 0.5", {"m2": 0.5}, 151, plots.CLASS_COLOURS[7]),
    ("CosFace, m3 = 0.5", {"m3": 0.5}, 180, plots.CLASS_COLOURS[9]),
)
for row, (name, margins, end, colour) in enumerate(family):
    degrees = torch.arange(0, end + 1)
    pairs = torch.stack([torch.deg2rad(degrees).cos(), torch.zeros(end + 1)], dim=1)
    logits = margin_logits(pairs, torch.zeros(end + 1, dtype=torch.int64), s=1.0, **margins)[:, 0]
    left.plot(degrees.tolist(), logits.tolist(), color=colour, lw=2.5)
    left.text(2, -0.75 - 0.22 * row, name, color=colour, weight="bold")
left.set(
    title="A margin lowers the logit of the image's class",
    xlabel="angle to its own centre, degrees",
    ylabel="logit / s",
)
zones = []
for margins in ({}, {"m2": 0.5}):
    own = [
        margin_logits(cosines, torch.full((720,), j), **margins).argmax(dim=1) == j
        for j in range(3)
    ]
    zones.append(torch.stack(own, dim=1))
draw_circle(
    right, [(0.72, 0.3, zones[0]), (0.87, 0.9, zones[1])], "With a margin the zones have gaps"
)
right.text(0, 0, "pale: no margin\ndark: m2 = 0.5", color=plots.MUTED, transform=right.transAxes)
logits = margin_logits(F.normalize(points) @ centres.T, person, m2=0.5)
print("margin_logits(F.normalize(points) @ centres.T, person, m2=0.5), first two rows:")
print(logits[:2])
print("Left: the curves of SphereFace and ArcFace stop where m1 theta + m2 = pi.")
print("Right: training must bring the photos out of the gaps, into the dark zones.")
figure(
    fig,
    "Left: the logit of an image's own class falls with the angle; every margin lowers it at every angle above "
    "0. Right: two rings of zones; the pale zones without a margin touch, between the dark ones with a margin there are gaps.",
)

# %% [markdown]
# **Go further.** Three centres in the plane are 120 degrees apart. For which $m_2$ does no zone remain? For which with 300 people in the plane? How does it help that a real embedding has 64 numbers or more?

# %% [markdown]
# ## 5. Train a face encoder
#
# {{exercise.train_faces}}
#
# Now a network moves the points. You get 16 photos each of 300 drawn people, and train an encoder; then it embeds photos of people whom it has never seen. Light, pose and expression change from photo to photo. The person does not.

# %% tags=["shown"]
from course_lib.exercises.assigned import images_to_train, images_to_validate
from course_lib.page.pictures import contact_sheet

images, labels = images_to_train("train_faces", VARIANT)  # [4800, 3, 32, 32], [4800]
fig, axes = plots.panels(6, height=1.75)
for number, ax in enumerate(axes):
    contact_sheet(ax, images[labels == number][:4], 2, f"person {number}")
figure(
    fig,
    "Six drawn people, four photos of each, under other light, turned, with and without glasses; a hand or a phone "
    "hides a part of some faces.",
)

# %% [markdown]
# **How it is scored.** A pair of photos is accepted if the cosine of its embeddings reaches a threshold. **FAR** is the share of the *impostor* pairs (two people) that are accepted, **TAR** the share of the *genuine* pairs (one person). **TAR at FAR 1/1000** is the TAR at the threshold that accepts 1 in 1,000 impostor pairs. {{formula.train_faces}} The check scores on 150 unseen people. When your work is marked, the network is trained on the same photos again, and scored on other people.
#
# **What is given.** The first cell imports these, and your function may use them:
#
# * `ConvEncoder(3, dim=64, widths=(32, 64, 96), strides=(2, 2, 2), cells=4)` is a network from images [B, 3, 32, 32] to embeddings [B, 64], *not* scaled to length 1.
# * `batches(images, labels, 128)` draws random batches of 128 images `x` and their labels `y`.
# * `fit(model, batches(...), loss, steps=250, lr=2e-2)` trains all parameters of `model`; `loss(model, x, y)` is your function, which returns the loss of a batch. At the end the model is in evaluation mode.
#
# `nn.ModuleDict({"encoder": ..., "centres": nn.Linear(64, people, bias=False)})` holds the encoder and the centres in one model, so that both are trained. `model["centres"].weight` has a row for each person.
#
# **The rules.** `train_faces(images, labels)` gets images [4800, 3, 32, 32] and labels from 0 to 299. It returns a function from images [N, 3, 32, 32] to embeddings [N, d], such as the encoder itself; $d$ is at most 1,024.
#
# * Training takes at most 60 seconds of the CPU, added up over its cores. The settings above take about a quarter of them; more steps are worth a try. Stay well below: the machine that marks may be slower.
# * There is no GPU where your work is marked. On your page `fit` uses one if there is one; its work is not counted, and tensors that your loss makes need `device=x.device`.
# * All data come from the arguments. Tensors, networks and files from outside of the function may not be used. It may call your `margin_logits`.
# * The network is trained in the function: a fixed one, without training, earns nothing.
# * The function sets its own seed, `torch.manual_seed(0)`, so that it gives the same network each time.
# * The encoder is returned in evaluation mode: then the embedding of a photo does not depend on the others of its batch.
# * The embeddings are asked for in batches of 64 photos, in random order. A batch may take 3 seconds.
# * An error, or a limit that is passed, means no points.
#
# **Where to begin.** ArcFace's margin is a good start: `m2=0.4, s=12`. If `margin_logits` is not right yet, train with $s \cos \theta$, without a margin; this already gives points.
#
# The check trains your network, which takes up to a minute. To experiment, use cells of your own, and delete them before you hand in:
#
# ```python
# from course_lib.verification.curves import all_pairs, tar_at_far
#
# encoder = train_faces(*images_to_train("train_faces", VARIANT))
# unseen, (unseen_labels,) = images_to_validate("train_faces", VARIANT)  # the check scores on these
# with torch.no_grad():
#     print(tar_at_far(*all_pairs(encoder(unseen), unseen_labels), 1e-3))
# ```
#
# If you choose a seed by this score, you choose it for these people; on others the gain is gone.


# %% tags=["exercise"]
def train_faces(images, labels):
    """Train a face encoder.  # [N, 3, 32, 32], [N] -> function: [M, 3, 32, 32] -> [M, d]"""
    # the encoder, and a centre for each person: together the model
    # the loss of a batch: cosines with all centres, margin_logits, cross-entropy
    # train; return the encoder alone, without the centres
    # BEGIN SOLUTION
    torch.manual_seed(0)
    encoder = ConvEncoder(3, dim=64, widths=(32, 64, 96), strides=(2, 2, 2), cells=4)
    rows = nn.Linear(64, int(labels.max()) + 1, bias=False)  # a centre for each person
    model = nn.ModuleDict({"encoder": encoder, "centres": rows})

    def loss(model, x, y):
        embeddings = F.normalize(model["encoder"](x), dim=1)
        cosines = embeddings @ F.normalize(model["centres"].weight, dim=1).T  # [B, people]
        return F.cross_entropy(margin_logits(cosines, y, m2=0.4, s=12.0), y)

    fit(model, batches(images, labels, 128), loss, steps=250, lr=2e-2)
    return encoder
    # END SOLUTION


# %% tags=["check"]
check("train_faces", train_faces)

# %% tags=["expected"]
from course_lib.verification.curves import all_pairs, tar_at_far
from course_lib.verification.thresholds import threshold_at_far

encoder = train_faces(*images_to_train("train_faces", VARIANT))
unseen, (unseen_labels,) = images_to_validate("train_faces", VARIANT)
with torch.no_grad():
    embedded = {"Raw pixels": unseen.flatten(1), "Trained": encoder(unseen)}
fig, axes = plots.panels(2, height=3.0)
for ax, (name, x) in zip(axes, embedded.items(), strict=True):
    scores, same = all_pairs(x, unseen_labels)
    for which, colour, label in (
        (~same, plots.OTHER, "impostor"),
        (same, plots.SAME, "genuine"),
    ):
        heights, edges, _ = ax.hist(
            scores[which].tolist(), bins=60, density=True, color=colour, alpha=0.5
        )
        look = {"color": colour, "weight": "bold", "ha": "center", "va": "bottom"}
        ax.text(edges[heights.argmax()], heights.max(), label, **look)
    ax.axvline(threshold_at_far(scores, same, 1e-3), ymax=0.8, color=plots.QUERY, ls="--", lw=1)
    ax.set(
        title=f"{name}: TAR {tar_at_far(scores, same, 1e-3):.0%} at FAR 1/1000",
        xlabel="cosine",
        yticks=[],
    )
    ax.margins(x=0.08, y=0.25)
figure(
    fig,
    "Histograms of cosines on unseen people, for genuine and impostor pairs. Left: with raw pixels they overlap. Right: "
    "after training most genuine pairs lie beyond the threshold, a dashed line.",
)

# %% [markdown]
# **Go further.** Set the margin to 0 and check again. What is the margin worth? Is the difference larger than between two seeds? Then train with your triplet loss and your `semi_hard` in the same time. Random batches hold few genuine pairs; `from course_lib.training.batches import identity_batches`, and `identity_batches(images, labels, 32, 4)` draws 4 photos each of 32 people.

# %% [markdown]
# ## What you have built
#
# * **The contrastive loss** fixes distances: 0 for one person, a margin for two.
# * **The triplet loss** compares two distances, and stops when the negative is farther by a margin.
# * **Semi-hard mining** leaves out the triplets from which nothing is learned, and the hardest.
# * **Margin logits** compare with centres instead of photos. A margin leaves gaps between the zones of the centres.
# * **A face encoder**, trained with them, embeds people whom it has never seen.
#
# **Still open:** how large should a margin be? With more people the centres are closer, and photos with a wrong label lie on the wrong side of any margin.
#
# **Read:** Schroff, Kalenichenko and Philbin, [FaceNet](https://arxiv.org/abs/1503.03832) (2015) · Deng and others, [ArcFace](https://arxiv.org/abs/1801.07698) (2019) · Musgrave, Belongie and Lim, [A Metric Learning Reality Check](https://arxiv.org/abs/2003.08505) (2020).
#
# {{assignment.hand_in}}
