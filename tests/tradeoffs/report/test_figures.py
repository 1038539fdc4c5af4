import xml.etree.ElementTree as ET

import numpy as np
import pytest

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.curve import Band
from regard.tradeoffs.analysis.firth import CurveFit
from regard.tradeoffs.report.figures import (
    dose_figure,
    forest_figure,
    price_figure,
    shares_figure,
)

FIT = CurveFit(5.0, Interval(1.0, 0.8, 1.2), 0.001)


def _bands(*shares: float, clustered: float = 0.2) -> list[Band]:
    return [
        Band(
            2.0 * place,
            Interval(share, share - 0.05, share + 0.05),
            Interval(share, share - clustered, share + clustered),
        )
        for place, share in enumerate(shares)
    ]


def _words(svg: str) -> set[str]:
    root = ET.fromstring(svg)
    return {"".join(each.itertext()).strip() for each in root.iter() if each.tag.endswith("text")}


def test_target_and_controls_share_the_axes_of_each_gap() -> None:
    controls = {"fear": _bands(0.9, 0.8), "past": _bands(1.0, 1.0)}
    panels = [(title, _bands(0.9, 0.2), FIT, controls) for title in ("1 more", "7 more")]
    words = _words(dose_figure("pain", panels))
    assert {"1 more", "7 more", "fear", "past", "pain, fit", "stated intensity"} <= words


def test_points_without_an_interval_over_wordings_are_drawn_without_it() -> None:
    bands = _bands(0.9, 0.2, clustered=np.inf)
    assert "NaN" not in dose_figure("pain", [("1", bands, FIT, {})])


def test_the_ladder_has_a_rung_for_each_gap() -> None:
    thresholds = {1.0: Interval(3.0, 2.5, 3.5), 50.0: Interval(6.0, 5.0, 7.0)}
    words = _words(price_figure("pain", thresholds, Interval(0.7, 0.6, 0.8)))
    assert {"1", "50", "points gap", "common price"} <= words


def test_every_wording_has_its_line_in_the_forest() -> None:
    curves = {"plain": FIT, "letter": CurveFit(1.0, Interval(0.5, -np.inf, np.inf), 1.0)}
    assert {"plain", "letter"} <= _words(forest_figure("pain", curves, Interval(1, 0.9, 1.1)))


def test_shares_are_written_beside_their_bars() -> None:
    words = _words(shares_figure("pain", {"order": 0.905, "rest": 0.095}))
    assert {"order", "90.5%", "9.5%"} <= words


@pytest.mark.parametrize("name", ["pain", "pleasure"])
def test_a_figure_is_the_same_each_time(name: str) -> None:
    first, second = (shares_figure(name, {"order": 1.0}) for _ in range(2))
    assert first == second
    assert "Date" not in first
