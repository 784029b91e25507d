# %% [markdown]
# # Search and hashing: the nearest of many, without comparing all
#
# The networks of notebooks 03 and 04 turn a face into 64 numbers. Now there is an album, and somebody asks: *who is this?* Comparing the query with every photo is honest work, and it grows with the album: at a thousand photos nobody notices, at a billion nobody waits. This notebook first does that work as fast as it can be done, then learns to leave most of it out, and always says what was lost. At the end you will be able to
#
# * search a collection exactly, by one matrix product, and say how good its answers are;
# * turn a vector into bits by random planes, and predict how often two vectors agree in a bit;
# * search in buckets, choose bits, tables and probes (the buckets looked into in each table), and read **recall**, the share of the true neighbours found, *beside* the share looked at;
# * compare hashing with what is used in production, and say what grows, and how: measured up to 128,000 vectors, continued by theory beyond;
# * find near-duplicates in a collection, keep an index in a file, and search your own photographs, by example and by text.
#
# Lecture topics L1.02, L1.13, L1.14, L1.16. Runs in about a minute on two CPU cores ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). Drawing code is folded away: click on the three dots to read it.

# %%
import json
import math
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np
import torch
from IPython.display import display

from course_lib.data import datasets
from course_lib.machine import ROOT
from course_lib.page import plots
from course_lib.page.controls import explore
from course_lib.page.notebook import claim, figure, record, show_source, table
from course_lib.page.own_folder import own_folder
from course_lib.page.pictures import captioned_sheet, contact_sheet, gallery, show_image
from course_lib.page.predict import predict

SEED = 0

# %% [markdown]
# ## One matrix product, again
#
# Our album holds 500 people whom the network never met: it was trained, as in [notebook 04](04_margin_losses.ipynb), on five hundred others with an ArcFace margin. Of each stranger, 18 photos go into the database, and two others will be the queries.

# %%
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed
from course_lib.recipes.faces import face_model, face_trainer
from course_lib.training.weights import load_or_train

people = datasets.load("faces", "train", seed=SEED)
strangers = datasets.load("faces", "test", seed=SEED, people=500, photos=20)
model = face_model("ArcFace (0.5)", 500, SEED)
load_or_train("06-faces", model, face_trainer(SEED), people.images, people.labels)
vectors = embed(model["encoder"], strangers.images)

for library in (torch.set_num_threads, faiss.omp_set_num_threads):
    library(1)  # from here on one core for everybody, so that times can be compared

# %%
asked = torch.arange(len(vectors)) % 20 < 2  # the first two photos of each person
album, guests = strangers[~asked], strangers[asked]
database, queries = normalize(vectors[~asked]), normalize(vectors[asked])
print("database", list(database.shape), "  queries", list(queries.shape))

# %% [markdown]
# Write the database as a matrix $X$ with a row for every photo (L1.13). All its cosines with a query $y$ are then *one* product, and so are all Euclidean distances, since
#
# $$ \cos(x_i, y) = x_i^\top y \;\text{ for unit vectors}, \qquad \lVert x_i - y\rVert^2 = \lVert x_i\rVert^2 - 2\,x_i^\top y + \lVert y\rVert^2 . $$
#
# The whole search is two lines:

# %% tags=["nbval-ignore-output"]
scores = queries @ database.T  # [1000, 9000]
nearest = scores.topk(18).indices
print("the nearest to query 46:", nearest[46].tolist())

# %% [markdown]
# Query 46 is a photo of person 23, whose photos in the album are numbers 414 to 431: most of what was found is right. The table of all scores may not fit into memory, and float32 rounds. The library's index therefore works in blocks and uses the product only to rule out vectors that are certainly too far; all remaining candidates are compared in float64.

# %%
from course_lib.search.exact import ExactIndex

show_source(ExactIndex.search)

# %%
exact = ExactIndex("cosine")
exact.add(database)
distances, neighbours = exact.search(queries, k=18)
euclid = ExactIndex("euclidean")
euclid.add(database)
by_length, same_neighbours = euclid.search(queries, k=18)
flat_ip, flat_l2 = faiss.IndexFlatIP(64), faiss.IndexFlatL2(64)
for index in (flat_ip, flat_l2):
    index.add(database.numpy())


# %%
def agree(ours, peer, distances):
    """The same neighbours, but for ties: where a number differs, the distances beside it do not."""
    differ = ours != torch.from_numpy(peer)
    gaps = distances.diff(dim=1).abs()
    tie = torch.cat([gaps, gaps[:, -1:]], 1).minimum(torch.cat([gaps[:, :1], gaps], 1)) < 1e-5
    return bool((~differ | tie).all())


claim(
    "cosine: the neighbours of FAISS's IndexFlatIP, ties aside",
    agree(neighbours, flat_ip.search(queries.numpy(), 18)[1], distances),
)
claim(
    "Euclidean: the neighbours of FAISS's IndexFlatL2, ties aside",
    agree(same_neighbours, flat_l2.search(queries.numpy(), 18)[1], by_length),
)
claim(
    "on unit vectors both metrics are one: |x - y|^2 = 2 (1 - cos)",
    (by_length.square() - 2 * distances).abs().max() < 1e-5,
)

# %% [markdown]
# Cosine against Euclidean once more: on unit vectors it makes no difference. Left as they come out of the network, the vectors have lengths of their own, and then it may. How good is each? Three numbers between 0 and 1. **Precision@1** asks about the first result. **R-precision** asks about the first $R$, where $R$ is how many right ones there are, here 18. **MAP@R** is R-precision that rewards being right *early*:
#
# $$ \text{MAP@R} = \frac1R \sum_{i=1}^{R} \big[\,i\text{-th is right}\,\big]\cdot\text{precision at } i . $$
#
# **Predict first:** if the first result is right for {{precision.first}} of the queries, what share of the first 18 is right?

# %%
from course_lib.search.retrieval import mean_average_precision_at_r, precision_at_1, r_precision

show_source(mean_average_precision_at_r)


def judge(found):
    return [m(found, guests.labels, album.labels) for m in METRICS]


METRICS = (precision_at_1, r_precision, mean_average_precision_at_r)

# %% tags=["nbval-ignore-output"]
raw = ExactIndex("euclidean")
raw.add(vectors[~asked])
pixel_rows = [normalize(photos.images.flatten(1)) for photos in (guests, album)]
by_pixels = (pixel_rows[0] @ pixel_rows[1].T).topk(18).indices  # the two lines again
quality = {
    "pixels, cosine": judge(by_pixels),
    "network, Euclidean": judge(raw.search(vectors[asked], k=18)[1]),
    "network, cosine": judge(neighbours),
}
head = ("", "precision@1", "R-precision", "MAP@R")
table([head] + [(name, *(f"{v:.3f}" for v in values)) for name, values in quality.items()])
for name, value in zip(("first", "r", "map"), quality["network, cosine"], strict=True):
    record(f"precision.{name}", value, ".0%")

# %%
plain, turned = quality["network, Euclidean"], quality["network, cosine"]
claim("cosine is better than Euclidean by R-precision", turned[1] > plain[1])
claim("...and by MAP@R", turned[2] > plain[2])
claim("...and level by precision@1, within .02", abs(turned[0] - plain[0]) < 0.02)
claim("R-precision is lower than precision@1 by more than .15", turned[1] < turned[0] - 0.15)

# %% [markdown]
# <details><summary>Answer</summary>{{precision.r}}. The nearest photo is easy: of 18 one will have the same light and pose. The eighteenth must be nearer than 8,982 photos of others.</details>
#
# A model that is judged by its first answer alone looks better than it is; MAP@R is the one to compare models with. And here is what the numbers look like (L1.16): look for a query that pixels lose and the network finds.

# %% jupyter={"source_hidden": true}
found = {"pixels": by_pixels, "exact, by the network": neighbours}
TINT = {True: (0.0, 0.447, 0.698), False: (0.835, 0.369, 0.0), None: (0.0, 0.0, 0.0)}


def framed(image, right):
    side = image.shape[-1] + 6
    tile = torch.tensor(TINT[right])[:, None, None].expand(3, side, side).clone()
    tile[:, 3:-3, 3:-3] = image
    return tile


def draw_results(query=46, search="exact, by the network"):
    numbers = [n for n in found[search][query, :18].tolist() if n >= 0]
    right = [bool(album.labels[n] == guests.labels[query]) for n in numbers]
    tiles = [framed(album.images[n], r) for n, r in zip(numbers, right, strict=True)]
    fig, (left, ax) = plots.panels(2, height=2.9, widths=(1, 5.2))
    show_image(left, framed(guests.images[query], None), "query")
    if tiles:
        title = f"Nearest first: {sum(right)} of {len(tiles)} are the same person"
        contact_sheet(ax, torch.stack(tiles), 6, title)
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_results,
    alt="A query photo, and the eighteen nearest photos of the album in three rows of six; blue frames are the same "
    "person, orange ones somebody else. Most are blue.",
    presets={"by pixels": {"search": "pixels"}, "by the network": {"search": list(found)[1]}},
    query=(0, 60, 1),
    search=list(found)[::-1],
)

