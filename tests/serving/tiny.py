"""Tiny models for tests of the engine: random weights, a byte tokenizer."""

from dataclasses import replace

from torch import Tensor

from regard.serving.byte_tokenizer import byte_tokenizer as byte_tokenizer_of
from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from regard.serving.models.config import ModelConfig
from regard.serving.models.loader import LoadedModel, build
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.step3_config import Step3Config
from regard.serving.models.weights import random_tensors, tensor_shapes
from regard.serving.tokenizer import Tokenizer

LLAMA = ModelConfig(
    architecture="llama",
    vocab_size=260,
    hidden_size=64,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    head_dim=16,
    intermediate_size=96,
    rope_theta=10000.0,
    rms_norm_eps=1e-5,
    max_position_embeddings=512,
    tie_word_embeddings=False,
)
STEP3 = Step3Config(
    architecture="step3",
    vocab_size=260,
    hidden_size=64,
    num_layers=3,
    num_heads=4,
    num_kv_heads=1,
    head_dim=32,
    intermediate_size=96,
    rope_theta=500000.0,
    rms_norm_eps=1e-5,
    max_position_embeddings=512,
    tie_word_embeddings=False,
    query_low_rank=48,
    num_experts=6,
    num_experts_per_token=3,
    moe_intermediate_size=32,
    share_expert_size=32,
    moe_layers=(1, 2),
)
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def byte_tokenizer() -> Tokenizer:
    """One token a byte, then <eos> (256) and three more special tokens."""
    return byte_tokenizer_of(("<eos>", "<a>", "<b>", "<c>"), chat_template=CHAT_TEMPLATE)


def tiny_tensors(model: ModelConfig, *, scale: float = 6.0, seed: int = 0) -> dict[str, Tensor]:
    """Random weights, so large that logits are far enough apart for greedy answers to vary."""
    drawn = random_tensors(tensor_shapes(model), seed=seed)
    return {name: t if "norm" in name else t * scale for name, t in drawn.items()}


def tiny_model(
    config: EngineConfig,
    model: ModelConfig = LLAMA,
    *,
    scale: float = 6.0,
    tensors: dict[str, Tensor] | None = None,
) -> LoadedModel:
    """A model of random weights."""
    return build(
        config,
        name="tiny",
        model_config=model,
        tensors=tensors or tiny_tensors(model, scale=scale, seed=config.seed),
        tokenizer=byte_tokenizer(),
        numerics=choose_numerics(config.mode, config.device, config.dtype),
    )


def tiny_engine(model: ModelConfig = LLAMA, *, num_blocks: int = 200, **options) -> Engine:
    """An engine over a tiny model with so many KV blocks."""
    options = {"mode": "exact", "device": "cpu", "block_size": 8, "num_threads": 1, **options}
    config = EngineConfig(model="tiny", kv_cache_memory_gib=0.01, **options)
    return Engine(config, replace(tiny_model(config, model), num_blocks=num_blocks))
