# %% [markdown]
# # Face verification

# %% [markdown]
# After this page you will be able to
#
# * follow a photo to an answer: find the faces, **align** them, embed, compare, decide;
# * read what a verifier is judged by: **FAR**, **FRR**, **DET**, **EER**, **TAR at FAR**, and how certain a number is;
# * choose a threshold on people that are not tested, and say what it costs, and whom;
# * recognise three ways to report a better number than the true one;
# * find a person among thousands, or say that nobody is known.
#
# **You should know** what an embedding is ([02](02_embeddings.ipynb)), the triplet loss ([03](03_pair_and_triplet_losses.ipynb)) and margins ([04](04_margin_losses.ipynb)). **Time:** about 80 minutes for the core path with the exercises, 45 without them. Core path: everything before the first *Deeper* section, and the [summary](#What-you-can-do-now). **Computing:** 4 to 5 minutes at the first run, about a minute later ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). **Lecture topics** L1.15, L2.10 to L2.12, L2.16, L4.02, L5.12, L5.14.

# %% [markdown]
# ## From a photo to an answer
#
# Do two photos show the same person? These people were not in training (L2.10, L4.02), so the answer cannot be a class. Instead the network gives each face a vector, and two vectors are compared: **verification** is a threshold on a similarity (L1.15).
#
# Before that, faces must be found and turned upright. Here are all the steps on a drawn group photo.

# %% jupyter={"source_hidden": true} tags=["diagram", "nbval-ignore-output", "subslide"]
import math

import torch

from course_lib.data import datasets
from course_lib.data.group_photos import group_photos
from course_lib.embeddings.distances import normalize
from course_lib.embeddings.encoders import embed
from course_lib.exercises.answer import check
from course_lib.page import pictures, plots
from course_lib.page.board import Board, Box, Point, Shown
from course_lib.page.controls import explore
from course_lib.page.diagrams import Stage, pipeline
from course_lib.page.notebook import figure, record, table
from course_lib.page.predict import predict
from course_lib.recipes import face_pipeline as steps
from course_lib.recipes.verifiers import WAYS, train_verifier

SEED = 0
detector, group_train = steps.face_detector(SEED)
landmark_net = steps.landmark_net(group_train, SEED)
people = datasets.load("faces", "train", source="embedded", seed=SEED)
verifiers = {
    name: train_verifier(way, people, SEED, name=f"verifier-{name}") for name, way in WAYS.items()
}
arcface = verifiers["ArcFace"]
sittings = [group_photos("test", SEED, 60, sitting) for sitting in (0, 1)]
SHOWN_PHOTO = 4
photo = sittings[0].images[SHOWN_PHOTO][None]


def faces_of(photo):
    """Boxes of the faces of a photo from left to right, and the faces, upright.  # [n, 4], [n, 3, 32, 32]"""
    found = detector.detect(photo)[0]
    boxes = found["boxes"][found["scores"] > steps.SURE]
    boxes = boxes[boxes[:, 0].argsort()]
    of_photo = torch.zeros(len(boxes), dtype=torch.int64)
    marks = steps.landmarks_of(landmark_net, photo, of_photo, boxes)
    return boxes, steps.upright(photo, of_photo, boxes, marks)


boxes, faces = faces_of(photo)
vectors = embed(arcface, faces)
framed = photo[0].clone()
for x1, y1, x2, y2 in boxes.round().long().tolist():
    for part in (framed[:, y1 : y1 + 2, x1:x2], framed[:, y2 - 2 : y2, x1:x2]):
        part[:] = torch.tensor([0.8, 0.4, 0.7])[:, None, None]
    for part in (framed[:, y1:y2, x1 : x1 + 2], framed[:, y1:y2, x2 - 2 : x2]):
        part[:] = torch.tensor([0.8, 0.4, 0.7])[:, None, None]
figure(
    pipeline(
        [
            [
                Stage("photo", photo, image=photo[0]),
                Stage("YOLO", note="finds faces"),
                Stage("boxes", boxes, image=framed),
                Stage("align", note="eyes level"),
                Stage("faces", faces, image=faces[0]),
                Stage("encoder", note="trained on others"),
                Stage("vectors", vectors),
            ]
        ]
    ),
    "A group photo goes through a detector, which gives boxes; a small network finds the eyes; each face is turned "
    "until they are level; an encoder makes 64 numbers of each.",
)

# %% [markdown]
# **Alignment** brings every face into one position and size: here a small network finds the **landmarks** (eyes and mouth), and the image is turned until the eyes are level.
#
# Two photos of one person are a **genuine** pair, of two people an **impostor** pair. A threshold makes two errors:
#
# * **FAR**, *false accept rate*: the share of the impostor pairs that are accepted (standards: FMR);
# * **FRR**, *false reject rate*: the share of the genuine pairs that are refused (FNMR). **TAR**, *true accept rate*, is $1 -$ FRR; FaceNet calls it VAL.
#
# **TAR at FAR 1/1000** fixes one of them: at the threshold that accepts 1 in 1,000 impostor pairs, which share of the genuine pairs is accepted?
#
# Try it: click a face in the upper photo. The lower photo shows the same four people in other places. Over each face is its cosine with yours; the largest has a frame.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
other = sittings[1].images[SHOWN_PHOTO][None]
other_boxes, other_faces = faces_of(other)
other_vectors = embed(arcface, other_faces)
alike = normalize(vectors) @ normalize(other_vectors).T  # [upper, lower]
two_photos = torch.cat([photo[0], torch.ones(3, 4, 192), other[0]], dim=1)
NAMES = "ABCD"


def compare(clicked, **places):
    chosen = NAMES.index(clicked[-1]) if clicked else 0
    shapes = [("box", tuple(boxes[chosen].tolist()), "black", "")]
    best = int(alike[chosen].argmax())
    for i, (box, score) in enumerate(zip(other_boxes, alike[chosen], strict=True)):
        x1, y1, x2, y2 = (box + torch.tensor([0, 100, 0, 100])).tolist()
        shapes.append(("text", (max(x1, 12), y1 - 3), "black", f"{score:.2f}"))
        if i == best:
            shapes.append(("box", (x1, y1, x2, y2), plots.SAME, ""))
    return Shown(text=f"Face {NAMES[chosen]} compared with four faces.", shapes=shapes)


Board(
    192,
    196,
    [Box(NAMES[i], tuple(box.tolist()), "#CC79A7", True) for i, box in enumerate(boxes[:4])],
    compare,
    image=two_photos,
    alt="Two group photos of the same four people in different places. A face of the upper photo is chosen; over each "
    "face of the lower photo stands its cosine with it.",
)

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "Heads are tilted here with a standard deviation of about 20 degrees, in the network's training photos of about 3. We turn each face until its eyes are level. What happens to the TAR at FAR 1/1000?",
    [
        "nothing: a convolutional network does not depend on rotation",
        "it falls: turning blurs the small faces",
        "it rises by less than .05: most heads are nearly upright",
        "it rises by .05 or more",
    ],
    answer=3,
    why=[
        "Filters are not turned with the image: an eyebrow at 20 degrees is another pattern.",
        "A little sharpness is lost; tilted heads cost more.",
        "With such a deviation one head in three is tilted by more than 20 degrees.",
        "The network has hardly seen tilted heads. Turned upright, faces are again like those that it knows.",
    ],
    name="13.aligned",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.verification.curves import all_pairs, det, equal_error_rate, tar_at_far
from course_lib.verification.intervals import people_of_pairs, tar_interval

FAR = 1e-3
crops, who = steps.found_faces(detector, landmark_net, sittings)
rows = [("faces of the group photos", "TAR at FAR 1/1000", "95% interval")]
aligned_tar = {}
for name, images in crops.items():
    found_pairs = all_pairs(embed(arcface, images), who)
    aligned_tar[name] = tar_at_far(*found_pairs, FAR)
    low, high = tar_interval(*found_pairs, people_of_pairs(who), FAR)
    rows.append((name, f"{aligned_tar[name]:.2f}", f"{low:.2f} to {high:.2f}"))
table(rows)
record("found", len(who), "d")
record("there", 2 * 60 * 4, "d")


def draw_cuts(alignment="eyes level", photo=SHOWN_PHOTO):
    fig, axes = plots.panels(4, height=1.6)
    for ax, person in zip(axes, range(4 * photo, 4 * photo + 4), strict=True):
        both = crops[alignment][who == person]
        a, b = normalize(embed(arcface, both))[[0, -1]]
        pictures.contact_sheet(ax, both, 2, f"cosine {a @ b:.2f}")
    return fig


explore(
    draw_cuts,
    alt="Four people, two faces of each from two photos, with level eyes; over each pair its cosine.",
    alignment=list(crops),
    photo=(0, 59, 1),
    labels={"photo": "group photo"},
)

# %% [markdown]
# {{found}} of {{there}} faces are found. (TAR is lower than below: heads are tilted, and boxes inexact.)
#
# Most systems bring eyes *and* mouth to fixed places, by a turn, a shift and one scale (last row). Here level eyes have the higher TAR, though the intervals overlap; perhaps because our network never saw faces scaled in this way. A system should align its faces in training as in use, as DeepFace does.

