"""YOLO, RetinaNet and DETR: what they aim at against literal loops, and whether they learn at all."""

import itertools
import math

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.by_definition import detection as plain
from course_lib.detection.anchors import anchors, encode
from course_lib.detectors import retinanet, set_matching, yolo
from course_lib.detectors.detr import (
    Detr,
    DetrPrediction,
    _cell_centres,
    _position_encoding,
    set_loss,
)
from course_lib.detectors.retinanet import RetinaNet
from course_lib.detectors.yolo import Yolo
from course_lib.training.loop import fit

DETECTORS = (Yolo, RetinaNet, Detr)
CLASSES = 3
COLOURS = torch.eye(3)  # a class a colour


def random_boxes(count, size, seed, least=4.0):
    dice = torch.Generator().manual_seed(seed)
    sides = least + (size / 2 - least) * torch.rand(count, 2, generator=dice)
    corner = (size - sides) * torch.rand(count, 2, generator=dice)
    return torch.cat([corner, corner + sides], dim=1)


def batch(pictures=3, most=4, size=64, seed=0):
    """Noise with objects, one to `most` in a picture, and the last picture without any."""
    dice = torch.Generator().manual_seed(seed)
    boxes = random_boxes(pictures * most, size, seed).view(pictures, most, 4)
    labels = torch.randint(CLASSES, (pictures, most), generator=dice)
    for i in range(pictures):
        labels[i, 1 + i % most :] = -1
    labels[-1] = -1
    boxes[labels == -1] = 0
    return torch.rand(pictures, 3, size, size, generator=dice), boxes, labels


def two_scenes():
    """Two pictures of 64 pixels with coloured squares on grey."""
    boxes = torch.tensor([[[4.0, 6, 28, 30], [36, 34, 60, 58]], [[30.0, 8, 56, 32], [0, 0, 0, 0]]])
    labels = torch.tensor([[0, 1], [2, -1]])
    images = torch.full((2, 3, 64, 64), 0.5)
    for i, slot in torch.nonzero(labels >= 0).tolist():
        x1, y1, x2, y2 = boxes[i, slot].int().tolist()
        images[i, :, y1:y2, x1:x2] = COLOURS[labels[i, slot]][:, None, None]
    return images, boxes, labels


def made(kind, seed=0):
    torch.manual_seed(seed)
    return kind(CLASSES)


# ---- what all three promise


@pytest.mark.slow
@pytest.mark.parametrize("kind", DETECTORS)
def test_overfits_two_scenes(kind):
    images, boxes, labels = two_scenes()
    detector = made(kind)
    losses = fit(
        detector, lambda _: (images, boxes, labels), kind.loss, steps=120, lr=3e-3, max_norm=5.0
    )
    assert losses[-1] < 0.25 * losses[0]
    detector.train()
    for _ in range(20):  # the running means of batch norm lag behind the weights
        detector(images)
    for i, found in enumerate(detector.detect(images)):
        here = labels[i] >= 0
        count = int(here.sum())
        iou = torchvision.ops.box_iou(found["boxes"][:count], boxes[i, here])
        assert (iou.max(dim=0).values > 0.5).all()
        assert sorted(found["labels"][:count].tolist()) == sorted(labels[i, here].tolist())


@pytest.mark.parametrize("kind", DETECTORS)
@pytest.mark.parametrize("shape", [(2, 64, 64), (1, 32, 64), (1, 96, 96)])
def test_detections_are_what_the_contract_says(kind, shape):
    count, height, width = shape
    images = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))
    detector = made(kind).eval()
    found = detector.detect(images)
    assert len(found) == count
    for one in found:
        n = len(one["scores"])
        assert n <= 100 and one["boxes"].shape == (n, 4) and one["labels"].shape == (n,)
        assert one["labels"].dtype == torch.int64
        assert torch.equal(one["scores"], one["scores"].sort(descending=True).values)
        assert ((one["scores"] >= 0) & (one["scores"] <= 1)).all()
        assert ((one["labels"] >= 0) & (one["labels"] < CLASSES)).all()
        assert (one["boxes"][:, 2:] >= one["boxes"][:, :2]).all()
        assert not one["boxes"].requires_grad
    assert detector.detect(images[:0]) == []


