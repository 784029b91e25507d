"""What the task about the ROC curve asks for, as a student would write it (L1.15)."""

import math

import torch

from course_lib.by_definition.verification import accepted


def roc(scores, same):
    """FAR and TAR at infinity and at each distinct score, from the highest down.  # [N], [N] -> 2 x [M]"""
    thresholds = [math.inf, *sorted(set(scores.tolist()), reverse=True)]
    far = [accepted(scores[~same], threshold) for threshold in thresholds]
    tar = [accepted(scores[same], threshold) for threshold in thresholds]
    return torch.tensor(far), torch.tensor(tar)
