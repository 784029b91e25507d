"""Time our operations beside their peers, in one run: op, ours, the peer, ratio.

    python -m tools.benchmark            every row
    python -m tools.benchmark epoch      the rows whose name holds the word

Medians; ours and the peer take turns, so that a busy machine is unfair to both alike. One thread (`make bench` sets
OMP_NUM_THREADS=1) unless a row says otherwise. Ratios hold from machine to machine, absolute times do not.
"""

import multiprocessing
import resource
import statistics
import sys
from collections.abc import Callable

import torch
from tqdm import tqdm

from tools.benchmark_detection import (
    mean_average_precision,
    overlap_of_boxes,
    region_features,
    suppression,
)
from tools.benchmark_losses import margin_family, pair_and_triplet_losses, verification_curves
from tools.benchmark_search import exact_search, hashing, retrieval_metrics
from tools.benchmark_self_supervision import nt_xent, random_views
from tools.benchmark_verification import identification
from tools.empty_cache import empty_cache
from tools.stopwatch import REPEATS, seconds, side_by_side


def distances() -> list[tuple]:
    """Euclidean distances with their gradient, against torch's exact mode."""
    from course_lib.embeddings.distances import euclidean

    x = torch.randn(1024, 128, requires_grad=True)

    def run(distance: Callable) -> Callable:
        return lambda: distance(x, x).sum().backward()

    exact = "donot_use_mm_for_euclid_dist"
    ours, peer = side_by_side(
        run(euclidean), run(lambda a, b: torch.cdist(a, b, compute_mode=exact))
    )
    return [("euclidean 1024 x 1024 x 128, with gradient", ours, "torch.cdist, exact mode", peer)]


def drawing() -> list[tuple]:
    """Pictures a second of each drawn set, in batches of 128; no peer draws them."""
    from course_lib.render.captions import draw_captions
    from course_lib.render.faces.draw import draw_faces
    from course_lib.render.landmarks.draw import draw_landmarks
    from course_lib.render.scenes.draw import draw_scenes

    n = torch.arange(128)
    rows = {
        "faces 32 px": lambda: draw_faces(n // 24, n % 24, size=32),
        "faces 48 px": lambda: draw_faces(n // 24, n % 24, size=48),
        "landmarks 48 px": lambda: draw_landmarks(n // 40, n % 40, size=48),
        "scenes 96 px": lambda: draw_scenes(n, size=96, second_frame=False),
        "scenes 64 px, two frames": lambda: draw_scenes(n, size=64),
        "captions 40 px": lambda: draw_captions(n, size=40),
    }
    result = []
    for name, draw in rows.items():
        draw()
        rate = 128 / statistics.median(seconds(draw) for _ in range(REPEATS))
        result.append((f"drawing {name}", f"{rate:,.0f}/s", "-", None))
    return result


def epoch_of_faces(pipe) -> None:
    from course_lib.data import datasets

    taken = seconds(lambda: datasets.load("faces", "train", people=500, photos=24))
    pipe.send((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6))


def epoch() -> list[tuple]:
    """An epoch of 12,000 faces in a process of its own with an empty cache: seconds, peak memory."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with empty_cache():
        process = context.Process(target=epoch_of_faces, args=(there,))
        process.start()
        taken, gigabytes = here.recv()
        process.join()
    return [("an epoch of 12,000 faces, no cache", taken, f"peak memory {gigabytes:.2f} GB", None)]


BENCHMARKS = [
    distances,
    drawing,
    epoch,
    pair_and_triplet_losses,
    margin_family,
    verification_curves,
    identification,
    exact_search,
    hashing,
    retrieval_metrics,
    suppression,
    overlap_of_boxes,
    region_features,
    mean_average_precision,
    nt_xent,
    random_views,
]


def written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{1000 * value:,.1f} ms"


def main() -> None:
    words = sys.argv[1:]
    chosen = [b for b in BENCHMARKS if not words or any(word in b.__name__ for word in words)]
    rows = [row for benchmark in tqdm(chosen, leave=False) for row in benchmark()]
    print(f"{torch.get_num_threads()} thread(s), medians of {REPEATS}")
    print(f"{'operation':44} {'ours':>12}   {'peer':28} {'theirs':>12}  ours / theirs")
    for name, ours, peer_name, peer in rows:
        theirs, ratio = ("-", "-") if peer is None else (written(peer), f"{ours / peer:.3f}")
        print(f"{name:44} {written(ours):>12}   {peer_name:28} {theirs:>12}  {ratio}")


if __name__ == "__main__":
    main()
