"""The task about a linear probe that does not cheat (L2.03, L5.13)."""

from itertools import product

import torch
from hypothesis import strategies as st

from course_lib.by_definition import self_supervision as plain
from course_lib.exercises import self_supervision_pictures as pictures
from course_lib.exercises.task import Mistake, Task

CLEAR = 0.002  # by which the highest score must lead: no answer hangs on rounding


def _standard(rows, like, correction=0, least=1e-6):
    """Features less the mean of others, divided by their deviation.  # [m, d], [n, d] -> [m, d]"""
    return (rows - like.mean(dim=0)) / (like.std(dim=0, correction=correction) + least)


def _with_one(rows):
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)


# What the classifier sees of the training and of the test features: (x, x_test, options of `_standard`) -> 2 tensors
def _right(x, x_test, **how):
    return _with_one(_standard(x, x, **how)), _with_one(_standard(x_test, x, **how))


def _by_its_own(x, x_test, **how):
    return _with_one(_standard(x, x, **how)), _with_one(_standard(x_test, x_test, **how))


def _by_both(x, x_test, **how):
    both = torch.cat([x, x_test])
    return _with_one(_standard(x, both, **how)), _with_one(_standard(x_test, both, **how))


def _as_they_are(x, x_test, **how):
    return _with_one(x), _with_one(x_test)


def _without_bias(x, x_test, **how):
    return _standard(x, x, **how), _standard(x_test, x, **how)


def _one_hot(labels):
    return torch.nn.functional.one_hot(labels).float()


def _fitted(a, targets, of_last=1.0):
    """Weights of ridge regression with penalty 1; that of the last column may be another.  # -> [d, classes]"""
    penalty = torch.ones(a.shape[1])
    penalty[-1] = of_last
    return torch.linalg.solve(a.T @ a + penalty.diag(), a.T @ targets)


def _share(scores, labels):
    return (scores.argmax(dim=1) == labels).double().mean().item()


def _probe(seen, **how):
    """`linear_probe` whose classifier sees the features in another way."""

    def linear_probe(x, labels, x_test, labels_test):
        a, a_test = seen(x, x_test, **how)
        return _share(a_test @ _fitted(a, _one_hot(labels)), labels_test)

    return linear_probe


def _fitted_on_both(x, labels, x_test, labels_test):
    both = torch.cat([x, x_test]), torch.cat([labels, labels_test])
    return plain.linear_probe(*both, x_test, labels_test)


def _nearest_number(x, labels, x_test, labels_test):
    a, a_test = _right(x, x_test)
    numbers = (a_test @ _fitted(a, labels[:, None].float()))[:, 0].round()
    return (numbers == labels_test).double().mean().item()


def _wrong_axis(x, labels, x_test, labels_test):
    a, a_test = _right(x, x_test)
    scores = a_test @ _fitted(a, _one_hot(labels))
    return (scores.argmax(dim=0) == labels_test).double().mean().item()


LINEAR_PROBE = (
    Mistake(
        _probe(_by_its_own),
        "The test features were standardised by their own mean and deviation. Use those of the training "
        "features: nothing may be learned from the test set.",
    ),
    Mistake(
        _probe(_by_both),
        "Mean and deviation were taken over both sets. Take them over the training features alone: "
        "nothing may be learned from the test set.",
    ),
    Mistake(
        lambda x, labels, x_test, labels_test: plain.linear_probe(
            x_test, labels_test, x_test, labels_test
        ),
        "The classifier was fitted on the test set. Fit it on x and labels, and only judge it on the "
        "test set.",
    ),
    Mistake(
        _fitted_on_both,
        "The test images were among those that the classifier was fitted on. Fit it on x and labels "
        "alone.",
    ),
    Mistake(
        lambda x, labels, x_test, labels_test: plain.linear_probe(x, labels, x, labels),
        "This is the accuracy on the training set. Return the one on x_test and labels_test.",
    ),
    Mistake(
        _probe(_as_they_are),
        "The features were not standardised: the penalty then weighs small features more than large "
        "ones. Subtract the mean, divide by the deviation.",
    ),
    Mistake(
        _probe(_without_bias),
        "The column of ones is missing, so the classifier has no bias: it cannot prefer a frequent "
        "class. Append the column to both sets.",
    ),
    Mistake(
        _nearest_number,
        "The regression predicts the label as a number: class 1 would lie between 0 and 2. Fit one "
        "column for each class (one-hot), and take the argmax.",
    ),
    Mistake(
        _wrong_axis,
        "argmax ran over the images. Take it over the classes: dim=1 of the scores [m, classes].",
    ),
    Mistake(
        lambda *case: 1 - plain.linear_probe(*case),
        "This is the error, the share of wrong predictions. Accuracy is the share of right ones.",
    ),
    Mistake(
        lambda *case: 100 * plain.linear_probe(*case),
        "The answer is a percentage. Return a share between 0 and 1.",
    ),
    Mistake(
        lambda *case: plain.linear_probe(*case) * len(case[3]),
        "The right predictions were counted. Divide by the number of test images.",
    ),
    Mistake(
        _probe(_right, least=0.0),
        "A feature that never changes has deviation 0, and 0 / 0 is not a number. Add 1e-6 to the "
        "deviation.",
    ),
)


