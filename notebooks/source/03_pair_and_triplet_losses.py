# %% [markdown]
# # Pair and triplet losses: put like near like
#
# The network of notebook 02 named digits well, and was lost on digits that it had never seen. A door that opens for the right face cannot afford that: it meets strangers every day. So let us stop asking for names and train the one thing we need, the **distance** itself. At the end you will be able to
#
# * write down the contrastive and the triplet loss, and say what each pulls and pushes, and when it stops;
# * judge an embedding on unseen identities by FAR and TAR, the shares of wrong and of right pairs that are accepted;
# * choose triplets - random, semi-hard, hard - and say what each choice does to training;
# * compose a batch, and count what pairs and triplets cost against a softmax layer;
# * recognise a network that has collapsed, and say why it did.
#
# Lecture topics L1.07, L1.08, L2.14-L2.16, L4.03-L4.05, L5.15, L5.16. Runs in one to two minutes on two CPU cores ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). Drawing code is folded away: click on the three dots to read it.

# %%
import torch

from course_lib.data import datasets
from course_lib.page import plots
from course_lib.page.controls import explore
from course_lib.page.notebook import claim, figure, record, show_source, table
from course_lib.page.pictures import contact_sheet

SEED = 0

# %% [markdown]
# ## Same or different?
#
# Five hundred people who do not exist, twenty-four photos of each, are here to learn from. Two hundred and fifty **other** people are here to be tested on, and nobody is among both: this is the *open set*. The network will never be asked "who is this?", only "are these two the same person?"

# %%
people = datasets.load("faces", "train", seed=SEED)
strangers = datasets.load("faces", "test", seed=SEED, people=250, photos=16)
print("to learn from", list(people.images.shape), "  to be tested on", list(strangers.images.shape))

# %% jupyter={"source_hidden": true}
fig, (ax,) = plots.panels(1, height=3.4)
rows = strangers.images.view(250, 16, 3, 32, 32)[[3, 12, 40, 77], :12]
contact_sheet(ax, rows.flatten(0, 1), 12, "Four unseen identities: each row is one person")
alt = "Four rows of twelve drawn faces; each row is one person under other light, turned, with and "
figure(fig, alt + "without glasses, smiling or not.")

# %% [markdown]
# Light, pose, expression, glasses and hands change from photo to photo; the person does not. A **score** says how alike two photos are - here the cosine of their vectors - and a pair is accepted when its score reaches a threshold. A pair of photos of one person is **genuine**, of two people an **impostor pair**. Two numbers then tell how good that is:
#
# $$ \text{FAR} = \frac{\text{impostor pairs accepted}}{\text{impostor pairs}}, \qquad \text{TAR} = \frac{\text{genuine pairs accepted}}{\text{genuine pairs}}. $$
#
# (FAR is the false accept rate; TAR, the true accept rate, is what FaceNet calls VAL.) A bank fixes FAR, say at one impostor pair in a thousand, and reads off the TAR. Eight million pairs of photos of these 250 people, 30,000 of them genuine, compared by the pixels and by the colours of notebook 02:

# %%
from course_lib.embeddings.descriptors import colour_histogram, pixels
from course_lib.verification.curves import all_pairs, auc, roc, tar_at_far

scored = {
    "pixels": all_pairs(pixels(strangers.images), strangers.labels),
    "colours": all_pairs(colour_histogram(strangers.images), strangers.labels),
}
for name, (scores, same) in scored.items():
    print(
        f"{name:8} {len(scores):,} pairs   TAR at FAR 1/1000: {tar_at_far(scores, same, 1e-3):.3f}"
    )
    record(f"tar.{name}", tar_at_far(scores, same, 1e-3), ".1%")

# %% [markdown]
# At FAR 1/1000 pixels accept {{tar.pixels}} of the genuine pairs, colours {{tar.colours}}: more than 9 of 10 genuine pairs are rejected. These are the numbers to beat.
#
# ## Two photos, one network
#
# A **siamese network** is one network used twice: both photos go through the *same* weights, and only then are compared. What comes out is trained with two wishes (lecture topic L4.03):
#
# $$ \lVert f(x_1) - f(x_2)\rVert \to \begin{cases}\min & \text{if } y_1 = y_2 \quad\text{(intra)}\\ \max & \text{if } y_1 \ne y_2 \quad\text{(inter)}\end{cases} $$
#
# The second wish has no end: two people could be pushed apart for ever. The **contrastive loss** stops pushing at a margin $M$. With $d$ the distance, and $z = 1$ for the same person, 0 for different ones,
#
# $$ L = \tfrac12\left( z\,d^2 + (1 - z)\max(0, M - d)^2 \right). $$

# %%
from course_lib.metric_learning.pairs import contrastive_loss

show_source(contrastive_loss)

# %% [markdown]
# It takes a whole batch at once: with $B$ photos there are $B(B-1)/2$ pairs, and they cost little extra, since all distances come from one matrix product. The same, pair by pair, as the lecture writes it:

# %%
from course_lib.by_definition import metric_learning as by_definition

show_source(by_definition.contrastive_loss)

# %%
x, labels = torch.randn(12, 4), torch.randint(3, (12,))
pair_by_pair = by_definition.contrastive_loss(x, labels, margin=2.0)
claim(
    "the loss of a batch is the mean over its pairs, as the lecture writes it",
    torch.isclose(contrastive_loss(x, labels, margin=2.0), pair_by_pair),
)

