import pytest
import torch

from regard.serving.errors import InvalidRequestError
from regard.serving.models.numerics import choose_numerics


def test_exact_mode_is_float32_whatever_is_asked():
    numerics = choose_numerics("exact", "cpu", "bfloat16")
    assert numerics.is_exact
    assert numerics.weight_dtype == numerics.activation_dtype == torch.float32


def test_fast_mode_keeps_weights_as_they_are_unless_asked():
    assert choose_numerics("fast", "cpu", "auto").weight_dtype is None
    assert choose_numerics("fast", "cpu", "bfloat16").weight_dtype == torch.bfloat16
    assert choose_numerics("fast", "cpu", "bfloat16").activation_dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [
        ("cpu", "int3", "unknown dtype 'int3'; known: auto, bfloat16"),
        ("abacus", "auto", "unknown device 'abacus'"),
    ],
)
def test_unknown_names_are_refused_with_the_known(device, dtype, message):
    with pytest.raises(InvalidRequestError, match=message):
        choose_numerics("fast", device, dtype)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidRequestError, match="no GPU is here"):
        choose_numerics("fast", "cuda", "auto")
    assert choose_numerics("fast", "auto", "auto").device.type == "cpu"
