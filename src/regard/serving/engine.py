"""The engine: requests in, tokens out, one `step()` at a time."""

import logging
import time
from collections.abc import Callable, Sequence

import torch

from regard.serving.config import EngineConfig
from regard.serving.errors import InstanceLostError, InvalidRequestError
from regard.serving.kv_cache import KVCacheManager
from regard.serving.models import decode_graphs
from regard.serving.models.attention import LayerCache
from regard.serving.models.decode_graphs import DecodeGraphs
from regard.serving.models.forward_batch import prepare
from regard.serving.models.loader import LoadedModel, load
from regard.serving.models.vision.prompt_images import embed_images
from regard.serving.outputs import EngineStats, RequestOutput
from regard.serving.request import Request
from regard.serving.sampling import SampledTokens, Sampler
from regard.serving.scheduler import ScheduledBatch, Scheduler, SchedulerConfig
from regard.serving.sequences import INSTANCE_LOST, Sequences
from regard.serving.threads import AdaptiveThreads, default_num_threads

logger = logging.getLogger(__name__)
# Beside requests that decode. On a CPU a prompt token costs as much as a decoded one.
CPU_PREFILL_TOKENS = 16


class Engine:
    """Continuous batching over one model.

    Not thread-safe: `AsyncEngine` runs one in a thread of its own.
    """

    def __init__(self, config: EngineConfig, model: LoadedModel | None = None) -> None:
        """Load the model (or take a loaded one) and lay out its KV cache.

        Raises:
            WeightsError: the model cannot be loaded.
            InvalidRequestError: options that contradict each other or the machine.
        """
        if config.max_num_batched_tokens < config.max_num_seqs:
            raise InvalidRequestError(
                f"max_num_batched_tokens is {config.max_num_batched_tokens}, less than "
                f"max_num_seqs, {config.max_num_seqs}: not every running request could advance",
                param="max_num_batched_tokens",
            )
        if config.max_num_prefill_tokens is not None and config.max_num_prefill_tokens < 1:
            raise InvalidRequestError(
                f"max_num_prefill_tokens is {config.max_num_prefill_tokens}; give 1 or more",
                param="max_num_prefill_tokens",
            )
        self._threads = AdaptiveThreads(default_num_threads(config.num_threads))
        self.config = config
        self.loaded = model or load(config)
        self.tokenizer = self.loaded.tokenizer
        self.max_model_len = self.loaded.max_model_len
        self._caches: Sequence[LayerCache] = self.loaded.allocate_caches()
        self.kv_cache = KVCacheManager(
            num_blocks=self.loaded.num_blocks,
            block_size=self.loaded.block_size,
            enable_prefix_caching=config.enable_prefix_caching,
        )
        self.scheduler = Scheduler(
            SchedulerConfig(
                max_num_seqs=config.max_num_seqs,
                max_num_batched_tokens=config.max_num_batched_tokens,
                max_num_prefill_tokens=self._prefill_cap(),
                max_waiting=config.max_waiting,
            ),
            self.kv_cache,
        )
        self._sampler = Sampler(seed=config.seed, eos_token_ids=self.tokenizer.eos_token_ids)
        self._sequences = Sequences(self.tokenizer)
        self._forward = self._choose_forward()
        self._prompt_tokens = self._generation_tokens = 0
        self._num_preemptions = self._step_failures = 0

    def _choose_forward(self) -> Callable[..., torch.Tensor]:
        if not decode_graphs.supports(self.loaded):
            return self.loaded.model.forward
        graphs = DecodeGraphs(
            self.loaded.model,
            self._caches,
            max_rows=self.config.max_num_seqs,
            max_blocks=-(-self.max_model_len // self.loaded.block_size),
        )
        return graphs.forward

    def _prefill_cap(self) -> int | None:
        is_cpu = self.loaded.numerics.device.type == "cpu"
        by_default = CPU_PREFILL_TOKENS if is_cpu else None
        return self.config.max_num_prefill_tokens or by_default

    def add_request(self, request: Request) -> None:
        """Queue a request.

        Raises:
            InvalidRequestError: an impossible grammar, a prompt that cannot fit, or a picture that
                cannot be read.
            QueueFullError: too many requests wait.
        """
        if request.images and request.image_embeddings is None:
            request.image_embeddings = embed_images(
                request.images, request.prompt_token_ids, self.loaded.vision
            )
        self._sequences.open(request)
        try:
            self.scheduler.add(request)
        except Exception:
            self._sequences.close(request)
            raise

    def step(self, meanwhile: Callable[[], None] = lambda: None) -> list[RequestOutput]:
        """Schedule, run the model, sample, and say what each request gained.

        An exception fails the requests of this batch and no others.

        Args:
            meanwhile: Called once the model has its work; on a GPU that is long before it is done.
        """
        batch = self.scheduler.schedule()
        self._num_preemptions += len(batch.preempted)
        if not batch.chunks:
            return []
        try:
            sampled = self._run(batch, meanwhile)
            return self._postprocess(batch, sampled)
        except Exception as error:
            logger.exception("a step failed; its %d requests end with an error", len(batch.chunks))
            return self._fail(batch, error)

    def abort(self, request_id: str) -> None:
        """Drop a request; its blocks are free at once. Unknown ids are ignored."""
        request = self.scheduler.abort(request_id)
        if request is not None:
            self._sequences.close(request)

    def has_unfinished(self) -> bool:
        """Whether anything runs or waits."""
        return self.scheduler.has_unfinished()

    def stats(self) -> EngineStats:
        """Counters for the metrics page."""
        cached = self.kv_cache.stats
        return EngineStats(
            num_running=self.scheduler.num_running,
            num_waiting=self.scheduler.num_waiting,
            kv_usage=self.kv_cache.usage,
            num_kv_blocks=self.kv_cache.num_blocks,
            num_free_kv_blocks=self.kv_cache.num_free_blocks,
            prefix_query_tokens=cached.query_tokens,
            prefix_hit_tokens=cached.hit_tokens,
            prompt_tokens=self._prompt_tokens,
            generation_tokens=self._generation_tokens,
            num_preemptions=self._num_preemptions,
            step_failures=self._step_failures,
        )

    @torch.inference_mode()
    def _run(self, batch: ScheduledBatch, meanwhile: Callable[[], None]) -> SampledTokens | None:
        rows = prepare(
            batch,
            block_size=self.loaded.block_size,
            device=self.loaded.numerics.device,
            loras=self.loaded.loras,
        )
        num_rows = rows.token_ids.shape[0]
        threads = self._threads.begin(num_rows)
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)
        started = time.perf_counter()
        logits = self._forward(rows, self._caches)
        self._threads.end(num_rows, time.perf_counter() - started)
        meanwhile()
        requests = [chunk.request for chunk in batch.chunks if chunk.samples]
        if not requests:
            return None
        return self._sampler.sample(logits, requests, self._sequences.masks(requests))

    def _postprocess(
        self, batch: ScheduledBatch, sampled: SampledTokens | None
    ) -> list[RequestOutput]:
        self.scheduler.advance(batch)
        if sampled is None:
            return []
        requests = [chunk.request for chunk in batch.chunks if chunk.samples]
        outputs = []
        for request, token_id, logprobs in zip(
            requests, sampled.token_ids, sampled.logprobs, strict=True
        ):
            if not request.output_token_ids:
                self._prompt_tokens += len(request.prompt_token_ids)
            self._generation_tokens += 1
            request.output_token_ids.append(token_id)
            output = self._sequences.push(request, token_id, logprobs)
            if output.finish_reason is not None:
                self.scheduler.finish(request, output.finish_reason, output.stop_reason)
                self._sequences.close(request)
            outputs.append(output)
        return outputs

    def _fail(self, batch: ScheduledBatch, error: Exception) -> list[RequestOutput]:
        self._step_failures += 1
        lost = isinstance(error, InstanceLostError)
        message = str(error) if lost else f"{type(error).__name__}: {error}"
        outputs = [
            self._sequences.error(chunk.request, message, INSTANCE_LOST if lost else None)
            for chunk in batch.chunks
        ]
        self.scheduler.fail_batch(batch)
        for chunk in batch.chunks:
            self._sequences.close(chunk.request)
        return outputs
