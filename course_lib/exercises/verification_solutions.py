"""What the tasks about verification and identification ask for, as a student would write it (L1.15, L2.10, L5.12)."""

import math

import torch


def pairs_of(labels, people):
    """All pairs i < j of images whose people are both among `people`.  # [N], [K] -> first [P], second [P]"""
    inside = torch.isin(labels, people).nonzero()[:, 0].tolist()
    pairs = [(i, j) for i in inside for j in inside if i < j]
    first, second = torch.tensor(pairs, dtype=torch.int64).view(-1, 2).T
    return first, second


def far_and_frr(scores, same, thresholds):
    """Impostor pairs accepted, genuine pairs refused.  # [N], [N], [T] -> far [T], frr [T]"""
    accepted = scores >= thresholds[:, None]  # [T, N]
    far = accepted[:, ~same].double().mean(dim=1)
    frr = (~accepted[:, same]).double().mean(dim=1)
    return far, frr


def equal_error_rate(far, frr):
    """The error where FAR = FRR, on the straight line between two points.  # [T], [T] -> number"""
    gap = far - frr
    after = int((gap <= 0).nonzero()[0])
    before = after - 1
    step = gap[before] / (gap[before] - gap[after])
    return (far[before] + step * (far[after] - far[before])).item()


def choose_threshold(scores, same, far):
    """The lowest of the scores at which FAR is at most `far`.  # [N], [N], number -> number"""
    impostors = scores[~same]
    allowed = [t for t in scores.tolist() if (impostors >= t).double().mean() <= far]
    return min(allowed, default=math.inf)


def ten_fold_accuracy(scores, same, fold):
    """Accuracy on each fold at the threshold that is best on the others.  # [N], [N], [N] -> [folds]"""
    accuracies = []
    for number in fold.unique():
        test, rest = fold == number, fold != number
        candidates = scores[rest].sort(descending=True).values  # [R]
        right = (scores[rest] >= candidates[:, None]) == same[rest]  # [R, R]
        best = candidates[right.double().mean(dim=1).argmax()]
        accuracies.append(((scores[test] >= best) == same[test]).double().mean())
    return torch.stack(accuracies)


def rank_k(scores, people, truth, k, threshold):
    """Share of queries that are answered rightly.  # [Q, G], [G], [Q], 2 numbers -> number"""
    best = scores.topk(k, dim=1)  # [Q, k]
    reached = best.values >= threshold
    found = (reached & (people[best.indices] == truth[:, None])).any(dim=1)
    right = torch.where(truth == -1, ~reached.any(dim=1), found)
    return right.double().mean().item()
