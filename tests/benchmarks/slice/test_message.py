import torch

from benchmarks.serving.slice.message import Message

CPU = torch.device("cpu")


def test_the_parts_are_views_of_the_buffer_and_fill_it():
    message = Message.allocate(8, CPU)
    parts = (message.rows.values, message.rows.scales, message.chosen, message.shares)
    begin = message.buffer.data_ptr()
    for part in parts:
        assert part.is_contiguous()
        assert part.data_ptr() == begin
        begin += part.numel() * part.element_size()
    assert begin == message.buffer.data_ptr() + message.buffer.numel()


def test_a_copy_of_the_buffer_carries_every_part():
    sent, received = Message.allocate(8, CPU), Message.allocate(8, CPU)
    sent.rows.values.copy_(torch.arange(8)[:, None].float().expand_as(sent.rows.values))
    sent.rows.scales.uniform_()
    sent.chosen.random_(48)
    sent.shares.uniform_()
    received.buffer.copy_(sent.buffer)
    assert torch.equal(received.rows.values.float(), sent.rows.values.float())
    assert torch.equal(received.rows.scales, sent.rows.scales)
    assert torch.equal(received.chosen, sent.chosen)
    assert torch.equal(received.shares, sent.shares)


def test_bytes_are_those_of_fp8_tokens_scales_and_routes_for_two_servers():
    message = Message.allocate(128, CPU)
    token = 7168 + 7168 // 128 * 4 + 3 * 4 + 3 * 4
    assert message.buffer.numel() == 128 * token
    assert message.wire_bytes == 2 * 128 * token


def test_scales_begin_where_the_copy_engine_accepts_them():
    for batch in (4, 128, 172):
        message = Message.allocate(batch, CPU)
        offset = message.rows.scales.data_ptr() - message.buffer.data_ptr()
        assert offset % 16 == 0
        assert message.rows.scales.stride(0) * 4 % 16 == 0
