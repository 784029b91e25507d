# %% [markdown]
# # Assignment 5: verification
#
# {{assignment.head}}
#
# Do two photos show the same person? A verifier compares their embeddings and accepts the pair if the score is high enough. How good it is depends on pairs, on a threshold, and on the people that the threshold was chosen on. At the end you will have all the parts by which a verifier is judged, and one that you have trained yourself, on people whom it has never seen.
#
# {{assignment.how}}
#
# Only exercise 3 may call an earlier function, your `roc`. Exercise 6 may use three tools of the course, which it names. A line *To try it on the data* needs your `pairs_of`; a check does not.

# %% tags=["given"]
import math

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.assigned import checker
from course_lib.page import pictures, plots
from course_lib.page.notebook import figure, table
from course_lib.training.batches import batches
from course_lib.training.loop import fit

VARIANT = 2026
check = checker("5_verification", VARIANT)

# Embeddings as a network might give them: a direction for each person, and noise in each photo.
PEOPLE, PHOTOS, DIM = 80, 6, 16
generator = torch.Generator().manual_seed(VARIANT)
directions = torch.randn(PEOPLE, DIM, generator=generator)
noise = torch.randn(PEOPLE * PHOTOS, DIM, generator=generator)
identities = torch.arange(PEOPLE).repeat_interleave(PHOTOS)  # [480], the person on each photo
vectors = F.normalize(directions[identities] + 0.7 * noise, dim=1)  # [480, 16], of length 1

validation, tested = torch.arange(20), torch.arange(20, PEOPLE)  # numbers of people
FAR = 0.01  # the share of impostor pairs that we are willing to accept


def scored(first, second):
    """Cosine of each pair of photos, and whether it is genuine.  # [P], [P] -> [P], [P] bool"""
    return (vectors[first] * vectors[second]).sum(dim=1), identities[first] == identities[second]


# %% tags=["given"] jupyter={"source_hidden": true}
# Figures, and `ten_folds` for exercise 5. You need not read it.
SHARES = {"xscale": "log", "yscale": "log", "xlabel": "FAR: impostor pairs accepted"}


def histograms(scores, same, title):
    """The scores of genuine and of impostor pairs, each with area 1."""
    fig, (ax,) = plots.panels(1, height=2.6)
    for kind, colour, name in ((same, plots.SAME, "genuine"), (~same, plots.OTHER, "impostor")):
        bars = ax.hist(scores[kind], 50, range=(-1, 1), density=True, color=colour, alpha=0.6)[0]
        middle = -1 + (int(bars.argmax()) + 0.5) * 2 / 50
        ax.text(middle, bars.max() * 1.04, name, color=colour, weight="bold", ha="center")
    ax.set(title=title, xlabel="cosine", yticks=[], xlim=(-1, 1))
    ax.margins(y=0.15)
    return fig


def draw_det(ax, far, tar, name, colour, style="-"):
    """FRR over FAR on logarithmic axes, with its name in the legend."""
    frr = 1 - tar
    kept = (far > 0) & (frr > 0)
    ax.plot(far[kept], frr[kept], style, color=colour, lw=2, label=name)
    ax.set(**SHARES, ylabel="FRR: genuine pairs refused")
    ax.minorticks_off()
    ax.legend(frameon=False, loc="lower left", fontsize=10, labelcolor="linecolor")


def ten_folds(pairs_of):
    """Ten folds of six test people, with as many impostor as genuine pairs in each.  # -> scores, same, fold"""
    seeded, parts = torch.Generator().manual_seed(VARIANT), []
    for number, people in enumerate(tested.chunk(10)):
        scores, same = scored(*pairs_of(identities, people))
        genuine, impostor = same.nonzero()[:, 0], (~same).nonzero()[:, 0]
        some = torch.randperm(len(impostor), generator=seeded)[: len(genuine)]
        kept = torch.cat([genuine, impostor[some]])
        parts.append((scores[kept], same[kept], torch.full_like(kept, number)))
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


# %% [markdown]
# ## The data
#
# The first five exercises are about 80 people with six photos each. A network would give each photo an **embedding**, a vector of length 1. Here these vectors are drawn at random, near a direction for each person, so that you can begin without a network. The score of a pair of photos is the cosine of their embeddings. The first 20 people are for **validation**: on them we choose a threshold. The other 60 are for the **test**.

