"""Nearest neighbours by looking at everything, or into buckets; and how good a search is (L1.13-L1.16)."""

import torch

from course_lib.by_definition.embeddings import euclidean


def search(queries, vectors, k, distance=euclidean):
    """Distances and numbers of the k nearest vectors.  # [q, d], [N, d] -> [q, k], [q, k]"""
    distances, numbers = distance(queries, vectors).sort(dim=1, stable=True)
    return distances[:, :k], numbers[:, :k]


def hyperplane_bits(x, normals):
    """1 if a vector lies on the positive side of a plane, else 0.  # [n, d], [bits, d] -> [n, bits]"""
    return torch.tensor([[int(a @ normal > 0) for normal in normals] for a in x])


def pack(bits):
    """Eight bits to a byte, the first is the highest; the last byte is filled with 0.  # -> [n, bytes]"""
    codes = []
    for row in bits.tolist():
        row = row + [0] * (-len(row) % 8)
        eights = [row[i : i + 8] for i in range(0, len(row), 8)]
        codes.append([sum(bit * 2 ** (7 - i) for i, bit in enumerate(eight)) for eight in eights])
    return torch.tensor(codes, dtype=torch.uint8)


def hamming(a, b):
    """In how many bits each code in a differs from each in b.  # [n, bytes], [m, bytes] -> [n, m]"""
    rows = []
    for p in a.tolist():
        # XOR leaves a 1 wherever two bytes differ
        differ = [[i ^ j for i, j in zip(p, q, strict=True)] for q in b.tolist()]
        rows.append([sum(byte.bit_count() for byte in code) for code in differ])
    return torch.tensor(rows, dtype=torch.int16)


def same_bucket(query, vectors, normals):
    """Numbers of the vectors with all bits of the query in a table.  # [d], [N, d], [tables, bits, d]"""
    found = set()
    for planes in normals:
        bits = hyperplane_bits(query[None], planes)[0]
        for n, others in enumerate(hyperplane_bits(vectors, planes)):
            if torch.equal(bits, others):
                found.add(n)
    return sorted(found)


def recall_at_k(found, exact_neighbours):
    """Share of the k exact neighbours that were found, in any order.  # [q, k'], [q, k] -> number"""
    shares = []
    for row, exact in zip(found.tolist(), exact_neighbours.tolist(), strict=True):
        shares.append(sum(n in row for n in exact) / len(exact))
    return sum(shares) / len(shares)


def hits(row, label, database_labels):
    """Whether each neighbour is of the query's class; -1, nothing found, is not.  # [k] -> k bool"""
    return [bool(n >= 0 and database_labels[n] == label) for n in row]


def precision_at_1(neighbours, query_labels, database_labels):
    """Share of the queries whose nearest neighbour is of their class.  # [q, k], [q], [N] -> number"""
    right = []
    for row, label in zip(neighbours, query_labels, strict=True):
        right.append(hits(row, label, database_labels)[0])
    return sum(right) / len(right)


def r_precision(neighbours, query_labels, database_labels):
    """Share of the R nearest that are of the query's class, where R vectors are.  # -> number"""
    shares = []
    for row, label in zip(neighbours, query_labels, strict=True):
        r = int((database_labels == label).sum())
        shares.append(sum(hits(row[:r], label, database_labels)) / r)
    return sum(shares) / len(shares)


def mean_average_precision_at_r(neighbours, query_labels, database_labels):
    """MAP@R: 1/R sum over i = 1..R of precision at i, where the i-th is right.  # -> number"""
    averages = []
    for row, label in zip(neighbours, query_labels, strict=True):
        r = int((database_labels == label).sum())
        right = hits(row[:r], label, database_labels)
        precisions = [sum(right[: i + 1]) / (i + 1) for i in range(len(right)) if right[i]]
        averages.append(sum(precisions) / r)
    return sum(averages) / len(averages)