@pytest.mark.parametrize("kind", DETECTORS)
@pytest.mark.parametrize("most", [0, 2])
def test_a_batch_without_objects_teaches_silence(kind, most):
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    detector = made(kind)
    loss = detector.loss(images, torch.zeros(2, most, 4), torch.full((2, most), -1))
    loss.backward()
    assert loss.isfinite() and loss > 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in detector.parameters())


@pytest.mark.parametrize("kind", DETECTORS)
def test_padding_changes_nothing(kind):
    images, boxes, labels = batch()
    more = torch.cat([boxes, torch.zeros(3, 5, 4)], 1), F.pad(labels, (0, 5), value=-1)
    torch.testing.assert_close(
        made(kind).loss(images, boxes, labels), made(kind).loss(images, *more)
    )


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_order_of_the_objects_does_not_matter(kind):
    images, boxes, labels = batch(pictures=4)
    turned = made(kind).loss(images, boxes.flip(1), labels.flip(1))
    torch.testing.assert_close(made(kind).loss(images, boxes, labels), turned)


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_same_seed_trains_the_same_weights(kind):
    images, boxes, labels = two_scenes()
    runs = []
    for _ in range(2):
        detector = made(kind)
        fit(detector, lambda _: (images, boxes, labels), kind.loss, steps=3)
        runs.append(torch.cat([p.detach().flatten() for p in detector.parameters()]))
    assert torch.equal(*runs)


# ---- YOLO


@given(st.integers(0, 10_000))
def test_a_cell_can_say_every_box_around_it(seed):
    boxes = random_boxes(6, 64, seed)[None].expand(1, 6, 4)
    labels = torch.zeros(1, 6, dtype=torch.int64)
    _, row, column, box, _ = yolo.objects_in_cells(boxes, labels)
    numbers = torch.zeros(6, 8, 8, 1, 4)
    numbers[torch.arange(6), row, column, 0] = yolo._encode_cells(box, row, column)
    back = yolo._decode_cells(numbers)[torch.arange(6), row, column, 0]
    torch.testing.assert_close(back, box, atol=1e-4, rtol=1e-5)
    inside = yolo._encode_cells(box, row, column)[:, :2]
    assert ((inside >= 0) & (inside < 1)).all()


