"""Pretext tasks, a probe, NT-Xent, pairs: by hand, and as numpy, scikit-learn, torchvision and others have them."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from torchvision.transforms.functional import crop

from course_lib.by_definition.self_supervision import (
    case_pairs,
    linear_probe,
    nt_xent,
    patch_pair,
    permutation_set,
    rotations,
    two_views,
)
from course_lib.self_supervision import context, micle, rotation
from course_lib.self_supervision.tiles import cut_tiles


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_rotations_by_hand():
    turned, labels = rotations(torch.tensor([[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]))
    # to the left: the right column becomes the upper row
    assert turned[2:4, 0].tolist() == [[[2, 4], [1, 3]], [[6, 8], [5, 7]]]
    assert turned[4, 0].tolist() == [[4, 3], [2, 1]]
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 4, 4), (3, 3, 3, 3)])
def test_rotations_as_numpy_and_the_library(shape):
    images = drawn(*shape)
    turned, labels = rotations(images)
    theirs = np.concatenate([np.rot90(images.numpy(), k, axes=(2, 3)) for k in range(4)])
    assert np.array_equal(turned.numpy(), theirs)
    for ours, fast in zip((turned, labels), rotation.rotations(images), strict=True):
        assert ours.dtype == fast.dtype and torch.equal(ours, fast)


def test_permutation_set_by_hand():
    every = torch.tensor([[0, 1, 2], [0, 2, 1], [1, 2, 0], [2, 0, 1]])
    assert permutation_set(every, 1).tolist() == [[0, 1, 2]]
    # of the last two, which differ in all places from the first, the first; then the other, 3 from both
    assert permutation_set(every, 3).tolist() == [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    assert permutation_set(every, 4)[-1].tolist() == [0, 2, 1]


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([2, 3, 4]), st.data())
def test_permutation_set_keeps_the_nearest_distance_of_each(random, tiles, data):
    orders = list(itertools.permutations(range(tiles)))
    random.shuffle(orders)
    every = torch.tensor(orders)
    count = data.draw(st.integers(1, len(orders)))
    # another way: all distances in a matrix, and the nearest of each kept
    distance = (every.numpy()[:, None] != every.numpy()[None]).sum(axis=2)
    chosen, nearest = [0], distance[0].copy()
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distance[chosen[-1]])
    ours = permutation_set(every, count)
    assert ours.dtype == torch.int64 and ours.tolist() == every[chosen].tolist()


def test_patch_pair_by_hand():
    image = torch.arange(35).view(1, 5, 7)
    # rows 2 and columns 3 are in the middle; two pixels further begins the next tile
    corners = [patch_pair(image, 1, 1, place)[1].item() for place in range(8)]
    assert corners == [1, 3, 5, 15, 19, 29, 31, 33]
    assert patch_pair(image, 1, 0, 7)[0].item() == 17
    assert patch_pair(image, 1, 0, 7)[1].item() == 25


@pytest.mark.parametrize("size, gap", [(1, 0), (1, 1), (3, 2), (4, 1), (2, 3)])
def test_patch_pair_as_the_librarys_tiles(size, gap):
    side = 3 * (size + gap)
    image = drawn(2, side, side)
    tiles = cut_tiles(image[None], 3, size)
    for place in range(8):
        theirs = context.neighbour_pairs(tiles, torch.tensor([place]))
        for ours, tile in zip(patch_pair(image, size, gap, place), theirs, strict=True):
            assert torch.equal(ours, tile[0])


def test_linear_probe_by_hand():
    x, labels = torch.tensor([[0.0], [2.0], [4.0]]), torch.tensor([0, 1, 1])
    # standardised z = -1.22, 0, 1.22: class 0 scores 1/4 - .31 z, class 1 2/4 + .31 z, equal at x = 4/3
    x_test = torch.tensor([[1.3], [1.4]])
    assert linear_probe(x, labels, x_test, torch.tensor([0, 1])) == 1
    assert linear_probe(x, labels, x_test, torch.tensor([0, 0])) == 0.5
    # a feature that never changes tells nothing, and breaks nothing
    x, x_test = (F.pad(features, (0, 1), value=7.0) for features in (x, x_test))
    assert linear_probe(x, labels, x_test, torch.tensor([0, 1])) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4), st.integers(1, 5), st.integers(0, 999))
def test_linear_probe_as_scikit_learn(classes, dim, seed):
    labels = torch.arange(4 * classes) % classes
    x, x_test = drawn(2, 4 * classes, dim, seed=seed) * 3 + labels[None, :, None]
    scale = StandardScaler().fit(x)
    rows, rows_test = (
        np.pad(scale.transform(f), ((0, 0), (0, 1)), constant_values=1) for f in (x, x_test)
    )
    model = Ridge(alpha=1.0, fit_intercept=False).fit(rows, np.eye(classes)[labels])
    theirs = (model.predict(rows_test).argmax(axis=1) == labels.numpy()).mean()
    assert linear_probe(x.double(), labels, x_test.double(), labels) == pytest.approx(theirs)
    assert linear_probe(x, labels, x_test, labels) == pytest.approx(theirs)


def test_two_views_by_hand():
    images = torch.arange(18).view(2, 1, 3, 3)
    views = two_views(images, torch.tensor([[0, 1], [0, 0], [1, 0], [1, 1]]), 2)
    assert views[:, 0].tolist() == [
        [[1, 2], [4, 5]], [[9, 10], [12, 13]], [[3, 4], [6, 7]], [[13, 14], [16, 17]],
    ]  # fmt: skip


@pytest.mark.parametrize("n, size", [(1, 1), (3, 2), (4, 5)])
def test_two_views_as_torchvision(n, size):
    images = drawn(n, 3, 6, 7)
    corners = torch.randint(0, 7 - size, (2 * n, 2), generator=torch.Generator().manual_seed(n))
    views = two_views(images, corners, size)
    for view in range(2):
        for i in range(n):
            row, column = corners[view * n + i].tolist()
            assert torch.equal(views[view * n + i], crop(images[i], row, column, size, size))


def test_case_pairs_by_hand():
    assert case_pairs(torch.tensor([7, 3, 7, 7, 3, 5])).tolist() == [2, 4, 3, 0, 1, 5]
    assert case_pairs(torch.tensor([], dtype=torch.int64)).dtype == torch.int64


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_case_pairs_go_round_each_case(labels):
    partners = case_pairs(torch.tensor(labels)).tolist()
    for case in set(labels):
        photos = np.flatnonzero(np.array(labels) == case)
        assert [partners[i] for i in photos] == np.roll(photos, -1).tolist()


def test_case_pairs_are_pairs_of_the_library():
    cases = torch.tensor([0, 1, 0, 2, 1, 0])
    a, b = micle.case_pairs(cases, 2, torch.Generator().manual_seed(0))
    both = {(i, j) for i, j in enumerate(case_pairs(cases).tolist())}
    both |= {(j, i) for i, j in both}
    # of cases with up to three photos every two are neighbours in the round
    assert set(zip(a.tolist(), b.tolist(), strict=True)) <= both


def test_nt_xent_by_hand():
    a, b = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    # each view: cosine 1 with its partner, 0 with the two others
    expected = -math.log(math.e**2 / (math.e**2 + 2))
    assert nt_xent(a, b).item() == pytest.approx(expected)  # the temperature is 1/2
    assert nt_xent(a, b.flip(0), temperature=0.5).item() == pytest.approx(math.log(math.e**2 + 2))
    assert nt_xent(a[:1], b[:1]).item() == 0  # nothing to confuse it with


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.integers(0, 999), st.sampled_from([0.1, 0.5, 1.0]))
def test_nt_xent_as_others(n, seed, temperature):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, n, 6, generator=generator, dtype=torch.float64).requires_grad_()
    ours = nt_xent(a, b, temperature)
    theirs = NTXentLoss(temperature)(torch.cat([a, b]), torch.arange(n).repeat(2))
    views = F.normalize(torch.cat([a, b]))
    logits = (views @ views.T / temperature).fill_diagonal_(-math.inf)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(ours, F.cross_entropy(logits, torch.arange(2 * n).roll(n)))
