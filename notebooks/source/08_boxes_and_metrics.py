# %% [markdown]
# # Boxes and metrics

# %% [markdown]
# After this page you will be able to
#
# * say why a detector cannot look at every box, and compare two boxes by their **IoU**;
# * describe a box by its **offsets** $(t_x, t_y, t_w, t_h)$ from an anchor, and get it back (in code: *Deeper*);
# * write **non-maximum suppression**, and name a scene in which it must fail (*Deeper*);
# * decide which detections are true positives, and draw the **precision-recall curve**;
# * compute **average precision** and **mAP**, and recognise five changes of the evaluation that change mAP.
#
# **You should know** what a classifier and its score are, and tensors ([02](02_embeddings.ipynb)). **Time:** about 80 minutes for the core path with the exercises, 45 without them. Core path: everything before the first *Deeper* section, and the [summary](#What-you-can-do-now). **Computing:** 1 to 2 minutes at the first run, about half a minute later ([measured](00_start_here.ipynb#How-long-each-notebook-takes)). **Lecture topics** L5.01, L5.02, L5.03; the offsets are those of L5.05 and L5.06.

# %% [markdown]
# ## The task
#
# A classifier predicts *what* is in the image. A **detector** predicts what, *where* and *how many*: it returns a list of boxes, each with a class and a **score**, how sure it is (L5.01). The simplest detector is a classifier applied to many windows of the image, a **sliding window**. A **window** is a box that is cut out and classified. The detector below looks for faces. A fast classifier, the *cascade*, slides over the photograph at many sizes from 40 pixels up, and proposes windows; a second one gives each of them a score from 0 to 1. **Non-maximum suppression** (NMS, later on this page) thins them out.
#
# The cascade proposes {{photo.windows}} windows on this photograph. {{photo.on_face}} of them overlap the face enough (an IoU of .5 or more, defined below): blue in the second figure. The others, orange, show only part of the face, or other things: badges, the suit, the helmet, the shuttle, the flag, the bare wall. We need to thin out such a list, and to measure how good it is. But first: why does a detector not look at every box?

# %% jupyter={"source_hidden": true} tags=["diagram"]
import torch
from IPython.display import display
from torchvision.utils import draw_bounding_boxes

from course_lib.by_definition import average_precision as by_hand
from course_lib.by_definition import detection as plain
from course_lib.detection.overlap import box_iou
from course_lib.exercises.answer import check
from course_lib.page import plots
from course_lib.page.board import Board, Box, Shown
from course_lib.page.boxes import draw_boxes
from course_lib.page.controls import explore
from course_lib.page.diagrams import Stage, pipeline
from course_lib.page.notebook import claim, figure, record, show_source, table
from course_lib.page.own_folder import own_folder
from course_lib.page.predict import predict
from course_lib.recipes.photographs import face_candidates, photographs_with_faces

SEED = 0
TRUE, FALSE, CHOSEN = plots.SAME, plots.OTHER, plots.QUERY
# Colours of classes: none of them is blue, orange or black, which mean true, false and chosen.
CLASS_COLOURS = ["#009E73", "#CC79A7", "#C4B000", "#7A5195", "#8C6D31", "#66C2C2"]
FACE = CLASS_COLOURS[1]

photos = photographs_with_faces()
windows = {name: face_candidates(image) for name, (image, _) in photos.items()}
image, target = photos["astronaut"]
astronaut = windows["astronaut"]
on_face = box_iou(astronaut["boxes"], target["boxes"])[:, 0] >= 0.5
record("photo.windows", len(on_face), "d")
record("photo.on_face", int(on_face.sum()), "d")

kept = plain.nms(astronaut["boxes"], astronaut["scores"], 0.5)
# Boxes in units of the image, which is square, to be seen beside scores.
scored = torch.cat([astronaut["boxes"] / len(image[0]), astronaut["scores"][:, None]], dim=1)
with_windows, with_kept = (
    draw_bounding_boxes(image, astronaut["boxes"][which], colors=FACE, width=7)
    for which in (slice(None), kept)
)
stages = [
    Stage("image", image, image=image),
    Stage("cascade", note="proposes windows"),
    Stage("windows", astronaut["boxes"], image=with_windows),
    Stage("classifier", scored, note="adds a score to each"),
    Stage("NMS", note="thins them out"),
    Stage("detections", scored[kept], image=with_kept),
]
figure(
    pipeline([stages]),
    "From the photograph to detections: a cascade proposes windows, a classifier scores each, NMS thins them out.",
)
fig, (left, right) = plots.panels(2, height=2.9)
colours = [TRUE if on else FALSE for on in on_face.flip(0)]
draw_boxes(left, image, astronaut["boxes"].flip(0), colours=colours, width=1.3)
left.set_title("One face, many windows")
for where, colour, height, name in (
    (on_face, TRUE, 0.7, "IoU with the face .5 or more"),
    (~on_face, FALSE, 0.25, "all others"),
):
    right.vlines(astronaut["scores"][where], height - 0.12, height + 0.12, color=colour, lw=2)
    right.text(0, height + 0.15, name, color=colour, weight="bold")
draw_boxes(
    left,
    None,
    astronaut["boxes"][:1],
    colours=FALSE,
    texts=[f"{astronaut['scores'][0]:.3f}"],
    width=2.6,
)
right.set(title="The highest score is not on the face", xlabel="score of each window")
right.set(xlim=(-0.02, 1.02), ylim=(0, 1), yticks=[])
figure(
    fig,
    "A portrait with all windows that the cascade proposes: a blue stack on the face, orange ones on badges, on the "
    "reflection in a helmet and elsewhere. Beside it their scores: the highest is not on the face.",
)
claim("the window with the highest score is not on the face", not on_face[0])

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "An image has only 96 x 96 pixels. How many boxes with edges on its pixel grid does it hold?",
    ["9,216", "about 300,000", "about 22 million", "about 85 million"],
    answer=2,
    why=[
        "That is the number of pixels. It takes two corners to fix a box, not one.",
        "That is the number of square boxes. A box may have any width and any height.",
        "Choose 2 of 97 vertical lines and 2 of 97 horizontal ones: 4,656 x 4,656 boxes.",
        "That takes any two pixels as corners, and so counts nearly every box four times.",
    ],
    name="08.all_boxes",
)

# %% [markdown]
# ## Intersection over union
#
# In general an image of $W \times H$ pixels holds $\binom{W+1}{2}\binom{H+1}{2}$ boxes: for 500 x 375 pixels nearly nine billion. So most detectors score few of them, and these fit an object only roughly. We need a number for "roughly".
#
# A box is $(x_1, y_1, x_2, y_2)$: left, top, right, bottom; $y$ points down. **Intersection over union** (IoU, L5.03) divides the area of the intersection, which both boxes share, by the area of their union:
#
# $$ \operatorname{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}, \qquad |a \cup b| = |a| + |b| - |a \cap b| . $$
#
# It is 1 for equal boxes, 0 for boxes that do not overlap, and does not change when both are scaled alike. The intersection is a box, too: it begins at the larger of the two left edges and ends at the smaller of the two right edges. The same holds for top and bottom. If its width or height is not positive, the boxes do not overlap.
#
# **Your turn.** Answer the question, drag the boxes or corners until the IoU is 0.5, and write the function.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "Two equal squares; one is shifted to the right by half its width. What is their IoU?",
    ["1/4", "1/3", "1/2", "2/3"],
    answer=1,
    why=[
        "A quarter of a square is shared after a shift along both axes; its IoU is 1/7.",
        "They share half a square; the union is one and a half.",
        "Half of each square is shared, but IoU divides by the union, not by one square.",
        "That is one square divided by the union. Only half a square is shared.",
    ],
    name="08.half_shift",
)


# %% jupyter={"source_hidden": true} tags=["subslide"]
def overlap(A, B):
    a, b = torch.tensor(A), torch.tensor(B)
    shared = plain.intersection(a, b)
    union = plain.area(a) + plain.area(b) - shared
    corners = (*torch.maximum(a, b)[:2].tolist(), *torch.minimum(a, b)[2:].tolist())
    shapes = [("area", corners, CLASS_COLOURS[2])] if shared > 0 else []
    text = f"shared {shared:.0f},  union {union:.0f},  IoU = {plain.iou(a, b):.2f}"
    return Shown(text=text, shapes=shapes)


Board(
    120,
    70,
    [
        Box("A", (20, 12, 60, 52), colour=CLASS_COLOURS[0]),
        Box("B", (46, 20, 92, 60), colour=CLASS_COLOURS[3]),
    ],
    overlap,
    alt="Two boxes A and B that overlap; their intersection is shaded, and under the board stands their IoU.",
    presets={
        "half a width": {"A": (20, 12, 60, 52), "B": (40, 12, 80, 52)},
        "half along both": {"A": (20, 6, 60, 46), "B": (40, 26, 80, 66)},
        "one inside the other": {"A": (20, 8, 76, 64), "B": (34, 22, 62, 50)},
        "apart": {"A": (6, 12, 46, 52), "B": (70, 12, 110, 52)},
    },
)