# %% [markdown]
# ## Three recipes, one budget
#
# * **DeepFace** (Taigman and others, 2014; L2.12, L5.14): train as *classification* of the people in training; then take the **penultimate layer**, scale it to unit norm, and compare. The last layer is thrown away: its classes are the people in training, and others will use the system.
# * **FaceNet** (Schroff and others, 2015; L2.16): no classification layer; semi-hard **triplets** ([03](03_pair_and_triplet_losses.ipynb)).
# * **ArcFace** (Deng and others, 2019): classification by cosines; the angle to the own class is enlarged by a **margin** before the softmax ([04](04_margin_losses.ipynb)).
#
# Here these are three *losses* under one budget: the same 500 people with 24 photos each, the same small network, 1,200 batches of 128 faces; each with the learning rate, scale and margin that were best on validation people. The diagram is our network, the table is DeepFace's own.

# %% jupyter={"source_hidden": true} tags=["diagram", "nbval-ignore-output", "subslide"]
from course_lib.recipes.verifiers import verifier_table

with torch.no_grad():
    inside = verifiers["DeepFace"].blocks(faces[:1])
figure(
    pipeline(
        [
            [
                Stage("face", faces[:1], image=faces[0]),
                Stage("3 x conv", note="strides of 2"),
                Stage("feature maps", inside),
                Stage("linear", note="batch norm"),
                Stage("features", embed(verifiers["DeepFace"], faces[:1])),
                Stage("linear", note="500 people; thrown away later"),
            ]
        ]
    ),
    "A face goes through three convolutions to maps, through a linear layer to 64 numbers, the penultimate layer, and "
    "through another, which is thrown away after training, to 500 classes.",
)
table(
    [
        ("DeepFace's layers", "what they do", "output"),
        ("C1, M2, C3", "convolution 11 x 11, max pooling, convolution 9 x 9", "16 maps of 63 x 63"),
        ("L4, L5, L6", "locally connected: at each place other filters", "16 maps of 21 x 21"),
        ("F7", "fully connected; scaled to unit norm: the face's vector", "4,096 numbers"),
        ("F8", "fully connected, softmax: in training only", "4,030 people"),
    ]
)

# %% [markdown]
# DeepFace's images have 152 x 152 pixels, are turned to the front by a model of the head in three dimensions, and show 4,030 people about a thousand times each. Locally connected layers share no weights between places: after alignment, an eye is always in the same one.
#
# All pairs of 16 photos each of 250 people whom no network has seen:

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.cheats import lfw_like_pairs, tested_people
from course_lib.verification.curves import kfold_accuracy

tested, chosen_on = tested_people(SEED), tested_people(SEED, "val")
x = {name: embed(encoder, tested.images) for name, encoder in verifiers.items()}
pairs = {name: all_pairs(vectors, tested.labels) for name, vectors in x.items()}
of_pairs = people_of_pairs(tested.labels)
rows = [("loss of", "TAR at FAR 1/1000", "95% interval", "EER", "ten-fold accuracy")]
tar = {}
for name in verifiers:
    tar[name] = tar_at_far(*pairs[name], FAR)
    low, high = tar_interval(*pairs[name], of_pairs, FAR)
    folds = kfold_accuracy(*lfw_like_pairs(x[name], SEED))
    rows.append(
        (
            name,
            f"{tar[name]:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{equal_error_rate(*pairs[name]):.3f}",
            f"{folds.mean():.3f} ± {folds.std() / 10**0.5:.3f}",
        )
    )
table(rows)
# Five photos of each person enrolled, eleven compared with them: one by one with the first, or with the mean of five.
units = normalize(x["ArcFace"]).view(250, 16, -1)  # [people, photos, 64]
own_row = torch.eye(250, dtype=torch.bool).repeat_interleave(11, 0).flatten()
for name, enrolled in (("one", units[:, 0]), ("five", normalize(units[:, :5].mean(1)))):
    cosines = units[:, 5:].flatten(0, 1) @ enrolled.T  # [250 * 11, 250]
    record(f"prototype.{name}", tar_at_far(cosines.flatten(), own_row, FAR), ".3f")

# %% [markdown]
# * The *interval* is a **bootstrap**: people are drawn anew with replacement, 200 times; the middle 95% of the results is the interval. (People and not pairs, since the pairs of one person are not independent.)
# * **EER**, *equal error rate*: the error where FAR = FRR.
# * **Ten-fold accuracy**, as on LFW: ten folds of people with 600 pairs each; the threshold is chosen on nine folds, accuracy is measured on the tenth. Mean of the ten ± standard error. It saturates where TAR does not.
#
# **Class prototypes.** New people are added without training (L2.11): take the mean of their vectors, the *prototype*, and compare with it. Against one photo TAR is {{prototype.one}}, against the mean of five {{prototype.five}}.

# %% [markdown]
# ## Where does the threshold come from?
#
# Drag the line. Beside it: four impostor pairs that are barely accepted and, below, four genuine pairs that are barely refused. (Both histograms have the same area, though there are over 200 times as many impostor pairs.)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
import io

from matplotlib.image import imread

from course_lib.verification.thresholds import rates, threshold_at_far


def as_board(fig):
    """A figure as the image of a board.  # [3, H, W]"""
    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=100)
    buffer.seek(0)
    return torch.tensor(imread(buffer))[..., :3].permute(2, 0, 1)


scores, same = pairs["ArcFace"]
first, second = torch.triu_indices(len(tested), len(tested), 1)
LEFT, RIGHT = -0.6, 1.1
fig, (ax,) = plots.panels(1, height=2.4)
for kind, colour, label in ((~same, plots.OTHER, "impostors"), (same, plots.SAME, "genuine")):
    ax.hist(
        scores[kind],
        bins=75,
        range=(LEFT, RIGHT),
        density=True,
        color=colour,
        alpha=0.55,
        label=label,
    )
ax.set(xlim=(LEFT, RIGHT), yticks=[], xticks=[-0.5, 0, 0.5, 1], xlabel="cosine")
ax.legend(frameon=False, loc="upper left")
ax.set_position([0, 0.2, 1, 0.78])
histogram = as_board(fig)
HIGH, WIDE = histogram.shape[1:]
order = scores.argsort()
rising = scores[order]
rising_by_kind = [scores[kind].sort().values for kind in (~same, same)]  # fast while one drags


def nearest(threshold, kind, above, count=4):
    """Numbers of the pairs of one kind whose scores lie next to the threshold, above or below it."""
    start = int(torch.searchsorted(rising, threshold))
    around = (
        order[start : start + 40_000] if above else order[max(start - 40_000, 0) : start].flip(0)
    )
    return around[same[around] == kind][:count]


def judge_threshold(threshold):
    value = LEFT + (RIGHT - LEFT) * threshold[0] / WIDE
    far, tar_here = (
        1 - torch.searchsorted(part, value).item() / len(part) for part in rising_by_kind
    )
    fig, axes = plots.panels(4, rows=2, height=1.3)
    for part, kind, above, said in (
        (axes[:4], False, True, "impostors"),
        (axes[4:], True, False, "genuine"),
    ):
        chosen = nearest(value, kind, above)
        for ax, pair in zip(part, [*chosen.tolist(), None, None, None, None], strict=False):
            plots.bare(ax)
            if pair is not None:
                images = tested.images[[int(first[pair]), int(second[pair])]]
                pictures.contact_sheet(ax, images, 2)
                colour = plots.SAME if kind else plots.OTHER
                ax.set_title(f"{said} {scores[pair]:.2f}", fontsize=9, color=colour, loc="left")
    line = ("box", (threshold[0] - 0.5, 0, threshold[0] + 0.5, HIGH), "black", "")
    text = f"Threshold {value:.2f}: FAR {far:.5f}, FRR {1 - tar_here:.3f}, TAR {tar_here:.3f}."
    return Shown(text=text, figure=fig, shapes=[line])


Board(
    WIDE,
    HIGH,
    [Point("threshold", (WIDE * (0.4 - LEFT) / (RIGHT - LEFT), HIGH / 2), "black")],
    judge_threshold,
    image=histogram,
    alt="Histograms of cosines: impostors around 0, genuine pairs around .9; a line between them is the threshold.",
    presets={
        f"{value:.2f}": {"threshold": (WIDE * (value - LEFT) / (RIGHT - LEFT), HIGH / 2)}
        for value in (0.4, 0.7)
    },
)


# %% tags=["exercise", "subslide"]
def far_and_frr(scores, same, thresholds):
    """FAR and FRR at each threshold.  # [N], [N] bool, [T] -> far [T], frr [T]"""
    # A pair is accepted if its score is at or above the threshold.
    # FAR: the share of the impostor pairs that are accepted.
    # FRR: the share of the genuine pairs that are refused.
    # BEGIN SOLUTION
    accepted = scores >= thresholds[:, None]  # [T, N]
    far = accepted[:, ~same].double().mean(dim=1)
    frr = 1 - accepted[:, same].double().mean(dim=1)
    return far, frr
    # END SOLUTION