def test_objects_lie_in_the_cell_of_their_centre():
    _, boxes, labels = batch(pictures=5)
    expected = []
    for i in range(5):
        for slot in range(boxes.shape[1]):
            if labels[i, slot] >= 0:
                x1, y1, x2, y2 = boxes[i, slot].tolist()
                row, column = int((y1 + y2) / 2 // 8), int((x1 + x2) / 2 // 8)
                expected.append((i, row, column, boxes[i, slot].tolist(), int(labels[i, slot])))
    found = zip(*(values.tolist() for values in yolo.objects_in_cells(boxes, labels)), strict=True)
    assert list(found) == expected


def test_a_hand_made_scene_in_yolo_cells():
    boxes = torch.tensor([[[8.0, 16, 40, 32]]])  # centre (24, 24): a corner of four cells
    picture, row, column, box, label = yolo.objects_in_cells(boxes, torch.tensor([[2]]))
    assert (picture.item(), row.item(), column.item(), label.item()) == (0, 3, 3, 2)
    expected = [[0.0, 0.0, 0.0, -math.log(2)]]  # at the cell's corner; 32 wide, 16 high
    torch.testing.assert_close(yolo._encode_cells(box, row, column), torch.tensor(expected))


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_the_box_that_overlaps_most_is_responsible(seed, n):
    candidates = random_boxes(n * 2, 64, seed).view(n, 2, 4)
    objects = random_boxes(n, 64, seed + 1)
    expected = [
        int(torchvision.ops.box_iou(c, o[None])[:, 0].argmax())
        for c, o in zip(candidates, objects, strict=True)
    ]
    assert yolo.responsible(candidates, objects).tolist() == expected


def yolo_loss_by_hand(cells, boxes, labels):
    """Object by object, cell by cell, in plain numbers."""
    total, count = 0.0, 0
    wanted = torch.zeros_like(cells.objectness)
    for i in range(len(boxes)):
        for box, label in zip(boxes[i], labels[i].tolist(), strict=True):
            if label < 0:
                continue
            count += 1
            x, y = (box[0] + box[2]).item() / 2, (box[1] + box[3]).item() / 2
            w, h = (box[2] - box[0]).item(), (box[3] - box[1]).item()
            row, column = int(y // 8), int(x // 8)
            iou = torchvision.ops.box_iou(cells.boxes[i, row, column], box[None])[:, 0]
            best = int(iou.argmax())
            wanted[i, row, column, best] = 1
            aims = (x / 8 - column, y / 8 - row, math.log(w / 32), math.log(h / 32))
            said = cells.offsets[i, row, column, best].tolist()
            for weight, aim, number in zip((2, 2, 1, 1), aims, said, strict=True):
                e = abs(aim - number)
                total += weight * (e * e / 0.2 if e < 0.1 else e - 0.05)
            total -= math.log(cells.logits[i, row, column].softmax(0)[label].item())
    for p, t in zip(
        cells.objectness.sigmoid().flatten().tolist(), wanted.flatten().tolist(), strict=True
    ):
        total -= math.log(p if t else 1 - p)
    return total / count


def test_yolo_loss_is_the_literal_one():
    images, boxes, labels = batch(pictures=4)
    detector = made(Yolo)
    cells = Yolo.forward(detector, images)
    detector.forward = lambda _: cells
    expected = yolo_loss_by_hand(cells, boxes, labels)
    assert detector.loss(images, boxes, labels).item() == pytest.approx(expected, rel=1e-4)


def test_yolo_scores_are_objectness_times_class():
    cells = made(Yolo).eval()(torch.rand(1, 3, 32, 32))
    p = cells.objectness[0, 1, 2, 1].sigmoid() * cells.logits[0, 1, 2].softmax(0)
    torch.testing.assert_close(cells.scores[0, 1, 2, 1], p)
    assert (cells.scores.sum(-1) <= 1).all()


def test_yolo_refuses_an_object_outside_the_picture():
    outside = torch.tensor([[[60.0, 0, 90, 10]]])
    with pytest.raises(ValueError, match=r"centre must lie in the image, got \[60.0, 0.0, 90.0"):
        made(Yolo).loss(torch.zeros(1, 3, 64, 64), outside, torch.tensor([[0]]))


# ---- RetinaNet


def test_the_head_speaks_in_the_order_of_the_anchors():
    """Channel k c + j in row y, column x is number j of anchor (y W + x) K + k."""
    per_cell = len(retinanet.SCALES) * len(retinanet.RATIOS)
    said = torch.arange(per_cell * 4 * 2 * 3).view(1, per_cell * 4, 2, 3)
    rows = retinanet._per_anchor(said)
    for y, x, k, j in itertools.product(range(2), range(3), range(per_cell), range(4)):
        assert rows[0, (y * 3 + x) * per_cell + k, j] == said[0, k * 4 + j, y, x]


def test_anchors_come_map_by_map_cell_by_cell():
    asked = made(RetinaNet).eval()(torch.zeros(1, 3, 32, 64)).anchors
    sizes = [8 * s for s in retinanet.SCALES], [16 * s for s in retinanet.SCALES]
    expected = []
    for stride, sizes_here, rows, columns in ((8, sizes[0], 4, 8), (16, sizes[1], 2, 4)):
        for y, x in itertools.product(range(rows), range(columns)):
            for s, r in itertools.product(sizes_here, retinanet.RATIOS):
                w, h = s / math.sqrt(r), s * math.sqrt(r)
                cx, cy = (x + 0.5) * stride, (y + 0.5) * stride
                expected.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    torch.testing.assert_close(asked, torch.tensor(expected))


def test_retinanet_targets_by_definition():
    """A hit from .5, the best anchor of each object whatever its IoU, nothing below .4, no opinion between."""
    asked = anchors(8, 8, 8, (14.0, 22.0), (0.7, 1.4))
    _, boxes, labels = batch(pictures=4)
    found, box = retinanet.anchor_targets(asked, boxes, labels)
    seen = set()
    for i in range(4):
        here = labels[i] >= 0
        there, kinds = boxes[i, here], labels[i, here]
        expected, object_ = plain.assign(asked, there, kinds, low=0.4, high=0.5, rescue=True)
        assert torch.equal(found[i], expected)
        hit = expected >= 0
        assert torch.equal(box[i, hit], there[object_[hit]])
        seen |= set(expected.clamp(max=0).tolist())
    assert seen == {0, -1, -2}  # the case holds all three


def test_retinanet_loss_is_torchvisions():
    images, boxes, labels = batch(pictures=4)
    detector = made(RetinaNet)
    torch.nn.init.zeros_(detector.logits.bias)  # so that all anchors count, and would be missed
    answers = RetinaNet.forward(detector, images)
    detector.forward = lambda _: answers
    found, box = retinanet.anchor_targets(answers.anchors, boxes, labels)
    total, count = 0.0, int((found >= 0).sum())
    for i in range(4):
        for a in range(len(answers.anchors)):
            if found[i, a] == -2:
                continue
            aim = torch.zeros(CLASSES)
            if found[i, a] >= 0:
                aim[found[i, a]] = 1
                correction = encode(box[i, a], answers.anchors[a])
                said = answers.offsets[i, a]
                total += F.smooth_l1_loss(said, correction, beta=1 / 9, reduction="sum").item()
            logits = answers.logits[i, a]
            total += torchvision.ops.sigmoid_focal_loss(logits, aim, reduction="sum").item()
    loss = detector.loss(images, boxes, labels).item()
    assert loss == pytest.approx(total / count, rel=1e-4)


# ---- DETR


@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 10_000))
def test_the_matching_is_the_cheapest_of_all(queries, objects, seed):
    cost = torch.randn(queries, objects, generator=torch.Generator().manual_seed(seed))
    q, o = set_matching.match(cost)
    assert len(q) == min(queries, objects) == len(set(q.tolist())) == len(set(o.tolist()))
    assert q.tolist() == sorted(q.tolist())
    if queries >= objects:
        ways = itertools.permutations(range(queries), objects)
        least = min(sum(cost[q, o].item() for o, q in enumerate(way)) for way in ways)
    else:
        ways = itertools.permutations(range(objects), queries)
        least = min(sum(cost[q, o].item() for q, o in enumerate(way)) for way in ways)
    assert cost[q, o].sum().item() == pytest.approx(least, abs=1e-4)


