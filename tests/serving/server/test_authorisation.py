import httpx
import pytest

from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig
from tests.serving.server.fake_engine import FakeEngine

KEY = "sésame"


async def status(path: str, header: bytes | None) -> int:
    app = create_app(FakeEngine(), ServerConfig(api_key=KEY))
    headers = [] if header is None else [(b"Authorization", header)]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        return (await client.get(path, headers=headers)).status_code


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Bearer {KEY}".encode(), 200),
        (f"bearer  {KEY}".encode(), 200),
        (None, 401),
        (b"", 401),
        (b"Bearer", 401),
        (b"Bearer wrong", 401),
        (f"Basic {KEY}".encode(), 401),
        (b"Bearer \xff\xfe", 401),
        (f"Bearer {KEY}x".encode(), 401),
    ],
)
async def test_only_the_key_lets_in(header: bytes | None, expected: int):
    assert await status("/v1/models", header) == expected


@pytest.mark.parametrize("path", ["/health", "/metrics"])
async def test_health_and_metrics_need_no_key(path: str):
    assert await status(path, None) == 200


async def test_a_refusal_has_openais_error_shape():
    transport = httpx.ASGITransport(create_app(FakeEngine(), ServerConfig(api_key=KEY)))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        response = await client.post("/v1/completions", json={})
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert response.headers["WWW-Authenticate"] == "Bearer"
