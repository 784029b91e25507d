# %% [markdown]
# # Embeddings: a picture becomes a vector
#
# A search engine that finds pictures like yours, a phone that groups photos by person, a gate that opens for the right
# face: each of them first turns a picture into a list of numbers, and from then on only compares numbers. That list is
# the picture's **embedding**, and this notebook makes three kinds of it. At the end you will be able to
#
# * turn any picture into a vector - its pixels, its colours, a network's penultimate layer - and say what each is blind to;
# * measure how near two pictures are, by Euclidean and by cosine distance, and say when the two rank alike;
# * search a collection with one matrix product;
# * sort pictures into clusters without labels, measure how well that went, and draw the map of the space;
# * say what the embedding of a classifier is not good for.
#
# Lecture topics L1.01-L1.06, L1.13, L1.16. Runs in about a minute on two CPU cores
# ([measured](00_start_here.ipynb#How-long-each-notebook-takes)).

# %%
import torch

from course_lib import datasets, plots
from course_lib.notebook import claim, compare, explore, figure, show_source, table

SEED = 0

# %% [markdown]
# ## Vectors of a picture
#
# Ten photographs are cut into small squares of 32 x 32 pixels. From the **left** half of each photograph come ten
# cut-outs that we put on a *shelf*; from the **right** half come forty that will be *queries*. No pixel is in both. The
# game of this notebook: given a query, find on the shelf a cut-out of the same photograph.

# %%
shelf = datasets.load("photo-crops", "train", seed=SEED, per_class=10)
queries = datasets.load("photo-crops", "test", seed=SEED, per_class=40)
print("shelf  ", list(shelf.images.shape), "  queries", list(queries.images.shape))

# %%
fig, (left, right) = plots.panels(2, height=2.5)
by_photo = (
    torch.arange(100).view(10, 10)[:, :5].T.flatten()
)  # five cut-outs of each photograph, one photograph a column
plots.contact_sheet(left, shelf.images[by_photo], columns=10, title="On the shelf: left halves of ten photographs")
by_photo = torch.arange(400).view(10, 40)[:, :5].T.flatten()
plots.contact_sheet(right, queries.images[by_photo], columns=10, title="Queries: their right halves")
figure(fig, alt="Two sheets of small colour cut-outs, a column for each of ten photographs: astronaut, cat, coffee, "
       "galaxies, cells, retina, rocket, temple, flower, motorcycle.")  # fmt: skip

# %% [markdown]
# Each column is one photograph: the astronaut, the cat, a cup of coffee, galaxies, stained cells, a retina, a rocket, a
# temple, a flower, a motorcycle. Some columns are all of one colour, some are a mixture. Keep that in mind.
#
# The simplest vector of a picture is the picture: 32 x 32 pixels of three colours, written in one row. A second one
# forgets *where* and keeps *how much*: cut red, green and blue into four steps each, and count how many pixels fall into each of
# the 4 x 4 x 4 = 64 boxes. Both are **descriptors** made by hand.

# %%
from course_lib.descriptors import colour_histogram, pixels

show_source(colour_histogram)
print("pixels          ", list(pixels(shelf.images).shape))
print("colour histogram", list(colour_histogram(shelf.images).shape))

# %% [markdown]
# So the shelf is now a matrix with a row for every cut-out: 3,072 numbers a row, or 64. What is in a row?


# %%
def draw_vectors(cut_out=11, bins=4):
    fig, axes = plots.panels(3, height=2.7, widths=(0.8, 1.4, 1.6))
    image = shelf.images[cut_out]
    plots.show_image(axes[0], image, shelf.names[shelf.labels[cut_out]])
    axes[1].plot(pixels(image[None])[0], color=plots.MUTED, lw=0.4)
    axes[1].set(title="3,072 pixel values", xlabel="red, then green, then blue", xticks=[0, 1024, 2048, 3072])
    steps = (torch.cartesian_prod(*[torch.arange(bins)] * 3) + 0.5) / bins  # the colour of each bin
    axes[2].bar(range(bins**3), colour_histogram(image[None], bins)[0], color=steps.numpy(), width=1.0)
    axes[2].set(title=f"{bins**3} colours and their shares", xlabel="bin", ylabel="root of the share", ylim=(0, 1))
    return fig


