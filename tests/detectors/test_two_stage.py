"""R-CNN, Fast, Faster and Mask R-CNN: against literal loops, torchvision and scikit-learn."""

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC
from torch.nn import functional as F

from course_lib.detection.anchors import decode, encode
from course_lib.detection.masks import mask_iou
from course_lib.detection.overlap import box_iou
from course_lib.detectors import faster_rcnn, proposals, rcnn
from course_lib.detectors.fast_rcnn import FastRCNN, multi_task_loss
from course_lib.detectors.faster_rcnn import LOSSES, FasterRCNN, rpn_loss
from course_lib.detectors.mask_rcnn import MaskRCNN, mask_targets, paste
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.rcnn import RCNN, crops, fit_ridge, fit_svm
from course_lib.detectors.regions import (
    OFFSET_STDS,
    ROIS,
    RoISample,
    balanced_sample,
    offset_targets,
    region_detections,
    sample_rois,
    training_rois,
)
from course_lib.detectors.training import Recipe, train

SPREAD = torch.tensor(OFFSET_STDS)
DETECTORS = (RCNN, FastRCNN, FasterRCNN, MaskRCNN)
SIDE = 48


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def random_boxes(n, side=SIDE, seed=0):
    corner = rand(n, 2, seed=seed) * side * 0.6
    return torch.cat([corner, corner + 6 + rand(n, 2, seed=seed + 1) * side * 0.35], dim=1)


def two_scenes():
    """Two pictures of 48 x 48: grey noise, a red and a blue rectangle in the first, a blue one in the second."""
    images = 0.5 + 0.05 * rand(2, 3, SIDE, SIDE, seed=3)
    boxes = torch.tensor([[[4, 6, 20, 18], [26, 22, 44, 42]], [[12, 20, 30, 38], [0, 0, 0, 0]]])
    labels = torch.tensor([[0, 1], [1, -1]])
    masks = torch.zeros(2, 2, SIDE, SIDE, dtype=torch.bool)
    for i, j in ((0, 0), (0, 1), (1, 0)):
        x1, y1, x2, y2 = boxes[i, j]
        colour = torch.tensor([[1.0, 0.1, 0.1], [0.1, 0.2, 1.0]][labels[i, j]])
        images[i, :, y1:y2, x1:x2] = colour[:, None, None]
        masks[i, j, y1:y2, x1:x2] = True
    return images, boxes.float(), labels, masks


def batch_for(detector, images, boxes, labels, masks):
    return (
        (images, boxes, labels, masks)
        if isinstance(detector, MaskRCNN)
        else (images, boxes, labels)
    )


# -- proposals ------------------------------------------------------------------------------------


def test_edges_and_scores_are_what_loops_give():
    images, boxes = (
        rand(2, 3, 20, 24),
        torch.tensor([[2, 3, 14, 15], [0, 0, 24, 20], [8, 1, 17, 20], [9, 4, 11, 9.0]]),
    )
    edges = torch.zeros(2, 20, 24)
    for b, y, x in np.ndindex(2, 20, 24):
        for c in range(3):
            for dy, dx in ((0, 1), (1, 0)):
                if y + dy < 20 and x + dx < 24:
                    edges[b, y, x] += (images[b, c, y + dy, x + dx] - images[b, c, y, x]).abs()
    edges = (edges - proposals.FAINT).clamp(min=0)
    torch.testing.assert_close(proposals.edge_strength(images), edges)
    expected = torch.zeros(2, 4)
    for b, w in np.ndindex(2, 4):
        x1, y1, x2, y2 = boxes[w].int().tolist()
        rim_x, rim_y = (max(1.0, proposals.RIM * side) for side in (x2 - x1, y2 - y1))
        left, right = round(max(0, x1 - rim_x)), round(min(24, x2 + rim_x))
        top, bottom = round(max(0, y1 - rim_y)), round(min(20, y2 + rim_y))
        inside = edges[b, y1:y2, x1:x2].sum()
        rim = edges[b, top:bottom, left:right].sum() - inside
        expected[b, w] = (inside - rim) / (x2 - x1 + y2 - y1) ** 1.3
    torch.testing.assert_close(proposals.window_scores(images, boxes), expected)


