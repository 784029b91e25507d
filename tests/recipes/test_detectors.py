"""The detectors' recipes: each is trained once, by the numbers of one table."""

import subprocess
import sys

import pytest
import torch

from course_lib.data.holders import AnnotatedImages
from course_lib.detectors.detector import Detector
from course_lib.detectors.targets import padded
from course_lib.recipes import __main__ as command
from course_lib.recipes import detectors
from course_lib.recipes.scenes import street_scenes


def few():
    """Two scenes with an object each."""
    boxes = torch.tensor([[4.0, 6, 28, 30], [36, 34, 60, 58]])
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    images = torch.full((2, 3, 64, 64), 0.5)
    for i, (x1, y1, x2, y2) in enumerate(boxes.int().tolist()):
        images[i, i, y1:y2, x1:x2] = 1
        masks[i, y1:y2, x1:x2] = True
    targets = [
        {"boxes": boxes[[i]], "labels": torch.tensor([i]), "masks": masks[[i]]} for i in range(2)
    ]
    return AnnotatedImages(images, targets, ["red", "green", "blue"])


@pytest.fixture
def short(monkeypatch):
    """Every recipe of two steps only."""
    for name, (make, recipe) in detectors.RECIPES.items():
        monkeypatch.setitem(detectors.RECIPES, name, (make, recipe._replace(steps=2)))


def test_a_detector_is_trained_once(short, capsys):
    first, losses = detectors.load_detector("yolo", few())
    again, same_losses = detectors.load_detector("yolo", few())
    assert losses == same_losses and len(losses) == 2
    for p, q in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)
    assert not first.training and detectors.load_detector("yolo", few(), seed=1) is not None
    said = [line.split(" in ")[0] for line in capsys.readouterr().out.splitlines()]
    new, kept = "detector-yolo: trained", "detector-yolo: loaded from the cache"
    assert said == [new, kept, new]  # another seed is another detector


def test_another_recipe_is_another_training(short, monkeypatch, capsys):
    detectors.load_detector("yolo", few())
    make, recipe = detectors.RECIPES["yolo"]
    for change in ({"steps": 3}, {"lr": 1e-4}, {"batch": 2}, {"max_norm": 1e-3}):
        monkeypatch.setitem(detectors.RECIPES, "yolo", (make, recipe._replace(**change)))
        capsys.readouterr()
        detectors.load_detector("yolo", few())
        assert "detector-yolo: trained" in capsys.readouterr().out, change


def test_detr_starts_from_the_trained_backbone_of_yolo(short, monkeypatch):
    make, recipe = detectors.RECIPES["detr"]
    # no step at all: the weights stay as they were when training began
    monkeypatch.setitem(detectors.RECIPES, "detr", (make, recipe._replace(steps=0)))
    teacher, _ = detectors.load_detector("yolo", few())
    detr, losses = detectors.load_detector("detr", few())
    assert losses == []
    for p, q in zip(detr.backbone.parameters(), teacher.backbone.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("name", detectors.RECIPES)
def test_every_recipe_trains_and_its_detector_comes_back_from_the_cache(name, short):
    runs = [detectors.load_detector(name, few()) for _ in range(2)]
    (one, losses), (other, again) = runs
    assert losses == again and len(losses) == 2
    for key, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key
    assert isinstance(one, Detector) and len(one.detect(few().images)) == 2


def test_training_leaves_the_random_numbers_of_others_alone(short):
    torch.manual_seed(5)
    expected = torch.rand(3)
    make, recipe = detectors.RECIPES["faster_rcnn"]
    detector = make(3)
    torch.manual_seed(5)
    detectors.train(detector, *detectors.training_data(few()), recipe=recipe)
    assert torch.equal(torch.rand(3), expected)


def test_training_data_holds_what_is_named():
    scenes = few()
    assert [len(part) for part in detectors.training_data(scenes)] == [2, 2, 2]
    names = ("boxes", "labels", "masks")
    data = detectors.training_data(scenes, names)
    assert torch.equal(data[0], scenes.images) and torch.equal(
        data[3], padded(scenes.targets, names)[2]
    )


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"load_detector: name must be one of \[.*got 'yolo13'"):
        detectors.load_detector("yolo13", few())
    with pytest.raises(ValueError, match=r"split must be one of .* got 'holidays'"):
        street_scenes("holidays")
    with pytest.raises(SystemExit, match="there is no 'yolo13'; there are rcnn, "):
        command.main(["yolo", "yolo13"])


def test_the_command_trains_what_is_named_or_all(monkeypatch):
    trained = []
    monkeypatch.setattr(command, "street_scenes", lambda split: split)
    monkeypatch.setattr(command, "load_detector", lambda *what: trained.append(what))
    others = ["pretexts", "contrastive"]
    for name in others:
        monkeypatch.setitem(command.TRAIN, name, lambda name=name: trained.append((name, "train")))
    command.main(["detr"])
    command.main([])
    assert trained == [(name, "train") for name in ["detr", *detectors.RECIPES, *others]]


@pytest.mark.slow
def test_the_table_of_recipes_imports_no_detector():
    """One word in detr.py leaves YOLO's weights fresh, and the pages that load nothing else."""
    code = "import sys, course_lib.recipes.detectors as r; r.RECIPES['yolo'][0](3); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if name.startswith("course_lib.detectors.")}
    assert "course_lib.detectors.yolo" in loaded
    assert not {f"course_lib.detectors.{name}" for name in ("detr", "rcnn", "retinanet")} & loaded
