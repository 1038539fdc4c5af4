import pytest

from regard.serving.cost.deployment import Sharding
from regard.serving.cost.errors import CostError
from tests.serving.cost.deployments import deployment


def test_170_sequences_in_three_micro_batches_are_the_memory_limit_of_80_gb() -> None:
    assert deployment(sequences=169).fits
    assert not deployment(sequences=175).fits
    assert deployment().attention_memory == pytest.approx(63.1e9, rel=0.01)
    assert deployment().ffn_memory == pytest.approx(304e9 / 16, rel=0.01)


@pytest.mark.parametrize(
    "changes", [{"attention_servers": 0}, {"sequences": 0}, {"ffn_servers": -1}]
)
def test_an_impossible_layout_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(CostError, match="give at least 1"):
        deployment(**changes)


def test_a_dense_model_has_no_experts_to_spread() -> None:
    with pytest.raises(CostError, match="no experts"):
        deployment("qwen3-32b", sharding=Sharding.EXPERT)
