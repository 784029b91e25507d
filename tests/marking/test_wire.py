"""Messages to and from the cage: what travels arrives as it was, and nothing else is believed."""

import math
import os
import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.marking import wire
from course_lib.marking.wire import Ended, Garbled, form_of, receive, send, value_of

PLAIN = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=9)
NESTED = st.recursive(
    PLAIN, lambda v: st.lists(v, max_size=3) | st.tuples(v, v) | st.just(...), max_leaves=9
)
TENSORS = [
    torch.zeros(0, 4),
    torch.tensor(2.5),
    torch.arange(6).view(2, 3),
    torch.tensor([True, False]),
    torch.tensor([1.5, math.nan], dtype=torch.float16),
    torch.rand(2, 3, dtype=torch.float64).T,
    torch.ones(2, requires_grad=True) * 2,
    torch.tensor([1, 255], dtype=torch.uint8),
]


@given(NESTED)
def test_what_travels_arrives_as_it_was(value):
    arrived = value_of(form_of(value))
    assert repr(arrived) == repr(value) and type(arrived) is type(value)


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda t: f"{t.dtype} {list(t.shape)}")
def test_tensors_and_arrays_arrive_as_they_were(tensor):
    arrived = value_of(form_of(tensor))
    assert arrived.dtype == tensor.dtype and arrived.shape == tensor.shape
    assert torch.equal(arrived.nan_to_num(), tensor.detach().nan_to_num())
    array = value_of(form_of(tensor.detach().numpy()))
    assert isinstance(array, np.ndarray) and array.dtype == tensor.detach().numpy().dtype


def test_bfloat16_arrives_as_the_type_that_holds_it():
    assert value_of(form_of(torch.tensor([1.5], dtype=torch.bfloat16))).dtype == torch.float32


def test_an_object_arrives_as_its_type_s_name_alone():
    class Forged(float):
        def __eq__(self, other):
            return True

    arrived = value_of(form_of(Forged(1.0)))
    assert type(arrived).__name__ == "Forged" and not hasattr(arrived, "real")
    assert type(value_of({"other": "a b; import os"})).__name__ == "object"


GOOD = form_of(torch.tensor([1.0, 2.0]))["tensor"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"tuple": 3},
        {"list": {"a": 1}},
        {"float": "1.0"},
        {"pickle": "gASV"},
        {"tensor": 3},
        {"tensor": GOOD, "array": GOOD},
        {"tensor": GOOD | {"shape": [3]}},
        {"tensor": GOOD | {"shape": [-2]}},
        {"tensor": GOOD | {"shape": [2.0]}},
        {"tensor": GOOD | {"shape": [1] * 40 + [2]}},
        {"tensor": GOOD | {"shape": [2**31, 0]}},
        {"tensor": GOOD | {"kind": "O"}},
        {"tensor": GOOD | {"data": "%%%"}},
        {"tensor": GOOD | {"more": 1}},
        {"array": {"kind": "b1", "shape": [1], "data": "Ag=="}},
    ],
    ids=str,
)
def test_a_form_that_nobody_writes_is_refused(form):
    with pytest.raises(Garbled):
        value_of(form)


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_message_goes_through_a_pipe(pipe):
    send(pipe[1], {"do": "call", "text": "ü" * 100})
    assert receive(pipe[0], time.monotonic() + 1) == {"do": "call", "text": "ü" * 100}


@pytest.mark.parametrize(
    "sent",
    [b"\0" * 7 + b"\2[]", b"\0" * 7 + b"\3{x}", b"\xff" * 8, b"\0" * 7 + b"\1\xff"],
    ids=["a list", "no JSON", "too long", "no text"],
)
def test_what_is_no_message_is_refused(pipe, sent):
    os.write(pipe[1], sent)
    with pytest.raises(Garbled):
        receive(pipe[0], time.monotonic() + 1)


def test_nesting_without_end_is_refused(pipe, monkeypatch):
    body = b'{"a":' * 5000
    monkeypatch.setattr(wire, "_wait", lambda *_, **__: None)
    os.write(pipe[1], len(body).to_bytes(8, "big") + body)
    with pytest.raises(Garbled):
        receive(pipe[0])


def test_silence_and_an_end_are_told_apart(pipe):
    with pytest.raises(Ended) as silence:
        receive(pipe[0], time.monotonic() + 0.05)
    assert silence.value.late
    inner = os.pipe()
    os.close(inner[1])
    with pytest.raises(Ended) as end:
        receive(inner[0], time.monotonic() + 1)
    os.close(inner[0])
    assert not end.value.late


def test_who_does_not_read_does_not_stop_the_writer(pipe):
    os.set_blocking(pipe[1], False)
    with pytest.raises(Ended) as ended:
        send(pipe[1], {"text": "x" * 10**6}, time.monotonic() + 0.2)
    assert ended.value.late
