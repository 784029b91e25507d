import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision import ops

from course_lib.by_definition import detection as plain
from course_lib.detection import anchors as anchors_module
from course_lib.detection.anchors import clip, decode, encode
from course_lib.detection.overlap import box_area, box_iou, generalized_box_iou
from tests.detection.box_cases import bad_boxes, counts, good, random_boxes, seeds


@given(n=counts, m=counts, seed=seeds, whole=st.booleans())
def test_iou_by_definition_and_by_torchvision(n, m, seed, whole):
    p, q = random_boxes(n, seed, whole=whole), random_boxes(m, seed + 1, whole=whole)
    iou = box_iou(p, q)
    expected = plain.box_iou(p.tolist(), q.tolist())  # lists: they are quicker number by number
    torch.testing.assert_close(iou, expected, atol=1e-5, rtol=0)
    theirs = ops.box_iou(p, q).nan_to_num(0)  # NaN where both have no area
    assert torch.equal(iou, theirs)
    torch.testing.assert_close(box_iou(q, p).T, iou)
    assert iou.numel() == 0 or (iou.min() >= 0 and iou.max() <= 1)


@given(n=counts, seed=seeds)
def test_generalized_iou_is_torchvisions(n, seed):
    p, q = random_boxes(n, seed), random_boxes(7, seed + 1)
    giou = generalized_box_iou(p, q)
    torch.testing.assert_close(giou, ops.generalized_box_iou(p, q), atol=1e-5, rtol=1e-5)
    assert (giou <= box_iou(p, q) + 1e-6).all() and (giou >= -1).all()


@given(seed=seeds, unit=st.sampled_from([1e-3, 1 / 96, 1000.0]))
def test_overlap_does_not_depend_on_the_unit(seed, unit):
    p, q = random_boxes(7, seed), random_boxes(5, seed + 1)
    for overlap in (box_iou, generalized_box_iou):
        torch.testing.assert_close(overlap(p * unit, q * unit), overlap(p, q), atol=1e-4, rtol=1e-4)


def test_boxes_without_area_overlap_nothing():
    point = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
    line = torch.tensor([[0.0, 1.0, 4.0, 1.0]])
    for other in (point, line, torch.tensor([[0.0, 0.0, 2.0, 2.0]])):
        assert box_iou(point, other).item() == 0
        assert math.isfinite(generalized_box_iou(point, other).item())
    assert generalized_box_iou(point, line).item() == 0  # the box around both has no area
    assert box_area(line).item() == 0 and box_area(line[None]).shape == (1, 1)
    assert box_iou(torch.zeros(0, 4), point).shape == (0, 1)


@pytest.mark.parametrize("overlap", [box_iou, generalized_box_iou])
def test_gradients(overlap):
    p = random_boxes(3, 1).double().requires_grad_()
    q = random_boxes(2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(overlap, (p, q))
    flat = torch.ones(1, 4, requires_grad=True)  # a point
    overlap(flat, flat).sum().backward()
    assert torch.isfinite(flat.grad).all()


def test_generalized_iou_leads_boxes_together_that_are_apart():
    fixed = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    for overlap, leads in (
        (box_iou, False),
        (generalized_box_iou, True),
    ):
        moving = torch.tensor([[5.0, 0.0, 7.0, 2.0]], requires_grad=True)
        overlap(moving, fixed).sum().backward()
        assert bool(moving.grad[0, 0] < 0) == leads


@given(
    height=st.integers(0, 5), width=st.integers(0, 5), stride=st.sampled_from([4, 8.0]), k=st.integers(1, 3)
)  # fmt: skip
def test_anchors_one_by_one(height, width, stride, k):
    sizes, ratios = (8.0, 16.0, 30.0)[:k], (0.5, 1.0, 2.0)
    anchors = anchors_module.anchors(height, width, stride, sizes, ratios)
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
    deltas = encode(boxes, anchors)
    torch.testing.assert_close(decode(deltas, anchors), boxes, atol=1e-3, rtol=1e-3)
    coder = pytest.importorskip("torchvision.models.detection._utils").BoxCoder((1.0,) * 4)
    theirs = coder.encode_single(boxes, anchors) if n else deltas
    torch.testing.assert_close(deltas, theirs, atol=1e-4, rtol=1e-4)
    wild = 9 * torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    theirs = coder.decode_single(wild, anchors) if n else anchors
    torch.testing.assert_close(decode(wild, anchors), theirs, rtol=1e-4, atol=1e-2)


def test_encode_broadcasts_and_stays_finite():
    boxes, anchors = random_boxes(5)[:, None], random_boxes(3, 1) + torch.tensor([0, 0, 1.0, 1])
    assert encode(boxes, anchors).shape == decode(torch.zeros(5, 3, 4), anchors).shape
    point = encode(torch.zeros(1, 4), anchors)  # has no size: it counts as a millionth
    torch.testing.assert_close(point[:, 2:], torch.full((3, 2), math.log(1e-6)))
    big = decode(torch.full((4,), 50.0), torch.tensor([0.0, 0.0, 1.0, 1.0]))
    assert (big[2] - big[0]).item() == pytest.approx(62.5)


@given(n=counts, seed=seeds)
def test_clip_is_torchvisions(n, seed):
    boxes = random_boxes(n, seed, size=200.0) - 50
    clipped = clip(boxes, height=96, width=64)
    assert torch.equal(clipped, ops.clip_boxes_to_image(boxes, (96, 64)))
    assert torch.equal(clip(boxes[None], 96, 64)[0], clipped)


def test_bad_boxes_are_named():
    for bad, says in bad_boxes:
        for overlap in (box_iou, generalized_box_iou):
            for pair in ((bad, good), (good, bad)):
                with pytest.raises(ValueError, match=says):
                    overlap(*pair)
        for call in (
            box_area,
            lambda boxes: clip(boxes, 1, 1),
            lambda boxes: encode(boxes, good),
            lambda boxes: encode(good, boxes),
            lambda boxes: decode(torch.zeros(1, 4), boxes),
        ):
            with pytest.raises(ValueError, match=says):
                call(bad)
    with pytest.raises(ValueError, match=r"b must hold boxes \[N, 4\] .*, got \[4\]"):
        box_iou(good, torch.zeros(4))
    with pytest.raises(TypeError, match=r"floating point, got torch\.int64"):
        box_iou(good.long(), good)
    with pytest.raises(TypeError, match="floating point, got list"):
        box_iou(good.tolist(), good)
    with pytest.raises(ValueError, match="box_area: boxes must have"):
        box_area(-good)
    with pytest.raises(ValueError, match="anchors must have a width"):
        encode(good, torch.zeros(1, 4))
    with pytest.raises(ValueError, match="anchors must have a width"):  # one of two has none
        encode(good, torch.cat([good, torch.zeros(1, 4)]))
    with pytest.raises(ValueError, match=r"offsets must be \[..., 4\].* got \[1, 5\]"):
        decode(torch.zeros(1, 5), good)
    for stride, size, ratio, says in ((0, 8, 1, "stride"), (8, 0, 1, "size"), (8, 8, 0, "ratio")):
        with pytest.raises(ValueError, match=f"anchors: {says} must be above 0, got 0"):
            anchors_module.anchors(1, 1, stride, (size,), (ratio,))


def test_nothing_gives_nothing():
    none = torch.zeros(0, 4)
    assert anchors_module.anchors(0, 3, 8, (8,), (1.0,)).shape == (0, 4)
    assert encode(none, none).shape == decode(none, none).shape == clip(none, 1, 1).shape
