import pytest
import torch

from benchmarks.serving.full.message import Message, message_bytes, result_bytes, step_bytes
from regard.serving.kernels.block_scaled.reference import dequantise_rows, quantise_rows
from tests.benchmarks.full.cases import mini, whole

TOKEN = 7168 + 7168 // 128 * 4 + 3 * 4 + 3 * 4


def test_bytes_are_those_of_fp8_tokens_scales_and_routes():
    config = whole(batch=396)
    assert message_bytes(config) == 396 * TOKEN
    assert result_bytes(config) == 396 * 7168 * 2


def test_a_step_sends_each_message_to_every_ffn_gpu_in_every_layer():
    config = whole(5, 3, batch=128, num_microbatches=3)
    out, back = step_bytes(config)
    assert out == 61 * 3 * 5 * 3 * 128 * TOKEN
    assert back == 61 * 3 * 5 * 3 * 128 * 7168 * 2


@pytest.mark.parametrize("exact", [False, True])
def test_parts_fill_their_buffer_without_overlap(exact):
    config = mini(batch=8, rows_at_a_time=4, exact=exact)
    buffer = torch.zeros(message_bytes(config), dtype=torch.uint8)
    parts = Message.parts(buffer, config)
    assert len(parts) == 2
    begin = buffer.data_ptr()
    for part in parts:
        for view in (part.rows.values, part.rows.scales, part.chosen, part.shares):
            assert view.is_contiguous()
            if view.numel():
                assert view.data_ptr() == begin
            begin += view.numel() * view.element_size()
    assert begin == buffer.data_ptr() + buffer.numel()


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_put_arrives_with_a_copy_of_the_buffer(exact):
    config = mini(exact=exact)
    sent, received = (torch.zeros(message_bytes(config), dtype=torch.uint8) for _ in range(2))
    (one,), (other,) = Message.parts(sent, config), Message.parts(received, config)
    tokens = torch.randn(4, 256, dtype=torch.float64)
    one.put(tokens)
    one.chosen.random_(16)
    received.copy_(sent)
    expected = tokens if exact else dequantise_rows(*quantise_rows(tokens.float()))
    assert torch.equal(other.tokens(), expected)
    assert torch.equal(other.chosen, one.chosen)


def test_scales_of_the_model_begin_where_the_copy_engine_accepts_them():
    config = whole(batch=396)
    buffer = torch.zeros(message_bytes(config), dtype=torch.uint8)
    for part in Message.parts(buffer, config):
        assert (part.rows.scales.data_ptr() - buffer.data_ptr()) % 16 == 0
        assert part.rows.scales.stride(0) * 4 % 16 == 0
