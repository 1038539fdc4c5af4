"""Synthetic checkpoints in the layout of the released one, BF16 and block-FP8.

Names, nesting and scales as vLLM's and SGLang's loaders read them; sizes that blocks of 128 do not
divide, so that last blocks are partial. The released files themselves were never read here.
"""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from regard.serving.config import EngineConfig
from regard.serving.errors import WeightsError
from regard.serving.models.block_fp8 import BlockFp8Tensor
from regard.serving.models.build import build_feed_forwards
from regard.serving.models.feed_forward import FeedForwardInput
from regard.serving.models.loader import load
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.safetensors_directory import INDEX
from regard.serving.models.weights import config_from_hf, open_model, tensor_shapes
from tests.serving.models.test_shard import grid
from tests.serving.step3_reference import distance, prefill, reference
from tests.serving.tiny_vision import VISION, seeing_tokenizer

BLOCK = 128
TEXT = {
    "hidden_size": 192,
    "intermediate_size": 320,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "vocab_size": 266,
    "rms_norm_eps": 1e-5,
    "moe_intermediate_size": 256,
    "moe_num_experts": 6,
    "moe_top_k": 3,
    "share_q_dim": 160,
    "head_dim": 64,
    "share_expert_dim": 300,
    "norm_expert_weight": False,
    "moe_layers_enum": "1",
    "max_position_embedding": 512,
}
CONFIG = {
    "architectures": ["Step3VLForConditionalGeneration"],
    "model_type": "step3_vl",
    "text_config": {"architectures": ["Step3TextForCausalLM"], **TEXT},
    "vision_config": VISION,
    "understand_projector_stride": 2,
    "image_token_id": 260,
}
FP8 = {
    "quant_method": "fp8",
    "activation_scheme": "dynamic",
    "fmt": "e4m3",
    "weight_block_size": [BLOCK, BLOCK],
}
FILES = [f"model-{number:05}-of-00003.safetensors" for number in (1, 2, 3)]
PLAIN = ("norm", "embed_tokens", "lm_head", "moe.gate.", "vision_model", "vit_")
TOKENS = torch.randint(0, 256, (21,), generator=torch.Generator().manual_seed(1)).tolist()


