"""Marks a folder of submissions: several at a time, each once, however often the marker is ended and started again."""

import csv
import hashlib
import io
import os
import re
import secrets
import signal
import sys
import unicodedata
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile

from course_lib.machine import ROOT, progress
from course_lib.marking.cage import Cage
from course_lib.marking.mark import Prepared, mark, prepare
from course_lib.marking.pages import points, student_page, summary_page
from course_lib.marking.release import Release
from course_lib.marking.report import Report, from_json
from course_lib.marking.submissions import Submission, Unreadable, submissions

SECRET = "COURSE_MARKING_SECRET"
TRIES = 2  # for a submission with which the marker's own process ends
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet would begin to compute


def read_secret(path: Path = ROOT / ".cache" / "marking" / "secret") -> str:
    """What the hidden inputs follow from: the variable COURSE_MARKING_SECRET, or a file that is made once."""
    if given := os.environ.get(SECRET):
        return given
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


@dataclass(frozen=True)
class Class:
    """A folder of submissions, and where their marks go.

    Attributes:
        folder: of the submissions.
        to: the folder of the marks; it may not lie in `folder`, where it would be taken for one.
        release, secret, cage: see `mark.mark`.
    """

    folder: Path
    to: Path
    release: Release
    secret: str
    cage: Cage


def grade(room: Class, pool: "Pool") -> Path:
    """Mark all that is not marked yet; write grades.csv, a page for each student, and a summary. -> grades.csv

    Raises:
        NotADirectoryError: there is no such folder.
        ValueError: the marks would go into the submissions' folder.
    """
    if room.to.resolve().is_relative_to(room.folder.resolve()):
        raise ValueError(f"the marks would go into the submissions' folder: {room.to}")
    found = submissions(room.folder)
    names = file_names([submission.student for submission in found])
    kept = room.to / "reports"
    kept.mkdir(parents=True, exist_ok=True)
    judged_by = _judged_by(room)
    waiting, keys = [], {}
    for submission in found:
        read = _prepared(submission, room)
        keys[submission] = _key(judged_by, read)
        if _report(kept / f"{names[submission.student]}.json", keys[submission]) is None:
            waiting.append(submission)
    done = _all(waiting, room, pool)
    for submission, report in progress_of(done, len(waiting)):
        name = names[submission.student]
        report = replace(report, key=keys[submission])
        write(room.to / f"{name}.html", student_page(report, room.release.assignment))
        write(kept / f"{name}.json", report.to_json())
    reports = [_report(kept / f"{names[s.student]}.json", keys[s]) for s in found]
    reports = [report for report in reports if report is not None]
    write(room.to / "summary.html", summary_page(reports, room.release.assignment))
    write(room.to / "grades.csv", table_of(reports, room.release))
    return room.to / "grades.csv"


def progress_of(done: Iterator, count: int) -> Iterator:
    """The same, with a progress bar."""
    numbers = iter(progress(range(count), "marking"))
    for one in done:
        next(numbers)
        yield one
    next(numbers, None)


def _prepared(submission: Submission, room: Class) -> Prepared | Report:
    """The submission, or a report that says why it could not be read."""
    name = room.release.assignment.name
    try:
        return prepare(submission, name)
    except Unreadable as error:
        return Report(submission.student, name, str(error))
    # it vanished, or may not be read
    except OSError as error:
        return Report(submission.student, name, f"it could not be read: {error.strerror}")
    except Exception as error:
        return Report(submission.student, name, f"it could not be read: {type(error).__name__}")


def _all(
    waiting: list[Submission], room: Class, pool: "Pool"
) -> Iterator[tuple[Submission, Report]]:
    """The report of each, as they come. As many are in memory as are marked at a time."""
    queue, running = deque(waiting), {}
    while queue or running:
        while queue and len(running) < pool.places():
            submission = queue.popleft()
            read = _prepared(submission, room)
            if isinstance(read, Report):
                yield submission, read
            else:
                running[pool.submit(read, room)] = submission
        if running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                submission = running.pop(future)
                report = _outcome(future, submission, room, pool)
                if report is None:
                    queue.appendleft(submission)
                else:
                    yield submission, report


