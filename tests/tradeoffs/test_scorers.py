"""Scores survive Inspect's own reducer over epochs, and nothing drops out uncounted."""

from collections import Counter
from pathlib import Path

import pytest
from inspect_ai import Task
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, ModelOutput

from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.replica import replica_cells
from regard.tradeoffs.samples import samples_of
from regard.tradeoffs.scorers import tally
from regard.tradeoffs.task import build_task
from tests.tradeoffs.inspect_runs import evaluate, metrics, output, tiny_plan

MASS = [("K", 0.3), (" K", 0.15), ("R", 0.1), ("T", 0.45), ("M", 0.1), ("Well", 0.05)]


class _Script:
    """Epoch by epoch: says the best option, declines, talks, says nothing."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, prompt: str, config: GenerateConfig) -> ModelOutput:
        self.asked[prompt] += 1
        best = "K" if "K gives 27" in prompt else "R" if "R gives 27" in prompt else "T"
        text = (best, "I cannot choose.", "What a question!", "")[self.asked[prompt] - 1]
        return output(text, tops=MASS if config.logprobs else ())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EvalLog:
    folder = tmp_path_factory.mktemp("logs")
    plan = tiny_plan(reading="both", runs=4)
    return evaluate(build_task(plan, planned_cells(plan), epochs=4), _Script(), folder)


def test_metrics_are_means_over_scored_epochs_after_the_real_reducer(log: EvalLog) -> None:
    found = metrics(log)
    # Offers list T first: T is best in half of their cells.
    assert found["choice:none"] == pytest.approx(0.75)
    assert found["refused:mean"] == pytest.approx(0.25)
    assert found["unparsed:mean"] == pytest.approx(0.5)
    assert found["truncated:mean"] == 0
    assert found["label_mass:mean"] == pytest.approx(0.55)


def test_an_answer_without_a_choice_is_unscored_with_its_reason(log: EvalLog) -> None:
    reasons = Counter(
        (sample.scores or {})["choice"].reason for sample in log.samples or [] if sample.scores
    )
    assert reasons == {None: 16, "refusal": 16, "invalid_response_format": 16, "no_response": 16}


def test_every_answer_is_counted_in_the_table(log: EvalLog) -> None:
    cells = read_run(Path(log.location)).cells
    assert (cells["n"] == 4).all()
    assert (cells["n_refused"] == 1).all()
    assert (cells["n_unparsed"] == 2).all()
    plain = cells[(cells["wording"] == "plain") & (cells["order"] == "max-first")]
    assert plain["p_max"].tolist() == pytest.approx([0.45 / 0.55] * len(plain))


def test_without_log_probabilities_the_reading_is_unscored_and_says_so(tmp_path: Path) -> None:
    plan = tiny_plan(reading="logprob")
    task = build_task(plan, planned_cells(plan)[:1], epochs=1)
    log = evaluate(task, lambda prompt, config: output("K"), tmp_path)
    score = ((log.samples or [])[0].scores or {})["label_probability"]
    assert score.reason == "scoring_failed"
    assert "no log-probabilities" in str(score.explanation)


def test_tally_counts_the_worst_option_of_the_replica(tmp_path: Path) -> None:
    task = Task(dataset=samples_of(replica_cells()[:1]), scorer=tally(), epochs=2)
    replies = iter(["1", "2"])
    log = evaluate(task, lambda prompt, config: output(next(replies)), tmp_path)
    assert metrics(log)["dominated:mean"] == 0.5


def test_a_filtered_answer_is_a_refusal(tmp_path: Path) -> None:
    plan = tiny_plan()
    task = build_task(plan, planned_cells(plan)[:1], epochs=1)
    log = evaluate(task, lambda prompt, config: output("", stop="content_filter"), tmp_path)
    assert ((log.samples or [])[0].scores or {})["choice"].reason == "refusal"
