import pytest

from regard import cli
from regard.serving.bench.command import BENCHMARKS


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), ([], 2)])
def test_help_lists_the_benchmarks_with_an_example(arguments, status, capsys):
    assert cli.main(["bench", *arguments]) == status
    shown = capsys.readouterr().out
    assert all(name in shown for name in BENCHMARKS)
    assert "example: regard bench offline" in shown


def test_an_unknown_benchmark_is_one_line(capsys):
    assert cli.main(["bench", "fly"]) == 2
    error = capsys.readouterr().err
    assert error == "error: unknown benchmark 'fly'; choose one of: offline, serve\n"
