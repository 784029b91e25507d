"""Time two actions in turns, so that a busy machine is unfair to both alike."""

import statistics
import time
from collections.abc import Callable

REPEATS = 7


def seconds(action: Callable) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def side_by_side(ours: Callable, peer: Callable, repeats: int = REPEATS) -> tuple[float, float]:
    """Median seconds of each, taken in turns after one run to warm up."""
    ours(), peer()
    times = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    return tuple(statistics.median(column) for column in zip(*times, strict=True))
