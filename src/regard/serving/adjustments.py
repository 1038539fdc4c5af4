"""What a request adds to its logits or forbids, before temperature."""

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from regard.serving.request import Request

NEVER = float("-inf")


def is_adjusted(request: Request) -> bool:
    """Whether a request's logits are other than the model's, a grammar's mask apart."""
    p = request.params
    return bool(
        p.logit_bias
        or len(request.output_token_ids) < p.min_tokens
        or p.repetition_penalty != 1.0
        or p.presence_penalty
        or p.frequency_penalty
    )


def adjust(
    logits: Float[Tensor, "rows vocab"],
    requests: Sequence[Request],
    masks: Sequence[Tensor | None],
    eos_token_ids: frozenset[int],
) -> None:
    """Apply bias, penalties, the least number of tokens and masks, in place.

    The repetition penalty divides positive logits of tokens in prompt or output and multiplies
    negative ones; presence and frequency penalties are subtracted for tokens of the output.
    """
    _at_tokens(logits, requests, _biases, lambda values, bias: values + bias)
    _at_tokens(logits, requests, _repetitions, _divide)
    _at_tokens(logits, requests, _subtractions, lambda values, penalty: values - penalty)
    for row, (request, mask) in enumerate(zip(requests, masks, strict=True)):
        early = len(request.output_token_ids) < request.params.min_tokens
        if not early and mask is None:
            continue
        forbidden = _ends(request, eos_token_ids, logits.shape[1]) if early else []
        _forbid(logits[row], mask, forbidden)


def _at_tokens(
    logits: Float[Tensor, "rows vocab"],
    requests: Sequence[Request],
    amounts_of: Callable[[Request], dict[int, float]],
    change: Callable[[Tensor, Tensor], Tensor],
) -> None:
    """Change some tokens of every row in one operation."""
    vocab = logits.shape[1]
    places: list[int] = []
    amounts: list[float] = []
    for row, request in enumerate(requests):
        chosen = amounts_of(request)
        if chosen:
            places += [row * vocab + token_id for token_id in chosen if 0 <= token_id < vocab]
            amounts += [a for token_id, a in chosen.items() if 0 <= token_id < vocab]
    if places:
        index = torch.tensor(places, device=logits.device)
        flat = logits.view(-1)
        flat[index] = change(flat[index], torch.tensor(amounts, device=logits.device))


def _biases(request: Request) -> dict[int, float]:
    return dict(request.params.logit_bias)


def _repetitions(request: Request) -> dict[int, float]:
    penalty = request.params.repetition_penalty
    return {} if penalty == 1.0 else dict.fromkeys(request.token_ids, penalty)


def _subtractions(request: Request) -> dict[int, float]:
    presence = request.params.presence_penalty
    frequency = request.params.frequency_penalty
    if not presence and not frequency:
        return {}
    counts = Counter(request.output_token_ids)
    return {token_id: presence + frequency * times for token_id, times in counts.items()}


def _divide(values: Tensor, penalty: Tensor) -> Tensor:
    return torch.where(values > 0, values / penalty, values * penalty)


def _ends(request: Request, eos_token_ids: frozenset[int], vocab: int) -> list[int]:
    ends = eos_token_ids | frozenset(request.params.stop_token_ids)
    return [end for end in ends if 0 <= end < vocab]


def _forbid(
    row: Float[Tensor, " vocab"], mask: Bool[Tensor, " size"] | None, forbidden: list[int]
) -> None:
    if mask is not None:
        size = min(row.shape[0], mask.shape[0])
        allowed = torch.zeros(row.shape[0], dtype=torch.bool)
        allowed[:size] = mask[:size]
        without = allowed.clone()
        without[forbidden] = False
        # Where the grammar is complete only an end may follow, however few tokens there are.
        allowed = without if without.any() else allowed
        row.masked_fill_(~allowed.to(row.device), NEVER)
    elif forbidden:
        row[forbidden] = NEVER