explore(
    draw_vectors,
    alt="A cut-out of the cat, its 3,072 pixel values as a noisy line, and its 64 colour bins: a few brown ones are filled.",
    presets={"cat": {"cut_out": 11}, "galaxies": {"cut_out": 33}, "flower": {"cut_out": 85}},
    cut_out=(0, 99, 1),
    bins=[2, 3, 4, 6],
)

# %% [markdown]
# The pixel row remembers everything, noise included. The histogram remembers a handful of colours: for the cat some browns,
# for the galaxies nearly nothing but black.
#
# **Predict first:** turn a picture upside down. Which of the two vectors changes?
#
# <details><summary>Answer</summary>The pixel vector changes nearly everywhere, the histogram not at all: it never knew
# where a pixel was. That is a strength (a cat is a cat upside down) and a blindness (a French and a Dutch flag differ only in
# where their colours are).</details>

# %% [markdown]
# ## Near and far
#
# Once pictures are vectors, "how alike are they?" becomes "how far apart are their vectors?" The plainest distance is
# Euclid's, the length of the straight line between them:
#
# $$ d(x, y) = \lVert x - y \rVert = \sqrt{\textstyle\sum_i (x_i - y_i)^2} $$

# %%
from course_lib.distances import cosine, euclidean, normalize

few = torch.tensor([10, 13, 20, 24, 72, 75])  # two cats, two coffees, two temples
fig, (left, right) = plots.panels(2, height=4.3)
plots.distance_table(
    left, shelf.images[few], euclidean(*[pixels(shelf.images[few])] * 2), "By pixels only the cats are near"
)
by_colour = euclidean(*[colour_histogram(shelf.images[few])] * 2)
plots.distance_table(right, shelf.images[few], by_colour, "By colours all three pairs are", digits=2)
figure(fig, alt="Two tables of distances between six cut-outs. By colours the two of one photograph are nearest to "
       "each other; by pixels they often are not.")  # fmt: skip

# %% [markdown]
# Dark is near. A good descriptor has a dark square beside each white one: cat with cat, coffee with coffee, temple with
# temple. By colours it is so. By pixels the two coffees (17.3) are farther apart than a coffee and a cat (14.4): nearness often
# only means "equally bright in the same corner".
#
# All thirty-six distances came from one call. Here is how it does that without a loop:

# %%
show_source(euclidean)

# %% [markdown]
# It expands the square, $\lVert x-y\rVert^2 = \lVert x\rVert^2 + \lVert y\rVert^2 - 2\,x^\top y$, so that all pairs come from **one matrix
# product**. The three terms nearly cancel for near pictures, and float32 keeps only seven digits, which is why the sum is
# made in float64. That is not pedantry: torch's own fast mode, in float32, loses it.

# %%
from scipy.spatial.distance import cdist

x = pixels(shelf.images)
ours, peer = euclidean(x, x), torch.from_numpy(cdist(x, x)).float()
fast = torch.cdist(x, x, compute_mode="use_mm_for_euclid_dist")
claim("our distances equal scipy's to 1e-6 of their size", torch.allclose(ours, peer, rtol=1e-6, atol=1e-6))
claim("a picture is at distance 0 from itself, for us", ours.diagonal().max() == 0)
claim("...and not for the float32 matrix product", fast.diagonal().max() > 1e-3)

# %% [markdown]
# ## Euclidean against cosine
#
# The second distance of the lecture asks only for the **direction** of a vector:
#
# $$ d_{\cos}(x, y) = 1 - \cos(x, y) = 1 - \frac{x^\top y}{\lVert x\rVert \lVert y\rVert} $$
#
# A photograph taken with half the light is the same vector at half the length. Euclid calls that far, the cosine calls it the
# same. Four points and a query in the plane show how differently they can rank. Move the query's length: one ranking changes, the other cannot.

# %%
show_source(cosine)
points = torch.tensor([[1.0, 0.25], [0.5, 0.75], [1.7, 1.5], [-0.3, 0.5]])