# %% tags=["shown"]
fig, (left, right) = plots.panels(2, height=2.9, widths=(2, 3))
plots.bare(left, "Five people: five dark squares")
left.imshow(vectors[:30] @ vectors[:30].T, cmap="Blues", vmin=-0.5, vmax=1)
cosines, mine = scored(torch.tensor([0]), torch.arange(1, len(vectors)))
for kind, colour, height in ((mine, plots.SAME, 1), (~mine, plots.OTHER, 0)):
    spread = torch.arange(kind.sum()) * 0.618 % 1 - 0.5
    right.scatter(cosines[kind], height + 0.6 * spread, color=colour, s=12, alpha=0.6)
right.set(title="Photos of the same person mostly score higher", xlabel="cosine with photo 0")
right.set(yticks=[0, 1], yticklabels=["other people", "same person"], xlim=(-1, 1))
alt = "Left: cosines of 30 photos; five dark squares on the diagonal are five people. Right: cosines of one photo with all others; those of the same person are mostly higher."
figure(fig, alt)

# %% [markdown]
# ## 1. Pairs
#
# {{exercise.pairs_of}}
#
# A verifier is judged on pairs. If a person of the test were also in a pair used to choose the threshold, the test would not be about new people. So we need the pairs of *some* people and of nobody else.
#
# Two photos of one person are a **genuine pair**; photos of two people are an **impostor pair**. Write `pairs_of(labels, people)`:
#
# * `labels[i]` is the person on photo `i`; `people` holds the numbers of some people. The numbers may be any, in any order.
# * A pair is taken if *both* its photos show a person in `people`: genuine pairs and impostor pairs.
# * Each pair is taken once, as two places in `labels`, $i < j$. No photo is paired with itself.
# * `first` holds the $i$, `second` the $j$, sorted by $i$, then by $j$. They are tensors of whole numbers; where there is no pair, both are empty.
#
# To try it on the data: `scores, same = scored(*pairs_of(identities, validation))` gives the score of each of your pairs, and whether it is genuine.


# %% tags=["exercise"]
def pairs_of(labels, people):
    """All pairs i < j of photos of these people.  # [N], [K] -> first [P], second [P]"""
    # Which photos show one of the people? Keep their numbers, as they are in `labels`.
    # Pair each of them with every later one.
    # BEGIN SOLUTION
    inside = torch.isin(labels, people).nonzero()[:, 0]
    first, second = torch.combinations(inside).T
    return first, second
    # END SOLUTION


# %% tags=["check"]
check("pairs_of", pairs_of)

# %% tags=["expected"]
scores, same = scored(*pairs_of(identities, validation))
counts = f"{len(scores):,} pairs: {same.sum()} genuine, {(~same).sum():,} impostor"
figure(
    histograms(scores, same, "Pairs of the validation people: no threshold separates them"),
    "Histograms of cosines of the validation pairs. Impostor pairs lie around 0, genuine pairs far to the right; the two overlap.",
)
print(f"scored(*pairs_of(identities, validation)): {counts}")

# %% [markdown]
# **Go further.** A test has $n$ people with $k$ photos each. How many genuine pairs are there, and how many impostor pairs? Which of the two grows faster with $n$? Think of a verifier that refuses every pair: what share of all pairs does it decide correctly?

# %% [markdown]
# ## 2. The ROC curve
#
# {{exercise.roc}}
#
# Nearly all pairs are impostor pairs, so one share of correct decisions tells little. We count the two kinds apart. A pair is **accepted** if its score is *at or above* the threshold:
#
# $$\text{FAR} = \frac{\text{impostor pairs accepted}}{\text{impostor pairs}} \qquad \text{TAR} = \frac{\text{genuine pairs accepted}}{\text{genuine pairs}}$$
#
# FAR is the **false accept rate**, TAR the **true accept rate**; FaceNet calls TAR the *validation rate* (VAL). Each threshold gives one point (FAR, TAR); all of them are the **ROC curve**. Write `roc(scores, same)`; `same` is true for genuine pairs:
#
# * The first point belongs to the threshold infinity, at which nothing is accepted: (0, 0).
# * Then comes one point for each *distinct* score, from the highest down. Pairs with equal scores are accepted together, at one point.
# * Return two rows, FAR and TAR, each with one number for each point. The last point is (1, 1).
# * The pairs come in any order. There is at least one of each kind.
#
# One look at all pairs for each threshold is fast enough for the 7,140 validation pairs. A slower function is right, but gets half of the points. With the pairs of the test people, and in exercise 6, sort once: then one pass gives all thresholds.
#
# To try it on the data: `roc(*scored(*pairs_of(identities, validation)))`.


