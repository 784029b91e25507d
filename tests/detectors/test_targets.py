import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.by_definition import detection as plain
from course_lib.data.holders import AnnotatedImages
from course_lib.detection.overlap import box_iou
from course_lib.detectors import postprocess
from course_lib.detectors.backbone import STRIDE, WIDTH, Backbone
from course_lib.detectors.targets import (
    IGNORED,
    NO_OBJECT,
    _mirrored,
    assign,
    padded,
    resized,
    scene_batches,
)
from course_lib.detectors.yolo import Yolo


def random_boxes(count, seed=0, size=96.0):
    dice = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=dice) * size * 0.7
    return torch.cat([corner, corner + 4 + torch.rand(count, 2, generator=dice) * size * 0.25], 1)


def random_labels(count, seed=0, classes=3):
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(seed))


def test_backbone_is_one_cell_for_eight_pixels():
    backbone = Backbone().eval()
    images = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    assert backbone(images).shape == (
        2,
        WIDTH,
        96 // STRIDE,
        64 // STRIDE,
    )
    with torch.no_grad():  # however it lies in memory, and alone or in a batch
        together = backbone(images)
        torch.testing.assert_close(together[:1], backbone(images[:1]), atol=1e-5, rtol=1e-4)
    for bad in (torch.zeros(3, 96, 96), torch.zeros(2, 1, 96, 96)):
        with pytest.raises(ValueError, match=r"images must be \[B, 3, H, W\], got \["):
            backbone(bad)


@given(counts=st.lists(st.integers(0, 5), max_size=4))
def test_padded_keeps_every_object(counts):
    targets = [{"boxes": random_boxes(n, n), "labels": random_labels(n, n)} for n in counts]
    boxes, labels = padded(targets)
    assert boxes.shape == (len(counts), max(counts, default=0), 4) and labels.dtype == torch.int64
    for i, target in enumerate(targets):
        there = labels[i] != NO_OBJECT
        assert torch.equal(boxes[i][there], target["boxes"])
        assert torch.equal(labels[i][there], target["labels"])
        assert (boxes[i][~there] == 0).all()


def test_mirrored_boxes_hold_the_mirrored_picture():
    image = torch.zeros(1, 10, 12)
    image[:, 2:5, 1:4] = 1  # a thing from x = 1 to 4
    box = _mirrored(torch.tensor([1.0, 2.0, 4.0, 5.0]), 12)
    assert box.tolist() == [8, 2, 11, 5]
    assert image.flip(2)[:, 2:5, 8:11].all() and image.sum() == 9
    twice = _mirrored(_mirrored(random_boxes(5), 96), 96)
    torch.testing.assert_close(twice, random_boxes(5))


def test_scene_batches_mirror_half_and_leave_the_set_alone():
    images = torch.arange(4.0).view(4, 1, 1, 1) + torch.linspace(0, 0.5, 8).expand(4, 3, 2, 8)
    boxes = torch.tensor([1.0, 0.0, 3.0, 2.0]) + torch.arange(4.0).view(4, 1, 1)
    boxes, labels = boxes.repeat(1, 2, 1), torch.arange(4)[:, None].repeat(1, 2)
    labels[:, 1] = NO_OBJECT
    kept = images.clone(), boxes.clone()
    sample = scene_batches(images, boxes, labels, size=64)
    batch, objects, found = sample(torch.Generator().manual_seed(0))
    assert batch.shape == (64, 3, 2, 8) and objects.shape == (64, 2, 4) and found.shape == (64, 2)
    which = batch.amin(dim=(1, 2, 3)).long()  # number of each picture in the set
    assert len(which.unique()) == 4
    flipped = batch[:, 0, 0, 0] > batch[:, 0, 0, 7]
    assert 16 < flipped.sum() < 48
    assert (objects[flipped] == _mirrored(boxes[which[flipped]], 8)).all()
    assert (objects[~flipped] == boxes[which[~flipped]]).all()
    assert (found[:, 0] == which).all() and (found[:, 1] == NO_OBJECT).all()
    assert torch.equal(images, kept[0]) and torch.equal(boxes, kept[1])
    again = sample(torch.Generator().manual_seed(0))
    assert torch.equal(batch, again[0])


