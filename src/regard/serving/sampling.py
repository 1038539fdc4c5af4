"""Chooses tokens from logits."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.outputs import TokenLogprobs
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams

NEVER = float("-inf")


class SampledTokens(NamedTuple):
    """One step's choices."""

    token_ids: list[int]
    """One a row."""
    logprobs: list[TokenLogprobs | None]
    """Where asked for."""


class Sampler:
    """Penalties, masks, temperature, truncation and the draw, in that order."""

    def __init__(self, *, seed: int, eos_token_ids: frozenset[int]) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._eos_token_ids = sorted(eos_token_ids)

    def sample(
        self,
        logits: Float[Tensor, "rows vocab"],
        requests: Sequence[Request],
        masks: Sequence[Tensor | None],
    ) -> SampledTokens:
        """One token a row.

        Args:
            logits: float32.
            requests: the row's requests.
            masks: tokens a row's grammar allows (a bool tensor over the grammar's vocabulary), or
                None.
        """
        assert logits.shape[0] == len(requests) == len(masks)
        raw = logits
        if any(
            mask is not None or _is_adjusted(r) for r, mask in zip(requests, masks, strict=True)
        ):
            logits = logits.clone()
            for row, (request, mask) in enumerate(zip(requests, masks, strict=True)):
                self._adjust(logits[row], request, mask)
        token_ids = torch.argmax(logits, dim=-1).tolist()
        drawn = [i for i, request in enumerate(requests) if not request.params.is_greedy]
        if drawn:
            chosen = self._draw(logits[drawn], [requests[i] for i in drawn])
            for row, token_id in zip(drawn, chosen, strict=True):
                token_ids[row] = token_id
        logprobs = [
            None
            if r.params.logprobs is None
            else _logprobs(raw[i], token_ids[i], r.params.logprobs)
            for i, r in enumerate(requests)
        ]
        return SampledTokens(token_ids, logprobs)

    def _adjust(self, row: Float[Tensor, " vocab"], request: Request, mask: Tensor | None) -> None:
        params = request.params
        for token_id, bias in params.logit_bias:
            if 0 <= token_id < row.shape[0]:
                row[token_id] += bias
        if len(request.output_token_ids) < params.min_tokens:
            ends = [*self._eos_token_ids, *params.stop_token_ids]
            row[[end for end in ends if end < row.shape[0]]] = NEVER
        _penalise(row, request)
        if mask is not None:
            size = min(row.shape[0], mask.shape[0])
            row[:size].masked_fill_(~mask[:size].to(row.device), NEVER)
            row[size:] = NEVER

    def _draw(self, logits: Float[Tensor, "rows vocab"], requests: Sequence[Request]) -> list[int]:
        params = [request.params for request in requests]
        temperatures = _column([p.temperature for p in params], logits)
        scaled = truncate(logits / temperatures, params)
        # The exponential race: argmax of p / Exp(1) is a draw from p, in one pass over the row.
        noise = torch.empty(scaled.shape)
        for row, request in enumerate(requests):
            noise[row].exponential_(generator=self._generator_of(request))
        probabilities = torch.softmax(scaled, dim=-1)
        race = probabilities / noise.to(probabilities.device)
        return [int(token_id) for token_id in torch.argmax(race, dim=-1).tolist()]

    def _generator_of(self, request: Request) -> torch.Generator:
        """A generator that depends on seed and place alone, so that batches do not matter."""
        if request.params.seed is None:
            return self._generator
        place = f"{request.params.seed}:{request.index}:{len(request.output_token_ids)}"
        digest = hashlib.blake2b(place.encode(), digest_size=8).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def truncate(
    logits: Float[Tensor, "rows vocab"], params: Sequence[SamplingParams]
) -> Float[Tensor, "rows vocab"]:
    """Drop what top-k, top-p and min-p drop, each among what the one before left."""
    if any(p.top_k for p in params):
        logits = _top_k(logits, [p.top_k for p in params])
    if any(p.top_p < 1.0 for p in params):
        logits = _top_p(logits, [p.top_p for p in params])
    if any(p.min_p > 0.0 for p in params):
        probabilities = torch.softmax(logits, dim=-1)
        least = probabilities.amax(-1, keepdim=True) * _column([p.min_p for p in params], logits)
        logits = logits.masked_fill(probabilities < least, NEVER)
    return logits


def _top_k(logits: Tensor, ks: list[int]) -> Tensor:
    vocab = logits.shape[1]
    sizes = [min(k, vocab) if k else vocab for k in ks]
    most = max((size for size in sizes if size < vocab), default=0)
    if not most:
        return logits
    best = torch.topk(logits, most, dim=-1).values
    places = torch.tensor([min(size, most) - 1 for size in sizes], device=logits.device)
    least = best.gather(1, places[:, None])
    unlimited = torch.tensor([size == vocab for size in sizes], device=logits.device)
    return logits.masked_fill((logits < least) & ~unlimited[:, None], NEVER)


def _top_p(logits: Tensor, ps: list[float]) -> Tensor:
    ordered, order = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    # A token stays if those before it do not yet reach p; the likeliest always stays.
    before = probabilities.cumsum(dim=-1) - probabilities
    dropped = before >= _column(ps, logits)
    dropped[:, 0] = False
    # Rows without a limit must not lose their tail to rounding of the sum.
    dropped &= _column(ps, logits) < 1.0
    return logits.masked_fill(torch.zeros_like(dropped).scatter(1, order, dropped), NEVER)


def _is_adjusted(request: Request) -> bool:
    p = request.params
    return bool(
        p.logit_bias
        or len(request.output_token_ids) < p.min_tokens
        or p.repetition_penalty != 1.0
        or p.presence_penalty
        or p.frequency_penalty
    )


def _penalise(row: Float[Tensor, " vocab"], request: Request) -> None:
    params = request.params
    if params.repetition_penalty != 1.0:
        seen = torch.tensor(sorted(set(request.token_ids)), device=row.device)
        values, penalty = row[seen], params.repetition_penalty
        row[seen] = torch.where(values > 0, values / penalty, values * penalty)
    if (params.presence_penalty or params.frequency_penalty) and request.output_token_ids:
        counts = Counter(request.output_token_ids)
        output = torch.tensor(list(counts), device=row.device)
        times = torch.tensor(list(counts.values()), device=row.device)
        row[output] -= params.presence_penalty + params.frequency_penalty * times


def _logprobs(row: Float[Tensor, " vocab"], token_id: int, num_top: int) -> TokenLogprobs:
    normal = torch.log_softmax(row, dim=-1)
    top: tuple[tuple[int, float], ...] = ()
    if num_top:
        values, ids = torch.topk(normal, min(num_top, row.shape[0]))
        top = tuple(zip(ids.tolist(), values.tolist(), strict=True))
    return TokenLogprobs(token_id, float(normal[token_id]), top)


def _column(values: list[float], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device)[:, None]
