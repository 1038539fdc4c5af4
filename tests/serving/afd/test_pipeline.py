from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.serving.afd.link.contract import StepLostError
from regard.serving.afd.pipeline import PipelinedDecoder, split
from regard.serving.afd.topology import Topology
from regard.serving.engine import Engine
from regard.serving.models.build import build_attention
from regard.serving.models.decoder import Trunk
from regard.serving.models.forward_batch import ForwardBatch, ImageRows
from tests.serving.afd.topologies import CONFIG, engines, greedy, tiny_loaded
from tests.serving.tiny import LLAMA, STEP3

PROMPTS = [list(range(start, start + length)) for start, length in
           ((1, 5), (30, 40), (80, 1), (90, 17), (120, 33))]  # fmt: skip
TOPOLOGIES = [(1, 1), (2, 1), (1, 2), (3, 2), (2, 3)]


@pytest.fixture(scope="module", params=[LLAMA, STEP3], ids=["llama", "step3"])
def case(request):
    loaded, _ = tiny_loaded(request.param)
    return request.param, greedy([Engine(CONFIG, loaded)], PROMPTS)


@pytest.mark.parametrize("num_microbatches", [1, 2, 3, 4])
@pytest.mark.parametrize("counts", TOPOLOGIES, ids=lambda c: f"{c[0]}A{c[1]}F")
def test_every_topology_gives_the_tokens_of_the_model_in_one_piece(case, counts, num_microbatches):
    model, expected = case
    groups = [1] if model is LLAMA else sorted({1, counts[1]})
    for num_expert_groups in groups:
        topology = Topology(*counts, num_expert_groups)
        got = greedy(engines(model, topology, num_microbatches=num_microbatches), PROMPTS)
        assert got == expected


def test_hybrid_sharding_gives_the_same_tokens():
    loaded, _ = tiny_loaded(STEP3)
    expected = greedy([Engine(CONFIG, loaded)], PROMPTS)
    assert greedy(engines(STEP3, Topology(1, 4, 2), num_microbatches=2), PROMPTS) == expected


def test_one_attention_and_one_ffn_instance_compute_bitwise_what_one_process_does():
    loaded, _ = tiny_loaded(STEP3)
    whole = Engine(CONFIG, loaded)
    parted = engines(STEP3, Topology(1, 1), num_microbatches=3)[0]
    logits = []
    for engine in (whole, parted):
        forward, seen = engine._forward, []
        engine._forward = lambda *args, f=forward, s=seen: s.append(f(*args)) or s[-1]
        greedy([engine], PROMPTS, max_tokens=4)
        logits.append(torch.cat(seen))
    assert torch.equal(*logits)


def batch_of(num_rows, samples):
    rows = torch.arange(num_rows)
    return ForwardBatch(
        token_ids=rows + 100,
        positions=rows,
        slots=rows,
        sequence=torch.zeros_like(rows),
        contexts=rows + 1,
        block_tables=torch.zeros(1, 1, dtype=torch.int32),
        sample_rows=torch.tensor(sorted(samples), dtype=torch.int64),
    )


@settings(max_examples=50, deadline=None)
@given(num_rows=st.integers(1, 40), num_parts=st.integers(1, 4), data=st.data())
def test_micro_batches_hold_every_row_and_every_sample_once_in_order(num_rows, num_parts, data):
    samples = data.draw(st.sets(st.integers(0, num_rows - 1)))
    parts = split(batch_of(num_rows, samples), min(num_parts, num_rows))
    assert [t for part in parts for t in part.token_ids.tolist()] == list(
        range(100, 100 + num_rows)
    )
    sampled = [part.token_ids[part.sample_rows].tolist() for part in parts]
    assert [t - 100 for tokens in sampled for t in tokens] == sorted(samples)
    sizes = [part.token_ids.shape[0] for part in parts]
    assert max(sizes) - min(sizes) <= 1


class CountingLink:
    """Answers zeros, and remembers what was sent and asked for."""

    def __init__(self):
        self.log, self.rows = [], {}

    def send(self, key, rows):
        self.log.append(("send", key.layer, key.microbatch))
        self.rows[key] = rows.x.shape

    def receive(self, key):
        self.log.append(("receive", key.layer, key.microbatch))
        return torch.zeros(self.rows.pop(key))

    def settle(self):
        pass


