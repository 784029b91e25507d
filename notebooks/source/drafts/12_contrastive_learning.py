# %% [markdown]
# # Contrastive learning

# %% [markdown]
# After this page you will be able to
#
# * make two **views** of an image, and say what they teach a network to ignore;
# * write **NT-Xent**, the loss of SimCLR, and read its two landmarks: guessing and collapse;
# * tell from three dials whether a training run works: loss, **collapse level**, k-NN accuracy;
# * choose between a supervised source and self-supervision on the target, and use **several photos of one case** (MICLe);
# * replace and train the last layer of a network, and say why that is a linear model.
#
# **You should know** pretext tasks, k-NN and the linear probe ([11](11_pretext_tasks.ipynb)). **Time:** about 70 minutes for the core path with the exercises, 45 without them. Core path: everything before the first *Deeper* section, and the [summary](#What-you-can-do-now). **Computing:** 3 to 4 minutes at the first run, about half a minute later ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). **Lecture topics** L2.17, L2.18, L2.19, L5.13.

# %% [markdown]
# ## Two views of one image
#
# A pretext task poses one question for each image. **SimCLR** (*simple contrastive learning*, Chen and others, 2020; L2.18) poses only one question in all: which two **views** show the same image? A view is a random crop of an image, in other colours, sometimes blurred. The network is trained so that two views of one image get nearly the same vector, and views of different images do not. So it learns to ignore whatever differs between two views of one image.
#
# Move the strengths. Under each pair stands the cosine between the pixels of its two views (their means subtracted).

# %% jupyter={"source_hidden": true}
import math

import torch
from matplotlib.patches import Rectangle

from course_lib.by_definition import self_supervision as plain
from course_lib.embeddings.distances import cosine
from course_lib.exercises.answer import check
from course_lib.page import pictures, plots
from course_lib.page.board import Board, Point, Shown
from course_lib.page.controls import explore
from course_lib.page.notebook import claim, figure, record, table
from course_lib.page.predict import predict
from course_lib.recipes.pretexts import things
from course_lib.self_supervision.views import Views

SEED = 0
CLASS_COLOURS = ["#009E73", "#CC79A7", "#C4B000", "#7A5195", "#8C6D31", "#66C2C2"]
DIGITS = [*CLASS_COLOURS, "#A6761D", "#F0A3B5", "#5B6C5D", "#9AA5E0"]
some = things("test", SEED).images[:8]


def draw_views(crop=0.4, colour=0.4, blur=0.0, draw=0):
    views = Views(area=crop, colour=colour, grey=colour / 2, blur=blur, mirror=True)
    a, b = views.two(some, torch.Generator().manual_seed(draw))
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
            -0.12,
            f"{value:.2f}",
            ha="center",
            transform=axes[2].transAxes,
            fontsize=9,
        )
    return fig


explore(
    draw_views,
    alt="Eight objects, and two random views of each: crops in other colours, some mirrored. Under each pair the cosine of "
    "its pixels, mostly near 0.",
    presets={
        "no change": {"crop": 1.0, "colour": 0.0, "blur": 0.0},
        "only colours": {"crop": 1.0, "colour": 0.8},
        "only crops": {"crop": 0.2, "colour": 0.0},
        "as in SimCLR": {"crop": 0.2, "colour": 0.8, "blur": 0.5},
    },
    crop=(0.1, 1.0, 0.1),
    colour=(0.0, 1.0, 0.1),
    blur=(0.0, 1.0, 0.5),
    draw=(0, 20, 1),
    labels={"crop": "smallest crop (share of the area)", "draw": "other random views"},
)

# %% [markdown]
# **Your turn.** Cut two views of each image. To compare them later we keep all in one batch: rows $i$ and $i + N$ are the two views of image $i$.


# %% tags=["exercise", "subslide"]
def two_views(images, corners, size):
    """Two crops of each image.  # [N, C, H, W], [2N, 2] int64, number -> [2N, C, size, size]"""
    # corners[i] is the row and the column where crop i begins.
    # Rows i and i + N of the result are the two views of image i.
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
# A batch of $N$ images gives $2N$ views. For each view the network must say which of the $2N - 1$ others is its partner, the other view of the same image. That is a classification with $2N - 1$ classes. The logits are cosines, divided by a **temperature** $t$: the lower it is, the more the nearest views count.
#
# $$ \ell(i) = -\log \frac{e^{\cos(i,\, \text{partner}) / t}}{\sum_{j \neq i} e^{\cos(i,\, j) / t}} , \qquad \text{NT-Xent} = \text{mean of } \ell(i) \text{ over all } 2N \text{ views} $$
#
# (*normalised, temperature-scaled cross-entropy*). The partner is the **positive**, all other views are **negatives**. The encoder gives **features** $h$; a small head gives the **projections** $z$ that enter the loss. Later the features are used, and the head is thrown away.
#
# Four images, eight views, as points on a circle. Drag them, and watch the loss.