# %% [markdown]
# Pixels find the same light and the same background; the network finds the same person. Every query was compared with 9,000 vectors, 576,000 multiplications. That is a blink. For a billion photos it is 64 billion for *one* question.
#
# ## A plane is a bit
#
# The idea (L1.14): cut the space by a random plane through the origin. On which side a vector lies is **one bit**; two planes give two bits, and so on. Vectors with the same bits share a **bucket**, and a search need only look there. With normal $n_k$,
#
# $$ \text{bit}_k(x) = \big[\, n_k^\top x > 0 \,\big], \qquad n_k \sim \mathcal N(0, I) . $$

# %%
from course_lib.search.hashing import HyperplaneHash, hamming

show_source(HyperplaneHash)

# %% [markdown]
# A Gaussian has no preferred direction: that is why the normals are drawn from it, and not from a cube. In a plane the "planes" are lines. Turn the query, add lines, and watch its bucket.
#
# **Predict first:** how many buckets do ten lines through the origin make in the plane? And ten planes in 64 dimensions?

# %% jupyter={"source_hidden": true}
cloud = normalize(torch.randn(70, 2, generator=torch.Generator().manual_seed(3)))
cloud = cloud * torch.linspace(0.25, 1.0, 70)[:, None]
lines = HyperplaneHash(10, 2, seed=260)


def draw_planes(planes=3, angle=40):
    turn = math.radians(angle)
    me = torch.tensor([[math.cos(turn), math.sin(turn)]])
    bits = (lines.project(cloud) > 0) == (lines.project(me) > 0)  # [70, 10]: on my side?
    fan = torch.linspace(0, 2 * math.pi, 721)
    rim = torch.stack([fan.cos(), fan.sin()], 1)
    mine = ((lines.project(rim) > 0) == (lines.project(me) > 0))[:, :planes].all(1)
    fig, (left, right) = plots.panels(2, height=3.7, widths=(1, 1.1))
    left.fill(*wedge(rim, mine), color="#DCEBF5", lw=0)
    for n in lines.normals[:planes]:
        along = torch.stack([-n[1], n[0]]) / n.norm() * 1.12
        left.plot(*torch.stack([-along, along]).T, color=plots.MUTED, lw=1)
    inside = bits[:, :planes].all(1)
    left.scatter(*cloud[~inside].T, s=16, color="#B5B5B5", lw=0)
    left.scatter(*cloud[inside].T, s=24, color=plots.SAME, lw=0)
    left.plot([0, me[0, 0]], [0, me[0, 1]], "-o", color=plots.QUERY, lw=1.5, ms=8, markevery=[1])
    code = "".join(str(int(b)) for b in lines.project(me)[0, :planes] > 0)
    plots.bare(left, f"Hash: {code}").set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    held = [70, *(int(bits[:, : k + 1].all(1).sum()) for k in range(10))]
    right.plot(range(11), held, "-o", color=plots.SAME, lw=2, ms=4)
    right.plot(planes, held[planes], "o", color=plots.QUERY, ms=9)
    right.set(title=f"{held[planes]} of 70 points left to compare", xlabel="bits", ylim=(0, 74))
    right.set_xticks(range(11))
    return fig


def wedge(rim, mine):
    """The corner points of the piece of cake where the query lies."""
    turns = mine.nonzero()[:, 0]
    gap = turns.diff()
    if len(gap) and gap.max() > 1:  # it goes over the start of the circle
        cut = int(gap.argmax()) + 1
        turns = torch.cat([turns[cut:], turns[:cut]])
    return torch.cat([torch.zeros(1, 2), rim[turns]]).T


# %%
explore(
    draw_planes,
    alt="Left: points in the plane cut by three lines through the origin; the piece with the query is shaded, and the "
    "points in it are blue. Right: how many points are left in the query's bucket as bits are added.",
    presets={
        "one bit": {"planes": 1},
        "ten bits": {"planes": 10},
        "close to a line": {"planes": 3, "angle": 71},
    },
    planes=(1, 10, 1),
    angle=(0, 355, 5),
)

# %% [markdown]
# <details><summary>Answer</summary>Twenty: k lines through the origin cut the plane into 2k pieces. In 64 dimensions ten planes make all 1,024 that ten bits can write.</details>
#
# In 64 dimensions every new plane cuts nearly every bucket, so a bit about halves what is left to compare. In the plane it cannot: the tenth line cuts two of eighteen pieces, the bucket shrinks only as $1/k$, and the curve above has level stretches. Either way the bits have their price: a query close to a line has near neighbours on the other side, and they are lost. Keep that in mind; two remedies will follow.
#
# The code of a face: 64 planes, 64 bits, drawn as squares: a 1 is dark, a 0 pale. Bits in which it differs from the query's are orange.

# %% jupyter={"source_hidden": true}
hash_64 = HyperplaneHash(64, 64, seed=SEED)
database_bits = hash_64.project(database) > 0
query_bits = hash_64.project(queries) > 0


def draw_code(query=0, photo=1):
    mine = (album.labels == guests.labels[query]).nonzero()[:, 0]
    other = (album.labels != guests.labels[query]).nonzero()[:, 0]
    pick = {
        "the query": (guests.images[query], query_bits[query]),
        "same person": (album.images[mine[photo]], database_bits[mine[photo]]),
        "another": (album.images[other[photo * 97]], database_bits[other[photo * 97]]),
    }
    fig, axes = plots.panels(6, height=1.75)
    for k, (name, (image, bits)) in enumerate(pick.items()):
        colour = (plots.QUERY, plots.SAME, plots.OTHER)[k]
        show_image(axes[2 * k], image, name, colour)
        shade = torch.where(bits, 0.12, 1.0).view(8, 8, 1).expand(8, 8, 3).clone()
        wrong = (bits != query_bits[query]).view(8, 8)
        orange, pale = torch.tensor([0.835, 0.369, 0.0]), torch.tensor([0.97, 0.74, 0.6])
        shade[wrong] = torch.where(bits.view(8, 8, 1), orange, pale)[wrong]
        title = "its code" if k == 0 else f"{int(wrong.sum())} of 64 differ"
        plots.bare(axes[2 * k + 1], title, "#D9D9D9").imshow(shade)
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_code,
    alt="Three faces, each beside its code of 64 black and white squares: the query, another photo of the same person, "
    "somebody else. In the second a third of the squares are orange, in the third more than half.",
    query=(0, 60, 1),
    photo=(0, 17, 1),
)

# %% [markdown]
# In how many bits two codes differ is their **Hamming distance**. The processor does it for 64 bits at once: XOR leaves a one wherever two words differ, and one instruction counts the ones. A code takes 8 bytes where the vector took 256.

# %%
show_source(hamming)

codes, query_codes = hash_64.codes(database), hash_64.codes(queries)
apart = hamming(query_codes, codes)  # [1000, 9000]
friends = guests.labels[:, None] == album.labels
claim(
    "hamming counts the bits that differ", apart[0, 5] == (query_bits[0] != database_bits[5]).sum()
)
print(f"{8 * codes.shape[1]} bits, {codes.shape[1]} bytes a photo")

# %% [markdown]
# **Predict first:** a vector is doubled: what happens to its code? All vectors are shifted by the same amount: what happens to theirs?
#
# <details><summary>Answer</summary>Doubled: nothing, since a plane through the origin only asks for the direction. Shifted: everything may change. Far from the origin all vectors lie on the same side of most planes, and the code says little. Subtract the mean first.</details>
#
# ## How often two agree
#
# A random plane separates two vectors if it passes *between* them. In the plane that both span it is a line in a random direction, and the directions that separate them fill the angle $\theta$ out of $\pi$:
#
# $$ P(\text{bit}(x) = \text{bit}(y)) = 1 - \frac{\theta}{\pi} . $$
#
# So the Hamming distance, divided by the number of bits and times 180 degrees, *estimates the angle*. Does it hold? Five thousand pairs are sorted by their angle and cut into eleven **bins**, groups of equal size. Each bin below is tried on 1,024 planes; the planes are independent draws, so their spread is the sampling error.

# %%
from course_lib.search.hashing import p_same_bit

show_source(p_same_bit)