def draw_two_distances(length=1.9, angle=25, normalise=False):
    radians = torch.deg2rad(torch.tensor(float(angle)))
    query = length * torch.stack([radians.cos(), radians.sin()])[None]  # [1, 2]
    here, there = (normalize(query), normalize(points)) if normalise else (query, points)
    fig, axes = plots.panels(2, height=4.0)
    for ax, name, distance in zip(axes, ("Euclidean", "Cosine"), (euclidean, cosine), strict=True):
        order = distance(here, there)[0].argsort()
        best = there[order[0]]
        ends = torch.stack([here[0], best]) if name == "Euclidean" else torch.stack([here[0], 0 * best, best])
        ax.plot(*ends.T, color=plots.SAME, lw=2.5, alpha=0.6)
        ax.annotate("", here[0].tolist(), (0, 0), arrowprops={"arrowstyle": "-|>", "color": plots.QUERY})
        ax.scatter(*there.T, s=170, color=[plots.SAME if i == order[0] else plots.MUTED for i in range(4)], zorder=3)
        for i, point in enumerate(there.tolist()):
            ax.text(*point, "ABCD"[i], color="white", ha="center", va="center", weight="bold", zorder=4)
        turn = torch.linspace(0, 6.3, 100)
        ax.plot(turn.cos(), turn.sin(), color="#CCCCCC", lw=1, ls="--", zorder=0)
        ax.set(xlim=(-1.1, 2.3), ylim=(-0.5, 2.0), aspect="equal")
        ax.set_title(name + ": " + " < ".join("ABCD"[i] for i in order))
    return fig


explore(
    draw_two_distances,
    alt="Four points and a query arrow in the plane: by Euclidean distance the far point C is nearest, by cosine distance the near point A.",
    presets={"short query": {"length": 0.4}, "on the circle": {"normalise": True}},
    length=(0.2, 2.4, 0.1),
    angle=(0, 90, 1),
    normalise=False,
)

# %% [markdown]
# Tick *normalise* and both panels say the same, wherever you put the query. This is no accident. For vectors of length 1
#
# $$ \lVert x - y\rVert^2 = 1 + 1 - 2\,x^\top y = 2\,(1 - \cos(x, y)), $$
#
# so one distance is a rising function of the other, and a ranking is all that a search needs. Measured on the pixel vectors:

# %%
x, q = pixels(shelf.images).double(), pixels(queries.images).double()
unit_x, unit_q = normalize(x), normalize(q)
pairs = {"cat, cat": (10, 13), "cat, coffee": (10, 20), "cat, galaxies": (10, 33)}
compare(
    ours={name: euclidean(unit_x[[i]], unit_x[[j]], squared=True).item() for name, (i, j) in pairs.items()},
    lecture={name: 2 * cosine(x[[i]], x[[j]]).item() for name, (i, j) in pairs.items()},
    titles=("squared Euclidean distance of unit vectors, measured", "2 (1 - cos), the formula"),
)
claim(
    "on unit vectors Euclidean and cosine distance rank the whole shelf alike, for all 400 queries",
    (euclidean(unit_q, unit_x).argsort(1) == cosine(unit_q, unit_x).argsort(1)).all(),
)
agree = (euclidean(q, x).argmin(1) == cosine(q, x).argmin(1)).float().mean()
claim("on vectors of any length they often do not even agree on the nearest one", agree < 0.7)

# %%
fig, (left, right) = plots.panels(2, height=3.4)
some = torch.randperm(400, generator=torch.Generator().manual_seed(SEED))[:40]
left.scatter(cosine(q[some], x), euclidean(q[some], x, squared=True), s=3, color=plots.MUTED, alpha=0.5)
left.set(title="Any length: a cloud", xlabel="cosine distance", ylabel="squared Euclidean distance")
right.scatter(cosine(q[some], x), euclidean(unit_q[some], unit_x, squared=True), s=3, color=plots.SAME, alpha=0.5)
right.set(title="Length one: a line, and one ranking", xlabel="cosine distance")
right.text(0.3, 0.35, "2 (1 - cos)", color=plots.SAME, weight="bold")
figure(fig, alt="Squared Euclidean against cosine distance for 4,000 pairs: a cloud for raw pixel vectors, "
       "a straight line through the origin for unit vectors.")  # fmt: skip

