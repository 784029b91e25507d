"""Encoders, and embeddings of many images."""

import pytest
import torch
from torch import nn

from course_lib.embeddings.descriptors import colour_histogram, pixels
from course_lib.embeddings.encoders import ConvEncoder, conv_blocks, embed


def test_an_encoder_without_parameters():
    images = torch.rand(5, 1, 4, 4)
    assert torch.equal(embed(nn.Flatten(), images, batch_size=2), images.flatten(1))


def test_every_part_keeps_its_mode():
    """A batch norm that is frozen in a network in training stays frozen."""
    encoder = ConvEncoder(channels=1, dim=4)
    encoder.train()
    encoder.blocks[1].eval()
    before = [part.training for part in encoder.modules()]
    embed(encoder, torch.rand(3, 1, 8, 8))
    assert [part.training for part in encoder.modules()] == before and len(set(before)) == 2


def test_modes_are_kept_when_the_encoder_fails():
    encoder = ConvEncoder(channels=1, dim=4)
    with pytest.raises(ValueError, match="ConvEncoder: images must be a tensor"):
        embed(encoder, torch.rand(3, 2, 8, 8))
    assert all(part.training for part in encoder.modules())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("bins", [1, 3, 5, 7])
def test_colours_on_the_edge_of_a_bin_are_not_rounded_into_the_next(dtype, bins):
    edges = (torch.arange(bins + 1, dtype=torch.float64) / bins).to(dtype)
    around = torch.stack([edges, torch.nextafter(edges, torch.zeros_like(edges))]).flatten()
    images = around.clamp(0, 1)[:, None, None, None].expand(-1, 3, 2, 2)
    histogram = colour_histogram(images, bins)
    assert histogram.dtype == dtype
    step = [min(int(value * bins), bins - 1) for value in around.clamp(0, 1).tolist()]
    assert histogram.argmax(1).tolist() == [s * (bins * bins + bins + 1) for s in step]
    assert torch.equal(histogram.sum(1), torch.ones_like(histogram[:, 0]))


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: embed(nn.Flatten(), [[0.0]]), TypeError, "embed: images must be a tensor .* got list"),
        (lambda: embed(nn.Flatten(), torch.zeros(0, 1, 2, 2)), ValueError, "images must hold at least one image"),
        (lambda: embed(nn.Flatten(), torch.zeros(1, 1, 2, 2), 0), ValueError, "embed: batch_size must be 1 or more"),
        (lambda: ConvEncoder(1, 4)(torch.zeros(2, 1, 8, 8).long()), TypeError, "ConvEncoder: .* got .* of int64"),
        (lambda: ConvEncoder(1, 4)(torch.zeros(2, 8, 8)), ValueError, r"ConvEncoder: .* got \[2, 8, 8\]"),
        (lambda: conv_blocks(3, (8, 16), (1,)), ValueError, r"got widths \[8, 16\] and strides \[1\]"),
        (lambda: pixels([[1.0]]), TypeError, "pixels: images must be a tensor .* got list"),
        (lambda: pixels(torch.zeros(3)), ValueError, r"pixels: .* got \[3\]"),
        (lambda: colour_histogram(torch.zeros(1, 3, 2, 2), 0), ValueError, "bins must be 1 or more"),
        (lambda: colour_histogram(torch.zeros(1, 3, 2, 2).byte()), TypeError, "colour_histogram: images .* uint8"),
        (lambda: colour_histogram(torch.full((1, 3, 2, 2), torch.nan)), ValueError, "0..1"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_expected(call, error, says):
    with pytest.raises(error, match=says):
        call()