who = torch.arange(500)  # pairs of all angles: nearest neighbours, the same person, anybody
near = torch.stack(
    [neighbours[:500, 0], neighbours[:500, 4], who // 2 * 18 + 3, who // 2 * 18 + 11]
)
far = torch.randint(9000, (2, 3000), generator=torch.Generator().manual_seed(SEED)) % 1000
a = torch.cat([queries[who.repeat(4)], queries[far[0]]])
b = torch.cat([database[near.flatten()], database[far[1] * 9]])
angle = torch.acos((a * b).sum(1).clamp(-1, 1))  # of 5,000 pairs
bins = torch.bucketize(angle, angle.quantile(torch.arange(1, 11) / 11))  # equally filled


# %%
def agreement(seed):
    """Of each bin: mean angle, share of equal bits, its standard error over planes, what theory says."""
    planes = HyperplaneHash(1024, 64, seed)
    equal = ((planes.project(a) > 0) == (planes.project(b) > 0)).float()  # [5000, 1024]
    rows = []
    for k in bins.unique():
        share = equal[bins == k].mean(0)  # of each plane
        theory = p_same_bit(angle[bins == k]).mean()
        rows.append([angle[bins == k].mean(), share.mean(), share.std() / 32, theory])
    return torch.tensor(rows), equal


measured, equal = agreement(SEED)
worst = max(
    ((r[:, 1] - r[:, 3]).abs() / r[:, 2]).max()
    for r in (measured, agreement(1)[0], agreement(2)[0])
)
claim(
    "in every bin, for three draws of planes, within 4 standard errors of 1 - theta/pi", worst < 4
)

# %% jupyter={"source_hidden": true}
agreed = torch.cat([torch.zeros(len(a), 1), equal.cumsum(1)], 1)  # [5000, 1025]
shown = torch.arange(0, 5000, 4)
BITS = [8, 16, 32, 64, 128, 256, 512, 1024]
recall_of_bits = {}


def draw_estimate(bits=64):
    fig, (left, right) = plots.panels(2, height=3.3)
    guess = 180 * (1 - agreed[shown, bits] / bits)
    left.plot(torch.rad2deg(angle[shown]), guess, ".", color=plots.SAME, ms=3, alpha=0.35)
    left.plot([0, 130], [0, 130], color=plots.QUERY, lw=1.5)
    off = (guess - torch.rad2deg(angle[shown])).square().mean().sqrt()
    left.set(title=f"The angle read off {bits} bits: {off:.1f}° off", xlim=(0, 130), ylim=(0, 180))
    left.set(xlabel="true angle, degrees", ylabel="from the bits")
    share = list(recall_of_bits.values())
    right.plot(range(len(BITS)), share, "-o", color=plots.SAME, lw=2)
    right.plot(BITS.index(bits), recall_of_bits[bits], "o", color=plots.QUERY, ms=10)
    right.set(title=f"{100 * recall_of_bits[bits]:.0f}% of the true ten nearest", xlabel="bits")
    right.set(xticks=range(len(BITS)), ylim=(0, 1), ylabel="recall@10")
    right.set_xticklabels(BITS)
    return fig


fig, (ax,) = plots.panels(1, height=2.9)
ax.plot([0, 130], [1, 1 - 130 / 180], color=plots.QUERY, lw=1.5)
ax.text(100, 0.52, "1 - θ/π", weight="bold")
ax.errorbar(
    torch.rad2deg(measured[:, 0]),
    measured[:, 1],
    4 * measured[:, 2],
    fmt="o",
    color=plots.SAME,
    ms=5,
)
ax.set(title="Equal bits against the angle: on the line", xlabel="angle of the pair, degrees")
ax.set(ylabel="share of equal bits", xlim=(0, 130), ylim=(0.25, 1))
alt = "Shares of equal bits for eleven bins of angles: all lie on a straight line that falls from 1 at 0 "
figure(fig, alt + "degrees. Four standard errors are shorter than a dot.")

# %% [markdown]
# All points lie on the line; none of 33 bins is four standard errors off. A single code is another matter: with $k$ bits the share of equal ones has a standard deviation of $\sqrt{p(1-p)/k}$. How many bits does a *ranking* need? Order the album by Hamming distance. **Recall@10** is here the share of the true ten nearest that are among the first ten. (Papers on metric learning write recall@k for "at least one right result among the first k".)

# %%
from course_lib.search.retrieval import recall_at_k

ten = neighbours[:, :10]
ten_angles = torch.acos((1 - distances[:, :10]).clamp(-1, 1))  # [1000, 10], radians
for bits in BITS:
    planes = HyperplaneHash(bits, 64, SEED)
    ranked = hamming(planes.codes(queries), planes.codes(database)).topk(10, largest=False).indices
    recall_of_bits[bits] = recall_at_k(ranked, ten)

claim(
    "more bits, better ranking, all the way",
    list(recall_of_bits.values()) == sorted(recall_of_bits.values()),
)

# %% [markdown]
# **Predict first:** two photos of one person lie 45° apart. In how many of 64 bits do their codes differ, give or take?

# %% tags=["nbval-ignore-output"]
explore(
    draw_estimate,
    alt="Left: the angle estimated from 64 bits against the true one, a broad band around the diagonal. Right: recall "
    "at 10 rises with the number of bits, from .04 to .87.",
    bits=BITS,
)

# %% [markdown]
# <details><summary>Answer</summary>16, give or take 3.5: a quarter of them, with a standard deviation of √(64 · ¼ · ¾). That is 10° of angle; from the first neighbour to the tenth the angle grows by {{tenth.farther}}° on average.</details>
#
# 64 bits find half of the true ten nearest, 256 bits three quarters, 1,024 bits (half the size of the vector) not quite nine tenths. The cure is to not trust them that far: let the bits nominate a hundred candidates, and compare those exactly. This **re-ranking** is cheap and belongs to every search by codes:

# %% tags=["nbval-ignore-output"]
shortlists = {}
for count in (10, 30, 100, 300):
    candidates = apart.topk(count, largest=False).indices
    shortlists[count] = recall_at_k(exact.compare(queries, candidates, 10)[1], ten)
    print(f"64 bits, {count:3} candidates compared exactly: recall@10 {shortlists[count]:.3f}")
record("tenth.farther", (ten_angles[:, 9] - ten_angles[:, 0]).mean().rad2deg(), ".0f")

# %% [markdown]
# A hundred candidates, one photo in ninety, bring the same 64 bits from a half to over nine tenths. In production one would not write this oneself; FAISS has it, and given *our* planes it must count the same bits.

# %%
binary = faiss.IndexBinaryFlat(64)
binary.add(codes.numpy())
lsh = faiss.IndexLSH(64, 64, True)
faiss.copy_array_to_vector(hash_64.normals.numpy().ravel(), lsh.rrot.A)  # our planes
lsh.add(database.numpy())
ours = apart.sort(dim=1).values[:, :20].numpy()
claim(
    "our codes in IndexBinaryFlat: the same distances",
    (binary.search(query_codes.numpy(), 20)[0] == ours).all(),
)
claim(
    "our planes in IndexLSH: the same distances", (lsh.search(queries.numpy(), 20)[0] == ours).all()
)
claim("a hundred candidates are enough for 0.8", shortlists[100] > 0.8)

# %% [markdown]
# ## Buckets
#
# So far every code was looked at: fast, yet still the whole album. A bucket looks at nothing else. But *all* bits of a bucket must agree, which happens with probability $(1-\theta/\pi)^{\text{bits}}$: for 12 bits and 45°, one time in thirty. So take several **tables**, with planes of their own each, and look into the query's bucket in all of them:
#
# $$ P(\text{found}) = 1 - \left(1 - (1-\theta/\pi)^{\text{bits}}\right)^{\text{tables}} . $$

# %%
from course_lib.search.hashing import LSHIndex, p_found

show_source(p_found)


def met(tables, bits, seeds=64):
    """For each pair, how often it shares a bucket in at least one of the tables, over draws of planes."""
    shared = []
    for seed in range(seeds):
        index = LSHIndex(tables, bits, seed=seed)
        shared.append((index.keys(index.project(a)) == index.keys(index.project(b))).any(1).float())
    return torch.stack(shared)  # [seeds, pairs]


# %%
TRIED = [(8, 8), (8, 12), (24, 12)]
counted = {}
for tables, bits in TRIED:
    shared, theory = met(tables, bits), p_found(angle, bits, tables)
    rows = []
    for k in bins.unique():
        share = shared[:, bins == k].mean(1)
        rows.append(
            [angle[bins == k].mean(), share.mean(), share.std() / 8, theory[bins == k].mean()]
        )
    counted[tables, bits] = torch.tensor(rows)

off = [((r[:, 1] - r[:, 3]).abs() - 4 * r[:, 2]).max() for r in counted.values()]
claim(
    "buckets are shared as often as predicted, within 4 standard errors (+ 0.002)", max(off) < 0.002
)

# %% [markdown]
# Below, the two hills show how the angles of same-person pairs and of others are distributed, each scaled to the same height.
#
# **Predict first:** which of the two, more bits or more tables, moves the curve to the left, so that less is found? What do both together do?

# %% jupyter={"source_hidden": true}
turns = torch.linspace(0, 130, 131).deg2rad()
cosines = scores[::5, ::3]
hills = {
    name: torch.histogram(torch.acos(cosines[which].clamp(-1, 1)), turns[::3], density=True).hist
    for name, which in (("same", friends[::5, ::3]), ("others", ~friends[::5, ::3]))
}
all_angles = torch.acos(scores[::50, ::9].clamp(-1, 1)).flatten()


def draw_found(bits=12, tables=8):
    fig, (left, right) = plots.panels(2, height=3.2, widths=(1.5, 1))
    for (name, hill), colour in zip(hills.items(), (plots.SAME, plots.OTHER), strict=True):
        left.fill_between(
            turns[1::3].rad2deg()[: len(hill)],
            0.8 * hill / hill.max(),
            color=colour,
            alpha=0.2,
            lw=0,
        )
        beside = 3 * int(hill.argmax()) + (12 if name == "same" else 0)
        left.text(beside, 0.82, name, color=colour, weight="bold", ha="center")
    left.plot(turns.rad2deg(), p_found(turns, bits, tables), color=plots.QUERY, lw=2.5)
    if (tables, bits) in counted:
        dots = counted[tables, bits]
        left.plot(dots[:, 0].rad2deg(), dots[:, 1], "o", color=plots.QUERY, ms=6)
    left.set(
        title="Chance to be found",
        xlabel="angle to the query, degrees",
        ylim=(0, 1.05),
        xlim=(0, 130),
    )
    expected = {
        "true ten found": p_found(ten_angles, bits, tables).mean().item(),
        "album looked at": p_found(all_angles, bits, tables).mean().item(),
    }
    plots.bars(right, expected, "What theory expects", [plots.SAME, plots.OTHER])
    right.set(xlim=(0, 1.25), xticks=[0, 0.5, 1])
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_found,
    alt="Left: the chance to be found falls in an S with the angle; the hill of same-person pairs lies to the left, that "
    "of others to the right; counted points lie on the curve. Right: expected share of the true ten nearest found.",
    presets={
        "one short table": {"bits": 4, "tables": 1},
        "one long table": {"bits": 12, "tables": 1},
        "as in the next section": {"bits": 12, "tables": 8},
        "many tables": {"bits": 12, "tables": 24},
    },
    bits=(1, 20, 1),
    tables=(1, 32, 1),
)

