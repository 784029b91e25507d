"""Search, hashing and retrieval metrics beside FAISS, scikit-learn, pytorch-metric-learning (PML) and torchmetrics."""

import torch
from torch.nn import functional as F

from course_lib.search import exact, retrieval
from course_lib.search.hashing import HyperplaneHash, LSHIndex, hamming
from tools.stopwatch import seconds, side_by_side

N, Q, D, K = 100_000, 1000, 128, 10


def exact_search() -> list[tuple]:
    import faiss
    from sklearn.neighbors import NearestNeighbors

    faiss.omp_set_num_threads(torch.get_num_threads())
    torch.manual_seed(0)
    x, queries = torch.randn(N, D), torch.randn(Q, D)
    index, flat = exact.ExactIndex(), faiss.IndexFlatL2(D)
    index.add(x)
    flat.add(x.numpy())
    brute = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(x.numpy())
    name = "exact 10-NN, 1k x 100k x 128"
    ours = lambda: index.search(queries, K)  # noqa: E731
    mine, peer = side_by_side(ours, lambda: flat.search(queries.numpy(), K), repeats=3)
    again, brutes = side_by_side(ours, lambda: brute.kneighbors(queries.numpy()), repeats=3)
    return [(name, mine, "faiss IndexFlatL2", peer), (name, again, "scikit-learn brute", brutes)]


def hashing() -> list[tuple]:
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    torch.manual_seed(0)
    x, queries = torch.randn(N, D), torch.randn(100, D)
    hash_ = HyperplaneHash(256, D)
    codes, theirs = hash_.codes(x), faiss.IndexLSH(D, 256)
    theirs.train(x.numpy())
    theirs.add(x.numpy())
    ours, peer = side_by_side(
        lambda: hamming(hash_.codes(queries), codes).topk(K, largest=False),
        lambda: theirs.search(queries.numpy(), K),
        repeats=3,
    )
    index = LSHIndex(tables=8, bits=12)
    built = seconds(lambda: (index.add(x), index.buckets))
    per_vector = sum(part.nbytes for pair in index.buckets for part in pair) / N
    memory = f"{per_vector:.0f} + {x.nbytes / N:.0f} bytes a vector"
    return [
        ("256-bit codes, 10 nearest, 100 x 100k", ours, "faiss IndexLSH", peer),
        ("LSH index of 100k built, 8 x 12 bits", built, memory, None),
    ]


def retrieval_metrics() -> list[tuple]:
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from torchmetrics.functional.retrieval import retrieval_r_precision

    torch.manual_seed(0)
    labels, asked = torch.arange(20_000) // 20, torch.arange(2000) // 2
    x = F.normalize(torch.randn(1000, 64)[labels] + 0.7 * torch.randn(20_000, 64))
    queries = F.normalize(x[::10] + 0.1 * torch.randn(2000, 64))
    index = exact.ExactIndex("euclidean")
    index.add(x)
    measures = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    calculator = AccuracyCalculator(include=measures, device=torch.device("cpu"))

    def ours() -> None:
        neighbours = index.search(queries, 20)[1]
        for measure in measures:
            getattr(retrieval, measure)(neighbours, asked, labels)

    def torchmetrics() -> None:
        for scores, label in zip(queries[:100] @ x.T, asked[:100], strict=True):
            retrieval_r_precision(scores, labels == label)

    def ours_of_100() -> None:
        retrieval.r_precision(index.search(queries[:100], 20)[1], asked[:100], labels)

    calculate = lambda: calculator.get_accuracy(queries, asked, x, labels)  # noqa: E731
    mine, peer = side_by_side(ours, calculate, repeats=3)
    few, theirs = side_by_side(ours_of_100, torchmetrics, repeats=3)
    return [
        ("search, P@1, R-precision, MAP@R, 2k x 20k", mine, "PML AccuracyCalculator", peer),
        ("search, R-precision, 100 x 20k", few, "torchmetrics", theirs),
    ]
