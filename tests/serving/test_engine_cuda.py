"""The engine on a GPU."""

import pytest
import torch

from tests.serving.test_engine import GREEDY, prompts, run
from tests.serving.tiny import LLAMA, STEP3, tiny_engine

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("model", [LLAMA, STEP3], ids=["llama", "step3"])
def test_exact_answers_do_not_depend_on_the_batch_and_are_those_of_the_cpu(model):
    jobs = [(prompt, GREEDY) for prompt in prompts(9)]
    alone = [run(tiny_engine(model, device="cuda"), [job])[0] for job in jobs]
    assert run(tiny_engine(model, device="cuda", num_blocks=16), jobs) == alone
    assert run(tiny_engine(model, device="cpu"), jobs) == alone


@pytest.mark.parametrize("dtype", ["auto", "bfloat16", "float16", "float32"])
def test_fast_mode_runs_in_each_type(dtype):
    engine = tiny_engine(device="cuda", mode="fast", dtype=dtype)
    answers = run(engine, [(prompt, GREEDY) for prompt in prompts(5)])
    assert [len(tokens) for tokens in answers] == [12] * 5
