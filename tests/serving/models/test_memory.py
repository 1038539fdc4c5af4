import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from regard.serving.errors import InvalidRequestError
from regard.serving.models import memory
from regard.serving.models.lazy_tensors import LazyTensors, TensorHeader
from regard.serving.models.memory import (
    attention_shapes,
    available_bytes,
    check_room,
    is_feed_forward,
    release_free_memory,
    shard_shapes,
    weight_bytes,
)
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.random_tensors import RandomTensors
from regard.serving.models.weights import tensor_shapes
from tests.serving.models.test_shard import grid
from tests.serving.tiny import LLAMA, STEP3

CPU = torch.device("cpu")
EXACT = choose_numerics("exact", "cpu", "auto")
FAST = choose_numerics("fast", "cpu", "auto")
SHAPES = {"w": (64, 32)}


def lazy(kind):
    # The type checker of the tests looks at the first tensor.
    return LazyTensors({"w": TensorHeader((64, 32), kind, Path("m"))}, lambda _: torch.ones(1))


@pytest.mark.parametrize(
    ("kind", "fast", "exact"),
    [("F32", 4, 4), ("F16", 4, 4), ("BF16", 2, 4), ("F8_E4M3", 2, 4), ("Q8_0", 34 / 32, 4)],
)
def test_bytes_are_counted_as_the_mode_keeps_them(kind, fast, exact):
    assert weight_bytes(lazy(kind), SHAPES, FAST) == 64 * 32 * fast
    assert weight_bytes(lazy(kind), SHAPES, EXACT) == 64 * 32 * exact
    bfloat16 = choose_numerics("fast", "cpu", "bfloat16")
    assert weight_bytes(lazy(kind), SHAPES, bfloat16) == 64 * 32 * 2


def test_random_and_loaded_tensors_are_counted_like_those_in_files():
    half = RandomTensors(SHAPES, seed=0, dtype=torch.bfloat16)
    assert weight_bytes(half, SHAPES, FAST) == 64 * 32 * 2
    assert weight_bytes({"w": half["w"]}, SHAPES, FAST) == 64 * 32 * 2
    assert weight_bytes(RandomTensors(SHAPES, seed=0), SHAPES, FAST) == 64 * 32 * 4


@pytest.mark.parametrize("config", [LLAMA, STEP3], ids=["llama", "step3"])
@pytest.mark.parametrize(("groups", "ranks"), [(1, 1), (3, 1), (1, 2), (2, 2)])
def test_attention_and_all_shards_hold_every_parameter_once(config, groups, ranks):
    shapes = tensor_shapes(config)
    parts = [
        attention_shapes(shapes),
        *(shard_shapes(shapes, cell) for cell in grid(groups, ranks)),
    ]
    counts = [sum(map(math.prod, part.values())) for part in parts]
    assert sum(counts) == sum(map(math.prod, shapes.values()))
    assert "lm_head.weight" in parts[0]
    assert not any("mlp" in name for name in parts[0])


def test_the_vision_sides_own_feed_forwards_stay_with_attention():
    assert is_feed_forward("model.layers.10.mlp.up_proj.weight")
    assert is_feed_forward("model.layers.1.moe.gate_proj.weight")
    assert not is_feed_forward("model.layers.1.moe.gate.weight")
    assert not is_feed_forward("vision_model.transformer.layers.0.mlp.fc1.weight")


def test_the_whole_model_fails_early_with_the_sums():
    command = [sys.executable, "-m", "regard", "serve", "step3", "--device", "cpu", "--port", "0"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Drawing one of its matrices takes longer than this.
    assert time.perf_counter() - started < 30
    assert done.returncode == 1
    assert re.search(r"weights of step3 need 632\.6 GB and \d+\.\d GB", done.stderr)
    assert "Traceback" not in done.stderr


def test_what_fits_passes_and_one_byte_more_does_not(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 1000)
    check_room("m", 1000, CPU)
    with pytest.raises(InvalidRequestError, match="weights of m need"):
        check_room("m", 1001, CPU)


def test_a_container_may_have_less_than_its_machine(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    none = tmp_path / "none"
    assert available_bytes(CPU, meminfo=meminfo, cgroup=none) == 5000 * 1024
    for name, text in {"max": "3000000", "current": "1000000"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert available_bytes(CPU, meminfo=meminfo, cgroup=tmp_path) == 2200000
    (tmp_path / "memory.max").write_text("max")
    assert available_bytes(CPU, meminfo=meminfo, cgroup=tmp_path) == 5000 * 1024


def test_without_proc_what_is_installed_is_the_bound(tmp_path):
    assert available_bytes(CPU, meminfo=tmp_path / "none", cgroup=tmp_path) > 2**28


def test_freed_memory_goes_back_to_the_system():
    kept, freed = [], []
    for _ in range(200):
        kept.append(torch.ones(2**16))
        freed.append(torch.ones(2**16))
    freed.clear()
    before = resident()
    release_free_memory()
    # 50 MiB were freed between what is kept.
    assert resident() < before - 25 * 2**20


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
