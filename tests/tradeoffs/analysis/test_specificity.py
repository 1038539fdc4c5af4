import pytest

from regard.tradeoffs.analysis.curve import cube_of
from regard.tradeoffs.analysis.specificity import Contrast, contrast_of
from tests.tradeoffs.tables import layout_of, played

MARGIN = 0.6


def _contrast(**parameters: float) -> Contrast:
    layout, answers = layout_of(played(**parameters))
    target, control = (cube_of(layout.block(name), answers) for name in ("pain", "fear"))
    return contrast_of(target, control, margin=MARGIN, confidence=0.95)


@pytest.mark.parametrize("slope", [1.0, 2.5])
@pytest.mark.parametrize("threshold", [2.5, 4.0])
@pytest.mark.parametrize(
    ("weight", "passes"), [(0.0, True), (0.2, True), (0.8, False), (1.0, False)]
)
def test_a_control_passes_by_its_weight_wherever_the_threshold_lies(
    slope: float, threshold: float, weight: float, passes: bool
) -> None:
    found = _contrast(slope=slope, threshold=threshold, price=0.7, weight_fear=weight)
    assert found.passed is passes


def test_a_control_of_the_margins_weight_has_no_excess() -> None:
    found = _contrast(slope=0.6, threshold=3.0, price=0.3, weight_fear=MARGIN, goal=50.0)
    assert found.excess.value == pytest.approx(0, abs=0.03)


def test_a_control_that_is_avoided_at_every_level_does_not_pass_for_being_flat() -> None:
    layout, answers = layout_of(played(slope=1.5))
    target, control = (cube_of(layout.block(name), answers) for name in ("pain", "fear"))
    control.successes[:] = 0
    found = contrast_of(target, control, margin=MARGIN, confidence=0.95)
    assert found.excess_rise.low > 0
    assert found.excess.low < 0
    assert not found.passed


def test_a_target_that_is_avoided_at_every_level_does_not_pass_by_its_words() -> None:
    layout, answers = layout_of(played(slope=1.5))
    target, control = (cube_of(layout.block(name), answers) for name in ("pain", "fear"))
    target.successes[:] = 0
    found = contrast_of(target, control, margin=MARGIN, confidence=0.95)
    assert found.excess.low > 0
    assert not found.passed
