# %% [markdown]
# # Assignment 4: Self-supervision
#
# {{assignment.head}}
#
# Images are cheap, labels are not. Suppose that you have 1,000 handwritten digits, and labels for a hundred of them. At the end you will have trained an **encoder**, a network from images to feature vectors, without a single label, and measured what its features are worth when labels are few. The pieces come from [11](../11_pretext_tasks.ipynb) and [12](../12_contrastive_learning.ipynb); read those first.
#
# **How it works**
#
# * Each exercise has a blank, `...`. Write your lines in its place; the check under it answers at once.
# * *Expected*, under the check, unfolds. It shows what a right answer gives on the data of this assignment.
# * Solve the exercises in order. Exercise 4 may use your function of exercise 2; otherwise a later exercise does not need an earlier one to be right.
# * An answer uses Python, torch and numpy alone. Other libraries and the course's own functions are not there when the assignment is marked. Exercise 4 may also use the three tools of the course that it names.
# * Your functions are marked on other inputs than those of the checks, by the same rules.
# * Hand in this notebook as it is.

# %% tags=["given"]
import math

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.data.variations import random_affine
from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.assigned import checker
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
# The next cell loads them to look at: 1,000 `digits` to train on, and {{new}} `new_digits`. Their labels are there to measure with, never to train the encoder. All these names are not there when the assignment is marked, so a function that you write takes what it needs as arguments.

# %% tags=["shown"]
from course_lib.exercises.tasks import TASKS

every_image, (labels, new_labels) = TASKS["pretrain"].exam(VARIANT)
digits, new_digits = every_image.split([len(labels), len(new_labels)])
record("new", len(new_labels), "d")
record("rule", TASKS["pretrain"].formula)
record("seconds", TASKS["pretrain"].seconds, ".0f")
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
# To learn without labels, a network needs a task whose answers a program can make. Turn each digit by quarter turns, and ask by how many: the label is known, since we made it. Such a task is a **pretext task**; this one is rotation prediction.
#
# Write `rotations`. It takes a batch of square images and returns two tensors:
#
# * the turned images: first all $N$ upright ones, then all $N$ with one quarter turn to the left, then with two, then with three;
# * their labels, 0 to 3: the number of quarter turns to the left, as `int64`.
#
# A turn moves height and width alone, not channels. The images that come in stay unchanged.


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
# ## 2. Which view belongs to which?
#
# {{exercise.nt_xent}}
#
# Another task without labels: make two random variations of each image, its two **views**. Then find, for each view, the other view of the same image. The next cell makes two views of four digits by `random_affine`, which moves, turns and scales each image by its own random amounts.

# %% tags=["shown"]
four = torch.stack([digits[labels == digit][0] for digit in (0, 3, 4, 7)])
generator = torch.Generator().manual_seed(VARIANT)
first, second = (random_affine(four, generator, turn=0.3, scale=0.2, shift=0.25) for _ in range(2))
fig, axes = plots.panels(3, height=1.0)
for ax, images, name in zip(
    axes, (four, first, second), ("Images", "First", "Second"), strict=True
):
    pictures.contact_sheet(ax, images, 4, name if images is four else f"{name} views")
figure(fig, "The digits 0, 3, 4 and 7, and two views of each: moved, turned and scaled at random.")

# %% [markdown]
# Two views of one image are **partners**. The network gives each view a vector. In a batch of $N$ images there are $2N$ views: the first views are the rows of `a`, the second views those of `b`, so that `a[i]` and `b[i]` are partners. For each view $i$, the loss is a softmax over the other $2N - 1$ views, whose right class is its partner:
#
# $$ \ell(i) = -\log \frac{e^{\cos(i,\, \text{partner}) / t}}{\sum_{j \neq i} e^{\cos(i,\, j) / t}} , \qquad \text{NT-Xent} = \text{mean of } \ell(i) \text{ over all } 2N \text{ views} $$
#
# Here $\cos$ is the cosine similarity and $t$ the **temperature**. Write `nt_xent`.
#
# * The vectors may have any length; only their direction counts. None of them is 0, and $N \ge 2$.
# * The sum in the denominator holds the partner and all negatives, first and second views. It leaves out the view itself.
# * The result is a tensor with one number.
# * Use operations on whole tensors, without a loop over views: exercise 4 calls this function hundreds of times. Put a tensor that you make where `a` is (`device=a.device`), so that training on a GPU works, too.


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
pixels = [(view - view.mean(dim=(2, 3), keepdim=True)).flatten(1) for view in (first, second)]
rows = [("vectors of the eight views, t = 0.5", "NT-Xent")]
for name, (a, b) in {
    "pixels, less the mean of each image": pixels,
    "all the same vector": (torch.ones(4, 8), torch.ones(4, 8)),
    "partners equal, all others at right angles": (torch.eye(4), torch.eye(4)),
}.items():
    rows.append((name, f"{nt_xent(a, b, 0.5):.3f}"))