# %% [markdown]
# **Predict first:** two photos of *different* people lie at distance 0.3, the margin is 1. Are they pushed apart harder or more softly than at distance 0.9? And two photos of the *same* person?

# %% jupyter={"source_hidden": true}
from matplotlib.patches import Circle

distance_axis = torch.linspace(0, 2, 101)


def draw_contrastive(distance=0.3, margin=1.0, pair="different people"):
    fig, (left, right) = plots.panels(2, height=2.9)
    same, d = distance_axis**2 / 2, torch.tensor(distance)
    other = (margin - distance_axis).clamp(min=0) ** 2 / 2
    of_same = pair == "the same person"
    for curve, colour, name, at in (
        (same, plots.SAME, "same", 60),
        (other, plots.OTHER, "different", 8),
    ):
        mine = (name == "same") == of_same
        left.plot(distance_axis, curve, color=colour, lw=3 if mine else 1.2)
        left.text(distance_axis[at] + 0.05, curve[at] + 0.02, name, color=colour, weight="bold")
    short = (margin - d).clamp(min=0)  # by how much the margin is not kept
    loss = (d if of_same else short) ** 2 / 2
    slope = d if of_same else -short * (d > 0)  # at distance 0 there is no direction to push in
    left.plot(distance, loss, "o", color=plots.QUERY, ms=8)
    left.axvline(margin, color=plots.MUTED, lw=1, ls="--")
    left.set(title=f"Loss {loss:.3f}", xlabel="distance", xlim=(0, 2), ylim=(0, 2.1))
    colour = plots.SAME if of_same else plots.OTHER
    right.add_patch(Circle((0, 0), margin, color=plots.MUTED, fill=False, ls="--"))
    right.plot([0, distance], [0, 0], "o", color=colour, ms=11)
    if slope != 0:
        arrow = {"arrowstyle": "-|>", "lw": 2.5}
        right.annotate("", (distance - slope, 0), (distance, 0), arrowprops=arrow)
    moved = f"{'pulled in' if of_same else 'pushed out'}: {abs(slope):.2f}"
    plots.bare(right, f"...and the second photo is {moved if slope != 0 else 'left alone'}")
    right.set(xlim=(-2.1, 2.1), ylim=(-1.2, 1.2), aspect="equal")
    return fig


# %%
explore(
    draw_contrastive,
    alt="Left: the loss against the distance, a rising parabola for the same person, one that falls to zero at the "
    "margin for different people. Right: the second photo is pushed towards the circle of the margin.",
    presets={
        "beyond the margin": {"distance": 1.4, "pair": "different people"},
        "the same person, far apart": {"distance": 1.6, "pair": "the same person"},
        "distance 0": {"distance": 0.0, "pair": "different people"},
    },
    distance=(0.0, 2.0, 0.05),
    margin=(0.2, 2.0, 0.1),
    pair=["different people", "the same person"],
)

# %% [markdown]
# <details><summary>Answer</summary>Different people are pushed with the force $M - d$: hardest where they are closest, not at all beyond the margin. Photos of the same person are pulled with the force $d$: hardest where they are farthest.</details>
#
# At distance 0 between different people the loss is largest, but there is no direction to push in, and the code defines the gradient as 0 (press *distance 0*). Real networks never put two photos exactly there - unless they have collapsed, which we shall see.
#
# ## Other dissimilarities
#
# Nothing ties this to the Euclidean distance. The lecture's pair-based loss (L2.14) takes any dissimilarity $\rho$ and squares nothing,
#
# $$ L^+ = \rho, \qquad L^- = \max(0, M - \rho), $$
#
# and names three: $1 - \cos$; L2 of batch-normalised embeddings; and a **separate network** that looks at both vectors and learns what "alike" means.

# %%
from course_lib.metric_learning.pairs import RhoNetwork, pair_loss, rho_cosine, rho_l2

show_source(pair_loss)
show_source(RhoNetwork)

# %% [markdown]
# All three are trained in the same way, on the same 60 batches of 32 people with 4 photos each. Such a batch has 192 genuine pairs and 7,936 impostor pairs. We keep 1 in 20 impostor pairs; otherwise they would outnumber the genuine pairs 40 to 1. We compare the three by the **AUC**, the area under the **ROC curve** (TAR against FAR, for all thresholds): it is the chance that a genuine pair scores higher than an impostor pair.

# %%
from torch import nn

from course_lib.embeddings.encoders import embed
from course_lib.recipes.faces import LR, STEPS, face_encoder, verify
from course_lib.training.batches import identity_batches
from course_lib.training.loop import fit
from course_lib.training.weights import load_or_train

show_source(face_encoder)


def pair_trainer(rho, margin):
    i, j = torch.triu_indices(128, 128, offset=1)  # every pair of a batch
    generator = torch.Generator().manual_seed(SEED)

    def loss(model, images, labels):
        x, same = model["encoder"](images), labels[i] == labels[j]
        kept = same | (torch.rand(len(same), generator=generator) < 0.05)
        return pair_loss(rho(x[i[kept]], x[j[kept]]), same[kept], margin)

    def train(model, images, labels):
        sample = identity_batches(images, labels, identities=32, photos=4)
        return fit(model, sample, loss, steps=60, lr=LR, seed=SEED, max_seconds=120, label="pairs")

    return train