# %% [markdown]
# <details><summary>Answer</summary>More bits move it left (all must agree), more tables move it right (one success is enough). Both together make it steeper: that is what separates near from far.</details>
#
# One table of 4 bits finds a lot because it looks at a lot. The aim is the gap between the two bars, and theory says that bits *and* tables widen it. Does the index do what theory says? On the right stands the price:

# %% tags=["nbval-ignore-output"]
some = queries[::4]
grid = {}
for bits in (6, 8, 10, 12, 14):
    for tables in (1, 2, 4, 8, 16):
        index = LSHIndex(tables, bits, probes=1, seed=SEED)
        index.add(database)
        grid[bits, tables] = (recall_at_k(index.search(some, 10)[1], ten[::4]), index.looked_at)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, axes = plots.panels(2, height=3.0)
titles = ("Recall@10 of the album's true ten", "Per cent of the album looked at")
for k, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    cells = torch.tensor([grid[key][k] for key in grid]).view(5, 5)
    plots.bare(ax, title).imshow(
        cells, cmap=("Blues", "Oranges")[k], vmin=0, vmax=(1, 0.45)[k], aspect="auto"
    )
    for (row, column), value in np.ndenumerate(cells.numpy()):
        dark = value > (0.7, 0.3)[k]
        ax.text(
            column,
            row,
            f"{value:.2f}" if k == 0 else f"{100 * value:.2g}",
            ha="center",
            va="center",
            color="white" if dark else "black",
        )
    ax.set(xticks=range(5), yticks=range(5), xlabel="tables", ylabel="bits")
    ax.set_xticklabels((1, 2, 4, 8, 16))
    ax.set_yticklabels((6, 8, 10, 12, 14))
alt = "Two tables of bits against tables. Recall rises to the right and falls downwards, and so does the share of the "
figure(
    fig,
    alt
    + "album looked at; with twelve bits and eight tables recall is about a half at about one per cent.",
)

# %%
predicted = {key: p_found(ten_angles, key[0], key[1]).mean().item() for key in grid}
claim(
    "recall is what the angles of the true neighbours predict, within 0.08",
    all(abs(grid[key][0] - predicted[key]) < 0.08 for key in grid),
)
claim(
    "it rises with the tables and falls with the bits",
    all(grid[b, t][0] < grid[b, 2 * t][0] for b in (6, 8, 10, 12, 14) for t in (1, 2, 4, 8))
    and all(grid[b, t][0] > grid[b + 2, t][0] for b in (6, 8, 10, 12) for t in (1, 2, 4, 8, 16)),
)

# %% [markdown]
# Read along a diagonal: more bits *and* more tables keep recall and lower the price. But tables cost memory: each stores for every photo its number and its bucket, 16 bytes. **Multi-probe** is the second remedy: a query close to a plane might as well lie on its other side, so look there too. Which planes it is close to is known, for it is what was computed to get the bits:

# %%
show_source(LSHIndex.probe_keys)

# %% tags=["nbval-ignore-output"]
trade = {"more tables, 1 probe": {}, "8 tables, more probes": {}}
for tables in (1, 2, 4, 8, 16, 32):
    trade["more tables, 1 probe"][tables] = LSHIndex(tables, 12, probes=1)
for probes in (1, 2, 4, 8, 16, 32):
    trade["8 tables, more probes"][probes] = LSHIndex(8, 12, probes=probes)
for indexes in trade.values():
    for number, index in indexes.items():
        index.add(database)
        recall = recall_at_k(index.search(some, 10)[1], ten[::4])
        indexes[number] = (100 * index.looked_at, recall)
for name, (share, recall) in (
    ("probed", trade["8 tables, more probes"][8]),
    ("tabled", trade["more tables, 1 probe"][32]),
):
    record(f"{name}.share", share, ".1f")
    record(f"{name}.recall", recall, ".2f")

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, (ax,) = plots.panels(1, height=3.3)
for points, colour in zip(trade.values(), (plots.OTHER, plots.SAME), strict=True):
    ax.plot(*zip(*points.values(), strict=True), "-o", color=colour, lw=2)
    for number, (share, recall) in points.items():
        low = colour == plots.OTHER
        ax.text(
            share,
            recall + (-0.09 if low else 0.04),
            number,
            color=colour,
            ha="center",
            weight="bold",
        )
ax.text(0.75, 0.3, "more tables, 1 probe", color=plots.OTHER, weight="bold")
ax.text(0.4, 0.9, "8 tables, more probes", color=plots.SAME, weight="bold")
ax.set(
    title="Probes instead of tables: nearly the same curve, fewer tables",
    xscale="log",
    xlim=(0.07, 16),
    ylim=(0, 1.1),
)
ax.set(xlabel="per cent of the album looked at", ylabel="recall@10")
ax.set(xticks=[0.1, 0.3, 1, 3, 10], xticklabels=["0.1", "0.3", "1", "3", "10"])
alt = "Recall at 10 against the share of the album looked at, in per cent. Both ways rise along nearly the same curve; "
figure(
    fig,
    alt
    + "eight tables with eight probes look at some four per cent for a recall of over nine tenths.",
)

# %% [markdown]
# 8 tables with 8 probes reach {{probed.recall}} and look at {{probed.share}}% of the album. 32 tables with one probe reach {{tabled.recall}} and look at {{tabled.share}}%. Probing needs a quarter of the table memory, and about half of the memory in all. 8 tables of 12 bits with 8 probes are the index's default. How good is it? Three draws of planes:

# %% tags=["nbval-ignore-output"]
outcomes = []
for seed in (0, 1, 2):
    index = LSHIndex(tables=8, bits=12, probes=8, seed=seed)
    index.add(database)
    hashed = index.search(queries, 18)[1]
    outcomes.append((recall_at_k(hashed[:, :10], ten), index.looked_at))
    print(
        f"planes {seed}: recall@10 {outcomes[-1][0]:.3f}, looked at {index.looked_at:.1%} of the album"
    )
record("lsh.recall", sum(r for r, _ in outcomes) / 3, ".0%")
record("lsh.share", sum(s for _, s in outcomes) / 3, ".0%")

# %%
claim("at its default, LSH looks at less than 10% of the album", all(s < 0.1 for _, s in outcomes))
claim("...for a recall@10 of at least 0.8", all(r >= 0.8 for r, _ in outcomes))
first = precision_at_1(hashed, guests.labels, album.labels)
claim(
    "and its first answer is right as often, within 0.02",
    abs(first - quality["network, cosine"][0]) < 0.02,
)

# %% [markdown]
# On average the tables find {{lsh.recall}} of the true ten nearest and look at {{lsh.share}} of the album. Now repeat the search of the beginning. Sixty-four bits alone mix up people who do not look alike. Switch to the tables, and compare both with the exact search.

