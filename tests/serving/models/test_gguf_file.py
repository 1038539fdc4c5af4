import contextlib
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from regard.serving import default_model
from regard.serving.errors import WeightsError
from regard.serving.models.gguf_file import GGUFFile
from regard.serving.models.quantised import QuantisedTensor, dense
from regard.serving.models.weights import check_tensors, tensor_shapes

HIDDEN, HEADS, KV_HEADS, INNER, VOCAB = 64, 4, 2, 96, 40


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    keys = HIDDEN // HEADS * KV_HEADS
    shapes = {
        "token_embd.weight": (VOCAB, HIDDEN),
        "output_norm.weight": (HIDDEN,),
        "blk.0.attn_norm.weight": (HIDDEN,),
        "blk.0.ffn_norm.weight": (HIDDEN,),
        "blk.0.attn_q.weight": (HIDDEN, HIDDEN),
        "blk.0.attn_k.weight": (keys, HIDDEN),
        "blk.0.attn_v.weight": (keys, HIDDEN),
        "blk.0.attn_output.weight": (HIDDEN, HIDDEN),
        "blk.0.ffn_gate.weight": (INNER, HIDDEN),
        "blk.0.ffn_up.weight": (INNER, HIDDEN),
        "blk.0.ffn_down.weight": (HIDDEN, INNER),
    }
    return {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def write(
    path: Path, given: dict[str, np.ndarray], *, arch: str = "llama", kind: str = "Q4_1", **fields
) -> Path:
    writer = gguf.GGUFWriter(path, arch)
    numbers = {
        "block_count": 1,
        "context_length": 128,
        "embedding_length": HIDDEN,
        "feed_forward_length": INNER,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
    } | fields
    for name, number in numbers.items():
        if number is not None:
            writer.add_uint32(f"{arch}.{name}", number)
    writer.add_float32(f"{arch}.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_uint32("tokenizer.ggml.eos_token_id", 7)
    quantisation = gguf.GGMLQuantizationType[kind]
    for name, array in given.items():
        if array.ndim == 1 or kind == "F32":
            writer.add_tensor(name, array)
        else:
            writer.add_tensor(
                name, gguf.quants.quantize(array, quantisation), raw_dtype=quantisation
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0"])
def test_tensors_come_under_their_hugging_face_names(tmp_path, kind):
    given = tensors()
    file = GGUFFile(write(tmp_path / "m.gguf", given, kind=kind))
    config = file.config()
    assert (config.num_heads, config.num_kv_heads, config.head_dim) == (4, 2, 16)
    assert (config.vocab_size, config.tie_word_embeddings) == (VOCAB, True)
    assert config.eos_token_ids == (7,)
    loaded = file.tensors(config)
    check_tensors(loaded.headers, tensor_shapes(config), file.path)
    assert set(loaded) == set(tensor_shapes(config))
    down = loaded["model.layers.0.mlp.down_proj.weight"]
    assert isinstance(down, QuantisedTensor) == (kind in ("Q4_0", "Q4_1", "Q8_0"))
    error = np.abs(dense(down).float().numpy() - given["blk.0.ffn_down.weight"]).max()
    assert error < {"F32": 1e-9, "F16": 2e-3, "BF16": 2e-2, "Q8_0": 2e-2}.get(kind, 0.4)


def test_query_rows_leave_the_order_of_interleaved_rotation(tmp_path):
    given = tensors()
    file = GGUFFile(write(tmp_path / "m.gguf", given, kind="F32"))
    query = file.tensors(file.config())["model.layers.0.self_attn.q_proj.weight"]
    stored = torch.from_numpy(given["blk.0.attn_q.weight"])
    # Within a head of 16 rows, llama.cpp stores 0, 8, 1, 9, ...
    for head in range(HEADS):
        rows = stored[head * 16 : (head + 1) * 16]
        assert torch.equal(query[head * 16 : (head + 1) * 16], torch.cat((rows[::2], rows[1::2])))


def test_a_quantised_row_is_unpermuted_like_a_plain_one(tmp_path):
    given = tensors()
    quantised, plain = (
        GGUFFile(write(tmp_path / f"{kind}.gguf", given, kind=kind)) for kind in ("Q8_0", "F32")
    )
    name = "model.layers.0.self_attn.k_proj.weight"
    a, b = (dense(file.tensors(file.config())[name]) for file in (quantised, plain))
    assert torch.allclose(a, b, atol=3e-2)


def test_rows_are_dequantised_as_the_whole(tmp_path):
    file = GGUFFile(write(tmp_path / "m.gguf", tensors()))
    table = file.tensors(file.config())["model.embed_tokens.weight"]
    rows = torch.tensor([3, 0, 3])
    assert torch.equal(table.dequantise_rows(rows), table.dequantise()[rows])


@pytest.mark.parametrize("keep", [0, 3, 40, 500, 2000, -1, -4000])
def test_a_truncated_file_is_refused_by_name(tmp_path, keep):
    path = write(tmp_path / "m.gguf", tensors())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"m\.gguf: .*(truncated|not a GGUF)"):
        GGUFFile(path)


@pytest.mark.parametrize("seed", range(40))
def test_a_corrupt_header_raises_nothing_but_a_weights_error(tmp_path, seed):
    path = write(tmp_path / "m.gguf", tensors())
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(4, 900, 12):
        data[place] = rng.integers(256)
    path.write_bytes(bytes(data))
    # Nothing but a WeightsError may come out; bytes that happen not to matter may pass.
    with contextlib.suppress(WeightsError):
        file = GGUFFile(path)
        config = file.config()
        check_tensors(file.tensors(config).headers, tensor_shapes(config), path)


def test_what_is_no_gguf_file_is_refused(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"PK\x03\x04 a zip file")
    with pytest.raises(WeightsError, match="not a GGUF file: it begins with b'PK"):
        GGUFFile(path)
    with pytest.raises(WeightsError, match=r"none\.gguf: No such file"):
        GGUFFile(tmp_path / "none.gguf")


def test_another_architecture_is_named(tmp_path):
    path = write(tmp_path / "m.gguf", tensors(), arch="gemma3")
    with pytest.raises(WeightsError, match="architecture 'gemma3' is not supported"):
        GGUFFile(path)


def test_a_missing_field_is_named(tmp_path):
    file = GGUFFile(write(tmp_path / "m.gguf", tensors(), feed_forward_length=None))
    with pytest.raises(WeightsError, match=r"llama\.feed_forward_length is missing"):
        file.config()


def test_missing_and_misshapen_tensors_are_named(tmp_path):
    given = tensors()
    del given["blk.0.ffn_up.weight"]
    file = GGUFFile(write(tmp_path / "a.gguf", given))
    with pytest.raises(
        WeightsError, match=r"a\.gguf: tensor model\.layers\.0\.mlp\.up_proj\.weight"
    ):
        check_tensors(file.tensors(file.config()).headers, tensor_shapes(file.config()), file.path)
    given = tensors() | {"blk.0.ffn_up.weight": np.zeros((INNER, 32), np.float32)}
    file = GGUFFile(write(tmp_path / "b.gguf", given))
    with pytest.raises(WeightsError, match=r"up_proj\.weight is \(96, 32\).*says \(96, 64\)"):
        check_tensors(file.tensors(file.config()).headers, tensor_shapes(file.config()), file.path)


def test_a_foreign_tensor_is_named(tmp_path):
    given = tensors() | {"blk.0.ssm_a.weight": np.zeros((4, 32), np.float32)}
    file = GGUFFile(write(tmp_path / "m.gguf", given, kind="F32"))
    with pytest.raises(WeightsError, match=r"blk\.0\.ssm_a\.weight is not one of a Llama model"):
        file.tensors(file.config())


@pytest.mark.slow
def test_the_default_model_equals_transformers_reading_of_it(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    path = default_model.path()
    theirs = AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32
    ).state_dict()
    file = GGUFFile(path)
    ours = file.tensors(file.config())
    assert len(ours) == 272
    assert all(torch.equal(dense(tensor), theirs[name]) for name, tensor in ours.items())
