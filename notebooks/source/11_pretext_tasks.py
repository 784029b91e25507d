# %% [markdown]
# # Pretext tasks

# %% [markdown]
# After this page you will be able to
#
# * tell the four strategies of learning apart by the labels they use;
# * turn images without labels into a task with labels: **rotation**, **context**, **jigsaw** and three more;
# * measure what the features of such a task are worth: k-NN, linear probe, fine-tuning;
# * recognise a network that solves its task by a **shortcut**, and take the shortcut away.
#
# **You should know** what a classifier and an embedding are ([02](02_embeddings.ipynb)). **Time:** about 75 minutes for the core path with the exercises, 45 without them. Core path: everything before the first *Deeper* section, and the [summary](#What-you-can-do-now). **Computing:** 4 to 5 minutes at the first run, about a minute later ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). **Lecture topics** L2.02 to L2.09.

# %% [markdown]
# ## Four strategies
#
# Images are cheap, labels are not: a person must look at every image. The four strategies of machine learning differ in the labels that they use (L2.02). Here they are on the same 400 points, two half moons. A *black* point has a label.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
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


def spread_labels(rounds):
    """Pseudo-labels: each round gives the nearest point without a label that of its nearest neighbour with one."""
    labels = torch.full((len(points),), -1)
    labels[labelled] = moon[labelled]
    for _ in range(rounds):
        known, unknown = torch.where(labels >= 0)[0], torch.where(labels < 0)[0]
        at = int(distances[unknown][:, known].argmin())
        labels[unknown[at // len(known)]] = labels[known[at % len(known)]]
    return labels


line = LogisticRegression(C=100).fit(points[labelled], moon[labelled])
groups = torch.tensor(KMeans(2, n_init=5, random_state=0).fit_predict(points))
neighbours = SpectralEmbedding(2, affinity="nearest_neighbors", n_neighbors=8, random_state=0)
features = torch.tensor(neighbours.fit_transform(points))
features = features / features.std(dim=0)
on_features = LogisticRegression(C=100).fit(features[labelled], moon[labelled])
answers = {
    "Supervised:\na line by six labels": torch.tensor(line.predict(points)),
    "Semi-supervised:\nlabels spread": spread_labels(394),
    "Unsupervised:\ngroups, no names": groups,
    "Self-supervised:\na line in features": torch.tensor(on_features.predict(features)),
}
right = {
    name.split(":")[0]: (found == moon).double().mean().item() for name, found in answers.items()
}

across, down = torch.meshgrid(
    torch.linspace(-1.4, 2.4, 120), torch.linspace(-0.9, 1.4, 90), indexing="xy"
)
nearest = torch.cdist(torch.stack([across, down], -1).flatten(0, 1), points).argmin(1)
fig, axes = plots.panels(4, height=2.4)
for ax, (title, found) in zip(axes, answers.items(), strict=True):
    plots.bare(ax, title)
    ax.title.set_fontsize(10)
    if title.startswith("Supervised"):
        grid = torch.stack([across, down], -1).flatten(0, 1)
        areas = torch.tensor(line.predict(grid))
    else:
        areas = found[nearest]
    ax.contourf(
        across, down, areas.view(90, 120), levels=[-1, 0.5, 2], colors=CLASS_COLOURS[:2], alpha=0.25
    )
    ax.scatter(*points.T, c=[CLASS_COLOURS[c] for c in found], s=5, lw=0)
    if not title.startswith("Unsupervised"):
        ax.scatter(*points[labelled].T, c="black", s=26, zorder=3)
figure(
    fig,
    "Two half moons four times, each place in the colour of the class predicted there. A straight line cuts through both "
    "moons; labels that spread from neighbour to neighbour follow them; k-means cuts each moon in two and uses no label; "
    "a line in self-supervised features follows the moons.",
)

# %% [markdown]
# * **Supervised**: learn from labelled points only. Six labels allow many lines.
# * **Semi-supervised**: the points without labels help to draw the boundary. Here each point takes over the label of its nearest labelled neighbour, as a **pseudo-label**.
# * **Unsupervised**: no labels at all. Two groups are found, but nobody says what they are.
# * **Self-supervised**: make up a task whose answers are known without a person, here "which points are neighbours?". Learn features from it, and use the six labels only at the end.
#
# Watch the pseudo-labels spread. What would one wrong pseudo-label do? The rest of this page is about the fourth strategy, on images.


# %% jupyter={"source_hidden": true} tags=["subslide"]
def draw_spread(rounds=60):
    labels = spread_labels(rounds)
    fig, (ax,) = plots.panels(1, height=2.6)
    colours = [CLASS_COLOURS[c] if c >= 0 else "#CCCCCC" for c in labels]
    ax.scatter(*points.T, c=colours, s=14, lw=0)
    ax.scatter(*points[labelled].T, c="black", s=40, zorder=3)
    plots.bare(ax, f"{rounds} pseudo-labels from 6 labels")
    ax.set_aspect("equal")
    return fig


explore(
    draw_spread,
    alt="Two half moons in grey; around six black points some have taken over the colour of their moon.",
    presets={"all": {"rounds": 394}},
    play="rounds",
    rounds=(0, 394, 2),
    labels={"rounds": "pseudo-labels"},
)

# %% [markdown]
# ## A task that labels itself
#
# A **pretext task** is a question about an image that the image itself answers, such as "by how much did I turn it?". A network learns to answer it from unlabelled images. What we want is not the answer but the **features** on the way, the outputs of the network before its last layers, the **head**. The head is thrown away. The features serve a **downstream task** with few labels (L2.03).
#
# What are features worth? There are three yardsticks; in the first two the encoder is **frozen**, it learns no more:
#
# * **k-NN**: each test image gets the class of its 20 nearest neighbours among labelled images. Nothing is trained.
# * **Linear probe**: one linear layer is trained on the features. With 10 labels a class it shows what few labels are worth.
# * **Fine-tuning**: the whole network goes on learning from the labelled images.
#
# Our images show one of six objects each. We use {{unlabelled}} of them without labels.

# %% jupyter={"source_hidden": true} tags=["diagram", "nbval-ignore-output"]
from course_lib.recipes.pretexts import LABELLED, encoder_of, pretext_table, things, worth

train, test = things("train", SEED), things("test", SEED)
known = train[:LABELLED]  # whose labels the downstream task may use
record("unlabelled", len(train), ",")
names = train.names
untrained = encoder_of(SEED)
shown = train.images[:64]
with torch.no_grad():
    maps = untrained.maps(shown)
vectors = maps.mean(dim=(2, 3))
image, network = Stage("image", shown, image=shown[0]), Stage("encoder", note="4 convolutions")
map_stage, vector = Stage("maps", maps), Stage("features", vectors)
rows = [
    [
        image,
        network,
        map_stage,
        vector,
        Stage("head", note="thrown away later"),
        Stage("pretext answer", torch.eye(4)[[2]]),
    ],
    [
        image,
        network,
        map_stage,
        vector,
        Stage("linear probe", note="downstream"),
        Stage("class", torch.eye(6)[[4]]),
    ],
]
figure(
    pipeline(rows),
    "An image goes through an encoder of four convolutions to 96 maps and their mean, 96 features. From there one way "
    "leads to a head that answers the pretext task, another to a linear probe that predicts the class.",
)
fig, (ax,) = plots.panels(1, height=1.35)
pictures.contact_sheet(
    ax,
    train.images[:36],
    columns=18,
    title="36 of the images: colours and mirror images tell nothing about the class",
)
figure(
    fig,
    "36 drawn objects in random colours on plain grounds: cars, boats, houses, trees, cats, balloons.",
)

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "The encoder has random weights; nothing has been trained. A linear probe on its 96 features gets 3,000 labels. Which share of new images does it classify correctly? (Guessing: 1/6.)",
    ["about .17", "about .40", "about .70", "about .95"],
    answer=2,
    why=[
        "Random filters still react to edges and shapes, each in its own way.",
        "With 10 labels a class it would be about that.",
        "Random features keep much of what the image shows. Every claim about pretraining must be compared with this.",
        "That takes features that were trained.",
    ],
    name="11.untrained",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
base = worth(untrained, known, test)


def row_of(name, found):
    return (name, *(f"{found[kind]:.3f}" for kind in ("all", "ten", "knn")))


HEAD = ("features", "probe, 3,000 labels", "probe, 10 a class", "20-NN")
table([HEAD, row_of("untrained", base)])
record("untrained.all", base["all"], ".2f")
record("untrained.ten", base["ten"], ".2f")

# %% [markdown]
# ## Rotation
#
# Turn an image by 0, 90, 180 or 270 degrees, and ask by how much (Gidaris, Singh and Komodakis, 2018; L2.05). Who knows what a car looks like knows where its wheels belong. **Play first**: drag each dot from the middle of its image to the side where *up* is. **Your turn** comes below the images: write the function that makes the task.

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
    "Now the network plays: it learns for 300 steps, on 32 images in four turns each. Then it is shown plain discs, like balls, each turned by 0, 90, 180 or 270 degrees. Which share of their turns will it tell correctly?",
    ["nearly all", "about a half", "about a quarter", "none"],
    answer=2,
    why=[
        "For cars and cats it does. But a turned disc looks like one that was not turned.",
        "It cannot even tell upright from upside down.",
        "A turned disc is the same disc: the image does not hold the answer, so only guessing is left. A task teaches nothing about things that do not have its answer.",
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
table([HEAD, row_of("untrained", base), row_of("rotation", found)])
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
plots.bars(left, by_class, "Turns told correctly", [*CLASS_COLOURS, plots.MUTED], "{:.2f}")
left.axvline(0.25, color=plots.QUERY, lw=1, ls="--")
left.set_xlim(0, 1.2)
left.text(0.27, 6.45, "guessing", fontsize=9)
worst = hit.argsort()[:12]
pictures.contact_sheet(right_ax, test.images[worst], 6, "The objects it misses most often")
figure(
    fig,
    "Left: nearly all turns of the six classes are told correctly, and a quarter of those of plain discs. Right: the "
    "twelve test images whose turn is missed most often.",
)
record("rotation.score", found["pretext"], ".3f")
record("rotation.eight", int(on_eight.sum()), "d")
record("rotation.ten", found["ten"], ".2f")
record("rotation.disc", by_class["disc"], ".2f")

# %% [markdown]
# It tells {{rotation.score}} of all turns of new images correctly, and {{rotation.eight}} of your eight. Of the turns of discs it tells {{rotation.disc}}. And it has learned more than turns: with 10 labels a class, a linear probe on its features classifies {{rotation.ten}} of new images, on untrained ones {{untrained.ten}}. It never saw a class label.

# %% [markdown]
# ## Context prediction
#
# Cut nine tiles, show the middle one and one of its **eight neighbours**: which one is it (Doersch, Gupta and Efros, 2015; L2.04)? **Play first**: left of each field is a tile. Drag the dot to the cell that it comes from; the middle tile is given.
#
# Networks find easier ways: they continue lines across the edge between two tiles instead of looking at what is shown. So the paper leaves a **gap** between tiles, and shakes them by a few pixels. **Your turn** below the board: cut the middle tile and a neighbour, with a gap.

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
table([HEAD, row_of("untrained", base), row_of("context", found)])
record("context.score", found["pretext"], ".2f")
record("context.four", int(on_four), "d")
record("context.ten", found["ten"], ".2f")

# %% [markdown]
# The network finds the place of {{context.score}} of all tiles (guessing: 1/8), and of {{context.four}} of your four. A probe with 10 labels a class reaches {{context.ten}}.

# %% [markdown]
# ## The network cheats
#
# A network learns whatever solves its task, and not what we hope for. Many cameras wrote the **date** into a corner of every photograph. Here is the same rotation task, on images with a date.

# %% jupyter={"source_hidden": true} tags=["subslide"]
from course_lib.self_supervision.shortcuts import date_stamp

fig, (ax,) = plots.panels(1, height=1.2)
pictures.contact_sheet(ax, date_stamp(train.images[:12]), 12)
figure(fig, "Twelve objects, each with an orange date in its lower right corner.")
predict(
    "With the date in every image, how will the rotation task go, and what will its features be worth?",
    [
        "rotation harder, features worse",
        "rotation perfect, features as good as before",
        "rotation perfect, features no better than untrained ones",
        "no change: the date shows nothing of the object",
    ],
    answer=2,
    why=[
        "The date makes rotation easier: it is always in the same corner.",
        "A perfect task looks like good learning. But finding an orange corner teaches nothing about cars and cats.",
        "The corner of the date tells the turn. The network needs nothing else, and learns nothing else.",
        "It shows nothing of the object, and that is the trouble: it answers the task.",
    ],
    name="11.stamp",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.shortcuts import try_case

cases = {}
for name in (
    "rotation, date stamp",
    "rotation, date stamp, border cut off",
    "context, white frame, tiles of 13",
    "context, white frame, tiles of 9",
):
    tasks[name], cases[name] = try_case(name, train, test, known, SEED)
cases = {"rotation": results["rotation"], "context": results["context"], **cases}
SHOWN = {
    "rotation": "rotation",
    "rotation, date stamp": "with a date",
    "rotation, date stamp, border cut off": "with a date,\nborder cut off",
    "context": "context,\ntiles of 13",
    "context, white frame, tiles of 13": "with a frame,\ntiles of 13",
    "context, white frame, tiles of 9": "with a frame,\ntiles of 9",
}
fig, axes = plots.panels(2, height=2.9)
for ax, part in zip(axes, (list(SHOWN)[:3], list(SHOWN)[3:]), strict=True):
    places = torch.arange(3.0)
    for shift, kind, colour, label in (
        (-0.2, "pretext", plots.MUTED, "the task itself"),
        (0.2, "knn", plots.SAME, "features, 20-NN"),
    ):
        values = [cases[name][kind] for name in part]
        drawn = ax.bar(places + shift, values, 0.38, color=colour, label=label)
        ax.bar_label(drawn, fmt="{:.2f}", padding=2, fontsize=9)
    ax.axhline(base["knn"], color=plots.QUERY, lw=1, ls="--")
    ax.text(-0.42, base["knn"] + 0.02, "untrained", fontsize=9, backgroundcolor="white")
    ax.set(ylim=(0, 1.3), xticks=places, xticklabels=[SHOWN[name] for name in part])
    ax.grid(axis="x", visible=False)
axes[0].set_title("Rotation: solved by a date")
axes[1].set_title("Context: helped by a white frame")
axes[0].legend(loc="upper left", ncols=2, frameon=False, fontsize=9)
figure(
    fig,
    "Two groups of bars: accuracy of the task, and of 20 nearest neighbours on its features. With a date, rotation rises "
    "to 1.00 and its features fall to the level of an untrained network; with the border cut off they recover. With a "
    "white frame, context rises and its features fall; smaller tiles cure it.",
)
stamp, cured = cases["rotation, date stamp"], cases["rotation, date stamp, border cut off"]
frame_, small = (
    cases["context, white frame, tiles of 13"],
    cases["context, white frame, tiles of 9"],
)
record("stamp.score", stamp["pretext"], ".3f")
record("stamp.knn", stamp["knn"], ".2f")
record("cured.knn", cured["knn"], ".2f")
record("frame.score", frame_["pretext"], ".2f")
record("frame.knn", frame_["knn"], ".2f")
record("small.score", small["pretext"], ".2f")
record("small.knn", small["knn"], ".2f")

# %% [markdown]
# With a date, the task's accuracy is {{stamp.score}}, and the features ({{stamp.knn}}) are worth no more than those of an untrained network. Cut off the border, and nothing is left to cheat with: {{cured.knn}}. Context prediction cheats with the white frame of a print: a tile that holds a piece of frame comes from the edge. Smaller tiles do not reach the frame. The task gets harder, {{small.score}} instead of {{frame.score}}, and its features better.
#
# **A pretext task that is solved too well is suspicious.** Its accuracy never tells what its features are worth. Only a downstream task does.

# %% [markdown]
# ## Jigsaw
#
# Cut four tiles, shuffle them, and ask for the order (Noroozi and Favaro, 2016, with nine tiles; L2.07). **Play first**: click the letters in the order in which the tiles belong: upper left, upper right, lower left, lower right.
#
# Four tiles have $4! = 24$ orders, nine have $9! = 362{,}880$: too many classes, and many differ in two tiles only. The paper chooses a **permutation set** whose orders differ in as many places as possible (the **Hamming distance**). **Your turn** below the board: choose it greedily, each time the order whose *nearest* chosen order is farthest away.
#
# Our network gets four tiles in one of 8 orders. The **damaged jigsaw** (Kim and others, 2018; L2.08) also takes away the colours and one tile. Three heads then predict the order, the missing tile, and the colours. Colours are random in our world, so the best prediction is grey, their mean.

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
damaged = tasks["damaged jigsaw"]
asked, whole, which, missing = damaged.make(test.images[:6], torch.Generator().manual_seed(3))
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
filled[torch.arange(6), missing] = imagined
fig, axes = plots.panels(1, rows=4, height=1.25)
straight = torch.arange(4).expand(6, -1)
for ax, images, title in (
    (axes[0], put_together(asked, straight), "Shown: shuffled, without colours, one tile missing"),
    (axes[1], put_together(filled, order), "Predicted: the order, and the missing tile"),
    (axes[2], put_together(coloured, order), "Predicted: colours"),
    (axes[3], put_together(whole, damaged.orders[which]), "The image that was cut"),
):
    pictures.contact_sheet(ax, images.clamp(0, 1), 6, title)
figure(
    fig,
    "Six damaged jigsaws: shown in grey with a blank tile; put in the predicted order with a blurred tile in the blank; the "
    "predicted colours, which are grey; and the images they were cut from.",
)
table([HEAD, *(row_of(n, results[n]) for n in ("untrained", "jigsaw", "damaged jigsaw"))])

# %% [markdown]
# ## One class for each image, and a hole to fill
#
# Two more ideas. **Exemplar** (Dosovitskiy and others, 2014; L2.06): each image is a class of its own, a **surrogate class**; its examples are random crops of it in other colours. Ours has {{exemplars}} classes. The **context encoder** (Pathak and others, 2016; L2.09) draws what is missing in a square hole. Its loss is the mean squared error in the hole, **L2**. In a second version an **adversarial loss** is added: a second network, the discriminator, must tell drawn holes from real ones, and the first learns to deceive it.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
record("exemplars", EXEMPLARS, "d")
for name in ("exemplar", "context encoder", "adversarial"):
    learn(name)
generator = torch.Generator().manual_seed(1)
holed, target, mask = tasks["context encoder"].make(test.images[:9], generator)
fig, axes = plots.panels(1, rows=4, height=1.15)
rows = {"With a hole": holed}
for name, title in (
    ("context encoder", "L2: smooth, the mean of all that might be there"),
    ("adversarial", "L2 + adversarial: with grain, like the image"),
):
    with torch.no_grad():
        rows[title] = torch.where(mask > 0, tasks[name](holed), target).clamp(0, 1)
rows["The image"] = target
within = mask[..., 1:] * mask[..., :-1]
grains = {}
for name, images in zip(("l2", "adversarial", "real"), list(rows.values())[1:], strict=True):
    apart = (images[..., 1:] - images[..., :-1]).abs() * within
    grains[name] = (apart.sum() / (3 * within.sum())).item()
    record(f"grain.{name}", grains[name], ".2f")
record("hole.l2", results["context encoder"]["pretext"], ".3f")
record("hole.adversarial", results["adversarial"]["pretext"], ".3f")
for ax, (title, images) in zip(axes, rows.items(), strict=True):
    pictures.contact_sheet(ax, images, 9, title)
figure(
    fig,
    "Nine objects with a grey square hole; the hole filled by L2, smooth; by L2 and an adversarial loss, with grain; and the images.",
)
table(
    [
        HEAD,
        *(
            row_of(n, results[n])
            for n in ("untrained", "exemplar", "context encoder", "adversarial")
        ),
    ]
)

# %% [markdown]
# L2 draws the mean of everything that might be in the hole: smooth. The discriminator soon notices that a smooth hole has no grain, so the adversarial loss adds grain. Neighbouring pixels differ by {{grain.l2}} with L2, by {{grain.adversarial}} with both losses, by {{grain.real}} in the images. The squared error rises, from {{hole.l2}} to {{hole.adversarial}}: what looks more real is not nearer to the truth. (The paper's sharp edges take a larger network and days.)
#
# ## What are their features worth?
#
# **Your turn.** A linear probe that does not cheat: whatever is computed from data, the mean and the standard deviation too, comes from the *training* features alone.


# %% tags=["exercise", "subslide"]
def linear_probe(x, labels, x_test, labels_test):
    """Accuracy of a linear classifier on frozen features.  # [n, d], [n], [m, d], [m] -> number"""
    # Standardise: subtract the mean, divide by x.std(dim=0, correction=0) + 1e-6; then append
    # a column of ones (the bias). Do so for both sets, and learn nothing from the test set.
    # Ridge regression, penalty 1: torch.linalg.solve(a.T @ a + torch.eye(d + 1), a.T @ targets),
    # where targets are the labels, one-hot: torch.nn.functional.one_hot(labels).float().
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

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "With 10 labels a class, which pretext task gives the best features on these images?",
    ["rotation", "context prediction", "exemplar", "context encoder"],
    answer=0,
    why=[
        "All objects here stand upright, and what is up must be known for each class: a lucky match of task and data.",
        "Tiles of 10 pixels show parts: a wheel, an ear. That helps less than the whole.",
        "It learns to tell images of one class apart, too, which a classifier does not need.",
        "Most of what it draws is the ground and plain colours.",
    ],
    name="11.best",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
kept = pretext_table()
order_of = sorted([n for n in ROWS if n in kept], key=lambda n: -sum(kept[n]["ten"]))
lines = ["with all labels", *order_of, "untrained"]
fig, axes = plots.panels(2, height=3.6)
for ax, kind, title in (
    (axes[0], "ten", "Linear probe, 10 labels a class"),
    (axes[1], "knn", "20 nearest neighbours"),
):
    for y, name in enumerate(reversed(lines)):
        values = torch.tensor(kept[name][kind])
        colour = plots.SAME if name in ROWS else plots.MUTED
        ax.plot([values.min(), values.max()], [y, y], color=colour, lw=2)
        ax.plot(values, [y] * 3, "o", color=colour, ms=6)
        if name in results:
            ax.plot(results[name][kind], y, "o", mfc="white", mec=plots.QUERY, ms=7)
        ax.text(values.max() + 0.02, y, f"{values.mean():.2f}", va="center", fontsize=9)
    ax.set(title=title, xlim=(0.2, 1.1), xlabel="accuracy")
    ax.set(yticks=range(len(lines)), yticklabels=reversed(lines) if ax is axes[0] else [])
figure(
    fig,
    "A strip of three dots for each task, one a data seed: rotation is best, then jigsaw, context and the others; all lie "
    "between the untrained network and the one trained with all labels. Open circles are this run.",
)

# %% [markdown]
# Filled dots are three other data seeds, the open circle is this run. The order depends on the images: our objects stand upright, so rotation has much to learn. For round or flat things, cells or satellite images, it has nothing. (The damaged jigsaw has seen no colours; its features are judged on grey images, on which an untrained network reaches {{grey.ten}} with 10 labels a class.)
#
# Below: **fine-tuning**, where all weights go on learning from 10 labelled images a class, against the same network from scratch. Then the nearest neighbours of four test images: what does "near" mean to each network?

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.pretexts import fine_tuned

record("grey.ten", sum(kept["untrained, without colours"]["ten"]) / 3, ".2f")
tuned = {
    name: [fine_tuned(encoder, known, test, draw) for draw in range(3)]
    for name, encoder in (("from scratch", untrained), ("after rotation", rotation.encoder))
}
table(
    [("start", *(f"draw {d + 1} of the labels" for d in range(3)), "mean")]
    + [
        (name, *(f"{v:.3f}" for v in values), f"{sum(values) / 3:.3f}")
        for name, values in tuned.items()
    ]
)
gain = (sum(tuned["after rotation"]) - sum(tuned["from scratch"])) / 3

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed

asked_for = torch.cat(first_of)[[1, 5, 8, 11]]
fig, axes = plots.panels(3, height=2.6)
stamped = tasks["rotation, date stamp"].encoder
for ax, encoder, title, see in (
    (axes[0], untrained, "untrained", torch.clone),
    (axes[1], rotation.encoder, "rotation", torch.clone),
    (axes[2], stamped, "rotation with a date", date_stamp),
):
    x, q = (embed(encoder, see(images)) for images in (known.images, test.images[asked_for]))
    mean, spread = x.mean(0), x.std(0) + 1e-6
    near = (normalize((q - mean) / spread) @ normalize((x - mean) / spread).T).topk(4).indices
    rows = torch.cat(
        [
            torch.cat([see(test.images[i][None]), see(known.images[n])])
            for i, n in zip(asked_for, near, strict=True)
        ]
    )
    pictures.contact_sheet(ax, rows, 5, title)
figure(
    fig,
    "Three sheets; in each row a test image and its four nearest training images. Untrained: by colour and ground. "
    "Rotation: mostly the same class in other colours. Rotation with a date: by colour and ground again.",
)

# %% [markdown]
# ## Deeper: what the core path claimed

# %% jupyter={"source_hidden": true}
claim(
    "with six labels, both strategies that also use the other points beat the line by .1 or more",
    min(right["Semi-supervised"], right["Self-supervised"]) > right["Supervised"] + 0.1,
    min(right["Semi-supervised"], right["Self-supervised"]) - right["Supervised"],
)
claim(
    "rotation: a probe with 10 labels a class reaches .8, and gains .3 on the untrained network",
    results["rotation"]["ten"] > 0.8 and results["rotation"]["ten"] - base["ten"] > 0.3,
    results["rotation"]["ten"],
)
claim(
    "plain discs: between .15 and .35 of the turns are told correctly, as by guessing",
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
    stamp["ten"] < base["ten"] + 0.05,
    stamp["ten"] - base["ten"],
)
claim(
    "with the border cut off, 10 labels a class give .78 or more", cured["ten"] > 0.78, cured["ten"]
)
claim(
    "a white frame: smaller tiles lower the task's accuracy by .1 and raise 20-NN by .04",
    frame_["pretext"] - small["pretext"] > 0.1 and small["knn"] - frame_["knn"] > 0.04,
    small["knn"] - frame_["knn"],
)
claim("fine-tuning after rotation beats training from scratch by .05 or more", gain > 0.05, gain)
claim(
    "each task beats the untrained network by .1 with all labels",
    min(
        min(
            a - b
            for a, b in zip(
                kept[n]["all"],
                kept["untrained, without colours" if n == "damaged jigsaw" else "untrained"]["all"],
                strict=True,
            )
        )
        for n in order_of
    )
    > 0.1,
)
claim(
    "an adversarial loss: more grain in the hole, by half or more, and a larger squared error",
    grains["adversarial"] > 1.5 * grains["l2"]
    and results["adversarial"]["pretext"] > results["context encoder"]["pretext"],
    grains["adversarial"] / grains["l2"],
)

# %% [markdown]
# ## Deeper: more shortcuts, and what the gap does

# %% [markdown]
# Two more shortcuts from the committed table (three data seeds), and the paper's remedies one by one. **Chromatic aberration**: a cheap lens draws red a little larger than blue, so the shift of the colours tells where in the image a tile was cut. Doersch and others found it in their own photographs. Its cure here is to show one channel only; grey is none, since the shifted channels leave ghosts. **Light from above** tells what is up.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.shortcuts import CASES

kinds = ("pretext", "all", "ten", "knn")
head = ("task and images", "the task itself", *HEAD[1:])
rows = [
    (
        name,
        *(f"{sum(kept[name][k]) / 3:.2f} ± {torch.tensor(kept[name][k]).std():.2f}" for k in kinds),
    )
    for name in CASES
]
table([head, *rows])

# %% [markdown]
# Read the rows of context prediction from 13 pixels downwards. With the tile size held at 9 pixels, a gap of 4 changes the task's accuracy and its features by no more than the seeds do: there are no lines here that run from tile to tile. What helps against the frame is the tile's *size*.

# %% [markdown]
# ## Deeper: what a feature reacts to

# %% [markdown]
# The first layer's filters are 3 x 3 pixels: too small to see anything in them, before training or after. One sees more in what a *feature* reacts to. For four of the 96 features, those that vary most between images: the ten test images on which each is largest.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
fig, axes = plots.panels(2, height=2.0)
for ax, encoder, title in (
    (axes[0], untrained, "untrained"),
    (axes[1], rotation.encoder, "rotation"),
):
    x = embed(encoder, test.images)
    relative = x.std(dim=0) / (x.mean(dim=0) + 1e-6)
    top = x[:, relative.topk(4).indices].topk(10, dim=0).indices.T  # [4, 10]
    pictures.contact_sheet(ax, test.images[top.flatten()], 10, title)
figure(
    fig,
    "Two sheets of four rows: the ten test images on which a feature is largest. Untrained features react to colours and "
    "grounds; after rotation the images of a row show mostly one or two classes.",
)

# %% [markdown]
# ## What you can do now
#
# * **Four strategies**: supervised learning uses labelled points only, semi-supervised learning the others as well, unsupervised learning no labels. Self-supervised learning makes its own labels first and uses few at the end.
# * **Pretext tasks**: by how much was it turned, which neighbour is it, in which order are the tiles, which image was it cut from, what was in the hole. The head is thrown away, the features are kept.
# * **Yardsticks**: k-NN and a linear probe on frozen features, fine-tuning of all weights; always beside an untrained network.
# * **Shortcuts**: a date in the corner made rotation perfect and its features worthless. The cure is to take the shortcut away. A task that is solved too well is suspicious.
#
# **Still open:** which pretext task would suit X-ray images, where colours and what is up tell little?
#
# **Go on:** [12](00_start_here.ipynb) needs no invented question: two views of one image must be near.
#
# **Read:** Doersch, Gupta and Efros, [Unsupervised Visual Representation Learning by Context Prediction](https://arxiv.org/abs/1505.05192) (2015) · Noroozi and Favaro, [Jigsaw Puzzles](https://arxiv.org/abs/1603.09246) (2016) · Gidaris, Singh and Komodakis, [Predicting Image Rotations](https://arxiv.org/abs/1803.07728) (2018) · Dosovitskiy and others, [Exemplar CNNs](https://arxiv.org/abs/1406.6909) (2014) · Pathak and others, [Context Encoders](https://arxiv.org/abs/1604.07379) (2016) · Kim and others, [Completing Damaged Jigsaw Puzzles](https://arxiv.org/abs/1802.01880) (2018).
