"""What a reader has answered: one local file, a line for each answer, no names.

Lines of JSON: {"when": ISO time in UTC, "kind": "check" or "predict", "name": ..., "outcome": ..., and more}. The file
is data/progress.jsonl, or what COURSE_PROGRESS names.
"""

import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

from course_lib.machine import ROOT


def file_of_answers() -> Path:
    """Where the answers are kept."""
    return Path(os.environ.get("COURSE_PROGRESS") or ROOT / "data" / "progress.jsonl").expanduser()


def remember(kind: str, name: str, outcome: str, **more) -> None:
    """Add an answer to the file; where it cannot be written, a warning says so.

    Args:
        kind: "check" or "predict".
        name: of the task or the question, as "nms" or "08.touching_cars".
        outcome: "right", "wrong", "crashed" and so on.
        more: whatever else to keep, of JSON's types.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"when": when, "kind": kind, "name": name, "outcome": outcome, **more})
    path = file_of_answers()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        warnings.warn(f"remember: the answer was not kept: {error.strerror}", stacklevel=2)


def remembered() -> list[dict]:
    """All answers, the oldest first; lines that are broken are passed over."""
    try:
        lines = file_of_answers().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    answers = []
    for line in lines:
        try:
            answer = json.loads(line)
        except ValueError:
            continue
        if isinstance(answer, dict) and {"when", "kind", "name", "outcome"} <= set(answer):
            answers.append(answer)
    return answers
