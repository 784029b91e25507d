# %% [markdown]
# # Assignment 3: boxes
#
# {{assignment.head}}
#
# A detector returns many more boxes than there are objects. Before we can say how good it is, the list must be thinned out, and each box must be judged. You write every step of this, from the overlap of two boxes to mAP, and try it on one drawn street. At the end you pool features under the boxes, as Fast R-CNN does, and look at what a second stage does to mAP.
#
# **How it works**
#
# {{assignment.how}}
#
# Exercises 3 and 7 may call your earlier functions. The other checks need only the function that they check. To try a function on the street you often need earlier ones, too.

# %% tags=["given"]
import math

import torch
from matplotlib.colors import to_rgb
from torch.nn.functional import avg_pool2d

from course_lib.exercises.assigned import checker
from course_lib.page import plots
from course_lib.page.boxes import draw_boxes
from course_lib.page.notebook import figure, record

VARIANT = 2026
check = checker("3_boxes", VARIANT)

NAMES = ["car", "person", "bicycle"]
COLOURS = ["#7A5195", "#CC79A7", "#009E73"]  # of the classes, in this order
HEIGHT, WIDTH, STRIDE = 240, 400, 16  # of the image; pixels of a cell of the feature map

# %% [markdown]
# The next cell draws the street, simulates a detector and judges its boxes. It is folded; you need not read it.

# %% jupyter={"source_hidden": true} tags=["given"]
DOUBLE = 2  # drawn twice as large, then averaged: smooth edges
pixel_y, pixel_x = torch.meshgrid(
    (torch.arange(HEIGHT * DOUBLE) + 0.5) / DOUBLE,
    (torch.arange(WIDTH * DOUBLE) + 0.5) / DOUBLE,
    indexing="ij",
)


def ellipse(x, y, rx, ry):
    return ((pixel_x - x) / rx) ** 2 + ((pixel_y - y) / ry) ** 2 <= 1


def bar(x1, y1, x2, y2):
    return (pixel_x >= x1) & (pixel_x < x2) & (pixel_y >= y1) & (pixel_y < y2)