# %% jupyter={"source_hidden": true} tags=["subslide"]
ANGLES = {"A1": 20, "A2": 55, "B1": 110, "B2": 130, "C1": 200, "C2": 260, "D1": 300, "D2": 335}


def on_circle(degrees):
    return 50 + 38 * math.cos(math.radians(degrees)), 50 - 38 * math.sin(math.radians(degrees))


TEMPERATURE = 0.2
PAIRED = [f"{c}{k}" for k in (1, 2) for c in "ABCD"]  # first views, then second ones


def loss_of(**at):
    z = torch.tensor([[at[n][0] - 50, 50 - at[n][1]] for n in PAIRED], dtype=torch.float64)
    z = z / z.norm(dim=1, keepdim=True).clamp(min=1e-9)
    cosines = z @ z.T
    weights = (cosines / TEMPERATURE).exp().fill_diagonal_(0)
    share = weights / weights.sum(dim=1, keepdim=True)  # the softmax of each row
    loss = plain.nt_xent(z[:4], z[4:], TEMPERATURE)
    fig, (ax,) = plots.panels(1, height=3.6)
    fig.set_figwidth(4.2)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i in range(8):
        for j in range(8):
            if i != j:
                ax.text(
                    j,
                    i,
                    f"{share[i, j]:.2f}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if share[i, j] > 0.5 else "black",
                )
        ax.add_patch(Rectangle(((i + 4) % 8 - 0.5, i - 0.5), 1, 1, fill=False, ec=plots.SAME, lw=2))
    ax.set(
        xticks=range(8),
        yticks=range(8),
        xticklabels=PAIRED,
        yticklabels=PAIRED,
        title="Softmax of each row; frames: the partner",
    )
    ax.grid(False)
    text = f"NT-Xent = {loss:.2f} at t = {TEMPERATURE}.  Guessing, or all views in one point: log 7 = {math.log(7):.2f}."
    return Shown(text=text, figure=fig)


Board(
    100,
    100,
    [Point(n, on_circle(a), CLASS_COLOURS["ABCD".index(n[0])]) for n, a in ANGLES.items()],
    loss_of,
    alt="Eight points on a circle, two of each of four colours; beside them a table of softmax shares.",
    presets={
        "pairs together": {n: on_circle(90 * "ABCD".index(n[0]) + 3 * int(n[1])) for n in ANGLES},
        "collapse": {n: on_circle(45 + k) for k, n in enumerate(ANGLES)},
        "two images mixed up": {
            n: on_circle(90 * ("ABCD".index(n[0]) // 2) * 2 + 9 * k) for k, n in enumerate(ANGLES)
        },
    },
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
        "It would be infinite in the limit if the partner were farther away than others, and t near 0.",
    ],
    name="12.collapse",
)


# %% tags=["exercise", "subslide"]
def nt_xent(a, b, temperature):
    """NT-Xent of two views of N images, row by row.  # [N, d], [N, d], number -> []"""
    # views = torch.cat([a, b]): rows i and i + N are partners. Make all of length 1.
    # Each of the 2N views must find its partner among all other views, but not itself:
    # -torch.inf on the diagonal (fill_diagonal_) takes it out of a softmax.
    # Return the mean of -log(probability of the partner) over all 2N views.
    # BEGIN SOLUTION
    views = torch.nn.functional.normalize(torch.cat([a, b]))
    similar = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(views)).roll(len(a))
    return torch.nn.functional.cross_entropy(similar, partners)
    # END SOLUTION


check("nt_xent", nt_xent)

# %% [markdown]
# ## Training, watched
#
# Small digits, 16 x 16 pixels: moved, turned, noisy, in different light. We train SimCLR on 1,000 of them *without labels*, and look at it nine times on the way. The map shows the features of 400 digits that it has never seen. Colours are the true classes; the network does not know them.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.recipes.watched_simclr import BATCH, SETTINGS, chance, moved_digits, watch