check("far_and_frr", far_and_frr)

# %% [markdown]
# Every threshold gives a point (FAR, FRR). All of them make the **DET** curve (*detection error trade-off*), here with logarithmic axes, as the US standards institute NIST draws it: each grid line to the left means ten times fewer false accepts. (The **ROC** shows TAR over FAR, often on linear axes, where all that matters lies on the left edge.) TAR at FAR and EER are points of this curve, read off the tested pairs: they compare networks.
#
# What a user gets is measured at a threshold that is *chosen* on validation people and *frozen*. **Your turn:** choose it, below the curves.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
fig, (ax,) = plots.panels(1, height=3.4)
COLOURS = {"DeepFace": "#009E73", "FaceNet": "#CC79A7", "ArcFace": "#7A5195"}
for name, colour in COLOURS.items():
    far, frr, _ = det(*pairs[name])
    keep = (far > 0) & (frr > 0)
    thin = torch.linspace(0, int(keep.sum()) - 1, 3000).long()
    ax.plot(far[keep][thin], frr[keep][thin], color=colour, lw=2, label=name)
    eer = equal_error_rate(*pairs[name])
    ax.plot(eer, eer, "o", color=colour, ms=7)
ax.legend(frameon=False, loc="lower left", fontsize=11, labelcolor="linecolor")
ax.plot([1e-5, 1], [1e-5, 1], color=plots.MUTED, lw=1, ls="--")
ax.annotate("EER (dots): FAR = FRR", (6e-2, 4.5e-2), color=plots.MUTED, fontsize=9)
ax.axvline(FAR, color=plots.QUERY, lw=1)
ax.annotate("FAR 1/1000", (1.05e-3, 0.6), fontsize=9)
ax.set(xscale="log", yscale="log", xlim=(1e-5, 1), ylim=(3e-3, 1))
ax.set(xlabel="FAR: impostor pairs accepted", ylabel="FRR: genuine pairs refused")
ax.set_title("ArcFace has the lowest FRR at every FAR below 1 in 100")
figure(
    fig,
    "Three falling curves on logarithmic axes; ArcFace lies lowest, DeepFace highest at small FAR. A vertical line marks "
    "FAR 1/1000, a dashed diagonal the equal error rates.",
)


# %% tags=["exercise", "subslide"]
def choose_threshold(scores, same, far):
    """The lowest of the scores at which FAR is at most `far`.  # [N], [N] bool, number -> number"""
    # Only scores in `scores` are tried; a pair is accepted if score >= threshold.
    # FAR counts impostor pairs only. If it is too high at every score, return math.inf.
    # BEGIN SOLUTION
    impostors = scores[~same]
    for threshold in scores.unique().tolist():  # from the lowest
        if (impostors >= threshold).double().mean() <= far:
            return threshold
    return math.inf
    # END SOLUTION


check("choose_threshold", choose_threshold)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.verification.intervals import rates_interval

rows = [("threshold from 250 validation people", "FAR x 1,000 on the test", "TAR on the test")]
for name, encoder in verifiers.items():
    chosen_pairs = all_pairs(embed(encoder, chosen_on.images), chosen_on.labels)
    frozen = threshold_at_far(*chosen_pairs, FAR)
    far_test, tar_test = rates(*pairs[name], frozen)
    fars, tars = rates_interval(*pairs[name], of_pairs, frozen)
    far_cell = f"{1000 * far_test:.2f} ({1000 * fars[0]:.2f} to {1000 * fars[1]:.2f})"
    rows.append(
        (f"{name}: {frozen:.2f}", far_cell, f"{tar_test:.3f} ({tars[0]:.3f} to {tars[1]:.3f})")
    )
    record(f"frozen.{name}", frozen, ".2f")
table(rows)  # what stays in the variables is ArcFace's, the last
record("tar.frozen", tar_test, ".3f")

# %% [markdown]
# On people never seen, the frozen thresholds keep about the FAR that was asked for. But each is another number: {{frozen.DeepFace}}, {{frozen.FaceNet}}, {{frozen.ArcFace}}. So a threshold such as `0.40` is no constant of nature. It belongs to one network, to photos like these, and to one FAR.
#
# **What should FAR be?** That depends on the price of each error, and on how many impostors come. Move both (validation pairs; a false reject costs 1). The cheapest threshold of the album is {{cost.album}}, of the door {{cost.door}}, of the bank {{cost.bank}}. (These impostors do not try to deceive; attacks are [another test](#Deeper:-fake-or-live).)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.verification.curves import roc
from course_lib.verification.thresholds import expected_cost

# 20,000 of the curve's 8 million points, more of them where FAR is small: fast while one drags.
curve = roc(*chosen_pairs)
last = len(curve[0]) - 1
some_points = (
    torch.logspace(0, math.log10(last), 20_000, dtype=torch.float64).long().clamp(max=last).unique()
)
far_curve, tar_curve, thresholds = (part[some_points] for part in curve)


def cheapest(impostors, price):
    """Costs at all thresholds, and the number of the least.  # share, price of a false accept -> [M], number"""
    cost = expected_cost(far_curve, tar_curve, 1 - impostors, accept=price, reject=1)
    return cost, int(cost.argmin())


def draw_cost(impostors=0.1, log_price=2.0):
    price = 10**log_price
    cost, at = cheapest(impostors, price)
    best, least = float(thresholds[at]), float(cost[at])
    fig, (ax,) = plots.panels(1, height=2.6)
    for values, colour, label in (
        ((1 - impostors) * (1 - tar_curve), plots.SAME, "genuine refused"),
        (impostors * price * far_curve, plots.OTHER, "impostors accepted"),
        (cost, plots.QUERY, "sum"),
    ):
        ax.plot(thresholds[::8], values[::8], color=colour, lw=2, label=label)
    ax.axvline(best, color=plots.MUTED, lw=1, ls="--")
    ax.set(
        xlim=(-0.2, 1),
        ylim=(0, 4 * least + 1e-6),
        xlabel="threshold",
        ylabel="expected cost of a visitor",
    )
    ax.legend(frameon=False, loc="upper left", fontsize=9)
    ax.set_title(f"Cheapest at {best:.2f}: FAR {far_curve[at]:.5f}, TAR {tar_curve[at]:.3f}")
    return fig


for name, share, price in (("album", 0.5, 1), ("door", 0.1, 100), ("bank", 0.01, 1e5)):
    record(f"cost.{name}", thresholds[cheapest(share, price)[1]], ".2f")
explore(
    draw_cost,
    alt="The cost of refused genuine visitors rises with the threshold, that of accepted impostors falls; their sum has a "
    "minimum.",
    presets={
        "a photo album": {"impostors": 0.5, "log_price": 0.0},
        "a door": {"impostors": 0.1, "log_price": 2.0},
        "a bank": {"impostors": 0.01, "log_price": 5.0},
    },
    impostors=(0.01, 0.99, 0.01),
    log_price=(0.0, 6.0, 0.5),
    labels={
        "impostors": "impostors",
        "log_price": "price, 10 to the",
    },
)

# %% [markdown]
# ## Whose threshold?
#
# Two groups of drawn people, A with lighter and B with darker skin; all else is drawn by the same rules. Of 500 people in training, few are of B. The threshold is set for FAR 1/1000 on the pairs *within* A, and then used within B.

# %% jupyter={"source_hidden": true} tags=["subslide"]
from course_lib.recipes.groups import members

fig, axes = plots.panels(2, height=1.0)
for ax, group in zip(axes, (0, 1), strict=True):
    some = members("skin", group, "test", 8, 1, SEED).images
    pictures.contact_sheet(ax, some, 8, f"Group {'AB'[group]}")
