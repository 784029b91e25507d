"""Boxes of all kinds, and what is none."""

import torch
from hypothesis import strategies as st

seeds, counts = st.integers(0, 10_000), st.integers(0, 90)

good, nan = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.full((1, 4), torch.nan)
bad_boxes = (
    (torch.tensor([[0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 1.0, 1.0]]), r"got \[3.0, .* in row 1"),
    (torch.tensor([[0.0, 2.0, 1.0, 1.0]]), "y1 <= y2"),
    (nan, "finite"),
    (torch.tensor([[0.0, 0.0, torch.inf, 1.0]]), "finite"),
    (torch.zeros(7, 5), r"must hold boxes \[.*4\] as \(x1, y1, x2, y2\), got \[7, 5\]"),
)  # what is no box, and what the error says of it


def random_boxes(count, seed=0, size=40.0, whole=False):
    """Boxes of all sizes; `whole` ones lie on a grid, so that they touch, coincide and have no area."""
    dice = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=dice) * size
    boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=dice) * size / 2], dim=1)
    return (boxes / 4).round() if whole else boxes
