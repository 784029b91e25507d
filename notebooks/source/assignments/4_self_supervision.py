# %% [markdown]
# # Assignment 4: Self-supervision
#
# {{assignment.head}}
#
# Images are cheap, labels are not. Suppose that you have 1,000 handwritten digits, and labels for a hundred of them. At the end you will have trained an **encoder**, a network from images to feature vectors, without a single label, and measured what its features are worth when labels are few. The pieces come from [11](../11_pretext_tasks.ipynb) and [12](../12_contrastive_learning.ipynb); read those first.
#
# **How it works**
#
# {{assignment.how}}
#
# Solve the exercises in order. Exercise 4 may use your `nt_xent`, and the figures after exercise 3 use your `rotations`. Otherwise no exercise needs an earlier one to be right. Exercise 4 may also use the three tools of the course that it names.

# %% tags=["given"]
import math

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.data.variations import random_affine
from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.assigned import checker, images_to_train, images_to_validate
from course_lib.page import pictures, plots
from course_lib.page.notebook import figure, record, table
from course_lib.training.loop import fit

VARIANT = 2026
check = checker("4_self_supervision", VARIANT)

# %% [markdown]
# ## The digits
#
# Each image has 16 x 16 pixels and one channel. The digits are moved, turned a little, and scaled. Each has its own light, and there is noise. So two images of one digit may have quite different pixels.
#
# The next cell loads them to look at: 1,000 `digits` to train on, and {{new}} `new_digits`. Their labels are there to measure with, never to train the encoder. None of these names exists when the assignment is marked, so a function that you write takes what it needs as arguments.

# %% tags=["shown"]
(digits,) = images_to_train("pretrain", VARIANT)
every_image, (labels, new_labels) = images_to_validate("pretrain", VARIANT)
new_digits = every_image[len(digits) :]
record("new", len(new_labels), "d")
fig, (ax,) = plots.panels(1, height=1.6)
both = torch.cat([digits[labels == digit][:14] for digit in (2, 7)])
pictures.contact_sheet(ax, both, 14, "The same digit, in another place, size, turn and light")
figure(
    fig,
    "Two rows of fourteen small images: handwritten twos, then sevens. They differ in place, size and turn, in the grey of "
    "the paper and in the darkness of the ink.",
)

# %% [markdown]
# ## 1. Turns as labels
#
# {{exercise.rotations}}
#
# To learn without labels, a network needs a task whose answers a program can make. Turn each digit by some quarter turns, and let the network predict how many. The label is known, since we made it. Such a task is a **pretext task**; this one is rotation prediction.
#
# Write `rotations`. It takes a batch of square images and returns two tensors:
#
# * the turned images: first all $N$ upright ones, then all $N$ with one quarter turn to the left, then with two, then with three;
# * their labels, 0 to 3: the number of quarter turns to the left, as `int64`.
#
# A turn moves height and width alone, not channels. The images that come in stay unchanged.
#
# To try it on the data: `turned, turns = rotations(digits[:10])`, then `pictures.contact_sheet(plots.panels(1)[1][0], turned, 10)`. In *Expected*, the same is drawn for one image of each digit.


# %% tags=["exercise"]
def rotations(images):
    """Images turned left by 0..3 quarter turns, labels.  # [N, C, S, S] -> [4N, C, S, S], [4N]"""
    # The four blocks of N images, in order of their label; torch.cat joins them.
    # Then the labels in the same order.
    # BEGIN SOLUTION
    blocks = [torch.rot90(images, k, dims=(2, 3)) for k in range(4)]
    labels = torch.tensor([k for k in range(4) for _ in images])
    return torch.cat(blocks), labels
    # END SOLUTION


# %% tags=["check"]
check("rotations", rotations)

# %% tags=["expected"]
turned, turns = rotations(torch.stack([digits[labels == digit][1] for digit in range(10)]))
fig, (ax,) = plots.panels(1, height=3.4)
pictures.contact_sheet(ax, turned, 10, "A program turned them, so it knows the labels")
ax.set_yticks([17 * k + 8 for k in range(4)], [f"label {k}" for k in turns[::10].tolist()])
figure(
    fig,
    "The digits 0 to 9 in four rows: upright with label 0, then turned to the left by one, two and three quarter turns "
    "with the labels 1, 2 and 3.",
)