# %% tags=["exercise", "subslide"]
def iou(a, b):
    """Intersection over union of two boxes (x1, y1, x2, y2).  # [4], [4] -> number"""
    # If both boxes have no area, IoU is 0.
    # BEGIN SOLUTION
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0
    # END SOLUTION


check("iou", iou)

# %% [markdown]
# ## Offsets: a box relative to an anchor
#
# Many detectors do not output corners. They start from an **anchor**, a box of fixed size at a fixed place, or from a box that an earlier stage proposes; we write *anchor* for both. The detector predicts how to change it. With centre $x, y$ and size $w, h$ of the object's box, and $x_a, y_a, w_a, h_a$ of the anchor, the four **offsets** are
#
# $$ t_x = \frac{x - x_a}{w_a}, \qquad t_y = \frac{y - y_a}{h_a}, \qquad t_w = \log\frac{w}{w_a}, \qquad t_h = \log\frac{h}{h_a} . $$
#
# And back: $x = x_a + t_x w_a$ and $w = w_a e^{t_w}$, and in the same way $y$ and $h$. A shift is counted in anchor widths and heights, a size as the natural logarithm of a ratio. So equal offsets mean the same change relative to the anchor, and no size can become negative.
#
# Move the green box: the dashed box applies the same four offsets to the small anchor. Fast R-CNN predicts four such numbers for each proposed box and class (L5.05), Faster R-CNN and RetinaNet for each anchor (L5.06, L5.11). [Write both directions](#Deeper:-offsets-there-and-back), if you have time.


# %% jupyter={"source_hidden": true} tags=["subslide"]
def relative(anchor, box, small_anchor):
    rows = torch.tensor([anchor, box, small_anchor])
    offsets = plain.encode(rows[1:2], rows[:1])
    same = plain.decode(offsets, rows[2:])[0].tolist()
    centres = [plain.centre_and_size(row)[:2] for row in rows.tolist()]
    moved = plain.centre_and_size(same)[:2]
    tx, ty, tw, th = offsets[0].tolist()
    text = f"t<sub>x</sub> = {tx:+.2f}   t<sub>y</sub> = {ty:+.2f}   "
    text += f"t<sub>w</sub> = {tw:+.2f}   t<sub>h</sub> = {th:+.2f}"
    shapes = [
        ("arrow", (*centres[0], *centres[1]), CHOSEN, ""),
        ("box", tuple(same), CLASS_COLOURS[0], ""),
        ("text", (same[0], same[3] + 6), CLASS_COLOURS[0], "the same offsets"),
        ("arrow", (*centres[2], *moved), CHOSEN, ""),
    ]
    return Shown(text=text, shapes=shapes)


Board(
    160,
    90,
    [
        Box("anchor", (22, 16, 62, 56), colour=CLASS_COLOURS[4]),
        Box("box", (32, 26, 92, 66), colour=CLASS_COLOURS[0]),
        Box("small_anchor", (112, 46, 132, 66), colour=CLASS_COLOURS[4]),
    ],
    relative,
    alt="An anchor, a box beside it, an arrow from centre to centre, and the four offsets under them. The same offsets, "
    "applied to a small anchor at the right, give a dashed box in the same position relative to it.",
    presets={
        "all offsets 0": {"anchor": (22, 16, 62, 56), "box": (22, 16, 62, 56)},
        "only a shift": {"anchor": (22, 16, 62, 56), "box": (42, 16, 82, 56)},
        "twice as wide": {"anchor": (22, 16, 62, 56), "box": (2, 16, 82, 56)},
    },
)

# %% [markdown]
# ## Non-maximum suppression
#
# A window that is shifted by a few pixels shows nearly the same, so there are many windows on each face. **NMS** (L5.02) keeps few of them:
#
# 1. Keep the box with the highest score.
# 2. Drop every other box *of the same class* whose IoU with it is above a threshold, usually 0.5.
# 3. Repeat with the boxes that are neither kept nor dropped.
#
# **Your turn, by hand.** Below the question are eight windows of another photograph, with their scores. Click the *letter* of the box that NMS at 0.5 keeps next; the boxes that it drops turn orange. *Reset* starts again.
#
# **Then in code.** Write NMS in the cell under the photograph.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "Three boxes of one class in a row with scores A .9, B .8, C .7. IoU(A, B) = IoU(B, C) = .6, IoU(A, C) = .33. Threshold .5: which are kept?",
    ["A and C", "A and B", "only A", "A, B and C"],
    answer=0,
    why=[
        "A drops B. C is compared with kept boxes only, and overlaps A too little.",
        "B overlaps A by more than .5 and has the lower score.",
        "C overlaps B enough, but B is already dropped, and a dropped box drops nothing.",
        "B overlaps A by more than .5 and has the lower score: it is dropped.",
    ],
    name="08.chain",
)


# %% jupyter={"source_hidden": true} tags=["subslide"]
# Eight windows whose letters lie apart, in an order that does not give the scores away.
few = [24, 0, 22, 16, 30, 27, 6, 25]
LEFT, RIGHT, BOTTOM = 80, 440, 420
few_boxes, few_scores = (windows["officer"][name][few] for name in ("boxes", "scores"))
few_boxes = few_boxes - torch.tensor([LEFT, 0, LEFT, 0])
LETTERS = "ABCDEFGH"


def drops(kept):
    """The boxes that these kept ones drop."""
    overlaps = plain.box_iou(few_boxes, few_boxes)
    return {i for i in range(8) if i not in kept and any(overlaps[i, k] > 0.5 for k in kept)}


def by_click(clicked, **boxes):
    kept, text = [], "Which box is kept first?"
    for name in clicked:
        i, dropped = LETTERS.index(name), drops(kept)
        rest = [k for k in range(8) if k not in dropped and k not in kept]
        if i in kept:
            text = f"{name} is kept already."
        elif i in dropped:
            text = f"{name} is dropped: it overlaps a kept box by more than 0.5."
        elif i != max(rest, key=lambda k: few_scores[k]):
            text = f"Not {name}: a box that is left has a higher score."
        else:
            kept.append(i)
            gone = " and ".join(LETTERS[k] for k in sorted(drops(kept) - dropped)) or "nothing"
            text = f"Yes: {name} is kept, and drops {gone}."
    dropped = drops(kept)
    if len(kept) + len(dropped) == 8:
        text += f"\nDone: {len(kept)} of 8 boxes are kept."
    marks, signs = [], dict.fromkeys(dropped, " ✗") | dict.fromkeys(kept, " ✓")
    for i in signs:
        x1, y1, x2, y2 = few_boxes[i].tolist()
        colour = TRUE if i in kept else FALSE
        marks.append(("box", (x1 + 5, y1 + 5, x2 - 5, y2 - 5), colour, ""))
    scores = [f"{LETTERS[i]} {score:.2f}{signs.get(i, '')}" for i, score in enumerate(few_scores)]
    listed = "    ".join(scores[:4]) + "\n" + "    ".join(scores[4:])
    return Shown(text=text + "\n" + listed, shapes=marks)


officer = photos["officer"][0][:, :BOTTOM, LEFT:RIGHT]
Board(
    RIGHT - LEFT,
    BOTTOM,
    [
        Box(LETTERS[i], tuple(box), CLASS_COLOURS[i % 6], True)
        for i, box in enumerate(few_boxes.tolist())
    ],
    by_click,
    image=torch.nn.functional.avg_pool2d(officer, 2),
    alt="Another portrait with eight windows A to H and their scores; a click on a letter keeps its window.",
)


# %% tags=["exercise", "subslide"]
def nms(boxes, scores, iou_threshold):
    """Non-maximum suppression of one class.  # [N, 4], [N], number -> indices kept, best first"""
    # plain is the course's library: plain.iou(a, b) is the IoU of two boxes.
    # scores.argsort(descending=True) gives their order.
    # Drop a box only if its IoU is above the threshold.
    # Return torch.tensor(kept, dtype=torch.int64): it works without boxes, too.
    # BEGIN SOLUTION
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(plain.iou(boxes[i], boxes[k]) <= iou_threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)
    # END SOLUTION


check("nms", nms)

# %% [markdown] tags=["subslide"]
# Now images in which objects of one class overlap: drawn ones, 96 x 96 pixels, six classes. Their **ground truth**, the box and the class of every object, is known exactly. The detector is a YOLO ([10](10_one_stage_detectors.ipynb)), trained on other scenes. Play the rounds. Then take the lowest threshold: which object keeps no box that fits it?
#
# With a low threshold NMS drops the second of two objects of one class that overlap: it cannot know that they are two. With a high threshold **duplicates** remain: several boxes on one object. [Find a scene where NMS must fail](#Deeper:-a-scene-where-NMS-must-fail).

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.detection.suppression import batched_nms
from course_lib.detectors.postprocess import final_detections
from course_lib.recipes.detectors import load_detector
from course_lib.recipes.scenes import street_scenes

