"""Plain torch of either side: what the kernels compute, rounded as they round, or nothing rounded.

Rounded, it stands in for the kernels on CPUs. In exact mode (float64, no activation rounded) it
shows that a topology changes nothing, and what rounding costs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.serving.full.attention_side import AttentionSide, Chunk, Forced
from benchmarks.serving.full.draw import part
from benchmarks.serving.full.ffn_side import FfnSide
from benchmarks.serving.slice.attention_layer import AttentionLayer
from benchmarks.serving.slice.config import K_SCALE, V_SCALE
from benchmarks.serving.slice.sequences import PAGE_SIZE
from regard.serving.kernels.block_scaled.launch import Weight
from regard.serving.kernels.block_scaled.reference import (
    dequantise_rows,
    dequantise_weight,
    quantise_rows,
)
from regard.serving.kernels.latent_append.reference import rotate
from regard.serving.kernels.mfa_decode.reference import mfa_decode_reference

HEAD_ROWS = 16384
"""Rows of the head that are widened at a time."""


class Arithmetic:
    """Products and norms, rounded or not."""

    def __init__(self, exact: bool) -> None:
        """`exact`: in float64; else in float32 with activations rounded to e4m3."""
        self.exact = exact
        self.dtype = torch.float64 if exact else torch.float32

    def rounded(self, x: Tensor) -> Tensor:
        """Activations as a product gets them."""
        return x if self.exact else dequantise_rows(*quantise_rows(x))

    def narrowed(self, x: Tensor) -> Tensor:
        """What a kernel would hand on in BF16."""
        return x if self.exact else x.bfloat16().float()

    def wide(self, weight: Weight) -> Tensor:
        """A weight's values."""
        return dequantise_weight(weight.values, weight.scales).to(self.dtype)

    def linear(self, x: Tensor, weight: Weight | Tensor) -> Tensor:
        """`x @ weight.T`, of a weight that may have been widened before."""
        wide = weight if isinstance(weight, Tensor) else self.wide(weight)
        return self.rounded(x) @ wide.T

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """RMSNorm."""
        return x * (x.square().mean(dim=1, keepdim=True) + eps).rsqrt() * weight.to(self.dtype)

    def swiglu(self, tokens: Tensor, gated: Weight, down: Weight) -> Tensor:
        """A feed-forward whose input is rounded already; of no columns, or no rows, it is 0."""
        if not (tokens.numel() and down.values.numel()):
            return tokens.new_zeros(tokens.shape)
        gate, up = self.wide(gated).chunk(2)
        return self.linear(F.silu(tokens @ gate.T) * (tokens @ up.T), down)


