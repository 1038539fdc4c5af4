"""The same two GPUs from ready-made kernels: FlashAttention-3, and DeepGEMM with block scales.

What they have no kernel for stays as in the slice: norms, append, router, permutation, the wire.
FlashAttention-3 reads contiguous caches, since its wheel has no pages: room for the longest each.
"""

import importlib.util

import torch

from benchmarks.serving.product_peers import DeepGemm
from benchmarks.serving.slice.attention_gpu import (
    HEAD_DIM,
    LATENT,
    NUM_HEADS,
    AttentionGpu,
    LayerWeights,
    MicroBatch,
    Prepared,
)
from benchmarks.serving.slice.baseline_kernels import gate_rows, rotate_queries
from benchmarks.serving.slice.config import (
    DENSE_WIDTH,
    K_SCALE,
    MODEL,
    NUM_FFN,
    NUM_OWNED,
    SHARED_WIDTH,
    V_SCALE,
    SliceConfig,
)
from benchmarks.serving.slice.cut import SPARE_BLOCKS
from benchmarks.serving.slice.ffn_gpu import FfnGpu, FfnWeights, Inbox
from benchmarks.serving.slice.ffn_gpu import Prepared as FfnPrepared
from benchmarks.serving.slice.head import Head
from benchmarks.serving.slice.schedule import Turn
from regard.serving.kernels.block_scaled.launch import Rows, Weight
from regard.serving.kernels.combine.gpu import add_routed
from regard.serving.kernels.norm_quantise.gpu import quantise_gpu

MODULES = {"fa3_fwd_interface": "fa3-fwd", "deep_gemm": "sgl-deep-gemm"}
HIDDEN, WIDTH = MODEL.hidden_size, MODEL.moe_intermediate_size


def why_unavailable() -> str | None:
    """The package that the baseline lacks, or None."""
    lacking = [name for module, name in MODULES.items() if not importlib.util.find_spec(module)]
    return f"{' and '.join(lacking)} not installed" if lacking else None


class BaselineMicroBatch(MicroBatch):
    """Buffers of the types that the ready-made kernels write."""

    def __init__(self, config: SliceConfig, index: int, head: Head, num_blocks: int) -> None:
        """Allocates them."""
        super().__init__(config, index, head, num_blocks)
        batch, device = config.batch, self.tokens.device
        self.table = torch.arange(batch, dtype=torch.int32, device=device)[:, None]
        half = {"dtype": torch.bfloat16, "device": device}
        self.qkv = torch.zeros(1, batch, LATENT + 2 * HEAD_DIM, **half)
        self.out = torch.zeros(1, batch, HIDDEN, **half)
        self.narrow = torch.zeros(batch, NUM_HEADS, HEAD_DIM, device=device).to(torch.float8_e4m3fn)
        self.descales = [
            torch.full((batch, 1), scale, device=device) for scale in (1.0, K_SCALE, V_SCALE)
        ]


class BaselineAttentionGpu(AttentionGpu):
    """Attention by FlashAttention-3, projections by DeepGEMM."""

    def _new_microbatch(self, index: int, num_blocks: int) -> MicroBatch:
        return BaselineMicroBatch(self.config, index, self.head, num_blocks)

    def _cache_shape(self) -> tuple[int, ...]:
        config = self.config
        # One page a sequence.
        return (config.num_microbatches, config.batch, 2, config.longest, HEAD_DIM)

    def _prepare(self, layer: LayerWeights, each: MicroBatch) -> Prepared:
        assert isinstance(each, BaselineMicroBatch)
        library = DeepGemm(self.device, SPARE_BLOCKS + 2)

        def query() -> None:
            library.product(each.latent, layer.query, each.query)
            rotate_queries(each.query, each.cos, each.sin, each.narrow, each.descales[0])

        return Prepared(
            lambda: library.product(each.x, layer.qkv, each.qkv[0]),
            query,
            lambda: library.product(each.attended, layer.out, each.out[0]),
        )

    def _attend(self, layer: LayerWeights, each: MicroBatch, index: int) -> None:
        assert isinstance(each, BaselineMicroBatch)
        from fa3_fwd_interface import flash_attn_with_kvcache

        cache = layer.cache[index]
        q_descale, k_descale, v_descale = each.descales
        out = flash_attn_with_kvcache(
            each.narrow[:, None],
            cache[:, 0, :, None],
            cache[:, 1, :, None],
            cache_seqlens=each.sequences.tile_map.lengths,
            q_descale=q_descale,
            k_descale=k_descale,
            v_descale=v_descale,
            softmax_scale=HEAD_DIM**-0.5,
            pack_gqa=True,
            causal=False,
            sm_margin=SPARE_BLOCKS,
        )
        rows = each.attended
        quantise_gpu(out.view(len(out), -1), out=rows.values, scales=rows.scales)


class BaselineFfnGpu(FfnGpu):
    """Experts by DeepGEMM: masked groups for the routed ones, a product of their own for others."""

    def __init__(self, config: SliceConfig, device: torch.device) -> None:
        """Draws weights; rooms for what DeepGEMM leaves between the halves."""
        capacity, tokens = config.capacity, config.num_tokens
        half = {"dtype": torch.bfloat16, "device": device}
        self._scales = torch.zeros(NUM_OWNED, HIDDEN // 128, capacity, device=device)
        self._hidden_scales = torch.zeros(NUM_OWNED, WIDTH // 128, capacity, device=device)
        self._gated = torch.zeros(NUM_OWNED, capacity, 2 * WIDTH, **half)
        self._down = torch.zeros(NUM_OWNED, capacity, HIDDEN, **half)
        self._wide = torch.zeros(tokens * 2 * max(SHARED_WIDTH, DENSE_WIDTH), **half)
        self._all = torch.tensor([tokens], dtype=torch.int32, device=device)
        super().__init__(config, device)

    def _prepare(self, weights: FfnWeights, inbox: Inbox) -> FfnPrepared:
        library, mean = DeepGemm(self.device, SPARE_BLOCKS), self.config.num_tokens // NUM_FFN
        own = DENSE_WIDTH if weights.down is None else SHARED_WIDTH
        begin = len(weights.gated.values) - 2 * own
        both = Weight(weights.gated.values[begin:], weights.gated.scales[begin // 128 :])
        kept = self.dense if weights.down is None else self.shared
        wide = self._wide[: self.config.num_tokens * 2 * own].view(-1, 2 * own)

        def everyone() -> None:
            library.product(inbox.rows, both, wide)
            gate_rows(wide, self._all, Rows(kept.values, kept.scales[None]))
            library.product(kept, weights.shared_down, self.partial)

        def routed() -> None:
            assert weights.down is not None
            counts = inbox.dispatch.counts
            # Expert by expert, as DeepGEMM wants them.
            scales = inbox.owned_rows.scales.view(-1, NUM_OWNED, self.config.capacity)
            self._scales.copy_(scales.transpose(0, 1))
            own = Rows(inbox.owned_rows.values, self._scales)
            library.grouped(own, weights.gated, self._gated, counts, mean)
            hidden = Rows(self.routed.values, self._hidden_scales)
            gate_rows(self._gated.view(-1, 2 * WIDTH), counts, hidden)
            library.grouped(hidden, weights.down, self._down, counts, mean)

        def combine() -> None:
            if weights.down is not None:
                results = self._down.view(1, -1, HIDDEN)
                whole = results.numel()
                add_routed(self.partial, results, inbox.dispatch, inbox.shares, whole)

        return FfnPrepared(everyone, None if weights.down is None else routed, combine)

    def compute_share(self, layer: int, index: int, fill: Turn | None = None) -> None:
        """This GPU's sums for all tokens, into `partial`."""
        assert fill is None
        products = self.prepared[layer][index]
        if products.down is not None:
            products.down()
        products.gated()
        products.combine()