# %% tags=["exercise"]
def roc(scores, same):
    """FAR and TAR at infinity and at each distinct score.  # [N], [N] bool -> far [M], tar [M]"""
    # Bring scores and `same` into the same order, the highest score first.
    # Count how many pairs of each kind are accepted so far; divide by all pairs of that kind.
    # Of pairs with equal scores, only the last one gives a point.
    # BEGIN SOLUTION
    order = scores.argsort(descending=True)
    falling, genuine = scores[order], same[order]
    ends = torch.cat([falling[1:] < falling[:-1], torch.tensor([True])])
    far = (~genuine).double().cumsum(dim=0) / (~genuine).sum()
    tar = genuine.double().cumsum(dim=0) / genuine.sum()
    start = torch.zeros(1)
    return torch.cat([start, far[ends]]), torch.cat([start, tar[ends]])
    # END SOLUTION


# %% tags=["check"]
check("roc", roc)

# %% tags=["expected"]
small = torch.tensor([0.75, 0.5, 0.5, 0.25]), torch.tensor([True, True, False, False])
print("scores", small[0].tolist(), "same", small[1].tolist())
print("FAR", roc(*small)[0].tolist(), "TAR", roc(*small)[1].tolist())
far, tar = roc(scores, same)
at_far = tar[far <= FAR].max()
fig, axes = plots.panels(2, height=2.9)
for ax, scale in zip(axes, ("linear", "log"), strict=True):
    ax.plot(far, tar, color=plots.SAME, lw=2)
    ax.plot(FAR, at_far, "o", color=plots.QUERY, ms=6, zorder=3)
    ax.set(xscale=scale, xlabel="FAR: impostor pairs accepted", ylim=(0, 1.03))
axes[0].set(title="Linear: small FAR is squeezed to the edge", ylabel="TAR: genuine pairs accepted")
axes[1].set(title="Logarithmic: small FAR has room", xlim=(1e-4, 1.1))
axes[1].minorticks_off()
axes[1].annotate(f"TAR {at_far:.2f} at FAR 1/100", (FAR * 1.35, at_far - 0.1))
figure(
    fig,
    "The ROC curve of the validation pairs, left on linear axes, right with a logarithmic FAR. A black dot marks FAR 1/100.",
)

# %% [markdown]
# **Go further.** Replace each score $s$ by $s^3$, or by any other rising function. What happens to the curve, and what to the threshold of each point? So what can a ROC curve not tell you about a verifier?

# %% [markdown]
# ## 3. The equal error rate
#
# {{exercise.eer}}
#
# Two verifiers give two curves, and curves can cross. For a first comparison papers often give one number. The **false reject rate**, FRR = 1 - TAR, is the share of genuine pairs that are refused. It falls along the curve, while FAR rises. The **equal error rate**, EER, is the error where both are the same.
#
# The curve of FRR over FAR is the **DET curve** (*detection error trade-off*). In *Expected*, both axes are logarithmic, as in NIST's face reports. The first DET curves had axes of normal quantiles (Martin and others, 1997). For comparisons of two photos NIST calls the two errors FMR and FNMR, the *false match rate* and the *false non-match rate*.
#
# Write `eer(scores, same)`, which returns a number between 0 and 1. There is rarely a point of the curve at which FAR and FRR are equal, so go along straight lines:
#
# * Let $i$ be the first point of the ROC curve with $\text{FAR}_i \ge \text{FRR}_i$. At the point before it, $\text{FAR}_{i-1} < \text{FRR}_{i-1}$.
# * Between the two points, both errors change linearly: $\text{FAR}(t) = \text{FAR}_{i-1} + t\,(\text{FAR}_i - \text{FAR}_{i-1})$ with $t$ from 0 to 1, and FRR in the same way.
# * Find the $t$ at which $\text{FAR}(t) = \text{FRR}(t)$. Return $\text{FAR}(t)$.
#
# The curve begins at (0, 0), where FRR is 1: there is always a point before. You may call your `roc`; then `roc` must be right. Slow answers get half of the points, as in exercise 2.
#
# To try it on the data: `eer(*scored(*pairs_of(identities, validation)))`, and the same with `tested`.


