"""Average precision: by hand, as pycocotools and scikit-learn have it, published figures, as the library does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from course_lib.by_definition import average_precision as plain
from course_lib.detection import average_precision as fast
from course_lib.detection import matching
from tests.detection.detection_cases import random_scenes, together, with_pycocotools

KINDS = ("coco", "voc07", "voc12")


def square(x, score=None, label=0, side=10.0, **more):
    one = {"boxes": torch.tensor([[x, 0.0, x + side, side]]), "labels": torch.tensor([label])}
    one = one | {name: torch.tensor([value]) for name, value in more.items()}
    return one if score is None else one | {"scores": torch.tensor([score])}


def test_curves_by_hand():
    scores, correct = torch.tensor([0.7, 0.9, 0.8]), torch.tensor([True, True, False])
    precision, recall = plain.precision_recall(scores, correct, positives=4)
    assert precision.tolist() == [1, 1 / 2, 2 / 3] and recall.tolist() == [1 / 4, 1 / 4, 1 / 2]
    ap = [plain.average_precision(precision, recall, kind) for kind in KINDS]
    # precision 1 up to recall 1/4, 2/3 up to 1/2, then 0
    assert ap == pytest.approx([(26 + 25 * 2 / 3) / 101, (3 + 3 * 2 / 3) / 11, (1 + 2 / 3) / 4])
    nothing = plain.precision_recall(scores[:0], correct[:0], positives=4)
    assert [plain.average_precision(*nothing, kind) for kind in KINDS] == [0, 0, 0]


def test_matching_by_hand():
    """Two objects side by side; the second detection lies on both, a bit more on the first, which is taken."""
    target = together(square(0.0), square(2.0))
    prediction = together(square(0.8, score=0.8), square(0.0, score=0.9))
    assert plain.match_coco(prediction, target).tolist() == [1, 1]
    assert plain.match_voc(prediction, target).tolist() == [0, 1]
    twice = together(
        square(0.0, score=0.9), square(0.0, score=0.8), square(0.0, score=1.0, label=1)
    )
    for match in (plain.match_voc, plain.match_coco):
        assert match(twice, square(0.0)).tolist() == [1, 0, 0]  # a duplicate, and another class
        assert match(square(5.0, score=1.0), square(0.0)).tolist() == [0]  # IoU 1/3
        assert match(square(5.0, score=1.0), square(0.0), iou_threshold=1 / 3).tolist() == [1]
        bare = {"boxes": torch.zeros(0), "labels": torch.zeros(0).long()}
        assert match(square(0.0, score=1.0), bare).tolist() == [0]
    assert plain.match_voc(twice, square(0.0, difficult=1)).tolist() == [-1, -1, 0]
    crowd = square(0.0, iscrowd=1, side=100.0)  # far larger, yet both lie on it
    assert plain.match_coco(twice, crowd).tolist() == [-1, -1, 0]
    small = together(square(0.0, score=0.9, side=0.5), square(0.0, score=0.8, side=0.0))
    assert plain.match_coco(small, crowd).tolist() == [-1, 0]  # one without an area lies on nothing
    both = together(square(0.0, iscrowd=1), square(1.0, iscrowd=0))
    assert plain.match_coco(twice, both).tolist() == [1, -1, 0]  # the object goes before the crowd


def test_means_by_hand():
    predictions = [
        together(square(0.0, 0.9), square(50.0, 0.8), square(0.0, 0.7, label=1)),
        square(0.0, 0.6),
    ]
    targets = [
        square(0.0, iscrowd=0),
        together(square(0.0, iscrowd=0), square(0.0, label=1, iscrowd=1)),
    ]
    scores, correct, positives = plain.of_class(predictions, targets, label=0)
    assert scores.tolist() == pytest.approx([0.9, 0.8, 0.6])
    assert (correct.tolist(), positives) == ([True, False, True], 2)
    # class 1 has a crowd alone: it has no part
    expected = (51 + 50 * 2 / 3) / 101
    assert plain.mean_average_precision(predictions, targets) == pytest.approx(expected)
    assert plain.mean_average_precision(predictions[:1], [square(0.0, label=2)]) == 0
    assert plain.mean_average_precision([], []) == -1


def test_published_figures():
    """Padilla and others, A Survey on Performance Metrics for Object-Detection Algorithms, 2020."""
    scores = "95 95 91 88 84 80 78 74 71 70 67 62 54 48 45 45 44 44 43 38 35 23 18 14"
    correct = torch.tensor([c == "T" for c in "TFTFFFFFFTFTTTFFFFFFFFTF"])
    curve = plain.precision_recall(torch.tensor([*map(float, scores.split())]), correct, 15)
    assert plain.average_precision(*curve, "voc12") == pytest.approx(0.2457, abs=1e-4)
    assert plain.average_precision(*curve, "voc07") == pytest.approx(0.2684, abs=1e-4)


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 9), st.sampled_from(KINDS))
def test_curves_are_the_librarys(outcomes, missed, kind):
    positives, correct = max(sum(outcomes) + missed, 1), torch.tensor(outcomes, dtype=torch.bool)
    scores = -torch.arange(len(outcomes)).div(2, rounding_mode="floor")  # two of each score
    curves = [module.precision_recall(scores, correct, positives) for module in (plain, fast)]
    for ours, theirs in zip(*curves, strict=True):
        assert torch.equal(ours, theirs)
    value = plain.average_precision(*curves[0], kind)
    assert value == pytest.approx(fast.average_precision(*curves[1], kind), abs=1e-12)


def test_the_area_is_scikit_learns_where_precision_only_falls():
    """Theirs does not take the maximum to the right."""
    correct = torch.tensor([True, True, False, True, False, False])
    curve = plain.precision_recall(-torch.arange(6.0), correct, 3)
    theirs = average_precision_score(correct, -torch.arange(6.0))
    assert plain.average_precision(*curve, "voc12") == pytest.approx(theirs)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9999), st.booleans(), st.booleans())
def test_verdicts_and_map_as_pycocotools_and_the_library(seed, whole, extras):
    predictions, targets = random_scenes(seed, images=4, most=15, whole=whole, extras=extras)
    for pictures in (predictions, targets):
        for one in pictures:
            one["boxes"] = one["boxes"].double()
    for kind in KINDS:
        for target in targets:
            if kind != "coco" and "iscrowd" in target:
                target["difficult"] = target["iscrowd"]
        ours, theirs = (
            judge(predictions, targets, kind=kind)
            for judge in (plain.right_or_wrong, matching.right_or_wrong)
        )
        assert [v.tolist() for v in ours] == [v.tolist() for v in theirs]
        value = plain.mean_average_precision(predictions, targets, kind=kind)
        library = fast.evaluate_detections(predictions, targets, kind)["AP50"]
        assert value == pytest.approx(library, abs=1e-9)
        if kind == "coco" and sum(len(p["labels"]) for p in predictions) > 0:
            assert value == pytest.approx(with_pycocotools(predictions, targets)[1], abs=1e-9)
        for label in range(3):
            ours, theirs = (
                judge(predictions, targets, label, kind=kind)
                for judge in (plain.of_class, matching.of_class)
            )
            assert sorted(zip(*map(torch.Tensor.tolist, ours[:2]), strict=True)) == sorted(
                zip(*map(torch.Tensor.tolist, theirs[:2]), strict=True)
            )
            assert ours[2] == theirs[2]
