# %% [markdown]
# # Assignment 1: Embeddings and search
#
# {{assignment.head}}
#
# Which photos of an album look like this one? A search that compares the query with every photo is exact, but its time grows with the album. That is no trouble for a thousand photos, but it is for a billion. At the end you will have a search that compares a query with few photos, and a curve that shows how many neighbours it misses.
#
# **How it works**
#
# {{assignment.how}}
#
# Solve the exercises in their order. Only exercise 2 may call an earlier function. The last section calls all five functions.

# %% tags=["given"]
import torch
from torch.nn import functional as F

from course_lib.exercises.assigned import checker
from course_lib.page import pictures, plots
from course_lib.page.notebook import figure, table
from course_lib.render.faces.draw import draw_faces

VARIANT = 2026
check = checker("1_embeddings_and_search", VARIANT)

# 220 people who do not exist, 5 photos of each, shuffled
number = torch.randperm(1100, generator=torch.Generator().manual_seed(VARIANT))
person = number // 5  # [1100]
photos = draw_faces(person, number % 5, seed=VARIANT)["images"]  # [1100, 3, 32, 32]

# the mean colours of 4 x 4 cells, minus their mean over all photos, scaled to length 1
colours = F.adaptive_avg_pool2d(photos, 4).flatten(1)  # [1100, 48]
embeddings = F.normalize(colours - colours.mean(dim=0))
queries, vectors = embeddings[:100], embeddings[100:]  # [100, 48], [1000, 48]

# from exercise 3 on: the normals of 64 times 12 random planes
planes = torch.randn(64, 12, 48, generator=torch.Generator().manual_seed(VARIANT))

# %% [markdown]
# The next cell holds the code of the figures. It is folded; you need not read it.

# %% jupyter={"source_hidden": true} tags=["given"]
INKS = [plots.CLASS_COLOURS[n] for n in (3, 2, 6, 4, 7)]
GREEN = INKS[1]


def title_above(fig, text):
    fig.suptitle(text, x=0.01, ha="left", fontsize=11, weight="bold")
    return fig


def draw_distances(between):
    """Squared distances of six photos, and those of all pairs.  # function -> figure"""
    squared = between(queries, vectors)  # [100, 1000]
    order = squared[0].argsort()
    six = torch.cat([torch.tensor([0]), 100 + order[[0, 9, 99, 499, 999]]])  # among all photos
    fig, (left, right) = plots.panels(2, height=4.3, widths=(1.15, 1))
    few = between(embeddings[six], embeddings[six])
    pictures.distance_table(left, photos[six], few, "The less alike, the larger the distance")
    left.set_xlabel("dark: near; white: a photo and itself")
    bins = torch.linspace(0, 4, 61).tolist()
    for values, colour in ((squared.flatten(), plots.MUTED), (squared.min(dim=1).values, GREEN)):
        right.hist(values, bins, density=True, color=colour, alpha=0.75)
    top = right.get_ylim()[1]
    right.text(0.45, 0.3 * top, "to the nearest photo", color=GREEN, weight="bold")
    right.text(1.7, 0.1 * top, "to any photo", color="#555555", weight="bold")
    right.set(title="The nearest of 1,000 photos is\nmuch nearer than a typical one", yticks=[])
    right.set_xlabel("squared distance of a query to a photo of the album")
    return fig


def draw_neighbours(found):
    """Three queries, and what was found for them.  # [Q, 10] -> figure"""
    fig, axes = plots.panels(11, rows=3, height=0.95)
    same = person[100:][found] == person[:100, None]  # [Q, 10]
    for row in range(3):
        pictures.show_image(axes[11 * row], photos[row], colour=plots.QUERY)
        for place, n in enumerate(found[row].tolist()):
            colour = plots.SAME if same[row, place] else plots.OTHER
            pictures.show_image(axes[11 * row + 1 + place], photos[100 + n], colour=colour)
    return title_above(fig, "The nearest photos share colours, rarely the person (blue)")