# %% [markdown]
# Left, two pictures with the same cosine distance can be near or far: light and contrast spread the cloud. Right, every pair lies
# on the line. This is why most systems normalise their embeddings once and never think about the choice again.
#
# ## One matrix product
#
# Write the embeddings of the whole collection as rows of a matrix $X$. For unit vectors, the similarity of a query $y$ to
# *everything* is the one product $X y$, and for many queries the one product $X Y^\top$. How much does it matter that it is one product?

# %%
import time


def by_loop(queries, database):
    return torch.tensor([[1 - (one @ other).item() for other in database] for one in queries])


def seconds(action):
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


unit_q32, unit_x32 = unit_q.float(), unit_x.float()
same = torch.allclose(by_loop(unit_q32[:20], unit_x32), 1 - unit_q32[:20] @ unit_x32.T, atol=1e-5)
claim("a loop over all pairs and one matrix product give the same distances", same)

# %% tags=["nbval-ignore-output"]
loop = 20 * seconds(lambda: by_loop(unit_q32[:20], unit_x32))  # a twentieth of the queries is enough to wait for
product = min(seconds(lambda: 1 - unit_q32 @ unit_x32.T) for _ in range(20))
table([("40,000 distances of 3,072 numbers", "milliseconds"), ("two loops in Python", f"{1000 * loop:,.0f}"),
       ("one matrix product", f"{1000 * product:,.1f}"), ("ratio", f"{loop / product:,.0f} : 1")])  # fmt: skip

# %%
claim("one product is at least ten times as fast as the loops", loop / product > 10)

# %% [markdown]
# Same numbers, and a factor of about a hundred: a matrix product is what processors do best. A search index is then
# a matrix and a few lines around it. Ours takes the database in blocks, so that a big one does not fill the memory:

# %%
from course_lib.search import ExactIndex, precision_at_1

show_source(ExactIndex.search)

# %% [markdown]
# ## Query and results
#
# A query goes in, the nearest pictures come out. Choose a query, a descriptor and a distance. Blue frames are of the query's photograph, orange ones are not.

# %%
describe = {"pixels": pixels, "colours": colour_histogram}


def draw_search(query=42, descriptor="colours", metric="euclidean", k=6):
    index = ExactIndex(metric)
    index.add(describe[descriptor](shelf.images))
    distances, found = index.search(describe[descriptor](queries.images[[query]]), k)
    captions = [f"{distance:.2f}" for distance in distances[0]]
    correct = shelf.labels[found[0]] == queries.labels[query]
    return plots.gallery(queries.images[query], shelf.images[found[0]], captions, correct.tolist())


explore(
    draw_search,
    alt="A query cut-out of the cat and its six nearest cut-outs by colour: nearly all from the same photograph.",
    presets={
        "the same by pixels": {"query": 42, "descriptor": "pixels"},
        "a cat of wood": {"query": 62, "descriptor": "colours"},
    },
    query=(0, 399, 1),
    descriptor=["pixels", "colours"],
    metric=["euclidean", "cosine"],
    k=(1, 8, 1),
)

# %% [markdown]
# One query proves nothing. Count over all 400: how often is the *nearest* cut-out on the shelf of the right photograph? This is the
# accuracy of a **1-nearest-neighbour classifier**, also called precision at 1; guessing would give 0.1. And ask the question twice: once in the photograph's own
# light, once with a random lamp over every cut-out (up to 40% brighter or darker, a little warmer or cooler).
#
# **Predict first:** which descriptor suffers more from the lamp?

# %%
shelf_lamp = datasets.load("photo-crops", "train", seed=SEED, per_class=10, light=0.4)
queries_lamp = datasets.load("photo-crops", "test", seed=SEED, per_class=40, light=0.4)