# %%
torch.manual_seed(SEED)  # the separate network begins with random weights, too
rhos = {
    "1 - cos": (rho_cosine, 0.5),
    "L2, batch norm": (rho_l2, 8.0),
    "separate network": (RhoNetwork(64), 1.0),
}
few = strangers[strangers.labels < 40]
i, j = torch.triu_indices(len(few), len(few), offset=1)
auc_of = {"pixels": auc(*all_pairs(pixels(few.images), few.labels))}
for name, (rho, margin) in rhos.items():
    model = nn.ModuleDict({"encoder": face_encoder(SEED)})
    if isinstance(rho, nn.Module):
        model["rho"] = rho
    load_or_train(f"03-{name}", model, pair_trainer(rho, margin), people.images, people.labels)
    x = embed(model["encoder"], few.images)
    with torch.no_grad():
        auc_of[name] = auc(-rho(x[i], x[j]), few.labels[i] == few.labels[j])

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, (ax,) = plots.panels(1, height=2.0)
colours = [plots.MUTED, plots.SAME, plots.SAME, plots.SAME]
plots.bars(ax, auc_of, "Unseen identities, after 60 batches: hardly a difference", colours)
record("auc.pixels", auc_of["pixels"], ".2f")
record("auc.worst", min(list(auc_of.values())[1:]), ".2f")
ax.set(
    xlim=(0.5, 1.06), xlabel="AUC: chance that a genuine pair scores higher than an impostor pair"
)
figure(
    fig, "Area under the ROC curve: pixels about 0.8, the three learned dissimilarities about 0.97."
)

# %%
best, worst = max(list(auc_of.values())[1:]), min(list(auc_of.values())[1:])
claim(
    "each of the three has an AUC on strangers that is more than .1 above that of pixels",
    worst > auc_of["pixels"] + 0.1,
)
claim("...and they differ by less than .04", best - worst < 0.04)

# %% [markdown]
# Ten lines of loss and sixty batches raised the AUC on unseen identities from {{auc.pixels}} to {{auc.worst}} and more. By the AUC, the choice of $\rho$ hardly matters. The cosine is the cheapest to search with (notebook 06); with the separate network no matrix product and no index helps: it must be evaluated on every pair.
#
# ## Three points
#
# The contrastive loss has absolute targets: distance 0 for every same pair, at least $M$ for every different pair. The **triplet loss** asks only for an order: the **positive** (same person) must be nearer to the **anchor** than the **negative** (another person), by a margin,
#
# $$ L = \max\left(0,\ \lVert y_A - y_P\rVert^2 - \lVert y_A - y_N\rVert^2 + M\right). $$
#
# It is zero where $\lVert y_A - y_P\rVert^2 + M \le \lVert y_A - y_N\rVert^2$. Lecture topic L4.04 writes the condition with plain distances, $\lVert f(x) - f(x_+)\rVert + M < \lVert f(x) - f(x_-)\rVert$. That is another condition, and the two can disagree either way. Take $M = 0.2$: at distances 0.1 and 0.35 the plain condition holds, and the squared loss is $0.01 - 0.1225 + 0.2 = 0.0875$; at distances 1 and 1.15 it does not hold, and the squared loss is 0. Squared, a margin asks for less where distances are large. Papers use both forms: look which one a margin belongs to. Ours is squared, as FaceNet's, unless it is told otherwise.

# %%
from course_lib.metric_learning.triplets import triplet_loss

show_source(triplet_loss)

# %%
anchor, positive, negative = torch.randn(3, 50, 8)
terms = [
    max(0.0, ((a - p) ** 2).sum().item() - ((a - n) ** 2).sum().item() + 0.5)
    for a, p, n in zip(anchor, positive, negative, strict=True)
]
origin, near, far = torch.zeros(1, 1), torch.tensor([[0.1], [1.0]]), torch.tensor([[0.35], [1.15]])
at_small, at_large = (triplet_loss(origin, near[[k]], far[[k]], 0.2).item() for k in (0, 1))
claim(
    "distances .1 and .35, margin .2: the plain condition holds, the squared loss is .0875",
    0.1 + 0.2 < 0.35 and abs(at_small - 0.0875) < 1e-6,
)
claim(
    "distances 1 and 1.15: the plain condition does not hold, the squared loss is 0",
    not 1.0 + 0.2 < 1.15 and at_large == 0,
)
claim(
    "it is the lecture's sum over N triplets, divided by N",
    abs(triplet_loss(anchor, positive, negative, 0.5).item() - sum(terms) / 50) < 1e-4,
)
peer = nn.TripletMarginLoss(margin=0.5)
claim(
    "unsquared, it equals torch's TripletMarginLoss",
    torch.isclose(
        triplet_loss(anchor, positive, negative, 0.5, squared=False),
        peer(anchor, positive, negative),
    ),
)

# %% [markdown]
# A negative that is nearer than the positive is **hard**; one so far that the loss is 0 is **easy**; one between the two is **semi-hard**.
#
# **Predict first:** the anchor is fixed, the positive at distance 1. For which places of the negative is the loss exactly 0? And where is the loss above the margin?


