"""What is wrong with a function that fails: which case shows it, and which known mistake it is."""

from collections.abc import Sequence

from course_lib.exercises.cases import Seen, agree, answers, cases, copied, look
from course_lib.exercises.student import Here, Ours, Subject
from course_lib.exercises.task import Mistake, Task

COUNTED = 3_000_000  # steps at most: half a second
STEEPER = 1.6  # times the plain form's growth from n to 2n is too steep: n^2 has 4, n^3 has 8


def known_mistake(task: Task, seen: Sequence[Seen], seed: int = 0) -> Mistake | None:
    """The mistake whose answers equal the student's in all cases that were tried."""
    for mistake in task.mistakes:
        pairs = zip(seen, cases(task, seed), answers(task, seed), strict=False)
        if all(agree(s, look(task, Ours(mistake.wrong), c, e)) for s, c, e in pairs):
            return mistake
    return None


def forgets_itself(
    task: Task, subject: Subject, seen: Sequence[Seen], which: list[int], seed: int = 0
) -> bool:
    """Whether a function gives another answer than before to the same case: it depends on more than its arguments."""
    for i in which:
        again = look(task, subject, cases(task, seed)[i], answers(task, seed)[i])
        if not agree(again, seen[i]):
            return True
    return False


def too_steep(task: Task, subject: Subject, n: int = 12) -> str:
    """How the steps of a function grow, where they grow faster than the plain form's; "" if they do not."""
    if task.sized is None:
        return ""
    small, large = task.sized(n), task.sized(2 * n)
    plain_form = Here(task.plain)
    calls = [plain_form.call(copied(case), most=COUNTED) for case in (small, large)]
    # a machine too busy to say
    if not all(made.ended for made in calls):
        return ""
    plain = [made.steps for made in calls]
    first = subject.call(copied(small), most=COUNTED)
    # a few steps more than in the plain form are nobody's trouble
    allowed = max(STEEPER * plain[1] / plain[0] * first.steps, 2 * plain[1])
    second = subject.call(copied(large), most=min(round(allowed), COUNTED))
    if first.ended and second.ended:
        return ""
    grown, plainly = allowed / max(first.steps, 1), plain[1] / plain[0]
    times = f"more than {grown:.1f} times as many" if first.ended else "far more"
    usual = "as many as before" if plainly < 1.1 else f"{plainly:.0f} times as many"
    loops = " Use operations on whole tensors, without a loop." if plainly < 1.1 else ""
    return (
        f"With twice as many inputs it takes {times} steps; a plain solution takes {usual}. Which work is "
        f"done again and again?{loops}"
    )