val, test = street_scenes("val", SEED), street_scenes("test", SEED)
names = test.names
detector, _ = load_detector("yolo", street_scenes("train", SEED), SEED)


@torch.no_grad()
def candidates(images):
    """All that the detector predicts with a score above 0.02: boxes, labels and scores of each image, best first."""
    every = []
    for part in images.split(50):
        predicted = detector(part)
        for b, s in zip(predicted.boxes.flatten(1, 3), predicted.scores.flatten(1, 3), strict=True):
            every.append(final_detections(b, s, iou_threshold=1.0, max_detections=1000))
    return every


def rivals(target):
    """The largest IoU of two objects of one class."""
    same = target["labels"][:, None] == target["labels"]
    return (box_iou(target["boxes"], target["boxes"]) * same).triu(1).max().item()


def all_found(i):
    """Whether the detector has a good box for every object of the scene."""
    return (box_iou(raw[i]["boxes"], val.targets[i]["boxes"]).max(dim=0).values > 0.6).all()


raw = candidates(val.images)
# Two objects of one class that overlap, each plain to see, and two more objects.
crowded = max(
    (i for i in range(300) if len(val.targets[i]["labels"]) >= 4 and all_found(i)),
    key=lambda i: rivals(val.targets[i]) if rivals(val.targets[i]) < 0.4 else 0,
)
street = {name: values[raw[crowded]["scores"] > 0.1] for name, values in raw[crowded].items()}


def rounds_of(found, t):
    """Round by round: the box kept, and those that it drops."""
    rest, rounds = list(range(len(found["scores"]))), []
    while rest:
        best, *rest = rest
        overlaps = box_iou(found["boxes"][best][None], found["boxes"][rest])[0]
        same = found["labels"][rest] == found["labels"][best]
        out = [i for i, v, s in zip(rest, overlaps, same, strict=True) if s and v > t]
        rounds.append((best, out))
        rest = [i for i in rest if i not in out]
    return rounds


def draw_rounds(rounds=1, iou_threshold=0.5):
    every = rounds_of(street, iou_threshold)
    now = min(rounds, len(every))
    best, out = every[now - 1]
    gone = {i for _, dropped in every[:now] for i in dropped}
    before = [kept for kept, _ in every[: now - 1]]
    waiting = [i for i in range(len(street["scores"])) if i not in {*gone, *before, best}]
    fig, (left, right) = plots.panels(2, height=4.4)
    boxes, scores = street["boxes"], street["scores"]
    draw_boxes(left, val.images[crowded], boxes[waiting], colours="#8A8A8A", width=1)
    draw_boxes(left, None, boxes[out], colours=FALSE, width=1.6)
    draw_boxes(left, None, boxes[before], colours=TRUE, width=2)
    said = f"{names[street['labels'][best]]} {scores[best]:.2f}"
    draw_boxes(left, None, boxes[[best]], colours=CHOSEN, texts=[said], width=2.6)
    left.set_title(f"Round {now} of {len(every)}")
    same = street["labels"] == street["labels"][best]
    overlaps = box_iou(boxes[[best]], boxes)[0]
    groups = ((waiting, "#8A8A8A"), (before, TRUE), (out, FALSE), ([best], CHOSEN))
    order = [i for group, _ in groups for i in group]
    colours = [colour for group, colour in groups for _ in group]
    sizes = [60 if same[i] else 12 for i in order]
    right.scatter(overlaps[order], scores[order], c=colours, s=sizes, lw=0)
    right.axvline(iou_threshold, color=CHOSEN, ls="--", lw=1)
    left.set_xlabel(
        "black: kept now, blue: kept before, orange: dropped\nnow, grey: waiting; scores above 0.1 only",
        loc="left",
    )
    right.set(title="Large dots: the same class", xlabel="IoU with the black box", ylabel="score")
    right.set(xlim=(-0.03, 1.05), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    return fig


MOST = max(len(rounds_of(street, t / 20)) for t in range(2, 19))
explore(
    draw_rounds,
    alt="Left: a scene; one box in black, the boxes that it drops in orange, the rest in grey. Right: each box as a dot by "
    "its IoU with the black one and its score; dropped are the other large dots right of the dashed line.",
    presets={
        "the last round": {"rounds": MOST, "iou_threshold": 0.5},
        "low threshold": {"rounds": MOST, "iou_threshold": 0.1},
        "high threshold": {"rounds": MOST, "iou_threshold": 0.85},
    },
    play="rounds",
    rounds=(1, MOST, 1),
    iou_threshold=(0.1, 0.9, 0.05),
    labels={"rounds": "round", "iou_threshold": "IoU threshold"},
)

# %% [markdown]
# ## Precision and recall
#
# **First each detection gets a verdict.** Go through the detections of one class in all test images, the highest score first. A detection is a **true positive** (TP) if its IoU with a ground-truth object of its class in its image is at least a threshold, usually 0.5 (not the threshold of NMS), and that object is not matched yet. Then the two are **matched**. Any other detection is a **false positive** (FP), also a second box on the same object. A ground-truth object without a match is a **false negative** (FN). (Where a detection fits several objects, [the data sets VOC and COCO](#Deeper:-VOC-and-COCO-match-differently) choose differently.)
#
# **Then we count.** Accept the $n$ detections with the highest scores. **Precision** is the share of true positives among these $n$. **Recall** is the share of objects that are matched:
#
# $$ \text{precision} = \frac{TP}{n}, \qquad \text{recall} = \frac{TP}{\text{number of objects}} . $$
#
# **Your turn.** Six detections of cars, in a street with **four** cars. Complete the two rows, then write the function.
#
# | n | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|
# | verdict | TP | TP | FP | TP | FP | FP |
# | precision | 1/1 | | | | | |
# | recall | 1/4 | | | | | |
#
# The **precision-recall curve** has a point for each $n$. Under the function are all detections of one class that NMS at 0.5 left in 500 test scenes, with scores above `0.02`. Move the score threshold: the point moves along the curve.


# %% tags=["exercise", "subslide"]
def precision_recall(scores, correct, positives):
    """Precision and recall of the n best detections, n = 1, 2, ...  # [N], [N] bool -> [N], [N]"""
    # positives is the number of objects; correct is True for a true positive.
    # The scores come in any order, all different; there may be none.
    # correct[...].cumsum(dim=0) counts the true positives.
    # BEGIN SOLUTION
    hits = correct[scores.argsort(descending=True, stable=True)].double().cumsum(dim=0)
    return hits / torch.arange(1, len(hits) + 1), hits / positives
    # END SOLUTION


check("precision_recall", precision_recall)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
from course_lib.detection.average_precision import average_precision as area_by
from course_lib.detection.average_precision import evaluate_detections
from course_lib.detection.average_precision import precision_recall as curve_of
from course_lib.detection.matching import right_or_wrong


def after_nms(every):
    """What NMS at 0.5 leaves of each image's candidates."""
    kept = [batched_nms(f["boxes"], f["scores"], f["labels"], 0.5) for f in every]
    return [{n: v[k] for n, v in f.items()} for f, k in zip(every, kept, strict=True)]


everything = candidates(test.images)
detections = after_nms(everything)
verdicts = torch.cat(right_or_wrong(detections, test.targets))
all_labels = torch.cat([found["labels"] for found in detections])
all_scores = torch.cat([found["scores"] for found in detections])
where_from = [(i, j) for i, found in enumerate(detections) for j in range(len(found["scores"]))]


def ranked(label):
    """The detections of a class, best first, the number of its objects, and its curve."""
    mine = torch.where(all_labels == label)[0]
    mine = mine[all_scores[mine].argsort(descending=True, stable=True)]
    positives = sum(int((target["labels"] == label).sum()) for target in test.targets)
    return mine, positives, *curve_of(all_scores[mine], verdicts[mine] == 1, positives)


RANKED = [ranked(label) for label in range(len(names))]
# Up to here every class has a detection that is accepted.
HIGHEST = int(100 * min(all_scores[mine].max() for mine, *_ in RANKED) - 1e-4) / 100


def show_truth(ax, image, boxes):
    """Dotted boxes, to be seen on every ground."""
    draw_boxes(ax, image, boxes, colours="white", width=2.2, style="solid")
    draw_boxes(ax, None, boxes, colours=CHOSEN, width=1.6, style=":")


def draw_curve(kind="cat", threshold=0.3):
    mine, _, precision, recall = RANKED[names.index(kind)]
    n = int((all_scores[mine] > threshold).sum())
    fig, (strip, curve, last) = plots.panels(3, height=3.2, widths=(1, 1.35, 1.1))
    right = verdicts[mine] == 1
    for group, colour, height in ((right, TRUE, 0.62), (~right, FALSE, 0.28)):
        spots = all_scores[mine][group]
        strip.vlines(spots, height - 0.12, height + 0.12, color=colour, lw=0.7, alpha=0.6)
    strip.text(0.03, 0.8, "true positives", color=TRUE, weight="bold")
    strip.text(0.03, 0.06, "false positives", color=FALSE, weight="bold")
    strip.vlines(threshold, 0.13, 0.77, color=CHOSEN, lw=2)
    strip.set(title=f"{n} accepted", xlabel="score", xlim=(0, 1), ylim=(0, 1), yticks=[])
    strip.set_xticks([0, 0.5, 1])
    curve.plot(recall, precision, color="#C9C9C9", lw=2)
    curve.plot(recall[:n], precision[:n], color=CHOSEN, lw=2.5)
    curve.plot(recall[n - 1], precision[n - 1], "o", color=CHOSEN, ms=9)
    curve.set(title=f"Precision {precision[n - 1]:.2f}, recall {recall[n - 1]:.2f}")
    curve.set(xlim=(0, 1.03), ylim=(0, 1.05), xlabel="recall", ylabel="precision")
    curve.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    i, j = where_from[mine[n - 1]]
    found, target = detections[i], test.targets[i]
    own = target["labels"] == names.index(kind)
    show_truth(last, test.images[i], target["boxes"][own])
    colour = TRUE if right[n - 1] else FALSE
    draw_boxes(last, None, found["boxes"][[j]], colours=colour, texts=[f"{found['scores'][j]:.2f}"])
    last.set_title(
        "Last accepted: true positive" if right[n - 1] else "Last accepted: false positive"
    )
    last.set_xlabel("dotted: objects of the class", loc="left")
    return fig


explore(
    draw_curve,
    alt="Left: the scores of all detections of cats, true ones above, false ones below, and a threshold. Middle: the "
    "precision-recall curve and a point on it. Right: the last detection accepted, in its scene.",
    presets={
        "high": {"threshold": 0.6},
        "low": {"threshold": 0.1},
        "all above 0.02": {"threshold": 0.02},
    },
    kind=list(names),
    threshold=(0.02, HIGHEST, 0.01),
    labels={"kind": "class", "threshold": "score threshold"},
)

# %% [markdown]
# ## Average precision
#
# The curve begins at $n = 1$: at precision 1 if the best detection is true, at 0 if it is false. It ends at the share of objects that are matched; the others have no matching detection. (The curve of a *classifier* [ends elsewhere](#Deeper:-the-ends-of-the-curve).)
#
# False positives between two true ones cut a tooth into the curve. The **envelope** $p(r)$, the highest precision at recall $r$ *or more*, removes the teeth; beyond the last recall it is 0. The area under the envelope is one number, **average precision** (AP).
#
# For the six detections $p = 1$ up to recall 1/2, then 3/4 up to recall 3/4, then 0. So the area is $\tfrac12 \cdot 1 + \tfrac14 \cdot \tfrac34 = \tfrac{11}{16}$.
#
# **Your turn.** Compute AP in the cell under the figure: each step in recall times $p$ at its right end.


# %% jupyter={"source_hidden": true} tags=["subslide"]
cars = torch.tensor([True, True, False, True, False, False])
precision, recall = by_hand.precision_recall(torch.arange(6, 0, -1).double(), cars, positives=4)
fig, (ax,) = plots.panels(1, height=2.8)
ax.fill_between([0, 0.5, 0.5, 0.75], [1, 1, 0.75, 0.75], color=CLASS_COLOURS[0], alpha=0.3, lw=0)
ax.plot([0, 0.5, 0.5, 0.75, 0.75, 1], [1, 1, 0.75, 0.75, 0, 0], color=CHOSEN, lw=2)
ax.plot(recall, precision, color=plots.MUTED, lw=1.5)
ax.scatter(recall, precision, c=[TRUE if v else FALSE for v in cars], s=50, zorder=3)
for n, (x, y) in enumerate(zip(recall.tolist(), precision.tolist(), strict=True), start=1):
    ax.annotate(f"n = {n}", (x, y), (7, -13), textcoords="offset points")
ax.text(0.25, 0.45, "area 11/16", weight="bold", ha="center")
ax.text(0.77, 0.9, "black: the envelope p(r)", color=CHOSEN, weight="bold")
ax.set(title="Six detections, four cars", xlabel="recall", ylabel="precision")
ax.set(xlim=(0, 1.03), ylim=(-0.04, 1.09), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0, 0.5, 1])
figure(
    fig,
    "The six detections of cars as points by recall and precision, joined by a zigzag line; the envelope, a staircase "
    "that falls at recall one half and at three quarters; the area under it is shaded.",
)