table(rows)

# %% [markdown]
# **Go further.** Which value has the loss if all $2N$ vectors are the same, for any $N$ and $t$? Could a network that maps every image to one point ever be content with it?

# %% [markdown]
# ## 3. What features are worth
#
# {{exercise.linear_probe}}
#
# A low loss is not what we want; we want features that make few labels enough. A **linear probe** measures this: freeze the encoder, fit a linear classifier on the features of some labelled images, and measure its accuracy on new ones. A probe must not cheat: whatever is computed from data comes from the *training* set alone, the means and the deviations, too.
#
# Write `linear_probe`. `x` $[n, d]$ and `labels` $[n]$ are the training set, `x_test` and `labels_test` the test set; labels are `int64`, from 0 on.
#
# * **Standardise.** From each feature subtract its mean; divide by its standard deviation plus $10^{-6}$. Take the deviation with `correction=0` (divided by $n$, not $n - 1$). Mean and deviation of the training features serve both sets.
# * **Append** a column of ones to both, for the bias. Call the training matrix $A$ $[n, d + 1]$.
# * **Fit** by ridge regression, which is least squares with a penalty on the weights: $W = (A^\top A + I)^{-1} A^\top Y$. The rows of $Y$ are the labels as *one-hot* vectors, with a 1 in the column of the class and 0 elsewhere. The bias has the penalty, too.
# * **Predict** the class whose number is largest in the row of $A_\text{test} W$.
#
# Return the share of test images whose prediction is right, a number from 0 to 1. Every class up to the largest has a column, and a test label may be one that no training image has.


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
# Here are two functions that use yours. `learn_turns` trains an encoder by rotation prediction: it is also an example of the tools for exercise 4. `worth` measures features with a few labels of each digit, ten unless you say otherwise. With so few, much depends on which ones are drawn, so it draws five times and takes the mean.


# %% tags=["given"]
def learn_turns(images):
    """Train an encoder by rotation prediction.  # [N, 1, 16, 16] -> module: [M, 1, 16, 16] -> [M, 64]"""
    torch.manual_seed(0)
    encoder = ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 1))
    model = nn.Sequential(encoder, nn.ReLU(), nn.Linear(64, 4))

    def sample(generator):
        return rotations(images[torch.randint(len(images), (32,), generator=generator)])

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
torch.manual_seed(0)
encoders = {
    "8 x 8 pixels": nn.Sequential(nn.AvgPool2d(2), nn.Flatten()),
    "untrained encoder": ConvEncoder(1, dim=64, widths=(24, 48, 96), strides=(2, 2, 1)).eval(),
    "learn_turns": learn_turns(digits),
}
turned, turns = rotations(digits)
turned_new, turns_new = rotations(new_digits)
fig, axes = plots.panels(2, height=2.0)
with torch.no_grad():
    of_turns = {
        name: linear_probe(embed(turned), turns, embed(turned_new), turns_new)
        for name, embed in encoders.items()
    }
of_digits = {name: worth(embed) for name, embed in encoders.items()}
plots.bars(axes[0], of_turns, "Most turns can be read off pixels", [plots.MUTED] * 3, "{:.2f}")
plots.bars(
    axes[1], of_digits, "Learning turns teaches little of digits", [plots.MUTED] * 3, "{:.2f}"
)
for ax, chance, what in ((axes[0], 0.25, "turns"), (axes[1], 0.1, "digits, 10 labels a digit")):
    ax.set(xlim=(0, 0.95), xlabel=f"accuracy on new {what}")
    ax.axvline(chance, color=plots.QUERY, lw=1, ls="--")
    ax.text(chance + 0.01, 2.43, "guessing", fontsize=9)
    ax.set_ylim(-0.5, 2.85)
axes[1].set_yticklabels([])
figure(
    fig,
    "Accuracy of linear probes on 8 x 8 pixels, an untrained encoder, and one that learned turns. Left: all three predict "
    "about three quarters of the turns. Right: all three predict about a quarter of the digits.",
)

# %% [markdown]
# **Go further.** `worth(learn_turns(digits))` measures the features in your notebook, in about ten seconds. See *Expected*: a linear probe predicts most turns without any training of the encoder. What about a digit's pixels gives its turn away? A pretext task that pixels alone can solve does not make a network learn what a digit is.

