import random

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from regard.serving.detokenizer import REPLACEMENT, IncrementalDetokenizer
from regard.serving.tokenizer import Tokenizer
from tests.serving.tiny import byte_tokenizer

TEXT = "naïve 漢字 🙂👩\u200d🚀 — fin\n"


def sentence_piece_tokenizer() -> Tokenizer:
    """A vocabulary as SentencePiece makes them: ▁ for a space, <0xNN> for other bytes."""
    pieces = [
        "<unk>",
        "▁",
        "a",
        "b",
        "▁a",
        "ab",
        "▁ab",
        *(f"<0x{byte:02X}>" for byte in range(256)),
    ]
    merges = [("▁", "a"), ("a", "b"), ("▁a", "b")]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    bpe = models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, unk_token="<unk>")
    backend = tokenizers.Tokenizer(bpe)
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return Tokenizer(backend, eos_token_ids=frozenset({0}))


def pushed(tokenizer: Tokenizer, ids: list[int], *, prompt: tuple[int, ...] = ()) -> list[str]:
    detokenizer = IncrementalDetokenizer(tokenizer, prompt)
    return [*(detokenizer.push(token_id) for token_id in ids), detokenizer.flush()]


@pytest.mark.parametrize("make", [byte_tokenizer, sentence_piece_tokenizer])
def test_text_is_whole_and_no_character_comes_by_halves(make):
    tokenizer = make()
    pieces = pushed(tokenizer, tokenizer.encode(TEXT))
    # SentencePiece begins every text with a space, which is right for one that follows a prompt.
    assert "".join(pieces).removeprefix(" ") == TEXT
    assert not any(REPLACEMENT in piece for piece in pieces)


def test_characters_come_with_their_last_byte():
    tokenizer = byte_tokenizer()
    pieces = pushed(tokenizer, tokenizer.encode("a🙂b"))
    assert pieces == ["a", "", "", "", "🙂", "b", ""]


def test_any_bytes_give_the_text_that_decoding_all_gives():
    """Invalid sequences before, after and within characters included."""
    tokenizer = byte_tokenizer()
    rng = random.Random(0)
    whole = tokenizer.encode(TEXT)
    for _ in range(300):
        start = rng.randrange(len(whole))
        ids = whole[start : start + rng.randint(0, 12)]
        for _ in range(rng.randint(0, 4)):
            ids.insert(rng.randint(0, len(ids)), rng.randrange(256))
        assert "".join(pushed(tokenizer, ids)) == tokenizer.decode(ids)


def test_a_half_character_is_lost_only_if_never_completed():
    tokenizer = byte_tokenizer()
    ids = tokenizer.encode("é")
    assert pushed(tokenizer, ids[:1]) == ["", REPLACEMENT]


def test_a_character_begun_in_the_prompt_ends_in_the_output():
    tokenizer = byte_tokenizer()
    *begun, last = tokenizer.encode("a🙂")
    assert pushed(tokenizer, [last], prompt=tuple(begun)) == ["🙂", ""]


def test_a_space_at_the_left_edge_is_kept_after_a_prompt():
    """A decoder that strips the first space must not strip that of every piece."""
    tokenizer = sentence_piece_tokenizer()
    ids = tokenizer.encode("ab ab a")
    assert "".join(pushed(tokenizer, ids[1:], prompt=(ids[0],))) == " ab a"


def test_a_tokenizer_that_joins_words_is_followed_by_its_texts():
    """WordPiece knows the space before a word only from the words around it."""
    vocabulary = {piece: index for index, piece in enumerate(["?", "un", "##do", "it", "now"])}
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="?"))
    backend.decoder = decoders.WordPiece()
    tokenizer = Tokenizer(backend, eos_token_ids=frozenset())
    assert not tokenizer.knows_bytes
    assert pushed(tokenizer, [1, 2, 3, 4], prompt=(4,)) == [" un", "do", " it", " now", ""]


@pytest.mark.parametrize(("skip", "text"), [(True, "ab"), (False, "a<eos>b")])
def test_special_tokens_show_only_where_asked(skip, text):
    tokenizer = byte_tokenizer()
    detokenizer = IncrementalDetokenizer(tokenizer, (), skip)
    ids = tokenizer.encode("a<eos>b")
    assert "".join(detokenizer.push(token_id) for token_id in ids) == text