# %% tags=["exercise", "subslide"]
def average_precision(precision, recall):
    """Area under p(r), the highest precision at recall r or more.  # [N], [N] -> number"""
    # AP of an empty curve is 0. Where recall rises, p is precision[i:].max(), with i counted from 0.
    # BEGIN SOLUTION
    total, last = 0.0, 0.0
    for n in range(len(recall)):
        total += float(recall[n] - last) * float(precision[n:].max())
        last = recall[n]
    return total
    # END SOLUTION


check("average_precision", average_precision)

# %% [markdown] tags=["subslide"]
# Three definitions of AP are in use:
#
# | definition | AP |
# |---|---|
# | VOC from 2010 on, all points | the area $\int p(r)\,dr$, a sum of rectangles |
# | COCO, 101 points | the mean of $p$ at $r = 0, 0.01, \dots, 1$ |
# | VOC up to 2009, 11 points | the mean of $p$ at $r = 0, 0.1, \dots, 1$ |
#
# Answer the question, then compare them in the figure: look at the right end of the curve.

# %% jupyter={"source_hidden": true} tags=["subslide"]
predict(
    "A detector finds 97 of 100 balloons without a single false positive. Its AP by 11 points?",
    ["0.97 x 10/11, about 0.88", "10/11, about 0.91", "0.97", "1"],
    answer=1,
    why=[
        "The missing balloons are counted once, by the eleventh point; the other ten have p = 1.",
        "Ten of eleven points have p = 1. The last one, recall 1, is not reached and counts 0.",
        "That is the AP by all points: the area under a curve that ends at .97.",
        "At recall 1 the precision counts as 0: three balloons were not found.",
    ],
    name="08.eleven_points",
)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
KINDS = {"11 points": "voc07", "101 points": "coco", "all points": "voc12"}


def draw_ap(kind="cat", definition="all points", from_recall=0.0):
    _, _, precision, recall = RANKED[names.index(kind)]
    envelope = precision.flip(0).cummax(0).values.flip(0)
    r = torch.cat([torch.zeros(1), recall, recall[-1:], torch.ones(1)])
    p = torch.cat([envelope[:1], envelope, torch.zeros(2)])
    fig, (ax,) = plots.panels(1, height=3.4)
    ax.plot(recall, precision, color="#BDBDBD", lw=7)
    ax.plot(r, p, color=CHOSEN, lw=1.8, drawstyle="steps-pre")
    words = "grey: the curve, black: its envelope, here nearly the same"
    ax.text(0.02, 0.06, words, transform=ax.transAxes)
    value = area_by(precision, recall, KINDS[definition])
    if definition == "all points":
        ax.fill_between(r, p, step="pre", color=CLASS_COLOURS[0], alpha=0.3, lw=0)
    else:
        points = torch.linspace(0, 1, 11 if definition == "11 points" else 101).double()
        heights = torch.cat([envelope, torch.zeros(1)])[torch.searchsorted(recall, points - 1e-9)]
        missed = heights == 0
        ax.text(
            0.02, 0.16, "orange: not reached, counted as 0", color=FALSE, transform=ax.transAxes
        )
        ax.vlines(points, 0, heights, color=CLASS_COLOURS[0], lw=1, alpha=0.6)
        ax.plot(points[~missed], heights[~missed], "o", color=CLASS_COLOURS[0], ms=5)
        ax.plot(points[missed], heights[missed], "o", color=FALSE, ms=7, clip_on=False)
    ax.set(title=f"AP of {kind}, {definition}: {value:.3f}", xlabel="recall", ylabel="precision")
    ax.set(xlim=(from_recall - 0.005, 1.01), ylim=(0, 1.06))
    return fig


by_kind = {
    kind: torch.tensor([area_by(*RANKED[c][2:], code) for c in range(6)]).mean()
    for kind, code in KINDS.items()
}
table([("mean over the classes", *KINDS), ("AP", *(f"{v:.3f}" for v in by_kind.values()))])
explore(
    draw_ap,
    alt="The precision-recall curve of cats: near 1 at first, then it falls. The area under its envelope is filled.",
    presets={
        "11 points": {"definition": "11 points", "from_recall": 0.0},
        "101 points, right end": {"definition": "101 points", "from_recall": 0.9},
        "all points, an easier class": {"definition": "all points", "kind": "balloon"},
    },
    kind=list(names),
    definition=list(KINDS),
    from_recall=(0.0, 0.95, 0.05),
    labels={"kind": "class", "from_recall": "show from recall"},
)

