"""How good a detector is: matching detections to objects, precision and recall, average precision (L5.03).

Predictions and targets are lists with a dict for each image: boxes [n, 4], labels [n], and scores [n] of predictions.
Verdicts are 1 for a true positive, 0 for a false one, and -1 for a detection that does not count.
"""

import torch

from course_lib.by_definition.detection import area, best_first, intersection, iou


def match_voc(prediction, target, iou_threshold=0.5):
    """A detection is right if the object it overlaps most is close, and not taken yet.  # -> [n]"""
    difficult = target.get("difficult", [0] * len(target["labels"]))
    verdicts, taken = {}, set()
    for i in best_first(prediction["scores"]):
        box, label = prediction["boxes"][i], prediction["labels"][i]
        objects = [g for g in range(len(target["labels"])) if target["labels"][g] == label]
        overlaps = {g: iou(box, target["boxes"][g]) for g in objects}
        best = max(objects, key=lambda g: overlaps[g], default=None)
        if best is None or overlaps[best] < iou_threshold:
            verdicts[i] = 0
        else:
            verdicts[i] = -1 if difficult[best] else int(best not in taken)
            taken.add(best)
    return torch.tensor([verdicts[i] for i in range(len(verdicts))], dtype=torch.int64)


def match_coco(prediction, target, iou_threshold=0.5):
    """A detection is right if an object is close that is not taken yet; it takes the closest.  # -> [n]"""
    crowd = target.get("iscrowd", [0] * len(target["labels"]))
    verdicts, taken = {}, set()
    for i in best_first(prediction["scores"]):
        box, label = prediction["boxes"][i], prediction["labels"][i]
        objects = [g for g in range(len(target["labels"])) if target["labels"][g] == label]
        overlaps = {g: overlap_with(target["boxes"][g], crowd[g], box) for g in objects}
        close = [g for g in objects if overlaps[g] >= iou_threshold and g not in taken]
        # an object goes before a crowd, which can be taken again and again; of equal ones the last
        best = max(close, key=lambda g: (not crowd[g], overlaps[g], g), default=None)
        verdicts[i] = 0 if best is None else -1 if crowd[best] else 1
        if verdicts[i] == 1:
            taken.add(best)
    return torch.tensor([verdicts[i] for i in range(len(verdicts))], dtype=torch.int64)


def overlap_with(other, is_crowd, box):
    """IoU with an object; of a crowd, which may be far larger, the share of the box on it.  # -> number"""
    if is_crowd:
        return intersection(box, other) / area(box) if area(box) > 0 else 0.0
    return iou(box, other)


def right_or_wrong(predictions, targets, iou_threshold=0.5, kind="coco"):
    """Verdicts of every image's detections, by the rule of COCO or of VOC.  # -> list of [n]"""
    match = match_coco if kind == "coco" else match_voc
    return [match(p, t, iou_threshold) for p, t in zip(predictions, targets, strict=True)]


def of_class(predictions, targets, label, iou_threshold=0.5, kind="coco"):
    """Scores of a class, whether each is right, and how many objects there are.  # -> [n], [n], number"""
    ignored = "iscrowd" if kind == "coco" else "difficult"
    verdicts = right_or_wrong(predictions, targets, iou_threshold, kind)
    scores, correct, positives = [], [], 0
    for p, t, verdict in zip(predictions, targets, verdicts, strict=True):
        for i in range(len(verdict)):
            if p["labels"][i] == label and verdict[i] >= 0:
                scores.append(p["scores"][i])
                correct.append(verdict[i] == 1)
        is_ignored = t.get(ignored, [0] * len(t["labels"]))
        for g in range(len(t["labels"])):
            positives = positives + int(t["labels"][g] == label and not is_ignored[g])
    return torch.tensor(scores), torch.tensor(correct, dtype=torch.bool), positives


def precision_recall(scores, correct, positives):
    """Precision and recall of the n best detections, for n = 1, 2, ...  # [N], [N] -> [N], [N]"""
    precision, recall, true_positives = [], [], 0
    for n, i in enumerate(best_first(scores), start=1):
        true_positives = true_positives + int(correct[i])
        precision.append(true_positives / n)
        recall.append(true_positives / positives)
    return torch.tensor(precision, dtype=torch.float64), torch.tensor(recall, dtype=torch.float64)


def average_precision(precision, recall, kind="coco"):
    """Mean of p(r) at 101 (coco) or 11 (voc07) values of r, or the area under p (voc12).  # -> number"""
    curve = list(zip(precision.tolist(), recall.tolist(), strict=True))
    if kind == "voc12":
        total, last = 0.0, 0.0
        for _, r in curve:
            total, last = total + (r - last) * interpolated(curve, r), r
        return total
    step = {"coco": 0.01, "voc07": 0.1}[kind]
    count = round(1 / step) + 1
    return sum(interpolated(curve, i * step) for i in range(count)) / count


def interpolated(curve, r):
    """p(r): the highest precision wherever recall >= r, 0 if it is nowhere.  # -> number"""
    return max((precision for precision, recall in curve if recall >= r), default=0.0)


def mean_average_precision(predictions, targets, iou_threshold=0.5, kind="coco"):
    """mAP: the mean of the AP of all classes that have objects; -1 if there is none.  # -> number"""
    values = []
    for label in sorted({int(label) for target in targets for label in target["labels"]}):
        scores, correct, positives = of_class(predictions, targets, label, iou_threshold, kind)
        if positives > 0:
            precision, recall = precision_recall(scores, correct, positives)
            values.append(average_precision(precision, recall, kind))
    return sum(values) / len(values) if values else -1.0
