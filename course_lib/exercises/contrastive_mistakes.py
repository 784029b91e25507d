"""Known mistakes with contrastive learning, each with the hint for who made it (L2.18, L2.19)."""

import math

import torch
from torch.nn import functional as F

from course_lib.by_definition import self_supervision as plain
from course_lib.exercises.task import Mistake


def _similar(a, b, temperature):
    """Cosine over temperature of all views, each with each.  # 2 x [N, d] -> [2N, 2N]"""
    views = F.normalize(torch.cat([a, b]))
    return views @ views.T / temperature


def _others(similar):
    """Every view's similarity to itself is left out.  # [2N, 2N] -> [2N, 2N]"""
    return similar.masked_fill(torch.eye(len(similar), dtype=torch.bool), -math.inf)


def _partners(similar):
    return torch.arange(len(similar)).roll(len(similar) // 2)


def _losses(similar, partners=None):
    """-log of each row's softmax at its partner.  # [2N, 2N] -> [2N]"""
    partners = _partners(similar) if partners is None else partners
    return F.cross_entropy(similar, partners, reduction="none")


def _between(a, b, temperature):
    """Cosine over temperature of first views with second views.  # -> [N, N]"""
    return F.normalize(a) @ F.normalize(b).T / temperature


def _to_second(a, b, temperature):
    return _losses(_between(a, b, temperature), torch.arange(len(a))).mean()


def _raw(a, b, temperature):
    views = torch.cat([a, b])
    return _losses(_others(views @ views.T / temperature)).mean()


def _positive_left_out(a, b, temperature):
    similar = _others(_similar(a, b, temperature))
    partners = _partners(similar)[:, None]
    negatives = similar.scatter(1, partners, -math.inf).logsumexp(dim=1)
    return (negatives - similar.gather(1, partners)[:, 0]).mean()


def _positive_twice(a, b, temperature):
    similar = _others(_similar(a, b, temperature))
    positive = similar.gather(1, _partners(similar)[:, None])
    return (torch.cat([similar, positive], dim=1).logsumexp(dim=1) - positive[:, 0]).mean()


def _next_row(a, b, temperature):
    similar = _others(_similar(a, b, temperature))
    return _losses(similar, torch.arange(len(similar)).roll(-1)).mean()


NT_XENT = (
    Mistake(
        lambda a, b, t: _losses(_similar(a, b, t)).mean(),
        "The similarity of a view to itself was left in the denominator. The sum goes over all *other* "
        "views, j != i.",
    ),
    Mistake(
        _to_second,
        "Each first view was compared with second views only, and only in this direction. All other 2N "
        "- 1 views are in the denominator, and all 2N views are averaged.",
    ),
    Mistake(
        lambda a, b, t: (_to_second(a, b, t) + _to_second(b, a, t)) / 2,
        "First views were compared with second views only: this is the loss of CLIP. In NT-Xent the "
        "other first views are negatives, too.",
    ),
    Mistake(
        lambda a, b, t: _losses(_others(_similar(a, b, t)))[: len(a)].mean(),
        "Only the N first views were averaged. The second views must find their partners, too: average "
        "over all 2N.",
    ),
    Mistake(
        _raw,
        "The views were not normalised. Cosine similarity is the product of vectors of length 1.",
    ),
    Mistake(
        lambda a, b, t: plain.nt_xent(a, b, 1 / t),
        "The similarities were multiplied by the temperature. Divide by it: a low temperature makes "
        "differences larger.",
    ),
    Mistake(
        lambda a, b, t: plain.nt_xent(a, b, 1.0),
        "The temperature was not used. Divide every similarity by it.",
    ),
    Mistake(
        _positive_left_out,
        "The partner is missing in the denominator. The sum goes over all other views, the partner "
        "among them.",
    ),
    Mistake(
        _positive_twice,
        "The partner was counted twice in the denominator. Add each of the other 2N - 1 views once.",
    ),
    Mistake(
        _next_row,
        "The next row was taken as the partner. The views of image i are rows i and i + N of all 2N.",
    ),
    Mistake(
        lambda a, b, t: plain.nt_xent(a, b, t) * 2 * len(a),
        "The losses of all views were added. Return their mean, over all 2N.",
    ),
    Mistake(
        lambda a, b, t: plain.nt_xent(a, b, t) * 2,
        "The sum was divided by N. There are 2N views, and each has a loss.",
    ),
    Mistake(
        lambda a, b, t: -plain.nt_xent(a, b, t),
        "The minus sign is missing: the logarithm of a probability is negative, and the loss is above 0.",
    ),
)


def _same(i, n):
    return i % n


def _cut(of_image, of_corner=lambda i, n: i):
    """`two_views` by another rule: (number of the crop, N) -> its image, and its row of `corners`."""

    def two_views(images, corners, size):
        n, views = len(images), []
        for i in range(2 * n):
            top, left = corners[of_corner(i, n)].tolist()
            views.append(images[of_image(i, n)][:, top : top + size, left : left + size])
        return torch.stack(views)

    return two_views


TWO_VIEWS = (
    Mistake(
        _cut(_same, _same),
        "Both views of an image were cut at the same corner, so they are equal. The second view of "
        "image i has its corner in row i + N.",
    ),
    Mistake(
        _cut(lambda i, n: i // 2, lambda i, n: i // 2 + i % 2 * n),
        "The two views of an image stand side by side. Return all N first views, then all N second "
        "views: torch.cat.",
    ),
    Mistake(
        _cut(lambda i, n: i // 2),
        "Crops 0 and 1 were cut from image 0, crops 2 and 3 from image 1. Crop i comes from image i % N: "
        "partners are N rows apart.",
    ),
    Mistake(
        _cut(_same, lambda i, n: i % n * 2 + i // n),
        "Rows 2i and 2i + 1 of the corners were used for image i. Its corners are in rows i and i + N.",
    ),
    Mistake(
        lambda images, corners, size: plain.two_views(images, corners.flip(1), size),
        "Row and column are exchanged: a corner is (row, column), an image [C, H, W].",
    ),
    Mistake(
        _cut(lambda i, n: (i + i // n) % n),
        "The second views were cut from the next image. Rows i and i + N must show the same image: they "
        "are the positive pair.",
    ),
    Mistake(
        lambda images, corners, size: plain.two_views(images, corners, size)[: len(images)],
        "Only one view of each image was returned. There are 2N: all first views, then all second views.",
    ),
    Mistake(
        lambda images, corners, size: plain.two_views(images, corners, size + 1),
        "The crop is one pixel too long. Rows top to top + size, where the end is not included, are "
        "`size` rows.",
    ),
)


def _partner(rule):
    """`case_pairs` by another rule: (i, the photos of its case, N) -> its partner."""

    def case_pairs(cases):
        labels = cases.tolist()
        photos = [[j for j, other in enumerate(labels) if other == label] for label in labels]
        return torch.tensor([rule(i, row, len(labels)) for i, row in enumerate(photos)])

    return case_pairs


def _next(i, photos):
    return photos[(photos.index(i) + 1) % len(photos)]


CASE_PAIRS = (
    Mistake(
        _partner(lambda i, photos, n: i),
        "Every photo was paired with itself. Take the next photo of the same case.",
    ),
    Mistake(
        _partner(lambda i, photos, n: min([j for j in photos if j > i], default=i)),
        "The last photo of a case was paired with itself. After the last comes the first again.",
    ),
    Mistake(
        _partner(lambda i, photos, n: (i + 1) % n),
        "The next photo was taken, whatever its case. Both photos of a pair must show the same case.",
    ),
    Mistake(
        _partner(lambda i, photos, n: i + 1 if i + 1 in photos else photos[0]),
        "Only the photo right after it was looked at. The photos of a case may stand anywhere in the row.",
    ),
    Mistake(
        _partner(lambda i, photos, n: photos[0]),
        "The first photo of the case was taken every time. Take the next one; only the last photo gets "
        "the first.",
    ),
    Mistake(
        _partner(lambda i, photos, n: next((j for j in photos if j != i), i)),
        "The first other photo of the case was taken. Take the next one after it; only the last photo "
        "gets the first.",
    ),
    Mistake(
        _partner(lambda i, photos, n: photos[photos.index(i) - 1]),
        "The previous photo of the case was taken. Take the next one.",
    ),
    Mistake(
        _partner(lambda i, photos, n: (i + 1) % n if len(photos) == 1 else _next(i, photos)),
        "A photo that is alone got a photo of another case. Pair it with itself.",
    ),
    Mistake(
        _partner(lambda i, photos, n: -1 if len(photos) == 1 else _next(i, photos)),
        "A photo that is alone got no partner. Pair it with itself.",
    ),
    Mistake(
        _partner(lambda i, photos, n: min([j for j in photos if j > i], default=0)),
        "After the last photo of a case photo 0 was taken. Take the first photo of this case.",
    ),
    Mistake(
        _partner(lambda i, photos, n: (photos.index(i) + 1) % len(photos)),
        "These are places within the case. Return numbers of photos, as they stand in `cases`.",
    ),
)
