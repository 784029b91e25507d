"""Drawn scenes: every piece of ground truth agrees with the pixels and with the other pieces."""

import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from course_lib.render.scenes import draw, places
from course_lib.render.scenes import sprites as sprites_module
from course_lib.render.scenes.backdrops import FAR, NEAR
from course_lib.render.scenes.draw import draw_scenes
from course_lib.render.scenes.places import MAX_THINGS
from course_lib.render.scenes.sprites import Sprites, draw_sprites
from course_lib.render.scenes.things import KEYPOINTS, KINDS

SIZE = 96


@pytest.fixture(scope="module")
def drawn():
    return draw_scenes(torch.arange(64), seed=1)


def silhouettes(index, seed, size, present):
    """All that the present things cover, drawn without the others."""
    things = places.place_things(index, seed, size)
    sprites = draw_sprites(things, present, index, seed, size)
    return sprites_module.silhouettes(sprites, len(index), size)


def each(drawn):
    """(scene, slot) of everything that is present."""
    return drawn["present"].nonzero().tolist()


def test_shapes_and_ranges(drawn):
    assert drawn["images"].shape == drawn["second_images"].shape == (64, 3, SIZE, SIZE)
    assert drawn["keypoints"].shape == (64, MAX_THINGS, len(KEYPOINTS), 3)
    for name in ("images", "second_images"):
        assert drawn[name].dtype == torch.float32
        assert drawn[name].min() >= 0 and drawn[name].max() <= 1
        assert drawn[name].std((2, 3)).min() > 0.02  # something is to be seen
    count = drawn["present"].sum(1)
    assert count.min() >= 1 and set(count.tolist()) == {1, 2, 3, 4, 5, 6}
    labels = drawn["labels"][drawn["present"]]
    assert drawn["labels"].dtype == torch.int64 and set(labels.tolist()) == set(range(len(KINDS)))
    empty = ~drawn["present"]
    names = "labels boxes full_boxes masks keypoints second_boxes second_masks".split()
    for name in names:
        assert not drawn[name][empty].any(), name