def blocks(weight):
    """Views of the blocks of a matrix or a stack, by their place."""
    rows, columns = weight.shape[-2:]
    for row in range(0, rows, BLOCK):
        for column in range(0, columns, BLOCK):
            part = weight[..., row : row + BLOCK, column : column + BLOCK]
            yield (..., row // BLOCK, column // BLOCK), part


def quantise(weight):
    """float8_e4m3fn values and float32 scales: each block's largest value becomes 448."""
    rows, columns = (-(-size // BLOCK) for size in weight.shape[-2:])
    scales = torch.empty(*weight.shape[:-2], rows, columns)
    scaled = weight.clone()
    for place, block in blocks(scaled):
        scales[place] = block.abs().amax((-2, -1)) / 448
        block /= scales[place][..., None, None]
    return scaled.to(torch.float8_e4m3fn), scales


def exact_values(stored):
    """What a checkpoint's tensors stand for, in float64."""
    values = {}
    for name, tensor in stored.items():
        if name.endswith("_scale_inv"):
            continue
        values[name] = tensor.double()
        if tensor.dtype == torch.float8_e4m3fn:
            for place, block in blocks(values[name]):
                block *= stored[f"{name}_scale_inv"][place].double()[..., None, None]
    return values


def write(directory, *, is_fp8):
    """Write a checkpoint over three files; tensors and their scales part company."""
    generator = torch.Generator().manual_seed(0)
    stored = {}
    for name, shape in tensor_shapes(config_from_hf(CONFIG, directory)).items():
        spread = torch.rand(shape, generator=generator) - 0.5
        weight = 1 + spread if "norm" in name else spread / max(shape[-1], 1) ** 0.5 * 5
        if is_fp8 and not any(part in name for part in PLAIN):
            for _, block in blocks(weight):
                block *= 4 * torch.rand(1, generator=generator) ** 2
            stored[name], stored[f"{name}_scale_inv"] = quantise(weight)
        else:
            stored[name] = weight.to(torch.bfloat16)
    names = list(stored)
    index = {name: FILES[number % 3] for number, name in enumerate(names)}
    for file in FILES:
        own = {name: stored[name] for name in names if index[name] == file}
        save_file(own, directory / file, metadata={"format": "pt"})
    (directory / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": index}))
    config = CONFIG | ({"quantization_config": FP8} if is_fp8 else {})
    (directory / "config.json").write_text(json.dumps(config))
    seeing_tokenizer().backend.save(str(directory / "tokenizer.json"))
    return stored, index


@pytest.fixture(params=[False, True], ids=["bf16", "fp8"])
def checkpoint(request, tmp_path):
    stored, index = write(tmp_path, is_fp8=request.param)
    return tmp_path, stored, index


def load_it(directory, mode):
    options = {"device": "cpu", "mode": mode, "kv_cache_memory_gib": 0.01, "num_threads": 1}
    return load(EngineConfig(model=str(directory), **options))


# Exact mode multiplies in float32; fast keeps these weights in bfloat16, 8 bits a value.
@pytest.mark.parametrize(("mode", "bound"), [("exact", 1e-5), ("fast", 2e-2)])
def test_logits_are_those_of_float64_on_the_stored_values(checkpoint, mode, bound):
    directory, stored, _ = checkpoint
    loaded = load_it(directory, mode)
    expected = reference(loaded.model.config, exact_values(stored), TOKENS)
    assert distance(prefill(loaded, [TOKENS]), expected) < bound
    parted = prefill(loaded, [TOKENS[:13], *([token] for token in TOKENS[13:])])
    assert distance(parted, expected) < bound


def test_scales_matter(tmp_path):
    stored, index = write(tmp_path, is_fp8=True)
    loaded = load_it(tmp_path, "exact")
    name = "model.layers.1.moe.up_proj.weight_scale_inv"
    swapped = stored | {name: stored[name].flip(-1)}
    wrong = reference(loaded.model.config, exact_values(swapped), TOKENS)
    assert distance(prefill(loaded, [TOKENS]), wrong) > 1e-3
    assert name in index


def test_nothing_is_quantised_again_and_every_fp8_tensor_keeps_its_scales(checkpoint):
    directory, stored, _ = checkpoint
    opened = open_model(str(directory), load_format="auto", seed=0)
    for name, tensor in opened.tensors.items():
        if stored[name].dtype == torch.float8_e4m3fn:
            assert isinstance(tensor, BlockFp8Tensor)
            assert torch.equal(tensor.scales, stored[f"{name}_scale_inv"])
            tensor = tensor.values
        assert torch.equal(tensor.float(), stored[name].float())


@pytest.mark.parametrize(("groups", "ranks"), [(3, 1), (1, 2), (2, 1)])
def test_shards_of_the_feed_forwards_add_up(checkpoint, groups, ranks):
    directory, _, _ = checkpoint
    opened = open_model(str(directory), load_format="auto", seed=0)
    numerics = choose_numerics("exact", "cpu", "auto")
    x = torch.randn(5, TEXT["hidden_size"], generator=torch.Generator().manual_seed(2))
    ids = torch.stack([torch.randperm(6)[:3] for _ in range(5)])
    rows = FeedForwardInput(x, ids, torch.rand(5, 3))
    whole = build_feed_forwards(opened.config, opened.tensors, numerics)
    shards = [
        build_feed_forwards(opened.config, opened.tensors, numerics, cell)
        for cell in grid(groups, ranks)
    ]
    for layer in range(TEXT["num_hidden_layers"]):
        parts = sum(shard[layer](rows) for shard in shards)
        # Sums in another order: an element near zero may lose digits, the whole may not.
        assert distance(parts, whole[layer](rows)) < 1e-6


def rewrite(directory, file, change):
    tensors = load_file(directory / file)
    change(tensors)
    save_file(tensors, directory / file)


STACK = "model.layers.1.moe.up_proj.weight"


def test_a_missing_tensor_is_named_with_its_file(checkpoint):
    directory, _, index = checkpoint
    file = index[STACK]
    rewrite(directory, file, lambda tensors: tensors.pop(STACK))
    with pytest.raises(WeightsError, match=rf"{file}: tensor {STACK} missing, though"):
        load_it(directory, "exact")
    index = {name: file for name, file in index.items() if name != STACK}
    (directory / INDEX).write_text(json.dumps({"weight_map": index}))
    with pytest.raises(WeightsError, match=rf"tensor {STACK} missing"):
        load_it(directory, "exact")


def test_a_misshapen_tensor_is_named_with_its_file(checkpoint):
    directory, _, index = checkpoint
    name = "model.layers.0.self_attn.inter_norm.weight"
    rewrite(directory, index[name], lambda tensors: tensors.update({name: torch.ones(3)}))
    with pytest.raises(
        WeightsError, match=rf"{index[name]}: tensor {name} is \(3,\).*says \(160,\)"
    ):
        load_it(directory, "exact")


def test_a_misshapen_scale_is_named_with_its_file(tmp_path):
    _, index = write(tmp_path, is_fp8=True)
    name = f"{STACK}_scale_inv"
    rewrite(tmp_path, index[name], lambda tensors: tensors.update({name: torch.ones(6, 2, 1)}))
    with pytest.raises(
        WeightsError, match=rf"{index[name]}: tensor {name} is F32 \(6, 2, 1\);.*F32 \(6, 2, 2\)"
    ):
        load_it(tmp_path, "exact")


def test_a_text_model_with_its_prefix_spelled_out_is_the_same(tmp_path):
    stored, index = write(tmp_path, is_fp8=True)
    plain = prefill(load_it(tmp_path, "exact"), [TOKENS])
    renamed = {}
    for file in FILES:
        tensors = {f"language_model.{n}": stored[n] for n in stored if index[n] == file}
        save_file(tensors, tmp_path / file)
        renamed |= dict.fromkeys(tensors, file)
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": renamed}))
    text = {key: value for key, value in CONFIG.items() if key != "vision_config"}
    (tmp_path / "config.json").write_text(json.dumps(text | {"quantization_config": FP8}))
    assert torch.equal(prefill(load_it(tmp_path, "exact"), [TOKENS]), plain)
