"""What `check` says of functions that fail in every other way, and that nothing they do harms the page."""

import os
import random
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from course_lib.by_definition import detection as plain
from course_lib.exercises import answer as module
from course_lib.exercises import calling
from course_lib.exercises.answer import check, judge
from course_lib.machine import ROOT
from course_lib.page.progress import remembered
from tests.exercises.loops import nms as loops_that_end


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


def one_line_blank(boxes, scores, iou_threshold):
    """Keep the best box; drop every later one that overlaps a kept one too much."""
    ...  # your turn: 5 lines


def blank_with_lines_around(boxes, scores, iou_threshold):
    kept = []
    ...  # your turn: 3 lines
    return torch.tensor(kept, dtype=torch.int64)


def docstring_only(boxes, scores, iou_threshold):
    """Keep the best box."""


@pytest.mark.parametrize("blank", [one_line_blank, blank_with_lines_around, docstring_only])
def test_a_blank_is_not_attempted(blank):
    answer = judge("nms", blank)
    assert answer.outcome == "not attempted"
    assert answer.text.startswith("nms: not attempted yet. ")


def test_a_function_that_is_right_may_keep_its_dots():
    def iou(a, b):
        ...
        return plain.iou(a, b)

    assert judge("iou", iou).outcome == "right"


def test_an_error_is_shown_at_the_students_own_line():
    def helper(box):
        return box[7]

    def iou(a, b):
        return helper(a)

    answer = judge("iou", iou)
    number = helper.__code__.co_firstlineno + 1
    assert answer.outcome == "crashed" and answer.kind == "error"
    assert f"\n  line {number} " in answer.text and "return box[7]" in answer.text
    assert "IndexError" in answer.text and "course_lib" not in answer.text


def test_an_error_inside_a_package_is_shown_at_the_line_that_called_it():
    def iou(a, b):
        return torch.nn.functional.cross_entropy(a, "b")

    assert "cross_entropy(a" in judge("iou", iou).text


def no_return(a, b):
    plain.iou(a, b)


def wrong_shape(a, b):
    return torch.tensor([plain.iou(a, b)])


def wrong_type(a, b):
    return "0.5"


def a_truth_value(a, b):
    return torch.tensor(True)


def not_a_number(a, b):
    return plain.iou(a, b) * float("nan")


def changes_its_argument(a, b):
    value = float(plain.iou(a, b))
    a[2:] = a[2:] - a[:2]
    return value


def counts_calls(a, b, calls=[]):  # noqa: B006
    calls.append(0)
    return plain.iou(a, b) + len(calls)


def throws_dice(a, b):
    return plain.iou(a, b) + 0 * random.random()


def throws_torch_dice(a, b):
    return plain.iou(a, b) + 1e-9 * torch.rand(())


def throws_numpy_dice(a, b):
    return float(plain.iou(a, b)) + 0 * np.random.rand()  # noqa: NPY002


def calls_itself(a, b):
    return calls_itself(a, b)


def ends_the_program(a, b):
    sys.exit(3)


def takes_one(a):
    return 0.0


@pytest.mark.parametrize(
    "function, outcome, kind, words",
    [
        (no_return, "crashed", "none", "returned None: is there a `return`"),
        (wrong_shape, "wrong", "shape", "Expected a number, got a tensor [1]"),
        (wrong_type, "wrong", "dtype", "Expected numbers, got a str"),
        (a_truth_value, "wrong", "dtype", "got a truth value"),
        (not_a_number, "wrong", "nan", "NaN"),
        (changes_its_argument, "wrong", "changed", "Your function changed a,"),
        (counts_calls, "wrong", "state", "another answer the second time"),
        (throws_dice, "wrong", "state", "uses random numbers"),
        (throws_torch_dice, "wrong", "state", "uses random numbers"),
        (throws_numpy_dice, "wrong", "state", "uses random numbers"),
        (calls_itself, "crashed", "error", "RecursionError  the function calls itself without end"),
        (ends_the_program, "crashed", "error", "sys.exit(3)"),
        (takes_one, "crashed", "error", "It must take (a, b), and takes (a)."),
    ],
)
def test_each_failure_has_its_own_sentence(function, outcome, kind, words):
    answer = judge("iou", function)
    assert (answer.outcome, answer.kind) == (outcome, kind)
    assert words in " ".join(answer.text.replace("\n ", " ").split("  " * 4)), answer.text
    assert "0x" not in answer.text


