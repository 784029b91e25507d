"""Losses that shape a space of embeddings, and which triplets to learn from (L1.07-L1.09, L2.13-L2.16, L4.03-L4.08).

A loss is the mean over its pairs, triplets or images; without any it is 0.
"""

import math

import torch


def contrastive_loss(x, labels, margin):
    """Of all pairs: d^2 / 2 in one class, max(0, margin - d)^2 / 2 in two.  # [B, d], [B] -> []"""
    losses = []
    for i in range(len(x)):
        for j in range(i):
            d = (x[i] - x[j]).norm()
            if labels[i] == labels[j]:
                losses.append(d**2 / 2)
            else:
                losses.append((margin - d).clamp(min=0) ** 2 / 2)
    return sum(losses) / max(len(losses), 1)


def pair_loss(rho, same, margin):
    """Of all pairs: rho in one class, max(0, margin - rho) in two.  # [N], [N] bool -> []"""
    losses = [r if s else (margin - r).clamp(min=0) for r, s in zip(rho, same, strict=True)]
    return sum(losses) / max(len(losses), 1)


def triplet_loss(anchor, positive, negative, margin, squared=True):
    """max(0, |a - p|^2 - |a - n|^2 + margin); not squared, |a - p| - |a - n|.  # 3 x [T, d] -> []"""
    losses = []
    for a, p, n in zip(anchor, positive, negative, strict=True):
        near, far = (a - p).norm(), (a - n).norm()
        if squared:
            near, far = near**2, far**2
        losses.append((near - far + margin).clamp(min=0))
    return sum(losses) / max(len(losses), 1)


def mined_triplet_loss(distances, triplets, margin):
    """max(0, d(a, p) - d(a, n) + margin) of the triplets (a, p, n).  # [B, B], 3 x [T] -> []"""
    losses = []
    for a, p, n in zip(*triplets, strict=True):
        losses.append((distances[a, p] - distances[a, n] + margin).clamp(min=0))
    return sum(losses) / max(len(losses), 1)


def batch_all_triplet_loss(distances, labels, margin):
    """`mined_triplet_loss` of all triplets, also those whose loss is 0.  # [B, B], [B] -> []"""
    return mined_triplet_loss(distances, all_triplets(labels), margin)


def positive_pairs(labels):
    """Every (anchor, positive): two images of one class, in both orders.  # [B] -> 2 x [P]"""
    numbers = range(len(labels))
    pairs = [(a, p) for a in numbers for p in numbers if a != p and labels[a] == labels[p]]
    return as_columns(pairs, 2)


def all_triplets(labels):
    """Every (anchor, positive, negative): a positive pair, and an image of another class.  # -> 3 x [T]"""
    triplets = []
    for a, p in zip(*positive_pairs(labels), strict=True):
        for n in range(len(labels)):
            if labels[n] != labels[a]:
                triplets.append((a, p, n))
    return as_columns(triplets, 3)


def all_semi_hard_triplets(distances, labels, margin):
    """Every triplet with d(a, p) < d(a, n) < d(a, p) + margin.  # [B, B], [B] -> 3 x [T]"""
    triplets = []
    for a, p, n in zip(*all_triplets(labels), strict=True):
        if distances[a, p] < distances[a, n] < distances[a, p] + margin:
            triplets.append((a, p, n))
    return as_columns(triplets, 3)


def semi_hard_triplets(distances, labels, margin):
    """For every positive pair the nearest of its semi-hard negatives, if any.  # -> 3 x [T]"""
    nearest = {}
    for a, p, n in zip(*all_semi_hard_triplets(distances, labels, margin), strict=True):
        pair = (int(a), int(p))
        if pair not in nearest or distances[a, n] < distances[a, nearest[pair]]:
            nearest[pair] = n
    return as_columns([(a, p, n) for (a, p), n in nearest.items()], 3)


def hard_triplets(distances, labels):
    """Batch-hard: for every anchor its farthest positive and its nearest negative.  # -> 3 x [T]"""
    triplets = []
    for a in range(len(labels)):
        others = [i for i in range(len(labels)) if i != a]
        positives = [i for i in others if labels[i] == labels[a]]
        negatives = [i for i in others if labels[i] != labels[a]]
        if positives and negatives:
            farthest = max(positives, key=lambda p: distances[a, p])
            nearest = min(negatives, key=lambda n: distances[a, n])
            triplets.append((a, farthest, nearest))
    return as_columns(triplets, 3)


def as_columns(rows, width):
    """T rows of numbers as index tensors, one for each column.  # -> width x [T] int64"""
    return torch.tensor(rows, dtype=torch.int64).view(-1, width).unbind(dim=1)


def center_loss(x, labels, centers):
    """|x - c|^2 / 2, where c is the centre of the image's class.  # [B, d], [B], [C, d] -> []"""
    losses = [((x[i] - centers[labels[i]]) ** 2).sum() / 2 for i in range(len(x))]
    return sum(losses) / max(len(losses), 1)


def updated_centers(centers, x, labels, rate):
    """c - rate sum_i (c - x_i) / (1 + n), over the n embeddings of the class.  # -> [C, d]"""
    updated = []
    for j, c in enumerate(centers):
        pulls = [c - x[i] for i in range(len(x)) if labels[i] == j]
        updated.append(c - rate * sum(pulls) / (1 + len(pulls)))
    return torch.stack(updated)


def margin_logits(cosines, labels, m1=1.0, m2=0.0, m3=0.0, s=16.0):
    """s (cos(m1 theta + m2) - m3) of the right class, s cos(theta) of the others.  # [B, C] -> [B, C]"""
    rows = []
    for row, label in zip(cosines, labels, strict=True):
        angle = m1 * row[label].acos() + m2
        # past pi the cosine would rise again: every half turn goes on from where the last one ended
        half_turns = int((angle / math.pi).item())
        target = (-1) ** half_turns * angle.cos() - 2 * half_turns - m3
        rows.append(torch.stack([target if j == label else c for j, c in enumerate(row)]))
    return s * torch.stack(rows)


def pairwise_ranking_error(scores, pairs):
    """Share of the pairs (i, j), in which i should score higher, with score_i < score_j.  # -> number"""
    wrong = [float(scores[i] < scores[j]) for i, j in pairs]
    return sum(wrong) / max(len(wrong), 1)
