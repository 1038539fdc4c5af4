import os

import pytest

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
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoTokenizer

    path = default_model.path()
    theirs = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    ours = Tokenizer.from_gguf(path, GGUFFile(path).tokenizer_metadata())
    for text in TEXTS:
        ids = ours.encode(text)
        assert ids == theirs(text, add_special_tokens=False)["input_ids"], text
        assert ours.decode(ids, skip_special=False) == text


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
