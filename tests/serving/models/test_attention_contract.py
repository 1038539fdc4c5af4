"""What every attention half must do, for GQA, MFA and MLA alike."""

from dataclasses import replace

import pytest
import torch

from regard.serving.models.attention import allocate_cache
from regard.serving.models.attention_cost import attention_cost
from regard.serving.models.forward_batch import ForwardBatch
from regard.serving.models.llama import LlamaAttention
from regard.serving.models.mla import MlaAttention
from regard.serving.models.mla_config import MlaConfig, mla_tensor_shapes
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.random_tensors import RandomTensors
from regard.serving.models.rope import rope_tables
from regard.serving.models.step3 import Step3Attention
from regard.serving.models.weights import tensor_shapes
from tests.serving.models import attention_references
from tests.serving.rows import one_sequence
from tests.serving.tiny import LLAMA, STEP3

PREFIX, BLOCK_SIZE, LENGTH = "model.layers.0", 8, 30
MLA = MlaConfig(
    architecture="mla",
    vocab_size=260,
    hidden_size=64,
    num_layers=1,
    num_heads=4,
    num_kv_heads=1,
    head_dim=40,
    intermediate_size=96,
    rope_theta=10000.0,
    rms_norm_eps=1e-5,
    max_position_embeddings=512,
    tie_word_embeddings=False,
    query_low_rank=24,
    kv_low_rank=32,
    nope_dim=16,
    rope_dim=8,
    value_dim=12,
)
CASES = {
    "gqa": (LLAMA, LlamaAttention, attention_references.gqa),
    "mfa": (STEP3, Step3Attention, attention_references.mfa),
    "mla": (MLA, MlaAttention, attention_references.mla),
    "mla-whole-query": (replace(MLA, query_low_rank=None), MlaAttention, attention_references.mla),
    "mla-halves": (replace(MLA, rope_interleaved=False), MlaAttention, attention_references.mla),
}


class Case:
    """A half of random weights, its cache and its formula."""

    def __init__(self, name, mode):
        self.config, half, self.formula = CASES[name]
        is_mla = isinstance(self.config, MlaConfig)
        own = mla_tensor_shapes(self.config) if is_mla else {}
        shapes = {f"{PREFIX}.{key}": shape for key, shape in own.items()}
        shapes = shapes or tensor_shapes(self.config)
        generator = torch.Generator().manual_seed(5)
        self.tensors = {
            key: torch.rand(t.shape, generator=generator) + 0.5 if "norm" in key else t
            for key, t in RandomTensors(shapes, seed=0, scale=0.3).items()
            if key.startswith(PREFIX)
        }
        rope = rope_tables(
            head_dim=self.config.rope_dim if is_mla else self.config.head_dim,
            theta=self.config.rope_theta,
            scaling=None,
            max_positions=64,
        )
        numerics = choose_numerics(mode, "cpu", "auto")
        self.half = half(self.config, self.tensors, PREFIX, rope, numerics)
        self.value_dim = 0 if is_mla else None

    def cache(self):
        return allocate_cache(
            num_blocks=16,
            block_size=BLOCK_SIZE,
            kv_heads=self.config.num_kv_heads,
            head_dim=self.config.head_dim,
            value_dim=self.value_dim,
            dtype=torch.float32,
            device=torch.device("cpu"),
        )

    def run(self, x, chunks):
        """Rows of one sequence, fed in chunks."""
        cache, start, out = self.cache(), 0, []
        for size in chunks:
            batch = one_sequence([0] * size, block_size=BLOCK_SIZE, start=start)
            out.append(self.half(x[start : start + size], cache, batch))
            start += size
        return torch.cat(out)

    def expected(self, x):
        weights = {
            key.removeprefix(f"{PREFIX}.").removesuffix(".weight"): tensor.double()
            for key, tensor in self.tensors.items()
        }
        return self.formula(self.config, weights, x.double())


def rows(count, seed=0):
    return torch.randn(count, 64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=CASES)
def name(request):
    return request.param


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("chunks", [[LENGTH], [1] * LENGTH, [7, 16, 1, 6]])
def test_prefill_decode_and_chunks_are_the_formula(name, mode, chunks):
    case, x = Case(name, mode), rows(LENGTH)
    out = case.run(x, chunks)
    torch.testing.assert_close(out.double(), case.expected(x), rtol=2e-5, atol=2e-5)


def test_in_exact_mode_a_row_is_the_same_however_it_comes(name):
    case, x = Case(name, "exact"), rows(LENGTH)
    whole = case.run(x, [LENGTH])
    assert torch.equal(whole, case.run(x, [1] * LENGTH))
    assert torch.equal(whole, case.run(x, [17, 13]))


def test_sequences_in_one_batch_do_not_touch_each_other(name):
    case = Case(name, "exact")
    a, b = rows(10, seed=1), rows(13, seed=2)
    cache = case.cache()
    tables = torch.tensor([[3, 9], [5, 0]], dtype=torch.int32)
    positions = torch.cat((torch.arange(10), torch.arange(13)))
    sequence = torch.tensor([0] * 10 + [1] * 13)
    blocks = tables[sequence, positions // BLOCK_SIZE].long()
    batch = ForwardBatch(
        token_ids=torch.zeros(23, dtype=torch.int64),
        positions=positions,
        slots=blocks * BLOCK_SIZE + positions % BLOCK_SIZE,
        sequence=sequence,
        contexts=positions + 1,
        block_tables=tables,
        sample_rows=torch.tensor([22]),
    )
    out = case.half(torch.cat((a, b)), cache, batch)
    assert torch.equal(out[:10], case.run(a, [10]))
    assert torch.equal(out[10:], case.run(b, [13]))


def test_the_cache_has_the_size_it_is_said_to_and_no_other_slot_is_written(name):
    case = Case(name, "exact")
    cache = case.cache()
    tokens = 16 * BLOCK_SIZE
    kept = (cache.keys.numel() + cache.values.numel()) / tokens
    assert kept == attention_cost(case.config).cache_elements
    case.half(rows(3), cache, one_sequence([0] * 3, block_size=BLOCK_SIZE))
    # Three slots of the first page are written and no other.
    assert cache.keys[0, :, :, :3].abs().amin(dim=(0, 1)).min() > 0
    assert cache.keys[0, :, :, 3:].abs().sum() == 0
    assert cache.keys[1:].abs().sum() == 0


@pytest.mark.parametrize(
    "change", [{"rope_interleaved": False}, {"nope_dim": 12, "rope_dim": 12}, {"rope_theta": 5.0}]
)
def test_the_comparison_sees_misread_sizes_of_mla(change):
    case, x = Case("mla", "exact"), rows(LENGTH)
    out = case.run(x, [LENGTH])
    case.config = replace(case.config, **change)
    if "nope_dim" in change:
        with pytest.raises(RuntimeError):
            case.expected(x)
    else:
        assert (out - case.expected(x)).abs().max() > 1e-3
