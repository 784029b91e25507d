"""Learning without labels: what the pretext tasks show, what a probe measures, which views are a pair (L2.03-L2.19)."""

import torch

from course_lib.by_definition.embeddings import cosine_similarity


def rotations(images):
    """Every image turned left by 0, 1, 2, 3 quarter turns, and that number.  # [N, C, S, S] -> [4N, C, S, S], [4N]"""
    turned, labels = [], []
    for k in range(4):
        for image in images:
            turned.append(image.rot90(k, (1, 2)))
            labels.append(k)
    return torch.stack(turned), torch.tensor(labels, dtype=torch.int64)


def permutation_set(every, count):
    """The first order, then again and again the one whose nearest chosen order is farthest.  # [K, T] -> [count, T]"""
    chosen = [every[0]]
    for _ in range(count - 1):
        nearest = [min(int((order != other).sum()) for other in chosen) for order in every]
        # of equally far ones the first
        chosen.append(every[nearest.index(max(nearest))])
    return torch.stack(chosen)


def patch_pair(image, size, gap, place):
    """The tile in the middle, and the neighbour at place 0..7, row by row.  # [C, H, W] -> 2 x [C, size, size]"""
    # of nine tiles number 4 is the middle
    number = place if place < 4 else place + 1
    row, column = number // 3 - 1, number % 3 - 1
    top, left = (image.shape[1] - size) // 2, (image.shape[2] - size) // 2
    y, x = top + row * (size + gap), left + column * (size + gap)
    middle = image[:, top : top + size, left : left + size]
    return middle, image[:, y : y + size, x : x + size]


def linear_probe(x, labels, x_test, labels_test):
    """Accuracy of ridge regression to one-hot rows, standardised by x alone.  # [n, d], [n], [m, d], [m] -> number"""
    mean, deviation = x.mean(dim=0), x.std(dim=0, correction=0) + 1e-6
    a = torch.cat([(x - mean) / deviation, x.new_ones(len(x), 1)], dim=1)  # [n, d + 1]
    a_test = torch.cat([(x_test - mean) / deviation, x.new_ones(len(x_test), 1)], dim=1)
    targets = torch.nn.functional.one_hot(labels).to(x.dtype)  # [n, classes]
    penalty = torch.eye(a.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(a.T @ a + penalty, a.T @ targets)  # [d + 1, classes]
    predicted = (a_test @ weights).argmax(dim=1)
    return (predicted == labels_test).double().mean().item()


def nt_xent(a, b, temperature=0.5):
    """Mean of -log(e^(cos / t) with the view's partner / its sum over all others).  # 2 x [N, d] -> []"""
    views, losses = torch.cat([a, b]), []
    for i in range(len(views)):
        partner = (i + len(a)) % len(views)
        others = [j for j in range(len(views)) if j != i]
        weight = {j: (cosine_similarity(views[i], views[j]) / temperature).exp() for j in others}
        losses.append(-(weight[partner] / sum(weight.values())).log())
    return sum(losses) / len(losses)


def two_views(images, corners, size):
    """Two crops of each image, rows i and i + N those of image i.  # [N, C, H, W], [2N, 2] -> [2N, C, size, size]"""
    views = []
    for i, (top, left) in enumerate(corners.tolist()):
        image = images[i % len(images)]
        views.append(image[:, top : top + size, left : left + size])
    return torch.stack(views)


def case_pairs(cases):
    """The next photo of each photo's case; after the last comes the first again.  # [N] -> [N]"""
    partners = []
    for i in range(len(cases)):
        photos = [j for j in range(len(cases)) if cases[j] == cases[i]]
        partners.append(photos[(photos.index(i) + 1) % len(photos)])
    return torch.tensor(partners, dtype=torch.int64)
