"""One training loop for the whole course: seeded, with a progress bar and a limit on its time."""

import inspect
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from course_lib.cache import cached, fingerprint
from course_lib.sources import library_used_by

Sample = Callable[[torch.Generator], tuple[Tensor, ...]]  # draws a batch
NOT_LEARNING = {  # modules that no trained weight depends on, unless the model's own module imports them
    "plots.py", "sheets.py", "notebook.py", "widgets.py", "syllabus.py", "selftest.py",
    "search.py", "hashing.py", "retrieval.py", "verification.py",
    "boxes.py", "box_overlap.py", "suppression.py", "roi.py", "detection_losses.py",
    "average_precision.py", "detection_matching.py", "mask_overlap.py", "box_figures.py",
}  # fmt: skip


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def progress(items: Iterable, label: str) -> Iterable:
    """The same items, with a progress bar while they are gone through; TQDM_DISABLE=1 (as in CI) hides it."""
    from tqdm.auto import tqdm

    return tqdm(items, desc=label, leave=False, disable=bool(os.environ.get("TQDM_DISABLE")))


def batches(images: Tensor, labels: Tensor, size: int, augment: Callable | None = None) -> Sample:
    """A function that draws random batches, with replacement.

    Args:
        images, labels: the training set.                      # [N, C, H, W], [N]
        size: pictures in a batch.
        augment: augment(images, generator) -> images, a random variation of each picture.
    Returns:
        sample(generator) -> (images, labels).                 # [size, C, H, W], [size]
    Raises:
        ValueError: an empty set, or one label for each picture is not given.
    """
    if len(images) == 0 or len(images) != len(labels):
        raise ValueError(
            f"batches: images and labels must be as many, and at least one, got {len(images)} and {len(labels)}"
        )

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(images), (size,), generator=generator)
        batch = images[chosen]
        return (batch if augment is None else augment(batch, generator)), labels[chosen]

    return sample


def identity_batches(images: Tensor, labels: Tensor, identities: int, photos: int) -> Sample:
    """A function that draws random batches of some classes with some pictures each: there are pairs to learn from.

    Args:
        images, labels: the training set.                      # [N, C, H, W], [N] int64
        identities: classes in a batch, all different.
        photos: pictures of each, all different.
    Returns:
        sample(generator) -> (images, labels), class by class.  # [identities * photos, C, H, W], [identities * photos]
    Raises:
        ValueError: fewer classes than `identities`, or a class with fewer pictures than `photos`.

    FaceNet's way (L2.15): with purely random batches hardly a picture would meet another one of its class.
    """
    order = labels.argsort(stable=True)  # class by class
    classes, counts = labels.unique(return_counts=True)
    starts = counts.cumsum(0) - counts
    if not (1 <= identities <= len(classes) and 1 <= photos <= counts.min()):
        raise ValueError(
            f"identity_batches: {identities} classes with {photos} pictures each were asked for, "
            f"there are {len(classes)} with {counts.min().item()} or more"
        )

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        who = torch.randperm(len(classes), generator=generator)[:identities]  # [P]
        lots = torch.rand(identities, counts.max(), generator=generator)  # a lot for each picture
        lots[torch.arange(counts.max()) >= counts[who][:, None]] = 2  # there is no such picture
        which = starts[who][:, None] + lots.argsort(1)[:, :photos]  # [P, K]
        chosen = order[which.flatten()]
        return images[chosen], labels[chosen]

    return sample


def fit(
    model: nn.Module,
    sample: Sample,
    loss: Callable[..., Tensor],
    *,
    steps: int,
    lr: float = 2e-3,
    weight_decay: float = 0.05,
    max_norm: float = float("inf"),
    seed: int = 0,
    max_seconds: float = float("inf"),
    label: str = "training",
) -> list[float]:
    """Train a model by AdamW, with a learning rate that rises over a tenth of the way and falls as a cosine.

    Args:
        model: trained in place, on the GPU where there is one, and left in evaluation mode.
        sample: sample(generator) -> a batch, a tuple of tensors.
        loss: loss(model, *batch) -> the number to make smaller, a tensor without axes.
        steps: batches to train on.
        lr, weight_decay: of AdamW; lr is the highest one.
        max_norm: a gradient longer than this is shortened to it: one odd batch cannot throw the weights far.
        seed: of the batches. Weights are initialised by whoever made the model.
        max_seconds: on a slow machine the schedule is squeezed so that training ends by then; ask for several times
            what training should take, since a squeezed run is no longer the same on every machine.
        label: stands before the progress bar.
    Returns:
        The loss of every step.
    Raises:
        FloatingPointError: the loss became NaN or infinite.
    """
    place = device()
    model.to(place).train()
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    started, losses = time.monotonic(), []
    for step in progress(range(steps), label):
        hurry = (
            1.25 * (time.monotonic() - started) / max_seconds - 0.25
        )  # counts once a fifth of the time is gone
        done = max(step / steps, hurry)  # 0 at the start, 1 at the end
        if done >= 1:
            break
        rate = (
            lr * min(done / 0.1, 0.5 * (1 + torch.cos(torch.tensor(torch.pi * done)).item())) + 1e-6
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        value = loss(model, *(part.to(place) for part in sample(generator)))
        if not torch.isfinite(value):
            raise FloatingPointError(
                f"fit: the loss became {value.item()} at step {step} of {steps}: lower lr"
            )
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(value.item())
    model.eval()
    return losses


def cross_entropy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The loss of a classifier on a batch, for `fit`."""
    return nn.functional.cross_entropy(model(images), labels)


def load_or_train(
    name: str, model: nn.Module, train: Callable[..., list[float]], *data: Tensor
) -> list[float]:
    """Load the model's weights from the cache, or train it and keep them.

    Args:
        name: of the file in data/cache.
        model: filled in place.
        train: train(model, *data) -> losses; called only if the weights are not in the cache.
        data: the tensors it trains on.
    Returns:
        The loss of every step, as `train` returned it when it ran.

    The file is named after all that determines the weights: the initial weights, the data, the text of `train`,
    the library's source and torch's version. Change any of them and the model is trained anew.
    """
    files = {p for p in Path(__file__).parent.glob("*.py") if p.name not in NOT_LEARNING}
    if type(model).__module__.startswith("course_lib."):
        files |= set(library_used_by(Path(inspect.getfile(type(model)))))
    library = [p.read_text() for p in sorted(files)]
    initial = [part for label, tensor in model.state_dict().items() for part in (label, tensor)]
    key = fingerprint(
        str(model), *initial, *data, inspect.getsource(train), library, str(torch.__version__)
    )

    def make() -> dict[str, Tensor]:
        losses = train(model, *data)
        return {**model.state_dict(), "training.losses": torch.tensor(losses, dtype=torch.float64)}

    tensors = cached(name, key, make)
    losses = tensors.pop("training.losses").tolist()
    model.load_state_dict(tensors)
    model.to(device()).eval()
    return losses
