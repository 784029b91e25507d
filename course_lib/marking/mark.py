"""Marks one submission: first as the student's own check would, then on inputs that nobody has seen.

What a submission sees of hidden inputs are the arguments of its calls, after the last word that is taken from it:
texts, errors and what it prints come from the first part alone. Where only the second part shows a mistake, a case is
looked for with seeds that are told, so that the student can see it too.
"""

import base64
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from course_lib.exercises.answer import judge
from course_lib.exercises.assigned import Exercise, title_of, worth
from course_lib.exercises.cases import cases, look_at_all
from course_lib.exercises.contest import Contest, examine, judge_contest
from course_lib.exercises.counterexample import known_mistake
from course_lib.exercises.report import Answer, wrapped
from course_lib.exercises.tasks import TASKS
from course_lib.marking.cage import Cage, make_course
from course_lib.marking.release import Release
from course_lib.marking.remote import SLACK, Caged, Over, There, TrainThere
from course_lib.marking.report import Report, Result
from course_lib.marking.submissions import (
    Submission,
    code_cells,
    files_beside,
    notebook_of,
    write_files,
)

MOST_CODE = 150_000  # characters of all cells, where training is scored: no weights fit in
TOLD = 5  # seeds that are tried for a case to show
NOT_THERE = "No module named '"
# What is printed and drawn belongs to the whole process: it marks one submission at a time.
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Prepared:
    """A submission that was read.

    Attributes:
        student: name.
        cells: sources of its code cells.
        files: what lies beside the notebook, by path; None if it is too much.
    """

    student: str
    cells: tuple[str, ...]
    files: dict[str, bytes] | None


def prepare(submission: Submission, assignment: str) -> Prepared:
    """Read a submission.

    Raises:
        Unreadable: it cannot be marked.
    """
    notebook = notebook_of(submission, assignment)
    cells = tuple(code_cells(notebook))
    return Prepared(submission.student, cells, files_beside(submission, notebook))


def mark(submission: Prepared, release: Release, secret: str, cage: Cage) -> Report:
    """Mark a submission; whatever is wrong with it, a report comes back.

    Args:
        submission: as it was read.
        release: the assignment as it was handed out.
        secret: from which the hidden inputs follow.
        cage: see `cage.find_cage`.
    """
    with _ALONE, TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            return _in_folder(submission, release, secret, cage, Path(folder))
        # whatever fails here is ours, and costs no points
        except Exception as error:
            said = f"the marker failed: {type(error).__name__}: {error}"
            return Report(submission.student, release.assignment.name, said)


def _in_folder(
    submission: Prepared, release: Release, secret: str, cage: Cage, folder: Path
) -> Report:
    folder.chmod(0o755)
    exercises = release.assignment.exercises
    trains = any(isinstance(TASKS[exercise.task], Contest) for exercise in exercises)
    # where training is scored, nothing that was trained before is brought along
    given = write_files({} if trains else submission.files or {}, folder / "given")
    course = make_course(folder / "course", release.assignment.rooms)
    ours, theirs = release.to_run(submission.cells)
    with Caged(cage, course, given, [*ours, *theirs]) as caged:
        # all that is said comes from a process that has seen no hidden input
        results = [_result(exercise, caged, release, secret) for exercise in exercises]
        for i, exercise in enumerate(exercises):
            if results[i].outcome in ("right", "slow") and not isinstance(
                TASKS[exercise.task], Contest
            ):
                results[i] = _result(exercise, caged, release, secret, results[i])
    if failed := [said for number, said in caged.errors.items() if number < len(ours)]:
        raise RuntimeError(f"a cell that was given failed: {failed[0]}")
    notes = []
    if trains and submission.files:
        notes.append("The files beside the notebook are not used in this assignment.")
    if submission.files is None:
        notes.append("The files beside the notebook are too large and were left out.")
    for number, said in sorted(caged.errors.items()):
        first = theirs[number - len(ours)].strip().splitlines()[0][:60]
        notes.append(f"The cell that begins with `{first}` failed: {said}")
    name, caged_here = release.assignment.name, cage.kind != "none"
    return Report(submission.student, name, "", tuple(results), tuple(notes), caged_here)


def _result(
    exercise: Exercise, caged: Caged, release: Release, secret: str, shown: Result | None = None
) -> Result:
    """Of one exercise, whatever happens; on hidden inputs, where it was right on those that are shown."""
    try:
        if shown is None:
            answer, remark = _judged(exercise, caged, release, secret)
        else:
            answer, remark = _on_hidden_cases(exercise, caged, release, secret, shown)
    except Over as over:
        answer, remark = _crashed(exercise, f"Your submission was stopped: {over}."), ""
    points = worth(answer, exercise.points)
    outcome = "slow" if answer.kind == "slow" else answer.outcome
    if outcome == "could not be judged":
        outcome, points = "ungradable", None
    png = base64.b64encode(answer.png).decode() if answer.png else ""
    return Result(
        exercise.task,
        title_of(exercise.task),
        points,
        exercise.points,
        outcome,
        answer.text,
        answer.hint,
        png,
        remark,
    )


