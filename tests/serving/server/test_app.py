import httpx
import pytest

from regard.serving.errors import EngineStoppedError
from tests.serving.server.fake_engine import FakeEngine
from tests.serving.server.test_chat import HELLO


async def test_models_are_listed_with_their_parents(client: httpx.AsyncClient):
    listed = (await client.get("/v1/models")).json()
    assert listed["object"] == "list"
    assert [card["id"] for card in listed["data"]] == ["fake", "fake-adapter"]
    assert [card["parent"] for card in listed["data"]] == [None, "fake"]
    assert listed["data"][0]["max_model_len"] == 512


async def test_one_model_is_found_by_a_name_with_a_slash(client, engine: FakeEngine):
    engine.model_names = ("maker/model",)
    assert (await client.get("/v1/models/maker/model")).json()["id"] == "maker/model"
    response = await client.get("/v1/models/other")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"


async def test_health_tells_whether_work_is_taken(client, engine: FakeEngine):
    assert (await client.get("/health")).status_code == 200
    engine.is_healthy = False
    response = await client.get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "failed")
    engine.is_stopping = True
    assert (await client.get("/health")).json()["status"] == "stopping"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_new_work_is_refused_with_503_while_stopping(client, engine: FakeEngine, stream):
    engine.is_stopping = True
    response = await client.post("/v1/chat/completions", json={"messages": HELLO, "stream": stream})
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "server_stopping"


async def test_a_full_queue_gets_429_with_a_time_to_come_back(client, engine: FakeEngine):
    engine.max_waiting = 0
    response = await client.post("/v1/chat/completions", json={"messages": HELLO, "stream": True})
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "3"
    assert response.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("GET", "/v1/completions", 405)]
)
async def test_unknown_paths_and_methods_get_openais_error_shape(client, method, path, status):
    response = await client.request(method, path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert (status != 405) or response.headers["Allow"] == "POST"


async def test_an_unforeseen_failure_is_a_500_without_its_details(client, engine, monkeypatch):
    def explode(text: str, add_special: bool = False) -> list[int]:
        raise RuntimeError("secret")

    monkeypatch.setattr(engine.tokenizer, "encode", explode)
    response = await client.post("/v1/completions", json={"prompt": "x"})
    assert response.status_code == 500
    assert "secret" not in response.text


async def test_a_stopped_engine_is_503_even_where_the_server_did_not_know(
    client, engine, monkeypatch
):
    async def refuse(request):
        raise EngineStoppedError("gone")
        yield

    monkeypatch.setattr(engine, "generate", refuse)
    response = await client.post("/v1/completions", json={"prompt": "x"})
    assert response.status_code == 503
