import pytest

from regard.serving.errors import WeightsError
from regard.serving.models.step3_config import Step3Config, step3_tensor_shapes
from regard.serving.models.weights import config_from_hf
from tests.serving.tiny import STEP3

TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "vocab_size": 260,
    "rms_norm_eps": 1e-5,
    "moe_intermediate_size": 32,
    "moe_num_experts": 6,
    "moe_top_k": 3,
    "share_q_dim": 48,
    "head_dim": 32,
    "share_expert_dim": 32,
    "moe_layers_enum": "1,2",
    "max_position_embedding": 512,
}


def read(path, **changes):
    text = {key: value for key, value in (TEXT | changes).items() if value is not None}
    data = {"architectures": ["Step3VLForConditionalGeneration"], "text_config": text}
    return config_from_hf(data, path)


def test_the_text_model_is_read_out_of_the_vision_models_configuration(tmp_path):
    config = read(tmp_path)
    assert isinstance(config, Step3Config)
    assert config == STEP3
    data = {"architectures": ["Step3TextForCausalLM"], **TEXT, "moe_layers_enum": [1, 2]}
    assert config_from_hf(data, tmp_path) == STEP3


def test_what_may_be_absent_is_read_where_it_is_there(tmp_path):
    assert read(tmp_path, norm_expert_weight=True).renormalise_experts
    assert read(tmp_path, rope_theta=10000).rope_theta == 10000
    scaling = {"rope_type": "linear", "factor": 2.0, "rope_theta": 7}
    nested = read(tmp_path, rope_parameters=scaling)
    assert (nested.rope_theta, nested.rope_scaling) == (7, scaling)
    plain = read(tmp_path, rope_parameters={"rope_type": "default", "rope_theta": 7})
    assert (plain.rope_theta, plain.rope_scaling) == (7, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moe_top_k": None}, "lacks moe_top_k"),
        ({"num_attention_groups": 2}, "num_attention_groups 2 is not supported"),
    ],
)
def test_what_is_missing_or_asked_for_in_vain_is_named(tmp_path, change, message):
    with pytest.raises(WeightsError, match=message):
        read(tmp_path, **change)


def test_a_layer_has_experts_or_a_dense_feed_forward_and_never_both():
    shapes = step3_tensor_shapes(STEP3)
    for layer in range(STEP3.num_layers):
        kinds = {name.split(".")[3] for name in shapes if f"layers.{layer}." in name}
        assert ("moe" in kinds) == ("share_expert" in kinds) == (layer in STEP3.moe_layers)
        assert ("mlp" in kinds) == (layer not in STEP3.moe_layers)
    assert shapes["model.layers.1.moe.down_proj.weight"] == (6, 64, 32)
