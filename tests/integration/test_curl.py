"""A plain `curl` and the official client against the default model, served for real."""

import json
import shutil
import subprocess

import openai
import pytest

from benchmarks.serving.server_process import ServerProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the path"),
]
MODEL = "smollm2-135m-instruct"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 10}, "n": {"enum": [1, 2]}},
    "required": ["city", "n"],
    "additionalProperties": False,
}
RESPONSE_FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


@pytest.fixture(scope="module")
def server():
    """One server for all of them."""
    with ServerProcess("--mode", "exact", "--kv-cache-memory-gib", "0.2") as process:
        yield process


@pytest.fixture
def curl(server):
    """Posts a chat body; the status and the text of the answer."""

    def post(raw: str | None = None, **body) -> tuple[int, str]:
        messages = [{"role": "user", "content": "Name a city."}]
        chat = {"model": MODEL, "messages": messages, "temperature": 0, "max_tokens": 24} | body
        done = subprocess.run(
            [
                "curl",
                "-sS",
                "--max-time",
                "120",
                "-w",
                "\n%{http_code}",
                f"{server.url}/v1/chat/completions",
                "-H",
                "Content-Type: application/json",
                "-d",
                json.dumps(chat) if raw is None else raw,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    return post


def choices(answer: tuple[int, str]) -> list[dict]:
    status, text = answer
    assert status == 200, text
    return json.loads(text)["choices"]


def test_a_stream_is_the_answer_in_pieces(curl):
    (whole,) = choices(curl())
    status, text = curl(stream=True, stream_options={"include_usage": True})
    assert status == 200
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    pieces = [c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]]
    assert "".join(pieces) == whole["message"]["content"]
    assert len([piece for piece in pieces if piece]) > 1
    assert chunks[-1]["usage"]["completion_tokens"] > 1


def test_log_probabilities_are_of_the_tokens_shown(curl):
    (choice,) = choices(curl(logprobs=True, top_logprobs=3, max_tokens=5))
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    for entry in entries:
        best = [top["logprob"] for top in entry["top_logprobs"]]
        assert best == sorted(best, reverse=True)
        assert entry["logprob"] == best[0] <= 0


def test_a_schema_holds_the_answer(curl):
    (choice,) = choices(curl(response_format=RESPONSE_FORMAT, max_tokens=60))
    answer = json.loads(choice["message"]["content"])
    assert set(answer) == {"city", "n"}
    assert answer["n"] in (1, 2)


def test_a_stop_string_ends_the_answer(curl):
    (whole,) = choices(curl())
    stop = whole["message"]["content"][6:9]
    (short,) = choices(curl(stop=[stop]))
    assert short["finish_reason"] == "stop"
    assert whole["message"]["content"].partition(stop)[0] == short["message"]["content"]


def test_a_seed_fixes_the_n_answers_and_they_differ(curl):
    drawn = {"temperature": 1.0, "seed": 11, "n": 3, "max_tokens": 12}
    first, second = ([c["message"]["content"] for c in choices(curl(**drawn))] for _ in range(2))
    assert first == second
    assert len(set(first)) > 1
    other = [c["message"]["content"] for c in choices(curl(**drawn | {"seed": 12}))]
    assert other != first


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"raw": '{"model": '}, 400, "JSON"),
        ({"temperature": "hot"}, 400, "temperature"),
        ({"model": "other"}, 404, "'other' is not served here"),
        ({"max_tokens": 100000}, 400, "100000"),
        ({"messages": [{"role": "user", "content": "word " * 9000}]}, 400, "8192"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "no"}},
                }
            },
            400,
            "cannot be used",
        ),
        ({"guided_regex": "(["}, 400, "cannot be used"),
    ],
)
def test_a_mistake_is_told_and_leaves_the_engine_as_it_was(curl, server, body, status, message):
    found, text = curl(**body)
    assert found == status, text
    error = json.loads(text)["error"]
    assert message in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert server.metric("num_requests_running") == 0
    assert choices(curl(max_tokens=1))


def test_the_official_client_gets_the_same(curl, server):
    (plain,) = choices(curl())
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="-", timeout=120)
    messages = [{"role": "user", "content": "Name a city."}]
    answer = client.chat.completions.create(
        model=MODEL, messages=messages, temperature=0, max_tokens=24
    )
    assert answer.choices[0].message.content == plain["message"]["content"]
    tools = [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}]
    called = client.chat.completions.create(
        model=MODEL, messages=messages, tools=tools, tool_choice="required", max_tokens=80
    )
    (call,) = called.choices[0].message.tool_calls
    assert call.function.name == "look"
    assert set(json.loads(call.function.arguments)) == {"city", "n"}
    client.close()