# %% tags=["exercise"]
def eer(scores, same):
    """The error where FAR = FRR, between two points of the ROC curve.  # [N], [N] bool -> number"""
    # Find the first point with FAR >= FRR, and the one before it.
    # How far apart are FAR and FRR at each of the two? Where between them is the difference 0?
    # BEGIN SOLUTION
    far, tar = roc(scores, same)
    gap = (1 - tar) - far
    after = int((gap <= 0).nonzero()[0])
    before = after - 1
    t = gap[before] / (gap[before] - gap[after])
    return (far[before] + t * (far[after] - far[before])).item()
    # END SOLUTION


# %% tags=["check"]
check("eer", eer)

# %% tags=["expected"]
test_scores, test_same = scored(*pairs_of(identities, tested))
errors = eer(scores, same), eer(test_scores, test_same)
fig, (ax,) = plots.panels(1, height=3.2)
draw_det(ax, *roc(scores, same), f"validation people: EER {errors[0]:.3f}", plots.MUTED, "--")
draw_det(ax, *roc(test_scores, test_same), f"test people: EER {errors[1]:.3f}", plots.SAME)
ax.plot([1e-3, 1], [1e-3, 1], color=plots.QUERY, lw=1)
ax.plot(errors, errors, "o", color=plots.QUERY, ms=6, zorder=3)
ax.annotate("FAR = FRR", (0.3, 0.36), ha="right")
ax.set(xlim=(1e-4, 1), ylim=(3e-3, 1))
ax.set_title("The EER is where a curve crosses the line FAR = FRR")
figure(
    fig,
    "Two falling DET curves on logarithmic axes, of validation and of test people; dots where they cross the diagonal mark the equal error rates.",
)

# %% [markdown]
# **Go further.** At the EER, both errors are equally frequent. Name a system in which a false accept costs far more than a false reject, and one in which it costs far less. On which part of the DET curve would each of them work?

# %% [markdown]
# ## 4. A threshold, chosen and frozen
#
# {{exercise.choose_threshold}}
#
# A verifier in use needs *one* threshold, fixed before anybody comes. We are willing to accept 1 impostor pair in 100, and want to refuse as few genuine pairs as possible under this condition. The people who will come are not known yet, so the threshold is chosen on the validation people and then **frozen**: it stays as it is on the test.
#
# Write `choose_threshold(scores, same, far)`:
#
# * Candidates are the scores in `scores`, those of genuine and of impostor pairs, and no other numbers.
# * A pair is accepted if its score is at or above the threshold. Only impostor pairs count for FAR.
# * Return the *lowest* candidate at which FAR is at most `far`; equal to `far` is allowed.
# * If FAR is too high at every candidate, return `math.inf`, which accepts nothing.
#
# To try it on the data: `choose_threshold(*scored(*pairs_of(identities, validation)), FAR)`. `FAR` is 1/100.


# %% tags=["exercise"]
def choose_threshold(scores, same, far):
    """The lowest of the scores at which FAR is at most `far`.  # [N], [N] bool, number -> number"""
    # Count, for each candidate, the impostor pairs with a score at or above it.
    # Among the candidates that are allowed, take the lowest. What if there is none?
    # BEGIN SOLUTION
    impostors = scores[~same].sort().values
    candidates = scores.unique()  # sorted, the lowest first
    accepted = len(impostors) - torch.searchsorted(impostors, candidates)
    allowed = candidates[accepted.double() / len(impostors) <= far]
    return allowed[0].item() if len(allowed) else math.inf
    # END SOLUTION


# %% tags=["check"]
check("choose_threshold", choose_threshold)


# %% tags=["expected"]
def share(part, threshold):
    return (part >= threshold).double().mean().item()


