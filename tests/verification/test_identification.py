"""Identification: by hand, plain forms, FAISS, scikit-learn, ties, tiles, every floating type, bad input."""

import itertools

import faiss
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score
from torch.nn import functional as F

from course_lib.arguments import FLOATS
from course_lib.by_definition import identification as plain
from course_lib.verification import identification as fast
from course_lib.verification.curves import roc
from course_lib.verification.identification import (
    cumulative_match,
    detection_and_identification,
    open_set,
    rank_of_mate,
    rank_one_with_distractors,
)

# all cosines of these are 0, 1/2 or 1 up to their sign, without rounding
EXACT = [list(v) for v in itertools.product((-1.0, 1.0), repeat=4)]
EXACT += [[sign * 2.0 * (i == j) for j in range(4)] for i in range(4) for sign in (-1, 1)]
GALLERY, PEOPLE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), torch.tensor([3, 4, 3])
QUERIES, ASKED = torch.tensor([[2.0, 0.0], [1.0, 0.0], [1.0, 0.0]]), torch.tensor([3, 4, 5])
SIDES = QUERIES, ASKED, GALLERY, PEOPLE


@st.composite
def sides(draw):
    """Queries and gallery with many ties; some queries have no mate."""

    def embeddings(least):
        rows = draw(st.lists(st.sampled_from(EXACT), min_size=least, max_size=12))
        who = draw(st.lists(st.integers(-1, 3), min_size=len(rows), max_size=len(rows)))
        return torch.tensor(rows), torch.tensor(who)

    return *embeddings(1), *embeddings(1)


