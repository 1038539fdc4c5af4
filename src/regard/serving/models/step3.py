"""Step-3's text model (arXiv:2507.19427): multi-matrix factorised attention and experts.

Written from the paper and the public inference code; the released weights were never run here.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.models.attention import LayerCache, PagedAttention
from regard.serving.models.decoder import Decoder, Layer, Tensors, make_linear, model_rope
from regard.serving.models.forward_batch import AdapterRows, ForwardBatch
from regard.serving.models.layers import RMSNorm, SwiGLU
from regard.serving.models.linear import Linear, make_multiply
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense
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


class DenseFeedForward:
    """down(silu(gate) * up): the dense feed-forward and the shared expert."""

    def __init__(self, tensors: Tensors, prefix: str, numerics: Numerics) -> None:
        names = [f"{prefix}.gate_proj", f"{prefix}.up_proj"]
        self._gate_up: Linear = make_linear(names, tensors, numerics)
        self._activate = SwiGLU(numerics)
        self._down: Linear = make_linear([f"{prefix}.down_proj"], tensors, numerics)

    def __call__(
        self, x: Float[Tensor, "rows hidden"], adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows hidden"]:
        """Feed each row forward."""
        return self._down(self._activate(self._gate_up(x, adapters)), adapters)


class Experts:
    """Routed experts: softmax over all, then the top k, not renormalised."""

    def __init__(
        self, config: Step3Config, tensors: Tensors, prefix: str, numerics: Numerics
    ) -> None:
        # The router stays float32: a flipped choice changes a token more than any rounding.
        router = dense(tensors[f"{prefix}.gate.weight"]).float()
        self._route = make_multiply([router], _float32(numerics))
        self._activate = SwiGLU(numerics)
        self._top_k = config.num_experts_per_token
        stacks = [dense(tensors[f"{prefix}.{part}_proj.weight"]) for part in ("gate", "up", "down")]
        self._experts = [
            (make_multiply([gate, up], numerics), make_multiply([down], numerics))
            for gate, up, down in zip(*stacks, strict=True)
        ]

    def route(
        self, x: Float[Tensor, "rows hidden"]
    ) -> tuple[Float[Tensor, "rows k"], Int[Tensor, "rows k"]]:
        """Weights and ids of each row's experts."""
        probabilities = torch.softmax(self._route(x.float()), dim=-1)
        weights, ids = torch.topk(probabilities, self._top_k, dim=-1)
        return weights, ids

    def __call__(self, x: Float[Tensor, "rows hidden"]) -> Float[Tensor, "rows hidden"]:
        """Sum of the chosen experts' outputs, weighted; accumulated in float32."""
        weights, ids = self.route(x)
        # Slot by slot, so that a row's sum has one order whatever the other rows chose.
        parts = torch.zeros(*ids.shape, x.shape[1], device=x.device)
        for expert in sorted(set(ids.flatten().tolist())):
            rows, slots = (ids == expert).nonzero(as_tuple=True)
            gate_up, down = self._experts[expert]
            parts[rows, slots] = down(self._activate(gate_up(x[rows]))).float()
        weighted = parts * weights[:, :, None]
        total = weighted[:, 0]
        for slot in range(1, self._top_k):
            total = total + weighted[:, slot]
        return total.to(x.dtype)


class Step3FeedForward:
    """The feed-forward half: dense, or shared expert plus routed experts."""

    def __init__(
        self, config: Step3Config, tensors: Tensors, prefix: str, layer: int, numerics: Numerics
    ) -> None:
        weight = dense(tensors[f"{prefix}.post_attention_layernorm.weight"])
        self._norm = RMSNorm(weight, config.rms_norm_eps, numerics)
        is_moe = layer in config.moe_layers
        dense_name = f"{prefix}.{'share_expert' if is_moe else 'mlp'}"
        self._dense = DenseFeedForward(tensors, dense_name, numerics)
        self._experts = Experts(config, tensors, f"{prefix}.moe", numerics) if is_moe else None

    def __call__(
        self, residual: Float[Tensor, "rows hidden"], adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows hidden"]:
        """Add the feed-forward output; keeps no state of any request."""
        x = self._norm(residual)
        out = self._dense(x, adapters)
        if self._experts is not None:
            out = out + self._experts(x)
        return residual + out


def build_step3(config: Step3Config, tensors: Tensors, numerics: Numerics) -> Decoder:
    """Step-3's text model."""
    rope = model_rope(config, numerics)
    prefixes = [f"model.layers.{layer}" for layer in range(config.num_layers)]
    layers = [
        Layer(
            Step3Attention(config, tensors, prefix, rope, numerics),
            Step3FeedForward(config, tensors, prefix, number, numerics),
        )
        for number, prefix in enumerate(prefixes)
    ]
    return Decoder(config, tensors, layers, numerics)


def _float32(numerics: Numerics) -> Numerics:
    return Numerics(numerics.mode, numerics.device, torch.float32)
