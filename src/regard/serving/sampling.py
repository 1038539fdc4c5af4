"""Chooses tokens from logits."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from regard.serving.adjustments import adjust, is_adjusted
from regard.serving.outputs import TokenLogprobs
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams
from regard.serving.truncation import least_kept, truncates

# A vocabulary is searched a block at a time: on a CPU torch.max and torch.sum over the last
# dimension use vector instructions and torch.argmax and torch.cumsum do not (10 times slower).
BLOCK = 256
# Division by less would overflow float32 for logits of usual size; the draw is greedy long before.
LEAST_TEMPERATURE = 1e-5


class SampledTokens(NamedTuple):
    """One step's choices."""

    token_ids: list[int]
    """One a row."""
    logprobs: list[TokenLogprobs | None]
    """Where asked for."""


class Sampler:
    """Bias, penalties, masks, temperature, truncation and the draw, in that order."""

    def __init__(self, *, seed: int, eos_token_ids: frozenset[int]) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._eos_token_ids = eos_token_ids

    def sample(
        self,
        logits: Float[Tensor, "rows vocab"],
        requests: Sequence[Request],
        masks: Sequence[Tensor | None],
    ) -> SampledTokens:
        """One token a row.

        Args:
            logits: float32; left as they are.
            requests: the row's requests.
            masks: tokens a row's grammar allows (a bool tensor over the grammar's vocabulary), or
                None.
        """
        assert logits.shape[0] == len(requests) == len(masks)
        raw = logits
        if any(is_adjusted(r) or m is not None for r, m in zip(requests, masks, strict=True)):
            logits = logits.clone()
            adjust(logits, requests, masks, self._eos_token_ids)
        token_ids = self._choose(logits, requests)
        return SampledTokens(token_ids, logprobs_of(raw, requests, token_ids))

    def _choose(
        self, logits: Float[Tensor, "rows vocab"], requests: Sequence[Request]
    ) -> list[int]:
        drawn = [i for i, request in enumerate(requests) if not request.params.is_greedy]
        if not drawn:
            return [int(i) for i in argmax(logits).tolist()]
        if len(drawn) == len(requests):
            return self._draw(logits, requests)
        token_ids = [int(i) for i in argmax(logits).tolist()]
        chosen = self._draw(logits[drawn], [requests[i] for i in drawn])
        for row, token_id in zip(drawn, chosen, strict=True):
            token_ids[row] = token_id
        return token_ids

    def _draw(self, logits: Float[Tensor, "rows vocab"], requests: Sequence[Request]) -> list[int]:
        params = [request.params for request in requests]
        weights = weigh(logits, params)
        uniforms = self._uniforms(requests).to(logits.device)
        return [int(token_id) for token_id in draw(weights, uniforms).tolist()]

    def _uniforms(self, requests: Sequence[Request]) -> Float[Tensor, " rows"]:
        """A number in [0, 1) a row; a seeded one depends on seed and place alone."""
        uniforms = torch.rand(len(requests), dtype=torch.float64, generator=self._generator)
        for row, request in enumerate(requests):
            if request.params.seed is not None:
                uniforms[row] = seeded_uniform(
                    request.params.seed, request.index, len(request.output_token_ids)
                )
        return uniforms


def seeded_uniform(seed: int, index: int, place: int) -> float:
    """A number in [0, 1) for output token `place` of sequence `index`.

    It is a hash, not a stream: the batch around a request cannot change its draws, and a request
    that was preempted goes on where it was.
    """
    digest = hashlib.blake2b(f"{seed}:{index}:{place}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) / 2.0**53


def weigh(
    logits: Float[Tensor, "rows vocab"], params: Sequence[SamplingParams]
) -> Float[Tensor, "rows vocab"]:
    """Probabilities after temperature, 0 for what truncation drops (without making up for it)."""
    temperatures = [max(p.temperature, LEAST_TEMPERATURE) for p in params]
    if any(t != 1.0 for t in temperatures):
        logits = logits / torch.tensor(temperatures, device=logits.device)[:, None]
    weights = torch.softmax(logits, dim=-1)
    limited = [row for row, p in enumerate(params) if truncates(p)]
    if not limited:
        return weights
    rows = logits if len(limited) == len(params) else logits[limited]
    least = least_kept(rows, [params[row] for row in limited])
    # As float: multiplying by a bool tensor would convert it first.
    kept = torch.ge(rows, least[:, None], out=torch.empty_like(rows))
    if len(limited) == len(params):
        return weights.mul_(kept)
    weights[limited] *= kept
    return weights


def draw(
    weights: Float[Tensor, "rows vocab"], uniforms: Float[Tensor, " rows"]
) -> Int[Tensor, " rows"]:
    """The token at which each row's running sum of weights passes its share of the whole.

    Sums are float64, so that unlikely tokens keep their probability.
    """
    blocks = _in_blocks(weights, 0.0)  # (rows, blocks, BLOCK)
    block, rest = _search(blocks.sum(-1).double(), uniforms)
    inside, _ = _search(blocks[torch.arange(len(blocks)), block].double(), rest)
    return block * BLOCK + inside


def _search(
    weights: Float[Tensor, "rows n"], uniforms: Float[Tensor, " rows"]
) -> tuple[Int[Tensor, " rows"], Float[Tensor, " rows"]]:
    """The place of `uniforms` among `weights`, and how far into that weight it falls (0 to 1)."""
    sums = weights.cumsum(-1)
    total = sums[:, -1]
    # Rounding must not reach the total: past it lie only tokens of weight 0.
    target = torch.minimum(uniforms * total, torch.nextafter(total, torch.zeros_like(total)))
    place = torch.searchsorted(sums, target[:, None], right=True)
    width = weights.gather(1, place)[:, 0]
    rest = (target - (sums.gather(1, place)[:, 0] - width)) / width
    return place[:, 0], rest.clamp(0.0, 1.0)


def argmax(logits: Float[Tensor, "rows vocab"]) -> Int[Tensor, " rows"]:
    """The first of the greatest values of each row."""
    if logits.device.type != "cpu":
        return torch.argmax(logits, dim=-1)
    blocks = _in_blocks(logits, float("-inf"))
    block = blocks.amax(-1).argmax(-1)
    return block * BLOCK + blocks[torch.arange(len(blocks)), block].argmax(-1)


def _in_blocks(values: Float[Tensor, "rows vocab"], filler: float) -> Float[Tensor, "rows n size"]:
    missing = -values.shape[1] % BLOCK
    if missing:
        values = functional.pad(values, (0, missing), value=filler)
    return values.view(len(values), -1, BLOCK)


def logprobs_of(
    logits: Float[Tensor, "rows vocab"], requests: Sequence[Request], token_ids: Sequence[int]
) -> list[TokenLogprobs | None]:
    """Log-probabilities of the model itself: before bias, penalties, masks and temperature."""
    found: list[TokenLogprobs | None] = [None] * len(requests)
    wanted = [(row, r.params.logprobs) for row, r in enumerate(requests)]
    asked = [(row, num_top) for row, num_top in wanted if num_top is not None]
    if not asked:
        return found
    normal = torch.log_softmax(logits[[row for row, _ in asked]], dim=-1)
    most = min(max(num_top for _, num_top in asked), normal.shape[1])
    values, ids = (part.tolist() for part in torch.topk(normal, most, dim=-1))
    for place, (row, num_top) in enumerate(asked):
        top = tuple(zip(ids[place][:num_top], values[place][:num_top], strict=True))
        chosen = float(normal[place, token_ids[row]])
        found[row] = TokenLogprobs(token_ids[row], chosen, top)
    return found
