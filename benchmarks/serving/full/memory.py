"""How much memory each GPU needs, and the largest micro-batch that fits."""

from dataclasses import dataclass, replace

from benchmarks.serving.full.config import ROW_MULTIPLE, FullConfig, SettingError
from benchmarks.serving.full.layout import Share
from benchmarks.serving.full.message import message_bytes, result_bytes
from benchmarks.serving.slice.config import SliceConfig
from regard.serving.kernels.mfa_decode.tile_map import PAGE_SIZE

RESERVED = 3.0e9
"""What CUDA, the allocator, temporary tensors and code need besides."""
# A float32 scale for each 128 x 128 values, and for each 128 values of a row.
WEIGHT_BYTE = 1 + 4 / 128**2
ROW_BYTE = 1 + 4 / 128
PARTS_OF_QKV, PARTS_OF_OUT, PARTS_OF_DOWN = 6, 2, 3


@dataclass(frozen=True)
class Needs:
    """Bytes on the fullest GPU of either side."""

    attention: float
    """With caches."""
    ffn: float
    """With the rooms of experts."""


def attention_bytes(config: FullConfig) -> float:
    """Of an attention GPU."""
    model, rows = config.model, config.chunk_rows
    hidden, wide = model.hidden_size, model.num_heads * model.head_dim
    columns = model.query_low_rank + 2 * model.head_dim
    layer = (columns + wide) * hidden + wide * model.query_low_rank
    weights = config.num_layers * (layer * WEIGHT_BYTE + 2 * model.num_experts * hidden)
    outer = 2 * 2 * model.vocab_size * hidden
    between = (2 + ROW_BYTE) * hidden + (PARTS_OF_QKV * columns + PARTS_OF_OUT * hidden) * 4
    between += ROW_BYTE * (model.query_low_rank + wide) + 4 * wide + 2 * model.vocab_size
    held = 4 * rows * hidden + config.num_ffn * rows * hidden * 2
    held += cache_bytes(config) + (rows + 132) * 64 * 256 * 2
    parts = config.num_microbatches * config.num_chunks
    return (
        weights + outer + rows * between + parts * held
        + config.num_microbatches * message_bytes(config) + RESERVED
    )  # fmt: skip


def cache_bytes(config: FullConfig) -> float:
    """Of the caches of one part of a micro-batch, all layers."""
    rows = SliceConfig(batch=config.chunk_rows, context=config.context)
    # As `Sequences` reserves them.
    width = -(-rows.longest // PAGE_SIZE) + 1
    pages = rows.batch * (rows.context // PAGE_SIZE + 1) + 8 * width
    return config.num_layers * pages * 2 * PAGE_SIZE * config.model.head_dim


def ffn_bytes(config: FullConfig) -> float:
    """Of the first FFN GPU, which holds the most."""
    model, share, hidden = config.model, Share.of(config, 0), config.model.hidden_size
    num_dense = sum(config.is_dense(position) for position in range(config.num_layers))
    experts = len(share.experts) * model.moe_intermediate_size + share.shared_width
    columns = num_dense * share.dense_width + (config.num_layers - num_dense) * experts
    lines, tokens = len(share.experts) * config.capacity, config.num_tokens
    scratch = lines * (ROW_BYTE * (hidden + model.moe_intermediate_size))
    scratch += PARTS_OF_DOWN * lines * hidden * 2
    scratch += tokens * ROW_BYTE * (share.shared_width + share.dense_width)
    inbox = config.num_attention * (message_bytes(config) + result_bytes(config))
    inbox += tokens * ROW_BYTE * hidden
    return 3 * hidden * columns * WEIGHT_BYTE + scratch + config.num_microbatches * inbox + RESERVED


def needs(config: FullConfig) -> Needs:
    """Of either side."""
    return Needs(attention_bytes(config), ffn_bytes(config))


def check_memory(config: FullConfig, memory: float) -> None:
    """Refuses a case that GPUs of so many bytes cannot hold.

    Raises:
        SettingError: With what is needed and what would fit.
    """
    wanted = needs(config)
    if max(wanted.attention, wanted.ffn) <= memory:
        return
    raise SettingError(
        f"{config.topology} with {config.num_microbatches} x {config.batch} at {config.context} "
        f"and {config.num_layers} layers needs {wanted.attention / 1e9:.1f} GB on each attention "
        f"GPU and {wanted.ffn / 1e9:.1f} GB on each FFN GPU; the smallest here has "
        f"{memory / 1e9:.1f} GB: {_advice(config, memory)}"
    )


def _advice(config: FullConfig, memory: float) -> str:
    largest = largest_batch(config, memory)
    if largest is not None:
        return f"at most {largest} sequences a micro-batch fit"
    layers = largest_layers(config, memory)
    if layers:
        return f"--layers {layers} is the most that fits at this batch"
    return "no number of layers fits at this batch"


def largest_batch(config: FullConfig, memory: float) -> int | None:
    """The most sequences a micro-batch, up to 1,024, or None where not even a few fit."""
    for batch in range(1024, 0, -ROW_MULTIPLE):
        try:
            each = replace(config, batch=batch)
        except SettingError:
            continue
        wanted = needs(each)
        if max(wanted.attention, wanted.ffn) <= memory:
            return batch
    return None


def largest_layers(config: FullConfig, memory: float) -> int:
    """The most first layers of the model that fit, 0 for none."""
    for count in range(config.num_layers, 0, -1):
        wanted = needs(config.shortened(count))
        if max(wanted.attention, wanted.ffn) <= memory:
            return count
    return 0
