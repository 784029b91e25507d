"""What a reader has done so far, and which old questions to ask again: after a day, and after five days.

Students who were asked again remembered more a week later than those who read again (Roediger and Karpicke 2006).
"""

from datetime import UTC, datetime, timedelta

from course_lib.page.predict import Prediction, predict
from course_lib.page.syllabus import notebooks

PAUSES = (timedelta(days=1), timedelta(days=5))
AT_MOST = 3


def progress_table(answers: list[dict]) -> list[tuple]:
    """Rows for `table`: a topic, predictions and how many were right at first, exercises and how many are right.

    Args:
        answers: as `remembered` gives them, the oldest first.
    """
    rows = [("topic", "predictions", "right at first", "exercises tried", "right")]
    titles = {entry["name"][:2]: f"{entry['name'][:2]} · {entry['title']}" for entry in notebooks()}
    first, best = {}, {}
    for answer in answers:
        key, right = (_page(answer), answer["name"]), answer["outcome"] == "right"
        if answer["kind"] == "predict":
            first.setdefault(key, right)
        else:
            best[key] = best.get(key, False) or right
    for page in sorted({page for page, _ in [*first, *best]}):
        counts = [
            [right for (where, _), right in some.items() if where == page] for some in (first, best)
        ]
        rows.append(
            (
                titles.get(page, page),
                *(number for some in counts for number in (len(some), sum(some))),
            )
        )
    return rows


def due(answers: list[dict], now: datetime) -> list[dict]:
    """The questions to ask now, those that wait longest first, three at most.

    Args:
        answers: as `remembered` gives them, the oldest first.
        now: with its time zone.
    Returns:
        The last answer to each: a day after it was first answered, and again five days after that second time.
    """
    times, last = {}, {}
    for answer in answers:
        when = _when(answer)
        if answer["kind"] == "predict" and "question" in answer and when is not None:
            asked = times.setdefault(answer["name"], [])
            # What is answered again before its pause is over counts as the same time.
            if not asked or when - asked[-1] >= PAUSES[min(len(asked), len(PAUSES)) - 1]:
                asked.append(when)
            last[answer["name"]] = answer
    waiting = [
        (asked[-1] + PAUSES[len(asked) - 1], name)
        for name, asked in times.items()
        if len(asked) <= len(PAUSES)
    ]
    return [last[name] for ready, name in sorted(waiting) if ready <= now][:AT_MOST]


def old_questions(answers: list[dict], now: datetime | None = None) -> list[Prediction]:
    """Those that are due, to be answered again."""
    parts = ("question", "options", "answer", "why", "name")
    return [predict(**{p: old[p] for p in parts}) for old in due(answers, now or datetime.now(UTC))]


def _page(answer: dict) -> str:
    """ "08" of a prediction's "08.touching_cars", and of an exercise's page."""
    return answer.get("page", answer["name"].split(".")[0])


def _when(answer: dict) -> datetime | None:
    try:
        when = datetime.fromisoformat(answer["when"])
    except (TypeError, ValueError):
        return None
    return when if when.tzinfo else None
