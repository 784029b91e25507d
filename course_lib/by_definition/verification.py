"""The same person or not, by a threshold on a score: a pair is accepted if score >= threshold (L1.15, L2.10, L5.12)."""

import math

import torch

from course_lib.by_definition.embeddings import cosine_similarity


def all_pairs(x, labels):
    """Cosine of every pair, and whether both are of one class.  # [n, d], [n] -> 2 x [n (n - 1) / 2]"""
    pairs = [(i, j) for i in range(len(x)) for j in range(i + 1, len(x))]
    scores = [cosine_similarity(x[i], x[j]) for i, j in pairs]
    return torch.stack(scores), torch.tensor([bool(labels[i] == labels[j]) for i, j in pairs])


def accepted(scores, threshold):
    """Share of the scores that are at or above the threshold.  # [N] -> number"""
    return sum(score >= threshold for score in scores.tolist()) / len(scores)


def roc(scores, same):
    """FAR, TAR, threshold: (0, 0) at infinity, then one point for each distinct score.  # -> 3 x [M + 1]"""
    far, tar, thresholds = [0.0], [0.0], [math.inf]
    for threshold in sorted(set(scores.tolist()), reverse=True):
        far.append(accepted(scores[~same], threshold))
        tar.append(accepted(scores[same], threshold))
        thresholds.append(threshold)
    return tuple(torch.tensor(part, dtype=torch.float64) for part in (far, tar, thresholds))


def auc(scores, same):
    """How often a genuine pair scores higher than an impostor pair; a tie is half.  # -> number"""
    wins = []
    for genuine in scores[same].tolist():
        for impostor in scores[~same].tolist():
            wins.append(1 if genuine > impostor else 0.5 if genuine == impostor else 0)
    return sum(wins) / len(wins)


def equal_error_rate(scores, same):
    """FAR where FAR = 1 - TAR, on a straight line between two points of the ROC.  # -> number"""
    far, tar, _ = roc(scores, same)
    for i in range(1, len(far)):
        before, after = far[i - 1] + tar[i - 1] - 1, far[i] + tar[i] - 1
        if after >= 0:
            step = before / (before - after)
            return (far[i - 1] + step * (far[i] - far[i - 1])).item()


def det(scores, same):
    """FAR, FRR, threshold: at each threshold the share of impostors accepted and of genuine pairs refused."""
    far, tar, thresholds = roc(scores, same)
    return far, 1 - tar, thresholds


def redrawn(scores, same, people, drawn):
    """The pairs of a world in which some people are there several times, some not at all.  # -> 2 x [M]"""
    pairs = zip(people[0].tolist(), people[1].tolist(), strict=True)
    times = [drawn.count(i) * (1 if i == j else drawn.count(j)) for i, j in pairs]
    which = torch.arange(len(scores)).repeat_interleave(torch.tensor(times))
    return scores[which], same[which]


def tar_at_far(scores, same, far):
    """The highest TAR of all thresholds whose FAR is at most `far`.  # -> number"""
    fars, tars, _ = roc(scores, same)
    return max(t for f, t in zip(fars.tolist(), tars.tolist(), strict=True) if f <= far)


def threshold_at_far(scores, same, far):
    """The lowest of the scores at which at most `far` of the impostors are accepted.  # -> number"""
    allowed = [t for t in scores.tolist() if accepted(scores[~same], t) <= far]
    return min(allowed, default=math.inf)


def expected_cost(far, tar, genuine, accept, reject):
    """What errors cost on average; `genuine` is the share of those who are who they say.  # -> number"""
    return genuine * reject * (1 - tar) + (1 - genuine) * accept * far


def cheapest_threshold(scores, same, genuine, accept, reject):
    """The (highest) threshold with the least cost, and the cost.  # -> 2 numbers"""
    costs = {}
    for far, tar, threshold in zip(*roc(scores, same), strict=True):
        costs[threshold.item()] = expected_cost(far.item(), tar.item(), genuine, accept, reject)
    best = min(costs, key=costs.get)
    return best, costs[best]


def accuracy(scores, same, threshold):
    """Share of the pairs that are rightly accepted or rejected.  # -> number"""
    return ((scores >= threshold) == same).double().mean().item()


def kfold_accuracy(scores, same, folds=10):
    """Accuracy on each fold at the (highest) threshold that is best on the others.  # -> [folds]"""
    if isinstance(folds, int):
        folds = torch.tensor([i * folds // len(scores) for i in range(len(scores))])
    accuracies = []
    for fold in folds.unique():
        test, rest = folds == fold, folds != fold
        thresholds = [math.inf, *sorted(scores[rest].tolist(), reverse=True)]
        best = max(thresholds, key=lambda t: accuracy(scores[rest], same[rest], t))
        accuracies.append(accuracy(scores[test], same[test], best))
    return torch.tensor(accuracies, dtype=torch.float64)