# %% [markdown]
# **Go further.** For which digits can nobody tell some of the turns apart, not even a person?

# %% [markdown]
# ## 2. A contrastive loss
#
# {{exercise.nt_xent}}
#
# Another task without labels: make two random variations of each image, its two **views**. Then find, for each view, the other view of the same image. The next cell makes two views of four digits by `random_affine`, which moves, turns and scales each image by its own random amounts. Its `pixels` are the pixels of each view, less their mean, as one vector.

# %% tags=["shown"]
four = torch.stack([digits[labels == digit][0] for digit in (0, 3, 4, 7)])
generator = torch.Generator().manual_seed(VARIANT)
first, second = (random_affine(four, generator, turn=0.3, scale=0.2, shift=0.25) for _ in range(2))
pixels = [(view - view.mean(dim=(2, 3), keepdim=True)).flatten(1) for view in (first, second)]
fig, axes = plots.panels(3, height=1.0)
for ax, images, name in zip(
    axes, (four, first, second), ("Images", "First", "Second"), strict=True
):
    pictures.contact_sheet(ax, images, 4, name if images is four else f"{name} views")
figure(fig, "The digits 0, 3, 4 and 7, and two views of each: moved, turned and scaled at random.")

# %% [markdown]
# Two views of one image are **partners**. The network gives each view a vector. In a batch of $N$ images there are $2N$ views: the first views are the rows of `a`, the second views those of `b`, so that `a[i]` and `b[i]` are partners. For each view $i$, a softmax over the other $2N - 1$ views predicts which one is its partner. The loss is the cross-entropy of this prediction. It is called **NT-Xent** (*normalised temperature-scaled cross-entropy*):
#
# $$ \ell(i) = -\log \frac{e^{\cos(i,\, \text{partner}) / t}}{\sum_{j \neq i} e^{\cos(i,\, j) / t}} , \qquad \text{NT-Xent} = \text{mean of } \ell(i) \text{ over all } 2N \text{ views} $$
#
# Here $\cos$ is the cosine similarity and $t$ the **temperature**. Write `nt_xent`. SimCLR trains with this loss.
#
# * The vectors may have any length; only their direction counts. None of them is 0, and $N \ge 2$.
# * The sum in the denominator holds the partner and all negatives, first and second views. It leaves out the view itself.
# * Return a tensor of shape [], as `.mean()` returns. A Python float has no gradient.
# * Exercise 4 calls this function hundreds of times: write it without a loop over views (the check does not test this).
# * Put a tensor that you make where `a` is (`device=a.device`), so that training on a GPU works, too.
#
# To try it on the data: `nt_xent(*pixels, 0.5)`. *Expected* shows this and two more calls.


# %% tags=["exercise"]
def nt_xent(a, b, temperature):
    """NT-Xent of two views of N images, row by row.  # [N, d], [N, d], number -> []"""
    # All 2N views as unit vectors, and all their similarities at once.  # [2N, 2N]
    # No view may choose itself.
    # What is left is a classification: which column is the right one for each row?
    # BEGIN SOLUTION
    n = len(a)
    unit = F.normalize(torch.cat([a, b]), dim=1)  # [2N, d]
    logits = unit @ unit.T / temperature
    itself = torch.eye(2 * n, dtype=torch.bool, device=a.device)
    logits = logits.masked_fill(itself, -math.inf)
    partner = (torch.arange(2 * n, device=a.device) + n) % (2 * n)
    return F.cross_entropy(logits, partner)
    # END SOLUTION


# %% tags=["check"]
check("nt_xent", nt_xent)

# %% tags=["expected"]
rows = [("call", "what the vectors are", "NT-Xent")]
for call, (a, b), name in (
    ("nt_xent(*pixels, 0.5)", pixels, "pixels of the eight views"),
    (
        "nt_xent(torch.ones(4, 8), torch.ones(4, 8), 0.5)",
        (torch.ones(4, 8), torch.ones(4, 8)),
        "all the same",
    ),
    (
        "nt_xent(torch.eye(4), torch.eye(4), 0.5)",
        (torch.eye(4), torch.eye(4)),
        "partners equal, all others at right angles",
    ),
):
    rows.append((call, name, f"{nt_xent(a, b, 0.5):.3f}"))
table(rows)

