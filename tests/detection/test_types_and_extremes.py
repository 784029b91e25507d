"""Every floating type, values from 1e-30 to 1e20, gradients, and what is no tensor: right, or refused by name."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torchvision import ops

from course_lib.detection import anchors as anchors_module
from course_lib.detection.anchors import clip, decode, encode
from course_lib.detection.average_precision import (
    average_precision,
    evaluate_detections,
    precision_recall,
)
from course_lib.detection.losses import focal_loss, smooth_l1_loss
from course_lib.detection.masks import mask_iou
from course_lib.detection.matching import of_class, right_or_wrong
from course_lib.detection.overlap import box_area, box_iou, generalized_box_iou
from course_lib.detection.roi import roi_align, roi_pool
from course_lib.detection.suppression import batched_nms, nms, soft_nms
from tests.detection.box_cases import random_boxes, seeds

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
HALVES = FLOATS[:2]
overlaps = pytest.mark.parametrize("overlap", [box_iou, generalized_box_iou])
types = pytest.mark.parametrize("dtype", FLOATS)
square = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
two = torch.tensor([[0.0, 0.0, 300.0, 300.0], [0.0, 0.0, 300.0, 150.0]])  # areas above 65,504


def close(actual, expected, dtype):
    """Equal up to the resolution of the type, and of this type."""
    assert actual.dtype == dtype
    least = max(4 * torch.finfo(dtype).eps, 1e-13)
    torch.testing.assert_close(actual.double(), expected.double(), rtol=least, atol=least)


@types
@overlaps
@given(seed=seeds, unit=st.sampled_from([1.0, 30.0, 1000.0]))
def test_overlap_in_every_type_is_that_of_doubles(overlap, dtype, seed, unit):
    p = (unit * random_boxes(9, seed, size=20.0)).to(dtype)
    q = (unit * random_boxes(5, seed + 1, size=20.0)).to(dtype)
    close(overlap(p, q), overlap(p.double(), q.double()), dtype)


@overlaps
@pytest.mark.parametrize("dtype", HALVES)
def test_half_types_are_summed_in_float32(overlap, dtype):
    expected = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    close(overlap(two.to(dtype), two.to(dtype)), expected, dtype)
    assert overlap(two.to(dtype), two).dtype == torch.float32
    assert overlap(two.to(dtype), two.double()).dtype == torch.float64
    assert (
        overlap(torch.tensor([[-6e4, 0, 6e4, 1]]).half(), two.half()).isfinite().all()
    )  # 120,000 wide
    assert box_area(two.to(dtype)).dtype == torch.float32
    assert box_area(two.to(dtype)).tolist() == [90_000, 45_000] or dtype == torch.bfloat16


@overlaps
@pytest.mark.parametrize("unit", [1e-160, 1e-30, 1e-12, 1e12, 1e18, 1e20, 1e30])
def test_overlap_does_not_depend_on_the_unit_however_far(overlap, unit):
    p, q = random_boxes(7, 1).double(), random_boxes(5, 2).double()
    expected = overlap(p, q)
    types = FLOATS[1:] if 1e-37 < unit < 1e37 else FLOATS[3:]
    if 1e-149 < unit:
        for dtype in types:
            scaled = (p * unit).to(dtype), (q * unit).to(dtype)
            least = 0.2 if dtype == torch.bfloat16 else 1e-4
            measured = overlap(*scaled)
            torch.testing.assert_close(measured.double(), expected, atol=least, rtol=least)
            assert measured.max() <= 1 and measured.min() >= -1
    else:
        with pytest.raises(
            ValueError, match=r"coordinates up to 1e.150 and sides of 1e-150 or more"
        ):
            overlap(p * unit, q * unit)


@overlaps
def test_huge_and_tiny_boxes_beside_each_other(overlap):
    boxes = torch.cat([square * scale for scale in (1e-30, 1.0, 1e20)])
    torch.testing.assert_close(overlap(boxes, boxes).diag(), torch.ones(3))
    assert overlap(boxes, boxes).isfinite().all()
    far = torch.tensor([[0.0, 0, 100, 50], [50, 0, 150, 50]])
    torch.testing.assert_close(overlap(far + 8e6, far + 8e6), overlap(far, far))
    for scale in (1e-30, 1e20):
        one, other = (
            (square * scale).requires_grad_(),
            square * scale * torch.tensor([1, 1, 1, 0.5]),
        )
        overlap(one, other).sum().backward()
        assert one.grad.isfinite().all()


def test_areas_fit_into_their_type_or_are_refused():
    assert box_area(square * 1e-30).item() == 0  # 1.6e-59, of which float32 makes 0
    assert box_area((square * 1e20).double()).item() == pytest.approx(1.6e41)
    with pytest.raises(
        ValueError,
        match=r"box_area: areas must be finite and fit into torch.float32, .* got 1.6e\+41",
    ):
        box_area(square * 1e20)


@types
def test_encode_and_decode_in_every_type(dtype):
    boxes, start = random_boxes(30, 1) + 1, random_boxes(30, 2)
    boxes[:, 2:] += 2
    start[:, 2:] += 4
    boxes, start = boxes.to(dtype), start.to(dtype)
    offsets = encode(boxes, start)
    close(offsets, encode(boxes.double(), start.double()), dtype)
    close(decode(offsets, start) / 64, decode(offsets.double(), start.double()) / 64, dtype)
    assert decode(offsets, start.double()).dtype == torch.float64


def test_offsets_are_exact_far_from_the_origin():
    start = torch.tensor([[0.0, 0.0, 15.0, 9.0]])
    boxes = torch.tensor([[1.0, 2.0, 9.0, 9.0]])
    torch.testing.assert_close(encode(boxes + 8e6, start + 8e6), encode(boxes, start))
    back = decode(encode(boxes + 8e6, start + 8e6), start + 8e6)
    assert torch.equal(back, boxes + 8e6)


def test_offsets_that_no_number_holds_are_refused():
    for scale in (1e-30, 1e20):
        assert encode(square * scale, square * scale).tolist() == [[0, 0, 0, 0]]
        assert torch.equal(decode(torch.zeros(1, 4), square * scale), square * scale)
    with pytest.raises(
        ValueError, match=r"encode: offsets must be finite and fit into torch.float32"
    ):
        encode(square * 1e20 + 1e20, square * 1e-30)
    with pytest.raises(
        ValueError, match=r"decode: boxes must be finite and fit into torch.float16"
    ):
        decode(torch.tensor([[0.0, 0.0, 9.0, 0.0]]).half(), (square * 1000).half())
    with pytest.raises(ValueError, match=r"decode: offsets .* NaN or infinity, first at .0, 1."):
        decode(torch.tensor([[0.0, math.nan, 0.0, 0.0]]), square)
    narrow = decode(torch.tensor([[0.3, 0.7, -200.0, -3e38]]), square)
    assert (narrow[:, :2] <= narrow[:, 2:]).all()
    point = torch.zeros(1, 4, requires_grad=True)
    encode(point, square).sum().backward()
    assert point.grad.isfinite().all()


def test_anchors_are_finite_or_refused():
    assert anchors_module.anchors(2, 2, 8, (1e20, 1e-20), (1.0,)).isfinite().all()
    assert anchors_module.anchors(2, 2, 8, (), (1.0,)).shape == (0, 4)
    for stride, sizes in ((8, (1e39,)), (1e39, (8,))):
        with pytest.raises(
            ValueError, match=r"anchors: anchors must be finite and fit into torch\.float32"
        ):
            anchors_module.anchors(1, 1, stride, sizes, (1.0,))


@given(seed=seeds)
def test_decoded_boxes_are_never_inside_out(seed):
    dice = torch.Generator().manual_seed(seed)
    offsets = torch.randn(50, 4, generator=dice) * torch.tensor([3.0, 3.0, 30.0, 30.0])
    boxes = decode(offsets, random_boxes(50, seed) + torch.tensor([0.0, 0, 1, 1]))
    assert (boxes[:, :2] <= boxes[:, 2:]).all()


@types
def test_clip_never_leaves_the_image(dtype):
    for side in (1027, 2051, 4097.5, 70_000, 0):
        clipped = clip(torch.tensor([[-3.0, 5.0, 6e4, 6e4]]).to(dtype), side, side)
        assert clipped.dtype == dtype and clipped.max().item() <= side and clipped.min() >= 0
    for bad in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"clip: width must be 0 or above"):
            clip(square, 10, bad)


@types
def test_nms_in_every_type(dtype):
    boxes = (10 * random_boxes(80, 3)).to(dtype)
    scores = torch.linspace(0, 1, 80).to(dtype)  # with ties in the half types
    labels = torch.arange(80) % 3
    expected = nms(boxes.double(), scores.double(), 0.3).tolist()
    assert nms(boxes, scores, 0.3).tolist() == expected
    by_class = batched_nms(boxes.double(), scores.double(), labels, 0.3).tolist()
    assert batched_nms(boxes, scores, labels, 0.3).tolist() == by_class
    for kind in ("linear", "gaussian"):
        kept, lowered = soft_nms(boxes, scores, kind)
        exact = soft_nms(boxes.double(), scores.double(), kind)
        assert kept[:10].tolist() == exact[0][:10].tolist()
        close(lowered[:10], exact[1][:10], dtype)
    assert nms(two.to(dtype), torch.ones(2).to(dtype), 0.4).tolist() == [0]
    assert nms(two.to(dtype), torch.ones(2).to(dtype), 0.6).tolist() == [0, 1]


@pytest.mark.parametrize("unit", [1e-30, 1e20])
def test_nms_does_not_depend_on_the_unit(unit):
    boxes, scores = (
        random_boxes(200, 3),
        torch.rand(200, generator=torch.Generator().manual_seed(0)),
    )
    labels = torch.arange(200) % 4
    assert torch.equal(nms(boxes * unit, scores, 0.3), nms(boxes, scores, 0.3))
    assert torch.equal(
        batched_nms(boxes * unit, scores, labels, 0.3), batched_nms(boxes, scores, labels, 0.3)
    )
    for a, b in zip(soft_nms(boxes * unit, scores), soft_nms(boxes, scores), strict=True):
        torch.testing.assert_close(a, b)


def test_infinite_scores_and_ties_go_by_number():
    boxes = torch.cat([square + 9 * i for i in range(5)])
    scores = torch.tensor([-math.inf, 1.0, math.inf, math.inf, -math.inf])
    assert nms(boxes, scores, 0.5).tolist() == [2, 3, 1, 0, 4]
    assert batched_nms(boxes, scores, torch.arange(5), 0.5).tolist() == [2, 3, 1, 0, 4]
    with pytest.raises(
        ValueError, match=r"soft_nms: scores must be 0 or above and finite, got inf"
    ):
        soft_nms(boxes, scores.abs())


@given(seed=seeds, n=st.integers(0, 60), classes=st.integers(1, 5))
def test_classes_may_have_any_numbers(seed, n, classes):
    boxes = random_boxes(n, seed)
    scores = torch.rand(n, generator=torch.Generator().manual_seed(seed))
    names = torch.tensor([-(2**62), -1, 0, 3, 2**62])
    labels = torch.arange(n) % classes
    expected = batched_nms(boxes, scores, labels, 0.4)
    assert torch.equal(batched_nms(boxes, scores, names[labels], 0.4), expected)


def test_a_large_class_beside_small_ones():
    boxes, scores = (
        random_boxes(900, 5, size=200.0),
        torch.rand(900, generator=torch.Generator().manual_seed(2)),
    )
    labels = torch.where(torch.arange(900) % 3 > 0, 7, torch.arange(900) % 40)
    assert torch.equal(
        batched_nms(boxes, scores, labels, 0.4), ops.batched_nms(boxes, scores, labels, 0.4)
    )


def test_gradients_do_not_matter_to_nms_and_nothing_is_changed():
    boxes, scores = random_boxes(30, 1), torch.rand(30, generator=torch.Generator().manual_seed(1))
    learned = boxes.clone().requires_grad_(), scores.clone().requires_grad_()
    labels = torch.zeros(30, dtype=torch.int64)
    assert torch.equal(nms(*learned, 0.3), nms(boxes, scores, 0.3))
    assert torch.equal(batched_nms(*learned, labels, 0.3), batched_nms(boxes, scores, labels, 0.3))
    assert torch.equal(soft_nms(*learned)[1], soft_nms(boxes, scores)[1])
    assert torch.equal(learned[0], boxes) and torch.equal(learned[1], scores)
    turned = boxes.T.contiguous().T  # the same numbers, column by column
    assert torch.equal(nms(turned, scores, 0.3), nms(boxes, scores, 0.3))
    assert torch.equal(box_iou(turned, turned), box_iou(boxes, boxes))


@types
@pytest.mark.parametrize("pool", [roi_pool, roi_align])
def test_roi_in_every_type(pool, dtype):
    features = (30 * torch.randn(2, 3, 9, 11, generator=torch.Generator().manual_seed(4))).to(dtype)
    rois = [torch.tensor([[-9.0, -7.0, 40.0, 300.0], [5.0, 5.0, 5.0, 5.0]]), torch.zeros(0, 4)]
    rois = [boxes.to(dtype) for boxes in rois]
    pooled = pool(features.clone().requires_grad_(), rois, 3, 1 / 8)
    close(pooled / 100, pool(features.double(), [b.double() for b in rois], 3, 1 / 8) / 100, dtype)
    pooled.sum().backward()
    assert pool(features, [rois[0].double(), rois[1]], 3, 1 / 8).dtype == dtype


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
def test_roi_outside_of_the_map_and_huge(pool):
    features = torch.ones(1, 2, 4, 4, requires_grad=True)
    for box in (
        [1e20, 1e20, 2e20, 2e20],
        [-1e20, -1e20, 1e20, 1e20],
        [8e6, 0, 8e6 + 9, 9],
        [0, 0, 1e-30, 1e-30],
    ):
        pooled = pool(features, [torch.tensor([box])], 2, 1 / 8)
        assert pooled.isfinite().all() and pooled.max() <= 1
        pooled.sum().backward()
        assert features.grad.isfinite().all()
    with pytest.raises(TypeError, match=r"rois\[0\] must hold boxes .*, got list"):
        pool(features, [[[0.0, 0.0, 1.0, 1.0]]], 2, 1 / 8)
    with pytest.raises(TypeError, match=r"output_size must be a whole number, got 2.5"):
        pool(features, [square], 2.5, 1 / 8)
    for nothing in (torch.zeros(1, 2, 0, 4), torch.zeros(1, 0, 4, 4)):
        with pytest.raises(
            ValueError, match=rf"{pool.__name__}: features must have a channel and a cell, got "
        ):
            pool(nothing, [square], 2, 1 / 8)


@types
@pytest.mark.parametrize("gamma", [0.0, 0.25, 0.5, 1.0, 2.0])
def test_focal_loss_has_a_gradient_everywhere(gamma, dtype):
    logits = torch.tensor([0.0, 1, -1, 20, -20, 100, -100, 6e4, -6e4]).to(dtype).repeat(2)
    targets = torch.tensor([0.0, 1]).repeat_interleave(9).to(dtype)
    learned = logits.clone().requires_grad_()
    loss = focal_loss(learned, targets, 0.3, gamma)
    loss.sum().backward()
    assert loss.dtype == dtype and loss.isfinite().all() and learned.grad.isfinite().all()
    exact = logits.double().requires_grad_()
    # up to |logit| = 20 torchvision has no trouble in doubles
    few = exact.abs() <= 20
    expected = ops.sigmoid_focal_loss(exact[few], targets.double()[few], 0.3, gamma)
    close(loss.detach()[few], expected.detach(), dtype)
    expected.sum().backward()
    close(learned.grad[few], exact.grad[few], dtype)


def test_focal_loss_keeps_small_numbers_small_and_right():
    logits = torch.tensor([20.0, 30.0], requires_grad=True)
    loss = focal_loss(logits, torch.ones(2), 1.0, 0.5)
    torch.testing.assert_close(loss, torch.exp(-1.5 * logits), rtol=1e-5, atol=0)  # w^.5 log(1 + w)
    with pytest.raises(ValueError, match=r"focal_loss: targets must be 0 or 1, got 0.5"):
        focal_loss(logits, torch.tensor([1.0, 0.5]))
    with pytest.raises(ValueError, match=r"focal_loss: logits .* NaN or infinity"):
        focal_loss(torch.tensor([1.0, math.inf]), torch.ones(2))


@types
@pytest.mark.parametrize("beta", [1e-30, 1e-4, 1 / 9, 1.0, 1e30])
def test_smooth_l1_with_any_beta(beta, dtype):
    errors = [0.0, 1e-4, 1 / 9, 0.5, 3.0, 6e4] + ([1e20, -1e20] if dtype != torch.float16 else [])
    prediction = torch.tensor(errors).to(dtype).requires_grad_()
    loss = smooth_l1_loss(prediction, torch.zeros_like(prediction), beta)
    exact = prediction.detach().double().requires_grad_()
    peer = F.smooth_l1_loss(exact, torch.zeros_like(exact), beta=beta, reduction="none")
    assert loss.dtype == dtype
    torch.testing.assert_close(loss.double(), peer, rtol=4 * torch.finfo(dtype).eps, atol=1e-7)
    loss.sum().backward()
    peer.sum().backward()
    close(prediction.grad, exact.grad, dtype)
    with pytest.raises(ValueError, match=r"smooth_l1_loss: beta must be 1e-30 or more"):
        smooth_l1_loss(prediction, prediction, beta=1e-300)


def detection(score=0.9, dtype=torch.float32, **more):
    one = {"boxes": square.to(dtype), "labels": torch.zeros(1, dtype=torch.int64), **more}
    return one if score is None else {**one, "scores": torch.tensor([score]).to(dtype)}


@types
def test_judging_detections_of_every_type(dtype):
    found, target = detection(dtype=dtype), detection(None, dtype)
    found = {
        **found,
        "boxes": found["boxes"].requires_grad_() * 1,
        "scores": found["scores"].requires_grad_(),
    }
    for kind in ("coco", "voc07", "voc12"):
        assert evaluate_detections([found], [target], kind)["AP"] == 1
        assert right_or_wrong([found], [target], kind=kind)[0].tolist() == [1]
        scores, correct, positives = of_class([found], [target], 0, kind=kind)
        precision, recall = precision_recall(scores, correct, positives)
        assert average_precision(precision.to(dtype), recall.to(dtype), kind) == 1
    area = torch.tensor([16.0]).to(dtype)
    assert (
        evaluate_detections([found], [{**target, "area": area, "iscrowd": torch.zeros(1)}])["AP"]
        == 1
    )


@pytest.mark.parametrize("scale", [1e-30, 1e6, 1e20])
def test_judging_huge_and_tiny_boxes(scale):
    boxes = square * scale
    found, target = detection(boxes=boxes), detection(None, boxes=boxes)
    for kind in ("coco", "voc12"):
        assert evaluate_detections([found], [target], kind)["AP50"] == 1


def test_judging_what_is_no_tensor_is_refused_by_name():
    found, target = detection(), detection(None)
    empty = torch.tensor([])
    for bad, says in (
        ({**found, "labels": [0]}, "predictions: labels must be tensors, got list in image 0"),
        ({**found, "boxes": [[0.0, 0, 4, 4]]}, "predictions: boxes must be tensors, got list"),
        ({**found, "scores": np.ones(1)}, "predictions: scores must be tensors, got ndarray"),
        ({**found, "labels": torch.zeros(1, dtype=torch.int32)}, ".* labels must be .* int64, got .* int32"),
        ({"boxes": empty, "labels": empty, "scores": empty}, ".* labels must be .* int64, got .0. of float32"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=f"^evaluate_detections: {says}"):
            evaluate_detections([bad], [target])
    for bad, says in (
        ([{**found, "scores": torch.ones(1, 1)}], r"scores must be one for each label .*, got \[1, 1\]"),
        ([{**found, "boxes": torch.zeros(1, 5)}], r"predictions: boxes must hold boxes .*, got \[1, 5\]"),
        ([None], "predictions must hold boxes, labels and scores .*, got NoneType in image 0"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"^evaluate_detections: {says}"):
            evaluate_detections(bad, [target])
    for area in (-1.0, math.nan):
        with pytest.raises(ValueError, match=r"evaluate_detections: area must be 0 or above, got"):
            evaluate_detections([found], [{**target, "area": torch.tensor([area])}])
    with pytest.raises(TypeError, match=r"predictions must be a list with a dict .*, got dict"):
        evaluate_detections(found, [target])
    none = {"boxes": empty, "labels": empty.long(), "scores": empty}
    assert evaluate_detections([none, found], [target, target])["AP"] == pytest.approx(51 / 101)
    assert [len(part) for part in of_class([], [], 0)[:2]] == [0, 0]


def test_a_detection_that_does_not_count_is_left_out_of_the_curve():
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6])
    precision, recall = precision_recall(scores, torch.tensor([1, -1, 0, 1]), 4)
    torch.testing.assert_close(precision, torch.tensor([1, 1 / 2, 2 / 3]).double())
    assert recall.tolist() == [0.25, 0.25, 0.5]
    assert precision_recall(scores[:1], torch.tensor([-1]), 1)[0].tolist() == []
    for bad in (torch.tensor([2]), torch.tensor([0.5]), torch.tensor([math.nan])):
        with pytest.raises(ValueError, match=r"correct must hold 1, 0 or -1 \(does not count\)"):
            precision_recall(scores[:1], bad, 4)
    for bad in (0.5, math.nan, None):
        with pytest.raises(TypeError, match=r"positives must be a whole number"):
            precision_recall(scores[:1], torch.tensor([1]), bad)


def test_verdicts_lead_to_the_same_curve_with_and_without_those_that_do_not_count():
    crowd = {
        "boxes": torch.cat([square, square + 50, square + 100]), "labels": torch.zeros(3).long(),
        "iscrowd": torch.tensor([0, 1, 0]),
    }  # fmt: skip
    found = {
        "boxes": crowd["boxes"][[0, 1, 1, 2]], "labels": torch.zeros(4).long(),
        "scores": torch.tensor([0.6, 0.9, 0.8, 0.7]),
    }  # fmt: skip
    (verdict,) = right_or_wrong([found], [crowd])
    assert verdict.tolist() == [1, -1, -1, 1]
    curve = precision_recall(found["scores"], verdict, 2)
    for ours, without in zip(curve, precision_recall(*of_class([found], [crowd], 0)), strict=True):
        assert torch.equal(ours, without)


@pytest.mark.parametrize("dtype", FLOATS)
def test_recall_of_single_precision_reaches_its_points(dtype):
    """float32's .7 is a little less than .7, and still is the point .7."""
    recall = torch.from_numpy(np.linspace(0, 1, 11)[1:]).to(dtype)
    precision = torch.linspace(1, 0.5, 10).to(dtype)
    expected = (precision.double()[0] + precision.double().sum()).item() / 11
    assert average_precision(precision, recall, "voc07") == pytest.approx(expected, abs=1e-9)
    for bad, says in (
        (recall * 1.5, "recall must lie in 0..1"),
        (recall * math.nan, "recall must lie"),
    ):
        with pytest.raises(ValueError, match=says):
            average_precision(precision, bad)


