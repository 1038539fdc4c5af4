from collections.abc import Sequence

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from regard.serving.server.token_bytes import token_bytes
from tests.serving.server.fake_engine import EOS, FakeTokenizer


class ByteLevel(FakeTokenizer):
    """A tokenizer whose vocabulary is the alphabet of byte-level BPE."""

    def __init__(self) -> None:
        vocabulary = {
            character: number
            for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
        }
        self.backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
        self.backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.backend.decoder = decoders.ByteLevel()

    def encode(self, text: str, add_special: bool = False) -> list[int]:
        return self.backend.encode(text).ids

    def decode(self, token_ids: Sequence[int], skip_special: bool = True) -> str:
        return self.backend.decode(list(token_ids), skip_special_tokens=skip_special)

    def convert_id_to_token(self, token_id: int) -> str:
        return self.backend.id_to_token(token_id)


@pytest.mark.parametrize("text", ["plain", " spaced\n", "naïve", "日本", "🤖", "\0\x7f"])
@pytest.mark.parametrize("tokenizer", [ByteLevel(), FakeTokenizer()], ids=["level", "fallback"])
def test_the_bytes_of_a_texts_tokens_are_the_texts_bytes(tokenizer, text: str):
    pieces = [token_bytes(tokenizer, token_id) for token_id in tokenizer.encode(text)]
    assert b"".join(pieces) == text.encode()


def test_special_tokens_are_spelled_out():
    assert token_bytes(FakeTokenizer(), EOS) == b"<eos>"
