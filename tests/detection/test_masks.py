"""Overlap of masks and the average precision that goes by it: against loops, pycocotools and boxes drawn as masks."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from course_lib.detection.average_precision import evaluate_detections
from course_lib.detection.flatten import KINDS
from course_lib.detection.masks import mask_iou
from tests.detection.detection_cases import (
    NAMES,
    random_masks,
    random_scenes,
    run_lengths,
    together,
    with_pycocotools,
)


def figures(predictions, targets, *kind):
    judged = evaluate_detections(predictions, targets, *kind, shapes="masks")
    return [judged[name] for name in NAMES]


@settings(max_examples=30)
@given(seed=st.integers(0, 100_000), extras=st.booleans())
def test_twelve_figures_are_pycocotools(seed, extras):
    predictions, targets = random_masks(seed, extras=extras)
    assume(any(len(p["labels"]) > 0 for p in predictions))
    peer = with_pycocotools(predictions, targets, "masks")
    np.testing.assert_allclose(figures(predictions, targets), peer, atol=1e-9)


def test_the_random_masks_have_all_that_matters():
    predictions, targets = [], []
    for seed in range(20):
        found, true = random_masks(seed)
        predictions, targets = predictions + found, targets + true
    areas = torch.cat([target["masks"].sum(dim=(1, 2)) for target in targets])
    assert (areas == 0).any() and (areas > 96**2).any() and (areas < 32**2).any()
    assert any(target["iscrowd"].any() for target in targets)
    assert any("area" not in target for target in targets)
    assert any(len(target["labels"]) == 0 for target in targets)
    assert any(len(found["labels"]) == 0 for found in predictions)
    values = np.array([figures(*random_masks(seed)) for seed in range(20)])
    assert ((values > 0) & (values < 1)).any(axis=0).all()  # every figure is put to the test


def test_more_than_a_hundred_detections_of_a_class():
    predictions, targets = random_masks(2, images=3, classes=1, most=400, side=40)
    assert max(len(p["labels"]) for p in predictions) > 150
    peer = with_pycocotools(predictions, targets, "masks")
    np.testing.assert_allclose(figures(predictions, targets), peer, atol=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(list(KINDS)))
def test_masks_of_boxes_are_judged_as_the_boxes(seed, kind):
    """Boxes with whole corners have the pixels between them; VOC's rules hold for masks as well."""
    predictions, targets = random_scenes(seed, images=4, whole=True)
    y, x = torch.arange(90)[:, None], torch.arange(90)
    for one in (*predictions, *targets):
        one["boxes"] = (one["boxes"] / 5).round().clamp(0, 90)
        x1, y1, x2, y2 = one["boxes"].T[..., None, None]
        one["masks"] = (x1 <= x) & (x < x2) & (y1 <= y) & (y < y2)
    for target in targets:
        target["area"] = target["area"] / 25
        target["difficult"] = target["iscrowd"]
    by_boxes = evaluate_detections(predictions, targets, kind)
    for one in (*predictions, *targets):
        del one["boxes"]
    assert evaluate_detections(predictions, targets, kind, "masks") == by_boxes


def half(first, last, score=None, side=4, **more):
    """A mask of the rows from `first` to before `last` of a small picture."""
    masks = torch.zeros(1, side, side, dtype=torch.bool)
    masks[0, first:last] = True
    one = {"masks": masks, "labels": torch.zeros(1).long(), **more}
    return one if score is None else {**one, "scores": torch.tensor([score])}


def test_masks_speak_and_boxes_are_silent():
    """Two triangles fill a square: as boxes they are the same, as masks they share the diagonal."""
    square = torch.ones(1, 8, 8, dtype=torch.bool)
    box = {"boxes": torch.tensor([[0.0, 0.0, 8.0, 8.0]]), "labels": torch.zeros(1).long()}
    target = {**box, "masks": square.tril()}
    found = {**box, "masks": square.triu(), "scores": torch.tensor([0.9])}
    assert evaluate_detections([found], [target])["AP"] == 1
    assert evaluate_detections([found], [target], shapes="masks")["AP"] == 0
    found["masks"] = target["masks"]
    assert evaluate_detections([found], [target], shapes="masks")["AP"] == 1


def test_on_a_crowd_the_share_inside_counts():
    crowd = half(0, 4, iscrowd=torch.ones(1).long())
    targets = [together(half(3, 4, iscrowd=torch.zeros(1).long()), crowd)]
    found = [together(half(0, 1, score=0.9), half(3, 4, score=0.8))]
    # the first lies on the crowd, of which it is a quarter, and does not count
    assert evaluate_detections(found, targets, shapes="masks")["AP"] == 1
    targets[0]["iscrowd"][1] = 0  # no crowd, but an object, and missed
    assert evaluate_detections(found, targets, shapes="masks")["AP"] < 0.5