figure(fig, "Eight drawn people with lighter skin, group A, and eight with darker skin, group B.")
predict(
    "15 of the 500 people in training are of group B. At A's threshold, how high is the FAR within group B?",
    [
        "lower than within A: unfamiliar faces are refused more often",
        "equal: the threshold fixes the FAR",
        "about 3 times as high",
        "about 30 times as high",
    ],
    answer=3,
    why=[
        "Unfamiliar faces do not lie far apart. The network has not learned what they differ in: their vectors lie close together.",
        "A threshold fixes the FAR of the pairs that it was chosen on, and no other.",
        "About 3 times is what 125 people of B give (see *Deeper: other groups*). With 15 the gap is much larger.",
        "What people of B differ in was hardly needed in training. Their vectors lie close together, and close means accepted.",
    ],
    name="13.groups",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.groups import SHOWN as SHARES
from course_lib.recipes.groups import scores_by_group

by_share = {rare: scores_by_group("skin", rare, SEED) for rare in SHARES}  # people of B among 500


def thin_det(scores, same):
    """1,500 points of a DET curve.  # -> far, frr"""
    far, frr, _ = det(scores, same)
    keep = (far > 0) & (frr > 0)
    thin = torch.linspace(0, int(keep.sum()) - 1, 1500).long()
    return far[keep][thin], frr[keep][thin]


group_curves = {rare: [thin_det(*part) for part in both] for rare, both in by_share.items()}
group_scores = {  # impostor and genuine scores of A and of B, rising: fast while one drags
    rare: [(s[~m].sort().values, s[m].sort().values) for s, m in both]
    for rare, both in by_share.items()
}


def above(rising, threshold):
    """The share of rising scores above a threshold."""
    return 1 - torch.searchsorted(rising, threshold, right=True).item() / len(rising)


def draw_groups(rare=15, log_far=-3.0):
    a, b = group_scores[rare]
    threshold = a[0][len(a[0]) - 1 - int(10**log_far * len(a[0]))]  # the highest that is refused
    fig, (left, right) = plots.panels(2, height=3.0, widths=(3, 2))
    for part, curve, colour, name in (
        (a, group_curves[rare][0], "#CC79A7", "A"),
        (b, group_curves[rare][1], "#009E73", "B"),
    ):
        left.plot(*curve, color=colour, lw=2, label=f"group {name}")
        far_here, tar_here = (above(kind, threshold) for kind in part)
        left.plot(far_here, 1 - tar_here, "o", color=colour, ms=8)
        right.bar(name, far_here * 1000, color=colour)
        right.text(name, far_here * 1000, f"{far_here * 1000:.1f}", ha="center", va="bottom")
    left.set(xscale="log", yscale="log", xlim=(1e-4, 1), ylim=(1e-2, 1), xlabel="FAR", ylabel="FRR")
    left.legend(frameon=False, loc="lower left", fontsize=9)
    left.set_title("Both groups at one threshold (dots)")
    right.set(ylabel="impostor pairs accepted in 1,000")
    right.set_title(f"{rare} of 500 are of B")
    right.grid(axis="x", visible=False)
    return fig


rows = [
    (
        "of 500 in training",
        "FAR of A",
        "FAR of B",
        "TAR of A",
        "TAR of B",
        "TAR of B, own threshold",
    )
]
gap = {}
for rare, (a, b) in by_share.items():
    at = threshold_at_far(*a, FAR)
    (far_a, tar_a), (far_b, tar_b) = rates(*a, at), rates(*b, at)
    gap[rare] = far_b / far_a
    numbers = (far_a, far_b, tar_a, tar_b, tar_at_far(*b, FAR))
    rows.append((f"{rare} of B", *(f"{v:.4f}" for v in numbers)))
table(rows)
record("gap.rare", gap[15], ".0f")
record("gap.half", gap[250], ".1f")
kept = verifier_table()
for rare, name in ((15, "rare"), (250, "half")):
    record(f"tar.{name}", tar_at_far(*by_share[rare][0], FAR), ".2f")
    three = kept[f"skin, {rare} of B"]
    ratios = [b / a for a, b in zip(three["FAR of A"], three["FAR of B"], strict=True)]
    record(f"gaps.{name}", ", ".join(f"{v:.{0 if rare == 15 else 1}f}" for v in ratios))

explore(
    draw_groups,
    alt="Left: DET curves of two groups, B above A; dots show one threshold, which lies much farther to the right for B. "
    "Right: of 1,000 impostor pairs of A one is accepted, of B more than twenty.",
    presets={"3% of B": {"rare": 15}, "half of B": {"rare": 250}},
    rare=list(SHARES),
    log_far=(-3.5, -1.0, 0.25),
    labels={"rare": "people of B", "log_far": "FAR A, 10 to the"},
)

# %% [markdown]
# With 15 of 500, impostor pairs of B are accepted {{gap.rare}} times as often as those of A (other data seeds: {{gaps.rare}}); with half, {{gap.half}} times ({{gaps.half}}). (TAR is lower than above: 250 steps of training only, and people of one group are more alike.)
#
# **The trap:** at A's threshold the *TAR* of B looks better. TAR alone, or one accuracy for all, does not show the gap. At its own threshold for FAR 1/1000, B has the worse TAR.
#
# What helps: as many people of B as of A in training. The total stays 500, so A's TAR falls from {{tar.rare}} to {{tar.half}}. What helps less: a threshold for each group. The FARs are then equal, but more genuine pairs of B are refused than of A; and somebody must say who belongs to which group.
#
# Here the cause is known: only the training people were changed; and with the groups exchanged, or with hair colour, the same happens ([Deeper](#Deeper:-other-groups)). In real systems NIST found false match rates that differ between groups by factors of 10 to 100, and did not investigate why (Grother, Ngan and Hanaoka, 2019). Training data is one likely cause, bad exposure another.

# %% [markdown]
# ## Three ways to a better number
#
# The networks below learn from 750 people, 250 more than above, by ArcFace's recipe; so the accuracy, as it should be measured, is .992. Three ways to report a better number:
#
# 1. **Leak**: the people of the test are in training, with other photos or even the same ones.
# 2. **Peek**: each fold gets the threshold that is best for its own pairs.
# 3. **Pick**: of ten folds the best one is reported.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "Training on the tested photos raises the ten-fold accuracy from .992 to .997. Which other cheat reaches this, too?",
    [
        "the leak of the tested people with other photos",
        "the peek",
        "the pick",
        "none of them",
    ],
    answer=2,
    why=[
        "Accuracy near 1 hardly shows it. At FAR 1/1000 the same leak halves the false rejects: it is serious, and common.",
        "A threshold of its own for each fold gains half as much.",
        "Folds differ, and the best of ten lies far above their mean.",
        "The best of ten folds lies as high, without any training.",
    ],
    name="13.cheats",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
HONEST, OTHER_PHOTOS, SAME_PHOTOS = (
    f"trained on 500 others and {which}"
    for which in ("250 more others", "the tested, other photos", "the tested, same photos")
)


def mean_of(row, kind):
    values = torch.tensor(kept[row][kind])
    return f"{values.mean():.3f} ± {values.std():.3f}"


rows = [("ten-fold accuracy", "as it should be", "peek", "pick", "peek and pick")]
for row, label in (
    (HONEST, "nobody leaks"),
    (OTHER_PHOTOS, "leak: other photos"),
    (SAME_PHOTOS, "leak: same photos"),
):
    kinds = ("ten folds", "each fold's own threshold", "best fold", "own threshold, best fold")
    rows.append((label, *(mean_of(row, kind) for kind in kinds)))
table(rows)
rows = [("", "FAR x 1,000, validation threshold", "TAR, validation threshold", "TAR at FAR 1/1000")]
for row, label in (
    (HONEST, "nobody leaks"),
    (OTHER_PHOTOS, "leak: other photos"),
    (SAME_PHOTOS, "leak: same photos"),
):
    far_kept = torch.tensor(kept[row]["FAR, validation threshold"]) * 1000
    rows.append(
        (
            label,
            f"{far_kept.mean():.2f} ± {far_kept.std():.2f}",
            mean_of(row, "TAR, validation threshold"),
            mean_of(row, "TAR, test threshold"),
        )
    )
table(rows)

# %% [markdown]
# (Mean ± standard deviation.) What betrays a cheat:
#
# * a leak: at the threshold from validation people, the *test* has far fewer false accepts than 1 in 1,000. The network knows the people of the test, and not those of the validation;
# * a peek: the threshold comes from the pairs that are judged;
# * a pick: few pairs, and no standard error.
#
# Your turn to be the referee. Three of these five reports should be sent back. Click those three.

# %% jupyter={"source_hidden": true} tags=["subslide"]
LEAKED, OWN = kept[SAME_PHOTOS], "each fold's own threshold"
first_seed = {
    row: {kind: values[0] for kind, values in kinds.items()} for row, kinds in kept.items()
}
honest, leaked, weak = (first_seed[row] for row in (HONEST, SAME_PHOTOS, "DeepFace"))


def line_of(
    found, accuracy="ten folds", error="standard error", pairs="6,000", on="other nine folds"
):
    shown = f"± {found[error]:.3f}" if error else "-"
    far = 1000 * found["FAR, validation threshold"]
    return f"{found[accuracy]:.3f}", shown, pairs, on, f"{far:.2f}"


reports = {
    "A": line_of(weak),
    "B": line_of(leaked),
    "C": line_of(honest, "best fold", None, "600"),
    "D": line_of(honest),
    "E": line_of(honest, OWN, "standard error of that", on="the fold itself"),
}
VERDICTS = {
    "A": "A is in order: a weaker network, and a FAR near the 1.00 that was asked for.",
    "B": "B: a FAR far below 1.00. Ask who was in training (or whether the test is easier).",
    "C": "C: 600 pairs are one fold of ten. Ask for the others.",
    "D": "D is in order.",
    "E": "E chose each threshold on the pairs that it judges.",
}
fig, (ax,) = plots.panels(1, height=4.2)
ax.set_position([0, 0, 1, 1])
ax.set(xlim=(0, 9), ylim=(6, 0))
ax.axis("off")
head = ("accuracy", "std. error", "pairs", "threshold from", "FAR x 1,000, validation threshold")
for row, cells in enumerate([head, *reports.values()]):
    for x_at, cell in zip((1.1, 2.3, 3.3, 4.9, 7.3), cells, strict=True):
        weight = "bold" if row == 0 else "normal"
        ax.text(x_at, row + 0.72, cell, va="center", ha="center", fontsize=11, weight=weight)
sheet = as_board(fig)
STEP = sheet.shape[1] / 6


def referee(clicked, **rows):
    accused = list(dict.fromkeys(clicked))[:3]
    if len(accused) < 3:
        return f"{3 - len(accused)} to go."
    right = len(set(accused) & set("BCE"))
    shapes = [
        ("box", rows[name], plots.SAME if name in "BCE" else plots.OTHER, "") for name in accused
    ]
    text = f"{right} of 3. " + " ".join(VERDICTS.values()) + " Reset starts again."
    return Shown(text=text, shapes=shapes)


Board(
    sheet.shape[2],
    sheet.shape[1],
    [
        Box(name, (4, STEP * (i + 1.5), sheet.shape[2] - 4, STEP * (i + 1.94)), "#CC79A7", True)
        for i, name in enumerate(reports)
    ],
    referee,
    image=sheet,
    alt="Five reports, A to E: accuracy, standard error, pairs, where the threshold is from, and 1,000 times the FAR on the "
    "test. B has a small FAR, C only 600 pairs, E a threshold from each fold itself.",
)

# %% [markdown]
# ## One among many
#
# **Identification**: who is it? The query is compared with a **gallery** of known people; **rank k** is the share of the queries whose person is among the k best entries. The MegaFace benchmark adds **distractors**, up to a million photos of people whom nobody looks for (Kemelmacher-Shlizerman and others, 2016).

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "ArcFace's network finds the right one among 250 people in about 95 of 100 queries. Now 100,000 distractors are added to the gallery. How often does it find the right one?",
    ["in about 95 of 100", "in about 80", "in about 50", "in fewer than 5"],
    answer=2,
    why=[
        "Each distractor is unlikely to be nearer, but there are 100,000 of them.",
        "That is what a few thousand distractors do.",
        "The best of 100,000 has a score that 1 in 100,000 impostor pairs reaches. At this FAR about half of the genuine pairs are accepted: see the left edge of the DET curve.",
        "About half of the right ones score higher than all distractors.",
    ],
    name="13.many",
)

