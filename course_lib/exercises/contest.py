"""A task without one right answer: train a network that embeds images; it is scored on images that nobody has seen.

The student writes a function that trains, and returns a function that embeds. Before the score is taken, the
embeddings are looked at: what cannot be scored, or should not be, is told with its reason.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from course_lib.exercises.calling import SECONDS, Call
from course_lib.exercises.reading import Unreadable, read
from course_lib.exercises.report import Answer, wrapped
from course_lib.exercises.student import own_line
from course_lib.exercises.task import Mistake

WIDEST = 1024  # numbers of an embedding
BATCH = 64  # images that are embedded at a time
LEAST = 2.0  # seconds of the CPU: in less nothing was trained
CLOSE = 1e-3  # two embeddings of one image may differ by so much of their length


@dataclass(frozen=True, eq=False)
class Contest:
    """A network to train.

    Attributes:
        name, page, title, topics, difficulty, minutes: as in a `Task`.
        arguments: names of what the student's function gets.
        material: seed -> those arguments, the same for a whole class.
        exam: seed -> images to embed, and whatever `score` needs of them.
        score: (embeddings, what `exam` gave beside the images) -> a number.
        share: score -> which share of the points it is worth, 0 to 1.
        unit: what the score is, as "TAR at FAR 1/1000".
        formula: how points follow from it, in a sentence.
        seconds: of the CPU that training may take.
        solution: a function that reaches most of the points.
        mistakes: functions that train wrongly, each with the hint that says so.
    """

    name: str
    page: str
    title: str
    topics: tuple[str, ...]
    difficulty: int
    minutes: int
    arguments: tuple[str, ...]
    material: Callable[[int], tuple]
    exam: Callable[[int], tuple[Tensor, tuple]]
    score: Callable[..., float]
    share: Callable[[float], float]
    unit: str
    formula: str
    seconds: float
    solution: Callable
    mistakes: Sequence[Mistake]


def rise(low: float, high: float) -> Callable[[float], float]:
    """A share of the points that rises from 0 at one score to 1 at another.

    >>> share = rise(0.2, 0.6)
    >>> share(0.1), round(share(0.4), 3), share(0.9)
    (0.0, 0.5, 1.0)
    """
    return lambda score: min(1.0, max(0.0, (score - low) / (high - low)))


class Trainee(Protocol):
    """A student's function, here or elsewhere, and what it has trained."""

    def train(self, material: tuple, seconds: float) -> tuple[str, float]:
        """Train. -> what went wrong, or ""; seconds of the CPU that it took"""

    def embed(self, images: Tensor) -> Call:
        """What the trained function makes of images."""


class TrainHere:
    """A student's function in this process: it prints, shows its progress bar, and can be interrupted."""

    def __init__(self, function: Callable):
        self.function, self._embed = function, None

    def train(self, material: tuple, seconds: float) -> tuple[str, float]:
        started = time.process_time()
        made, self._embed = self._call(self.function, material), None
        took = time.process_time() - started
        if made.error is not None:
            return raised("Training", made), took
        self._embed = made.value
        return no_function(made.value), took

    def embed(self, images: Tensor) -> Call:
        started = time.monotonic()
        made = self._call(self._embed, (images.clone(),))
        # where it is marked, nobody waits longer
        if time.monotonic() - started > SECONDS:
            made.gone = f"The function that embeds took over {SECONDS:.0f} seconds for {len(images)} images."
        return made

    def _call(self, function: Callable, arguments: tuple) -> Call:
        try:
            with torch.no_grad() if function is not self.function else nullcontext():
                return Call(function(*arguments))
        except Exception as error:
            return Call(error=error, where=own_line(function, error))


def no_function(value: object) -> str:
    """What is wrong with what training returned; "" if it is a function."""
    if callable(value):
        return ""
    return (
        f"Training returned a {type(value).__name__}; return a function from images to embeddings."
    )


def raised(what: str, made: Call) -> str:
    """The sentence about a call that raised an error."""
    line = f" ({made.where[0]})" if made.where[0] else ""
    said = next(iter(str(made.error).splitlines()), "")[:200]
    return f"{what} raised {type(made.error).__name__}: {said}{line}."


def judge_contest(
    contest: Contest, trainee: Trainee, seed: int, where: str, slack: float = 1.0
) -> Answer:
    """Train, look at the embeddings, score them.

    Args:
        contest: what is asked for.
        trainee: the student's function.
        seed: of the material.
        where: on which images the score is taken, in words.
        slack: times the seconds allowed, on another machine than the student's.
    """
    trouble, seconds = trainee.train(contest.material(seed), contest.seconds)
    if not trouble and seconds > slack * contest.seconds:
        trouble = (
            f"Training took {seconds:.0f} seconds of the CPU; {contest.seconds:.0f} are allowed."
        )
    if trouble:
        return _not_yet(contest, trouble, "crashed")
    answer = examine(contest, trainee, seed, where, seconds)
    if answer.outcome == "right" and seconds < LEAST:
        said = (
            f"Training took {seconds:.1f} seconds of the CPU: what you return must have been trained on the "
            "images that your function gets."
        )
        return _not_yet(contest, said, "wrong")
    return answer


