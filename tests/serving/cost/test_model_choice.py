import json
from pathlib import Path

import pytest

from regard.serving.cost.architectures import preset, preset_names
from regard.serving.cost.errors import CostError
from regard.serving.cost.model_choice import FormatChoice, choose_model, choose_models
from regard.serving.cost.precision import Precision

FP8 = FormatChoice(weights=Precision.FP8, kv=Precision.FP8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my-step3"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(dict(preset("step3").config)))
    return folder


def test_groups_name_several_models_once() -> None:
    assert [each.name for each in choose_models(["all", "step3"])] == list(preset_names())
    assert len(choose_models(["paper"])) == 9


def test_a_folder_is_read_like_its_config(folder: Path) -> None:
    found = choose_model(str(folder), FP8)
    assert found.name == "my-step3"
    assert found.parameters == preset("step3").architecture.parameters
    assert choose_model(str(folder / "config.json"), FP8) == found


def test_a_configuration_without_formats_is_refused(folder: Path) -> None:
    with pytest.raises(CostError, match="--weights and --kv"):
        choose_model(str(folder))


def test_a_missing_file_is_said() -> None:
    with pytest.raises(CostError, match="no such file"):
        choose_model("nowhere/config.json")


def test_what_is_not_asked_for_stays_the_presets_own() -> None:
    own = preset("minimax-m1").formats
    asked = FormatChoice(state=Precision.BF16).applied_to(own)
    assert asked.cache.state is Precision.BF16
    assert (asked.weights, asked.attention) == (own.weights, own.attention)
