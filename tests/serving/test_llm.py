import base64
from pathlib import Path

import pytest

from regard.serving import llm as module
from regard.serving.errors import InvalidRequestError, StepFailedError
from regard.serving.llm import LLM
from regard.serving.sampling_params import SamplingParams
from tests.serving.tiny import tiny_engine
from tests.serving.tiny_vision import encoded, picture, write_checkpoint

GREEDY = SamplingParams(temperature=0.0, max_tokens=6, ignore_eos=True)


@pytest.fixture
def llm(monkeypatch):
    """The offline API over a tiny engine."""
    monkeypatch.setattr(module, "Engine", lambda config: tiny_engine(max_waiting=4))
    return LLM("tiny")


def test_texts_and_token_ids_are_the_same_prompt(llm):
    text = "hello"
    ids = llm.tokenizer.encode(text)
    by_text, by_ids = (llm.generate(prompt, GREEDY, progress=False)[0] for prompt in (text, ids))
    assert by_text.token_ids == by_ids.token_ids
    assert by_text.text == llm.tokenizer.decode(by_text.token_ids)


def test_more_prompts_than_may_wait_all_come_back_in_order(llm):
    prompts = [[i, i + 1] for i in range(20)]
    together = llm.generate(prompts, GREEDY, progress=False)
    assert [c.prompt for c in together] == prompts
    assert together[7].token_ids == llm.generate([prompts[7]], GREEDY, progress=False)[0].token_ids


def test_each_prompt_may_have_parameters_of_its_own(llm):
    each = [SamplingParams(temperature=0.0, max_tokens=n, ignore_eos=True) for n in (2, 5)]
    assert [len(c.token_ids) for c in llm.generate(["a", "b"], each, progress=False)] == [2, 5]


def test_n_completions_stand_beside_each_other(llm):
    params = SamplingParams(n=2, seed=1, max_tokens=5, ignore_eos=True)
    completions = llm.generate(["a", "b"], params, progress=False)
    assert [(c.prompt, c.index) for c in completions] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_a_chat_is_laid_out_by_the_template(llm):
    message = {"role": "user", "content": "hi"}
    (one,) = llm.chat([message], GREEDY, progress=False)
    assert one.prompt == "user: hi\nassistant: "
    assert [c.text for c in llm.chat([[message], [message]], GREEDY, progress=False)] == [
        one.text
    ] * 2


def test_logprobs_come_one_a_token(llm):
    params = SamplingParams(temperature=0.0, max_tokens=4, ignore_eos=True, logprobs=2)
    (completion,) = llm.generate(["a"], params, progress=False)
    assert len(completion.logprobs) == 4
    assert [entry.token_id for entry in completion.logprobs] == list(completion.token_ids)
    assert all(entry.top[0][0] == entry.token_id for entry in completion.logprobs)


def test_a_failed_step_is_raised(llm):
    def fail(batch, caches):
        raise RuntimeError("planted")

    llm.engine._forward = fail
    with pytest.raises(StepFailedError, match="planted"):
        llm.generate(["a"], GREEDY, progress=False)


async def test_a_stream_gives_the_same_tokens(llm):
    (whole,) = llm.generate(["abc"], GREEDY, progress=False)
    outputs = [output async for output in llm.stream("abc", GREEDY)]
    assert tuple(token for output in outputs for token in output.token_ids) == whole.token_ids
    assert outputs[-1].finish_reason == "length"


def test_pictures_of_a_chat_come_as_data_uris(tmp_path: Path):
    options = {"mode": "exact", "device": "cpu", "kv_cache_memory_gib": 0.01, "block_size": 8}
    seeing = LLM(str(write_checkpoint(tmp_path)), **options)
    params = SamplingParams(temperature=0.0, max_tokens=4, ignore_eos=True, logprobs=0)

    def answer(seed: int) -> list[float]:
        data = base64.b64encode(encoded(picture(48, 48, seed))).decode()
        parts = [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
            {"type": "text", "text": "?"},
        ]
        (one,) = seeing.chat([{"role": "user", "content": parts}], params, progress=False)
        assert one.prompt == "user: <im_patch>?\nassistant: "
        return [entry.logprob for entry in one.logprobs]

    assert answer(1) == answer(1) != answer(2)


def test_a_picture_is_refused_where_the_model_takes_text(llm):
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    with pytest.raises(InvalidRequestError, match="text only"):
        llm.chat([{"role": "user", "content": parts}], GREEDY, progress=False)