def test_windows_lie_in_the_picture_and_meet_every_ordinary_box():
    boxes = proposals.windows(SIDE, 60)
    assert boxes.amin() >= 0 and boxes[:, 2].max() <= 60 and boxes[:, 3].max() <= SIDE
    assert torch.equal(boxes, boxes.round())
    for some in (boxes, proposals.windows(16, 20)):
        assert len(some.unique(dim=0)) == len(some)
    for seed in range(5):
        side = 11 + rand(50, 1, seed=seed + 9) * 12
        corner = rand(50, 2, seed=seed) * (torch.tensor([60, SIDE]) - side)  # anywhere
        objects = torch.cat([corner, corner + side], dim=1)
        assert (box_iou(objects, boxes).amax(dim=1) >= 0.5).all()


def test_the_best_window_is_the_one_thing_there_is():
    images, boxes, *_ = two_scenes()
    best = proposals.propose(images[1:], max_proposals=10)[0]
    assert box_iou(best, boxes[1, :1]).max() > 0.5


@given(count=st.integers(1, 300), seed=st.integers(0, 100))
def test_proposals_are_best_first_and_none_covers_another(count, seed):
    images = rand(1, 3, 32, 32, seed=seed)
    found = proposals.propose(images, count)[0]
    scores = proposals.window_scores(images, found)[0]
    assert 1 <= len(found) <= count and (scores.diff() <= 1e-6).all()
    overlap = box_iou(found, found).fill_diagonal_(0)
    assert overlap.max() <= 0.65


def test_two_thousand_proposals_can_be_had():
    assert [len(own) for own in proposals.propose(rand(2, 3, 96, 96), 2000)] == [2000, 2000]


def test_recall_counts_objects():
    objects = [
        {"boxes": torch.tensor([[0, 0, 10, 10], [20, 20, 30, 30.0]])},
        {"boxes": torch.zeros(0, 4)},
    ]
    boxes = [torch.tensor([[0, 0, 10, 20], [21, 20, 31, 30.0]]), torch.tensor([[0, 0, 5, 5.0]])]
    assert proposals.recall(boxes, objects, max_proposals=1) == 0.5  # IoU of exactly 0.5 counts
    assert proposals.recall(boxes, objects, max_proposals=2) == 1.0
    assert np.isnan(
        proposals.recall(boxes[1:], objects[1:], max_proposals=1)
    )  # there is nothing to meet
    with pytest.raises(ValueError, match="as many images, got 1 and 2"):
        proposals.recall(boxes[:1], objects, 1)


# -- what a step learns from ----------------------------------------------------------------------


