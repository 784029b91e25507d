"""How much of an average precision is the chance of having judged by these photographs: the bootstrap (L5.03)."""

import random
from collections.abc import Sequence

import torch

from course_lib.arguments import check_count
from course_lib.detection.average_precision import evaluate_detections


def bootstrap_interval(
    found: Sequence[dict], targets: Sequence[dict], draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Where AP at IoU .5 would lie in 9 of 10 sets of as many photographs, by drawing them with replacement.

    It tells how much these photographs are a matter of chance, and nothing of another training.

    Args:
        found, targets: of held-out photographs, as `evaluate_detections` takes them.
        draws: sets that are drawn.
    Returns:
        The 5th and the 95th of a hundred.
    Raises:
        ValueError: no object in any of them.

    Efron, 1979 (the bootstrap).
    """
    check_count("bootstrap_interval", draws=draws)
    chance, values = random.Random(seed), []
    for _ in range(draws):
        which = chance.choices(range(len(found)), k=len(found))
        drawn = [found[i] for i in which], [targets[i] for i in which]
        values.append(evaluate_detections(*drawn, kind="voc12")["AP50"])
    values = [value for value in values if value >= 0]  # -1: no object was drawn
    if not values:
        raise ValueError(f"bootstrap_interval: there is no object in {len(found)} photographs")
    low, high = torch.tensor(values).quantile(torch.tensor([0.05, 0.95])).tolist()
    return low, high
