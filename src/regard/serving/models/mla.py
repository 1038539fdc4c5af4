"""Multi-head latent attention (arXiv:2405.04434), in its absorbed form.

What is kept of a token is one vector: the normalised latent and the rotated key. Query heads are
taken into the latent's space, attend there as if to one key and value head, and what they bring
back is taken out of it, so that neither keys nor values of a head are ever made.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.kernels.paged_attention.batched import paged_attention_batched
from regard.serving.kernels.paged_attention.reference import paged_attention_reference, rotate
from regard.serving.models.attention import LayerCache
from regard.serving.models.decoder import Tensors, make_linear
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.layers import RMSNorm
from regard.serving.models.linear import make_multiply
from regard.serving.models.mla_config import MlaConfig
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense


class PerHead:
    """A matrix of its own for each head's rows."""

    def __init__(self, weights: Float[Tensor, "heads outer inner"], numerics: Numerics) -> None:
        self._multiplies, self._weights = None, None
        if numerics.is_exact:
            # A batched product's rounding would depend on the number of rows.
            self._multiplies = [make_multiply([weight], numerics) for weight in weights]
        else:
            self._weights = weights.to(numerics.device, numerics.activation_dtype)

    def __call__(self, x: Float[Tensor, "rows heads inner"]) -> Float[Tensor, "rows heads outer"]:
        """Multiply each head by its matrix."""
        if self._multiplies is None:
            return torch.einsum("rhi,hoi->rho", x, self._weights)
        parts = [multiply(x[:, head]) for head, multiply in enumerate(self._multiplies)]
        return torch.stack(parts, dim=1)


class MlaAttention:
    """The attention half: residual + o(values of the latents attended to)."""

    def __init__(
        self,
        config: MlaConfig,
        tensors: Tensors,
        prefix: str,
        rope: tuple[Tensor, Tensor],
        numerics: Numerics,
    ) -> None:
        own, eps = f"{prefix}.self_attn", config.rms_norm_eps

        def norm(name: str) -> RMSNorm:
            return RMSNorm(dense(tensors[f"{name}.weight"]), eps, numerics)

        self._config, self._rope, self._is_exact = config, rope, numerics.is_exact
        self._norm = norm(f"{prefix}.input_layernorm")
        is_low_rank = config.query_low_rank is not None
        self._query_down = (
            make_linear([f"{own}.q_a_proj"], tensors, numerics) if is_low_rank else None
        )
        self._query_norm = norm(f"{own}.q_a_layernorm") if is_low_rank else None
        self._query = make_linear(
            [f"{own}.{'q_b_proj' if is_low_rank else 'q_proj'}"], tensors, numerics
        )
        self._latent = make_linear([f"{own}.kv_a_proj_with_mqa"], tensors, numerics)
        self._latent_norm = norm(f"{own}.kv_a_layernorm")
        up = dense(tensors[f"{own}.kv_b_proj.weight"]).float()
        heads = up.view(config.num_heads, config.nope_dim + config.value_dim, config.kv_low_rank)
        keys, values = torch.split(heads, [config.nope_dim, config.value_dim], dim=1)
        self._into_latent = PerHead(keys.transpose(1, 2), numerics)
        self._out_of_latent = PerHead(values, numerics)
        self._out = make_linear([f"{own}.o_proj"], tensors, numerics)

    def __call__(
        self, residual: Float[Tensor, "rows hidden"], cache: LayerCache, batch: ForwardBatch
    ) -> Float[Tensor, "rows hidden"]:
        """Attend over the cache, which gains this batch's latents."""
        x = self._norm(residual)
        queries = self._latent_queries(x, batch)
        self._append(x, cache, batch)
        attend = paged_attention_reference if self._is_exact else paged_attention_batched
        # The same latents are the values. What their rotated part brings back is dropped.
        attended = attend(
            queries,
            cache.keys,
            cache.keys.transpose(2, 3),
            batch.block_tables,
            batch.sequence,
            batch.contexts,
            (self._config.nope_dim + self._config.rope_dim) ** -0.5,
        )
        latents = attended.view(queries.shape)[..., : self._config.kv_low_rank]
        out = self._out_of_latent(latents).flatten(1)
        return residual + self._out(out, batch.adapters)

    def _latent_queries(
        self, x: Float[Tensor, "rows hidden"], batch: ForwardBatch
    ) -> Float[Tensor, "rows heads latent"]:
        if self._query_down is not None and self._query_norm is not None:
            x = self._query_norm(self._query_down(x, batch.adapters))
        config = self._config
        queries = self._query(x, batch.adapters).view(x.shape[0], config.num_heads, -1)
        plain, turned = torch.split(queries, [config.nope_dim, config.rope_dim], dim=-1)
        return torch.cat((self._into_latent(plain), self._turn(turned, batch)), dim=-1)

    def _append(
        self, x: Float[Tensor, "rows hidden"], cache: LayerCache, batch: ForwardBatch
    ) -> None:
        config = self._config
        down = self._latent(x, batch.adapters)
        latent, key = torch.split(down, [config.kv_low_rank, config.rope_dim], dim=-1)
        turned = self._turn(key[:, None], batch)[:, 0]
        kept = torch.cat((self._latent_norm(latent.contiguous()), turned), dim=-1)
        block_size = cache.keys.shape[3]
        block, offset = batch.slots // block_size, batch.slots % block_size
        cache.keys[block, 0, :, offset] = kept.to(cache.keys.dtype)

    def _turn(
        self, x: Float[Tensor, "rows heads dim"], batch: ForwardBatch
    ) -> Float[Tensor, "rows heads dim"]:
        if self._config.rope_interleaved:
            # Queries and keys in the same other order have the same products.
            x = torch.cat((x[..., ::2], x[..., 1::2]), dim=-1)
        cos, sin = (table[batch.positions] for table in self._rope)
        return rotate(x.float(), cos, sin).to(x.dtype)