def test_masks_are_counted_exactly_under_autocast_too():
    masks = torch.ones(2, 60, 70, dtype=torch.bool)  # 4,200 pixels: bfloat16 counts up to 256
    masks[1, 0, :7] = False
    found = {"masks": masks, "labels": torch.zeros(2).long(), "scores": torch.tensor([0.9, 0.8])}
    target = {"masks": masks, "labels": torch.zeros(2).long()}
    expected = mask_iou(masks, masks), evaluate_detections([found], [target], shapes="masks")
    assert expected[0][0, 1].item() == pytest.approx(4193 / 4200)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mask_iou(masks, masks), expected[0])
        assert evaluate_detections([found], [target], shapes="masks") == expected[1]
    for bad in (masks.byte(), masks.float(), masks.tolist(), masks.numpy()):
        with pytest.raises(TypeError, match=r"mask_iou: b must hold masks \[N, H, W\], bool, got"):
            mask_iou(masks, bad)


def test_autocast_changes_nothing():
    p, q = random_boxes(9, 1), random_boxes(7, 2)
    features = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    calls = (
        lambda: box_iou(p, q), lambda: generalized_box_iou(p, q), lambda: roi_align(features, [p], 2, 1 / 8),
        lambda: roi_pool(features, [p], 2, 1 / 8), lambda: focal_loss(p, (p > 9).float()),
        lambda: nms(p, p[:, 0], 0.3), lambda: smooth_l1_loss(p, p + 1), lambda: decode(p / 40, p),
    )  # fmt: skip
    for call in calls:
        before = call()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(call(), before) and call().dtype == before.dtype