# %% jupyter={"source_hidden": true, "outputs_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.recipes.verifiers import distractors
from course_lib.verification.identification import (
    detection_and_identification,
    open_set,
    rank_one_with_distractors,
)

COUNTS = [10, 100, 1000, 10_000, 100_000]
is_first = tested.labels.diff(prepend=tested.labels[:1] - 1) > 0  # one photo a person: the gallery
LIVE = torch.tensor([0, 10, 100, 1000, 10_000])
strangers_of = distractors({"ArcFace": arcface}, int(LIVE[-1]), SEED)["ArcFace"]
xa = x["ArcFace"]
sides = xa[~is_first], tested.labels[~is_first], xa[is_first], tested.labels[is_first]
rank_one = rank_one_with_distractors(*sides, strangers_of, LIVE)
fig, (left,) = plots.panels(1, height=3.0)
for name, colour in COLOURS.items():
    values = torch.tensor([kept[name][f"rank 1 of {n:,}"] for n in COUNTS])
    left.plot(COUNTS, values.mean(1), "o-", color=colour, lw=2, label=name)
left.plot(LIVE[1:], rank_one[1:], "o", mfc="none", mec=plots.QUERY, ms=9, label="ArcFace, this run")
left.set(xscale="log", ylim=(0, 1), xlabel="distractors in the gallery", ylabel="rank 1")
left.legend(frameon=False, loc="lower left", fontsize=9)
left.set_title("More distractors, fewer right answers (dots: mean of three data seeds)")
figure(
    fig,
    "Rank 1 falls with the number of distractors for all three losses, least for ArcFace; circles are this run.",
)
record("rank.none", rank_one[0], ".2f")
record("rank.most", rank_one[-1], ".2f")
record("rank.far", sum(kept["ArcFace"]["rank 1 of 100,000"]) / 3, ".2f")

from course_lib.data.crowds import FIRST_STRANGER, photos_of

places = (~is_first).nonzero()[:, 0]
asked = places[torch.arange(6) * 601 + 3]  # six queries
gallery = torch.cat([sides[2], strangers_of])
cosines = normalize(xa[asked]) @ normalize(gallery).T  # [6, 250 + 10,000]
CHOICES = {f"{n:,}": int(n) for n in LIVE}
ranked = {n: cosines[:, : 250 + n].topk(5, 1) for n in CHOICES.values()}
needed = torch.cat([best.indices.flatten() for best in ranked.values()]).unique()
needed = needed[needed >= 250]
drawn = photos_of(needed - 250 + FIRST_STRANGER, "test", SEED, 1).images
face_of = {int(i): image for i, image in zip(needed, drawn, strict=True)}
face_of |= dict(enumerate(tested.images[is_first]))


def draw_gallery(strangers=0, query=0):
    best = ranked[strangers]
    fig, axes = plots.panels(6, height=1.5)
    pictures.show_image(axes[0], tested.images[asked[query]], "query", plots.QUERY)
    own = int(tested.labels[asked[query]])
    for ax, value, i in zip(axes[1:], best.values[query], best.indices[query], strict=True):
        colour = plots.SAME if int(i) == own else plots.OTHER
        pictures.show_image(ax, face_of[int(i)], f"{value:.2f}", colour)
    return fig


explore(
    draw_gallery,
    alt="A face, and the five entries of the gallery that are most like it, the right person framed in blue and first.",
    strangers=CHOICES,
    query=(0, 5, 1),
    labels={"strangers": "distractors"},
)

# %% [markdown]
# In this run ArcFace's rank 1 falls from {{rank.none}}, with the 250 people alone, to {{rank.most}} with ten thousand distractors. With 100,000 it is {{rank.far}} (mean of three data seeds). Add distractors to the gallery of one query, above, and watch who comes first.
#
# **Open set.** Most faces before a camera belong to people who are not in the gallery. Below a threshold the answer is "unknown", and two rates count: **DIR**, *detection and identification rate*, the share of known people who get their name; and **FPIR**, *false positive identification rate*, the share of unknown people who get a name.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
# Half of the people are taken out of the gallery: their queries should be answered "unknown".
known_half = sides[3] < 125
best, right_one, known = open_set(*sides[:2], sides[2][known_half], sides[3][known_half])
at = torch.linspace(0.2, 0.95, 200, dtype=best.dtype)
dir_, fpir = detection_and_identification(best, right_one, known, at)
dir_here, fpir_here = detection_and_identification(best, right_one, known, frozen)
fig, (ax,) = plots.panels(1, height=2.6)
ax.plot(fpir, dir_, color=COLOURS["ArcFace"], lw=2)
ax.plot(fpir_here, dir_here, "o", color=COLOURS["ArcFace"], ms=9)
ax.annotate(
    "the threshold of verification",
    (fpir_here, dir_here),
    xytext=(0, -18),
    textcoords="offset points",
    fontsize=9,
)
ax.set(xscale="log", xlim=(1e-2, 1), ylim=(0.5, 1))
ax.set(xlabel="FPIR: unknown people who get a name", ylabel="DIR")
ax.set_title("A stricter threshold also rejects known people (125 known, 125 unknown)")
figure(
    fig,
    "DIR rises with FPIR; a dot marks the frozen threshold of verification.",
)
record("open.fpir", fpir_here, ".2f")
record("open.dir", dir_here, ".2f")

# %% [markdown]
# At the frozen threshold one impostor pair in a thousand is accepted; but each unknown person is compared with 125 entries, and a share of {{open.fpir}} of their queries gets a name (if pairs were independent, $1 - (1 - 1/1000)^{125} \approx 0.12$). With ten thousand entries nearly everybody would get one. A large gallery needs a stricter threshold.
#
# **Your turn:** the share of correct answers among all queries, of known and of unknown people.


# %% tags=["exercise", "subslide"]
def rank_k(scores, people, truth, k, threshold):
    """Share of queries answered correctly.  # [Q, G], [G], [Q], 2 numbers -> number"""
    # people[g] is the person of gallery entry g; truth[q] that of query q, or -1: not in the gallery.
    # Keep the k highest entries of each query, then drop those with a score below the threshold.
    # A known query is correct if its person is among the entries that are left,
    # an unknown query (truth -1) is correct if no entry is left.
    # Return the share of correct queries among all queries.
    # BEGIN SOLUTION
    best, place = scores.topk(k, dim=1)  # [Q, k]
    answered = best >= threshold
    named = (answered & (people[place] == truth[:, None])).any(dim=1)
    silent = ~answered.any(dim=1)
    return torch.where(truth == -1, silent, named).double().mean().item()
    # END SOLUTION


check("rank_k", rank_k)

# %% [markdown]
# ## Deeper: other groups

