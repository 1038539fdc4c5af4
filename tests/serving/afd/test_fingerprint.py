from dataclasses import replace

from regard.serving.afd.fingerprint import fingerprint
from regard.serving.models.numerics import choose_numerics
from tests.serving.tiny import LLAMA, tiny_tensors

EXACT, FAST = (choose_numerics(mode, "cpu", "auto") for mode in ("exact", "fast"))


def test_it_tells_models_modes_and_weights_apart():
    tensors = tiny_tensors(LLAMA)
    own = fingerprint(LLAMA, tensors, EXACT)
    assert own == fingerprint(LLAMA, tiny_tensors(LLAMA, seed=0), EXACT)
    assert own != fingerprint(LLAMA, tensors, FAST)
    assert own != fingerprint(replace(LLAMA, rope_theta=5.0), tensors, EXACT)
    tuned = {**tensors, "model.norm.weight": tensors["model.norm.weight"] * 1.001}
    assert own != fingerprint(LLAMA, tuned, EXACT)
    assert own != fingerprint(LLAMA, {**tensors, "more": tensors["model.norm.weight"]}, EXACT)
