"""What all seven detectors promise: right with every odd input, or an error with the detector's name."""

import ast
import inspect

import pytest
import torch
from torch import nn

from course_lib.detectors.detector import Detector
from course_lib.machine import ROOT
from course_lib.recipes.detectors import RECIPES

CLASSES = 3
FOLDER = ROOT / "course_lib" / "detectors"
# In the order in which they are read: none imports a later one.
READING = ["backbone", "targets", "detector", "training", "postprocess", "proposals", "regions"]
TWO_STAGE = ["rcnn", "fast_rcnn", "faster_rcnn", "mask_rcnn"]
FAMILIES = [TWO_STAGE, ["yolo"], ["retinanet"], ["set_matching", "detr"]]


@pytest.fixture(params=RECIPES)
def detector(request):
    torch.manual_seed(0)
    return RECIPES[request.param][0](CLASSES)


def scenes(count=2, height=64, width=64):
    """Noise with two objects in each image."""
    images = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[4.0, 6, 28, 30], [36, 34, 60, 58]]).expand(count, 2, 4).clone()
    return images, boxes, torch.tensor([[0, 1]]).expand(count, 2).clone()


def loss_of(detector, images, boxes, labels):
    """The loss, and whether all gradients are finite."""
    torch.manual_seed(0)
    masks = torch.zeros(*labels.shape, *images.shape[2:], dtype=torch.bool)
    more = (masks,) if hasattr(detector, "mask_head") else ()
    loss = detector.loss(images, boxes, labels, *more)
    loss.backward()
    gradients = [p.grad for p in detector.parameters() if p.grad is not None]
    assert loss.shape == () and loss.isfinite() and loss > 0
    assert gradients and all(g.isfinite().all() for g in gradients)
    return loss.detach()


def name_of(detector):
    return type(detector).__name__


# ---- labels and boxes


@pytest.mark.parametrize("label", [3, 7, 2**40, -2, -5, -(2**40)])
def test_a_label_outside_the_classes_is_refused(detector, label):
    images, boxes, labels = scenes()
    labels[1, 1] = label
    expected = rf"{name_of(detector)}: labels must lie in 0\.\.2, or be -1 .*, got {label}$"
    with pytest.raises(ValueError, match=expected):
        loss_of(detector, images, boxes, labels)


def test_padding_may_hold_anything(detector):
    images, boxes, labels = scenes()
    labels[:, 1] = -1
    losses = []
    for padding in (0.0, torch.nan, torch.inf, -1e30):
        boxes[:, 1] = padding
        losses.append(loss_of(detector, images, boxes, labels))
    assert all(loss == losses[0] for loss in losses)


BAD_BOXES = {
    "no width": [5.0, 5, 5, 20], "no height": [5.0, 5, 20, 5], "a point": [5.0, 5, 5, 5],
    "turned round": [20.0, 20, 5, 5], "NaN": [5.0, 5, torch.nan, 20], "infinite": [5.0, 5, torch.inf, 20],
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_BOXES)
def test_a_box_that_is_none_is_refused(detector, kind):
    images, boxes, labels = scenes()
    boxes[1, 0] = torch.tensor(BAD_BOXES[kind])
    with pytest.raises(
        ValueError, match=rf"{name_of(detector)}: boxes must have x1 < x2 .* got \["
    ):
        loss_of(detector, images, boxes, labels)


@pytest.mark.parametrize("far", [100.0, -100.0, 1e20])
def test_an_object_outside_the_image_is_refused(detector, far):
    images, boxes, labels = scenes()
    boxes[0, 0] = torch.tensor([0, 0, 2.0, 2]) * (1 if far < 1e9 else far) + min(far, 100)
    with pytest.raises(
        ValueError, match=f"{name_of(detector)}: a box's centre must lie in the image"
    ):
        loss_of(detector, images, boxes, labels)


