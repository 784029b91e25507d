"""Detection's building stones beside torchvision, faster-coco-eval and torchmetrics with pycocotools."""

import contextlib
import io
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.detection import overlap, roi
from course_lib.detection.average_precision import evaluate_detections
from course_lib.detection.suppression import batched_nms, nms
from tools.stopwatch import seconds, side_by_side

CLASSES, SIZE = 80, 640


def random_boxes(count: int, seed: int = 0, largest: float = SIZE / 6) -> Tensor:
    dice = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=dice) * SIZE
    return torch.cat([corner, corner + torch.rand(count, 2, generator=dice) * largest], dim=1)


def clusters(count: int, seed: int = 0) -> Tensor:
    """Fifty loose boxes around every object, as a detector gives them before NMS."""
    dice = torch.Generator().manual_seed(seed)
    around = random_boxes(count // 50, seed)[torch.arange(count) % (count // 50)]
    boxes = around + 3 * torch.randn(count, 4, generator=dice)
    return torch.cat([boxes[:, :2].minimum(boxes[:, 2:]), boxes[:, :2].maximum(boxes[:, 2:])], 1)


def suppression() -> list[tuple]:
    """NMS in one class, and in eighty of some 60 boxes each (no image of ours has 20,000 boxes of 80 classes)."""
    from torchvision import ops

    rows = []
    for count in (5000, 20_000):
        dice = torch.Generator().manual_seed(1)
        scores = torch.rand(count, generator=dice)
        labels = torch.randint(CLASSES, (count,), generator=dice)
        for name, boxes in (("spread", random_boxes(count)), ("clustered", clusters(count))):
            single = side_by_side(
                lambda b=boxes, s=scores: nms(b, s, 0.5),
                lambda b=boxes, s=scores: ops.nms(b, s, 0.5),
            )
            rows.append((f"NMS, {count:,} {name} boxes", single[0], "torchvision", single[1]))
            if count == 5000:
                many = side_by_side(
                    lambda b=boxes, s=scores, c=labels: batched_nms(b, s, c, 0.5),
                    lambda b=boxes, s=scores, c=labels: ops.batched_nms(b, s, c, 0.5),
                )
                rows.append((f"the same, {CLASSES} classes", many[0], "torchvision", many[1]))
    return rows


def overlap_of_boxes() -> list[tuple]:
    """A table of IoU."""
    from torchvision import ops

    a, b = random_boxes(3000), random_boxes(3000, seed=1)
    mine, peer = side_by_side(lambda: overlap.box_iou(a, b), lambda: ops.box_iou(a, b))
    return [("box_iou 3k x 3k", mine, "torchvision", peer)]


def region_features() -> list[tuple]:
    """RoI Align of 512 boxes of two images, as Faster R-CNN's second stage asks for it."""
    from torchvision import ops

    features = torch.randn(2, 256, 50, 50, requires_grad=True)
    rois = [random_boxes(256, seed).clamp(max=400) for seed in (0, 1)]

    def run(align: Callable, backward: bool) -> Callable:
        how = {"aligned": True} if align is ops.roi_align else {}

        def action() -> None:
            with torch.set_grad_enabled(backward):
                pooled = align(features, rois, 7, 1 / 8, sampling_ratio=2, **how)
            if backward:
                pooled.sum().backward()

        return action

    rows = []
    for name, backward in (("forward", False), ("with its gradient", True)):
        pair = side_by_side(run(roi.roi_align, backward), run(ops.roi_align, backward), repeats=5)
        rows.append((f"roi_align 512 x 256 x 7 x 7, {name}", pair[0], "torchvision", pair[1]))
    return rows


def detections(images: int, each: int, seed: int = 0) -> tuple[list[dict], list[dict]]:
    """Plain tensors: 7 objects in every image, `each` detections, most near an object."""
    dice = torch.Generator().manual_seed(seed)
    predictions, targets = [], []
    for image in range(images):
        boxes = random_boxes(7, seed=image, largest=SIZE / 2)
        labels = torch.randint(CLASSES, (7,), generator=dice)
        near = torch.arange(each) % 7
        moved = boxes[near] + 0.05 * SIZE * torch.randn(each, 4, generator=dice)
        detected = torch.where(torch.rand(each, 1, generator=dice) < 0.5, boxes[near], moved)
        detected = torch.cat(
            [detected[:, :2].minimum(detected[:, 2:]), detected[:, :2].maximum(detected[:, 2:])], 1
        )
        wrong = torch.randint(CLASSES, (each,), generator=dice)
        predicted = torch.where(torch.rand(each, generator=dice) < 0.6, labels[near], wrong)
        scores = torch.rand(each, generator=dice)
        predictions.append({"boxes": detected, "labels": predicted, "scores": scores})
        targets.append({"boxes": boxes, "labels": labels})
    return predictions, targets


def with_torchmetrics(backend: str, predictions: list[dict], targets: list[dict]) -> float:
    """COCO's AP by torchmetrics; it hands the tensors to pycocotools or to faster-coco-eval."""
    from torchmetrics.detection import MeanAveragePrecision

    with contextlib.redirect_stdout(io.StringIO()):
        metric = MeanAveragePrecision(backend=backend)
        metric.warn_on_many_detections = False
        metric.update(predictions, targets)
        return metric.compute()["map"].item()


def with_faster_coco_eval(predictions: list[dict], targets: list[dict]) -> float:
    """COCO's AP by faster-coco-eval, its annotations written as fast as we can."""
    from faster_coco_eval import COCO, COCOeval_faster

    def annotations(images: list[dict], **more: list) -> list[dict]:
        notes = []
        for number, image in enumerate(images):
            corners = image["boxes"]
            sides = torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], dim=1).tolist()
            scores = image.get("scores", image["labels"]).tolist()
            for box, label, score in zip(sides, image["labels"].tolist(), scores, strict=True):
                note = {"image_id": number, "category_id": label, "bbox": box, "score": score}
                notes.append({**note, "id": len(notes) + 1, "area": box[2] * box[3], "iscrowd": 0})
        return notes

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO({
            "images": [{"id": image} for image in range(len(targets))],
            "categories": [{"id": label} for label in range(CLASSES)],
            "annotations": annotations(targets),
        })  # fmt: skip
        evaluation = COCOeval_faster(truth, truth.loadRes(annotations(predictions)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0]


def mean_average_precision() -> list[tuple]:
    """COCO's twelve figures from plain tensors; torchmetrics with pycocotools is timed once."""
    rows = []
    for images, each in ((500, 20), (500, 100), (5000, 20), (5000, 100)):
        data = detections(images, each)
        scores = [
            evaluate_detections(*data)["AP"],
            with_faster_coco_eval(*data),
        ]
        assert abs(scores[0] - scores[1]) < 1e-6, scores
        repeats = 5 if images == 500 else 1
        mine, faster = side_by_side(
            lambda d=data: evaluate_detections(*d),
            lambda d=data: with_faster_coco_eval(*d),
            repeats=repeats,
        )
        slow = seconds(lambda d=data: with_torchmetrics("pycocotools", *d))
        name = f"COCO mAP, {images:,} images x {each}"
        rows.append((name, mine, "faster-coco-eval", faster))
        rows.append((name, mine, "torchmetrics, pycocotools", slow))
    return rows
