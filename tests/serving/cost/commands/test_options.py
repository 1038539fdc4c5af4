import argparse

import pytest

from regard.serving.cost.analysis import NO_SPECULATION
from regard.serving.cost.commands import options
from regard.serving.cost.precision import Precision


def parsed(*arguments: str) -> argparse.Namespace:
    parser = options.new_parser("try", "Try.", "regard cost try")
    options.add_context(parser, default=4096)
    options.add_models(parser)
    options.add_accelerators(parser)
    options.add_speculation(parser)
    options.add_output(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(("text", "found"), [("8192", 8192), ("8k", 8192), ("32K", 32768)])
def test_tokens_may_be_written_in_ki(text: str, found: int) -> None:
    assert parsed("--context", text).context == found


def test_words_are_no_number_of_tokens(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stopped:
        parsed("--context", "long")
    assert stopped.value.code == 2
    assert "'long' is no number of tokens" in capsys.readouterr().err


def test_the_papers_accelerators_are_the_default() -> None:
    names = [each.name for each in options.chosen_accelerators(parsed())]
    assert names == ["h800", "h20", "a800", "910b"]


def test_all_means_those_with_a_price_and_none_twice() -> None:
    found = options.chosen_accelerators(parsed("--accelerators", "h20", "all"))
    names = [each.name for each in found]
    assert names[0] == "h20"
    assert len(names) == len(set(names)) > 4
    assert all(each.usd_per_hour is not None for each in found)


def test_a_price_replaces_the_shipped_one() -> None:
    (found,) = options.chosen_accelerators(parsed("--accelerators", "h20", "--price", "h20=9"))
    assert found.usd_per_hour == 9


def test_formats_reach_the_model() -> None:
    (found,) = options.chosen_models(parsed("--models", "step3", "--kv", "bf16"))
    assert found.attention_precision is Precision.BF16
    (own,) = options.chosen_models(parsed("--models", "step3"))
    assert found.kv_bytes(4096).value == 2 * own.kv_bytes(4096).value


def test_speculation_is_what_was_asked_for() -> None:
    assert options.chosen_speculation(parsed()) == NO_SPECULATION
    asked = options.chosen_speculation(parsed("--drafted", "2", "--acceptance", "0.5"))
    assert asked.kept == 1.75
