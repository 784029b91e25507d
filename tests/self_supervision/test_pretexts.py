"""Tiles and the tasks made of them: held against images in which every pixel knows where it is."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.self_supervision.pretexts import (
    NEIGHBOURS,
    neighbour_pairs,
    rotations,
    shuffled,
    with_hole,
)
from course_lib.self_supervision.tiles import cut_tiles, permutation_set


def places(n, height, width):
    """Images whose three channels are the image's number, the row and the column."""
    number, row, column = torch.meshgrid(
        *(torch.arange(float(size)) for size in (n, height, width)), indexing="ij"
    )
    return torch.stack([number, row, column], dim=1)


def tiles_by_hand(images, grid, size):
    """Word for word, without a shake."""
    _, _, height, width = images.shape
    h, w = height // grid, width // grid
    cut = []
    for row in range(grid):
        for column in range(grid):
            top, left = row * h + (h - size) // 2, column * w + (w - size) // 2
            cut.append(images[:, :, top : top + size, left : left + size])
    return torch.stack(cut, dim=1)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3))
def test_tiles_as_by_hand(grid, size, more_rows, more_columns):
    images = places(3, grid * (size + more_rows), grid * (size + more_columns) + 1)
    assert torch.equal(cut_tiles(images, grid, size), tiles_by_hand(images, grid, size))


def test_a_shake_moves_tiles_apart_and_never_out_of_their_cells():
    images = places(200, 24, 24)
    tiles = cut_tiles(images, 3, 4, shake=2, generator=torch.Generator().manual_seed(0))
    still = tiles_by_hand(images, 3, 4)
    moved = (tiles - still)[:, :, 1:]  # rows and columns
    assert (moved == moved[..., :1, :1]).all(), "a tile moves as a whole"
    assert set(moved.flatten().tolist()) == {-2, -1, 0, 1, 2}
    for t, (row, column) in enumerate(itertools.product(range(3), repeat=2)):
        inside = tiles[:, t, 1:]
        assert inside[:, 0].min() >= 8 * row and inside[:, 0].max() < 8 * row + 8
        assert inside[:, 1].min() >= 8 * column and inside[:, 1].max() < 8 * column + 8


def test_orders_differ_as_much_as_can_be():
    four = permutation_set(4, 4)
    apart = (four[:, None] != four[None]).sum(-1)
    assert (apart[~torch.eye(4, dtype=torch.bool)] == 4).all()
    nine = permutation_set(9, 60, seed=1)
    apart = (nine[:, None] != nine[None]).sum(-1) + 9 * torch.eye(60, dtype=torch.int64)
    assert apart.min() >= 7
    assert (nine.sort(dim=1).values == torch.arange(9)).all()
    assert torch.equal(permutation_set(9, 60, seed=1), nine)
    assert len(permutation_set(3, 6).unique(dim=0)) == 6


def test_each_order_is_the_farthest_from_those_before():
    orders, every = permutation_set(5, 12, seed=3), list(itertools.permutations(range(5)))
    for k in range(1, 12):
        before = orders[:k].tolist()

        def nearest(order, before=before):
            return min(sum(a != b for a, b in zip(order, o, strict=True)) for o in before)

        assert nearest(orders[k].tolist()) == max(map(nearest, every))


def test_rotations_know_how_often_they_were_turned():
    images = places(2, 5, 5)
    turned, quarters = rotations(images)
    assert torch.equal(quarters, torch.tensor([0, 0, 1, 1, 2, 2, 3, 3]))
    for image, k, original in zip(
        turned, quarters.tolist(), images.repeat(4, 1, 1, 1), strict=True
    ):
        assert torch.equal(image.rot90(-k, (1, 2)), original)


def test_neighbours_lie_where_their_label_says():
    tiles = cut_tiles(places(8, 9, 9), 3, 3)
    middle, neighbour = neighbour_pairs(tiles, torch.arange(8))
    step = (neighbour - middle)[:, 1:, 0, 0]  # rows and columns
    expected = [(3 * (t // 3 - 1), 3 * (t % 3 - 1)) for t in NEIGHBOURS]
    assert [tuple(map(int, pair)) for pair in step.tolist()] == expected
    assert torch.equal(neighbour[:, 0], middle[:, 0]), "both are of one image"


def test_a_jigsaw_can_be_solved_by_its_label():
    tiles, orders = torch.rand(6, 4, 3, 5, 5), permutation_set(4, 5)
    which = torch.tensor([0, 1, 2, 3, 4, 2])
    mixed = shuffled(tiles, orders, which)
    back = orders[which].argsort(dim=1)
    assert torch.equal(mixed[torch.arange(6)[:, None], back], tiles)
    assert torch.equal(mixed[1, 0], tiles[1, orders[1, 0]])


def test_a_hole_and_what_was_in_it():
    images = places(2, 8, 10)
    holed, contents = with_hole(images, 4, fill=-1)
    assert torch.equal(contents, images[:, :, 2:6, 3:7]) and (holed == -1).sum() == 2 * 3 * 16
    holed[:, :, 2:6, 3:7] = contents
    assert torch.equal(holed, images) and images.min() == 0, "the images are left as they were"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cut_tiles(torch.zeros(1, 3, 9, 9), 3, 4), "a cell of 3 x 3 pixels does not hold"),
        (lambda: cut_tiles(torch.zeros(1, 3, 9, 9), 3, 2, shake=1), "of 2 that moves by 1"),
        (lambda: permutation_set(3, 7), "3 tiles have 6 orders, 7 were asked for"),
        (lambda: permutation_set(10, 7), "tiles must be 9 at most"),
        (lambda: rotations(torch.zeros(1, 3, 4, 5)), "images must be squares"),
        (lambda: neighbour_pairs(torch.zeros(2, 9, 3, 2, 2), torch.tensor([0, 8])), "0..7"),
        (lambda: neighbour_pairs(torch.zeros(2, 9, 3, 2, 2), torch.tensor([0])), r"\[2\]"),
        (lambda: shuffled(torch.zeros(2, 4, 3, 2, 2), permutation_set(3, 2), torch.tensor([0, 1])), "shuffled"),
        (lambda: shuffled(torch.zeros(2, 3, 3, 2, 2), permutation_set(3, 2), torch.tensor([0, 2])), "0..1"),
        (lambda: with_hole(torch.zeros(1, 3, 4, 5), 5), "no hole of 5 pixels in images of 4 x 5"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
