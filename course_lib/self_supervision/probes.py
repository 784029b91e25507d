"""What features are worth, by three yardsticks, and whether embeddings have collapsed (L2.03, L2.18)."""

import warnings

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_labels, check_vectors
from course_lib.embeddings.distances import normalize


def collapse_level(x: Tensor) -> float:
    """How much unit vectors spread: 0 where all are one point, about 1 where they fill the sphere.

        sqrt(d) * the standard deviation of each coordinate of x / |x|, the mean over all d

    Args:
        x: embeddings.                                                # [n, d]
    Raises:
        TypeError, ValueError: not floating-point [n, d]; NaN or infinite.

    Chen and He, SimSiam, 2021, figure 2.

    >>> collapse_level(torch.ones(5, 3)), collapse_level(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    (0.0, 0.7071067690849304)
    """
    check_vectors("collapse_level", x=x)
    unit = normalize(x.to(torch.promote_types(x.dtype, torch.float32)))
    return (unit.std(dim=0, correction=0).mean() * x.shape[1] ** 0.5).item()


def effective_rank(x: Tensor) -> float:
    """How many directions embeddings use: e to the entropy of the singular values' shares.

    Args:
        x: embeddings; their mean is subtracted.                      # [n, d]
    Returns:
        1 where all lie on a line, min(n - 1, d) at most; 0 where all are one point.
    Raises:
        TypeError, ValueError: not floating-point [n, d]; NaN or infinite.

    It ignores size: embeddings that have shrunk to nearly one point may still have a high rank. Roy and Vetterli, 2007.

    >>> effective_rank(torch.tensor([[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]]))
    1.0
    """
    check_vectors("effective_rank", x=x)
    wide = x.double()
    values = torch.linalg.svdvals(wide - wide.mean(dim=0))  # [min(n, d)]
    if values[0] <= 1e-12 * wide.abs().max().clamp(min=1e-300):
        return 0.0
    shares = values[values > 1e-9 * values[0]] / values.sum()
    return round((-(shares * shares.log()).sum()).exp().item(), 6)


def linear_probe(x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor) -> float:
    """What features are worth: the accuracy of a linear classifier on them, the network frozen.

    Args:
        x, labels: features and classes to fit on.                    # [n, d], [n] int64
        x_test, labels_test: to judge by.                             # [m, d], [m] int64
    Returns:
        The share of the test images that are classified rightly.
    Raises:
        TypeError, ValueError: no such tensors; a single class.

    It is scikit-learn's logistic regression (C = 1) on features of mean 0 and deviation 1 over x: replacing the last
    layer of a network and training nothing else is the same (L5.13).
    """
    from sklearn.linear_model import LogisticRegression

    _check("linear_probe", x, labels, x_test, labels_test)
    if len(labels.unique()) < 2:
        raise ValueError("linear_probe: labels must hold two classes or more")
    x, x_test = _standard(x, x_test)
    with warnings.catch_warnings():  # one or two labels a class are no mistake here
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model = LogisticRegression(max_iter=1000).fit(x.numpy(), labels.numpy())
    return float((model.predict(x_test.numpy()) == labels_test.numpy()).mean())


def few_label_probe(
    x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor, count: int, draws: int = 5
) -> float:
    """The accuracy of `linear_probe` with `count` labels a class, the mean over several random draws of them.

    Args:
        x, labels: features and classes to draw from.                 # [n, d], [n] int64
        x_test, labels_test: to judge by.                             # [m, d], [m] int64
        count: labels a class.
        draws: how often they are drawn; draw k has the seed k.
    Raises:
        TypeError, ValueError: as `linear_probe`; a class with fewer images.
    """
    check_count("few_label_probe", draws=draws)
    chosen = [few_labels(labels, count, draw) for draw in range(draws)]
    return sum(linear_probe(x[c], labels[c], x_test, labels_test) for c in chosen) / draws


def knn_accuracy(
    x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor, k: int = 20
) -> float:
    """The accuracy of the k nearest neighbours by cosine; nothing is trained.

    Args:
        x, labels: features and classes of the neighbours.            # [n, d], [n] int64
        x_test, labels_test: to judge by.                             # [m, d], [m] int64
        k: neighbours, n at most; each votes with the weight exp(cosine / 0.1).
    Raises:
        TypeError, ValueError: no such tensors; k below 1 or above n.

    Features are standardised over x before. The votes are weighted as by Wu and others, 2018 (who divide by .07).
    """
    _check("knn_accuracy", x, labels, x_test, labels_test)
    check_count("knn_accuracy", k=k)
    if k > len(x):
        raise ValueError(f"knn_accuracy: k must be {len(x)} at most, as many as x has, got {k}")
    x, x_test = (normalize(rows) for rows in _standard(x, x_test))
    cosine, nearest = (x_test @ x.T).topk(k, dim=1)  # [m, k]
    votes = torch.zeros(len(x_test), int(labels.max()) + 1, dtype=x.dtype)
    votes.scatter_add_(1, labels[nearest], (cosine / 0.1).exp())
    return (votes.argmax(dim=1) == labels_test).double().mean().item()


def few_labels(labels: Tensor, count: int, seed: int) -> Tensor:
    """The numbers of `count` random images of every class, class by class.   # [N] int64 -> [classes * count] int64

    Raises:
        TypeError, ValueError: no such tensor; a class with fewer images.
    """
    check_labels("few_labels", labels)
    check_count("few_labels", count=count)
    generator, chosen = torch.Generator().manual_seed(seed), []
    for label in labels.unique().tolist():
        numbers = torch.where(labels == label)[0]
        if len(numbers) < count:
            raise ValueError(f"few_labels: class {label} has {len(numbers)} images, not {count}")
        chosen.append(numbers[torch.randperm(len(numbers), generator=generator)[:count]])
    return torch.cat(chosen)


def _check(where: str, x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor) -> None:
    check_vectors(where, x=x, x_test=x_test)
    check_labels(where, labels, len(x))
    check_labels(where, labels_test, len(x_test))


def _standard(x: Tensor, x_test: Tensor) -> tuple[Tensor, Tensor]:
    """Both with mean 0 and deviation 1 over x; a feature that never changes becomes 0."""
    x, x_test = (rows.to(torch.promote_types(rows.dtype, torch.float32)) for rows in (x, x_test))
    mean, spread = x.mean(dim=0), x.std(dim=0, correction=0)
    spread = torch.where(spread > 1e-5 * x.abs().amax(dim=0), spread, torch.inf)
    return (x - mean) / spread, (x_test - mean) / spread