def test_a_centre_on_the_edge_is_in_the_image_as_it_is_in_the_mirror(detector):
    images, boxes, labels = scenes()
    boxes[:, 0], boxes[:, 1] = torch.tensor([-20.0, -20, 20, 20]), torch.tensor([44.0, 44, 84, 84])
    loss_of(detector, images, boxes, labels)


def test_thin_boxes_huge_boxes_and_equal_boxes_have_a_loss(detector):
    images, boxes, labels = scenes()
    for box in ([5.0, 5, 5 + 1e-5, 30], [5.0, 5, 5 + 1e-5, 5 + 1e-5], [-1e4, -1e4, 1e4, 1e4]):
        boxes[:, 0] = torch.tensor(box)
        loss_of(detector, images, boxes, labels)
    loss_of(detector, images, boxes[:, 1:].expand(2, 9, 4), torch.arange(18).view(2, 9) % CLASSES)


def test_more_objects_than_cells_or_queries(detector):
    images, *_ = scenes(1, 32, 32)
    corners = torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) * 16
    boxes = torch.cat([corners, corners + 12], dim=1)[None]
    loss_of(detector, images, boxes, torch.arange(200)[None] % CLASSES)


def test_boxes_and_labels_of_other_kinds_are_refused(detector):
    images, boxes, labels = scenes()
    name = name_of(detector)
    for wrong, error, expected in (
        ((boxes.long(), labels), TypeError, "boxes must be a tensor .* of floating point, got .* int64"),
        ((boxes, labels.float()), TypeError, "labels must be a tensor .* of int64, got .* of float32"),
        ((boxes, labels.int()), TypeError, "labels must be a tensor .* of int64, got .* of int32"),
        ((boxes, labels[:, :1]), ValueError, r"labels must be a tensor \[2, 2\] .*, got \[2, 1\]"),
        ((boxes[:1], labels[:1]), ValueError, r"boxes must be a tensor \[2, M, 4\] .*, got \[1, 2, 4\]"),
        ((boxes[..., :3], labels), ValueError, r"boxes must be a tensor \[2, M, 4\] .*, got \[2, 2, 3\]"),
        ((boxes[0], labels), ValueError, r"boxes must be a tensor \[2, M, 4\] .*, got \[2, 4\]"),
        ((boxes.tolist(), labels), TypeError, "boxes must be a tensor .*, got list"),
        ((boxes, labels.numpy()), TypeError, "labels must be a tensor .*, got ndarray"),
    ):  # fmt: skip
        with pytest.raises(error, match=f"^{name}: {expected}"):
            detector.loss(images, *wrong)


# ---- images


