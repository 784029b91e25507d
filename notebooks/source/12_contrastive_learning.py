# %% [markdown]
# # Contrastive learning

# %% [markdown]
# After this page you will be able to
#
# * make two **views** of an image, and say what they teach a network to ignore;
# * write **NT-Xent**, the loss of SimCLR, and know its value for guessing and for a solved task;
# * tell from three dials whether a training run works: loss, **collapse level**, k-NN accuracy;
# * choose where to start when labels are few: from other images with labels, from your own images without, or from several photos of each case (**MICLe**);
# * say why training only the last layer of a network gives a linear model.
#
# **You should know** pretext tasks, k-NN and the linear probe ([11](11_pretext_tasks.ipynb)). **Time:** about 70 minutes for the core path with the exercises, 45 without them. Core path: everything before the first *Deeper* section, and the [summary](#What-you-can-do-now). **Computing:** 2 to 3 minutes at the first run, about half a minute later ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). **Lecture topics** L2.17, L2.18, L2.19, L5.13.

# %% [markdown]
# ## Two views of one image
#
# **SimCLR** (*simple contrastive learning*, Chen and others, 2020; L2.18) has one task: find the two **views** that show the same image. A view is a random crop of an image, perhaps mirrored, in other colours, sometimes blurred. The network is trained so that two views of one image get nearly the same vector, and views of different images do not. So it learns to ignore what differs between two views of one image.
#
# Move the strengths of crop, colour and blur. Under each pair: the cosine of its pixels (means subtracted).

# %% jupyter={"source_hidden": true}
import math
from dataclasses import replace

import torch
from matplotlib.patches import Rectangle

from course_lib.by_definition import self_supervision as plain
from course_lib.data import datasets
from course_lib.embeddings.distances import cosine
from course_lib.exercises.answer import check
from course_lib.page import pictures, plots
from course_lib.page.board import Board, Point, Shown
from course_lib.page.controls import explore
from course_lib.page.diagrams import Stage, pipeline
from course_lib.page.notebook import claim, figure, record, table
from course_lib.page.predict import predict
from course_lib.recipes.pretexts import things
from course_lib.self_supervision.views import Views

SEED = 0
CLASS_COLOURS = ["#009E73", "#CC79A7", "#C4B000", "#7A5195", "#8C6D31", "#66C2C2"]
some = things("test", SEED).images[:8]


def draw_views(crop=0.4, colour=0.4, blur=0.0, other=0):
    views = Views(area=crop, colour=colour, grey=colour / 2, blur=blur, mirror=crop < 1)
    a, b = views.two(some, torch.Generator().manual_seed(other))
    centred = [(v - v.mean(dim=(1, 2, 3), keepdim=True)).flatten(1) for v in (a, b)]
    near = 1 - cosine(*centred).diagonal()
    fig, axes = plots.panels(1, rows=3, height=1.15)
    for ax, images, title in zip(
        axes, (some, a, b), ("Images", "First views", "Second views"), strict=True
    ):
        pictures.contact_sheet(ax, images, 8, title)
    for i, value in enumerate(near.tolist()):
        axes[2].text(
            (i + 0.5) / 8,
            -0.2,
            f"{value:.2f}",
            ha="center",
            transform=axes[2].transAxes,
            fontsize=9,
        )
    return fig


explore(
    draw_views,
    alt="Eight objects, and two random views of each: crops in other colours, some mirrored. Under each pair the cosine of "
    "its pixels, from a little below 0 to .6.",
    presets={
        "no change": {"crop": 1.0, "colour": 0.0, "blur": 0.0},
        "only colours": {"crop": 1.0, "colour": 0.8},
        "only crops": {"crop": 0.2, "colour": 0.0},
        "all, strong": {"crop": 0.2, "colour": 0.8, "blur": 0.5},
    },
    crop=(0.1, 1.0, 0.1),
    colour=(0.0, 1.0, 0.1),
    blur=(0.0, 1.0, 0.5),
    other=(0, 20, 1),
    labels={"crop": "smallest crop", "other": "other views"},
)

# %% [markdown]
# **Your turn.** Cut two views of each of $N$ images.


# %% tags=["exercise", "subslide"]
def two_views(images, corners, size):
    """Two crops of each image.  # [N, C, H, W], [2N, 2] int64, number -> [2N, C, size, size]"""
    # corners[i] is the row and column of the top left pixel of crop i, cut from image i % N.
    # Rows i and i + N of the result are the two views of image i. torch.stack joins a list.
    # BEGIN SOLUTION
    views = []
    for i in range(len(corners)):
        top, left = corners[i].tolist()
        views.append(images[i % len(images), :, top : top + size, left : left + size])
    return torch.stack(views)
    # END SOLUTION


check("two_views", two_views)

# %% [markdown]
# ## NT-Xent
#
# A batch of $N$ images gives $2N$ views. For each view the network must predict which of the $2N - 1$ others is its partner, the other view of the same image. That is a classification with $2N - 1$ classes. The logits are cosines, divided by a **temperature** $t$: the lower it is, the more the nearest views count.
#
# $$ \ell(i) = -\log \frac{e^{\cos(i,\, \text{partner}) / t}}{\sum_{j \neq i} e^{\cos(i,\, j) / t}} , \qquad \text{NT-Xent} = \text{mean of } \ell(i) \text{ over all } 2N \text{ views} $$
#
# (*normalised, temperature-scaled cross-entropy*, a form of InfoNCE.) The partner is the **positive**, all other views are **negatives**. Two landmarks: **guessing** (all views equally likely) costs $\log(2N - 1)$; a **solved** task (partners have cosine 1, all others 0) costs $\log(1 + (2N - 2)\, e^{-1/t})$.
#
# The encoder gives **features** $h$; a small network of two layers, the **projection head**, turns them into **projections** $z$, whose cosines enter the loss. $z$ must ignore whatever the views change; $h$ should keep more, so $h$ is used later. Below the network is not trained yet: its loss for 8 images is {{diagram.loss}}, near guessing, $\log 15$.

# %% jupyter={"source_hidden": true} tags=["diagram", "nbval-ignore-output"]
from course_lib.self_supervision.contrastive import SimCLR
from course_lib.self_supervision.contrastive import nt_xent as nt_xent_loss
from course_lib.self_supervision.encoder import MapEncoder

