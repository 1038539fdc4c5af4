import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.serving.afd.codec import CODECS, Shape, make_codec, shape_of
from regard.serving.errors import InvalidRequestError
from regard.serving.models.feed_forward import FeedForwardInput


def rows_of(rows, hidden, top_k, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return FeedForwardInput(
        torch.randn(rows, hidden, generator=generator) * scale,
        torch.randint(-1, 48, (rows, top_k), generator=generator),
        torch.rand(rows, top_k, generator=generator),
    )


SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 300), st.integers(0, 4))


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 9))
def test_rows_and_routing_survive_the_wire(name, shape, seed):
    codec, rows = make_codec(name, is_exact=False), rows_of(*shape, seed)
    assert shape_of(rows) == Shape(*shape)
    buffer = torch.full((codec.rows_nbytes(Shape(*shape)),), 0xFF, dtype=torch.uint8)
    codec.encode_rows(rows, buffer)
    got = codec.decode_rows(buffer, Shape(*shape))
    assert torch.equal(got.expert_ids, rows.expert_ids)
    assert torch.equal(got.expert_weights, rows.expert_weights)
    if name == "float32":
        assert torch.equal(got.x, rows.x)
    else:
        # e4m3 has three bits of mantissa: half a step is 1/16 of a value, and in the range without
        # exponents 2^-10 of the scale, which is the block's largest magnitude / 448.
        largest = rows.x.abs().max()
        bound = rows.x.abs() / 16 + largest / 448 * 2**-10
        assert ((got.x - rows.x).abs() <= bound * 1.0001).all()


@pytest.mark.parametrize(("name", "relative"), [("float32", 0.0), ("fp8", 2**-8)])
def test_results_survive_the_wire(name, relative):
    codec = make_codec(name, is_exact=False)
    result = torch.randn(5, 77)
    shape = Shape(5, 77, 0)
    buffer = torch.full((codec.result_nbytes(shape),), 0xFF, dtype=torch.uint8)
    codec.encode_result(result, buffer)
    got = codec.decode_result(buffer, shape)
    assert got.dtype == torch.float32
    assert ((got - result).abs() <= result.abs() * relative).all()


def test_the_paper_s_wire_takes_the_paper_s_bytes():
    # Facts 3.3: 7168 FP8 values and 56 scales a token out, 7168 BF16 values back.
    shape = Shape(128, 7168, 3)
    codec = make_codec("fp8", is_exact=False)
    assert codec.rows_nbytes(shape) == 128 * (7168 + 56 * 4 + 3 * 4 + 3 * 2)
    assert codec.result_nbytes(shape) == 128 * 7168 * 2


def test_one_outlier_spoils_its_own_block_only():
    rows = rows_of(1, 256, 0)
    rows.x[0, 0] = 1e6
    codec = make_codec("fp8", is_exact=False)
    buffer = torch.empty(codec.rows_nbytes(Shape(1, 256, 0)), dtype=torch.uint8)
    codec.encode_rows(rows, buffer)
    error = (codec.decode_rows(buffer, Shape(1, 256, 0)).x - rows.x).abs()
    assert error[0, 1:128].max() > 0.5
    assert error[0, 128:].max() < 0.2


def test_zeros_stay_zeros():
    rows = FeedForwardInput(torch.zeros(2, 130), torch.empty(2, 0).long(), torch.empty(2, 0))
    codec = make_codec("fp8", is_exact=False)
    buffer = torch.full((codec.rows_nbytes(Shape(2, 130, 0)),), 0xFF, dtype=torch.uint8)
    codec.encode_rows(rows, buffer)
    assert torch.equal(codec.decode_rows(buffer, Shape(2, 130, 0)).x, rows.x)


def test_auto_is_float32_in_exact_mode_and_fp8_otherwise():
    assert make_codec("auto", is_exact=True).name == "float32"
    assert make_codec("auto", is_exact=False).name == "fp8"


def test_an_unknown_or_lossy_wire_is_refused():
    with pytest.raises(InvalidRequestError, match="unknown wire 'int4'; known: auto, float32, fp8"):
        make_codec("int4", is_exact=False)
    with pytest.raises(InvalidRequestError, match="quantises nothing; the wire is 'fp8'"):
        make_codec("fp8", is_exact=True)