def test_what_is_wrong_is_shown_small_and_beside_what_is_right():
    def nms(boxes, scores, iou_threshold):
        kept = []
        for i in scores.argsort(descending=True).tolist():
            better = [k for k in kept if scores[k] > scores[i]]
            if all(plain.iou(boxes[i], boxes[k]) <= iou_threshold for k in better):
                kept.append(i)
        return kept

    answer = judge("nms", nms)
    assert answer.text == (
        "nms: not right yet.\n"
        "  boxes          [[0, 0, 4, 4], [0, 0, 4, 4]]\n"
        "  scores         [0.5, 0.5]\n"
        "  iou_threshold  0.5\n"
        "  yours keeps    [0, 1]\n"
        "  should keep    [0]             the smallest case found of 208 tried\n"
        "Two boxes with the same score: the second was compared only with boxes of a *higher* score."
    )
    assert answer.png.startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda kept: torch.tensor(kept).int()])
def test_indices_may_come_as_anything_that_holds_whole_numbers(kind):
    assert judge("nms", lambda b, s, t: kind(plain.nms(b, s, t).tolist())).outcome == "right"


def test_indices_as_floating_point_and_a_mask_are_told_apart():
    floats = judge("nms", lambda b, s, t: plain.nms(b, s, t).float())
    assert floats.kind == "dtype" and "whole numbers" in floats.text and floats.hint == ""


def test_either_of_two_equal_scores_may_go_first():
    def last_first(boxes, scores, iou_threshold):
        turned = plain.nms(boxes.flip(0), scores.flip(0), iou_threshold)
        return len(boxes) - 1 - turned

    assert judge("nms", last_first).outcome == "right"


def loops(a, b):
    while True:
        pass


def loops_through_every_exception(a, b):
    while True:
        try:
            sum([1, 2])
        except:  # noqa: E722
            pass


def sleeps(a, b):
    time.sleep(9)


@pytest.mark.parametrize(
    "function, line", [(loops, "line"), (loops_through_every_exception, "line"), (sleeps, "no end")]
)
def test_an_endless_loop_is_stopped_or_left_behind(function, line, monkeypatch):
    monkeypatch.setattr(calling, "SECONDS", 0.5)
    begun = time.monotonic()
    answer = judge("iou", function)
    assert time.monotonic() - begun < 8
    assert (answer.outcome, answer.kind) == ("crashed", "endless")
    assert line in answer.text and "no end" in answer.text
    assert ("could not be stopped" in answer.text) == (function is sleeps)
    # and the page goes on, where steps are counted too
    after = judge("nms", loops_that_end)
    assert (after.outcome, after.kind) == ("right", "")


def test_it_works_in_a_thread_that_is_not_the_main_one():
    box = []
    thread = threading.Thread(target=lambda: box.append(judge("iou", plain.iou)))
    thread.start()
    thread.join(60)
    assert box[0].outcome == "right"


def test_needless_slowness_is_told_by_growth():
    def nms(boxes, scores, iou_threshold):
        kept = []
        for i in scores.argsort(descending=True, stable=True).tolist():
            # everything kept so far is compared anew with everything
            for k in kept:
                for j in kept:
                    plain.iou(boxes[k], boxes[j])
            if all(plain.iou(boxes[i], boxes[k]) <= iou_threshold for k in kept):
                kept.append(i)
        return kept

    answer = judge("nms", nms)
    assert (answer.outcome, answer.kind) == ("right", "slow")
    assert answer.text.startswith("nms: right, but needlessly slow.\nWith twice as many inputs")