with torch.random.fork_rng():
    torch.manual_seed(SEED)
    drawn = SimCLR(MapEncoder(3), Views(area=0.3, colour=0.6, mirror=True)).eval()
pair = drawn.make(some, torch.Generator().manual_seed(4))
with torch.no_grad():
    h = [drawn.encoder(v) for v in pair]
    z = [drawn.head(x) for x in h]
encoder_box = Stage("encoder", note="the same for both")
head_box = Stage("head", note="thrown away later")
loss_box = Stage("NT-Xent", nt_xent_loss(*z), note="who is whose partner?")
record("diagram.loss", nt_xent_loss(*z), ".2f")
figure(
    pipeline(
        [
            [
                Stage(f"{name} view", pair[i], image=pair[i][0]),
                encoder_box,
                Stage("features h", h[i]),
                head_box,
                Stage("projections z", z[i]),
                loss_box,
            ]
            for i, name in enumerate(("first", "second"))
        ]
    ),
    "Two views of one image go through the same encoder to features h, and through the same head to projections z, which "
    "NT-Xent compares.",
)

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "A network maps every view of every image to one and the same point. What is NT-Xent for a batch of 128 images?",
    ["0: every view is near its partner", "log 128 = 4.85", "log 255 = 5.54", "infinite"],
    answer=2,
    why=[
        "Near its partner, but as near to all others: the softmax cannot tell which one it is.",
        "Each view has 255 others to choose from, not 128.",
        "All 255 others are equally near, and the partner gets a share of 1/255: as bad as guessing.",
        "All cosines are 1, so all shares are equal, and none of them is 0.",
    ],
    name="12.collapse",
)

# %% [markdown] tags=["subslide"]
# Four images give eight views, A1 and A2 to D1 and D2. Here projections are points in the plane; only their direction counts. Each row of the table is the softmax over the other seven views at $t = 0.2$. C2 is nearer to D1 than to its partner: see its row. Drag the points, or press a button, and watch the loss.

# %% jupyter={"source_hidden": true} tags=["subslide"]
ANGLES = {"A1": 20, "A2": 55, "B1": 110, "B2": 130, "C1": 200, "C2": 260, "D1": 300, "D2": 335}


def on_circle(degrees):
    return 50 + 38 * math.cos(math.radians(degrees)), 50 - 38 * math.sin(math.radians(degrees))


TEMPERATURE = 0.2
PAIRED = [f"{c}{k}" for k in (1, 2) for c in "ABCD"]  # first views, then second ones


def projections(at):
    """Directions of the eight points, first views then second ones.  # [8, 2]"""
    z = torch.tensor([[at[n][0] - 50, 50 - at[n][1]] for n in PAIRED], dtype=torch.float64)
    return z / z.norm(dim=1, keepdim=True).clamp(min=1e-9)


def shares(z, t):
    """The softmax of each row, without the view itself.  # [8, 2] -> [8, 8]"""
    return (z @ z.T / t).fill_diagonal_(-torch.inf).softmax(dim=1)


def draw_shares(ax, share, title):
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i in range(8):
        for j in set(range(8)) - {i}:
            colour = "white" if share[i, j] > 0.5 else "black"
            look = {"ha": "center", "va": "center", "fontsize": 9, "color": colour}
            ax.text(j, i, f"{share[i, j]:.2f}" if share[i, j] >= 0.005 else "", **look)
        ax.add_patch(Rectangle(((i + 4) % 8 - 0.5, i - 0.5), 1, 1, fill=False, ec=plots.SAME, lw=2))
    ax.set(xticks=range(8), yticks=range(8), xticklabels=PAIRED, yticklabels=PAIRED, title=title)
    ax.grid(False)


def loss_of(**at):
    z = projections(at)
    fig, (ax,) = plots.panels(1, height=3.6)
    fig.set_figwidth(4.2)
    draw_shares(ax, shares(z, TEMPERATURE), "Softmax; framed: the partner")
    loss = plain.nt_xent(z[:4], z[4:], TEMPERATURE)
    return Shown(text=f"NT-Xent = {loss:.2f}. Guessing: log 7 = {math.log(7):.2f}.", figure=fig)


across, down = torch.meshgrid(torch.arange(400.0), torch.arange(400.0), indexing="xy")
off = ((across - 200).hypot(down - 200) - 152).abs()  # pixels from the circle
ring = (0.75 + 0.25 * (off - 1).clamp(0, 1)).expand(3, -1, -1)