class RememberingLink(CountingLink):
    """Gives back what was sent."""

    def send(self, key, rows):
        super().send(key, rows)
        self.rows[key] = rows.x.clone()

    def receive(self, key):
        return self.rows.pop(key)

    @property
    def num_sent(self):
        return len(self.log)


def pipelined(link, **options):
    loaded, tensors = tiny_loaded(LLAMA)
    sides = build_attention(LLAMA, tensors, loaded.numerics)
    return PipelinedDecoder(Trunk(LLAMA, tensors, loaded.numerics), sides, link, **options), loaded


def forward(link, num_rows, **options):
    decoder, loaded = pipelined(link, **options)
    with torch.inference_mode():
        return decoder.forward(batch_of(num_rows, {num_rows - 1}), loaded.allocate_caches())


def test_the_attention_of_the_next_micro_batch_runs_before_a_result_is_waited_for():
    link = CountingLink()
    forward(link, 6, num_microbatches=2)
    assert link.log == [
        ("send", 0, 0), ("send", 0, 1),
        ("receive", 0, 0), ("send", 1, 0), ("receive", 0, 1), ("send", 1, 1),
        ("receive", 1, 0), ("receive", 1, 1),
    ]  # fmt: skip
    assert not link.rows


@pytest.mark.parametrize(("num_rows", "min_rows", "expected"), [(1, 1, 1), (7, 4, 1), (8, 4, 2)])
def test_a_micro_batch_has_the_least_number_of_rows(num_rows, min_rows, expected):
    link = CountingLink()
    forward(link, num_rows, num_microbatches=4, min_rows=min_rows)
    assert len({entry[2] for entry in link.log}) == expected


@pytest.mark.parametrize("count", [0, 5])
def test_only_one_to_four_micro_batches_are_known(count):
    with pytest.raises(ValueError, match=f"{count} micro-batches"):
        pipelined(CountingLink(), num_microbatches=count)


@pytest.mark.parametrize("num_microbatches", [1, 3])
def test_a_picture_in_the_middle_of_a_micro_batch_goes_in_its_own_rows(num_microbatches):
    link = RememberingLink()
    decoder, loaded = pipelined(link, num_microbatches=num_microbatches)
    values = torch.full((2, LLAMA.hidden_size), 7.0)
    batch = replace(batch_of(6, {5}), images=(ImageRows(torch.tensor([1, 4]), values),))
    text = decoder._trunk.embed(batch_of(6, {5}))
    embedded = decoder._trunk.embed(batch)
    assert torch.equal(embedded[[1, 4]], values)
    assert torch.equal(embedded[[0, 2, 3, 5]], text[[0, 2, 3, 5]])
    with torch.inference_mode():
        logits = decoder.forward(batch, loaded.allocate_caches())
        whole, other = pipelined(RememberingLink(), num_microbatches=1)
        assert torch.equal(logits, whole.forward(batch, other.allocate_caches()))
    assert link.num_sent == num_microbatches * LLAMA.num_layers


class BreakingLink(RememberingLink):
    """Loses the step once, at its n-th call."""

    def __init__(self, breaks_at):
        super().__init__()
        self.calls_left = breaks_at
        self.steps = set()

    def _count(self):
        self.calls_left -= 1
        if self.calls_left == 0:
            raise StepLostError

    def send(self, key, rows):
        self._count()
        self.steps.add(key.step)
        super().send(key, rows)

    def receive(self, key):
        self._count()
        return super().receive(key)

    def settle(self):
        self._count()


@pytest.mark.parametrize("breaks_at", [1, 3, 7, 9])
def test_a_step_that_is_lost_is_taken_again_and_gives_the_same(breaks_at):
    results = []
    for link in (BreakingLink(0), BreakingLink(breaks_at)):
        decoder, loaded = pipelined(link, num_microbatches=2)
        caches = loaded.allocate_caches()
        with torch.inference_mode():
            batches = (batch_of(6, {5}), batch_of(6, {5}))
            results.append([decoder.forward(batch, caches) for batch in batches])
    assert link.steps == ({2, 3} if breaks_at == 1 else {1, 2, 3})
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))
