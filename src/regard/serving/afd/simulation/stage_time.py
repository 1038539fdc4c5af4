"""How long a stage takes: a median for each number of rows, and what scatters around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.serving.errors import ServingError

FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class SimulationError(ServingError):
    """A simulation that was asked for and cannot be."""


@dataclass(frozen=True)
class StageTime:
    """The distribution of one stage's time: median(rows) x layer factor x noise."""

    points: tuple[tuple[float, float], ...]
    """Rows and the median in microseconds, by rising rows. Between two points the median is
    interpolated; outside, it goes on with the mean slope. One point is a constant."""
    sigma: float = 0.0
    """Noise as the exponent's standard deviation of a lognormal factor whose median is 1."""
    ratios: tuple[float, ...] = ()
    """Measured factors, drawn with equal chances; take the place of `sigma`."""
    layer_factors: tuple[float, ...] = ()
    """A factor for each layer; empty where all layers are alike."""

    def __post_init__(self) -> None:
        rows = [each for each, _ in self.points]
        values = [value for _, value in self.points]
        if not rows or rows != sorted(set(rows)):
            raise SimulationError(f"points {self.points}: give one or more, by rising rows")
        numbers = [*values, self.sigma, *self.ratios, *self.layer_factors]
        if not all(np.isfinite(each) and each >= 0 for each in numbers):
            raise SimulationError(
                f"stage time with points {self.points}, sigma {self.sigma}: "
                "times and factors must be finite and not negative"
            )

    @classmethod
    def constant(cls, microseconds: float, sigma: float = 0.0) -> StageTime:
        """The same for any number of rows."""
        return cls(((0, microseconds),), sigma)

    @classmethod
    def linear(cls, fixed_us: float, us_per_row: float, sigma: float = 0.0) -> StageTime:
        """A fixed part and one for each row, in microseconds."""
        return cls(((0, fixed_us), (1, fixed_us + us_per_row)), sigma)

    def median_us(self, rows: float) -> float:
        """The median over layers and noise, in microseconds."""
        (first, low), (last, high) = self.points[0], self.points[-1]
        slope = (high - low) / (last - first) if last > first else 0.0
        if rows < first:
            return max(0.0, low - slope * (first - rows))
        if rows > last:
            return max(0.0, high + slope * (rows - last))
        return float(
            np.interp(rows, [each for each, _ in self.points], [us for _, us in self.points])
        )

    def layer_factor(self, layer: int) -> float:
        """The factor of a layer; layers beyond those measured are as the last."""
        if not self.layer_factors:
            return 1.0
        return self.layer_factors[min(layer, len(self.layer_factors) - 1)]


@dataclass(frozen=True)
class LinkTime:
    """One direction of the link between an attention and an FFN instance."""

    delay_us: float
    """From a message's turn on the link to its use by an idle receiver."""
    us_per_row: float = 0.0
    """How long a row occupies the sender's side; messages of one sender queue for it."""
    sigma: float = 0.0
    """Noise of the delay, as in `StageTime`; one draw for all messages sent together."""
    ratios: tuple[float, ...] = ()
    """Measured factors of the delay; take the place of `sigma`."""
    constant_us: float = 0.0
    """A part of the delay without noise, added to the other."""

    def __post_init__(self) -> None:
        for value in (self.delay_us, self.us_per_row, self.sigma, self.constant_us):
            if not (np.isfinite(value) and value >= 0):
                raise SimulationError(f"link {self}: its numbers must be finite, not negative")

    @property
    def total_delay_us(self) -> float:
        """Both parts of the delay, the median."""
        return self.delay_us + self.constant_us

    @property
    def noise(self) -> StageTime:
        """The delay as a stage time of one microsecond: its factors only."""
        return StageTime(((0, 1.0),), self.sigma, self.ratios)


class Noise:
    """The factors of one stage on one worker, in the order in which it draws them.

    The same seed, kind and index give the same factors, however many are taken at a time.
    """

    def __init__(self, time: StageTime, *, seed: int, kind: int, index: int) -> None:
        self._sigma = time.sigma
        self._ratios = np.asarray(time.ratios, dtype=np.float64)
        sequence = np.random.SeedSequence(seed, spawn_key=(kind, index))
        is_random = self._sigma > 0 or self._ratios.size > 0
        self._generator = np.random.default_rng(sequence) if is_random else None

    def take(self, count: int) -> FloatArray:
        """The next factors."""
        if self._generator is None:
            return np.ones(count)
        if self._ratios.size:
            picks = (self._generator.random(count) * self._ratios.size).astype(np.int64)
            return np.asarray(self._ratios[picks])
        return np.asarray(np.exp(self._sigma * self._generator.standard_normal(count)))