# %% jupyter={"source_hidden": true}
def draw_triplet(negative=1.15, direction=40, positive=1.0, margin=0.8):
    fig, (left, right) = plots.panels(2, height=3.6, widths=(1.25, 1))
    turn = torch.deg2rad(torch.tensor(float(direction)))
    n = negative * torch.stack([turn.cos(), turn.sin()])
    p = torch.tensor([-0.6 * positive, -0.8 * positive])
    edge = (positive**2 + margin) ** 0.5
    for radius, colour in ((edge, "#DCEBF5"), (positive, "#F7D9C8")):
        left.add_patch(Circle((0, 0), radius, color=colour))
    zone = "hard" if negative <= positive else "semi-hard" if negative < edge else "easy"
    loss = max(0.0, positive**2 - negative**2 + margin)
    points = {
        "anchor": (torch.zeros(2), plots.QUERY),
        "positive": (p, plots.SAME),
        "negative": (n, plots.OTHER),
    }
    step = 0.35 if loss > 0 else 0
    pushes = {"anchor": p - n, "positive": -p, "negative": n}
    for name, (at, colour) in points.items():
        left.plot(*at, "o", color=colour, ms=10)
        beside = torch.tensor(
            {"anchor": [-0.75, 0.1], "positive": [-1.05, 0.0], "negative": [0.12, -0.22]}[name]
        )
        left.text(*(at + beside), name, color=colour, weight="bold")
        if step:
            arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2}
            left.annotate("", at + step * pushes[name], at, arrowprops=arrow)
    plots.bare(left, f"{'An' if zone == 'easy' else 'A'} {zone} negative: loss {loss:.2f}")
    left.set(xlim=(-2.1, 2.1), ylim=(-1.9, 1.9), aspect="equal")
    d = torch.linspace(0, 2, 80)
    right.plot(d, (positive**2 - d**2 + margin).clamp(min=0), color=plots.OTHER, lw=2)
    right.plot(negative, loss, "o", color=plots.QUERY, ms=8)
    for at, word in (
        (positive / 2, "hard"),
        ((positive + edge) / 2, "semi-hard"),
        ((edge + 2) / 2, "easy"),
    ):
        right.text(at, -0.32, word, ha="center", fontsize=9, color="#555555")
    for at in (positive, edge):
        right.axvline(at, ymin=0.1, color=plots.MUTED, lw=1, ls="--")
    right.set(
        title="The nearer the negative, the larger the loss",
        xlabel="distance of the negative",
        xlim=(0, 2),
        ylim=(-0.45, 3),
    )
    return fig


# %%
explore(
    draw_triplet,
    alt="An anchor amid two discs: a negative inside the inner disc is hard, in the ring around it semi-hard, outside "
    "easy. Arrows pull the positive in and push the negative out. Beside it the loss falls with the negative's distance.",
    presets={
        "easy": {"negative": 1.7},
        "semi-hard": {"negative": 1.15},
        "hard": {"negative": 0.5},
    },
    negative=(0.1, 2.0, 0.05),
    direction=(0, 350, 10),
    positive=(0.3, 1.5, 0.1),
    margin=(0.1, 1.5, 0.1),
)

# %% [markdown]
# <details><summary>Answer</summary>The loss is 0 wherever the negative is farther than $\sqrt{1 + M}$: outside the blue ring (easy). Inside the circle through the positive the order itself is wrong, and the loss is above $M$ (hard). Between the two the order is right but the margin is not kept (semi-hard).</details>
#
# Note the anchor's own arrow: it runs away from the negative *and* towards the positive. Pairs move two points, triplets three.
#
# ## Which triplets?
#
# A batch of 32 people with 4 photos each holds 384 ordered same pairs, and each may be set against 124 photos of others: 47,616 triplets. Which of them still teach anything?

# %%
from course_lib.embeddings.distances import euclidean, normalize
from course_lib.metric_learning.mining import (
    all_triplets,
    hard_triplets,
    random_triplets,
    semi_hard_triplets,
)

MARGIN = 0.2
batch = identity_batches(people.images, people.labels, identities=32, photos=4)
pictures, labels = batch(torch.Generator().manual_seed(SEED))


def kinds_of_triplets(encoder):
    x = normalize(embed(encoder, pictures))
    d, (a, p, n) = euclidean(x, x, squared=True), all_triplets(labels)
    hard, easy = d[a, n] <= d[a, p], d[a, n] >= d[a, p] + MARGIN
    shares = {"easy": easy, "semi-hard": ~easy & ~hard, "hard": hard}
    return {kind: which.float().mean().item() for kind, which in shares.items()}


print(f"{len(all_triplets(labels)[0]):,} triplets in a batch")
untrained = kinds_of_triplets(face_encoder(SEED))
print("untrained network:", {kind: round(share, 2) for kind, share in untrained.items()})

# %% [markdown]
# To the untrained network all faces look alike: nearly every negative lies within the margin, and one in six is nearer than the positive. That changes fast. An *easy* triplet has loss 0 and gradient 0: it teaches nothing, and soon nearly all of them are easy. So it matters which are chosen. Three ways, with one triplet for each same pair (if hard, one for each anchor):
#
# * **random:** any negative;
# * **hard:** for each anchor its farthest positive and its nearest negative. (This is *batch-hard*. Hermans and others (2017) found it the best on person re-identification, the opposite of this page.)
# * **semi-hard**, FaceNet's choice: for each same pair the nearest negative that is farther than the positive, $\lVert y_A - y_P\rVert^2 < \lVert y_A - y_N\rVert^2$, and within the margin.