Board(
    100,
    100,
    [Point(n, on_circle(a), CLASS_COLOURS["ABCD".index(n[0])]) for n, a in ANGLES.items()],
    loss_of,
    image=ring,
    alt="Eight points on a circle, two of each of four colours; beside them a table of softmax shares.",
    presets={
        "pairs together": {n: on_circle(90 * "ABCD".index(n[0]) + 3 * int(n[1])) for n in ANGLES},
        "all near one point": {n: on_circle(45 + k) for k, n in enumerate(ANGLES)},
        "mixed up in twos": {
            n: on_circle(90 * ("ABCD".index(n[0]) // 2) * 2 + 9 * k) for k, n in enumerate(ANGLES)
        },
    },
)

# %% [markdown] tags=["subslide"]
# The eight points at their first places; move the temperature. At a low temperature each row gives all its weight to the nearest view, and C2, whose nearest view is not its partner, makes the loss large. At a high one all rows become alike: the loss tends to guessing, wherever the points lie. The minimum does not tell which temperature is best.

# %% jupyter={"source_hidden": true} tags=["subslide"]
first_places = projections({name: on_circle(angle) for name, angle in ANGLES.items()})
temperatures = torch.logspace(-2, 1, 60, dtype=torch.float64)
losses_at = [nt_xent_loss(first_places[:4], first_places[4:], float(t)) for t in temperatures]


def draw_temperature(t=0.2):
    fig, (left, right) = plots.panels(2, height=3.4)
    draw_shares(left, shares(first_places, t), f"Softmax of each row at t = {t}")
    right.semilogx(temperatures, losses_at, color=plots.MUTED, lw=2)
    loss = nt_xent_loss(first_places[:4], first_places[4:], t)
    right.plot(t, loss, "o", color=plots.QUERY, ms=8)
    right.axhline(math.log(7), color=plots.QUERY, lw=1, ls="--")
    right.text(0.06, math.log(7) + 0.06, "guessing: log 7", fontsize=9)
    right.set(title=f"NT-Xent = {loss:.2f}", xlabel="temperature t", ylim=(0, 3.6))
    return fig


explore(
    draw_temperature,
    alt="A table of softmax shares, and the loss against the temperature: it falls, then rises to log 7.",
    t=[0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0],
    labels={"t": "temperature"},
)

# %% [markdown]
# **Your turn.** Write NT-Xent.


# %% tags=["exercise", "subslide"]
def nt_xent(a, b, temperature):
    """NT-Xent of two views of N images, row by row.  # [N, d], [N, d], number -> []"""
    # views = torch.cat([a, b]): rows i and i + N are partners. torch.nn.functional.normalize
    # makes all of length 1.
    # The logits are the cosines of all pairs, divided by the temperature.  [2N, 2N]
    # No view is its own partner: -torch.inf on the diagonal (fill_diagonal_) takes it out.
    # The target of row i is the row of its partner: torch.arange(2 * N).roll(N). Then cross_entropy.
    # BEGIN SOLUTION
    views = torch.nn.functional.normalize(torch.cat([a, b]))
    similar = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(views)).roll(len(a))
    return torch.nn.functional.cross_entropy(similar, partners)
    # END SOLUTION


check("nt_xent", nt_xent)

# %% [markdown]
# ## Watch the training
#
# Small digits, 16 x 16 pixels: moved, turned, in different light, with noise. **Views** are crops, turned a little, in another light: we know what varies, so we choose views that teach to ignore it. We train SimCLR for 320 steps on {{digits}} digits *without labels*, 128 in a batch, at $t = 0.2$, and look at it nine times. Each time 400 new digits are drawn on a **map** (t-SNE, which tries to keep neighbours near). Five digits have colours. Press *play*.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.recipes.watched_simclr import BATCH, EASY, SETTINGS, chance, moved_digits, watch
from course_lib.self_supervision.probes import knn_accuracy

train, test = moved_digits("train", SEED), moved_digits("test", SEED)
models, dials = {}, {}


def run(name):
    models[name], dials[name] = watch(name, SETTINGS[name], train, test, SEED)


run("SimCLR")
run("no negatives")  # for the next section
record("knn.first", dials["SimCLR"]["knn"][0], ".2f")
record("knn.last", dials["SimCLR"]["knn"][-1], ".2f")
raw = (train.images.flatten(1), train.labels, test.images.flatten(1), test.labels)
pixels = knn_accuracy(*raw)
record("knn.pixels", pixels, ".2f")
record("digits", len(train), ",")

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from sklearn.manifold import TSNE

film, seen = models["SimCLR"].film, dials["SimCLR"]
maps, layout = [], "pca"
for x in film:  # [9, 400, 96]
    layout = TSNE(perplexity=25, init=layout, random_state=0, max_iter=400).fit_transform(
        x / x.norm(dim=1, keepdim=True)
    )
    maps.append((layout - layout.mean(axis=0)) / (2.5 * layout.std(axis=0)))
    layout = layout / layout.std() * 1e-4  # the next map begins where this one ended
true = test.labels[: len(film[0])]
COLOURED = dict(zip((0, 1, 2, 6, 7), CLASS_COLOURS, strict=False))


def draw_map(look=8):
    fig, axes = plots.panels(3, height=3.0)
    for ax, k, name in ((axes[0], 0, "Before training"), (axes[1], look, "")):
        for digit in range(10):
            own, colour = maps[k][true == digit], COLOURED.get(digit, "#BBBBBB")
            ax.scatter(*own.T, marker=f"${digit}$", color=colour, s=34, lw=0)
        plots.bare(ax, name or f"After {seen['step'][k]:.0f} steps")
        ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05))
    axes[2].plot(seen["step"], seen["knn"], color=plots.SAME, lw=2)
    axes[2].plot(seen["step"][look], seen["knn"][look], "o", color=plots.QUERY, ms=8)
    axes[2].axhline(pixels, color=plots.QUERY, lw=1, ls="--")
    axes[2].text(320, pixels - 0.06, "raw pixels", ha="right", fontsize=9)
    axes[2].set(title=f"20-NN on features: {seen['knn'][look]:.2f}", xlabel="step", ylim=(0, 0.85))
    return fig


explore(
    draw_map,
    alt="Two maps of 400 digits: before training all are mixed; after 320 steps 0, 2, 6 and 7 form groups, others are still "
    "mixed. 20-NN rises with the steps, above the line of raw pixels.",
    play="look",
    look=(0, 8, 1),
    labels={"look": "when we look"},
)

# %% [markdown]
# 20-NN (k-NN with the 20 nearest of the {{digits}} digits) rises from {{knn.first}} to {{knn.last}}; on raw pixels it is {{knn.pixels}}. Labels are used by this measurement alone. Two images of a 6 are negatives of each other, too. Still the 6s come near each other, probably because little tells them apart once place, turn and light are ignored.

# %% [markdown]
# ## "The loss does not go down: is it broken?"
#
# The loss alone cannot answer this question. Look at three dials:
#
# * the **loss**, between its landmarks *guessing* and *solved*. If all views are mapped to one point, a **collapse**, it equals guessing;
# * the **collapse level** of the unit vectors $z$: $\sqrt d$ times the mean standard deviation of their $d$ coordinates (Chen and He, 2021). 0: one point; about 1: spread evenly over the sphere;
# * the **k-NN accuracy** of the features. It needs a small labelled part.
#
# First predict, then break the method with the buttons. **No negatives**: the loss is minus the cosine of the two views. **Only light**: the views are neither cropped nor turned. **No crop**, **no change of light**: one change is left out. **Temperature** 0.01 or 5, not $0.2$. **Batch of 4**, not 128: in as many steps 1/32 of the images. Coloured: three data seeds (other digits, weights and batches). Grey: SimCLR. Thin black: this page's run, for two settings.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "The views are neither cropped nor turned: only the light changes. What happens, compared with SimCLR?",
    ["loss higher, k-NN lower", "loss lower, k-NN lower", "loss lower, k-NN higher", "no change"],
    answer=1,
    why=[
        "The partner is easier to find than before, so the loss is lower.",
        "Both views have the digit at the same place and in the same turn: that is enough to find the partner.",
        "A lower loss is not a better network: the task became easier.",
        "Light alone changes little of what a network sees.",
    ],
    name="12.only_light",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true}