def rod(x1, y1, x2, y2, width):
    """A thick line from one point to another."""
    dx, dy = x2 - x1, y2 - y1
    along = (((pixel_x - x1) * dx + (pixel_y - y1) * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return (pixel_x - x1 - along * dx) ** 2 + (pixel_y - y1 - along * dy) ** 2 <= (width / 2) ** 2


def ring(x, y, radius, width):
    return ellipse(x, y, radius, radius) & ~ellipse(x, y, radius - width, radius - width)


def car(x1, y1, x2, y2):
    """Parts of a car in its box: (where, colour); None is the colour of the class."""
    w, h = x2 - x1, y2 - y1
    cabin = rod(x1 + 0.33 * w, y1 + 0.27 * h, x1 + 0.66 * w, y1 + 0.27 * h, 0.54 * h)
    body = rod(x1 + 0.2 * h, y1 + 0.6 * h, x2 - 0.2 * h, y1 + 0.6 * h, 0.4 * h)
    panes = [
        bar(x1 + a * w, y1 + 0.12 * h, x1 + b * w, y1 + 0.4 * h)
        for a, b in ((0.28, 0.47), (0.51, 0.7))
    ]
    wheels = [ellipse(x1 + a * w, y2 - 0.19 * h, 0.19 * h, 0.19 * h) for a in (0.22, 0.78)]
    return [(cabin | body, None), *((p, "#DCEBF2") for p in panes), *((o, "#333333") for o in wheels)]  # fmt: skip


def walker(x1, y1, x2, y2):
    x, w, h = (x1 + x2) / 2, x2 - x1, y2 - y1
    head = ellipse(x, y1 + 0.11 * h, 0.11 * h, 0.11 * h)
    torso = ellipse(x, y1 + 0.42 * h, 0.36 * w, 0.22 * h)
    legs = rod(x, y1 + 0.5 * h, x1 + 2, y2 - 2, 5) | rod(x, y1 + 0.5 * h, x2 - 2, y2 - 2, 5)
    return [(legs | torso, None), (head, "#8D6E5A")]


def rider(x1, y1, x2, y2):
    w, h = x2 - x1, y2 - y1
    hip, shoulder = (x1 + 0.22 * w, y1 + 0.5 * h), (x1 + 0.66 * w, y1 + 0.27 * h)
    torso = rod(*hip, *shoulder, 0.3 * w)
    arm = rod(*shoulder, x2 - 3, y1 + 0.46 * h, 5)
    leg = rod(*hip, x1 + 0.62 * w, y1 + 0.66 * h, 8) | rod(x1 + 0.62 * w, y1 + 0.66 * h, x1 + 0.48 * w, y2 - 3, 6)  # fmt: skip
    back = ellipse(x1 + 0.22 * w, y1 + 0.5 * h, 0.22 * w, 0.16 * w)
    head = ellipse(x1 + 0.78 * w, y1 + 0.12 * h, 0.12 * h, 0.12 * h)
    return [(torso | arm | leg | back, None), (head, "#8D6E5A")]


def bicycle(x1, y1, x2, y2):
    w, h = x2 - x1, y2 - y1
    r = 0.24 * w
    hub, other, middle = (x1 + r, y2 - r), (x2 - r, y2 - r), (x1 + 0.48 * w, y2 - r)
    saddle, handle = (x1 + 0.36 * w, y1 + 0.3 * h), (x1 + 0.68 * w, y1 + 4)
    tubes = [(hub, saddle), (hub, middle), (saddle, middle), (middle, handle), (handle, other)]
    parts = ring(*hub, r, 4) | ring(*other, r, 4)
    for a, b in tubes:
        parts |= rod(*a, *b, 4)
    return [(parts | rod(saddle[0] - 5, saddle[1], saddle[0] + 5, saddle[1], 5), None)]


def place_objects(draw):
    """Boxes of all objects, far ones first: (label, how it is drawn, box)."""

    def at(slots, spread):
        return [x + float(draw(1) - 0.5) * 2 * spread for x in slots]

    made = []
    walkers = at((35, 125, 225, 345), 20)
    couple = walkers[int(draw(1) * 4)] + 5
    for x in sorted([*walkers, couple]):
        made.append((1, walker, (x - 9, 82, x + 9, 123)))
    for x in at((62, 195, 330), 18):
        made.append((0, car, (x - 35, 122, x + 35, 153)))
    for x in at((72, 205, 330), 12):
        made.append((0, car, (x - 53, 150, x + 53, 197)))
    for x in at((60, 215, 345), 25):
        made.append((2, bicycle, (x - 28, 189, x + 28, 233)))
        made.append((1, rider, (x - 25, 171, x + 25, 229)))
    return [(label, parts, [float(round(edge)) for edge in box]) for label, parts, box in made]


def draw_street(seed):
    """A street, its objects and their classes.  # -> [3, H, W], [M, 4], [M]"""
    generator = torch.Generator().manual_seed(seed)

    def draw(*size):
        return torch.rand(*size, generator=generator)

    image = torch.ones(3, HEIGHT * DOUBLE, WIDTH * DOUBLE)

    def paint(where, colour):
        image[:, where] = torch.tensor(to_rgb(colour))[:, None]

    paint(pixel_y < 110, "#D6E6EF")
    for i in range(8):
        top, tone = 18 + 45 * float(draw(1)), ("#E9DFC9", "#DDD3C3", "#EFE6D8")[i % 3]
        paint(bar(50 * i, top, 50 * i + 49, 110), tone)
        for row in range(int(top) + 8, 90, 18):
            for column in (8, 29):
                paint(bar(50 * i + column, row, 50 * i + column + 11, row + 9), "#C9DCE6")
    paint(pixel_y >= 106, "#EDEAE4")
    paint((pixel_y >= 126) & (pixel_y < 214), "#D2D3D6")
    for x in range(0, WIDTH, 50):
        paint(bar(x + 8, 168, x + 34, 171), "#FFFFFF")
    placed = place_objects(draw)
    for label, parts, box in placed:
        tint = torch.tensor(to_rgb(COLOURS[label])) * (0.88 + 0.24 * float(draw(1)))
        for where, colour in parts(*box):
            paint(where, colour or tuple(tint.clamp(0, 1).tolist()))
    boxes = torch.tensor([box for *_, box in placed])
    return avg_pool2d(image, DOUBLE), boxes, torch.tensor([label for label, *_ in placed])


def detect(objects, labels, seed):
    """What a detector might return: boxes around most objects, and some on the background.  # -> [N, 4], [N], [N]"""
    generator = torch.Generator().manual_seed(seed + 1)

    def normal():
        return torch.randn(2, generator=generator)

    def uniform():
        return float(torch.rand(1, generator=generator))

    rows = []
    for box, label in zip(objects, labels.tolist(), strict=True):
        size, centre, strength = box[2:] - box[:2], (box[:2] + box[2:]) / 2, 0.5 + 0.45 * uniform()
        for _ in range(0 if uniform() < 0.08 else 2 + int(4 * uniform())):
            loose = uniform() < 0.3
            spread = 0.25 if loose else 0.06
            middle = centre + normal() * spread * size
            half = size / 2 * (normal() * spread).exp()
            score = strength * (0.6 + 0.4 * uniform()) * (0.85 if loose else 1.0)
            rows.append(([*(middle - half), *(middle + half)], score, label))
    for _ in range(10):  # on the background
        like = int(uniform() * len(objects))
        size = objects[like][2:] - objects[like][:2]
        x, y = 20 + 360 * uniform(), 40 + 180 * uniform()
        corners = [x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2]
        rows.append((corners, 0.25 + 0.6 * uniform(), int(labels[like])))
    boxes = torch.tensor([box for box, *_ in rows]).round()
    boxes[:, 0::2] = boxes[:, 0::2].clamp(0, WIDTH)
    boxes[:, 1::2] = boxes[:, 1::2].clamp(0, HEIGHT)
    scores = torch.tensor([score for _, score, _ in rows])
    shuffled = torch.randperm(len(rows), generator=generator)
    return boxes[shuffled], scores[shuffled], torch.tensor([c for *_, c in rows])[shuffled]


def painted(box):
    """The pixels of a box whose corners are whole pixels.  # [4] -> [H, W] bool"""
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    x1, y1, x2, y2 = box.long().tolist()
    mask[y1:y2, x1:x2] = True
    return mask


def verdicts(boxes, scores, labels):
    """Which detections of the street are true positives.  # [N, 4], [N], [N] -> [N] bool"""
    correct, taken = torch.zeros(len(boxes), dtype=torch.bool), set()
    masks = [painted(box) for box in objects]
    for i in scores.argsort(descending=True).tolist():
        mine, best, closest = painted(boxes[i]), None, 0.5
        for g in range(len(objects)):
            if g in taken or object_labels[g] != labels[i]:
                continue
            pixels = float((mine & masks[g]).sum() / (mine | masks[g]).sum())
            if pixels >= closest:
                best, closest = g, pixels
        if best is not None:
            correct[i] = True
            taken.add(best)
    return correct


def map_features(image):
    """For each class, how much of each cell has its colour; the mean is 0, the largest is 1.  # -> [3, H/16, W/16]"""
    palette = torch.tensor([to_rgb(colour) for colour in COLOURS])[:, :, None, None]
    near = (1 - (image - palette).norm(dim=1) / 0.3).clamp(min=0)  # [3, H, W]
    covered = avg_pool2d(near, STRIDE)
    covered -= covered.mean(dim=(1, 2), keepdim=True)
    return covered / covered.amax(dim=(1, 2), keepdim=True)


def show(ax, boxes, labels, width=1.6, title="", scores=None):
    """The street with boxes in the colours of their classes; the best one on top."""
    order = torch.arange(len(boxes)) if scores is None else scores.argsort()
    colours = [COLOURS[c] for c in labels[order]]
    draw_boxes(ax, street, boxes[order], colours=colours, width=width, title=title)


def curve_axes(ax, title):
    ax.set(xlim=(0, 1.02), ylim=(0, 1.05), xlabel="recall", ylabel="precision", title=title)
    ax.set(xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0.25, 0.5, 0.75, 1])


def bars_of(ax, which, name, scores):
    """AP of each class, and mAP, with your functions."""
    values = {
        f"{NAMES[c]} ({int(object_counts[c])})": average_precision(*curve_of(which, c, scores))
        for c in range(3)
    }
    plots.bars(ax, values, f"{name}: mAP = {judged(which, scores):.3f}", COLOURS)
    ax.set(xlim=(0, 1.2), xlabel="AP")


def show_stages(rescored, kept_again):
    """AP and the best boxes of both stages, with your functions."""
    first = batched_nms(raw_boxes, raw_scores, raw_labels, 0.5)
    stages = ((first, raw_scores, "First stage"), (kept_again, rescored, "Second stage"))
    fig, axes = plots.panels(2, height=2.0)
    for ax, (which, scores, name) in zip(axes, stages, strict=True):
        bars_of(ax, which, name, scores)
    figure(
        fig, "Bars of the AP of each class and mAP, with the scores of the first and second stage."
    )
    fig, axes = plots.panels(2, height=3.1)
    for ax, (which, scores, name) in zip(axes, stages, strict=True):
        best = which[: len(objects)]
        correct = verdicts(raw_boxes[best], scores[best], raw_labels[best])
        colours = [plots.SAME if right else plots.OTHER for right in correct]
        title = f"{name}: {int(correct.sum())} of the {len(best)} best are true"
        draw_boxes(ax, street, raw_boxes[best], colours=colours, title=title)
    figure(
        fig,
        "The best boxes of both stages on the street, as many as there are objects: true positives blue, false ones "
        "orange.",
    )


# %% [markdown]
# ## The street
#
# One image of 400 x 240 pixels holds objects of three classes: cars, people, bicycles. A box is $(x_1, y_1, x_2, y_2)$ in pixels: left, top, right, bottom; $y$ points down. The **ground truth** is the list of the objects' boxes and classes. The detector's **detections** are boxes with a class and a **score**, how sure it is. Ours is simulated: random boxes around most objects, some of them loose, and a few boxes on the background.

# %% tags=["given"]
street, objects, object_labels = draw_street(VARIANT)  # [3, 240, 400], [M, 4], [M]
raw_boxes, raw_scores, raw_labels = detect(objects, object_labels, VARIANT)  # [N, 4], [N], [N]
object_counts = object_labels.bincount(minlength=3)  # objects of each class  [3]
cars, car_boxes = objects[object_labels == 0], raw_boxes[raw_labels == 0]  # [6, 4], [N', 4]
everything = torch.arange(len(raw_boxes))  # indices of all detections  [N]

# %% tags=["shown"]
record("objects", len(objects), "d")
record("raw", len(raw_boxes), "d")
fig, (left, other) = plots.panels(2, height=3.1)
show(left, objects, object_labels, title=f"There are {len(objects)} objects")
show(other, raw_boxes, raw_labels, 1.1, f"The detector returns {len(raw_boxes)} boxes", raw_scores)
for name, colour, x in zip(NAMES, COLOURS, (150, 205, 275), strict=True):
    left.text(x, 12, name, color=colour, weight="bold", va="center")
figure(
    fig,
    "A drawn street with cars, walkers and cyclists. Left: one box around each object. Right: the detector's boxes, "
    "several around most objects and some on houses, road and sky.",
)

# %% [markdown]
# ## 1. Overlap
#
# {{exercise.iou}}
#
# The detector has {{raw}} boxes for {{objects}} objects. Which of them fit an object, and how well? We need a number for it. **Intersection over union** (IoU) is the area that two boxes share, divided by the area that they cover together:
#
# $$ \operatorname{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}, \qquad |a \cup b| = |a| + |b| - |a \cap b| . $$
#
# Each box has $x_1 \le x_2$ and $y_1 \le y_2$. Coordinates are continuous: a box from 0 to 2 is 2 wide. Boxes that only touch, or are apart, have IoU 0. If neither box has an area, IoU is 0, too.
#
# To try it on the street: `iou(cars[0], car_boxes[0])`. `cars` are the boxes of the cars, `car_boxes` are the detections of this class. In *Expected*, three such pairs are drawn.


# %% tags=["exercise"]
def iou(a, b):
    """Intersection over union of two boxes.  # [4], [4] -> number"""
    # The intersection is a box, too. Where does it begin, where does it end?
    # It may have no width or no height: then nothing is shared.
    # BEGIN SOLUTION
    width = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp(min=0)
    height = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp(min=0)
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0
    # END SOLUTION


# %% tags=["check"]
check("iou", iou)

# %% tags=["expected"]
overlaps = torch.tensor([[float(iou(box, car)) for car in cars] for box in car_boxes])
fig, axes = plots.panels(3, height=2.2)
for ax, wanted, word in zip(axes, (0.9, 0.5, 0.2), ("tight", "between", "loose"), strict=True):
    i, g = divmod(int((overlaps - wanted).abs().argmin()), len(cars))
    pair = torch.stack([cars[g], car_boxes[i]])
    draw_boxes(ax, street, pair, colours=[COLOURS[0], plots.QUERY], width=2.2)
    x, y = ((cars[g][:2] + cars[g][2:]) / 2).tolist()
    x, y = min(max(x, 85), WIDTH - 85), min(max(y, 50), HEIGHT - 50)
    ax.set(xlim=(x - 85, x + 85), ylim=(y + 50, y - 50))
    ax.set_title(f"{word}: IoU = {overlaps[i, g]:.2f}")
    print(f"{word + ':':9}iou(cars[{g}], car_boxes[{i}]) = {overlaps[i, g]:.2f}")
figure(
    fig, "A detection in black over the purple box of a car, three times: tight, between, loose."
)

# %% [markdown]
# **Go further.** Shift a box of width $w$ sideways, away from an equal one. At which shift is the IoU $1/2$? Is it the same for a wide box and for a narrow one, in pixels?

# %% [markdown]
# ## 2. Offsets from anchors
#
# {{exercise.encode}}
#
# Corners in pixels are hard to predict: a near car and a far one would need very different numbers. Many detectors, Faster R-CNN and RetinaNet among them, start from an **anchor**, a box of fixed size at a fixed place. They predict four **offsets** from the anchor to the object. With centre $(x, y)$ and size $w, h$ of the box, and $x_a, y_a, w_a, h_a$ of the anchor,
#
# $$ t_x = \frac{x - x_a}{w_a}, \qquad t_y = \frac{y - y_a}{h_a}, \qquad t_w = \ln\frac{w}{w_a}, \qquad t_h = \ln\frac{h}{h_a} . $$
#
# In `encode`, `boxes` and `anchors` have equally many rows. Row $i$ of the answer leads from anchor $i$ to box $i$, in the order $t_x, t_y, t_w, t_h$. There is at least one row, and all widths and heights are positive.
#
# For the street we use four anchors around each point of a grid. Each object gets the anchor with the largest IoU. To try `encode` on the street: `encode(objects, best_anchors())`. This needs your `iou`; `check` does not.

# %% tags=["given"]
anchor_grid = torch.tensor(
    [
        [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        for y in range(16, HEIGHT, 32)
        for x in range(16, WIDTH, 32)
        for w, h in ((20, 44), (50, 50), (70, 34), (100, 50))
    ]
)  # [A, 4]


def best_anchors():
    """For each object the anchor with the largest IoU, by your `iou`.  # -> [M, 4]"""
    overlaps = torch.tensor([[float(iou(a, box)) for a in anchor_grid] for box in objects])
    return anchor_grid[overlaps.argmax(dim=1)]


# %% tags=["exercise"]
def encode(boxes, anchors):
    """Offsets (tx, ty, tw, th) from anchors to boxes.  # [N, 4], [N, 4] -> [N, 4]"""
    # First the centres and sizes of both.
    # BEGIN SOLUTION
    sizes, anchor_sizes = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    centres, anchor_centres = boxes[:, :2] + sizes / 2, anchors[:, :2] + anchor_sizes / 2
    shifts = (centres - anchor_centres) / anchor_sizes
    return torch.cat([shifts, (sizes / anchor_sizes).log()], dim=1)
    # END SOLUTION


# %% tags=["check"]
check("encode", encode)

# %% tags=["expected"]
matched = best_anchors()
offsets = encode(objects, matched)
fig, (left, other) = plots.panels(2, height=3.0, widths=(1.25, 1))
some = [int((object_labels == c).nonzero()[-1]) for c in (0, 2)] + [0]
show(left, objects[some], object_labels[some], 2.2, "Three objects, each with its best anchor")
draw_boxes(left, None, matched[some], colours=plots.QUERY, width=1.4, style="--")
for c, colour in enumerate(COLOURS):
    rows = offsets[object_labels == c]
    places = (3 - torch.arange(4.0) + 0.16 * (1 - c)).expand(len(rows), 4)
    other.scatter(rows, places, s=22, color=colour, alpha=0.8)
    other.text(0.62, 3.35 - 0.28 * c, NAMES[c], color=colour, weight="bold")
other.set(yticks=range(4), yticklabels=["$t_h$", "$t_w$", "$t_y$", "$t_x$"], ylim=(-0.5, 3.7))
other.set(xlim=(-1, 1), xlabel="offset", title=f"No offset is beyond ±{offsets.abs().max():.2f}")
figure(
    fig,
    "Left: a car, a bicycle and a walker, each with the anchor that overlaps it most, dashed. Right: the offsets of all "
    "objects in four rows; all are small numbers around 0.",
)

# %% [markdown]
# **Go further.** Write the way back, `decode`. What happens to a box if a network predicts $t_w = 10$? Libraries limit $t_w$ and $t_h$; find the limit in torchvision.

# %% [markdown]
# ## 3. Non-maximum suppression in each class
#
# {{exercise.batched_nms}}
#
# Most objects have several boxes, and one is enough. **Non-maximum suppression** (NMS) keeps the best box and drops later ones that overlap it too much. It must look at one class at a time: a cyclist is a person *and* a bicycle, their boxes overlap, and both are right.
#
# Walk down the scores, the highest first. A box is kept, unless its IoU with a kept box *of its own class* is greater than the threshold. An IoU equal to the threshold keeps it. Return the indices of the boxes kept, best first over all classes, as int64. Of equal scores either may go first. Without boxes the answer is empty.
#
# You may call your `iou`; then it has to be right.
#
# To try it on the street: `kept = batched_nms(raw_boxes, raw_scores, raw_labels, 0.5)`. The curves "after NMS" of the next exercises use these boxes.


# %% tags=["exercise"]
def batched_nms(boxes, scores, labels, iou_threshold):
    """The boxes that NMS in each class keeps.  # [N, 4], [N], [N], number -> [K] indices, best first"""
    # Hold a list of the indices that are left, best first.
    # Take the first one out; which of the others does it drop?
    # BEGIN SOLUTION
    kept, left = [], scores.argsort(descending=True).tolist()
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [
            i
            for i in left
            if labels[i] != labels[best] or iou(boxes[i], boxes[best]) <= iou_threshold
        ]
    return torch.tensor(kept, dtype=torch.int64)
    # END SOLUTION


# %% tags=["check"]
check("batched_nms", batched_nms)

# %% tags=["expected"]
kept = batched_nms(raw_boxes, raw_scores, raw_labels, 0.5)
blind = batched_nms(raw_boxes, raw_scores, torch.zeros_like(raw_labels), 0.5)
fig, (left, other) = plots.panels(2, height=3.1)
lost = [i for i in kept.tolist() if i not in blind.tolist()]
for ax, which, title in (
    (left, kept, f"In each class: {len(kept)} of {len(raw_boxes)} boxes are kept"),
    (other, blind, f"All classes at once: {len(blind)} kept, {len(lost)} (dashed) lost"),
):
    show(ax, raw_boxes[which], raw_labels[which], 1.6, title, raw_scores[which])
draw_boxes(left, None, raw_boxes[lost], colours=plots.QUERY, width=2.0, style="--")
figure(
    fig,
    "The street with the boxes that NMS keeps: left in each class, right over all classes at once. Dashed in the left "
    "panel: boxes that only the left one keeps.",
)

# %% [markdown]
# In *Expected*, the dashed boxes on the left are those that are lost when the classes are not kept apart. Where such a box is missing on the right, a worse box of its class may stay in its place.
#
# **Go further.** Two of the people walk side by side. The people are `objects[object_labels == 1]`: print them, and compute the IoU of these two boxes. Could a detector with *perfect* boxes and NMS at $0.5$ report both? Does ours? Why? What does another threshold cost?

# %% [markdown]
# ## 4. Precision and recall
#
# {{exercise.precision_recall}}
#
# Is the thinned list good? Go through the detections, the highest score first. A detection is a **true positive** if it overlaps an object of its class with an IoU of at least $0.5$, and this object is still free. It takes the object. If it overlaps several, it takes the free one that it overlaps most. (So does COCO. VOC looks at the best one only, and counts a second hit as false.) Every other detection is a **false positive**.
#
# `verdicts(boxes, scores, labels)` from the folded cell at the top judges detections of the street in this way. It computes IoU by counting pixels, so it does not need your `iou`.
#
# How many detections do we accept? Take the $n$ best ones:
#
# $$ \text{precision} = \frac{\text{true positives among them}}{n}, \qquad \text{recall} = \frac{\text{true positives among them}}{\text{objects}} . $$
#
# Return both for $n = 1, 2, \dots, N$, precision first. The detections come in any order, and no two scores are equal. `correct` holds the verdicts, `positives` is the number of objects, at least 1; some of them may not be detected at all. Without detections both are empty.
#
# If your function counts again from the first detection for each $n$, it is right, but needlessly slow: half of the points.
#
# To try it on the street: `curve_of(everything, 0)` gives the curve of the cars without NMS, `curve_of(kept, 0)` after NMS (`kept` is from exercise 3). Class 0 is cars, 1 people, 2 bicycles.


# %% tags=["given"]
def curve_of(which, label, scores=raw_scores):
    """The curve of one class for some of the raw boxes, by your `precision_recall`.  # [K], number -> [n], [n]"""
    correct = verdicts(raw_boxes[which], scores[which], raw_labels[which])
    mine = raw_labels[which] == label
    return precision_recall(scores[which][mine], correct[mine], int(object_counts[label]))


# %% tags=["exercise"]
def precision_recall(scores, correct, positives):
    """Precision and recall of the n best detections, n = 1, 2, ...  # [N], [N] bool, number -> [N], [N]"""
    # Sort `correct` by score. How many true positives are among the first 1, 2, 3, ...?
    # BEGIN SOLUTION
    ranked = correct[scores.argsort(descending=True)]
    true_positives = ranked.double().cumsum(dim=0)
    accepted = torch.arange(1, len(scores) + 1)
    return true_positives / accepted, true_positives / positives
    # END SOLUTION


# %% tags=["check"]
check("precision_recall", precision_recall)

# %% tags=["expected"]
fig, (ax,) = plots.panels(1, height=3.2)
for which, colour, name, size, y in (
    (everything, plots.MUTED, "raw", 7, 0.98),
    (kept, plots.SAME, "after NMS", 4, 0.88),
):
    precision, recall = curve_of(which, 0)
    ax.plot(recall, precision, "o-", color=colour, markersize=size)
    text = f"{name}: {len(recall)} boxes"
    ax.text(1, y, text, color=colour, weight="bold", ha="right", va="center")
curve_axes(ax, "Cars: fewer false positives after NMS")
figure(fig, "Precision over recall for cars, raw and after NMS: the second curve has fewer points.")

# %% [markdown]
# **Go further.** One of the two numbers can fall while you walk down the list, the other cannot. Which, and why? What does the user of a detector choose with a point of the curve?

# %% [markdown]
# ## 5. Average precision
#
# {{exercise.average_precision}}
#
# Two curves are hard to compare; one number for each is easier. **Average precision** (AP) is the area under the *envelope* of the curve. The envelope at recall $r$ is the highest precision at this recall or a higher one,
#
# $$ p(r) = \max_{r' \ge r} \text{precision}(r') , $$
#
# and 0 beyond the highest recall that is reached. It is a staircase, so the area is a sum of rectangles: for each point of the curve, the step in recall from the point before, times $p$ at the point. The first step begins at recall 0. This is the rule of PASCAL VOC from 2010 on.
#
# `precision` and `recall` are those of the $n$ best detections, $n = 1, 2, \dots$, as exercise 4 returns them: recall never falls. Without points AP is 0.
#
# To try it on the street: `average_precision(*curve_of(everything, 0))`, and the same with `kept`.


# %% tags=["exercise"]
def average_precision(precision, recall):
    """The area under the envelope of the curve.  # [N], [N] -> number"""
    # Walk from the last point back, and remember the highest precision so far:
    # then you look at each point once.
    # BEGIN SOLUTION
    area, highest = 0.0, 0.0
    starts = [0.0, *recall.tolist()]
    for n in range(len(recall) - 1, -1, -1):
        highest = max(highest, float(precision[n]))
        area += highest * (float(recall[n]) - starts[n])
    return area
    # END SOLUTION


# %% tags=["check"]
check("average_precision", average_precision)


# %% tags=["expected"]
def fill_envelope(ax, precision, recall):
    highest = precision.flip(0).cummax(0).values.flip(0)
    steps = torch.cat([torch.zeros(1), recall]), torch.cat([highest[:1], highest])
    ax.fill_between(*steps, step="pre", color=plots.SAME, alpha=0.15, lw=0)
    ax.step(*steps, where="pre", color=plots.SAME)
    ax.plot(recall, precision, "o", color=plots.QUERY, markersize=4)


fig, axes = plots.panels(2, height=3.0)
for ax, which, name in zip(axes, (everything, kept), ("raw", "after NMS"), strict=True):
    precision, recall = curve_of(which, 0)
    fill_envelope(ax, precision, recall)
    curve_axes(ax, f"Cars, {name}: AP = {average_precision(precision, recall):.3f}")
figure(fig, "Two curves of cars with their envelopes filled, raw and after NMS.")

# %% [markdown]
# **Go further.** Give every detection of the cars the square of its score. What happens to AP? Which changes of the scores does AP not see?

# %% [markdown]
# ## 6. The older convention
#
# {{exercise.average_precision_11}}
#
# Papers on VOC 2007, R-CNN's and Fast R-CNN's among them, report another AP. It is the mean of the envelope at 11 values of recall:
#
# $$ \text{AP}_{11} = \frac{1}{11} \sum_{i=0}^{10} p\!\left(\frac{i}{10}\right) . $$
#
# A point of the curve whose recall *equals* $i/10$ counts for it. Where no point of the curve reaches $i/10$, the precision is 0; without any point AP is 0. No test depends on rounding: $3/10$ against $0.3$ does not occur.
#
# To try it on the street: `average_precision_11(*curve_of(kept, 0))`, or another class.


# %% tags=["exercise"]
def average_precision_11(precision, recall):
    """AP of VOC 2007: the mean of the envelope at 11 values of recall.  # [N], [N] -> number"""
    # For each of the 11 values: which points of the curve reach it?
    # BEGIN SOLUTION
    total = 0.0
    for i in range(11):
        reached = precision[recall >= i / 10]
        total += float(reached.max()) if len(reached) > 0 else 0.0
    return total / 11
    # END SOLUTION


# %% tags=["check"]
check("average_precision_11", average_precision_11)

# %% tags=["expected"]
curves = [curve_of(kept, c) for c in range(3)]
both = torch.tensor([[average_precision(*c), average_precision_11(*c)] for c in curves])  # [3, 2]
widest = int((both[:, 0] - both[:, 1]).abs().argmax())
precision, recall = curves[widest]
fig, (ax,) = plots.panels(1, height=3.0)
fill_envelope(ax, precision, recall)
for i in range(11):
    height = max([float(p) for p, r in zip(precision, recall, strict=True) if r >= i / 10] or [0])
    ax.plot([i / 10] * 2, [0, height], color=plots.OTHER)
    ax.plot(i / 10, height, "o", color=plots.OTHER, clip_on=False)
area, mean = both[widest].tolist()
curve_axes(ax, f"Class {NAMES[widest]}: AP = {area:.3f} as an area, {mean:.3f} at 11 points")
figure(fig, "The envelope of one class after NMS, filled, and 11 orange stems under it.")

# %% [markdown]
# **Go further.** Invent a curve with $\text{AP}_{11}$ above the area: two objects, one found, no false positive. Then invent one with it below. COCO takes 101 values of recall instead of 11. Is its AP closer to $\text{AP}_{11}$ or to the area, and why?

# %% [markdown]
# ## 7. Mean average precision
#
# {{exercise.mean_average_precision}}
#
# Detectors are compared by one number for all classes. **mAP** is the mean of the classes' AP, each the area of exercise 5, from the detections of that class alone.
#
# The mean goes over the classes that have *objects*; `counts[c]` is how many objects class $c$ has. A class with objects and without a detection has AP 0. A class without objects is left out, with all its detections. Every class that is counted weighs the same, however rare it is. At least one class has objects. The detections of all classes come mixed, in any order; no two scores are equal.
#
# With an IoU of at least $0.5$ for a true positive, this is **mAP@.5**. COCO also takes the mean over ten IoU thresholds from $.5$ to $.95$, and calls that AP.
#
# You may call your `precision_recall` and `average_precision`; then both have to be right.
#
# To try it on the street: `judged(everything)` and `judged(kept)`.


# %% tags=["given"]
def judged(which, scores=raw_scores):
    """mAP of some of the raw boxes, by your `mean_average_precision`.  # [K] -> number"""
    correct = verdicts(raw_boxes[which], scores[which], raw_labels[which])
    return mean_average_precision(scores[which], raw_labels[which], correct, object_counts)


# %% tags=["exercise"]
def mean_average_precision(scores, labels, correct, counts):
    """mAP over the classes that have objects.  # [N], [N], [N] bool, [C] -> number"""
    # For each class with objects: its detections, its curve, its AP.
    # BEGIN SOLUTION
    values = []
    for label, positives in enumerate(counts.tolist()):
        if positives == 0:
            continue
        mine = labels == label
        precision, recall = precision_recall(scores[mine], correct[mine], positives)
        values.append(average_precision(precision, recall))
    return sum(values) / len(values)
    # END SOLUTION


# %% tags=["check"]
check("mean_average_precision", mean_average_precision)

# %% tags=["expected"]
fig, axes = plots.panels(2, height=2.0)
bars_of(axes[0], everything, "Raw", raw_scores)
bars_of(axes[1], kept, "After NMS", raw_scores)
figure(fig, "Bars of the AP of cars, people and bicycles and their mean, raw and after NMS.")

# %% [markdown]
# In *Expected*, the number in brackets is how many objects the class has.
#
# **Go further.** How much does mAP fall if the detector misses one bicycle more? How much if it misses one person more? Would you build a product on a class with three test objects?

# %% [markdown]
# ## 8. RoI pooling, for the brave
#
# {{exercise.roi_pool}}
#
# Some boxes on the background have high scores, and NMS cannot know that. A **second stage** looks at each box again. It needs a fixed number of inputs, whatever the size of the box: Fast R-CNN computes one **feature map** for the whole image, and pools from it, for each box (*region of interest*, RoI), a grid of $n \times n$ numbers in each channel.
#
# Ours is drawn by hand, no network is trained: channel $c$ is high where a cell has much of the colour of class $c$. A cell covers 16 x 16 pixels (the **stride** of the map is 16), so there are 15 rows of 25 cells. Here are the three channels, dark where they are high.

# %% tags=["given"]
feature_map = map_features(street)  # [3, 15, 25]


def cells_of(box):
    """The cells that a box of pixels touches: x1, y1, x2, y2, the last ones too.  # [4] -> [4] int64"""
    x1, y1, x2, y2 = box.long().tolist()
    return torch.tensor([x1, y1, max(x2 - 1, x1), max(y2 - 1, y1)]) // STRIDE


# %% tags=["shown"]
fig, axes = plots.panels(3, height=1.9)
for ax, name, channel in zip(axes, NAMES, feature_map, strict=True):
    plots.bare(ax, f"Channel of class {name}").imshow(channel, cmap="gray_r", vmin=-0.2, vmax=1)
figure(
    fig,
    "Three maps of 15 x 25 cells: dark where there are cars, people and bicycles; light elsewhere.",
)

# %% [markdown]
# Here `box` is not in pixels: it is what `cells_of` returns. It holds the cells of the RoI, four whole numbers: columns $x_1$ to $x_2$ and rows $y_1$ to $y_2$, **both ends included**. So it has $h = y_2 - y_1 + 1$ rows and $w = x_2 - x_1 + 1$ columns. Divide them into $n \times n$ bins. Counted from the first row of the RoI, bin $i$ covers the rows from
#
# $$ \left\lfloor \frac{i\,h}{n} \right\rfloor \quad\text{to}\quad \left\lceil \frac{(i + 1)\,h}{n} \right\rceil , $$
#
# the end **not** included, for $i = 0, \dots, n - 1$; the columns go in the same way with $w$. So neighbouring bins may share cells, and no bin is empty, even if $h < n$. The answer holds the maximum of each bin, for each channel: entry $[c, i, j]$ is bin $i$ from the top and $j$ from the left. Features may be negative. The RoI lies inside the map.
#
# To try it on the street: `roi_pool(feature_map, cells_of(cars[0]), 3)[0]` pools the channel of cars under a far car. With `cars[-1]` it is a near car.


# %% tags=["exercise"]
def roi_pool(features, box, n):
    """The maximum in each of n x n bins of a box of cells.  # [C, H, W], [4] int64, number -> [C, n, n]"""
    # Find for each bin its first row and the row after its last one; then the same for columns.
    # BEGIN SOLUTION
    x1, y1, x2, y2 = box.tolist()
    h, w = y2 - y1 + 1, x2 - x1 + 1
    pooled = torch.zeros(len(features), n, n, dtype=features.dtype)
    for i in range(n):
        top, bottom = y1 + math.floor(i * h / n), y1 + math.ceil((i + 1) * h / n)
        for j in range(n):
            left, right = x1 + math.floor(j * w / n), x1 + math.ceil((j + 1) * w / n)
            pooled[:, i, j] = features[:, top:bottom, left:right].amax(dim=(1, 2))
    return pooled
    # END SOLUTION


# %% tags=["check"]
check("roi_pool", roi_pool)

# %% tags=["expected"]
far, near_car = cars[0], cars[-1]
fig, axes = plots.panels(3, height=2.5, widths=(1.6, 1, 1))
look = {"cmap": "gray_r", "vmin": -0.2, "vmax": 1}
plots.bare(axes[0], "Two RoIs in the channel of cars").imshow(feature_map[0], **look)
for ax, box, name in zip(axes[1:], (far, near_car), ("far", "near"), strict=True):
    x1, y1, x2, y2 = cells_of(box).tolist()
    frame = torch.tensor([[x1 - 0.5, y1 - 0.5, x2 + 0.5, y2 + 0.5]])
    draw_boxes(axes[0], None, frame, colours=COLOURS[0], texts=[name], width=2.4)
    grid = roi_pool(feature_map, cells_of(box), 3)[0]
    plots.bare(ax, f"{name}: {y2 - y1 + 1} x {x2 - x1 + 1} cells → 3 x 3").imshow(grid, **look)
    for (row, column), value in [((r, c), grid[r, c]) for r in range(3) for c in range(3)]:
        ink = "white" if value > 0.5 else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
figure(
    fig,
    "A map of cars with two frames, a far car and a near one; beside it the 3 x 3 numbers of each.",
)

# %% [markdown]
# Now everything together. There is nothing to write here. The second stage multiplies the score of each raw box by the mean of its $3 \times 3$ pooled numbers in the channel of its class (0 if it is negative). Then come NMS, verdicts and mAP.
#
# *Expected* shows what your functions give together. To run them: `show_stages(*second_stage())`. This needs all of them but `encode` and `average_precision_11`.


# %% tags=["given"]
def second_stage():
    """New scores of the raw boxes, and the boxes that NMS keeps with them.  # -> [N], [K]"""
    pooled = torch.stack([roi_pool(feature_map, cells_of(box), 3) for box in raw_boxes])
    evidence = pooled.mean(dim=(2, 3))[everything, raw_labels].clamp(min=0)  # of [N, 3, 3, 3]
    rescored = raw_scores * evidence
    return rescored, batched_nms(raw_boxes, rescored, raw_labels, 0.5)


# %% tags=["expected"]
show_stages(*second_stage())

# %% [markdown]
# In *Expected*, the boxes on the background drop out of the best. Most single walkers are not among the best either: a walker covers only a small part of the cells that its box touches.
#
# Our map reads colours that we chose ourselves, so this mAP is no evidence for real detectors. What is real is the path: a box, a grid of fixed size, a new score.
#
# **Go further.** Boxes were extended to whole cells: `cells_of` takes every cell that is touched. Fast R-CNN rounds to the nearest, and **RoI align** does not round. Shift a box by 8 pixels: do the pooled numbers change? What would a finer map (stride 8) change for the small people in the distance?

# %% [markdown]
# ## What you have built
#
# * **IoU**: how well two boxes fit.
# * **Offsets**: a box relative to an anchor, in numbers that a network can predict.
# * **NMS in each class**: one box for each object, most of the time.
# * **Precision and recall**: how many detections are right, how many objects are found.
# * **AP, in two conventions, and mAP**: the whole curve in one number, and all classes in one.
# * **RoI pooling**: a grid of fixed size from a box of any size.
#
# **Still open:** NMS can delete one of two people who stand close together, and the threshold is chosen by hand. Can a detector learn not to report an object twice?
#
# **Read:** Girshick, [Fast R-CNN](https://arxiv.org/abs/1504.08083) (2015) · Everingham and others, [The PASCAL Visual Object Classes Challenge](https://doi.org/10.1007/s11263-009-0275-4) (2010; AP at 11 points) · Everingham and others, [The PASCAL Visual Object Classes Challenge: A Retrospective](https://doi.org/10.1007/s11263-014-0733-5) (2015; AP as an area) · Carion and others, [End-to-End Object Detection with Transformers](https://arxiv.org/abs/2005.12872) (2020).
#
# {{assignment.hand_in}}