# %%
show_source(semi_hard_triplets)

# %%
from course_lib.metric_learning.triplets import mined_triplet_loss

show_source(mined_triplet_loss)


def triplet_trainer(mine):
    def loss(encoder, images, labels):
        x = normalize(encoder(images))  # on the sphere: distances between 0 and 2
        d = euclidean(x, x, squared=True)
        return mined_triplet_loss(d, mine(d, labels), MARGIN)

    def train(encoder, images, labels):
        sample = identity_batches(images, labels, identities=32, photos=4)
        return fit(
            encoder, sample, loss, steps=STEPS, lr=LR, seed=SEED, max_seconds=240, label="faces"
        )

    return train


# %% [markdown]
# **Predict first:** same network, same batches, same number of steps. Order the three by their TAR on unseen identities.

# %% tags=["nbval-ignore-output"]
generator = torch.Generator().manual_seed(SEED)
choices = {
    "random": lambda d, labels: random_triplets(labels, generator),
    "hard": hard_triplets,
    "semi-hard": lambda d, labels: semi_hard_triplets(d, labels, MARGIN),
}
encoders, curves = {}, {}
tar = {name: tar_at_far(*pair, 1e-3) for name, pair in scored.items()}
for name, mine in choices.items():
    encoders[name] = face_encoder(SEED)
    curves[name] = load_or_train(
        f"03-{name}", encoders[name], triplet_trainer(mine), people.images, people.labels
    )
    tar[name] = verify(encoders[name], strangers)
    print(f"{name:10} TAR at FAR 1/1000 on unseen identities: {tar[name]:.3f}")
    record(f"tar.{name}", tar[name], ".0%")

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
MINED = {"random": plots.MUTED, "hard": plots.OTHER, "semi-hard": plots.SAME}
fig, (left, right) = plots.panels(2, height=3.1, widths=(1.3, 1))
for name, curve in curves.items():
    smooth = torch.tensor(curve).unfold(0, 10, 1).mean(1)
    left.plot(range(9, len(curve)), smooth, color=MINED[name], lw=2)
    record(f"first.{name}", smooth[0], ".2f")
    record(f"last.{name}", smooth[-1], ".2f")
    nudge = {"hard": 0.012, "semi-hard": -0.012, "random": 0}[name]
    left.text(
        len(curve) + 3, smooth[-1] + nudge, name, color=MINED[name], weight="bold", va="center"
    )
left.axhline(MARGIN, color=plots.QUERY, lw=1, ls="--")
left.text(len(curve) * 1.27, MARGIN + 0.008, "the margin", fontsize=9, ha="right")
left.set(
    title="Random triplets are soon used up", xlabel="step", ylabel="loss of the chosen triplets"
)
left.set(xlim=(0, len(curve) * 1.28), ylim=(0, 0.42))
colours = [plots.MUTED, plots.MUTED, plots.MUTED, plots.OTHER, plots.SAME]
plots.bars(right, tar, "Semi-hard wins", colours, "{:.2f}")
right.set(xlim=(0, 1), xlabel="TAR at FAR 1/1000")
alt = "Left: the loss of random triplets falls to nearly nothing, that of hard and semi-hard ones does not. Right: TAR "
figure(
    fig,
    alt
    + "on unseen identities is least for colours and pixels, then random, hard, and most for semi-hard triplets.",
)

# %%
claim("semi-hard triplets beat random ones by more than .2", tar["semi-hard"] > tar["random"] + 0.2)
claim("...and the hardest ones by more than .05", tar["semi-hard"] > tar["hard"] + 0.05)
trained = kinds_of_triplets(encoders["semi-hard"])
claim("after training more than 9 triplets of 10 are easy", trained["easy"] > 0.9)

# %% [markdown]
# <details><summary>Answer</summary>Random reaches {{tar.random}}, hard {{tar.hard}}, semi-hard {{tar.semi-hard}}. With other people drawn (other **data seeds**) semi-hard was first, too; once hard was behind random.</details>
#
# Look at the loss. Random triplets are easy after a few dozen steps; their loss is nearly 0, and so is what they teach. The hardest triplets include photos in which the face is covered; we have not counted them. The loss of a semi-hard triplet always lies between 0 and the margin, because only such triplets are chosen. It falls from {{first.semi-hard}} to {{last.semi-hard}} and can never show how many triplets have become easy. Judge by the TAR.
#
# The whole curve, and not only one point of it: choose an embedding and a FAR. (The two hills are scaled to equal height; there are 266 times as many impostor pairs.)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]

from course_lib.embeddings.encoders import embed

for name, encoder in encoders.items():
    scored[name] = all_pairs(embed(encoder, strangers.images), strangers.labels)
summary = {}
for name, (scores, same) in scored.items():
    edges = torch.linspace(scores.min(), 1.0, 61)
    shapes = [torch.histogram(scores[which], edges, density=True).hist for which in (same, ~same)]
    far, tar_curve, thresholds = roc(scores, same)
    at = torch.logspace(-5, 0, 51, dtype=torch.float64)  # the slider's steps
    place = torch.searchsorted(far, at, right=True) - 1
    summary[name] = (edges, shapes, at, tar_curve[place], thresholds[place])
record("bank.tar", summary["semi-hard"][3][10], ".0%")
record("album.tar", min(summary[name][3][40] for name in encoders), ".0%")