@given(
    anchors=st.integers(0, 12), objects=st.integers(0, 4), seed=st.integers(0, 999),
    limits=st.sampled_from([(0.5, 0.5), (0.3, 0.7), (0.1, 0.2)]),
)  # fmt: skip
def test_assign_by_definition(anchors, objects, seed, limits):
    candidates, boxes = random_boxes(anchors, seed, 24.0), random_boxes(objects, seed + 1, 24.0)
    labels = random_labels(objects, seed)
    labels[random_labels(objects, seed + 2, 4) == 0] = NO_OBJECT
    there = torch.where(labels != NO_OBJECT)[0]
    for rescue in (False, True):
        found, which = assign(candidates, boxes, labels, *limits, rescue=rescue)
        expected, object_ = plain.assign(candidates, boxes[there], labels[there], *limits, rescue)
        assert torch.equal(found, expected)
        assert torch.equal(which, there[object_] if len(there) > 0 else object_)
        assert found.dtype == which.dtype == torch.int64


def test_rescue_gives_every_object_a_candidate():
    tiny = torch.tensor([[10.0, 10.0, 14.0, 14.0]])
    candidates = torch.tensor([[8.0, 8.0, 24.0, 24.0], [50.0, 50.0, 60.0, 60.0]])
    label = torch.tensor([2])
    assert assign(candidates, tiny, label, 0.4, 0.5)[0].tolist() == [NO_OBJECT, NO_OBJECT]
    assert assign(candidates, tiny, label, 0.4, 0.5, rescue=True)[0].tolist() == [
        2,
        NO_OBJECT,
    ]
    nowhere = tiny + 500.0  # nothing overlaps it: nothing is rescued
    assert assign(candidates, nowhere, label, 0.4, 0.5, rescue=True)[0].tolist() == [
        -1,
        -1,
    ]


def test_rescue_goes_before_the_object_that_is_overlapped_most():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 8.0, 10.0, 18.0]])
    candidates = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 2.0, 10.0, 12.0]])
    iou = box_iou(candidates, boxes)  # the second candidate lies on the first object, mostly
    assert iou[1, 0] > iou[1, 1] > iou[0, 1]
    found, which = assign(candidates, boxes, torch.tensor([5, 6]), 0.3, 0.5, rescue=True)
    assert (found.tolist(), which.tolist()) == ([5, 6], [0, 1])


def test_limits_of_assign_are_hit_and_left_out():
    box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    candidates = torch.tensor([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 1.0], [0.0, 0.0, 4.0, 0.9]])
    found, _ = assign(candidates, box, torch.tensor([7]), low=0.25, high=0.5)
    assert found.tolist() == [7, IGNORED, NO_OBJECT]  # IoU 1/2, 1/4 and below


@given(count=st.integers(0, 30), seed=st.integers(0, 999), most=st.integers(1, 40))
def test_final_detections_by_hand(count, seed, most):
    boxes = random_boxes(count, seed, size=40.0)
    scores = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))
    found = postprocess.final_detections(boxes, scores, 0.3, 0.45, most)
    kept, iou = [], box_iou(boxes, boxes).tolist()
    every = [(-scores[i, c].item(), i, c) for i in range(count) for c in range(3)]
    for score, i, c in sorted(every):
        free = all(d != c or iou[i][j] <= 0.45 for _, j, d in kept)
        if -score > 0.3 and free:
            kept.append((score, i, c))
    kept = kept[:most]
    assert found["labels"].tolist() == [c for _, _, c in kept]
    assert torch.equal(found["boxes"], boxes[[i for _, i, _ in kept]])
    assert found["scores"].tolist() == [-score for score, _, _ in kept]


