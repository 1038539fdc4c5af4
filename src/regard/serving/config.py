"""The engine's options."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Everything an engine is built from."""

    model: str = "default"
    """Model directory, GGUF file, Hugging Face id, or `default` (SmolLM2-135M-Instruct)."""
    served_model_name: str | None = None
    """Name in the API; by default the model's own."""
    mode: Literal["fast", "exact"] = "fast"
    """exact: float32, no result depends on the batch. fast: what the device does quickest."""
    dtype: str = "auto"
    """Weight type: auto, float32, bfloat16 or float16; auto keeps quantised weights quantised."""
    device: str = "auto"
    """auto, cpu or cuda."""
    max_model_len: int | None = None
    """Longest prompt plus output in tokens; by default what the model was trained for."""
    kv_cache_dtype: str = "auto"
    """Type of keys and values: auto (float32 on a CPU, the activations' on a GPU) or a name."""
    gpu_memory_utilization: float = 0.9
    """Share of the GPU's memory for weights and KV cache together."""
    kv_cache_memory_gib: float | None = None
    """Size of the KV cache; by default 2 GiB on a CPU, what is left of the share on a GPU."""
    block_size: int | None = None
    """Tokens in one KV block; by default 16 on a CPU, 64 on a GPU."""
    max_num_seqs: int = 64
    """Most requests in one step."""
    max_num_batched_tokens: int = 512
    """Most tokens in one step, so that long prompts do not hold up running requests."""
    max_num_prefill_tokens: int | None = None
    """Most prompt tokens in a step in which other requests decode, so that these do not stall; by
    default 16 on a CPU, where each costs as much as a decoded one, and no cap of its own on a GPU.
    """
    max_waiting: int = 256
    """Requests that may wait; one more is refused (HTTP 429)."""
    enable_prefix_caching: bool = True
    """Reuse the KV blocks of equal prompt beginnings."""
    image_cache_mib: float = 256.0
    """Memory for the embeddings of recent pictures, so that a repeated one is not encoded again."""
    load_format: Literal["auto", "safetensors", "gguf", "dummy"] = "auto"
    """How weights are stored; dummy draws random ones."""
    loras: tuple[tuple[str, str], ...] = ()
    """LoRA adapters as (name, PEFT directory); each is served under its name."""
    chat_template: str | None = None
    """File with a Jinja chat template that replaces the model's own."""
    seed: int = 0
    """Seed of sampling without a request's own seed, and of dummy weights."""
    num_threads: int = 0
    """CPU threads; 0 takes the idle cores this process may use."""