def nearest_is_right(descriptor, shelf, queries, metric="euclidean"):
    index = ExactIndex(metric)
    index.add(descriptor(shelf.images))
    _, found = index.search(descriptor(queries.images), k=1)
    return precision_at_1(found, queries.labels, shelf.labels)


# %% tags=["nbval-ignore-output"]
own_light = {name: nearest_is_right(make, shelf, queries) for name, make in describe.items()}
any_lamp = {name: nearest_is_right(make, shelf_lamp, queries_lamp) for name, make in describe.items()}
table([("precision at 1", *describe), ("the photograph's own light", *(f"{v:.2f}" for v in own_light.values())),
       ("under any lamp", *(f"{v:.2f}" for v in any_lamp.values()))])  # fmt: skip

# %%
claim("colours find the photograph more often than pixels", own_light["colours"] > own_light["pixels"] + 0.1)
claim("a change of light costs the colours more", own_light["colours"] - any_lamp["colours"] > 0.1
      and own_light["colours"] - any_lamp["colours"] > own_light["pixels"] - any_lamp["pixels"])  # fmt: skip

# %% [markdown]
# In their own light the colours find the photograph in eight or nine cases of ten, the pixels in five or six. Under the lamp the colours
# lose a quarter of a point: a red that became orange has moved to another bin. A descriptor made by hand is as
# good as its maker's guess about what will change in the world. Could the machine find out by itself what to keep?
#
# ## A network that makes vectors
#
# Give the task to a convolutional network: train it to name the photograph, under lamps drawn at random, and then throw the naming away. What stands
# *before* the last layer - the **penultimate layer** - is a vector that made naming easy: the embedding. Any picture goes in, 32 numbers come out.

# %%
from course_lib.augment import random_light
from course_lib.encoders import Classifier, ConvEncoder, embed
from course_lib.training import batches, cross_entropy, fit, load_or_train, progress

show_source(ConvEncoder)

# %% [markdown]
# It learns from 200 other cut-outs of each left half; the queries' halves it never sees. The training loop is the one that every notebook
# of this course uses: a batch, a loss, a step.


# %% tags=["nbval-ignore-output"]
def train_on_photos(model, images, labels):
    sample = batches(images, labels, size=128, augment=random_light)
    return fit(model, sample, cross_entropy, steps=120, seed=SEED, max_seconds=60, label="photographs")


lesson = datasets.load("photo-crops", "train", seed=SEED + 1000, per_class=200)
torch.manual_seed(SEED)
photo_net = Classifier(ConvEncoder(channels=3, dim=32, widths=(32, 64, 64, 128)), classes=10)
losses = load_or_train("02-photographs", photo_net, train_on_photos, lesson.images, lesson.labels)

describe["network"] = lambda images: embed(photo_net.encoder, images)
own_light["network"] = nearest_is_right(describe["network"], shelf, queries)
any_lamp["network"] = nearest_is_right(describe["network"], shelf_lamp, queries_lamp)

fig, axes = plots.panels(3, height=2.8)
axes[0].plot(losses, color=plots.SAME, lw=1.5)
axes[0].set(title="The network learns", xlabel="step", ylabel="cross-entropy", ylim=(0, None))
colours = [plots.MUTED, plots.OTHER, plots.SAME]
plots.bars(axes[1], own_light, "Own light: the colours lead", colours, digits=2)
plots.bars(axes[2], any_lamp, "Any lamp: the network leads", colours, digits=2)
figure(fig, alt="The training loss falls. Precision at 1: in the photographs' own light the network and the colours are "
       "close; under any lamp the network is clearly ahead, pixels last.")  # fmt: skip

# %%
claim("under any lamp the network's embedding beats the colours", any_lamp["network"] > any_lamp["colours"] + 0.05)
claim("and the colours beat the pixels", any_lamp["colours"] > any_lamp["pixels"] + 0.05)

# %% [markdown]
# Under any lamp the network finds the photograph in more than seven cases of ten, where colours manage six and pixels five. It has
# *learned* that light does not matter. In the photograph's own light it is no better than the colours, over several
# random draws: where nothing changes, forgetting the light gains nothing, and a thoughtful person's descriptor can equal ten seconds of
# training. Search once more with the network, under the lamp:


# %%
def draw_lamp_search(query=42, descriptor="network", k=6):
    index = ExactIndex("cosine")
    index.add(describe[descriptor](shelf_lamp.images))
    distances, found = index.search(describe[descriptor](queries_lamp.images[[query]]), k)
    captions = [f"{distance:.2f}" for distance in distances[0]]
    correct = shelf_lamp.labels[found[0]] == queries_lamp.labels[query]
    return plots.gallery(queries_lamp.images[query], shelf_lamp.images[found[0]], captions, correct.tolist())


# %% tags=["nbval-ignore-output"]
explore(
    draw_lamp_search,
    alt="A query under a coloured lamp and six results found by the network's embedding, each in a light of its own.",
    presets={"same query, colours": {"query": 42, "descriptor": "colours"}},
    query=(0, 399, 1),
    descriptor=list(describe),
    k=(1, 8, 1),
)

# %% [markdown]
# ### With ten labelled examples a class
#
# That comparison was not quite fair: the network had seen 2,000 labelled cut-outs, the colours none. So once more on
# handwritten digits, where pixels are a strong opponent, with **the same 100 labelled pictures** for everybody: ten of each digit
# are the shelf, and they are also all that the network may learn from.

# %%
from course_lib.augment import random_affine

digits, test_digits = (datasets.load("digits", split, seed=SEED) for split in ("train", "test"))
ten_each = digits.first_per_class(10)
fig, (left, right) = plots.panels(2, height=4.4)
plots.contact_sheet(
    left,
    ten_each.images.view(10, 10, 1, 8, 8).transpose(0, 1).flatten(0, 1),
    10,
    "All that is labelled: ten of each digit",
)
turned = random_affine(ten_each.images[30:40].repeat(10, 1, 1, 1), torch.Generator().manual_seed(SEED))
plots.contact_sheet(right, turned, 10, "Ten threes, turned, scaled and shifted")
figure(
    fig, alt="Left, a hundred small handwritten digits, ten of each. Right, ten threes, each in ten random variations."
)


# %% tags=["nbval-ignore-output"]
def learn_digits(data, augment, classes=10):
    torch.manual_seed(SEED)
    net = Classifier(ConvEncoder(channels=1, dim=32), classes)
    fit(net, batches(data.images, data.labels, 100, augment), cross_entropy, steps=300, seed=SEED, max_seconds=60)
    return lambda images: embed(net.encoder, images)


digit_vectors = {
    "pixels": pixels,
    "network": learn_digits(ten_each, None),
    "network, varied pictures": learn_digits(ten_each, random_affine),
}
right_digit = {name: nearest_is_right(make, ten_each, test_digits) for name, make in digit_vectors.items()}
fig, (ax,) = plots.panels(1, height=1.9)
plots.bars(ax, right_digit, "The same 100 labels: variation is what helps", colours)
ax.set(xlim=(0.8, 1.0), xlabel="1-NN accuracy on 797 unseen digits (axis begins at 0.8)")
figure(
    fig,
    alt="Bars of 1-NN accuracy: pixels and the plain network are close to 0.92, the network trained on varied pictures reaches about 0.97.",
)

# %%
claim(
    "with 10 labelled examples a class, a CNN embedding learned from varied pictures beats raw pixels in 1-NN accuracy",
    right_digit["network, varied pictures"] > right_digit["pixels"] + 0.01,
)

# %% [markdown]
# About 0.93 for pixels, 0.92 for the network, 0.97 for the network that saw the hundred digits turned, scaled and shifted
# (four random divisions into train and test: pixels .915-.932, plain .911-.932, varied .965-.975). A hundred labels alone teach a network nothing that
# pixels do not know. What helps is the *knowledge we put in*: that a three remains a three when it leans.
#
# ## Clusters
#
# Now take the labels away altogether. **K-means** places k centres, gives every vector to the nearest one, moves each centre to the mean of its vectors, and
# repeats. If the embedding is good, its clusters are the classes, though nobody told it any. We measure agreement with the true labels by
# the **adjusted Rand index** (ARI: 1 for the same grouping, 0 on average for a random one) and **normalised mutual information** (NMI: 1 and near 0).

