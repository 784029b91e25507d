"""What marking one submission came to, as it is kept on disk: JSON."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Result:
    """Of one exercise.

    Attributes:
        task, title: its name, and what it asks for.
        points, most: earned, and to be had; `points` is None where it could not be judged.
        outcome: "right", "slow", "wrong", "crashed", "not attempted" or "ungradable".
        text: as the student's own check would say it.
        hint: of the known mistake, or "".
        png: a picture of the case in base64, or "".
        remark: what a check does not say: that other inputs were tried, and with which seed to see it.
    """

    task: str
    title: str
    points: float | None
    most: int
    outcome: str
    text: str
    hint: str = ""
    png: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Report:
    """Of one submission.

    Attributes:
        student, assignment: names.
        trouble: why nothing of it could be marked, or "".
        results: one for each exercise; none if there was trouble.
        notes: sentences about its cells and files.
        caged: whether it ran in the cage.
        key: of what was marked, and with what: a report is found again by it.
    """

    student: str
    assignment: str
    trouble: str
    results: tuple[Result, ...] = ()
    notes: tuple[str, ...] = field(default=())
    caged: bool = True
    key: str = ""

    @property
    def points(self) -> float | None:
        """All together; None where something could not be judged."""
        parts = [result.points for result in self.results]
        return None if self.trouble or None in parts else sum(parts)

    def to_json(self) -> str:
        """As text; `from_json` reads it."""
        return json.dumps(asdict(self), ensure_ascii=True)


def from_json(text: str) -> Report:
    """The report that `to_json` wrote.

    Raises:
        ValueError, TypeError, KeyError: it did not.
    """
    read = json.loads(text)
    results = tuple(Result(**result) for result in read.pop("results"))
    return Report(**{**read, "results": results, "notes": tuple(read["notes"])})
