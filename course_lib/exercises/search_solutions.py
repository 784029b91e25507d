"""What the tasks about embeddings and search ask for, as a student would write it (L1.03, L1.13, L1.14)."""


def squared_distances(a, b):
    """Squared Euclidean distance of every a to every b.  # [N, d], [M, d] -> [N, M]"""
    differences = a[:, None] - b  # [N, M, d]
    return (differences**2).sum(dim=2)


def nearest(queries, vectors, k):
    """Indices of the k nearest vectors, the nearest first.  # [Q, d], [N, d], number -> [Q, k]"""
    squared = squared_distances(queries, vectors)  # [Q, N]
    return squared.argsort(dim=1, stable=True)[:, :k]


def candidates(codes, query):
    """Indices of the vectors that share a bucket with the query.  # [T, N, B], [T, B] -> [C]"""
    same_bucket = (codes == query[:, None]).all(dim=2)  # [T, N]
    return same_bucket.any(dim=0).nonzero()[:, 0]


def recall_at_k(found, exact):
    """Share of the exact neighbours that were found, mean over queries.  # [Q, K'], [Q, k] -> number"""
    is_found = (exact[:, :, None] == found[:, None]).any(dim=2)  # [Q, k]
    return is_found.double().mean().item()