def _outcome(future: Future, submission: Submission, room: Class, pool: "Pool") -> Report | None:
    """What came of marking; None if it is to be tried again, because a process of the marker's was ended."""
    name = room.release.assignment.name
    try:
        return future.result()
    except pool.broken as error:
        if pool.again(submission.student):
            return None
        said = "the marker's own process was ended while this was marked"
        print(f"{submission.student}: {said} ({type(error).__name__})", file=sys.stderr)
        return Report(submission.student, name, said)


class Pool:
    """Processes on this machine, each marking one submission at a time."""

    broken: tuple[type[Exception], ...] = (BrokenProcessPool,)

    def __init__(self, workers: int):
        self.workers, self._tries = workers, Counter()
        self._executor = None

    def places(self) -> int:
        """How many submissions may be under way. After a break one at a time: then it is known which one did it."""
        return 1 if self._tries else self.workers

    def submit(self, read: Prepared, room: Class) -> Future:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.workers, mp_context=get_context("spawn"), initializer=_end_with_parent
            )
        try:
            return self._executor.submit(mark, read, room.release, room.secret, room.cage)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
            return future

    def again(self, student: str) -> bool:
        """Whether to try once more; with new processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None
        self._tries[student] += 1
        return self._tries[student] < TRIES

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """A process of the pool ends when the marker does, however that ends; and does not answer to Ctrl-C itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def _report(path: Path, key: str) -> Report | None:
    """A report that was kept, if it is of the same submission, marked in the same way."""
    try:
        report = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return report if report.key == key else None


def _judged_by(room: Class) -> bytes:
    """A digest of all that a mark depends on beside the submission: the course, the release, the secret, the cage."""
    digest = hashlib.sha256(repr((room.release, room.secret, room.cage.kind)).encode())
    for path in sorted((ROOT / "course_lib").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def _key(judged_by: bytes, read: Prepared | Report) -> str:
    return hashlib.sha256(judged_by + repr(read).encode("utf-8", "replace")).hexdigest()[:32]


def file_names(students: Sequence[str]) -> dict[str, str]:
    """A name for each student's files: letters, digits, hyphens; different ones for different students.

    >>> file_names(["Ana", "../Ana", "Юля"])
    {'Ana': 'Ana', '../Ana': 'Ana-229dec', 'Юля': 'student-7acddc'}
    """
    names, taken = {}, {"", "summary", "grades", "reports"}
    for student in students:
        plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:60]
        if plain != student or plain.lower() in taken:
            digest = hashlib.sha256(student.encode("utf-8", "surrogateescape")).hexdigest()[:6]
            plain = f"{plain or 'student'}-{digest}"
        while plain.lower() in taken:
            plain += "-2"
        names[student] = plain
        taken.add(plain.lower())
    return names


def table_of(reports: Sequence[Report], release: Release) -> str:
    """grades.csv: a row for each student; where nothing could be judged, no points, but the reason."""
    tasks = [exercise.task for exercise in release.assignment.exercises]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["student", *tasks, "points", "of", "remark"])
    for report in reports:
        parts = [result.points for result in report.results] or [None] * len(tasks)
        cells = ["" if part is None else points(part) for part in parts]
        total = "" if report.points is None else points(report.points)
        unjudged = [r.task for r in report.results if r.points is None]
        remark = report.trouble or (
            f"could not be judged: {', '.join(unjudged)}" if unjudged else ""
        )
        row = [_cell(report.student), *cells, total, release.assignment.points, _cell(remark)]
        writer.writerow(row)
    return out.getvalue()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = text.encode("utf-8", "replace").decode()
    return f"'{text}" if text.startswith(FORMULA) else text


def write(path: Path, text: str) -> None:
    """Write a file at once: whoever looks finds the old one or the new one, whole."""
    with NamedTemporaryFile(
        "w", dir=path.parent, delete=False, encoding="utf-8", newline=""
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