# %% [markdown]
# ## mAP
#
# The three definitions give three numbers for the same detections: compare values of one definition only. From here AP is COCO's, with 101 points.
#
# The mean of AP over the classes is **mAP**; each class counts the same, however rare it is. The IoU threshold decides which detections are true positives: a loose box can count at .5 (**mAP@.5**) and not at .75 (**mAP@.75**). COCO's main number, **mAP@[.5:.95]**, is the mean over the ten thresholds $.5, .55, \dots, .95$. COCO's papers and tools write AP for it, AP50 and AP75 for one threshold. Move the threshold: our detector finds nearly all objects, but places its boxes roughly.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
import numpy as np

from course_lib.detection.average_precision import average_precisions
from course_lib.detection.flatten import gather
from course_lib.detection.matching import judge

LIMITS = [0.5 + 0.05 * k for k in range(10)]
flat = gather("notebook", detections, test.targets, "coco")
strictness = average_precisions(flat.label, *judge(flat, "", np.array(LIMITS)), "coco")  # [10, 6]
strictness = torch.from_numpy(strictness)
means = strictness.mean(dim=1)


def draw_strictness(iou_threshold=0.75):
    k = min(range(10), key=lambda i: abs(LIMITS[i] - iou_threshold))
    fig, (left, right) = plots.panels(2, height=3.4, widths=(1.2, 1))
    for c in range(6):
        left.plot(LIMITS, strictness[:, c], color=CLASS_COLOURS[c], lw=1.5, alpha=0.9)
    left.plot(LIMITS, means, color=CHOSEN, lw=3)
    left.plot(LIMITS[k], means[k], "o", color=CHOSEN, ms=10)
    left.text(0.51, 0.06, "black: mAP", color=CHOSEN, weight="bold")
    left.set(title=f"mAP@{LIMITS[k]:.2f} = {means[k]:.3f}", xlabel="IoU threshold")
    left.set(ylabel="AP", ylim=(0, 1.03), xticks=[0.5, 0.6, 0.7, 0.8, 0.9], yticks=[0, 0.5, 1])
    values = {name: strictness[k, c].item() for c, name in enumerate(names)}
    plots.bars(
        right, values, f"AP@{LIMITS[k]:.2f} of each class (colours as left)", colours=CLASS_COLOURS
    )
    right.set(xlim=(0, 1.18), xticks=[])
    return fig


record("yolo.map50", means[0], ".3f")
record("yolo.map75", means[5], ".3f")
record("yolo.map", means.mean(), ".3f")
explore(
    draw_strictness,
    alt="Left: AP of six classes and their mean against the IoU threshold: high at .5, falling slowly, then fast, near 0 at .95. "
    "Right: bars of the six classes at .75.",
    presets={
        "VOC's threshold": {"iou_threshold": 0.5},
        "strict": {"iou_threshold": 0.75},
        "the strictest": {"iou_threshold": 0.95},
    },
    iou_threshold=(0.5, 0.95, 0.05),
    labels={"iou_threshold": "IoU threshold"},
)

# %% [markdown]
# ## Five changes that a report must not hide
#
# | mAP@.5 | mAP@.75 | mAP@[.5:.95] |
# |---|---|---|
# | {{yolo.map50}} | {{yolo.map75}} | {{yolo.map}} |
#
# Three honest numbers of one detector. A paper that reports mAP must state the IoU threshold and the definition of AP.
#
# Below are six reports about this detector on the same 500 test images. One is honest: B, with the mAP@.5 above. For the others the evaluation was changed. Match them on paper:
#
# * AP was computed for each image, for the classes in it, and averaged;
# * classes were ignored;
# * only detections with a score above 0.5 were evaluated;
# * NMS was left out, and duplicates counted as true positives;
# * small objects (area below 400 pixels) were *ignored*: neither they nor detections on them counted.
#
# Four changes raise mAP, one lowers it. *Recall at the end* is that of all detections of a class, averaged over the classes. It cannot exceed 100%. And the area under a curve that ends at this recall cannot exceed it, because precision is at most 1 (101 points can, by a hair). Then look into the figure, and answer the question.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
objects = sum(len(target["labels"]) for target in test.targets)


def forgiving(predictions, t=0.5):
    """For each class AP, recall and curve if every detection near an object is true, however many there are."""
    curves = []
    for c in range(6):
        scores, right, positives = [], [], 0
        for found, target in zip(predictions, test.targets, strict=True):
            own, there = found["labels"] == c, target["boxes"][target["labels"] == c]
            scores.append(found["scores"][own])
            right.append((box_iou(found["boxes"][own], there) >= t).any(dim=1))
            positives += len(there)
        right = torch.cat(right)[torch.cat(scores).argsort(descending=True, stable=True)]
        hits = right.double().cumsum(0)
        curves.append((hits / torch.arange(1, len(hits) + 1), hits / positives))
    return curves


def without_classes(pictures):
    return [{**picture, "labels": 0 * picture["labels"]} for picture in pictures]


def above(threshold, every=detections):
    return [{n: v[found["scores"] > threshold] for n, v in found.items()} for found in every]


def easy(target):
    """The target with small objects marked as not to be found."""
    small = (target["boxes"][:, 2:] - target["boxes"][:, :2]).prod(dim=1) < 400
    return {"boxes": target["boxes"], "labels": target["labels"], "iscrowd": small.long()}


def summary(predictions, targets):
    """mAP@.5, the mean recall at which the curves end, detections an image, objects counted."""
    true = torch.cat(right_or_wrong(predictions, targets)) == 1
    labels = torch.cat([found["labels"] for found in predictions])
    there = torch.cat([t["labels"][t.get("iscrowd", t["labels"] * 0) == 0] for t in targets])
    recall = [(true & (labels == c)).sum() / (there == c).sum() for c in there.unique()]
    each = sum(len(found["scores"]) for found in predictions) / len(predictions)
    ap = evaluate_detections(predictions, targets)["AP50"]
    return ap, float(torch.stack(recall).mean()), each, len(there)


forgiven = forgiving(everything)
forgiven_ap = sum(area_by(p, r.clamp(max=1)) for p, r in forgiven) / 6
forgiven_recall = sum(float(r[-1]) for _, r in forgiven) / 6
easier = [easy(target) for target in test.targets]
an_image = zip(detections, test.targets, strict=True)
an_image = [evaluate_detections([d], [t])["AP50"] for d, t in an_image]
honest = summary(detections, test.targets)
REPORTS = {
    "A": ("small objects were ignored", *summary(detections, easier)),
    "B": ("honest", *honest),
    "C": ("only scores above 0.5 were evaluated", *summary(above(0.5), test.targets)),
    "D": ("no NMS, and duplicates counted as true positives", forgiven_ap, forgiven_recall, *summary(everything, test.targets)[2:]),
    "E": ("AP of each image, averaged over images", sum(an_image) / len(an_image), *honest[1:]),
    "F": ("classes were ignored", *summary(without_classes(detections), without_classes(test.targets))),
}  # fmt: skip
REASONS = {
    "A": "Small objects are harder to detect, and poor boxes on them no longer count.",
    "B": "Every object and every detection is counted once.",
    "C": "Every object whose detection scores up to 0.5 is missed.",
    "D": "A second box on an object is counted as a success. Recall above 100% is impossible.",
    "E": "False positives of classes that an image does not contain are never counted,\n"
    "and scores of different images are never compared.",
    "F": "A box on an object of another class counts as true, and frequent classes weigh more.",
}
rows = [
    (name, f"{ap:.3f}", f"{recall:.1%}", f"{each:.1f}", f"{there:,}")
    for name, (_, ap, recall, each, there) in REPORTS.items()
]
table([("report", "mAP@.5", "recall at the end", "detections an image", "objects"), *rows])


# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output", "subslide"]
def draw_report(report="none yet"):
    fig, (ax,) = plots.panels(1, height=3.6)
    for row, (name, (_, ap, recall, *_)) in enumerate(REPORTS.items()):
        colour = CHOSEN if name == report else plots.MUTED
        ax.plot([min(ap, recall), min(max(ap, recall), 1.05)], [row, row], color=colour, lw=1)
        ax.plot(ap, row, "o", color=TRUE, ms=10)
        if recall <= 1:
            ax.plot([recall, recall], [row - 0.3, row + 0.3], color=CHOSEN, lw=3)
        else:
            ax.text(1.06, row, f"recall {recall:.0%}", va="center", color=FALSE, weight="bold")
    ax.text(0.6, 0.15, "dot: mAP@.5", color=TRUE, weight="bold")
    ax.text(0.6, 0.75, "stroke: recall at the end", color=CHOSEN, weight="bold")
    ax.set(xlim=(0.59, 1.17), ylim=(5.6, -0.6), yticks=range(6))
    ax.set_yticklabels([f"report {name}" for name in REPORTS])
    ax.set_xticks([0.6, 0.7, 0.8, 0.9, 1])
    ax.set_title("Choose a report to see what was changed")
    if report != "none yet":
        ax.set_title(f"Report {report}: {REPORTS[report][0]}")
        ax.set_xlabel(REASONS[report], loc="left")
    return fig


