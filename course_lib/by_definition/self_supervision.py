"""Learning without labels: two views of one image are a positive pair, all other images are negatives (L2.18)."""

import torch

from course_lib.by_definition.embeddings import cosine_similarity


def nt_xent(a, b, temperature=0.5):
    """Mean of -log(e^(cos / t) with the view's partner / its sum over all others).  # 2 x [N, d] -> []"""
    views, losses = torch.cat([a, b]), []
    for i in range(len(views)):
        partner = (i + len(a)) % len(views)
        others = [j for j in range(len(views)) if j != i]
        weight = {j: (cosine_similarity(views[i], views[j]) / temperature).exp() for j in others}
        losses.append(-(weight[partner] / sum(weight.values())).log())
    return sum(losses) / len(losses)
