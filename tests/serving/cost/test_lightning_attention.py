"""Linear attention."""

from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.lightning_attention import LightningAttention
from regard.serving.cost.precision import Precision

LAYERS = LightningAttention(
    layers=70, hidden=6144, heads=64, head_dim=128, kv_precision=Precision.FP32
)


@given(context=st.integers(1, 10**7))
def test_nothing_grows_with_context(context: int) -> None:
    (read,) = LAYERS.kv_bytes(context)
    (flops,) = LAYERS.attention_flops(context)
    assert read.value == 2 * 70 * 64 * 128 * 128 * 4
    assert flops.value == 10 * 70 * 64 * 128 * 128
    assert LAYERS.cached_bytes(context) == read.value / 2


def test_its_rules_are_marked_and_it_has_five_matrices() -> None:
    assert all(
        "unsaid" in str(each.rule) for each in (*LAYERS.kv_bytes(1), *LAYERS.attention_flops(1))
    )
    assert [(each.inputs, each.outputs) for each in LAYERS.projections()] == [
        *[(6144, 8192)] * 4,
        (8192, 6144),
    ]
    assert LAYERS.family == "lightning"