display(
    explore(
        draw_report,
        alt="The six reports as rows, each with a dot at its mAP and a stroke at its recall. The dot lies left of the stroke in "
        "A, B, C and F, and right of it in E; the recall of D lies off the scale. What was changed is not shown yet.",
        report=["none yet", *REPORTS],
    )
)
predict(
    "You see one row of the table alone, and know the test images. Which of these changes can nobody notice?",
    ["that of A", "that of D", "that of E", "that of F"],
    answer=3,
    why=[
        "It counts fewer objects than the test images hold.",
        "Its recall is above 100%: more objects found than there are.",
        "Its mAP is above its recall. Precision is at most 1, so an honest area cannot be.",
        "Its row looks like that of an honest report (as C's does, of a weaker detector). The AP of each class would show it.",
    ],
    name="08.which_cheats",
)

# %% [markdown]
# ## Deeper: offsets there and back

# %% [markdown]
# **Your turn.** Write `encode`, from boxes to offsets, and `decode`, back. `plain.centre_and_size(box)` gives $x, y, w, h$. For N boxes at once write `plain.centre_and_size(boxes.T)`; `torch.stack(..., dim=1)` joins the four columns. In `decode` let $t_w$ and $t_h$ be at most $\log(1000/16)$, as in torchvision: no box becomes more than $1000/16$ times as wide or high as its anchor. (`tw.clamp(max=math.log(1000 / 16))`)

# %% jupyter={"source_hidden": true}
import math

predict(
    "For an anchor 40 pixels wide a network predicts t_w = 1. How wide is the box?",
    ["40 pixels: only t_x moves it", "41 pixels", "80 pixels", "109 pixels"],
    answer=3,
    why=[
        "t_x moves the centre, t_w changes the width.",
        "Offsets have no unit: one pixel would mean something else for every anchor.",
        "Twice as wide would be t_w = log 2, about 0.7.",
        "w = 40 e, about 109: the logarithm is the natural one.",
    ],
    name="08.t_w",
)


# %% tags=["exercise"]
def encode(boxes, anchors):
    """Offsets of each box from its anchor.  # [N, 4], [N, 4] -> [N, 4]"""
    # BEGIN SOLUTION
    x, y, w, h = plain.centre_and_size(boxes.T)
    xa, ya, wa, ha = plain.centre_and_size(anchors.T)
    offsets = [(x - xa) / wa, (y - ya) / ha, (w / wa).log(), (h / ha).log()]
    return torch.stack(offsets, dim=1)
    # END SOLUTION


check("encode", encode)


# %% tags=["exercise"]
def decode(offsets, anchors):
    """The box of each anchor and its offsets.  # [N, 4], [N, 4] -> [N, 4]"""
    # BEGIN SOLUTION
    xa, ya, wa, ha = plain.centre_and_size(anchors.T)
    tx, ty, tw, th = offsets.T
    most = math.log(1000 / 16)
    x, y, w, h = xa + tx * wa, ya + ty * ha, wa * tw.clamp(max=most).exp(), ha * th.clamp(max=most).exp()  # fmt: skip
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)
    # END SOLUTION


check("decode", decode)

# %% [markdown]
# ## Deeper: a scene where NMS must fail

# %% [markdown]
# **Your turn.** Place two or more objects, each with one perfect box (that of its ground truth), so that NMS at IoU 0.5 drops one of them. All boxes have one class, and no two have IoU 0.95 or more: they would be one object. One row of the boxes is, for example, `[0, 0, 40, 40]`. Drag boxes on the first board of this page to find the coordinates.


# %% tags=["exercise"]
def scene():
    """Boxes, scores and labels of the detections, as three lists; each label is 0.  # [N, 4], [N], [N]"""
    # BEGIN SOLUTION
    boxes = [[0, 0, 4, 4], [1, 0, 5, 4]]
    return boxes, [0.9, 0.8], [0, 0]
    # END SOLUTION


# Leave this line: it checks the scene that you return.
check("nms_must_fail", scene() or ...)

# %% [markdown]
# ## Deeper: VOC and COCO match differently

# %% [markdown]
# VOC compares a detection only with the object that it overlaps *most*; if that has a match, the detection is a false positive. COCO compares it with the best object *without a match*. Answer first; then move the second detection.

# %% jupyter={"source_hidden": true}
predict(
    "Two objects of one class stand close together. Detection 1 took the left object. Detection 2 overlaps the left object by .8 and the right one, still free, by .6. Its verdict at IoU threshold .5?",
    [
        "false for VOC, true for COCO",
        "true for VOC, false for COCO",
        "true for both VOC and COCO",
        "false for both",
    ],
    answer=0,
    why=[
        "VOC looks at the object that overlaps most, and it is taken. COCO takes the free one.",
        "It is the other way round: COCO looks only at objects that are free.",
        "VOC looks only at the left object, which overlaps most, and finds it taken.",
        "COCO passes over the taken object and takes the free one: .6 is above .5.",
    ],
    name="08.voc_coco",
)


# %% jupyter={"source_hidden": true}
def verdicts_of(left, right, first, second):
    objects = {"boxes": torch.tensor([left, right]), "labels": torch.tensor([0, 0])}
    found = {"boxes": torch.tensor([first, second]), "labels": torch.tensor([0, 0])}
    found["scores"] = torch.tensor([0.9, 0.8])
    said = {}
    for rule, match in (("VOC", by_hand.match_voc), ("COCO", by_hand.match_coco)):
        words = ["true" if v == 1 else "false" for v in match(found, objects)]
        said[rule] = f"{rule}: first {words[0]}, second {words[1]}"
    near = box_iou(found["boxes"][1:], objects["boxes"])[0].tolist()
    text = f"second: IoU {near[0]:.2f} with left, {near[1]:.2f} with right\n"
    return Shown(text=text + "\n".join(said.values()))


Board(
    120,
    70,
    [
        Box("left", (10, 14, 82, 58), colour=CLASS_COLOURS[0], fixed=True),
        Box("right", (36, 14, 108, 58), colour=CLASS_COLOURS[2], fixed=True),
        Box("first", (6, 22, 79, 61), colour=CLASS_COLOURS[3]),
        Box("second", (18, 14, 90, 58), colour=CLASS_COLOURS[1]),
    ],
    verdicts_of,
    alt="Two objects that overlap and two detections; under them the verdicts of VOC and of COCO for both detections.",
    presets={
        "the question": {"second": (18, 14, 90, 58)},
        "on the free object": {"second": (37, 13, 109, 58)},
    },
)

# %% [markdown]
# ## Deeper: the ends of the curve

# %% [markdown]
# The lecture draws the curve of a *classifier*. By convention it begins at (recall 0, precision 1), where nothing is accepted. It ends at $(1, \pi)$, where everything is: $\pi$ is the share of positives among all examples. A detector has no such end: the windows that it never proposes cannot be accepted. Its curve ends where its list of detections does.

# %% [markdown]
# ## Deeper: soft-NMS

# %% [markdown]
# **Soft-NMS** (Bodla and others, 2017) selects boxes in the order of their scores, too. But instead of dropping the others it lowers their scores. For each box selected, the score $s$ of every box left becomes $s\,(1 - \operatorname{IoU})$ if their IoU is above $t$ (linear), or always $s\, e^{-\operatorname{IoU}^2/\sigma}$ (Gaussian; a larger $\sigma$ lowers scores less). Only boxes with scores near 0 are dropped. The box of the second of two objects stays, and so do duplicates, with lower scores. mAP shows whether this helps. We compare settings, so we use the validation scenes.

# %%
show_source(plain.soft_nms)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from course_lib.detection.suppression import soft_nms


def thinned(found, kind, t):
    """What is left of an image's candidates: by NMS or soft-NMS in each class."""
    parts = []
    for label in found["labels"].unique():
        mine = torch.where(found["labels"] == label)[0]
        boxes, scores = found["boxes"][mine], found["scores"][mine]
        if kind == "NMS":
            kept = batched_nms(boxes, scores, torch.zeros_like(mine), t)
            scores = scores[kept]
        else:
            kept, scores = soft_nms(boxes, scores, kind, t)
        parts.append((boxes[kept], found["labels"][mine][kept], scores))
    if not parts:
        return found
    columns = [torch.cat(column) for column in zip(*parts, strict=True)]
    order = columns[2].argsort(descending=True, stable=True)
    return dict(
        zip(("boxes", "labels", "scores"), [column[order] for column in columns], strict=True)
    )


by_choice = {"no NMS": evaluate_detections(raw, val.targets)}
for t in (0.1, 0.3, 0.5, 0.6, 0.7, 0.9):
    left_over = [thinned(found, "NMS", t) for found in raw]
    by_choice[f"NMS at {t}"] = evaluate_detections(left_over, val.targets)
for kind in ("linear", "gaussian"):
    left_over = [thinned(found, kind, 0.5) for found in raw]
    by_choice[f"soft-NMS, {kind}, {'t' if kind == 'linear' else 'σ'} = 0.5"] = evaluate_detections(
        left_over, val.targets
    )
columns = [(name, f"{v['AP50']:.3f}", f"{v['AP']:.3f}") for name, v in by_choice.items()]
table([("", "mAP@.5", "mAP@[.5:.95]"), *columns])