train, test = moved_digits("train", SEED), moved_digits("test", SEED)
models, dials = {}, {}


def run(name):
    models[name], dials[name] = watch(name, SETTINGS[name], train, test, SEED)


run("SimCLR")
record("knn.first", dials["SimCLR"]["knn"][0], ".2f")
record("knn.last", dials["SimCLR"]["knn"][-1], ".2f")
record("loss.last", dials["SimCLR"]["loss"][-1], ".2f")
record("chance", chance(BATCH), ".2f")

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from sklearn.manifold import TSNE

film, steps = models["SimCLR"].film, dials["SimCLR"]["step"].int().tolist()
frames, layout = [0, 3, 5, 8], "pca"
fig, axes = plots.panels(4, height=2.5)
for ax, k in zip(axes, frames, strict=True):
    x = film[k] / film[k].norm(dim=1, keepdim=True)
    layout = TSNE(perplexity=25, init=layout, random_state=0, max_iter=500).fit_transform(x)
    ax.scatter(*layout.T, c=[DIGITS[d] for d in test.labels[: len(layout)]], s=5, lw=0)
    plots.bare(ax, f"step {steps[k]}: 20-NN {dials['SimCLR']['knn'][k]:.2f}")
    layout = layout / layout.std() * 1e-4  # the next map begins where this one ended
figure(
    fig,
    "Four maps of 400 digits: before training a mixed cloud; at the end clusters, most of one colour.",
)

# %% [markdown]
# ## "The loss does not go down: is it broken?"
#
# It is the most frequent question about self-supervision. The loss alone cannot answer it. Look at three dials:
#
# * the **loss**, beside two lines: guessing, $\log(2N - 1)$, and collapse, the loss when all views are one point;
# * the **collapse level**: how far the unit vectors $z$ spread, 0 for one point, about 1 when they fill the sphere;
# * the **k-NN accuracy** of the features. It needs labels, so in earnest you have it only on a small labelled part.
#
# First predict, then break the method with the buttons. **No negatives**: the loss is only minus the cosine of the two views. **No crop**, **no change of light**: views without it. **Temperature** 0.01 or 5 instead of 0.2. **Batch of 4** instead of 128.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "The views are no longer cropped: only the light changes. What happens, compared with SimCLR?",
    ["loss higher, k-NN lower", "loss lower, k-NN lower", "loss lower, k-NN higher", "no change"],
    answer=1,
    why=[
        "Without crops the partner is easier to find, so the loss is lower.",
        "The partner can be found by position and turn, which both views share. No digit need be recognised.",
        "A lower loss is not a better network: the task became easier.",
        "The crop is the most important part of the views.",
    ],
    name="12.no_crop",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true}
from course_lib.recipes.watched_simclr import contrastive_table

kept = contrastive_table()


def draw_dials(setting="SimCLR"):
    fig, axes = plots.panels(3, height=2.8)
    batch, cosine = SETTINGS[setting].batch, not SETTINGS[setting].negatives
    for curve in kept["dials: SimCLR"]:
        for ax, kind in zip(axes, (1, 2, 4), strict=True):
            first = 1 if kind == 1 else 0
            ax.plot(curve[0][first:], curve[kind][first:], color="#BBBBBB", lw=1.5)
    for curve in kept[f"dials: {setting}"]:
        for ax, kind in zip(axes, (1, 2, 4), strict=True):
            first = 1 if kind == 1 else 0
            ax.plot(
                curve[0][first:],
                curve[kind][first:],
                color=plots.SAME if setting == "SimCLR" else plots.OTHER,
                lw=2,
            )
    line = {"color": plots.QUERY, "lw": 1, "ls": "--"}
    axes[0].axhline(chance(batch), **line)
    axes[0].text(
        320,
        chance(batch) + 0.1,
        "guessing = collapse" if not cosine else "guessing (with negatives)",
        ha="right",
        fontsize=9,
    )
    if cosine:
        axes[0].axhline(-1, **line)
        axes[0].text(320, -0.85, "collapse", ha="right", fontsize=9)
    axes[2].axhline(0.1, **line)
    axes[2].text(320, 0.115, "guessing", ha="right", fontsize=9)
    axes[0].set(title="Loss", xlabel="step", ylim=(-1.5, 7.5))
    axes[1].set(title="Collapse level of z", xlabel="step", ylim=(0, 1.1))
    axes[2].set(title="20-NN on features h", xlabel="step", ylim=(0, 0.85))
    fig.suptitle(
        f"{setting} (grey: SimCLR)" if setting != "SimCLR" else "SimCLR: three data seeds",
        fontsize=11,
    )
    return fig


