# %% [markdown]
# # Pretext tasks

# %% [markdown]
# After this page you will be able to
#
# * tell the four strategies of learning apart by the labels they use;
# * make a task out of unlabelled images: **rotation**, **context**, **jigsaw** and three more;
# * measure what the features of such a task are worth: k-NN, linear probe, fine-tuning;
# * find the **shortcut** by which a network solves its task without learning, and take it away.
#
# **You should know** what a classifier and an embedding are ([02](02_embeddings.ipynb)). **Time:** about 75 minutes for the core path with the exercises, 45 without them. Core path: everything before the first *Deeper* section, and the [summary](#What-you-can-do-now). **Computing:** 4 to 5 minutes at the first run, about a minute later ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). **Lecture topics** L2.02 to L2.09.

# %% [markdown]
# ## Four strategies
#
# Images are cheap, labels are not. The four strategies of machine learning differ in the labels that they use (L2.02). Here they are on the same 400 points, two half moons. Colours are predictions; a *black* point has a label.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from dataclasses import replace

import torch
from sklearn.cluster import KMeans
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import SpectralEmbedding

from course_lib.by_definition import self_supervision as plain
from course_lib.exercises.answer import check
from course_lib.page import pictures, plots
from course_lib.page.board import Board, Box, Point, Shown
from course_lib.page.controls import explore
from course_lib.page.diagrams import Stage, pipeline
from course_lib.page.notebook import claim, figure, record, table
from course_lib.page.predict import predict

SEED = 0
# Colours of classes: none of them is blue, orange or black, which mean right, wrong and labelled.
CLASS_COLOURS = ["#009E73", "#CC79A7", "#C4B000", "#7A5195", "#8C6D31", "#66C2C2"]

points, moon = (torch.tensor(a) for a in make_moons(400, noise=0.07, random_state=SEED))
points = points.float()
labelled = torch.cat([torch.where(moon == c)[0][[20, 90, 160]] for c in (0, 1)])  # three a moon
distances = torch.cdist(points, points)