# %% [markdown]
# FAR of B at A's threshold, divided by that of A, on three other data seeds; and the accuracy of each group at the threshold that is best for its own pairs (mean ± standard deviation). *The other way round* the lighter group is the rare one; hair colour (B: the two darkest) does what skin does, the width of the head less.
#
# *The extremes* are the lightest and the darkest quarter of all people. With balance FAR within B is still higher at A's threshold, though B is told apart *better* at its own: its scores are shifted. One threshold for all needs scores that mean the same in all groups. (And the first people of B help nothing: 5 of them are no better than none.)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
rows = [("trait, people of B among 500", "FAR of B / FAR of A", "best accuracy of A", "of B")]
for row in kept:
    if " of B" in row:
        part = {kind: torch.tensor(values) for kind, values in kept[row].items()}
        ratio = part["FAR of B"] / part["FAR of A"]
        rows.append(
            (
                row,
                ", ".join(f"{v:.1f}" for v in ratio),
                mean_of(row, "best accuracy of A"),
                mean_of(row, "best accuracy of B"),
            )
        )
table(rows)

# %% [markdown]
# ## Deeper: fake or live

# %% [markdown]
# A verifier that is shown a photo of a photo accepts it. **Liveness detection** (*presentation attack detection*; L2.01) asks first whether a living face is before the camera. Three attacks: a screen, a print on paper, and a glossy print in which a lamp is reflected. A detector is trained on two of them and judged on all three, on new people. **APCER** is the share of attacks that are accepted, **BPCER** that of living faces that are refused; the threshold is set for a BPCER of .01 on validation people.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.recipes import liveness as live
from course_lib.verification.liveness import ATTACKS

live_faces = live.people("test", SEED).images[:24:4]


def draw_attacks(strength=1.0, other=0):
    fig, axes = plots.panels(1, rows=4, height=1.3)
    pictures.contact_sheet(axes[0], live_faces, 6, "live")
    for ax, (name, attack) in zip(axes[1:], ATTACKS.items(), strict=True):
        shown = attack(live_faces, torch.Generator().manual_seed(other), strength)
        pictures.contact_sheet(ax, shown, 6, name)
    return fig


judged = live.leave_one_out(SEED)
rows = [("not in training", "its APCER", "worst APCER of the others", "BPCER")]
known_worst = 0.0
for unseen, (apcer, bpcer) in judged.items():
    others = max(v for name, v in apcer.items() if name != unseen)
    known_worst = max(known_worst, others)
    rows.append((unseen, f"{apcer[unseen]:.3f}", f"{others:.3f}", f"{bpcer:.3f}"))
table(rows)
apcer_unseen = [apcer[unseen] for unseen, (apcer, _) in judged.items()]
unseen_best = min(apcer_unseen)
record("unseen.least", unseen_best, ".0%")
record("unseen.most", max(apcer_unseen), ".0%")

explore(
    draw_attacks,
    alt="Six faces live, and as attacks: on a screen with coloured bands, printed with dots and a white edge, with a bright "
    "streak.",
    presets={"faint": {"strength": 0.3}},
    strength=(0.0, 1.0, 0.1),
    other=(0, 10, 1),
    labels={"other": "other attacks"},
)

# %% [markdown]
# Attacks like those in training are found; of a kind that was not, {{unseen.least}} to {{unseen.most}} are accepted. Whoever attacks chooses the kind, so the worst one counts (ISO/IEC 30107-3).

# %% [markdown]
# ## Deeper: glasses, light, pose, and doubles

# %% [markdown]
# Which pairs are judged wrongly? Both errors at the frozen threshold, by what we know of the two photos, with 95% intervals. The rows overlap: of faces with glasses some are turned, too.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
d = tested.details
i, j = first, second
covered, wears = d["occlusion"] > 0, d["glasses"] > 0
easy = ~covered & ~wears & (d["turn"].abs() < 0.15)
conditions = {
    "nothing special": easy[i] & easy[j],
    "glasses on one of both": wears[i] != wears[j],
    "glasses on both": wears[i] & wears[j],
    "a hand, scarf or phone": covered[i] | covered[j],
    "turned apart by 20 degrees or more": (d["turn"][i] - d["turn"][j]).abs() > 0.35,
    "light from other sides": (d["light_x"][i] - d["light_x"][j]).abs() > 0.4,
}
rows = [("pairs", "FRR", "95% interval", "FAR x 1,000", "95% interval")]
frr_of = {}
for name, which in conditions.items():
    some = scores[which], same[which]
    (far_, tar_), people_ = rates(*some, frozen), tuple(p[which] for p in of_pairs)
    fars, tars = rates_interval(*some, people_, frozen)
    frr_of[name] = 1 - tar_
    rows.append(
        (
            name,
            f"{1 - tar_:.3f}",
            f"{1 - tars[1]:.3f} to {1 - tars[0]:.3f}",
            f"{1000 * far_:.2f}",
            f"{1000 * fars[0]:.2f} to {1000 * fars[1]:.2f}",
        )
    )
table(rows)
record("frr.easy", frr_of["nothing special"], ".3f")
record("frr.covered", frr_of["a hand, scarf or phone"], ".3f")

# %% [markdown]
# A covered face raises FRR most, from {{frr.easy}} to {{frr.covered}}. All intervals of FAR overlap.
#
# **Doubles.** Two people who resemble each other, drawn on purpose: at 0 they are twins with the same features, at 1 any two people.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.data.crowds import look_alikes

APART = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
accepted_doubles = []
for apart in APART:
    pair = look_alikes("test", 60, 4, apart, SEED)
    v = normalize(embed(arcface, pair.images)).view(60, 2, 4, -1)
    cosines = v[:, 0] @ v[:, 1].mT  # [60, 4, 4]
    accepted_doubles.append((cosines >= frozen).double().mean().item())
fig, (left, right) = plots.panels(2, height=2.6, widths=(5, 2))
left.plot(APART, accepted_doubles, "o-", color=plots.OTHER, lw=2)
left.set(
    ylim=(-0.04, 1.05), xlabel="how far apart their features are", ylabel="accepted as one person"
)
left.set_title("The nearer the double, the more often accepted")
three = [look_alikes("test", 1, 1, apart, SEED).images for apart in (0.0, 0.3, 1.0)]
pictures.contact_sheet(right, torch.cat(three), 2, "0, .3, 1 apart")
figure(
    fig,
    "The share of pairs of doubles that are accepted falls from nearly one for twins to nearly none for any two people. Beside "
    "it three rows: a person and a double, ever less alike.",
)
record("twins", accepted_doubles[0], ".2f")

# %% [markdown]
# Twins differ in nothing but the photo, so they are accepted ({{twins}}) about as often as two photos of one person ({{tar.frozen}}). No threshold helps: the network has nothing to go by.

# %% [markdown]
# ## Deeper: ten folds, as on LFW

# %% [markdown]
# **LFW** (Labeled Faces in the Wild; Huang and others, 2007; L5.12) has 13,233 photos of 5,749 people. Its protocol: ten folds of 300 + 300 pairs, nobody in two folds; the accuracy of each fold at the threshold that is best on the other nine; then the mean and its standard error. Write two functions: the pairs of a fold, and the accuracy of each fold.


# %% tags=["exercise"]
def pairs_of(labels, people):
    """All pairs of images whose people both belong to a fold.  # [N], [K] -> first [P], second [P]"""
    # labels[i] is the person on image i; `people` are those of the fold.
    # Each pair once: first < second, sorted by first, then by second. int64.
    # BEGIN SOLUTION
    inside = torch.isin(labels, people).nonzero()[:, 0]
    pairs = torch.combinations(inside)  # [P, 2]
    return pairs[:, 0], pairs[:, 1]
    # END SOLUTION


check("pairs_of", pairs_of)


# %% tags=["exercise"]
def ten_fold_accuracy(scores, same, fold):
    """Accuracy of each fold at the threshold that is best on the others.  # [N], [N] bool, [N] -> [folds]"""
    # fold[i] is the number of the fold of pair i; fold.unique() gives all of them.
    # Candidates for a threshold are the scores of the other folds; if several are equally good, take the highest.
    # Return the accuracies in the order of fold.unique().
    # A pair is accepted if score >= threshold.
    # BEGIN SOLUTION
    accuracies = []
    for number in fold.unique():
        test, rest = fold == number, fold != number
        candidates = scores[rest].sort(descending=True).values  # [R]
        right = (scores[rest] >= candidates[:, None]) == same[rest]  # [R, R]
        best = candidates[right.double().mean(dim=1).argmax()]
        accuracies.append(((scores[test] >= best) == same[test]).double().mean())
    return torch.stack(accuracies)
    # END SOLUTION


check("ten_fold_accuracy", ten_fold_accuracy)

# %% [markdown]
# The **equal error rate** by hand, from the two lists of `far_and_frr`:


