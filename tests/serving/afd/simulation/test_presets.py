import pytest

from regard.serving.afd.simulation.prediction import predict
from regard.serving.afd.simulation.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_meets_the_papers_budget_and_comes_near_its_rate(name: str) -> None:
    preset = PRESETS[name]
    prediction = predict(preset.config)
    # 61 x 3 x 272 us, and the drain of the last micro-batch.
    assert 49.7 < prediction.step_ms < 50.5
    gpus = preset.gpus_per_instance * (preset.config.num_attention + preset.config.num_ffn)
    rate = prediction.tokens_per_second / gpus
    # The paper's own rates lie up to ten per cent above what its budget gives.
    assert 0.89 < rate / preset.published_tokens_per_second_per_gpu < 1.0


def test_batches_are_those_of_the_paper() -> None:
    batches = {
        name: each.config.rows * each.config.num_microbatches * each.config.num_attention
        for name, each in PRESETS.items()
    }
    assert batches == {"step3-2a2f-4k": 6144, "step3-3a2f-4k": 6048, "step3-4a2f-8k": 6144}
