"""Parts that several families read alike."""

from typing import Any

import pytest

from regard.serving.cost.config_reader import ConfigReader
from regard.serving.cost.errors import CostError
from regard.serving.cost.family_parts import dense, grouped, moe
from regard.serving.cost.precision import Precision

CONFIG = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "num_experts": 8,
    "num_experts_per_tok": 2,
}


def reader(**more: Any) -> ConfigReader:
    return ConfigReader({**CONFIG, **more}, name="mine", family="llama")


def test_a_head_is_its_share_of_the_residual_unless_said() -> None:
    config = reader()
    assert grouped(config, 2, Precision.FP8).key_dim == 16
    assert config.assumptions
    assert grouped(reader(head_dim=32), 2, Precision.FP8).value_dim == 32


def test_no_dense_layers_are_no_entry() -> None:
    assert dense(reader(), 0) == ()
    assert dense(reader(), 3)[0].layers == 3


def test_more_active_experts_than_there_are_is_refused() -> None:
    keys = {"experts_key": "num_experts", "active_key": "num_experts_per_tok"}
    assert moe(reader(), 2, width_key="intermediate_size", **keys).experts == 8
    with pytest.raises(CostError, match="num_experts_per_tok is 9"):
        moe(reader(num_experts_per_tok=9), 2, width_key="intermediate_size", **keys)