def draw_threshold(embedding="semi-hard", log10_far=-3.0):
    edges, (same, other), far, curve, thresholds = summary[embedding]
    k = int(torch.argmin((far.log10() - log10_far).abs()))
    fig, (left, right) = plots.panels(2, height=3.0, widths=(1.2, 1))
    for shape, colour, word in ((other, plots.OTHER, "impostor"), (same, plots.SAME, "genuine")):
        left.fill_between(edges[1:], shape / shape.max(), color=colour, alpha=0.35, lw=0)
        left.text(
            edges[1 + int(shape.argmax())], 1.04, word, color=colour, weight="bold", ha="center"
        )
    left.axvline(float(thresholds[k]), ymax=0.84, color=plots.QUERY, lw=2)
    left.set(
        title="Accepted: right of the line", xlabel="cosine of the pair", ylim=(0, 1.2), yticks=[]
    )
    for name, (_, _, _, other_curve, _) in summary.items():
        mine = name == embedding
        right.plot(
            far.log10(), other_curve, color=plots.SAME if mine else "#C9C9C9", lw=2.5 if mine else 1
        )
    right.plot(far[k].log10(), curve[k], "o", color=plots.QUERY, ms=8)
    right.set(
        title=f"TAR {curve[k]:.2f}", xlabel="FAR, as a power of ten", ylim=(0, 1.02), xlim=(-5, 0)
    )
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_threshold,
    alt="Left: scores of impostor pairs, a hill around 0, and of genuine pairs, a hill near 1, with a "
    "threshold between. Right: the ROC curves of five embeddings, the chosen one in blue with the threshold's point on it.",
    presets={"a bank": {"log10_far": -4.0}, "a photo album": {"log10_far": -1.0}},
    embedding=list(summary)[::-1],
    log10_far=(-5.0, 0.0, 0.1),
)

# %% [markdown]
# At FAR 1/10,000 even the semi-hard network accepts only {{bank.tar}} of the genuine pairs; at FAR 1/10 every trained network accepts {{album.tar}} or more. That is why this course reports TAR at a small FAR.
#
# ## Collapse
#
# Why not always take the hardest? FaceNet's authors warn of it: the network may **collapse**, and put every photo into one point. Then all distances are 0, the loss is exactly the margin, and there it stays. Our networks end in batch normalisation, which forbids that: a batch must have a spread. Take it away, and watch.


# %%
def without_batch_norm():
    encoder = face_encoder(SEED)
    encoder.project = encoder.project[0]  # the linear layer alone
    return encoder


def short(mine):
    spread = []

    def loss(encoder, images, labels):
        x = normalize(encoder(images))
        d = euclidean(x, x, squared=True)
        spread.append(d.detach().sqrt().mean().item())
        return mined_triplet_loss(d, mine(d, labels), MARGIN)

    sample = identity_batches(people.images, people.labels, identities=32, photos=4)
    return fit(
        without_batch_norm(), sample, loss, steps=30, lr=LR, seed=SEED, label="collapse"
    ), spread


collapse = {name: short(choices[name]) for name in ("hard", "semi-hard")}

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, (left, right) = plots.panels(2, height=2.7)
for name, (curve, spread) in collapse.items():
    for when, value in {"first": spread[0], "lowest": min(spread), "last": spread[-1]}.items():
        record(f"spread.{name}.{when}", value, ".1f" if name == "semi-hard" else ".2f")
    for ax, values in ((left, curve), (right, spread)):
        ax.plot(values, color=MINED[name], lw=2)
        above = 0.03 if ax is left and name == "hard" else 0
        ax.text(30.4, values[-1] + above, name, color=MINED[name], weight="bold", va="center")
left.axhline(MARGIN, color=plots.QUERY, lw=1, ls="--")
left.set(title="Stuck at the margin", xlabel="step", ylabel="loss", xlim=(0, 39), ylim=(0, 0.5))
right.set(
    title="Everything in one point",
    xlabel="step",
    ylabel="mean distance",
    xlim=(0, 52),
    ylim=(0, 1.5),
)
alt = "Without batch normalisation and with the hardest triplets the loss settles on the margin and the mean distance "
figure(fig, alt + "falls to zero within ten steps; with semi-hard triplets it does not.")

# %%
(hard_loss, hard_spread), (_, semi_spread) = collapse["hard"], collapse["semi-hard"]
claim(
    "with the hardest triplets the loss ends within .01 of the margin",
    abs(hard_loss[-1] - MARGIN) < 0.01,
)
claim(
    "...because all photos lie nearly in one point: their mean distance is below .1",
    hard_spread[-1] < 0.1,
)
claim("with semi-hard triplets, in the same network, it is above 1", semi_spread[-1] > 1)

# %% [markdown]
# With the hardest triplets the mean distance falls from {{spread.hard.first}} to {{spread.hard.last}}. With semi-hard triplets it first falls to {{spread.semi-hard.lowest}}, then rises to {{spread.semi-hard.last}}. While everything is still mixed up, the nearest negative is nearer than the positive; the cheapest way to make $d_{AP} - d_{AN}$ smaller is to make *both* 0. The sign to look for is a loss that stays slightly above the margin. Semi-hard triplets never ask for that: their negative is already the farther one.
#
# ## The batch
#
# Triplets are made *within* a batch, so the batch is part of the loss. FaceNet's batches hold about 1,800 photos, some 40 for each identity, and random ones added; every same pair is used as anchor and positive. With purely random batches from its 8 million people hardly a photo would meet its like.
#
# **Predict first:** a batch of 128 photos, as 64 people with 2 photos or as 8 people with 16. Which has more triplets? In which does a larger share of the same pairs find a semi-hard negative?

