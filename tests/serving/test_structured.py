import json

import pytest
import torch

from regard.serving import default_model
from regard.serving.errors import InvalidRequestError
from regard.serving.models.gguf_file import GGUFFile
from regard.serving.sampling_params import StructuredOutput
from regard.serving.structured import GrammarState, compile_grammar
from regard.serving.tokenizer import Tokenizer
from tests.serving.tiny import byte_tokenizer

EOS = 256
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_tokenizer()


def start(kind: str, value: str, tokenizer: Tokenizer) -> GrammarState:
    return compile_grammar(StructuredOutput(kind, value), tokenizer)


def accepts(kind: str, value: str, text: str, tokenizer: Tokenizer) -> bool:
    """Whether the masks let a text through, to its end."""
    state = start(kind, value, tokenizer)
    for token_id in tokenizer.encode(text):
        if not state.mask()[token_id]:
            return False
        state.accept(token_id)
    return bool(state.mask()[EOS])


def walk_at_random(state: GrammarState, seed: int, limit: int = 400) -> list[int]:
    """Tokens drawn evenly from the masks, ends of text included."""
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = []
    while not state.is_finished and len(ids) < limit:
        allowed = state.mask().nonzero()[:, 0]
        token_id = int(allowed[torch.randint(len(allowed), (1,), generator=generator)])
        ids.append(token_id)
        state.accept(token_id)
    assert state.problem is None
    return ids


@pytest.mark.parametrize(
    ("kind", "value", "text", "fits"),
    [
        ("regex", "[ab]{2,3}c", "abc", True),
        ("regex", "[ab]{2,3}c", "ac", False),
        ("regex", "[ab]{2,3}c", "ab", False),
        ("regex", "é+", "éé", True),
        ("json_object", "", '{"a": [1, null]}', True),
        ("json_object", "", "[1]", False),
        ("json_schema", json.dumps(PERSON), '{"name":"Ada","age":36,"tags":["a"]}', True),
        ("json_schema", json.dumps(PERSON), '{"name":"Ada","age":151,"tags":[]}', False),
        ("json_schema", json.dumps(PERSON), '{"name":"Ada"}', False),
        ("grammar", 'start: "up" | "down" n\nn: /[0-9]+/', "down42", True),
        ("grammar", 'start: "up" | "down" n\nn: /[0-9]+/', "up4", False),
    ],
)
def test_masks_let_through_what_fits_and_nothing_else(kind, value, text, fits, tokenizer):
    assert accepts(kind, value, text, tokenizer) is fits


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_masks_allow_keeps_to_the_schema(seed, tokenizer):
    ids = walk_at_random(start("json_schema", json.dumps(PERSON), tokenizer), seed)
    made = json.loads(tokenizer.decode(ids))
    assert list(made) == ["name", "age", "tags"]
    assert len(made["name"]) <= 12
    assert 0 <= made["age"] <= 150
    assert set(made["tags"]) <= {"a", "b"}


def test_only_the_end_may_follow_a_complete_text(tokenizer):
    state = start("regex", "ab", tokenizer)
    for token_id in tokenizer.encode("ab"):
        assert not state.is_finished
        assert not state.mask()[EOS]
        state.accept(token_id)
    assert state.is_finished
    assert state.mask().nonzero()[:, 0].tolist() == [EOS]


def test_a_text_that_may_go_on_may_also_end(tokenizer):
    state = start("regex", "a+", tokenizer)
    letter = tokenizer.encode("a")[0]
    state.accept(letter)
    assert not state.is_finished
    assert state.mask().nonzero()[:, 0].tolist() == sorted([letter, EOS])
    state.accept(EOS)
    assert state.is_finished


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("regex", "(", "unclosed group"),
        ("regex", r"a(?=b)", "look-around"),
        ("regex", r"[^\s\S]", "no text fits"),
        ("json_schema", "{", "double quotes"),
        ("json_schema", "[]", "is a JSON object; this is list"),
        ("json_schema", "true", "is a JSON object; this is bool"),
        ("json_schema", '{"type": "nonsense"}', "Invalid type: nonsense"),
        ("json_schema", '{"type": "integer", "minimum": 5, "maximum": 3}', "Unsatisfiable"),
        ("json_schema", '{"$ref": "#"}', "no text fits"),
        ("json_schema", '{"$ref": "#/$defs/x"}', "does not exist"),
        ("json_schema", '{"$ref": "http://example.org/x"}', "not present"),
        ("json_schema", '{"a":' * 5000 + "1" + "}" * 5000, "nested too deep|recursion"),
        ("grammar", 'foo: "a"', "no start rule"),
        ("grammar", 'start: start "a"', "no text fits"),
    ],
    ids=lambda value: value[:24],
)
def test_an_impossible_form_is_refused_with_the_reason(kind, value, reason, tokenizer):
    with pytest.raises(InvalidRequestError, match=reason) as caught:
        start(kind, value, tokenizer)
    assert caught.value.param == "response_format"
    assert f"the {kind} cannot be used" in str(caught.value)


def test_equal_forms_are_compiled_once_and_advance_apart(tokenizer):
    first, second = (start("regex", "ab", tokenizer) for _ in range(2))
    a, b = tokenizer.encode("ab")
    first.accept(a)
    assert first.mask().nonzero()[:, 0].tolist() == [b]
    assert second.mask().nonzero()[:, 0].tolist() == [a]


def test_a_grammar_that_outgrows_its_limits_says_so_and_raises_nothing(tokenizer):
    state = start("grammar", 'start: "a" start', tokenizer)
    for _ in range(2):
        assert state.mask().any()
        state.accept(tokenizer.encode("a")[0])
    assert state.is_finished
    assert "Too many items" in state.problem


def test_a_token_that_does_not_fit_is_a_problem(tokenizer):
    state = start("regex", "ab", tokenizer)
    state.accept(tokenizer.encode("z")[0])
    assert state.problem
    assert state.is_finished


@pytest.mark.slow
def test_the_default_model_s_tokens_span_several_characters():
    path = default_model.path()
    tokenizer = Tokenizer.from_gguf(path, GGUFFile(path).tokenizer_metadata())
    state = start("json_schema", json.dumps(PERSON), tokenizer)
    text = '{"name": "Grace", "age": 85, "tags": ["b", "a"]}'
    ids = tokenizer.encode(text)
    assert len(ids) < len(text) / 1.5
    for token_id in ids:
        assert state.mask()[token_id]
        state.accept(token_id)
    assert state.is_finished
    ended = set(state.mask().nonzero()[:, 0].tolist())
    assert ended == tokenizer.eos_token_ids