from course_lib.recipes.watched_simclr import contrastive_table

kept = contrastive_table()
LOSS, LEVEL, KNN = 1, 2, 4  # places in the curves of the table


def solved(batch, t):
    """NT-Xent where partners have cosine 1 and all others 0."""
    return math.log(1 + (2 * batch - 2) * math.exp(-1 / t))


def draw_dials(setting="SimCLR"):
    fig, axes = plots.panels(3, height=3.0)
    chosen = SETTINGS[setting]
    runs = [(curve, "#BBBBBB", 1.5) for curve in kept["dials: SimCLR"]]
    colour = plots.SAME if setting == "SimCLR" else plots.OTHER
    runs += [(curve, colour, 2) for curve in kept[f"dials: {setting}"]]
    if setting in dials:  # this page's own run
        runs.append((list(dials[setting].values()), "black", 1))
    for curve, colour, width in runs:
        for ax, kind in zip(axes, (LOSS, LEVEL, KNN), strict=True):
            first = 1 if kind == LOSS else 0  # there is no loss before the first step
            ax.plot(curve[0][first:], curve[kind][first:], color=colour, lw=width)
    marks = {"guessing = collapse": chance(chosen.batch)} if chosen.negatives else {}
    marks["solved" if chosen.negatives else "solved = collapse"] = (
        solved(chosen.batch, chosen.temperature) if chosen.negatives else -1
    )
    for name, value in marks.items():
        axes[0].axhline(value, color=plots.QUERY, lw=1, ls="--")
        place = {"ha": "right", "va": "bottom" if name.startswith("guessing") else "top"}
        axes[0].text(320, value, name, fontsize=9, **place)
    for name, value in (("guessing", 0.1), ("raw pixels", pixels)):
        axes[2].axhline(value, color=plots.QUERY, lw=1, ls="--")
        side = "top" if name == "guessing" else "bottom"
        axes[2].text(320, value, name, ha="right", va=side, fontsize=9)
    span = {"temperature 5": (5.2, 5.6), "temperature 0.01": (-2, 26)}.get(setting, (-2, 6.6))
    axes[0].set(title="Loss", xlabel="step", ylim=span)
    axes[1].set(title="Collapse level of z", xlabel="step", ylim=(0, 1.1))
    axes[2].set(title="20-NN on features h", xlabel="step", ylim=(0, 0.85))
    fig.suptitle(setting if setting == "SimCLR" else f"{setting} (grey: SimCLR)", fontsize=11)
    return fig


explore(
    draw_dials,
    alt="Three dials of SimCLR: the loss falls from 5 to 2.6, the collapse level stays near 1, 20-NN rises from .28 to .73.",
    presets={
        "no negatives": {"setting": "no negatives"},
        "t = 0.01": {"setting": "temperature 0.01"},
        "t = 5": {"setting": "temperature 5"},
        "only light": {"setting": "only light"},
        "no crop": {"setting": "no crop"},
        "same light": {"setting": "no change of light"},
        "batch 4": {"setting": "batch of 4"},
    },
    setting=list(SETTINGS),
)


# %% jupyter={"source_hidden": true}
def last(name, kind):
    """The mean over the data seeds of a dial at its end."""
    return sum(curve[kind][-1] for curve in kept[f"dials: {name}"]) / len(kept[f"dials: {name}"])


rows = [("setting", "guessing", "loss", "solved", "collapse level", "20-NN")]
for name, one in SETTINGS.items():
    best = solved(one.batch, one.temperature) if one.negatives else -1
    rows.append(
        (
            name,
            f"{chance(one.batch):.2f}" if one.negatives else "-",
            f"{last(name, LOSS):.2f}",
            f"{best:.2f}",
            f"{last(name, LEVEL):.2f}",
            f"{last(name, KNN):.2f}",
        )
    )
before = sum(curve[KNN][0] for curve in kept["dials: SimCLR"]) / 3
rows.append(("(untrained)", "-", "-", "-", "-", f"{before:.2f}"))
table(rows)
warm = kept["dials: temperature 5"]
record("warm.fall", sum(c[LOSS][3] - c[LOSS][-1] for c in warm) / 3, ".2f")
record("warm.before", sum(c[KNN][3] for c in warm) / 3, ".2f")
record("warm.after", last("temperature 5", KNN), ".2f")
record("warm.guessing", chance(BATCH), ".2f")
record("warm.solved", solved(BATCH, 5), ".2f")
record("cold.level", last("temperature 0.01", LEVEL), ".2f")
record("cold.knn", last("temperature 0.01", KNN), ".2f")
record("untrained.knn", before, ".2f")

# %% [markdown] tags=["subslide"]
# Means of three data seeds. (Losses can be compared at equal batch and temperature only.)
#
# * **The loss is perfect, and nothing is learned.** Without negatives it reaches -1: all views have become one point, and k-NN is worse than before training. (BYOL and SimSiam have no negatives either; they prevent the collapse by other means.)
# * **The loss is lower, and the features are worse.** With light only, the task is nearly solved: both views have the digit at the same place.
# * **The loss looks flat, and the network learns something.** At temperature 5, guessing ({{warm.guessing}}) and solved ({{warm.solved}}) are close. From step 40 on the loss falls by {{warm.fall}}, and 20-NN rises from {{warm.before}} to {{warm.after}} (untrained: {{untrained.knn}}), still below raw pixels.
#
# So the loss does not tell whether it is broken. The collapse level finds a collapse to one point, without labels, and no more: at temperature 0.01 it is {{cold.level}}, and 20-NN is {{cold.knn}}. Only a measurement with labels shows what features are worth.

# %% [markdown]
# ## What matters: batch, temperature, views
#
# The same training with one thing changed: three data seeds (dots) and their mean. Blue is this page's setting. At equally many steps a batch of 256 sees 16 times as many images as a batch of 16; the second panel gives all equally many images, and small batches more steps.