rows = [("threshold chosen on", "threshold", "FAR on the test", "TAR on the test")]
frozen = choose_threshold(scores, same, FAR)
cheat = choose_threshold(test_scores, test_same, FAR)
for name, chosen in (("validation people, frozen", frozen), ("test people: a cheat", cheat)):
    shares = [share(test_scores[kind], chosen) for kind in (~test_same, test_same)]
    rows.append((name, f"{chosen:.3f}", f"{shares[0]:.2%}", f"{shares[1]:.1%}"))
fig, (ax,) = plots.panels(1, height=2.9)
for part, colour, style in (
    (scores[~same], plots.MUTED, "--"),
    (test_scores[~test_same], plots.OTHER, "-"),
):
    rising = part.sort().values
    ax.plot(rising, 1 - torch.arange(len(rising)) / len(rising), style, color=colour, lw=2)
honest = share(test_scores[~test_same], frozen)
ax.axhline(FAR, color=plots.QUERY, lw=0.8)
ax.axvline(frozen, color=plots.QUERY, lw=0.8)
ax.plot([frozen], [honest], "o", color=plots.OTHER, ms=8, zorder=3)
ax.annotate(f"test people: {honest:.2%}", (frozen + 0.015, FAR * 2.2), color=plots.OTHER)
ax.annotate("frozen threshold", (frozen + 0.008, 0.17))
ax.annotate("validation people (dashed)", (frozen - 0.012, FAR * 0.6), color="#555555", ha="right")
ax.set(yscale="log", xlim=(0.2, 0.9), ylim=(5e-4, 0.3), xlabel="threshold", ylabel="FAR")
ax.minorticks_off()
ax.set_title(f"FAR 1% was the target; on the test people it is {honest:.2%}")
table(rows)
figure(
    fig,
    "FAR over the threshold on a logarithmic axis, dashed for validation people, solid for test people. At the frozen threshold, a vertical line, the two differ.",
)

# %% [markdown]
# In *Expected*, the first threshold was chosen on the validation people. Its FAR and TAR are an honest estimate of what a user gets. The second threshold was chosen on the test people. Its FAR keeps to the target because it was fitted to exactly these pairs. It tells little about the next people. The two TARs cannot be compared: their FARs differ.
#
# **Go further.** Choose the threshold on 5, 10 and 20 of the validation people, `torch.arange(5)` and so on, and measure FAR on the test each time. How far from 1/100 does it land? What does this mean for a FAR of one in a million?

# %% [markdown]
# ## 5. Ten folds
#
# {{exercise.ten_fold_accuracy}}
#
# One validation set and one test set give one number. Would other people have given another? The benchmark LFW (*Labeled Faces in the Wild*) divides its people into ten **folds**. Each fold is tested once, with a threshold from the nine others. The ten results show how much the result changes from people to people.
#
# **Accuracy** is the share of pairs that are decided correctly: genuine pairs accepted, impostor pairs refused. As on LFW, each of our folds has as many impostor pairs as genuine pairs. Write `ten_fold_accuracy(scores, same, fold)`:
#
# * `fold[i]` is the number of the fold that pair `i` belongs to. There may be any number of folds, two or more.
# * For each fold: find the threshold that has the highest accuracy on all pairs of the *other* folds. Candidates are the scores of those pairs. Of equally good candidates take the *highest*.
# * A pair is accepted if its score is at or above the threshold.
# * Return the accuracy on each fold with its threshold: a row of numbers, in the order of rising fold numbers. Not the mean.
#
# To try it on the data: `ten_fold_accuracy(*ten_folds(pairs_of))`. `ten_folds` stands in the folded cell at the top: it makes ten folds of six test people with your `pairs_of`.


# %% tags=["exercise"]
def ten_fold_accuracy(scores, same, fold):
    """Accuracy on each fold at the best threshold of the others.  # [N], [N] bool, [N] -> [folds]"""
    # For each fold: which pairs are tested, and which pairs choose the threshold?
    # The pairs that are tested may not help to choose.
    # BEGIN SOLUTION
    accuracies = []
    for number in fold.unique():
        test, rest = fold == number, fold != number
        best, threshold = -1.0, None
        for candidate in scores[rest].unique().flip(0):  # the highest first
            right = ((scores[rest] >= candidate) == same[rest]).double().mean()
            if right > best:
                best, threshold = right, candidate
        accuracies.append(((scores[test] >= threshold) == same[test]).double().mean())
    return torch.stack(accuracies)
    # END SOLUTION


