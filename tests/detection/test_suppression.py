import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision import ops

from course_lib.by_definition import detection as plain
from course_lib.detection import suppression
from tests.detection.box_cases import bad_boxes, counts, good, random_boxes, seeds

thresholds = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


def random_scores(count, seed=0, ties=False):
    scores = torch.rand(count, generator=torch.Generator().manual_seed(seed + 1))
    return (4 * scores).round() / 4 if ties else scores


@given(n=counts, seed=seeds, t=thresholds, whole=st.booleans(), ties=st.booleans())
def test_nms_by_definition_and_by_torchvision(n, seed, t, whole, ties):
    boxes, scores = random_boxes(n, seed, whole=whole), random_scores(n, seed, ties)
    kept = suppression.nms(boxes, scores, t)
    assert kept.dtype == torch.int64
    assert torch.equal(kept, plain.nms(boxes.tolist(), scores, t))
    assert kept.tolist() == ops.nms(boxes, scores, t).tolist()
    assert suppression.nms(boxes[kept], scores[kept], t).tolist() == list(
        range(len(kept))
    )  # nothing more


@given(n=counts, seed=seeds, t=thresholds, whole=st.booleans(), classes=st.integers(1, 9))
def test_batched_nms_by_definition_and_by_torchvision(n, seed, t, whole, classes):
    boxes, scores = random_boxes(n, seed, whole=whole), random_scores(n, seed, ties=whole)
    labels = torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))
    kept = suppression.batched_nms(boxes, scores, labels, t)
    assert torch.equal(kept, plain.batched_nms(boxes.tolist(), scores, labels, t))
    if not whole:  # torchvision sorts ties as it likes here
        assert torch.equal(kept, ops.batched_nms(boxes, scores, labels, t))


def test_many_blocks_of_boxes():
    boxes, scores = random_boxes(1500, 3, size=300.0), random_scores(1500, 3)
    labels = torch.arange(1500) % 11
    assert torch.equal(suppression.nms(boxes, scores, 0.5), ops.nms(boxes, scores, 0.5))
    ours, theirs = (
        f(boxes, scores, labels, 0.5) for f in (suppression.batched_nms, ops.batched_nms)
    )
    assert torch.equal(ours, theirs)


def test_a_long_chain_of_rivals():
    """Each box overlaps the next one only: every other one stays, however long the chain is."""
    x = torch.arange(200.0)
    boxes = torch.stack([x, 0 * x, x + 2.0, 0 * x + 1], dim=1)  # IoU of neighbours 1/3
    assert suppression.nms(boxes, -x, 0.3).tolist() == list(range(0, 200, 2))


def test_an_iou_equal_to_the_threshold_stays():
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 2.1]])
    assert suppression.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 1]
    ten = torch.tensor([[0.0, 0.0, 10.0, 1.0], [0.0, 0.0, 3.0, 1.0]])  # IoU 3/10
    assert suppression.nms(ten, torch.tensor([0.9, 0.8]), 0.3).tolist() == [0, 1]
    assert suppression.nms(ten.double(), torch.tensor([0.9, 0.8]).double(), 0.3).tolist() == [0, 1]


@given(n=st.integers(0, 25), seed=seeds, kind=st.sampled_from(["linear", "gaussian"]), t=thresholds)
def test_soft_nms_by_definition(n, seed, kind, t):
    boxes, scores = random_boxes(n, seed).double(), random_scores(n, seed).double()
    kept, lowered = suppression.soft_nms(boxes, scores, kind, t, sigma=0.4, score_threshold=0.05)
    expected, expected_scores = plain.soft_nms(boxes.tolist(), scores, kind, t, 0.4, 0.05)
    assert torch.equal(kept, expected)
    torch.testing.assert_close(lowered, expected_scores)
    assert (lowered.diff() <= 0).all() and (lowered <= scores[kept]).all()


def test_soft_nms_leaves_its_input_alone_and_becomes_nms():
    boxes, scores = random_boxes(40, 5, whole=True), random_scores(40, 5) + 0.1
    before = scores.clone()
    hard, lowered = suppression.soft_nms(
        boxes, scores, "gaussian", sigma=1e-7
    )  # the least overlap is fatal
    assert torch.equal(scores, before) and torch.equal(lowered, scores[hard])
    assert hard.tolist() == suppression.nms(boxes, scores, 0.0).tolist()


def test_soft_nms_at_its_limits():
    """An IoU of exactly t lowers nothing, a score of exactly the threshold stays."""
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0]])  # IoU 1/2
    scores = torch.tensor([1.0, 0.5])
    assert suppression.soft_nms(boxes, scores, score_threshold=0.5)[1].tolist() == [1, 0.5]
    assert suppression.soft_nms(boxes, scores, score_threshold=0.51)[1].tolist() == [1]
    assert suppression.soft_nms(boxes, scores, iou_threshold=0.49)[1].tolist() == [1, 0.25]
    few = torch.tensor([0.002, 0.0005])  # the threshold is .001 if nothing else is said
    assert len(suppression.soft_nms(boxes, few)[0]) == 1


def test_soft_nms_as_it_is_without_being_told():
    boxes, scores = random_boxes(40, 6), random_scores(40, 6)
    for kind in ("linear", "gaussian"):
        kept, lowered = suppression.soft_nms(boxes, scores, kind)
        expected, expected_scores = plain.soft_nms(boxes.tolist(), scores, kind, 0.5, 0.5, 0.001)
        assert torch.equal(kept, expected)
        torch.testing.assert_close(lowered, expected_scores)


def test_bad_candidates_are_named():
    def batched(boxes, scores, iou_threshold):
        return suppression.batched_nms(
            boxes, scores, torch.zeros(len(scores)).long(), iou_threshold
        )

    for call in (suppression.nms, batched, suppression.soft_nms):
        for bad, says in (*bad_boxes, (torch.zeros(4), r"got \[4\]")):
            with pytest.raises(ValueError, match=says):
                call(bad, torch.zeros(len(bad)), iou_threshold=0.5)
        for scores, t, says in (
            (torch.zeros(2), 0.5, r"scores must be a tensor \[1\] .*, got \[2\]"),
            (torch.tensor([math.nan]), 0.5, "NaN"),
            (torch.zeros(1), 1.5, "in 0..1, got 1.5"),
            (torch.zeros(1), -0.1, "in 0..1, got -0.1"),
        ):
            with pytest.raises(ValueError, match=says):
                call(good, scores, iou_threshold=t)
    with pytest.raises(ValueError, match=r"labels must be a tensor \[1\] of int64, got \[3\]"):
        suppression.batched_nms(good, torch.zeros(1), torch.zeros(3).long(), 0.5)
    with pytest.raises(ValueError, match="'linear' or 'gaussian', got 'hard'"):
        suppression.soft_nms(good, torch.zeros(1), "hard")
    with pytest.raises(ValueError, match="0 or above and finite, got -1"):
        suppression.soft_nms(good, -torch.ones(1))
    with pytest.raises(ValueError, match="sigma must be above 0, got 0"):
        suppression.soft_nms(good, torch.ones(1), "gaussian", sigma=0)


def test_of_no_boxes_none_are_kept():
    none = torch.zeros(0, 4)
    assert suppression.nms(none, torch.zeros(0), 0.5).tolist() == []
    assert suppression.batched_nms(none, torch.zeros(0), torch.zeros(0).long(), 0.5).tolist() == []
    assert [len(part) for part in suppression.soft_nms(none, torch.zeros(0))] == [0, 0]
