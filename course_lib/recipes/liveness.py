"""Live or attack: a detector that is trained on some attack types, and judged on other people and on an unseen type.

Drawn faces of 48 pixels; live images and attacks are made of the same photos, so that only the attack tells them apart.
"""

import torch
from torch import Tensor, nn

from course_lib.data.drawn import faces
from course_lib.data.holders import LabelledImages
from course_lib.embeddings.encoders import Classifier, ConvEncoder, embed
from course_lib.training.loop import cross_entropy, fit
from course_lib.training.weights import load_or_train
from course_lib.verification.liveness import ATTACKS, error_rates

SIZE, PHOTOS = 48, 4  # pixels; photos of each person
PEOPLE = {"train": 600, "val": 300, "test": 300}
STEPS, BATCH, RATE = 600, 32, 1e-2  # each batch has 32 live images and 32 attacks
BPCER = 0.01  # of live images of validation people, at the threshold


def people(split: str, seed: int) -> LabelledImages:
    """Live faces of a split; no person is in two splits."""
    return faces(split, seed, PEOPLE[split], PHOTOS, SIZE)


def train_detector(images: Tensor, known: tuple[str, ...], seed: int) -> Classifier:
    """A small network with the classes attack (0) and live (1); loaded if it was trained before.

    Args:
        images: live faces in 0..1.                                  # [N, 3, S, S]
        known: names in `ATTACKS`: the types that it is trained on, each as often.
        seed: of the weights, the batches and the attacks.

    Each batch has new attacks: 10 to 15 s on a CPU core.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(ConvEncoder(3, dim=32, widths=(16, 32, 64), strides=(2, 2, 2)), 2)

    def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(images), (2 * BATCH,), generator=generator)
        live, others = images[chosen].chunk(2)
        parts = zip(known, others.tensor_split(len(known)), strict=True)
        attacks = [ATTACKS[name](part, generator) for name, part in parts]
        return torch.cat([live, *attacks]), torch.arange(2).flip(0).repeat_interleave(BATCH)

    def train(model: nn.Module, images: Tensor) -> list[float]:
        return fit(model, sample, cross_entropy, steps=STEPS, lr=RATE, seed=seed, label="liveness")

    load_or_train(f"liveness-{'-'.join(known)}", model, train, images)
    return model


def live_scores(model: Classifier, images: Tensor) -> Tensor:
    """How live each image looks: the logit of live less that of attack.    # [N, 3, S, S] -> [N]"""
    attack, live = embed(model, images).unbind(dim=1)
    return live - attack


def threshold_of(model: Classifier, images: Tensor) -> float:
    """The highest threshold that rejects at most BPCER of these live images, of validation people."""
    scores = live_scores(model, images).sort().values
    return scores[int(BPCER * len(scores))].item()


def judge(model: Classifier, val: Tensor, test: Tensor, seed: int) -> tuple[dict, float]:
    """APCER of every attack type, known or not, and BPCER, on people that the detector has never seen.

    Args:
        val, test: live faces: the threshold is chosen on `val`, the errors are those on `test`.   # [N, 3, S, S]
        seed: of the attacks, one of every type on every test image.
    """
    generator = torch.Generator().manual_seed(seed)
    attacks = {name: live_scores(model, make(test, generator)) for name, make in ATTACKS.items()}
    return error_rates(live_scores(model, test), attacks, threshold_of(model, val))


def leave_one_out(seed: int) -> dict[str, tuple[dict, float]]:
    """For each attack type what `judge` finds of a detector that was trained on the other types.

    OULU-NPU, too, tests on printers and screens that were not in training: Boulkenafet and others, 2017.
    """
    train, val, test = (people(split, seed).images for split in PEOPLE)
    found = {}
    for unseen in ATTACKS:
        model = train_detector(train, tuple(name for name in ATTACKS if name != unseen), seed)
        found[unseen] = judge(model, val, test, seed)
    return found
