"""Checks a generation request and makes the engine's requests of it."""

import time
from dataclasses import replace

from regard.serving.errors import ContextLengthError, InvalidRequestError
from regard.serving.outputs import GenerationRequest
from regard.serving.request import Request


def make_requests(
    request: GenerationRequest, max_model_len: int, adapter: str | None
) -> list[Request]:
    """One engine request for each of the n sequences.

    Raises:
        InvalidRequestError: an empty prompt.
        ContextLengthError: prompt and output do not fit the context; the message has both numbers.
    """
    prompt = list(request.prompt_token_ids)
    if not prompt:
        raise InvalidRequestError("the prompt is empty", param="prompt")
    room = max_model_len - len(prompt)
    if room < 1:
        raise ContextLengthError(
            f"the prompt has {len(prompt)} tokens and the context holds {max_model_len}, "
            "of which at least one must be left for the answer"
        )
    wanted = request.params.max_tokens
    if wanted is not None and wanted > room:
        raise ContextLengthError(
            f"max_tokens is {wanted}, the prompt has {len(prompt)} tokens and the context holds "
            f"{max_model_len}: ask for at most {room}"
        )
    params = replace(request.params, max_tokens=wanted or room)
    arrival = time.monotonic()
    single = params.n == 1
    return [
        Request(
            request_id=request.request_id if single else f"{request.request_id}#{index}",
            prompt_token_ids=prompt,
            params=params,
            arrival_seconds=arrival,
            index=index,
            adapter=adapter,
            cache_salt=adapter or "",
            images=request.images,
        )
        for index in range(params.n)
    ]
