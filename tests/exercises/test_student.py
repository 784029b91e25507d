"""What is seen of a student's function without calling it: where its parts come from."""

import pytest
import torch
import torchvision
from torch import nn

from course_lib.detection import suppression
from course_lib.detection.suppression import nms
from course_lib.embeddings.encoders import ConvEncoder
from course_lib.exercises.assigned import Exercise, assignments, checker, judge_assigned, worth
from course_lib.exercises.report import Answer
from course_lib.exercises.student import borrowed, tensors_outside
from course_lib.exercises.tasks import TASKS
from course_lib.page.plots import panels

FACES = torch.zeros(3)


def by_name(boxes, scores, t):
    return nms(boxes, scores, t)


def by_module(boxes, scores, t):
    return suppression.nms(boxes, scores, t)


def of_another_library(boxes, scores, t):
    return torchvision.ops.nms(boxes, scores, t)


def imported_inside(boxes, scores, t):
    from course_lib.by_definition.detection import nms

    return nms(boxes, scores, t)


def through_a_helper(boxes, scores, t):
    return by_name(boxes, scores, t)


def in_a_closure():
    inner = nms

    def function(boxes, scores, t):
        return inner(boxes, scores, t)

    return function


@pytest.mark.parametrize(
    "function, module",
    [
        (nms, "course_lib.detection.suppression"),
        (by_name, "course_lib.detection.suppression"),
        (by_module, "course_lib.detection.suppression"),
        (of_another_library, "torchvision"),
        (imported_inside, "course_lib.by_definition.detection"),
        (through_a_helper, "course_lib.detection.suppression"),
        (in_a_closure(), "course_lib.detection.suppression"),
    ],
    ids=lambda f: getattr(f, "__name__", f),
)
def test_what_is_borrowed_is_named(function, module):
    assert borrowed(function) == [module]


def own(boxes, scores, t):
    fig, _ = panels()
    network = nn.Sequential(ConvEncoder(3, 4), nn.ReLU())
    kept = [i for i in torch.arange(3) if own is not None]
    return network, fig, kept, boxes.nms


@pytest.mark.parametrize("function", [own, 3, None, len, torch.cdist, nn.Linear(2, 2), ConvEncoder])
def test_what_is_one_s_own_or_allowed_is_not(function):
    assert borrowed(function) == []


def test_tensors_from_outside_are_named():
    def train(images, labels):
        return lambda x: x @ FACES

    assert tensors_outside(train) == ["FACES"]
    assert tensors_outside(by_name) == [] == tensors_outside(len)
    answer = judge_assigned("train_faces", train, 2026)
    assert answer.outcome == "wrong" and "FACES, made outside" in " ".join(answer.text.split())


def test_a_borrowed_answer_is_not_right(capsys):
    answer = judge_assigned("iou", imported_inside, 2026)
    assert answer.outcome == "wrong" and "by_definition" in answer.text
    check = checker("3_boxes", 2026)
    check("iou", TASKS["iou"].plain)
    assert "by_definition.detection, which is not there" in " ".join(
        capsys.readouterr().out.split()
    )


def iou(a, b):
    lower, upper = torch.maximum(a, b)[:2], torch.minimum(a, b)[2:]
    shared = (upper - lower).clamp(min=0).prod()
    union = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared
    return shared / union if union > 0 else 0.0


def test_a_check_knows_its_own_exercises(capsys, monkeypatch):
    check = checker("3_boxes", 2026)
    check("iou", iou)
    check("iou", ...)
    assert "iou: right." in (said := capsys.readouterr().out) and "not attempted" in said
    with pytest.raises(ValueError, match="has no exercise 'roc'; it has"):
        check("roc", iou)
    with pytest.raises(ValueError, match="there is no assignment '6_x'"):
        checker("6_x", 2026)
    # where nbgrader marks, what is not right must raise
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    check("iou", iou)
    with pytest.raises(AssertionError, match="iou: not right yet"):
        check("iou", lambda a, b: 0.0)


def test_another_variant_tries_other_cases():
    seen = {seed: [] for seed in (2026, 2027)}
    for seed, found in seen.items():
        judge_assigned(
            "iou", lambda a, b, found=found: found.append(str((a, b))) or iou(a, b), seed
        )
    first, second = (set(found) for found in seen.values())
    assert len(first - second) > 50 and len(second - first) > 50


def test_points():
    assert worth(Answer("iou", "right", ""), 3) == 3.0
    assert worth(Answer("iou", "right", "", kind="slow"), 3) == 1.5
    assert worth(Answer("iou", "right", "", share=0.84), 10) == 8.5
    assert worth(Answer("iou", "wrong", ""), 3) == worth(Answer("iou", "crashed", ""), 3) == 0.0


def test_assignments_are_whole():
    made = assignments()
    assert len(made) == 5 and [name[0] for name in made] == list("12345")
    for one in made.values():
        assert one.points == sum(e.points for e in one.exercises) >= 20
        assert all(isinstance(e, Exercise) and e.task in TASKS for e in one.exercises)
        assert all(len(TASKS[e.task].mistakes) >= 8 for e in one.exercises)
    minutes = sum(TASKS[e.task].minutes for one in made.values() for e in one.exercises)
    assert 6 * 60 <= minutes <= 8 * 60
