"""Boxes (x1, y1, x2, y2): which to keep, what lies under them, what a detector learns from them (L5.02-L5.11)."""

import math

import torch


def area(box):
    """(x2 - x1) (y2 - y1)  # [4] -> number"""
    return (box[2] - box[0]) * (box[3] - box[1])


def intersection(a, b):
    """Area that two boxes share.  # [4], [4] -> number"""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def iou(a, b):
    """|a n b| / |a u b| of two boxes; 0 if neither has an area.  # [4], [4] -> number"""
    shared = intersection(a, b)
    union = area(a) + area(b) - shared
    return shared / union if union > 0 else 0.0


def box_iou(a, b):
    """`iou` of every box in a with every box in b.  # [N, 4], [M, 4] -> [N, M]"""
    return torch.tensor([[iou(p, q) for q in b] for p in a]).view(len(a), len(b))


def generalized_iou(a, b):
    """IoU - |C - (a u b)| / |C|, where C is the smallest box around both.  # [4], [4] -> number"""
    around = area([min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])])
    union = area(a) + area(b) - intersection(a, b)
    return iou(a, b) - (around - union) / around if around > 0 else 0.0


def generalized_box_iou(a, b):
    """`generalized_iou` of every box in a with every box in b.  # [N, 4], [M, 4] -> [N, M]"""
    return torch.tensor([[generalized_iou(p, q) for q in b] for p in a]).view(len(a), len(b))


def mask_iou(a, b):
    """Pixels in both masks / pixels in either; 0 if both are empty.  # [N, H, W], [M, H, W] -> [N, M]"""
    rows = [[(p & q).sum() / max((p | q).sum(), 1) for q in b] for p in a]
    return torch.tensor(rows).view(len(a), len(b))


def anchors(height, width, stride, sizes, ratios):
    """Around the centre of each cell boxes of area size^2 and height / width ratio.  # -> [H W A, 4]"""
    boxes = []
    for row in range(height):
        for column in range(width):
            x, y = (column + 0.5) * stride, (row + 0.5) * stride
            for size in sizes:
                for ratio in ratios:
                    w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes).view(-1, 4)


def centre_and_size(box):
    """x and y of the centre, width, height.  # [4] -> 4 numbers"""
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def encode(boxes, anchors):
    """((x - xa) / wa, (y - ya) / ha, log(w / wa), log(h / ha))  # [N, 4], [N, 4] -> [N, 4]"""
    offsets = []
    for box, anchor in zip(boxes, anchors, strict=True):
        x, y, w, h = centre_and_size(box)
        xa, ya, wa, ha = centre_and_size(anchor)
        offsets.append(torch.stack([(x - xa) / wa, (y - ya) / ha, (w / wa).log(), (h / ha).log()]))
    return torch.stack(offsets)


def decode(offsets, anchors):
    """x = xa + tx wa, w = wa e^tw, so y and h; tw, th <= log(1000 / 16).  # [N, 4], [N, 4] -> [N, 4]"""
    boxes = []
    for (tx, ty, tw, th), anchor in zip(offsets, anchors, strict=True):
        xa, ya, wa, ha = centre_and_size(anchor)
        x, y = xa + tx * wa, ya + ty * ha
        w = wa * tw.clamp(max=math.log(1000 / 16)).exp()
        h = ha * th.clamp(max=math.log(1000 / 16)).exp()
        boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2]))
    return torch.stack(boxes)


def assign(candidates, boxes, labels, low, high, rescue=False):
    """Class of the best object if IoU >= high, -1 if < low, -2 between; and that object.  # -> 2 x [A]"""
    overlaps, classes, objects = box_iou(candidates, boxes), [], []
    for row in overlaps:
        best = max(range(len(row)), key=lambda m: row[m], default=0)
        overlap = row[best] if len(row) > 0 else 0.0
        classes.append(int(labels[best]) if overlap >= high else -1 if overlap < low else -2)
        objects.append(best)
    if rescue:
        # then also match each object with its best candidate, if that overlaps it at all
        for m in reversed(range(len(boxes))):
            for a in range(len(candidates)):
                if overlaps[a, m] == overlaps[:, m].max() >= 0.001:
                    classes[a], objects[a] = int(labels[m]), m
    return torch.tensor(classes, dtype=torch.int64), torch.tensor(objects, dtype=torch.int64)


def best_first(scores):
    """Numbers of the scores, the highest first; of equal ones the first.  # [N] -> N numbers"""
    return scores.argsort(descending=True, stable=True).tolist()


