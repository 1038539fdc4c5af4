import re

import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.sampling_params import SamplingParams
from regard.serving.server.completion_protocol import CompletionRequest
from regard.serving.server.sampling_options import sampling_params, structured_output

VOCAB_SIZE = 100


def request(**options: object) -> CompletionRequest:
    return CompletionRequest.model_validate({"prompt": "x", **options})


def params(**options: object) -> SamplingParams:
    return sampling_params(
        request(**options), vocab_size=VOCAB_SIZE, max_tokens=None, logprobs=None, structured=None
    )


def test_null_is_the_default_everywhere():
    names = set(CompletionRequest.model_fields) - {"prompt"}
    assert params(**dict.fromkeys(names)) == params() == SamplingParams()


@pytest.mark.parametrize("stop", ["end", ["end"]])
def test_one_stop_string_and_a_list_of_one_are_the_same(stop: object):
    assert params(stop=stop).stop == ("end",)


@pytest.mark.parametrize(
    "bias", [{"100": 1}, {"-1": 1}, {"1.0": 1}, {"": 1}, {"9" * 5000: 1}, {"²": 1}, {"٣": 1}]
)
def test_a_bias_of_no_token_is_refused(bias: dict[str, float]):
    with pytest.raises(InvalidRequestError) as refusal:
        params(logit_bias=bias)
    assert refusal.value.param == "logit_bias"


@pytest.mark.parametrize("choice", ["a.b", "(x)", "^$|", "[0-9]+", "back\\slash", "sp ace", "{2}"])
def test_a_choice_matches_itself_only(choice: str):
    form = structured_output(request(guided_choice=[choice, "other"]))
    assert form is not None
    assert re.fullmatch(form.value, choice)
    assert not re.fullmatch(form.value, choice + "x")


@pytest.mark.parametrize(
    "options",
    [
        {"guided_json": {}, "guided_regex": "a"},
        {"structured_outputs": {"regex": "a", "grammar": "b"}},
        {"structured_outputs": {"regex": "a"}, "guided_choice": ["a"]},
    ],
)
def test_two_forms_at_once_are_refused(options: dict[str, object]):
    with pytest.raises(InvalidRequestError, match="one form"):
        structured_output(request(**options))


@pytest.mark.parametrize("schema", ["", "{", "[]", "3", "[" * 100_000])
def test_a_schema_as_text_must_be_an_object(schema: str):
    with pytest.raises(InvalidRequestError) as refusal:
        structured_output(request(guided_json=schema))
    assert refusal.value.param == "guided_json"