@given(
    n=st.integers(0, 40),
    count=st.integers(0, 20),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_balanced_sample_keeps_its_promise(n, count, share, seed):
    found = (rand(n, seed=seed) * 5).long() - 2
    torch.manual_seed(seed)
    kept = balanced_sample(found, count, share)
    hits = found[kept] >= 0
    assert len(kept.unique()) == len(kept) and (found[kept] != -2).all()
    assert hits.sum() == min((found >= 0).sum(), round(share * count))
    assert len(kept) == min(count, hits.sum() + (found == -1).sum())


def test_sampled_rois_are_labelled_by_the_object_they_overlap():
    _, boxes, labels, _ = two_scenes()
    given_boxes = torch.tensor([[5, 6, 20, 18], [0, 30, 10, 40], [26, 24, 44, 42.0]])
    rois, found, which = sample_rois(given_boxes, boxes[0], labels[0])
    by_box = {
        tuple(roi): (f, w)
        for roi, f, w in zip(rois.tolist(), found.tolist(), which.tolist(), strict=True)
    }
    assert by_box[5, 6, 20, 18] == (0, 0) and by_box[26, 24, 44, 42] == (1, 1)
    assert by_box[0, 30, 10, 40][0] == -1
    assert by_box[4, 6, 20, 18] == (0, 0)  # the object's own box
    assert len(sample_rois(random_boxes(500), boxes[0], labels[0])[0]) == ROIS


def test_multi_task_loss_is_the_papers():
    logits, offsets, wanted = rand(3, 4), 3 * rand(3, 4, seed=1), rand(3, 4, seed=2)
    found = torch.tensor([2, -1, 0])
    classes, boxes = multi_task_loss(logits, offsets, found, wanted)
    expected = 0.0
    for row, u in zip(logits, (2, 3, 0), strict=True):
        expected -= row[u] - row.exp().sum().log()
    torch.testing.assert_close(classes, expected / 3)
    smooth = 0.0
    for row in (0, 2):  # not the background
        for e in (offsets[row] - wanted[row]).abs().tolist():
            smooth += 0.5 * e * e if e < 1 else e - 0.5
    torch.testing.assert_close(boxes, torch.tensor(smooth / 3))
    nothing = multi_task_loss(logits[:0], offsets[:0], found[:0], wanted[:0])
    assert sum(nothing) == 0


def test_training_rois_are_good_windows_and_the_objects_themselves():
    images, boxes, labels, _ = two_scenes()
    torch.manual_seed(0)
    drawn = training_rois(images, boxes, labels, count=50)
    assert len(drawn) == len(images) == len(training_rois(images, boxes, labels, count=10**6))
    every = proposals.windows(SIDE, SIDE)
    for image, own, kinds, (rois, found, which) in zip(images, boxes, labels, drawn, strict=True):
        best = every[proposals.window_scores(image[None], every)[0].topk(50).indices]
        allowed = torch.cat([best, own[kinds >= 0]])
        assert all((allowed == roi).all(dim=1).any() for roi in rois)
        assert len(rois) == len(found) == len(which) <= ROIS
        assert (found >= 0).any() and (found == -1).any()


def test_rpn_loss_is_what_a_loop_gives():
    cells = torch.tensor([[0, 0, 20, 20], [4, 6, 20, 20], [30, 30, 40, 40], [0, 2, 20, 22.0]])
    boxes, labels = torch.tensor([[[4, 6, 20, 18.0]]]), torch.tensor([[0]])
    objectness, offsets = rand(1, 4) * 4 - 2, rand(1, 4, 4, seed=1)
    iou = [round(v, 2) for v in box_iou(cells, boxes[0])[:, 0].tolist()]
    assert iou == [0.48, 0.86, 0.0, 0.48]  # left out, hit, background, left out
    said, box = rpn_loss(objectness, offsets, cells, boxes, labels)
    p = objectness.sigmoid()[0]
    torch.testing.assert_close(said, -(p[1].log() + (1 - p[2]).log()) / 2)
    wanted = encode(boxes[0, 0], cells[1]) / SPREAD
    torch.testing.assert_close(box, F.smooth_l1_loss(offsets[0, 1], wanted, reduction="sum") / 2)


def test_objectness_and_offsets_come_in_the_anchors_order():
    rpn = faster_rcnn.RegionProposalNetwork()
    features = rand(1, 96, 3, 4)
    objectness, offsets = rpn(features)
    hidden = F.relu(rpn.window(features))
    maps, boxes = rpn.objectness(hidden), rpn.offsets(hidden)
    for y, x, a in np.ndindex(3, 4, 9):
        number = (y * 4 + x) * 9 + a
        assert objectness[0, number] == maps[0, a, y, x]
        assert torch.equal(offsets[0, number], boxes[0, 4 * a : 4 * a + 4, y, x])


def test_the_networks_proposals_are_nms_of_corrected_anchors():
    detector, features = FasterRCNN(2, max_proposals=20), rand(1, 96, 4, 6)
    objectness, offsets = rand(1, 216, seed=1), rand(1, 216, 4, seed=2) * 4 - 2
    learning = objectness.clone().requires_grad_(), offsets.clone().requires_grad_()
    found = detector.propose(features, *learning, max_proposals=20)[0]
    assert not found.requires_grad  # the second stage does not move the first one's boxes
    cells = detector.anchors(features)
    order = objectness[0].argsort(descending=True)[:80]
    boxes = decode(offsets[0, order] * SPREAD, cells[order])
    boxes = torchvision.ops.clip_boxes_to_image(boxes, (32, 48))
    kept = torchvision.ops.nms(boxes, objectness[0, order], 0.7)[:20]
    torch.testing.assert_close(found, boxes[kept])


# -- R-CNN ----------------------------------------------------------------------------------------


def test_crops_are_the_picture_under_the_box(monkeypatch):
    monkeypatch.setattr(rcnn, "CONTEXT", 0.0)
    images = rand(1, 3, 64, 64)
    part = crops(images, [torch.tensor([[8, 16, 40, 48], [0, 0, 64, 64.0]])])
    torch.testing.assert_close(part[0], images[0, :, 16:48, 8:40])  # 32 x 32: pixel for pixel
    torch.testing.assert_close(part[1], F.avg_pool2d(images, 2)[0])
    boxes = [random_boxes(5, 64), random_boxes(3, 64, seed=7)]
    both = rand(2, 3, 64, 64, seed=1)
    peer = torchvision.ops.roi_align(both, boxes, 32, 1.0, sampling_ratio=1, aligned=True)
    torch.testing.assert_close(crops(both, boxes)[:, :, 2:-2, 2:-2], peer[:, :, 2:-2, 2:-2])
    assert crops(both, [boxes[0][:0], boxes[1]]).shape == (3, 3, 32, 32)


def test_the_svm_is_scikit_learns():
    features = torch.cat([rand(40, 6) + 0.5, rand(200, 6, seed=1)])
    positive = torch.arange(240) < 40
    weights, bias = fit_svm(features, positive, rounds=1)
    chosen = positive.clone()
    chosen[torch.where(~positive)[0][::5]] = True
    peer = LinearSVC(C=0.01, dual=False).fit(features[chosen].numpy(), positive[chosen].numpy())
    decision = torch.from_numpy(peer.decision_function(features.numpy())).float()
    torch.testing.assert_close(features @ weights + bias, decision, atol=1e-5, rtol=1e-5)
    again, _ = fit_svm(features, positive)
    assert not torch.allclose(weights, again)  # hard negatives change it
    weights, bias = fit_svm(features, torch.zeros(240, dtype=torch.bool))
    assert not weights.any() and bias == -1


def test_the_regression_is_scikit_learns():
    features, wanted = rand(50, 8), rand(50, 4, seed=1)
    weights, bias = fit_ridge(features, wanted, penalty=3.0)
    peer = Ridge(alpha=3.0).fit(features.numpy(), wanted.numpy())
    torch.testing.assert_close(
        features @ weights + bias, torch.from_numpy(peer.predict(features)).float()
    )
    assert torch.equal(fit_ridge(features, wanted)[0], fit_ridge(features, wanted, 100.0)[0])
    assert not fit_ridge(features[:0], wanted[:0])[0].any()


def test_rcnn_scores_are_the_svms_decisions():
    images, boxes, labels, _ = two_scenes()
    detector = RCNN(2, max_proposals=30).eval()
    detector.finish_training(images, boxes, labels)
    assert detector.svm_weights.any() and detector.box_weights.any()
    state = detector.state_dict()
    assert {"svm_weights", "svm_bias", "box_weights", "box_bias"} <= set(state)  # saved with it
    rois = proposals.propose(images[:1], 30)
    features = detector.features(images[:1], rois).detach()
    decisions = (features @ state["svm_weights"] + state["svm_bias"]).sigmoid()
    found = detector.detect(images[:1])[0]
    assert len(found["scores"]) > 0
    assert all(
        (decisions[:, c] - s).abs().min() < 1e-6
        for s, c in zip(found["scores"], found["labels"], strict=True)
    )


# -- masks ----------------------------------------------------------------------------------------


def test_mask_targets_cut_the_mask_under_the_box():
    masks = torch.zeros(2, 28, 28, dtype=torch.bool)
    masks[1, :14, :14] = True
    targets = mask_targets(
        masks, torch.tensor([[0, 0, 28, 28], [0, 0, 14, 14.0]]), torch.tensor([1, 1])
    )
    quarter = torch.zeros(14, 14)
    quarter[:7, :7] = 1
    assert torch.equal(targets[0], quarter) and targets[1].all()
    masks[0, :, :13] = (
        True  # the seventh column of cells is half of it, which is not more than half
    )
    half = mask_targets(masks, torch.tensor([[0, 0, 28, 28.0]]), torch.tensor([0]))
    assert half[0, :, :6].all() and not half[0, :, 6:].any()


def test_pasting_undoes_cutting():
    mask = rand(1, 14, 14)
    whole = paste(mask, torch.tensor([[3, 5, 17, 19.0]]), 24, 30)
    torch.testing.assert_close(whole[0, 5:19, 3:17], mask[0])  # a cell a pixel
    whole[0, 5:19, 3:17] = 0
    assert not whole.any() and whole.shape == (1, 24, 30)
    full = paste(torch.ones(1, 14, 14), torch.tensor([[0, 0, 30, 24.0]]), 24, 30)
    torch.testing.assert_close(full, torch.ones(1, 24, 30))  # also beyond the outermost centres
    assert paste(mask[:0], torch.zeros(0, 4), 24, 30).shape == (0, 24, 30)
    assert (
        paste(mask, torch.tensor([[3, 5, 3, 19.0]]), 24, 30).isfinite().all()
    )  # a box without width


# -- all four -------------------------------------------------------------------------------------


def check_contract(found, classes, masks):
    for one in found:
        n = len(one["boxes"])
        assert one["boxes"].shape == (n, 4) and n <= 100
        assert one["labels"].dtype == torch.int64 and one["labels"].shape == one[
            "scores"
        ].shape == (n,)
        if n:
            assert 0 <= one["labels"].min() and one["labels"].max() < classes
            assert one["boxes"].amin() >= 0 and one["boxes"].amax() <= SIDE
        assert (one["boxes"][:, 2:] >= one["boxes"][:, :2]).all()
        assert ((one["scores"] >= 0) & (one["scores"] <= 1)).all() and (
            one["scores"].diff() <= 0
        ).all()
        assert not one["boxes"].requires_grad and not one["scores"].requires_grad
        assert ("masks" in one) == masks
        if masks:
            assert one["masks"].shape == (n, SIDE, SIDE) and one["masks"].dtype == torch.bool


@pytest.mark.parametrize("make", DETECTORS)
def test_untrained_it_keeps_the_contract_and_is_deterministic(make):
    answers = []
    for _ in range(2):
        torch.manual_seed(0)
        detector = make(3, max_proposals=40).eval()
        loss = detector.loss(*batch_for(detector, *two_scenes()))
        assert loss.shape == () and loss.isfinite()
        answers.append((loss, detector.detect(two_scenes()[0])))
        check_contract(answers[-1][1], 3, masks=make is MaskRCNN)
    assert answers[0][0] == answers[1][0]
    for one, other in zip(answers[0][1], answers[1][1], strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("make", DETECTORS)
def test_pictures_without_objects_have_a_finite_loss(make):
    images, boxes, labels, masks = two_scenes()
    detector = make(2, max_proposals=20)
    for nothing in (
        (images, boxes, torch.full_like(labels, -1), masks),
        (images, boxes[:, :0], labels[:, :0], masks[:, :0]),
    ):
        loss = detector.loss(*batch_for(detector, *nothing))
        loss.backward()
        assert loss.isfinite() and loss > 0
        gradients = [p.grad for p in detector.parameters() if p.grad is not None]
        assert all(g.isfinite().all() for g in gradients)


@pytest.mark.slow
@pytest.mark.parametrize("make", DETECTORS)
def test_two_scenes_are_learned_by_heart(make):
    torch.manual_seed(0)
    images, boxes, labels, masks = two_scenes()
    detector = make(2, max_proposals=60)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=3e-3)
    for _ in range(50):
        loss = detector.loss(*batch_for(detector, images, boxes, labels, masks))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for _ in range(4):
        detector.backbone(
            images if make is not FastRCNN else F.interpolate(images, scale_factor=2.0)
        )
    detector.eval()
    if make is RCNN:
        detector.finish_training(images, boxes, labels)
    found = detector.detect(images)
    for one, own, kinds, shapes in zip(found, boxes, labels, masks, strict=True):
        for box, kind, shape in zip(own, kinds, shapes, strict=True):
            if kind < 0:
                continue
            mine = one["labels"] == kind
            iou = box_iou(one["boxes"][mine], box[None])[:, 0]
            # R-CNN's regression, fitted on a handful of crops, hardly moves the windows it was given
            least = 0.4 if make is RCNN else 0.5
            assert len(iou) and iou[0] > least, "the best detection of the class is the object"
            if make is MaskRCNN:
                assert mask_iou(one["masks"][mine][:1], shape[None]) > 0.5


def test_the_four_losses_have_names_and_add_up():
    torch.manual_seed(0)
    images, boxes, labels, _ = two_scenes()
    detector = FasterRCNN(2).eval()
    torch.manual_seed(1)
    parts = detector.losses(images, boxes, labels)
    torch.manual_seed(1)
    assert tuple(parts) == LOSSES
    torch.testing.assert_close(sum(parts.values()), detector.loss(images, boxes, labels))
    torch.manual_seed(1)
    features = detector.backbone(images)
    first = rpn_loss(*detector.rpn(features), detector.anchors(features), boxes, labels)
    assert (parts["RPN objectness"], parts["RPN offsets"]) == first


def test_bad_input_is_named():
    with pytest.raises(
        ValueError, match=r"propose: images must be a tensor \[B, 3, H, W\] .*, got \[2, 1, 9, 9\]"
    ):
        proposals.propose(torch.zeros(2, 1, 9, 9))
    with pytest.raises(ValueError, match="max_proposals must be 1 or more, got 0"):
        proposals.propose(torch.zeros(2, 3, 32, 32), 0)


# -- the parts, one by one ------------------------------------------------------------------------


def test_a_sample_is_drawn_anew_each_time():
    found = torch.arange(100).clamp(max=50).where(torch.arange(100) < 50, -1)
    torch.manual_seed(0)
    one, other = (balanced_sample(found, 20, 0.5) for _ in range(2))
    for part in (slice(10), slice(10, 20)):  # hits, background
        assert set(one[part].tolist()) != set(other[part].tolist())


def test_sampled_rois_are_boxes_with_an_iou_of_a_half_or_background():
    _, boxes, labels, _ = two_scenes()
    noise = 16 * rand(60, 4, seed=4) - 8
    for seed in range(5):
        torch.manual_seed(seed)
        rois, found, which = sample_rois(boxes[1, 0] + noise, boxes[1], labels[1])  # -1 beside it
        iou = box_iou(rois, boxes[1, :1])[:, 0]
        assert torch.equal(found, torch.where(iou >= 0.5, 1, -1)) and not which.any()
        assert (rois[:, 2:] > rois[:, :2]).all()  # a place without an object is no proposal
        assert iou[found == -1].max() > 0.3  # background begins at a half, nothing is left out


def test_offset_targets_are_torchvisions():
    _, boxes, _, _ = two_scenes()
    rois, which = random_boxes(6), torch.tensor([0, 1, 1, 0, 0, 0])
    found = torch.tensor([3, 0, 4, -1, 2, -1])
    wanted = offset_targets(
        [RoISample(rois, found, which), RoISample(rois[:2], found[2:4], which[:2])], boxes
    )
    coder = torchvision.models.detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    peer = coder.encode_single(boxes[0, which], rois) * (found >= 0)[:, None]
    torch.testing.assert_close(wanted[:6], peer)
    torch.testing.assert_close(wanted[6], coder.encode_single(boxes[1, :1], rois[:1])[0])
    assert not wanted[7].any() and len(wanted) == 8


def test_rpn_loss_rescues_objects_and_takes_each_picture_by_itself():
    cells = torch.tensor([[0, 0, 20, 20], [30, 30, 40, 40.0]])
    boxes = torch.tensor([[[4, 6, 20, 18]], [[30, 30, 40, 36.0]]])  # IoU .48, the best there is; .6
    objectness, offsets = rand(2, 2) * 4 - 2, rand(2, 2, 4, seed=1)
    said, box = rpn_loss(objectness, offsets, cells, boxes, torch.zeros(2, 1).long())
    p = objectness.sigmoid()
    right = torch.stack([p[0, 0], 1 - p[0, 1], 1 - p[1, 0], p[1, 1]])
    torch.testing.assert_close(said, -right.log().mean())
    wanted = encode(boxes[:, 0], cells) / SPREAD
    hits = offsets[[0, 1], [0, 1]]
    torch.testing.assert_close(box, F.smooth_l1_loss(hits, wanted, reduction="sum") / 4)


def test_up_to_half_of_the_rpns_sample_are_hits():
    box = torch.tensor([[10, 10, 30, 30.0]])
    cells = torch.cat([box.expand(300, 4), box.expand(300, 4) + 100])
    objectness = torch.where(torch.arange(600) < 300, 0.0, -100.0)[None]  # a hit costs log 2
    said, _ = rpn_loss(objectness, rand(1, 600, 4), cells, box[None], torch.zeros(1, 1).long())
    assert said.item() == pytest.approx(np.log(2) / 2)


def test_detections_are_rois_moved_by_their_offsets_inside_the_image():
    rois = [random_boxes(3), random_boxes(2, seed=5)]
    scores, offsets = rand(5, 2), 6 * rand(5, 4, seed=1) - 3
    first, second = region_detections(rois, scores, offsets, height=30, width=40)
    for one, own, rows in ((first, rois[0], slice(3)), (second, rois[1], slice(3, 5))):
        boxes = decode(offsets[rows] * SPREAD, own)
        boxes = torchvision.ops.clip_boxes_to_image(boxes, (30, 40))
        expected = final_detections(boxes, scores[rows])
        torch.testing.assert_close(one, expected)


@pytest.mark.parametrize("make", (FastRCNN, FasterRCNN, MaskRCNN))
def test_regions_are_cut_where_the_boxes_lie(make):
    detector, images = make(2).eval(), two_scenes()[0]
    rois, pool = [random_boxes(3), random_boxes(2, seed=5)], torchvision.ops.roi_align
    how = {"sampling_ratio": 1, "aligned": True}
    if make is FastRCNN:
        larger = F.interpolate(images, scale_factor=1.5, mode="bilinear")
        detector.head, features = torch.nn.Identity(), detector.backbone(larger)
        found, size, pool, how = detector.regions(images, rois), 4, torchvision.ops.roi_pool, {}
    elif make is FasterRCNN:
        detector.head, features = torch.nn.Identity(), detector.backbone(images)
        found, size = detector.regions(features, rois), 4
    else:
        detector.mask_head, features = torch.nn.Identity(), detector.backbone(images)
        found, size = detector.mask_regions(features, rois), 7
    peer = pool(features, rois, size, features.shape[3] / SIDE, **how)
    torch.testing.assert_close(found, peer, atol=1e-4, rtol=1e-4)


def test_crops_take_in_a_tenth_on_every_side_and_are_black_beyond_the_edge(monkeypatch):
    images = rand(1, 3, 64, 80)
    part = crops(images, [torch.tensor([[10, 20, 30, 60.0]])])
    monkeypatch.setattr(rcnn, "CONTEXT", 0.0)
    torch.testing.assert_close(part, crops(images, [torch.tensor([[8, 16, 32, 64.0]])]))
    edge = crops(torch.ones(1, 3, 64, 80), [torch.tensor([[70, 0, 102, 32.0]])])
    assert edge[..., :10].min() > 0.99 and edge[..., 10:].max() < 0.01


@pytest.mark.parametrize("make", (RCNN, FastRCNN))
def test_the_last_logit_is_background(make):
    images, boxes, labels, _ = two_scenes()
    detector = make(3, max_proposals=10)
    last = detector.logits if make is RCNN else detector.head.logits
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0, 0, 0, 30.0]))
    nothing = torch.full_like(labels, -1)
    assert detector.loss(images, boxes, nothing) < 1e-6 < detector.loss(images, boxes, labels)