explore(
    draw_dials,
    alt="Three dials of SimCLR: the loss falls from 5 to 2.6, the collapse level stays near 1, 20-NN rises from .28 to .73.",
    presets={name: {"setting": name} for name in SETTINGS},
    setting=list(SETTINGS),
)


# %% jupyter={"source_hidden": true}
def last(name, kind):
    """The mean over the data seeds of a dial at its end."""
    return sum(curve[kind][-1] for curve in kept[f"dials: {name}"]) / len(kept[f"dials: {name}"])


LOSS, LEVEL, KNN = 1, 2, 4
rows = [("setting", "loss at the end", "collapse level", "20-NN before", "20-NN at the end")]
for name in SETTINGS:
    before = sum(curve[KNN][0] for curve in kept[f"dials: {name}"]) / 3
    rows.append(
        (
            name,
            *(f"{last(name, kind):.2f}" for kind in (LOSS, LEVEL)),
            f"{before:.2f}",
            f"{last(name, KNN):.2f}",
        )
    )
table(rows)
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
easier = list(zip(kept["dials: no crop"], kept["dials: SimCLR"], strict=True))
claim(
    "no crop: a lower loss than SimCLR's, and a 20-NN lower by .1 or more",
    all(a[LOSS][-1] < b[LOSS][-1] and a[KNN][-1] < b[KNN][-1] - 0.1 for a, b in easier),
)
warm = kept["dials: temperature 5"]
claim(
    "temperature 5: from step 40 on the loss moves by less than .1, and 20-NN rises by half or more",
    all(c[LOSS][3] - c[LOSS][-1] < 0.1 and c[KNN][-1] > 1.5 * c[KNN][3] for c in warm),
    max(c[LOSS][3] - c[LOSS][-1] for c in warm),
)

# %% [markdown]
# A loss that looks best may belong to the worst network: without negatives it is at its optimum, and all images are one point. Without a crop it is lower than SimCLR's, and the features are worse. And a loss that hardly moves may belong to a network that learns: at temperature 5 cosines count little, so the loss stays near guessing, while k-NN rises.
#
# So: **no**, the loss does not tell. The collapse level finds a collapse without labels. Whether features are worth anything, only a downstream measurement tells.

# %% [markdown]
# ## What matters: batch, temperature, views
#
# The same training with one thing changed; three data seeds each. A *batch* of 256 at as many steps sees 16 times as many images as one of 16; so both comparisons are shown.

# %% jupyter={"source_hidden": true}
groups = {
    "Batch, as many steps": {
        **{str(b): f"batch of {b}, as many steps" for b in (16, 64)},
        "128": None,
        "256": "batch of 256, as many steps",
    },
    "Batch, as many images": {
        **{str(b): f"batch of {b}, as many images" for b in (4, 16, 64)},
        "128": None,
        "256": "batch of 256, as many images",
    },
    "Temperature": {
        "0.01": "dials",
        "0.05": "temperature 0.05",
        "0.1": "temperature 0.1",
        "0.2": None,
        "0.5": "temperature 0.5",
        "1": "temperature 1.0",
        "5": "dials",
    },
    "Views and head": {
        "SimCLR": None,
        "no crop": "dials",
        "no light": "dials",
        "no turn": "no turn",
        "small crops": "smaller crops",
        "blur": "with blur",
        "no head": "no head",
    },
}
OF = {
    "0.01": "temperature 0.01",
    "5": "temperature 5",
    "no crop": "no crop",
    "no light": "no change of light",
}


def ends(label, name):
    if name in (None, "dials"):
        return [c[KNN][-1] for c in kept[f"dials: {OF.get(label, 'SimCLR')}"]]
    return [values[0] for values in kept[f"ablation: {name}"]]


fig, axes = plots.panels(2, rows=2, height=2.4)
for ax, (title, rows) in zip(axes, groups.items(), strict=True):
    for x, (label, name) in enumerate(rows.items()):
        values = ends(label, name)
        colour = plots.SAME if name is None else plots.MUTED
        ax.plot([x] * len(values), values, "o", color=colour, ms=5)
        ax.plot([x - 0.25, x + 0.25], [sum(values) / len(values)] * 2, color=colour, lw=2)
    ax.set(title=title, ylim=(0, 0.85), xticks=range(len(rows)), xticklabels=list(rows))
    ax.tick_params(axis="x", labelsize=8)
