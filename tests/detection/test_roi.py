import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision import ops

from course_lib.by_definition import detection as plain
from course_lib.detection.roi import _bins, _round_half_away, roi_align, roi_pool

cases = {
    "seed": st.integers(0, 10_000),
    "size": st.integers(1, 7),
    "scale": st.sampled_from([1.0, 1 / 4, 1 / 8, 0.37]),
    "whole": st.booleans(),
}


def make(seed, whole=False, pictures=2, channels=2):
    """Maps of any size, and boxes that also lie outside of them, on their edge, or have no size."""
    dice = torch.Generator().manual_seed(seed)
    height, width = torch.randint(1, 13, (2,), generator=dice).tolist()
    features = torch.randn(pictures, channels, height, width, generator=dice)
    rois = []
    for _ in range(pictures):
        count = int(torch.randint(0, 5, (1,), generator=dice))
        corner = torch.rand(count, 2, generator=dice) * 130 - 25
        side = torch.rand(count, 2, generator=dice) * 90
        side = side * (torch.rand(count, 1, generator=dice) > 0.2)
        boxes = torch.cat([corner, corner + side], dim=1)
        rois.append((boxes / 4).round() * 4 if whole else boxes)
    return features, rois


@pytest.mark.parametrize("ours, theirs, how", [
    (roi_pool, ops.roi_pool, {}), (roi_align, ops.roi_align, {"aligned": True}),
])  # fmt: skip
@given(**cases, ratio=st.integers(1, 3))
def test_values_and_gradients_are_torchvisions(ours, theirs, how, seed, size, scale, whole, ratio):
    features, rois = make(seed, whole)
    ratios = {"sampling_ratio": ratio} if ours is roi_align else {}
    mine, peer = features.clone().requires_grad_(), features.clone().requires_grad_()
    a, b = ours(mine, rois, size, scale, **ratios), theirs(peer, rois, size, scale, **how, **ratios)
    torch.testing.assert_close(a, b, atol=1e-5 if how else 0, rtol=0)
    upstream = torch.randn_like(b)
    a.backward(upstream)
    b.backward(upstream)
    torch.testing.assert_close(mine.grad, peer.grad, atol=1e-4, rtol=1e-4)


def test_of_equal_maxima_the_first_gets_the_gradient():
    features = torch.randint(0, 3, (2, 3, 9, 7)).float()
    boxes = torch.tensor([[0.0, 0.0, 50.0, 70.0], [3.0, 20.0, 55.0, 60.0]])
    mine, peer = features.clone().requires_grad_(), features.clone().requires_grad_()
    roi_pool(mine, [boxes, boxes[:1]], 2, 1 / 8).sum().backward()
    ops.roi_pool(peer, [boxes, boxes[:1]], 2, 1 / 8).sum().backward()
    assert torch.equal(mine.grad, peer.grad)


@given(**cases)
def test_pool_and_align_by_definition(seed, size, scale, whole):
    features, rois = make(seed, whole)
    features, rois = features.double(), [boxes.double() for boxes in rois]
    pooled, aligned = (pool(features, rois, size, scale) for pool in (roi_pool, roi_align))
    assert len(pooled) == len(aligned) == sum(map(len, rois))
    if len(pooled) > 0:
        assert torch.equal(pooled, plain.roi_pool(features, rois, size, scale))
        torch.testing.assert_close(aligned, plain.roi_align(features, rois, size, scale))


def test_roi_align_point_by_point():
    """A slope is interpolated exactly: every bin is the slope's value at the bin's centre."""
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    features = torch.stack([x, y])[None]
    box = torch.tensor([[13.0, 21.0, 60.0, 77.0]])
    pooled = roi_align(features, [box], 4, 1 / 8)[0]  # [2, 4, 4]
    middles = (torch.arange(4) + 0.5) / 4
    torch.testing.assert_close(pooled[0, 0], (13 + middles * 47) / 8 - 0.5)
    torch.testing.assert_close(pooled[1, :, 0], (21 + middles * 56) / 8 - 0.5)


def test_points_up_to_one_cell_outside_count_as_on_the_edge():
    features = torch.ones(1, 1, 4, 4).double()  # boxes may be of another precision
    low = torch.tensor([-1.0, 1.0, 0.0, 2.0])  # its middle is one cell left of the first
    high = torch.tensor([4.0, 1.0, 5.0, 2.0])  # and one right of the last
    further = torch.tensor([0.1, 0.0, 0.1, 0.0])
    for axis in (0, 1):  # across, downwards
        rois = torch.stack([low, low - further, high, high + further]).view(4, 2, 2)
        rois = [(rois if axis == 0 else rois.flip(2)).reshape(4, 4)]
        pooled = roi_align(features, rois, 1, 1.0, sampling_ratio=1)
        assert pooled.flatten().tolist() == [1, 0, 1, 0] and pooled.dtype == torch.float64


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
def test_gradcheck(pool):
    features, rois = make(3, pictures=1)
    rois = [torch.tensor([[0.0, 0.0, 60.0, 31.0], [8.0, 3.0, 9.0, 80.0]]).double()]
    features = torch.randn(1, 2, 6, 5, generator=torch.Generator().manual_seed(0)).double()
    assert torch.autograd.gradcheck(lambda f: pool(f, rois, 3, 1 / 8), (features.requires_grad_(),))


def test_rounding_and_bins():
    halves = torch.tensor([-1.5, -0.5, -0.4, 0.49999997, 0.5, 1.5, 2.5])
    assert _round_half_away(halves).tolist() == [-2, -1, 0, 0, 1, 2, 3]
    low, high = _bins(torch.tensor([0.0]), torch.tensor([4.0]), count=2, cells=12)
    assert (low.tolist(), high.tolist()) == ([[0, 2]], [[3, 5]])  # five cells, the middle one twice


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
def test_no_boxes_and_bad_ones(pool):
    features = torch.zeros(2, 3, 4, 4)
    none = torch.zeros(0, 4)
    assert pool(features, [none, none], 5, 1 / 8).shape == (0, 3, 5, 5)
    assert pool(features[:0], [], 5, 1 / 8).shape == (0, 3, 5, 5)
    one = torch.tensor([[0.0, 0.0, 8.0, 8.0]])
    for rois, size, scale, says in (
        ([one], 2, 1 / 8, "a list of boxes for each of 2 images, got 1"),
        (torch.cat([one, one]), 2, 1 / 8, "for each of 2 images, got Tensor"),
        ([one, -one], 2, 1 / 8, "x1 <= x2"),
        ([one, one * math.nan], 2, 1 / 8, "finite"),
        ([one, one], 0, 1 / 8, "output_size must be 1 or more, got 0"),
        ([one, one], 2, -1.0, "spatial_scale must be above 0"),
    ):
        with pytest.raises(ValueError, match=says):
            pool(features, rois, size, scale)
    with pytest.raises(ValueError, match=r"features must be .* got \[3, 4, 4\] of float32"):
        pool(features[0], [one], 2, 1 / 8)
    with pytest.raises(TypeError, match=r"floating point, got .* of int64"):
        pool(features.long(), [one, one], 2, 1 / 8)


def test_roi_align_takes_two_points_a_side_or_as_many_as_it_is_told():
    features, rois = make(5)
    assert torch.equal(roi_align(features, rois, 3, 1 / 8), roi_align(features, rois, 3, 1 / 8, 2))
    with pytest.raises(ValueError, match="sampling_ratio must be 1 or more, got 0"):
        roi_align(features, rois, 3, 1 / 8, sampling_ratio=0)