def test_svms_and_regression_learn_from_crops_that_are_hits_or_background(monkeypatch):
    images, boxes, labels, _ = two_scenes()
    taken, svms, ridge = [], [], []

    def first_forty(found, most, share):  # in place of a draw: the objects' own boxes come first
        return torch.where(found != -2)[0][:most]

    def wanted(drawn, own):
        taken.extend((*sample, boxes) for sample, boxes in zip(drawn, own, strict=True))
        return offset_targets(drawn, own)

    def svm(features, positive):
        svms.append(positive)
        return fit_svm(features, positive)

    def regression(features, offsets):
        ridge.append(offsets)
        return fit_ridge(features, offsets)

    for name, fake in (
        ("balanced_sample", first_forty), ("offset_targets", wanted), ("fit_svm", svm), ("fit_ridge", regression),
    ):  # fmt: skip
        monkeypatch.setattr(rcnn, name, fake)
    RCNN(2).eval().finish_training(images, boxes, labels)
    for (rois, found, which, own), kinds in zip(taken, labels, strict=True):
        there = kinds >= 0
        assert torch.equal(rois[: there.sum()], own[there])
        assert ((rois[:, 2:] - rois[:, :2]) > 0).all() and len(rois) == len(which) == 40
        iou = box_iou(rois, own)
        best, nearest = iou.max(dim=1)
        assert ((best >= 0.6) | (best < 0.3)).all()
        assert torch.equal(found, torch.where(best >= 0.6, kinds[nearest], -1))
        assert torch.equal(which[found >= 0], nearest[found >= 0])
    found = torch.cat([found for _, found, _, _ in taken])
    assert all(torch.equal(positive, found == c) for c, positive in enumerate(svms))
    assert (found < 0).any() and len(svms) == 2 and len(ridge[0]) == (found >= 0).sum()


