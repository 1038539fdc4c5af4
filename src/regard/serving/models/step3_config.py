"""Step-3's text model in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.serving.errors import WeightsError
from regard.serving.models.config import ModelConfig
from regard.serving.models.vision.config import (
    VisionConfig,
    vision_from_hf,
    vision_tensor_shapes,
)


@dataclass(frozen=True, kw_only=True)
class Step3Config(ModelConfig):
    """Step-3 (arXiv:2507.19427): MFA attention and a mixture of experts."""

    query_low_rank: int
    """Width of the low-rank query (2048 in the released model)."""
    num_experts: int
    """Routed experts (48)."""
    num_experts_per_token: int
    """Experts a token is sent to (3)."""
    moe_intermediate_size: int
    """Width of one routed expert (5120)."""
    share_expert_size: int
    """Width of the shared expert (5120)."""
    moe_layers: tuple[int, ...]
    """Layers with experts (4 to 59); the others have a dense feed-forward half."""
    vision: VisionConfig | None = None
    """The vision side, where the checkpoint has one."""
    renormalise_experts: bool = False
    """Whether the chosen experts' weights are made to add up to 1; in the released model not."""


_REQUIRED = (
    "hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "vocab_size",
    "rms_norm_eps", "moe_intermediate_size", "moe_num_experts", "moe_top_k", "share_q_dim",
    "head_dim", "share_expert_dim", "moe_layers_enum", "max_position_embedding",
)  # fmt: skip


def step3_from_hf(data: Mapping[str, Any], path: Path) -> Step3Config:
    """Read the `text_config` of a Step-3 config.json, or the text model's own config.

    Raises:
        WeightsError: a key is missing or asks for what is not supported.
    """
    text = data.get("text_config", data)
    missing = [key for key in _REQUIRED if key not in text]
    if missing:
        raise WeightsError(path, f"the Step-3 configuration lacks {', '.join(missing)}")
    if text.get("num_attention_groups", 1) != 1:
        raise WeightsError(
            path, f"num_attention_groups {text['num_attention_groups']} is not supported; only 1"
        )
    # transformers 5 moved theta and scaling into one mapping.
    rope = text.get("rope_parameters") or {}
    scaling = text.get("rope_scaling") or (
        rope if rope.get("rope_type", "default") != "default" else None
    )
    layers = text["moe_layers_enum"]
    if isinstance(layers, str):
        layers = [int(part) for part in layers.split(",") if part]
    eos = data.get("eos_token_id", text.get("eos_token_id"))
    return Step3Config(
        architecture="step3",
        vocab_size=text["vocab_size"],
        hidden_size=text["hidden_size"],
        num_layers=text["num_hidden_layers"],
        num_heads=text["num_attention_heads"],
        num_kv_heads=1,
        head_dim=text["head_dim"],
        intermediate_size=text["intermediate_size"],
        rope_theta=float(text.get("rope_theta") or rope.get("rope_theta") or 500000.0),
        rope_scaling=scaling,
        rms_norm_eps=float(text["rms_norm_eps"]),
        max_position_embeddings=text["max_position_embedding"],
        tie_word_embeddings=bool(text.get("tie_word_embeddings", False)),
        attention_bias=False,
        eos_token_ids=tuple(eos) if isinstance(eos, list) else (() if eos is None else (eos,)),
        bos_token_id=data.get("bos_token_id", text.get("bos_token_id")),
        query_low_rank=text["share_q_dim"],
        num_experts=text["moe_num_experts"],
        num_experts_per_token=text["moe_top_k"],
        moe_intermediate_size=text["moe_intermediate_size"],
        share_expert_size=text["share_expert_dim"],
        moe_layers=tuple(layers),
        vision=vision_from_hf(data, path, text_hidden_size=text["hidden_size"]),
        renormalise_experts=bool(text.get("norm_expert_weight", False)),
    )


def step3_tensor_shapes(config: Step3Config) -> dict[str, tuple[int, ...]]:
    """Every tensor of the checkpoint with its shape, the vision side's included."""
    hidden, heads, dim = config.hidden_size, config.num_heads, config.head_dim
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config.vocab_size, hidden),
        "model.norm.weight": (hidden,),
    }
    if not config.tie_word_embeddings:
        shapes["lm_head.weight"] = (config.vocab_size, hidden)
    for layer in range(config.num_layers):
        prefix = f"model.layers.{layer}"
        own = {
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
            "self_attn.q_proj": (config.query_low_rank, hidden),
            "self_attn.k_proj": (dim, hidden),
            "self_attn.v_proj": (dim, hidden),
            "self_attn.inter_norm": (config.query_low_rank,),
            "self_attn.wq": (heads * dim, config.query_low_rank),
            "self_attn.o_proj": (hidden, heads * dim),
            **_feed_forward_shapes(config, layer),
        }
        shapes |= {f"{prefix}.{name}.weight": shape for name, shape in own.items()}
    if config.vision is not None:
        shapes |= vision_tensor_shapes(config.vision)
    return shapes


def _feed_forward_shapes(config: Step3Config, layer: int) -> dict[str, tuple[int, ...]]:
    hidden = config.hidden_size
    if layer not in config.moe_layers:
        return _swiglu_shapes("mlp", hidden, config.intermediate_size)
    experts, inner = config.num_experts, config.moe_intermediate_size
    return {
        "moe.gate": (experts, hidden),
        "moe.gate_proj": (experts, inner, hidden),
        "moe.up_proj": (experts, inner, hidden),
        "moe.down_proj": (experts, hidden, inner),
        **_swiglu_shapes("share_expert", hidden, config.share_expert_size),
    }


def _swiglu_shapes(prefix: str, hidden: int, inner: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{prefix}.gate_proj": (inner, hidden),
        f"{prefix}.up_proj": (inner, hidden),
        f"{prefix}.down_proj": (hidden, inner),
    }
