"""The task about identification: who is it, one of the gallery or nobody (L5.12, L2.10)."""

import torch
from hypothesis import strategies as st

from course_lib.exercises import verification_pictures as pictures
from course_lib.exercises import verification_solutions as right
from course_lib.exercises.task import Mistake, Task

UNKNOWN = -1


def _is_mate(people, truth):
    """Which entries are of the query's person.  # [G], [Q] -> [Q, G]"""
    return people == truth[:, None]


def _among_best(scores, k):
    """Which entries are among the k best of their row.  # [Q, G] -> [Q, G]"""
    return (scores[:, :, None] < scores[:, None]).sum(dim=2) < k


def _answered(
    known=lambda mate, best, reached: (mate & best & reached).any(1),
    unknown=lambda best, reached: ~(best & reached).any(1),
    compare=torch.ge,
):
    """`rank_k` by another rule.

    known: (is a mate, is among the k best, reaches the threshold; [Q, G] each) -> right [Q]; unknown: the same for a
    query that is not in the gallery, without the mates; compare: (scores, threshold) -> reaches it.
    """

    def rank_k(scores, people, truth, k, threshold):
        best, reached = _among_best(scores, k), compare(scores, threshold)
        found = known(_is_mate(people, truth), best, reached)
        answers = torch.where(truth == UNKNOWN, unknown(best, reached), found)
        return answers.double().mean().item()

    return rank_k


def _known_only(scores, people, truth, k, threshold):
    known = truth != UNKNOWN
    return right.rank_k(scores[known], people, truth[known], k, threshold)


RANK_K = (
    Mistake(
        _answered(known=lambda mate, best, reached: (mate & best).any(1)),
        "A person among the k best was counted although the entry is below the threshold. An entry below "
        "the threshold is no answer.",
    ),
    Mistake(
        _answered(known=lambda mate, best, reached: (mate & best).any(1) & (best & reached).any(1)),
        "Only the best score was compared with the threshold. The entry of the person itself must "
        "reach it.",
    ),
    Mistake(
        _answered(unknown=lambda best, reached: torch.zeros(len(best), dtype=torch.bool)),
        "A query with truth -1 was always counted as wrong. It is right if no entry reaches the "
        "threshold.",
    ),
    Mistake(
        _known_only,
        "The queries with truth -1 were left out of the mean. They count: right if no entry reaches the "
        "threshold.",
    ),
    Mistake(
        lambda scores, people, truth, k, threshold: right.rank_k(
            scores, people, truth, 1, threshold
        ),
        "Only the best entry was looked at. The person may stand on any of the k best.",
    ),
    Mistake(
        lambda scores, people, truth, k, threshold: right.rank_k(
            scores, people, truth, len(people), threshold
        ),
        "k was not used: any entry that reaches the threshold was taken. Only the k best may count.",
    ),
    Mistake(
        _answered(compare=torch.gt),
        "A score that equals the threshold was refused. It reaches the threshold: at or above.",
    ),
    Mistake(
        _answered(unknown=lambda best, reached: (best & ~reached).any(1)),
        "An unknown query was counted as right when one of the k best is below the threshold. All "
        "entries must be below it.",
    ),
    Mistake(
        _answered(known=lambda mate, best, reached: (mate & reached | ~best).all(1)),
        "All k best entries had to be of the person. One of them is enough.",
    ),
    Mistake(
        lambda scores, people, truth, k, threshold: right.rank_k(
            scores, torch.arange(len(people)), truth, k, threshold
        ),
        "Places in the gallery were compared with `truth`. `people` holds the person of each place.",
    ),
    Mistake(
        lambda *case: right.rank_k(*case) * len(case[0]),
        "The right answers were counted. Divide by the number of queries.",
    ),
)

# all about as long when written: none of them makes a case smaller
_SCORES = (0.25, 0.75, 0.375, 0.625, 0.125, 0.875)


def _case(rows, people, truth, k, threshold):
    return torch.tensor(rows), torch.tensor(people), torch.tensor(truth), k, threshold


@st.composite
def _any_case(draw):
    """Queries beside a gallery; in a row no two scores are equal, so that the k best are clear."""
    people = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    count = draw(st.integers(1, 3))
    rows = [draw(st.permutations(_SCORES))[: len(people)] for _ in range(count)]
    truth = [draw(st.sampled_from((*people, UNKNOWN))) for _ in range(count)]
    k, threshold = draw(st.integers(1, len(people))), draw(st.sampled_from(_SCORES))
    return _case(rows, people, truth, k, threshold)


_RANK_K = Task(
    name="rank_k",
    page="13",
    title="The share of queries whose person is among the k best entries that reach the threshold; an unknown "
    "query is answered rightly if no entry reaches it",
    topics=("L5.12", "L2.10"),
    difficulty=2,
    minutes=12,
    plain=right.rank_k,
    inputs=_any_case(),
    edges=[
        _case([[0.75]], [5], [5], 1, 0.5),
        _case([[0.75], [0.25]], [5], [5, -1], 1, 0.5),
        _case([[0.25], [0.25]], [5], [5, -1], 1, 0.5),
        _case([[0.75]], [5], [5], 1, 0.75),
        _case([[0.25]], [5], [5], 1, 0.5),
        _case([[0.25]], [5], [-1], 1, 0.5),
        _case([[0.75]], [5], [-1], 1, 0.5),
        _case([[0.75, 0.5]], [5, 7], [7], 1, 0.25),
        _case([[0.75, 0.5]], [5, 7], [7], 2, 0.25),
        _case([[0.75, 0.25]], [5, 7], [7], 2, 0.5),
        _case([[0.75, 0.25]], [5, 7], [-1], 2, 0.5),
    ],
    mistakes=RANK_K,
    draw=pictures.draw_rank_k,
)

TASKS = (_RANK_K,)