def _case(train, test):
    """Features and labels of both sets, from rows of features that end with the label."""
    sets = [torch.tensor(rows, dtype=torch.float32) for rows in (train, test)]
    return tuple(part for rows in sets for part in (rows[:, :-1], rows[:, -1].long()))


def _settled(case):
    """A feature that never changes in training does not change in the test set either."""
    x, labels, x_test, labels_test = case
    return x, labels, torch.where(x.std(dim=0, correction=0) == 0, x[0], x_test), labels_test


def _clear(case):
    """Whether all ways to do it right give one answer, all ways to make a mistake another, each by a clear lead."""
    x, labels, x_test, labels_test = case
    both = torch.cat([x, x_test]), torch.cat([labels, labels_test])
    wrong = [(seen, x, labels) for seen in (_by_its_own, _by_both, _as_they_are, _without_bias)]
    for seen, rows, classes in [(_right, x, labels), (_right, *both), *wrong]:
        answers = set()
        # the deviation by n, n - 1 or n + 1; a penalty on the bias or none
        for correction, of_last in product((0, 1, -1), (1.0, 0.0)):
            if of_last == 1 or seen is _right:
                a, a_test = seen(rows, x_test, correction=correction)
                scores = a_test @ _fitted(a, _one_hot(classes), of_last)
                best = scores.topk(2, dim=1).values
                if (best[:, 0] - best[:, 1]).min() < CLEAR:
                    return False
                answers.add(_share(scores, labels_test))
        if len(answers) > 1:
            return False
    return True


_NUMBER, _LABEL = st.sampled_from((0, 1, 2, 3, 4, 8)), st.sampled_from((0, 1, 2))


def _rows(dim):
    """Training images of the classes 0, 1 and some more, and two test images or more."""
    row = st.tuples(*[_NUMBER] * dim)
    more = st.lists(st.tuples(row, _LABEL), max_size=4)
    train = st.tuples(row, row, more).map(lambda d: [(d[0], 0), (d[1], 1), *d[2]])
    test = st.lists(st.tuples(row, _LABEL), min_size=2, max_size=3)
    return st.tuples(train, test).map(
        lambda sets: _settled(_case(*[[(*x, label) for x, label in rows] for rows in sets]))
    )


_LINEAR_PROBE = Task(
    name="linear_probe",
    page="11",
    title="The accuracy of a linear probe: ridge regression to one-hot targets, with a bias and penalty 1, on "
    "features that are standardised by the training set",
    topics=("L2.03", "L5.13"),
    difficulty=3,
    minutes=15,
    plain=plain.linear_probe,
    inputs=(_rows(1) | _rows(2)).filter(_clear),
    edges=[
        _case([[0, 0], [2, 1]], [[0, 0], [2, 1]]),
        _case([[0, 0], [2, 1]], [[0, 0], [4, 0]]),
        _case([[0, 0], [1, 0], [4, 1]], [[3, 1], [4, 1]]),
        _case([[0, 0, 0], [1, 0, 0], [4, 0, 1]], [[4, 0, 1], [3, 0, 1]]),
        _case([[0, 0], [0, 0], [1, 1], [1, 1], [4, 2], [4, 2]], [[0, 0], [4, 2]]),
    ],
    mistakes=LINEAR_PROBE,
    draw=pictures.draw_linear_probe,
)

TASKS = (_LINEAR_PROBE,)