def test_what_is_printed_is_caught_and_shown_briefly(capsys):
    def iou(a, b):
        print("a is", a.tolist())
        print("x" * 5000)
        return plain.iou(a, b)

    answer = judge("iou", iou)
    assert (
        answer.outcome == "right" and "\nIt printed: a is [0.0, 0.0, 2.0, 1.0] | xxx" in answer.text
    )
    assert len(answer.text) < 300
    assert capsys.readouterr().out == ""


def test_our_own_failure_is_said_to_be_ours(monkeypatch):
    def fails(*_):
        raise ZeroDivisionError("in the check")

    monkeypatch.setattr(module, "look_at_all", fails)
    answer = judge("iou", plain.iou)
    assert answer.outcome == "could not be judged"
    assert "not your function: ZeroDivisionError" in answer.text


class Hostile:
    def __array__(self, *_, **__):
        raise RuntimeError("no")

    def __eq__(self, other):
        return True

    __hash__ = None

    def __len__(self):
        raise KeyError


def test_an_answer_that_cannot_be_read_is_wrong():
    assert judge("iou", lambda a, b: Hostile()).outcome == "wrong"
    assert judge("nms", lambda b, s, t: Hostile()).outcome == "wrong"


def test_the_random_generators_are_left_as_they_were():
    torch.manual_seed(3)
    random.seed(3)
    states = random.getstate(), torch.get_rng_state()
    judge("iou", throws_torch_dice)
    judge("iou", lambda a, b: 0.25)
    assert random.getstate() == states[0] and torch.equal(torch.get_rng_state(), states[1])


def test_bad_arguments_of_check():
    with pytest.raises(ValueError, match=r"check: there is no task 'nsm'; there are \["):
        check("nsm", plain.nms)
    with pytest.raises(TypeError, match="check: nms asks for a function, got Tensor"):
        check("nms", torch.zeros(3))


def test_check_shows_the_answer_and_remembers_the_outcome():
    InteractiveShell.instance()
    with capture_output() as captured:
        assert check("iou", lambda a, b: 1.0 - plain.iou(a, b)) is None
        check("iou", plain.iou)
    wrong, right = (output.data for output in captured.outputs)
    assert right["text/plain"] == "iou: right. 209 cases were tried."
    assert wrong["text/plain"].startswith("iou: not right yet.\n  a ")
    assert (
        '<img alt="iou: ' in wrong["text/html"] and "data:image/png;base64," in wrong["text/html"]
    )
    kept = [(line["kind"], line["name"], line["outcome"]) for line in remembered()]
    assert kept == [("check", "iou", "wrong"), ("check", "iou", "right")]


PROGRAM = """
from course_lib.exercises.answer import judge
print(judge("nms", lambda b, s, t: s.argsort(descending=True)))
print(judge("iou", lambda a, b: object()))
"""


@pytest.mark.slow
def test_the_text_is_the_same_in_every_process(tmp_path):
    texts = set()
    for seed, extra in (("1", ""), ("2", "import course_lib.detection.suppression, decimal\n")):
        run = subprocess.run(
            [sys.executable, "-c", extra + PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        texts.add(run.stdout)
    assert len(texts) == 1 and "should keep" in texts.pop()
    # neither a database nor a folder of hypothesis
    assert list(tmp_path.iterdir()) == []


def test_a_blank_is_no_answer_to_remember(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))

    def iou(a, b): ...

    check("iou", iou)
    assert remembered() == []
    check("iou", lambda a, b: 0.0)
    (kept,) = remembered()
    assert (kept["name"], kept["outcome"], kept["page"]) == ("iou", "wrong", "08")


def test_a_loop_that_is_stopped_between_two_lines_is_judged():
    """Python 3.11 has jumps without a line number: a step that is one too many may be there."""

    def precision_recall(scores, correct, positives):
        order = scores.argsort(descending=True).tolist()
        precision, recall = [], []
        for n in range(1, len(order) + 1):
            tp = 0
            for i in order[:n]:
                if correct[i]:
                    tp += 1
            precision.append(tp / n)
            recall.append(tp / positives)
        return precision, recall

    answer = judge("precision_recall", precision_recall)
    assert (answer.outcome, answer.kind) == ("right", "slow"), answer
    assert "Which work is done again and again?" in " ".join(answer.text.split())
