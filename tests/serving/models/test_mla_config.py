from regard.serving.models.mla_config import mla_tensor_shapes
from tests.serving.models.test_attention_cost import DEEPSEEK_V3


def test_the_sizes_are_those_of_deepseek_v3():
    assert DEEPSEEK_V3.latent_dim == DEEPSEEK_V3.head_dim == 576
    shapes = mla_tensor_shapes(DEEPSEEK_V3)
    assert shapes["self_attn.q_b_proj.weight"] == (24576, 1536)
    assert shapes["self_attn.kv_a_proj_with_mqa.weight"] == (576, 7168)
    assert shapes["self_attn.kv_b_proj.weight"] == (32768, 512)
    assert shapes["self_attn.o_proj.weight"] == (7168, 16384)
