from pathlib import Path

import numpy as np
import pytest

from regard.serving.cost import figures
from regard.serving.cost.accelerators import choose, read_accelerators
from regard.serving.cost.analysis import token_cost
from regard.serving.cost.model_choice import choose_models

MODELS = choose_models(["step3", "qwen3-32b", "ernie-4.5-300b-a47b"])
CHIPS = [choose(read_accelerators(), name) for name in ("h800", "h20")]


def test_a_line_of_cost_is_that_of_the_analysis() -> None:
    figure = figures.cost_over_context(MODELS, CHIPS)
    line = figure.axes[0].lines[0]
    expected = [token_cost(MODELS[0], CHIPS, context).afd_usd for context in figures.CONTEXTS]
    assert list(line.get_ydata()) == expected
    assert {text.get_text() for text in figure.axes[0].texts} == {each.name for each in MODELS}


def test_rooflines_have_their_knee_at_flops_over_bandwidth() -> None:
    line = figures.rooflines(MODELS, CHIPS, 8192).axes[0].lines[0]
    x, y = (np.asarray(each) for each in line.get_data())
    knee = x[np.argmax(y >= y.max())]
    assert knee == pytest.approx(591, rel=0.05)


def test_models_of_equal_intensity_share_a_label() -> None:
    texts = {each.get_text() for each in figures.rooflines(MODELS, CHIPS, 8192).axes[0].texts}
    assert "qwen3-32b, ernie-4.5-300b-a47b" in texts


def test_bars_add_up_to_the_cost() -> None:
    axes = figures.cost_parts(MODELS, CHIPS, 8192).axes[0]
    ffn = axes.containers[1]
    ends = sorted(bar.get_x() + bar.get_width() for bar in ffn)
    assert ends == pytest.approx(sorted(token_cost(m, CHIPS, 8192).afd_usd for m in MODELS))


def test_labels_that_would_overlap_are_moved_apart() -> None:
    placed = figures._spread([10.0, 10.1, 100.0], 0.1)
    assert placed[0] == pytest.approx(10.0)
    assert np.log10(placed[1] / placed[0]) == pytest.approx(0.1)
    assert placed[2] == pytest.approx(100.0)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_figure_gives_the_same_file(ending: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.{ending}" for number in range(2)]
    for path in paths:
        figures.save(figures.cost_parts(MODELS, CHIPS, 8192), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
