import json

import numpy as np
import pytest

from benchmarks.serving.slice import evidence, gap
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.evidence import Evidence
from benchmarks.serving.slice.gap import Kernel

PERIOD = 100.0


def stamps(config, delay):
    number = np.arange(config.num_layers * config.num_microbatches)
    ready = (number * PERIOD + delay) * 1000
    return np.stack((ready, ready, ready + 20_000), axis=1).astype(np.int64)


def kernels(config, steps=2):
    """Both sides' kernels of some steps."""
    found = []
    for number in range(steps * config.num_layers * config.num_microbatches):
        start = number * PERIOD
        found += [
            Kernel("_sum_norm_quantise_kernel", 0, start, start + 5),
            Kernel("block_scaled_kernel<0>", 0, start + 5, start + 70),
            Kernel("_latent_append_kernel", 0, start + 70, start + 75),
            Kernel("block_scaled_kernel<2>", 1, start + 5, start + 95),
            Kernel("_sum_kernel", 1, start + 95, start + 99),
        ]
    return sorted(found, key=lambda each: each.begin)


def test_bytes_of_a_stage_are_those_of_the_model():
    attention, ffn = evidence.sides(SliceConfig(batch=128))
    assert attention.weight_bytes == pytest.approx(169.3e6, rel=1e-3)
    assert attention.kv_bytes == 128 * 4096 * 512
    assert ffn.weight_bytes == pytest.approx(338.6e6, rel=1e-3)


def test_the_middle_of_the_last_profiled_step_is_split():
    config = SliceConfig()
    attention, ffn = evidence.split_stages(kernels(config), config, (10e12, 10e12))
    assert attention.stage == pytest.approx(PERIOD)
    assert ffn.stage == pytest.approx(PERIOD)
    assert attention.causes["compute"] == pytest.approx(10)
    assert ffn.causes["imbalance"] == pytest.approx(6)
    # Layers 6 to 54 of 61.
    assert attention.num_stages == ffn.num_stages == (61 - 12) * 3 - 1


def test_a_run_leaves_a_record_and_a_picture(tmp_path):
    config = SliceConfig()
    splits = evidence.split_stages(kernels(config), config, (10e12, 10e12))
    left = Evidence(
        stamps(config, 80), stamps(config, 180), 0.0, 1500.0, (3e12, 3e12), [130, 140, 150], splits
    )
    text = evidence.describe(config, left)
    assert "a message every 100.0 us; clocks agree within 1.5 us" in text
    assert "have 420 tokens, a mean one's 384" in text
    assert all(cause in text for cause in gap.CAUSES)
    evidence.write(tmp_path / "logs", "3x128", config, left, {"line": "said"})
    record = json.loads((tmp_path / "logs" / "3x128.json").read_text())
    assert record["config"]["batch"] == 128
    assert record["run"] == {"line": "said"}
    assert len(record["stamps_ns"]["attention_to_ffn"]) == 183
    assert record["profiled"][1]["side"] == "FFN"
    assert ">to FFN<" in (tmp_path / "logs" / "3x128.svg").read_text()


def test_without_a_profile_the_stamps_still_tell():
    config = SliceConfig()
    left = Evidence(stamps(config, 80), stamps(config, 180), 0.0, 1.0, (3e12, 3e12), [1, 2, 3], [])
    text = evidence.describe(config, left)
    assert "attention:" in text
    assert "roofline" not in text