def draw_equal_bits(x, y, angles):
    """How often two codes agree, against the angle.  # [Q, B], [N, B], [Q, N] degrees -> figure"""
    x, y = x.double(), y.double()
    equal = (x @ y.T + (1 - x) @ (1 - y).T) / x.shape[1]  # [Q, N], shares
    fig, (ax,) = plots.panels(1, height=3.2)
    ax.plot([0, 180], [1, 0], color=plots.QUERY, lw=1.5)
    for low in range(10, 170, 10):
        inside = (angles >= low) & (angles < low + 10)
        if inside.any():
            ax.plot(angles[inside].mean(), equal[inside].mean(), "o", color=GREEN, ms=7)
    ax.text(62, 0.72, "1 - angle / 180°", color=plots.QUERY, weight="bold")
    ax.text(76, 0.49, "pairs of photos, 1,000 planes", color=GREEN, weight="bold", ha="right")
    ax.set(title="The share of equal bits measures the angle", xlabel="angle of a pair, degrees")
    ax.set(ylabel="share of equal bits", xlim=(0, 180), ylim=(0, 1), xticks=range(0, 181, 30))
    return fig


def draw_buckets(found, order):
    """Where the candidates of a query stand in the exact order.  # tables -> [C], [N] -> figure"""
    rank = torch.empty_like(order)
    rank[order] = torch.arange(1, len(order) + 1)
    fig, (ax,) = plots.panels(1, height=3.2)
    ax.axvspan(0.9, 10.5, color=plots.SAME, alpha=0.1, lw=0)
    ax.text(1, -0.72, "the ten nearest", color=plots.SAME, weight="bold")
    for row, candidates_ in enumerate(found.values()):
        ranks = rank[candidates_]
        colours_ = [plots.SAME if r <= 10 else plots.MUTED for r in ranks.tolist()]
        ax.scatter(ranks, torch.full_like(ranks, row), s=130, marker="|", c=colours_, lw=1.5)
        ax.text(1150, row, f"{(ranks <= 10).sum()} of 10, {len(ranks)} compared", va="center")
    ax.set(xscale="log", xlim=(0.9, 4500), ylim=(len(found) - 0.5, -1), yticks=range(len(found)))
    ax.set_yticklabels([f"{t} table{'s' * (t > 1)}" for t in found])
    ax.set(xticks=[1, 10, 100, 1000], xticklabels=["1st", "10th", "100th", "1,000th"])
    ax.minorticks_off()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("place of a candidate in the exact search")
    ax.set_title("More tables find more of the ten nearest, and more of the others")
    return fig


def draw_curves(curves, tables):
    """Recall against the share compared.  # bits -> list of (recall, share) -> figure"""
    fig, (ax,) = plots.panels(1, height=4.2)
    for (bits, points), colour in zip(curves.items(), INKS, strict=False):
        recalls, shares = zip(*points, strict=True)
        ax.plot(shares, recalls, "-o", color=colour, lw=2, ms=6)
        for count, recall, share in zip(tables, recalls, shares, strict=True):
            x, y, side = 1.04 * share, recall - 0.055, "left"
            if recall > 0.88:
                x, y, side = share, recall + 0.06, "center"
            elif bits == max(curves) and count > tables[0]:
                x, y, side = 0.96 * share, recall + 0.05, "right"
            said = f"{bits} bits, 1 table" if count == 1 else str(count)
            ax.text(x, y, said, color=colour, ha=side, va="center", weight="bold")
    by_chance = torch.logspace(-2.4, 0, 50)
    ax.plot(by_chance, by_chance, "--", color=plots.MUTED, lw=1.5)
    ax.text(0.42, 0.33, "a random part\nof the album", color="#555555")
    ax.axhline(0.9, color=plots.QUERY, lw=1)
    ax.text(0.0042, 0.915, "recall 0.9")
    ax.set(xscale="log", xlim=(0.004, 1.1), ylim=(0, 1.12), ylabel="recall@10")
    ax.set(xticks=[0.01, 0.03, 0.1, 0.3, 1], xticklabels=["1%", "3%", "10%", "30%", "100%"])
    ax.minorticks_off()
    ax.set_xlabel("share of the album compared with a query; at each dot: the number of tables")
    ax.set_title("Longer codes need more tables and fewer comparisons")
    return fig


# %% [markdown]
# ## The album
#
# An **embedding** is a vector that stands for an image: the distance between two vectors measures how alike the images are. Networks learn good embeddings. Ours is not learned: a photo is cut into 4 x 4 cells, and the mean colour of each cell is three numbers. Then the mean of all photos is subtracted, and each vector is scaled to length 1.
#
# There are 1,000 photos in the album, `vectors`, and 100 others, `queries`.

