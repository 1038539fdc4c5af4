"""What a process of each role holds at its peak, in processes of their own."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from regard.serving.models.memory import attention_shapes
from regard.serving.models.weights import config_from_hf, tensor_shapes
from tests.serving.models.test_gguf_file import write as write_gguf
from tests.serving.tiny import byte_tokenizer

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux's /proc"
)
SCRIPT = """
import re, sys
from pathlib import Path
from regard.serving.kernels import native
from regard.serving.models.build import build_attention, build_feed_forwards
from regard.serving.models.decoder import Trunk
from regard.serving.models.gguf_file import GGUFFile
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.shard import WHOLE, FeedForwardShard
from regard.serving.models.weights import open_model

def read(key):
    return int(re.search(key + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

model, load_format, role = sys.argv[1:]
numerics = choose_numerics("fast", "cpu", "auto")
native.is_available()
Path("/proc/self/clear_refs").write_text("5")
before = read("VmRSS")
if model.endswith(".gguf"):
    config = GGUFFile(Path(model)).config()
    tensors = GGUFFile(Path(model)).tensors(config)
else:
    opened = open_model(model, load_format=load_format, seed=0)
    config, tensors = opened.config, opened.tensors
shards = {
    "whole": WHOLE,
    "experts": FeedForwardShard(expert_group=1, num_expert_groups=2),
    "slices": FeedForwardShard(tensor_rank=1, num_tensor_ranks=2),
}
held = []
if role in ("attention", "whole"):
    held += [Trunk(config, tensors, numerics), build_attention(config, tensors, numerics)]
if role != "attention":
    held.append(build_feed_forwards(config, tensors, numerics, shards[role]))
print(read("VmHWM") - before)
"""
STEP3 = {
    "architectures": ["Step3TextForCausalLM"],
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_attention_heads": 8,
    "num_hidden_layers": 8,
    "vocab_size": 4096,
    "rms_norm_eps": 1e-5,
    "moe_intermediate_size": 512,
    "moe_num_experts": 16,
    "moe_top_k": 3,
    "share_q_dim": 256,
    "head_dim": 64,
    "share_expert_dim": 512,
    "moe_layers_enum": "1,2,3,4,5,6",
    "max_position_embedding": 256,
}
MIB = 2**20


@pytest.fixture(scope="module")
def step3(tmp_path_factory):
    """A checkpoint of 180 MiB, most of it experts; with what each side holds in bytes."""
    directory = tmp_path_factory.mktemp("step3")
    shapes = tensor_shapes(config_from_hf(STEP3, directory))
    (directory / "config.json").write_text(json.dumps(STEP3))
    byte_tokenizer().backend.save(str(directory / "tokenizer.json"))
    names = list(shapes)
    for part in range(3):
        own = {name: torch.ones(shapes[name], dtype=torch.bfloat16) for name in names[part::3]}
        save_file(own, directory / f"{part}.safetensors")
    whole, attention = (
        2 * sum(map(math.prod, part.values())) for part in (shapes, attention_shapes(shapes))
    )
    return directory, whole, attention


def peak(model, role, load_format="auto"):
    """Bytes by which a process of this role grows at most."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(model), load_format, role],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


# Beside the weights: one layer on its way (28 MiB whole, 14 in halves), gaps in the heap, the
# tokenizer. Another 24 MiB would be a layer's stacks read whole.
SLACK = {"attention": 20 * MIB, "experts": 40 * MIB, "slices": 44 * MIB, "whole": 72 * MIB}


@pytest.mark.parametrize(
    ("role", "share"),
    [
        ("attention", 0),
        ("experts", 0.5),
        pytest.param("slices", 0.5, marks=pytest.mark.slow),
        pytest.param("whole", 1, marks=pytest.mark.slow),
    ],
)
def test_a_process_holds_its_part_of_a_checkpoint_and_never_more(step3, role, share):
    directory, whole, attention = step3
    assert whole > 150 * MIB
    expected = share * (whole - attention) + (attention if role in ("attention", "whole") else 0)
    assert 0.8 * expected < peak(directory, role) < expected + SLACK[role]


@pytest.mark.slow
def test_random_weights_are_drawn_by_part_too(step3):
    directory, whole, attention = step3
    # Random weights of a directory are float32: twice the bytes of the files.
    assert peak(directory, "attention", "dummy") < 2 * attention + 40 * MIB
    assert peak(directory, "experts", "dummy") < (whole - attention) + 64 * MIB


def test_attention_does_not_copy_the_feed_forwards_of_a_gguf_file(tmp_path):
    rng = np.random.default_rng(0)
    hidden, inner, layers = 512, 4096, 12
    shapes = {
        "attn_q": (hidden, hidden),
        "attn_k": (hidden // 2, hidden),
        "attn_v": (hidden // 2, hidden),
        "attn_output": (hidden, hidden),
        "ffn_gate": (inner, hidden),
        "ffn_up": (inner, hidden),
        "ffn_down": (hidden, inner),
    }
    tensors = {
        f"blk.{layer}.{name}.weight": rng.standard_normal(shape, dtype=np.float32)
        for layer in range(layers)
        for name, shape in shapes.items()
    }
    for layer in range(layers):
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = np.ones(hidden, np.float32)
    tensors["token_embd.weight"] = rng.standard_normal((300, hidden), dtype=np.float32)
    tensors["output_norm.weight"] = np.ones(hidden, np.float32)
    path = write_gguf(
        tmp_path / "m.gguf",
        tensors,
        kind="F32",
        block_count=layers,
        embedding_length=hidden,
        feed_forward_length=inner,
    )
    feed_forward = layers * 3 * hidden * inner * 4
    assert path.stat().st_size > feed_forward > 250 * MIB
    assert peak(path, "attention") < path.stat().st_size - feed_forward + 40 * MIB
    assert peak(path, "slices") < feed_forward / 2 + 64 * MIB