# %% tags=["nbval-ignore-output"]
found["64 bits alone"] = apart.topk(18, largest=False).indices
found["8 tables, re-ranked"] = hashed
explore(
    lambda query=46, search="64 bits alone": draw_results(query, search),
    alt="The query of the first section and what 64 bits alone found for it: two photos of the same person in blue "
    "frames, and in orange sixteen others, most of whom look different.",
    presets={name: {"search": name} for name in list(found)[1:]},
    query=(0, 60, 1),
    search=list(found)[:0:-1],
)

# %% [markdown]
# ## The road to production
#
# FAISS, the library that much of the industry searches with, offers hashing too, and two roads that look at the data before they build: **IVF** groups the vectors around centres (k-means) and looks into the cells whose centres are nearest; **HNSW** joins every vector to its neighbours, on several levels like motorways and streets, and walks. Each has a knob that buys recall with time. All of them on one core, on the same 1,000 queries:

# %% tags=["nbval-ignore-output"]
ivf = faiss.IndexIVFFlat(faiss.IndexFlatIP(64), 64, 96, faiss.METRIC_INNER_PRODUCT)
hnsw = faiss.IndexHNSWFlat(64, 16, faiss.METRIC_INNER_PRODUCT)
ivf.train(database.numpy())
for index in (ivf, hnsw):
    index.add(database.numpy())


def clock(search):
    """Recall@10, and microseconds for each query: the better of two runs."""
    took = []
    for _ in range(2):
        started = time.perf_counter()
        found = search()[1]
        took.append(time.perf_counter() - started)
    return 1e6 * min(took) / len(queries), recall_at_k(torch.as_tensor(found), ten)


# %% tags=["nbval-ignore-output"]
asks = queries.numpy()
road = {"FAISS exact": {0: clock(lambda: flat_ip.search(asks, 10))}}
road["FAISS HNSW"], road["FAISS IVF"], road["FAISS LSH"] = {}, {}, {}
for wide in (8, 16, 32, 64):
    hnsw.hnsw.efSearch = wide
    road["FAISS HNSW"][wide] = clock(lambda: hnsw.search(asks, 10))
for cells in (1, 2, 4, 8, 16):
    ivf.nprobe = cells
    road["FAISS IVF"][cells] = clock(lambda: ivf.search(asks, 10))
for bits in (64, 256, 1024):
    codes_only = faiss.IndexLSH(64, bits)
    codes_only.add(database.numpy())
    road["FAISS LSH"][bits] = clock(lambda index=codes_only: index.search(asks, 10))
road["our exact"] = {0: clock(lambda: exact.search(queries, 10))}
road["our tables"] = {}
for probes in (1, 8):
    index = LSHIndex(8, 12, probes=probes)
    index.add(database)
    road["our tables"][probes] = clock(lambda index=index: index.search(queries, 10))

# %% jupyter={"source_hidden": true}
NAMED = {  # colour, which point the name stands at, and where beside it
    "FAISS HNSW": ("#009E73", -1, (0, 0.04)), "FAISS IVF": ("#CC79A7", 0, (0.1, -0.06)),
    "FAISS LSH": ("#E69F00", 0, (0.5, -0.02)), "FAISS exact": (plots.MUTED, 0, (0.1, -0.065)),
    "our exact": ("#56B4E9", 0, (0.1, 0.08)), "our tables": (plots.SAME, -1, (0, 0.045)),
}  # fmt: skip


def draw_road(recall_wanted=0.9):
    fig, (left, right) = plots.panels(2, height=3.5, widths=(1.5, 1))
    cheapest = {}
    for name, (colour, which, (dx, dy)) in NAMED.items():
        points = [(math.log10(t), r) for t, r in road[name].values()]
        left.plot(*zip(*points, strict=True), "-o", color=colour, lw=2, ms=5)
        t, r = points[which]
        left.text(t + dx, r + dy, name, color=colour, weight="bold", ha="center")
        enough = [10**t for t, r in points if r >= recall_wanted]
        if enough:
            cheapest[name] = min(enough)
    left.axhline(recall_wanted, color=plots.QUERY, lw=1, ls="--")
    left.set(title="Up and left is better", ylim=(0.45, 1.12), xlim=(0, 3.8))
    left.set(xticks=range(4), xticklabels=["1", "10", "100", "1,000"])
    left.set(xlabel="microseconds a query, one core", ylabel="recall@10")
    ranked = dict(sorted(cheapest.items(), key=lambda item: item[1]))
    plots.bars(
        right, ranked, "Microseconds for that recall", [NAMED[n][0] for n in ranked], "{:.0f}"
    )
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_road,
    alt="Recall against microseconds a query. HNSW and IVF are far up and left, the exact searches at recall 1 are 15 to 40 "
    "times slower, FAISS's LSH fast but below, our tables on the far right.",
    presets={"a rough idea": {"recall_wanted": 0.6}, "nearly all": {"recall_wanted": 0.99}},
    recall_wanted=(0.5, 1.0, 0.01),
)

# %% [markdown]
# With 9,000 photos exact search is *fast*. Our tables are the slowest: they are written in PyTorch, to be read, and list, sort and copy every candidate pair before comparing it. What can be compared across languages is the work: with how many vectors a query is compared. That includes what a search compares the query with before it looks at the album: our tables the normals of 8 x 12 planes, IVF its 96 centres.

# %%
hnsw.hnsw.efSearch, ivf.nprobe = 8, 2
work = {"our tables": (8 * 12, outcomes[0][1] * 9000, outcomes[0][0])}  # before, in the album
for name, index, stats, before in (
    ("HNSW", hnsw, faiss.cvar.hnsw_stats, 0),
    ("IVF", ivf, faiss.cvar.indexIVF_stats, ivf.nlist),
):
    stats.reset()
    found_by_it = torch.from_numpy(index.search(asks, 10)[1])
    work[name] = (before, stats.ndis / len(asks), recall_at_k(found_by_it, ten))

# %% tags=["nbval-ignore-output"]
rows = [
    (name, str(before), f"{count:.0f}", f"{before + count:.0f}", f"{recall:.3f}")
    for name, (before, count, recall) in work.items()
]
table([("compared with", "planes or centres", "photos of 9,000", "together", "recall@10"), *rows])

# %%
claim("the graph finds more than the tables", work["HNSW"][2] > work["our tables"][2])
claim(
    "...and compares with less than half as many photos",
    work["HNSW"][1] < 0.5 * work["our tables"][1],
)

# %% [markdown]
# Why does hashing by chance lose? Its planes were drawn before any photo was seen. They cut through the middle of crowds, and they cut empty space; IVF's cells and HNSW's edges lie where the data lie. What hashing by chance keeps: it needs no training, it never goes stale when the data drift, a vector is added at once, the codes are tiny, and, alone of all, its chance of success can be *computed beforehand*. Hashing that learns (product quantisation, learned binary codes) is the other way out.
#
# **Predict first:** would it help to learn just a little: to rotate the data to their principal axes, and keep only the first of them (PCA), before the planes are drawn? Or to use the axes themselves as planes?


# %%
def hashed_recall(x, y, planes=5, square=False):
    """Recall@10 of ranking by 64 bits, mean over draws of planes (square: at right angles to each other)."""
    total = 0.0
    for seed in range(planes):
        h = HyperplaneHash(64, x.shape[1], seed)
        if square:
            h.normals = torch.linalg.qr(h.normals).Q.T
        total += recall_at_k(hamming(h.codes(y), h.codes(x)).topk(10, largest=False).indices, truth)
    return total / planes


digits, test_digits = (datasets.load("digits", split, seed=SEED) for split in ("train", "test"))
raw_digits = ExactIndex("cosine")
raw_digits.add(digits.images.flatten(1))
PAIRS = {
    "faces": (database, queries, ten),
    "digits": (digits.images.flatten(1), test_digits.images.flatten(1), None),
}

# %% tags=["nbval-ignore-output"]
pca = {}
for name, (x, y, truth) in PAIRS.items():
    truth = raw_digits.search(y, 10)[1] if truth is None else truth
    middle = x.mean(0)
    _, sizes, axes = torch.linalg.svd(x - middle, full_matrices=False)  # strongest axis first
    record(f"variance.{name}", sizes[:32].square().sum() / sizes.square().sum(), ".0%")
    pca[name] = {
        "as they are": hashed_recall(x, y),
        "centred": hashed_recall(x - middle, y - middle),
    }
    for k in (8, 16, 32):
        pca[name][f"PCA to {k}"] = hashed_recall(
            (x - middle) @ axes[:k].T, (y - middle) @ axes[:k].T
        )
    pca[name]["right angles"] = hashed_recall(x - middle, y - middle, square=True)
    sides = [
        torch.from_numpy(np.packbits(((v - middle) @ axes.T > 0).numpy(), axis=1)) for v in (y, x)
    ]
    pca[name]["axes as planes"] = recall_at_k(
        hamming(*sides).topk(10, largest=False).indices, truth
    )

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, panels_of_pca = plots.panels(2, height=2.6)
for ax, (name, values) in zip(panels_of_pca, pca.items(), strict=True):
    title = {
        "faces": "Embeddings: PCA gives little",
        "digits": "Pixels: the centre is what counts",
    }[name]
    plots.bars(ax, values, title, [plots.MUTED] + [plots.SAME] * 5 + [plots.OTHER])
    ax.set(xlim=(0, 0.75), xlabel="recall@10 of 64 bits")