def nms(boxes, scores, iou_threshold):
    """Keep the best box; drop every later one that overlaps a kept one too much.  # -> [K], best first"""
    kept = []
    for i in best_first(scores):
        if all(iou(boxes[i], boxes[k]) <= iou_threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def batched_nms(boxes, scores, labels, iou_threshold):
    """`nms` in which a box meets the kept boxes of its own class only.  # -> [K], best first"""
    kept = []
    for i in best_first(scores):
        rivals = [k for k in kept if labels[k] == labels[i]]
        if all(iou(boxes[i], boxes[k]) <= iou_threshold for k in rivals):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def soft_nms(boxes, scores, kind="linear", iou_threshold=0.5, sigma=0.5, score_threshold=0.001):
    """Keep the best; lower the rest: s (1 - IoU) if IoU > t, or s e^(-IoU^2 / sigma).  # -> [K], [K]"""
    rest, kept = dict(enumerate(scores.tolist())), {}
    while rest:
        best = max(rest, key=lambda i: rest[i])
        if rest[best] < score_threshold:
            break
        kept[best] = rest.pop(best)
        for i in rest:
            overlap = iou(boxes[i], boxes[best])
            if kind == "gaussian":
                rest[i] = rest[i] * math.exp(-(overlap**2) / sigma)
            elif overlap > iou_threshold:
                rest[i] = rest[i] * (1 - overlap)
    lowered = torch.tensor(list(kept.values()), dtype=scores.dtype)
    return torch.tensor(list(kept), dtype=torch.int64), lowered


def roi_pool(features, rois, output_size, spatial_scale):
    """`pool_region` of every box of every image.  # [B, C, H, W], B x [n_i, 4] -> [sum n_i, C, n, n]"""
    pairs = [(f, box) for f, boxes in zip(features, rois, strict=True) for box in boxes.tolist()]
    return torch.stack([pool_region(f, box, output_size, spatial_scale) for f, box in pairs])


def pool_region(features, box, n, spatial_scale):
    """Round the box to cells, and take the maximum in each of n x n bins.  # [C, H, W] -> [C, n, n]"""
    x1, y1, x2, y2 = [round_half_away(edge * spatial_scale) for edge in box]
    bins = []
    for i in range(n):
        for j in range(n):
            top, bottom = cells_of_bin(i, n, y1, y2, features.shape[1])
            left, right = cells_of_bin(j, n, x1, x2, features.shape[2])
            cells = features[:, top:bottom, left:right].flatten(1)
            nothing = torch.zeros_like(features[:, 0, 0])
            bins.append(cells.amax(dim=1) if cells.numel() > 0 else nothing)
    return torch.stack(bins, dim=1).view(-1, n, n)


def round_half_away(x):
    """The nearest whole number; of two the one further from 0, as in C.  # number -> int"""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def cells_of_bin(i, n, first, last, end):
    """Bin i of n in the h cells first..last: floor(i h / n) to ceil((i + 1) h / n).  # -> start, stop"""
    h = last - first + 1
    start, stop = first + math.floor(i * h / n), first + math.ceil((i + 1) * h / n)
    return min(max(start, 0), end), min(max(stop, 0), end)


def roi_align(features, rois, output_size, spatial_scale, sampling_ratio=2):
    """`align_region` of every box of every image.  # [B, C, H, W], B x [n_i, 4] -> [sum n_i, C, n, n]"""
    pairs = [(f, box) for f, boxes in zip(features, rois, strict=True) for box in boxes.tolist()]
    how = output_size, spatial_scale, sampling_ratio
    return torch.stack([align_region(f, box, *how) for f, box in pairs])


def align_region(features, box, n, spatial_scale, s):
    """Mean of s x s interpolated points in each of n x n bins; no rounding.  # [C, H, W] -> [C, n, n]"""
    # 0 is the centre of the first cell
    x1, y1, x2, y2 = [edge * spatial_scale - 0.5 for edge in box]
    bins = []
    for i in range(n):
        for j in range(n):
            points = []
            for a in range(s):
                for b in range(s):
                    x = x1 + (j + (b + 0.5) / s) * (x2 - x1) / n
                    y = y1 + (i + (a + 0.5) / s) * (y2 - y1) / n
                    points.append(interpolate(features, x, y))
            bins.append(sum(points) / len(points))
    return torch.stack(bins, dim=1).view(-1, n, n)


def interpolate(features, x, y):
    """Bilinear between the four cells around a point; 0 beyond one cell outside.  # [C, H, W] -> [C]"""
    height, width = features.shape[1:]
    if not (-1 <= x <= width and -1 <= y <= height):
        return torch.zeros_like(features[:, 0, 0])
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    left, top = math.floor(x), math.floor(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    above = features[:, top, left] * (left + 1 - x) + features[:, top, right] * (x - left)
    below = features[:, bottom, left] * (left + 1 - x) + features[:, bottom, right] * (x - left)
    return above * (top + 1 - y) + below * (y - top)


def smooth_l1_loss(prediction, target, beta=1.0):
    """e^2 / (2 beta) if e = |prediction - target| < beta, else e - beta / 2.  # [N], [N] -> [N]"""
    errors = (prediction - target).abs()
    return torch.stack([e**2 / (2 * beta) if e < beta else e - beta / 2 for e in errors])


def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    """-alpha_t (1 - p_t)^gamma log p_t; target 1: p and alpha, 0: 1 - p and 1 - alpha.  # -> [N]"""
    losses = []
    for p, target in zip(logits.sigmoid(), targets, strict=True):
        p_t, alpha_t = (p, alpha) if target == 1 else (1 - p, 1 - alpha)
        losses.append(-alpha_t * (1 - p_t) ** gamma * p_t.log())
    return torch.stack(losses)