# %% [markdown]
# ## 4. Train without labels
#
# {{exercise.pretrain}}
#
# Turns are not enough here; now put the pieces together. Two views of a digit differ in what you change, so a network that finds partners learns to ignore just that. Write `pretrain`: it gets 1,000 digits without labels, trains an encoder, and returns it. The exercise has no single right answer; it is scored on digits that nobody has seen.
#
# **The choice is yours: which views?** You may move, turn and scale, change the light, add noise. Look at the digits above. What differs between two images of one digit, and does not matter? What must a view *not* change? The amounts, the network, the temperature, the number of steps and the learning rate are your choice, too. Any other method without labels is allowed as well.
#
# **The tools**
#
# * `ConvEncoder(1, dim=64)` is the encoder, from one channel to 64 features. `widths` are the channels of its convolutions; a stride of 2 halves the image, and makes what follows about four times cheaper.
# * `random_affine(images, generator, turn=..., scale=..., shift=...)` moves each image by its own random amounts. `turn` is the largest angle in radians, `scale` the largest change of size as a share, `shift` the largest shift in halves of the side. What comes in is 0.
# * `fit(model, sample, loss, steps=..., lr=...)` trains `model` in place, and leaves it in evaluation mode. `sample(generator)` returns a batch, a tuple of tensors; `loss(model, *batch)` returns the loss of it. Draw all random numbers of a batch from this generator. `learn_turns` shows how they fit together.
#
# As in SimCLR, let a small **head** follow the encoder: the loss sees what comes out of the head, and the encoder's features are what you return.
#
# **The rules**
#
# * `pretrain(images)` takes images $[N, 1, 16, 16]$ in 0 to 1, and returns a function (a module is one) from images $[M, 1, 16, 16]$ to embeddings $[M, d]$, of floating point, with $d$ of 1,024 at most.
# * It takes from outside only functions and modules, such as `nt_xent`, `F` and `fit`. Tensors from outside, as `digits`, are refused. Functions that it calls may stand in cells of their own.
# * It begins with `torch.manual_seed(...)`, so that each run gives the same encoder. What it returns is in evaluation mode: an image's embedding depends on that image alone.
# * It takes {{seconds}} seconds of the CPU at most, all its cores together. Stay well below: the machine that marks may be slower.
#
# **The score** is the accuracy of a linear probe with 10 labels a digit, as in `worth`, but fitted by logistic regression. {{rule}} The check trains once and tells the score on `new_digits`; the points are for the score on other digits.


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
from sklearn.manifold import TSNE

encoders["pretrain"] = pretrain(digits)
fig, axes = plots.panels(3, height=3.1, widths=(4, 3, 3))
counts = (2, 5, 10, 20, 40, 80)
for name, embed in encoders.items():
    ours = name == "pretrain"
    found = [worth(embed, count) for count in counts]
    axes[0].semilogx(
        counts, found, "o-" if ours else "-", color=plots.SAME if ours else plots.MUTED
    )
axes[0].text(2.2, 0.6, "pretrain", color=plots.SAME, weight="bold")
axes[0].text(6, 0.1, "pixels, untrained, turns", color="#555555")
axes[0].set(xlabel="labels a digit", xticks=counts, xticklabels=counts, ylim=(0, 0.9))
axes[0].minorticks_off()
axes[0].set_title("Accuracy: 10 labels beat 80 on pixels", fontsize=10)
colours = {0: "#009E73", 1: "#CC79A7", 2: "#C4B000", 6: "#7A5195", 7: "#8C6D31"}
for ax, name in ((axes[1], "8 x 8 pixels"), (axes[2], "pretrain")):
    with torch.no_grad():
        x = F.normalize(encoders[name](new_digits[:400]))
    at = torch.tensor(TSNE(perplexity=25, init="pca", random_state=0).fit_transform(x))
    for digit in range(10):
        own = at[new_labels[:400] == digit]
        ax.scatter(*own.T, marker=f"${digit}$", color=colours.get(digit, "#BBBBBB"), s=34, lw=0)
    plots.bare(
        ax, "Map by pixels" if name != "pretrain" else "Map by its features"
    ).title.set_fontsize(10)
figure(
    fig,
    "Left: accuracy of the probe against the number of labels. One solution with 10 labels a digit is above pixels, an "
    "untrained encoder and turns with 80. Right: maps of 400 new digits. By pixels they are mixed; by the features of "
    "the solution, most of the 0s, the 6s and the 7s form groups.",
)

# %% [markdown]
# The maps under *Expected* are drawn by t-SNE, which tries to keep neighbours near; five of the digits have colours.
#
# **Go further.** Leave out one change at a time from your views: the move, the turn, the size, the light, the noise. Which one costs most? And mind what you did when you chose: whoever compares views by `worth` has used the labels of {{new}} digits. How would you choose with a hundred labels in all?

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
# **Hand in:** run all cells once more from the top, save, and hand in this notebook.
