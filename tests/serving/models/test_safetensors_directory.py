import json

import pytest
import torch
from safetensors.torch import save_file

from regard.serving.errors import WeightsError
from regard.serving.models.block_fp8 import BlockFp8Tensor
from regard.serving.models.safetensors_directory import INDEX, SafetensorsDirectory, read_json

FP8 = torch.float8_e4m3fn


def write(directory, **files):
    """Files of tensors, with an index."""
    for file, tensors in files.items():
        save_file(tensors, directory / f"{file}.safetensors")
    index = {name: f"{file}.safetensors" for file, tensors in files.items() for name in tensors}
    (directory / INDEX).write_text(json.dumps({"weight_map": index}))


def test_tensors_of_all_files_come_under_canonical_names(tmp_path):
    write(
        tmp_path,
        a={"language_model.model.norm.weight": torch.ones(3)},
        b={"language_model.lm_head.weight": torch.zeros(2, 3), "vision_model.x": torch.ones(1)},
        c={"model.language_model.embed_tokens.weight": torch.ones(2, 3, dtype=torch.bfloat16)},
    )
    tensors = SafetensorsDirectory(tmp_path).tensors()
    assert set(tensors) == {
        "model.norm.weight",
        "lm_head.weight",
        "vision_model.x",
        "model.embed_tokens.weight",
    }
    assert torch.equal(tensors["model.norm.weight"], torch.ones(3))
    assert tensors.headers["lm_head.weight"].shape == (2, 3)
    assert tensors.headers["model.embed_tokens.weight"].kind == "BF16"
    assert tensors.headers["lm_head.weight"].file == tmp_path / "b.safetensors"


def test_a_directory_without_an_index_is_all_its_files(tmp_path):
    write(tmp_path, a={"x": torch.ones(1)}, b={"y": torch.ones(1)})
    (tmp_path / INDEX).unlink()
    assert set(SafetensorsDirectory(tmp_path).tensors()) == {"x", "y"}


def test_fp8_tensors_come_with_their_scales(tmp_path):
    values, scales = torch.randn(3, 130, 8).to(FP8), torch.rand(3, 2, 1)
    write(tmp_path, a={"w": values, "plain": torch.ones(2)}, b={"w_scale_inv": scales})
    tensors = SafetensorsDirectory(tmp_path, fp8_block=(128, 128)).tensors()
    assert set(tensors) == {"w", "plain"}
    assert isinstance(tensors["w"], BlockFp8Tensor)
    assert torch.equal(tensors["w"].values.float(), values.float())
    assert torch.equal(tensors["w"].scales, scales)
    assert isinstance(tensors["plain"], torch.Tensor)


@pytest.mark.parametrize(
    ("files", "block", "message"),
    [
        ({"a": {"w": torch.ones(2, 2).to(FP8)}}, (128, 128), r"a\.safetensors: .*w_scale_inv miss"),
        ({"a": {"w": torch.ones(2, 2).to(FP8)}}, None, r"w is FP8, but config\.json has no quant"),
        (
            {"a": {"w": torch.ones(2, 2).to(FP8)}, "b": {"w_scale_inv": torch.ones(2, 1)}},
            (128, 128),
            r"b\.safetensors: tensor w_scale_inv is F32 \(2, 1\); .* needs F32 \(1, 1\)",
        ),
        (
            {"a": {"w": torch.ones(2, 2).to(FP8)}, "b": {"w_scale_inv": torch.ones(1, 1).half()}},
            (128, 128),
            r"w_scale_inv is F16",
        ),
        (
            {"a": {"w": torch.ones(2, 2)}, "b": {"w_scale_inv": torch.ones(1, 1)}},
            (128, 128),
            r"b\.safetensors: tensor w_scale_inv scales w, which is F32",
        ),
    ],
)
def test_scales_that_do_not_fit_are_named_with_their_file(tmp_path, files, block, message):
    write(tmp_path, **files)
    with pytest.raises(WeightsError, match=message):
        SafetensorsDirectory(tmp_path, fp8_block=block)


def test_a_tensor_that_only_the_index_knows_is_named_with_its_file(tmp_path):
    write(tmp_path, a={"x": torch.ones(1)})
    index = {"weight_map": {"x": "a.safetensors", "y": "a.safetensors"}}
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"a\.safetensors: tensor y missing, though"):
        SafetensorsDirectory(tmp_path)


@pytest.mark.parametrize("text", ["{}", '{"weight_map": []}'])
def test_an_index_without_a_map_is_named(tmp_path, text):
    write(tmp_path, a={"x": torch.ones(1)})
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(WeightsError, match=r"index\.json: no weight_map"):
        SafetensorsDirectory(tmp_path)


def test_a_type_of_tensor_is_refused_only_where_it_is_asked_for(tmp_path):
    write(tmp_path, a={"a": torch.ones(1), "ids": torch.ones(2, dtype=torch.int64)})
    tensors = SafetensorsDirectory(tmp_path).tensors()
    assert tensors["a"] == 1
    with pytest.raises(WeightsError, match=r"a\.safetensors: tensor ids is I64; supported: F32"):
        tensors["ids"]


def test_a_file_that_goes_away_is_one_line(tmp_path):
    write(tmp_path, a={"x": torch.ones(1)})
    tensors = SafetensorsDirectory(tmp_path).tensors()
    (tmp_path / "a.safetensors").unlink()
    with pytest.raises(WeightsError, match="changed or gone"):
        tensors["x"]


def test_pickled_weights_are_refused_with_the_reason(tmp_path):
    with pytest.raises(WeightsError, match="no safetensors files here$"):
        SafetensorsDirectory(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin would have to be unpickled"):
        SafetensorsDirectory(tmp_path)


def test_json_that_is_no_object_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(WeightsError, match="not a JSON object"):
        read_json(tmp_path / "a.json")