class PlainAttention:
    """An attention GPU's work."""

    def __init__(self, side: AttentionSide) -> None:
        """Rounds unless the side's configuration is exact."""
        self.side = side
        self.maths = Arithmetic(side.config.exact)
        self.forced: Forced | None = None
        self.num_differing = 0
        """Routes that were forced and would have been others."""

    def attend(self, position: int, microbatch: int) -> None:
        """As `AttentionOperators`."""
        model, layer = self.side.config.model, self.side.weights.layers[position]
        wide = [self.maths.wide(each) for each in (layer.qkv, layer.query, layer.out)]
        for chunk in self.side.microbatches[microbatch]:
            if position:
                self._add_received(chunk)
            self._attend(position, layer, chunk, wide)
            x = self.maths.norm(
                chunk.residual.to(self.maths.dtype), layer.post_norm, model.rms_norm_eps
            )
            chunk.message.put(x)
            if not self.side.config.is_dense(position):
                self._route(position, layer, chunk, x)

    def _add_received(self, chunk: Chunk) -> None:
        total = chunk.residual.to(self.maths.dtype)
        for each in chunk.received:
            total = total + each.to(self.maths.dtype)
        chunk.residual.copy_(total)

    def _attend(
        self, position: int, layer: AttentionLayer, chunk: Chunk, wide: list[Tensor]
    ) -> None:
        qkv, query, out_weight = wide
        model, maths = self.side.config.model, self.maths
        dim, eps = model.head_dim, model.rms_norm_eps
        cos, sin = chunk.cos.to(maths.dtype), chunk.sin.to(maths.dtype)
        residual = chunk.residual.to(maths.dtype)
        sums = maths.linear(maths.norm(residual, layer.input_norm, eps), qkv)
        latent, key, value = sums.split((model.query_low_rank, dim, dim), dim=1)
        self._append(chunk, chunk.caches[position], rotate(key, cos, sin), value)
        queries = maths.linear(maths.norm(latent, layer.inner_norm, eps), query)
        turned = [rotate(each, cos, sin) for each in queries.split(dim, dim=1)]
        attended = mfa_decode_reference(
            maths.narrowed(torch.stack(turned, dim=1)), chunk.caches[position],
            chunk.sequences.block_table, chunk.sequences.tile_map.lengths,
            scale=dim**-0.5, k_scale=K_SCALE, v_scale=V_SCALE, dtype=maths.dtype,
        )  # fmt: skip
        out = maths.linear(maths.narrowed(attended.flatten(1).to(maths.dtype)), out_weight)
        chunk.residual.copy_(residual + out)

    def _append(self, chunk: Chunk, cache: Tensor, key: Tensor, value: Tensor) -> None:
        positions = chunk.sequences.positions.long()
        page = chunk.sequences.block_table.long().gather(1, (positions // PAGE_SIZE)[:, None])[:, 0]
        slot = positions % PAGE_SIZE
        # As bytes: not every operation knows e4m3.
        pages = cache.view(torch.uint8)
        for place, new, scale in ((0, key, K_SCALE), (1, value, V_SCALE)):
            narrow = (new / scale).clamp(-448, 448).to(cache.dtype)
            pages[page, place, slot] = narrow.view(torch.uint8)

    def _route(self, position: int, layer: AttentionLayer, chunk: Chunk, x: Tensor) -> None:
        router = layer.router.to(self.maths.dtype)
        shares = (self.maths.narrowed(x) @ router.T).softmax(dim=1)
        largest, chosen = shares.topk(self.side.config.model.num_experts_per_token, dim=1)
        if self.forced is not None:
            wanted = self.forced(position, chunk).long()
            self.num_differing += int((wanted[:, :, None] != chosen[:, None]).all(dim=2).sum())
            largest, chosen = shares.gather(1, wanted), wanted
        chunk.message.chosen.copy_(chosen)
        chunk.message.shares.copy_(largest)

    def finish(self, microbatch: int) -> None:
        """As `AttentionOperators`."""
        weights, maths, model = self.side.weights, self.maths, self.side.config.model
        for chunk in self.side.microbatches[microbatch]:
            self._add_received(chunk)
            residual = chunk.residual.to(maths.dtype)
            x = maths.narrowed(maths.norm(residual, weights.final_norm, model.rms_norm_eps))
            pieces = [x @ rows.to(maths.dtype).T for rows in weights.head.split(HEAD_ROWS)]
            logits = torch.cat(pieces, dim=1)[:, : model.vocab_size]
            chunk.tokens.copy_(logits.argmax(dim=1))


class PlainFfn:
    """An FFN GPU's work."""

    def __init__(self, side: FfnSide) -> None:
        """Rounds unless the side's configuration is exact."""
        self.side = side
        self.maths = Arithmetic(side.config.exact)
        self._held: list[tuple[Tensor, Tensor, Tensor] | None] = [None] * len(side.inboxes)

    def take_in(self, position: int, microbatch: int) -> None:
        """As `FfnOperators`."""
        messages = self.side.inboxes[microbatch].messages
        self._held[microbatch] = (
            torch.cat([each.tokens() for each in messages]).to(self.maths.dtype),
            torch.cat([each.chosen for each in messages]),
            torch.cat([each.shares for each in messages]).to(self.maths.dtype),
        )

    def compute(self, position: int, microbatch: int) -> None:
        """As `FfnOperators`."""
        held = self._held[microbatch]
        assert held is not None, "nothing was taken in"
        if held[0].is_cuda:
            # Allocated on the queue of the intake, read on this one.
            for each in held:
                each.record_stream(torch.cuda.current_stream(each.device))
        self._held[microbatch] = None
        tokens, chosen, shares = held
        layer, share = self.side.layers[position], self.side.share
        model, maths = self.side.config.model, self.maths
        if layer.down is None:
            total = maths.swiglu(tokens, layer.gated, layer.shared_down)
        else:
            hidden, width = model.hidden_size, model.moe_intermediate_size
            routed = 2 * width * len(share.experts)
            rest = part(layer.gated, slice(routed, routed + 2 * share.shared_width))
            total = maths.swiglu(tokens, rest, layer.shared_down)
            for place, expert in enumerate(share.experts):
                row, choice = torch.nonzero(chosen == expert, as_tuple=True)
                gated = part(layer.gated, slice(2 * width * place, 2 * width * (place + 1)))
                down = part(layer.down, slice(hidden * place, hidden * (place + 1)))
                result = maths.narrowed(maths.swiglu(tokens[row], gated, down))
                total.index_add_(0, row, result * shares[row, choice][:, None])
        self.side.inboxes[microbatch].result.copy_(total)