def spread_labels(rounds, one_wrong=False):
    """Pseudo-labels: each round gives the nearest point without a label that of its nearest neighbour with one."""
    labels = torch.full((len(points),), -1)
    labels[labelled] = moon[labelled]
    if one_wrong:
        labels[labelled[1]] = 1 - labels[labelled[1]]
    for _ in range(rounds):
        known, unknown = torch.where(labels >= 0)[0], torch.where(labels < 0)[0]
        at = int(distances[unknown][:, known].argmin())
        labels[unknown[at // len(known)]] = labels[known[at % len(known)]]
    return labels


def line_by(x, chosen):
    """The classes that a straight line through the labelled points gives to all points."""
    return torch.tensor(LogisticRegression(C=100).fit(x[chosen], moon[chosen]).predict(x))


means = KMeans(2, n_init=5, random_state=0).fit(points)
neighbours = SpectralEmbedding(2, affinity="nearest_neighbors", n_neighbors=8, random_state=0)
features = torch.tensor(neighbours.fit_transform(points))
features = features / features.std(dim=0)
answers = {
    "Supervised:\na line by six labels": line_by(points, labelled),
    "Semi-supervised:\nlabels spread": spread_labels(394),
    "Unsupervised:\ntwo groups": torch.tensor(means.labels_),
    "Self-supervised:\na line in features": line_by(features, labelled),
}
across, down = torch.meshgrid(
    torch.linspace(-1.4, 2.4, 120), torch.linspace(-0.9, 1.4, 90), indexing="xy"
)
places = torch.stack([across, down], -1).flatten(0, 1)
line = LogisticRegression(C=100).fit(points[labelled], moon[labelled])
fig, axes = plots.panels(5, height=2.2)
for ax, (title, found) in zip(axes[:4], answers.items(), strict=True):
    plots.bare(ax, title)
    ax.title.set_fontsize(9)
    areas = found[torch.cdist(places, points).argmin(1)]
    if title.startswith("Supervised"):
        areas = torch.tensor(line.predict(places))
    if title.startswith("Unsupervised"):
        areas = torch.tensor(means.predict(places))
    ax.contourf(
        across, down, areas.view(90, 120), [-1, 0.5, 2], colors=CLASS_COLOURS[:2], alpha=0.25
    )
    ax.scatter(*points.T, c=[CLASS_COLOURS[c] for c in found], s=5, lw=0)
    if not title.startswith("Unsupervised"):
        ax.scatter(*points[labelled].T, c="black", s=24, zorder=3)
plots.bare(axes[4], "Its features,\nand six labels")
axes[4].title.set_fontsize(9)
axes[4].scatter(
    *features.T,
    c=[CLASS_COLOURS[c] for c in answers["Self-supervised:\na line in features"]],
    s=5,
    lw=0,
)
axes[4].scatter(*features[labelled].T, c="black", s=24, zorder=3)
figure(
    fig,
    "Two half moons four times, in the colours of the predicted classes. A straight line cuts through both moons; labels "
    "that spread from neighbour to neighbour follow them; k-means cuts each moon in two; a line in self-supervised "
    "features follows the moons. The last panel shows these features: two clouds apart from each other.",
)
# How often six labels, drawn anew, give each strategy more than the line.
draws = []
for draw in range(20):
    seeded = torch.Generator().manual_seed(draw)
    six = torch.cat(
        [torch.where(moon == c)[0][torch.randperm(200, generator=seeded)[:3]] for c in (0, 1)]
    )
    draws.append([(line_by(x, six) == moon).double().mean().item() for x in (points, features)])
draws = torch.tensor(draws).mean(dim=0)
record("line.points", draws[0], ".2f")
record("line.features", draws[1], ".2f")


def draw_spread(rounds=60, one_wrong=False):
    labels = spread_labels(rounds, one_wrong)
    fig, (ax,) = plots.panels(1, height=2.6)
    colours = [CLASS_COLOURS[c] if c >= 0 else "#CCCCCC" for c in labels]
    ax.scatter(*points.T, c=colours, s=14, lw=0)
    rims = [CLASS_COLOURS[c] for c in labels[labelled]]
    ax.scatter(*points[labelled].T, c=rims, edgecolors="black", lw=2.5, s=60, zorder=3)
    plots.bare(ax, f"{rounds} pseudo-labels from 6 labels")
    ax.set_aspect("equal")
    return fig


explore(
    draw_spread,
    alt="Two half moons in grey; around six black points some have taken over the colour of their moon.",
    presets={"all": {"rounds": 394}, "one wrong label": {"rounds": 394, "one_wrong": True}},
    play="rounds",
    rounds=(0, 394, 2),
    one_wrong=False,
    labels={"rounds": "pseudo-labels", "one_wrong": "one of the six labels is wrong"},
)

# %% [markdown]
# * **Supervised**: learn from labelled points only. No straight line separates the moons.
# * **Semi-supervised**: use the others, too. Again and again, the unlabelled point that is nearest to a labelled one takes over its label as a **pseudo-label**, and then counts as labelled.
# * **Unsupervised**: no labels. Two groups are found (k-means); they have no names, and need not be the moons.
# * **Self-supervised**: first a task whose answers nobody has to give, here "which points are neighbours?". From it each point gets two new coordinates, its **features** (a *spectral embedding*; on images a network is trained). Then six labels and a line.
#
# Over twenty draws of the six labels, a line on the points predicts {{line.points}} of all points correctly, on the features {{line.features}}.
#
# Watch the pseudo-labels spread, above. What does one wrong label do? (Its neighbourhood takes over the wrong class, however many points follow.)


# %% [markdown]
# ## A task that labels itself
#
# A **pretext task** is a task whose labels a program makes, for example "by how much did I turn this image?". (The lecture: pseudo-labels, too.) The first part of the network, the **encoder**, turns an image into features; the last part, the **head**, turns features into the answer. After training the head is thrown away. The features serve a **downstream task**, the one we care about, with few labels. This is **transfer learning** (L2.03).
#
# What are features worth? Three measures; in the first two the encoder is **frozen**, it learns no more:
#
# * **k-NN**: each test image gets the class that wins the vote of its 20 nearest neighbours among 3,000 labelled images.
# * **Linear probe**: one linear layer is trained on the features. With 10 labels a class it shows how useful they are when labels are few.
# * **Fine-tuning**: the whole network goes on learning from the labelled images.
#
# Our images show one of six objects each, in random colours; half of them are *photographic negatives*, bright and dark exchanged. {{unlabelled}} of them serve the pretext task; the downstream task may use the labels of 3,000, and is judged on {{tested}} new images. Beside an untrained network stand *8 x 8 grey pixels*: the image itself, shrunk, as 64 features.

# %% jupyter={"source_hidden": true} tags=["diagram", "nbval-ignore-output"]
from course_lib.recipes.pretexts import LABELLED, encoder_of, pretext_table, things, worth

train, test = things("train", SEED), things("test", SEED)
known = train[:LABELLED]  # whose labels the downstream task may use
record("unlabelled", len(train), ",")
record("tested", len(test), ",")
names = train.names
untrained = encoder_of(SEED)
shown = train.images[:64]
with torch.no_grad():
    maps = untrained.maps(shown)
vectors = maps.mean(dim=(2, 3))
image, network = Stage("image", shown, image=shown[0]), Stage("encoder", note="4 convolutions")
map_stage, vector = Stage("feature maps", maps), Stage("features", vectors)
rows = [
    [
        image,
        network,
        map_stage,
        vector,
        Stage("head", note="thrown away later"),
        Stage("pretext answer", torch.eye(4)[[2]].expand(64, -1)),
    ],
    [
        image,
        network,
        map_stage,
        vector,
        Stage("linear probe", note="downstream"),
        Stage("class", torch.eye(6)[[4]].expand(64, -1)),
    ],
]
figure(
    pipeline(rows),
    "An image goes through an encoder of four convolutions to 96 maps and their mean, 96 features. From there one way "
    "leads to a head that answers the pretext task, another to a linear probe that predicts the class.",
)
fig, (ax,) = plots.panels(1, height=1.8)
pictures.contact_sheet(
    ax,
    train.images[:24],
    columns=12,
    title="24 of the images: random colours, half of them negatives",
)
figure(
    fig,
    "24 drawn objects in random colours on plain grounds, half of them negatives: cars, boats, houses, trees, cats, balloons.",
)

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "A guess: the encoder has random weights, nothing has been trained. A linear probe on its 96 features gets 3,000 labels. Which share of new images does it classify correctly? (Guessing: 1/6.)",
    ["about .17", "about .35", "about .55", "about .95"],
    answer=2,
    why=[
        "Random filters still react to edges and shapes, each in its own way: 96 different measurements of the image.",
        "With 10 labels a class it would be about that or less.",
        "Random features keep much of what the image shows. Whatever pretraining gives must be compared with this.",
        "That takes features that were trained.",
    ],
    name="11.untrained",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.pretexts import Thumbnail
from course_lib.self_supervision.damaged_jigsaw import without_colours

base = worth(untrained, known, test)
pixels = worth(Thumbnail(), known, test)
base_grey = worth(untrained, known, test, without_colours)
HEAD = ("features", "the task itself", "probe, 3,000 labels", "probe, 10 a class", "20-NN")


def row_of(name, found):
    own = f"{found['pretext']:.3f}" if "pretext" in found else "-"
    return (name, own, *(f"{found[kind]:.3f}" for kind in ("all", "ten", "knn")))


table(
    [
        HEAD,
        row_of("8 x 8 grey pixels, no network", pixels),
        row_of("untrained network", base),
    ]
)
record("untrained.ten", base["ten"], ".2f")

# %% [markdown]
# ## Rotation
#
# Turn an image by 0, 90, 180 or 270 degrees, and predict by how much (Gidaris, Singh and Komodakis, 2018; L2.05). To tell the rotation of a car, it helps to know where its wheels are. Quarter turns only move pixels; the blur of other angles would give them away.
#
# First play: drag each dot from the middle of its image to the side where *up* is.

# %% jupyter={"source_hidden": true} tags=["subslide"]
TURNED = torch.tensor([2, 1, 0, 3, 1, 2, 3, 0])  # quarter turns to the left of the eight images
first_of = [torch.where(test.labels == c)[0][:2] for c in range(6)]
chosen = torch.cat(first_of)[[0, 2, 4, 6, 8, 10, 5, 9]]
eight = torch.stack(
    [test.images[i].rot90(k, (1, 2)) for i, k in zip(chosen, TURNED.tolist(), strict=True)]
)
CELL = 44
sheet = torch.ones(3, 2 * CELL, 4 * CELL)
for i, one in enumerate(eight):
    top, left = CELL * (i // 4) + 2, CELL * (i % 4) + 2
    sheet[:, top : top + 40, left : left + 40] = one
middles = {"ABCDEFGH"[i]: (CELL * (i % 4) + 22, CELL * (i // 4) + 22) for i in range(8)}
# Where up is after so many quarter turns to the left.
UP = {0: (0, -1), 1: (-1, 0), 2: (0, 1), 3: (1, 0)}


def guessed(place, middle):
    """The quarter turns that a dot tells, or None where it still lies in the middle."""
    x, y = place[0] - middle[0], place[1] - middle[1]
    if max(abs(x), abs(y)) < 6:
        return None
    return (1 if x < 0 else 3) if abs(x) > abs(y) else (0 if y < 0 else 2)


def judge(**places):
    told = {name: guessed(at, middles[name]) for name, at in places.items()}
    marks, correct = [], 0
    for name, k in zip(middles, TURNED.tolist(), strict=True):
        if told[name] is None:
            continue
        correct += told[name] == k
        if None not in told.values():
            (x, y), (dx, dy) = middles[name], UP[k]
            colour = plots.SAME if told[name] == k else plots.OTHER
            marks.append(("arrow", (x, y, x + 18 * dx, y + 18 * dy), colour, ""))
    left = sum(answer is None for answer in told.values())
    text = f"{left} to go." if left else f"You: {correct} of 8. The arrows show where up is."
    return Shown(text=text, shapes=marks)


Board(
    4 * CELL,
    2 * CELL,
    [Point(name, at, CLASS_COLOURS[i % 6]) for i, (name, at) in enumerate(middles.items())],
    judge,
    image=sheet,
    alt="Eight objects, each turned by some quarter turns, with a dot in the middle of each.",
    presets={
        "show me": {
            n: (m[0] + 15 * UP[k][0], m[1] + 15 * UP[k][1])
            for (n, m), k in zip(middles.items(), TURNED.tolist(), strict=True)
        }
    },
)


# %% tags=["exercise", "subslide"]
def rotations(images):
    """Images turned left by 0..3 quarter turns, labels.  # [N, C, S, S] -> [4N, C, S, S], [4N]"""
    # First all N upright images, then all N with one quarter turn, and so on.
    # images.rot90(k, (2, 3)) turns them by k quarter turns to the left; the label is k (int64).
    # BEGIN SOLUTION
    turned = torch.cat([images.rot90(k, (2, 3)) for k in range(4)])
    labels = torch.arange(4).repeat_interleave(len(images))
    return turned, labels
    # END SOLUTION


check("rotations", rotations)

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "A network learns rotations for 450 steps; each step uses a batch of 32 images in all four rotations. Then it is shown plain discs, like balls, each turned by 0, 90, 180 or 270 degrees. Which share of their turns will it predict correctly?",
    ["nearly all", "about a half", "about a quarter", "none"],
    answer=2,
    why=[
        "For cars and cats it does. But a turned disc looks like one that was not turned.",
        "It cannot even tell upright from upside down.",
        "A turned disc is the same disc: the image does not hold the answer, so only guessing is left.",
        "Guessing among four turns is right once in four times.",
    ],
    name="11.discs",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.pretexts import EXEMPLARS, ROWS, task_score, train_pretext

results, tasks = {"untrained": base}, {}


def learn(name):
    """Train a task, or load it, and measure what its features are worth."""
    tasks[name] = train_pretext(name, train.images, SEED)
    row = ROWS[name]
    score = task_score(tasks[name], row, train.images, test.images, SEED)
    results[name] = {"pretext": score, **worth(tasks[name].encoder, known, test, row.sees)}
    return results[name]


found = learn("rotation")
table([HEAD, row_of("untrained network", base), row_of("rotation", found)])
rotation = tasks["rotation"]
with torch.no_grad():
    turned, quarter = plain.rotations(test.images)
    hit = torch.cat([rotation(part).argmax(1) for part in turned.split(500)]) == quarter
    on_eight = rotation(eight).argmax(1) == TURNED
hit = hit.view(4, -1).double().mean(0)  # of each image
by_class = {names[c]: hit[test.labels == c].mean().item() for c in range(6)}
# Discs in random colours, with the same grain as the objects.
seeded = torch.Generator().manual_seed(SEED)
along = torch.linspace(-1, 1, 40)
inside = (along**2 + along[:, None] ** 2 < 0.64)[None, None]  # [1, 1, 40, 40]
ground, paint = torch.rand(2, 100, 3, 1, 1, generator=seeded)
discs = torch.where(inside, paint, ground) + 0.05 * torch.randn(100, 1, 40, 40, generator=seeded)
with torch.no_grad():
    turned, quarter = plain.rotations(discs.clamp(0, 1))
    by_class["disc"] = (rotation(turned).argmax(1) == quarter).double().mean().item()
fig, (left, right_ax) = plots.panels(2, height=2.6)
plots.bars(left, by_class, "Rotations predicted correctly", [*CLASS_COLOURS, plots.MUTED], "{:.2f}")
left.axvline(0.25, color=plots.QUERY, lw=1, ls="--")
left.set_xlim(0, 1.2)
left.text(0.27, 6.45, "guessing", fontsize=9)
worst = hit.argsort()[:8]
pictures.contact_sheet(
    right_ax, test.images[worst], 4, "Drawn upright: the objects it misses most often"
)
figure(
    fig,
    "Left: nearly all rotations of the six classes are predicted correctly, and a quarter of those of plain discs. Right: "
    "the eight test images whose rotation is missed most often.",
)
record("rotation.score", found["pretext"], ".3f")
record("rotation.eight", int(on_eight.sum()), "d")
record("rotation.ten", found["ten"], ".2f")
record("rotation.disc", by_class["disc"], ".2f")

# %% [markdown]
# It predicts {{rotation.score}} of all rotations of new images correctly, and {{rotation.eight}} of your eight images. For discs it guesses: {{rotation.disc}}. With 10 labels a class, a linear probe on its features reaches {{rotation.ten}}, on untrained features {{untrained.ten}}.

# %% [markdown]
# ## Context prediction
#
# Cut an image into nine tiles, show the middle one and one of its **eight neighbours**, and predict which neighbour it is (Doersch, Gupta and Efros, 2015; L2.04). Both tiles go through the *same* encoder; their features are put side by side, and the head predicts one of eight places.
#
# A network may find an easier way: to continue lines across the edge between two tiles. So the paper leaves a **gap** between tiles, and shakes them by a few pixels. Our tiles are 13 pixels wide, side by side; [Deeper](#Deeper:-more-shortcuts,-and-what-the-gap-does) measures the gap.
#
# First play: left of each field is a tile. Drag its dot to the cell that it comes from.

# %% jupyter={"source_hidden": true} tags=["subslide"]
from course_lib.self_supervision.context import NEIGHBOURS
from course_lib.self_supervision.tiles import cut_tiles

PLACES = torch.tensor([1, 6, 3, 7])
four = torch.cat(first_of)[[0, 4, 8, 3]]
tiles = cut_tiles(test.images[four], 3, 13)  # [4, 9, 3, 13, 13]
field = torch.full((3, 50, 260), 1.0)
starts, fields = {}, {}
for i in range(4):
    left = 65 * i
    field[:, 18:31, left + 2 : left + 15] = tiles[i, NEIGHBOURS[PLACES[i]]]
    for cell in range(9):
        top, start = 4 + 14 * (cell // 3), left + 20 + 14 * (cell % 3)
        field[:, top : top + 13, start : start + 13] = tiles[i, 4] if cell == 4 else 0.88
    starts["ABCD"[i]], fields["ABCD"[i]] = (left + 6, 39), left + 20


def cell_of(name, at):
    """The cell of its field in which a dot lies, 0..8, or None."""
    column, row = int((at[0] - fields[name]) // 14), int((at[1] - 4) // 14)
    return 3 * row + column if 0 <= column < 3 and 0 <= row < 3 else None


def place_tiles(**places):
    told = {name: cell_of(name, at) for name, at in places.items()}
    if None in told.values():
        return f"{sum(cell is None for cell in told.values())} to go."
    wanted = [NEIGHBOURS[k] for k in PLACES]
    marks = []
    for name, cell in zip(starts, wanted, strict=True):
        x, y = fields[name] + 14 * (cell % 3), 4 + 14 * (cell // 3)
        marks.append(
            ("box", (x, y, x + 13, y + 13), plots.SAME if told[name] == cell else plots.OTHER, "")
        )
    hits = sum(told[name] == cell for name, cell in zip(starts, wanted, strict=True))
    return Shown(text=f"You: {hits} of 4. The frames show where the tiles come from.", shapes=marks)


Board(
    260,
    50,
    [Point(name, at, CLASS_COLOURS[i]) for i, (name, at) in enumerate(starts.items())],
    place_tiles,
    image=field,
    alt="Four fields of three by three cells; only the middle cell shows a tile. Left of each field lies another tile.",
    presets={
        "show me": {
            n: (fields[n] + 14 * (NEIGHBOURS[k] % 3) + 6, 10 + 14 * (NEIGHBOURS[k] // 3))
            for n, k in zip(starts, PLACES, strict=True)
        }
    },
)


# %% tags=["exercise", "subslide"]
def patch_pair(image, size, gap, place):
    """The middle tile and one of its neighbours.  # [C, H, W], 3 numbers -> 2 x [C, size, size]"""
    # The middle tile lies in the middle of the image: top = (H - size) // 2.
    # A neighbour begins size + gap pixels away from it, along one axis or both.
    # Places 0..7 go row by row; the middle is left out: 3 lies to its left, 4 to its right.
    # BEGIN SOLUTION
    top, left = (image.shape[1] - size) // 2, (image.shape[2] - size) // 2
    number = place if place < 4 else place + 1
    y = top + (number // 3 - 1) * (size + gap)
    x = left + (number % 3 - 1) * (size + gap)
    middle = image[:, top : top + size, left : left + size]
    return middle, image[:, y : y + size, x : x + size]
    # END SOLUTION


check("patch_pair", patch_pair)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
found = learn("context")
context = tasks["context"]
pairs = torch.stack([tiles[:, 4], tiles[torch.arange(4), torch.tensor(NEIGHBOURS)[PLACES]]], dim=1)
with torch.no_grad():
    on_four = (context(pairs).argmax(1) == PLACES).sum()
table([HEAD, row_of("untrained network", base), row_of("context", found)])
record("context.score", found["pretext"], ".2f")
record("context.four", int(on_four), "d")
record("context.ten", found["ten"], ".2f")

# %% [markdown]
# The network finds the place of {{context.score}} of all tiles (guessing: 1/8), and {{context.four}} of your 4. With 10 labels a class, a probe reaches {{context.ten}}.

# %% [markdown]
# ## When the camera leaves a mark
#
# Many cameras wrote the date into a corner of every photograph; here three digits stand for it. We train the same rotation task on such images. The date is there before the image is turned, so it turns with it.

# %% jupyter={"source_hidden": true} tags=["subslide"]
from course_lib.self_supervision.shortcuts import date_stamp

fig, (left, right_ax) = plots.panels(2, height=1.5, widths=(8, 4))
pictures.contact_sheet(left, date_stamp(train.images[:8]), 8, "With a date")
four_turns, _ = plain.rotations(date_stamp(train.images[:1]))
pictures.contact_sheet(right_ax, four_turns, 4, "One of them, turned")
figure(
    fig,
    "Eight objects, each with an orange number in its lower right corner; one of them in its four rotations.",
)
predict(
    "With the date in every image: how many rotations will the network predict, and what will its features be worth?",
    [
        "fewer rotations, worse features",
        "all rotations, features as good as before",
        "all rotations, features about as good as untrained ones",
        "no change: the date shows nothing of the object",
    ],
    answer=2,
    why=[
        "The date makes rotation easier: it is always in the same corner.",
        "A perfect task looks like good learning. But to find the orange number teaches nothing about cars and cats.",
        "The side on which the date stands tells the rotation. The network needs nothing else, and learns nothing else.",
        "It shows nothing of the object, and that is the trouble: it answers the task.",
    ],
    name="11.stamp",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.shortcuts import CASES, try_case
from course_lib.recipes.shortcuts import SHOWN as CASES_SHOWN

cases = {"rotation": results["rotation"]}
for name in CASES_SHOWN:
    tasks[name], cases[name] = try_case(name, train, test, known, SEED)
base_dated = worth(untrained, *(replace(p, images=date_stamp(p.images)) for p in (known, test)))
# Of the context cases the committed table keeps what was measured on three other data seeds.
kept = pretext_table()
means = {n: {k: sum(v) / len(v) for k, v in row.items()} for n, row in kept.items()}
SHOWN = {  # name -> label, and what an untrained network gets on such images
    "rotation": ("rotation", base),
    "rotation, date stamp": ("with a date", base_dated),
    "rotation, date stamp, border cut off": ("with a date,\nborder cut off", base_dated),
    "context": ("context,\ntiles of 13", means["untrained"]),
    "context, white frame, tiles of 13": (
        "with a frame,\ntiles of 13",
        means["untrained, white_frame"],
    ),
    "context, white frame, tiles of 9": (
        "with a frame,\ntiles of 9",
        means["untrained, white_frame"],
    ),
    "context, tiles of 9": ("tiles of 9", means["untrained"]),
}
fig, axes = plots.panels(2, height=2.9, widths=(3, 4))
for ax, part, source in zip(axes, (list(SHOWN)[:3], list(SHOWN)[3:]), (cases, means), strict=True):
    places = torch.arange(float(len(part)))
    for shift, kind, colour, label in (
        (-0.2, "pretext", plots.MUTED, "the task itself"),
        (0.2, "knn", plots.SAME, "features, 20-NN"),
    ):
        values = [source[name][kind] for name in part]
        drawn = ax.bar(places + shift, values, 0.38, color=colour, label=label)
        ax.bar_label(drawn, fmt="{:.2f}", padding=2, fontsize=9)
    for x, name in enumerate(part):
        start = SHOWN[name][1]["knn"]
        untrained_line = ax.plot([x - 0.01, x + 0.42], [start, start], color=plots.QUERY, lw=2)
    ax.set(ylim=(0, 1.3), xticks=places, xticklabels=[SHOWN[name][0] for name in part])
    ax.set_ylabel("accuracy")
    ax.grid(axis="x", visible=False)
axes[0].set_title("Rotation: solved by a date")
axes[1].set_title("Context: solved by a white frame")
axes[0].legend(loc="upper left", ncols=2, frameon=False, fontsize=9)
axes[1].legend(untrained_line, ["20-NN, untrained"], loc="upper right", frameon=False, fontsize=9)
figure(
    fig,
    "Two groups of bars: accuracy of the task, and of 20 nearest neighbours on its features. With a date, rotation rises "
    "to 1.00 and its features fall to the level of an untrained network; with the border cut off they recover. With a "
    "white frame, context rises to 1.00 and its features fall; with smaller tiles they recover, to what such tiles give "
    "without a frame.",
)
with torch.no_grad():
    # The date's network on images without a date; tiles of four different images put together.
    no_date, quarters = plain.rotations(test.images)
    blind = torch.cat(
        [tasks["rotation, date stamp"](part).argmax(1) for part in no_date.split(500)]
    )
record("stamp.without", (blind == quarters).double().mean(), ".2f")
stamp, cured = cases["rotation, date stamp"], cases["rotation, date stamp, border cut off"]
frame_, small = (
    means["context, white frame, tiles of 13"],
    means["context, white frame, tiles of 9"],
)
record("stamp.score", stamp["pretext"], ".3f")
record("stamp.knn", stamp["knn"], ".2f")
record("cured.knn", cured["knn"], ".2f")
record("frame.score", frame_["pretext"], ".2f")
record("frame.knn", frame_["knn"], ".2f")
record("small.score", small["pretext"], ".2f")
record("small.knn", small["knn"], ".2f")

# %% [markdown]
# With a date, the network predicts {{stamp.score}} of the rotations, and 20-NN on its features reaches {{stamp.knn}}: about what an untrained network gives. It has found a **shortcut**, a way to solve the task without learning what we hope for. With the border cut off in the pretext task, 20-NN reaches {{cured.knn}}, on images with the date.
#
# Right, means of three other data seeds: context prediction is solved by the white frame of a printed photograph: each of the eight places shows it on other sides. Tiles of 9 pixels do not reach the frame: the task falls from {{frame.score}} to {{small.score}}, 20-NN rises from {{frame.knn}} to {{small.knn}}, about as without a frame.
#
# **The accuracy of a pretext task does not tell what its features are worth.** To find a shortcut:
#
# * measure a downstream task, beside an untrained network;
# * hide the suspect: without the date, the first network predicts only {{stamp.without}} of the rotations (guessing: 1/4);
# * take away what the task should need, for example by a [jigsaw](#Jigsaw) of four different images.

# %% [markdown]
# ## Jigsaw
#
# Cut four tiles, shuffle them, and predict the order: one class for each order (Noroozi and Favaro, 2016, with nine tiles; L2.07). Nine tiles have $9! = 362{,}880$ orders: far too many classes. The **Hamming distance** of two orders is the number of places at which they differ. One chooses a **permutation set**, a few orders with large distances; ours has 8.
#
# Below the board: choose it greedily. For each order that is left, compute the distance to its *nearest* chosen order; take the order for which this distance is largest.
#
# First play: click the letters in the order in which the tiles belong: upper left, upper right, lower left, lower right.

# %% jupyter={"source_hidden": true} tags=["subslide"]
ORDER = [2, 0, 3, 1]
puzzle = torch.cat(first_of)[9]
parts = cut_tiles(test.images[puzzle][None], 2, 18)[0]  # [4, 3, 18, 18]
strip = torch.ones(3, 26, 92)
for place, tile in enumerate(ORDER):
    strip[:, 4:22, 4 + 22 * place : 22 + 22 * place] = parts[tile]


def assembled(clicked, **boxes):
    picked = list(dict.fromkeys(clicked))[:4]
    whole = torch.full((3, 38, 38), 0.88)
    for place, name in enumerate(picked):
        top, left = 20 * (place // 2), 20 * (place % 2)
        whole[:, top : top + 18, left : left + 18] = parts[ORDER["ABCD".index(name)]]
    fig, (ax,) = plots.panels(1, height=2.2)
    fig.set_figwidth(2.3)
    pictures.show_image(ax, whole)
    if len(picked) < 4:
        text = f"Which tile belongs {('upper left', 'upper right', 'lower left', 'lower right')[len(picked)]}?"
    else:
        solved = [ORDER["ABCD".index(name)] for name in picked] == [0, 1, 2, 3]
        text = "Solved." if solved else "Not yet. Reset starts again."
    return Shown(text=text, figure=fig)


Board(
    92,
    26,
    [Box("ABCD"[i], (4 + 22 * i, 4, 22 + 22 * i, 22), CLASS_COLOURS[i], True) for i in range(4)],
    assembled,
    image=strip,
    alt="Four shuffled tiles of one image, A to D; a click puts a tile into the next place of the picture beside them.",
)


# %% tags=["exercise", "subslide"]
def permutation_set(every, count):
    """Orders of tiles that differ in many places.  # [K, T] int64, number -> [count, T]"""
    # Begin with every[0]. The distance of two orders is the number of places where they differ.
    # Then take, again and again, the order that is farthest from its nearest chosen order.
    # Of equally far orders take the first, as argmax does.
    # BEGIN SOLUTION
    chosen = [0]
    nearest = torch.full((len(every),), every.shape[1] + 1)
    for _ in range(count - 1):
        nearest = torch.minimum(nearest, (every != every[chosen[-1]]).sum(dim=1))
        chosen.append(int(nearest.argmax()))
    return every[chosen]
    # END SOLUTION


check("permutation_set", permutation_set)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
for name in ("jigsaw", "damaged jigsaw"):
    learn(name)
# Four different images, one tile of each, in one common order.
jigsaw = tasks["jigsaw"]
varied = ROWS["jigsaw"].views(test.images, torch.Generator().manual_seed(1))  # as in training
made = [jigsaw.make(varied.roll(37 * k, 0), torch.Generator().manual_seed(1)) for k in range(4)]
mixed = torch.stack([made[k][0][:, k] for k in range(4)], dim=1)
mixed_score = jigsaw.accuracy(mixed, made[0][1])
record("jigsaw.mixed", mixed_score, ".2f")
record("jigsaw.score", results["jigsaw"]["pretext"], ".2f")
damaged = tasks["damaged jigsaw"]
asked, whole, which, missing = damaged.make(test.images[:5], torch.Generator().manual_seed(3))
with torch.no_grad():
    order_logits, imagined, coloured = damaged(asked)
order = damaged.orders[order_logits.argmax(1)]  # where each shown tile belongs


def put_together(shown_tiles, order):
    """Tiles [B, 4, 3, s, s] in their predicted places.  # [B, 3, 2 s, 2 s]"""
    back = order.argsort(dim=1)
    placed = shown_tiles[torch.arange(len(shown_tiles))[:, None], back]
    rows = placed.unflatten(1, (2, 2)).permute(0, 3, 1, 4, 2, 5)
    return rows.flatten(4, 5).flatten(2, 3)


filled = asked.clone()
filled[torch.arange(5), missing] = imagined
fig, axes = plots.panels(1, rows=4, height=1.25)
straight = torch.arange(4).expand(5, -1)
for ax, images, title in (
    (axes[0], put_together(asked, straight), "Shown: shuffled, without colours, one tile missing"),
    (axes[1], put_together(filled, order), "Predicted: the order, and the missing tile"),
    (axes[2], put_together(coloured, order), "Predicted: colours"),
    (axes[3], test.images[:5], "The image"),
):
    pictures.contact_sheet(ax, images.clamp(0, 1), 5, title)
figure(
    fig,
    "Five damaged jigsaws: shown in grey with a blank tile; put in the predicted order with a blurred tile in the blank; the "
    "predicted colours, which are grey; and the images they were cut from.",
)
rows = [row_of("untrained network", base), row_of("jigsaw", results["jigsaw"])]
rows.append(row_of("untrained network, grey images", base_grey))
rows.append(row_of("damaged jigsaw, grey images", results["damaged jigsaw"]))
table([HEAD, *rows])

# %% [markdown]
# Our jigsaw is solved ({{jigsaw.score}}). But put together four tiles of *four different images*, and the network still predicts {{jigsaw.mixed}} of the orders. It need not compare tiles: our objects stand in the middle, so each tile alone tells its place. This **absolute position** is a shortcut, too.
#
# The **damaged jigsaw** (Kim and others, 2018; L2.08) also takes away the colours and one tile; three heads predict the order, the missing tile, and the colours. Hues are random here, so grey is the best guess of a hue; the drawings are blurred, since each tile is only 2 x 2 cells of the feature maps. Its features are judged on grey images.

# %% [markdown]
# ## One class for each image, and a hole to fill
#
# **Exemplar** (Dosovitskiy and others, 2014, with small patches; L2.06): each image is a class of its own, a **surrogate class**; its examples are random crops of it, slightly tilted, in changed brightness and colour. We take {{exemplars}} images.
#
# The **context encoder** (Pathak and others, 2016; L2.09) draws what is missing in a square hole. Its loss is the mean squared error in the hole, the **L2 loss**. Another version is trained on from these weights, with an **adversarial loss** added: a second network, the **discriminator**, learns to tell filled images from real ones, and the context encoder learns to deceive it.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
record("exemplars", EXEMPLARS, "d")
for name in ("exemplar", "context encoder", "adversarial"):
    learn(name)
views = tasks["exemplar"].views(
    train.images[:1].expand(5, -1, -1, -1), torch.Generator().manual_seed(0)
)
generator = torch.Generator().manual_seed(1)
holed, target, mask = tasks["context encoder"].make(test.images[:6], generator)
rows = {"With a hole": holed}
for name, title in (
    ("context encoder", "L2: smooth, the mean of all that might be there"),
    ("adversarial", "L2 + adversarial: more contrast, here mostly stripes"),
):
    with torch.no_grad():
        rows[title] = torch.where(mask > 0, tasks[name](holed), target).clamp(0, 1)
rows["The image"] = target
within, below = mask[..., 1:] * mask[..., :-1], mask[..., 1:, :] * mask[..., :-1, :]
sharp = {}
for name, images in zip(("l2", "adversarial", "real"), list(rows.values())[1:], strict=True):
    across_ = ((images[..., 1:] - images[..., :-1]).abs() * within).sum() / (3 * within.sum())
    down_ = ((images[..., 1:, :] - images[..., :-1, :]).abs() * below).sum() / (3 * below.sum())
    sharp[name] = ((across_ + down_) / 2).item()
record("sharp.l2", sharp["l2"], ".3f")
record("sharp.adversarial", sharp["adversarial"], ".3f")
record("sharp.real", sharp["real"], ".3f")
record("hole.l2", results["context encoder"]["pretext"], ".4f")
record("hole.adversarial", results["adversarial"]["pretext"], ".4f")
fig, axes = plots.panels(1, rows=5, height=1.15)
shown_views = torch.cat([train.images[:1], views])
pictures.contact_sheet(
    axes[0], shown_views, 6, "Exemplar: an image, and five examples of its class"
)
for ax, (title, images) in zip(axes[1:], rows.items(), strict=True):
    pictures.contact_sheet(ax, images, 6, title)
figure(
    fig,
    "One object and five random transformations of it. Below, six objects with a grey square hole; the hole filled by L2, "
    "smooth; by L2 and an adversarial loss, with more contrast, mostly stripes; and the images.",
)
names_of = ("exemplar", "context encoder", "adversarial")
table([HEAD, row_of("untrained network", base), *(row_of(n, results[n]) for n in names_of)])
record("exemplar.score", results["exemplar"]["pretext"], ".2f")

# %% [markdown]
# "The task itself" is, for the exemplar, the share of new views that are assigned to the right image ({{exemplar.score}}), for the other two the mean squared error in the hole. L2 draws the mean of everything that might be there: smooth. With the discriminator, neighbouring pixels differ by {{sharp.adversarial}} instead of {{sharp.l2}} (in the images {{sharp.real}}, partly grain), and the squared error is {{hole.adversarial}} instead of {{hole.l2}}.

# %% [markdown]
# ## What are their features worth?
#
# **Your turn.** A linear probe that does not cheat: whatever is computed from data, the mean and the deviation too, comes from the *training* features alone. We take **ridge regression**: least squares on one-hot labels, with a penalty that keeps weights small; it has a closed solution. (The tables use logistic regression.)


# %% tags=["exercise", "subslide"]
def linear_probe(x, labels, x_test, labels_test):
    """Accuracy of a linear classifier on frozen features.  # [n, d], [n], [m, d], [m] -> number"""
    # Standardise: subtract the mean, divide by x.std(dim=0, correction=0) + 1e-6; then append
    # a column of ones (the bias). Do so for both sets, and learn nothing from the test set.
    # weights = torch.linalg.solve(a.T @ a + torch.eye(d + 1), a.T @ targets), [d + 1, classes]; a is
    # the training matrix and targets are the labels as torch.nn.functional.one_hot(labels).float().
    # The largest number in a row of a_test @ weights is the predicted class.
    # BEGIN SOLUTION
    mean, deviation = x.mean(dim=0), x.std(dim=0, correction=0) + 1e-6
    a = torch.cat([(x - mean) / deviation, torch.ones(len(x), 1)], dim=1)
    a_test = torch.cat([(x_test - mean) / deviation, torch.ones(len(x_test), 1)], dim=1)
    targets = torch.nn.functional.one_hot(labels).float()
    weights = torch.linalg.solve(a.T @ a + torch.eye(a.shape[1]), a.T @ targets)
    predicted = (a_test @ weights).argmax(dim=1)
    return (predicted == labels_test).double().mean().item()
    # END SOLUTION


check("linear_probe", linear_probe)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
order_of = sorted(ROWS, key=lambda n: -sum(kept[n]["ten"]))
lines = ["with all labels", *order_of, "untrained", "8 x 8 grey pixels"]


def steps_of(name):
    begun = f"{ROWS[ROWS[name].begins].steps} + " if ROWS[name].begins else ""
    return f"{begun}{ROWS[name].steps}"


fig, axes = plots.panels(2, height=4.0, widths=(5, 4))
for ax, kind, title in (
    (axes[0], "ten", "Linear probe, 10 labels a class"),
    (axes[1], "knn", "20-NN, 3,000 labels"),
):
    for y, name in enumerate(reversed(lines)):
        values = torch.tensor(kept[name][kind])
        colour = plots.SAME if name in ROWS else plots.MUTED
        ax.plot([values.min(), values.max()], [y, y], color=colour, lw=2)
        ax.plot(values, [y] * 3, "o", color=colour, ms=6)
        if name in results:
            ax.plot(results[name][kind], y, "o", mfc="none", mec=plots.QUERY, ms=8)
        ax.text(1.06, y, f"{values.mean():.2f}", va="center", fontsize=9)
    ax.set(title=title, xlim=(0.15, 1.18), xlabel="accuracy", xticks=[0.2, 0.4, 0.6, 0.8, 1.0])
    ax.set(yticks=range(len(lines)))
    ax.set_yticklabels(
        reversed([f"{n}, {steps_of(n)} steps" if n in ROWS else n for n in lines])
        if ax is axes[0]
        else []
    )
figure(
    fig,
    "A strip of three dots for each task, one a data seed, their means at the right. All tasks lie between the untrained "
    "network and the one trained with all labels; rotation is best. Open circles are this run. Grey pixels without a network "
    "are worst by a linear probe and among the best by neighbours.",
)
record("pixels.ten", sum(kept["8 x 8 grey pixels"]["ten"]) / 3, ".2f")
record("pixels.all", sum(kept["8 x 8 grey pixels"]["all"]) / 3, ".2f")
record("pixels.knn", sum(kept["8 x 8 grey pixels"]["knn"]) / 3, ".2f")

# %% [markdown]
# Filled dots are three other data seeds, the open circle is this run. *With all labels*: the same network, first trained on {{unlabelled}} labels. The tasks saw different numbers of images, the damaged jigsaw grey ones: read large differences only.
#
# * Of the tasks, rotation is best in both. One likely reason: all objects stand roughly upright.
# * The measures disagree. A line finds little in grey pixels ({{pixels.ten}}; with 3,000 labels {{pixels.all}}), since half of the images are negatives; but among 3,000 drawings several are often almost the same ({{pixels.knn}}).

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "Now the encoder is not frozen: all weights go on learning from 10 labelled images a class (fine-tuning). Rotation's probe was well ahead of that of context. What happens to this lead?",
    ["it grows", "it stays", "it shrinks to less than half"],
    answer=2,
    why=[
        "The better features do not win by more: both networks may change them now.",
        "A probe must take the features as they are. Fine-tuning may repair them.",
        "Context gains: training brings out what a linear layer could not use. Rotation even loses a little: 60 images are few for all its weights. Probe and fine-tuning answer different questions.",
    ],
    name="11.tuned",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.pretexts import fine_tuned

begins = {"from scratch": untrained, "context": context.encoder, "rotation": rotation.encoder}
tuned = {name: fine_tuned(encoder, known, test, 0) for name, encoder in begins.items()}
head = ("fine-tuning with 10 labels a class", "this run", *(f"data seed {s}" for s in (10, 11, 12)))
rows = []
for name, now in tuned.items():
    seeds = kept[f"fine-tuned, {name}"]
    five = zip(seeds["ten"], seeds["least"], seeds["most"], strict=True)
    rows.append((name, f"{now:.3f}", *(f"{m:.3f} ({a:.2f} to {b:.2f})" for m, a, b in five)))
table([head, *rows])
mean_ten = {n: means[n]["ten"] for n in ("rotation", "context")}
for name, key in (("from scratch", "scratch"), ("context", "context"), ("rotation", "rotation")):
    record(f"tuned.{key}", means[f"fine-tuned, {name}"]["ten"], ".2f")
    if name in mean_ten:
        record(f"frozen.{key}", mean_ten[name], ".2f")

# %% [markdown]
# *This run* is one draw of labels; of the data seeds the mean of five, least and most. Over these seeds context gains by fine-tuning, {{frozen.context}} to {{tuned.context}}; rotation loses a little, {{frozen.rotation}} to {{tuned.rotation}}. From scratch the same 60 images give {{tuned.scratch}}.

# %% [markdown]
# ## Deeper: what the core path claimed

# %% jupyter={"source_hidden": true}
claim(
    "over twenty draws of six labels, a line on self-supervised features gains .1 on a line on the points",
    draws[1] - draws[0] > 0.1,
    draws[1] - draws[0],
)
claim(
    "rotation: a probe with 10 labels a class reaches .8, and gains .3 on the untrained network",
    results["rotation"]["ten"] > 0.8 and results["rotation"]["ten"] - base["ten"] > 0.3,
    results["rotation"]["ten"],
)
claim(
    "plain discs: between .15 and .35 of the rotations are predicted correctly, as by guessing",
    0.15 < by_class["disc"] < 0.35,
    by_class["disc"],
)
both = [results[name] for name in ("context", "jigsaw")]
claim(
    "context and jigsaw: .65 or more with 10 labels a class, .9 or more with all",
    min(r["ten"] for r in both) > 0.65 and min(r["all"] for r in both) > 0.9,
    min(r["ten"] for r in both),
)
claim("with a date the task is solved: above .99", stamp["pretext"] > 0.99, stamp["pretext"])
claim(
    "and its features are at most .05 better than untrained ones (10 labels a class)",
    stamp["ten"] < base_dated["ten"] + 0.05,
    stamp["ten"] - base_dated["ten"],
)
claim(
    "with the border cut off, 10 labels a class give .78 or more", cured["ten"] > 0.78, cured["ten"]
)
lost, gained = (
    torch.tensor(kept["context, white frame, tiles of 13"][kind])
    - torch.tensor(kept["context, white frame, tiles of 9"][kind])
    for kind in ("pretext", "knn")
)
claim(
    "a white frame, three data seeds: smaller tiles lower the task's accuracy by .1 and raise 20-NN by .04",
    lost.min() > 0.1 and -gained.max() > 0.04,
    -gained.max(),
)
claim(
    "tiles of four different images: the jigsaw still predicts .8 of the orders",
    mixed_score > 0.8,
    mixed_score,
)
claim(
    "fine-tuning after rotation beats training from scratch by .1 or more",
    tuned["rotation"] - tuned["from scratch"] > 0.1,
    tuned["rotation"] - tuned["from scratch"],
)
start_of = {n: "untrained, without colours" if n == "damaged jigsaw" else "untrained" for n in ROWS}
margins = [
    a - b for n in ROWS for a, b in zip(kept[n]["all"], kept[start_of[n]]["all"], strict=True)
]
claim(
    "each task beats the untrained network by .1 with all labels, on three data seeds",
    min(margins) > 0.1,
    min(margins),
)
claim(
    "an adversarial loss: neighbouring pixels in the hole differ more, by a fifth or more",
    sharp["adversarial"] > 1.2 * sharp["l2"],
    sharp["adversarial"] / sharp["l2"],
)

# %% [markdown]
# ## Deeper: what does "near" mean?

# %% [markdown]
# First in each row a test image, then its three nearest labelled images; over each sheet the share of the same class, over all test images. Untrained, *near* means alike in colours and tones. After rotation it means: the same kind of object. With a date the share is that of the untrained network.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed

asked_for = torch.cat(first_of)[[1, 5, 8]]
fig, axes = plots.panels(3, height=2.6)
stamped = tasks["rotation, date stamp"].encoder
for ax, encoder, title, see in (
    (axes[0], untrained, "untrained", torch.clone),
    (axes[1], rotation.encoder, "rotation", torch.clone),
    (axes[2], stamped, "with a date", date_stamp),
):
    x, q = (embed(encoder, see(part.images)) for part in (known, test))
    mean, spread = x.mean(0), x.std(0) + 1e-6
    near = (normalize((q - mean) / spread) @ normalize((x - mean) / spread).T).topk(3).indices
    same = (known.labels[near] == test.labels[:, None]).double().mean()
    sheet_ = [torch.cat([see(test.images[i][None]), see(known.images[near[i]])]) for i in asked_for]
    pictures.contact_sheet(ax, torch.cat(sheet_), 4, f"{title}: {same:.2f} same class")
figure(
    fig,
    "Three sheets; in each row first a test image, then its three nearest training images. Untrained and with a date many are "
    "of other classes, alike in colour; after rotation nearly all are of the same class, in other colours.",
)

# %% [markdown]
# ## Deeper: more shortcuts, and what the gap does

# %% [markdown]
# All cases on three other data seeds, mean ± standard deviation. **Chromatic aberration**: a cheap lens draws red a little larger than blue, so the shift of the colours tells where in the image a tile was cut. Doersch and others found that their network had learned to tell absolute positions by it. One cure is to show one channel only. **Light from above** tells what is up. The last rows give an untrained network on the images of each camera.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
kinds = ("all", "ten", "knn")
cameras_kept = [name for name in kept if name.startswith("untrained, ") and "colours" not in name]


def mean_of(name, kind):
    values = torch.tensor(kept[name][kind])
    return f"{values.mean():.2f} ± {values.std():.2f}"


rows = [(n, mean_of(n, "pretext"), *(mean_of(n, k) for k in kinds)) for n in CASES]
rows += [(n.replace("_", " "), "-", *(mean_of(n, k) for k in kinds)) for n in cameras_kept]
table([("task and images", *HEAD[1:]), *rows])

# %% [markdown]
# *Tiles of 9, no gap* lie next to each other in the middle 28 pixels, *tiles of 9* have gaps of 4: two things differ, the gap and how far the tiles lie apart. Neither the task nor the features change much: on these images lines across edges are not what the network lives on.

# %% [markdown]
# ## Deeper: what a feature reacts to

# %% [markdown]
# The first layer's filters are 3 x 3 pixels: too small to see anything in them, before training or after. One sees more in what a *feature* reacts to. For three of the 96 features that are little alike: the six test images on which each is largest.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, axes = plots.panels(2, height=2.2)
for ax, encoder, title in (
    (axes[0], untrained, "untrained"),
    (axes[1], rotation.encoder, "rotation"),
):
    x = embed(encoder, test.images)
    relative = x.std(dim=0) / (x.mean(dim=0) + 1e-6)
    alike, picked = torch.corrcoef(x.T).abs(), [int(relative.argmax())]
    while len(picked) < 3:  # the next one is the least like those before
        picked.append(int(alike[picked].amax(dim=0).argmin()))
    top = x[:, picked].topk(6, dim=0).indices.T  # [3, 6]
    pictures.contact_sheet(ax, test.images[top.flatten()], 6, title)
figure(
    fig,
    "Two sheets of three rows: the six test images on which a feature is largest. Untrained features react to colours and "
    "tones; after rotation the images of a row show mostly one or two classes.",
)

# %% [markdown]
# ## What you can do now
#
# * **Four strategies**: they use labelled points only, the other points as well, no labels, or labels that they make themselves and few others at the end.
# * **Pretext tasks**: the head is thrown away, the features are kept.
# * **Measures**: k-NN and a linear probe on frozen features, fine-tuning of all weights; beside an untrained network, and like with like.
# * **Shortcuts**: with a date rotation was perfect, and its features no better than untrained ones. Measure downstream, hide the suspect, take away what the task should need.
#
# | task | what must be known | a possible shortcut |
# |---|---|---|
# | rotation | what is up | a date, light from above |
# | context, jigsaw | how parts belong together | a frame, absolute position |
# | exemplar | what transformations leave alone | an unchanged colour |
# | context encoder | how an object goes on | a plain ground |
#
# **Still open:** which pretext task would suit microscope images of cells, where nothing tells what is up?
#
# **Go on:** [12](12_contrastive_learning.ipynb) makes pairs without labels, two views of one image; [03](03_pair_and_triplet_losses.ipynb) learns from pairs *with* labels.
#
# **Read:** Doersch, Gupta and Efros, [Unsupervised Visual Representation Learning by Context Prediction](https://arxiv.org/abs/1505.05192) (2015) · Noroozi and Favaro, [Jigsaw Puzzles](https://arxiv.org/abs/1603.09246) (2016) · Gidaris, Singh and Komodakis, [Predicting Image Rotations](https://arxiv.org/abs/1803.07728) (2018) · Dosovitskiy and others, [Exemplar CNNs](https://arxiv.org/abs/1406.6909) (2014) · Pathak and others, [Context Encoders](https://arxiv.org/abs/1604.07379) (2016) · Kim and others, [Completing Damaged Jigsaw Puzzles](https://arxiv.org/abs/1802.01880) (2018).