# %% jupyter={"source_hidden": true} tags=["shown"]
fig, (left, middle, right) = plots.panels(3, height=2.6, widths=(3.4, 1.2, 1.2))
title_above(fig, "A photo becomes 4 x 4 mean colours: 48 numbers")
pictures.contact_sheet(left, photos[100:127], 9, "27 photos of the album")
pictures.show_image(middle, photos[0], "query 0", plots.QUERY)
pictures.show_image(right, colours[0].view(3, 4, 4), "its 48 numbers", plots.QUERY)
for ax in (left, middle, right):
    ax.set_title(ax.get_title(loc="left"), weight="normal", size=10)
figure(
    fig,
    "Left: drawn faces before gardens, walls and bookshelves. Right: one face, and the same face as sixteen "
    "squares of colour, in which only the background, the hair and the clothes can be made out.",
)

# %% [markdown]
# ## 1. Distances
#
# {{exercise.squared_distances}}
#
# A search needs the distance of every query to every photo: here 100,000 distances. Write `squared_distances`. Entry $(i, j)$ of the result is the **squared Euclidean distance** of row $i$ of `a` to row $j$ of `b`: the sum of the squared differences of their coordinates. It also follows from scalar products:
#
# $$ \lVert a - b\rVert^2 = \lVert a\rVert^2 + \lVert b\rVert^2 - 2\,a^\top b . $$
#
# * `a` is [N, d] and `b` is [M, d], with at least one row each; N and M may differ. The result is [N, M].
# * The vectors need not have length 1.
# * Do not take the square root.
# * Any way without a loop is right. Write no loop, neither over rows nor over coordinates: an answer that loops is *right, but needlessly slow*, and gets half of the points.
#
# To try it on the data: `squared_distances(queries, vectors)`.


# %% tags=["exercise"]
def squared_distances(a, b):
    """Squared Euclidean distance of every row of a to every row of b.  # [N, d], [M, d] -> [N, M]"""
    # If you use the formula: which shape must its first term have, so that its numbers belong to
    # the rows of the result?
    # BEGIN SOLUTION
    lengths_a = (a * a).sum(dim=1, keepdim=True)  # [N, 1]
    lengths_b = (b * b).sum(dim=1)  # [M]
    products = a @ b.T  # [N, M]
    # rounding may leave a distance of 0 a little below it
    return (lengths_a + lengths_b - 2 * products).clamp(min=0)
    # END SOLUTION


# %% tags=["check"]
check("squared_distances", squared_distances)

# %% tags=["expected"]
few = squared_distances(queries, vectors)[0, :4]
print("squared_distances(queries, vectors)[0, :4]:", [round(value, 3) for value in few.tolist()])
figure(
    draw_distances(squared_distances),
    "Left: squared distances of six photos: query 0, and photos of the album that are farther and farther from it. "
    "Right: distances to the nearest photo are mostly below 0.4; distances to any photo spread from 0 to 4.",
)

# %% [markdown]
# **Go further.** Add 1,000 to all coordinates of `queries` and of `vectors`. On paper no distance changes. There are two ways to compute it: the formula, and the sum of squared differences. What does each of them give in float32? And how many numbers does each of them hold in memory for 100 queries and a million photos?

# %% [markdown]
# ## 2. The nearest
#
# {{exercise.nearest}}
#
# A person who searches wants the best few photos, the best one first. Write `nearest`: for each query the indices of the k vectors at the smallest Euclidean distance. This is **exact search**, the ground truth for all that follows.
#
# * `queries` is [Q, d], `vectors` is [N, d], and 1 <= k <= N. The result is [Q, k], whole numbers from 0 to N - 1.
# * In each row the nearest comes first.
# * If two vectors are at the same distance, the one with the lower index comes first. (Look up `stable` in the documentation of `torch.sort`.)
# * Leave no vector out, also not one that equals the query.
#
# You may call your `squared_distances`. Then it must be right, too.
#
# To try it on the data: `nearest(queries, vectors, 10)`.


# %% tags=["exercise"]
def nearest(queries, vectors, k):
    """Indices of the k nearest vectors, the nearest first.  # [Q, d], [N, d], number -> [Q, k]"""
    # Does the order change if distances are squared?
    # BEGIN SOLUTION
    squared = squared_distances(queries, vectors)  # [Q, N]
    order = squared.argsort(dim=1, stable=True)
    return order[:, :k]
    # END SOLUTION


# %% tags=["check"]
check("nearest", nearest)

