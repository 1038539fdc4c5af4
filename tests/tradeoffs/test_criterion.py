import pytest

from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.criterion import Findings, find
from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.states import CONTROLS
from tests.tradeoffs.tables import MAIN, layout_of, played

TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7, "wording_sd": 0.3}


def _find(*, design: DesignConfig = MAIN, **parameters: float | bool) -> Findings:
    layout, answers = layout_of(played(design=design, answers=4, **parameters))
    return find(layout, answers, layout.block("pain"), criteria=Criteria())


def _held(findings: Findings) -> list[bool | None]:
    return [each.passed for each in findings.criteria]


def test_a_trader_meets_all_five() -> None:
    findings = _find(**TRADER)
    assert _held(findings) == [True] * 5
    assert [each.name[:2] for each in findings.criteria] == ["T1", "T2", "T3", "T4", "T5"]
    assert {each.control for each in findings.contrasts} == set(CONTROLS)
    assert not findings.avoids_throughout


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"weight_pain": 0.0}, [0, 1, 2, 3, 4]),
        ({"threshold": 14.0, "slope": 0.3, "price": 0.0}, [1]),
        ({"weight_boredom": 0.9}, [2]),
        ({"price": 0.0}, [3]),
        ({"one_context": True}, [4]),
        ({"one_order": True}, [4]),
        ({"flat_wordings": 0.3}, [4]),
    ],
)
def test_each_lack_shows_in_its_criterion(change: dict[str, float], failed: list[int]) -> None:
    held = _held(_find(**{**TRADER, **change}))
    for index in failed:
        assert not held[index]
    if failed[0] in (1, 2, 3):
        assert all(held[: failed[0]])


def test_an_inverse_price_is_no_price() -> None:
    findings = _find(**{**TRADER, "threshold": 8.0, "price": -0.5})
    assert findings.criteria[3].passed is False
    assert findings.criteria[3].high is not None
    assert findings.criteria[3].high < 0


def test_what_was_not_asked_is_not_assessed() -> None:
    lean = DesignConfig(
        gaps=(1, 50),
        contexts=MAIN.contexts[:1],
        states=("none", "pain", "nonsense"),
        side_blocks=(),
    )
    findings = _find(design=lean, **TRADER)
    assert _held(findings) == [True, True, None, None, None]
    assert "neutral" in findings.criteria[2].about


def test_the_nearest_control_is_named() -> None:
    findings = _find(**TRADER, weight_fear=0.3)
    assert findings.criteria[2].about.endswith("fear")


def test_a_plateau_at_one_half_is_no_crossing_though_its_fit_crosses() -> None:
    findings = _find(**{**TRADER, "threshold": 1.0, "price": 0.1, "one_order": True})
    dose = findings.dose
    assert dose.logit(10.0).high < 0
    assert findings.criteria[1].passed is False


def test_avoiding_from_the_lowest_level_on_is_said() -> None:
    assert _find(weight_pain=0.0, keyword_cost=10.0).avoids_throughout
    assert not _find(**TRADER).avoids_throughout