BAD_IMAGES = {
    "bytes": (torch.zeros(2, 3, 64, 64, dtype=torch.uint8), TypeError, "floating point, got .* uint8"),
    "0..255": (torch.full((2, 3, 64, 64), 255.0), ValueError, r"must lie in 0\.\.1, got 255 to 255"),
    "NaN": (torch.full((2, 3, 64, 64), torch.nan), ValueError, r"must lie in 0\.\.1, got nan"),
    "infinite": (torch.full((2, 3, 64, 64), torch.inf), ValueError, r"must lie in 0\.\.1, got inf"),
    "1e20": (torch.full((2, 3, 64, 64), 1e20), ValueError, r"must lie in 0\.\.1, got 1e\+20"),
    "grey": (torch.zeros(2, 1, 64, 64), ValueError, r"\[B, 3, H, W\] .*, got \[2, 1, 64, 64\]"),
    "with alpha": (torch.zeros(2, 4, 64, 64), ValueError, r"\[B, 3, H, W\] .*, got \[2, 4, 64, 64\]"),
    "channels last": (torch.zeros(2, 64, 64, 3), ValueError, r"\[B, 3, H, W\] .*, got \[2, 64, 64, 3\]"),
    "one": (torch.zeros(3, 64, 64), ValueError, r"\[B, 3, H, W\] .*, got \[3, 64, 64\]"),
    "a number": (torch.tensor(1.0), ValueError, r"\[B, 3, H, W\] .*, got \[\]"),
    "too small": (torch.zeros(2, 3, 31, 64), ValueError, r"32 x 32 pixels or larger, got \[2, 3, 31, 64\]"),
    "no pixels": (torch.zeros(2, 3, 0, 64), ValueError, r"32 x 32 pixels or larger, got \[2, 3, 0, 64\]"),
    "a list": ([torch.zeros(3, 64, 64)] * 2, TypeError, "images must be a tensor .*, got list"),
    "an array": (torch.zeros(2, 3, 64, 64).numpy(), TypeError, "images must be a tensor .*, got ndarray"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_images_of_other_kinds_are_refused(detector, kind):
    images, error, expected = BAD_IMAGES[kind]
    _, boxes, labels = scenes()
    for what in (lambda: detector.detect(images), lambda: detector.loss(images, boxes, labels)):
        with pytest.raises(error, match=f"^{name_of(detector)}: .*{expected}"):
            what()


def test_no_images_have_no_detections_and_no_loss(detector):
    images, boxes, labels = (part[:0] for part in scenes())
    for ready in (detector.eval(), detector.train()):
        assert ready.detect(images) == []
    with pytest.raises(
        ValueError, match=f"{name_of(detector)}: a batch must hold at least one image"
    ):
        detector.loss(images, boxes, labels)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (100, 100), (64, 41)])
def test_sides_need_not_be_multiples_of_the_stride(detector, size):
    images, boxes, labels = scenes(2, *size)
    scale = torch.tensor([size[1], size[0]] * 2) / 64
    loss_of(detector, images, boxes * scale, labels)
    for one in detector.detect(images):
        assert one["boxes"].isfinite().all() and (one["boxes"][:, 2:] >= one["boxes"][:, :2]).all()
        if "masks" in one:
            assert one["masks"].shape[1:] == size


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_floating_type_of_images_and_boxes(detector, dtype):
    images, boxes, labels = scenes()
    images = images.to(torch.bfloat16).to(torch.float16).float()  # exact in every type
    expected = loss_of(detector, images, boxes, labels)
    detector.zero_grad()
    others = images.to(dtype), boxes.to(dtype)
    for mixed in (others, (others[0], boxes), (images, others[1])):
        torch.testing.assert_close(loss_of(detector, *mixed, labels), expected)
    same = zip(detector.detect(images.to(dtype)), detector.detect(images), strict=True)
    assert all(torch.equal(one[name], other[name]) for one, other in same for name in one)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_of_another_type_computes_boxes_precisely(detector, dtype):
    expected = loss_of(detector, *scenes())
    detector.zero_grad()
    loss = loss_of(detector.to(dtype), *scenes())
    torch.testing.assert_close(loss.float(), expected, atol=0.1, rtol=0.02)
    for one in detector.detect(scenes()[0]):
        least = torch.promote_types(dtype, torch.float32)
        assert one["boxes"].dtype == one["scores"].dtype == least and one["boxes"].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast(detector, dtype):
    expected = loss_of(detector, *scenes())
    detector.zero_grad()
    with torch.autocast("cpu", dtype=dtype):
        torch.testing.assert_close(loss_of(detector, *scenes()), expected, atol=0.1, rtol=0.02)
        assert all(one["boxes"].dtype == torch.float32 for one in detector.detect(scenes()[0]))


def test_inputs_that_require_grad_or_lie_otherwise_in_memory(detector):
    images, boxes, labels = scenes()
    expected = loss_of(detector, images, boxes, labels)
    turned = images.transpose(2, 3).contiguous().transpose(2, 3)
    for same in (
        (images.clone().requires_grad_(), boxes),
        (images, boxes.clone().requires_grad_()),
    ):
        torch.testing.assert_close(loss_of(detector, *same, labels), expected)
    torch.testing.assert_close(loss_of(detector, turned, boxes, labels), expected)
    found = detector.detect(images.clone().requires_grad_())
    assert not any(values.requires_grad for one in found for values in one.values())