# %% tags=["expected"]
ten = nearest(queries, vectors, 10)  # [100, 10]
print("nearest(queries, vectors, 10)[0]:", ten[0].tolist())
figure(
    draw_neighbours(ten),
    "Three queries, each with the ten nearest photos of the album: the same backgrounds and the same light, and "
    "nearly everywhere an orange frame, which means another person.",
)
same = person[100:][ten] == person[:100, None]  # [100, 10]
print(f"The nearest photo shows the person of the query for {same[:, 0].sum()} of 100 queries.")
print(f"One of the ten nearest does for {same.any(dim=1).sum()} of 100 queries.")

# %% [markdown]
# **Go further.** A person has five photos, so at most four of the ten nearest can show the person of the query. In *Expected*, only a few of the queries have the person first, although the search is exact. What would you change, the search or the embedding? (Embeddings that find the person are learned in notebooks 03 and 04.)

# %% [markdown]
# ## 3. Codes
#
# {{exercise.hyperplane_codes}}
#
# Exact search compares a query with all 1,000 photos. To leave most of them out, we need a hint of where the near ones are. A **hyperplane** through the origin cuts the space into two sides. (In 2 dimensions it is a line, in 3 a plane; we say *plane*.) Vectors that are near each other mostly lie on the same side. The side is one bit. Several planes give several bits, the vector's **code**. (This is *locality-sensitive hashing* with random hyperplanes.)
#
# A plane is given by its **normal** $n$, a vector at right angles to it. Normals are drawn from a Gaussian, which prefers no direction. Write `hyperplane_codes`: bit $b$ of vector $x$ is 1 if $x^\top n_b > 0$, else 0.
#
# * `x` is [N, d], `normals` is [B, d]. The result is [N, B]: rows belong to the vectors, columns to the planes.
# * The bits are 0 and 1, int64, not bool and not float.
# * A vector that lies on the plane gets 0.
#
# To try it on the data, with 8 planes: `hyperplane_codes(queries, planes[0, :8])`.


# %% tags=["exercise"]
def hyperplane_codes(x, normals):
    """1 where a vector lies on the positive side of a plane, else 0.  # [N, d], [B, d] -> [N, B]"""
    # All scalar products are one matrix product.
    # BEGIN SOLUTION
    products = x @ normals.T  # [N, B]
    return (products > 0).long()
    # END SOLUTION


# %% tags=["check"]
check("hyperplane_codes", hyperplane_codes)

# %% tags=["expected"]
code = hyperplane_codes(queries, planes[0, :8])[0]
print("hyperplane_codes(queries, planes[0, :8])[0]:", code.tolist())
many = torch.randn(1000, 48, generator=torch.Generator().manual_seed(VARIANT))  # 1,000 planes
angles = torch.rad2deg(torch.acos((queries @ vectors.T).clamp(-1, 1)))  # [100, 1000]
figure(
    draw_equal_bits(hyperplane_codes(queries, many), hyperplane_codes(vectors, many), angles),
    "Pairs of a query and a photo, in groups by their angle: the share of equal bits falls on a straight line, "
    "from all bits at 0 degrees to none at 180 degrees.",
)

# %% [markdown]
# **Go further.** What if the mean is not subtracted? Draw 12 normals with `torch.randn(12, 48)`, and count the different codes of `vectors` and of `F.normalize(colours[100:])`. Why do they differ so much?

# %% [markdown]
# ## 4. Candidates
#
# {{exercise.candidates}}
#
# Vectors with the same code lie in one **bucket**. A search looks only into the bucket of the query. But a near vector may lie behind one of the planes, and then it is missed. So we keep several **tables**, each with planes of its own, and look into the query's bucket in each of them.
#
# The next cell is given. Its function `codes_of` makes the codes of all tables with your `hyperplane_codes`.


# %% tags=["given"]
def whole(value, name):
    """What a function returned, as whole numbers in a tensor."""
    if value is None:
        raise ValueError(f"{name} returns nothing yet")
    return torch.as_tensor(value, dtype=torch.int64)


def codes_of(x, normals):
    """The codes of all vectors in all tables.  # [N, d], [T, B, d] -> [T, N, B]"""
    codes = [whole(hyperplane_codes(x, of_table), "hyperplane_codes") for of_table in normals]
    return torch.stack(codes)


