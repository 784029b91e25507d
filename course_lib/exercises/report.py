"""What is said of an answer: text that is the same in every process, a page with a picture."""

import base64
import html
import textwrap
from dataclasses import dataclass

from course_lib.exercises.calling import SECONDS
from course_lib.exercises.cases import Seen
from course_lib.exercises.reading import written
from course_lib.exercises.task import Task
from course_lib.page.plots import MUTED, OTHER, SAME, to_png

CRASHES = ("error", "endless", "gone", "none")


@dataclass(frozen=True)
class Answer:
    """What `check` says.

    Attributes:
        name: of the task.
        outcome: "right" (scored ones, too), "wrong", "crashed", "not attempted" or "could not be judged".
        text: all of it, as text.
        kind: of the failure: "wrong", "error", "endless", "none", "shape", "dtype", "nan", "changed" or "state"; "slow"
            of a right answer; else "".
        hint: of the known mistake, or "".
        png: a picture of the case, or None.
        share: of the points, where an answer is scored rather than right or wrong; else None.
    """

    name: str
    outcome: str
    text: str
    kind: str = ""
    hint: str = ""
    png: bytes | None = None
    share: float | None = None

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **options) -> dict:
        """The text for readers without a kernel and for nbval; as a page, with the picture."""
        colour = {"right": SAME, "not attempted": MUTED}.get(self.outcome, OTHER)
        lines = html.escape(self.text, quote=False)
        page = f'<pre style="border-left:4px solid {colour};padding:.3em .8em">{lines}</pre>'
        if self.png is not None:
            alt = f"{self.name}: the case above, drawn"
            source = f"data:image/png;base64,{base64.b64encode(self.png).decode()}"
            page += f'<img alt="{alt}" style="max-width:100%" src="{source}">'
        return {"text/plain": self.text, "text/html": page}


def failure(task: Task, case: tuple, what: Seen, count: str, said: str, hint: str = "") -> Answer:
    """The answer for a function that fails.

    Args:
        task: what was asked.
        case, what: the case to show, and what the student's function did with it.
        count: which case it is, as "the smallest case found of 208 tried".
        said: a sentence about it, if not the one in `what`.
        hint: of the known mistake that it is, or "".
    """
    outcome = "crashed" if what.kind in CRASHES else "wrong"
    head = f"{task.name}: crashed." if outcome == "crashed" else f"{task.name}: not right yet."
    expected = task.plain(*case)
    rows = dict(zip(task.arguments, map(written, case), strict=True)) | _came(what)
    if what.kind != "state":
        yours, should = task.words
        if what.answer is not None:
            rows[yours] = written(what.answer)
        rows[should] = written(expected)
        # a difference that four digits do not show
        if rows.get(yours) == rows[should] and what.kind == "wrong":
            rows |= {yours: written(what.answer, 8), should: written(expected, 8)}
    words = [wrapped(sentence) for sentence in (said or what.says, hint) if sentence]
    png, trouble = _drawn(task, case, expected, what)
    lines = [head, *_lined_up(rows, count), *words, trouble, printed(what)]
    return Answer(task.name, outcome, "\n".join(filter(None, lines)), what.kind, hint, png)


def printed(what: Seen) -> str:
    """The beginning of what was printed on the way; "" if nothing was."""
    lines = [line.strip() for line in what.call.printed.splitlines() if line.strip()]
    if not lines:
        return ""
    more = " ..." if len(lines) > 3 else ""
    return f"It printed: {written_line(' | '.join(lines[:3]))}{more}"


def written_line(line: str, width: int = 100) -> str:
    """A line of text, cut."""
    return line if len(line) <= width else line[: width - 4] + " ..."


def _came(what: Seen) -> dict[str, str]:
    """Rows about a call that did not return: the line, and the error."""
    error, (where, line) = what.call.error, what.call.where
    rows = {where: written_line(line)} if where else {}
    if what.kind == "endless":
        end = "could not be stopped: restart the kernel" if what.call.alive else "was stopped"
        return rows | {"no end": f"after {SECONDS:.0f} seconds it {end}"}
    if what.kind != "error":
        return {}
    if isinstance(error, RecursionError):
        return {type(error).__name__: "the function calls itself without end"}
    said = next(iter(str(error).splitlines()), "")
    return rows | {type(error).__name__: written(said).strip("'\"")}


def _lined_up(rows: dict[str, str], last: str) -> list[str]:
    """Rows as lines with their values under each other; the last one with a remark."""
    width = max(len(name) for name in rows)
    lines = [f"  {name:<{width}}  {value}".rstrip() for name, value in rows.items()]
    lines[-1] = f"{lines[-1]:<{width + 18}}  {last}".rstrip()
    return lines


def wrapped(sentence: str) -> str:
    """A sentence in lines that fit a page."""
    return textwrap.fill(sentence, 92, break_long_words=False)


def _drawn(task: Task, case: tuple, expected: object, what: Seen) -> tuple[bytes | None, str]:
    """A picture of a case, and what to say if there could be none."""
    if task.draw is None or what.kind == "state":
        return None, ""
    try:
        return to_png(task.draw(case, expected, what.answer)), ""
    # a picture less, not an answer less
    except Exception as error:
        return None, f"(No picture could be drawn: {type(error).__name__}.)"