def test_nothing_to_find_nothing_found_and_empty_masks():
    none = {"masks": torch.zeros(0, 4, 4, dtype=torch.bool), "labels": torch.zeros(0).long()}
    silent = {**none, "scores": torch.zeros(0)}
    assert figures([], []) == figures([silent], [none]) == [-1] * 12
    assert figures([half(0, 2, score=0.9)], [none]) == [-1] * 12
    missed = evaluate_detections([silent], [half(0, 2)], shapes="masks")
    assert missed["AP"] == missed["AR100"] == missed["APs"] == 0 and missed["APl"] == -1
    with np.errstate(all="raise"):
        empty = evaluate_detections([half(2, 2, score=0.9)], [half(2, 2)], shapes="masks")
    assert empty["AP"] == 0  # two empty masks have nothing in common
    sizes = [half(0, 2, score=0.9), half(0, 3, score=0.8, side=9)], [half(0, 2), half(0, 3, side=9)]
    assert evaluate_detections(*sizes, shapes="masks")["AP"] == 1  # pictures of two sizes


def test_bad_input_is_named():
    good, target = half(0, 2, score=0.9), half(0, 2)
    bare = {name: good[name] for name in ("labels", "scores")}
    mask = good["masks"]
    for found, truth, says in (
        (bare, target, r"predictions must hold masks, labels and scores .* got labels, scores in image 1"),
        ({"masks": mask}, target, r"predictions must hold masks, labels and scores .* got masks in image 1"),
        (good, {"labels": target["labels"]}, r"targets must hold masks, labels for .* got labels in image 1"),
        (good, {}, r"targets must hold masks, labels .* got nothing in image 1"),
        ({**good, "masks": mask[[0, 0]]}, target, r"predictions .* labels as masks .* \[2, 4, 4\] and labels \[1\]"),
        (good, {**target, "masks": mask[:0]}, r"targets .* labels as masks .* \[0, 4, 4\] and labels \[1\]"),
        (good, half(0, 2, side=5), r"image 1: .* got predictions \[1, 4, 4\] and targets \[1, 5, 5\]"),
        (good, {**target, "masks": mask[0, :1]}, r"image 1: targets must hold masks \[N, H, W\], bool, got \[1, 4\]"),
        (good, {**target, "area": torch.zeros(3)}, r"area must be one for each label .*, a tensor \[1\], got \[3\]"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"^evaluate_detections: {says}"):
            evaluate_detections([good, found], [target, truth], shapes="masks")
    soft = {**good, "masks": mask[:, None].float()}  # as torchvision's Mask R-CNN gives them
    with pytest.raises(TypeError, match=r"bool, got torch\.float32 \[1, 1, 4, 4\]"):
        evaluate_detections([soft], [target], shapes="masks")
    with pytest.raises(ValueError, match=r"must hold boxes, .* got masks, labels, scores in ima"):
        evaluate_detections([good], [target])
    with pytest.raises(ValueError, match=r"shapes must be one of \('boxes', 'masks'\), got 'segm'"):
        evaluate_detections([good], [target], shapes="segm")


@given(seed=st.integers(0, 1000), n=st.integers(0, 4), m=st.integers(0, 4))
def test_mask_iou_is_what_a_loop_counts_and_pycocotools(seed, n, m):
    dice = torch.Generator().manual_seed(seed)
    a, b = torch.rand(n, 6, 5, generator=dice) > 0.5, torch.rand(m, 6, 5, generator=dice) > 0.3
    a[1:2], b[2:3] = False, False
    iou = mask_iou(a, b)
    assert iou.shape == (n, m)
    for i, j in np.ndindex(n, m):
        both = sum(bool(p and q) for p, q in zip(a[i].flatten(), b[j].flatten(), strict=True))
        either = sum(bool(p or q) for p, q in zip(a[i].flatten(), b[j].flatten(), strict=True))
        assert iou[i, j].item() == pytest.approx(both / either if either else 0, abs=1e-6)
    if n and m:
        peer = coco_mask.iou([run_lengths(q) for q in a], [run_lengths(q) for q in b], [False] * m)
        np.testing.assert_allclose(iou, peer, atol=1e-6)


def test_mask_iou_names_bad_input():
    masks = torch.ones(5, 12, 9, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"mask_iou: a and b .* \[5, 12, 9\] and b \[5, 12, 8\]"):
        mask_iou(masks, masks[:, :, :8])
    with pytest.raises(ValueError, match=r"mask_iou: a must hold masks .* got \[12, 9\]"):
        mask_iou(masks[0], masks)
    with pytest.raises(TypeError, match=r"mask_iou: b must .* got torch\.int64"):
        mask_iou(masks, masks.long())
    with pytest.raises(TypeError, match=r"mask_iou: b must .* got list"):
        mask_iou(masks, [])