# %% jupyter={"source_hidden": true}
PAGE = "dials: SimCLR"  # the setting of this page
groups = {
    "Batch, equally many steps": {
        "4": "dials: batch of 4",
        **{str(b): f"ablation: batch of {b}, as many steps" for b in (16, 64)},
        "128": PAGE,
        "256": "ablation: batch of 256, as many steps",
    },
    "Batch, equally many images": {
        **{str(b): f"ablation: batch of {b}, as many images" for b in (4, 16, 64)},
        "128": PAGE,
        "256": "ablation: batch of 256, as many images",
    },
    "Temperature": {
        "0.01": "dials: temperature 0.01",
        "0.05": "ablation: temperature 0.05",
        "0.1": "ablation: temperature 0.1",
        "0.2": PAGE,
        "0.5": "ablation: temperature 0.5",
        "1": "ablation: temperature 1.0",
        "5": "dials: temperature 5",
    },
    "Views and head": {
        "SimCLR": PAGE,
        "plus\nblur": "ablation: with blur",
        "small\ncrops": "ablation: smaller crops",
        "no\nturn": "ablation: no turn",
        "no\ncrop": "dials: no crop",
        "only\nlight": "dials: only light",
        "no\nlight\nchange": "dials: no change of light",
        "no\nhead": "ablation: no head",
    },
}


def at_the_end(key):
    """20-NN after training, one for each data seed."""
    return [run[KNN][-1] if key.startswith("dials") else run[0] for run in kept[key]]


fig, axes = plots.panels(2, rows=2, height=2.6)
for ax, (title, rows) in zip(axes, groups.items(), strict=True):
    for x, key in enumerate(rows.values()):
        values = at_the_end(key)
        colour = plots.SAME if key == PAGE else plots.MUTED
        ax.plot([x] * len(values), values, "o", color=colour, ms=5)
        ax.plot([x - 0.25, x + 0.25], [sum(values) / len(values)] * 2, color=colour, lw=2)
    for name, value in (("raw pixels (this page)", pixels), ("untrained", before)):
        ax.axhline(value, color=plots.QUERY, lw=1, ls="--")
        ax.text(-0.45, value - 0.02, name, va="top", fontsize=8)
    ax.set(title=title, ylim=(0, 0.95), xticks=range(len(rows)), xticklabels=list(rows))
    ax.tick_params(axis="x", labelsize=9)
axes[0].set_ylabel("20-NN")
axes[2].set_ylabel("20-NN")
figure(
    fig,
    "Accuracy of 20 neighbours after training with other batches, temperatures and views; blue is the setting of this page.",
)

# %% [markdown] tags=["subslide"]
# * **Batch.** At equally many steps a larger batch is better; it has seen more images. At equally many images smaller ones are better, down to 16, with more steps at the same learning rate. (In the paper larger batches are better at equally many images, and long training closes the gap.)
# * **Temperature.** Between $t = 0.05$ and $t = 0.5$ it matters little; at $t = 0.01$, at 1 and above it does.
# * **Views.** When the light is not changed, brightness alone can give the partner away. Crop and turn both move the digit, and one of them is enough; with neither, place and turn give it away. Blur changes nothing here, smaller crops harm.
# * **Head.** Without it there is no clear difference here; in the paper there is.

# %% [markdown]
# ## Where to start: another set, or your own images?
#
# Often the **target**, the images that one cares about, has few labels and many images without. Two ways to start (L2.17, L2.19):
#
# * **supervised, on a source**: train with labels on other images, usually ImageNet; here on the eight thousand drawn objects of [11](11_pretext_tasks.ipynb);
# * **self-supervised, on the target**: train SimCLR on its unlabelled images; here on {{photos}} photos of drawn buildings, of ten types (church, bridge, ...).
#
# Then a linear probe, or **fine-tuning** of all weights, uses the few labels.
#
# And each building has eight photos. **MICLe** (*multi-instance contrastive learning*, Azizi and others, 2021) takes two *different photos of one case* as the positive pair. It needs no classes, only which photos belong together. In the paper a case is a patient, and there are three steps: SimCLR on ImageNet, SimCLR or MICLe on the medical images, fine-tuning.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.cases import COUNTS, PIXELS, buildings

photos = buildings("train", SEED)
record("photos", len(photos), ",")
fig, (ax,) = plots.panels(1, height=2.6)
pictures.contact_sheet(
    ax, photos.images[: 4 * 16], 16, "Eight photos of each building, two buildings a row"
)
figure(
    fig,
    "Drawn buildings: eight photos of each, in other seasons, light and weather, from other sides.",
)

# %% [markdown]
# **Your turn.** A partner for each photo: the next photo of its case.


# %% tags=["exercise", "subslide"]
def case_pairs(cases):
    """For each photo the number of the next photo of its case.  # [N] int64 -> [N] int64"""
    # cases[i] is the case that photo i shows; the photos of a case may stand anywhere.
    # photos = torch.where(cases == cases[i])[0].tolist() are those of its case, in order;
    # photos.index(i) is the place of i among them. Return one int64 tensor.
    # After the last photo of a case comes its first; a photo that is alone is paired with itself.
    # (The library draws two photos of each case at random.)
    # BEGIN SOLUTION
    partners = []
    for i in range(len(cases)):
        photos = torch.where(cases == cases[i])[0].tolist()
        partners.append(photos[(photos.index(i) + 1) % len(photos)])
    return torch.tensor(partners)
    # END SOLUTION


check("case_pairs", case_pairs)

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "Only two labels for each type of building: 20 photos. What classifies photos of new buildings best?",
    [
        "fine-tuning from random weights",
        "fine-tuning after the supervised source",
        "fine-tuning after MICLe",
        "a linear probe after MICLe, all other weights frozen",
    ],
    answer=3,
    why=[
        "All weights have to be learned from 20 photos.",
        "Other images, other classes: it knows cars and cats.",
        "A better start, but 20 photos pull at all its weights, and spoil what was good.",
        "Two photos of one building differ in side, season and light: MICLe has learned to ignore these. Frozen, it stays so.",
    ],
    name="12.start",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.cases import probes, train_on_cases

