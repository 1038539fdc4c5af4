"""The text model against what vLLM's and SGLang's own modules gave; golden/README.md says how."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from regard.serving.config import EngineConfig
from regard.serving.models import step3
from regard.serving.models.decoder import AttentionSide, Layer
from regard.serving.models.layers import RMSNorm
from regard.serving.models.safetensors_directory import SafetensorsDirectory
from regard.serving.models.step3_config import Step3Config, step3_from_hf
from tests.serving.rows import one_sequence
from tests.serving.tiny import tiny_model

GOLDEN = Path(__file__).parent / "golden"
OUTPUTS = load_file(GOLDEN / "outputs.safetensors")
TEXT = json.loads((GOLDEN / "golden.json").read_text(encoding="utf-8"))["config"]["text_config"]
TOKENS = OUTPUTS["input.token_ids"].tolist()
BLOCK = 8
# The libraries differ from each other by up to 6e-7 of a tensor's largest value.
TOLERANCE = 1e-5
LIBRARIES = ("vllm", "sglang")


def config(**changes) -> Step3Config:
    return step3_from_hf({**TEXT, **changes}, GOLDEN / "golden.json")


def weights() -> dict[str, torch.Tensor]:
    """Read as a released checkpoint is, bfloat16 on disk."""
    tensors = SafetensorsDirectory(GOLDEN / "weights").tensors()
    return {name: tensors[name] for name in tensors if not name.startswith(("vision", "vit"))}


def golden(library: str, name: str) -> torch.Tensor:
    return OUTPUTS[f"{library}.text.{name}"]


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest difference, relative to the largest value."""
    assert ours.shape == theirs.shape
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


class Run:
    """Our model with an ear at each layer, and one sequence's caches."""

    def __init__(self, model_config: Step3Config, tensors: dict[str, torch.Tensor]) -> None:
        options = EngineConfig(
            mode="exact", device="cpu", block_size=BLOCK, kv_cache_memory_gib=0.001
        )
        loaded = tiny_model(options, model_config, tensors=tensors)
        self.model, self.caches = loaded.model, loaded.allocate_caches()
        self.heard: dict[str, list[torch.Tensor]] = {}
        self.model.layers = tuple(
            self._overheard(number, layer) for number, layer in enumerate(self.model.layers)
        )

    def _hear(self, name: str, tensor: torch.Tensor) -> None:
        self.heard.setdefault(name, []).append(tensor.clone())

    def _overheard(self, number: int, layer: Layer) -> Layer:
        residual = {}

        def attention(rows, cache, batch):
            residual["now"] = layer.side.attention(rows, cache, batch)
            self._hear(f"layer.{number}.attention", residual["now"] - rows)
            return residual["now"]

        def post_attention(rows):
            routed = layer.side.post_attention(rows)
            self._hear(f"layer.{number}.topk_ids", routed.expert_ids)
            self._hear(f"layer.{number}.topk_weights", routed.expert_weights)
            return routed

        def feed_forward(rows, adapters=()):
            out = layer.feed_forward(rows, adapters)
            self._hear(f"layer.{number}.hidden", residual["now"] + out)
            return out

        return Layer(AttentionSide(attention, post_attention), feed_forward)

    def __call__(self, *lengths: int) -> torch.Tensor:
        """Logits of every position, the prompt fed in chunks of these lengths."""
        logits, start = [], 0
        for length in lengths:
            chunk = TOKENS[start : start + length]
            batch = one_sequence(chunk, block_size=BLOCK, start=start)
            batch = replace(batch, sample_rows=torch.arange(length))
            with torch.inference_mode():
                logits.append(self.model.forward(batch, self.caches))
            start += length
        assert start == len(TOKENS)
        return torch.cat(logits)

    def seen(self, name: str) -> torch.Tensor:
        return torch.cat(self.heard[name])

    def keys(self, layer: int) -> torch.Tensor:
        """What the cache holds of a layer: (tokens, head_dim), rotated."""
        pages = self.caches[layer].keys[:, 0].transpose(1, 2)
        return pages.reshape(-1, pages.shape[-1])[: len(TOKENS)]


