import pytest

from benchmarks.serving.full import check as check_module
from benchmarks.serving.full import weights
from benchmarks.serving.full.build import plain_operators
from benchmarks.serving.full.check import CheckError, check_layers, check_topologies, exact_config
from benchmarks.serving.full.host_machine import HostMachine
from benchmarks.serving.full.plain import PlainAttention, PlainFfn
from tests.benchmarks.full.cases import CPU, devices, mini, whole


def machine(where):
    return HostMachine()


def pick(num_attention, num_ffn):
    return [CPU] * num_attention, [CPU] * num_ffn


@pytest.fixture
def few(monkeypatch):
    """Fewer layers, steps and parts than on GPUs."""
    monkeypatch.setattr(check_module, "NUM_LAYERS", 4)
    monkeypatch.setattr(check_module, "NUM_TOKENS", 16)
    monkeypatch.setattr(check_module, "EXACT_STEPS", 2)
    monkeypatch.setattr(check_module, "EXACT_PARTS", 4)
    monkeypatch.setattr(check_module, "EXACT_CONTEXT", 64)


def test_plain_torch_is_within_its_own_bound(few):
    config = mini(layers=None)
    line = check_layers(config, machine, devices(config), plain_operators())
    assert line.startswith("4 layers, 16 tokens: error 0.0")


class WrongFfn(PlainFfn):
    """Forgets an expert."""

    def take_in(self, position, microbatch):
        super().take_in(position, microbatch)
        tokens, chosen, shares = self._held[microbatch]
        self._held[microbatch] = tokens, chosen, shares.where(chosen != 3, 0.0)


class WrongAttention(PlainAttention):
    """Leaves out what the last FFN GPU sent."""

    def _add_received(self, chunk):
        chunk.received[-1].zero_()
        super()._add_received(chunk)


@pytest.mark.parametrize(
    "wrong", [(PlainAttention, WrongFfn), (WrongAttention, PlainFfn)], ids=["expert", "sum"]
)
def test_a_wrong_layer_is_noticed(wrong, few, monkeypatch):
    # So that attention over a short context adds as little as over one of thousands.
    monkeypatch.setattr(weights, "ATTENTION_GAIN", 0.6)
    config = mini(2, 2, layers=None)
    with pytest.raises(CheckError, match="the layers are wrong"):
        check_layers(config, machine, devices(config), wrong)


def test_every_topology_samples_the_same_tokens(few):
    config = mini(layers=None)
    line = check_topologies(config, [(1, 1), (2, 3), (1, 3)], machine, pick)
    assert line.startswith("1A1F, 2A3F, 1A3F: the same 32 tokens")


def test_another_token_is_noticed(few, monkeypatch):
    config = mini(layers=None)

    def finish(self, microbatch, finish=PlainAttention.finish):
        finish(self, microbatch)
        if self.side.index == 1:
            self.side.microbatches[microbatch][0].tokens[2] ^= 1

    monkeypatch.setattr(PlainAttention, "finish", finish)
    with pytest.raises(CheckError, match="2A2F samples .* other tokens than 1A1F"):
        check_topologies(config, [(1, 1), (2, 2)], machine, pick)


def test_the_exact_case_of_the_model_has_experts_and_as_many_parts_everywhere():
    for num_attention in (1, 2, 4, 5):
        config = exact_config(whole(), num_attention, 3)
        assert [config.is_dense(i) for i in range(4)] == [True, False, False, False]
        parts = config.num_attention * config.num_microbatches * config.num_chunks
        assert (parts, config.chunk_rows, config.exact) == (40, 4, True)
