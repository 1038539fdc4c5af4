"""Multi-head latent attention in numbers."""

from dataclasses import dataclass

from regard.serving.models.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class MlaConfig(ModelConfig):
    """DeepSeek-V2 and V3's attention (arXiv:2405.04434): keys and values in one latent vector.

    `num_kv_heads` is 1 and `head_dim` the width of what is kept of a token, `latent_dim`.
    """

    query_low_rank: int | None
    """Width of the low-rank query (1536 in V3); None where the query is projected at once."""
    kv_low_rank: int
    """Width of the latent that keys and values are made of (512)."""
    nope_dim: int
    """Part of a query head that is not rotated (128)."""
    rope_dim: int
    """Part of a query head that is rotated, and the width of the shared rotated key (64)."""
    value_dim: int
    """Width of a value head (128)."""
    rope_interleaved: bool = True
    """Whether neighbours are rotated as pairs, as in the released checkpoints, or halves."""

    @property
    def latent_dim(self) -> int:
        """Numbers kept of a token: latent and rotated key (576)."""
        return self.kv_low_rank + self.rope_dim


def mla_tensor_shapes(config: MlaConfig) -> dict[str, tuple[int, ...]]:
    """The tensors of one attention half, under the names that follow `model.layers.N.`."""
    hidden, heads, rank = config.hidden_size, config.num_heads, config.query_low_rank
    queries = heads * (config.nope_dim + config.rope_dim)
    own = {
        "kv_a_proj_with_mqa": (config.latent_dim, hidden),
        "kv_a_layernorm": (config.kv_low_rank,),
        "kv_b_proj": (heads * (config.nope_dim + config.value_dim), config.kv_low_rank),
        "o_proj": (hidden, heads * config.value_dim),
    }
    if rank is None:
        own["q_proj"] = (queries, hidden)
    else:
        own |= {
            "q_a_proj": (rank, hidden),
            "q_a_layernorm": (rank,),
            "q_b_proj": (queries, rank),
        }
    shapes = {f"self_attn.{name}.weight": shape for name, shape in own.items()}
    return {"input_layernorm.weight": (hidden,), **shapes}
