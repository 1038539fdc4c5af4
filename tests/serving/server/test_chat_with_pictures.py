"""A tiny Step-3 with vision in a directory, behind the HTTP API."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from regard.serving.async_engine import AsyncEngine
from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from regard.serving.models.loader import load
from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig
from regard.serving.server.contract import ServingEngine
from tests.serving.afd.services import running
from tests.serving.tiny_vision import encoded, picture, write_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("seeing"))


def make_engine(
    checkpoint: Path, *, num_blocks: int | None = None, **options: object
) -> AsyncEngine:
    config = EngineConfig(
        model=str(checkpoint),
        mode="exact",
        device="cpu",
        block_size=8,
        kv_cache_memory_gib=0.01,
        num_threads=1,
        **{"max_num_seqs": 8, **options},
    )
    loaded = load(config)
    return AsyncEngine(Engine(config, replace(loaded, num_blocks=num_blocks or loaded.num_blocks)))


@pytest.fixture
async def client(checkpoint: Path) -> AsyncIterator[httpx.AsyncClient]:
    engine = make_engine(checkpoint)
    await engine.start()
    try:
        transport = httpx.ASGITransport(create_app(engine, ServerConfig(max_images=3)))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as opened:
            yield opened
    finally:
        await engine.stop(0)


def uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def body(*urls: str, text: str = "what is it?") -> dict[str, object]:
    content = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    content += [{"type": "text", "text": text}]
    return {
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 24,
        "temperature": 0,
        "ignore_eos": True,
        "logprobs": True,
        "top_logprobs": 2,
    }


async def ask(client: httpx.AsyncClient, *urls: str, **options: str) -> dict[str, object]:
    answer = await client.post("/v1/chat/completions", json=body(*urls, **options))
    assert answer.status_code == 200, answer.text
    return answer.json()


def chosen(answer: dict[str, object]) -> Sequence[float]:
    [choice] = answer["choices"]
    return [entry["logprob"] for entry in choice["logprobs"]["content"]]


async def test_two_pictures_get_two_answers_and_the_same_one_is_found_in_the_cache(
    client: httpx.AsyncClient,
):
    first, second = (uri(encoded(picture(48, 48, seed))) for seed in (1, 2))
    one, other = await ask(client, first), await ask(client, second)
    assert chosen(one) != chosen(other)
    assert one["usage"]["prompt_tokens"] == other["usage"]["prompt_tokens"]
    # Only what stands before the picture is shared; "user: " and a part of it fill no block.
    assert other["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    again = await ask(client, first)
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] >= 16
    assert chosen(again) == chosen(one)


async def test_a_picture_takes_as_many_tokens_as_its_crops_and_itself(client: httpx.AsyncClient):
    text = await ask(client)
    small = await ask(client, uri(encoded(picture(48, 48))))
    large = await ask(client, uri(encoded(picture(64, 96), "WEBP"), "image/webp"))
    without = text["usage"]["prompt_tokens"]
    assert small["usage"]["prompt_tokens"] - without == 9 + 2
    assert large["usage"]["prompt_tokens"] - without == 9 + 2 + 6 * (4 + 2) + 2


async def test_the_place_of_a_picture_counts(client: httpx.AsyncClient):
    first, second = (uri(encoded(picture(48, 48, seed))) for seed in (1, 2))
    assert chosen(await ask(client, first, second)) != chosen(await ask(client, second, first))


@pytest.mark.parametrize("cap", [8, 16, 512])
async def test_no_chunk_and_no_neighbour_changes_the_answer(checkpoint: Path, cap: int):
    requests = [
        body(uri(encoded(picture(64, 96, 1)))),
        body(),
        body(uri(encoded(picture(48, 48, 2)))),
        body(uri(encoded(picture(64, 96, 3)))),
    ]
    expected = [await answer_alone(checkpoint, each) for each in requests]
    # Too few blocks for all four, so that one is preempted and computed again.
    engine = make_engine(checkpoint, num_blocks=24, max_num_batched_tokens=cap)
    assert await answers(engine, requests) == expected
    assert engine.stats().num_preemptions > 0


async def answer_alone(checkpoint: Path, request: dict[str, object]) -> Sequence[float]:
    [answer] = await answers(make_engine(checkpoint, enable_prefix_caching=False), [request])
    return answer


async def answers(
    engine: AsyncEngine, requests: Sequence[dict[str, object]]
) -> list[Sequence[float]]:
    await engine.start()
    try:
        return await ask_all(engine, requests)
    finally:
        await engine.stop(0)


async def ask_all(
    engine: ServingEngine, requests: Sequence[dict[str, object]]
) -> list[Sequence[float]]:
    transport = httpx.ASGITransport(create_app(engine, ServerConfig()))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        posts = [client.post("/v1/chat/completions", json=each) for each in requests]
        return [chosen(answer.json()) for answer in await asyncio.gather(*posts)]


async def test_pictures_travel_to_an_attention_process(checkpoint: Path):
    requests = [body(uri(encoded(picture(64, 96, 1)))), body()]
    expected = [await answer_alone(checkpoint, each) for each in requests]
    config = make_engine(checkpoint).config
    async with running("1A1F", config, microbatches=2) as service:
        assert await ask_all(service, requests) == expected
        [seeing, _] = requests
        cut = uri(encoded(picture(48, 48))[:-60])
        seeing["messages"][0]["content"][0]["image_url"]["url"] = cut
        transport = httpx.ASGITransport(create_app(service, ServerConfig()))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            answer = await client.post("/v1/chat/completions", json=seeing)
    assert answer.status_code == 400
    assert "picture 1 of the prompt" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://pictures.example/a.png", "--allow-remote-images"),
        ("data:image/gif;base64,R0lGODlhAQABAAAAACw=", "supported: PNG, JPEG and WebP"),
        (uri(b"no picture"), "no picture that can be read"),
        (uri(encoded(picture(48, 48))[:-60]), "corrupt or cut off"),
        (uri(encoded(picture(128, 128))), "the context holds 512"),
    ],
)
async def test_a_picture_that_cannot_be_taken_is_a_400(
    client: httpx.AsyncClient, url: str, message: str
):
    refused = body(url, text="x" * 450)
    refused["max_tokens"] = 1
    answer = await client.post("/v1/chat/completions", json=refused)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["error"]["message"]
    assert (await ask(client))["choices"]


async def test_the_mark_of_a_picture_in_a_text_is_a_400(client: httpx.AsyncClient):
    refused = body(uri(encoded(picture(48, 48))), text="see <im_patch>")
    answer = await client.post("/v1/chat/completions", json=refused)
    assert answer.status_code == 400
    assert "<im_patch>" in answer.json()["error"]["message"]