def test_the_cost_is_the_papers():
    dice = torch.Generator().manual_seed(0)
    p = torch.rand(4, CLASSES + 1, generator=dice)
    b, o = (set_matching.to_centres(random_boxes(n, 64, n) / 64) for n in (4, 3))
    labels = torch.tensor([2, 0, 0])
    cost = set_matching.matching_cost(p, b, labels, o)
    corners = [torchvision.ops.box_convert(x, "cxcywh", "xyxy") for x in (b, o)]
    giou = torchvision.ops.generalized_box_iou(*corners)
    for i, j in itertools.product(range(4), range(3)):
        expected = 5 * (b[i] - o[j]).abs().sum() - 2 * giou[i, j] - 2 * p[i, labels[j]]
        torch.testing.assert_close(cost[i, j], expected)


def test_corners_and_centres_are_each_others_way_back():
    boxes = random_boxes(5, 64, 0)
    expected = torchvision.ops.box_convert(boxes, "xyxy", "cxcywh")
    torch.testing.assert_close(set_matching.to_centres(boxes), expected)
    torch.testing.assert_close(set_matching.to_corners(expected), boxes)


def test_bad_costs():
    with pytest.raises(ValueError, match=r"cost must be a tensor \[Q, M\] .*, got \[3\]"):
        set_matching.match(torch.zeros(3))
    with pytest.raises(ValueError, match="NaN or infinity"):
        set_matching.match(torch.tensor([[1.0, math.nan]]))


