"""Three hundred wrong functions, made from the plain forms: each is judged, and none that is wrong is called right."""

from random import Random

import pytest

from course_lib.by_definition import (
    average_precision,
    detection,
    metric_learning,
    self_supervision,
)
from course_lib.exercises import (
    calling,
    cases,
    detection_classes_solutions,
    search_solutions,
    verification_curves_solutions,
    verification_solutions,
)
from course_lib.exercises.answer import judge
from course_lib.exercises.cases import copied, look
from course_lib.exercises.student import Ours
from course_lib.exercises.tasks import TASKS
from tests.exercises import loops
from tests.exercises.mutants import mutants

COUNT = 300
SELF_SUPERVISION = (
    "rotations",
    "permutation_set",
    "patch_pair",
    "linear_probe",
    "nt_xent",
    "two_views",
    "case_pairs",
)
VERIFICATION = (
    "pairs_of",
    "far_and_frr",
    "equal_error_rate",
    "choose_threshold",
    "ten_fold_accuracy",
    "rank_k",
)
ASSIGNED = [
    *((name, search_solutions, name, (name,)) for name in ("nearest", "candidates", "recall_at_k")),
    ("contrastive_loss", metric_learning, "contrastive_loss", ("contrastive_loss",)),
    ("margin_logits", metric_learning, "margin_logits", ("margin_logits",)),
    ("batched_nms", detection, "batched_nms", ("batched_nms",)),
    *(
        (name, detection_classes_solutions, name, (name,))
        for name in ("mean_average_precision", "roi_pool")
    ),
    ("roc", verification_curves_solutions, "roc", ("roc",)),
]
FORMS = [
    *ASSIGNED,
    ("iou", detection, "iou", ("iou", "intersection", "area")),
    ("nms", detection, "nms", ("nms", "best_first")),
    ("nms", loops, "nms", ("nms",)),
    ("precision_recall", average_precision, "precision_recall", ("precision_recall",)),
    ("encode", detection, "encode", ("encode", "centre_and_size")),
    ("decode", detection, "decode", ("decode", "centre_and_size")),
    *((name, self_supervision, name, (name,)) for name in SELF_SUPERVISION),
    *((name, verification_solutions, name, (name,)) for name in VERIFICATION),
]
MUTANTS = [
    (task, said, function)
    for task, module, name, changed in FORMS
    for said, function in mutants(module, name, changed)
]


def test_there_are_enough():
    assert len(MUTANTS) >= COUNT and {task for task, *_ in MUTANTS} == {f[0] for f in FORMS}


@pytest.mark.slow
def test_every_mutant_is_judged_and_none_that_is_wrong_is_right(monkeypatch):
    # what is tested is the verdict: a smaller counterexample need not be looked for, nor a picture drawn
    monkeypatch.setattr("course_lib.exercises.answer.smallest", lambda *_: None)
    monkeypatch.setattr("course_lib.exercises.report._drawn", lambda *_: (None, ""))
    monkeypatch.setattr(calling, "SECONDS", 1.0)
    outcomes = {}
    for name, said, function in Random(0).sample(MUTANTS, COUNT):
        answer = judge(name, function)
        outcomes.setdefault(answer.outcome, []).append((name, said))
        if answer.outcome == "right":
            assert differs(TASKS[name], function) is None, (name, said)
    assert set(outcomes) <= {"right", "wrong", "crashed"}, outcomes
    # those that are right, as `a * b -> b * a`
    assert len(outcomes["right"]) < COUNT / 3 and len(outcomes["wrong"]) > COUNT / 3


def differs(task, function):
    """A case, of many new ones, in which a function is not right; None if there is none."""

    def fails(case):
        return look(task, Ours(function), case, task.plain(*copied(case))).kind != "right"

    return cases._find(task, fails, 1000, seed=99)
