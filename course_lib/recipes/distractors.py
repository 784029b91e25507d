"""Embeddings of very many drawn people, one photo each: the distractors of a gallery, as MegaFace has them (L5.12)."""

import torch
from torch import Tensor, nn

from course_lib.cache import cached, fingerprint
from course_lib.data.drawn import BATCH, FIRST
from course_lib.embeddings.encoders import embed
from course_lib.machine import progress
from course_lib.provenance import depends_on

FIRST_DISTRACTOR = 100_000  # in the split "test": people with lower numbers are looked for


def distractors(encoder: nn.Module, count: int, seed: int) -> Tensor:
    """What an encoder makes of `count` people whom nobody looks for; images are drawn, embedded and forgotten.

    Args:
        encoder: images [b, 3, 32, 32] -> embeddings [b, d].
        count: how many people.
        seed: of the world.
    Returns:
        Embeddings, kept in the cache for this encoder.       # [count, d]
    """
    from course_lib.render.faces.draw import draw_faces

    def draw(number: Tensor) -> Tensor:
        person = number + FIRST["test"] + FIRST_DISTRACTOR
        images = draw_faces(person, torch.zeros_like(number), seed)["images"]
        return (images * 255).round().div(255)  # as the drawn sets are kept

    def make() -> dict[str, Tensor]:
        parts = torch.arange(count).split(4 * BATCH)
        return {"x": torch.cat([embed(encoder, draw(n)) for n in progress(parts, "distractors")])}

    key = fingerprint(count, depends_on(draw, encoder))
    return cached("distractors", key, make)["x"]