boxes4, scores4 = random_boxes(4, 1) + torch.tensor([0.0, 0, 1, 1]), torch.rand(4)
labels4, maps, masks4 = torch.arange(4), torch.zeros(1, 2, 4, 4), torch.ones(4, 3, 3) > 0
CALLS = {
    box_area: (boxes4,), box_iou: (boxes4, boxes4), generalized_box_iou: (boxes4, boxes4),
    encode: (boxes4, boxes4), decode: (torch.zeros(4, 4), boxes4), clip: (boxes4, 9, 9),
    nms: (boxes4, scores4, 0.5), batched_nms: (boxes4, scores4, labels4, 0.5), soft_nms: (boxes4, scores4),
    roi_pool: (maps, [boxes4], 2, 0.5), roi_align: (maps, [boxes4], 2, 0.5), mask_iou: (masks4, masks4),
    focal_loss: (scores4, torch.ones(4)), smooth_l1_loss: (scores4, scores4),
    precision_recall: (scores4, scores4 > 2, 3), average_precision: (torch.ones(4), torch.ones(4)),
    anchors_module.anchors: (2, 2, 8, (8.0,), (1.0,)),
}  # fmt: skip
ANY_AXES = (box_area, encode, decode, clip)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_whatever_is_not_expected_is_refused_by_name(call):
    """In the place of every argument: a list, an array, None, text, a whole or complex tensor, a number in a tensor."""
    right = CALLS[call]
    call(*right)
    for i, value in enumerate(right):
        others = [
            None,
            "boxes",
            {},
            torch.tensor(3),
            torch.zeros(2, 3, 5, 7, 1),
            torch.zeros(4, 4, dtype=torch.complex64),
        ]
        if isinstance(value, torch.Tensor):
            others += [value.tolist(), value.numpy(), value[..., None]]
            if value.is_floating_point() and call is not precision_recall:
                others.append(value.long() - 9)
            if call not in ANY_AXES:
                others.append(value[0])
        for other in others:
            with pytest.raises((TypeError, ValueError)) as error:
                call(*right[:i], other, *right[i + 1 :])
            assert re.match(rf"{call.__name__}: .*got ", str(error.value)), str(error.value)
