from benchmarks.serving.full.build import plain_operators
from benchmarks.serving.full.stages import (
    STAGES,
    attention_calls,
    ffn_calls,
    stage_metric,
)
from tests.benchmarks.full.cases import CPU, mini, whole


def test_a_stages_row_names_all_that_its_time_depends_on():
    config = whole(5, 3, batch=128, context=8192)
    assert [stage_metric(config, each).removeprefix("serving.") for each in STAGES] == [
        "afd_full_stage_us/attention/3F/128x8192",
        "afd_full_stage_us/head/3F/128",
        "afd_full_stage_us/experts/3F/640",
        "afd_full_stage_us/dense/3F/640",
        "afd_full_stage_us/trip/5A3F/128",
    ]


def test_stages_that_compute_can_be_called_again_and_again():
    config = mini(2, 3, layers=None)
    calls = attention_calls(config, CPU, plain_operators())
    assert len(calls["attention"]) == 2
    for each in (*calls["attention"], *calls["head"]) * 2:
        each()
    for dense, count in ((False, 2), (True, 3)):
        made = ffn_calls(config, dense, CPU, plain_operators())
        assert len(made) == count
        for each in made * 2:
            each()