# %% [markdown]
# **Go further.** What is the loss if all $2N$ vectors are the same, for any $N$ and $t$? Is it the lowest? What is the gradient there? Why does training, which begins elsewhere, not end there?

# %% [markdown]
# ## 3. What features are worth
#
# {{exercise.linear_probe}}
#
# A low loss is not what we want. We want features with which a few labels are enough. A **linear probe** measures this: freeze the encoder, fit a linear classifier on the features of some labelled images, and measure its accuracy on new ones. A probe must not cheat: everything that is computed from data comes from the *training* set alone, the means and the deviations, too.
#
# Write `linear_probe`. `x` $[n, d]$ and `labels` $[n]$ are the training set, `x_test` and `labels_test` the test set; labels are `int64`, from 0 on.
#
# * **Standardise.** From each feature subtract its mean; divide by its standard deviation plus $10^{-6}$. Take the deviation with `correction=0` (divided by $n$, not $n - 1$). Mean and deviation of the training features serve both sets.
# * **Append** a column of ones to both, for the bias. Call the training matrix $A$ $[n, d + 1]$.
# * **Fit** by ridge regression, which is least squares with a penalty on the weights: $W = (A^\top A + I)^{-1} A^\top Y$. The rows of $Y$ are the labels as *one-hot* vectors, with a 1 in the column of the class and 0 elsewhere. The bias has the penalty, too.
# * **Predict** the class whose number is largest in the row of $A_\text{test} W$.
#
# $Y$ has a column for each class from 0 to the largest training label. A test image of another class counts as wrong. (Small variants of two of these rules are accepted: `correction=1`, and a bias without penalty.)
#
# Return the share of test images whose prediction is right, a number from 0 to 1.


# %% tags=["exercise"]
def linear_probe(x, labels, x_test, labels_test):
    """Accuracy of a linear classifier on frozen features.  # [n, d], [n], [m, d], [m] -> number"""
    # What does the training set tell about each feature? Use that for both sets.
    # F.one_hot gives integers: make them floats.
    # torch.linalg.solve(M, B) is the inverse of M, times B, without computing the inverse.
    # BEGIN SOLUTION
    mean, spread = x.mean(dim=0), x.std(dim=0, correction=0) + 1e-6

    def prepared(rows):
        return F.pad((rows - mean) / spread, (0, 1), value=1.0)  # [*, d + 1]

    known = prepared(x)
    one_hot = F.one_hot(labels).to(known.dtype)
    penalty = torch.eye(known.shape[1], dtype=known.dtype)
    weights = torch.linalg.solve(known.T @ known + penalty, known.T @ one_hot)
    predicted = (prepared(x_test) @ weights).argmax(dim=1)
    return (predicted == labels_test).double().mean().item()
    # END SOLUTION


# %% tags=["check"]
check("linear_probe", linear_probe)

# %% [markdown]
# Here are two functions that use yours. `learn_turns` trains an encoder by rotation prediction: it is also an example of the tools for exercise 4. Without a second argument, each digit is always the same image. With a function `view(images, generator)`, each batch holds new views of its digits.
#
# `worth` measures features with a few labels of each digit, ten unless you choose otherwise. With so few, much depends on which ones are drawn, so it draws five times and takes the mean.
#
# To try your probe on the data: `worth(nn.Flatten())` takes the pixels themselves as features, and `worth(learn_turns(digits))` takes about ten seconds.


# %% tags=["given"]
def learn_turns(images, view=None):
    """Train an encoder by rotation prediction.  # [N, 1, 16, 16] -> module: [M, 1, 16, 16] -> [M, 64]"""
    torch.manual_seed(0)
    encoder = ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 1))
    model = nn.Sequential(encoder, nn.ReLU(), nn.Linear(64, 4))

    def sample(generator):
        batch = images[torch.randint(len(images), (32,), generator=generator)]
        return rotations(view(batch, generator) if view else batch)

    def loss(model, turned, turns):
        return F.cross_entropy(model(turned), turns)

    fit(model, sample, loss, steps=200)
    return encoder


# %% tags=["shown"]
def worth(embed, count=10):
    """Accuracy of your probe with a few labels a digit, the mean of five draws.  # function -> number"""
    with torch.no_grad():
        x, x_new = embed(digits), embed(new_digits)
    found = []
    for draw in range(5):
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(draw))
        few = torch.cat([order[labels[order] == digit][:count] for digit in range(10)])
        found.append(linear_probe(x[few], labels[few], x_new, new_labels))
    return sum(found) / len(found)


