import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.server.fake_engine import ANSWER, FakeEngine
from tests.serving.server.test_chat import HELLO


async def samples(client: httpx.AsyncClient) -> dict[str, float]:
    response = await client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_the_engines_counters_are_shown(client: httpx.AsyncClient):
    found = await samples(client)
    assert found["regard_num_requests_running"] == 0
    assert found["regard_num_requests_waiting"] == 0
    assert found["regard_kv_cache_usage"] == 0.25
    assert found["regard_prefix_cache_queries_total"] == 40
    assert found["regard_prefix_cache_hits_total"] == 30


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_finished_requests_enter_the_histograms(client, engine: FakeEngine, stream: bool):
    engine.first_step_seconds, engine.step_seconds = 0.05, 0.001
    await client.post("/v1/chat/completions", json={"messages": HELLO, "stream": stream})
    found = await samples(client)
    ttft = found["regard_time_to_first_token_seconds_sum"]
    e2e = found["regard_e2e_request_latency_seconds_sum"]
    tpot = found["regard_time_per_output_token_seconds_sum"]
    assert found["regard_time_to_first_token_seconds_count"] == 1
    assert ttft >= 0.05
    assert tpot == pytest.approx((e2e - ttft) / len(ANSWER))
    assert found["regard_request_success_total"] == 1
    assert found["regard_generation_tokens_total"] == len(ANSWER) + 1


async def test_a_single_token_has_no_time_per_token(client: httpx.AsyncClient):
    await client.post("/v1/completions", json={"prompt": "x", "max_tokens": 1})
    found = await samples(client)
    assert found["regard_e2e_request_latency_seconds_count"] == 1
    assert "regard_time_per_output_token_seconds_count" not in found


async def test_refusals_are_counted(client: httpx.AsyncClient):
    await client.post("/v1/completions", json={})
    assert (await samples(client))["regard_request_failure_total"] == 1


async def test_two_applications_share_no_counters(client: httpx.AsyncClient, serve):
    await client.post("/v1/completions", json={})
    async with httpx.AsyncClient(base_url=serve(FakeEngine())) as other:
        assert "regard_request_failure_total" not in await samples(other)
