import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from regard.serving.errors import WeightsError
from regard.serving.models import weights
from regard.serving.models.lazy_tensors import TensorHeader
from regard.serving.models.random_tensors import RandomTensors
from regard.serving.models.weights import (
    check_tensors,
    config_from_hf,
    open_model,
    random_tensors,
    tensor_shapes,
)
from tests.serving.tiny import LLAMA, byte_tokenizer

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 260,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 512,
    "eos_token_id": [256, 257],
}


@pytest.fixture
def directory(tmp_path):
    """A tiny model in two shards."""
    tensors = random_tensors(tensor_shapes(LLAMA), seed=0)
    names = sorted(tensors)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, own in shards.items():
        save_file({name: tensors[name] for name in own}, tmp_path / file)
    index = {"weight_map": {name: file for file, own in shards.items() for name in own}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    byte_tokenizer().backend.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def open_it(path, load_format: str = "auto"):
    return open_model(str(path), load_format=load_format, seed=0)


def test_a_directory_opens_with_all_its_shards(directory):
    opened = open_it(directory)
    assert opened.config.eos_token_ids == (256, 257)
    assert opened.config.head_dim == 16
    assert set(opened.tensors) == set(tensor_shapes(LLAMA))
    assert opened.name == directory.name


def test_dummy_weights_need_no_files_of_weights(directory):
    for file in directory.glob("*.safetensors*"):
        file.unlink()
    opened = open_it(directory, "dummy")
    assert set(opened.tensors) == set(tensor_shapes(LLAMA))


def test_a_missing_shard_is_named(directory):
    (directory / "b.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"b\.safetensors: missing, though"):
        open_it(directory)


@pytest.mark.parametrize("keep", [0, 5, 300, -10])
def test_a_truncated_shard_is_named(directory, keep):
    file = directory / "a.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"a\.safetensors: corrupt or truncated"):
        open_it(directory)


def headers(shapes):
    return {name: TensorHeader(shape, "F32", Path("a")) for name, shape in shapes.items()}


def test_missing_and_misshapen_tensors_are_named(tmp_path):
    shapes = tensor_shapes(LLAMA)
    check_tensors(headers(shapes), shapes, tmp_path)
    less = {name: shape for name, shape in shapes.items() if name != "model.norm.weight"}
    with pytest.raises(WeightsError, match=r"tensor model\.norm\.weight missing"):
        check_tensors(headers(less), shapes, tmp_path)
    other = shapes | {"model.norm.weight": (3,)}
    with pytest.raises(WeightsError, match=r"a: .*model\.norm\.weight is \(3,\).*says \(64,\)"):
        check_tensors(headers(other), shapes, tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_broken_configuration_is_named(directory, text):
    (directory / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(WeightsError, match=r"config\.json"):
        open_it(directory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architectures": ["MambaForCausalLM"]}, "MambaForCausalLM.*not supported; known: Llama"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"sliding_window": 128}, "sliding_window 128"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
    ],
)
def test_what_the_configuration_asks_for_in_vain_is_named(tmp_path, change, message):
    data = {key: value for key, value in (CONFIG | change).items() if value is not None}
    with pytest.raises(WeightsError, match=message):
        config_from_hf(data, tmp_path)


def test_a_load_format_that_does_not_fit_is_refused(directory):
    with pytest.raises(WeightsError, match="'gguf' does not fit"):
        open_it(directory, "gguf")


def test_a_path_that_is_not_there_is_no_hub_id(tmp_path):
    with pytest.raises(WeightsError, match="no such file or directory"):
        open_it(tmp_path / "none")


def test_a_hub_that_does_not_answer_is_one_line(monkeypatch):
    import huggingface_hub

    def fail(*_, **__):
        raise OSError("no route to the hub\nand a long story")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(WeightsError) as caught:
        open_it("owner/name")
    assert "the hub did not give it: no route to the hub" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hub_id_is_fetched_without_pickles(monkeypatch, directory):
    import huggingface_hub

    asked = {}

    def give(hub_id, **options):
        asked.update(options, hub_id=hub_id)
        return str(directory)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", give)
    assert open_it("owner/name").config.vocab_size == 260
    assert asked["hub_id"] == "owner/name"
    assert not any("bin" in pattern for pattern in asked["allow_patterns"])


def test_the_default_model_is_asked_for_by_its_name(monkeypatch, tmp_path):
    monkeypatch.setattr(weights.default_model, "path", lambda: tmp_path / "gone.gguf")
    with pytest.raises(WeightsError, match=r"gone\.gguf"):
        open_it("default")


@pytest.mark.parametrize("load_format", ["auto", "dummy"])
def test_a_preset_is_random_weights_and_bytes_and_says_so(caplog, load_format):
    opened = open_it("step3-mini", load_format)
    assert opened.name == "step3-mini"
    assert isinstance(opened.tensors, RandomTensors)
    assert opened.tokenizer.encode("a") == [97]
    assert "step3-mini is sizes only: its weights are random" in caplog.text


def test_a_preset_has_no_files():
    with pytest.raises(WeightsError, match="step3: load format 'safetensors' does not fit"):
        open_it("step3", "safetensors")