# %% tags=["nbval-ignore-output"]
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score


def cluster(vectors, k=10):
    return torch.from_numpy(KMeans(k, n_init=10, random_state=SEED).fit_predict(vectors)).long()


vectors = {
    "pixels": pixels(test_digits.images),
    "embeddings": digit_vectors["network, varied pictures"](test_digits.images),
}
groups = {name: cluster(v) for name, v in vectors.items()}
ari = {name: adjusted_rand_score(test_digits.labels, g) for name, g in groups.items()}
nmi = {name: normalized_mutual_info_score(test_digits.labels, g) for name, g in groups.items()}
table([("ten clusters of 797 digits", "ARI", "NMI"), *((n, f"{ari[n]:.3f}", f"{nmi[n]:.3f}") for n in vectors)])

# %%
claim(
    "clusters of embeddings agree with the labels better than clusters of pixels (ARI)",
    ari["embeddings"] > ari["pixels"] + 0.1,
)
claim("...and by mutual information too (NMI)", nmi["embeddings"] > nmi["pixels"] + 0.1)

# %% [markdown]
# About 0.6 against 0.95 by ARI, the same order by NMI. (The network saw a hundred labels, k-means none.) What is in a cluster shows more than its number:


# %% tags=["nbval-ignore-output"]
def draw_clusters(vectors_of="pixels", k=10):
    group = groups[vectors_of] if k == 10 else cluster(vectors[vectors_of], k)
    fig, axes = plots.panels(5, rows=-(-k // 5), height=1.15)
    for ax in axes[k:]:
        ax.axis("off")
    for number, ax in zip(range(k), axes, strict=False):
        members = torch.where(group == number)[0]
        counts = test_digits.labels[members].bincount(minlength=10)
        title = f"{counts.argmax()}: {counts.max() / counts.sum():.0%} of {len(members)}"
        plots.contact_sheet(ax, test_digits.images[members[:21]], columns=7, title=title)
    return fig


explore(
    draw_clusters,
    alt="Ten clusters of digits by pixels, 21 members of each: some are pure, some mix ones with eights or threes with nines.",
    presets={"embeddings": {"vectors_of": "embeddings"}, "too few clusters": {"vectors_of": "embeddings", "k": 5}},
    vectors_of=["pixels", "embeddings"],
    k=(2, 15, 1),
)

# %% [markdown]
# By pixels, ones, eights and nines share clusters; by embeddings most clusters are pure. Choose too few and digits merge, too many and a digit splits into its
# ways of being written: k is a choice, not a discovery.
#
# ### The map of the space
#
# Thirty-two dimensions cannot be looked at; two can. **PCA** looks at the cloud of vectors from the direction in which it is widest. **UMAP**
# draws a new map on which those who were neighbours stay neighbours. It compiles itself when first imported, which takes some ten seconds.

# %% tags=["nbval-ignore-output"]
from sklearn.decomposition import PCA
from umap import UMAP

some = slice(0, 400)
neighbour_counts = [5, 15, 50, 150]
maps = {(name, "PCA"): PCA(2).fit_transform(v[some]) for name, v in vectors.items()}
for name, v in vectors.items():
    for n in progress(neighbour_counts, f"maps of the {name}"):
        maps[name, n] = UMAP(n_neighbors=n, min_dist=1, random_state=SEED, n_jobs=1).fit_transform(v[some])


# %% tags=["nbval-ignore-output"]
def draw_map(vectors_of="embeddings", map_by=15, pictures=True):
    fig, (ax,) = plots.panels(1, height=6.5)
    places, title = (
        maps[vectors_of, map_by],
        f"{vectors_of}, {map_by if map_by == 'PCA' else f'UMAP of {map_by} neighbours'}",
    )
    if pictures:
        plots.thumbnail_map(ax, places, test_digits.images[some], test_digits.labels[some], title)
    else:
        plots.scatter_classes(ax, places, test_digits.labels[some], test_digits.names, title)
    return fig


explore(
    draw_map,
    alt="A map of 400 handwritten digits: ten islands, one for each digit, with a few strays.",
    presets={
        "PCA of pixels": {"vectors_of": "pixels", "map_by": "PCA"},
        "UMAP of pixels": {"vectors_of": "pixels", "map_by": 15},
    },
    vectors_of=["pixels", "embeddings"],
    map_by={"PCA": "PCA", **{f"UMAP, {n} neighbours": n for n in neighbour_counts}},
    pictures=True,
)

# %% [markdown]
# PCA of the pixels is a smear: two directions are too few. UMAP finds islands, clearer ones in the embeddings. With 5 neighbours the map tears islands apart,
# with 150 it keeps more of the whole. Do not read too much from it: on a UMAP the distance *between* islands, their size and their shape mean little.
#
# ## A class it has never seen
#
# The embedding of a classifier has made everything easy so far. But it was trained on the very classes it was asked for. A face recogniser meets people
# who were not in its training set. So: train on the digits 0-6 only, with 700 labelled pictures, and search among **7, 8 and 9**.
#
# **Predict first:** will the network still beat the pixels?

# %% tags=["nbval-ignore-output"]
seen_net = learn_digits(digits[digits.labels < 7], random_affine, classes=7)
result = {}
for name, keep in (("digits 0-6, seen", lambda y: y < 7), ("digits 7-9, never seen", lambda y: y >= 7)):
    shelf_part, query_part = ten_each[keep(ten_each.labels)], test_digits[keep(test_digits.labels)]
    result[name] = {
        n: nearest_is_right(f, shelf_part, query_part) for n, f in (("pixels", pixels), ("network", seen_net))
    }
table(
    [
        ("1-NN accuracy", "pixels", "network"),
        *((n, f"{r['pixels']:.3f}", f"{r['network']:.3f}") for n, r in result.items()),
    ]
)

# %%
seen, unseen = result["digits 0-6, seen"], result["digits 7-9, never seen"]
claim("on the classes it was trained on, the classifier's embedding beats pixels", seen["network"] > seen["pixels"])
claim(
    "on classes it has never seen, pixels beat the classifier's embedding", unseen["network"] < unseen["pixels"] - 0.02
)

# %% [markdown]
# On its own digits the network is nearly perfect. On new ones it is *worse than no network at all* (over four random divisions .81-.90 against .955-.975): it has learned
# what tells 0-6 apart, and was free to throw away all the rest - such as what tells a 7 from a 9.
#
# What we want is not a network that names classes, but one that puts *like near like*, whatever comes. Training a distance itself is called
# **metric learning**, and the next notebooks are about how.
#
# ## What you can do now
#
# * **Vectors:** pixels remember where and suffer from every shift; colours remember how much and suffer from the lamp; the network's penultimate layer
#   kept what its training needed, and was blind to the rest.
# * **Distances:** Euclidean sees length, cosine only direction; on unit vectors $\lVert x-y\rVert^2 = 2(1-\cos)$ and they rank alike (400 queries of 400).
# * **Search:** one matrix product for all queries against all pictures, some hundred times as fast as the loops.
# * **Clusters and maps:** ARI 0.6 for pixels, 0.95 for embeddings; PCA shows the widest view, UMAP the neighbourhoods.
# * **What it is not good for:** a classifier's embedding lost to plain pixels on classes that it had never seen.
#
# **Go on:** [03 and 04](00_start_here.ipynb#The-lecture-map) train the distance itself. A network trained on one task and used for another is *transfer learning* (lecture topic L2.03);
# notebooks 11 and 12 return to it.
#
# **Read:** Swain and Ballard, [Color Indexing](https://doi.org/10.1007/BF00130487) (1991) · McInnes and others, [UMAP](https://arxiv.org/abs/1802.03426) (2018) ·
# Hubert and Arabie, [Comparing Partitions](https://doi.org/10.1007/BF01908075) (1985), for the ARI · Wattenberg and others, [How to Use t-SNE
# Effectively](https://distill.pub/2016/misread-tsne/) (2016): what maps like these do not say.
