import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision import ops

from course_lib import boxes as b

seeds, counts = st.integers(0, 10_000), st.integers(0, 90)
thresholds = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


def random_boxes(count, seed=0, size=40.0, whole=False):
    """Boxes of all sizes; `whole` ones lie on a grid, so that they touch, coincide and have no area."""
    dice = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=dice) * size
    boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=dice) * size / 2], dim=1)
    return (boxes / 4).round() if whole else boxes


def random_scores(count, seed=0, ties=False):
    scores = torch.rand(count, generator=torch.Generator().manual_seed(seed + 1))
    return (4 * scores).round() / 4 if ties else scores


def iou_by_hand(p, q):
    width = min(p[2], q[2]) - max(p[0], q[0])
    height = min(p[3], q[3]) - max(p[1], q[1])
    overlap = max(width, 0) * max(height, 0)
    union = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - overlap
    return overlap / union if union > 0 else 0.0


def nms_by_hand(boxes, scores, labels, t):
    """The definition, word for word."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    kept = []
    for i in order:
        rivals = [j for j in kept if labels[j] == labels[i]]
        if all(iou_by_hand(boxes[i], boxes[j]) <= t for j in rivals):
            kept.append(i)
    return kept


@given(n=counts, m=counts, seed=seeds, whole=st.booleans())
def test_iou_by_hand_and_by_torchvision(n, m, seed, whole):
    p, q = random_boxes(n, seed, whole=whole), random_boxes(m, seed + 1, whole=whole)
    iou = b.box_iou(p, q)
    expected = [[iou_by_hand(i, j) for j in q.tolist()] for i in p.tolist()]
    torch.testing.assert_close(iou, torch.tensor(expected).view(n, m), atol=1e-5, rtol=0)
    theirs = ops.box_iou(p, q).nan_to_num(0)  # NaN where both have no area
    assert torch.equal(iou, theirs)
    torch.testing.assert_close(b.box_iou(q, p).T, iou)
    assert iou.numel() == 0 or (iou.min() >= 0 and iou.max() <= 1)


@given(n=counts, seed=seeds)
def test_generalized_iou_is_torchvisions(n, seed):
    p, q = random_boxes(n, seed), random_boxes(7, seed + 1)
    giou = b.generalized_box_iou(p, q)
    torch.testing.assert_close(giou, ops.generalized_box_iou(p, q), atol=1e-5, rtol=1e-5)
    assert (giou <= b.box_iou(p, q) + 1e-6).all() and (giou >= -1).all()


def test_boxes_without_area_overlap_nothing():
    point = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
    line = torch.tensor([[0.0, 1.0, 4.0, 1.0]])
    for other in (point, line, torch.tensor([[0.0, 0.0, 2.0, 2.0]])):
        assert b.box_iou(point, other).item() == 0
        assert math.isfinite(b.generalized_box_iou(point, other).item())
    assert b.generalized_box_iou(point, line).item() == 0  # the box around both has no area
    assert b.box_area(line).item() == 0
    assert b.box_iou(torch.zeros(0, 4), point).shape == (0, 1)


@pytest.mark.parametrize("overlap", [b.box_iou, b.generalized_box_iou])
def test_gradients(overlap):
    p = random_boxes(3, 1).double().requires_grad_()
    q = random_boxes(2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(overlap, (p, q))
    flat = torch.ones(1, 4, requires_grad=True)  # a point
    overlap(flat, flat).sum().backward()
    assert torch.isfinite(flat.grad).all()


def test_generalized_iou_leads_boxes_together_that_are_apart():
    fixed = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    for overlap, leads in ((b.box_iou, False), (b.generalized_box_iou, True)):
        moving = torch.tensor([[5.0, 0.0, 7.0, 2.0]], requires_grad=True)
        overlap(moving, fixed).sum().backward()
        assert bool(moving.grad[0, 0] < 0) == leads


@given(n=counts, seed=seeds, t=thresholds, whole=st.booleans(), ties=st.booleans())
def test_nms_by_hand_and_by_torchvision(n, seed, t, whole, ties):
    boxes, scores = random_boxes(n, seed, whole=whole), random_scores(n, seed, ties)
    kept = b.nms(boxes, scores, t)
    assert kept.dtype == torch.int64
    assert kept.tolist() == nms_by_hand(boxes.tolist(), scores.tolist(), [0] * n, t)
    assert kept.tolist() == ops.nms(boxes, scores, t).tolist()
    assert b.nms(boxes[kept], scores[kept], t).tolist() == list(range(len(kept)))  # nothing more


@given(n=counts, seed=seeds, t=thresholds, whole=st.booleans(), classes=st.integers(1, 9))
def test_batched_nms_by_hand(n, seed, t, whole, classes):
    boxes, scores = random_boxes(n, seed, whole=whole), random_scores(n, seed, ties=whole)
    labels = torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))
    kept = b.batched_nms(boxes, scores, labels, t).tolist()
    assert kept == nms_by_hand(boxes.tolist(), scores.tolist(), labels.tolist(), t)
    if not whole:  # torchvision sorts ties as it likes here
        assert kept == ops.batched_nms(boxes, scores, labels, t).tolist()


def test_many_blocks_of_boxes():
    boxes, scores = random_boxes(1500, 3, size=300.0), random_scores(1500, 3)
    labels = torch.arange(1500) % 11
    assert torch.equal(b.nms(boxes, scores, 0.5), ops.nms(boxes, scores, 0.5))
    ours, theirs = (f(boxes, scores, labels, 0.5) for f in (b.batched_nms, ops.batched_nms))
    assert torch.equal(ours, theirs)


def test_a_long_chain_of_rivals():
    """Each box overlaps the next one only: every other one stays, however long the chain is."""
    x = torch.arange(200.0)
    boxes = torch.stack([x, 0 * x, x + 2.0, 0 * x + 1], dim=1)  # IoU of neighbours 1/3
    assert b.nms(boxes, -x, 0.3).tolist() == list(range(0, 200, 2))


def test_an_iou_equal_to_the_threshold_stays():
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 2.1]])
    assert b.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 1]
    ten = torch.tensor([[0.0, 0.0, 10.0, 1.0], [0.0, 0.0, 3.0, 1.0]])  # IoU 3/10
    assert b.nms(ten, torch.tensor([0.9, 0.8]), 0.3).tolist() == [0, 1]
    assert b.nms(ten.double(), torch.tensor([0.9, 0.8]).double(), 0.3).tolist() == [0, 1]


def soft_nms_by_hand(boxes, scores, kind, t, sigma, least):
    scores, rest, kept = list(scores), list(range(len(scores))), []
    while rest:
        best = max(rest, key=lambda i: (scores[i], -i))
        if scores[best] < least:
            break
        rest.remove(best)
        kept.append(best)
        for i in rest:
            iou = iou_by_hand(boxes[best], boxes[i])
            if kind == "gaussian":
                scores[i] *= math.exp(-(iou**2) / sigma)
            elif iou > t:
                scores[i] *= 1 - iou
    return kept, [scores[i] for i in kept]


@given(n=st.integers(0, 25), seed=seeds, kind=st.sampled_from(["linear", "gaussian"]), t=thresholds)
def test_soft_nms_by_hand(n, seed, kind, t):
    boxes, scores = random_boxes(n, seed).double(), random_scores(n, seed).double()
    kept, lowered = b.soft_nms(boxes, scores, kind, t, sigma=0.4, score_threshold=0.05)
    expected = soft_nms_by_hand(boxes.tolist(), scores.tolist(), kind, t, 0.4, 0.05)
    assert kept.tolist() == expected[0]
    torch.testing.assert_close(lowered, torch.tensor(expected[1], dtype=torch.float64))
    assert (lowered.diff() <= 0).all() and (lowered <= scores[kept]).all()


def test_soft_nms_leaves_its_input_alone_and_becomes_nms():
    boxes, scores = random_boxes(40, 5, whole=True), random_scores(40, 5) + 0.1
    before = scores.clone()
    hard, lowered = b.soft_nms(boxes, scores, "gaussian", sigma=1e-7)  # the least overlap is fatal
    assert torch.equal(scores, before) and torch.equal(lowered, scores[hard])
    assert hard.tolist() == b.nms(boxes, scores, 0.0).tolist()


@given(
    height=st.integers(0, 5), width=st.integers(0, 5), stride=st.sampled_from([4, 8.0]), k=st.integers(1, 3)
)  # fmt: skip
def test_anchors_one_by_one(height, width, stride, k):
    sizes, ratios = (8.0, 16.0, 30.0)[:k], (0.5, 1.0, 2.0)
    anchors = b.anchors(height, width, stride, sizes, ratios)
    assert anchors.shape == (height * width * k * 3, 4)
    places = [(y, x, s, r) for y in range(height) for x in range(width) for s in sizes for r in ratios]  # fmt: skip
    for anchor, (y, x, size, ratio) in zip(anchors.tolist(), places, strict=True):
        x1, y1, x2, y2 = anchor
        assert (x2 - x1) * (y2 - y1) == pytest.approx(size**2, rel=1e-4)
        assert (y2 - y1) / (x2 - x1) == pytest.approx(ratio, rel=1e-4)
        assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx(((x + 0.5) * stride, (y + 0.5) * stride))  # fmt: skip


@given(n=counts, seed=seeds)
def test_decode_undoes_encode(n, seed):
    boxes, anchors = random_boxes(n, seed) + 1e-3, random_boxes(n, seed + 1)
    anchors[:, 2:] += 2  # none without a width
    boxes[:, 2:] += 2
    deltas = b.encode(boxes, anchors)
    torch.testing.assert_close(b.decode(deltas, anchors), boxes, atol=1e-3, rtol=1e-3)
    coder = pytest.importorskip("torchvision.models.detection._utils").BoxCoder((1.0,) * 4)
    theirs = coder.encode_single(boxes, anchors) if n else deltas
    torch.testing.assert_close(deltas, theirs, atol=1e-4, rtol=1e-4)
    wild = 9 * torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    theirs = coder.decode_single(wild, anchors) if n else anchors
    torch.testing.assert_close(b.decode(wild, anchors), theirs, rtol=1e-4, atol=1e-2)


def test_encode_broadcasts_and_stays_finite():
    boxes, anchors = random_boxes(5)[:, None], random_boxes(3, 1) + torch.tensor([0, 0, 1.0, 1])
    assert b.encode(boxes, anchors).shape == b.decode(torch.zeros(5, 3, 4), anchors).shape
    assert torch.isfinite(b.encode(torch.zeros(1, 4), anchors)).all()  # a point has no size
    big = b.decode(torch.full((4,), 50.0), torch.tensor([0.0, 0.0, 1.0, 1.0]))
    assert (big[2] - big[0]).item() == pytest.approx(62.5)


@given(n=counts, seed=seeds)
def test_clip_is_torchvisions(n, seed):
    boxes = random_boxes(n, seed, size=200.0) - 50
    clipped = b.clip(boxes, height=96, width=64)
    assert torch.equal(clipped, ops.clip_boxes_to_image(boxes, (96, 64)))
    assert torch.equal(b.clip(boxes[None], 96, 64)[0], clipped)


def test_bad_boxes_are_named():
    good, nan = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.full((1, 4), math.nan)
    for bad, says in (
        (torch.tensor([[0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 1.0, 1.0]]), r"got \[3.0, .* in row 1"),
        (torch.tensor([[0.0, 2.0, 1.0, 1.0]]), "y1 <= y2"),
        (nan, "finite"),
        (torch.tensor([[0.0, 0.0, math.inf, 1.0]]), "finite"),
        (torch.zeros(7, 5), r"must hold boxes \[N, 4\] as \(x1, y1, x2, y2\), got \[7, 5\]"),
        (torch.zeros(4), r"got \[4\]"),
    ):
        with pytest.raises(ValueError, match=says):
            b.box_iou(good, bad)
        with pytest.raises(ValueError, match=says):
            b.nms(bad, torch.zeros(len(bad)), 0.5)
    with pytest.raises(TypeError, match=r"floating point, got torch\.int64"):
        b.box_iou(good.long(), good)
    with pytest.raises(ValueError, match="box_area: boxes must have"):
        b.box_area(-good)
    for call in (b.nms, b.soft_nms):
        for scores, t, says in (
            (torch.zeros(2), 0.5, r"one for each box, \[1\], got \[2\]"),
            (torch.tensor([math.nan]), 0.5, "NaN"),
            (torch.zeros(1), 1.5, "in 0..1, got 1.5"),
        ):
            with pytest.raises(ValueError, match=says):
                call(good, scores, iou_threshold=t)
    with pytest.raises(ValueError, match=r"labels must be one for each box, \[1\], got \[3\]"):
        b.batched_nms(good, torch.zeros(1), torch.zeros(3), 0.5)
    with pytest.raises(ValueError, match="'linear' or 'gaussian', got 'hard'"):
        b.soft_nms(good, torch.zeros(1), "hard")
    with pytest.raises(ValueError, match="0 or above, got -1"):
        b.soft_nms(good, -torch.ones(1))
    with pytest.raises(ValueError, match="anchors must have a width"):
        b.encode(good, torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"deltas must be \[..., 4\].* got \[1, 5\]"):
        b.decode(torch.zeros(1, 5), good)
    with pytest.raises(ValueError, match="ratio must be above 0"):
        b.anchors(1, 1, 8, (8,), (0.0,))


def test_nothing_gives_nothing():
    none = torch.zeros(0, 4)
    assert b.nms(none, torch.zeros(0), 0.5).tolist() == []
    assert b.batched_nms(none, torch.zeros(0), torch.zeros(0).long(), 0.5).tolist() == []
    assert [len(part) for part in b.soft_nms(none, torch.zeros(0))] == [0, 0]
    assert b.anchors(0, 3, 8, (8,), (1.0,)).shape == (0, 4)
    assert b.encode(none, none).shape == b.decode(none, none).shape == b.clip(none, 1, 1).shape