alt = "Bars of recall. Faces: .52-.54, .58 with planes at right angles, .38 for PCA to 8 and for axes as planes. "
alt += (
    "Digits: .40 as they are, .53-.54 centred, .58 at right angles, .48 for PCA to 8, .35 for axes."
)
figure(fig, alt)

# %%
x, planes = PAIRS["digits"][0], HyperplaneHash(2000, 64, SEED)
for name, v in {"raw": x, "centred": x - x.mean(0)}.items():
    side = (planes.project(v) > 0).float().mean(0)  # share of the digits, for each plane
    record(f"smaller.{name}", side.minimum(1 - side).mean(), ".0%")
claim(
    "planes at right angles are better by more than .01 than planes drawn one by one, on both",
    all(v["right angles"] > v["centred"] + 0.01 for v in pca.values()),
)
claim(
    "centring helps raw pixels by more than .04",
    pca["digits"]["centred"] > pca["digits"]["as they are"] + 0.04,
)
claim(
    "PCA to 32 changes recall by less than 0.06, on both",
    all(abs(v["PCA to 32"] - v["centred"]) < 0.06 for v in pca.values()),
)
claim(
    "on faces the axes as planes are worse by more than .08",
    pca["faces"]["axes as planes"] < pca["faces"]["centred"] - 0.08,
)

# %% [markdown]
# <details><summary>Answer</summary>A little: half of the 64 axes carry {{variance.faces}} of the variance; without the rest a few bits are less wasted. Too few axes (8) throw neighbours away. And the axes as planes are worse than random planes: the last ones cut across noise.</details>
#
# What helps more asks nothing of the data: draw the planes **at right angles** to each other, so that no two bits say nearly the same. (That is what FAISS does, and why its 64 bits stood above ours. The theory of one bit holds as before.)
#
# The digits show what matters more. Pixels are never negative, so all digits lie in one corner of the space, and many planes through the origin leave nearly all of them on one side. On average the smaller side of a plane holds {{smaller.raw}} of the digits, after centring {{smaller.centred}}. Subtracting the mean costs one line. (The network's vectors are centred by its last layer.)
#
# ## Growth
#
# At 9,000 photos nobody needs a hash. So let the album grow: random vectors, 64 numbers each, and queries that are blurred copies, 27° from their original. The exact search does twice the work on twice the album. And the tables? With 12 bits a bucket holds a 4,096th, of whatever there is: *also* twice the work. The bits must grow with the album, one more for each doubling; then a bucket stays as full as it was.
#
# **Predict first:** what is the price of that?

# %% tags=["nbval-ignore-output"]
dice = torch.Generator().manual_seed(SEED)
crowd = torch.randn(128_000, 64, generator=dice)
blurred = crowd[:100] + 0.5 * torch.randn(100, 64, generator=dice)
sizes = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000]
growth = {"exact": [], "tables, 12 bits": [], "tables, bits grow": []}
for step, size in enumerate(sizes):
    kinds = (ExactIndex("cosine"), LSHIndex(8, 12), LSHIndex(8, 8 + step))
    for name, index in zip(growth, kinds, strict=True):
        index.add(crowd[:size])
        took = []
        for _ in range(2):
            started = time.perf_counter()
            first = index.search(blurred, 1)[1]
            took.append(10 * (time.perf_counter() - started))  # milliseconds for each of 100
        hit = recall_at_k(first, torch.arange(100)[:, None])
        growth[name].append((min(took), size * getattr(index, "looked_at", 1.0), hit))
crossing = 128_000 * growth["tables, bits grow"][-1][0] / growth["exact"][-1][0]
record("crossing", float(f"{crossing:.1g}"), ",.0f")

# %% jupyter={"source_hidden": true}
KINDS = dict(zip(growth, (plots.MUTED, plots.OTHER, plots.SAME), strict=True))
EXTRA = {"exact": 256, "tables": 256 + 128, "HNSW": 256 + 140, "codes": 8}  # bytes a vector


SHOWN = [3, 6, 8], ["1k", "1M", "100M"]


def draw_growth(power_of_ten=6.0):
    fig, (left, middle, right) = plots.panels(3, height=3.2, widths=(1.25, 1.25, 1))
    x = np.log10([*sizes, 1e8])
    for name, colour in KINDS.items():
        times, looks, _ = zip(*growth[name], strict=True)
        for ax, values in ((left, looks), (middle, times)):
            further = 0 if name == "tables, bits grow" else x[-1] - x[-2]
            y = np.log10(values)
            y = np.append(y, y[-1] + further)
            ax.plot(x[:-1], y[:-1], color=colour, lw=2.5)
            ax.plot(x[-2:], y[-2:], color=colour, lw=1.5, ls="--")
            ax.plot(power_of_ten, np.interp(power_of_ten, x, y), "o", color=colour, ms=7)
    for ax in (left, middle):
        ax.set(xlim=(2.9, 8), xticks=SHOWN[0], xticklabels=SHOWN[1], xlabel="size of the album")
    left.set(title="Vectors looked at", yticks=[2, 5, 8])
    left.set_yticklabels(["100", "100k", "100M"])
    middle.set(title="Milliseconds a query", yticks=[-2, 0, 2])
    middle.set_yticklabels(["0.01", "1", "100"])
    for name, at in zip(KINDS, ((3.2, 4.6), (5.5, 3.4), (4.9, 2.0)), strict=True):
        left.text(*at, name, color=KINDS[name], weight="bold", fontsize=9)
    gigabytes = {name: size * 10**power_of_ten / 1e9 for name, size in EXTRA.items()}
    plots.bars(
        right,
        gigabytes,
        "Gigabytes for that many",
        fmt="{:.2f}" if power_of_ten < 7.5 else "{:.0f}",
    )
    right.set_xticks([])
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_growth,
    alt="Left: vectors looked at against the size of the album; the exact search and tables of 12 bits grow in proportion, "
    "tables whose bits grow rise by less than a factor of two. Middle: milliseconds. Right: memory for a million vectors. Beyond 128,000 dashed.",
    presets={
        "measured": {"power_of_ten": 5.0},
        "a million": {"power_of_ten": 6.0},
        "a hundred million": {"power_of_ten": 8.0},
    },
    power_of_ten=(3.0, 8.0, 0.25),
)

# %%
looks = {name: [row[1] for row in rows] for name, rows in growth.items()}
hits = {name: [row[2] for row in rows] for name, rows in growth.items()}
claim(
    "tables of 12 bits look at 128 times as many, +- 20%",
    0.8 < looks["tables, 12 bits"][-1] / looks["tables, 12 bits"][0] / 128 < 1.2,
)
claim(
    "tables whose bits grow look at less than twice as many",
    looks["tables, bits grow"][-1] < 2 * looks["tables, bits grow"][0],
)

# %% tags=["nbval-ignore-output"]
print("found, 8 to 15 bits:", [f"{hit:.2f}" for hit in hits["tables, bits grow"]])

# %% [markdown]
# The album grew 128-fold, the number of vectors looked at by less than a factor of two. Fewer vectors is not less time. At every size that we measured, up to 128,000, the exact search is faster than both kinds of tables. The growing-bit line and the exact line cross only in the dashed part, near {{crossing}} vectors. The tables with 12 bits never catch up.
#
# <details><summary>Answer</summary>Recall, here from all to nine of ten: each bit is one more chance to be cut off. To hold it, the tables must grow too, as about N to the power ρ, where ρ = log(1/p₁)/log(1/p₂) < 1 compares the chance of a bit for near and for far ones (Indyk and Motwani).</details>
#
# Solid lines were measured up to 128,000 vectors; dashed ones were *not* measured, they are continued as theory says, to a million and on. Memory is the other wall: a million vectors of 64 floats are a quarter of a gigabyte, a hundred million are 26, and tables add half of that again. Codes of 64 bits stay below one. That is why very large systems keep codes in memory, and vectors on disk.
#
# ## Duplicates in a photo collection
#
# Grouping pictures by their vectors (L1.02) begins with a humble case: the same photo, twice, once cropped a little and brightened. Six hundred holiday photos of fifty sights, 60 of them posted again; nobody labelled which. The vector is simple on purpose: the image shrunk to 6 x 6, less its own mean and the collection's.
#
# **Predict first:** what if *neither* mean was subtracted?

# %%
from torch.nn import functional as F

from course_lib.render.landmarks.draw import draw_landmarks