# %% jupyter={"source_hidden": true}
usual, soft = by_choice["NMS at 0.5"], by_choice["soft-NMS, linear, t = 0.5"]
best50, best_nms = (
    max(v[number] for name, v in by_choice.items() if name.startswith("NMS"))
    for number in ("AP50", "AP")
)
record("nms.best50", best50, ".3f")
record("nms.best", best_nms, ".3f")
record("soft.map50", soft["AP50"], ".3f")
record("soft.map", soft["AP"], ".3f")
gain = usual["AP50"] - by_choice["no NMS"]["AP50"]
claim("NMS at 0.5 gains more than .05 mAP@.5", gain > 0.05, gain)
gain = soft["AP"] - best_nms
claim("linear soft-NMS gains mAP@[.5:.95] over the best NMS threshold", gain > 0.005, gain)

# %% [markdown]
# We compare linear soft-NMS with the best NMS threshold of each column. It hardly changes mAP@.5: {{soft.map50}} and {{nms.best50}}. mAP@[.5:.95] rises: {{soft.map}} against {{nms.best}}. One reason may be that the box with the highest score is not always the tightest: soft-NMS keeps the others, with lower scores.

# %% [markdown]
# ## Deeper: when boxes do not overlap

# %% [markdown]
# IoU is 0 for *all* pairs of boxes that do not overlap, near or far: as a loss, $1 - \operatorname{IoU}$ has gradient 0 there. The **generalised IoU** (Rezatofighi and others, 2019) takes the smallest box $C$ around both, and subtracts the share of $C$ that neither covers: $\operatorname{GIoU} = \operatorname{IoU} - |C \setminus (a \cup b)|\,/\,|C|$. It lies above -1 and reaches 1 for equal boxes. It keeps falling as the boxes move apart, so the gradient of $1 - \operatorname{GIoU}$ is not 0 there. DETR's box loss is a weighted sum of $1 - \operatorname{GIoU}$ and the L1 distance of the boxes, the sum of the absolute differences of their centres and sizes ([10](10_one_stage_detectors.ipynb)).


# %% jupyter={"source_hidden": true}
def slide(A, B):
    a, b = torch.tensor([A]), torch.tensor([B])
    shifts = torch.linspace(-B[0], 200 - B[2], 101)
    paths = b + shifts[:, None] * torch.tensor([1.0, 0.0, 1.0, 0.0])
    centres = (paths[:, 0] + paths[:, 2]) / 2
    fig, (ax,) = plots.panels(1, height=2.6)
    fig.set_figwidth(4.4)
    ious, gious = plain.box_iou(a, paths)[0], plain.generalized_box_iou(a, paths)[0]
    ax.plot(centres, gious, color=CLASS_COLOURS[1], lw=2.5)
    ax.plot(centres, ious, color=CLASS_COLOURS[4], lw=2.5)
    now = (B[0] + B[2]) / 2
    for values, name, colour, at in (
        (plain.box_iou(a, b), "IoU", CLASS_COLOURS[4], 0.92),
        (plain.generalized_box_iou(a, b), "generalised IoU", CLASS_COLOURS[1], 0.8),
    ):
        ax.plot(now, values[0, 0], "o", color=colour, ms=8)
        ax.text(0.99, at, name, color=colour, weight="bold", ha="right", transform=ax.transAxes)
    ax.set(xlabel="centre of B", ylim=(-1, 1.05), xlim=(0, 200), title="As B slides sideways")
    low, high = torch.minimum(a, b)[0, :2].tolist(), torch.maximum(a, b)[0, 2:].tolist()
    text = f"IoU {plain.iou(a[0], b[0]):.2f},  generalised {plain.generalized_iou(a[0], b[0]):.2f}"
    return Shown(
        text=text,
        figure=fig,
        shapes=[
            ("box", (*low, *high), "#8A8A8A", ""),
            ("text", (low[0], high[1] + 8), "#8A8A8A", "C"),
        ],
    )


Board(
    200,
    100,
    [
        Box("A", (20, 20, 70, 70), colour=CLASS_COLOURS[0]),
        Box("B", (110, 30, 160, 80), colour=CLASS_COLOURS[3]),
    ],
    slide,
    alt="Two boxes that do not overlap and the box C around both; beside them IoU and generalised IoU as B slides: IoU is "
    "0 where they do not overlap; the generalised IoU decreases further with the distance.",
    presets={"overlapping": {"B": (40, 30, 90, 80)}, "far apart": {"B": (148, 46, 198, 96)}},
)

# %% [markdown]
# ## Deeper: a score threshold for a demo

# %% [markdown]
# For mAP keep every detection: the curve is there so that no score threshold need be chosen yet. (COCO takes 100 of a class in an image at most; this page's lists end at a score of `0.02`.) A demo needs one. Choose it on *validation* images, as below, for the precision that its users need. Precision and recall are here those of all classes together. mAP is nearly the recall, because precision stays near 1 along most of each class's curve.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
CUTS = [0.02 + 0.02 * k for k in range(40)]
val_detections = after_nms(raw)
val_scores = torch.cat([found["scores"] for found in val_detections])
val_true = torch.cat(right_or_wrong(val_detections, val.targets)) == 1
val_objects = sum(len(target["labels"]) for target in val.targets)
cut_rows = []
for limit in CUTS:
    accepted = val_scores > limit
    true = int(val_true[accepted].sum())
    # Where nothing is accepted, there is no precision.
    precision = true / int(accepted.sum()) if accepted.any() else float("nan")
    cut_rows.append((precision, true / val_objects))
cut_aps = [evaluate_detections(above(c, val_detections), val.targets)["AP50"] for c in CUTS]


def draw_cut(score_threshold=0.3, scene=17):
    k = min(range(40), key=lambda i: abs(CUTS[i] - score_threshold))
    fig, (left, right) = plots.panels(2, height=3.5, widths=(1, 1.5))
    found = above(CUTS[k], val_detections[scene : scene + 1])[0]
    verdict = right_or_wrong([found], [val.targets[scene]])[0]
    there = val.targets[scene]["boxes"]
    show_truth(left, val.images[scene], there)
    colours = [TRUE if v == 1 else FALSE for v in verdict.flip(0)]
    shown = {name: values.flip(0) for name, values in found.items()}
    draw_boxes(left, None, shown["boxes"], shown["labels"], names, shown["scores"], colours)
    left.set_title("What the demo shows")
    left.set_xlabel("dotted: ground truth", loc="left")
    precision, recall = zip(*cut_rows, strict=True)
    for values, colour, name, at in (
        (precision, CLASS_COLOURS[1], "precision", (0.55, 0.8)),
        (recall, CLASS_COLOURS[0], "recall: the wide line", (0.02, 0.2)),
        (cut_aps, CHOSEN, "mAP@.5: the narrow line", (0.02, 0.1)),
    ):
        right.plot(CUTS, values, color=colour, lw=8 if name.startswith("recall") else 2)
        right.plot(CUTS[k], values[k], "o", color=colour, ms=8)
        right.text(*at, name, color=colour, weight="bold", transform=right.transAxes)
    right.set(title=f"mAP@.5 {cut_aps[k]:.3f}; at 0.02 {cut_aps[0]:.3f}")
    right.set(xlabel="score threshold", xlim=(0, 0.81), ylim=(0, 1.1))
    return fig


explore(
    draw_cut,
    alt="Left: a scene with the detections above the threshold. Right: precision rises to 1 with the threshold; recall "
    "falls, and mAP falls with it.",
    presets={"for mAP": {"score_threshold": 0.02}, "for a demo": {"score_threshold": 0.3}},
    score_threshold=(0.02, 0.8, 0.02),
    scene=(0, 60, 1),
    labels={"score_threshold": "score threshold"},
)

# %% [markdown]
# ## Deeper: COCO's twelve numbers

# %% [markdown]
# COCO's tools print twelve numbers. Six are mAP: over the ten thresholds, at .5, at .75, and for small, medium and large objects (area up to 32 x 32 pixels, up to 96 x 96, above; COCO takes the area of the mask, we that of the box). Six are **AR**, the recall averaged over the ten thresholds and the classes: with at most 1, 10 or 100 detections of a class in an image, and for the three sizes. -1 means that there was no such object.
#
# Some ground truth is **ignored**: in COCO a *crowd* (`iscrowd`), a group that is not labelled one by one; in VOC an object marked `difficult`, hard to recognise. A detection matched with it (with a crowd: by the share of the detection that lies in it) is neither a true nor a false positive, and to miss it costs nothing.

# %% tags=["nbval-ignore-output"]
NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
ours = evaluate_detections(detections, test.targets)
table([NUMBERS, tuple(f"{ours[name]:.3f}" for name in NUMBERS)])

# %% [markdown]
# ## Deeper: what the core path claimed

