"""Loaded by schemathesis: takes the contradictions out of random good requests."""

from typing import Any

import schemathesis

FORMS = (
    "structured_outputs",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "response_format",
    "tool_choice",
)
PICTURE = "image_url"


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """The body with at most one form, and no option without the one that it needs."""
    if not isinstance(body, dict):
        return body
    kept = dict(body)
    for name in [name for name in FORMS if kept.get(name) is not None][1:]:
        del kept[name]
    if isinstance(kept.get("guided_json"), str):
        kept["guided_json"] = {"title": kept["guided_json"]}
    if kept.get("structured_outputs") is not None:
        kept["structured_outputs"] = dict(list(kept["structured_outputs"].items())[:1])
    for name in ("suffix", "best_of", "logit_bias", "max_completion_tokens", "min_tokens"):
        kept.pop(name, None)
    if not kept.get("stream"):
        kept.pop("stream_options", None)
    if not kept.get("logprobs"):
        kept.pop("top_logprobs", None)
    if kept.get("logprobs") is not None:
        kept.pop("echo", None)
    if "messages" in kept:
        kept["messages"] = [_with_text(message) for message in kept["messages"]]
    # Without an end a fake answer fills the context.
    kept.pop("ignore_eos", None)
    return kept


def _with_text(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        content = [part for part in content if part.get("type") != PICTURE]
    kept = {**message, "content": content or "x"}
    kept.pop("tool_calls", None)
    return kept
