"""Step-3's text model in float64, written out from the paper's formulas."""

import torch

from regard.serving.models.attention import allocate_cache
from tests.serving.rows import one_sequence


def norm(x, weight, eps):
    return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * weight


def swiglu(x, gate, up, down):
    hidden = x @ gate.T
    return (hidden * torch.sigmoid(hidden) * (x @ up.T)) @ down.T


def rotate(x, dim, theta):
    """x (tokens, heads, dim): pairs (i, i + dim/2) turn by position * theta^(-2i/dim)."""
    half = dim // 2
    out = torch.empty_like(x)
    for position in range(x.shape[0]):
        for i in range(half):
            angle = torch.tensor(position * theta ** (-2 * i / dim), dtype=torch.float64)
            a, b = x[position, :, i], x[position, :, i + half]
            out[position, :, i] = a * angle.cos() - b * angle.sin()
            out[position, :, i + half] = b * angle.cos() + a * angle.sin()
    return out


def reference(config, tensors, tokens, *, renormalise=False, inner_norm=True, theta=None):
    """Logits of the last token; the options plant the usual misreadings."""
    t = {name: tensor.double() for name, tensor in tensors.items()}
    x = t["model.embed_tokens.weight"][tokens]
    eps, theta = config.rms_norm_eps, theta or config.rope_theta
    dim, heads, count = config.head_dim, config.num_heads, len(tokens)
    for layer in range(config.num_layers):
        w = {
            name.removeprefix(f"model.layers.{layer}.").removesuffix(".weight"): tensor
            for name, tensor in t.items()
            if name.startswith(f"model.layers.{layer}.")
        }
        h = norm(x, w["input_layernorm"], eps)
        low = h @ w["self_attn.q_proj"].T
        if inner_norm:
            low = norm(low, w["self_attn.inter_norm"], eps)
        q = rotate((low @ w["self_attn.wq"].T).view(count, heads, dim), dim, theta)
        k = rotate((h @ w["self_attn.k_proj"].T).view(count, 1, dim), dim, theta)[:, 0]
        v = h @ w["self_attn.v_proj"].T
        scores = torch.einsum("qhd,kd->hqk", q, k) * dim**-0.5
        scores += torch.full((count, count), -torch.inf, dtype=torch.float64).triu(1)
        mixed = torch.einsum("hqk,kd->qhd", scores.softmax(-1), v)
        x = x + mixed.reshape(count, -1) @ w["self_attn.o_proj"].T
        h = norm(x, w["post_attention_layernorm"], eps)
        if layer not in config.moe_layers:
            x = x + swiglu(h, w["mlp.gate_proj"], w["mlp.up_proj"], w["mlp.down_proj"])
            continue
        parts = [w[f"share_expert.{part}_proj"] for part in ("gate", "up", "down")]
        out = swiglu(h, *parts)
        weights, chosen = (h @ w["moe.gate"].T).softmax(-1).topk(config.num_experts_per_token)
        if renormalise:
            weights = weights / weights.sum(-1, keepdim=True)
        for row in range(count):
            for weight, expert in zip(weights[row], chosen[row], strict=True):
                own = [w[f"moe.{part}_proj"][expert] for part in ("gate", "up", "down")]
                out[row] += weight * swiglu(h[row : row + 1], *own)[0]
        x = x + out
    return (norm(x, t["model.norm.weight"], eps) @ t["lm_head.weight"].T)[-1]


def prefill(loaded, chunks) -> torch.Tensor:
    """Logits of the last token after these chunks of one sequence."""
    config = loaded.model.config
    caches = [
        allocate_cache(
            num_blocks=8,
            block_size=8,
            kv_heads=1,
            head_dim=config.head_dim,
            dtype=torch.float32,
            device=torch.device("cpu"),
        )
        for _ in range(config.num_layers)
    ]
    start = 0
    with torch.inference_mode():
        for chunk in chunks:
            batch = one_sequence(chunk, block_size=8, start=start)
            logits = loaded.model.forward(batch, caches)[0]
            start += len(chunk)
    return logits


def distance(ours, theirs) -> float:
    return ((ours - theirs).norm() / theirs.norm()).item()
