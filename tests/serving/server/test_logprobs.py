import math

from regard.serving.outputs import TokenLogprobs
from regard.serving.server.logprobs import chat_logprobs, completion_logprobs
from tests.serving.server.fake_engine import FakeTokenizer

# The two bytes of an e with an acute accent.
HALVES = [TokenLogprobs(0xC3, -1.0, ((0xC3, -1.0), (0xA9, -2.0))), TokenLogprobs(0xA9, -math.inf)]


def test_half_characters_keep_their_bytes_in_chats():
    content = chat_logprobs(FakeTokenizer(), HALVES).content
    assert b"".join(bytes(entry.bytes) for entry in content).decode() == "é"
    assert content[0].token == "\ufffd"


def test_half_characters_keep_apart_as_keys_of_completions():
    found = completion_logprobs(FakeTokenizer(), HALVES, with_top=True, text_offset=0)
    assert found.top_logprobs is not None
    assert found.top_logprobs[0] == {"bytes:\\xc3": -1.0, "bytes:\\xa9": -2.0}


def test_impossible_tokens_have_a_number_that_json_knows():
    assert chat_logprobs(FakeTokenizer(), HALVES).content[1].logprob == -9999.0
    found = completion_logprobs(FakeTokenizer(), HALVES, with_top=False, text_offset=3)
    assert found.token_logprobs[1] == -9999.0
    assert found.text_offset[0] == 3
