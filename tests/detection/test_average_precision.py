import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.by_definition import average_precision as plain
from course_lib.detection import average_precision as ap
from course_lib.detection.average_precision import evaluate_detections
from course_lib.detection.flatten import KINDS
from course_lib.detection.matching import of_class, right_or_wrong
from tests.detection.detection_cases import NAMES, random_scenes, together, with_pycocotools


@settings(max_examples=40)
@given(seed=st.integers(0, 100_000), whole=st.booleans(), extras=st.booleans())
def test_twelve_figures_are_pycocotools(seed, whole, extras):
    predictions, targets = random_scenes(seed, whole=whole, extras=extras)
    if sum(len(p["labels"]) for p in predictions) == 0:
        return
    ours = evaluate_detections(predictions, targets)
    np.testing.assert_allclose([ours[n] for n in NAMES], with_pycocotools(predictions, targets), atol=1e-9)  # fmt: skip


def test_more_than_a_hundred_detections_of_a_class():
    predictions, targets = random_scenes(1, images=3, classes=1, most=400)
    assert max(len(p["labels"]) for p in predictions) > 150
    ours = evaluate_detections(predictions, targets)
    np.testing.assert_allclose([ours[n] for n in NAMES], with_pycocotools(predictions, targets), atol=1e-9)  # fmt: skip
    assert ours["AR1"] < ours["AR10"] < ours["AR100"]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["voc07", "voc12"]))
def test_voc_is_the_development_kits(seed, kind):
    predictions, targets = random_scenes(seed, images=4)
    for target in targets:
        target["difficult"] = target.pop("iscrowd")
    for image in (*predictions, *targets):
        image["boxes"] = image["boxes"].double()
    ours = evaluate_detections(predictions, targets, kind)
    for label, value in ours["AP50_per_class"].items():
        scores, correct, positives = plain.of_class(predictions, targets, label, kind=kind)
        curve = plain.precision_recall(scores, correct, positives)
        assert value == pytest.approx(plain.average_precision(*curve, kind), abs=1e-9)
        found, right, count = of_class(predictions, targets, label, kind=kind)
        assert count == positives and right.sum() == correct.sum()
        assert sorted(found.tolist()) == sorted(scores.tolist())


@given(
    outcomes=st.lists(st.booleans(), max_size=40), missed=st.integers(0, 9), kind=st.sampled_from(list(KINDS))
)  # fmt: skip
def test_one_curve_by_definition(outcomes, missed, kind):
    positives = sum(outcomes) + missed
    scores, right = -torch.arange(len(outcomes)).double(), torch.tensor(outcomes, dtype=torch.bool)
    if positives == 0:
        with pytest.raises(ValueError, match="positives must be 1 or more"):
            ap.precision_recall(scores, right, positives)
        return
    precision, recall = ap.precision_recall(scores, right, positives)
    expected = plain.precision_recall(scores, right, positives)
    assert torch.equal(precision, expected[0]) and torch.equal(recall, expected[1])
    value = ap.average_precision(precision, recall, kind)
    assert value == pytest.approx(plain.average_precision(*expected, kind), abs=1e-9)


def test_published_figures():
    """Padilla and others, A Survey on Performance Metrics for Object-Detection Algorithms, 2020."""
    scores = "95 95 91 88 84 80 78 74 71 70 67 62 54 48 45 45 44 44 43 38 35 23 18 14"
    right = [c == "T" for c in "TFTFFFFFFTFTTTFFFFFFFFTF"]
    curve = ap.precision_recall(
        torch.tensor([*map(float, scores.split())]), torch.tensor(right), 15
    )
    assert ap.average_precision(*curve, "voc12") == pytest.approx(0.2457, abs=1e-4)
    assert ap.average_precision(*curve, "voc07") == pytest.approx(0.2684, abs=1e-4)


def test_all_classes_at_once_is_each_by_itself():
    predictions, targets = random_scenes(7, images=20, extras=False)
    for kind in KINDS:
        for label, value in evaluate_detections(predictions, targets, kind)[
            "AP50_per_class"
        ].items():
            curve = ap.precision_recall(*of_class(predictions, targets, label, kind=kind))
            assert ap.average_precision(*curve, kind) == pytest.approx(value, abs=1e-9)


def square(x, side=10.0, score=None, label=0):
    one = {"boxes": torch.tensor([[x, 0.0, x + side, side]]), "labels": torch.tensor([label])}
    return one if score is None else {**one, "scores": torch.tensor([score])}


def test_the_best_object_or_the_best_one_left():
    """Two objects side by side; the second detection lies on both, a bit more on the first, which is taken."""
    targets = [together(square(0.0), square(2.0))]
    predictions = [together(square(0.0, score=0.9), square(0.8, score=0.8))]
    assert right_or_wrong(predictions, targets, kind="coco")[0].tolist() == [1, 1]
    assert right_or_wrong(predictions, targets, kind="voc12")[0].tolist() == [1, 0]


def test_of_equal_overlaps_the_first_object_is_the_best():
    found = [square(1.0, score=0.9)]
    for difficult, verdict in (([0, 1], 1), ([1, 0], -1)):
        target = together(square(0.0), square(2.0))
        target["difficult"] = torch.tensor(difficult)
        assert right_or_wrong(found, [target], kind="voc07")[0].tolist() == [verdict]