# %% tags=["check"]
check("ten_fold_accuracy", ten_fold_accuracy)

# %% tags=["expected"]
folded = ten_folds(pairs_of)
honest = ten_fold_accuracy(*folded)
peeked = torch.zeros(10)
for number in range(10):
    s, g = (part[folded[2] == number] for part in folded[:2])
    peeked[number] = ((s >= s[:, None]) == g).double().mean(dim=1).max()
fig, (ax,) = plots.panels(1, height=2.9)
places = torch.arange(10)
ax.vlines(places, honest, peeked, color=plots.MUTED, lw=1.5)
ax.scatter(places, honest, color=plots.SAME, s=55, zorder=3)
ax.scatter(places, peeked, facecolor="white", edgecolor=plots.OTHER, lw=2, s=55, zorder=2)
for values, colour, name in (
    (honest, plots.SAME, "threshold of\nthe other folds"),
    (peeked, plots.OTHER, "cheat, threshold of\nthe tested fold"),
):
    height = values.mean() + (0.012 if colour == plots.OTHER else -0.012)
    ax.axhline(values.mean(), 0, 0.79, color=colour, lw=1, ls="--")
    ax.annotate(f"{name}: {values.mean():.3f}", (9.6, height), color=colour, va="center")
ax.set(xticks=range(10), xlabel="fold", ylabel="accuracy", xlim=(-0.5, 12.4))
ax.set_title(f"The cheat looks {100 * (peeked - honest).mean():.1f} percentage points better")
print(f"ten folds: {honest.mean():.3f} ± {honest.std() / 10**0.5:.3f} (standard error)")
figure(
    fig,
    "Accuracy on each of ten folds: a filled dot with the threshold of the other folds, an open one, never lower, with the best threshold of the fold itself. Dashed lines are the means.",
)

# %% [markdown]
# **Go further.** Mean accuracy is given with its **standard error**, the standard deviation of the ten results divided by $\sqrt{10}$. Compare it with the gain of the cheat. When two papers differ by less than a standard error, what would you ask their authors?

# %% [markdown]
# ## 6. Your verifier
#
# {{exercise.train_verifier}}
#
# So far the embeddings were given. Now you train the network that makes them. You get 24 photos each of 500 drawn people. The network is scored on people who are not among them.

# %% tags=["shown"]
from course_lib.exercises.assigned import images_to_train, images_to_validate

photos, people = images_to_train("train_verifier", VARIANT)
fig, axes = plots.panels(6, height=1.75)
for person, ax in enumerate(axes):
    pictures.contact_sheet(ax, photos[people == person][:4], 2, f"person {person}")
figure(
    fig,
    "Six drawn people, four photos of each: light, pose and expression change, hair and the shape of the face stay.",
)