axes[0].set_ylabel("20-NN")
axes[2].set_ylabel("20-NN")
figure(
    fig,
    "Accuracy of 20 neighbours after training with other batches, temperatures and views; blue is the setting of this page.",
)

# %% [markdown]
# ## Where to start: another set, or your own images?
#
# A doctor has 300 labelled images and 5,000 without labels. Two ways to start (L2.17, L2.19):
#
# * **supervised, on a source**: a network that was trained with labels on other images, usually ImageNet. Drawn objects are our source.
# * **self-supervised, on the target**: SimCLR on the doctor's own unlabelled images.
#
# Our target: photos of drawn buildings, ten kinds of building (church, bridge, ...). And there is more to use: **several photos of each building**. **MICLe** (*multi-instance contrastive learning*, Azizi and others, 2021) takes two *different photos of one case* as the positive pair. Nobody need label them: one knows which photos were taken of one patient.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.recipes.cases import COUNTS, buildings

photos = buildings("train", SEED)
fig, (ax,) = plots.panels(1, height=2.6)
pictures.contact_sheet(
    ax, photos.images[: 4 * 16], 16, "Eight photos of each building, two buildings a row"
)
figure(
    fig,
    "Drawn buildings: eight photos of each, in other seasons, light and weather, from other sides.",
)

# %% [markdown]
# **Your turn.** For each photo, the number of the next photo of the same case.


# %% tags=["exercise", "subslide"]
def case_pairs(cases):
    """For each photo the number of the next photo of its case.  # [N] int64 -> [N] int64"""
    # cases[i] is the case that photo i shows; the photos of a case may stand anywhere.
    # After the last photo of a case comes its first; a photo that is alone is paired with itself.
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
    "Features are frozen; a probe gets 10 labels a kind of building. Which start is best?",
    [
        "supervised, on drawn objects",
        "SimCLR on the buildings: two views of one photo",
        "MICLe on the buildings: two photos of one building",
        "untrained: 10 labels are too few for any",
    ],
    answer=2,
    why=[
        "Other images, other classes: it knows cars and cats.",
        "It learns to ignore crops and colours, but not the side, the season or the light.",
        "Two photos of one building differ in side, season and light: the network learns to ignore just these.",
        "Even 10 labels a class are worth more on better features.",
    ],
    name="12.start",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true}
STARTS = {
    "untrained": plots.MUTED,
    "supervised, on drawn objects": CLASS_COLOURS[1],
    "SimCLR, on drawn objects": CLASS_COLOURS[2],
    "SimCLR, on the buildings": CLASS_COLOURS[0],
    "MICLe, on the buildings": CLASS_COLOURS[3],
}
fig, axes = plots.panels(2, height=3.4)
for ax, how in zip(axes, ("frozen", "fine-tuned"), strict=True):
    for k, (start, colour) in enumerate(STARTS.items()):
        seeds = torch.tensor(kept[f"transfer: {start}, {how}"])[:, : len(COUNTS)]  # [seeds, counts]
        at = torch.arange(len(COUNTS)) + 0.15 * (k - 2)
        ax.bar(at, seeds.mean(dim=0), 0.15, color=colour, label=start)
        ax.vlines(at, seeds.amin(dim=0), seeds.amax(dim=0), color="black", lw=1)
    ax.set(
        xticks=range(len(COUNTS)),
        xticklabels=COUNTS,
        xlabel="labels a kind of building",
        ylim=(0, 1),
    )
    ax.grid(axis="x", visible=False)
axes[0].set(title="Linear probe on frozen features", ylabel="accuracy")
axes[1].set_title("Fine-tuning all weights")
axes[0].legend(loc="upper left", fontsize=8, frameon=False)
figure(
    fig,
    "Accuracy on new buildings by the number of labels, for five starts; MICLe on the buildings is best with few labels.",
)


def with_ten(start, how="frozen"):
    return [row[COUNTS.index(10)] for row in kept[f"transfer: {start}, {how}"]]


def gap(a, b, how="frozen"):
    return min(x - y for x, y in zip(with_ten(a, how), with_ten(b, how), strict=True))


