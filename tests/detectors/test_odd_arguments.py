"""The public functions of the room with lists, arrays, other shapes and every floating type."""

import pytest
import torch

from course_lib.detectors import targets
from course_lib.detectors.detr import DetrPrediction, set_loss
from course_lib.detectors.fast_rcnn import multi_task_loss
from course_lib.detectors.faster_rcnn import rpn_loss
from course_lib.detectors.mask_rcnn import mask_targets, paste
from course_lib.detectors.postprocess import detect_all, final_detections
from course_lib.detectors.proposals import (
    edge_strength,
    integral_image,
    propose,
    recall,
    sums_inside,
    window_scores,
)
from course_lib.detectors.rcnn import crops, fit_ridge, fit_svm
from course_lib.detectors.regions import balanced_sample, sample_rois
from course_lib.detectors.retinanet import anchor_targets
from course_lib.detectors.set_matching import (
    match,
    match_images,
    matching_cost,
    to_centres,
    to_corners,
)
from course_lib.detectors.yolo import objects_in_cells, responsible

DICE = torch.Generator().manual_seed(0)
BOXES = torch.tensor([[4.0, 6, 28, 30], [36, 34, 60, 58]])
LABELS = torch.tensor([0, 1])
IMAGES = (64 * torch.rand(2, 3, 64, 64, generator=DICE)).round() / 64  # exact in every type
SHARES = to_centres(BOXES / 64)
LOGITS = (8 * torch.randn(2, 4, generator=DICE)).round() / 8
MASKS = torch.zeros(2, 64, 64, dtype=torch.bool)
PREDICTION = DetrPrediction(LOGITS[None], SHARES[None], None)
CALLS = [
    (targets.padded, [{"boxes": BOXES, "labels": LABELS}]),
    (targets.assign, BOXES + 2, BOXES, LABELS, 0.4, 0.5),
    (edge_strength, IMAGES),
    (integral_image, IMAGES[0]),
    (sums_inside, integral_image(IMAGES[0]), BOXES),
    (window_scores, IMAGES, BOXES),
    (propose, IMAGES, 10),
    (recall, [BOXES], [{"boxes": BOXES}], 3),
    (balanced_sample, LABELS, 2, 0.5),
    (sample_rois, BOXES, BOXES, LABELS),
    (crops, IMAGES, [BOXES, BOXES]),
    (fit_svm, LOGITS, LABELS.bool()),
    (fit_ridge, LOGITS, BOXES),
    (multi_task_loss, LOGITS, BOXES / 64, LABELS, BOXES / 32),
    (rpn_loss, LOGITS[:1, :2], BOXES[None] / 64, BOXES + 2, BOXES[None], LABELS[None]),
    (mask_targets, MASKS, BOXES, LABELS),
    (paste, IMAGES[0, :2, :14, :14], BOXES, 64, 64),
    (objects_in_cells, BOXES[None], LABELS[None]),
    (responsible, torch.stack([BOXES, BOXES.flip(0)]), BOXES),
    (anchor_targets, BOXES + 2, BOXES[None], LABELS[None]),
    (to_corners, SHARES),
    (to_centres, BOXES / 64),
    (matching_cost, LOGITS.softmax(1), SHARES, LABELS, SHARES),
    (match, LOGITS),
    (match_images, LOGITS[None], SHARES[None], SHARES[None], LABELS[None]),
    (set_loss, PREDICTION, SHARES[None], LABELS[None]),
    (final_detections, BOXES, LOGITS.softmax(1)),
    (detect_all, lambda images: [{"scores": image.mean()} for image in images], IMAGES),
]  # fmt: skip
NAMES = [call[0].__name__ for call in CALLS]


def changed(thing, change):
    """The same arguments with every tensor changed."""
    if isinstance(thing, torch.Tensor):
        return change(thing)
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        return type(thing)(*(changed(x, change) for x in thing))
    if isinstance(thing, list | tuple):
        return type(thing)(changed(x, change) for x in thing)
    if isinstance(thing, dict):
        return {name: changed(x, change) for name, x in thing.items()}
    return thing


def tensors(thing):
    """All tensors in a result, in order."""
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        return [t for x in thing for t in tensors(x)]
    return [torch.as_tensor(thing)]


def run(call, change=lambda tensor: tensor):
    torch.manual_seed(0)
    function, *arguments = call
    return tensors(function(*(changed(x, change) for x in arguments)))


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
@pytest.mark.parametrize("kind", ["list", "array", "a number"])
def test_what_is_no_tensor_of_that_shape_is_refused_by_name(call, kind):
    change = {
        "list": torch.Tensor.tolist,
        "array": torch.Tensor.numpy,
        "a number": lambda tensor: tensor.flatten()[0],
    }[kind]
    name = call[0].__name__.replace("set_loss", "match_images")
    with pytest.raises((TypeError, ValueError), match=f"^{name}: .* must be a tensor .*, got "):
        run(call, change)


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_floating_type_gives_what_float32_gives(call, dtype):
    # what each type holds exactly, the inputs rounded alike
    def rounded(tensor):
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    def as_float32(tensor):
        return rounded(tensor).float() if tensor.is_floating_point() else tensor

    for one, other in zip(run(call, rounded), run(call, as_float32), strict=True):
        tolerance = 0.02 if torch.finfo(dtype).bits < 32 else 1e-4
        assert one.shape == other.shape and one.isfinite().all()
        torch.testing.assert_close(
            one.double(), other.double(), atol=tolerance, rtol=tolerance, check_dtype=False
        )


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_how_it_lies_in_memory_and_whether_it_requires_grad_does_not_matter(call):
    def spread(tensor):
        return torch.stack([tensor, tensor], dim=-1)[..., 0]

    def learning(tensor):
        return tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor

    for change in (spread, learning):
        for one, other in zip(run(call, change), run(call), strict=True):
            torch.testing.assert_close(one.detach(), other)


@pytest.mark.parametrize("count", [0, -1, 2.5, None])
def test_counts_are_whole_numbers_above_0(count):
    for name, call in {
        "propose": lambda: propose(IMAGES, count),
        "recall": lambda: recall([BOXES], [{"boxes": BOXES}], count),
        "detect_all": lambda: detect_all(lambda images: [], IMAGES, size=count),
        "final_detections": lambda: final_detections(BOXES, LOGITS, max_detections=count),
        "scene_batches": lambda: targets.scene_batches(
            IMAGES, BOXES.expand(2, 2, 4), LABELS.expand(2, 2), size=count
        ),
    }.items():
        with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
            call()


def test_proposals_of_an_image_too_small_for_a_window():
    for size in (1, 4, 8, 11):
        for boxes in propose(torch.rand(2, 3, size, size), 10):
            assert boxes.shape[1:] == (4,)


def test_no_features_and_features_of_one_kind_only():
    weights, bias = fit_svm(LOGITS, torch.ones(2, dtype=torch.bool))
    assert not weights.any() and bias == 1
    weights, bias = fit_svm(LOGITS[:0], torch.zeros(0, dtype=torch.bool))
    assert weights.shape == (4,) and bias == -1