# %% [markdown]
# `train_verifier(images, labels)` gets the photos, `[12000, 3, 32, 32]` in 0..1, and the number of the person on each, `[12000]`. It trains, and returns a **function from images to embeddings**, `[N, 3, 32, 32]` to `[N, d]`. The score of a pair is the cosine of its embeddings.
#
# **How it is scored.** There is no one right answer. The score is **TAR at FAR 1/1000**: the TAR at the lowest threshold that accepts at most 1 in 1,000 impostor pairs. It is taken on all pairs of 150 unseen people with eight photos each. {{formula.train_verifier}} The check scores on validation people. When the assignment is marked, your function trains once more and is scored on other people.
#
# **The rules**
#
# * Training takes at most 120 seconds of the CPU. Two cores that work for a second take two seconds. Stay well below: the machine that marks may be slower, and allows only a quarter more. A GPU's work costs none on your page, but there is no GPU where it is marked.
# * Everything comes from the arguments. Tensors, networks and files from outside of the function are not there when it is marked. So do not name `photos` or `people` in it.
# * Set your own seed, as `torch.manual_seed(0)`.
# * The embedding of an image depends on this image alone. So return the network in **evaluation mode**, in which batch normalisation uses its averages from training.
# * Embeddings are asked for in batches of 64 photos, in random order. A batch takes at most 3 seconds. An embedding has at most 1,024 numbers.
# * There are no points if an error is raised or a limit is passed, and none for raw pixels or any other fixed function that was not trained.
#
# **What is given** (these three may be used when the assignment is marked)
#
# * `ConvEncoder(3, dim=..., widths=(...), strides=(...), cells=...)`: a network of convolutions from images with 3 channels to `dim` numbers. One block of `widths[i]` feature maps for each width; a stride of 2 halves the image; the last maps are averaged to `cells` x `cells` and projected.
# * `batches(images, labels, size)`: what `fit` draws random batches of `size` photos from.
# * `fit(model, batches(...), loss, steps=..., lr=...)`: trains `model` in place with AdamW and leaves it in evaluation mode. It calls `loss(model, x, y)` on each batch, which returns the number to make smaller. Every parameter to be trained must be part of `model`.
#
# **Where to begin.** Begin with your `train_faces` of [assignment 2](2_losses.ipynb), exercise 5. If it calls `margin_logits`, copy that into the cell of this exercise, too. Without it, go in three steps:
#
# 1. Add to the encoder a layer that scores the 500 people, and train both. `nn.ModuleDict` holds both, so that both are trained. The embedding is what the encoder gives: the layer before the scores, the **penultimate layer**.
# 2. Let the scores be cosines, since the verifier compares cosines. Normalise the embedding, and one weight vector for each person. Multiply the cosines by a scale $s$.
# 3. Add a margin, as ArcFace does: the angle $\theta$ to the image's own person is enlarged by $m_2$. Its logit is $s \cos(\theta + m_2)$. Clamp the cosines by `1e-6` before `acos`, to `-1 + 1e-6` and `1 - 1e-6`: at 1 its gradient is infinite.
#
# Exercise 5 of assignment 2 gives a start for the network and for `fit`, and for ArcFace: $s = 12$, $m_2 = 0.4$. From there all points can be reached; try more steps first.
#
# The check draws the faces, trains once, and scores. This takes up to two or three minutes. To experiment in cells of your own, train on `photos` and `people` of the cell above. `images_to_validate("train_verifier", VARIANT)` gives the photos on which the check scores, and `(labels,)`, the people on them. Delete these cells before you hand in.


# %% tags=["exercise"]
def train_verifier(images, labels):
    """Trains on faces; returns what embeds faces.  # [N, 3, 32, 32], [N] -> function: [M, 3, 32, 32] -> [M, d]"""
    # An encoder, and one weight vector of the same length for each person: together they are the model.
    # The loss of a batch: cosines with all people, the angle to the image's own person enlarged,
    # scaled, cross-entropy.
    # Train, and return the encoder alone. Does a longer training still fit into the time?
    # BEGIN SOLUTION
    torch.manual_seed(0)
    people = int(labels.max()) + 1
    encoder = ConvEncoder(3, dim=64, widths=(32, 64, 96), strides=(2, 2, 2), cells=4)
    model = nn.ModuleDict({"encoder": encoder, "people": nn.Linear(64, people, bias=False)})

    def loss(model, x, y):
        centres = F.normalize(model["people"].weight, dim=1)
        cosines = F.normalize(model["encoder"](x), dim=1) @ centres.T  # [B, people]
        angles = cosines.clamp(-1 + 1e-6, 1 - 1e-6).acos()
        return F.cross_entropy(12 * (angles + 0.4 * F.one_hot(y, people)).cos(), y)

    fit(model, batches(images, labels, 128), loss, steps=400, lr=2e-2)
    return encoder
    # END SOLUTION


# %% tags=["check"]
check("train_verifier", train_verifier)

# %% tags=["expected"]
from course_lib.data.drawn import faces

encoder = train_verifier(photos, people)


def compared(embed, images, labels):
    with torch.no_grad():
        units = F.normalize(embed(images).flatten(1), dim=1)
    first, second = pairs_of(labels, labels.unique())
    return (units[first] * units[second]).sum(dim=1), labels[first] == labels[second]