def random_prediction(pictures=3, queries=6, seed=0):
    dice = torch.Generator().manual_seed(seed)
    boxes = set_matching.to_centres(random_boxes(pictures * queries, 64, seed) / 64)
    classes = torch.randn(pictures, queries, CLASSES + 1, generator=dice)
    return DetrPrediction(classes, boxes.view(pictures, queries, 4), None)


def test_set_loss_is_the_literal_one():
    said = random_prediction(seed=1)
    _, boxes, labels = batch()
    objects = set_matching.to_centres(boxes / 64)
    class_sum, weight_sum, box_sum, count = 0.0, 0.0, 0.0, 0
    for i in range(3):
        slots = torch.where(labels[i] >= 0)[0]
        p = said.logits[i].softmax(-1)
        cost = set_matching.matching_cost(p, said.boxes[i], labels[i, slots], objects[i, slots])
        mine = dict(zip(*(x.tolist() for x in set_matching.match(cost)), strict=True))
        for q in range(6):
            wanted, weight = (CLASSES, 0.15)
            if q in mine:
                wanted, weight, count = int(labels[i, slots[mine[q]]]), 1.0, count + 1
                pair = said.boxes[i, q], objects[i, slots[mine[q]]]
                corners = [torchvision.ops.box_convert(b, "cxcywh", "xyxy") for b in pair]
                giou = torchvision.ops.generalized_box_iou(*(c[None] for c in corners)).item()
                box_sum += 5 * (pair[0] - pair[1]).abs().sum().item() + 2 * (1 - giou)
            class_sum -= weight * math.log(p[q, wanted].item())
            weight_sum += weight
    expected = 2 * class_sum / weight_sum + box_sum / count
    assert set_loss(said, objects, labels).item() == pytest.approx(expected, rel=1e-4)
    assert count == 3  # one, two, and none in the last picture


def test_the_order_of_the_queries_does_not_matter():
    said = random_prediction()
    _, boxes, labels = batch()
    objects = set_matching.to_centres(boxes / 64)
    turned = DetrPrediction(said.logits.flip(1), said.boxes.flip(1), None)
    torch.testing.assert_close(set_loss(said, objects, labels), set_loss(turned, objects, labels))


def test_saying_a_thing_twice_costs():
    """What makes NMS unnecessary: of two queries that say the same right thing one counts as wrong."""
    objects, labels = torch.tensor([[[0.5, 0.5, 0.2, 0.2]]]), torch.tensor([[1]])
    sure, silent = torch.tensor([0.0, 9, 0, 0]), torch.tensor([0.0, 0, 0, 9])
    boxes = objects.expand(1, 2, 4)
    once = set_loss(DetrPrediction(torch.stack([sure, silent])[None], boxes, None), objects, labels)
    twice = set_loss(DetrPrediction(torch.stack([sure, sure])[None], boxes, None), objects, labels)
    assert once < 0.01 and twice > 1


def test_learned_queries_are_the_same_for_every_picture_and_proposals_are_not():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    plain, ours = Detr(CLASSES, proposals=False).eval(), Detr(CLASSES).eval()
    assert [p.boxes.shape[1] for p in plain(images)] == [16, 16]
    assert [p.boxes.shape[1] for p in ours(images)] == [64, 16, 16]
    attention = ours(images)[-1].attention
    assert attention.shape == (2, 16, 64)
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 16))


def test_proposals_begin_around_their_own_cells():
    boxes = made(Detr).eval()(torch.rand(1, 3, 64, 64))[0].boxes[0]
    expected = [[(x + 0.5) / 8, (y + 0.5) / 8] for y in range(8) for x in range(8)]
    torch.testing.assert_close(boxes[:, :2], torch.tensor(expected), atol=0.05, rtol=0)


def test_every_place_has_waves_of_its_own():
    rows = _position_encoding(_cell_centres(12, 12))
    assert rows.shape == (144, 96)
    assert (torch.cdist(rows, rows) + 9 * torch.eye(144)).min() > 0.5
