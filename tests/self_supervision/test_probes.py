"""Collapse level and effective rank: at the ends of their scales, and against what they ignore."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.self_supervision.probes import collapse_level, effective_rank


def cloud(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_cloud_fills_the_sphere_and_a_point_does_not():
    assert collapse_level(cloud(4000, 16)) == pytest.approx(1, abs=0.02)
    assert effective_rank(cloud(4000, 16)) == pytest.approx(16, abs=0.1)
    point = torch.full((50, 16), 0.3)
    assert collapse_level(point) == pytest.approx(0, abs=1e-6) and effective_rank(point) == 0


def test_near_a_point_the_level_falls_and_the_rank_does_not():
    near = 1 + 1e-3 * cloud(1000, 16)
    assert collapse_level(near) < 0.01 and effective_rank(near) > 15


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 999))
def test_size_and_order_do_not_count(n, d, seed):
    x = cloud(n, d, seed)
    for measure in (collapse_level, effective_rank):
        assert measure(x.flip(0)) == pytest.approx(measure(x), abs=1e-5)
        assert measure(5 * x) == pytest.approx(measure(x), abs=1e-5)
    assert 0 <= effective_rank(x) <= min(max(n - 1, 0), d) + 1e-5
    assert 0 <= collapse_level(x) <= 1 + 1e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_type(dtype):
    x = cloud(40, 6).to(dtype)
    assert math.isfinite(collapse_level(x)) and math.isfinite(effective_rank(x))


@pytest.mark.parametrize("measure", [collapse_level, effective_rank])
def test_bad_input_is_refused(measure):
    with pytest.raises(ValueError, match="NaN or infinity"):
        measure(torch.tensor([[math.nan, 1.0]]))
    with pytest.raises(TypeError, match=measure.__name__):
        measure([[1.0]])
