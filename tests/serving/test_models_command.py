import json
from pathlib import Path

import pytest

from regard.serving import default_model
from regard.serving.models_command import main


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_list_tells_that_the_model_is_not_fetched(capsys: pytest.CaptureFixture) -> None:
    assert main(["list"]) == 0
    assert "not fetched" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)
    assert model["is_present"] is False


def test_path_of_an_absent_model_says_how_to_get_it() -> None:
    with pytest.raises(default_model.DefaultModelError, match="regard models pull"):
        main(["path"])


def test_path_prints_the_file_alone(empty_cache: Path, capsys: pytest.CaptureFixture) -> None:
    weights = default_model.SMOLLM2.weights_path(empty_cache / "regard")
    weights.parent.mkdir(parents=True)
    with weights.open("wb") as file:
        file.truncate(default_model.SMOLLM2.weights_bytes)
    assert main(["path"]) == 0
    assert capsys.readouterr().out == f"{weights}\n"


def test_pull_fetches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    calls = []
    monkeypatch.setattr(default_model, "pull", lambda: calls.append("pull"))
    assert main(["pull", "--json"]) == 0
    assert calls == ["pull"]
    assert json.loads(capsys.readouterr().out)["sha256"] == default_model.SMOLLM2.weights_sha256


@pytest.mark.parametrize("arguments", [[], ["pul"], ["list", "more"]])
def test_bad_usage_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