def test_rcnn_gives_the_svms_sigmoid_and_boxes_inside_the_picture():
    detector, images = RCNN(2, max_proposals=30).eval(), two_scenes()[0][:1]
    detector.svm_bias.copy_(torch.tensor([2.0, -3.0]))  # all are of the first class
    detector.box_bias.copy_(torch.tensor([5.0, 0, 0, 0]))  # half a width to the right
    found = detector.detect(images)[0]
    assert len(found["scores"]) > 0 and not found["labels"].any()
    torch.testing.assert_close(found["scores"], torch.full_like(found["scores"], 2.0).sigmoid())
    x1, y1, x2, y2 = proposals.propose(images, 30)[0].unbind(1)
    moved = torch.stack([(x1 + x2) / 2, y1, x2 + (x2 - x1) / 2, y2], dim=1).clamp(0, SIDE)
    assert ((moved - found["boxes"][:, None]).abs().amax(dim=2).amin(dim=1) < 1e-4).all()


def test_only_the_true_classs_mask_is_taught():
    torch.manual_seed(0)
    detector = MaskRCNN(3)
    detector.loss(*two_scenes()).backward()
    taught = detector.mask_head.masks.weight.grad.flatten(1).any(dim=1)
    assert taught.tolist() == [True, True, False]  # there is no object of the third


