import dataclasses

import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.sampling_params import SamplingParams, StructuredOutput

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 0), ("n", 65), ("max_tokens", 0), ("min_tokens", -1), ("top_k", -1),
        ("logprobs", -1), ("logprobs", 21), ("seed", 2**64), ("seed", -(2**63) - 1),
        ("temperature", -0.1), ("temperature", NAN), ("temperature", INF), ("temperature", 101.0),
        ("top_p", 0.0), ("top_p", 1.01), ("top_p", NAN), ("min_p", -0.1), ("min_p", 1.1),
        ("repetition_penalty", 0.0), ("repetition_penalty", INF), ("presence_penalty", 2.1),
        ("frequency_penalty", -2.1), ("frequency_penalty", NAN), ("logit_bias", ((1, NAN),)),
        ("logit_bias", ((1, 101.0),)), ("stop", ("a", "")),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(InvalidRequestError) as caught:
        SamplingParams(**{name: value})
    assert caught.value.param == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 64), ("max_tokens", 1), ("logprobs", 0), ("logprobs", 20), ("seed", 2**64 - 1),
        ("seed", -(2**63)), ("temperature", 0.0), ("temperature", 100.0), ("top_p", 1.0),
        ("min_p", 1.0), ("presence_penalty", -2.0), ("logit_bias", ((1, -100.0),)),
    ],
)  # fmt: skip
def test_the_ends_of_the_ranges_are_allowed(name, value):
    assert getattr(SamplingParams(**{name: value}), name) == value


def test_more_min_tokens_than_max_tokens_are_refused():
    with pytest.raises(InvalidRequestError, match="min_tokens is 5, more than max_tokens, 4"):
        SamplingParams(min_tokens=5, max_tokens=4)


def test_temperature_zero_is_greedy():
    assert SamplingParams(temperature=0.0).is_greedy
    assert not SamplingParams(temperature=1e-6).is_greedy


def test_parameters_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SamplingParams().n = 2


def test_a_form_needs_a_known_kind_and_a_value():
    with pytest.raises(InvalidRequestError, match="unknown kind"):
        StructuredOutput("xml", "x")
    with pytest.raises(InvalidRequestError, match="needs a value"):
        StructuredOutput("regex")
    assert StructuredOutput("json_object").value == ""