number, posted = torch.arange(600), torch.arange(0, 600, 10)
photos = draw_landmarks(number // 12, number % 12, SEED, domain="user")["images"]
again = draw_landmarks(
    posted // 12, posted % 12, SEED, domain="user", copy=torch.ones(60, dtype=torch.long)
)["images"]
collection = torch.cat([photos, again])
small = F.interpolate(collection, size=(6, 6), mode="area").flatten(1)
small = small - small.mean(1, keepdim=True)  # a brighter copy is the same picture
fingerprints = HyperplaneHash(256, 108, SEED).codes(small - small.mean(0))

# %%
i, j = torch.triu_indices(660, 660, offset=1)
differ = hamming(fingerprints, fingerprints)[i, j]
copies = (j >= 600) & (posted[(j - 600).clamp(min=0)] == i)
suspects = differ <= 30
precision = (suspects & copies).sum() / suspects.sum()
share_found = (suspects & copies).sum() / copies.sum()
print(f"{len(i):,} pairs, {suspects.sum()} suspects at 30 bits of 256")
print(f"precision {precision:.2f}, recall {share_found:.2f}")
record("pairs.per.copy", len(i) / copies.sum(), ",.0f")

# %%
claim(
    "more than 7 suspects of 10 are copies, and more than 7 copies of 10 are found",
    precision > 0.7 and share_found > 0.7,
)

# %%
shrunk = F.interpolate(collection, size=(6, 6), mode="area").flatten(1)
planes = HyperplaneHash(256, 108, SEED)
crooked = planes.codes(shrunk)
near_enough = hamming(crooked, crooked)[i, j] <= 30
one_side = (planes.project(shrunk) > 0).float().mean(0) % 1 == 0  # all images, or none
record("one.side", one_side.float().mean(), ".0%")
record("suspects.share", near_enough.float().mean(), ".0%")
record("suspects.per.copy", near_enough.sum() / (near_enough & copies).sum(), ",.0f")
claim(
    "without centring, 97 suspects of a hundred are false positives",
    (near_enough & ~copies).sum() > 0.97 * near_enough.sum(),
)

# %% [markdown]
# <details><summary>Answer</summary>Pixels are never negative, so all images lie in one corner, and {{one.side}} of the planes have all of them on one side. So {{suspects.share}} of all pairs are suspects, and one suspect in {{suspects.per.copy}} is a copy.</details>
#
# One pair in {{pairs.per.copy}} is a copy. A threshold of 30 bits (21°) finds most copies, with few false positives. What does a higher threshold cost?

# %% jupyter={"source_hidden": true}
order = differ.argsort(stable=True)[:3000]  # the most alike pairs, the most alike first
limits = torch.arange(0, 71)
caught = torch.tensor([(copies & (differ <= t)).sum() for t in limits])
accused = torch.tensor([(differ <= t).sum() for t in limits])
precise = caught / accused  # NaN, not drawn, where there are no suspects
record("mostly.false", limits[accused > 2 * caught][0])
wrong = (differ <= 40) & ~copies
sight = torch.cat([number, posted]) // 12
record("same.sight", (sight[i] == sight[j])[wrong].float().mean(), ".0%")


def draw_duplicates(threshold=30):
    t = threshold
    fig, (left, right) = plots.panels(2, height=3.3, widths=(1, 1.7))
    for curve, colour, name, at in (
        (precise, plots.OTHER, "precision", (2, 1.03)),
        (caught / 60, plots.SAME, "recall", (55, 1.03)),
    ):
        left.plot(limits, curve, color=colour, lw=2.5)
        left.text(*at, name, color=colour, weight="bold")
        left.plot(t, curve[t], "o", color=plots.QUERY, ms=8)
    left.set(
        title=f"{int(caught[t])} of 60 copies, {int(accused[t] - caught[t])} false positives",
        ylim=(0, 1.12),
    )
    left.set(xlabel="bits that may differ, of 256")
    last = order[differ[order] <= t][-6:]  # the pairs closest to the threshold
    tiles = [framed(collection[pair[k]], bool(copies[k])) for pair in (i, j) for k in last]
    title = "Pairs closest to the threshold, one above the other"
    contact_sheet(right, torch.stack(tiles), len(last), title)
    return fig


# %%
explore(
    draw_duplicates,
    alt="Left: precision falls and recall rises with the number of bits that may differ; they cross near 32. Right: six "
    "pairs just below the threshold, copies framed in blue, others in orange.",
    presets={
        "sure": {"threshold": 20},
        "as above": {"threshold": 30},
        "generous": {"threshold": 45},
    },
    threshold=(8, 60, 1),
)

# %% [markdown]
# From {{mostly.false}} bits on the false positives outnumber the copies. Most show *different* sights under the same sky (at 40 bits {{same.sight}} are of one sight): at 6 x 6 the sky and the light are most of the image. A generous threshold is right if a second, slower comparison follows (as re-ranking did), a strict one if what is found will be deleted.
#
# ## Your own photographs
#
# Thumbnails of 6 x 6 pixels find copies, and images of the same layout and light. The vectors of [notebook 02](02_embeddings.ipynb#A-network-that-has-seen-a-million-photographs) find *similar* photographs: 1,280 numbers from a network that was trained on ImageNet.
#
# Give the path of a folder, press *Use this folder*, and run the cells below it. Folders inside it count, too. Your photographs stay on your computer. Thousands of photographs take some minutes the first time; their vectors are saved, and if you stop, the next run continues. Of each photograph the network gets the square in the middle. Without a folder, the twenty photographs that come with the packages of the course are searched.

# %%
own_photos = own_folder("COURSE_PHOTOS", lambda path: datasets.load("photos", "all", folder=path))
display(own_photos)

# %% tags=["nbval-ignore-output"]
from course_lib.recipes.own_photos import album_of, text_likeness

course_album = album_of(None)
own_album = album_of(own_photos.folder) if own_photos.folder else course_album
own_index = ExactIndex("cosine")
own_index.add(own_album.vectors)
print("vectors", list(own_album.vectors.shape))
unit = normalize(course_album.vectors)
record("cosine.mean", (unit @ unit.T)[~torch.eye(20, dtype=torch.bool)].mean(), ".2f")


# %% jupyter={"source_hidden": true}
def draw_own_search(photograph=0):
    fig, (left, right) = plots.panels(2, height=3.2, widths=(1, 2.1))
    query = own_album.thumbnails([photograph], 256)[0]
    show_image(left, query, own_album.names[photograph][:30], plots.QUERY)
    k = min(9, len(own_album.names))
    distances, numbers = own_index.search(own_album.vectors[[photograph]], k)
    others = [(n, 1 - d) for n, d in zip(numbers[0].tolist(), distances[0].tolist(), strict=True)]
    others = [(n, value) for n, value in others if n != photograph][:8]
    captions = [f"{own_album.names[n][:16]} {value:.2f}" for n, value in others]
    tiles = own_album.thumbnails([n for n, _ in others], 128)
    captioned_sheet(right, tiles, captions, 4, "Most similar first, with the cosine")
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_own_search,
    alt="The portrait of an astronaut, and the eight nearest photographs: the portrait of an officer first, with a cosine of .37.",
    photograph={name: i for i, name in enumerate(own_album.names[:300])},
)

# %% [markdown]
# The search always returns something. The mean cosine over all pairs of the twenty photographs is {{cosine.mean}}. A nearest photograph with little more than that may have nothing in common with the query. (For your own folder the mean may differ. The list has its first 300 photographs.)

# %% [markdown]
# ### By text
#
# Can photographs be found by words, too? The network has never read a sentence. But it gives each photograph the probabilities of 1,000 classes, and the classes have *names*. A second network, a **sentence encoder**, turns texts into vectors; texts of similar meaning have a high cosine. So the likeness of a photograph to a text can be the mean of the cosines, weighted by the probabilities. No photograph is ever labelled with such a text: this is **zero-shot** search, after ConSE (Norouzi and others).
#
# $$ \sum_{c=1}^{1000} p(c \mid \text{photograph}) \cdot \cos\big(e(\text{name of } c),\, e(\text{text})\big), \qquad e \text{ the sentence encoder.} $$
#
# (ConSE takes the ten most probable classes, and the cosine of the mean vector.) Only the order of the photographs counts, not the size of these numbers.

# %%
predict(
    "Four texts, each with a photograph among the twenty. For which one does another photograph come first?",
    [
        "'a pet': the cat",
        "'something to drink': the coffee",
        "'a person in uniform': the officer",
        "'money': the coins",
    ],
    answer=3,
    why=[
        "The network gives nearly nine tenths to three kinds of domestic cats, and the names of two are similar to 'a pet'.",
        "'espresso' has a probability of .94. Its cosine with the text is not high, but the other photographs have less.",
        "No class is 'officer', but 'military uniform' is one.",
        "No class is a coin. Its most probable classes are golf ball, bubble and thimble, all below .15.",
    ],
    name="06.text",
)

# %% tags=["nbval-ignore-output"]
# Write your own texts here, then run this cell and the two after it.
texts = ["a pet", "something to drink", "a person in uniform", "money", "an eye"]
results = json.loads((ROOT / "data/results/pretrained.json").read_text(encoding="utf-8"))
kept = results["texts"]
try:
    found_in, likeness = own_album, text_likeness(own_album.vectors, texts)  # [Q, N]
