import json

import pytest

from regard import cli
from regard.serving.cost.architectures import preset_names


def test_every_model_is_shown_within_a_percent_of_what_is_published(
    capsys: pytest.CaptureFixture,
) -> None:
    assert cli.main(["cost", "models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["name"] for each in found} == set(preset_names())
    for each in found:
        assert each["parameters"] == pytest.approx(each["published_parameters"], rel=0.01)
        assert each["source"]
        assert each["published_source"]


def test_a_person_reads_names_and_sizes(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", "models"]) == 0
    page = capsys.readouterr().out
    assert "Kimi K2" in page
    assert "1,026.4" in page
