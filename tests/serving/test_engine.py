import random

import pytest
import torch

from regard.serving.engine import Engine
from regard.serving.errors import ContextLengthError, InvalidRequestError
from regard.serving.intake import make_requests
from regard.serving.kernels import native
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams, StructuredOutput
from tests.serving.tiny import LLAMA, STEP3, tiny_engine

GREEDY = SamplingParams(temperature=0.0, max_tokens=12, ignore_eos=True)


def run(engine: Engine, jobs: list[tuple[list[int], SamplingParams]]) -> list[list[int]]:
    """Run jobs in one batch; the output tokens of each."""
    for number, (prompt, params) in enumerate(jobs):
        generation = GenerationRequest(str(number), tuple(prompt), params)
        for request in make_requests(generation, engine.max_model_len, None):
            engine.add_request(request)
    tokens: dict[str, list[int]] = {str(number): [] for number in range(len(jobs))}
    for _ in range(3000):
        if not engine.has_unfinished():
            break
        for output in engine.step():
            assert output.error is None, output.error
            tokens[output.request_id] += output.token_ids
        held = [*engine.scheduler.running, *engine.scheduler.waiting]
        engine.kv_cache.check_invariants(held)
    assert engine.kv_cache.num_free_blocks == engine.kv_cache.num_blocks
    return list(tokens.values())


def prompts(count: int, longest: int = 60) -> list[list[int]]:
    rng = random.Random(count)
    return [[rng.randrange(256) for _ in range(rng.randrange(1, longest))] for _ in range(count)]


@pytest.fixture(params=[True, False], ids=["native", "torch"])
def kernels(request, monkeypatch):
    """Both implementations of the kernels."""
    if not request.param:
        monkeypatch.setattr(native, "is_available", lambda: False)
    elif not native.is_available():
        pytest.skip(f"no native kernels: {native.why_unavailable()}")


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("model", [LLAMA, STEP3], ids=["llama", "step3"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_num_batched_tokens": 16, "max_num_seqs": 9},
        {"num_blocks": 16},
        {"enable_prefix_caching": False},
    ],
    ids=["plain", "chunked", "preempting", "uncached"],
)
def test_exact_answers_do_not_depend_on_the_batch(model, options):
    jobs = [(prompt, GREEDY) for prompt in prompts(9)]
    alone = [run(tiny_engine(model), [job])[0] for job in jobs]
    engine = tiny_engine(model, **options)
    assert run(engine, jobs) == alone
    if "num_blocks" in options:
        assert engine.stats().num_preemptions > 0
    assert len({tuple(tokens) for tokens in alone}) > 5, "the answers must differ to mean anything"


def test_exact_logits_are_bitwise_equal_for_1_to_64_rows():
    seen: dict[int, torch.Tensor] = {}
    for rows in (64, 1, 2, 3, 5, 16, 17, 33, 63):
        engine = tiny_engine(num_blocks=600, max_num_seqs=64)
        logits = []
        forward = engine._forward

        def recording(batch, caches, forward=forward, logits=logits):
            logits.append(forward(batch, caches))
            return logits[-1]

        engine._forward = recording
        params = SamplingParams(temperature=0.0, max_tokens=1)
        run(engine, [([i, 7, 9, i], params) for i in range(rows)])
        together = torch.cat(logits)
        assert together.shape[0] == rows
        seen = seen or dict(enumerate(together))
        assert all(torch.equal(seen[i], together[i]) for i in range(rows)), rows


def test_a_second_equal_prompt_is_read_from_the_cache():
    engine = tiny_engine()
    prompt = prompts(1, longest=400)[0] + [1] * 30
    first = run(engine, [(prompt, GREEDY)])
    before = engine.stats().prefix_hit_tokens
    assert run(engine, [(prompt, GREEDY)]) == first
    block = engine.config.block_size
    assert engine.stats().prefix_hit_tokens - before == (len(prompt) - 1) // block * block


def test_same_seed_same_tokens_whatever_else_runs():
    params = SamplingParams(temperature=1.0, seed=5, max_tokens=20, ignore_eos=True)
    other = SamplingParams(temperature=1.0, max_tokens=20, ignore_eos=True)
    prompt = [3, 1, 4]
    alone = run(tiny_engine(), [(prompt, params)])[0]
    crowd = [(p, other) for p in prompts(5)]
    assert run(tiny_engine(num_blocks=14), [*crowd, (prompt, params), *crowd])[5] == alone
    assert (
        run(
            tiny_engine(),
            [(prompt, SamplingParams(temperature=1.0, seed=6, max_tokens=20, ignore_eos=True))],
        )[0]
        != alone
    )


