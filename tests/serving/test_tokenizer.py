import os

import pytest
import tokenizers
from tokenizers import models, processors

from regard.serving import default_model
from regard.serving.errors import InvalidRequestError, WeightsError
from regard.serving.models.gguf_file import GGUFFile
from regard.serving.tokenizer import Tokenizer
from tests.serving.tiny import byte_tokenizer

TEXTS = [
    "Hello, world! It's 2026; they'll pay 1,234.50 €.",
    "  leading   runs\n\n\tof white   space  \r\n end ",
    "def f(x):\n    return x**2  # naïve café 漢字 🙂👩‍🚀",
    "<|im_start|>user\nhi<|im_end|>\n",
    "",
    "'S 'Re don't I'VE 007",
]


@pytest.mark.slow
def test_the_gguf_tokenizer_gives_the_ids_of_transformers():
    """On texts without a run of spaces before a digit, or a digit like ½.

    transformers takes GPT-2's splitting rule for every GGUF file and so joins those; the model's
    own tokenizer and llama.cpp part digits first, as the file says.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoTokenizer

    path = default_model.path()
    theirs = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    ours = Tokenizer.from_gguf(path, GGUFFile(path).tokenizer_metadata())
    for text in TEXTS:
        ids = ours.encode(text)
        assert ids == theirs(text, add_special_tokens=False)["input_ids"], text
        assert ours.decode(ids, skip_special=False) == text


@pytest.mark.parametrize(
    ("rule", "pieces"),
    [
        ("gpt-2", ["a", "ĠĠ", "Ġ123", "!'", "s", "Ċ", "Ċ", "b"]),
        ("smollm", ["a", "ĠĠĠ", "1", "2", "3", "!'", "s", "Ċ", "Ċ", "b"]),
        ("llama-bpe", ["a", "ĠĠ", "Ġ", "123", "!'", "s", "ĊĊ", "b"]),
        ("qwen2", ["a", "ĠĠ", "Ġ", "1", "2", "3", "!'", "s", "ĊĊ", "b"]),
    ],
)
def test_a_text_is_split_by_the_rule_of_its_file(tmp_path, rule, pieces):
    letters = sorted(byte_tokenizer().backend.get_vocab())
    metadata = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": rule,
        "tokenizer.ggml.tokens": letters,
        "tokenizer.ggml.merges": [],
    }
    backend = Tokenizer.from_gguf(tmp_path / "x.gguf", metadata).backend
    found = backend.pre_tokenizer.pre_tokenize_str("a   123!'s\n\nb")
    assert [piece for piece, _ in found] == pieces


@pytest.mark.parametrize("text", TEXTS[:3])
def test_bytes_of_tokens_join_to_the_text(text):
    tokenizer = byte_tokenizer()
    ids = tokenizer.encode(text)
    assert b"".join(tokenizer.convert_id_to_bytes(i) for i in ids) == text.encode()
    assert tokenizer.decode(ids) == text


def test_special_tokens_are_recognised_and_skipped():
    tokenizer = byte_tokenizer()
    assert tokenizer.encode("a<eos>")[-1] == 256
    assert tokenizer.decode([256, 257]) == ""
    assert tokenizer.decode([256], skip_special=False) == "<eos>"
    assert tokenizer.convert_id_to_bytes(256) == b"<eos>"


def test_a_directory_gives_back_the_same_tokenizer(tmp_path):
    tokenizer = byte_tokenizer()
    tokenizer.backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": {"content": "<eos>"}}')
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0].content }}!")
    read = Tokenizer.from_directory(tmp_path)
    assert read.encode("né") == tokenizer.encode("né")
    assert read.eos_token_ids == {256}
    assert read.apply_chat_template([{"role": "user", "content": "hi"}]) == "hi!"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        Tokenizer.from_directory(tmp_path)


def test_an_unknown_splitting_rule_is_refused(tmp_path):
    metadata = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "martian"}
    with pytest.raises(WeightsError, match="'martian' is not supported"):
        Tokenizer.from_gguf(tmp_path / "x.gguf", metadata)


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no system here') }}",
        "{{ messages[0].content.upper( }}",
        "{{ ''.__class__.__mro__ }}",
    ],
)
def test_a_template_that_refuses_is_the_callers_error(template):
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(InvalidRequestError, match="refuses these messages"):
        tokenizer.apply_chat_template([{"role": "user", "content": "x"}])


def test_without_a_template_chats_are_refused():
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None
    assert not tokenizer.has_chat_template
    with pytest.raises(InvalidRequestError, match="no chat template"):
        tokenizer.apply_chat_template([{"role": "user", "content": "x"}])


def test_half_a_surrogate_pair_is_the_callers_error():
    with pytest.raises(InvalidRequestError, match="surrogate"):
        byte_tokenizer().encode("a\ud800")


def test_a_text_begins_as_the_models_own_tokenizer_begins_it(tmp_path):
    """By a post-processor (Llama 3) or a flag, and never twice."""
    tokenizer = byte_tokenizer()
    plain = tokenizer.encode("hi")
    assert tokenizer.encode("hi", add_special=True) == plain
    for number, (with_processor, flag) in enumerate(
        [(True, "false"), (False, "true"), (True, "true")]
    ):
        backend = tokenizers.Tokenizer.from_str(tokenizer.backend.to_str())
        if with_processor:
            backend.post_processor = processors.TemplateProcessing(
                single="<a> $A", special_tokens=[("<a>", 257)]
            )
        directory = tmp_path / str(number)
        directory.mkdir()
        backend.save(str(directory / "tokenizer.json"))
        config = f'{{"bos_token": "<a>", "add_bos_token": {flag}}}'
        (directory / "tokenizer_config.json").write_text(config)
        read = Tokenizer.from_directory(directory)
        assert read.encode("hi") == plain
        assert read.encode("hi", add_special=True) == [257, *plain]


@pytest.mark.parametrize("message", [{}, {"role": "user"}, {"role": "user", "content": None}])
def test_messages_that_break_a_template_are_the_callers_error(message):
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = "{{ messages[0].role + messages[0].content[1:] }}"
    with pytest.raises(InvalidRequestError, match="refuses these messages"):
        tokenizer.apply_chat_template([message])


def test_sentence_pieces_have_bytes():
    pieces = ["<unk>", "▁", "▁a", "é", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    backend = tokenizers.Tokenizer(
        models.BPE(vocabulary, [], byte_fallback=True, unk_token="<unk>")
    )
    tokenizer = Tokenizer(backend, eos_token_ids=frozenset())
    assert tokenizer.knows_bytes
    found = [tokenizer.convert_id_to_bytes(i) for i in (2, 3, 4 + 0xF0)]
    assert found == [b" a", "é".encode(), b"\xf0"]
    assert tokenizer.convert_id_to_bytes(99_999) == b""
