import httpx
import pytest

from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig
from tests.serving.server.fake_engine import FakeEngine


def document(api_key: str | None = None) -> dict:
    return create_app(FakeEngine(), ServerConfig(api_key=api_key)).openapi()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_every_status_of_a_generating_endpoint_is_documented(path: str):
    responses = document()["paths"][path]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "404", "413", "429", "500", "503"}


def test_422_is_nowhere():
    for operations in document()["paths"].values():
        assert all("422" not in operation["responses"] for operation in operations.values())


def test_every_reference_leads_somewhere():
    whole = document("key")
    schemas = whole["components"]["schemas"]
    pending, seen = [whole], 0
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            pending += node.values()
            if isinstance(node.get("$ref"), str):
                seen += 1
                assert node["$ref"].removeprefix("#/components/schemas/") in schemas
    assert seen > 20


def test_a_key_is_documented_where_one_is_asked_for():
    paths = document("key")["paths"]
    assert paths["/v1/models"]["get"]["security"] == [{"key": []}]
    assert "security" not in paths["/health"]["get"]
    assert "security" not in document()["paths"]["/v1/models"]["get"]


async def test_the_document_is_served(client: httpx.AsyncClient):
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.")
