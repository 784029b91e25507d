"""What the tasks about losses ask for where no plain form has these arguments, or it has a loop (L1.08, L2.13)."""

import torch
from torch.nn import functional as F


def triplet_loss(anchor, positive, negative, margin):
    """The mean of max(0, |a - p|^2 - |a - n|^2 + margin) over the triplets.  # 3 x [T, d], number -> []"""
    losses = []
    for a, p, n in zip(anchor, positive, negative, strict=True):
        near, far = ((a - p) ** 2).sum(), ((a - n) ** 2).sum()
        losses.append((near - far + margin).clamp(min=0))
    return sum(losses) / len(losses)


def margin_logits(cosines, labels, m1=1.0, m2=0.0, m3=0.0, s=16.0):
    """s (cos(m1 theta + m2) - m3) for the class of each image, s cos(theta) else.  # [B, C], [B] -> [B, C]"""
    own = F.one_hot(labels, cosines.shape[1]).bool()
    with_margin = (m1 * cosines.acos() + m2).cos() - m3
    return s * torch.where(own, with_margin, cosines)
