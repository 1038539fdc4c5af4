"""Cells that the Step-3 report prints (arXiv:2507.19427, tables 2 to 7), and its counting rules."""

ACCELERATORS = ("h800", "h20", "a800", "910b")

# usd/FLOP, usd/byte, roofline FLOP/B, least sparsity for hidden 7168, 61 layers, 50 ms.
# The H800's price of a FLOP is printed 2.80e-19; its own price and speed give 2.81e-19.
ACCELERATOR_CELLS = {
    "h800": ("2.81e-19", "1.66e-16", 591, "0.058"),
    "h20": ("7.51e-19", "5.56e-17", 74, "0.007"),
    "a800": ("6.68e-19", "1.04e-16", 156, "0.031"),
    "910b": ("6.65e-19", "1.16e-16", 175, "0.034"),
}

# KV bytes and attention FLOPs at 8K and 32K, linear FLOPs, FFN FLOPs, intensity.
COUNT_CELLS = {
    "deepseek-v3": (
        "2.88e+08", "1.47e+11", "1.15e+09", "5.89e+11", "2.28e+10", "4.84e+10", 512,
    ),
    "qwen3-235b-a22b": (
        "7.89e+08", "2.52e+10", "3.15e+09", "1.01e+11", "1.34e+10", "2.84e+10", 32,
    ),
    "step3": (
        "2.56e+08", "3.27e+10", "1.02e+09", "1.31e+11", "2.07e+10", "5.33e+10", 128,
    ),
}  # fmt: skip

# Dollars per million tokens: attention at 8K and 32K, FFN, AFD at 8K and 32K.
DOLLAR_CELLS = {
    "deepseek-v3": (
        ("0.054", "0.128", "0.114", "0.113"),
        ("0.197", "0.460", "0.409", "0.407"),
        ("0.014", "0.036", "0.032", "0.032"),
        ("0.068", "0.211"),
    ),
    "qwen3-235b-a22b": (
        ("0.135", "0.054", "0.091", "0.101"),
        ("0.527", "0.185", "0.338", "0.376"),
        ("0.008", "0.021", "0.019", "0.019"),
        ("0.062", "0.193"),
    ),
    "step3": (
        ("0.048", "0.040", "0.040", "0.043"),
        ("0.176", "0.114", "0.120", "0.133"),
        ("0.015", "0.040", "0.036", "0.035"),
        ("0.055", "0.129"),
    ),
}


def counted_by_hand(model: str, c: int) -> tuple[float, float, float, float]:
    """(KV bytes, attention FLOPs, linear FLOPs, FFN FLOPs) from the report's rules, written out."""
    gated = 3
    if model in ("deepseek-v3", "kimi-k2"):
        heads, moe = (128, 58) if model == "deepseek-v3" else (64, 60)
        linear = (
            7168 * 1536 + 1536 * heads * 192 + 7168 * 576 + 2 * heads * 128 * 512
            + heads * 128 * 7168
        )  # fmt: skip
        ffn = moe * 9 * gated * 7168 * 2048 + (61 - moe) * gated * 7168 * 18432
        return 576 * 61 * c, heads * 576 * 4 * c * 61, 2 * 61 * linear, 2 * ffn
    if model == "llama4-maverick":
        near = min(c, 8192)
        linear = 5120 * (5120 + 5120 + 1024 + 1024) * 48
        ffn = 24 * 2 * gated * 5120 * 8192 + 24 * gated * 5120 * 16384
        kv = 12 * 2048 * 2 * c + 36 * 2048 * near
        return kv, 40 * 128 * 4 * (12 * c + 36 * near), 2 * linear, 2 * ffn
    if model == "minimax-m1":
        state = 70 * 64 * 128 * 128
        linear = 10 * 6144 * (2 * 8192 + 2 * 1024) + 70 * 5 * 6144 * 8192
        ffn = 80 * 2 * gated * 6144 * 9216
        kv = 10 * 2048 * 2 * c + state * 4 * 2
        return kv, 10 * 64 * 128 * 4 * c + state * 10, 2 * linear, 2 * ffn
    if model == "step3":
        linear = 7168 * 2048 + 2048 * 16384 + 7168 * 512 + 16384 * 7168
        ffn = 56 * 4 * gated * 7168 * 5120 + 5 * gated * 7168 * 18432
        return 512 * 61 * c, 64 * 256 * 4 * 61 * c, 2 * 61 * linear, 2 * ffn
    layers, hidden, heads, kv_heads, ffn = {
        "qwen3-235b-a22b": (94, 4096, 64, 4, 94 * 8 * gated * 4096 * 1536),
        "qwen3-32b": (64, 5120, 64, 8, 64 * gated * 5120 * 25600),
        "ernie-4.5-300b-a47b": (
            54, 8192, 64, 8, 51 * 8 * gated * 8192 * 3584 + 3 * gated * 8192 * 28672,
        ),
        "pangu-pro-moe": (48, 5120, 40, 8, 48 * 12 * gated * 5120 * 1344),
    }[model]  # fmt: skip
    linear = hidden * 128 * (2 * heads + 2 * kv_heads) * layers
    return 2 * kv_heads * 128 * layers * c, heads * 128 * 4 * layers * c, 2 * linear, 2 * ffn
