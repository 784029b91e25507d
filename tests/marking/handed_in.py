"""Submissions to be marked: right ones, broken ones, and ones that attack the marker.

Each is written for an assignment of two exercises, `iou` and `nms`, and names the outcome that each must have.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.exercises.assigned import Assignment, Exercise
from course_lib.marking.release import Release

NAME = "3_boxes"
GIVEN = "import torch\n\nVARIANT = 2026"
SHOWN = 'print("a figure")'
ASSIGNMENT = Assignment(NAME, "Boxes", (Exercise("iou", 2), Exercise("nms", 3)))
RELEASE = Release(ASSIGNMENT, 2026, (GIVEN,), frozenset({SHOWN, 'check("iou", iou)'}))

IOU = """
def iou(a, b):
    width = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp(min=0)
    height = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp(min=0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0
"""
NMS = """
def nms(boxes, scores, iou_threshold):
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(iou(boxes[i], boxes[k]) <= iou_threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)
"""
NO_UNION = IOU.replace(" - width * height\n", "\n")
BLANK = "def nms(boxes, scores, iou_threshold):\n    ...  # your turn: 5 lines"
RIGHT = {"iou": "right", "nms": "right"}
UNGRADABLE: dict[str, str] = {}


def notebook(cells: Sequence[str], **more) -> dict:
    """A notebook of code cells, as JupyterLab would save it."""
    made = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for i, source in enumerate(cells)
    ]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more


@dataclass(frozen=True)
class HandedIn:
    """A submission and what it must come to.

    Attributes:
        name: of the student's folder.
        outcomes: exercise -> outcome; none if nothing can be marked.
        cells: of the notebook.
        files: beside the notebook, name -> content.
        write: how the folder is made, if not from cells and files: (folder) -> None.
    """

    name: str
    outcomes: dict[str, str]
    cells: Sequence[str] = (GIVEN, IOU, NMS)
    files: dict[str, str] = field(default_factory=dict)
    write: Callable[[Path], None] | None = None

    def put(self, folder: Path) -> Path:
        """Write the submission into a folder of submissions. -> its own folder"""
        own = folder / self.name.replace("/", "\u2215")
        if self.write is not None:
            self.write(own)
            return own
        own.mkdir(parents=True)
        for name, content in self.files.items():
            (own / name).write_text(content, encoding="utf-8")
        (own / f"{NAME}.ipynb").write_text(json.dumps(notebook(self.cells)), encoding="utf-8")
        return own


def lines(*text: str) -> str:
    """A function's lines, indented."""
    return "\n".join(f"    {line}" for line in text)


def iou_that(*text: str, before: str = "") -> str:
    """`iou` that does something first, then answers rightly."""
    head, _, rest = IOU.lstrip().partition("\n")
    return "\n".join([before, head, lines(*text), rest])
