import pytest

from regard.serving.errors import ContextLengthError, EngineStoppedError, UnknownModelError
from regard.serving.outputs import RequestOutput
from regard.serving.server.config import ServerConfig
from regard.serving.server.context import ServerContext, count_usage
from regard.serving.server.generation import Gain
from regard.serving.server.metrics import ServerMetrics
from tests.serving.server.fake_engine import FakeEngine


@pytest.fixture
def context(engine: FakeEngine) -> ServerContext:
    return ServerContext(engine, ServerConfig(), ServerMetrics(engine))


def test_the_first_model_answers_where_none_is_named(context: ServerContext):
    assert context.admit(None, "cmpl").model == "fake"
    assert context.admit("fake-adapter", "cmpl").model == "fake-adapter"


def test_ids_are_never_given_twice(context: ServerContext):
    assert len({context.admit(None, "cmpl").id for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["", "other", "x" * 10_000])
def test_an_unknown_model_is_refused_shortly(context: ServerContext, name: str):
    with pytest.raises(UnknownModelError) as refusal:
        context.admit(name, "cmpl")
    assert len(str(refusal.value)) < 300


def test_nothing_is_admitted_while_stopping(context: ServerContext, engine: FakeEngine):
    engine.is_stopping = True
    with pytest.raises(EngineStoppedError):
        context.admit(None, "cmpl")


@pytest.mark.parametrize(("prompt", "wanted"), [(511, None), (511, 1), (1, 511)])
def test_what_just_fits_is_let_through(context: ServerContext, prompt: int, wanted: int | None):
    context.check_length(prompt, wanted)


@pytest.mark.parametrize(("prompt", "wanted"), [(512, None), (511, 2), (1, 512)])
def test_one_token_more_is_refused(context: ServerContext, prompt: int, wanted: int | None):
    with pytest.raises(ContextLengthError, match=f"{prompt}.*512|512.*{prompt}"):
        context.check_length(prompt, wanted)


def test_usage_counts_prompts_once_and_all_outputs():
    def gain(prompt_index: int, index: int, num_output_tokens: int) -> Gain:
        output = RequestOutput("x", index, "", (), None, None, None, 10, 8, num_output_tokens)
        return Gain(prompt_index, output)

    usage = count_usage([gain(0, 0, 1), gain(0, 1, 1), gain(0, 0, 2), gain(1, 0, 5)])
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (20, 8, 28)
    assert usage.prompt_tokens_details.cached_tokens == 16