STARTS = {
    PIXELS: "#D0D0D0",
    "untrained": plots.MUTED,
    "supervised, on drawn objects": CLASS_COLOURS[1],
    "SimCLR, on drawn objects": CLASS_COLOURS[2],
    "SimCLR, on the buildings": CLASS_COLOURS[0],
    "MICLe, on the buildings": CLASS_COLOURS[3],
}
known, unseen = buildings("val", SEED), buildings("test", SEED)
live = {
    start: probes(train_on_cases(photos, of_one_case, SEED).encoder, known, unseen)
    for start, of_one_case in (
        ("SimCLR, on the buildings", False),
        ("MICLe, on the buildings", True),
    )
}
fig, axes = plots.panels(2, height=3.8)
for ax, how in zip(axes, ("frozen", "fine-tuned"), strict=True):
    for k, (start, colour) in enumerate(STARTS.items()):
        if f"transfer: {start}, {how}" not in kept:
            continue
        seeds = torch.tensor(kept[f"transfer: {start}, {how}"])[:, : len(COUNTS)]  # [seeds, counts]
        at = torch.arange(len(COUNTS)) + 0.14 * (k - 2.5)
        ax.bar(at, seeds.mean(dim=0), 0.14, color=colour, label=start)
        ax.vlines(at, seeds.amin(dim=0), seeds.amax(dim=0), color="black", lw=1)
        if how == "frozen" and start in live:
            ax.plot(at, live[start][: len(COUNTS)], "o", mfc="none", mec="black", ms=6)
    ax.set(xticks=range(len(COUNTS)), xticklabels=COUNTS, ylim=(0, 1))
    ax.set_xlabel("labels for each type of building")
    ax.grid(axis="x", visible=False)
axes[0].set(title="Linear probe on frozen features", ylabel="accuracy")
axes[1].set_title("Fine-tuning all weights")
fig.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=3,
    fontsize=9,
    frameon=False,
)
figure(
    fig,
    "Accuracy on new buildings by the number of labels, for five starts and for small grey pixels. MICLe on the buildings is "
    "best at every number of labels. On frozen features SimCLR on the buildings is second; after fine-tuning it is level "
    "with the supervised source up to 10 labels, and a little behind it at 40.",
)


def at_count(start, count=10, how="frozen"):
    """One accuracy for each data seed; count None: all labels, frozen only."""
    which = -1 if count is None else COUNTS.index(count)
    return torch.tensor(kept[f"transfer: {start}, {how}"])[:, which]


def gain(a, b, count=10, how="frozen"):
    """By how much start a is better than start b on the data seed where it is least."""
    return (at_count(a, count, how) - at_count(b, count, how)).min()


record("ten.pixels", at_count(PIXELS).mean(), ".2f")
for name, start in (
    ("source", "supervised, on drawn objects"),
    ("simclr", "SimCLR, on the buildings"),
    ("other", "SimCLR, on drawn objects"),
    ("scratch", "untrained"),
):
    record(f"ten.{name}", at_count(start).mean(), ".2f")
    record(f"tuned.{name}", at_count(start, how="fine-tuned").mean(), ".2f")
MICLE = "MICLe, on the buildings"
record("two.frozen", at_count(MICLE, 2).mean(), ".2f")
record("two.tuned", at_count(MICLE, 2, "fine-tuned").mean(), ".2f")

# %% [markdown]
# Bars are means of three data seeds with their range. Circles are this page's run: a fourth seed can lie outside. Labels are of 300 other buildings, the test is on 200 more. One network; the trained starts had 400 steps of 128 images or pairs.
#
# * **MICLe is best everywhere.** It is told more: which photos belong together. (SimCLR is told only to keep two photos of one building out of a batch.)
# * **Frozen**, 10 labels: SimCLR on the buildings {{ten.simclr}}, the supervised source {{ten.source}}. The images matter more than the labels: SimCLR on the *source's* images gives {{ten.other}}. Up to 10 labels, 64 grey pixels ({{ten.pixels}}) beat both source networks.
# * **Fine-tuned**, 10 labels: SimCLR on the buildings {{tuned.simclr}}, the source {{tuned.source}}, untrained {{tuned.scratch}}. The lead is gone, and at 40 labels the source is ahead.
# * With 2 and 5 labels MICLe loses by fine-tuning (with 2: {{two.frozen}} to {{two.tuned}}); every other start gains or stays. (The learning rate is one for all, not tuned for MICLe.)

# %% [markdown]
# ## Only the last layer
#
# Where features suit the task already (above: MICLe with few labels), one trains the last layer only (L5.13). The head is removed; one new layer with an output for each class takes its place; the encoder is frozen. What is trained then is a **linear model**: logistic regression on the features. Below it is computed twice, with 10 labels a digit: a `torch.nn.Linear` trained in torch, and scikit-learn's logistic regression.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "The features have 96 numbers, and there are ten digits. How many parameters (weights and biases) has the new last layer?",
    ["96", "970", "about 10,000", "about 137,000"],
    answer=1,
    why=[
        "That would be one weight for each feature, enough for one output only.",
        "Ten outputs with 96 weights and a bias each: a small model, which few labels can train.",
        "Ten outputs with 96 weights each are fewer.",
        "So many has the encoder, which is frozen.",
    ],
    name="12.layer",
)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from sklearn.linear_model import LogisticRegression

from course_lib.embeddings.encoders import embed
from course_lib.self_supervision.probes import few_label_probe, few_labels

encoder = models["SimCLR"].encoder
few = few_labels(train.labels, 10, SEED)
x, y = embed(encoder, train.images)[few].double(), train.labels[few]
x_test = embed(encoder, test.images).double()
x, x_test = (x - x.mean(0)) / x.std(0), (x_test - x.mean(0)) / x.std(0)
PENALTY = 0.01  # on the squares of the weights
layer = torch.nn.Linear(x.shape[1], 10).double()
optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=500, line_search_fn="strong_wolfe")


def loss():
    optimizer.zero_grad()
    value = (
        torch.nn.functional.cross_entropy(layer(x), y) + PENALTY / 2 * layer.weight.square().sum()
    )
    value.backward()
    return value


optimizer.step(loss)
regression = LogisticRegression(C=1 / (PENALTY * len(x)), max_iter=5000, tol=1e-8).fit(x, y)
with torch.no_grad():
    ours = layer(x_test).softmax(dim=1)
