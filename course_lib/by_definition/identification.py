"""Who is it? A query beside a gallery of known people; on the open set it can be nobody (L5.12, L2.10)."""

import torch

from course_lib.by_definition.embeddings import cosine_similarity


def scores(query, gallery):
    """Cosine of the query and every entry of the gallery.  # [d], [G, d] -> [G]"""
    return torch.stack([cosine_similarity(query, entry) for entry in gallery])


def identify(query, gallery, people, threshold):
    """The person of the best entry, or None: nobody in the gallery is similar enough.  # [d], [G, d], [G] -> number"""
    similar = scores(query, gallery)
    return people[similar.argmax()].item() if similar.max() >= threshold else None


def rank_of_mate(queries, query_labels, gallery, gallery_labels):
    """1 + how many entries of others score at least as high as the best of one's own; 0 without one.  # -> [Q]"""
    ranks = []
    for query, person in zip(queries, query_labels, strict=True):
        similar = scores(query, gallery)
        mates, distractors = similar[gallery_labels == person], similar[gallery_labels != person]
        ranks.append(1 + (distractors >= mates.max()).sum() if len(mates) > 0 else 0)
    return torch.tensor(ranks)


def cumulative_match(ranks, most):
    """Share of the queries with a mate whose mate has rank k or better, for k = 1, ..., most.  # [Q] -> [most]"""
    with_mate = ranks[ranks > 0]
    rates = [(with_mate <= k).double().mean() for k in range(1, most + 1)]
    return torch.stack(rates)


def rank_one_with_distractors(queries, query_labels, gallery, gallery_labels, distractors, counts):
    """Rank-1 rate after the first n strangers are added to the gallery, for each n.  # -> [counts]"""
    stranger = query_labels.min() - 1  # not on any query
    rates = []
    for n in counts.tolist():
        larger = torch.cat([gallery, distractors[:n]])
        people = torch.cat([gallery_labels, stranger.repeat(n)])
        ranks = rank_of_mate(queries, query_labels, larger, people)
        rates.append(cumulative_match(ranks, most=1)[0])
    return torch.tensor(rates, dtype=torch.float64)


def open_set(queries, query_labels, gallery, gallery_labels):
    """Best score; is it a mate's; is there a mate?  # -> 3 x [Q]"""
    best = torch.stack([scores(query, gallery).max() for query in queries])
    ranks = rank_of_mate(queries, query_labels, gallery, gallery_labels)
    return best, ranks == 1, ranks > 0


def detection_and_identification(best, right, known, threshold):
    """DIR: share of known queries that are right and accepted; FAR: of unknown ones accepted.  # -> 2 numbers"""
    accepted = best >= threshold
    detected = (accepted & right)[known].double().mean()
    return detected.item(), accepted[~known].double().mean().item()
