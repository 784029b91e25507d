"""What the tasks about losses ask for where no plain form has these arguments (L1.08)."""


def triplet_loss(anchor, positive, negative, margin):
    """The mean of max(0, |a - p|^2 - |a - n|^2 + margin) over the triplets.  # 3 x [T, d], number -> []"""
    losses = []
    for a, p, n in zip(anchor, positive, negative, strict=True):
        near, far = ((a - p) ** 2).sum(), ((a - n) ** 2).sum()
        losses.append((near - far + margin).clamp(min=0))
    return sum(losses) / len(losses)