theirs = torch.tensor(regression.predict_proba(x_test))
record("layer.accuracy", (ours.argmax(1) == test.labels).double().mean(), ".2f")
table(
    [
        ("", "accuracy on new digits"),
        ("last layer, trained in torch", f"{(ours.argmax(1) == test.labels).double().mean():.3f}"),
        ("logistic regression", f"{(theirs.argmax(1) == test.labels).double().mean():.3f}"),
    ]
)

# %% [markdown]
# Both predict {{layer.accuracy}} of the new digits correctly. With equal penalties on the weights they are one and the same minimisation, and the probabilities agree. A linear probe *is* the last layer, trained alone.

# %% [markdown]
# ## Deeper: what the core path claimed

# %% jupyter={"source_hidden": true}
claim(
    "SimCLR: 20-NN rises from .30 or less to .68 or more",
    kept["dials: SimCLR"][0][KNN][0] <= 0.3
    and min(c[KNN][-1] for c in kept["dials: SimCLR"]) >= 0.68,
    min(c[KNN][-1] for c in kept["dials: SimCLR"]),
)
best = [c for c in kept["dials: no negatives"]]
claim(
    "no negatives: the loss reaches its best value, -1, and 20-NN falls below that of the untrained network",
    all(c[LOSS][-1] < -0.99 and c[KNN][-1] < c[KNN][0] for c in best),
    max(c[KNN][-1] for c in best),
)
easier = list(zip(kept["dials: only light"], kept["dials: SimCLR"], strict=True))
claim(
    "only light: a lower loss than SimCLR's, and a 20-NN lower by .1 or more",
    all(a[LOSS][-1] < b[LOSS][-1] and a[KNN][-1] < b[KNN][-1] - 0.1 for a, b in easier),
)
warm = kept["dials: temperature 5"]
claim(
    "temperature 5: from step 40 on the loss moves by less than .1, and 20-NN rises by half or more",
    all(c[LOSS][3] - c[LOSS][-1] < 0.1 and c[KNN][-1] > 1.5 * c[KNN][3] for c in warm),
    max(c[LOSS][3] - c[LOSS][-1] for c in warm),
)
claim(
    "10 labels, frozen: SimCLR on the target beats the supervised source",
    gain("SimCLR, on the buildings", "supervised, on drawn objects") > 0,
    gain("SimCLR, on the buildings", "supervised, on drawn objects"),
)
claim(
    "10 labels, fine-tuned: SimCLR on the target and the supervised source differ by less than .05",
    (
        at_count("SimCLR, on the buildings", 10, "fine-tuned")
        - at_count("supervised, on drawn objects", 10, "fine-tuned")
    )
    .abs()
    .max()
    < 0.05,
    gain("SimCLR, on the buildings", "supervised, on drawn objects", 10, "fine-tuned"),
)
claim(
    "10 labels, fine-tuned: MICLe beats the supervised source by .03 or more",
    gain(MICLE, "supervised, on drawn objects", 10, "fine-tuned") > 0.03,
    gain(MICLE, "supervised, on drawn objects", 10, "fine-tuned"),
)
claim(
    "2 labels: a probe on MICLe's frozen features beats fine-tuning them by .1 or more",
    (at_count(MICLE, 2) - at_count(MICLE, 2, "fine-tuned")).min() > 0.1,
    (at_count(MICLE, 2) - at_count(MICLE, 2, "fine-tuned")).min(),
)
claim(
    "all labels, frozen: MICLe's pairs beat two views of one photo by .08 or more, on three data seeds",
    gain("MICLe, on the buildings", "SimCLR, on the buildings", None) > 0.08,
    gain("MICLe, on the buildings", "SimCLR, on the buildings", None),
)
claim(
    "and in this run",
    live["MICLe, on the buildings"][-1] - live["SimCLR, on the buildings"][-1] > 0.08,
    live["MICLe, on the buildings"][-1] - live["SimCLR, on the buildings"][-1],
)
claim(
    "this run of SimCLR on digits: 20-NN rises to .65 or more from .35 or less",
    dials["SimCLR"]["knn"][-1] > 0.65 and dials["SimCLR"]["knn"][0] < 0.35,
    dials["SimCLR"]["knn"][-1],
)
claim(
    "this run without negatives: the loss reaches -.99, and 20-NN falls below its first value",
    dials["no negatives"]["loss"][-1] < -0.99
    and dials["no negatives"]["knn"][-1] < dials["no negatives"]["knn"][0],
    dials["no negatives"]["knn"][-1],
)
claim(
    "the probabilities of both differ by less than .01 everywhere",
    (ours - theirs).abs().max() < 0.01,
    (ours - theirs).abs().max(),
)

# %% [markdown]
# ## Deeper: few labels on plain digits

# %% [markdown]
# scikit-learn's digits as they come are easier: 20-NN on pixels reaches .96. With *few labels* SimCLR still helps. Linear probes, the mean of ten draws of the labels, three data seeds (that is: other training and test digits, weights and batches). Temperature and steps were chosen on 200 of the {{digits}} training digits with their labels, so the choice used 200 labels, more than any column of the table; pixels have nothing to choose.

# %% jupyter={"source_hidden": true}
counts = kept["easy: labels a class"][0]
rows = [("labels a class", *(str(c) for c in counts))]
for name in ("raw pixels", "SimCLR"):
    values = torch.tensor(kept[f"easy: {name}"])  # [seeds, counts]
    rows.append(
        (
            name,
            *(
                f"{m:.3f} ({lo:.3f} to {hi:.3f})"
                for m, lo, hi in zip(values.mean(0), values.amin(0), values.amax(0), strict=True)
            ),
        )
    )
table(rows)
five = [row[counts.index(5)] for row in kept["easy: SimCLR"]]
ahead = min(a - b[counts.index(5)] for a, b in zip(five, kept["easy: raw pixels"], strict=True))
claim(
    "5 labels a class: SimCLR's features reach .92 on three data seeds",
    min(five) >= 0.92,
    min(five),
)
claim(
    "5 labels a class: SimCLR's features are ahead of raw pixels by .05 or more",
    ahead > 0.05,
    ahead,
)

# %% [markdown]
# The same on real images: **Fashion-MNIST** (clothes, 28 x 28 pixels, grey), where it lies on your disk. Five thousand images without labels are shrunk to 16 x 16 pixels; views are mirrored instead of turned.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
try:
    clothes, worn = (datasets.load("fashion-mnist", split) for split in ("train", "test"))