images, (labels,) = images_to_validate("train_verifier", VARIANT)
far, tar = roc(*compared(encoder, images, labels))
tar_at_far = tar[far <= 0.001].max()
print(f'check("train_verifier", train_verifier), on 150 people: TAR at FAR 1/1000 {tar_at_far:.3f}')
at_frozen = "FAR at the frozen threshold, per 1,000", "TAR at the frozen threshold"
rows = [("60 test people", "EER", "TAR at FAR 1/1000", *at_frozen)]
missed = []
fig, axes = plots.panels(3, height=3.3, widths=(2.2, 1, 1))
for name, embed, colour in (
    ("raw pixels", lambda images: images - images.mean((1, 2, 3), keepdim=True), plots.MUTED),
    ("trained encoder", encoder, plots.SAME),
):
    chosen, unseen = (faces(split, VARIANT, 60, 6) for split in ("val", "test"))
    threshold = choose_threshold(*compared(embed, chosen.images, chosen.labels), 0.001)
    cosines, genuine = compared(embed, unseen.images, unseen.labels)
    far, tar = roc(cosines, genuine)
    draw_det(axes[0], far, tar, name, colour)
    at = tuple(share(cosines[kind], threshold) for kind in (~genuine, genuine))
    axes[0].plot(at[0], 1 - at[1], "o", color=colour, ms=8)
    missed.append(1 - tar[far <= 0.001].max())
    shares = f"{eer(cosines, genuine):.3f}", f"{1 - missed[-1]:.3f}"
    rows.append((name, *shares, f"{1000 * at[0]:.2f}", f"{at[1]:.3f}"))
axes[0].axvline(0.001, color=plots.QUERY, lw=0.8)
axes[0].set(xlim=(1e-5, 1), ylim=(5e-3, 1.1))
axes[0].text(1.4e-5, 0.03, "dots: at the\nfrozen threshold", color="#555555")
axes[0].set_title(f"At FAR 1/1000 FRR falls from {missed[0]:.2f} to {missed[1]:.2f}")
first, second = pairs_of(unseen.labels, unseen.labels.unique())
for ax, kind, sign, title, colour in (
    (axes[1], ~genuine, -1, "two people,\nhighest scores", plots.OTHER),
    (axes[2], genuine, 1, "one person,\nlowest scores", plots.SAME),
):
    worst = {}  # one pair of photos for each couple of people
    for pair in kind.nonzero()[:, 0][(sign * cosines[kind]).argsort()].tolist():
        both = first[pair], second[pair]
        worst.setdefault(tuple(unseen.labels[torch.stack(both)].tolist()), both)
    rows_of_faces = torch.tensor(list(worst.values())[:4]).flatten()
    pictures.contact_sheet(ax, unseen.images[rows_of_faces], 2)
    ax.set_title(title, color=colour)
table(rows)
figure(
    fig,
    "Left: DET curves of test people; the trained encoder's lies far below that of raw pixels. Right: four pairs of photos of two people with high scores, and four of one person with low scores.",
)

# %% [markdown]
# In *Expected*, a short solution was trained; it does not get all points. The first line is what the check gives this solution: compare your check with it. A threshold for FAR 1/1000 was chosen on 60 validation people and frozen. Table, curves and faces are of 60 other people, the test. Each row of faces is a pair of photos; the same people get one row only. 60 people are few: the FAR at a frozen threshold may lie well above or below 1/1000.
#
# **Go further.** Each time you change something and look at the score of the check, you choose on its validation people. How could you choose on others, with the 500 people you have? Do it with `pairs_of`, `roc` and 100 people held out, four photos each. Compare with the score on hidden people once you know your points.

# %% [markdown]
# ## What you have built
#
# * `pairs_of`: the pairs of some people and of nobody else, so that validation and test are about different people.
# * `roc` and `eer`: all thresholds at once, and one number for a first comparison.
# * `choose_threshold`: the one threshold of a verifier in use, chosen before the test and frozen.
# * `ten_fold_accuracy`: how well it decides, and how much this changes from people to people.
# * `train_verifier`: embeddings for people whom the network has never seen.
#
# **Still open:** a threshold fits the people that it was chosen on. Who is missing among them, and at which FAR will they be accepted?
#
# **Read:** Huang and others, [Labeled Faces in the Wild](https://inria.hal.science/inria-00321923) (2008), the ten folds · Martin and others, The DET Curve in Assessment of Detection Task Performance (1997) · Schroff, Kalenichenko and Philbin, [FaceNet](https://arxiv.org/abs/1503.03832) (2015), TAR at a small FAR · Deng and others, [ArcFace](https://arxiv.org/abs/1801.07698) (2019), the margin.
#
# {{assignment.hand_in}}