def _judged(exercise: Exercise, caged: Caged, release: Release, secret: str) -> tuple[Answer, str]:
    """The answer to show, and a remark on it."""
    name = exercise.task
    subject = There(caged, name)
    seen = subject.look()
    if not seen["there"]:
        missing = f"{name}: not attempted. There is no function `{name}` in the notebook."
        return Answer(name, "not attempted", missing), ""
    if not seen["callable"]:
        return _crashed(exercise, f"`{name}` is not a function in the end."), ""
    if seen["borrowed"]:
        return _borrowed(name, seen["borrowed"]), ""
    task = TASKS[name]
    if isinstance(task, Contest):
        if said := _brought_along(seen["outside"], subject.caged.cells):
            return _crashed(exercise, said), ""
        return _trained(task, subject, release, secret)
    answer = judge(name, subject, release.variant)
    if NOT_THERE in answer.text:
        return answer, "What knows an answer is not there where it is marked: write it yourself."
    return answer, ""


def _on_hidden_cases(
    exercise: Exercise, caged: Caged, release: Release, secret: str, shown: Result
) -> tuple[Answer, str]:
    """An answer that is right on the page's inputs, tried on others. No text of the submission is taken from here."""
    task = TASKS[exercise.task]
    hidden = hidden_seed(secret, release.assignment.name, exercise.task)
    seen = look_at_all(task, There(caged, exercise.task), hidden)
    failed = [one for one in seen if one.kind != "right"]
    if not failed and len(seen) < len(cases(task, hidden)):
        said = f"Your function is so slow that {len(seen)} of {len(cases(task, hidden))} inputs were tried."
        text = f"{exercise.task}: could not be judged.\n{wrapped(said)}"
        return Answer(exercise.task, "could not be judged", text), ""
    if not failed:
        return Answer(
            exercise.task, "right", shown.text, "slow" if shown.outcome == "slow" else ""
        ), ""
    mistake = known_mistake(task, seen, hidden)
    # a process that knows nothing of the hidden inputs
    caged.renew()
    for seed in range(release.variant + 1, release.variant + 1 + TOLD):
        told = judge(exercise.task, There(caged, exercise.task), seed)
        if told.outcome not in ("right", "not attempted"):
            said = f"Right on the inputs of your page, wrong on others: these come from variant {seed}."
            return told, said
    said = f"Right on the inputs of your page, wrong on {len(failed)} of {len(seen)} others."
    hint = mistake.hint if mistake else ""
    text = "\n".join(
        [f"{exercise.task}: not right yet.", *map(wrapped, filter(None, (said, hint)))]
    )
    return Answer(exercise.task, "wrong", text, failed[0].kind, hint), ""


def _brought_along(outside: str, cells: Sequence[str]) -> str:
    """Why training is not scored: what it uses was there before it; "" if nothing was."""
    if outside:
        return f"Your function uses {outside}, made outside of it: use its arguments alone."
    if (size := sum(map(len, cells))) > MOST_CODE:
        return (
            f"The cells have {size // 1000} kB of code; at most {MOST_CODE // 1000} are taken where training is "
            "scored."
        )
    return ""


def _trained(task: Contest, subject: There, release: Release, secret: str) -> tuple[Answer, str]:
    """Train once; score on the images that the page scores on, then on hidden ones, which count."""
    if subject.blank():
        return Answer(task.name, "not attempted", f"{task.name}: not attempted."), ""
    if said := subject.refuses(task.arguments):
        return Answer(task.name, "crashed", f"{task.name}: cannot be called.\n{said}", "error"), ""
    trainee = TrainThere(subject.caged, task.name)
    shown = judge_contest(task, trainee, release.variant, "on images to validate with", SLACK)
    if shown.outcome != "right":
        return shown, ""
    hidden = hidden_seed(secret, release.assignment.name, task.name)
    counted = examine(task, trainee, hidden, "on images that nobody has seen")
    if counted.share is None:
        # its reason may quote what it has seen
        said = "The function that embeds failed on images that nobody has seen."
        return Answer(task.name, "crashed", f"{shown.text}\n{said}", "error", said), ""
    told = counted.text.split("\n", 1)[1]
    remark = f"Variant {release.variant}; training began with torch.manual_seed(0), and hidden images counted."
    text = f"{shown.text}\n{told}"
    return Answer(task.name, "right", text, "scored", share=counted.share), remark


def hidden_seed(secret: str, assignment: str, task: str) -> int:
    """The seed of an exercise's hidden inputs, the same for every student."""
    digest = hashlib.sha256(f"{secret}/{assignment}/{task}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _crashed(exercise: Exercise, said: str) -> Answer:
    return Answer(exercise.task, "crashed", f"{exercise.task}: crashed.\n{wrapped(said)}", "error")


def _borrowed(name: str, modules: str) -> Answer:
    said = f"Your function uses {modules}, which is not there when an answer is marked: write it yourself."
    return Answer(name, "wrong", f"{name}: not right yet.\n{wrapped(said)}", "borrowed", said)
