"""How slowly DETR learns, computed once, since it takes longer than a notebook may: data/results/detr_curves.json.

    python -m tools.make_detr_curves                if it is stale
    python -m tools.make_detr_curves --confirm      if it is stale: a third of it, and take it for fresh if that agrees

Four detectors are trained on the same scenes for the same number of steps: queries that are learned or that come from
proposals, a backbone from nothing or YOLO's. What is kept is AP at IoU .5 on the test scenes, on the way and at the
end, for each data seed. Notebook 10 draws it; some fifteen minutes on one core.
"""

import itertools

import torch
from torch import Tensor

from course_lib.detection.average_precision import evaluate_detections
from course_lib.detectors.detr import Detr
from course_lib.detectors.postprocess import detect_all
from course_lib.detectors.targets import scene_batches
from course_lib.machine import ROOT
from course_lib.recipes.detectors import load_detector, training_data
from course_lib.recipes.scenes import street_scenes
from course_lib.training.loop import fit
from tools import tables

TABLE = ROOT / "data" / "results" / "detr_curves.json"
SEEDS = (0, 1, 2)
SHOWN = (50, 100, 150, 200, 300, 400, 500)  # steps; the last one ends the training
RECIPE = {"steps": SHOWN[-1], "batch": 16, "lr": 2e-3, "figure": "AP50, VOC12, test scenes"}
KINDS = {  # name -> queries from proposals?, YOLO's backbone?
    "proposals, YOLO's backbone": (True, True),
    "learned queries, YOLO's backbone": (False, True),
    "proposals, from nothing": (True, False),
    "learned queries, from nothing": (False, False),
}


def curve(proposals: bool, trained_backbone: bool, seed: int) -> list[float]:
    """AP50 after each of the steps SHOWN."""
    scenes, test = street_scenes("train", seed), street_scenes("test", seed)
    torch.manual_seed(0)
    detector = Detr(len(scenes.names), proposals)
    if trained_backbone:
        teacher, _ = load_detector("yolo", scenes)
        detector.backbone.load_state_dict(teacher.backbone.state_dict())
    figures, steps = [], itertools.count()

    def judge() -> None:
        detections = detect_all(detector.detect, test.images)
        figures.append(round(evaluate_detections(detections, test.targets, "voc12")["AP50"], 4))

    def loss(model: Detr, *batch: Tensor) -> Tensor:
        if next(steps) in SHOWN:
            judge()
        return model.loss(*batch)

    sample = scene_batches(*training_data(scenes), size=RECIPE["batch"])
    fit(detector, sample, loss, steps=RECIPE["steps"], lr=RECIPE["lr"], max_norm=1.0, label="DETR")
    judge()
    return figures


def figures(seed: int) -> dict[str, list[float]]:
    """Every curve on one data seed."""
    return {name: curve(*kind, seed) for name, kind in KINDS.items()}


def compute() -> dict:
    by_seed = {str(seed): figures(seed) for seed in SEEDS}
    curves = {name: {seed: of[name] for seed, of in by_seed.items()} for name in KINDS}
    return {"recipe": RECIPE, "after": SHOWN, "AP50": curves}


def confirm(content: dict) -> tuple[dict, dict]:
    seed = SEEDS[0]
    return figures(seed), {name: of[str(seed)] for name, of in content["AP50"].items()}


if __name__ == "__main__":
    tables.make(TABLE, __file__, compute, confirm)
