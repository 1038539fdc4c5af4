import json
from pathlib import Path

import pytest

from regard import cli

OWN = """
mychip:
  label: My chip
  usd_per_hour: {value: 1.5, source: my invoice}
  flops: {bf16: {value: 1.0e+14, source: data sheet}}
  memory_bytes_per_second: {value: 1.0e+12, source: data sheet}
  memory_bytes: {value: 3.2e+10, source: data sheet}
  gpus_per_server: {value: 4, source: mine}
  network_bytes_per_second: {value: 1.0e+11, source: mine}
  link_bytes_per_second: {value: 5.0e+10, source: mine}
"""


def test_every_value_has_a_source(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", "accelerators", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"h100", "h800", "mi300x"} <= {each["name"] for each in found}
    assert all(all(each["sources"].values()) for each in found)


def test_a_users_own_file_stands_beside_the_shipped_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    assert cli.main(["cost", "accelerators", "--accelerators-file", str(file)]) == 0
    page = capsys.readouterr().out
    assert "My chip" in page
    assert "NVIDIA H100" in page
