"""A float32 run of the same truncated model: no kernel of ours, no quantised activation.

Tokens, routes and synthesised rows are the slice's own; everything computed is computed anew.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.serving.slice.attention_gpu import HEAD_DIM, LATENT, NUM_HEADS
from benchmarks.serving.slice.config import K_SCALE, MODEL, NUM_FFN, NUM_OWNED, NUM_SERVERS, V_SCALE
from benchmarks.serving.slice.step import SliceStep
from regard.serving.kernels.block_scaled.launch import Rows, Weight
from regard.serving.kernels.block_scaled.reference import dequantise_rows, dequantise_weight

NUM_CHECKED = 16
"""Sequences whose attention is computed anew; others take no part in the comparison."""


def wide(weight: Weight) -> Tensor:
    """A weight in float32."""
    return dequantise_weight(weight.values, weight.scales)


def tokens_of(rows: Rows) -> Tensor:
    """Rows in float32."""
    return dequantise_rows(rows.values, rows.scales)


def norm(x: Tensor, weight: Tensor) -> Tensor:
    """RMSNorm."""
    return x * (x.square().mean(dim=1, keepdim=True) + MODEL.rms_norm_eps).rsqrt() * weight


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE over all dimensions, halves apart."""
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


class Reference:
    """Follows a slice step by step; one micro-batch, some of its sequences."""

    def __init__(self, step: SliceStep, index: int) -> None:
        """Of micro-batch `index`."""
        self._step, self._index = step, index
        self._own: list[list[tuple[Tensor, Tensor]]] = [
            [[] for _ in range(NUM_CHECKED)] for _ in step.attention.layers
        ]  # type: ignore[assignment]
        self._start = self._lengths()

    def _lengths(self) -> list[int]:
        each = self._step.attention.microbatches[self._index]
        return [int(length) for length in each.sequences.lengths[:NUM_CHECKED]]

    def hidden(
        self, tokens: Tensor, inboxes: list[tuple[Tensor, Tensor, Rows]]
    ) -> tuple[Tensor, Tensor]:
        """Residual stream before the final norm, and the embedding that it began with.

        Args:
            tokens: (batch,) what the slice embedded in this step.
            inboxes: For each layer the experts chosen for all tokens, their shares, and the tokens
                as the FFN GPU held them.
        """
        attention = self._step.attention
        embedded = attention.embedding[tokens[:NUM_CHECKED]].float()
        residual = embedded
        for number, layer in enumerate(attention.layers):
            residual = residual + self._attend(number, norm(residual, layer.input_norm))
            x = norm(residual, layer.post_norm)
            residual = residual + self._ffn(number, x, inboxes[number])
        return residual, embedded

    def _attend(self, number: int, x: Tensor) -> Tensor:
        layer = self._step.attention.layers[number]
        latent, key, value = (x @ wide(layer.qkv).T).split((LATENT, HEAD_DIM, HEAD_DIM), dim=1)
        lengths = torch.tensor(self._lengths(), device=x.device)
        frequency = torch.arange(0, HEAD_DIM, 2, device=x.device) / HEAD_DIM
        angles = (lengths - 1)[:, None] * (MODEL.rope_theta**-frequency)[None, :]
        cos, sin = angles.cos(), angles.sin()
        query = (norm(latent, layer.inner_norm) @ wide(layer.query).T).view(-1, NUM_HEADS, HEAD_DIM)
        query = rotate(query, cos[:, None], sin[:, None])
        key = rotate(key, cos, sin)
        rows = []
        for row in range(NUM_CHECKED):
            self._own[number][row].append((key[row], value[row]))
            rows.append(self._attend_one(number, row, query[row]))
        return torch.stack(rows).flatten(1) @ wide(layer.out).T

    def _attend_one(self, number: int, row: int, query: Tensor) -> Tensor:
        each = self._step.attention.microbatches[self._index]
        own = self._own[number][row]
        before = self._lengths()[row] - len(own)
        cache = self._step.attention.layers[number].cache[self._index]
        cached = cache[each.table[row, : -(-before // cache.shape[2])].long()].float()
        keys = torch.cat(
            (
                cached[:, 0].reshape(-1, HEAD_DIM)[:before] * K_SCALE,
                torch.stack([k for k, _ in own]),
            )
        )
        values = torch.cat(
            (
                cached[:, 1].reshape(-1, HEAD_DIM)[:before] * V_SCALE,
                torch.stack([v for _, v in own]),
            )
        )
        return (query @ keys.T * HEAD_DIM**-0.5).softmax(dim=1) @ values

    def _ffn(self, number: int, x: Tensor, inbox: tuple[Tensor, Tensor, Rows]) -> Tensor:
        """The sums that come back for the checked tokens: own partial, and seven stood-in ones."""
        ffn, batch = self._step.ffn, self._step.config.batch
        chosen, shares, rows = inbox
        own_rows = NUM_SERVERS * batch
        peers = torch.arange(NUM_FFN // NUM_SERVERS, device=ffn.device) * own_rows
        checked = torch.arange(NUM_CHECKED, device=ffn.device)
        wanted = torch.cat(
            [(peers[:, None] + server * batch + checked).flatten() for server in range(NUM_SERVERS)]
        )
        everyone = tokens_of(rows)
        everyone[:NUM_CHECKED] = x.to(ffn.device)
        partial = self._partial(number, everyone[wanted], chosen, shares, wanted)
        sums = partial.view(NUM_SERVERS, NUM_FFN // NUM_SERVERS, NUM_CHECKED, -1).sum(dim=1)
        return sums.sum(dim=0).to(x.device)

    def _partial(
        self, number: int, x: Tensor, chosen: Tensor, shares: Tensor, wanted: Tensor
    ) -> Tensor:
        weights = self._step.ffn.layers[number]
        stack = wide(weights.gated)
        width = MODEL.moe_intermediate_size
        if weights.down is None:
            gate, up = stack.chunk(2)
            return (F.silu(x @ gate.T) * (x @ up.T)) @ wide(weights.shared_down).T
        gate, up = stack[2 * NUM_OWNED * width :].chunk(2)
        total = (F.silu(x @ gate.T) * (x @ up.T)) @ wide(weights.shared_down).T
        down = wide(weights.down).view(NUM_OWNED, -1, width)
        group = int(torch.bincount(chosen.flatten().long() % NUM_FFN, minlength=NUM_FFN).argmax())
        for owned in range(NUM_OWNED):
            gate, up = stack[2 * owned * width : 2 * (owned + 1) * width].chunk(2)
            result = (F.silu(x @ gate.T) * (x @ up.T)) @ down[owned].T
            mine = chosen[wanted] == group + owned * NUM_FFN
            total = total + result * (shares[wanted] * mine).sum(dim=1, keepdim=True)
        return total
