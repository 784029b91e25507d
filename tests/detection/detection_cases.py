"""Detections to be judged, and what pycocotools says of them."""

import contextlib
import io

import numpy as np
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = "AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split()


def random_scenes(seed, images=8, classes=3, most=25, whole=False, extras=True):
    """Detections near and far from objects of all sizes; ties in score, crowds, empty pictures, strange classes."""
    dice = torch.Generator().manual_seed(seed)
    predictions, targets = [], []
    for _ in range(images):
        n = int(torch.randint(0, 8, (1,), generator=dice))
        corner = torch.rand(n, 2, generator=dice) * 200
        scale = torch.tensor([20.0, 150.0])[torch.randint(0, 2, (n, 1), generator=dice)]
        side = torch.rand(n, 2, generator=dice) * scale
        boxes, labels = torch.cat([corner, corner + side], 1), torch.randint(classes, (n,), generator=dice)  # fmt: skip
        target = {"boxes": boxes, "labels": labels}
        if extras:
            target["area"] = side.prod(1) * (0.5 + 0.5 * torch.rand(n, generator=dice))
            target["iscrowd"] = (torch.rand(n, generator=dice) < 0.15).long()
        found = int(torch.randint(0, most, (1,), generator=dice)) if n else 0
        which = torch.randint(0, max(n, 1), (found,), generator=dice)
        noise = torch.tensor([0.02, 0.2])[torch.randint(0, 2, (found, 1), generator=dice)]
        moved = boxes[which] + noise * side[which].repeat(1, 2) * torch.randn(found, 4, generator=dice)  # fmt: skip
        moved = torch.cat([moved[:, :2].minimum(moved[:, 2:]), moved[:, :2].maximum(moved[:, 2:])], 1)  # fmt: skip
        if whole:  # equal overlaps
            moved, target["boxes"] = (moved / 5).round() * 5, (boxes / 5).round() * 5
        wrong = torch.randint(classes + 1, (found,), generator=dice)
        said = torch.where(torch.rand(found, generator=dice) < 0.8, labels[which], wrong)
        scores = (10 * torch.rand(found, generator=dice)).round() / 10
        predictions.append({"boxes": moved, "labels": said, "scores": scores})
        targets.append(target)
    return predictions, targets


def random_masks(seed, images=6, classes=3, most=25, side=130, extras=True):
    """The same of masks: rings and discs of all sizes with holes; some are empty, some in two parts; no boxes."""
    dice = torch.Generator().manual_seed(seed)

    def number(low, high, count):
        return torch.randint(low, high, (count,), generator=dice)

    def blobs(count, height, width):
        y, x = torch.arange(height)[:, None], torch.arange(width)
        middle = torch.rand(count, 2, 1, 1, generator=dice)
        scale = torch.tensor([0.1, 0.3, 0.7])[number(0, 3, count)][:, None, None, None]
        radius = (0.5 + torch.rand(count, 2, 1, 1, generator=dice)) * scale * side
        down = (y - middle[:, 0] * height) / radius[:, 0]
        across = (x - middle[:, 1] * width) / radius[:, 1]
        reach = down**2 + across**2  # 1 on the rim
        hole = 0.4 * number(0, 2, count)[:, None, None]
        return (reach < 1) & (reach >= hole) & (number(0, 12, count) > 0)[:, None, None]

    predictions, targets = [], []
    for _ in range(images):
        height, width = (side + number(0, 20, 2)).tolist()
        n, found = int(number(0, 7, 1)), int(number(0, most, 1))
        masks, labels = blobs(n, height, width), number(0, classes, n)
        target = {"masks": masks, "labels": labels}
        if extras and int(number(0, 3, 1)) > 0:
            target["area"] = masks.sum(dim=(1, 2)) * (0.3 + torch.rand(n, generator=dice))
        if extras:
            target["iscrowd"] = (torch.rand(n, generator=dice) < 0.2).long()
        guesses, said = blobs(found, height, width), number(0, classes + 1, found)
        for i in range(found if n > 0 else 0):
            which, step = int(number(0, n, 1)), int(number(1, 8, 1))
            if int(number(0, 5, 1)) > 0:  # an object, moved a little; what leaves comes in again
                guesses[i] = masks[which].roll(tuple(number(-step, step, 2).tolist()), dims=(0, 1))
                guesses[i, :: step + 1] &= number(0, 2, 1) > 0
                said[i] = labels[which] if int(number(0, 6, 1)) > 0 else said[i]
        scores = (10 * torch.rand(found, generator=dice)).round() / 10
        predictions.append({"masks": guesses, "labels": said, "scores": scores})
        targets.append(target)
    return predictions, targets


def together(*parts):
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def run_lengths(mask):
    """A mask as COCO writes it."""
    return coco_mask.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))


def annotations(pictures, shapes):
    """The list of dicts that pycocotools reads."""
    notes = []
    for image, picture in enumerate(pictures):
        for i, label in enumerate(picture["labels"].tolist()):
            note = {"id": len(notes) + 1, "image_id": image, "category_id": label}
            if shapes == "masks":
                note["segmentation"] = run_lengths(picture["masks"][i])
                area = int(picture["masks"][i].sum())
            else:
                x1, y1, x2, y2 = picture["boxes"][i].double().tolist()
                note["bbox"] = [x1, y1, x2 - x1, y2 - y1]
                area = (x2 - x1) * (y2 - y1)
            note["area"] = picture["area"][i].item() if "area" in picture else area
            note["iscrowd"] = int(picture["iscrowd"][i]) if "iscrowd" in picture else 0
            if "scores" in picture:
                note["score"] = picture["scores"][i].item()
            notes.append(note)
    return notes


def with_pycocotools(predictions, targets, shapes="boxes"):
    """COCO's twelve figures by COCO's own program; there must be a detection."""
    truth, found = annotations(targets, shapes), annotations(predictions, shapes)
    images = [{"id": image} for image in range(len(targets))]
    if shapes == "masks":
        for image, target in zip(images, targets, strict=True):
            image["height"], image["width"] = target["masks"].shape[1:]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        classes = {note["category_id"] for note in truth + found}
        coco.dataset = {
            "images": images,
            "annotations": truth,
            "categories": [{"id": label} for label in sorted(classes)],
        }
        coco.createIndex()
        kind = {"boxes": "bbox", "masks": "segm"}[shapes]
        evaluation = COCOeval(coco, coco.loadRes(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats
