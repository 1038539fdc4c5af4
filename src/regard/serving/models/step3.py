"""Step-3's text model (arXiv:2507.19427): multi-matrix factorised attention and experts.

Written from the paper and the public inference code; the released weights were never run here.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.attention import LayerCache, PagedAttention
from regard.serving.models.decoder import AttentionSide, Tensors, make_linear, swiglu_tensors
from regard.serving.models.experts import Experts, open_stack
from regard.serving.models.feed_forward import (
    DenseFeedForward,
    FeedForward,
    MixtureOfExperts,
    PostAttention,
)
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.layers import RMSNorm
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense
from regard.serving.models.router import Router
from regard.serving.models.shard import WHOLE, FeedForwardShard
from regard.serving.models.step3_config import Step3Config


class Step3Attention:
    """The attention half: MFA with a low-rank query and one shared key and value head."""

    def __init__(
        self,
        config: Step3Config,
        tensors: Tensors,
        prefix: str,
        rope: tuple[Tensor, Tensor],
        numerics: Numerics,
    ) -> None:
        eps, own = config.rms_norm_eps, f"{prefix}.self_attn"
        self._norm = RMSNorm(dense(tensors[f"{prefix}.input_layernorm.weight"]), eps, numerics)
        self._down = make_linear([f"{own}.{part}_proj" for part in "qkv"], tensors, numerics)
        self._inter_norm = RMSNorm(dense(tensors[f"{own}.inter_norm.weight"]), eps, numerics)
        self._up = make_linear([f"{own}.wq"], tensors, numerics)
        self._out = make_linear([f"{own}.o_proj"], tensors, numerics)
        self._low_rank = config.query_low_rank
        self._attend = PagedAttention(
            num_heads=config.num_heads,
            num_kv_heads=1,
            head_dim=config.head_dim,
            rope=rope,
            numerics=numerics,
        )

    def __call__(
        self, residual: Float[Tensor, "rows hidden"], cache: LayerCache, batch: ForwardBatch
    ) -> Float[Tensor, "rows hidden"]:
        """Attend over the cache, which gains this batch's keys and values."""
        low = self._down(self._norm(residual), batch.adapters)
        query = self._up(self._inter_norm(low[:, : self._low_rank]), batch.adapters)
        qkv = torch.cat((query, low[:, self._low_rank :]), dim=1)
        return residual + self._out(self._attend(qkv, cache, batch), batch.adapters)


def build_step3_side(
    config: Step3Config,
    layer: int,
    tensors: Tensors,
    rope: tuple[Tensor, Tensor],
    numerics: Numerics,
) -> AttentionSide:
    """What attention's side holds of one layer."""
    prefix = f"model.layers.{layer}"
    weight = dense(tensors[f"{prefix}.post_attention_layernorm.weight"])
    norm = RMSNorm(weight, config.rms_norm_eps, numerics)
    router = None
    if layer in config.moe_layers:
        router = Router(
            dense(tensors[f"{prefix}.moe.gate.weight"]),
            config.num_experts_per_token,
            numerics,
            renormalise=config.renormalise_experts,
        )
    attention = Step3Attention(config, tensors, prefix, rope, numerics)
    return AttentionSide(attention, PostAttention(norm, router))


def build_step3_feed_forward(
    config: Step3Config,
    layer: int,
    tensors: Tensors,
    numerics: Numerics,
    shard: FeedForwardShard = WHOLE,
) -> FeedForward:
    """One layer's feed-forward, or a shard of it: dense, or shared expert plus routed experts."""
    prefix = f"model.layers.{layer}"
    is_moe = layer in config.moe_layers
    shared = DenseFeedForward(
        swiglu_tensors(tensors, f"{prefix}.{'share_expert' if is_moe else 'mlp'}"), numerics, shard
    )
    if not is_moe:
        return shared
    names = [f"{prefix}.moe.{part}_proj.weight" for part in ("gate", "up", "down")]
    stacks = [open_stack(tensors, name) for name in names]
    return MixtureOfExperts(shared, Experts(stacks, numerics, shard))
