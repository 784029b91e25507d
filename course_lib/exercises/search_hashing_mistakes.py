"""Known mistakes with codes and buckets, each with the hint for who made it (L1.14)."""

import torch

from course_lib.by_definition import search as plain
from course_lib.exercises import search_solutions as right
from course_lib.exercises.task import Mistake


def _bits(rule):
    """`hyperplane_codes` by another rule: scalar products [N, B] -> codes."""
    return lambda x, normals: rule(x @ normals.T)


def _one_number(x, normals):
    bits = plain.hyperplane_bits(x, normals)
    return (bits * 2 ** torch.arange(len(normals))).sum(dim=1)


HYPERPLANE_CODES = (
    Mistake(
        _bits(lambda products: (products >= 0).long()),
        "A vector that lies on the plane got 1. Its scalar product is 0, and only a product above 0 "
        "gives 1.",
    ),
    Mistake(
        _bits(lambda products: products > 0),
        "Truth values were returned. Return them as whole numbers, 0 and 1.",
    ),
    Mistake(
        _bits(lambda products: (products > 0).float()),
        "Floating-point numbers were returned. A code holds whole numbers: 1 where the product is above "
        "0, else 0.",
    ),
    Mistake(
        _bits(lambda products: products.sign().long()),
        "The sign was returned: -1, 0 or 1. A bit is 1 on the positive side, and 0 on the plane or on "
        "the negative side.",
    ),
    Mistake(
        _bits(lambda products: (products > 0).long() * 2 - 1),
        "-1 stands where a bit must be 0. The two values of a bit are 0 and 1.",
    ),
    Mistake(
        _bits(lambda products: (products < 0).long()),
        "The negative side got 1. The side to which the normal points gets 1.",
    ),
    Mistake(
        _bits(lambda products: (products <= 0).long()),
        "The bits are inverted: 0 stands on the positive side. There a bit is 1, everywhere else 0.",
    ),
    Mistake(
        _bits(lambda products: (products > 0).long().T),
        "The answer is transposed. Rows belong to the vectors, columns to the planes.",
    ),
    Mistake(
        lambda x, normals: (x > 0).long(),
        "The signs of the coordinates were taken, without `normals`. A bit depends on the scalar product "
        "with a normal.",
    ),
    Mistake(
        _bits(lambda products: (products != 0).long()),
        "Every product other than 0 gave 1. A negative product gives 0.",
    ),
    Mistake(
        _bits(lambda products: (products.long() > 0).long()),
        "The products were made whole numbers before the comparison, so that 0.5 became 0. Compare "
        "first.",
    ),
    Mistake(
        _bits(lambda products: (products > products.mean(dim=0)).long()),
        "The products were compared with their mean. The planes pass through 0: compare with 0.",
    ),
    Mistake(
        lambda x, normals: (x[:, None] * normals > 0).any(dim=2).long(),
        "Coordinate was compared with coordinate. Sum the products over the coordinates before the "
        "comparison with 0.",
    ),
    Mistake(
        _one_number,
        "The bits of a vector were packed into one number. Return one column for each plane, [N, B].",
    ),
)


def _equal(codes, query):
    return codes == query[:, None]  # [T, N, B]


def _shared(codes, query):
    """Whether a vector is in the query's bucket.  # -> [T, N]"""
    return _equal(codes, query).all(dim=2)


def _where(mask):
    """Indices at which a row is true.  # [N] -> [C]"""
    return mask.nonzero()[:, 0]


def _as_found(codes, query):
    return list(dict.fromkeys(_shared(codes, query).nonzero()[:, 1].tolist()))


def _or_minus_one(codes, query):
    found = right.candidates(codes, query)
    return found if len(found) else torch.tensor([-1])


CANDIDATES = (
    Mistake(
        lambda codes, query: _where(_shared(codes, query).all(dim=0)),
        "A vector had to share the bucket in all tables. One table is enough.",
    ),
    Mistake(
        lambda codes, query: _where(_equal(codes, query).any(dim=2).any(dim=0)),
        "One equal bit was enough. Two vectors share a bucket only if all bits are equal.",
    ),
    Mistake(
        lambda codes, query: _shared(codes, query).nonzero()[:, 1],
        "A vector was listed once for each table in which it was found. List each index once, in "
        "ascending order.",
    ),
    Mistake(
        _as_found,
        "The indices stand in the order in which the tables gave them. Sort them.",
    ),
    Mistake(
        lambda codes, query: _shared(codes, query).any(dim=0),
        "A mask with True for each candidate was returned. Return the indices.",
    ),
    Mistake(
        lambda codes, query: _shared(codes, query).any(dim=0).nonzero(),
        "`nonzero` returns a table with one column. Return a row of indices [C].",
    ),
    Mistake(
        lambda codes, query: _shared(codes, query).any(dim=0).nonzero().squeeze(),
        "With one candidate `squeeze` removes both axes, and a number is left. Remove only the last axis.",
    ),
    Mistake(
        lambda codes, query: set(_as_found(codes, query)),
        "A set was returned: it has no order. Return the indices in ascending order.",
    ),
    Mistake(
        lambda codes, query: _where(_shared(codes, query)[0]),
        "Only the first table was used. Look up the query's bucket in every table.",
    ),
    Mistake(
        lambda codes, query: _where((codes == query[0]).all(dim=2).any(dim=0)),
        "The query's code in the first table was used for all tables. Each table has planes of its own: "
        "compare table t with query[t].",
    ),
    Mistake(
        lambda codes, query: _where(_equal(codes, query).any(dim=0).all(dim=1)),
        "Equal bits of several tables were put together. All bits must be equal in one and the same "
        "table.",
    ),
    Mistake(
        lambda codes, query: _where((codes.sum(dim=2) == query.sum(dim=1)[:, None]).any(dim=0)),
        "The number of ones was compared. The bits must be equal place by place.",
    ),
    Mistake(
        lambda codes, query: _where(
            ((~_equal(codes, query)).sum(dim=2) <= 1).any(dim=0),
        ),
        "A code that differs in one bit was accepted, too. That is another bucket.",
    ),
    Mistake(
        lambda codes, query: _where(_shared(codes, query).flatten()),
        "The places were counted through all tables. Return the index of the vector, 0 to N - 1, "
        "whatever the table.",
    ),
    Mistake(
        _or_minus_one,
        "-1 was returned where no vector shares a bucket. Return an empty row then.",
    ),
)