def normal(seed, people=40, queries=60, d=16, entries=3):
    """Random sides without ties; a third of the queries is of unknown people."""
    generator = torch.Generator().manual_seed(seed)
    faces = torch.randn(people * 3 // 2, d, generator=generator)
    who = torch.arange(people).repeat(entries)
    asked = torch.randint(len(faces), (queries,), generator=generator)
    x = faces[asked] + torch.randn(queries, d, generator=generator)
    return x, asked, faces[who] + torch.randn(len(who), d, generator=generator), who


@pytest.mark.parametrize("form", [plain, fast])
def test_by_hand(form):
    # the second query's mate has cosine 0; both others are ahead
    assert form.rank_of_mate(*SIDES).tolist() == [1, 3, 0]
    assert form.cumulative_match(torch.tensor([1, 3, 0]), 4).tolist() == [0.5, 0.5, 1, 1]
    best, right, known = form.open_set(*SIDES)
    assert best.tolist() == [1, 1, 1]
    assert right.tolist() == [True, False, False] and known.tolist() == [True, True, False]
    found = torch.tensor([0.9, 0.9, 0.8]), right, known
    points = [form.detection_and_identification(*found, t) for t in (0.95, 0.9, 0.8)]
    assert [tuple(map(float, point)) for point in points] == [(0, 0), (0.5, 0), (0.5, 1)]
    others, counts = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([2, 0, 1, 1])
    rates = form.rank_one_with_distractors(*SIDES, others, counts)
    assert rates.tolist() == [0, 0.5, 0.5, 0.5]


def test_who_is_it_by_hand():
    for query, threshold, person in (
        ([2.0, 0.1], 0.9, 3),
        ([0.1, 2.0], 0.9, 4),
        ([0.1, -2.0], 0.9, None),
        ([0.0, -2.0], -1.0, 3),  # of two with cosine 0 and -0.7 the first
    ):
        assert plain.identify(torch.tensor(query), GALLERY, PEOPLE, threshold) == person


@settings(max_examples=80)
@given(sides())
def test_as_the_plain_forms(given):
    ranks = rank_of_mate(*given)
    assert torch.equal(ranks, plain.rank_of_mate(*given))
    for ours, expected in zip(open_set(*given), plain.open_set(*given), strict=True):
        assert torch.equal(ours, expected)
    if (ranks > 0).any():
        assert torch.equal(cumulative_match(ranks, 5), plain.cumulative_match(ranks, 5))


@settings(max_examples=40)
@given(
    sides(), st.lists(st.sampled_from(EXACT), min_size=4, max_size=9), st.permutations([0, 1, 2, 4])
)
def test_distractors_as_the_plain_form(given, others, counts):
    given = (*given, torch.tensor(others), torch.tensor(counts))
    if torch.isin(given[1], given[3]).any():
        assert torch.equal(
            rank_one_with_distractors(*given), plain.rank_one_with_distractors(*given)
        )


@settings(max_examples=80)
@given(st.data())
def test_open_set_rates_as_the_plain_form_and_as_a_roc(data):
    size = data.draw(st.integers(2, 20))
    bits = st.lists(st.booleans(), min_size=size, max_size=size)
    best = data.draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    best, right = torch.tensor(best) / 4, torch.tensor(data.draw(bits))
    known = torch.tensor(data.draw(bits.filter(lambda b: 0 < sum(b) < size)))
    thresholds = torch.cat([best.unique(), torch.tensor([-torch.inf, torch.inf, 0.1])])
    rates = torch.stack(detection_and_identification(best, right, known, thresholds), dim=1)
    for threshold, point in zip(thresholds.tolist(), rates.tolist(), strict=True):
        assert tuple(point) == plain.detection_and_identification(best, right, known, threshold)
        one = detection_and_identification(best, right, known, threshold)
        assert [rate.item() for rate in one] == point
    # a known query that is not right is never detected: the ROC where its score is -infinity
    far, tar, at = roc(torch.where(right | ~known, best, -torch.inf), known)
    detected, accepted = detection_and_identification(best, right, known, at[at > -torch.inf])
    assert torch.equal(detected, tar[at > -torch.inf])
    assert torch.equal(accepted, far[at > -torch.inf])


@pytest.mark.parametrize("seed", range(3))
def test_as_faiss(seed):
    queries, asked, gallery, people = normal(seed)
    index = faiss.IndexFlatIP(queries.shape[1])
    index.add(F.normalize(gallery).numpy())
    scores, order = map(torch.from_numpy, index.search(F.normalize(queries).numpy(), len(gallery)))
    mates = people[order] == asked[:, None]
    # before the first mate there are distractors alone
    ranks = torch.where(mates.any(1), 1 + mates.int().argmax(1), 0)
    assert torch.equal(rank_of_mate(queries, asked, gallery, people), ranks)
    best, right, known = open_set(queries, asked, gallery, people)
    torch.testing.assert_close(best, scores[:, 0])
    assert torch.equal(right, mates[:, 0]) and torch.equal(known, mates.any(1))
    answers = [plain.identify(q, gallery, people, 0.5) for q in queries]
    expected = people[order[:, 0]].tolist()
    assert answers == [who if s >= 0.5 else None for who, s in zip(expected, best, strict=True)]


def test_cumulative_match_as_scikit_learn():
    queries, asked, gallery, people = normal(5, entries=1)
    some = asked < len(people)
    scores = F.normalize(queries[some]) @ F.normalize(gallery).T
    rates = cumulative_match(rank_of_mate(queries, asked, gallery, people), len(people))
    assert rates[-1] == 1 and (rates.diff() >= 0).all() and len(rates) == len(people)
    for k in (1, 2, 5, 20):
        theirs = top_k_accuracy_score(asked[some], scores, k=k, labels=people)
        assert rates[k - 1].item() == pytest.approx(theirs)


@pytest.mark.parametrize("d", [3, 64, 512, 2048])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_distractor_with_the_mates_score_comes_first_wherever_it_stands(dtype, d, monkeypatch):
    monkeypatch.setattr(fast, "ENTRIES", 5)
    x, noise = torch.randn(2, 4, d, generator=torch.Generator().manual_seed(d)).to(dtype)
    # twice, or four times as long has no rounding
    others = (x[:, None] * torch.tensor([1, 2, 4])[:, None]).to(dtype).flatten(0, 1)
    gallery, who = torch.cat([x, others]), torch.tensor([*range(4), *[9] * 12])
    queries = torch.cat([x, x + noise / 64])
    asked = torch.arange(4).repeat(2)
    assert rank_of_mate(queries, asked, gallery, who).tolist() == [4] * 8
    assert not open_set(queries, asked, gallery, who)[1].any()
    rates = rank_one_with_distractors(queries, asked, x, who[:4], others, torch.tensor([0, 12]))
    assert rates.tolist() == [1, 0]
    # several mates with one score are no distractors
    who = torch.cat([who[:4], torch.arange(4).repeat_interleave(3)])
    assert rank_of_mate(queries, asked, gallery, who).tolist() == [1] * 8


def test_one_entry_and_only_mates():
    one, who = torch.tensor([[1.0, 2.0]]), torch.tensor([7])
    assert rank_of_mate(-one, who, one, who).tolist() == [1]
    assert rank_of_mate(one, who + 1, one, who).tolist() == [0]
    best, right, known = open_set(-one, who, one.repeat(3, 1), who.repeat(3))
    assert best.item() == pytest.approx(-1) and right.all() and known.all()
    x, who = torch.randn(300, 64), torch.arange(300)
    assert 1 - 1e-6 < open_set(x, who, x, who)[0].min() and open_set(x, who, x, who)[0].max() <= 1
    # a zero vector has the cosine 0 with everything: all are tied
    assert rank_of_mate(0 * QUERIES, ASKED, GALLERY, PEOPLE).tolist() == [2, 3, 0]


@pytest.mark.parametrize("tile", [(1, 1), (7, 11), (60, 120), (1000, 1000)])
def test_tiles_do_not_change_anything(tile, monkeypatch):
    given = normal(1)
    others, counts = normal(2)[2], torch.tensor([0, 1, 20, 50, 120])
    expected = rank_of_mate(*given), *open_set(*given)
    rates = rank_one_with_distractors(*given, others, counts)
    monkeypatch.setattr(fast, "QUERIES", tile[0])
    monkeypatch.setattr(fast, "ENTRIES", tile[1])
    for ours, whole in zip((rank_of_mate(*given), *open_set(*given)), expected, strict=True):
        torch.testing.assert_close(ours, whole)
    assert torch.equal(rank_one_with_distractors(*given, others, counts), rates)
    assert rates.tolist() == sorted(rates.tolist(), reverse=True) and rates[0] > rates[-1]


@pytest.mark.parametrize("people", [5, 20_000])
def test_a_large_gallery_is_compared_a_few_megabytes_at_a_time(people, monkeypatch):
    gallery, who = torch.randn(20_000, 8), torch.arange(20_000) % people
    queries, asked = torch.randn(600, 8), torch.arange(600) % 7
    sizes, scores = [], fast._scores

    def watched(*sides):
        for rows, tile in scores(*sides):
            sizes.append(tile.nbytes)
            yield rows, tile

    monkeypatch.setattr(fast, "_scores", watched)
    rank_of_mate(queries, asked, gallery, who)
    open_set(queries, asked, gallery, who)
    rank_one_with_distractors(queries, asked, gallery, who, gallery, torch.tensor([10, 20_000]))
    # all scores are 48 MB; the distractors' were seen by each function, and those of the people added
    assert max(sizes) <= 2**21 and sum(sizes) >= 4 * 48e6


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_floating_type_is_judged_as_float64(dtype):
    queries, asked, gallery, people = normal(3)
    queries, gallery, others = queries.to(dtype), gallery.to(dtype), normal(4)[2].to(dtype)
    counts = torch.tensor([0, 30, 120])
    wide = queries.double(), asked, gallery.double(), people
    rank, (best, right, known) = rank_of_mate(*wide), open_set(*wide)
    rates = rank_one_with_distractors(*wide, others.double(), counts)
    queries.requires_grad_()
    gallery = torch.stack([gallery, gallery], dim=2)[..., 0]  # lies otherwise in memory
    for autocast in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            assert torch.equal(rank_of_mate(queries, asked, gallery, people), rank)
            found = open_set(queries, asked, gallery, people)
            grown = rank_one_with_distractors(queries, asked, gallery, people, others, counts)
        assert torch.equal(grown, rates)
        assert torch.equal(found[1], right) and torch.equal(found[2], known)
        assert found[0].dtype == torch.promote_types(dtype, torch.float32)
        assert not found[0].requires_grad and found[0].abs().max() <= 1
        torch.testing.assert_close(found[0].double(), best, rtol=0, atol=1e-6)
    scores = best.to(dtype).requires_grad_()
    for ours, expected in zip(
        detection_and_identification(scores, right, known, scores.detach().unique()),
        detection_and_identification(scores.double(), right, known, scores.double().unique()),
        strict=True,
    ):
        assert torch.equal(ours, expected) and ours.dtype == torch.float64


def test_types_together_and_any_length():
    queries, asked, gallery, people = normal(6)
    expected = rank_of_mate(queries, asked, gallery, people)
    long = torch.randn(len(gallery), 1).exp().double() * 1e200
    assert torch.equal(rank_of_mate(queries.double(), asked, gallery, people), expected)
    assert torch.equal(rank_of_mate(queries, asked, long * gallery, people), expected)
    counts, others = torch.tensor([0, 100]), normal(7)[2]
    rates = [
        rank_one_with_distractors(queries, asked, gallery, people, strangers, counts)
        for strangers in (others, others * long)
    ]
    assert torch.equal(*rates)


def growing(queries, query_labels, gallery, gallery_labels):
    return rank_one_with_distractors(
        queries, query_labels, gallery, gallery_labels, GALLERY, torch.tensor([1])
    )


@pytest.mark.parametrize("measure", [rank_of_mate, open_set, growing])
@pytest.mark.parametrize(
    "place, bad, error, says",
    [
        (0, [[1.0, 0.0]], TypeError, "queries must be a tensor .* of floating point, got list"),
        (0, QUERIES.long(), TypeError, r"queries must be .*, got \[3, 2\] of int64"),
        (0, QUERIES[0], ValueError, r"queries must be a tensor \[n, d\] .*, got \[2\] of float32"),
        (0, QUERIES[:0], ValueError, r"queries must hold at least one vector, got \[0, 2\]"),
        (0, QUERIES / 0, ValueError, r"queries \[3, 2\] has NaN or infinity, first at \[0, 0\]"),
        (1, ASKED.tolist(), TypeError, r"query_labels must be a tensor \[3\] of int64, got list"),
        (1, ASKED.float(), TypeError, r"query_labels must .*, got \[3\] of float32"),
        (1, ASKED[:2], ValueError, r"query_labels must be a tensor \[3\] of int64, got \[2\]"),
        (2, GALLERY.numpy(), TypeError, "gallery must be a tensor .*, got ndarray"),
        (2, GALLERY[:0], ValueError, r"gallery must hold at least one vector, got \[0, 2\]"),
        (2, GALLERY[:, :1], ValueError, r"of one dimension d, got .*\[3, 2\].*"),
        (2, GALLERY + torch.nan, ValueError, r"gallery \[3, 2\] has NaN or infinity"),
        (3, PEOPLE[:1], ValueError, r"gallery_labels must be a tensor \[3\] of int64, got \[1\]"),
        (3, None, TypeError, "gallery_labels must be .*, got NoneType"),
    ],
)
def test_bad_sides_are_told_what_was_expected(measure, place, bad, error, says):
    given = list(SIDES)
    given[place] = bad
    name = "rank_one_with_distractors" if measure is growing else measure.__name__
    with pytest.raises(error, match=f"^{name}: .*{says}"):
        measure(*given)


@pytest.mark.parametrize(
    "others, counts, error, says",
    [
        (GALLERY, [1, 2], TypeError, r"counts must be a tensor \[K\] of int64, got list"),
        (GALLERY, torch.tensor([4, 1]), ValueError, r"counts must lie in 0..3, got 1 to 4"),
        (GALLERY, torch.tensor([-1]), ValueError, r"counts must lie in 0..3, got -1 to -1"),
        (GALLERY[:0], torch.tensor([0]), ValueError, r"distractors must hold at least one vector"),
        (GALLERY[:, :1], torch.tensor([0]), ValueError, r"distractors \[3, 1\]"),
        (GALLERY.log(), torch.tensor([0]), ValueError, r"distractors \[3, 2\] has NaN or infinity"),
    ],
)
def test_bad_distractors(others, counts, error, says):
    with pytest.raises(error, match=f"^rank_one_with_distractors: .*{says}"):
        rank_one_with_distractors(*SIDES, others, counts)


def test_without_a_mate_there_is_no_rate():
    with pytest.raises(ValueError, match=r"^rank_one_with_distractors: .* got none of 3$"):
        growing(QUERIES, ASKED + 9, GALLERY, PEOPLE)
    for ranks, got in (([0, 0], r"\[0, 0\]"), ([], r"\[\]"), ([2, -1], r"\[2, -1\]")):
        ranks = torch.tensor(ranks, dtype=torch.int64)
        with pytest.raises(ValueError, match=f"^cumulative_match: ranks must .*, got {got}"):
            cumulative_match(ranks, 1)
    with pytest.raises(TypeError, match=r"^cumulative_match: ranks must .* int64, got list"):
        cumulative_match([1, 2], 1)
    with pytest.raises(ValueError, match=r"^cumulative_match: most must be 1 or more, got 0"):
        cumulative_match(torch.tensor([1]), 0)


@pytest.mark.parametrize(
    "place, bad, error, says",
    [
        (0, [0.5, 0.1], TypeError, r"best must be a tensor \[Q\] of floating point, got list"),
        (0, torch.tensor([0.5, torch.nan]), ValueError, "best or threshold has NaN"),
        (1, torch.tensor([1, 0]), TypeError, r"right must be a tensor \[2\] of bool, got .* int64"),
        (1, torch.tensor([True]), ValueError, r"right must be a tensor \[2\] of bool, got \[1\]"),
        (2, torch.tensor([True, True]), ValueError, "known needs both kinds, got 2 of 2 true"),
        (2, torch.tensor([False, False]), ValueError, "known needs both kinds, got 0 of 2 true"),
        (3, "0.5", TypeError, r"threshold must be a tensor \[T\] of floating point, got str"),
        (3, None, TypeError, "threshold must .*, got NoneType"),
        (3, torch.nan, ValueError, "best or threshold has NaN"),
        (3, torch.tensor([0.5, torch.nan]), ValueError, "best or threshold has NaN"),
        (3, torch.tensor([[0.5]]), ValueError, r"threshold must .*, got \[1, 1\] of float32"),
    ],
)
def test_bad_open_sets(place, bad, error, says):
    given = [torch.tensor([0.5, 0.1]), torch.tensor([True, False]), torch.tensor([True, False]), 0]
    assert [rate.item() for rate in detection_and_identification(*given)] == [1, 1]
    given[place] = bad
    with pytest.raises(error, match=f"^detection_and_identification: {says}"):
        detection_and_identification(*given)