# %% tags=["expected"]


def varied(images, generator):
    """Move, turn and scale each image; change its light; add noise."""
    moved = random_affine(images, generator, turn=0.3, scale=0.2, shift=0.25)
    gain, offset = torch.rand(2, len(images), 1, 1, 1, generator=generator)
    noise = 0.05 * torch.randn(images.shape, generator=generator)
    return (0.5 + gain) * moved + 0.3 * (offset - 0.5) + noise


torch.manual_seed(0)
encoders = {
    "pixels": nn.Sequential(nn.AvgPool2d(2), nn.Flatten()),
    "untrained encoder": ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 1)).eval(),
    "learn_turns": learn_turns(digits),
    "learn_turns, new views": learn_turns(digits, varied),
}
turned, turns = rotations(digits)
turned_new, turns_new = rotations(new_digits)
of_turns, of_seen_turns = {}, {}
with torch.no_grad():
    for name, embed in encoders.items():
        x, x_new = embed(turned), embed(turned_new)
        of_turns[name] = linear_probe(x, turns, x_new, turns_new)
        of_seen_turns[name] = linear_probe(x, turns, x, turns)
of_digits = {name: worth(embed) for name, embed in encoders.items()}
record("turns_seen", 100 * of_seen_turns["learn_turns"], ".0f")
record("turns_new", 100 * of_turns["learn_turns"], ".0f")
fig, axes = plots.panels(2, height=2.9)
places = torch.arange(len(encoders) - 1, -1, -1)
for accuracy, colour, up in ((of_turns, plots.MUTED, 0.18), (of_seen_turns, "#CFCFCF", -0.18)):
    drawn = axes[0].barh(places + up, list(accuracy.values()), color=colour, height=0.34)
    axes[0].bar_label(drawn, fmt="{:.2f}", padding=4, fontsize=9)
axes[0].set_yticks(places, list(encoders))
axes[0].grid(axis="y", visible=False)
axes[0].set_title("Without new views, turns are memorised")
grey = [plots.MUTED] * len(encoders)
plots.bars(axes[1], of_digits, "Without new views, turns teach little", grey, "{:.2f}")
for ax, chance in zip(axes, (0.25, 0.1), strict=True):
    ax.set(xlim=(0, 1.05), ylim=(-0.5, 3.85))
    ax.axvline(chance, color=plots.QUERY, lw=1, ls="--")
    ax.text(chance + 0.01, 3.47, "guessing", fontsize=9)
axes[0].set_xlabel("accuracy on turns: new digits, training digits (light)")
axes[1].set_xlabel("accuracy on new digits, 10 labels a digit")
axes[1].set_yticklabels([])
figure(
    fig,
    "Accuracy of linear probes on 64 means of 2 x 2 pixels, an untrained encoder, and two that learned turns, from fixed "
    "digits and from new views. Left: all predict about three quarters of the new turns; only that of fixed digits is much "
    "better on the training digits. Right: new views make learned turns worth more for digits.",
)
table([("call", "accuracy"), ("worth(nn.Flatten())", f"{worth(nn.Flatten()):.3f}")])

# %% [markdown]
# In *Expected*, "pixels" are the 8 x 8 means of 2 x 2 pixels.
#
# **Go further.** A linear probe on the features of `learn_turns(digits)` predicts {{turns_seen}} % of the training turns, but only {{turns_new}} % of the turns of new digits. This encoder has memorised its 1,000 digits. Show it a new view of each digit in each batch, `learn_turns(digits, view)`, and measure again. Which views help? In *Expected*, a linear probe predicts most turns from the pixels alone. What in the pixels tells it how a digit is turned?

