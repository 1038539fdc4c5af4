import pytest
import torch

from regard.serving.errors import InvalidRequestError
from regard.serving.models.rope import rope_tables

# The three kinds of scaling are compared with transformers in test_llama.py.


def tables(**options):
    options = {"head_dim": 8, "theta": 10000.0, "scaling": None, "max_positions": 16} | options
    return rope_tables(**options)


def test_angles_are_position_times_frequency():
    cos, sin = tables()
    assert cos.shape == sin.shape == (16, 4)
    angle = 5 * 10000.0 ** (-2 * 3 / 8)
    assert cos[5, 3].item() == pytest.approx(torch.tensor(angle).cos().item(), abs=1e-6)
    assert torch.equal(cos[0], torch.ones(4))
    assert torch.allclose(cos**2 + sin**2, torch.ones(16, 4))


def test_linear_scaling_stretches_positions():
    cos, _ = tables(scaling={"rope_type": "linear", "factor": 4.0})
    assert torch.allclose(cos[8], tables()[0][2], atol=1e-6)


def test_an_unknown_scaling_is_named():
    with pytest.raises(InvalidRequestError, match="'yarn' is not supported; known: linear, llama3"):
        tables(scaling={"rope_type": "yarn"})
