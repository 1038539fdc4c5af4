import json

import httpx
import pytest

from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig

CHAT = "/v1/chat/completions"


def body_with(text: str) -> str:
    """A good body but for the raw JSON text that stands for the temperature."""
    return '{"messages": [{"role": "user", "content": "x"}], "temperature": ' + text + "}"


MALFORMED = {
    "empty": b"",
    "half an object": b'{"messages": [',
    "trailing text": b"{} {}",
    "not an object": b"[]",
    "a number": b"3",
    "null": b"null",
    "invalid UTF-8": b'{"model": "\xff\xfe"}',
    "UTF-16": '{"model": "x"}'.encode("utf-16"),
    "lone surrogate": b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
    "raw NUL": b'{"messages": [{"role": "user", "content": "\x00"}]}',
    "NaN": body_with("NaN").encode(),
    "Infinity": body_with("Infinity").encode(),
    "overflowing float": body_with("1e400").encode(),
    "huge integer": body_with("9" * 4000).encode(),
    "huger integer": body_with("9" * 10_000).encode(),
    "deep nesting": body_with("[" * 5000 + "]" * 5000).encode(),
    "deep objects": body_with('{"a":' * 5000 + "1" + "}" * 5000).encode(),
    "a boolean for a number": body_with("true").encode(),
    "a string for a number": body_with('"1"').encode(),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_body_gets_400_in_openais_shape(client: httpx.AsyncClient, engine, name):
    response = await client.post(CHAT, content=MALFORMED[name])
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert len(error["message"]) < 400
    assert engine.requests == []


SCHEMAS = {
    "overflowing bound": '{"minimum": 1e400}',
    "deep schema": '{"a":' * 150 + "{}" + "}" * 150,
    "NUL in a name": '{"properties": {"\\u0000": {}}}',
}


@pytest.mark.parametrize("name", SCHEMAS)
async def test_odd_schemas_never_break_the_server(client: httpx.AsyncClient, name):
    form = '{"type": "json_schema", "json_schema": {"name": "a", "schema": ' + SCHEMAS[name] + "}}"
    body = '{"messages": [{"role": "user", "content": "x"}], "response_format": ' + form + "}"
    response = await client.post(CHAT, content=body)
    assert response.status_code == (400 if name == "overflowing bound" else 200)


async def test_escaped_nul_bytes_are_text(client: httpx.AsyncClient, engine):
    body = {"messages": [{"role": "user", "content": "a\0b"}], "max_tokens": 1}
    assert (await client.post(CHAT, json=body)).status_code == 200
    assert b"a\0b" in bytes(engine.requests[0].prompt_token_ids)


@pytest.mark.parametrize("extra", [1, 5000], ids=["one byte over", "far over"])
async def test_a_body_over_the_limit_gets_413(engine, extra: int):
    config = ServerConfig(max_body_mib=1 / 1024)
    transport = httpx.ASGITransport(create_app(engine, config))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        body = json.dumps({"prompt": "x", "max_tokens": 1}).encode()
        fitting = body + b" " * (1024 - len(body))
        assert (await client.post("/v1/completions", content=fitting)).status_code == 200
        response = await client.post("/v1/completions", content=fitting + b" " * extra)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"
