"""Log-probabilities in the two shapes of OpenAI's API."""

from collections.abc import Sequence

from regard.serving.outputs import TokenLogprobs
from regard.serving.server.chat_protocol import ChatLogprobs, TokenLogprob, TopLogprob
from regard.serving.server.completion_protocol import CompletionLogprobs
from regard.serving.server.contract import ServingTokenizer

# What OpenAI sends for a token that cannot be: JSON has no infinity.
IMPOSSIBLE = -9999.0


def chat_logprobs(tokenizer: ServingTokenizer, entries: Sequence[TokenLogprobs]) -> ChatLogprobs:
    """The shape of `/v1/chat/completions`: bytes beside each token's text."""
    return ChatLogprobs(content=[_chat_entry(tokenizer, entry) for entry in entries], refusal=None)


def _chat_entry(tokenizer: ServingTokenizer, entry: TokenLogprobs) -> TokenLogprob:
    chosen = _chat_token(tokenizer, entry.token_id, entry.logprob)
    return TokenLogprob(
        token=chosen.token,
        bytes=chosen.bytes,
        logprob=chosen.logprob,
        top_logprobs=[_chat_token(tokenizer, *pair) for pair in entry.top],
    )


def _chat_token(tokenizer: ServingTokenizer, token_id: int, logprob: float) -> TopLogprob:
    data = tokenizer.convert_id_to_bytes(token_id)
    text = data.decode("utf-8", errors="replace")
    return TopLogprob(token=text, bytes=list(data), logprob=max(logprob, IMPOSSIBLE))


def completion_logprobs(
    tokenizer: ServingTokenizer,
    entries: Sequence[TokenLogprobs],
    *,
    with_top: bool,
    text_offset: int,
) -> CompletionLogprobs:
    """The shape of `/v1/completions`.

    Args:
        tokenizer: turns ids to text.
        entries: one a token.
        with_top: whether alternatives were asked for.
        text_offset: characters before the first of these tokens.
    """
    tokens = [_completion_token(tokenizer, entry.token_id) for entry in entries]
    offsets = []
    for token in tokens:
        offsets.append(text_offset)
        text_offset += len(token)
    tops = [
        {
            _completion_token(tokenizer, token_id): max(value, IMPOSSIBLE)
            for token_id, value in e.top
        }
        for e in entries
    ]
    return CompletionLogprobs(
        tokens=tokens,
        token_logprobs=[max(entry.logprob, IMPOSSIBLE) for entry in entries],
        top_logprobs=tops if with_top else None,
        text_offset=offsets,
    )


def _completion_token(tokenizer: ServingTokenizer, token_id: int) -> str:
    data = tokenizer.convert_id_to_bytes(token_id)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Half characters would all become the same replacement character, and keys must differ.
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)
