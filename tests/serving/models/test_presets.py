import math
import subprocess
import sys

import pytest

from regard.serving.llm import LLM
from regard.serving.models.memory import attention_shapes
from regard.serving.models.presets import PRESETS
from regard.serving.models.step3_config import step3_tensor_shapes
from regard.serving.models.weights import tensor_shapes
from regard.serving.sampling_params import SamplingParams

# Billions of parameters: all, those of attention's side, of these the embedding and the head.
SIZES = {
    "llama-8b": (8.030, 2.393, 1.0507),
    "smollm2-135m": (0.13452, 0.054872, 0.056623),
    "step3": (316.29, 12.20, 1.85),
    "step3-slice": (31.19, 12.18, 1.85),
    "step3-mini": (0.01805, 0.002316, 0.0001393),
}


def billions(shapes):
    return sum(math.prod(shape) for shape in shapes.values()) / 1e9


@pytest.mark.parametrize("name", PRESETS)
def test_the_parameters_add_up_to_what_is_said(name):
    config = PRESETS[name].config
    shapes = tensor_shapes(config)
    whole, attention, ends = SIZES[name]
    assert billions(shapes) == pytest.approx(whole, rel=2e-3)
    assert billions(attention_shapes(shapes)) == pytest.approx(attention, rel=2e-3)
    assert 2 * config.vocab_size * config.hidden_size / 1e9 == pytest.approx(ends, rel=2e-3)


def test_the_released_sizes_are_the_papers():
    config = PRESETS["step3"].config
    dense = [layer for layer in range(61) if layer not in config.moe_layers]
    assert dense == [0, 1, 2, 3, 60]
    # Active a token, without the embedding (37.92 billion in the facts).
    hidden, inner = config.hidden_size, config.moe_intermediate_size
    shapes = step3_tensor_shapes(config)
    embedding = config.vocab_size * hidden / 1e9
    idle = len(config.moe_layers) * (48 - 3) * 3 * hidden * inner / 1e9
    assert billions(shapes) - embedding - idle == pytest.approx(37.92, abs=0.01)


def test_the_slice_is_a_sixteenth_of_the_feed_forwards_with_attention_whole():
    whole, part = (step3_tensor_shapes(PRESETS[name].config) for name in ("step3", "step3-slice"))
    sums = [billions(shapes) - billions(attention_shapes(shapes)) for shapes in (whole, part)]
    assert sums[0] / sums[1] == pytest.approx(16)
    attention = attention_shapes(part)
    assert all(whole[n] == shape for n, shape in attention.items() if "moe.gate" not in n)


def test_the_mini_model_chats_at_once():
    model = LLM("step3-mini", device="cpu", kv_cache_memory_gib=0.05)
    params = SamplingParams(max_tokens=20, temperature=0, ignore_eos=True)
    answer = model.chat([{"role": "user", "content": "Hello"}], params, progress=False)[0]
    assert len(answer.token_ids) == 20
    # Weights too small for the logits to differ would repeat one token.
    assert len(set(answer.token_ids)) > 10


def test_the_mini_model_is_quick_enough_to_try_things_with():
    # In a process of its own: under pytest every call is type-checked.
    # The best of several, as others may be using the machine.
    script = """
import time
from regard.serving.llm import LLM
from regard.serving.sampling_params import SamplingParams
model = LLM("step3-mini", device="cpu", kv_cache_memory_gib=0.05, num_threads=1)
def rate():
    started = time.perf_counter()
    model.generate("a", SamplingParams(max_tokens=40, ignore_eos=True), progress=False)
    return 40 / (time.perf_counter() - started)
print(max(rate() for _ in range(4)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert float(done.stdout) > 20