# %% [markdown]
# ## 4. Train without labels
#
# {{exercise.pretrain}}
#
# Now put the pieces together. Two views of a digit differ in what you change. So a network that finds partners learns to ignore just that. Write `pretrain`: it gets 1,000 digits without labels, trains an encoder, and returns it. The exercise has no single right answer. It is scored on other digits, none of which is in your training set, moved anew.
#
# **The choice is yours: which views?** You may move, turn and scale, change the light, add noise. Look at the digits above. What differs between two images of one digit, and does not matter? What must a view *not* change? The amounts, the network, the temperature, the number of steps and the learning rate are your choice, too. Any other method without labels is allowed as well. What you return must have been trained on `images`: a fixed function of the pixels earns nothing.
#
# **The tools**
#
# * `ConvEncoder(1, dim=64)` is the encoder, from one channel to 64 features. `widths` are the channels of its convolutions; a stride of 2 halves the image, and makes the layers after it about four times cheaper.
# * `random_affine(images, generator, turn=..., scale=..., shift=...)` moves each image by its own random amounts. `turn` is the largest angle in radians. `scale=0.2` makes it up to 20 % larger or smaller. `shift=1` moves it by at most half of the side, 8 pixels. Pixels that come in from outside are 0, so a view may have a dark border.
# * `fit(model, sample, loss, steps=..., lr=...)` trains `model` in place, and leaves it in evaluation mode. `sample(generator)` returns a batch, a tuple of tensors; `loss(model, *batch)` returns its loss. Draw all random numbers of a batch from this generator. `learn_turns` shows how they fit together.
#
# As in SimCLR, let a small **head** follow the encoder: the loss is computed from the output of the head, and you return the encoder without it.
#
# **The rules**
#
# * `pretrain(images)` takes images $[N, 1, 16, 16]$ in 0 to 1. It returns a function (a module is one) from images $[M, 1, 16, 16]$ to embeddings $[M, d]$, of floating point, with $d$ of 1,024 at most.
# * It takes from outside only functions and classes, such as `nt_xent`, `F` and `fit`. Tensors, networks and files from outside are not allowed, and not there when the assignment is marked. Functions that it calls may stand in cells of their own.
# * It begins with `torch.manual_seed(...)`, so that each run gives the same encoder.
# * What it returns is in evaluation mode: an image's embedding depends on that image alone. Embeddings are asked for in batches of 64 images, in random order. A batch may take 3 seconds.
# * Training may take {{seconds}} seconds of the CPU, all its cores together. Stay well below: the machine that marks may be slower, though it allows a quarter more. A GPU's work costs no such seconds here, but there is no GPU where the assignment is marked.
# * An error, or a limit that is passed, means no points.
#
# For planning: 300 steps with 2 x 128 views, by the small encoder of `learn_turns`, take about {{cpu_of_300}} seconds of the CPU. The check takes about as long as your training.
#
# **The score** is the accuracy of a linear probe with 10 labels a digit. It draws the labels as `worth` does, but fits by logistic regression, so it differs a little from `worth`. {{formula.pretrain}} The check trains once and shows the score on `new_digits`. When the assignment is marked, your function trains again, on digits that are moved anew, and the points are for the score there.
#
# To try it on the data: `encoder = pretrain(digits)`, then `worth(encoder)`. In *Expected*, the table shows `worth` and the check's score for all encoders of this assignment.


# %% tags=["exercise"]
def pretrain(images):
    """Train an encoder without labels.  # [N, 1, 16, 16] -> function: [M, 1, 16, 16] -> [M, d]"""
    # The seed, the encoder, and a head on top of it for the loss alone.
    # A function that makes one view of each image of a batch, as you choose.
    # sample: two views of some random images; loss: nt_xent of what the model makes of them.
    # Train, and return the encoder, without the head.
    # BEGIN SOLUTION
    torch.manual_seed(0)
    encoder = ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 1))
    model = nn.Sequential(encoder, nn.ReLU(), nn.Linear(64, 32))

    def view(batch, generator):
        moved = random_affine(batch, generator, turn=0.3, scale=0.2, shift=0.2)
        gain, offset = torch.rand(2, len(batch), 1, 1, 1, generator=generator)
        noise = 0.05 * torch.randn(batch.shape, generator=generator)
        return (0.5 + gain) * moved + 0.3 * (offset - 0.5) + noise

    def sample(generator):
        batch = images[torch.randint(len(images), (128,), generator=generator)]
        return view(batch, generator), view(batch, generator)

    def loss(model, a, b):
        return nt_xent(*model(torch.cat([a, b])).chunk(2), temperature=0.2)

    fit(model, sample, loss, steps=700, lr=3e-3)
    return encoder
    # END SOLUTION


# %% tags=["check"]
check("pretrain", pretrain)