# %% tags=["exercise"]
def eer_of_curves(far, frr):
    """The error where FAR and FRR are equal.  # [T], [T] -> number"""
    # Thresholds rise: far falls from 1 to 0, frr rises from 0 to 1.
    # Let i be the first place with far[i] <= frr[i], and gap = far - frr. From i - 1 to i the gap falls
    # in a straight line and is 0 somewhere. Return far there, on the line from far[i - 1] to far[i].
    # BEGIN SOLUTION
    gap = far - frr
    after = int((gap <= 0).nonzero()[0])
    before = after - 1
    step = gap[before] / (gap[before] - gap[after])
    return (far[before] + step * (far[after] - far[before])).item()
    # END SOLUTION


check("equal_error_rate", eer_of_curves)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
fig, (left, right) = plots.panels(2, height=2.8)
for y, (name, colour) in enumerate(COLOURS.items()):
    folds = kfold_accuracy(*lfw_like_pairs(x[name], SEED))
    spread = y + 0.05 * (torch.arange(10) - 4.5)  # folds of one accuracy do not hide each other
    left.plot(folds, spread, "o", color=colour, alpha=0.7)
    left.plot([folds.mean()] * 2, [y - 0.3, y + 0.3], color=colour, lw=2)
left.set(yticks=range(3), yticklabels=COLOURS, ylim=(-0.6, 3.2), xlabel="accuracy of a fold")
for value, label in ((0.9753, "people,\non LFW"), (0.9963, "FaceNet,\non LFW")):
    left.axvline(value, color=plots.MUTED, lw=1, ls="--")
    side = (
        {"x": value + 0.0006, "ha": "left"}
        if value < 0.98
        else {"x": value - 0.0006, "ha": "right"}
    )
    left.text(y=2.55, s=label, color=plots.MUTED, fontsize=9, **side)
left.set_title("Ten folds each, drawn faces")
theirs = {2.6e6: 0.763, 26e6: 0.851, 52e6: 0.851, 260e6: 0.862}
right.plot(
    theirs.keys(), theirs.values(), "o--", color=plots.MUTED, label="FaceNet, its own photos"
)
crowds = {n: f"FaceNet, {n:,} people" for n in (50, 150, 1500)} | {500: "FaceNet"}
ours = {24 * n: kept[crowds[n]]["TAR, test threshold"] for n in sorted(crowds)}
for count, values in ours.items():
    right.plot([count] * 3, values, "o", color=COLOURS["FaceNet"])
right.plot(
    ours.keys(), [sum(v) / 3 for v in ours.values()], "o-", color=COLOURS["FaceNet"], label="ours"
)
right.set(xscale="log", ylim=(0, 1), xlabel="images in training", ylabel="TAR at FAR 1/1000")
right.legend(frameon=False, loc="lower right", fontsize=9)
right.set_title("More training images help, ever less")
figure(
    fig,
    "Left: ten dots for each loss, those of FaceNet and ArcFace level; dashed lines mark people and FaceNet, both on LFW. Right: TAR rises with the number of training images, for our triplets from 1,200 to 36,000 images, for FaceNet "
    "from 2.6 to 260 million.",
)

# %% [markdown]
# Left, the dashed lines belong to *other* photos and must not be compared with the dots: on LFW people reach 97.53% (Kumar and others, 2009; cut-out faces) and FaceNet 99.63% (L2.16). At that height an accuracy says little, hence TAR at a small FAR. Right, FaceNet's own table (Schroff and others, 2015): from 26 to 260 million images TAR (*VAL*) grows by one percentage point. Ours: three data seeds, 24 photos a person, the same number of steps each.
#
# How small a FAR can be measured? With no false accept among $n$ *independent* pairs it may still be $3/n$ (95% confidence). Our 8 million pairs are of 250 people, so they are not independent: a FAR of 1 in a million, which systems in use ask for, cannot be shown here.

# %% [markdown]
# ## Deeper: real faces

# %% [markdown]
# ORL: forty people, ten photos each, made at the Olivetti Research Laboratory in Cambridge (Samaria and Harter, 1994). Ten folds of four people, 180 pairs of one person and 180 of two in each. Four scores are compared: plain pixels (the cosine after subtracting the mean of each image); our network, trained on drawn faces; a network of the same kind, trained on other people of ORL; and dlib's network (King, 2017). dlib's was trained on three million photos; it finds and aligns the faces first.
#
# **AUC** is the area under the ROC curve: the probability that a genuine pair scores higher than an impostor pair.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
import json

from course_lib.machine import ROOT

real = json.loads((ROOT / "data/results/pretrained.json").read_text(encoding="utf-8"))[
    "verification"
]
rows = [("scores on ORL", "ten-fold accuracy", "AUC")]
for name, row in real.items():
    rows.append(
        (name, f"{row['ten folds']:.3f} ± {row['standard error']:.3f}", f"{row['auc']:.3f}")
    )
table(rows)
fig, (ax,) = plots.panels(1, height=2.8)
INKS = (plots.MUTED, "#7A5195", "#009E73", "#CC79A7")
for (name, row), colour in zip(real.items(), INKS, strict=True):
    at = {float(kind.split()[-1]): v for kind, v in row.items() if kind.startswith("FRR at FAR")}
    at = {far: v for far, v in at.items() if far >= 0.01}  # 1,800 impostor pairs tell no less
    ax.plot(at.keys(), at.values(), "o-", color=colour, lw=2, label=name)
ax.set(xscale="log", yscale="log", xlabel="FAR", ylabel="FRR", ylim=(0.003, 1.05))
ax.legend(frameon=False, loc="lower left", fontsize=9, labelcolor="linecolor")
ax.set_title("On real people a network that knows drawn faces is worse than pixels")
figure(
    fig,
    "DET curves on ORL's pairs: dlib's network is flat at the share of pairs in which it does not find a face; ArcFace "
    "trained on ORL's other people falls below it at large FAR; pixels and ArcFace trained on drawn faces are far above.",
)
dlib_row = real["dlib's network"]
record("dlib.far", dlib_row["FAR at .6"], ".3f")
record("dlib.tar", dlib_row["TAR at .6"], ".3f")

# %% [markdown]
# **Drawn faces are not real faces:** our network does worse than plain pixels. Trained for seconds on thirty-two people of ORL (four more choose the threshold), such a network is far better.
#
# **dlib's threshold** of `.6` is on a *distance*; its author means it for everyday photographs. On these pairs it accepts {{dlib.far}} of the impostor pairs and {{dlib.tar}} of the genuine ones. (In nine of 400 photos it finds no face, and their pairs are refused at every threshold. So its FRR stays the same however large FAR is, and its AUC is low.) The photos are grey, small, and taken in one laboratory; which of these raises its FAR was not tested. A threshold belongs to photos, too.
#
# With ORL's or LFW's photographs in `COURSE_DATA_DIR` ([data](../data/README.md)), the next cell runs their own lists of pairs; ORL takes a minute and a half, LFW with dlib twenty.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.recipes.orl_verification import ten_fold
from course_lib.recipes.real_faces import first_faces, likeness, middle, real_network_there

try:
    accuracies, real_scores, real_pairs = ten_fold()
    far_curve_, tar_curve_, _ = roc(real_scores, real_pairs.same)
    print(
        f"ORL, trained on the other folds: {accuracies.mean():.3f} ± {accuracies.std() / 10**0.5:.3f}"
    )
except FileNotFoundError:
    print("ORL's photographs are not there.")
try:
    a, b, lfw_same, lfw_fold = datasets.load("lfw-pairs", "10_folds", resize=1.0)
    if real_network_there():
        lfw_scores = likeness(first_faces(a, 2), first_faces(b, 2))
    else:
        sides_ = (normalize(embed(arcface, middle(part))) for part in (a, b))
        lfw_scores = torch.linalg.vecdot(*sides_)
    accuracies = kfold_accuracy(lfw_scores, lfw_same, lfw_fold)
    print(f"LFW: {accuracies.mean():.4f} ± {accuracies.std() / 10**0.5:.4f}")
except FileNotFoundError:
    print("LFW's photographs are not there.")

# %% [markdown]
# ## Deeper: your own photos

# %% [markdown]
# Give a folder with two images of faces or more, press *Use this folder*, and run the cell below. Every face is compared with every other: by dlib's network if it is there (`make lab EXTRAS=real`), otherwise by ours. Your photos stay on your computer; whoever is on them should agree.

# %%
from IPython.display import display

from course_lib.page.own_folder import own_folder
from course_lib.recipes.real_faces import compare_own

own = own_folder("COURSE_FACES", lambda path: compare_own(path, arcface, frozen))
display(own)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
if own.folder:
    yours = compare_own(own.folder, arcface, frozen)
    if not yours.real:
        print("Careful: these answers are by a network that has only seen drawn faces (see above).")

    def draw_own(face=0):
        order_ = [n for n in yours.scores[face].argsort(descending=True).tolist() if n != face][:7]
        fig, axes = plots.panels(1 + len(order_), height=1.6)
        pictures.show_image(axes[0], yours.faces[face], yours.names[face][:14], plots.QUERY)
        for ax, n in zip(axes[1:], order_, strict=True):
            value = yours.scores[face, n]
            colour = plots.SAME if value >= yours.threshold else plots.OTHER
            pictures.show_image(ax, yours.faces[n], f"{abs(value):.2f}", colour)
        return fig

    names_of = {f"{n + 1}: {name}": n for n, name in enumerate(yours.names)}
    display(
        explore(
            draw_own, alt="A face and those most like it; accepted ones framed blue.", face=names_of
        )
    )
