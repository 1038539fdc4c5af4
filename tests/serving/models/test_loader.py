import pytest
import torch

from regard.serving.config import EngineConfig
from regard.serving.errors import InvalidRequestError
from tests.serving.tiny import tiny_model


def loaded(**options):
    return tiny_model(EngineConfig(**({"kv_cache_memory_gib": 0.01, "device": "cpu"} | options)))


def test_the_cache_has_as_many_blocks_as_its_memory_holds():
    model = loaded(block_size=16)
    # 2 (k, v) x 2 layers x 2 heads x 16 x 4 bytes a token.
    assert model.num_blocks == int(0.01 * 2**30 / (2 * 2 * 2 * 16 * 4 * 16))
    caches = model.allocate_caches()
    assert len(caches) == 2
    assert caches[0].keys.shape == (model.num_blocks, 2, 16, 16)
    assert caches[0].values.abs().sum() == 0


def test_no_room_for_a_block_is_said_with_the_sums():
    with pytest.raises(InvalidRequestError, match="no room for a KV cache.*one block of 16 tokens"):
        loaded(kv_cache_memory_gib=1e-6)


@pytest.mark.parametrize("length", [0, 513, -3])
def test_a_context_the_model_does_not_have_is_refused(length):
    assert loaded(max_model_len=None).max_model_len == 512
    with pytest.raises(InvalidRequestError, match=f"{length} is outside 1 to 512"):
        loaded(max_model_len=length)


def test_a_cache_type_can_be_chosen_but_not_for_exact_mode():
    assert loaded(kv_cache_dtype="bfloat16").cache_dtype == torch.bfloat16
    assert loaded(kv_cache_dtype="bfloat16", mode="exact").cache_dtype == torch.float32
    with pytest.raises(InvalidRequestError, match="kv_cache_dtype 'fp7' is not supported"):
        loaded(kv_cache_dtype="fp7")