# %% [markdown]
# Write `candidates`: the indices of the vectors that are in the query's bucket in at least one table.
#
# * `codes` is [T, N, B]: in each of T tables the codes of the N vectors, bits 0 and 1. `query` is [T, B]: the query's code in each table.
# * A vector is in the query's bucket if *all* B bits are equal, in one and the same table.
# * The result is a one-dimensional tensor of indices [C], int64, from 0 to N - 1: each index once, in ascending order. It may be empty.
# * A loop over the tables is fine. A loop over the vectors is right, too, but it is slow in the last section.
#
# To try it on the data, with 2 tables of 8 bits: `two = planes[:2, :8]`, then `candidates(codes_of(vectors, two), codes_of(queries, two)[:, 0])`. This needs your `hyperplane_codes`; `check` does not.


# %% tags=["exercise"]
def candidates(codes, query):
    """Indices of the vectors that share a bucket with the query.  # [T, N, B], [T, B] -> [C]"""
    # First one table: which vectors have the query's code?
    # Then: how do the tables come together, so that no vector is listed twice?
    # BEGIN SOLUTION
    shared = torch.zeros(codes.shape[1], dtype=torch.bool)
    for table_codes, own in zip(codes, query, strict=True):
        shared |= (table_codes == own).all(dim=1)  # [N]
    return shared.nonzero().flatten()
    # END SOLUTION


# %% tags=["check"]
check("candidates", candidates)

# %% tags=["expected"]
codes, query = codes_of(vectors, planes[:16, :8]), codes_of(queries, planes[:16, :8])[:, 0]
print("candidates(codes_of(vectors, two), codes_of(queries, two)[:, 0]):")
print(candidates(codes[:2], query[:2]).tolist())
found = {t: candidates(codes[:t], query[:t]) for t in (1, 2, 4, 8, 16)}
ten_found = torch.isin(found[16], ten[0]).sum()
figure(
    draw_buckets(found, nearest(queries[:1], vectors, 1000)[0]),
    "The candidates of query 0 with codes of 8 bits, by their place in the exact search. One table finds few; "
    f"16 tables find {ten_found} of the ten nearest, and {len(found[16]) - ten_found} others.",
)

# %% [markdown]
# **Go further.** A pair at an angle $\theta$ agrees in one bit with probability $1 - \theta/\pi$. With which probability is it found by T tables of B bits? Compute it for 30 and for 90 degrees, 8 bits and 8 tables.

# %% [markdown]
# ## 5. Recall
#
# {{exercise.recall_at_k}}
#
# A search that leaves photos out misses some. How many? **Recall@k** is the share of the k exact neighbours that were found, in any order:
#
# $$ \text{recall@}k = \frac{1}{Q}\sum_{q=1}^{Q} \frac{\lvert\,\text{found}_q \cap \text{exact}_q\,\rvert}{k} . $$
#
# * `exact` is [Q, k]: for each query the indices of its k nearest vectors. `found` is [Q, K']: what a search returned. K' may be smaller or larger than k, and all of it counts.
# * -1 in `found` stands for *nothing found*. It is never a hit, and it is not an index.
# * No row holds an index twice; only -1 may repeat.
# * A query for which nothing was found has recall 0, and counts in the mean.
# * The result is one number from 0 to 1.
#
# To try it on the data: `recall_at_k(nearest(queries, vectors[:250], 10), nearest(queries, vectors, 10))`, the recall of a search in the first 250 photos of the album. This needs your `nearest`; `check` does not.


# %% tags=["exercise"]
def recall_at_k(found, exact):
    """Share of the exact neighbours that were found, mean over the queries.  # [Q, K'], [Q, k] -> number"""
    # A row of `exact` is compared with the same row of `found` only.
    # BEGIN SOLUTION
    shares = []
    for row, neighbours in zip(found.tolist(), exact.tolist(), strict=True):
        hits = set(row) & set(neighbours)  # -1 is never among the neighbours
        shares.append(len(hits) / len(neighbours))
    return sum(shares) / len(shares)
    # END SOLUTION


# %% tags=["check"]
check("recall_at_k", recall_at_k)

# %% tags=["expected"]
rows = [("photos searched", "share of the album", "recall@10")]
for count in (50, 100, 250, 500, 1000):
    part = nearest(queries, vectors[:count], 10)
    rows.append((count, f"{count / 1000:.0%}", f"{recall_at_k(part, ten):.2f}"))
table(rows)

# %% [markdown]
# **Go further.** A search that compares with a random part of the album finds about that part of the neighbours. A better search must beat this.
#
# Papers on metric learning use the same name, recall@k, for another number: the share of the queries with at least one right result among the first k. Suppose that k photos are found, and that *right* means one of the k exact neighbours. Why is their number then never lower than ours? In papers *right* means the same class. Here the class is the person: compute their recall@10 for the exact search, with `person[:100]` and `person[100:]`. Why is it far below 1?

