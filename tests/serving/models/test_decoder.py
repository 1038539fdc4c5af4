import torch

from regard.serving.config import EngineConfig
from tests.serving.rows import one_sequence
from tests.serving.tiny import LLAMA, tiny_model


def model(config=LLAMA):
    return tiny_model(EngineConfig(mode="exact", device="cpu", kv_cache_memory_gib=0.01), config)


def test_only_the_rows_that_sample_get_logits():
    loaded = model()
    with torch.inference_mode():
        logits = loaded.model.forward(
            one_sequence([1, 2, 3], block_size=16), loaded.allocate_caches()
        )
    assert logits.shape == (1, LLAMA.vocab_size)
    assert logits.dtype == torch.float32


def test_layers_run_in_order_and_each_has_its_own_cache():
    loaded = model()
    caches = loaded.allocate_caches()
    with torch.inference_mode():
        loaded.model.forward(one_sequence([5, 6], block_size=16), caches)
    assert len(loaded.model.layers) == len(caches) == 2
    assert all(cache.keys.abs().sum() > 0 for cache in caches)
    assert not torch.equal(caches[0].keys, caches[1].keys)
