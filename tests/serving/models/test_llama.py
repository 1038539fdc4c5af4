"""Tiny random models made by transformers, read from their own files and compared."""

import os

import pytest
import torch

from regard.serving.config import EngineConfig
from regard.serving.llm import LLM
from regard.serving.models.attention import allocate_cache
from regard.serving.models.loader import build
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.weights import open_model
from regard.serving.sampling_params import SamplingParams
from tests.serving.rows import one_sequence
from tests.serving.tiny import byte_tokenizer

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
}
VARIANTS = {
    "plain": {},
    "tied": {"tie_word_embeddings": True},
    "bias": {"attention_bias": True},
    "one-kv-head": {"num_key_value_heads": 1},
    "wide-heads": {"head_dim": 32},
    "linear-rope": {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
    "llama3-rope": {"rope_parameters": LLAMA3_ROPE},
}


@pytest.fixture
def saved(tmp_path):
    """Saves a tiny model of a variant; the model and its directory."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import LlamaConfig, LlamaForCausalLM

    def save(variant: str = "plain", dtype: torch.dtype = torch.float32):
        torch.manual_seed(0)
        options = {
            "vocab_size": 260,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 128,
            "eos_token_id": 256,
            **VARIANTS[variant],
        }
        model = LlamaForCausalLM(LlamaConfig(**options)).to(dtype).eval()
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(tmp_path)
        byte_tokenizer().backend.save(str(tmp_path / "tokenizer.json"))
        return model, tmp_path

    return save


def logits_of(path, tokens: list[int], mode: str) -> torch.Tensor:
    opened = open_model(str(path), load_format="auto", seed=0)
    config = EngineConfig(mode=mode, kv_cache_memory_gib=0.01)
    loaded = build(
        config,
        name="tiny",
        model_config=opened.config,
        tensors=opened.tensors,
        tokenizer=opened.tokenizer,
        numerics=choose_numerics(mode, "cpu", "auto"),
    )
    caches = [
        allocate_cache(
            num_blocks=16,
            block_size=8,
            kv_heads=opened.config.num_kv_heads,
            head_dim=opened.config.head_dim,
            dtype=torch.float32,
            device=torch.device("cpu"),
        )
        for _ in range(opened.config.num_layers)
    ]
    with torch.inference_mode():
        return loaded.model.forward(one_sequence(tokens, block_size=8), caches)[0]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_logits_are_those_of_transformers(saved, variant, mode):
    model, path = saved(variant)
    tokens = torch.randint(0, 256, (90,), generator=torch.Generator().manual_seed(1)).tolist()
    ours = logits_of(path, tokens, mode)
    with torch.inference_mode():
        theirs = model(torch.tensor([tokens])).logits[0, -1]
    assert ((ours - theirs).norm() / theirs.norm()).item() < 1e-4


def test_bfloat16_weights_are_used_as_they_are(saved):
    model, path = saved("plain", torch.bfloat16)
    ours = logits_of(path, [1, 2, 3, 4], "fast")
    with torch.inference_mode():
        theirs = model.float()(torch.tensor([[1, 2, 3, 4]])).logits[0, -1]
    assert ((ours - theirs).norm() / theirs.norm()).item() < 1e-4


# peft 0.21 asks transformers 5 by a name that the latter calls old.
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
@pytest.mark.parametrize("rank_stabilised", [False, True])
def test_adapters_answer_as_merged_models_beside_the_base(saved, tmp_path, rank_stabilised):
    from peft import LoraConfig, get_peft_model

    model, path = saved()
    tokens = [5, 9, 2, 7]

    def greedy(network) -> tuple[int, ...]:
        ids = list(tokens)
        with torch.inference_mode():
            for _ in range(8):
                ids.append(int(network(torch.tensor([ids])).logits[0, -1].argmax()))
        return tuple(ids[len(tokens) :])

    base = greedy(model)
    expected, loras = {}, []
    for seed, modules in ((1, ["q_proj", "v_proj"]), (2, ["o_proj", "gate_proj", "down_proj"])):
        torch.manual_seed(seed)
        options = LoraConfig(r=4, lora_alpha=16, target_modules=modules, use_rslora=rank_stabilised)
        adapted = get_peft_model(model, options).eval()
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, std=0.3)
        adapted.save_pretrained(tmp_path / f"adapter{seed}")
        expected[f"a{seed}"] = greedy(adapted)
        loras.append((f"a{seed}", str(tmp_path / f"adapter{seed}")))
        model = adapted.unload()
    assert len({base, *expected.values()}) == 3
    llm = LLM(str(path), mode="exact", loras=tuple(loras), kv_cache_memory_gib=0.01, num_threads=1)
    params = SamplingParams(temperature=0.0, max_tokens=8, ignore_eos=True)

    def answer(adapter: str | None) -> tuple[int, ...]:
        return llm.generate([tokens], params, adapter=adapter, progress=False)[0].token_ids

    # One after the other with the same prompt: a shared prefix cache would show at once.
    assert {name: answer(name) for name in expected} == expected
    assert answer(None) == base
