"""A request's options as the engine's `SamplingParams`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from regard.serving.errors import InvalidRequestError
from regard.serving.sampling_params import SamplingParams, StructuredOutput
from regard.serving.server.errors import shorten
from regard.serving.server.protocol import SamplingFields

# Same name and meaning on both sides.
PLAIN_FIELDS = (
    "n",
    "min_tokens",
    "temperature",
    "top_p",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "ignore_eos",
    "skip_special_tokens",
)


def sampling_params(
    fields: SamplingFields,
    *,
    vocab_size: int,
    max_tokens: int | None,
    logprobs: int | None,
    structured: StructuredOutput | None,
) -> SamplingParams:
    """What the engine is asked to do.

    Args:
        fields: the request.
        vocab_size: number of token ids; others are refused.
        max_tokens: most output tokens, None for the rest of the context.
        logprobs: None, or how many alternatives beside the chosen token.
        structured: the form of the output, if one is asked for.

    Raises:
        InvalidRequestError: a value that cannot be.
    """
    given = {name: getattr(fields, name) for name in PLAIN_FIELDS}
    options = {name: value for name, value in given.items() if value is not None}
    stop = [fields.stop] if isinstance(fields.stop, str) else fields.stop or []
    stop_token_ids = tuple(fields.stop_token_ids or ())
    check_token_ids(stop_token_ids, vocab_size, "stop_token_ids")
    return SamplingParams(
        **options,
        max_tokens=max_tokens,
        top_k=max(fields.top_k or 0, 0),
        stop=tuple(stop),
        stop_token_ids=stop_token_ids,
        include_stop_in_output=bool(fields.include_stop_str_in_output),
        logprobs=logprobs,
        logit_bias=_logit_bias(fields.logit_bias or {}, vocab_size),
        structured=structured,
    )


def check_token_ids(token_ids: tuple[int, ...], vocab_size: int, param: str) -> None:
    """Refuse ids that the model has no token for.

    Raises:
        InvalidRequestError: names the first such id.
    """
    for token_id in token_ids:
        if token_id >= vocab_size:
            raise InvalidRequestError(
                f"{param} has token id {token_id}; this model's ids end at {vocab_size - 1}",
                param=param,
            )


def check_stream_options(fields: SamplingFields) -> None:
    """Refuse options of streaming without streaming, as OpenAI does.

    Raises:
        InvalidRequestError: `stream_options` without `stream`.
    """
    if fields.stream_options is not None and not fields.stream:
        raise InvalidRequestError(
            "stream_options is given and stream is not true", param="stream_options"
        )


def wants_usage(fields: SamplingFields) -> bool:
    """Whether a stream has usage: null in its chunks, the counts in one more at its end."""
    return fields.stream_options is not None and bool(fields.stream_options.include_usage)


def structured_output(fields: SamplingFields) -> StructuredOutput | None:
    """The form asked for by `structured_outputs` or the older `guided_*` fields.

    Raises:
        InvalidRequestError: two forms at once.
    """
    nested = fields.structured_outputs
    forms = [
        _json_schema(fields.guided_json, "guided_json"),
        _regex(fields.guided_regex),
        _choice(fields.guided_choice),
        _grammar(fields.guided_grammar),
    ]
    if nested is not None:
        forms += [
            _json_schema(nested.json_value, "structured_outputs.json"),
            StructuredOutput("json_object") if nested.json_object else None,
            _regex(nested.regex),
            _choice(nested.choice),
            _grammar(nested.grammar),
        ]
    return only_one(*forms)


def only_one(*forms: StructuredOutput | None) -> StructuredOutput | None:
    """The one form that is given, or None.

    Raises:
        InvalidRequestError: more than one is given.
    """
    given = [form for form in forms if form is not None]
    if len(given) > 1:
        kinds = ", ".join(form.kind for form in given)
        raise InvalidRequestError(
            f"the output can have one form, {len(given)} are asked for: {kinds}"
        )
    return given[0] if given else None


def json_schema(schema: Mapping[str, Any], param: str) -> StructuredOutput:
    """A JSON schema as the form of the output.

    Raises:
        InvalidRequestError: the schema holds a number that JSON has no name for.
    """
    try:
        return StructuredOutput("json_schema", json.dumps(schema, allow_nan=False))
    except ValueError as error:
        raise InvalidRequestError(
            f"the schema holds a number out of range: {error}", param=param
        ) from error


def _json_schema(schema: Mapping[str, Any] | str | None, param: str) -> StructuredOutput | None:
    if schema is None or isinstance(schema, Mapping):
        return None if schema is None else json_schema(schema, param)
    try:
        parsed = json.loads(schema)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{param} is not JSON: {error}", param=param) from error
    if not isinstance(parsed, dict):
        raise InvalidRequestError(f"{param} is not a JSON object", param=param)
    return json_schema(parsed, param)


def _regex(regex: str | None) -> StructuredOutput | None:
    return None if regex is None else StructuredOutput("regex", regex)


def _grammar(grammar: str | None) -> StructuredOutput | None:
    return None if grammar is None else StructuredOutput("grammar", grammar)


def _choice(texts: list[str] | None) -> StructuredOutput | None:
    if texts is None:
        return None
    # `re.escape` also escapes spaces, which the grammar library's regexes refuse.
    escaped = (re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text) for text in texts)
    return StructuredOutput("regex", "(" + "|".join(escaped) + ")")


def _logit_bias(bias: Mapping[str, float], vocab_size: int) -> tuple[tuple[int, float], ...]:
    pairs = []
    for name, value in bias.items():
        if not (name.isascii() and name.isdigit() and len(name) <= len(str(vocab_size))):
            raise InvalidRequestError(
                f"logit_bias has the key {shorten(name)}; keys are token ids", param="logit_bias"
            )
        pairs.append((int(name), value))
    check_token_ids(tuple(token_id for token_id, _ in pairs), vocab_size, "logit_bias")
    return tuple(pairs)
