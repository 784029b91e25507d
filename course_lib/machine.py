"""The machine the course runs on: its folders, the device, the progress bar."""

import os
from collections.abc import Iterable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def progress(items: Iterable, label: str) -> Iterable:
    """The same items, with a progress bar while they are gone through; TQDM_DISABLE=1 (as in CI) hides it."""
    from tqdm.auto import tqdm

    return tqdm(items, desc=label, leave=False, disable=bool(os.environ.get("TQDM_DISABLE")))
