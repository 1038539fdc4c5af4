"""The model families: how each one's configuration becomes layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import MappingProxyType

from regard.serving.cost.attention import AttentionLayers
from regard.serving.cost.config_reader import ConfigReader
from regard.serving.cost.family_parts import (
    Attention,
    CachePrecisions,
    FeedForward,
    dense,
    grouped,
    local_experts,
    moe,
)
from regard.serving.cost.latent_attention import LatentAttention, SparseIndex
from regard.serving.cost.lightning_attention import LightningAttention

Layers = tuple[Attention, FeedForward]
ReadLayers = Callable[[ConfigReader, CachePrecisions], Layers]


def _latent(config: ConfigReader, cache: CachePrecisions, index: SparseIndex | None) -> Layers:
    layers = config.whole("num_hidden_layers")
    attention = LatentAttention(
        layers=layers,
        hidden=config.whole("hidden_size"),
        heads=config.whole("num_attention_heads"),
        query_rank=config.optional_whole("q_lora_rank"),
        kv_rank=config.whole("kv_lora_rank"),
        rope_dim=config.whole("qk_rope_head_dim"),
        nope_dim=config.whole("qk_nope_head_dim"),
        value_dim=config.whole("v_head_dim"),
        kv_precision=cache.full,
        index=index,
    )
    num_dense = config.whole("first_k_dense_replace", at_least=0)
    shared = config.whole_or("n_shared_experts", 0, "no shared expert", at_least=0)
    experts = moe(
        config,
        layers - num_dense,
        experts_key="n_routed_experts",
        active_key="num_experts_per_tok",
        width_key="moe_intermediate_size",
        shared_width=shared * config.whole("moe_intermediate_size"),
    )
    return (attention,), (*dense(config, num_dense), experts)


def _mla(config: ConfigReader, cache: CachePrecisions) -> Layers:
    return _latent(config, cache, None)


def _dsa(config: ConfigReader, cache: CachePrecisions) -> Layers:
    index = SparseIndex(
        heads=config.whole("index_n_heads"),
        dim=config.whole("index_head_dim"),
        top_k=config.whole("index_topk"),
        precision=cache.full,
    )
    return _latent(config, cache, index)


def _gqa_dense(config: ConfigReader, cache: CachePrecisions) -> Layers:
    config.refuse_when("use_sliding_window", "windows of this family are not read")
    layers = config.whole("num_hidden_layers")
    return (grouped(config, layers, cache.full),), dense(config, layers)


def _windowed(config: ConfigReader, cache: CachePrecisions) -> AttentionLayers:
    layers, window = config.whole("num_hidden_layers"), config.optional_whole("sliding_window")
    precision = cache.full if window is None else cache.window
    return grouped(config, layers, precision, window=window)


def _mistral(config: ConfigReader, cache: CachePrecisions) -> Layers:
    return (_windowed(config, cache),), dense(config, config.whole("num_hidden_layers"))


def _mixtral(config: ConfigReader, cache: CachePrecisions) -> Layers:
    experts = local_experts(config, config.whole("num_hidden_layers"))
    return (_windowed(config, cache),), (experts,)


def _qwen3_moe(config: ConfigReader, cache: CachePrecisions) -> Layers:
    config.refuse_when("use_sliding_window", "windows of this family are not read")
    layers, step = config.whole("num_hidden_layers"), config.whole("decoder_sparse_step")
    dense_only = set(config.whole_list("mlp_only_layers"))
    num_moe = sum((i + 1) % step == 0 and i not in dense_only for i in range(layers))
    experts = moe(
        config,
        num_moe,
        experts_key="num_experts",
        active_key="num_experts_per_tok",
        width_key="moe_intermediate_size",
    )
    return (grouped(config, layers, cache.full),), (*dense(config, layers - num_moe), experts)


def _minimax_m2(config: ConfigReader, cache: CachePrecisions) -> Layers:
    config.refuse_when("shared_intermediate_size", "shared experts of this family are not read")
    return _mixtral(config, cache)


def _gpt_oss(config: ConfigReader, cache: CachePrecisions) -> Layers:
    kinds = Counter(config.names("layer_types", ("full_attention", "sliding_attention")))
    window = config.whole("sliding_window")
    attention = (
        grouped(config, kinds["full_attention"], cache.full),
        grouped(config, kinds["sliding_attention"], cache.window, window=window),
    )
    experts = local_experts(config, config.whole("num_hidden_layers"))
    return tuple(each for each in attention if each.layers), (experts,)


def _llama4(config: ConfigReader, cache: CachePrecisions) -> Layers:
    layers, step = config.whole("num_hidden_layers"), config.whole("interleave_moe_layer_step")
    every = config.whole_or("no_rope_layer_interval", 4, "transformers' Llama4TextConfig")
    num_full = layers // every
    window = config.whole("attention_chunk_size")
    attention = (
        grouped(config, num_full, cache.full),
        grouped(config, layers - num_full, cache.window, window=window),
    )
    num_moe = layers // step
    # Each layer with experts has one shared expert of the same width.
    experts = local_experts(config, num_moe, shared_width=config.whole("intermediate_size"))
    return attention, (*dense(config, layers - num_moe, "intermediate_size_mlp"), experts)


def _minimax_m1(config: ConfigReader, cache: CachePrecisions) -> Layers:
    config.refuse_when("shared_intermediate_size", "shared experts of this family are not read")
    kinds = Counter(config.whole_list("attn_type_list"))
    attention: Attention = (
        grouped(config, kinds[1], cache.full),
        LightningAttention(
            layers=kinds[0],
            hidden=config.whole("hidden_size"),
            heads=config.whole("num_attention_heads"),
            head_dim=config.whole("head_dim"),
            kv_precision=cache.state,
        ),
    )
    experts = local_experts(config, config.whole("num_hidden_layers"))
    return tuple(each for each in attention if each.layers), (experts,)


def _ernie(config: ConfigReader, cache: CachePrecisions) -> Layers:
    layers, step = config.whole("num_hidden_layers"), config.whole("moe_layer_interval")
    first = config.whole("moe_layer_start_index", at_least=0)
    last = config.whole("moe_layer_end_index", at_least=-1)
    inside = range(first, layers if last == -1 else last + 1)
    num_moe = sum((i + 1) % step == 0 for i in inside)
    shared = config.whole_or("moe_num_shared_experts", 0, "no shared expert", at_least=0)
    experts = moe(
        config,
        num_moe,
        experts_key="moe_num_experts",
        active_key="moe_k",
        width_key="moe_intermediate_size",
        shared_width=shared * config.whole("moe_intermediate_size"),
    )
    return (grouped(config, layers, cache.full),), (*dense(config, layers - num_moe), experts)


def _pangu(config: ConfigReader, cache: CachePrecisions) -> Layers:
    layers = config.whole("num_hidden_layers")
    experts = moe(
        config,
        layers,
        experts_key="num_experts",
        active_key="num_experts_per_tok",
        width_key="moe_intermediate_size",
        shared_width=config.whole("shared_expert_intermediate_size", at_least=0),
    )
    return (grouped(config, layers, cache.full),), (experts,)


def _step3(config: ConfigReader, cache: CachePrecisions) -> Layers:
    layers = config.whole("num_hidden_layers")
    attention = grouped(
        config,
        layers,
        cache.full,
        query_rank=config.whole("share_q_dim"),
        kv_heads_key="num_attention_groups",
    )
    num_moe = len(config.whole_list("moe_layers_enum"))
    experts = moe(
        config,
        num_moe,
        experts_key="moe_num_experts",
        active_key="moe_top_k",
        width_key="moe_intermediate_size",
        shared_width=config.whole("share_expert_dim", at_least=0),
    )
    return (attention,), (*dense(config, layers - num_moe), experts)


# `model_type` of a configuration -> how its layers are read.
FAMILIES: MappingProxyType[str, ReadLayers] = MappingProxyType(
    {
        "deepseek_v2": _mla,
        "deepseek_v3": _mla,
        "kimi_k2": _mla,
        "deepseek_v32": _dsa,
        "glm_moe_dsa": _dsa,
        "llama": _gqa_dense,
        "qwen2": _gqa_dense,
        "qwen3": _gqa_dense,
        "mistral": _mistral,
        "mixtral": _mixtral,
        "qwen3_moe": _qwen3_moe,
        "minimax_m2": _minimax_m2,
        "gpt_oss": _gpt_oss,
        "llama4_text": _llama4,
        "minimax_m1": _minimax_m1,
        "minimax_text_01": _minimax_m1,
        "ernie4_5_moe": _ernie,
        "pangu_pro_moe": _pangu,
        "step3_text": _step3,
    }
)
