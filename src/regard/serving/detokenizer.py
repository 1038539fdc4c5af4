"""Text of a growing sequence, a token at a time."""

import codecs
from collections.abc import Sequence

from regard.serving.tokenizer import Tokenizer

REPLACEMENT = "\ufffd"
# A decoder may join or strip at the left edge: a few tokens before the new ones settle it.
CONTEXT_TOKENS = 5
# An incomplete UTF-8 character needs at most three more bytes, each a token at worst.
MAX_HELD_TOKENS = 4


class IncrementalDetokenizer:
    """Emits text as soon as its characters are complete.

    Where tokens are bytes, these go through a UTF-8 decoder. Other tokenizers say only what the
    text of several tokens is: the text of a few more than the new ones is compared.
    """

    def __init__(
        self, tokenizer: Tokenizer, prompt_token_ids: Sequence[int], skip_special: bool = True
    ) -> None:
        self._tokenizer = tokenizer
        self._skip_special = skip_special
        self._ids = list(prompt_token_ids[-CONTEXT_TOKENS:])
        self._emitted_to = len(self._ids)
        self._utf8: codecs.IncrementalDecoder | None = None
        if tokenizer.knows_bytes:
            self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
            for token_id in self._ids:
                self._utf8.decode(self._bytes(token_id))

    def push(self, token_id: int) -> str:
        """Add a token; the text that is complete by it."""
        if self._utf8 is not None:
            return self._utf8.decode(self._bytes(token_id))
        self._ids.append(token_id)
        return self._emit(keep_incomplete=True)

    def flush(self) -> str:
        """The rest, incomplete characters as U+FFFD."""
        if self._utf8 is not None:
            return self._utf8.decode(b"", final=True)
        return self._emit(keep_incomplete=False)

    def _bytes(self, token_id: int) -> bytes:
        if self._skip_special and self._tokenizer.is_special(token_id):
            return b""
        return self._tokenizer.convert_id_to_bytes(token_id)

    def _emit(self, *, keep_incomplete: bool) -> str:
        before = self._decode(self._ids[: self._emitted_to])
        text = self._decode(self._ids)
        held = len(self._ids) - self._emitted_to
        if keep_incomplete and text.endswith(REPLACEMENT) and held < MAX_HELD_TOKENS:
            return ""
        start = max(0, len(self._ids) - CONTEXT_TOKENS)
        self._ids = self._ids[start:]
        self._emitted_to = len(self._ids)
        return text[len(before) :]

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special=self._skip_special)