@pytest.fixture(scope="module")
def tensors():
    return weights()


CHUNKS = {"at once": (17,), "in chunks": (5, 1, 11), "token by token": (1,) * 17}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_hidden_states_keys_routing_and_logits_are_the_libraries(tensors, chunks, library):
    run = Run(config(), tensors)
    logits = run(*chunks)
    for layer in range(4):
        name = f"layer.{layer}.hidden"
        assert error(run.seen(name), golden(library, name)) < TOLERANCE, name
    assert error(run.keys(1), golden(library, "layer.1.key")) < TOLERANCE
    for layer in (1, 2):
        ids, shares = (f"layer.{layer}.{name}" for name in ("topk_ids", "topk_weights"))
        order = run.seen(shares).argsort(dim=-1, descending=True)
        assert torch.equal(run.seen(ids).gather(1, order).int(), golden(library, ids))
        assert error(run.seen(shares).gather(1, order), golden(library, shares)) < TOLERANCE
    assert run.seen("layer.0.topk_ids").shape[1] == 0
    assert run.seen("layer.3.topk_ids").shape[1] == 0
    assert error(logits, golden(library, "logits")) < TOLERANCE


def test_attention_after_its_output_projection_is_the_library_s(tensors):
    run = Run(config(), tensors)
    run(17)
    name = "layer.1.attention"
    assert error(run.seen(name), golden("vllm", name)) < TOLERANCE


@pytest.mark.parametrize("library", LIBRARIES)
def test_renormalised_experts_where_the_configuration_asks_for_them(tensors, library):
    logits = Run(config(norm_expert_weight=True), tensors)(17)
    assert error(logits, golden(library, "renormalised.logits")) < TOLERANCE


def rows_of_heads(tensors, order):
    """The same model, each query and key head's dimensions in another order."""
    changed = dict(tensors)
    for name in tensors:
        if name.endswith(("self_attn.wq.weight", "self_attn.k_proj.weight")):
            heads = tensors[name].unflatten(0, (-1, TEXT["head_dim"]))
            changed[name] = heads[:, order].flatten(0, 1)
    return changed


def exchanged(tensors, one, other):
    return {
        name: tensors[name.replace(one, other) if one in name else name] for name in tensors
    } | {name: tensors[name.replace(other, one)] for name in tensors if other in name}


def adjacent_pairs(tensors, monkeypatch):
    # Halves of the even and the odd dimensions: what rotates is (0, 1), (2, 3), ...
    return config(), rows_of_heads(tensors, [*range(0, 32, 2), *range(1, 32, 2)])


def wrong_half(tensors, monkeypatch):
    # (b, a) instead of (a, b): a rotation the other way round.
    return config(), rows_of_heads(tensors, [*range(16, 32), *range(16)])


def wrong_theta(tensors, monkeypatch):
    return config(rope_theta=10000.0), tensors


def renormalised(tensors, monkeypatch):
    return config(norm_expert_weight=True), tensors


def no_inner_norm(tensors, monkeypatch):
    def inner_or_plain(weight, *rest):
        is_inner = weight.shape[0] == TEXT["share_q_dim"]
        return (lambda rows: rows) if is_inner else RMSNorm(weight, *rest)

    monkeypatch.setattr(step3, "RMSNorm", inner_or_plain)
    return config(), tensors


def two_experts(tensors, monkeypatch):
    return config(moe_top_k=2), tensors


def gate_and_up_exchanged(tensors, monkeypatch):
    return config(), exchanged(tensors, "moe.gate_proj", "moe.up_proj")


def keys_and_values_exchanged(tensors, monkeypatch):
    return config(), exchanged(tensors, "k_proj", "v_proj")


MISREADINGS = (
    adjacent_pairs,
    wrong_half,
    wrong_theta,
    renormalised,
    no_inner_norm,
    two_experts,
    gate_and_up_exchanged,
    keys_and_values_exchanged,
)


@pytest.mark.parametrize("misread", MISREADINGS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_misreading_is_seen(tensors, monkeypatch, misread, library):
    logits = Run(*misread(tensors, monkeypatch))(17)
    assert error(logits, golden(library, "logits")) > 100 * TOLERANCE