# %% jupyter={"source_hidden": true}
vectors = normalize(embed(encoders["semi-hard"], people.images)).view(500, 24, 64)


def draw_batch(photos=4, batch=128):
    count = batch // photos
    who = torch.arange(count).repeat_interleave(photos)
    x = vectors[:count, :photos].flatten(0, 1)
    d = euclidean(x, x, squared=True)
    pairs, triplets = len(who) * (photos - 1), len(who) * (photos - 1) * (len(who) - photos)
    found = len(semi_hard_triplets(d, who, MARGIN)[0])
    fig, (left, right) = plots.panels(2, height=3.3, widths=(1, 1.2))
    plots.bare(left, f"{count} people x {photos} photos").imshow(
        d.sqrt(), cmap="Blues_r", vmin=0, vmax=1.7
    )
    left.set_xlabel("distances, near is dark")
    counts = {"same pairs": pairs, "triplets": triplets, "semi-hard found": found}
    drawn = right.barh(
        list(counts)[::-1], [max(v, 0.5) for v in list(counts.values())[::-1]], color=plots.SAME
    )
    right.bar_label(drawn, [f"{v:,}" for v in list(counts.values())[::-1]], padding=4)
    right.set(title="What the loss has to work with", xscale="log", xlim=(0.5, 3e6))
    right.grid(axis="y", visible=False)
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_batch,
    alt="The distances within a batch as a square picture with dark blocks on the diagonal, one for each person; beside "
    "it the number of same pairs, of triplets, and of semi-hard triplets found.",
    presets={
        "as here": {"photos": 4},
        "no pairs at all": {"photos": 1},
        "few people": {"photos": 16},
    },
    photos=[1, 2, 4, 8, 16],
    batch=[64, 128, 256, 512],
)

# %% [markdown]
# One batch is a matter of luck: eight people may happen to resemble each other. So let us take thirty batches of each kind, of people drawn at random.


