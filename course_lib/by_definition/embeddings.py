"""How far apart two vectors are (L1.03, L1.06, L1.13)."""

import torch


def normalize(x):
    """x / |x| for every vector; the zero vector stays zero.  # [n, d] -> [n, d]"""
    return torch.stack([a / a.norm() if a.norm() > 0 else a for a in x])


def euclidean(x, y, squared=False):
    """sqrt(sum_i (a_i - b_i)^2) of every a in x and b in y.  # [n, d], [m, d] -> [n, m]"""
    squares = torch.stack([torch.stack([((a - b) ** 2).sum() for b in y]) for a in x])
    return squares if squared else squares.sqrt()


def cosine_similarity(a, b):
    """cos(a, b) = a.b / (|a| |b|); 0 if one of them is the zero vector.  # [d], [d] -> []"""
    lengths = a.norm() * b.norm()
    return (a @ b) / lengths if lengths > 0 else a @ b


def cosine(x, y):
    """1 - cos(a, b) of every a in x and b in y.  # [n, d], [m, d] -> [n, m]"""
    return torch.stack([torch.stack([1 - cosine_similarity(a, b) for b in y]) for a in x])