@pytest.mark.parametrize("size", [32, 64, 128])
def test_other_sizes(size):
    drawn = draw_scenes(torch.arange(8), size=size)
    assert drawn["images"].shape == (8, 3, size, size) and drawn["present"].any(1).all()
    border = torch.ones(size, size, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert not (drawn["masks"] & border).any()  # nothing is cut off by the edge


@pytest.mark.parametrize("which", ["", "second_"])
def test_boxes_are_tight_around_masks(drawn, which):
    for scene, slot in each(drawn):
        rows, columns = drawn[which + "masks"][scene, slot].nonzero(as_tuple=True)
        box = drawn[which + "boxes"][scene, slot].tolist()
        if len(rows) == 0:
            assert box == [0, 0, 0, 0]
            continue
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert box == [float(e) for e in expected]


def test_things_are_as_large_as_promised_and_inside(drawn):
    x1, y1, x2, y2 = drawn["full_boxes"][drawn["present"]].T
    longer = torch.maximum(x2 - x1, y2 - y1) / SIZE
    assert longer.min() > 0.09 and longer.max() < 0.5 and longer.std() > 0.07
    assert min(x1.min(), y1.min()) > 0 and max(x2.max(), y2.max()) < SIZE


def test_nearer_things_own_the_pixels_where_silhouettes_overlap(drawn):
    index = torch.arange(64)
    full = silhouettes(index, 1, SIZE, drawn["present"])
    masks, depth = drawn["masks"], drawn["depth"]
    assert masks.sum(1).max() == 1  # no pixel belongs to two
    assert torch.equal(masks.any(1), full.any(1))  # what is covered is covered by a thing
    overlaps = 0
    for scene in range(len(index)):
        slots = drawn["present"][scene].nonzero()[:, 0].tolist()
        far = {}
        for slot in slots:
            values = depth[scene][masks[scene, slot]]
            assert values.min() == values.max()  # each thing has one depth
            far[slot] = values[0].item()
        for a in slots:
            for b in slots:
                if far[a] < far[b]:
                    both = full[scene, a] & full[scene, b]
                    overlaps += bool(both.any())
                    assert not (masks[scene, b] & both).any()
    assert overlaps > 30


def test_what_is_present_can_be_seen_and_what_is_left_out_could_not(drawn):
    full = silhouettes(torch.arange(64), 1, SIZE, drawn["present"])
    seen = drawn["masks"].sum((2, 3)) / full.sum((2, 3)).clamp(min=1)
    assert seen[drawn["present"]].min() >= 0.25 and seen[drawn["present"]].min() < 0.5
    wanted = places.place_things(torch.arange(64), 1, SIZE)["wanted"]
    dropped = wanted & ~drawn["present"]
    assert 0 < dropped.sum() < 0.2 * wanted.sum()
    everything = silhouettes(torch.arange(64), 1, SIZE, wanted)
    for scene, slot in dropped.nonzero().tolist():
        hidden = full[scene, slot + 1 :].any(0)
        assert (everything[scene, slot] & ~hidden).sum() < 0.25 * everything[scene, slot].sum()


def test_masks_are_where_the_picture_differs_from_the_empty_scene(drawn, monkeypatch):
    monkeypatch.setattr(draw, "draw_sprites", lambda *a, f=draw_sprites: invisible(f(*a)))
    empty = draw_scenes(torch.arange(64), seed=1, second_frame=False)["images"]
    differs = (drawn["images"] - empty).abs().amax(1) > 0.02
    masks = drawn["masks"].any(1)
    assert (differs & masks).sum() > 0.95 * masks.sum()
    near = F.max_pool2d(masks.float()[:, None], 3, 1, 1)[:, 0] > 0  # edges are soft
    assert (differs & ~near).sum() < 0.001 * masks.sum()  # but for the tips of flags


def test_each_mask_shows_its_own_things_paint(drawn):
    index = torch.arange(64)
    things = places.place_things(index, 1, SIZE)
    sprites = draw_sprites(things, drawn["present"], index, 1, SIZE)
    masks = drawn["masks"].float()
    near = masks.flip(1).cumsum(1).flip(1) - masks  # where nearer things are: their soft edges tint
    clear = (F.max_pool2d(near, 5, 1, 2) == 0) & drawn["masks"]
    clear = clear[sprites.scene, sprites.slot].flatten(1).gather(1, sprites.place)
    clear &= sprites.alpha == 1  # [P, W * W]
    pictures = drawn["images"].flatten(2)[sprites.scene]  # [P, 3, H * W]
    shown = pictures.gather(2, sprites.place[:, None].expand(-1, 3, -1))
    error = (shown - sprites.colours).abs().amax(1)
    assert clear.sum() > 30_000 and error[clear].max() < 1e-3


def invisible(sprites):
    """The same windows, without paint."""
    return InvisiblePaint(*sprites)


class InvisiblePaint(Sprites):
    def only(self, present):
        kept = Sprites.only(self, present)
        return kept._replace(alpha=torch.zeros_like(kept.alpha))


def test_ground_is_farther_the_higher_up(drawn):
    ground = drawn["depth"].masked_fill(drawn["masks"].any(1), float("nan"))
    assert drawn["depth"].min() >= NEAR and drawn["depth"].max() == FAR
    column = ground.nanmedian(2).values  # [B, H]
    steps = column.diff(dim=1)
    assert (steps.nan_to_num(-1) <= 1e-6).all() and (column[:, 0] == FAR).all()
    feet = drawn["full_boxes"][..., 3]
    on_ground = drawn["present"] & (drawn["labels"] != KINDS.index("balloon"))
    for (
        scene,
        slot,
    ) in on_ground.nonzero().tolist():  # things stand where the ground has their depth
        mask = drawn["masks"][scene, slot]
        distance = drawn["depth"][scene][mask][0]
        row = int((column[scene].nan_to_num(0) - distance).abs().argmin())
        assert abs(row + 0.5 - feet[scene, slot]) < 0.06 * SIZE


def blue_below(drawn, which):
    """How blue the ground is just below each thing that nothing hides: (kind, blue less red) of each."""
    images, masks = drawn[which + "images"], drawn[which + "masks"]
    kinds, blues = [], []
    for scene, slot in each(drawn):
        x1, _, x2, y2 = drawn[which + "boxes"][scene, slot].int().tolist()
        place = slice(y2, y2 + 2), slice((2 * x1 + x2) // 3, (x1 + 2 * x2) // 3)
        bare = ~masks[scene][:, *place].any(0)
        if bare.sum() >= 4 and not masks[scene, slot + 1 :].any(0)[y2 - 3 : y2, place[1]].any():
            red, _, blue = images[scene][:, *place][:, bare].mean(1).tolist()
            kinds.append(drawn["labels"][scene, slot].item())
            blues.append(blue - red)
    return torch.tensor(kinds), torch.tensor(blues)


@pytest.mark.parametrize("which", ["", "second_"])
def test_boats_are_on_water_and_nothing_else_is(drawn, which):
    kinds, blues = blue_below(drawn, which)
    boats, balloons = kinds == KINDS.index("boat"), kinds == KINDS.index("balloon")
    assert boats.sum() > 15 and (~boats & ~balloons).sum() > 60
    assert (blues[boats] > 0.08).float().mean() > 0.85
    assert (blues[~boats & ~balloons] < 0.08).float().mean() > 0.95


def test_every_kind_is_about_equally_frequent():
    drawn = draw_scenes(torch.arange(1000), size=32, second_frame=False)
    counts = drawn["labels"][drawn["present"]].bincount(minlength=len(KINDS)).float()
    share = counts / counts.mean()
    assert share.min() > 0.85 and share.max() < 1.15


def test_keypoints_lie_in_the_full_box_and_are_seen_in_the_mask(drawn):
    full = silhouettes(torch.arange(64), 1, SIZE, drawn["present"])
    seen = []
    for scene, slot in each(drawn):
        x1, y1, x2, y2 = drawn["full_boxes"][scene, slot].tolist()
        for x, y, visible in drawn["keypoints"][scene, slot].tolist():
            assert x1 <= x <= x2 and y1 <= y <= y2
            assert full[scene, slot, int(y), int(x)]  # on the thing itself
            assert visible == drawn["masks"][scene, slot, int(y), int(x)]
            seen.append(visible)
    assert 0.7 < sum(seen) / len(seen) < 0.99
    top, front, back = (drawn["keypoints"][..., KEYPOINTS.index(n), :] for n in KEYPOINTS[:3])
    there = drawn["present"]
    assert (top[there][:, 1] < torch.minimum(front, back)[there][:, 1]).all()
    right = (front[there][:, 0] > back[there][:, 0]).float().mean()
    assert 0.35 < right < 0.65  # mirrored at random


def test_flow_carries_the_first_mask_onto_the_second(drawn):
    flow, first, second = drawn["flow"], drawn["masks"], drawn["second_masks"]
    assert (flow.abs().sum(1)[~first.any(1)] == 0).all()
    assert 0.3 < flow.norm(dim=1)[first.any(1)].mean() < 0.1 * SIZE
    full = silhouettes(torch.arange(64), 1, SIZE, drawn["present"])
    checked, moved_more = 0, 0
    for scene, slot in each(drawn):
        mask = first[scene, slot]
        if not torch.equal(mask, full[scene, slot]):
            continue  # partly hidden: what appears from behind has no flow
        alone = carry(mask, flow[scene])
        hidden = second[scene, slot + 1 :].any(0)  # by what has moved before it
        iou = overlap(alone & ~hidden, second[scene, slot])
        checked += 1
        moved_more += overlap(mask & ~hidden, second[scene, slot]) < 0.8
        assert iou > 0.8, (scene, slot, iou)
    assert checked > 60 and moved_more > 20  # staying where it was would not have done


def carry(mask, flow, parts=4):
    """The pixels of which a moved mask covers at least half; its pixels are cut into parts x parts."""
    rows, columns = mask.nonzero(as_tuple=True)
    landed = torch.zeros(SIZE, SIZE)
    for i in range(parts):
        for j in range(parts):
            x = columns + (j + 0.5) / parts + flow[0, rows, columns]
            y = rows + (i + 0.5) / parts + flow[1, rows, columns]
            landed.index_put_((y.long(), x.long()), torch.ones(len(x)), accumulate=True)
    return landed >= parts * parts / 2


def overlap(a, b):
    return ((a & b).sum() / (a | b).sum().clamp(min=1)).item()


def test_a_scene_does_not_depend_on_its_batch(drawn):
    some = torch.tensor([3, 17, 63])
    for index in (some, some[1:2]):
        again = draw_scenes(index, seed=1)
        for name, values in again.items():
            expected = drawn[name][index]
            if values.is_floating_point():
                torch.testing.assert_close(values, expected, atol=1 / 255, rtol=1e-4)
            else:
                assert torch.equal(values, expected), name
    quick = draw_scenes(some, seed=1, second_frame=False)
    torch.testing.assert_close(quick["images"], drawn["images"][some], atol=1 / 255, rtol=0)
    assert set(drawn) - set(quick) == {"second_images", "second_boxes", "second_masks", "flow"}
    other = draw_scenes(some, seed=2, second_frame=False)["images"]
    assert (other - quick["images"]).abs().mean((1, 2, 3)).min() > 0.02


@pytest.mark.slow
def test_a_fresh_process_draws_the_same(drawn):
    code = "import torch; from course_lib.render.scenes.draw import draw_scenes; "
    code += "d = draw_scenes(torch.tensor([5]), seed=1); "
    code += "print((d['images'][0, :, ::8, ::8] * 255).round().int().flatten().tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    there = torch.tensor([int(v) for v in done.stdout.strip()[1:-1].split(",")])
    here = (drawn["images"][5, :, ::8, ::8] * 255).round().int().flatten()
    assert (there - here).abs().max() <= 1


@pytest.mark.parametrize(
    "index, size, error, message",
    [
        (torch.arange(3.0), 96, TypeError, "index must be a tensor .* of int64, got torch.float32"),
        ([1, 2], 96, TypeError, "got list"),
        (torch.zeros(2, 3).long(), 96, ValueError, r"index must be \[B\], got \[2, 3\]"),
        (torch.arange(2), 31, ValueError, "32 pixels or more, got 31"),
    ],
)
def test_bad_input_is_refused_with_what_came(index, size, error, message):
    with pytest.raises(error, match=message):
        draw_scenes(index, size=size)