def test_final_detections_as_they_are_without_being_told():
    x = 20.0 * torch.arange(150.0)
    apart = torch.stack([x, 0 * x, x + 10, 0 * x + 10], dim=1)
    assert len(postprocess.final_detections(apart, torch.full((150, 1), 0.03))["boxes"]) == 100
    scores = torch.tensor([[0.25], [0.3]])
    assert postprocess.final_detections(apart[:2], scores, 0.25)["scores"].tolist() == [
        scores[1].item()
    ]
    assert (
        len(postprocess.final_detections(apart[:2], torch.tensor([[0.01], [0.03]]))["boxes"]) == 1
    )
    for height, kept in ((4.4, 2), (4.6, 1)):  # IoU .44 and .46
        pair = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, height]])
        assert (
            len(postprocess.final_detections(pair, torch.tensor([[0.9], [0.8]]))["boxes"]) == kept
        )


def test_detect_all_asks_in_parts_and_keeps_the_order():
    asked, weight = [], torch.ones(1, requires_grad=True)

    def detect(images):
        asked.append(len(images))
        return [{"boxes": torch.zeros(1, 4), "scores": weight * image.mean()} for image in images]

    images = torch.arange(7.0).view(7, 1, 1, 1).expand(7, 3, 2, 2)
    found = postprocess.detect_all(detect, images, size=3)
    assert asked == [3, 3, 1]
    assert [one["scores"].item() for one in found] == list(range(7))
    assert not any(values.requires_grad for one in found for values in one.values())


def test_resized_pictures_take_their_boxes_along():
    image = torch.zeros(3, 40, 80)
    image[:, 10:20, 40:60] = 1
    target = {
        "boxes": torch.tensor([[40.0, 10.0, 60.0, 20.0]]),
        "labels": torch.tensor([1]),
        "more": 0,
    }
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}
    scenes = AnnotatedImages([image, image[:, :, :40]], [target, nothing], ["a", "b"])
    small = resized(scenes, 20)
    assert small.images.shape == (2, 3, 20, 20) and small.names == ["a", "b"]
    assert small.targets[0]["boxes"].tolist() == [[10, 5, 15, 10]]
    assert small.images[0][:, 6:9, 11:14].min() > 0.99 and small.images[0][:, 12:, :8].max() < 0.01
    assert set(small.targets[0]) == {"boxes", "labels"} and len(small.targets[1]["boxes"]) == 0
    corners = [[70.0, 30, 99, 45], [-9, 5, 8, 10], [80, 10, 90, 20], [5, 5, 5, 9]]
    target = {
        "boxes": torch.tensor(corners),
        "labels": torch.arange(4),
        "difficult": torch.arange(4) == 1,
    }
    cut = resized(AnnotatedImages([image], [target], list("abcd")), 20).targets[0]
    assert cut["boxes"].tolist() == [
        [17.5, 15, 20, 20],
        [0, 2.5, 2, 5],
    ]  # two are left without area
    assert cut["labels"].tolist() == [0, 1] and cut["difficult"].tolist() == [False, True]
    image[:] = torch.arange(80) % 4 == 0  # fine stripes turn grey, they do not vanish
    stripes = resized(AnnotatedImages([image], [nothing], ["a"]), 20)
    assert stripes.images.mean().item() == pytest.approx(0.25, abs=0.02)