def examine(
    contest: Contest, trainee: Trainee, seed: int, where: str, seconds: float = 0.0
) -> Answer:
    """Score what was trained, on the images of a seed."""
    images, more = contest.exam(seed)
    embedded = []
    # a batch at a time: what is scored was made without a look at the rest
    for batch in images.split(BATCH):
        made = trainee.embed(batch)
        if trouble := _trouble(batch, made):
            return _not_yet(contest, trouble, "wrong")
        embedded.append(torch.as_tensor(made.value).double())
        if embedded[-1].shape[1] != embedded[0].shape[1]:
            return _not_yet(contest, "Some embeddings are longer than others.", "wrong")
    embeddings = torch.cat(embedded)
    first = images[:BATCH]
    trouble = _too_equal(embeddings) or _inconstant(first, embedded[0], trainee)
    if trouble:
        return _not_yet(contest, trouble, "wrong")
    score = contest.score(embeddings, *more)
    share = contest.share(score)
    if share == 0:
        low = f"{contest.unit} is {score:.3f} {where}, which gives no points yet. {contest.formula}"
        return _not_yet(contest, low, "wrong")
    said = f"{contest.unit} {score:.3f} {where}: {share:.0%} of the points. {contest.formula}"
    took = f" Training took {seconds:.0f} of {contest.seconds:.0f} seconds." if seconds else ""
    text = f"{contest.name}: scored.\n{wrapped(said + took)}"
    return Answer(contest.name, "right", text, "scored", share=share)


def _not_yet(contest: Contest, hint: str, outcome: str) -> Answer:
    head = f"{contest.name}: {'crashed' if outcome == 'crashed' else 'not right yet'}."
    return Answer(contest.name, outcome, f"{head}\n{wrapped(hint)}", outcome, hint)


def _trouble(images: Tensor, made: Call) -> str:
    """Why embeddings cannot be scored; "" if they can."""
    if made.gone or not made.ended:
        return made.gone or "The function that embeds did not end."
    if made.error is not None:
        return raised("The function that embeds", made)
    value = made.value
    if not isinstance(value, Tensor) and type(value).__name__ != "ndarray":
        return (
            f"The function that embeds returned a {type(value).__name__}; return a tensor [N, d]."
        )
    value = torch.as_tensor(value)
    if value.ndim != 2 or len(value) != len(images):
        return (
            f"The embeddings of {len(images)} images have the shape {list(value.shape)}; return [N, d], a "
            "vector for each image."
        )
    if not value.is_floating_point():
        return f"The embeddings are {value.dtype}; return floating-point numbers."
    if value.shape[1] > WIDEST:
        return f"An embedding has {value.shape[1]} numbers; at most {WIDEST} are allowed."
    if not value.isfinite().all():
        return (
            "There are NaN or infinite numbers in the embeddings: lower the learning rate, and look for log of "
            "0, acos of 1, or the square root of 0."
        )
    return ""


def _too_equal(value: Tensor) -> str:
    """Whether embeddings tell images apart; "" if they do."""
    if (value - value[0]).abs().max() <= CLOSE * value.abs().max():
        return "All images have the same embedding: the network has collapsed, or its output is a constant."
    if len(value.unique(dim=0)) <= len(value) // 8:
        return (
            "Many images have exactly the same embedding. Return the numbers before the last decision, not "
            "the class that was chosen."
        )
    return ""


def _inconstant(images: Tensor, first: Tensor, trainee: Trainee) -> str:
    """Whether an image's embedding hangs on anything but the image; "" if it does not."""
    again = trainee.embed(images)
    if not _like(again, first):
        return (
            "The same images got other embeddings the second time: call .eval(), which turns dropout off, "
            "and use no random numbers."
        )
    turned = trainee.embed(images.flip(0))
    part = trainee.embed(images[:7])
    if not _like(part, first[:7]):
        return (
            "An image's embedding depends on the other images of the batch: call .eval(), so that batch "
            "normalisation uses its averages from training."
        )
    if not _like(turned, first.flip(0)):
        return "An image's embedding depends on its place in the batch."
    return ""


def _like(made: Call, expected: Tensor) -> bool:
    if made.error is not None or made.gone:
        return False
    try:
        got = read(made.value, expected)
    except Unreadable:
        return False
    return bool(((got - expected).norm(dim=1) <= 10 * CLOSE * expected.norm(dim=1).mean()).all())
