"""The tasks about verification and identification: their solutions against the plain forms, and other right ways."""

import math

import numpy as np
import pytest
import torch

from course_lib.by_definition import identification
from course_lib.by_definition import verification as plain
from course_lib.exercises import verification_solutions as solutions
from course_lib.exercises.answer import judge
from course_lib.exercises.cases import cases
from course_lib.exercises.tasks import TASKS

NAMES = (
    "pairs_of",
    "far_and_frr",
    "equal_error_rate",
    "choose_threshold",
    "ten_fold_accuracy",
    "rank_k",
)
PEOPLE = torch.arange(5)


def drawn(seed, count=40, levels=16):
    """Scores with ties, and same: higher for genuine pairs.  # -> [N], [N]"""
    dice = torch.Generator().manual_seed(seed)
    same = torch.arange(count) % 2 == 0
    scores = torch.randint(levels, (count,), generator=dice) / levels + 0.2 * same
    return scores, same


def test_all_are_tasks_of_page_13():
    assert [name for name, task in TASKS.items() if task.page == "13"] == list(NAMES)


def test_pairs_of_all_people_are_all_pairs_in_their_order():
    labels = torch.tensor([3, 1, 3, 0, 1, 1])
    first, second = solutions.pairs_of(labels, PEOPLE)
    _, same = plain.all_pairs(torch.eye(6), labels)
    assert torch.equal(labels[first] == labels[second], same)
    assert torch.equal(torch.stack([first, second]), torch.triu_indices(6, 6, offset=1))


def test_no_person_is_in_pairs_of_two_folds():
    labels = torch.arange(20) % 5
    folds = [torch.stack(solutions.pairs_of(labels, people)) for people in PEOPLE.split(3)]
    people = [set(labels[pairs].flatten().tolist()) for pairs in folds]
    assert people == [{0, 1, 2}, {3, 4}]


@pytest.mark.parametrize("seed", range(5))
def test_rates_and_their_crossing_are_those_of_the_plain_form(seed):
    scores, same = drawn(seed)
    far, frr, thresholds = plain.det(scores, same)
    rising = thresholds.flip(0)
    ours = solutions.far_and_frr(scores, same, rising)
    torch.testing.assert_close(ours, (far.flip(0), frr.flip(0)))
    error = solutions.equal_error_rate(*ours)
    assert error == pytest.approx(plain.equal_error_rate(scores, same), abs=1e-9)


@pytest.mark.parametrize("far", [0.0, 0.01, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_is_that_of_the_plain_form(seed, far):
    scores, same = drawn(seed)
    expected = plain.threshold_at_far(scores, same, far)
    assert solutions.choose_threshold(scores, same, far) == expected


def test_the_threshold_is_that_of_the_plain_form_on_every_case():
    for case in cases(TASKS["choose_threshold"]):
        assert solutions.choose_threshold(*case) == plain.threshold_at_far(*case)


def test_fold_accuracy_is_that_of_the_plain_form_on_every_case():
    # the plain form tries infinity, too: in no case does it make a difference
    more = [(*drawn(seed), torch.arange(40) * 10 // 40) for seed in range(5)]
    for case in [*cases(TASKS["ten_fold_accuracy"]), *more]:
        torch.testing.assert_close(solutions.ten_fold_accuracy(*case), plain.kfold_accuracy(*case))


@pytest.mark.parametrize("threshold", [0.0, 0.7, 0.8, 0.9, 1.1])
def test_with_the_best_entry_alone_it_is_identification_by_the_plain_form(threshold):
    # beside unit vectors along the axes the numbers of a query are its scores
    queries = torch.rand(30, 4, generator=torch.Generator().manual_seed(0))
    queries = torch.nn.functional.normalize(queries)
    people, truth = torch.tensor([5, 7, 5, 9]), torch.tensor([5, 7, 9, -1, 5] * 6)
    named = [identification.identify(q, torch.eye(4), people, threshold) for q in queries]
    right = [(-1 if n is None else n) == t for n, t in zip(named, truth.tolist(), strict=True)]
    assert solutions.rank_k(queries, people, truth, 1, threshold) == pytest.approx(np.mean(right))


def test_the_k_best_entries_are_clear_in_every_case():
    for scores, people, truth, k, _ in cases(TASKS["rank_k"]):
        assert all(len(set(row)) == len(row) for row in scores.tolist())
        assert 1 <= k <= len(people) and set(truth.tolist()) <= {*people.tolist(), -1}


def test_cases_hold_both_kinds_of_pairs_and_scores_at_the_threshold():
    seen = cases(TASKS["far_and_frr"])
    assert all(same.any() and not same.all() for _, same, _ in seen)
    assert sum((scores[:, None] == t).any() for scores, _, t in seen) > 50
    thresholds = [solutions.choose_threshold(*case) for case in cases(TASKS["choose_threshold"])]
    assert 5 < sum(map(math.isinf, thresholds)) < len(thresholds) / 2


def pairs_of(labels, people):
    first, second = torch.triu_indices(len(labels), len(labels), offset=1)
    both = torch.isin(labels[first], people) & torch.isin(labels[second], people)
    return first[both], second[both]


def far_and_frr(scores, same, thresholds):
    far, frr = [], []
    for t in thresholds:
        accepted = scores >= t
        far.append((accepted & ~same).sum() / (~same).sum())
        frr.append((~accepted & same).sum() / same.sum())
    return torch.stack(far), torch.stack(frr)


def equal_error_rate(far, frr):
    for i in range(len(far) - 1):
        if far[i] >= frr[i] and far[i + 1] <= frr[i + 1]:
            weights = far[i] - frr[i], frr[i + 1] - far[i + 1]
            if sum(weights) == 0:
                return far[i]
            return (frr[i] * weights[1] + frr[i + 1] * weights[0]) / sum(weights)


def choose_threshold(scores, same, far):
    best = float("inf")
    for t in scores.unique():
        if (scores[~same] >= t).float().mean() <= far and t < best:
            best = float(t)
    return best


def ten_fold_accuracy(scores, same, fold):
    accuracies = []
    for f in range(int(fold.max()) + 1):
        best, most = np.inf, -1.0
        for t in [np.inf, *scores[fold != f].unique().flip(0)]:
            accuracy = ((scores >= t) == same)[fold != f].float().mean()
            if accuracy > most:
                best, most = t, accuracy
        accuracies.append(float(((scores >= best) == same)[fold == f].float().mean()))
    return accuracies


def rank_k(scores, people, truth, k, threshold):
    right = 0
    for row, person in zip(scores, truth, strict=True):
        order = row.argsort(descending=True)[:k]
        answers = [people[i] for i in order if row[i] >= threshold]
        right += len(answers) == 0 if person == -1 else person in answers
    return right / len(scores)


@pytest.mark.parametrize(
    "other", [pairs_of, far_and_frr, equal_error_rate, choose_threshold, ten_fold_accuracy, rank_k]
)
def test_another_right_way_is_right(other):
    answer = judge(other.__name__, other)
    assert (answer.outcome, answer.kind) == ("right", ""), answer


@pytest.mark.parametrize("name", NAMES)
def test_a_case_can_be_drawn_without_an_answer(name):
    task = TASKS[name]
    for case in (task.edges[0], cases(task)[-1]):
        assert task.draw(case, task.plain(*case), None).get_axes()
