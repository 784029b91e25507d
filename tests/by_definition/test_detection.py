"""Boxes, NMS, regions and losses: by hand, as torchvision has them, as the library does."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torchvision import ops
from torchvision.models.detection._utils import BoxCoder

from course_lib.by_definition import detection as plain
from course_lib.detection import anchors as offsets
from course_lib.detection import losses, masks, overlap, roi, suppression
from course_lib.detectors import targets
from tests.detection.box_cases import random_boxes, seeds

thresholds = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
few = st.integers(0, 12)
SQUARE = [0.0, 0.0, 4.0, 4.0]


def test_overlap_by_hand():
    assert plain.iou(SQUARE, [2.0, 0.0, 6.0, 4.0]) == 8 / 24
    assert plain.iou(SQUARE, [4.0, 0.0, 6.0, 4.0]) == 0  # they only touch
    assert plain.iou([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]) == 0
    assert plain.generalized_iou(SQUARE, [8.0, 0.0, 12.0, 4.0]) == -16 / 48
    assert plain.generalized_iou([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]) == 0
    table = plain.box_iou(torch.tensor([SQUARE]), torch.tensor([SQUARE, [2.0, 0.0, 6.0, 4.0]]))
    torch.testing.assert_close(table, torch.tensor([[1.0, 1 / 3]]))
    full = torch.ones(1, 4, 4, dtype=torch.bool)
    assert plain.mask_iou(full, torch.cat([full.tril(), ~full])).tolist() == [[0.625, 0]]
    assert plain.mask_iou(~full, ~full).tolist() == [[0]]


def test_anchors_and_offsets_by_hand():
    assert plain.anchors(1, 2, 8, (8,), (1.0,)).tolist() == [[0, 0, 8, 8], [8, 0, 16, 8]]
    assert plain.anchors(1, 1, 8, (8,), (4.0,)).tolist() == [[2, -4, 6, 12]]
    anchor, box = torch.tensor([SQUARE]), torch.tensor([[4.0, 0.0, 8.0, 8.0]])
    encoded = plain.encode(box, anchor)
    torch.testing.assert_close(encoded, torch.tensor([[1.0, 0.5, 0.0, math.log(2)]]))
    torch.testing.assert_close(plain.decode(encoded, anchor), box)
    big = plain.decode(torch.tensor([[0.0, 0.0, 9.0, 0.0]]), anchor)[0]
    assert (big[2] - big[0]).item() == pytest.approx(4 * 62.5)


def test_assignment_by_hand():
    boxes, labels = torch.tensor([SQUARE, [0.0, 20.0, 10.0, 30.0]]), torch.tensor([7, 8])
    candidates = torch.tensor(
        [
            SQUARE,
            [0.0, 0.0, 4.0, 2.0],
            [0.0, 0.0, 4.0, 1.0],
            [50.0, 0.0, 54.0, 4.0],
            [0.0, 20.0, 10.0, 22.0],
        ]
    )  # IoU 1, 1/2, 1/4 and 0 with the first, 1/5 with the second; fmt: skip
    classes, objects = plain.assign(candidates, boxes, labels, low=0.3, high=0.7)
    assert (classes.tolist(), objects.tolist()) == ([7, -2, -1, -1, -1], [0, 0, 0, 0, 1])
    rescued = plain.assign(candidates, boxes, labels, low=0.3, high=0.7, rescue=True)[0]
    assert rescued.tolist() == [7, -2, -1, -1, 8]
    limits = plain.assign(candidates, boxes, labels, low=0.25, high=0.5)[0]
    assert limits.tolist() == [7, 7, -2, -1, -1]
    nothing = plain.assign(candidates, boxes[:0], labels[:0], 0.3, 0.7, rescue=True)
    assert [part.tolist() for part in nothing] == [[-1] * 5, [0] * 5]


def test_suppression_by_hand():
    boxes = torch.tensor(
        [SQUARE, [0.0, 0.0, 4.0, 3.0], [0.0, 0.0, 4.0, 1.5], [9.0, 9.0, 10.0, 10.0]]
    )
    scores = torch.tensor([0.8, 0.6, 0.9, 0.8])  # IoU 3/4, 3/8, 1/2
    assert plain.nms(boxes, scores, 0.5).tolist() == [2, 0, 3]  # an IoU of just t stays
    assert plain.nms(boxes, scores, 0.49).tolist() == [2, 0, 3]
    assert plain.nms(boxes, scores, 0.3).tolist() == [2, 3]
    assert plain.batched_nms(boxes, scores, torch.tensor([0, 0, 1, 0]), 0.3).tolist() == [2, 0, 3]
    kept, lowered = plain.soft_nms(boxes[:2], scores[:2])
    assert kept.tolist() == [0, 1] and lowered.tolist() == pytest.approx([0.8, 0.6 / 4])
    lowered = plain.soft_nms(boxes[:2], scores[:2], "gaussian", sigma=0.5)[1]
    assert lowered.tolist() == pytest.approx([0.8, 0.6 * math.exp(-(0.75**2) / 0.5)])
    assert plain.soft_nms(boxes[:2], scores[:2], score_threshold=0.2)[0].tolist() == [0]
    none = torch.zeros(0, 4)
    assert plain.nms(none, none[:, 0], 0.5).tolist() == []
    assert [part.tolist() for part in plain.soft_nms(none, none[:, 0])] == [[], []]


def test_regions_by_hand():
    features = torch.arange(16.0).view(1, 1, 4, 4)
    box = [torch.tensor([[0.0, 0.0, 24.0, 24.0]])]
    assert plain.roi_pool(features, box, 2, 1 / 8).tolist() == [[[[5, 7], [13, 15]]]]
    box = [torch.tensor([[4.0, 4.0, 20.0, 20.0]])]
    assert plain.roi_align(features, box, 2, 1 / 8).tolist() == [[[[2.5, 3.5], [6.5, 7.5]]]]
    assert [plain.round_half_away(x) for x in (-1.5, -0.5, -0.4, 0.5, 2.5)] == [-2, -1, 0, 1, 3]
    assert plain.cells_of_bin(0, 2, 0, 4, end=12) == (0, 3)  # of five cells the middle one twice
    assert plain.cells_of_bin(1, 2, 0, 4, end=12) == (2, 5)
    assert plain.cells_of_bin(0, 1, -3, -2, end=12) == (0, 0)  # outside there are none
    assert plain.interpolate(features[0], 0.5, 1.0).item() == 4.5
    assert plain.interpolate(features[0], -1.0, 0.0).item() == 0
    assert plain.interpolate(features[0], 4.0, 0.0).item() == 3  # as on the edge
    assert plain.interpolate(1 + features[0], 4.1, 0.0).item() == 0


def test_losses_by_hand():
    errors = torch.tensor([0.5, -1.0, 3.0])
    assert plain.smooth_l1_loss(errors, torch.zeros(3)).tolist() == [0.125, 0.5, 2.5]
    assert plain.smooth_l1_loss(errors, torch.zeros(3), beta=2.0).tolist() == [0.0625, 0.25, 2]
    loss = plain.focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0]), alpha=0.25, gamma=2.0)
    assert loss.tolist() == pytest.approx([0.25 * 0.25 * math.log(2), 0.75 * 0.25 * math.log(2)])


@settings(max_examples=40, deadline=None)
@given(n=few, m=few, seed=seeds, whole=st.booleans())
def test_overlap_as_torchvision_and_the_library(n, m, seed, whole):
    a, b = random_boxes(n, seed, whole=whole), random_boxes(m, seed + 1, whole=whole)
    for ours, theirs, library in (
        (plain.box_iou, ops.box_iou, overlap.box_iou),
        (plain.generalized_box_iou, ops.generalized_box_iou, overlap.generalized_box_iou),
    ):
        table = ours(a, b)
        torch.testing.assert_close(table, library(a, b), atol=1e-5, rtol=1e-5)
        if not whole:  # theirs is NaN where both have no area
            torch.testing.assert_close(table, theirs(a, b), atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    n=few,
    seed=seeds,
    t=thresholds,
    whole=st.booleans(),
    kind=st.sampled_from(["linear", "gaussian"]),
)
def test_suppression_as_torchvision_and_the_library(n, seed, t, whole, kind):
    generator = torch.Generator().manual_seed(seed)
    boxes, scores = random_boxes(n, seed, whole=whole), torch.rand(n, generator=generator)
    scores = (4 * scores).round() / 4 if whole else scores
    labels = torch.randint(3, (n,), generator=generator)
    assert plain.nms(boxes, scores, t).tolist() == ops.nms(boxes, scores, t).tolist()
    assert torch.equal(plain.nms(boxes, scores, t), suppression.nms(boxes, scores, t))
    ours = plain.batched_nms(boxes, scores, labels, t)
    assert torch.equal(ours, suppression.batched_nms(boxes, scores, labels, t))
    if not whole:  # theirs sorts ties as it likes
        assert torch.equal(ours, ops.batched_nms(boxes, scores, labels, t))
    boxes, scores = boxes.double(), scores.double()
    kept, lowered = plain.soft_nms(boxes, scores, kind, t, 0.4, 0.05)
    expected, expected_scores = suppression.soft_nms(boxes, scores, kind, t, 0.4, 0.05)
    assert torch.equal(kept, expected)
    torch.testing.assert_close(lowered, expected_scores)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 12), seed=seeds)
def test_offsets_as_torchvision_and_the_library(n, seed):
    boxes, anchors = random_boxes(n, seed) + 1, random_boxes(n, seed + 1)
    boxes[:, 2:] += 2
    anchors[:, 2:] += 2
    coder = BoxCoder((1.0,) * 4)
    encoded = plain.encode(boxes, anchors)
    torch.testing.assert_close(encoded, coder.encode_single(boxes, anchors), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(encoded, offsets.encode(boxes, anchors))
    wild = 5 * torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    decoded = plain.decode(wild, anchors)
    torch.testing.assert_close(decoded, coder.decode_single(wild, anchors), atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(decoded, offsets.decode(wild, anchors))


@settings(max_examples=40, deadline=None)
@given(
    n=few, m=st.integers(0, 4), seed=seeds, rescue=st.booleans(),
    limits=st.sampled_from([(0.5, 0.5), (0.3, 0.7), (0.1, 0.2)]),
)  # fmt: skip
def test_anchors_and_their_assignment_are_the_librarys(n, m, seed, rescue, limits):
    candidates, boxes = random_boxes(n, seed, 24.0), random_boxes(m, seed + 1, 24.0)
    labels = torch.randint(5, (m,), generator=torch.Generator().manual_seed(seed))
    ours, theirs = (
        assign(candidates, boxes, labels, *limits, rescue=rescue)
        for assign in (plain.assign, targets.assign)
    )
    assert [part.tolist() for part in ours] == [part.tolist() for part in theirs]
    shape = (m, n % 4, 8, (8.0, 20.0), (0.5, 1.0, 2.0))
    torch.testing.assert_close(plain.anchors(*shape), offsets.anchors(*shape))


def test_masks_are_the_librarys():
    several = torch.rand(5, 6, 7, generator=torch.Generator().manual_seed(0)) < 0.4
    several[0] = False
    ours, theirs = (f(several, several[:3]) for f in (plain.mask_iou, masks.mask_iou))
    torch.testing.assert_close(ours, theirs)


@settings(max_examples=30, deadline=None)
@given(
    seed=seeds, size=st.integers(1, 7), scale=st.sampled_from([1.0, 1 / 4, 1 / 8, 0.37]), whole=st.booleans()
)  # fmt: skip
def test_regions_as_torchvision_and_the_library(seed, size, scale, whole):
    dice = torch.Generator().manual_seed(seed)
    height, width = torch.randint(1, 10, (2,), generator=dice).tolist()
    features = torch.randn(2, 2, height, width, generator=dice, dtype=torch.float64)
    corner = torch.rand(2, 2, 2, generator=dice, dtype=torch.float64) * 130 - 25
    boxes = torch.cat([corner, corner + 90 * torch.rand(2, 2, 2, generator=dice)], dim=2)
    rois = list((boxes / 4).round() * 4 if whole else boxes)
    pooled = plain.roi_pool(features, rois, size, scale)
    torch.testing.assert_close(pooled, ops.roi_pool(features, rois, size, scale))
    torch.testing.assert_close(pooled, roi.roi_pool(features, rois, size, scale))
    aligned = plain.roi_align(features, rois, size, scale, 2)
    torch.testing.assert_close(aligned, ops.roi_align(features, rois, size, scale, 2, aligned=True))
    torch.testing.assert_close(aligned, roi.roi_align(features, rois, size, scale, 2))


@settings(max_examples=30, deadline=None)
@given(seed=seeds, beta=st.sampled_from([0.1, 1.0, 2.5]), gamma=st.sampled_from([0.0, 0.5, 2.0]))
def test_losses_as_torch_and_the_library(seed, beta, gamma):
    generator = torch.Generator().manual_seed(seed)
    x, y = 3 * torch.randn(2, 9, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    classes = (y > 0).double()
    for ours, theirs, library in (
        (
            plain.smooth_l1_loss(x, y, beta),
            F.smooth_l1_loss(x, y, beta=beta, reduction="none"),
            losses.smooth_l1_loss(x, y, beta),
        ),
        (
            plain.focal_loss(x, classes, 0.3, gamma),
            ops.sigmoid_focal_loss(x, classes, 0.3, gamma),
            losses.focal_loss(x, classes, 0.3, gamma),
        ),
    ):
        gradient = torch.autograd.grad(ours.sum(), x, retain_graph=True)[0]
        for other in (theirs, library):
            torch.testing.assert_close(ours, other)
            other = torch.autograd.grad(other.sum(), x, retain_graph=True)[0]
            torch.testing.assert_close(gradient, other)