# %%
def share_found(photos, batches=30):
    """Share of the same pairs that find a semi-hard negative, in batches of 128 photos."""
    who = torch.arange(128 // photos).repeat_interleave(photos)
    dice, found = torch.Generator().manual_seed(SEED), 0
    for _ in range(batches):
        chosen = torch.randperm(500, generator=dice)[: 128 // photos]
        x = vectors[chosen, :photos].flatten(0, 1)
        found += len(semi_hard_triplets(euclidean(x, x, squared=True), who, MARGIN)[0])
    return found / (batches * 128 * (photos - 1))


share_of = {photos: share_found(photos) for photos in (2, 4, 8, 16)}

# %% tags=["nbval-ignore-output"]
rows = [(f"{128 // k} people x {k} photos", f"{share:.0%}") for k, share in share_of.items()]
table([("same pairs that find a semi-hard negative", ""), *rows])

# %%
claim(
    "with more people in the batch a larger share of the same pairs finds a semi-hard negative",
    all(share_of[k] > share_of[2 * k] for k in (2, 4, 8)),
)

# %% [markdown]
# <details><summary>Answer</summary>Triplets: $B (K-1)(B-K)$, so 16,128 with 2 photos each and 215,040 with 16. But the share of the same pairs that find a semi-hard negative is largest with 64 people: the more people, the likelier one of them resembles the anchor.</details>
#
# With one photo each there is not a single pair, and the loss is 0 for ever. More photos of each give more pairs, more people give better (closer) negatives: both want a big batch, hence FaceNet's 1,800.
#
# ## What pairs cost
#
# Why not classify, as in notebook 02, and forget about pairs? Both ways grow, each in its own direction (L4.05): a softmax layer with the number of **people**, pairs and triplets with the number of **photos**.

# %%
sets = {  # people, photos
    "this notebook": (500, 12_000),
    "MS1MV2 (ArcFace's)": (85_000, 5_800_000),
    "FaceNet's": (8_000_000, 200_000_000),
}
rows = [("", "softmax layer, 64 numbers each", "pairs of photos", "triplets")]
for name, (ids, photos) in sets.items():
    per = photos / ids
    counts = (64 * ids, photos * (photos - 1) / 2, photos * (per - 1) * (photos - per))
    rows.append((name, *(f"{count:.1e}" for count in counts)))
table(rows)

# %% jupyter={"source_hidden": true}
fig, (ax,) = plots.panels(1, height=3.0)
photos = torch.logspace(3, 8.5, 50)
lines = {
    "triplets": photos**2 * 23,
    "pairs": photos**2 / 2,
    "weights of a softmax layer": 64 * photos / 24,
}
for (name, line), colour in zip(lines.items(), (plots.OTHER, "#E69F00", plots.SAME), strict=True):
    ax.plot(photos, line, color=colour, lw=2.5)
    ax.text(photos[-1] * 1.3, line[-1], name, color=colour, weight="bold", va="center")
ax.set(
    title="Pairs grow with the square of the number of images",
    xlabel="photos, 24 of each person",
    xscale="log",
    yscale="log",
)
ax.set(xlim=(1e3, 3e10), ylim=(1e3, 1e19))
alt = "With the number of photos, pairs and triplets grow as its square, a softmax layer in proportion; on logarithmic "
figure(fig, alt + "axes three straight lines, that of the softmax layer far below.")

# %% [markdown]
# Pairs need not be stored; they must be *chosen well*. The softmax layer must be stored. For FaceNet's 8 million people and 64 numbers it has half a billion weights: 2 GB, and 8 GB with its gradient and Adam's two averages. With 512 numbers per person, as in ArcFace, it is eight times as much. And a softmax layer only knows the people of its training set; what its embedding is good for on unseen identities is the subject of notebook 04.
#
# ## More people
#
# FaceNet trained on 100 to 200 million photos of 8 million people; its table on data size goes up to 260 million (L2.16). We vary the number of people: 60, 150 and all 500 of them, 250 batches each.

# %% tags=["nbval-ignore-output"]
by_people = {}
for count in (60, 150):
    part, encoder = people[people.labels < count], face_encoder(SEED)
    load_or_train(
        f"03-{count}-people",
        encoder,
        triplet_trainer(choices["semi-hard"]),
        part.images,
        part.labels,
    )
    by_people[f"{count} people, {len(part):,} photos"] = verify(encoder, strangers)
by_people["500 people, 12,000 photos"] = tar["semi-hard"]
fewest, some, all_of_them = by_people.values()
record("gain.first", 100 * (some - fewest), ".0f")
record("gain.then", 100 * (all_of_them - some), ".0f")
table(
    [("ours", "TAR at FAR 1/1000")]
    + [(name, f"{100 * value:.1f}%") for name, value in by_people.items()]
)
table(
    [
        ("FaceNet", "VAL at FAR 1/1000"),
        ("2,600,000 photos", "76.3%"),
        ("26,000,000", "85.1%"),
        ("52,000,000", "85.1%"),
        ("260,000,000", "86.2%"),
    ]
)

# %%
claim("150 people instead of 60: better by more than .08", some > fewest + 0.08)
claim("500 people instead of 60: better by more than .12", all_of_them > fewest + 0.12)
claim(
    "the step from 150 to 500 gives less than the one from 60 to 150",
    all_of_them - some < some - fewest,
)

# %% [markdown]
# The same work, spent on more people, is worth more. But the gain shrinks: from 60 to 150 people the TAR rises by {{gain.first}} percentage points, from 150 to 500 by {{gain.then}}. In FaceNet's table ten times as many photos, from 26 to 260 million, add 1.1 percentage points.
#
# ## The error behind it
#
# What are all of these losses after? Take the score $a$ of a pair as a ranking: same pairs should stand above different ones. The **pairwise ranking error** counts how often they do not (L5.16),
#
# $$ \frac{1}{|R|}\sum_{(i,j)\in R} \left[\,a(x_i) - a(x_j) < 0\,\right], $$
#
# over all $R$ that should be ranked one above the other. Counting has no gradient; the triplet loss is that count with the step replaced by a ramp, restricted to pairs that share their anchor. ("Not quite about learning a distance", says the slide: it would do to rank.)

# %%
from course_lib.metric_learning.triplets import pairwise_ranking_error

show_source(pairwise_ranking_error)

six = strangers[strangers.labels < 6]
scores, same = all_pairs(embed(encoders["semi-hard"], six.images), six.labels)
ranked = torch.cartesian_prod(
    same.nonzero()[:, 0], (~same).nonzero()[:, 0]
)  # every same pair above every other
print(f"{len(ranked):,} ranked pairs of pairs")

# %%
error = pairwise_ranking_error(scores.double(), ranked).item()
claim("the ranking error is 1 - AUC", abs(error - (1 - auc(scores, same))) < 1e-6)

# %% [markdown]
# ## What you can do now
#
# * **The losses:** contrastive pulls genuine pairs with force $d$ and pushes impostor pairs with $M - d$ until the margin; triplet asks for $d_{AP}^2 + M < d_{AN}^2$, and its gradient vanishes where it is so.
# * **Judging:** at FAR 1/1000, pixels accept {{tar.pixels}} of the genuine pairs, the semi-hard network {{tar.semi-hard}}.
# * **Choosing triplets:** TAR {{tar.random}} with random ones, {{tar.hard}} with hard, {{tar.semi-hard}} with semi-hard; easy triplets teach nothing.
# * **Batch and cost:** $B(K-1)(B-K)$ triplets in a batch; pairs grow with the square of the number of images, a softmax layer linearly with the number of people.
# * **Collapse:** a loss slightly above the margin and no spread; the hardest triplets without batch normalisation do it in ten steps.
#
# **Go on:** [04](04_margin_losses.ipynb) gives the softmax layer a margin, and compares it with the triplets of this page, on the same people. 13 builds a door on it; 06 searches with it.
#
# **Read:** Hadsell and others, [Dimensionality Reduction by Learning an Invariant Mapping](https://doi.org/10.1109/CVPR.2006.100) (2006) · Schroff and others, [FaceNet](https://arxiv.org/abs/1503.03832) (2015) · Hermans and others, [In Defense of the Triplet Loss](https://arxiv.org/abs/1703.07737) (2017) · Musgrave and others, [A Metric Learning Reality Check](https://arxiv.org/abs/2003.08505) (2020).
