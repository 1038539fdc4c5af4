"""Prometheus metrics, named as users of vLLM know them, with the prefix `regard_`."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from regard.serving.outputs import RequestOutput
from regard.serving.server.contract import ServingEngine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FIRST_TOKEN_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
PER_TOKEN_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2)
LATENCY_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


class ServerMetrics:
    """Everything `/metrics` shows, in a registry of its own."""

    def __init__(self, engine: ServingEngine) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(EngineCollector(engine))
        names = ("model_name",)
        self.time_to_first_token = Histogram(
            "regard_time_to_first_token_seconds",
            "From the request's arrival to its first token",
            names,
            buckets=FIRST_TOKEN_BUCKETS,
            registry=self.registry,
        )
        self.time_per_output_token = Histogram(
            "regard_time_per_output_token_seconds",
            "(end-to-end - time to first token) / (tokens - 1), one value a sequence",
            names,
            buckets=PER_TOKEN_BUCKETS,
            registry=self.registry,
        )
        self.e2e_request_latency = Histogram(
            "regard_e2e_request_latency_seconds",
            "From the request's arrival to its last token",
            names,
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.request_success = Counter(
            "regard_request_success",
            "Finished sequences",
            (*names, "finished_reason"),
            registry=self.registry,
        )
        self.request_failure = Counter(
            "regard_request_failure",
            "API requests answered with an error, or broken off by one",
            ("status",),
            registry=self.registry,
        )

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Family(NamedTuple):
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily]
    name: str
    field: str
    text: str


# The text format adds `_total` to the names of counters.
ENGINE_FAMILIES = (
    _Family(GaugeMetricFamily, "num_requests_running", "num_running", "Requests in the batch"),
    _Family(GaugeMetricFamily, "num_requests_waiting", "num_waiting", "Requests in the queue"),
    _Family(GaugeMetricFamily, "kv_cache_usage", "kv_usage", "Share of KV blocks held, 0 to 1"),
    _Family(
        CounterMetricFamily,
        "prefix_cache_queries",
        "prefix_query_tokens",
        "Prompt tokens looked up in the prefix cache",
    ),
    _Family(
        CounterMetricFamily,
        "prefix_cache_hits",
        "prefix_hit_tokens",
        "Prompt tokens found in the prefix cache",
    ),
    _Family(CounterMetricFamily, "prompt_tokens", "prompt_tokens", "Prompt tokens served"),
    _Family(CounterMetricFamily, "generation_tokens", "generation_tokens", "Tokens made"),
    _Family(
        CounterMetricFamily,
        "num_preemptions",
        "num_preemptions",
        "Times a running request lost its blocks",
    ),
    _Family(CounterMetricFamily, "step_failures", "step_failures", "Steps that raised"),
)


class EngineCollector(Collector):
    """Reads the engine's own counters when the page is asked for."""

    def __init__(self, engine: ServingEngine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """One family for each counter and gauge of the engine."""
        stats = self._engine.stats()
        model_name = self._engine.model_names[0]
        for family in ENGINE_FAMILIES:
            metric = family.kind(f"regard_{family.name}", family.text, labels=("model_name",))
            metric.add_metric((model_name,), getattr(stats, family.field))
            yield metric


class RequestTimer:
    """Times the sequences of one API request."""

    def __init__(self, metrics: ServerMetrics, model_name: str) -> None:
        self._metrics = metrics
        self._model_name = model_name
        self._arrival_seconds = time.monotonic()
        self._first_token_seconds: dict[tuple[int, int], float] = {}

    def record(self, prompt_index: int, output: RequestOutput) -> None:
        """Take note of one output; the last of a sequence enters its histograms."""
        sequence = (prompt_index, output.index)
        now = time.monotonic() - self._arrival_seconds
        if output.token_ids and sequence not in self._first_token_seconds:
            self._first_token_seconds[sequence] = now
            self._metrics.time_to_first_token.labels(self._model_name).observe(now)
        if output.finish_reason is None:
            return
        self._metrics.e2e_request_latency.labels(self._model_name).observe(now)
        self._metrics.request_success.labels(self._model_name, output.finish_reason).inc()
        first = self._first_token_seconds.get(sequence)
        if first is not None and output.num_output_tokens > 1:
            per_token = (now - first) / (output.num_output_tokens - 1)
            self._metrics.time_per_output_token.labels(self._model_name).observe(per_token)
