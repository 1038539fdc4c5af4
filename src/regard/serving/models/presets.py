"""Models by name, sizes only: their weights are random and their tokens bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from regard.serving.byte_tokenizer import END_OF_TEXT
from regard.serving.models.config import ModelConfig
from regard.serving.models.random_tensors import DEFAULT_SCALE
from regard.serving.models.step3_config import Step3Config
from regard.serving.models.vision.config import VisionConfig
from regard.serving.models.vision.picture_tokens import PLACEHOLDER

SPECIAL_TOKENS = (
    END_OF_TEXT,
    PLACEHOLDER,
    "<im_start>",
    "<im_end>",
    "<patch_start>",
    "<patch_end>",
    "<patch_newline>",
)
"""Of all presets' byte tokenizer, after the bytes."""

WEIGHT_DTYPE = torch.bfloat16
"""Of all presets, as in the released checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model without weights."""

    config: ModelConfig
    """Its sizes."""
    scale: float = DEFAULT_SCALE
    """Standard deviation of the random weights."""


_STEP3 = Step3Config(
    architecture="step3",
    vocab_size=128815,
    hidden_size=7168,
    num_layers=61,
    num_heads=64,
    num_kv_heads=1,
    head_dim=256,
    intermediate_size=18432,
    rope_theta=500000.0,
    rms_norm_eps=1e-5,
    max_position_embeddings=65536,
    tie_word_embeddings=False,
    query_low_rank=2048,
    num_experts=48,
    num_experts_per_token=3,
    moe_intermediate_size=5120,
    share_expert_size=5120,
    moe_layers=tuple(range(4, 60)),
)
STEP3 = Preset(config=_STEP3)
"""The released model without its vision side: 316.29 billion parameters."""

_SLICES = 16
STEP3_SLICE = Preset(
    config=replace(
        _STEP3,
        num_experts=_STEP3.num_experts // _SLICES,
        share_expert_size=_STEP3.share_expert_size // _SLICES,
        intermediate_size=_STEP3.intermediate_size // _SLICES,
    )
)
"""What one attention GPU and one FFN GPU of 2A2F (16 of each) hold between them.

Attention, embedding and head are whole: 10.33 + 1.85 billion parameters. The FFN side is a
sixteenth: 3 of 48 routed experts and a sixteenth of the width of shared expert and dense layers,
19.01 billion. Together 31.19 billion: 62.4 GB in BF16. In FP8 with embedding and head in BF16,
14.0 GB for attention and 19.0 GB for the FFN.

Every token is sent to all 3 experts: 128 sequences make 128 rows an expert, which is what 2048
tokens over 48 experts come to. The shared and the dense slices see 128 rows where the FFN GPU of
2A2F sees 2048; a benchmark of the whole stage has to feed them the rest.
"""

STEP3_MINI = Preset(
    config=replace(
        _STEP3,
        vocab_size=272,
        hidden_size=256,
        num_layers=7,
        num_heads=8,
        head_dim=64,
        intermediate_size=1024,
        max_position_embeddings=8192,
        query_low_rank=128,
        num_experts=16,
        moe_intermediate_size=256,
        share_expert_size=256,
        moe_layers=(2, 3, 4, 5),
        vision=VisionConfig(
            hidden_size=64,
            intermediate_size=128,
            num_layers=2,
            num_heads=4,
            output_hidden_size=32,
            text_hidden_size=256,
        ),
    ),
    # Wide enough apart for logits and routes to differ from token to token.
    scale=0.12,
)
"""Every part of Step-3 at 18.0 million parameters, for tests and laptops.

Pictures are cut and counted as in the released model: 169 tokens and 81 a crop.

Widths are multiples of 128, so that block-FP8 experts can be cut in two.
"""

LLAMA_8B = Preset(
    config=ModelConfig(
        architecture="llama",
        vocab_size=128256,
        hidden_size=4096,
        num_layers=32,
        num_heads=32,
        num_kv_heads=8,
        head_dim=128,
        intermediate_size=14336,
        rope_theta=500000.0,
        rms_norm_eps=1e-5,
        max_position_embeddings=131072,
        tie_word_embeddings=False,
    ),
)
"""Llama-3.1-8B without its rotary scaling: the shape that engines are compared on."""

SMOLLM2_135M = Preset(
    config=ModelConfig(
        architecture="llama",
        vocab_size=49152,
        hidden_size=576,
        num_layers=30,
        num_heads=9,
        num_kv_heads=3,
        head_dim=64,
        intermediate_size=1536,
        rope_theta=100000.0,
        rms_norm_eps=1e-5,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
    ),
)
"""The default model's shape, for benchmarks where its file cannot be had."""

PRESETS: Mapping[str, Preset] = {
    "llama-8b": LLAMA_8B,
    "smollm2-135m": SMOLLM2_135M,
    "step3": STEP3,
    "step3-slice": STEP3_SLICE,
    "step3-mini": STEP3_MINI,
}
