import pytest

from regard.serving.api_client import ApiClient, ServerError
from tests.serving.fake_api import FakeApi, free_address, served


@pytest.fixture
def app():
    return FakeApi()


@pytest.fixture
def url(app):
    with served(app) as address:
        yield address


async def texts_of(client, body=None):
    events = [event async for event in client.stream("/completions", body or {"prompt": "x"})]
    return [choice["text"] for event in events for choice in event["choices"]]


async def test_streams_events_and_asks_for_usage(app, url):
    async with ApiClient(url) as client:
        assert await texts_of(client) == ["one ", "two ", "three"]
    assert app.bodies == [
        {"prompt": "x", "stream": True, "stream_options": {"include_usage": True}}
    ]


async def test_line_separators_inside_json_do_not_cut_an_event(app, url):
    app.texts = ("a\u2028b", "c\x85d", "e\x0bf")
    async with ApiClient(url) as client:
        assert await texts_of(client) == ["a\u2028b", "c\x85d", "e\x0bf"]


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_the_address_may_end_with_v1(url, ending):
    async with ApiClient(url + ending) as client:
        assert await client.model_names() == ("fake", "other")


async def test_the_key_is_sent(app, url):
    async with ApiClient(url, "secret") as client:
        await client.model_names()
    assert app.headers[0]["authorization"] == "Bearer secret"


async def test_a_proxy_is_not_asked_for_loopback(url, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", free_address())
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with ApiClient(url) as client:
        assert await client.choose_model(None) == "fake"


async def test_a_model_that_is_not_served_is_named_with_those_that_are(url):
    async with ApiClient(url) as client:
        assert await client.choose_model("other") == "other"
        with pytest.raises(ServerError, match="'third' is not served .* served: fake, other"):
            await client.choose_model("third")


async def test_an_error_inside_the_stream_is_raised_after_what_came_before(app, url):
    app.error_after = 1
    async with ApiClient(url) as client:
        events = client.stream("/completions", {})
        assert (await anext(events))["choices"][0]["text"] == "one "
        with pytest.raises(ServerError, match="the server failed: the step failed"):
            await anext(events)


async def test_a_stream_without_its_end_is_an_error(app, url):
    app.breaks_off = True
    async with ApiClient(url) as client:
        with pytest.raises(ServerError, match="broke the answer off"):
            await texts_of(client)


async def test_a_refusal_is_one_line_with_its_status(app, url):
    app.status = 429
    async with ApiClient(url) as client:
        with pytest.raises(ServerError, match=r"^the server refused \(429 .*\): no, not now$"):
            await texts_of(client)


async def test_a_missing_key_says_how_to_give_it(app, url):
    app.status = 401
    async with ApiClient(url) as client:
        with pytest.raises(ServerError, match="401 .*--api-key"):
            await client.model_names()


async def test_no_server_is_said_with_the_address():
    url = free_address()
    async with ApiClient(url) as client:
        with pytest.raises(ServerError, match=f"no server answers at {url}/v1"):
            await client.model_names()


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "http://[::1"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ServerError, match="--base-url"):
        ApiClient(url)


@pytest.mark.parametrize("key", ["line\nbreak", "gr\u00fcn"])
def test_a_key_that_no_header_carries_is_refused(key):
    with pytest.raises(ServerError, match="API key"):
        ApiClient("http://127.0.0.1:1", key)