# %% tags=["expected"]
import time

from sklearn.manifold import TSNE

from course_lib.exercises.tasks import TASKS

contest = TASKS["pretrain"]
started = time.process_time()
encoders["pretrain"] = pretrain(digits)
took = time.process_time() - started
record("seconds", contest.seconds, ".0f")
record("cpu_of_300", 5 * round(took * 300 / 700 / 5), "d")


def checked(embed):
    """The score that the check shows.  # function -> number"""
    with torch.no_grad():
        return contest.score(embed(every_image).double(), labels, new_labels)


rows = [("features", "worth", "the check's score", "share of the points")]
for name, embed in encoders.items():
    score = checked(embed)
    rows.append((name, f"{worth(embed):.2f}", f"{score:.2f}", f"{contest.share(score):.0%}"))
table(rows)

fig, axes = plots.panels(3, height=3.1, widths=(4, 3, 3))
counts = (2, 5, 10, 20, 40, 80)
for name, embed in encoders.items():
    ours = name == "pretrain"
    found = [worth(embed, count) for count in counts]
    axes[0].semilogx(
        counts, found, "o-" if ours else "-", color=plots.SAME if ours else plots.MUTED
    )
axes[0].text(2.2, 0.6, "pretrain", color=plots.SAME, weight="bold")
axes[0].text(80, 0.56, "turns, new views", color="#555555", ha="right")
axes[0].text(6, 0.1, "pixels, untrained, turns", color="#555555")
axes[0].set(xlabel="labels a digit", xticks=counts, xticklabels=counts, ylim=(0, 0.9))
axes[0].minorticks_off()
axes[0].set_title("worth(...): 10 labels beat 80 on pixels", fontsize=10)
colours = {0: "#009E73", 1: "#CC79A7", 2: "#C4B000", 6: "#7A5195", 7: "#8C6D31"}
for ax, name in ((axes[1], "pixels"), (axes[2], "pretrain")):
    with torch.no_grad():
        x = F.normalize(encoders[name](new_digits[:400]))
    at = torch.tensor(TSNE(perplexity=25, init="pca", random_state=0).fit_transform(x))
    for digit in range(10):
        own = at[new_labels[:400] == digit]
        ax.scatter(*own.T, marker=f"${digit}$", color=colours.get(digit, "#BBBBBB"), s=34, lw=0)
    title = "By pixels, digits are mixed" if name == "pixels" else "By features, less so"
    plots.bare(ax, title).title.set_fontsize(10)
figure(
    fig,
    "Left: accuracy of the probe against the number of labels. One solution with 10 labels a digit is above pixels, an "
    "untrained encoder and turns with 80. Right: maps of 400 new digits. By pixels they are mixed; by the features of "
    "the solution, most of the 2s, the 6s and the 7s form groups.",
)

# %% [markdown]
# In *Expected*, the row and the curve "pretrain" are those of one solution. Its score depends a little on the seed. The maps are drawn by t-SNE, which keeps neighbours near each other; distances between groups mean nothing. Five of the digits have colours.
#
# **Go further.** Leave out one change at a time from your views: the move, the turn, the size, the light, the noise. Which one costs most? Where does the border of a view tell which move was made? A network that reads it can undo the move, and match views by the place of the digit. Last: if you compared views by `worth`, you used the labels of {{new}} digits. How would you choose with a hundred labels in all?

# %% [markdown]
# ## What you have built
#
# * `rotations` makes labels from the images themselves.
# * `nt_xent` is a loss on pairs of views: for each view, find its partner among all others.
# * `linear_probe` measures what features are worth, without learning anything from the test set.
# * `pretrain` puts them to work: an encoder that has seen no label, and with which few labels go far.
#
# **Still open:** you knew what varies between these digits, and chose the views by that. Who chooses them for images that nobody understands yet?
#
# **Read:** Gidaris, Singh and Komodakis, [Unsupervised Representation Learning by Predicting Image Rotations](https://arxiv.org/abs/1803.07728) (2018) · Chen and others, [A Simple Framework for Contrastive Learning of Visual Representations](https://arxiv.org/abs/2002.05709) (SimCLR, 2020) · Tian and others, [What Makes for Good Views for Contrastive Learning?](https://arxiv.org/abs/2005.10243) (2020).
#
# {{assignment.hand_in}}
