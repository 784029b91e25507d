"""Tiles and the tasks made of them: held against images in which every pixel knows where it is."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.self_supervision.context import NEIGHBOURS, Context, neighbour_pairs
from course_lib.self_supervision.context_encoder import (
    AdversarialContextEncoder,
    ContextEncoder,
    Reversed,
    with_hole,
)
from course_lib.self_supervision.contrastive import SimCLR, nt_xent
from course_lib.self_supervision.damaged_jigsaw import DamagedJigsaw, damaged
from course_lib.self_supervision.encoder import MapEncoder
from course_lib.self_supervision.exemplar import Exemplar
from course_lib.self_supervision.jigsaw import Jigsaw, permutation_set, shuffled
from course_lib.self_supervision.rotation import Rotation, rotations
from course_lib.self_supervision.tiles import cut_tiles
from course_lib.self_supervision.views import GREY, Views


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


def test_a_hole_and_where_it_is():
    images = places(2, 8, 10)
    holed, mask = with_hole(images, 4, fill=-1)
    assert (holed == -1).sum() == 2 * 3 * 16 and (mask[:, 0, 2:6, 3:7] == 1).all()
    assert mask.sum() == 2 * 16 and torch.equal(torch.where(mask > 0, images, holed), images)
    assert images.min() == 0, "the images are left as they were"
    holed, mask = with_hole(images, 3, torch.tensor([[0, 0], [5, 7]]), fill=-1)
    assert (holed[0, :, :3, :3] == -1).all() and (holed[1, :, 5:, 7:] == -1).all()
    assert mask[0, 0, :3, :3].all() and mask[1, 0, 5:, 7:].all() and mask.sum() == 18


def test_a_damaged_jigsaw_has_no_colours_and_a_blank():
    tiles = torch.rand(3, 4, 3, 5, 5)
    bad = damaged(tiles, torch.tensor([0, 3, 1]))
    assert (bad[[0, 1, 2], [0, 3, 1]] == 0.5).all()
    grey = (tiles * GREY[:, None, None]).sum(2)
    assert torch.allclose(bad[0, 1:], grey[0, 1:, None].expand(-1, 3, -1, -1))


VIEWS = Views(area=0.5, colour=0.3, mirror=True)
TASKS = {
    "rotation": Rotation,
    "context": lambda e: Context(e, size=8, shake=1),
    "jigsaw": lambda e: Jigsaw(e, size=12, shake=1),
    "damaged jigsaw": lambda e: DamagedJigsaw(e, size=16, shake=0),
    "exemplar": lambda e: Exemplar(e, 16, VIEWS),
    "context encoder": ContextEncoder,
    "adversarial": AdversarialContextEncoder,
    "SimCLR": lambda e: SimCLR(e, VIEWS),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_makes_its_own_labels_and_learns_them(name):
    """On images in which every pixel tells where it is, and that differ: each task can be learned."""
    torch.manual_seed(0)
    down, right = torch.meshgrid(*[torch.linspace(0, 1, 32)] * 2, indexing="ij")
    images = torch.stack([down, right, (down - right).abs()]).expand(16, -1, -1, -1)
    images = images * torch.linspace(0.4, 1, 16)[:, None, None, None]
    task, generator = TASKS[name](MapEncoder(3, (8, 16), (4, 2))), torch.Generator().manual_seed(0)
    batch = task.make(images, generator)
    again = task.make(images, torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(batch, again, strict=True))
    optimizer = torch.optim.AdamW(task.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = task.loss(*batch)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in task.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(p.grad is not None for p in task.parameters()), "a layer that nothing trains"
    if name not in ("context encoder", "adversarial", "SimCLR"):
        assert task.accuracy(*batch) > 0.5


def test_tasks_draw_every_answer_about_equally_often():
    images, generator = torch.rand(800, 3, 32, 32), torch.Generator().manual_seed(0)
    encoder = MapEncoder(3, (8, 16), (4, 2))
    for task, answers in ((Context(encoder, 8), 8), (Jigsaw(encoder, size=12), 8)):
        counts = task.make(images, generator)[1].bincount(minlength=answers)
        assert (counts > 0.6 * 800 / answers).all()


def test_only_the_hole_counts():
    task = ContextEncoder(MapEncoder(3, (8, 16, 16), (2, 2, 2)), side=8)
    shown, target, mask = task.make(torch.rand(4, 3, 24, 24), torch.Generator().manual_seed(0))
    other = torch.where(mask > 0, target, target + 1)
    assert task.loss(shown, target, mask) == task.loss(shown, other, mask)
    drawn = task(shown)
    by_hand = 0
    for d, t, m in zip(drawn, target, mask, strict=True):
        by_hand += ((d - t) ** 2)[m.expand(3, -1, -1) > 0].mean().item() / 4
    assert task.loss(shown, target, mask).item() == pytest.approx(by_hand, rel=1e-5)


def test_the_discriminator_descends_and_the_drawing_climbs():
    x = torch.ones(2, requires_grad=True)
    (2 * Reversed.apply(x)).sum().backward()
    assert torch.equal(x.grad, torch.tensor([-2.0, -2.0]))
    task = AdversarialContextEncoder(MapEncoder(3, (8, 16, 16), (2, 2, 2)), side=8, weight=0.5)
    batch = task.make(torch.rand(4, 3, 24, 24), torch.Generator().manual_seed(0))
    shown, target, mask = batch
    task.loss(*batch).backward()
    got = task.decoder[7].bias.grad.clone()
    task.zero_grad()
    drawn = task(shown)
    pasted = torch.where(mask > 0, drawn, target)
    judged = task.discriminator(2 * pasted - 1)
    fooled = torch.nn.functional.binary_cross_entropy_with_logits(judged, torch.zeros_like(judged))
    error = ((drawn - target) ** 2 * mask).sum() / (mask.sum() * 3)
    (error - 0.5 * fooled).backward()
    torch.testing.assert_close(got, task.decoder[7].bias.grad)


def test_simclr_is_nt_xent_of_two_views():
    task = SimCLR(MapEncoder(3, (8, 16), (4, 2)), VIEWS, temperature=0.3).eval()
    a, b = task.make(torch.rand(6, 3, 32, 32), torch.Generator().manual_seed(0))
    torch.testing.assert_close(task.loss(a, b), nt_xent(task(a), task(b), 0.3))


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
        (lambda: with_hole(torch.zeros(1, 3, 4, 5), 2, torch.tensor([[3, 0]])), r"corners must lie in 0..\[2, 3\]"),
        (lambda: damaged(torch.zeros(2, 4, 3, 2, 2), torch.tensor([0, 4])), "0..3"),
        (lambda: damaged(torch.zeros(2, 4, 1, 2, 2), torch.tensor([0, 1])), "damaged: tiles"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
