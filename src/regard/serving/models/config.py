"""A model in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.serving.errors import WeightsError

LLAMA_ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What every model has."""

    architecture: str
    """llama or step3."""
    vocab_size: int
    """Rows of the embedding."""
    hidden_size: int
    """Width of the residual stream."""
    num_layers: int
    """Layers."""
    num_heads: int
    """Query heads."""
    num_kv_heads: int
    """Key and value heads."""
    head_dim: int
    """Width of a head."""
    intermediate_size: int
    """Width of the dense feed-forward half."""
    rope_theta: float
    """Base of the rotary frequencies."""
    rope_scaling: Mapping[str, Any] | None = None
    """Hugging Face `rope_scaling`."""
    rms_norm_eps: float
    """Added to the mean square."""
    max_position_embeddings: int
    """Trained context."""
    tie_word_embeddings: bool
    """Whether the head is the embedding."""
    attention_bias: bool = False
    """Whether the attention projections have biases."""
    eos_token_ids: tuple[int, ...] = ()
    """Tokens that end a text."""
    bos_token_id: int | None = None
    """Token that begins one."""


_REQUIRED = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "rms_norm_eps", "max_position_embeddings",
)  # fmt: skip


def llama_from_hf(data: Mapping[str, Any], path: Path) -> ModelConfig:
    """Read the config.json of a Llama-family model.

    Raises:
        WeightsError: a key is missing or asks for what is not supported.
    """
    missing = [key for key in _REQUIRED if key not in data]
    if missing:
        raise WeightsError(path, f"the configuration lacks {', '.join(missing)}")
    if data.get("sliding_window"):
        raise WeightsError(path, f"sliding_window {data['sliding_window']} is not supported")
    if data.get("hidden_act", "silu") != "silu":
        raise WeightsError(path, f"hidden_act {data['hidden_act']!r} is not supported; only silu")
    # transformers 5 moved theta and scaling into one mapping.
    rope = data.get("rope_parameters") or {}
    scaling = data.get("rope_scaling") or (
        rope if rope.get("rope_type", "default") != "default" else None
    )
    heads, eos = data["num_attention_heads"], data.get("eos_token_id")
    return ModelConfig(
        architecture="llama",
        vocab_size=data["vocab_size"],
        hidden_size=data["hidden_size"],
        num_layers=data["num_hidden_layers"],
        num_heads=heads,
        num_kv_heads=data.get("num_key_value_heads") or heads,
        head_dim=data.get("head_dim") or data["hidden_size"] // heads,
        intermediate_size=data["intermediate_size"],
        rope_theta=float(data.get("rope_theta") or rope.get("rope_theta") or 10000.0),
        rope_scaling=scaling,
        rms_norm_eps=float(data["rms_norm_eps"]),
        max_position_embeddings=data["max_position_embeddings"],
        tie_word_embeddings=bool(data.get("tie_word_embeddings", False)),
        attention_bias=bool(data.get("attention_bias", False)),
        eos_token_ids=tuple(eos) if isinstance(eos, list) else (() if eos is None else (eos,)),
        bos_token_id=data.get("bos_token_id"),
    )


def llama_tensor_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor that must be there, with its shape."""
    hidden, inner = config.hidden_size, config.intermediate_size
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config.vocab_size, hidden),
        "model.norm.weight": (hidden,),
    }
    if not config.tie_word_embeddings:
        shapes["lm_head.weight"] = (config.vocab_size, hidden)
    per_layer: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
        "self_attn.q_proj.weight": (queries, hidden),
        "self_attn.k_proj.weight": (keys, hidden),
        "self_attn.v_proj.weight": (keys, hidden),
        "self_attn.o_proj.weight": (hidden, queries),
        "mlp.gate_proj.weight": (inner, hidden),
        "mlp.up_proj.weight": (inner, hidden),
        "mlp.down_proj.weight": (hidden, inner),
    }
    if config.attention_bias:
        sizes = {"q": queries, "k": keys, "v": keys, "o": hidden}
        per_layer |= {f"self_attn.{part}_proj.bias": (size,) for part, size in sizes.items()}
    for layer in range(config.num_layers):
        shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in per_layer.items()}
    return shapes
