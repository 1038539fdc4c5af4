import pytest
import torch

from benchmarks.serving import device_timing, ffn_share, projections


@pytest.mark.parametrize("bytes_each", [1e6, 169e6, 338e6, 499e6, 600e6])
def test_sets_of_weights_exceed_the_caches(bytes_each):
    count = device_timing.num_sets(bytes_each)
    assert (count - 1) * bytes_each <= device_timing.MIN_BYTES < count * bytes_each
    assert projections.WEIGHT_BYTES == 2560 * 7168 + 16384 * 2048 + 7168 * 16384
    assert ffn_share.WEIGHT_BYTES == 3 * 7168 * (3 * 5120 + 384)


def test_a_row_is_the_median_between_two_percentiles():
    row = device_timing.row(
        "some_us/1", "us", [5.0, 1.0, 2.0, 4.0, 3.0, 6.0, 7.0, 8.0, 9.0, 10.0], "n"
    )
    assert (row.value, row.low, row.high, row.n) == (5.5, 3.0, 8.0, 10)


@pytest.mark.parametrize("benchmark", [projections, ffn_share], ids=lambda x: x.__name__[-9:])
def test_without_a_gpu_one_line_says_so(benchmark, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stopped:
        benchmark.main([])
    assert str(stopped.value) == "nothing to measure: there is no CUDA device"


@pytest.mark.parametrize(
    ("benchmark", "tokens", "hint"),
    [
        (projections, "130", "multiples of 4 up to 192"),
        (projections, "196", "multiples of 4 up to 192"),
        (ffn_share, "2000", "multiples of 64 up to 3072"),
        (ffn_share, "0", "multiples of 64 up to 3072"),
    ],
)
def test_tokens_that_the_kernels_cannot_take_are_refused(benchmark, tokens, hint, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main(["--tokens", tokens])
    assert stopped.value.code == 2
    assert f"{tokens} tokens; give {hint}" in capsys.readouterr().err


def test_contenders_take_turns_and_a_call_is_a_share_of_its_graph(monkeypatch):
    order = []

    class Graph:
        def __init__(self, name, microseconds):
            self.name, self.microseconds = name, microseconds

        def replay(self):
            order.append(self.name)
            return self.microseconds

    graphs = {"a": Graph("a", 120.0), "b": Graph("b", 60.0)}
    monkeypatch.setattr(device_timing, "capture", lambda calls: graphs[calls])
    monkeypatch.setattr(device_timing, "time_on_device", lambda work: work())
    assert device_timing.time_in_turns(["a", "b"], 3) == [[10.0] * 3, [5.0] * 3]
    assert order == ["a", "b"] * 4
