"""Distractors are other people than those who are looked for, and found again in the cache."""

import torch

from course_lib.data import datasets
from course_lib.recipes.distractors import distractors
from course_lib.recipes.faces import face_encoder


def test_more_distractors_begin_with_the_same_and_nobody_is_looked_for():
    encoder = face_encoder(0).eval()
    ten, few = distractors(encoder, 10, 0), distractors(encoder, 4, 0)
    assert ten.shape == (10, 64) and torch.allclose(ten[:4], few, atol=1e-6)
    assert torch.equal(distractors(encoder, 10, 0), ten)
    people = datasets.load("faces", "test", seed=0, people=3, photos=1)
    with torch.no_grad():
        nearest = torch.cdist(
            encoder(people.images), ten, compute_mode="donot_use_mm_for_euclid_dist"
        )
    assert nearest.min() > 1e-3