else:
    print("No folder is chosen: here your own faces would be compared.")

# %% [markdown]
# ## Deeper: what vectors give away, and the law

# %% [markdown]
# What else can be read from a vector? Linear probes, trained on vectors of 125 people and tested on 125 others; as many images with *yes* as with *no*, so guessing gives .50:

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.self_supervision.probes import linear_probe

half = tested.labels < 125
secrets = {
    "dark skin": d["skin_tone"] > 0.5,
    "a beard": d["beard"] > 0,
    "freckles": d["freckles"] > 0,
    "glasses, in this photo": wears,
}


def balanced(which, part):
    """As many images with yes as with no, of a part of the people.  # [N] bool twice -> numbers"""
    yes, no = ((part & kind).nonzero()[:, 0] for kind in (which, ~which))
    count, seeded = min(len(yes), len(no)), torch.Generator().manual_seed(SEED)
    return torch.cat([k[torch.randperm(len(k), generator=seeded)[:count]] for k in (yes, no)])


rows = [("what is read from the vector", "accuracy")]
for name, which in secrets.items():
    a, b = balanced(which, half), balanced(which, ~half)
    accuracy = linear_probe(xa[a], which[a].long(), xa[b], which[b].long())
    rows.append((name, f"{accuracy:.2f}"))
table(rows)

# %% [markdown]
# Skin tone can be read, though no network was trained for it; freckles cannot, beards and glasses hardly, by a linear probe. From real face vectors even a face can be reconstructed (Mai and others, 2018).
#
# Vectors that identify a person are personal data in any case. In the European Union, biometric data processed to identify a person uniquely are a special category: to process them is forbidden, with exceptions such as explicit consent ([GDPR](https://eur-lex.europa.eu/eli/reg/2016/679/oj), article 9). The [AI Act](https://eur-lex.europa.eu/eli/reg/2024/1689/oj), article 5, forbids untargeted scraping of face images from the internet or from cameras in public to build databases, and, with exceptions, real-time identification in public places by the police. Illinois requires a written release (Biometric Information Privacy Act, 2008), Russia written consent, with exceptions (law 152-FZ, article 11; 572-FZ for the state's system). Consent for one purpose is not consent for another. (As of 2026, and no legal advice.)

# %% [markdown]
# ## Deeper: the same question elsewhere

# %% [markdown]
# * **Re-identification** (L2.10): the same person under another camera, from behind, without a face. Market-1501 ([Zheng and others, 2015](https://openaccess.thecvf.com/content_iccv_2015/html/Zheng_Scalable_Person_Re-Identification_ICCV_2015_paper.html)) has 1,501 people and six cameras; judged by rank 1 and mAP in a gallery. Nobody of the test is in training. Pose, light and boxes differ from camera to camera, and other people wear similar clothes.
# * **Whales** (L2.20): which whale is it, by its tail? [Humpback Whale Identification](https://www.kaggle.com/c/humpback-whale-identification) has some 5,000 whales, most of them with one to three photos, and the answer *new whale*: an open set with few photos. ArcFace and triplets are what its best solutions used.
# * **Deepfakes** (L2.20): is this face real? As for liveness, the question is what happens with a forgery of a kind that was not in training: in the [Deepfake Detection Challenge](https://arxiv.org/abs/2006.07397) (Dolhansky and others, 2020) the winners were much weaker on videos that nobody had seen. [FaceForensics++](https://arxiv.org/abs/1901.08971) (Rössler and others, 2019) has four kinds to train on.
# * **Few and unbalanced photos** (L2.10): prototypes of many photos are better than of one, above; and people of a group that is rare in training are confused more often.

# %% [markdown]
# ## Deeper: what the core path claimed

# %% jupyter={"source_hidden": true}
from itertools import pairwise

from course_lib.page.notebook import claim

claim("ArcFace's loss reaches a TAR of .9 at FAR 1/1000", tar["ArcFace"] > 0.9, tar["ArcFace"])
claim(
    "ArcFace before FaceNet before DeepFace, each by .01 or more",
    min(tar["ArcFace"] - tar["FaceNet"], tar["FaceNet"] - tar["DeepFace"]) > 0.01,
    min(tar["ArcFace"] - tar["FaceNet"], tar["FaceNet"] - tar["DeepFace"]),
)
gained = aligned_tar["eyes level"] - aligned_tar["cut out"]
claim("tilted heads: level eyes raise TAR by .05 or more", gained > 0.05, gained)
claim(
    "at the validation threshold, FAR on the test is between .0005 and .002",
    0.0005 < far_test < 0.002,
    far_test,
)
skin = {n: {k: torch.tensor(v) for k, v in kept[f"skin, {n} of B"].items()} for n in (15, 250)}
ratios = {n: row["FAR of B"] / row["FAR of A"] for n, row in skin.items()}
claim(
    "15 of 500 of group B: its FAR is 10 times that of A or more, on three data seeds",
    ratios[15].min() > 10,
    ratios[15].min(),
)
claim(
    "half of group B: at most 1.6 times, on three data seeds",
    ratios[250].max() < 1.6,
    ratios[250].max(),
)
trap = skin[15]["TAR of B"] - skin[15]["TAR of A"]
own_tar = skin[15]["TAR of A"] - skin[15]["TAR of B at its own threshold"]
claim(
    "15 of 500: at A's threshold the TAR of B is higher, at its own it is lower, by .1 or more each",
    min(trap.min(), own_tar.min()) > 0.1,
    min(trap.min(), own_tar.min()),
)
honest_folds = torch.tensor(kept[HONEST]["ten folds"])
raised = [
    (torch.tensor(kept[row][kind]) - honest_folds).min().item()
    for row, kind in ((SAME_PHOTOS, "ten folds"), (HONEST, OWN), (HONEST, "best fold"))
]
claim(
    "leak (same photos), peek and pick each raise the accuracy by .0015 or more, on each of three data seeds",
    min(raised) > 0.0015,
    min(raised),
)
far_leaked = torch.tensor(kept[SAME_PHOTOS]["FAR, validation threshold"])
claim(
    "and its FAR at the validation threshold is below .0007",
    far_leaked.max() < 7e-4,
    far_leaked.max(),
)
falls = [
    a - b
    for name in COLOURS
    for n, m in pairwise(COUNTS)
    for a, b in zip(kept[name][f"rank 1 of {n:,}"], kept[name][f"rank 1 of {m:,}"], strict=True)
]
claim("ten times as many distractors: rank 1 falls, each time", min(falls) > 0, min(falls))
claim(
    "liveness: of attacks like those in training at most .05 are accepted, of any new kind .2 or more",
    known_worst < 0.05 and unseen_best > 0.2,
    unseen_best,
)
claim(
    "twins: .8 or more of their pairs are accepted", accepted_doubles[0] > 0.8, accepted_doubles[0]
)

# %% [markdown]
# In tests the curves equal those of scikit-learn, ranks those of FAISS, and landmarks are brought to their places as by scikit-image.

# %% [markdown]
# ## What you can do now
#
# * **From photo to answer**: detect, align, embed, compare, decide.
# * **Numbers**: FAR and FRR at a threshold; DET for all thresholds; EER; TAR at a fixed FAR, with an interval over people.
# * **The threshold** is chosen on validation people and frozen. It has a price for each error, and for each group of people: at one threshold, impostor pairs of a group that training has hardly seen were accepted many times as often.
# * **Cheats**: people of the test in training, a threshold from the test, the best fold. Ask for FAR at the validation threshold, for the number of pairs, for the standard error.
# * **One among many**: rank 1 falls with the gallery; "unknown" is an answer, with a threshold of its own.
#
# **Still open:** who decides what a false accept costs, and who pays for it?
#
# **Go on:** [04](04_margin_losses.ipynb) has the margin losses, [06](06_search_and_hashing.ipynb) searches in large galleries.
#
# **Read:** Taigman and others, [DeepFace](https://openaccess.thecvf.com/content_cvpr_2014/html/Taigman_DeepFace_Closing_the_2014_CVPR_paper.html) (2014) · Schroff, Kalenichenko and Philbin, [FaceNet](https://arxiv.org/abs/1503.03832) (2015) · Deng and others, [ArcFace](https://arxiv.org/abs/1801.07698) (2019) · Kemelmacher-Shlizerman and others, [MegaFace](https://arxiv.org/abs/1512.00596) (2016) · Grother, Ngan and Hanaoka, [Face Recognition Vendor Test, Part 3: Demographic Effects](https://doi.org/10.6028/NIST.IR.8280) (2019) · Buolamwini and Gebru, [Gender Shades](https://proceedings.mlr.press/v81/buolamwini18a.html) (2018).