except FileNotFoundError:
    clothes = None
    print("Fashion-MNIST is not here. To see this section at work, call once, online:")
    print('datasets.load("fashion-mnist", "train", download=True), and the same with "test"')
if clothes is not None:
    clothes, worn = (
        replace(part, images=torch.nn.functional.adaptive_avg_pool2d(part.images, 16))
        for part in (clothes[:5000], worn[:1000])
    )
    mirrored = replace(EASY, views=Views(area=0.5, colour=0.3, mirror=True))
    encoder = watch("clothes", mirrored, clothes, worn, SEED)[0].encoder
    rows = [("labels a class", *(str(c) for c in counts))]
    for name, features in (("raw pixels", torch.nn.Flatten()), ("SimCLR", encoder)):
        x, x_test = (embed(features, part.images) for part in (clothes, worn))
        judged = (x, clothes.labels, x_test, worn.labels)
        rows.append((name, *(f"{few_label_probe(*judged, c, draws=10):.3f}" for c in counts)))
    table(rows)

# %% [markdown]
# ## Deeper: level and rank

# %% [markdown]
# The **effective rank** counts how many directions features use: $e^{H}$, where $H = -\sum_i p_i \log p_i$ and $p_i$ is the share of singular value $i$ in their sum (Roy and Vetterli, 2007; the mean is subtracted first). It falls in training, and most with the collapse. But a higher rank is not a better network: with light only it is higher than SimCLR's.

# %% jupyter={"source_hidden": true}
rows = [("setting", "collapse level of z", "effective rank of h, before", "at the end")]
for name in ("SimCLR", "no negatives", "only light"):
    start = sum(curve[3][0] for curve in kept[f"dials: {name}"]) / 3
    rows.append((name, f"{last(name, LEVEL):.2f}", f"{start:.0f}", f"{last(name, 3):.0f}"))
table(rows)
ranks = [c[3][-1] < 0.4 * c[3][0] for c in kept["dials: no negatives"]]
claim("without negatives the rank of the features falls below .4 of what it was", all(ranks))

# %% [markdown]
# ## Deeper: forty people, one label each

# %% [markdown]
# Is the target's own data the better start on real images, too? The [ORL database](https://doi.org/10.1109/ACV.1994.341300) holds 400 portraits of 40 people. It is not part of the course; we measured once and kept the results. The supervised source is ImageNet (EfficientNet-Lite0, a million labelled photographs). SimCLR saw the 227 training portraits at 32 x 32 pixels, and no label; its settings are those for the buildings. Three seeds of the small network:

# %% jupyter={"source_hidden": true}
import json

from course_lib.machine import ROOT

portraits = json.loads((ROOT / "data/results/pretrained.json").read_text(encoding="utf-8"))
portraits = portraits["few_labels"]
rows = [("linear probe; labels a person", *portraits["ImageNet"])]
for name, found in portraits.items():
    cells = [
        f"{sum(v) / 3:.2f}" + (f" ({min(v):.2f} to {max(v):.2f})" if min(v) < max(v) else "")
        for v in found.values()
    ]
    rows.append((name, *cells))
table(rows)
one = {name: found["1"] for name, found in portraits.items()}
claim(
    "one label a person: SimCLR on the portraits beats ImageNet's features by .1 or more on three seeds",
    min(one["SimCLR on these images"]) - one["ImageNet"][0] > 0.1,
    min(one["SimCLR on these images"]) - one["ImageNet"][0],
)

# %% [markdown]
# With one label a person even small pixels beat ImageNet's features (at 224 x 224 pixels): the portraits were all taken alike, from the front. SimCLR on the target is ahead of both, though it has seen so few images. With all labels ImageNet has caught up.

# %% [markdown]
# ## Deeper: your own classes

# %% [markdown]
# The usual supervised source for photographs is a network that was trained on the million labelled photographs of ImageNet, here EfficientNet-Lite0. Give a folder that holds a folder of images for each class, press *Use this folder*, and run the cell below. It compares linear probes by the number of labels: on ImageNet's features, on those of SimCLR trained on your own images (half a minute; at least 128 of them, at 32 x 32 pixels), on the same network untrained, and on pixels.

# %%
from IPython.display import display

from course_lib.page.own_folder import own_folder

own = own_folder(
    "COURSE_CLASSES", lambda path: datasets.load("class-folders", "train", folder=path)
)
display(own)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
if own.folder:
    from course_lib.recipes.own_classes import probe_own

    table(probe_own(own.folder))
else:
    print("No folder is chosen: here the accuracies on your own classes would be shown.")

# %% [markdown]
# ## What you can do now
#
# * **Views**: two random crops of an image in other colours. The network learns to ignore what they do not share; what they share may give the partner away.
# * **NT-Xent**: each view must find its partner among $2N - 1$ others, by cosine over temperature. Guessing and collapse both cost $\log(2N - 1)$.
# * **Three dials**: loss, collapse level, k-NN. Without negatives the loss is perfect and nothing is learned; at temperature 5 it looks flat, and the network learns something.
# * **Where to start**: with frozen features, on the target's own unlabelled images; after fine-tuning the starts were close, except MICLe, which was best.
# * **The last layer alone** is logistic regression on frozen features.
#
# In tests NT-Xent equals that of `lightly` and `pytorch-metric-learning`, and views equal torchvision's (but for hues and crop edges).
#
# **Still open:** which views would you *not* use for X-ray images, where brightness means something?
#
# **Go on:** [03](03_pair_and_triplet_losses.ipynb) and [04](04_margin_losses.ipynb) learn embeddings with labels.
#
# **Read:** Chen and others, [A Simple Framework for Contrastive Learning](https://arxiv.org/abs/2002.05709) (SimCLR, 2020) · Azizi and others, [Big Self-Supervised Models Advance Medical Image Classification](https://arxiv.org/abs/2101.05224) (MICLe, 2021) · Chen and He, [Exploring Simple Siamese Representation Learning](https://arxiv.org/abs/2011.10566) (SimSiam, 2021) · Grill and others, [Bootstrap Your Own Latent](https://arxiv.org/abs/2006.07733) (BYOL, 2020).
