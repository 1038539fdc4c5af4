import pytest

from regard.serving.api_client import ApiClient
from regard.serving.bench.client import NO_USAGE, TimedAnswer, timed_answer
from tests.serving.fake_api import FakeApi, served


@pytest.fixture
def app():
    return FakeApi(gap_seconds=0.1)


@pytest.fixture
async def client(app):
    with served(app) as url:
        async with ApiClient(url) as opened:
            yield opened


@pytest.mark.parametrize(
    ("path", "body"), [("/completions", {"prompt": "x"}), ("/chat/completions", {"messages": []})]
)
async def test_first_token_and_end_are_timed_apart(client, path, body):
    answer = await timed_answer(client, path, body)
    assert answer.error is None
    assert (answer.prompt_tokens, answer.output_tokens) == (7, 3)
    # A chat's first event comes at once and names the role only.
    assert answer.ttft_seconds >= 0.1
    assert answer.e2e_seconds - answer.ttft_seconds >= 0.12
    assert answer.tpot_seconds == pytest.approx((answer.e2e_seconds - answer.ttft_seconds) / 2)


def test_time_per_token_leaves_the_first_out():
    answer = TimedAnswer(output_tokens=11, ttft_seconds=1.0, e2e_seconds=3.0)
    assert answer.tpot_seconds == pytest.approx(0.2)
    assert TimedAnswer(output_tokens=1, ttft_seconds=1.0, e2e_seconds=1.0).tpot_seconds is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"status": 500}, "the server refused (500"),
        ({"error_after": 1}, "the server failed: the step failed"),
        ({"breaks_off": True}, "the server broke the answer off"),
        ({"sends_usage": False}, NO_USAGE),
        ({"texts": ()}, "the answer is empty"),
    ],
)
async def test_what_goes_wrong_is_in_the_answer(app, client, changes, error):
    app.gap_seconds = 0.0
    for name, value in changes.items():
        setattr(app, name, value)
    answer = await timed_answer(client, "/completions", {"prompt": "x"})
    assert answer.error.startswith(error)
