"""A set spoiled on purpose: exact shares, originals that are no copies, bad input."""

import pytest
import torch

from course_lib.landmarks.cleaning import with_noise


@pytest.mark.parametrize("wrong, duplicates", [(0, 0), (0.1, 0.25), (0.333, 0.5), (1, 0), (0, 0.9)])
def test_noise_has_its_exact_share(wrong, duplicates):
    labels = torch.arange(200) % 7 * 10  # names with gaps
    photo = torch.arange(200) + 1000
    noisy, repeated, is_wrong, duplicate_of = with_noise(labels, photo, 4, wrong, duplicates)
    assert torch.equal(is_wrong, noisy != labels) and is_wrong.sum() == round(200 * wrong)
    assert set(noisy.tolist()) <= set(labels.tolist())
    is_copy = duplicate_of >= 0
    assert is_copy.sum() == round(200 * duplicates)
    assert torch.equal(repeated[~is_copy], photo[~is_copy])
    source = duplicate_of[is_copy]
    assert torch.equal(repeated[is_copy], photo[source]) and torch.equal(
        labels[source], labels[is_copy]
    )
    assert not is_copy[source].any()  # a copy is of an original
    again = with_noise(labels, photo, 4, wrong, duplicates)
    assert all(
        torch.equal(a, b)
        for a, b in zip(again, (noisy, repeated, is_wrong, duplicate_of), strict=True)
    )
    other = with_noise(labels, photo, 5, wrong, duplicates)
    assert torch.equal(other[0], noisy) == (wrong == 0)
    assert torch.equal(other[3], duplicate_of) == (duplicates == 0)


def test_wrong_labels_are_spread_over_all_others():
    labels = torch.arange(3000) % 6
    noisy = with_noise(labels, labels, 0, 1.0, 0.0)[0]
    counts = torch.zeros(6, 6).index_put((labels, noisy), torch.tensor(1.0), accumulate=True)
    assert counts.diagonal().sum() == 0 and counts[~torch.eye(6, dtype=bool)].min() > 60


def test_neither_the_global_generator_nor_the_input_is_touched():
    labels, photo = torch.tensor([7, -3, 7, 2**62]), torch.arange(4)
    state = torch.get_rng_state()
    noisy = with_noise(labels, photo, 0, 1.0, 0.25)[0]
    assert torch.equal(torch.get_rng_state(), state)
    assert labels.tolist() == [7, -3, 7, 2**62] and photo.tolist() == [0, 1, 2, 3]
    assert (noisy != labels).all() and set(noisy.tolist()) <= {7, -3, 2**62}


def test_an_empty_set_stays_empty():
    none = torch.zeros(0, dtype=torch.int64)
    assert [len(part) for part in with_noise(none, none, 0, 0.5, 0.5)] == [0, 0, 0, 0]


TWO = torch.arange(2)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: with_noise(TWO, TWO[:1], 0, 0.1, 0.1), ValueError, r"\[N\] both, got \[2\] and \[1\]"),
        (lambda: with_noise([0, 1], TWO, 0, 0.1, 0.1), TypeError, r"labels must be a tensor \[N\] of int64, got list"),
        (lambda: with_noise(TWO, TWO.float(), 0, 0.1, 0.1), TypeError, r"photo must be .*, got \[2\] of float32"),
        (lambda: with_noise(TWO, TWO, 0.5, 0.1, 0.1), TypeError, "seed must be a whole number, got 0.5"),
        (lambda: with_noise(TWO, TWO, 0, 1.5, 0.1), ValueError, r"wrong must be in 0..1, got 1.5"),
        (lambda: with_noise(TWO, TWO, 0, 0.1, float("nan")), ValueError, r"duplicates must be in 0..1, got nan"),
        (lambda: with_noise(TWO * 0 + 4, TWO, 0, 0.5, 0), ValueError, r"need two landmarks, got only \[4\]"),
        (lambda: with_noise(TWO, TWO, 0, 0.0, 0.5), ValueError, r"means 1 copies.*only 0 of 2"),
    ],
)  # fmt: skip
def test_bad_input_is_quoted(call, error, message):
    with pytest.raises(error, match="with_noise: .*" + message):
        call()
