import random

import pytest

from regard.serving.errors import ContextLengthError, QueueFullError
from regard.serving.kv_cache import KVCacheManager
from regard.serving.request import Request, RequestStatus
from regard.serving.sampling_params import SamplingParams
from regard.serving.scheduler import ScheduledBatch, Scheduler, SchedulerConfig


class World:
    """A scheduler, its cache, and a fake model whose next token is a function of all tokens."""

    def __init__(
        self, *, num_blocks: int = 40, block_size: int = 4, caching: bool = True, **limits
    ):
        limits = {"max_num_seqs": 8, "max_num_batched_tokens": 16, "max_waiting": 100} | limits
        self.cache = KVCacheManager(
            num_blocks=num_blocks, block_size=block_size, enable_prefix_caching=caching
        )
        self.scheduler = Scheduler(SchedulerConfig(**limits), self.cache)
        self.requests: list[Request] = []
        # What the pages hold: (block, offset) -> the tokens before and at that place.
        self.pages: dict[tuple[int, int], tuple] = {}

    def add(self, prompt: list[int], *, max_tokens: int = 6, salt: str = "") -> Request:
        request = Request(
            request_id=str(len(self.requests)),
            prompt_token_ids=prompt,
            params=SamplingParams(max_tokens=max_tokens),
            arrival_seconds=0.0,
            cache_salt=salt,
        )
        self.scheduler.add(request)
        self.requests.append(request)
        return request

    def step(self) -> ScheduledBatch:
        batch = self.scheduler.schedule()
        self.check(batch)
        for chunk in batch.chunks:
            self.run(chunk)
        self.scheduler.advance(batch)
        for chunk in batch.chunks:
            request = chunk.request
            if request.num_pending_tokens == 0:
                request.output_token_ids.append(next_token(request.token_ids, request.cache_salt))
                if len(request.output_token_ids) == request.params.max_tokens:
                    self.scheduler.finish(request, "length")
        self.check_books()
        return batch

    def run(self, chunk) -> None:
        """Write the chunk's pages and see that every earlier page holds this very sequence."""
        request, size = chunk.request, self.cache.block_size
        tokens, salt = request.token_ids, request.cache_salt
        for place in range(chunk.start, chunk.start + chunk.num_tokens):
            block = request.block_table[place // size]
            self.pages[block, place % size] = (salt, *tokens[: place + 1])
        for place in range(chunk.start + chunk.num_tokens):
            held = self.pages[request.block_table[place // size], place % size]
            assert held == (salt, *tokens[: place + 1]), (request.request_id, place)

    def check(self, batch: ScheduledBatch) -> None:
        config = self.scheduler.config
        assert sum(chunk.num_tokens for chunk in batch.chunks) <= config.max_num_batched_tokens
        assert len(batch.chunks) <= config.max_num_seqs
        assert all(chunk.num_tokens > 0 for chunk in batch.chunks)
        assert len({chunk.request.request_id for chunk in batch.chunks}) == len(batch.chunks)
        assert not any(chunk.request in batch.preempted for chunk in batch.chunks)
        # Every decoding request advances, whatever prompts wait.
        decoding = {r.request_id for r in self.scheduler.running if r.num_pending_tokens == 1}
        assert decoding <= {chunk.request.request_id for chunk in batch.chunks}

    def check_books(self) -> None:
        self.cache.check_invariants([*self.scheduler.running, *self.scheduler.waiting])

    def drain(self, most: int = 2000) -> None:
        for _ in range(most):
            if not self.scheduler.has_unfinished():
                break
            assert self.step().chunks, "a step did nothing while requests wait"
        assert not self.scheduler.has_unfinished()
        assert self.cache.num_free_blocks == self.cache.num_blocks


def next_token(tokens: list[int], salt: str) -> int:
    return (sum((i + 1) * t for i, t in enumerate(tokens)) * 31 + len(salt)) % 5


def alone(prompt: list[int], max_tokens: int, salt: str) -> list[int]:
    tokens = list(prompt)
    for _ in range(max_tokens):
        tokens.append(next_token(tokens, salt))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("block_size", [1, 4, 7])
@pytest.mark.parametrize("num_blocks_for", [1, 2, 10])
@pytest.mark.parametrize("caching", [True, False], ids=["cached", "uncached"])
def test_64_requests_in_a_small_pool_answer_as_each_does_alone(block_size, num_blocks_for, caching):
    rng = random.Random(block_size * 100 + num_blocks_for)
    num_blocks = -(-40 * num_blocks_for // block_size)
    world = World(num_blocks=num_blocks, block_size=block_size, caching=caching)
    jobs = []
    for _ in range(64):
        # Few different tokens, so that beginnings are often equal.
        prompt = [rng.randrange(2) for _ in range(rng.randrange(1, 28))]
        jobs.append((prompt, rng.randrange(1, 12), rng.choice(["", "", "lora"])))
    for prompt, max_tokens, salt in jobs:
        world.add(prompt, max_tokens=max_tokens, salt=salt)
    world.drain()
    for request, job in zip(world.requests, jobs, strict=True):
        assert request.output_token_ids == alone(*job)
    if num_blocks_for == 1:
        assert world.cache.stats.hit_tokens > 0 or not caching


@pytest.mark.parametrize("seed", range(25))
def test_random_operations_keep_the_books_and_end(seed):
    rng = random.Random(seed)
    world = World(
        num_blocks=rng.randrange(8, 30),
        block_size=rng.choice([1, 2, 4]),
        max_num_seqs=4,
        max_num_prefill_tokens=rng.choice([None, 1, 5]),
    )
    capacity = world.cache.num_blocks * world.cache.block_size
    for _ in range(120):
        action = rng.random()
        if action < 0.35:
            length = rng.randrange(1, max(2, capacity - 4))
            prompt = [rng.randrange(2) for _ in range(length)]
            room = capacity + 1 - length
            world.add(prompt, max_tokens=rng.randrange(1, min(room, 9) + 1), salt=rng.choice("ab"))
        elif action < 0.45 and world.requests:
            victim = rng.choice(world.requests)
            was_open = victim.status is not RequestStatus.FINISHED
            assert (world.scheduler.abort(victim.request_id) is not None) == was_open
            assert victim.block_table == []
        elif action < 0.48:
            world.cache.reset_prefix_cache()
        else:
            world.step()
        world.check_books()
    world.drain()


def test_prompts_are_admitted_in_order_of_arrival():
    world = World(max_num_seqs=2)
    requests = [world.add([1] * 3, max_tokens=3) for _ in range(5)]
    first_steps: dict[str, int] = {}
    for number in range(100):
        if not world.scheduler.has_unfinished():
            break
        for chunk in world.step().chunks:
            first_steps.setdefault(chunk.request.request_id, number)
    order = [first_steps[request.request_id] for request in requests]
    assert order == sorted(order)


def test_a_long_prompt_comes_in_chunks_beside_decoding():
    world = World(max_num_batched_tokens=8, num_blocks=60)
    short = world.add([1], max_tokens=20)
    world.step()
    world.add([0, 1] * 20, max_tokens=2)
    for _ in range(5):
        before = len(short.output_token_ids)
        batch = world.step()
        assert len(short.output_token_ids) == before + 1
        assert [chunk.num_tokens for chunk in batch.chunks] == [1, 7]


def test_a_prompt_takes_few_tokens_of_a_step_in_which_others_decode():
    world = World(max_num_prefill_tokens=3, num_blocks=60)
    decoding = [world.add([each], max_tokens=12) for each in (0, 1)]
    # Nobody decodes yet: the cap does not hold.
    assert [chunk.num_tokens for chunk in world.step().chunks] == [1, 1]
    prompts = [world.add([0, 1] * 4, max_tokens=1) for _ in range(2)]
    taken = [[chunk.num_tokens for chunk in world.step().chunks] for _ in range(6)]
    assert taken[:3] == [[1, 1, 3], [1, 1, 3], [1, 1, 2, 1]]
    assert all(sum(each[2:]) <= 3 for each in taken)
    world.drain()
    for request, prompt in zip([*decoding, *prompts], [[0], [1], *[[0, 1] * 4] * 2], strict=True):
        assert request.output_token_ids == alone(prompt, request.params.max_tokens, "")


def test_alone_a_prompt_takes_the_whole_step_whatever_the_cap():
    world = World(max_num_prefill_tokens=1)
    world.add([1] * 15, max_tokens=2)
    assert [chunk.num_tokens for chunk in world.step().chunks] == [15]


def test_the_youngest_is_preempted_and_comes_back_first():
    world = World(num_blocks=6, block_size=2, caching=False)
    old = world.add([1, 1, 1], max_tokens=8)
    young = world.add([0, 0, 0], max_tokens=8)
    later = world.add([0, 1, 0], max_tokens=1)
    preempted = []
    for _ in range(30):
        preempted += world.step().preempted
        if preempted:
            break
    assert preempted[0] in (young, later)
    assert old.status is RequestStatus.RUNNING
    assert world.scheduler.waiting[0] is preempted[-1]
    assert preempted[0].block_table == []
    world.drain()
    assert young.output_token_ids == alone([0, 0, 0], 8, "")


def test_a_full_queue_refuses_the_next():
    world = World(max_waiting=2)
    world.add([1])
    world.add([1])
    with pytest.raises(QueueFullError, match="2 requests are waiting"):
        world.add([1])


def test_what_can_never_fit_is_refused_and_what_just_fits_runs():
    world = World(num_blocks=3, block_size=4)
    with pytest.raises(ContextLengthError, match="can reach 14 tokens and the KV cache holds 12"):
        world.add([1] * 8, max_tokens=6)
    world.add([1] * 8, max_tokens=5)
    world.drain()


def test_without_chunked_prefill_a_prompt_must_fit_a_step():
    world = World(enable_chunked_prefill=False)
    with pytest.raises(ContextLengthError, match="17 tokens, a step takes 16"):
        world.add([1] * 17)
    world.add([0] * 12)
    world.add([1] * 12)
    assert [chunk.num_tokens for chunk in world.step().chunks] == [12]
    world.drain()


def test_failing_a_batch_ends_its_requests_and_frees_their_blocks():
    world = World()
    request = world.add([1, 0, 1])
    batch = world.scheduler.schedule()
    world.scheduler.fail_batch(batch)
    assert (request.status, request.finish_reason) == (RequestStatus.FINISHED, "error")
    assert world.cache.usage == 0.0
    assert not world.scheduler.has_unfinished()
