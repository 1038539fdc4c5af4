"""Text of a growing sequence, a token at a time."""

from collections.abc import Sequence

from regard.serving.tokenizer import Tokenizer

REPLACEMENT = "\ufffd"
# A decoder may join or strip at the left edge: a few tokens before the new ones settle it.
CONTEXT_TOKENS = 5
# An incomplete UTF-8 character needs at most three more bytes, each a token at worst.
MAX_HELD_TOKENS = 4


class IncrementalDetokenizer:
    """Emits text as soon as its characters are complete."""

    def __init__(
        self, tokenizer: Tokenizer, prompt_token_ids: Sequence[int], skip_special: bool = True
    ) -> None:
        self._tokenizer = tokenizer
        self._skip_special = skip_special
        self._ids = list(prompt_token_ids[-CONTEXT_TOKENS:])
        self._emitted_to = len(self._ids)

    def push(self, token_id: int) -> str:
        """Add a token; the text that is complete by it."""
        self._ids.append(token_id)
        return self._emit(keep_incomplete=True)

    def flush(self) -> str:
        """The rest, incomplete characters as U+FFFD."""
        return self._emit(keep_incomplete=False)

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
