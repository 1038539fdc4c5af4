import json

import pytest

from regard import cli
from regard.serving.api_client import ApiClient
from regard.serving.async_engine import AsyncEngine
from regard.serving.bench.arrivals import arrival_offsets
from regard.serving.bench.serve import ServeBenchOptions, measure, request_bodies
from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig
from tests.serving.fake_api import FakeApi, free_address, served
from tests.serving.tiny import tiny_engine


@pytest.fixture
def app():
    return FakeApi()


@pytest.fixture
def url(app):
    with served(app) as address:
        yield address


async def run(url, **options):
    async with ApiClient(url) as client:
        return await measure(client, "fake", ServeBenchOptions(base_url=url, **options))


async def test_all_requests_are_sent_after_the_warm_ups(app, url):
    summary = await run(url, num_prompts=5, num_warmups=2)
    assert (summary.completed, summary.failed) == (5, 0)
    assert (summary.input_tokens, summary.output_tokens) == (35, 15)
    assert len(app.bodies) == 7
    assert len({body["prompt"] for body in app.bodies}) == 7


async def test_at_most_so_many_are_on_their_way(app, url):
    app.gap_seconds = 0.01
    await run(url, num_prompts=9, max_concurrency=2)
    assert app.most_running == 2
    await run(url, num_prompts=9)
    assert app.most_running > 2


async def test_the_rate_stretches_the_test(url):
    summary = await run(url, num_prompts=8, request_rate=20.0, seed=3)
    assert summary.duration_seconds >= arrival_offsets(8, 20.0, seed=3)[-1] > 0.1


async def test_failures_are_counted_and_the_others_measured(app, url):
    app.refused_numbers = {2, 4}
    summary = await run(url, num_prompts=5)
    assert (summary.completed, summary.failed) == (3, 2)
    assert list(summary.errors.values()) == [2]
    assert "429" in next(iter(summary.errors))
    assert summary.output_tokens == 9


async def test_a_real_engine_gets_exactly_the_lengths():
    engine = AsyncEngine(tiny_engine())
    await engine.start()
    with served(create_app(engine, ServerConfig())) as url:
        async with ApiClient(url) as client:
            options = ServeBenchOptions(
                num_prompts=4, input_len=20, output_len=6, vocab_size=250, num_warmups=0
            )
            summary = await measure(client, await client.choose_model(None), options)
    await engine.stop(grace_seconds=0)
    assert summary.errors == {}
    assert (summary.input_tokens, summary.output_tokens) == (80, 24)
    assert summary.e2e_seconds.p50 >= summary.ttft_seconds.p50 > 0


def test_random_prompts_avoid_the_ids_of_special_tokens_and_ignore_the_end():
    options = ServeBenchOptions(num_prompts=20, input_len=50, vocab_size=1600)
    bodies = request_bodies(options, "fake")
    tokens = [token for body in bodies for token in body["prompt"]]
    assert 100 <= min(tokens) < max(tokens) < 1600
    assert all(body["ignore_eos"] and body["max_tokens"] == 128 for body in bodies)


def test_questions_may_end_by_themselves_and_go_to_either_endpoint():
    [_, body] = request_bodies(ServeBenchOptions(num_prompts=1), "fake")
    assert "ignore_eos" not in body
    assert "seed" not in body
    chat = ServeBenchOptions(num_prompts=1, backend="openai-chat", temperature=1.0, seed=5)
    first, second = request_bodies(chat, "fake")
    assert second["messages"] == [{"role": "user", "content": body["prompt"]}]
    assert (first["seed"], second["seed"]) == (5, 6)


def test_json_has_settings_without_the_key(url, capsys):
    command = ["bench", "serve", "--base-url", url, "--num-prompts", "3", "--api-key", "secret"]
    assert cli.main([*command, "--json"]) == 0
    shown = capsys.readouterr().out
    data = json.loads(shown)
    assert data["results"]["completed"] == 3
    assert data["settings"]["model"] == "fake"
    assert data["settings"]["request_rate"] == "inf"
    assert "secret" not in shown


def test_the_tables_name_model_and_rate(url, capsys):
    command = ["bench", "serve", "--base-url", url, "--num-prompts", "3", "--request-rate", "200"]
    assert cli.main(command) == 0
    shown = capsys.readouterr().out
    assert f"fake at {url}, requests: 200/s" in shown
    assert "time per output token" in shown


def test_a_failing_warm_up_is_one_line(app, url, capsys):
    app.refused_numbers = {0}
    assert cli.main(["bench", "serve", "--base-url", url]) == 1
    assert capsys.readouterr().err.startswith("error: the warm-up failed: the server refused (429")


def test_a_run_without_an_answer_is_one_line(app, url, capsys):
    app.refused_numbers = {0, 1}
    command = ["bench", "serve", "--base-url", url, "--num-prompts", "2", "--num-warmups", "0"]
    assert cli.main(command) == 1
    assert capsys.readouterr().err.startswith("error: all 2 requests failed: the server refused")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--request-rate", "0"], "--request-rate is 0.0; it must be above 0, or inf"),
        (["--request-rate", "nan"], "--request-rate is nan"),
        (["--num-prompts", "0"], "--num-prompts is 0; it must be at least 1"),
        (["--max-concurrency", "0"], "--max-concurrency is 0; it must be at least 1"),
        (["--num-warmups", "-1"], "--num-warmups is -1; it must be at least 0"),
        (["--seed", "-1"], "--seed is -1; it must be at least 0"),
        (["--vocab-size", "1"], "--vocab-size is 1; it must be at least 2"),
        (["--input-len", "8", "--backend", "openai-chat"], "--input-len needs --backend openai"),
    ],
)
def test_a_wrong_option_is_one_line(arguments, problem, capsys):
    assert cli.main(["bench", "serve", *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"error: {problem}")


def test_a_server_that_is_not_there_is_one_line(capsys):
    url = free_address()
    assert cli.main(["bench", "serve", "--base-url", url]) == 1
    assert capsys.readouterr().err.startswith(f"error: no server answers at {url}/v1")


def test_help_has_an_example(capsys):
    assert cli.main(["bench", "serve", "--help"]) == 0
    assert "Example: regard bench serve" in capsys.readouterr().out
