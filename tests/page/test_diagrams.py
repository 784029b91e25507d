"""Diagrams: real shapes at the arrows, real values in the pictures, and no text over another, a picture or an arrow."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path
from torch.nn import functional as F

from course_lib.page.diagrams import Stage, pipeline
from course_lib.page.plots import to_png


def numbers(*sizes: int) -> torch.Tensor:
    return torch.rand(sizes, generator=torch.Generator().manual_seed(sum(sizes)))


IMAGES = numbers(4, 3, 96, 96)


def detector():
    image = Stage("image", IMAGES, image=IMAGES[0])
    backbone = Stage("backbone", numbers(4, 96, 12, 12), note="5 convolutions, stride 8")
    boxes = Stage("box head", numbers(4, 8, 12, 12), note="1 x 1 convolution")
    classes = Stage("class head", numbers(4, 5, 12, 12), note="1 x 1 convolution")
    end = [Stage("NMS", note="in each class"), Stage("detections", numbers(7, 6))]
    return [[image, backbone, boxes, *end], [image, backbone, classes, *end]]


def siamese():
    network = Stage("network", note="same weights for both images")
    distance = Stage("distance", torch.tensor(0.375), note="Euclidean")
    return [
        [Stage(name, IMAGES, image=IMAGES[n]), network, Stage("embedding", numbers(4, 64)), distance]
        for n, name in enumerate(["anchor", "other image"])
    ]  # fmt: skip


def simclr():
    image = Stage("image", IMAGES, image=IMAGES[0])
    encoder, head = Stage("encoder", note="same weights"), Stage("head", note="two layers")
    loss = Stage("NT-Xent", torch.tensor(1.25), note="loss over all pairs")
    rows = []
    for n in (1, 2):
        view = IMAGES[:, :, 8 * n :, 8 * n :]
        h, z = Stage("h", numbers(4, 96)), Stage("z", numbers(4, 32))
        rows.append([image, Stage(f"view {n}", view, image=view[0]), encoder, h, head, z, loss])
    return rows


def clip():
    similarities = Stage("similarities", numbers(4, 4), note="image · caption")
    towers = [("image", IMAGES, IMAGES[1]), ("text", torch.arange(48).reshape(4, 12), None)]
    return [
        [
            Stage(f"{name}s", tensor, image=image),
            Stage(f"{name} encoder", note="a network of its own"),
            Stage(f"{name} embeddings", numbers(4, 64)),
            similarities,
        ]
        for name, tensor, image in towers
    ]


EXAMPLES = [detector, siamese, simclr, clip]


def texts(fig) -> list[str]:
    return [text.get_text() for text in fig.axes[0].texts]


def overprinted(fig) -> list[str]:
    """Texts that touch another, a picture or an arrow, or leave the figure."""
    to_png(fig)
    ax = fig.axes[0]
    renderer = fig.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in ax.texts]
    pictures = [image.get_window_extent(renderer) for image in ax.images]
    # Without the arrow's head, which matplotlib closes at (0, 0).
    paths = [
        patch.get_transform().transform_path(Path(patch.get_path().vertices[:4]))
        for patch in ax.patches
        if isinstance(patch, FancyArrowPatch)
    ]
    bad = [
        f"{a} / {b}" for (a, one), (b, two) in itertools.combinations(boxes, 2) if one.overlaps(two)
    ]
    bad += [name for name, box in boxes if any(box.overlaps(picture) for picture in pictures)]
    bad += [name for name, box in boxes if any(p.intersects_bbox(box, filled=False) for p in paths)]
    wide, high = fig.canvas.get_width_height()
    return bad + [n for n, b in boxes if min(b.x0, b.y0) < 0 or b.x1 > wide or b.y1 > high]


def test_arrows_carry_the_shapes_of_the_tensors():
    shown = texts(pipeline(detector()))
    assert shown.count("[B, 3,\n96, 96]") == 1
    assert shown.count("[B, 96,\n12, 12]") == 2, "one for each head"
    assert {"[B, 8,\n12, 12]", "[B, 5,\n12, 12]"} <= set(shown)
    assert "[7, 6]" in shown, "the last shape, which no arrow carries, and which is no batch"
    assert "[B, B]" in texts(pipeline(clip()))
    assert {"[B, 64]", "0.38"} <= set(texts(pipeline(siamese())))


def test_batches_of_two_sizes_are_written_as_they_are():
    shown = texts(pipeline([[Stage("x", IMAGES), Stage("views", torch.cat([IMAGES, IMAGES]))]]))
    assert {"[4, 3,\n96, 96]", "[8, 3, 96, 96]"} <= set(shown)


@pytest.mark.parametrize("example", EXAMPLES)
def test_nothing_is_overprinted(example):
    fig = pipeline(example())
    assert fig.get_figwidth() == 9
    assert min(text.get_size() for text in fig.axes[0].texts) >= 9
    assert not overprinted(fig)


def test_what_is_overprinted_is_found():
    fig = pipeline(siamese())
    ax = fig.axes[0]
    anchor = next(text for text in ax.texts if text.get_text() == "anchor")
    network = next(text for text in ax.texts if text.get_text() == "network")
    arrow = next(patch for patch in ax.patches if isinstance(patch, FancyArrowPatch))
    on_arrow = arrow.get_path().vertices[:2].mean(axis=0)
    left, _, bottom, top = ax.images[0].get_extent()
    for at in [network.get_position(), (left, (bottom + top) / 2), on_arrow, (-20, 20)]:
        anchor.set_position(at)
        assert "anchor" in " ".join(overprinted(fig)), at


def test_a_stage_in_two_rows_is_drawn_once_with_an_arrow_for_each():
    fig = pipeline(siamese())
    assert texts(fig).count("network") == 1
    arrows = [p for p in fig.axes[0].patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) == 6


def test_none_is_an_empty_place_that_the_arrow_passes():
    fig = pipeline([[Stage("a", note="one"), None, Stage("b", note="two")]])
    assert sum(isinstance(p, FancyArrowPatch) for p in fig.axes[0].patches) == 1


def test_feature_maps_are_the_first_channels_of_the_first_image():
    maps = numbers(2, 5, 6, 6)
    shown = pipeline([[Stage("maps", maps)]]).axes[0].images
    assert len(shown) == 5
    for image, channel in zip(shown, maps[0], strict=True):
        wanted = (channel - channel.min()) / (channel.max() - channel.min())
        torch.testing.assert_close(torch.as_tensor(image.get_array().data), wanted)
    assert len(pipeline([[Stage("maps", numbers(1, 96, 6, 6))]]).axes[0].images) == 9


def test_strips_show_the_values_and_a_constant_is_white():
    (image,) = pipeline([[Stage("vector", torch.tensor([2.0, 4.0, 3.0]))]]).axes[0].images
    assert image.get_array().tolist() == [[0, 1, 0.5]]
    (image,) = pipeline([[Stage("zeros", torch.zeros(3, 5))]]).axes[0].images
    assert image.get_array().max() == 0


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool]
)
def test_every_type_of_number_is_drawn_and_none_is_changed(dtype):
    tensor = F.one_hot(torch.arange(3)).to(dtype)
    before = tensor.clone()
    (image,) = pipeline([[Stage("one-hot", tensor)]]).axes[0].images
    assert image.get_array().tolist() == torch.eye(3).tolist() and tensor.equal(before)


def test_a_tensor_with_a_gradient_is_drawn():
    pipeline([[Stage("weights", torch.rand(3, 4, requires_grad=True))]])


TWICE = Stage("twice")


@pytest.mark.parametrize(
    "rows, error, says",
    [
        ([], ValueError, r"equally long, got \[\]"),
        ([[]], ValueError, r"equally long, got \[0\]"),
        ([[Stage("a")], []], ValueError, r"got \[1, 0\]"),
        ([Stage("a")], TypeError, "rows must be lists of stages"),
        ([["a"]], TypeError, "must hold Stage or None, got 'a'"),
        ([[TWICE, TWICE]], ValueError, "'twice' must stand in one column"),
        ([[TWICE], [None], [TWICE]], ValueError, "neighbouring rows, got column 0, row 0"),
        ([[Stage("a", [1, 2])]], TypeError, "'a': tensor must be a tensor, got list"),
        ([[Stage("a", torch.zeros(1, 1, 1, 1, 1))]], ValueError, r"0 to 4 axes.*\[1, 1, 1, 1, 1\]"),
        ([[Stage("a", torch.zeros(0, 3))]], ValueError, r"none empty, got \[0, 3\]"),
        ([[Stage("a", torch.tensor([1, torch.nan]))]], ValueError, r"'a': tensor \[2\] has NaN"),
        ([[Stage("a", image=torch.zeros(3, 3))]], ValueError, r"'a': image .*\[C, H, W\].*\[3, 3\]"),
        ([[Stage("a", image=torch.zeros(2, 3, 3))]], ValueError, "1 or 3 channels"),
        ([[Stage("a" * 200)]], ValueError, "is wider than a column"),
        ([[Stage("a", IMAGES) for _ in range(9)]], ValueError, "9 columns .* do not fit 900 pixels"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(rows, error, says):
    with pytest.raises(error, match=says):
        pipeline(rows)


SHAPES = [(), (5,), (4, 30), (4, 4), (40, 2), (3, 8, 8), (4, 2, 9, 9), (4, 96, 12, 12), None]


@settings(max_examples=15)
@given(st.data())
def test_no_pipeline_is_overprinted(data):
    columns, count = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))

    def stage() -> Stage:
        sizes = data.draw(st.sampled_from(SHAPES))
        name = data.draw(st.sampled_from(["h", "network", "region proposals and scores"]))
        note = data.draw(st.sampled_from(["", "shared", "3 x 3 kernels, stride 2"]))
        return Stage(name, None if sizes is None else numbers(*sizes), note=note)

    shared = [stage() if data.draw(st.booleans()) else None for _ in range(columns)]
    rows = [[of_all or stage() for of_all in shared] for _ in range(count)]
    assert not overprinted(pipeline(rows))
