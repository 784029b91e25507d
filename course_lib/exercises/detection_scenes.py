"""Scenes to find: one in which non-maximum suppression must lose an object (L5.02)."""

import torch

from course_lib.by_definition.detection import area, batched_nms, box_iou, intersection
from course_lib.exercises import detection_pictures as pictures
from course_lib.exercises.task import Hunt, Mistake

THRESHOLD = 0.5
EQUAL = 0.95  # IoU from which two boxes count as one


def read_scene(value):
    """Boxes, scores and labels from a tuple or a dict, of tensors or lists.  # -> [N, 4], [N], [N]

    Raises ValueError, with a sentence for the student, at everything else.
    """
    if isinstance(value, dict):
        value = tuple(value.get(name) for name in ("boxes", "scores", "labels"))
    if not isinstance(value, tuple | list) or len(value) != 3 or any(v is None for v in value):
        raise ValueError("Hand in (boxes, scores, labels).")
    try:
        boxes, scores, labels = (torch.as_tensor(v).double() for v in value)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError("Boxes, scores and labels must be tensors or lists of numbers.") from None
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Boxes must be [N, 4], got {list(boxes.shape)}.")
    if not scores.shape == labels.shape == boxes.shape[:1]:
        got = f"{list(scores.shape)} and {list(labels.shape)}"
        raise ValueError(f"Each of the {len(boxes)} boxes needs a score and a label, got {got}.")
    for i, box in enumerate(boxes.tolist()):
        if not (box[0] < box[2] and box[1] < box[3]):
            raise ValueError(
                f"Box {i} must have x1 < x2 and y1 < y2: its right edge, not its width."
            )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("Scores must lie between 0 and 1.")
    return boxes, scores, labels


def nms_loses_one(value):
    """Whether NMS drops one of the boxes, each of which is another object; and why, or why not."""
    boxes, scores, labels = read_scene(value)
    if len(boxes) < 2:
        return False, "A single box has no other that could drop it: place at least two.", {}
    kept = batched_nms(boxes, scores, labels, THRESHOLD).tolist()
    overlaps = box_iou(boxes, boxes).fill_diagonal_(0)  # [N, N]
    same = labels[:, None] == labels  # [N, N]
    i, j = divmod(int(overlaps.argmax()), len(boxes))
    rivals = overlaps * same
    k, m = divmod(int(rivals.argmax()), len(boxes))
    rows = {"NMS keeps": kept, "largest IoU in a class": float(rivals[k, m])}
    lost = [n for n in range(len(boxes)) if n not in kept]
    if rivals[k, m] >= EQUAL:
        said = (
            f"Boxes {k} and {m} are nearly equal: nobody could tell that they are two objects, and "
            "NMS is there to drop one of them. Move one of the boxes."
        )
    elif lost:
        said = (
            f"Object {lost[0]} is lost. NMS sees boxes and scores; it cannot know that these are two "
            "objects and not two boxes of one."
        )
    elif overlaps[i, j] == 0:
        said = "No two boxes overlap: NMS has nothing to drop."
    elif overlaps[i, j] > THRESHOLD:
        said = (
            f"Boxes {i} and {j} overlap enough, but belong to different classes: NMS compares boxes of "
            "one class only."
        )
    elif intersection(boxes[i], boxes[j]) == min(area(boxes[i]), area(boxes[j])):
        said = (
            f"Of boxes {i} and {j} one lies inside the other, but the IoU divides by the union: "
            f"{overlaps[i, j]:.2f}. It must be above {THRESHOLD}."
        )
    else:
        said = (
            f"A box is dropped only where its IoU with a better one of its class is above {THRESHOLD}. "
            "Move two objects closer together."
        )
    return bool(lost) and rivals[k, m] < EQUAL, said, rows


_PAIR = [[0, 0, 4, 4], [1, 0, 5, 4]]
_HUNT = Hunt(
    name="nms_must_fail",
    page="08",
    title="A scene of objects, each with one perfect box, of which NMS at IoU 0.5 drops one",
    topics=("L5.02",),
    difficulty=1,
    minutes=5,
    judge=nms_loses_one,
    found=(_PAIR, [0.9, 0.8], [0, 0]),
    draw=pictures.draw_scene,
    mistakes=[
        Mistake(
            ([[0, 0, 4, 4], [6, 0, 9, 4]], [0.9, 0.8], [0, 0]),
            "No two boxes overlap: NMS has nothing to drop.",
        ),
        Mistake(
            ([[0, 0, 4, 4], [2, 0, 6, 4]], [0.9, 0.8], [0, 0]),
            "A box is dropped only where its IoU with a better one of its class is above 0.5. Move two "
            "objects closer together.",
        ),
        Mistake(
            (_PAIR, [0.9, 0.8], [0, 1]),
            "Boxes 0 and 1 overlap enough, but belong to different classes: NMS compares boxes of one "
            "class only.",
        ),
        Mistake(
            ([[0, 0, 4, 4], [0, 0, 4, 4]], [0.9, 0.8], [0, 0]),
            "Boxes 0 and 1 are nearly equal: nobody could tell that they are two objects, and NMS is "
            "there to drop one of them. Move one of the boxes.",
        ),
        Mistake(
            ([[0, 0, 8, 8], [2, 2, 5, 5]], [0.9, 0.8], [0, 0]),
            "Of boxes 0 and 1 one lies inside the other, but the IoU divides by the union: 0.14. It "
            "must be above 0.5.",
        ),
        Mistake(
            ([[0, 0, 4, 4]], [0.9], [0]),
            "A single box has no other that could drop it: place at least two.",
        ),
        Mistake(
            ([[0, 0, 4, 4], [5, 1, 4, 4]], [0.9, 0.8], [0, 0]),
            "Box 1 must have x1 < x2 and y1 < y2: its right edge, not its width.",
        ),
        Mistake(
            (_PAIR, [0.9], [0, 0]),
            "Each of the 2 boxes needs a score and a label, got [1] and [2].",
        ),
    ],
)

TASKS = (_HUNT,)
