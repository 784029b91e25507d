"""Known mistakes with margins on the angle and the cosine, each with the hint for who made it (L4.06-L4.08)."""

import math

import torch

from course_lib.exercises.task import Mistake


def _angular(
    target=lambda theta, m1, m2, m3: (m1 * theta + m2).cos() - m3,
    where=lambda own, cosines: own,
    scaled=lambda logits, own, s: s * logits,
):
    """`margin_logits` by another rule.

    target: (angles [B, C], m1, m2, m3) -> cosines with margin [B, C]; where: (is the own class [B, C], cosines [B, C])
    -> which get it [B, C]; scaled: (cosines with margin [B, C], is the own class [B, C], s) -> logits.
    """

    def margin_logits(cosines, labels, m1, m2, m3, s):
        own = torch.arange(cosines.shape[1]) == labels[:, None]  # [B, C]
        with_margin = target(cosines.acos(), m1, m2, m3)
        return scaled(torch.where(where(own, cosines), with_margin, cosines), own, s)

    return margin_logits


def _changed(cosines, labels, m1, m2, m3, s):
    rows = torch.arange(len(labels))
    cosines[rows, labels] = (m1 * cosines[rows, labels].acos() + m2).cos() - m3
    return s * cosines


def _all_of_the_batch(cosines, labels, m1, m2, m3, s):
    target = (m1 * cosines.acos() + m2).cos() - m3
    logits = cosines.clone()
    logits[:, labels] = target[:, labels]
    return s * logits


MARGIN_LOGITS = (
    Mistake(
        _angular(where=lambda own, cosines: torch.ones_like(own)),
        "The margins were put on every class. Put them on the class of the image alone: it is to win by a "
        "margin.",
    ),
    Mistake(
        _angular(scaled=lambda logits, own, s: logits),
        "The scale is missing: multiply every logit by s.",
    ),
    Mistake(
        _angular(scaled=lambda logits, own, s: torch.where(own, s * logits, logits)),
        "Only the logit of the own class was scaled. Multiply all logits by s.",
    ),
    Mistake(
        _changed,
        "The margins were written into `cosines`, which belongs to the caller. Work on a copy.",
    ),
    Mistake(
        _all_of_the_batch,
        "Each image got the margin on the classes of *all* images of the batch. Row i gets it only in "
        "column labels[i].",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * theta - m2).cos() - m3),
        "m2 was subtracted from the angle, which makes the task easier. Add it.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * theta + m2).cos() + m3),
        "m3 was added to the cosine, which makes the task easier. Subtract it.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * theta + m2 - m3).cos()),
        "m3 was taken from the angle, inside the cosine. Subtract it from the cosine.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: m1 * (theta + m2).cos() - m3),
        "m1 multiplies the cosine. Multiply the angle.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * (theta + m2)).cos() - m3),
        "m1 multiplies m2 as well. Multiply the angle by m1 first, then add m2.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * theta).cos() - m2 - m3),
        "m2 was taken from the cosine, like m3. m2 is an angle: add it before the cosine.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * theta.cos() + m2).cos() - m3),
        "The cosine was taken for the angle. Take its arc cosine first.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: (m1 * theta + math.radians(m2)).cos() - m3),
        "m2 was read as degrees. All angles are in radians.",
    ),
    Mistake(
        _angular(lambda theta, m1, m2, m3: m1 * theta + m2 - m3),
        "The own class got an angle as its logit. Take the cosine of the angle with its margins.",
    ),
    Mistake(
        _angular(where=lambda own, cosines: ~own),
        "The other classes got the margins, and the own class did not.",
    ),
    Mistake(
        _angular(where=lambda own, cosines: own & (cosines > 0)),
        "An own class with a cosine of 0 or below got no margin. Put it on every image.",
    ),
    Mistake(
        _angular(scaled=lambda logits, own, s: (s * logits)[own]),
        "Only the logits of the own classes were returned. Return those of all classes, [B, C].",
    ),
    Mistake(
        _angular(scaled=lambda logits, own, s: (s * logits).softmax(dim=1)),
        "A softmax was taken. Return the logits: the cross entropy does the rest.",
    ),
)
