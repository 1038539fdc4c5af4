"""32 mixed requests at once to a real server, each compared with its answer alone."""

import asyncio

import openai
import pytest

from benchmarks.serving.server_process import ServerProcess

pytestmark = pytest.mark.slow
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "n": {"enum": [1, 2, 3]}},
    "required": ["name", "n"],
    "additionalProperties": False,
}
KINDS = [
    {"max_tokens": 12},
    {"max_tokens": 20, "stop": ["."]},
    {"max_tokens": 8, "logprobs": True, "top_logprobs": 2},
    {
        "max_tokens": 30,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
    },
    {"max_tokens": 6, "n": 2},
    {"max_tokens": 16, "frequency_penalty": 1.0},
    {"max_tokens": 10, "extra_body": {"repetition_penalty": 1.3, "min_tokens": 4}},
    {"max_tokens": 10, "seed": 3},
]


def requests() -> list[dict]:
    """Short and long prompts, every kind of option, all greedy but the seeded ones."""
    listed = []
    for number in range(32):
        words = f"Tell me about thing number {number} " * (1 + number % 5 * 4)
        kind = KINDS[number % len(KINDS)]
        temperature = 1.0 if "seed" in kind else 0.0
        messages = [{"role": "user", "content": words}]
        listed.append({"messages": messages, "temperature": temperature, **kind})
    return listed


async def ask(client: openai.AsyncOpenAI, request: dict, *, stream: bool) -> list[str]:
    """The texts of an answer's choices."""
    answer = await client.chat.completions.create(
        model="smollm2-135m-instruct", stream=stream, **request
    )
    if not stream:
        return [choice.message.content for choice in answer.choices]
    texts = [""] * request.get("n", 1)
    async for chunk in answer:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    return texts


async def test_each_answer_equals_its_answer_alone():
    with ServerProcess("--mode", "exact", "--max-num-batched-tokens", "128") as server:
        client = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-", timeout=280)
        together = await asyncio.gather(
            *(ask(client, r, stream=i % 2 == 0) for i, r in enumerate(requests()))
        )
        assert server.metric("num_requests_running") == 0
        alone = [await ask(client, request, stream=False) for request in requests()]
        await client.close()
    assert together == alone
    assert len({text for texts in alone for text in texts}) > 20