def test_without_masks_the_loss_is_faster_rcnns():
    torch.manual_seed(0)
    detector, scenes = MaskRCNN(2).eval(), two_scenes()
    totals = []
    for loss in (detector.loss, lambda *batch: sum(detector.losses(*batch).values())):
        torch.manual_seed(1)
        totals.append(loss(*scenes[:3]))
    assert totals[0] == totals[1]


def test_a_detections_mask_is_its_own_classs(monkeypatch):
    detector, images = MaskRCNN(2).eval(), two_scenes()[0][:1]
    boxes = torch.tensor([[4, 6, 20, 18], [26, 22, 44, 42.0]])
    found = {"boxes": boxes, "labels": torch.tensor([1, 0]), "scores": torch.ones(2)}
    logits = torch.tensor([-0.3, 0.3]).view(1, 2, 1, 1).expand(2, 2, 14, 14)  # p = .43 and .57
    monkeypatch.setattr(detector, "detect_boxes", lambda *_: [found])
    monkeypatch.setattr(detector, "mask_regions", lambda *_: logits)
    masks = detector.detect(images)[0]["masks"]
    assert masks[0, 6:18, 4:20].all() and masks[0].sum() == 12 * 16 and not masks[1].any()


def test_the_parts_of_the_loss_are_kept_step_by_step_and_with_the_weights():
    images, boxes, labels, masks = two_scenes()
    for make, data in ((FasterRCNN, (boxes, labels)), (MaskRCNN, (boxes, labels, masks))):
        detector = make(2)
        losses = train(detector, images, *data, recipe=Recipe("test", steps=3))
        assert detector.history.shape == (3, 2 + len(data)) and not detector.history.requires_grad
        assert (detector.history > 0).all()
        torch.testing.assert_close(detector.history.sum(dim=1).tolist(), losses)
        again = make(2)
        again.load_state_dict(detector.state_dict())
        assert torch.equal(again.history, detector.history)


def test_svms_and_regression_see_the_first_images(monkeypatch):
    monkeypatch.setattr(rcnn, "FITTED", 1)
    images, boxes, labels, _ = two_scenes()
    weights = []
    for part in (slice(2), slice(1)):
        torch.manual_seed(0)
        detector = RCNN(2).eval()
        detector.finish_training(images[part], boxes[part], labels[part])
        weights.append(detector.svm_weights)
    assert torch.equal(*weights) and weights[0].any()
