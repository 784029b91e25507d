import contextlib
import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import average_precision as ap
from course_lib.average_precision import evaluate_detections, of_class, right_or_wrong
from course_lib.boxes import box_iou

NAMES = "AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split()


def random_scenes(seed, images=8, classes=3, most=25, whole=False, extras=True):
    """Detections near and far from objects of all sizes; ties in score, crowds, empty pictures, strange classes."""
    dice = torch.Generator().manual_seed(seed)
    predictions, targets = [], []
    for _ in range(images):
        n = int(torch.randint(0, 8, (1,), generator=dice))
        corner = torch.rand(n, 2, generator=dice) * 200
        scale = torch.tensor([20.0, 150.0])[torch.randint(0, 2, (n, 1), generator=dice)]
        side = torch.rand(n, 2, generator=dice) * scale
        boxes, labels = torch.cat([corner, corner + side], 1), torch.randint(classes, (n,), generator=dice)  # fmt: skip
        target = {"boxes": boxes, "labels": labels}
        if extras:
            target["area"] = side.prod(1) * (0.5 + 0.5 * torch.rand(n, generator=dice))
            target["iscrowd"] = (torch.rand(n, generator=dice) < 0.15).long()
        found = int(torch.randint(0, most, (1,), generator=dice)) if n else 0
        which = torch.randint(0, max(n, 1), (found,), generator=dice)
        noise = torch.tensor([0.02, 0.2])[torch.randint(0, 2, (found, 1), generator=dice)]
        moved = boxes[which] + noise * side[which].repeat(1, 2) * torch.randn(found, 4, generator=dice)  # fmt: skip
        moved = torch.cat([moved[:, :2].minimum(moved[:, 2:]), moved[:, :2].maximum(moved[:, 2:])], 1)  # fmt: skip
        if whole:  # equal overlaps
            moved, target["boxes"] = (moved / 5).round() * 5, (boxes / 5).round() * 5
        wrong = torch.randint(classes + 1, (found,), generator=dice)
        said = torch.where(torch.rand(found, generator=dice) < 0.8, labels[which], wrong)
        scores = (10 * torch.rand(found, generator=dice)).round() / 10
        predictions.append({"boxes": moved, "labels": said, "scores": scores})
        targets.append(target)
    return predictions, targets


def pycocotools(predictions, targets):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def notes(pictures):
        result = []
        for image, picture in enumerate(pictures):
            names = [name for name in picture if name != "boxes"]
            rows = zip(*(picture[name].double().tolist() for name in names), strict=True)
            for box, row in zip(picture["boxes"].double().tolist(), rows, strict=True):
                x1, y1, x2, y2 = box
                more = dict(zip(names, row, strict=True))
                note = {"area": (x2 - x1) * (y2 - y1), "iscrowd": 0, **more}
                note |= {"image_id": image, "bbox": [x1, y1, x2 - x1, y2 - y1]}
                note |= {"category_id": int(note.pop("labels")), "id": len(result) + 1}
                if "scores" in note:
                    note["score"] = note.pop("scores")
                note["iscrowd"] = int(note["iscrowd"])
                result.append(note)
        return result

    truth, found = notes(targets), notes(predictions)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        classes = {note["category_id"] for note in truth + found}
        coco.dataset = {
            "images": [{"id": image} for image in range(len(targets))],
            "annotations": truth,
            "categories": [{"id": label} for label in sorted(classes)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@settings(max_examples=40)
@given(seed=st.integers(0, 100_000), whole=st.booleans(), extras=st.booleans())
def test_twelve_figures_are_pycocotools(seed, whole, extras):
    predictions, targets = random_scenes(seed, whole=whole, extras=extras)
    if sum(len(p["labels"]) for p in predictions) == 0:
        return
    ours = evaluate_detections(predictions, targets)
    np.testing.assert_allclose([ours[n] for n in NAMES], pycocotools(predictions, targets), atol=1e-9)  # fmt: skip


def test_more_than_a_hundred_detections_of_a_class():
    predictions, targets = random_scenes(1, images=3, classes=1, most=400)
    assert max(len(p["labels"]) for p in predictions) > 150
    ours = evaluate_detections(predictions, targets)
    np.testing.assert_allclose([ours[n] for n in NAMES], pycocotools(predictions, targets), atol=1e-9)  # fmt: skip
    assert ours["AR1"] < ours["AR10"] < ours["AR100"]


def voc_by_hand(predictions, targets, label, t):
    """The development kit's rule, detection by detection: scores, verdicts (1, 0, -1), objects to find."""
    every = [
        (-float(p["scores"][i]), image, i)
        for image, p in enumerate(predictions)
        for i in range(len(p["labels"]))
        if p["labels"][i] == label
    ]
    taken, scores, verdicts = set(), [], []
    for score, image, i in sorted(every):
        target = targets[image]
        mine = [g for g in range(len(target["labels"])) if target["labels"][g] == label]
        overlaps = [
            box_iou(predictions[image]["boxes"][i : i + 1].double(), target["boxes"][g : g + 1].double()).item()
            for g in mine
        ]  # fmt: skip
        verdict = 0
        if overlaps and max(overlaps) >= t:
            best = mine[overlaps.index(max(overlaps))]
            if target["difficult"][best]:
                verdict = -1
            elif (image, best) not in taken:
                verdict = 1
                taken.add((image, best))
        scores.append(-score)
        verdicts.append(verdict)
    positives = sum(int(((t["labels"] == label) & ~t["difficult"].bool()).sum()) for t in targets)
    return scores, verdicts, positives


def areas_by_hand(verdicts, positives, kind):
    """AP word for word: at every point of recall the highest precision from there on."""
    right, seen, curve = 0, 0, []
    for verdict in verdicts:
        if verdict >= 0:
            right, seen = right + verdict, seen + 1
            curve.append((right / positives, right / seen))
    if kind == "voc12":
        steps = sorted({0.0, *(r for r, _ in curve)})
        return sum((b - a) * max(p for r, p in curve if r >= b) for a, b in pairwise(steps))
    points = np.linspace(0, 1, 11 if kind == "voc07" else 101)
    return np.mean([max((p for r, p in curve if r >= point), default=0.0) for point in points])


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["voc07", "voc12"]))
def test_voc_is_the_development_kits(seed, kind):
    predictions, targets = random_scenes(seed, images=4)
    for target in targets:
        target["difficult"] = target.pop("iscrowd")
    ours = evaluate_detections(predictions, targets, kind)
    for label, value in ours["AP50_per_class"].items():
        scores, verdicts, positives = voc_by_hand(predictions, targets, label, 0.5)
        assert value == pytest.approx(areas_by_hand(verdicts, positives, kind), abs=1e-9)
        found, right, count = of_class(predictions, targets, label, kind=kind)
        assert count == positives and right.sum() == verdicts.count(1)
        assert sorted(found.tolist()) == sorted(
            s for s, v in zip(scores, verdicts, strict=True) if v >= 0
        )


