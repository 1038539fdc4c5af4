import pytest

from benchmarks.serving.full.prediction import Prediction
from benchmarks.serving.full.result_rows import CAVEAT, measurements, suffix
from benchmarks.serving.full.timing import Timing
from tests.benchmarks.full.cases import whole

PREDICTION = Prediction(
    case="", kind="h200", simulator_ms=55.0, planner_ms=None, missing=[], date="2026-01-01"
)


def test_rows_carry_rate_times_checks_and_the_prediction_side_by_side():
    config = whole(4, 4, batch=192, num_microbatches=3)
    timing = Timing(config, [0.05] * 90 + [0.06] * 10, 5.1, 0, {}, [])
    rate, tpot, p99 = measurements(timing, "checked so", PREDICTION, "NVIDIA H200")
    name = "4A4F/192x3/4096"
    assert rate.metric == f"serving.afd_full_tokens_per_s_per_gpu/{name}"
    assert rate.value == pytest.approx(4 * 192 * 3 * 100 / 5.1 / 8)
    assert (rate.low, rate.high) == (pytest.approx(288 / 0.06), pytest.approx(288 / 0.05))
    assert (tpot.metric, tpot.unit) == (f"serving.afd_full_tpot_ms/{name}", "ms")
    assert (tpot.value, tpot.n) == (pytest.approx(50), 100)
    assert p99.value == pytest.approx(60)
    for each in (rate, tpot):
        assert "simulator 55.00 ms (+10.0%), planner none" in each.notes
        assert "checked so" in each.notes
        assert each.notes.endswith(CAVEAT)


def test_without_a_prediction_the_row_says_so():
    timing = Timing(whole(), [0.05], 0.05, 0, {}, [])
    assert "not predicted" in measurements(timing, "", None, "NVIDIA H200")[0].notes


def test_other_gpus_and_fewer_layers_have_names_of_their_own():
    assert suffix("NVIDIA H200") == ""
    assert suffix("NVIDIA H100 80GB HBM3") == "/h100"
    timing = Timing(whole().shortened(40), [0.05], 0.05, 0, {}, [])
    metric = measurements(timing, "", None, "NVIDIA H100 80GB HBM3")[1].metric
    assert metric == "serving.afd_full_tpot_ms/4A4F/192x3/4096/40layers/h100"
