"""Against the printed cells of arXiv:2507.19427, tables 2 and 3."""

from dataclasses import replace

import pytest

from regard.serving.models.attention_cost import attention_cost
from regard.serving.models.config import ModelConfig
from regard.serving.models.mla_config import MlaConfig
from regard.serving.models.presets import PRESETS

QWEN3_235B = ModelConfig(
    architecture="llama",
    vocab_size=151936,
    hidden_size=4096,
    num_layers=94,
    num_heads=64,
    num_kv_heads=4,
    head_dim=128,
    intermediate_size=12288,
    rope_theta=1e6,
    rms_norm_eps=1e-6,
    max_position_embeddings=40960,
    tie_word_embeddings=False,
)
DEEPSEEK_V3 = MlaConfig(
    architecture="deepseek",
    vocab_size=129280,
    hidden_size=7168,
    num_layers=61,
    num_heads=128,
    num_kv_heads=1,
    head_dim=576,
    intermediate_size=18432,
    rope_theta=10000.0,
    rms_norm_eps=1e-6,
    max_position_embeddings=163840,
    tie_word_embeddings=False,
    query_low_rank=1536,
    kv_low_rank=512,
    nope_dim=128,
    rope_dim=64,
    value_dim=128,
)
STEP3 = PRESETS["step3"].config


@pytest.mark.parametrize(
    ("config", "kv_8k", "flops_8k", "kv_32k", "flops_32k", "linear", "intensity"),
    [
        (DEEPSEEK_V3, 2.88e8, 1.47e11, 1.15e9, 5.89e11, 2.28e10, 512),
        (QWEN3_235B, 7.89e8, 2.52e10, 3.15e9, 1.01e11, 1.34e10, 32),
        (STEP3, 2.56e8, 3.27e10, 1.02e9, 1.31e11, 2.07e10, 128),
    ],
    ids=["mla", "gqa", "mfa"],
)
def test_the_papers_tables_come_out(config, kv_8k, flops_8k, kv_32k, flops_32k, linear, intensity):
    cost, layers = attention_cost(config), config.num_layers
    for context, kv, flops in ((8192, kv_8k, flops_8k), (32768, kv_32k, flops_32k)):
        ours = layers * cost.cache_bytes(context, bytes_each=1.0)
        assert ours == pytest.approx(kv, rel=5e-3)
        assert layers * cost.attention_flops(context) == pytest.approx(flops, rel=5e-3)
        assert layers * cost.attention_flops(context) / ours == intensity
    assert layers * cost.linear_flops == pytest.approx(linear, rel=5e-3)


def test_a_query_without_a_low_rank_is_projected_at_once():
    whole = attention_cost(replace(DEEPSEEK_V3, query_low_rank=None))
    low = attention_cost(DEEPSEEK_V3)
    queries = 128 * (128 + 64)
    saved = 7168 * queries - (7168 + queries) * 1536
    assert whole.linear_flops - low.linear_flops == 2 * saved