@given(
    outcomes=st.lists(st.booleans(), max_size=40), missed=st.integers(0, 9), kind=st.sampled_from(list(ap.KINDS))
)  # fmt: skip
def test_one_curve_by_hand(outcomes, missed, kind):
    positives = sum(outcomes) + missed
    scores, right = -torch.arange(len(outcomes)).double(), torch.tensor(outcomes, dtype=torch.bool)
    if positives == 0:
        with pytest.raises(ValueError, match="positives must be 1 or more"):
            ap.precision_recall(scores, right, positives)
        return
    precision, recall = ap.precision_recall(scores, right, positives)
    seen = range(1, len(outcomes) + 1)
    expected = [sum(outcomes[:n]) / n for n in seen]
    torch.testing.assert_close(precision, torch.tensor(expected).double(), atol=1e-6, rtol=0)
    expected = [sum(outcomes[:n]) / positives for n in seen]
    torch.testing.assert_close(recall, torch.tensor(expected).double(), atol=1e-6, rtol=0)
    value = ap.average_precision(precision, recall, kind)
    assert value == pytest.approx(
        areas_by_hand(list(map(int, outcomes)), positives, kind), abs=1e-6
    )


def test_all_classes_at_once_is_each_by_itself():
    predictions, targets = random_scenes(7, images=20, extras=False)
    for kind in ap.KINDS:
        for label, value in evaluate_detections(predictions, targets, kind)[
            "AP50_per_class"
        ].items():
            curve = ap.precision_recall(*of_class(predictions, targets, label, kind=kind))
            assert ap.average_precision(*curve, kind) == pytest.approx(value, abs=1e-9)


def square(x, side=10.0, score=None, label=0):
    one = {"boxes": torch.tensor([[x, 0.0, x + side, side]]), "labels": torch.tensor([label])}
    return one if score is None else {**one, "scores": torch.tensor([score])}


def together(*parts):
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def test_the_best_object_or_the_best_one_left():
    """Two objects side by side; the second detection lies on both, a bit more on the first, which is taken."""
    targets = [together(square(0.0), square(2.0))]
    predictions = [together(square(0.0, score=0.9), square(0.8, score=0.8))]
    assert right_or_wrong(predictions, targets, kind="coco")[0].tolist() == [1, 1]
    assert right_or_wrong(predictions, targets, kind="voc12")[0].tolist() == [1, 0]


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
        ([{**good, "scores": torch.zeros(2)}], [target], r"scores must be one for each box .* \[1\], got \[2\]"),
        ([{**good, "labels": torch.zeros(3).long()}], [target], r"label for each box .* \[1, 4\] and labels \[3\]"),
        ([{**good, "labels": torch.tensor([-1])}], [target], "labels must be 0 or above, got -1"),
        ([good], [{**target, "area": torch.zeros(4)}], "area must be one for each box"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            evaluate_detections(bad, truth)
    with pytest.raises(TypeError, match=r"labels must be int64, got torch\.float32"):
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
