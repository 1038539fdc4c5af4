"""Attention halves in float64 from their formulas: GQA, MFA, MLA; whole sequences, no cache."""

import torch

from tests.serving.step3_reference import norm, rotate


def softmax_attention(queries, keys, values, scale):
    """(tokens, heads, dim) each, causal."""
    count = queries.shape[0]
    scores = torch.einsum("qhd,khd->hqk", queries, keys) * scale
    scores = scores + torch.full((count, count), -torch.inf, dtype=torch.float64).triu(1)
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), values).reshape(count, -1)


def gqa(config, w, x):
    h, dim, count = norm(x, w["input_layernorm"], config.rms_norm_eps), config.head_dim, len(x)
    q, k, v = ((h @ w[f"self_attn.{part}_proj"].T).view(count, -1, dim) for part in "qkv")
    q, k = (rotate(part, dim, config.rope_theta) for part in (q, k))
    group = config.num_heads // config.num_kv_heads
    k, v = (part.repeat_interleave(group, dim=1) for part in (k, v))
    return x + softmax_attention(q, k, v, dim**-0.5) @ w["self_attn.o_proj"].T


def mfa(config, w, x):
    h, dim, count = norm(x, w["input_layernorm"], config.rms_norm_eps), config.head_dim, len(x)
    low = norm(h @ w["self_attn.q_proj"].T, w["self_attn.inter_norm"], config.rms_norm_eps)
    q = rotate((low @ w["self_attn.wq"].T).view(count, -1, dim), dim, config.rope_theta)
    k = rotate((h @ w["self_attn.k_proj"].T)[:, None], dim, config.rope_theta)
    v = (h @ w["self_attn.v_proj"].T)[:, None]
    k, v = (part.expand(count, config.num_heads, dim) for part in (k, v))
    return x + softmax_attention(q, k, v, dim**-0.5) @ w["self_attn.o_proj"].T


def rotate_pairs(x, theta):
    """x (tokens, heads, dim): neighbours (2i, 2i + 1) turn by position * theta^(-2i/dim)."""
    dim = x.shape[-1]
    exponents = torch.arange(0, dim, 2, dtype=torch.float64) / dim
    angles = torch.arange(len(x), dtype=torch.float64)[:, None] * theta**-exponents
    turned = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    turned = turned * torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.view_as_real(turned).reshape(x.shape)


def mla(config, w, x):
    """Unabsorbed: every head's keys and values are made."""
    eps, count, heads = config.rms_norm_eps, len(x), config.num_heads
    h = norm(x, w["input_layernorm"], eps)
    if config.query_low_rank is None:
        q = h @ w["self_attn.q_proj"].T
    else:
        low = norm(h @ w["self_attn.q_a_proj"].T, w["self_attn.q_a_layernorm"], eps)
        q = low @ w["self_attn.q_b_proj"].T
    plain, turned = q.view(count, heads, -1).split([config.nope_dim, config.rope_dim], -1)
    latent, key = (h @ w["self_attn.kv_a_proj_with_mqa"].T).split(
        [config.kv_low_rank, config.rope_dim], -1
    )
    up = norm(latent, w["self_attn.kv_a_layernorm"], eps) @ w["self_attn.kv_b_proj"].T
    keys, values = up.view(count, heads, -1).split([config.nope_dim, config.value_dim], -1)

    def turn(part):
        if config.rope_interleaved:
            return rotate_pairs(part, config.rope_theta)
        return rotate(part, config.rope_dim, config.rope_theta)

    key = turn(key[:, None]).expand(count, heads, config.rope_dim)
    q, k = torch.cat((plain, turn(turned)), -1), torch.cat((keys, key), -1)
    mixed = softmax_attention(q, k, values, (config.nope_dim + config.rope_dim) ** -0.5)
    return x + mixed @ w["self_attn.o_proj"].T
