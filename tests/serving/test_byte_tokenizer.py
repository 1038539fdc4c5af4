from hypothesis import given
from hypothesis import strategies as st

from regard.serving.byte_tokenizer import END_OF_TEXT, byte_tokenizer


@given(st.text())
def test_tokens_are_the_bytes_of_the_text(text):
    tokenizer = byte_tokenizer()
    if END_OF_TEXT not in text:
        assert bytes(tokenizer.encode(text)) == text.encode()
        assert tokenizer.decode(list(text.encode())) == text


def test_every_token_is_its_own_byte():
    tokenizer = byte_tokenizer()
    assert [tokenizer.convert_id_to_bytes(i) for i in range(256)] == [
        bytes([i]) for i in range(256)
    ]


def test_special_tokens_follow_and_the_first_ends_a_text():
    tokenizer = byte_tokenizer(["<end>", "<picture>"])
    assert tokenizer.encode("a<picture><end>") == [97, 257, 256]
    assert tokenizer.eos_token_ids == {256}
    assert tokenizer.vocab_size == 258


def test_a_conversation_is_laid_out_as_readable_text():
    messages = [{"role": "user", "content": "Hello"}]
    assert byte_tokenizer().apply_chat_template(messages) == "user: Hello\nassistant: "
