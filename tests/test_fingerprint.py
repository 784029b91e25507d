"""Fingerprints: by type and by value, the same in every process, and never a guess."""

import collections
import dataclasses
import enum
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.cache import fingerprint


class Point(collections.namedtuple("Point", "x y")):
    __slots__ = ()


@dataclasses.dataclass
class Recipe:
    lr: float
    layers: list


class Kind(enum.IntEnum):
    A = 1


VALUES = [
    None, False, 0, 0.0, -0.0, math.nan, math.inf, 0j, "", "0", "None", b"", b"0", 1, True, 1.0, 10**5000, ...,
    [], (), {}, set(), frozenset(), [1], (1,), {1}, [1, 2], [[1], 2], [[1, 2]], ["ab"], ["a", "b"], {"a": 1},
    {"a": 2}, {1: "a"}, [("a", 1)], {"1": 1}, {1: 1}, {True: 1}, {"a", "b"}, {"a", "c"}, "\ud800", range(3),
    range(4), slice(3), slice(None, 3, 1), Path("a"), Path("b"), torch.float32, torch.float64,
    torch.device("cpu"), torch.Size([1]), Kind.A, Point(1, 2), Point(1, 3), Recipe(1.0, [1]), Recipe(1.0, [2]),
    np.float32(1), np.float64(1), np.int64(1), np.bool_(True), np.str_("a"), torch.zeros(2), torch.zeros(2, 1),
    torch.zeros(1, 2), torch.ones(2), torch.zeros(()), torch.zeros(0), torch.zeros(0, 2), torch.zeros(2).half(),
    torch.zeros(2).bfloat16(), torch.zeros(2, dtype=torch.int64), torch.tensor([0.0, -0.0]),
    torch.tensor([1.00001]), torch.tensor([1.00002]), [torch.tensor([1.00001])], [torch.tensor([1.00002])],
    {"a": torch.zeros(2)}, {"a": torch.ones(2)}, torch.tensor([1j]), torch.tensor([1j]).conj(),
    torch.tensor([True]), torch.arange(6).view(2, 3), torch.arange(6).view(3, 2), torch.arange(6).view(3, 2).T,
    torch.arange(8)[::2], torch.eye(2).to_sparse(), torch.eye(2), np.zeros(2), np.zeros((2, 1)), np.ones(2),
    np.zeros(2, "f4"), np.zeros(2, ">f4"), np.zeros(()), np.array(["a"]), np.array(["b"]), np.zeros(2, "M8[s]"),
    np.zeros(2, "M8[D]"), np.zeros(2, [("a", "f4")]), np.zeros(2, [("b", "f4")]), np.arange(6).reshape(2, 3),
    np.arange(6).reshape(3, 2).T,
]  # fmt: skip


def test_fingerprints_tell_values_apart_by_type_and_content():
    keys = [fingerprint(value) for value in VALUES]
    assert [i for i, x in enumerate(keys) if keys.index(x) != i] == []
    assert [fingerprint(value) for value in VALUES] == keys
    assert (
        len({fingerprint("a", "b"), fingerprint("ab"), fingerprint(("a", "b")), fingerprint()}) == 4
    )
    a, b = np.zeros(5000), np.zeros(5000)
    b[2500] = 1
    assert fingerprint(a) != fingerprint(b)


def test_fingerprints_do_not_depend_on_layout_order_of_keys_or_gradients():
    x = torch.arange(6.0).view(2, 3)
    assert fingerprint(x) == fingerprint(x.T.contiguous().T) == fingerprint(nn.Parameter(x))
    array = np.arange(6).reshape(2, 3)
    assert fingerprint(array) == fingerprint(np.asfortranarray(array))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


class Sub(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "value, kind",
    [
        (np.array([1, "a"], dtype=object), "ndarray"),
        (np.ma.array([1], mask=[1]), "MaskedArray"),
        (torch.zeros(2).as_subclass(Sub), "Sub"),
        (torch.empty(2, device="meta"), "Tensor"),
        (len, "builtin_function_or_method"),
        (collections.defaultdict(int), "defaultdict"),
        (object(), "object"),
        (nn.ReLU(), "ReLU"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_fingerprints_refuse_what_they_cannot_tell(value, kind):
    with pytest.raises(TypeError, match=f"cannot tell the value of part 1 \\(a {kind}\\)"):
        fingerprint(0, value)
    with pytest.raises(TypeError, match=f"the value of part 0\\['log'\\]\\[1\\] \\(a {kind}\\)"):
        fingerprint({"log": [0, value]})


LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text(max_size=2)
KEYS = st.integers(0, 3) | st.text(max_size=1)


def nested(x):
    return st.lists(x, max_size=3) | st.dictionaries(KEYS, x, max_size=3) | st.tuples(x, x)


@given(st.recursive(LEAVES, nested), st.data())
@settings(max_examples=100, deadline=None)
def test_two_values_have_one_fingerprint_only_if_they_read_alike(value, data):
    def plain(x):
        if isinstance(x, dict):
            return sorted((repr(k), plain(v)) for k, v in x.items())
        return (type(x).__name__, [plain(y) for y in x]) if isinstance(x, list | tuple) else repr(x)

    other = data.draw(st.lists(st.none() | st.integers(-1, 1), max_size=2) | st.just(value))
    same = type(value) is type(other) and plain(value) == plain(other)
    assert (fingerprint(value) == fingerprint(other)) == same