def test_no_photographs_and_grey_ones():
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}
    for images in ([], torch.zeros(0, 3, 40, 40)):
        empty = resized(AnnotatedImages(images, [], ["a"]), 32)
        assert empty.images.shape == (0, 3, 32, 32) and empty.targets == []
        assert postprocess.detect_all(Yolo(2).eval().detect, empty.images) == []
    image = torch.rand(1, 20, 30, generator=torch.Generator().manual_seed(0))
    mixed = AnnotatedImages([image, image.expand(3, 20, 30)], [nothing, nothing], ["a"])
    grey, colour = resized(mixed, 32).images
    assert torch.equal(grey, colour) and torch.equal(grey[0], grey[2])
    assert len(postprocess.detect_all(Yolo(2).eval().detect, resized(mixed, 32).images)) == 2


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (torch.zeros(3, 8, 8, dtype=torch.uint8), TypeError, "floating point, got .* uint8"),
        (torch.zeros(4, 8, 8), ValueError, r"\[3, H, W\] or \[1, H, W\], got \[4, 8, 8\]"),
        (torch.zeros(8, 8), ValueError, r"got \[8, 8\]"),
        (torch.zeros(3, 0, 8), ValueError, r"got \[3, 0, 8\]"),
    ],
)
def test_photographs_of_other_kinds_are_refused(image, error, says):
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0).long()}
    with pytest.raises(error, match=f"^resized: .*{says}"):
        resized(AnnotatedImages([image], [nothing], ["a"]), 32)
    with pytest.raises((TypeError, ValueError), match=r"^resized: size must be "):
        resized(AnnotatedImages([], [], ["a"]), 0)


def test_padded_takes_whatever_is_named():
    one = {"boxes": random_boxes(1), "labels": random_labels(1), "masks": torch.ones(1, 4, 5) > 0}
    none = {name: values[:0] for name, values in one.items()}
    boxes, labels, masks = padded([none, one], ("boxes", "labels", "masks"))
    assert masks.dtype == torch.bool and masks.shape == (2, 1, 4, 5)
    assert masks.flatten(1).all(1).tolist() == [False, True]
    assert labels.tolist() == [[NO_OBJECT], one["labels"].tolist()]
    assert torch.equal(boxes[1], one["boxes"]) and not boxes[0].any()
    assert [part.shape for part in padded([])] == [(0, 0, 4), (0, 0)]
    with pytest.raises(ValueError, match=r"image 1 must have as many of each, got \{'boxes': 1, "):
        padded([none, one | {"labels": random_labels(2)}])


def test_scene_batches_mirror_all_that_has_a_value_at_each_pixel():
    count, width = 4, 8
    images = torch.rand(count, 3, 6, width, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([1.0, 0, 3, 2]).expand(count, 2, 4)
    labels, masks = random_labels(count * 2).view(count, 2), images[:, :2] > 0.5
    depth = images[:, 0] + 1
    sample = scene_batches(images, boxes, labels, masks, depth, size=40)
    batch, objects, kinds, shapes, far = sample(torch.Generator().manual_seed(0))
    seen = set()
    for i in range(40):
        for n in range(count):
            for turned in (False, True):
                original = images[n].flip(2) if turned else images[n]
                if torch.equal(batch[i], original):
                    seen.add((n, turned))
                    mask, distance = (x.flip(-1) if turned else x for x in (masks[n], depth[n]))
                    assert torch.equal(shapes[i], mask) and torch.equal(far[i], distance)
                    assert objects[i, 0].tolist() == ([5, 0, 7, 2] if turned else [1, 0, 3, 2])
                    assert torch.equal(kinds[i], labels[n])
    assert len(seen) == 2 * count
    assert torch.equal(masks, images[:, :2] > 0.5), "the set is as it was"


def test_sets_that_do_not_belong_together_are_refused():
    images, boxes, labels = torch.zeros(3, 3, 8, 8), torch.zeros(3, 2, 4), torch.zeros(3, 2).long()
    for parts in ((images[:0], boxes[:0], labels[:0]), (images, boxes[:2], labels)):
        with pytest.raises(
            ValueError, match=r"scene_batches: .* as many, and at least one, got \["
        ):
            scene_batches(*parts, size=2)
    with pytest.raises(ValueError, match=r"a value for each pixel, got \[3, 2, 8, 9\]"):
        scene_batches(images, boxes, labels, torch.zeros(3, 2, 8, 9), size=2)