claim(
    "10 labels, frozen: SimCLR on the target beats the supervised source",
    gap("SimCLR, on the buildings", "supervised, on drawn objects") > 0,
    gap("SimCLR, on the buildings", "supervised, on drawn objects"),
)
every = [
    a[-1] - b[-1]
    for a, b in zip(
        kept["transfer: MICLe, on the buildings, frozen"],
        kept["transfer: SimCLR, on the buildings, frozen"],
        strict=True,
    )
]
claim(
    "with all labels, MICLe's pairs beat two views of one photo by .08 or more",
    min(every) > 0.08,
    min(every),
)

# %% [markdown]
# ## Only the last layer
#
# With very few labels one often trains the last layer only (L5.13): the network is frozen, and its old last layer is replaced by a new one with as many outputs as there are classes. What is trained then is a **linear model**: logistic regression on the features. Here both are computed: by gradient descent on a `torch.nn.Linear`, and by scikit-learn.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from sklearn.linear_model import LogisticRegression

from course_lib.embeddings.encoders import embed
from course_lib.self_supervision.probes import few_labels

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

# %% jupyter={"source_hidden": true}
claim(
    "the probabilities of both differ by less than .01 everywhere",
    (ours - theirs).abs().max() < 0.01,
    (ours - theirs).abs().max(),
)

# %% [markdown]
# ## Deeper: few labels on plain digits

# %% [markdown]
# scikit-learn's digits as they come are easier: 20 nearest neighbours find .96 of them by their pixels. With *few labels* SimCLR still helps. Linear probes, the mean of ten draws of the labels, three data seeds:

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
    "5 labels a class: SimCLR's features are ahead of raw pixels by .05 or more",
    ahead > 0.05,
    ahead,
)

# %% [markdown]
# ## Deeper: level and rank

# %% [markdown]
# The **effective rank** counts how many directions features use (e to the entropy of the singular values' shares; Roy and Vetterli, 2007). It ignores size, so it does not see a collapse to *nearly* one point: the rank of $z$ may stay high while its level is near 0. What falls with the collapse is the rank of the features $h$.

# %% jupyter={"source_hidden": true}
rows = [("setting", "collapse level of z", "effective rank of h, before", "at the end")]
for name in ("SimCLR", "no negatives", "no crop"):
    start = sum(curve[3][0] for curve in kept[f"dials: {name}"]) / 3
    rows.append((name, f"{last(name, LEVEL):.2f}", f"{start:.0f}", f"{last(name, 3):.0f}"))
table(rows)
ranks = [c[3][-1] < 0.4 * c[3][0] for c in kept["dials: no negatives"]]
claim("without negatives the rank of the features falls below .4 of what it was", all(ranks))

# %% [markdown]
# ## Deeper: your own classes

# %% [markdown]
# A network that was trained on a million photographs (ImageNet, here EfficientNet-Lite0) is the usual supervised source for photographs. Give a folder that holds a folder of images for each class, press *Use this folder*, and run the cell below: a linear probe on its frozen features, by the number of labels.

# %%
from IPython.display import display

from course_lib.data import datasets
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
# * **Views**: two random crops of an image in other colours. What they do not share is what the network learns to ignore; without crops or without a change of light it learns little.
# * **NT-Xent**: each view must find its partner among $2N - 1$ others, by cosine over temperature. Guessing and collapse both give $\log(2N - 1)$.
# * **Three dials**: loss, collapse level, k-NN. The loss alone tells neither success nor failure: without negatives it is perfect and nothing is learned; at temperature 5 it hardly moves and something is.
# * **Where to start**: on the target's own unlabelled images, with few labels; and with several photos of one case, MICLe's pairs are better than two views of one photo.
# * **The last layer alone** is logistic regression on frozen features.
#
# **Still open:** which views would you *not* use for X-ray images, where brightness means something?
#
# **Go on:** [03](03_pair_and_triplet_losses.ipynb) and [04](04_margin_losses.ipynb) do the same with labels: pairs of one person instead of two views of one image.
#
# **Read:** Chen and others, [A Simple Framework for Contrastive Learning](https://arxiv.org/abs/2002.05709) (SimCLR, 2020) · Azizi and others, [Big Self-Supervised Models Advance Medical Image Classification](https://arxiv.org/abs/2101.05224) (MICLe, 2021) · Chen and He, [Exploring Simple Siamese Representation Learning](https://arxiv.org/abs/2011.10566) (2021) · Wu and others, [Unsupervised Feature Learning via Non-Parametric Instance Discrimination](https://arxiv.org/abs/1805.01978) (2018).