# %% jupyter={"source_hidden": true}
ends = torch.stack([RANKED[c][3][-1] for c in range(len(names))])
claim(
    "the mean recall ends below .99: some objects have no matching detection",
    ends.mean() < 0.99,
    ends.mean(),
)
begins = sum(float(RANKED[c][2][0]) for c in range(len(names)))
claim("in 5 or 6 of the 6 classes the best detection is true", begins >= 5, begins)
claim(
    "the same detections: 11 points give less than 101 and all points",
    by_kind["11 points"] < min(by_kind["101 points"], by_kind["all points"]),
    by_kind["all points"] - by_kind["11 points"],
)
claim(
    "from .5 to .7 mAP falls by .05 to .25", 0.05 < means[0] - means[4] < 0.25, means[0] - means[4]
)
claim("from .7 to .9 it falls by more than .4", means[4] - means[8] > 0.4, means[4] - means[8])
claim(
    "duplicates counted as true positives: mAP above .99, recall above 200%",
    forgiven_ap > 0.99 and forgiven_recall > 2,
    forgiven_recall,
)
claim(
    "without small objects, or image by image, mAP is higher",
    min(REPORTS[r][1] for r in "AE") > honest[0],
    min(REPORTS[r][1] for r in "AE") - honest[0],
)
claim("a score threshold before the curve costs more than .25", honest[0] - REPORTS["C"][1] > 0.25, honest[0] - REPORTS["C"][1])  # fmt: skip

# %% [markdown]
# ## Deeper: the photographs, judged

# %% [markdown]
# The face detector of the first section on four photographs: the two portraits, a motorcycle and a rocket. The table has the six detections with the highest scores, the figure all of them. AP is by all points here.

# %% jupyter={"source_hidden": true}
faces, found_faces = [], []
for name, found in windows.items():
    kept = plain.nms(found["boxes"], found["scores"], 0.5)
    boxes, scores = found["boxes"][kept], found["scores"][kept]
    found_faces.append({"boxes": boxes, "scores": scores, "labels": 0 * kept})
    there = photos[name][1]["boxes"]
    faces.append({"boxes": there, "labels": torch.zeros(len(there), dtype=torch.int64)})
every = []
verdicts_at = [by_hand.right_or_wrong(found_faces, faces, t) for t in (0.5, 0.75)]
for k, name in enumerate(windows):
    for i, score in enumerate(found_faces[k]["scores"].tolist()):
        near = [plain.iou(found_faces[k]["boxes"][i], face).item() for face in faces[k]["boxes"]]
        words = ["TP" if verdicts[k][i] == 1 else "FP" for verdicts in verdicts_at]
        every.append((score, name, max(near, default=0.0), *words))
every.sort(reverse=True)
rows = [(f"{score:.3f}", name, f"{near:.2f}", *words) for score, name, near, *words in every[:6]]
table([("score", "photograph", "IoU with a face", "at .5", "at .75"), *rows])
officer_best = box_iou(
    found_faces[list(windows).index("officer")]["boxes"][:1], photos["officer"][1]["boxes"]
)
record("officer.iou", officer_best.max(), ".2f")

# %% jupyter={"source_hidden": true}
fig, axes = plots.panels(2, height=2.8)
photo_ap = {}
for ax, t in zip(axes, (0.5, 0.75), strict=True):
    scores, true, _ = by_hand.of_class(found_faces, faces, 0, t)
    true = true[scores.argsort(descending=True, stable=True)]
    scores = scores.sort(descending=True, stable=True).values
    precision, recall = by_hand.precision_recall(scores, true, positives=2)
    photo_ap[t] = by_hand.average_precision(precision, recall, "voc12")
    envelope = precision.flip(0).cummax(0).values.flip(0)
    r, p = torch.cat([0 * recall[:1], recall]), torch.cat([envelope[:1], envelope])
    ax.fill_between(r, p, step="pre", color=FACE, alpha=0.25, lw=0)
    ax.plot(r, p, color=CHOSEN, lw=2, drawstyle="steps-pre")
    ax.plot(recall, precision, "-", color=plots.MUTED, lw=1.5)
    ax.scatter(recall, precision, c=[TRUE if v else FALSE for v in true], s=28, zorder=3)
    ax.set(title=f"IoU threshold {t}: AP {photo_ap[t]:.2f}", xlabel="recall", ylabel="precision")
    ax.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
figure(
    fig,
    "Two precision-recall curves of the same detections. At IoU 0.5 both faces are found, after two false positives; at "
    "0.75 only one. Blue points are true positives, orange ones false; black is the envelope, the area under it AP.",
)

# %% [markdown]
# Two false positives come first, so both curves begin with two points at precision 0 and recall 0, one upon the other. At .75 the officer's box counts as false by a hair: its IoU is {{officer.iou}}, and our ground truth is drawn by hand. Two faces are too few to measure anything; they show how a curve is made.
#
# The classifier was trained on 100 faces and their mirror images, on 100 patches without a face, and on the cascade's windows in five photographs without faces. OpenCV trained the cascade on other images. The four photographs here are not in our training set.

# %% [markdown]
# **A real curve needs more objects.** If you have photographs with boxes of your own, give the path of their folder (in the format of VOC, COCO or YOLO), press *Use this folder*, and run the cell below. The detector of [notebook 10](10_one_stage_detectors.ipynb#Your-own-pictures), where the formats and splits are explained, is trained on the training split, in a minute or two. Its detections on the test split are judged here, at two thresholds (at most 250 images each).

# %%
from course_lib.data import datasets

own_objects = own_folder("COURSE_VOC", lambda path: datasets.load("objects", "all", folder=path))
display(own_objects)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
if own_objects.folder:
    from course_lib.detection.matching import of_class
    from course_lib.recipes.own_objects import try_own

    _, squares, own_found = try_own(own_objects.folder)
    fig, axes = plots.panels(2, height=3.4)
    for ax, t in zip(axes, (0.5, 0.75), strict=True):
        aps = []
        for label, name in enumerate(squares.names):
            scores, true, positives = of_class(
                own_found, squares.targets, label, iou_threshold=t, kind="voc12"
            )
            if positives == 0:
                continue
            true = true[scores.argsort(descending=True, stable=True)]
            scores = scores.sort(descending=True, stable=True).values
            precision, recall = by_hand.precision_recall(scores, true, positives)
            aps.append(by_hand.average_precision(precision, recall, "voc12"))
            line = {"color": CLASS_COLOURS[label % len(CLASS_COLOURS)], "lw": 1.8}
            ax.plot(recall, precision, label=f"{name}: AP {aps[-1]:.2f}", **line)
        mean = sum(aps) / max(len(aps), 1)
        ax.set(title=f"IoU threshold {t}: mAP {mean:.2f}", xlabel="recall", ylabel="precision")
        ax.set(xlim=(0, 1.02), ylim=(0, 1.04))
        ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize=8, frameon=False
        )
    figure(
        fig,
        "Precision-recall curves of your detector on held-out photographs, a line for each class, at two IoU thresholds.",
    )
else:
    print("No folder is chosen: here the curves of your own photographs would be drawn.")

# %% [markdown]
# AP is the area under each curve's envelope (not drawn here). At the stricter threshold no curve can be higher: a true positive there is one at .5, too. Small objects usually lose most, since a shift of a few pixels is a large part of their width.

# %% [markdown]
# ## What you can do now
#
# * **Boxes.** 96 x 96 pixels hold about 22 million boxes, so detectors look at few. **IoU** is the area of the intersection divided by that of the union.
# * **Offsets** count a shift in anchor widths and heights, and a size as a logarithm: $x = x_a + t_x w_a$, $w = w_a e^{t_w}$.
# * **NMS** keeps the box with the highest score, and drops those of its class that overlap it by more than a threshold. It must fail where perfect boxes of two objects of one class overlap by more than that.
# * **Precision and recall.** A detection is a true positive if an object of its class that is not matched yet overlaps it enough. Precision goes up and down with $n$; recall never falls.
# * **AP and mAP.** AP is the area under the envelope or its mean at equal steps of recall, mAP the mean of AP over classes. mAP falls from {{yolo.map50}} at .5 to {{yolo.map75}} at .75. Here it rose when small objects or classes were ignored, duplicates counted as true positives, or AP averaged image by image. It fell when a score threshold was applied before the curve.
#
# **Still open:** find another change of the evaluation that raises mAP.
#
# **Go on:** [09](09_two_stage_detectors.ipynb) builds detectors in two stages. [10](10_one_stage_detectors.ipynb) builds one-stage detectors, and compares seven detectors by the numbers of this page.
#
# **Read:** Everingham and others, [The Pascal VOC Challenge](https://doi.org/10.1007/s11263-009-0275-4) (2010) · Lin and others, [Microsoft COCO](https://arxiv.org/abs/1405.0312) (2014) · Bodla and others, [Soft-NMS](https://arxiv.org/abs/1704.04503) (2017) · Rezatofighi and others, [Generalized Intersection over Union](https://arxiv.org/abs/1902.09630) (2019) · Viola and Jones, [Rapid Object Detection](https://doi.org/10.1109/CVPR.2001.990517) (2001).