def test_a_failing_step_fails_its_batch_and_no_more(caplog):
    engine = tiny_engine()
    forward, calls = engine._forward, []

    def failing(batch, caches):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("planted")
        return forward(batch, caches)

    engine._forward = failing
    engine.add_request(make_requests(GenerationRequest("a", (1, 2), GREEDY), 512, None)[0])
    outputs = [output for _ in range(3) for output in engine.step()]
    assert outputs[-1].finish_reason == "error"
    assert outputs[-1].error == "RuntimeError: planted"
    assert "planted" in caplog.text
    assert engine.stats().step_failures == 1
    assert run(engine, [([1, 2], GREEDY)]) == run(tiny_engine(), [([1, 2], GREEDY)])


def test_an_aborted_request_frees_its_blocks_at_once():
    engine = tiny_engine()
    engine.add_request(make_requests(GenerationRequest("a", (1,) * 50, GREEDY), 512, None)[0])
    engine.step()
    assert engine.kv_cache.usage > 0
    engine.abort("a")
    assert engine.kv_cache.usage == 0
    assert not engine.has_unfinished()
    engine.abort("a")


def test_a_grammar_holds_the_output():
    engine = tiny_engine()
    params = SamplingParams(
        temperature=1.0,
        seed=1,
        max_tokens=40,
        structured=StructuredOutput("regex", "[ab]{3}-[0-9]{2}"),
    )
    tokens = run(engine, [([5, 6], params)])[0]
    text = engine.tokenizer.decode(tokens)
    assert len(text) == 6
    assert set(text[:3]) <= {"a", "b"}
    assert text[3] == "-"
    assert text[4:].isdigit()


def test_an_impossible_grammar_is_refused_and_leaves_nothing_behind():
    engine = tiny_engine()
    params = SamplingParams(structured=StructuredOutput("regex", "(["))
    with pytest.raises(InvalidRequestError, match="regex cannot be used"):
        engine.add_request(make_requests(GenerationRequest("a", (1,), params), 512, None)[0])
    assert not engine.has_unfinished()
    assert engine._sequences._open == {}


def test_a_request_that_can_outgrow_the_cache_is_refused():
    engine = tiny_engine(num_blocks=2)
    params = SamplingParams(max_tokens=100)
    with pytest.raises(ContextLengthError, match="can reach 104 tokens.*holds 16"):
        engine.add_request(
            make_requests(GenerationRequest("a", (1, 2, 3, 4), params), 512, None)[0]
        )


def test_fast_mode_gives_the_tokens_of_exact_mode_on_a_tiny_model():
    jobs = [(prompt, GREEDY) for prompt in prompts(6)]
    assert run(tiny_engine(mode="fast"), jobs) == run(tiny_engine(mode="exact"), jobs)


def test_a_grammar_that_cannot_go_on_ends_its_request_and_no_other(monkeypatch):
    engine = tiny_engine()
    state = StructuredOutput("regex", "a.{4}")
    params = SamplingParams(temperature=0.0, max_tokens=9, structured=state)
    for name, own in (("a", params), ("b", GREEDY)):
        engine.add_request(make_requests(GenerationRequest(name, (1, 2), own), 512, None)[0])
    grammar = engine._sequences._open["a"].grammar
    grammar = engine._sequences._open["a"].grammar
    monkeypatch.setattr(grammar, "accept", lambda token_id: setattr(grammar, "problem", "planted"))
    outputs = [output for _ in range(20) for output in engine.step()]
    ends = {o.request_id: (o.finish_reason, o.stop_reason) for o in outputs if o.finish_reason}
    assert ends == {"a": ("error", "grammar"), "b": ("length", None)}
    assert engine.stats().step_failures == 0
    assert engine.kv_cache.usage == 0


def test_a_step_too_small_for_all_that_may_run_is_refused():
    with pytest.raises(InvalidRequestError, match="max_num_batched_tokens is 8, less than"):
        tiny_engine(max_num_batched_tokens=8, max_num_seqs=9)
