import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.afd.codec import Shape
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.frames import FrameError
from regard.serving.afd.link.word import pack, unpack
from tests.serving.afd.link.networks import HIDDEN, options

LARGE = options(max_rows=(1 << 20) - 1, top_k=255)


@given(
    step=st.integers(0, (1 << 24) - 1),
    layer=st.integers(0, 1023),
    rows=st.integers(1, LARGE.max_rows),
    top_k=st.integers(0, 255),
)
def test_a_word_says_what_came_and_a_gpu_can_wait_for_it(step, layer, rows, top_k):
    key, shape = Key(step, layer, 3), Shape(rows, HIDDEN, top_k)
    word = pack(key, shape)
    assert 1 <= word & 0xFFFFFFFF < 1 << 31
    assert word < 1 << 64
    assert unpack(word, 3, LARGE) == (key, shape)


def test_steps_beyond_its_bits_begin_again():
    key, shape = Key((1 << 24) + 5, 0, 0), Shape(1, HIDDEN, 0)
    assert unpack(pack(key, shape), 0, LARGE)[0].step == 5


@pytest.mark.parametrize("shape", [Shape(0, HIDDEN, 0), Shape(65, HIDDEN, 0), Shape(1, HIDDEN, 4)])
def test_what_nobody_could_have_sent_is_refused(shape):
    with pytest.raises(FrameError, match=f"{shape.rows} rows to {shape.top_k} experts"):
        unpack(pack(Key(1, 0, 0), shape), 0, options())