# %% [markdown]
# ## Search in tables
#
# Now the parts come together. The functions below are given; they call your five. Read `search_in_tables`: it looks into the buckets, and orders the candidates by their exact distance. It returns what was found, and the share of the album that was compared.
#
# Ours still reads the codes of all photos, to keep the function short. An index stores for each code the list of its vectors, and reads only the list of the query's code. So we count distance computations, not time.

# %% tags=["given"]
TABLES = (1, 2, 4, 8, 16, 32)


def search_in_tables(queries, vectors, normals, k):
    """Search in the query's buckets only.  # [Q, d], [N, d], [T, B, d], number -> [Q, k], share"""
    codes, query_codes = codes_of(vectors, normals), codes_of(queries, normals)  # [T, N or Q, B]
    found, compared = torch.full((len(queries), k), -1), 0
    for q, query in enumerate(queries):
        near = whole(candidates(codes, query_codes[:, q]), "candidates")
        compared += len(near)
        if len(near):
            order = nearest(query[None], vectors[near], min(k, len(near)))
            best = near[whole(order, "nearest")[0]]
            found[q, : len(best)] = best
    return found, compared / (len(queries) * len(vectors))


def measure(bits, tables, k=10):
    """Recall@k and the share of the album compared, over all queries."""
    exact = whole(nearest(queries, vectors, k), "nearest")
    found, share = search_in_tables(queries, vectors, planes[:tables, :bits], k)
    return recall_at_k(found, exact), share


# %% [markdown]
# **Your curve.** How many tables does a recall of 90% need, with 4, 8 and 12 bits? And which share of the album is compared then? Run the next cell when your five functions are right. (It takes seconds, or minutes if `candidates` loops over the vectors.) Read off the curve between which two numbers of tables the answer lies. Then find the number with `measure(bits, tables)`, which returns recall and share. Copy the next cell to a cell of your own and try other bits, from 1 to 12, up to five numbers at once.

# %% tags=["shown"]
BITS = (4, 8, 12)
try:
    curves = {bits: [measure(bits, tables) for tables in TABLES] for bits in BITS}
    figure(draw_curves(curves, TABLES), "Your recall@10 against the share of the album compared.")
except Exception as error:
    print(f"Not yet, this needs your five functions: {error}.")

# %% tags=["expected"]
figure(
    draw_curves(curves, TABLES),
    "Recall at 10 against the share of the album compared, for codes of 4, 8 and 12 bits and 1 to 32 tables. All "
    "curves rise far above that of a random part; that of 12 bits lies highest.",
)
rows = [("bits", "tables for a recall of 0.9", "share of the album compared")]
for bits in BITS:
    count = next(t for t in range(1, 65) if measure(bits, t)[0] >= 0.9)
    rows.append((bits, count, f"{measure(bits, count)[1]:.0%}"))
table(rows)

# %% [markdown]
# **Go further.** Before a search can look into the buckets, it computes the query's code in every table. How many scalar products does that cost for a recall of 90%? Add them to the distance computations: which number of bits is the best then?
#
# A table keeps one entry for each photo. Draw the recall against the number of tables instead: which codes are the best for a small memory? Then look also into the buckets whose code differs in one bit (*multi-probe*, notebook 06). How many tables does that save?

# %% [markdown]
# ## What you have built
#
# * `squared_distances` compares every query with every vector, without a loop.
# * `nearest` is exact search: the ground truth, and the last step of every approximate search.
# * `hyperplane_codes` turns a vector into bits; the share of equal bits measures the angle.
# * `candidates` finds the vectors in a few buckets: only they are compared with the query.
# * `recall_at_k` measures how much is lost. Read it beside the share compared: recall alone is not enough.
#
# **Still open:** the planes are random. What would planes gain that are chosen for the data, and what if the album changes afterwards?
#
# **Read:** Charikar, [Similarity estimation techniques from rounding algorithms](https://doi.org/10.1145/509907.509965) (2002), on random hyperplanes · Lv and others, [Multi-probe LSH](https://www.vldb.org/conf/2007/papers/research/p950-lv.pdf) (2007) · Johnson, Douze and Jégou, [Billion-scale similarity search with GPUs](https://arxiv.org/abs/1702.08734) (2017), on the library FAISS.
#
# {{assignment.hand_in}}