@pytest.mark.parametrize(("side", "sizes", "other"), [(32.0, "sm", "l"), (96.0, "ml", "s")])
def test_an_area_between_two_sizes_is_of_both(side, sizes, other):
    target, found = square(0.0, side), square(0.0, side, score=0.8)
    judged = evaluate_detections([found], [target])
    assert all(judged[f"AP{size}"] == 1 for size in sizes) and judged[f"AP{other}"] == -1
    found = together(found, square(200.0, side, score=0.9))  # the best is wrong, in both sizes
    judged = evaluate_detections([found], [target])
    assert all(judged[f"AP{size}"] == pytest.approx(0.5) for size in sizes)


def test_a_duplicate_is_wrong_and_a_crowd_is_patient():
    twice = [together(square(0.0, score=0.9), square(0.0, score=0.8))]
    assert right_or_wrong(twice, [square(0.0)])[0].tolist() == [1, 0]
    crowd = {**square(0.0, side=100.0), "iscrowd": torch.tensor([1])}
    assert right_or_wrong(twice, [crowd])[0].tolist() == [-1, -1]
    assert evaluate_detections(twice, [crowd])["AP"] == -1


def test_nothing_to_find_and_nothing_found():
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}
    silent = {**none, "scores": torch.zeros(0)}
    assert [evaluate_detections([], [])[n] for n in NAMES] == [-1] * 12
    assert [evaluate_detections([silent], [none])[n] for n in NAMES] == [-1] * 12
    loud = evaluate_detections([square(0.0, score=0.9)], [none])
    assert [loud[n] for n in NAMES] == [-1] * 12 and loud["AP_per_class"] == {}
    missed = evaluate_detections([silent], [square(0.0)])
    assert missed["AP"] == missed["AR100"] == missed["APs"] == 0 and missed["APl"] == -1
    perfect = evaluate_detections([square(0.0, score=0.9)], [square(0.0)])
    assert perfect["AP"] == perfect["AR1"] == perfect["APs"] == 1
    stranger = together(square(0.0, score=0.9), square(0.0, score=0.99, label=7))
    assert evaluate_detections([stranger], [square(0.0)])["AP_per_class"] == {0: 1.0}
    assert right_or_wrong([stranger], [square(0.0)])[0].tolist() == [1, 0]
    bare = {"boxes": torch.zeros(0), "labels": torch.zeros(0).long()}  # as some files have it
    assert evaluate_detections([silent], [bare])["AP"] == -1
    assert right_or_wrong([], []) == []


def test_bad_input_is_named():
    good, target = square(0.0, score=0.9), square(0.0)
    for bad, truth, says in (
        ([good], [], "as many predictions as targets, .* got 1 and 0"),
        ([{**good, "boxes": -good["boxes"]}], [target], "predictions: boxes must have x1 <= x2"),
        ([good], [{**target, "boxes": target["boxes"] * torch.nan}], "targets: boxes must have"),
        ([{**good, "scores": torch.tensor([torch.nan])}], [target], "scores must be numbers, got NaN"),
        ([{**good, "scores": torch.zeros(2)}], [target], r"scores must be one for each label .* \[1\], got \[2\]"),
        ([{**good, "labels": torch.zeros(3).long()}], [target], r"labels as boxes .* \[1, 4\] and labels \[3\]"),
        ([{**good, "labels": torch.tensor([-1])}], [target], "labels must be 0 or above, got -1"),
        ([good], [{**target, "area": torch.zeros(4)}], "area must be one for each label"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            evaluate_detections(bad, truth)
    with pytest.raises(TypeError, match=r"labels must be .* int64, got \[1\] of float32"):
        evaluate_detections([{**good, "labels": torch.zeros(1)}], [target])
    for call in (evaluate_detections, lambda p, t, kind: right_or_wrong(p, t, kind=kind)):
        with pytest.raises(ValueError, match=r"kind must be one of .*'voc12'\), got 'voc'"):  # fmt: skip
            call([good], [target], kind="voc")
    with pytest.raises(ValueError, match=r"iou_threshold must lie in 0\.5\.\.1, got 0\.3"):
        right_or_wrong([good], [target], 0.3)
    with pytest.raises(ValueError, match="no fewer than the 2"):
        ap.precision_recall(torch.zeros(2), torch.ones(2).bool(), 1)
    with pytest.raises(ValueError, match="recall never falling"):
        ap.average_precision(torch.ones(2), torch.tensor([0.5, 0.4]))


def test_voc_counts_more_than_a_hundred_detections():
    """COCO looks at the best 100 of a class in an image; the kit of VOC looks at all."""
    target = square(0.0)
    lost = together(*(square(500.0, score=0.9) for _ in range(120)), square(0.0, score=0.5))
    assert evaluate_detections([lost], [target])["AP50"] == 0
    assert right_or_wrong([lost], [target])[0].tolist() == [0] * 100 + [-1] * 21
    for kind in ("voc07", "voc12"):
        value = evaluate_detections([lost], [target], kind)["AP50"]
        assert value == pytest.approx(1 / 121)
        assert right_or_wrong([lost], [target], kind=kind)[0].tolist() == [0] * 120 + [1]
