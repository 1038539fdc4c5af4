import numpy as np
import pytest

from regard.serving.afd.simulation.stage_time import LinkTime, Noise, SimulationError, StageTime


def test_a_linear_time_has_an_intercept_and_a_slope() -> None:
    time = StageTime.linear(100, 2)
    assert [time.median_us(rows) for rows in (0, 1, 64)] == [100, 102, 228]


def test_between_points_the_median_is_interpolated_and_goes_on_outside() -> None:
    time = StageTime(((8, 100.0), (16, 120.0), (32, 200.0)))
    assert time.median_us(12) == 110
    assert time.median_us(16) == 120
    assert time.median_us(56) == pytest.approx(300)
    assert time.median_us(0) == pytest.approx(100 - 8 * 100 / 24)


def test_a_time_is_never_negative() -> None:
    assert StageTime(((10, 1.0), (11, 100.0))).median_us(0) == 0


def test_one_point_is_a_constant() -> None:
    assert StageTime.constant(7).median_us(1000) == 7


def test_layers_beyond_the_measured_are_as_the_last() -> None:
    time = StageTime(((0, 1.0),), layer_factors=(0.5, 2.0))
    assert [time.layer_factor(layer) for layer in (0, 1, 9)] == [0.5, 2.0, 2.0]
    assert StageTime.constant(1).layer_factor(3) == 1


@pytest.mark.parametrize("points", [(), ((2, 1.0), (1, 2.0)), ((1, -1.0),), ((1, float("nan")),)])
def test_impossible_points_are_refused(points: tuple) -> None:
    with pytest.raises(SimulationError):
        StageTime(points)


def test_impossible_links_are_refused() -> None:
    with pytest.raises(SimulationError, match="link"):
        LinkTime(-1)


def test_noise_does_not_depend_on_how_many_are_taken_at_a_time() -> None:
    for time in (StageTime.constant(1, 0.3), StageTime(((0, 1.0),), ratios=(0.5, 1.0, 4.0))):
        at_once = Noise(time, seed=3, kind=1, index=2).take(40)
        singly = Noise(time, seed=3, kind=1, index=2)
        assert np.array_equal(at_once, np.concatenate([singly.take(1) for _ in range(40)]))


def test_noise_differs_between_workers_kinds_and_seeds() -> None:
    time = StageTime.constant(1, 0.3)
    first = Noise(time, seed=3, kind=1, index=2).take(5)
    for seed, kind, index in ((4, 1, 2), (3, 0, 2), (3, 1, 0)):
        other = Noise(time, seed=seed, kind=kind, index=index).take(5)
        assert not np.array_equal(first, other)


def test_lognormal_noise_has_median_one_and_the_given_sigma() -> None:
    factors = Noise(StageTime.constant(1, 0.2), seed=0, kind=0, index=0).take(20_000)
    assert np.median(factors) == pytest.approx(1, abs=0.01)
    assert np.std(np.log(factors)) == pytest.approx(0.2, rel=0.05)


def test_measured_ratios_are_drawn_as_they_are() -> None:
    factors = Noise(StageTime(((0, 1.0),), ratios=(0.5, 4.0)), seed=0, kind=0, index=0).take(1000)
    assert set(factors.tolist()) == {0.5, 4.0}
    assert 400 < (factors == 4).sum() < 600


def test_without_noise_every_factor_is_one() -> None:
    assert Noise(StageTime.constant(9), seed=0, kind=0, index=0).take(3).tolist() == [1, 1, 1]
    assert LinkTime(9).noise.sigma == 0
