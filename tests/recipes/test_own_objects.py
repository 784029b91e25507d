"""A detector of one's own: which cells answer for an object, and the way from a folder of photographs to a detector."""

import json
import math
import random

import pytest
import skimage.data
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from course_lib.data import datasets
from course_lib.data.holders import AnnotatedImages
from course_lib.detection.average_precision import evaluate_detections
from course_lib.detectors.targets import resized
from course_lib.recipes import own_objects
from course_lib.recipes.own_detector import (
    CHANNELS,
    SIDE,
    STRIDE,
    OwnDetector,
    features_of,
    middles_of,
    responsible_cells,
)
from course_lib.recipes.own_objects import load_own, some_of, train_own


def by_hand(boxes, labels, cells):
    """The rule of `responsible_cells`, word for word."""
    answer = torch.full((cells, cells), -1)
    for row in range(cells):
        for column in range(cells):
            x, y = ((at + 0.5) * STRIDE for at in (column, row))
            best = math.inf
            for i, ((x1, y1, x2, y2), label) in enumerate(
                zip(boxes.tolist(), labels.tolist(), strict=True)
            ):
                away = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2))
                inside = x1 < x < x2 and y1 < y < y2
                near = (away < 1.5 * STRIDE and inside) or away <= 0.5 * STRIDE
                if label < 0 and inside and answer[row, column] == -1:
                    answer[row, column] = -2
                if label >= 0 and near and (x2 - x1) * (y2 - y1) < best:
                    best, answer[row, column] = (x2 - x1) * (y2 - y1), i
    return answer


def test_cells_answer_as_the_rule_says():
    generator = torch.Generator().manual_seed(0)
    for count in (0, 1, 12):
        corners = 80 * torch.rand(count, 2, generator=generator)
        sizes = 2 + 60 * torch.rand(count, 2, generator=generator)
        boxes = torch.cat([corners, corners + sizes], dim=1)
        labels = torch.randint(-1, 3, (count,), generator=generator)
        assert torch.equal(responsible_cells(boxes, labels, 12), by_hand(boxes, labels, 12))


def test_every_object_has_a_cell_that_answers_for_it_if_it_lies_alone():
    generator = torch.Generator().manual_seed(1)
    for _ in range(50):
        x, y = (90 * torch.rand(2, generator=generator)).tolist()
        w, h = (1 + 5 * torch.rand(2, generator=generator)).tolist()
        box = torch.tensor([[x, y, x + w, y + h]])
        assert (responsible_cells(box, torch.tensor([0]), 12) == 0).any(), box


def test_a_head_that_has_learned_a_box_by_heart_finds_it():
    """A few steps on one image: the loss falls, the box is found."""
    torch.manual_seed(0)
    detector = OwnDetector(2, side=64)
    features = torch.randn(1, CHANNELS, 8, 8)
    boxes, labels = torch.tensor([[[10.0, 12.0, 40.0, 50.0]]]), torch.tensor([[1]])
    cells = responsible_cells(boxes[0], labels[0], 8)[None]
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = detector.loss(features, boxes, cells, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10
    # In training mode: eight cells say little about the statistics of batches.
    found = detector.detect(features)[0]
    assert found["labels"][0] == 1 and found["scores"][0] > 0.5
    torch.testing.assert_close(found["boxes"][0], boxes[0, 0], atol=3.0, rtol=0)


def test_a_batch_without_objects_has_a_loss_and_a_gradient():
    detector = OwnDetector(1, side=64)
    none = torch.zeros(2, 0, 4), torch.full((2, 8, 8), -1), torch.zeros(2, 0, dtype=torch.int64)
    loss = detector.loss(torch.randn(2, CHANNELS, 8, 8), *none)
    loss.backward()
    assert loss.isfinite() and all(p.grad.isfinite().all() for p in detector.parameters())


def test_the_middles_of_cells():
    assert middles_of(2).tolist() == [[[4, 4], [12, 4]], [[4, 12], [12, 12]]]


def test_features_are_the_networks_maps_side_by_side():
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = features_of(images)
    assert features.shape == (3, CHANNELS, 8, 8) and features.dtype == torch.float16


def test_photographs_without_objects_are_refused():
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    photos = AnnotatedImages(torch.zeros(2, 3, 64, 64), [empty, empty], ["cat"])
    with pytest.raises(ValueError, match="no object to learn in 2 photographs"):
        train_own(photos)


def paste_cats(folder, count):
    """`count` photographs, each with one or two cats cut out of scikit-image's, and their COCO file."""
    chance = random.Random(0)
    cat = Image.fromarray(skimage.data.chelsea()).crop((85, 15, 385, 285))
    oval = Image.new("L", cat.size, 0)
    inner = Image.new("L", (cat.width - 20, cat.height - 20), 255)
    oval.paste(inner, (10, 10))
    names = ("coffee", "rocket", "brick", "grass", "gravel")
    grounds = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in names]
    grounds += [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    images, annotations = [], []
    for number in range(count):
        ground = chance.choice(grounds)
        left, top = (chance.randrange(max(side // 3, 1)) for side in ground.size)
        ground = ground.crop((left, top, *ground.size)).resize((400, 300))
        for _ in range(chance.choice([1, 1, 2])):
            wide = chance.randrange(60, 180)
            small = cat.resize((wide, round(wide * chance.uniform(0.7, 1.1))))
            mask = oval.resize(small.size)
            if chance.random() < 0.5:
                small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            small = small.point(lambda v, light=chance.uniform(0.5, 1.3): min(255, v * light))
            x, y = chance.randrange(400 - wide), chance.randrange(300 - small.height)
            ground.paste(small, (x, y), mask)
            one = {"bbox": [x, y, *small.size], "area": small.width * small.height, "iscrowd": 0}
            ids = {"id": len(annotations) + 1, "image_id": number, "category_id": 7}
            annotations.append({**ids, **one})
        ground.save(folder / f"{number:03d}.jpg")
        images.append({"id": number, "file_name": f"{number:03d}.jpg", "width": 400, "height": 300})
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "cat"}]}
    (folder / "annotations.json").write_text(json.dumps(coco), encoding="utf-8")


def test_of_too_many_photographs_some_are_used(capsys):
    one = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    photos = AnnotatedImages(torch.zeros(9, 3, 4, 4), [one] * 9, ["cat"])
    assert len(some_of(photos, 9)) == 9 and not capsys.readouterr().out
    assert len(some_of(photos, 4)) == 3
    assert "3 of 9 photographs are used" in capsys.readouterr().out


def test_val_is_held_out_where_there_is_no_test(tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (40, 30)).save(tmp_path / "images" / split / f"{split}{i}.png")
            text = tmp_path / "labels" / split / f"{split}{i}.txt"
            text.write_text("0 0.5 0.5 0.2 0.2\n", encoding="utf-8")
    (tmp_path / "data.yaml").write_text("names: [cat]\n", encoding="utf-8")
    train, held_out = load_own(tmp_path)
    assert (len(train), len(held_out)) == (3, 2)


@pytest.mark.slow
def test_from_a_folder_and_a_coco_file_to_a_detector(tmp_path):
    """The whole way, with fewer photographs and steps than by default."""
    paste_cats(tmp_path, 80)
    train, test = (datasets.load("objects", split, folder=tmp_path) for split in ("train", "test"))
    before, own_objects.STEPS = own_objects.STEPS, 400
    try:
        detector = train_own(train)
    finally:
        own_objects.STEPS = before
    squares = resized(test, SIDE)
    found = detector.detect(features_of(squares.images))
    assert evaluate_detections(found, squares.targets, kind="voc12")["AP50"] > 0.7