def test_an_image_without_anything_to_see_has_detections_like_any_other(detector):
    for one in detector.detect(torch.zeros(1, 3, 64, 64)):
        assert one["boxes"].shape == (len(one["scores"]), 4) and one["scores"].isfinite().all()


# ---- what detecting leaves as it was


def test_detecting_changes_neither_the_mode_nor_the_weights(detector):
    images, *_ = scenes()
    detector.train()
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    while_training = detector.detect(images)
    assert detector.training and all(module.training for module in detector.modules())
    for name, value in detector.state_dict().items():
        assert torch.equal(value, before[name]), name
    same = zip(while_training, detector.eval().detect(images), strict=True)
    assert not detector.training
    assert all(torch.equal(one[name], other[name]) for one, other in same for name in one)


def test_the_mode_comes_back_after_an_error(detector):
    detector.train().detections = lambda images: 1 / 0
    with pytest.raises(ZeroDivisionError):
        detector.detect(scenes()[0])
    assert detector.training


def test_alone_or_in_a_batch_an_image_has_the_same_detections(detector):
    images, *_ = scenes(3)
    together = detector.detect(images)
    for image, one in zip(images, together, strict=True):
        alone = detector.detect(image[None])[0]
        assert len(alone["scores"]) == len(one["scores"])
        torch.testing.assert_close(alone["scores"], one["scores"], atol=1e-4, rtol=1e-4)


def test_nothing_but_weights_and_buffers_decides_where_a_detector_computes(detector):
    """A tensor kept beside them would stay behind when the detector moves to a GPU."""
    kept = {id(t) for t in (*detector.parameters(), *detector.buffers())}
    for module in detector.modules():
        for name, value in vars(module).items():
            assert not isinstance(value, torch.Tensor) or id(value) in kept or name == "history", (
                name
            )
    for path in FOLDER.glob("*.py"):
        module = __import__(f"course_lib.detectors.{path.stem}", fromlist=["x"])
        held = [name for name, value in vars(module).items() if isinstance(value, torch.Tensor)]
        assert not held, (path.name, held)


def test_the_number_of_classes_is_a_whole_one_above_0(detector):
    for classes, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError), ("3", TypeError)):
        with pytest.raises(error, match=f"{name_of(detector)}: classes must be "):
            type(detector)(classes)


def test_a_detector_defines_what_it_promises(detector):
    assert isinstance(detector, Detector) and isinstance(detector, nn.Module)
    for name in ("loss", "detections"):
        assert getattr(type(detector), name) is not getattr(Detector, name)
    assert "images" in inspect.signature(detector.detect).parameters


# ---- the order of reading


def imports_of(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    start = "course_lib.detectors."
    return {module.removeprefix(start) for module in modules if (module or "").startswith(start)}


def later_ones():
    """What a file imports though it is read later: the common parts first, then each family by itself."""
    wrong = []
    for family in FAMILIES:
        order = [*READING, *family]
        for i, name in enumerate(order):
            wrong += [f"{name} imports {later}" for later in imports_of(name) - set(order[:i])]
    return wrong


def test_no_detector_imports_a_later_one():
    every = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert every == {*READING, *(name for family in FAMILIES for name in family)}
    assert later_ones() == []


def test_an_import_from_a_successor_is_noticed(monkeypatch, tmp_path):
    for path in FOLDER.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setitem(globals(), "FOLDER", tmp_path)
    with open(tmp_path / "rcnn.py", "a") as file:
        file.write("from course_lib.detectors.fast_rcnn import BoxHead\n")
    with open(tmp_path / "regions.py", "a") as file:
        file.write("from course_lib.detectors.rcnn import crops\n")
    assert {"rcnn imports fast_rcnn", "regions imports rcnn"} == set(later_ones())