except ModuleNotFoundError:
    print("Your own texts need the sentence encoder: stop JupyterLab, and start it again by")
    print("`make lab EXTRAS=real`. Here are answers that we kept, to eight texts, for the")
    print("photographs of the course.")
    texts, found_in = list(kept), course_album
    likeness = torch.tensor([list(kept[text].values()) for text in texts])


# %% jupyter={"source_hidden": true}
def draw_by_text(text=0):
    fig, (ax,) = plots.panels(1, height=3.2)
    best = likeness[text].topk(min(8, likeness.shape[1]))
    numbers = best.indices.tolist()
    values = zip(numbers, best.values.tolist(), strict=True)
    captions = [f"{found_in.names[n][:16]} {value:.2f}" for n, value in values]
    captioned_sheet(ax, found_in.thumbnails(numbers, 128), captions, 4)
    ax.set_title(f'"{texts[text]}": most similar first')
    return fig


# %% tags=["nbval-ignore-output"]
explore(
    draw_by_text,
    alt="Eight photographs for the text 'a pet', the cat first, then a flower and grass with much lower numbers.",
    text={text: i for i, text in enumerate(texts)},
)

# %%
first = {text: max(answers, key=answers.get) for text, answers in kept.items()}
claim(
    "a pet, something to drink, a person in uniform, a vehicle, a building and plants are found",
    [*first.values()][:6] == ["cat", "coffee", "officer", "motorcycle", "temple", "flower"],
)
claim("...money is not", first["money"] != "coins")
by_name = results["by_name"]
found_by_name = sum(by_name[name] == name for name in by_name)
claim("by its own name fewer than half of the photographs are found", found_by_name < 10)
record("by.name", found_by_name)
record("by.photographer", [*by_name.values()].count("photographer") - 1)

# %% [markdown]
# We chose the texts of the claims above, and "an eye". For "money" the blurred clock comes first. With its own name as the text ("a moon", "a retina"), only {{by.name}} of the twenty photographs come first. A text finds a photograph only if the network gives it a class whose name is similar to the text. The flower is no daisy, but "daisy" is similar to "plants"; the retina and the coins get no such class. If the probabilities are spread over many unrelated classes, the likeness to any text is near that text's average, so such a photograph rarely comes first. A confident one can lie far above the average by chance: the photographer ("tripod") comes first for {{by.photographer}} names of other photographs.
#
# Notebook 07 trains images and sentences *together*, into one space: then no list of classes stands between them.

# %% [markdown]
# ## Real pictures: sixty thousand clothes
#
# Drawn faces are ours to arrange; Fashion-MNIST is not (Zalando's photos of 70,000 articles in ten classes, 28 x 28 pixels, grey). Where it lies on your disk the same index searches it, with nothing learned: pixels less their mean, turned to their 64 strongest directions (PCA), and 16 bits ($2^{16}$ = 65,536 buckets, about one for each vector).

# %% tags=["nbval-ignore-output"]
try:
    clothes = datasets.load("fashion-mnist", "train")
    worn = datasets.load("fashion-mnist", "test")[:1000]
except FileNotFoundError:
    clothes = None
    print(
        "Fashion-MNIST is not here. To see this section at work, call once, where there is a network:"
    )
    print('datasets.load("fashion-mnist", "train", download=True), and the same with "test"')

# %% tags=["nbval-ignore-output"]
if clothes is not None:
    shelf, asked_for = (
        clothes.images.flatten(1),
        worn.images.flatten(1),
    )  # [60000, 784], [1000, 784]
    mean = shelf.mean(0)
    strongest = torch.linalg.eigh((shelf - mean).T @ (shelf - mean)).eigenvectors[:, -64:]
    shelf, asked_for = (normalize((x - mean) @ strongest) for x in (shelf, asked_for))
    everything, tables_of_clothes = ExactIndex("cosine"), LSHIndex(tables=8, bits=16)
    for index in (everything, tables_of_clothes):
        index.add(shelf)
    truly = everything.search(asked_for, 10)[1]
    by_tables = tables_of_clothes.search(asked_for, 10)[1]
    recall = recall_at_k(by_tables, truly)
    first = precision_at_1(by_tables, worn.labels, clothes.labels)
    print(
        f"recall@10 {recall:.2f}, looking at {tables_of_clothes.looked_at:.1%}; precision@1 {first:.2f}"
    )
    claim(
        "nine of the ten nearest, looking at a twentieth",
        recall > 0.9 and tables_of_clothes.looked_at < 0.05,
    )
    right = (clothes.labels[by_tables[19]] == worn.labels[19]).tolist()
    names = [clothes.names[n] for n in clothes.labels[by_tables[19]]]
    view = gallery(worn.images[19], clothes.images[by_tables[19]], names, right)
    figure(view, "A piece of clothing and the ten found for it, each with its kind.")

# %% [markdown]
# Where the exact search, too, returns another class first, the vectors are to blame, that is the losses of 03 and 04, not the search.
#
# ## Keep it
#
# An index that took an hour to fill should survive the night. It is written whole or not at all, can be added to later, and a file that was cut off on its way is refused rather than half believed.
#
# **Predict first:** vectors, planes, tables: which of the three must be in the file?

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "album.safetensors"
    kept = LSHIndex(tables=8, bits=12)
    kept.add(database[:8000])
    kept.save(path)
    size = path.stat().st_size
    loaded = LSHIndex.load(path)
    loaded.add(database[8000:])  # the numbers go on from 8000
    path.write_bytes(path.read_bytes()[: size // 2])  # what a full disk would leave
    try:
        LSHIndex.load(path)
    except ValueError as error:
        refused = str(error).replace(str(path), path.name)

print(f"{size / 8000:.0f} bytes a photo; {len(loaded):,} photos after loading and adding")
print(refused)

# %%
whole = LSHIndex(tables=8, bits=12)
whole.add(database)
answers = [index.search(queries[:200], 10) for index in (loaded, whole)]
claim(
    "saved, loaded, added to: the same answers as built at once",
    all(torch.equal(p, q) for p, q in zip(*answers, strict=True)),
)
claim("a truncated file is refused", "damaged" in refused)

# %%
nan = torch.full((1, 64), torch.nan)
for index, query, k in ((ExactIndex(), queries, 1), (exact, queries, 9001), (exact, nan, 1)):
    try:
        index.search(query, k)
    except ValueError as error:
        print(error)

# %% [markdown]
# Nor are questions answered that make no sense: an empty index, more neighbours than there are vectors, a vector that is not one.
#
# <details><summary>Answer</summary>The vectors alone.</details>
#
# 256 bytes a photo, the 64 numbers of its vector; the planes are a seed, and the tables are sorted again after loading.
#
# ## What you can do now
#
# * **Exact search:** one matrix product, the neighbours of FAISS; on the faces of unseen identities precision@1 {{precision.first}}, R-precision {{precision.r}}, MAP@R {{precision.map}}.
# * **Bits:** two vectors agree in a bit with probability $1-\theta/\pi$, and so they did in each of 33 bins; 64 bits rank half of the true ten nearest right, a hundred candidates compared exactly make it over nine tenths.
# * **Buckets:** $1-(1-(1-\theta/\pi)^{\text{bits}})^{\text{tables}}$; 8 tables of 12 bits with 8 probes find {{lsh.recall}} of the true ten nearest and look at {{lsh.share}} of the album.
# * **Production and growth:** a graph (HNSW) finds more and compares with fewer than half as many photos; with fixed bits hashing grows in proportion like the exact search, a bit for each doubling keeps the work within a factor of two and pays in recall. A million vectors take .26 GB, their 64-bit codes .008.
# * **Duplicates:** 256 bits of a 6 x 6 image find .82-.98 of the copies with a precision of .81-1.00 (eleven data seeds: other collections drawn), if the means are subtracted first; an index is kept whole or not at all.
#
# **Go on:** 07 searches pictures by words, with this very index. 13 asks which distance is near *enough*. 14 finds sights among millions of photos.
#
# **Read:** Norouzi and others, [Zero-Shot Learning by Convex Combination of Semantic Embeddings](https://arxiv.org/abs/1312.5650) (2013), for the search by text · Indyk and Motwani, [Approximate Nearest Neighbors](https://doi.org/10.1145/276698.276876) (1998) · Charikar, [Similarity Estimation Techniques from Rounding Algorithms](https://doi.org/10.1145/509907.509965) (2002) · Lv and others, [Multi-Probe LSH](https://www.vldb.org/conf/2007/papers/research/p950-lv.pdf) (2007) · Malkov and Yashunin, [Hierarchical Navigable Small World graphs](https://arxiv.org/abs/1603.09320) (2018) · Douze and others, [The Faiss library](https://arxiv.org/abs/2401.08281) (2024).
